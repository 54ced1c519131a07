//! `score`: measurements as lines of JSON, to scores, ratings and tiers, day by day.
//!
//!     {"provider":"north","metric":"availability","time":"2026-11-20T08:00:00Z","good":1439,"total":1440}
//!     {"provider":"north","metric":"latency_ms","time":"2026-11-20","value":"1.8"}
//!
//! `class` says for which class it counts (default `--class`), `recorded` when it became known if that was later, `id` is
//! refused the second time.

use crate::predicting::read_params;
use anyhow::{Context, Result, anyhow, bail};
use hourbook_pricing::{Day, Evidence, Observation, Params, Rated, Reading, Score};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{StdoutLock, Write};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Arguments {
    /// Measurements, one JSON object a line.
    #[arg(long, value_name = "JSONL")]
    observations: PathBuf,
    /// Parameters in place of those that come with this version.
    #[arg(long, value_name = "TOML")]
    params: Option<PathBuf>,
    /// Class of measurements that do not name one.
    #[arg(long, default_value = "GP")]
    class: String,
    /// The day to score at the end of; the last day of the measurements when it is not given.
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<Date>,
    /// Show what each score is made of.
    #[arg(long)]
    explain: bool,
}

/// A measurement with whom it is about and when it became known.
pub struct Measured {
    pub provider: String,
    pub class: String,
    pub recorded: Day,
    pub observation: Observation,
}

/// One provider in one class at the end of a day.
pub struct DayScore {
    pub day: Day,
    pub score: Score,
    pub rated: Rated,
}

/// Longest file of measurements.
const MOST_BYTES: u64 = 1 << 30;

pub fn params_or_standard(path: Option<&PathBuf>) -> Result<Params> {
    path.map_or_else(|| Ok(Params::standard()), |path| read_params(path))
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let params = params_or_standard(arguments.params.as_ref())?;
    let path = &arguments.observations;
    let length =
        std::fs::metadata(path).with_context(|| format!("{}: cannot be read", path.display()))?.len();
    if length > MOST_BYTES {
        bail!("{}: {length} bytes are more than {MOST_BYTES}", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let measured = read(path, &bytes, &arguments.class, &params)?;
    let last = measured.iter().map(|measured| measured.recorded).max().expect("it is not empty");
    let mut out = std::io::stdout().lock();
    let as_of = arguments.as_of.map_or(last, day_of);
    writeln!(
        out,
        "{:<20} {:<6} {:>8} {:>8} {:>10} {:<6} tiers",
        "provider", "class", "score", "bound", "evidence", "rating"
    )?;
    for ((provider, class), days) in histories(&params, &measured, as_of)? {
        let Some(DayScore { score, rated, .. }) = days.last() else {
            writeln!(out, "{provider:<20} {class:<6} nothing is known by {}", date_of(as_of))?;
            continue;
        };
        let tiers: Vec<String> = params.cuts.tiers(score).iter().map(ToString::to_string).collect();
        writeln!(
            out,
            "{provider:<20} {class:<6} {:>8} {:>8} {:>10} {:<6} {}",
            score.score,
            score.bound,
            score.evidence.round_dp(1),
            rated.rating.to_string(),
            if tiers.is_empty() { "none".to_string() } else { tiers.join(" ") },
        )?;
        if arguments.explain {
            explain(&mut out, score)?;
        }
    }
    writeln!(
        out,
        "as of the end of {}, parameters {} {}",
        date_of(as_of),
        params.version,
        short_digest(&params)
    )?;
    Ok(())
}

fn explain(out: &mut StdoutLock, score: &Score) -> Result<()> {
    writeln!(
        out,
        "  {:<20} {:>7} {:>14} {:>14} {:>9} {:>9} {:>10}",
        "attribute", "weight", "estimate", "at worst", "score", "bound", "evidence"
    )?;
    for part in &score.attributes {
        writeln!(
            out,
            "  {:<20} {:>7} {:>14} {:>14} {:>9} {:>9} {:>10}",
            part.metric,
            part.weight.normalize().to_string(),
            part.estimate.round_dp(6).normalize().to_string(),
            part.estimate_bound.round_dp(6).normalize().to_string(),
            part.score,
            part.bound,
            part.evidence.round_dp(1),
        )?;
    }
    writeln!(
        out,
        "  score: sum of weight x score; bound: less the root of the sum of squares of weight x (score - bound)"
    )?;
    Ok(())
}

/// Scores and ratings of every provider and class from its first measurement to `as_of`, day by day.
pub fn histories(
    params: &Params,
    measured: &[Measured],
    as_of: Day,
) -> Result<BTreeMap<(String, String), Vec<DayScore>>> {
    let mut by_whom: BTreeMap<(String, String), BTreeMap<Day, Vec<&Observation>>> = BTreeMap::new();
    for Measured { provider, class, recorded, observation } in measured {
        let days = by_whom.entry((provider.clone(), class.clone())).or_default();
        days.entry(*recorded).or_default().push(observation);
    }
    let mut histories = BTreeMap::new();
    for (whom, days) in by_whom {
        let mut evidence = Evidence::default();
        let mut history: Vec<DayScore> = Vec::new();
        let first = *days.keys().next().expect("each has measurements");
        for day in first..=as_of {
            for observation in days.get(&day).into_iter().flatten() {
                evidence.record(observation)?;
            }
            let score = params.scoring.score(&whom.1, &evidence, day)?;
            let before = history.last().map(|before| before.rated);
            let rated = params.cuts.rate(before, &score, day);
            history.push(DayScore { day, score, rated });
        }
        histories.insert(whom, history);
    }
    Ok(histories)
}

/// Reads measurements; what is wrong is told with file, line and field.
pub fn read(path: &Path, bytes: &[u8], class: &str, params: &Params) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    let mut ids = BTreeSet::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let place = || format!("{}: line {}", path.display(), at + 1);
        let value: Value = serde_json::from_slice(line)
            .map_err(|why| anyhow!("{}, column {}: {why}", place(), why.column()))?;
        let Value::Object(fields) = value else { bail!("{}: is not a JSON object", place()) };
        let measured = measured(&fields, class, params).map_err(|why| anyhow!("{}, {why:#}", place()))?;
        // A trial run: whatever the evidence would refuse is refused here, where the line is known.
        Evidence::default().record(&measured.observation).map_err(|why| anyhow!("{}: {why}", place()))?;
        if let Some(id) = fields.get("id").and_then(Value::as_str)
            && !ids.insert(id.to_string())
        {
            bail!("{}, field \"id\": {id:?} stood on an earlier line", place());
        }
        all.push(measured);
    }
    if all.is_empty() {
        bail!("{}: no measurements", path.display());
    }
    Ok(all)
}

fn measured(fields: &Map<String, Value>, class: &str, params: &Params) -> Result<Measured> {
    const KNOWN: [&str; 9] =
        ["provider", "class", "metric", "time", "recorded", "id", "good", "total", "value"];
    if let Some(name) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        bail!("field {name:?}: is not known");
    }
    let text = |name: &str| match fields.get(name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= 200 => Ok(Some(text.as_str())),
        Some(_) => Err(anyhow!("field {name:?}: is not a text of 1 to 200 bytes")),
        None => Ok(None),
    };
    let needed = |name: &str| text(name)?.ok_or_else(|| anyhow!("field {name:?}: is missing"));
    let _ = text("id")?;
    let class = text("class")?.unwrap_or(class);
    let Some(weights) = params.scoring.classes.get(class) else {
        bail!("field \"class\": no class {class:?}")
    };
    let metric = needed("metric")?;
    if !weights.contains_key(metric) {
        let known: Vec<&str> = weights.keys().map(String::as_str).collect();
        bail!("field \"metric\": {metric:?} is not one of {} that count for {class}", known.join(", "));
    }
    let day = moment("time", needed("time")?)?;
    let recorded = text("recorded")?.map_or(Ok(day), |text| moment("recorded", text))?;
    if recorded < day {
        bail!("field \"recorded\": lies before \"time\"");
    }
    let number = |name: &str| fields.get(name).map(|value| decimal(name, value)).transpose();
    let success = matches!(params.scoring.metrics[metric].kind, hourbook_pricing::MetricKind::Success);
    let reading = match (success, number("good")?, number("total")?, number("value")?) {
        (true, Some(good), Some(total), None) => Reading::Trials { good, total },
        (false, None, None, Some(value)) => Reading::Value(value),
        (true, ..) => bail!("field \"good\": {metric} is told by good and total"),
        (false, ..) => bail!("field \"value\": {metric} is told by a value"),
    };
    let observation = Observation { metric: metric.into(), day, reading };
    Ok(Measured { provider: needed("provider")?.into(), class: class.into(), recorded, observation })
}

/// A number, or a decimal in quotes.
fn decimal(name: &str, value: &Value) -> Result<Decimal> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => bail!("field {name:?}: is not a number"),
    };
    let plain = Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text));
    plain.map_err(|why| anyhow!("field {name:?}: {text:?} is not a decimal: {why}"))
}

/// The UTC day of a date or a timestamp.
fn moment(name: &str, text: &str) -> Result<Day> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return Ok(day_of(date));
    }
    let time: jiff::Timestamp = text.parse().map_err(|why| anyhow!("field {name:?}: {why}"))?;
    Ok(time.as_second().div_euclid(86_400) as Day)
}

pub fn day_of(date: Date) -> Day {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() as Day / 24
}

pub fn date_of(day: Day) -> Date {
    Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap_or(Date::MAX)
}

pub fn short_digest(params: &Params) -> String {
    params.digest()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
