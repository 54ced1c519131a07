//! What time does: instruments are listed, orders expire, auctions run, gates close, periods cascade.
//!
//! Time arrives with the commands. What is due is done in the order of the agenda, a bounded slice per
//! command and a larger one per tick, so that a gate with many holders never stalls an order; and a
//! command first does what is due on the instrument it touches, so that it never meets the past.

use crate::instruments::Phase;
use crate::machine::{Exchange, Turn, Unpaired};
use hourbook_ledger::{Position, Posting};
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Steps of due work in front of a command, and in a tick.
const STEPS_PER_COMMAND: usize = 2;
const STEPS_PER_TICK: usize = 64;
/// Orders, holders or periods that one step takes.
const SLICE: usize = 32;
/// Rows of past hours that a tick sweeps.
const SWEPT_PER_TICK: usize = 256;

/// Kinds of due work; at one instant the earlier kind comes first. Months and weeks cascade before days,
/// days before hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Due {
    /// Orders of an instrument whose own time is over.
    Expiry(InstrumentId),
    GateOfMonth(InstrumentId),
    GateOfWeek(InstrumentId),
    GateOfDay(InstrumentId),
    GateOfHour(InstrumentId),
    Delivery(InstrumentId),
    DeliveryEnd(InstrumentId),
    /// The end of a call that was begun for a time.
    CallEnd(InstrumentId),
    /// The daily auction: nothing may be taken back any more; the call begins.
    Freeze(ProductId),
    Call(ProductId),
    List(ProductId, PeriodKind),
}

/// What is due, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agenda {
    due: BTreeSet<(Time, Due)>,
    /// Of each product with a daily auction, the one of its entries in `due`.
    auctions: BTreeMap<ProductId, (Time, Due)>,
    /// Orders that end by time, per instrument, in the order of their times and arrival.
    expiries: BTreeSet<(InstrumentId, Time, u64, OrderId)>,
    arrivals: u64,
    /// Nothing is due before this time: what most commands need to know. Zero until it is found out.
    #[serde(skip)]
    quiet_until: Time,
}

impl Agenda {
    pub fn add(&mut self, time: Time, due: Due) {
        self.due.insert((time, due));
        self.quiet_until = self.quiet_until.min(time);
    }

    /// Whether something may be due by now.
    #[inline]
    fn is_due(&self, now: Time) -> bool {
        self.quiet_until <= now
    }

    fn first(&self) -> Option<(Time, Due)> {
        self.due.first().copied()
    }

    /// What the daily auction of a product does next, if it has one.
    fn set_auction(&mut self, product: ProductId, next: Option<(Time, Due)>) {
        let before = match next {
            Some(next) => {
                self.add(next.0, next.1);
                self.auctions.insert(product, next)
            }
            None => self.auctions.remove(&product),
        };
        if let Some(before) = before.filter(|before| Some(*before) != next) {
            self.due.remove(&before);
        }
    }

    /// Panics at the first promise that does not hold; `timed` orders end by time.
    pub fn check(&self, timed: usize) {
        assert_eq!(self.expiries.len(), timed, "each order that ends by time is on the agenda once");
        for (instrument, until, ..) in &self.expiries {
            assert!(self.due.contains(&(*until, Due::Expiry(*instrument))), "an expiry is due");
        }
        for next in self.auctions.values() {
            assert!(self.due.contains(next), "an auction is due");
        }
    }

    /// When an instrument's next order ends by time.
    fn next_expiry(&self, id: InstrumentId) -> Option<(Time, Due)> {
        let from = (id, Time(i64::MIN), 0, OrderId::NONE);
        let next = self.expiries.range(from..).next().filter(|(of, ..)| *of == id);
        next.map(|(_, until, ..)| (*until, Due::Expiry(id)))
    }
}

impl Exchange {
    /// When a tick has something to do; in the past when a slice left work over.
    pub fn next_due(&self) -> Option<Time> {
        self.agenda.first().map(|(time, _)| time)
    }

    /// Does what is due by now, a bounded slice of it.
    #[inline]
    pub(crate) fn advance(&mut self, turn: &mut Turn, tick: bool) {
        if self.agenda.is_due(turn.at.time) {
            self.advance_now(turn, if tick { STEPS_PER_TICK } else { STEPS_PER_COMMAND });
        }
        if tick {
            self.hours.forget(turn.at.time.hour());
            self.hours.sweep(SWEPT_PER_TICK);
        }
    }

    #[cold]
    fn advance_now(&mut self, turn: &mut Turn, steps: usize) {
        for _ in 0..steps {
            match self.agenda.first() {
                Some((time, due)) if time <= turn.at.time => self.step(turn, time, due),
                _ => break,
            }
        }
        self.agenda.quiet_until = self.agenda.first().map_or(Time(i64::MAX), |(time, _)| time);
    }

    /// Does what is due on one instrument before a command touches it, however far behind the agenda is, and
    /// in the order of its times: expiries and calls. Its gate is looked at by whoever wants to trade.
    #[inline]
    pub(crate) fn catch_up(&mut self, turn: &mut Turn, id: InstrumentId) {
        if self.agenda.is_due(turn.at.time) {
            self.catch_up_now(&mut turn.of_time(), id);
        }
    }

    #[cold]
    fn catch_up_now(&mut self, turn: &mut Turn, id: InstrumentId) {
        let now = turn.at.time;
        while let Some((time, due)) = self.next_due_on(id).filter(|(time, _)| *time <= now) {
            self.step(turn, time, due);
        }
    }

    fn next_due_on(&self, id: InstrumentId) -> Option<(Time, Due)> {
        let instrument = self.instruments.get(id)?;
        let call_end = (instrument.call_until.0 > 0).then_some((instrument.call_until, Due::CallEnd(id)));
        let auction = self.agenda.auctions.get(&instrument.product).copied();
        [self.agenda.next_expiry(id), call_end, auction].into_iter().flatten().min()
    }

    fn step(&mut self, turn: &mut Turn, time: Time, due: Due) {
        let done = match due {
            Due::Expiry(id) => self.expire(turn, id, time),
            Due::GateOfMonth(id) | Due::GateOfWeek(id) | Due::GateOfDay(id) | Due::GateOfHour(id) => {
                self.close_gate(turn, id)
            }
            Due::Delivery(id) => self.begin_delivery(turn, id),
            Due::DeliveryEnd(id) => self.end_delivery(turn, id),
            Due::CallEnd(id) => self.end_call(turn, id),
            Due::Freeze(product) => self.scheduled_freeze(turn, product, time),
            Due::Call(product) => self.scheduled_call(turn, product, time),
            Due::List(product, kind) => self.list(turn, product, kind),
        };
        if done {
            self.agenda.due.remove(&(time, due));
        }
    }

    // --- listing ---

    /// A product's periods begin to be listed, and its auctions to be held, from now on.
    pub(crate) fn schedule(&mut self, now: Time, product: ProductId) {
        for kind in PeriodKind::ALL {
            if self.instruments.known(product).terms.horizon.of(kind) > 0 {
                self.agenda.add(now, Due::List(product, kind));
            }
        }
        let next = self.instruments.known(product).terms.auction.map(|auction| {
            let midnight = Time(now.day() * Time::DAY);
            // A call that runs under the former terms is frozen by the new ones and ends when it was to end.
            if now < midnight.plus_nanos(auction.call) {
                (midnight.plus_nanos(auction.call), Due::Call(product))
            } else if now < midnight.plus_nanos(auction.freeze) {
                (midnight.plus_nanos(auction.freeze), Due::Freeze(product))
            } else {
                (midnight.plus_nanos(Time::DAY + auction.call), Due::Call(product))
            }
        });
        self.agenda.set_auction(product, next);
    }

    /// Takes a product's listings out of the agenda, before its terms change.
    pub(crate) fn unschedule(&mut self, product: ProductId) {
        self.agenda.due.retain(|(_, due)| !matches!(due, Due::List(of, _) if *of == product));
    }

    /// Lists the periods that have come within the horizon, a slice at a time.
    fn list(&mut self, turn: &mut Turn, product: ProductId, kind: PeriodKind) -> bool {
        let now = turn.at.time;
        let current = Period::holding(kind, now.hour());
        let listed = self.instruments.known(product);
        // The horizon's last period: so many whole periods after the current one.
        let last = current.after(listed.terms.horizon.of(kind));
        let from = listed.listed_until[kind as usize].max(current.end());
        let mut period = Period::holding(kind, from);
        for _ in 0..SLICE {
            let listed = self.instruments.known(product);
            let exhausted = period.start <= last.start
                && listed.terms.gate(kind, period.start.start()) > now
                && !self.instruments.is_over_in_part(product, period, now)
                && self.list_one(turn, product, period).is_none();
            if period.start > last.start || exhausted {
                // Once instruments are exhausted, those that end meanwhile make room.
                self.agenda.add(current.end().start(), Due::List(product, kind));
                return true;
            }
            self.instruments.known_mut(product).listed_until[kind as usize] = period.end();
            period = period.next();
        }
        false
    }

    /// The instrument of a period, listed now unless it is already; `None` when no more can be listed.
    fn list_one(&mut self, turn: &mut Turn, product: ProductId, period: Period) -> Option<InstrumentId> {
        if let Some(known) = self.instruments.delivering(product, period) {
            return Some(known);
        }
        let id = self.instruments.list(product, period)?;
        let instrument = self.instruments.at(id.slot());
        let (gate, tick) = (instrument.gate, instrument.tick);
        self.books.open(id.slot(), tick);
        self.agenda.add(gate, gate_of(period.kind, id));
        let symbol = Symbol { product: self.instruments.known(product).terms.symbol.clone(), period };
        turn.push(Event::Listed { instrument: id, product, symbol, gate });
        Some(id)
    }

    // --- orders that end by time ---

    pub(crate) fn set_expiry(&mut self, id: OrderId, instrument: InstrumentId, until: Time) {
        self.agenda.arrivals += 1;
        let arrival = self.agenda.arrivals;
        self.expiries.insert(id.slot() as u32, (until, arrival));
        self.agenda.expiries.insert((instrument, until, arrival, id));
        self.agenda.add(until, Due::Expiry(instrument));
    }

    pub(crate) fn drop_expiry(&mut self, id: OrderId, instrument: InstrumentId) {
        if let Some((until, arrival)) = self.expiries.remove(&(id.slot() as u32)) {
            self.agenda.expiries.remove(&(instrument, until, arrival, id));
            let from = (instrument, until, 0, OrderId::NONE);
            let to = (instrument, until, u64::MAX, OrderId(u64::MAX));
            if self.agenda.expiries.range(from..=to).next().is_none() {
                self.agenda.due.remove(&(until, Due::Expiry(instrument)));
            }
        }
    }

    /// Ends a slice of the orders of an instrument whose time was over by `by`; whether that was all.
    fn expire(&mut self, turn: &mut Turn, id: InstrumentId, by: Time) -> bool {
        let from = (id, Time(i64::MIN), 0, OrderId::NONE);
        let to = (id, by, u64::MAX, OrderId(u64::MAX));
        for _ in 0..SLICE {
            let Some(&(_, _, _, order)) = self.agenda.expiries.range(from..=to).next() else { return true };
            let reason = match self.orders[order.slot()].lifetime {
                crate::machine::Lifetime::Day => CancelReason::DayEnd,
                _ => CancelReason::Expired,
            };
            self.cancel_order(turn, order, reason);
        }
        self.agenda.expiries.range(from..=to).next().is_none()
    }

    // --- auctions ---

    /// Orders only rest from now on, until `until` or until the operator uncrosses.
    pub(crate) fn begin_call(&mut self, turn: &mut Turn, slot: usize, until: Option<Time>) {
        let instrument = self.instruments.at_mut(slot);
        let id = instrument.id;
        instrument.phase = Phase::Call;
        let before = std::mem::replace(&mut instrument.call_until, until.unwrap_or_default());
        self.agenda.due.remove(&(before, Due::CallEnd(id)));
        self.books.set_call(slot, true);
        if let Some(until) = until {
            self.agenda.add(until, Due::CallEnd(id));
        }
        self.announce(turn, slot);
    }

    /// A call begun for a time ends. While a halt lasts it goes on, no longer frozen, and is looked at each minute.
    /// One that is late, after a pause of the whole exchange, never trades past its gate.
    fn end_call(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let Some(instrument) = self.instruments.get(id).filter(|instrument| instrument.in_call()) else {
            return true;
        };
        if turn.at.time >= instrument.gate {
            self.instruments.at_mut(id.slot()).call_until = Time(0);
        } else if self.instruments.is_halted(instrument) {
            let later = turn.at.time.plus_nanos(Time::MINUTE);
            let instrument = self.instruments.at_mut(id.slot());
            instrument.call_until = later;
            instrument.phase = Phase::Call;
            self.agenda.add(later, Due::CallEnd(id));
        } else {
            self.uncross(turn, id.slot(), None);
        }
        true
    }

    /// One price for everyone who waited; then continuous trading.
    pub(crate) fn uncross(&mut self, turn: &mut Turn, slot: usize, reference: Option<Price>) {
        let instrument = self.instruments.at(slot);
        let id = instrument.id;
        let last = (instrument.last_trade.0 > 0).then_some(instrument.last_trade);
        let reference = reference.or(last);
        self.cancel_uncovered(turn, slot, reference);
        let mut pairs = Vec::new();
        let mut unfilled = Vec::new();
        let result = self.books.uncross(slot, reference, &mut pairs, &mut unfilled);

        let until = {
            let instrument = self.instruments.at_mut(slot);
            instrument.phase = Phase::Continuous;
            if let Some((price, _)) = result {
                instrument.last_auction = price;
                instrument.last_trade = price;
            }
            std::mem::take(&mut instrument.call_until)
        };
        self.agenda.due.remove(&(until, Due::CallEnd(id)));
        if let Some((price, quantity)) = result {
            turn.push(Event::Uncrossed { instrument: id, price, quantity });
        }
        for pair in &pairs {
            self.settle_pair(turn, slot, pair);
        }
        for order in unfilled {
            self.cancel_order(turn, order, CancelReason::AuctionEnd);
        }
        self.books.set_call(slot, false);
        debug_assert!(self.books.is_uncrossed(slot), "an uncross leaves nothing crossed");
        self.announce(turn, slot);
        self.trigger_stops(turn, slot);
    }

    /// A market order holds at the top of the band it came under. Where the price of an uncross lies above that,
    /// because the band has moved since, it leaves before it would trade; and then the price may be another.
    fn cancel_uncovered(&mut self, turn: &mut Turn, slot: usize, reference: Option<Price>) {
        loop {
            let mut buys = self.books.orders(slot, Side::Buy).take_while(|order| order.price == Price(0));
            let Some(first) = buys.next() else { return };
            let Some((price, _)) = self.books.indicative(slot, reference) else { return };
            let uncovered: Vec<OrderId> = std::iter::once(first)
                .chain(buys)
                .map(|order| order.id)
                .filter(|id| !self.covers(*id, price))
                .collect();
            if uncovered.is_empty() {
                return;
            }
            for order in uncovered {
                self.cancel_order(turn, order, CancelReason::Uncovered);
            }
        }
    }

    /// Whether a buy's hold pays for all its leaves at this price.
    fn covers(&self, id: OrderId, price: Price) -> bool {
        let record = &self.orders[id.slot()];
        let instrument = self.instruments.at(record.instrument.slot());
        let Some(amount) = Money::of(price, record.leaves(), instrument.period.hours) else { return false };
        let account = self.accounts.known(record.account);
        let money = match self.accounts.purse(record.account, instrument.currency) {
            Some(purse) if account.unlimited => self.ledger.available(purse.cash),
            _ => record.hold,
        };
        i128::from(amount.0) + i128::from(amount.share_ppm(instrument.hold_fee_ppm()).0)
            <= i128::from(money.0)
    }

    pub(crate) fn open_auction(&mut self, turn: &mut Turn, scope: Scope, until: Option<Time>) -> Answer {
        if until.is_some_and(|until| until <= turn.at.time) {
            return self.refuse(turn, RejectReason::BadExpiry);
        }
        self.for_scope(turn, scope, |exchange, turn, slot| {
            if exchange.instruments.at(slot).phase != Phase::Continuous {
                return false;
            }
            exchange.begin_call(turn, slot, until);
            true
        })
    }

    pub(crate) fn uncross_scope(
        &mut self,
        turn: &mut Turn,
        scope: Scope,
        reference: Option<Price>,
    ) -> Answer {
        if reference.is_some_and(|price| price.0 <= 0 || price > Price::CAP) {
            return self.refuse(turn, RejectReason::BadPrice);
        }
        self.for_scope(turn, scope, |exchange, turn, slot| {
            let instrument = exchange.instruments.at(slot);
            if !instrument.in_call() || exchange.instruments.is_halted(instrument) {
                return false;
            }
            exchange.uncross(turn, slot, reference);
            true
        })
    }

    /// Does something to the instruments of a scope that can take it; refused when none can.
    fn for_scope(
        &mut self,
        turn: &mut Turn,
        scope: Scope,
        mut act: impl FnMut(&mut Exchange, &mut Turn, usize) -> bool,
    ) -> Answer {
        let ids: Vec<InstrumentId> = match scope {
            Scope::Market => return self.refuse(turn, RejectReason::Unsupported),
            Scope::Instrument(id) if self.instruments.get(id).is_some() => vec![id],
            Scope::Instrument(_) => return self.refuse(turn, RejectReason::UnknownInstrument),
            Scope::Product(id) if self.instruments.product(id).is_some() => {
                self.instruments.of_product(id).collect()
            }
            Scope::Product(_) => return self.refuse(turn, RejectReason::UnknownProduct),
        };
        let mut count = 0;
        for id in ids {
            self.catch_up(turn, id);
            let open =
                self.instruments.get(id).is_some_and(|one| one.is_tradable() && turn.at.time < one.gate);
            if open && act(self, turn, id.slot()) {
                count += 1;
            }
        }
        match count {
            0 => self.refuse(turn, RejectReason::NotInCall),
            count => Answer { number: count, ..self.answer() },
        }
    }

    /// The instruments of the daily auction on the day of `due`: the next day's hours, and the day.
    fn auctioned(&self, product: ProductId, due: Time) -> Vec<usize> {
        let day = Period::holding(PeriodKind::Day, due.next_midnight().hour());
        std::iter::once(day)
            .chain(day.parts())
            .filter_map(|period| self.instruments.delivering(product, period))
            .map(InstrumentId::slot)
            .collect()
    }

    /// The daily call begins, for each instrument until the uncross.
    fn scheduled_call(&mut self, turn: &mut Turn, product: ProductId, due: Time) -> bool {
        let Some(auction) = self.instruments.known(product).terms.auction else { return true };
        let now = turn.at.time;
        let at = |day: i64, time: i64| Time(day * Time::DAY + time);
        let uncross = at(due.day(), auction.uncross);
        if now < uncross {
            for slot in self.auctioned(product, due) {
                let instrument = self.instruments.at(slot);
                if instrument.is_tradable() && now < instrument.gate {
                    self.begin_call(turn, slot, Some(uncross));
                }
            }
            let freeze = at(due.day(), auction.freeze);
            self.agenda.set_auction(product, Some((freeze, Due::Freeze(product))));
        } else {
            // After a pause that has slept through calls: the first that is not over.
            let over_today = now >= at(now.day(), auction.uncross);
            let day = (due.day() + 1).max(now.day() + i64::from(over_today));
            self.agenda.set_auction(product, Some((at(day, auction.call), Due::Call(product))));
        }
        true
    }

    fn scheduled_freeze(&mut self, turn: &mut Turn, product: ProductId, due: Time) -> bool {
        let Some(auction) = self.instruments.known(product).terms.auction else { return true };
        let uncross = Time(due.day() * Time::DAY + auction.uncross);
        for slot in self.auctioned(product, due) {
            let instrument = self.instruments.at_mut(slot);
            if instrument.phase == Phase::Call && instrument.call_until == uncross {
                instrument.phase = Phase::Frozen;
                self.announce(turn, slot);
            }
        }
        let next = Time((due.day() + 1) * Time::DAY + auction.call);
        self.agenda.set_auction(product, Some((next, Due::Call(product))));
        true
    }

    // --- gates ---

    /// Orders expire, then positions cascade or become obligations; a slice at a time. Positions leave a period only
    /// when no longer one that holds it is listed any more: thus none falls into a period that is done.
    fn close_gate(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let Some(instrument) = self.instruments.get(id) else { return true };
        let (slot, until, period) = (id.slot(), instrument.call_until, instrument.period);
        if instrument.phase != Phase::GateClosed {
            self.agenda.due.remove(&(until, Due::CallEnd(id)));
            let instrument = self.instruments.at_mut(slot);
            instrument.phase = Phase::GateClosed;
            instrument.call_until = Time(0);
            self.announce(turn, slot);
        }
        for _ in 0..SLICE {
            let Some(order) = self.books.first_order(slot) else { break };
            self.cancel_order(turn, order, CancelReason::GateClosed);
        }
        let instrument = self.instruments.at(slot);
        if instrument.open_orders > 0 {
            return false;
        }
        // What falls out of a longer period comes in first, whichever gates they were listed with. At one instant
        // the longer one comes first; one that is late is waited for.
        let longer = self.instruments.holding(instrument.product, period).map(|longer| longer.gate).max();
        if let Some(gate) = longer {
            let later = if gate > turn.at.time { gate } else { turn.at.time.plus_nanos(Time::MINUTE) };
            self.agenda.add(later, gate_of(period.kind, id));
            return true;
        }
        if period.kind == PeriodKind::Hour {
            let done = self.oblige(turn, id);
            if done {
                self.books.close(slot);
                self.agenda.add(period.start.start().max(turn.at.time), Due::Delivery(id));
            }
            return done;
        }
        match self.cascade(turn, id, period) {
            Cascade::More => false,
            Cascade::Done => {
                self.books.close(slot);
                turn.push(Event::StatusChanged { instrument: id, status: Status::Settled });
                self.instruments.delist(id);
                true
            }
            // No part is lost: those that end meanwhile make room.
            Cascade::NoRoom => {
                self.agenda.add(turn.at.time.plus_nanos(Time::MINUTE), gate_of(period.kind, id));
                true
            }
        }
    }

    /// A longer period's positions become the same positions in its parts.
    fn cascade(&mut self, turn: &mut Turn, id: InstrumentId, period: Period) -> Cascade {
        let product = self.instruments.at(id.slot()).product;
        let parts: Vec<Period> = period.parts().collect();
        let hours: Vec<u32> = parts.iter().map(|part| part.hours).collect();
        // A part is listed long before its whole's gate, unless its own horizon is shorter.
        let listed: Option<Vec<InstrumentId>> =
            parts.iter().map(|part| self.list_one(turn, product, *part)).collect();
        let Some(into) = listed else { return Cascade::NoRoom };
        for _ in 0..SLICE.div_ceil(parts.len()) {
            let Some((account, mut position)) = self.positions.pop_first(id) else {
                self.post_fees(id);
                return Cascade::Done;
            };
            self.post_realised(turn, id, account, &mut position);
            for (part, into) in position.split(&hours).zip(&into) {
                debug_assert!(!self.unpaired.contains_key(into), "no part is done before its whole");
                self.take_in(turn, account, *into, part);
                turn.push(Event::Cascaded { account, from: id, into: *into, units: part.units });
            }
        }
        Cascade::More
    }

    /// The part of a position joins what the account has in that period; freed escrow becomes cash.
    fn take_in(&mut self, turn: &mut Turn, account: AccountId, into: InstrumentId, part: Position) {
        let effect = self.positions.absorb(account, into, part);
        let freed = part.escrow_needed() - effect.escrow;
        if freed != Money::ZERO {
            let currency = self.instruments.at(into.slot()).currency;
            let purse = self.purse(account, currency);
            let lines = [Posting::new(purse.escrow, -freed), Posting::new(purse.cash, freed)];
            let entry = self.ledger.post(EntryKind::EscrowRelease, &lines);
            let line = Self::blank_line(account, entry, EntryKind::EscrowRelease, currency);
            self.tell(turn, LedgerLine { instrument: into, cash: freed, escrow: -freed, ..line });
        }
    }

    /// Gains are paid, losses collected, through the clearing account.
    fn post_realised(
        &mut self,
        turn: &mut Turn,
        id: InstrumentId,
        account: AccountId,
        position: &mut Position,
    ) {
        let realised = position.take_realised();
        if realised == Money::ZERO {
            return;
        }
        let currency = self.instruments.at(id.slot()).currency;
        let (purse, house) = (self.purse(account, currency), self.house[usize::from(currency.0)]);
        let (from, cash, escrow) = if realised > Money::ZERO {
            (purse.cash, realised, Money::ZERO)
        } else {
            (purse.escrow, Money::ZERO, realised)
        };
        let lines = [Posting::new(from, realised), Posting::new(house.clearing, -realised)];
        let entry = self.ledger.post(EntryKind::Gate, &lines);
        let line = Self::blank_line(account, entry, EntryKind::Gate, currency);
        self.tell(turn, LedgerLine { instrument: id, cash, escrow, ..line });
    }

    /// The fees inside realised results go from the clearing account to the house.
    fn post_fees(&mut self, id: InstrumentId) {
        let fees = self.positions.finish(id);
        if fees != Money::ZERO {
            let house = self.house[usize::from(self.instruments.at(id.slot()).currency.0)];
            self.ledger.post(
                EntryKind::Gate,
                &[Posting::new(house.clearing, -fees), Posting::new(house.fees, fees)],
            );
        }
    }

    /// Those who sold an hour owe it to those who bought it, paired in the order of accounts; a slice at a time.
    ///
    /// Positions come out in the order of accounts. Those that find nobody wait, all bought or all sold, and the
    /// first that waits is always paired first: so both sides meet in the order of accounts.
    fn oblige(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let Unpaired { mut waiting, mut next } = self.unpaired.remove(&id).unwrap_or_default();
        for _ in 0..SLICE {
            let Some((account, mut position)) = next.take().or_else(|| self.positions.pop_first(id)) else {
                assert!(waiting.is_empty(), "units of an instrument sum to zero");
                self.post_fees(id);
                return true;
            };
            self.post_realised(turn, id, account, &mut position);
            let pairs = waiting
                .front_mut()
                .filter(|(_, first)| first.units.signum() == -position.units.signum() && position.units != 0);
            match pairs {
                None if position.units == 0 => {}
                None => waiting.push_back((account, position)),
                Some((other, first)) => {
                    let lots = first.units.abs().min(position.units.abs());
                    let (theirs, its) = (part_of(first, lots), part_of(&mut position, lots));
                    let ((deliverer, sold), (receiver, bought)) = if its.units < 0 {
                        ((account, its), (*other, theirs))
                    } else {
                        ((*other, theirs), (account, its))
                    };
                    if first.units == 0 {
                        waiting.pop_front();
                    }
                    if position.units != 0 {
                        next = Some((account, position));
                    }
                    self.owe(turn, id, (deliverer, sold), (receiver, bought));
                }
            }
        }
        self.unpaired.insert(id, Unpaired { waiting, next });
        false
    }

    fn owe(
        &mut self,
        turn: &mut Turn,
        id: InstrumentId,
        (deliverer, sold): (AccountId, Position),
        (receiver, bought): (AccountId, Position),
    ) {
        let instrument = self.instruments.at(id.slot());
        let obligation = Obligation {
            instrument: id,
            product: instrument.product,
            hour: instrument.period.start,
            deliverer,
            receiver,
            quantity: Quantity(bought.units),
            deliverer_cost: -sold.cost,
            receiver_cost: bought.cost,
            fee: sold.fee_due,
        };
        turn.push(Event::Obliged(obligation));
        self.obligations.entry(id).or_default().push(obligation);
    }

    fn begin_delivery(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let end = self.instruments.at(id.slot()).period.end().start();
        self.instruments.at_mut(id.slot()).phase = Phase::Delivering;
        self.announce(turn, id.slot());
        self.agenda.add(end.max(turn.at.time), Due::DeliveryEnd(id));
        true
    }

    /// An hour that nobody owes is settled by its end; what is owed waits for its meter readings.
    fn end_delivery(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        if !self.obligations.contains_key(&id) {
            turn.push(Event::StatusChanged { instrument: id, status: Status::Settled });
            self.instruments.delist(id);
        }
        true
    }

    pub(crate) fn announce(&self, turn: &mut Turn, slot: usize) {
        let instrument = self.instruments.at(slot);
        turn.push(Event::StatusChanged {
            instrument: instrument.id,
            status: self.instruments.status(instrument),
        });
    }
}

/// How far the cascade of a gate has come.
enum Cascade {
    More,
    Done,
    /// A part could not be listed.
    NoRoom,
}

fn gate_of(kind: PeriodKind, id: InstrumentId) -> Due {
    match kind {
        PeriodKind::Hour => Due::GateOfHour(id),
        PeriodKind::Day => Due::GateOfDay(id),
        PeriodKind::Week => Due::GateOfWeek(id),
        PeriodKind::Month => Due::GateOfMonth(id),
    }
}

/// Takes `lots` out of a position with their share of its money, rounded toward zero: the last takes the rest.
fn part_of(position: &mut Position, lots: i64) -> Position {
    let all = position.units.abs();
    let share = |money: Money| Money((i128::from(money.0) * i128::from(lots) / i128::from(all)) as i64);
    let part = Position {
        units: lots * position.units.signum(),
        cost: share(position.cost),
        realised: Money::ZERO,
        fee_due: share(position.fee_due),
    };
    position.units -= part.units;
    position.cost -= part.cost;
    position.fee_due -= part.fee_due;
    part
}
