//! Every instrument's market data, kept up to date command by command.

use crate::book::{Book, LevelChange, Top, key_of};
use crate::halts::Halts;
use crate::listing::{Facts, Listing, View};
use crate::orders::Orders;
use hourbook_exchange::{BookMark, BookOrder, BookPiece, Exchange, Level};
use hourbook_model::*;

/// What everyone sees of the market. Trades are kept of every instrument, books of those that are asked for.
#[derive(Default)]
pub struct Feed {
    /// By the slot of the instrument.
    listings: Vec<Option<(InstrumentId, Box<Listing>)>>,
    orders: Orders,
    /// A bit by the slot of each instrument whose book is kept, and how many those are.
    kept: Vec<u64>,
    kept_count: usize,
    halts: Halts,
    /// What was halted or resumed as a whole, until how each of it trades was asked for.
    unseen: Vec<Scope>,
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
    /// As they were.
    top: Top,
    facts: Option<Facts>,
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
    /// How it is now, with the number of each view's last change.
    pub listing: &'a Listing,
    pub top_changed: bool,
    /// Each level that changed, once, as it is now.
    pub levels: &'a [LevelChange],
    /// What was done to single orders, in the order in which it happened; what trades took from them is among it.
    pub orders: &'a [BookChange],
    pub trades: &'a [Trade],
    pub status_changed: bool,
    pub indicative_changed: bool,
    /// It was listed by this command.
    pub is_new: bool,
    /// It is listed no more, and this is the last that is told of it.
    pub is_over: bool,
}

impl Feed {
    /// Follows on from the exchange as it stands. No book is kept, and nothing is known of earlier trades.
    pub fn of(exchange: &Exchange) -> Feed {
        let at = exchange.stamp();
        let mut feed = Feed { at, since: at.time, halts: Halts::of(exchange), ..Feed::default() };
        exchange.instruments().for_each(|instrument| feed.list(instrument.id, instrument.status));
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

    pub fn listing(&self, id: InstrumentId) -> Option<&Listing> {
        let (known, listing) = self.listings.get(id.slot())?.as_ref()?;
        (*known == id).then_some(&**listing)
    }

    /// Its book, if that is kept and whole.
    pub fn book(&self, id: InstrumentId) -> Option<&Book> {
        self.listing(id)?.book()
    }

    /// Every listed instrument.
    pub fn instruments(&self) -> impl Iterator<Item = InstrumentId> {
        self.listings.iter().flatten().map(|(id, _)| *id)
    }

    /// How many books are kept, those that are not whole yet too.
    pub fn books(&self) -> usize {
        self.kept_count
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = BookOrder> {
        let queues = self.book(id).into_iter().flat_map(move |book| book.queues(side));
        queues.flat_map(|(price, queue)| {
            self.orders.of(queue).map(move |(order, quantity)| BookOrder { order, price, quantity })
        })
    }

    /// Puts a piece of the exchange's own book, as it is after the last command taken note of, behind what is kept of it,
    /// and keeps that up to date from here on: where the next piece begins, `None` once the book is whole. A piece that
    /// does not follow on changes nothing.
    ///
    /// Nobody was told what happened while the book was not kept, so each of its views counts that as one change.
    pub fn take(&mut self, id: InstrumentId, piece: &BookPiece) -> Option<BookMark> {
        let Feed { listings, orders, kept, kept_count, .. } = self;
        let (known, listing) = listings.get_mut(id.slot())?.as_mut()?;
        if *known != id {
            return None;
        }
        if listing.book.is_none() && piece.from == BookMark::START {
            set(kept, id.slot(), true);
            *kept_count += 1;
            listing.book = Some(Box::new(Book::begin()));
        }
        let book = listing.book.as_mut()?;
        if book.next != Some(piece.from) {
            return book.next;
        }
        for (side, BookOrder { order, price, quantity }) in piece.orders.iter().copied() {
            let key = key_of(side, price);
            let before = book.level(side, key);
            book.change(side, key, |queue| orders.join(queue, order, key, quantity));
            book.settle(side, key, before);
        }
        book.next = piece.next;
        if book.next.is_none() {
            View::OF_BOOKS.into_iter().for_each(|view| listing.count(view));
        }
        piece.next
    }

    /// Keeps a book no longer.
    pub fn forget(&mut self, id: InstrumentId) {
        let Feed { listings, orders, kept, kept_count, .. } = self;
        let listing = listings.get_mut(id.slot()).and_then(Option::as_mut).filter(|(known, _)| *known == id);
        if let Some(book) = listing.and_then(|(_, listing)| listing.book.take()) {
            book.leave(orders);
            set(kept, id.slot(), false);
            *kept_count -= 1;
        }
    }

    /// Takes note of one command's events, and tells what they changed, instrument by instrument in the order in which
    /// they were first touched.
    pub fn apply<'a>(
        &mut self,
        at: Stamp,
        events: impl IntoIterator<Item = &'a Event>,
        mut tell: impl FnMut(Update<'_>),
    ) {
        debug_assert!(at.seq > self.at.seq, "commands come in order");
        self.at = at;
        for event in events {
            match *event {
                // Most of what happens, and mostly nobody reads it.
                Event::BookChanged(change) if is_set(&self.kept, change.instrument.slot()) => {
                    self.change(change);
                }
                Event::Traded(trade) => self.trade(trade),
                Event::Listed { instrument, product, .. } => {
                    self.list(instrument, self.halts.status_of_new(product));
                    if let Some((_, touched)) = self.touch(instrument) {
                        touched.is_new = true;
                    }
                }
                Event::StatusChanged { instrument, status: Status::Settled } => {
                    self.delist(instrument, &mut tell);
                }
                Event::StatusChanged { instrument, status } => {
                    if let Some((listing, _)) = self.touch(instrument) {
                        listing.facts = listing.facts.with_status(status);
                    }
                }
                Event::Halted { scope } => self.halt(scope, true),
                Event::Resumed { scope } => self.halt(scope, false),
                _ => {}
            }
        }
        self.settle(tell);
    }

    /// Whether an event says something of every instrument, not only of books.
    pub fn concerns_all(event: &Event) -> bool {
        matches!(
            event,
            Event::Traded(_)
                | Event::Listed { .. }
                | Event::StatusChanged { .. }
                | Event::Halted { .. }
                | Event::Resumed { .. }
        )
    }

    /// Takes note of how instruments trade and of what an uncross would do, as the exchange shows it after the last command
    /// taken note of, and tells what of it is new. A halt of many says nothing of each; what an uncross would do depends on
    /// hidden lots, of which nobody is told.
    pub fn see(
        &mut self,
        statuses: impl IntoIterator<Item = (InstrumentId, Status)>,
        indicatives: impl IntoIterator<Item = (InstrumentId, Option<(Price, Quantity)>)>,
        tell: impl FnMut(Update<'_>),
    ) {
        for (id, status) in statuses {
            if let Some((listing, _)) = self.touch(id) {
                listing.facts = listing.facts.with_status(status);
            }
        }
        for (id, indicative) in indicatives {
            if let Some((listing, _)) = self.touch(id) {
                listing.facts.indicative = indicative.filter(|_| listing.in_call());
            }
        }
        self.settle(tell);
    }

    /// Scopes that were halted or resumed as a whole since this was called last: how each of their instruments trades is to
    /// be [seen](Feed::see).
    pub fn unseen(&mut self) -> Vec<Scope> {
        std::mem::take(&mut self.unseen)
    }

    /// Commands up to this one have changed nothing that is kept here.
    pub fn pass(&mut self, at: Stamp) {
        debug_assert!(at.seq >= self.at.seq, "commands come in order");
        self.at = at;
    }

    fn halt(&mut self, scope: Scope, halted: bool) {
        if self.halts.set(scope, halted) {
            self.unseen.push(scope);
        }
    }

    fn list(&mut self, id: InstrumentId, status: Status) {
        let slot = id.slot();
        if self.listings.len() <= slot {
            self.listings.resize_with(slot + 1, || None);
            self.kept.resize(slot / 64 + 1, 0);
        }
        self.listings[slot] = Some((id, Box::new(Listing::begin(status))));
    }

    /// An instrument, and what the command at hand has done to it so far; `None` for one that is not listed.
    fn touch(&mut self, id: InstrumentId) -> Option<(&mut Listing, &mut Touched)> {
        let (known, listing) = self.listings.get_mut(id.slot())?.as_mut()?;
        if *known != id {
            return None;
        }
        if listing.touched == 0 {
            let mut touched = self.spare.pop().unwrap_or_default();
            (touched.instrument, touched.top) = (Some(id), listing.top());
            touched.facts = Some(listing.facts);
            self.touched.push(touched);
            listing.touched = self.touched.len() as u32;
        }
        let touched = &mut self.touched[listing.touched as usize - 1];
        Some((listing, touched))
    }

    fn change(&mut self, change: BookChange) {
        let known = self.orders.get(change.order).map(|node| node.key);
        let mut orders = std::mem::take(&mut self.orders);
        if let Some((listing, touched)) = self.touch(change.instrument)
            && let Some(book) = &mut listing.book
        {
            let BookChange { order, side, joins, price, quantity, .. } = change;
            let key = key_of(side, price);
            let goes = known.filter(|_| joins || quantity == Quantity::ZERO);
            if let Some(key) = goes {
                touched.levels.push((side, key, book.level(side, key)));
                book.change(side, key, |queue| orders.leave(queue, order));
            }
            let stays = known.is_some() && goes.is_none();
            // What is not kept yet will be in a later piece.
            let is_here = quantity > Quantity::ZERO && (stays || book.holds(side, key));
            if is_here {
                touched.levels.push((side, key, book.level(side, key)));
                book.change(side, key, |queue| match stays {
                    true => orders.set(queue, order, quantity),
                    false => orders.join(queue, order, key, quantity),
                });
            }
            if known.is_some() || is_here {
                touched.orders.push(change);
            }
        }
        self.orders = orders;
    }

    fn trade(&mut self, trade: Trade) {
        let at = self.at;
        let instrument = trade.instrument;
        let keeps = is_set(&self.kept, instrument.slot());
        let orders = [(trade.maker, trade.taker_side.opposite()), (trade.taker, trade.taker_side)];
        for (order, side) in orders.into_iter().filter(|_| keeps) {
            // A taker mostly is in no book.
            let Some(node) = self.orders.get(order) else { continue };
            let price = crate::book::price_of(side, node.key);
            let quantity = Quantity((node.quantity.0 - trade.quantity.0).max(0));
            self.change(BookChange { instrument, order, side, joins: false, price, quantity });
        }
        if let Some((listing, touched)) = self.touch(instrument) {
            listing.tape_mut().add(at.time, &trade);
            touched.trades.push(trade);
        }
    }

    /// The last of an instrument is told at once: another may take its slot within the same command.
    fn delist(&mut self, id: InstrumentId, tell: &mut impl FnMut(Update<'_>)) {
        let Some((listing, _)) = self.touch(id) else { return };
        let place = listing.touched as usize - 1;
        let mut touched = std::mem::take(&mut self.touched[place]);
        self.settle_one(&mut touched, true, tell);
        self.touched[place] = touched;
        self.forget(id);
        self.listings[id.slot()] = None;
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
        let Some((_, listing)) = &mut self.listings[instrument.slot()] else {
            unreachable!("what was touched is listed")
        };
        listing.touched = 0;
        // Of a level that was touched more than once, what it was the first time.
        touched.levels.sort_by_key(|(side, key, _)| (*side, *key));
        touched.levels.dedup_by_key(|(side, key, _)| (*side, *key));
        self.levels.clear();
        for (side, key, before) in touched.levels.drain(..) {
            let book = listing.book.as_mut();
            self.levels.extend(book.and_then(|book| book.settle(side, key, before)));
        }
        if listing.book().is_none() {
            // Of a book that is not whole nothing is told.
            self.levels.clear();
            touched.orders.clear();
        }
        let top_changed = listing.top() != touched.top;
        let before = touched.facts.unwrap_or(listing.facts);
        let status_changed = listing.facts.status != before.status;
        let indicative_changed = listing.facts.indicative != before.indicative;
        let changed = [
            (View::Status, status_changed),
            (View::Indicative, indicative_changed),
            (View::Top, top_changed),
            (View::Levels, !self.levels.is_empty()),
            (View::Orders, !touched.orders.is_empty()),
            (View::Trades, !touched.trades.is_empty()),
        ];
        for (view, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            listing.count(view);
        }
        tell(Update {
            at: self.at,
            instrument,
            listing,
            top_changed,
            levels: &self.levels,
            orders: &touched.orders,
            trades: &touched.trades,
            status_changed,
            indicative_changed,
            is_new: std::mem::take(&mut touched.is_new),
            is_over,
        });
        touched.orders.clear();
        touched.trades.clear();
    }
}

fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
}

/// Sets a bit for which there is room.
fn set(bits: &mut [u64], at: usize, to: bool) {
    let bit = 1 << (at % 64);
    if to { bits[at / 64] |= bit } else { bits[at / 64] &= !bit }
}
