//! Segments are made before they are needed: zero-filled and synced by a thread of their own, because a
//! sync of bytes that were there before costs less than half of one that also has to find room for them.
//!
//! Beside the next segment stands the reserve: room that is taken but not used until the disk is full.
//! The same thread writes the chain of hashes when a segment is full.

use crate::error::is_full;
use crate::format::{LINK_OFFSET, Link, Opening};
use crate::segment::{Segment, Window, sync_directory};
use crate::{Disk, Error, SEGMENT_HEADER_BYTES};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use zerocopy::IntoBytes;

/// Written and synced at once, so that the journal's own syncs never wait long behind it.
const CHUNK: usize = 1 << 20;
/// What a file system gives out.
const BLOCK: u64 = 4_096;
const RESERVE: &str = "reserve";
const PARTIAL: &str = "segment.partial";
/// How often a full disk is asked again.
const RETRY: Duration = Duration::from_millis(500);

/// A segment that records can be written to.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub segment: Segment,
    pub file: File,
    pub bytes: u64,
}

/// Where segments come from.
pub(crate) struct Stock {
    maker: Arc<Maker>,
    orders: Option<Sender<Order>>,
    made: Receiver<Result<Prepared, Error>>,
    thread: Option<JoinHandle<()>>,
    next: Option<Prepared>,
    /// Whether the thread has been told to make the next one.
    ordered: bool,
    asked: Instant,
}

/// Why there is no segment.
pub(crate) enum Short {
    Full,
    Failed(Error),
}

enum Order {
    Segment {
        index: u64,
        bytes: u64,
    },
    Reserve,
    /// A segment is full; the chain goes on in the next one, whose first record is `first`.
    Link {
        full: Segment,
        end: u64,
        next: Segment,
        first: u64,
    },
}

/// What making one takes.
struct Maker {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
    shard: u16,
    segment_bytes: u64,
    reserve_bytes: u64,
    stop: AtomicBool,
    /// What found no room was said; it is tried again twice a second, and said again once it was there.
    said: Said,
}

#[derive(Default)]
struct Said {
    reserve: AtomicBool,
    segment: AtomicBool,
}

impl Stock {
    /// Begins with the reserve: whether there is one is known from the start.
    pub fn open(
        directory: &Path,
        disk: &Arc<dyn Disk>,
        shard: u16,
        segment_bytes: u64,
        reserve_bytes: u64,
    ) -> Result<Stock, Error> {
        let maker = Arc::new(Maker {
            directory: directory.to_owned(),
            disk: Arc::clone(disk),
            shard,
            segment_bytes,
            reserve_bytes,
            stop: AtomicBool::new(false),
            said: Said::default(),
        });
        maker.try_reserve();
        let (orders, taken) = channel();
        let (done, made) = channel();
        let worker = Arc::clone(&maker);
        let thread = thread::Builder::new()
            .name("journal-stock".to_owned())
            .spawn(move || worker.run(&taken, &done))
            .map_err(Error::at(directory, "starting a thread"))?;
        let asked = Instant::now();
        let orders = Some(orders);
        Ok(Stock { maker, orders, made, thread: Some(thread), next: None, ordered: false, asked })
    }

    /// Makes a segment now, on this thread: the first of all.
    pub fn make(&self, index: u64) -> Result<Prepared, Error> {
        self.maker.segment(index, self.maker.segment_bytes, false)
    }

    /// Keeps a segment that was prepared before.
    pub fn keep(&mut self, next: Prepared) {
        self.next = Some(next);
    }

    /// Has the reserve made where there is none, and the segment `index` where none is kept.
    pub fn order(&mut self, index: u64) {
        self.tell(Order::Reserve);
        self.order_next(index);
    }

    /// Has the segment `index` made where none is kept.
    pub fn order_next(&mut self, index: u64) {
        if self.next.is_none() && !self.ordered {
            self.order_segment(index, self.maker.segment_bytes);
        }
    }

    fn order_segment(&mut self, index: u64, bytes: u64) {
        self.ordered = true;
        self.asked = Instant::now();
        self.tell(Order::Segment { index, bytes });
    }

    /// The segment `index`, with room for `bytes` bytes of records; waits while it is being made.
    pub fn take(&mut self, index: u64, bytes: u64) -> Result<Prepared, Short> {
        let bytes = SEGMENT_HEADER_BYTES + bytes;
        loop {
            match self.next.take() {
                Some(next) if next.bytes >= bytes => return Ok(next),
                Some(_) => self.order_segment(index, bytes.next_multiple_of(BLOCK)),
                None if !self.ordered && self.asked.elapsed() < RETRY => return Err(Short::Full),
                None if !self.ordered => {
                    self.order_segment(index, self.maker.segment_bytes.max(bytes.next_multiple_of(BLOCK)))
                }
                None => {}
            }
            self.receive(true)?;
        }
    }

    /// Whether there are a next segment and the reserve again; asks the disk for them now and then.
    pub fn is_there_again(&mut self, index: u64) -> Result<bool, Error> {
        let is_short = self.next.is_none() || !self.has_reserve();
        if is_short && !self.ordered && self.asked.elapsed() >= RETRY {
            self.asked = Instant::now();
            self.order(index);
        }
        match self.receive(false) {
            Ok(()) | Err(Short::Full) => Ok(self.next.is_some() && self.has_reserve()),
            Err(Short::Failed(error)) => Err(error),
        }
    }

    /// Makes the reserve the segment `index`, with room for `bytes` bytes of records.
    pub fn take_reserve(&mut self, index: u64, bytes: u64) -> Result<Prepared, Short> {
        match self.maker.reserve_as(index, SEGMENT_HEADER_BYTES + bytes) {
            Ok(Some(prepared)) => Ok(prepared),
            Ok(None) => Err(Short::Full),
            Err(error) => Err(Short::Failed(error)),
        }
    }

    /// Whether the room that is to be kept is kept.
    pub fn has_reserve(&self) -> bool {
        self.maker.has_reserve()
    }

    /// Goes on with the chain behind a segment that is full.
    pub fn link(&self, full: Segment, end: u64, next: Segment, first: u64) {
        self.tell(Order::Link { full, end, next, first });
    }

    /// Takes what the thread has made.
    fn receive(&mut self, wait: bool) -> Result<(), Short> {
        if !self.ordered {
            return Ok(());
        }
        let made = match wait {
            true => self.made.recv().map_err(|_| TryRecvError::Disconnected),
            false => self.made.try_recv(),
        };
        let made = match made {
            Ok(made) => made,
            Err(TryRecvError::Empty) => return Ok(()),
            Err(TryRecvError::Disconnected) => return Err(Short::Failed(Error::Stopped)),
        };
        self.ordered = false;
        match made {
            Ok(prepared) => {
                self.next = Some(prepared);
                Ok(())
            }
            Err(error) if error.is_full_disk() => {
                self.asked = Instant::now();
                Err(Short::Full)
            }
            Err(error) => Err(Short::Failed(error)),
        }
    }

    fn tell(&self, order: Order) {
        // Where the thread is gone, whoever waits for a segment learns it.
        let _ = self.orders.as_ref().expect("there until it is dropped").send(order);
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // Nothing may be written once the lock is given back.
        self.maker.stop.store(true, Relaxed);
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Maker {
    fn run(&self, orders: &Receiver<Order>, made: &Sender<Result<Prepared, Error>>) {
        while let Ok(order) = orders.recv() {
            match order {
                Order::Segment { index, bytes } => {
                    let segment = self.segment(index, bytes, true);
                    match &segment {
                        Ok(_) => self.said.segment.store(false, Relaxed),
                        Err(error) if !self.stop.load(Relaxed) && !self.said.segment.swap(true, Relaxed) => {
                            tracing::warn!(index, %error, "no next segment");
                        }
                        Err(_) => {}
                    }
                    if made.send(segment).is_err() {
                        return;
                    }
                }
                Order::Reserve => self.try_reserve(),
                Order::Link { full, end, next, first } => match link(&*self.disk, &full, end, &next, first) {
                    Ok(()) => {}
                    // The next start writes it.
                    Err(error) => tracing::error!(index = next.index, %error, "the chain is not written"),
                },
            }
        }
    }

    /// A segment full of zeros, durable under its name; `gently` leaves the disk to others between its parts.
    fn segment(&self, index: u64, bytes: u64, gently: bool) -> Result<Prepared, Error> {
        let segment = Segment::new(&self.directory, index);
        let partial = self.directory.join(PARTIAL);
        let fill = || {
            let file = create(&partial)?;
            let zeros = vec![0; CHUNK];
            let mut at = 0;
            while at < bytes {
                if self.stop.load(Relaxed) {
                    return Err(std::io::Error::other("stopped meanwhile"));
                }
                let chunk = (bytes - at).min(CHUNK as u64);
                self.disk.write(&file, &zeros[..chunk as usize], at)?;
                if gently {
                    self.disk.sync(&file)?;
                }
                at += chunk;
            }
            Ok(file)
        };
        let file = fill().map_err(|error| {
            // What is left of it only takes room, perhaps the last.
            let _ = fs::remove_file(&partial);
            Error::at(&segment.path, "preparing")(error)
        })?;
        self.name(segment, file, &partial, bytes)
    }

    /// Writes the header, and gives the file the segment's name.
    fn name(&self, segment: Segment, file: File, from: &Path, bytes: u64) -> Result<Prepared, Error> {
        let opening = Opening::new(self.shard, segment.index, bytes);
        self.disk
            .write(&file, opening.as_bytes(), 0)
            .and_then(|()| self.disk.sync(&file))
            .and_then(|()| fs::rename(from, &segment.path))
            .map_err(Error::at(&segment.path, "preparing"))?;
        sync_directory(&self.directory)?;
        Ok(Prepared { segment, file, bytes })
    }

    /// Whether the room that is to be kept is kept; one that is to be none always is.
    fn has_reserve(&self) -> bool {
        let bytes = self.reserve_bytes;
        bytes == 0 || fs::metadata(self.directory.join(RESERVE)).is_ok_and(|found| found.len() == bytes)
    }

    /// Takes the reserve where there is none. One that finds no room is missed only once the disk is full.
    fn try_reserve(&self) {
        if self.has_reserve() {
            return;
        }
        match self.reserve() {
            Ok(()) => self.said.reserve.store(false, Relaxed),
            Err(error) if !self.said.reserve.swap(true, Relaxed) => {
                tracing::warn!(%error, "no reserve for a full disk");
            }
            Err(_) => {}
        }
    }

    /// Takes the room that is kept for a full disk.
    fn reserve(&self) -> Result<(), Error> {
        let path = self.directory.join(RESERVE);
        let bytes = self.reserve_bytes;
        let partial = self.directory.join("reserve.partial");
        let take = || {
            let file = create(&partial)?;
            match self.disk.allocate(&file, bytes) {
                Ok(()) => {}
                Err(error) if is_full(&error) => return Err(error),
                // A file system that cannot: zeros take the room as well.
                Err(_) => {
                    let zeros = vec![0; CHUNK];
                    let mut at = 0;
                    while at < bytes && !self.stop.load(Relaxed) {
                        let chunk = (bytes - at).min(CHUNK as u64);
                        self.disk.write(&file, &zeros[..chunk as usize], at)?;
                        at += chunk;
                    }
                }
            }
            file.sync_all()?;
            fs::rename(&partial, &path)
        };
        take().map_err(|error| {
            let _ = fs::remove_file(&partial);
            Error::at(&path, "taking the reserve")(error)
        })?;
        sync_directory(&self.directory)
    }

    /// The reserve as the segment `index`; `None` where there is none, or one of fewer than `least` bytes.
    fn reserve_as(&self, index: u64, least: u64) -> Result<Option<Prepared>, Error> {
        let path = self.directory.join(RESERVE);
        let Ok(file) = OpenOptions::new().read(true).write(true).open(&path) else { return Ok(None) };
        let bytes = file.metadata().map_err(Error::at(&path, "looking at"))?.len();
        if bytes < least {
            // It stays for a smaller batch.
            return Ok(None);
        }
        self.name(Segment::new(&self.directory, index), file, &path, bytes).map(Some)
    }
}

/// Removes what was not finished.
pub(crate) fn clear_partial(directory: &Path) -> Result<(), Error> {
    for name in [PARTIAL, "reserve.partial"] {
        let path = directory.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::at(&path, "removing")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

/// Writes the chain's value over all up to `full`, whose records end at `end`, into the segment after it.
///
/// It is durable with the next sync of that segment; a start that finds it missing writes it again.
pub(crate) fn link(
    disk: &dyn Disk,
    full: &Segment,
    end: u64,
    next: &Segment,
    first: u64,
) -> Result<(), Error> {
    let mut window = Window::open(full)?;
    let before = match window.link {
        Some(link) => link.chain,
        None if full.index == 1 => [0; 32],
        None => return Err(Error::Chain { path: full.path.clone() }),
    };
    let chain = window.chain(before, end)?;
    OpenOptions::new()
        .write(true)
        .open(&next.path)
        .and_then(|file| disk.write(&file, Link::new(first, chain).as_bytes(), LINK_OFFSET))
        .map_err(Error::at(&next.path, "writing the chain"))
}
