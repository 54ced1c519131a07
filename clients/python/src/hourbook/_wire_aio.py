"""The async transport: calls and streams on one channel, and a session in a task of its own."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, Self, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from hourbook._calls import OPTIONS, PATHS, Attempts, metadata, serializer, target
from hourbook._proto import orders_pb2
from hourbook.errors import Closed, Failure, HourbookError, Internal, TimedOut, Unavailable, of_status
from hourbook.models import ExecutionReport
from hourbook.trading import SessionVerbs, Trading

log = logging.getLogger("hourbook")

A = TypeVar("A", bound=Message)


class AsyncStream(Generic[A]):
    """One connection's answers. Ends without an error only where it was cancelled here."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._is_cancelled = False

    async def __aiter__(self) -> AsyncIterator[A]:
        try:
            async for answer in self._call:
                yield answer
        except grpc.aio.AioRpcError as failure:
            if not self._is_cancelled:
                raise of_status(cast(Failure, failure)) from None
        except asyncio.CancelledError:
            # The call's own cancellation surfaces so; that of the task is the task's.
            task = asyncio.current_task()
            if not self._is_cancelled or (task is not None and task.cancelling()):
                raise
        else:
            raise Unavailable("the exchange ended the stream", code="UNAVAILABLE")
        finally:
            self.cancel()

    async def write(self, request: Message) -> None:
        """Sends; where the connection is gone, reading says why."""
        try:
            await self._call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass

    def cancel(self) -> None:
        self._is_cancelled = True
        self._call.cancel()


class AsyncWire:
    """A channel with a key."""

    def __init__(
        self, address: str, key: str, *, timeout: float, patience: float, tls: bool, root_certificates: bytes | None
    ) -> None:
        self.timeout, self.patience = timeout, patience
        self._is_closed = False
        self.metadata = metadata(key)
        address, trusted = target(address, tls, root_certificates)
        self._channel = (
            grpc.aio.secure_channel(address, trusted, OPTIONS) if trusted else grpc.aio.insecure_channel(address, OPTIONS)
        )

    async def close(self) -> None:
        self._is_closed = True
        await self._channel.close()

    def _open(self) -> grpc.aio.Channel:
        if self._is_closed:
            raise Closed("the client is closed")
        return self._channel

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def call(self, request: Message, answer: type[A], *, again: bool = True, request_id: str | None = None) -> A:
        """One call, tried again where that does no harm."""
        method = self._open().unary_unary(PATHS[request.DESCRIPTOR.full_name], serializer, answer.FromString)
        attempts = Attempts(self.patience, again)
        while True:
            try:
                return await method(request, timeout=self.timeout, metadata=self.metadata)
            except grpc.aio.AioRpcError as failure:
                error = of_status(cast(Failure, failure))
                if isinstance(error, Unavailable | TimedOut | Internal):
                    error.request_id = request_id
            await self.sleep(attempts.pause(error, time.monotonic()))

    def stream(self, request: Message, answer: type[A]) -> AsyncStream[A]:
        """One connection's answers to a request."""
        method = self._open().unary_stream(PATHS[request.DESCRIPTOR.full_name], serializer, answer.FromString)
        return AsyncStream(method(request, metadata=self.metadata))

    def trade(self) -> AsyncStream[orders_pb2.TradeResponse]:
        answer = orders_pb2.TradeResponse
        method = self._open().stream_stream(PATHS[orders_pb2.TradeRequest.DESCRIPTOR.full_name], serializer, answer.FromString)
        return AsyncStream(method(metadata=self.metadata))


class AsyncSession(SessionVerbs):
    """A `Trade` session: entries go out and reports come in while the program does something else.

    When the connection breaks, the session connects again and goes on: nothing is lost, and nothing done twice.
    """

    def __init__(self, wire: AsyncWire, trading: Trading) -> None:
        self._wire, self._trading = wire, trading
        # Set and replaced at each change, so that everyone who waits for one is woken.
        self._changed = asyncio.Event()
        self._leaving = False
        self._is_over = False
        self._failure: HourbookError | None = None
        self._call: AsyncStream[orders_pb2.TradeResponse] | None = None
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, wire: AsyncWire, trading: Trading) -> Self:
        """Logs on; raises where that is refused."""
        session = cls(wire, trading)
        session._task = asyncio.create_task(session._run(), name=f"hourbook session {trading.session}")
        while not (trading.is_logged_on or session._is_over):
            await session._changed.wait()
        if session._is_over:
            raise session._failure or Closed("the session is over")
        return session

    async def wait(self, number: int, timeout: float | None = None) -> ExecutionReport:
        """What became of an entry: its first report, told once.

        Raises the market's refusal, EntryRefused where it was not sequenced, TimedOut after `timeout` seconds.
        """
        await self._wait_for(lambda: self._trading.has_answer(number), timeout)
        return self._trading.answer(number)

    async def wait_quotes(self, number: int, timeout: float | None = None) -> None:
        """Waits until an entry of quotes is answered: by a report of a side, or where none changed by one of a later entry.

        Raises EntryRefused where it was not sequenced, TimedOut after `timeout` seconds.
        """
        await self._wait_for(lambda: self._trading.has_answer(number), timeout)
        self._trading.answer_to_quotes(number)

    async def reports(self, timeout: float | None = None) -> AsyncIterator[ExecutionReport]:
        """The account's reports, each once; ends with the session, or after `timeout` seconds without one."""
        while True:
            try:
                await self._wait_for(lambda: bool(self._trading.reports), timeout)
            except (Closed, TimedOut):
                return
            yield self._trading.reports.popleft()

    async def _wait_for(self, there: Callable[[], bool], timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not (there() or self._is_over):
                    await self._changed.wait()
        except TimeoutError:
            raise TimedOut(f"nothing came in {timeout} s", code="DEADLINE_EXCEEDED") from None
        if not there():
            raise self._failure or Closed("the session is over")

    async def close(self, timeout: float = 10.0) -> None:
        """Sends what is still to be sent, logs off and hears the rest, at most so many seconds long.

        Raises what kept it from doing so where an entry is without an answer.
        """
        self._leaving = True
        self._notify()
        if self._task is None:
            return
        done, _ = await asyncio.wait([self._task], timeout=timeout)
        if not done:
            self._is_over = True
            self._task.cancel()
            await asyncio.wait([self._task])
        self._notify()
        if self._trading.unanswered:
            message = f"{self._trading.unanswered} entries are without an answer"
            raise self._failure or TimedOut(message, code="DEADLINE_EXCEEDED")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            await self.close()
        except HourbookError as failed:
            # What the program itself raised says more.
            if kind is None:
                raise
            log.error("session %s ends: %s", self._trading.session, failed)

    def _ask(self, add: Callable[[], int]) -> int:
        if self._is_over or self._leaving:
            raise self._failure or Closed("the session is over")
        number = add()
        self._notify()
        return number

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # --- in the session's task ---

    async def _run(self) -> None:
        try:
            await self._live()
        finally:
            self._is_over = True
            self._notify()

    async def _live(self) -> None:
        attempts = Attempts(self._wire.patience)
        while not self._is_over:
            try:
                await self._connected(attempts)
                error: HourbookError = Unavailable("the exchange ended the session", code="UNAVAILABLE")
            except HourbookError as failure:
                error = failure
            self._trading.lost()
            if self._leaving and (self._trading.logged_off is not None or not self._trading.unanswered):
                self._is_over = True
            else:
                try:
                    # A name that is in use is waited for only where it is ours.
                    attempts.stream = self._trading.session_id != 0
                    await asyncio.sleep(attempts.pause(error, time.monotonic()))
                except HourbookError as final:
                    self._failure, self._is_over = final, True
            self._notify()

    async def _connected(self, attempts: Attempts) -> None:
        """One connection's life."""
        self._call = self._wire.trade()
        sender = asyncio.create_task(self._send(self._call))
        try:
            async for response in self._call:
                self._trading.take(response, time.monotonic())
                self._notify()
                if self._trading.logged_off is not None and self._leaving:
                    return
                attempts.worked()
        finally:
            self._call.cancel()
            sender.cancel()
            await asyncio.wait([sender])

    async def _send(self, call: AsyncStream[orders_pb2.TradeResponse]) -> None:
        """Sends on a connection what is due."""
        await call.write(self._trading.logon())
        while True:
            changed, now = self._changed, time.monotonic()
            request = self._trading.due(now)
            if request is not None:
                await call.write(request)
            elif self._leaving and self._trading.may_leave:
                await call.write(orders_pb2.TradeRequest(logoff=orders_pb2.Logoff()))
                return
            else:
                pause = self._trading.pause(now) if self._trading.is_logged_on else None
                try:
                    async with asyncio.timeout(pause):
                        await changed.wait()
                except TimeoutError:
                    pass
