//! Who plays: providers with the service they give, and buyers with their habits. All of them are invented.

use hourbook_api::client::Client;
use hourbook_api::v1::{self, observation::Reading};
use hourbook_model::Time;
use hourbook_pricing::{MetricKind, Params};

use super::buyer::Habit;
use super::dice::Dice;
use super::stage::Seat;

/// A provider: where it has machines, and how good its service is.
pub struct Provider {
    pub name: &'static str,
    /// First letters of the regions it is in; empty is everywhere.
    pub regions: &'static [&'static str],
    /// Of a million trials, those that fail.
    pub fails: i64,
    /// Its machines against their grade, thousandths, and how soon they answer, thousandths of a millisecond.
    pub share: i64,
    pub latency: i64,
    /// Quotes a fixed spread, whatever it knows.
    pub careless: bool,
}

pub const PROVIDERS: [Provider; 6] = [
    Provider { name: "Atlas Grid", regions: &[], fails: 60, share: 1_060, latency: 1_500, careless: false },
    Provider {
        name: "Helan Hours",
        regions: &["CN"],
        fails: 25,
        share: 1_100,
        latency: 1_200,
        careless: false,
    },
    Provider {
        name: "Yellow River Compute",
        regions: &["CN", "SG"],
        fails: 900,
        share: 1_010,
        latency: 3_000,
        careless: false,
    },
    Provider {
        name: "Pacific Machines",
        regions: &["US", "JP", "SG"],
        fails: 150,
        share: 1_080,
        latency: 2_000,
        careless: false,
    },
    Provider {
        name: "Rhine Capacity",
        regions: &["DE", "IE", "US"],
        fails: 700,
        share: 1_030,
        latency: 2_500,
        careless: false,
    },
    Provider {
        name: "Leftover Cycles",
        regions: &[],
        fails: 9_000,
        share: 960,
        latency: 9_000,
        careless: true,
    },
];

const CPU: &[(&str, i64)] = &[("GP", 24), ("CO", 16), ("MO", 12), ("SO", 8)];
const GPU: &[(&str, i64)] = &[("H100X", 3), ("H200X", 2), ("A100X", 4), ("L4", 6), ("T4", 6)];
const OLD: &[(&str, i64)] = &[("T4", 4), ("M40", 4), ("S7150", 4), ("FPGA", 2), ("SO", 6)];

pub const BUYERS: [Habit; 8] = [
    Habit {
        name: "Web Shop",
        classes: CPU,
        countries: &["CN"],
        needs: 4_200,
        limit: (980, 1_300),
        urgent: 600,
    },
    Habit { name: "Streaming", classes: CPU, countries: &[], needs: 4_800, limit: (980, 1_250), urgent: 650 },
    Habit {
        name: "Bank",
        classes: CPU,
        countries: &["DE", "IE", "US"],
        needs: 3_000,
        limit: (1_000, 1_400),
        urgent: 800,
    },
    Habit {
        name: "Render Farm",
        classes: &[("L4", 8), ("T4", 8), ("GP", 16), ("CO", 16)],
        countries: &[],
        needs: 3_600,
        limit: (920, 1_150),
        urgent: 400,
    },
    Habit {
        name: "Model Laboratory",
        classes: GPU,
        countries: &[],
        needs: 4_500,
        limit: (960, 1_300),
        urgent: 500,
    },
    Habit {
        name: "Start-up",
        classes: GPU,
        countries: &["US", "JP", "SG"],
        needs: 2_400,
        limit: (930, 1_150),
        urgent: 300,
    },
    Habit {
        name: "Weather Office",
        classes: &[("CO", 32), ("MO", 16), ("GP", 24)],
        countries: &["CN", "JP", "DE"],
        needs: 3_000,
        limit: (970, 1_250),
        urgent: 500,
    },
    Habit {
        name: "University",
        classes: OLD,
        countries: &[],
        needs: 3_600,
        limit: (900, 1_150),
        urgent: 200,
    },
];

impl Provider {
    pub fn is_in(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|letters| region.starts_with(letters))
    }

    /// What a meter reads of its service in a class on one day: of a minute each, or of so many.
    pub fn readings(
        &self,
        params: &Params,
        class: &str,
        day: Time,
        minutes: i64,
        dice: &mut Dice,
    ) -> Vec<v1::Observation> {
        let Some(weights) = params.scoring.classes.get(class) else { return Vec::new() };
        let metrics = weights.keys().filter_map(|name| Some((name, params.scoring.metrics.get(name)?)));
        let readings = metrics.map(|(name, metric)| {
            // A day is never like the other.
            let wobble = dice.number(80, 120);
            let reading = match metric.kind {
                MetricKind::Success => {
                    let total = minutes * 1_000_000;
                    let bad = minutes * self.fails * wobble / 100;
                    Reading::Trials(v1::Trials { good_micros: total - bad, total_micros: total })
                }
                MetricKind::MoreIsBetter { .. } => {
                    Reading::ValueMicros(self.share * 1_000 * (400 + wobble) / 500)
                }
                MetricKind::LessIsBetter { .. } => Reading::ValueMicros(self.latency * 1_000 * wobble / 100),
            };
            v1::Observation {
                metric: name.clone(),
                observation_time: Some(hourbook_api::convert::timestamp(day)),
                reading: Some(reading),
            }
        });
        readings.collect()
    }
}

/// Hands readings in, as any meter does.
pub async fn submit(
    meter: &Client,
    provider: &Seat,
    class: &str,
    request_id: String,
    observations: Vec<v1::Observation>,
) -> anyhow::Result<()> {
    let request = v1::SubmitObservationsRequest {
        request_id,
        provider_id: provider.participant,
        class: class.into(),
        observations,
    };
    meter.pricing.clone().submit_observations(request).await?;
    Ok(())
}
