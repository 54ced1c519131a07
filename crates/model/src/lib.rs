//! The words of the market: every other crate speaks in these.
//!
//! - `ids`: participants, accounts, instruments, orders
//! - `units`: prices, lots, money, time
//! - `symbol`: products and delivery periods, and how they are written
//! - `market`: classes, regions, products and their terms
//! - `quality`: measurements of service, and what pricing made of them
//! - `orders`: what a client may ask for
//! - `commands`, `codec`: wishes, and how they stand in the journal; `digest`: what is kept of one
//! - `events`: facts

#![forbid(unsafe_code)]

pub mod codec;
mod commands;
mod digest;
mod events;
mod ids;
mod market;
mod orders;
mod quality;
mod symbol;
mod units;

#[cfg(test)]
mod tests;

pub use commands::*;
pub use digest::Digest;
pub use events::*;
pub use ids::*;
pub use market::*;
pub use orders::*;
pub use quality::*;
pub use symbol::*;
pub use units::*;
