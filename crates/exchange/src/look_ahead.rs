//! Memory asked for ahead of its use.
//!
//! In many thin books nearly all of an order's time is waiting for memory. What a command will touch is known before its
//! turn: its account and order by their numbers at once, and from these, a few commands later, the rest. Hints change no
//! result.

use crate::machine::Exchange;
use hourbook_book::prefetch;
use hourbook_model::*;

/// How many commands ahead each step asks; each needs what the one before has brought.
const STEPS: [usize; 5] = [40, 32, 24, 16, 8];
/// Orders that the cache holds anyway.
const FEW: usize = 1 << 14;

impl Exchange {
    /// Asks the processor for what the commands to come will touch. `soon(n)` names the one that comes `n` after the
    /// next one, if it is known already.
    #[inline]
    pub fn look_ahead<'a>(&self, soon: impl Fn(usize) -> Option<(&'a Request, &'a Command)>) {
        // Few orders and their books stay in the cache by themselves; their many accounts do not.
        let steps = if self.orders.len() > FEW { STEPS.len() } else { 2 };
        for (step, ahead) in STEPS.into_iter().take(steps).enumerate() {
            let Some((request, command)) = soon(ahead) else { continue };
            if self.accounts.get(request.account).is_none() {
                continue;
            }
            match command {
                Command::PlaceOrder(body) => self.ask_for_new(step, request, &body.order),
                Command::AmendOrder(AmendOrder {
                    amendment: Amendment { order: OrderRef::Id(id), price, .. },
                }) => {
                    self.ask_for_old(step, request, *id, *price);
                }
                Command::CancelOrder(CancelOrder { order: OrderRef::Id(id) })
                | Command::ReduceOrder(ReduceOrder { order: OrderRef::Id(id), .. }) => {
                    self.ask_for_old(step, request, *id, None);
                }
                _ => {}
            }
        }
    }

    /// For a new order: its account, session, instrument and book; cash, the seller's hours, and the level where it
    /// will rest.
    #[inline]
    fn ask_for_new(&self, step: usize, request: &Request, order: &NewOrder) {
        let book = order.instrument.slot();
        match step {
            0 => {
                self.ask_for_account(request);
                self.books.prefetch_place(book);
                self.instruments.prefetch(order.instrument);
            }
            1 => {
                self.books.prefetch_book(book);
                self.ask_for_cash(request);
                if let Some(entry) =
                    self.product_sold(order).and_then(|id| self.hours.entry(request.account, id))
                {
                    prefetch(entry);
                }
            }
            2 => {
                self.books.prefetch_levels(book, order.side);
                if let Some(row) = self.product_sold(order).and_then(|id| self.hours.get(request.account, id))
                {
                    prefetch(row);
                }
            }
            3 => {
                let row = self.product_sold(order).and_then(|id| self.hours.get(request.account, id));
                if let Some(step) = row.and_then(|row| row.available().first()) {
                    prefetch(step);
                }
            }
            // Searching for its level twice pays, where the order that stands there is far away.
            _ => self.books.prefetch_first(book, order.side, order.price),
        }
    }

    /// For an order that is live: its account, session, neighbours, instrument and book; cash, its level, and the
    /// level where it will rest.
    #[inline]
    fn ask_for_old(&self, step: usize, request: &Request, id: OrderId, price: Option<Price>) {
        match step {
            0 => {
                self.ask_for_account(request);
                self.books.prefetch(id);
                if let Some(record) = self.orders.get(id.slot()) {
                    prefetch(record);
                }
            }
            1 => {
                self.ask_for_cash(request);
                self.books.prefetch_near(id);
                if let Some(record) = self.orders.get(id.slot()) {
                    self.instruments.prefetch(record.instrument);
                }
            }
            2 => self.books.prefetch_book(self.books.book_of(id)),
            3 => self.books.prefetch_level(id),
            _ => {
                if let Some(price) = price {
                    self.books.prefetch_first(self.books.book_of(id), self.books.side(id), price);
                }
            }
        }
    }

    #[inline]
    fn ask_for_account(&self, request: &Request) {
        prefetch(self.accounts.known(request.account));
        // Whether it is the session that is meant is not looked at: that would wait for it here.
        if let Some(session) = request.session.slot().and_then(|slot| self.accounts.sessions.get(slot)) {
            prefetch(session);
        }
    }

    #[inline]
    fn ask_for_cash(&self, request: &Request) {
        // Most accounts have one currency.
        if let Some(purse) = self.accounts.first_purse(request.account) {
            prefetch(self.ledger.account(purse.cash));
        }
    }

    /// The product whose hours a new order takes, if it sells.
    #[inline]
    fn product_sold(&self, order: &NewOrder) -> Option<ProductId> {
        let sells = order.side == Side::Sell;
        self.instruments.get(order.instrument).filter(|_| sells).map(|instrument| instrument.product)
    }
}
