//! What is over, by account and number: execution reports, closed orders, fills, ledger lines. Derived from events,
//! rebuildable from the journal.
//!
//! One thread records; any number read. What is recorded is visible at once, and on disk with the next commit.
//! Reading may wait for the disk: an async caller moves it off its workers.

#![forbid(unsafe_code)]

use hourbook_model::{AccountId, Event, LedgerLine, OrderRef, Report, ReportKind, Stamp};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How much is kept, and how it gets to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Reports, and ledger lines, that are kept of each account at least; somewhat more are. 0 keeps all.
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

/// Why a question has no answer, or what was recorded is not on disk.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the first number still kept is {first}")]
    BeforeFirst { first: u64 },
    /// Commits failed until too much waited for them. It goes on after a restart.
    #[error("nothing is recorded since command {recorded}: see the log for why commits failed")]
    Stalled { recorded: u64 },
    #[error(
        "{path}: what is kept of account {account} is damaged: remove it and restart, and it is rebuilt from the journal"
    )]
    Damaged { path: PathBuf, account: AccountId },
    #[error("{path}: another process holds it")]
    Held { path: PathBuf },
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
}

/// The history, for whoever records or asks; clones are the same history.
#[derive(Clone)]
pub struct History {
    memory: Arc<Mutex<Memory>>,
    commit_every: Duration,
}

#[derive(Default)]
struct Memory {
    recorded: u64,
    reports: BTreeMap<AccountId, Vec<(Stamp, Report)>>,
    lines: BTreeMap<AccountId, Vec<(Stamp, LedgerLine)>>,
}

impl History {
    /// Opens what is kept in `directory`, or begins it. What does not fit, for damage or by another version, is
    /// deleted, and the log says so: [`History::kept`] is then 0, and everything is to be recorded again.
    pub fn open(directory: &Path, settings: Settings) -> Result<History, Error> {
        std::fs::create_dir_all(directory)
            .map_err(|error| Error::Io { path: directory.to_owned(), error })?;
        Ok(History { memory: Arc::default(), commit_every: settings.commit_every })
    }

    /// The number of the last command whose events are on disk; 0 for a new history.
    pub fn kept(&self) -> u64 {
        0
    }

    /// The number of the last command whose events are visible here.
    pub fn recorded(&self) -> u64 {
        self.memory.lock().expect("no panic").recorded
    }

    /// Takes note of commands, in the order of their numbers. What was recorded before is passed over, so showing a
    /// batch twice does no harm.
    pub fn record<'a>(&self, commands: impl IntoIterator<Item = (Stamp, &'a [Event])>) {
        let mut memory = self.memory.lock().expect("no panic");
        for (stamp, events) in commands {
            if stamp.seq <= memory.recorded {
                continue;
            }
            memory.recorded = stamp.seq;
            for event in events {
                match event {
                    Event::Reported(report) => {
                        memory.reports.entry(report.account).or_default().push((stamp, *report));
                    }
                    Event::Posted(line) => {
                        memory.lines.entry(line.account).or_default().push((stamp, *line));
                    }
                    _ => {}
                }
            }
        }
    }

    /// How long from now a commit may wait: zero when it is due, because of time or of what waits for it. Whoever
    /// records asks after each batch, and waits no longer for the next one.
    pub fn commit_due_in(&self) -> Duration {
        self.commit_every
    }

    /// Puts everything recorded on disk.
    ///
    /// # Errors
    /// What the disk says. Nothing is lost by that: it is tried again with the next commit.
    pub fn commit(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The account's reports from number `from` on.
    ///
    /// # Errors
    /// [`Error::BeforeFirst`] when `from` is no longer kept.
    pub fn reports(
        &self,
        account: AccountId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(Stamp, Report)>, Error> {
        Ok(self.select(account, |report| report.number >= from).take(limit).collect())
    }

    /// The number that the account's next report will have, as far as is recorded; 1 before its first.
    pub fn next_report(&self, account: AccountId) -> Result<u64, Error> {
        Ok(self.select(account, |_| true).last().map_or(1, |(_, report)| report.number + 1))
    }

    /// The account's orders that are over, newest first, each as its last report; only those whose last report's
    /// number is below `before`: to page, pass the number of the last one given.
    pub fn closed_orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(Stamp, Report)>, Error> {
        let before = before.unwrap_or(u64::MAX);
        let mut orders: Vec<_> =
            self.select(account, |report| ends(report) && report.number < before).collect();
        orders.reverse();
        orders.truncate(limit);
        Ok(orders)
    }

    /// The last report of an order that is over; by the client's id, of the newest order so named.
    pub fn closed_order(
        &self,
        account: AccountId,
        order: OrderRef,
    ) -> Result<Option<(Stamp, Report)>, Error> {
        Ok(self
            .select(account, |report| {
                ends(report)
                    && match order {
                        OrderRef::Id(id) => report.order == id,
                        OrderRef::Client(name) => report.client_id == name,
                    }
            })
            .last())
    }

    /// The account's fills by number: only those above `after`, which is 0 to begin with the oldest kept.
    pub fn fills(&self, account: AccountId, after: u64, limit: usize) -> Result<Vec<(Stamp, Report)>, Error> {
        let filled = |report: &Report| matches!(report.kind, ReportKind::Filled(_)) && report.number > after;
        Ok(self.select(account, filled).take(limit).collect())
    }

    /// The account's ledger lines by number: only those above `after`, which is 0 to begin with the first.
    ///
    /// # Errors
    /// [`Error::BeforeFirst`] when the next one is no longer kept.
    pub fn lines(
        &self,
        account: AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Stamp, LedgerLine)>, Error> {
        let memory = self.memory.lock().expect("no panic");
        let lines = memory.lines.get(&account).into_iter().flatten();
        Ok(lines.filter(|(_, line)| line.number > after).take(limit).copied().collect())
    }

    fn select(
        &self,
        account: AccountId,
        wanted: impl Fn(&Report) -> bool,
    ) -> impl Iterator<Item = (Stamp, Report)> {
        let memory = self.memory.lock().expect("no panic");
        let reports = memory.reports.get(&account).into_iter().flatten();
        reports.filter(|(_, report)| wanted(report)).copied().collect::<Vec<_>>().into_iter()
    }
}

/// Whether a report is an order's last: filled or cancelled with nothing left, or refused on entry.
fn ends(report: &Report) -> bool {
    match report.kind {
        ReportKind::Filled(_) | ReportKind::Cancelled { .. } => report.leaves.0 == 0,
        ReportKind::Rejected(_) => true,
        _ => false,
    }
}
