//! Why a journal cannot be read or written: always which file, and where in it.

use std::io;
use std::path::{Path, PathBuf};

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {doing}: {error}", .path.display())]
    Io { path: PathBuf, doing: &'static str, error: io::Error },
    #[error("{} is held by another process{}", .directory.display(), .holder.map_or(String::new(), |pid| format!(": {pid}")))]
    Held { directory: PathBuf, holder: Option<u32> },
    #[error("{} is not a segment of a journal: {why}", .path.display())]
    NotSegment { path: PathBuf, why: &'static str },
    #[error("{} has format {found}, this program reads {}: it was written by a newer one", .path.display(), crate::FORMAT)]
    Format { path: PathBuf, found: u16 },
    #[error("{} belongs to shard {found}, not {expected}", .path.display())]
    Shard { path: PathBuf, expected: u16, found: u16 },
    #[error("record {seq} at byte {offset} of {} is damaged: {why}", .path.display())]
    Damaged { path: PathBuf, offset: u64, seq: u64, why: String },
    #[error("{} holds record {found} where {expected} is expected", .path.display())]
    Gap { path: PathBuf, expected: u64, found: u64 },
    #[error("{} holds record {seq} of epoch {found} behind one of epoch {before}: two have written", .path.display())]
    Epoch { path: PathBuf, seq: u64, found: u32, before: u32 },
    #[error("{} is missing: segments are numbered without gaps", .path.display())]
    MissingSegment { path: PathBuf },
    #[error("{} holds no journal", .directory.display())]
    NoJournal { directory: PathBuf },
    #[error(
        "the journal begins with record {first}, and no snapshot goes on from there: what was before is in an archive, or lost"
    )]
    NoBeginning { first: u64 },
    #[error("the journal begins with record {first}: {wanted} is in an archive, or lost")]
    Begins { wanted: u64, first: u64 },
    #[error(
        "the journal ends at record {last}, but {} was made of {snapshot}: records are lost", .path.display()
    )]
    Lost { path: PathBuf, snapshot: u64, last: u64 },
    #[error("{}: the chain of hashes is broken: the segment before it has changed", .path.display())]
    Chain { path: PathBuf },
    #[error("{} cannot be used: {why}", .path.display())]
    Snapshot { path: PathBuf, why: String },
    #[error("an earlier sync failed: nothing more is written")]
    Stopped,
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// Names the file and what was being done with it.
    pub(crate) fn at(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Error {
        let path = path.to_owned();
        move |error| Error::Io { path, doing, error }
    }

    /// Whether a disk, or a quota, is full.
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Error::Io { error, .. } if is_full(error))
    }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
