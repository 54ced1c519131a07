//! What is published: the commands of one batch with their answers and events, in order.
//!
//! Always true of a batch that anyone sees: it is durable, its entries follow each other without a gap,
//! and so do batches.

use hourbook_model::{Answer, Command, Event, OrderId, Price, Quantity, Request, Stamp};
use std::ops::Deref;
use std::sync::Arc;

/// Commands that were applied together. Where one batch ends and the next begins means nothing.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) events: Vec<Event>,
}

/// One command, when it happened, and what the one who asked is told.
#[derive(Clone, Debug)]
pub struct Entry {
    pub stamp: Stamp,
    pub request: Request,
    pub command: Command,
    pub answer: Answer,
    /// Its events are `events[end of the entry before .. events_end]`.
    pub(crate) events_end: u32,
}

impl Entry {
    /// A command before its turn.
    pub(crate) fn new(stamp: Stamp, request: Request, command: Command) -> Entry {
        let answer = Answer {
            stamp,
            repeated: false,
            refused: None,
            order: OrderId::NONE,
            quantity: Quantity(0),
            cumulative: Quantity(0),
            leaves: Quantity(0),
            price: Price(0),
            number: 0,
        };
        Entry { stamp, request, command, answer, events_end: 0 }
    }
}

impl Batch {
    /// The commands, in order. Never empty once published.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The events of all commands, in order.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events of the `index`-th command.
    pub fn events_of(&self, index: usize) -> &[Event] {
        let start = index.checked_sub(1).map_or(0, |before| self.entries[before].events_end as usize);
        &self.events[start..self.entries[index].events_end as usize]
    }

    /// Each command with its events.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Entry, &[Event])> {
        (0..self.entries.len()).map(|index| (&self.entries[index], self.events_of(index)))
    }

    /// Number and time of the first command; `None` only of an empty batch.
    pub fn first(&self) -> Option<Stamp> {
        self.entries.first().map(|entry| entry.stamp)
    }

    /// Number and time of the last command.
    pub fn last(&self) -> Option<Stamp> {
        self.entries.last().map(|entry| entry.stamp)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.events.clear();
    }
}

/// One command's place in its batch, given to the one who asked for it. It is durable.
///
/// It keeps the whole batch in memory: take what is needed and let it go.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub(crate) batch: Arc<Batch>,
    pub(crate) index: u32,
}

impl Receipt {
    /// Its events.
    pub fn events(&self) -> &[Event] {
        self.batch.events_of(self.index as usize)
    }

    /// The batch it came in.
    pub fn batch(&self) -> &Arc<Batch> {
        &self.batch
    }
}

/// Stamp, request, command and answer.
impl Deref for Receipt {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.batch.entries[self.index as usize]
    }
}

/// The places of commands that were submitted together: one after the other, in one batch.
#[derive(Clone, Debug)]
pub struct Receipts {
    pub(crate) batch: Arc<Batch>,
    pub(crate) first: u32,
    pub(crate) count: u32,
}

impl Receipts {
    pub fn len(&self) -> usize {
        self.count as usize
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each command with its events, in the order in which they were submitted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Entry, &[Event])> {
        let (first, end) = (self.first as usize, (self.first + self.count) as usize);
        (first..end).map(|index| (&self.batch.entries[index], self.batch.events_of(index)))
    }

    /// The `index`-th receipt on its own.
    pub fn get(&self, index: usize) -> Option<Receipt> {
        let index = u32::try_from(index).ok().filter(|index| *index < self.count)?;
        Some(Receipt { batch: Arc::clone(&self.batch), index: self.first + index })
    }
}

/// Who is shown every batch: the gateway, history, metrics.
pub trait Subscriber: Send {
    /// The number up to which it has kept what it was shown. `None` begins with what is live.
    ///
    /// Asked once, at the start: recovery shows it everything after that number.
    fn kept(&self) -> Option<u64> {
        None
    }

    /// Takes note of a durable batch. Called in order, on the publishing thread: it must not block, nor
    /// wait for the sequencer; a slow one slows every answer.
    fn publish(&mut self, batch: &Arc<Batch>);
}
