//! `hourbook maker`: a market maker from a file of settings, with its log, its figures and its end.
//!
//! `deploy/maker.toml` shows every key; a test holds the two together.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use hourbook_maker::{
    Config, Depth, Figures, FixedSpread, Limits, Maker, QualityPriced, Settings, Strategy, amount,
};
use hourbook_pricing::Params;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::settings::{self, Error, Exact, Micros, Percent, Span, Text, Whole};

/// The flags of `maker`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Settings file; see deploy/maker.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Figures as JSON, one object a line, on standard output
    #[arg(long)]
    json: bool,
    /// End in order after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const MOST: i64 = 1_000_000_000;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default = "address")]
    address: String,
    key_file: PathBuf,
    #[serde(default)]
    authority: PathBuf,
    account: Whole<1, { u32::MAX as i64 }>,
    #[serde(default = "session")]
    session: Text<36>,
    patterns: Vec<Text<40>>,
    #[serde(default = "nobody")]
    provider: Whole<0, { u32::MAX as i64 }>,
    #[serde(default)]
    depth: DepthText,
    #[serde(default = "pace")]
    pace_ms: Whole<1, 60_000>,
    #[serde(default = "none")]
    metrics: String,
    #[serde(default = "report")]
    report: Span<1, HOUR>,
    #[serde(default)]
    strategy: StrategyText,
    #[serde(default)]
    quoting: QuotingText,
    #[serde(default)]
    limits: LimitsText,
}

fn address() -> String {
    "http://127.0.0.1:7070".into()
}

fn session() -> Text<36> {
    Text("maker".into())
}

fn nobody() -> Whole<0, { u32::MAX as i64 }> {
    Whole(0)
}

fn pace() -> Whole<1, 60_000> {
    Whole(20)
}

fn none() -> String {
    "none".into()
}

fn report() -> Span<1, HOUR> {
    Span::seconds(10)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DepthText {
    Top,
    #[default]
    Levels,
}

/// A strategy as settings and flags name it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StrategyText {
    pub name: Name,
    pub params: PathBuf,
    pub risk: String,
    pub leash: Percent<0, 1_000_000>,
    pub half: Percent<0, 1_000_000>,
    pub skew: Percent<0, 1_000_000>,
}

impl Default for StrategyText {
    fn default() -> StrategyText {
        StrategyText {
            name: Name::Quality,
            params: PathBuf::new(),
            risk: String::new(),
            leash: Percent(100_000),
            half: Percent(10_000),
            skew: Percent(20_000),
        }
    }
}

/// The strategies that are shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Name {
    /// About the fair price, as docs/pricing.md says
    Quality,
    /// A fixed distance from the fair price
    Fixed,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct QuotingText {
    size: Whole<1, 1_000_000>,
    refresh: Percent<0, 1_000_000>,
    refill: Percent<0, 1_000_000>,
    before_gate: Span<0, { 30 * DAY }>,
    horizon: Span<HOUR, { 800 * DAY }>,
    stale_after: Span<1, HOUR>,
    batch: Whole<1, 1_000>,
}

impl Default for QuotingText {
    fn default() -> QuotingText {
        QuotingText {
            size: Whole(10),
            refresh: Percent(1_000),
            refill: Percent(500_000),
            before_gate: Span::seconds(MINUTE),
            horizon: Span::seconds(366 * DAY),
            stale_after: Span::seconds(12),
            batch: Whole(500),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsText {
    position: Whole<1, MOST>,
    product_lot_hours: Whole<1, { MOST * MOST }>,
    total_lot_hours: Whole<1, { MOST * MOST }>,
    exposure: Micros<1, { MOST * MOST }>,
    loss: Micros<0, { MOST * MOST }>,
    quotes_per_second: Whole<1, 10_000_000>,
    refusals_per_minute: Whole<0, 10_000_000>,
}

impl Default for LimitsText {
    fn default() -> LimitsText {
        let Limits { position, product_lot_hours, total_lot_hours, .. } = Limits::default();
        let limits = Limits::default();
        LimitsText {
            position: Whole(position),
            product_lot_hours: Whole(product_lot_hours),
            total_lot_hours: Whole(total_lot_hours),
            exposure: Exact(limits.exposure_micros),
            loss: Exact(limits.loss_micros),
            quotes_per_second: Whole(limits.quotes_per_second.into()),
            refusals_per_minute: Whole(limits.refusals_per_minute.into()),
        }
    }
}

/// What a file comes to.
struct Resolved {
    config: Config,
    strategy: Box<dyn Strategy>,
    metrics: Option<SocketAddr>,
    report: Duration,
}

fn resolve(path: &Path) -> anyhow::Result<Resolved> {
    let name = path.display().to_string();
    let file: File = settings::read(&name, &settings::text_of(path)?)?;
    let bad = |key: &str, why: String| Error::key(&name, key, why);
    if !(1..=100).contains(&file.patterns.len()) {
        return Err(bad("patterns", "must be 1 to 100 patterns".into()).into());
    }
    let metrics = match file.metrics.as_str() {
        "none" => None,
        text => Some(text.parse().map_err(|_| {
            bad("metrics", format!("`{text}` is not an address such as 127.0.0.1:7072, or \"none\""))
        })?),
    };
    let beside = |given: &Path| path.parent().unwrap_or(Path::new("")).join(given);
    let read = |key: &str, file: &Path| {
        std::fs::read_to_string(file).map_err(|error| bad(key, format!("{}: {error}", file.display())))
    };
    let key = read("key_file", &beside(&file.key_file))?.trim().to_owned();
    let authority = match file.authority.as_os_str().is_empty() {
        true => None,
        false => Some(read("authority", &beside(&file.authority))?),
    };
    let mut chosen = file.strategy.clone();
    if !chosen.params.as_os_str().is_empty() {
        chosen.params = beside(&chosen.params);
    }
    let params = Arc::new(params(&chosen.params).map_err(|why| bad("strategy.params", why))?);
    let strategy = strategy(&chosen).map_err(|(key, why)| bad(&format!("strategy.{key}"), why))?;
    let QuotingText { size, refresh, refill, before_gate, horizon, stale_after, batch } = file.quoting;
    let limits = file.limits;
    let config = Config {
        address: file.address,
        key,
        authority,
        account: file.account.u32(),
        session: file.session.0,
        patterns: file.patterns.into_iter().map(|pattern| pattern.0).collect(),
        provider: file.provider.u32(),
        params,
        leash_ppm: chosen.leash.0,
        depth: match file.depth {
            DepthText::Top => Depth::Top,
            DepthText::Levels => Depth::Levels,
        },
        pace: Duration::from_millis(file.pace_ms.0 as u64),
        settings: Settings {
            size: size.0,
            refresh_ppm: refresh.0,
            refill_percent: refill.0 / 10_000,
            before_gate: before_gate.duration(),
            horizon: horizon.duration(),
            stale_after: stale_after.duration(),
            batch: batch.0 as usize,
            limits: Limits {
                position: limits.position.0,
                product_lot_hours: limits.product_lot_hours.0,
                total_lot_hours: limits.total_lot_hours.0,
                exposure_micros: limits.exposure.0,
                loss_micros: limits.loss.0,
                quotes_per_second: limits.quotes_per_second.u32(),
                refusals_per_minute: limits.refusals_per_minute.u32(),
            },
        },
    };
    Ok(Resolved { config, strategy, metrics, report: file.report.duration() })
}

/// The strategy that is named; the key at fault, and why, where it cannot be made.
pub(crate) fn strategy(text: &StrategyText) -> Result<Box<dyn Strategy>, (&'static str, String)> {
    match text.name {
        Name::Fixed => Ok(Box::new(FixedSpread { half_ppm: text.half.0, skew_ppm: text.skew.0 })),
        Name::Quality => {
            let quality = QualityPriced::new(Arc::new(params(&text.params).map_err(|why| ("params", why))?));
            if text.risk.is_empty() {
                return Ok(Box::new(quality));
            }
            let risk = rust_decimal::Decimal::from_str_exact(&text.risk).ok();
            let risk = risk.filter(|risk| *risk >= 0.into() && *risk <= 100.into());
            let why = || format!("`{}` is not a number from 0 to 100", text.risk);
            Ok(Box::new(quality.with_risk(risk.ok_or_else(|| ("risk", why()))?)))
        }
    }
}

/// The parameters in a file; the ones built in where none is named.
pub(crate) fn params(path: &Path) -> Result<Params, String> {
    if path.as_os_str().is_empty() {
        return Ok(Params::standard());
    }
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
    Params::parse(&text).map_err(|error| named(&error))
}

/// Quotes until it is told to stop, a limit is passed, or the exchange is good no more; the exit code is 0 after a stop.
///
/// # Errors
/// What keeps it from quoting.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Resolved { config, strategy, metrics, report } = resolve(&arguments.config)?;
    crate::serve::log(&crate::config::Log { filter: "info".into(), format: crate::config::LogFormat::Text })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = crate::serve::signals()?;
        let listener = match metrics {
            Some(address) => Some(
                tokio::net::TcpListener::bind(address)
                    .await
                    .with_context(|| format!("metrics: cannot listen on {address}"))?,
            ),
            None => None,
        };
        let (name, address, account) = (strategy.name(), config.address.clone(), config.account);
        let mut maker = Maker::start(config, strategy).await?;
        tracing::info!(strategy = name, address, account, "making a market");
        let mut every = tokio::time::interval_at(tokio::time::Instant::now() + report, report);
        let end = async {
            match arguments.seconds {
                Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(end);
        let ended = loop {
            tokio::select! {
                signal = signals.next() => {
                    tracing::info!(signal, "stopping: everything is cancelled");
                    break None;
                }
                () = &mut end => break None,
                ended = maker.ended() => break Some(ended),
                _ = every.tick() => say(&maker.figures(), arguments.json)?,
                Ok((stream, _)) = accepted(listener.as_ref()) => {
                    tokio::spawn(answer(stream, maker.figures().prometheus()));
                }
            }
        };
        match ended {
            Some(ended) => {
                say(&maker.figures(), arguments.json)?;
                ended?;
            }
            None => say(&maker.stop().await?, arguments.json)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn accepted(
    listener: Option<&tokio::net::TcpListener>,
) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// Answers one request, whatever it asks for, with the figures.
async fn answer(mut stream: tokio::net::TcpStream, text: String) {
    let talk = async {
        let mut request = [0; 1_024];
        let _ = stream.read(&mut request).await?;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
        let told = format!("{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        stream.write_all(told.as_bytes()).await?;
        stream.shutdown().await
    };
    // Who asks for figures and does not read them gets none.
    let _: Result<io::Result<()>, _> = tokio::time::timeout(Duration::from_secs(5), talk).await;
}

/// A line of figures: of the log, or of JSON.
fn say(figures: &Figures, json: bool) -> io::Result<()> {
    if json {
        return writeln!(io::stdout().lock(), "{}", told(figures));
    }
    let percent = |ppm: u64| format!("{}.{:02}", ppm / 10_000, ppm / 100 % 100);
    tracing::info!(
        state = figures.state.name(),
        two_sided = format_args!("{}/{}", figures.two_sided, figures.tradable),
        two_sided_percent = percent(figures.two_sided_ppm),
        spread_percent = percent(figures.spread_ppm),
        profit = amount(figures.profit_micros()),
        realised = amount(figures.realised_micros),
        net_lot_hours = figures.net_lot_hours as i64,
        exposure = amount(figures.exposure_micros),
        fills = figures.fills,
        quotes = figures.quotes,
        refused = figures.refused_count(),
        "{}",
        figures.currency
    );
    Ok(())
}

/// Figures as JSON; amounts are decimals in text.
pub(crate) fn told(figures: &Figures) -> Value {
    json!({
        "state": figures.state.name(),
        "why": figures.state.why(),
        "currency": figures.currency,
        "instruments": figures.instruments,
        "tradable": figures.tradable,
        "two_sided": figures.two_sided,
        "two_sided_ppm": figures.two_sided_ppm,
        "spread_ppm": figures.spread_ppm,
        "standing": figures.standing,
        "quotes": figures.quotes,
        "refused": figures.refused,
        "withheld": figures.withheld,
        "fills": figures.fills,
        "bought_lot_hours": figures.bought as i64,
        "sold_lot_hours": figures.sold as i64,
        "net_lot_hours": figures.net_lot_hours as i64,
        "open_lot_hours": figures.open_lot_hours as i64,
        "perished_lot_hours": figures.perished_lot_hours as i64,
        "profit": amount(figures.profit_micros()),
        "realised": amount(figures.realised_micros),
        "marked": amount(figures.marked_micros),
        "fees": amount(figures.fees_micros),
        "exposure": amount(figures.exposure_micros),
        "stale_stops": figures.stale_stops,
        "feed_age_ms": figures.feed_age.as_millis() as u64,
        "pricing_age_ms": figures.pricing_age.as_millis() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = include_str!("../deploy/maker.toml");

    fn resolved(text: &str) -> Result<Resolved, String> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("maker.key"), "hb_key\n").unwrap();
        let path = directory.path().join("maker.toml");
        std::fs::write(&path, text).unwrap();
        let folder = format!("{}/", directory.path().display());
        resolve(&path).map_err(|error| format!("{error:#}").replace(&folder, ""))
    }

    #[test]
    fn the_file_that_is_shown_holds_the_defaults() {
        let shown: File = settings::read("maker.toml", SHOWN).unwrap();
        let short = "key_file = \"maker.key\"\naccount = 1\npatterns = [\"GP.CNNX.*\"]";
        let least: File = settings::read("least.toml", short).unwrap();
        assert_eq!(shown, least);
        let Resolved { config, strategy, metrics, .. } = resolved(SHOWN).unwrap();
        assert_eq!((config.key.as_str(), strategy.name(), metrics), ("hb_key", "quality", None));
        let stale_after = Duration::from_secs(12);
        assert_eq!(config.settings, Settings { stale_after, ..Settings::default() });
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, said) in [
            ("account = 1", "account = 0", "maker.toml: account: "),
            ("size = 10", "sise = 10", "maker.toml: quoting.sise: "),
            (
                "patterns = [\"GP.CNNX.*\"]",
                "patterns = []",
                "maker.toml: patterns: must be 1 to 100 patterns",
            ),
            ("risk = \"\"", "risk = \"x\"", "maker.toml: strategy.risk: `x` is not a number from 0 to 100"),
            (
                "params = \"\"",
                "params = \"none.toml\"",
                "maker.toml: strategy.params: none.toml: No such file",
            ),
            ("maker.key", "no.key", "maker.toml: key_file: no.key: No such file"),
            ("metrics = \"none\"", "metrics = \"x\"", "maker.toml: metrics: `x` is not an address"),
        ] {
            let text = SHOWN.replacen(from, to, 1);
            assert_ne!(text, SHOWN, "{from}");
            let error = resolved(&text).err().unwrap();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
