//! The market maker: two-sided quotes about the fair price, as a customer like any other.
//!
//! - `view`: what a strategy sees of an instrument, and what it answers
//! - `strategy`: the trait, and the two that are shipped
//! - `quoter`: what to quote and when; no clock, no I/O
//! - `holdings`, `volatility`, `limits`: what is held, how much prices move, what may be risked
//! - `sums`: what all instruments come to together; `figures`: what it says of itself
//! - `config`: where and for whom it quotes; `sources`: what it asks of the exchange; `maker`: the quoter, connected

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod config;
mod figures;
mod holdings;
mod limits;
mod maker;
mod quoter;
mod sources;
mod strategy;
mod sums;
mod view;
mod volatility;

#[cfg(test)]
mod tests;

/// The page on makers is tried as it is written.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/maker.md")]
struct Page;

pub use config::{Config, Depth, Error};
pub use figures::{Figures, State, amount};
pub use holdings::{Holdings, Position};
pub use limits::{Breach, Limits};
pub use maker::Maker;
pub use quoter::{Action, Moment, Quoter, Settings};
pub use strategy::{FixedSpread, QualityPriced, Strategy};
pub use view::{Fair, Instrument, Level, Quotes, Time, Trade, View, Why, tick_down, tick_up};
