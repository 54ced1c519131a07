//! Stories of money and hours, from deposit to settlement; and random days on the same desk.

use std::fmt::Write;

use expect_test::{Expect, expect};
use hourbook_model::{AccountId, Credit, Hour, InstrumentId, Money, Quantity};
use proptest::prelude::*;

use super::desk::{Desk, GPU, Listed};
use super::{bytes, restored};

const NAMES: [&str; 3] = ["ann", "bob", "cat"];

/// Runs a story on one instrument of two hours and its parts, and compares what stands at its end.
/// Amounts are in micros; `trade BUYER SELLER LOTS AMOUNT [FEE FEE]` holds the amount and ten more.
fn check(story: &str, expect: Expect) {
    let whole = Listed { id: InstrumentId(0), start: Hour(8), hours: 2 };
    let parts = [
        Listed { id: InstrumentId(1), start: Hour(8), hours: 1 },
        Listed { id: InstrumentId(2), start: Hour(9), hours: 1 },
    ];
    let all = [whole.clone(), parts[0].clone(), parts[1].clone()];
    let mut desk = Desk::new(3);
    let mut out = String::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let account =
            |at: usize| AccountId(1 + NAMES.iter().position(|name| *name == words[at]).unwrap() as u32);
        let number = |at: usize| words.get(at).map_or(0, |word| word.parse::<i64>().unwrap());
        let refused = match words[0] {
            "deposit" => {
                desk.deposit(account(1), Money(number(2)));
                None
            }
            "withdraw" => desk.withdraw(account(1), Money(number(2))).err().map(|why| format!("{why:?}")),
            "credit" => {
                desk.credit(account(1), Credit::Line(Money(number(2))));
                None
            }
            "declare" => {
                let hours = Hour(number(2) as u32)..Hour(number(3) as u32);
                let declared = desk.hours.declare(account(1), GPU, hours, Quantity(number(4)));
                declared.err().map(|why| format!("{why:?}"))
            }
            "trade" | "trade1" | "trade2" => {
                let on = &all[words[0].strip_prefix("trade").unwrap().parse().unwrap_or(0)];
                let (lots, amount) = (number(3), Money(number(4)));
                let (worst, fees) = (amount + Money(10), (Money(number(5)), Money(number(6))));
                let traded = desk.trade(on, account(1), account(2), lots, amount, worst, fees);
                traded.err().map(|why| format!("{why:?}"))
            }
            "cascade" => {
                desk.cascade(&whole, &parts);
                None
            }
            "settle" => {
                parts.iter().for_each(|part| desk.settle(part));
                None
            }
            other => panic!("no such operation: {other}"),
        };
        if let Some(why) = refused {
            writeln!(out, "{line}: {why}").unwrap();
        }
        desk.check(&all);
    }
    for (at, name) in NAMES.iter().enumerate() {
        let account = AccountId(at as u32 + 1);
        let (cash, escrow) = (desk.cash(account), desk.escrow(account));
        let money = [desk.ledger.balance(cash), desk.ledger.held(cash), desk.ledger.balance(escrow)];
        let positions = desk.positions.of_account(account);
        let hours: Vec<String> = desk.hours.get(account, GPU).map_or(vec![], |capacity| {
            let segments = capacity.available().segments();
            segments.map(|(hours, lots)| format!("{lots} in {}..{}", hours.start.0, hours.end.0)).collect()
        });
        if money == [Money::ZERO; 3] && positions.is_empty() && hours.is_empty() {
            continue;
        }
        let [balance, held, escrow] = money;
        writeln!(out, "{name}: cash {balance} held {held} escrow {escrow}; hours {}", hours.join(", "))
            .unwrap();
        for (instrument, p) in positions {
            let (units, cost, realised, fee) = (p.units, p.cost, p.realised, p.fee_due);
            writeln!(out, "  {instrument}: {units} for {cost}, realised {realised}, fee due {fee}").unwrap();
        }
    }
    let fees = desk.ledger.balance(desk.fees);
    let clearing = desk.ledger.balance(desk.clearing);
    writeln!(out, "house: fees {fees} clearing {clearing}").unwrap();
    expect.assert_eq(&out);
}

#[test]
fn a_buyer_pays_into_escrow_and_the_seller_waits() {
    check(
        "
        deposit ann 1000
        declare bob 0 24 10
        trade ann bob 4 600 6 3
        ",
        expect![[r#"
            ann: cash 394 held 0 escrow 600; hours 4 in 8..10
              0: 4 for 600, realised 0, fee due 0
            bob: cash 0 held 0 escrow 0; hours 10 in 0..8, 6 in 8..10, 10 in 10..24
              0: -4 for -600, realised 0, fee due 3
            house: fees 6 clearing 0
        "#]],
    );
}

#[test]
fn delivered_hours_pay_the_seller_less_the_fee() {
    check(
        "
        deposit ann 1000
        declare bob 0 24 10
        trade ann bob 4 601 6 3
        cascade
        settle
        ",
        expect![[r#"
            ann: cash 393 held 0 escrow 0; hours 4 in 8..10
            bob: cash 598 held 0 escrow 0; hours 10 in 0..8, 6 in 8..10, 10 in 10..24
            house: fees 9 clearing 0
        "#]],
    );
}

#[test]
fn what_is_bought_is_sold_on_and_the_gain_is_paid_at_the_gate() {
    check(
        "
        deposit ann 1000
        deposit cat 1000
        declare bob 8 10 10
        trade ann bob 4 600
        trade cat ann 4 700 0 2
        ",
        expect![[r#"
            ann: cash 1000 held 0 escrow 0; hours 
              0: 0 for 0, realised 98, fee due 0
            bob: cash 0 held 0 escrow 0; hours 6 in 8..10
              0: -4 for -600, realised 0, fee due 0
            cat: cash 300 held 0 escrow 700; hours 4 in 8..10
              0: 4 for 700, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
    check(
        "
        deposit ann 1000
        deposit cat 1000
        declare bob 8 10 10
        trade ann bob 4 600
        trade cat ann 4 700 0 2
        cascade
        settle
        ",
        expect![[r#"
            ann: cash 1098 held 0 escrow 0; hours 
            bob: cash 600 held 0 escrow 0; hours 6 in 8..10
            cat: cash 300 held 0 escrow 0; hours 4 in 8..10
            house: fees 2 clearing 0
        "#]],
    );
}

#[test]
fn a_loss_stays_in_escrow_until_the_gate() {
    check(
        "
        deposit ann 1000
        deposit cat 1000
        declare bob 8 10 10
        trade ann bob 4 600
        trade cat ann 3 300
        ",
        expect![[r#"
            ann: cash 700 held 0 escrow 300; hours 1 in 8..10
              0: 1 for 150, realised -150, fee due 0
            bob: cash 0 held 0 escrow 0; hours 6 in 8..10
              0: -4 for -600, realised 0, fee due 0
            cat: cash 700 held 0 escrow 300; hours 3 in 8..10
              0: 3 for 300, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
}

#[test]
fn a_seller_that_buys_back_needs_escrow_only_for_its_loss() {
    check(
        "
        deposit ann 1000
        deposit bob 1000
        declare bob 8 10 4
        declare cat 8 10 4
        trade ann bob 4 600 0 4
        trade bob cat 3 500
        trade bob cat 1 100
        ",
        expect![[r#"
            ann: cash 400 held 0 escrow 600; hours 4 in 8..10
              0: 4 for 600, realised 0, fee due 0
            bob: cash 996 held 0 escrow 4; hours 4 in 8..10
              0: 0 for 0, realised -4, fee due 0
            cat: cash 0 held 0 escrow 0; hours 
              0: -4 for -600, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
}

#[test]
fn a_cascade_closes_what_was_traded_the_other_way_in_a_part() {
    check(
        "
        deposit ann 1000
        deposit cat 1000
        declare bob 8 10 10
        trade ann bob 4 600 0 4
        trade2 cat ann 3 300 0 1
        cascade
        ",
        expect![[r#"
            ann: cash 625 held 0 escrow 375; hours 4 in 8..9, 1 in 9..10
              1: 4 for 300, realised 0, fee due 0
              2: 1 for 75, realised 74, fee due 0
            bob: cash 0 held 0 escrow 0; hours 6 in 8..10
              1: -4 for -300, realised 0, fee due 2
              2: -4 for -300, realised 0, fee due 2
            cat: cash 700 held 0 escrow 300; hours 3 in 9..10
              2: 3 for 300, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
}

#[test]
fn nothing_is_sold_twice_and_nothing_bought_on_air() {
    check(
        "
        deposit ann 100
        declare bob 8 9 5
        trade1 ann bob 6 10
        trade ann bob 1 10
        trade1 ann bob 5 91
        trade1 ann bob 5 90
        declare bob 8 9 4
        withdraw ann 11
        withdraw ann 10
        ",
        expect![[r#"
            trade1 ann bob 6 10: Hours(Short { available: Quantity(5) })
            trade ann bob 1 10: Hours(Short { available: Quantity(0) })
            trade1 ann bob 5 91: Funds(Uncovered { available: Money(100) })
            declare bob 8 9 4: BelowSold { hour: Hour(8), least: Quantity(5) }
            withdraw ann 11: Uncovered { available: Money(10) }
            ann: cash 0 held 0 escrow 90; hours 5 in 8..9
              1: 5 for 90, realised 0, fee due 0
            bob: cash 0 held 0 escrow 0; hours 
              1: -5 for -90, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
}

#[test]
fn a_credit_line_buys_until_it_is_used_up() {
    check(
        "
        credit ann 200
        declare bob 8 10 10
        trade ann bob 1 150
        trade ann bob 1 41
        trade ann bob 1 40
        credit ann 100
        trade ann bob 1 1
        ",
        expect![[r#"
            trade ann bob 1 41: Funds(Uncovered { available: Money(50) })
            trade ann bob 1 1: Funds(Uncovered { available: Money(-90) })
            ann: cash -190 held 0 escrow 190; hours 2 in 8..10
              0: 2 for 190, realised 0, fee due 0
            bob: cash 0 held 0 escrow 0; hours 8 in 8..10
              0: -2 for -190, realised 0, fee due 0
            house: fees 0 clearing 0
        "#]],
    );
}

#[derive(Clone, Debug)]
enum Op {
    Deposit { account: u32, amount: i64 },
    Withdraw { account: u32, amount: i64 },
    Credit { account: u32, line: i64 },
    Declare { account: u32, from: u32, hours: u32, lots: i64 },
    Trade { on: usize, buyer: u32, seller: u32, lots: i64, amount: i64, slack: i64, fees: (i64, i64) },
    Snapshot,
}

const ACCOUNTS: u32 = 5;

fn op() -> impl Strategy<Value = Op> {
    let account = || 1..=ACCOUNTS;
    let fee = || prop_oneof![Just(0i64), 0..5i64, Just(i64::MAX)];
    let amount = || prop_oneof![0..5i64, 0..2_000i64];
    let trade = (0..4usize, account(), account(), 1..8i64, amount(), 0..50i64, (fee(), fee()));
    prop_oneof![
        2 => (account(), 0..5_000i64).prop_map(|(account, amount)| Op::Deposit { account, amount }),
        1 => (account(), 0..2_000i64).prop_map(|(account, amount)| Op::Withdraw { account, amount }),
        1 => (account(), 0..3_000i64).prop_map(|(account, line)| Op::Credit { account, line }),
        3 => (account(), 0..6u32, 1..7u32, 0..30i64)
            .prop_map(|(account, from, hours, lots)| Op::Declare { account, from, hours, lots }),
        20 => trade.prop_map(|(on, buyer, seller, lots, amount, slack, (fee, due))| {
            Op::Trade { on, buyer, seller, lots, amount, slack, fees: (fee.min(3), due.min(amount)) }
        }),
        1 => Just(Op::Snapshot),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Whatever is traded in a period and its parts: escrow is always what positions need, no trade
    /// needs more than it pays, and after cascade and settlement nothing is left but what went in.
    #[test]
    fn a_random_day_conserves_money_and_hours(ops in prop::collection::vec(op(), 1..120)) {
        let whole = Listed { id: InstrumentId(7), start: Hour(0), hours: 6 };
        let parts: Vec<_> = [(0, 1), (1, 2), (3, 3)]
            .into_iter()
            .map(|(start, hours)| Listed { id: InstrumentId(8 + start), start: Hour(start), hours })
            .collect();
        let mut all = parts.clone();
        all.push(whole.clone());
        let mut desk = Desk::new(ACCOUNTS);
        for op in ops {
            match op {
                Op::Deposit { account, amount } => desk.deposit(AccountId(account), Money(amount)),
                Op::Withdraw { account, amount } => _ = desk.withdraw(AccountId(account), Money(amount)),
                Op::Credit { account, line } => desk.credit(AccountId(account), Credit::Line(Money(line))),
                Op::Declare { account, from, hours, lots } => {
                    _ = desk.hours.declare(AccountId(account), GPU, Hour(from)..Hour(from + hours), Quantity(lots));
                }
                Op::Trade { on, buyer, seller, lots, amount, slack, fees } => {
                    let (worst, fees) = (Money(amount + slack), (Money(fees.0), Money(fees.1)));
                    let (buyer, seller) = (AccountId(buyer), AccountId(seller));
                    _ = desk.trade(&all[on], buyer, seller, lots, Money(amount), worst, fees);
                }
                Op::Snapshot => {
                    desk.ledger = restored(&desk.ledger);
                    desk.hours = restored(&desk.hours);
                    desk.positions = restored(&desk.positions);
                }
            }
            desk.check(&all);
        }
        desk.cascade(&whole, &parts);
        desk.check(&all);
        parts.iter().for_each(|part| desk.settle(part));
        desk.check(&[]);
        prop_assert_eq!(desk.ledger.balance(desk.clearing), Money::ZERO);
        for account in 1..=ACCOUNTS {
            prop_assert_eq!(desk.ledger.balance(desk.escrow(AccountId(account))), Money::ZERO);
            prop_assert_eq!(desk.ledger.held(desk.cash(AccountId(account))), Money::ZERO);
        }
        prop_assert_eq!(bytes(&desk.positions), bytes(&crate::Positions::default()));
    }
}
