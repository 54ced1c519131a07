//! How the rest of the program talks to the sequencer: submit, read, snapshot, drain.
//!
//! One queue in the order of submission, bounded in commands. What is handed in before `submit` returns
//! keeps its place whether or not anyone waits for the answer.

use crate::batch::{Receipt, Receipts};
use crate::stats::{Counters, Stats};
use crate::{Entry, Error};
use hourbook_exchange::{Exchange, RULES};
use hourbook_model::{Command, Request, Stamp};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// Submits to the sequencer. Clones share one queue; when the last one is gone, the sequencer drains.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    _last: Arc<Last>,
}

/// A snapshot that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub stamp: Stamp,
    pub state_hash: [u8; 32],
}

/// What the threads and all handles share.
pub(crate) struct Shared {
    queue: Sender<Item>,
    waiting: AtomicUsize,
    bound: usize,
    batch: usize,
    draining: AtomicBool,
    stopped: OnceLock<String>,
    on_stop: OnceLock<OnStop>,
    pub counters: Counters,
}

type OnStop = Box<dyn Fn(&str) + Send + Sync>;

/// What waits in the queue.
pub(crate) enum Item {
    One(Request, Command, oneshot::Sender<Result<Receipt, Error>>),
    Many(Vec<(Request, Command)>, oneshot::Sender<Result<Receipts, Error>>),
    Read(Read),
    Snapshot(oneshot::Sender<Result<Snapshot, Error>>),
    /// Look at clock and flags again.
    Wake,
}

/// Looks at the exchange on the writer's thread, then gives what tells the asker once it is durable.
pub(crate) type Read = Box<dyn FnOnce(&Exchange) -> Tell + Send>;
pub(crate) type Tell = Box<dyn FnOnce() + Send>;

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Handle {
        Handle { _last: Arc::new(Last(Arc::clone(&shared))), shared }
    }

    /// Hands in a command; what is returned resolves once it is durable and applied.
    ///
    /// The command has its place in the queue when this returns, so that calls in order stay in order.
    ///
    /// [`AdvanceTime`](hourbook_model::AdvanceTime) is stamped with the time that it asks for, where the exchange is a
    /// rehearsal or nothing yet, and is refused otherwise.
    ///
    /// # Panics
    /// At [`SetRulesVersion`](hourbook_model::SetRulesVersion) with rules that this program does not know: a journal
    /// that held it could not be read again.
    pub fn submit(&self, request: Request, command: Command) -> Pending<Receipt> {
        assert!(!is_beyond_rules(&command), "rules that are not known are not journaled");
        let weight = weight(&command);
        self.enter(weight, |answer| Item::One(request, command, answer))
    }

    /// Hands in commands that are taken, answered and woken for together, in one batch: whole or not at all.
    ///
    /// # Errors
    /// As `submit`'s, and [`Error::TooLarge`] above the batch bound. While the disk is full, one command
    /// that is refused for it refuses them all.
    ///
    /// # Panics
    /// As `submit`, and at [`AdvanceTime`](hourbook_model::AdvanceTime), which goes alone: what it comes to depends on
    /// all that is before it.
    pub fn submit_batch(&self, commands: Vec<(Request, Command)>) -> Pending<Receipts> {
        let most = self.shared.batch;
        if commands.len() > most {
            return self.refused(Error::TooLarge { found: commands.len(), most });
        }
        let is_known = |(_, command): &(Request, Command)| !is_beyond_rules(command);
        assert!(commands.iter().all(is_known), "rules that are not known are not journaled");
        let moves_time = commands.iter().any(|(_, command)| matches!(command, Command::AdvanceTime(_)));
        assert!(!moves_time, "time is moved alone");
        let weight = commands.iter().map(|(_, command)| weight(command)).sum();
        self.enter(weight, |answer| Item::Many(commands, answer))
    }

    /// Looks at the state between two commands. Nothing is journaled; resolves once everything that it saw
    /// is durable.
    ///
    /// `look` runs on the writer's thread, in its place in the queue or a little later: keep it short and
    /// bounded, every order waits for it.
    pub fn read<T: Send + 'static>(&self, look: impl FnOnce(&Exchange) -> T + Send + 'static) -> Pending<T> {
        self.enter(1, |answer| {
            Item::Read(Box::new(|exchange| {
                let seen = look(exchange);
                Box::new(move || {
                    // The one who asked may have gone; that is no fault.
                    let _ = answer.send(Ok(seen));
                })
            }))
        })
    }

    /// The same, for who follows the batches: `tell` is given what was seen on the publishing thread, in order with them.
    /// Every batch before the one whose end was looked at has been shown to subscribers by then, and none behind it; that
    /// one, if it had any command, comes next. `tell` must not block.
    pub fn show<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Exchange) -> T + Send + 'static,
        tell: impl FnOnce(T) + Send + 'static,
    ) -> Pending<()> {
        self.enter(1, |answer| {
            Item::Read(Box::new(|exchange| {
                let seen = look(exchange);
                Box::new(move || {
                    tell(seen);
                    let _ = answer.send(Ok(()));
                })
            }))
        })
    }

    /// The live state's number and hash. Stands in the writer's way while it encodes the whole state: for
    /// operators and tests.
    pub fn state_hash(&self) -> Pending<(Stamp, [u8; 32])> {
        self.read(|exchange| (exchange.stamp(), exchange.state_hash()))
    }

    /// Asks for a snapshot; resolves when it is written. Made from the journal, off the writer's path.
    pub fn snapshot(&self) -> Pending<Snapshot> {
        self.enter(1, Item::Snapshot)
    }

    /// Refuses new work from now on, finishes what waits, syncs, and stops. `Sequencer::run` then returns.
    pub fn drain(&self) {
        self.shared.drain();
    }

    /// Has the writer look at the clock again, after a manual one was moved.
    pub fn wake(&self) {
        self.shared.wake();
    }

    /// Figures of this moment.
    pub fn stats(&self) -> Stats {
        self.shared.counters.read(self.shared.waiting.load(Ordering::Relaxed), self.shared.bound)
    }

    /// Why the sequencer has stopped; `None` while it runs.
    pub fn stopped(&self) -> Option<&str> {
        self.shared.stopped.get().map(String::as_str)
    }

    fn enter<T>(
        &self,
        weight: usize,
        item: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Item,
    ) -> Pending<T> {
        if let Some(reason) = self.stopped() {
            return self.refused(Error::Stopped { reason: reason.to_owned() });
        }
        if self.shared.draining.load(Ordering::Acquire) {
            return self.refused(Error::Draining);
        }
        let before = self.shared.waiting.fetch_add(weight, Ordering::AcqRel);
        // A single command may be heavier than the whole queue: an empty one takes it.
        if before != 0 && before + weight > self.shared.bound {
            self.shared.waiting.fetch_sub(weight, Ordering::AcqRel);
            self.shared.counters.refused_busy.fetch_add(1, Ordering::Relaxed);
            return self.refused(Error::Busy { retry_after: self.shared.retry_after(before) });
        }
        let (answer, state) = oneshot::channel();
        // A queue without its reader drops the item, and with it `answer`: the asker is told why.
        let _ = self.shared.queue.send(item(answer));
        Pending { state: Ok(state), shared: Arc::clone(&self.shared) }
    }

    fn refused<T>(&self, error: Error) -> Pending<T> {
        Pending { state: Err(Some(error)), shared: Arc::clone(&self.shared) }
    }
}

impl Shared {
    pub fn new(queue: Sender<Item>, bound: usize, batch: usize) -> Shared {
        Shared {
            queue,
            waiting: AtomicUsize::new(0),
            bound,
            batch,
            draining: AtomicBool::new(false),
            stopped: OnceLock::new(),
            on_stop: OnceLock::new(),
            counters: Counters::default(),
        }
    }

    /// What is called once, on the thread that found the fault.
    pub fn on_stop(&self, call: OnStop) {
        self.on_stop.set(call).ok().expect("set once, before the threads run");
    }

    /// Stops everything: nothing is acknowledged from here on.
    pub fn fail(&self, reason: String) {
        if self.stopped.set(reason).is_ok() {
            let reason = self.stopped.get().expect("just set");
            tracing::error!(reason, "the sequencer stops");
            if let Some(call) = self.on_stop.get() {
                call(reason);
            }
        }
        self.wake();
    }

    /// Marks an orderly end, so that what comes later is told.
    pub fn ended(&self) {
        let _ = self.stopped.set("it was drained".to_owned());
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.get().is_some()
    }

    pub fn reason(&self) -> String {
        self.stopped.get().cloned().unwrap_or_else(|| "its thread is gone".to_owned())
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
        self.wake();
    }

    pub fn wake(&self) {
        // Without a reader there is nobody to wake.
        let _ = self.queue.send(Item::Wake);
    }

    /// So much less waits.
    pub fn taken(&self, weight: usize) {
        self.waiting.fetch_sub(weight, Ordering::AcqRel);
    }

    /// About when half of what waits will be done.
    fn retry_after(&self, waiting: usize) -> Duration {
        let each = self.counters.nanos_per_command.load(Ordering::Relaxed);
        Duration::from_nanos(each.saturating_mul(waiting as u64) / 2)
            .clamp(Duration::from_millis(1), Duration::from_secs(1))
    }
}

impl Item {
    /// How much room it takes in the queue.
    pub fn weight(&self) -> usize {
        match self {
            Item::One(_, command, _) => weight(command),
            Item::Many(commands, _) => commands.iter().map(|(_, command)| weight(command)).sum(),
            Item::Read(_) | Item::Snapshot(_) => 1,
            Item::Wake => 0,
        }
    }

    /// Whether it moves time: then nothing but the machine's own stands beside it in its batch, so that the state says
    /// whether it may.
    pub fn moves_time(&self) -> bool {
        matches!(self, Item::One(_, Command::AdvanceTime(_), _))
    }
}

/// Whether a command asks for rules that this program does not know.
pub(crate) fn is_beyond_rules(command: &Command) -> bool {
    matches!(command, Command::SetRulesVersion(body) if body.version > RULES)
}

/// Commands count one each, a mass quote its quotes.
fn weight(command: &Command) -> usize {
    match command {
        Command::MassQuote(body) => body.quotes.len().max(1),
        _ => 1,
    }
}

/// The last handle's end is the sequencer's.
struct Last(Arc<Shared>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.drain();
    }
}

/// An answer that is not there yet: await it, or [`Pending::wait`] for it.
#[must_use = "the command stands in the queue, but nobody learns what became of it"]
pub struct Pending<T> {
    state: Result<oneshot::Receiver<Result<T, Error>>, Option<Error>>,
    shared: Arc<Shared>,
}

impl<T> Pending<T> {
    /// Waits for it on this thread; not to be called from within an async runtime.
    pub fn wait(self) -> Result<T, Error> {
        match self.state {
            Ok(state) => {
                state.blocking_recv().unwrap_or_else(|_| Err(Error::Stopped { reason: self.shared.reason() }))
            }
            Err(error) => Err(error.expect("not polled before")),
        }
    }

    /// Why it was refused at the door, if it was.
    pub fn refusal(&self) -> Option<&Error> {
        self.state.as_ref().err().and_then(Option::as_ref)
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            Ok(state) => Pin::new(state).poll(context).map(|answer| {
                answer.unwrap_or_else(|_| Err(Error::Stopped { reason: self.shared.reason() }))
            }),
            Err(error) => Poll::Ready(Err(error.take().expect("polled after it was ready"))),
        }
    }
}

/// Whether a command only takes back, protects the market, lets someone in who wants to take back, or is the
/// machine's own: accepted even while the disk is full.
pub(crate) fn only_reduces(command: &Command) -> bool {
    matches!(
        command,
        Command::CancelOrder(_)
            | Command::MassCancel(_)
            | Command::ReduceOrder(_)
            | Command::LogOn(_)
            | Command::LogOff(_)
            | Command::Kill(_)
            | Command::Halt(_)
            | Command::RevokeKey(_)
            | Command::Tick(_)
            | Command::Restart(_)
    )
}

const _: () = {
    const fn shared_between_threads<T: Send + Sync>() {}
    shared_between_threads::<Handle>();
    shared_between_threads::<Entry>();
};
