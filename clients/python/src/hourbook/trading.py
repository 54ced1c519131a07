"""A `Trade` session without its transport: what to send next, and what came of it.

A driver connects, sends `logon`, gives `take` what comes, and sends what `due` says. When the connection breaks it connects
again and goes on with the same `Trading`: entries that the exchange has not seen are sent again under their numbers, so that
none doubles, and reports go on behind the last that came, so that none is lost.

Always true: reports are given out in the order of their numbers, without a gap; each entry is answered once.
"""

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from hourbook import requests
from hourbook._proto import orders_pb2, types_pb2
from hourbook.enums import OrderType, ReportKind, SelfTradePrevention, Side, TimeInForce
from hourbook.errors import EntryRefused, HourbookError, refusal
from hourbook.exact import LARGEST_LONG_ID, Moment, Number, count, flag, instance, lots, text
from hourbook.models import ExecutionReport
from hourbook.requests import NewOrder, OrderId, Quote

# Entries in one message, until the exchange says that it takes fewer.
_BATCH = 500
# Answers that are remembered for who asks later.
_ANSWERS = 20_000
_REFUSALS = {
    ReportKind.REJECTED,
    ReportKind.CANCEL_REJECTED,
    ReportKind.AMEND_REJECTED,
    ReportKind.MASS_CANCEL_REJECTED,
}

# What became of an entry: its first report, or why there is none. None of quotes: each side has reports of its own, or none.
Answer = ExecutionReport | EntryRefused | None


class Trading:
    """One session of an account, over all its connections."""

    def __init__(
        self,
        account_id: int,
        session: str,
        *,
        cancel_on_disconnect: bool = False,
        resume_from: int | None = None,
        stale_after: float | None = None,
        keep_reports: bool = True,
        symbols: dict[int, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account_id, self.session = count(account_id, "account_id"), text(session, "session")
        self.cancel_on_disconnect = flag(cancel_on_disconnect, "cancel_on_disconnect")
        # Reports that nobody has taken yet.
        self.reports: deque[ExecutionReport] = deque()
        self.session_id = 0
        self.is_logged_on = False
        # Seconds between two messages of ours, at most.
        self.heartbeat = 1.0
        self.logged_off: str | None = None
        self._stale_after = stale_after
        self._clock = clock
        self._asked_at: dict[int, float] = {}
        self._keep_reports = keep_reports
        # Names of instruments as far as they are known; a session's reports have their numbers only.
        self._symbols = symbols if symbols is not None else {}
        # The next report that is wanted; 0 for new ones only, until the first logon says which that is.
        self._next_report = count(resume_from or 0, "resume_from", largest=LARGEST_LONG_ID)
        # The exchange's own account of what it had when we came back: reports below it are a replay.
        self._replay_below = 0
        self._last_number = 0
        # Entries that nothing answered yet, by number; and the next number to be sent, and to be given.
        self._open: dict[int, orders_pb2.TradeEntry] = {}
        self._to_send = 1
        self._next = 1
        self._batch = _BATCH
        self._not_before = 0.0
        self._sent_at = 0.0
        self._answers: dict[int, Answer] = {}

    @property
    def next_report_number(self) -> int:
        """The number of the report that comes next: where another process would resume."""
        return self._next_report

    @property
    def unanswered(self) -> int:
        """Entries that are still to be answered; quotes are not counted, which may have no answer."""
        return sum(not entry.HasField("quote") for entry in self._open.values())

    # --- what is asked ---

    def place(self, order: NewOrder) -> int:
        """Adds an order; returns its entry's number."""
        message = instance(order, NewOrder, "order").message()
        client_order_id = text(order.client_order_id or "", "client_order_id")
        return self._add(orders_pb2.TradeEntry(client_order_id=client_order_id, place=message))

    def cancel(self, order: OrderId) -> int:
        return self._add(orders_pb2.TradeEntry(cancel=requests.order_name(order)))

    def amend(
        self,
        order: OrderId,
        *,
        price: Number | None = None,
        quantity: Number | None = None,
        trigger_price: Number | None = None,
    ) -> int:
        return self._add(orders_pb2.TradeEntry(amend=requests.amendment(order, price, quantity, trigger_price)))

    def reduce(self, order: OrderId, by_quantity: Number) -> int:
        by = lots(by_quantity, "by_quantity", least=1)
        return self._add(orders_pb2.TradeEntry(reduce=orders_pb2.Reduction(order=requests.order_name(order), by_quantity=by)))

    def mass_cancel(self, symbol: str | int | None = None, *, product: str | None = None, side: Side | str | None = None) -> int:
        return self._add(orders_pb2.TradeEntry(mass_cancel=requests.mass_cancel(symbol, product, side)))

    def quote(
        self,
        quotes: Quote | Sequence[Quote],
        *,
        post_only: bool = False,
        self_trade_prevention: SelfTradePrevention | str | None = None,
    ) -> int:
        return self._add(orders_pb2.TradeEntry(quote=requests.quote_set(quotes, post_only, self_trade_prevention)))

    def _add(self, entry: orders_pb2.TradeEntry) -> int:
        entry.number = self._next
        self._open[entry.number] = entry
        if self._stale_after is not None:
            self._asked_at[entry.number] = self._clock()
        self._next += 1
        return entry.number

    # --- what is sent ---

    def logon(self) -> orders_pb2.TradeRequest:
        """The first message of a connection."""
        logon = orders_pb2.Logon(
            account_id=self.account_id,
            session=self.session,
            cancel_on_disconnect=self.cancel_on_disconnect,
            resume_from_number=self._next_report,
        )
        return orders_pb2.TradeRequest(logon=logon)

    def lost(self) -> None:
        """The connection is gone."""
        self.is_logged_on = False

    def due(self, now: float) -> orders_pb2.TradeRequest | None:
        """What is to be sent now, if anything."""
        if not self.is_logged_on:
            return None
        request = None
        if self._to_send < self._next and now >= self._not_before:
            end = min(self._next, self._to_send + self._batch)
            # An entry is answered already where its number was throttled behind one that was not.
            entries = [self._open[number] for number in range(self._to_send, end) if number in self._open]
            self._to_send = end
            if entries:
                request = orders_pb2.TradeRequest(batch=orders_pb2.TradeBatch(entries=entries))
        if request is None and now >= self._sent_at + self.heartbeat:
            request = orders_pb2.TradeRequest(heartbeat=orders_pb2.ClientHeartbeat())
        if request is not None:
            self._sent_at = now
        return request

    @property
    def may_leave(self) -> bool:
        """Whether all is sent and answered."""
        is_sent = self.is_logged_on and self._to_send >= self._next
        return is_sent and not self.unanswered

    def pause(self, now: float) -> float:
        """Seconds until `due` has something, unless something is added or comes first."""
        until = self._sent_at + self.heartbeat
        if self._to_send < self._next:
            until = min(until, self._not_before)
        return max(0.0, until - now)

    # --- what comes ---

    def take(self, response: orders_pb2.TradeResponse, now: float) -> None:
        """Takes in what the exchange says."""
        match response.WhichOneof("message"):
            case "logged_on":
                self._logged_on(response.logged_on, now)
            case "reports":
                for report in response.reports.reports:
                    self._reported(report)
            case "throttled":
                self._not_before = now + response.throttled.retry_after.ToTimedelta().total_seconds()
                self._to_send = min(self._to_send, response.throttled.first_refused_number)
            case "entry_refused":
                self._refused(response.entry_refused)
            case "logged_off":
                self.logged_off = response.logged_off.reason

    def _logged_on(self, said: orders_pb2.LoggedOn, now: float) -> None:
        self.session_id = said.session_id
        self._last_number = said.last_number
        if self._next_report == 0:
            self._next_report = said.next_report_number
        if self._next == 1:
            # The name's numbers live on from another process.
            self._next = said.last_number + 1
        self._to_send = said.last_number + 1
        self._replay_below = said.next_report_number
        # Half of it, so that one that is late by a little is still in time.
        self.heartbeat = said.heartbeat_interval.ToTimedelta().total_seconds() / 2
        self._not_before, self._sent_at = 0.0, now
        self.is_logged_on = True
        self._close_unreported()
        self._drop_stale(now)

    def _reported(self, report: types_pb2.ExecutionReport) -> None:
        if report.number < self._next_report:
            return
        if report.number > self._next_report:
            raise HourbookError(f"report {report.number} came where {self._next_report} was due")
        self._next_report += 1
        number = report.request_number if report.session_id == self.session_id else 0
        entry = self._open.get(number)
        if entry is not None and entry.place.symbol and report.instrument_id:
            self._symbols[report.instrument_id] = entry.place.symbol
        report.symbol = report.symbol or self._symbols.get(report.instrument_id, "")
        told = ExecutionReport.of(report)
        if self._keep_reports:
            self.reports.append(told)
        # Entries are sequenced in their order: those before it have no report to come.
        while self._open and (first := next(iter(self._open))) < number:
            self._close(first)
        # A mass cancel is answered once all its cancels are told.
        if entry is not None and not (entry.HasField("mass_cancel") and told.kind is ReportKind.CANCELLED):
            self._answer(number, None if entry.HasField("quote") else told)
        self._close_unreported()

    def _close_unreported(self) -> None:
        """Once all is told that was there when we came back, an entry that the exchange has seen gets no report any more."""
        if self._next_report >= self._replay_below:
            while self._open and (first := next(iter(self._open))) <= self._last_number:
                self._close(first)

    def _drop_stale(self, now: float) -> None:
        """What the exchange has not seen, and was asked too long ago, is not sent any more; cancels are always right."""
        if self._stale_after is None:
            return
        for number, entry in list(self._open.items()):
            cancels = entry.WhichOneof("request") in ("cancel", "mass_cancel", "reduce")
            waited = now - self._asked_at[number]
            if number > self._last_number and waited > self._stale_after and not cancels:
                self._answer(number, EntryRefused(number, f"is stale: it was not sequenced for {waited:.1f} s"))

    def _close(self, number: int) -> None:
        quote = self._open[number].HasField("quote")
        self._answer(number, None if quote else EntryRefused(number, "was not sequenced"))

    def _refused(self, said: orders_pb2.EntryRefused) -> None:
        if said.field == "batch.entries":
            # None of them was sequenced: smaller ones, from there.
            self._batch = max(1, self._batch // 2)
            self._to_send = min(self._to_send, said.number)
        else:
            self._answer(said.number, EntryRefused(said.number, said.description, said.field or None))

    def _answer(self, number: int, answer: Answer) -> None:
        if self._open.pop(number, None) is not None:
            self._asked_at.pop(number, None)
            self._answers[number] = answer
            if len(self._answers) > _ANSWERS:
                del self._answers[next(iter(self._answers))]

    # --- what became of it ---

    def has_answer(self, number: int) -> bool:
        """Whether nothing more is to be waited for: there is an answer, or it was told before."""
        return number not in self._open and number < self._next

    def answer(self, number: int) -> ExecutionReport:
        """The first report of an entry, told once.

        Raises the market's refusal, or EntryRefused where the entry was not sequenced.
        """
        answer = self.answer_to_quotes(number)
        if answer is None:
            raise HourbookError(f"entry {number} is of quotes, which have no report of their own: wait_quotes")
        if answer.kind in _REFUSALS:
            raise refusal(answer)
        return answer

    def answer_to_quotes(self, number: int) -> ExecutionReport | None:
        """Takes note that an entry is answered. Raises EntryRefused where it was not sequenced."""
        if number not in self._answers:
            raise HourbookError(f"what became of entry {number} was told before, or so long ago that it is not remembered")
        answer = self._answers.pop(number)
        if isinstance(answer, EntryRefused):
            raise answer
        return answer


class SessionVerbs(ABC):
    """What may be asked in a session, sync or async: each adds an entry and returns its number at once.

    `wait` tells what became of an entry, `wait_quotes` that quotes have come to pass; `reports` has everything of the account.
    """

    _trading: Trading

    @abstractmethod
    def _ask(self, add: Callable[[], int]) -> int:
        """Adds an entry and sees to it that it is sent."""

    @property
    def session_id(self) -> int:
        """The exchange's number of the session."""
        return self._trading.session_id

    @property
    def next_report_number(self) -> int:
        """The number of the report that comes next: where another process would resume."""
        return self._trading.next_report_number

    def create_order(
        self,
        symbol: str | int,
        type: OrderType | str,
        side: Side | str,
        amount: Number,
        price: Number | None = None,
        *,
        time_in_force: TimeInForce | str | None = None,
        expire_time: Moment | None = None,
        budget: Number | None = None,
        trigger_price: Number | None = None,
        display_quantity: Number | None = None,
        minimum_quantity: Number | None = None,
        post_only: bool = False,
        self_trade_prevention: SelfTradePrevention | str | None = None,
        client_order_id: str | None = None,
    ) -> int:
        """Places an order."""
        return self.submit_order(
            NewOrder(
                symbol=symbol,
                order_type=type,
                side=side,
                quantity=amount,
                price=price,
                time_in_force=time_in_force,
                expire_time=expire_time,
                budget=budget,
                trigger_price=trigger_price,
                display_quantity=display_quantity,
                minimum_quantity=minimum_quantity,
                post_only=post_only,
                self_trade_prevention=self_trade_prevention,
                client_order_id=client_order_id,
            )
        )

    def submit_order(self, order: NewOrder) -> int:
        """Places an order."""
        return self._ask(lambda: self._trading.place(order))

    def cancel_order(self, id: OrderId) -> int:
        """Cancels an order."""
        return self._ask(lambda: self._trading.cancel(id))

    def edit_order(
        self,
        id: OrderId,
        *,
        amount: Number | None = None,
        price: Number | None = None,
        trigger_price: Number | None = None,
    ) -> int:
        """Amends an order: what is left out stays. `amount` is the whole order quantity, what is filled included."""
        return self._ask(lambda: self._trading.amend(id, price=price, quantity=amount, trigger_price=trigger_price))

    def reduce_order(self, id: OrderId, by: Number) -> int:
        """Takes lots off an order, which keeps its place."""
        return self._ask(lambda: self._trading.reduce(id, by))

    def cancel_all_orders(
        self, symbol: str | int | None = None, *, product: str | None = None, side: Side | str | None = None
    ) -> int:
        """Cancels all orders of the account, or of an instrument, a product, a side."""
        return self._ask(lambda: self._trading.mass_cancel(symbol, product=product, side=side))

    def quote(
        self,
        quotes: Quote | Sequence[Quote],
        *,
        post_only: bool = False,
        self_trade_prevention: SelfTradePrevention | str | None = None,
    ) -> int:
        """Replaces the account's quotes on these instruments. Each side that changes has a report; one that stays has none."""
        return self._ask(lambda: self._trading.quote(quotes, post_only=post_only, self_trade_prevention=self_trade_prevention))
