//! `quote`: the fair price of a product and two sides about it, and how they came about.

use crate::scoring::{params_or_standard, short_digest};
use anyhow::{Result, bail};
use hourbook_pricing::{Conditions, Kind, Level, Quote, QuoteRequest, Tier, Withheld};
use rust_decimal::{Decimal, dec};
use std::io::{StdoutLock, Write};
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Arguments {
    /// CLASS.REGION.TIER, such as GP.CNNM.A. Every delivery period has the same fair price.
    product: String,
    /// Parameters in place of those that come with this version.
    #[arg(long, value_name = "TOML")]
    params: Option<PathBuf>,
    /// The provider's score; the tier's threshold when it is not given.
    #[arg(long, value_name = "0..100")]
    score: Option<Decimal>,
    /// ISO 4217.
    #[arg(long, default_value = "CNY")]
    currency: String,
    /// Hours until delivery begins.
    #[arg(long, default_value = "24")]
    hours: Decimal,
    /// Units held and not sold.
    #[arg(long, default_value_t = 500)]
    inventory: u64,
    /// Most units to hold.
    #[arg(long, default_value_t = 1000)]
    capacity: u64,
    /// Most units on a side.
    #[arg(long, default_value_t = 100)]
    size: u64,
    /// Smallest price step; 0.0001 for CPU classes, 0.01 for others.
    #[arg(long)]
    tick: Option<Decimal>,
    /// Fee of a fill, relative to its value.
    #[arg(long, default_value = "0.0005")]
    fee: Decimal,
    /// Show every factor.
    #[arg(long)]
    explain: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let params = params_or_standard(arguments.params.as_ref())?;
    let (class, region, tier) = product(&arguments.product)?;
    let score = arguments.score.unwrap_or(params.cuts.threshold(tier));
    let conditions = Conditions { class, region, tier, score, currency: &arguments.currency, basis: None };
    let fair = params.fair_price(&conditions)?;
    let kind = params.class(class)?.kind();
    let tick = arguments.tick.unwrap_or(if kind == Kind::Cpu { dec!(0.0001) } else { dec!(0.01) });
    let quote = params.kind(kind).quoting.quote(&QuoteRequest {
        fair: fair.price,
        uncertainty: fair.uncertainty(),
        volatility: None,
        fee: arguments.fee,
        hours_to_delivery: arguments.hours,
        inventory: arguments.inventory,
        capacity: arguments.capacity,
        size: arguments.size,
        tick,
    })?;
    let currency = &arguments.currency;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}, score {}: {currency} per unit-hour", arguments.product, score.normalize())?;
    writeln!(out, "fair  {}   80 % interval {} to {}", quote.fair, shown(fair.low), shown(fair.high))?;
    writeln!(out, "bid   {}", side(&quote.bid))?;
    writeln!(out, "ask   {}", side(&quote.ask))?;
    if arguments.explain {
        writeln!(out, "\nfair price")?;
        for line in params.explain_fair_price(&conditions)? {
            let sign = if line.money { "USD " } else { "x " };
            writeln!(out, "  {sign}{:<14} {}", shown(line.value), line.what)?;
        }
        writeln!(out, "  = {currency} {}", fair.price.normalize())?;
        writeln!(out, "\nquote, relative to the fair price")?;
        explain(&mut out, &quote)?;
        writeln!(out, "\nparameters {} {}", params.version, short_digest(&params))?;
    }
    Ok(())
}

fn explain(out: &mut StdoutLock, quote: &Quote) -> Result<()> {
    for (what, value) in &quote.terms {
        writeln!(out, "  {:>+10} {what}", value.round_dp(6))?;
    }
    writeln!(out, "  reservation {}, half spread {}", shown(quote.reservation), shown(quote.half))?;
    Ok(())
}

fn shown(value: Decimal) -> Decimal {
    value.round_dp(6).normalize()
}

fn side(side: &Result<Level, Withheld>) -> String {
    match side {
        Ok(level) => format!("{}   x {} units", level.price, level.units),
        Err(why) => format!("withheld: {}", why.reason()),
    }
}

pub fn product(text: &str) -> Result<(&str, &str, Tier)> {
    let parts: Vec<&str> = text.split('.').collect();
    let [class, region, tier] = parts.as_slice() else { bail!("{text:?} is not CLASS.REGION.TIER") };
    let Some(tier) = Tier::ALL.into_iter().find(|known| known.to_string() == *tier) else {
        bail!("{text:?}: tier {tier:?} is not A, B or C");
    };
    Ok((class, region, tier))
}
