//! `report`: pictures for people, who look rather than read.
//!
//! Without data it draws what the parameters' own file tells: families as they were predicted while kept back, quotes of
//! a product, and a made-up provider's year. With predictions and prices, or measurements, it draws those.

use crate::evaluating::pairs;
use crate::picture::{Axis, COLOURS, Picture};
use crate::quoting::product;
use crate::scoring::{date_of, histories, read, short_digest};
use anyhow::{Context, Result, bail};
use hourbook_pricing::{Conditions, Params, QuoteRequest, STANDARD};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, dec};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Measurements of two providers that do not exist.
const MADE_UP: &str = include_str!("../examples/observations.jsonl");

#[derive(clap::Args)]
pub struct Arguments {
    /// Directory for the pictures; it is made when it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Parameters in place of those that come with this version.
    #[arg(long, value_name = "TOML")]
    params: Option<PathBuf>,
    /// What `predict` wrote; with --prices.
    #[arg(long, value_name = "CSV", requires = "prices")]
    predictions: Option<PathBuf>,
    /// The prices of the same machines.
    #[arg(long, value_name = "CSV", requires = "predictions")]
    prices: Option<PathBuf>,
    /// Measurements for the history of scores.
    #[arg(long, value_name = "JSONL")]
    observations: Option<PathBuf>,
    /// Product on the picture of quotes.
    #[arg(long, default_value = "GP.CNNM.A")]
    product: String,
}

/// A prediction on a picture.
struct Point {
    name: String,
    cloud: String,
    actual: f64,
    predicted: f64,
    /// Percent.
    error: f64,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let text = match &arguments.params {
        Some(path) => {
            std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?
        }
        None => STANDARD.to_string(),
    };
    let params = Params::parse(&text)?;
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("{}: cannot be made", arguments.out.display()))?;

    let (points, families, of_what) = match (&arguments.predictions, &arguments.prices) {
        (Some(predictions), Some(prices)) => {
            let points = predicted(predictions, prices)?;
            let families = by_family(&points);
            (points, families, "rows of the test")
        }
        _ => {
            let points = kept_back(&text)?;
            let families =
                points.iter().map(|point| (point.name.clone(), point.cloud.clone(), point.error)).collect();
            (points, families, "families while they were kept back")
        }
    };
    save(&arguments.out, "predicted-against-actual.svg", &scatter(&points, of_what))?;
    save(&arguments.out, "error-by-family.svg", &errors(families, of_what))?;
    save(&arguments.out, "score-history.svg", &history(arguments, &params)?)?;
    save(&arguments.out, "quote-ladder.svg", &ladder(&arguments.product, &params)?)?;
    writeln!(std::io::stdout(), "parameters {} {}", params.version, short_digest(&params))?;
    Ok(())
}

fn save(directory: &Path, name: &str, picture: &str) -> Result<()> {
    let path = directory.join(name);
    std::fs::write(&path, picture).with_context(|| format!("{}: cannot be written", path.display()))?;
    writeln!(std::io::stdout(), "{}", path.display())?;
    Ok(())
}

fn predicted(predictions: &Path, prices: &Path) -> Result<Vec<Point>> {
    let (pairs, _) = pairs(predictions, prices)?;
    let point = |pair: crate::evaluating::Pair| Point {
        name: format!("{}|{}", pair.cloud, pair.family),
        error: (pair.predicted / pair.price - 1.0).abs() * 100.0,
        cloud: pair.cloud,
        actual: pair.price,
        predicted: pair.predicted,
    };
    Ok(pairs.into_iter().map(point).collect())
}

/// What the fit wrote of families while they were kept back.
fn kept_back(text: &str) -> Result<Vec<Point>> {
    let table: toml::Table = text.parse().context("the parameters are not TOML")?;
    let families =
        table.get("accuracy").and_then(|accuracy| accuracy.get("families")).and_then(toml::Value::as_table);
    let mut points = Vec::new();
    for (name, figures) in families.into_iter().flatten() {
        let numbers: Option<Vec<f64>> =
            figures.as_array().and_then(|all| all.iter().map(|one| one.as_str()?.parse().ok()).collect());
        let Some([_, actual, predicted, error]) = numbers.as_deref() else {
            bail!("parameters: accuracy.families.{name:?}: is not four decimals");
        };
        let cloud = name.split('|').next().unwrap_or_default().to_string();
        points.push(Point {
            name: name.clone(),
            cloud,
            actual: *actual,
            predicted: *predicted,
            error: *error,
        });
    }
    Ok(points)
}

/// Median error of each family, with its cloud.
fn by_family(points: &[Point]) -> Vec<(String, String, f64)> {
    let mut errors: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    for point in points {
        errors.entry((&point.name, &point.cloud)).or_default().push(point.error);
    }
    let median = |((name, cloud), errors): ((&str, &str), Vec<f64>)| {
        (name.to_string(), cloud.to_string(), crate::knowledge::median(errors).unwrap_or(0.0))
    };
    errors.into_iter().map(median).collect()
}

/// A colour for each cloud, in the order of their names.
fn colours<'a>(clouds: impl Iterator<Item = &'a str>) -> BTreeMap<String, &'static str> {
    let mut names: Vec<&str> = clouds.collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(String::from).zip(COLOURS.into_iter().cycle()).collect()
}

fn scatter(points: &[Point], of_what: &str) -> String {
    let axis = Axis::around(points.iter().flat_map(|point| [point.actual, point.predicted]), true);
    let title = format!("Predicted against actual: {} {of_what}", points.len());
    let mut picture = Picture::new(&title, (axis, "price, USD per hour"), (axis, "predicted"));
    picture.line(&[(axis.from, axis.from), (axis.to, axis.to)], "#000", 1.0, false);
    let colours = colours(points.iter().map(|point| &*point.cloud));
    for point in points {
        let name = format!("{} {:.4} predicted {:.4}", point.name, point.actual, point.predicted);
        picture.point(point.actual, point.predicted, colours[&point.cloud], &name);
    }
    picture.legend(&colours.into_iter().collect::<Vec<_>>(), true);
    picture.finish()
}

fn errors(mut families: Vec<(String, String, f64)>, of_what: &str) -> String {
    const LEAST: f64 = 0.1;
    families.sort_by(|a, b| f64::total_cmp(&b.2, &a.2).then_with(|| a.0.cmp(&b.0)));
    let most = families.first().map_or(1.0, |(_, _, error)| *error).max(1.0);
    let x = Axis { from: 0.0, to: families.len().max(1) as f64, logarithmic: false };
    let y = Axis { from: LEAST, to: most * 1.3, logarithmic: true };
    let title = format!("Median error by family, largest first ({of_what})");
    let mut picture = Picture::new(&title, (x, "families; point at a bar for its name"), (y, "percent"));
    let colours = colours(families.iter().map(|(_, cloud, _)| &**cloud));
    for (at, (name, cloud, error)) in families.iter().enumerate() {
        let left = at as f64 + 0.1;
        picture.bar(left, left + 0.8, error.max(LEAST), colours[cloud], &format!("{name}: {error:.1} %"));
    }
    picture.legend(&colours.into_iter().collect::<Vec<_>>(), false);
    picture.finish()
}

fn history(arguments: &Arguments, params: &Params) -> Result<String> {
    let (path, bytes, title) = match &arguments.observations {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
            (path.clone(), bytes, "Scores (lines), their bounds (dashed) and tiers")
        }
        None => {
            let title = "Scores (lines), their bounds (dashed) and tiers, of providers that are made up";
            (PathBuf::from("made-up"), MADE_UP.as_bytes().to_vec(), title)
        }
    };
    let measured = read(&path, &bytes, "GP", params)?;
    let last = measured.iter().map(|measured| measured.recorded).max().unwrap_or(0);
    let histories = histories(params, &measured, last)?;
    let first = histories.values().filter_map(|days| Some(days.first()?.day)).min().unwrap_or(0);
    let x = Axis { from: 0.0, to: f64::from((last - first).max(1)), logarithmic: false };
    let y = Axis { from: 0.0, to: 100.0, logarithmic: false };
    let days = format!("days since {}", date_of(first));
    let mut picture = Picture::new(title, (x, &days), (y, "score"));
    for least in params.cuts.tiers {
        let at = number(least);
        picture.line(&[(x.from, at), (x.to, at)], "#999999", 1.0, false);
    }
    let mut names = Vec::new();
    for (((provider, class), days), colour) in histories.iter().zip(COLOURS.into_iter().cycle()) {
        let line = |of: &dyn Fn(&crate::scoring::DayScore) -> Decimal| -> Vec<(f64, f64)> {
            days.iter().map(|day| (f64::from(day.day - first), number(of(day)))).collect()
        };
        picture.line(&line(&|day| day.score.score), colour, 2.0, false);
        picture.line(&line(&|day| day.score.bound), colour, 1.2, true);
        let rating = days.last().map_or(String::new(), |day| day.rated.rating.to_string());
        names.push((format!("{provider} {class}: {rating}"), colour));
    }
    picture.legend(&names, false);
    Ok(picture.finish())
}

/// Bid and ask of a half-held product over the time to delivery.
fn ladder(name: &str, params: &Params) -> Result<String> {
    let (class, region, tier) = product(name)?;
    let score = params.cuts.threshold(tier);
    let fair = params.fair_price(&Conditions { class, region, tier, score, currency: "CNY", basis: None })?;
    let quoting = &params.kind(params.class(class)?.kind()).quoting;
    let hours: Vec<f64> = (0..=60).map(|at| 10_f64.powf(f64::from(at) / 60.0 * 3.6)).collect();
    let mut lines: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for held in [100, 500, 900] {
        for side in ["bid", "ask"] {
            let mut line = Vec::new();
            for hours in &hours {
                let quote = quoting.quote(&QuoteRequest {
                    fair: fair.price,
                    uncertainty: fair.uncertainty(),
                    volatility: None,
                    fee: dec!(0.0005),
                    hours_to_delivery: Decimal::try_from(*hours)?.round_dp(2),
                    inventory: held,
                    capacity: 1000,
                    size: 100,
                    tick: dec!(0.0001),
                })?;
                let level = if side == "bid" { quote.bid } else { quote.ask };
                line.extend(level.ok().map(|level| (*hours, number(level.price))));
            }
            lines.push((format!("{held} of 1000 held: {side}"), line));
        }
    }
    let fair_line = number(fair.price);
    let y =
        Axis::around(lines.iter().flat_map(|(_, line)| line).map(|point| point.1).chain([fair_line]), false);
    let x = Axis { from: 1.0, to: 4000.0, logarithmic: true };
    let title = format!("Quotes of {name} by time to delivery and what is held");
    let mut picture = Picture::new(&title, (x, "hours to delivery"), (y, "CNY per unit-hour"));
    picture.line(&[(x.from, fair_line), (x.to, fair_line)], "#000", 1.0, true);
    let mut names = Vec::new();
    for (at, (name, line)) in lines.iter().enumerate() {
        let colour = COLOURS[at / 2];
        picture.line(line, colour, 2.0, false);
        if at % 2 == 0 {
            names.push((name.trim_end_matches(": bid").to_string(), colour));
        }
    }
    picture.legend(&names, true);
    Ok(picture.finish())
}

fn number(decimal: Decimal) -> f64 {
    decimal.to_f64().unwrap_or(0.0)
}
