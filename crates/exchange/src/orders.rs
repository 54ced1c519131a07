//! Orders: checked in one documented order, entered, changed and ended.
//!
//! A refusal changes nothing. What is accepted holds its cover before it meets the book.

use crate::accounts::NOBODY;
use crate::cover::Wish;
use crate::fills::proportion;
use crate::instruments::{Instrument, Phase};
use crate::machine::{Exchange, Lifetime, Marks, OrderRecord, Turn};
use hourbook_book::{Execution, Incoming, Outcome};
use hourbook_model::*;

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
    pub(crate) fn check_new(&mut self, turn: &mut Turn, order: &NewOrder) -> Result<Money, RejectReason> {
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

    /// Takes a covered order in, and lets it trade.
    pub(crate) fn accept(&mut self, turn: &mut Turn, order: &NewOrder, hold: Money, marks: Marks) -> Answer {
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
        let entered = self.books.enter(slot, &incoming, &mut matches);
        for met in &matches {
            self.settle_match(turn, slot, id, met);
        }
        self.matches = matches;

        match entered.outcome {
            Outcome::Filled => self.close(id),
            Outcome::Rested => self.rest(turn, id),
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
    fn rest(&mut self, turn: &mut Turn, id: OrderId) {
        self.show_in_book(turn, id, self.books.displayed(id), true);
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
        let shown = self.books.displayed(id);
        self.books.reduce(id, by);
        self.shrink(id, by);
        self.report(turn, id, ReportKind::Reduced);
        self.show_less(turn, id, shown);
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
        let rests = self.rests(id);
        let left = self.books.cancel(id);
        if rests {
            self.show_in_book(turn, id, Quantity::ZERO, false);
        }
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
            let shown = self.books.displayed(id);
            self.books.amend_in_place(id, leaves);
            self.report_at(turn, id, ReportKind::Amended, price, trigger);
            self.show_less(turn, id, shown);
        } else {
            let mut incoming = self.books.take(id);
            incoming.limit = limited.then_some(price);
            incoming.quantity = leaves;
            self.report_at(turn, id, ReportKind::Amended, price, trigger);
            if waiting {
                self.books.rest_stop(slot, incoming, trigger);
            } else {
                self.enter(turn, incoming);
                if !self.books.contains(id) {
                    self.show_gone(turn, id, &record, old_price);
                }
            }
            self.trigger_stops(turn, slot);
        }
        Ok(self.answer_after(id, price))
    }
}
