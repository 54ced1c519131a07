//! Who has what: money by double entry with holds, hours by axes, and what each account owes or is owed.
//!
//! - `cash`: ledger accounts, holds, and entries that sum to zero
//! - `entry`: the lines and kinds of an entry
//! - `axis`: lots over delivery hours, piecewise constant
//! - `hours`: per account and product, the capacity declared and the hours still to be sold
//! - `position`: units, cost and result of one account in one instrument; arithmetic only
//! - `positions`: all positions, found by account and instrument
//! - `index`: a look-up table that cannot be iterated
//!
//! Always true: every currency sums to zero over the ledger; no hold is negative; no hour is sold
//! twice; rounding moves a micro from one place to another and never makes or loses one.
//! A refusal is a `Result`; a panic here is a fault of the caller's, never of a participant's.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod axis;
mod cash;
mod entry;
mod hours;
mod index;
mod position;
mod positions;
#[cfg(test)]
mod tests;

pub use axis::{Axis, Step};
pub use cash::{LEDGER_MAX, Ledger, LedgerAccount, Owner, Uncovered};
pub use entry::{AccountKind, LedgerAccountId, Posting};
pub use hours::{BelowSold, Capacity, HourBook, MAX_CAPACITY, Short};
pub use position::{Effect, Position};
pub use positions::Positions;

use std::fmt;

/// A state that breaks a promise of this crate: found by a full check, or refused in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise.
    pub promise: &'static str,
    /// Where: an index of the table in question.
    pub at: u64,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken at {}: {}", self.at, self.promise)
    }
}

impl std::error::Error for Broken {}

/// `Ok` when the promise holds.
fn promise(holds: bool, promise: &'static str, at: u64) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { promise, at }) }
}
