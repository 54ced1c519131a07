//! The one price of an uncross: most volume, then least surplus, then the side of the surplus, then the reference.
//!
//! Hidden lots count towards it, as everyone's orders trade in it: slice by slice, a new slice behind its level, as
//! always. There is no self-trade prevention.

use crate::books::Books;
use crate::ladder::{Level, MARKET, key_of, price_of};
use hourbook_model::{OrderId, Price, Quantity, Side};
use std::cmp::Ordering;

/// One match of an uncross; the older order is named maker. Whoever is done is to be freed by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub maker: OrderId,
    pub taker: OrderId,
    pub price: Price,
    pub quantity: Quantity,
    pub maker_done: bool,
    pub taker_done: bool,
    /// Lots of the next slice of each, which went to the back of its level; zero for none.
    pub maker_slice: Quantity,
    pub taker_slice: Quantity,
}

/// The limits of one side that may set the price, best first, and its market orders.
struct Interest {
    market: u64,
    levels: Vec<(Price, u64)>,
}

/// What one price would do.
#[derive(Clone, Copy)]
struct Candidate {
    price: Price,
    volume: u64,
    /// Lots bought less lots sold.
    surplus: i128,
}

impl Books {
    /// The price and volume an uncross would have now; `None` when nothing would trade.
    ///
    /// - `reference`: decides between prices that are otherwise equal; without it the lowest is taken
    pub fn indicative(&self, book: usize, reference: Option<Price>) -> Option<(Price, Quantity)> {
        let market = |side| self.market_lots(book, side);
        let buys = self.interest(book, Side::Buy, market(Side::Buy), market(Side::Sell));
        let sells = self.interest(book, Side::Sell, market(Side::Sell), market(Side::Buy));

        // From the lowest price up: bids fall away below it, asks come in at it.
        let mut bought = buys.market + buys.levels.iter().map(|(_, lots)| lots).sum::<u64>();
        let mut sold = sells.market;
        let mut bids = buys.levels.iter().rev().peekable();
        let mut asks = sells.levels.iter().peekable();
        let mut ties: Vec<Candidate> = Vec::new();
        while let Some(price) = bids.peek().into_iter().chain(asks.peek()).map(|(price, _)| *price).min() {
            let ask = asks.next_if(|(ask, _)| *ask == price);
            sold += ask.map_or(0, |(_, lots)| *lots);
            let surplus = i128::from(bought) - i128::from(sold);
            let candidate = Candidate { price, volume: bought.min(sold), surplus };
            match ties.first().map_or(Ordering::Greater, |best| candidate.rank().cmp(&best.rank())) {
                Ordering::Greater => ties = vec![candidate],
                Ordering::Equal => ties.push(candidate),
                Ordering::Less => {}
            }
            let bid = bids.next_if(|(bid, _)| *bid == price);
            bought -= bid.map_or(0, |(_, lots)| *lots);
        }

        let (lowest, highest) = (ties.first()?, ties.last()?);
        let chosen = if ties.iter().all(|tie| tie.surplus > 0) {
            highest
        } else if ties.iter().all(|tie| tie.surplus < 0) {
            lowest
        } else {
            let distance =
                |tie: &&Candidate| reference.map_or(0, |reference| tie.price.0.abs_diff(reference.0));
            ties.iter().min_by_key(distance)?
        };
        (chosen.volume > 0).then_some((chosen.price, Quantity(chosen.volume as i64)))
    }

    /// Trades all that can trade at one price: market orders first, then better price, then time.
    ///
    /// Market orders that stay unfilled are named in `unfilled`, oldest first; they still rest, and the caller takes
    /// them out before it ends the call.
    pub fn uncross(
        &mut self,
        book: usize,
        reference: Option<Price>,
        pairs: &mut Vec<Pair>,
        unfilled: &mut Vec<OrderId>,
    ) -> Option<(Price, Quantity)> {
        let result = self.indicative(book, reference);
        let mut left = result.map_or(0, |(_, volume)| volume.0);
        while let (Some((price, _)), true) = (result, left > 0) {
            let first = |side| self.books[book].first(side);
            let (buy, sell) = (first(Side::Buy), first(Side::Sell));
            let shown = |slot: u32| self.slab.nodes[slot as usize].shown;
            let lots = shown(buy).min(shown(sell)).min(u32::try_from(left).unwrap_or(u32::MAX));
            left -= i64::from(lots);
            let buy_is_older = self.slab.arrival(buy) < self.slab.arrival(sell);
            let (buy, sell) = (self.slab.id_at(buy), self.slab.id_at(sell));
            let bought = (buy, self.consume(book, Side::Buy, lots));
            let sold = (sell, self.consume(book, Side::Sell, lots));
            let ((maker, of_maker), (taker, of_taker)) =
                if buy_is_older { (bought, sold) } else { (sold, bought) };
            pairs.push(Pair {
                maker,
                taker,
                price,
                quantity: Quantity(i64::from(lots)),
                maker_done: of_maker.is_all(),
                taker_done: of_taker.is_all(),
                maker_slice: of_maker.slice(),
                taker_slice: of_taker.slice(),
            });
        }
        let mut slots: Vec<u32> = Vec::new();
        for side in [Side::Buy, Side::Sell] {
            if let Some(level) = self.market_level(book, side) {
                slots.extend(self.slab.ring(level.first));
            }
        }
        slots.sort_unstable_by_key(|slot| self.slab.arrival(*slot));
        unfilled.extend(slots.into_iter().map(|slot| self.slab.id_at(slot)));
        result
    }

    fn market_level(&self, book: usize, side: Side) -> Option<&Level> {
        let (key, level) = self.books[book].ladder(side)?.iter().next()?;
        (key == MARKET).then_some(level)
    }

    fn market_lots(&self, book: usize, side: Side) -> u64 {
        self.market_level(book, side).map_or(0, |level| self.lots_of(book, level))
    }

    /// Displayed and hidden lots of a level.
    fn lots_of(&self, book: usize, level: &Level) -> u64 {
        let hiding = self.books[book].body.as_ref().is_some_and(|body| body.icebergs > 0);
        if hiding { self.slab.ring(level.first).map(|slot| self.slab.open(slot)).sum() } else { level.shown }
    }

    /// The limits of a side that may set the price: those that cross the other side's best, and beyond them, where
    /// the other side has market orders, one and as many as those can take. A price further out moves no more lots,
    /// and leaves more of them over.
    fn interest(&self, book: usize, side: Side, market: u64, against: u64) -> Interest {
        let mut levels = Vec::new();
        let (mut lots, mut enough) = (market, against == 0);
        let crossing = match self.best(book, side.opposite()) {
            Some(best) => key_of(side, best),
            None => MARKET,
        };
        for (key, level) in self.books[book].ladder(side).into_iter().flat_map(|ladder| ladder.iter()) {
            if key == MARKET {
                continue;
            }
            if key < crossing && enough {
                break;
            }
            let here = self.lots_of(book, level);
            lots += here;
            enough |= key < crossing && lots >= against;
            levels.push((price_of(side, key), here));
        }
        Interest { market, levels }
    }
}

impl Candidate {
    /// More volume, then less surplus on either side.
    fn rank(&self) -> (u64, std::cmp::Reverse<u128>) {
        (self.volume, std::cmp::Reverse(self.surplus.unsigned_abs()))
    }
}
