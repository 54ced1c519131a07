"""The sync client; made by generate.py out of aio.py.

Every call of the contract, under names that users of ccxt and alpaca-py know.

Prices are in the currency per unit-hour, amounts of an order in lots; both go in as Decimal, int or text and come out as Decimal.
Calls that change something carry an id, made here unless given, and are sent again under it when nobody knows what became of
them: nothing is done twice. The market's refusals are raised, one class for each reason (`hourbook.refusals`).
"""

import logging
import time
from collections.abc import Iterator, Callable, Iterable, Sequence
from typing import Protocol, Self, TypeVar

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hourbook import requests
from hourbook._calls import Attempts
from hourbook._proto import (
    accounts_pb2,
    admin_pb2,
    instruments_pb2,
    market_data_pb2,
    orders_pb2,
    pricing_pb2,
)
from hourbook._wire import Session, Wire
from hourbook.answers import Done, IssuedKey, OrderResult, QuotesResult, Rows, Ticker, order_result
from hourbook.books import BookView
from hourbook.enums import (
    CandleInterval,
    InstrumentStatus,
    MarketDataView,
    OrderType,
    RejectReason,
    ReportKind,
    Role,
    SelfTradePrevention,
    Side,
    SlowReader,
    TimeInForce,
)
from hourbook.errors import BookDiffers, HourbookError, NotExact, OutOfRange, Refused
from hourbook.exact import LARGEST_LONG_ID, Moment, Number, count, flag, instance, lots, micros, seconds, several, text, timestamp
from hourbook.feed import Feed, MarketUpdate, Recorder
from hourbook.models import (
    Account,
    Balance,
    Book,
    Candle,
    Candles,
    CapacityRange,
    Contract,
    CurvePoint,
    ExecutionReport,
    Explanation,
    Hold,
    IndexHour,
    IndicativeUncross,
    Instrument,
    InstrumentStatusChange,
    Key,
    LedgerEntry,
    MarketTrade,
    Order,
    Participant,
    PastTrade,
    Position,
    PriceQuote,
    Product,
    Rating,
    Statistics,
    Status,
    TopOfBook,
)
from hourbook.refusals import BY_REASON
from hourbook.requests import NewOrder, Observation, OrderId, PriceRequest, Quote
from hourbook.trading import Trading

log = logging.getLogger("hourbook")

T = TypeVar("T")
A = TypeVar("A", bound=Message)

# What the exchange gives in one page at most.
_PAGE = 1_000
# What the wire's limits hold.
_MOST = (1 << 31) - 1
# A report number that was not given yet: the answer names the one that is next.
_FAR = 1 << 62


class Client:
    """An exchange, as one key sees it.

    - `address`: host and port; `https://` before it, or `tls`, encrypts
    - `key`: an API key; without one, nothing but a refusal comes back
    - `account_id`: the account that calls are about, unless they name one; found out where the key has only one
    - `timeout`: seconds that one attempt may take
    - `patience`: seconds for which a call or a stream that fails is tried again
    - `root_certificates`: whom to trust instead of the system's authorities, PEM
    - `cancel_on_exit`: as a context manager, cancel all orders of the account on the way out; where that fails it is raised,
      or logged where the program is on its way out with an exception of its own

    Everywhere: a value of the wrong type, or one that cannot be meant, raises NotExact with its `field` before anything is sent.
    A time is a datetime with a time zone, or a whole number of milliseconds since 1970.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:7070",
        key: str = "",
        *,
        account_id: int | None = None,
        timeout: float = 5.0,
        patience: float = 30.0,
        cancel_on_exit: bool = False,
        tls: bool = False,
        root_certificates: bytes | None = None,
    ) -> None:
        self._wire = Wire(
            address,
            key,
            timeout=seconds(timeout, "timeout"),
            patience=seconds(patience, "patience", or_none=True),
            tls=tls,
            root_certificates=root_certificates,
        )
        self._account_id = None if account_id is None else count(account_id, "account_id")
        self._cancel_on_exit = cancel_on_exit
        # Symbols of instruments by their numbers, as far as they were told.
        self._symbols: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._cancel_on_exit:
                self.cancel_all_orders()
        except Exception as failed:
            # What the program itself raised says more.
            if kind is None:
                raise
            log.error("orders may be left, the cancel on the way out failed: %s", failed)
        finally:
            self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._wire.close()

    # --- orders ---

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
        account_id: int | None = None,
    ) -> OrderResult:
        """Places an order. Raises the market's refusal."""
        order = NewOrder(
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
        return self.submit_order(order, account_id=account_id)

    def submit_order(self, order: NewOrder, *, account_id: int | None = None) -> OrderResult:
        """Places an order. Raises the market's refusal."""
        message = instance(order, NewOrder, "order").message()
        request_id = requests.own_id(order.client_order_id, "client_order_id")
        request = orders_pb2.PlaceOrderRequest(
            account_id=self._account(account_id), client_order_id=request_id, order=message
        )
        answer = self._wire.call(request, orders_pb2.PlaceOrderResponse, request_id=request_id)
        return order_result(answer.report, answer.fills, answer.repeated)

    def create_limit_order(self, symbol: str | int, side: Side | str, amount: Number, price: Number) -> OrderResult:
        """Places a limit order that waits until gate closure."""
        return self.create_order(symbol, OrderType.LIMIT, side, amount, price)

    def create_market_order(self, symbol: str | int, side: Side | str, amount: Number) -> OrderResult:
        """Places a market order: trades at once within the band, and the rest is cancelled."""
        return self.create_order(symbol, OrderType.MARKET, side, amount)

    def cancel_order(self, id: OrderId, *, request_id: str | None = None, account_id: int | None = None) -> OrderResult:
        """Cancels an order: a number is the exchange's id, a text the client's own."""
        request_id = requests.own_id(request_id)
        request = orders_pb2.CancelOrderRequest(
            account_id=self._account(account_id), request_id=request_id, order=requests.order_name(id)
        )
        answer = self._wire.call(request, orders_pb2.CancelOrderResponse, request_id=request_id)
        return order_result(answer.report, (), answer.repeated)

    def edit_order(
        self,
        id: OrderId,
        *,
        amount: Number | None = None,
        price: Number | None = None,
        trigger_price: Number | None = None,
        request_id: str | None = None,
        account_id: int | None = None,
    ) -> OrderResult:
        """Amends an order in one step: what is left out stays. `amount` is the whole order quantity, what is filled included."""
        request_id = requests.own_id(request_id)
        request = orders_pb2.AmendOrderRequest(
            amendment=requests.amendment(id, price, amount, trigger_price),
            account_id=self._account(account_id),
            request_id=request_id,
        )
        answer = self._wire.call(request, orders_pb2.AmendOrderResponse, request_id=request_id)
        return order_result(answer.report, answer.fills, answer.repeated)

    def reduce_order(
        self, id: OrderId, by: Number, *, request_id: str | None = None, account_id: int | None = None
    ) -> OrderResult:
        """Takes lots off an order, which keeps its place in the queue."""
        request_id = requests.own_id(request_id)
        request = orders_pb2.ReduceOrderRequest(
            order=requests.order_name(id),
            by_quantity=lots(by, "by_quantity", least=1),
            account_id=self._account(account_id),
            request_id=request_id,
        )
        answer = self._wire.call(request, orders_pb2.ReduceOrderResponse, request_id=request_id)
        return order_result(answer.report, (), answer.repeated)

    def cancel_all_orders(
        self,
        symbol: str | int | None = None,
        *,
        product: str | None = None,
        side: Side | str | None = None,
        request_id: str | None = None,
        account_id: int | None = None,
    ) -> int:
        """Cancels all orders of the account, or of an instrument, a product, a side; returns how many that were."""
        request_id = requests.own_id(request_id)
        request = orders_pb2.MassCancelRequest(
            scope=requests.mass_cancel(symbol, product, side),
            account_id=self._account(account_id),
            request_id=request_id,
        )
        answer = self._wire.call(request, orders_pb2.MassCancelResponse, request_id=request_id)
        if answer.reject_reason:
            raise BY_REASON.get(RejectReason(answer.reject_reason), Refused)()
        return answer.cancelled_count

    def quote(
        self,
        quotes: Quote | Sequence[Quote],
        *,
        post_only: bool = False,
        self_trade_prevention: SelfTradePrevention | str | None = None,
        request_id: str | None = None,
        account_id: int | None = None,
    ) -> QuotesResult:
        """Replaces the account's quotes on these instruments, 1 to 1,000; one may be given alone."""
        request_id = requests.own_id(request_id)
        request = orders_pb2.MassQuoteRequest(
            quotes=requests.quote_set(quotes, post_only, self_trade_prevention),
            account_id=self._account(account_id),
            request_id=request_id,
        )
        answer = self._wire.call(request, orders_pb2.MassQuoteResponse, request_id=request_id)
        reports = tuple(ExecutionReport.of(report) for report in answer.reports)
        return QuotesResult(answer.standing_count, reports, answer.repeated)

    def fetch_order(self, id: OrderId, *, account_id: int | None = None) -> Order:
        """One order, live or over."""
        request = orders_pb2.GetOrderRequest(account_id=self._account(account_id), order=requests.order_name(id))
        return Order.of((self._wire.call(request, orders_pb2.GetOrderResponse)).order)

    def fetch_open_orders(
        self, symbol: str | int | None = None, *, limit: int | None = None, account_id: int | None = None
    ) -> Rows[Order]:
        """Live orders, in arrival order; all, or those of an instrument, of which the account's others are read too."""
        return self._orders(False, symbol, limit, account_id)

    def fetch_closed_orders(
        self, symbol: str | int | None = None, *, limit: int | None = None, account_id: int | None = None
    ) -> Rows[Order]:
        """Orders that are over, newest first; all, or those of an instrument, of which the account's others are read too."""
        return self._orders(True, symbol, limit, account_id)

    def _orders(self, closed: bool, symbol: str | int | None, limit: int | None, account_id: int | None) -> Rows[Order]:
        is_meant = requests.about(symbol)
        request = orders_pb2.ListOrdersRequest(account_id=self._account(account_id), closed=closed)
        return self._pages(
            request,
            orders_pb2.ListOrdersResponse,
            Order,
            lambda page: [order for order in map(Order.of, page.orders) if is_meant(order.report)],
            limit,
            is_filtered=symbol is not None,
        )

    def fetch_my_trades(
        self, symbol: str | int | None = None, *, limit: int | None = None, account_id: int | None = None
    ) -> Rows[ExecutionReport]:
        """The account's fills, oldest first, all or those of an instrument; of each, `fill` has price, lots and fee."""
        is_meant = requests.about(symbol)
        request = orders_pb2.ListFillsRequest(account_id=self._account(account_id))
        return self._pages(
            request,
            orders_pb2.ListFillsResponse,
            ExecutionReport,
            lambda page: [report for report in map(ExecutionReport.of, page.fills) if is_meant(report)],
            limit,
            is_filtered=symbol is not None,
        )

    def watch_orders(
        self, from_number: int | None = None, *, account_id: int | None = None
    ) -> Iterator[ExecutionReport]:
        """The account's reports as they come, from a number on or from now; goes on where it was after a lost connection."""
        account_id = self._account(account_id)
        if from_number is None:
            from_number = self._next_report(account_id)
        from_number = count(from_number, "from_number", largest=LARGEST_LONG_ID)
        attempts = Attempts(self._wire.patience, stream=True)
        while True:
            request = orders_pb2.StreamExecutionsRequest(account_id=account_id, from_number=from_number)
            try:
                for answer in self._wire.stream(request, orders_pb2.StreamExecutionsResponse):
                    attempts.worked()
                    for report in answer.reports:
                        if report.number != from_number:
                            raise HourbookError(f"report {report.number} came where {from_number} was due")
                        from_number += 1
                        report.symbol = report.symbol or self._symbols.get(report.instrument_id, "")
                        yield ExecutionReport.of(report)
                return
            except HourbookError as error:
                self._wire.sleep(attempts.pause(error, time.monotonic()))

    def _next_report(self, account_id: int) -> int:
        """The number that the account's next report will have, so that none after this is missed."""
        request = orders_pb2.StreamExecutionsRequest(account_id=account_id, from_number=_FAR)
        attempts = Attempts(self._wire.patience, stream=True)
        while True:
            try:
                for _ in self._wire.stream(request, orders_pb2.StreamExecutionsResponse):
                    break
            except OutOfRange as told:
                return told.number
            except HourbookError as error:
                self._wire.sleep(attempts.pause(error, time.monotonic()))

    def watch_my_trades(
        self, from_number: int | None = None, *, account_id: int | None = None
    ) -> Iterator[ExecutionReport]:
        """The account's fills as they come, from a report's number on or from now."""
        for report in self.watch_orders(from_number, account_id=account_id):
            if report.kind is ReportKind.FILLED:
                yield report

    def session(
        self,
        name: str,
        *,
        cancel_on_disconnect: bool = False,
        resume_from: int | None = None,
        stale_after: float | None = None,
        keep_reports: bool = True,
        account_id: int | None = None,
    ) -> Session:
        """Logs a `Trade` session on: for programs that send many orders.

        - `resume_from`: the first report wanted, 1 for all; new ones only where there is none
        - `stale_after`: seconds after which an entry that a lost connection kept from the exchange is not sent any more but
          refused here (EntryRefused); cancels are always sent. Without it every entry is sent, however late
        - `keep_reports`: keep reports until `reports` takes them; who only uses `wait` needs none
        """
        trading = Trading(
            self._account(account_id),
            name,
            cancel_on_disconnect=cancel_on_disconnect,
            resume_from=resume_from,
            stale_after=None if stale_after is None else seconds(stale_after, "stale_after", or_none=True),
            keep_reports=keep_reports,
            symbols=self._symbols,
        )
        return Session.open(self._wire, trading)

    # --- market data ---

    def fetch_order_book(self, symbol: str | int, limit: int | None = None, *, orders: bool = False) -> Book:
        """The book of an instrument, `limit` levels a side, ten without; with `orders`, orders too (at most 1,000 a side)."""
        depth = 10 if limit is None else count(limit, "limit", largest=_MOST)
        request = market_data_pb2.GetBookRequest(depth=depth, orders=flag(orders, "orders"))
        requests.name_instrument(request, symbol)
        return Book.of(self._wire.call(request, market_data_pb2.GetBookResponse))

    def fetch_ticker(self, symbol: str | int) -> Ticker:
        """Best bid and best ask, the last trade, and what the UTC day's trades add up to; by two calls."""
        book = self.fetch_order_book(symbol, 1)
        day = book.time.replace(hour=0, minute=0, second=0, microsecond=0)
        candles = self.candles(book.symbol, CandleInterval.DAY, since=day, limit=1)
        return Ticker.of(book, day, candles[0] if candles else None)

    def subscribe(
        self,
        symbols: str | Iterable[str] = (),
        views: MarketDataView | str | Iterable[MarketDataView | str] = (MarketDataView.LEVELS,),
        *,
        patterns: str | Iterable[str] = (),
        candle_intervals: CandleInterval | str | Iterable[CandleInterval | str] = (),
        slow_reader: SlowReader | str = SlowReader.CLOSE,
        recorder: Recorder | None = None,
    ) -> "Subscription":
        """Views of instruments, by symbol or by a pattern such as `GP.CNNX.*`: of each a snapshot, then every change.

        Symbols, views, patterns and intervals may be one or several. Iterate over what it returns. It keeps the books of the
        views asked for, checks them, and goes on where it was after a lost connection. A `recorder` writes what comes to a file.
        """
        feed = Feed(symbols, patterns, views, candle_intervals, slow_reader)
        return Subscription(self._wire, feed, self._symbols, recorder)

    def trades(
        self,
        symbol: str,
        since: Moment | None = None,
        limit: int | None = None,
        *,
        until: Moment | None = None,
    ) -> Rows[PastTrade]:
        """Trades of an instrument, oldest first, as far back as history reaches; also of one that is listed no more.

        - `since`, `until`: trades from this time on, and before this time
        """
        request = market_data_pb2.ListTradesRequest(symbol=text(symbol, "symbol"))
        _period(request, since, until)
        return self._pages(
            request,
            market_data_pb2.ListTradesResponse,
            PastTrade,
            lambda page: [PastTrade.of(each) for each in page.trades],
            limit,
        )

    fetch_trades = trades

    def candles(
        self,
        symbol: str,
        timeframe: CandleInterval | str = CandleInterval.MINUTE,
        since: Moment | None = None,
        limit: int | None = None,
        *,
        until: Moment | None = None,
    ) -> Rows[Candle]:
        """Candles of an instrument, oldest first, as far back as history reaches; also of one that is listed no more.

        - `timeframe`: an interval, or its name in ccxt: `1s`, `1m`, `5m`, `15m`, `1h`, `1d`
        - `since`, `until`: candles that begin at this time or later, and before this time
        """
        interval = requests.candle_interval(timeframe, "interval")
        request = market_data_pb2.ListCandlesRequest(symbol=text(symbol, "symbol"), interval=int(interval))  # type: ignore[arg-type]
        _period(request, since, until)
        return self._pages(
            request,
            market_data_pb2.ListCandlesResponse,
            Candle,
            lambda page: [Candle.of(each) for each in page.candles],
            limit,
        )

    fetch_ohlcv = candles

    def fetch_index(self, product: str, since: Moment, until: Moment, *, limit: int | None = None) -> Rows[IndexHour]:
        """The index of a product by hour of delivery, oldest first: the mean price of the trades in each hour's instrument."""
        request = market_data_pb2.ListIndexRequest(product=text(product, "product"))
        _period(request, since, until)
        return self._pages(
            request,
            market_data_pb2.ListIndexResponse,
            IndexHour,
            lambda page: [IndexHour.of(each) for each in page.hours],
            limit,
        )

    def fetch_forward_curve(self, product: str, *, limit: int | None = None) -> Rows[CurvePoint]:
        """The forward curve of a product: a price for each listed period, hours first, then days, weeks and months."""
        return self._pages(
            market_data_pb2.GetForwardCurveRequest(product=text(product, "product")),
            market_data_pb2.GetForwardCurveResponse,
            CurvePoint,
            lambda page: [CurvePoint.of(each) for each in page.points],
            limit,
        )

    def watch_order_book(self, symbol: str, limit: int | None = None) -> Iterator[BookView]:
        """The book of an instrument at each change, kept here and checked."""
        subscription = self.subscribe(symbol, [MarketDataView.LEVELS])
        try:
            for update in subscription:
                book = subscription.feed.level_books[update.symbol]
                if book.is_whole:
                    yield book.view(limit)
        finally:
            subscription.close()

    def watch_ticker(self, symbol: str) -> Iterator[TopOfBook]:
        """Best bid and best ask at each change; `fetch_ticker` tells more, once."""
        subscription = self.subscribe(symbol, [MarketDataView.TOP])
        try:
            for update in subscription:
                if isinstance(update.content, TopOfBook):
                    yield update.content
        finally:
            subscription.close()

    def watch_trades(self, symbol: str) -> Iterator[MarketTrade]:
        """Each trade of an instrument from now on, once; what a restart kept from being told comes out of history."""
        subscription = self.subscribe(symbol, [MarketDataView.TRADES])
        heard: MarketUpdate | None = None
        try:
            for update in subscription:
                if update.snapshot and heard is not None and update.missed != 0:
                    for past in self.trades(symbol, since=heard.time):
                        if heard.sequence < past.sequence <= update.sequence:
                            yield MarketTrade(past.trade_id, past.price, past.quantity, past.taker_side)
                if isinstance(update.content, tuple):
                    for trade in update.content:
                        yield trade
                heard = update
        finally:
            subscription.close()

    def watch_indicative(self, symbol: str) -> Iterator[IndicativeUncross]:
        """In a call, the price and lots that an uncross would have."""
        subscription = self.subscribe(symbol, [MarketDataView.INDICATIVE])
        try:
            for update in subscription:
                if isinstance(update.content, IndicativeUncross):
                    yield update.content
        finally:
            subscription.close()

    def watch_statistics(self, symbol: str) -> Iterator[Statistics]:
        """The UTC day's open, high, low, last, volume and mean price at each trade."""
        subscription = self.subscribe(symbol, [MarketDataView.STATISTICS])
        try:
            for update in subscription:
                if isinstance(update.content, Statistics):
                    yield update.content
        finally:
            subscription.close()

    def watch_ohlcv(self, symbol: str, timeframe: CandleInterval | str = CandleInterval.MINUTE) -> Iterator[Candle]:
        """Candles: those that are kept, then the one that grew or began, at each trade. Intervals as in `candles`."""
        subscription = self.subscribe(symbol, [MarketDataView.CANDLES], candle_intervals=[timeframe])
        try:
            for update in subscription:
                if isinstance(update.content, Candles):
                    for candle in update.content.candles:
                        yield candle
        finally:
            subscription.close()

    # --- instruments ---

    def fetch_products(self, pattern: str = "", *, limit: int | None = None) -> Rows[Product]:
        """Products by symbol; a pattern such as `GP.*` or `*.CNNX.A` chooses."""
        request = instruments_pb2.ListProductsRequest(pattern=text(pattern, "pattern"))
        return self._pages(
            request,
            instruments_pb2.ListProductsResponse,
            Product,
            lambda page: [Product.of(each) for each in page.products],
            limit,
        )

    def fetch_product(self, symbol: str) -> Product:
        """One product."""
        request = instruments_pb2.GetProductRequest(symbol=text(symbol, "symbol"))
        return Product.of((self._wire.call(request, instruments_pb2.GetProductResponse)).product)

    def fetch_contract(self, product: str) -> Contract:
        """What one unit of a product carries, what its tier promises and when it is delivered: its text has all of it."""
        request = instruments_pb2.GetContractRequest(product=text(product, "product"))
        return Contract.of(self._wire.call(request, instruments_pb2.GetContractResponse))

    def fetch_markets(
        self,
        pattern: str = "",
        *,
        status: InstrumentStatus | str | None = None,
        limit: int | None = None,
    ) -> Rows[Instrument]:
        """Instruments by product, kind of period and start; a pattern such as `GP.CNNX.A.D*` chooses."""
        request = instruments_pb2.ListInstrumentsRequest(pattern=text(pattern, "pattern"))
        if status is not None:
            request.status = int(InstrumentStatus.of(status, "status"))  # type: ignore[assignment]
        found = self._pages(
            request,
            instruments_pb2.ListInstrumentsResponse,
            Instrument,
            lambda page: [Instrument.of(each) for each in page.instruments],
            limit,
        )
        self._symbols.update((each.instrument_id, each.symbol) for each in found)
        return found

    def fetch_market(self, symbol: str | int) -> Instrument:
        """One instrument."""
        request = instruments_pb2.GetInstrumentRequest()
        requests.name_instrument(request, symbol)
        found = Instrument.of((self._wire.call(request, instruments_pb2.GetInstrumentResponse)).instrument)
        self._symbols[found.instrument_id] = found.symbol
        return found

    def watch_status(self, pattern: str = "") -> Iterator[InstrumentStatusChange]:
        """How every instrument trades that matches, then each change of it and each new listing.

        After a lost connection, what changed meanwhile is told, and nothing else again.
        """
        known: dict[str, tuple[InstrumentStatus, int]] = {}
        attempts = Attempts(self._wire.patience, stream=True)
        request = instruments_pb2.StreamInstrumentStatusRequest(pattern=text(pattern, "pattern"))
        while True:
            try:
                for answer in self._wire.stream(request, instruments_pb2.StreamInstrumentStatusResponse):
                    attempts.worked()
                    for message in answer.changes:
                        change = InstrumentStatusChange.of(message)
                        if known.get(change.symbol) != (change.status, change.sequence):
                            known[change.symbol] = change.status, change.sequence
                            yield change
                return
            except HourbookError as error:
                self._wire.sleep(attempts.pause(error, time.monotonic()))

    # --- accounts ---

    def fetch_accounts(self, *, limit: int | None = None) -> Rows[Account]:
        """The accounts of the key's participant."""
        return self._pages(
            accounts_pb2.ListAccountsRequest(),
            accounts_pb2.ListAccountsResponse,
            Account,
            lambda page: [Account.of(each) for each in page.accounts],
            limit,
        )

    def fetch_balance(self, *, account_id: int | None = None) -> dict[str, Balance]:
        """Money by currency."""
        request = accounts_pb2.GetBalancesRequest(account_id=self._account(account_id))
        answer = self._wire.call(request, accounts_pb2.GetBalancesResponse)
        return {each.currency: Balance.of(each) for each in answer.balances}

    def fetch_holds(self, *, limit: int | None = None, account_id: int | None = None) -> Rows[Hold]:
        """What each live order holds, in arrival order."""
        return self._pages(
            accounts_pb2.ListHoldsRequest(account_id=self._account(account_id)),
            accounts_pb2.ListHoldsResponse,
            Hold,
            lambda page: [Hold.of(each) for each in page.holds],
            limit,
        )

    def fetch_positions(self, *, limit: int | None = None, account_id: int | None = None) -> Rows[Position]:
        """Positions by symbol."""
        return self._pages(
            accounts_pb2.ListPositionsRequest(account_id=self._account(account_id)),
            accounts_pb2.ListPositionsResponse,
            Position,
            lambda page: [Position.of(each) for each in page.positions],
            limit,
        )

    def fetch_capacity(self, product: str, *, account_id: int | None = None) -> Rows[CapacityRange]:
        """Hours of a product that the account may still sell, from now on."""
        request = accounts_pb2.ListCapacityRequest(account_id=self._account(account_id), product=text(product, "product"))
        answer = self._wire.call(request, accounts_pb2.ListCapacityResponse)
        return Rows(CapacityRange, (CapacityRange.of(each) for each in answer.ranges))

    def fetch_ledger(self, *, limit: int | None = None, account_id: int | None = None) -> Rows[LedgerEntry]:
        """The account's ledger, oldest first."""
        return self._pages(
            accounts_pb2.ListLedgerEntriesRequest(account_id=self._account(account_id)),
            accounts_pb2.ListLedgerEntriesResponse,
            LedgerEntry,
            lambda page: [LedgerEntry.of(each) for each in page.entries],
            limit,
        )

    # --- pricing ---

    def fetch_quote(self, what: PriceRequest | str) -> PriceQuote:
        """The fair price of a unit-hour, with its interval, and two sides about it; a text is a product or an instrument."""
        request = _price_request(what).message()
        return PriceQuote.of((self._wire.call(request, pricing_pb2.QuoteResponse)).quote)

    def explain_quote(self, what: PriceRequest | str) -> Explanation:
        """The terms that make up a price and its quote."""
        request = pricing_pb2.ExplainRequest(quote=_price_request(what).message())
        return Explanation.of(self._wire.call(request, pricing_pb2.ExplainResponse))

    def explain_score(self, provider_id: int, class_: str) -> Explanation:
        """The attributes that make up the score of a provider's service in a class."""
        service = pricing_pb2.Service(provider_id=count(provider_id, "provider_id"), **{"class": text(class_, "class")})
        answer = self._wire.call(pricing_pb2.ExplainRequest(service=service), pricing_pb2.ExplainResponse)
        return Explanation.of(answer)

    def fetch_rating(self, provider_id: int, class_: str) -> Rating:
        """What a provider's service in a class is rated."""
        request = pricing_pb2.GetRatingRequest(provider_id=count(provider_id, "provider_id"), **{"class": text(class_, "class")})
        return Rating.of((self._wire.call(request, pricing_pb2.GetRatingResponse)).rating)

    def fetch_ratings(self, provider_id: int | None = None, *, limit: int | None = None) -> Rows[Rating]:
        """Every rating, or those of one provider, by provider and class."""
        return self._pages(
            pricing_pb2.ListRatingsRequest(provider_id=count(provider_id or 0, "provider_id")),
            pricing_pb2.ListRatingsResponse,
            Rating,
            lambda page: [Rating.of(each) for each in page.ratings],
            limit,
        )

    def submit_observations(
        self, provider_id: int, class_: str, observations: Sequence[Observation], *, request_id: str | None = None
    ) -> Done:
        """Hands measurements of a provider's service in: all of them, or none. `number` says how many."""
        request_id = requests.own_id(request_id)
        request = pricing_pb2.SubmitObservationsRequest(
            request_id=request_id,
            provider_id=count(provider_id, "provider_id"),
            observations=[instance(each, Observation, "observations").message() for each in several(observations)],
            **{"class": text(class_, "class")},
        )
        answer = self._wire.call(request, pricing_pb2.SubmitObservationsResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.observation_count)

    def watch_quotes(self, *what: PriceRequest | str) -> Iterator[PriceQuote]:
        """Quotes now, and again whenever they move."""
        request = pricing_pb2.StreamQuotesRequest(quotes=[_price_request(each).message() for each in what])
        attempts = Attempts(self._wire.patience, stream=True)
        while True:
            try:
                for answer in self._wire.stream(request, pricing_pb2.StreamQuotesResponse):
                    attempts.worked()
                    for quote in answer.quotes:
                        yield PriceQuote.of(quote)
                return
            except HourbookError as error:
                self._wire.sleep(attempts.pause(error, time.monotonic()))

    # --- what operators do ---

    def create_participant(self, name: str, *, request_id: str | None = None) -> Done:
        """Registers a participant; `number` is its id."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.CreateParticipantRequest(request_id=request_id, name=text(name, "name"))
        answer = self._wire.call(request, admin_pb2.CreateParticipantResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.participant_id)

    def create_account(self, participant_id: int, name: str, *, request_id: str | None = None) -> Done:
        """Opens an account of a participant; `number` is its id."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.CreateAccountRequest(
            request_id=request_id, participant_id=count(participant_id, "participant_id"), name=text(name, "name")
        )
        answer = self._wire.call(request, admin_pb2.CreateAccountResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.account_id)

    def issue_key(
        self,
        participant_id: int,
        role: Role | str,
        *,
        account_id: int | None = None,
        label: str = "",
        request_id: str | None = None,
    ) -> IssuedKey:
        """Makes a key. It is told once: where the answer was lost, revoke the key (`fetch_keys`) and make another."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.IssueKeyRequest(
            request_id=request_id,
            participant_id=count(participant_id, "participant_id"),
            account_id=count(account_id or 0, "account_id"),
            role=int(Role.of(role, "role")),  # type: ignore[arg-type]
            label=text(label, "label"),
        )
        answer = self._wire.call(request, admin_pb2.IssueKeyResponse, again=False, request_id=request_id)
        return IssuedKey(answer.key_id, answer.key)

    def revoke_key(self, key_id: int, *, request_id: str | None = None) -> Done:
        """Ends a key, and its sessions with it."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.RevokeKeyRequest(request_id=request_id, key_id=count(key_id, "key_id"))
        answer = self._wire.call(request, admin_pb2.RevokeKeyResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def deposit(
        self, account_id: int, currency: str, amount: Number, *, reference: str = "", request_id: str | None = None
    ) -> Done:
        """Books money that came in; `number` is the ledger entry."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.DepositRequest(
            request_id=request_id,
            account_id=count(account_id, "account_id"),
            currency=text(currency, "currency"),
            amount_micros=micros(amount, "amount", least=1),
            reference=text(reference, "reference"),
        )
        answer = self._wire.call(request, admin_pb2.DepositResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.entry_id)

    def withdraw(
        self, account_id: int, currency: str, amount: Number, *, reference: str = "", request_id: str | None = None
    ) -> Done:
        """Books money that went out; `number` is the ledger entry."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.WithdrawRequest(
            request_id=request_id,
            account_id=count(account_id, "account_id"),
            currency=text(currency, "currency"),
            amount_micros=micros(amount, "amount", least=1),
            reference=text(reference, "reference"),
        )
        answer = self._wire.call(request, admin_pb2.WithdrawResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.entry_id)

    def declare_capacity(
        self,
        account_id: int,
        product: str,
        start_time: Moment,
        hours: int,
        quantity: Number,
        attestation: str,
        *,
        request_id: str | None = None,
    ) -> Done:
        """Sets what an account may sell of a product in each hour of a range."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.DeclareCapacityRequest(
            request_id=request_id,
            account_id=count(account_id, "account_id"),
            product=text(product, "product"),
            start_time=timestamp(start_time, "start_time"),
            hours=count(hours, "hours"),
            quantity=lots(quantity, "quantity", least=0),
            attestation=text(attestation, "attestation"),
        )
        answer = self._wire.call(request, admin_pb2.DeclareCapacityResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def set_limits(
        self, account_id: int, *, commands_per_second: int, open_order_limit: int, request_id: str | None = None
    ) -> Done:
        """Sets what an account may do at most."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.SetLimitsRequest(
            request_id=request_id,
            account_id=count(account_id, "account_id"),
            commands_per_second=count(commands_per_second, "commands_per_second"),
            open_order_limit=count(open_order_limit, "open_order_limit"),
        )
        answer = self._wire.call(request, admin_pb2.SetLimitsResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def set_credit(
        self,
        account_id: int,
        currency: str,
        credit: Number = 0,
        *,
        unlimited: bool = False,
        request_id: str | None = None,
    ) -> Done:
        """Sets how far an account's cash may go below zero."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.SetCreditRequest(
            request_id=request_id,
            account_id=count(account_id, "account_id"),
            currency=text(currency, "currency"),
            credit_micros=micros(credit, "credit", least=0),
            unlimited=flag(unlimited, "unlimited"),
        )
        answer = self._wire.call(request, admin_pb2.SetCreditResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def set_reference(self, symbol: str, price: Number, *, request_id: str | None = None) -> Done:
        """Sets an instrument's fair price: its reference where nothing has traded."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.SetReferenceRequest(
            request_id=request_id, symbol=text(symbol, "symbol"), price_micros=micros(price, "price", least=1)
        )
        answer = self._wire.call(request, admin_pb2.SetReferenceResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def halt(
        self,
        *,
        symbol: str | None = None,
        product: str | None = None,
        market: bool = False,
        reason: str = "",
        request_id: str | None = None,
    ) -> Done:
        """Stops trading on an instrument, a product or the whole market: cancels pass."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.HaltRequest(
            request_id=request_id, scope=requests.scope(symbol, product, market), reason=text(reason, "reason")
        )
        answer = self._wire.call(request, admin_pb2.HaltResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def resume(
        self,
        *,
        symbol: str | None = None,
        product: str | None = None,
        market: bool = False,
        request_id: str | None = None,
    ) -> Done:
        """Lets trading go on where nothing else halts it."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.ResumeRequest(request_id=request_id, scope=requests.scope(symbol, product, market))
        answer = self._wire.call(request, admin_pb2.ResumeResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def open_auction(
        self,
        *,
        symbol: str | None = None,
        product: str | None = None,
        end_time: Moment | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Begins a call on an instrument's or a product's continuous trading; `number` says how many began."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.OpenAuctionRequest(request_id=request_id, scope=requests.scope(symbol, product, False))
        if end_time is not None:
            request.end_time.CopyFrom(timestamp(end_time, "end_time"))
        answer = self._wire.call(request, admin_pb2.OpenAuctionResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.instrument_count)

    def uncross(
        self,
        *,
        symbol: str | None = None,
        product: str | None = None,
        reference_price: Number | None = None,
        request_id: str | None = None,
    ) -> Done:
        """Ends calls, at one price for everyone who waited; `number` says how many ended."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.UncrossRequest(request_id=request_id, scope=requests.scope(symbol, product, False))
        if reference_price is not None:
            request.reference_price_micros = micros(reference_price, "reference_price", least=1)
        answer = self._wire.call(request, admin_pb2.UncrossResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.instrument_count)

    def kill(self, account_id: int, *, reason: str = "", request_id: str | None = None) -> Done:
        """Cancels everything of an account and refuses what comes; `number` says how many orders were cancelled."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.KillRequest(
            request_id=request_id, account_id=count(account_id, "account_id"), reason=text(reason, "reason")
        )
        answer = self._wire.call(request, admin_pb2.KillResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated, answer.cancelled_count)

    def unkill(self, account_id: int, *, request_id: str | None = None) -> Done:
        """Lifts the kill switch."""
        request_id = requests.own_id(request_id)
        request = admin_pb2.UnkillRequest(request_id=request_id, account_id=count(account_id, "account_id"))
        answer = self._wire.call(request, admin_pb2.UnkillResponse, request_id=request_id)
        return Done(answer.sequence, answer.repeated)

    def fetch_participants(self, *, limit: int | None = None) -> Rows[Participant]:
        """Participants by id."""
        return self._pages(
            admin_pb2.ListParticipantsRequest(),
            admin_pb2.ListParticipantsResponse,
            Participant,
            lambda page: [Participant.of(each) for each in page.participants],
            limit,
        )

    def fetch_all_accounts(self, *, limit: int | None = None) -> Rows[Account]:
        """Every account of the exchange, by id."""
        return self._pages(
            admin_pb2.ListAllAccountsRequest(),
            admin_pb2.ListAllAccountsResponse,
            Account,
            lambda page: [Account.of(each) for each in page.accounts],
            limit,
        )

    def fetch_keys(self, *, limit: int | None = None) -> Rows[Key]:
        """Every key ever issued, by id, revoked ones too; never the keys themselves."""
        return self._pages(
            admin_pb2.ListKeysRequest(),
            admin_pb2.ListKeysResponse,
            Key,
            lambda page: [Key.of(each) for each in page.keys],
            limit,
        )

    def fetch_status(self, *, state_hash: bool = False) -> Status:
        """How the exchange stands; with the digest of its state where asked for."""
        request = admin_pb2.GetStatusRequest(state_hash=flag(state_hash, "state_hash"))
        return Status.of(self._wire.call(request, admin_pb2.GetStatusResponse))

    def take_snapshot(self) -> tuple[int, str]:
        """Writes a snapshot; returns the sequence number it holds and the digest of the state there."""
        answer = self._wire.call(admin_pb2.TakeSnapshotRequest(), admin_pb2.TakeSnapshotResponse)
        return answer.sequence, answer.state_hash

    def drain(self) -> int:
        """Stops the exchange in order; returns its last sequence number."""
        return (self._wire.call(admin_pb2.DrainRequest(), admin_pb2.DrainResponse, again=False)).sequence

    # --- what they share ---

    def _account(self, account_id: int | None) -> int:
        """The account that a call is about."""
        if account_id is not None:
            return count(account_id, "account_id")
        if self._account_id is None:
            accounts = self.fetch_accounts()
            if len(accounts) != 1:
                raise NotExact(
                    f"the key has {len(accounts)} accounts: give account_id, to this call or to the client", "account_id"
                )
            self._account_id = accounts[0].account_id
        return self._account_id

    def _pages(
        self,
        request: Message,
        answer: type[A],
        kind: type[T],
        rows: Callable[[A], list[T]],
        limit: int | None,
        *,
        is_filtered: bool = False,
    ) -> Rows[T]:
        """The rows of a list, page by page, up to a limit."""
        found: list[T] = []
        if limit is not None:
            limit = count(limit, "limit", least=1, largest=_MOST)
        # Of rows that are chosen here nobody knows how many it takes.
        setattr(request, "page_size", _PAGE if limit is None or is_filtered else min(_PAGE, limit))
        while True:
            page = self._wire.call(request, answer)
            found.extend(rows(page))
            token = getattr(page, "next_page_token")
            if not token or (limit is not None and len(found) >= limit):
                return Rows(kind, found[:limit])
            setattr(request, "page_token", token)


class Subscription:
    """A subscription to market data: iterate over its updates; `feed` has the books they lead to.

    The iteration ends when it is closed, or when all the instruments that it names are over.
    """

    def __init__(self, wire: Wire, feed: Feed, symbols: dict[int, str], recorder: Recorder | None) -> None:
        self.feed = feed
        self._wire, self._symbols, self._recorder = wire, symbols, recorder
        self._stream = wire.stream(feed.request(), market_data_pb2.SubscribeResponse)
        self._is_closed = False
        self._heard = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since anything was heard: the exchange says something at least every few."""
        return time.monotonic() - self._heard

    def __iter__(self) -> Iterator[MarketUpdate]:
        attempts = Attempts(self._wire.patience, stream=True)
        while not self._is_closed:
            is_whole = True
            try:
                for answer in self._stream:
                    attempts.worked()
                    self._heard = time.monotonic()
                    if self._recorder is not None:
                        self._recorder.write(answer)
                    try:
                        updates: Sequence[MarketUpdate] = self.feed.take(answer)
                    except BookDiffers as found:
                        updates, is_whole = found.updates, False
                    for update in updates:
                        self._symbols[update.instrument_id] = update.symbol
                        yield update
                    if self.feed.is_over:
                        return
                    if not is_whole:
                        break
            except HourbookError as error:
                if not self.feed.outlives(error):
                    self._wire.sleep(attempts.pause(error, time.monotonic()))
            finally:
                self._stream.cancel()
            if self.feed.is_over or self._is_closed:
                return
            # From where it stands; what was found to be wrong begins with a snapshot.
            self._stream = self._wire.stream(self.feed.request(), market_data_pb2.SubscribeResponse)
        # It may have been closed just when the last stream was begun.
        self._stream.cancel()

    def close(self) -> None:
        """Ends it; the iteration ends too."""
        self._is_closed = True
        self._stream.cancel()


class _Period(Protocol):
    @property
    def start_time(self) -> Timestamp: ...
    @property
    def end_time(self) -> Timestamp: ...


def _period(request: _Period, since: Moment | None, until: Moment | None) -> None:
    if since is not None:
        request.start_time.CopyFrom(timestamp(since, "since"))
    if until is not None:
        request.end_time.CopyFrom(timestamp(until, "until"))


def _price_request(what: PriceRequest | str) -> PriceRequest:
    if isinstance(what, PriceRequest):
        return what
    return PriceRequest(symbol=what) if text(what, "quote").count(".") == 3 else PriceRequest(product=what)
