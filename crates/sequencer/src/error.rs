//! Why a submission, or the sequencer itself, comes to nothing.

use hourbook_exchange::RULES;
use hourbook_model::{Stamp, codec};
use std::io;
use std::time::Duration;

/// Why a command got no number. It has not happened and will not.
///
/// Except [`Error::Stopped`]: what was already handed in when the sequencer stopped may or may not be in
/// the journal; it was not acknowledged. Repeating it under its client id after the restart tells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the queue is full: try again in {} ms", .retry_after.as_millis())]
    Busy { retry_after: Duration },
    #[error("a batch holds at most {most} commands, this one {found}")]
    TooLarge { found: usize, most: usize },
    #[error("the disk is full: only what cancels or reduces is accepted until there is room")]
    DiskFull,
    #[error("the exchange is being drained")]
    Draining,
    #[error("the sequencer has stopped: {reason}")]
    Stopped { reason: String },
    #[error("the snapshot came to nothing: {reason}")]
    Snapshot { reason: String },
}

/// Why the sequencer could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("sync of the journal failed, commands {} to {written} are not acknowledged: {error}", .after + 1)]
    Sync { after: u64, written: u64, error: io::Error },
    #[error("writing the journal up to command {seq} failed: {error}")]
    Write { seq: u64, error: hourbook_journal::Error },
    #[error(transparent)]
    Journal(#[from] hourbook_journal::Error),
    #[error("command {seq}: {error}")]
    Body { seq: u64, error: codec::Error },
    #[error(
        "command {seq} sets rules version {found}, this program knows those up to {RULES}: the journal needs a newer program"
    )]
    Rules { seq: u64, found: u32 },
    #[error("command {} at {} follows command {} at {}", .found.seq, .found.time, .after.seq, .after.time)]
    Order { after: Stamp, found: Stamp },
    #[error("the journal holds no command {wanted}, only up to {found}")]
    Missing { wanted: u64, found: u64 },
    #[error(transparent)]
    State(#[from] hourbook_exchange::Error),
    #[error("a view has kept command {kept}, but the journal ends at {last}: is it another journal's?")]
    Ahead { kept: u64, last: u64 },
    #[error("a thread could not be started: {0}")]
    Thread(io::Error),
    #[error("the thread {thread} panicked: {message}")]
    Panic { thread: &'static str, message: String },
    #[error("stopped: {0}")]
    Stopped(String),
}
