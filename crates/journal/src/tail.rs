//! Where the journal ends: the last segment, looked at up to its last byte.
//!
//! A crash leaves behind the last sync any part of what was written after it: batches without their end,
//! holes, a later batch without an earlier one. None of that was acknowledged, and it is cut. Damage in
//! what was acknowledged looks the same, but for one thing: whatever was written later says in each record
//! up to which number the journal was durable by then. So an invalid record stops the start as soon as one
//! valid record behind it knows it to be durable.

use crate::format::{HEADER, Header, checksum};
use crate::segment::{Found, Segment, Window};
use crate::{Cut, Error, SEGMENT_HEADER_BYTES};
use std::ops::RangeInclusive;
use zerocopy::FromBytes;

/// The end of a segment that has no successor with records.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// Behind the last whole batch.
    pub end: u64,
    /// The last record of the last whole batch.
    pub last: Option<Header>,
    /// What is to be cut.
    pub torn: Option<Torn>,
}

#[derive(Clone, Debug)]
pub(crate) struct Torn {
    pub numbers: RangeInclusive<u64>,
    /// Behind the last byte that is not zero.
    pub end: u64,
}

/// What stands behind the last whole batch.
#[derive(Debug, Default)]
struct Behind {
    /// Behind the last byte that is not zero; 0 where there is none.
    end: u64,
    /// The highest number of a valid record, and the highest that one of them knows to be durable.
    highest: u64,
    durable: u64,
}

/// Looks a segment through; `first` is the number of its first record.
///
/// The segment may be written to at the same time: the answer then is of some moment meanwhile.
///
/// # Errors
/// [`Error::Damaged`] where something durable cannot be read, [`Error::Gap`] where another record stands.
pub(crate) fn measure(segment: &Segment, first: u64) -> Result<Tail, Error> {
    let mut window = Window::open(segment)?;
    let mut tail = Tail { end: SEGMENT_HEADER_BYTES, last: None, torn: None };
    let mut next = first;
    let mut wrong_at = 0;
    loop {
        let found = window.look()?;
        if let Found::Record(header) = found {
            let seq = header.seq.get();
            if seq != next {
                return Err(Error::Gap { path: segment.path.clone(), expected: next, found: seq });
            }
            next += 1;
            window.skip(header.size());
            if header.ends_batch() {
                tail.end = window.offset();
                tail.last = Some(header);
            }
            continue;
        }
        let offset = window.offset();
        window.seek(tail.end);
        let behind = behind(&mut window)?;
        if behind.end <= tail.end {
            return Ok(tail);
        }
        let lost = tail.last.map_or(first, |last| last.seq.get() + 1);
        if behind.durable < lost {
            let numbers = lost..=behind.highest.max(lost);
            return Ok(Tail { torn: Some(Torn { numbers, end: behind.end }), ..tail });
        }
        let why = match found {
            Found::Invalid(why) => why,
            _ => "zeros stand in its place",
        };
        if offset == wrong_at {
            let Behind { durable, highest, .. } = behind;
            return Err(Error::Damaged {
                path: segment.path.clone(),
                offset,
                seq: next,
                why: format!(
                    "{why}, and up to {highest} there are records that know {durable} to be durable"
                ),
            });
        }
        // It may have been written just now, while we looked further on: look once more.
        wrong_at = offset;
        next = lost;
        window.seek(tail.end);
    }
}

/// Whether records were written to it, or were about to be: then the segment before it is complete.
pub(crate) fn is_begun(segment: &Segment) -> Result<bool, Error> {
    let mut window = Window::open(segment)?;
    if window.link.is_some() {
        return Ok(true);
    }
    loop {
        let ahead = window.ahead(1)?;
        let (bytes, zeros) = (ahead.len(), zeros(ahead));
        if zeros < bytes {
            return Ok(true);
        }
        if bytes == 0 {
            return Ok(false);
        }
        window.skip(bytes);
    }
}

/// How many zeros `bytes` begins with, counted in eights: most of a segment may be zeros.
fn zeros(bytes: &[u8]) -> usize {
    static ZEROS: [u8; 4_096] = [0; 4_096];
    let mut count = 0;
    for block in bytes.chunks(ZEROS.len()) {
        if *block != ZEROS[..block.len()] {
            return count + block.chunks_exact(8).take_while(|word| **word == [0; 8]).count() * 8;
        }
        count += block.len();
    }
    count
}

/// Looks at everything from the window's place to the end of the file, whether or not it makes sense.
fn behind(window: &mut Window) -> Result<Behind, Error> {
    let mut behind = Behind::default();
    loop {
        let offset = window.offset();
        let limit = window.opening.bytes.get().saturating_sub(offset) as usize;
        let shard = window.opening.shard;
        let ahead = window.ahead(HEADER)?;
        if ahead.is_empty() {
            return Ok(behind);
        }
        let zeros = zeros(ahead);
        if zeros > 0 {
            window.skip(zeros);
            continue;
        }
        let step = ahead.len().min(8);
        if let Some(last) = ahead[..step].iter().rposition(|byte| *byte != 0) {
            behind.end = offset + last as u64 + 1;
        }
        let header = Header::read_from_prefix(ahead).ok().map(|(header, _)| header).filter(|header| {
            header.shard == shard && u16::from(header.format) == crate::FORMAT && header.size() <= limit
        });
        let Some(header) = header else {
            window.skip(step);
            continue;
        };
        let ahead = window.ahead(header.size())?;
        if ahead.len() >= header.size() && checksum(&ahead[..header.size()]) == header.checksum.get() {
            behind.end = offset + header.size() as u64;
            behind.highest = behind.highest.max(header.seq.get());
            behind.durable = behind.durable.max(header.durable());
            window.skip(header.size());
        } else {
            window.skip(step);
        }
    }
}

impl From<&Torn> for Cut {
    fn from(torn: &Torn) -> Cut {
        Cut { first: *torn.numbers.start(), last: *torn.numbers.end() }
    }
}
