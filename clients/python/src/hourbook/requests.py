"""What a client asks, as values that become the contract's messages: the sync and the async client and sessions share them.

Wherever an order is named, a number is the exchange's order id and a text is the client's own.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hourbook._proto import admin_pb2, orders_pb2, pricing_pb2
from hourbook.enums import CandleInterval, OrderType, SelfTradePrevention, Side, TimeInForce
from hourbook.errors import NotExact
from hourbook.exact import LARGEST_LONG_ID, Moment, Number, count, flag, instance, lots, micros, several, text, timestamp
from hourbook.models import ExecutionReport

OrderId = int | str

# What ccxt calls them.
_TIMEFRAMES = {
    "1s": CandleInterval.SECOND,
    "1m": CandleInterval.MINUTE,
    "5m": CandleInterval.FIVE_MINUTES,
    "15m": CandleInterval.QUARTER_HOUR,
    "1h": CandleInterval.HOUR,
    "1d": CandleInterval.DAY,
}


def own_id(given: str | None, field: str = "request_id") -> str:
    """The id of a mutating call: the one that is given, or a new one, nobody else's."""
    return text(given, field) if given is not None and given != "" else uuid.uuid4().hex


def candle_interval(word: CandleInterval | str, field: str) -> CandleInterval:
    """An interval by its name here or by ccxt's: `hour` is `1h`."""
    if isinstance(word, str) and word in _TIMEFRAMES:
        return _TIMEFRAMES[word]
    try:
        return CandleInterval.of(word, field)
    except NotExact as refused:
        raise NotExact(f"{refused.message}, {', '.join(_TIMEFRAMES)}", field) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place. A limit where there is a price, else at the market, unless `order_type` says otherwise."""

    # A symbol such as GP.CNNX.A.H20261124T08, or the instrument's id.
    symbol: str | int
    side: Side | str
    # Lots.
    quantity: Number
    # The currency per unit-hour.
    price: Number | None = None
    order_type: OrderType | str | None = None
    time_in_force: TimeInForce | str | None = None
    # For GTD.
    expire_time: Moment | None = None
    # For FOK_BUDGET: the currency in all.
    budget: Number | None = None
    # For stops.
    trigger_price: Number | None = None
    # Lots shown at a time; all where there is none.
    display_quantity: Number | None = None
    # Least lots to trade at once, with IOC.
    minimum_quantity: Number | None = None
    post_only: bool = False
    self_trade_prevention: SelfTradePrevention | str | None = None
    # The client's id of the order, and the idempotency key of a unary call; made where there is none.
    client_order_id: str | None = None

    def message(self) -> orders_pb2.NewOrder:
        order_type = self.order_type
        if order_type is None:
            order_type = OrderType.MARKET if self.price is None else OrderType.LIMIT
        message = orders_pb2.NewOrder(
            side=int(Side.of(self.side, "side")),  # type: ignore[arg-type]
            order_type=int(OrderType.of(order_type, "order_type")),  # type: ignore[arg-type]
            quantity=lots(self.quantity, "quantity", least=1),
            post_only=flag(self.post_only, "post_only"),
        )
        name_instrument(message, self.symbol)
        if self.time_in_force is not None:
            message.time_in_force = int(TimeInForce.of(self.time_in_force, "time_in_force"))  # type: ignore[assignment]
        if self.self_trade_prevention is not None:
            chosen = SelfTradePrevention.of(self.self_trade_prevention, "self_trade_prevention")
            message.self_trade_prevention = int(chosen)  # type: ignore[assignment]
        if self.expire_time is not None:
            message.expire_time.CopyFrom(timestamp(self.expire_time, "expire_time"))
        if self.budget is not None:
            message.budget_micros = micros(self.budget, "budget", least=0)
        if self.price is not None:
            message.price_micros = micros(self.price, "price", least=1)
        if self.trigger_price is not None:
            message.trigger_price_micros = micros(self.trigger_price, "trigger_price", least=0)
        if self.display_quantity is not None:
            message.display_quantity = lots(self.display_quantity, "display_quantity", least=0)
        if self.minimum_quantity is not None:
            message.minimum_quantity = lots(self.minimum_quantity, "minimum_quantity", least=0)
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Both sides of an instrument, in place of the account's last quote there; a side that is left out is withdrawn."""

    # A symbol, or the instrument's id.
    symbol: str | int
    bid_price: Number | None = None
    bid_quantity: Number | None = None
    ask_price: Number | None = None
    ask_quantity: Number | None = None

    def message(self) -> orders_pb2.Quote:
        for side in ("bid", "ask"):
            price, quantity = getattr(self, f"{side}_price"), getattr(self, f"{side}_quantity")
            if (price is None) != (quantity is None):
                raise NotExact("price and quantity go together", f"{side}_{'price' if price is None else 'quantity'}")
        message = orders_pb2.Quote()
        name_instrument(message, self.symbol)
        if self.bid_price is not None and self.bid_quantity is not None:
            message.bid_price_micros = micros(self.bid_price, "bid_price", least=0)
            message.bid_quantity = lots(self.bid_quantity, "bid_quantity", least=0)
        if self.ask_price is not None and self.ask_quantity is not None:
            message.ask_price_micros = micros(self.ask_price, "ask_price", least=0)
            message.ask_quantity = lots(self.ask_quantity, "ask_quantity", least=0)
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRequest:
    """What pricing is to quote: an instrument or a product, whose service, and what the asker holds."""

    symbol: str | None = None
    product: str | None = None
    # The participant that sells; nobody in particular where there is none.
    provider_id: int | None = None
    # Lots on either side at most.
    quantity: Number = 1
    # Lots that the asker holds, and most that it will hold; together or not at all.
    inventory_quantity: Number | None = None
    capacity_quantity: Number | None = None

    def message(self) -> pricing_pb2.QuoteRequest:
        message = pricing_pb2.QuoteRequest(
            symbol=text(self.symbol or "", "symbol"),
            product=text(self.product or "", "product"),
            provider_id=count(self.provider_id or 0, "provider_id"),
            quantity=lots(self.quantity, "quantity", least=0),
        )
        if self.inventory_quantity is not None:
            message.inventory_quantity = lots(self.inventory_quantity, "inventory_quantity")
        if self.capacity_quantity is not None:
            message.capacity_quantity = lots(self.capacity_quantity, "capacity_quantity", least=0)
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A measurement of one metric: successes out of trials, or a value."""

    metric: str
    observation_time: Moment
    good: Number | None = None
    total: Number | None = None
    value: Number | None = None

    def message(self) -> pricing_pb2.Observation:
        message = pricing_pb2.Observation(
            metric=text(self.metric, "metric"), observation_time=timestamp(self.observation_time, "observation_time")
        )
        if self.value is not None and self.good is None and self.total is None:
            message.value_micros = micros(self.value, "value")
        elif self.value is None and self.good is not None and self.total is not None:
            message.trials.good_micros = micros(self.good, "good")
            message.trials.total_micros = micros(self.total, "total")
        else:
            raise NotExact("give either good and total, or value", "reading")
        return message


class _NamesInstrument(Protocol):
    symbol: str
    instrument_id: int


def name_instrument(message: _NamesInstrument, symbol: str | int) -> None:
    """Names an instrument by its symbol or its number."""
    if isinstance(symbol, str):
        message.symbol = text(symbol, "symbol")
    else:
        message.instrument_id = _instrument_id(symbol)


def _instrument_id(symbol: int) -> int:
    return count(symbol, "symbol", instead="a symbol or the instrument's number")


def about(symbol: str | int | None) -> Callable[[ExecutionReport], bool]:
    """Whether a report is about an instrument, by its symbol or its number; all are about none in particular."""
    if symbol is None:
        return lambda report: True
    if isinstance(symbol, str):
        return lambda report: report.symbol == symbol
    number = _instrument_id(symbol)
    return lambda report: report.instrument_id == number


def order_name(order: OrderId) -> orders_pb2.OrderName:
    if isinstance(order, str):
        return orders_pb2.OrderName(client_order_id=text(order, "order"))
    order_id = count(order, "order", largest=LARGEST_LONG_ID, instead="the exchange's number or the client's text")
    return orders_pb2.OrderName(order_id=order_id)


def amendment(
    order: OrderId, price: Number | None, quantity: Number | None, trigger_price: Number | None
) -> orders_pb2.Amendment:
    message = orders_pb2.Amendment(order=order_name(order))
    # Zero is "as it was" on the wire: whoever writes it means something else.
    if price is not None:
        message.price_micros = micros(price, "price", least=1)
    if quantity is not None:
        message.quantity = lots(quantity, "quantity", least=1)
    if trigger_price is not None:
        message.trigger_price_micros = micros(trigger_price, "trigger_price", least=1)
    return message


def mass_cancel(symbol: str | int | None, product: str | None, side: Side | str | None) -> orders_pb2.MassCancelScope:
    if symbol is not None and product is not None:
        raise NotExact("either this or product", "symbol")
    scope = orders_pb2.MassCancelScope()
    if symbol is not None:
        name_instrument(scope, symbol)
    elif product is not None:
        scope.product = text(product, "product")
    if side is not None:
        scope.side = int(Side.of(side, "side"))  # type: ignore[assignment]
    return scope


def quote_set(
    quotes: Quote | Sequence[Quote], post_only: bool, self_trade_prevention: SelfTradePrevention | str | None
) -> orders_pb2.QuoteSet:
    each = [instance(quote, Quote, "quotes").message() for quote in several(quotes)]
    message = orders_pb2.QuoteSet(quotes=each, post_only=flag(post_only, "post_only"))
    if self_trade_prevention is not None:
        chosen = SelfTradePrevention.of(self_trade_prevention, "self_trade_prevention")
        message.self_trade_prevention = int(chosen)  # type: ignore[assignment]
    return message


def scope(symbol: str | None, product: str | None, market: bool) -> admin_pb2.Scope:
    """What a halt or a call reaches: exactly one of the three."""
    if (symbol is not None) + (product is not None) + flag(market, "market") != 1:
        raise NotExact("name one of symbol, product, market", "scope")
    if market:
        return admin_pb2.Scope(market=True)
    if product is not None:
        return admin_pb2.Scope(product=text(product, "product"))
    return admin_pb2.Scope(symbol=text(symbol or "", "symbol"))
