"""The examples, as their readers run them: programs and a notebook against a real exchange."""

import json
import os
import re
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import PATIENCE, Market

from hourbook import Role
from hourbook.models import Fill

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
Running = tuple[subprocess.Popen[str], Iterator[str]]
# Seconds that no test takes.
LONG = "600"


@dataclass
class Quickstart:
    """What `ctl quickstart` has made."""

    symbol: str
    environment: dict[str, str]


@pytest.fixture(scope="module")
def quickstart(market: Market) -> Quickstart:
    server = market.server
    command = [server.binary, "ctl", "--address", f"http://{server.address}", "--key", server.operator_key]
    done = subprocess.run([*command, "--json", "quickstart"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    keys = {"SELLER": told["seller"]["key"], "BUYER": told["buyer"]["key"]}
    return Quickstart(told["symbol"], {**os.environ, **keys, "HOURBOOK_ADDRESS": f"http://{server.address}"})


def start(quickstart: Quickstart, program: str, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / program), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**quickstart.environment, "HOURBOOK_KEY": key},
    )


def run(quickstart: Quickstart, program: str, *arguments: str, key: str = "") -> str:
    done = start(quickstart, program, *arguments, key=key)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def program(quickstart: Quickstart, name: str, *arguments: str, key: str) -> Iterator[Running]:
    """An example that runs meanwhile, until the test ends it, and the lines that it tells."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    environment = {**quickstart.environment, "HOURBOOK_KEY": key}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        try:
            yield running, iter(running.stdout)
        finally:
            running.kill()


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_without_arguments_or_keys_an_example_tells_how_it_is_used(name: str) -> None:
    if name == "record_parquet.py":
        pytest.importorskip("pyarrow")
    bare = {key: value for key, value in os.environ.items() if key not in ("SELLER", "BUYER", "HOURBOOK_KEY")}
    for arguments in ([], ["GP.*"], ["GP.*", "1"], ["GP.*", "1", "there"]):
        command = [sys.executable, str(EXAMPLES / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=bare)
        assert done.returncode == 2
        assert done.stderr.startswith("usage: ")
        assert "Traceback" not in done.stderr


def test_a_first_order_trades(quickstart: Quickstart) -> None:
    told = run(quickstart, "first_order.py", quickstart.symbol)
    assert re.search(rf"offered  10 lots of {quickstart.symbol} at 0\.\d+ CNY an hour", told)
    assert "bought   10 at 0." in told
    assert "refused  PriceOffTick: price: Not a whole number of ticks." in told
    assert re.search(r"cash     \d+\.\d+ CNY, and \d+\.\d+ in escrow", told)


def test_what_is_installed_into_a_new_environment_trades(quickstart: Quickstart, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(EXAMPLES.parent)]
    done = subprocess.run(install, capture_output=True, text=True, timeout=10 * PATIENCE)
    assert done.returncode == 0, done.stderr
    first = [python, str(EXAMPLES / "first_order.py"), quickstart.symbol]
    done = subprocess.run(first, capture_output=True, text=True, timeout=PATIENCE, env=quickstart.environment)
    assert "bought   10 at 0." in done.stdout, done.stderr


def test_a_tiny_maker_quotes_both_sides_and_leans(market: Market, quickstart: Quickstart) -> None:
    operator = market.operator
    participant = operator.create_participant("tiny").number
    account = operator.create_account(participant, "tiny").number
    operator.deposit(account, "CNY", 10_000)
    instrument = operator.fetch_market(quickstart.symbol)
    operator.declare_capacity(
        account, instrument.product, instrument.delivery_start_time, instrument.hours, 100, "seen by the test"
    )
    key = operator.issue_key(participant, Role.MAKER).key
    with (
        program(quickstart, "tiny_maker.py", quickstart.symbol, LONG, key=key) as (maker, told),
        market.client(quickstart.environment["BUYER"]) as taker,
    ):
        deadline = time.monotonic() + PATIENCE
        while True:
            book = taker.fetch_order_book(quickstart.symbol)
            if book.bids and book.asks:
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert book.bids[0].price < book.asks[0].price
        lifted = taker.create_order(quickstart.symbol, "limit", "buy", 5, book.asks[0].price, time_in_force="ioc")
        assert lifted.filled == 5
        assert any("holds -5" in line for line in told)
        while taker.fetch_order_book(quickstart.symbol).bids[0].price == book.bids[0].price:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # However it ends, its quotes go with it.
        maker.kill()
    while operator.fetch_open_orders(account_id=account):
        assert time.monotonic() < deadline + PATIENCE
        time.sleep(0.05)


def test_a_tiny_maker_whose_key_may_not_quote_says_so(market: Market, quickstart: Quickstart) -> None:
    operator = market.operator
    participant = operator.create_participant("no maker").number
    operator.create_account(participant, "no maker")
    key = operator.issue_key(participant, Role.TRADER).key
    done = start(quickstart, "tiny_maker.py", quickstart.symbol, LONG, key=key)
    assert done.returncode == 1
    assert "stopped: quote: " in done.stderr


def test_a_tiny_maker_quotes_again_what_was_taken_out(market: Market, quickstart: Quickstart) -> None:
    operator = market.operator
    participant = operator.create_participant("tiny again").number
    account = operator.create_account(participant, "tiny again").number
    operator.deposit(account, "CNY", 10_000)
    key = operator.issue_key(participant, Role.MAKER).key
    with (
        program(quickstart, "tiny_maker.py", quickstart.symbol, LONG, key=key) as (_, told),
        market.client(key) as owner,
    ):
        # It has no hours to sell.
        assert any("sell refused: insufficient_hours" in line for line in told)
        deadline = time.monotonic() + PATIENCE
        while not (first := owner.fetch_open_orders()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        owner.cancel_all_orders()
        assert any("buy taken out: mass" in line for line in told)
        while not (again := owner.fetch_open_orders()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert again[0].report.order_id != first[0].report.order_id


def test_a_recording_is_read_back_exactly(market: Market, quickstart: Quickstart, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    where = tmp_path / "recording"
    environment = quickstart.environment
    key = environment["BUYER"]
    fills: list[Fill] = []
    with (
        program(quickstart, "record_parquet.py", quickstart.symbol, LONG, str(where), key=key) as (recorder, told),
        market.client(environment["SELLER"]) as seller,
        market.client(environment["BUYER"]) as buyer,
    ):
        price = seller.fetch_market(quickstart.symbol).reference_price
        assert price is not None
        # The one instrument that it records has begun.
        assert next(told).startswith("records from ")
        for _ in range(11):
            seller.create_order(quickstart.symbol, "limit", "sell", 2, price)
            fills += buyer.create_order(quickstart.symbol, "limit", "buy", 2, price).fills
        # Not before it has heard of the last one.
        assert any(line.endswith(f"trade {fills[-1].trade_id}\n") for line in told)
        recorder.terminate()
        *_, last = told
        assert recorder.wait(PATIENCE) == 0
    trades = parquet.read_table(where / "trades.parquet").to_pylist()
    assert [(row["trade_id"], row["price"], row["quantity"]) for row in trades] == [
        (fill.trade_id, fill.price, fill.quantity) for fill in fills
    ]
    levels = parquet.read_table(where / "levels.parquet").to_pylist()
    mine = [row for row in levels if row["symbol"] == quickstart.symbol]
    assert len(mine) >= 20
    assert re.search(rf"{len(trades)} trades and {len(levels)} level changes", last)


def test_the_notebook_runs(quickstart: Quickstart, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    for name in ("SELLER", "BUYER", "HOURBOOK_ADDRESS"):
        monkeypatch.setenv(name, quickstart.environment[name])
    notebook = nbformat.read(EXAMPLES / "first_look.ipynb", as_version=4)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code"), "kept without outputs"
    nbclient.NotebookClient(notebook, timeout=PATIENCE, kernel_name="python3").execute()
