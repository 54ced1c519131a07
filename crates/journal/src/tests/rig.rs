//! A journal in a directory of its own, on a disk that fails when told to. The one place that touches the API.

use crate::*;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use tempfile::TempDir;

pub const SEGMENT: u64 = 16 << 10;

pub struct Rig {
    pub directory: TempDir,
    pub disk: Arc<Faulty>,
    pub segment_bytes: u64,
    pub reserve_bytes: u64,
}

/// A disk that is full, or fails to sync.
#[derive(Debug)]
pub struct Faulty {
    /// Bytes by which files may still grow.
    pub room: AtomicI64,
    pub sync_fails: AtomicBool,
    pub write_fails: AtomicBool,
}

impl Disk for Faulty {
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.write_fails.load(SeqCst) {
            Local.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::other("the disk is on fire"));
        }
        let grows = (offset + bytes.len() as u64).saturating_sub(file.metadata()?.len()) as i64;
        // In one step: a write that is refused takes no room from another thread's, not even for a moment.
        let taken = self.room.fetch_update(SeqCst, SeqCst, |room| (grows <= room).then_some(room - grows));
        if taken.is_err() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Local.write(file, bytes, offset)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        match self.sync_fails.load(SeqCst) {
            true => Err(io::Error::other("the disk is on fire")),
            false => Local.sync(file),
        }
    }

    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        self.write(file, &vec![0; bytes as usize], 0)
    }
}

impl Rig {
    pub fn new() -> Rig {
        let disk = Faulty {
            room: AtomicI64::new(i64::MAX / 2),
            sync_fails: AtomicBool::new(false),
            write_fails: AtomicBool::new(false),
        };
        let directory = TempDir::new().unwrap();
        Rig { directory, disk: Arc::new(disk), segment_bytes: SEGMENT, reserve_bytes: 0 }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn config(&self) -> Config {
        Config {
            segment_bytes: self.segment_bytes,
            reserve_bytes: self.reserve_bytes,
            disk: self.disk.clone(),
            ..Config::new(self.path())
        }
    }

    pub fn open(&self) -> (Log, Opened) {
        Log::open(self.config()).unwrap()
    }

    /// Opens, and closes again: what a start makes of it.
    pub fn reopen(&self) -> Result<Opened, Error> {
        Log::open(self.config()).map(|(_, opened)| opened)
    }

    pub fn segment(&self, index: u64) -> PathBuf {
        Segment::new(self.path(), index).path
    }

    pub fn bytes(&self, index: u64) -> Vec<u8> {
        fs::read(self.segment(index)).unwrap()
    }

    pub fn put(&self, index: u64, bytes: &[u8]) {
        fs::write(self.segment(index), bytes).unwrap();
    }

    /// Every record's number, after a check of its body.
    pub fn numbers(&self, after: u64) -> Result<Vec<u64>, Error> {
        numbers(&[self.path()], after)
    }
}

pub fn numbers(directories: &[&Path], after: u64) -> Result<Vec<u64>, Error> {
    let mut reader = Reader::open(directories, after)?;
    let mut numbers = Vec::new();
    while let Some(record) = reader.read()? {
        assert_eq!(record.body, body(record.head.seq), "record {}", record.head.seq);
        assert_eq!(record.head, head(record.head.seq));
        numbers.push(record.head.seq);
    }
    Ok(numbers)
}

pub fn head(seq: u64) -> Head {
    Head { seq, time: 1_000 * seq as i64, kind: (seq % 50) as u16, version: 1 }
}

/// A body of its own for each number, of different lengths, the first 3 bytes long.
pub fn body(seq: u64) -> Vec<u8> {
    (0..(seq * 7) % 60 + 3).map(|at| (seq * 31 + at) as u8).collect()
}

/// Writes `count` records as one batch, not synced.
pub fn write(log: &mut Log, from: u64, count: u64) -> Result<u64, Full> {
    for seq in from..from + count {
        log.append(head(seq), |to| to.extend_from_slice(&body(seq)));
    }
    log.write()
}

/// The same, acknowledged.
pub fn append(log: &mut Log, from: u64, count: u64) {
    write(log, from, count).unwrap();
    assert_eq!(log.syncer().sync().unwrap(), from + count - 1);
}

/// Where each record of a segment begins, and where the last one ends.
pub fn starts(segment: &[u8]) -> Vec<usize> {
    let mut at = SEGMENT_HEADER_BYTES as usize;
    let mut starts = vec![at];
    while at + 40 <= segment.len() && segment[at + 8..at + 16] != [0; 8] {
        let length = u32::from_le_bytes(segment[at + 4..at + 8].try_into().unwrap());
        at += size_of_record(length as usize);
        starts.push(at);
    }
    starts
}

/// Numbers that look random and are not.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Of the environment's `SEED`, or a fixed one; says which.
    pub fn seeded() -> Random {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
        println!("SEED={seed}");
        Random(seed | 1)
    }
}
