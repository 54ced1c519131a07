"""Exact numbers and times on their way in and out: micros, lots, moments. Never a float.

What goes in is a Decimal, an int or a text such as "0.2224". What does not fit a whole micro or a whole lot is refused here,
by the name of its field, before anything is sent; so is an id, a text or a moment of the wrong type.
"""

import operator
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from numbers import Real
from typing import Any, Self, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hourbook.errors import NotExact

Number = Decimal | int | str
# With a time zone; or milliseconds since 1970, as ccxt counts.
Moment = datetime | int

T = TypeVar("T")

_MICROS = 1_000_000
# What the wire's numbers hold.
_LARGEST = (1 << 63) - 1
_LARGEST_ID = (1 << 32) - 1
# Of orders and reports.
LARGEST_LONG_ID = (1 << 64) - 1
_NUMPY_BOOLS = {("numpy", "bool"), ("numpy", "bool_")}
# Seconds of a year.
_YEAR = 366 * 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Milliseconds, of 1973 and of the end of 9999: less, but for 0, are seconds by mistake, and more are micros.
_EARLIEST = 100_000_000_000
_LATEST = 253_402_300_799_999


class Word(IntEnum):
    """A word of the contract. `of` takes the word itself or its name in any case, so that "buy" is Side.BUY."""

    @classmethod
    def of(cls, word: Self | str, field: str | None = None) -> Self:
        if isinstance(word, cls):
            return word
        name = str(word).upper().replace(" ", "_").replace("-", "_")
        if isinstance(word, str) and name in cls.__members__ and name != "UNSPECIFIED":
            return cls[name]
        known = ", ".join(each.lower() for each in cls.__members__ if each != "UNSPECIFIED")
        raise NotExact(f"{word!r} is none of {known}", field or cls.__name__)

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        # A newer exchange knows more words than this version.
        return cls(0) if isinstance(value, int) else None

    def __str__(self) -> str:
        return self.name.lower()


def micros(value: Number, field: str, least: int | None = None) -> int:
    """Whole micros of a price or an amount, not below `least` micros."""
    return _whole(value, _MICROS, field, "has more than six decimal places: it fits no whole micro", least)


def lots(value: Number, field: str, least: int | None = None) -> int:
    """Whole lots, not fewer than `least`."""
    return _whole(value, 1, field, "is no whole number of lots", least)


def _whole(value: Number, scale: int, field: str, otherwise: str, least: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise _wrong(value, "a Decimal, an int or a text", field)
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise NotExact(f"{value!r} is no number", field) from None
    # Before an exponent such as that of 1e999999 is written out.
    if not exact.is_finite() or exact.adjusted() > 20:
        raise NotExact(f"{value} is out of range", field)
    if exact and exact.adjusted() < -7:
        raise NotExact(f"{value} {otherwise}", field)
    top, bottom = exact.as_integer_ratio()
    whole, rest = divmod(top * scale, bottom)
    if rest:
        raise NotExact(f"{value} {otherwise}", field)
    if not -_LARGEST <= whole <= _LARGEST:
        raise NotExact(f"{value} is out of range", field)
    if least is not None and whole < least:
        raise NotExact(f"{value} is {'not above' if least else 'below'} zero", field)
    return whole


def count(value: int, field: str, least: int = 0, largest: int = _LARGEST_ID, *, instead: str = "an int") -> int:
    """An id or a count: a whole number from `least` to `largest`; `instead` says what to give where it is none."""
    whole = _index(value, instead, field)
    if not least <= whole <= largest:
        raise NotExact(f"{value} is not from {least} to {largest}", field)
    return whole


def _index(value: int, instead: str, field: str) -> int:
    if isinstance(value, bool):
        raise _wrong(value, instead, field)
    try:
        # Of other libraries' integers too, such as an id out of a table.
        return operator.index(value)
    except TypeError:
        raise _wrong(value, instead, field) from None


def text(value: str, field: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise _wrong(value, "a text", field)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotExact(f"{value!r} is no text that can be sent", field) from None
    return value


def seconds(value: float, field: str, *, or_none: bool = False) -> float:
    """A span of time that is waited for, a year at most: above zero, or zero where there may be `or_none`."""
    # Other libraries' numbers too; a Decimal is none of these.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise _wrong(value, "a number of seconds", field)
    # Neither is what is no number.
    if not 0 <= value <= _YEAR or (value == 0 and not or_none):
        raise NotExact(f"{value} is not {'from' if or_none else 'above'} 0 to {_YEAR} seconds", field)
    return float(value)


def flag(value: bool, field: str) -> bool:
    """Yes or no."""
    # Out of a table comes numpy's own.
    if not isinstance(value, bool) and (type(value).__module__, type(value).__name__) not in _NUMPY_BOOLS:
        raise _wrong(value, "True or False", field)
    return bool(value)


def instance(value: object, kind: type[T], field: str) -> T:
    """A value of this package."""
    if not isinstance(value, kind):
        raise _wrong(value, f"a {kind.__name__}", field)
    return value


def several(value: object) -> list[Any]:
    """What may be given alone or in a list; of which kind each is, is still to be checked."""
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return list(value)
    return [value]


def _wrong(value: object, instead: str, field: str) -> NotExact:
    return NotExact(f"give {instead}, not the {type(value).__name__} {value!r}", field)


def of_micros(micros: int) -> Decimal:
    """The number that so many micros are, without needless zeros. The decimal context has no say in it."""
    places = 6
    while places and micros % 10 == 0:
        micros //= 10
        places -= 1
    return Decimal(f"{micros}E-{places}")


def timestamp(moment: Moment, field: str) -> Timestamp:
    """A moment for the wire. One without a time zone is nobody's; a whole number is milliseconds since 1970."""
    if not isinstance(moment, datetime):
        since = _index(moment, "a datetime with a time zone, or milliseconds since 1970", field)
        if since != 0 and not _EARLIEST <= since <= _LATEST:
            raise NotExact(f"{since} is no moment in milliseconds since 1970", field)
        moment = _EPOCH + timedelta(milliseconds=since)
    if moment.tzinfo is None:
        raise NotExact(f"{moment} has no time zone", field)
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def time_of(stamp: Timestamp) -> datetime:
    """The moment in UTC, cut to the microsecond."""
    return stamp.ToDatetime(tzinfo=UTC)


def duration(span: timedelta) -> Duration:
    """A length of time for the wire."""
    there = Duration()
    there.FromTimedelta(span)
    return there
