//! Records in order, from any number on.

use crate::segment::{First, Found, Segment, Window};
use crate::tail::measure;
use crate::{Error, Head};
use std::path::Path;

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub head: Head,
    pub shard: u16,
    pub epoch: u32,
    /// Whether it is the last of its batch.
    pub ends_batch: bool,
    pub body: &'a [u8],
}

/// Reads a journal, also while it is written: up to the last whole batch that stands there.
///
/// It takes no lock and changes nothing.
pub struct Reader {
    segments: Vec<Segment>,
    at: usize,
    window: Option<Window>,
    /// Where the last whole batch of the last segment ends.
    limit: u64,
    /// The number of the record at the window's place.
    next: u64,
    after: u64,
    /// Of the record before, as far as one was read.
    epoch: u32,
}

impl Reader {
    /// Reads what comes after number `after`; 0 begins at the beginning.
    ///
    /// - `directories`: the journal's, and archives that hold its earlier segments
    ///
    /// # Errors
    /// [`Error::Begins`] when the record after `after` is not here any more, [`Error::NoJournal`] where nothing is.
    pub fn open(directories: &[&Path], after: u64) -> Result<Reader, Error> {
        let segments = Segment::list_some(directories)?;
        let mut reader =
            Reader { segments, at: 0, window: None, limit: u64::MAX, next: after + 1, after, epoch: 0 };
        let mut first = None;
        for at in (0..reader.segments.len()).rev() {
            if let First::Number(number) = reader.segments[at].first()? {
                first = Some(number);
                if number <= after + 1 {
                    reader.next = number;
                    reader.enter(at)?;
                    return Ok(reader);
                }
            }
        }
        // Without a record it is an empty journal, unless it would begin later.
        match (reader.segments.first(), first) {
            (_, Some(first)) => Err(Error::Begins { wanted: after + 1, first }),
            (Some(segment), None) if segment.index > 1 => {
                let first = segment.header()?.1.map_or(0, |link| link.first.get());
                if first == after + 1 { Ok(reader) } else { Err(Error::Begins { wanted: after + 1, first }) }
            }
            (_, None) => {
                reader.next = 1;
                reader.enter(0)?;
                Ok(reader)
            }
        }
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Gap`] and [`Error::Epoch`], and whatever the disk says.
    #[inline]
    pub fn read(&mut self) -> Result<Option<Record<'_>>, Error> {
        loop {
            let Some(window) = &mut self.window else { return Ok(None) };
            if window.offset() >= self.limit {
                return Ok(None);
            }
            match window.look()? {
                Found::Record(header) if header.seq.get() == self.next => {
                    let found = header.epoch.get();
                    let before = std::mem::replace(&mut self.epoch, found);
                    if found < before {
                        let path = window.segment.path.clone();
                        return Err(Error::Epoch { path, seq: self.next, found, before });
                    }
                    let body = window.take(&header);
                    self.next += 1;
                    if self.next - 1 <= self.after {
                        continue;
                    }
                    let head = Head {
                        seq: header.seq.get(),
                        time: header.time.get(),
                        kind: header.kind.get(),
                        version: header.version.get(),
                    };
                    // Looked up again, because the borrow of above must not reach over the loop.
                    let body = self.window.as_ref().expect("just used").bytes(body);
                    return Ok(Some(Record {
                        head,
                        shard: header.shard.get(),
                        epoch: header.epoch.get(),
                        ends_batch: header.ends_batch(),
                        body,
                    }));
                }
                Found::Record(header) => {
                    let (path, found) = (window.segment.path.clone(), header.seq.get());
                    return Err(Error::Gap { path, expected: self.next, found });
                }
                Found::Zeros if self.limit == u64::MAX => self.enter(self.at + 1)?,
                Found::Zeros => return Err(self.damaged("zeros stand in its place")),
                Found::Invalid(why) => return Err(self.damaged(why)),
            }
        }
    }

    /// The file and the place in it that comes next.
    pub fn place(&self) -> Option<(&Path, u64)> {
        self.window.as_ref().map(|window| (window.segment.path.as_path(), window.offset()))
    }

    fn damaged(&self, why: &str) -> Error {
        let window = self.window.as_ref().expect("damage stands in a segment");
        let path = window.segment.path.clone();
        Error::Damaged { path, offset: window.offset(), seq: self.next, why: why.to_owned() }
    }

    /// Goes to the beginning of a segment. One without a successor is read up to its last whole batch,
    /// as it stands now.
    fn enter(&mut self, at: usize) -> Result<(), Error> {
        let segment = &self.segments[at];
        let followed = match self.segments.get(at + 1) {
            Some(next) => next.first()? != First::Empty,
            // The writer may have begun one since the directory was read.
            None => {
                let directory = segment.path.parent().unwrap_or(Path::new(""));
                let next = Segment::new(directory, segment.index + 1);
                let followed = next.path.exists() && next.first()? != First::Empty;
                self.segments.extend(followed.then_some(next));
                followed
            }
        };
        let segment = &self.segments[at];
        self.limit = if followed { u64::MAX } else { measure(segment, self.next)?.end };
        self.window = Some(Window::open(segment)?);
        self.at = at;
        Ok(())
    }
}
