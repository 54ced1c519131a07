//! The writer and its syncer.
//!
//! A batch is encoded into one buffer and written in one piece behind the batch before; the syncer, on
//! another thread, makes durable whatever is written by then. Every record says how many before it were
//! not yet known to be durable: `tail` lives on that.

use crate::format::{ENDS_BATCH, HEADER, Header, checksum};
use crate::segment::{Segment, sync_directory};
use crate::stock::{Prepared, Short, Stock, clear_partial, link};
use crate::tail::{Tail, is_begun, measure};
use crate::{Disk, Error, FORMAT, Head, Local, Lock, SEGMENT_HEADER_BYTES, Snapshot};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use zerocopy::{FromBytes, IntoBytes};

/// Where a journal is, and how it is written.
#[derive(Clone, Debug)]
pub struct Config {
    pub directory: PathBuf,
    /// Bytes of a segment; a batch that needs more gets a larger one.
    pub segment_bytes: u64,
    /// Bytes of disk kept for when there are no others; 0 keeps none. While they cannot be kept, the disk is full.
    pub reserve_bytes: u64,
    pub shard: u16,
    /// Of this writer; replay of a replicated log drops records of an older one.
    pub epoch: u32,
    pub disk: Arc<dyn Disk>,
}

impl Config {
    pub fn new(directory: impl Into<PathBuf>) -> Config {
        Config {
            directory: directory.into(),
            segment_bytes: 64 << 20,
            reserve_bytes: 256 << 20,
            shard: 0,
            epoch: 1,
            disk: Arc::new(Local),
        }
    }
}

/// The journal, held and open for writing.
pub struct Log {
    disk: Arc<dyn Disk>,
    shard: u16,
    epoch: u32,
    segment: Segment,
    file: Arc<File>,
    /// Where the next batch goes, and where the segment ends.
    offset: u64,
    bytes: u64,
    /// The batch so far, and where in it the last record begins.
    batch: Vec<u8>,
    open: Option<usize>,
    /// The number of the last record appended, and of the last one written.
    appended: u64,
    written: u64,
    /// Up to here it was durable when the batch began.
    durable: u64,
    full: bool,
    failed: bool,
    shared: Arc<Shared>,
    stock: Stock,
    /// Given back last.
    _lock: Lock,
}

/// What opening found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The number of the last record; zero where there is none.
    pub last: u64,
    pub cut: Option<Cut>,
}

/// An unfinished end that was cut: it was never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub first: u64,
    /// The highest number that could still be read.
    pub last: u64,
}

/// Why a batch was not written. It is forgotten: append it again, or what is left of it.
#[derive(Debug)]
pub enum Full {
    /// No room but the reserve: from now on that is used.
    NewWork,
    /// The reserve is used up, too.
    Reserve,
    /// Nothing will be written any more.
    Failed(Error),
}

/// What writer and syncer share.
struct Shared {
    current: Mutex<Current>,
    written: AtomicU64,
    durable: AtomicU64,
}

struct Current {
    file: Arc<File>,
    /// A failed sync is never tried again: the kernel may have dropped what it could not write.
    failed: bool,
}

impl Log {
    /// Takes the directory, makes it where it is missing, and finds the end, which is durable from then on.
    ///
    /// # Errors
    /// [`Error::Held`]; [`Error::Damaged`] and its like where something durable cannot be read.
    pub fn open(config: Config) -> Result<(Log, Opened), Error> {
        let Config { directory, segment_bytes, reserve_bytes, shard, epoch, disk } = config;
        fs::create_dir_all(&directory).map_err(Error::at(&directory, "making the directory"))?;
        let lock = Lock::take(&directory)?;
        clear_partial(&directory)?;
        let mut stock = Stock::open(&directory, &disk, shard, segment_bytes, reserve_bytes)?;
        let segments = Segment::list_all(&[&directory])?;
        if segments.is_empty() {
            sync_parents(&directory)?;
        }
        let Place { at, first, tail } = find_end(&segments, &*disk)?;
        let last = tail.last.map_or(first - 1, |last| last.seq.get());
        let opened = Opened { last, cut: tail.torn.as_ref().map(Cut::from) };
        if let (Some(last), Some(segment)) = (&tail.last, segments.get(at))
            && last.epoch.get() > epoch
        {
            let (path, seq, before) = (segment.path.clone(), opened.last + 1, last.epoch.get());
            return Err(Error::Epoch { path, seq, found: epoch, before });
        }
        let made =
            Snapshot::list(&directory)?.into_iter().find(|made| made.seq > opened.last && made.is_headed());
        if let Some(Snapshot { seq: snapshot, path }) = made {
            return Err(Error::Lost { path, snapshot, last: opened.last });
        }
        let Prepared { segment, file, bytes } = match segments.get(at) {
            Some(segment) => existing(segment, shard)?,
            None => stock.make(1)?,
        };
        repair(&file, bytes, &tail, &*disk).map_err(Error::at(&segment.path, "clearing the end"))?;
        if let Some(next) = segments.get(at + 1) {
            stock.keep(existing(next, shard)?);
        }
        stock.order_next(segment.index + 1);
        // Perhaps the segment in use was the reserve: what is left of it is for what takes back.
        let full = !stock.has_reserve();
        if full {
            tracing::error!(reserve_bytes, "the disk has no room for the reserve: new work is refused");
        }
        let file = Arc::new(file);
        let shared = Arc::new(Shared {
            current: Mutex::new(Current { file: Arc::clone(&file), failed: false }),
            written: AtomicU64::new(opened.last),
            durable: AtomicU64::new(opened.last),
        });
        let log = Log {
            disk,
            shard,
            epoch,
            segment,
            file,
            offset: tail.end,
            bytes,
            batch: Vec::new(),
            open: None,
            appended: opened.last,
            written: opened.last,
            durable: opened.last,
            full,
            failed: false,
            shared,
            stock,
            _lock: lock,
        };
        Ok((log, opened))
    }

    /// Adds a record to the batch; `body` appends its bytes and nothing else.
    #[inline]
    pub fn append(&mut self, head: Head, body: impl FnOnce(&mut Vec<u8>)) {
        assert_eq!(head.seq, self.appended + 1, "records are numbered without gaps");
        self.finish(0);
        if self.batch.is_empty() {
            self.durable = self.shared.durable.load(Ordering::Acquire);
        }
        let start = self.batch.len();
        let header = Header {
            checksum: 0.into(),
            length: 0.into(),
            seq: head.seq.into(),
            time: head.time.into(),
            epoch: self.epoch.into(),
            pending: u32::try_from(head.seq - 1 - self.durable).unwrap_or(u32::MAX).into(),
            kind: head.kind.into(),
            version: head.version.into(),
            shard: self.shard.into(),
            format: FORMAT as u8,
            marks: 0,
        };
        self.batch.extend_from_slice(header.as_bytes());
        body(&mut self.batch);
        self.open = Some(start);
        self.appended = head.seq;
    }

    /// Completes the last record: its length, padding and checksum.
    #[inline]
    fn finish(&mut self, marks: u8) {
        let Some(start) = self.open.take() else { return };
        let length = self.batch.len() - start - HEADER;
        self.batch.resize(start + crate::size_of_record(length), 0);
        let record = &mut self.batch[start..];
        let (header, _) = Header::mut_from_prefix(record).expect("it begins with a header");
        header.length = u32::try_from(length).expect("a command is small").into();
        header.marks = marks;
        let checksum = checksum(record);
        let (header, _) = Header::mut_from_prefix(record).expect("it begins with a header");
        header.checksum = checksum.into();
    }

    /// Writes the batch; returns its bytes. Durable it is after the next [`Syncer::sync`].
    pub fn write(&mut self) -> Result<u64, Full> {
        self.finish(ENDS_BATCH);
        let result = self.write_batch();
        self.batch.clear();
        if result.is_err() {
            self.appended = self.written;
        }
        result
    }

    fn write_batch(&mut self) -> Result<u64, Full> {
        let bytes = self.batch.len() as u64;
        if bytes == 0 {
            return Ok(0);
        }
        if self.failed {
            return Err(Full::Failed(Error::Stopped));
        }
        if self.offset + bytes > self.bytes {
            self.roll(bytes)?;
        }
        if let Err(error) = self.disk.write(&self.file, &self.batch, self.offset) {
            // Part of it may stand there. Nothing may be written over that: the next start cuts it.
            return Err(self.fail(Error::at(&self.segment.path, "writing")(error)));
        }
        self.offset += bytes;
        self.written = self.appended;
        self.shared.written.store(self.written, Ordering::Release);
        Ok(bytes)
    }

    /// Goes on in the next segment, once this one is durable whole.
    fn roll(&mut self, bytes: u64) -> Result<(), Full> {
        let index = self.segment.index + 1;
        let taken = match self.stock.take(index, bytes) {
            Err(Short::Full) if self.full => self.stock.take_reserve(index, bytes),
            taken => taken,
        };
        let next = match taken {
            Ok(next) => next,
            Err(Short::Full) if self.full => return Err(Full::Reserve),
            Err(Short::Full) => {
                self.full = true;
                tracing::error!("the disk is full: new work is refused");
                return Err(Full::NewWork);
            }
            Err(Short::Failed(error)) => return Err(self.fail(error)),
        };
        let Prepared { segment, file, bytes } = next;
        let file = Arc::new(file);
        {
            let mut current = self.shared.current.lock().expect("nobody panics with it");
            let synced = match current.failed {
                true => Err(Error::Stopped),
                false => self.disk.sync(&current.file).map_err(Error::at(&self.segment.path, "syncing")),
            };
            if let Err(error) = synced {
                current.failed = true;
                drop(current);
                return Err(self.fail(error));
            }
            current.file = Arc::clone(&file);
            self.shared.durable.fetch_max(self.written, Ordering::AcqRel);
        }
        let full = std::mem::replace(&mut self.segment, segment.clone());
        self.stock.link(full, self.offset, segment, self.written + 1);
        self.stock.order(index + 1);
        self.file = file;
        self.offset = SEGMENT_HEADER_BYTES;
        self.bytes = bytes;
        Ok(())
    }

    fn fail(&mut self, error: Error) -> Full {
        self.failed = true;
        Full::Failed(error)
    }

    /// Whether only the reserve, or what was the reserve, is left.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Asks the disk again, now and then; whether there is room for new work.
    pub fn has_room_again(&mut self) -> bool {
        if self.full {
            match self.stock.is_there_again(self.segment.index + 1) {
                Ok(true) => {
                    self.full = false;
                    tracing::info!("the disk has room again");
                }
                Ok(false) => {}
                // The next write finds it again, and says so.
                Err(error) => tracing::error!(%error, "no next segment"),
            }
        }
        !self.full
    }

    /// What makes durable whatever is written.
    pub fn syncer(&self) -> Syncer {
        Syncer { shared: Arc::clone(&self.shared), disk: Arc::clone(&self.disk) }
    }

    /// The number of the last record known to be durable.
    pub fn durable(&self) -> u64 {
        self.shared.durable.load(Ordering::Acquire)
    }
}

/// Syncs, on another thread than the writer's.
pub struct Syncer {
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
}

impl Syncer {
    /// Returns once everything written before the call is durable; gives the number of the last record.
    ///
    /// # Errors
    /// Whatever the disk says, and from then on always.
    pub fn sync(&mut self) -> io::Result<u64> {
        let mut current = self.shared.current.lock().expect("nobody panics with it");
        if current.failed {
            return Err(io::Error::other("an earlier sync failed"));
        }
        let written = self.shared.written.load(Ordering::Acquire);
        let synced = self.disk.sync(&current.file);
        current.failed = synced.is_err();
        synced?;
        self.shared.durable.fetch_max(written, Ordering::AcqRel);
        Ok(written)
    }
}

/// Where the journal ends.
struct Place {
    /// The position of the last segment that was begun.
    at: usize,
    /// The number of its first record.
    first: u64,
    tail: Tail,
}

/// Finds the last segment that was begun, and its end.
fn find_end(segments: &[Segment], disk: &dyn Disk) -> Result<Place, Error> {
    // A segment is only begun once the one before it is durable whole: the last one that holds anything,
    // be it torn, is the end. One that only has its link was about to be begun.
    for (at, segment) in segments.iter().enumerate().rev() {
        if at > 0 && !is_begun(segment)? {
            continue;
        }
        let first = first_of(segments, at, disk)?;
        let tail = measure(segment, first)?;
        return Ok(Place { at, first, tail });
    }
    let tail = Tail { end: SEGMENT_HEADER_BYTES, last: None, torn: None };
    Ok(Place { at: 0, first: 1, tail })
}

/// The number of the first record of the segment `at`. A link that a crash kept from being written, or a failing
/// disk, is written again.
fn first_of(segments: &[Segment], at: usize, disk: &dyn Disk) -> Result<u64, Error> {
    let segment = &segments[at];
    match segment.header()?.1 {
        Some(link) => return Ok(link.first.get()),
        None if segment.index == 1 => return Ok(1),
        None if at == 0 => {
            return Err(Error::NotSegment { path: segment.path.clone(), why: "its link is missing" });
        }
        None => {}
    }
    let full = &segments[at - 1];
    let start = first_of(segments, at - 1, disk)?;
    let tail = measure(full, start)?;
    if let Some(torn) = tail.torn {
        let why =
            "its end is torn, though the segment after it was begun only once it was durable".to_owned();
        let (path, seq) = (full.path.clone(), *torn.numbers.start());
        return Err(Error::Damaged { path, offset: tail.end, seq, why });
    }
    let first = tail.last.map_or(start, |last| last.seq.get() + 1);
    link(disk, full, tail.end, segment, first)?;
    Ok(first)
}

/// A segment that stands there already, open for writing.
fn existing(segment: &Segment, shard: u16) -> Result<Prepared, Error> {
    let (opening, _) = segment.header()?;
    let found = opening.shard.get();
    if found != shard {
        return Err(Error::Shard { path: segment.path.clone(), expected: shard, found });
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&segment.path)
        .map_err(Error::at(&segment.path, "opening"))?;
    Ok(Prepared { segment: segment.clone(), file, bytes: opening.bytes.get() })
}

/// Makes what is kept durable, and zeros of what is cut, so that it never comes back to life.
fn repair(file: &File, bytes: u64, tail: &Tail, disk: &dyn Disk) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    let length = file.metadata()?.len();
    let mut at = tail.end;
    // A file that was cut short gets its length again.
    let end = match length < bytes {
        true => bytes,
        false => tail.torn.as_ref().map_or(at, |torn| torn.end),
    };
    while at < end {
        let chunk = (end - at).min(ZEROS.len() as u64);
        disk.write(file, &ZEROS[..chunk as usize], at)?;
        at += chunk;
    }
    disk.sync(file)
}

/// Makes the directory itself durable, and the one it stands in.
fn sync_parents(directory: &Path) -> Result<(), Error> {
    sync_directory(directory)?;
    match directory.parent() {
        Some(parent) if parent != Path::new("") => sync_directory(parent),
        _ => Ok(()),
    }
}
