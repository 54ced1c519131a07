"""What calls give back beside the contract's own values: what became of an order, and lists that become tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

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
    """A list of values that can become a table."""

    def to_df(self, *, floats: bool = False) -> pandas.DataFrame:
        """A pandas DataFrame, a column for each field; those of a value within a value are `outer.inner`.

        Decimals stay exact unless `floats` asks for floats to compute with. Needs `pip install hourbook[pandas]`.
        """
        import pandas

        return pandas.DataFrame([_flat(row, "", floats) for row in self])


def to_df(rows: Iterable[Any], *, floats: bool = False) -> pandas.DataFrame:
    """A pandas DataFrame of any of this package's values."""
    return Rows(rows).to_df(floats=floats)


def _flat(row: Any, within: str, floats: bool) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for field in fields(row):
        value, name = getattr(row, field.name), within + field.name
        if is_dataclass(value):
            columns |= _flat(value, f"{name}.", floats)
        elif isinstance(value, Word):
            columns[name] = str(value)
        elif isinstance(value, Decimal) and floats:
            columns[name] = float(value)
        else:
            columns[name] = value
    return columns
