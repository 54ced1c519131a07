//! The books as bytes, and the promises they keep.
//!
//! Of a ladder only its keys and the first order of each level are written, best first; totals and pages are worked
//! out again. A snapshot that contradicts itself is refused, not loaded.

use crate::books::{Body, Book, Books};
use crate::ladder::{Grid, Ladder, Level};
use crate::slab::{Slab, State};
use hourbook_model::Side;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A promise of this crate that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the books break a promise: {}", self.0)
    }
}

impl std::error::Error for Broken {}

/// The books as they are read, not yet believed.
#[derive(Deserialize)]
pub(crate) struct Snapshot {
    books: Vec<Book>,
    slab: Slab,
    arrivals: u64,
}

impl TryFrom<Snapshot> for Books {
    type Error = Broken;

    fn try_from(read: Snapshot) -> Result<Books, Broken> {
        let Snapshot { mut books, slab, arrivals } = read;
        slab.verify().map_err(Broken)?;
        for (at, book) in books.iter_mut().enumerate() {
            let Some(body) = &mut book.body else { continue };
            if book.tick == 0 {
                return Err(Broken("a book with orders has a tick"));
            }
            let Body { sides, stops, icebergs } = &mut **body;
            for (ladder, (_, side)) in sides.iter_mut().zip(RESTING) {
                let grid = Grid::new(book.tick, side);
                *ladder = ladder.on(grid).ok_or(Broken("a limit is a whole number of ticks"))?;
            }
            let stops = stops.iter_mut().flat_map(|stops| stops.iter_mut().zip(WAITING));
            for (ladder, place) in sides.iter_mut().zip(RESTING).chain(stops) {
                for (key, level) in ladder.iter_mut() {
                    let (counted, hiding) = slab.count(at, place, key, level.first)?;
                    *level = counted;
                    *icebergs += if place.0 == State::Resting { hiding } else { 0 };
                }
            }
            book.refresh();
        }
        let books = Books::from_parts(books, slab, arrivals);
        books.verify()?;
        Ok(books)
    }
}

/// Whether the orders of a ladder rest or wait, and their side.
type Kind = (State, Side);
const RESTING: [Kind; 2] = [(State::Resting, Side::Buy), (State::Resting, Side::Sell)];
const WAITING: [Kind; 2] = [(State::Waiting, Side::Buy), (State::Waiting, Side::Sell)];

impl Slab {
    /// Adds up a level from its ring, and counts the orders that have an extra.
    fn count(&self, book: usize, (state, side): Kind, key: i64, first: u32) -> Result<(Level, u32), Broken> {
        let mut level = Level { shown: 0, first, orders: 0 };
        let (mut slot, mut hiding) = (first, 0);
        loop {
            let node = self.nodes.get(slot as usize).ok_or(Broken("a ring is made of orders"))?;
            let tag = node.tag;
            if (tag.book(), tag.state(), tag.side(), node.key) != (book, state, side, key) {
                return Err(Broken("an order hangs in its own level"));
            }
            if node.shown == 0 {
                return Err(Broken("no quantity is zero"));
            }
            if self.nodes.get(node.next as usize).is_none_or(|next| next.previous != slot) {
                return Err(Broken("a ring is closed"));
            }
            level.shown += u64::from(node.shown);
            level.orders += 1;
            hiding += u32::from(tag.has_extra());
            slot = node.next;
            if slot == first {
                return Ok((level, hiding));
            }
            if level.orders as usize > self.nodes.len() {
                return Err(Broken("a ring comes back to its first"));
            }
        }
    }
}

impl Books {
    /// Whether best bid < best ask in each continuous book, no level is empty, no quantity zero, every queue closed, and
    /// every order in the one level where it belongs.
    ///
    /// # Errors
    /// The first promise that does not hold.
    pub fn verify(&self) -> Result<(), Broken> {
        let mut placed = 0;
        for (at, book) in self.books.iter().enumerate() {
            let Some(body) = &book.body else { continue };
            let stops = body.stops.iter().flat_map(|stops| stops.iter().zip(WAITING));
            let (mut icebergs, mut here) = (0, 0);
            for (ladder, kind) in body.sides.iter().zip(RESTING).chain(stops) {
                ladder.verify().map_err(Broken)?;
                for (key, level) in ladder.iter() {
                    let (counted, hiding) = self.slab.count(at, kind, key, level.first)?;
                    if counted != *level {
                        return Err(Broken("a level is the sum of its orders"));
                    }
                    icebergs += if kind.0 == State::Resting { hiding } else { 0 };
                    here += counted.orders as usize;
                }
            }
            if here == 0 {
                return Err(Broken("an empty book has no body"));
            }
            if icebergs != body.icebergs {
                return Err(Broken("icebergs are counted"));
            }
            placed += here;
        }
        for (at, book) in self.books.iter().enumerate() {
            if !book.knows_its_best() {
                return Err(Broken("the best of a side is known"));
            }
            if !book.call && !self.is_uncrossed(at) {
                return Err(Broken("best bid < best ask while continuous"));
            }
        }
        if self.slab.verify().map_err(Broken)? != placed {
            return Err(Broken("every order hangs in its book"));
        }
        Ok(())
    }

    /// Panics where [`Books::verify`] finds something: for tests and simulation.
    pub fn check(&self) {
        if let Err(broken) = self.verify() {
            panic!("{broken}");
        }
    }
}

/// Both sides of a book, each best first.
pub(crate) mod ladders {
    use super::*;

    pub fn serialize<S: Serializer>(sides: &[Ladder; 2], serializer: S) -> Result<S::Ok, S::Error> {
        sides.each_ref().map(Flat).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[Ladder; 2], D::Error> {
        let [bids, asks] = <[Vec<(i64, u32)>; 2]>::deserialize(deserializer)?;
        Ok([unflatten(bids)?, unflatten(asks)?])
    }
}

/// The same for stops, which most books have none of.
pub(crate) mod stops {
    use super::*;

    pub fn serialize<S: Serializer>(
        stops: &Option<Box<[Ladder; 2]>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        // Room that was used once is no part of the state.
        let used = stops.as_ref().filter(|stops| !stops.iter().all(Ladder::is_empty));
        used.map(|stops| stops.each_ref().map(Flat)).serialize(serializer)
    }

    type Stops = Option<Box<[Ladder; 2]>>;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stops, D::Error> {
        match <Option<[Vec<(i64, u32)>; 2]>>::deserialize(deserializer)? {
            None => Ok(None),
            Some([buys, sells]) => Ok(Some(Box::new([unflatten(buys)?, unflatten(sells)?]))),
        }
    }
}

struct Flat<'a>(&'a Ladder);

impl Serialize for Flat<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut levels = serializer.serialize_seq(Some(self.0.len()))?;
        for (key, level) in self.0.iter() {
            levels.serialize_element(&(key, level.first))?;
        }
        levels.end()
    }
}

fn unflatten<E: serde::de::Error>(levels: Vec<(i64, u32)>) -> Result<Ladder, E> {
    let mut ladder = Ladder::default();
    for (key, first) in levels {
        if !ladder.push_worst(key, Level { first, ..Level::default() }) {
            return Err(E::custom(Broken("levels are sorted, best first")));
        }
    }
    Ok(ladder)
}
