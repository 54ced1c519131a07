"""What the README and docs/clients.md show of the package runs as it stands."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Market

from hourbook import Client

HERE = Path(__file__).resolve().parent.parent
PAGES = {
    "README": (HERE / "README.md").read_text(),
    "clients": (HERE.parent.parent / "docs" / "clients.md").read_text().split("## Python without the package")[0],
}
SHOWN = [
    pytest.param(program, id=f"{page}-{at}")
    for page, text in PAGES.items()
    for at, program in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL), start=1)
]


@pytest.mark.parametrize("program", SHOWN)
def test_what_is_shown_runs(program: str, market: Market, buyer: Client, seller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUYER", market.buyer_key)
    program = program.replace("127.0.0.1:7070", market.server.address)
    program = program.replace("GP.CNNM.A.H20261124T22", market.symbol)
    seller.create_order(market.symbol, "limit", "sell", 10, "0.2224")
    names: dict[str, Any] = {"exchange": buyer, "symbol": market.symbol, "print": lambda *_: None}

    def stop() -> None:
        if "subscription" in names:
            names["subscription"].close()

    timer = threading.Timer(1.0, stop)
    timer.start()
    exec(compile(program, "shown", "exec"), names)
    timer.join(PATIENCE)


def test_something_is_shown() -> None:
    assert len(SHOWN) >= 3
