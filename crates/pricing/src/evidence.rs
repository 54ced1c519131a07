//! Measurements of one provider's service, kept by metric and UTC day.
//!
//! Only sums are kept, in integers: a day's readings give the same evidence in any order. A measurement that arrives
//! late belongs to the day it was taken on, and counts from the moment it is recorded.

use crate::error::Error;
use rust_decimal::{Decimal, MathematicalOps, dec};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Days since 1970-01-01, UTC.
pub type Day = i32;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// `good` out of `total` trials: readings that found the service up, starts on time. A part of a trial may count.
    Trials { good: Decimal, total: Decimal },
    /// A quantity above zero: milliseconds, a share of the grade.
    Value(Decimal),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    pub metric: String,
    /// The day it was taken on.
    pub day: Day,
    pub reading: Reading,
}

/// Millionths and billionths: whole numbers, so that sums do not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DaySum {
    /// Trials, or values, in millionths.
    pub count: i128,
    /// Successes in millionths, or the sum of natural logarithms in trillionths.
    pub sum: i128,
}

/// What is known of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    trials: BTreeMap<String, BTreeMap<Day, DaySum>>,
    values: BTreeMap<String, BTreeMap<Day, DaySum>>,
}

const MILLION: i64 = 1_000_000;
const TRILLION: i64 = 1_000_000_000_000;
/// Most trials in one observation.
const MOST_TRIALS: Decimal = dec!(1000000000);

/// What a measurement adds to its day, as a journal keeps it: whole numbers, which sum up to the same in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Trials, or values, in millionths; above zero.
    pub count: i64,
    /// Successes in millionths, or natural logarithms in trillionths.
    pub sum: i64,
}

impl Observation {
    /// Trials and successes in millionths; of a value one, and its natural logarithm in trillionths; rounded half to even.
    ///
    /// # Errors
    /// [`Error::Observation`] when it makes no sense: more successes than trials, no trials, a value that is not within
    /// 0.000000001 ..= 1,000,000,000, a day outside of the years 1970 to 2199.
    pub fn sums(&self) -> Result<Sums, Error> {
        let Observation { metric, day, reading } = self;
        let wrong = |why: String| Error::Observation { metric: metric.clone(), why };
        if !(0..84_006).contains(day) {
            return Err(wrong(format!("day {day} is not within 1970 to 2199")));
        }
        let (count, sum) = match *reading {
            Reading::Trials { good, total } => {
                if total <= Decimal::ZERO || total > MOST_TRIALS {
                    return Err(wrong(format!("{total} trials are not above 0 and at most {MOST_TRIALS}")));
                }
                if good < Decimal::ZERO || good > total {
                    return Err(wrong(format!("{good} successes are not within 0 ..= {total} trials")));
                }
                (whole(total, MILLION), whole(good, MILLION))
            }
            Reading::Value(value) => {
                if value < dec!(0.000000001) || value > dec!(1000000000) {
                    return Err(wrong(format!("{value} is not within 0.000000001 ..= 1000000000")));
                }
                (MILLION as i128, whole(value.ln(), TRILLION))
            }
        };
        if count == 0 {
            return Err(wrong("less than a millionth of a trial".into()));
        }
        // A thousand million in millionths and 21 in trillionths, at most.
        let fits = |number: i128| i64::try_from(number).expect("it was held against its bounds");
        Ok(Sums { count: fits(count), sum: fits(sum) })
    }
}

impl Evidence {
    /// Takes in a measurement.
    ///
    /// # Errors
    /// As [`Observation::sums`].
    pub fn record(&mut self, observation: &Observation) -> Result<(), Error> {
        let sums = observation.sums()?;
        match observation.reading {
            Reading::Trials { .. } => self.add_trials(&observation.metric, observation.day, sums),
            Reading::Value(_) => self.add_values(&observation.metric, observation.day, sums),
        }
        Ok(())
    }

    /// Takes in what a day's trials of a metric sum up to.
    pub fn add_trials(&mut self, metric: &str, day: Day, sums: Sums) {
        add(&mut self.trials, metric, day, sums);
    }

    /// Takes in what a day's values of a metric sum up to.
    pub fn add_values(&mut self, metric: &str, day: Day, sums: Sums) {
        add(&mut self.values, metric, day, sums);
    }

    /// Sums of a success metric on these days.
    pub(crate) fn trials(
        &self,
        metric: &str,
        days: RangeInclusive<Day>,
    ) -> impl Iterator<Item = (Day, DaySum)> {
        self.trials
            .get(metric)
            .into_iter()
            .flat_map(move |all| all.range(days.clone()))
            .map(|(day, sum)| (*day, *sum))
    }

    /// Sums of a quantity's logarithms on these days.
    pub(crate) fn values(
        &self,
        metric: &str,
        days: RangeInclusive<Day>,
    ) -> impl Iterator<Item = (Day, DaySum)> {
        self.values
            .get(metric)
            .into_iter()
            .flat_map(move |all| all.range(days.clone()))
            .map(|(day, sum)| (*day, *sum))
    }
}

fn add(to: &mut BTreeMap<String, BTreeMap<Day, DaySum>>, metric: &str, day: Day, sums: Sums) {
    let day_sum = to.entry(metric.to_owned()).or_default().entry(day).or_default();
    day_sum.count = day_sum.count.saturating_add(sums.count.into());
    day_sum.sum = day_sum.sum.saturating_add(sums.sum.into());
}

/// `value` in parts of `1 / parts`, rounded half to even.
fn whole(value: Decimal, parts: i64) -> i128 {
    let scale = parts.ilog10();
    let rounded = value.round_dp(scale);
    rounded.mantissa() * 10_i128.pow(scale - rounded.scale())
}
