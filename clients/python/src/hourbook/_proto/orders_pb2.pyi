import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from hourbook._proto import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NewOrder(_message.Message):
    __slots__ = ("symbol", "instrument_id", "side", "order_type", "time_in_force", "expire_time", "budget_micros", "price_micros", "trigger_price_micros", "quantity", "display_quantity", "minimum_quantity", "post_only", "self_trade_prevention")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    BUDGET_MICROS_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    side: _types_pb2.Side
    order_type: _types_pb2.OrderType
    time_in_force: _types_pb2.TimeInForce
    expire_time: _timestamp_pb2.Timestamp
    budget_micros: int
    price_micros: int
    trigger_price_micros: int
    quantity: int
    display_quantity: int
    minimum_quantity: int
    post_only: bool
    self_trade_prevention: _types_pb2.SelfTradePrevention
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., order_type: _Optional[_Union[_types_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_types_pb2.TimeInForce, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., budget_micros: _Optional[int] = ..., price_micros: _Optional[int] = ..., trigger_price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., display_quantity: _Optional[int] = ..., minimum_quantity: _Optional[int] = ..., post_only: _Optional[bool] = ..., self_trade_prevention: _Optional[_Union[_types_pb2.SelfTradePrevention, str]] = ...) -> None: ...

class PlaceOrderRequest(_message.Message):
    __slots__ = ("account_id", "client_order_id", "order")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    client_order_id: str
    order: NewOrder
    def __init__(self, account_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., order: _Optional[_Union[NewOrder, _Mapping]] = ...) -> None: ...

class PlaceOrderResponse(_message.Message):
    __slots__ = ("report", "fills", "repeated")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    report: _types_pb2.ExecutionReport
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    repeated: bool
    def __init__(self, report: _Optional[_Union[_types_pb2.ExecutionReport, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class OrderName(_message.Message):
    __slots__ = ("order_id", "client_order_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    client_order_id: str
    def __init__(self, order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("account_id", "request_id", "order")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    request_id: str
    order: OrderName
    def __init__(self, account_id: _Optional[int] = ..., request_id: _Optional[str] = ..., order: _Optional[_Union[OrderName, _Mapping]] = ...) -> None: ...

class CancelOrderResponse(_message.Message):
    __slots__ = ("report", "repeated")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    report: _types_pb2.ExecutionReport
    repeated: bool
    def __init__(self, report: _Optional[_Union[_types_pb2.ExecutionReport, _Mapping]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class Amendment(_message.Message):
    __slots__ = ("order", "price_micros", "quantity", "trigger_price_micros")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    order: OrderName
    price_micros: int
    quantity: int
    trigger_price_micros: int
    def __init__(self, order: _Optional[_Union[OrderName, _Mapping]] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., trigger_price_micros: _Optional[int] = ...) -> None: ...

class AmendOrderRequest(_message.Message):
    __slots__ = ("account_id", "request_id", "amendment")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    AMENDMENT_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    request_id: str
    amendment: Amendment
    def __init__(self, account_id: _Optional[int] = ..., request_id: _Optional[str] = ..., amendment: _Optional[_Union[Amendment, _Mapping]] = ...) -> None: ...

class AmendOrderResponse(_message.Message):
    __slots__ = ("report", "fills", "repeated")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    report: _types_pb2.ExecutionReport
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    repeated: bool
    def __init__(self, report: _Optional[_Union[_types_pb2.ExecutionReport, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class ReduceOrderRequest(_message.Message):
    __slots__ = ("account_id", "request_id", "order", "by_quantity")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    BY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    request_id: str
    order: OrderName
    by_quantity: int
    def __init__(self, account_id: _Optional[int] = ..., request_id: _Optional[str] = ..., order: _Optional[_Union[OrderName, _Mapping]] = ..., by_quantity: _Optional[int] = ...) -> None: ...

class ReduceOrderResponse(_message.Message):
    __slots__ = ("report", "repeated")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    report: _types_pb2.ExecutionReport
    repeated: bool
    def __init__(self, report: _Optional[_Union[_types_pb2.ExecutionReport, _Mapping]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class MassCancelScope(_message.Message):
    __slots__ = ("product", "symbol", "instrument_id", "side")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    product: str
    symbol: str
    instrument_id: int
    side: _types_pb2.Side
    def __init__(self, product: _Optional[str] = ..., symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ...) -> None: ...

class MassCancelRequest(_message.Message):
    __slots__ = ("account_id", "request_id", "scope")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    request_id: str
    scope: MassCancelScope
    def __init__(self, account_id: _Optional[int] = ..., request_id: _Optional[str] = ..., scope: _Optional[_Union[MassCancelScope, _Mapping]] = ...) -> None: ...

class MassCancelResponse(_message.Message):
    __slots__ = ("cancelled_count", "reject_reason", "sequence", "repeated")
    CANCELLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    REJECT_REASON_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    cancelled_count: int
    reject_reason: _types_pb2.RejectReason
    sequence: int
    repeated: bool
    def __init__(self, cancelled_count: _Optional[int] = ..., reject_reason: _Optional[_Union[_types_pb2.RejectReason, str]] = ..., sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class Quote(_message.Message):
    __slots__ = ("symbol", "instrument_id", "bid_price_micros", "bid_quantity", "ask_price_micros", "ask_quantity")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    BID_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    bid_price_micros: int
    bid_quantity: int
    ask_price_micros: int
    ask_quantity: int
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., bid_price_micros: _Optional[int] = ..., bid_quantity: _Optional[int] = ..., ask_price_micros: _Optional[int] = ..., ask_quantity: _Optional[int] = ...) -> None: ...

class QuoteSet(_message.Message):
    __slots__ = ("quotes", "post_only", "self_trade_prevention")
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[Quote]
    post_only: bool
    self_trade_prevention: _types_pb2.SelfTradePrevention
    def __init__(self, quotes: _Optional[_Iterable[_Union[Quote, _Mapping]]] = ..., post_only: _Optional[bool] = ..., self_trade_prevention: _Optional[_Union[_types_pb2.SelfTradePrevention, str]] = ...) -> None: ...

class MassQuoteRequest(_message.Message):
    __slots__ = ("account_id", "request_id", "quotes")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    request_id: str
    quotes: QuoteSet
    def __init__(self, account_id: _Optional[int] = ..., request_id: _Optional[str] = ..., quotes: _Optional[_Union[QuoteSet, _Mapping]] = ...) -> None: ...

class MassQuoteResponse(_message.Message):
    __slots__ = ("standing_count", "reports", "repeated")
    STANDING_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    standing_count: int
    reports: _containers.RepeatedCompositeFieldContainer[_types_pb2.ExecutionReport]
    repeated: bool
    def __init__(self, standing_count: _Optional[int] = ..., reports: _Optional[_Iterable[_Union[_types_pb2.ExecutionReport, _Mapping]]] = ..., repeated: _Optional[bool] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("account_id", "order")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    order: OrderName
    def __init__(self, account_id: _Optional[int] = ..., order: _Optional[_Union[OrderName, _Mapping]] = ...) -> None: ...

class GetOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("report", "live", "displayed_quantity", "hold_micros", "post_only", "quote")
    REPORT_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    DISPLAYED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HOLD_MICROS_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    report: _types_pb2.ExecutionReport
    live: bool
    displayed_quantity: int
    hold_micros: int
    post_only: bool
    quote: bool
    def __init__(self, report: _Optional[_Union[_types_pb2.ExecutionReport, _Mapping]] = ..., live: _Optional[bool] = ..., displayed_quantity: _Optional[int] = ..., hold_micros: _Optional[int] = ..., post_only: _Optional[bool] = ..., quote: _Optional[bool] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("account_id", "closed", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    closed: bool
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[int] = ..., closed: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    next_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListFillsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFillsResponse(_message.Message):
    __slots__ = ("fills", "next_page_token")
    FILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.ExecutionReport]
    next_page_token: str
    def __init__(self, fills: _Optional[_Iterable[_Union[_types_pb2.ExecutionReport, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Logon(_message.Message):
    __slots__ = ("account_id", "session", "cancel_on_disconnect", "resume_from_number")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_NUMBER_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    session: str
    cancel_on_disconnect: bool
    resume_from_number: int
    def __init__(self, account_id: _Optional[int] = ..., session: _Optional[str] = ..., cancel_on_disconnect: _Optional[bool] = ..., resume_from_number: _Optional[int] = ...) -> None: ...

class TradeEntry(_message.Message):
    __slots__ = ("number", "client_order_id", "place", "cancel", "amend", "reduce", "mass_cancel", "quote")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    AMEND_FIELD_NUMBER: _ClassVar[int]
    REDUCE_FIELD_NUMBER: _ClassVar[int]
    MASS_CANCEL_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    number: int
    client_order_id: str
    place: NewOrder
    cancel: OrderName
    amend: Amendment
    reduce: Reduction
    mass_cancel: MassCancelScope
    quote: QuoteSet
    def __init__(self, number: _Optional[int] = ..., client_order_id: _Optional[str] = ..., place: _Optional[_Union[NewOrder, _Mapping]] = ..., cancel: _Optional[_Union[OrderName, _Mapping]] = ..., amend: _Optional[_Union[Amendment, _Mapping]] = ..., reduce: _Optional[_Union[Reduction, _Mapping]] = ..., mass_cancel: _Optional[_Union[MassCancelScope, _Mapping]] = ..., quote: _Optional[_Union[QuoteSet, _Mapping]] = ...) -> None: ...

class Reduction(_message.Message):
    __slots__ = ("order", "by_quantity")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    BY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    order: OrderName
    by_quantity: int
    def __init__(self, order: _Optional[_Union[OrderName, _Mapping]] = ..., by_quantity: _Optional[int] = ...) -> None: ...

class TradeBatch(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[TradeEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[TradeEntry, _Mapping]]] = ...) -> None: ...

class ClientHeartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Logoff(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TradeRequest(_message.Message):
    __slots__ = ("logon", "batch", "heartbeat", "logoff")
    LOGON_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    LOGOFF_FIELD_NUMBER: _ClassVar[int]
    logon: Logon
    batch: TradeBatch
    heartbeat: ClientHeartbeat
    logoff: Logoff
    def __init__(self, logon: _Optional[_Union[Logon, _Mapping]] = ..., batch: _Optional[_Union[TradeBatch, _Mapping]] = ..., heartbeat: _Optional[_Union[ClientHeartbeat, _Mapping]] = ..., logoff: _Optional[_Union[Logoff, _Mapping]] = ...) -> None: ...

class LoggedOn(_message.Message):
    __slots__ = ("session_id", "last_number", "next_report_number", "heartbeat_interval", "silence_limit")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEXT_REPORT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    SILENCE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    session_id: int
    last_number: int
    next_report_number: int
    heartbeat_interval: _duration_pb2.Duration
    silence_limit: _duration_pb2.Duration
    def __init__(self, session_id: _Optional[int] = ..., last_number: _Optional[int] = ..., next_report_number: _Optional[int] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., silence_limit: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReportBatch(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[_types_pb2.ExecutionReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[_types_pb2.ExecutionReport, _Mapping]]] = ...) -> None: ...

class Throttled(_message.Message):
    __slots__ = ("first_refused_number", "retry_after")
    FIRST_REFUSED_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
    first_refused_number: int
    retry_after: _duration_pb2.Duration
    def __init__(self, first_refused_number: _Optional[int] = ..., retry_after: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class EntryRefused(_message.Message):
    __slots__ = ("number", "field", "description")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    number: int
    field: str
    description: str
    def __init__(self, number: _Optional[int] = ..., field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ServerHeartbeat(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class LoggedOff(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class TradeResponse(_message.Message):
    __slots__ = ("logged_on", "reports", "throttled", "heartbeat", "logged_off", "entry_refused")
    LOGGED_ON_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    THROTTLED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    LOGGED_OFF_FIELD_NUMBER: _ClassVar[int]
    ENTRY_REFUSED_FIELD_NUMBER: _ClassVar[int]
    logged_on: LoggedOn
    reports: ReportBatch
    throttled: Throttled
    heartbeat: ServerHeartbeat
    logged_off: LoggedOff
    entry_refused: EntryRefused
    def __init__(self, logged_on: _Optional[_Union[LoggedOn, _Mapping]] = ..., reports: _Optional[_Union[ReportBatch, _Mapping]] = ..., throttled: _Optional[_Union[Throttled, _Mapping]] = ..., heartbeat: _Optional[_Union[ServerHeartbeat, _Mapping]] = ..., logged_off: _Optional[_Union[LoggedOff, _Mapping]] = ..., entry_refused: _Optional[_Union[EntryRefused, _Mapping]] = ...) -> None: ...

class StreamExecutionsRequest(_message.Message):
    __slots__ = ("account_id", "from_number")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_NUMBER_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    from_number: int
    def __init__(self, account_id: _Optional[int] = ..., from_number: _Optional[int] = ...) -> None: ...

class StreamExecutionsResponse(_message.Message):
    __slots__ = ("reports",)
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    reports: _containers.RepeatedCompositeFieldContainer[_types_pb2.ExecutionReport]
    def __init__(self, reports: _Optional[_Iterable[_Union[_types_pb2.ExecutionReport, _Mapping]]] = ...) -> None: ...
