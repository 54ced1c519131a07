//! What came of a run.

use hdrhistogram::Histogram;
use std::time::Duration;

/// What was measured of a run that was right.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Requests in all, and those answered while it was measured.
    pub requests: u64,
    pub answered: u64,
    pub elapsed: Duration,
    /// Nanoseconds from sending a request to its answer.
    pub latency: Histogram<u64>,
    /// Fills of its orders while it was measured.
    pub fills: u64,
    /// Requests, while it was measured, that named an order which had been filled meanwhile.
    pub missed: u64,
}

impl Figures {
    pub(crate) fn new() -> Figures {
        let latency = Histogram::new(3).expect("three digits are allowed");
        Figures { requests: 0, answered: 0, elapsed: Duration::ZERO, latency, fills: 0, missed: 0 }
    }

    pub(crate) fn answered_after(&mut self, latency: Duration) {
        self.answered += 1;
        self.latency.record(latency.as_nanos() as u64).expect("the histogram grows to whatever it is given");
    }

    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.elapsed.as_secs_f64()
    }

    /// Nanoseconds that this share of answers, 0 to 1, took at most.
    pub fn quantile_ns(&self, share: f64) -> u64 {
        self.latency.value_at_quantile(share)
    }
}
