//! Whether readers of market data who never read are in the way of anybody: in pairs, without them and with them.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::Context;
use hourbook_load::{Audit, Customer, Figures, Gallery, Pace, Way};
use serde_json::json;

use super::show::{AWAKE, Ticker, grouped, to_us};
use super::{Arguments, ROUNDS, Server, WARM_UP};

/// Before each measurement, so much is told that whoever does not read leaves more lying than is kept for it.
const FLOOD: Way = Way::Session { entries: 100, messages: 16 };
const FLOODED: Duration = Duration::from_millis(300);
/// Changes told in a second to all together, where no other rate is asked for.
const DELIVERIES: f64 = 200_000.0;
/// The least rate of orders a second.
const LEAST_RATE: f64 = 50.0;

/// One measurement.
struct Half {
    figures: Figures,
    /// Updates that were read in a second.
    delivered: f64,
    /// Memory of the server, where it is one of ours.
    memory_kib: Option<u64>,
}

/// What was measured, without and with those who never read.
pub(super) struct Pairs {
    pairs: Vec<(Half, Half)>,
    subscribers: usize,
    stalled: usize,
    rate: f64,
}

/// Measures five pairs: the same readers each time, and the second time those who never read beside them.
///
/// # Errors
/// When anything is not right: a subscriber who reads is told every change once and in order.
pub(super) async fn measure(
    arguments: &Arguments,
    ticker: &Ticker,
    server: Option<&Server>,
    customer: &mut Customer,
    gallery: &Gallery,
    (subscribers, stalled): (usize, usize),
) -> anyhow::Result<Pairs> {
    let readers = subscribers - stalled;
    let rate = arguments.rate.unwrap_or((DELIVERIES / subscribers as f64).max(LEAST_RATE));
    let measured = arguments.seconds() / ROUNDS;
    ticker.label("filling");
    customer.fill().await?;
    let mut pairs = Vec::new();
    for round in 1..=ROUNDS {
        let mut halves = Vec::new();
        for stalled in [0, stalled] {
            ticker.label(format!("round {round} of {ROUNDS}, {readers} read and {stalled} do not"));
            let stuck = gallery.stalled(stalled).await?;
            customer.turn_to(FLOOD, Pace::Full);
            customer.round(Duration::ZERO, FLOODED).await?;
            let seen = gallery.readers(readers).await?;
            customer.turn_to(arguments.way(), Pace::PerSecond(rate));
            let figures = customer.round(WARM_UP.min(measured), measured).await?;
            let memory_kib = server.map(Server::memory_kib).transpose()?;
            let whole = WARM_UP.min(measured) + measured;
            let delivered = seen.updates() as f64 / whole.as_secs_f64();
            seen.end().await.context("a subscriber who reads")?;
            stuck.end().await?;
            halves.push(Half { figures, delivered, memory_kib });
        }
        let [without, with] = halves.try_into().ok().context("two halves make a pair")?;
        pairs.push((without, with));
    }
    Ok(Pairs { pairs, subscribers, stalled, rate })
}

impl Pairs {
    /// The middle one of what each pair comes to.
    fn median(&self, of: impl Fn(&Half, &Half) -> f64) -> f64 {
        let mut all: Vec<f64> = self.pairs.iter().map(|(without, with)| of(without, with)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    /// How much longer the slowest hundredth of orders took with those who never read.
    fn p99_ratio(&self) -> f64 {
        let p99 = |half: &Half| half.figures.quantile_ns(0.99) as f64;
        self.median(|without, with| p99(with) / p99(without))
    }

    fn memory_growth_mib(&self) -> Option<f64> {
        self.pairs[0].0.memory_kib?;
        let kib = |half: &Half| half.memory_kib.unwrap_or(0) as f64;
        Some(self.median(|without, with| (kib(with) - kib(without)) / 1_024.0))
    }

    pub fn errors(&self) -> u64 {
        self.pairs.iter().map(|(without, with)| without.figures.errors + with.figures.errors).sum()
    }

    pub fn json(&self, arguments: &Arguments, audit: Audit) -> io::Result<()> {
        let line = json!({
            "p99_ratio": rounded(self.p99_ratio(), 1_000.0),
            "memory_growth_mib": self.memory_growth_mib().map(|mib| rounded(mib, 10.0)),
            "subscribers": self.subscribers,
            "stalled": self.stalled,
            "p99_us": self.median(|without, _| to_us(without.figures.quantile_ns(0.99)) as f64) as u64,
            "p99_us_with_stalled": self.median(|_, with| to_us(with.figures.quantile_ns(0.99)) as f64) as u64,
            "updates_read_per_s": self.median(|_, with| with.delivered).round() as u64,
            "memory_mib": self.memory_growth_mib().map(|_| {
                self.median(|without, _| without.memory_kib.unwrap_or(0) as f64 / 1_024.0).round()
            }),
            "mode": arguments.mode(),
            "mix": arguments.mix.name(),
            "rate": self.rate,
            "seed": arguments.seed,
            "seconds": arguments.seconds().as_secs_f64(),
            "awake": arguments.awake,
            "pairs": self.pairs.len(),
            "errors": self.errors(),
            "reports_checked": audit.reports,
            "trades_checked": audit.trades,
        });
        writeln!(io::stdout(), "{line}")
    }

    pub fn table(&self, arguments: &Arguments, audit: Audit) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let p99 = |half: &Half| to_us(half.figures.quantile_ns(0.99)) as f64;
        writeln!(
            out,
            "{} subscribers, {} orders/s, {} updates read a second\n",
            self.subscribers,
            grouped(self.rate as u64),
            grouped(self.median(|_, with| with.delivered) as u64)
        )?;
        writeln!(
            out,
            "p99 of an order   {} us without, {} us with {} who never read: ratio {:.3}",
            grouped(self.median(|without, _| p99(without)) as u64),
            grouped(self.median(|_, with| p99(with)) as u64),
            self.stalled,
            self.p99_ratio()
        )?;
        match self.memory_growth_mib() {
            Some(mib) => writeln!(out, "memory            {mib:+.1} MiB with them")?,
            None => writeln!(out, "memory            not known: the server is not one of ours")?,
        }
        writeln!(
            out,
            "\nmedians of {} pairs; checked: every change once and in order, {} reports, {} trades",
            self.pairs.len(),
            grouped(audit.reports),
            grouped(audit.trades)
        )?;
        if arguments.awake {
            writeln!(out, "{AWAKE}")?;
        }
        Ok(())
    }
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
