"""Every service by both clients, against a real exchange."""

import inspect
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE, Market, Proxy, Server
from google.protobuf.message import Message

import hourbook
from hourbook import (
    AsyncClient,
    Client,
    MarketDataView,
    NewOrder,
    NotExact,
    Observation,
    PriceRequest,
    Quote,
    Rows,
    errors,
    refusals,
)
from hourbook._calls import PATHS
from hourbook.enums import LedgerEntryKind, OrderType, ReportKind, Role, Side, TimeInForce
from hourbook.models import Order, TopOfBook

PRICE = Decimal("0.2479")


def test_every_method_of_the_contract_is_called_by_the_client() -> None:
    """By the names of the requests in its source."""
    source = "".join(path.read_text() for path in Path(hourbook.__file__).parent.glob("*.py"))
    for request in PATHS:
        assert re.search(rf"_pb2\.{request.rsplit('.', 1)[1]}\b", source), request


def test_both_clients_have_the_same_verbs() -> None:
    def verbs(client: type) -> dict[str, list[str]]:
        found = inspect.getmembers(client, inspect.isfunction)
        return {name: list(inspect.signature(verb).parameters) for name, verb in found if not name.startswith("__")}

    assert verbs(Client) == verbs(AsyncClient)
    assert verbs(hourbook.Subscription) == verbs(hourbook.AsyncSubscription)
    sessions = [{name for name in verbs(each) if name[0] != "_"} for each in (hourbook.Session, hourbook.AsyncSession)]
    assert sessions[0] == sessions[1]


def test_two_orders_make_a_trade(market: Market, buyer: Client, seller: Client) -> None:
    offered = seller.create_order(market.symbol, "limit", "sell", 10, PRICE)
    assert (offered.filled, offered.remaining) == (0, 10)
    bought = buyer.create_order(market.symbol, "limit", "buy", "4", str(PRICE), client_order_id="first")
    assert [(fill.price, fill.quantity) for fill in bought.fills] == [(PRICE, 4)]
    assert (bought.client_order_id, bought.filled, bought.repeated) == ("first", 4, False)
    again = buyer.create_order(market.symbol, "limit", "buy", 4, PRICE, client_order_id="first")
    assert (again.repeated, again.order_id) == (True, bought.order_id)
    with pytest.raises(refusals.ClientIdReused) as reused:
        buyer.create_order(market.symbol, "limit", "buy", 5, PRICE, client_order_id="first")
    assert reused.value.field == "client_order_id"
    left = seller.fetch_order(offered.order_id)
    assert (left.live, left.report.leaves_quantity, left.report.symbol) == (True, 6, market.symbol)
    assert seller.reduce_order(offered.order_id, 1).remaining == 5
    edited = seller.edit_order(offered.order_id, price=PRICE + Decimal("0.0001"), amount=8)
    assert (edited.report.price, edited.remaining) == (PRICE + Decimal("0.0001"), 4)
    assert [order.report.order_id for order in seller.fetch_open_orders(market.symbol)] == [offered.order_id]
    assert seller.cancel_order(offered.client_order_id).report.kind is ReportKind.CANCELLED
    assert seller.fetch_closed_orders(limit=1)[0].report.order_id == offered.order_id
    trade = buyer.fetch_my_trades(market.symbol)[-1]
    assert trade.fill is not None
    assert (trade.fill.price, trade.fill.quantity) == (PRICE, 4)
    position = next(each for each in buyer.fetch_positions() if each.symbol == market.symbol)
    assert position.units >= 4
    entry = buyer.fetch_ledger()[-1]
    assert entry.kind is LedgerEntryKind.FILL
    assert entry.fee == trade.fill.fee
    balance = buyer.fetch_balance()["CNY"]
    assert balance.available == balance.cash - balance.held
    assert buyer.fetch_accounts()[0].account_id == market.buyer_id


def test_each_kind_of_order_is_taken(market: Market, buyer: Client, seller: Client) -> None:
    symbol = market.symbol
    seller.create_order(symbol, "limit", "sell", 10, PRICE, display_quantity=2)
    assert buyer.create_market_order(symbol, "buy", 1).filled == 1
    killed = buyer.create_order(symbol, "limit", "buy", 50, PRICE, time_in_force="ioc", minimum_quantity=1)
    assert (killed.filled, killed.remaining) == (9, 0)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    resting = buyer.create_order(symbol, OrderType.LIMIT, Side.BUY, 1, "0.2", time_in_force="gtd", expire_time=tomorrow)
    assert resting.report.time_in_force is TimeInForce.GTD
    stop = buyer.create_order(symbol, "stop_limit", "buy", 1, "0.26", trigger_price="0.255")
    assert stop.report.trigger_price == Decimal("0.255")
    seller.create_limit_order(symbol, "sell", 2, PRICE)
    budget = Decimal("0.2479") * 2 * market.instrument.hours + 1
    whole = buyer.create_order(symbol, "market", "buy", 2, time_in_force="fok_budget", budget=budget)
    assert whole.filled == 2
    held = {hold.order_id: hold for hold in buyer.fetch_holds()}
    assert held[resting.order_id].cash > 0
    assert buyer.cancel_all_orders(symbol, side="buy") == 2
    assert buyer.fetch_open_orders() == []


def test_the_market_refuses_with_a_class_of_its_own(market: Market, buyer: Client, seller: Client) -> None:
    symbol = market.symbol
    asked: list[tuple[type[errors.Refused], Callable[[], object]]] = [
        (refusals.PriceOffTick, lambda: buyer.create_order(symbol, "limit", "buy", 1, "0.24795")),
        (refusals.PriceOutOfBand, lambda: buyer.create_order(symbol, "limit", "buy", 1, "99")),
        (refusals.InsufficientFunds, lambda: buyer.create_order(symbol, "limit", "buy", 1_000_000, "0.2479")),
        (refusals.InsufficientHours, lambda: seller.create_order(symbol, "limit", "sell", 900_000, "0.2479")),
        (refusals.UnknownInstrument, lambda: buyer.create_order("GP.CNNX.A.D20200101", "limit", "buy", 1, "0.2")),
        (refusals.UnknownOrder, lambda: buyer.cancel_order(1)),
        (refusals.UnknownOrder, lambda: buyer.edit_order("nobody", price="0.2")),
        (refusals.NoLiquidity, lambda: buyer.create_market_order(symbol, "buy", 1)),
        (refusals.UnknownAccount, lambda: market.operator.deposit(999, "CNY", 1)),
        (refusals.UnknownCurrency, lambda: market.operator.deposit(market.buyer_id, "ZZZ", 1)),
        (refusals.InsufficientFunds, lambda: market.operator.withdraw(market.seller_id, "CNY", 1)),
    ]
    for refusal, ask in asked:
        with pytest.raises(refusal) as refused:
            ask()
        assert refused.value.message
    with pytest.raises(errors.NotCovered) as covered:
        buyer.create_order(symbol, "limit", "buy", 1_000_000, "0.2479")
    assert covered.value.report is not None
    assert covered.value.report.sequence > 0


def test_what_is_misshapen_names_its_field(market: Market, buyer: Client) -> None:
    with pytest.raises(errors.InvalidField) as refused:
        buyer.create_order("no symbol", "limit", "buy", 1, "0.2")
    assert refused.value.field == "order.symbol"
    with pytest.raises(NotExact, match="price"):
        buyer.create_order(market.symbol, "limit", "buy", 1, 0.2)  # type: ignore[arg-type]
    with pytest.raises(errors.NotAllowed) as denied:
        buyer.fetch_balance(account_id=market.seller_id)
    assert (denied.value.reason, denied.value.field) == ("ACCOUNT_NOT_YOURS", "account_id")
    with pytest.raises(errors.NotFound):
        buyer.fetch_order(12345)
    with market.client("hb_nobody") as nobody, pytest.raises(errors.Unauthenticated):
        nobody.fetch_products()
    with pytest.raises(NotExact, match="account_id: the key has 0 accounts: give account_id"):
        market.operator.fetch_balance()


def test_an_argument_of_the_wrong_type_is_refused_by_name_before_anything_is_sent(market: Market, buyer: Client) -> None:
    symbol, operator = market.symbol, market.operator
    place = partial(buyer.create_order, symbol, "limit", "buy", 1, "0.2")
    asked: list[tuple[str, Callable[..., object]]] = [
        ("since", lambda bad: buyer.trades(symbol, since=bad)),
        ("until", lambda bad: buyer.candles(symbol, "minute", until=bad)),
        ("since", lambda bad: buyer.fetch_index("GP.CNNX.A", bad, bad)),
        ("symbol", lambda bad: buyer.trades(bad)),
        ("symbol", lambda bad: buyer.create_order(bad, "limit", "buy", 1, "0.2")),
        ("expire_time", lambda bad: place(time_in_force="gtd", expire_time=bad)),
        ("client_order_id", lambda bad: place(client_order_id=bad)),
        ("post_only", lambda bad: place(post_only=bad)),
        ("account_id", lambda bad: place(account_id=bad)),
        ("account_id", lambda bad: Client(market.server.address, "", account_id=bad)),
        ("key", lambda bad: Client(market.server.address, bad)),
        ("address", lambda bad: Client(bad)),
        ("order", lambda bad: buyer.submit_order(bad)),
        ("order", lambda bad: buyer.cancel_order(bad)),
        ("request_id", lambda bad: buyer.cancel_order(1, request_id=bad)),
        ("limit", lambda bad: buyer.fetch_open_orders(limit=bad)),
        ("limit", lambda bad: buyer.fetch_order_book(symbol, bad)),
        ("symbol", lambda bad: buyer.fetch_open_orders(bad)),
        ("symbol", lambda bad: buyer.fetch_my_trades(bad)),
        ("from_number", lambda bad: next(buyer.watch_orders(bad))),
        ("session", lambda bad: buyer.session(bad)),
        ("resume_from", lambda bad: buyer.session("mine", resume_from=bad)),
        ("cancel_on_disconnect", lambda bad: buyer.session("mine", cancel_on_disconnect=bad)),
        ("quotes", lambda bad: buyer.quote(bad)),
        ("observations", lambda bad: buyer.submit_observations(1, "GP", bad)),
        ("quote", lambda bad: buyer.fetch_quote(bad)),
        ("symbols", lambda bad: buyer.subscribe(bad)),
        ("currency", lambda bad: operator.deposit(market.buyer_id, bad, 1)),
        ("hours", lambda bad: operator.declare_capacity(1, "GP.CNNX.A", datetime.now(UTC), bad, 1, "seen")),
        ("market", lambda bad: operator.halt(market=bad)),
    ]
    for field, ask in asked:
        with pytest.raises(NotExact) as refused:
            # No whole number, no text, no moment, no flag.
            ask(-1.5)
        assert refused.value.field == field
    for ask in (lambda: buyer.cancel_order(-5), lambda: next(buyer.watch_orders(-1)), lambda: place(account_id=-1)):
        with pytest.raises(NotExact, match="is not from 0 to"):
            ask()
    with pytest.raises(NotExact, match="price: -1 is not above zero"):
        buyer.create_order(symbol, "limit", "buy", 1, -1)
    assert buyer.fetch_open_orders() == []


def test_users_of_ccxt_find_their_milliseconds_and_timeframes(market: Market, buyer: Client, seller: Client) -> None:
    begun = int(time.time() * 1_000)
    seller.create_order(market.symbol, "limit", "sell", 1, PRICE)
    taken = buyer.create_order(market.symbol, "limit", "buy", 1, PRICE)
    for theirs, ours in (("1m", "minute"), ("1d", "day")):
        assert buyer.fetch_ohlcv(market.symbol, theirs) == buyer.candles(market.symbol, ours) != []
    assert [trade.trade_id for trade in buyer.fetch_trades(market.symbol, begun, 10)] == [taken.fills[0].trade_id]
    assert next(buyer.watch_ohlcv(market.symbol, "1d")).close_price == PRICE


def test_a_ticker_tells_the_best_prices_the_last_and_the_day(market: Market, buyer: Client, seller: Client) -> None:
    # Nobody else's.
    symbol = market.operator.fetch_markets("GP.CNNX.A.D*")[-2].symbol
    before = buyer.fetch_ticker(symbol)
    assert (before.bid, before.ask, before.last_price, before.open_price, before.volume) == (None, None, None, None, 0)
    seller.create_order(symbol, "limit", "sell", 5, PRICE)
    buyer.create_order(symbol, "limit", "buy", 2, PRICE)
    seller.create_order(symbol, "limit", "sell", 5, PRICE - Decimal("0.0001"))
    buyer.create_order(symbol, "limit", "buy", 3, PRICE - Decimal("0.0001"))
    buyer.create_order(symbol, "limit", "buy", 7, "0.2")
    ticker = buyer.fetch_ticker(symbol)
    assert ticker.bid is not None
    assert ticker.ask is not None
    assert (ticker.bid.price, ticker.bid.quantity) == (Decimal("0.2"), 7)
    assert (ticker.ask.price, ticker.ask.quantity) == (PRICE - Decimal("0.0001"), 2)
    assert (ticker.open_price, ticker.high_price, ticker.low_price) == (PRICE, PRICE, PRICE - Decimal("0.0001"))
    assert (ticker.last_price, ticker.volume, ticker.trade_count) == (PRICE - Decimal("0.0001"), 5, 2)
    assert ticker.day <= ticker.time < ticker.day + timedelta(days=1)
    assert buyer.fetch_ticker(ticker.instrument_id).symbol == symbol


def test_of_one_instrument_the_orders_come_in_full_pages(market: Market, buyer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    other = market.operator.fetch_markets("GP.CNNX.A.D*")[-2]
    for _ in range(10):
        buyer.create_order(market.symbol, "limit", "buy", 1, "0.2")
    wanted = buyer.create_order(other.symbol, "limit", "buy", 1, "0.2").order_id
    asked: list[Message] = []
    call = buyer._wire.call

    def counted(request: Message, *rest: Any, **options: Any) -> Any:
        asked.append(request)
        return call(request, *rest, **options)

    monkeypatch.setattr(buyer._wire, "call", counted)
    for name in (other.symbol, other.instrument_id):
        asked.clear()
        assert [order.report.order_id for order in buyer.fetch_open_orders(name, limit=1)] == [wanted]
        assert len(asked) == 1
    assert len(buyer.fetch_open_orders(limit=3)) == 3
    monkeypatch.undo()
    buyer.cancel_all_orders()
    assert buyer.fetch_closed_orders(other.instrument_id, limit=1)[0].report.order_id == wanted


def test_quotes_replace_each_other(market: Market, buyer: Client) -> None:
    result = buyer.quote([Quote(symbol=market.symbol, bid_price="0.21", bid_quantity=5)])
    assert result.standing_count == 1
    result = buyer.quote([Quote(symbol=market.symbol, bid_price="0.2101", bid_quantity=5)], post_only=True)
    assert [order.report.price for order in buyer.fetch_open_orders()] == [Decimal("0.2101")]
    assert buyer.fetch_open_orders()[0].quote
    # One alone needs no list.
    assert buyer.quote(Quote(symbol=market.symbol)).standing_count == 0


def test_instruments_and_products_are_listed(market: Market, buyer: Client) -> None:
    product = buyer.fetch_product("GP.CNNX.A")
    assert (product.currency, product.tick, product.availability) == ("CNY", Decimal("0.0001"), Decimal("0.9995"))
    assert "GP.CNNX.A" in {each.symbol for each in buyer.fetch_products("GP.*")}
    assert len(buyer.fetch_products(limit=7)) == 7
    contract = buyer.fetch_contract("GP.CNNX.A")
    assert contract.grade is not None
    assert contract.region is not None
    assert "vCPU" in contract.text
    assert (contract.grade.unit, contract.grade.vcpu, contract.region.code) == ("vCPU", 1, "CNNX")
    one = buyer.fetch_market(market.symbol)
    assert buyer.fetch_market(one.instrument_id) == one
    hours = buyer.fetch_markets("GP.CNNX.A.H*")
    assert len(hours) > 300
    assert all(each.gate_closure_time < each.delivery_start_time for each in hours)
    for change in buyer.watch_status(market.symbol.rsplit(".", 1)[0] + ".D*"):
        assert change.symbol.startswith("GP.CNNX.A.D")
        break
    capacity = market.client(market.seller_key).fetch_capacity("GP.CNNX.A")
    assert any(each.declared_quantity == 100_000 for each in capacity)


def test_prices_are_quoted_explained_and_rated(market: Market) -> None:
    operator = market.operator
    quote = operator.fetch_quote("GP.CNNM.A")
    assert quote.bid_price is not None
    assert quote.ask_price is not None
    assert quote.bid_price < quote.ask_price
    assert operator.fetch_quote(market.symbol).symbol == market.symbol
    request = PriceRequest(product="GP.CNNM.A", quantity=5, inventory_quantity=0, capacity_quantity=100)
    assert operator.fetch_quote(request).ask_withheld is not None
    terms = operator.explain_quote("GP.CNNM.A")
    assert all(isinstance(term.value, Decimal) for term in terms.fair_terms)
    provider = operator.create_participant("a provider").number
    yesterday = datetime.now(UTC) - timedelta(days=1)
    seen = Observation(metric="availability", observation_time=yesterday, good=999, total=1_000)
    with market.client(operator.issue_key(provider, Role.METER).key) as meter:
        assert meter.submit_observations(provider, "GP", [seen], request_id="seen").number == 1
        assert meter.submit_observations(provider, "GP", [seen], request_id="seen").repeated
    deadline = time.monotonic() + PATIENCE
    while not operator.fetch_ratings(provider):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert operator.fetch_rating(provider, "GP").class_ == "GP"
    score = operator.explain_score(provider, "GP").score
    assert score is not None
    assert sum(each.weight for each in score.attributes) == 1
    assert next(operator.watch_quotes("GP.CNNM.A", "GP.CNNX.A")).product == "GP.CNNM.A"
    with pytest.raises(errors.HourbookError):
        operator.fetch_quote("XX.CNNM.A")


def test_operators_run_the_market(market: Market) -> None:
    operator = market.operator
    participant = operator.create_participant("Someone", request_id="someone")
    assert operator.create_participant("Someone", request_id="someone").repeated
    account = operator.create_account(participant.number, "theirs").number
    issued = operator.issue_key(participant.number, Role.TRADER, account_id=account, label="theirs")
    operator.deposit(account, "CNY", "100.5", reference="in")
    operator.withdraw(account, "CNY", "0.5", reference="out")
    operator.set_credit(account, "CNY", 50)
    with market.client(issued.key) as client:
        balance = client.fetch_balance()["CNY"]
        assert (balance.cash, balance.credit, balance.available) == (100, 50, 150)
        operator.kill(account, reason="a drill")
        with pytest.raises(refusals.Killed):
            client.create_order(market.symbol, "limit", "buy", 1, "0.2")
        operator.unkill(account)
        other = operator.fetch_markets("GP.CNNM.A.D*")[-1].symbol
        operator.halt(symbol=other, reason="a drill")
        with pytest.raises(errors.NotNow):
            client.create_order(other, "limit", "buy", 1, "0.2")
        operator.resume(symbol=other)
        operator.set_reference(other, "0.2")
        assert operator.open_auction(symbol=other).number == 1
        client.create_order(other, "limit", "buy", 1, "0.2")
        assert client.fetch_order_book(other).bids[0].price == Decimal("0.2")
        assert operator.uncross(symbol=other, reference_price="0.2").number == 1
        operator.revoke_key(issued.key_id)
        with pytest.raises(errors.Unauthenticated):
            client.fetch_balance()
    assert next(each for each in operator.fetch_keys() if each.key_id == issued.key_id).revoked
    assert account in {each.account_id for each in operator.fetch_all_accounts()}
    assert participant.number in {each.participant_id for each in operator.fetch_participants()}
    status = operator.fetch_status(state_hash=True)
    assert status.ledger_sum == 0
    assert re.fullmatch("[0-9a-f]{64}", status.state_hash)
    sequence, _ = operator.take_snapshot()
    assert sequence >= status.sequence


def test_lists_become_tables(market: Market, buyer: Client, seller: Client) -> None:
    pandas = pytest.importorskip("pandas")
    seller.create_order(market.symbol, "limit", "sell", 3, PRICE)
    buyer.create_order(market.symbol, "limit", "buy", 3, PRICE)
    table = buyer.fetch_my_trades().to_df()
    assert isinstance(table, pandas.DataFrame)
    assert table["fill.price"].iloc[-1] == PRICE
    assert table["side"].iloc[-1] == "buy"
    assert buyer.fetch_markets("GP.CNNX.A.D*").to_df(floats=True)["tick"].dtype == float
    assert len(hourbook.to_df(buyer.fetch_order_book(market.symbol).asks)) == 0
    # No rows, and columns all the same.
    assert list(buyer.fetch_open_orders().to_df().columns)[:3] == ["report.account_id", "report.number", "report.sequence"]
    assert "report.fill.price" in buyer.fetch_open_orders().to_df().columns


def test_single_values_and_dicts_become_tables(market: Market, buyer: Client, seller: Client) -> None:
    pytest.importorskip("pandas")
    seller.create_order(market.symbol, "limit", "sell", 3, PRICE)
    placed = buyer.create_order(market.symbol, "limit", "buy", 1, PRICE)
    book = hourbook.to_df(buyer.fetch_order_book(market.symbol))
    assert (len(book), book["symbol"][0], book["asks"][0][0].price) == (1, market.symbol, PRICE)
    balances = hourbook.to_df(buyer.fetch_balance())
    assert list(balances["currency"]) == ["CNY"]
    ticker = hourbook.to_df(buyer.fetch_ticker(market.symbol), floats=True)
    assert ticker["ask.price"][0] == float(PRICE)
    # Ids stay whole beside rows that have none.
    lines = buyer.fetch_ledger()
    ledger = lines.to_df()
    assert ledger["trade_id"].isna().any()
    long = (1 << 53) + 1
    some = [replace(lines[-1], trade_id=long), replace(lines[-1], trade_id=None)]
    assert hourbook.to_df(some)["trade_id"][0] == long, "no float on its way"
    assert ledger["trade_id"].iloc[-1] == placed.fills[0].trade_id
    assert (str(ledger["trade_id"].dtype), str(ledger["entry_id"].dtype)) == ("Int64", "int64")
    # Of no rows too.
    assert hourbook.to_df(Rows(Order)).dtypes["report.fill.trade_id"] == "Int64"
    update = next(iter(buyer.subscribe(market.symbol, "statistics")))
    assert hourbook.to_df(update)["content"][0] == update.content


def test_a_way_out_cancels(market: Market) -> None:
    with Client(market.server.address, market.buyer_key, cancel_on_exit=True) as client:
        placed = client.create_order(market.symbol, "limit", "buy", 1, "0.2")
        assert client.fetch_order(placed.order_id).live
    with market.client(market.buyer_key) as client:
        assert not client.fetch_order(placed.order_id).live


def test_a_way_out_that_fails_hides_nothing(market: Market, proxy: Proxy, caplog: pytest.LogCaptureFixture) -> None:
    def leaving(raises: Exception | None) -> None:
        proxy.is_shut = False
        with Client(proxy.address, market.buyer_key, patience=0.1, cancel_on_exit=True) as client:
            client.fetch_accounts()
            proxy.is_shut = True
            proxy.cut()
            if raises is not None:
                raise raises

    with pytest.raises(ZeroDivisionError):
        leaving(ZeroDivisionError("the program's own"))
    assert "the cancel on the way out failed" in caplog.text
    with pytest.raises(errors.Unavailable):
        leaving(None)


@pytest.mark.usefixtures("buyer")
async def test_a_session_that_cannot_end_in_order_hides_nothing(
    market: Market, proxy: Proxy, dice: random.Random, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"hides nothing {dice.randrange(1 << 32)}"

    def lose(session: hourbook.Session | hourbook.AsyncSession) -> None:
        proxy.is_deaf = proxy.is_shut = True
        session.create_order(market.symbol, "limit", "buy", 1, "0.2")
        proxy.cut()
        raise ZeroDivisionError("the program's own")

    with (
        Client(proxy.address, market.buyer_key, patience=0.1) as client,
        pytest.raises(ZeroDivisionError),
        client.session(f"{name} s") as session,
    ):
        lose(session)
    proxy.is_deaf = proxy.is_shut = False
    async with AsyncClient(proxy.address, market.buyer_key, patience=0.1) as exchange:
        with pytest.raises(ZeroDivisionError):
            async with await exchange.session(f"{name} a") as waiting:
                lose(waiting)
    assert [f"session {name} {each} ends" in caplog.text for each in ("s", "a")] == [True, True]


def test_a_session_places_amends_and_cancels(market: Market, buyer: Client) -> None:
    with buyer.session("verbs", cancel_on_disconnect=True) as session:
        number = session.create_order(market.symbol, "limit", "buy", 5, "0.2", client_order_id="in session")
        placed = session.wait(number, PATIENCE)
        assert (placed.kind, placed.symbol, placed.price) == (ReportKind.ACCEPTED, market.symbol, Decimal("0.2"))
        assert placed.order_id is not None
        amended = session.wait(session.edit_order(placed.order_id, price="0.2001"), PATIENCE)
        assert amended.price == Decimal("0.2001")
        session.wait(session.reduce_order("in session", 1), PATIENCE)
        with pytest.raises(refusals.PriceOffTick):
            session.wait(session.create_order(market.symbol, "limit", "buy", 5, "0.20001"), PATIENCE)
        with pytest.raises(hourbook.EntryRefused) as refused:
            session.wait(session.create_order("no symbol", "limit", "buy", 5, "0.2"), PATIENCE)
        assert refused.value.field == "place.symbol"
        session.wait(session.cancel_order(placed.order_id), PATIENCE)
        quote = [Quote(symbol=market.symbol, bid_price="0.2", bid_quantity=2)]
        session.quote(quote)
        # The same again changes nothing, and is told by nobody.
        nothing = session.quote(quote)
        gone = session.wait(session.cancel_all_orders(market.symbol), PATIENCE)
        session.wait_quotes(nothing, PATIENCE)
        assert gone.kind is ReportKind.MASS_CANCELLED
        kinds = []
        for report in session.reports(0.5):
            kinds.append(report.kind)
        assert kinds[:3] == [ReportKind.ACCEPTED, ReportKind.AMENDED, ReportKind.REDUCED]
        left = session.create_order(market.symbol, "limit", "buy", 1, "0.2")
    ended = list(session.reports())
    assert [report.kind for report in ended] == [ReportKind.ACCEPTED, ReportKind.CANCELLED]
    assert ended[0].request_number == left
    with pytest.raises(hourbook.Closed):
        session.create_order(market.symbol, "limit", "buy", 1, "0.2")


def test_over_tls_the_exchange_is_trusted_by_its_certificate() -> None:
    server = Server(os.environ["HOURBOOK"], "--tls-development")
    try:
        trusted = (server.data / "development-certificate.pem").read_bytes()
        address = f"https://{server.address}"
        with Client(address, server.operator_key, root_certificates=trusted) as operator:
            assert operator.fetch_status().ledger_sum == 0
        with Client(address, server.operator_key, patience=0.1) as operator, pytest.raises(errors.Unavailable):
            operator.fetch_status()
        with pytest.raises(NotExact, match="address"):
            Client("ftp://somewhere")
    finally:
        server.stop()
        server.directory.cleanup()


def test_a_client_that_is_closed_says_so(market: Market) -> None:
    client = market.client(market.buyer_key)
    session = client.session("closed")
    client.close()
    for ask in (client.fetch_accounts, lambda: next(client.watch_orders(1)), lambda: session.wait(1, PATIENCE)):
        with pytest.raises(hourbook.Closed):
            ask()


def test_a_session_that_is_in_use_is_refused_at_once(market: Market, buyer: Client) -> None:
    with buyer.session("mine"), pytest.raises(refusals.SessionInUse):
        buyer.session("mine")


async def test_the_async_client_trades_and_listens(market: Market, dice: random.Random) -> None:
    address = market.server.address
    async with (
        AsyncClient(address, market.buyer_key, cancel_on_exit=True) as buyer,
        AsyncClient(address, market.seller_key, cancel_on_exit=True) as seller,
    ):
        subscription = buyer.subscribe(market.symbol, [MarketDataView.TOP, MarketDataView.TRADES])
        updates = aiter(subscription)
        await seller.create_order(market.symbol, "limit", "sell", 3, PRICE)
        placed = await buyer.submit_order(NewOrder(symbol=market.symbol, side="buy", quantity=2, price=PRICE))
        assert placed.filled == 2
        async for update in updates:
            if update.view is MarketDataView.TRADES and not update.snapshot:
                assert isinstance(update.content, tuple)
                assert [trade.quantity for trade in update.content] == [2]
                break
            if isinstance(update.content, TopOfBook) and update.content.ask is not None:
                assert update.content.ask.price == PRICE
        subscription.close()
        assert (await buyer.fetch_order_book(market.symbol)).asks[0].quantity == 1
        name = f"async {dice.randrange(1 << 32)}"
        async with await buyer.session(name, cancel_on_disconnect=True) as session:
            number = session.create_order(market.symbol, "limit", "buy", 1, "0.2")
            report = await session.wait(number, PATIENCE)
            assert report.kind is ReportKind.ACCEPTED
            with pytest.raises(refusals.PriceOffTick):
                await session.wait(session.create_order(market.symbol, "limit", "buy", 5, "0.20001"), PATIENCE)
            async for each in session.reports(PATIENCE):
                assert each.number == report.number
                break
        assert [each.kind async for each in session.reports()][-1] is ReportKind.CANCELLED
        async for told in buyer.watch_orders(report.number):
            assert told.order_id == report.order_id
            break
