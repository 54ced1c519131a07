//! The pricing desk: what the exchange holds service and hours to be worth.
//!
//! What is published of trades, measurements and ratings is laid down here, the latest of each thing, so that it is bounded by
//! what there is. A thread of its own takes it up, scores services, prices products, and hands standings and
//! fair prices back as commands. Nobody waits for it; who wants to see what it made of what was published, may.
//!
//! Always true: a product's basis is made of the last trade of each listed instrument and of nothing else, and a score of its
//! evidence and the day, so that a restart comes to the same prices.

use crate::status;
use hourbook_exchange::{Exchange, Listed};
use hourbook_model as model;
use hourbook_model::{
    Answer, Command, Event, InstrumentId, MICROS, Measure, ParticipantId, Period, Price, Product, ProductId,
    ProductSymbol, Request, SetFairPrices, SetStanding, Stamp, Standing, Time,
};
use hourbook_pricing::{
    Basis, Conditions, Evidence, FairPrice, Line, Params, Quote, QuoteRequest, Rated, Rating, Score, Sums,
    Tier,
};
use hourbook_sequencer::{Error, Handle, Pending};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a gateway prices with.
#[derive(Clone, Debug)]
pub struct Pricing {
    pub params: Arc<Params>,
    /// Whether fair prices become the references of what has not traded.
    pub references: bool,
}

impl Pricing {
    /// The parameters that come with this version; references as they say.
    pub fn standard() -> Pricing {
        static STANDARD: LazyLock<Arc<Params>> = LazyLock::new(|| Arc::new(Params::standard()));
        Pricing { params: Arc::clone(&STANDARD), references: true }
    }
}

/// A reference is sent again once the fair price is so much off it, in hundredths.
const STEP_PERCENT: i64 = 1;
/// Fair prices in one command; instruments and services looked at at once.
const AT_ONCE: usize = 500;
/// Services scored before prices are looked at again.
const ROUND: usize = 64;
/// The desk rests so many times as long as it worked, within bounds: what is published meanwhile is taken up together, and
/// prices take a fiftieth of one core, or what the longest rest comes to where a round is long.
const RESTS: u32 = 49;
const REST: RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_millis(250);
/// How often, and with which pause, it looks whether what was due is done.
const MOST_SLICES: usize = 1_000;
const SLICE: Duration = Duration::from_millis(1);
/// When what could not be handed in, as of a full disk, is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// Hours to delivery that a quote looks at: beyond them all are alike.
const MOST_HOURS: u32 = 100_000;

/// More than all news there can be: the thread has ended.
const ENDED: u64 = u64::MAX;

/// A provider's service in a class.
pub(crate) type ServiceName = (ParticipantId, String);

pub(crate) struct Desk {
    pub params: Arc<Params>,
    /// The first half of the parameters' digest, as commands carry it.
    pub digest: [u8; 16],
    references: bool,
    handle: Handle,
    news: Mutex<News>,
    shelf: RwLock<Shelf>,
    /// How many times news were laid down, and up to which of them they were taken up, and acted on.
    taken: watch::Sender<u64>,
    done: watch::Sender<u64>,
}

/// What was published and not taken up yet.
#[derive(Default)]
struct News {
    count: u64,
    stamp: Stamp,
    /// The last trade of each instrument; zero once it is listed no more.
    trades: BTreeMap<InstrumentId, Price>,
    /// Products were defined, or defined anew.
    products: bool,
    participants: u32,
    observed: BTreeSet<ServiceName>,
    standings: BTreeMap<ServiceName, Standing>,
}

/// What quotes are made of.
#[derive(Default)]
struct Shelf {
    stamp: Stamp,
    participants: u32,
    products: BTreeMap<ProductId, Priced>,
    named: BTreeMap<ProductSymbol, ProductId>,
    /// Instruments that have traded and are listed.
    traded: BTreeMap<InstrumentId, ProductId>,
    standings: BTreeMap<ServiceName, Standing>,
}

/// A product as far as it is priced.
struct Priced {
    terms: Product,
    /// What the parameters say of it, in the currency; or what they do not know.
    modelled: Result<Decimal, hourbook_pricing::Error>,
    last: BTreeMap<InstrumentId, Price>,
    basis: Option<Basis>,
    /// The fair price that stands in the exchange; zero for none.
    fair: Price,
    /// Counts what has moved its price.
    moves: u64,
}

/// What a quote is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub product: ProductSymbol,
    /// None: the hour that begins next.
    pub period: Option<Period>,
    /// 0 is nobody in particular.
    pub provider: ParticipantId,
    pub quantity: u64,
    /// What is held, and the most that will be.
    pub holding: Option<(u64, u64)>,
}

/// A quote and what it was made of.
pub(crate) struct Quoted {
    pub stamp: Stamp,
    pub currency: String,
    pub tick: Price,
    pub score: Decimal,
    pub hours: u32,
    pub fair: FairPrice,
    /// What the fair price was made of, where that was asked for.
    pub lines: Vec<Line>,
    pub quote: Quote,
}

/// Why there is no quote.
pub(crate) enum Unpriced {
    Product,
    Provider,
    /// What the parameters do not know, or what makes no price.
    Parameters(hourbook_pricing::Error),
}

/// What a quote depends on: while this is the same, so is the quote.
pub(crate) type Footing = (u64, u32, Option<Standing>);

impl Desk {
    /// As the exchange stands.
    pub fn of(exchange: &Exchange, handle: Handle, pricing: Pricing) -> Desk {
        let Pricing { params, references } = pricing;
        let mut digest = [0; 16];
        digest.copy_from_slice(&params.digest()[..16]);
        let mut shelf = Shelf { stamp: exchange.stamp(), ..Shelf::default() };
        shelf.participants = exchange.participants().count() as u32;
        shelf.define(&params, exchange.products().map(|(id, listed)| (id, listed.clone())));
        for instrument in exchange.instruments() {
            if let (Some(last), Some(priced)) =
                (instrument.last_trade, shelf.products.get_mut(&instrument.product))
            {
                priced.last.insert(instrument.id, last);
                shelf.traded.insert(instrument.id, instrument.product);
            }
        }
        shelf.products.values_mut().for_each(Priced::settle);
        for (provider, class, service) in exchange.services(None) {
            if let Some((standing, _)) = service.standing() {
                shelf.standings.insert((provider, class.to_owned()), standing);
            }
        }
        // What stands at the start counts as the first news, taken up already.
        let news = News { count: 1, stamp: shelf.stamp, participants: shelf.participants, ..News::default() };
        Desk {
            params,
            digest,
            references,
            handle,
            news: Mutex::new(news),
            shelf: RwLock::new(shelf),
            taken: watch::Sender::new(1),
            done: watch::Sender::new(0),
        }
    }

    /// Begins to take note of one batch.
    pub fn learn(&self) -> Learning<'_> {
        Learning { desk: self, changes: Vec::new(), trades: Vec::new() }
    }

    /// Waits until what was published by now is in the prices, or for as long as `most`.
    pub async fn taken_up(&self, most: Duration) {
        let count = self.news().count;
        let mut taken = self.taken.subscribe();
        let _ = tokio::time::timeout(most, taken.wait_for(|taken| *taken >= count)).await;
    }

    /// Waits until what was published by now was acted on: standings and fair prices are handed in.
    pub async fn acted(&self, most: Duration) {
        let count = self.news().count;
        let mut done = self.done.subscribe();
        let _ = tokio::time::timeout(most, done.wait_for(|done| *done >= count)).await;
    }

    /// Whether there will be no more prices.
    pub fn has_ended(&self) -> bool {
        *self.taken.borrow() == ENDED
    }

    /// Tells whenever prices may have moved.
    pub fn moves(&self) -> watch::Receiver<u64> {
        self.taken.subscribe()
    }

    /// The last command taken up.
    pub fn stamp(&self) -> Stamp {
        self.shelf().stamp
    }

    /// What a quote depends on; `None` where there can be none.
    pub fn footing(&self, asked: &Asked) -> Option<Footing> {
        let shelf = self.shelf();
        let priced = shelf.products.get(shelf.named.get(&asked.product)?)?;
        let standing = shelf.standings.get(&(asked.provider, asked.product.class.clone())).copied();
        Some((priced.moves, asked.hours(shelf.stamp.time), standing))
    }

    /// The fair price and two sides about it.
    pub fn quote(&self, asked: &Asked) -> Result<Quoted, Unpriced> {
        self.quoted(asked, |_| Ok(Vec::new()))
    }

    /// The same, with what the fair price was made of.
    pub fn explained(&self, asked: &Asked) -> Result<Quoted, Unpriced> {
        self.quoted(asked, |conditions| self.params.explain_fair_price(conditions))
    }

    fn quoted(
        &self,
        asked: &Asked,
        explain: impl FnOnce(&Conditions) -> Result<Vec<Line>, hourbook_pricing::Error>,
    ) -> Result<Quoted, Unpriced> {
        let shelf = self.shelf();
        let known = shelf.named.get(&asked.product).and_then(|id| shelf.products.get(id));
        let Some(Priced { terms, basis, .. }) = known else { return Err(Unpriced::Product) };
        if asked.provider.0 > shelf.participants {
            return Err(Unpriced::Provider);
        }
        let class = &asked.product.class;
        let tier = tier(asked.product.tier);
        let standing = shelf.standings.get(&(asked.provider, class.clone()));
        let score = match (asked.provider.0, standing) {
            (0, _) => self.params.cuts.threshold(tier),
            (_, Some(standing)) => Decimal::new(standing.score.into(), 4),
            (_, None) => self.params.scoring.score(class, &Evidence::default(), day(shelf.stamp))?.score,
        };
        let conditions = Conditions { score, ..conditions(terms, &self.params, basis.as_ref()) };
        let (fair, lines) = (self.params.fair_price(&conditions)?, explain(&conditions)?);
        let hours = asked.hours(shelf.stamp.time);
        // Who says nothing of what it holds is quoted as one for whom a lot more or less makes no difference.
        let (inventory, capacity) = asked.holding.unwrap_or((1, 1_000_000_000));
        let kind = self.params.class(class)?.kind();
        let mut quote = self.params.kind(kind).quoting.quote(&QuoteRequest {
            fair: fair.price,
            uncertainty: fair.uncertainty(),
            volatility: None,
            fee: Decimal::new(terms.maker_fee_ppm.min(500_000).into(), 6),
            hours_to_delivery: hours.into(),
            inventory,
            capacity,
            size: asked.quantity,
            tick: Decimal::new(terms.tick.0, 6),
        })?;
        if asked.holding.is_none() {
            for side in [&mut quote.bid, &mut quote.ask].into_iter().flatten() {
                side.units = asked.quantity;
            }
        }
        let (stamp, currency, tick) = (shelf.stamp, terms.currency.clone(), terms.tick);
        Ok(Quoted { stamp, currency, tick, score, hours, fair, lines, quote })
    }

    /// The score that evidence gives a service by the end of a day.
    pub fn score(
        &self,
        class: &str,
        observations: &[model::Observation],
        day: i32,
    ) -> Result<Score, hourbook_pricing::Error> {
        let mut evidence = Evidence::default();
        for model::Observation { metric, measure, day, sum } in observations {
            let sums = Sums { count: sum.count, sum: sum.sum };
            match measure {
                Measure::Trials => evidence.add_trials(metric, *day as i32, sums),
                Measure::Values => evidence.add_values(metric, *day as i32, sums),
            }
        }
        self.params.scoring.score(class, &evidence, day)
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shelf(&self) -> RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<hourbook_pricing::Error> for Unpriced {
    fn from(error: hourbook_pricing::Error) -> Unpriced {
        Unpriced::Parameters(error)
    }
}

impl From<Unpriced> for tonic::Status {
    fn from(unpriced: Unpriced) -> tonic::Status {
        match unpriced {
            Unpriced::Product => status::not_found("no such product"),
            Unpriced::Provider => status::not_found("provider_id: no such participant"),
            Unpriced::Parameters(error) => status::not_priced(&error.to_string()),
        }
    }
}

impl Asked {
    /// Whole hours until delivery begins.
    fn hours(&self, now: Time) -> u32 {
        let ahead = |period: Period| period.start.0.saturating_sub(now.hour().0);
        self.period.map_or(1, ahead).min(MOST_HOURS)
    }
}

impl Shelf {
    /// Takes products in as they stand; what was known of their trades stays.
    fn define(&mut self, params: &Params, products: impl Iterator<Item = (ProductId, Listed)>) {
        for (id, listed) in products {
            let terms = listed.terms;
            let modelled = params.fair_price(&conditions(&terms, params, None)).map(|fair| fair.price);
            self.named.insert(terms.symbol.clone(), id);
            let before = self.products.remove(&id);
            let (last, moves) = before.map_or_else(Default::default, |known| (known.last, known.moves + 1));
            let mut priced = Priced { terms, modelled, last, basis: None, fair: listed.fair, moves };
            priced.settle();
            self.products.insert(id, priced);
        }
    }
}

impl Priced {
    /// Makes the basis of the last trades.
    fn settle(&mut self) {
        let paid = self.last.values().map(|paid| Decimal::new(paid.0, 6));
        let modelled = self.modelled.as_ref().ok().filter(|_| !self.last.is_empty());
        self.basis = modelled.map(|modelled| Basis::of_trades(*modelled, paid));
    }
}

/// What a product is priced under when nobody in particular sells.
fn conditions<'a>(terms: &'a Product, params: &Params, basis: Option<&'a Basis>) -> Conditions<'a> {
    let tier = tier(terms.symbol.tier);
    let score = params.cuts.threshold(tier);
    let ProductSymbol { class, region, .. } = &terms.symbol;
    Conditions { class, region, tier, score, currency: &terms.currency, basis }
}

fn tier(tier: model::Tier) -> Tier {
    match tier {
        model::Tier::A => Tier::A,
        model::Tier::B => Tier::B,
        model::Tier::C => Tier::C,
    }
}

/// Days since 1970-01-01.
pub(crate) fn day(stamp: Stamp) -> i32 {
    i32::try_from(stamp.time.day()).unwrap_or(0)
}

// --- learning ---

/// One batch, as far as prices depend on it; laid down as a whole when it is told.
pub(crate) struct Learning<'a> {
    desk: &'a Desk,
    changes: Vec<Change>,
    trades: Vec<(InstrumentId, Price)>,
}

enum Change {
    Products,
    Participant(ParticipantId),
    Observed(ServiceName),
    Rated(ServiceName, Standing),
}

impl Learning<'_> {
    pub fn saw(&mut self, event: &Event) {
        match event {
            Event::Traded(trade) => match self.trades.last_mut() {
                Some(last) if last.0 == trade.instrument => last.1 = trade.price,
                _ => self.trades.push((trade.instrument, trade.price)),
            },
            Event::StatusChanged { instrument, status: model::Status::Settled } => {
                self.trades.push((*instrument, Price(0)));
            }
            Event::ProductDefined { .. } => self.changes.push(Change::Products),
            Event::ParticipantCreated { participant, .. } => {
                self.changes.push(Change::Participant(*participant));
            }
            Event::Observed { provider, class } => {
                self.changes.push(Change::Observed((*provider, class.clone())));
            }
            Event::Rated { provider, class, standing } => {
                self.changes.push(Change::Rated((*provider, class.clone()), *standing));
            }
            _ => {}
        }
    }

    /// Lays it down; whether there is anything new in it. The passing of an hour is.
    pub fn lay_down(self, last: Stamp) -> bool {
        let mut news = self.desk.news();
        let hour_passed = last.time.hour() != news.stamp.time.hour();
        news.stamp = last;
        if self.changes.is_empty() && self.trades.is_empty() && !hour_passed {
            return false;
        }
        news.count += 1;
        news.trades.extend(self.trades);
        for change in self.changes {
            match change {
                Change::Products => news.products = true,
                Change::Participant(id) => news.participants = news.participants.max(id.0),
                Change::Observed(service) => {
                    news.observed.insert(service);
                }
                Change::Rated(service, standing) => {
                    news.standings.insert(service, standing);
                }
            }
        }
        true
    }
}

// --- at work ---

/// Wakes the desk; when it goes, the desk closes.
pub(crate) struct Bell(SyncSender<()>);

impl Bell {
    pub fn ring(&self) {
        // A bell that rings already is heard.
        let _ = self.0.try_send(());
    }
}

/// Opens the desk: a thread that works until the bell is gone.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn open(desk: Arc<Desk>) -> std::io::Result<Bell> {
    let (bell, rung) = mpsc::sync_channel(1);
    // What stands at the start is looked at at once.
    let _ = bell.try_send(());
    std::thread::Builder::new().name("pricing".into()).spawn(move || {
        hourbook_sequencer::interrupt_nobody();
        if catch_unwind(AssertUnwindSafe(|| Clerk::new(&desk).run(&rung))).is_err() {
            tracing::error!("pricing has ended; references stay as they are, trading goes on");
        }
        // Nobody waits for it any more.
        desk.taken.send_replace(ENDED);
        desk.done.send_replace(ENDED);
    })?;
    Ok(Bell(bell))
}

/// Who does the desk's work, and what is still to be done.
struct Clerk<'a> {
    desk: &'a Desk,
    to_price: BTreeSet<ProductId>,
    to_rate: BTreeSet<ServiceName>,
    /// The day on which every service was scored last.
    scored_on: Option<i32>,
}

/// A service as it stood when it was looked at.
struct Seen {
    day: i32,
    observations: Vec<model::Observation>,
    before: Option<(Standing, [u8; 16])>,
}

/// The exchange takes nothing for now, or never again.
struct Interrupted;

impl Clerk<'_> {
    fn new(desk: &Desk) -> Clerk<'_> {
        let to_price = desk.shelf().products.keys().copied().collect();
        Clerk { desk, to_price, to_rate: BTreeSet::new(), scored_on: None }
    }

    fn run(&mut self, bell: &Receiver<()>) {
        // None: until the bell rings.
        let mut wait = None;
        loop {
            let rung = match wait {
                Some(wait) => bell.recv_timeout(wait),
                None => bell.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match rung {
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let began = Instant::now();
            wait = match self.work() {
                Ok(()) if self.to_rate.is_empty() => None,
                Ok(()) => Some(Duration::ZERO),
                Err(Interrupted) => Some(AGAIN),
            };
            std::thread::sleep((began.elapsed() * RESTS).clamp(*REST.start(), *REST.end()));
        }
    }

    /// A round: all that is new, all prices, and some of the scores.
    fn work(&mut self) -> Result<(), Interrupted> {
        let count = self.take_up()?;
        self.send_fair_prices()?;
        self.rate()?;
        if self.to_rate.is_empty() {
            self.desk.done.send_replace(count);
        }
        Ok(())
    }

    /// Brings what was laid down into the prices.
    fn take_up(&mut self) -> Result<u64, Interrupted> {
        let desk = self.desk;
        let News { count, stamp, trades, products, participants, observed, standings } = {
            let mut news = desk.news();
            let (count, stamp, participants) = (news.count, news.stamp, news.participants);
            std::mem::replace(&mut *news, News { count, stamp, participants, ..News::default() })
        };
        self.to_rate.extend(observed);
        // An exchange that does not answer is ending.
        let defined = if products { Some(self.look(products_of)?) } else { None };
        let strangers: Vec<InstrumentId> = {
            let shelf = desk.shelf();
            let listed = trades.iter().filter(|(_, price)| price.0 > 0).map(|(id, _)| *id);
            listed.filter(|id| !shelf.traded.contains_key(id)).collect()
        };
        let mut found = BTreeMap::new();
        for some in strangers.chunks(AT_ONCE) {
            let some = some.to_vec();
            found.extend(self.look(move |exchange| products_of_instruments(exchange, &some))?);
        }
        let mut shelf = desk.change();
        if let Some(defined) = defined {
            self.to_price.extend(defined.iter().map(|(id, _)| *id));
            shelf.define(&desk.params, defined.into_iter());
        }
        shelf.traded.extend(found);
        let mut moved = BTreeSet::new();
        for (instrument, price) in trades {
            let Some(product) = shelf.traded.get(&instrument).copied() else { continue };
            let Some(priced) = shelf.products.get_mut(&product) else { continue };
            let before = match price.0 {
                0 => priced.last.remove(&instrument),
                _ => priced.last.insert(instrument, price),
            };
            if price.0 == 0 {
                shelf.traded.remove(&instrument);
            }
            if before != Some(price) {
                moved.insert(product);
            }
        }
        for product in &moved {
            if let Some(priced) = shelf.products.get_mut(product) {
                priced.settle();
                priced.moves += 1;
            }
        }
        shelf.standings.extend(standings);
        shelf.stamp = stamp;
        shelf.participants = participants;
        drop(shelf);
        self.to_price.extend(moved);
        desk.taken.send_replace(count);
        Ok(count)
    }

    /// Scores some of what was measured anew; on a new day, every service is.
    fn rate(&mut self) -> Result<(), Interrupted> {
        let today = day(self.desk.stamp());
        if self.scored_on != Some(today) {
            self.let_time_pass()?;
            let mut after = None;
            loop {
                let from = after.clone();
                let names = self.look(move |exchange| services_after(exchange, from.as_ref()))?;
                after = names.last().cloned();
                let more = names.len() == AT_ONCE;
                self.to_rate.extend(names);
                if !more {
                    break;
                }
            }
            self.scored_on = Some(today);
        }
        // All are asked for before the first is waited for: each answer comes with a sync of the disk.
        let some = self.to_rate.iter().take(ROUND).cloned();
        let looks: Vec<_> = some.map(|service| (self.look_at(&service), service)).collect();
        let mut handed_in = Vec::new();
        for (look, service) in looks {
            match look.wait() {
                Ok(seen) => match seen.and_then(|seen| self.found(&service, &seen)) {
                    Some(command) => {
                        let pending = self.desk.handle.submit(Request::default(), command.into());
                        handed_in.push((pending, service));
                    }
                    None => drop(self.to_rate.take(&service)),
                },
                // It is looked at again in the next round.
                Err(Error::Busy { retry_after }) => std::thread::sleep(retry_after),
                Err(_) => return Err(Interrupted),
            }
        }
        for (pending, service) in handed_in {
            match pending.wait() {
                Ok(receipt) => {
                    tell_refusal("SetStanding", receipt.answer);
                    self.to_rate.remove(&service);
                }
                Err(Error::Busy { retry_after }) => std::thread::sleep(retry_after),
                Err(_) => return Err(Interrupted),
            }
        }
        Ok(())
    }

    /// At midnight gates close and periods are listed. Ratings, which nobody waits for, come after that: so a rehearsal
    /// has its commands in the same order each time.
    fn let_time_pass(&self) -> Result<(), Interrupted> {
        let is_due =
            |exchange: &Exchange| exchange.next_due().is_some_and(|due| due <= exchange.stamp().time);
        // Where a full disk lets no time pass, there is no end of it.
        for _ in 0..MOST_SLICES {
            if !self.look(is_due)? {
                break;
            }
            std::thread::sleep(SLICE);
        }
        Ok(())
    }

    fn look_at(&self, (provider, class): &ServiceName) -> Pending<Option<Seen>> {
        let (provider, class) = (*provider, class.clone());
        self.desk.handle.read(move |exchange| {
            let service = exchange.service(provider, &class)?;
            let observations = service.observations().collect();
            Some(Seen { day: day(exchange.stamp()), observations, before: service.standing() })
        })
    }

    /// The standing of a service, where it is not the one that stands. A class that the parameters do not know has none.
    fn found(&self, (provider, class): &ServiceName, seen: &Seen) -> Option<SetStanding> {
        let Seen { day, observations, before } = seen;
        let Desk { params, digest, .. } = self.desk;
        let score = self.desk.score(class, observations, *day).ok()?;
        let rated = before.map(|(standing, _)| Rated {
            rating: Rating::ALL[usize::from(standing.rating.min(9))],
            day: standing.rated_on as i32,
        });
        let rated = params.cuts.rate(rated, &score, *day);
        let (points, bound) = score.integers();
        let standing = Standing {
            score: points as u32,
            bound: bound as u32,
            evidence: micros(score.evidence) as u64,
            rating: rated.rating as u8,
            rated_on: rated.day as u32,
            tiers: params.cuts.tiers(&score).iter().map(|tier| 1 << *tier as u8).sum(),
        };
        // The day alone is nothing new.
        let stands = before.is_some_and(|(known, by)| {
            by == *digest && known == Standing { rated_on: known.rated_on, ..standing }
        });
        (!stands).then(|| SetStanding {
            provider: *provider,
            class: class.clone(),
            standing,
            digest: *digest,
        })
    }

    /// Sends the fair price of each product whose reference is a step off it.
    fn send_fair_prices(&mut self) -> Result<(), Interrupted> {
        let desk = self.desk;
        if !desk.references {
            self.to_price.clear();
        }
        while !self.to_price.is_empty() {
            let some: BTreeSet<ProductId> = self.to_price.iter().take(AT_ONCE).copied().collect();
            let prices: Vec<(ProductId, Price)> = {
                let shelf = desk.shelf();
                some.iter().filter_map(|id| Some((*id, shelf.products.get(id)?.due(&desk.params)?))).collect()
            };
            if !prices.is_empty() {
                let command = SetFairPrices { prices: prices.clone(), digest: desk.digest };
                let answer = self.hand_in(command.into())?;
                let mut shelf = desk.change();
                for (id, price) in prices.into_iter().filter(|_| answer.refused.is_none()) {
                    if let Some(priced) = shelf.products.get_mut(&id) {
                        priced.fair = price;
                    }
                }
                if answer.refused.is_some() {
                    // A product was defined anew meanwhile, as the next news say.
                    desk.news().products = true;
                }
            }
            self.to_price.retain(|id| !some.contains(id));
        }
        Ok(())
    }

    /// Has a command of the machine's own done.
    fn hand_in(&self, command: Command) -> Result<Answer, Interrupted> {
        let answer = insist(|| self.desk.handle.submit(Request::default(), command.clone()))?.answer;
        tell_refusal(command.name(), answer);
        Ok(answer)
    }

    fn look<T: Send + 'static>(
        &self,
        look: impl Fn(&Exchange) -> T + Clone + Send + 'static,
    ) -> Result<T, Interrupted> {
        insist(|| self.desk.handle.read(look.clone()))
    }
}

impl Priced {
    /// The fair price, where the reference that stands is a step off it. A price below a tick is none.
    fn due(&self, params: &Params) -> Option<Price> {
        let conditions = conditions(&self.terms, params, self.basis.as_ref());
        let fair = params.fair_price(&conditions).ok()?.micros(self.terms.tick.0).ok()?;
        let off = i128::from(fair - self.fair.0).abs() * 100;
        let stands = self.fair.0 > 0 && off < i128::from(self.fair.0) * i128::from(STEP_PERCENT);
        ((1..=Price::CAP.0).contains(&fair) && !stands).then_some(Price(fair))
    }
}

fn tell_refusal(name: &str, answer: Answer) {
    if let Some(reason) = answer.refused {
        tracing::warn!(name, ?reason, "what pricing found was refused");
    }
}

/// Asks again while the queue is full.
fn insist<T>(ask: impl Fn() -> Pending<T>) -> Result<T, Interrupted> {
    loop {
        match ask().wait() {
            Ok(answer) => return Ok(answer),
            Err(Error::Busy { retry_after }) => std::thread::sleep(retry_after),
            Err(_) => return Err(Interrupted),
        }
    }
}

fn products_of(exchange: &Exchange) -> Vec<(ProductId, Listed)> {
    exchange.products().map(|(id, listed)| (id, listed.clone())).collect()
}

/// What each is an instrument of, if it is listed.
fn products_of_instruments(exchange: &Exchange, ids: &[InstrumentId]) -> Vec<(InstrumentId, ProductId)> {
    ids.iter().filter_map(|id| Some((*id, exchange.instrument(*id)?.product))).collect()
}

fn services_after(exchange: &Exchange, after: Option<&ServiceName>) -> Vec<ServiceName> {
    let services = exchange.services(after).take(AT_ONCE);
    services.map(|(provider, class, _)| (provider, class.to_owned())).collect()
}

/// A decimal in millionths, half to even; what does not fit is as near as it gets.
pub(crate) fn micros(value: Decimal) -> i64 {
    let whole = value.checked_mul(MICROS.into()).map(|micros| micros.round());
    whole.and_then(|micros| i64::try_from(micros).ok()).unwrap_or(if value < Decimal::ZERO {
        i64::MIN
    } else {
        i64::MAX
    })
}
