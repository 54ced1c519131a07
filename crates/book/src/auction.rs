//! The one price of an uncross: most volume, then least surplus, then the side of the surplus, then the reference.

use crate::books::{Books, Level, NOBODY, market_price};
use hourbook_model::{OrderId, Price, Quantity, Side};

/// One match of an uncross; the older order is named maker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    pub maker: OrderId,
    pub taker: OrderId,
    pub price: Price,
    pub quantity: Quantity,
    pub maker_done: bool,
    pub taker_done: bool,
}

/// What one price would do.
#[derive(Clone, Copy)]
struct Candidate {
    price: Price,
    volume: i64,
    /// Demand less supply.
    surplus: i64,
}

impl Books {
    /// The price and volume an uncross would have now; `None` when nothing would trade.
    pub fn indicative(&self, slot: usize, reference: Option<Price>) -> Option<(Price, Quantity)> {
        let open =
            |level: &Level| -> i64 { self.queue_of(level).map(|at| self.nodes[at as usize].open()).sum() };
        let book = &self.books[slot];
        // Best first: the market orders of each side stand at its front.
        let bids: Vec<(Price, i64)> =
            book.bids.iter().rev().map(|level| (level.price, open(level))).collect();
        let asks: Vec<(Price, i64)> =
            book.asks.iter().rev().map(|level| (level.price, open(level))).collect();
        let mut prices: Vec<Price> = bids
            .iter()
            .filter(|bid| bid.0 != market_price(Side::Buy))
            .chain(asks.iter().filter(|ask| ask.0 != market_price(Side::Sell)))
            .map(|level| level.0)
            .collect();
        prices.sort_unstable();
        prices.dedup();

        // Prices rise: demand falls bid by bid, supply grows ask by ask.
        let mut demand: i64 = bids.iter().map(|bid| bid.1).sum();
        let mut worst_bid = bids.iter().rev().peekable();
        let mut best_ask = asks.iter().peekable();
        let mut supply = 0;
        let mut best: Vec<Candidate> = Vec::new();
        for price in prices {
            while let Some(bid) = worst_bid.next_if(|bid| bid.0 < price) {
                demand -= bid.1;
            }
            while let Some(ask) = best_ask.next_if(|ask| ask.0 <= price) {
                supply += ask.1;
            }
            let one = Candidate { price, volume: demand.min(supply), surplus: demand - supply };
            let better =
                |than: &Candidate| (one.volume, -one.surplus.abs()).cmp(&(than.volume, -than.surplus.abs()));
            match best.first().map(better) {
                None | Some(std::cmp::Ordering::Greater) => best = vec![one],
                Some(std::cmp::Ordering::Equal) => best.push(one),
                Some(std::cmp::Ordering::Less) => {}
            }
        }
        let (lowest, highest) = (best.first()?, best.last()?);
        let chosen = if best.iter().all(|one| one.surplus > 0) {
            highest
        } else if best.iter().all(|one| one.surplus < 0) {
            lowest
        } else {
            match reference {
                Some(reference) => {
                    best.iter().min_by_key(|one| ((one.price.0 - reference.0).abs(), one.price))?
                }
                None => lowest,
            }
        };
        (chosen.volume > 0).then_some((chosen.price, Quantity(chosen.volume)))
    }

    /// Trades all that can trade at one price: market orders first, then better price, then time. Market orders that
    /// stay unfilled are named in `unfilled`, oldest first; the caller takes them out, and ends the call.
    pub fn uncross(
        &mut self,
        slot: usize,
        reference: Option<Price>,
        pairs: &mut Vec<Pair>,
        unfilled: &mut Vec<OrderId>,
    ) -> Option<(Price, Quantity)> {
        let result = self.indicative(slot, reference);
        let mut left = result.map_or(0, |(_, volume)| volume.0);
        while let (Some((price, _)), true) = (result, left > 0) {
            let first = |side| self.books[slot].side(side).last().expect("both sides have the volume").first;
            let (buy, sell) = (first(Side::Buy) as usize, first(Side::Sell) as usize);
            let (bid, ask) = (self.nodes[buy], self.nodes[sell]);
            let quantity = left.min(i64::from(bid.shown.min(ask.shown)));
            left -= quantity;
            let older_is_bid = bid.arrival < ask.arrival;
            let (buy, sell) = (self.id_at(buy), self.id_at(sell));
            let buy_done = self.consume(slot, Side::Buy, quantity as u32);
            let sell_done = self.consume(slot, Side::Sell, quantity as u32);
            let quantity = Quantity(quantity);
            pairs.push(if older_is_bid {
                Pair { maker: buy, taker: sell, price, quantity, maker_done: buy_done, taker_done: sell_done }
            } else {
                Pair { maker: sell, taker: buy, price, quantity, maker_done: sell_done, taker_done: buy_done }
            });
        }
        for side in [Side::Buy, Side::Sell] {
            if let Ok(at) = self.books[slot].find(side, market_price(side)) {
                let level = self.books[slot].side(side)[at];
                unfilled.extend(self.queue_of(&level).map(|at| self.id_at(at as usize)));
            }
        }
        unfilled.sort_unstable_by_key(|id| self.nodes[id.slot()].arrival);
        debug_assert!(unfilled.iter().all(|id| id.slot() as u32 != NOBODY));
        result
    }
}
