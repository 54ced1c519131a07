"""What a client of another make sees: every service through buf's curl and through Python's grpcio.

`run` prepares what this needs. One server, on a free loopback port with a temporary directory, serves all tests.
"""

import itertools
import json
import os
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from hourbook.v1 import accounts_pb2, accounts_pb2_grpc, admin_pb2, admin_pb2_grpc
from hourbook.v1 import instruments_pb2, instruments_pb2_grpc, market_data_pb2, market_data_pb2_grpc
from hourbook.v1 import orders_pb2, orders_pb2_grpc, types_pb2

PATIENCE = 60
HOURBOOK, BUF = os.environ["HOURBOOK"], os.environ["BUF"]


class Server:
    """The binary under test."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hourbook-clients-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        data = Path(self.directory.name) / "data"
        log = open(Path(self.directory.name) / "log", "wb")
        command = [HOURBOOK, "serve", "--data", data, "--listen", self.address, "--metrics", "none"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + PATIENCE
        while not (data / "operator.key").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((Path(self.directory.name) / "log").read_text())
            time.sleep(0.05)
        time.sleep(0.2)
        self.operator_key = (data / "operator.key").read_text().strip()

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.directory.cleanup()


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    code = server.stop()
    if code != 0:
        raise RuntimeError(f"the server ended with {code}")


def bearer(key):
    return (("authorization", f"Bearer {key}"),)


def reason(error):
    """The machine-readable reason of a status."""
    for packed in rpc_status.from_call(error).details:
        info = error_details_pb2.ErrorInfo()
        if packed.Unpack(info):
            return info.reason
    return None


def fields(error):
    """The fields that a status finds fault with."""
    for packed in rpc_status.from_call(error).details:
        bad = error_details_pb2.BadRequest()
        if packed.Unpack(bad):
            return [violation.field for violation in bad.field_violations]
    return []


class Buf(unittest.TestCase):
    """By reflection alone: the tool has no proto files."""

    def curl(self, method, body=None, key=None):
        command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge"]
        if key:
            command += ["--header", f"authorization: Bearer {key}"]
        if body is not None:
            command += ["--data", json.dumps(body)]
        command.append(f"http://{server.address}{method}")
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd="/")

    def test_reflection_names_every_service(self):
        listed = subprocess.run(
            [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--list-services", f"http://{server.address}"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd="/",
        )
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for service in ["Account", "Admin", "Instrument", "MarketData", "Order", "Pricing"]:
            self.assertIn(f"hourbook.v1.{service}Service", listed.stdout)
        self.assertIn("grpc.health.v1.Health", listed.stdout)

    def test_health_serves(self):
        done = self.curl("/grpc.health.v1.Health/Check", {})
        self.assertEqual(json.loads(done.stdout), {"status": "SERVING"}, done.stderr)

    def test_a_status_is_read_with_a_key_and_not_without(self):
        done = self.curl("/hourbook.v1.AdminService/GetStatus", {"stateHash": True}, server.operator_key)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(json.loads(done.stdout)["stateHash"], "^[0-9a-f]{64}$")
        refused = self.curl("/hourbook.v1.AdminService/GetStatus", {})
        self.assertNotEqual(refused.returncode, 0)
        self.assertEqual(json.loads(refused.stderr)["code"], "unauthenticated")

    def test_a_price_is_quoted_and_its_bid_is_below_its_ask(self):
        done = self.curl("/hourbook.v1.PricingService/Quote", {"product": "GP.CNNM.A"}, server.operator_key)
        self.assertEqual(done.returncode, 0, done.stderr)
        quote = json.loads(done.stdout)["quote"]
        self.assertLess(int(quote["bidPriceMicros"]), int(quote["askPriceMicros"]))
        self.assertRegex(quote["parametersDigest"], "^[0-9a-f]{32}$")


class Grpcio(unittest.TestCase):
    """Two traders, from their accounts to a trade."""

    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.channel = grpc.insecure_channel(server.address)
        cls.operator = bearer(server.operator_key)
        cls.admin = admin_pb2_grpc.AdminServiceStub(cls.channel)
        cls.orders = orders_pb2_grpc.OrderServiceStub(cls.channel)
        cls.accounts = accounts_pb2_grpc.AccountServiceStub(cls.channel)
        cls.books = market_data_pb2_grpc.MarketDataServiceStub(cls.channel)
        cls.instruments = instruments_pb2_grpc.InstrumentServiceStub(cls.channel)
        request = instruments_pb2.ListInstrumentsRequest(pattern="GP.CNNX.A.D*", page_size=50)
        deadline = time.monotonic() + PATIENCE
        while not (listed := cls.instruments.ListInstruments(request, metadata=cls.operator).instruments):
            if time.monotonic() > deadline:
                raise RuntimeError("nothing is listed")
            time.sleep(0.1)
        # Far enough ahead for no gate or auction to come in between.
        cls.listed = listed[-1]
        cls.buyer, cls.buyer_key = cls.open_account("buyer", admin_pb2.ROLE_TRADER)
        cls.seller, cls.seller_key = cls.open_account("seller", admin_pb2.ROLE_PROVIDER)
        cls.admin.Deposit(
            admin_pb2.DepositRequest(
                request_id=cls.id(), account_id=cls.buyer, currency="CNY", amount_micros=10_000_000_000
            ),
            metadata=cls.operator,
        )
        cls.admin.DeclareCapacity(
            admin_pb2.DeclareCapacityRequest(
                request_id=cls.id(),
                account_id=cls.seller,
                product=cls.listed.product,
                start_time=cls.listed.delivery_start_time,
                hours=cls.listed.hours,
                quantity=1_000,
                attestation="seen by the test",
            ),
            metadata=cls.operator,
        )

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()

    @classmethod
    def id(cls):
        return f"id-{next(cls.numbers)}"

    @classmethod
    def open_account(cls, name, role):
        ask = dict(metadata=cls.operator)
        participant = cls.admin.CreateParticipant(
            admin_pb2.CreateParticipantRequest(request_id=cls.id(), name=name), **ask
        ).participant_id
        account = cls.admin.CreateAccount(
            admin_pb2.CreateAccountRequest(request_id=cls.id(), participant_id=participant, name=name), **ask
        ).account_id
        key = cls.admin.IssueKey(
            admin_pb2.IssueKeyRequest(request_id=cls.id(), participant_id=participant, role=role), **ask
        ).key
        return account, bearer(key)

    def order(self, side, price, quantity, **more):
        return orders_pb2.NewOrder(
            symbol=self.listed.symbol,
            side=side,
            order_type=types_pb2.ORDER_TYPE_LIMIT,
            price_micros=price,
            quantity=quantity,
            **more,
        )

    def place(self, account, key, order, client_order_id=None):
        request = orders_pb2.PlaceOrderRequest(
            account_id=account, client_order_id=client_order_id or self.id(), order=order
        )
        return self.orders.PlaceOrder(request, metadata=key)

    def test_two_orders_make_a_trade_and_a_repetition_makes_none(self):
        offer = self.place(self.seller, self.seller_key, self.order(types_pb2.SIDE_SELL, 250_000, 3))
        self.assertEqual(offer.report.kind, types_pb2.REPORT_KIND_ACCEPTED)
        bid, name = self.order(types_pb2.SIDE_BUY, 250_000, 3), self.id()
        first = self.place(self.buyer, self.buyer_key, bid, name)
        self.assertEqual([(fill.price_micros, fill.quantity) for fill in first.fills], [(250_000, 3)])
        again = self.place(self.buyer, self.buyer_key, bid, name)
        self.assertTrue(again.repeated)
        self.assertEqual(again.report.order_id, first.report.order_id)
        with self.assertRaises(grpc.RpcError) as other:
            self.place(self.buyer, self.buyer_key, self.order(types_pb2.SIDE_BUY, 250_000, 4), name)
        self.assertEqual(reason(other.exception), "CLIENT_ID_REUSED")
        positions = self.accounts.ListPositions(
            accounts_pb2.ListPositionsRequest(account_id=self.buyer), metadata=self.buyer_key
        ).positions
        self.assertEqual([(one.symbol, one.units) for one in positions], [(self.listed.symbol, 3)])

    def test_a_session_reports_and_resumes_without_loss(self):
        def talk(logon, *messages):
            """A whole session: what was answered until the exchange ended it."""
            asked = [orders_pb2.TradeRequest(logon=logon), *messages]
            asked.append(orders_pb2.TradeRequest(logoff=orders_pb2.Logoff()))
            return list(self.orders.Trade(iter(asked), metadata=self.seller_key, timeout=PATIENCE))

        entries = [
            orders_pb2.TradeEntry(number=number, place=self.order(types_pb2.SIDE_SELL, 300_000 + 100 * number, 1))
            for number in range(1, 101)
        ]
        batch = orders_pb2.TradeRequest(batch=orders_pb2.TradeBatch(entries=entries))
        logon = orders_pb2.Logon(account_id=self.seller, session="grpcio", cancel_on_disconnect=True)
        answers = talk(logon, batch)
        self.assertEqual(answers[0].WhichOneof("message"), "logged_on")
        self.assertEqual(answers[-1].WhichOneof("message"), "logged_off")
        reports = [report for answer in answers for report in answer.reports.reports]
        accepted = [one.request_number for one in reports if one.kind == types_pb2.REPORT_KIND_ACCEPTED]
        self.assertEqual(accepted, list(range(1, 101)))

        # All of it again from the first number, the cancels of the disconnect included; entries are not repeated.
        first = reports[0].number
        logon = orders_pb2.Logon(account_id=self.seller, session="grpcio", resume_from_number=first)
        answers = talk(logon, batch)
        self.assertEqual(answers[0].logged_on.last_number, 100)
        resumed = [report for answer in answers for report in answer.reports.reports]
        self.assertEqual([one.number for one in resumed], list(range(first, first + 200)))
        self.assertEqual(resumed[: len(reports)], reports)
        reasons = {one.cancel_reason for one in resumed[100:]}
        self.assertEqual(reasons, {types_pb2.CANCEL_REASON_DISCONNECT})

    def test_a_book_shows_levels_and_orders(self):
        self.place(self.seller, self.seller_key, self.order(types_pb2.SIDE_SELL, 360_000, 5))
        book = self.books.GetBook(
            market_data_pb2.GetBookRequest(symbol=self.listed.symbol, orders=True), metadata=self.buyer_key
        )
        self.assertIn((360_000, 5), [(level.price_micros, level.quantity) for level in book.asks])
        self.assertIn((360_000, 5), [(order.price_micros, order.quantity) for order in book.ask_orders])

    def test_what_is_misshapen_names_its_field(self):
        for order, field in [
            (self.order(types_pb2.SIDE_UNSPECIFIED, 250_000, 1), "order.side"),
            (self.order(types_pb2.SIDE_BUY, 250_000, -1), "order.quantity"),
            (self.order(types_pb2.SIDE_BUY, -1, 1), "order.price_micros"),
        ]:
            with self.assertRaises(grpc.RpcError) as refused:
                self.place(self.buyer, self.buyer_key, order)
            self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertEqual(fields(refused.exception), [field])

    def test_the_market_refuses_with_a_number_and_a_reason(self):
        far = self.place(self.buyer, self.buyer_key, self.order(types_pb2.SIDE_BUY, 250_050, 1)).report
        self.assertEqual(far.kind, types_pb2.REPORT_KIND_REJECTED)
        self.assertEqual(far.reject_reason, types_pb2.REJECT_REASON_PRICE_OFF_TICK)
        self.assertGreater(far.sequence, 0)

    def test_an_account_of_another_is_not_seen(self):
        with self.assertRaises(grpc.RpcError) as refused:
            self.accounts.GetBalances(
                accounts_pb2.GetBalancesRequest(account_id=self.seller), metadata=self.buyer_key
            )
        self.assertEqual(refused.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(reason(refused.exception), "ACCOUNT_NOT_YOURS")


if __name__ == "__main__":
    unittest.main()
