//! Kinds of ledger accounts, the lines of an entry, and which accounts each kind of entry may touch.

use hourbook_model::{EntryKind, Money};
use serde::{Deserialize, Serialize};

/// A ledger account: its place in the ledger, numbered from 0 in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LedgerAccountId(pub u32);

/// What a ledger account is for. An account owns cash and escrow, the house the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum AccountKind {
    /// Free money, and money held for open buy orders.
    Cash,
    /// Paid for hours bought and not yet delivered, and for losses not yet collected.
    Escrow,
    /// The world: counterpart of deposits and withdrawals.
    Outside,
    /// What the house has earned.
    Fees,
    /// Between those who lost and those who won, at the gate.
    Clearing,
    /// The micros that rounding leaves.
    Rounding,
}

/// One line of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub account: LedgerAccountId,
    /// Micros added to the balance; below zero, taken from it.
    pub amount: Money,
    /// Micros of the account's hold that end with this line; zero or more.
    pub release: Money,
}

impl Posting {
    /// A line that leaves holds alone.
    #[inline]
    pub fn new(account: LedgerAccountId, amount: Money) -> Self {
        Posting { account, amount, release: Money::ZERO }
    }

    /// The same line, ending `hold` micros of the account's hold at once.
    #[inline]
    pub fn releasing(self, hold: Money) -> Self {
        Posting { release: hold, ..self }
    }
}

/// Whether an entry of a kind may have a line on a ledger account of a kind: a fill cannot make money,
/// a deposit cannot reach into escrow.
#[inline]
pub(crate) fn may_touch(entry: EntryKind, account: AccountKind) -> bool {
    use EntryKind::{Deposit, Fill, Gate, Withdrawal};
    match account {
        AccountKind::Cash => true,
        AccountKind::Escrow => !matches!(entry, Deposit | Withdrawal),
        AccountKind::Outside => matches!(entry, Deposit | Withdrawal),
        AccountKind::Fees => matches!(entry, Withdrawal | Fill | Gate),
        AccountKind::Clearing | AccountKind::Rounding => matches!(entry, Gate),
    }
}
