"""Lost answers and lost connections: nothing is lost and nothing is done twice."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from conftest import PATIENCE, Market, Proxy, Server
from google.protobuf.message import Message

from hourbook import AsyncClient, Client, EntryRefused, MarketDataView, NewOrder, Refused, errors, refusals
from hourbook._proto import orders_pb2, types_pb2
from hourbook._wire import A, Stream
from hourbook.client import Subscription
from hourbook.enums import ReportKind
from hourbook.feed import MarketUpdate
from hourbook.models import ExecutionReport
from hourbook.trading import Trading

PRICE = Decimal("0.2")
# Changes of a view that the exchange keeps for who comes back, and how long at least.
KEPT, KEPT_FOR = 256, timedelta(seconds=10)


class Cutter:
    """Cuts the proxy's connections at random moments while a block runs."""

    def __init__(self, proxy: Proxy, dice: random.Random, mean: float = 0.15) -> None:
        self.proxy, self.dice, self.mean = proxy, dice, mean
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        while not self.done.wait(self.dice.uniform(0.2, 1.8) * self.mean):
            self.proxy.cut()

    def __enter__(self) -> "Cutter":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reports_of(client: Client, first: int) -> list[ExecutionReport]:
    """The account's reports from a number on, as they are kept."""
    found = []
    status = client._next_report(client._account(None))
    for report in client.watch_orders(first):
        found.append(report)
        if report.number == status - 1:
            break
    return found


def test_an_order_sent_again_after_a_timeout_is_not_placed_twice(market: Market, proxy: Proxy, buyer: Client) -> None:
    def free_the_way() -> None:
        # It gets there, and the answer does not.
        until(lambda: bool(buyer.fetch_open_orders(market.symbol)))
        proxy.is_deaf = False
        proxy.cut()

    with market.client(market.buyer_key, proxy.address, timeout=1.0) as client:
        client.fetch_balance()
        proxy.is_deaf = True
        freeing = threading.Thread(target=free_the_way, daemon=True)
        freeing.start()
        placed = client.create_order(market.symbol, "limit", "buy", 1, PRICE, client_order_id="lost answer")
        freeing.join(PATIENCE)
    assert placed.repeated
    standing = buyer.fetch_open_orders(market.symbol)
    assert [order.report.client_order_id for order in standing] == ["lost answer"]


def test_who_gives_up_learns_under_which_id_to_ask_again(market: Market, proxy: Proxy, buyer: Client) -> None:
    with market.client(market.buyer_key, proxy.address) as client:
        client.fetch_balance()
        # It gives up soon, but not before the order can have got there.
        client._wire.timeout, client._wire.patience = 2.0, 0.5
        proxy.is_deaf = True
        with pytest.raises(errors.StatusError) as lost:
            client.create_order(market.symbol, "limit", "buy", 1, PRICE)
        assert isinstance(lost.value, errors.TimedOut | errors.Unavailable)
        name = lost.value.request_id
        assert name is not None
    assert buyer.create_order(market.symbol, "limit", "buy", 1, PRICE, client_order_id=name).repeated
    assert len(buyer.fetch_open_orders(market.symbol)) == 1


def test_a_key_is_not_made_twice(market: Market, proxy: Proxy) -> None:
    participant = market.operator.create_participant("of one key").number
    with market.client(market.server.operator_key, proxy.address) as operator:
        operator.fetch_products(limit=1)
        operator._wire.timeout = 2.0
        proxy.is_deaf = True
        with pytest.raises(errors.StatusError):
            operator.issue_key(participant, "trader")
    assert len([key for key in market.operator.fetch_keys() if key.participant_id == participant]) == 1


def test_a_hundred_orders_over_a_failing_line_are_placed_once_each(
    market: Market, proxy: Proxy, buyer: Client, dice: random.Random
) -> None:
    with market.client(market.buyer_key, proxy.address, timeout=1.0) as client, Cutter(proxy, dice, 0.05):
        names = [client.create_order(market.symbol, "limit", "buy", 1, PRICE).client_order_id for _ in range(100)]
    assert [order.report.client_order_id for order in buyer.fetch_open_orders(market.symbol)] == names
    assert proxy.cuts > 0


def test_a_session_over_a_failing_line_loses_and_doubles_nothing(
    market: Market, proxy: Proxy, buyer: Client, dice: random.Random
) -> None:
    with (
        market.client(market.buyer_key, proxy.address) as client,
        client.session(f"cut {dice.randrange(1 << 32)}") as session,
        Cutter(proxy, dice),
    ):
        heard: list[ExecutionReport] = []
        listener = threading.Thread(target=lambda: heard.extend(session.reports()), daemon=True)
        listener.start()
        numbers = []
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            for _ in range(dice.randrange(1, 40)):
                numbers.append(session.create_order(market.symbol, "limit", "buy", 1, PRICE))
            time.sleep(0.01)
        accepted = [session.wait(number, PATIENCE) for number in numbers]
    listener.join(PATIENCE)
    assert proxy.cuts > 5
    print(f"{len(numbers)} orders, {proxy.cuts} cuts")
    ids = [report.order_id for report in accepted]
    assert len(set(ids)) == len(numbers)
    assert [order.report.order_id for order in buyer.fetch_open_orders(market.symbol)] == ids
    first = heard[0].number
    kept = reports_of(buyer, first)
    assert [report.number for report in heard] == [report.number for report in kept]
    assert [report.number for report in kept] == list(range(first, first + len(kept)))
    assert [report.order_id for report in kept if report.kind is ReportKind.ACCEPTED] == ids


def test_drop_copy_over_a_failing_line_tells_each_report_once(
    market: Market, proxy: Proxy, buyer: Client, dice: random.Random
) -> None:
    first = buyer._next_report(market.buyer_id)
    told: list[ExecutionReport] = []
    with market.client(market.buyer_key, proxy.address) as client, Cutter(proxy, dice):
        watching = client.watch_orders(first)
        for _ in range(150):
            buyer.create_order(market.symbol, "limit", "buy", 1, PRICE)
            told.append(next(watching))
        for _ in range(150):
            buyer.create_order(market.symbol, "limit", "buy", 1, PRICE)
        told += [next(watching) for _ in range(150)]
    assert [report.number for report in told] == list(range(first, first + 300))


def test_a_listener_from_now_on_misses_nothing(
    market: Market, proxy: Proxy, buyer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with market.client(market.buyer_key, proxy.address) as client:
        asked: list[int] = []
        stream = client._wire.stream

        def opens(request: Message, answer: type[A]) -> Stream[A]:
            assert isinstance(request, orders_pb2.StreamExecutionsRequest)
            asked.append(request.from_number)
            return stream(request, answer)

        monkeypatch.setattr(client._wire, "stream", opens)
        watching = client.watch_orders()
        told: list[ExecutionReport] = []
        # Reports of what the test before has cancelled may still come.
        accepted = (report for report in watching if report.kind is ReportKind.ACCEPTED)
        listener = threading.Thread(target=lambda: told.append(next(accepted)), daemon=True)
        listener.start()
        # The first stream, or some, asked for the number to begin with.
        until(lambda: bool(asked) and asked[-1] < asked[0])
        # Cut before the first report came: there was no number yet to go on from, but the one that was asked for.
        proxy.cut()
        placed = buyer.create_order(market.symbol, "limit", "buy", 1, PRICE)
        listener.join(PATIENCE)
        assert [report.order_id for report in told] == [placed.order_id]


async def test_an_async_session_over_a_failing_line_loses_and_doubles_nothing(
    market: Market, proxy: Proxy, buyer: Client, dice: random.Random
) -> None:
    async with AsyncClient(proxy.address, market.buyer_key) as client:
        session = await client.session(f"async {dice.randrange(1 << 32)}", account_id=market.buyer_id)
        heard: list[ExecutionReport] = []

        async def listen() -> None:
            async for report in session.reports():
                heard.append(report)

        async def cut() -> None:
            while True:
                await asyncio.sleep(dice.uniform(0.05, 0.3))
                proxy.cut()

        listener, cutter = asyncio.create_task(listen()), asyncio.create_task(cut())
        numbers = []
        for _ in range(200):
            for _ in range(dice.randrange(1, 10)):
                numbers.append(session.create_order(market.symbol, "limit", "buy", 1, PRICE))
            await asyncio.sleep(0.01)
        accepted = [await session.wait(number, PATIENCE) for number in numbers]
        cutter.cancel()
        await session.close()
        await listener
    assert proxy.cuts > 5
    ids = [report.order_id for report in accepted]
    standing = await asyncio.to_thread(buyer.fetch_open_orders, market.symbol)
    assert [order.report.order_id for order in standing] == ids
    assert [report.number for report in heard] == list(range(heard[0].number, heard[0].number + len(numbers)))


def test_market_data_over_a_failing_line_goes_on_where_it_was(
    market: Market, proxy: Proxy, buyer: Client, seller: Client, dice: random.Random
) -> None:
    views = [MarketDataView.LEVELS, MarketDataView.ORDERS, MarketDataView.TRADES, MarketDataView.STATISTICS]
    with market.client(market.buyer_key, proxy.address) as client, Cutter(proxy, dice, 0.1):
        subscription = client.subscribe(market.symbol, views)
        updates: list[MarketUpdate] = []

        def listen() -> None:
            for update in subscription:
                updates.append(update)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        until(lambda: len(updates) >= len(views))
        # What each order traded that did; a command of trades is a change of their view.
        made: list[list[int]] = []
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            price = Decimal("0.24") + dice.randrange(-20, 20) * Decimal("0.0001")
            side = dice.choice([(buyer, "buy"), (seller, "sell")])
            placed = side[0].create_order(market.symbol, "limit", side[1], dice.randrange(1, 9), price)
            made += [[fill.trade_id for fill in placed.fills]] * bool(placed.fills)
            time.sleep(0.002)
        book = buyer.fetch_order_book(market.symbol, 1_000, orders=True)

        def of_trades() -> list[MarketUpdate]:
            return [update for update in updates if update.view is MarketDataView.TRADES]

        def is_all_there() -> bool:
            assert listener.is_alive()
            told, orders = of_trades(), subscription.feed.order_books[market.symbol]
            return told[-1].number == told[0].number + len(made) and orders.sequence >= book.sequence

        until(is_all_there)
        subscription.close()
        listener.join(PATIENCE)
    assert proxy.cuts > 5
    assert subscription.feed.repairs == 0
    first, *told = of_trades()
    heard, left_out = [], 0
    for before, update in pairwise([first, *told]):
        assert update.missed is not None
        # Who comes back while all of it is kept has missed nothing.
        assert update.missed == 0 or update.missed > KEPT or update.time - before.time > KEPT_FOR
        left_out += update.missed
        if isinstance(update.content, tuple) and not update.snapshot:
            assert made[update.number - first.number - 1] == [trade.trade_id for trade in update.content]
            heard.append(update.number)
    assert len(heard) + left_out == len(made)
    snapshots = sum(update.snapshot for update in updates)
    assert snapshots < proxy.cuts * len(views)
    print(f"{len(made)} commands of trades, {left_out} missed, {proxy.cuts} cuts, {snapshots} snapshots")
    levels, orders = subscription.feed.level_books[market.symbol], subscription.feed.order_books[market.symbol]
    assert (levels.bids(), levels.asks()) == (orders.bids(), orders.asks()) == (book.bids, book.asks)
    assert (orders.orders("buy"), orders.orders("sell")) == (book.bid_orders, book.ask_orders)


def test_who_was_away_for_too_long_is_told_how_much_was_missed(
    market: Market, proxy: Proxy, buyer: Client, seller: Client
) -> None:
    def trade() -> None:
        seller.create_order(market.symbol, "limit", "sell", 1, "0.2479")
        assert len(buyer.create_order(market.symbol, "limit", "buy", 1, "0.2479").fills) == 1

    with market.client(market.buyer_key, proxy.address) as client:
        subscription = client.subscribe(market.symbol, [MarketDataView.TRADES])
        updates = iter(subscription)
        before = next(updates)
        assert before.snapshot
        proxy.is_shut = True
        proxy.cut()
        for _ in range(KEPT + 1):
            trade()
        proxy.is_shut = False
        after = next(updates)
        assert (after.snapshot, after.missed) == (True, KEPT + 1)
        trade()
        following = next(updates)
        assert (following.snapshot, following.number, following.missed) == (False, after.number + 1, 0)
        subscription.close()


@pytest.mark.parametrize("end", [Server.stop, Server.kill])
def test_a_restart_is_survived(market: Market, buyer: Client, end: Callable[[Server], None]) -> None:
    """The exchange stops, in order or not, and starts again: session, drop copy and market data go on."""
    session = buyer.session("over a restart")
    subscription = buyer.subscribe(market.symbol, [MarketDataView.ORDERS])
    updates = iter(subscription)
    assert next(updates).snapshot
    before = session.wait(session.create_order(market.symbol, "limit", "buy", 1, PRICE), PATIENCE)
    watching = buyer.watch_orders(before.number)
    assert next(watching) == before
    end(market.server)
    number = session.create_order(market.symbol, "limit", "buy", 2, PRICE)
    market.server.start()
    after = session.wait(number, PATIENCE)
    assert after.number == before.number + 1
    assert next(watching) == after
    update = next(each for each in updates if each.snapshot)
    assert update.missed is None
    while len(subscription.feed.order_books[market.symbol].orders("buy")) < 2:
        next(updates)
    assert [order.quantity for order in subscription.feed.order_books[market.symbol].orders("buy")] == [1, 2]
    subscription.close()
    session.close()


def test_trades_that_a_restart_kept_from_being_told_come_out_of_history(
    market: Market, proxy: Proxy, buyer: Client, seller: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trade() -> int:
        seller.create_order(market.symbol, "limit", "sell", 1, "0.2479")
        return buyer.create_order(market.symbol, "limit", "buy", 1, "0.2479").fills[0].trade_id

    with market.client(market.buyer_key, proxy.address) as client:
        told: list[int] = []
        subscribed: list[Subscription] = []
        subscribe = client.subscribe

        def subscribes(symbol: str, views: list[MarketDataView]) -> Subscription:
            subscribed.append(subscribe(symbol, views))
            return subscribed[-1]

        def listen() -> None:
            for trade in client.watch_trades(market.symbol):
                told.append(trade.trade_id)

        monkeypatch.setattr(client, "subscribe", subscribes)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        until(lambda: bool(subscribed) and subscribed[0].feed.sequence > 0)
        made = [trade(), trade()]
        proxy.is_shut = True
        proxy.cut()
        market.server.kill()
        market.server.start()
        made += [trade(), trade()]
        proxy.is_shut = False
        until(lambda: len(told) >= len(made))
        made += [trade(), trade()]
        until(lambda: len(told) >= len(made))
        subscribed[0].close()
        listener.join(PATIENCE)
    assert told == made


# --- a session's numbers, without an exchange ---


def logged_on(trading: Trading, last_number: int = 0, next_report: int = 1) -> None:
    said = orders_pb2.LoggedOn(session_id=7, last_number=last_number, next_report_number=next_report)
    said.heartbeat_interval.FromSeconds(10)
    trading.take(orders_pb2.TradeResponse(logged_on=said), 0.0)


def reported(trading: Trading, number: int, entry: int, session: int = 7) -> None:
    report = types_pb2.ExecutionReport(
        number=number, request_number=entry, session_id=session, kind=types_pb2.REPORT_KIND_ACCEPTED
    )
    trading.take(orders_pb2.TradeResponse(reports=orders_pb2.ReportBatch(reports=[report])), 0.0)


def sent(trading: Trading, now: float = 0.0) -> list[int]:
    request = trading.due(now)
    return [entry.number for entry in request.batch.entries] if request is not None else []


def order() -> NewOrder:
    return NewOrder(symbol="S", side="buy", quantity=1, price="0.1")


def test_what_was_throttled_is_sent_again_after_the_delay() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    for _ in range(5):
        trading.place(order())
    assert sent(trading) == [1, 2, 3, 4, 5]
    throttled = orders_pb2.Throttled(first_refused_number=3)
    throttled.retry_after.FromMilliseconds(500)
    trading.take(orders_pb2.TradeResponse(throttled=throttled), 1.0)
    reported(trading, 1, 1)
    assert sent(trading, 1.4) == []
    assert sent(trading, 1.5) == [3, 4, 5]


def test_what_the_exchange_has_not_seen_is_sent_again() -> None:
    trading = Trading(1, "s")
    logged_on(trading, last_number=10)
    numbers = [trading.place(order()) for _ in range(3)]
    assert sent(trading) == numbers == [11, 12, 13]
    trading.lost()
    assert trading.due(100.0) is None
    logged_on(trading, last_number=12, next_report=3)
    assert sent(trading) == [13]
    assert trading.logon().logon.resume_from_number == 1
    reported(trading, 1, 11)
    reported(trading, 2, 12)
    assert trading.has_answer(11)
    assert trading.has_answer(12)
    assert not trading.has_answer(13)


def test_what_is_stale_is_not_sent_when_the_connection_is_back() -> None:
    now = 0.0
    trading = Trading(1, "s", stale_after=1.0, clock=lambda: now)
    logged_on(trading)
    seen, lost, cancel = trading.place(order()), trading.place(order()), trading.cancel(7)
    assert sent(trading) == [seen, lost, cancel]
    trading.lost()
    now = 2.0
    fresh = trading.place(order())
    said = orders_pb2.LoggedOn(session_id=7, last_number=seen, next_report_number=1)
    trading.take(orders_pb2.TradeResponse(logged_on=said), 2.5)
    assert sent(trading, 2.5) == [cancel, fresh]
    with pytest.raises(EntryRefused, match=r"is stale: it was not sequenced for 2\.5 s"):
        trading.answer(lost)


def test_what_became_of_an_entry_is_told_once() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    number = trading.place(order())
    assert not trading.has_answer(number)
    assert not trading.has_answer(number + 1)
    reported(trading, 1, number)
    assert trading.answer(number).number == 1
    assert trading.has_answer(number)
    with pytest.raises(errors.HourbookError, match="told before"):
        trading.answer(number)


def test_a_session_that_cannot_end_in_order_says_so(market: Market, proxy: Proxy) -> None:
    with market.client(market.buyer_key, proxy.address) as client:
        session = client.session("no end")
        proxy.is_deaf = True
        session.create_order(market.symbol, "limit", "buy", 1, PRICE)
        with pytest.raises(errors.TimedOut, match="1 entries are without an answer"):
            session.close(0.5)


def test_an_entry_whose_refusal_was_lost_is_answered_all_the_same() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    lost = trading.place(order())
    taken = trading.place(order())
    sent(trading)
    trading.lost()
    logged_on(trading, last_number=2, next_report=2)
    assert not trading.has_answer(lost)
    reported(trading, 1, taken)
    with pytest.raises(EntryRefused):
        trading.answer(lost)
    assert trading.answer(taken).number == 1


def test_a_batch_that_is_too_large_is_split() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    for _ in range(500):
        trading.place(order())
    assert len(sent(trading)) == 500
    refused = orders_pb2.EntryRefused(number=1, field="batch.entries", description="too many")
    trading.take(orders_pb2.TradeResponse(entry_refused=refused), 0.0)
    assert len(sent(trading)) == 250
    assert len(sent(trading)) == 250


def test_a_gap_in_the_reports_is_not_passed_over() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    reported(trading, 1, 0)
    reported(trading, 1, 0)
    assert len(trading.reports) == 1
    with pytest.raises(errors.HourbookError, match="report 3 came where 2 was due"):
        reported(trading, 3, 0)


def test_a_heartbeat_is_sent_when_nothing_else_is() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    assert trading.pause(1.0) == 4.0
    assert trading.due(4.9) is None
    request = trading.due(5.0)
    assert request is not None
    assert request.WhichOneof("message") == "heartbeat"
    assert trading.pause(5.0) == 5.0


def test_a_refusal_in_a_session_is_raised_by_its_entry() -> None:
    trading = Trading(1, "s")
    logged_on(trading)
    number = trading.place(order())
    report = types_pb2.ExecutionReport(
        number=1,
        request_number=number,
        session_id=7,
        kind=types_pb2.REPORT_KIND_REJECTED,
        reject_reason=types_pb2.REJECT_REASON_HALTED,
    )
    trading.take(orders_pb2.TradeResponse(reports=orders_pb2.ReportBatch(reports=[report])), 0.0)
    with pytest.raises(refusals.Halted) as refused:
        trading.answer(number)
    assert isinstance(refused.value, Refused)
