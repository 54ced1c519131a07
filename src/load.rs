//! `hourbook load`: an exchange under load, measured, and held against a server that does nothing.
//!
//! - `servers`: the exchange and the server that does nothing, each a process of its own; `noop`: the latter
//! - `subscribers`: with readers of market data beside it, some of whom never read
//! - `show`: how it goes, a table for people, a line of JSON for programs, a histogram for plots
//!
//! The load itself is a customer of the published contract (`hourbook-load`); whoever starts it here is an operator too,
//! who funds it. docs/load.md says what the figures mean.

mod noop;
mod servers;
mod show;
mod subscribers;

pub use servers::{NOOP, Server, noop_key, serve_noop};

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{ArgGroup, Args};
use hourbook_load::{
    Audit, Customer, Desk, Figures, Gallery, Mix, Pace, Plan, Progress, Raised, Wanted, Way, set_up,
};
use tempfile::TempDir;

use crate::serve;
use show::{Report, Ticker};
use subscribers::Pairs;

/// Entries in a message of a quote storm: more, unanswered at once, are more quotes than an exchange lets wait.
const MOST_IN_STORM: u32 = 100;
/// Messages of a batch that may be unanswered.
const BATCHES: usize = 16;
/// Rounds in which the exchange and the server that does nothing take turns.
const ROUNDS: u32 = 5;
/// How long a round runs before it is measured, at most.
const WARM_UP: Duration = Duration::from_millis(500);
/// Products of the mixes that are about one book, where no others are named.
const PRODUCT: &str = "GP.CNNX.A";
/// Room for live orders beside those that are to rest: under way, or not yet cancelled.
const ROOM: usize = 100_000;

/// What and how is measured.
#[derive(Args)]
#[command(group = ArgGroup::new("way"))]
pub struct Arguments {
    /// Address of a running exchange; without one, one is started here, with its defaults and a journal that is thrown away
    #[arg(long, value_name = "URL", requires = "key", help_heading = "Exchange")]
    address: Option<String>,
    /// Its operator's key: accounts are opened and funded under it
    #[arg(long, value_name = "KEY", env = "HOURBOOK_KEY", hide_env_values = true, help_heading = "Exchange")]
    key: Option<String>,
    /// PEM of whoever signed its certificate, where that is not a public authority
    #[arg(
        long,
        value_name = "FILE",
        env = "HOURBOOK_AUTHORITY",
        requires = "address",
        help_heading = "Exchange"
    )]
    authority: Option<PathBuf>,
    /// Market file of the exchange that is started here; without one, the market built in
    #[arg(long, value_name = "FILE", conflicts_with = "address", help_heading = "Exchange")]
    market: Option<PathBuf>,
    /// Directory for the journal of the exchange that is started here, on the disk that is to be measured
    #[arg(long, value_name = "DIR", conflicts_with = "address", help_heading = "Exchange")]
    journal_in: Option<PathBuf>,
    /// Start the exchange with its setting `awake`: all cores of this machine are kept from sleeping meanwhile
    #[arg(long, conflicts_with = "address", help_heading = "Exchange")]
    awake: bool,

    /// What is asked for: exchange-core, thin, deep, quote-storm or sweep
    #[arg(long, value_name = "NAME", default_value = "exchange-core", help_heading = "Load")]
    mix: Mix,
    /// So many unary calls under way on each connection
    #[arg(long, value_name = "N", group = "way", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Load")]
    unary: Option<u32>,
    /// Messages of one order in a session on each connection, so many unanswered [default: 1024]
    #[arg(long, value_name = "N", group = "way", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Load")]
    window: Option<u32>,
    /// Messages of so many orders in a session on each connection, 16 of them unanswered
    #[arg(long, value_name = "N", group = "way", value_parser = clap::value_parser!(u32).range(1..=1_000), help_heading = "Load")]
    batch: Option<u32>,
    /// Connections, each with an account of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Load")]
    connections: u32,
    /// So many requests a second in all, at random moments that no answer delays; without it, as many as are answered
    #[arg(long, value_name = "R", value_parser = rate, help_heading = "Load")]
    rate: Option<f64>,
    /// How long each server is measured, in all rounds together [default: 10, and 30 with subscribers]
    #[arg(long, value_name = "S", value_parser = seconds, help_heading = "Load")]
    seconds: Option<Duration>,
    /// Products whose hours are traded, such as `GP.*`
    #[arg(long, value_name = "PATTERN", help_heading = "Load")]
    products: Option<String>,
    /// What is drawn at random: the same seed asks for the same
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Load")]
    seed: u64,

    /// So many subscribers read the market data of the book: measures five pairs of rounds, without and with the stalled ones
    #[arg(
        long,
        value_name = "N",
        requires = "stalled",
        conflicts_with_all = ["baseline", "histogram"],
        value_parser = clap::value_parser!(u32).range(2..=4_000),
        help_heading = "Subscribers"
    )]
    subscribers: Option<u32>,
    /// So many of the subscribers never read
    #[arg(
        long,
        value_name = "N",
        requires = "subscribers",
        value_parser = clap::value_parser!(u32).range(1..=200),
        help_heading = "Subscribers"
    )]
    stalled: Option<u32>,

    /// Measure a server that does nothing behind the same gateway as well, in turn, and tell the ratio
    #[arg(long, help_heading = "Figures")]
    baseline: bool,
    /// Print one line of JSON
    #[arg(long, help_heading = "Figures")]
    json: bool,
    /// Write the latencies to a file that HdrHistogram's plotters read
    #[arg(long, value_name = "FILE", help_heading = "Figures")]
    histogram: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.replace('_', "").parse() {
        Ok(rate) if (1.0..=100_000_000.0).contains(&rate) => Ok(rate),
        _ => Err("must be requests a second, 1 to 100000000".into()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be seconds, 0.1 to 3600".into()),
    }
}

impl Arguments {
    fn way(&self) -> Way {
        match (self.unary, self.batch, self.window) {
            (Some(calls), ..) => Way::Unary { calls: calls as usize },
            (_, Some(entries), _) => Way::Session { entries: entries as usize, messages: BATCHES },
            (.., window) => Way::Session { entries: 1, messages: window.unwrap_or(1_024) as usize },
        }
    }

    /// The way's name, such as `window-1024`.
    fn mode(&self) -> String {
        match self.way() {
            Way::Unary { calls } => format!("unary-{calls}"),
            Way::Session { entries: 1, messages } if self.batch.is_none() => format!("window-{messages}"),
            Way::Session { entries, .. } => format!("batch-{entries}"),
        }
    }

    /// A p99 of few orders needs more time than one of many.
    fn seconds(&self) -> Duration {
        let usual = if self.subscribers.is_some() { 30 } else { 10 };
        self.seconds.unwrap_or(Duration::from_secs(usual))
    }

    fn plan(&self) -> Plan {
        Plan {
            way: self.way(),
            pace: self.rate.map_or(Pace::Full, Pace::PerSecond),
            mix: self.mix,
            resting: self.mix.resting(),
            seed: self.seed,
            unread: hourbook_load::UNREAD,
        }
    }

    fn wanted(&self) -> Wanted {
        let one = if self.mix.books() == 1 { PRODUCT } else { "" };
        Wanted {
            products: self.products.clone().unwrap_or_else(|| one.into()),
            books: self.mix.books(),
            desks: self.connections as usize,
            open_orders: (2 * self.mix.resting() + ROOM) as u32,
            quotes: self.mix.quotes(),
        }
    }
}

/// An exchange to be measured; one that was started here ends, and its journal goes, with this.
struct Exchange {
    own: Option<(Server, TempDir)>,
    address: String,
    operator: String,
    authority: Option<String>,
}

impl Exchange {
    fn open(arguments: &Arguments, program: &Path) -> anyhow::Result<Exchange> {
        if let (Some(address), Some(key)) = (&arguments.address, &arguments.key) {
            let read =
                |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
            let authority = arguments.authority.as_ref().map(read).transpose()?;
            let address = if address.contains("://") { address.clone() } else { format!("http://{address}") };
            return Ok(Exchange { own: None, address, operator: key.trim().into(), authority });
        }
        if arguments.key.is_some() {
            eprintln!(
                "load: --key is of an exchange at --address; without one, an exchange of its own is measured"
            );
        }
        let place = arguments.journal_in.clone().unwrap_or_else(std::env::temp_dir);
        let directory = tempfile::Builder::new().prefix("hourbook-load-").tempdir_in(&place);
        let directory = directory.with_context(|| place.display().to_string())?;
        if is_memory(&place) {
            eprintln!("load: {} is memory, not a disk: --journal-in names another place", place.display());
        }
        let data = directory.path().join("data");
        let (server, operator) =
            Server::exchange(program, &data, arguments.market.as_deref(), arguments.awake)?;
        let address = server.address.clone();
        Ok(Exchange { own: Some((server, directory)), address, operator, authority: None })
    }
}

/// Whether files at this place are kept in memory.
fn is_memory(place: &Path) -> bool {
    // The magic number of Linux' tmpfs.
    rustix::fs::statfs(place).is_ok_and(|of| of.f_type == 0x0102_1994)
}

/// Who is measured, and how far.
struct Side {
    name: &'static str,
    customer: Customer,
    rounds: Vec<Figures>,
}

impl Side {
    async fn connect(
        name: &'static str,
        arguments: &Arguments,
        address: &str,
        desks: &[Desk],
        progress: &Progress,
    ) -> anyhow::Result<Side> {
        let customer = Customer::connect(arguments.plan(), address, desks, progress.clone()).await;
        Ok(Side { name, customer: customer.context(name)?, rounds: Vec::new() })
    }
}

/// Runs the load and tells what came of it.
///
/// # Errors
/// When a server cannot be started or reached, or anything of a run is not right.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // One thread: what the client does not take is the servers'.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(arguments))
}

async fn measure(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(path) = &arguments.histogram {
        // Where it cannot be written, that is said now and not when the figures are there.
        std::fs::File::create(path).with_context(|| path.display().to_string())?;
    }
    let most = MOST_IN_STORM;
    ensure!(
        arguments.mix != Mix::QuoteStorm || arguments.batch.is_none_or(|entries| entries <= most),
        "--batch must be at most {most} with quote-storm, whose entries are sets of ten two-sided quotes"
    );
    let mut signals = serve::signals()?;
    let program = std::env::current_exe()?;
    let progress = Progress::default();
    let ticker = Ticker::start(progress.clone());
    ticker.label("starts");
    let exchange = Exchange::open(arguments, &program)?;
    ensure!(
        !arguments.baseline || exchange.address.starts_with("http://"),
        "--baseline: the server that does nothing speaks no TLS; compare with an exchange at http://"
    );
    let ready = async {
        let authority = exchange.authority.as_deref();
        let (desks, raised) =
            set_up(&exchange.address, &exchange.operator, authority, &arguments.wanted()).await?;
        let ours = Side::connect("exchange", arguments, &exchange.address, &desks, &progress).await?;
        let noop = match arguments.baseline {
            false => None,
            true => Some(noop(arguments, &program, &desks, &progress).await?),
        };
        anyhow::Ok((ours, noop, desks, raised))
    };
    let (mut ours, mut noop, desks, raised) = tokio::select! {
        ready = ready => ready?,
        signal = signals.next() => bail!("ended by {signal}"),
    };
    let outcome = tokio::select! {
        outcome = async {
            match arguments.subscribers.zip(arguments.stalled) {
                Some(counts) => pairs(arguments, &ticker, &exchange, &mut ours, &desks[0], counts).await.map(Some),
                None => {
                    let noop = noop.as_mut().map(|(side, _)| side);
                    rounds(arguments, &ticker, &mut ours, noop).await.map(|()| None)
                }
            }
        } => outcome,
        signal = signals.next() => Err(anyhow!("ended by {signal}")),
    };
    if outcome.is_err() && exchange.own.is_none() {
        ours.customer.withdraw().await;
    }
    let pairs = outcome?;
    ticker.label("ends");
    let Side { customer, rounds: measured, .. } = ours;
    let ended = async {
        let audit = customer.end().await.context("exchange")?;
        let baseline = match noop {
            None => None,
            Some((Side { customer, rounds, .. }, _server)) => {
                customer.end().await.context("no-op")?;
                Some(rounds)
            }
        };
        anyhow::Ok((audit, baseline))
    };
    // What is right or wrong is known only now.
    let (audit, baseline) = tokio::select! {
        ended = ended => ended?,
        signal = signals.next() => bail!("ended by {signal}"),
    };
    ensure!(
        exchange.own.is_none() || audit.with_others == 0,
        "{} trades were told to one side only, where nobody else trades",
        audit.with_others
    );
    drop(exchange);
    drop(ticker);
    let errors = match pairs {
        Some(pairs) => {
            match arguments.json {
                true => pairs.json(arguments, audit)?,
                false => pairs.table(arguments, audit)?,
            }
            pairs.errors()
        }
        None => tell(arguments, &desks, &raised, audit, measured, baseline)?,
    };
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The server that does nothing, and the same customer there.
async fn noop(
    arguments: &Arguments,
    program: &Path,
    desks: &[Desk],
    progress: &Progress,
) -> anyhow::Result<(Side, Server)> {
    let accounts: Vec<u32> = desks.iter().map(|desk| desk.account).collect();
    let server = Server::noop(program, &accounts)?;
    let known = |desk: &Desk| Desk { key: noop_key(desk.account), keeps_reports: false, ..desk.clone() };
    let desks: Vec<Desk> = desks.iter().map(known).collect();
    let side = Side::connect("no-op", arguments, &server.address, &desks, progress).await?;
    Ok((side, server))
}

/// Measures with subscribers beside it.
async fn pairs(
    arguments: &Arguments,
    ticker: &Ticker,
    exchange: &Exchange,
    ours: &mut Side,
    desk: &Desk,
    (subscribers, stalled): (u32, u32),
) -> anyhow::Result<Pairs> {
    let (subscribers, stalled) = (subscribers as usize, stalled as usize);
    ensure!(
        stalled < subscribers,
        "--stalled: must be fewer than --subscribers, which are {subscribers} in all"
    );
    let gallery = Gallery::open(&exchange.address, &exchange.operator, desk, subscribers - stalled).await?;
    let server = exchange.own.as_ref().map(|(server, _)| server);
    subscribers::measure(arguments, ticker, server, &mut ours.customer, &gallery, (subscribers, stalled))
        .await
}

/// Fills the books of both, and measures them in turn.
async fn rounds(
    arguments: &Arguments,
    ticker: &Ticker,
    ours: &mut Side,
    mut noop: Option<&mut Side>,
) -> anyhow::Result<()> {
    let rounds = if noop.is_some() { ROUNDS } else { 1 };
    let measured = arguments.seconds() / rounds;
    let warm_up = WARM_UP.min(measured);
    for side in std::iter::once(&mut *ours).chain(noop.as_deref_mut()) {
        ticker.label(format!("{}, filling", side.name));
        side.customer.fill().await.context(side.name)?;
    }
    for round in 1..=rounds {
        for side in std::iter::once(&mut *ours).chain(noop.as_deref_mut()) {
            ticker.label(format!("{}, round {round} of {rounds}", side.name));
            let figures = side.customer.round(warm_up, measured).await.context(side.name)?;
            side.rounds.push(figures);
        }
    }
    Ok(())
}

/// Tells what came of it; how many errors there were.
fn tell(
    arguments: &Arguments,
    desks: &[Desk],
    raised: &[Raised],
    audit: Audit,
    measured: Vec<Figures>,
    baseline: Option<Vec<Figures>>,
) -> anyhow::Result<u64> {
    let report = Report {
        mode: arguments.mode(),
        mix: arguments.mix,
        rate: arguments.rate,
        connections: arguments.connections,
        instruments: desks[0].books.len(),
        resting: arguments.mix.resting(),
        seed: arguments.seed,
        seconds: arguments.seconds(),
        awake: arguments.awake,
        raised,
        audit,
        ours: measured.into(),
        baseline: baseline.map(Into::into),
    };
    if let Some(path) = &arguments.histogram {
        report.histogram(path).with_context(|| path.display().to_string())?;
    }
    match arguments.json {
        true => report.json()?,
        false => report.table()?,
    }
    Ok(report.errors())
}
