//! Checks everything: every record, the chain over all segments, every snapshot.

use crate::segment::{Segment, Window};
use crate::tail::{is_begun, measure};
use crate::{Cut, Error, SEGMENT_HEADER_BYTES, Snapshot};
use std::path::Path;

/// What a journal holds, all of it good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub segments: u64,
    pub records: u64,
    /// Bytes of records.
    pub bytes: u64,
    /// Numbers of the first and the last record; zero where there is none.
    pub first: u64,
    pub last: u64,
    /// The chain's value over all segments that are full; noted elsewhere, it proves them unchanged.
    pub chain: Option<(u64, [u8; 32])>,
    /// An unfinished end, which the next start will cut.
    pub unfinished: Option<Cut>,
    /// The numbers of the snapshots, the newest first.
    pub snapshots: Vec<u64>,
}

/// Reads all segments of `directories` and all snapshots of the first.
///
/// `on_segment` hears of each segment that is about to be read.
///
/// # Errors
/// The first thing that is wrong. A journal that does not begin with record 1 needs a snapshot that it goes on from.
pub fn verify(directories: &[&Path], mut on_segment: impl FnMut(&Segment)) -> Result<Checked, Error> {
    let segments = Segment::list_some(directories)?;
    let mut checked = Checked::default();
    let mut next = None;
    let mut chain = None;
    let mut first = 1;
    for (at, segment) in segments.iter().enumerate() {
        let mut window = Window::open(segment)?;
        let linked = window.link.map(|link| (link.first.get(), link.chain));
        if at > 0 && !is_begun(segment)? {
            // It was only prepared.
            break;
        }
        on_segment(segment);
        let begins = next.or(linked.map(|link| link.0)).unwrap_or(1);
        if at == 0 {
            first = begins;
        }
        let before = match (chain, linked) {
            (Some(chain), Some((first, found))) if chain != found || first != begins => {
                return Err(Error::Chain { path: segment.path.clone() });
            }
            // Written by the next start, where a crash came before it.
            (Some(chain), _) => chain,
            (None, Some((_, found))) => found,
            (None, None) if segment.index == 1 => [0; 32],
            (None, None) => return Err(Error::Chain { path: segment.path.clone() }),
        };
        let followed = segments.get(at + 1).map(is_begun).transpose()?.unwrap_or(false);
        let tail = measure(segment, begins)?;
        if let Some(torn) = tail.torn {
            if followed {
                let why = "it is torn, though the segment after it was begun".to_owned();
                let (path, seq) = (segment.path.clone(), *torn.numbers.start());
                return Err(Error::Damaged { path, offset: tail.end, seq, why });
            }
            checked.unfinished = Some((&torn).into());
        }
        if let Some(last) = tail.last {
            let last = last.seq.get();
            checked.records += last + 1 - begins;
            checked.first = if checked.first == 0 { begins } else { checked.first };
            checked.last = last;
            next = Some(last + 1);
        } else {
            next = Some(begins);
        }
        checked.bytes += tail.end - SEGMENT_HEADER_BYTES;
        checked.segments += 1;
        if followed {
            let value = window.chain(before, tail.end)?;
            checked.chain = Some((segment.index, value));
            chain = Some(value);
        }
    }
    for snapshot in Snapshot::list(directories[0])? {
        snapshot.load()?;
        if snapshot.seq > checked.last {
            let (path, last) = (snapshot.path.clone(), checked.last);
            return Err(Error::Lost { path, snapshot: snapshot.seq, last });
        }
        checked.snapshots.push(snapshot.seq);
    }
    if first > 1 && checked.snapshots.iter().all(|snapshot| snapshot + 1 < first) {
        return Err(Error::NoBeginning { first });
    }
    Ok(checked)
}
