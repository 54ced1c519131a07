//! How an incoming order meets the other side: best price first, then arrival, at the resting order's price.

use crate::books::{Book, Books, NOBODY, Node, State, reaches};
use hourbook_model::{CancelReason, OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};

/// What becomes of lots that do not trade at once, and which trades there may be at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// They rest.
    Rest,
    Ioc,
    /// All lots trade, or none.
    Fok,
    /// As Fok, for at most (a sale: at least) so much in all: the sum of price x lots.
    FokBudget(i128),
}

/// An order on its way in, under an id from [`Books::allocate`] or [`Books::take`].
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    pub id: OrderId,
    /// Whose orders are its own, for self-trade prevention.
    pub owner: ParticipantId,
    pub side: Side,
    /// `None` for a market order.
    pub limit: Option<Price>,
    /// Lots, above zero.
    pub quantity: Quantity,
    /// Lots shown at a time; `None` shows all.
    pub display: Option<Quantity>,
    pub post_only: bool,
    pub self_trade: SelfTrade,
    pub execution: Execution,
    /// Least lots to trade at once, or nothing trades; zero asks for none.
    pub minimum: Quantity,
    /// Nothing trades beyond this price; an order that would have is cancelled, not rested.
    pub bound: Option<Price>,
    /// Trading ends before the sum of price x lots would exceed this.
    pub affordable: Option<i128>,
}

/// One step of an order's way through the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// `maker_done`: nothing of it is left; it is out of the book and to be freed.
    Fill { maker: OrderId, price: Price, quantity: Quantity, maker_done: bool },
    /// Met an order of its own: the maker lost `quantity` and is out of the book when `removed`; the taker, when it
    /// goes on, lost `taker_lost`.
    SelfTrade { maker: OrderId, quantity: Quantity, removed: bool, taker_lost: Quantity },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Filled,
    Rested,
    Cancelled(CancelReason),
}

/// What became of an incoming order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    pub outcome: Outcome,
    /// Lots rested, or cancelled.
    pub left: Quantity,
}

impl Books {
    /// Matches an order, and rests what is to rest. Steps are pushed in the order in which they happened.
    ///
    /// A post-only order must have been checked with [`Books::would_trade`].
    pub fn enter(&mut self, slot: usize, incoming: Incoming, steps: &mut Vec<Match>) -> Entered {
        let mut left = incoming.quantity.0;
        if self.books[slot].call {
            self.rest(slot, &incoming, left);
            return Entered { outcome: Outcome::Rested, left: incoming.quantity };
        }
        let cancelled = |why, left| Entered { outcome: Outcome::Cancelled(why), left: Quantity(left) };
        if let Some(why) = self.cannot_begin(slot, &incoming) {
            return cancelled(why, left);
        }

        let mut spent = 0i128;
        let other = incoming.side.opposite();
        while left > 0 {
            let Some(level) = self.books[slot].side(other).last() else { break };
            let (price, first) = (level.price, level.first);
            if incoming.limit.is_some_and(|limit| !reaches(incoming.side, limit, price)) {
                break;
            }
            if incoming.bound.is_some_and(|bound| !reaches(incoming.side, bound, price)) {
                return cancelled(CancelReason::Band, left);
            }
            let maker = self.nodes[first as usize];
            let id = OrderId::new(first, maker.generation);
            if maker.owner == incoming.owner && incoming.self_trade != SelfTrade::Allow {
                match self.meet_own(slot, first, incoming.self_trade, &mut left, id, steps) {
                    Some(lost) => return cancelled(CancelReason::SelfTrade, lost),
                    None => continue,
                }
            }
            let mut quantity = left.min(i64::from(maker.shown));
            if let Some(affordable) = incoming.affordable {
                let most = (affordable - spent) / i128::from(price.0);
                quantity = quantity.min(i64::try_from(most).unwrap_or(i64::MAX));
                if quantity <= 0 {
                    return cancelled(CancelReason::Uncovered, left);
                }
                spent += i128::from(price.0) * i128::from(quantity);
            }
            left -= quantity;
            let maker_done = self.consume(slot, other, quantity as u32);
            steps.push(Match::Fill { maker: id, price, quantity: Quantity(quantity), maker_done });
        }

        match (left, incoming.execution, incoming.limit) {
            (0, _, _) => Entered { outcome: Outcome::Filled, left: Quantity(0) },
            (_, Execution::Rest, Some(_)) => {
                self.rest(slot, &incoming, left);
                Entered { outcome: Outcome::Rested, left: Quantity(left) }
            }
            (_, Execution::Rest, None) => cancelled(CancelReason::NoLiquidity, left),
            (_, Execution::Ioc, _) => cancelled(CancelReason::Ioc, left),
            (_, Execution::Fok | Execution::FokBudget(_), _) => unreachable!("counted before it began"),
        }
    }

    /// Why an order that wants so much at once cannot have it.
    fn cannot_begin(&self, slot: usize, incoming: &Incoming) -> Option<CancelReason> {
        let wanted = match incoming.execution {
            Execution::Fok | Execution::FokBudget(_) => incoming.quantity.0,
            _ if incoming.minimum.0 > 0 => incoming.minimum.0,
            _ => return None,
        };
        let (lots, amount) = self.available(slot, incoming, wanted);
        match incoming.execution {
            Execution::Fok if lots < wanted => Some(CancelReason::Fok),
            Execution::FokBudget(_) if lots < wanted => Some(CancelReason::Fok),
            Execution::FokBudget(budget) => {
                let fits = if incoming.side == Side::Buy { amount <= budget } else { amount >= budget };
                (!fits).then_some(CancelReason::Fok)
            }
            Execution::Fok => None,
            _ => (lots < wanted).then_some(CancelReason::Minimum),
        }
    }

    /// Up to `wanted` lots that an order could trade at once, and the sum of price x lots for them.
    ///
    /// Hidden lots count. An own order ends the search, but for those who cancel or trade with their oldest; what
    /// is hidden behind it, later slices of the same level too, is out of reach.
    fn available(&self, slot: usize, incoming: &Incoming, wanted: i64) -> (i64, i128) {
        let (mut lots, mut amount) = (0i64, 0i128);
        for level in self.books[slot].side(incoming.side.opposite()).iter().rev() {
            let within =
                |limit: Option<Price>| limit.is_none_or(|limit| reaches(incoming.side, limit, level.price));
            if lots >= wanted || !within(incoming.limit) || !within(incoming.bound) {
                break;
            }
            let (mut shown, mut open, mut blocked) = (0, 0, false);
            for at in self.queue_of(level) {
                let node = &self.nodes[at as usize];
                if node.owner == incoming.owner {
                    match incoming.self_trade {
                        SelfTrade::Allow => {}
                        SelfTrade::CancelOldest => continue,
                        SelfTrade::CancelNewest | SelfTrade::CancelBoth | SelfTrade::Decrement => {
                            blocked = true;
                            break;
                        }
                    }
                }
                shown += i64::from(node.shown);
                open += node.open();
                if open >= wanted - lots && shown >= wanted - lots {
                    break;
                }
            }
            let here = if blocked { shown } else { open }.min(wanted - lots);
            lots += here;
            amount += i128::from(level.price.0) * i128::from(here);
            if blocked {
                break;
            }
        }
        (lots, amount)
    }

    /// Meets an own order; `Some(lots)` when the taker ends here with so many cancelled.
    fn meet_own(
        &mut self,
        slot: usize,
        at: u32,
        policy: SelfTrade,
        left: &mut i64,
        maker: OrderId,
        steps: &mut Vec<Match>,
    ) -> Option<i64> {
        let node = self.nodes[at as usize];
        let nothing = Quantity(0);
        match policy {
            SelfTrade::Allow => unreachable!("they trade"),
            SelfTrade::CancelNewest => Some(*left),
            SelfTrade::CancelOldest | SelfTrade::CancelBoth => {
                let quantity = Quantity(node.open());
                self.remove(at);
                steps.push(Match::SelfTrade { maker, quantity, removed: true, taker_lost: nothing });
                (policy == SelfTrade::CancelBoth).then_some(*left)
            }
            SelfTrade::Decrement => {
                let lost = (*left).min(i64::from(node.shown));
                let removed = self.consume(slot, node.side, lost as u32);
                *left -= lost;
                let taker_lost = if *left > 0 { Quantity(lost) } else { nothing };
                steps.push(Match::SelfTrade { maker, quantity: Quantity(lost), removed, taker_lost });
                (*left == 0).then_some(lost)
            }
        }
    }

    /// Takes lots from the first order of a side's best level: its next slice goes to the back, and when nothing is
    /// left it is out of the book (`true`).
    pub(crate) fn consume(&mut self, slot: usize, side: Side, quantity: u32) -> bool {
        let Books { books, nodes, .. } = self;
        let levels = books[slot].side_mut(side);
        let level = levels.last_mut().expect("there is an order to take from");
        let at = level.first;
        let node = &mut nodes[at as usize];
        node.shown -= quantity;
        level.shown -= i64::from(quantity);
        if node.shown > 0 {
            return false;
        }
        if node.hidden > 0 {
            let slice = node.display.min(node.hidden);
            node.shown = slice;
            node.hidden -= slice;
            level.shown += i64::from(slice);
            if level.orders > 1 {
                let (next, last) = (node.next, level.last);
                node.next = NOBODY;
                node.previous = last;
                nodes[last as usize].next = at;
                nodes[next as usize].previous = NOBODY;
                level.first = next;
                level.last = at;
            }
            return false;
        }
        let next = node.next;
        node.state = State::Allocated;
        level.orders -= 1;
        if level.orders == 0 {
            levels.pop();
        } else {
            level.first = next;
            nodes[next as usize].previous = NOBODY;
        }
        true
    }
}

/// What the sizes of the hot structures are held to.
const _: () = {
    assert!(size_of::<Node>() <= 64);
    assert!(size_of::<Book>() <= 64);
};
