"""A strategy in Python in a backtest: the market of `hourbook backtest --serve` is an exchange like any other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import PATIENCE, Market, Server, opened

from hourbook import Client, Quote, ReportKind

TINY_MAKER = Path(__file__).resolve().parent.parent / "examples" / "tiny_maker.py"


class Backtest:
    """A market that is served for one strategy, and what came of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("{"), line + process.stderr.read()
        told = json.loads(line)
        self.address, self.key = told["address"], told["key"]

    def report(self) -> dict[str, Any]:
        said, errors = self.process.communicate(timeout=2 * PATIENCE)
        assert self.process.returncode == 0, errors
        report: dict[str, Any] = json.loads(said)
        return report


@contextmanager
def backtest(*arguments: str) -> Iterator[Backtest]:
    command = [os.environ["HOURBOOK"], "backtest", "--serve", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield Backtest(process)
    finally:
        process.kill()
        process.communicate()


def record(market: Market) -> None:
    """A buyer bids, in a session, then meets what a seller offers."""
    with market.client(market.seller_key) as seller, market.client(market.buyer_key) as buyer:
        tick, price = market.instrument.tick, market.instrument.reference_price
        assert price is not None
        with buyer.session("recorded", cancel_on_disconnect=True) as session:
            bids = [Quote(symbol=market.symbol, bid_price=price - tick, bid_quantity=5)]
            session.wait_quotes(session.quote(bids))
            seller.create_order(market.symbol, "limit", "sell", 10, price + tick)
            bought = buyer.create_order(market.symbol, "limit", "buy", 4, price + tick)
            assert bought.filled == 4


def test_a_strategy_in_python_trades_in_what_was_recorded() -> None:
    server = Server(os.environ["HOURBOOK"])
    try:
        with opened(server) as market:
            record(market)
            symbol = market.symbol
    finally:
        server.stop()
    with (
        backtest("--journal", str(server.data), "--pattern", symbol, "--step-ms", "100") as run,
        Client(run.address, run.key) as client,
        client.session("strategy", cancel_on_disconnect=True) as session,
    ):
        # A tick better than whom the buyer met then.
        price = client.fetch_market(symbol).reference_price
        assert price is not None
        session.wait_quotes(session.quote([Quote(symbol=symbol, ask_price=price, ask_quantity=3)]))
        fill = next(report.fill for report in session.reports() if report.kind is ReportKind.FILLED)
        assert fill is not None
        assert fill.quantity == 3
        assert fill.price == price
        report = run.report()
    # The buyer took the rest where it took all of it then.
    assert (report["fills"], report["trades"]) == (1, 2), report
    server.directory.cleanup()


def test_a_maker_in_python_quotes_a_market_that_follows_a_series(tmp_path: Path) -> None:
    series = tmp_path / "spot.csv"
    series.write_text("date,price\n2026-11-02,1.00\n2026-11-09,1.10\n")
    arguments = ["--days", "1", "--step-ms", "600000", "--pace-ms", "10", "--orders-per-hour", "2000", "--noise-percent", "20"]
    with backtest("--series", str(series), *arguments) as run:
        with Client(run.address, run.key) as client:
            symbol = client.fetch_markets("GP.CNNM.A.H*")[-1].symbol
        environment = {**os.environ, "HOURBOOK_ADDRESS": run.address, "HOURBOOK_KEY": run.key}
        maker = subprocess.Popen([sys.executable, str(TINY_MAKER), symbol, "600"], env=environment)
        try:
            report = run.report()
        finally:
            maker.kill()
            maker.wait()
    assert report["fills"] > 0, report
