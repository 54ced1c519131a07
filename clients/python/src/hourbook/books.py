"""Local books: of levels (L2) and of orders (L3), kept by changes and checked against the exchange's checksum.

docs/market_data.md has the rules. Inside, prices are micros and quantities lots, whole numbers; what is asked is told in
decimals.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hourbook._proto import market_data_pb2
from hourbook.enums import Side
from hourbook.errors import BookDiffers
from hourbook.exact import of_micros, time_of
from hourbook.models import BookOrder, Level


def _castagnoli() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _castagnoli()
_LEVEL = struct.Struct("<BqqI")


def crc32c(data: bytes) -> int:
    """CRC-32C, as in iSCSI."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class _Sides:
    """What the two books have in common: levels with a checksum, and where they stand."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        # Nothing is to be believed of a book while this is false: parts of its snapshot are still to come.
        self.is_whole = False
        # The view's last change, and the exchange's number and time of it.
        self.number = 0
        self.sequence = 0
        self.time: datetime | None = None
        self.checksum = 0
        # By side and price, micros: lots and how many orders.
        self._levels: dict[Side, dict[int, tuple[int, int]]] = {Side.BUY: {}, Side.SELL: {}}

    def _clear(self) -> None:
        self.checksum = 0
        self._levels = {Side.BUY: {}, Side.SELL: {}}

    def _put(self, side: Side, price: int, quantity: int, count: int) -> None:
        """A level as it is now; none where it has no lots."""
        levels = self._levels[side]
        old = levels.get(price)
        if old is not None:
            self.checksum -= crc32c(_LEVEL.pack(side, price, *old))
        if quantity:
            levels[price] = quantity, count
            self.checksum += crc32c(_LEVEL.pack(side, price, quantity, count))
        elif old is not None:
            del levels[price]
        self.checksum &= 0xFFFFFFFF

    def _stands_at(self, update: market_data_pb2.MarketUpdate, checksum: int) -> None:
        self.is_whole = not update.incomplete
        self.number, self.sequence, self.time = update.number, update.sequence, time_of(update.time)
        if self.is_whole and self.checksum != checksum:
            raise BookDiffers(f"{self.symbol}: at {self.number} the checksum is {self.checksum:08x} and should be {checksum:08x}")

    def _sorted(self, side: Side, limit: int | None) -> tuple[Level, ...]:
        prices = sorted(self._levels[side], reverse=side is Side.BUY)[:limit]
        levels = self._levels[side]
        return tuple(Level(of_micros(price), Decimal(levels[price][0]), levels[price][1]) for price in prices)

    def bids(self, limit: int | None = None) -> tuple[Level, ...]:
        """Levels that bid, best first."""
        return self._sorted(Side.BUY, limit)

    def asks(self, limit: int | None = None) -> tuple[Level, ...]:
        """Levels that offer, best first."""
        return self._sorted(Side.SELL, limit)

    @property
    def best_bid(self) -> Level | None:
        return next(iter(self.bids(1)), None)

    @property
    def best_ask(self) -> Level | None:
        return next(iter(self.asks(1)), None)

    def view(self, limit: int | None = None) -> "BookView":
        """The book as it stands, which later changes leave alone."""
        return BookView(self.symbol, self.bids(limit), self.asks(limit), self.number, self.sequence, self.time)


@dataclass(frozen=True, slots=True)
class BookView:
    """A book at one moment."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    # The view's number of the last change in it.
    number: int
    # The exchange's sequence number of that change.
    sequence: int
    time: datetime | None


class LevelBook(_Sides):
    """The levels of one instrument (L2)."""

    def begin(self) -> None:
        """What comes next is the first part of a snapshot."""
        self._clear()

    def apply(self, update: market_data_pb2.MarketUpdate) -> None:
        """Takes a change in, or a part of a snapshot.

        Raises BookDiffers where the checksum says that it is not the exchange's book.
        """
        for side, levels in ((Side.BUY, update.levels.bids), (Side.SELL, update.levels.asks)):
            for level in levels:
                self._put(side, level.price_micros, level.quantity, level.order_count)
        self._stands_at(update, update.levels.checksum)


class OrderBook(_Sides):
    """The displayed orders of one instrument, each in its place (L3)."""

    def __init__(self, symbol: str) -> None:
        super().__init__(symbol)
        # By order id: side, price, lots.
        self._orders: dict[int, tuple[Side, int, int]] = {}
        # By side and price, the ids in the order in which they trade. A market order that waits has price 0 and is in no level.
        self._queues: dict[tuple[Side, int], dict[int, None]] = {}

    def begin(self) -> None:
        """What comes next is the first part of a snapshot."""
        self._clear()
        self._orders, self._queues = {}, {}

    def apply(self, update: market_data_pb2.MarketUpdate) -> None:
        """Takes a change in, or a part of a snapshot.

        Raises BookDiffers where it is not the exchange's book.
        """
        for change in update.orders.changes:
            side, old = Side(change.side), self._orders.get(change.order_id)
            if change.quantity == 0 or (change.joins and old is not None):
                self._take_out(change.order_id)
            if change.quantity == 0:
                continue
            if change.joins or update.snapshot:
                self._orders[change.order_id] = side, change.price_micros, change.quantity
                self._queues.setdefault((side, change.price_micros), {})[change.order_id] = None
                self._grow(side, change.price_micros, change.quantity, 1)
            elif old is None:
                raise BookDiffers(f"{self.symbol}: at {update.number} order {change.order_id} changes, which is not there")
            else:
                self._orders[change.order_id] = old[0], old[1], change.quantity
                self._grow(old[0], old[1], change.quantity - old[2], 0)
        self._stands_at(update, update.orders.checksum)

    def _take_out(self, order_id: int) -> None:
        gone = self._orders.pop(order_id, None)
        if gone is None:
            raise BookDiffers(f"{self.symbol}: order {order_id} goes, which is not there")
        side, price, quantity = gone
        queue = self._queues[side, price]
        del queue[order_id]
        if not queue:
            del self._queues[side, price]
        self._grow(side, price, -quantity, -1)

    def _grow(self, side: Side, price: int, by_quantity: int, by_count: int) -> None:
        if price:
            quantity, count = self._levels[side].get(price, (0, 0))
            self._put(side, price, quantity + by_quantity, count + by_count)

    def orders(self, side: Side | str) -> tuple[BookOrder, ...]:
        """The orders of a side as they would trade: market orders that wait first, then best price first."""
        side = Side.of(side, "side")
        return tuple(self._in_order(side))

    def _in_order(self, side: Side) -> Iterator[BookOrder]:
        prices: Iterable[int] = (price for at, price in self._queues if at is side)
        for price in sorted(prices, key=lambda price: (price != 0, -price if side is Side.BUY else price)):
            for order_id in self._queues[side, price]:
                yield BookOrder(order_id, of_micros(price) if price else None, Decimal(self._orders[order_id][2]))
