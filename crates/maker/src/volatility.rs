//! How much the prices of a product move, as its feed shows.

use crate::view::Time;
use rust_decimal::{Decimal, MathematicalOps, dec};
use std::collections::BTreeMap;
use std::time::Duration;

/// A price of an instrument is looked at no more often than this.
const APART: Duration = Duration::from_secs(60);
/// What a move counts for is taken back by this part with every later one.
const KEPT: Decimal = dec!(0.984375);
/// Moves before there is an answer.
const LEAST: u32 = 16;

/// Moves of the middle of each book, squared, against the time they took; older ones count less.
#[derive(Clone, Debug, Default)]
pub(crate) struct Volatility {
    last: BTreeMap<u32, (Time, i64)>,
    squares: Decimal,
    hours: Decimal,
    moves: u32,
}

impl Volatility {
    /// The middle of an instrument's book, micros.
    pub fn saw(&mut self, instrument: u32, at: Time, middle_micros: i64) {
        if middle_micros <= 0 {
            return;
        }
        let Some((before, price)) = self.last.get(&instrument).copied() else {
            self.last.insert(instrument, (at, middle_micros));
            return;
        };
        let apart = at.since(before);
        if apart < APART {
            return;
        }
        self.last.insert(instrument, (at, middle_micros));
        let moved = Decimal::from(middle_micros - price) / Decimal::from(price);
        let moved = moved.clamp(dec!(-0.5), dec!(0.5)).round_dp(9);
        let hours = Decimal::from(apart.as_secs().min(1_000_000)) / dec!(3600);
        self.squares = (self.squares * KEPT + moved * moved).round_dp(18);
        self.hours = (self.hours * KEPT + hours).round_dp(9);
        self.moves = self.moves.saturating_add(1);
    }

    pub fn forget(&mut self, instrument: u32) {
        self.last.remove(&instrument);
    }

    /// Standard deviation per square root of an hour, 0 ..= 1.
    pub fn now(&self) -> Option<Decimal> {
        if self.moves < LEAST || self.hours.is_zero() {
            return None;
        }
        let variance = self.squares.checked_div(self.hours)?;
        Some(variance.sqrt()?.round_dp(6).min(Decimal::ONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_moves_by_a_percent_each_hour_has_a_volatility_of_one_percent() {
        let mut volatility = Volatility::default();
        for hour in 0..40 {
            assert_eq!(volatility.now().is_some(), hour > 16);
            volatility.saw(1, Time(hour * Time::HOUR), if hour % 2 == 0 { 1_000_000 } else { 1_010_000 });
        }
        let seen = volatility.now().unwrap();
        assert!(seen > dec!(0.0098) && seen < dec!(0.0102), "{seen}");
        for hour in 40..400 {
            volatility.saw(1, Time(hour * Time::HOUR), 1_000_000);
        }
        assert!(volatility.now().unwrap() < dec!(0.001), "what is long ago is forgotten");
    }
}
