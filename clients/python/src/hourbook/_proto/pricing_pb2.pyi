import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RatingGrade(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RATING_GRADE_UNSPECIFIED: _ClassVar[RatingGrade]
    RATING_GRADE_D: _ClassVar[RatingGrade]
    RATING_GRADE_C: _ClassVar[RatingGrade]
    RATING_GRADE_CC: _ClassVar[RatingGrade]
    RATING_GRADE_CCC: _ClassVar[RatingGrade]
    RATING_GRADE_B: _ClassVar[RatingGrade]
    RATING_GRADE_BB: _ClassVar[RatingGrade]
    RATING_GRADE_BBB: _ClassVar[RatingGrade]
    RATING_GRADE_A: _ClassVar[RatingGrade]
    RATING_GRADE_AA: _ClassVar[RatingGrade]
    RATING_GRADE_AAA: _ClassVar[RatingGrade]

class WithheldReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WITHHELD_REASON_UNSPECIFIED: _ClassVar[WithheldReason]
    WITHHELD_REASON_NO_INVENTORY: _ClassVar[WithheldReason]
    WITHHELD_REASON_NO_ROOM: _ClassVar[WithheldReason]
    WITHHELD_REASON_BELOW_TICK: _ClassVar[WithheldReason]
    WITHHELD_REASON_DELIVERING: _ClassVar[WithheldReason]

class PriceTermKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_TERM_KIND_UNSPECIFIED: _ClassVar[PriceTermKind]
    PRICE_TERM_KIND_MONEY: _ClassVar[PriceTermKind]
    PRICE_TERM_KIND_FACTOR: _ClassVar[PriceTermKind]
    PRICE_TERM_KIND_SHARE: _ClassVar[PriceTermKind]
RATING_GRADE_UNSPECIFIED: RatingGrade
RATING_GRADE_D: RatingGrade
RATING_GRADE_C: RatingGrade
RATING_GRADE_CC: RatingGrade
RATING_GRADE_CCC: RatingGrade
RATING_GRADE_B: RatingGrade
RATING_GRADE_BB: RatingGrade
RATING_GRADE_BBB: RatingGrade
RATING_GRADE_A: RatingGrade
RATING_GRADE_AA: RatingGrade
RATING_GRADE_AAA: RatingGrade
WITHHELD_REASON_UNSPECIFIED: WithheldReason
WITHHELD_REASON_NO_INVENTORY: WithheldReason
WITHHELD_REASON_NO_ROOM: WithheldReason
WITHHELD_REASON_BELOW_TICK: WithheldReason
WITHHELD_REASON_DELIVERING: WithheldReason
PRICE_TERM_KIND_UNSPECIFIED: PriceTermKind
PRICE_TERM_KIND_MONEY: PriceTermKind
PRICE_TERM_KIND_FACTOR: PriceTermKind
PRICE_TERM_KIND_SHARE: PriceTermKind

class QuoteRequest(_message.Message):
    __slots__ = ("symbol", "product", "provider_id", "quantity", "inventory_quantity", "capacity_quantity")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    INVENTORY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    product: str
    provider_id: int
    quantity: int
    inventory_quantity: int
    capacity_quantity: int
    def __init__(self, symbol: _Optional[str] = ..., product: _Optional[str] = ..., provider_id: _Optional[int] = ..., quantity: _Optional[int] = ..., inventory_quantity: _Optional[int] = ..., capacity_quantity: _Optional[int] = ...) -> None: ...

class PriceQuote(_message.Message):
    __slots__ = ("symbol", "product", "provider_id", "currency", "tick_micros", "fair_price_micros", "fair_low_micros", "fair_high_micros", "bid_price_micros", "bid_quantity", "bid_withheld", "ask_price_micros", "ask_quantity", "ask_withheld", "reservation_price_micros", "hours_to_delivery", "score_ppm", "parameters_digest", "sequence", "time")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRODUCT_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TICK_MICROS_FIELD_NUMBER: _ClassVar[int]
    FAIR_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    FAIR_LOW_MICROS_FIELD_NUMBER: _ClassVar[int]
    FAIR_HIGH_MICROS_FIELD_NUMBER: _ClassVar[int]
    BID_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BID_WITHHELD_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_WITHHELD_FIELD_NUMBER: _ClassVar[int]
    RESERVATION_PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    HOURS_TO_DELIVERY_FIELD_NUMBER: _ClassVar[int]
    SCORE_PPM_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    product: str
    provider_id: int
    currency: str
    tick_micros: int
    fair_price_micros: int
    fair_low_micros: int
    fair_high_micros: int
    bid_price_micros: int
    bid_quantity: int
    bid_withheld: WithheldReason
    ask_price_micros: int
    ask_quantity: int
    ask_withheld: WithheldReason
    reservation_price_micros: int
    hours_to_delivery: int
    score_ppm: int
    parameters_digest: str
    sequence: int
    time: _timestamp_pb2.Timestamp
    def __init__(self, symbol: _Optional[str] = ..., product: _Optional[str] = ..., provider_id: _Optional[int] = ..., currency: _Optional[str] = ..., tick_micros: _Optional[int] = ..., fair_price_micros: _Optional[int] = ..., fair_low_micros: _Optional[int] = ..., fair_high_micros: _Optional[int] = ..., bid_price_micros: _Optional[int] = ..., bid_quantity: _Optional[int] = ..., bid_withheld: _Optional[_Union[WithheldReason, str]] = ..., ask_price_micros: _Optional[int] = ..., ask_quantity: _Optional[int] = ..., ask_withheld: _Optional[_Union[WithheldReason, str]] = ..., reservation_price_micros: _Optional[int] = ..., hours_to_delivery: _Optional[int] = ..., score_ppm: _Optional[int] = ..., parameters_digest: _Optional[str] = ..., sequence: _Optional[int] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class QuoteResponse(_message.Message):
    __slots__ = ("quote",)
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    quote: PriceQuote
    def __init__(self, quote: _Optional[_Union[PriceQuote, _Mapping]] = ...) -> None: ...

class Service(_message.Message):
    __slots__ = ("provider_id",)
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    provider_id: int
    def __init__(self, provider_id: _Optional[int] = ..., **kwargs) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("quote", "service")
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    quote: QuoteRequest
    service: Service
    def __init__(self, quote: _Optional[_Union[QuoteRequest, _Mapping]] = ..., service: _Optional[_Union[Service, _Mapping]] = ...) -> None: ...

class PriceTerm(_message.Message):
    __slots__ = ("term", "value", "kind")
    TERM_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    term: str
    value: str
    kind: PriceTermKind
    def __init__(self, term: _Optional[str] = ..., value: _Optional[str] = ..., kind: _Optional[_Union[PriceTermKind, str]] = ...) -> None: ...

class ScoreAttribute(_message.Message):
    __slots__ = ("metric", "weight_ppm", "estimate", "estimate_bound", "score_ppm", "bound_ppm", "evidence_micros")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_PPM_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_BOUND_FIELD_NUMBER: _ClassVar[int]
    SCORE_PPM_FIELD_NUMBER: _ClassVar[int]
    BOUND_PPM_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    metric: str
    weight_ppm: int
    estimate: str
    estimate_bound: str
    score_ppm: int
    bound_ppm: int
    evidence_micros: int
    def __init__(self, metric: _Optional[str] = ..., weight_ppm: _Optional[int] = ..., estimate: _Optional[str] = ..., estimate_bound: _Optional[str] = ..., score_ppm: _Optional[int] = ..., bound_ppm: _Optional[int] = ..., evidence_micros: _Optional[int] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("quote", "fair_terms", "quote_terms", "score")
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    FAIR_TERMS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_TERMS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    quote: PriceQuote
    fair_terms: _containers.RepeatedCompositeFieldContainer[PriceTerm]
    quote_terms: _containers.RepeatedCompositeFieldContainer[PriceTerm]
    score: Score
    def __init__(self, quote: _Optional[_Union[PriceQuote, _Mapping]] = ..., fair_terms: _Optional[_Iterable[_Union[PriceTerm, _Mapping]]] = ..., quote_terms: _Optional[_Iterable[_Union[PriceTerm, _Mapping]]] = ..., score: _Optional[_Union[Score, _Mapping]] = ...) -> None: ...

class Score(_message.Message):
    __slots__ = ("provider_id", "score_ppm", "bound_ppm", "evidence_micros", "attributes", "as_of_time", "parameters_digest")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    SCORE_PPM_FIELD_NUMBER: _ClassVar[int]
    BOUND_PPM_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    AS_OF_TIME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    provider_id: int
    score_ppm: int
    bound_ppm: int
    evidence_micros: int
    attributes: _containers.RepeatedCompositeFieldContainer[ScoreAttribute]
    as_of_time: _timestamp_pb2.Timestamp
    parameters_digest: str
    def __init__(self, provider_id: _Optional[int] = ..., score_ppm: _Optional[int] = ..., bound_ppm: _Optional[int] = ..., evidence_micros: _Optional[int] = ..., attributes: _Optional[_Iterable[_Union[ScoreAttribute, _Mapping]]] = ..., as_of_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parameters_digest: _Optional[str] = ..., **kwargs) -> None: ...

class Rating(_message.Message):
    __slots__ = ("provider_id", "grade", "score_ppm", "bound_ppm", "evidence_micros", "tiers", "rated_time", "parameters_digest")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    GRADE_FIELD_NUMBER: _ClassVar[int]
    SCORE_PPM_FIELD_NUMBER: _ClassVar[int]
    BOUND_PPM_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    RATED_TIME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    provider_id: int
    grade: RatingGrade
    score_ppm: int
    bound_ppm: int
    evidence_micros: int
    tiers: _containers.RepeatedScalarFieldContainer[str]
    rated_time: _timestamp_pb2.Timestamp
    parameters_digest: str
    def __init__(self, provider_id: _Optional[int] = ..., grade: _Optional[_Union[RatingGrade, str]] = ..., score_ppm: _Optional[int] = ..., bound_ppm: _Optional[int] = ..., evidence_micros: _Optional[int] = ..., tiers: _Optional[_Iterable[str]] = ..., rated_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., parameters_digest: _Optional[str] = ..., **kwargs) -> None: ...

class GetRatingRequest(_message.Message):
    __slots__ = ("provider_id",)
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    provider_id: int
    def __init__(self, provider_id: _Optional[int] = ..., **kwargs) -> None: ...

class GetRatingResponse(_message.Message):
    __slots__ = ("rating",)
    RATING_FIELD_NUMBER: _ClassVar[int]
    rating: Rating
    def __init__(self, rating: _Optional[_Union[Rating, _Mapping]] = ...) -> None: ...

class ListRatingsRequest(_message.Message):
    __slots__ = ("provider_id", "page_size", "page_token")
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    provider_id: int
    page_size: int
    page_token: str
    def __init__(self, provider_id: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRatingsResponse(_message.Message):
    __slots__ = ("ratings", "next_page_token")
    RATINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ratings: _containers.RepeatedCompositeFieldContainer[Rating]
    next_page_token: str
    def __init__(self, ratings: _Optional[_Iterable[_Union[Rating, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("metric", "observation_time", "trials", "value_micros")
    METRIC_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    VALUE_MICROS_FIELD_NUMBER: _ClassVar[int]
    metric: str
    observation_time: _timestamp_pb2.Timestamp
    trials: Trials
    value_micros: int
    def __init__(self, metric: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trials: _Optional[_Union[Trials, _Mapping]] = ..., value_micros: _Optional[int] = ...) -> None: ...

class Trials(_message.Message):
    __slots__ = ("good_micros", "total_micros")
    GOOD_MICROS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_MICROS_FIELD_NUMBER: _ClassVar[int]
    good_micros: int
    total_micros: int
    def __init__(self, good_micros: _Optional[int] = ..., total_micros: _Optional[int] = ...) -> None: ...

class SubmitObservationsRequest(_message.Message):
    __slots__ = ("request_id", "provider_id", "observations")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    OBSERVATIONS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    provider_id: int
    observations: _containers.RepeatedCompositeFieldContainer[Observation]
    def __init__(self, request_id: _Optional[str] = ..., provider_id: _Optional[int] = ..., observations: _Optional[_Iterable[_Union[Observation, _Mapping]]] = ..., **kwargs) -> None: ...

class SubmitObservationsResponse(_message.Message):
    __slots__ = ("sequence", "repeated", "observation_count")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_COUNT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    repeated: bool
    observation_count: int
    def __init__(self, sequence: _Optional[int] = ..., repeated: _Optional[bool] = ..., observation_count: _Optional[int] = ...) -> None: ...

class StreamQuotesRequest(_message.Message):
    __slots__ = ("quotes",)
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[QuoteRequest]
    def __init__(self, quotes: _Optional[_Iterable[_Union[QuoteRequest, _Mapping]]] = ...) -> None: ...

class StreamQuotesResponse(_message.Message):
    __slots__ = ("quotes",)
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    quotes: _containers.RepeatedCompositeFieldContainer[PriceQuote]
    def __init__(self, quotes: _Optional[_Iterable[_Union[PriceQuote, _Mapping]]] = ...) -> None: ...
