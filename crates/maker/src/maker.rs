//! A maker at work: the quoter, connected to an exchange as any customer is.
//!
//! One task keeps the quoter: what the feed, the session, prices and the list of instruments tell goes in, what it
//! decides goes out, every `pace`. Prices, instruments, capacity and ratings are asked for by tasks of their own
//! (`sources`).
//!
//! Always true: the session is one that cancels on disconnect; after a kill or a stop nothing is quoted, and everything
//! of the account is cancelled, over a call of its own, as long as that takes.

use crate::config::{Config, Depth, Error};
use crate::figures::{Figures, State};
use crate::limits::Breach;
use crate::quoter::{Action, Moment, Quoter};
use crate::sources::{AGAIN, Told, capacity, known, list, positions, prices, refresh, statuses};
use crate::strategy::Strategy;
use crate::view::{Fair, Instrument, Level, Time, Trade};
use hourbook_api::client::{
    self, Advice, Cause, Client, Entries, Event, Events, Feed, News, Session, SessionOptions, Subscription,
};
use hourbook_api::v1::{self, trade_entry::Request};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A maker that quotes, on the runtime that started it. Dropping it cuts it off: the exchange then cancels what stands.
pub struct Maker {
    figures: Arc<Mutex<Figures>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), Error>>,
}

/// How long a last cancel is tried.
const LAST_CANCEL: Duration = Duration::from_secs(30);
/// How long answers are waited for at the start and at the end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Levels kept of a side.
const LEVELS: usize = 10;
/// How often figures are brought up to date.
const SHOWN: Duration = Duration::from_millis(200);
/// Told by tasks and not yet heard.
const TOLD: usize = 4_096;
/// Heard in a row before it is time to decide.
const IN_A_ROW: usize = 256;

impl Maker {
    /// Looks at what is to be quoted, logs on, cancels what the account has standing, reads its positions and capacity, and begins
    /// to quote.
    ///
    /// # Errors
    /// [`Error::Client`] when the exchange cannot be reached or refuses it, [`Error::Config`] when there is nothing to quote, the
    /// provider is nobody, or data would be called old between two heartbeats.
    pub async fn start(config: Config, strategy: Box<dyn Strategy>) -> Result<Maker, Error> {
        let client = Client::connect(&config.address, &config.key, config.authority.as_deref()).await?;
        let listed = list(&client, &config.patterns).await?;
        if listed.is_empty() {
            return Err(Error::Config(format!("patterns: nothing is listed of {:?}", config.patterns)));
        }
        if config.provider > 0 {
            known(&client, config.provider, &listed[0].product).await?;
        }
        let currencies: BTreeSet<&str> = listed.iter().map(|one| one.currency.as_str()).collect();
        if currencies.len() > 1 {
            let why =
                format!("patterns: a maker keeps its limits in one currency, and these are {currencies:?}");
            return Err(Error::Config(why));
        }
        let options = SessionOptions {
            cancel_on_disconnect: true,
            stale_after: Some(Duration::from_secs(1)),
            ..SessionOptions::new(config.account, config.session.clone())
        };
        let mut session = client.session(options).await?;
        let (stale_after, heartbeat) = (config.settings.stale_after, session.entries.heartbeat());
        if stale_after < 2 * heartbeat {
            let why = format!(
                "quoting.stale_after: {stale_after:?} is to be at least twice the exchange's heartbeat, {heartbeat:?}: else one that is late cancels everything"
            );
            // Whoever tries again finds the session free.
            let leaves = async {
                session.entries.log_off().await?;
                while session.events.next().await?.is_some() {}
                Ok::<(), client::Error>(())
            };
            // Whether or not that goes well.
            let _ = tokio::time::timeout(AGAIN, leaves).await;
            return Err(Error::Config(why));
        }
        let next = clear(&mut session).await?;
        let mut quoter = Quoter::new(config.settings.clone(), strategy, session.entries.session_id());
        let products: BTreeSet<String> = listed.iter().map(|one| one.product.clone()).collect();
        for one in &listed {
            quoter.list(Instrument::of(one), one.status());
        }
        for position in positions(&client, config.account).await? {
            quoter.begin_with(position.instrument_id, position.units, position.cost_micros);
        }
        for product in &products {
            let ranges = capacity(&client, config.account, product).await?;
            quoter.declared(product, &ranges, true);
        }
        let subscription = Subscription::new().trades().conflated();
        let subscription = match config.depth {
            Depth::Top => subscription.top(),
            Depth::Levels => subscription.levels(),
        };
        let patterns = config.patterns.iter();
        let subscription = patterns.fold(subscription, |wanted, pattern| wanted.pattern(pattern));
        let feed = client.feed(subscription).await?;

        let (tells, told) = mpsc::channel(TOLD);
        let (now_quoted, quoted) = watch::channel(products);
        let tasks = vec![
            tokio::spawn(statuses(client.clone(), config.patterns.clone(), tells.clone())),
            tokio::spawn(prices(client.clone(), config.provider, quoted.clone(), tells.clone())),
            tokio::spawn(refresh(client.clone(), config.account, config.provider, quoted, tells)),
        ];
        let figures = Arc::new(Mutex::new(quoter.figures()));
        let (stop, stopping) = watch::channel(false);
        let Session { entries, events } = session;
        let desk = Desk {
            clock: ExchangeClock { started: Instant::now(), heard: None },
            books: BTreeSet::new(),
            config,
            client,
            quoter,
            entries,
            feed,
            is_fed: true,
            told,
            now_quoted,
            cancelling: None,
            figures: Arc::clone(&figures),
            next_report: next,
            tasks,
        };
        let task = tokio::spawn(desk.run(events, stopping));
        Ok(Maker { figures, stop, task })
    }

    /// How it stands.
    pub fn figures(&self) -> Figures {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it is quoting.
    pub fn is_quoting(&self) -> bool {
        self.figures().state == State::Quoting
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// [`Error::Breach`] when a limit was passed, [`Error::Client`] when the exchange is good no more.
    pub async fn ended(&mut self) -> Result<(), Error> {
        (&mut self.task).await.unwrap_or_else(|gone| Err(Error::Task(gone.to_string())))
    }

    /// Ends it in order: cancels everything, logs off. Its last figures.
    ///
    /// # Errors
    /// As [`Maker::ended`].
    pub async fn stop(mut self) -> Result<Figures, Error> {
        self.stop.send_replace(true);
        self.ended().await?;
        Ok(self.figures())
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The exchange's time, as what was heard last told it, and as long ago as that is.
struct ExchangeClock {
    started: Instant,
    heard: Option<(Time, Instant)>,
}

impl ExchangeClock {
    fn heard(&mut self, stamp: Option<&prost_types::Timestamp>) {
        let time = Time::of(stamp);
        if time > self.now().time {
            self.heard = Some((time, Instant::now()));
        }
    }

    fn now(&self) -> Moment {
        let time = self.heard.map_or(Time(0), |(time, at)| time.plus(at.elapsed()));
        Moment { time, run: self.started.elapsed() }
    }
}

/// What became of what was to be said.
enum Said {
    /// It has this number.
    As(u64),
    /// There is nothing more to say for now.
    Over,
    Stopped,
}

impl Said {
    fn is_stopped(&self) -> bool {
        matches!(self, Said::Stopped)
    }
}

/// The task that keeps a quoter.
struct Desk {
    config: Config,
    client: Client,
    quoter: Quoter,
    entries: Entries,
    feed: Feed,
    is_fed: bool,
    clock: ExchangeClock,
    /// Books that have changed since the last decision.
    books: BTreeSet<u32>,
    told: mpsc::Receiver<Told>,
    now_quoted: watch::Sender<BTreeSet<String>>,
    /// The entry that cancels everything, until it is answered.
    cancelling: Option<u64>,
    figures: Arc<Mutex<Figures>>,
    next_report: u64,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Desk {
    async fn run(mut self, mut events: Events, mut stopping: watch::Receiver<bool>) -> Result<(), Error> {
        let ended = self.work(&mut events, &mut stopping).await;
        self.quoter.stop();
        self.show();
        // Two ways lead to the same end, and neither waits for the other: a call of its own cancels everything, and a session
        // that ends takes along what stands of it. Events are read meanwhile, or the session would have no room to end.
        let mut last = Vec::new();
        let reading = async {
            while let Ok(Some(event)) = events.next().await {
                last.push(event);
            }
        };
        let cancelling = cancel_all(&self.client, self.config.account);
        let (cancelled, ..) = tokio::join!(
            tokio::time::timeout(LAST_CANCEL, cancelling),
            tokio::time::timeout(PATIENCE, self.entries.log_off()),
            tokio::time::timeout(PATIENCE, reading),
        );
        if cancelled.is_err() {
            tracing::error!(
                account = self.config.account,
                "nobody answered the last cancel: the exchange cancels what stands as the session ends"
            );
        }
        last.into_iter().for_each(|event| self.hear(event));
        self.show();
        ended
    }

    async fn work(&mut self, events: &mut Events, stopping: &mut watch::Receiver<bool>) -> Result<(), Error> {
        let mut pace = tokio::time::interval(self.config.pace.max(Duration::from_millis(1)));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut shown = Instant::now();
        loop {
            tokio::select! {
                // What is known comes before what is decided on it; the pace keeps its turn all the same.
                biased;
                () = stopped(stopping) => return Ok(()),
                _ = pace.tick() => {
                    self.quoter.at(self.clock.now());
                    if self.act(events, stopping).await?.is_stopped() {
                        return Ok(());
                    }
                    if shown.elapsed() >= SHOWN {
                        shown = Instant::now();
                        self.show();
                    }
                }
                event = events.next() => match event? {
                    Some(event) => {
                        self.hear(event);
                        for _ in 0..IN_A_ROW {
                            let Some(event) = events.ready()? else { break };
                            self.hear(event);
                        }
                    }
                    None => return Err(client::Error::Ended("the session is over".into()).into()),
                },
                Some(told) = self.told.recv() => self.learn(told),
                news = self.feed.next() => self.read(news?),
            }
        }
    }

    /// Has what was decided done.
    async fn act(
        &mut self,
        events: &mut Events,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<Said, Error> {
        if self.is_fed && self.feed.age() <= self.config.settings.stale_after {
            self.quoter.feed_heard();
        }
        for id in std::mem::take(&mut self.books) {
            self.show_book(id);
        }
        for action in self.quoter.decide() {
            match action {
                Action::Quote(quotes) => {
                    let number = self.entries.next_number();
                    self.quoter.sent(number, &quotes);
                    let set = v1::QuoteSet {
                        quotes,
                        post_only: true,
                        self_trade_prevention: v1::SelfTradePrevention::CancelOldest as i32,
                    };
                    match self.say(Request::Quote(set), events, stopping).await? {
                        Said::As(_) => {}
                        other => return Ok(other),
                    }
                }
                Action::CancelAll => {
                    let why = self.quoter.state().why();
                    tracing::warn!(why, "everything is cancelled, and nothing quoted until that is over");
                    let everything = Request::MassCancel(v1::MassCancelScope::default());
                    match self.say(everything, events, stopping).await? {
                        Said::As(number) => self.cancelling = Some(number),
                        other => return Ok(other),
                    }
                }
                Action::Kill(breach) => {
                    tracing::error!(%breach, account = self.config.account, "killed: everything is cancelled");
                    return Err(Error::Breach(breach));
                }
            }
        }
        Ok(Said::Over)
    }

    /// Asks for something in the session. Where there is no room, events are read until there is.
    async fn say(
        &mut self,
        request: Request,
        events: &mut Events,
        stopping: &mut watch::Receiver<bool>,
    ) -> Result<Said, Error> {
        let mut heard = Vec::new();
        let said = {
            let saying = self.entries.send([(String::new(), request)]);
            tokio::pin!(saying);
            loop {
                tokio::select! {
                    biased;
                    () = stopped(stopping) => break Said::Stopped,
                    said = &mut saying => match said {
                        Ok(numbers) => break Said::As(numbers.start),
                        // The session takes nothing any more. Its events say why, and are read next.
                        Err(_) => break Said::Over,
                    },
                    event = events.next() => match event? {
                        Some(event) => heard.push(event),
                        None => return Err(client::Error::Ended("the session is over".into()).into()),
                    },
                }
            }
        };
        heard.into_iter().for_each(|event| self.hear(event));
        if matches!(said, Said::Over) {
            self.quoter.session_lost();
        }
        Ok(said)
    }

    fn show(&self) {
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = self.quoter.figures();
    }

    fn show_book(&mut self, id: u32) {
        let Some(one) = self.feed.get(id) else { return };
        let level = |level: client::Level| Level { price_micros: level.price_micros, lots: level.quantity };
        match self.config.depth {
            Depth::Levels if self.feed.is_whole(id) => {
                let side = |side| one.levels.levels(side).take(LEVELS).map(level);
                self.quoter.book(id, side(v1::Side::Buy), side(v1::Side::Sell));
            }
            Depth::Top if self.feed.is_whole(id) => {
                let (bid, ask) = (one.best_bid().map(level), one.best_ask().map(level));
                self.quoter.book(id, bid.into_iter(), ask.into_iter());
            }
            _ => {}
        }
    }

    fn read(&mut self, news: News) {
        match news {
            News::Book { id } | News::Top { id } => {
                let time = self.feed.get(id).and_then(|one| one.levels.time());
                self.clock.heard(time.as_ref());
                self.books.insert(id);
            }
            News::Trades { id, trades } => {
                let at = self.clock.now().time;
                for trade in trades {
                    let taker_side = trade.taker_side();
                    let v1::MarketTrade { price_micros, quantity: lots, .. } = trade;
                    self.quoter.traded(id, Trade { at, price_micros, lots, taker_side });
                }
            }
            News::Disconnected { why } => {
                tracing::warn!(why, "market data is lost");
                self.is_fed = false;
            }
            News::Reconnected { after } => {
                tracing::info!(?after, "market data is back");
                self.is_fed = true;
            }
            News::Differed { id, why } => tracing::error!(id, %why, "a book was not the exchange's"),
            _ => {}
        }
    }

    fn hear(&mut self, event: Event) {
        self.quoter.at(self.clock.now());
        match event {
            Event::Report { report, answers } => {
                self.clock.heard(report.transaction_time.as_ref());
                if answers.is_some() && answers == self.cancelling {
                    self.cancelling = None;
                }
                // What was told before the start is in the positions that were read.
                if report.number >= self.next_report {
                    self.quoter.reported(&report);
                }
            }
            Event::Refused(refusal) => {
                let why = match &refusal.cause {
                    Cause::Misshapen { field, description } => Some(format!("{field} {description}")),
                    Cause::Stale | Cause::Unheard | Cause::Unreported => None,
                };
                if let Some(why) = &why {
                    tracing::warn!(number = refusal.number, why, "an entry was not sequenced");
                }
                if self.cancelling == Some(refusal.number) {
                    self.cancel_apart();
                }
                self.quoter.not_done(refusal.number, why.as_deref());
            }
            Event::Disconnected { why } => {
                tracing::warn!(why, "the session is lost: what stands is cancelled");
                self.quoter.session_lost();
            }
            Event::Reconnected(back) => {
                tracing::info!(after = ?back.after, "the session is back");
                self.quoter.session_back();
            }
        }
    }

    /// A cancel that was too old to be sent is made by a call of its own: whatever else, it has to happen.
    fn cancel_apart(&mut self) {
        self.cancelling = None;
        let (client, account) = (self.client.clone(), self.config.account);
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(tokio::spawn(async move {
            let _ = tokio::time::timeout(LAST_CANCEL, cancel_all(&client, account)).await;
        }));
    }

    fn learn(&mut self, told: Told) {
        match told {
            Told::Listed(listed) => {
                self.quoter.list(Instrument::of(&listed), listed.status());
                self.books.insert(listed.instrument_id);
                if !self.now_quoted.borrow().contains(&listed.product) {
                    self.now_quoted.send_modify(|products| {
                        products.insert(listed.product.clone());
                    });
                }
            }
            Told::Status(change) => match change.status() {
                v1::InstrumentStatus::Settled => self.quoter.delist(change.instrument_id),
                status => self.quoter.status(change.instrument_id, status),
            },
            Told::Price(quote) => {
                self.clock.heard(quote.time.as_ref());
                let Config { params, leash_ppm, .. } = &self.config;
                let modelled = Fair::modelled(params, &quote.product, &quote.currency, quote.score_ppm);
                // What these parameters do not know is not on a leash: the exchange's know it.
                let fair = Fair::of(&quote).map(|fair| match modelled {
                    Some(modelled) => fair.leashed(modelled, *leash_ppm),
                    None => fair,
                });
                self.quoter.price(&quote.product, fair);
            }
            Told::Unpriced(product) => {
                tracing::warn!(product, "pricing does not know it: it is not quoted");
                self.quoter.price(&product, None);
            }
            Told::PricesHold => self.quoter.prices_hold(),
            Told::PricesLost(why) => {
                tracing::warn!(why, "prices are lost");
                self.quoter.prices_lost();
            }
            Told::Capacity(product, ranges) => self.quoter.declared(&product, &ranges, false),
            Told::Ratings(ratings) => {
                for rating in ratings {
                    self.quoter.rating(&rating.class, rating.grade());
                }
            }
        }
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // A maker that is gone means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

/// Cancels everything of the account within a session that has just begun; the number of the first report after that.
async fn clear(session: &mut Session) -> Result<u64, Error> {
    let number = session.entries.mass_cancel(v1::MassCancelScope::default()).await?;
    let cleared = async {
        loop {
            match session.events.next().await? {
                Some(Event::Report { report, answers: Some(answered) }) if answered == number => {
                    if report.refused() == Some(v1::RejectReason::Killed) {
                        return Err(Error::Breach(Breach::Killed));
                    }
                    // The answer may come in several reports; the last says how many orders it ended.
                    if report.kind() == v1::ReportKind::MassCancelled {
                        return Ok(report.number + 1);
                    }
                }
                Some(Event::Report { report, .. }) if report.kind() == v1::ReportKind::MassCancelled => {
                    return Ok(report.number + 1);
                }
                Some(_) => {}
                None => return Err(client::Error::Ended("before it began".into()).into()),
            }
        }
    };
    let late = || client::Error::Ended("nobody answered the cancel at the start".into());
    tokio::time::timeout(PATIENCE, cleared).await.map_err(|_| late())?
}

/// Cancels everything of the account by a call, again and again until that is answered.
async fn cancel_all(client: &Client, account: u32) {
    let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let request = v1::MassCancelRequest {
        account_id: account,
        request_id: format!("maker-{}", unique.as_nanos()),
        scope: None,
    };
    loop {
        match client.orders.clone().mass_cancel(request.clone()).await {
            Ok(_) => return,
            Err(status) => {
                let error = client::Error::from(status);
                tracing::error!(%error, "the cancel of everything was not answered");
                match error.advice() {
                    Advice::Again { after } => tokio::time::sleep(after.max(AGAIN)).await,
                    _ => return,
                }
            }
        }
    }
}
