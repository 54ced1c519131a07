"""Numbers, words and moments on their way in and out."""

import decimal
import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from hourbook import NewOrder, NotExact, OrderType, Quote, Side
from hourbook._calls import metadata
from hourbook.exact import Number, lots, micros, of_micros, time_of, timestamp
from hourbook.requests import amendment, mass_cancel, order_name, scope


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


def test_words_are_taken_in_any_case() -> None:
    assert Side.of("buy") is Side.of("BUY") is Side.of(Side.BUY) is Side.BUY
    assert OrderType.of("stop limit") is OrderType.STOP_LIMIT
    assert str(Side.BUY) == "buy"
    with pytest.raises(NotExact, match="side: 'bid' is none of buy, sell"):
        Side.of("bid", "side")
    assert Side(99) is Side.UNSPECIFIED


def test_a_price_makes_a_limit_and_none_a_market_order() -> None:
    limit = NewOrder(symbol="S", side="buy", quantity=1, price="0.5").message()
    assert (limit.order_type, limit.price_micros, limit.symbol) == (OrderType.LIMIT, 500_000, "S")
    market = NewOrder(symbol=7, side="sell", quantity=1).message()
    assert (market.order_type, market.instrument_id) == (OrderType.MARKET, 7)


def test_what_cannot_be_meant_is_refused_here() -> None:
    with pytest.raises(NotExact, match="bid_quantity"):
        Quote(symbol="S", bid_price="0.1").message()
    with pytest.raises(NotExact, match="quantity: must not be zero"):
        amendment(1, None, 0, None)
    with pytest.raises(NotExact, match="symbol"):
        mass_cancel("S", "P", None)
    with pytest.raises(NotExact, match="scope"):
        scope(None, None, False)
    with pytest.raises(NotExact, match="order"):
        order_name(True)


def test_a_key_may_end_its_line_and_is_otherwise_what_a_header_carries() -> None:
    assert metadata("hb_12\n") == (("authorization", "Bearer hb_12"),)
    assert metadata("") == ()
    for key in ("hb_1\n2", "hb_\u00e9"):
        with pytest.raises(NotExact, match="key: "):
            metadata(key)
