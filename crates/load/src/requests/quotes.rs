//! Mass quotes: each message moves both sides of ten instruments.

use super::MOST_LOTS;
use crate::random::Random;
use crate::{Book, Desk};
use hourbook_api::v1;
use std::sync::Arc;
use v1::trade_entry::Request;

/// Instruments that one message quotes.
const TOGETHER: usize = 10;

/// One maker's quotes. Each side of each moves every time, and so is answered with a report of its own.
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
        let drawn = self.random.below(2 * far as u64 + 1) as i64 - far;
        let middle = if self.middles[at] == Some(drawn) { drawn + 1 } else { drawn };
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
