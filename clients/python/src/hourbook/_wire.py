"""The sync transport: calls and streams on one channel, and a session in threads of its own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, Self, TypeVar, cast

import grpc
from google.protobuf.message import Message

from hourbook._calls import OPTIONS, PATHS, Attempts, metadata, serializer, target
from hourbook._proto import orders_pb2
from hourbook.errors import Closed, Failure, HourbookError, Internal, TimedOut, Unavailable, of_status
from hourbook.models import ExecutionReport
from hourbook.trading import SessionVerbs, Trading

log = logging.getLogger("hourbook")

A = TypeVar("A", bound=Message)


class Stream(Generic[A]):
    """One connection's answers. Ends without an error only where it was cancelled here."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._is_cancelled = False

    def __iter__(self) -> Iterator[A]:
        try:
            yield from self._call
        except grpc.RpcError as failure:
            if not self._is_cancelled:
                raise of_status(cast(Failure, failure)) from None
        else:
            raise Unavailable("the exchange ended the stream", code="UNAVAILABLE")
        finally:
            self.cancel()

    def cancel(self) -> None:
        self._is_cancelled = True
        self._call.cancel()


class Wire:
    """A channel with a key."""

    def __init__(
        self, address: str, key: str, *, timeout: float, patience: float, tls: bool, root_certificates: bytes | None
    ) -> None:
        self.timeout, self.patience = timeout, patience
        self._is_closed = False
        self.metadata = metadata(key)
        address, trusted = target(address, tls, root_certificates)
        self._channel = grpc.secure_channel(address, trusted, OPTIONS) if trusted else grpc.insecure_channel(address, OPTIONS)

    def close(self) -> None:
        self._is_closed = True
        self._channel.close()

    def _open(self) -> grpc.Channel:
        if self._is_closed:
            raise Closed("the client is closed")
        return self._channel

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def call(self, request: Message, answer: type[A], *, again: bool = True, request_id: str | None = None) -> A:
        """One call, tried again where that does no harm."""
        method = self._open().unary_unary(PATHS[request.DESCRIPTOR.full_name], serializer, answer.FromString)
        attempts = Attempts(self.patience, again)
        while True:
            try:
                return method(request, timeout=self.timeout, metadata=self.metadata)
            except grpc.RpcError as failure:
                error = of_status(cast(Failure, failure))
                if isinstance(error, Unavailable | TimedOut | Internal):
                    error.request_id = request_id
            self.sleep(attempts.pause(error, time.monotonic()))

    def stream(self, request: Message, answer: type[A]) -> Stream[A]:
        """One connection's answers to a request."""
        method = self._open().unary_stream(PATHS[request.DESCRIPTOR.full_name], serializer, answer.FromString)
        return Stream(method(request, metadata=self.metadata))

    def trade(self, asked: Iterator[orders_pb2.TradeRequest]) -> Stream[orders_pb2.TradeResponse]:
        answer = orders_pb2.TradeResponse
        method = self._open().stream_stream(PATHS[orders_pb2.TradeRequest.DESCRIPTOR.full_name], serializer, answer.FromString)
        return Stream(method(asked, metadata=self.metadata))


class Session(SessionVerbs):
    """A `Trade` session: entries go out and reports come in while the program does something else.

    When the connection breaks, the session connects again and goes on: nothing is lost, and nothing done twice.
    """

    def __init__(self, wire: Wire, trading: Trading) -> None:
        self._wire, self._trading = wire, trading
        self._changed = threading.Condition()
        self._leaving = False
        self._is_over = False
        self._failure: HourbookError | None = None
        self._call: Stream[orders_pb2.TradeResponse] | None = None
        # Tells the sender of a connection that it is gone.
        self._connection = 0
        self._thread = threading.Thread(target=self._run, name=f"hourbook session {trading.session}", daemon=True)

    @classmethod
    def open(cls, wire: Wire, trading: Trading) -> Self:
        """Logs on; raises where that is refused."""
        session = cls(wire, trading)
        session._thread.start()
        with session._changed:
            session._changed.wait_for(lambda: trading.is_logged_on or session._is_over)
        if session._is_over:
            raise session._failure or Closed("the session is over")
        return session

    def wait(self, number: int, timeout: float | None = None) -> ExecutionReport:
        """What became of an entry: its first report, told once.

        Raises the market's refusal, EntryRefused where it was not sequenced, TimedOut after `timeout` seconds.
        """
        with self._changed:
            self._wait_for(lambda: self._trading.has_answer(number), timeout)
            return self._trading.answer(number)

    def wait_quotes(self, number: int, timeout: float | None = None) -> None:
        """Waits until an entry of quotes is answered: by a report of a side, or where none changed by one of a later entry.

        Raises EntryRefused where it was not sequenced, TimedOut after `timeout` seconds.
        """
        with self._changed:
            self._wait_for(lambda: self._trading.has_answer(number), timeout)
            self._trading.answer_to_quotes(number)

    def reports(self, timeout: float | None = None) -> Iterator[ExecutionReport]:
        """The account's reports, each once; ends with the session, or after `timeout` seconds without one."""
        while True:
            with self._changed:
                try:
                    self._wait_for(lambda: bool(self._trading.reports), timeout)
                except (Closed, TimedOut):
                    return
                report = self._trading.reports.popleft()
            yield report

    def _wait_for(self, there: Callable[[], bool], timeout: float | None) -> None:
        if not self._changed.wait_for(lambda: there() or self._is_over, timeout):
            raise TimedOut(f"nothing came in {timeout} s", code="DEADLINE_EXCEEDED")
        if not there():
            raise self._failure or Closed("the session is over")

    def close(self, timeout: float = 10.0) -> None:
        """Sends what is still to be sent, logs off and hears the rest, at most so many seconds long.

        Raises what kept it from doing so where an entry is without an answer.
        """
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._thread.join(timeout)
        if self._thread.is_alive():
            with self._changed:
                self._is_over = True
                self._changed.notify_all()
            if self._call is not None:
                self._call.cancel()
        if self._trading.unanswered:
            message = f"{self._trading.unanswered} entries are without an answer"
            raise self._failure or TimedOut(message, code="DEADLINE_EXCEEDED")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.close()
        except HourbookError as failed:
            # What the program itself raised says more.
            if kind is None:
                raise
            log.error("session %s ends: %s", self._trading.session, failed)

    def _ask(self, add: Callable[[], int]) -> int:
        with self._changed:
            if self._is_over or self._leaving:
                raise self._failure or Closed("the session is over")
            number = add()
            self._changed.notify_all()
            return number

    # --- in the session's thread ---

    def _run(self) -> None:
        try:
            self._live()
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _live(self) -> None:
        attempts = Attempts(self._wire.patience)
        while not self._is_over:
            try:
                self._connected(attempts)
                error: HourbookError = Unavailable("the exchange ended the session", code="UNAVAILABLE")
            except HourbookError as failure:
                error = failure
            with self._changed:
                self._trading.lost()
                self._connection += 1
                if self._leaving and (self._trading.logged_off is not None or not self._trading.unanswered):
                    self._is_over = True
                else:
                    try:
                        # A name that is in use is waited for only where it is ours.
                        attempts.stream = self._trading.session_id != 0
                        pause = attempts.pause(error, time.monotonic())
                        self._changed.wait_for(lambda: self._is_over, pause)
                    except HourbookError as final:
                        self._failure, self._is_over = final, True
                self._changed.notify_all()

    def _connected(self, attempts: Attempts) -> None:
        """One connection's life."""
        self._call = self._wire.trade(self._outgoing(self._connection))
        for response in self._call:
            with self._changed:
                self._trading.take(response, time.monotonic())
                self._changed.notify_all()
                if self._trading.logged_off is not None and self._leaving:
                    return
            attempts.worked()

    def _outgoing(self, connection: int) -> Iterator[orders_pb2.TradeRequest]:
        """What is sent on a connection; gRPC takes it in a thread of its own, as fast as the exchange reads."""
        yield self._trading.logon()
        while True:
            with self._changed:
                while True:
                    if self._connection != connection or self._is_over:
                        return
                    now = time.monotonic()
                    request = self._trading.due(now)
                    if request is not None:
                        break
                    if self._leaving and self._trading.may_leave:
                        request = orders_pb2.TradeRequest(logoff=orders_pb2.Logoff())
                        break
                    pause = self._trading.pause(now) if self._trading.is_logged_on else None
                    self._changed.wait(pause)
            yield request
            if request.HasField("logoff"):
                return
