//! Gates: orders expire, periods cascade, hours become obligations (MARKET 2).

use super::fees;
use crate::tests::market::{Market, product};
use crate::tests::{check, check_on};
use expect_test::expect;
use hourbook_model::*;

#[test]
fn at_the_gate_orders_expire_and_positions_in_an_hour_become_obligations() {
    check(
        "
        give ann 100
        give cat 100
        offer bob 30 h
        sell bob h 3 @ 2.00 as s
        buy ann h 2 @ 2.00 as b
        buy cat h 1 @ 2.00 as c
        buy ann h 1 @ 1.00 as rest
        wait 115200
        wait 300
        money ann
        buy ann h 1 @ 2.00 as late
        cancel ann rest
        ",
        expect![[r#"
            accepted bob s
            accepted ann b
            trade 2 @ 2.00 maker s taker b
            accepted cat c
            trade 1 @ 2.00 maker s taker c
            accepted ann rest
            h is GateClosed
            cancelled ann rest 1 GateClosed
            bob owes ann 2 for 4.00, in escrow 4.00
            bob owes cat 1 for 2.00, in escrow 2.00
            h is Delivering
            ann has 96.00, held 0.00, escrow 4.00
            rejected ann GateClosed
            cancel rejected ann UnknownOrder
        "#]],
    );
}

#[test]
fn parts_of_an_obligation_sum_to_the_cost_exactly() {
    check_on(
        fees(1000, 333333),
        "
        give ann 100
        give cat 100
        give dan 100
        offer bob 30 h
        offer eve 30 h
        sell bob h 3 @ 0.0001 as s
        sell eve h 4 @ 0.0002 as t
        buy ann h 5 @ 2.00 as b
        buy cat h 1 @ 2.00 as c
        buy dan h 1 @ 2.00 as d
        wait 115500
        money ann
        money cat
        money dan
        ",
        expect![[r#"
            accepted bob s
            accepted eve t
            accepted ann b
            trade 3 @ 0.0001 maker s taker b
            trade 2 @ 0.0002 maker t taker b
            accepted cat c
            trade 1 @ 0.0002 maker t taker c
            accepted dan d
            trade 1 @ 0.0002 maker t taker d
            h is GateClosed
            bob owes ann 3 for 0.0003, in escrow 0.00042
            eve owes ann 2 for 0.0004, in escrow 0.00028
            eve owes cat 1 for 0.0002, in escrow 0.0002
            eve owes dan 1 for 0.0002, in escrow 0.0002
            h is Delivering
            ann has 99.999068, held 0.00, escrow 0.0007
            cat has 99.999734, held 0.00, escrow 0.0002
            dan has 99.999734, held 0.00, escrow 0.0002
        "#]],
    );
}

#[test]
fn a_call_that_runs_at_the_gate_ends_without_trades() {
    check(
        "
        give ann 100
        offer bob 30 h
        call h 200000
        buy ann h 1 @ 2.00 as b
        sell bob h 1 @ 2.00 as s
        wait 115500
        book h
        money ann
        hours bob
        ",
        expect![[r#"
            h is Auction
            accepted ann b
            accepted bob s
            h is GateClosed
            cancelled ann b 1 GateClosed
            cancelled bob s 1 GateClosed
            h is Delivering
            bids [] asks [] Delivering
            ann has 100.00, held 0.00, escrow 0.00
            H20261124T08 for 1: declared 30, available 30
        "#]],
    );
}

#[test]
fn a_halt_that_runs_at_the_gate_ends_without_trades() {
    check(
        "
        give ann 100
        offer bob 30 h
        buy ann h 1 @ 2.00 as b
        halt h
        wait 115500
        resume h
        book h
        money ann
        ",
        expect![[r#"
            accepted ann b
            h is Halted
            h is GateClosed
            cancelled ann b 1 GateClosed
            h is Delivering
            refused GateClosed
            bids [] asks [] Delivering
            ann has 100.00, held 0.00, escrow 0.00
        "#]],
    );
}

#[test]
fn a_week_falls_into_days_and_a_day_into_hours_at_the_same_price() {
    check(
        "
        give ann 1000
        offer bob 3 w
        sell bob w 2 @ 1.00 as s
        buy ann w 2 @ 1.00 as b
        holdings ann
        money ann
        wait 601200
        holdings ann
        wait 86400
        money ann
        ",
        expect![[r#"
            accepted bob s
            accepted ann b
            trade 2 @ 1.00 maker s taker b
            W2026W49 2 cost 336.00 realised 0.00
            ann has 664.00, held 0.00, escrow 336.00
            H20261130T00 2 cost 2.00 realised 0.00
            H20261130T01 2 cost 2.00 realised 0.00
            H20261130T02 2 cost 2.00 realised 0.00
            H20261130T03 2 cost 2.00 realised 0.00
            H20261130T04 2 cost 2.00 realised 0.00
            H20261130T05 2 cost 2.00 realised 0.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            ann has 664.00, held 0.00, escrow 336.00
        "#]],
    );
}

#[test]
fn an_hour_that_closes_earlier_than_its_week_waits_for_what_falls_into_it() {
    check(
        "
        give ann 1000
        offer bob 3 w
        sell bob w 1 @ 1.00 as s
        buy ann w 1 @ 1.00 as b
        # The week was listed with a gate of an hour; hours and days listed from here on have one of two.
        gates 120 120
        wait 540000
        wait 59400
        status w
        status H20261130T00
        status H20261130T01
        sell bob H20261130T00 1 @ 1.00 as late
        sell bob w 1 @ 2.00 as s2
        buy ann w 1 @ 2.00 as b2
        wait 3600
        holdings ann
        ",
        expect![[r#"
            accepted bob s
            accepted ann b
            trade 1 @ 1.00 maker s taker b
            w is Some(Continuous)
            H20261130T00 is Some(GateClosed)
            H20261130T01 is Some(Continuous)
            rejected bob GateClosed
            accepted bob s2
            accepted ann b2
            trade 1 @ 2.00 maker s2 taker b2
            bob owes ann 2 for 3.00, in escrow 3.00
            bob owes ann 2 for 3.00, in escrow 3.00
            H20261130T02 2 cost 3.00 realised 0.00
            H20261130T03 2 cost 3.00 realised 0.00
            H20261130T04 2 cost 3.00 realised 0.00
            H20261130T05 2 cost 3.00 realised 0.00
            H20261130T06 2 cost 3.00 realised 0.00
            H20261130T07 2 cost 3.00 realised 0.00
        "#]],
    );
}

#[test]
fn a_period_is_not_listed_any_more_once_one_of_its_hours_is_closed() {
    let terms = |weeks: u32, gate: i64| Product {
        horizon: Horizon { weeks, ..product().horizon },
        gate_hour: gate,
        gate_longer: gate,
        ..product()
    };
    let mut market = Market::with(terms(0, 2 * Time::HOUR));
    // An hour before the week: its first hours are closed.
    market.tell("wait 601200");
    market.apply(Request::default(), DefineProduct { product: terms(3, 30 * Time::MINUTE).into() });
    market.tell("tick");
    assert_eq!(market.instrument("W2026W49"), InstrumentId(0));
    assert_ne!(market.instrument("W2026W50"), InstrumentId(0));
}

#[test]
fn a_day_does_not_close_after_its_first_hour() {
    check(
        "gates 61 60",
        expect![[r#"
        refused BadRange
    "#]],
    );
}

#[test]
fn what_is_bought_for_a_longer_period_is_sold_on_in_part() {
    check(
        "
        give ann 1000
        give cat 100
        offer bob 3 d
        sell bob d 2 @ 1.00 as s
        buy ann d 2 @ 1.00 as b
        sell ann h 1 @ 3.00 as part
        sell ann h 2 @ 3.00 as toomuch
        buy cat h 1 @ 3.00 as c
        holdings ann
        hours ann
        wait 82800
        holdings ann
        money ann
        wait 32400
        wait 300
        money ann
        money cat
        ",
        expect![[r#"
            accepted bob s
            accepted ann b
            trade 2 @ 1.00 maker s taker b
            accepted ann part
            rejected ann InsufficientHours
            accepted cat c
            trade 1 @ 3.00 maker part taker c
            H20261124T08 -1 cost -3.00 realised 0.00
            D20261124 2 cost 48.00 realised 0.00
            H20261123T00 for 24: declared 0, available 0
            H20261124T00 for 8: declared 0, available 2
            H20261124T08 for 1: declared 0, available 1
            H20261124T09 for 15: declared 0, available 2
            H20261124T00 2 cost 2.00 realised 0.00
            H20261124T01 2 cost 2.00 realised 0.00
            H20261124T02 2 cost 2.00 realised 0.00
            H20261124T03 2 cost 2.00 realised 0.00
            H20261124T04 2 cost 2.00 realised 0.00
            H20261124T05 2 cost 2.00 realised 0.00
            ann has 953.00, held 0.00, escrow 47.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            bob owes ann 2 for 2.00, in escrow 2.00
            h is GateClosed
            result ann 2.00
            bob owes ann 1 for 1.00, in escrow 1.00
            bob owes cat 1 for 1.00, in escrow 3.00
            h is Delivering
            ann has 955.00, held 0.00, escrow 47.00
            cat has 97.00, held 0.00, escrow 3.00
        "#]],
    );
}

#[test]
fn a_buyer_that_sold_at_a_loss_leaves_it_in_escrow_until_the_gate() {
    check(
        "
        give ann 10
        give cat 10
        offer bob 3 h
        sell bob h 2 @ 2.00 as s
        buy ann h 2 @ 2.00 as b
        buy cat h 2 @ 1.00 as c
        sell ann h 2 @ 1.00 as loss
        money ann
        holdings ann
        wait 115500
        money ann
        money cat
        ",
        expect![[r#"
            accepted bob s
            accepted ann b
            trade 2 @ 2.00 maker s taker b
            accepted cat c
            accepted ann loss
            trade 2 @ 1.00 maker c taker loss
            ann has 8.00, held 0.00, escrow 2.00
            H20261124T08 0 cost 0.00 realised -2.00
            h is GateClosed
            result ann -2.00
            bob owes cat 2 for 4.00, in escrow 2.00
            h is Delivering
            ann has 8.00, held 0.00, escrow 0.00
            cat has 8.00, held 0.00, escrow 2.00
        "#]],
    );
}
