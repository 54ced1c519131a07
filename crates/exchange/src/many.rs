//! Many orders by one command: mass cancels, and quotes that replace each other.

use crate::accounts::NOBODY;
use crate::instruments::Phase;
use crate::machine::{Exchange, Marks, OrderRecord, Turn};
use hourbook_model::*;
use std::collections::BTreeSet;

/// One side of a quote, as it is to stand.
#[derive(Clone, Copy)]
struct QuoteSide {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    quantity: Quantity,
    /// It would trade with the quote's own other side.
    crossed: bool,
}

impl QuoteSide {
    fn both(quote: &Quote) -> [QuoteSide; 2] {
        let Quote { instrument, bid_price, bid_quantity, ask_price, ask_quantity } = *quote;
        let two_sided = bid_quantity > Quantity::ZERO && ask_quantity > Quantity::ZERO;
        let crossed = two_sided && bid_price >= ask_price;
        [(Side::Buy, bid_price, bid_quantity), (Side::Sell, ask_price, ask_quantity)]
            .map(|(side, price, quantity)| QuoteSide { instrument, side, price, quantity, crossed })
    }
}

impl Exchange {
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
            let sides = QuoteSide::both(quote);
            self.catch_up(turn, quote.instrument);
            // What moves goes first, on both sides: a quote neither meets itself nor is held twice.
            sides.iter().for_each(|side| self.withdraw_moved_quote(turn, side));
            let quoted = sides.map(|side| self.quote_side(turn, body, &side));
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
    fn withdraw_moved_quote(&mut self, turn: &mut Turn, wanted: &QuoteSide) {
        let QuoteSide { instrument, side, price, quantity, crossed } = *wanted;
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
    fn quote_side(&mut self, turn: &mut Turn, body: &MassQuote, wanted: &QuoteSide) -> Option<OrderId> {
        let QuoteSide { instrument, side, price, quantity, crossed } = *wanted;
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
                let shown = self.books.displayed(id);
                self.books.reduce(id, leaves - quantity);
                self.shrink(id, leaves - quantity);
                self.report(turn, id, ReportKind::Reduced);
                self.show_less(turn, id, shown);
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
}

/// Whether some instrument is quoted more than once.
fn names_twice(quotes: &[Quote]) -> bool {
    let mut named: Vec<InstrumentId> = quotes.iter().map(|quote| quote.instrument).collect();
    named.sort_unstable();
    named.windows(2).any(|pair| pair[0] == pair[1])
}
