//! One reader's market data: every instrument that it names joins, one after the other, then every change of each.

use crate::directory::{INSTRUMENT_PARTS, Pattern};
use crate::door::Caller;
use crate::hub::{Outbox, Overrun};
use crate::live::{Joined, Resume, Unread};
use crate::views::{self, Kind, bare};
use crate::{Inside, status};
use bytes::BytesMut;
use futures::{FutureExt, Stream};
use hourbook_api::convert::{Checked, Resolve, Violation};
use hourbook_api::ready;
use hourbook_api::v1::{self, market_update::Content};
use hourbook_model::{InstrumentId, Stamp, Symbol};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::{Response, Status};

type Told = Result<v1::SubscribeResponse, Status>;
pub(crate) type Updates = Pin<Box<dyn Stream<Item = Told> + Send>>;

const MOST_SYMBOLS: usize = 1_000;
const MOST_PATTERNS: usize = 100;
const MOST_RESUMED: usize = 10_000;
/// Instruments whose books are asked for before they are to join.
const AHEAD: usize = 256;
/// Instruments of a pattern that are named at once.
const NAMED: usize = 1_000;
/// Ready bytes after which a message is sent, though more is there.
const MESSAGE: usize = 256 << 10;

/// What a reader asks for.
struct Wanted {
    symbols: BTreeSet<InstrumentId>,
    patterns: Vec<Pattern>,
    kinds: Vec<Kind>,
    conflates: bool,
    resume: BTreeMap<(InstrumentId, Kind), Resume>,
}

struct Reader {
    inside: Arc<Inside>,
    caller: Caller,
    wanted: Wanted,
    unread: Arc<Unread>,
    /// What is listed from now on.
    listed: Arc<Outbox<InstrumentId>>,
    to_join: VecDeque<InstrumentId>,
    /// Patterns of which not all is named yet, each with the last symbol that is.
    to_name: VecDeque<(usize, Option<Symbol>)>,
    joined: BTreeSet<InstrumentId>,
    /// Turns when books were taken that are waited for.
    taken: watch::Receiver<u64>,
    /// The first that is to join waits for its book.
    waits_for_book: bool,
    /// Whether it was told that everything has joined.
    knows_all: bool,
    /// What had joined when it fell behind, and is to join again.
    rejoins: BTreeSet<InstrumentId>,
    /// When a heartbeat is due, unless something is told before.
    heartbeat_due: tokio::time::Instant,
    /// Of the numbers that it is told.
    epoch: u64,
    _place: OwnedSemaphorePermit,
}

/// Snapshots of what is asked for, then every change.
///
/// # Errors
/// INVALID_ARGUMENT naming the field, RESOURCE_EXHAUSTED when there are too many subscriptions.
pub(crate) fn begin(
    inside: Arc<Inside>,
    caller: Caller,
    request: &v1::SubscribeRequest,
) -> Result<Response<Updates>, Status> {
    let wanted = wanted(request, &inside.directory).map_err(status::misshapen)?;
    let place = Arc::clone(&inside.subscriptions).try_acquire_owned();
    let place = place.map_err(|_| status::too_many_subscriptions(inside.limits.subscriptions))?;
    let mut reader = Reader {
        unread: Outbox::of(0),
        listed: Outbox::of(0),
        to_join: VecDeque::new(),
        to_name: VecDeque::new(),
        joined: BTreeSet::new(),
        taken: inside.live.taken(),
        waits_for_book: false,
        knows_all: false,
        rejoins: BTreeSet::new(),
        heartbeat_due: tokio::time::Instant::now() + inside.heartbeat,
        epoch: 0,
        inside,
        caller,
        wanted,
        _place: place,
    };
    reader.begin();
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(reader), Reader::step))))
}

fn is_over(at: Stamp, id: InstrumentId) -> v1::MarketUpdate {
    bare(at, id, Content::Over(v1::MarketInstrumentOver {}))
}

impl Reader {
    async fn step(reader: Option<Reader>) -> Option<(Told, Option<Reader>)> {
        let mut reader = reader?;
        match reader.next().await {
            Ok(told) => Some((Ok(told), Some(reader))),
            Err(status) => Some((Err(status), None)),
        }
    }

    /// Everything is to join, into an outbox of its own.
    fn begin(&mut self) {
        let Inside { live, limits, .. } = &*self.inside;
        self.unread.run_over();
        self.unread = Outbox::of(limits.subscription_buffer_bytes);
        self.listed = Outbox::new();
        (self.waits_for_book, self.knows_all) = (false, false);
        // What was over while nothing was told is told now, and joins no more.
        let mut over = BytesMut::new();
        for id in std::mem::take(&mut self.joined) {
            match self.listed_as(id) {
                None => ready::append(&mut over, &is_over(live.at(), id)),
                Some(_) => drop(self.rejoins.insert(id)),
            }
        }
        if !over.is_empty() {
            self.unread.lay(over.freeze());
        }
        // From here on no listing is missed, and what is announced twice joins once.
        self.epoch = live.listen(&self.listed);
        self.to_join = self.wanted.symbols.iter().copied().collect();
        self.to_name = (0..self.wanted.patterns.len()).map(|pattern| (pattern, None)).collect();
    }

    /// What an instrument is called that is listed now.
    fn listed_as(&self, id: InstrumentId) -> Option<Arc<str>> {
        let directory = &self.inside.directory;
        directory.symbol(id).filter(|symbol| directory.instrument(symbol) == Some(id))
    }

    /// Names some more of what patterns name.
    async fn name(&mut self) -> Result<(), Status> {
        let Some((pattern, after)) = self.to_name.pop_front() else { return Ok(()) };
        self.pay(NAMED).await?;
        let (directory, wanted) = (&self.inside.directory, &self.wanted.patterns[pattern]);
        let rows = directory.instruments(wanted, after.as_ref(), NAMED);
        self.inside.door.settle(&self.caller, NAMED, rows.len());
        let last = rows.last().filter(|_| rows.len() == NAMED).and_then(|(_, symbol)| symbol.parse().ok());
        self.to_name.extend(last.map(|last| (pattern, Some(last))));
        let new = rows.iter().map(|(id, _)| *id).filter(|id| !self.joined.contains(id));
        self.to_join.extend(new);
        Ok(())
    }

    /// Takes in what is listed meanwhile.
    fn hear_of_listings(&mut self) -> Result<(), Status> {
        while let Some(listed) = self.listed.next().now_or_never() {
            match listed {
                Ok(id) => self.hear_of(id),
                Err(Overrun) => self.fall_behind()?,
            }
        }
        Ok(())
    }

    /// Something is listed. What waits for its book may have waited for this.
    fn hear_of(&mut self, id: InstrumentId) {
        self.to_join.push_back(id);
        self.waits_for_book = false;
    }

    async fn next(&mut self) -> Told {
        loop {
            if !self.inside.door.is_valid(&self.caller) {
                return Err(status::unauthenticated("the key was revoked"));
            }
            self.hear_of_listings()?;
            if self.to_join.is_empty() {
                self.name().await?;
            }
            // Also where there is so much to read that nothing is waited for.
            self.waits_for_book &= !self.taken.has_changed().unwrap_or(true);
            // What the one before begins with is read first.
            if !self.waits_for_book
                && !self.unread.has_laid()
                && let Some(id) = self.to_join.pop_front()
            {
                self.join(id).await?;
            }
            if self.has_all_named() && !self.knows_all {
                // However busy it is: what was asked for and is not announced by now is not listed.
                self.knows_all = true;
                let mut page = BytesMut::new();
                // What was over before its turn came.
                let gone =
                    std::mem::take(&mut self.rejoins).into_iter().filter(|id| !self.joined.contains(id));
                gone.for_each(|id| ready::append(&mut page, &is_over(self.inside.live.at(), id)));
                ready::append(&mut page, &self.heartbeat());
                self.unread.lay(page.freeze());
            }
            let mut told = v1::SubscribeResponse::default();
            match self.read(&mut told) {
                Ok(()) if !told.ready.is_empty() => return Ok(told),
                Ok(()) if self.has_all_named() || self.waits_for_book => {
                    if let Some(heartbeat) = self.wait().await? {
                        return Ok(heartbeat);
                    }
                }
                Ok(()) => {}
                Err(Overrun) => self.fall_behind()?,
            }
        }
    }

    /// Whether everything that is asked for has been tried.
    fn has_all_named(&self) -> bool {
        self.to_join.is_empty() && self.to_name.is_empty()
    }

    /// Lets an instrument join that is asked for, if it is still listed and has not joined.
    async fn join(&mut self, id: InstrumentId) -> Result<(), Status> {
        // The directory knows what is over before market data does.
        let Some(symbol) = self.listed_as(id) else { return Ok(()) };
        if self.joined.contains(&id) || !self.wanted.wants(id, &symbol) {
            return Ok(());
        }
        // Before it is looked for, so that it is not missed.
        self.taken.mark_unchanged();
        if !self.inside.live.has(id, &self.wanted.kinds) {
            self.wait_for_book(id);
            return Ok(());
        }
        self.pay(1).await?;
        let Reader { inside, wanted, unread, .. } = &*self;
        let resume = |kind| wanted.resume.get(&(id, kind)).copied();
        match inside.live.join(unread, id, &symbol, &wanted.kinds, resume)? {
            Joined::Rows(rows) => {
                inside.door.settle(&self.caller, 1, rows);
                self.joined.insert(id);
                // What is resumed is so once: who falls behind later begins with a snapshot.
                self.wanted.resume.retain(|(resumed, _), _| *resumed != id);
            }
            Joined::Later => self.wait_for_book(id),
            Joined::Unlisted => {}
        }
        Ok(())
    }

    /// Has its book taken, and those of some that come behind it.
    fn wait_for_book(&mut self, id: InstrumentId) {
        self.to_join.push_front(id);
        self.waits_for_book = true;
        let ahead = self.to_join.iter().take(AHEAD).filter(|id| !self.joined.contains(id)).copied();
        self.inside.live.want(ahead, &self.wanted.kinds);
    }

    /// Pays for so many rows, and waits until it can.
    async fn pay(&self, rows: usize) -> Result<(), Status> {
        while let Err(wait) = self.inside.door.pay(&self.caller, rows) {
            tokio::select! {
                () = self.inside.closed() => return Err(status::draining()),
                () = tokio::time::sleep(wait) => {}
            }
        }
        Ok(())
    }

    /// Takes what is there now, up to the size of a message.
    fn read(&mut self, told: &mut v1::SubscribeResponse) -> Result<(), Overrun> {
        let mut bytes = 0;
        while bytes < MESSAGE
            && let Some(page) = self.unread.next().now_or_never()
        {
            let page = page?;
            bytes += page.len();
            told.ready.push(page);
        }
        Ok(())
    }

    /// Waits for something to happen; a heartbeat when nothing does.
    async fn wait(&mut self) -> Result<Option<v1::SubscribeResponse>, Status> {
        tokio::select! {
            biased;
            page = self.unread.next() => match page {
                Ok(page) => {
                    self.heartbeat_due = tokio::time::Instant::now() + self.inside.heartbeat;
                    return Ok(Some(v1::SubscribeResponse { ready: vec![page], ..Default::default() }));
                }
                Err(Overrun) => self.fall_behind()?,
            },
            listed = self.listed.next() => match listed {
                Ok(id) => self.hear_of(id),
                Err(Overrun) => self.fall_behind()?,
            },
            _ = self.taken.changed(), if self.waits_for_book => self.waits_for_book = false,
            () = self.inside.closed() => return Err(status::draining()),
            // What is listed meanwhile, and tells this reader nothing, does not put it off.
            () = tokio::time::sleep_until(self.heartbeat_due) => {
                self.heartbeat_due = tokio::time::Instant::now() + self.inside.heartbeat;
                if self.inside.live.has_stopped() {
                    return Err(status::market_data_stopped());
                }
                // All up to here is in the outbox by now: where nothing is, it is told, once everything has joined.
                let updates = vec![self.heartbeat()];
                if self.unread.is_empty() && self.has_all_named() {
                    return Ok(Some(v1::SubscribeResponse { updates, ..Default::default() }));
                }
            }
        }
        Ok(None)
    }

    /// Says that all is told up to now.
    fn heartbeat(&self) -> v1::MarketUpdate {
        bare(self.inside.live.at(), InstrumentId(0), Content::Heartbeat(v1::MarketHeartbeat {}))
    }

    /// Its outbox has run over: what was chosen for that.
    fn fall_behind(&mut self) -> Result<(), Status> {
        if self.wanted.conflates {
            self.begin();
            Ok(())
        } else if self.inside.live.epoch() != self.epoch {
            Err(status::market_data_restarted())
        } else {
            Err(status::subscription_too_slow(self.inside.limits.subscription_buffer_bytes))
        }
    }
}

/// Several views share its outbox: only this tells them that nobody reads it any more.
impl Drop for Reader {
    fn drop(&mut self) {
        self.unread.run_over();
    }
}

impl Wanted {
    fn wants(&self, id: InstrumentId, symbol: &str) -> bool {
        self.symbols.contains(&id) || self.patterns.iter().any(|pattern| pattern.matches(symbol))
    }
}

/// What a request asks for.
fn wanted(request: &v1::SubscribeRequest, names: &impl Resolve) -> Checked<Wanted> {
    let v1::SubscribeRequest { symbols, patterns, views, candle_intervals, slow_reader, resume } = request;
    at_most("symbols", symbols.len(), MOST_SYMBOLS)?;
    at_most("patterns", patterns.len(), MOST_PATTERNS)?;
    at_most("resume", resume.len(), MOST_RESUMED)?;
    if symbols.is_empty() && patterns.is_empty() {
        return Err(Violation::new("symbols", "must name an instrument where no pattern is given"));
    }
    let known = |(at, symbol): (usize, &String)| {
        let why = "is no instrument, or is listed no more";
        names.instrument(symbol).ok_or_else(|| Violation::new(format!("symbols[{at}]"), why))
    };
    let pattern =
        |(at, text): (usize, &String)| Pattern::parse(&format!("patterns[{at}]"), text, INSTRUMENT_PARTS);
    let conflates = match v1::SlowReader::try_from(*slow_reader) {
        Ok(v1::SlowReader::Unspecified | v1::SlowReader::Close) => false,
        Ok(v1::SlowReader::Conflate) => true,
        Err(_) => return Err(Violation::new("slow_reader", "is no such value")),
    };
    let resumed = |(at, point): (usize, &v1::ResumePoint)| {
        let kind = kind_of(&format!("resume[{at}]"), point.view, point.candle_interval)?;
        let resume = Resume { epoch: point.epoch, from: point.from_number };
        Ok(((InstrumentId(point.instrument_id), kind), resume))
    };
    Ok(Wanted {
        symbols: symbols.iter().enumerate().map(known).collect::<Checked<_>>()?,
        patterns: patterns.iter().enumerate().map(pattern).collect::<Checked<_>>()?,
        kinds: kinds(views, candle_intervals)?,
        conflates,
        resume: resume.iter().enumerate().map(resumed).collect::<Checked<_>>()?,
    })
}

/// The views that are asked for, each once.
fn kinds(views: &[i32], intervals: &[i32]) -> Checked<Vec<Kind>> {
    let mut kinds = BTreeSet::new();
    let candles = v1::MarketDataView::Candles as i32;
    for (at, view) in views.iter().enumerate().filter(|(_, view)| **view != candles) {
        kinds.insert(kind_of(&format!("views[{at}]"), *view, 0)?);
    }
    for (at, interval) in intervals.iter().enumerate() {
        kinds.insert(kind_of(&format!("candle_intervals[{at}]"), candles, *interval)?);
    }
    if views.contains(&candles) == intervals.is_empty() {
        let why = "must be given with the view of candles, and only then";
        return Err(Violation::new("candle_intervals", why));
    }
    if kinds.is_empty() {
        return Err(Violation::new("views", "must name at least one"));
    }
    Ok(kinds.into_iter().collect())
}

fn kind_of(field: &str, view: i32, interval: i32) -> Checked<Kind> {
    let none = |what: &str| Err(Violation::new(field, format!("names no {what}")));
    match v1::MarketDataView::try_from(view) {
        Err(_) | Ok(v1::MarketDataView::Unspecified) => none("view"),
        Ok(v1::MarketDataView::Top) => Ok(Kind::Top),
        Ok(v1::MarketDataView::Levels) => Ok(Kind::Levels),
        Ok(v1::MarketDataView::Orders) => Ok(Kind::Orders),
        Ok(v1::MarketDataView::Trades) => Ok(Kind::Trades),
        Ok(v1::MarketDataView::Statistics) => Ok(Kind::Statistics),
        Ok(v1::MarketDataView::Status) => Ok(Kind::Status),
        Ok(v1::MarketDataView::Indicative) => Ok(Kind::Indicative),
        Ok(v1::MarketDataView::Candles) => {
            let interval = v1::CandleInterval::try_from(interval).ok().and_then(views::interval);
            interval.map_or_else(|| none("interval of candles"), |interval| Ok(Kind::Candles(interval)))
        }
    }
}

fn at_most(field: &str, count: usize, most: usize) -> Checked<()> {
    if count <= most { Ok(()) } else { Err(Violation::new(field, format!("must be at most {most}"))) }
}
