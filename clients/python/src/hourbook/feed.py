"""A subscription to market data without its transport: where each view stands, what to ask for next, and the books.

`request` says what to send on a new connection, so that nothing is lost and nothing told twice; `take` turns an answer into
updates.
`Recorder` and `recorded` keep answers in a file as they came, each behind its length (protobuf's own delimited form).

Always true: an update that is given out follows the one before it in its view, or says that it does not (`missed`).
"""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Self

from google.protobuf import proto

from hourbook._proto import market_data_pb2
from hourbook.books import LevelBook, OrderBook
from hourbook.enums import CandleInterval, MarketDataView, SlowReader
from hourbook.errors import BookDiffers, HourbookError, InvalidField
from hourbook.exact import several, text, time_of
from hourbook.models import (
    Candles,
    IndicativeUncross,
    LevelChanges,
    MarketStatus,
    MarketTrade,
    OrderChanges,
    Statistics,
    TopOfBook,
)
from hourbook.requests import candle_interval

log = logging.getLogger("hourbook")

# What the exchange takes in one request.
_MOST_RESUMED = 10_000

Content = (
    TopOfBook | LevelChanges | OrderChanges | tuple[MarketTrade, ...] | Statistics | Candles | MarketStatus | IndicativeUncross
)

_VIEWS = {
    "top": MarketDataView.TOP,
    "levels": MarketDataView.LEVELS,
    "orders": MarketDataView.ORDERS,
    "trades": MarketDataView.TRADES,
    "statistics": MarketDataView.STATISTICS,
    "candles": MarketDataView.CANDLES,
    "status": MarketDataView.STATUS,
    "indicative": MarketDataView.INDICATIVE,
}


@dataclass(frozen=True, slots=True)
class MarketUpdate:
    """A snapshot of one view of one instrument, or a change of it."""

    symbol: str
    instrument_id: int
    view: MarketDataView
    # Of the view's last change in it, counted without a gap.
    number: int
    # The exchange's sequence number.
    sequence: int
    time: datetime
    # It stands for all that was known of the view.
    snapshot: bool
    # Changes of the view that were not told before it: 0, or None where nobody knows (a first snapshot, a restart).
    missed: int | None
    # What the view tells; of trades those of one command.
    content: Content


@dataclass(slots=True)
class _Standing:
    """Where a view of an instrument stands."""

    # Of the last update, and the epoch in which it counts; 0 before the first.
    number: int = 0
    epoch: int = 0
    is_known: bool = False
    # Parts of its snapshot are still to come.
    in_parts: bool = False
    # It was found to be wrong: changes say nothing until a snapshot comes.
    is_broken: bool = False


_At = tuple[int, MarketDataView, CandleInterval]


class Feed:
    """What one subscription has told so far. Raises NotExact where what is asked for cannot be meant."""

    def __init__(
        self,
        symbols: str | Iterable[str] = (),
        patterns: str | Iterable[str] = (),
        views: MarketDataView | str | Iterable[MarketDataView | str] = (MarketDataView.LEVELS,),
        candle_intervals: CandleInterval | str | Iterable[CandleInterval | str] = (),
        slow_reader: SlowReader | str = SlowReader.CLOSE,
    ) -> None:
        # Symbols leave when their instruments are over.
        self.symbols = [text(each, "symbols") for each in several(symbols)]
        self.patterns = tuple(text(each, "patterns") for each in several(patterns))
        self.views = tuple(MarketDataView.of(view, "views") for view in several(views))
        self.candle_intervals = tuple(candle_interval(each, "candle_intervals") for each in several(candle_intervals))
        self.slow_reader = SlowReader.of(slow_reader, "slow_reader")
        # Local books by symbol, of the views that were asked for.
        self.level_books: dict[str, LevelBook] = {}
        self.order_books: dict[str, OrderBook] = {}
        # All that was caused by commands up to here is told.
        self.sequence = 0
        # Books that were found to be wrong and begun again; above 0 is worth a report.
        self.repairs = 0
        self._has_joined: set[str] = set()
        self._symbol: dict[int, str] = {}
        self._epoch: dict[int, int] = {}
        self._standing: dict[_At, _Standing] = {}

    def request(self) -> market_data_pb2.SubscribeRequest:
        """What to ask on a new connection: everything, from where it stands."""
        request = market_data_pb2.SubscribeRequest(
            symbols=self.symbols,
            patterns=self.patterns,
            views=[int(view) for view in self.views],  # type: ignore[misc]
            candle_intervals=[int(interval) for interval in self.candle_intervals],  # type: ignore[misc]
            slow_reader=int(self.slow_reader),  # type: ignore[arg-type]
        )
        for (instrument_id, view, interval), standing in self._standing.items():
            # Half a snapshot is no place to go on from.
            if not standing.is_known or standing.in_parts or len(request.resume) == _MOST_RESUMED:
                continue
            request.resume.add(
                instrument_id=instrument_id,
                view=int(view),
                candle_interval=int(interval),
                epoch=standing.epoch,
                from_number=standing.number + 1,
            )
        return request

    @property
    def is_over(self) -> bool:
        """All that was asked for is listed no more: nothing follows."""
        return bool(self._has_joined) and not self.symbols and not self.patterns

    def outlives(self, refused: HourbookError) -> bool:
        """Whether a request was refused for a symbol that is over since: the next one goes without it."""
        named = re.fullmatch(r"symbols\[(\d+)\]", refused.field or "")
        if not isinstance(refused, InvalidField) or named is None or int(named[1]) >= len(self.symbols):
            return False
        symbol = self.symbols[int(named[1])]
        if symbol in self._has_joined:
            self.symbols.remove(symbol)
        return symbol in self._has_joined

    def take(self, response: market_data_pb2.SubscribeResponse) -> list[MarketUpdate]:
        """The updates of an answer, once the books have taken them in. What is known already is left out.

        Raises BookDiffers, with what is right beside it, where a change is missing or a book is not the exchange's; the next
        `request` begins that view anew.
        """
        updates: list[MarketUpdate] = []
        fault: BookDiffers | None = None
        for update in response.updates:
            try:
                told = self.take_update(update)
            except BookDiffers as found:
                fault = fault or found
                continue
            if told is not None:
                updates.append(told)
        if fault is not None:
            fault.updates = updates
            raise fault
        return updates

    def take_update(self, update: market_data_pb2.MarketUpdate) -> MarketUpdate | None:
        """One update of an answer, as `take` has it, or None where it tells nothing new.

        For a recording of which this feed follows a part: the caller chooses by `instrument_id` or `sequence` what it is given.
        Raises BookDiffers.
        """
        self.sequence = max(self.sequence, update.sequence)
        content = update.WhichOneof("content")
        if content == "instrument":
            self._joined(update)
        elif content == "over":
            symbol = self._symbol.get(update.instrument_id)
            self._over(update.instrument_id)
            if symbol in self.symbols:
                self.symbols.remove(symbol)
        elif content in _VIEWS and update.instrument_id in self._symbol:
            return self._told(update, content)
        return None

    def _joined(self, update: market_data_pb2.MarketUpdate) -> None:
        instrument_id = update.instrument_id
        if self._symbol.get(instrument_id) not in (None, update.instrument.symbol):
            # The number stands for another instrument now.
            self._over(instrument_id)
        self._symbol[instrument_id] = update.instrument.symbol
        self._has_joined.add(update.instrument.symbol)
        self._epoch[instrument_id] = update.instrument.epoch
        for at in self._views_of(instrument_id):
            standing = self._standing.get(at)
            if standing is not None and standing.in_parts:
                # The snapshot that was under way does not go on.
                standing.is_known = standing.in_parts = False

    def _views_of(self, instrument_id: int) -> Iterator[_At]:
        for view in MarketDataView:
            yield instrument_id, view, CandleInterval.UNSPECIFIED
        for interval in CandleInterval:
            yield instrument_id, MarketDataView.CANDLES, interval

    def _over(self, instrument_id: int) -> None:
        symbol = self._symbol.pop(instrument_id, None)
        self._epoch.pop(instrument_id, None)
        for at in self._views_of(instrument_id):
            self._standing.pop(at, None)
        if symbol is not None:
            self.level_books.pop(symbol, None)
            self.order_books.pop(symbol, None)

    def _told(self, update: market_data_pb2.MarketUpdate, content: str) -> MarketUpdate | None:
        view = _VIEWS[content]
        interval = CandleInterval(update.candles.interval) if content == "candles" else CandleInterval.UNSPECIFIED
        standing = self._standing.setdefault((update.instrument_id, view, interval), _Standing())
        symbol, epoch = self._symbol[update.instrument_id], self._epoch[update.instrument_id]
        begins = update.snapshot and not standing.in_parts
        missed: int | None = None
        if standing.is_known and standing.epoch == epoch:
            missed = update.number - standing.number - (0 if update.snapshot else 1)
            if missed < 0:
                # Known already: a recording began before the snapshot that this feed began with.
                return None
        if standing.is_broken and not update.snapshot:
            return None
        try:
            if not update.snapshot and missed != 0:
                raise BookDiffers(f"{symbol}: {view} went from {standing.number} to {update.number}")
            if view is MarketDataView.LEVELS:
                levels = self.level_books.setdefault(symbol, LevelBook(symbol))
                if begins:
                    levels.begin()
                levels.apply(update)
            elif view is MarketDataView.ORDERS:
                orders = self.order_books.setdefault(symbol, OrderBook(symbol))
                if begins:
                    orders.begin()
                orders.apply(update)
        except BookDiffers as found:
            self.repairs += 1
            log.warning("market data begins again: %s", found)
            standing.is_known = standing.in_parts = False
            standing.is_broken = True
            raise
        standing.number, standing.epoch, standing.is_known = update.number, epoch, True
        standing.is_broken = False
        standing.in_parts = update.incomplete
        return MarketUpdate(
            symbol=symbol,
            instrument_id=update.instrument_id,
            view=view,
            number=update.number,
            sequence=update.sequence,
            time=time_of(update.time),
            snapshot=update.snapshot,
            missed=missed,
            content=_content(update, view),
        )


def _content(update: market_data_pb2.MarketUpdate, view: MarketDataView) -> Content:
    match view:
        case MarketDataView.TOP:
            return TopOfBook.of(update.top)
        case MarketDataView.LEVELS:
            return LevelChanges.of(update.levels)
        case MarketDataView.ORDERS:
            return OrderChanges.of(update.orders)
        case MarketDataView.TRADES:
            return tuple(MarketTrade.of(trade) for trade in update.trades.trades)
        case MarketDataView.STATISTICS:
            return Statistics.of(update.statistics)
        case MarketDataView.STATUS:
            return MarketStatus.of(update.status)
        case MarketDataView.INDICATIVE:
            return IndicativeUncross.of(update.indicative)
        case _:
            return Candles.of(update.candles)


# --- a feed in a file ---


class Recorder:
    """Writes what a subscription tells to a file, answer by answer."""

    def __init__(self, path: str) -> None:
        self._file: IO[bytes] = open(path, "wb")  # noqa: SIM115

    def write(self, response: market_data_pb2.SubscribeResponse) -> None:
        proto.serialize_length_prefixed(response, self._file)  # type: ignore[arg-type]

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def recorded(path: str) -> Iterator[market_data_pb2.SubscribeResponse]:
    """The answers of a recording, in order."""
    with open(path, "rb") as file:
        while True:
            response = proto.parse_length_prefixed(market_data_pb2.SubscribeResponse, file)  # type: ignore[arg-type]
            if response is None:
                return
            yield response
