"""Records a part of the market, and shows that the recording leads to the exchange's own books, wherever one begins.

    HOURBOOK_KEY=hb_... python rebuild_books.py 'GP.*' 30 hour.feed [--hours N] [--cuts 100] [--seed N] [--json]

While it records, it cuts in at random moments: it takes the snapshot of an instrument, as a newcomer would. Afterwards it goes on
from each snapshot by what was recorded. Each change has the checksum of the exchange's book, and in the end levels and orders are
the exchange's own. Where anything differs, it ends with 1. Ctrl-C ends the recording earlier. The file is the stream itself, each
message behind its length.
"""

import argparse
import contextlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from hourbook import BookDiffers, Client, Feed, MarketDataView, Recorder, Subscription, recorded
from hourbook.errors import InvalidField, NotFound
from hourbook.models import Book, Instrument

ADDRESS = os.environ.get("HOURBOOK_ADDRESS", "127.0.0.1:7070")
BOOKS = [MarketDataView.LEVELS, MarketDataView.ORDERS]
# Levels and orders a side that the exchange tells at once.
DEPTH = 1_000
# Seconds, of the wall's clock like all that follow: after so many without what must come, something is wrong.
PATIENCE = 60.0
# What one command caused may come in more than one message.
SETTLES = 1.0
PROGRESS = 5.0


@dataclass
class Cut:
    """A newcomer to one instrument: its books, as they were when it came."""

    instrument: Instrument
    feed: Feed


@dataclass
class Summary:
    """What came of it; `differences` should be 0."""

    seed: int
    # From the first to the last update, by the market's clock.
    market_seconds: float = 0.0
    # That the recording tells of.
    instruments: int = 0
    updates: int = 0
    cuts: int = 0
    # Applied to the books of cuts, each against its checksum.
    changes: int = 0
    # Held against the exchange's answer in the end.
    books: int = 0
    # Instruments whose cuts have no end, since they are listed no more.
    over: int = 0
    differences: int = 0

    def __str__(self) -> str:
        return (
            f"{timedelta(seconds=round(self.market_seconds))} of the market, {self.instruments} instruments, "
            f"{self.updates} updates; {self.cuts} cuts, {self.changes} changes applied, {self.books} books compared, "
            f"{self.over} instruments over, {self.differences} differences"
        )


class Recording(threading.Thread):
    """Reads a subscription, which writes what it reads to a file, until it is closed."""

    def __init__(self, subscription: Subscription) -> None:
        super().__init__(daemon=True)
        self.subscription, self.feed = subscription, subscription.feed
        # The market's time of the first update and of the last.
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            for update in self.subscription:
                self.first = self.first or update.time
                self.last = update.time
        except Exception as fault:
            self.fault = fault

    @property
    def covers(self) -> timedelta:
        return self.last - self.first if self.first and self.last else timedelta()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.fault is not None:
            raise self.fault

    def wait(self, has_come: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not has_come():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited for {PATIENCE:.0f} s, recorded up to {self.last}")
            self.sleep(0.02)


def has_books(feed: Feed, symbol: str) -> bool:
    """Both books are there, and whole."""
    books = feed.level_books.get(symbol), feed.order_books.get(symbol)
    return all(book is not None and book.is_whole for book in books)


def snapshot(exchange: Client, symbol: str) -> Feed:
    """What a newcomer knows as soon as it knows both books; nothing where the instrument is over."""
    subscription = exchange.subscribe(symbol, BOOKS)
    with contextlib.closing(subscription), contextlib.suppress(InvalidField):
        for _ in subscription:
            if has_books(subscription.feed, symbol):
                break
    return subscription.feed


def cut_in(exchange: Client, recording: Recording, lasting: list[Instrument], plan: argparse.Namespace) -> list[Cut]:
    """Snapshots of random instruments at random moments, until the time is over or Ctrl-C ends it earlier."""
    dice = random.Random(plan.seed)
    cuts: list[Cut] = []
    begun = told = time.monotonic()
    moments = sorted((begun + dice.uniform(0, plan.seconds) for _ in range(plan.cuts)), reverse=True)
    with contextlib.suppress(KeyboardInterrupt):
        while moments or time.monotonic() < begun + plan.seconds or recording.covers < timedelta(hours=plan.hours):
            if moments and moments[-1] <= time.monotonic():
                moments.pop()
                # What the recording has begun with, and what has not left it.
                instrument = dice.choice([each for each in lasting if has_books(recording.feed, each.symbol)] or lasting)
                cuts.append(Cut(instrument, snapshot(exchange, instrument.symbol)))
            else:
                recording.sleep(0.01)
            if time.monotonic() >= told + PROGRESS:
                told = time.monotonic()
                print(f"{told - begun:.0f} s, {recording.covers} of the market, {len(cuts)} cuts", flush=True)
    return cuts


def ends(exchange: Client, instruments: Iterable[Instrument]) -> dict[int, Book]:
    """The exchange's own books, by instrument id; none of what is over."""
    books = {}
    for instrument in instruments:
        with contextlib.suppress(NotFound, InvalidField):
            books[instrument.instrument_id] = exchange.fetch_order_book(instrument.symbol, DEPTH, orders=True)
    return books


def rebuild(path: str, cuts: list[Cut], books: dict[int, Book], summary: Summary) -> None:
    """Leads each cut through the recording up to where the exchange's own book is true, and compares."""
    followers: dict[int, list[Cut]] = {}
    for cut in cuts:
        followers.setdefault(cut.instrument.instrument_id, []).append(cut)
    instruments: set[int] = set()
    for answer in recorded(path):
        for update in answer.updates:
            summary.updates += 1
            if update.instrument_id:
                instruments.add(update.instrument_id)
            theirs = books.get(update.instrument_id)
            if theirs is None or update.sequence > theirs.sequence:
                continue
            for cut in followers[update.instrument_id]:
                try:
                    told = cut.feed.take_update(update)
                except BookDiffers:
                    summary.differences += 1
                else:
                    summary.changes += told is not None and told.view in BOOKS and not told.snapshot
    over: set[int] = set()
    for cut in cuts:
        symbol, theirs = cut.instrument.symbol, books.get(cut.instrument.instrument_id)
        levels, orders = cut.feed.level_books.get(symbol), cut.feed.order_books.get(symbol)
        if theirs is None or levels is None or orders is None:
            over.add(cut.instrument.instrument_id)
            continue
        summary.books += 2
        summary.differences += (levels.bids(DEPTH), levels.asks(DEPTH)) != (theirs.bids, theirs.asks)
        queues = orders.orders("buy")[:DEPTH], orders.orders("sell")[:DEPTH]
        summary.differences += queues != (theirs.bid_orders, theirs.ask_orders)
    summary.instruments, summary.cuts, summary.over = len(instruments), len(cuts), len(over)


def main(plan: argparse.Namespace) -> Summary:
    summary = Summary(plan.seed)
    print(f"seed {plan.seed}", flush=True)
    with Client(ADDRESS, os.environ["HOURBOOK_KEY"]) as exchange, Recorder(plan.file) as recorder:
        listed = sorted(exchange.fetch_markets(plan.pattern), key=lambda each: each.gate_closure_time)
        # Not the quarter whose gates come first: what is over meanwhile has no end to compare.
        lasting = listed[len(listed) // 4 :]
        if not lasting:
            sys.exit(f"nothing is listed that matches {plan.pattern}")
        views = [*BOOKS, MarketDataView.TRADES]
        subscription = exchange.subscribe(patterns=plan.pattern, views=views, recorder=recorder)
        recording = Recording(subscription)
        recording.start()
        recording.wait(lambda: any(has_books(recording.feed, each.symbol) for each in lasting))
        print(f"records {plan.pattern}, {len(listed)} instruments, from {recording.first}", flush=True)
        cuts = cut_in(exchange, recording, lasting, plan)
        books = ends(exchange, {cut.instrument.symbol: cut.instrument for cut in cuts}.values())
        last = max((book.sequence for book in books.values()), default=0)
        recording.wait(lambda: recording.feed.sequence >= last)
        recording.sleep(SETTLES)
        subscription.close()
        recording.join(PATIENCE)
    summary.market_seconds = recording.covers.total_seconds()
    # Books of the recording itself that were found to be wrong.
    summary.differences += recording.feed.repairs
    print(f"recorded up to {recording.last}; rebuilds {len(cuts)} cuts", flush=True)
    rebuild(plan.file, cuts, books, summary)
    return summary


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", help="instruments, such as 'GP.*'")
    parser.add_argument("seconds", type=float, help="how long it records, by the wall's clock")
    parser.add_argument("file", help="where the recording goes")
    parser.add_argument("--hours", type=float, default=0.0, help="goes on until it has so many hours of the market's own time")
    parser.add_argument("--cuts", type=int, default=100, help="snapshots at random moments; 100 without")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="of what is random; printed")
    parser.add_argument("--json", action="store_true", help="the summary as one JSON line, the last")
    plan = parser.parse_args()
    if not os.environ.get("HOURBOOK_KEY"):
        parser.error("HOURBOOK_KEY is to hold a key")
    came = main(plan)
    print(json.dumps(asdict(came)) if plan.json else came)
    sys.exit(1 if came.differences else 0)
