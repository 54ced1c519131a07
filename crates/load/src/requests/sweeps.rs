//! Orders that take many: nine new ones rest, then one IOC takes about as many from the other side.

use super::{MOST_LOTS, limit};
use crate::random::Random;
use crate::{Book, Desk};
use hourbook_api::v1;
use v1::trade_entry::Request;

/// One request in so many sweeps.
const EACH: u64 = 10;
/// What nine orders have on the average, and the most that one takes, lots.
const MEAN_LOTS: i64 = (EACH as i64 - 1) * (1 + MOST_LOTS as i64) / 2;
const MOST_TAKEN: i64 = 10 * MEAN_LOTS;

/// One customer's requests. It names none of its orders again, and so keeps none.
pub(crate) struct Sweeps {
    random: Random,
    book: Book,
    resting: usize,
    placed: usize,
    /// Lots that rest, of it as of each: bids, then asks.
    lots: [i64; 2],
    /// Lots on each side that are as many as are to rest.
    enough: i64,
}

impl Sweeps {
    pub fn new(desk: &Desk, resting: usize, seed: u64) -> Sweeps {
        Sweeps {
            random: Random::new(seed),
            book: desk.books[0],
            resting,
            placed: 0,
            lots: [0; 2],
            enough: resting as i64 * (1 + MOST_LOTS as i64) / 4,
        }
    }

    pub fn is_filled(&self) -> bool {
        self.placed >= self.resting
    }

    pub fn draw(&mut self) -> Request {
        if self.random.below(EACH) > 0 { self.place() } else { self.sweep() }
    }

    /// A new order that rests.
    pub fn place(&mut self) -> Request {
        self.placed += 1;
        let side = self.side();
        let unit = self.random.unit();
        let price = self.book.away(side, 1 + (unit * unit * self.book.width() as f64) as i64);
        let lots = 1 + self.random.below(MOST_LOTS) as i64;
        limit(self.book.instrument, side, price, lots, v1::TimeInForce::Gtc)
    }

    /// Takes what there is too much on one side, and what nine orders bring.
    fn sweep(&mut self) -> Request {
        let side = self.side();
        let other = usize::from(side == v1::Side::Buy);
        let lots = (self.lots[other] - self.enough + MEAN_LOTS).clamp(1, MOST_TAKEN);
        limit(self.book.instrument, side, self.book.beyond(side), lots, v1::TimeInForce::Ioc)
    }

    /// Takes note of a report. What rests no more is told by the sweep that took it, be it this customer's own or another's:
    /// who makes calls is not told when its orders are taken, and each takes of the others' as many as they of its.
    pub fn heard(&mut self, report: &v1::ExecutionReport) {
        use v1::ReportKind::{Accepted, Cancelled, Filled};
        let side = usize::from(report.side == v1::Side::Sell as i32);
        let is_sweep = report.time_in_force == v1::TimeInForce::Ioc as i32;
        match v1::ReportKind::try_from(report.kind) {
            Ok(Filled | Cancelled) if is_sweep && report.leaves_quantity == 0 => {
                self.lots[1 - side] -= report.cumulative_quantity;
            }
            Ok(Accepted) if !is_sweep => self.lots[side] += report.leaves_quantity,
            _ => {}
        }
    }

    fn side(&mut self) -> v1::Side {
        if self.random.below(2) == 0 { v1::Side::Buy } else { v1::Side::Sell }
    }
}
