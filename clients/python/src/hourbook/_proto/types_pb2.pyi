import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_TYPE_UNSPECIFIED: _ClassVar[OrderType]
    ORDER_TYPE_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_MARKET: _ClassVar[OrderType]
    ORDER_TYPE_STOP: _ClassVar[OrderType]
    ORDER_TYPE_STOP_LIMIT: _ClassVar[OrderType]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_DAY: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTD: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IOC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK_BUDGET: _ClassVar[TimeInForce]

class SelfTradePrevention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_PREVENTION_UNSPECIFIED: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_NEWEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_OLDEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_BOTH: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_DECREMENT: _ClassVar[SelfTradePrevention]

class InstrumentStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INSTRUMENT_STATUS_UNSPECIFIED: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_CONTINUOUS: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_AUCTION: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_FROZEN: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_HALTED: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_GATE_CLOSED: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_DELIVERING: _ClassVar[InstrumentStatus]
    INSTRUMENT_STATUS_SETTLED: _ClassVar[InstrumentStatus]

class RejectReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REJECT_REASON_UNSPECIFIED: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_ACCOUNT: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_PARTICIPANT: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_KEY: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_SESSION: _ClassVar[RejectReason]
    REJECT_REASON_SESSION_IN_USE: _ClassVar[RejectReason]
    REJECT_REASON_CLIENT_ID_REUSED: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_INSTRUMENT: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_PRODUCT: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_CURRENCY: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_ORDER: _ClassVar[RejectReason]
    REJECT_REASON_GATE_CLOSED: _ClassVar[RejectReason]
    REJECT_REASON_HALTED: _ClassVar[RejectReason]
    REJECT_REASON_FROZEN: _ClassVar[RejectReason]
    REJECT_REASON_KILLED: _ClassVar[RejectReason]
    REJECT_REASON_BAD_QUANTITY: _ClassVar[RejectReason]
    REJECT_REASON_QUANTITY_ABOVE_CAP: _ClassVar[RejectReason]
    REJECT_REASON_BAD_PRICE: _ClassVar[RejectReason]
    REJECT_REASON_PRICE_OFF_TICK: _ClassVar[RejectReason]
    REJECT_REASON_BAD_TRIGGER: _ClassVar[RejectReason]
    REJECT_REASON_BAD_DISPLAY: _ClassVar[RejectReason]
    REJECT_REASON_BAD_MINIMUM: _ClassVar[RejectReason]
    REJECT_REASON_BAD_EXPIRY: _ClassVar[RejectReason]
    REJECT_REASON_BAD_BUDGET: _ClassVar[RejectReason]
    REJECT_REASON_UNSUPPORTED: _ClassVar[RejectReason]
    REJECT_REASON_DUPLICATE_CLIENT_ID: _ClassVar[RejectReason]
    REJECT_REASON_NO_REFERENCE: _ClassVar[RejectReason]
    REJECT_REASON_PRICE_OUT_OF_BAND: _ClassVar[RejectReason]
    REJECT_REASON_NOTIONAL_ABOVE_CAP: _ClassVar[RejectReason]
    REJECT_REASON_TOO_MANY_OPEN_ORDERS: _ClassVar[RejectReason]
    REJECT_REASON_NO_LIQUIDITY: _ClassVar[RejectReason]
    REJECT_REASON_NOT_IN_AUCTION: _ClassVar[RejectReason]
    REJECT_REASON_POST_ONLY: _ClassVar[RejectReason]
    REJECT_REASON_INSUFFICIENT_FUNDS: _ClassVar[RejectReason]
    REJECT_REASON_INSUFFICIENT_HOURS: _ClassVar[RejectReason]
    REJECT_REASON_BAD_AMOUNT: _ClassVar[RejectReason]
    REJECT_REASON_BAD_NAME: _ClassVar[RejectReason]
    REJECT_REASON_CAPACITY_BELOW_SOLD: _ClassVar[RejectReason]
    REJECT_REASON_BAD_RANGE: _ClassVar[RejectReason]
    REJECT_REASON_NOT_IN_CALL: _ClassVar[RejectReason]
    REJECT_REASON_ALREADY_DEFINED: _ClassVar[RejectReason]
    REJECT_REASON_INSTRUMENTS_EXHAUSTED: _ClassVar[RejectReason]
    REJECT_REASON_TOO_MANY_SESSIONS: _ClassVar[RejectReason]
    REJECT_REASON_LAST_OPERATOR_KEY: _ClassVar[RejectReason]
    REJECT_REASON_UNKNOWN_CLASS: _ClassVar[RejectReason]

class CancelReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_REASON_UNSPECIFIED: _ClassVar[CancelReason]
    CANCEL_REASON_USER: _ClassVar[CancelReason]
    CANCEL_REASON_MASS: _ClassVar[CancelReason]
    CANCEL_REASON_IOC: _ClassVar[CancelReason]
    CANCEL_REASON_FOK: _ClassVar[CancelReason]
    CANCEL_REASON_NO_LIQUIDITY: _ClassVar[CancelReason]
    CANCEL_REASON_SELF_TRADE: _ClassVar[CancelReason]
    CANCEL_REASON_REDUCE: _ClassVar[CancelReason]
    CANCEL_REASON_DAY_END: _ClassVar[CancelReason]
    CANCEL_REASON_EXPIRED: _ClassVar[CancelReason]
    CANCEL_REASON_AUCTION_END: _ClassVar[CancelReason]
    CANCEL_REASON_GATE_CLOSED: _ClassVar[CancelReason]
    CANCEL_REASON_DISCONNECT: _ClassVar[CancelReason]
    CANCEL_REASON_KILL: _ClassVar[CancelReason]
    CANCEL_REASON_MINIMUM: _ClassVar[CancelReason]
    CANCEL_REASON_BAND: _ClassVar[CancelReason]
    CANCEL_REASON_UNCOVERED: _ClassVar[CancelReason]
    CANCEL_REASON_QUOTE: _ClassVar[CancelReason]
    CANCEL_REASON_AMEND: _ClassVar[CancelReason]

class Liquidity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIQUIDITY_UNSPECIFIED: _ClassVar[Liquidity]
    LIQUIDITY_MAKER: _ClassVar[Liquidity]
    LIQUIDITY_TAKER: _ClassVar[Liquidity]
    LIQUIDITY_AUCTION: _ClassVar[Liquidity]

class ReportKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_KIND_UNSPECIFIED: _ClassVar[ReportKind]
    REPORT_KIND_ACCEPTED: _ClassVar[ReportKind]
    REPORT_KIND_REJECTED: _ClassVar[ReportKind]
    REPORT_KIND_FILLED: _ClassVar[ReportKind]
    REPORT_KIND_CANCELLED: _ClassVar[ReportKind]
    REPORT_KIND_AMENDED: _ClassVar[ReportKind]
    REPORT_KIND_REDUCED: _ClassVar[ReportKind]
    REPORT_KIND_TRIGGERED: _ClassVar[ReportKind]
    REPORT_KIND_CANCEL_REJECTED: _ClassVar[ReportKind]
    REPORT_KIND_AMEND_REJECTED: _ClassVar[ReportKind]
    REPORT_KIND_MASS_CANCELLED: _ClassVar[ReportKind]
    REPORT_KIND_MASS_CANCEL_REJECTED: _ClassVar[ReportKind]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ORDER_TYPE_UNSPECIFIED: OrderType
ORDER_TYPE_LIMIT: OrderType
ORDER_TYPE_MARKET: OrderType
ORDER_TYPE_STOP: OrderType
ORDER_TYPE_STOP_LIMIT: OrderType
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_GTC: TimeInForce
TIME_IN_FORCE_DAY: TimeInForce
TIME_IN_FORCE_GTD: TimeInForce
TIME_IN_FORCE_IOC: TimeInForce
TIME_IN_FORCE_FOK: TimeInForce
TIME_IN_FORCE_FOK_BUDGET: TimeInForce
SELF_TRADE_PREVENTION_UNSPECIFIED: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_NEWEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_OLDEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_BOTH: SelfTradePrevention
SELF_TRADE_PREVENTION_DECREMENT: SelfTradePrevention
INSTRUMENT_STATUS_UNSPECIFIED: InstrumentStatus
INSTRUMENT_STATUS_CONTINUOUS: InstrumentStatus
INSTRUMENT_STATUS_AUCTION: InstrumentStatus
INSTRUMENT_STATUS_FROZEN: InstrumentStatus
INSTRUMENT_STATUS_HALTED: InstrumentStatus
INSTRUMENT_STATUS_GATE_CLOSED: InstrumentStatus
INSTRUMENT_STATUS_DELIVERING: InstrumentStatus
INSTRUMENT_STATUS_SETTLED: InstrumentStatus
REJECT_REASON_UNSPECIFIED: RejectReason
REJECT_REASON_UNKNOWN_ACCOUNT: RejectReason
REJECT_REASON_UNKNOWN_PARTICIPANT: RejectReason
REJECT_REASON_UNKNOWN_KEY: RejectReason
REJECT_REASON_UNKNOWN_SESSION: RejectReason
REJECT_REASON_SESSION_IN_USE: RejectReason
REJECT_REASON_CLIENT_ID_REUSED: RejectReason
REJECT_REASON_UNKNOWN_INSTRUMENT: RejectReason
REJECT_REASON_UNKNOWN_PRODUCT: RejectReason
REJECT_REASON_UNKNOWN_CURRENCY: RejectReason
REJECT_REASON_UNKNOWN_ORDER: RejectReason
REJECT_REASON_GATE_CLOSED: RejectReason
REJECT_REASON_HALTED: RejectReason
REJECT_REASON_FROZEN: RejectReason
REJECT_REASON_KILLED: RejectReason
REJECT_REASON_BAD_QUANTITY: RejectReason
REJECT_REASON_QUANTITY_ABOVE_CAP: RejectReason
REJECT_REASON_BAD_PRICE: RejectReason
REJECT_REASON_PRICE_OFF_TICK: RejectReason
REJECT_REASON_BAD_TRIGGER: RejectReason
REJECT_REASON_BAD_DISPLAY: RejectReason
REJECT_REASON_BAD_MINIMUM: RejectReason
REJECT_REASON_BAD_EXPIRY: RejectReason
REJECT_REASON_BAD_BUDGET: RejectReason
REJECT_REASON_UNSUPPORTED: RejectReason
REJECT_REASON_DUPLICATE_CLIENT_ID: RejectReason
REJECT_REASON_NO_REFERENCE: RejectReason
REJECT_REASON_PRICE_OUT_OF_BAND: RejectReason
REJECT_REASON_NOTIONAL_ABOVE_CAP: RejectReason
REJECT_REASON_TOO_MANY_OPEN_ORDERS: RejectReason
REJECT_REASON_NO_LIQUIDITY: RejectReason
REJECT_REASON_NOT_IN_AUCTION: RejectReason
REJECT_REASON_POST_ONLY: RejectReason
REJECT_REASON_INSUFFICIENT_FUNDS: RejectReason
REJECT_REASON_INSUFFICIENT_HOURS: RejectReason
REJECT_REASON_BAD_AMOUNT: RejectReason
REJECT_REASON_BAD_NAME: RejectReason
REJECT_REASON_CAPACITY_BELOW_SOLD: RejectReason
REJECT_REASON_BAD_RANGE: RejectReason
REJECT_REASON_NOT_IN_CALL: RejectReason
REJECT_REASON_ALREADY_DEFINED: RejectReason
REJECT_REASON_INSTRUMENTS_EXHAUSTED: RejectReason
REJECT_REASON_TOO_MANY_SESSIONS: RejectReason
REJECT_REASON_LAST_OPERATOR_KEY: RejectReason
REJECT_REASON_UNKNOWN_CLASS: RejectReason
CANCEL_REASON_UNSPECIFIED: CancelReason
CANCEL_REASON_USER: CancelReason
CANCEL_REASON_MASS: CancelReason
CANCEL_REASON_IOC: CancelReason
CANCEL_REASON_FOK: CancelReason
CANCEL_REASON_NO_LIQUIDITY: CancelReason
CANCEL_REASON_SELF_TRADE: CancelReason
CANCEL_REASON_REDUCE: CancelReason
CANCEL_REASON_DAY_END: CancelReason
CANCEL_REASON_EXPIRED: CancelReason
CANCEL_REASON_AUCTION_END: CancelReason
CANCEL_REASON_GATE_CLOSED: CancelReason
CANCEL_REASON_DISCONNECT: CancelReason
CANCEL_REASON_KILL: CancelReason
CANCEL_REASON_MINIMUM: CancelReason
CANCEL_REASON_BAND: CancelReason
CANCEL_REASON_UNCOVERED: CancelReason
CANCEL_REASON_QUOTE: CancelReason
CANCEL_REASON_AMEND: CancelReason
LIQUIDITY_UNSPECIFIED: Liquidity
LIQUIDITY_MAKER: Liquidity
LIQUIDITY_TAKER: Liquidity
LIQUIDITY_AUCTION: Liquidity
REPORT_KIND_UNSPECIFIED: ReportKind
REPORT_KIND_ACCEPTED: ReportKind
REPORT_KIND_REJECTED: ReportKind
REPORT_KIND_FILLED: ReportKind
REPORT_KIND_CANCELLED: ReportKind
REPORT_KIND_AMENDED: ReportKind
REPORT_KIND_REDUCED: ReportKind
REPORT_KIND_TRIGGERED: ReportKind
REPORT_KIND_CANCEL_REJECTED: ReportKind
REPORT_KIND_AMEND_REJECTED: ReportKind
REPORT_KIND_MASS_CANCELLED: ReportKind
REPORT_KIND_MASS_CANCEL_REJECTED: ReportKind

class Fill(_message.Message):
    __slots__ = ("trade_id", "price_micros", "quantity", "liquidity", "fee_micros")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    FEE_MICROS_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    price_micros: int
    quantity: int
    liquidity: Liquidity
    fee_micros: int
    def __init__(self, trade_id: _Optional[int] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., liquidity: _Optional[_Union[Liquidity, str]] = ..., fee_micros: _Optional[int] = ...) -> None: ...

class ExecutionReport(_message.Message):
    __slots__ = ("account_id", "number", "sequence", "transaction_time", "kind", "order_id", "client_order_id", "request_number", "instrument_id", "symbol", "side", "order_type", "time_in_force", "price_micros", "trigger_price_micros", "quantity", "cumulative_quantity", "leaves_quantity", "fill", "reject_reason", "cancel_reason", "cancelled_quantity", "session_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRANSACTION_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CUMULATIVE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LEAVES_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    REJECT_REASON_FIELD_NUMBER: _ClassVar[int]
    CANCEL_REASON_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    number: int
    sequence: int
    transaction_time: _timestamp_pb2.Timestamp
    kind: ReportKind
    order_id: int
    client_order_id: str
    request_number: int
    instrument_id: int
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price_micros: int
    trigger_price_micros: int
    quantity: int
    cumulative_quantity: int
    leaves_quantity: int
    fill: Fill
    reject_reason: RejectReason
    cancel_reason: CancelReason
    cancelled_quantity: int
    session_id: int
    def __init__(self, account_id: _Optional[int] = ..., number: _Optional[int] = ..., sequence: _Optional[int] = ..., transaction_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[ReportKind, str]] = ..., order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., request_number: _Optional[int] = ..., instrument_id: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., order_type: _Optional[_Union[OrderType, str]] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., price_micros: _Optional[int] = ..., trigger_price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., cumulative_quantity: _Optional[int] = ..., leaves_quantity: _Optional[int] = ..., fill: _Optional[_Union[Fill, _Mapping]] = ..., reject_reason: _Optional[_Union[RejectReason, str]] = ..., cancel_reason: _Optional[_Union[CancelReason, str]] = ..., cancelled_quantity: _Optional[int] = ..., session_id: _Optional[int] = ...) -> None: ...
