"""Numbers, words and moments on their way in and out."""

import decimal
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hourbook import CandleInterval, Client, Feed, MarketDataView, NewOrder, NotExact, OrderType, Quote, Side
from hourbook._calls import metadata
from hourbook.exact import Number, count, flag, lots, micros, of_micros, text, time_of, timestamp
from hourbook.requests import amendment, candle_interval, mass_cancel, order_name, scope


def test_every_number_of_micros_comes_back(dice: random.Random) -> None:
    for _ in range(20_000):
        whole = dice.randrange(-(10 ** dice.randrange(1, 19)), 10 ** dice.randrange(1, 19))
        value = of_micros(whole)
        assert micros(value, "price") == micros(str(value), "price") == whole
        assert value * 1_000_000 == whole or abs(whole) >= 10**22


def test_a_number_is_refused_just_where_it_fits_no_micro(dice: random.Random) -> None:
    for _ in range(20_000):
        places = dice.randrange(0, 12)
        digits = dice.randrange(1, 10 ** dice.randrange(1, 13))
        value = Decimal(f"{digits}E-{places}")
        fits = digits * 10**6 % 10**places == 0
        if fits:
            assert micros(value, "price") == digits * 10**6 // 10**places
        else:
            with pytest.raises(NotExact, match="price: "):
                micros(value, "price")


def test_the_decimal_context_has_no_say() -> None:
    with decimal.localcontext(decimal.Context(prec=3)):
        assert str(of_micros(123_456_789)) == "123.456789"
        assert micros(Decimal("123456.789012"), "price") == 123_456_789_012


@pytest.mark.parametrize(
    "value",
    [0.1, 1.0, float("nan"), True, None, "x", "", "NaN", "1e30", "Infinity", "1e999999999", "1e-999999999", "0.1234567", 1 << 70],
)
def test_what_is_no_micro_is_refused_by_its_field(value: Number) -> None:
    with pytest.raises(NotExact) as refused:
        micros(value, "price")
    assert refused.value.field == "price"
    assert str(refused.value).startswith("price: ")
    assert isinstance(refused.value, ValueError)


def test_lots_are_whole() -> None:
    assert lots("10", "quantity") == lots(Decimal("10.0"), "quantity") == 10
    with pytest.raises(NotExact, match=r"quantity: 1\.5 is no whole number of lots"):
        lots("1.5", "quantity")


def test_numbers_print_as_people_write_them() -> None:
    assert [str(of_micros(whole)) for whole in (222_400, 5_000_000, 0, -1, 10_000_000)] == ["0.2224", "5", "0", "-0.000001", "10"]


def test_a_moment_needs_a_time_zone() -> None:
    now = datetime.now(UTC)
    assert time_of(timestamp(now, "expire_time")) == now
    with pytest.raises(NotExact, match="expire_time"):
        timestamp(now.replace(tzinfo=None), "expire_time")


def test_a_moment_may_be_milliseconds_as_ccxt_counts_them() -> None:
    assert time_of(timestamp(1_700_000_000_123, "since")) == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)
    # From the beginning.
    assert time_of(timestamp(0, "since")) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1_700_000_000, id="seconds"),
        pytest.param(1_700_000_000_000_000, id="microseconds"),
        pytest.param(-1, id="before 1970"),
        pytest.param(1.7e12, id="a float"),
        pytest.param("2026-12-01", id="a text"),
        pytest.param(date(2026, 12, 1), id="a day"),
        pytest.param(True, id="a flag"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_no_moment_is_refused_by_its_field(value: Any) -> None:
    with pytest.raises(NotExact, match=r"since: .*milliseconds since 1970") as refused:
        timestamp(value, "since")
    assert refused.value.field == "since"


def test_an_id_is_a_whole_number_of_any_library() -> None:
    numpy = pytest.importorskip("numpy")
    assert timestamp(numpy.int64(1_700_000_000_000), "since") == timestamp(1_700_000_000_000, "since")
    assert count(7, "account_id") == count(numpy.uint32(7), "account_id") == 7
    assert flag(numpy.bool_(True), "post_only") is True
    assert order_name(numpy.int64(1 << 32)).order_id == 1 << 32
    with pytest.raises(NotExact, match="account_id: give an int, not the str '2'"):
        count("2", "account_id")  # type: ignore[arg-type]
    for value in (True, 2.0, None, b"2"):
        with pytest.raises(NotExact, match="account_id: give an int, not the "):
            count(value, "account_id")  # type: ignore[arg-type]
    for number in (-1, 1 << 32):
        with pytest.raises(NotExact, match=f"account_id: {number} is not from 0 to 4294967295"):
            count(number, "account_id")


def test_texts_and_flags_are_nothing_else() -> None:
    assert text("\u6d4b", "name") == "\u6d4b"
    for value in (5, b"x", None, "\ud800"):
        with pytest.raises(NotExact, match="name: "):
            text(value, "name")  # type: ignore[arg-type]
    assert flag(True, "post_only") is True
    for value in ("yes", 1, None):
        with pytest.raises(NotExact, match="post_only: give True or False"):
            flag(value, "post_only")  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["5", None, True, -1.0, float("nan"), float("inf"), Decimal(3)])
def test_what_is_waited_for_is_a_number_of_seconds(value: Any) -> None:
    for name in ("timeout", "patience"):
        with pytest.raises(NotExact, match=f"^{name}: "):
            Client(key="k", **{name: value})


def test_nobody_need_have_patience_but_an_answer_takes_time() -> None:
    Client(key="k", patience=0).close()
    with pytest.raises(NotExact, match="timeout: 0 is not above 0"):
        Client(key="k", timeout=0)


def test_words_are_taken_in_any_case() -> None:
    assert Side.of("buy") is Side.of("BUY") is Side.of(Side.BUY) is Side.BUY
    assert OrderType.of("stop limit") is OrderType.STOP_LIMIT
    assert str(Side.BUY) == "buy"
    with pytest.raises(NotExact, match="side: 'bid' is none of buy, sell"):
        Side.of("bid", "side")
    assert Side(99) is Side.UNSPECIFIED


def test_intervals_have_their_names_in_ccxt_too() -> None:
    names = {"1s": "second", "1m": "minute", "5m": "five_minutes", "15m": "quarter_hour", "1h": "hour", "1d": "day"}
    for theirs, ours in names.items():
        assert candle_interval(theirs, "interval") is candle_interval(ours, "interval")
    # A month there is no minute here.
    for other in ("1M", "2h", 60):
        with pytest.raises(NotExact, match=r"interval: .* is none of second, .*, 1h, 1d"):
            candle_interval(other, "interval")  # type: ignore[arg-type]


def test_what_a_feed_is_of_may_be_one_or_several() -> None:
    one = Feed("S", "GP.*", "candles", "1h")
    assert one.request() == Feed(["S"], ["GP.*"], [MarketDataView.CANDLES], [CandleInterval.HOUR]).request()
    asked: list[tuple[str, Callable[[], Feed]]] = [
        ("symbols", lambda: Feed(5)),  # type: ignore[arg-type]
        ("symbols", lambda: Feed([5])),  # type: ignore[list-item]
        ("patterns", lambda: Feed(patterns=b"GP.*")),  # type: ignore[arg-type]
        ("views", lambda: Feed("S", views="level")),
        ("candle_intervals", lambda: Feed("S", views="candles", candle_intervals="2h")),
    ]
    for field, ask in asked:
        with pytest.raises(NotExact) as refused:
            ask()
        assert refused.value.field == field


def test_a_price_makes_a_limit_and_none_a_market_order() -> None:
    limit = NewOrder(symbol="S", side="buy", quantity=1, price="0.5").message()
    assert (limit.order_type, limit.price_micros, limit.symbol) == (OrderType.LIMIT, 500_000, "S")
    market = NewOrder(symbol=7, side="sell", quantity=1).message()
    assert (market.order_type, market.instrument_id) == (OrderType.MARKET, 7)


def test_what_cannot_be_meant_is_refused_here() -> None:
    with pytest.raises(NotExact, match="bid_quantity"):
        Quote(symbol="S", bid_price="0.1").message()
    with pytest.raises(NotExact, match="quantity: 0 is not above zero"):
        amendment(1, None, 0, None)
    with pytest.raises(NotExact, match="symbol"):
        mass_cancel("S", "P", None)
    with pytest.raises(NotExact, match="scope"):
        scope(None, None, False)
    with pytest.raises(NotExact, match="order"):
        order_name(True)


def test_what_is_not_above_zero_is_refused_by_its_argument() -> None:
    order: dict[str, Any] = {"symbol": "S", "side": "buy", "quantity": 1, "price": "0.2"}
    for field in ("price", "quantity"):
        for value in (0, "-1"):
            with pytest.raises(NotExact, match=f"{field}: {value} is not above zero"):
                NewOrder(**{**order, field: value}).message()
    for field in ("trigger_price", "display_quantity", "minimum_quantity", "budget"):
        with pytest.raises(NotExact, match=f"{field}: -1 is below zero"):
            NewOrder(**{**order, field: -1}).message()
    with pytest.raises(NotExact, match="bid_price: -1 is below zero"):
        Quote(symbol="S", bid_price=-1, bid_quantity=1).message()
    with pytest.raises(NotExact, match="price: -1 is not above zero"):
        amendment(1, -1, None, None)


def test_a_key_may_end_its_line_and_is_otherwise_what_a_header_carries() -> None:
    assert metadata("hb_12\n") == (("authorization", "Bearer hb_12"),)
    assert metadata("") == ()
    for key in ("hb_1\n2", "hb_\u00e9", b"hb_12"):
        with pytest.raises(NotExact, match="key: "):
            metadata(key)  # type: ignore[arg-type]
