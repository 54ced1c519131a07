//! Who may buy and sell: cash, credit, hours and capacity (MARKET 5).

use super::fees;
use crate::tests::{check, check_on};
use expect_test::expect;

#[test]
fn buying_needs_cash_or_credit_for_the_worst_price_and_the_fee() {
    check_on(
        fees(200, 500),
        "
        give ann 10
        buy ann h 5 @ 2.00 as a
        credit ann 0.01
        buy ann h 5 @ 2.00 as b
        buy ann h 1 @ 0.0001 as c
        take ann 1
        money ann
        take ann 0.01
        ",
        expect![[r#"
            rejected ann InsufficientFunds
            accepted ann b
            accepted ann c
            refused InsufficientFunds
            ann has 10.00, held 10.0051, escrow 0.00
            refused InsufficientFunds
        "#]],
    );
}

#[test]
fn a_credit_line_lowered_under_its_use_lets_what_is_held_trade() {
    check(
        "
        give ann 1
        credit ann 9
        offer bob 9 h
        buy ann h 5 @ 2.00 as a
        credit ann 0
        buy ann h 1 @ 0.0001 as b
        sell bob h 5 @ 2.00 as s
        money ann
        ",
        expect![[r#"
            accepted ann a
            rejected ann InsufficientFunds
            accepted bob s
            trade 5 @ 2.00 maker a taker s
            ann has -9.00, held 0.00, escrow 10.00
        "#]],
    );
}

#[test]
fn selling_needs_hours_in_every_hour_of_the_period() {
    check(
        "
        offer bob 3 d
        offer bob 1 h
        sell bob d 2 @ 2.00 as a
        sell bob d 1 @ 2.00 as b
        sell bob h 1 @ 2.00 as c
        hours bob
        cancel bob b
        sell bob h 1 @ 2.00 as e
        ",
        expect![[r#"
            rejected bob InsufficientHours
            accepted bob b
            rejected bob InsufficientHours
            H20261123T00 for 24: declared 0, available 0
            H20261124T00 for 8: declared 3, available 2
            H20261124T08 for 1: declared 1, available 0
            H20261124T09 for 15: declared 3, available 2
            cancelled bob b 1 User
            accepted bob e
        "#]],
    );
}

#[test]
fn capacity_never_drops_below_what_is_sold_or_offered() {
    check(
        "
        give ann 100
        offer bob 5 h
        sell bob h 3 @ 2.00 as a
        buy ann h 1 @ 2.00 as b
        offer bob 2 h
        offer bob 3 h
        hours bob
        cancel bob a
        offer bob 0 h
        offer bob 1 h
        hours bob
        ",
        expect![[r#"
            accepted bob a
            accepted ann b
            trade 1 @ 2.00 maker a taker b
            refused CapacityBelowSold
            H20261123T00 for 32: declared 0, available 0
            H20261124T08 for 1: declared 3, available 0
            cancelled bob a 2 User
            refused CapacityBelowSold
            H20261123T00 for 32: declared 0, available 0
            H20261124T08 for 1: declared 1, available 0
        "#]],
    );
}

#[test]
fn an_unlimited_account_trades_with_anyone_on_nothing() {
    check(
        "
        give ann 100
        unlimited zoe
        sell zoe h 3 @ 2.00 as s
        buy ann h 2 @ 2.00 as b
        buy zoe h 5 @ 3.00 as z
        sell ann h 1 @ 3.00 as t
        buy zoe h 1 market as nothing
        sell ann h 1 @ 3.00 as u
        cancel zoe z
        buy zoe h 1 market as m
        money zoe
        ",
        expect![[r#"
            accepted zoe s
            accepted ann b
            trade 2 @ 2.00 maker s taker b
            accepted zoe z
            trade 1 @ 2.00 maker s taker z
            accepted ann t
            trade 1 @ 3.00 maker z taker t
            rejected zoe NoLiquidity
            accepted ann u
            trade 1 @ 3.00 maker z taker u
            cancelled zoe z 2 User
            rejected zoe NoLiquidity
            zoe has -2.00, held 0.00, escrow 2.00
        "#]],
    );
}

#[test]
fn operators_commands_name_what_is_wrong() {
    check(
        "
        give ann 0
        give ann -1
        give ann 9000000000000
        give ann 2305843009213
        give ann 1000000
        take ann 2305843009214
        credit ann -1
        offer bob -1 h
        kill nobody
        ",
        expect![[r#"
            refused BadAmount
            refused BadAmount
            refused BadAmount
            refused BadAmount
            refused InsufficientFunds
            refused BadAmount
            refused BadQuantity
            refused UnknownAccount
        "#]],
    );
}
