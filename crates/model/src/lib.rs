//! The words of the market. Every other crate speaks in these.

mod ids;
mod units;

pub use ids::*;
pub use units::*;
