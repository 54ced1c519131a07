//! The files of a journal, and one of them read record by record through a large buffer.

use crate::format::{HEADER, Header, Link, Opening, checksum};
use crate::{Error, FORMAT, SEGMENT_HEADER_BYTES};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use zerocopy::FromBytes;

const SUFFIX: &str = ".journal";
/// Half a megabyte stays in the second-level cache while its records are checked and decoded.
const BUFFER: usize = 512 << 10;
/// Enough for the header and a first record: a journal may have thousands of segments.
const GLANCE: usize = 2 * SEGMENT_HEADER_BYTES as usize;

/// One file of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Counted from 1 without gaps.
    pub index: u64,
    pub path: PathBuf,
}

impl Segment {
    pub(crate) fn new(directory: &Path, index: u64) -> Segment {
        Segment { index, path: directory.join(format!("{index:010}{SUFFIX}")) }
    }

    /// The segments of `directory`, the oldest first.
    pub fn list(directory: &Path) -> Result<Vec<Segment>, Error> {
        let reading = |error| Error::at(directory, "reading the directory")(error);
        let mut segments = Vec::new();
        for entry in fs::read_dir(directory).map_err(reading)? {
            let name = entry.map_err(reading)?.file_name();
            let index = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            if let Some(index) = index.and_then(|digits| digits.parse().ok()) {
                segments.push(Segment::new(directory, index));
            }
        }
        segments.sort_unstable_by_key(|segment| segment.index);
        Ok(segments)
    }

    /// The segments of several directories together; where two hold the same one, the first's counts.
    ///
    /// # Errors
    /// [`Error::MissingSegment`] where the numbers have a gap.
    pub fn list_all(directories: &[&Path]) -> Result<Vec<Segment>, Error> {
        let mut segments = Vec::new();
        for directory in directories {
            segments.extend(Segment::list(directory)?);
        }
        // Stable: the first directory's comes first.
        segments.sort_by_key(|segment| segment.index);
        segments.dedup_by_key(|segment| segment.index);
        for pair in segments.windows(2) {
            if pair[1].index != pair[0].index + 1 {
                let directory = pair[0].path.parent().unwrap_or(Path::new(""));
                return Err(Error::MissingSegment { path: Segment::new(directory, pair[0].index + 1).path });
            }
        }
        Ok(segments)
    }

    /// The same, where there is to be a journal.
    ///
    /// # Errors
    /// [`Error::NoJournal`] where none of the directories holds a segment.
    pub(crate) fn list_some(directories: &[&Path]) -> Result<Vec<Segment>, Error> {
        let segments = Segment::list_all(directories)?;
        match segments.is_empty() {
            true => Err(Error::NoJournal { directory: directories[0].to_owned() }),
            false => Ok(segments),
        }
    }

    /// What its header says.
    pub(crate) fn header(&self) -> Result<(Opening, Option<Link>), Error> {
        Window::with_buffer(self, GLANCE).map(|window| (window.opening, window.link))
    }

    /// The number that its records begin with: as its link says, or where that is missing, its first record.
    pub(crate) fn begins(&self) -> Result<u64, Error> {
        match (self.header()?.1, self.first()?) {
            (Some(link), _) => Ok(link.first.get()),
            (None, _) if self.index == 1 => Ok(1),
            (None, First::Number(first)) => Ok(first),
            (None, _) => Err(Error::NotSegment { path: self.path.clone(), why: "its link is missing" }),
        }
    }

    /// The number of its first record, or `None` while it has none.
    ///
    /// A first record that cannot be read is looked up in the link, so that a damaged segment is not
    /// taken for an empty one.
    pub(crate) fn first(&self) -> Result<First, Error> {
        let mut window = Window::with_buffer(self, GLANCE)?;
        let linked = window.link.map(|link| link.first.get());
        Ok(match window.look()? {
            Found::Record(header) => First::Number(header.seq.get()),
            Found::Zeros => First::Empty,
            Found::Invalid(_) => linked.map_or(First::Unknown, First::Number),
        })
    }
}

/// What the first record of a segment says of where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    Empty,
    Number(u64),
    /// It holds something, and that is damaged.
    Unknown,
}

/// A segment read from front to back.
pub(crate) struct Window {
    pub segment: Segment,
    pub opening: Opening,
    pub link: Option<Link>,
    file: File,
    /// Where in the file the unread part of the buffer begins.
    offset: u64,
    buffer: Vec<u8>,
    unread: Range<usize>,
}

/// What stands at the window's place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// A whole record with a good checksum.
    Record(Header),
    /// Zeros, at least as many as a header has, or up to the end.
    Zeros,
    /// Anything else, and what is wrong with it.
    Invalid(&'static str),
}

impl Window {
    pub fn open(segment: &Segment) -> Result<Window, Error> {
        Window::with_buffer(segment, BUFFER)
    }

    fn with_buffer(segment: &Segment, bytes: usize) -> Result<Window, Error> {
        let path = &segment.path;
        let file = File::open(path).map_err(Error::at(path, "opening"))?;
        let mut window = Window {
            segment: segment.clone(),
            opening: Opening::new(0, 0, 0),
            link: None,
            file,
            offset: 0,
            buffer: vec![0; bytes],
            unread: 0..0,
        };
        let not = |why| Error::NotSegment { path: path.clone(), why };
        if !window.fill(SEGMENT_HEADER_BYTES as usize)? {
            return Err(not("its header is cut short"));
        }
        let block = &window.buffer[window.unread.clone()];
        window.opening = Opening::read(block).ok_or_else(|| not("its header's checksum differs"))?;
        window.link = Link::read(block);
        let found = window.opening.format.get();
        if found != FORMAT {
            return Err(Error::Format { path: path.clone(), found });
        }
        if window.opening.index.get() != segment.index {
            return Err(not("its header names another number than its name"));
        }
        window.skip(SEGMENT_HEADER_BYTES as usize);
        Ok(window)
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes to another place in the file.
    pub fn seek(&mut self, offset: u64) {
        self.offset = offset;
        self.unread = 0..0;
    }

    pub fn skip(&mut self, bytes: usize) {
        self.unread.start += bytes;
        self.offset += bytes as u64;
    }

    /// What stands here.
    #[inline]
    pub fn look(&mut self) -> Result<Found, Error> {
        if self.unread.len() < HEADER && !self.fill(HEADER)? {
            let rest = &self.buffer[self.unread.clone()];
            let zeros = rest.iter().all(|byte| *byte == 0);
            return Ok(if zeros { Found::Zeros } else { Found::Invalid("the file ends within it") });
        }
        let (header, _) =
            Header::read_from_prefix(&self.buffer[self.unread.clone()]).expect("as long as a header");
        if header.seq.get() == 0 {
            let zeros = self.buffer[self.unread.start..][..HEADER].iter().all(|byte| *byte == 0);
            return Ok(if zeros { Found::Zeros } else { Found::Invalid("it has no number") });
        }
        let size = header.size();
        if self.unread.len() < size {
            if size as u64 > self.opening.bytes.get().saturating_sub(self.offset) {
                return Ok(Found::Invalid("its length goes beyond the segment"));
            }
            if !self.fill(size)? {
                return Ok(Found::Invalid("the file ends within it"));
            }
        }
        if checksum(&self.buffer[self.unread.start..][..size]) != header.checksum.get() {
            return Ok(Found::Invalid("its checksum differs"));
        }
        self.admit(&header)?;
        Ok(Found::Record(header))
    }

    /// A good record of another format or shard is no damage, but not for us.
    fn admit(&self, header: &Header) -> Result<(), Error> {
        let path = || self.segment.path.clone();
        if u16::from(header.format) != FORMAT {
            return Err(Error::Format { path: path(), found: header.format.into() });
        }
        if header.shard != self.opening.shard {
            let (expected, found) = (self.opening.shard.get(), header.shard.get());
            return Err(Error::Shard { path: path(), expected, found });
        }
        Ok(())
    }

    /// The body of the record that was just found, and steps behind it.
    #[inline]
    pub fn take(&mut self, header: &Header) -> Range<usize> {
        let from = self.unread.start + HEADER;
        self.skip(header.size());
        from..from + header.length.get() as usize
    }

    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// All that is buffered from here on, at least `bytes` where the file has so many.
    pub fn ahead(&mut self, bytes: usize) -> Result<&[u8], Error> {
        self.fill(bytes)?;
        Ok(&self.buffer[self.unread.clone()])
    }

    /// Reads on until `bytes` are buffered; whether the file has so many.
    #[cold]
    fn fill(&mut self, bytes: usize) -> Result<bool, Error> {
        if self.unread.len() >= bytes {
            return Ok(true);
        }
        self.buffer.copy_within(self.unread.clone(), 0);
        self.unread = 0..self.unread.len();
        if self.buffer.len() < bytes {
            self.buffer.resize(bytes.next_multiple_of(BUFFER), 0);
        }
        while self.unread.len() < bytes {
            let end = self.unread.end;
            match self.file.read_at(&mut self.buffer[end..], self.offset + end as u64) {
                Ok(0) => return Ok(false),
                Ok(read) => self.unread.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::at(&self.segment.path, "reading")(error)),
            }
        }
        Ok(true)
    }

    /// The chain's value over this segment, whose records end at `end`, and all before it.
    ///
    /// - `before`: its value over all before it
    pub fn chain(&mut self, before: [u8; 32], end: u64) -> Result<[u8; 32], Error> {
        use zerocopy::IntoBytes;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before).update(self.opening.as_bytes());
        self.seek(SEGMENT_HEADER_BYTES);
        while self.offset < end {
            let wanted = (end - self.offset).min(BUFFER as u64) as usize;
            if !self.fill(wanted)? {
                return Err(Error::NotSegment { path: self.segment.path.clone(), why: "it is cut short" });
            }
            hasher.update(&self.buffer[self.unread.start..][..wanted]);
            self.skip(wanted);
        }
        Ok(*hasher.finalize().as_bytes())
    }
}

/// Makes what happened to names in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), Error> {
    File::open(directory).and_then(|open| open.sync_all()).map_err(Error::at(directory, "syncing"))
}
