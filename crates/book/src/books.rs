//! The books and the slab of their orders: what rests, where, and in which queue.

use crate::matching::{Execution, Incoming};
use crate::stops::Stops;
use hourbook_model::{OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};
use serde::{Deserialize, Serialize};

pub(crate) const NOBODY: u32 = u32::MAX;

/// The price at which market orders queue in a call: better than any limit.
pub(crate) fn market_price(side: Side) -> Price {
    Price(if side == Side::Buy { i64::MAX } else { 0 })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Free,
    /// Has its id; is on its way in, or out and not yet freed.
    Allocated,
    Resting,
    /// A stop, not yet triggered.
    Waiting,
}

/// One order: 56 bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Node {
    pub price: Price,
    /// When it joined its queue, over all books: who is older in an uncross.
    pub arrival: u64,
    pub shown: u32,
    pub hidden: u32,
    /// Lots of a full slice; zero shows all.
    pub display: u32,
    pub previous: u32,
    pub next: u32,
    pub book: u32,
    pub owner: ParticipantId,
    pub generation: u32,
    pub state: State,
    pub side: Side,
    pub self_trade: SelfTrade,
    pub post_only: bool,
}

impl Node {
    pub fn open(&self) -> i64 {
        i64::from(self.shown) + i64::from(self.hidden)
    }
}

/// Orders at one price, oldest first.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Level {
    pub price: Price,
    /// Displayed lots.
    pub shown: i64,
    pub first: u32,
    pub last: u32,
    pub orders: u32,
}

/// The two sides of one instrument; the best level of each is its last.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    pub stops: Option<Box<Stops>>,
    pub call: bool,
}

impl Book {
    pub fn side(&self, side: Side) -> &Vec<Level> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    pub fn side_mut(&mut self, side: Side) -> &mut Vec<Level> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// Where a price stands among a side's levels, or would.
    pub fn find(&self, side: Side, price: Price) -> Result<usize, usize> {
        let levels = self.side(side);
        // Most orders come near the top, which is the end.
        let near = levels.len().saturating_sub(8);
        let worse = |level: &Level| match side {
            Side::Buy => level.price < price,
            Side::Sell => level.price > price,
        };
        let at = match levels.get(near) {
            Some(level) if worse(level) || near == 0 => {
                near + levels[near..].iter().position(|level| !worse(level)).unwrap_or(levels.len() - near)
            }
            _ => levels.partition_point(worse),
        };
        if levels.get(at).is_some_and(|level| level.price == price) { Ok(at) } else { Err(at) }
    }
}

/// A level as others see it.
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
    pub price: Price,
    pub displayed: Quantity,
}

/// Every book, by the slot of its instrument, and every order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Books {
    pub(crate) books: Vec<Book>,
    pub(crate) nodes: Vec<Node>,
    free: Vec<u32>,
    pub(crate) arrivals: u64,
}

impl Books {
    /// Makes room for the book of `slot`.
    pub fn open(&mut self, slot: usize) {
        if self.books.len() <= slot {
            self.books.resize_with(slot + 1, Book::default);
        }
    }

    /// Ends a book that holds nothing any more; its slot may be opened again.
    pub fn close(&mut self, slot: usize) {
        let book = std::mem::take(&mut self.books[slot]);
        assert!(book.bids.is_empty() && book.asks.is_empty(), "a book ends without orders");
        assert!(book.stops.is_none_or(|stops| stops.is_empty()), "a book ends without stops");
    }

    /// The id of the next incoming order, whether or not it will rest.
    pub fn allocate(&mut self) -> OrderId {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = self.nodes.len() as u32;
                assert!(slot < NOBODY, "the slab has four thousand million slots");
                self.nodes.push(Node {
                    price: Price(0),
                    arrival: 0,
                    shown: 0,
                    hidden: 0,
                    display: 0,
                    previous: NOBODY,
                    next: NOBODY,
                    book: 0,
                    owner: ParticipantId(0),
                    generation: 0,
                    state: State::Free,
                    side: Side::Buy,
                    self_trade: SelfTrade::Allow,
                    post_only: false,
                });
                slot
            }
        };
        let node = &mut self.nodes[slot as usize];
        node.generation = node.generation.wrapping_add(1).max(1);
        node.state = State::Allocated;
        OrderId::new(slot, node.generation)
    }

    /// Gives back the slot of an order that is out of its book.
    pub fn free(&mut self, id: OrderId) {
        let node = &mut self.nodes[id.slot()];
        assert!(
            node.state == State::Allocated && node.generation == id.generation(),
            "only what is out is freed"
        );
        node.state = State::Free;
        self.free.push(id.slot() as u32);
    }

    /// Whether this order rests or waits.
    pub fn contains(&self, id: OrderId) -> bool {
        self.nodes.get(id.slot()).is_some_and(|node| {
            node.generation == id.generation() && matches!(node.state, State::Resting | State::Waiting)
        })
    }

    /// The id of the order in a slot.
    pub fn id_at(&self, slot: usize) -> OrderId {
        OrderId::new(slot as u32, self.nodes[slot].generation)
    }

    /// Its limit; zero for a market order.
    pub fn price(&self, id: OrderId) -> Price {
        let node = &self.nodes[id.slot()];
        if node.price == market_price(node.side) { Price(0) } else { node.price }
    }

    /// What a waiting stop waits for; zero for anything else.
    pub fn trigger(&self, id: OrderId) -> Price {
        let node = &self.nodes[id.slot()];
        match node.state {
            State::Waiting => {
                let stops =
                    self.books[node.book as usize].stops.as_ref().expect("a waiting stop's book has stops");
                stops.trigger(id.slot() as u32)
            }
            _ => Price(0),
        }
    }

    /// Lots that others see.
    pub fn displayed(&self, id: OrderId) -> Quantity {
        Quantity(i64::from(self.nodes[id.slot()].shown))
    }

    /// Whether a side has no order.
    pub fn is_empty(&self, slot: usize, side: Side) -> bool {
        self.books[slot].side(side).is_empty()
    }

    pub fn best(&self, slot: usize, side: Side) -> Option<Price> {
        self.books[slot].side(side).last().map(|level| level.price)
    }

    /// Whether an order at this price would meet the other side.
    pub fn would_trade(&self, slot: usize, side: Side, price: Price) -> bool {
        self.best(slot, side.opposite()).is_some_and(|best| reaches(side, price, best))
    }

    /// Takes a resting or waiting order out; its open lots, hidden ones too. The id stays its own until freed.
    pub fn cancel(&mut self, id: OrderId) -> Quantity {
        let open = self.nodes[id.slot()].open();
        self.remove(id.slot() as u32);
        Quantity(open)
    }

    /// Lowers an order's open lots, hidden ones first; it keeps its place. `by` is less than what is open.
    pub fn reduce(&mut self, id: OrderId, by: Quantity) {
        let node = &mut self.nodes[id.slot()];
        assert!(by.0 > 0 && by.0 < node.open(), "a reduction leaves something");
        let by = by.0 as u32;
        let hidden = by.min(node.hidden);
        let shown = by - hidden;
        node.hidden -= hidden;
        node.shown -= shown;
        let node = *node;
        if shown > 0 && node.state == State::Resting {
            let book = &mut self.books[node.book as usize];
            let at = book.find(node.side, node.price).expect("a resting order's level");
            book.side_mut(node.side)[at].shown -= i64::from(shown);
        }
    }

    /// Sets an order's open lots to no more than they are; it keeps its place.
    pub fn amend_in_place(&mut self, id: OrderId, open: Quantity) {
        let by = self.nodes[id.slot()].open() - open.0;
        if by > 0 {
            self.reduce(id, Quantity(by));
        }
    }

    /// Takes an order out so that it may come in again under the same id, last in its queue.
    pub fn take(&mut self, id: OrderId) -> Incoming {
        let node = self.nodes[id.slot()];
        self.remove(id.slot() as u32);
        Incoming {
            id,
            owner: node.owner,
            side: node.side,
            limit: (node.price != market_price(node.side)).then_some(node.price),
            quantity: Quantity(node.open()),
            display: (node.display > 0).then_some(Quantity(i64::from(node.display))),
            post_only: node.post_only,
            self_trade: node.self_trade,
            execution: Execution::Rest,
            minimum: Quantity(0),
            bound: None,
            affordable: None,
        }
    }

    /// Puts an order at the end of its level.
    pub(crate) fn rest(&mut self, slot: usize, incoming: &Incoming, open: i64) {
        self.arrivals += 1;
        let at = incoming.id.slot();
        let price = incoming.limit.unwrap_or(market_price(incoming.side));
        let display = incoming.display.map_or(0, |display| display.0 as u32);
        let shown = if display == 0 { open as u32 } else { display.min(open as u32) };
        self.nodes[at] = Node {
            price,
            arrival: self.arrivals,
            shown,
            hidden: open as u32 - shown,
            display,
            previous: NOBODY,
            next: NOBODY,
            book: slot as u32,
            owner: incoming.owner,
            generation: incoming.id.generation(),
            state: State::Resting,
            side: incoming.side,
            self_trade: incoming.self_trade,
            post_only: incoming.post_only,
        };
        self.queue(at as u32);
    }

    /// Hangs a node on the end of its level, which is made where there is none.
    pub(crate) fn queue(&mut self, at: u32) {
        let Node { price, side, shown, book, .. } = self.nodes[at as usize];
        let book = &mut self.books[book as usize];
        match book.find(side, price) {
            Ok(found) => {
                let level = &mut book.side_mut(side)[found];
                let last = std::mem::replace(&mut level.last, at);
                level.shown += i64::from(shown);
                level.orders += 1;
                self.nodes[last as usize].next = at;
                let node = &mut self.nodes[at as usize];
                node.previous = last;
                node.next = NOBODY;
            }
            Err(place) => {
                let level = Level { price, shown: i64::from(shown), first: at, last: at, orders: 1 };
                book.side_mut(side).insert(place, level);
                let node = &mut self.nodes[at as usize];
                node.previous = NOBODY;
                node.next = NOBODY;
            }
        }
    }

    /// Takes a node out of wherever it hangs.
    pub(crate) fn remove(&mut self, at: u32) {
        let node = self.nodes[at as usize];
        match node.state {
            State::Resting => self.unqueue(at),
            State::Waiting => {
                let stops =
                    self.books[node.book as usize].stops.as_mut().expect("a waiting stop's book has stops");
                stops.remove(at);
            }
            State::Free | State::Allocated => panic!("only what rests or waits can be taken out"),
        }
        self.nodes[at as usize].state = State::Allocated;
    }

    /// Unhooks a resting node from its level, which ends with its last order.
    pub(crate) fn unqueue(&mut self, at: u32) {
        let Node { price, side, shown, book, previous, next, .. } = self.nodes[at as usize];
        if previous != NOBODY {
            self.nodes[previous as usize].next = next;
        }
        if next != NOBODY {
            self.nodes[next as usize].previous = previous;
        }
        let book = &mut self.books[book as usize];
        let found = book.find(side, price).expect("a resting order's level");
        let levels = book.side_mut(side);
        let level = &mut levels[found];
        if level.orders == 1 {
            levels.remove(found);
            return;
        }
        level.orders -= 1;
        level.shown -= i64::from(shown);
        if level.first == at {
            level.first = next;
        }
        if level.last == at {
            level.last = previous;
        }
    }

    /// In a call orders only rest, and the book may be crossed.
    pub fn set_call(&mut self, slot: usize, call: bool) {
        self.books[slot].call = call;
    }

    /// The levels of a side, best first; market orders of a call are in none.
    pub fn levels(&self, slot: usize, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        self.books[slot].side(side).iter().rev().filter(move |level| level.price != market_price(side)).map(
            |level| LevelView { price: level.price, quantity: Quantity(level.shown), orders: level.orders },
        )
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, slot: usize, side: Side) -> impl Iterator<Item = OrderView> + '_ {
        self.books[slot].side(side).iter().rev().flat_map(move |level| {
            self.queue_of(level).map(move |at| OrderView {
                id: self.id_at(at as usize),
                price: if level.price == market_price(side) { Price(0) } else { level.price },
                displayed: Quantity(i64::from(self.nodes[at as usize].shown)),
            })
        })
    }

    pub(crate) fn queue_of(&self, level: &Level) -> impl Iterator<Item = u32> + '_ {
        let first = Some(level.first);
        std::iter::successors(first, |at| {
            let next = self.nodes[*at as usize].next;
            (next != NOBODY).then_some(next)
        })
    }

    /// Some order of a book, stops last: for whoever takes them all out, one by one.
    pub fn first_order(&self, slot: usize) -> Option<OrderId> {
        let book = &self.books[slot];
        let resting = book.bids.last().or(book.asks.last()).map(|level| level.first);
        let waiting = || book.stops.as_ref().and_then(|stops| stops.first());
        resting.or_else(waiting).map(|at| self.id_at(at as usize))
    }

    /// Checks every promise of this crate over all books. Panics at the first that does not hold.
    pub fn check(&self) {
        let mut seen = 0;
        for (slot, book) in self.books.iter().enumerate() {
            for side in [Side::Buy, Side::Sell] {
                let levels = book.side(side);
                for pair in levels.windows(2) {
                    let rising = pair[0].price < pair[1].price;
                    assert!(
                        pair[0].price != pair[1].price && rising == (side == Side::Buy),
                        "levels are sorted"
                    );
                }
                for level in levels {
                    let (mut shown, mut orders, mut last) = (0, 0, NOBODY);
                    for at in self.queue_of(level) {
                        let node = &self.nodes[at as usize];
                        assert!(
                            node.state == State::Resting && node.side == side && node.book as usize == slot
                        );
                        assert!(node.shown > 0 && node.price == level.price && node.previous == last);
                        shown += i64::from(node.shown);
                        orders += 1;
                        last = at;
                    }
                    assert_eq!(
                        (shown, orders, last),
                        (level.shown, level.orders, level.last),
                        "a level adds up"
                    );
                    seen += orders;
                }
            }
            if !book.call {
                let (bid, ask) = (self.best(slot, Side::Buy), self.best(slot, Side::Sell));
                assert!(
                    bid.is_none() || ask.is_none() || bid < ask,
                    "a book is not crossed while continuous"
                );
            }
        }
        let resting = self.nodes.iter().filter(|node| node.state == State::Resting).count();
        assert_eq!(resting, seen as usize, "every resting order hangs in its book");
    }

    /// Whether best bid < best ask.
    pub fn is_uncrossed(&self, slot: usize) -> bool {
        match (self.best(slot, Side::Buy), self.best(slot, Side::Sell)) {
            (Some(bid), Some(ask)) => bid < ask,
            _ => true,
        }
    }

    /// Touches an order that will be needed soon.
    pub fn prefetch(&self, id: OrderId) {
        std::hint::black_box(self.nodes.get(id.slot()).map(|node| node.generation));
    }

    /// Touches a book that will be needed soon.
    pub fn prefetch_book(&self, slot: usize) {
        std::hint::black_box(self.books.get(slot).map(|book| book.call));
    }
}

/// Whether an order of this side at `limit` may trade at `price`.
pub(crate) fn reaches(side: Side, limit: Price, price: Price) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}
