//! A small exchange around the ledger: it does with holds, fills, gates and cascades what the real
//! one does, without books and time.

use hourbook_model::{
    AccountId, Credit, CurrencyId, EntryKind, Hour, InstrumentId, Money, ProductId, Quantity,
};

use crate::{AccountKind, HourBook, Ledger, LedgerAccountId, Owner, Posting, Short, Uncovered};
use crate::{Position, Positions};

pub const CNY: CurrencyId = CurrencyId(0);
pub const GPU: ProductId = ProductId(1);

/// An instrument of the desk: delivery hours of the one product.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: InstrumentId,
    pub start: Hour,
    pub hours: u32,
}

impl Listed {
    pub fn range(&self) -> std::ops::Range<Hour> {
        self.start..self.start.plus(self.hours)
    }
}

/// Why a trade did not come about.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Funds(Uncovered),
    Hours(Short),
}

pub struct Desk {
    pub ledger: Ledger,
    pub hours: HourBook,
    pub positions: Positions,
    outside: LedgerAccountId,
    pub fees: LedgerAccountId,
    pub clearing: LedgerAccountId,
    pub rounding: LedgerAccountId,
    accounts: Vec<AccountId>,
}

impl Desk {
    pub fn new(accounts: u32) -> Self {
        let mut ledger = Ledger::default();
        let mut house = |kind| ledger.open(Owner::House, CNY, kind);
        let outside = house(AccountKind::Outside);
        let fees = house(AccountKind::Fees);
        let clearing = house(AccountKind::Clearing);
        let rounding = house(AccountKind::Rounding);
        let accounts: Vec<_> = (1..=accounts).map(AccountId).collect();
        for &account in &accounts {
            ledger.open(Owner::Account(account), CNY, AccountKind::Cash);
            ledger.open(Owner::Account(account), CNY, AccountKind::Escrow);
        }
        let (hours, positions) = Default::default();
        Desk { ledger, hours, positions, outside, fees, clearing, rounding, accounts }
    }

    pub fn cash(&self, account: AccountId) -> LedgerAccountId {
        self.ledger.find(Owner::Account(account), CNY, AccountKind::Cash).unwrap()
    }

    pub fn escrow(&self, account: AccountId) -> LedgerAccountId {
        self.ledger.find(Owner::Account(account), CNY, AccountKind::Escrow).unwrap()
    }

    pub fn deposit(&mut self, account: AccountId, amount: Money) {
        let cash = self.cash(account);
        assert!(self.ledger.can_credit(cash, amount));
        let lines = [Posting::new(self.outside, -amount), Posting::new(cash, amount)];
        self.ledger.post(EntryKind::Deposit, &lines);
    }

    pub fn withdraw(&mut self, account: AccountId, amount: Money) -> Result<(), Uncovered> {
        let cash = self.cash(account);
        let available = self.ledger.available(cash);
        if amount > available {
            return Err(Uncovered { available });
        }
        let lines = [Posting::new(cash, -amount), Posting::new(self.outside, amount)];
        self.ledger.post(EntryKind::Withdrawal, &lines);
        Ok(())
    }

    pub fn credit(&mut self, account: AccountId, credit: Credit) {
        let cash = self.cash(account);
        self.ledger.set_credit(cash, credit);
    }

    /// Both sides hold, then trade at `amount` in all; the buyer's hold was for `worst`.
    #[expect(clippy::too_many_arguments, reason = "a trade has two sides, and each its account and fee")]
    pub fn trade(
        &mut self,
        listed: &Listed,
        buyer: AccountId,
        seller: AccountId,
        lots: i64,
        amount: Money,
        worst: Money,
        fees: (Money, Money),
    ) -> Result<(), Refusal> {
        let lots = Quantity(lots);
        let (cash, escrow) = (self.cash(buyer), self.escrow(buyer));
        let hold = worst + fees.0;
        self.hours.take(seller, GPU, listed.range(), lots).map_err(Refusal::Hours)?;
        if let Err(uncovered) = self.ledger.hold(cash, hold) {
            self.hours.give(seller, GPU, listed.range(), lots);
            return Err(Refusal::Funds(uncovered));
        }

        let bought = self.positions.buy(buyer, listed.id, lots, amount);
        let lines = [
            Posting::new(cash, -bought.escrow - fees.0).releasing(hold),
            Posting::new(escrow, bought.escrow),
            Posting::new(self.fees, fees.0),
        ];
        self.ledger.post(EntryKind::Fill, &lines);
        self.hours.give(buyer, GPU, listed.range(), lots);

        let sold = self.positions.sell(seller, listed.id, lots, amount, fees.1);
        self.move_to_escrow(seller, sold.escrow);
        Ok(())
    }

    /// The gate of an instrument: realised results go through clearing; what is open is handed back.
    pub fn gate(&mut self, listed: &Listed) -> Vec<(AccountId, Position)> {
        let mut open = Vec::new();
        while let Some((account, mut position)) = self.positions.pop_first(listed.id) {
            let realised = position.take_realised();
            let from = if realised < Money::ZERO { self.escrow(account) } else { self.cash(account) };
            self.move_gate(from, self.clearing, -realised);
            open.push((account, position));
        }
        let fees = self.positions.finish(listed.id);
        self.move_gate(self.clearing, self.fees, fees);
        open
    }

    /// The gate of a longer period: open positions become the same position in each part.
    pub fn cascade(&mut self, listed: &Listed, parts: &[Listed]) {
        let hours: Vec<u32> = parts.iter().map(|part| part.hours).collect();
        for (account, position) in self.gate(listed) {
            for (into, part) in parts.iter().zip(position.split(&hours)) {
                let effect = self.positions.absorb(account, into.id, part);
                self.move_to_escrow(account, effect.escrow - part.escrow_needed());
            }
        }
    }

    /// The gate of an hour, and everything delivered at once: escrow pays the sellers, less their fee.
    pub fn settle(&mut self, listed: &Listed) {
        for (account, position) in self.gate(listed) {
            if position.units > 0 {
                self.move_gate(self.escrow(account), self.clearing, position.cost);
            } else {
                self.move_gate(self.clearing, self.cash(account), -position.cost - position.fee_due);
                self.move_gate(self.clearing, self.fees, position.fee_due);
            }
        }
    }

    /// Every promise that must hold between any two operations.
    pub fn check(&self, listed: &[Listed]) {
        self.ledger.check().unwrap();
        self.hours.check().unwrap();
        self.positions.check().unwrap();
        for &account in &self.accounts {
            let positions = self.positions.of_account(account);
            let needed: Money = positions.iter().map(|(_, position)| position.escrow_needed()).sum();
            assert_eq!(self.ledger.balance(self.escrow(account)), needed, "escrow is what positions need");
        }
        for one in listed {
            assert_eq!(self.positions.units(one.id), 0, "units sum to zero");
        }
        let owed: i128 = listed.iter().map(|listed| self.owed(listed)).sum();
        let clearing = self.ledger.balance(self.clearing) + self.ledger.balance(self.rounding);
        assert_eq!(owed + i128::from(clearing.0), 0, "the gate leaves exactly what sellers are owed");
    }

    /// What the gate of an instrument would take in, less what it would pay out: escrow, less gains,
    /// less the fees in realised results, less what sellers are owed.
    fn owed(&self, listed: &Listed) -> i128 {
        let mut rest = -i128::from(self.positions.fees(listed.id).0);
        for (_, position) in self.positions.of_instrument(listed.id) {
            rest += i128::from(position.escrow_needed().0);
            rest -= i128::from(position.realised.0.max(0));
            rest -= i128::from((-position.cost.0).max(0));
        }
        rest
    }

    fn move_to_escrow(&mut self, account: AccountId, amount: Money) {
        assert!(amount <= Money::ZERO, "nobody pays without a hold");
        let lines = [Posting::new(self.cash(account), -amount), Posting::new(self.escrow(account), amount)];
        self.ledger.post(EntryKind::EscrowRelease, &lines);
    }

    fn move_gate(&mut self, from: LedgerAccountId, to: LedgerAccountId, amount: Money) {
        let lines = [Posting::new(from, -amount), Posting::new(to, amount)];
        self.ledger.post(EntryKind::Gate, &lines);
    }
}
