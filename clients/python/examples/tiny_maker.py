"""A maker in a page: quotes one instrument about its fair price, and leans against what it holds.

    HOURBOOK_KEY=hb_... python tiny_maker.py GP.CNNM.A.H20261124T17 60

Needs a key of role maker, of an account with money and capacity. Fair prices come from the exchange's own pricing; the quotes
stand in a session, and are gone when it ends, however it ends. `hourbook maker` is one for real.
"""

import asyncio
import os
import sys
from decimal import Decimal

from hourbook import AsyncClient, AsyncSession, PriceRequest, Quote, ReportKind, Side
from hourbook.models import Instrument, PriceQuote

ADDRESS = os.environ.get("HOURBOOK_ADDRESS", "127.0.0.1:7070")
LOTS = 5
MOST_HELD = 50
TICKS_PER_LOT = Decimal("0.2")


class Maker:
    """What it quotes, and what it holds."""

    def __init__(self, session: AsyncSession, instrument: Instrument) -> None:
        self.session, self.instrument = session, instrument
        self.held = Decimal(0)
        self.fair: PriceQuote | None = None
        self.standing: Quote | None = None
        self.quotes = 0

    async def follow_prices(self, exchange: AsyncClient) -> None:
        async for fair in exchange.watch_quotes(PriceRequest(symbol=self.instrument.symbol, quantity=LOTS)):
            self.fair = fair
            self.quote()

    async def follow_fills(self) -> None:
        async for report in self.session.reports():
            if report.kind is ReportKind.FILLED and report.fill and report.instrument_id == self.instrument.instrument_id:
                self.held += report.fill.quantity if report.side is Side.BUY else -report.fill.quantity
                print(f"{report.side} {report.fill.quantity} at {report.fill.price}; holds {self.held}", flush=True)
                self.standing = None
                self.quote()

    def quote(self) -> None:
        """Both sides, moved down by what is held and up by what is owed; sent where it is not what stands."""
        if self.fair is None or self.fair.bid_price is None or self.fair.ask_price is None:
            return
        lean = (self.held * TICKS_PER_LOT).to_integral_value() * self.instrument.tick
        bids, asks = self.held < MOST_HELD, self.held > -MOST_HELD
        wanted = Quote(
            symbol=self.instrument.symbol,
            bid_price=max(self.instrument.tick, self.fair.bid_price - lean) if bids else None,
            bid_quantity=LOTS if bids else None,
            ask_price=max(2 * self.instrument.tick, self.fair.ask_price - lean) if asks else None,
            ask_quantity=LOTS if asks else None,
        )
        if wanted != self.standing:
            self.session.quote([wanted], post_only=True)
            self.standing = wanted
            self.quotes += 1


async def main(symbol: str, seconds: float) -> None:
    async with AsyncClient(ADDRESS, os.environ["HOURBOOK_KEY"]) as exchange:
        instrument = await exchange.fetch_market(symbol)
        async with await exchange.session("tiny maker", cancel_on_disconnect=True) as session:
            maker = Maker(session, instrument)
            try:
                async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                    tasks.create_task(maker.follow_fills())
                    tasks.create_task(maker.follow_prices(exchange))
            except TimeoutError:
                pass
        print(f"{maker.quotes} quotes, holds {maker.held}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
