import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from hourbook._proto import accounts_pb2 as _accounts_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_TRADER: _ClassVar[Role]
    ROLE_MAKER: _ClassVar[Role]
    ROLE_PROVIDER: _ClassVar[Role]
    ROLE_METER: _ClassVar[Role]
    ROLE_OPERATOR: _ClassVar[Role]
    ROLE_AUDITOR: _ClassVar[Role]
ROLE_UNSPECIFIED: Role
ROLE_TRADER: Role
ROLE_MAKER: Role
ROLE_PROVIDER: Role
ROLE_METER: Role
ROLE_OPERATOR: Role
ROLE_AUDITOR: Role

class Scope(_message.Message):
    __slots__ = ("market", "product", "symbol")
    MARKET_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    market: bool
    product: str
    symbol: str
    def __init__(self, market: _Optional[bool] = ..., product: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class CreateParticipantRequest(_message.Message):
    __slots__ = ("request_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    name: str
    def __init__(self, request_id: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class CreateParticipantResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "participant_id")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    participant_id: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., participant_id: _Optional[int] = ...) -> None: ...

class CreateAccountRequest(_message.Message):
    __slots__ = ("request_id", "participant_id", "name")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    participant_id: int
    name: str
    def __init__(self, request_id: _Optional[str] = ..., participant_id: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class CreateAccountResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "account_id")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    account_id: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., account_id: _Optional[int] = ...) -> None: ...

class IssueKeyRequest(_message.Message):
    __slots__ = ("request_id", "participant_id", "account_id", "role", "label")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    participant_id: int
    account_id: int
    role: Role
    label: str
    def __init__(self, request_id: _Optional[str] = ..., participant_id: _Optional[int] = ..., account_id: _Optional[int] = ..., role: _Optional[_Union[Role, str]] = ..., label: _Optional[str] = ...) -> None: ...

class IssueKeyResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "key_id", "key")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    key_id: int
    key: str
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., key_id: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class RevokeKeyRequest(_message.Message):
    __slots__ = ("request_id", "key_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    key_id: int
    def __init__(self, request_id: _Optional[str] = ..., key_id: _Optional[int] = ...) -> None: ...

class RevokeKeyResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class DepositRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "currency", "amount_micros", "reference")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    currency: str
    amount_micros: int
    reference: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., currency: _Optional[str] = ..., amount_micros: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class DepositResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "entry_id")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    entry_id: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., entry_id: _Optional[int] = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "currency", "amount_micros", "reference")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    currency: str
    amount_micros: int
    reference: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., currency: _Optional[str] = ..., amount_micros: _Optional[int] = ..., reference: _Optional[str] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "entry_id")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    entry_id: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., entry_id: _Optional[int] = ...) -> None: ...

class DeclareCapacityRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "product", "start_time", "hours", "quantity", "attestation")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    product: str
    start_time: _timestamp_pb2.Timestamp
    hours: int
    quantity: int
    attestation: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., product: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hours: _Optional[int] = ..., quantity: _Optional[int] = ..., attestation: _Optional[str] = ...) -> None: ...

class DeclareCapacityResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class SetLimitsRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "commands_per_second", "open_order_limit")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    COMMANDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_LIMIT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    commands_per_second: int
    open_order_limit: int
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., commands_per_second: _Optional[int] = ..., open_order_limit: _Optional[int] = ...) -> None: ...

class SetLimitsResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class SetCreditRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "currency", "credit_micros", "unlimited")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CREDIT_MICROS_FIELD_NUMBER: _ClassVar[int]
    UNLIMITED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    currency: str
    credit_micros: int
    unlimited: bool
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., currency: _Optional[str] = ..., credit_micros: _Optional[int] = ..., unlimited: _Optional[bool] = ...) -> None: ...

class SetCreditResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class SetReferenceRequest(_message.Message):
    __slots__ = ("request_id", "symbol", "price_micros")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    symbol: str
    price_micros: int
    def __init__(self, request_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price_micros: _Optional[int] = ...) -> None: ...

class SetReferenceResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class HaltRequest(_message.Message):
    __slots__ = ("request_id", "scope", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: Scope
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class HaltResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("request_id", "scope")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: Scope
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[Scope, _Mapping]] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class OpenAuctionRequest(_message.Message):
    __slots__ = ("request_id", "scope", "end_time")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: Scope
    end_time: _timestamp_pb2.Timestamp
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class OpenAuctionResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "instrument_count")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    instrument_count: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., instrument_count: _Optional[int] = ...) -> None: ...

class UncrossRequest(_message.Message):
    __slots__ = ("request_id", "scope", "reference_price_micros")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: Scope
    reference_price_micros: int
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[Scope, _Mapping]] = ..., reference_price_micros: _Optional[int] = ...) -> None: ...

class UncrossResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "instrument_count")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    instrument_count: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., instrument_count: _Optional[int] = ...) -> None: ...

class KillRequest(_message.Message):
    __slots__ = ("request_id", "account_id", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class KillResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "cancelled_count")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_COUNT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    cancelled_count: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., cancelled_count: _Optional[int] = ...) -> None: ...

class UnkillRequest(_message.Message):
    __slots__ = ("request_id", "account_id")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    account_id: int
    def __init__(self, request_id: _Optional[str] = ..., account_id: _Optional[int] = ...) -> None: ...

class UnkillResponse(_message.Message):
    __slots__ = ("sequence", "repeated")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ...) -> None: ...

class Participant(_message.Message):
    __slots__ = ("participant_id", "name", "account_ids")
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_IDS_FIELD_NUMBER: _ClassVar[int]
    participant_id: int
    name: str
    account_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, participant_id: _Optional[int] = ..., name: _Optional[str] = ..., account_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class ListParticipantsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListParticipantsResponse(_message.Message):
    __slots__ = ("participants", "next_page_token")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    next_page_token: str
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListAllAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAllAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[_accounts_pb2.Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[_accounts_pb2.Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Key(_message.Message):
    __slots__ = ("key_id", "participant_id", "account_id", "role", "label", "revoked")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    key_id: int
    participant_id: int
    account_id: int
    role: Role
    label: str
    revoked: bool
    def __init__(self, key_id: _Optional[int] = ..., participant_id: _Optional[int] = ..., account_id: _Optional[int] = ..., role: _Optional[_Union[Role, str]] = ..., label: _Optional[str] = ..., revoked: _Optional[bool] = ...) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("keys", "next_page_token")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[Key]
    next_page_token: str
    def __init__(self, keys: _Optional[_Iterable[_Union[Key, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class TakeSnapshotRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TakeSnapshotResponse(_message.Message):
    __slots__ = ("sequence", "state_hash")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    state_hash: str
    def __init__(self, sequence: _Optional[int] = ..., state_hash: _Optional[str] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ("state_hash",)
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    state_hash: bool
    def __init__(self, state_hash: _Optional[bool] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "sequence", "time", "durable_sequence", "state_hash", "instrument_count", "open_order_count", "ledger_sum_micros", "fees", "recorded_sequence", "history_fault")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    DURABLE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEDGER_SUM_MICROS_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    RECORDED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FAULT_FIELD_NUMBER: _ClassVar[int]
    version: str
    sequence: int
    time: _timestamp_pb2.Timestamp
    durable_sequence: int
    state_hash: str
    instrument_count: int
    open_order_count: int
    ledger_sum_micros: int
    fees: _containers.RepeatedCompositeFieldContainer[FeeTotal]
    recorded_sequence: int
    history_fault: str
    def __init__(self, version: _Optional[str] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., durable_sequence: _Optional[int] = ..., state_hash: _Optional[str] = ..., instrument_count: _Optional[int] = ..., open_order_count: _Optional[int] = ..., ledger_sum_micros: _Optional[int] = ..., fees: _Optional[_Iterable[_Union[FeeTotal, _Mapping]]] = ..., recorded_sequence: _Optional[int] = ..., history_fault: _Optional[str] = ...) -> None: ...

class FeeTotal(_message.Message):
    __slots__ = ("currency", "amount_micros")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    amount_micros: int
    def __init__(self, currency: _Optional[str] = ..., amount_micros: _Optional[int] = ...) -> None: ...
