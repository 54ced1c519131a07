//! What was seen before: speeds of families, and which providers, places and families a prediction can lean on.

use crate::inputs::{Gpus, Machine};
use hourbook_pricing::{Item, Params};
use std::collections::{BTreeMap, BTreeSet};

/// Speeds by family, as logarithms over a reference.
#[derive(Clone, Debug, Default)]
pub struct Speeds {
    pub reference: [f64; 2],
    /// By `vendor|shared`, where a family was not measured.
    pub typical: BTreeMap<String, [f64; 2]>,
    pub families: BTreeMap<String, [Option<f64>; 2]>,
}

pub fn family_key(item: &Item) -> String {
    format!("{}|{}", item.provider, item.family)
}

pub fn vendor_key(item: &Item) -> String {
    format!("{}|{}", item.vendor, u8::from(item.shared))
}

impl Speeds {
    pub fn learn(machines: &[&Machine]) -> Speeds {
        let mut families: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
        let mut vendors: BTreeMap<String, [Vec<f64>; 2]> = BTreeMap::new();
        let mut all: [Vec<f64>; 2] = Default::default();
        for machine in types(machines) {
            for (at, log) in machine.measured.into_iter().enumerate() {
                let Some(log) = log else { continue };
                families.entry(family_key(&machine.item)).or_default()[at].push(log);
                vendors.entry(vendor_key(&machine.item)).or_default()[at].push(log);
                all[at].push(log);
            }
        }
        let reference = all.map(|logs| median(logs).unwrap_or(0.0));
        let typical = vendors.into_iter().map(|(vendor, logs)| {
            let [per_vcpu, thread] = logs.map(median);
            (
                vendor,
                [
                    per_vcpu.map_or(0.0, |log| log - reference[0]),
                    thread.map_or(0.0, |log| log - reference[1]),
                ],
            )
        });
        let typical = typical.collect();
        let families = families.into_iter().map(|(family, logs)| {
            let [per_vcpu, thread] = logs.map(median);
            (family, [per_vcpu.map(|log| log - reference[0]), thread.map(|log| log - reference[1])])
        });
        Speeds { reference, typical, families: families.collect() }
    }

    /// These speeds, and those of families that are not among them, as measured on these machines.
    pub fn with_families_of(&self, machines: &[&Machine]) -> Speeds {
        let other = Speeds::learn(machines);
        let mut speeds = self.clone();
        for (family, logs) in other.families {
            let moved = [0, 1].map(|at| logs[at].map(|log| log + other.reference[at] - self.reference[at]));
            speeds.families.entry(family).or_insert(moved);
        }
        speeds
    }

    /// Of a family: as it was measured, else as is typical of its processor's maker, else the reference.
    pub fn of(&self, item: &Item) -> [f64; 2] {
        let measured = self.families.get(&family_key(item)).copied().unwrap_or_default();
        let typical = self.typical.get(&vendor_key(item)).copied().unwrap_or_default();
        [0, 1].map(|at| measured[at].unwrap_or(typical[at]))
    }
}

/// Speeds and GPU specifications of a machine, as the curves take them.
pub fn curves_of(machine: &Machine, speeds: &Speeds, gpus: &Gpus) -> [f64; 4] {
    let [per_vcpu, thread] = speeds.of(&machine.item);
    let [tflops, memory] = gpus.0.get(&machine.item.gpu).copied().unwrap_or_default();
    [per_vcpu, thread, tflops, memory]
}

/// One machine of each type.
fn types<'a>(machines: &[&'a Machine]) -> impl Iterator<Item = &'a Machine> {
    let mut seen = BTreeSet::new();
    machines
        .iter()
        .copied()
        .filter(move |machine| seen.insert((machine.item.provider.as_str(), machine.instance_type.as_str())))
}

/// Providers, places and parts of the family tree that prices were seen of.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    providers: BTreeSet<String>,
    places: BTreeSet<String>,
    families: BTreeSet<String>,
    generations: BTreeSet<String>,
    series: BTreeSet<String>,
}

impl Seen {
    pub fn of(machines: &[&Machine]) -> Seen {
        let mut seen = Seen::default();
        for Machine { item, .. } in machines {
            seen.place(&item.provider, &item.region, &item.country);
            seen.family(item);
        }
        seen
    }

    pub fn in_params(params: &Params) -> Seen {
        let mut seen = Seen::default();
        for (provider, places) in &params.listed {
            for place in places {
                let (region, country) = place.split_once('|').unwrap_or((place, ""));
                seen.place(provider, region, country);
            }
        }
        params.families.values().for_each(|item| seen.family(item));
        seen
    }

    fn place(&mut self, provider: &str, region: &str, country: &str) {
        self.providers.insert(provider.into());
        self.places.insert(format!("{provider}|region|{region}"));
        self.places.insert(format!("{provider}|country|{country}"));
    }

    fn family(&mut self, item: &Item) {
        self.providers.insert(item.provider.clone());
        self.families.insert(family_key(item));
        self.generations.insert(format!("{}|{}|{}", item.provider, item.series, item.generation));
        self.series.insert(format!("{}|{}", item.provider, item.series));
    }

    /// How much is known of an item, from the most exact description to the least: intervals are looked up by the first
    /// that there is one for.
    pub fn situations(&self, item: &Item, anchored: bool) -> Vec<String> {
        let Item { provider, region, country, series, generation, .. } = item;
        let kind = if item.gpu.is_empty() { "cpu" } else { "gpu" };
        if !self.providers.contains(provider) {
            let who = if anchored { "anchored" } else { "stranger" };
            return vec![format!("{who}.{kind}"), who.into(), "all".into()];
        }
        let node = if self.families.contains(&family_key(item)) {
            "family"
        } else if self.generations.contains(&format!("{provider}|{series}|{generation}")) {
            "generation"
        } else if self.series.contains(&format!("{provider}|{series}")) {
            "series"
        } else {
            "provider"
        };
        let place = if self.places.contains(&format!("{provider}|region|{region}")) {
            "region"
        } else if self.places.contains(&format!("{provider}|country|{country}")) {
            "country"
        } else {
            "nowhere"
        };
        vec![
            format!("{node}.{place}.{kind}.{provider}"),
            format!("{node}.{place}.{kind}"),
            format!("{node}.{place}"),
            node.into(),
            "all".into(),
        ]
    }
}

pub fn median(mut values: Vec<f64>) -> Option<f64> {
    quantile(&mut values, 0.5)
}

/// Between the two nearest, as is usual; nothing of nothing.
pub fn quantile(values: &mut [f64], share: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let at = share * (values.len() - 1) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    Some(values[below] + (values[above] - values[below]) * (at - below as f64))
}
