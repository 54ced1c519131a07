"""What the exchange tells, as values; made by generate.py of the contract.

Prices are in the currency per unit-hour and amounts in the currency, exact to the micro; quantities are
lots; shares and scores are parts of one; times are UTC, cut to the microsecond. None stands where there is none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Self

from hourbook import enums, exact
from hourbook._proto import accounts_pb2, admin_pb2, instruments_pb2, market_data_pb2, orders_pb2, pricing_pb2, types_pb2


@dataclass(frozen=True, slots=True)
class Fill:
    """One match as one of its two owners sees it."""

    # The trade, counted over the whole exchange; both sides name the same.
    trade_id: int
    # Per unit-hour; the maker's price, or the uncross price.
    price: Decimal
    # Lots.
    quantity: Decimal
    # Maker, taker or auction.
    liquidity: enums.Liquidity
    # In the currency, rounded down. A buyer paid it at once; a seller pays it at settlement.
    fee: Decimal

    @classmethod
    def of(cls, message: types_pb2.Fill) -> Self:
        return cls(
            trade_id=message.trade_id,
            price=exact.of_micros(message.price_micros),
            quantity=Decimal(message.quantity),
            liquidity=enums.Liquidity(message.liquidity),
            fee=exact.of_micros(message.fee_micros),
        )


@dataclass(frozen=True, slots=True)
class ExecutionReport:
    """A private message on an order's change."""

    # Whose order it is.
    account_id: int
    # The account's own number of reports, from 1 without gaps: resume from here.
    number: int
    # The exchange's sequence number of the command that caused it.
    sequence: int
    # When that command was sequenced.
    transaction_time: datetime
    # What happened.
    kind: enums.ReportKind
    # The exchange's id of the order; None for one that never was.
    order_id: int | None
    # The client's id of the order; empty when none was given.
    client_order_id: str
    # The number of the session's message that caused it; None when a timer, another account or a unary
    # call did.
    request_number: int
    # The instrument.
    instrument_id: int
    # Its symbol; filled in unary answers and lists, left out of sessions and streams.
    symbol: str
    # The order's side; unspecified, as type and time in force are, where a report is about no order
    # that is known.
    side: enums.Side
    # The order's type.
    order_type: enums.OrderType
    # The order's time in force.
    time_in_force: enums.TimeInForce
    # Its limit; None for market and stop orders.
    price: Decimal | None
    # A waiting stop's trigger; None otherwise.
    trigger_price: Decimal | None
    # Order quantity, lots: asked for in all.
    quantity: Decimal
    # Lots filled so far.
    cumulative_quantity: Decimal
    # Lots still open.
    leaves_quantity: Decimal
    # Set for FILLED.
    fill: Fill | None
    # Set for REJECTED and the other refusals.
    reject_reason: enums.RejectReason | None
    # Set for CANCELLED.
    cancel_reason: enums.CancelReason | None
    # Lots cancelled, for CANCELLED.
    cancelled_quantity: Decimal
    # The session whose message caused it, as `LoggedOn` names it; None when a timer, another account or
    # a unary call did.
    session_id: int

    @classmethod
    def of(cls, message: types_pb2.ExecutionReport) -> Self:
        return cls(
            account_id=message.account_id,
            number=message.number,
            sequence=message.sequence,
            transaction_time=exact.time_of(message.transaction_time),
            kind=enums.ReportKind(message.kind),
            order_id=message.order_id if message.order_id else None,
            client_order_id=message.client_order_id,
            request_number=message.request_number,
            instrument_id=message.instrument_id,
            symbol=message.symbol,
            side=enums.Side(message.side),
            order_type=enums.OrderType(message.order_type),
            time_in_force=enums.TimeInForce(message.time_in_force),
            price=exact.of_micros(message.price_micros) if message.price_micros else None,
            trigger_price=exact.of_micros(message.trigger_price_micros) if message.trigger_price_micros else None,
            quantity=Decimal(message.quantity),
            cumulative_quantity=Decimal(message.cumulative_quantity),
            leaves_quantity=Decimal(message.leaves_quantity),
            fill=Fill.of(message.fill) if message.HasField("fill") else None,
            reject_reason=enums.RejectReason(message.reject_reason) if message.reject_reason else None,
            cancel_reason=enums.CancelReason(message.cancel_reason) if message.cancel_reason else None,
            cancelled_quantity=Decimal(message.cancelled_quantity),
            session_id=message.session_id,
        )


@dataclass(frozen=True, slots=True)
class Order:
    """An order, live or over."""

    # The last that was reported of it; for a live order its present state.
    report: ExecutionReport
    # Whether it is still open.
    live: bool
    # Lots others see; none of a stop that waits.
    displayed_quantity: Decimal
    # Cash held for it; a sell holds its leaves in hours.
    hold: Decimal
    # Refused if it would have traded at once.
    post_only: bool
    # Placed by a mass quote.
    quote: bool

    @classmethod
    def of(cls, message: orders_pb2.Order) -> Self:
        return cls(
            report=ExecutionReport.of(message.report),
            live=message.live,
            displayed_quantity=Decimal(message.displayed_quantity),
            hold=exact.of_micros(message.hold_micros),
            post_only=message.post_only,
            quote=message.quote,
        )


@dataclass(frozen=True, slots=True)
class Level:
    """All orders at one price."""

    # Per unit-hour.
    price: Decimal
    # Lots displayed.
    quantity: Decimal
    # How many orders.
    order_count: int

    @classmethod
    def of(cls, message: market_data_pb2.Level) -> Self:
        return cls(
            price=exact.of_micros(message.price_micros),
            quantity=Decimal(message.quantity),
            order_count=message.order_count,
        )


@dataclass(frozen=True, slots=True)
class BookOrder:
    """One order of a book, without its owner."""

    # The exchange's id.
    order_id: int
    # Per unit-hour; None for a market order that waits in a call.
    price: Decimal | None
    # Lots displayed.
    quantity: Decimal

    @classmethod
    def of(cls, message: market_data_pb2.BookOrder) -> Self:
        return cls(
            order_id=message.order_id,
            price=exact.of_micros(message.price_micros) if message.price_micros else None,
            quantity=Decimal(message.quantity),
        )


@dataclass(frozen=True, slots=True)
class Book:
    """A book."""

    # The symbol.
    symbol: str
    # The instrument's id.
    instrument_id: int
    # The sequence number at which this is true.
    sequence: int
    # The time of that command.
    time: datetime
    # How it trades.
    status: enums.InstrumentStatus
    # Best first.
    bids: tuple[Level, ...]
    # Best first.
    asks: tuple[Level, ...]
    # In the order in which they trade; empty unless asked for.
    bid_orders: tuple[BookOrder, ...]
    # In the order in which they trade; empty unless asked for.
    ask_orders: tuple[BookOrder, ...]
    # Per unit-hour; None before the first trade.
    last_trade_price: Decimal | None
    # What the band is measured from; None where there is none.
    reference_price: Decimal | None
    # The least price an order may have; None without a band.
    band_low: Decimal | None
    # The highest price an order may have; None without a band.
    band_high: Decimal | None
    # In a call: the price an uncross would have now; None when nothing would trade.
    indicative_price: Decimal | None
    # In a call: the lots an uncross would trade now.
    indicative_quantity: Decimal

    @classmethod
    def of(cls, message: market_data_pb2.GetBookResponse) -> Self:
        return cls(
            symbol=message.symbol,
            instrument_id=message.instrument_id,
            sequence=message.sequence,
            time=exact.time_of(message.time),
            status=enums.InstrumentStatus(message.status),
            bids=tuple(Level.of(each) for each in message.bids),
            asks=tuple(Level.of(each) for each in message.asks),
            bid_orders=tuple(BookOrder.of(each) for each in message.bid_orders),
            ask_orders=tuple(BookOrder.of(each) for each in message.ask_orders),
            last_trade_price=exact.of_micros(message.last_trade_price_micros) if message.last_trade_price_micros else None,
            reference_price=exact.of_micros(message.reference_price_micros) if message.reference_price_micros else None,
            band_low=exact.of_micros(message.band_low_micros) if message.band_low_micros else None,
            band_high=exact.of_micros(message.band_high_micros) if message.band_high_micros else None,
            indicative_price=exact.of_micros(message.indicative_price_micros) if message.indicative_price_micros else None,
            indicative_quantity=Decimal(message.indicative_quantity),
        )


@dataclass(frozen=True, slots=True)
class TopOfBook:
    """The best level of each side."""

    # Unset where nobody bids.
    bid: Level | None
    # Unset where nobody offers.
    ask: Level | None

    @classmethod
    def of(cls, message: market_data_pb2.TopOfBook) -> Self:
        return cls(
            bid=Level.of(message.bid) if message.HasField("bid") else None,
            ask=Level.of(message.ask) if message.HasField("ask") else None,
        )


@dataclass(frozen=True, slots=True)
class LevelChanges:
    """Levels as they are now; one without lots is gone. Market orders that wait in a call are in none."""

    # Bids, best first.
    bids: tuple[Level, ...]
    # Asks, best first.
    asks: tuple[Level, ...]
    # Over all levels of the book as it is now, also when this is a part: the sum modulo 2^32 of each
    # level's CRC-32C. docs/market_data.md says of which bytes.
    checksum: int

    @classmethod
    def of(cls, message: market_data_pb2.LevelChanges) -> Self:
        return cls(
            bids=tuple(Level.of(each) for each in message.bids),
            asks=tuple(Level.of(each) for each in message.asks),
            checksum=message.checksum,
        )


@dataclass(frozen=True, slots=True)
class OrderChange:
    """One order as it stands now."""

    # The exchange's id.
    order_id: int
    # Its side.
    side: enums.Side
    # Per unit-hour; None for a market order that waits in a call.
    price: Decimal | None
    # Lots displayed; None when it is gone.
    quantity: Decimal
    # It stands behind all others at its price now, as a new order or one that moved does; else it keeps
    # its place.
    joins: bool

    @classmethod
    def of(cls, message: market_data_pb2.OrderChange) -> Self:
        return cls(
            order_id=message.order_id,
            side=enums.Side(message.side),
            price=exact.of_micros(message.price_micros) if message.price_micros else None,
            quantity=Decimal(message.quantity),
            joins=message.joins,
        )


@dataclass(frozen=True, slots=True)
class OrderChanges:
    """What was done to orders, in the order in which it was done; of a snapshot, all orders as they
    stand in their queues."""

    # At least one, but for the snapshot of an empty book.
    changes: tuple[OrderChange, ...]
    # As in LevelChanges: the orders make up the levels.
    checksum: int

    @classmethod
    def of(cls, message: market_data_pb2.OrderChanges) -> Self:
        return cls(
            changes=tuple(OrderChange.of(each) for each in message.changes),
            checksum=message.checksum,
        )


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """A match as everyone sees it."""

    # Counted over the whole exchange.
    trade_id: int
    # Per unit-hour.
    price: Decimal
    # Lots.
    quantity: Decimal
    # The taker's side; in an uncross, the younger order's.
    taker_side: enums.Side

    @classmethod
    def of(cls, message: market_data_pb2.MarketTrade) -> Self:
        return cls(
            trade_id=message.trade_id,
            price=exact.of_micros(message.price_micros),
            quantity=Decimal(message.quantity),
            taker_side=enums.Side(message.taker_side),
        )


@dataclass(frozen=True, slots=True)
class Statistics:
    """The trades of one UTC day, added up."""

    # Midnight of the day of the last trade; unset before the first trade that is known, and so is all
    # below but `since_time`.
    day: datetime | None
    # The day's first price.
    open_price: Decimal | None
    # The highest.
    high_price: Decimal | None
    # The lowest.
    low_price: Decimal | None
    # The last.
    last_price: Decimal | None
    # Lots.
    volume: Decimal
    # The sum of price x lots over the volume, rounded to the nearest micro, half to even.
    vwap: Decimal | None
    # How many trades.
    trade_count: int
    # Trades before this, the start of the server or of the epoch, are not counted.
    since_time: datetime

    @classmethod
    def of(cls, message: market_data_pb2.Statistics) -> Self:
        return cls(
            day=exact.time_of(message.day) if message.HasField("day") else None,
            open_price=exact.of_micros(message.open_price_micros) if message.open_price_micros else None,
            high_price=exact.of_micros(message.high_price_micros) if message.high_price_micros else None,
            low_price=exact.of_micros(message.low_price_micros) if message.low_price_micros else None,
            last_price=exact.of_micros(message.last_price_micros) if message.last_price_micros else None,
            volume=Decimal(message.volume),
            vwap=exact.of_micros(message.vwap_micros) if message.vwap_micros else None,
            trade_count=message.trade_count,
            since_time=exact.time_of(message.since_time),
        )


@dataclass(frozen=True, slots=True)
class Candle:
    """The trades of one interval."""

    # When the interval begins.
    start_time: datetime
    # The first price.
    open_price: Decimal
    # The highest.
    high_price: Decimal
    # The lowest.
    low_price: Decimal
    # The last.
    close_price: Decimal
    # Lots.
    volume: Decimal
    # How many trades.
    trade_count: int

    @classmethod
    def of(cls, message: market_data_pb2.Candle) -> Self:
        return cls(
            start_time=exact.time_of(message.start_time),
            open_price=exact.of_micros(message.open_price_micros),
            high_price=exact.of_micros(message.high_price_micros),
            low_price=exact.of_micros(message.low_price_micros),
            close_price=exact.of_micros(message.close_price_micros),
            volume=Decimal(message.volume),
            trade_count=message.trade_count,
        )


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one interval, oldest first. An interval without trades has none."""

    # Which.
    interval: enums.CandleInterval
    # In a change, the one that grew or began.
    candles: tuple[Candle, ...]

    @classmethod
    def of(cls, message: market_data_pb2.Candles) -> Self:
        return cls(
            interval=enums.CandleInterval(message.interval),
            candles=tuple(Candle.of(each) for each in message.candles),
        )


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """How an instrument trades."""

    # Now.
    status: enums.InstrumentStatus

    @classmethod
    def of(cls, message: market_data_pb2.MarketStatus) -> Self:
        return cls(
            status=enums.InstrumentStatus(message.status),
        )


@dataclass(frozen=True, slots=True)
class IndicativeUncross:
    """What an uncross would do with all orders of the book, hidden lots too, by the rule of an uncross.
    It is looked at a few times a second while orders change, so that what stood for a moment only may
    not be told."""

    # Per unit-hour; None when nothing would trade, or outside a call.
    price: Decimal | None
    # Lots that would trade.
    quantity: Decimal

    @classmethod
    def of(cls, message: market_data_pb2.IndicativeUncross) -> Self:
        return cls(
            price=exact.of_micros(message.price_micros) if message.price_micros else None,
            quantity=Decimal(message.quantity),
        )


@dataclass(frozen=True, slots=True)
class PastTrade:
    """A match as everyone saw it."""

    # Counted over the whole exchange.
    trade_id: int
    # Per unit-hour.
    price: Decimal
    # Lots.
    quantity: Decimal
    # The taker's side; in an uncross, the younger order's.
    taker_side: enums.Side
    # The sequence number of the command that caused it.
    sequence: int
    # The time of that command.
    time: datetime

    @classmethod
    def of(cls, message: market_data_pb2.PastTrade) -> Self:
        return cls(
            trade_id=message.trade_id,
            price=exact.of_micros(message.price_micros),
            quantity=Decimal(message.quantity),
            taker_side=enums.Side(message.taker_side),
            sequence=message.sequence,
            time=exact.time_of(message.time),
        )


@dataclass(frozen=True, slots=True)
class IndexHour:
    """The index of one hour of delivery: it moves until trading in the hour ends at its gate."""

    # When delivery begins.
    delivery_start_time: datetime
    # The hour's instrument.
    symbol: str
    # The sum of price x lots over the lots, rounded to the nearest, half to even.
    price: Decimal
    # Lots.
    volume: Decimal
    # How many trades.
    trade_count: int

    @classmethod
    def of(cls, message: market_data_pb2.IndexHour) -> Self:
        return cls(
            delivery_start_time=exact.time_of(message.delivery_start_time),
            symbol=message.symbol,
            price=exact.of_micros(message.price_micros),
            volume=Decimal(message.volume),
            trade_count=message.trade_count,
        )


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The price of one period of delivery."""

    # The symbol.
    symbol: str
    # The instrument's id.
    instrument_id: int
    # When delivery begins.
    delivery_start_time: datetime
    # How many hours it lasts.
    hours: int
    # Per unit-hour: the first of mid, last and reference that there is.
    price: Decimal | None
    # Which it is.
    taken_from: enums.CurvePrice
    # The best bid; None where nobody bids.
    bid_price: Decimal | None
    # The best ask; None where nobody offers.
    ask_price: Decimal | None
    # The last trade; None before the first.
    last_trade_price: Decimal | None
    # What the band is measured from; None where there is none.
    reference_price: Decimal | None
    # How it trades.
    status: enums.InstrumentStatus

    @classmethod
    def of(cls, message: market_data_pb2.CurvePoint) -> Self:
        return cls(
            symbol=message.symbol,
            instrument_id=message.instrument_id,
            delivery_start_time=exact.time_of(message.delivery_start_time),
            hours=message.hours,
            price=exact.of_micros(message.price_micros) if message.price_micros else None,
            taken_from=enums.CurvePrice(message.taken_from),
            bid_price=exact.of_micros(message.bid_price_micros) if message.bid_price_micros else None,
            ask_price=exact.of_micros(message.ask_price_micros) if message.ask_price_micros else None,
            last_trade_price=exact.of_micros(message.last_trade_price_micros) if message.last_trade_price_micros else None,
            reference_price=exact.of_micros(message.reference_price_micros) if message.reference_price_micros else None,
            status=enums.InstrumentStatus(message.status),
        )


@dataclass(frozen=True, slots=True)
class DailyAuction:
    """The auction that uncrosses the next day's hours and its day at one price each, every day; times
    since midnight, UTC."""

    # The call begins: orders gather.
    call_time: timedelta
    # Nothing is taken back any more.
    freeze_time: timedelta
    # What crosses trades.
    uncross_time: timedelta

    @classmethod
    def of(cls, message: instruments_pb2.DailyAuction) -> Self:
        return cls(
            call_time=message.call_time.ToTimedelta(),
            freeze_time=message.freeze_time.ToTimedelta(),
            uncross_time=message.uncross_time.ToTimedelta(),
        )


@dataclass(frozen=True, slots=True)
class Product:
    """The terms of a product."""

    # CLASS.REGION.TIER.
    symbol: str
    # Its id.
    product_id: int
    # ISO 4217.
    currency: str
    # Smallest price step.
    tick: Decimal
    # Orders beyond this share of the reference are refused; None without a band.
    order_band: Decimal | None
    # A taker beyond this share begins a call; None without a band.
    trade_band: Decimal | None
    # Where nothing has traded: the fair price that pricing sent, else the market definition's. Per
    # unit-hour, None for none.
    reference_price: Decimal | None
    # Most lots in one order.
    max_quantity: Decimal
    # Most price x lots x hours in one order.
    max_notional: Decimal
    # A maker's fee of the amount.
    maker_fee: Decimal
    # A taker's fee of the amount.
    taker_fee: Decimal
    # From gate closure to the delivery of an hour.
    gate_before_hour: timedelta
    # From gate closure to the delivery of a day, week or month.
    gate_before_longer: timedelta
    # Hours listed ahead.
    listed_hours: int
    # Days listed ahead.
    listed_days: int
    # Weeks listed ahead.
    listed_weeks: int
    # Months listed ahead.
    listed_months: int
    # The tier's least availability.
    availability: Decimal
    # Trading is halted on the whole product.
    halted: bool
    # How long a call lasts that a taker beyond the band begins; None without a band.
    call_length: timedelta | None
    # When the next day is auctioned; None without an auction.
    daily_auction: DailyAuction | None
    # From the seller's notice to an interruption; None where the tier is firm.
    interruption_notice: timedelta | None
    # What the seller pays besides for what is not delivered, after valid notice where the tier is not
    # firm: this share of its price.
    penalty: Decimal

    @classmethod
    def of(cls, message: instruments_pb2.Product) -> Self:
        return cls(
            symbol=message.symbol,
            product_id=message.product_id,
            currency=message.currency,
            tick=exact.of_micros(message.tick_micros),
            order_band=exact.of_micros(message.order_band_ppm) if message.order_band_ppm else None,
            trade_band=exact.of_micros(message.trade_band_ppm) if message.trade_band_ppm else None,
            reference_price=exact.of_micros(message.reference_price_micros) if message.reference_price_micros else None,
            max_quantity=Decimal(message.max_quantity),
            max_notional=exact.of_micros(message.max_notional_micros),
            maker_fee=exact.of_micros(message.maker_fee_ppm),
            taker_fee=exact.of_micros(message.taker_fee_ppm),
            gate_before_hour=message.gate_before_hour.ToTimedelta(),
            gate_before_longer=message.gate_before_longer.ToTimedelta(),
            listed_hours=message.listed_hours,
            listed_days=message.listed_days,
            listed_weeks=message.listed_weeks,
            listed_months=message.listed_months,
            availability=exact.of_micros(message.availability_ppm),
            halted=message.halted,
            call_length=message.call_length.ToTimedelta() if message.HasField("call_length") else None,
            daily_auction=DailyAuction.of(message.daily_auction) if message.HasField("daily_auction") else None,
            interruption_notice=message.interruption_notice.ToTimedelta() if message.HasField("interruption_notice") else None,
            penalty=exact.of_micros(message.penalty_ppm),
        )


@dataclass(frozen=True, slots=True)
class ClassGrade:
    """What one unit of a class carries, and the least it must do."""

    # Such as GP or H100X.
    class_: str
    # In words.
    title: str
    # What one unit is: vCPU, GPU or FPGA.
    unit: str
    # vCPUs of a unit.
    vcpu: Decimal
    # Memory of a unit, in GiB.
    memory_gib: Decimal
    # Local disk of a unit, in GB.
    disk_gb: Decimal
    # Least network of a unit, Mbit/s.
    network_mbps: int
    # Which benchmark is run.
    benchmark: str
    # The least that a unit scores in it.
    benchmark_score: int
    # Instance families that deliver it.
    families: tuple[str, ...]
    # What of this is assumed rather than sourced.
    assumptions: tuple[str, ...]

    @classmethod
    def of(cls, message: instruments_pb2.ClassGrade) -> Self:
        return cls(
            class_=getattr(message, "class"),
            title=message.title,
            unit=message.unit,
            vcpu=exact.of_micros(message.vcpu_milli * 1_000),
            memory_gib=exact.of_micros(message.memory_gib_milli * 1_000),
            disk_gb=exact.of_micros(message.disk_gb_milli * 1_000),
            network_mbps=message.network_mbps,
            benchmark=message.benchmark,
            benchmark_score=message.benchmark_score,
            families=tuple(message.families),
            assumptions=tuple(message.assumptions),
        )


@dataclass(frozen=True, slots=True)
class Region:
    """Where resources stand."""

    # ISO country and one to four characters.
    code: str
    # In words.
    title: str
    # Whose law holds.
    jurisdiction: str
    # Power usage effectiveness.
    pue: Decimal
    # Price of electricity per kWh, in USD.
    power_price: Decimal
    # How it is cooled.
    cooling: str
    # Where its energy comes from.
    energy: str
    # What of this is assumed rather than sourced.
    assumptions: tuple[str, ...]

    @classmethod
    def of(cls, message: instruments_pb2.Region) -> Self:
        return cls(
            code=message.code,
            title=message.title,
            jurisdiction=message.jurisdiction,
            pue=exact.of_micros(message.pue_milli * 1_000),
            power_price=exact.of_micros(message.power_price_micros),
            cooling=message.cooling,
            energy=message.energy,
            assumptions=tuple(message.assumptions),
        )


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract."""

    # Plain text: all of it.
    text: str
    # The class's part of it; None where the class has no written grade.
    grade: ClassGrade | None
    # The region's; None where nothing more is written of it.
    region: Region | None

    @classmethod
    def of(cls, message: instruments_pb2.GetContractResponse) -> Self:
        return cls(
            text=message.text,
            grade=ClassGrade.of(message.grade) if message.HasField("grade") else None,
            region=Region.of(message.region) if message.HasField("region") else None,
        )


@dataclass(frozen=True, slots=True)
class Instrument:
    """A product in one delivery period."""

    # CLASS.REGION.TIER.PERIOD.
    symbol: str
    # Its id.
    instrument_id: int
    # Its product's symbol.
    product: str
    # How it trades.
    status: enums.InstrumentStatus
    # The first moment delivered.
    delivery_start_time: datetime
    # Hours delivered.
    hours: int
    # The last moment to trade it.
    gate_closure_time: datetime
    # Smallest price step, as it was listed.
    tick: Decimal
    # ISO 4217.
    currency: str
    # Per unit-hour; None before the first trade.
    last_trade_price: Decimal | None
    # What the band is measured from; None where there is none.
    reference_price: Decimal | None
    # Live orders.
    open_order_count: int
    # When a call ends by itself; None otherwise.
    call_end_time: datetime | None
    # A maker's fee, as it was listed.
    maker_fee: Decimal
    # A taker's fee, as it was listed.
    taker_fee: Decimal

    @classmethod
    def of(cls, message: instruments_pb2.Instrument) -> Self:
        return cls(
            symbol=message.symbol,
            instrument_id=message.instrument_id,
            product=message.product,
            status=enums.InstrumentStatus(message.status),
            delivery_start_time=exact.time_of(message.delivery_start_time),
            hours=message.hours,
            gate_closure_time=exact.time_of(message.gate_closure_time),
            tick=exact.of_micros(message.tick_micros),
            currency=message.currency,
            last_trade_price=exact.of_micros(message.last_trade_price_micros) if message.last_trade_price_micros else None,
            reference_price=exact.of_micros(message.reference_price_micros) if message.reference_price_micros else None,
            open_order_count=message.open_order_count,
            call_end_time=exact.time_of(message.call_end_time) if message.HasField("call_end_time") else None,
            maker_fee=exact.of_micros(message.maker_fee_ppm),
            taker_fee=exact.of_micros(message.taker_fee_ppm),
        )


@dataclass(frozen=True, slots=True)
class InstrumentStatusChange:
    """A status, or a change of one."""

    # The instrument's id.
    instrument_id: int
    # Its symbol.
    symbol: str
    # As it is now.
    status: enums.InstrumentStatus
    # The sequence number since when.
    sequence: int

    @classmethod
    def of(cls, message: instruments_pb2.InstrumentStatusChange) -> Self:
        return cls(
            instrument_id=message.instrument_id,
            symbol=message.symbol,
            status=enums.InstrumentStatus(message.status),
            sequence=message.sequence,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """An account."""

    # Its id.
    account_id: int
    # Who answers for it.
    participant_id: int
    # For people.
    name: str
    # The kill switch is on.
    killed: bool
    # Commands a second, entries of a batch included.
    commands_per_second: int
    # Most live orders.
    open_order_limit: int
    # Live orders now.
    open_order_count: int

    @classmethod
    def of(cls, message: accounts_pb2.Account) -> Self:
        return cls(
            account_id=message.account_id,
            participant_id=message.participant_id,
            name=message.name,
            killed=message.killed,
            commands_per_second=message.commands_per_second,
            open_order_limit=message.open_order_limit,
            open_order_count=message.open_order_count,
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """Money in one currency, micros."""

    # ISO 4217.
    currency: str
    # Cash, holds included; below zero where a credit line is used.
    cash: Decimal
    # Held for open buy orders.
    held: Decimal
    # In escrow for hours bought and not yet delivered.
    escrow: Decimal
    # The credit line; None when there is none.
    credit: Decimal
    # No limit: rehearsals and benchmarks.
    unlimited_credit: bool
    # cash + credit - held, as far as the sums of the currency have room for it.
    available: Decimal

    @classmethod
    def of(cls, message: accounts_pb2.Balance) -> Self:
        return cls(
            currency=message.currency,
            cash=exact.of_micros(message.cash_micros),
            held=exact.of_micros(message.held_micros),
            escrow=exact.of_micros(message.escrow_micros),
            credit=exact.of_micros(message.credit_micros),
            unlimited_credit=message.unlimited_credit,
            available=exact.of_micros(message.available_micros),
        )


@dataclass(frozen=True, slots=True)
class Hold:
    """What one order holds."""

    # The order.
    order_id: int
    # The client's id of it; may be empty.
    client_order_id: str
    # Its symbol.
    symbol: str
    # A buy's cash: worst price x leaves x hours and the higher fee. None for a sell.
    cash: Decimal
    # A sell's lots, in every hour of the period. None for a buy.
    hours_quantity: Decimal

    @classmethod
    def of(cls, message: accounts_pb2.Hold) -> Self:
        return cls(
            order_id=message.order_id,
            client_order_id=message.client_order_id,
            symbol=message.symbol,
            cash=exact.of_micros(message.cash_micros),
            hours_quantity=Decimal(message.hours_quantity),
        )


@dataclass(frozen=True, slots=True)
class Position:
    """Net units in one instrument."""

    # The symbol.
    symbol: str
    # The instrument's id.
    instrument_id: int
    # Lots: above zero bought, below zero sold.
    units: Decimal
    # Paid for the open units; below zero, to be received for them.
    cost: Decimal
    # Result of what is closed, less sellers' fees; posted at the gate.
    realised: Decimal
    # A seller's fee, due when it is paid.
    fee_due: Decimal

    @classmethod
    def of(cls, message: accounts_pb2.Position) -> Self:
        return cls(
            symbol=message.symbol,
            instrument_id=message.instrument_id,
            units=Decimal(message.units),
            cost=exact.of_micros(message.cost_micros),
            realised=exact.of_micros(message.realised_micros),
            fee_due=exact.of_micros(message.fee_due_micros),
        )


@dataclass(frozen=True, slots=True)
class CapacityRange:
    """Hours over which neither number changes."""

    # The first hour.
    start_time: datetime
    # How many hours.
    hours: int
    # Lots declared and attested.
    declared_quantity: Decimal
    # Lots that may still be sold: declared or bought, less sold and held for sells.
    available_quantity: Decimal

    @classmethod
    def of(cls, message: accounts_pb2.CapacityRange) -> Self:
        return cls(
            start_time=exact.time_of(message.start_time),
            hours=message.hours,
            declared_quantity=Decimal(message.declared_quantity),
            available_quantity=Decimal(message.available_quantity),
        )


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """The account's lines of one entry."""

    # The account's own number, from 1 without gaps.
    number: int
    # The entry, counted over the whole ledger; all its lines sum to zero.
    entry_id: int
    # The exchange's sequence number.
    sequence: int
    # When.
    time: datetime
    # What it is about.
    kind: enums.LedgerEntryKind
    # ISO 4217.
    currency: str
    # Cash moved so much.
    cash: Decimal
    # Escrow moved so much.
    escrow: Decimal
    # Cash then stood at so much.
    cash_after: Decimal
    # Escrow then stood at so much.
    escrow_after: Decimal
    # The fee in it.
    fee: Decimal
    # The instrument it is about; None for none.
    instrument_id: int | None
    # The trade it is about; None for none.
    trade_id: int | None

    @classmethod
    def of(cls, message: accounts_pb2.LedgerEntry) -> Self:
        return cls(
            number=message.number,
            entry_id=message.entry_id,
            sequence=message.sequence,
            time=exact.time_of(message.time),
            kind=enums.LedgerEntryKind(message.kind),
            currency=message.currency,
            cash=exact.of_micros(message.cash_micros),
            escrow=exact.of_micros(message.escrow_micros),
            cash_after=exact.of_micros(message.cash_after_micros),
            escrow_after=exact.of_micros(message.escrow_after_micros),
            fee=exact.of_micros(message.fee_micros),
            instrument_id=message.instrument_id if message.instrument_id else None,
            trade_id=message.trade_id if message.trade_id else None,
        )


@dataclass(frozen=True, slots=True)
class Participant:
    """Who answers for accounts and keys."""

    # Its id.
    participant_id: int
    # For people.
    name: str
    # Its accounts.
    account_ids: tuple[int, ...]

    @classmethod
    def of(cls, message: admin_pb2.Participant) -> Self:
        return cls(
            participant_id=message.participant_id,
            name=message.name,
            account_ids=tuple(message.account_ids),
        )


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without the key."""

    # Its id.
    key_id: int
    # Whose it is.
    participant_id: int
    # The only account it may act for; None for all of the participant's.
    account_id: int | None
    # What it may do.
    role: enums.Role
    # For people.
    label: str
    # It is over.
    revoked: bool

    @classmethod
    def of(cls, message: admin_pb2.Key) -> Self:
        return cls(
            key_id=message.key_id,
            participant_id=message.participant_id,
            account_id=message.account_id if message.account_id else None,
            role=enums.Role(message.role),
            label=message.label,
            revoked=message.revoked,
        )


@dataclass(frozen=True, slots=True)
class FeeTotal:
    """Fees in one currency."""

    # ISO 4217.
    currency: str
    # In the currency.
    amount: Decimal

    @classmethod
    def of(cls, message: admin_pb2.FeeTotal) -> Self:
        return cls(
            currency=message.currency,
            amount=exact.of_micros(message.amount_micros),
        )


@dataclass(frozen=True, slots=True)
class Status:
    """Answer of GetStatus."""

    # The program's version.
    version: str
    # The last sequence number.
    sequence: int
    # Its time.
    time: datetime
    # The last sequence number that is durable.
    durable_sequence: int
    # The digest of the state, hexadecimal; empty unless asked for.
    state_hash: str
    # Instruments listed.
    instrument_count: int
    # Live orders.
    open_order_count: int
    # Sum of all ledger accounts over all currencies: zero.
    ledger_sum: Decimal
    # Fees taken so far, by currency.
    fees: tuple[FeeTotal, ...]
    # The last sequence number in history: lists of what is over, and resuming, reach so far.
    recorded_sequence: int
    # Why nothing more is recorded in history until the next start; empty while all is well. Trading
    # goes on without it.
    history_fault: str

    @classmethod
    def of(cls, message: admin_pb2.GetStatusResponse) -> Self:
        return cls(
            version=message.version,
            sequence=message.sequence,
            time=exact.time_of(message.time),
            durable_sequence=message.durable_sequence,
            state_hash=message.state_hash,
            instrument_count=message.instrument_count,
            open_order_count=message.open_order_count,
            ledger_sum=exact.of_micros(message.ledger_sum_micros),
            fees=tuple(FeeTotal.of(each) for each in message.fees),
            recorded_sequence=message.recorded_sequence,
            history_fault=message.history_fault,
        )


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """A fair price and two sides about it. Prices are micros of the currency per unit-hour."""

    # As it was asked for; empty of a product.
    symbol: str
    # The product.
    product: str
    # As it was asked for.
    provider_id: int
    # ISO 4217.
    currency: str
    # Bid and ask are whole numbers of it.
    tick: Decimal
    # Rounded half to even at the tick; None where it is less than half of one.
    fair_price: Decimal
    # Four in five times the true price lies from here, rounded down to a micro ...
    fair_low: Decimal
    # ... to here, rounded up.
    fair_high: Decimal
    # Rounded down to the tick; None where it is withheld.
    bid_price: Decimal | None
    # Lots.
    bid_quantity: Decimal
    # Why there is no bid.
    bid_withheld: enums.WithheldReason | None
    # Rounded up to the tick; None where it is withheld.
    ask_price: Decimal | None
    # Lots.
    ask_quantity: Decimal
    # Why there is no ask.
    ask_withheld: enums.WithheldReason | None
    # The middle of the two sides before they are rounded, to the micro, half to even.
    reservation_price: Decimal
    # Whole hours until delivery begins; None where it has.
    hours_to_delivery: int
    # The score the price was made with, Part of the best.
    score: Decimal
    # Of the parameters: 32 hexadecimal digits.
    parameters_digest: str
    # The last command that prices were brought up to; later ones have not moved them.
    sequence: int
    # The time of that command.
    time: datetime

    @classmethod
    def of(cls, message: pricing_pb2.PriceQuote) -> Self:
        return cls(
            symbol=message.symbol,
            product=message.product,
            provider_id=message.provider_id,
            currency=message.currency,
            tick=exact.of_micros(message.tick_micros),
            fair_price=exact.of_micros(message.fair_price_micros),
            fair_low=exact.of_micros(message.fair_low_micros),
            fair_high=exact.of_micros(message.fair_high_micros),
            bid_price=exact.of_micros(message.bid_price_micros) if message.bid_price_micros else None,
            bid_quantity=Decimal(message.bid_quantity),
            bid_withheld=enums.WithheldReason(message.bid_withheld) if message.bid_withheld else None,
            ask_price=exact.of_micros(message.ask_price_micros) if message.ask_price_micros else None,
            ask_quantity=Decimal(message.ask_quantity),
            ask_withheld=enums.WithheldReason(message.ask_withheld) if message.ask_withheld else None,
            reservation_price=exact.of_micros(message.reservation_price_micros),
            hours_to_delivery=message.hours_to_delivery,
            score=exact.of_micros(message.score_ppm),
            parameters_digest=message.parameters_digest,
            sequence=message.sequence,
            time=exact.time_of(message.time),
        )


@dataclass(frozen=True, slots=True)
class PriceTerm:
    """A step from a list's price to a fair price, or from that to its quote."""

    # In words.
    term: str
    # A decimal: a factor or an amount of money, exact; or a part of the fair price, to nine places.
    value: Decimal
    # What the value is.
    kind: enums.PriceTermKind

    @classmethod
    def of(cls, message: pricing_pb2.PriceTerm) -> Self:
        return cls(
            term=message.term,
            value=Decimal(message.value),
            kind=enums.PriceTermKind(message.kind),
        )


@dataclass(frozen=True, slots=True)
class ScoreAttribute:
    """One metric's part in a score."""

    # Such as `availability`.
    metric: str
    # Its weight; all of them sum to 1.
    weight: Decimal
    # The rate of success or the quantity that is believed, a decimal.
    estimate: Decimal
    # Where that lies at worst, with 95 % confidence, a decimal.
    estimate_bound: Decimal
    # Where the estimate stands on the scale, Part of the best.
    score: Decimal
    # Where its bound stands.
    bound: Decimal
    # Measurements that count, older ones less.
    evidence: Decimal

    @classmethod
    def of(cls, message: pricing_pb2.ScoreAttribute) -> Self:
        return cls(
            metric=message.metric,
            weight=exact.of_micros(message.weight_ppm),
            estimate=Decimal(message.estimate),
            estimate_bound=Decimal(message.estimate_bound),
            score=exact.of_micros(message.score_ppm),
            bound=exact.of_micros(message.bound_ppm),
            evidence=exact.of_micros(message.evidence_micros),
        )


@dataclass(frozen=True, slots=True)
class Score:
    """A score and what it was made of."""

    # Whose.
    provider_id: int
    # In which class.
    class_: str
    # Part of the best.
    score: Decimal
    # Where it lies at least, with 95 % confidence.
    bound: Decimal
    # Measurements of the metric that weighs most, older ones less.
    evidence: Decimal
    # By name; score = sum of weight x score, bound = score less the root of the sum of squares of
    # weight x (score - bound).
    attributes: tuple[ScoreAttribute, ...]
    # The end of the UTC day it is as of.
    as_of_time: datetime
    # Of the parameters: 32 hexadecimal digits.
    parameters_digest: str

    @classmethod
    def of(cls, message: pricing_pb2.Score) -> Self:
        return cls(
            provider_id=message.provider_id,
            class_=getattr(message, "class"),
            score=exact.of_micros(message.score_ppm),
            bound=exact.of_micros(message.bound_ppm),
            evidence=exact.of_micros(message.evidence_micros),
            attributes=tuple(ScoreAttribute.of(each) for each in message.attributes),
            as_of_time=exact.time_of(message.as_of_time),
            parameters_digest=message.parameters_digest,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was asked for."""

    # The quote, where one was asked for.
    quote: PriceQuote | None
    # From the list's price to the fair price, in order.
    fair_terms: tuple[PriceTerm, ...]
    # From the fair price to the quote, in order.
    quote_terms: tuple[PriceTerm, ...]
    # The score as of now, where a provider was named: what it comes to, and what it was made of.
    score: Score | None

    @classmethod
    def of(cls, message: pricing_pb2.ExplainResponse) -> Self:
        return cls(
            quote=PriceQuote.of(message.quote) if message.HasField("quote") else None,
            fair_terms=tuple(PriceTerm.of(each) for each in message.fair_terms),
            quote_terms=tuple(PriceTerm.of(each) for each in message.quote_terms),
            score=Score.of(message.score) if message.HasField("score") else None,
        )


@dataclass(frozen=True, slots=True)
class Rating:
    """What pricing found of a provider's service last."""

    # Whose.
    provider_id: int
    # In which class.
    class_: str
    # By fixed cuts on the bound; moves by one step in a UTC day at most. UNSPECIFIED while nothing was
    # found yet.
    grade: enums.RatingGrade | None
    # Part of the best. Prices use it, never the grade.
    score: Decimal
    # Where it lies at least, with 95 % confidence.
    bound: Decimal
    # Measurements of the metric that weighs most, older ones less.
    evidence: Decimal
    # The tiers that the bound is good for, best first: of `A`, `B`, `C`.
    tiers: tuple[str, ...]
    # The beginning of the UTC day on which the grade was given.
    rated_time: datetime | None
    # Of the parameters it was found with: 32 hexadecimal digits.
    parameters_digest: str

    @classmethod
    def of(cls, message: pricing_pb2.Rating) -> Self:
        return cls(
            provider_id=message.provider_id,
            class_=getattr(message, "class"),
            grade=enums.RatingGrade(message.grade) if message.grade else None,
            score=exact.of_micros(message.score_ppm),
            bound=exact.of_micros(message.bound_ppm),
            evidence=exact.of_micros(message.evidence_micros),
            tiers=tuple(message.tiers),
            rated_time=exact.time_of(message.rated_time) if message.HasField("rated_time") else None,
            parameters_digest=message.parameters_digest,
        )
