//! Market data that outlives its connections: instruments as they stand, kept from snapshots and changes.
//!
//! Always true: each view is what the exchange told at its number, changes taken once and in order; a book that is not the
//! exchange's by its own checksum is not whole, and asked for again; trades that were missed are counted.

use super::book::{Differs, LocalBook};
use super::link::{Calling, Lasting, Link, Step, broken};
use super::{Error, Level};
use crate::v1::market_data_service_client::MarketDataServiceClient;
use crate::v1::{self, CandleInterval, MarketDataView as View, market_update::Content};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};
use tonic::Code;
use tonic_types::StatusExt;

/// Points to go on from that the exchange takes in one request; further views begin with a snapshot.
const MOST_RESUMED: usize = 10_000;

/// What is wanted of the market.
#[derive(Clone, Debug)]
pub struct Subscription {
    request: v1::SubscribeRequest,
    silence: Duration,
    give_up_after: Option<Duration>,
    keeps_messages: bool,
}

impl Default for Subscription {
    fn default() -> Subscription {
        let request = v1::SubscribeRequest::default();
        Subscription { request, silence: Duration::from_secs(15), give_up_after: None, keeps_messages: false }
    }
}

impl Subscription {
    /// Of nothing so far.
    pub fn new() -> Subscription {
        Subscription::default()
    }

    /// One instrument more.
    pub fn symbol(mut self, symbol: impl Into<String>) -> Subscription {
        self.request.symbols.push(symbol.into());
        self
    }

    /// All that a pattern such as `GP.CNNX.*` names, now and later.
    pub fn pattern(mut self, pattern: impl Into<String>) -> Subscription {
        self.request.patterns.push(pattern.into());
        self
    }

    /// Best bid and best ask.
    pub fn top(self) -> Subscription {
        self.view(View::Top)
    }

    /// A book of levels (L2).
    pub fn levels(self) -> Subscription {
        self.view(View::Levels)
    }

    /// A book of orders (L3).
    pub fn orders(self) -> Subscription {
        self.view(View::Orders)
    }

    pub fn trades(self) -> Subscription {
        self.view(View::Trades)
    }

    /// The UTC day's open, high, low, last, volume and mean price.
    pub fn statistics(self) -> Subscription {
        self.view(View::Statistics)
    }

    pub fn candles(mut self, interval: CandleInterval) -> Subscription {
        if !self.request.candle_intervals.contains(&(interval as i32)) {
            self.request.candle_intervals.push(interval as i32);
        }
        self.view(View::Candles)
    }

    /// How instruments trade.
    pub fn status(self) -> Subscription {
        self.view(View::Status)
    }

    /// In a call: the price and lots that an uncross would have.
    pub fn indicative(self) -> Subscription {
        self.view(View::Indicative)
    }

    /// Where this reader is too slow, every view begins again with a snapshot. Without it the exchange closes the
    /// connection, and the feed goes on from where it was: all is told, as long as that is kept.
    pub fn conflated(mut self) -> Subscription {
        self.request.set_slow_reader(v1::SlowReader::Conflate);
        self
    }

    /// A connection on which nothing comes for so long is given up; 15 s where it is not said. The exchange says something
    /// every `limits.heartbeat`, 5 s by default.
    pub fn silence(self, silence: Duration) -> Subscription {
        Subscription { silence, ..self }
    }

    /// After so long without a connection the feed ends; where it is not said, never.
    pub fn give_up_after(self, most: Duration) -> Subscription {
        Subscription { give_up_after: Some(most), ..self }
    }

    /// What comes is kept as it came, too, until [`Feed::messages`] hands it out: for recordings.
    pub fn with_messages(self) -> Subscription {
        Subscription { keeps_messages: true, ..self }
    }

    /// Each view once, however often it is asked for.
    fn view(mut self, view: View) -> Subscription {
        if !self.request.views.contains(&(view as i32)) {
            self.request.views.push(view as i32);
        }
        self
    }
}

/// What has happened. What it is about is in the feed already when it is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An instrument is part of the feed.
    Listed {
        id: u32,
    },
    /// An instrument is told of again, after the connection was away. Each of its views goes on where it was, or begins anew.
    Resumed {
        id: u32,
    },
    /// An instrument is listed no more; this is the last of it.
    Over {
        id: u32,
        symbol: String,
    },
    /// The best levels are others.
    Top {
        id: u32,
    },
    /// The book of levels or of orders has changed.
    Book {
        id: u32,
    },
    /// Trades of one command, in order.
    Trades {
        id: u32,
        trades: Vec<v1::MarketTrade>,
    },
    /// Trades of so many commands were not told: the connection was away for longer than they are kept. `None` where nobody
    /// knows whether there were any, as the exchange has begun to count anew.
    TradesMissed {
        id: u32,
        commands: Option<u64>,
    },
    Statistics {
        id: u32,
    },
    Candles {
        id: u32,
        interval: CandleInterval,
    },
    /// How it trades is another.
    Status {
        id: u32,
        status: v1::InstrumentStatus,
    },
    /// What an uncross would do is another.
    Indicative {
        id: u32,
    },
    /// All is told that commands up to this number caused.
    Heartbeat {
        sequence: u64,
    },
    /// A book was not the exchange's, and is asked for again; should it happen, tell us.
    Differed {
        id: u32,
        why: Differs,
    },
    /// The connection is gone: nothing is whole.
    Disconnected {
        why: String,
    },
    /// It is back after so long; the instruments follow.
    Reconnected {
        after: Duration,
    },
}

/// What has happened how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub reconnects: u64,
    pub snapshots: u64,
    pub changes: u64,
    /// Books that were not the exchange's.
    pub differed: u64,
}

/// An instrument as it stands.
#[derive(Clone, Debug)]
pub struct Instrument {
    pub id: u32,
    pub symbol: String,
    /// From the view of the top, where that is subscribed to.
    pub top: v1::TopOfBook,
    /// Of levels, empty where they are not subscribed to; of orders alike.
    pub levels: LocalBook,
    pub orders: LocalBook,
    pub last_trade: Option<v1::MarketTrade>,
    pub statistics: Option<v1::Statistics>,
    /// Unspecified where the view of it is not subscribed to.
    pub status: v1::InstrumentStatus,
    /// Nothing outside a call.
    pub indicative: v1::IndicativeUncross,
    candles: BTreeMap<i32, VecDeque<v1::Candle>>,
    epoch: u64,
    /// What is known of the other views, by view and interval.
    lines: BTreeMap<(i32, i32), Line>,
    /// Announced over the present connection.
    is_announced: bool,
    /// Views of which the end was told.
    ended: usize,
    changed: Instant,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    number: u64,
    is_whole: bool,
    /// Its number is of another epoch.
    is_foreign: bool,
}

impl Instrument {
    fn new(id: u32, symbol: String, epoch: u64) -> Instrument {
        Instrument {
            id,
            symbol,
            top: v1::TopOfBook::default(),
            levels: LocalBook::default(),
            orders: LocalBook::default(),
            last_trade: None,
            statistics: None,
            status: v1::InstrumentStatus::Unspecified,
            indicative: v1::IndicativeUncross::default(),
            candles: BTreeMap::new(),
            epoch,
            lines: BTreeMap::new(),
            is_announced: true,
            ended: 0,
            changed: Instant::now(),
        }
    }

    /// The book that is subscribed to: of orders, else of levels.
    pub fn book(&self) -> &LocalBook {
        if self.orders.is_whole() { &self.orders } else { &self.levels }
    }

    /// The best bid by the book, or by the view of the top where no book is subscribed to.
    pub fn best_bid(&self) -> Option<Level> {
        if self.book().is_whole() { self.book().best_bid() } else { self.top.bid.as_ref().map(level) }
    }

    /// The best ask, alike.
    pub fn best_ask(&self) -> Option<Level> {
        if self.book().is_whole() { self.book().best_ask() } else { self.top.ask.as_ref().map(level) }
    }

    /// The candles of an interval, oldest first.
    pub fn candles(&self, interval: CandleInterval) -> impl DoubleEndedIterator<Item = &v1::Candle> {
        self.candles.get(&(interval as i32)).into_iter().flatten()
    }

    /// How long ago something of it changed here. An instrument that does not change is not stale for that:
    /// [`Feed::age`] says when the exchange was last heard.
    pub fn age(&self) -> Duration {
        self.changed.elapsed()
    }

    /// Nothing of it is known: what follows begins with snapshots.
    fn forget(&mut self) {
        self.levels.forget();
        self.orders.forget();
        self.lines.values_mut().for_each(|line| (line.is_whole, line.is_foreign) = (false, true));
    }

    fn state(&self, view: View, interval: i32) -> Line {
        let of =
            |book: &LocalBook| Line { number: book.number(), is_whole: book.is_whole(), is_foreign: false };
        match view {
            View::Levels => of(&self.levels),
            View::Orders => of(&self.orders),
            _ => self.lines.get(&(view as i32, interval)).copied().unwrap_or_default(),
        }
    }
}

fn level(level: &v1::Level) -> Level {
    let v1::Level { price_micros, quantity, order_count } = *level;
    Level { price_micros, quantity, orders: order_count }
}

/// Market data. Reading is what keeps it: nothing happens between two calls of [`Feed::next`].
pub struct Feed {
    link: Link,
    wanted: Subscription,
    stream: Lasting<v1::SubscribeResponse>,
    ready: VecDeque<v1::MarketUpdate>,
    /// What came, whole, and was not handed out yet; empty where nobody asked for it.
    messages: VecDeque<v1::SubscribeResponse>,
    news: VecDeque<News>,
    instruments: BTreeMap<u32, Instrument>,
    symbols: BTreeMap<String, u32>,
    sequence: u64,
    counts: Counts,
}

impl Feed {
    pub(super) async fn begin(link: Link, wanted: Subscription) -> Result<Feed, Error> {
        let stream = call(link.clone(), wanted.request.clone()).await?;
        Ok(Feed {
            stream: Lasting::open(stream, Some(wanted.silence), wanted.give_up_after),
            link,
            wanted,
            ready: VecDeque::new(),
            messages: VecDeque::new(),
            news: VecDeque::new(),
            instruments: BTreeMap::new(),
            symbols: BTreeMap::new(),
            sequence: 0,
            counts: Counts::default(),
        })
    }

    /// The next news. What is left when this is dropped while it waits is not lost.
    ///
    /// # Errors
    /// [`Error::Refused`] when the subscription or the key is good no more; then nothing more comes.
    pub async fn next(&mut self) -> Result<News, Error> {
        loop {
            if let Some(news) = self.news.pop_front() {
                return Ok(news);
            }
            if let Some(update) = self.ready.pop_front() {
                self.take(update)?;
                continue;
            }
            match self.stream.step().await {
                Step::Message(message) => {
                    if self.wanted.keeps_messages {
                        self.messages.push_back(message.clone());
                    }
                    self.ready.extend(message.updates);
                }
                Step::Broken(error) => self.lose(error)?,
                Step::Failed(error) => self.again(error)?,
                Step::Back(after) => {
                    self.counts.reconnects += 1;
                    self.news.push_back(News::Reconnected { after });
                }
            }
        }
    }

    /// The messages that have come since this was asked last, over all connections, where the subscription is one
    /// [`Subscription::with_messages`]; to be asked for after each news, as they are kept until then. Of a message some may not
    /// be news yet; what is told again after a book differed is there twice, under the same numbers.
    pub fn messages(&mut self) -> impl Iterator<Item = v1::SubscribeResponse> {
        self.messages.drain(..)
    }

    /// The instruments that are told of, by id.
    pub fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.values()
    }

    pub fn get(&self, id: u32) -> Option<&Instrument> {
        self.instruments.get(&id)
    }

    pub fn by_symbol(&self, symbol: &str) -> Option<&Instrument> {
        self.get(*self.symbols.get(symbol)?)
    }

    /// Whether everything that is subscribed to of an instrument is the exchange's as of what was heard last.
    pub fn is_whole(&self, id: u32) -> bool {
        let Some(instrument) = self.get(id) else { return false };
        let mut views = self.views();
        self.stream.is_open()
            && instrument.is_announced
            && views.all(|(view, interval)| instrument.state(view, interval).is_whole)
    }

    /// The exchange's sequence number of the last command of which something was told.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How long ago the exchange was heard: beyond its heartbeat, prices here are old.
    pub fn age(&self) -> Duration {
        self.stream.heard.elapsed()
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The views that are subscribed to, candles once for each interval.
    fn views(&self) -> impl Iterator<Item = (View, i32)> + use<> {
        let v1::SubscribeRequest { views, candle_intervals, .. } = &self.wanted.request;
        let mut all = Vec::with_capacity(views.len() + candle_intervals.len());
        for view in views.iter().filter_map(|view| View::try_from(*view).ok()) {
            match view {
                View::Candles => all.extend(candle_intervals.iter().map(|interval| (view, *interval))),
                _ => all.push((view, 0)),
            }
        }
        all.into_iter()
    }

    /// The connection is gone: another one is begun.
    fn lose(&mut self, error: Error) -> Result<(), Error> {
        self.news.push_back(News::Disconnected { why: error.to_string() });
        self.again(error)
    }

    fn again(&mut self, mut error: Error) -> Result<(), Error> {
        // Of what was told over the old connection nothing is taken after the new one is asked where to go on.
        self.ready.clear();
        self.instruments.values_mut().for_each(|instrument| instrument.is_announced = false);
        if let Some(symbol) = self.no_more_listed(&error) {
            if let Some(id) = self.symbols.get(&symbol).copied() {
                self.end(id);
            }
            error = broken(format!("{symbol} is listed no more"));
        }
        if self.wanted.request.symbols.is_empty() && self.wanted.request.patterns.is_empty() {
            self.stream.end();
            return Err(Error::Ended("all that was subscribed to is listed no more".into()));
        }
        let (link, request) = (self.link.clone(), self.request());
        self.stream.again(error, |delay| -> Calling<_> {
            Box::pin(async move {
                tokio::time::sleep(delay).await;
                call(link, request).await
            })
        })
    }

    /// The symbol for which a subscription was refused because it was once listed, taken out of what is wanted.
    fn no_more_listed(&mut self, error: &Error) -> Option<String> {
        let Error::Refused(status) = error else { return None };
        if status.code() != Code::InvalidArgument {
            return None;
        }
        let bad = status.get_details_bad_request()?;
        let field = &bad.field_violations.first()?.field;
        let at: usize = field.strip_prefix("symbols[")?.strip_suffix(']')?.parse().ok()?;
        let symbols = &mut self.wanted.request.symbols;
        (at < symbols.len()).then(|| symbols.remove(at))
    }

    /// What is wanted, and from where on.
    fn request(&self) -> v1::SubscribeRequest {
        let mut resume = Vec::new();
        for instrument in self.instruments.values() {
            for (view, interval) in self.views() {
                let line = instrument.state(view, interval);
                if line.is_whole && resume.len() < MOST_RESUMED {
                    resume.push(v1::ResumePoint {
                        instrument_id: instrument.id,
                        view: view as i32,
                        candle_interval: interval,
                        epoch: instrument.epoch,
                        from_number: line.number + 1,
                    });
                }
            }
        }
        v1::SubscribeRequest { resume, ..self.wanted.request.clone() }
    }

    /// Takes note of an update, and tells what is new.
    fn take(&mut self, update: v1::MarketUpdate) -> Result<(), Error> {
        let id = update.instrument_id;
        self.sequence = self.sequence.max(update.sequence);
        match update.content {
            // While instruments still join, it says no more than that all is well.
            Some(Content::Heartbeat(_)) if update.sequence == 0 => Ok(()),
            Some(Content::Heartbeat(_)) => {
                // Everything has joined by now: what was not announced again was over while the connection was away.
                let gone: Vec<u32> =
                    self.instruments.values().filter(|one| !one.is_announced).map(|one| one.id).collect();
                gone.into_iter().for_each(|id| self.end(id));
                self.news.push_back(News::Heartbeat { sequence: update.sequence });
                Ok(())
            }
            Some(Content::Instrument(announced)) => {
                self.announce(id, announced);
                Ok(())
            }
            Some(Content::Over(_)) => {
                // Each view tells it, as the last that it tells; where what was not read is thrown away, it may be told once.
                let views = match self.wanted.request.slow_reader() {
                    v1::SlowReader::Conflate => 1,
                    _ => self.views().count(),
                };
                let Some(instrument) = self.instruments.get_mut(&id) else { return Ok(()) };
                instrument.ended += 1;
                if instrument.ended >= views {
                    self.end(id);
                }
                Ok(())
            }
            _ => self.change(update),
        }
    }

    fn announce(&mut self, id: u32, announced: v1::MarketInstrument) {
        let v1::MarketInstrument { symbol, epoch } = announced;
        match self.instruments.get_mut(&id).filter(|known| known.symbol == symbol) {
            Some(known) => {
                known.is_announced = true;
                known.ended = 0;
                if known.epoch != epoch {
                    known.epoch = epoch;
                    known.forget();
                }
                self.news.push_back(News::Resumed { id });
            }
            None => {
                self.end(id);
                self.symbols.insert(symbol.clone(), id);
                self.instruments.insert(id, Instrument::new(id, symbol, epoch));
                self.news.push_back(News::Listed { id });
            }
        }
    }

    /// An instrument is over: it is asked for no more.
    fn end(&mut self, id: u32) {
        let Some(over) = self.instruments.remove(&id) else { return };
        // The symbol may be another's by now.
        if self.symbols.get(&over.symbol) == Some(&id) {
            self.symbols.remove(&over.symbol);
            self.wanted.request.symbols.retain(|symbol| *symbol != over.symbol);
        }
        self.news.push_back(News::Over { id, symbol: over.symbol });
    }

    fn change(&mut self, update: v1::MarketUpdate) -> Result<(), Error> {
        let id = update.instrument_id;
        // The last of one that is over already.
        let Some(instrument) = self.instruments.get_mut(&id) else { return Ok(()) };
        let is_told = !update.incomplete;
        self.counts.snapshots += u64::from(update.snapshot && is_told);
        self.counts.changes += u64::from(!update.snapshot);
        instrument.changed = Instant::now();
        let differs = match &update.content {
            Some(Content::Levels(_)) => instrument.levels.apply(&update).err(),
            Some(Content::Orders(_)) => instrument.orders.apply(&update).err(),
            _ => return self.change_line(update),
        };
        if let Some(why) = differs {
            return self.differ(id, why);
        }
        if is_told {
            self.news.push_back(News::Book { id });
        }
        Ok(())
    }

    /// A view that is no book.
    fn change_line(&mut self, update: v1::MarketUpdate) -> Result<(), Error> {
        let v1::MarketUpdate { instrument_id: id, number, snapshot, content, .. } = update;
        let (view, interval) = match &content {
            Some(Content::Top(_)) => (View::Top, 0),
            Some(Content::Trades(_)) => (View::Trades, 0),
            Some(Content::Statistics(_)) => (View::Statistics, 0),
            Some(Content::Candles(candles)) => (View::Candles, candles.interval),
            Some(Content::Status(_)) => (View::Status, 0),
            Some(Content::Indicative(_)) => (View::Indicative, 0),
            // Something newer than this client.
            _ => return Ok(()),
        };
        let Some(instrument) = self.instruments.get_mut(&id) else { return Ok(()) };
        let was_known = instrument.lines.contains_key(&(view as i32, interval));
        let line = instrument.lines.entry((view as i32, interval)).or_default();
        let before = *line;
        if !snapshot && (!before.is_whole || number != before.number + 1) {
            line.is_whole = false;
            return self.differ(id, Differs::Number { expected: before.number + 1, found: number });
        }
        *line = Line { number, is_whole: true, is_foreign: false };
        match content {
            Some(Content::Top(top)) => {
                instrument.top = top;
                self.news.push_back(News::Top { id });
            }
            Some(Content::Trades(told)) if snapshot => {
                debug_assert!(told.trades.is_empty());
                let commands = number.checked_sub(before.number).filter(|_| !before.is_foreign);
                if was_known && commands != Some(0) {
                    self.news.push_back(News::TradesMissed { id, commands });
                }
            }
            Some(Content::Trades(told)) => {
                instrument.last_trade = told.trades.last().copied();
                self.news.push_back(News::Trades { id, trades: told.trades });
            }
            Some(Content::Statistics(statistics)) => {
                instrument.statistics = Some(statistics);
                self.news.push_back(News::Statistics { id });
            }
            Some(Content::Candles(told)) => {
                let kept = instrument.candles.entry(interval).or_default();
                if snapshot {
                    kept.clear();
                }
                for candle in told.candles {
                    // The one that grew takes the place of itself.
                    kept.pop_back_if(|last| last.start_time == candle.start_time);
                    kept.push_back(candle);
                }
                while kept.len() > most_candles(told.interval) {
                    kept.pop_front();
                }
                let interval = CandleInterval::try_from(interval).unwrap_or_default();
                self.news.push_back(News::Candles { id, interval });
            }
            Some(Content::Status(told)) => {
                instrument.status = told.status();
                self.news.push_back(News::Status { id, status: instrument.status });
            }
            Some(Content::Indicative(told)) => {
                instrument.indicative = told;
                self.news.push_back(News::Indicative { id });
            }
            _ => {}
        }
        Ok(())
    }

    /// A view is not the exchange's: the same subscription again, in which only that view begins anew.
    fn differ(&mut self, id: u32, why: Differs) -> Result<(), Error> {
        self.counts.differed += 1;
        // Should it go on to differ, it is asked for less and less often.
        self.stream.is_of_use = false;
        self.news.push_back(News::Differed { id, why: why.clone() });
        self.lose(broken(format!("instrument {id}: {why}")))
    }
}

/// Candles that are kept of an interval, as many as the exchange keeps.
fn most_candles(interval: i32) -> usize {
    match CandleInterval::try_from(interval) {
        Ok(CandleInterval::FiveMinutes) => 36,
        Ok(CandleInterval::QuarterHour) => 32,
        Ok(CandleInterval::Hour) => 24,
        Ok(CandleInterval::Day) => 30,
        _ => 60,
    }
}

async fn call(
    link: Link,
    request: v1::SubscribeRequest,
) -> Result<tonic::Streaming<v1::SubscribeResponse>, Error> {
    let market_data = MarketDataServiceClient::new(link.connect_keyed().await?);
    Ok(market_data.max_decoding_message_size(super::MESSAGE_BYTES).subscribe(request).await?.into_inner())
}
