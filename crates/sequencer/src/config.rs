//! What the sequencer is told at its start.

use crate::Clock;
use hourbook_journal::{Disk, Local};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the journal is, and the bounds within which it is written.
#[derive(Clone, Debug)]
pub struct Config {
    /// Holds journal and snapshots; held by one process at a time.
    pub directory: PathBuf,
    /// Commands that may wait; one more is refused as [`crate::Error::Busy`].
    pub queue: usize,
    /// Commands taken together. A batch that was submitted as one is never split, and is no larger either.
    pub batch: usize,
    /// A snapshot is made after so many commands, or so many bytes of journal; 0 is never.
    pub snapshot_records: u64,
    pub snapshot_bytes: u64,
    /// Bytes of one segment of the journal, prepared ahead.
    pub segment_bytes: u64,
    /// Bytes of disk kept for when there are no others, so that cancels still find room; 0 keeps none.
    pub reserve_bytes: u64,
    pub shard: u16,
    pub epoch: u32,
    pub clock: Clock,
    /// The disk itself; tests put one in that fails.
    pub disk: Arc<dyn Disk>,
    /// This program's version, as it stands in `Restart`.
    pub version: String,
}

impl Config {
    /// The bounds that suit a venue on two cores, over a journal in `directory`.
    pub fn new(directory: impl Into<PathBuf>) -> Config {
        Config {
            directory: directory.into(),
            queue: 65_536,
            batch: 4_096,
            snapshot_records: 4_000_000,
            snapshot_bytes: 1 << 30,
            segment_bytes: 64 << 20,
            reserve_bytes: 256 << 20,
            shard: 0,
            epoch: 1,
            clock: Clock::Wall,
            disk: Arc::new(Local),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
