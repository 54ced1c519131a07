//! One book as everyone sees it: levels with their totals, best first, and a checksum over all of them.
//!
//! It is taken from the exchange in pieces, best levels first, bids before asks: what lies behind those that it has is not
//! kept yet.

use crate::orders::{Orders, Queue};
use crc_fast::crc32_iscsi;
use hourbook_exchange::{BookMark, Level};
use hourbook_model::{Price, Side};
use std::collections::BTreeMap;

/// A level as it stands after a change; without lots when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelChange {
    pub side: Side,
    pub level: Level,
}

/// The best level of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    pub bid: Option<Level>,
    pub ask: Option<Level>,
}

/// One instrument's book.
#[derive(Default)]
pub struct Book {
    /// By key, which grows from the best on.
    sides: [BTreeMap<i64, Queue>; 2],
    checksum: u32,
    /// Behind which nothing is kept yet; `None` once it is whole.
    pub(crate) next: Option<BookMark>,
}

/// The key of market orders that wait in a call: before every price, and no level.
const MARKET: i64 = i64::MIN;

pub(crate) fn key_of(side: Side, price: Price) -> i64 {
    match (side, price) {
        (_, Price(0)) => MARKET,
        (Side::Buy, price) => -price.0,
        (Side::Sell, price) => price.0,
    }
}

pub(crate) fn price_of(side: Side, key: i64) -> Price {
    match side {
        _ if key == MARKET => Price(0),
        Side::Buy => Price(-key),
        Side::Sell => Price(key),
    }
}

/// The checksum of levels: the CRC-32C of each, added up modulo 2^32.
///
/// A level is 21 bytes: 1 for a bid or 2 for an ask, then price in micros and lots as 8 bytes each and the number of
/// orders as 4, all little-endian. The order of the levels does not matter, so that who keeps a book adds and subtracts
/// only what changed. Without levels it is 0.
pub fn checksum(levels: impl IntoIterator<Item = (Side, Level)>) -> u32 {
    levels.into_iter().fold(0, |sum, (side, level)| sum.wrapping_add(digest(side, &level)))
}

fn digest(side: Side, level: &Level) -> u32 {
    let mut bytes = [0; 21];
    bytes[0] = match side {
        Side::Buy => 1,
        Side::Sell => 2,
    };
    bytes[1..9].copy_from_slice(&level.price.0.to_le_bytes());
    bytes[9..17].copy_from_slice(&level.quantity.0.to_le_bytes());
    bytes[17..].copy_from_slice(&level.orders.to_le_bytes());
    crc32_iscsi(&bytes)
}

impl Book {
    /// The levels of a side, best first; market orders of a call are in none.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let levels = self.sides[side as usize].iter().filter(|(key, _)| **key != MARKET);
        levels.map(move |(key, queue)| level_of(price_of(side, *key), queue))
    }

    /// How many levels both sides have.
    pub fn level_count(&self) -> usize {
        Side::BOTH.map(|side| self.levels(side).count()).iter().sum()
    }

    /// The best level of each side.
    pub fn top(&self) -> Top {
        Top { bid: self.levels(Side::Buy).next(), ask: self.levels(Side::Sell).next() }
    }

    /// [`checksum`] over all levels of both sides.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    /// One of which nothing is kept yet.
    pub(crate) fn begin() -> Book {
        Book { next: Some(BookMark::START), ..Book::default() }
    }

    /// Whether a level is among those that are kept, or would be.
    pub(crate) fn holds(&self, side: Side, key: i64) -> bool {
        match self.next {
            None => true,
            Some(next) if next.side == side => next.behind.is_some_and(|price| key <= key_of(side, price)),
            Some(next) => side < next.side,
        }
    }

    /// Takes all its orders out.
    pub(crate) fn leave(&self, orders: &mut Orders) {
        self.sides.iter().flat_map(|side| side.values()).for_each(|queue| orders.forget(queue));
    }

    pub(crate) fn queues(&self, side: Side) -> impl Iterator<Item = (Price, &Queue)> {
        self.sides[side as usize].iter().map(move |(key, queue)| (price_of(side, *key), queue))
    }

    /// The level at a key, as it is or would be.
    pub(crate) fn level(&self, side: Side, key: i64) -> Level {
        let queue = self.sides[side as usize].get(&key).copied().unwrap_or_default();
        level_of(price_of(side, key), &queue)
    }

    /// Changes the queue at a key; it is gone when that leaves it empty.
    pub(crate) fn change(&mut self, side: Side, key: i64, change: impl FnOnce(&mut Queue)) {
        let queue = self.sides[side as usize].entry(key).or_default();
        change(queue);
        if queue.orders == 0 {
            self.sides[side as usize].remove(&key);
        }
    }

    /// A level that was `before` is as it is now: its change, if that can be seen.
    pub(crate) fn settle(&mut self, side: Side, key: i64, before: Level) -> Option<LevelChange> {
        let level = self.level(side, key);
        if key == MARKET || level == before {
            return None;
        }
        if before.orders > 0 {
            self.checksum = self.checksum.wrapping_sub(digest(side, &before));
        }
        if level.orders > 0 {
            self.checksum = self.checksum.wrapping_add(digest(side, &level));
        }
        Some(LevelChange { side, level })
    }
}

fn level_of(price: Price, queue: &Queue) -> Level {
    Level { price, quantity: queue.quantity, orders: queue.orders }
}
