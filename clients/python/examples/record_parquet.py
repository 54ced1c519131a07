"""Records what a part of the market does: trades and book levels, each to a Parquet file, exact to the micro.

    HOURBOOK_KEY=hb_... python record_parquet.py 'GP.CNNM.*' 60 recording

Needs `pip install hourbook[parquet]`. Ctrl-C ends it earlier, and its files are whole. What is seen again after a lost
connection is not written twice. With pandas, `pandas.read_parquet("recording/trades.parquet")` reads it back.
"""

import argparse
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hourbook import Client, MarketDataView
from hourbook.models import LevelChanges

ADDRESS = os.environ.get("HOURBOOK_ADDRESS", "127.0.0.1:7070")
PRICE, LOTS = pa.decimal128(19, 6), pa.decimal128(19, 0)
MOMENT = pa.timestamp("us", tz="UTC")
TRADES = pa.schema(
    {"time": MOMENT, "sequence": pa.uint64(), "symbol": pa.string(), "trade_id": pa.uint64()}
    | {"price": PRICE, "quantity": LOTS, "taker_side": pa.string()}
)
LEVELS = pa.schema(
    {"time": MOMENT, "sequence": pa.uint64(), "symbol": pa.string(), "number": pa.uint64(), "snapshot": pa.bool_()}
    | {"side": pa.string(), "price": PRICE, "quantity": LOTS, "order_count": pa.uint32()}
)
# Rows in memory before they are written.
MOST_ROWS = 10_000


class Table:
    """Rows on their way to a file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.writer = pq.ParquetWriter(path, schema)
        self.schema = schema
        self.rows: list[dict[str, Any]] = []
        self.written = 0

    def add(self, **row: Any) -> None:
        self.rows.append(row)
        if len(self.rows) >= MOST_ROWS:
            self.write()

    def write(self) -> None:
        self.writer.write_table(pa.Table.from_pylist(self.rows, self.schema))
        self.written += len(self.rows)
        self.rows = []

    def close(self) -> None:
        self.write()
        self.writer.close()


def main(pattern: str, seconds: float, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    trades, levels = Table(directory / "trades.parquet", TRADES), Table(directory / "levels.parquet", LEVELS)
    with Client(ADDRESS, os.environ["HOURBOOK_KEY"]) as exchange:
        subscription = exchange.subscribe(patterns=pattern, views=[MarketDataView.TRADES, MarketDataView.LEVELS])
        timer = threading.Timer(seconds, subscription.close)
        timer.start()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: subscription.close())
        begun = False
        for update in subscription:
            if not begun:
                print(f"records from {update.time}", flush=True)
                begun = True
            common = {"time": update.time, "sequence": update.sequence, "symbol": update.symbol}
            if isinstance(update.content, tuple):
                for trade in update.content:
                    print(f"{update.symbol}: {trade.quantity} at {trade.price}, trade {trade.trade_id}", flush=True)
                    trades.add(
                        **common,
                        trade_id=trade.trade_id,
                        price=trade.price,
                        quantity=trade.quantity,
                        taker_side=str(trade.taker_side),
                    )
            elif isinstance(update.content, LevelChanges):
                for side, changed in (("buy", update.content.bids), ("sell", update.content.asks)):
                    for level in changed:
                        levels.add(
                            **common,
                            number=update.number,
                            snapshot=update.snapshot,
                            side=side,
                            price=level.price,
                            quantity=level.quantity,
                            order_count=level.order_count,
                        )
        timer.cancel()
    trades.close()
    levels.close()
    print(f"{trades.written} trades and {levels.written} level changes in {directory}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", help="instruments, such as 'GP.CNNM.*'")
    parser.add_argument("seconds", type=float, help="how long it records")
    parser.add_argument("directory", type=Path, help="where the two files go")
    plan = parser.parse_args()
    if not os.environ.get("HOURBOOK_KEY"):
        parser.error("HOURBOOK_KEY is to hold a key")
    main(plan.pattern, plan.seconds, plan.directory)
