//! What time does: instruments are listed, orders expire, auctions run, gates close, periods cascade.
//!
//! Time arrives with the commands. What is due is done in the order of the agenda, a bounded slice per
//! command and a larger one per tick, so that a gate with many holders never stalls an order; and a
//! command first does what is due on the instrument it touches, so that it never meets the past.

use crate::instruments::Phase;
use crate::machine::{Exchange, Turn};
use hourbook_ledger::{Position, Posting};
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Steps of due work in front of a command, and in a tick.
const STEPS_PER_COMMAND: usize = 8;
const STEPS_PER_TICK: usize = 512;
/// Orders or holders that one step takes from a gate.
const SLICE: usize = 32;

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
    Uncross(ProductId),
    Freeze(ProductId),
    Call(ProductId),
    List(ProductId, PeriodKind),
}

/// What is due, and when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Agenda {
    due: BTreeSet<(Time, Due)>,
    /// Orders that end by time, per instrument, in the order of their times and arrival.
    expiries: BTreeSet<(InstrumentId, Time, u64, OrderId)>,
    arrivals: u64,
}

impl Agenda {
    pub fn add(&mut self, time: Time, due: Due) {
        self.due.insert((time, due));
    }

    fn first(&self) -> Option<(Time, Due)> {
        self.due.first().copied()
    }
}

impl Exchange {
    /// When a tick has something to do; in the past when a slice left work over.
    pub fn next_due(&self) -> Option<Time> {
        self.agenda.first().map(|(time, _)| time)
    }

    /// Does what is due by now, a bounded slice of it.
    pub(crate) fn advance(&mut self, turn: &mut Turn, tick: bool) {
        let steps = if tick { STEPS_PER_TICK } else { STEPS_PER_COMMAND };
        for _ in 0..steps {
            match self.agenda.first() {
                Some((time, due)) if time <= turn.at.time => self.step(turn, time, due),
                _ => return,
            }
        }
        self.hours.forget(turn.at.time.hour());
    }

    /// Does what is due on one instrument before a command touches it, however far behind the agenda is.
    pub(crate) fn catch_up(&mut self, turn: &mut Turn, id: InstrumentId) {
        let now = turn.at.time;
        if self.agenda.first().is_none_or(|(time, _)| time > now) {
            return;
        }
        let Some(instrument) = self.instruments.get(id) else { return };
        let product = instrument.product;
        let call_until = instrument.call_until;
        self.expire(turn, id, usize::MAX);
        let overdue: Vec<(Time, Due)> = self
            .agenda
            .due
            .range(..=(now, Due::List(ProductId(u32::MAX), PeriodKind::Month)))
            .filter(|(_, due)| matches!(due, Due::Uncross(of) | Due::Freeze(of) | Due::Call(of) if *of == product))
            .copied()
            .collect();
        for (time, due) in overdue {
            self.step(turn, time, due);
        }
        if call_until.0 > 0 && call_until <= now && self.agenda.due.contains(&(call_until, Due::CallEnd(id)))
        {
            self.step(turn, call_until, Due::CallEnd(id));
        }
    }

    fn step(&mut self, turn: &mut Turn, time: Time, due: Due) {
        let done = match due {
            Due::Expiry(id) => self.expire(turn, id, SLICE),
            Due::GateOfMonth(id) | Due::GateOfWeek(id) | Due::GateOfDay(id) | Due::GateOfHour(id) => {
                self.close_gate(turn, id)
            }
            Due::Delivery(id) => self.begin_delivery(turn, id),
            Due::DeliveryEnd(id) => self.end_delivery(turn, id),
            Due::CallEnd(id) => self.end_call(turn, id, time),
            Due::Uncross(product) => self.scheduled_uncross(turn, product, time),
            Due::Freeze(product) => self.scheduled_freeze(turn, product, time),
            Due::Call(product) => self.scheduled_call(turn, product, time),
            Due::List(product, kind) => self.list(turn, product, kind, time),
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
        if let Some(auction) = self.instruments.known(product).terms.auction {
            let next = |at: i64| {
                let today = Time(now.day() * Time::DAY + at);
                if today > now { today } else { today.plus_nanos(Time::DAY) }
            };
            self.agenda.add(next(auction.call), Due::Call(product));
        }
    }

    /// Takes every entry of a product's schedule out, before its terms change.
    pub(crate) fn unschedule(&mut self, product: ProductId) {
        self.agenda.due.retain(|(_, due)| !matches!(due, Due::List(of, _) | Due::Call(of) if *of == product));
    }

    /// Lists the periods that have come within the horizon, a slice at a time.
    fn list(&mut self, turn: &mut Turn, product: ProductId, kind: PeriodKind, _due: Time) -> bool {
        let now = turn.at.time;
        let current = Period::holding(kind, now.hour());
        let listed = self.instruments.known(product);
        let horizon = listed.terms.horizon.of(kind);
        let from = listed.listed_until[kind as usize].max(current.end());
        let mut period = Period::holding(kind, from);
        // The horizon's last period: so many whole periods after the current one.
        let mut last = current;
        for _ in 0..horizon {
            last = last.next();
        }
        for _ in 0..SLICE {
            if period.start > last.start {
                let next = current.end().start();
                self.agenda.add(next, Due::List(product, kind));
                return true;
            }
            if self.instruments.known(product).terms.gate(kind, period.start.start()) > now
                && !self.list_one(turn, product, period)
            {
                return true;
            }
            self.instruments.known_mut(product).listed_until[kind as usize] = period.end();
            period = period.next();
        }
        false
    }

    fn list_one(&mut self, turn: &mut Turn, product: ProductId, period: Period) -> bool {
        let Some(id) = self.instruments.list(product, period) else {
            turn.push(Event::Refused { reason: RejectReason::InstrumentsExhausted });
            return false;
        };
        let instrument = self.instruments.at(id.slot());
        let gate = instrument.gate;
        self.books.open(id.slot());
        self.agenda.add(gate, gate_of(period.kind, id));
        let symbol = Symbol { product: self.instruments.known(product).terms.symbol.clone(), period };
        turn.push(Event::Listed { instrument: id, product, symbol, gate });
        true
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

    /// Ends at most `most` orders of an instrument whose time is over; whether that was all.
    fn expire(&mut self, turn: &mut Turn, id: InstrumentId, most: usize) -> bool {
        let from = (id, Time(i64::MIN), 0, OrderId::NONE);
        let to = (id, turn.at.time, u64::MAX, OrderId(u64::MAX));
        for _ in 0..most {
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

    /// A call begun for a time ends. While a halt lasts, it goes on, and is looked at each minute.
    fn end_call(&mut self, turn: &mut Turn, id: InstrumentId, _due: Time) -> bool {
        let Some(instrument) = self.instruments.get(id).filter(|instrument| instrument.in_call()) else {
            return true;
        };
        if self.instruments.is_halted(instrument) {
            let later = turn.at.time.plus_nanos(Time::MINUTE);
            self.instruments.at_mut(id.slot()).call_until = later;
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
        let mut pairs = Vec::new();
        let mut unfilled = Vec::new();
        let result = self.books.uncross(slot, reference.or(last), &mut pairs, &mut unfilled);

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
        self.announce(turn, slot);
        self.trigger_stops(turn, slot);
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
        if reference.is_some_and(|price| price.0 <= 0) {
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

    fn scheduled_call(&mut self, turn: &mut Turn, product: ProductId, due: Time) -> bool {
        let Some(auction) = self.instruments.known(product).terms.auction else { return true };
        let midnight = Time(due.day() * Time::DAY);
        self.agenda.add(due.plus_nanos(Time::DAY), Due::Call(product));
        // After a long pause the call may be over before it began.
        if turn.at.time < midnight.plus_nanos(auction.uncross) {
            for slot in self.auctioned(product, due) {
                if self.instruments.at(slot).is_tradable() {
                    self.begin_call(turn, slot, None);
                }
            }
            self.agenda.add(midnight.plus_nanos(auction.freeze), Due::Freeze(product));
            self.agenda.add(midnight.plus_nanos(auction.uncross), Due::Uncross(product));
        }
        true
    }

    fn scheduled_freeze(&mut self, turn: &mut Turn, product: ProductId, due: Time) -> bool {
        for slot in self.auctioned(product, due) {
            if self.instruments.at(slot).phase == Phase::Call {
                self.instruments.at_mut(slot).phase = Phase::Frozen;
                self.announce(turn, slot);
            }
        }
        true
    }

    fn scheduled_uncross(&mut self, turn: &mut Turn, product: ProductId, due: Time) -> bool {
        for slot in self.auctioned(product, due) {
            let instrument = self.instruments.at(slot);
            if !instrument.in_call() {
                continue;
            }
            if self.instruments.is_halted(instrument) {
                let (id, later) = (instrument.id, turn.at.time.plus_nanos(Time::MINUTE));
                self.instruments.at_mut(slot).call_until = later;
                self.agenda.add(later, Due::CallEnd(id));
            } else {
                self.uncross(turn, slot, None);
            }
        }
        true
    }

    // --- gates ---

    /// Orders expire, then positions cascade or become obligations; a slice at a time.
    fn close_gate(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let Some(instrument) = self.instruments.get(id) else { return true };
        let (slot, until) = (id.slot(), instrument.call_until);
        if instrument.phase != Phase::GateClosed {
            self.agenda.due.remove(&(until, Due::CallEnd(id)));
            self.instruments.at_mut(slot).phase = Phase::GateClosed;
            self.announce(turn, slot);
        }
        for _ in 0..SLICE {
            let Some(order) = self.books.first_order(slot) else { break };
            self.cancel_order(turn, order, CancelReason::GateClosed);
        }
        if self.instruments.at(slot).open_orders > 0 {
            return false;
        }
        let period = self.instruments.at(slot).period;
        let done = if period.kind == PeriodKind::Hour {
            self.oblige(turn, id)
        } else {
            self.cascade(turn, id, period)
        };
        if done {
            self.books.close(slot);
            if period.kind == PeriodKind::Hour {
                self.agenda.add(period.start.start().max(turn.at.time), Due::Delivery(id));
            } else {
                turn.push(Event::StatusChanged { instrument: id, status: Status::Settled });
                self.instruments.delist(id);
            }
        }
        done
    }

    /// A longer period's positions become the same positions in its parts.
    fn cascade(&mut self, turn: &mut Turn, id: InstrumentId, period: Period) -> bool {
        let product = self.instruments.at(id.slot()).product;
        let parts: Vec<Period> = period.parts().collect();
        let hours: Vec<u32> = parts.iter().map(|part| part.hours).collect();
        // A part is listed long before its whole's gate, unless its own horizon is shorter.
        let mut into = Vec::with_capacity(parts.len());
        for part in &parts {
            if self.instruments.delivering(product, *part).is_none() {
                self.list_one(turn, product, *part);
            }
            match self.instruments.delivering(product, *part) {
                Some(part) => into.push(part),
                None => return true,
            }
        }
        for _ in 0..SLICE.div_ceil(parts.len()) {
            let Some((account, mut position)) = self.positions.pop_first(id) else {
                self.post_fees(id);
                return true;
            };
            self.post_realised(turn, id, account, &mut position);
            for (part, into) in position.split(&hours).zip(&into) {
                self.take_in(turn, account, *into, part);
                turn.push(Event::Cascaded { account, from: id, into: *into, units: part.units });
            }
        }
        false
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

    /// Those who sold an hour owe it to those who bought it, paired in the order of accounts.
    fn oblige(&mut self, turn: &mut Turn, id: InstrumentId) -> bool {
        let instrument = self.instruments.at(id.slot());
        let (product, hour) = (instrument.product, instrument.period.start);
        let mut sold = Vec::new();
        let mut bought = Vec::new();
        while let Some((account, mut position)) = self.positions.pop_first(id) {
            self.post_realised(turn, id, account, &mut position);
            match position.units {
                0 => {}
                1.. => bought.push((account, position)),
                _ => sold.push((account, position)),
            }
        }
        self.post_fees(id);

        let mut obligations = Vec::new();
        let mut buyers = bought.into_iter();
        let mut buyer = buyers.next();
        for (deliverer, mut owed) in sold {
            while owed.units < 0 {
                let (receiver, due) = buyer.as_mut().expect("units of an instrument sum to zero");
                let lots = due.units.min(-owed.units);
                let (received, delivered) = (part_of(due, lots), part_of(&mut owed, lots));
                let obligation = Obligation {
                    instrument: id,
                    product,
                    hour,
                    deliverer,
                    receiver: *receiver,
                    quantity: Quantity(lots),
                    deliverer_cost: -delivered.cost,
                    receiver_cost: received.cost,
                    fee: delivered.fee_due,
                };
                turn.push(Event::Obliged(obligation));
                obligations.push(obligation);
                if due.units == 0 {
                    buyer = buyers.next();
                }
            }
        }
        assert!(buyer.is_none(), "units of an instrument sum to zero");
        if !obligations.is_empty() {
            self.obligations.insert(id, obligations);
        }
        true
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
