"""A first trade: one offers, one buys, and both look at what became of it.

hourbook serve                      in one terminal
hourbook ctl quickstart             in another: prints two `export` lines to paste, and an instrument
python first_order.py GP.CNNM.A.H20261124T17
"""

import argparse
import os

from hourbook import Client, Refused

ADDRESS = os.environ.get("HOURBOOK_ADDRESS", "127.0.0.1:7070")


def main(symbol: str) -> None:
    with Client(ADDRESS, os.environ["SELLER"]) as seller, Client(ADDRESS, os.environ["BUYER"]) as buyer:
        instrument = seller.fetch_market(symbol)
        price = instrument.reference_price or instrument.tick
        offer = seller.create_order(symbol, "limit", "sell", 10, price)
        print(f"offered  {offer.remaining} lots of {symbol} at {price} {instrument.currency} an hour")
        order = buyer.create_order(symbol, "limit", "buy", 10, price)
        for fill in order.fills:
            print(f"bought   {fill.quantity} at {fill.price}, fee {fill.fee}, trade {fill.trade_id}")
        try:
            buyer.create_order(symbol, "limit", "buy", 10, price + instrument.tick / 2)
        except Refused as refused:
            print(f"refused  {type(refused).__name__}: {refused}")
        balance = buyer.fetch_balance()[instrument.currency]
        print(f"cash     {balance.cash} {balance.currency}, and {balance.escrow} in escrow until delivery")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symbol", help="the instrument, such as GP.CNNM.A.H20261124T17")
    symbol = parser.parse_args().symbol
    if not (os.environ.get("SELLER") and os.environ.get("BUYER")):
        parser.error("SELLER and BUYER are to hold the two keys")
    main(symbol)
