//! What the maker may risk, and how fast it may speak.

use std::fmt;
use std::time::Duration;

/// Bounds that the maker stays within; what is beyond one of them by whatever way stops it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lots bought less sold, either way, in one instrument.
    pub position: i64,
    /// Lot-hours of open positions, either way, in one product and in all.
    pub product_lot_hours: i64,
    pub total_lot_hours: i64,
    /// What open positions are worth at the fair price, either way, in all; micros.
    pub exposure_micros: i64,
    /// The profit, realised and marked, may fall so far below zero; micros.
    pub loss_micros: i64,
    /// Quotes a second: the exchange counts each quote of a message as a command. More wait.
    pub quotes_per_second: u32,
    /// Sides that the exchange refused within a minute, but for those that would have traded at once.
    pub refusals_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            position: 1_000,
            product_lot_hours: 1_000_000,
            total_lot_hours: 10_000_000,
            exposure_micros: 1_000_000_000_000,
            loss_micros: 10_000_000_000,
            quotes_per_second: 500,
            refusals_per_minute: 1_000,
        }
    }
}

/// A limit that was passed. Nothing is quoted any more, and everything of the account is cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    Position {
        symbol: String,
        units: i64,
        limit: i64,
    },
    ProductLotHours {
        product: String,
        lot_hours: i128,
        limit: i64,
    },
    TotalLotHours {
        lot_hours: i128,
        limit: i64,
    },
    Exposure {
        micros: i128,
        limit: i64,
    },
    Loss {
        micros: i128,
        limit: i64,
    },
    Refusals {
        in_a_minute: u64,
        limit: u32,
        last: String,
    },
    /// The operator's kill switch is on the account.
    Killed,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::Position { symbol, units, limit } => {
                write!(f, "position: {units} lots of {symbol}, and {limit} either way are allowed")
            }
            Breach::ProductLotHours { product, lot_hours, limit } => {
                write!(f, "product_lot_hours: {lot_hours} of {product}, and {limit} are allowed")
            }
            Breach::TotalLotHours { lot_hours, limit } => {
                write!(f, "total_lot_hours: {lot_hours}, and {limit} are allowed")
            }
            Breach::Exposure { micros, limit } => {
                write!(f, "exposure: {micros} micros, and {limit} are allowed")
            }
            Breach::Loss { micros, limit } => write!(f, "loss: {micros} micros, and {limit} are allowed"),
            Breach::Refusals { in_a_minute, limit, last } => {
                write!(
                    f,
                    "refusals: {in_a_minute} within a minute, and {limit} are allowed; the last: {last}"
                )
            }
            Breach::Killed => write!(f, "the account's kill switch is on"),
        }
    }
}

/// So much a second, and a second's worth at once.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    per_second: u32,
    /// Nanoseconds of waiting that were not used.
    saved: u128,
    at: Option<Duration>,
}

const SECOND: u128 = 1_000_000_000;

impl Rate {
    pub fn new(per_second: u32) -> Rate {
        Rate { per_second: per_second.max(1), saved: SECOND, at: None }
    }

    /// Takes as many of `wanted` as there are now.
    pub fn take(&mut self, now: Duration, wanted: usize) -> usize {
        let passed = self.at.map_or(0, |at| now.saturating_sub(at).as_nanos());
        self.at = Some(now);
        self.saved = (self.saved + passed).min(SECOND);
        let each = SECOND / u128::from(self.per_second);
        let taken = wanted.min((self.saved / each.max(1)) as usize);
        self.saved -= each * taken as u128;
        taken
    }

    /// What was taken and not used.
    pub fn give_back(&mut self, count: usize) {
        let each = SECOND / u128::from(self.per_second);
        self.saved = (self.saved + each * count as u128).min(SECOND);
    }
}
