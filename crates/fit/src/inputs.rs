//! What the tables say of each machine: what it is, how much of everything is in it, how fast it was measured, and
//! what it costs.

use crate::names;
use crate::table::{Row, Table};
use anyhow::Result;
use hourbook_pricing::Item;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// One machine in one region.
#[derive(Clone, Debug)]
pub struct Machine {
    pub item: Item,
    pub instance_type: String,
    /// vCPU, GiB, GB of local disk, vCPUs of a machine with a disk of unknown size, GPUs.
    pub amounts: [f64; 5],
    /// Whether the list counts a GPU: what is evaluated as a GPU row.
    pub counts_gpus: bool,
    /// Logarithms of speed per vCPU and of one thread, where they were measured.
    pub measured: [Option<f64>; 2],
    /// USD per hour.
    pub price: Option<f64>,
    pub spot: Option<f64>,
}

impl Machine {
    /// By what lists are ordered; no two machines of one list agree in it.
    pub fn place_in_list(&self) -> (&str, &str, &str) {
        (&self.item.provider, &self.item.region, &self.instance_type)
    }
}

/// Columns that say what a machine is.
const SPECIFICATION: [&str; 12] = [
    "cloud",
    "region",
    "country",
    "instance_type",
    "family",
    "vcpu",
    "base_vcpu",
    "mem_gib",
    "gpu",
    "ngpu",
    "local_ssd_gb",
    "cpu_vendor",
];
const MORE: [&str; 3] = ["arch", "shared", "bare_metal"];

/// Measured speed of instance types.
pub struct Benchmarks(HashMap<(String, String), Measured>);

struct Measured {
    all_cores: Option<f64>,
    one_thread: Option<f64>,
    vendor: &'static str,
}

impl Benchmarks {
    pub fn read(path: &Path) -> Result<Benchmarks> {
        let table = Table::read(path)?;
        table.require(&["cloud", "instance_type", "stressng_full", "pm_single", "cpu_model"])?;
        table.refuse_duplicates(&["cloud", "instance_type"])?;
        let mut all = HashMap::new();
        for row in table.rows() {
            let key = (row.name("cloud")?.to_string(), row.name("instance_type")?.to_string());
            let measured = Measured {
                all_cores: row.maybe("stressng_full", 1e-6, 1e12)?,
                one_thread: row.maybe("pm_single", 1e-6, 1e9)?,
                vendor: vendor_of_model(row.text("cpu_model")),
            };
            all.insert(key, measured);
        }
        Ok(Benchmarks(all))
    }
}

/// Logarithms of a GPU's dense fp16 TFLOPS over 100 and of its memory over 24 GiB.
pub struct Gpus(pub BTreeMap<String, [f64; 2]>);

impl Gpus {
    pub fn read(path: &Path) -> Result<Gpus> {
        let table = Table::read(path)?;
        table.require(&["gpu", "mem_gib", "fp16_dense_tflops"])?;
        table.refuse_duplicates(&["gpu"])?;
        let mut all = BTreeMap::new();
        for row in table.rows() {
            let tflops = row.number("fp16_dense_tflops", 1e-3, 1e6)?;
            let memory = row.number("mem_gib", 1e-3, 1e5)?;
            all.insert(row.name("gpu")?.to_string(), [(tflops / 100.0).ln(), (memory / 24.0).ln()]);
        }
        Ok(Gpus(all))
    }
}

/// Machines of a price list. Each has a price, and none stands there twice.
pub fn read_prices(path: &Path, benchmarks: Option<&Benchmarks>) -> Result<Vec<Machine>> {
    let table = Table::read(path)?;
    table.require(&["on_demand_usd_h"])?;
    machines(&table, benchmarks, true)
}

/// Machines without prices: columns of prices are not looked at.
pub fn read_specs(table: &Table, benchmarks: &Benchmarks) -> Result<Vec<Machine>> {
    machines(table, Some(benchmarks), false)
}

fn machines(table: &Table, benchmarks: Option<&Benchmarks>, priced: bool) -> Result<Vec<Machine>> {
    table.require(&SPECIFICATION)?;
    table.require(&MORE)?;
    table.refuse_duplicates(&["cloud", "region", "instance_type"])?;
    let mut machines = Vec::with_capacity(table.len());
    for row in table.rows() {
        machines.push(machine(row, benchmarks, priced)?);
    }
    fill_vendors(&mut machines);
    Ok(machines)
}

fn machine(row: Row, benchmarks: Option<&Benchmarks>, priced: bool) -> Result<Machine> {
    let provider = row.name("cloud")?.to_string();
    let instance_type = row.name("instance_type")?.to_string();
    let family = row.name("family")?.to_string();
    let vcpu = row.number("vcpu", 0.01, 100_000.0)?;
    let billed = row.number("base_vcpu", 0.01, 100_000.0)?;
    let gib = row.number("mem_gib", 0.01, 1_000_000.0)?;
    let listed_gpus = row.number("ngpu", 0.0, 10_000.0)?;
    let gpu = row.word("gpu")?;
    // Lists name a GPU without counting it, and count one without naming it.
    let (gpu, listed_gpus) = match (gpu, listed_gpus > 0.0) {
        ("", true) => ("unnamed", listed_gpus),
        (_, true) => (gpu, listed_gpus),
        (_, false) => ("", 0.0),
    };
    let ssd = row.maybe("local_ssd_gb", 0.0, 100_000_000.0)?;
    let price = if priced { Some(row.number("on_demand_usd_h", 1e-6, 1e5)?) } else { None };
    let spot = if priced { row.maybe("spot_usd_h", 1e-7, 1e5)? } else { None };
    let name = names::parse(&instance_type, &family);
    let measured = benchmarks.and_then(|all| all.0.get(&(provider.clone(), instance_type.clone())));
    let (gpu, gpus) = unnamed_accelerator(&provider, &name.series, &name.generation, vcpu)
        .filter(|_| gpu.is_empty())
        .unwrap_or((gpu, listed_gpus));
    let arm = row.text("arch") == "arm64";
    let vendor = match row.word("cpu_vendor")? {
        _ if arm => "arm",
        "aws" | "ampere" | "microsoft" | "alibaba" => "arm",
        "" => measured.map_or("", |measured| measured.vendor),
        other => other,
    };
    let country = row.word("country")?;
    let item = Item {
        region: row.name("region")?.into(),
        continent: continent(country).into(),
        country: country.into(),
        series: name.series,
        generation: name.generation,
        attributes: name.attributes,
        extra: name.extra,
        disk: name.disk,
        vendor: vendor.into(),
        shared: row.flag("shared")?,
        bare_metal: row.flag("bare_metal")?,
        gpu: gpu.into(),
        speed: Decimal::ONE,
        gpu_price: None,
        provider,
        family,
    };
    let per_vcpu = measured.and_then(|measured| measured.all_cores).map(|speed| (speed / vcpu).ln());
    let one_thread = measured.and_then(|measured| measured.one_thread).map(f64::ln);
    Ok(Machine {
        instance_type,
        amounts: [billed, gib, ssd.unwrap_or(0.0), if ssd.is_none() { billed } else { 0.0 }, gpus],
        counts_gpus: listed_gpus > 0.0,
        measured: [per_vcpu, one_thread],
        price,
        spot,
        item,
    })
}

/// Accelerators that the lists do not count, for families where one goes with so many vCPUs.
fn unnamed_accelerator(
    provider: &str,
    series: &str,
    generation: &str,
    vcpu: f64,
) -> Option<(&'static str, f64)> {
    match (provider, series, generation) {
        ("aws", "f", "1") => Some(("FPGA", vcpu / 8.0)),
        ("azure", "NP", _) => Some(("FPGA", vcpu / 10.0)),
        _ => None,
    }
}

/// A maker that the list leaves out is that of most machines of the family.
fn fill_vendors(machines: &mut [Machine]) {
    let mut counts: BTreeMap<(String, String), BTreeMap<String, usize>> = BTreeMap::new();
    for Machine { item, .. } in machines.iter().filter(|machine| !machine.item.vendor.is_empty()) {
        let family = (item.provider.clone(), item.family.clone());
        *counts.entry(family).or_default().entry(item.vendor.clone()).or_default() += 1;
    }
    for Machine { item, .. } in machines.iter_mut().filter(|machine| machine.item.vendor.is_empty()) {
        let family = (item.provider.clone(), item.family.clone());
        let most = counts.get(&family).and_then(|makers| makers.iter().max_by_key(|(_, count)| **count));
        item.vendor = most.map_or(String::new(), |(maker, _)| maker.clone());
    }
}

fn vendor_of_model(model: &str) -> &'static str {
    let model = model.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| model.contains(word));
    if any(&["intel", "xeon"]) {
        "intel"
    } else if any(&["amd", "epyc"]) {
        "amd"
    } else if any(&["neoverse", "graviton", "ampere", "arm", "cobalt", "yitian", "axion"]) {
        "arm"
    } else {
        ""
    }
}

/// Where a country lies, for prices of countries that no list has.
pub fn continent(country: &str) -> &'static str {
    const PARTS: [(&str, &str); 7] = [
        ("EU", "FI FR DE GB UK IE NL BE CH SE NO IT ES PL AT DK CZ GR PT RO HU BG EE LV LT LU SK SI HR IS"),
        ("NA", "US CA MX"),
        ("SA", "BR CL AR CO PE UY"),
        ("AS", "CN HK TW JP KR SG IN ID MY TH PH VN"),
        ("ME", "AE QA IL SA BH KW OM TR"),
        ("AF", "ZA EG NG KE MA"),
        ("OC", "AU NZ"),
    ];
    let part = PARTS.iter().find(|(_, countries)| countries.split(' ').any(|one| one == country));
    part.map_or("", |(continent, _)| continent)
}
