"""Trades a price list on an exchange of its own, and compares all that came of it with what must.

`check` prepares what this needs: the packages, the generated code and the binary.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import market
import prices
from exchange import Broken, Caller, Server, Session, connect
from hourbook.v1 import accounts_pb2 as accounts
from hourbook.v1 import accounts_pb2_grpc
from hourbook.v1 import admin_pb2 as admin
from hourbook.v1 import admin_pb2_grpc
from hourbook.v1 import instruments_pb2 as instruments
from hourbook.v1 import instruments_pb2_grpc
from hourbook.v1 import market_data_pb2 as market_data
from hourbook.v1 import market_data_pb2_grpc
from hourbook.v1 import orders_pb2 as orders
from hourbook.v1 import orders_pb2_grpc
from hourbook.v1 import types_pb2 as types
from oracle import Expected, Position, Report
from orders import stages

CURRENCY = "USD"
OPEN_ORDERS = 1_000_000
LEVELS = 1_000


def main():
    parser = argparse.ArgumentParser(prog="check", description=__doc__.splitlines()[0])
    parser.add_argument("list", nargs="?", type=Path, help="a price list; without one, a small one is made")
    parser.add_argument("--hourbook", required=True, type=Path, help="the binary (check gives it)")
    parser.add_argument(
        "--data", type=Path, help="keep market file, journal and log here; else they are removed"
    )
    parser.add_argument(
        "--rate", type=int, default=5_000, help="commands a second that each account is allowed (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    offers, refused = prices.load(arguments.list) if arguments.list else prices.read(prices.sample())
    if not offers:
        raise SystemExit("no row of the list can be used: " + json.dumps(refused))
    if arguments.data and any(arguments.data.glob("*")):
        raise SystemExit(f"--data {arguments.data}: is not empty; what is compared begins with nothing")

    with tempfile.TemporaryDirectory(prefix="list-prices-") as temporary:
        directory = arguments.data or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        try:
            result = run(offers, refused, arguments, directory)
        except (Broken, ExceptionGroup) as error:
            raise SystemExit(f"list_prices: {first_of(error)}") from error
    print(json.dumps(result, indent=2) if arguments.json else table(result))
    sys.exit(1 if result["differences"] else 0)


def first_of(error):
    """The cause to tell people of: tasks that fail together come as a group."""
    return first_of(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def run(offers, refused, arguments, directory):
    market_file = directory / "market.toml"
    market_file.write_text(market.text(offers), encoding="utf-8")
    expected = Expected()
    # Everything that must come of it is known before the exchange is asked.
    plan = list(stages(offers, expected))
    with Server(arguments.hourbook, directory, market_file) as server:
        venue = Venue(server, arguments.rate)
        seen = asyncio.run(venue.trade(plan, expected))
        server.stop()
        replayed = server.replay(seen["sequence"])
    rows = compare(expected, seen) + [
        row("state hash after replay", [seen["state_hash"]], [replayed]),
    ]
    return {
        "list": {
            "rows": len(offers) + refused.total(),
            "used": len(offers),
            "not_used": dict(refused.most_common()),
        },
        "market": {
            "products": len({offer.product for offer in offers}),
            "instruments": seen["instruments"],
            "traded": venue.period,
            "orders": sum(len(entries) for _, entries in plan),
            "accounts": len(expected.accounts),
            "commands_per_second_allowed": arguments.rate,
        },
        "sessions": venue.experience,
        "compared": rows,
        "sequence": seen["sequence"],
        "state_hash": seen["state_hash"],
        "differences": sum(row["differences"] for row in rows),
    }


class Venue:
    """The exchange as its operator and its traders use it."""

    def __init__(self, server, rate):
        self.server, self.rate = server, rate
        self.period = ""
        self.instruments = {}
        self.account_ids, self.keys, self.sessions = {}, {}, {}
        self.experience = {}

    async def trade(self, plan, expected):
        """Opens accounts, streams every stage, and asks for all there is to compare."""
        channel = connect(self.server.address)
        async with channel, asyncio.TaskGroup() as tasks:
            self.operator = Caller(channel, self.server.operator_key())
            self.admin = admin_pb2_grpc.AdminServiceStub(channel)
            await self.list_instruments(channel, expected)
            for name in expected.accounts:
                await self.open_account(name)
            await self.fund(plan)
            for name, number in self.account_ids.items():
                self.sessions[name] = Session(
                    self.server.address, self.keys[name], number, "list-prices", self.rate
                )
                tasks.create_task(self.sessions[name].run())
            for session in self.sessions.values():
                await session.logged_on.wait()

            began = time.monotonic()
            for name, entries in plan:
                requests = [(order.name, self.new_order(order)) for order in entries]
                await self.sessions[name].trade(requests, cut=True)
            for name, session in self.sessions.items():
                await session.heard(len(expected.accounts[name].reports))
            self.experience = {
                "seconds": round(time.monotonic() - began, 2),
                "connections_cut_on_purpose": sum(s.cuts for s in self.sessions.values()),
                "throttled": sum(s.throttles for s in self.sessions.values()),
                "entries_sent_again": sum(s.sent_again for s in self.sessions.values()),
            }
            for session in self.sessions.values():
                await session.leave()
            return await self.look(channel, expected)

    async def list_instruments(self, channel, expected):
        """Waits until the day after tomorrow is listed for every product."""
        status = await self.operator(self.admin.GetStatus, admin.GetStatusRequest())
        self.period = (status.time.ToDatetime() + timedelta(days=2)).strftime("D%Y%m%d")
        stub = instruments_pb2_grpc.InstrumentServiceStub(channel)
        deadline = time.monotonic() + 60
        while len(self.instruments) < len(expected.books):
            if time.monotonic() > deadline:
                raise Broken(f"only {len(self.instruments)} of {len(expected.books)} instruments are listed")
            request = instruments.ListInstrumentsRequest(pattern=f"*.*.*.{self.period}", page_size=1_000)
            async for listed in self.operator.pages(stub.ListInstruments, request, "instruments"):
                self.instruments[listed.product] = listed
            await asyncio.sleep(0.1)

    async def open_account(self, name):
        """A participant, its account and its key, with room for a whole list."""
        ask, request_id = self.operator, self.operator.request_id
        participant = await ask(
            self.admin.CreateParticipant, admin.CreateParticipantRequest(request_id=request_id(), name=name)
        )
        account = await ask(
            self.admin.CreateAccount,
            admin.CreateAccountRequest(
                request_id=request_id(), participant_id=participant.participant_id, name=name
            ),
        )
        role = admin.ROLE_PROVIDER if name.endswith("provider") else admin.ROLE_TRADER
        issued = await ask(
            self.admin.IssueKey,
            admin.IssueKeyRequest(
                request_id=request_id(),
                participant_id=participant.participant_id,
                account_id=account.account_id,
                role=role,
            ),
        )
        await ask(
            self.admin.SetLimits,
            admin.SetLimitsRequest(
                request_id=request_id(),
                account_id=account.account_id,
                commands_per_second=self.rate,
                open_order_limit=OPEN_ORDERS,
            ),
        )
        self.account_ids[name], self.keys[name] = account.account_id, issued.key

    async def fund(self, plan):
        """To the micro and the lot: deposits for all that is bid, capacity for all that the list offers."""
        self.deposits, offered = Counter(), Counter()
        for name, entries in plan:
            for order in entries:
                if order.side == "BUY":
                    amount = order.price * order.quantity * market.HOURS
                    fee = max(market.MAKER_FEE_PPM, market.TAKER_FEE_PPM)
                    self.deposits[name] += amount + amount * fee // 1_000_000
                elif name.endswith("provider"):
                    offered[name, order.product] += order.quantity
        for name, amount in self.deposits.items():
            await self.operator(
                self.admin.Deposit,
                admin.DepositRequest(
                    request_id=self.operator.request_id(),
                    account_id=self.account_ids[name],
                    currency=CURRENCY,
                    amount_micros=amount,
                ),
            )
        for (name, product), units in offered.items():
            listed = self.instruments[product]
            await self.operator(
                self.admin.DeclareCapacity,
                admin.DeclareCapacityRequest(
                    request_id=self.operator.request_id(),
                    account_id=self.account_ids[name],
                    product=product,
                    start_time=listed.delivery_start_time,
                    hours=listed.hours,
                    quantity=units,
                    attestation="the price list",
                ),
            )

    def new_order(self, order):
        return orders.NewOrder(
            instrument_id=self.instruments[order.product].instrument_id,
            side=types.Side.Value(f"SIDE_{order.side}"),
            order_type=types.ORDER_TYPE_LIMIT,
            time_in_force=types.TimeInForce.Value(f"TIME_IN_FORCE_{order.time_in_force}"),
            price_micros=order.price,
            quantity=order.quantity,
        )

    async def look(self, channel, expected):
        """All that the exchange says of accounts, books and itself."""
        seen = {"reports": {}, "fills": {}, "balances": {}, "positions": {}, "books": {}}
        account_stub = accounts_pb2_grpc.AccountServiceStub(channel)
        order_stub = orders_pb2_grpc.OrderServiceStub(channel)
        for name, number in self.account_ids.items():
            seen["reports"][name] = [as_expected(report) for report in self.sessions[name].reports]
            trader = Caller(channel, self.keys[name])
            request = orders.ListFillsRequest(account_id=number, page_size=1_000)
            seen["fills"][name] = [
                as_expected(report) async for report in trader.pages(order_stub.ListFills, request, "fills")
            ]
            answer = await trader(account_stub.GetBalances, accounts.GetBalancesRequest(account_id=number))
            for balance in answer.balances:
                money = (
                    balance.cash_micros,
                    balance.held_micros,
                    balance.escrow_micros,
                    balance.available_micros,
                )
                seen["balances"][name, balance.currency] = money
            request = accounts.ListPositionsRequest(account_id=number, page_size=1_000)
            async for position in trader.pages(account_stub.ListPositions, request, "positions"):
                seen["positions"][name, position.symbol] = Position(
                    position.units, position.cost_micros, position.realised_micros, position.fee_due_micros
                )
        book_stub = market_data_pb2_grpc.MarketDataServiceStub(channel)
        for product, must_be in expected.books.items():
            symbol = f"{product}.{self.period}"
            # One level more than there must be: it would be seen.
            depth = 1 + max(len(must_be.levels(side)) for side in must_be.sides)
            if depth > LEVELS:
                raise Broken(f"{symbol} has more levels than a book is shown with, {LEVELS}")
            request = market_data.GetBookRequest(symbol=symbol, depth=depth)
            book = await self.operator(book_stub.GetBook, request)
            for side, levels in (("BUY", book.bids), ("SELL", book.asks)):
                seen["books"][symbol, side] = [
                    (level.price_micros, level.quantity, level.order_count) for level in levels
                ]
        status = await self.operator(self.admin.GetStatus, admin.GetStatusRequest(state_hash=True))
        seen["fees"] = {total.currency: total.amount_micros for total in status.fees}
        seen["ledger_sum"] = status.ledger_sum_micros
        seen["open_orders"] = status.open_order_count
        seen["instruments"] = status.instrument_count
        seen["sequence"], seen["state_hash"] = status.sequence, status.state_hash
        seen["deposits"], seen["period"] = self.deposits, self.period
        return seen


def as_expected(report):
    """An execution report in the words of `oracle.Report`."""
    kind = types.ReportKind.Name(report.kind).removeprefix("REPORT_KIND_")
    if kind == "REJECTED":
        kind += " " + types.RejectReason.Name(report.reject_reason).removeprefix("REJECT_REASON_")
    fill = cancelled = None
    if report.HasField("fill"):
        part = types.Liquidity.Name(report.fill.liquidity).removeprefix("LIQUIDITY_")
        fill = (
            report.fill.trade_id,
            report.fill.price_micros,
            report.fill.quantity,
            part,
            report.fill.fee_micros,
        )
    if kind == "CANCELLED":
        reason = types.CancelReason.Name(report.cancel_reason).removeprefix("CANCEL_REASON_")
        cancelled = (report.cancelled_quantity, reason)
    return Report(
        report.number,
        kind,
        report.client_order_id,
        report.price_micros,
        report.quantity,
        report.cumulative_quantity,
        report.leaves_quantity,
        fill,
        cancelled,
    )


def compare(expected, seen):
    """One row for each kind of thing that must agree."""
    period, deposits = seen["period"], seen["deposits"]
    rows = []
    for kind, what in (
        ("ACCEPTED", "orders accepted"),
        ("FILLED", "fills"),
        ("CANCELLED", "cancelled rests"),
    ):
        mine = {
            (name, report.number): report
            for name, account in expected.accounts.items()
            for report in account.reports
            if report.kind == kind
        }
        theirs = {
            (name, report.number): report
            for name, reports in seen["reports"].items()
            for report in reports
            if report.kind == kind
        }
        rows.append(row(what, mine, theirs))
        if kind == "FILLED":
            listed = {
                (name, report.number): report for name, fills in seen["fills"].items() for report in fills
            }
            rows.append(row("fills, listed afterwards", mine, listed))
    known = {"ACCEPTED", "FILLED", "CANCELLED"}
    other = [report for reports in seen["reports"].values() for report in reports if report.kind not in known]
    rows.append(row("refusals and other reports", [], other))

    balances = {}
    for name, account in expected.accounts.items():
        if name in deposits:
            cash = deposits[name] + account.cash
            balances[name, CURRENCY] = (cash, account.held, account.escrow, cash - account.held)
    rows.append(row("balances", balances, without(seen["balances"], (0, 0, 0, 0))))
    positions = {
        (name, f"{product}.{period}"): position
        for name, account in expected.accounts.items()
        for product, position in account.positions.items()
    }
    nothing = Position(0, 0, 0, 0)
    rows.append(row("positions", without(positions, nothing), without(seen["positions"], nothing)))
    rows.append(row("fees taken", {CURRENCY: expected.fees}, without(seen["fees"], 0)))
    books = {
        (f"{product}.{period}", side): book.levels(side)
        for product, book in expected.books.items()
        for side in book.sides
    }
    rows.append(row("books, each side", books, seen["books"]))
    rows.append(row("levels of the books", by_price(books), by_price(seen["books"])))
    resting = sum(len(orders) for book in expected.books.values() for orders in book.sides.values())
    rows.append(row("orders still open", [resting], [seen["open_orders"]]))
    rows.append(row("sum of the whole ledger", [0], [seen["ledger_sum"]]))
    return rows


def by_price(books):
    return {(side, level[0]): level for side, levels in books.items() for level in levels}


def without(things, nothing):
    return {name: thing for name, thing in things.items() if thing != nothing}


def row(what, expected, seen):
    """How many things of a kind there must be, how many there are, how many differ; and the first that do."""
    if not isinstance(expected, dict):
        expected, seen = dict(enumerate(expected)), dict(enumerate(seen))
    differing = [
        name for name in expected.keys() | seen.keys() if expected.get(name, ()) != seen.get(name, ())
    ]
    shown = [
        f"{name}: expected {expected.get(name, 'nothing')}, found {seen.get(name, 'nothing')}"
        for name in sorted(differing, key=str)[:3]
    ]
    return {
        "what": what,
        "expected": len(expected),
        "exchange": len(seen),
        "differences": len(differing),
        "first": shown,
    }


def table(result):
    listed, market_, sessions = result["list"], result["market"], result["sessions"]
    lines = [f"list       {listed['rows']:,} rows, {listed['used']:,} used"]
    lines += [f"           {count:>7,} not used: {why}" for why, count in listed["not_used"].items()]
    lines += [
        f"market     {market_['products']:,} products, {market_['instruments']:,} instruments;"
        f" all orders are for {market_['traded']}",
        f"sessions   {market_['orders']:,} orders of {market_['accounts']} accounts in {sessions['seconds']} s,"
        f" limit {market_['commands_per_second_allowed']:,} commands/s each",
        f"           {sessions['connections_cut_on_purpose']} connections cut on purpose,"
        f" throttled {sessions['throttled']} times,"
        f" {sessions['entries_sent_again']:,} entries sent again",
        f"journal    sequence {result['sequence']:,}, state {result['state_hash'][:16]}",
        "",
        f"{'compared':<28} {'expected':>10} {'exchange':>10} {'differences':>12}",
    ]
    for line in result["compared"]:
        numbers = f"{line['expected']:>10,} {line['exchange']:>10,} {line['differences']:>12,}"
        lines.append(f"{line['what']:<28} {numbers}")
        lines += [f"    {shown}" for shown in line["first"]]
    lines += ["", f"{result['differences']:,} differences"]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
