//! Memory asked for ahead of its use.
//!
//! In many thin books nearly all of an order's time is waiting for memory. What a command will touch is known before its
//! turn: its account and order by their numbers at once, and from these, a few commands later, the rest. Hints change no
//! result.

use crate::machine::Exchange;
use hourbook_book::prefetch;
use hourbook_model::*;

/// How many commands ahead each step asks; each needs what the one before has brought.
const STEPS: [usize; 3] = [24, 16, 8];

impl Exchange {
    /// Asks the processor for what the commands to come will touch. `soon(n)` names the one that comes `n` after the
    /// next one, if it is known already.
    #[inline]
    pub fn look_ahead<'a>(&self, soon: impl Fn(usize) -> Option<(&'a Request, &'a Command)>) {
        if let Some((request, command)) = soon(STEPS[0]) {
            self.ask_for_numbered(request, command);
        }
        if let Some((request, command)) = soon(STEPS[1]) {
            self.ask_for_near(request, command);
        }
        if let Some((_, command)) = soon(STEPS[2]) {
            self.ask_for_levels(command);
        }
    }

    /// What is found by its number: account, session, order, instrument.
    #[inline]
    fn ask_for_numbered(&self, request: &Request, command: &Command) {
        if let Some(account) = self.accounts.get(request.account) {
            prefetch(account);
        }
        if let Some(session) = self.accounts.session(request.session) {
            prefetch(session);
        }
        if let Some(id) = order_of(command) {
            self.books.prefetch(id);
            if let Some(record) = self.orders.get(id.slot()) {
                prefetch(record);
            }
        } else if let Command::PlaceOrder(body) = command {
            self.books.prefetch_place(body.order.instrument.slot());
            self.instruments.prefetch(body.order.instrument);
        }
    }

    /// Cash, and what hangs beside the order or where it will hang.
    #[inline]
    fn ask_for_near(&self, request: &Request, command: &Command) {
        if let Some(id) = order_of(command) {
            self.books.prefetch_near(id);
            if let Some(record) = self.orders.get(id.slot()) {
                self.instruments.prefetch(record.instrument);
            }
        } else if let Command::PlaceOrder(body) = command {
            self.books.prefetch_book(body.order.instrument.slot());
        }
        // Most accounts have one currency.
        if self.accounts.get(request.account).is_some()
            && let Some(purse) = self.accounts.purses(request.account).next()
        {
            prefetch(self.ledger.account(purse.cash));
        }
    }

    /// The levels among which it will be looked for.
    #[inline]
    fn ask_for_levels(&self, command: &Command) {
        if let Some(id) = order_of(command) {
            self.books.prefetch_level(id);
        } else if let Command::PlaceOrder(body) = command {
            self.books.prefetch_levels(body.order.instrument.slot(), body.order.side);
        }
    }
}

/// The order that a command changes, where it names it by its id.
#[inline]
fn order_of(command: &Command) -> Option<OrderId> {
    let order = match command {
        Command::AmendOrder(body) => body.amendment.order,
        Command::CancelOrder(body) => body.order,
        Command::ReduceOrder(body) => body.order,
        _ => return None,
    };
    match order {
        OrderRef::Id(id) => Some(id),
        OrderRef::Client(_) => None,
    }
}
