//! The load generator: a customer like any other, who counts.
//!
//! - `desk`: accounts that may trade, and where they trade
//! - `requests`: what they ask for, by the name of the mix; `pace`: when
//! - `customer`: from empty books, round by round, to empty books; `stage`: how far a round is
//! - `session`, `unary`: the two ways to ask
//! - `subscribers`: who looks on meanwhile
//! - `trades`: fills held against each other; `figures`: what came of it
//!
//! Always true: every request is answered once, an account's reports are numbered without a gap, and both sides of a trade
//! are told the same, or the run ends with an error. A figure is only given for a run that was right. What the market refuses
//! is right, and counted apart.

#![forbid(unsafe_code)]

mod customer;
mod desk;
mod figures;
mod pace;
mod random;
mod requests;
mod session;
mod stage;
mod subscribers;
mod trades;
mod unary;

#[cfg(test)]
mod tests;

pub use customer::{Audit, Customer, Progress};
pub use desk::{Book, Desk, Raised, Wanted, set_up};
pub use figures::Figures;
pub use pace::Pace;
pub use requests::Mix;
pub use subscribers::{Gallery, Subscribers};

use hourbook_api::client;

/// How requests travel, on each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One call a request, at most so many at once.
    Unary { calls: usize },
    /// One `Trade` session, so many entries a message, at most so many messages unanswered.
    Session { entries: usize, messages: usize },
}

/// What is asked for, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    pub way: Way,
    pub pace: Pace,
    pub mix: Mix,
    /// Live orders in all books together, about.
    pub resting: usize,
    /// What is drawn; the same seed asks for the same.
    pub seed: u64,
    /// Reports of calls that are left unread while it is measured, at most; what is read meanwhile costs some of what is measured.
    pub unread: u64,
}

/// An exchange keeps the last million reports of an account.
pub const UNREAD: u64 = 600_000;

/// Why a run has no figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("answer {found} came where {expected} was due: an answer was lost or doubled")]
    Answer { expected: u64, found: u64 },
    #[error("{found} reports answer calls where {expected} were due: an answer was lost or doubled")]
    Calls { expected: u64, found: u64 },
    #[error("report {found} came where {expected} was due: a report was lost or doubled")]
    Report { expected: u64, found: u64 },
    #[error("update {found} came where {expected} was due: a change of the book was lost or doubled")]
    Update { expected: u64, found: u64 },
    #[error("a snapshot, numbered {number}, came where changes were due: some were left out")]
    Snapshot { number: u64 },
    #[error("a subscriber was told updates up to {found} only, others up to {expected}")]
    Behind { expected: u64, found: u64 },
    #[error("trade {trade}: {why}")]
    Fill { trade: u64, why: String },
    #[error("request {number} was refused: {why}")]
    Refused { number: u64, why: String },
    #[error("the exchange lists nothing that fits: {0}")]
    Market(String),
    #[error("the session ended early: {0}")]
    Ended(String),
    #[error("the system's timer: {0}")]
    Timer(#[from] std::io::Error),
}
