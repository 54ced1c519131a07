"""The contract's words; made by generate.py. UNSPECIFIED also stands for what this version does not know."""

from hourbook.exact import Word


class CancelReason(Word):
    """Why an order ended, or lost lots, other than by a fill."""

    # Not cancelled.
    UNSPECIFIED = 0
    # Its owner asked.
    USER = 1
    # A mass cancel.
    MASS = 2
    # What an IOC order could not trade.
    IOC = 3
    # An FOK order that could not trade whole.
    FOK = 4
    # What a market order could not trade.
    NO_LIQUIDITY = 5
    # Met an order of its own participant.
    SELF_TRADE = 6
    # Reduced by all that was open.
    REDUCE = 7
    # A DAY order at 00:00 UTC.
    DAY_END = 8
    # A GTD order at its time.
    EXPIRED = 9
    # A market order that an uncross left unfilled.
    AUCTION_END = 10
    # Gate closure.
    GATE_CLOSED = 11
    # Its session ended and had asked for it.
    DISCONNECT = 12
    # The kill switch.
    KILL = 13
    # Its minimum could not trade at once.
    MINIMUM = 14
    # Would have traded outside the band: a call begins.
    BAND = 15
    # A triggered stop whose hold covers no more.
    UNCOVERED = 16
    # A quote was replaced or withdrawn.
    QUOTE = 17
    # Amended to no more than is filled already.
    AMEND = 18


class CandleInterval(Word):
    """How long a candle lasts; each begins at a whole multiple of it since 1970-01-01T00:00Z."""

    # Not said; refused.
    UNSPECIFIED = 0
    # A second; 60 are kept.
    SECOND = 1
    # A minute; 60 are kept.
    MINUTE = 2
    # Five minutes; 36 are kept.
    FIVE_MINUTES = 3
    # A quarter of an hour; 32 are kept.
    QUARTER_HOUR = 4
    # An hour; 24 are kept.
    HOUR = 5
    # A UTC day; 30 are kept.
    DAY = 6


class CurvePrice(Word):
    """Where a point of a curve has its price from."""

    # Nothing is known: `price_micros` is 0.
    UNSPECIFIED = 0
    # The mean of best bid and best ask, where both are there and do not cross, rounded down to the
    # micro.
    MID = 1
    # The last trade, where the book has no mid.
    LAST = 2
    # What the band is measured from, where nothing was traded either.
    REFERENCE = 3


class InstrumentStatus(Word):
    """Where an instrument stands in its life."""

    # Not said.
    UNSPECIFIED = 0
    # Orders trade as they come.
    CONTINUOUS = 1
    # A call: orders rest until the uncross.
    AUCTION = 2
    # The last minute of a scheduled call: nothing may be cancelled, amended or reduced.
    FROZEN = 3
    # New orders and amendments are refused; cancels and reductions pass.
    HALTED = 4
    # Gate closure has passed.
    GATE_CLOSED = 5
    # The hour is being delivered.
    DELIVERING = 6
    # Over.
    SETTLED = 7


class LedgerEntryKind(Word):
    """What an entry is about."""

    # Not said.
    UNSPECIFIED = 0
    # Money came in.
    DEPOSIT = 1
    # Money went out.
    WITHDRAWAL = 2
    # A purchase: cash became escrow, and the fee was paid.
    FILL = 3
    # Escrow that a closing no longer needs came back.
    ESCROW_RELEASE = 4
    # The result of an instrument, posted at its gate.
    GATE = 5


class Liquidity(Word):
    """Which part an order had in a trade."""

    # No trade.
    UNSPECIFIED = 0
    # It was resting.
    MAKER = 1
    # It came in.
    TAKER = 2
    # An uncross: neither.
    AUCTION = 3


class MarketDataView(Word):
    """A part of an instrument's market data."""

    # Not said; refused.
    UNSPECIFIED = 0
    # Best bid and best ask.
    TOP = 1
    # Every level with its displayed lots: L2, with a checksum.
    LEVELS = 2
    # Every displayed order in its place: L3.
    ORDERS = 3
    # Each trade.
    TRADES = 4
    # The UTC day's open, high, low, last, volume and mean price.
    STATISTICS = 5
    # Candles of the intervals asked for.
    CANDLES = 6
    # How the instrument trades.
    STATUS = 7
    # In a call: the price and lots that an uncross would have.
    INDICATIVE = 8


class OrderType(Word):
    """How an order is priced."""

    # Not said; refused.
    UNSPECIFIED = 0
    # Trades at its price or better.
    LIMIT = 1
    # Trades at once at the best prices within the band; the rest is cancelled.
    MARKET = 2
    # Becomes a market order when the last trade reaches its trigger.
    STOP = 3
    # Becomes a limit order, GTC from then on, when the last trade reaches its trigger.
    STOP_LIMIT = 4


class PriceTermKind(Word):
    """What the value of a term is."""

    # Not said; never sent.
    UNSPECIFIED = 0
    # Money per unit-hour: US dollars of a list's price, the currency of the product once the rate was
    # applied.
    MONEY = 1
    # What the price is multiplied by.
    FACTOR = 2
    # Relative to the fair price: what moves the middle, and what makes half the distance between the
    # sides.
    SHARE = 3


class RatingGrade(Word):
    """How good service is, by its lower bound."""

    # Not rated yet.
    UNSPECIFIED = 0
    # The worst.
    D = 1
    # Better than D.
    C = 2
    # Better than C.
    CC = 3
    # Better than CC.
    CCC = 4
    # Better than CCC.
    B = 5
    # Better than B.
    BB = 6
    # Better than BB; the best that little evidence gives.
    BBB = 7
    # Better than BBB.
    A = 8
    # Better than A.
    AA = 9
    # The best.
    AAA = 10


class RejectReason(Word):
    """Why the market refused. The order of the checks and each remedy stand in docs/errors.md."""

    # Not refused.
    UNSPECIFIED = 0
    # No such account.
    UNKNOWN_ACCOUNT = 1
    # No such participant.
    UNKNOWN_PARTICIPANT = 2
    # No such key.
    UNKNOWN_KEY = 3
    # The session is not logged on.
    UNKNOWN_SESSION = 4
    # A session of this name is connected.
    SESSION_IN_USE = 5
    # The client id came before with another body.
    CLIENT_ID_REUSED = 6
    # Not listed, or listed no more.
    UNKNOWN_INSTRUMENT = 7
    # No such product.
    UNKNOWN_PRODUCT = 8
    # No product has this currency.
    UNKNOWN_CURRENCY = 9
    # Over, never there, or another's.
    UNKNOWN_ORDER = 10
    # Gate closure has passed.
    GATE_CLOSED = 11
    # Trading is halted.
    HALTED = 12
    # The last minute of a scheduled call.
    FROZEN = 13
    # The account's kill switch is on.
    KILLED = 14
    # Zero or negative lots.
    BAD_QUANTITY = 15
    # More lots than the product allows in one order.
    QUANTITY_ABOVE_CAP = 16
    # Missing, misplaced, or not above zero.
    BAD_PRICE = 17
    # Not a whole number of ticks.
    PRICE_OFF_TICK = 18
    # Missing, misplaced, or off the tick.
    BAD_TRIGGER = 19
    # Negative.
    BAD_DISPLAY = 20
    # Negative, above the quantity, or not with IOC.
    BAD_MINIMUM = 21
    # Not in the future.
    BAD_EXPIRY = 22
    # Not above zero.
    BAD_BUDGET = 23
    # A combination that has no meaning.
    UNSUPPORTED = 24
    # A live order of the account goes by this client order id.
    DUPLICATE_CLIENT_ID = 25
    # No band says how far a market order may go.
    NO_REFERENCE = 26
    # Beyond the band around the reference.
    PRICE_OUT_OF_BAND = 27
    # price x lots x hours is above the cap.
    NOTIONAL_ABOVE_CAP = 28
    # The account's limit on live orders.
    TOO_MANY_OPEN_ORDERS = 29
    # A market order met an empty side.
    NO_LIQUIDITY = 30
    # IOC and FOK have no meaning in a call.
    NOT_IN_AUCTION = 31
    # Would have traded at once.
    POST_ONLY = 32
    # Cash and credit do not cover it.
    INSUFFICIENT_FUNDS = 33
    # Some hour of the period is neither owned nor within declared capacity.
    INSUFFICIENT_HOURS = 34
    # Not above zero, or beyond the ledger's cap.
    BAD_AMOUNT = 35
    # Empty, too long, or with control characters.
    BAD_NAME = 36
    # An hour of the range has more sold or held than would be declared.
    CAPACITY_BELOW_SOLD = 37
    # Outside what the field allows.
    BAD_RANGE = 38
    # Nothing in the scope could begin or end a call.
    NOT_IN_CALL = 39
    # Defined before, otherwise.
    ALREADY_DEFINED = 40
    # A million instruments are listed at once.
    INSTRUMENTS_EXHAUSTED = 41
    # All sessions that the account may have are logged on.
    TOO_MANY_SESSIONS = 42
    # Without this key nobody could operate the exchange.
    LAST_OPERATOR_KEY = 43
    # No such class.
    UNKNOWN_CLASS = 44


class ReportKind(Word):
    """What happened to an order."""

    # Not said.
    UNSPECIFIED = 0
    # It is in; fills may follow at once.
    ACCEPTED = 1
    # It is refused; see `reject_reason`.
    REJECTED = 2
    # It traded; see `fill`.
    FILLED = 3
    # It lost `cancelled_quantity` lots and is over; see `cancel_reason`.
    CANCELLED = 4
    # Its price, quantity or trigger changed.
    AMENDED = 5
    # Its quantity went down and it kept its place.
    REDUCED = 6
    # A stop became a market or limit order.
    TRIGGERED = 7
    # A cancel or reduction was refused; the order is as it was.
    CANCEL_REJECTED = 8
    # An amendment was refused; the order is as it was.
    AMEND_REJECTED = 9
    # A mass cancel is done: `quantity` says how many orders it ended.
    MASS_CANCELLED = 10
    # A mass cancel was refused.
    MASS_CANCEL_REJECTED = 11


class Role(Word):
    """What a key may do."""

    # Not said; refused.
    UNSPECIFIED = 0
    # Places orders.
    TRADER = 1
    # Places orders and quotes.
    MAKER = 2
    # Places orders and sees its capacity.
    PROVIDER = 3
    # Submits measurements of service; no orders.
    METER = 4
    # Runs the market.
    OPERATOR = 5
    # Reads everything and submits measurements; changes nothing else.
    AUDITOR = 6


class SelfTradePrevention(Word):
    """What happens when an order meets one of its own participant; the incoming order's choice."""

    # Not said: they trade.
    UNSPECIFIED = 0
    # The incoming order's rest is cancelled.
    CANCEL_NEWEST = 1
    # The resting order is cancelled and matching goes on.
    CANCEL_OLDEST = 2
    # Both are cancelled.
    CANCEL_BOTH = 3
    # Both lose the smaller of what the incoming has left and the resting displays, without a trade.
    DECREMENT = 4


class Side(Word):
    """Which way an order trades."""

    # Not said; refused where a side is required.
    UNSPECIFIED = 0
    # Takes hours and pays for them.
    BUY = 1
    # Gives hours: owned, or within declared capacity.
    SELL = 2


class SlowReader(Word):
    """What becomes of a subscription whose reader leaves more lying than the server keeps for it
    (limits.subscription_buffer)."""

    # Not said: taken as CLOSE.
    UNSPECIFIED = 0
    # It ends with RESOURCE_EXHAUSTED, READER_TOO_SLOW: whoever needs every change subscribes again and
    # resumes.
    CLOSE = 1
    # What lies there is thrown away, and every view begins again with a snapshot: trades in between are
    # not told.
    CONFLATE = 2


class TimeInForce(Word):
    """How long an order lives."""

    # Not said: taken as GTC.
    UNSPECIFIED = 0
    # Until gate closure.
    GTC = 1
    # Until 00:00 UTC.
    DAY = 2
    # Until `expire_time`.
    GTD = 3
    # What does not trade at once is cancelled.
    IOC = 4
    # Trades whole at once, or not at all.
    FOK = 5
    # As FOK, for at most (a sale: at least) `budget_micros` in all.
    FOK_BUDGET = 6


class WithheldReason(Word):
    """Why a quote has no price on a side."""

    # It has one.
    UNSPECIFIED = 0
    # Nothing is held that could be sold.
    NO_INVENTORY = 1
    # No room to hold more.
    NO_ROOM = 2
    # The bid would lie below one tick.
    BELOW_TICK = 3
    # Delivery has begun.
    DELIVERING = 4
