//! Service quality as the machine keeps it: sums of measurements, and what pricing made of them.
//!
//! Whole numbers only, and sums only: measurements of a day count the same in any order. Scores, ratings and fair
//! prices are computed outside, from these and from parameters whose digest comes back with them.

use serde::{Deserialize, Serialize};

/// How a metric is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// Successes out of trials.
    Trials,
    /// Quantities above zero, by their natural logarithm.
    Values,
}

/// Measurements of one metric of a provider's service, taken on one day.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Observation {
    /// 1 to 32 characters: lower-case letters, digits, `_`.
    pub metric: String,
    pub measure: Measure,
    /// Days since 1970-01-01, UTC.
    pub day: u32,
    pub sum: DaySum,
}

/// What a day's measurements of a metric come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DaySum {
    /// Trials, or quantities, in millionths; above zero.
    pub count: i64,
    /// Successes in millionths, at most as many as trials; or the sum of logarithms in trillionths.
    pub sum: i64,
}

impl DaySum {
    /// Greatest count of one observation: a thousand million trials.
    pub const MOST: i64 = 1_000_000_000_000_000;

    /// Whether such measurements can have been.
    pub fn is_sound(&self, measure: Measure) -> bool {
        (1..=Self::MOST).contains(&self.count)
            && match measure {
                Measure::Trials => (0..=self.count).contains(&self.sum),
                // A quantity is within 10^-9 ..= 10^9: its logarithm, 21 at most, in trillionths to a count in millionths.
                Measure::Values => self.sum.unsigned_abs() / 21_000_000 <= self.count.unsigned_abs(),
            }
    }

    /// Both together; `None` when they are more than their fields hold.
    pub fn plus(&self, more: DaySum) -> Option<DaySum> {
        Some(DaySum { count: self.count.checked_add(more.count)?, sum: self.sum.checked_add(more.sum)? })
    }
}

/// How good a provider's service in a class is, as pricing found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standing {
    /// 0 to 100 in ten-thousandths, and where it lies at least.
    pub score: u32,
    pub bound: u32,
    /// Measurements of the metric that weighs most, faded, in millionths.
    pub evidence: u64,
    /// 0 is D, 9 is AAA.
    pub rating: u8,
    /// The day on which the rating was given, which moves once a day.
    pub rated_on: u32,
    /// Tiers that may be sold: 1 is A, 2 is B, 4 is C.
    pub tiers: u8,
}

impl Standing {
    /// Ten-thousandths of the best score.
    pub const BEST: u32 = 1_000_000;

    pub fn is_sound(&self) -> bool {
        self.score <= Self::BEST && self.bound <= self.score && self.rating <= 9 && self.tiers < 8
    }
}
