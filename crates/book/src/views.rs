//! What others see of the books; nothing here changes them.

use crate::books::Books;
use crate::ladder::{MARKET, NO_KEY, key_of, price_of};
use crate::slab::State;
use hourbook_model::{OrderId, Price, Quantity, Side};

/// A level as others see it: displayed lots only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelView {
    pub price: Price,
    pub quantity: Quantity,
    pub orders: u32,
}

/// A resting order as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    pub id: OrderId,
    /// Zero for a market order in a call.
    pub price: Price,
    pub displayed: Quantity,
}

impl Books {
    /// Whether this order rests or waits.
    pub fn contains(&self, id: OrderId) -> bool {
        let placed = |state| matches!(state, State::Resting | State::Waiting);
        self.slab.get(id).is_some_and(|node| placed(node.tag.state()))
    }

    /// The id of the order in a slot.
    pub fn id_at(&self, slot: usize) -> OrderId {
        self.slab.id_at(slot as u32)
    }

    /// The limit of an order that is in its book, or in or out and not yet freed; zero for a market order.
    pub fn price(&self, id: OrderId) -> Price {
        let Some(node) = self.slab.get(id) else { return Price(0) };
        let key = match node.tag.state() {
            State::Waiting => self.slab.extra(id.slot() as u32).map_or(MARKET, |extra| extra.limit),
            State::Free => MARKET,
            State::Allocated | State::Resting => node.key,
        };
        if key == MARKET { Price(0) } else { price_of(node.tag.side(), key) }
    }

    /// Lots that others see; of a waiting stop, all.
    pub fn displayed(&self, id: OrderId) -> Quantity {
        self.slab.get(id).map_or(Quantity(0), |node| Quantity(i64::from(node.shown)))
    }

    /// Lots open, hidden ones too; zero for an order that is not in a book.
    pub fn open_lots(&self, id: OrderId) -> Quantity {
        if self.contains(id) { self.slab.open_lots(id.slot() as u32) } else { Quantity(0) }
    }

    /// The book that an order rests or waits in, or last did.
    pub fn book_of(&self, id: OrderId) -> usize {
        self.slab.get(id).map_or(0, |node| node.tag.book())
    }

    /// The side of an order that came into a book.
    pub fn side(&self, id: OrderId) -> Side {
        self.slab.get(id).map_or(Side::Buy, |node| node.tag.side())
    }

    /// Slots that are not free: orders that rest or wait, and those on their way.
    pub fn live(&self) -> usize {
        self.slab.used()
    }

    /// Whether a side has no order.
    pub fn is_empty(&self, book: usize, side: Side) -> bool {
        self.books[book].best_key(side) == NO_KEY
    }

    /// The best limit of a side.
    pub fn best(&self, book: usize, side: Side) -> Option<Price> {
        match self.books[book].best_key(side) {
            NO_KEY => None,
            MARKET => self.levels(book, side).next().map(|level| level.price),
            key => Some(price_of(side, key)),
        }
    }

    /// Whether an order of `side` at this price would meet the other side.
    pub fn would_trade(&self, book: usize, side: Side, price: Price) -> bool {
        let other = side.opposite();
        self.books[book].best_key(other) >= key_of(other, price)
    }

    /// Whether best bid < best ask.
    pub fn is_uncrossed(&self, book: usize) -> bool {
        let ask = self.books[book].best_key(Side::Sell);
        ask == NO_KEY || self.books[book].best_key(Side::Buy) < price_of(Side::Sell, ask).0
    }

    /// The levels of a side, best first; market orders of a call are in none.
    pub fn levels(&self, book: usize, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let levels = self.books[book].body.iter().flat_map(move |body| body.sides[side as usize].iter());
        levels.filter(|(key, _)| *key != MARKET).map(move |(key, level)| LevelView {
            price: price_of(side, key),
            quantity: Quantity(level.shown as i64),
            orders: level.orders,
        })
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, book: usize, side: Side) -> impl Iterator<Item = OrderView> + '_ {
        let levels = self.books[book].body.iter().flat_map(move |body| body.sides[side as usize].iter());
        levels.flat_map(|(_, level)| self.slab.ring(level.first)).map(|slot| {
            let id = self.slab.id_at(slot);
            OrderView { id, price: self.price(id), displayed: self.displayed(id) }
        })
    }

    /// Whole levels of a side behind the one at a price, until they have `room` orders: their orders as they trade, and
    /// the last price where more follow. Levels in front of it are stepped over.
    pub fn orders_behind(
        &self,
        book: usize,
        side: Side,
        behind: Option<Price>,
        room: usize,
    ) -> (Vec<OrderView>, Option<Price>) {
        let from = behind.map(|price| if price == Price(0) { MARKET } else { key_of(side, price) });
        let levels = self.books[book].body.iter().flat_map(|body| body.sides[side as usize].iter());
        let mut levels = levels.skip_while(|(key, _)| from.is_some_and(|from| *key >= from)).peekable();
        let (mut orders, mut last) = (Vec::new(), behind);
        while let Some((key, level)) = levels.next_if(|_| orders.len() < room) {
            let price = if key == MARKET { Price(0) } else { price_of(side, key) };
            orders.extend(self.slab.ring(level.first).map(|slot| {
                let id = self.slab.id_at(slot);
                OrderView { id, price, displayed: self.displayed(id) }
            }));
            last = Some(price);
        }
        let more = levels.peek().is_some();
        (orders, last.filter(|_| more))
    }

    /// Some order of a book, stops last: for whoever takes them all out, one by one.
    pub fn first_order(&self, book: usize) -> Option<OrderId> {
        let resting = self.books[book].body.iter().flat_map(|body| body.sides.iter());
        let first = resting.chain(self.stop_ladders(book)).find_map(|ladder| ladder.best());
        first.map(|level| self.slab.id_at(level.first))
    }

    /// Every order of a book, stops included, as they came into their queues.
    pub fn orders_by_arrival(&self, book: usize) -> Vec<OrderId> {
        let resting = self.books[book].body.iter().flat_map(|body| body.sides.iter());
        let levels = resting.chain(self.stop_ladders(book)).flat_map(|ladder| ladder.iter());
        let mut slots: Vec<u32> = levels.flat_map(|(_, level)| self.slab.ring(level.first)).collect();
        slots.sort_unstable_by_key(|slot| self.slab.arrival(*slot));
        slots.into_iter().map(|slot| self.slab.id_at(slot)).collect()
    }

    /// Bytes on the heap, room that is not used yet included.
    pub fn bytes(&self) -> usize {
        let bodies = self.books.iter().filter_map(|book| book.body.as_ref());
        let bodies = bodies.chain(self.spare()).map(|body| {
            let stops = body.stops.as_ref().map_or(0, |stops| {
                size_of_val(&**stops) + stops.iter().map(|ladder| ladder.bytes()).sum::<usize>()
            });
            size_of_val(&**body) + stops + body.sides.iter().map(|ladder| ladder.bytes()).sum::<usize>()
        });
        let table = self.books.capacity() * size_of::<crate::books::Book>();
        table + self.slab.bytes() + bodies.sum::<usize>()
    }

    /// Asks for the memory of an order, some commands before it is named: the first of two steps.
    #[inline]
    pub fn prefetch(&self, id: OrderId) {
        self.slab.prefetch(id.slot());
    }

    /// Asks for the neighbours of an order and for the place of its book, once the order itself has arrived: the
    /// second step.
    #[inline]
    pub fn prefetch_near(&self, id: OrderId) {
        if let Some(book) = self.slab.prefetch_near(id) {
            self.prefetch_place(book);
        }
    }

    /// Asks for a book's own place, where its best prices stand, before its memory can be asked for.
    #[inline]
    pub fn prefetch_place(&self, book: usize) {
        if let Some(book) = self.books.get(book) {
            crate::prefetch::line(book);
        }
    }

    /// Asks for the memory of a book, some commands before an order enters it.
    #[inline]
    pub fn prefetch_book(&self, book: usize) {
        let Some(body) = self.books.get(book).and_then(|book| book.body.as_ref()) else { return };
        for ladder in &body.sides {
            crate::prefetch::line(ladder);
        }
    }

    /// Asks for the levels among which an order hangs, once its book has arrived: the fourth step.
    #[inline]
    pub fn prefetch_level(&self, id: OrderId) {
        if let Some(node) = self.slab.get(id) {
            self.prefetch_levels(node.tag.book(), node.tag.side());
        }
    }

    /// Asks for the first order at a price, once the levels have arrived: who joins it will be written beside it.
    #[inline]
    pub fn prefetch_first(&self, book: usize, side: Side, price: Price) {
        if let Some(ladder) = self.books.get(book).and_then(|book| book.ladder(side))
            && let Some(level) = ladder.get(key_of(side, price))
        {
            self.slab.prefetch(level.first as usize);
        }
    }

    /// Asks for the levels of a side, once the book itself has arrived.
    #[inline]
    pub fn prefetch_levels(&self, book: usize, side: Side) {
        if let Some(ladder) = self.books.get(book).and_then(|book| book.ladder(side)) {
            ladder.prefetch();
        }
    }
}
