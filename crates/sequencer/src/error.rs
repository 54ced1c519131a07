//! Why a submission, or the sequencer itself, comes to nothing.

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
}

/// Why the sequencer could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Stopped(String),
}
