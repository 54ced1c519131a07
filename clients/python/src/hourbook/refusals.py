"""One exception for each reason of the market to refuse; made by generate.py of the contract."""

from hourbook import errors
from hourbook.enums import RejectReason

# Of a reason that this version does not know.
errors.Refused.reason = RejectReason.UNSPECIFIED


class UnknownAccount(errors.UnknownName):
    """No such account."""

    reason = RejectReason.UNKNOWN_ACCOUNT
    meaning = "No such account."
    fault = "account_id"


class UnknownParticipant(errors.UnknownName):
    """No such participant."""

    reason = RejectReason.UNKNOWN_PARTICIPANT
    meaning = "No such participant."
    fault = "participant_id"


class UnknownKey(errors.UnknownName):
    """No such key."""

    reason = RejectReason.UNKNOWN_KEY
    meaning = "No such key."
    fault = "key_id"


class UnknownSession(errors.UnknownName):
    """The session is not logged on."""

    reason = RejectReason.UNKNOWN_SESSION
    meaning = "The session is not logged on."


class SessionInUse(errors.AlreadyTaken):
    """A session of this name is connected."""

    reason = RejectReason.SESSION_IN_USE
    meaning = "A session of this name is connected."
    fault = "session"


class ClientIdReused(errors.AlreadyTaken):
    """The client id came before with another body."""

    reason = RejectReason.CLIENT_ID_REUSED
    meaning = "The client id came before with another body."
    fault = "client_order_id"


class UnknownInstrument(errors.UnknownName):
    """Not listed, or listed no more."""

    reason = RejectReason.UNKNOWN_INSTRUMENT
    meaning = "Not listed, or listed no more."
    fault = "symbol"


class UnknownProduct(errors.UnknownName):
    """No such product."""

    reason = RejectReason.UNKNOWN_PRODUCT
    meaning = "No such product."
    fault = "product"


class UnknownCurrency(errors.UnknownName):
    """No product has this currency."""

    reason = RejectReason.UNKNOWN_CURRENCY
    meaning = "No product has this currency."
    fault = "currency"


class UnknownOrder(errors.UnknownName):
    """Over, never there, or another's."""

    reason = RejectReason.UNKNOWN_ORDER
    meaning = "Over, never there, or another's."
    fault = "order"


class GateClosed(errors.NotNow):
    """Gate closure has passed."""

    reason = RejectReason.GATE_CLOSED
    meaning = "Gate closure has passed."


class Halted(errors.NotNow):
    """Trading is halted."""

    reason = RejectReason.HALTED
    meaning = "Trading is halted."


class Frozen(errors.NotNow):
    """The last minute of a scheduled call."""

    reason = RejectReason.FROZEN
    meaning = "The last minute of a scheduled call."


class Killed(errors.NotNow):
    """The account's kill switch is on."""

    reason = RejectReason.KILLED
    meaning = "The account's kill switch is on."


class BadQuantity(errors.Misstated):
    """Zero or negative lots."""

    reason = RejectReason.BAD_QUANTITY
    meaning = "Zero or negative lots."
    fault = "quantity"


class QuantityAboveCap(errors.OverLimit):
    """More lots than the product allows in one order."""

    reason = RejectReason.QUANTITY_ABOVE_CAP
    meaning = "More lots than the product allows in one order."
    fault = "quantity"


class BadPrice(errors.Misstated):
    """Missing, misplaced, or not above zero."""

    reason = RejectReason.BAD_PRICE
    meaning = "Missing, misplaced, or not above zero."
    fault = "price"


class PriceOffTick(errors.Misstated):
    """Not a whole number of ticks."""

    reason = RejectReason.PRICE_OFF_TICK
    meaning = "Not a whole number of ticks."
    fault = "price"


class BadTrigger(errors.Misstated):
    """Missing, misplaced, or off the tick."""

    reason = RejectReason.BAD_TRIGGER
    meaning = "Missing, misplaced, or off the tick."
    fault = "trigger_price"


class BadDisplay(errors.Misstated):
    """Negative."""

    reason = RejectReason.BAD_DISPLAY
    meaning = "Negative."
    fault = "display_quantity"


class BadMinimum(errors.Misstated):
    """Negative, above the quantity, or not with IOC."""

    reason = RejectReason.BAD_MINIMUM
    meaning = "Negative, above the quantity, or not with IOC."
    fault = "minimum_quantity"


class BadExpiry(errors.Misstated):
    """Not in the future."""

    reason = RejectReason.BAD_EXPIRY
    meaning = "Not in the future."
    fault = "expire_time"


class BadBudget(errors.Misstated):
    """Not above zero."""

    reason = RejectReason.BAD_BUDGET
    meaning = "Not above zero."
    fault = "budget"


class Unsupported(errors.Misstated):
    """A combination that has no meaning."""

    reason = RejectReason.UNSUPPORTED
    meaning = "A combination that has no meaning."


class DuplicateClientId(errors.AlreadyTaken):
    """A live order of the account goes by this client order id."""

    reason = RejectReason.DUPLICATE_CLIENT_ID
    meaning = "A live order of the account goes by this client order id."
    fault = "client_order_id"


class NoReference(errors.Refused):
    """No band says how far a market order may go."""

    reason = RejectReason.NO_REFERENCE
    meaning = "No band says how far a market order may go."


class PriceOutOfBand(errors.OverLimit):
    """Beyond the band around the reference."""

    reason = RejectReason.PRICE_OUT_OF_BAND
    meaning = "Beyond the band around the reference."
    fault = "price"


class NotionalAboveCap(errors.OverLimit):
    """price x lots x hours is above the cap."""

    reason = RejectReason.NOTIONAL_ABOVE_CAP
    meaning = "price x lots x hours is above the cap."


class TooManyOpenOrders(errors.OverLimit):
    """The account's limit on live orders."""

    reason = RejectReason.TOO_MANY_OPEN_ORDERS
    meaning = "The account's limit on live orders."


class NoLiquidity(errors.Refused):
    """A market order met an empty side."""

    reason = RejectReason.NO_LIQUIDITY
    meaning = "A market order met an empty side."


class NotInAuction(errors.NotNow):
    """IOC and FOK have no meaning in a call."""

    reason = RejectReason.NOT_IN_AUCTION
    meaning = "IOC and FOK have no meaning in a call."


class PostOnly(errors.Refused):
    """Would have traded at once."""

    reason = RejectReason.POST_ONLY
    meaning = "Would have traded at once."


class InsufficientFunds(errors.NotCovered):
    """Cash and credit do not cover it."""

    reason = RejectReason.INSUFFICIENT_FUNDS
    meaning = "Cash and credit do not cover it."


class InsufficientHours(errors.NotCovered):
    """Some hour of the period is neither owned nor within declared capacity."""

    reason = RejectReason.INSUFFICIENT_HOURS
    meaning = "Some hour of the period is neither owned nor within declared capacity."


class BadAmount(errors.Misstated):
    """Not above zero, or beyond the ledger's cap."""

    reason = RejectReason.BAD_AMOUNT
    meaning = "Not above zero, or beyond the ledger's cap."
    fault = "amount"


class BadName(errors.Misstated):
    """Empty, too long, or with control characters."""

    reason = RejectReason.BAD_NAME
    meaning = "Empty, too long, or with control characters."
    fault = "name"


class CapacityBelowSold(errors.OverLimit):
    """An hour of the range has more sold or held than would be declared."""

    reason = RejectReason.CAPACITY_BELOW_SOLD
    meaning = "An hour of the range has more sold or held than would be declared."


class BadRange(errors.Misstated):
    """Outside what the field allows."""

    reason = RejectReason.BAD_RANGE
    meaning = "Outside what the field allows."


class NotInCall(errors.NotNow):
    """Nothing in the scope could begin or end a call."""

    reason = RejectReason.NOT_IN_CALL
    meaning = "Nothing in the scope could begin or end a call."


class AlreadyDefined(errors.AlreadyTaken):
    """Defined before, otherwise."""

    reason = RejectReason.ALREADY_DEFINED
    meaning = "Defined before, otherwise."


class InstrumentsExhausted(errors.OverLimit):
    """A million instruments are listed at once."""

    reason = RejectReason.INSTRUMENTS_EXHAUSTED
    meaning = "A million instruments are listed at once."


class TooManySessions(errors.OverLimit):
    """All sessions that the account may have are logged on."""

    reason = RejectReason.TOO_MANY_SESSIONS
    meaning = "All sessions that the account may have are logged on."


class LastOperatorKey(errors.Refused):
    """Without this key nobody could operate the exchange."""

    reason = RejectReason.LAST_OPERATOR_KEY
    meaning = "Without this key nobody could operate the exchange."


class UnknownClass(errors.UnknownName):
    """No such class."""

    reason = RejectReason.UNKNOWN_CLASS
    meaning = "No such class."
    fault = "class"


BY_REASON: dict[RejectReason, type[errors.Refused]] = {
    RejectReason.UNKNOWN_ACCOUNT: UnknownAccount,
    RejectReason.UNKNOWN_PARTICIPANT: UnknownParticipant,
    RejectReason.UNKNOWN_KEY: UnknownKey,
    RejectReason.UNKNOWN_SESSION: UnknownSession,
    RejectReason.SESSION_IN_USE: SessionInUse,
    RejectReason.CLIENT_ID_REUSED: ClientIdReused,
    RejectReason.UNKNOWN_INSTRUMENT: UnknownInstrument,
    RejectReason.UNKNOWN_PRODUCT: UnknownProduct,
    RejectReason.UNKNOWN_CURRENCY: UnknownCurrency,
    RejectReason.UNKNOWN_ORDER: UnknownOrder,
    RejectReason.GATE_CLOSED: GateClosed,
    RejectReason.HALTED: Halted,
    RejectReason.FROZEN: Frozen,
    RejectReason.KILLED: Killed,
    RejectReason.BAD_QUANTITY: BadQuantity,
    RejectReason.QUANTITY_ABOVE_CAP: QuantityAboveCap,
    RejectReason.BAD_PRICE: BadPrice,
    RejectReason.PRICE_OFF_TICK: PriceOffTick,
    RejectReason.BAD_TRIGGER: BadTrigger,
    RejectReason.BAD_DISPLAY: BadDisplay,
    RejectReason.BAD_MINIMUM: BadMinimum,
    RejectReason.BAD_EXPIRY: BadExpiry,
    RejectReason.BAD_BUDGET: BadBudget,
    RejectReason.UNSUPPORTED: Unsupported,
    RejectReason.DUPLICATE_CLIENT_ID: DuplicateClientId,
    RejectReason.NO_REFERENCE: NoReference,
    RejectReason.PRICE_OUT_OF_BAND: PriceOutOfBand,
    RejectReason.NOTIONAL_ABOVE_CAP: NotionalAboveCap,
    RejectReason.TOO_MANY_OPEN_ORDERS: TooManyOpenOrders,
    RejectReason.NO_LIQUIDITY: NoLiquidity,
    RejectReason.NOT_IN_AUCTION: NotInAuction,
    RejectReason.POST_ONLY: PostOnly,
    RejectReason.INSUFFICIENT_FUNDS: InsufficientFunds,
    RejectReason.INSUFFICIENT_HOURS: InsufficientHours,
    RejectReason.BAD_AMOUNT: BadAmount,
    RejectReason.BAD_NAME: BadName,
    RejectReason.CAPACITY_BELOW_SOLD: CapacityBelowSold,
    RejectReason.BAD_RANGE: BadRange,
    RejectReason.NOT_IN_CALL: NotInCall,
    RejectReason.ALREADY_DEFINED: AlreadyDefined,
    RejectReason.INSTRUMENTS_EXHAUSTED: InstrumentsExhausted,
    RejectReason.TOO_MANY_SESSIONS: TooManySessions,
    RejectReason.LAST_OPERATOR_KEY: LastOperatorKey,
    RejectReason.UNKNOWN_CLASS: UnknownClass,
}
