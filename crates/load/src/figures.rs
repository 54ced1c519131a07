//! What came of a run.

use hdrhistogram::Histogram;
use hourbook_api::v1::{self, RejectReason};
use std::collections::BTreeMap;
use std::time::Duration;

/// What was measured of a run that was right.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Requests in all, and those answered while it was measured.
    pub requests: u64,
    pub answered: u64,
    /// Orders in each request: one, and of a mass quote one for each side.
    pub orders_each: u32,
    pub elapsed: Duration,
    /// Nanoseconds from sending a request, or from when it was to be sent, to its answer.
    pub latency: Histogram<u64>,
    /// Fills of its orders while it was measured; of unary calls those that were in the answers.
    pub fills: u64,
    /// What the market refused while it was measured, by reason.
    pub rejects: BTreeMap<RejectReason, u64>,
    /// Calls that were answered with a status because there was no room for them, at any time.
    pub errors: u64,
}

impl Figures {
    pub(crate) fn new(orders_each: u32) -> Figures {
        let latency = Histogram::new(3).expect("three digits are allowed");
        Figures {
            requests: 0,
            answered: 0,
            orders_each,
            elapsed: Duration::ZERO,
            latency,
            fills: 0,
            rejects: BTreeMap::new(),
            errors: 0,
        }
    }

    pub(crate) fn answered_after(&mut self, latency: Duration) {
        self.answered += 1;
        self.latency.record(latency.as_nanos() as u64).expect("the histogram grows to whatever it is given");
    }

    pub(crate) fn rejected(&mut self, report: &v1::ExecutionReport) {
        let reason = RejectReason::try_from(report.reject_reason).unwrap_or_default();
        *self.rejects.entry(reason).or_default() += 1;
    }

    /// Adds what another connection did in the same time.
    pub(crate) fn beside(&mut self, other: &Figures) {
        self.elapsed = self.elapsed.max(other.elapsed);
        self.count(other);
    }

    /// Adds what was done in another time.
    pub fn then(&mut self, other: &Figures) {
        self.elapsed += other.elapsed;
        self.count(other);
    }

    fn count(&mut self, other: &Figures) {
        self.requests += other.requests;
        self.answered += other.answered;
        self.fills += other.fills;
        self.errors += other.errors;
        self.latency.add(&other.latency).expect("both grow");
        for (reason, count) in &other.rejects {
            *self.rejects.entry(*reason).or_default() += count;
        }
    }

    /// Orders answered in a second.
    pub fn per_second(&self) -> f64 {
        (self.answered * u64::from(self.orders_each)) as f64 / self.elapsed.as_secs_f64()
    }

    /// Nanoseconds that this share of answers, 0 to 1, took at most.
    pub fn quantile_ns(&self, share: f64) -> u64 {
        self.latency.value_at_quantile(share)
    }

    /// Requests that named an order which had been filled meanwhile.
    pub fn missed(&self) -> u64 {
        self.rejects.get(&RejectReason::UnknownOrder).copied().unwrap_or(0)
    }

    pub fn rejected_in_all(&self) -> u64 {
        self.rejects.values().sum()
    }
}
