//! What is told of an order: to everyone who follows its account, to the one who asked, and of its place in the book
//! to all.

use crate::machine::{Exchange, Lifetime, Marks, OrderRecord, Turn};
use hourbook_model::*;

impl Exchange {
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

    /// All are shown how an order stands in its book, or that it left.
    pub(crate) fn show_in_book(&mut self, turn: &mut Turn, id: OrderId, quantity: Quantity, joins: bool) {
        debug_assert!(quantity > Quantity::ZERO || !joins, "what joins a level shows something");
        let OrderRecord { instrument, side, .. } = self.orders[id.slot()];
        let price = self.books.price(id);
        turn.push(Event::BookChanged(BookChange { instrument, order: id, side, joins, price, quantity }));
    }

    /// All are shown that an order displays less than it did, if it does: hidden lots go first, and a waiting stop is not
    /// seen.
    pub(crate) fn show_less(&mut self, turn: &mut Turn, id: OrderId, before: Quantity) {
        let shown = self.books.displayed(id);
        if shown != before && self.rests(id) {
            self.show_in_book(turn, id, shown, false);
        }
    }

    /// All are shown that an order which stood at `price` is in its book no more, though its slot may be another's by now.
    pub(crate) fn show_gone(&self, turn: &mut Turn, id: OrderId, record: &OrderRecord, price: Price) {
        let OrderRecord { instrument, side, .. } = *record;
        let quantity = Quantity::ZERO;
        turn.push(Event::BookChanged(BookChange {
            instrument,
            order: id,
            side,
            joins: false,
            price,
            quantity,
        }));
    }

    /// Whether an order is in its book for others to see; a waiting stop is not.
    pub(crate) fn rests(&self, id: OrderId) -> bool {
        self.books.contains(id) && self.books.trigger(id) == Price(0)
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

    pub(crate) fn report_mass(&mut self, turn: &mut Turn, kind: ReportKind, count: u64) {
        self.report_request(turn, kind, None, Quantity(count as i64));
    }

    /// How the command's order stands at the end of the command; when it is over already, as it ended.
    pub(crate) fn answer_after(&self, id: OrderId, price: Price) -> Answer {
        if self.is_live(id) {
            return self.answer_of(id, &self.orders[id.slot()], price);
        }
        debug_assert_eq!(self.subject.0, id, "an order that is over left its last words");
        Answer { leaves: Quantity(0), ..self.answer_of(id, &self.subject.1, price) }
    }

    /// What the one who asked is told of an order that stands so.
    pub(crate) fn answer_of(&self, id: OrderId, record: &OrderRecord, price: Price) -> Answer {
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
