//! The books: which orders rest in which, and how they come and go.

use crate::ladder::{Grid, Ladder, Level, MARKET, NO_KEY, price_of};
use crate::matching::{Execution, Incoming};
use crate::slab::{Extra, Node, Slab, State, Tag, Taken};
use hourbook_model::{OrderId, Price, Quantity, Side};
use serde::{Deserialize, Serialize};

/// Every book, by the slot of its instrument, and every order.
///
/// A book is named by [`hourbook_model::InstrumentId::slot`]. A serialised `Books` has the same bytes whenever the
/// same operations led to it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "crate::state::Snapshot")]
pub struct Books {
    pub(crate) books: Vec<Book>,
    pub(crate) slab: Slab,
    /// Orders that joined a queue so far: the age of the next one.
    pub(crate) arrivals: u64,
    /// Bodies that no book needs now, with their room.
    #[serde(skip)]
    #[expect(clippy::vec_box, reason = "a body changes hands, it is not copied")]
    spare: Vec<Box<Body>>,
}

/// One instrument's book. An idle one is these 32 bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    /// The best key of each side, which is all that most incoming orders need to know of the other one.
    #[serde(skip)]
    best: [Best; 2],
    pub body: Option<Box<Body>>,
    /// Its limits are whole numbers of this many micros; of any when it is 1.
    pub tick: u32,
    pub call: bool,
}

/// What a book with orders has.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[repr(align(64))]
pub(crate) struct Body {
    #[serde(with = "crate::state::ladders")]
    pub sides: [Ladder; 2],
    /// Stops by side, under their triggers, in the order in which they are released.
    #[serde(with = "crate::state::stops")]
    pub stops: Option<Box<[Ladder; 2]>>,
    /// Resting orders that may have hidden lots.
    #[serde(skip)]
    pub icebergs: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Best(i64);

impl Default for Best {
    fn default() -> Self {
        Best(NO_KEY)
    }
}

impl Body {
    /// Limits are whole numbers of ticks from now on; triggers may be any price.
    fn set_tick(&mut self, tick: u32) {
        for (ladder, side) in self.sides.iter_mut().zip([Side::Buy, Side::Sell]) {
            ladder.set_grid(Grid::new(tick, side));
        }
    }

    fn has_no_stops(&self) -> bool {
        self.stops.as_ref().is_none_or(|stops| stops.iter().all(Ladder::is_empty))
    }
}

impl Book {
    /// The key of a side's best level, or [`NO_KEY`].
    #[inline]
    pub fn best_key(&self, side: Side) -> i64 {
        self.best[side as usize].0
    }

    pub fn ladder(&self, side: Side) -> Option<&Ladder> {
        self.body.as_ref().map(|body| &body.sides[side as usize])
    }

    /// The first order of a side that has one.
    pub fn first(&self, side: Side) -> u32 {
        let best = self.ladder(side).and_then(Ladder::best);
        best.expect("a best key has its level").first
    }

    /// Learns the best keys from the ladders.
    pub fn refresh(&mut self) {
        self.best = self.bests();
    }

    pub fn knows_its_best(&self) -> bool {
        self.best == self.bests()
    }

    fn bests(&self) -> [Best; 2] {
        [Side::Buy, Side::Sell].map(|side| Best(self.ladder(side).map_or(NO_KEY, Ladder::best_key)))
    }
}

impl Books {
    /// Room for this many more orders at once.
    pub fn reserve(&mut self, orders: usize) {
        self.slab.reserve(orders);
    }

    /// Makes room for a book. It begins empty and continuous; every limit in it is a whole number of ticks.
    pub fn open(&mut self, book: usize, tick: Price) {
        assert!(book < hourbook_model::InstrumentId::SLOTS, "a book is an instrument's slot");
        assert!(tick > Price(0), "a tick is above zero");
        if self.books.len() <= book {
            if self.books.capacity() <= book {
                self.books.reserve_exact((book / 4).max(64));
            }
            self.books.resize_with(book + 1, Book::default);
        }
        // A tick that is too great for its field only makes pages of single levels.
        self.books[book].tick = u32::try_from(tick.0).unwrap_or(1);
    }

    /// Ends a book that holds nothing any more; its slot may be opened again.
    pub fn close(&mut self, book: usize) {
        let ended = std::mem::take(&mut self.books[book]);
        assert!(ended.body.is_none(), "a book ends without orders");
    }

    /// The id of the next incoming order, whether or not it will rest.
    pub fn allocate(&mut self) -> OrderId {
        self.slab.allocate()
    }

    /// Gives back the slot of an order that is out of its book; its id never comes again.
    pub fn free(&mut self, id: OrderId) {
        self.slab.free(id);
    }

    /// Takes a resting or waiting order out; its open lots, hidden ones too. Its id stays its own until freed, and
    /// still tells its limit.
    pub fn cancel(&mut self, id: OrderId) -> Quantity {
        let slot = id.slot() as u32;
        let open = self.slab.open_lots(slot);
        self.remove(id);
        open
    }

    /// Lowers an order's open lots, hidden ones first; it keeps its place. `by` is less than what is open.
    pub fn reduce(&mut self, id: OrderId, by: Quantity) {
        assert!(self.contains(id), "only what rests or waits is reduced");
        let slot = id.slot() as u32;
        assert!(0 < by.0 && by < self.slab.open_lots(slot), "a reduction takes and leaves something");
        let mut by = by.0 as u32;
        if let Some(extra) = self.slab.extra_mut(slot) {
            let hidden = by.min(extra.hidden);
            extra.hidden -= hidden;
            by -= hidden;
        }
        let node = &mut self.slab.nodes[slot as usize];
        node.shown -= by;
        let Node { key, tag, .. } = *node;
        let ladder = self.ladder_of(tag);
        let Ok(place) = ladder.seek(key) else { unreachable!("a resting order has a level") };
        ladder.level_mut(place).shown -= u64::from(by);
    }

    /// Sets an order's open lots to no more than they are; it keeps its place.
    pub fn amend_in_place(&mut self, id: OrderId, open: Quantity) {
        let by = self.slab.open_lots(id.slot() as u32) - open;
        if by > Quantity::ZERO {
            self.reduce(id, by);
        }
    }

    /// Takes an order out so that it may come in again under the same id, last in its queue.
    pub fn take(&mut self, id: OrderId) -> Incoming {
        let slot = id.slot() as u32;
        let Node { owner, tag, .. } = self.slab.nodes[slot as usize];
        let display = self.slab.extra(slot).map_or(0, |extra| extra.display);
        let open = self.cancel(id);
        let key = self.slab.nodes[slot as usize].key;
        Incoming {
            id,
            owner,
            side: tag.side(),
            limit: (key != MARKET).then(|| price_of(tag.side(), key)),
            quantity: open,
            display: (display > 0).then_some(Quantity(i64::from(display))),
            post_only: tag.post_only(),
            self_trade: tag.self_trade(),
            execution: if tag.is_ioc() { Execution::Ioc } else { Execution::Rest },
            minimum: Quantity(0),
            bound: None,
            affordable: None,
        }
    }

    /// In a call orders only rest, and the book may be crossed.
    pub fn set_call(&mut self, book: usize, call: bool) {
        self.books[book].call = call;
    }

    /// Puts an order at the end of its level.
    pub(crate) fn rest(&mut self, book: usize, incoming: &Incoming, key: i64, left: u32) {
        let display = incoming.display.map_or(0, |display| display.0.clamp(0, i64::from(u32::MAX)) as u32);
        let shown = if display == 0 { left } else { display.min(left) };
        let extra = (display > 0).then_some(Extra { hidden: left - shown, display, ..Extra::default() });
        self.place(book, incoming, State::Resting, key, shown, extra);
        let Book { best, body, .. } = &mut self.books[book];
        let best = &mut best[incoming.side as usize];
        best.0 = best.0.max(key);
        if let (Some(body), true) = (body, extra.is_some()) {
            body.icebergs += 1;
        }
    }

    /// Writes an order and hangs it on the end of the level of its key, which is made where there is none.
    pub(crate) fn place(
        &mut self,
        book: usize,
        incoming: &Incoming,
        state: State,
        key: i64,
        shown: u32,
        extra: Option<Extra>,
    ) {
        let slot = incoming.id.slot() as u32;
        let tag = Tag::new(book, state, incoming, extra.is_some());
        let node = Node { key, owner: incoming.owner, shown, tag, ..Node::default() };
        self.arrivals += 1;
        self.slab.write(incoming.id, node, self.arrivals, extra);
        let Book { body, tick, .. } = &mut self.books[book];
        let body = body.get_or_insert_with(|| {
            let mut body = self.spare.pop().unwrap_or_default();
            body.set_tick(*tick);
            body
        });
        let ladder = match state {
            State::Waiting => &mut body.stops.get_or_insert_default()[incoming.side as usize],
            _ => &mut body.sides[incoming.side as usize],
        };
        match ladder.seek(key) {
            Ok(place) => {
                let level = ladder.level_mut(place);
                level.shown += u64::from(shown);
                level.orders += 1;
                self.slab.link_last(level.first, slot);
            }
            Err(place) => ladder.insert(place, Level { shown: u64::from(shown), first: slot, orders: 1 }),
        }
    }

    /// Takes a resting or waiting order out of its level, which ends with its last order.
    fn remove(&mut self, id: OrderId) {
        assert!(self.contains(id), "only what rests or waits is taken out");
        let slot = id.slot() as u32;
        let Node { key, shown, tag, .. } = self.slab.nodes[slot as usize];
        let next = self.slab.unlink(slot);
        self.slab.let_go(slot);
        let ladder = self.ladder_of(tag);
        let Ok(place) = ladder.seek(key) else { unreachable!("a resting order has a level") };
        let level = ladder.level_mut(place);
        level.orders -= 1;
        level.shown -= u64::from(shown);
        if level.first == slot {
            level.first = next;
        }
        if level.orders == 0 {
            ladder.remove(place);
            self.level_ended(tag, key);
        }
        self.count_out(tag);
    }

    /// Takes lots from the first order of a side's best level: its next slice goes to the back, and when nothing is
    /// left it is out of the book.
    pub(crate) fn consume(&mut self, book: usize, side: Side, lots: u32) -> Taken {
        let Books { books, slab, .. } = self;
        let Some(body) = &mut books[book].body else { unreachable!("a book with a best has a body") };
        let ladder = &mut body.sides[side as usize];
        let Some(level) = ladder.best_mut() else { unreachable!("a best has a level") };
        let slot = level.first;
        level.shown -= u64::from(lots);
        match slab.take_lots(slot, lots) {
            Taken::Part => return Taken::Part,
            Taken::Slice(slice) => {
                // The ring turns by one: the first is the last.
                level.shown += u64::from(slice);
                level.first = slab.nodes[slot as usize].next;
                return Taken::Slice(slice);
            }
            Taken::All => {}
        }
        let tag = slab.nodes[slot as usize].tag;
        level.first = slab.unlink(slot);
        slab.let_go(slot);
        level.orders -= 1;
        if level.orders == 0 {
            ladder.remove_best();
            self.level_ended(tag, self.books[book].best_key(side));
        }
        self.count_out(tag);
        Taken::All
    }

    /// The ladder in which an order hangs.
    fn ladder_of(&mut self, tag: Tag) -> &mut Ladder {
        let Some(body) = &mut self.books[tag.book()].body else { unreachable!("an order's book has a body") };
        match (tag.state(), &mut body.stops) {
            (State::Waiting, Some(stops)) => &mut stops[tag.side() as usize],
            _ => &mut body.sides[tag.side() as usize],
        }
    }

    /// An order with an extra has left its book.
    #[inline]
    fn count_out(&mut self, tag: Tag) {
        if tag.has_extra()
            && tag.state() == State::Resting
            && let Some(body) = &mut self.books[tag.book()].body
        {
            body.icebergs -= 1;
        }
    }

    /// The level in which an order was the last is gone: the best may be another, and an empty book needs no body.
    fn level_ended(&mut self, tag: Tag, key: i64) {
        let book = &mut self.books[tag.book()];
        let Some(body) = &mut book.body else { unreachable!("an order's book has a body") };
        if tag.state() == State::Resting {
            let best = &mut book.best[tag.side() as usize];
            if best.0 == key {
                best.0 = body.sides[tag.side() as usize].best_key();
            }
        }
        let deserted = book.best == [Best::default(); 2] && body.has_no_stops();
        if let Some(mut body) = book.body.take_if(|_| deserted) {
            body.icebergs = 0;
            self.spare.push(body);
        }
    }

    /// Puts together what was read.
    pub(crate) fn from_parts(books: Vec<Book>, slab: Slab, arrivals: u64) -> Books {
        Books { books, slab, arrivals, spare: Vec::new() }
    }

    pub(crate) fn spare(&self) -> impl Iterator<Item = &Box<Body>> {
        self.spare.iter()
    }
}
