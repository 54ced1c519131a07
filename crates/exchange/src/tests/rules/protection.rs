//! The kill switch, bands, halts, volatility calls and limits (MARKET 3 and 4).

use super::{banded, unreferenced};
use crate::tests::{check, check_on};
use expect_test::expect;

#[test]
fn the_kill_switch_cancels_all_stops_included_and_refuses_until_lifted() {
    check(
        "
        give ann 100
        offer ann 5 d
        buy ann h 1 @ 2.00 as first
        sell ann d 1 @ 3.00 as second
        buy ann h 1 @ 2.50 stop 2.40 as third
        quote ann h 1 @ 1.50 1 @ 3.00
        kill ann
        buy ann h 1 @ 2.00 as again
        quote ann h 1 @ 1.50 1 @ 3.00
        amend ann first 2
        lift ann
        buy ann h 1 @ 2.00 as later
        money ann
        ",
        expect![[r#"
            accepted ann first
            accepted ann second
            accepted ann third
            accepted ann an order
            accepted ann an order
            cancelled ann first 1 Kill
            cancelled ann second 1 Kill
            cancelled ann third 1 Kill
            cancelled ann an order 1 Kill
            cancelled ann an order 1 Kill
            rejected ann Killed
            rejected ann Killed
            rejected ann Killed
            amend rejected ann UnknownOrder
            accepted ann later
            ann has 100.00, held 2.00, escrow 0.00
        "#]],
    );
}

#[test]
fn orders_beyond_the_order_band_are_refused() {
    check_on(
        banded(),
        "
        give ann 100
        offer bob 10 h
        buy ann h 1 @ 3.00 as top
        buy ann h 1 @ 3.0001 as above
        sell bob h 1 @ 0.9999 as below
        ",
        expect![[r#"
            accepted ann top
            rejected ann PriceOutOfBand
            rejected bob PriceOutOfBand
        "#]],
    );
}

#[test]
fn a_taker_beyond_the_trade_band_trades_up_to_it_and_a_call_begins() {
    check_on(
        banded(),
        "
        give ann 100
        offer bob 30 h
        sell bob h 2 @ 2.00 as near
        sell bob h 2 @ 2.40 as edge
        sell bob h 2 @ 2.41 as beyond
        buy ann h 6 @ 2.50 as taker
        book h
        money ann
        buy ann h 1 @ 2.41 as calm
        buy ann h 1 @ 2.41 ioc as hasty
        wait 299
        book h
        wait 1
        book h
        ",
        expect![[r#"
            accepted bob near
            accepted bob edge
            accepted bob beyond
            accepted ann taker
            trade 2 @ 2.00 maker near taker taker
            trade 2 @ 2.40 maker edge taker taker
            cancelled ann taker 2 Band
            h is Auction
            bids [] asks [2 @ 2.41 (1)] Auction
            ann has 91.20, held 0.00, escrow 8.80
            accepted ann calm
            rejected ann NotInAuction
            bids [1 @ 2.41 (1)] asks [2 @ 2.41 (1)] Auction
            uncrossed 1 @ 2.41
            trade 1 @ 2.41 maker beyond taker calm
            h is Continuous
            bids [] asks [1 @ 2.41 (1)] Continuous
        "#]],
    );
}

#[test]
fn an_instrument_without_reference_has_no_band() {
    check_on(
        unreferenced(),
        "
        give ann 1000
        offer bob 30 h
        sell bob h 2 @ 20.00 as far
        buy ann h 1 @ 20.00 as taker
        buy ann h 1 @ 30.0001 as above
        buy ann h 1 @ 30.00 as top
        ",
        expect![[r#"
            accepted bob far
            accepted ann taker
            trade 1 @ 20.00 maker far taker taker
            rejected ann PriceOutOfBand
            accepted ann top
            trade 1 @ 20.00 maker far taker top
        "#]],
    );
}

#[test]
fn the_reference_is_the_last_auction_then_the_last_trade_then_the_fair_price() {
    check_on(
        banded(),
        "
        give ann 1000
        offer bob 30 h
        fair h @ 4.00
        buy ann h 1 @ 6.0001 as above4
        sell bob h 1 @ 4.20 as s
        buy ann h 1 @ 4.20 as b
        buy ann h 1 @ 6.3001 as above42
        call h
        sell bob h 1 @ 5.00 as s2
        buy ann h 1 @ 5.00 as b2
        uncross h
        sell bob h 1 @ 4.50 as s3
        buy ann h 1 @ 4.50 as b3
        buy ann h 1 @ 7.5001 as above5
        buy ann h 1 @ 7.50 as top
        ",
        expect![[r#"
            rejected ann PriceOutOfBand
            accepted bob s
            accepted ann b
            trade 1 @ 4.20 maker s taker b
            rejected ann PriceOutOfBand
            h is Auction
            accepted bob s2
            accepted ann b2
            uncrossed 1 @ 5.00
            trade 1 @ 5.00 maker s2 taker b2
            h is Continuous
            accepted bob s3
            accepted ann b3
            trade 1 @ 4.50 maker s3 taker b3
            rejected ann PriceOutOfBand
            accepted ann top
        "#]],
    );
}

#[test]
fn a_halt_refuses_new_and_amended_orders_and_lets_cancels_through() {
    check(
        "
        give ann 100
        buy ann h 2 @ 2.00 as o
        buy ann d 1 @ 2.00 as d
        halt product
        buy ann h 1 @ 2.00 as p
        amend ann o 1
        reduce ann o 1
        cancel ann o
        quote ann h 1 @ 1.50 0 @ 0
        halt market
        resume product
        buy ann h 1 @ 2.00 as q
        resume market
        buy ann h 1 @ 2.00 as r
        halt h
        buy ann d 1 @ 2.00 as e
        buy ann h 1 @ 2.00 as s
        ",
        expect![[r#"
            accepted ann o
            accepted ann d
            rejected ann Halted
            amend rejected ann Halted
            reduced ann o to 1
            cancelled ann o 1 User
            rejected ann Halted
            rejected ann Halted
            accepted ann r
            h is Halted
            accepted ann e
            rejected ann Halted
        "#]],
    );
}

#[test]
fn a_call_that_should_end_in_a_halt_goes_on_until_a_minute_after() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        buy cat h 1 @ 2.10 stop 2.00 as stop
        call h 600
        buy ann h 1 @ 2.00 as b
        sell bob h 3 @ 2.00 as s
        halt market
        wait 600
        cancel ann b
        buy ann h 1 @ 2.00 as c
        resume market
        buy ann h 1 @ 2.00 as e
        wait 60
        book h
        ",
        expect![[r#"
            accepted cat stop
            h is Auction
            accepted ann b
            accepted bob s
            cancelled ann b 1 User
            rejected ann Halted
            accepted ann e
            uncrossed 1 @ 2.00
            trade 1 @ 2.00 maker s taker e
            h is Continuous
            triggered cat stop
            trade 1 @ 2.00 maker s taker stop
            bids [] asks [1 @ 2.00 (1)] Continuous
        "#]],
    );
}

#[test]
fn stops_wait_out_a_volatility_call_and_look_at_its_price() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        sell bob h 1 @ 2.40 as s1
        sell bob h 5 @ 2.50 as s2
        buy cat h 1 @ 2.60 stop 2.40 as stop
        buy ann h 3 @ 2.60 as taker
        book h
        buy ann h 1 @ 2.50 as calm
        wait 300
        book h
        ",
        expect![[r#"
            accepted bob s1
            accepted bob s2
            accepted cat stop
            accepted ann taker
            trade 1 @ 2.40 maker s1 taker taker
            cancelled ann taker 2 Band
            h is Auction
            bids [] asks [5 @ 2.50 (1)] Auction
            accepted ann calm
            uncrossed 1 @ 2.50
            trade 1 @ 2.50 maker s2 taker calm
            h is Continuous
            triggered cat stop
            trade 1 @ 2.50 maker s2 taker stop
            bids [] asks [3 @ 2.50 (1)] Continuous
        "#]],
    );
}

#[test]
fn limits_on_open_orders_count_stops() {
    check(
        "
        give ann 100
        limit ann 2
        buy ann h 1 @ 2.00 as a
        buy ann h 1 @ 2.50 stop 2.40 as b
        buy ann h 1 @ 2.00 as c
        cancel ann b
        buy ann h 1 @ 2.00 as d
        ",
        expect![[r#"
            accepted ann a
            accepted ann b
            rejected ann TooManyOpenOrders
            cancelled ann b 1 User
            accepted ann d
        "#]],
    );
}
