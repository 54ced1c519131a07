//! Orders one by one: how each kind is held, trades, rests, changes and ends (MARKET 3).

use super::{banded, fees, wide};
use crate::tests::{check, check_on};
use expect_test::expect;

#[test]
fn a_trade_is_at_the_makers_price_best_first_then_oldest() {
    check(
        "
        give ann 100
        offer bob 10 h
        offer cat 10 h
        sell bob h 2 @ 2.10 as dear
        sell bob h 2 @ 2.00 as first
        sell cat h 2 @ 2.00 as second
        buy ann h 5 @ 2.20 as big
        money ann
        book h
        ",
        expect![[r#"
            accepted bob dear
            accepted bob first
            accepted cat second
            accepted ann big
            trade 2 @ 2.00 maker first taker big
            trade 2 @ 2.00 maker second taker big
            trade 1 @ 2.10 maker dear taker big
            ann has 89.90, held 0.00, escrow 10.10
            bids [] asks [1 @ 2.10 (1)] Continuous
        "#]],
    );
}

#[test]
fn price_improvement_comes_back_with_each_fill() {
    check(
        "
        give ann 30
        offer bob 10 h
        sell bob h 4 @ 1.00 as ask
        buy ann h 10 @ 3.00 as bid
        money ann
        ",
        expect![[r#"
            accepted bob ask
            accepted ann bid
            trade 4 @ 1.00 maker ask taker bid
            ann has 26.00, held 18.00, escrow 4.00
        "#]],
    );
}

#[test]
fn holds_that_round_down_still_cover_every_fill() {
    check_on(
        fees(500, 500),
        "
        # 3 x 0.001 and 0.05 % of it, rounded down, to the last micro
        give ann 0.003001
        offer bob 3 h
        buy ann h 3 @ 0.001 as bid
        money ann
        sell bob h 1 @ 0.001 as one
        money ann
        sell bob h 2 @ 0.001 as two
        money ann
        fees
        ",
        expect![[r#"
            accepted ann bid
            ann has 0.003001, held 0.003001, escrow 0.00
            accepted bob one
            trade 1 @ 0.001 maker bid taker one
            ann has 0.002001, held 0.002001, escrow 0.001
            accepted bob two
            trade 2 @ 0.001 maker bid taker two
            fee ann 0.000001
            ann has 0.00, held 0.00, escrow 0.003
            the house has 0.000001
        "#]],
    );
}

#[test]
fn a_buyer_pays_the_higher_fee_into_its_hold_and_gets_the_difference_back() {
    check_on(
        fees(200, 500),
        "
        give ann 20.01
        offer bob 20 h
        buy ann h 10 @ 2.00 as bid
        money ann
        sell bob h 10 @ 2.00 as ask
        money ann
        fees
        ",
        expect![[r#"
            accepted ann bid
            ann has 20.01, held 20.01, escrow 0.00
            accepted bob ask
            trade 10 @ 2.00 maker bid taker ask
            fee ann 0.004
            ann has 0.006, held 0.00, escrow 20.00
            the house has 0.004
        "#]],
    );
}

#[test]
fn a_market_order_is_a_limit_at_the_band_and_its_rest_is_cancelled() {
    check_on(
        banded(),
        "
        give ann 100
        offer bob 10 h
        sell bob h 2 @ 2.10 as ask
        buy ann h 5 market as bid
        money ann
        buy ann h 1 market as none
        ",
        expect![[r#"
            accepted bob ask
            accepted ann bid
            trade 2 @ 2.10 maker ask taker bid
            cancelled ann bid 3 NoLiquidity
            ann has 95.80, held 0.00, escrow 4.20
            rejected ann NoLiquidity
        "#]],
    );
}

#[test]
fn a_market_order_without_band_or_reference_is_refused() {
    check(
        "
        give ann 100
        offer bob 10 h
        sell bob h 2 @ 2.10 as ask
        buy ann h 1 market as bid
        ",
        expect![[r#"
            accepted bob ask
            rejected ann NoReference
        "#]],
    );
}

#[test]
fn ioc_fok_and_minimum_never_rest() {
    check(
        "
        give ann 100
        offer bob 10 h
        sell bob h 3 @ 2.00 as ask
        buy ann h 5 @ 2.00 fok as all
        buy ann h 5 @ 2.00 ioc least 4 as four
        buy ann h 5 @ 2.00 ioc least 3 as three
        money ann
        ",
        expect![[r#"
            accepted bob ask
            accepted ann all
            cancelled ann all 5 Fok
            accepted ann four
            cancelled ann four 5 Minimum
            accepted ann three
            trade 3 @ 2.00 maker ask taker three
            cancelled ann three 2 Ioc
            ann has 94.00, held 0.00, escrow 6.00
        "#]],
    );
}

#[test]
fn fok_with_a_budget_holds_no_more_than_the_budget() {
    check(
        "
        give ann 11
        offer bob 30 d
        sell bob h 5 @ 1.00 as cheap
        sell bob h 5 @ 9.00 as dear
        # 5 x 1 + 1 x 9 is more than 11, and so is what 6 x 9 would hold
        buy ann h 6 @ 9.00 budget 11 as six
        buy ann h 5 @ 9.00 budget 11 as five
        money ann
        ",
        expect![[r#"
            accepted bob cheap
            accepted bob dear
            accepted ann six
            cancelled ann six 6 Fok
            accepted ann five
            trade 5 @ 1.00 maker cheap taker five
            ann has 6.00, held 0.00, escrow 5.00
        "#]],
    );
}

#[test]
fn a_budget_is_money_for_every_hour_of_a_longer_period() {
    check(
        "
        give ann 100
        offer bob 10 d
        sell bob d 2 @ 1.00 as ask
        buy ann d 2 @ 1.00 budget 47.99 as short
        buy ann d 2 @ 1.00 budget 48 as enough
        money ann
        ",
        expect![[r#"
            accepted bob ask
            accepted ann short
            cancelled ann short 2 Fok
            accepted ann enough
            trade 2 @ 1.00 maker ask taker enough
            ann has 52.00, held 0.00, escrow 48.00
        "#]],
    );
}

#[test]
fn a_budget_pays_a_dear_fill_after_cheap_ones() {
    check_on(
        fees(0, 500),
        "
        give ann 20.01
        offer bob 30 h
        sell bob h 5 @ 1.00 as cheap
        sell bob h 5 @ 3.00 as dear
        buy ann h 10 @ 9.00 budget 20 as ten
        money ann
        ",
        expect![[r#"
            accepted bob cheap
            accepted bob dear
            accepted ann ten
            trade 5 @ 1.00 maker cheap taker ten
            trade 5 @ 3.00 maker dear taker ten
            ann has 0.00, held 0.00, escrow 20.00
        "#]],
    );
}

#[test]
fn post_only_is_refused_if_it_would_trade() {
    check_on(
        banded(),
        "
        give ann 100
        offer bob 10 h
        sell bob h 3 @ 2.00 as ask
        buy ann h 1 @ 2.00 post as crossing
        buy ann h 1 @ 1.99 post as resting
        amend ann resting @ 2.00
        buy ann h 1 market post as taker
        buy ann h 1 @ 2.00 stop 2.00 post as later
        book h
        ",
        expect![[r#"
            accepted bob ask
            rejected ann PostOnly
            accepted ann resting
            amend rejected ann PostOnly
            rejected ann PostOnly
            rejected ann Unsupported
            bids [1 @ 1.99 (1)] asks [3 @ 2.00 (1)] Continuous
        "#]],
    );
}

#[test]
fn an_iceberg_shows_slices_and_each_new_one_goes_to_the_back() {
    check(
        "
        give ann 100
        give cat 100
        offer bob 20 h
        buy ann h 6 @ 2.00 show 2 as ice
        buy cat h 2 @ 2.00 as plain
        book h
        sell bob h 3 @ 2.00 as hit
        book h
        sell bob h 4 @ 2.00 as more
        cancel ann ice
        money ann
        ",
        expect![[r#"
            accepted ann ice
            accepted cat plain
            bids [4 @ 2.00 (2)] asks [] Continuous
            accepted bob hit
            trade 2 @ 2.00 maker ice taker hit
            trade 1 @ 2.00 maker plain taker hit
            bids [3 @ 2.00 (2)] asks [] Continuous
            accepted bob more
            trade 1 @ 2.00 maker plain taker more
            trade 2 @ 2.00 maker ice taker more
            trade 1 @ 2.00 maker ice taker more
            cancelled ann ice 1 User
            ann has 90.00, held 0.00, escrow 10.00
        "#]],
    );
}

#[test]
fn reducing_an_iceberg_takes_hidden_lots_first() {
    check(
        "
        give ann 100
        buy ann h 6 @ 2.00 show 2 as ice
        reduce ann ice 3
        book h
        reduce ann ice 2
        book h
        money ann
        amend ann ice 1
        money ann
        ",
        expect![[r#"
            accepted ann ice
            reduced ann ice to 3
            bids [2 @ 2.00 (1)] asks [] Continuous
            reduced ann ice to 1
            bids [1 @ 2.00 (1)] asks [] Continuous
            ann has 100.00, held 2.00, escrow 0.00
            amended ann ice 1 @ 2.00
            ann has 100.00, held 2.00, escrow 0.00
        "#]],
    );
}

#[test]
fn amending_down_keeps_the_place_and_up_or_elsewhere_loses_it() {
    check(
        "
        give ann 100
        give cat 100
        offer bob 20 h
        buy ann h 5 @ 2.00 as a
        buy cat h 5 @ 2.00 as c
        amend ann a 3
        sell bob h 1 @ 2.00 as s1
        amend ann a 4
        sell bob h 1 @ 2.00 as s2
        amend cat c @ 1.99
        book h
        money ann
        ",
        expect![[r#"
            accepted ann a
            accepted cat c
            amended ann a 3 @ 2.00
            accepted bob s1
            trade 1 @ 2.00 maker a taker s1
            amended ann a 3 @ 2.00
            accepted bob s2
            trade 1 @ 2.00 maker c taker s2
            amended cat c 4 @ 1.99
            bids [3 @ 2.00 (1), 4 @ 1.99 (1)] asks [] Continuous
            ann has 98.00, held 6.00, escrow 2.00
        "#]],
    );
}

#[test]
fn an_amendments_quantity_is_the_whole_order_fills_included() {
    check(
        "
        give ann 100
        offer bob 20 h
        buy ann h 5 @ 2.00 as a
        sell bob h 3 @ 2.00 as s
        amend ann a 4
        money ann
        amend ann a 3
        money ann
        amend ann a 9
        ",
        expect![[r#"
            accepted ann a
            accepted bob s
            trade 3 @ 2.00 maker a taker s
            amended ann a 1 @ 2.00
            ann has 94.00, held 2.00, escrow 6.00
            cancelled ann a 1 Amend
            ann has 94.00, held 0.00, escrow 6.00
            amend rejected ann UnknownOrder
        "#]],
    );
}

#[test]
fn an_amendment_that_is_not_covered_changes_nothing() {
    check(
        "
        give ann 10
        buy ann h 5 @ 2.00 as a
        amend ann a 6
        amend ann a @ 2.01
        amend ann a 4 @ 2.50
        money ann
        book h
        ",
        expect![[r#"
            accepted ann a
            amend rejected ann InsufficientFunds
            amend rejected ann InsufficientFunds
            amended ann a 4 @ 2.50
            ann has 10.00, held 10.00, escrow 0.00
            bids [4 @ 2.50 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn an_amendment_that_crosses_trades_as_a_taker() {
    check(
        "
        give ann 20
        offer bob 10 h
        sell bob h 3 @ 2.00 as ask
        buy ann h 5 @ 1.50 as bid
        amend ann bid @ 2.10
        money ann
        book h
        ",
        expect![[r#"
            accepted bob ask
            accepted ann bid
            amended ann bid 5 @ 2.10
            trade 3 @ 2.00 maker ask taker bid
            ann has 14.00, held 4.20, escrow 6.00
            bids [2 @ 2.10 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn what_is_wrong_with_an_amendment_is_named() {
    check(
        "
        give ann 20
        buy ann h 5 @ 1.50 as bid
        amend ann none 3
        amend bob bid 3
        amend ann bid 0
        amend ann bid 2000000
        amend ann bid @ 0
        amend ann bid @ 1.50005
        amend ann bid stop 1.50
        halt h
        amend ann bid 3
        ",
        expect![[r#"
            accepted ann bid
            amend rejected ann UnknownOrder
            amend rejected bob UnknownOrder
            amend rejected ann BadQuantity
            amend rejected ann QuantityAboveCap
            amend rejected ann BadPrice
            amend rejected ann PriceOffTick
            amend rejected ann BadTrigger
            h is Halted
            amend rejected ann Halted
        "#]],
    );
}

#[test]
fn a_stop_waits_for_the_last_trade_and_needs_a_band_to_hold_at() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        buy ann h 2 market stop 2.10 as stop
        buy ann h 2 @ 2.30 stop 2.10 as limit
        money ann
        sell bob h 1 @ 2.00 as s1
        buy cat h 1 @ 2.00 as b1
        sell bob h 9 @ 2.10 as s2
        buy cat h 1 @ 2.10 as b2
        money ann
        book h
        ",
        expect![[r#"
            accepted ann stop
            accepted ann limit
            ann has 100.00, held 10.60, escrow 0.00
            accepted bob s1
            accepted cat b1
            trade 1 @ 2.00 maker s1 taker b1
            accepted bob s2
            accepted cat b2
            trade 1 @ 2.10 maker s2 taker b2
            triggered ann stop
            trade 2 @ 2.10 maker s2 taker stop
            triggered ann limit
            trade 2 @ 2.10 maker s2 taker limit
            ann has 91.60, held 0.00, escrow 8.40
            bids [] asks [4 @ 2.10 (1)] Continuous
        "#]],
    );
}

#[test]
fn stops_are_released_buys_first_nearest_trigger_first_then_by_arrival() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        offer dan 30 h
        buy ann h 1 @ 2.20 stop 2.10 as far
        buy ann h 1 @ 2.20 stop 2.05 as near
        buy ann h 1 @ 2.20 stop 2.05 as near2
        sell dan h 1 @ 1.90 stop 2.15 as sells
        sell bob h 9 @ 2.10 as ask
        buy cat h 1 @ 2.10 as b
        book h
        ",
        expect![[r#"
            accepted ann far
            accepted ann near
            accepted ann near2
            accepted dan sells
            accepted bob ask
            accepted cat b
            trade 1 @ 2.10 maker ask taker b
            triggered ann near
            trade 1 @ 2.10 maker ask taker near
            triggered ann near2
            trade 1 @ 2.10 maker ask taker near2
            triggered ann far
            trade 1 @ 2.10 maker ask taker far
            triggered dan sells
            bids [] asks [1 @ 1.90 (1), 5 @ 2.10 (1)] Continuous
        "#]],
    );
}

#[test]
fn a_triggered_stop_is_limited_to_what_its_hold_covers() {
    check_on(
        wide(),
        "
        give ann 7.50
        give cat 100
        offer bob 30 h
        # held at 2.50, the higher of trigger and band
        buy ann h 3 market stop 2.50 as stop
        money ann
        fair h @ 3.00
        sell bob h 1 @ 2.50 as s1
        sell bob h 1 @ 2.60 as s2
        sell bob h 2 @ 2.70 as s3
        buy cat h 1 @ 2.50 as b
        money ann
        ",
        expect![[r#"
            accepted ann stop
            ann has 7.50, held 7.50, escrow 0.00
            accepted bob s1
            accepted bob s2
            accepted bob s3
            accepted cat b
            trade 1 @ 2.50 maker s1 taker b
            triggered ann stop
            trade 1 @ 2.60 maker s2 taker stop
            trade 1 @ 2.70 maker s3 taker stop
            cancelled ann stop 1 Uncovered
            ann has 2.20, held 0.00, escrow 5.30
        "#]],
    );
}

#[test]
fn a_stop_already_reached_triggers_on_entry_and_a_cascade_completes() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        sell bob h 1 @ 2.00 as s1
        buy cat h 1 @ 2.00 as b1
        sell bob h 1 @ 2.01 as s2
        sell bob h 1 @ 2.02 as s3
        buy ann h 1 @ 2.10 stop 2.01 as second
        buy ann h 1 @ 2.10 stop 2.00 as first
        ",
        expect![[r#"
            accepted bob s1
            accepted cat b1
            trade 1 @ 2.00 maker s1 taker b1
            accepted bob s2
            accepted bob s3
            accepted ann second
            accepted ann first
            triggered ann first
            trade 1 @ 2.01 maker s2 taker first
            triggered ann second
            trade 1 @ 2.02 maker s3 taker second
        "#]],
    );
}

#[test]
fn self_trade_prevention_looks_at_the_participant_not_the_account() {
    check(
        "
        give ann 100
        offer ann2 30 h
        offer bob 30 h
        sell ann2 h 2 @ 2.00 as own
        sell bob h 2 @ 2.00 as other
        buy ann h 1 @ 2.00 stp newest as newest
        buy ann h 1 @ 2.00 as allowed
        buy ann h 4 @ 2.00 stp less as less
        buy ann h 1 @ 2.00 ioc stp oldest as oldest
        sell ann2 h 2 @ 2.00 as own2
        buy ann h 1 @ 2.00 stp both as both
        book h
        money ann
        hours ann2
        ",
        expect![[r#"
            accepted ann2 own
            accepted bob other
            accepted ann newest
            cancelled ann newest 1 SelfTrade
            accepted ann allowed
            trade 1 @ 2.00 maker own taker allowed
            accepted ann less
            cancelled ann2 own 1 SelfTrade
            reduced ann less to 3
            trade 2 @ 2.00 maker other taker less
            accepted ann oldest
            cancelled ann oldest 1 Ioc
            accepted ann2 own2
            trade 1 @ 2.00 maker less taker own2
            accepted ann both
            cancelled ann2 own2 1 SelfTrade
            cancelled ann both 1 SelfTrade
            bids [] asks [] Continuous
            ann has 92.00, held 0.00, escrow 8.00
            H20261123T00 for 32: declared 0, available 0
            H20261124T08 for 1: declared 30, available 28
        "#]],
    );
}

#[test]
fn a_decremented_taker_goes_on_with_what_is_left() {
    check(
        "
        give ann 10
        offer ann2 30 h
        offer bob 30 h
        sell ann2 h 2 @ 2.00 as own
        sell bob h 2 @ 2.00 as other
        buy ann h 5 @ 2.00 stp less as taker
        money ann
        cancel ann taker
        money ann
        ",
        expect![[r#"
            accepted ann2 own
            accepted bob other
            accepted ann taker
            cancelled ann2 own 2 SelfTrade
            reduced ann taker to 3
            trade 2 @ 2.00 maker other taker taker
            ann has 6.00, held 2.00, escrow 4.00
            cancelled ann taker 1 User
            ann has 6.00, held 0.00, escrow 4.00
        "#]],
    );
}

#[test]
fn a_decremented_stop_may_still_spend_its_whole_hold() {
    check_on(
        wide(),
        "
        give ann 7.50
        give cat 100
        offer ann2 30 h
        offer bob 30 h
        buy ann h 3 market stop 2.10 stp less as stop
        money ann
        fair h @ 2.10
        sell bob h 1 @ 2.10 as s1
        sell ann2 h 1 @ 2.15 as own
        sell bob h 3 @ 2.60 as s2
        buy cat h 1 @ 2.10 as b
        money ann
        ",
        expect![[r#"
            accepted ann stop
            ann has 7.50, held 7.50, escrow 0.00
            accepted bob s1
            accepted ann2 own
            accepted bob s2
            accepted cat b
            trade 1 @ 2.10 maker s1 taker b
            triggered ann stop
            cancelled ann2 own 1 SelfTrade
            reduced ann stop to 2
            trade 2 @ 2.60 maker s2 taker stop
            ann has 2.30, held 0.00, escrow 5.20
        "#]],
    );
}

#[test]
fn a_buyer_and_a_seller_of_one_account_may_trade_where_it_allows_it() {
    check_on(
        fees(200, 500),
        "
        give ann 10
        offer ann 5 h
        sell ann h 2 @ 2.00 as ask
        buy ann h 2 @ 2.00 as bid
        money ann
        hours ann
        holdings ann
        ",
        expect![[r#"
            accepted ann ask
            accepted ann bid
            trade 2 @ 2.00 maker ask taker bid
            fee ann 0.0008
            ann has 9.9972, held 0.00, escrow 0.0008
            H20261123T00 for 32: declared 0, available 0
            H20261124T08 for 1: declared 5, available 5
            H20261124T08 0 cost 0.00 realised -0.0008
        "#]],
    );
}

#[test]
fn day_orders_end_at_midnight_and_gtd_orders_at_their_time() {
    check(
        "
        give ann 100
        buy ann h 1 @ 2.00 day as day
        buy ann h 1 @ 2.00 until 60 as gtd
        buy ann h 1 @ 2.00 as gtc
        buy ann h 1 @ 2.00 until -1 as late
        wait 60
        wait 86340
        money ann
        ",
        expect![[r#"
            accepted ann day
            accepted ann gtd
            accepted ann gtc
            rejected ann BadExpiry
            cancelled ann gtd 1 Expired
            cancelled ann day 1 DayEnd
            ann has 100.00, held 2.00, escrow 0.00
        "#]],
    );
}

#[test]
fn an_order_whose_time_is_over_never_trades_however_far_behind_the_agenda() {
    check(
        "
        give ann 100
        offer bob 5 h
        buy ann h 1 @ 2.00 until 60 as gtd
        sleep 61
        sell bob h 1 @ 2.00 as ask
        book h
        ",
        expect![[r#"
            accepted ann gtd
            cancelled ann gtd 1 Expired
            accepted bob ask
            bids [] asks [1 @ 2.00 (1)] Continuous
        "#]],
    );
}

#[test]
fn a_stop_limit_stands_until_the_gate_once_it_is_triggered() {
    check_on(
        banded(),
        "
        give ann 100
        give cat 100
        offer bob 30 h
        sell bob h 1 @ 2.10 as ask
        buy ann h 2 @ 2.20 stop 2.10 day as touched
        buy ann h 2 @ 2.00 stop 2.40 day as waiting
        buy cat h 1 @ 2.10 as b
        wait 86400
        book h
        ",
        expect![[r#"
            accepted bob ask
            accepted ann touched
            accepted ann waiting
            accepted cat b
            trade 1 @ 2.10 maker ask taker b
            triggered ann touched
            cancelled ann waiting 2 DayEnd
            bids [2 @ 2.20 (1)] asks [] Continuous
        "#]],
    );
}

#[test]
fn an_iceberg_of_one_slice_shows_no_more_when_it_grows() {
    check(
        "
        offer bob 5 h
        sell bob h 2 @ 2.00 show 3 as ice
        book h
        amend bob ice 5
        book h
        ",
        expect![[r#"
            accepted bob ice
            bids [] asks [2 @ 2.00 (1)] Continuous
            amended bob ice 5 @ 2.00
            bids [] asks [3 @ 2.00 (1)] Continuous
        "#]],
    );
}

#[test]
fn a_stop_counts_as_open_even_when_it_will_not_rest() {
    check_on(
        banded(),
        "
        give ann 100
        limit ann 1
        buy ann h 1 @ 2.20 stop 2.10 ioc as one
        buy ann h 1 @ 2.20 stop 2.10 ioc as two
        ",
        expect![[r#"
            accepted ann one
            rejected ann TooManyOpenOrders
        "#]],
    );
}
