//! From evidence to a score of 0 to 100 and its lower bound.
//!
//! 1. A success metric has a Beta posterior whose prior is worth some trials of the class's usual rate; its bound is
//!    Wilson's on the posterior's counts. A quantity has a normal posterior on its logarithm, shrunk toward the class's usual
//!    one, with the class's fixed variance.
//! 2. Each is put on a fixed scale: nines for success metrics, logarithms for quantities. Nothing is relative to
//!    other providers, so no score moves because somebody joined.
//! 3. The class's weights make one score; what is uncertain in each adds up as independent errors do.
//!
//! Evidence fades with age, by half in every half-life, as of a day that the caller names.
//!
//! Sources: the Beta posterior is Josang and Ismail's reputation system (2002); the bound is Wilson's (1927); the names of
//! the metrics follow the Service Measurement Index and ISO/IEC 19086. See docs/pricing.md.

use crate::error::{Error, within};
use crate::evidence::{Day, DaySum, Evidence};
use crate::number::between;
use rust_decimal::{Decimal, MathematicalOps, dec};
use std::collections::BTreeMap;

/// How a metric is measured and where it stands on the scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    pub kind: MetricKind,
    /// Points of (nines, or natural logarithm of the quantity with its sign turned where less is better) and score, rising.
    pub scale: Vec<(Decimal, Decimal)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Good out of total.
    Success,
    /// A quantity of which more is better; `spread` is the standard deviation of its logarithm.
    MoreIsBetter {
        spread: Decimal,
    },
    LessIsBetter {
        spread: Decimal,
    },
}

/// What a class weighs a metric with, and what it takes for usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weight {
    pub weight: Decimal,
    /// Rate of success, or quantity, of a provider about which nothing is known.
    pub usual: Decimal,
}

/// How scores are made. Frozen with the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scoring {
    /// What the prior is worth, in trials or measurements.
    pub prior_weight: Decimal,
    /// One-sided, in standard deviations.
    pub z: Decimal,
    pub metrics: BTreeMap<String, Metric>,
    /// Of each class, its metrics; the weights sum to 1.
    pub classes: BTreeMap<String, BTreeMap<String, Weight>>,
    /// What a measurement is still worth after so many days. Its length is how long anything counts.
    pub fading: Vec<Decimal>,
}

/// A provider's quality for one class on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// 0 ..= 100, rounded to four decimals.
    pub score: Decimal,
    /// Where the score lies at least, with 95 % confidence; never above the score.
    pub bound: Decimal,
    /// Faded trials or measurements of the metric that weighs most.
    pub evidence: Decimal,
    pub attributes: Vec<Attribute>,
}

/// One metric's part in a score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub metric: String,
    pub weight: Decimal,
    /// Posterior rate or quantity and its bound on the worse side.
    pub estimate: Decimal,
    pub estimate_bound: Decimal,
    /// Where these stand on the scale, 0 ..= 100.
    pub score: Decimal,
    pub bound: Decimal,
    /// Faded trials or measurements.
    pub evidence: Decimal,
}

impl Score {
    /// Score and bound in ten-thousandths, as a command carries them.
    pub fn integers(&self) -> (i64, i64) {
        let whole = |value: Decimal| (value * dec!(10000)).round().mantissa() as i64;
        (whole(self.score), whole(self.bound))
    }
}

impl Scoring {
    /// The quality of a provider for a class, as of the end of day `as_of`. Later measurements do not count.
    ///
    /// # Errors
    /// [`Error::Unknown`] when there is no such class.
    pub fn score(&self, class: &str, evidence: &Evidence, as_of: Day) -> Result<Score, Error> {
        let weights = self.classes.get(class).ok_or_else(|| Error::unknown("class", class))?;
        // What is older is worth nothing, what is later is not known yet.
        let days = as_of.saturating_sub(self.fading.len() as Day - 1)..=as_of;
        let mut attributes = Vec::new();
        let (mut score, mut doubt) = (Decimal::ZERO, Decimal::ZERO);
        for (name, Weight { weight, usual }) in weights {
            let metric = &self.metrics[name];
            let (estimate, estimate_bound, evidence, position, position_bound) = match metric.kind {
                MetricKind::Success => {
                    let (count, sum) =
                        self.faded(evidence.trials(name, days.clone()), as_of, dec!(1000000), dec!(1000000));
                    let trials = self.prior_weight + count;
                    let rate = (self.prior_weight * usual + sum) / trials;
                    let bound = wilson_bound(rate, trials, self.z);
                    (rate, bound, count, nines(rate), nines(bound))
                }
                MetricKind::MoreIsBetter { spread } | MetricKind::LessIsBetter { spread } => {
                    let less = matches!(metric.kind, MetricKind::LessIsBetter { .. });
                    let turn = if less { dec!(-1) } else { Decimal::ONE };
                    let (count, sum) = self.faded(
                        evidence.values(name, days.clone()),
                        as_of,
                        dec!(1000000),
                        dec!(1000000000000),
                    );
                    let measured = self.prior_weight + count;
                    let log = turn * (self.prior_weight * usual.ln() + sum) / measured;
                    let bound = log - self.z * spread / measured.sqrt().unwrap_or(Decimal::ONE);
                    let back = |log: Decimal| (turn * log).exp().round_dp(6);
                    (back(log), back(bound), count, log, bound)
                }
            };
            let at = between(&metric.scale, position);
            let bound = between(&metric.scale, position_bound).min(at);
            score += weight * at;
            let part = weight * (at - bound);
            doubt += part * part;
            attributes.push(Attribute {
                metric: name.clone(),
                weight: *weight,
                estimate: estimate.round_dp(9),
                estimate_bound: estimate_bound.round_dp(9),
                score: at.round_dp(4),
                bound: bound.round_dp(4),
                evidence: evidence.round_dp(4),
            });
        }
        let bound = (score - doubt.sqrt().unwrap_or(doubt)).clamp(Decimal::ZERO, score);
        let heaviest = attributes.iter().rev().max_by_key(|attribute| attribute.weight);
        let evidence = heaviest.map_or(Decimal::ZERO, |attribute| attribute.evidence);
        Ok(Score { score: score.round_dp(4), bound: bound.round_dp(4), evidence, attributes })
    }

    /// Count and sum of what still counts on day `as_of`, each by what it is worth.
    fn faded(
        &self,
        days: impl Iterator<Item = (Day, DaySum)>,
        as_of: Day,
        count_parts: Decimal,
        sum_parts: Decimal,
    ) -> (Decimal, Decimal) {
        let (mut count, mut sum) = (Decimal::ZERO, Decimal::ZERO);
        for (day, total) in days {
            let Some(worth) = usize::try_from(as_of - day).ok().and_then(|age| self.fading.get(age)) else {
                continue;
            };
            count += worth * parts(total.count) / count_parts;
            sum += worth * parts(total.sum) / sum_parts;
        }
        (count, sum)
    }
}

/// A whole number as a decimal; beyond 28 digits, the largest that there is.
fn parts(number: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(number, 0).unwrap_or(if number < 0 {
        Decimal::MIN
    } else {
        Decimal::MAX
    })
}

/// Lower end of Wilson's interval for a rate of success seen in so many trials (a real number above zero).
///
/// Source: E. B. Wilson, Probable inference, 1927.
pub fn wilson_bound(rate: Decimal, trials: Decimal, z: Decimal) -> Decimal {
    let square = z * z / trials;
    let half = dec!(0.5);
    let spread = (rate * (Decimal::ONE - rate) / trials + square / dec!(4) / trials).max(Decimal::ZERO);
    let width = z * spread.sqrt().unwrap_or_default();
    let bound = (rate + square * half - width) / (Decimal::ONE + square);
    bound.clamp(Decimal::ZERO, rate.max(Decimal::ZERO))
}

/// How many nines a rate has: 1 for 90 %, 3 for 99.9 %; 12 at most.
fn nines(rate: Decimal) -> Decimal {
    let missing = (Decimal::ONE - rate).clamp(dec!(0.000000000001), Decimal::ONE);
    -missing.log10()
}

/// Checks of what parameters say about scores; `key` names the place.
impl Scoring {
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("quality.prior_weight", self.prior_weight, dec!(0.01), dec!(1000000))?;
        within("quality.z", self.z, Decimal::ZERO, dec!(10))?;
        for (name, metric) in &self.metrics {
            let key = || format!("quality.metrics.{name}");
            let rising = metric.scale.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
            if metric.scale.len() < 2 || !rising {
                return Err(Error::parameter(key(), "its scale needs two points or more, rising"));
            }
            if metric.scale.iter().any(|point| point.1 < Decimal::ZERO || point.1 > dec!(100)) {
                return Err(Error::parameter(key(), "a score on its scale is not within 0 ..= 100"));
            }
        }
        for (class, weights) in &self.classes {
            let sum: Decimal = weights.values().map(|weight| weight.weight).sum();
            if sum != Decimal::ONE || weights.values().any(|weight| weight.weight < Decimal::ZERO) {
                let why = format!("weights are not above zero, or sum to {} and not to 1", sum.normalize());
                return Err(Error::parameter(format!("quality.classes.{class}"), why));
            }
            for (name, weight) in weights {
                let key = format!("quality.classes.{class}.{name}");
                let Some(metric) = self.metrics.get(name) else {
                    return Err(Error::parameter(key, "no such metric"));
                };
                let most = if metric.kind == MetricKind::Success { dec!(0.999999) } else { dec!(1000000) };
                if weight.usual < dec!(0.000001) || weight.usual > most {
                    return Err(Error::parameter(key, format!("usual is not within 0.000001 ..= {most}")));
                }
            }
        }
        Ok(())
    }
}
