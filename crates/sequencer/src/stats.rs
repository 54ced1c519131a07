//! Figures for operators, kept as atomics: written by the sequencer's threads, read by anyone.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the sync latency's buckets, microseconds; one more bucket takes what is above.
pub const SYNC_BOUNDS_MICROS: [u64; 12] =
    [50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 51_200, 204_800, 1_000_000];

/// What there is to know at this moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands waiting, and how many may.
    pub waiting: u64,
    pub queue: u64,
    /// Number of the last command written, and of the last one known to be durable.
    pub seq: u64,
    pub durable: u64,
    /// Time of the last command, nanoseconds since the epoch.
    pub time: i64,
    /// Batches and commands since the start; ticks are among the commands.
    pub batches: u64,
    pub commands: u64,
    /// Commands in the last batch.
    pub last_batch: u64,
    /// Commands refused because the queue was full, and because the disk was.
    pub refused_busy: u64,
    pub refused_disk_full: u64,
    /// Syncs since the start, their time in all, the last one's, and how many fell into each bucket.
    pub syncs: u64,
    pub sync_micros: u64,
    pub last_sync_micros: u64,
    pub sync_buckets: [u64; SYNC_BOUNDS_MICROS.len() + 1],
    /// Bytes written to the journal since the start.
    pub journal_bytes: u64,
    /// Number of the last snapshot written, how many there were, and how many came to nothing.
    pub snapshot: u64,
    pub snapshots: u64,
    pub snapshots_failed: u64,
    pub disk_full: bool,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        #[derive(Default)]
        pub(crate) struct Counters {
            $(pub $name: AtomicU64,)*
            pub sync_buckets: [AtomicU64; SYNC_BOUNDS_MICROS.len() + 1],
        }
    };
}

counters! {
    seq, durable, time, batches, commands, last_batch, nanos_per_command, refused_busy, refused_disk_full,
    syncs, sync_micros, last_sync_micros, journal_bytes, snapshot, snapshots, snapshots_failed, disk_full,
}

impl Counters {
    pub fn synced(&self, took: Duration) {
        let micros = took.as_micros() as u64;
        self.syncs.fetch_add(1, Relaxed);
        self.sync_micros.fetch_add(micros, Relaxed);
        self.last_sync_micros.store(micros, Relaxed);
        let bucket = SYNC_BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.sync_buckets[bucket].fetch_add(1, Relaxed);
    }

    pub fn read(&self, waiting: usize, queue: usize) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        Stats {
            waiting: waiting as u64,
            queue: queue as u64,
            seq: get(&self.seq),
            durable: get(&self.durable),
            time: get(&self.time) as i64,
            batches: get(&self.batches),
            commands: get(&self.commands),
            last_batch: get(&self.last_batch),
            refused_busy: get(&self.refused_busy),
            refused_disk_full: get(&self.refused_disk_full),
            syncs: get(&self.syncs),
            sync_micros: get(&self.sync_micros),
            last_sync_micros: get(&self.last_sync_micros),
            sync_buckets: std::array::from_fn(|bucket| get(&self.sync_buckets[bucket])),
            journal_bytes: get(&self.journal_bytes),
            snapshot: get(&self.snapshot),
            snapshots: get(&self.snapshots),
            snapshots_failed: get(&self.snapshots_failed),
            disk_full: get(&self.disk_full) != 0,
        }
    }
}
