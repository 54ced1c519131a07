//! Market data: what everyone sees of books and trades, built from published events.
//!
//! - `feed`: every instrument, command by command; what changed, numbered
//! - `halts`: what is halted as a whole, and how what is listed meanwhile begins
//! - `listing`: one instrument: its numbers, its trades, its book while somebody reads it
//! - `book`: one book, its levels and their checksum
//! - `orders`: the orders of the books that are kept, in their queues
//! - `tape`: what trades come to: statistics of the day, candles
//!
//! Always true: at the end of each command a book that is kept shows the orders, levels and lots that the exchange's own
//! does; each view of an instrument counts its changes from 1 without a gap; the same events give the same changes, wherever
//! one batch ends and the next begins. Nothing private is known here: hidden lots, owners and stops never arrive.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod book;
mod feed;
mod halts;
mod listing;
mod orders;
mod tape;

#[cfg(test)]
mod tests;

pub use book::{Book, LevelChange, Top, checksum};
pub use feed::{Feed, Update};
pub use halts::Halts;
pub use listing::{Listing, View};
pub use tape::{Candle, Interval, Statistics, Tape, vwap};
