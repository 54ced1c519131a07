//! Stops: orders that wait until the last trade reaches their trigger.
//!
//! They hang in ladders of their own, under their triggers, so that the best of a ladder is the next one released:
//! the buy with the lowest trigger, the sell with the highest, then the one that came first. A buy's trigger is thus
//! kept as a sell's price would be, and the other way round.

use crate::books::Books;
use crate::ladder::{Ladder, MARKET, NO_KEY, key_of, price_of};
use crate::matching::Incoming;
use crate::slab::{Extra, State};
use hourbook_model::{OrderId, Price, Side};

impl Books {
    /// Lets an order wait for its trigger, behind those that wait for the same.
    ///
    /// Of `execution` it keeps whether it is `Ioc`; of `minimum`, `bound` and `affordable` nothing.
    pub fn rest_stop(&mut self, book: usize, incoming: Incoming, trigger: Price) {
        assert!(
            0 < incoming.quantity.0 && incoming.quantity.0 <= i64::from(u32::MAX),
            "lots fit their field"
        );
        let key = key_of(incoming.side.opposite(), trigger);
        assert!(NO_KEY < key && key < MARKET, "a trigger is no sentinel");
        let limit = incoming.limit.map_or(MARKET, |limit| key_of(incoming.side, limit));
        let display = incoming.display.map_or(0, |display| display.0.clamp(0, i64::from(u32::MAX)) as u32);
        let has_extra = incoming.limit.is_some() || display > 0;
        let extra = has_extra.then_some(Extra { limit, display, ..Extra::default() });
        let quantity = incoming.quantity.0 as u32;
        self.slab.begin(incoming.id, limit, crate::slab::Tag::ALLOCATED);
        self.place(book, &incoming, State::Waiting, key, quantity, extra);
    }

    /// Takes out the next stop that a last trade at `last` has reached, ready to enter, and its trigger.
    pub fn next_triggered(&mut self, book: usize, last: Price) -> Option<(Incoming, Price)> {
        let (slot, trigger) = self.first_triggered(book, last)?;
        let id = self.slab.id_at(slot);
        Some((self.take(id), trigger))
    }

    /// Whether a last trade at `last` has reached a stop.
    pub fn has_triggered(&self, book: usize, last: Price) -> bool {
        self.first_triggered(book, last).is_some()
    }

    fn first_triggered(&self, book: usize, last: Price) -> Option<(u32, Price)> {
        let stops = self.books[book].body.as_ref()?.stops.as_ref()?;
        let reached = |side: Side| {
            let ladder = &stops[side as usize];
            let key = ladder.best_key();
            let first = ladder.best().filter(|_| key >= key_of(side.opposite(), last))?.first;
            Some((first, price_of(side.opposite(), key)))
        };
        reached(Side::Buy).or_else(|| reached(Side::Sell))
    }

    /// What a waiting stop waits for; zero for anything else.
    pub fn trigger(&self, id: OrderId) -> Price {
        let waiting = self.slab.get(id).filter(|node| node.tag.state() == State::Waiting);
        waiting.map_or(Price(0), |node| price_of(node.tag.side().opposite(), node.key))
    }

    pub(crate) fn stop_ladders(&self, book: usize) -> impl Iterator<Item = &Ladder> {
        self.books[book].body.iter().flat_map(|body| body.stops.iter().flat_map(|stops| stops.iter()))
    }
}
