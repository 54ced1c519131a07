import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from hourbook._proto import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MarketDataView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET_DATA_VIEW_UNSPECIFIED: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_TOP: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_LEVELS: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_ORDERS: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_TRADES: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_STATISTICS: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_CANDLES: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_STATUS: _ClassVar[MarketDataView]
    MARKET_DATA_VIEW_INDICATIVE: _ClassVar[MarketDataView]

class CandleInterval(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANDLE_INTERVAL_UNSPECIFIED: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_SECOND: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_MINUTE: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_FIVE_MINUTES: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_QUARTER_HOUR: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_HOUR: _ClassVar[CandleInterval]
    CANDLE_INTERVAL_DAY: _ClassVar[CandleInterval]

class SlowReader(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SLOW_READER_UNSPECIFIED: _ClassVar[SlowReader]
    SLOW_READER_CLOSE: _ClassVar[SlowReader]
    SLOW_READER_CONFLATE: _ClassVar[SlowReader]

class CurvePrice(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CURVE_PRICE_UNSPECIFIED: _ClassVar[CurvePrice]
    CURVE_PRICE_MID: _ClassVar[CurvePrice]
    CURVE_PRICE_LAST: _ClassVar[CurvePrice]
    CURVE_PRICE_REFERENCE: _ClassVar[CurvePrice]
MARKET_DATA_VIEW_UNSPECIFIED: MarketDataView
MARKET_DATA_VIEW_TOP: MarketDataView
MARKET_DATA_VIEW_LEVELS: MarketDataView
MARKET_DATA_VIEW_ORDERS: MarketDataView
MARKET_DATA_VIEW_TRADES: MarketDataView
MARKET_DATA_VIEW_STATISTICS: MarketDataView
MARKET_DATA_VIEW_CANDLES: MarketDataView
MARKET_DATA_VIEW_STATUS: MarketDataView
MARKET_DATA_VIEW_INDICATIVE: MarketDataView
CANDLE_INTERVAL_UNSPECIFIED: CandleInterval
CANDLE_INTERVAL_SECOND: CandleInterval
CANDLE_INTERVAL_MINUTE: CandleInterval
CANDLE_INTERVAL_FIVE_MINUTES: CandleInterval
CANDLE_INTERVAL_QUARTER_HOUR: CandleInterval
CANDLE_INTERVAL_HOUR: CandleInterval
CANDLE_INTERVAL_DAY: CandleInterval
SLOW_READER_UNSPECIFIED: SlowReader
SLOW_READER_CLOSE: SlowReader
SLOW_READER_CONFLATE: SlowReader
CURVE_PRICE_UNSPECIFIED: CurvePrice
CURVE_PRICE_MID: CurvePrice
CURVE_PRICE_LAST: CurvePrice
CURVE_PRICE_REFERENCE: CurvePrice

class SubscribeRequest(_message.Message):
    __slots__ = ("symbols", "patterns", "views", "candle_intervals", "slow_reader", "resume")
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    CANDLE_INTERVALS_FIELD_NUMBER: _ClassVar[int]
    SLOW_READER_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    patterns: _containers.RepeatedScalarFieldContainer[str]
    views: _containers.RepeatedScalarFieldContainer[MarketDataView]
    candle_intervals: _containers.RepeatedScalarFieldContainer[CandleInterval]
    slow_reader: SlowReader
    resume: _containers.RepeatedCompositeFieldContainer[ResumePoint]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., patterns: _Optional[_Iterable[str]] = ..., views: _Optional[_Iterable[_Union[MarketDataView, str]]] = ..., candle_intervals: _Optional[_Iterable[_Union[CandleInterval, str]]] = ..., slow_reader: _Optional[_Union[SlowReader, str]] = ..., resume: _Optional[_Iterable[_Union[ResumePoint, _Mapping]]] = ...) -> None: ...

class ResumePoint(_message.Message):
    __slots__ = ("instrument_id", "view", "candle_interval", "epoch", "from_number")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    CANDLE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FROM_NUMBER_FIELD_NUMBER: _ClassVar[int]
    instrument_id: int
    view: MarketDataView
    candle_interval: CandleInterval
    epoch: int
    from_number: int
    def __init__(self, instrument_id: _Optional[int] = ..., view: _Optional[_Union[MarketDataView, str]] = ..., candle_interval: _Optional[_Union[CandleInterval, str]] = ..., epoch: _Optional[int] = ..., from_number: _Optional[int] = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("updates",)
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    updates: _containers.RepeatedCompositeFieldContainer[MarketUpdate]
    def __init__(self, updates: _Optional[_Iterable[_Union[MarketUpdate, _Mapping]]] = ...) -> None: ...

class MarketUpdate(_message.Message):
    __slots__ = ("instrument_id", "number", "sequence", "time", "snapshot", "incomplete", "instrument", "top", "levels", "orders", "trades", "statistics", "candles", "heartbeat", "over", "status", "indicative")
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    INCOMPLETE_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    OVER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    instrument_id: int
    number: int
    sequence: int
    time: _timestamp_pb2.Timestamp
    snapshot: bool
    incomplete: bool
    instrument: MarketInstrument
    top: TopOfBook
    levels: LevelChanges
    orders: OrderChanges
    trades: MarketTrades
    statistics: Statistics
    candles: Candles
    heartbeat: MarketHeartbeat
    over: MarketInstrumentOver
    status: MarketStatus
    indicative: IndicativeUncross
    def __init__(self, instrument_id: _Optional[int] = ..., number: _Optional[int] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., snapshot: _Optional[bool] = ..., incomplete: _Optional[bool] = ..., instrument: _Optional[_Union[MarketInstrument, _Mapping]] = ..., top: _Optional[_Union[TopOfBook, _Mapping]] = ..., levels: _Optional[_Union[LevelChanges, _Mapping]] = ..., orders: _Optional[_Union[OrderChanges, _Mapping]] = ..., trades: _Optional[_Union[MarketTrades, _Mapping]] = ..., statistics: _Optional[_Union[Statistics, _Mapping]] = ..., candles: _Optional[_Union[Candles, _Mapping]] = ..., heartbeat: _Optional[_Union[MarketHeartbeat, _Mapping]] = ..., over: _Optional[_Union[MarketInstrumentOver, _Mapping]] = ..., status: _Optional[_Union[MarketStatus, _Mapping]] = ..., indicative: _Optional[_Union[IndicativeUncross, _Mapping]] = ...) -> None: ...

class MarketInstrument(_message.Message):
    __slots__ = ("symbol", "epoch")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    epoch: int
    def __init__(self, symbol: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class TopOfBook(_message.Message):
    __slots__ = ("bid", "ask")
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    bid: Level
    ask: Level
    def __init__(self, bid: _Optional[_Union[Level, _Mapping]] = ..., ask: _Optional[_Union[Level, _Mapping]] = ...) -> None: ...

class LevelChanges(_message.Message):
    __slots__ = ("bids", "asks", "checksum")
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    checksum: int
    def __init__(self, bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., checksum: _Optional[int] = ...) -> None: ...

class OrderChanges(_message.Message):
    __slots__ = ("changes", "checksum")
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[OrderChange]
    checksum: int
    def __init__(self, changes: _Optional[_Iterable[_Union[OrderChange, _Mapping]]] = ..., checksum: _Optional[int] = ...) -> None: ...

class OrderChange(_message.Message):
    __slots__ = ("order_id", "side", "price_micros", "quantity", "joins")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    JOINS_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    side: _types_pb2.Side
    price_micros: int
    quantity: int
    joins: bool
    def __init__(self, order_id: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., joins: _Optional[bool] = ...) -> None: ...

class MarketTrades(_message.Message):
    __slots__ = ("trades",)
    TRADES_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[MarketTrade]
    def __init__(self, trades: _Optional[_Iterable[_Union[MarketTrade, _Mapping]]] = ...) -> None: ...

class MarketTrade(_message.Message):
    __slots__ = ("trade_id", "price_micros", "quantity", "taker_side")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    price_micros: int
    quantity: int
    taker_side: _types_pb2.Side
    def __init__(self, trade_id: _Optional[int] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., taker_side: _Optional[_Union[_types_pb2.Side, str]] = ...) -> None: ...

class Statistics(_message.Message):
    __slots__ = ("day", "open_price_micros", "high_price_micros", "low_price_micros", "last_price_micros", "volume", "vwap_micros", "trade_count", "since_time")
    DAY_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    HIGH_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    LOW_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    VWAP_MICROS_FIELD_NUMBER: _ClassVar[int]
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    day: _timestamp_pb2.Timestamp
    open_price_micros: int
    high_price_micros: int
    low_price_micros: int
    last_price_micros: int
    volume: int
    vwap_micros: int
    trade_count: int
    since_time: _timestamp_pb2.Timestamp
    def __init__(self, day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open_price_micros: _Optional[int] = ..., high_price_micros: _Optional[int] = ..., low_price_micros: _Optional[int] = ..., last_price_micros: _Optional[int] = ..., volume: _Optional[int] = ..., vwap_micros: _Optional[int] = ..., trade_count: _Optional[int] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Candles(_message.Message):
    __slots__ = ("interval", "candles")
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    interval: CandleInterval
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    def __init__(self, interval: _Optional[_Union[CandleInterval, str]] = ..., candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("start_time", "open_price_micros", "high_price_micros", "low_price_micros", "close_price_micros", "volume", "trade_count")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    HIGH_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    LOW_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    open_price_micros: int
    high_price_micros: int
    low_price_micros: int
    close_price_micros: int
    volume: int
    trade_count: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open_price_micros: _Optional[int] = ..., high_price_micros: _Optional[int] = ..., low_price_micros: _Optional[int] = ..., close_price_micros: _Optional[int] = ..., volume: _Optional[int] = ..., trade_count: _Optional[int] = ...) -> None: ...

class MarketStatus(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _types_pb2.InstrumentStatus
    def __init__(self, status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ...) -> None: ...

class IndicativeUncross(_message.Message):
    __slots__ = ("price_micros", "quantity")
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price_micros: int
    quantity: int
    def __init__(self, price_micros: _Optional[int] = ..., quantity: _Optional[int] = ...) -> None: ...

class MarketHeartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MarketInstrumentOver(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetBookRequest(_message.Message):
    __slots__ = ("symbol", "instrument_id", "depth", "orders")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    depth: int
    orders: bool
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., depth: _Optional[int] = ..., orders: _Optional[bool] = ...) -> None: ...

class Level(_message.Message):
    __slots__ = ("price_micros", "quantity", "order_count")
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ORDER_COUNT_FIELD_NUMBER: _ClassVar[int]
    price_micros: int
    quantity: int
    order_count: int
    def __init__(self, price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., order_count: _Optional[int] = ...) -> None: ...

class BookOrder(_message.Message):
    __slots__ = ("order_id", "price_micros", "quantity")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    price_micros: int
    quantity: int
    def __init__(self, order_id: _Optional[int] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ...) -> None: ...

class GetBookResponse(_message.Message):
    __slots__ = ("symbol", "instrument_id", "sequence", "time", "status", "bids", "asks", "bid_orders", "ask_orders", "last_trade_price_micros", "reference_price_micros", "band_low_micros", "band_high_micros", "indicative_price_micros", "indicative_quantity")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    BID_ORDERS_FIELD_NUMBER: _ClassVar[int]
    ASK_ORDERS_FIELD_NUMBER: _ClassVar[int]
    LAST_TRADE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    BAND_LOW_MICROS_FIELD_NUMBER: _ClassVar[int]
    BAND_HIGH_MICROS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    sequence: int
    time: _timestamp_pb2.Timestamp
    status: _types_pb2.InstrumentStatus
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    bid_orders: _containers.RepeatedCompositeFieldContainer[BookOrder]
    ask_orders: _containers.RepeatedCompositeFieldContainer[BookOrder]
    last_trade_price_micros: int
    reference_price_micros: int
    band_low_micros: int
    band_high_micros: int
    indicative_price_micros: int
    indicative_quantity: int
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., bid_orders: _Optional[_Iterable[_Union[BookOrder, _Mapping]]] = ..., ask_orders: _Optional[_Iterable[_Union[BookOrder, _Mapping]]] = ..., last_trade_price_micros: _Optional[int] = ..., reference_price_micros: _Optional[int] = ..., band_low_micros: _Optional[int] = ..., band_high_micros: _Optional[int] = ..., indicative_price_micros: _Optional[int] = ..., indicative_quantity: _Optional[int] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("symbol", "start_time", "end_time", "page_size", "page_token")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, symbol: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("trades", "next_page_token")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[PastTrade]
    next_page_token: str
    def __init__(self, trades: _Optional[_Iterable[_Union[PastTrade, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class PastTrade(_message.Message):
    __slots__ = ("trade_id", "price_micros", "quantity", "taker_side", "sequence", "time")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    price_micros: int
    quantity: int
    taker_side: _types_pb2.Side
    sequence: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, trade_id: _Optional[int] = ..., price_micros: _Optional[int] = ..., quantity: _Optional[int] = ..., taker_side: _Optional[_Union[_types_pb2.Side, str]] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListCandlesRequest(_message.Message):
    __slots__ = ("symbol", "interval", "start_time", "end_time", "page_size", "page_token")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    interval: CandleInterval
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, symbol: _Optional[str] = ..., interval: _Optional[_Union[CandleInterval, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListCandlesResponse(_message.Message):
    __slots__ = ("candles", "next_page_token")
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    next_page_token: str
    def __init__(self, candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListIndexRequest(_message.Message):
    __slots__ = ("product", "start_time", "end_time", "page_size", "page_token")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, product: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListIndexResponse(_message.Message):
    __slots__ = ("hours", "next_page_token")
    HOURS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    hours: _containers.RepeatedCompositeFieldContainer[IndexHour]
    next_page_token: str
    def __init__(self, hours: _Optional[_Iterable[_Union[IndexHour, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class IndexHour(_message.Message):
    __slots__ = ("delivery_start_time", "symbol", "price_micros", "volume", "trade_count")
    DELIVERY_START_TIME_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    TRADE_COUNT_FIELD_NUMBER: _ClassVar[int]
    delivery_start_time: _timestamp_pb2.Timestamp
    symbol: str
    price_micros: int
    volume: int
    trade_count: int
    def __init__(self, delivery_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., symbol: _Optional[str] = ..., price_micros: _Optional[int] = ..., volume: _Optional[int] = ..., trade_count: _Optional[int] = ...) -> None: ...

class GetForwardCurveRequest(_message.Message):
    __slots__ = ("product", "page_size", "page_token")
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    product: str
    page_size: int
    page_token: str
    def __init__(self, product: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetForwardCurveResponse(_message.Message):
    __slots__ = ("sequence", "time", "points", "next_page_token")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time: _timestamp_pb2.Timestamp
    points: _containers.RepeatedCompositeFieldContainer[CurvePoint]
    next_page_token: str
    def __init__(self, sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., points: _Optional[_Iterable[_Union[CurvePoint, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CurvePoint(_message.Message):
    __slots__ = ("symbol", "instrument_id", "delivery_start_time", "hours", "price_micros", "taken_from", "bid_price_micros", "ask_price_micros", "last_trade_price_micros", "reference_price_micros", "status")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_START_TIME_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TAKEN_FROM_FIELD_NUMBER: _ClassVar[int]
    BID_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    LAST_TRADE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    instrument_id: int
    delivery_start_time: _timestamp_pb2.Timestamp
    hours: int
    price_micros: int
    taken_from: CurvePrice
    bid_price_micros: int
    ask_price_micros: int
    last_trade_price_micros: int
    reference_price_micros: int
    status: _types_pb2.InstrumentStatus
    def __init__(self, symbol: _Optional[str] = ..., instrument_id: _Optional[int] = ..., delivery_start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., hours: _Optional[int] = ..., price_micros: _Optional[int] = ..., taken_from: _Optional[_Union[CurvePrice, str]] = ..., bid_price_micros: _Optional[int] = ..., ask_price_micros: _Optional[int] = ..., last_trade_price_micros: _Optional[int] = ..., reference_price_micros: _Optional[int] = ..., status: _Optional[_Union[_types_pb2.InstrumentStatus, str]] = ...) -> None: ...
