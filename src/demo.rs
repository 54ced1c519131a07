//! `hourbook demo`: a market that makes itself, on one command.
//!
//! An exchange serves on this machine; providers with ratings quote, buyers buy what their day needs, and whoever wants
//! to joins them with a key that is printed. All of it is played in turns: time is moved by a command of the journal,
//! then each maker and each buyer asks in its session what it wants, and is answered before the next one asks. So the same
//! seed makes the same journal, to the state's hash, as long as nobody joins; the machine's clock only says when the next
//! turn begins.
//!
//! - `stage`: the exchange, its market and seats; `firms`: who plays
//! - `maker`, `buyer`: how they play, each through a `trader`'s session, like any customer
//! - `seen`: figures out of what is published; `screen`, `summary`: what is shown of them
//! - `dice`: chance by seed

mod buyer;
pub(crate) mod dice;
mod firms;
mod maker;
mod screen;
mod seen;
mod stage;
mod summary;
mod trader;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::Args;
use hourbook_api::client::Client;
use hourbook_api::v1;
use hourbook_gateway::Pricing;
use hourbook_model::{Money, Role, Time};

use crate::config::{self, LogFormat};
use crate::serve;
use buyer::Buyer;
use dice::Dice;
use firms::{BUYERS, PROVIDERS, Provider};
use maker::Maker;
use screen::Moment;
pub use screen::Screen;
use seen::News;
use stage::{BEGINS, Listed, OF_EACH, Seat, Stage};
pub use summary::Summary;
use trader::Trader;

/// Turns in a second.
const TURNS: u32 = 10;
/// Where it listens, unless that is taken.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 7070);
/// What everybody may spend: a thousand million, in micros.
const FUNDS: Money = Money(1_000_000_000_000_000);
/// Units of a vCPU and of a GPU that a maker has of each product, in every hour.
const CPU_UNITS: i64 = 1_500;
const GPU_UNITS: i64 = 150;
/// Days of readings that ratings begin with.
const READ_DAYS: i64 = 3;
/// A run that is asked for so many seconds takes half as long again where the machine is too slow for its turns.
const SLOWEST: f64 = 1.5;
/// Orders a second are counted over this much at least.
const RATE_OVER: Duration = Duration::from_millis(500);
/// Answers that are looked at for how long they took.
const RECENT: usize = 2_000;

/// The flags of `demo`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// End after so many seconds, and half as many more where this machine is too slow to play all of them; without, at Ctrl-C
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// So many times as fast as the clock on the wall
    #[arg(long, value_name = "TIMES", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=36_000))]
    speed: u32,
    /// The same seed makes the same market
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// About so many instruments, 58 of each product
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=5_858))]
    instruments: u32,
    /// A new directory for the journal, which stays; without, one is made among the temporary files
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address of the gRPC services, on this machine; 127.0.0.1:7070 without, or another port where that is taken
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Only the summary on standard output, as one JSON object; all else goes to standard error
    #[arg(long)]
    json: bool,
}

/// What is played.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `None` plays until it is told to stop.
    pub turns: Option<u32>,
    /// From one turn to the next at least; zero plays as fast as it can.
    pub pace: Duration,
    /// Ends then, whatever of the turns is left.
    pub most: Option<Duration>,
    pub speed: u32,
    pub seed: u64,
    pub instruments: usize,
    pub data: PathBuf,
    pub listen: SocketAddr,
}

/// Plays a market, and tells what came of it.
///
/// # Errors
/// An address that is in use or that others can reach, a directory that holds something, a fault of the exchange.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let log = config::Log { filter: "warn".into(), format: LogFormat::Text };
    serve::log(&log)?;
    let plan = arguments.plan()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let mut signals = serve::signals()?;
        let stop = async move { _ = signals.next().await };
        play(&plan, &mut Screen::new(arguments.json), stop).await
    })?;
    let mut out = std::io::stdout().lock();
    let told = if arguments.json { serde_json::to_string(&summary)? } else { summary.to_string() };
    writeln!(out, "{told}").with_context(|| {
        format!(
            "the summary cannot be written to standard output; the journal is in {}",
            summary.journal_dir.display()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn plan(&self) -> anyhow::Result<Plan> {
        let listen = match self.listen {
            Some(address) if !address.ip().is_loopback() => bail!(
                "--listen: {address} can be reached by others, and keys of a demo come of its seed: name an address of this machine, such as 127.0.0.1:7070"
            ),
            Some(address) => address,
            None if std::net::TcpListener::bind(ADDRESS).is_ok() => ADDRESS,
            None => SocketAddr::new(ADDRESS.ip(), 0),
        };
        Ok(Plan {
            turns: self.seconds.map(|seconds| seconds * TURNS),
            pace: Duration::from_secs(1) / TURNS,
            most: self.seconds.map(|seconds| Duration::from_secs(seconds.into()).mul_f64(SLOWEST)),
            speed: self.speed,
            seed: self.seed,
            instruments: self.instruments as usize,
            data: directory(self.data.as_deref())?,
            listen,
        })
    }
}

/// The directory asked for, which must be empty; or a new one.
fn directory(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let Some(path) = asked else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let path = std::env::temp_dir().join(format!("hourbook-demo-{now}-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| path.display().to_string())?;
        return Ok(path);
    };
    let held = || format!("--data {}", path.display());
    std::fs::create_dir_all(path).with_context(held)?;
    if std::fs::read_dir(path).with_context(held)?.next().is_some() {
        bail!("{} holds something already, and a demo begins anew: name a new directory", held());
    }
    Ok(path.into())
}

/// Plays until the plan is done or `stop` says so.
///
/// # Errors
/// As [`run`]'s.
pub async fn play(
    plan: &Plan,
    screen: &mut Screen,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Summary> {
    screen.say("starting: an exchange is opened, providers are rated, everybody takes a seat")?;
    let stage = Stage::open(&plan.data, plan.listen, plan.instruments, plan.seed).await?;
    let mut house = House::seat(stage, plan.seed).await?;
    // Whoever is invited finds quotes.
    house.play(plan.speed).await?;
    house.before = (Instant::now(), house.stage.seen.figures().orders);
    let opened = house.now;
    house.invite(screen)?;
    let mut stop = std::pin::pin!(stop);
    let began = Instant::now();
    let mut drawn: Option<(Instant, u32)> = None;
    while plan.turns.is_none_or(|turns| house.turn < turns)
        && plan.most.is_none_or(|most| began.elapsed() < most)
    {
        // One that is late is made up for.
        let begins = began + plan.pace * house.turn;
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = tokio::time::sleep_until(begins.into()) => {}
        }
        house.play(plan.speed).await?;
        if drawn.is_none_or(|(drawn, _)| drawn.elapsed() >= screen.pause()) {
            drawn = Some((Instant::now(), house.turn));
            house.show(screen, opened, began.elapsed()).await?;
        }
    }
    if drawn.is_none_or(|(_, turn)| turn != house.turn) {
        house.show(screen, opened, began.elapsed()).await?;
    }
    house.close(plan, began.elapsed()).await
}

/// Everybody at their seats.
struct House {
    stage: Stage,
    makers: Vec<Maker>,
    buyers: Vec<Buyer>,
    visitor: Seat,
    operator_key: String,
    meter: Client,
    /// Providers and classes in which their service is measured, in turn.
    services: Vec<(usize, String)>,
    pricing: Pricing,
    dice: Dice,
    listed: BTreeMap<u32, Listed>,
    ratings: Vec<String>,
    /// Turns played, and the time of the last one.
    turn: u32,
    now: Time,
    /// How long messages took to be answered: the last of them.
    latencies: Vec<Duration>,
    /// Orders at the last look, and when that was.
    before: (Instant, u64),
    orders_per_second: f64,
}

impl House {
    async fn seat(stage: Stage, seed: u64) -> anyhow::Result<House> {
        let pricing = Pricing::standard();
        let operator_key = stage::key_of(seed, "operator");
        let meter_seat = stage.seat("Meter", Role::Meter).await?;
        let visitor = stage.seat("Visitor", Role::Trader).await?;
        stage.fund(&visitor, FUNDS).await?;
        let meter = stage.client(&meter_seat.key).await?;
        let mut dice = Dice::of(seed, "meter");

        let (mut makers, mut services) = (Vec::new(), Vec::new());
        for (at, provider) in PROVIDERS.iter().enumerate() {
            let (maker, classes) = engage(&stage, &meter, provider, &pricing, &mut dice).await?;
            makers.push(maker);
            services.extend(classes.into_iter().map(|class| (at, class)));
        }
        let mut buyers = Vec::new();
        for habit in &BUYERS {
            let seat = stage.seat(habit.name, Role::Trader).await?;
            stage.fund(&seat, FUNDS).await?;
            let trader = Trader::log_on(&stage.client(&seat.key).await?, seat.account, &stage.seen).await?;
            buyers.push(Buyer::new(habit, trader, &stage.products, seed));
        }
        let mut house = House {
            stage,
            makers,
            buyers,
            visitor,
            operator_key,
            meter,
            services,
            pricing,
            dice,
            listed: BTreeMap::new(),
            ratings: Vec::new(),
            turn: 0,
            now: BEGINS,
            latencies: Vec::new(),
            before: (Instant::now(), 0),
            orders_per_second: 0.0,
        };
        house.look_around().await?;
        house.look_at_ratings().await?;
        Ok(house)
    }

    /// Says where others may join, and with which keys.
    fn invite(&self, screen: &mut Screen) -> anyhow::Result<()> {
        let program = std::env::args().next().unwrap_or_else(|| "hourbook".into());
        let (address, data) = (self.stage.running.address, &self.stage.data);
        let Seat { account, key, .. } = &self.visitor;
        screen.say(&format!(
            "\
hourbook {} demo on http://{address}, journal in {}

  trade     {program} ctl --address http://{address} --key {key}    (account {account})
  operate   {program} ctl --address http://{address} --key {}
",
            env!("CARGO_PKG_VERSION"),
            data.display(),
            self.operator_key,
        ))?;
        Ok(())
    }

    /// One turn: time passes, then each in its place.
    async fn play(&mut self, speed: u32) -> anyhow::Result<()> {
        let hour = self.now.hour();
        let step = Time::SECOND / i64::from(TURNS) * i64::from(speed);
        self.now = BEGINS.plus_nanos(i64::from(self.turn + 1) * step);
        self.stage.advance(self.now).await?;
        // At midnight every service is rated anew.
        self.stage.running.priced().await;
        if self.now.hour() != hour {
            self.look_at_ratings().await?;
        }
        self.measure().await?;
        let News { books, statuses } = self.stage.seen.take_news();
        if statuses {
            self.look_around().await?;
        }
        let books = self.stage.books(books).await?;
        let run = Duration::from_secs(1) / TURNS * (self.turn + 1);
        let moment = hourbook_maker::Moment { time: hourbook_maker::Time(self.now.0), run };
        for maker in &mut self.makers {
            maker.play(moment, &books).await?;
            self.latencies.append(&mut maker.trader().took);
        }
        for buyer in &mut self.buyers {
            buyer.play(self.now, &self.listed, &self.stage.products).await?;
            self.latencies.append(&mut buyer.trader().took);
        }
        let over = self.latencies.len().saturating_sub(RECENT);
        self.latencies.drain(..over);
        self.turn += 1;
        Ok(())
    }

    /// Learns what trades now.
    async fn look_around(&mut self) -> anyhow::Result<()> {
        self.listed = stage::listing(&self.meter, &self.stage.products).await?;
        self.makers.iter_mut().for_each(|maker| maker.list(&self.listed));
        Ok(())
    }

    /// Learns how everybody is rated.
    async fn look_at_ratings(&mut self) -> anyhow::Result<()> {
        self.ratings.clear();
        let makers: Vec<_> = self.makers.iter().map(|maker| (maker.name, maker.seat.participant)).collect();
        for (name, provider_id) in makers {
            let request = v1::ListRatingsRequest { provider_id, ..Default::default() };
            let ratings = self.meter.pricing.clone().list_ratings(request).await?.into_inner().ratings;
            let best = ratings.iter().max_by_key(|rating| rating.score_ppm);
            let told = |rating: &v1::Rating| {
                let grade = rating.grade().as_str_name().trim_start_matches("RATING_GRADE_");
                format!("{} {grade} {:.1}", rating.class, f64::from(rating.score_ppm) / 10_000.0)
            };
            let all: Vec<String> = ratings.iter().take(4).map(told).collect();
            if best.is_some() {
                self.ratings.push(format!("{name:<22}{}", all.join(", ")));
            }
        }
        Ok(())
    }

    /// Measures one service after the other; its prices follow the score that it then has.
    async fn measure(&mut self) -> anyhow::Result<()> {
        if self.services.is_empty() {
            return Ok(());
        }
        let (at, class) = &self.services[self.turn as usize % self.services.len()];
        let (provider, maker) = (&PROVIDERS[*at], &mut self.makers[*at]);
        let readings = provider.readings(&self.pricing.params, class, self.now, 60, &mut self.dice);
        firms::submit(&self.meter, &maker.seat, class, format!("turn {}", self.turn), readings).await?;
        self.stage.running.priced().await;
        let rating = rating(&self.meter, &maker.seat, class).await?;
        maker.rated(class, &rating)
    }

    /// Shows the market, `ran` after it had `opened`.
    async fn show(&mut self, screen: &mut Screen, opened: Time, ran: Duration) -> anyhow::Result<()> {
        let market = self.stage.sight().await?;
        let figures = self.stage.seen.figures().clone();
        let (then, orders) = self.before;
        let passed = then.elapsed();
        if passed >= RATE_OVER {
            self.before = (Instant::now(), figures.orders);
            self.orders_per_second = (figures.orders - orders) as f64 / passed.as_secs_f64();
        }
        let [p50, p99] = self.percentiles();
        let moment = Moment {
            now: self.now,
            ran,
            pace: (self.now.0 - opened.0) as f64 / (ran.as_nanos() as f64).max(1.0),
            market: &market,
            figures: &figures,
            ratings: &self.ratings,
            orders_per_second: self.orders_per_second,
            p50,
            p99,
        };
        Ok(screen.draw(&moment)?)
    }

    /// How long half of the last messages took, and all but one in a hundred.
    fn percentiles(&self) -> [Duration; 2] {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        [50, 99].map(|percent| sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default())
    }

    /// Everybody leaves, the exchange closes, and what it came to is told.
    async fn close(self, plan: &Plan, ran: Duration) -> anyhow::Result<Summary> {
        let market = self.stage.sight().await?;
        let latencies = self.percentiles();
        let (wanted, bought) =
            self.buyers.iter().fold((0, 0), |sum, buyer| (sum.0 + buyer.wanted, sum.1 + buyer.bought));
        let House { stage, makers, buyers, turn, now, meter, .. } = self;
        // One after the other, so that their sessions end in the same order each time.
        for maker in makers {
            maker.into_trader().log_off().await?;
        }
        for buyer in buyers {
            buyer.into_trader().log_off().await?;
        }
        drop(meter);
        let Stage { mut running, seen, .. } = stage;
        running.close().await?;
        running.priced().await;
        let (stamp, state_hash) = running.handle.state_hash().await?;
        let sums = running.handle.read(|exchange| exchange.ledger_sums()).await?;
        running.stop().await?;
        let figures = seen.figures().clone();
        Ok(Summary::of(summary::Came {
            plan,
            ran,
            turn,
            simulated: Duration::from_nanos((now.0 - BEGINS.0) as u64),
            market: &market,
            figures: &figures,
            latencies,
            wanted,
            bought,
            stamp,
            state_hash,
            sums,
        }))
    }
}

/// Seats a provider: its service is measured, and it takes up what its rating is good for. Gives its classes, too.
async fn engage(
    stage: &Stage,
    meter: &Client,
    provider: &Provider,
    pricing: &Pricing,
    dice: &mut Dice,
) -> anyhow::Result<(Maker, Vec<String>)> {
    let seat = stage.seat(provider.name, Role::Maker).await?;
    stage.fund(&seat, FUNDS).await?;
    let trader = Trader::log_on(&stage.client(&seat.key).await?, seat.account, &stage.seen).await?;
    let mut maker = Maker::new(provider.name, seat, trader, &pricing.params, provider.careless);
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, product) in stage.products.iter().enumerate() {
        if provider.is_in(&product.symbol.region) {
            classes.entry(&product.symbol.class).or_default().push(place);
        }
    }
    for (class, places) in &classes {
        let mut readings = Vec::new();
        for day in 1..=READ_DAYS {
            let day = BEGINS.plus_nanos(-day * Time::DAY);
            readings.extend(provider.readings(&pricing.params, class, day, 24 * 60, dice));
        }
        firms::submit(meter, &maker.seat, class, format!("{class} of {}", provider.name), readings).await?;
        stage.running.priced().await;
        let rating = rating(meter, &maker.seat, class).await?;
        for place in places {
            let product = &stage.products[*place];
            if rating.tiers.contains(&product.symbol.tier.to_string()) {
                let units = if product.tick.0 >= stage::GPU_TICK { GPU_UNITS } else { CPU_UNITS };
                stage.allow(&maker.seat, *place, units).await?;
                maker.take_up(product.clone(), BEGINS.hour().start(), stage::HOURS_ALLOWED, units);
            }
        }
        maker.rated(class, &rating)?;
    }
    Ok((maker, classes.into_keys().map(str::to_owned).collect()))
}

/// How a provider's service in a class is rated now.
async fn rating(meter: &Client, seat: &Seat, class: &str) -> anyhow::Result<v1::Rating> {
    let request = v1::GetRatingRequest { provider_id: seat.participant, class: class.into() };
    let answer = meter.pricing.clone().get_rating(request).await?.into_inner();
    answer.rating.context("a rating that says nothing")
}

const _: () = assert!(OF_EACH == stage::HORIZON.hours as usize + stage::HORIZON.days as usize + 1);
