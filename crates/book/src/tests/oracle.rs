//! One book, as simply as the rules can be told: a list of orders, looked through from end to end every time.

use crate::{Execution, Incoming, Outcome};
use hourbook_model::{CancelReason, Price, SelfTrade, Side};

/// What happens, in the oracle's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Fill { maker: u64, price: i64, lots: i64, maker_done: bool },
    Own { maker: u64, lots: i64, removed: bool, taker_lost: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    pub name: u64,
    pub terms: Incoming,
    pub shown: i64,
    pub hidden: i64,
    /// When the order came, and when its present slice did.
    pub arrived: u64,
    pub queued: u64,
}

#[derive(Clone, Debug)]
pub struct Waiting {
    pub name: u64,
    pub terms: Incoming,
    pub trigger: i64,
    pub arrived: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Oracle {
    pub orders: Vec<Resting>,
    pub stops: Vec<Waiting>,
    pub call: bool,
    clock: u64,
}

impl Oracle {
    fn now(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Orders of a side as they trade: market orders, then better prices, then who queued first.
    pub fn side(&self, side: Side) -> Vec<&Resting> {
        let mut orders: Vec<&Resting> = self.orders.iter().filter(|order| order.terms.side == side).collect();
        orders.sort_by_key(|order| {
            let rank = match (order.terms.limit, side) {
                (None, _) => i64::MIN,
                (Some(price), Side::Buy) => -price.0,
                (Some(price), Side::Sell) => price.0,
            };
            (rank, order.queued)
        });
        orders
    }

    /// (price, displayed, orders), best first.
    pub fn levels(&self, side: Side) -> Vec<(i64, i64, u32)> {
        let mut levels: Vec<(i64, i64, u32)> = Vec::new();
        for order in self.side(side) {
            let Some(price) = order.terms.limit else { continue };
            match levels.last_mut().filter(|level| level.0 == price.0) {
                Some(level) => *level = (level.0, level.1 + order.shown, level.2 + 1),
                None => levels.push((price.0, order.shown, 1)),
            }
        }
        levels
    }

    pub fn enter(&mut self, name: u64, terms: Incoming, steps: &mut Vec<Step>) -> (Outcome, i64) {
        let all = terms.quantity.0;
        let cancelled = |why, left| (Outcome::Cancelled(why), left);
        if self.call {
            let why = match terms.execution {
                Execution::Ioc => CancelReason::Ioc,
                Execution::Fok | Execution::FokBudget(_) => CancelReason::Fok,
                Execution::Rest if terms.minimum.0 > 0 => CancelReason::Minimum,
                Execution::Rest => {
                    self.rest(name, terms, all);
                    return (Outcome::Rested, all);
                }
            };
            return cancelled(why, all);
        }
        // What would be had at once, by trying it on a copy.
        let (mut lots, mut amount) = (0, 0i64);
        let mut tried = Vec::new();
        let plain = Incoming { affordable: None, ..terms };
        self.clone().sweep(&plain, &mut tried);
        // A decrement takes from the order what then cannot trade: what lies behind does not count.
        let counts =
            |step: &Step| terms.self_trade != SelfTrade::Decrement || matches!(step, Step::Fill { .. });
        for step in tried.into_iter().take_while(counts) {
            if let Step::Fill { price, lots: filled, .. } = step {
                lots += filled;
                amount += price * filled;
            }
        }
        let refused = match terms.execution {
            Execution::Fok => (lots < all).then_some(CancelReason::Fok),
            Execution::FokBudget(budget) => {
                let fits = if terms.side == Side::Buy { amount <= budget } else { amount >= budget };
                (lots < all || !fits).then_some(CancelReason::Fok)
            }
            _ => (lots < terms.minimum.0).then_some(CancelReason::Minimum),
        };
        if let Some(why) = refused {
            return cancelled(why, all);
        }
        let (left, stopped) = self.sweep(&terms, steps);
        match (stopped, terms.execution, terms.limit) {
            (Some(why), _, _) => cancelled(why, left),
            _ if left == 0 => (Outcome::Filled, 0),
            (None, Execution::Rest, Some(_)) => {
                self.rest(name, terms, left);
                (Outcome::Rested, left)
            }
            (None, Execution::Rest, None) => cancelled(CancelReason::NoLiquidity, left),
            (None, _, _) => cancelled(CancelReason::Ioc, left),
        }
    }

    fn sweep(&mut self, terms: &Incoming, steps: &mut Vec<Step>) -> (i64, Option<CancelReason>) {
        let mut left = terms.quantity.0;
        let mut money = terms.affordable;
        while left > 0 {
            let Some(maker) = self.side(terms.side.opposite()).first().map(|order| (*order).clone()) else {
                break;
            };
            let price = maker.terms.limit.expect("only a call has market orders").0;
            let beyond = |limit: Option<Price>| match (limit, terms.side) {
                (None, _) => false,
                (Some(limit), Side::Buy) => price > limit.0,
                (Some(limit), Side::Sell) => price < limit.0,
            };
            if beyond(terms.limit) {
                break;
            }
            if beyond(terms.bound) {
                return (left, Some(CancelReason::Band));
            }
            let open = maker.shown + maker.hidden;
            if maker.terms.owner == terms.owner && terms.self_trade != SelfTrade::Allow {
                let name = maker.name;
                if terms.self_trade == SelfTrade::CancelNewest {
                    return (left, Some(CancelReason::SelfTrade));
                }
                if terms.self_trade == SelfTrade::Decrement {
                    let lots = left.min(maker.shown);
                    let removed = self.lose(name, lots);
                    left -= lots;
                    let taker_lost = if left > 0 { lots } else { 0 };
                    steps.push(Step::Own { maker: name, lots, removed, taker_lost });
                    if left == 0 {
                        return (lots, Some(CancelReason::SelfTrade));
                    }
                    continue;
                }
                self.orders.retain(|order| order.name != name);
                steps.push(Step::Own { maker: name, lots: open, removed: true, taker_lost: 0 });
                if terms.self_trade == SelfTrade::CancelBoth {
                    return (left, Some(CancelReason::SelfTrade));
                }
                continue;
            }
            let mut lots = left.min(maker.shown);
            if let Some(money) = &mut money {
                while lots > 0 && lots * price > *money {
                    lots -= 1;
                }
                if lots == 0 {
                    return (left, Some(CancelReason::Uncovered));
                }
                *money -= lots * price;
            }
            left -= lots;
            let maker_done = self.lose(maker.name, lots);
            steps.push(Step::Fill { maker: maker.name, price, lots, maker_done });
        }
        (left, None)
    }

    /// Takes lots from the displayed slice; the next one goes to the back. Whether the order is over.
    fn lose(&mut self, name: u64, lots: i64) -> bool {
        let now = self.now();
        let order = self.orders.iter_mut().find(|order| order.name == name).expect("a resting order");
        order.shown -= lots;
        if order.shown == 0 && order.hidden > 0 {
            order.shown = order.hidden.min(order.terms.display.expect("hidden lots have a display").0);
            order.hidden -= order.shown;
            order.queued = now;
        }
        let over = order.shown == 0;
        self.orders.retain(|order| order.shown > 0);
        over
    }

    fn rest(&mut self, name: u64, terms: Incoming, lots: i64) {
        let now = self.now();
        let shown = terms.display.map_or(lots, |display| display.0.min(lots));
        self.orders.push(Resting { name, terms, shown, hidden: lots - shown, arrived: now, queued: now });
    }

    pub fn rest_stop(&mut self, name: u64, terms: Incoming, trigger: i64) {
        let arrived = self.now();
        self.stops.push(Waiting { name, terms, trigger, arrived });
    }

    pub fn next_triggered(&mut self, last: i64) -> Option<Waiting> {
        let buys = self.stops.iter().filter(|stop| stop.terms.side == Side::Buy && last >= stop.trigger);
        let sells = self.stops.iter().filter(|stop| stop.terms.side == Side::Sell && last <= stop.trigger);
        let buy = buys.min_by_key(|stop| (stop.trigger, stop.arrived));
        let next = buy.or(sells.min_by_key(|stop| (-stop.trigger, stop.arrived)))?.clone();
        self.stops.retain(|stop| stop.name != next.name);
        Some(next)
    }

    /// Takes a resting order or a stop out; its terms with what is open, and its trigger.
    pub fn take(&mut self, name: u64) -> (Incoming, i64) {
        if let Some(at) = self.orders.iter().position(|order| order.name == name) {
            let order = self.orders.remove(at);
            let quantity = hourbook_model::Quantity(order.shown + order.hidden);
            return (Incoming { quantity, ..order.terms }, 0);
        }
        let at = self.stops.iter().position(|stop| stop.name == name).expect("a live order");
        let stop = self.stops.remove(at);
        (stop.terms, stop.trigger)
    }

    /// Hidden lots first; by less than is open.
    pub fn reduce(&mut self, name: u64, by: i64) {
        for order in self.orders.iter_mut().filter(|order| order.name == name) {
            let hidden = by.min(order.hidden);
            order.hidden -= hidden;
            order.shown -= by - hidden;
        }
        for stop in self.stops.iter_mut().filter(|stop| stop.name == name) {
            stop.terms.quantity.0 -= by;
        }
    }

    pub fn open_lots(&self, name: u64) -> i64 {
        let resting =
            self.orders.iter().find(|order| order.name == name).map(|order| order.shown + order.hidden);
        let waiting = || self.stops.iter().find(|stop| stop.name == name).map(|stop| stop.terms.quantity.0);
        resting.or_else(waiting).expect("a live order")
    }

    /// Every price tried, by the letter of the rule.
    pub fn indicative(&self, reference: Option<i64>) -> Option<(i64, i64)> {
        let lots = |side: Side, at: i64| -> i64 {
            let willing = |order: &&Resting| match (order.terms.limit, side) {
                (None, _) => true,
                (Some(limit), Side::Buy) => limit.0 >= at,
                (Some(limit), Side::Sell) => limit.0 <= at,
            };
            let of_side = self.orders.iter().filter(|order| order.terms.side == side);
            of_side.filter(willing).map(|order| order.shown + order.hidden).sum()
        };
        let mut prices: Vec<i64> =
            self.orders.iter().filter_map(|order| order.terms.limit).map(|p| p.0).collect();
        prices.sort_unstable();
        prices.dedup();
        let volume = |price: i64| lots(Side::Buy, price).min(lots(Side::Sell, price));
        let surplus = |price: i64| lots(Side::Buy, price) - lots(Side::Sell, price);
        let most = prices.iter().map(|price| volume(*price)).max().filter(|most| *most > 0)?;
        prices.retain(|price| volume(*price) == most);
        let least = prices.iter().map(|price| surplus(*price).abs()).min()?;
        prices.retain(|price| surplus(*price).abs() == least);
        if prices.iter().all(|price| surplus(*price) > 0) {
            return Some((*prices.last()?, most));
        }
        if prices.iter().all(|price| surplus(*price) < 0) {
            return Some((prices[0], most));
        }
        let nearest =
            prices.iter().min_by_key(|price| (reference.map_or(0, |near| (**price - near).abs()), **price));
        Some((*nearest?, most))
    }

    /// (maker, taker, lots, maker done, taker done), and the unfilled market orders, oldest first.
    #[expect(clippy::type_complexity)]
    pub fn uncross(&mut self, result: Option<(i64, i64)>) -> (Vec<(u64, u64, i64, bool, bool)>, Vec<u64>) {
        let mut pairs = Vec::new();
        let mut left = result.map_or(0, |result| result.1);
        while left > 0 {
            let (buy, sell) = (self.side(Side::Buy)[0].clone(), self.side(Side::Sell)[0].clone());
            let lots = left.min(buy.shown).min(sell.shown);
            left -= lots;
            let (buy_done, sell_done) = (self.lose(buy.name, lots), self.lose(sell.name, lots));
            pairs.push(if buy.arrived < sell.arrived {
                (buy.name, sell.name, lots, buy_done, sell_done)
            } else {
                (sell.name, buy.name, lots, sell_done, buy_done)
            });
        }
        let mut market: Vec<&Resting> =
            self.orders.iter().filter(|order| order.terms.limit.is_none()).collect();
        market.sort_by_key(|order| order.arrived);
        (pairs, market.into_iter().map(|order| order.name).collect())
    }

    /// Every order, stops included, by when it came.
    pub fn by_arrival(&self) -> Vec<u64> {
        let resting = self.orders.iter().map(|order| (order.arrived, order.name));
        let mut all: Vec<(u64, u64)> =
            resting.chain(self.stops.iter().map(|stop| (stop.arrived, stop.name))).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, name)| name).collect()
    }
}
