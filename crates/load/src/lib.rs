//! The load generator: a customer like any other, who counts.
//!
//! - `desk`: an account that may trade, and where it trades
//! - `mix`: what it asks for, so that the book stays about as deep as it is
//! - `session`, `unary`: the two ways to ask, in a closed loop: as many requests under way as the plan says, never more
//! - `stage`: from an empty book to the last answer; `figures`: what came of it
//!
//! Always true: every request is answered once and in order, and the account's reports are numbered without a gap, or the
//! run ends with an error. A figure is only given for a run that was right.

#![forbid(unsafe_code)]

mod desk;
mod figures;
mod mix;
mod session;
mod stage;
mod unary;

#[cfg(test)]
mod tests;

pub use desk::{Desk, set_up};
pub use figures::Figures;

use hourbook_api::client::{self, Client};
use std::time::Duration;

/// How requests travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One call a request, so many at once.
    Unary { calls: usize },
    /// One `Trade` session, so many entries a message, so many messages unanswered.
    Session { entries: usize, messages: usize },
}

/// A run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub way: Way,
    /// Live orders in the book, about.
    pub resting: usize,
    /// How long it runs before it is measured, once the book is filled, and how long it is measured.
    pub warm_up: Duration,
    pub measured: Duration,
    /// What is drawn; the same seed asks for the same.
    pub seed: u64,
}

/// Why a run has no figures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("answer {found} came where {expected} was due: an answer was lost or doubled")]
    Answer { expected: u64, found: u64 },
    #[error("report {found} came where {expected} was due: a report was lost or doubled")]
    Report { expected: u64, found: u64 },
    #[error("request {number} was refused: {why}")]
    Refused { number: u64, why: String },
    #[error("the exchange lists nothing that fits: {0}")]
    Market(String),
    #[error("the session ended early: {0}")]
    Ended(String),
}

/// Carries out a plan at an address such as `http://127.0.0.1:7070`.
///
/// # Errors
/// When the exchange cannot be reached, or anything is not as it must be.
pub async fn run(plan: &Plan, address: &str, desk: &Desk) -> Result<Figures, Error> {
    let client = Client::connect(address, &desk.key, desk.authority.as_deref()).await?;
    match plan.way {
        Way::Unary { calls } => unary::run(plan, &client, desk, calls).await,
        Way::Session { entries, messages } => session::run(plan, &client, desk, entries, messages).await,
    }
}
