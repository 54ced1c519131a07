//! What decides on prices. docs/maker.md writes a third strategy in a page.

mod fixed;
mod quality;

pub use fixed::FixedSpread;
pub use quality::QualityPriced;

use crate::view::{Quotes, View};

/// Decides what to quote, instrument by instrument.
///
/// It is asked whenever something of the view has moved, and now and then when nothing has. Whatever it answers, the
/// maker sends nothing that crosses itself or others, that is off the tick, or that could breach a limit: a strategy
/// decides where the market is, and the maker how much of that is safe.
pub trait Strategy: Send {
    /// As configuration and logs call it.
    fn name(&self) -> &'static str;

    /// The two sides that are wanted now.
    fn quote(&mut self, view: &View) -> Quotes;
}
