"""What can go wrong, as exceptions: all are `HourbookError` and tell `message` and `field`.

- `NotExact`: refused here, before anything was sent.
- `Refused`: the market's refusal, a fact with a sequence number; `hourbook.refusals` has one class for each reason, and the kinds
  of them are here.
- `StatusError`: what never got a number, and what became of a call; `reason` is the word of docs/errors.md.
- `EntryRefused`: an entry of a session that was not sequenced. `BookDiffers`: a local book that is not the exchange's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from hourbook.enums import RejectReason
    from hourbook.feed import MarketUpdate
    from hourbook.models import ExecutionReport


class HourbookError(Exception):
    """Everything that this package raises of its own."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        # The contract's name of what is at fault, where something is.
        self.field = field


class NotExact(HourbookError, ValueError):
    """A value that fits no micro, no lot or no word of the contract. Nothing was sent."""


# --- refusals of the market ---


class Refused(HourbookError):
    """The market refused. A class of its own for each reason is in `hourbook.refusals`."""

    reason: ClassVar[RejectReason]
    meaning: ClassVar[str] = "A reason that this version does not know."
    fault: ClassVar[str | None] = None

    def __init__(self, message: str | None = None, field: str | None = None, report: ExecutionReport | None = None) -> None:
        super().__init__(message or self.meaning, field or self.fault)
        # What was told of the order; None where no order is concerned.
        self.report = report


class UnknownName(Refused):
    """What was named is not there."""


class AlreadyTaken(Refused):
    """What was named is another's, or stands for something else."""


class Misstated(Refused):
    """A field cannot be so."""


class NotNow(Refused):
    """The market, or the account, does not take it at present."""


class OverLimit(Refused):
    """A cap, a band or a limit does not allow it."""


class NotCovered(Refused):
    """Cash, credit or hours do not cover it."""


# --- statuses ---


class StatusError(HourbookError):
    """A call that failed with a status: `code` is gRPC's, `reason` the exchange's or None where the transport made it.

    Where `request_id` is set, the call may or may not have been carried out: the same call under this id does nothing twice.
    """

    def __init__(
        self,
        message: str,
        field: str | None = None,
        *,
        code: str = "UNKNOWN",
        reason: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, field)
        self.code = code
        self.reason = reason
        # Seconds after which the same call is right, where the exchange says so.
        self.retry_after = retry_after
        self.request_id: str | None = None


class InvalidField(StatusError):
    """A field is missing, misplaced or out of range, or the message as a whole cannot be read."""


class Unauthenticated(StatusError):
    """No key, an unknown one, or one that was revoked."""


class NotAllowed(StatusError):
    """The key may not do this, or not for this account."""


class NotFound(StatusError):
    """There is no such thing."""


class NotReady(StatusError):
    """It cannot be done as things stand: `NOT_PRICED`, `LOGON_REQUIRED`."""


class OutOfRange(StatusError):
    """Older than what is kept, or not there yet; `number` is where to begin."""

    @property
    def number(self) -> int:
        """The number that the message names: the first that is kept, or the next."""
        return int(self.message.rsplit(" ", 1)[-1])


class Exhausted(StatusError):
    """Too fast, too much or too many: `RATE_LIMITED`, `QUEUE_FULL`, `DISK_FULL`, `TOO_MANY_STREAMS`, `READER_TOO_SLOW`."""


class Unavailable(StatusError):
    """The exchange cannot be reached, or does not serve this now."""


class TimedOut(StatusError):
    """No answer in time."""


class Internal(StatusError):
    """A fault of the exchange, or of the way to it."""


_BY_CODE: dict[str, type[StatusError]] = {
    "INVALID_ARGUMENT": InvalidField,
    "UNIMPLEMENTED": InvalidField,
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": NotAllowed,
    "NOT_FOUND": NotFound,
    "FAILED_PRECONDITION": NotReady,
    "OUT_OF_RANGE": OutOfRange,
    "RESOURCE_EXHAUSTED": Exhausted,
    "UNAVAILABLE": Unavailable,
    "CANCELLED": Unavailable,
    "DEADLINE_EXCEEDED": TimedOut,
}


# --- sessions and books ---


class EntryRefused(HourbookError):
    """An entry of a session was not sequenced; `number` is its number, `field` what is at fault."""

    def __init__(self, number: int, message: str, field: str | None = None) -> None:
        super().__init__(message, field)
        self.number = number


class Closed(HourbookError):
    """The session, or the client, has ended; nothing more is sent or told."""


class BookDiffers(HourbookError):
    """A book that was kept here is not the exchange's: a change is missing, or the checksum is another."""

    # What was told beside it, and is right.
    updates: Sequence[MarketUpdate] = ()


# --- reading a status ---


class _Code(Protocol):
    @property
    def name(self) -> str: ...


class Failure(Protocol):
    """What gRPC's errors have in common, sync and async."""

    def code(self) -> _Code: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def of_status(failure: Failure) -> StatusError | Refused:
    """The exception of a status; a refusal of the market where that is the reason."""
    from hourbook.enums import RejectReason
    from hourbook.refusals import BY_REASON

    code, message = failure.code().name, failure.details() or ""
    reason: str | None = None
    field: str | None = None
    retry_after: float | None = None
    for name, value in failure.trailing_metadata() or ():
        if name != "grpc-status-details-bin" or not isinstance(value, bytes):
            continue
        for packed in status_pb2.Status.FromString(value).details:
            info, bad, retry = (
                error_details_pb2.ErrorInfo(),
                error_details_pb2.BadRequest(),
                error_details_pb2.RetryInfo(),
            )
            if packed.Unpack(info):
                reason = info.reason
            elif packed.Unpack(bad) and bad.field_violations:
                field, message = bad.field_violations[0].field, bad.field_violations[0].description
            elif packed.Unpack(retry):
                retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    if reason is not None and reason in RejectReason.__members__:
        return BY_REASON[RejectReason[reason]](field=field)
    kind = _BY_CODE.get(code, Internal)
    return kind(message or code, field, code=code, reason=reason, retry_after=retry_after)


def refusal(report: ExecutionReport) -> Refused:
    """The exception of a report that tells a refusal."""
    from hourbook.refusals import BY_REASON

    return BY_REASON.get(report.reject_reason, Refused)(report=report) if report.reject_reason else Refused(report=report)
