//! `eval`: predictions against prices.

use crate::knowledge::quantile;
use crate::table::Table;
use anyhow::{Result, bail};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{StdoutLock, Write};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// What `predict` wrote.
    #[arg(long, value_name = "CSV")]
    predictions: PathBuf,
    /// The prices of the same machines.
    #[arg(long, value_name = "CSV")]
    prices: PathBuf,
    /// One line of JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// Clouds with fewer rows do not count in the mean over clouds.
const LEAST_OF_CLOUD: u64 = 5;

/// A prediction beside its price.
pub struct Pair {
    pub cloud: String,
    pub family: String,
    pub gpu: bool,
    pub price: f64,
    pub predicted: f64,
    pub held: bool,
}

/// Predictions with their prices, and how many prices have no prediction.
pub fn pairs(predictions: &Path, prices: &Path) -> Result<(Vec<Pair>, usize)> {
    const KEY: [&str; 3] = ["cloud", "region", "instance_type"];
    let table = Table::read(prices)?;
    table.require(&KEY)?;
    table.require(&["on_demand_usd_h", "ngpu", "family"])?;
    table.refuse_duplicates(&KEY)?;
    let key = |row: crate::table::Row| KEY.map(|column| row.text(column).to_string());
    let mut actual = HashMap::new();
    for row in table.rows() {
        let price = row.number("on_demand_usd_h", 1e-6, 1e5)?;
        let gpu = row.number("ngpu", 0.0, 10_000.0)? > 0.0;
        actual.insert(key(row), (price, gpu, row.text("family").to_string()));
    }
    let table = Table::read(predictions)?;
    table.require(&KEY)?;
    table.require(&crate::predicting::COLUMNS)?;
    table.refuse_duplicates(&KEY)?;
    let mut pairs = Vec::new();
    for row in table.rows() {
        let [predicted, low, high] = [
            row.number("price_usd_h", 1e-9, 1e9)?,
            row.number("interval_low", 0.0, 1e9)?,
            row.number("interval_high", 0.0, 1e9)?,
        ];
        let Some((price, gpu, family)) = actual.remove(&key(row)) else {
            return Err(row.wrong("instance_type", &format!("has no price in {}", prices.display())));
        };
        let held = low <= price && price <= high;
        pairs.push(Pair { cloud: row.text("cloud").into(), family, gpu, price, predicted, held });
    }
    if pairs.is_empty() {
        bail!("{}: no rows", predictions.display());
    }
    Ok((pairs, actual.len()))
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let (pairs, unpredicted) = pairs(&arguments.predictions, &arguments.prices)?;
    if unpredicted > 0 {
        eprintln!("note: {unpredicted} rows of {} have no prediction", arguments.prices.display());
    }
    let mut clouds: BTreeMap<&str, Vec<&Pair>> = BTreeMap::new();
    for pair in &pairs {
        clouds.entry(&pair.cloud).or_default().push(pair);
    }
    let all: Vec<&Pair> = pairs.iter().collect();
    let (gpu, cpu): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(|pair| pair.gpu);
    let of_clouds: Map<String, Value> =
        clouds.iter().map(|(name, pairs)| ((*name).into(), figures(pairs))).collect();
    let enough = |cloud: &&Value| cloud["n"].as_u64() >= Some(LEAST_OF_CLOUD);
    let medians: Vec<f64> =
        of_clouds.values().filter(enough).filter_map(|cloud| cloud["mdape"].as_f64()).collect();
    let mean = medians.iter().sum::<f64>() / medians.len() as f64;
    let result = json!({
        "all": figures(&all), "cpu": figures(&cpu), "gpu": figures(&gpu), "clouds": of_clouds,
        "clouds_mean_mdape": if mean.is_finite() { rounded(mean) } else { Value::Null }, "unpredicted": unpredicted,
    });
    let mut out = std::io::stdout().lock();
    if arguments.json {
        writeln!(out, "{result}")?;
        return Ok(());
    }
    writeln!(
        out,
        "{:<12} {:>7} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "n", "median", "mean", "p90", "r2", "held"
    )?;
    let row = |out: &mut StdoutLock, name: &str, of: &Value| {
        let number = |key: &str| of[key].as_f64().map_or("-".into(), |number| format!("{number:.3}"));
        let figures = ["mdape", "mape", "p90", "r2", "held"].map(number);
        writeln!(out, "{name:<12} {:>7} {}", of["n"], figures.map(|figure| format!("{figure:>8}")).join(" "))
    };
    for name in ["all", "cpu", "gpu"] {
        row(&mut out, name, &result[name])?;
    }
    for (name, of) in &of_clouds {
        row(&mut out, name, of)?;
    }
    if mean.is_finite() {
        writeln!(
            out,
            "mean over clouds (of {LEAST_OF_CLOUD} rows or more) of the median error: {mean:.2} %"
        )?;
    }
    Ok(())
}

/// Errors in percent; `held` is the percentage of prices inside their interval.
fn figures(pairs: &[&Pair]) -> Value {
    let count = pairs.len();
    if count == 0 {
        return json!({ "n": 0, "mdape": null, "mape": null, "p90": null, "r2": null, "held": null });
    }
    let mut errors: Vec<f64> =
        pairs.iter().map(|pair| (pair.predicted / pair.price - 1.0).abs() * 100.0).collect();
    let logs: Vec<f64> = pairs.iter().map(|pair| pair.price.ln()).collect();
    let mean_log = logs.iter().sum::<f64>() / count as f64;
    let around: f64 = logs.iter().map(|log| (log - mean_log).powi(2)).sum();
    let left: f64 = pairs.iter().map(|pair| (pair.predicted / pair.price).ln().powi(2)).sum();
    let r2 = if around > 0.0 { rounded(1.0 - left / around) } else { Value::Null };
    let held = pairs.iter().filter(|pair| pair.held).count() as f64 * 100.0 / count as f64;
    json!({
        "n": count,
        "mdape": quantile(&mut errors, 0.5).map(rounded),
        "mape": rounded(errors.iter().sum::<f64>() / count as f64),
        "p90": quantile(&mut errors, 0.9).map(rounded),
        "r2": r2,
        "held": rounded(held),
    })
}

fn rounded(number: f64) -> Value {
    json!((number * 1e6).round() / 1e6)
}
