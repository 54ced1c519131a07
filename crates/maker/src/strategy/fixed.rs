//! A fixed distance from the fair price.

use super::Strategy;
use crate::view::{Quotes, View, tick_down, tick_up};

/// Bids and offers at one distance below and above the fair price, both moved away from the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedSpread {
    /// Half the distance between the sides, millionths of the fair price.
    pub half_ppm: u32,
    /// How far the largest position that is allowed moves both sides, millionths of the fair price: down when lots were
    /// bought, up when they were sold.
    pub skew_ppm: u32,
}

impl Strategy for FixedSpread {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn quote(&mut self, view: &View) -> Quotes {
        let (fair, tick) = (i128::from(view.fair.price_micros), view.instrument.tick_micros);
        let (position, room) = (i128::from(view.position), i128::from(view.room.max(0)));
        // The largest position either way is what there is and what there is room for.
        let most = (position + room).max(position.abs()).max(1);
        let moved = i128::from(self.skew_ppm) * position / most;
        let part = |ppm: i128| i64::try_from(fair * (1_000_000 + ppm) / 1_000_000).unwrap_or(i64::MAX / 4);
        let half = i128::from(self.half_ppm);
        let (bid, ask) = (tick_down(part(-moved - half), tick), tick_up(part(-moved + half), tick));
        // A spread that rounds to nothing is still a spread.
        Quotes::around(view, bid, ask.max(bid.saturating_add(tick)))
    }
}
