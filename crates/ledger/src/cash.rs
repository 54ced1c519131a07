//! Money: ledger accounts of one currency each, holds on them, and entries between them.
//!
//! Hold first, then post or release: what a buyer may come to owe is held before its order reaches
//! the book, and a fill turns hold into escrow and fees in one entry. Deposits come from the
//! outside account, which is negative by what the participants have brought.
//!
//! Always true, per currency: balances sum to zero; no hold is negative; balance + credit - held
//! never falls below zero by a posting or a hold (only by lowering a credit line); what the
//! positive balances and the holds sum to, the gross, stays at or below [`LEDGER_MAX`], so no
//! balance and no sum of balances can overflow.

use hourbook_model::{AccountId, Credit, CurrencyId, EntryKind, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::entry::{AccountKind, LedgerAccountId, Posting, may_touch};
use crate::index::Index;
use crate::{Broken, promise};

/// Most micros that the positive balances and the holds of one currency may sum to: 2^61, some
/// 2.3 million million units of currency. Deposits and holds beyond it are refused. The arithmetic
/// itself is asserted at twice that, which leaves room for entries that nobody refuses.
pub const LEDGER_MAX: Money = Money(1 << 61);

const ARITHMETIC_MAX: i64 = 1 << 62;
/// How an unlimited credit line is stored.
const UNLIMITED: i64 = i64::MAX;

/// Whose ledger account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    House,
    Account(AccountId),
}

/// A hold was refused: the account has less than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uncovered {
    /// Micros that could have been held; below zero where a credit line was lowered under its use.
    pub available: Money,
}

/// One ledger account: half a cache line, never across two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(32))]
pub struct LedgerAccount {
    balance: i64,
    held: i64,
    /// Micros; [`UNLIMITED`] for no limit.
    credit: i64,
    /// 0 is the house.
    owner: AccountId,
    asset: CurrencyId,
    kind: AccountKind,
}

/// Sums over one currency; derived, so no part of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    /// Of all balances: zero between entries.
    sum: i64,
    /// Of positive balances and of holds.
    gross: i64,
}

/// All ledger accounts.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: Vec<LedgerAccount>,
    /// Entries so far, which is the number of the last one.
    entries: u64,
    /// By currency.
    totals: Vec<Totals>,
    index: Index,
}

impl LedgerAccount {
    pub fn owner(&self) -> Owner {
        if self.owner == AccountId(0) { Owner::House } else { Owner::Account(self.owner) }
    }

    pub fn asset(&self) -> CurrencyId {
        self.asset
    }

    pub fn kind(&self) -> AccountKind {
        self.kind
    }

    /// Micros, holds included.
    pub fn balance(&self) -> Money {
        Money(self.balance)
    }

    /// Micros reserved for open orders; zero or more.
    pub fn held(&self) -> Money {
        Money(self.held)
    }

    pub fn credit(&self) -> Credit {
        if self.credit == UNLIMITED { Credit::Unlimited } else { Credit::Line(Money(self.credit)) }
    }

    /// balance + credit - held, not beyond what an `i64` holds.
    #[inline]
    fn available(&self) -> i64 {
        // balance - held lies within the arithmetic limit, twice; only the credit line can saturate.
        (self.balance - self.held).saturating_add(self.credit)
    }
}

impl Ledger {
    /// Opens a ledger account, empty. The outside, clearing and rounding accounts may go below zero
    /// without limit; a cash account as far as [`Ledger::set_credit`] allows; the others never.
    ///
    /// Panics when it is open already, or when the owner cannot own that kind.
    pub fn open(&mut self, owner: Owner, asset: CurrencyId, kind: AccountKind) -> LedgerAccountId {
        let account = match owner {
            Owner::House => AccountId(0),
            Owner::Account(account) => account,
        };
        let of_account = matches!(kind, AccountKind::Cash | AccountKind::Escrow);
        assert_eq!(of_account, account != AccountId(0), "accounts own cash and escrow, the house the rest");

        let credit = match kind {
            AccountKind::Cash | AccountKind::Escrow | AccountKind::Fees => 0,
            AccountKind::Outside | AccountKind::Clearing | AccountKind::Rounding => UNLIMITED,
        };
        let slot = self.accounts.len();
        let row = LedgerAccount { balance: 0, held: 0, credit, owner: account, asset, kind };
        self.index.insert(row.key(), slot);
        self.accounts.push(row);
        let assets = usize::from(asset.0) + 1;
        if self.totals.len() < assets {
            self.totals.resize(assets, Totals::default());
        }
        LedgerAccountId(slot as u32)
    }

    /// The ledger account of that owner, currency and kind, if it is open.
    pub fn find(&self, owner: Owner, asset: CurrencyId, kind: AccountKind) -> Option<LedgerAccountId> {
        let owner = match owner {
            Owner::House => AccountId(0),
            Owner::Account(account) => account,
        };
        self.index.get(key(owner, asset, kind)).map(|slot| LedgerAccountId(slot as u32))
    }

    /// A ledger account by its id.
    #[inline]
    pub fn account(&self, id: LedgerAccountId) -> &LedgerAccount {
        &self.accounts[id.0 as usize]
    }

    /// All ledger accounts in the order of their ids.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = (LedgerAccountId, &LedgerAccount)> {
        self.accounts.iter().enumerate().map(|(slot, row)| (LedgerAccountId(slot as u32), row))
    }

    #[inline]
    pub fn balance(&self, id: LedgerAccountId) -> Money {
        self.account(id).balance()
    }

    #[inline]
    pub fn held(&self, id: LedgerAccountId) -> Money {
        self.account(id).held()
    }

    /// What a hold may take now: balance + credit - held, and no more than the currency has room for.
    #[inline]
    pub fn available(&self, id: LedgerAccountId) -> Money {
        let row = self.account(id);
        Money(row.available().min(self.room(row.asset)))
    }

    /// Whether `amount` micros may come in from an account that may go below zero, such as the outside.
    /// To be asked before a deposit.
    pub fn can_credit(&self, id: LedgerAccountId, amount: Money) -> bool {
        amount >= Money::ZERO && amount.0 <= self.room(self.account(id).asset)
    }

    /// Sets how far below zero a cash account may go. A line may be lowered under what is used of it;
    /// the account then holds and spends nothing more until it is back above.
    pub fn set_credit(&mut self, id: LedgerAccountId, credit: Credit) {
        let row = &mut self.accounts[id.0 as usize];
        assert_eq!(row.kind, AccountKind::Cash, "only cash accounts have a credit line");
        row.credit = match credit {
            Credit::Unlimited => UNLIMITED,
            Credit::Line(line) => {
                assert!(line >= Money::ZERO, "a credit line is not negative");
                line.0
            }
        };
    }

    /// Reserves `amount` micros, zero or more, of what is available.
    ///
    /// # Errors
    /// [`Uncovered`] when less is available; nothing changes then.
    #[inline]
    pub fn hold(&mut self, id: LedgerAccountId, amount: Money) -> Result<(), Uncovered> {
        assert!(amount >= Money::ZERO, "a hold is not negative");
        let row = &mut self.accounts[id.0 as usize];
        let totals = &mut self.totals[usize::from(row.asset.0)];
        let available = row.available().min(LEDGER_MAX.0 - totals.gross);
        // A hold of nothing is covered even where the credit line was lowered under its use.
        if amount.0 > available && amount != Money::ZERO {
            return Err(Uncovered { available: Money(available) });
        }

        row.held += amount.0;
        totals.gross += amount.0;
        Ok(())
    }

    /// Ends `amount` micros of a hold, zero or more.
    #[inline]
    pub fn release(&mut self, id: LedgerAccountId, amount: Money) {
        assert!(amount >= Money::ZERO, "a release is not negative");
        let row = &mut self.accounts[id.0 as usize];
        assert!(amount.0 <= row.held, "no hold is negative");

        row.held -= amount.0;
        self.totals[usize::from(row.asset.0)].gross -= amount.0;
    }

    /// Writes one entry and returns its number: 1 for the first, without gaps over the whole ledger.
    ///
    /// The entry counts as a whole: it may not leave an account with less than nothing available
    /// unless what it takes is no more than the hold it ends. Whoever posts has held before, or has
    /// asked [`Ledger::available`] or [`Ledger::can_credit`].
    ///
    /// Panics when the lines do not sum to zero in each currency, take what is not available, end
    /// more hold than there is, or touch an account that the kind of entry has no business with.
    #[inline]
    pub fn post(&mut self, kind: EntryKind, lines: &[Posting]) -> u64 {
        assert!(!lines.is_empty(), "an entry has lines");
        for line in lines {
            let row = &mut self.accounts[line.account.0 as usize];
            assert!(may_touch(kind, row.kind), "{kind:?} has no business with {:?}", row.kind);
            assert!((0..=row.held).contains(&line.release.0), "no hold is negative");
            let balance = row.balance.checked_add(line.amount.0).expect("a balance within its cap");

            let totals = &mut self.totals[usize::from(row.asset.0)];
            totals.sum = totals.sum.checked_add(line.amount.0).expect("an entry within its cap");
            totals.gross += balance.max(0) - row.balance.max(0) - line.release.0;
            assert!(totals.gross <= ARITHMETIC_MAX, "a currency within its cap");
            row.balance = balance;
            row.held -= line.release.0;
        }
        for line in lines {
            let row = &self.accounts[line.account.0 as usize];
            assert_eq!(
                self.totals[usize::from(row.asset.0)].sum,
                0,
                "an entry sums to zero in each currency"
            );
            assert!(
                row.available() >= 0 || frees(lines, line.account),
                "an entry takes only what is available or held"
            );
        }
        self.entries += 1;
        self.entries
    }

    /// The number of the last entry; 0 before the first.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The sum of all balances of a currency: zero, always. Kept along, so it costs nothing to ask.
    pub fn total(&self, asset: CurrencyId) -> Money {
        Money(self.totals.get(usize::from(asset.0)).map_or(0, |totals| totals.sum))
    }

    /// Positive balances and holds of a currency: how much of [`LEDGER_MAX`] is in use.
    pub fn gross(&self, asset: CurrencyId) -> Money {
        Money(self.totals.get(usize::from(asset.0)).map_or(0, |totals| totals.gross))
    }

    /// Checks every promise of this file over the whole ledger.
    ///
    /// # Errors
    /// [`Broken`] names the first promise that does not hold and the ledger account or currency.
    pub fn check(&self) -> Result<(), Broken> {
        let mut sums = vec![(0i128, 0i128); self.totals.len()];
        for (slot, row) in self.accounts.iter().enumerate() {
            let at = slot as u64;
            let (sum, gross) = sums
                .get_mut(usize::from(row.asset.0))
                .ok_or(Broken { promise: "each currency has its totals", at })?;
            *sum += i128::from(row.balance);
            *gross += i128::from(row.balance.max(0)) + i128::from(row.held);
            promise(row.held >= 0, "no hold is negative", at)?;
            promise(row.held == 0 || row.kind == AccountKind::Cash, "only cash is held", at)?;
            promise(row.credit >= 0, "a credit line is not negative", at)?;
            promise(
                row.credit != 0 || row.kind == AccountKind::Cash || row.balance >= 0,
                "without credit, not below zero",
                at,
            )?;
            promise(self.index.get(row.key()) == Some(slot), "each ledger account is found", at)?;
        }
        promise(self.index.len() == self.accounts.len(), "each ledger account is open once", 0)?;
        for (asset, (totals, (sum, gross))) in self.totals.iter().zip(sums).enumerate() {
            promise(sum == 0 && totals.sum == 0, "balances sum to zero", asset as u64)?;
            promise(gross == i128::from(totals.gross), "the gross is what it says", asset as u64)?;
            promise(gross <= i128::from(ARITHMETIC_MAX), "a currency within its cap", asset as u64)?;
        }
        Ok(())
    }

    /// Micros that the gross of a currency may still grow by.
    #[inline]
    fn room(&self, asset: CurrencyId) -> i64 {
        LEDGER_MAX.0 - self.totals[usize::from(asset.0)].gross
    }
}

impl LedgerAccount {
    fn key(&self) -> u64 {
        key(self.owner, self.asset, self.kind)
    }
}

fn key(owner: AccountId, asset: CurrencyId, kind: AccountKind) -> u64 {
    u64::from(owner.0) << 32 | u64::from(asset.0) << 8 | kind as u64
}

/// Whether an entry leaves an account with no less available than before: for those that were
/// below already, whose orders nevertheless fill.
#[cold]
fn frees(lines: &[Posting], account: LedgerAccountId) -> bool {
    let change: i128 = lines
        .iter()
        .filter(|line| line.account == account)
        .map(|line| i128::from(line.amount.0) + i128::from(line.release.0))
        .sum();
    change >= 0
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.entries, &self.accounts).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Ledger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (entries, accounts) = <(u64, Vec<LedgerAccount>)>::deserialize(deserializer)?;
        Ledger::restore(entries, accounts).map_err(serde::de::Error::custom)
    }
}

impl Ledger {
    fn restore(entries: u64, accounts: Vec<LedgerAccount>) -> Result<Self, Broken> {
        let mut ledger = Ledger { entries, accounts, ..Ledger::default() };
        let beyond = Broken { promise: "a currency within its cap", at: 0 };
        for (slot, row) in ledger.accounts.iter().enumerate() {
            promise(ledger.index.get(row.key()).is_none(), "each ledger account is open once", slot as u64)?;
            ledger.index.insert(row.key(), slot);
            let assets = usize::from(row.asset.0) + 1;
            if ledger.totals.len() < assets {
                ledger.totals.resize(assets, Totals::default());
            }
            let totals = &mut ledger.totals[assets - 1];
            totals.sum = totals.sum.checked_add(row.balance).ok_or(beyond)?;
            totals.gross = totals
                .gross
                .checked_add(row.balance.max(0))
                .and_then(|g| g.checked_add(row.held))
                .ok_or(beyond)?;
        }
        ledger.check()?;
        Ok(ledger)
    }
}
