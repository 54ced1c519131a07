//! The layout of segments and records. All numbers are little-endian; `docs/journal.md` shows the tables.

use std::mem::{offset_of, size_of};

use zerocopy::byteorder::little_endian::{I64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The version of everything here.
pub const FORMAT: u16 = 1;
/// Bytes before a segment's first record.
pub const SEGMENT_HEADER_BYTES: u64 = 4_096;
/// Bytes before a record's body.
pub(crate) const HEADER: usize = size_of::<Header>();
/// Where the link stands: in a sector of its own, because it is written later.
pub(crate) const LINK_OFFSET: u64 = 512;

const MAGIC: [u8; 8] = *b"hourbook";
const LINK_MAGIC: [u8; 8] = *b"hourlink";
/// Records begin at multiples of this.
const ALIGN: usize = 8;

/// What the one who appends says of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Counted from 1 without gaps over the whole journal.
    pub seq: u64,
    /// Nanoseconds since 1970-01-01T00:00:00Z; never less than the record's before.
    pub time: i64,
    /// What the body is, and in which version of its encoding.
    pub kind: u16,
    pub version: u16,
}

/// The header of a record: 40 bytes.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Header {
    /// CRC32C of the rest of the header, the body and its padding.
    pub checksum: U32,
    /// Bytes of the body.
    pub length: U32,
    pub seq: U64,
    pub time: I64,
    pub epoch: U32,
    /// How many records before this one were not known to be durable when it was written.
    pub pending: U32,
    pub kind: U16,
    pub version: U16,
    pub shard: U16,
    pub format: u8,
    pub marks: u8,
}

/// Set on the last record of a batch: a batch counts whole or not at all.
pub(crate) const ENDS_BATCH: u8 = 1;

const CHECKED_FROM: usize = offset_of!(Header, length);

impl Header {
    pub fn ends_batch(&self) -> bool {
        self.marks & ENDS_BATCH != 0
    }

    /// Records up to this number were durable when this one was written.
    pub fn durable(&self) -> u64 {
        self.seq.get().saturating_sub(1 + u64::from(self.pending.get()))
    }

    /// Bytes of header, body and padding.
    pub fn size(&self) -> usize {
        size_of_record(self.length.get() as usize)
    }
}

/// Bytes that a record with a body of `length` bytes takes in a segment.
pub const fn size_of_record(length: usize) -> usize {
    (HEADER + length).next_multiple_of(ALIGN)
}

/// The checksum that belongs into a whole record.
pub(crate) fn checksum(record: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(&record[CHECKED_FROM..])
}

/// The first part of a segment's header: 64 bytes, written when the segment is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Opening {
    magic: [u8; 8],
    pub format: U16,
    pub shard: U16,
    reserved: U32,
    /// Segments are counted from 1 without gaps.
    pub index: U64,
    /// Bytes of the whole file.
    pub bytes: U64,
    unused: [u8; 28],
    checksum: U32,
}

/// The second part: 64 bytes, written once the segment before this one is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Link {
    magic: [u8; 8],
    /// The number of this segment's first record.
    pub first: U64,
    /// The chain's value over all segments before this one.
    pub chain: [u8; 32],
    unused: [u8; 12],
    checksum: U32,
}

impl Opening {
    pub fn new(shard: u16, index: u64, bytes: u64) -> Opening {
        let mut opening = Opening {
            magic: MAGIC,
            format: FORMAT.into(),
            shard: shard.into(),
            reserved: 0.into(),
            index: index.into(),
            bytes: bytes.into(),
            unused: [0; 28],
            checksum: 0.into(),
        };
        opening.checksum = sealed(opening.as_bytes()).into();
        opening
    }

    /// What the first bytes of a segment say; `None` where it is not one.
    pub fn read(block: &[u8]) -> Option<Opening> {
        let (opening, _) = Opening::read_from_prefix(block).ok()?;
        (opening.magic == MAGIC && opening.checksum == sealed(opening.as_bytes())).then_some(opening)
    }
}

impl Link {
    pub fn new(first: u64, chain: [u8; 32]) -> Link {
        let mut link =
            Link { magic: LINK_MAGIC, first: first.into(), chain, unused: [0; 12], checksum: 0.into() };
        link.checksum = sealed(link.as_bytes()).into();
        link
    }

    /// `None` where it was not written yet, or not whole.
    pub fn read(block: &[u8]) -> Option<Link> {
        let (link, _) = Link::read_from_prefix(block.get(LINK_OFFSET as usize..)?).ok()?;
        (link.magic == LINK_MAGIC && link.checksum == sealed(link.as_bytes())).then_some(link)
    }
}

/// CRC32C of all but the last four bytes, which hold it.
fn sealed(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(&bytes[..bytes.len() - 4])
}

const _: () = assert!(HEADER == 40 && size_of::<Opening>() == 64 && size_of::<Link>() == 64);
