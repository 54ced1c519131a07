//! Live market data: kept up to date on a thread of its own, encoded once for all who read the same view.
//!
//! Always true: who joins a view gets a snapshot, or the changes from the number it named, and then each change once and
//! in order; or its outbox has run over, was emptied, and receives nothing more. Publishing never waits for this thread:
//! where it falls behind by more than [`MOST_WAITING`] events, it leaves them out, begins again from the exchange as it
//! then stands under a new epoch, and every reader with it.

use crate::hub::Outbox;
use crate::status;
use crate::views::{Kind, bare};
use bytes::{Bytes, BytesMut};
use crossbeam_channel::{Receiver, Sender};
use hourbook_api::ready;
use hourbook_api::v1::{self, market_update::Content};
use hourbook_exchange::Exchange;
use hourbook_feed::{Feed, Update};
use hourbook_model::{InstrumentId, Stamp};
use hourbook_sequencer::{Batch, Handle};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonic::Status;

/// Events that may wait to be told: about half a second at full speed.
const MOST_WAITING: usize = 1_000_000;
/// Changes of one view that are kept for those who resume, and bytes of all that are kept so.
const WINDOW: usize = 256;
const WINDOWS_BYTES: usize = 64 << 20;

/// What one reader has not read: bytes of ready updates.
pub(crate) type Unread = Outbox<Bytes>;

/// Market data as of the last batch that was told.
pub(crate) struct Live {
    state: Mutex<State>,
    waiting: AtomicUsize,
    /// Batches were left out: what comes now does not follow on.
    lost: AtomicBool,
    /// Nothing is told any more.
    stopped: AtomicBool,
}

struct State {
    feed: Feed,
    /// The number of the command that the feed began with: numbers of views are counted from there.
    epoch: u64,
    /// By the slot of the instrument, where somebody reads of it.
    boards: Vec<Option<Box<Board>>>,
    /// Views of which the batch at hand has told something.
    told: Vec<(usize, usize)>,
    listeners: Vec<Arc<Outbox<InstrumentId>>>,
    windows_bytes: usize,
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
    /// Changes since the last reader has left.
    unread: usize,
}

/// From where a reader wants a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub epoch: u64,
    pub from: u64,
}

impl Live {
    /// Follows on from the exchange as it was recovered.
    pub fn of(exchange: &Exchange) -> Live {
        Live {
            state: Mutex::new(State::of(Feed::of(exchange))),
            waiting: AtomicUsize::new(0),
            lost: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        }
    }

    /// The last command that is told.
    pub fn at(&self) -> Stamp {
        self.state().feed.at()
    }

    /// As if so many more events were waiting, until what is returned is called.
    #[cfg(test)]
    pub fn burden(&self) -> impl FnOnce() {
        self.waiting.fetch_add(2 * MOST_WAITING, Ordering::AcqRel);
        || {
            self.waiting.fetch_sub(2 * MOST_WAITING, Ordering::AcqRel);
        }
    }

    /// Within which views are numbered now.
    pub fn epoch(&self) -> u64 {
        self.state().epoch
    }

    /// Puts ids of instruments that are listed from now on into `outbox`; the epoch.
    pub fn listen(&self, outbox: &Arc<Outbox<InstrumentId>>) -> u64 {
        let mut state = self.state();
        if state.listeners.len() == state.listeners.capacity() {
            state.listeners.retain(|listener| Arc::strong_count(listener) > 1);
        }
        state.listeners.push(Arc::clone(outbox));
        state.epoch
    }

    /// Puts views of an instrument into `outbox`: what it is called, then of each a snapshot or the changes from where it
    /// is resumed, and from then on every change. How many rows that was; `None` when it is not listed.
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
    ) -> Result<Option<usize>, Status> {
        if self.has_stopped() {
            return Err(status::market_data_stopped());
        }
        let state = &mut *self.state();
        if state.feed.book(id).is_none() {
            return Ok(None);
        }
        let mut page = BytesMut::new();
        let instrument = v1::MarketInstrument { symbol: symbol.into(), epoch: state.epoch };
        ready::append(&mut page, &bare(state.feed.at(), id, Content::Instrument(instrument)));
        let mut rows = 1;
        for kind in kinds {
            let resume = resume(*kind).filter(|resume| resume.epoch == state.epoch);
            rows += state.begin(&mut page, id, *kind, resume.map(|resume| resume.from));
            state.line(id, *kind).add(outbox);
        }
        let bytes = page.len();
        outbox.put(&page.freeze(), bytes);
        Ok(Some(rows))
    }

    /// Whether nothing is told any more.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // After a panic of the thread nothing is read from here any more.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(feed: Feed) -> State {
        let (boards, told, listeners) = (Vec::new(), Vec::new(), Vec::new());
        State { epoch: feed.at().seq, feed, boards, told, listeners, windows_bytes: 0 }
    }

    /// Appends what a reader begins with; how many rows that is.
    fn begin(&mut self, page: &mut BytesMut, id: InstrumentId, kind: Kind, from: Option<u64>) -> usize {
        let Some(book) = self.feed.book(id) else { unreachable!("the caller has found it") };
        let next = kind.number(book) + 1;
        if let Some(from) = from {
            let line =
                self.boards.get(id.slot()).and_then(|board| board.as_ref()).filter(|board| board.id == id);
            let window = line.and_then(|board| board.lines[kind.index()].as_ref()).map(|line| &line.window);
            let first = window.and_then(|window| window.front()).map_or(next, |(number, _)| *number);
            if (first..=next).contains(&from) {
                let changes = window.into_iter().flatten().filter(|(number, _)| *number >= from);
                let rows = changes.clone().count();
                changes.for_each(|(_, change)| page.extend_from_slice(change));
                return rows;
            }
        }
        let snapshot = kind.snapshot(&self.feed, id, book);
        snapshot.iter().for_each(|part| ready::append(page, part));
        snapshot.iter().map(rows).sum()
    }

    /// The line of a view, which begins now if nobody has read it.
    fn line(&mut self, id: InstrumentId, kind: Kind) -> &mut Line {
        if self.boards.len() <= id.slot() {
            self.boards.resize_with(id.slot() + 1, || None);
        }
        let board = self.boards[id.slot()].get_or_insert_with(|| Box::new(Board { id, ..Board::default() }));
        debug_assert_eq!(board.id, id, "what is over has left no board");
        board.lines[kind.index()].get_or_insert_with(|| Box::new(Line::new(kind)))
    }

    /// What was told does not go on: outboxes that nobody fills any more run over, so that their readers begin again.
    fn begin_again(&mut self, feed: Feed) {
        let before = std::mem::replace(self, State::of(feed));
        let lines = before.boards.into_iter().flatten().flat_map(|board| board.lines).flatten();
        lines.flat_map(|line| line.readers).for_each(|reader| reader.run_over());
        before.listeners.iter().for_each(|listener| listener.run_over());
    }

    /// Takes note of a batch and tells whoever reads of it.
    fn tell(&mut self, batch: &Batch) {
        let State { feed, boards, told, listeners, windows_bytes, .. } = self;
        let since = feed.since();
        let done = feed.at().seq;
        for (entry, events) in batch.iter().filter(|(entry, _)| entry.stamp.seq > done) {
            feed.apply(entry.stamp, events, |update| {
                if update.is_new {
                    listeners.retain(|listener| listener.put(&update.instrument, 1));
                }
                let slot = update.instrument.slot();
                let Some(place) = boards.get_mut(slot) else { return };
                let Some(board) = place else { return };
                for line in board.lines.iter_mut().flatten() {
                    if line.note(&update, since) {
                        told.push((slot, line.kind.index()));
                    }
                }
                if update.is_over {
                    for line in board.lines.iter_mut().flatten() {
                        line.put(windows_bytes);
                        *windows_bytes -=
                            line.window.drain(..).map(|(_, change)| change.len()).sum::<usize>();
                    }
                    *place = None;
                }
            });
        }
        for (slot, index) in told.drain(..) {
            let Some(board) = &mut boards[slot] else { continue };
            let Some(line) = &mut board.lines[index] else { continue };
            if !line.put(windows_bytes) {
                *windows_bytes -= line.window.drain(..).map(|(_, change)| change.len()).sum::<usize>();
                board.lines[index] = None;
            }
            if board.lines.iter().all(Option::is_none) {
                boards[slot] = None;
            }
        }
    }
}

impl Line {
    fn new(kind: Kind) -> Line {
        let (readers, marks, window) = (Vec::new(), Vec::new(), VecDeque::new());
        Line { kind, readers, page: BytesMut::new(), marks, window, unread: 0 }
    }

    fn add(&mut self, outbox: &Arc<Unread>) {
        if self.readers.len() == self.readers.capacity() {
            self.readers.retain(|reader| Arc::strong_count(reader) > 1);
        }
        self.readers.push(Arc::clone(outbox));
    }

    /// Adds what an update says of it to the page; whether that is the first of it.
    fn note(&mut self, update: &Update<'_>, since: hourbook_model::Time) -> bool {
        let first = self.page.is_empty();
        if let Some(change) = self.kind.change(update, since) {
            self.marks.push((change.number, self.page.len()));
            ready::append(&mut self.page, &change);
        }
        if update.is_over {
            let over = Content::Over(v1::MarketInstrumentOver {});
            ready::append(&mut self.page, &bare(update.at, update.instrument, over));
        }
        first && !self.page.is_empty()
    }

    /// Gives the page to the readers, and keeps its changes for those who resume; whether anybody may still come.
    fn put(&mut self, windows_bytes: &mut usize) -> bool {
        let page = self.page.split().freeze();
        self.readers.retain(|reader| reader.put(&page, page.len()));
        let ends = self.marks.iter().skip(1).map(|(_, start)| *start).chain([page.len()]);
        let changes: Vec<_> =
            self.marks.iter().zip(ends).map(|((number, start), end)| (*number, *start..end)).collect();
        self.marks.clear();
        self.unread = if self.readers.is_empty() { self.unread + changes.len() } else { 0 };
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
        self.unread <= WINDOW
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

/// Shows the thread every batch; when it goes, the thread ends.
pub(crate) struct Teller {
    live: Arc<Live>,
    queue: Sender<Arc<Batch>>,
}

impl Teller {
    /// Starts the thread, which holds nothing that others wait for. Without one nothing is told, and readers are told
    /// that.
    pub fn start(live: &Arc<Live>, handle: Handle) -> Teller {
        let (queue, batches) = crossbeam_channel::unbounded();
        let started = std::thread::Builder::new().name("market-data".to_owned()).spawn({
            let live = Arc::clone(live);
            move || watched(&live, || run(&live, &handle, &batches))
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for market data: it is not told");
            live.stopped.store(true, Ordering::Release);
        }
        Teller { live: Arc::clone(live), queue }
    }

    /// Never waits: what comes behind too much is left out. The batch that is too much is still given on, so that the
    /// thread wakes and sees it.
    pub fn tell(&self, batch: &Arc<Batch>) {
        let live = &*self.live;
        if live.has_stopped() || live.lost.load(Ordering::Acquire) {
            return;
        }
        if live.waiting.load(Ordering::Acquire) > MOST_WAITING {
            live.lost.store(true, Ordering::Release);
        }
        live.waiting.fetch_add(weight(batch), Ordering::AcqRel);
        let _ = self.queue.send(Arc::clone(batch));
    }
}

fn weight(batch: &Batch) -> usize {
    batch.events().len() + batch.entries().len()
}

/// Should the telling panic, readers are told so.
fn watched(live: &Live, tell: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(tell)).is_err() {
        tracing::error!("market data is told no more: its thread panicked; the exchange goes on");
        live.stopped.store(true, Ordering::Release);
    }
}

fn run(live: &Live, handle: &Handle, batches: &Receiver<Arc<Batch>>) {
    while let Ok(batch) = batches.recv() {
        live.waiting.fetch_sub(weight(&batch), Ordering::AcqRel);
        if !live.lost.load(Ordering::Acquire) {
            live.state().tell(&batch);
            continue;
        }
        drop(batch);
        while let Ok(batch) = batches.try_recv() {
            live.waiting.fetch_sub(weight(&batch), Ordering::AcqRel);
        }
        begin_again(live, handle);
    }
}

/// Batches were left out: begins with the exchange as it stands. What is published from here on is shown again, and what
/// of it the exchange has already seen by then is passed over.
fn begin_again(live: &Live, handle: &Handle) {
    tracing::warn!("market data fell behind: it begins again, and so do its readers");
    live.lost.store(false, Ordering::Release);
    match ask(handle) {
        Ok(feed) => live.state().begin_again(feed),
        Err(why) => {
            tracing::error!(why, "market data is told no more; the exchange goes on");
            live.stopped.store(true, Ordering::Release);
        }
    }
}

/// The feed that follows on from the exchange as it stands; why there is none.
fn ask(handle: &Handle) -> Result<Feed, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    loop {
        match runtime.block_on(handle.read(Feed::of)) {
            Err(hourbook_sequencer::Error::Busy { retry_after }) => std::thread::sleep(retry_after),
            answer => return answer.map_err(|error| error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_gone_is_no_secret() {
        let live = Live::of(&Exchange::new());
        watched(&live, || {});
        assert!(!live.has_stopped(), "an end in order is none");
        watched(&live, || panic!("as if a rule of ours were broken"));
        assert!(live.has_stopped());
        let joined = live.join(&Outbox::of(1), InstrumentId(1), "", &[Kind::Top], |_| None);
        assert_eq!(joined.unwrap_err().code(), tonic::Code::Unavailable);
    }
}
