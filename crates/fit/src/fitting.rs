//! `fit`: from tables to a file of parameters.

use crate::calibrate::{calibrate, fold_count};
use crate::inputs::{Benchmarks, Gpus, read_prices};
use crate::knowledge::{Speeds, curves_of};
use crate::model::terms;
use crate::products::products;
use crate::progress::Progress;
use crate::solve::{Keys, Rows, fit};
use crate::write::{Provenance, checked, parameters};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const SWEEPS: usize = 40;
/// With fewer rows there is nothing to fit.
const LEAST_ROWS: usize = 5;

#[derive(clap::Args)]
pub struct Arguments {
    /// Price list.
    #[arg(long, value_name = "CSV")]
    prices: PathBuf,
    /// Speeds of instance types.
    #[arg(long, value_name = "CSV")]
    benchmarks: PathBuf,
    /// Specifications of GPUs.
    #[arg(long, value_name = "CSV")]
    gpus: PathBuf,
    /// Where the parameters go.
    #[arg(long, value_name = "TOML")]
    out: PathBuf,
    /// Name of the parameters.
    #[arg(long, default_value = "unnamed")]
    name: String,
    /// A line for the head of the file, such as a source and its licence; may be repeated.
    #[arg(long, value_name = "TEXT")]
    note: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let benchmarks = Benchmarks::read(&arguments.benchmarks)?;
    let gpus = Gpus::read(&arguments.gpus)?;
    let mut machines = read_prices(&arguments.prices, Some(&benchmarks))?;
    // Sums of floats depend on their order; the order of the file's rows shall not matter.
    machines.sort_by(|a, b| a.place_in_list().cmp(&b.place_in_list()));
    if machines.len() < LEAST_ROWS {
        let rows = machines.len();
        bail!("{}: {rows} rows; a fit takes {LEAST_ROWS} at least", arguments.prices.display());
    }
    let terms = terms();
    let progress = Progress::new("fit", SWEEPS + fold_count(&machines));

    let all: Vec<_> = machines.iter().collect();
    let speeds = Speeds::learn(&all);
    let curves: Vec<_> = all.iter().map(|machine| curves_of(machine, &speeds, &gpus)).collect();
    let fitted =
        fit(&Rows::new(&all, curves), &Keys::new(&terms, &all), &terms, SWEEPS, &|| progress.step("fitting"));
    let calibration = calibrate(&machines, &gpus, &terms, &|| progress.step("measuring errors"));

    let models: BTreeSet<&str> =
        machines.iter().map(|machine| &*machine.item.gpu).filter(|gpu| !gpu.is_empty()).collect();
    let gpu_logs: BTreeMap<String, f64> = models
        .into_iter()
        .map(|model| {
            let [tflops, memory] = gpus.0.get(model).copied().unwrap_or_default();
            let log = fitted.bases[4] + fitted.curves[2] * tflops + fitted.curves[3] * memory;
            (model.to_string(), log)
        })
        .collect();
    let provenance = Provenance {
        version: arguments.name.clone(),
        inputs: [&arguments.prices, &arguments.benchmarks, &arguments.gpus]
            .into_iter()
            .map(|path| input(path))
            .collect::<Result<_>>()?,
        notes: arguments.note.clone(),
        rows: machines.len(),
    };
    let mut text = parameters(&provenance, &machines, &terms, &fitted, &speeds, &gpu_logs, &calibration);
    let params = checked(&text)?;
    text.push_str(&products(&params, &machines)?);
    checked(&text)?;
    std::fs::write(&arguments.out, &text)
        .with_context(|| format!("{}: cannot be written", arguments.out.display()))?;
    progress.done();
    eprintln!("{} rows, {} terms, {} bytes", machines.len(), terms.len(), text.len());
    for (kind, accuracy) in &calibration.accuracy {
        eprintln!("{kind}: median error {:.2} %, p90 {:.2} %", accuracy.median, accuracy.p90);
    }
    Ok(())
}

/// Name and SHA-256 of a file.
fn input(path: &Path) -> Result<(String, String)> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let name = path
        .file_name()
        .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Ok((name, digest))
}
