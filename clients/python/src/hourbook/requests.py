"""What a client asks, as values that become the contract's messages: the sync and the async client and sessions share them.

Wherever an order is named, a number is the exchange's order id and a text is the client's own.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hourbook._proto import admin_pb2, orders_pb2, pricing_pb2
from hourbook.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from hourbook.errors import NotExact
from hourbook.exact import Number, lots, micros, timestamp

OrderId = int | str


def new_id() -> str:
    """An id for a mutating call: nobody else's."""
    return uuid.uuid4().hex


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
    expire_time: datetime | None = None
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
            quantity=lots(self.quantity, "quantity"),
            post_only=self.post_only,
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
            message.budget_micros = micros(self.budget, "budget")
        if self.price is not None:
            message.price_micros = micros(self.price, "price")
        if self.trigger_price is not None:
            message.trigger_price_micros = micros(self.trigger_price, "trigger_price")
        if self.display_quantity is not None:
            message.display_quantity = lots(self.display_quantity, "display_quantity")
        if self.minimum_quantity is not None:
            message.minimum_quantity = lots(self.minimum_quantity, "minimum_quantity")
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
            message.bid_price_micros = micros(self.bid_price, "bid_price")
            message.bid_quantity = lots(self.bid_quantity, "bid_quantity")
        if self.ask_price is not None and self.ask_quantity is not None:
            message.ask_price_micros = micros(self.ask_price, "ask_price")
            message.ask_quantity = lots(self.ask_quantity, "ask_quantity")
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
            symbol=self.symbol or "",
            product=self.product or "",
            provider_id=self.provider_id or 0,
            quantity=lots(self.quantity, "quantity"),
        )
        if self.inventory_quantity is not None:
            message.inventory_quantity = lots(self.inventory_quantity, "inventory_quantity")
        if self.capacity_quantity is not None:
            message.capacity_quantity = lots(self.capacity_quantity, "capacity_quantity")
        return message


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A measurement of one metric: successes out of trials, or a value."""

    metric: str
    observation_time: datetime
    good: Number | None = None
    total: Number | None = None
    value: Number | None = None

    def message(self) -> pricing_pb2.Observation:
        message = pricing_pb2.Observation(
            metric=self.metric, observation_time=timestamp(self.observation_time, "observation_time")
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
        message.symbol = symbol
    elif isinstance(symbol, int) and not isinstance(symbol, bool):
        message.instrument_id = symbol
    else:
        raise NotExact(f"{symbol!r} is neither a symbol nor an instrument's number", "symbol")


def order_name(order: OrderId) -> orders_pb2.OrderName:
    if isinstance(order, bool) or not isinstance(order, int | str):
        raise NotExact(f"{order!r} is neither the exchange's number nor the client's text", "order")
    if isinstance(order, int):
        return orders_pb2.OrderName(order_id=order)
    return orders_pb2.OrderName(client_order_id=order)


def amendment(
    order: OrderId, price: Number | None, quantity: Number | None, trigger_price: Number | None
) -> orders_pb2.Amendment:
    message = orders_pb2.Amendment(order=order_name(order))
    if price is not None:
        message.price_micros = _not_zero(micros(price, "price"), "price")
    if quantity is not None:
        message.quantity = _not_zero(lots(quantity, "quantity"), "quantity")
    if trigger_price is not None:
        message.trigger_price_micros = _not_zero(micros(trigger_price, "trigger_price"), "trigger_price")
    return message


def _not_zero(value: int, field: str) -> int:
    # Zero is "as it was" on the wire: whoever writes it means something else.
    if value == 0:
        raise NotExact("must not be zero", field)
    return value


def mass_cancel(symbol: str | int | None, product: str | None, side: Side | str | None) -> orders_pb2.MassCancelScope:
    if symbol is not None and product is not None:
        raise NotExact("either this or product", "symbol")
    scope = orders_pb2.MassCancelScope()
    if symbol is not None:
        name_instrument(scope, symbol)
    elif product is not None:
        scope.product = product
    if side is not None:
        scope.side = int(Side.of(side, "side"))  # type: ignore[assignment]
    return scope


def quote_set(
    quotes: Sequence[Quote], post_only: bool, self_trade_prevention: SelfTradePrevention | str | None
) -> orders_pb2.QuoteSet:
    message = orders_pb2.QuoteSet(quotes=[quote.message() for quote in quotes], post_only=post_only)
    if self_trade_prevention is not None:
        chosen = SelfTradePrevention.of(self_trade_prevention, "self_trade_prevention")
        message.self_trade_prevention = int(chosen)  # type: ignore[assignment]
    return message


def scope(symbol: str | None, product: str | None, market: bool) -> admin_pb2.Scope:
    """What a halt or a call reaches: exactly one of the three."""
    if (symbol is not None) + (product is not None) + market != 1:
        raise NotExact("name one of symbol, product, market", "scope")
    if market:
        return admin_pb2.Scope(market=True)
    return admin_pb2.Scope(product=product) if product is not None else admin_pb2.Scope(symbol=symbol)
