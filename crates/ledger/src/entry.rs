//! The lines of an entry, and which accounts each kind of entry may touch.

use hourbook_model::{EntryKind, Money};
use serde::{Deserialize, Serialize};

use crate::cash::{AccountKind, LedgerAccountId};

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
