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

class Product(_message.Message):
    __slots__ = ("symbol", "product_id", "currency", "tick_micros", "order_band_ppm", "trade_band_ppm", "reference_price_micros", "max_quantity", "max_notional_micros", "maker_fee_ppm", "taker_fee_ppm", "gate_before_hour", "gate_before_longer", "listed_hours", "listed_days", "listed_weeks", "listed_months", "availability_ppm", "halted", "call_length", "daily_auction", "interruption_notice", "penalty_ppm")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TICK_MICROS_FIELD_NUMBER: _ClassVar[int]
    ORDER_BAND_PPM_FIELD_NUMBER: _ClassVar[int]
    TRADE_BAND_PPM_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    MAX_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_MICROS_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    GATE_BEFORE_HOUR_FIELD_NUMBER: _ClassVar[int]
    GATE_BEFORE_LONGER_FIELD_NUMBER: _ClassVar[int]
    LISTED_HOURS_FIELD_NUMBER: _ClassVar[int]
    LISTED_DAYS_FIELD_NUMBER: _ClassVar[int]
    LISTED_WEEKS_FIELD_NUMBER: _ClassVar[int]
    LISTED_MONTHS_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_PPM_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    CALL_LENGTH_FIELD_NUMBER: _ClassVar[int]
    DAILY_AUCTION_FIELD_NUMBER: _ClassVar[int]
    INTERRUPTION_NOTICE_FIELD_NUMBER: _ClassVar[int]
    PENALTY_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    product_id: int
    currency: str
    tick_micros: int
    order_band_ppm: int
    trade_band_ppm: int
    reference_price_micros: int
    max_quantity: int
    max_notional_micros: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    gate_before_hour: _duration_pb2.Duration
    gate_before_longer: _duration_pb2.Duration
    listed_hours: int
    listed_days: int
    listed_weeks: int
    listed_months: int
    availability_ppm: int
    halted: bool
    call_length: _duration_pb2.Duration
    daily_auction: DailyAuction
    interruption_notice: _duration_pb2.Duration
    penalty_ppm: int
    def __init__(self, symbol: _Optional[str] = ..., product_id: _Optional[int] = ..., currency: _Optional[str] = ..., tick_micros: _Optional[int] = ..., order_band_ppm: _Optional[int] = ..., trade_band_ppm: _Optional[int] = ..., reference_price_micros: _Optional[int] = ..., max_quantity: _Optional[int] = ..., max_notional_micros: _Optional[int] = ..., maker_fee_ppm: _Optional[int] = ..., taker_fee_ppm: _Optional[int] = ..., gate_before_hour: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gate_before_longer: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., listed_hours: _Optional[int] = ..., listed_days: _Optional[int] = ..., listed_weeks: _Optional[int] = ..., listed_months: _Optional[int] = ..., availability_ppm: _Optional[int] = ..., halted: _Optional[bool] = ..., call_length: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., daily_auction: _Optional[_Union[DailyAuction, _Mapping]] = ..., interruption_notice: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., penalty_ppm: _Optional[int] = ...) -> None: ...

class DailyAuction(_message.Message):
    __slots__ = ("call_time", "freeze_time", "uncross_time")
    CALL_TIME_FIELD_NUMBER: _ClassVar[int]
    FREEZE_TIME_FIELD_NUMBER: _ClassVar[int]
    UNCROSS_TIME_FIELD_NUMBER: _ClassVar[int]
    call_time: _duration_pb2.Duration
    freeze_time: _duration_pb2.Duration
    uncross_time: _duration_pb2.Duration
    def __init__(self, call_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., freeze_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., uncross_time: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ClassGrade(_message.Message):
    __slots__ = ("title", "unit", "vcpu_milli", "memory_gib_milli", "disk_gb_milli", "network_mbps", "benchmark", "benchmark_score", "families", "assumptions")
    CLASS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    VCPU_MILLI_FIELD_NUMBER: _ClassVar[int]
    MEMORY_GIB_MILLI_FIELD_NUMBER: _ClassVar[int]
    DISK_GB_MILLI_FIELD_NUMBER: _ClassVar[int]
    NETWORK_MBPS_FIELD_NUMBER: _ClassVar[int]
    BENCHMARK_FIELD_NUMBER: _ClassVar[int]
    BENCHMARK_SCORE_FIELD_NUMBER: _ClassVar[int]
    FAMILIES_FIELD_NUMBER: _ClassVar[int]
    ASSUMPTIONS_FIELD_NUMBER: _ClassVar[int]
    title: str
    unit: str
    vcpu_milli: int
    memory_gib_milli: int
    disk_gb_milli: int
    network_mbps: int
    benchmark: str
    benchmark_score: int
    families: _containers.RepeatedScalarFieldContainer[str]
    assumptions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, title: _Optional[str] = ..., unit: _Optional[str] = ..., vcpu_milli: _Optional[int] = ..., memory_gib_milli: _Optional[int] = ..., disk_gb_milli: _Optional[int] = ..., network_mbps: _Optional[int] = ..., benchmark: _Optional[str] = ..., benchmark_score: _Optional[int] = ..., families: _Optional[_Iterable[str]] = ..., assumptions: _Optional[_Iterable[str]] = ..., **kwargs) -> None: ...

class Region(_message.Message):
    __slots__ = ("code", "title", "jurisdiction", "pue_milli", "power_price_micros", "cooling", "energy", "assumptions")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    JURISDICTION_FIELD_NUMBER: _ClassVar[int]
    PUE_MILLI_FIELD_NUMBER: _ClassVar[int]
    POWER_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    COOLING_FIELD_NUMBER: _ClassVar[int]
    ENERGY_FIELD_NUMBER: _ClassVar[int]
    ASSUMPTIONS_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    jurisdiction: str
    pue_milli: int
    power_price_micros: int
    cooling: str
    energy: str
    assumptions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., jurisdiction: _Optional[str] = ..., pue_milli: _Optional[int] = ..., power_price_micros: _Optional[int] = ..., cooling: _Optional[str] = ..., energy: _Optional[str] = ..., assumptions: _Optional[_Iterable[str]] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "instrument_id", "product", "status", "delivery_start_time", "hours", "gate_closure_time", "tick_micros", "currency", "last_trade_price_micros", "reference_price_micros", "open_order_count", "call_end_time", "maker_fee_ppm", "taker_fee_ppm")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_START_TIME_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    GATE_CLOSURE_TIME_FIELD_NUMBER: _ClassVar[int]
    TICK_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LAST_TRADE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALL_END_TIME_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    product: str
    status: _types_pb2.InstrumentStatus
    delivery_start_time: _timestamp_pb2.Timestamp
    hours: int
    gate_closure_time: _timestamp_pb2.Timestamp
    tick_micros: int
    currency: str
    last_trade_price_micros: int
    reference_price_micros: int
    open_order_count: int
    call_end_time: _timestamp_pb2.Timestamp
    maker_fee_ppm: int
    taker_fee_ppm: int
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., product: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ..., delivery_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hours: _Optional[int] = ..., gate_closure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tick_micros: _Optional[int] = ..., currency: _Optional[str] = ..., last_trade_price_micros: _Optional[int] = ..., reference_price_micros: _Optional[int] = ..., open_order_count: _Optional[int] = ..., call_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., maker_fee_ppm: _Optional[int] = ..., taker_fee_ppm: _Optional[int] = ...) -> None: ...

class ListProductsRequest(_message.Message):
    __slots__ = ("pattern", "page_size", "page_token")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    page_size: int
    page_token: str
    def __init__(self, pattern: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListProductsResponse(_message.Message):
    __slots__ = ("products", "next_page_token")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    next_page_token: str
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class GetProductResponse(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: Product
    def __init__(self, product: _Optional[_Union[Product, _Mapping]] = ...) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ("pattern", "status", "page_size", "page_token")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    status: _types_pb2.InstrumentStatus
    page_size: int
    page_token: str
    def __init__(self, pattern: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListInstrumentsResponse(_message.Message):
    __slots__ = ("instruments", "next_page_token")
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[Instrument]
    next_page_token: str
    def __init__(self, instruments: _Optional[_Iterable[_Union[Instrument, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetInstrumentRequest(_message.Message):
    __slots__ = ("symbol", "instrument_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ...) -> None: ...

class GetInstrumentResponse(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: Instrument
    def __init__(self, instrument: _Optional[_Union[Instrument, _Mapping]] = ...) -> None: ...

class StreamInstrumentStatusRequest(_message.Message):
    __slots__ = ("pattern",)
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    def __init__(self, pattern: _Optional[str] = ...) -> None: ...

class InstrumentStatusChange(_message.Message):
    __slots__ = ("instrument_id", "symbol", "status", "sequence")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    instrument_id: int
    symbol: str
    status: _types_pb2.InstrumentStatus
    sequence: int
    def __init__(self, instrument_id: _Optional[int] = ..., symbol: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ..., sequence: _Optional[int] = ...) -> None: ...

class StreamInstrumentStatusResponse(_message.Message):
    __slots__ = ("changes", "snapshot_complete")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[InstrumentStatusChange]
    snapshot_complete: bool
    def __init__(self, changes: _Optional[_Iterable[_Union[InstrumentStatusChange, _Mapping]]] = ..., snapshot_complete: _Optional[bool] = ...) -> None: ...

class GetContractRequest(_message.Message):
    __slots__ = ("product",)
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    product: str
    def __init__(self, product: _Optional[str] = ...) -> None: ...

class GetContractResponse(_message.Message):
    __slots__ = ("text", "grade", "region")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    text: str
    grade: ClassGrade
    region: Region
    def __init__(self, text: _Optional[str] = ..., grade: _Optional[_Union[ClassGrade, _Mapping]] = ..., region: _Optional[_Union[Region, _Mapping]] = ...) -> None: ...
