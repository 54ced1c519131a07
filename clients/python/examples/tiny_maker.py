"""A maker in a page: quotes one instrument about its fair price, and leans against what it holds.

    HOURBOOK_KEY=hb_... python tiny_maker.py GP.CNNM.A.H20261124T17 60

Needs a key of role maker, of an account with money and capacity. Fair prices come from the exchange's own pricing; the quotes
stand in a session, and are gone when it ends, however it ends. `hourbook maker` is one for real.
"""

import argparse
import asyncio
import os
import sys
from decimal import Decimal

from hourbook import AsyncClient, AsyncSession, CancelReason, PriceRequest, Quote, ReportKind, Side
from hourbook.models import Instrument, PriceQuote

ADDRESS = os.environ.get("HOURBOOK_ADDRESS", "127.0.0.1:7070")
LOTS = 5
MOST_HELD = 50
TICKS_PER_LOT = Decimal("0.2")
# Seconds after which what was refused is quoted again.
PAUSE = 1.0


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
            first = self.quotes == 0
            number = self.quote()
            if first and number is not None:
                # A key that may not quote is refused here, for all that follow.
                await self.session.wait_quotes(number)

    async def follow_reports(self) -> None:
        async for report in self.session.reports():
            if report.instrument_id != self.instrument.instrument_id:
                continue
            if report.kind is ReportKind.FILLED and report.fill:
                self.held += report.fill.quantity if report.side is Side.BUY else -report.fill.quantity
                print(f"{report.side} {report.fill.quantity} at {report.fill.price}; holds {self.held}", flush=True)
                self.standing = None
                self.quote()
            elif report.kind is ReportKind.REJECTED:
                # Not again at once: a side that would trade is refused until the market has moved.
                print(f"{report.side} refused: {report.reject_reason}", flush=True)
                self.standing = None
            elif report.kind is ReportKind.CANCELLED and report.cancel_reason is not CancelReason.QUOTE:
                print(f"{report.side} taken out: {report.cancel_reason}", flush=True)
                self.standing = None

    async def quote_again(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            self.quote()

    def quote(self) -> int | None:
        """Both sides, moved down by what is held and up by what is owed; sent where it is not what stands, as which entry."""
        if self.fair is None or self.fair.bid_price is None or self.fair.ask_price is None:
            return None
        lean = (self.held * TICKS_PER_LOT).to_integral_value() * self.instrument.tick
        bids, asks = self.held < MOST_HELD, self.held > -MOST_HELD
        wanted = Quote(
            symbol=self.instrument.symbol,
            bid_price=max(self.instrument.tick, self.fair.bid_price - lean) if bids else None,
            bid_quantity=LOTS if bids else None,
            ask_price=max(2 * self.instrument.tick, self.fair.ask_price - lean) if asks else None,
            ask_quantity=LOTS if asks else None,
        )
        if wanted == self.standing:
            return None
        self.standing = wanted
        self.quotes += 1
        return self.session.quote([wanted], post_only=True)


async def main(symbol: str, seconds: float) -> None:
    async with AsyncClient(ADDRESS, os.environ["HOURBOOK_KEY"]) as exchange:
        instrument = await exchange.fetch_market(symbol)
        async with await exchange.session("tiny maker", cancel_on_disconnect=True) as session:
            maker = Maker(session, instrument)
            try:
                async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                    tasks.create_task(maker.follow_reports())
                    tasks.create_task(maker.follow_prices(exchange))
                    tasks.create_task(maker.quote_again())
            except TimeoutError:
                pass
            except ExceptionGroup as stopped:
                sys.exit(f"stopped: {stopped.exceptions[0]}")
        print(f"{maker.quotes} quotes, holds {maker.held}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symbol", help="the instrument, such as GP.CNNM.A.H20261124T17")
    parser.add_argument("seconds", type=float, help="how long it quotes")
    plan = parser.parse_args()
    if not os.environ.get("HOURBOOK_KEY"):
        parser.error("HOURBOOK_KEY is to hold a maker's key")
    asyncio.run(main(plan.symbol, plan.seconds))
