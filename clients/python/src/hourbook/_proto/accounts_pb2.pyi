import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LedgerEntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEDGER_ENTRY_KIND_UNSPECIFIED: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_DEPOSIT: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_WITHDRAWAL: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_FILL: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_ESCROW_RELEASE: _ClassVar[LedgerEntryKind]
    LEDGER_ENTRY_KIND_GATE: _ClassVar[LedgerEntryKind]
LEDGER_ENTRY_KIND_UNSPECIFIED: LedgerEntryKind
LEDGER_ENTRY_KIND_DEPOSIT: LedgerEntryKind
LEDGER_ENTRY_KIND_WITHDRAWAL: LedgerEntryKind
LEDGER_ENTRY_KIND_FILL: LedgerEntryKind
LEDGER_ENTRY_KIND_ESCROW_RELEASE: LedgerEntryKind
LEDGER_ENTRY_KIND_GATE: LedgerEntryKind

class Account(_message.Message):
    __slots__ = ("account_id", "participant_id", "name", "killed", "commands_per_second", "open_order_limit", "open_order_count")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KILLED_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    participant_id: int
    name: str
    killed: bool
    commands_per_second: int
    open_order_limit: int
    open_order_count: int
    def __init__(self, account_id: _Optional[int] = ..., participant_id: _Optional[int] = ..., name: _Optional[str] = ..., killed: _Optional[bool] = ..., commands_per_second: _Optional[int] = ..., open_order_limit: _Optional[int] = ..., open_order_count: _Optional[int] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetBalancesRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    def __init__(self, account_id: _Optional[int] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("currency", "cash_micros", "held_micros", "escrow_micros", "credit_micros", "unlimited_credit", "available_micros")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CASH_MICROS_FIELD_NUMBER: _ClassVar[int]
    HELD_MICROS_FIELD_NUMBER: _ClassVar[int]
    ESCROW_MICROS_FIELD_NUMBER: _ClassVar[int]
    CREDIT_MICROS_FIELD_NUMBER: _ClassVar[int]
    UNLIMITED_CREDIT_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MICROS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    cash_micros: int
    held_micros: int
    escrow_micros: int
    credit_micros: int
    unlimited_credit: bool
    available_micros: int
    def __init__(self, currency: _Optional[str] = ..., cash_micros: _Optional[int] = ..., held_micros: _Optional[int] = ..., escrow_micros: _Optional[int] = ..., credit_micros: _Optional[int] = ..., unlimited_credit: _Optional[bool] = ..., available_micros: _Optional[int] = ...) -> None: ...

class GetBalancesResponse(_message.Message):
    __slots__ = ("balances", "sequence")
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    sequence: int
    def __init__(self, balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., sequence: _Optional[int] = ...) -> None: ...

class ListHoldsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("order_id", "client_order_id", "symbol", "cash_micros", "hours_quantity")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CASH_MICROS_FIELD_NUMBER: _ClassVar[int]
    HOURS_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    client_order_id: str
    symbol: str
    cash_micros: int
    hours_quantity: int
    def __init__(self, order_id: _Optional[int] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., cash_micros: _Optional[int] = ..., hours_quantity: _Optional[int] = ...) -> None: ...

class ListHoldsResponse(_message.Message):
    __slots__ = ("holds", "next_page_token")
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    holds: _containers.RepeatedCompositeFieldContainer[Hold]
    next_page_token: str
    def __init__(self, holds: _Optional[_Iterable[_Union[Hold, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("symbol", "instrument_id", "units", "cost_micros", "realised_micros", "fee_due_micros")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    COST_MICROS_FIELD_NUMBER: _ClassVar[int]
    REALISED_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEE_DUE_MICROS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    units: int
    cost_micros: int
    realised_micros: int
    fee_due_micros: int
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., units: _Optional[int] = ..., cost_micros: _Optional[int] = ..., realised_micros: _Optional[int] = ..., fee_due_micros: _Optional[int] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions", "next_page_token")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    next_page_token: str
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListCapacityRequest(_message.Message):
    __slots__ = ("account_id", "product")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    product: str
    def __init__(self, account_id: _Optional[int] = ..., product: _Optional[str] = ...) -> None: ...

class CapacityRange(_message.Message):
    __slots__ = ("start_time", "hours", "declared_quantity", "available_quantity")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    DECLARED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    hours: int
    declared_quantity: int
    available_quantity: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hours: _Optional[int] = ..., declared_quantity: _Optional[int] = ..., available_quantity: _Optional[int] = ...) -> None: ...

class ListCapacityResponse(_message.Message):
    __slots__ = ("ranges",)
    RANGES_FIELD_NUMBER: _ClassVar[int]
    ranges: _containers.RepeatedCompositeFieldContainer[CapacityRange]
    def __init__(self, ranges: _Optional[_Iterable[_Union[CapacityRange, _Mapping]]] = ...) -> None: ...

class ListLedgerEntriesRequest(_message.Message):
    __slots__ = ("account_id", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("number", "entry_id", "sequence", "time", "kind", "currency", "cash_micros", "escrow_micros", "cash_after_micros", "escrow_after_micros", "fee_micros", "instrument_id", "trade_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CASH_MICROS_FIELD_NUMBER: _ClassVar[int]
    ESCROW_MICROS_FIELD_NUMBER: _ClassVar[int]
    CASH_AFTER_MICROS_FIELD_NUMBER: _ClassVar[int]
    ESCROW_AFTER_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEE_MICROS_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    entry_id: int
    sequence: int
    time: _timestamp_pb2.Timestamp
    kind: LedgerEntryKind
    currency: str
    cash_micros: int
    escrow_micros: int
    cash_after_micros: int
    escrow_after_micros: int
    fee_micros: int
    instrument_id: int
    trade_id: int
    def __init__(self, number: _Optional[int] = ..., entry_id: _Optional[int] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[LedgerEntryKind, str]] = ..., currency: _Optional[str] = ..., cash_micros: _Optional[int] = ..., escrow_micros: _Optional[int] = ..., cash_after_micros: _Optional[int] = ..., escrow_after_micros: _Optional[int] = ..., fee_micros: _Optional[int] = ..., instrument_id: _Optional[int] = ..., trade_id: _Optional[int] = ...) -> None: ...

class ListLedgerEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
