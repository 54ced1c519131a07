//! How it goes, and what came of it.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use hdrhistogram::Histogram;
use hourbook_load::{Audit, Figures, Mix, Progress, Raised};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

/// What people are told of `--awake`.
pub(super) const AWAKE: &str =
    "the machine's cores were asked to stay awake, for every server that was measured";

/// Says on stderr, once a second, what is done and how fast.
pub(super) struct Ticker {
    label: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Ticker {
    pub fn start(progress: Progress) -> Ticker {
        let label = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&label);
        let task = tokio::spawn(async move {
            let (mut then, mut before) = (Instant::now(), 0);
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let (now, answered) = (Instant::now(), progress.answered());
                let rate = (answered - before) as f64 / (now - then).as_secs_f64();
                let label = shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
                say(&format!("load: {label}: {} requests/s", grouped(rate as u64)));
                (then, before) = (now, answered);
            }
        });
        Ticker { label, task }
    }

    /// What is done from now on.
    pub fn label(&self, label: impl Into<String>) {
        *self.label.lock().unwrap_or_else(PoisonError::into_inner) = label.into();
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
        if io::stderr().is_terminal() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// A line; on a terminal over the one before. Where nobody can be told, there is nothing to do.
fn say(line: &str) {
    let mut err = io::stderr();
    let _ = match err.is_terminal() {
        true => write!(err, "\r\x1b[K{line}").and_then(|()| err.flush()),
        false => writeln!(err, "{line}"),
    };
}

/// What one server did, over all rounds.
pub(super) struct Measured {
    /// Orders answered in a second: the round in the middle.
    per_second: f64,
    all: Figures,
    rounds: usize,
}

impl From<Vec<Figures>> for Measured {
    fn from(rounds: Vec<Figures>) -> Measured {
        let mut rates: Vec<f64> = rounds.iter().map(Figures::per_second).collect();
        rates.sort_by(f64::total_cmp);
        let count = rounds.len();
        let all = rounds.into_iter().reduce(|mut all, round| {
            all.then(&round);
            all
        });
        let all = all.expect("at least one round was measured");
        Measured { per_second: rates[count / 2], all, rounds: count }
    }
}

impl Measured {
    /// Microseconds that this share of answers took at most.
    fn quantile_us(&self, share: f64) -> u64 {
        to_us(self.all.quantile_ns(share))
    }
}

/// What is told at the end.
pub(super) struct Report<'a> {
    pub mode: String,
    pub mix: Mix,
    pub rate: Option<f64>,
    pub connections: u32,
    pub instruments: usize,
    pub resting: usize,
    pub seed: u64,
    pub seconds: Duration,
    /// Whether the exchange was started to keep the cores awake, for whichever server was measured.
    pub awake: bool,
    pub raised: &'a [Raised],
    pub audit: Audit,
    pub ours: Measured,
    pub baseline: Option<Measured>,
}

impl Report<'_> {
    /// Calls that were answered with a status.
    pub fn errors(&self) -> u64 {
        self.ours.all.errors + self.baseline.as_ref().map_or(0, |baseline| baseline.all.errors)
    }

    fn ratio(&self) -> Option<f64> {
        self.baseline.as_ref().map(|baseline| self.ours.per_second / baseline.per_second)
    }

    /// Refusals by the reason's name.
    fn rejects(&self) -> Vec<(&'static str, u64)> {
        let name = |name: &'static str| name.strip_prefix("REJECT_REASON_").unwrap_or(name);
        self.ours.all.rejects.iter().map(|(reason, count)| (name(reason.as_str_name()), *count)).collect()
    }

    /// One line.
    pub fn json(&self) -> io::Result<()> {
        let quantiles = |of: Option<&Measured>, share| of.map(|of| of.quantile_us(share));
        let baseline = self.baseline.as_ref();
        let rejects: Map<String, Value> =
            self.rejects().into_iter().map(|(reason, count)| (reason.into(), count.into())).collect();
        let raised: Map<String, Value> = self
            .raised
            .iter()
            .map(|raised| (raised.limit.into(), json!({ "from": raised.from, "to": raised.to })))
            .collect();
        let line = json!({
            "mode": self.mode,
            "orders_per_s": self.ours.per_second.round() as u64,
            "baseline_orders_per_s": baseline.map(|baseline| baseline.per_second.round() as u64),
            "ratio": self.ratio().map(|ratio| (ratio * 1_000.0).round() / 1_000.0),
            "p50_us": self.ours.quantile_us(0.5),
            "p99_us": self.ours.quantile_us(0.99),
            "p999_us": self.ours.quantile_us(0.999),
            "errors": self.errors(),
            "baseline_p50_us": quantiles(baseline, 0.5),
            "baseline_p99_us": quantiles(baseline, 0.99),
            "baseline_p999_us": quantiles(baseline, 0.999),
            "loop": if self.rate.is_some() { "open" } else { "closed" },
            "rate": self.rate,
            "mix": self.mix.name(),
            "instruments": self.instruments,
            "resting_orders": self.resting,
            "connections": self.connections,
            "seed": self.seed,
            "seconds": self.seconds.as_secs_f64(),
            "awake": self.awake,
            "rounds": self.ours.rounds,
            "answered": self.ours.all.answered,
            "fills": self.ours.all.fills,
            "rejects": rejects,
            "reports_checked": self.audit.reports,
            "trades_checked": self.audit.trades,
            "trades_with_others": self.audit.with_others,
            "limits_raised": raised,
        });
        writeln!(io::stdout(), "{line}")
    }

    /// A table, and what else is worth knowing.
    pub fn table(&self) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        let mut header = vec![self.mode.clone(), "exchange".into()];
        header.extend(self.baseline.as_ref().map(|_| "no-op".into()));
        table.set_header(header);
        let mut row = |name: &str, of: &dyn Fn(&Measured) -> u64| {
            let mut cells = vec![name.to_owned(), grouped(of(&self.ours))];
            cells.extend(self.baseline.as_ref().map(|baseline| grouped(of(baseline))));
            table.add_row(cells);
        };
        row("orders a second", &|of| of.per_second.round() as u64);
        row("p50, us", &|of| of.quantile_us(0.5));
        row("p99, us", &|of| of.quantile_us(0.99));
        row("p99.9, us", &|of| of.quantile_us(0.999));
        row("longest, us", &|of| of.all.latency.max() / 1_000);
        row("answered", &|of| of.all.answered);
        row("fills", &|of| of.all.fills);
        row("errors", &|of| of.all.errors);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{table}")?;
        if let Some(ratio) = self.ratio() {
            writeln!(out, "\nratio {ratio:.3}, medians of {} rounds each, in turn", self.ours.rounds)?;
        }
        let paced = match self.rate {
            Some(rate) => format!("open loop at {} requests/s", grouped(rate as u64)),
            None => "closed loop".into(),
        };
        writeln!(
            out,
            "\nmix {} over {} instruments, about {} orders resting; {paced}, {} connections, seed {}",
            self.mix,
            grouped(self.instruments as u64),
            grouped(self.resting as u64),
            self.connections,
            self.seed
        )?;
        if self.awake {
            writeln!(out, "{AWAKE}")?;
        }
        let rejects: Vec<String> = self
            .rejects()
            .into_iter()
            .map(|(reason, count)| format!("{} {reason}", grouped(count)))
            .collect();
        let rejects = if rejects.is_empty() { "nothing".into() } else { rejects.join(", ") };
        writeln!(out, "refused by the market: {rejects}")?;
        for Raised { limit, from, to } in self.raised {
            writeln!(
                out,
                "raised for this: {limit} from {} to {}",
                grouped((*from).into()),
                grouped((*to).into())
            )?;
        }
        let Audit { reports, trades, with_others, .. } = self.audit;
        writeln!(
            out,
            "checked: every request answered once, {} reports without a gap, {} trades told alike to both sides{}",
            grouped(reports),
            grouped(trades),
            if with_others > 0 { format!(", {} with others", grouped(with_others)) } else { String::new() }
        )
    }

    /// The latencies of the exchange, in microseconds, as HdrHistogram's tools print and plot them.
    pub fn histogram(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        percentiles(&self.ours.all.latency, &mut out)?;
        out.flush()
    }
}

/// Steps for each halving of what is left to 100 %.
const STEPS: u32 = 5;

fn percentiles(latency: &Histogram<u64>, out: &mut impl Write) -> io::Result<()> {
    let us = |ns: f64| ns / 1_000.0;
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let mut count = 0;
    for step in latency.iter_quantiles(STEPS) {
        count += step.count_since_last_iteration();
        let (value, share) = (us(step.value_iterated_to() as f64), step.quantile_iterated_to());
        match share < 1.0 {
            true => writeln!(out, "{value:>12.3} {share:>14.12} {count:>10} {:>14.2}", 1.0 / (1.0 - share))?,
            false => writeln!(out, "{value:>12.3} {share:>14.12} {count:>10}")?,
        }
    }
    let (mean, deviation) = (us(latency.mean()), us(latency.stdev()));
    writeln!(out, "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]")?;
    let (max, all) = (us(latency.max() as f64), latency.len());
    writeln!(out, "#[Max     = {max:>12.3}, Total count    = {all:>12}]")?;
    writeln!(out, "#[Buckets = {:>12}, SubBuckets     = {:>12}]", latency.buckets(), 2_048)
}

/// Whole microseconds.
pub(super) fn to_us(ns: u64) -> u64 {
    (ns + 500) / 1_000
}

/// A number whose thousands are apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_printed_as_its_tools_read_it() {
        let mut latency = Histogram::new(3).unwrap();
        (1..=1_000_u64).for_each(|us| latency.record(us * 1_000).unwrap());
        let mut out = Vec::new();
        percentiles(&latency, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|field| field.parse().unwrap()).collect())
            .collect();
        assert!(rows.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][1] <= pair[1][1]));
        let middle = rows.iter().find(|row| row[1] >= 0.5).unwrap();
        assert!((500.0..501.0).contains(&middle[0]) && middle[2] == 500.0, "{middle:?}");
        let last = rows.last().unwrap();
        assert!((1_000.0..1_001.0).contains(&last[0]) && last[1..] == [1.0, 1_000.0], "{last:?}");
        assert!(text.contains("Total count    =         1000"));
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 12, 999, 1_000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
