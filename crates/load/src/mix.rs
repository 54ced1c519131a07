//! What is asked for: the mix of exchange-core, 9 % new orders that rest, 3 % IOC that trade, 6 % cancels and 82 %
//! amendments of the price, so that the book stays about as deep as it is.

use crate::Desk;
use hashbrown::HashMap;
use hourbook_api::v1;
use v1::trade_entry::Request;

/// Prices of resting orders lie within so many ticks of the middle, but no further than a twentieth of the price.
const WIDTH: i64 = 500;
const MOST_LOTS: i64 = 10;

/// One customer's requests, and its orders as far as it has been told.
pub(crate) struct Mix {
    random: u64,
    desk: Desk,
    width: i64,
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
}

impl Mix {
    pub fn new(desk: &Desk, resting: usize, seed: u64) -> Mix {
        Mix {
            random: seed | 1,
            width: WIDTH.min(desk.price / desk.tick / 20).max(1),
            desk: desk.clone(),
            resting,
            live: Vec::with_capacity(resting * 2),
            places: HashMap::with_capacity(resting * 2),
            coming: 0,
        }
    }

    /// Whether as many orders rest as are to.
    pub fn is_filled(&self) -> bool {
        self.live.len() >= self.resting
    }

    /// The next request; only new orders until the book is filled.
    pub fn draw(&mut self) -> Request {
        let drawn = self.below(100);
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
                self.add(report.order_id, report.side);
            }
            Ok(Rejected) if rests => self.coming = self.coming.saturating_sub(1),
            Ok(Filled) if report.leaves_quantity == 0 => self.remove(report.order_id),
            Ok(Cancelled) => self.remove(report.order_id),
            _ => {}
        }
    }

    /// An order that the exchange does not know any more.
    pub fn missed(&mut self, request: &Request) {
        if let Request::Amend(v1::Amendment { order: Some(order), .. }) | Request::Cancel(order) = request
            && let Some(v1::order_name::Name::OrderId(id)) = order.name
        {
            self.remove(id);
        }
    }

    fn place(&mut self) -> Request {
        let side = if self.below(2) == 0 { v1::Side::Buy } else { v1::Side::Sell };
        let price = self.price(side);
        self.coming += 1;
        self.order(side, price, v1::TimeInForce::Gtc)
    }

    /// An order that trades with the best of the other side.
    fn take(&mut self) -> Request {
        let side = if self.below(2) == 0 { v1::Side::Buy } else { v1::Side::Sell };
        let far = (self.width + 1) * self.desk.tick;
        let price = self.desk.price + if side == v1::Side::Buy { far } else { -far };
        self.order(side, price, v1::TimeInForce::Ioc)
    }

    fn order(&mut self, side: v1::Side, price_micros: i64, time_in_force: v1::TimeInForce) -> Request {
        Request::Place(v1::NewOrder {
            instrument_id: self.desk.instrument,
            side: side as i32,
            order_type: v1::OrderType::Limit as i32,
            time_in_force: time_in_force as i32,
            price_micros,
            quantity: 1 + self.below(MOST_LOTS as u64) as i64,
            ..v1::NewOrder::default()
        })
    }

    fn cancel(&mut self) -> Request {
        let at = self.below(self.live.len() as u64) as usize;
        let id = self.live[at].id;
        self.remove(id);
        Request::Cancel(name(id))
    }

    fn amend(&mut self) -> Request {
        let at = self.below(self.live.len() as u64) as usize;
        let Live { id, side } = self.live[at];
        let price_micros = self.price(side);
        Request::Amend(v1::Amendment { order: Some(name(id)), price_micros, ..v1::Amendment::default() })
    }

    /// A price that does not trade at once, near the middle most of the time.
    fn price(&mut self, side: v1::Side) -> i64 {
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        let distance = (1 + (unit * unit * self.width as f64) as i64) * self.desk.tick;
        self.desk.price + if side == v1::Side::Buy { -distance } else { distance }
    }

    fn add(&mut self, id: u64, side: i32) {
        let side = v1::Side::try_from(side).unwrap_or(v1::Side::Buy);
        self.places.insert(id, self.live.len());
        self.live.push(Live { id, side });
    }

    fn remove(&mut self, id: u64) {
        if let Some(at) = self.places.remove(&id) {
            self.live.swap_remove(at);
            if let Some(moved) = self.live.get(at) {
                self.places.insert(moved.id, at);
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

fn name(id: u64) -> v1::OrderName {
    v1::OrderName { name: Some(v1::order_name::Name::OrderId(id)) }
}
