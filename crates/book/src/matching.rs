//! How an incoming order meets the other side: best price first, then arrival, at the resting order's price.

use crate::books::Books;
use crate::ladder::{MARKET, NO_KEY, key_of, price_of};
use crate::slab::{State, Tag};
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
    FokBudget(i64),
}

/// An order on its way in, under an id from [`Books::allocate`] or [`Books::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incoming {
    pub id: OrderId,
    /// Whose orders are its own, for self-trade prevention.
    pub owner: ParticipantId,
    pub side: Side,
    /// `None` for a market order. A limit lies strictly between the least and the greatest `i64`.
    pub limit: Option<Price>,
    /// Lots, 1 ..= `u32::MAX`.
    pub quantity: Quantity,
    /// Lots shown at a time; `None` shows all.
    pub display: Option<Quantity>,
    /// Kept for [`Books::take`]; whether it would trade is the caller's to ask before it comes in.
    pub post_only: bool,
    pub self_trade: SelfTrade,
    pub execution: Execution,
    /// Least lots to trade at once, or nothing trades; zero asks for none.
    pub minimum: Quantity,
    /// Nothing trades beyond this price; an order that would have is cancelled ([`CancelReason::Band`]), not rested.
    pub bound: Option<Price>,
    /// Trading ends ([`CancelReason::Uncovered`]) before the sum of price x lots would exceed this.
    pub affordable: Option<i64>,
}

/// One step of an order's way through the other side.
///
/// A maker that is done or removed is out of the book; its id is to be freed by the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Fill {
        maker: OrderId,
        price: Price,
        quantity: Quantity,
        /// Nothing of it is left.
        maker_done: bool,
        /// Lots of its next slice, which went to the back of its level; zero for none.
        slice: Quantity,
    },
    /// Met an order of its own, without a trade.
    SelfTrade {
        maker: OrderId,
        /// Lots that the maker lost; its hidden ones too when it was cancelled.
        quantity: Quantity,
        removed: bool,
        /// Lots that a taker lost which goes on.
        taker_lost: Quantity,
        /// Lots of the maker's next slice, as of a fill.
        slice: Quantity,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Filled,
    Rested,
    /// Nothing of it rests; its id is to be freed by the caller.
    Cancelled(CancelReason),
}

/// What became of an incoming order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    pub outcome: Outcome,
    /// Lots rested, or cancelled; of a taker that was decremented to nothing, the lots it lost last.
    pub left: Quantity,
}

/// How far an order may trade, as keys of the other side.
#[derive(Clone, Copy)]
struct Reach {
    limit: i64,
    bound: i64,
}

impl Books {
    /// Matches an order, and rests what is to rest. Steps are pushed in the order in which they happened.
    ///
    /// In a call it only rests; what cannot wait is cancelled for what it is (`Ioc`, `Fok`, `Minimum`).
    pub fn enter(&mut self, book: usize, incoming: &Incoming, steps: &mut Vec<Match>) -> Entered {
        assert!(
            0 < incoming.quantity.0 && incoming.quantity.0 <= i64::from(u32::MAX),
            "lots fit their field"
        );
        let key = incoming.limit.map_or(MARKET, |limit| key_of(incoming.side, limit));
        assert!(NO_KEY < key && (key < MARKET || incoming.limit.is_none()), "a limit is no sentinel");
        self.slab.begin(incoming.id, key, Tag::new(book, State::Allocated, incoming, false));

        let mut left = incoming.quantity.0 as u32;
        let ended = if self.books[book].call {
            cannot_wait(incoming).map(|why| (why, left))
        } else {
            let reach = Reach::of(incoming);
            if let Some(why) = self.cannot_begin(book, incoming, reach) {
                Some((why, left))
            } else {
                let met = self.books[book].best_key(incoming.side.opposite()) >= reach.limit;
                let stopped = if met { self.sweep(book, incoming, reach, &mut left, steps) } else { None };
                stopped.or_else(|| cannot_rest(incoming).map(|why| (why, left)))
            }
        };
        let (outcome, left) = match ended {
            // A decrement that leaves the taker nothing is told; any other end with nothing left is a fill.
            Some((CancelReason::SelfTrade, lost)) => (Outcome::Cancelled(CancelReason::SelfTrade), lost),
            _ if left == 0 => (Outcome::Filled, 0),
            Some((why, left)) => (Outcome::Cancelled(why), left),
            None => {
                self.rest(book, incoming, key, left);
                (Outcome::Rested, left)
            }
        };
        Entered { outcome, left: Quantity(i64::from(left)) }
    }

    /// Takes from the other side until the order is filled or may go no further; why and with how many lots it was
    /// stopped, if neither its limit nor the end of the book did.
    fn sweep(
        &mut self,
        book: usize,
        incoming: &Incoming,
        reach: Reach,
        left: &mut u32,
        steps: &mut Vec<Match>,
    ) -> Option<(CancelReason, u32)> {
        let other = incoming.side.opposite();
        let mut affordable = incoming.affordable;
        loop {
            let key = self.books[book].best_key(other);
            if *left == 0 || key < reach.limit {
                return None;
            }
            if key < reach.bound {
                return Some((CancelReason::Band, *left));
            }
            let price = price_of(other, key);
            let first = self.books[book].first(other);
            let node = &self.slab.nodes[first as usize];
            let (id, shown) = (OrderId::new(first, node.generation), node.shown);
            if node.owner == incoming.owner && incoming.self_trade != SelfTrade::Allow {
                match self.meet_own(book, id, incoming.self_trade, left, steps) {
                    Some(lost) => return Some((CancelReason::SelfTrade, lost)),
                    None => continue,
                }
            }
            let mut quantity = shown.min(*left);
            if let Some(affordable) = &mut affordable {
                quantity = covered(*affordable, price, quantity);
                if quantity == 0 {
                    return Some((CancelReason::Uncovered, *left));
                }
                *affordable -= price.0 * i64::from(quantity);
            }
            *left -= quantity;
            let taken = self.consume(book, other, quantity);
            steps.push(Match::Fill {
                maker: id,
                price,
                quantity: Quantity(i64::from(quantity)),
                maker_done: taken.is_all(),
                slice: taken.slice(),
            });
        }
    }

    /// Meets an own order; `Some(lots)` when the taker ends here with so many cancelled.
    fn meet_own(
        &mut self,
        book: usize,
        maker: OrderId,
        policy: SelfTrade,
        left: &mut u32,
        steps: &mut Vec<Match>,
    ) -> Option<u32> {
        let mut meet = |quantity, removed, taker_lost: u32, slice| {
            let taker_lost = Quantity(i64::from(taker_lost));
            steps.push(Match::SelfTrade { maker, quantity, removed, taker_lost, slice });
        };
        match policy {
            SelfTrade::Allow | SelfTrade::CancelNewest => Some(*left),
            SelfTrade::CancelOldest | SelfTrade::CancelBoth => {
                meet(self.cancel(maker), true, 0, Quantity::ZERO);
                (policy == SelfTrade::CancelBoth).then_some(*left)
            }
            SelfTrade::Decrement => {
                let Some(node) = self.slab.get(maker) else { unreachable!("the maker was just met") };
                let (lost, side) = (node.shown.min(*left), node.tag.side());
                let taken = self.consume(book, side, lost);
                *left -= lost;
                let taker_lost = if *left > 0 { lost } else { 0 };
                meet(Quantity(i64::from(lost)), taken.is_all(), taker_lost, taken.slice());
                (*left == 0).then_some(lost)
            }
        }
    }

    /// Why an order that wants so much at once cannot have it.
    fn cannot_begin(&self, book: usize, incoming: &Incoming, reach: Reach) -> Option<CancelReason> {
        let wants = |lots: i64| self.available(book, incoming, reach, lots as u64);
        let all = incoming.quantity.0;
        match incoming.execution {
            Execution::Fok => wants(all).is_none().then_some(CancelReason::Fok),
            Execution::FokBudget(budget) => {
                let fits = wants(all).is_some_and(|amount| match incoming.side {
                    Side::Buy => amount <= i128::from(budget),
                    Side::Sell => amount >= i128::from(budget),
                });
                (!fits).then_some(CancelReason::Fok)
            }
            Execution::Rest | Execution::Ioc => {
                let minimum = incoming.minimum.0;
                (minimum > 0 && wants(minimum).is_none()).then_some(CancelReason::Minimum)
            }
        }
    }

    /// The sum of price x lots for which an order could have `wanted` lots at once; `None` when it could not.
    ///
    /// Hidden lots count. An own order ends the search, but for those who trade with their own or cancel the
    /// oldest: a newest is cancelled there, and a decrement would take lots that then never trade. Slices that come
    /// up behind an own order of the same level are out of reach with it.
    fn available(&self, book: usize, incoming: &Incoming, reach: Reach, wanted: u64) -> Option<i128> {
        let stops_at_own = match incoming.self_trade {
            SelfTrade::Allow | SelfTrade::CancelOldest => false,
            SelfTrade::CancelNewest | SelfTrade::CancelBoth | SelfTrade::Decrement => true,
        };
        let is_own = |slot: u32| {
            incoming.self_trade != SelfTrade::Allow && self.slab.nodes[slot as usize].owner == incoming.owner
        };
        let other = incoming.side.opposite();
        let (mut missing, mut amount) = (wanted, 0);
        for (key, level) in self.books[book].ladder(other)?.iter() {
            if key < reach.limit.max(reach.bound) {
                return None;
            }
            let (mut shown, mut open, mut blocked) = (0, 0, false);
            for slot in self.slab.ring(level.first) {
                if is_own(slot) {
                    if stops_at_own {
                        blocked = true;
                        break;
                    }
                    continue;
                }
                shown += u64::from(self.slab.nodes[slot as usize].shown);
                open += self.slab.open(slot);
                if shown >= missing || (open >= missing && !stops_at_own) {
                    break;
                }
            }
            let here = if blocked { shown } else { open }.min(missing);
            amount += i128::from(price_of(other, key).0) * i128::from(here);
            missing -= here;
            if missing == 0 {
                return Some(amount);
            }
            if blocked {
                return None;
            }
        }
        None
    }
}

impl Reach {
    fn of(incoming: &Incoming) -> Reach {
        let other = incoming.side.opposite();
        let key = |price: Option<Price>| price.map_or(NO_KEY + 1, |price| key_of(other, price));
        Reach { limit: key(incoming.limit), bound: key(incoming.bound) }
    }
}

/// Why an order has no place in a call.
fn cannot_wait(incoming: &Incoming) -> Option<CancelReason> {
    match incoming.execution {
        Execution::Ioc => Some(CancelReason::Ioc),
        Execution::Fok | Execution::FokBudget(_) => Some(CancelReason::Fok),
        Execution::Rest => (incoming.minimum.0 > 0).then_some(CancelReason::Minimum),
    }
}

/// Why what is left of an order does not rest.
fn cannot_rest(incoming: &Incoming) -> Option<CancelReason> {
    match incoming.execution {
        Execution::Ioc => Some(CancelReason::Ioc),
        Execution::Fok | Execution::FokBudget(_) => Some(CancelReason::Fok),
        Execution::Rest => incoming.limit.is_none().then_some(CancelReason::NoLiquidity),
    }
}

/// As many of `lots` at `price` as `amount` pays for. A price of zero or less costs nothing.
fn covered(amount: i64, price: Price, lots: u32) -> u32 {
    if price.0 <= 0 {
        return lots;
    }
    let most = amount.max(0) / price.0;
    u32::try_from(most).map_or(lots, |most| most.min(lots))
}
