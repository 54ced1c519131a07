//! Calls and their uncross, daily and on demand (MARKET 2 and 3).

use super::{banded, daily};
use crate::tests::{check, check_on};
use expect_test::expect;

#[test]
fn the_daily_auction_runs_on_its_schedule() {
    check_on(
        daily(),
        "
        give ann 100
        offer bob 30 h
        wait 13799
        book h
        wait 1
        buy ann h 2 @ 2.10 as b1
        buy ann h 1 @ 2.00 as b2
        sell bob h 2 @ 2.00 as s1
        buy ann h 1 @ 2.00 ioc as hasty
        cancel ann b2
        wait 540
        cancel ann b1
        reduce ann b1 1
        amend ann b1 3
        mass ann market
        buy ann h 1 @ 2.00 as b3
        book h
        wait 60
        book h
        ",
        expect![[r#"
            bids [] asks [] Continuous
            d is Auction
            h is Auction
            accepted ann b1
            accepted ann b2
            accepted bob s1
            rejected ann NotInAuction
            cancelled ann b2 1 User
            d is Frozen
            h is Frozen
            cancel rejected ann Frozen
            cancel rejected ann Frozen
            amend rejected ann Frozen
            mass cancelled ann 0
            accepted ann b3
            bids [2 @ 2.10 (1), 1 @ 2.00 (1)] asks [2 @ 2.00 (1)] Frozen
            uncrossed 2 @ 2.10
            trade 2 @ 2.10 maker b1 taker s1
            h is Continuous
            d is Continuous
            bids [1 @ 2.00 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn kill_and_disconnect_cancel_in_the_frozen_minute() {
    check_on(
        daily(),
        "
        give ann 100
        give cat 100
        logon cat s1 cancel
        wait 13800
        buy ann h 2 @ 2.10 as b1
        buy cat h 2 @ 2.10 as c1 in s1
        wait 540
        kill ann
        logoff cat s1
        book h
        ",
        expect![[r#"
            d is Auction
            h is Auction
            accepted ann b1
            accepted cat c1
            d is Frozen
            h is Frozen
            cancelled ann b1 2 Kill
            cancelled cat c1 2 Disconnect
            bids [] asks [] Frozen
        "#]],
    );
}

#[test]
fn an_agenda_that_is_behind_freezes_and_uncrosses_for_whoever_comes_first() {
    check_on(
        daily(),
        "
        give ann 100
        offer bob 30 h
        wait 13800
        buy ann h 2 @ 2.10 as b1
        sell bob h 2 @ 2.00 as s1
        sleep 545
        cancel ann b1
        mass ann market
        sleep 60
        buy ann h 1 @ 1.00 as next
        book h
        ",
        expect![[r#"
            d is Auction
            h is Auction
            accepted ann b1
            accepted bob s1
            d is Frozen
            h is Frozen
            cancel rejected ann Frozen
            mass cancelled ann 0
            uncrossed 2 @ 2.00
            trade 2 @ 2.00 maker b1 taker s1
            h is Continuous
            accepted ann next
            bids [1 @ 1.00 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn market_orders_queue_first_in_a_call_and_what_is_unfilled_is_cancelled() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        call h
        buy ann h 2 @ 2.10 as limit
        buy cat h 2 market as market
        sell bob h 3 @ 2.00 as ask
        sell bob h 1 market as sell
        book h
        buy cat h 2 market as more
        uncross h
        book h
        money cat
        ",
        expect![[r#"
            h is Auction
            accepted ann limit
            accepted cat market
            accepted bob ask
            accepted bob sell
            bids [2 @ 2.10 (1)] asks [3 @ 2.00 (1)] Auction
            accepted cat more
            uncrossed 4 @ 2.10
            trade 1 @ 2.10 maker market taker sell
            trade 1 @ 2.10 maker market taker ask
            trade 2 @ 2.10 maker ask taker more
            h is Continuous
            bids [2 @ 2.10 (1)] asks [] Continuous
            cat has 91.60, held 0.00, escrow 8.40
        "#]],
    );
}

#[test]
fn a_market_order_that_cannot_pay_the_price_leaves_before_the_uncross() {
    check_on(
        banded(),
        "
        give ann 6
        give cat 100
        offer bob 30 h
        call h
        # held at 3.00
        buy ann h 2 market as market
        fair h @ 3.50
        buy cat h 2 @ 4.00 as high
        sell bob h 2 @ 4.00 as ask
        uncross h
        book h
        money ann
        ",
        expect![[r#"
            h is Auction
            accepted ann market
            accepted cat high
            accepted bob ask
            cancelled ann market 2 Uncovered
            uncrossed 2 @ 4.00
            trade 2 @ 4.00 maker high taker ask
            h is Continuous
            bids [] asks [] Continuous
            ann has 6.00, held 0.00, escrow 0.00
        "#]],
    );
}

#[test]
fn the_price_moves_the_most_then_leaves_the_least_then_follows_the_surplus() {
    check(
        "
        give ann 1000
        offer bob 100 h
        call h
        buy ann h 5 @ 2.10 as b1
        buy ann h 5 @ 2.00 as b2
        sell bob h 5 @ 1.90 as s1
        sell bob h 3 @ 2.00 as s2
        uncross h
        book h
        ",
        expect![[r#"
            h is Auction
            accepted ann b1
            accepted ann b2
            accepted bob s1
            accepted bob s2
            uncrossed 8 @ 2.00
            trade 5 @ 2.00 maker b1 taker s1
            trade 3 @ 2.00 maker b2 taker s2
            h is Continuous
            bids [2 @ 2.00 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn icebergs_trade_whole_in_an_uncross_and_own_orders_meet() {
    check(
        "
        give ann 1000
        offer ann2 100 h
        call h
        buy ann h 6 @ 2.00 show 2 stp newest as ice
        sell ann2 h 5 @ 2.00 stp newest as own
        uncross h
        book h
        ",
        expect![[r#"
            h is Auction
            accepted ann ice
            accepted ann2 own
            uncrossed 5 @ 2.00
            trade 2 @ 2.00 maker ice taker own
            trade 2 @ 2.00 maker ice taker own
            trade 1 @ 2.00 maker ice taker own
            h is Continuous
            bids [1 @ 2.00 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn without_a_crossing_a_call_ends_without_a_trade() {
    check(
        "
        give ann 1000
        offer bob 100 h
        call h 60
        buy ann h 6 @ 2.00 as b
        sell bob h 5 @ 2.10 as s
        wait 60
        book h
        uncross h
        call nowhere
        call h -5
        ",
        expect![[r#"
            h is Auction
            accepted ann b
            accepted bob s
            h is Continuous
            bids [6 @ 2.00 (1)] asks [5 @ 2.10 (1)] Continuous
            refused NotInCall
            refused UnknownInstrument
            refused BadExpiry
        "#]],
    );
}

#[test]
fn a_gap_of_days_neither_trades_late_nor_loses_the_schedule() {
    check_on(
        daily(),
        "
        give ann 100
        offer bob 30 d
        wait 13800
        buy ann h 1 @ 2.00 as b
        sell bob h 1 @ 2.00 as s
        # three days and five minutes: the hour is long delivered, the fourth day's call is on
        sleep 259500
        tick
        status H20261127T08
        sleep 300
        tick
        status H20261127T08
        ",
        expect![[r#"
            d is Auction
            h is Auction
            accepted ann b
            accepted bob s
            cancelled ann b 1 GateClosed
            cancelled bob s 1 GateClosed
            H20261127T08 is Some(Auction)
            H20261127T08 is Some(Continuous)
        "#]],
    );
}
