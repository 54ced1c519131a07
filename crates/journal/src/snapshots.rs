//! Snapshot files: a state at a number. Written whole beside their name, then renamed; good only with
//! their checksum.

use crate::segment::sync_directory;
use crate::{Disk, Error, FORMAT};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use zerocopy::byteorder::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

const SUFFIX: &str = ".snapshot";
const PARTIAL: &str = "snapshot.partial";
const MAGIC: [u8; 8] = *b"hoursnap";
const HEADER: usize = size_of::<Header>();
/// So many are kept: a damaged one is passed over, and segments behind two may be archived.
const KEPT: usize = 3;

/// 80 bytes before the state.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    format: U16,
    shard: U16,
    reserved: U32,
    seq: U64,
    time: I64,
    length: U64,
    /// blake3 of the state.
    digest: [u8; 32],
    unused: U32,
    /// CRC32C of all before it.
    checksum: U32,
}

impl Header {
    fn sealed(&self) -> u32 {
        crc_fast::crc32_iscsi(&self.as_bytes()[..HEADER - 4])
    }
}

/// A snapshot that stands in a directory. Whether it is good shows when it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last record that the state has seen.
    pub seq: u64,
    pub path: PathBuf,
}

impl Snapshot {
    /// The snapshots of `directory`, the newest first.
    pub fn list(directory: &Path) -> Result<Vec<Snapshot>, Error> {
        let reading = |error| Error::at(directory, "reading the directory")(error);
        let mut snapshots = Vec::new();
        for entry in fs::read_dir(directory).map_err(reading)? {
            let entry = entry.map_err(reading)?;
            let name = entry.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(seq) = digits.and_then(|digits| digits.parse().ok()) {
                snapshots.push(Snapshot { seq, path: entry.path() });
            }
        }
        snapshots.sort_unstable_by_key(|snapshot| std::cmp::Reverse(snapshot.seq));
        Ok(snapshots)
    }

    /// Writes the state at `seq`, up to which the journal is durable, and removes all but the newest.
    pub fn write(
        directory: &Path,
        disk: &dyn Disk,
        shard: u16,
        seq: u64,
        time: i64,
        state: &[u8],
    ) -> Result<Snapshot, Error> {
        let path = directory.join(format!("{seq:020}{SUFFIX}"));
        let partial = directory.join(PARTIAL);
        let mut header = Header {
            magic: MAGIC,
            format: FORMAT.into(),
            shard: shard.into(),
            reserved: 0.into(),
            seq: seq.into(),
            time: time.into(),
            length: (state.len() as u64).into(),
            digest: *blake3::hash(state).as_bytes(),
            unused: 0.into(),
            checksum: 0.into(),
        };
        header.checksum = header.sealed().into();
        let write = || {
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(&partial)?;
            disk.write(&file, header.as_bytes(), 0)?;
            disk.write(&file, state, HEADER as u64)?;
            disk.sync(&file)?;
            fs::rename(&partial, &path)
        };
        if let Err(error) = write() {
            // What is left of it only takes room, perhaps the last.
            let _ = fs::remove_file(&partial);
            return Err(Error::at(&path, "writing a snapshot")(error));
        }
        sync_directory(directory)?;
        for old in Snapshot::list(directory)?.into_iter().skip(KEPT) {
            fs::remove_file(&old.path).map_err(Error::at(&old.path, "removing an old snapshot"))?;
        }
        Ok(Snapshot { seq, path })
    }

    /// The state, once it is whole and its digest agrees.
    pub fn load(&self) -> Result<Vec<u8>, Error> {
        let bad = |why: &str| Error::Snapshot { path: self.path.clone(), why: why.to_owned() };
        let reading = |error| Error::at(&self.path, "reading")(error);
        let (header, mut file) = self.open()?;
        let length = header.length.get();
        if file.metadata().map_err(reading)?.len() != HEADER as u64 + length {
            return Err(bad("it is cut short"));
        }
        let mut state = Vec::with_capacity(length as usize);
        file.read_to_end(&mut state).map_err(reading)?;
        if blake3::hash(&state) != header.digest {
            return Err(bad("its digest differs"));
        }
        Ok(state)
    }

    /// Whether at least its header is good: then the journal was durable up to its number.
    pub(crate) fn is_headed(&self) -> bool {
        self.open().is_ok()
    }

    fn open(&self) -> Result<(Header, File), Error> {
        let bad = |why: String| Error::Snapshot { path: self.path.clone(), why };
        let mut file = File::open(&self.path).map_err(Error::at(&self.path, "opening"))?;
        let mut block = [0; HEADER];
        file.read_exact(&mut block).map_err(|_| bad("its header is cut short".to_owned()))?;
        let header = Header::read_from_bytes(&block).expect("as long as a header");
        if header.magic != MAGIC || header.checksum != header.sealed() {
            return Err(bad("its header's checksum differs".to_owned()));
        }
        if header.format.get() != FORMAT {
            return Err(bad(format!("it has format {}, this program reads {FORMAT}", header.format)));
        }
        if header.seq.get() != self.seq {
            return Err(bad(format!("it is of record {}, its name says {}", header.seq, self.seq)));
        }
        Ok((header, file))
    }
}

const _: () = assert!(HEADER == 80);
