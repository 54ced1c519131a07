//! Commands as records of the journal: the only place that knows both.
//!
//! What is asked of a log is small: append, write, sync, read on from a number. A replicated one can stand
//! here with the same three types.

use crate::{Config, Fault};
use hourbook_journal as journal;
use hourbook_model::{Command, Request, Stamp, Time, codec};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use journal::Full;

/// The journal, open for writing.
pub(crate) struct Log(journal::Log);

/// What opening found.
pub(crate) struct Opened {
    pub last: u64,
    pub cut: Option<(u64, u64)>,
}

impl Log {
    pub fn open(config: &Config) -> Result<(Log, Opened), Fault> {
        let (log, opened) = journal::Log::open(journal::Config {
            directory: config.directory.clone(),
            segment_bytes: config.segment_bytes,
            reserve_bytes: config.reserve_bytes,
            shard: config.shard,
            epoch: config.epoch,
            disk: Arc::clone(&config.disk),
        })?;
        let cut = opened.cut.map(|cut| (cut.first, cut.last));
        Ok((Log(log), Opened { last: opened.last, cut }))
    }

    /// Adds a command to the batch.
    #[inline]
    pub fn append(&mut self, stamp: Stamp, request: &Request, command: &Command) {
        let (kind, version) = command.kind();
        let head = journal::Head { seq: stamp.seq, time: stamp.time.0, kind, version };
        self.0.append(head, |to| codec::encode(request, command, to));
    }

    /// Writes the batch; returns its bytes.
    pub fn write(&mut self) -> Result<u64, Full> {
        self.0.write()
    }

    pub fn is_full(&self) -> bool {
        self.0.is_full()
    }

    pub fn has_room_again(&mut self) -> bool {
        self.0.has_room_again()
    }

    /// What makes durable whatever is written when it is called.
    pub fn syncer(&self) -> impl FnMut() -> io::Result<()> + Send + use<> {
        let mut syncer = self.0.syncer();
        move || syncer.sync().map(drop)
    }
}

/// Where a journal is read from: its directory, and the archive that its earlier segments were moved to.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub directory: &'a Path,
    pub archive: Option<&'a Path>,
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(directory: &'a Path) -> Source<'a> {
        Source { directory, archive: None }
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(directory: &'a PathBuf) -> Source<'a> {
        Source::from(directory.as_path())
    }
}

/// Commands in order, as they stand in the journal.
pub(crate) struct Tail(journal::Reader);

pub(crate) struct Record<'a> {
    pub stamp: Stamp,
    pub kind: u16,
    pub version: u16,
    pub body: &'a [u8],
}

impl Tail {
    /// What comes after number `after`.
    pub fn open(source: Source, after: u64) -> Result<Tail, Fault> {
        let mut directories = vec![source.directory];
        directories.extend(source.archive);
        Ok(Tail(journal::Reader::open(&directories, after)?))
    }

    #[inline]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, Fault> {
        let record = self.0.read()?;
        Ok(record.map(|journal::Record { head, body, .. }| Record {
            stamp: Stamp { seq: head.seq, time: Time(head.time) },
            kind: head.kind,
            version: head.version,
            body,
        }))
    }
}

/// The number of the first command that a journal still holds.
pub(crate) fn first(directory: &Path) -> Result<u64, Fault> {
    Ok(journal::first(&[directory])?)
}

/// Where snapshots are written.
pub(crate) struct Place {
    pub directory: PathBuf,
    shard: u16,
    disk: Arc<dyn journal::Disk>,
}

impl Place {
    pub fn of(config: &Config) -> Place {
        let (directory, disk) = (config.directory.clone(), Arc::clone(&config.disk));
        Place { directory, shard: config.shard, disk }
    }
}

/// A snapshot file.
pub(crate) struct Saved(journal::Snapshot);

impl Saved {
    /// The newest first.
    pub fn list(directory: &Path) -> Result<Vec<Saved>, Fault> {
        Ok(journal::Snapshot::list(directory)?.into_iter().map(Saved).collect())
    }

    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    pub fn load(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.0.load()?)
    }

    pub fn write(place: &Place, stamp: Stamp, state: &[u8]) -> Result<(), Fault> {
        let Place { directory, shard, disk } = place;
        journal::Snapshot::write(directory, &**disk, *shard, stamp.seq, stamp.time.0, state)?;
        Ok(())
    }
}
