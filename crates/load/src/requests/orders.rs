//! The mix of exchange-core, 9 % new orders that rest, 3 % IOC that trade, 6 % cancels and 82 % amendments of the price, so
//! that the books stay about as deep as they are.

use super::{MOST_LOTS, limit};
use crate::random::Random;
use crate::{Book, Desk};
use hashbrown::HashMap;
use hourbook_api::v1;
use std::sync::Arc;
use v1::trade_entry::Request;

/// One customer's requests, and its orders as far as it has been told.
pub(crate) struct Orders {
    random: Random,
    books: Arc<[Book]>,
    /// Where an instrument stands in `books`.
    indices: HashMap<u32, u32>,
    resting: usize,
    live: Vec<Live>,
    /// Where an order stands in `live`.
    places: HashMap<u64, usize>,
    /// New orders under way.
    coming: usize,
}

#[derive(Clone, Copy)]
struct Live {
    id: u64,
    side: v1::Side,
    book: u32,
}

impl Orders {
    pub fn new(desk: &Desk, resting: usize, seed: u64) -> Orders {
        let indices = desk.books.iter().enumerate().map(|(index, book)| (book.instrument, index as u32));
        Orders {
            random: Random::new(seed),
            indices: indices.collect(),
            books: Arc::clone(&desk.books),
            resting,
            live: Vec::with_capacity(resting + resting / 2),
            places: HashMap::with_capacity(resting + resting / 2),
            coming: 0,
        }
    }

    pub fn is_filled(&self) -> bool {
        self.live.len() + self.coming >= self.resting
    }

    /// The next request; only new orders while far too few rest.
    pub fn draw(&mut self) -> Request {
        let drawn = self.random.below(100);
        let short = self.live.len() + self.coming < self.resting;
        match drawn {
            _ if short && self.live.len() < self.resting / 2 => self.place(),
            // What trades took is made good, so that the number of live orders stays.
            0..9 if !short && self.live.len() > self.resting + self.resting / 50 => self.cancel(),
            0..9 => self.place(),
            9..12 => self.take(),
            // All that there were may be filled or on their way out.
            _ if self.live.is_empty() => self.place(),
            12..18 if short => self.place(),
            12..18 => self.cancel(),
            _ => self.amend(),
        }
    }

    /// Takes note of a report.
    pub fn heard(&mut self, report: &v1::ExecutionReport) {
        use v1::ReportKind::{Accepted, Cancelled, Filled, Rejected};
        let rests = report.time_in_force != v1::TimeInForce::Ioc as i32;
        match v1::ReportKind::try_from(report.kind) {
            Ok(Accepted) if rests => {
                self.coming = self.coming.saturating_sub(1);
                self.add(report);
            }
            Ok(Rejected) if rests => self.coming = self.coming.saturating_sub(1),
            Ok(Filled) if report.leaves_quantity == 0 => self.remove(report.order_id),
            Ok(Cancelled) => self.remove(report.order_id),
            _ => {}
        }
    }

    /// A request came to nothing.
    pub fn missed(&mut self, request: &Request) {
        match request {
            Request::Amend(v1::Amendment { order: Some(order), .. }) | Request::Cancel(order) => {
                if let Some(v1::order_name::Name::OrderId(id)) = order.name {
                    self.remove(id);
                }
            }
            Request::Place(order) if order.time_in_force != v1::TimeInForce::Ioc as i32 => {
                self.coming = self.coming.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// A new order that rests.
    pub fn place(&mut self) -> Request {
        let (book, side) = (self.book(), self.side());
        let price = self.price(book, side);
        self.coming += 1;
        let lots = self.lots();
        limit(self.books[book].instrument, side, price, lots, v1::TimeInForce::Gtc)
    }

    /// An order that trades with the best of the other side.
    fn take(&mut self) -> Request {
        let (book, side, lots) = (self.book(), self.side(), self.lots());
        let book = &self.books[book];
        limit(book.instrument, side, book.beyond(side), lots, v1::TimeInForce::Ioc)
    }

    fn cancel(&mut self) -> Request {
        let at = self.random.below(self.live.len() as u64) as usize;
        let id = self.live[at].id;
        self.remove(id);
        Request::Cancel(name(id))
    }

    fn amend(&mut self) -> Request {
        let at = self.random.below(self.live.len() as u64) as usize;
        let Live { id, side, book } = self.live[at];
        let price_micros = self.price(book as usize, side);
        Request::Amend(v1::Amendment { order: Some(name(id)), price_micros, ..v1::Amendment::default() })
    }

    fn book(&mut self) -> usize {
        match self.books.len() {
            1 => 0,
            several => self.random.below(several as u64) as usize,
        }
    }

    fn side(&mut self) -> v1::Side {
        if self.random.below(2) == 0 { v1::Side::Buy } else { v1::Side::Sell }
    }

    fn lots(&mut self) -> i64 {
        1 + self.random.below(MOST_LOTS) as i64
    }

    /// A price that does not trade at once, near the middle most of the time.
    fn price(&mut self, book: usize, side: v1::Side) -> i64 {
        let unit = self.random.unit();
        let book = &self.books[book];
        book.away(side, 1 + (unit * unit * book.width() as f64) as i64)
    }

    fn add(&mut self, report: &v1::ExecutionReport) {
        let side = v1::Side::try_from(report.side).unwrap_or(v1::Side::Buy);
        // The server that does nothing names the instrument too.
        let book = self.indices.get(&report.instrument_id).copied().unwrap_or(0);
        self.places.insert(report.order_id, self.live.len());
        self.live.push(Live { id: report.order_id, side, book });
    }

    fn remove(&mut self, id: u64) {
        if let Some(at) = self.places.remove(&id) {
            self.live.swap_remove(at);
            if let Some(moved) = self.live.get(at) {
                self.places.insert(moved.id, at);
            }
        }
    }
}

fn name(id: u64) -> v1::OrderName {
    v1::OrderName { name: Some(v1::order_name::Name::OrderId(id)) }
}
