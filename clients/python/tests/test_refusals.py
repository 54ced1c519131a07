"""Every refusal has a class of its own, and every status becomes an exception that says what is at fault."""

from collections.abc import Iterable

import grpc
import pytest
from google.protobuf.any_pb2 import Any as Packed
from google.rpc import error_details_pb2, status_pb2

from hourbook import RejectReason, errors, refusals
from hourbook._proto import types_pb2


class Failed:
    """A status as gRPC tells it."""

    def __init__(self, code: grpc.StatusCode, *details: object) -> None:
        self._code = code
        packed = []
        for detail in details:
            packed.append(Packed())
            packed[-1].Pack(detail)  # type: ignore[arg-type]
        self._details = status_pb2.Status(details=packed).SerializeToString()

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "in words"

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]]:
        return (("grpc-status-details-bin", self._details),)


def of(code: grpc.StatusCode, *details: object) -> errors.HourbookError:
    return errors.of_status(Failed(code, *details))


def test_no_reason_of_the_contract_is_without_a_class() -> None:
    named = {value.name.removeprefix("REJECT_REASON_"): value.number for value in types_pb2.RejectReason.DESCRIPTOR.values}
    del named["UNSPECIFIED"]
    assert {reason.name: int(reason) for reason in refusals.BY_REASON} == named
    assert len(set(refusals.BY_REASON.values())) == len(named)
    for reason, refusal in refusals.BY_REASON.items():
        assert issubclass(refusal, errors.Refused)
        assert refusal.reason is reason
        assert refusal.__name__.upper() == reason.name.replace("_", "")
        assert refusal().message


@pytest.mark.parametrize("reason", list(refusals.BY_REASON), ids=lambda reason: str(reason))
def test_a_report_that_refuses_becomes_the_exception_of_its_reason(reason: RejectReason) -> None:
    from hourbook.models import ExecutionReport

    message = types_pb2.ExecutionReport(
        kind=types_pb2.REPORT_KIND_REJECTED,
        reject_reason=int(reason),  # type: ignore[arg-type]
    )
    found = errors.refusal(ExecutionReport.of(message))
    assert type(found) is refusals.BY_REASON[reason]
    assert found.report is not None


@pytest.mark.parametrize("reason", list(refusals.BY_REASON), ids=lambda reason: str(reason))
def test_an_operators_refusal_is_the_same_exception(reason: RejectReason) -> None:
    info = error_details_pb2.ErrorInfo(reason=reason.name, domain="hourbook")
    assert type(of(grpc.StatusCode.FAILED_PRECONDITION, info)) is refusals.BY_REASON[reason]


def test_a_reason_of_a_newer_exchange_is_a_plain_refusal() -> None:
    from hourbook.models import ExecutionReport

    message = types_pb2.ExecutionReport(
        kind=types_pb2.REPORT_KIND_REJECTED,
        reject_reason=9_999,  # type: ignore[arg-type]
    )
    refused = errors.refusal(ExecutionReport.of(message))
    assert type(refused) is errors.Refused
    assert refused.reason is RejectReason.UNSPECIFIED


def test_kinds_gather_reasons() -> None:
    assert issubclass(refusals.PriceOffTick, errors.Misstated)
    assert issubclass(refusals.InsufficientFunds, errors.NotCovered)
    assert issubclass(refusals.UnknownOrder, errors.UnknownName)
    assert issubclass(refusals.Halted, errors.NotNow)
    assert issubclass(refusals.PriceOutOfBand, errors.OverLimit)
    assert issubclass(refusals.DuplicateClientId, errors.AlreadyTaken)
    assert refusals.PriceOffTick().field == "price"


def test_a_status_names_the_field_the_reason_and_the_delay() -> None:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1_500)
    found = of(grpc.StatusCode.RESOURCE_EXHAUSTED, error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain="hourbook"), retry)
    assert isinstance(found, errors.Exhausted)
    assert (found.code, found.reason, found.retry_after) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED", 1.5)
    violation = error_details_pb2.BadRequest.FieldViolation(field="order.price_micros", description="is required")
    found = of(
        grpc.StatusCode.INVALID_ARGUMENT,
        error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="hourbook"),
        error_details_pb2.BadRequest(field_violations=[violation]),
    )
    assert isinstance(found, errors.InvalidField)
    assert (found.field, found.message, str(found)) == (
        "order.price_micros",
        "is required",
        "order.price_micros: is required",
    )


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_code_becomes_an_exception(code: grpc.StatusCode) -> None:
    found = of(code)
    assert isinstance(found, errors.StatusError)
    assert found.reason is None
    assert found.message == "in words"
