//! The thread of market data: it hears what is published, and asks the exchange for what only that knows: books, how
//! instruments of a scope trade, what an uncross would do. One question at a time; an answer counts where it stands among
//! the batches.
//!
//! Always true: publishing never waits for it; what it left out it begins again from.

use super::{Live, State, Unseen};
use crate::statuses::SLICE;
use hourbook_exchange::{BookMark, BookPiece, Exchange};
use hourbook_feed::Feed;
use hourbook_model::{self as model, Event, InstrumentId, Price, ProductId, Quantity, Scope, Stamp};
use hourbook_sequencer::{Batch, Error, Handle, Pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// Events that may wait to be told: about half a second at full speed.
pub(super) const MOST_WAITING: usize = 1_000_000;
/// What the exchange is asked for at once: so many books, and about so many orders of them. The writer stands still for
/// it for a fraction of a millisecond.
const BOOKS: usize = 512;
const ORDERS: usize = if cfg!(test) { 5 } else { 4_096 };

/// Open orders of books in a call that are looked at at once; how long the writer is then left alone, at least; and how
/// often each book is looked at, at most.
const MOST_LOOKED: usize = 20_000;
const LOOK_PAUSE: Duration = Duration::from_millis(25);
const ROUND: Duration = Duration::from_millis(250);
/// How long the thread rests after what it heard while nobody reads a book: what is published meanwhile it takes together,
/// and publishing need not wake it for each batch.
const REST: Duration = Duration::from_millis(1);

/// A piece of each book that was asked for; `None` of what is listed no more.
pub(super) type Pieces = Vec<(InstrumentId, Option<BookPiece>)>;

/// What the thread is told.
pub(super) enum Message {
    /// Everything that was published together.
    Batch(Arc<Batch>),
    /// Of what was published together, what concerns instruments whose book nobody reads.
    Notes(Notes),
    /// Something is wanted.
    Wanted,
    /// What the exchange showed, as it stood at the end of a batch: the next one, or one before.
    Seen(Stamp, Seen),
    /// Where to begin again.
    Again(Box<Feed>),
    /// Nothing more comes.
    End,
}

/// What was asked for.
pub(super) enum Seen {
    Books(Pieces),
    /// How instruments trade, and what more of the scope is to be looked at.
    Statuses(Vec<(InstrumentId, model::Status)>, Option<Unseen>),
    /// What uncrosses would do, and about how many orders that looked at.
    Indicatives(Vec<(InstrumentId, Option<(Price, Quantity)>)>, usize),
}

/// Events of some commands of a batch.
#[derive(Default)]
pub(super) struct Notes {
    events: Vec<Event>,
    /// Each command, and where its events end.
    commands: Vec<(Stamp, usize)>,
    last: Stamp,
}

impl Notes {
    fn iter(&self) -> impl Iterator<Item = (Stamp, &[Event])> {
        let begins = [0].into_iter().chain(self.commands.iter().map(|(_, end)| *end));
        begins.zip(&self.commands).map(|(begin, (stamp, end))| (*stamp, &self.events[begin..*end]))
    }
}

/// Shows the thread what is published; when it goes, the thread ends.
pub(crate) struct Teller {
    live: Arc<Live>,
    queue: Sender<Message>,
    /// Of the batch at hand.
    notes: Notes,
    /// The batch at hand is given on whole.
    is_whole: bool,
}

impl Teller {
    /// Starts the thread, which holds nothing that others wait for. Without one nothing is told, and readers are told
    /// that.
    pub fn start(live: &Arc<Live>, handle: Handle) -> Teller {
        let (queue, messages) = mpsc::channel();
        live.queue.set(queue.clone()).expect("market data has one thread");
        let started = std::thread::Builder::new().name("market-data".to_owned()).spawn({
            let (live, answers) = (Arc::clone(live), queue.clone());
            let thread = Thread::new(Arc::clone(&live), handle, answers);
            move || {
                hourbook_sequencer::interrupt_nobody();
                watched(&live, || thread.run(&messages));
            }
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread for market data: it is not told");
            live.stopped.store(true, Ordering::Release);
        }
        Teller { live: Arc::clone(live), queue, notes: Notes::default(), is_whole: false }
    }

    /// A batch begins. Whoever has a book taken from now on gets it as it stands behind this batch.
    pub fn begin(&mut self) {
        self.is_whole = self.live.follows_books.load(Ordering::Acquire);
    }

    /// Takes note of an event of the batch that is told next.
    pub fn note(&mut self, at: Stamp, event: &Event) {
        if self.is_whole || !Feed::concerns_all(event) {
            return;
        }
        self.notes.events.push(event.clone());
        let end = self.notes.events.len();
        match self.notes.commands.last_mut() {
            Some(last) if last.0 == at => last.1 = end,
            _ => self.notes.commands.push((at, end)),
        }
    }

    /// Never waits: what comes behind too much is left out. The batch that is too much is still given on, so that the
    /// thread wakes and sees it.
    pub fn tell(&mut self, batch: &Arc<Batch>) {
        let live = &*self.live;
        let (mut notes, Some(last)) = (std::mem::take(&mut self.notes), batch.last()) else { return };
        if live.has_stopped() || live.lost.load(Ordering::Acquire) {
            return;
        }
        let message = if self.is_whole {
            Message::Batch(Arc::clone(batch))
        } else if notes.commands.is_empty() {
            *live.passed.lock().unwrap_or_else(PoisonError::into_inner) = last;
            return;
        } else {
            notes.last = last;
            Message::Notes(notes)
        };
        if live.waiting.load(Ordering::Acquire) > MOST_WAITING {
            live.lost.store(true, Ordering::Release);
        }
        live.waiting.fetch_add(message.weight(), Ordering::AcqRel);
        let _ = self.queue.send(message);
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::End);
    }
}

impl Message {
    fn weight(&self) -> usize {
        match self {
            Message::Batch(batch) => batch.events().len() + batch.entries().len(),
            Message::Notes(notes) => notes.events.len() + notes.commands.len(),
            _ => 0,
        }
    }
}

/// Should the telling panic, readers are told so.
fn watched(live: &Live, tell: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(tell)).is_err() {
        tracing::error!("market data is told no more: its thread panicked; the exchange goes on");
        live.stopped.store(true, Ordering::Release);
    }
}

struct Thread {
    live: Arc<Live>,
    handle: Handle,
    /// Where the exchange's answers are put: between the batches that were published before and behind them.
    answers: Sender<Message>,
    /// An answer that is true behind the next batch.
    held: Option<(Stamp, Seen)>,
    /// There is no answer yet.
    asked: bool,
    /// Batches were left out, and where to begin again was asked for: nothing else counts until that is there.
    begins_again: bool,
    /// The exchange was too busy to be asked: when to try again.
    pause: Option<Duration>,
    /// Whether an uncross is to be looked at, when next, and when the round began.
    looks: bool,
    look_at: Instant,
    round_began: Instant,
}

impl Thread {
    fn new(live: Arc<Live>, handle: Handle, answers: Sender<Message>) -> Thread {
        let (look_at, round_began) = (Instant::now(), Instant::now());
        let (held, asked, begins_again, pause, looks) = (None, false, false, None, false);
        Thread { live, handle, answers, held, asked, begins_again, pause, looks, look_at, round_began }
    }

    fn run(mut self, messages: &Receiver<Message>) {
        loop {
            let look =
                (self.looks && !self.asked).then(|| self.look_at.saturating_duration_since(Instant::now()));
            let message = match self.pause.take().or(look) {
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(pause) => messages.recv_timeout(pause),
            };
            match message {
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(message) => {
                    let weight = message.weight();
                    self.hear(message);
                    // Told by now.
                    let live = &self.live;
                    let is_last = live.waiting.fetch_sub(weight, Ordering::AcqRel) == weight;
                    if weight > 0 && is_last && !live.follows_books.load(Ordering::Acquire) {
                        std::thread::sleep(REST);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.ask();
        }
    }

    fn hear(&mut self, message: Message) {
        if self.live.lost.load(Ordering::Acquire) && !self.begins_again {
            tracing::warn!("market data fell behind: it begins again, and so do its readers");
            (self.held, self.asked, self.begins_again, self.pause) = (None, false, true, None);
        }
        let live = Arc::clone(&self.live);
        if self.begins_again {
            let Message::Again(feed) = message else { return };
            self.asked = false;
            if !live.lost.load(Ordering::Acquire) {
                // What of that which is shown again the exchange has already seen by then is passed over.
                self.begins_again = false;
                live.state().begin_again(*feed);
                live.taken.send_modify(|taken| *taken += 1);
            }
            return;
        }
        let state = &mut *live.state();
        match message {
            Message::Batch(batch) => {
                state.tell(batch.iter().map(|(entry, events)| (entry.stamp, events)));
            }
            Message::Notes(notes) => {
                state.tell(notes.iter());
                if notes.last.seq > state.feed.at().seq {
                    state.feed.pass(notes.last);
                }
            }
            Message::Seen(at, seen) => {
                // What was passed over before it was asked for is not in the queue.
                let passed = live.passed();
                if passed.seq > state.feed.at().seq {
                    state.feed.pass(passed);
                }
                self.held = Some((at, seen));
            }
            Message::Wanted | Message::Again(_) | Message::End => {}
        }
        if let Some((_, seen)) = self.held.take_if(|(at, _)| at.seq <= state.feed.at().seq) {
            self.asked = false;
            if let Seen::Indicatives(_, orders) = &seen {
                let rest = LOOK_PAUSE.max(Duration::from_micros(*orders as u64));
                self.look_at = Instant::now() + rest;
            }
            state.see(seen);
            live.taken.send_modify(|taken| *taken += 1);
        }
        live.follows_books.store(self.asked || state.follows_books(), Ordering::Release);
    }

    /// Asks the exchange for what is wanted of it, one question at a time.
    fn ask(&mut self) {
        if self.asked {
            return;
        }
        if self.begins_again {
            self.live.lost.store(false, Ordering::Release);
            let answers = self.answers.clone();
            let begin = |exchange: &Exchange| Box::new(Feed::of(exchange));
            let asked = self.handle.show(begin, move |feed| drop(answers.send(Message::Again(feed))));
            return self.asked(&asked);
        }
        let live = Arc::clone(&self.live);
        let state = &mut *live.state();
        if let Some(from) = state.unseen.front().copied() {
            self.show(move |exchange| statuses(exchange, from));
        } else if !state.wanted.is_empty() {
            let wanted: Vec<_> = state.wanted.iter().take(BOOKS).copied().collect();
            self.show(move |exchange| Seen::Books(pieces(exchange, &wanted)));
        } else if let Some(round) = self.round(state) {
            self.show(move |exchange| indicatives(exchange, &round));
        }
    }

    /// Whose uncross is to be looked at now.
    fn round(&mut self, state: &mut State) -> Option<Vec<InstrumentId>> {
        if !state.readers.indicatives {
            self.looks = false;
            return None;
        }
        let now = Instant::now();
        if now < self.look_at {
            return None;
        }
        if state.round.is_empty() {
            let next = self.round_began + ROUND;
            if now < next {
                (self.looks, self.look_at) = (true, next);
                return None;
            }
            self.round_began = now;
            self.looks = state.begin_round();
        }
        self.looks.then(|| state.round.iter().take(BOOKS).copied().collect())
    }

    fn show(&mut self, look: impl FnOnce(&Exchange) -> Seen + Send + 'static) {
        // Before it is asked, so that whatever is published behind its answer is seen.
        self.live.follows_books.store(true, Ordering::Release);
        let answers = self.answers.clone();
        let look = move |exchange: &Exchange| (exchange.stamp(), look(exchange));
        let asked = self.handle.show(look, move |(at, seen)| drop(answers.send(Message::Seen(at, seen))));
        self.asked(&asked);
    }

    fn asked(&mut self, asked: &Pending<()>) {
        match asked.refusal() {
            None => self.asked = true,
            Some(Error::Busy { retry_after }) => self.pause = Some(*retry_after),
            Some(why) if self.begins_again => {
                tracing::error!(%why, "market data is told no more; the exchange goes on");
                self.live.stopped.store(true, Ordering::Release);
            }
            // It ends, and so does all of this.
            Some(_) => {}
        }
    }
}

/// How instruments of a scope trade: as many as may be looked at at once.
fn statuses(exchange: &Exchange, (scope, from, after): Unseen) -> Seen {
    let within = |id: &ProductId| if scope == Scope::Market { *id >= from } else { *id == from };
    let products = exchange.products().map(|(id, _)| id).filter(within);
    let mut found = Vec::new();
    for product in products {
        let after = after.filter(|_| product == from);
        let slice = exchange.statuses_of(product, after, SLICE - found.len());
        let last = slice.last().map(|(_, period, _)| *period);
        found.extend(slice.into_iter().map(|(id, _, status)| (id, status)));
        if found.len() == SLICE {
            return Seen::Statuses(found, Some((scope, product, last.or(after))));
        }
    }
    Seen::Statuses(found, None)
}

/// What uncrosses would do, until there was enough to look at.
fn indicatives(exchange: &Exchange, round: &[InstrumentId]) -> Seen {
    let (mut found, mut orders) = (Vec::new(), 0);
    for id in round {
        let (indicative, looked_at) = exchange.indicative(*id).unwrap_or_default();
        found.push((*id, indicative));
        orders += looked_at;
        if orders >= MOST_LOOKED {
            break;
        }
    }
    Seen::Indicatives(found, orders)
}

/// A piece of each book that is wanted, until there is enough; of what is listed no more, none.
fn pieces(exchange: &Exchange, wanted: &[(InstrumentId, BookMark)]) -> Pieces {
    let (mut room, mut pieces) = (ORDERS, Pieces::new());
    for (id, from) in wanted {
        let piece = exchange.book_piece(*id, *from, room);
        let orders = piece.as_ref().map_or(0, |piece| piece.orders.len());
        pieces.push((*id, piece));
        room = room.saturating_sub(orders);
        if room == 0 {
            break;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Outbox;
    use crate::views::Kind;

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
