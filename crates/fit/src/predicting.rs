//! `predict`: prices of machines that parameters were not fitted on, with their intervals.

use crate::anchors::adapt;
use crate::inputs::{Benchmarks, Gpus, Machine, read_prices, read_specs};
use crate::knowledge::{Seen, Speeds, curves_of, family_key};
use crate::model::{CURVES, TermSpec};
use crate::solve::Fitted;
use crate::table::Table;
use anyhow::{Context, Result, bail};
use hourbook_pricing::{Bundle, Component, Params, PerComponent};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is written behind the columns of the specifications.
pub const COLUMNS: [&str; 3] = ["price_usd_h", "interval_low", "interval_high"];

#[derive(clap::Args)]
pub struct Arguments {
    /// Parameters.
    #[arg(long, value_name = "TOML")]
    params: PathBuf,
    /// What is to be priced.
    #[arg(long, value_name = "CSV")]
    specs: PathBuf,
    /// Speeds of instance types.
    #[arg(long, value_name = "CSV")]
    benchmarks: PathBuf,
    /// Specifications of GPUs.
    #[arg(long, value_name = "CSV")]
    gpus: PathBuf,
    /// A few prices of a provider that the parameters do not know.
    #[arg(long, value_name = "CSV")]
    anchors: Option<PathBuf>,
    /// Where the specifications go, with price_usd_h, interval_low and interval_high.
    #[arg(long, value_name = "CSV")]
    out: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let mut params = read_params(&arguments.params)?;
    let benchmarks = Benchmarks::read(&arguments.benchmarks)?;
    let gpus = Gpus::read(&arguments.gpus)?;
    let table = Table::read(&arguments.specs)?;
    if let Some(column) = COLUMNS.iter().find(|column| table.has(column)) {
        bail!("{}: line 1, column {column:?}: is what predict writes", arguments.specs.display());
    }
    let machines = read_specs(&table, &benchmarks)?;
    let anchors = match &arguments.anchors {
        Some(path) => read_prices(path, Some(&benchmarks))?,
        None => Vec::new(),
    };
    let everything: Vec<&Machine> = machines.iter().chain(&anchors).collect();
    let speeds = speeds_of(&params)?.with_families_of(&everything);
    let seen = Seen::in_params(&params);
    let anchored: BTreeSet<&str> = anchors.iter().map(|anchor| &*anchor.item.provider).collect();
    if !anchors.is_empty() {
        bring_near(&mut params, &anchors, &speeds, &gpus)?;
    }
    let mut writer = csv::Writer::from_path(&arguments.out)
        .with_context(|| format!("{}: cannot be written", arguments.out.display()))?;
    writer.write_record(table.header.iter().map(String::as_str).chain(COLUMNS))?;
    for (row, machine) in table.rows().zip(&machines) {
        let price = price(&params, machine, &speeds, &gpus)
            .map_err(|why| row.wrong("instance_type", &format!("cannot be priced: {why:#}")))?;
        let situations = seen.situations(&machine.item, anchored.contains(&*machine.item.provider));
        let factor = situations.iter().find_map(|situation| params.errors.get(situation)).copied();
        let factor = factor.unwrap_or(Decimal::TWO);
        let written =
            [price, price / factor, price * factor].map(|value| value.round_dp(18).normalize().to_string());
        writer.write_record(row.fields().chain(written.iter().map(String::as_str)))?;
    }
    writer.flush().with_context(|| format!("{}: cannot be written", arguments.out.display()))
}

pub fn read_params(path: &Path) -> Result<Params> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    Params::parse(&text).with_context(|| path.display().to_string())
}

/// USD per hour, as the library prices it: decimals from here on.
fn price(params: &Params, machine: &Machine, speeds: &Speeds, gpus: &Gpus) -> Result<Decimal> {
    let mut item = machine.item.clone();
    let curves = curves_of(machine, speeds, gpus);
    let exponent = |name: &str| params.curves.0.get(name).and_then(Decimal::to_f64).unwrap_or(0.0);
    item.speed = match params.families.get(&family_key(&item)) {
        Some(family) => {
            if item.vendor.is_empty() {
                item.vendor = family.vendor.clone();
            }
            family.speed
        }
        None => {
            decimal((exponent(CURVES[0].name) * curves[0] + exponent(CURVES[1].name) * curves[1]).exp(), 6)?
        }
    };
    if !item.gpu.is_empty() && !params.knows_gpu(&item.gpu) {
        let base = params.base(Component::Gpu).to_f64().unwrap_or(1.0);
        let by_curve = (exponent(CURVES[2].name) * curves[2] + exponent(CURVES[3].name) * curves[3]).exp();
        item.gpu_price = Some(decimal(base * by_curve, 6)?);
    }
    let mut amounts = PerComponent::default();
    for component in Component::ALL {
        amounts[component] = decimal(machine.amounts[component as usize], 10)?;
    }
    Ok(params.list_rates(&item).prices.price(&Bundle::new(amounts)?)?)
}

fn decimal(number: f64, scale: u32) -> Result<Decimal> {
    let decimal = Decimal::from_f64(number).with_context(|| format!("{number} is not a decimal"))?;
    Ok(decimal.round_dp(scale))
}

/// What the parameters say of speeds.
fn speeds_of(params: &Params) -> Result<Speeds> {
    let mut speeds = Speeds::default();
    for (at, curve) in CURVES[..2].iter().enumerate() {
        let name = format!("{} ", curve.name);
        for (key, value) in &params.curves.0 {
            let Some(what) = key.strip_prefix(&name) else { continue };
            let log = value.to_f64().context("a speed is a number")?;
            match what {
                "reference" => speeds.reference[at] = log,
                vendor => speeds.typical.entry(vendor.into()).or_default()[at] = log,
            }
        }
    }
    Ok(speeds)
}

/// Adds to the parameters what the anchors say.
fn bring_near(params: &mut Params, anchors: &[Machine], speeds: &Speeds, gpus: &Gpus) -> Result<()> {
    let specs: Vec<TermSpec> = params
        .terms
        .iter()
        .map(|term| TermSpec {
            name: term.name.clone(),
            on: term.on,
            key: term.key.clone(),
            hold: hold(&term.name),
        })
        .collect();
    let log = |value: &Decimal| value.to_f64().map_or(0.0, f64::ln);
    let effects = params.terms.iter().map(|term| {
        let values = term.values.iter().map(|(key, value)| (key.clone(), log(value)));
        values.collect::<BTreeMap<_, _>>()
    });
    let exponent = |name: &str| params.curves.0.get(name).and_then(Decimal::to_f64).unwrap_or(0.0);
    let mut fitted = Fitted {
        bases: Component::ALL.map(|component| log(&params.base(component))),
        curves: CURVES.each_ref().map(|curve| exponent(curve.name)),
        effects: effects.collect(),
    };
    let by_row: Vec<&Machine> = anchors.iter().collect();
    let curves: Vec<_> = anchors.iter().map(|anchor| curves_of(anchor, speeds, gpus)).collect();
    let known: Vec<BTreeSet<String>> =
        fitted.effects.iter().map(|effects| effects.keys().cloned().collect()).collect();
    adapt(&mut fitted, &specs, &by_row, &curves);
    for ((term, effects), known) in params.terms.iter_mut().zip(&fitted.effects).zip(known) {
        for (key, effect) in effects.iter().filter(|(key, _)| !known.contains(*key)) {
            term.values.insert(key.clone(), decimal(effect.exp(), 6)?);
        }
    }
    Ok(())
}

/// How strongly a term of this name is held in a fit; one that is not known here, as any other.
fn hold(name: &str) -> f64 {
    crate::model::terms().into_iter().find(|term| term.name == name).map_or(1.0, |term| term.hold)
}
