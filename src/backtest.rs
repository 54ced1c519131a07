//! `hourbook backtest`: a strategy against an exchange in this process, and what came of it.
//!
//! - `recorded`: over a journal; others do what they did then
//! - `flow`: over a series of prices; others want what a seed draws around it
//! - `arena`: the exchange, command by command, for a strategy of this program: the same run gives the same report
//! - `served`: the same market on loopback, for a strategy from outside
//! - `observer`: what a strategy sees and what its account makes, out of events; `report`: figures and pictures

mod arena;
mod flow;
mod observer;
mod recorded;
mod report;
mod served;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use hourbook_exchange::Exchange;
use hourbook_maker::{Limits as Risk, Quoter, Settings, Strategy, View};
use hourbook_model::*;
use hourbook_pricing::Params;
use jiff::civil::Date;

use crate::maker::{Name, StrategyText, strategy};
use crate::market::Market;
use crate::settings::Percent;
use flow::{Crowd, Series, Wish};
use observer::{Observer, SESSION};
use recorded::Recording;
use report::{Report, Sample};
use served::Service;

/// The flags of `backtest`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("market").required(true).args(["journal", "series"]))]
pub struct Arguments {
    /// Trade against a recorded journal
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Directory that earlier segments of it were archived to
    #[arg(long, value_name = "DIR", requires = "journal")]
    archive: Option<PathBuf>,
    /// With a journal: what to quote, and to report on
    #[arg(long, value_name = "PATTERN", default_value = "*", conflicts_with = "series")]
    pattern: Vec<String>,

    /// Trade in a market whose prices follow a CSV file with a column `date`
    #[arg(long, value_name = "FILE")]
    series: Option<PathBuf>,
    /// Its column of prices; only their ratios count
    #[arg(long, default_value = "price", conflicts_with = "journal")]
    column: String,
    /// Only rows with this value in this column; may be given again
    #[arg(long = "where", value_name = "COLUMN=VALUE", conflicts_with = "journal", value_parser = filter)]
    filters: Vec<(String, String)>,
    /// With a series: the product, of the market built in
    #[arg(long, default_value = "GP.CNNM.A", conflicts_with = "journal")]
    product: String,
    /// With a series: the first day, as 2026-11-24; the first of the series without
    #[arg(long, value_name = "DATE", conflicts_with = "journal")]
    from: Option<Date>,
    /// With a series: how many days
    #[arg(long, default_value_t = 28, conflicts_with = "journal", value_parser = clap::value_parser!(u32).range(1..=700))]
    days: u32,
    /// With a series: orders of others in an hour
    #[arg(long, default_value_t = 60, conflicts_with = "journal", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    orders_per_hour: u32,
    /// With a series: how far apart others are about what an hour is worth, percent
    #[arg(long, default_value_t = 2, conflicts_with = "journal", value_parser = clap::value_parser!(u32).range(0..=50))]
    noise_percent: u32,
    /// With a series: what is drawn; the same seed gives the same run
    #[arg(long, default_value_t = 1, conflicts_with = "journal")]
    seed: u64,

    /// The strategy
    #[arg(long, value_enum, default_value = "quality", conflicts_with = "serve")]
    strategy: Name,
    /// File of pricing parameters; the one built in without
    #[arg(long, value_name = "FILE")]
    params: Option<PathBuf>,
    /// Of `quality`: aversion to risk, 0 to 100, in place of the parameters'
    #[arg(long, value_name = "NUMBER", conflicts_with = "serve")]
    risk: Option<String>,
    /// Of `fixed`: half the distance between the sides, millionths of the fair price [default: 10000]
    #[arg(long, conflicts_with = "serve", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    half_ppm: Option<u32>,
    /// Of `fixed`: how far the largest position moves both sides, millionths [default: 20000]
    #[arg(long, conflicts_with = "serve", value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    skew_ppm: Option<u32>,
    /// Lots on either side at most
    #[arg(long, default_value_t = 10, conflicts_with = "serve", value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    size: i64,
    /// Lots that are declared in every hour; as many may be bought
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    capacity: i64,
    /// Cash, in whole units of the currency
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(1..=1_000_000_000))]
    cash: i64,
    /// How far the profit may fall below zero before everything stops, in whole units of the currency
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "serve", value_parser = clap::value_parser!(i64).range(0..=1_000_000_000))]
    loss: i64,

    /// Serve the market on loopback for a strategy from outside, and report on its account
    #[arg(long)]
    serve: bool,
    /// Where it is served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "serve")]
    listen: SocketAddr,
    /// Milliseconds of the market's time that pass in a step; without, a minute with a series, a second with a journal
    #[arg(long, requires = "serve", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    step_ms: Option<u64>,
    /// Milliseconds that the strategy has for a step: 28 days in steps of a minute take 13 minutes
    #[arg(long, default_value_t = 20, requires = "serve", value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pace_ms: u64,

    /// Write a picture of profit and inventory, as SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

fn filter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be COLUMN=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs it, and prints what came of it; the exit code is 1 where a limit stopped the strategy, or a signal the run.
///
/// # Errors
/// What keeps it from running, or breaks off.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // A place that cannot be written is said before the run, not after.
    if let Some(path) = &arguments.plot {
        let open = std::fs::OpenOptions::new().create(true).write(true).truncate(false).open(path);
        open.with_context(|| format!("--plot: {}", path.display()))?;
    }
    let report = match &arguments.journal {
        Some(_) => over_journal(&arguments)?,
        None => over_series(&arguments)?,
    };
    if let Some(path) = &arguments.plot {
        std::fs::write(path, report.svg()).with_context(|| path.display().to_string())?;
    }
    let mut out = io::stdout().lock();
    match arguments.json {
        true => writeln!(out, "{}", report.json())?,
        false => report.print(&mut out)?,
    }
    let is_whole = report.figures.state.name() != "killed" && report.stopped_by.is_none();
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A market over a series, and who is in it.
pub(crate) struct Setting {
    pub product: Product,
    pub series: Series,
    pub crowd: Crowd,
    pub from: Time,
    pub to: Time,
    pub seed: u64,
    pub params: Arc<Params>,
    pub params_path: Option<PathBuf>,
    pub settings: Settings,
    pub capacity: Quantity,
    pub cash: Money,
    against: String,
}

/// What the strategy's participant, account and key are called.
const NAME: &str = "strategy";
/// What each product lists here: enough to choose from, and not so much that nothing ever trades.
const HORIZON: Horizon = Horizon { hours: 24, days: 2, weeks: 0, months: 0 };
/// Commands a second and orders that nobody here reaches.
const NO_LIMIT: Limits = Limits { commands_per_second: 10_000_000, open_orders: 1_000_000 };
/// Samples of a run.
const SAMPLES: i64 = 400;

impl Setting {
    fn of(arguments: &Arguments) -> anyhow::Result<Setting> {
        let path = arguments.series.as_ref().expect("one of two is there");
        let series = Series::read(path, &arguments.column, &arguments.filters)?;
        let symbol: ProductSymbol = arguments.product.parse().context("--product")?;
        let built_in = Market::built_in();
        let product = built_in.products().find(|product| product.symbol == symbol);
        let product = product.with_context(|| format!("--product: the market has no {symbol}"))?;
        // Continuous trading only: how much of the time was quoted is then a figure of the strategy's.
        let product = Product { horizon: HORIZON, auction: None, band: None, ..product.clone() };
        let from = match arguments.from {
            None => series.first(),
            Some(day) => Time(i64::from((day - jiff::civil::date(1970, 1, 1)).get_days()) * Time::DAY),
        };
        if from < series.first() || from >= series.last() {
            let known = (crate::journal::time(series.first().0), crate::journal::time(series.last().0));
            bail!("--from: the series reaches from {} to {}", known.0, known.1);
        }
        let to = from.plus_nanos(i64::from(arguments.days) * Time::DAY).min(series.last());
        let filters: Vec<String> =
            arguments.filters.iter().map(|(name, value)| format!(", {name} {value}")).collect();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Setting {
            against: format!("{} as {file} moves{}", product.symbol, filters.concat()),
            product,
            series,
            crowd: Crowd {
                orders_per_hour: arguments.orders_per_hour,
                noise_ppm: arguments.noise_percent * 10_000,
                lots: 3,
            },
            from,
            to,
            seed: arguments.seed,
            params: Arc::new(parameters(arguments)?),
            params_path: arguments.params.clone(),
            settings: settings(arguments),
            capacity: Quantity(arguments.capacity),
            cash: Money(arguments.cash * MICROS),
        })
    }

    fn market(&self) -> Market {
        Market::built_in().with_products(vec![self.product.clone()])
    }

    fn observer(&self, account: AccountId) -> Observer {
        let quoter = Quoter::new(self.settings.clone(), Box::new(Nobody), SESSION);
        Observer::new(quoter, account, Arc::clone(&self.params), vec!["*".into()], self.from)
    }
}

/// Stands for a strategy that quotes by itself.
struct Nobody;

impl Strategy for Nobody {
    fn name(&self) -> &'static str {
        "nobody"
    }

    fn quote(&mut self, _: &View) -> hourbook_maker::Quotes {
        hourbook_maker::Quotes::none("it quotes by itself")
    }
}

fn settings(arguments: &Arguments) -> Settings {
    let limits = Risk {
        position: arguments.capacity.max(arguments.size),
        exposure_micros: arguments.cash * MICROS,
        loss_micros: arguments.loss * MICROS,
        quotes_per_second: 100_000,
        refusals_per_minute: 1_000_000,
        ..Risk::default()
    };
    Settings { size: arguments.size, limits, ..Settings::default() }
}

fn chosen(arguments: &Arguments) -> anyhow::Result<Box<dyn Strategy>> {
    let foreign = match arguments.strategy {
        Name::Quality => {
            [("half-ppm", arguments.half_ppm.is_some()), ("skew-ppm", arguments.skew_ppm.is_some())]
        }
        Name::Fixed => [("risk", arguments.risk.is_some()), ("", false)],
    };
    if let Some((flag, _)) = foreign.iter().find(|(_, given)| *given) {
        bail!("--{flag}: is not of this strategy, see --strategy");
    }
    let text = StrategyText {
        name: arguments.strategy,
        params: arguments.params.clone().unwrap_or_default(),
        risk: arguments.risk.clone().unwrap_or_default(),
        half: Percent(arguments.half_ppm.unwrap_or(10_000)),
        skew: Percent(arguments.skew_ppm.unwrap_or(20_000)),
        ..StrategyText::default()
    };
    strategy(&text).map_err(|(key, why)| anyhow::anyhow!("--{key}: {why}"))
}

fn parameters(arguments: &Arguments) -> anyhow::Result<Params> {
    let path = arguments.params.clone().unwrap_or_default();
    crate::maker::params(&path).map_err(|why| anyhow::anyhow!("--params: {why}"))
}

/// What makes the strategy a member, with a key of this digest, and then everybody else.
fn members(setting: &Setting, digest: [u8; 32]) -> Vec<Command> {
    let (maker, others) = (ParticipantId(1), ParticipantId(2));
    let next = |id: ParticipantId| ParticipantId(id.0 + u32::from(digest != [0; 32]));
    // Where an exchange is served, its operator is the first participant.
    let (maker, others) = (next(maker), next(others));
    let account = AccountId(1);
    let mut commands: Vec<Command> = vec![
        CreateParticipant { name: NAME.into() }.into(),
        CreateAccount { participant: maker, name: NAME.into() }.into(),
        CreateParticipant { name: "others".into() }.into(),
        CreateAccount { participant: others, name: "others".into() }.into(),
    ];
    commands.extend(outfit(
        account,
        &setting.product,
        ProductId(1),
        setting.from,
        setting.cash,
        setting.capacity,
    ));
    let currency = setting.product.currency.clone();
    let unlimited = SetCredit { account: AccountId(2), currency, credit: Credit::Unlimited };
    commands.push(unlimited.into());
    commands.push(SetLimits { account: AccountId(2), limits: NO_LIMIT }.into());
    if digest != [0; 32] {
        let (role, label) = (Role::Maker, NAME.into());
        commands.push(IssueKey { participant: maker, account, role, digest, label }.into());
    }
    commands
}

/// Cash, and hours to sell.
fn outfit(
    account: AccountId,
    product: &Product,
    id: ProductId,
    from: Time,
    cash: Money,
    quantity: Quantity,
) -> Vec<Command> {
    let mut commands: Vec<Command> = vec![SetLimits { account, limits: NO_LIMIT }.into()];
    let (currency, reference) = (product.currency.clone(), "backtest".into());
    commands.push(Deposit { account, currency, amount: cash, reference }.into());
    if quantity > Quantity::ZERO {
        let (hours, attestation) = (730 * 24, "backtest: nothing is delivered".into());
        let from = from.hour();
        commands.push(DeclareCapacity { account, product: id, from, hours, quantity, attestation }.into());
    }
    commands
}

/// What a wish comes to in an exchange as it stands: `None` where nothing is to be had, or nothing would be paid.
fn order(
    exchange: &Exchange,
    product: &Product,
    series: &Series,
    from: Time,
    wish: &Wish,
) -> Option<PlaceOrder> {
    let trading: Vec<InstrumentId> = exchange
        .statuses_of(exchange.product_named(&product.symbol)?, None, usize::MAX)
        .into_iter()
        .filter(|(.., status)| *status == Status::Continuous)
        .map(|(id, ..)| id)
        .collect();
    let instrument = *trading.get((wish.which % (trading.len() as u64).max(1)) as usize)?;
    // A product's own price is what the market's definition or pricing says it was at the beginning.
    let base = i128::from(exchange.product_named(&product.symbol).and(product.reference)?.0);
    let worth = base * i128::from(series.value_ppm(from, wish.at)) / 1_000_000;
    let worth = worth * i128::from(wish.worth_ppm) / 1_000_000;
    let tick = product.tick.0.max(1);
    let down = i64::try_from(worth).ok()? / tick * tick;
    let price = if wish.buys { down } else { down + tick };
    let time_in_force = match wish.waits {
        true => TimeInForce::Gtd(wish.at.max(exchange.stamp().time).plus_nanos(Time::HOUR)),
        false => TimeInForce::Ioc,
    };
    (price > 0).then_some(PlaceOrder {
        order: NewOrder {
            instrument,
            side: if wish.buys { Side::Buy } else { Side::Sell },
            order_type: OrderType::Limit,
            time_in_force,
            price: Price(price),
            trigger: Price(0),
            quantity: Quantity(wish.lots),
            display: Quantity(0),
            minimum: Quantity(0),
            post_only: false,
            self_trade: SelfTrade::Allow,
        },
    })
}

/// What is kept of a run while it goes on.
pub(crate) struct Run {
    samples: Vec<Sample>,
    apart: i64,
    from: Time,
    to: Time,
    /// The signal that ended it early.
    stopped_by: Option<&'static str>,
    report: Option<Report>,
}

impl Run {
    fn new(setting: &Setting) -> Run {
        Run::between(setting.from, setting.to)
    }

    fn between(from: Time, to: Time) -> Run {
        let apart = ((to.0 - from.0) / SAMPLES).max(1);
        Run { samples: Vec::new(), apart, from, to, stopped_by: None, report: None }
    }

    /// How long a journal is, is not known before its end: samples stand a minute apart.
    fn open_ended(from: Time) -> Run {
        Run::between(from, from.plus_nanos(SAMPLES * Time::MINUTE))
    }

    fn sample(&mut self, at: Time, observer: &Observer) {
        let is_due = self.samples.last().is_none_or(|last| at.0 - last.at.0 >= self.apart);
        if is_due {
            self.keep(at, observer);
        }
    }

    fn keep(&mut self, at: Time, observer: &Observer) {
        let figures = observer.quoter.figures();
        let (profit_micros, net_lot_hours) = (figures.profit_micros(), figures.net_lot_hours);
        self.samples.push(Sample { at, profit_micros, net_lot_hours });
    }

    fn ended(mut self, setting: &Setting, observer: Observer, strategy: &str, hash: Option<String>) -> Run {
        let against = setting.against.clone();
        self.close(observer, strategy, against, Some(setting.seed), hash);
        self
    }

    fn over_journal(
        mut self,
        arguments: &Arguments,
        observer: Observer,
        strategy: &str,
        hash: Option<String>,
    ) -> anyhow::Result<Run> {
        if !observer.has_listed {
            bail!("--pattern: nothing was listed that is like {}", arguments.pattern.join(" or "));
        }
        let directory = arguments.journal.as_deref().unwrap_or(Path::new(""));
        let against = format!("the journal in {}", directory.display());
        self.close(observer, strategy, against, None, hash);
        Ok(self)
    }

    fn close(
        &mut self,
        observer: Observer,
        strategy: &str,
        against: String,
        seed: Option<u64>,
        state_hash: Option<String>,
    ) {
        self.keep(self.to, &observer);
        let samples = std::mem::take(&mut self.samples);
        self.report = Some(Report {
            strategy: strategy.into(),
            against,
            seed,
            from: self.from,
            to: self.to,
            trades: observer.trades,
            captured_micros: observer.captured_micros,
            turnover_micros: observer.turnover_micros,
            accepted: observer.accepted,
            figures: observer.quoter.figures(),
            samples,
            state_hash,
            stopped_by: self.stopped_by,
        });
    }

    fn report(self) -> anyhow::Result<Report> {
        self.report.context("the run did not end")
    }
}

fn over_series(arguments: &Arguments) -> anyhow::Result<Report> {
    let mut setting = Setting::of(arguments)?;
    // The market's own reference would be a price of its own; what others think is to be what pricing says.
    setting.product.reference = Some(opening_price(&setting)?);
    if arguments.serve {
        let service = Service::of(arguments)?;
        return crate::serve::runtime()?.block_on(served::series(&setting, &service))?.report();
    }
    arena::series(&setting, chosen(arguments)?)?.report()
}

/// What pricing says of the product at the beginning.
fn opening_price(setting: &Setting) -> anyhow::Result<Price> {
    let mut observer = setting.observer(AccountId(0));
    observer.define(ProductId(1), &setting.product);
    observer.reprice();
    match observer.fair_micros(ProductId(1)) {
        0 => bail!("--product: pricing does not know {}", setting.product.symbol),
        micros => Ok(Price(micros)),
    }
}

fn over_journal(arguments: &Arguments) -> anyhow::Result<Report> {
    let directory = arguments.journal.as_ref().expect("one of two is there");
    let recording = Recording::open(directory, arguments.archive.as_deref())?;
    if arguments.serve {
        let service = Service::of(arguments)?;
        return crate::serve::runtime()?.block_on(served::recorded(arguments, recording, &service))?.report();
    }
    arena::recorded(arguments, recording)?.report()
}

fn observer_of(
    arguments: &Arguments,
    strategy: Box<dyn Strategy>,
    account: AccountId,
    begins: Time,
) -> anyhow::Result<Observer> {
    let quoter = Quoter::new(settings(arguments), strategy, SESSION);
    let params = Arc::new(parameters(arguments)?);
    Ok(Observer::new(quoter, account, params, arguments.pattern.clone(), begins))
}

/// Cash and hours in every product of an exchange.
fn outfits(arguments: &Arguments, account: AccountId, exchange: &Exchange) -> Vec<Command> {
    let (cash, quantity) = (Money(arguments.cash * MICROS), Quantity(arguments.capacity));
    let mut funded = std::collections::BTreeSet::new();
    let mut commands = Vec::new();
    for (id, listed) in exchange.products() {
        let is_funded = !funded.insert(listed.terms.currency.clone());
        let one = outfit(account, &listed.terms, id, exchange.stamp().time, cash, quantity);
        commands
            .extend(one.into_iter().filter(|command| !(is_funded && matches!(command, Command::Deposit(_)))));
    }
    commands
}
