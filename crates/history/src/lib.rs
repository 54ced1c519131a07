//! What is over, by account and number: execution reports, closed orders, fills, ledger lines; by instrument: trades as
//! everyone saw them, and what it was called. Derived from events, rebuildable from the journal.
//!
//! One thread records; any number read. What is recorded is visible at once, and on disk with the next commit.
//! Reading may wait for the disk: an async caller moves it off its workers.
//!
//! - `history`: the one who records, and when it gets to disk; `questions`: what can be asked
//! - `pack`: how a report or a ledger line becomes a few bytes; marks, which point at reports that end an order or
//!   fill it
//! - `runs`: packed entries in a row
//! - `store`: the file
//!
//! Always true: what is on disk is complete up to one command, and holds nothing after it.

#![forbid(unsafe_code)]

mod history;
mod pack;
mod questions;
mod runs;
mod store;

#[cfg(test)]
mod tests;

pub use history::History;
pub use pack::Print;
pub use questions::MARKS;

use hourbook_model::{Report, Stamp};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How much is kept, and how it gets to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Reports, and ledger lines, that are kept of each account at least; somewhat more are. 0 keeps all. Trades
    /// are all kept: some ten bytes each.
    pub keep: u64,
    /// A commit is due so long after the last one ...
    pub commit_every: Duration,
    /// ... or when so many bytes wait for it.
    pub commit_bytes: usize,
    /// When commits fail and this much waits, nothing more is recorded.
    pub most_bytes: usize,
    /// Of the database's pages in memory.
    pub cache_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            keep: 1_000_000,
            commit_every: Duration::from_secs(5),
            commit_bytes: 16 << 20,
            most_bytes: 256 << 20,
            cache_bytes: 32 << 20,
        }
    }
}

/// What one question found. It looks at so much and no more, so that it is soon answered: where there may be more, it
/// says from where on to ask again, though it has found nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    pub rows: Vec<(Stamp, Report)>,
    /// What to ask with for what follows; `None` when this is the last.
    pub next: Option<u64>,
    /// How many ends and fills were looked at.
    pub looked_at: usize,
}

/// Why a question has no answer, or what was recorded is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the first number still kept is {first}")]
    BeforeFirst { first: u64 },
    /// Commits failed until too much waited for them, or whoever records is gone. It goes on after a restart.
    #[error("nothing is recorded since command {recorded}: {why}")]
    Stalled { recorded: u64, why: &'static str },
    #[error("{path} is damaged, {reason}: remove it and restart, and it is rebuilt from the journal")]
    Damaged { path: PathBuf, reason: String },
    #[error("{path}: another process holds it")]
    Held { path: PathBuf },
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
}
