//! Mass quotes: each message moves both sides of ten instruments.

use super::MOST_LOTS;
use crate::random::Random;
use crate::{Book, Desk};
use hourbook_api::v1;
use std::sync::Arc;
use v1::trade_entry::Request;

/// Instruments that one message quotes.
const TOGETHER: usize = 10;

/// One maker's quotes. Each side of each moves every time, and so is answered with a report of its own; also where calls
/// overtake each other, as prices come again only when all others have had their turn.
pub(crate) struct Quotes {
    random: Random,
    books: Arc<[Book]>,
    /// Ticks from the middle at which each book is quoted, if it is.
    middles: Vec<Option<i64>>,
    next: usize,
}

impl Quotes {
    pub fn new(desk: &Desk, seed: u64) -> Quotes {
        let books = Arc::clone(&desk.books);
        Quotes { random: Random::new(seed), middles: vec![None; books.len()], books, next: 0 }
    }

    pub fn is_filled(&self) -> bool {
        self.middles.last().is_some_and(Option::is_some)
    }

    pub fn answers(&self) -> u32 {
        2 * self.books.len().min(TOGETHER) as u32
    }

    pub fn draw(&mut self) -> Request {
        let quotes = (0..self.books.len().min(TOGETHER)).map(|_| self.quote()).collect();
        Request::Quote(v1::QuoteSet { quotes, ..v1::QuoteSet::default() })
    }

    fn quote(&mut self) -> v1::Quote {
        let at = self.next;
        self.next = (at + 1) % self.books.len();
        let book = self.books[at];
        let far = book.width() / 2;
        let prices = 2 * far + 1;
        let middle = match self.middles[at] {
            None => self.random.below(prices as u64) as i64 - far,
            Some(last) => (last + far + step(prices)).rem_euclid(prices) - far,
        };
        self.middles[at] = Some(middle);
        let price = book.price + middle * book.tick;
        v1::Quote {
            instrument_id: book.instrument,
            bid_price_micros: price - book.tick,
            bid_quantity: 1 + self.random.below(MOST_LOTS) as i64,
            ask_price_micros: price + book.tick,
            ask_quantity: 1 + self.random.below(MOST_LOTS) as i64,
            ..v1::Quote::default()
        }
    }
}

/// How far each quote is from the last, of so many prices: far, and by way of each of them.
fn step(prices: i64) -> i64 {
    let shares_none = |step: &i64| gcd(*step, prices) == 1;
    (prices * 5 / 8..prices).find(shares_none).unwrap_or(1)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn every_price_has_its_turn_before_one_comes_again() {
        for prices in (3..600).step_by(2) {
            let mut seen = vec![false; prices as usize];
            let mut at = 0;
            for _ in 0..prices {
                assert!(!std::mem::replace(&mut seen[at as usize], true), "{prices}");
                at = (at + step(prices)) % prices;
            }
        }
    }
}
