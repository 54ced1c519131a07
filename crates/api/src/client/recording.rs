//! Market data in a file, and books built again from it.
//!
//! A recording is what `Subscribe` told, over one connection after the other, each SubscribeResponse behind its length as a
//! varint: what protobuf calls delimited, and every protobuf library reads.

use super::{Differs, LocalBook};
use crate::v1::{self, market_update::Content};
use prost::Message;
use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use v1::Side;

/// The longest message that is read: no exchange sends one of this size.
const MOST_BYTES: usize = 64 << 20;

/// Writes a recording.
pub struct Recorder {
    file: BufWriter<File>,
    bytes: u64,
}

impl Recorder {
    /// Begins a file, in place of one of that name, and keeps it for itself.
    ///
    /// # Errors
    /// Those of the file system, and where another program records to it.
    pub fn create(path: &Path) -> io::Result<Recorder> {
        let file = File::options().write(true).create(true).truncate(false).open(path)?;
        // A pipe or a device takes what comes.
        if file.metadata()?.is_file() {
            file.try_lock().map_err(|error| match error {
                TryLockError::WouldBlock => io::Error::other("another program records to it"),
                TryLockError::Error(error) => error,
            })?;
            file.set_len(0)?;
        }
        Ok(Recorder { file: BufWriter::new(file), bytes: 0 })
    }

    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, message: &v1::SubscribeResponse) -> io::Result<()> {
        let bytes = message.encode_length_delimited_to_vec();
        self.bytes += bytes.len() as u64;
        self.file.write_all(&bytes)
    }

    /// Ends the file; how many bytes it has.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn end(mut self) -> io::Result<u64> {
        self.file.flush()?;
        Ok(self.bytes)
    }
}

/// Reads a recording, message by message.
pub struct Recorded {
    file: BufReader<File>,
}

impl Recorded {
    /// # Errors
    /// Those of the file system.
    pub fn open(path: &Path) -> io::Result<Recorded> {
        Ok(Recorded { file: BufReader::new(File::open(path)?) })
    }

    /// The length of the next message; `None` at the end.
    fn length(&mut self) -> io::Result<Option<usize>> {
        if self.file.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut prefix = [0; 10];
        for at in 0..prefix.len() {
            self.file.read_exact(&mut prefix[at..=at])?;
            if prefix[at] < 0x80 {
                let length = prost::decode_length_delimiter(&prefix[..=at])?;
                return if length <= MOST_BYTES { Ok(Some(length)) } else { Err(no_recording()) };
            }
        }
        Err(no_recording())
    }

    fn message(&mut self) -> io::Result<Option<v1::SubscribeResponse>> {
        let Some(length) = self.length()? else { return Ok(None) };
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        Ok(Some(v1::SubscribeResponse::decode(bytes.as_slice())?))
    }
}

fn no_recording() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no recording of market data")
}

impl Iterator for Recorded {
    type Item = io::Result<v1::SubscribeResponse>;

    fn next(&mut self) -> Option<Self::Item> {
        self.message().transpose()
    }
}

/// The books of one instrument, built again from a recording by whoever begins somewhere.
#[derive(Debug)]
pub struct Rebuilt {
    pub levels: LocalBook,
    pub orders: LocalBook,
    /// Snapshots and changes of the recording that were gone on with, each held against its checksum.
    pub changes: u64,
    /// Where a book was not the exchange's.
    pub differences: Vec<Differs>,
    /// The last command that is of interest.
    until: u64,
    is_over: bool,
    /// Where the start has the two books, and whether the recording has them there or before.
    begins: [u64; 2],
    joined: [bool; 2],
    /// Of the numbers of the books, and of those that the recording tells: numbers mean nothing outside theirs.
    epoch: Option<u64>,
    told: Option<u64>,
}

impl Rebuilt {
    /// Begins with the snapshots that `start` was told of an instrument, and ends with command number `until`. Without a start
    /// it begins where the recording does.
    pub fn begin(start: &[v1::MarketUpdate], until: u64) -> Rebuilt {
        let mut rebuilt = Rebuilt {
            levels: LocalBook::default(),
            orders: LocalBook::default(),
            changes: 0,
            differences: Vec::new(),
            until,
            is_over: false,
            begins: [0; 2],
            joined: [start.is_empty(); 2],
            epoch: start.iter().filter_map(epoch_of).next_back(),
            told: None,
        };
        start.iter().for_each(|update| rebuilt.apply(update));
        rebuilt.changes = 0;
        rebuilt.begins = [rebuilt.levels.number(), rebuilt.orders.number()];
        rebuilt
    }

    /// Goes on with what was recorded of the instrument: all of it, in order. It may begin before the start, and be told in
    /// another subscription.
    pub fn take(&mut self, update: &v1::MarketUpdate) {
        self.is_over |= update.sequence > self.until;
        if self.is_over {
            return;
        }
        if let Some(next) = epoch_of(update) {
            if self.told == self.epoch && self.epoch != Some(next) {
                (self.levels, self.orders) = Default::default();
                self.epoch = Some(next);
            } else if self.told.is_some() && self.told != self.epoch && self.epoch == Some(next) {
                // It was there before the numbers that the start is about: whatever it has of them is from their first on, or
                // a snapshot of what it missed.
                self.joined = [true; 2];
            }
            self.told = Some(next);
        }
        if self.told == self.epoch {
            match &update.content {
                Some(Content::Levels(_)) => self.joined[0] |= update.number <= self.begins[0],
                Some(Content::Orders(_)) => self.joined[1] |= update.number <= self.begins[1],
                _ => {}
            }
            self.apply(update);
        }
    }

    fn apply(&mut self, update: &v1::MarketUpdate) {
        let book = match &update.content {
            Some(Content::Levels(_)) => &mut self.levels,
            Some(Content::Orders(_)) => &mut self.orders,
            _ => return,
        };
        // The snapshot has it already.
        if book.is_whole() && update.number <= book.number() {
            return;
        }
        self.changes += 1;
        self.differences.extend(book.apply(update).err());
    }

    /// Whether the recording has both books where the start has them or before, so that nothing can be missing between.
    pub fn joins(&self) -> bool {
        self.joined == [true; 2]
    }

    /// Whether both books are whole, and what the exchange answers, which shows so many levels and orders a side at most.
    pub fn matches(&self, own: &v1::GetBookResponse, most: usize) -> bool {
        let sides = [(Side::Buy, &own.bids, &own.bid_orders), (Side::Sell, &own.asks, &own.ask_orders)];
        let whole = self.levels.is_whole() && self.orders.is_whole();
        whole
            && sides.into_iter().all(|(side, levels, orders)| {
                let same_levels = [&self.levels, &self.orders].into_iter().all(|book| {
                    let kept = book.levels(side).take(most);
                    kept.map(|one| (one.price_micros, one.quantity, one.orders))
                        .eq(levels.iter().map(|one| (one.price_micros, one.quantity, one.order_count)))
                });
                let kept = self.orders.orders(side).take(most);
                same_levels
                    && kept
                        .map(|one| (one.order_id, one.price_micros, one.quantity))
                        .eq(orders.iter().map(|one| (one.order_id, one.price_micros, one.quantity)))
            })
    }
}

fn epoch_of(update: &v1::MarketUpdate) -> Option<u64> {
    match &update.content {
        Some(Content::Instrument(instrument)) => Some(instrument.epoch),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(epoch: u64) -> v1::MarketUpdate {
        let content = Content::Instrument(v1::MarketInstrument { epoch, ..Default::default() });
        v1::MarketUpdate { content: Some(content), ..Default::default() }
    }

    /// Snapshots of both books, which are empty.
    fn snapshots(number: u64) -> [v1::MarketUpdate; 2] {
        let levels = Content::Levels(v1::LevelChanges::default());
        let orders = Content::Orders(v1::OrderChanges::default());
        [levels, orders].map(|content| v1::MarketUpdate {
            number,
            snapshot: true,
            content: Some(content),
            ..Default::default()
        })
    }

    #[test]
    fn a_start_from_after_the_exchange_began_to_count_anew_joins_a_recording_from_before() {
        let start: Vec<_> = std::iter::once(announced(2)).chain(snapshots(3)).collect();
        let ahead: Vec<_> = std::iter::once(announced(2)).chain(snapshots(5)).collect();
        let before: Vec<_> = std::iter::once(announced(1)).chain(snapshots(9)).collect();
        let rebuilt = |recorded: &[&[v1::MarketUpdate]]| {
            let mut rebuilt = Rebuilt::begin(&start, u64::MAX);
            recorded.iter().copied().flatten().for_each(|update| rebuilt.take(update));
            assert_eq!((rebuilt.levels.number(), rebuilt.orders.number()), (5, 5));
            assert_eq!(rebuilt.differences, []);
            rebuilt
        };
        assert!(rebuilt(&[&before, &ahead]).joins());
        // One that begins behind the start may have missed what came between.
        assert!(!rebuilt(&[&ahead]).joins());
    }
}
