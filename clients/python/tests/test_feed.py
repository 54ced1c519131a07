"""Local books are the exchange's own, from wherever they begin: 100 random starts, no difference."""

import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import PATIENCE, Market, Server, opened

from hourbook import (
    BookDiffers,
    Client,
    Feed,
    LevelBook,
    MarketDataView,
    OrderBook,
    Quote,
    Recorder,
    Session,
    Side,
    SlowReader,
    errors,
    recorded,
)
from hourbook._proto import market_data_pb2, types_pb2
from hourbook.books import crc32c
from hourbook.models import BookOrder, Candles, Fill, Level, MarketStatus, Statistics

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
BOOKS = [MarketDataView.LEVELS, MarketDataView.ORDERS]
CUTS = 100
TICK = Decimal("0.0001")

Whole = tuple[tuple[Level, ...], tuple[Level, ...], tuple[BookOrder, ...], tuple[BookOrder, ...]]


def test_the_checksum_is_that_of_the_document() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(struct.pack("<BqqI", 1, 1_900, 3, 1)) == 0x173B97A4
    update = market_data_pb2.MarketUpdate(snapshot=True, number=1)
    update.levels.bids.add(price_micros=1_900, quantity=3, order_count=1)
    update.levels.asks.add(price_micros=2_000, quantity=6, order_count=2)
    update.levels.checksum = 0xBB764D9D
    book = LevelBook("S")
    book.apply(update)
    assert (book.best_bid, book.best_ask) == (
        Level(Decimal("0.0019"), Decimal(3), 1),
        Level(Decimal("0.002"), Decimal(6), 2),
    )
    update.levels.checksum += 1
    with pytest.raises(BookDiffers, match="checksum"):
        book.apply(update)


def test_an_order_keeps_its_place_or_joins_behind() -> None:
    def change(order_id: int, quantity: int, joins: bool) -> None:
        update = market_data_pb2.MarketUpdate(incomplete=True)
        update.orders.changes.add(order_id=order_id, side=types_pb2.SIDE_BUY, price_micros=100, quantity=quantity, joins=joins)
        book.apply(update)

    book = OrderBook("S")
    for order_id in (1, 2, 3):
        change(order_id, 5, True)
    change(1, 2, False)
    change(2, 9, True)
    assert [(order.order_id, order.quantity) for order in book.orders("buy")] == [(1, 2), (3, 5), (2, 9)]
    change(3, 0, False)
    assert book.bids() == (Level(Decimal("0.0001"), Decimal(11), 2),)
    with pytest.raises(BookDiffers):
        change(7, 1, False)


def test_a_change_that_is_missing_is_noticed_and_begins_anew() -> None:
    feed = Feed(["S"])
    joined = market_data_pb2.MarketUpdate(instrument_id=1)
    joined.instrument.symbol, joined.instrument.epoch = "S", 5
    first = market_data_pb2.MarketUpdate(instrument_id=1, number=3, snapshot=True)
    first.levels.checksum = 0
    feed.take(market_data_pb2.SubscribeResponse(updates=[joined, first]))
    point = feed.request().resume[0]
    assert (point.instrument_id, point.view, point.epoch, point.from_number) == (1, MarketDataView.LEVELS, 5, 4)
    first.levels.SetInParent()
    gap = market_data_pb2.MarketUpdate(instrument_id=1, number=5)
    gap.levels.bids.add(price_micros=1, quantity=1, order_count=1)
    with pytest.raises(BookDiffers, match="3 to 5"):
        feed.take(market_data_pb2.SubscribeResponse(updates=[gap]))
    assert list(feed.request().resume) == []
    assert feed.repairs == 1
    # What follows says nothing until a snapshot comes; what else was told beside it is not lost.
    again = market_data_pb2.MarketUpdate(instrument_id=1, number=6, snapshot=True)
    again.levels.SetInParent()
    told = feed.take(market_data_pb2.SubscribeResponse(updates=[gap, again]))
    assert [(update.number, update.missed) for update in told] == [(6, None)]
    beside = market_data_pb2.MarketUpdate(instrument_id=1, number=9)
    trades = market_data_pb2.MarketUpdate(instrument_id=1, number=1, snapshot=True)
    trades.trades.SetInParent()
    beside.levels.SetInParent()
    with pytest.raises(BookDiffers) as differs:
        feed.take(market_data_pb2.SubscribeResponse(updates=[beside, trades]))
    assert [update.view for update in differs.value.updates] == [MarketDataView.TRADES]


def test_an_instrument_that_is_over_is_not_asked_for_again() -> None:
    feed = Feed(["S", "T", "U"])
    joined = [market_data_pb2.MarketUpdate(instrument_id=at) for at in (1, 2)]
    for update, symbol in zip(joined, "ST", strict=True):
        update.instrument.symbol, update.instrument.epoch = symbol, 5
    over = market_data_pb2.MarketUpdate(instrument_id=1)
    over.over.SetInParent()
    feed.take(market_data_pb2.SubscribeResponse(updates=[*joined, over]))
    assert list(feed.request().symbols) == ["T", "U"]
    # One that ended unheard is refused by its place; one that never was is the caller's fault.
    assert feed.outlives(errors.InvalidField("is no instrument", "symbols[0]"))
    assert list(feed.request().symbols) == ["U"]
    assert not feed.outlives(errors.InvalidField("is no instrument", "symbols[0]"))
    assert not feed.is_over
    feed.symbols.clear()
    assert feed.is_over


class Crowd:
    """Both sides of a few instruments in two sessions: places, quotes, amends, reduces and cancels, and calls now and then."""

    def __init__(self, market: Market, symbols: list[str], dice: random.Random) -> None:
        self.market, self.symbols, self.dice = market, symbols, dice
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.fault: Exception | None = None

    def run(self) -> None:
        try:
            self.trade()
        except Exception as fault:
            self.fault = fault

    def trade(self) -> None:
        name = f"crowd {self.dice.randrange(1 << 32)}"
        market = self.market
        with (
            market.client(market.buyer_key) as buyer,
            market.client(market.seller_key) as seller,
            buyer.session(name, keep_reports=False, cancel_on_disconnect=True) as buys,
            seller.session(name, keep_reports=False, cancel_on_disconnect=True) as sells,
        ):
            at = 0
            while not self.done.is_set():
                at += 1
                for _ in range(10):
                    self.step(buys, "buy")
                    self.step(sells, "sell")
                if at % 150 == 0:
                    market.operator.open_auction(symbol=self.dice.choice(self.symbols))
                if at % 150 == 75:
                    for symbol in self.symbols:
                        if buyer.fetch_market(symbol).status.name == "AUCTION":
                            market.operator.uncross(symbol=symbol)
                if at % 20 == 0:
                    # Few enough for the exchange to tell them all at once.
                    buys.cancel_all_orders(self.dice.choice(self.symbols))
                    sells.cancel_all_orders(self.dice.choice(self.symbols))
                self.done.wait(0.01)
            for symbol in self.symbols:
                if buyer.fetch_market(symbol).status.name == "AUCTION":
                    market.operator.uncross(symbol=symbol)
            # What stands at the end stays until the books are compared.
            self.stands = threading.Event()
            self.compared.wait(PATIENCE)

    compared = threading.Event()

    def step(self, session: Session, side: str) -> None:
        dice, symbol = self.dice, self.dice.choice(self.symbols)
        away = dice.randrange(-3, 25) * TICK
        price = Decimal("0.24") + (-away if side == "buy" else away)
        mine = f"{side} {dice.randrange(400)}"
        match dice.randrange(10):
            case 0:
                session.cancel_order(mine)
            case 1:
                session.edit_order(mine, amount=dice.randrange(1, 20))
            case 2:
                session.edit_order(mine, price=price)
            case 3:
                session.reduce_order(mine, 1)
            case 4:
                session.create_order(symbol, "limit", side, 20, price, display_quantity=3)
            case 5:
                session.create_order(symbol, "market", side, dice.randrange(1, 5))
            case 6 if side == "buy":
                session.quote([Quote(symbol=symbol, bid_price=price, bid_quantity=dice.randrange(1, 9))])
            case _:
                session.create_order(symbol, "limit", side, dice.randrange(1, 20), price, client_order_id=mine)


def whole(book: OrderBook) -> Whole:
    return book.bids(), book.asks(), book.orders(Side.BUY), book.orders(Side.SELL)


def first_snapshots(client: Client, symbols: list[str]) -> list[market_data_pb2.SubscribeResponse]:
    """What a new subscription begins with, up to the last snapshot."""
    feed, heard = Feed(symbols, views=BOOKS), []
    stream = client._wire.stream(feed.request(), market_data_pb2.SubscribeResponse)
    for answer in stream:
        heard.append(answer)
        feed.take(answer)
        books = [*feed.level_books.values(), *feed.order_books.values()]
        if len(books) == 2 * len(symbols) and all(book.is_whole for book in books):
            break
    return heard


def test_a_recorded_feed_is_the_exchanges_own_book_from_every_start(
    market: Market, buyer: Client, dice: random.Random, tmp_path: Path
) -> None:
    listed = market.operator.fetch_markets("GP.CNNX.A.D*")
    symbols = [each.symbol for each in listed[-7:-3]]
    path = str(tmp_path / "feed")
    crowd = Crowd(market, symbols, dice)
    starts: list[list[market_data_pb2.SubscribeResponse]] = []
    with Recorder(path) as recorder:
        views = [*BOOKS, MarketDataView.TRADES, MarketDataView.STATISTICS, MarketDataView.CANDLES]
        subscription = buyer.subscribe(symbols, views, candle_intervals=["second", "minute"], recorder=recorder)
        told = 0

        def listen() -> None:
            nonlocal told
            for _ in subscription:
                told += 1

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        crowd.thread.start()
        while len(starts) < CUTS:
            time.sleep(dice.uniform(0.0, 0.15))
            starts.append(first_snapshots(buyer, dice.sample(symbols, 2)))
            assert crowd.fault is None, crowd.fault
        crowd.done.set()
        deadline = time.monotonic() + PATIENCE
        while not hasattr(crowd, "stands"):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        exchange = {symbol: buyer.fetch_order_book(symbol, 1_000, orders=True) for symbol in symbols}
        while any(exchange[symbol].sequence > subscription.feed.sequence for symbol in symbols):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        subscription.close()
        listener.join(PATIENCE)
        crowd.compared.set()
        crowd.thread.join(PATIENCE)
    assert subscription.feed.repairs == 0
    answers = list(recorded(path))
    updates = sum(len(answer.updates) for answer in answers)

    # Each start, as its own snapshots have it: by symbol, the view's number and the book.
    begun = []
    for start in starts:
        feed = Feed(views=BOOKS)
        for answer in start:
            feed.take(answer)
        begun.append({symbol: (book.number, whole(book)) for symbol, book in feed.order_books.items()})
    wanted = {(symbol, number): book for each in begun for symbol, (number, book) in each.items()}

    # From the recording's own beginning, every start is come by ...
    differences = met = 0
    feed = Feed(views=views)
    trades: dict[str, list[tuple[Decimal, Decimal]]] = {symbol: [] for symbol in symbols}
    statistics: dict[str, Statistics] = {}
    for answer in answers:
        for update in answer.updates:
            for one in feed.take(market_data_pb2.SubscribeResponse(updates=[update])):
                if one.view is MarketDataView.ORDERS and (one.symbol, one.number) in wanted:
                    met += 1
                    differences += whole(feed.order_books[one.symbol]) != wanted[one.symbol, one.number]
                elif isinstance(one.content, tuple):
                    trades[one.symbol] += [(trade.price, trade.quantity) for trade in one.content]
                elif isinstance(one.content, Statistics):
                    statistics[one.symbol] = one.content
    assert met == len(wanted)
    # ... and from every start, the recording leads to the exchange's book: each change has its checksum.
    for start in starts:
        feed = Feed(views=BOOKS)
        for answer in start:
            feed.take(answer)
        for answer in answers:
            kept = [each for each in answer.updates if each.instrument_id in feed._symbol]
            feed.take(market_data_pb2.SubscribeResponse(updates=kept))
        for symbol, book in feed.order_books.items():
            theirs = exchange[symbol]
            differences += whole(book) != (theirs.bids, theirs.asks, theirs.bid_orders, theirs.ask_orders)
            levels = feed.level_books[symbol]
            differences += (levels.bids(), levels.asks()) != (theirs.bids, theirs.asks)
    print(f"{len(answers)} answers, {updates} updates, {len(starts)} starts, {differences} differences")
    assert differences == 0
    assert updates > 2_000
    for symbol in symbols:
        volume = sum(quantity for _, quantity in trades[symbol])
        assert volume > 0
        assert statistics[symbol].volume >= volume


def has_demo(binary: str) -> bool:
    return subprocess.run([binary, "demo", "--help"], capture_output=True).returncode == 0


@pytest.mark.skipif(not has_demo(os.environ["HOURBOOK"]), reason="a binary without `demo`")
def test_a_recorded_hour_of_a_whole_market_is_rebuilt_from_every_start(dice: random.Random, tmp_path: Path) -> None:
    """An hour of the demo's two thousand instruments, in a quarter of a minute, by the example that shows it."""
    port = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{port.getsockname()[1]}"
    port.close()
    command = [os.environ["HOURBOOK"], "demo", "--seconds", "120", "--speed", "300", "--listen", address]
    with (tmp_path / "demo.log").open("wb") as log:
        demo = subprocess.Popen([*command, "--data", str(tmp_path / "data")], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (keys := re.findall(r"--key (hb_\w+)", (tmp_path / "demo.log").read_text())):
            assert demo.poll() is None, (tmp_path / "demo.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        example = [sys.executable, str(EXAMPLES / "rebuild_books.py"), "*", "12", str(tmp_path / "hour"), "--hours", "1"]
        done = subprocess.run(
            [*example, "--cuts", str(CUTS), "--seed", str(dice.randrange(1 << 32)), "--json"],
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
            env={**os.environ, "HOURBOOK_ADDRESS": address, "HOURBOOK_KEY": keys[0]},
        )
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    print(summary)
    assert summary["market_seconds"] >= 3_600
    assert summary["instruments"] >= 2_000
    assert (summary["cuts"], summary["books"], summary["over"]) == (CUTS, 2 * CUTS, 0)
    assert summary["changes"] > CUTS
    assert summary["differences"] == 0


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Market]:
    """A market on an exchange that keeps little for slow readers."""
    settings = tmp_path / "hourbook.toml"
    settings.write_text('[limits]\nsubscription_buffer = "16 KiB"\n')
    server = Server(os.environ["HOURBOOK"], "--config", str(settings))
    try:
        with opened(server) as market:
            yield market
    finally:
        server.kill()
        server.directory.cleanup()


def test_a_slow_reader_that_chose_so_is_brought_up_to_date(strict: Market) -> None:
    """It does not read for a while; changes are left out, and what it is told then is right all the same."""
    symbol = strict.symbol
    with strict.client(strict.buyer_key) as buyer, strict.client(strict.seller_key) as seller:
        subscription = buyer.subscribe(symbol, BOOKS, slow_reader=SlowReader.CONFLATE)
        updates = iter(subscription)
        begun = {next(updates).view for _ in BOOKS}
        assert begun == set(BOOKS)
        # Some megabytes: more than the connection and the exchange hold between them. What stands in the end is little.
        with seller.session("floods", keep_reports=False) as session:
            for at in range(10_000):
                session.create_order(symbol, "limit", "sell", 1, Decimal("0.25") + at % 50 * TICK, client_order_id=f"{at}")
                number = session.cancel_order(f"{at}") if at < 9_950 else None
                if number is not None and at % 100 == 0:
                    session.wait(number, PATIENCE)
        book = buyer.fetch_order_book(symbol, 1_000, orders=True)
        assert len(book.ask_orders) == 50
        missed = dict.fromkeys(BOOKS, 0)
        feed = subscription.feed
        giving_up = threading.Timer(PATIENCE, subscription.close)
        giving_up.start()
        while (feed.order_books[symbol].orders("sell"), feed.level_books[symbol].asks()) != (book.ask_orders, book.asks):
            update = next(updates)
            if update.missed:
                assert update.snapshot
                missed[update.view] += update.missed
        print(f"{missed} changes were left out")
        assert all(missed.values())
        assert feed.repairs == 0
        giving_up.cancel()
        subscription.close()


def test_history_has_every_trade_and_its_candles(market: Market, buyer: Client, seller: Client) -> None:
    """Page by page, from any time to any other, and as the fills of the account have them."""
    symbol = market.operator.fetch_markets("GP.CNNX.A.D*")[-8].symbol
    began = market.operator.fetch_status().time
    fills: list[Fill] = []
    for at in range(30):
        seller.create_order(symbol, "limit", "sell", 2, Decimal("0.2479") + (at % 5) * TICK)
        fills += buyer.create_order(symbol, "limit", "buy", 2, Decimal("0.25"), time_in_force="ioc").fills
    deadline = time.monotonic() + PATIENCE
    while len(trades := buyer.trades(symbol, since=began)) < 30:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [(each.trade_id, each.price, each.quantity) for each in trades] == [
        (fill.trade_id, fill.price, fill.quantity) for fill in fills
    ]
    assert {each.taker_side for each in trades} == {Side.BUY}
    assert buyer.fetch_trades(symbol, since=trades[10].time, until=trades[20].time) == trades[10:20]
    assert buyer.trades(symbol, limit=7) == trades[:7]
    candles = buyer.candles(symbol, "second", since=began - timedelta(seconds=1))
    assert sum(each.volume for each in candles) == sum(each.quantity for each in trades)
    day = buyer.fetch_ohlcv(symbol, "day")[-1]
    assert (day.open_price, day.high_price) == (trades[0].price, max(each.price for each in trades))
    assert "open_price" in buyer.candles(symbol, limit=1).to_df().columns


def test_the_curve_and_the_index_of_a_product(market: Market, buyer: Client) -> None:
    curve = buyer.fetch_forward_curve("GP.CNNX.A")
    assert {each.symbol for each in curve} == {each.symbol for each in buyer.fetch_markets("GP.CNNX.A.*")}
    assert all(each.price is not None for each in curve)
    assert curve[0].hours == 1
    now = market.operator.fetch_status().time
    index = buyer.fetch_index("GP.CNNX.A", now - timedelta(hours=1), now + timedelta(days=2))
    assert all(each.trade_count > 0 for each in index)


def test_a_call_says_what_an_uncross_would_do(market: Market, buyer: Client, seller: Client) -> None:
    market.operator.open_auction(symbol=market.symbol)
    buyer.create_order(market.symbol, "limit", "buy", 3, "0.2479")
    seller.create_order(market.symbol, "limit", "sell", 2, "0.2479")
    for indicative in buyer.watch_indicative(market.symbol):
        if indicative.price is not None:
            assert (indicative.price, indicative.quantity) == (Decimal("0.2479"), 2)
            break
    market.operator.uncross(symbol=market.symbol)
    statuses = buyer.subscribe(market.symbol, [MarketDataView.STATUS])
    # Market data comes a moment behind the answer to a call.
    for update in statuses:
        assert isinstance(update.content, MarketStatus)
        if str(update.content.status) == "continuous":
            break
    statuses.close()


def test_candles_and_statistics_add_up(market: Market, buyer: Client, seller: Client) -> None:
    seller.create_order(market.symbol, "limit", "sell", 7, "0.2479")
    candles = buyer.watch_ohlcv(market.symbol, "day")
    before = sum(candle.volume for candle in [next(candles)]) if buyer.fetch_market(market.symbol).last_trade_price else 0
    buyer.create_order(market.symbol, "limit", "buy", 7, "0.2479")
    assert next(candles).volume - before == 7
    statistics = next(buyer.watch_statistics(market.symbol))
    assert statistics.last_price == Decimal("0.2479")
    views = buyer.watch_order_book(market.symbol)
    assert next(views).asks == ()
    ticker = buyer.watch_ticker(market.symbol)
    assert next(ticker).ask is None
    assert isinstance(Candles.of(market_data_pb2.Candles()).candles, tuple)
