//! What a market file may hold: its tables and keys, each value with its range in its type.

use std::collections::BTreeMap;

use hourbook_model::{AuctionSchedule, Band, Class, Horizon, MICROS, Region, Tier};
use serde::Deserialize;

use crate::settings::{Micros, Milli, OrNone, Percent, Span, Text, TimeOfDay, Whole};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

type Tick = Micros<1, { 1_000 * MICROS }>;
type Reference = Micros<1, { 1_000_000 * MICROS }>;
type MaxQuantity = Whole<1, 1_000_000>;
type MaxNotional = Micros<MICROS, { 1_000_000_000_000 * MICROS }>;
type Fee = Percent<0, 100_000>;
type GateHour = Span<0, DAY>;
type GateLonger = Span<0, { 7 * DAY }>;
/// Of vCPUs, GiB and GB, thousandths.
type Carried = Milli<0, 1_000_000_000>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) terms: Terms,
    pub(super) tiers: Tiers,
    pub(super) classes: BTreeMap<String, ClassText>,
    pub(super) regions: BTreeMap<String, RegionText>,
    pub(super) products: BTreeMap<String, ProductText>,
}

/// What holds for every product that does not say otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terms {
    pub(super) currency: String,
    pub(super) tick: Ticks,
    pub(super) horizon: HorizonText,
    pub(super) auction: OrNone<AuctionText>,
    pub(super) band: OrNone<BandText>,
    pub(super) max_quantity: MaxQuantity,
    pub(super) max_notional: MaxNotional,
    pub(super) maker_fee: Fee,
    pub(super) taker_fee: Fee,
}

/// The tick of each kind of unit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticks {
    #[serde(rename = "vCPU")]
    pub(super) vcpu: Tick,
    #[serde(rename = "GPU")]
    pub(super) gpu: Tick,
    #[serde(rename = "FPGA")]
    pub(super) fpga: Tick,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HorizonText {
    pub(super) hours: Whole<0, 8_784>,
    pub(super) days: Whole<0, 731>,
    pub(super) weeks: Whole<0, 105>,
    pub(super) months: Whole<0, 24>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuctionText {
    pub(super) call: TimeOfDay,
    pub(super) freeze: TimeOfDay,
    pub(super) uncross: TimeOfDay,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BandText {
    pub(super) order: Percent<10_000, 10_000_000>,
    pub(super) trade: Percent<10_000, 10_000_000>,
    pub(super) call: Span<1, HOUR>,
}

/// Those of A, B and C that products are in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tiers {
    #[serde(rename = "A")]
    a: Option<TierText>,
    #[serde(rename = "B")]
    b: Option<TierText>,
    #[serde(rename = "C")]
    c: Option<TierText>,
}

impl Tiers {
    pub(super) fn get(&self, tier: Tier) -> Option<&TierText> {
        match tier {
            Tier::A => self.a.as_ref(),
            Tier::B => self.b.as_ref(),
            Tier::C => self.c.as_ref(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TierText {
    pub(super) availability: Percent<0, 1_000_000>,
    pub(super) notice: Span<0, DAY>,
    pub(super) penalty: Percent<0, 10_000_000>,
    pub(super) gate_hour: GateHour,
    pub(super) gate_longer: GateLonger,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) enum Unit {
    #[serde(rename = "vCPU")]
    Vcpu,
    #[serde(rename = "GPU")]
    Gpu,
    #[serde(rename = "FPGA")]
    Fpga,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassText {
    pub(super) title: Text<120>,
    pub(super) unit: Unit,
    pub(super) vcpu: Carried,
    pub(super) memory_gib: Carried,
    pub(super) disk_gb: Carried,
    pub(super) network_mbps: Whole<0, 10_000_000>,
    pub(super) benchmark: Text<120>,
    pub(super) benchmark_score: Whole<0, 1_000_000_000>,
    #[serde(default)]
    pub(super) families: Vec<Text<40>>,
    #[serde(default)]
    pub(super) assumptions: Vec<Text<400>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegionText {
    pub(super) title: Text<120>,
    pub(super) jurisdiction: Text<120>,
    pub(super) pue: Milli<1_000, 10_000>,
    pub(super) power_usd_per_kwh: Micros<0, { 10 * MICROS }>,
    pub(super) cooling: Text<200>,
    pub(super) energy: Text<200>,
    #[serde(default)]
    pub(super) assumptions: Vec<Text<400>>,
}

/// A product, and what it has of its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductText {
    pub(super) reference: Option<Reference>,
    pub(super) currency: Option<String>,
    pub(super) tick: Option<Tick>,
    pub(super) horizon: Option<HorizonText>,
    pub(super) gate_hour: Option<GateHour>,
    pub(super) gate_longer: Option<GateLonger>,
    pub(super) auction: Option<OrNone<AuctionText>>,
    pub(super) band: Option<OrNone<BandText>>,
    pub(super) max_quantity: Option<MaxQuantity>,
    pub(super) max_notional: Option<MaxNotional>,
    pub(super) maker_fee: Option<Fee>,
    pub(super) taker_fee: Option<Fee>,
}

impl AuctionText {
    pub(super) fn schedule(self) -> AuctionSchedule {
        AuctionSchedule { call: self.call.0, freeze: self.freeze.0, uncross: self.uncross.0 }
    }
}

impl BandText {
    pub(super) fn band(self) -> Band {
        Band { order_ppm: self.order.0, trade_ppm: self.trade.0, call: self.call.nanos() }
    }
}

impl HorizonText {
    pub(super) fn horizon(self) -> Horizon {
        Horizon {
            hours: self.hours.u32(),
            days: self.days.u32(),
            weeks: self.weeks.u32(),
            months: self.months.u32(),
        }
    }
}

impl ClassText {
    pub(super) fn class(self, code: String) -> Class {
        Class {
            code,
            title: self.title.0,
            unit: match self.unit {
                Unit::Vcpu => "vCPU",
                Unit::Gpu => "GPU",
                Unit::Fpga => "FPGA",
            }
            .into(),
            vcpu_milli: self.vcpu.u32(),
            memory_gib_milli: self.memory_gib.u32(),
            disk_gb_milli: self.disk_gb.u32(),
            network_mbps: self.network_mbps.u32(),
            benchmark: self.benchmark.0,
            benchmark_score: self.benchmark_score.u32(),
            families: lines(self.families),
            assumptions: lines(self.assumptions),
        }
    }
}

impl RegionText {
    pub(super) fn region(self, code: String) -> Region {
        Region {
            code,
            title: self.title.0,
            jurisdiction: self.jurisdiction.0,
            pue_milli: self.pue.u32(),
            power_usd_micros_per_kwh: self.power_usd_per_kwh.u32(),
            cooling: self.cooling.0,
            energy: self.energy.0,
            assumptions: lines(self.assumptions),
        }
    }
}

/// Lines for people leave as plain strings.
fn lines<const MAX: usize>(texts: Vec<Text<MAX>>) -> Vec<String> {
    texts.into_iter().map(|text| text.0).collect()
}
