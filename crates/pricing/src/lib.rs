//! Prices from service quality: measurements to score, rating, fair price and two-sided quote, each with what it
//! was made of. It knows nothing of orders, and no float comes near a price.
//!
//! - `params`: the frozen file that holds all numbers; its digest goes with every result
//! - `evidence`, `score`, `rating`: from measurements to a score with its bound, a letter, and the tiers it opens
//! - `terms`, `bundle`: fitted multipliers, unit prices, and the exact sum over a bundle
//! - `fair`, `basis`: the price of a product's unit, and what fresh prices say about it
//! - `quote`: two sides about it
//!
//! Always true: prices add up exactly within one provider, region, family and score; a score depends on
//! nothing but its own provider; the same inputs give the same bytes in any order.
//!
//! ```
//! use hourbook_pricing::{Conditions, Params, QuoteRequest, Tier};
//! use rust_decimal::dec;
//!
//! let params = Params::standard();
//! let sold = Conditions {
//!     class: "GP",
//!     region: "CNNM",
//!     tier: Tier::A,
//!     score: dec!(93.5),
//!     currency: "CNY",
//!     basis: None,
//! };
//! let fair = params.fair_price(&sold)?;
//! for line in params.explain_fair_price(&sold)? {
//!     println!("{} {}", line.value, line.what);
//! }
//! let quote = params.kind(params.class("GP")?.kind()).quoting.quote(&QuoteRequest {
//!     fair: fair.price,
//!     uncertainty: fair.uncertainty(),
//!     volatility: None,
//!     fee: dec!(0.0005),
//!     hours_to_delivery: dec!(24),
//!     inventory: 500,
//!     capacity: 1000,
//!     size: 100,
//!     tick: dec!(0.0001),
//! })?;
//! println!("{:?} {:?}", quote.bid, quote.ask);
//! # Ok::<(), hourbook_pricing::Error>(())
//! ```

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod basis;
mod bundle;
mod error;
mod evidence;
mod fair;
mod number;
mod params;
mod quote;
mod rating;
mod score;
mod terms;

#[cfg(test)]
mod tests;

pub use basis::Basis;
pub use bundle::{Bundle, Component, PerComponent, UnitPrices};
pub use error::Error;
pub use evidence::{Day, Evidence, Observation, Reading, Sums};
pub use fair::{Conditions, FairPrice, Line, block, cost};
pub use number::UNIT_PRICE_SCALE;
pub use params::{Class, Curves, Kind, KindRules, Params, Region, STANDARD};
pub use quote::{Level, Quote, QuoteRequest, Quoting, Withheld, on_tick};
pub use rating::{Cuts, Rated, Rating, Tier};
pub use score::{Attribute, Metric, MetricKind, Score, Scoring, Weight, wilson_bound};
pub use terms::{Applied, Field, Item, Rates, Term};
