//! The market's definition: what may be traded, where, and by which numbers.
//!
//! It is written in `deploy/market.toml`, checked there, and enters the journal as commands; the
//! exchange knows nothing but these. Rates are parts per million (ppm); durations are nanoseconds.

use crate::{InstrumentId, Money, PeriodKind, Price, ProductSymbol, Quantity, Time};
use serde::{Deserialize, Serialize};

/// A class of resource and its grade: what one unit carries, and the least it must do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Class {
    /// Such as `GP` or `H100X`.
    pub code: String,
    pub title: String,
    /// What one unit is: `vCPU`, `GPU` or `FPGA`.
    pub unit: String,
    /// What one unit carries, thousandths: vCPUs, GiB of memory, GB of local disk.
    pub vcpu_milli: u32,
    pub memory_gib_milli: u32,
    pub disk_gb_milli: u32,
    /// Least network, Mbit/s per unit.
    pub network_mbps: u32,
    /// Least score of the class's benchmark, and which benchmark that is.
    pub benchmark: String,
    pub benchmark_score: u32,
    /// Instance families that deliver it, the 2017 ones among them.
    pub families: Vec<String>,
    /// What of the grade is assumed rather than sourced.
    pub assumptions: Vec<String>,
}

/// Where resources stand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// ISO country and one to four characters.
    pub code: String,
    pub title: String,
    pub jurisdiction: String,
    /// Power usage effectiveness, thousandths: 1,100 is 1.1.
    pub pue_milli: u32,
    /// Price of electricity, micros of USD per kWh.
    pub power_usd_micros_per_kwh: u32,
    pub cooling: String,
    pub energy: String,
    /// What of this is assumed rather than sourced.
    pub assumptions: Vec<String>,
}

/// What a tier promises.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TierTerms {
    /// Least availability in an hour, ppm: 999,500 for A.
    pub availability_ppm: u32,
    /// Notice before an interruption; 0 where the tier is firm.
    pub notice: i64,
    /// Penalty on undelivered value, ppm of the price.
    pub penalty_ppm: u32,
}

/// How many periods of each kind are listed ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Horizon {
    pub hours: u32,
    pub days: u32,
    pub weeks: u32,
    pub months: u32,
}

impl Horizon {
    /// What all products together may list ahead: half of all instruments there can be, the others are in delivery.
    pub const MOST_LISTED: usize = InstrumentId::SLOTS / 2;

    /// Instruments that it takes at most: of each kind those ahead, the one that goes on and the one that comes in.
    pub fn listed(&self) -> usize {
        PeriodKind::ALL.map(|kind| self.of(kind) as usize + 2).iter().sum()
    }

    pub fn of(&self, kind: PeriodKind) -> u32 {
        match kind {
            PeriodKind::Hour => self.hours,
            PeriodKind::Day => self.days,
            PeriodKind::Week => self.weeks,
            PeriodKind::Month => self.months,
        }
    }
}

/// The daily uniform-price auction for the next day's hours and day; times of day, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuctionSchedule {
    pub call: i64,
    /// From here no cancel, amend or reduce.
    pub freeze: i64,
    pub uncross: i64,
}

/// How far from the reference an order may be priced, and a taker may trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Band {
    /// An order priced further than this from the reference is refused, ppm.
    pub order_ppm: u32,
    /// A taker that would trade further than this begins a call, ppm.
    pub trade_ppm: u32,
    /// How long that call lasts.
    pub call: i64,
}

/// Everything about a product that may be set; replaced as a whole by a later command.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Product {
    pub symbol: ProductSymbol,
    /// ISO 4217.
    pub currency: String,
    pub tick: Price,
    pub tier: TierTerms,
    pub horizon: Horizon,
    /// Time from gate closure to delivery of an hour, and of longer periods.
    pub gate_hour: i64,
    pub gate_longer: i64,
    pub auction: Option<AuctionSchedule>,
    pub band: Option<Band>,
    /// Where nothing has traded and pricing has sent nothing.
    pub reference: Option<Price>,
    pub max_quantity: Quantity,
    pub max_notional: Money,
    pub maker_fee_ppm: u32,
    pub taker_fee_ppm: u32,
}

impl Product {
    /// The last moment to trade a period that begins at `start`.
    pub fn gate(&self, kind: PeriodKind, start: Time) -> Time {
        let before = if kind == PeriodKind::Hour { self.gate_hour } else { self.gate_longer };
        start.plus_nanos(-before)
    }
}
