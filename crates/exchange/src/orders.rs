//! Orders: checked in one documented order, entered, changed and ended.
//!
//! A refusal changes nothing. What is accepted holds its cover before it meets the book.

use crate::accounts::NOBODY;
use crate::fills::proportion;
use crate::instruments::{Instrument, Phase};
use crate::machine::{Exchange, Lifetime, Marks, OrderRecord, Turn};
use hourbook_book::{Execution, Incoming, Outcome};
use hourbook_model::*;
use std::collections::BTreeSet;

/// The parts of an order that price and cover depend on.
struct Wish {
    side: Side,
    order_type: OrderType,
    price: Price,
    trigger: Price,
    quantity: Quantity,
    budget: Option<Money>,
}

impl Exchange {
    pub(crate) fn place(&mut self, turn: &mut Turn, order: &NewOrder) -> Answer {
        self.catch_up(turn, order.instrument);
        match self.check_new(turn, order) {
            Err(reason) => self.reject(turn, order, reason),
            Ok(hold) => self.accept(turn, order, hold, Marks::default()),
        }
    }

    /// The checks of a new order, in the order of `docs/errors.md`. Cover comes last, and is taken: how much
    /// cash a buy holds.
    fn check_new(&mut self, turn: &mut Turn, order: &NewOrder) -> Result<Money, RejectReason> {
        use RejectReason::*;
        let request = turn.request;
        let Some(account) = self.accounts.get(request.account) else { return Err(UnknownAccount) };
        let Some(instrument) = self.instruments.get(order.instrument) else { return Err(UnknownInstrument) };
        if !instrument.is_tradable() || turn.at.time >= instrument.gate {
            return Err(GateClosed);
        }
        if self.instruments.is_halted(instrument) {
            return Err(Halted);
        }
        if account.killed {
            return Err(Killed);
        }

        let product = &self.instruments.known(instrument.product).terms;
        if order.quantity <= Quantity::ZERO {
            return Err(BadQuantity);
        }
        if order.quantity > product.max_quantity {
            return Err(QuantityAboveCap);
        }
        let stop = matches!(order.order_type, OrderType::Stop | OrderType::StopLimit);
        let limited = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
        if limited != (order.price.0 > 0) || order.price.0 < 0 || order.price > Price::CAP {
            return Err(BadPrice);
        }
        if order.price.0 % instrument.tick.0 != 0 {
            return Err(PriceOffTick);
        }
        if stop != (order.trigger.0 > 0)
            || order.trigger.0 % instrument.tick.0 != 0
            || order.trigger > Price::CAP
        {
            return Err(BadTrigger);
        }
        if order.display < Quantity::ZERO {
            return Err(BadDisplay);
        }
        let ioc = order.time_in_force == TimeInForce::Ioc;
        if order.minimum < Quantity::ZERO || order.minimum > order.quantity || (order.minimum.0 > 0 && !ioc) {
            return Err(BadMinimum);
        }
        let mut budget = None;
        match order.time_in_force {
            TimeInForce::Gtd(until) if until <= turn.at.time => return Err(BadExpiry),
            TimeInForce::FokBudget(money) if money <= Money::ZERO => return Err(BadBudget),
            TimeInForce::FokBudget(money) => budget = Some(money),
            _ => {}
        }
        let whole = matches!(order.time_in_force, TimeInForce::Fok | TimeInForce::FokBudget(_));
        // A stop comes into the book later, where these promises could not be kept.
        if stop && (whole || order.post_only || order.minimum.0 > 0) {
            return Err(Unsupported);
        }
        let client_id = &request.client_id;
        if !client_id.is_none() && self.accounts.order_named(request.account, client_id).is_some() {
            return Err(DuplicateClientId);
        }

        let wish = Wish {
            side: order.side,
            order_type: order.order_type,
            price: order.price,
            trigger: order.trigger,
            quantity: order.quantity,
            budget,
        };
        let hold = self.price_and_cover(request.account, order.instrument, &wish)?;
        let slot = order.instrument.slot();
        let continuous = instrument.phase == Phase::Continuous;
        let market = order.order_type == OrderType::Market;
        // A stop waits whatever it does once it is triggered.
        let may_rest = stop || !(ioc || whole || market && continuous);
        if may_rest && account.open_orders >= account.limits.open_orders {
            return Err(TooManyOpenOrders);
        }
        if market && continuous && self.books.is_empty(slot, order.side.opposite()) {
            return Err(NoLiquidity);
        }
        if !continuous && !stop && (ioc || whole) {
            return Err(NotInAuction);
        }
        if order.post_only && continuous && (market || self.books.would_trade(slot, order.side, order.price))
        {
            return Err(PostOnly);
        }
        self.take_cover(request.account, order.instrument, order.side, hold, order.quantity)?;
        Ok(hold)
    }

    /// Band, caps, and the cash a buy would have to hold.
    fn price_and_cover(
        &self,
        account: AccountId,
        id: InstrumentId,
        wish: &Wish,
    ) -> Result<Money, RejectReason> {
        use RejectReason::*;
        let instrument = self.instruments.at(id.slot());
        let product = &self.instruments.known(instrument.product).terms;
        let unlimited = self.accounts.known(account).unlimited;
        // A limit says itself how far it may go.
        let limited = matches!(wish.order_type, OrderType::Limit | OrderType::StopLimit);
        let band = if limited { None } else { self.order_band(instrument) };

        let worst = match wish.order_type {
            OrderType::Limit | OrderType::StopLimit => Some(wish.price),
            // Without a band nothing says how far it may go, and so not what it must hold.
            OrderType::Market | OrderType::Stop if band.is_none() && wish.budget.is_none() && !unlimited => {
                return Err(NoReference);
            }
            OrderType::Market => band.map(|(lowest, highest)| match wish.side {
                Side::Buy => highest,
                Side::Sell => lowest,
            }),
            OrderType::Stop => band.map(|(_, highest)| highest.max(wish.trigger)),
        };
        if limited && !self.is_in_band(instrument, wish.price) {
            return Err(PriceOutOfBand);
        }
        let hours = instrument.period.hours;
        let at_worst = worst.map(|worst| Money::of(worst, wish.quantity, hours).unwrap_or(Money::MAX));
        let amount = match (at_worst, wish.budget) {
            // A buy never spends more than its budget, whatever its lots could cost.
            (Some(amount), Some(budget)) if wish.side == Side::Buy => amount.min(budget),
            (Some(amount), _) => amount,
            (None, budget) => budget.unwrap_or_default(),
        };
        if amount > product.max_notional {
            return Err(NotionalAboveCap);
        }
        // What an unlimited account may spend without a limit is bounded when it comes into the book.
        let spends_credit = unlimited && matches!(wish.order_type, OrderType::Market | OrderType::Stop);
        Ok(match wish.side {
            Side::Buy if !spends_credit => amount + amount.share_ppm(instrument.hold_fee_ppm()),
            _ => Money::ZERO,
        })
    }

    /// Holds cash for a buy or hours for a sell.
    pub(crate) fn take_cover(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        hold: Money,
        lots: Quantity,
    ) -> Result<(), RejectReason> {
        let instrument = self.instruments.at(id.slot());
        let known = self.accounts.known(account);
        match side {
            Side::Buy => {
                let purse = match self.accounts.purse(account, instrument.currency) {
                    Some(purse) => purse,
                    None if known.unlimited => self.purse(account, instrument.currency),
                    None => return Err(RejectReason::InsufficientFunds),
                };
                self.ledger.hold(purse.cash, hold).map_err(|_| RejectReason::InsufficientFunds)
            }
            Side::Sell => {
                let (product, range) = (instrument.product, instrument.period.start..instrument.period.end());
                if known.unlimited {
                    self.hours.take_uncovered(account, product, range, lots);
                    return Ok(());
                }
                self.hours.take(account, product, range, lots).map_err(|_| RejectReason::InsufficientHours)
            }
        }
    }

    /// Gives back what [`Exchange::take_cover`] took and no fill used.
    pub(crate) fn give_cover(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        hold: Money,
        lots: Quantity,
    ) {
        let instrument = self.instruments.at(id.slot());
        match side {
            Side::Buy if hold == Money::ZERO => {}
            Side::Buy => {
                let purse = self.accounts.purse(account, instrument.currency).expect("a hold has a purse");
                self.ledger.release(purse.cash, hold);
            }
            Side::Sell if lots == Quantity::ZERO => {}
            Side::Sell => {
                let range = instrument.period.start..instrument.period.end();
                self.hours.give(account, instrument.product, range, lots);
            }
        }
    }

    /// Takes a covered order in, and lets it trade.
    fn accept(&mut self, turn: &mut Turn, order: &NewOrder, hold: Money, marks: Marks) -> Answer {
        let request = turn.request;
        let id = self.books.allocate();
        let lifetime = match order.time_in_force {
            TimeInForce::Gtc => Lifetime::Gtc,
            TimeInForce::Day => Lifetime::Day,
            TimeInForce::Gtd(_) => Lifetime::Gtd,
            TimeInForce::Ioc => Lifetime::Ioc,
            TimeInForce::Fok => Lifetime::Fok,
            TimeInForce::FokBudget(_) => Lifetime::FokBudget,
        };
        let named = !request.client_id.is_none();
        let record = OrderRecord {
            hold,
            account: request.account,
            instrument: order.instrument,
            quantity: order.quantity.0 as u32,
            cumulative: 0,
            session: request.session,
            previous: NOBODY,
            next: NOBODY,
            order_type: order.order_type,
            lifetime,
            side: order.side,
            marks: marks.with(Marks::NAMED, named).with(Marks::POST_ONLY, order.post_only),
        };
        if self.orders.len() <= id.slot() {
            // A quarter more: a million orders do not ask for the room of two.
            if self.orders.capacity() <= id.slot() {
                self.orders.reserve_exact((id.slot() / 4).max(64));
            }
            self.orders.resize(id.slot() + 1, OrderRecord::GONE);
        }
        self.orders[id.slot()] = record;
        self.subject = (id, record);
        if named {
            self.accounts.name_order(request.account, request.client_id, id);
        }
        match order.time_in_force {
            TimeInForce::Day => self.set_expiry(id, order.instrument, turn.at.time.next_midnight()),
            TimeInForce::Gtd(until) => self.set_expiry(id, order.instrument, until),
            _ => {}
        }
        self.report_at(turn, id, ReportKind::Accepted, order.price, order.trigger);

        let slot = order.instrument.slot();
        let stop = matches!(order.order_type, OrderType::Stop | OrderType::StopLimit);
        let instrument = self.instruments.at(slot);
        let incoming = Incoming {
            id,
            owner: self.accounts.known(request.account).participant,
            side: order.side,
            limit: (order.price.0 > 0).then_some(order.price),
            quantity: order.quantity,
            display: (order.display.0 > 0).then_some(order.display),
            post_only: order.post_only,
            self_trade: order.self_trade,
            execution: match order.time_in_force {
                _ if order.order_type == OrderType::Stop => Execution::Ioc,
                TimeInForce::Ioc => Execution::Ioc,
                TimeInForce::Fok => Execution::Fok,
                TimeInForce::FokBudget(budget) => {
                    // Price x lots x hours against money: what one hour may cost, on the safe side.
                    let hours = i64::from(instrument.period.hours);
                    let round_up = order.side == Side::Sell && budget.0 % hours > 0;
                    Execution::FokBudget(budget.0 / hours + i64::from(round_up))
                }
                _ => Execution::Rest,
            },
            minimum: order.minimum,
            bound: None,
            affordable: None,
        };
        if stop {
            self.instruments.at_mut(slot).open_orders += 1;
            self.link(id);
            self.books.rest_stop(slot, incoming, order.trigger);
        } else {
            self.enter(turn, incoming);
        }
        self.trigger_stops(turn, slot);
        self.answer_after(id, order.price)
    }

    /// Lets an order trade and rest, and settles what becomes of it.
    pub(crate) fn enter(&mut self, turn: &mut Turn, mut incoming: Incoming) {
        let id = incoming.id;
        let record = self.orders[id.slot()];
        let slot = record.instrument.slot();
        let instrument = self.instruments.at(slot);
        if incoming.limit.is_none() && record.side == Side::Buy {
            incoming.affordable = self.affordable(&record, instrument);
        }
        // How far it may trade is asked only of an order that would trade.
        if incoming.limit.is_none_or(|price| self.books.would_trade(slot, record.side, price)) {
            incoming.bound = self.trade_bound(instrument, record.side);
        }
        // A market order trades at best up to the price that its hold was computed with.
        if incoming.limit.is_none()
            && let Some((lowest, highest)) = self.order_band(instrument)
            && instrument.phase == Phase::Continuous
        {
            let worst = if record.side == Side::Buy { highest } else { lowest };
            incoming.bound = Some(match (incoming.bound, record.side) {
                (None, _) => worst,
                (Some(bound), Side::Buy) => bound.min(worst),
                (Some(bound), Side::Sell) => bound.max(worst),
            });
        }
        let mut matches = std::mem::take(&mut self.matches);
        matches.clear();
        let entered = self.books.enter(slot, incoming, &mut matches);
        for met in &matches {
            self.settle_match(turn, slot, id, met);
        }
        self.matches = matches;

        match entered.outcome {
            Outcome::Filled => self.close(id),
            Outcome::Rested => self.rest(id),
            Outcome::Cancelled(why) => {
                self.end_with(turn, id, entered.left, why);
                if why == CancelReason::Band {
                    self.begin_volatility_call(turn, slot);
                }
            }
        }
        debug_assert!(
            self.books.is_uncrossed(slot) || self.instruments.at(slot).in_call(),
            "a continuous book is not crossed"
        );
    }

    /// The sum of price x lots that a buy without a limit may spend: what its hold covers, or where only
    /// credit bounds it, what the currency has room for. A market order's hold is never short of its band.
    fn affordable(&self, record: &OrderRecord, instrument: &Instrument) -> Option<i64> {
        let account = self.accounts.known(record.account);
        let money = match (account.unlimited, record.order_type) {
            (true, _) => {
                self.ledger.available(self.accounts.purse(record.account, instrument.currency)?.cash)
            }
            (false, OrderType::Stop) => record.hold,
            (false, _) => return None,
        };
        // The money covers the amount and its fee.
        let fee_ppm = i128::from(instrument.hold_fee_ppm());
        let amount = i128::from(money.0) * 1_000_000 / (1_000_000 + fee_ppm);
        Some((amount / i128::from(instrument.period.hours)) as i64)
    }

    /// The order waits in the book: on its account's list, and counted.
    fn rest(&mut self, id: OrderId) {
        let record = &self.orders[id.slot()];
        if !record.marks.has(Marks::LINKED) {
            let slot = record.instrument.slot();
            self.instruments.at_mut(slot).open_orders += 1;
            self.link(id);
        }
    }

    /// Stops that the last trade has reached, one by one, each complete before the next; a cascade
    /// completes within the command that began it.
    pub(crate) fn trigger_stops(&mut self, turn: &mut Turn, slot: usize) {
        loop {
            let instrument = self.instruments.at(slot);
            let quiet = instrument.phase != Phase::Continuous || self.instruments.is_halted(instrument);
            if quiet || instrument.last_trade == Price(0) {
                return;
            }
            let Some((mut incoming, trigger)) = self.books.next_triggered(slot, instrument.last_trade) else {
                return;
            };
            let id = incoming.id;
            if incoming.limit.is_some() {
                // A stop-limit becomes a limit order until gate closure, whatever it was entered with.
                let instrument = instrument.id;
                self.drop_expiry(id, instrument);
                self.orders[id.slot()].lifetime = Lifetime::Gtc;
                incoming.execution = Execution::Rest;
            }
            self.report_at(turn, id, ReportKind::Triggered, incoming.limit.unwrap_or_default(), trigger);
            self.enter(turn, incoming);
        }
    }

    // --- changes ---

    pub(crate) fn cancel(&mut self, turn: &mut Turn, order: OrderRef) -> Answer {
        let id = match self.find_changeable(turn, order) {
            Ok(id) => id,
            Err((id, reason)) => {
                return self.reject_change(turn, id, ReportKind::CancelRejected(reason), reason);
            }
        };
        let record = self.orders[id.slot()];
        let price = self.books.price(id);
        self.cancel_order(turn, id, CancelReason::User);
        Answer { leaves: Quantity(0), ..self.answer_of(id, &record, price) }
    }

    pub(crate) fn reduce(&mut self, turn: &mut Turn, order: OrderRef, by: Quantity) -> Answer {
        let found = self
            .find_changeable(turn, order)
            .and_then(|id| if by > Quantity::ZERO { Ok(id) } else { Err((id, RejectReason::BadQuantity)) });
        let id = match found {
            Ok(id) => id,
            Err((id, reason)) => {
                return self.reject_change(turn, id, ReportKind::CancelRejected(reason), reason);
            }
        };
        let record = self.orders[id.slot()];
        let price = self.books.price(id);
        if by >= record.leaves() {
            self.cancel_order(turn, id, CancelReason::Reduce);
            return Answer { leaves: Quantity(0), ..self.answer_of(id, &record, price) };
        }
        self.books.reduce(id, by);
        self.shrink(id, by);
        self.report(turn, id, ReportKind::Reduced);
        let record = self.orders[id.slot()];
        self.answer_of(id, &record, price)
    }

    /// The live order of the request's account, unless its instrument is in the last minute of a call.
    fn find_changeable(
        &mut self,
        turn: &mut Turn,
        order: OrderRef,
    ) -> Result<OrderId, (OrderId, RejectReason)> {
        let id = self.find(turn.request.account, order).ok_or((OrderId::NONE, RejectReason::UnknownOrder))?;
        let instrument = self.orders[id.slot()].instrument;
        self.catch_up(turn, instrument);
        // What was due may have ended it.
        if !self.is_live(id) {
            return Err((OrderId::NONE, RejectReason::UnknownOrder));
        }
        match self.instruments.at(instrument.slot()).phase {
            Phase::Frozen => Err((id, RejectReason::Frozen)),
            _ => Ok(id),
        }
    }

    fn find(&self, account: AccountId, order: OrderRef) -> Option<OrderId> {
        let id = match order {
            OrderRef::Id(id) => id,
            OrderRef::Client(client_id) => self.accounts.order_named(account, &client_id)?,
        };
        (self.is_live(id) && self.orders[id.slot()].account == account && account.0 != 0).then_some(id)
    }

    pub(crate) fn is_live(&self, id: OrderId) -> bool {
        self.books.contains(id) && self.orders.get(id.slot()).is_some_and(|record| record.account.0 != 0)
    }

    /// Takes a live order out of the book and ends it.
    pub(crate) fn cancel_order(&mut self, turn: &mut Turn, id: OrderId, reason: CancelReason) {
        let left = self.books.cancel(id);
        self.end_with(turn, id, left, reason);
    }

    pub(crate) fn amend(&mut self, turn: &mut Turn, amendment: &Amendment) -> Answer {
        match self.try_amend(turn, amendment) {
            Ok(answer) => answer,
            Err((id, reason)) => self.reject_change(turn, id, ReportKind::AmendRejected(reason), reason),
        }
    }

    /// One atomic cancel-replace, or nothing at all.
    fn try_amend(
        &mut self,
        turn: &mut Turn,
        amendment: &Amendment,
    ) -> Result<Answer, (OrderId, RejectReason)> {
        use RejectReason::*;
        if let Some(named) = amendment.instrument
            && let Some(instrument) = self.instruments.get(named)
            && self.instruments.is_halted(instrument)
        {
            return Err((OrderId::NONE, Halted));
        }
        let id = self.find_changeable(turn, amendment.order)?;
        let record = self.orders[id.slot()];
        let slot = record.instrument.slot();
        let instrument = self.instruments.at(slot);
        let refuse = |reason| Err((id, reason));
        if self.instruments.is_halted(instrument) {
            return refuse(Halted);
        }
        if !instrument.is_tradable() || turn.at.time >= instrument.gate {
            return refuse(GateClosed);
        }
        let product = &self.instruments.known(instrument.product).terms;
        let quantity = amendment.quantity.unwrap_or(Quantity(i64::from(record.quantity)));
        if quantity <= Quantity::ZERO {
            return refuse(BadQuantity);
        }
        if quantity > product.max_quantity {
            return refuse(QuantityAboveCap);
        }
        let (old_price, old_trigger) = (self.books.price(id), self.books.trigger(id));
        let limited = matches!(record.order_type, OrderType::Limit | OrderType::StopLimit);
        let price = match amendment.price {
            Some(price) if !limited || price.0 <= 0 || price > Price::CAP => return refuse(BadPrice),
            Some(price) if price.0 % instrument.tick.0 != 0 => return refuse(PriceOffTick),
            Some(price) => price,
            None => old_price,
        };
        let waiting = old_trigger.0 > 0;
        let trigger = match amendment.trigger {
            Some(trigger)
                if !waiting
                    || trigger.0 <= 0
                    || trigger > Price::CAP
                    || trigger.0 % instrument.tick.0 != 0 =>
            {
                return refuse(BadTrigger);
            }
            Some(trigger) => trigger,
            None => old_trigger,
        };
        let leaves = quantity - Quantity(i64::from(record.cumulative));
        if leaves <= Quantity::ZERO {
            self.cancel_order(turn, id, CancelReason::Amend);
            return Ok(Answer { leaves: Quantity(0), ..self.answer_of(id, &record, price) });
        }

        // A smaller order at the same price needs less than it holds; everything else is checked anew.
        let keeps_place = price == old_price && trigger == old_trigger && leaves <= record.leaves();
        let continuous = instrument.phase == Phase::Continuous;
        let hold = if keeps_place {
            proportion(record.hold, leaves, record.leaves())
        } else {
            let wish = Wish {
                side: record.side,
                order_type: record.order_type,
                price,
                trigger,
                quantity: leaves,
                budget: None,
            };
            self.price_and_cover(record.account, record.instrument, &wish).map_err(|reason| (id, reason))?
        };
        if record.marks.has(Marks::POST_ONLY)
            && price != old_price
            && continuous
            && !waiting
            && self.books.would_trade(slot, record.side, price)
        {
            return refuse(PostOnly);
        }
        self.change_cover(&record, hold, leaves).map_err(|reason| (id, reason))?;
        let live = &mut self.orders[id.slot()];
        live.hold = hold;
        live.quantity = quantity.0 as u32;
        self.subject = (id, *live);

        if keeps_place {
            self.books.amend_in_place(id, leaves);
            self.report_at(turn, id, ReportKind::Amended, price, trigger);
        } else {
            let mut incoming = self.books.take(id);
            incoming.limit = limited.then_some(price);
            incoming.quantity = leaves;
            self.report_at(turn, id, ReportKind::Amended, price, trigger);
            if waiting {
                self.books.rest_stop(slot, incoming, trigger);
            } else {
                self.enter(turn, incoming);
            }
            self.trigger_stops(turn, slot);
        }
        Ok(self.answer_after(id, price))
    }

    /// Holds more, or gives back what is no longer needed.
    fn change_cover(
        &mut self,
        record: &OrderRecord,
        hold: Money,
        leaves: Quantity,
    ) -> Result<(), RejectReason> {
        let OrderRecord { account, instrument, side, .. } = *record;
        let more = (hold - record.hold, leaves - record.leaves());
        match side {
            Side::Buy if more.0 > Money::ZERO => {
                self.take_cover(account, instrument, side, more.0, Quantity::ZERO)
            }
            Side::Buy => {
                self.give_cover(account, instrument, side, -more.0, Quantity::ZERO);
                Ok(())
            }
            Side::Sell if more.1 > Quantity::ZERO => {
                self.take_cover(account, instrument, side, Money::ZERO, more.1)
            }
            Side::Sell => {
                self.give_cover(account, instrument, side, Money::ZERO, -more.1);
                Ok(())
            }
        }
    }

    // --- many at once ---

    pub(crate) fn mass_cancel(&mut self, turn: &mut Turn, scope: Scope, side: Option<Side>) -> Answer {
        let account = turn.request.account;
        let known = match scope {
            Scope::Market => Ok(()),
            Scope::Product(id) => {
                self.instruments.product(id).map(|_| ()).ok_or(RejectReason::UnknownProduct)
            }
            Scope::Instrument(id) => {
                self.instruments.get(id).map(|_| ()).ok_or(RejectReason::UnknownInstrument)
            }
        };
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        if let Err(reason) = known {
            return self.reject_change(turn, OrderId::NONE, ReportKind::MassCancelRejected(reason), reason);
        }
        let within = |exchange: &Exchange, record: &OrderRecord| {
            let reached = match scope {
                Scope::Market => true,
                Scope::Product(id) => exchange.instruments.at(record.instrument.slot()).product == id,
                Scope::Instrument(id) => record.instrument == id,
            };
            reached && side.is_none_or(|side| side == record.side)
        };
        let mut count = 0;
        for (id, instrument) in self.orders_where(account, within) {
            // What was due there comes first, and may have ended the order or frozen its instrument.
            self.catch_up(turn, instrument);
            if self.is_live(id) && self.instruments.at(instrument.slot()).phase != Phase::Frozen {
                self.cancel_order(turn, id, CancelReason::Mass);
                count += 1;
            }
        }
        self.report_mass(turn, ReportKind::MassCancelled, count);
        Answer { number: count, ..self.answer() }
    }

    /// Ends every order of an account that `matches`, in arrival order; how many there were.
    pub(crate) fn cancel_all(
        &mut self,
        turn: &mut Turn,
        account: AccountId,
        reason: CancelReason,
        matches: impl Fn(&OrderRecord) -> bool,
    ) -> u64 {
        let found = self.orders_where(account, |_, record| matches(record));
        for (id, _) in &found {
            self.cancel_order(turn, *id, reason);
        }
        found.len() as u64
    }

    /// The live orders of an account that match, in arrival order.
    fn orders_where(
        &self,
        account: AccountId,
        matches: impl Fn(&Exchange, &OrderRecord) -> bool,
    ) -> Vec<(OrderId, InstrumentId)> {
        let mut found = Vec::new();
        let mut slot = self.accounts.known(account).first_order;
        while slot != NOBODY {
            let record = &self.orders[slot as usize];
            if matches(self, record) {
                found.push((self.books.id_at(slot as usize), record.instrument));
            }
            slot = record.next;
        }
        found
    }

    /// Each quote replaces the account's last one on its instrument and side.
    pub(crate) fn mass_quote(&mut self, turn: &mut Turn, body: &MassQuote) -> Answer {
        if self.accounts.get(turn.request.account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        let mut standing = 0;
        for quote in &body.quotes {
            let sides = [
                (Side::Buy, quote.bid_price, quote.bid_quantity),
                (Side::Sell, quote.ask_price, quote.ask_quantity),
            ];
            let two_sided = quote.bid_quantity > Quantity::ZERO && quote.ask_quantity > Quantity::ZERO;
            let crossed = two_sided && quote.bid_price >= quote.ask_price;
            self.catch_up(turn, quote.instrument);
            // What moves goes first, on both sides: a quote neither meets itself nor is held twice.
            for (side, price, quantity) in sides {
                self.withdraw_moved_quote(turn, quote.instrument, side, price, quantity, crossed);
            }
            let quoted = sides.map(|(side, price, quantity)| {
                self.quote_side(turn, body, quote.instrument, side, price, quantity, crossed)
            });
            // The second side may have been the end of the first, by way of a stop.
            standing += quoted.into_iter().flatten().filter(|id| self.is_live(*id)).count();
        }
        if names_twice(&body.quotes) {
            standing = self.count_standing(turn.request.account, &body.quotes);
        }
        Answer { number: standing as u64, ..self.answer() }
    }

    /// The sides that stand on the instruments of some quotes.
    fn count_standing(&self, account: AccountId, quotes: &[Quote]) -> usize {
        let named: BTreeSet<InstrumentId> = quotes.iter().map(|quote| quote.instrument).collect();
        let sides =
            named.into_iter().flat_map(|instrument| [(instrument, Side::Buy), (instrument, Side::Sell)]);
        sides.filter(|(instrument, side)| self.quoted(account, *instrument, *side).is_some()).count()
    }

    fn quoted(&self, account: AccountId, instrument: InstrumentId, side: Side) -> Option<OrderId> {
        self.accounts.profile(account).quotes.get(&(instrument, side)).copied()
    }

    /// Takes a quote back whose price moves, whose quantity grows, that is withdrawn or would cross itself. Where
    /// its successor is then refused it stays away: a price its owner has left is no price to trade at.
    fn withdraw_moved_quote(
        &mut self,
        turn: &mut Turn,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Quantity,
        crossed: bool,
    ) {
        let Some(id) = self.quoted(turn.request.account, instrument, side) else { return };
        let frozen =
            self.instruments.get(instrument).is_some_and(|instrument| instrument.phase == Phase::Frozen);
        let stays = !crossed
            && price == self.books.price(id)
            && quantity > Quantity::ZERO
            && quantity <= self.orders[id.slot()].leaves();
        if !stays && !frozen {
            self.cancel_order(turn, id, CancelReason::Quote);
        }
    }

    /// The quote that stands on this side afterwards.
    #[allow(clippy::too_many_arguments)]
    fn quote_side(
        &mut self,
        turn: &mut Turn,
        body: &MassQuote,
        instrument: InstrumentId,
        side: Side,
        price: Price,
        quantity: Quantity,
        crossed: bool,
    ) -> Option<OrderId> {
        let quoted = self.quoted(turn.request.account, instrument, side);
        if quantity == Quantity::ZERO && quoted.is_none() {
            return None;
        }
        let order = NewOrder {
            instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            price,
            trigger: Price(0),
            quantity,
            display: Quantity(0),
            minimum: Quantity(0),
            post_only: body.post_only,
            self_trade: body.self_trade,
        };
        // Every quote of a message has the message's client id in its requests memory, none as its name.
        let request = Request { client_id: ClientId::NONE, ..*turn.request };
        let turn = &mut Turn { at: turn.at, request: &request, events: turn.events };
        if let Some(id) = quoted {
            let leaves = self.orders[id.slot()].leaves();
            let unchanged = price == self.books.price(id) && quantity == leaves;
            if unchanged {
                return Some(id);
            }
            if self.instruments.at(instrument.slot()).phase == Phase::Frozen {
                self.reject(turn, &order, RejectReason::Frozen);
            } else {
                // Same price, smaller size: it keeps its place.
                self.books.reduce(id, leaves - quantity);
                self.shrink(id, leaves - quantity);
                self.report(turn, id, ReportKind::Reduced);
            }
            return Some(id);
        }
        let checked = if crossed { Err(RejectReason::BadPrice) } else { self.check_new(turn, &order) };
        match checked {
            Err(reason) => {
                self.reject(turn, &order, reason);
                None
            }
            Ok(hold) => {
                let answer = self.accept(turn, &order, hold, Marks::QUOTE);
                let stands = self.is_live(answer.order).then_some(answer.order);
                if let Some(id) = stands {
                    let quotes = &mut self.accounts.profile_mut(request.account).quotes;
                    quotes.insert((instrument, side), id);
                }
                stands
            }
        }
    }

    // --- what is told ---

    /// A report on an order in the book, or on its way out of it.
    pub(crate) fn report(&mut self, turn: &mut Turn, id: OrderId, kind: ReportKind) {
        let (price, trigger) = (self.books.price(id), self.books.trigger(id));
        self.report_at(turn, id, kind, price, trigger);
    }

    pub(crate) fn report_at(
        &mut self,
        turn: &mut Turn,
        id: OrderId,
        kind: ReportKind,
        price: Price,
        trigger: Price,
    ) {
        let record = self.orders[id.slot()];
        let own = record.account == turn.request.account && turn.request.number > 0;
        let client_id =
            if record.marks.has(Marks::NAMED) { self.accounts.name_of(id) } else { ClientId::NONE };
        let time_in_force = match record.lifetime {
            Lifetime::Gtc => TimeInForce::Gtc,
            Lifetime::Day => TimeInForce::Day,
            Lifetime::Gtd => {
                TimeInForce::Gtd(self.expiries.get(&(id.slot() as u32)).map_or(Time(0), |expiry| expiry.0))
            }
            Lifetime::Ioc => TimeInForce::Ioc,
            Lifetime::Fok => TimeInForce::Fok,
            Lifetime::FokBudget => TimeInForce::FokBudget(Money(0)),
        };
        let over = matches!(kind, ReportKind::Cancelled { .. });
        let account = self.accounts.known_mut(record.account);
        account.reports += 1;
        turn.events.push(Event::Reported(Report {
            account: record.account,
            number: account.reports,
            kind,
            order: id,
            client_id,
            session: if own { turn.request.session } else { SessionId(0) },
            request: if own { turn.request.number } else { 0 },
            instrument: record.instrument,
            side: record.side,
            order_type: record.order_type,
            time_in_force,
            price,
            trigger,
            quantity: Quantity(i64::from(record.quantity)),
            cumulative: Quantity(i64::from(record.cumulative)),
            leaves: if over { Quantity(0) } else { record.leaves() },
        }));
    }

    pub(crate) fn report_cancelled(
        &mut self,
        turn: &mut Turn,
        id: OrderId,
        quantity: Quantity,
        reason: CancelReason,
    ) {
        self.report(turn, id, ReportKind::Cancelled { quantity, reason });
    }

    /// A report that no order of the book stands behind.
    fn report_request(
        &mut self,
        turn: &mut Turn,
        kind: ReportKind,
        order: Option<&NewOrder>,
        quantity: Quantity,
    ) {
        let request = turn.request;
        let account = self.accounts.known_mut(request.account);
        account.reports += 1;
        turn.events.push(Event::Reported(Report {
            account: request.account,
            number: account.reports,
            kind,
            order: OrderId::NONE,
            client_id: request.client_id,
            session: request.session,
            request: request.number,
            instrument: order.map_or(InstrumentId(0), |order| order.instrument),
            side: order.map_or(Side::Buy, |order| order.side),
            order_type: order.map_or(OrderType::Limit, |order| order.order_type),
            time_in_force: order.map_or(TimeInForce::Gtc, |order| order.time_in_force),
            price: order.map_or(Price(0), |order| order.price),
            trigger: order.map_or(Price(0), |order| order.trigger),
            quantity: order.map_or(quantity, |order| order.quantity),
            cumulative: Quantity(0),
            leaves: Quantity(0),
        }));
    }

    pub(crate) fn reject(&mut self, turn: &mut Turn, order: &NewOrder, reason: RejectReason) -> Answer {
        if self.accounts.get(turn.request.account).is_none() {
            return self.refuse(turn, reason);
        }
        self.report_request(turn, ReportKind::Rejected(reason), Some(order), Quantity(0));
        Answer { refused: Some(reason), quantity: order.quantity, price: order.price, ..self.answer() }
    }

    /// A cancel, amend or reduce is refused: the order, if there is one, stays as it is.
    pub(crate) fn reject_change(
        &mut self,
        turn: &mut Turn,
        id: OrderId,
        kind: ReportKind,
        reason: RejectReason,
    ) -> Answer {
        if self.accounts.get(turn.request.account).is_none() {
            return self.refuse(turn, reason);
        }
        if id == OrderId::NONE {
            self.report_request(turn, kind, None, Quantity(0));
            return Answer { refused: Some(reason), ..self.answer() };
        }
        self.report(turn, id, kind);
        let record = self.orders[id.slot()];
        let price = self.books.price(id);
        Answer { refused: Some(reason), ..self.answer_of(id, &record, price) }
    }

    fn report_mass(&mut self, turn: &mut Turn, kind: ReportKind, count: u64) {
        self.report_request(turn, kind, None, Quantity(count as i64));
    }

    /// How the command's order stands at the end of the command; when it is over already, as it ended.
    fn answer_after(&self, id: OrderId, price: Price) -> Answer {
        if self.is_live(id) {
            return self.answer_of(id, &self.orders[id.slot()], price);
        }
        debug_assert_eq!(self.subject.0, id, "an order that is over left its last words");
        Answer { leaves: Quantity(0), ..self.answer_of(id, &self.subject.1, price) }
    }

    /// What the one who asked is told of an order that stands so.
    fn answer_of(&self, id: OrderId, record: &OrderRecord, price: Price) -> Answer {
        Answer {
            order: id,
            quantity: Quantity(i64::from(record.quantity)),
            cumulative: Quantity(i64::from(record.cumulative)),
            leaves: record.leaves(),
            price,
            ..self.answer()
        }
    }
}

/// Whether some instrument is quoted more than once.
fn names_twice(quotes: &[Quote]) -> bool {
    let mut named: Vec<InstrumentId> = quotes.iter().map(|quote| quote.instrument).collect();
    named.sort_unstable();
    named.windows(2).any(|pair| pair[0] == pair[1])
}
