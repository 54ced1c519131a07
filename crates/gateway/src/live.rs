//! Live market data: kept up to date on a thread of its own, encoded once for all who read the same view.
//!
//! Books are kept of what somebody reads, and of what was read until a while ago: each is asked for of the exchange itself, in
//! pieces, whose answers stand in order with what is published. While no book is kept, the thread hears of trades and
//! listings only.
//!
//! Always true: who joins a view gets a snapshot, or the changes from the number it named, and then each change once and
//! in order; or its outbox has run over, was emptied, and receives nothing more. Publishing never waits for this thread:
//! where it falls behind by more than half a second's events, it leaves them out, begins again from the exchange as it
//! then stands under a new epoch, and every reader with it.

mod thread;

pub(crate) use thread::Teller;

use crate::hub::Outbox;
use crate::status;
use crate::views::{Kind, bare};
use bytes::{Bytes, BytesMut};
use hourbook_api::ready;
use hourbook_api::v1::{self, market_update::Content};
use hourbook_exchange::{BookMark, Exchange};
use hourbook_feed::{Feed, Update};
use hourbook_model::{Event, InstrumentId, Period, ProductId, Scope, Stamp, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use thread::{Message, Seen};
use tokio::sync::watch;
use tonic::Status;

/// Changes of one view that are kept for those who resume, and bytes of all that are kept so.
const WINDOW: usize = 256;
const WINDOWS_BYTES: usize = 64 << 20;
/// How long a view is kept at least for who had its book taken, and has not come for it yet, or has left, and may have lost
/// a connection.
const COMING: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 10 });
/// Bytes of what a reader begins with after which another page begins.
const PAGE: usize = if cfg!(test) { 200 } else { 64 << 10 };
/// What a page costs each reader whose outbox it lies in, besides the bytes that all share.
const PAGE_COST: usize = 64;
/// What one reader has not read: bytes of ready updates.
pub(crate) type Unread = Outbox<Bytes>;

/// Market data as of the last batch that was told.
pub(crate) struct Live {
    state: Mutex<State>,
    waiting: AtomicUsize,
    /// Batches were left out: what comes now does not follow on.
    lost: AtomicBool,
    /// Somebody reads books, or is to: every batch must be seen.
    follows_books: AtomicBool,
    /// The last command that was passed over, as nothing was to be told of it.
    passed: Mutex<Stamp>,
    /// Counts up whenever books were taken.
    taken: watch::Sender<u64>,
    /// To the thread, once there is one.
    queue: OnceLock<Sender<Message>>,
    /// Nothing is told any more.
    stopped: AtomicBool,
}

struct State {
    feed: Feed,
    /// The number of the command that the feed began with: numbers of views are counted from there.
    epoch: u64,
    readers: Readers,
    /// Books that are to be taken, each from where it goes on, and whose those are.
    wanted: VecDeque<(InstrumentId, BookMark)>,
    wanted_ids: BTreeSet<InstrumentId>,
    /// What was halted or resumed as a whole: how each of it trades is to be looked at, from where on.
    unseen: VecDeque<Unseen>,
    /// Whose uncross is to be looked at in this round, of those in a call that somebody reads.
    round: VecDeque<InstrumentId>,
}

/// A scope, and the product and period behind which its instruments are still to be looked at.
type Unseen = (Scope, ProductId, Option<Period>);

/// Everybody who reads.
#[derive(Default)]
struct Readers {
    /// By the slot of the instrument, where somebody reads of it.
    boards: Vec<Option<Box<Board>>>,
    /// Views of which the batch at hand has told something.
    told: Vec<(usize, usize)>,
    listeners: Vec<Arc<Outbox<InstrumentId>>>,
    windows_bytes: usize,
    /// Somebody reads what an uncross would do, or has.
    indicatives: bool,
}

/// The views of one instrument that are read.
#[derive(Default)]
struct Board {
    id: InstrumentId,
    lines: [Option<Box<Line>>; Kind::COUNT],
}

/// One view that is read, or was a short while ago.
struct Line {
    kind: Kind,
    readers: Vec<Arc<Unread>>,
    /// Of the batch at hand: ready updates, and where each begins with its number.
    page: BytesMut,
    marks: Vec<(u64, usize)>,
    /// The last changes by number, oldest first.
    window: VecDeque<(u64, Bytes)>,
    /// Changes of the instrument since the last page was given to readers, and since the last reader has left.
    since_page: usize,
    unread: usize,
    /// Until when a reader may come that has its book taken, or come back.
    kept_until: Option<Instant>,
}

/// From where a reader wants a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub epoch: u64,
    pub from: u64,
}

/// What became of a reader that wanted to join an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Joined {
    /// It has; so many rows were put into its outbox.
    Rows(usize),
    /// Its book is not there yet: it is to be [wanted](Live::want).
    Later,
    /// It is not listed.
    Unlisted,
}

impl Live {
    /// Follows on from the exchange as it was recovered.
    pub fn of(exchange: &Exchange) -> Live {
        Live {
            state: Mutex::new(State::of(Feed::of(exchange))),
            waiting: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            follows_books: AtomicBool::new(false),
            passed: Mutex::default(),
            taken: watch::Sender::new(0),
            queue: OnceLock::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// The last command that is told.
    pub fn at(&self) -> Stamp {
        // In this order: what was published before the one passed over is counted as waiting until it is told.
        let passed = self.passed();
        let nothing_waits = self.waiting.load(Ordering::Acquire) == 0;
        let told = self.state().feed.at();
        if nothing_waits && passed.seq > told.seq { passed } else { told }
    }

    /// As if so many more events were waiting, until what is returned is called.
    #[cfg(test)]
    pub fn burden(&self) -> impl FnOnce() {
        self.waiting.fetch_add(2 * thread::MOST_WAITING, Ordering::AcqRel);
        || {
            self.waiting.fetch_sub(2 * thread::MOST_WAITING, Ordering::AcqRel);
        }
    }

    /// How many books are kept.
    #[cfg(test)]
    pub fn books(&self) -> usize {
        self.state().feed.books()
    }

    /// Within which views are numbered now.
    pub fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Puts ids of instruments that are listed from now on into `outbox`; the epoch.
    pub fn listen(&self, outbox: &Arc<Outbox<InstrumentId>>) -> u64 {
        let mut state = self.state();
        let listeners = &mut state.readers.listeners;
        if listeners.len() == listeners.capacity() {
            listeners.retain(|listener| Arc::strong_count(listener) > 1);
        }
        listeners.push(Arc::clone(outbox));
        state.epoch
    }

    /// Turns whenever books were taken.
    pub fn taken(&self) -> watch::Receiver<u64> {
        self.taken.subscribe()
    }

    /// Whether views of an instrument can be joined now, as far as that depends on its book.
    pub fn has(&self, id: InstrumentId, kinds: &[Kind]) -> bool {
        !kinds.iter().any(|kind| kind.is_of_book()) || self.state().feed.book(id).is_some()
    }

    /// Has books taken for views of these instruments, where they are not kept; [`Live::taken`] turns when some are there.
    pub fn want(&self, ids: impl IntoIterator<Item = InstrumentId>, kinds: &[Kind]) {
        let mut state = self.state();
        let begins = state.wanted.is_empty();
        let kept_until = Instant::now() + COMING;
        for id in ids {
            if state.feed.listing(id).is_none_or(|listing| listing.book().is_some()) {
                continue;
            }
            if state.wanted_ids.insert(id) {
                state.wanted.push_back((id, BookMark::START));
            }
            for kind in kinds.iter().filter(|kind| kind.is_of_book()) {
                state.readers.line(id, *kind).kept_until = Some(kept_until);
            }
        }
        if begins && !state.wanted.is_empty() {
            // Before the exchange is asked, so that whatever is published behind its answer is seen.
            self.follows_books.store(true, Ordering::Release);
            self.wake();
        }
    }

    /// Puts views of an instrument into `outbox`, until that has run over: what it is called, then of each a snapshot or the changes from where it
    /// is resumed, and from then on every change.
    ///
    /// # Errors
    /// UNAVAILABLE when nothing is told any more.
    pub fn join(
        &self,
        outbox: &Arc<Unread>,
        id: InstrumentId,
        symbol: &str,
        kinds: &[Kind],
        resume: impl Fn(Kind) -> Option<Resume>,
    ) -> Result<Joined, Status> {
        if self.has_stopped() {
            return Err(status::market_data_stopped());
        }
        let state = &mut *self.state();
        let Some(listing) = state.feed.listing(id) else { return Ok(Joined::Unlisted) };
        if listing.book().is_none() && kinds.iter().any(|kind| kind.is_of_book()) {
            return Ok(Joined::Later);
        }
        let mut pages = Pages { page: BytesMut::new(), outbox };
        let instrument = v1::MarketInstrument { symbol: symbol.into(), epoch: state.epoch };
        pages.append(&bare(state.feed.at(), id, Content::Instrument(instrument)));
        let mut rows = 1;
        for kind in kinds {
            let resume = resume(*kind).filter(|resume| resume.epoch == state.epoch);
            rows += state.begin(&mut pages, id, *kind, resume.map(|resume| resume.from));
            state.readers.line(id, *kind).add(outbox);
        }
        pages.turn(0);
        if kinds.contains(&Kind::Indicative) {
            self.wake();
        }
        Ok(Joined::Rows(rows))
    }

    /// Has the thread see what is wanted.
    fn wake(&self) {
        if let Some(queue) = self.queue.get() {
            let _ = queue.send(Message::Wanted);
        }
    }

    /// Whether nothing is told any more.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // After a panic of the thread nothing is read from here any more.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passed(&self) -> Stamp {
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a reader begins with, on its way into the outbox.
struct Pages<'a> {
    page: BytesMut,
    outbox: &'a Unread,
}

impl Pages<'_> {
    fn append(&mut self, update: &v1::MarketUpdate) {
        ready::append(&mut self.page, update);
        self.turn(PAGE);
    }

    /// Lays down a page of more than so many bytes.
    fn turn(&mut self, most: usize) {
        if self.page.len() > most {
            self.outbox.lay(self.page.split().freeze());
        }
    }
}

impl State {
    fn of(feed: Feed) -> State {
        State {
            epoch: feed.at().seq,
            feed,
            readers: Readers::default(),
            wanted: VecDeque::new(),
            wanted_ids: BTreeSet::new(),
            unseen: VecDeque::new(),
            round: VecDeque::new(),
        }
    }

    /// Appends what a reader begins with; how many rows that is.
    fn begin(&mut self, pages: &mut Pages<'_>, id: InstrumentId, kind: Kind, from: Option<u64>) -> usize {
        let Some(listing) = self.feed.listing(id) else { unreachable!("the caller has found it") };
        let next = kind.number(listing) + 1;
        if let Some(from) = from {
            let window = self.readers.board(id).and_then(|board| board.lines[kind.index()].as_ref());
            let window = window.map(|line| &line.window);
            let first = window.and_then(|window| window.front()).map_or(next, |(number, _)| *number);
            if (first..=next).contains(&from) {
                let changes = window.into_iter().flatten().filter(|(number, _)| *number >= from);
                let rows = changes.clone().count();
                for (_, change) in changes {
                    pages.page.extend_from_slice(change);
                    pages.turn(PAGE);
                }
                return rows;
            }
        }
        let snapshot = kind.snapshot(&self.feed, id, listing);
        snapshot.iter().for_each(|part| pages.append(part));
        snapshot.iter().map(rows).sum()
    }

    /// What was told does not go on: outboxes that nobody fills any more run over, so that their readers begin again.
    fn begin_again(&mut self, feed: Feed) {
        let before = std::mem::replace(self, State::of(feed)).readers;
        let lines = before.boards.into_iter().flatten().flat_map(|board| board.lines).flatten();
        lines.flat_map(|line| line.readers).for_each(|reader| reader.run_over());
        before.listeners.iter().for_each(|listener| listener.run_over());
    }

    /// Takes note of what the exchange showed, as it stands after the last command that was told.
    fn see(&mut self, seen: Seen) {
        let State { feed, readers, wanted_ids, .. } = self;
        let since = feed.since();
        match seen {
            Seen::Books(pieces) => {
                self.wanted.drain(..pieces.len());
                for (id, piece) in pieces {
                    match piece.and_then(|piece| feed.take(id, &piece)) {
                        Some(next) => self.wanted.push_front((id, next)),
                        None => drop(wanted_ids.remove(&id)),
                    }
                }
            }
            Seen::Statuses(statuses, next) => {
                self.unseen.pop_front();
                self.unseen.extend(next);
                feed.see(statuses, [], |update| readers.hear(&update, since));
            }
            Seen::Indicatives(indicatives, _) => {
                self.round.drain(..indicatives.len());
                feed.see([], indicatives, |update| readers.hear(&update, since));
            }
        }
        readers.flush(feed, wanted_ids);
    }

    /// Whether every batch must be seen, though nobody has asked for anything.
    fn follows_books(&self) -> bool {
        self.feed.books() > 0 || !self.wanted.is_empty()
    }

    /// Takes note of commands with their events and tells whoever reads of them.
    fn tell<'a, I: IntoIterator<Item = &'a Event>>(&mut self, commands: impl Iterator<Item = (Stamp, I)>) {
        let State { feed, readers, wanted_ids, .. } = self;
        let (since, done) = (feed.since(), feed.at().seq);
        for (stamp, events) in commands.filter(|(stamp, _)| stamp.seq > done) {
            feed.apply(stamp, events, |update| readers.hear(&update, since));
        }
        readers.flush(feed, wanted_ids);
        for scope in feed.unseen() {
            let product = if let Scope::Product(product) = scope { product } else { ProductId(0) };
            self.unseen.push_back((scope, product, None));
        }
    }

    /// Begins a round of looking at what uncrosses would do; whether anybody reads it of anything in a call.
    fn begin_round(&mut self) -> bool {
        let State { feed, readers, round, .. } = self;
        let read = |board: &&Board| board.lines[Kind::Indicative.index()].is_some();
        let boards = readers.boards.iter().flatten().map(|board| &**board).filter(read);
        readers.indicatives = boards.clone().next().is_some();
        round.extend(
            boards.map(|board| board.id).filter(|id| feed.listing(*id).is_some_and(|one| one.in_call())),
        );
        !round.is_empty()
    }
}

impl Readers {
    fn board(&self, id: InstrumentId) -> Option<&Board> {
        self.boards.get(id.slot())?.as_deref().filter(|board| board.id == id)
    }

    /// The line of a view, which begins now if nobody has read it.
    fn line(&mut self, id: InstrumentId, kind: Kind) -> &mut Line {
        self.indicatives |= kind == Kind::Indicative;
        if self.boards.len() <= id.slot() {
            self.boards.resize_with(id.slot() + 1, || None);
        }
        let board = self.boards[id.slot()].get_or_insert_with(|| Box::new(Board { id, ..Board::default() }));
        debug_assert_eq!(board.id, id, "what is over has left no board");
        board.lines[kind.index()].get_or_insert_with(|| Box::new(Line::new(kind)))
    }

    /// Notes what changed of an instrument for whoever reads of it.
    fn hear(&mut self, update: &Update<'_>, since: Time) {
        if update.is_new {
            self.listeners.retain(|listener| listener.put(&update.instrument, 1));
        }
        let slot = update.instrument.slot();
        let Some(place) = self.boards.get_mut(slot) else { return };
        let Some(board) = place else { return };
        for line in board.lines.iter_mut().flatten() {
            if line.note(update, since) {
                self.told.push((slot, line.kind.index()));
            }
        }
        if update.is_over {
            for line in board.lines.iter_mut().flatten() {
                line.put(&mut self.windows_bytes);
                self.windows_bytes -= line.empty();
            }
            *place = None;
        }
    }

    /// Gives what was noted to whoever reads it. What nobody has read for a while is kept no longer, unless its book is
    /// being taken.
    fn flush(&mut self, feed: &mut Feed, wanted: &BTreeSet<InstrumentId>) {
        for (slot, index) in self.told.drain(..) {
            let Some(board) = &mut self.boards[slot] else { continue };
            let Some(line) = &mut board.lines[index] else { continue };
            let kind = line.kind;
            if line.put(&mut self.windows_bytes) || kind.is_of_book() && wanted.contains(&board.id) {
                continue;
            }
            self.windows_bytes -= line.empty();
            board.lines[index] = None;
            if !board.lines.iter().flatten().any(|line| line.kind.is_of_book()) {
                feed.forget(board.id);
            }
            if board.lines.iter().all(Option::is_none) {
                self.boards[slot] = None;
            }
        }
    }
}

impl Line {
    fn new(kind: Kind) -> Line {
        let (readers, marks, window) = (Vec::new(), Vec::new(), VecDeque::new());
        Line {
            kind,
            readers,
            page: BytesMut::new(),
            marks,
            window,
            since_page: 0,
            unread: 0,
            kept_until: None,
        }
    }

    fn add(&mut self, outbox: &Arc<Unread>) {
        if self.readers.len() == self.readers.capacity() {
            self.readers.retain(|reader| !reader.is_overrun());
        }
        self.readers.push(Arc::clone(outbox));
        (self.since_page, self.unread, self.kept_until) = (0, 0, None);
    }

    /// Adds what an update says of it to the page; whether the page is to be given to readers, as that is the first of it,
    /// or as it is time to see whether any are left.
    fn note(&mut self, update: &Update<'_>, since: Time) -> bool {
        let first = self.page.is_empty();
        if let Some(change) = self.kind.change(update, since) {
            self.marks.push((change.number, self.page.len()));
            ready::append(&mut self.page, &change);
        }
        if update.is_over {
            let over = Content::Over(v1::MarketInstrumentOver {});
            ready::append(&mut self.page, &bare(update.at, update.instrument, over));
        }
        self.since_page += 1;
        first && !self.page.is_empty() || self.since_page > WINDOW
    }

    /// Gives the page to the readers, and keeps its changes for those who resume; whether anybody may still come.
    fn put(&mut self, windows_bytes: &mut usize) -> bool {
        let page = self.page.split().freeze();
        let was_read = !self.readers.is_empty();
        self.readers.retain(|reader| match page.len() {
            0 => !reader.is_overrun(),
            bytes => reader.put(&page, bytes + PAGE_COST),
        });
        let ends = self.marks.iter().skip(1).map(|(_, start)| *start).chain([page.len()]);
        let changes: Vec<_> =
            self.marks.iter().zip(ends).map(|((number, start), end)| (*number, *start..end)).collect();
        self.marks.clear();
        let since_page = std::mem::take(&mut self.since_page);
        if self.readers.is_empty() && was_read {
            (self.unread, self.kept_until) = (0, Some(Instant::now() + COMING));
        } else if self.readers.is_empty() {
            self.unread += since_page;
        } else {
            self.unread = 0;
        }
        for (number, range) in changes {
            // Copied, so that one change does not keep the page of many.
            let change = Bytes::copy_from_slice(&page[range]);
            *windows_bytes += change.len();
            self.window.push_back((number, change));
            while self.window.len() > WINDOW || *windows_bytes > WINDOWS_BYTES {
                let Some((_, oldest)) = self.window.pop_front() else { break };
                *windows_bytes -= oldest.len();
            }
        }
        self.unread <= WINDOW || self.kept_until.is_some_and(|until| Instant::now() < until)
    }

    /// Keeps no changes any more; how many bytes those were.
    fn empty(&mut self) -> usize {
        self.window.drain(..).map(|(_, change)| change.len()).sum()
    }
}

/// How much of a look an update is.
fn rows(update: &v1::MarketUpdate) -> usize {
    match &update.content {
        Some(Content::Levels(levels)) => levels.bids.len() + levels.asks.len(),
        Some(Content::Orders(orders)) => orders.changes.len(),
        Some(Content::Candles(candles)) => candles.candles.len(),
        _ => 1,
    }
}
