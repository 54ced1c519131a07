"""What calls give back beside the contract's own values: what became of an order, and lists that become tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar, get_args, get_origin, get_type_hints

from hourbook._proto import types_pb2
from hourbook.enums import InstrumentStatus, ReportKind
from hourbook.errors import refusal
from hourbook.exact import Word
from hourbook.models import Book, Candle, ExecutionReport, Fill, Level

if TYPE_CHECKING:
    import pandas

T = TypeVar("T")

_REFUSALS = {ReportKind.REJECTED, ReportKind.CANCEL_REJECTED, ReportKind.AMEND_REJECTED}


@dataclass(frozen=True, slots=True)
class OrderResult:
    """What became of an order by one request. A refusal is raised instead."""

    # The order as it stood at the end of the request.
    report: ExecutionReport
    # The fills it had at once, in order; not told again where `repeated`: `fetch_my_trades` has them.
    fills: tuple[Fill, ...]
    # The same request was carried out before, and this is its answer.
    repeated: bool

    @property
    def order_id(self) -> int:
        """The exchange's id of the order."""
        return self.report.order_id or 0

    @property
    def client_order_id(self) -> str:
        """The client's id of the order."""
        return self.report.client_order_id

    @property
    def filled(self) -> Decimal:
        """Lots filled so far."""
        return self.report.cumulative_quantity

    @property
    def remaining(self) -> Decimal:
        """Lots still open."""
        return self.report.leaves_quantity


@dataclass(frozen=True, slots=True)
class QuotesResult:
    """What became of a mass quote: single sides may be refused, as their reports say."""

    # Sides that stand afterwards.
    standing_count: int
    reports: tuple[ExecutionReport, ...]
    repeated: bool


@dataclass(frozen=True, slots=True)
class Ticker:
    """An instrument at a glance. Prices are in the currency per unit-hour, quantities lots."""

    symbol: str
    instrument_id: int
    # The exchange's sequence number at which bid, ask and last are true, and the time of that command.
    sequence: int
    time: datetime
    status: InstrumentStatus
    # None where nobody bids, or offers.
    bid: Level | None
    ask: Level | None
    # Of the last trade, whenever that was; None before the first.
    last_price: Decimal | None
    # Midnight of the UTC day of `time`, whose trades all below is made of; no prices where there are none.
    day: datetime
    open_price: Decimal | None
    high_price: Decimal | None
    low_price: Decimal | None
    volume: Decimal
    trade_count: int

    @classmethod
    def of(cls, book: Book, day: datetime, candle: Candle | None) -> Self:
        """Of a book, and the day's candle where something has traded."""
        if candle is not None and candle.start_time != day:
            # A day began meanwhile.
            candle = None
        return cls(
            symbol=book.symbol,
            instrument_id=book.instrument_id,
            sequence=book.sequence,
            time=book.time,
            status=book.status,
            bid=book.bids[0] if book.bids else None,
            ask=book.asks[0] if book.asks else None,
            last_price=book.last_trade_price,
            day=day,
            open_price=candle.open_price if candle else None,
            high_price=candle.high_price if candle else None,
            low_price=candle.low_price if candle else None,
            volume=candle.volume if candle else Decimal(0),
            trade_count=candle.trade_count if candle else 0,
        )


@dataclass(frozen=True, slots=True)
class Done:
    """An operator's request is done."""

    sequence: int
    # It was done before; nothing was done now.
    repeated: bool
    # What was made: a participant, an account, a key, a ledger entry; or how many instruments or orders it reached.
    number: int = 0


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key, told once."""

    key_id: int
    # Goes with every call; nobody can tell it again.
    key: str


def order_result(report: types_pb2.ExecutionReport, fills: Iterable[types_pb2.Fill], repeated: bool) -> OrderResult:
    """Raises the market's refusal where that is what became of it."""
    told = ExecutionReport.of(report)
    if told.kind in _REFUSALS:
        raise refusal(told)
    return OrderResult(told, tuple(Fill.of(fill) for fill in fills), repeated)


class Rows(list[T]):
    """A list of values of one kind, which can become a table."""

    def __init__(self, kind: type[T], rows: Iterable[T] = ()) -> None:
        super().__init__(rows)
        self.kind = kind

    def to_df(self, *, floats: bool = False) -> pandas.DataFrame:
        """A pandas DataFrame with a column for each field, even of no rows; those of a value within a value are `outer.inner`.

        Decimals stay exact unless `floats` asks for floats to compute with. Whole numbers that may be missing are `Int64`, which
        has a place for none. Needs `pip install hourbook[pandas]`.
        """
        import pandas

        columns = {".".join(column.path): column for column in _columns(self.kind)}
        table = [[_cell(row, column.path, floats) for column in columns.values()] for row in self]
        frame = pandas.DataFrame(table, columns=list(columns))
        for at, (name, column) in enumerate(columns.items()):
            # Made of the ids themselves: a column of some and of None is one of floats by now, which hold no long id.
            if column.is_optional_int:
                frame[name] = pandas.array([row[at] for row in table], dtype="Int64")
        return frame


def to_df(values: Any, *, floats: bool = False) -> pandas.DataFrame:
    """A pandas DataFrame of any of this package's values: one, which makes one row, several of one kind, or a dict of them."""
    if is_dataclass(values):
        values = [values]
    rows = list(values.values() if isinstance(values, Mapping) else values)
    kind = values.kind if isinstance(values, Rows) else type(rows[0]) if rows else _Nothing
    return Rows(kind, rows).to_df(floats=floats)


@dataclass(frozen=True)
class _Nothing:
    """The kind of no rows."""


class _Column(NamedTuple):
    # The field, behind those of the values that it is within.
    path: tuple[str, ...]
    # A whole number that is not always there.
    is_optional_int: bool


def _columns(kind: type, is_optional: bool = False) -> tuple[_Column, ...]:
    """The fields of a kind of value, those within a value too."""
    columns: list[_Column] = []
    for name, hint in get_type_hints(kind).items():
        kinds = (hint,) if get_origin(hint) is tuple else (hint, *get_args(hint))
        inner = [each for each in kinds if is_dataclass(each)]
        may_lack = is_optional or type(None) in kinds
        # What is now of one kind and now of another stays in one cell.
        if len(inner) == 1 and isinstance(inner[0], type):
            within = _columns(inner[0], may_lack)
            columns += [_Column((name, *each.path), each.is_optional_int) for each in within]
        else:
            columns.append(_Column((name,), may_lack and int in kinds))
    return tuple(columns)


def _cell(row: Any, path: tuple[str, ...], floats: bool) -> Any:
    for name in path:
        row = getattr(row, name, None)
    if isinstance(row, Word):
        return str(row)
    return float(row) if floats and isinstance(row, Decimal) else row
