//! The journal: an append-only checksummed log in segments, and snapshot files beside it. Bytes only: what
//! a record means is not known here.
//!
//! - `log`: the writer and its syncer; a batch is one write
//! - `reader`: records in order, checked; from any number on
//! - `tail`: where the last segment ends, and what a crash left behind it
//! - `stock`: segments prepared ahead, the reserve, and the chain of hashes; a thread
//! - `snapshots`: what stands beside the segments; `archive`, `copy`, `verify`: moving, copying, checking them all
//! - `format`, `segment`, `lock`, `disk`, `error`: layout, files, one holder, the seam for faults, what is said
//!
//! `docs/journal.md` gives the format byte by byte.
//!
//! Always true: a record is on the disk before [`Syncer::sync`] returns, or it fails, once and for ever;
//! a segment that has a successor with records was synced whole before the successor's first; nothing
//! stands behind the last record but zeros.

#![forbid(unsafe_code)]

mod archive;
mod copy;
mod disk;
mod error;
mod format;
mod lock;
mod log;
mod reader;
mod segment;
mod snapshots;
mod stock;
mod tail;
mod verify;

#[cfg(test)]
mod tests;

pub use archive::{Archived, archive};
pub use copy::{copy, first, last};
pub use disk::{Disk, Local};
pub use error::Error;
pub use format::{FORMAT, Head, SEGMENT_HEADER_BYTES, size_of_record};
pub use lock::Lock;
pub use log::{Config, Cut, Full, Log, Opened, Syncer};
pub use reader::{Reader, Record};
pub use segment::Segment;
pub use snapshots::Snapshot;
pub use verify::{Checked, verify};
