//! How far off predictions are: the whole fit again and again with part of the rows kept back.
//!
//! New types, new families, new regions and new providers are kept back in turn. Each row that was predicted without
//! having been fitted says how large errors are in its situation; the factor that four of five stay within becomes the
//! interval of later predictions in the same situation.

use crate::anchors::adapt;
use crate::inputs::{Gpus, Machine};
use crate::knowledge::{Seen, Speeds, curves_of, quantile};
use crate::model::TermSpec;
use crate::solve::{Fitted, Keys, Rows, fit};
use crate::split::{anchor_rank, percent};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Part of errors that an interval holds.
pub const HELD: f64 = 0.8;
/// Widest interval, as a logarithm: a factor of 20,000.
const MOST_LOG: f64 = 10.0;
/// Sweeps of a fit that only measures errors.
const SWEEPS: usize = 20;
const TYPE_FOLDS: u32 = 3;
const FAMILY_FOLDS: u32 = 6;
const REGION_FOLDS: u32 = 6;
/// How many things kept back it takes for a situation's own errors to count as much as those of the broader one.
const SHRUNKEN_LIKE: f64 = 10.0;
/// Providers with fewer rows are not kept back.
const LEAST_OF_PROVIDER: usize = 20;
pub const ANCHORS: usize = 5;

/// What is kept back.
#[derive(Clone, Debug)]
enum Fold {
    Types(u32),
    Families(u32),
    Regions(u32),
    Provider(String),
}

/// Errors of one kind of fold.
#[derive(Clone, Debug, Default)]
pub struct Accuracy {
    pub rows: usize,
    /// Percent.
    pub median: f64,
    pub p90: f64,
}

/// One family as it was predicted while kept back: price of a machine of middling price, and its prediction.
#[derive(Clone, Debug)]
pub struct KeptBack {
    pub family: String,
    pub rows: usize,
    pub actual: f64,
    pub predicted: f64,
    /// Median error in percent.
    pub error: f64,
}

#[derive(Debug, Default)]
pub struct Calibration {
    /// Factors by situation.
    pub factors: BTreeMap<String, f64>,
    pub accuracy: BTreeMap<&'static str, Accuracy>,
    pub families: Vec<KeptBack>,
}

struct Outcome {
    kind: &'static str,
    situations: Vec<String>,
    thing: String,
    family: String,
    log_actual: f64,
    log_predicted: f64,
}

pub fn calibrate(
    machines: &[Machine],
    gpus: &Gpus,
    terms: &[TermSpec],
    progress: &(dyn Fn() + Sync),
) -> Calibration {
    let folds = folds(machines);
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(folds.len());
    // Each fold stands alone and is put back in its place: the number of threads makes no difference.
    let mut outcomes: Vec<(usize, Vec<Outcome>)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(fold) = folds.get(at) else { break done };
                done.push((at, keep_back(fold, machines, gpus, terms)));
                progress();
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a fold does not panic")).collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    summarise(outcomes.into_iter().flat_map(|(_, outcomes)| outcomes).collect())
}

/// How many fits a calibration takes.
pub fn fold_count(machines: &[Machine]) -> usize {
    folds(machines).len()
}

fn folds(machines: &[Machine]) -> Vec<Fold> {
    let mut providers: BTreeMap<&str, usize> = BTreeMap::new();
    for machine in machines {
        *providers.entry(&machine.item.provider).or_default() += 1;
    }
    let mut folds: Vec<Fold> = (0..TYPE_FOLDS).map(Fold::Types).collect();
    folds.extend((0..FAMILY_FOLDS).map(Fold::Families));
    folds.extend((0..REGION_FOLDS).map(Fold::Regions));
    let large = providers.iter().filter(|(_, rows)| **rows >= LEAST_OF_PROVIDER);
    folds.extend(large.map(|(provider, _)| Fold::Provider((*provider).into())));
    folds
}

impl Fold {
    fn keeps_back(&self, machine: &Machine) -> bool {
        let provider = &machine.item.provider;
        match self {
            Fold::Types(fold) => {
                percent(&format!("fold|type|{provider}|{}", machine.instance_type)) % TYPE_FOLDS == *fold
            }
            Fold::Families(fold) => {
                percent(&format!("fold|family|{provider}|{}", machine.item.family)) % FAMILY_FOLDS == *fold
            }
            Fold::Regions(fold) => {
                percent(&format!("fold|region|{provider}|{}", machine.item.region)) % REGION_FOLDS == *fold
            }
            Fold::Provider(name) => provider == name,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Fold::Types(_) => "new_types",
            Fold::Families(_) => "new_families",
            Fold::Regions(_) => "new_regions",
            Fold::Provider(_) => "new_providers",
        }
    }

    /// What the row was kept back for: errors of one thing go together.
    fn thing(&self, machine: &Machine) -> String {
        match self {
            Fold::Types(_) => machine.instance_type.clone(),
            Fold::Families(_) | Fold::Provider(_) => machine.item.family.clone(),
            Fold::Regions(_) => machine.item.region.clone(),
        }
    }
}

fn keep_back(fold: &Fold, machines: &[Machine], gpus: &Gpus, terms: &[TermSpec]) -> Vec<Outcome> {
    let (kept, rest): (Vec<&Machine>, Vec<&Machine>) =
        machines.iter().partition(|machine| fold.keeps_back(machine));
    if kept.is_empty() || rest.is_empty() {
        return Vec::new();
    }
    let speeds = Speeds::learn(&rest);
    let curves = rest.iter().map(|machine| curves_of(machine, &speeds, gpus)).collect();
    let fitted = fit(&Rows::new(&rest, curves), &Keys::new(terms, &rest), terms, SWEEPS, &|| ());
    let speeds = speeds.with_families_of(&kept);
    let seen = Seen::of(&rest);
    let mut outcomes = predict(fold, fold.kind(), &kept, &fitted, &speeds, gpus, terms, &seen, false);
    if let Fold::Provider(_) = fold {
        let mut anchored = fitted;
        let mut by_rank = kept;
        by_rank.sort_by_key(|machine| {
            anchor_rank(&machine.item.provider, &machine.item.region, &machine.instance_type)
        });
        let (anchors, others) = by_rank.split_at(ANCHORS);
        let curves: Vec<_> = anchors.iter().map(|machine| curves_of(machine, &speeds, gpus)).collect();
        adapt(&mut anchored, terms, anchors, &curves);
        let kind = "new_providers_with_5_anchors";
        outcomes.extend(predict(fold, kind, others, &anchored, &speeds, gpus, terms, &seen, true));
    }
    outcomes
}

#[expect(clippy::too_many_arguments, reason = "one caller, and each is a different thing")]
fn predict(
    fold: &Fold,
    kind: &'static str,
    kept: &[&Machine],
    fitted: &Fitted,
    speeds: &Speeds,
    gpus: &Gpus,
    terms: &[TermSpec],
    seen: &Seen,
    anchored: bool,
) -> Vec<Outcome> {
    let outcome = |machine: &&Machine| Outcome {
        kind,
        situations: seen.situations(&machine.item, anchored),
        thing: format!("{}|{}", machine.item.provider, fold.thing(machine)),
        family: format!("{}|{}", machine.item.provider, machine.item.family),
        log_actual: machine.price.expect("prices were read").ln(),
        log_predicted: fitted.log_price(terms, machine, &curves_of(machine, speeds, gpus)),
    };
    kept.iter().map(outcome).collect()
}

fn summarise(outcomes: Vec<Outcome>) -> Calibration {
    let mut calibration = Calibration::default();
    // Errors of one thing go together, so each thing weighs 1, shared over its rows.
    let mut by_situation: BTreeMap<&str, BTreeMap<&str, Vec<f64>>> = BTreeMap::new();
    let mut by_kind: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    let mut by_family: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for outcome in &outcomes {
        let error = outcome.log_predicted - outcome.log_actual;
        for situation in &outcome.situations {
            by_situation.entry(situation).or_default().entry(&outcome.thing).or_default().push(error.abs());
        }
        by_kind.entry(outcome.kind).or_default().push((error.exp() - 1.0).abs() * 100.0);
        if outcome.kind == "new_families" {
            by_family.entry(&outcome.family).or_default().push((outcome.log_actual, outcome.log_predicted));
        }
    }
    // From broad to narrow, each shrunken toward the one above it: `all`, then more and more parts of the name.
    let mut situations: Vec<_> = by_situation.into_iter().collect();
    situations
        .sort_by_key(|(situation, _)| (*situation != "all", situation.matches('.').count(), *situation));
    let mut logs: BTreeMap<&str, f64> = BTreeMap::new();
    for (situation, things) in situations {
        let above = situation.rsplit_once('.').map_or("all", |(above, _)| above);
        let held = weighted_quantile(&things, HELD);
        let things = things.len() as f64;
        let log = match logs.get(above).filter(|_| situation != "all") {
            Some(broader) => (things * held + SHRUNKEN_LIKE * broader) / (things + SHRUNKEN_LIKE),
            None => held,
        };
        logs.insert(situation, log);
        calibration.factors.insert(situation.into(), log.min(MOST_LOG).exp());
    }
    for (kind, mut errors) in by_kind {
        let accuracy = Accuracy {
            rows: errors.len(),
            median: quantile(&mut errors, 0.5).expect("there are errors"),
            p90: quantile(&mut errors, 0.9).expect("there are errors"),
        };
        calibration.accuracy.insert(kind, accuracy);
    }
    for (family, mut logs) in by_family {
        logs.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
        let (actual, predicted) = logs[logs.len() / 2];
        let mut errors: Vec<f64> =
            logs.iter().map(|(actual, predicted)| ((predicted - actual).exp() - 1.0).abs()).collect();
        let error = quantile(&mut errors, 0.5).expect("there are errors") * 100.0;
        let (actual, predicted) = (actual.exp(), predicted.exp());
        calibration.families.push(KeptBack {
            family: family.into(),
            rows: logs.len(),
            actual,
            predicted,
            error,
        });
    }
    calibration
}

/// The error that so large a part of the weight lies within, where each thing weighs 1.
fn weighted_quantile(things: &BTreeMap<&str, Vec<f64>>, share: f64) -> f64 {
    let weighed =
        things.values().flat_map(|errors| errors.iter().map(|error| (*error, 1.0 / errors.len() as f64)));
    let mut errors: Vec<(f64, f64)> = weighed.collect();
    errors.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
    let mut left = share * things.len() as f64;
    for (error, weight) in &errors {
        left -= weight;
        if left <= 0.0 {
            return *error;
        }
    }
    errors.last().map_or(0.0, |(error, _)| *error)
}
