//! Every promise over the whole state: for tests and simulation, far too slow for each command.

use crate::accounts::NOBODY;
use crate::instruments::{Instrument, Phase};
use crate::machine::{Exchange, Lifetime, Marks};
use hourbook_ledger::{LedgerAccountId, Position};
use hourbook_model::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Lots over hours, as differences.
#[derive(Default)]
struct Sum(BTreeMap<Hour, i128>);

impl Sum {
    fn add(&mut self, hours: Range<Hour>, lots: i64) {
        *self.0.entry(hours.start).or_default() += i128::from(lots);
        *self.0.entry(hours.end).or_default() -= i128::from(lots);
    }

    /// Whether the sum is zero at every hour from `floor` on.
    fn is_zero_from(&self, floor: Hour) -> bool {
        let mut sum = 0;
        let mut steps = self.0.iter().peekable();
        while let Some((_, step)) = steps.next() {
            sum += step;
            let lasts = steps.peek().is_none_or(|(next, _)| **next > floor);
            if sum != 0 && lasts {
                return false;
            }
        }
        true
    }
}

impl Exchange {
    /// Panics at the first promise that does not hold.
    pub fn check(&self) {
        self.ledger.check().expect("the ledger");
        self.hours.check().expect("the hours");
        self.positions.check().expect("the positions");
        self.books.check();
        self.check_orders();
        self.check_instruments();
        self.check_money();
        self.check_hours();
        self.accounts.check();
    }

    /// Every live order hangs on its account, rests in its book, and is counted and named as it should be.
    fn check_orders(&self) {
        let mut live = 0;
        let mut in_instrument: BTreeMap<InstrumentId, u32> = BTreeMap::new();
        let mut timed = 0;
        for (id, account) in self.accounts.all() {
            let (mut slot, mut last, mut count) = (account.first_order, NOBODY, 0);
            while slot != NOBODY {
                let record = &self.orders[slot as usize];
                let order = self.books.id_at(slot as usize);
                assert_eq!((record.account, record.previous), (id, last), "an order hangs on its account");
                assert!(record.marks.has(Marks::LINKED) && self.books.contains(order), "what hangs is live");
                assert!(record.leaves() > Quantity::ZERO, "what has nothing left is over");
                assert_eq!(
                    self.books.open_lots(order),
                    record.leaves(),
                    "book and record count the same lots"
                );
                assert_eq!(self.books.book_of(order), record.instrument.slot(), "an order is in its book");
                assert_eq!(self.books.side(order), record.side);
                assert!(self.instruments.get(record.instrument).is_some(), "its instrument is listed");
                assert!(record.hold == Money::ZERO || record.side == Side::Buy, "a sell holds hours");
                if record.marks.has(Marks::NAMED) {
                    let name = self.accounts.name_of(order);
                    assert_eq!(self.accounts.order_named(id, &name), Some(order), "a name finds its order");
                }
                let expires = matches!(record.lifetime, Lifetime::Day | Lifetime::Gtd);
                assert_eq!(expires, self.expiries.contains_key(&slot), "what ends by time is on the agenda");
                timed += usize::from(expires);
                *in_instrument.entry(record.instrument).or_default() += 1;
                count += 1;
                (last, slot) = (slot, record.next);
            }
            assert_eq!(account.last_order, last);
            assert_eq!(count, account.open_orders, "open orders are counted");
            live += count as usize;
        }
        assert_eq!(live, self.books.live(), "every order of a book hangs on an account");
        assert_eq!(timed, self.expiries.len());
        self.agenda.check(timed);
        for instrument in self.instruments.all() {
            let counted = in_instrument.get(&instrument.id).copied().unwrap_or_default();
            assert_eq!(instrument.open_orders, counted, "open orders of an instrument are counted");
        }
    }

    fn check_instruments(&self) {
        for instrument in self.instruments.all() {
            let waits = instrument.phase == Phase::Continuous
                && !self.instruments.is_halted(instrument)
                && instrument.last_trade > Price(0);
            let reached = waits && self.books.has_triggered(instrument.slot(), instrument.last_trade);
            assert!(!reached, "a stop that was reached waits for nothing but a halt or a call");
            assert!(instrument.call_until == Time(0) || instrument.in_call(), "what is to end has begun");
            let done = instrument.phase == Phase::Delivering
                || self.unpaired.contains_key(&instrument.id)
                || self.obligations.contains_key(&instrument.id);
            let mut holding = self.instruments.holding(instrument.product, instrument.period);
            assert!(!done || holding.next().is_none(), "no part is done before its whole");
        }
    }

    /// Each account's positions, those that a gate has in hand too.
    fn all_positions(&self) -> impl Iterator<Item = (AccountId, &Instrument, Position)> {
        let open = self.instruments.all().flat_map(|instrument| {
            let held = self.positions.of_instrument(instrument.id);
            let unpaired = self.unpaired.get(&instrument.id).into_iter().flat_map(|unpaired| unpaired.all());
            held.into_iter()
                .chain(unpaired.copied())
                .map(move |(account, position)| (account, instrument, position))
        });
        open.filter(|(_, _, position)| !position.is_empty())
    }

    /// Holds are what orders hold, escrow is what positions and obligations need, and clearing what gates left.
    fn check_money(&self) {
        let mut held: BTreeMap<LedgerAccountId, Money> = BTreeMap::new();
        let mut escrow: BTreeMap<LedgerAccountId, Money> = BTreeMap::new();
        let mut clearing = vec![0i128; self.house.len()];
        let purse = |account: AccountId, currency| {
            self.accounts.purse(account, currency).expect("who has money in a currency has a purse")
        };
        for record in self.orders.iter().filter(|record| record.hold > Money::ZERO) {
            let currency = self.instruments.at(record.instrument.slot()).currency;
            *held.entry(purse(record.account, currency).cash).or_default() += record.hold;
        }
        for (account, instrument, position) in self.all_positions() {
            let needs = position.escrow_needed();
            *escrow.entry(purse(account, instrument.currency).escrow).or_default() += needs;
            let owed = position.realised.0.max(0) + (-position.cost.0).max(0);
            clearing[usize::from(instrument.currency.0)] += i128::from(needs.0) - i128::from(owed);
        }
        for instrument in self.instruments.all() {
            let fees = i128::from(self.positions.fees(instrument.id).0);
            clearing[usize::from(instrument.currency.0)] -= fees;
        }
        for obligation in self.obligations.values().flatten() {
            let currency = self.instruments.known(obligation.product).currency;
            *escrow.entry(purse(obligation.receiver, currency).escrow).or_default() +=
                obligation.receiver_cost;
            let left = obligation.receiver_cost - obligation.deliverer_cost;
            clearing[usize::from(currency.0)] += i128::from(left.0);
        }
        for (id, _) in self.accounts.all() {
            for purse in self.accounts.purses(id) {
                let expected = held.get(&purse.cash).copied().unwrap_or_default();
                assert_eq!(self.ledger.held(purse.cash), expected, "holds of account {id} are its orders'");
                let expected = escrow.get(&purse.escrow).copied().unwrap_or_default();
                let found = self.ledger.balance(purse.escrow);
                assert_eq!(found, expected, "escrow of account {id} is its positions'");
            }
        }
        for (house, owed) in self.house.iter().zip(clearing) {
            let balance = i128::from(self.ledger.balance(house.clearing).0);
            assert_eq!(balance + owed, 0, "clearing has what sellers are owed beyond escrow");
        }
    }

    /// For each account, product and hour: what it can sell is what it declared and bought, less what it sold
    /// and offers. For each product and hour: what is bought is sold.
    fn check_hours(&self) {
        let mut of_account: BTreeMap<(AccountId, ProductId), Sum> = BTreeMap::new();
        let mut of_product: BTreeMap<ProductId, Sum> = BTreeMap::new();
        let hours_of = |instrument: &Instrument| instrument.period.start..instrument.period.end();
        for (account, product, capacity) in self.hours.rows() {
            let sum = of_account.entry((account, product)).or_default();
            capacity.declared().segments().for_each(|(hours, lots)| sum.add(hours, lots.0));
            capacity.available().segments().for_each(|(hours, lots)| sum.add(hours, -lots.0));
        }
        for (account, instrument, position) in self.all_positions() {
            let (product, hours) = (instrument.product, hours_of(instrument));
            of_account.entry((account, product)).or_default().add(hours.clone(), position.units);
            of_product.entry(product).or_default().add(hours, position.units);
        }
        for one in self.obligations.values().flatten() {
            let hours = one.hour..one.hour.plus(1);
            of_account.entry((one.receiver, one.product)).or_default().add(hours.clone(), one.quantity.0);
            of_account.entry((one.deliverer, one.product)).or_default().add(hours, -one.quantity.0);
        }
        let sells = self.orders.iter().filter(|record| record.account.0 != 0 && record.side == Side::Sell);
        for record in sells {
            let instrument = self.instruments.at(record.instrument.slot());
            let sum = of_account.entry((record.account, instrument.product)).or_default();
            sum.add(hours_of(instrument), -record.leaves().0);
        }
        let floor = self.hours.floor();
        for ((account, product), sum) in &of_account {
            assert!(sum.is_zero_from(floor), "hours of account {account} in product {product} are conserved");
        }
        for (product, sum) in &of_product {
            assert!(sum.is_zero_from(Hour(0)), "units of product {product} sum to zero in every hour");
        }
    }
}
