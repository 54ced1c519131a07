//! The one who records, and when that gets to disk.

use crate::pack::{Mark, Print};
use crate::questions::{Look, Series};
use crate::runs::Growing;
use crate::store::{Load, Names, Parcel, Prints, Store, guarded};
use crate::{Error, Part, Settings};
use hashbrown::HashMap;
use hourbook_model::{AccountId, Event, InstrumentId, LedgerLine, OrderRef, Report, Stamp, Time};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Accounts of which nothing waits for the disk, but which stay in memory for the next time.
const IDLE_ACCOUNTS: usize = 20_000;

/// The history, for whoever records or asks; clones are the same history.
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    store: Store,
    memory: Mutex<Memory>,
    /// Held by whoever commits, so that one does at a time.
    commits: Mutex<()>,
    kept: AtomicU64,
    recorded: AtomicU64,
    /// Why nothing more is recorded, once that is so.
    stalled: OnceLock<&'static str>,
}

/// What is not on disk.
struct Memory {
    accounts: HashMap<AccountId, Box<Account>>,
    /// Those of which something waits.
    waiting: Vec<AccountId>,
    /// Trades of which some wait.
    prints: HashMap<InstrumentId, Growing<Print>>,
    names: Names,
    bytes: usize,
    /// When was the last attempt to commit, and did it fail?
    tried: Instant,
    failed: bool,
}

#[derive(Default)]
struct Account {
    reports: Growing<Report>,
    marks: Growing<Mark>,
    lines: Growing<LedgerLine>,
    waits: bool,
}

impl History {
    /// Opens what is kept in `directory`, or begins it. What does not fit, for damage or by another version, is
    /// deleted, and the log says so: [`History::kept`] is then 0, and everything is to be recorded again.
    pub fn open(directory: &Path, settings: Settings) -> Result<History, Error> {
        let (store, kept) = Store::open(directory, settings.cache_bytes)?;
        let memory = Memory {
            accounts: HashMap::new(),
            waiting: Vec::new(),
            prints: HashMap::new(),
            names: Names::new(),
            bytes: 0,
            tried: Instant::now(),
            failed: false,
        };
        let shared = Shared {
            settings,
            store,
            memory: Mutex::new(memory),
            commits: Mutex::new(()),
            kept: AtomicU64::new(kept),
            recorded: AtomicU64::new(kept),
            stalled: OnceLock::new(),
        };
        Ok(History { shared: Arc::new(shared) })
    }

    /// The number of the last command whose events are on disk; 0 for a new history.
    pub fn kept(&self) -> u64 {
        self.shared.kept.load(Acquire)
    }

    /// The number of the last command whose events are visible here.
    pub fn recorded(&self) -> u64 {
        self.shared.recorded.load(Acquire)
    }

    /// Takes note of commands, in the order of their numbers. What was recorded before is passed over, so showing a
    /// batch twice does no harm.
    pub fn record<'a>(&self, commands: impl IntoIterator<Item = (Stamp, &'a [Event])>) {
        let memory = &mut *self.memory();
        let mut recorded = self.recorded();
        for (at, events) in commands {
            if at.seq <= recorded || self.stalled().is_some() {
                continue;
            }
            recorded = at.seq;
            events.iter().for_each(|event| memory.take(at, event));
            if memory.bytes > self.shared.settings.most_bytes {
                self.stall("commits fail, see the log for why");
            }
        }
        self.shared.recorded.store(recorded, Release);
    }

    /// Records nothing more and answers nothing more, until it is opened again; says so in the log.
    pub fn stall(&self, why: &'static str) {
        if self.shared.stalled.set(why).is_ok() {
            tracing::error!(
                recorded = self.recorded(),
                why,
                "history is recorded no more; the exchange goes on"
            );
        }
    }

    /// Why nothing more is recorded; `None` while all is well.
    pub fn stalled(&self) -> Option<&'static str> {
        self.shared.stalled.get().copied()
    }

    /// How long from now a commit may wait: zero when it is due, because of time or of what waits for it. Whoever
    /// records asks after each batch, and waits no longer for the next one; or another thread sleeps so long.
    pub fn commit_due_in(&self) -> Duration {
        let memory = self.memory();
        let much = memory.bytes >= self.shared.settings.commit_bytes && !memory.failed;
        if much {
            Duration::ZERO
        } else {
            self.shared.settings.commit_every.saturating_sub(memory.tried.elapsed())
        }
    }

    /// Puts everything recorded on disk. Meanwhile another thread may record.
    ///
    /// # Errors
    /// What the disk says. Nothing is lost by that: it is tried again with the next commit.
    pub fn commit(&self) -> Result<(), Error> {
        let _one_at_a_time = self.shared.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.kept();
        let (load, recorded) = self.wrap();
        let written = if recorded > kept {
            self.shared.store.write(&load, kept, recorded, self.shared.settings.keep)
        } else {
            Ok(())
        };
        let mut memory = self.memory();
        memory.tried = Instant::now();
        memory.failed = written.is_err();
        memory.settle(&load, written.is_ok());
        if written.is_ok() {
            self.shared.kept.store(recorded, Release);
        }
        written
    }

    /// Everything that waits, and the command it is complete to.
    fn wrap(&self) -> (Load, u64) {
        let memory = &mut *self.memory();
        let mut waiting = std::mem::take(&mut memory.waiting);
        waiting.sort_unstable();
        let parcels = waiting.into_iter().map(|id| {
            let account = memory.accounts.get_mut(&id).expect("who waits is in memory");
            account.waits = false;
            Parcel {
                account: id,
                reports: account.reports.seal().to_vec(),
                marks: account.marks.seal().to_vec(),
                lines: account.lines.seal().to_vec(),
            }
        });
        let parcels = parcels.collect();
        let prints = memory.prints.iter_mut();
        let prints = prints.map(|(id, prints)| Prints { instrument: *id, runs: prints.seal().to_vec() });
        let mut prints: Vec<_> = prints.collect();
        prints.sort_unstable_by_key(|prints| prints.instrument);
        (Load { parcels, prints, names: memory.names.clone() }, self.recorded())
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // --- questions ---

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
        self.ask(account, |of| of.reports.from(from, limit))
    }

    /// The number that the account's next report will have, as far as is recorded; 1 before its first.
    pub fn next_report(&self, account: AccountId) -> Result<u64, Error> {
        self.ask(account, |of| of.reports.end())
    }

    /// The account's orders that are over, newest first, each as its last report; orders that were refused on
    /// entry are among them. Only those whose last report's number is below `before`: to go on, pass what the part
    /// before says.
    pub fn closed_orders(
        &self,
        account: AccountId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Part, Error> {
        let before = before.unwrap_or(u64::MAX);
        self.ask(account, |of| of.newest(before, limit, |mark| mark.ends, |_| true))
    }

    /// The last report of an order that is over; by the client's id, of the newest order so named. One that was
    /// refused because its name was taken does not count. Only one below `before`, as in [`History::closed_orders`]: a
    /// part without a row that says where to go on has not found it yet.
    pub fn closed_order(
        &self,
        account: AccountId,
        order: OrderRef,
        before: Option<u64>,
    ) -> Result<Part, Error> {
        let digest = match &order {
            OrderRef::Id(id) => Mark::order(*id),
            OrderRef::Client(name) => Mark::name(name),
        };
        if digest == 0 {
            return Ok(Part::default());
        }
        let may = |mark: &Mark| {
            let found = if let OrderRef::Id(_) = order { mark.order } else { mark.name };
            mark.ends && found == digest
        };
        let is = |report: &Report| match order {
            OrderRef::Id(id) => report.order == id,
            OrderRef::Client(name) => report.client_id == name,
        };
        let before = before.unwrap_or(u64::MAX);
        let mut part = self.ask(account, |of| of.newest(before, 1, may, is))?;
        // Found is found: older ones of the name are not asked for.
        part.next = part.next.filter(|_| part.rows.is_empty());
        Ok(part)
    }

    /// The account's fills by number: only those above `after`, which is 0 to begin with the oldest kept; to go on,
    /// pass what the part before says.
    pub fn fills(&self, account: AccountId, after: u64, limit: usize) -> Result<Part, Error> {
        self.ask(account, |of| of.fills(after, limit))
    }

    /// The account's ledger lines by number: only those above `after`, which is 0 to begin with the oldest kept.
    ///
    /// # Errors
    /// [`Error::BeforeFirst`] when the one after `after` is no longer kept.
    pub fn lines(
        &self,
        account: AccountId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(Stamp, LedgerLine)>, Error> {
        self.ask(account, |of| match of.lines.from(after.saturating_add(1), limit) {
            Err(Error::BeforeFirst { first }) if after == 0 => of.lines.from(first, limit),
            answer => answer,
        })
    }

    /// What an instrument is called that was listed since the history began, though it may be listed no more.
    pub fn name(&self, instrument: InstrumentId) -> Result<Option<String>, Error> {
        if let Some(name) = self.memory().names.get(&instrument) {
            return Ok(Some(name.clone()));
        }
        let store = &self.shared.store;
        guarded(store.path(), || store.read()?.name(instrument))
    }

    /// The last instrument that was called so, of those listed since the history began.
    pub fn named(&self, symbol: &str) -> Result<Option<InstrumentId>, Error> {
        let memory = self.memory();
        let new = memory.names.iter().find(|(_, name)| name.as_str() == symbol).map(|(id, _)| *id);
        drop(memory);
        if new.is_some() {
            return Ok(new);
        }
        let store = &self.shared.store;
        guarded(store.path(), || store.read()?.named(symbol))
    }

    /// Shows the trades of an instrument in order, until `see` has seen enough: those with ids above `after`, which is 0
    /// to begin with the first, that did not happen before `from`.
    pub fn each_print(
        &self,
        instrument: InstrumentId,
        after: u64,
        from: Time,
        see: impl FnMut(Stamp, Print) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        if let Some(why) = self.stalled() {
            return Err(Error::Stalled { recorded: self.recorded(), why });
        }
        let memory = self.memory().prints.get(&instrument).map(Growing::view).unwrap_or_default();
        let (store, account) = (&self.shared.store, AccountId(instrument.0));
        guarded(store.path(), || {
            Series { account, memory, shelf: store.read()?.shelf(account)? }.each(after, from, see)
        })
    }

    /// Looks at what there is of an account, memory first, then the file.
    fn ask<T>(
        &self,
        account: AccountId,
        question: impl FnOnce(&Look) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if let Some(why) = self.stalled() {
            return Err(Error::Stalled { recorded: self.recorded(), why });
        }
        let memory = self.memory();
        let (reports, marks, lines) = match memory.accounts.get(&account) {
            Some(known) => (known.reports.view(), known.marks.view(), known.lines.view()),
            None => Default::default(),
        };
        drop(memory);
        let store = &self.shared.store;
        guarded(store.path(), || {
            let reading = store.read()?;
            question(&Look {
                reports: Series { account, memory: reports, shelf: reading.shelf(account)? },
                marks: Series { account, memory: marks, shelf: reading.shelf(account)? },
                lines: Series { account, memory: lines, shelf: reading.shelf(account)? },
            })
        })
    }
}

impl Memory {
    fn take(&mut self, at: Stamp, event: &Event) {
        match event {
            Event::Reported(report) => {
                let account = self.account(report.account);
                let mut more = account.reports.push(at, report);
                if let Some(mark) = Mark::of(report) {
                    more += account.marks.push(at, &mark);
                }
                self.bytes += more;
            }
            Event::Posted(line) => self.bytes += self.account(line.account).lines.push(at, line),
            Event::Traded(trade) => {
                let prints = self.prints.entry(trade.instrument).or_default();
                self.bytes += prints.push(at, &Print::of(trade));
            }
            Event::Listed { instrument, symbol, .. } => {
                self.names.insert(*instrument, symbol.to_string());
            }
            _ => {}
        }
    }

    /// An account of which something will wait.
    fn account(&mut self, id: AccountId) -> &mut Account {
        let account = self.accounts.entry(id).or_default();
        if !account.waits {
            account.waits = true;
            self.waiting.push(id);
        }
        account
    }

    /// What became of a load: on disk, or waiting as before.
    fn settle(&mut self, load: &Load, written: bool) {
        if written {
            for Prints { instrument, runs } in &load.prints {
                let prints = self.prints.get_mut(instrument).expect("what is being written stays");
                self.bytes -= prints.written(runs.len());
            }
            self.prints.retain(|_, prints| !prints.is_empty());
            self.names.retain(|id, name| load.names.get(id) != Some(name));
        }
        for parcel in &load.parcels {
            let account = self.accounts.get_mut(&parcel.account).expect("what is being written stays");
            if written {
                self.bytes -= account.reports.written(parcel.reports.len());
                self.bytes -= account.marks.written(parcel.marks.len());
                self.bytes -= account.lines.written(parcel.lines.len());
            } else if !account.waits {
                account.waits = true;
                self.waiting.push(parcel.account);
            }
        }
        if self.accounts.len() > IDLE_ACCOUNTS {
            self.accounts.retain(|_, account| account.waits);
        }
    }
}
