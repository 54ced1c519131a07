//! The deterministic machine: `apply(stamp, request, command)` gives an answer and pushes events.
//!
//! - `machine`: the state and the one place where everything is decided
//! - `instruments`: products and the instruments listed of them
//! - `accounts`: participants, accounts, keys, sessions, remembered requests
//! - `orders`: place, cancel, amend, reduce; `many`: mass cancel, mass quote; `cover`: what an order holds;
//!   `fills`: what a match moves; `reports`: what is told
//! - `protection`: bands, calls, halts, the kill switch
//! - `quality`: what was measured of providers, and what pricing made of it
//! - `calendar`: listing, expiry, auctions, gates, cascades
//! - `admin`: what operators set; `look_ahead`: memory asked for ahead of its use
//! - `views`: what may be asked; `snapshot`: the whole state as bytes; `check`: every promise over it
//!
//! Always true after a command: no book is crossed while continuous, every ledger entry and every
//! currency sums to zero, no hold is negative, units of an instrument sum to zero. `apply` reads no
//! clock, file or configuration; what it knows of the world is its stamp.

#![forbid(unsafe_code)]

mod accounts;
mod admin;
mod calendar;
mod check;
mod cover;
mod fills;
mod hash;
mod instruments;
mod look_ahead;
mod machine;
mod many;
mod orders;
mod protection;
mod quality;
mod reports;
mod snapshot;
mod views;

#[cfg(test)]
mod tests;

pub use accounts::{Key, Participant, REMEMBERED_REQUESTS, REMEMBERED_SESSIONS, Session};
pub use instruments::{Instrument, Listed, Phase};
pub use machine::{Exchange, RULES};
pub use quality::KEPT_DAYS;
pub use snapshot::Error;
pub use views::*;
