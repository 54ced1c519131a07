//! Every instrument's market data, kept up to date command by command.

use crate::book::{Book, LevelChange, Top, View, key_of};
use crate::orders::Orders;
use hourbook_exchange::{BookOrder, Exchange, Level};
use hourbook_model::*;

/// What everyone sees of the market.
#[derive(Default)]
pub struct Feed {
    /// By the slot of the instrument.
    books: Vec<Option<(InstrumentId, Box<Book>)>>,
    orders: Orders,
    /// Since when trades are counted here, and the last command taken note of.
    since: Time,
    at: Stamp,
    /// What the command at hand has touched, and room for more of it.
    touched: Vec<Touched>,
    spare: Vec<Touched>,
    levels: Vec<LevelChange>,
}

/// One instrument that a command has touched.
#[derive(Default)]
struct Touched {
    /// `None` once it is told.
    instrument: Option<InstrumentId>,
    top: Top,
    /// What was done to single orders, in the order in which it happened.
    orders: Vec<BookChange>,
    trades: Vec<Trade>,
    /// Levels as they were; each the first time that it is named.
    levels: Vec<(Side, i64, Level)>,
    is_new: bool,
}

/// What one command changed of one instrument. A part that is empty did not change, and its number stayed.
pub struct Update<'a> {
    pub at: Stamp,
    pub instrument: InstrumentId,
    /// The book as it is now, with the number of each view's last change.
    pub book: &'a Book,
    pub top_changed: bool,
    /// Each level that changed, once, as it is now.
    pub levels: &'a [LevelChange],
    /// What was done to single orders, in the order in which it happened; what trades took from them is among it.
    pub orders: &'a [BookChange],
    pub trades: &'a [Trade],
    /// It was listed by this command.
    pub is_new: bool,
    /// It is listed no more, and this is the last that is told of it.
    pub is_over: bool,
}

impl Feed {
    /// Follows on from the exchange as it stands. Nothing is known of earlier trades.
    pub fn of(exchange: &Exchange) -> Feed {
        let at = exchange.stamp();
        let mut feed = Feed { at, since: at.time, ..Feed::default() };
        for instrument in exchange.instruments() {
            let id = instrument.id;
            feed.list(id);
            let Some(book) = exchange.book(id, 0, usize::MAX) else { continue };
            for (side, orders) in [(Side::Buy, &book.bid_orders), (Side::Sell, &book.ask_orders)] {
                for BookOrder { order, price, quantity } in orders.iter().copied() {
                    feed.change(BookChange { instrument: id, order, side, joins: true, price, quantity });
                }
            }
        }
        feed.settle(|_| {});
        // That was no change, but where it begins.
        for (_, book) in feed.books.iter_mut().flatten() {
            book.begin();
        }
        feed
    }

    /// Since when trades are counted: statistics and candles from then on are complete.
    pub fn since(&self) -> Time {
        self.since
    }

    /// The last command taken note of.
    pub fn at(&self) -> Stamp {
        self.at
    }

    pub fn book(&self, id: InstrumentId) -> Option<&Book> {
        let (known, book) = self.books.get(id.slot())?.as_ref()?;
        (*known == id).then_some(&**book)
    }

    /// Every listed instrument.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> {
        self.books.iter().flatten().map(|(id, _)| *id)
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = BookOrder> {
        let queues = self.book(id).into_iter().flat_map(move |book| book.queues(side));
        queues.flat_map(|(price, queue)| {
            self.orders.of(queue).map(move |(order, quantity)| BookOrder { order, price, quantity })
        })
    }

    /// Takes note of one command's events, and tells what they changed, instrument by instrument in the order in which
    /// they were first touched.
    pub fn apply(&mut self, at: Stamp, events: &[Event], mut tell: impl FnMut(Update<'_>)) {
        debug_assert!(at.seq > self.at.seq, "commands come in order");
        self.at = at;
        for event in events {
            match *event {
                Event::BookChanged(change) => self.change(change),
                Event::Traded(trade) => self.trade(trade),
                Event::Listed { instrument, .. } => {
                    self.list(instrument);
                    if let Some((_, touched)) = self.touch(instrument) {
                        touched.is_new = true;
                    }
                }
                Event::StatusChanged { instrument, status: Status::Settled } => {
                    self.delist(instrument, &mut tell);
                }
                _ => {}
            }
        }
        self.settle(tell);
    }

    fn list(&mut self, id: InstrumentId) {
        let slot = id.slot();
        if self.books.len() <= slot {
            self.books.resize_with(slot + 1, || None);
        }
        self.books[slot] = Some((id, Box::default()));
    }

    /// A book, and what the command at hand has done to it so far; `None` for one that is not listed.
    fn touch(&mut self, id: InstrumentId) -> Option<(&mut Book, &mut Touched)> {
        let (known, book) = self.books.get_mut(id.slot())?.as_mut()?;
        if *known != id {
            return None;
        }
        if book.touched == 0 {
            let mut touched = self.spare.pop().unwrap_or_default();
            (touched.instrument, touched.top) = (Some(id), book.top());
            self.touched.push(touched);
            book.touched = self.touched.len() as u32;
        }
        let touched = &mut self.touched[book.touched as usize - 1];
        Some((book, touched))
    }

    fn change(&mut self, change: BookChange) {
        let known = self.orders.get(change.order).map(|node| (node.key, node.quantity));
        let mut orders = std::mem::take(&mut self.orders);
        if let Some((book, touched)) = self.touch(change.instrument) {
            let BookChange { order, side, joins, price, quantity, .. } = change;
            let key = key_of(side, price);
            let goes = known.filter(|_| joins || quantity == Quantity::ZERO);
            if let Some((key, _)) = goes {
                touched.levels.push((side, key, book.level(side, key)));
                book.change(side, key, |queue| orders.leave(queue, order));
            }
            let stays = known.is_some() && goes.is_none();
            if quantity > Quantity::ZERO {
                touched.levels.push((side, key, book.level(side, key)));
                book.change(side, key, |queue| match stays {
                    true => orders.set(queue, order, quantity),
                    false => orders.join(queue, order, key, quantity),
                });
            }
            if known.is_some() || quantity > Quantity::ZERO {
                touched.orders.push(change);
            }
        }
        self.orders = orders;
    }

    fn trade(&mut self, trade: Trade) {
        let at = self.at;
        let instrument = trade.instrument;
        for (order, side) in [(trade.maker, trade.taker_side.opposite()), (trade.taker, trade.taker_side)] {
            // A taker mostly is in no book.
            let Some(node) = self.orders.get(order) else { continue };
            let price = crate::book::price_of(side, node.key);
            let quantity = Quantity((node.quantity.0 - trade.quantity.0).max(0));
            self.change(BookChange { instrument, order, side, joins: false, price, quantity });
        }
        if let Some((book, touched)) = self.touch(instrument) {
            book.tape_mut().add(at.time, &trade);
            touched.trades.push(trade);
        }
    }

    /// The last of an instrument is told at once: another may take its slot within the same command.
    fn delist(&mut self, id: InstrumentId, tell: &mut impl FnMut(Update<'_>)) {
        let Some((book, _)) = self.touch(id) else { return };
        let place = book.touched as usize - 1;
        let mut touched = std::mem::take(&mut self.touched[place]);
        self.settle_one(&mut touched, true, tell);
        self.touched[place] = touched;
        self.books[id.slot()] = None;
    }

    /// Tells what was touched, as it is at the end of the command.
    fn settle(&mut self, mut tell: impl FnMut(Update<'_>)) {
        let mut all = std::mem::take(&mut self.touched);
        for mut touched in all.drain(..) {
            self.settle_one(&mut touched, false, &mut tell);
            self.spare.push(touched);
        }
        self.touched = all;
    }

    fn settle_one(&mut self, touched: &mut Touched, is_over: bool, tell: &mut impl FnMut(Update<'_>)) {
        let Some(instrument) = touched.instrument.take() else { return };
        let Some((_, book)) = &mut self.books[instrument.slot()] else {
            unreachable!("what was touched is listed")
        };
        book.touched = 0;
        // Of a level that was touched more than once, what it was the first time.
        touched.levels.sort_by_key(|(side, key, _)| (*side, *key));
        touched.levels.dedup_by_key(|(side, key, _)| (*side, *key));
        self.levels.clear();
        for (side, key, before) in touched.levels.drain(..) {
            self.levels.extend(book.settle(side, key, before));
        }
        let top_changed = book.top() != touched.top;
        let changed = [
            (View::Top, top_changed),
            (View::Levels, !self.levels.is_empty()),
            (View::Orders, !touched.orders.is_empty()),
            (View::Trades, !touched.trades.is_empty()),
        ];
        for (view, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            book.count(view);
        }
        tell(Update {
            at: self.at,
            instrument,
            book,
            top_changed,
            levels: &self.levels,
            orders: &touched.orders,
            trades: &touched.trades,
            is_new: std::mem::take(&mut touched.is_new),
            is_over,
        });
        touched.orders.clear();
        touched.trades.clear();
    }
}
