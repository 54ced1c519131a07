"""What both transports share: which method a request belongs to, how a channel is set up, and when to try again."""

import random
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message

from hourbook._proto import (
    accounts_pb2,
    admin_pb2,
    instruments_pb2,
    market_data_pb2,
    orders_pb2,
    pricing_pb2,
)
from hourbook.errors import HourbookError, NotAllowed, NotExact, StatusError
from hourbook.exact import text
from hourbook.refusals import SessionInUse

_FILES = (accounts_pb2, admin_pb2, instruments_pb2, market_data_pb2, orders_pb2, pricing_pb2)
# By the request's name; each request belongs to one method.
PATHS: dict[str, str] = {
    method.input_type.full_name: f"/{service.full_name}/{method.name}"
    for file in _FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}

_LARGEST_MESSAGE = 16 << 20
OPTIONS = [
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    # A connection that broke is tried again soon: waiting is the business of `Attempts`.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 500),
    # A peer that fell silent is found out.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.enable_retries", 0),
    # Two clients of a process are two connections.
    ("grpc.use_local_subchannel_pool", 1),
]

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
# What was certainly not carried out.
_NOT_SEQUENCED = {"RATE_LIMITED", "QUEUE_FULL", "DISK_FULL", "DRAINING"}
# A stream that ends so goes on where it was.
_RESUMED = {
    "READER_TOO_SLOW",
    "DRAINING",
    "STOPPED",
    "HEARTBEAT_MISSED",
    "CLIENT_GONE",
    "CALL_TOO_LONG",
    "MARKET_DATA_RESTARTED",
}
# What the transport makes of a connection that broke; the exchange's own statuses have a reason.
_BROKEN = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "INTERNAL", "UNKNOWN"}


def target(address: str, tls: bool, root_certificates: bytes | None) -> tuple[str, grpc.ChannelCredentials | None]:
    """Host and port, and what to trust; without it nothing is encrypted. A scheme says the same as `tls`."""
    scheme, there, rest = text(address, "address").rpartition("://")
    if there and scheme not in ("http", "https"):
        raise NotExact(f"{scheme} is neither http nor https", "address")
    encrypted = tls or scheme == "https" or root_certificates is not None
    return rest.rstrip("/"), grpc.ssl_channel_credentials(root_certificates) if encrypted else None


def metadata(key: str) -> tuple[tuple[str, str], ...]:
    """What goes with every call. A key may come from a file, with the end of its line."""
    key = text(key, "key").strip()
    if not (key.isascii() and key.isprintable()):
        raise NotExact("has characters that a header cannot carry", "key")
    return (("authorization", f"Bearer {key}"),) if key else ()


@dataclass(slots=True)
class Attempts:
    """How often one thing was tried, and when to try it again.

    - `patience`: seconds after the first failure, from which on the failure is raised
    - `again`: whether trying again after an unknown outcome does no harm
    """

    patience: float
    again: bool = True
    stream: bool = False
    _failures: int = 0
    _since: float = 0.0

    def worked(self) -> None:
        self._failures = 0

    def pause(self, error: HourbookError, now: float) -> float:
        """Seconds to wait before the next attempt. Raises the error where there is to be none."""
        if not self._may_again(error):
            raise error
        if self._failures == 0:
            self._since = now
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(self._failures, 10)) * random.uniform(0.75, 1.25)
        if isinstance(error, StatusError) and error.retry_after is not None:
            pause = max(pause, error.retry_after)
        self._failures += 1
        if now + pause - self._since > self.patience:
            raise error
        return pause

    def _may_again(self, error: HourbookError) -> bool:
        if self.stream and isinstance(error, SessionInUse):
            # The exchange has not noticed yet that the old connection is gone.
            return True
        if not isinstance(error, StatusError) or isinstance(error, NotAllowed):
            return False
        if error.reason in _NOT_SEQUENCED:
            return True
        if error.reason is None:
            return self.again and error.code in _BROKEN
        if self.stream and error.reason in _RESUMED:
            return True
        return self.again and (error.retry_after is not None or error.reason in ("STOPPED", "CALL_TOO_LONG"))


def serializer(message: Message) -> bytes:
    return message.SerializeToString()
