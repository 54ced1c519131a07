//! Opening: recovery from snapshot and tail; then the threads, and their end.

use crate::Fault;
use crate::batch::{Batch, Subscriber};
use crate::clock::Running;
use crate::config::Config;
use crate::handle::{Handle, Shared};
use crate::log::{self, Log, Place};
use crate::publisher::{Message, Publisher};
use crate::replay::Follower;
use crate::scheduling::interrupt_nobody;
use crate::snapshots::{Snapshotter, snapshots};
use crate::writer::Writer;
use hourbook_exchange::Exchange;
use hourbook_model::{Restart, Stamp};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// Batches that may be on their way to the publishing thread; then the writer waits, and the queue fills.
const IN_FLIGHT: usize = 8;
/// How often recovery says how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// The single writer, opened and recovered; [`Sequencer::run`] makes it serve.
pub struct Sequencer {
    writer: Writer,
    messages: Receiver<Message>,
    turns: SyncSender<crate::publisher::Turn>,
    snapshotter: Snapshotter,
    subscribers: Vec<Box<dyn Subscriber>>,
}

/// What recovery found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recovered {
    /// The last command's number and time; both zero for a new journal.
    pub stamp: Stamp,
    pub state_hash: [u8; 32],
    /// The snapshot it began at; 0 is none.
    pub snapshot: u64,
    /// Commands replayed after it, and how long all of it took.
    pub commands: u64,
    pub seconds: f64,
    /// Numbers of an unfinished last batch that was cut: they were never acknowledged.
    pub cut: Option<(u64, u64)>,
}

impl Sequencer {
    /// Takes the directory, repairs a torn tail, and brings back the state as it was.
    ///
    /// Subscribers that have kept what they were shown are shown what came after; whoever else wants the
    /// state as it stands takes it from [`Sequencer::exchange`] and subscribes before it runs.
    ///
    /// # Errors
    /// Damage, a directory held by another process, or a record this program does not know.
    pub fn open(
        config: Config,
        mut subscribers: Vec<Box<dyn Subscriber>>,
    ) -> Result<(Sequencer, Handle, Recovered), Fault> {
        let started = Instant::now();
        let (log, opened) = Log::open(&config)?;
        let (exchange, snapshot) = recover(&config, opened.last, &mut subscribers)?;
        let stamp = exchange.stamp();
        if stamp.seq != opened.last {
            return Err(Fault::Missing { wanted: opened.last, found: stamp.seq });
        }
        let recovered = Recovered {
            stamp,
            state_hash: exchange.state_hash(),
            snapshot,
            commands: stamp.seq - snapshot,
            seconds: started.elapsed().as_secs_f64(),
            cut: opened.cut,
        };
        let rehearsal = exchange.is_rehearsal();
        if rehearsal {
            tracing::info!("a rehearsal: time stands but for what its journal says");
        }
        let clock = Running::from(config.clock.clone(), stamp.time, rehearsal);
        if !clock.behind().is_zero() {
            tracing::warn!(behind = ?clock.behind(), "the wall clock was set back: time stands until it has caught up");
        }

        let (queue, items) = mpsc::channel();
        let (publisher, messages) = mpsc::sync_channel(2 * IN_FLIGHT);
        let (turns, spare) = mpsc::sync_channel(2 * IN_FLIGHT);
        let shared = Arc::new(Shared::new(queue, config.queue, config.batch));
        shared.counters.seq.store(stamp.seq, Relaxed);
        shared.counters.durable.store(stamp.seq, Relaxed);
        shared.counters.time.store(stamp.time.0 as u64, Relaxed);
        shared.counters.snapshot.store(snapshot, Relaxed);
        let (snapshots, snapshotter) = snapshots(
            Place::of(&config),
            config.snapshot_records,
            config.snapshot_bytes,
            snapshot,
            Arc::clone(&shared),
        );
        let handle = Handle::new(Arc::clone(&shared));
        let writer = Writer {
            queue: items,
            publisher,
            spare,
            exchange,
            log,
            clock,
            snapshots,
            shared,
            batch: config.batch,
            held: None,
            restart: Some(Restart { version: config.version }),
        };
        Ok((Sequencer { writer, messages, turns, snapshotter, subscribers }, handle, recovered))
    }

    /// The state as recovered.
    pub fn exchange(&self) -> &Exchange {
        &self.writer.exchange
    }

    /// Shows every batch from now on to one more.
    pub fn subscribe(&mut self, subscriber: Box<dyn Subscriber>) {
        self.subscribers.push(subscriber);
    }

    /// Calls this once, on the thread that found it, when a fault stops the sequencer: the process is to
    /// end with it.
    pub fn on_fault(&mut self, call: impl Fn(&str) + Send + Sync + 'static) {
        self.writer.shared.on_stop(Box::new(call));
    }

    /// Serves until it is drained or the last handle is gone: this thread is the writer, and from here on interrupts nobody
    /// ([`interrupt_nobody`]).
    ///
    /// # Errors
    /// The first fault of any of its threads. What was not acknowledged by then will not be.
    pub fn run(self) -> Result<(), Fault> {
        // What the gateway takes in while the writer waits for a core, it takes as one batch.
        interrupt_nobody();
        let Sequencer { mut writer, messages, turns, snapshotter, subscribers } = self;
        let shared = Arc::clone(&writer.shared);
        let publisher = Publisher {
            sync: writer.log.syncer(),
            messages,
            spare: turns,
            subscribers,
            snapshots: writer.snapshots.clone(),
            shared: Arc::clone(&shared),
            durable: writer.exchange.stamp().seq,
        };
        let outcome = thread::scope(|scope| {
            let watched = |thread: &'static str, body: Body| {
                let shared = Arc::clone(&shared);
                let watch = move || watch(thread, &shared, body);
                thread::Builder::new()
                    .name(thread.to_owned())
                    .spawn_scoped(scope, watch)
                    .map_err(Fault::Thread)
            };
            let publishing = watched("publisher", Box::new(|| publisher.run()))?;
            let snapshots = watched("snapshots", Box::new(|| snapshotter.run()))?;
            // The writer's end closes the channels, and with them the other threads, in order.
            let wrote = watch("writer", &shared, Box::new(move || writer.run()));
            let published = publishing.join().expect("panics are caught");
            let snapshots = snapshots.join().expect("panics are caught");
            // The cause comes before what it caused.
            let mut faults: Vec<Fault> =
                [published, wrote, snapshots].into_iter().filter_map(Result::err).collect();
            let first = faults.iter().position(|fault| !matches!(fault, Fault::Stopped(_))).unwrap_or(0);
            if faults.is_empty() { Ok(()) } else { Err(faults.swap_remove(first)) }
        });
        shared.ended();
        outcome
    }
}

type Body = Box<dyn FnOnce() -> Result<(), Fault> + Send>;

/// Runs a thread's body; what it fails of stops everything, visibly.
fn watch(thread: &'static str, shared: &Shared, body: Body) -> Result<(), Fault> {
    let outcome = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|panic| Err(Fault::Panic { thread, message: message_of(panic.as_ref()) }));
    if let Err(fault) = &outcome {
        shared.fail(fault.to_string());
    }
    outcome
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let known = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    known
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// The state after command `last`, and the snapshot it began at.
fn recover(
    config: &Config,
    last: u64,
    subscribers: &mut [Box<dyn Subscriber>],
) -> Result<(Exchange, u64), Fault> {
    let started = Instant::now();
    let kept: Vec<Option<u64>> = subscribers.iter().map(|subscriber| subscriber.kept()).collect();
    let mut stages: Vec<u64> = kept.iter().flatten().copied().chain([last]).collect();
    stages.sort_unstable();
    if let Some(&ahead) = stages.last().filter(|kept| **kept > last) {
        return Err(Fault::Ahead { kept: ahead, last });
    }
    let mut follower = Follower::from_snapshot(&config.directory, stages[0])?;
    let first = log::first(&config.directory)?;
    if follower.exchange.stamp().seq + 1 < first {
        // What some subscriber has not seen is in an archive: it is shown what the journal still reaches.
        tracing::warn!(kept = stages[0], first, "a view begins with what the journal still holds");
        follower = Follower::from_oldest(&config.directory, first)?;
    }
    let snapshot = follower.exchange.stamp().seq;
    let mut said = started;
    let mut from = snapshot;
    for to in stages {
        follower.follow(&config.directory, to, |batch| {
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                let seq = batch.last().map_or(0, |stamp| stamp.seq);
                let rate = (seq - snapshot) as f64 / started.elapsed().as_secs_f64();
                tracing::info!(seq, of = last, commands_per_second = rate as u64, "recovering");
            }
            show(batch, from, &kept, subscribers);
            Ok(())
        })?;
        from = to;
    }
    Ok((follower.exchange, snapshot))
}

/// Shows a batch after number `from` to whoever has kept no more than that.
fn show(batch: &mut Batch, from: u64, kept: &[Option<u64>], subscribers: &mut [Box<dyn Subscriber>]) {
    if kept.iter().flatten().all(|kept| *kept > from) {
        return;
    }
    let shown = Arc::new(std::mem::take(batch));
    for (subscriber, kept) in subscribers.iter_mut().zip(kept) {
        if kept.is_some_and(|kept| kept <= from) {
            subscriber.publish(&shown);
        }
    }
    *batch = Arc::try_unwrap(shown).unwrap_or_default();
}
