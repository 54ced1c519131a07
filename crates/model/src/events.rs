//! Events: facts, in the past tense, published once the command that caused them is durable.

use crate::*;
use serde::{Deserialize, Serialize};

/// Why a command was refused. The order of the checks is `docs/errors.md`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RejectReason {
    // Who asks.
    UnknownAccount,
    UnknownParticipant,
    UnknownKey,
    UnknownSession,
    SessionInUse,
    ClientIdReused,
    // What is named.
    UnknownInstrument,
    UnknownProduct,
    UnknownCurrency,
    UnknownOrder,
    // When.
    GateClosed,
    Halted,
    Frozen,
    Killed,
    // How much, at which price.
    BadQuantity,
    QuantityAboveCap,
    BadPrice,
    PriceOffTick,
    BadTrigger,
    BadDisplay,
    BadMinimum,
    BadExpiry,
    BadBudget,
    Unsupported,
    DuplicateClientId,
    NoReference,
    PriceOutOfBand,
    NotionalAboveCap,
    TooManyOpenOrders,
    // Against the book.
    NoLiquidity,
    NotInAuction,
    PostOnly,
    // Covered?
    InsufficientFunds,
    InsufficientHours,
    // Operators.
    BadAmount,
    BadName,
    CapacityBelowSold,
    BadRange,
    NotInCall,
    AlreadyDefined,
    InstrumentsExhausted,
    TooManySessions,
    LastOperatorKey,
    UnknownClass,
}

/// Why an order ended, or lost quantity, other than by a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum CancelReason {
    User,
    Mass,
    Ioc,
    Fok,
    NoLiquidity,
    SelfTrade,
    Reduce,
    DayEnd,
    Expired,
    AuctionEnd,
    GateClosed,
    Disconnect,
    Kill,
    Minimum,
    /// Would have traded outside the band: a call begins.
    Band,
    /// A stop whose hold covers no more.
    Uncovered,
    /// A quote replaced or withdrawn.
    Quote,
    /// An amendment to no more than what is filled already.
    Amend,
}

/// Where an instrument stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Status {
    Continuous,
    /// A call: orders rest until the uncross.
    Auction,
    /// A call in its last minute: nothing may be taken back.
    Frozen,
    Halted,
    GateClosed,
    Delivering,
    Settled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Liquidity {
    Maker,
    Taker,
    Auction,
}

/// One match as one of its two owners sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fill {
    pub trade: TradeId,
    pub price: Price,
    pub quantity: Quantity,
    pub liquidity: Liquidity,
    /// Rounded down. A buyer pays it at once, a seller at settlement.
    pub fee: Money,
}

/// What happened to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReportKind {
    Accepted,
    Rejected(RejectReason),
    Filled(Fill),
    /// Lost so much of its quantity; over when nothing is left.
    Cancelled {
        quantity: Quantity,
        reason: CancelReason,
    },
    Amended,
    Reduced,
    Triggered,
    /// A cancel, amend or reduce was refused; the order, if there is one, is as it was.
    CancelRejected(RejectReason),
    AmendRejected(RejectReason),
    /// A mass cancel, or a mass quote that changed nothing: how many orders it ended stands in `quantity`.
    MassCancelled,
    MassCancelRejected(RejectReason),
}

/// An execution report: a private message on an order's change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub account: AccountId,
    /// The account's own number, from 1 without gaps.
    pub number: u64,
    pub kind: ReportKind,
    pub order: OrderId,
    pub client_id: ClientId,
    /// The session of the command that caused it, and its number there; 0 where a timer or another did.
    pub session: SessionId,
    pub request: u64,
    pub instrument: InstrumentId,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub price: Price,
    pub trigger: Price,
    /// Order quantity, cumulative, leaves.
    pub quantity: Quantity,
    pub cumulative: Quantity,
    pub leaves: Quantity,
}

/// A match as everyone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    pub id: TradeId,
    pub instrument: InstrumentId,
    pub price: Price,
    pub quantity: Quantity,
    /// The taker's side; in an uncross, the younger order's.
    pub taker_side: Side,
    pub maker: OrderId,
    pub taker: OrderId,
}

/// What everyone sees of an order in its book, after a change that no trade tells of.
///
/// Whoever keeps a book of these takes the lots of each trade from the two orders named there as far as they are in it,
/// and an order that has none left out of it. What is hidden is not told: an iceberg's next slice comes as an order that
/// joins its level anew. At the end of each command the book so kept is the exchange's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookChange {
    pub instrument: InstrumentId,
    pub order: OrderId,
    pub side: Side,
    /// Whether it stands behind all others at its price now; else it keeps its place.
    pub joins: bool,
    /// Zero for a market order that waits in a call.
    pub price: Price,
    /// Lots displayed; zero when it is out of the book.
    pub quantity: Quantity,
}

/// What a ledger entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    Deposit,
    Withdrawal,
    /// A buyer's cash becomes escrow; its fee is paid.
    Fill,
    /// Escrow that a closing no longer needs goes back to cash.
    EscrowRelease,
    /// The realised result of an instrument, posted at its gate.
    Gate,
}

/// One line of an account's ledger: what moved, and what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerLine {
    pub account: AccountId,
    /// The account's own number of ledger lines, from 1 without gaps.
    pub number: u64,
    /// The entry it is a line of; lines of one entry sum to zero.
    pub entry: u64,
    pub kind: EntryKind,
    pub currency: CurrencyId,
    /// Cash and escrow moved so much, and then stood at so much.
    pub cash: Money,
    pub escrow: Money,
    pub cash_after: Money,
    pub escrow_after: Money,
    pub fee: Money,
    pub instrument: InstrumentId,
    pub trade: TradeId,
}

/// What must be delivered after the gate, from one account to another, in one hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligation {
    pub instrument: InstrumentId,
    pub product: ProductId,
    pub hour: Hour,
    pub deliverer: AccountId,
    pub receiver: AccountId,
    pub quantity: Quantity,
    /// What the deliverer is to be paid, and what the receiver has in escrow for it.
    pub deliverer_cost: Money,
    pub receiver_cost: Money,
    /// The deliverer's fee, due at settlement.
    pub fee: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Reported(Report),
    Traded(Trade),
    BookChanged(BookChange),
    Uncrossed {
        instrument: InstrumentId,
        price: Price,
        quantity: Quantity,
    },
    Posted(LedgerLine),
    Listed {
        instrument: InstrumentId,
        product: ProductId,
        symbol: Symbol,
        gate: Time,
    },
    StatusChanged {
        instrument: InstrumentId,
        status: Status,
    },
    /// The position became the same position in each part.
    Cascaded {
        account: AccountId,
        from: InstrumentId,
        into: InstrumentId,
        units: i64,
    },
    Obliged(Obligation),
    ProductDefined {
        product: ProductId,
        symbol: ProductSymbol,
    },
    ParticipantCreated {
        participant: ParticipantId,
        name: String,
    },
    AccountCreated {
        account: AccountId,
        participant: ParticipantId,
        name: String,
    },
    KeyIssued {
        key: KeyId,
        participant: ParticipantId,
        account: AccountId,
        role: Role,
        digest: [u8; 32],
        label: String,
    },
    KeyRevoked {
        key: KeyId,
    },
    LimitsSet {
        account: AccountId,
        limits: Limits,
    },
    SessionStarted {
        session: SessionId,
        account: AccountId,
        name: ClientId,
    },
    SessionEnded {
        session: SessionId,
        account: AccountId,
    },
    CapacityDeclared {
        account: AccountId,
        product: ProductId,
        from: Hour,
        hours: u32,
        quantity: Quantity,
    },
    /// Measurements of a provider's service in a class were taken in.
    Observed {
        provider: ParticipantId,
        class: String,
    },
    Rated {
        provider: ParticipantId,
        class: String,
        standing: Standing,
    },
    /// Trading stopped, or goes on, on everything in the scope.
    Halted {
        scope: Scope,
    },
    Resumed {
        scope: Scope,
    },
    Killed {
        account: AccountId,
    },
    Unkilled {
        account: AccountId,
    },
    /// A command that is not about an order was refused.
    Refused {
        reason: RejectReason,
    },
}

/// What the one who asked is told; for a unary request it is remembered under its client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Of the command that was answered first, when this repeats it.
    pub stamp: Stamp,
    pub repeated: bool,
    pub refused: Option<RejectReason>,
    /// The order placed, amended, reduced or cancelled.
    pub order: OrderId,
    pub quantity: Quantity,
    pub cumulative: Quantity,
    pub leaves: Quantity,
    pub price: Price,
    /// The number of whatever was created: participant, account, key, session; for a mass cancel, how many.
    pub number: u64,
}
