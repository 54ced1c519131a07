//! One book, kept from what market data tells of it, and held against its checksum at every change.

use crate::v1::{self, market_update::Content};
use crc_fast::crc32_iscsi;
use std::collections::BTreeMap;
use v1::Side;

/// All orders at one price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Micros per unit-hour.
    pub price_micros: i64,
    /// Lots displayed.
    pub quantity: i64,
    pub orders: u32,
}

/// One order of a book, without its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub order_id: u64,
    /// Micros per unit-hour; 0 for a market order that waits in a call.
    pub price_micros: i64,
    /// Lots displayed.
    pub quantity: i64,
}

/// Where a book that was kept is not the exchange's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    #[error("change {found} came where {expected} was due")]
    Number { expected: u64, found: u64 },
    #[error("the checksum at change {number} is {found:#010x}, and should be {expected:#010x}")]
    Checksum { number: u64, expected: u32, found: u32 },
}

/// A book of levels (L2) or of orders (L3), whichever is told of it.
///
/// Always true while it [is whole](LocalBook::is_whole): it is what the exchange's was at its
/// [number](LocalBook::number), by the exchange's own checksum.
#[derive(Clone, Debug, Default)]
pub struct LocalBook {
    /// By key, which grows from the best on.
    sides: [BTreeMap<i64, Level>; 2],
    checksum: u32,
    /// Of a book of orders: each side's by key, then in the order in which they came there; and where each is.
    queues: [BTreeMap<(i64, u64), Order>; 2],
    places: BTreeMap<u64, Place>,
    joined: u64,
    number: u64,
    sequence: u64,
    time: Option<prost_types::Timestamp>,
    state: State,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    side: usize,
    key: i64,
    joined: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Unknown,
    /// A snapshot has begun, and more of it comes.
    Partial,
    Whole,
}

/// The key of market orders that wait in a call: before every price, and no level.
const MARKET: i64 = i64::MIN;

fn key_of(side: usize, price_micros: i64) -> i64 {
    match (side, price_micros) {
        (_, 0) => MARKET,
        (0, price) => -price,
        (_, price) => price,
    }
}

fn index(side: Side) -> usize {
    usize::from(side == Side::Sell)
}

fn digest(side: usize, level: &Level) -> u32 {
    let mut bytes = [0; 21];
    bytes[0] = 1 + side as u8;
    bytes[1..9].copy_from_slice(&level.price_micros.to_le_bytes());
    bytes[9..17].copy_from_slice(&level.quantity.to_le_bytes());
    bytes[17..].copy_from_slice(&level.orders.to_le_bytes());
    crc32_iscsi(&bytes)
}

impl LocalBook {
    /// Takes note of an update with levels or orders; any other is no concern of a book's.
    ///
    /// # Errors
    /// Where the book is the exchange's no more. It is whole again with the next snapshot.
    pub fn apply(&mut self, update: &v1::MarketUpdate) -> Result<(), Differs> {
        let checksum = match &update.content {
            Some(Content::Levels(levels)) => levels.checksum,
            Some(Content::Orders(orders)) => orders.checksum,
            _ => return Ok(()),
        };
        if update.snapshot {
            // One that broke off with its connection is begun again, under another number where the book has changed.
            if self.state != State::Partial || update.number != self.number {
                self.clear();
            }
        } else if self.state != State::Whole || update.number != self.number + 1 {
            let expected = self.number + 1;
            self.forget();
            return Err(Differs::Number { expected, found: update.number });
        }
        match &update.content {
            Some(Content::Levels(levels)) => {
                levels.bids.iter().for_each(|level| self.set_level(0, level));
                levels.asks.iter().for_each(|level| self.set_level(1, level));
            }
            Some(Content::Orders(orders)) => orders.changes.iter().for_each(|change| self.change(change)),
            _ => unreachable!("looked at above"),
        }
        (self.number, self.sequence, self.time) = (update.number, update.sequence, update.time);
        self.state = if update.incomplete { State::Partial } else { State::Whole };
        if self.state == State::Whole && self.checksum != checksum {
            let found = self.checksum;
            self.forget();
            return Err(Differs::Checksum { number: update.number, expected: checksum, found });
        }
        Ok(())
    }

    /// It is known no more what it looks like; its number is kept.
    pub fn forget(&mut self) {
        self.state = State::Unknown;
    }

    fn clear(&mut self) {
        self.sides.iter_mut().for_each(BTreeMap::clear);
        self.queues.iter_mut().for_each(BTreeMap::clear);
        self.places.clear();
        self.checksum = 0;
    }

    fn set_level(&mut self, side: usize, level: &v1::Level) {
        let v1::Level { price_micros, quantity, order_count } = *level;
        self.put(side, key_of(side, price_micros), Level { price_micros, quantity, orders: order_count });
    }

    /// Puts a level in its place; one without lots is gone.
    fn put(&mut self, side: usize, key: i64, level: Level) {
        let before = match level.quantity {
            0 => self.sides[side].remove(&key),
            _ => self.sides[side].insert(key, level),
        };
        if let Some(before) = before {
            self.checksum = self.checksum.wrapping_sub(digest(side, &before));
        }
        if level.quantity != 0 {
            self.checksum = self.checksum.wrapping_add(digest(side, &level));
        }
    }

    fn change(&mut self, change: &v1::OrderChange) {
        let v1::OrderChange { order_id, price_micros, quantity, joins, .. } = *change;
        let side = index(change.side());
        let known = self.places.get(&order_id).copied();
        if let Some(place) = known.filter(|_| joins || quantity == 0) {
            self.places.remove(&order_id);
            let gone = self.queues[place.side].remove(&(place.key, place.joined));
            self.add(place.side, place.key, -gone.map_or(0, |gone| gone.quantity), -1);
        }
        if quantity == 0 {
            return;
        }
        match known.filter(|_| !joins) {
            Some(place) => {
                let order = self.queues[place.side].get_mut(&(place.key, place.joined));
                let before = order.map_or(0, |order| std::mem::replace(&mut order.quantity, quantity));
                self.add(place.side, place.key, quantity - before, 0);
            }
            None => {
                self.joined += 1;
                let place = Place { side, key: key_of(side, price_micros), joined: self.joined };
                self.places.insert(order_id, place);
                let order = Order { order_id, price_micros, quantity };
                self.queues[side].insert((place.key, place.joined), order);
                self.add(side, place.key, quantity, 1);
            }
        }
    }

    /// Adds lots and orders to a level.
    fn add(&mut self, side: usize, key: i64, quantity: i64, orders: i32) {
        if key == MARKET {
            return;
        }
        let price_micros = if side == 0 { -key } else { key };
        let before =
            self.sides[side].get(&key).copied().unwrap_or(Level { price_micros, ..Level::default() });
        let orders = before.orders.saturating_add_signed(orders);
        self.put(side, key, Level { price_micros, quantity: before.quantity + quantity, orders });
    }

    /// Whether it is the exchange's at its number. What is known of it otherwise is old.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// The number of the last change in it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The exchange's sequence number of the command that caused the last change, or up to which the snapshot is true.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The exchange's time of that command.
    pub fn time(&self) -> Option<prost_types::Timestamp> {
        self.time
    }

    /// As docs/market_data.md defines it.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    pub fn best_bid(&self) -> Option<Level> {
        self.levels(Side::Buy).next()
    }

    pub fn best_ask(&self) -> Option<Level> {
        self.levels(Side::Sell).next()
    }

    /// Half way between the best bid and the best ask, micros rounded down; `None` where a side is empty.
    pub fn mid_micros(&self) -> Option<i64> {
        let (bid, ask) = (self.best_bid()?, self.best_ask()?);
        Some(bid.price_micros + (ask.price_micros - bid.price_micros).div_euclid(2))
    }

    /// The best ask less the best bid, micros; `None` where a side is empty. In a call it may be negative.
    pub fn spread_micros(&self) -> Option<i64> {
        Some(self.best_ask()?.price_micros - self.best_bid()?.price_micros)
    }

    /// The levels of a side, best first; market orders that wait in a call are in none.
    pub fn levels(&self, side: Side) -> impl DoubleEndedIterator<Item = Level> + '_ {
        self.sides[index(side)].values().copied()
    }

    /// The orders of a side in the order in which they trade; none in a book of levels.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = Order> + '_ {
        self.queues[index(side)].values().copied()
    }

    /// Lots that stand before an order in its queue, at its price; `None` for one that is not in the book.
    pub fn ahead_of(&self, order_id: u64) -> Option<i64> {
        let place = self.places.get(&order_id)?;
        let before = self.queues[place.side].range((place.key, 0)..(place.key, place.joined));
        Some(before.map(|(_, order)| order.quantity).sum())
    }

    /// Lots of a side at `price_micros` or better: what who comes in on the other side can trade.
    pub fn depth_to(&self, side: Side, price_micros: i64) -> i64 {
        let worst = key_of(index(side), price_micros);
        self.sides[index(side)].range(..=worst).map(|(_, level)| level.quantity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(
        number: u64,
        snapshot: bool,
        bids: &[(i64, i64, u32)],
        asks: &[(i64, i64, u32)],
        checksum: u32,
    ) -> v1::MarketUpdate {
        let of = |levels: &[(i64, i64, u32)]| {
            let level = |&(price_micros, quantity, order_count): &_| v1::Level {
                price_micros,
                quantity,
                order_count,
            };
            levels.iter().map(level).collect()
        };
        let content = Content::Levels(v1::LevelChanges { bids: of(bids), asks: of(asks), checksum });
        v1::MarketUpdate { number, snapshot, content: Some(content), ..Default::default() }
    }

    fn orders(
        number: u64,
        snapshot: bool,
        changes: &[(u64, Side, i64, i64, bool)],
        checksum: u32,
    ) -> v1::MarketUpdate {
        let changes = changes.iter().map(|&(order_id, side, price_micros, quantity, joins)| {
            v1::OrderChange { order_id, side: side as i32, price_micros, quantity, joins }
        });
        let content = Content::Orders(v1::OrderChanges { changes: changes.collect(), checksum });
        v1::MarketUpdate { number, snapshot, content: Some(content), ..Default::default() }
    }

    #[test]
    fn the_checksum_is_that_of_the_page_on_market_data() {
        let mut book = LocalBook::default();
        let two = levels(5, true, &[(1_900, 3, 1)], &[(2_000, 6, 2)], 0xbb76_4d9d);
        book.apply(&two).unwrap();
        assert!(book.is_whole());
        let first = levels(6, false, &[], &[(2_000, 0, 0)], 0x173b_97a4);
        book.apply(&first).unwrap();
        assert_eq!((book.best_bid().unwrap().quantity, book.best_ask()), (3, None));
        let mut of_orders = LocalBook::default();
        let three = [
            (1, Side::Buy, 1_900, 3, true),
            (2, Side::Sell, 2_000, 2, true),
            (3, Side::Sell, 2_000, 4, true),
            (4, Side::Sell, 0, 9, true),
        ];
        of_orders.apply(&orders(0, true, &three, 0xbb76_4d9d)).unwrap();
        assert_eq!((of_orders.mid_micros(), of_orders.spread_micros()), (Some(1_950), Some(100)));
        assert_eq!(
            (of_orders.ahead_of(3), of_orders.ahead_of(2), of_orders.ahead_of(9)),
            (Some(2), Some(0), None)
        );
        assert_eq!((of_orders.depth_to(Side::Sell, 2_000), of_orders.depth_to(Side::Sell, 1_999)), (6, 0));
    }

    #[test]
    fn an_order_keeps_its_place_or_joins_behind_the_others() {
        let mut book = LocalBook::default();
        let queue = |book: &LocalBook| -> Vec<_> {
            book.orders(Side::Buy).map(|one| (one.order_id, one.quantity)).collect()
        };
        // What a checksum should be is what it is, for what is told here is right.
        let tell = |book: &mut LocalBook, number, changes: &[_]| {
            let mut copy = book.clone();
            let told = orders(number, number == 0, changes, 0);
            let checksum = match copy.apply(&told) {
                Err(Differs::Checksum { found, .. }) => found,
                _ => 0,
            };
            book.apply(&orders(number, number == 0, changes, checksum)).unwrap();
        };
        tell(
            &mut book,
            0,
            &[(1, Side::Buy, 10, 5, true), (2, Side::Buy, 10, 5, true), (3, Side::Buy, 9, 1, true)],
        );
        tell(&mut book, 1, &[(1, Side::Buy, 10, 4, false)]);
        assert_eq!(queue(&book), [(1, 4), (2, 5), (3, 1)]);
        tell(&mut book, 2, &[(1, Side::Buy, 10, 4, true)]);
        assert_eq!(queue(&book), [(2, 5), (1, 4), (3, 1)]);
        tell(&mut book, 3, &[(3, Side::Buy, 10, 1, true), (2, Side::Buy, 10, 0, false)]);
        assert_eq!(queue(&book), [(1, 4), (3, 1)]);
        assert_eq!(
            book.levels(Side::Buy).collect::<Vec<_>>(),
            [Level { price_micros: 10, quantity: 5, orders: 2 }]
        );
    }

    #[test]
    fn a_gap_and_a_wrong_checksum_are_seen_and_a_snapshot_heals() {
        let mut book = LocalBook::default();
        let early = levels(1, false, &[], &[], 0);
        assert_eq!(
            book.apply(&early),
            Err(Differs::Number { expected: 1, found: 1 }),
            "nothing to change yet"
        );
        book.apply(&levels(4, true, &[(1_900, 3, 1)], &[], 0x173b_97a4)).unwrap();
        let skipped = levels(6, false, &[], &[], 0x173b_97a4);
        assert_eq!(book.apply(&skipped), Err(Differs::Number { expected: 5, found: 6 }));
        assert!(!book.is_whole());
        book.apply(&levels(6, true, &[(1_900, 3, 1)], &[], 0x173b_97a4)).unwrap();
        let wrong = levels(7, false, &[(1_900, 4, 1)], &[], 0x173b_97a4);
        assert!(matches!(book.apply(&wrong), Err(Differs::Checksum { number: 7, .. })));
        assert!(!book.is_whole());
        let part =
            v1::MarketUpdate { incomplete: true, ..levels(8, true, &[(1_900, 3, 1)], &[], 0xbb76_4d9d) };
        book.apply(&part).unwrap();
        assert!(!book.is_whole(), "half of it");
        book.apply(&levels(8, true, &[], &[(2_000, 6, 2)], 0xbb76_4d9d)).unwrap();
        assert!(book.is_whole());
        // One whose connection broke in the middle is begun again, and nothing of the half stays.
        let half = v1::MarketUpdate { incomplete: true, ..levels(9, true, &[(1_700, 1, 1)], &[], 0) };
        book.apply(&half).unwrap();
        book.apply(&levels(11, true, &[(1_900, 3, 1)], &[], 0x173b_97a4)).unwrap();
        assert!(book.is_whole() && book.best_bid().is_some_and(|best| best.price_micros == 1_900));
    }
}
