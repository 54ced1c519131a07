//! The third thread: snapshots, made from the journal, so that the writer never waits for one.
//!
//! It loads the snapshot before, replays what is durable since, and writes the state. Thus a snapshot is
//! never ahead of what is durable, and every snapshot is also a replay that went through.

use crate::handle::{Shared, Snapshot};
use crate::log::{Place, Saved};
use crate::replay::Follower;
use crate::scheduling::give_way;
use crate::{Error, Fault};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Instant;
use tokio::sync::oneshot;

type Asker = oneshot::Sender<Result<Snapshot, Error>>;

/// Where snapshots are asked for.
#[derive(Clone)]
pub(crate) struct Snapshots {
    requests: Sender<(u64, Option<Asker>)>,
    interval: Interval,
    last: Arc<Last>,
}

#[derive(Clone, Copy)]
struct Interval {
    records: u64,
    bytes: u64,
}

/// Number and journal bytes at which one was last asked for.
#[derive(Default)]
struct Last {
    seq: AtomicU64,
    bytes: AtomicU64,
}

/// Makes them.
pub(crate) struct Snapshotter {
    requests: Receiver<(u64, Option<Asker>)>,
    place: Place,
    shared: Arc<Shared>,
}

/// Intervals of 0 never ask by themselves; `last` is the number of the newest snapshot there is.
pub(crate) fn snapshots(
    place: Place,
    records: u64,
    bytes: u64,
    last: u64,
    shared: Arc<Shared>,
) -> (Snapshots, Snapshotter) {
    let (sender, requests) = mpsc::channel();
    let last = Arc::new(Last { seq: AtomicU64::new(last), bytes: AtomicU64::new(0) });
    let interval = Interval { records, bytes };
    (Snapshots { requests: sender, interval, last }, Snapshotter { requests, place, shared })
}

impl Snapshots {
    /// Asks for one up to `seq`, which is durable.
    pub fn ask(&self, seq: u64, asker: Asker) {
        self.last.seq.store(seq, Relaxed);
        // Without its thread the asker learns that the sequencer has stopped.
        let _ = self.requests.send((seq, Some(asker)));
    }

    /// Takes note of how far the journal is durable, and asks for a snapshot when the interval has passed.
    pub fn passed(&self, durable: u64, bytes: u64) {
        let records_due = self.interval.records > 0
            && durable - self.last.seq.load(Relaxed).min(durable) >= self.interval.records;
        let bytes_due =
            self.interval.bytes > 0 && bytes - self.last.bytes.load(Relaxed) >= self.interval.bytes;
        if records_due || bytes_due {
            self.last.seq.store(durable, Relaxed);
            self.last.bytes.store(bytes, Relaxed);
            let _ = self.requests.send((durable, None));
        }
    }
}

impl Snapshotter {
    /// Runs until nobody can ask any more.
    pub fn run(self) -> Result<(), Fault> {
        give_way();
        while let Ok(first) = self.requests.recv() {
            // Whoever asked meanwhile is served by the newest.
            let mut askers = Vec::new();
            let mut seq = 0;
            for (asked, asker) in std::iter::once(first).chain(self.requests.try_iter()) {
                seq = seq.max(asked);
                askers.extend(asker);
            }
            let made = if self.shared.is_draining() { Err(Error::Draining) } else { self.make(seq) };
            for asker in askers {
                let _ = asker.send(made.clone());
            }
        }
        Ok(())
    }

    fn make(&self, seq: u64) -> Result<Snapshot, Error> {
        let started = Instant::now();
        let counters = &self.shared.counters;
        match self.write(seq) {
            Ok(snapshot) => {
                counters.snapshot.store(seq, Relaxed);
                counters.snapshots.fetch_add(1, Relaxed);
                tracing::info!(seq, seconds = started.elapsed().as_secs_f64(), "snapshot written");
                Ok(snapshot)
            }
            // Nothing is lost: the journal has it all, and the next interval tries again.
            Err(fault) => {
                counters.snapshots_failed.fetch_add(1, Relaxed);
                tracing::error!(seq, %fault, "no snapshot");
                Err(Error::Snapshot { reason: fault.to_string() })
            }
        }
    }

    fn write(&self, seq: u64) -> Result<Snapshot, Fault> {
        let mut follower = Follower::from_snapshot(&self.place.directory, seq)?;
        // A drain does not wait for it.
        follower.follow(&self.place.directory, seq, |_| match self.shared.is_draining() {
            true => Err(Fault::Stopped("drained".to_owned())),
            false => Ok(()),
        })?;
        let exchange = &follower.exchange;
        let stamp = exchange.stamp();
        if stamp.seq != seq {
            return Err(Fault::Missing { wanted: seq, found: stamp.seq });
        }
        let mut bytes = Vec::new();
        exchange.encode(&mut bytes);
        let state_hash = exchange.state_hash();
        Saved::write(&self.place, stamp, &bytes)?;
        Ok(Snapshot { stamp, state_hash })
    }
}
