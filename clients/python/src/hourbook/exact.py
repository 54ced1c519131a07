"""Exact numbers and times on their way in and out: micros, lots, moments. Never a float.

What goes in is a Decimal, an int or a text such as "0.2224". What does not fit a whole micro or a whole lot is refused here,
by the name of its field, before anything is sent.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Self

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from hourbook.errors import NotExact

Number = Decimal | int | str

_MICROS = 1_000_000
# What the wire's numbers hold.
_LARGEST = (1 << 63) - 1


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


def micros(value: Number, field: str) -> int:
    """Whole micros of a price or an amount."""
    return _whole(value, _MICROS, field, "has more than six decimal places: it fits no whole micro")


def lots(value: Number, field: str) -> int:
    """Whole lots."""
    return _whole(value, 1, field, "is no whole number of lots")


def _whole(value: Number, scale: int, field: str, otherwise: str) -> int:
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise NotExact(f"{value!r} is a {type(value).__name__}: give a Decimal, an int or a text", field)
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
    return whole


def of_micros(micros: int) -> Decimal:
    """The number that so many micros are, without needless zeros. The decimal context has no say in it."""
    places = 6
    while places and micros % 10 == 0:
        micros //= 10
        places -= 1
    return Decimal(f"{micros}E-{places}")


def timestamp(moment: datetime, field: str) -> Timestamp:
    """A moment for the wire; one without a time zone is nobody's."""
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
