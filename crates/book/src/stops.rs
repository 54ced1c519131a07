//! Stops: orders that wait until the last trade reaches their trigger.
//!
//! Released one by one: buys before sells; the buy with the lowest trigger, the sell with the highest; then arrival.

use crate::books::{Books, NOBODY, Node, State, market_price};
use crate::matching::{Execution, Incoming};
use hourbook_model::{Price, Side};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a stop stands in its queue, and whether it is IOC once triggered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Place {
    side: Side,
    trigger: Price,
    arrival: u64,
    ioc: bool,
}

/// The stops of one book.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stops {
    /// By trigger, then arrival; sells by the negative of their trigger, so that the first is the next.
    buys: BTreeMap<(i64, u64), u32>,
    sells: BTreeMap<(i64, u64), u32>,
    places: BTreeMap<u32, Place>,
}

impl Stops {
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn trigger(&self, at: u32) -> Price {
        self.places[&at].trigger
    }

    pub fn is_ioc(&self, at: u32) -> bool {
        self.places[&at].ioc
    }

    /// The oldest.
    pub fn first(&self) -> Option<u32> {
        self.places.iter().min_by_key(|(_, place)| place.arrival).map(|(at, _)| *at)
    }

    fn insert(&mut self, at: u32, place: Place) {
        match place.side {
            Side::Buy => self.buys.insert((place.trigger.0, place.arrival), at),
            Side::Sell => self.sells.insert((-place.trigger.0, place.arrival), at),
        };
        self.places.insert(at, place);
    }

    pub fn remove(&mut self, at: u32) {
        let place = self.places.remove(&at).expect("a waiting stop has its place");
        match place.side {
            Side::Buy => self.buys.remove(&(place.trigger.0, place.arrival)),
            Side::Sell => self.sells.remove(&(-place.trigger.0, place.arrival)),
        };
    }

    /// The next stop that a last trade at this price has reached.
    fn reached(&self, last: Price) -> Option<u32> {
        let buy = self.buys.first_key_value().filter(|((trigger, _), _)| *trigger <= last.0);
        let sell = || self.sells.first_key_value().filter(|((trigger, _), _)| -*trigger >= last.0);
        buy.or_else(sell).map(|(_, at)| *at)
    }
}

impl Books {
    /// Lets an order wait for its trigger.
    pub fn rest_stop(&mut self, slot: usize, incoming: Incoming, trigger: Price) {
        self.arrivals += 1;
        let at = incoming.id.slot();
        self.nodes[at] = Node {
            price: incoming.limit.unwrap_or(market_price(incoming.side)),
            arrival: self.arrivals,
            shown: incoming.quantity.0 as u32,
            hidden: 0,
            display: incoming.display.map_or(0, |display| display.0 as u32),
            previous: NOBODY,
            next: NOBODY,
            book: slot as u32,
            owner: incoming.owner,
            generation: incoming.id.generation(),
            state: State::Waiting,
            side: incoming.side,
            self_trade: incoming.self_trade,
            post_only: incoming.post_only,
        };
        let ioc = incoming.limit.is_none() || incoming.execution == Execution::Ioc;
        let place = Place { side: incoming.side, trigger, arrival: self.arrivals, ioc };
        self.books[slot].stops.get_or_insert_default().insert(at as u32, place);
    }

    /// Takes out the next stop that a last trade at `last` has reached, ready to enter, and its trigger.
    pub fn next_triggered(&mut self, slot: usize, last: Price) -> Option<(Incoming, Price)> {
        let stops = self.books[slot].stops.as_ref()?;
        let at = stops.reached(last)?;
        let trigger = stops.trigger(at);
        let id = self.id_at(at as usize);
        Some((self.take(id), trigger))
    }
}
