//! The file: runs under (account, first number), several short ones in one value.
//!
//! Always true: what is in the file belongs together, up to the command that it names; one transaction
//! brings it from one such state to the next.

use crate::Error;
use crate::pack::{self, Entry, Mark, Print};
use crate::runs::{Damage, Run};
use hashbrown::HashMap;
use hourbook_model::{AccountId, InstrumentId, LedgerLine, Report};
use redb::{
    AccessGuard, Database, Range, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageError, Table, TableDefinition, TableError,
};
use std::io;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

type Key = (u32, u64);
type Runs = TableDefinition<'static, Key, &'static [u8]>;

/// How a run's kind is found in the file.
pub(crate) trait Kept: Entry {
    const TABLE: Runs;
}

impl Kept for Report {
    const TABLE: Runs = TableDefinition::new("reports");
}
impl Kept for Mark {
    const TABLE: Runs = TableDefinition::new("marks");
}
impl Kept for LedgerLine {
    const TABLE: Runs = TableDefinition::new("lines");
}
/// By instrument, whose id stands for the account.
impl Kept for Print {
    const TABLE: Runs = TableDefinition::new("prints");
}

/// What instruments are called, by id: what is over is told by its symbol when nothing else knows it any more.
const NAMES: TableDefinition<u32, &str> = TableDefinition::new("names");
/// The same by symbol: the last instrument that was called so.
const IDS: TableDefinition<&str, u32> = TableDefinition::new("ids");
const FACTS: TableDefinition<&str, u64> = TableDefinition::new("facts");
const FORMAT: &str = "format";
const KEPT: &str = "kept";

/// Bytes of runs in one value: four full runs in eight pages, so that a commit writes few large pieces.
const VALUE: usize = 32_400;

/// What one account has for the disk.
pub(crate) struct Parcel {
    pub account: AccountId,
    pub reports: Vec<Arc<Run<Report>>>,
    pub marks: Vec<Arc<Run<Mark>>>,
    pub lines: Vec<Arc<Run<LedgerLine>>>,
}

/// What the trades of one instrument have for the disk.
pub(crate) struct Prints {
    pub instrument: InstrumentId,
    pub runs: Vec<Arc<Run<Print>>>,
}

/// Everything that goes to the disk together.
#[derive(Default)]
pub(crate) struct Load {
    pub parcels: Vec<Parcel>,
    pub prints: Vec<Prints>,
    pub names: Names,
}

/// What instruments are called.
pub(crate) type Names = HashMap<InstrumentId, String>;

pub(crate) struct Store {
    path: PathBuf,
    cache_bytes: usize,
    /// Out of order after a failure, until it can be opened again.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Opens the file or begins it; and the command up to which it is complete.
    pub fn open(directory: &Path, cache_bytes: usize) -> Result<(Store, u64), Error> {
        let path = directory.join("history.redb");
        let io = |error| Error::Io { path: path.clone(), error };
        std::fs::create_dir_all(directory).map_err(io)?;
        let opened = match open(&path, cache_bytes) {
            Err(Error::Damaged { reason, .. }) => {
                let path = path.display();
                tracing::warn!(%path, reason, "the history does not fit: it is rebuilt from the journal");
                std::fs::remove_file(directory.join("history.redb")).map_err(io)?;
                open(&directory.join("history.redb"), cache_bytes)
            }
            opened => opened,
        };
        let (database, kept) = opened?;
        Ok((Store { path, cache_bytes, database: RwLock::new(Some(database)) }, kept))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a load, drops what is older than the last `keep` of each account (0 keeps all), and is then complete up
    /// to command `recorded`, where it was up to `kept`: all of it or nothing.
    pub fn write(&self, load: &Load, kept: u64, recorded: u64, keep: u64) -> Result<(), Error> {
        self.revive(kept)?;
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let written = guarded(&self.path, || match &*database {
            Some(database) => {
                write(database, load, recorded, keep).map_err(|error| failure(&self.path, error))
            }
            None => Err(failure(&self.path, redb::Error::DatabaseClosed)),
        });
        drop(database);
        if written.is_err() {
            // A database that met an error takes nothing more, and answers nothing.
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            if let Err(error) = self.revive(kept) {
                tracing::warn!(%error, "the history cannot be read until it is opened again");
            }
        }
        written
    }

    /// Opens the file again if it is out of order; it is as the last transaction left it.
    fn revive(&self, kept: u64) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if database.is_none() {
            let (opened, found) = open(&self.path, self.cache_bytes)?;
            if found != kept {
                let reason = format!("it ends at command {found}, not at {kept}");
                return Err(Error::Damaged { path: self.path.clone(), reason });
            }
            *database = Some(opened);
        }
        Ok(())
    }

    /// The file as it is now.
    pub fn read(&self) -> Result<Reading<'_>, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let reading = match &*database {
            Some(database) => database.begin_read().map_err(redb::Error::from),
            None => Err(redb::Error::DatabaseClosed),
        };
        Ok(Reading { path: &self.path, reading: reading.map_err(|error| failure(&self.path, error))? })
    }
}

/// Calls the database, which panics over some damage instead of saying so.
pub(crate) fn guarded<T>(path: &Path, call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| {
        Err(Error::Damaged { path: path.to_owned(), reason: "the database panicked over it".to_owned() })
    })
}

/// What went wrong with the file, in our words.
fn failure(path: &Path, error: redb::Error) -> Error {
    let path = path.to_owned();
    match error {
        redb::Error::DatabaseAlreadyOpen => Error::Held { path },
        // Not a database, or cut short.
        redb::Error::Io(error)
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            Error::Damaged { path, reason: error.to_string() }
        }
        redb::Error::Io(error) => Error::Io { path, error },
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
            Error::Io { path, error: io::Error::other(error.to_string()) }
        }
        error => Error::Damaged { path, reason: error.to_string() },
    }
}

fn open(path: &Path, cache_bytes: usize) -> Result<(Database, u64), Error> {
    let facts = |database: &Database| -> Result<Option<[Option<u64>; 2]>, redb::Error> {
        match database.begin_read()?.open_table(FACTS) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
            Ok(facts) => {
                let [format, kept] = [facts.get(FORMAT)?, facts.get(KEPT)?];
                Ok(Some([format, kept].map(|fact| fact.map(|fact| fact.value()))))
            }
        }
    };
    let begun = || -> Result<_, redb::Error> {
        let database = Database::builder().set_cache_size(cache_bytes).create(path)?;
        let mut found = facts(&database)?;
        if found.is_none() {
            write(&database, &Load::default(), 0, 0)?;
            found = facts(&database)?;
        }
        Ok((database, found))
    };
    let (database, found) = guarded(path, || begun().map_err(|error| failure(path, error)))?;
    match found {
        Some([Some(format), Some(kept)]) if format == pack::format() => Ok((database, kept)),
        _ => {
            let reason = "another version of this program wrote it".to_owned();
            Err(Error::Damaged { path: path.to_owned(), reason })
        }
    }
}

fn write(database: &Database, load: &Load, recorded: u64, keep: u64) -> Result<(), redb::Error> {
    let mut writing = database.begin_write()?;
    // After a crash it opens at once, however large it is.
    writing.set_quick_repair(true);
    {
        let mut reports = writing.open_table(Report::TABLE)?;
        let mut marks = writing.open_table(Mark::TABLE)?;
        let mut lines = writing.open_table(LedgerLine::TABLE)?;
        for parcel in &load.parcels {
            let account = parcel.account.0;
            add(&mut reports, account, &parcel.reports)?;
            add(&mut marks, account, &parcel.marks)?;
            add(&mut lines, account, &parcel.lines)?;
            if let (Some(last), true) = (parcel.reports.last(), keep > 0) {
                let below = (last.first + u64::from(last.count)).saturating_sub(keep);
                drop_below(&mut reports, account, below)?;
                drop_below(&mut marks, account, below)?;
            }
            if let (Some(last), true) = (parcel.lines.last(), keep > 0) {
                drop_below(&mut lines, account, (last.first + u64::from(last.count)).saturating_sub(keep))?;
            }
        }
        let mut prints = writing.open_table(Print::TABLE)?;
        for Prints { instrument, runs } in &load.prints {
            add(&mut prints, instrument.0, runs)?;
        }
        let (mut known, mut ids) = (writing.open_table(NAMES)?, writing.open_table(IDS)?);
        for (id, name) in &load.names {
            known.insert(id.0, name.as_str())?;
            ids.insert(name.as_str(), id.0)?;
        }
        let mut facts = writing.open_table(FACTS)?;
        facts.insert(FORMAT, pack::format())?;
        facts.insert(KEPT, recorded)?;
    }
    writing.commit()?;
    Ok(())
}

/// Puts runs behind what the account has, as many into one value as fit.
fn add<E: Entry>(
    table: &mut Table<Key, &'static [u8]>,
    account: u32,
    runs: &[Arc<Run<E>>],
) -> Result<(), StorageError> {
    let Some(first) = runs.first() else { return Ok(()) };
    let mut key = first.first;
    let mut value = Vec::new();
    if let Some(last) = table.range((account, 0)..=(account, u64::MAX))?.next_back() {
        let (last_key, last) = last?;
        let (length, more) = (last.value().len(), first.bytes().len());
        // A short value is continued, unless that copies a lot for the sake of a little.
        if length + more <= VALUE && length <= 4 * more {
            key = last_key.value().1;
            value.extend_from_slice(last.value());
        }
    }
    for run in runs {
        if !value.is_empty() && value.len() + run.bytes().len() > VALUE {
            table.insert((account, key), value.as_slice())?;
            value.clear();
        }
        if value.is_empty() {
            key = run.first;
        }
        value.extend_from_slice(run.bytes());
    }
    table.insert((account, key), value.as_slice())?;
    Ok(())
}

/// Drops the values that hold nothing from number `below` on.
fn drop_below(table: &mut Table<Key, &'static [u8]>, account: u32, below: u64) -> Result<(), StorageError> {
    loop {
        let mut values = table.range((account, 0)..=(account, u64::MAX))?;
        let oldest = values.next().transpose()?.map(|(key, _)| key.value());
        let next = values.next().transpose()?.map(|(key, _)| key.value());
        drop(values);
        match (oldest, next) {
            (Some(oldest), Some((_, next))) if next <= below => drop(table.remove(oldest)?),
            _ => return Ok(()),
        }
    }
}

/// The file at one moment.
pub(crate) struct Reading<'a> {
    path: &'a Path,
    reading: ReadTransaction,
}

impl<'a> Reading<'a> {
    /// What an instrument is called.
    pub fn name(&self, id: InstrumentId) -> Result<Option<String>, Error> {
        let read = || -> Result<Option<String>, redb::Error> {
            let names = self.reading.open_table(NAMES)?;
            Ok(names.get(id.0)?.map(|name| name.value().to_owned()))
        };
        read().map_err(|error| failure(self.path, error))
    }

    /// The last instrument that was called so.
    pub fn named(&self, symbol: &str) -> Result<Option<InstrumentId>, Error> {
        let read = || -> Result<Option<InstrumentId>, redb::Error> {
            let ids = self.reading.open_table(IDS)?;
            Ok(ids.get(symbol)?.map(|id| InstrumentId(id.value())))
        };
        read().map_err(|error| failure(self.path, error))
    }

    pub fn shelf<E: Kept>(&self, account: AccountId) -> Result<Shelf<'a, E>, Error> {
        let table = self.reading.open_table(E::TABLE);
        let table = table.map_err(|error| failure(self.path, error.into()))?;
        Ok(Shelf { path: self.path, table, account, of: PhantomData })
    }
}

/// The runs of one kind and account.
pub(crate) struct Shelf<'a, E> {
    path: &'a Path,
    table: ReadOnlyTable<Key, &'static [u8]>,
    account: AccountId,
    of: PhantomData<E>,
}

type Item<'a> = Result<(AccessGuard<'a, Key>, AccessGuard<'a, &'static [u8]>), StorageError>;

impl<'a, E: Kept> Shelf<'a, E> {
    /// The first number there is.
    pub fn first(&self) -> Result<Option<u64>, Error> {
        self.key(self.range(..=(self.account.0, u64::MAX))?.next())
    }

    /// Every run from the one on that may hold `number`.
    pub fn from(&self, number: u64) -> Result<impl Iterator<Item = Found<E>> + use<'a, E>, Error> {
        let account = self.account.0;
        let start = self.key(self.range(..=(account, number))?.next_back())?.unwrap_or(number);
        let (path, account) = (self.path, self.account);
        let values = self.range((account.0, start)..=(account.0, u64::MAX))?;
        Ok(values.flat_map(move |value| runs(path, account, value)))
    }

    /// The runs that begin before `number`, the last one first.
    pub fn before(&self, number: u64) -> Result<impl Iterator<Item = Found<E>> + use<'a, E>, Error> {
        let (path, account) = (self.path, self.account);
        let values = self.range(..(account.0, number))?;
        Ok(values.rev().flat_map(move |value| {
            let mut runs = runs(path, account, value);
            runs.reverse();
            runs
        }))
    }

    /// The account's keys within what ends so.
    fn range(&self, to: impl RangeBounds<Key>) -> Result<Range<'static, Key, &'static [u8]>, Error> {
        let from = match to.start_bound() {
            Bound::Unbounded => Bound::Included((self.account.0, 0)),
            bound => bound.cloned(),
        };
        let range = self.table.range((from, to.end_bound().cloned()));
        range.map_err(|error| failure(self.path, error.into()))
    }

    /// What cannot be read.
    pub fn damaged(&self) -> Error {
        damaged(self.path, self.account)
    }

    fn key(&self, item: Option<Item>) -> Result<Option<u64>, Error> {
        let item = item.transpose().map_err(|error| failure(self.path, error.into()))?;
        Ok(item.map(|(key, _)| key.value().1))
    }
}

/// A run, or why there is none.
pub(crate) type Found<E> = Result<Arc<Run<E>>, Error>;

fn runs<E: Entry>(path: &Path, account: AccountId, item: Item) -> Vec<Found<E>> {
    let runs = match item {
        Ok((_, value)) => Run::all_of(value.value()).map_err(|Damage| damaged(path, account)),
        Err(error) => Err(failure(path, error.into())),
    };
    match runs {
        Ok(runs) => runs.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

fn damaged(path: &Path, account: AccountId) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        reason: format!("what it has of account {account} cannot be read"),
    }
}
