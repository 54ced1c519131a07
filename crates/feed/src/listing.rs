//! What is kept of one listed instrument: its numbers and its trades always, its book while somebody reads it.

use crate::book::{Book, Top};
use crate::tape::Tape;
use hourbook_model::{Price, Quantity, Status};

/// The parts of an instrument's market data that are numbered for themselves, each from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// Best bid and best ask.
    Top,
    /// Levels with their totals: L2.
    Levels,
    /// Single orders: L3.
    Orders,
    /// Trades, and what they come to: statistics and candles.
    Trades,
    /// How it trades.
    Status,
    /// What an uncross would do.
    Indicative,
}

impl View {
    pub const ALL: [View; 6] =
        [View::Top, View::Levels, View::Orders, View::Trades, View::Status, View::Indicative];
    /// Those of which nothing is known while the book is not kept.
    pub const OF_BOOKS: [View; 3] = [View::Top, View::Levels, View::Orders];
}

/// One listed instrument.
pub struct Listing {
    sequences: [u64; View::ALL.len()],
    tape: Tape,
    pub(crate) facts: Facts,
    pub(crate) book: Option<Box<Book>>,
    /// Its place among those that the command at hand has touched, from 1.
    pub(crate) touched: u32,
}

/// What is told of an instrument as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub status: Status,
    pub indicative: Option<(Price, Quantity)>,
}

impl Facts {
    /// Outside a call there is no uncross.
    pub fn with_status(self, status: Status) -> Facts {
        let in_call = matches!(status, Status::Auction | Status::Frozen);
        Facts { status, indicative: self.indicative.filter(|_| in_call) }
    }
}

impl Listing {
    pub(crate) fn begin(status: Status) -> Listing {
        let facts = Facts { status, indicative: None };
        Listing { sequences: Default::default(), tape: Tape::default(), facts, book: None, touched: 0 }
    }

    /// How it trades.
    pub fn status(&self) -> Status {
        self.facts.status
    }

    pub fn in_call(&self) -> bool {
        matches!(self.facts.status, Status::Auction | Status::Frozen)
    }

    /// In a call, what an uncross was last seen to do; `None` when nothing would trade, or nobody has looked.
    pub fn indicative(&self) -> Option<(Price, Quantity)> {
        self.facts.indicative
    }

    /// The number of a view's last change; 0 before its first.
    pub fn sequence(&self, view: View) -> u64 {
        self.sequences[view as usize]
    }

    /// What its trades come to.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Its book; `None` while that is not kept, or not whole yet.
    pub fn book(&self) -> Option<&Book> {
        self.book.as_deref().filter(|book| book.next.is_none())
    }

    /// The best level of each side, where its book is kept.
    pub fn top(&self) -> Top {
        self.book().map_or_else(Top::default, Book::top)
    }

    pub(crate) fn tape_mut(&mut self) -> &mut Tape {
        &mut self.tape
    }

    pub(crate) fn count(&mut self, view: View) {
        self.sequences[view as usize] += 1;
    }
}
