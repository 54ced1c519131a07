//! Holds and entries: what is refused, what is impossible, and the sums against a naive oracle.

use std::collections::BTreeMap;

use hourbook_model::{AccountId, Credit, CurrencyId, EntryKind, Money};
use proptest::prelude::*;

use super::{bytes, restored};
use crate::{AccountKind, LEDGER_MAX, Ledger, LedgerAccountId, Owner, Posting, Uncovered};

const CNY: CurrencyId = CurrencyId(0);
const USD: CurrencyId = CurrencyId(1);
const ANN: Owner = Owner::Account(AccountId(1));

/// A ledger with `funds` micros in the cash of ann, and her escrow and the fees beside it.
fn funded(funds: i64) -> (Ledger, [LedgerAccountId; 4]) {
    let mut ledger = Ledger::default();
    let outside = ledger.open(Owner::House, CNY, AccountKind::Outside);
    let fees = ledger.open(Owner::House, CNY, AccountKind::Fees);
    let cash = ledger.open(ANN, CNY, AccountKind::Cash);
    let escrow = ledger.open(ANN, CNY, AccountKind::Escrow);
    assert!(ledger.can_credit(cash, Money(funds)));
    ledger.post(EntryKind::Deposit, &lines(&[(outside, -funds, 0), (cash, funds, 0)]));
    (ledger, [cash, escrow, fees, outside])
}

fn lines(lines: &[(LedgerAccountId, i64, i64)]) -> Vec<Posting> {
    let posting = |&(account, amount, hold)| Posting::new(account, Money(amount)).releasing(Money(hold));
    lines.iter().map(posting).collect()
}

#[test]
fn a_hold_turns_into_escrow_and_fee_in_one_entry() {
    let (mut ledger, [cash, escrow, fees, _]) = funded(100);
    ledger.hold(cash, Money(80)).unwrap();
    assert_eq!(ledger.available(cash), Money(20));

    let entry = ledger.post(EntryKind::Fill, &lines(&[(cash, -71, 80), (escrow, 70, 0), (fees, 1, 0)]));
    assert_eq!(entry, 2, "after the deposit, without a gap");
    assert_eq!(ledger.available(cash), Money(29));
    assert_eq!((ledger.held(cash), ledger.balance(escrow)), (Money(0), Money(70)));
    assert_eq!(ledger.total(CNY), Money::ZERO);
    ledger.check().unwrap();
}

#[test]
fn a_refused_hold_changes_nothing_and_says_what_there_is() {
    let (mut ledger, [cash, ..]) = funded(100);
    ledger.hold(cash, Money(60)).unwrap();
    let before = bytes(&ledger);
    assert_eq!(ledger.hold(cash, Money(41)), Err(Uncovered { available: Money(40) }));
    assert_eq!(ledger.hold(cash, Money::MAX), Err(Uncovered { available: Money(40) }));
    assert_eq!(bytes(&ledger), before);
    ledger.hold(cash, Money(40)).unwrap();
    ledger.release(cash, Money(100));
    assert_eq!(ledger.available(cash), Money(100));
}

#[test]
fn orders_still_fill_after_the_credit_line_was_lowered_under_its_use() {
    let (mut ledger, [cash, escrow, fees, _]) = funded(0);
    ledger.set_credit(cash, Credit::Line(Money(100)));
    ledger.hold(cash, Money(50)).unwrap();
    ledger.hold(cash, Money(50)).unwrap();
    ledger.set_credit(cash, Credit::Line(Money(10)));
    assert_eq!(ledger.hold(cash, Money(1)), Err(Uncovered { available: Money(-90) }));

    // The lines of one account count together: 40 is paid and the fee of 5 out of a hold of 50.
    ledger.post(EntryKind::Fill, &lines(&[(cash, -40, 50), (cash, -5, 0), (escrow, 40, 0), (fees, 5, 0)]));
    assert_eq!(ledger.available(cash), Money(-85));
    ledger.hold(cash, Money(0)).unwrap();
    ledger.check().unwrap();
}

#[test]
fn unlimited_credit_ends_where_the_arithmetic_would() {
    let (mut ledger, [cash, escrow, fees, _]) = funded(1_000);
    ledger.set_credit(cash, Credit::Unlimited);
    assert_eq!(ledger.available(cash), LEDGER_MAX - Money(1_000));
    assert!(ledger.hold(cash, Money::MAX).is_err());
    let most = ledger.available(cash);
    ledger.hold(cash, most).unwrap();
    assert_eq!(ledger.available(cash), Money::ZERO);
    assert!(!ledger.can_credit(cash, Money(1)), "the currency is full");
    assert!(!ledger.can_credit(cash, Money(-1)));

    ledger.post(EntryKind::Fill, &lines(&[(cash, -most.0, most.0), (escrow, most.0 - 7, 0), (fees, 7, 0)]));
    assert_eq!(ledger.gross(CNY), LEDGER_MAX - Money(1_000));
    ledger.check().unwrap();
}

#[test]
fn currencies_are_apart() {
    let (mut ledger, [cash, ..]) = funded(100);
    let outside = ledger.open(Owner::House, USD, AccountKind::Outside);
    let dollars = ledger.open(ANN, USD, AccountKind::Cash);
    ledger.post(EntryKind::Deposit, &lines(&[(outside, -5, 0), (dollars, 5, 0)]));
    assert_eq!((ledger.available(cash), ledger.available(dollars)), (Money(100), Money(5)));
    assert_eq!(ledger.find(ANN, USD, AccountKind::Cash), Some(dollars));
    assert_eq!(ledger.find(ANN, USD, AccountKind::Escrow), None);
    assert_eq!(ledger.account(dollars).owner(), ANN);
    assert_eq!(ledger.total(CurrencyId(9)), Money::ZERO);
    ledger.check().unwrap();
}

#[test]
fn a_snapshot_that_does_not_add_up_is_refused() {
    let (mut ledger, [cash, ..]) = funded(100);
    ledger.hold(cash, Money(60)).unwrap();
    restored(&ledger);
    let good = bytes(&ledger);
    // 100 micros are 0xc8 0x01 in postcard's zigzag varint; one more breaks the sum.
    let at = good.windows(2).position(|pair| pair == [0xc8, 0x01]).unwrap();
    let mut bad = good;
    bad[at] += 2;
    let error = postcard::from_bytes::<Ledger>(&bad).unwrap_err();
    assert_eq!(error, postcard::Error::SerdeDeCustom);
}

#[test]
fn every_field_shows_in_the_bytes() {
    let (base, [cash, escrow, fees, outside]) = funded(100);
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Ledger));
    let changes: [Change; 6] = [
        ("balance and entry", &|l| _ = l.post(EntryKind::Fill, &lines(&[(cash, -1, 0), (escrow, 1, 0)]))),
        ("entry", &|l| _ = l.post(EntryKind::Fill, &lines(&[(cash, 0, 0), (escrow, 0, 0)]))),
        ("held", &|l| l.hold(cash, Money(1)).unwrap()),
        ("credit", &|l| l.set_credit(cash, Credit::Line(Money(1)))),
        ("unlimited", &|l| l.set_credit(cash, Credit::Unlimited)),
        ("open", &|l| _ = l.open(Owner::Account(AccountId(2)), CNY, AccountKind::Cash)),
    ];
    let mut seen = vec![bytes(&base)];
    for (field, change) in changes {
        let mut changed = base.clone();
        change(&mut changed);
        let now = bytes(&changed);
        assert!(!seen.contains(&now), "{field}");
        seen.push(now);
    }
    // The same accounts in another order, kind, currency or owner are another state.
    for (owner, asset, kind) in [
        (ANN, USD, AccountKind::Cash),
        (Owner::Account(AccountId(2)), CNY, AccountKind::Escrow),
        (Owner::House, CNY, AccountKind::Clearing),
        (Owner::House, CNY, AccountKind::Rounding),
    ] {
        let mut changed = base.clone();
        changed.open(owner, asset, kind);
        let now = bytes(&changed);
        assert!(!seen.contains(&now), "{owner:?} {asset} {kind:?}");
        seen.push(now);
    }
    assert_ne!(fees, outside);
}

/// Faults of ours, each by the words of the assertion that must stop it.
fn fault(words: &str, act: impl FnOnce(&mut Ledger, [LedgerAccountId; 4]) + std::panic::UnwindSafe) {
    let panic = std::panic::catch_unwind(|| {
        let (mut ledger, accounts) = funded(100);
        act(&mut ledger, accounts);
    });
    let panic = panic.expect_err(words);
    let said = panic.downcast_ref::<String>().cloned();
    let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap();
    assert!(said.contains(words), "{words}: {said}");
}

#[test]
fn impossible_entries_stop_the_machine() {
    use EntryKind::*;
    fault("sums to zero", |l, [cash, escrow, ..]| {
        l.post(Fill, &lines(&[(cash, -10, 0), (escrow, 9, 0)]));
    });
    fault("sums to zero", |l, [cash, ..]| {
        let dollars = l.open(ANN, USD, AccountKind::Escrow);
        l.post(Fill, &lines(&[(cash, -10, 0), (dollars, 10, 0)]));
    });
    fault("available or held", |l, [cash, escrow, ..]| {
        l.post(Fill, &lines(&[(cash, -101, 0), (escrow, 101, 0)]));
    });
    fault("available or held", |l, [cash, escrow, ..]| {
        l.hold(cash, Money(95)).unwrap();
        l.post(Fill, &lines(&[(cash, -10, 4), (escrow, 10, 0)]));
    });
    fault("available or held", |l, [cash, escrow, ..]| {
        l.post(EscrowRelease, &lines(&[(escrow, -1, 0), (cash, 1, 0)]));
    });
    fault("available or held", |l, [cash, _, fees, _]| {
        l.post(Fill, &lines(&[(fees, -1, 0), (cash, 1, 0)]));
    });
    fault("no hold is negative", |l, [cash, ..]| l.release(cash, Money(1)));
    fault("no hold is negative", |l, [cash, escrow, ..]| {
        l.hold(cash, Money(5)).unwrap();
        l.post(Fill, &lines(&[(cash, -6, 6), (escrow, 6, 0)]));
    });
    fault("no hold is negative", |l, [cash, escrow, ..]| {
        l.post(Fill, &lines(&[(cash, -6, -1), (escrow, 6, 0)]));
    });
    fault("not negative", |l, [cash, ..]| l.hold(cash, Money(-1)).unwrap());
    fault("not negative", |l, [cash, ..]| l.release(cash, Money(-1)));
    fault("no business", |l, [cash, _, _, outside]| {
        l.post(Fill, &lines(&[(outside, -1, 0), (cash, 1, 0)]));
    });
    fault("no business", |l, [_, escrow, _, outside]| {
        l.post(Deposit, &lines(&[(outside, -1, 0), (escrow, 1, 0)]));
    });
    fault("within its cap", |l, [cash, _, _, outside]| {
        l.post(Deposit, &lines(&[(outside, -i64::MAX, 0), (cash, i64::MAX, 0)]));
    });
    fault("has lines", |l, _| _ = l.post(Fill, &[]));
    fault("indexed once", |l, _| _ = l.open(ANN, CNY, AccountKind::Cash));
    fault("accounts own cash", |l, _| _ = l.open(ANN, CNY, AccountKind::Fees));
    fault("accounts own cash", |l, _| _ = l.open(Owner::House, CNY, AccountKind::Cash));
    fault("only cash accounts", |l, [_, escrow, ..]| l.set_credit(escrow, Credit::Unlimited));
}

/// The ledger without cleverness: available is computed, sums are taken when asked for.
#[derive(Default)]
struct Naive {
    balance: BTreeMap<u32, i128>,
    held: BTreeMap<u32, i128>,
    credit: BTreeMap<u32, i128>,
}

impl Naive {
    fn available(&self, account: u32) -> i128 {
        let of = |map: &BTreeMap<u32, i128>| map.get(&account).copied().unwrap_or(0);
        of(&self.balance) + of(&self.credit) - of(&self.held)
    }
}

proptest! {
    /// Each tuple: what to do, the account, an amount, a part of the hold.
    #[test]
    fn balances_and_holds_are_those_of_the_oracle(
        ops in prop::collection::vec((0..6u8, 0..4usize, 0..300i64, 0..300i64), 1..200),
    ) {
        let mut ledger = Ledger::default();
        let outside = ledger.open(Owner::House, CNY, AccountKind::Outside);
        let cash: Vec<_> = (1..=4).map(|n| ledger.open(Owner::Account(AccountId(n)), CNY, AccountKind::Cash)).collect();
        let escrow: Vec<_> = (1..=4).map(|n| ledger.open(Owner::Account(AccountId(n)), CNY, AccountKind::Escrow)).collect();
        let mut naive = Naive::default();
        let mut entries = 0;
        for (what, who, amount, part) in ops {
            let (cash, escrow) = (cash[who], escrow[who]);
            let (available, in_escrow) = (naive.available(cash.0), naive.available(escrow.0));
            prop_assert_eq!(i128::from(ledger.available(cash).0), available);
            let held = naive.held.entry(cash.0).or_default();
            let part = part.min(*held as i64);
            let mut post = |from: LedgerAccountId, to: LedgerAccountId, kind, hold: i64| {
                *naive.balance.entry(from.0).or_default() -= i128::from(amount);
                *naive.balance.entry(to.0).or_default() += i128::from(amount);
                entries += 1;
                ledger.post(kind, &lines(&[(from, -amount, hold), (to, amount, 0)]))
            };
            match what {
                0 => prop_assert_eq!(post(outside, cash, EntryKind::Deposit, 0), entries),
                1 => {
                    let covered = amount == 0 || i128::from(amount) <= available;
                    *held += if covered { i128::from(amount) } else { 0 };
                    prop_assert_eq!(ledger.hold(cash, Money(amount)).is_ok(), covered);
                }
                2 => {
                    *held -= i128::from(part);
                    ledger.release(cash, Money(part));
                }
                3 if amount <= part || i128::from(amount) <= available + i128::from(part) => {
                    *held -= i128::from(part);
                    prop_assert_eq!(post(cash, escrow, EntryKind::Fill, part), entries);
                }
                4 if i128::from(amount) <= in_escrow => {
                    prop_assert_eq!(post(escrow, cash, EntryKind::EscrowRelease, 0), entries);
                }
                5 => {
                    naive.credit.insert(cash.0, amount.into());
                    ledger.set_credit(cash, Credit::Line(Money(amount)));
                }
                _ => {}
            }
            ledger.check().unwrap();
        }
        let ledger = restored(&ledger);
        for (id, row) in ledger.accounts() {
            prop_assert_eq!(i128::from(row.balance().0), naive.balance.get(&id.0).copied().unwrap_or(0));
            prop_assert_eq!(i128::from(row.held().0), naive.held.get(&id.0).copied().unwrap_or(0));
        }
        prop_assert_eq!(ledger.entries(), entries);
    }
}
