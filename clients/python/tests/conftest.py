"""A real exchange for the tests: one server, two traders, an instrument far enough ahead for nothing to come in between."""

import os
import random
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hourbook import Client, Role
from hourbook.models import Instrument

PATIENCE = 60.0


class Server:
    """The binary under test, on a free loopback port with a directory of its own."""

    def __init__(self, binary: str, *options: str) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="hourbook-python-")
        self.data = Path(self.directory.name) / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.binary, self.options = binary, options
        self.start()

    def start(self) -> None:
        command = [self.binary, "serve", "--data", str(self.data), "--listen", self.address, "--metrics", "none", *self.options]
        log = Path(self.directory.name) / "log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        deadline = time.monotonic() + PATIENCE
        key = self.data / "operator.key"
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                self.operator_key = key.read_text().strip()
                if self.operator_key:
                    return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise RuntimeError(log.read_text())
            time.sleep(0.05)

    def kill(self) -> None:
        """As a machine would that loses its power."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self) -> None:
        self.process.terminate()
        try:
            assert self.process.wait(PATIENCE) == 0
        finally:
            self.process.kill()


@dataclass
class Market:
    """What the tests trade: an instrument, a buyer with money and a seller with capacity."""

    server: Server
    operator: Client
    instrument: Instrument
    buyer_key: str
    buyer_id: int
    seller_key: str
    seller_id: int

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def client(self, key: str, address: str | None = None, *, timeout: float = 5.0, patience: float = 30.0) -> Client:
        return Client(address or self.server.address, key, timeout=timeout, patience=patience)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server(os.environ["HOURBOOK"])
    yield server
    server.stop()
    server.directory.cleanup()


@contextmanager
def opened(server: Server) -> Iterator[Market]:
    """A market on a server, with its traders."""
    with Client(server.address, server.operator_key) as operator:
        deadline = time.monotonic() + PATIENCE
        while not (listed := operator.fetch_markets("GP.CNNX.A.D*")):
            assert time.monotonic() < deadline, "nothing is listed"
            time.sleep(0.1)
        instrument = listed[-1]
        ids: dict[str, tuple[int, str]] = {}
        for name, role in (("buyer", Role.MAKER), ("seller", Role.PROVIDER)):
            participant = operator.create_participant(name).number
            account = operator.create_account(participant, name).number
            operator.set_limits(account, commands_per_second=100_000, open_order_limit=100_000)
            ids[name] = account, operator.issue_key(participant, role).key
        operator.deposit(ids["buyer"][0], "CNY", 3_000_000)
        for each in listed[-8:]:
            operator.declare_capacity(
                ids["seller"][0],
                each.product,
                each.delivery_start_time,
                each.hours,
                100_000,
                "seen by the test",
            )
        yield Market(server, operator, instrument, ids["buyer"][1], ids["buyer"][0], ids["seller"][1], ids["seller"][0])


@pytest.fixture(scope="session")
def market(server: Server) -> Iterator[Market]:
    with opened(server) as market:
        yield market


@pytest.fixture
def buyer(market: Market) -> Iterator[Client]:
    with market.client(market.buyer_key) as client:
        yield client
        client.cancel_all_orders()


@pytest.fixture
def seller(market: Market) -> Iterator[Client]:
    with market.client(market.seller_key) as client:
        yield client
        client.cancel_all_orders()


@pytest.fixture
def dice() -> random.Random:
    """Random numbers whose seed is printed; HOURBOOK_SEED gives the same again."""
    seed = int(os.environ.get("HOURBOOK_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
    print(f"HOURBOOK_SEED={seed}")
    return random.Random(seed)


class Proxy:
    """Stands between a client and the exchange, and cuts connections or swallows what the exchange answers."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_deaf = self.is_shut = False
        self.cuts = 0
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
                if self.is_shut:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            with self._lock:
                self._open += [client, server]
            threading.Thread(target=self._carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, True), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        try:
            while data := source.recv(65_536):
                if not (is_answer and self.is_deaf):
                    sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def cut(self) -> None:
        """Ends every connection that there is."""
        with self._lock:
            ends, self._open = self._open, []
        self.cuts += bool(ends)
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.close()
        self.cut()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    proxy = Proxy(server.port)
    yield proxy
    proxy.close()
