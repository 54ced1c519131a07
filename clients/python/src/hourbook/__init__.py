"""Hourbook: a client of an exchange for compute hours.

    from hourbook import Client

    with Client("127.0.0.1:7070", key) as exchange:
        exchange.create_order("GP.CNNX.A.H20261124T08", "limit", "buy", 10, "0.2224")

`Client` and `AsyncClient` have the same verbs. `hourbook.errors` tells what they raise, `hourbook.models` what they give back.
"""

from hourbook._wire import Session
from hourbook._wire_aio import AsyncSession
from hourbook.aio import AsyncClient, AsyncSubscription
from hourbook.answers import Done, IssuedKey, OrderResult, QuotesResult, Rows, Ticker, to_df
from hourbook.books import BookView, LevelBook, OrderBook
from hourbook.client import Client, Subscription
from hourbook.enums import (
    CancelReason,
    CandleInterval,
    CurvePrice,
    InstrumentStatus,
    LedgerEntryKind,
    Liquidity,
    MarketDataView,
    OrderType,
    PriceTermKind,
    RatingGrade,
    RejectReason,
    ReportKind,
    Role,
    SelfTradePrevention,
    Side,
    SlowReader,
    TimeInForce,
    WithheldReason,
)
from hourbook.errors import (
    AlreadyTaken,
    BookDiffers,
    Closed,
    EntryRefused,
    HourbookError,
    Misstated,
    NotCovered,
    NotExact,
    NotNow,
    OverLimit,
    Refused,
    StatusError,
    UnknownName,
)
from hourbook.feed import Feed, MarketUpdate, Recorder, recorded
from hourbook.requests import NewOrder, Observation, PriceRequest, Quote

__all__ = [
    "AlreadyTaken",
    "AsyncClient",
    "AsyncSession",
    "AsyncSubscription",
    "BookDiffers",
    "BookView",
    "CancelReason",
    "CandleInterval",
    "Client",
    "Closed",
    "CurvePrice",
    "Done",
    "EntryRefused",
    "Feed",
    "HourbookError",
    "InstrumentStatus",
    "IssuedKey",
    "LedgerEntryKind",
    "LevelBook",
    "Liquidity",
    "MarketDataView",
    "MarketUpdate",
    "Misstated",
    "NewOrder",
    "NotCovered",
    "NotExact",
    "NotNow",
    "Observation",
    "OrderBook",
    "OrderResult",
    "OrderType",
    "OverLimit",
    "PriceRequest",
    "PriceTermKind",
    "Quote",
    "QuotesResult",
    "RatingGrade",
    "Recorder",
    "Refused",
    "RejectReason",
    "ReportKind",
    "Role",
    "Rows",
    "SelfTradePrevention",
    "Session",
    "Side",
    "SlowReader",
    "StatusError",
    "Subscription",
    "Ticker",
    "TimeInForce",
    "UnknownName",
    "WithheldReason",
    "recorded",
    "to_df",
]
