//! The parameters as a file: what was decided, then what was fitted, in decimals.

use crate::calibrate::Calibration;
use crate::inputs::Machine;
use crate::knowledge::{Speeds, family_key, median};
use crate::model::{CURVES, TermSpec};
use crate::solve::Fitted;
use anyhow::{Context, Result};
use hourbook_pricing::{Component, Params};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const POLICY: &str = include_str!("policy.toml");
/// An effect below this part of the price is left out.
const LEAST_EFFECT: f64 = 0.0003;
/// Logarithm of the largest multiplier that is written, a factor of 8,000.
const MOST_EFFECT: f64 = 9.0;

/// What the head of the file says of where it comes from.
pub struct Provenance {
    pub version: String,
    /// Files and their SHA-256.
    pub inputs: Vec<(String, String)>,
    pub notes: Vec<String>,
    pub rows: usize,
}

/// Everything but prices of products.
pub fn parameters(
    provenance: &Provenance,
    machines: &[Machine],
    terms: &[TermSpec],
    fitted: &Fitted,
    speeds: &Speeds,
    gpu_logs: &BTreeMap<String, f64>,
    calibration: &Calibration,
) -> String {
    let mut text = head(provenance, calibration);
    text.push_str(&policy(machines));
    text.push_str(
        "\n# Fitted from here on.\n\n# USD per hour of each component, before any term.\n[units]\n",
    );
    for component in Component::ALL {
        let base = fitted.bases[component as usize].exp();
        writeln!(text, "{} = \"{base:.9}\"", component.name()).unwrap();
    }
    text.push_str("\n# USD per GPU-hour by model, before any term: the curve through the vendors' specifications.\n[gpus]\n");
    for (model, log) in gpu_logs {
        writeln!(text, "{} = \"{:.6}\"", quoted(model), log.exp()).unwrap();
    }
    text.push_str(
        "\n# Exponents of speed (on the vCPU) and of GPU specifications (on the GPU); then what speeds are taken\n\
         # relative to, and what is typical of a maker's processors, whole or shared. Logarithms.\n[curves]\n",
    );
    for (curve, value) in CURVES.iter().zip(fitted.curves) {
        writeln!(text, "{} = \"{value:.6}\"", curve.name).unwrap();
    }
    for at in 0..2 {
        writeln!(
            text,
            "{} = \"{:.6}\"",
            quoted(&format!("{} reference", CURVES[at].name)),
            speeds.reference[at]
        )
        .unwrap();
        for (vendor, logs) in &speeds.typical {
            writeln!(text, "{} = \"{:.6}\"", quoted(&format!("{} {vendor}", CURVES[at].name)), logs[at])
                .unwrap();
        }
    }
    text.push_str("\n# Factors that four of five errors stay within, by how much is known.\n[errors]\n");
    for (situation, factor) in &calibration.factors {
        writeln!(text, "{} = \"{factor:.4}\"", quoted(situation)).unwrap();
    }
    text.push_str("\n# Cloud regions in which prices were seen, with their countries.\n[listed]\n");
    for (provider, places) in listed(machines) {
        let places: Vec<String> = places.iter().map(|place| quoted(place)).collect();
        writeln!(text, "{} = [{}]", quoted(&provider), places.join(", ")).unwrap();
    }
    families(&mut text, machines, fitted, speeds);
    for (term, effects) in terms.iter().zip(&fitted.effects) {
        let on = term.on.map_or("whole", Component::name);
        let key: Vec<String> = term.key.iter().map(|field| format!("\"{}\"", field.name())).collect();
        write!(
            text,
            "\n[[terms]]\nname = \"{}\"\non = \"{on}\"\nkey = [{}]\n\n[terms.values]\n",
            term.name,
            key.join(", ")
        )
        .unwrap();
        for (key, effect) in effects.iter().filter(|(_, effect)| effect.abs() >= LEAST_EFFECT) {
            let effect = effect.clamp(-MOST_EFFECT, MOST_EFFECT);
            writeln!(text, "{} = \"{:.6}\"", quoted(key), effect.exp()).unwrap();
        }
    }
    text
}

fn head(provenance: &Provenance, calibration: &Calibration) -> String {
    let Provenance { version, inputs, notes, rows } = provenance;
    let mut text =
        String::from("# Parameters of pricing. Made by `hourbook-pricing fit`; not to be edited by hand.\n");
    for note in notes {
        writeln!(text, "# {note}").unwrap();
    }
    write!(text, "\nformat = 1\nversion = {}\n\n[provenance]\nrows = {rows}\n", quoted(version)).unwrap();
    for (file, digest) in inputs {
        writeln!(text, "{} = \"sha256:{digest}\"", quoted(file)).unwrap();
    }
    text.push_str(
        "\n# Errors in percent of rows that were kept back, in the fit's own cross-validation.\n[accuracy]\n",
    );
    for (kind, accuracy) in &calibration.accuracy {
        let (rows, median, p90) = (accuracy.rows, accuracy.median, accuracy.p90);
        writeln!(text, "{kind} = {{ rows = {rows}, median = \"{median:.2}\", p90 = \"{p90:.2}\" }}").unwrap();
    }
    text.push_str("\n# Families while they were kept back: rows, a middling price, its prediction, median error in percent.\n");
    text.push_str("[accuracy.families]\n");
    for family in &calibration.families {
        let (rows, actual, predicted, error) = (family.rows, family.actual, family.predicted, family.error);
        let name = quoted(&family.family);
        writeln!(text, "{name} = [\"{rows}\", \"{actual:.6}\", \"{predicted:.6}\", \"{error:.2}\"]").unwrap();
    }
    text.push('\n');
    text
}

/// What is decided, with the market's price of interruptible capacity in it.
fn policy(machines: &[Machine]) -> String {
    let cpu = spot_ratio(machines, false);
    let gpu = spot_ratio(machines, true);
    let named = |ratio: &Option<(String, f64)>, fallback: &str| match ratio {
        Some((provider, _)) => provider.clone(),
        None => fallback.to_string(),
    };
    let spot = format!("{} for CPU, {} for GPU", named(&cpu, "assumed"), named(&gpu, "assumed"));
    let cpu = cpu.map_or(0.355, |(_, ratio)| ratio);
    let gpu = gpu.map_or(0.4, |(_, ratio)| ratio);
    let decimal = |number: f64| format!("{number:.4}");
    POLICY
        .replace("@SPOT@", &spot)
        .replace("@C_CPU@", &decimal(cpu))
        .replace("@B_CPU@", &decimal(cpu.sqrt()))
        .replace("@C_GPU@", &decimal(gpu))
        .replace("@B_GPU@", &decimal(gpu.sqrt()))
}

/// Median of spot over on demand, of the provider with most such rows.
fn spot_ratio(machines: &[Machine], gpus: bool) -> Option<(String, f64)> {
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for machine in machines.iter().filter(|machine| machine.counts_gpus == gpus) {
        if let (Some(spot), Some(price)) = (machine.spot, machine.price) {
            ratios.entry(&machine.item.provider).or_default().push((spot / price).min(1.0));
        }
    }
    let (provider, ratios) = ratios.into_iter().max_by_key(|(_, ratios)| ratios.len())?;
    Some((provider.into(), median(ratios)?.max(0.001)))
}

fn listed(machines: &[Machine]) -> BTreeMap<String, BTreeSet<String>> {
    let mut listed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Machine { item, .. } in machines {
        listed.entry(item.provider.clone()).or_default().insert(format!("{}|{}", item.region, item.country));
    }
    listed
}

/// Of each family the node that most of its rows stand at.
fn families(text: &mut String, machines: &[Machine], fitted: &Fitted, speeds: &Speeds) {
    text.push_str("\n# Families: where they stand in the tree, and how their measured speed moves the price of a vCPU.\n");
    let mut nodes: BTreeMap<String, BTreeMap<Vec<&str>, (usize, &Machine)>> = BTreeMap::new();
    for machine in machines {
        let item = &machine.item;
        let node = vec![&*item.series, &*item.generation, &*item.attributes, &*item.extra, &*item.disk];
        nodes.entry(family_key(item)).or_default().entry(node).or_insert((0, machine)).0 += 1;
    }
    for (family, nodes) in nodes {
        let (_, machine) = nodes.into_values().max_by_key(|(rows, _)| *rows).expect("a family has rows");
        let item = &machine.item;
        let [per_vcpu, thread] = speeds.of(item);
        let speed = (fitted.curves[0] * per_vcpu + fitted.curves[1] * thread).exp().clamp(0.02, 50.0);
        write!(text, "\n[families.{}]\n", quoted(&family)).unwrap();
        writeln!(text, "series = {}\ngeneration = {}", quoted(&item.series), quoted(&item.generation))
            .unwrap();
        writeln!(text, "attributes = {}\nspeed = \"{speed:.6}\"", quoted(&item.attributes)).unwrap();
        for (name, value) in [("extra", &item.extra), ("vendor", &item.vendor), ("gpu", &item.gpu)] {
            if !value.is_empty() {
                writeln!(text, "{name} = {}", quoted(value)).unwrap();
            }
        }
        for (name, set) in [("shared", item.shared), ("bare_metal", item.bare_metal)] {
            if set {
                writeln!(text, "{name} = true").unwrap();
            }
        }
    }
}

/// As TOML writes a text or a key.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => write!(quoted, "\\u{:04X}", letter as u32).unwrap(),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Reads the text back, as whoever quotes with it will.
pub fn checked(text: &str) -> Result<Params> {
    let params = Params::parse(text).context("the parameters that were fitted cannot be read back")?;
    Ok(params)
}
