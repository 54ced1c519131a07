"""What must come of a list of orders, computed here from the written rules, in whole numbers.

`Book` matches by price, then arrival. `Expected` adds what each account is told and what it then has:
reports, cash, holds, escrow, positions, fees. docs/market.md and docs/matching.md are its sources; it is
kept naive on purpose, since it is the exchange that must agree with it.
"""

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from market import HOURS, MAKER_FEE_PPM, TAKER_FEE_PPM

MILLION = 1_000_000


@dataclass(eq=False)
class Order:
    """A limit order. `time_in_force` is GTC, IOC or FOK."""

    account: str
    name: str
    product: str
    side: str
    price: int
    quantity: int
    time_in_force: str = "GTC"
    leaves: int = 0
    held: int = 0

    def __post_init__(self):
        self.leaves = self.quantity

    @property
    def cumulative(self):
        return self.quantity - self.leaves


class Book:
    """The resting orders of one instrument, best price first, then arrival."""

    def __init__(self):
        self.sides = {"BUY": [], "SELL": []}
        self.arrivals = count()

    def within(self, taker):
        """The resting orders that `taker` may trade with, in the order in which it meets them."""
        other = self.sides["SELL" if taker.side == "BUY" else "BUY"]
        sign = 1 if taker.side == "BUY" else -1
        for _, _, maker in other:
            if sign * maker.price > sign * taker.price:
                return
            yield maker

    def fills(self, taker):
        """Pairs of maker and lots, all or none of them for FOK. Moves nothing."""
        left, found = taker.leaves, []
        for maker in self.within(taker):
            if left == 0:
                break
            lots = min(left, maker.leaves)
            found.append((maker, lots))
            left -= lots
        return [] if taker.time_in_force == "FOK" and left > 0 else found

    def rest(self, order):
        rank = -order.price if order.side == "BUY" else order.price
        insort(self.sides[order.side], (rank, next(self.arrivals), order))

    def drop_filled(self, side):
        """Takes what has nothing left off the front, the only place where fills happen."""
        orders = self.sides[side]
        done = next((at for at, (_, _, order) in enumerate(orders) if order.leaves), len(orders))
        del orders[:done]

    def levels(self, side):
        """Price, lots and orders of each level, best first."""
        levels = []
        for _, _, order in self.sides[side]:
            if levels and levels[-1][0] == order.price:
                price, lots, orders = levels[-1]
                levels[-1] = (price, lots + order.leaves, orders + 1)
            else:
                levels.append((order.price, order.leaves, 1))
        return levels


class Report(NamedTuple):
    """What an account is told; as much of an execution report as can be known beforehand."""

    number: int
    kind: str
    order: str
    price: int
    quantity: int
    cumulative: int
    leaves: int
    # Trade, price, lots, MAKER or TAKER, fee.
    fill: tuple | None = None
    # Lots, reason.
    cancelled: tuple | None = None


class Position(NamedTuple):
    units: int
    cost: int
    realised: int
    fee_due: int

    @property
    def escrow(self):
        """What must lie in escrow: the cost of what was bought, and what was lost."""
        return max(self.cost, 0) + max(-self.realised, 0)


@dataclass
class Account:
    cash: int = 0
    held: int = 0
    escrow: int = 0
    positions: dict = field(default_factory=lambda: defaultdict(lambda: Position(0, 0, 0, 0)))
    reports: list = field(default_factory=list)


class Expected:
    """The whole market as it must be after the orders entered so far."""

    def __init__(self):
        self.books = defaultdict(Book)
        self.accounts = defaultdict(Account)
        self.fees = 0
        self.trades = count(1)

    def enter(self, order):
        """Takes in one order and lets it trade; returns the lots it traded."""
        account, book = self.accounts[order.account], self.books[order.product]
        if order.side == "BUY":
            amount = order.price * order.quantity * HOURS
            order.held = amount + amount * max(MAKER_FEE_PPM, TAKER_FEE_PPM) // MILLION
            account.held += order.held
        self.report(order, "ACCEPTED")
        for maker, lots in book.fills(order):
            self.fill(maker, order, lots)
        book.drop_filled("SELL" if order.side == "BUY" else "BUY")
        if order.leaves and order.time_in_force == "GTC":
            book.rest(order)
        elif order.leaves:
            self.release(order, order.leaves)
            self.report(order, "CANCELLED", leaves=0, cancelled=(order.leaves, order.time_in_force))
        return order.cumulative

    def fill(self, maker, taker, lots):
        """One match, at the maker's price."""
        trade, amount = next(self.trades), maker.price * lots * HOURS
        rates = {id(maker): MAKER_FEE_PPM, id(taker): TAKER_FEE_PPM}
        buy, sell = (taker, maker) if taker.side == "BUY" else (maker, taker)
        buy_fee, sell_fee = (amount * rates[id(order)] // MILLION for order in (buy, sell))

        # The buyer's hold pays the amount into escrow and its fee to the house. The seller's fee waits until
        # it is paid. What a position needs no longer comes back from escrow to cash.
        self.release(buy, lots, amount + buy_fee)
        buy.leaves -= lots
        sell.leaves -= lots
        self.fees += buy_fee
        self.accounts[buy.account].cash -= buy_fee
        self.move(buy.account, buy.product, bought(self.position(buy), lots, amount))
        self.move(sell.account, sell.product, sold(self.position(sell), lots, amount, sell_fee))

        for order, part in ((maker, "MAKER"), (taker, "TAKER")):
            fee = buy_fee if order is buy else sell_fee
            self.report(order, "FILLED", fill=(trade, maker.price, lots, part, fee))

    def position(self, order):
        return self.accounts[order.account].positions[order.product]

    def move(self, name, product, after):
        account = self.accounts[name]
        moved = after.escrow - account.positions[product].escrow
        account.escrow += moved
        account.cash -= moved
        account.positions[product] = after

    def release(self, order, lots, cost=0):
        """Gives back what a hold need no longer cover once `lots` of the leaves are gone at this cost.

        Kept is what the cost leaves of it, but no more than the remaining leaves' share, rounded up.
        """
        rest = order.leaves - lots
        share = -(-order.held * rest // order.leaves)
        kept = min(order.held - cost, share) if rest else 0
        if order.side == "BUY":
            self.accounts[order.account].held -= order.held - kept
            order.held = kept

    def report(self, order, kind, leaves=None, **what):
        reports = self.accounts[order.account].reports
        leaves = order.leaves if leaves is None else leaves
        number = len(reports) + 1
        reports.append(
            Report(number, kind, order.name, order.price, order.quantity, order.cumulative, leaves, **what)
        )


def bought(position, lots, amount):
    """The position after a purchase: closing takes an average share of what was sold before, then it opens."""
    units, cost, realised, fee_due = position
    closing = min(max(-units, 0), lots)
    if closing:
        paid = amount * closing // lots
        proceeds, fee = -cost * closing // -units, fee_due * closing // -units
        units, cost = units + closing, cost + proceeds
        realised, fee_due = realised + proceeds - paid - fee, fee_due - fee
        lots, amount = lots - closing, amount - paid
    return Position(units + lots, cost + amount, realised, fee_due)


def sold(position, lots, amount, fee):
    """The position after a sale. The fee of what it opens is due when that is paid for."""
    units, cost, realised, fee_due = position
    closing = min(max(units, 0), lots)
    if closing:
        received, paid = amount * closing // lots, fee * closing // lots
        share = cost * closing // units
        units, cost = units - closing, cost - share
        realised += received - share - paid
        lots, amount, fee = lots - closing, amount - received, fee - paid
    return Position(units - lots, cost - amount, realised, fee_due + fee)
