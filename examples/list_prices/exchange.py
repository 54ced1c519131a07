"""A running exchange and how to talk to it: the process, unary calls, and `Trade` sessions that lose nothing.

Written against proto/hourbook/v1 only; the generated code is imported from where `check` puts it.
"""

import asyncio
import itertools
import re
import socket
import subprocess
import time
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hourbook.v1 import orders_pb2 as orders
from hourbook.v1 import orders_pb2_grpc

# How long anything may take before it is called broken, seconds.
PATIENCE = 60
# Entries in one message of a session, and entries not answered yet.
BATCH = 500
WINDOW = 2_000
LARGEST_MESSAGE = 16 << 20


class Broken(Exception):
    """The exchange did what it must not do, or not what it must."""


class Server:
    """`hourbook serve` on a free loopback port; ended by its own process id."""

    def __init__(self, binary, directory, market_file):
        self.binary, self.data = binary, Path(directory) / "data"
        self.log = Path(directory) / "hourbook.log"
        self.address = f"127.0.0.1:{free_port()}"
        command = [binary, "serve", "--data", self.data, "--listen", self.address, "--metrics", "none"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*command, "--market", market_file], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def operator_key(self):
        """The key that a first start writes beside its journal, once it is there."""
        path, deadline = self.data / "operator.key", time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if path.exists() and (key := path.read_text().strip()):
                return key
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise Broken(f"the server did not start:\n{self.log.read_text()}")

    def stop(self):
        """Drains it, as an operator would."""
        self.process.terminate()
        if self.process.wait(PATIENCE) != 0:
            raise Broken(f"the server ended with {self.process.returncode}:\n{self.log.read_text()}")

    def replay(self, sequence):
        """The state hash that the journal alone gives at a sequence number."""
        command = [self.binary, "replay", self.data, "--to", str(sequence)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10 * PATIENCE)
        found = re.search(r"\b[0-9a-f]{64}\b", done.stdout)
        if done.returncode != 0 or not found:
            raise Broken(f"replay ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return found.group()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(address):
    """A connection of its own; grpc would share one between channels of equal options."""
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )


def bearer(key):
    return (("authorization", f"Bearer {key}"),)


class Caller:
    """Unary calls under one key. Waits and asks again where the exchange says that waiting helps."""

    def __init__(self, channel, key):
        self.channel, self.metadata = channel, bearer(key)
        self.requests = itertools.count(1)

    def request_id(self):
        """An idempotency key, so that asking again does nothing twice."""
        return f"list-prices-{next(self.requests)}"

    async def __call__(self, method, request):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await method(request, metadata=self.metadata, timeout=PATIENCE, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                wait = retry_delay(error)
                if wait is None or time.monotonic() + wait > deadline:
                    raise Broken(f"{type(request).__name__}: {told(error)}") from None
                await asyncio.sleep(wait)

    async def pages(self, method, request, field):
        """Every row of a list."""
        while True:
            page = await self(method, request)
            for row in getattr(page, field):
                yield row
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def detail(error, kind):
    """The first detail of a kind that a status carries."""
    status = rpc_status.from_call(error)
    for packed in status.details if status else []:
        unpacked = kind()
        if packed.Unpack(unpacked):
            return unpacked
    return None


def retry_delay(error):
    """Seconds to wait before asking again, or None where waiting does not help."""
    if error.code() not in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE):
        return None
    info = detail(error, error_details_pb2.RetryInfo)
    return max(0.01, info.retry_delay.ToTimedelta().total_seconds()) if info else 0.2


def told(error):
    info = detail(error, error_details_pb2.ErrorInfo)
    return f"{error.code().name} {info.reason if info else ''}: {error.details()}"


class Session:
    """One account's `Trade` session: sends entries in batches, and keeps every report.

    Entries wait here until a report answers them. What the exchange throttles, or has not seen when the
    connection breaks, is sent again from where it says; reports resume from the last that came.
    """

    def __init__(self, address, key, account_id, name, rate):
        self.address, self.metadata = address, bearer(key)
        # The exchange says when there is room for one entry; a batch waits until there is room for all of it.
        self.room_for_batch = BATCH / rate
        self.account_id, self.name = account_id, name
        self.reports = []
        # Entries by number; the next to be sent; those that a report has answered.
        self.entries, self.next, self.answered = [], 1, 0
        self.paused_until = 0.0
        self.changed = asyncio.Event()
        self.logged_on = asyncio.Event()
        self.call = None
        self.leaving = False
        # How often it happened.
        self.cuts = self.throttles = self.sent_again = 0
        self.cut_at = None

    async def run(self):
        """Keeps the session up until `leave`."""
        failures = 0
        while not self.leaving:
            try:
                async with connect(self.address) as channel:
                    await self.connected(channel)
                failures = 0
            except grpc.aio.AioRpcError as error:
                if self.leaving:
                    return
                # A connection that broke may be noticed late: the name is in use for so long.
                info = detail(error, error_details_pb2.ErrorInfo)
                in_use = info is not None and info.reason == "SESSION_IN_USE"
                broken = error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
                if not (in_use or broken) and retry_delay(error) is None:
                    raise Broken(f"session {self.name}: {told(error)}") from None
                failures += 1
                if failures > 50:
                    raise Broken(f"session {self.name} does not come back: {told(error)}") from None
                await asyncio.sleep(min(2, 0.05 * failures))
            except asyncio.CancelledError:
                # Our own cut of the connection surfaces so.
                if self.call is None or not self.call.cancelled() or asyncio.current_task().cancelling():
                    raise

    async def connected(self, channel):
        """One connection's life."""
        self.call = orders_pb2_grpc.OrderServiceStub(channel).Trade(metadata=self.metadata)
        logon = orders.Logon(
            account_id=self.account_id, session=self.name, resume_from_number=len(self.reports) + 1
        )
        await self.call.write(orders.TradeRequest(logon=logon))
        first = await self.call.read()
        if first is grpc.aio.EOF or first.WhichOneof("message") != "logged_on":
            await self.fail_with_status(first)
        # What the exchange has not seen goes again.
        self.rewind(first.logged_on.last_number + 1)
        self.paused_until = 0.0
        self.logged_on.set()
        interval = first.logged_on.heartbeat_interval.ToTimedelta().total_seconds()
        sender = asyncio.create_task(self.send(interval / 2))
        try:
            while (response := await self.call.read()) is not grpc.aio.EOF:
                self.take(response)
        finally:
            self.logged_on.clear()
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        if not self.leaving:
            await self.fail_with_status(None)

    async def fail_with_status(self, response):
        """The stream is over though nobody asked: raises what the exchange says of it."""
        if response is not None and response is not grpc.aio.EOF:
            raise Broken(f"session {self.name} was greeted with {response}")
        code, details = await self.call.code(), await self.call.details()
        if code == grpc.StatusCode.OK:
            raise Broken(f"session {self.name} was closed without a reason")
        raise grpc.aio.AioRpcError(
            code, await self.call.initial_metadata(), await self.call.trailing_metadata(), details
        )

    async def send(self, heartbeat):
        """Sends what is due: entries while there is room, else a heartbeat now and then."""
        while True:
            self.changed.clear()
            pause = self.paused_until - time.monotonic()
            last = min(len(self.entries), self.answered + WINDOW, self.next + BATCH - 1)
            if pause > 0:
                await asyncio.sleep(min(pause, heartbeat))
                if pause > heartbeat:
                    await self.call.write(orders.TradeRequest(heartbeat=orders.ClientHeartbeat()))
            elif self.next <= last:
                batch = orders.TradeBatch(entries=self.entries[self.next - 1 : last])
                self.next = last + 1
                await self.call.write(orders.TradeRequest(batch=batch))
                if self.cut_at is not None and self.next > self.cut_at:
                    self.cut_at = None
                    self.cuts += 1
                    self.call.cancel()
                    return
            elif self.leaving:
                await self.call.write(orders.TradeRequest(logoff=orders.Logoff()))
                await self.call.done_writing()
                return
            else:
                try:
                    await asyncio.wait_for(self.changed.wait(), heartbeat)
                except TimeoutError:
                    await self.call.write(orders.TradeRequest(heartbeat=orders.ClientHeartbeat()))

    def take(self, response):
        kind = response.WhichOneof("message")
        if kind == "reports":
            for report in response.reports.reports:
                if report.number != len(self.reports) + 1:
                    raise Broken(
                        f"session {self.name}: report {report.number} came after {len(self.reports)}"
                    )
                self.reports.append(report)
                # Entries are sequenced in their order: this one answers all before it.
                self.answered = max(self.answered, report.request_number)
        elif kind == "throttled":
            self.throttles += 1
            wait = response.throttled.retry_after.ToTimedelta().total_seconds()
            self.paused_until = time.monotonic() + max(wait, self.room_for_batch)
            self.rewind(response.throttled.first_refused_number)
        elif kind == "entry_refused":
            refused = response.entry_refused
            raise Broken(
                f"session {self.name}: entry {refused.number} is refused: {refused.field} {refused.description}"
            )
        elif kind == "logged_off" and not self.leaving:
            raise Broken(f"session {self.name} was logged off: {response.logged_off.reason}")
        self.changed.set()

    def rewind(self, number):
        """The next entry to send is this one, even if it was sent before."""
        number = max(number, self.answered + 1)
        self.sent_again += max(0, self.next - number)
        self.next = number
        self.changed.set()

    async def trade(self, requests, cut=False):
        """Sends new orders and waits until each is answered. `cut` breaks the connection half way, on purpose."""
        first = len(self.entries) + 1
        for number, (name, order) in enumerate(requests, start=first):
            self.entries.append(orders.TradeEntry(number=number, client_order_id=name, place=order))
        if cut:
            self.cut_at = first + (len(self.entries) - first) // 2
        self.changed.set()
        await self.wait(lambda: self.answered == len(self.entries), "answers")

    async def heard(self, count):
        """Waits until so many reports have come."""
        await self.wait(lambda: len(self.reports) >= count, "reports")

    async def wait(self, done, what):
        """Waits until `done`, as long as something still moves."""
        moved, before = time.monotonic(), None
        while not done():
            now = (len(self.reports), self.answered, self.next, self.throttles)
            if now != before:
                moved, before = time.monotonic(), now
            elif time.monotonic() - moved > PATIENCE:
                raise Broken(f"session {self.name}: no more {what} for {PATIENCE} s; {now}")
            await asyncio.sleep(0.01)

    async def leave(self):
        self.leaving = True
        self.changed.set()
