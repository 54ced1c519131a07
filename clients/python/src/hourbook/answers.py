"""What calls give back beside the contract's own values: what became of an order, and lists that become tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from hourbook._proto import types_pb2
from hourbook.enums import ReportKind
from hourbook.errors import refusal
from hourbook.exact import Word
from hourbook.models import ExecutionReport, Fill

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

        Decimals stay exact unless `floats` asks for floats to compute with. Needs `pip install hourbook[pandas]`.
        """
        import pandas

        columns = _columns(self.kind)
        table = [[_cell(row, path, floats) for path in columns] for row in self]
        return pandas.DataFrame(table, columns=[".".join(path) for path in columns])


def to_df(rows: Iterable[Any], *, floats: bool = False) -> pandas.DataFrame:
    """A pandas DataFrame of any of this package's values, all of one kind."""
    rows = list(rows)
    return Rows(type(rows[0]) if rows else _Nothing, rows).to_df(floats=floats)


@dataclass(frozen=True)
class _Nothing:
    """The kind of no rows."""


def _columns(kind: type) -> tuple[tuple[str, ...], ...]:
    """The fields of a kind of value, those within a value too."""
    columns: list[tuple[str, ...]] = []
    for name, hint in get_type_hints(kind).items():
        inner = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
        if isinstance(inner, type) and get_origin(hint) is not tuple:
            columns += [(name, *path) for path in _columns(inner)]
        else:
            columns.append((name,))
    return tuple(columns)


def _cell(row: Any, path: tuple[str, ...], floats: bool) -> Any:
    for name in path:
        row = getattr(row, name, None)
    if isinstance(row, Word):
        return str(row)
    return float(row) if floats and isinstance(row, Decimal) else row
