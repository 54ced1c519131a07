//! What a demo came to, as one line for programs and a few for people.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hourbook_model::{Money, Stamp};
use serde::Serialize;

use super::Plan;
use super::screen::Sight;
use super::seen::Figures;
use crate::ctl::Micros;
use crate::journal::{hex, time};

#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub instruments_listed: usize,
    /// Of those listed, at the end.
    pub two_sided_share: f64,
    /// Orders accepted, sides of quotes among them, and orders refused.
    pub orders: u64,
    pub rejected: u64,
    pub trades: u64,
    /// Auctions that traded.
    pub auctions: u64,
    /// Unit-hours.
    pub volume_by_class: BTreeMap<String, i64>,
    pub turnover_micros: i64,
    /// The mean of ask less bid over their middle, ten-thousandths, over what is two-sided at the end.
    pub mean_spread_bp: f64,
    /// Lots that buyers needed, and that they bought.
    pub lots_needed: i64,
    pub lots_bought: i64,
    /// From a message to its last answer: half of the last ones, and all but one in a hundred.
    pub latency_p50_us: u64,
    pub latency_p99_us: u64,
    /// Of all accounts, one currency after the other, without their signs: zero, always.
    pub ledger_sum_micros: i64,
    pub seed: u64,
    pub turns: u32,
    pub seconds: f64,
    /// How long it was in the market's own time, and how many times as long that is.
    pub market_seconds: f64,
    pub speed: f64,
    pub commands: u64,
    pub time: String,
    pub state_hash: String,
    pub journal_dir: PathBuf,
}

/// What a summary is made of.
pub struct Came<'a> {
    pub plan: &'a Plan,
    pub ran: Duration,
    pub turn: u32,
    pub simulated: Duration,
    pub market: &'a Sight,
    pub figures: &'a Figures,
    pub latencies: [Duration; 2],
    pub wanted: i64,
    pub bought: i64,
    pub stamp: Stamp,
    pub state_hash: [u8; 32],
    pub sums: Vec<(String, Money)>,
}

/// Few enough digits to be read.
fn rounded(number: f64, digits: i32) -> f64 {
    let ten = 10_f64.powi(digits);
    (number * ten).round() / ten
}

impl Summary {
    pub fn of(came: Came) -> Summary {
        let Came { plan, ran, market, figures, latencies: [p50, p99], stamp, .. } = came;
        Summary {
            instruments_listed: market.listed,
            two_sided_share: rounded(market.two_sided_share(), 4),
            orders: figures.orders,
            rejected: figures.rejected,
            trades: figures.trades,
            auctions: figures.auctions,
            volume_by_class: figures.volume.clone(),
            turnover_micros: figures.turnover.0,
            mean_spread_bp: rounded(market.spread_bp, 1),
            lots_needed: came.wanted,
            lots_bought: came.bought,
            latency_p50_us: p50.as_micros() as u64,
            latency_p99_us: p99.as_micros() as u64,
            ledger_sum_micros: came.sums.iter().map(|(_, sum)| sum.0.abs()).sum(),
            seed: plan.seed,
            turns: came.turn,
            seconds: rounded(ran.as_secs_f64(), 1),
            market_seconds: rounded(came.simulated.as_secs_f64(), 1),
            speed: rounded(came.simulated.as_secs_f64() / ran.as_secs_f64().max(0.001), 1),
            commands: stamp.seq,
            time: time(stamp.time.0),
            state_hash: hex(&came.state_hash),
            journal_dir: plan.data.clone(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = 100.0 * self.two_sided_share;
        writeln!(
            f,
            "\n{} instruments, {share:.1} % two-sided, mean spread {} bp",
            self.instruments_listed, self.mean_spread_bp
        )?;
        writeln!(
            f,
            "{} orders, {} trades, {} auctions, turnover {} CNY",
            self.orders,
            self.trades,
            self.auctions,
            Micros(self.turnover_micros)
        )?;
        write!(f, "unit-hours ")?;
        for (class, volume) in &self.volume_by_class {
            write!(f, " {class} {volume}")?;
        }
        writeln!(
            f,
            "\nledger sum {}, {} commands up to {}",
            self.ledger_sum_micros, self.commands, self.time
        )?;
        writeln!(f, "state hash {}", self.state_hash)?;
        write!(f, "again      hourbook replay {}", self.journal_dir.display())
    }
}
