//! The rules of the market as stories: each line of a story is told, and what happened is compared.
//! The words of a story are those of [`Market::tell`](super::market::Market::tell).

use super::market::{Market, product};
use super::{check, check_on};
use crate::REMEMBERED_SESSIONS;
use expect_test::expect;
use hourbook_model::*;

/// Fees of maker and taker in parts per million.
fn fees(maker_fee_ppm: u32, taker_fee_ppm: u32) -> Product {
    Product { maker_fee_ppm, taker_fee_ppm, ..product() }
}

const BAND: Band = Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE };

/// Orders within 50 %, trades within 20 % of 2.00.
fn banded() -> Product {
    Product { band: Some(BAND), reference: Some(Price(2 * MICROS)), ..product() }
}

/// Orders within 25 %, trades as far as orders.
fn wide() -> Product {
    Product { band: Some(Band { order_ppm: 250_000, trade_ppm: 250_000, ..BAND }), ..banded() }
}

fn unreferenced() -> Product {
    Product { reference: None, ..banded() }
}

/// Prices are whole micros.
fn fine() -> Product {
    Product { tick: Price(1), ..product() }
}

/// With the daily auction: call at 03:50, frozen from 03:59, uncross at 04:00.
fn daily() -> Product {
    let at = |hour: i64, minute: i64| hour * Time::HOUR + minute * Time::MINUTE;
    Product {
        auction: Some(AuctionSchedule { call: at(3, 50), freeze: at(3, 59), uncross: at(4, 0) }),
        ..product()
    }
}

// --- MARKET 3: orders ---

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
fn mass_cancel_takes_a_side_of_an_instrument_a_product_or_all() {
    check(
        "
        give ann 200
        offer ann 5 d
        buy ann h 1 @ 2.00 as h1
        sell ann h 1 @ 3.00 as h2
        buy ann d 1 @ 2.00 as d1
        buy ann h 1 @ 2.50 stop 2.40 as stop
        mass ann h buy
        mass ann product sell
        mass ann nowhere
        mass ann market
        money ann
        ",
        expect![[r#"
            accepted ann h1
            accepted ann h2
            accepted ann d1
            accepted ann stop
            cancelled ann h1 1 Mass
            cancelled ann stop 1 Mass
            mass cancelled ann 2
            cancelled ann h2 1 Mass
            mass cancelled ann 1
            mass cancel rejected ann UnknownInstrument
            cancelled ann d1 1 Mass
            mass cancelled ann 1
            ann has 200.00, held 0.00, escrow 0.00
        "#]],
    );
}

#[test]
fn a_quote_replaces_the_last_one_and_is_never_held_twice() {
    check(
        "
        give ann 10
        offer ann 5 h
        quote ann h 5 @ 2.00 5 @ 2.10
        money ann
        quote ann h 5 @ 1.90 5 @ 2.20
        money ann
        book h
        quote ann h 0 @ 0 5 @ 2.20
        money ann
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            ann has 10.00, held 10.00, escrow 0.00
            cancelled ann an order 5 Quote
            cancelled ann an order 5 Quote
            accepted ann an order
            accepted ann an order
            ann has 10.00, held 9.50, escrow 0.00
            bids [5 @ 1.90 (1)] asks [5 @ 2.20 (1)] Continuous
            cancelled ann an order 5 Quote
            ann has 10.00, held 0.00, escrow 0.00
            bids [] asks [5 @ 2.20 (1)] Continuous
        "#]],
    );
}

#[test]
fn what_stands_after_a_mass_quote_is_counted_once_however_often_it_is_named() {
    let mut market = Market::with(product());
    market.tell("give ann 100\noffer ann 50 h\noffer ann 50 H20261124T09");
    let (eight, nine) = (market.instrument("h"), market.instrument("H20261124T09"));
    let quote = |instrument, bid: i64, ask: i64| Quote {
        instrument,
        bid_quantity: Quantity(i64::from(bid > 0)),
        bid_price: Price(bid),
        ask_quantity: Quantity(i64::from(ask > 0)),
        ask_price: Price(ask),
    };
    let mut standing = |quotes: Vec<Quote>| {
        let request = Request { account: AccountId(1), ..Request::default() };
        let quotes = MassQuote { quotes, post_only: false, self_trade: SelfTrade::Allow };
        market.apply(request, quotes).number
    };
    let (bid, ask) = (1_000_000, 2_000_000);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(nine, bid, ask)]), 4);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(eight, bid, ask)]), 2);
    assert_eq!(standing(vec![quote(eight, bid + 100, ask), quote(nine, bid, 0), quote(eight, 0, ask)]), 2);
    assert_eq!(standing(vec![quote(eight, bid, ask), quote(eight, 0, 0)]), 0);
    assert_eq!(standing(vec![]), 0);
}

#[test]
fn a_quote_at_the_same_price_and_smaller_keeps_its_place() {
    check(
        "
        give ann 10
        give cat 100
        offer ann 5 h
        offer bob 9 h
        quote ann h 5 @ 2.00 5 @ 2.10
        buy cat h 5 @ 2.00 as behind
        quote ann h 3 @ 2.00 5 @ 2.10
        sell bob h 1 @ 2.00 as hit
        quote ann h 4 @ 2.00 5 @ 2.10
        sell bob h 1 @ 2.00 as hit2
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            accepted cat behind
            reduced ann an order to 3
            accepted bob hit
            trade 1 @ 2.00 maker an order taker hit
            cancelled ann an order 2 Quote
            accepted ann an order
            accepted bob hit2
            trade 1 @ 2.00 maker behind taker hit2
            bids [8 @ 2.00 (2)] asks [5 @ 2.10 (1)] Continuous
        "#]],
    );
}

#[test]
fn a_quote_that_is_refused_leaves_none_of_its_account() {
    check(
        "
        give ann 10
        offer ann 5 h
        quote ann h 5 @ 2.00 5 @ 2.10
        quote ann h 6 @ 2.00 5 @ 2.10
        quote ann h 2 @ 2.00 2 @ 2.00
        book h
        money ann
        quote ann h -1 @ 2.00 2 @ 2.00005
        quote ann nowhere 1 @ 2.00 1 @ 2.10
        book h
        ",
        expect![[r#"
            accepted ann an order
            accepted ann an order
            cancelled ann an order 5 Quote
            rejected ann InsufficientFunds
            cancelled ann an order 5 Quote
            rejected ann BadPrice
            rejected ann BadPrice
            bids [] asks [] Continuous
            ann has 10.00, held 0.00, escrow 0.00
            rejected ann BadQuantity
            rejected ann PriceOffTick
            rejected ann UnknownInstrument
            rejected ann UnknownInstrument
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn quotes_count_towards_the_limit_of_open_orders() {
    check(
        "
        give ann 100
        offer ann 5 h
        limit ann 2
        buy ann h 1 @ 1.00 as one
        quote ann h 1 @ 2.00 1 @ 2.10
        quote ann h 1 @ 2.01 1 @ 2.11
        buy ann h 1 @ 1.00 as two
        buy ann h 1 @ 2.11 ioc as taker
        book h
        ",
        expect![[r#"
            accepted ann one
            accepted ann an order
            rejected ann TooManyOpenOrders
            cancelled ann an order 1 Quote
            accepted ann an order
            rejected ann TooManyOpenOrders
            rejected ann TooManyOpenOrders
            accepted ann taker
            cancelled ann taker 1 Ioc
            bids [1 @ 2.01 (1), 1 @ 1.00 (1)] asks [] Continuous
        "#]],
    );
}

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
fn only_the_owner_may_cancel_amend_or_reduce() {
    check(
        "
        give ann 100
        buy ann h 2 @ 2.00 as o
        cancel bob o
        reduce bob o 1
        amend bob o 1
        reduce ann o 0
        reduce ann o -5
        reduce ann o 1
        reduce ann o 7
        cancel ann o
        ",
        expect![[r#"
            accepted ann o
            cancel rejected bob UnknownOrder
            cancel rejected bob UnknownOrder
            amend rejected bob UnknownOrder
            cancel rejected ann BadQuantity
            cancel rejected ann BadQuantity
            reduced ann o to 1
            cancelled ann o 1 Reduce
            cancel rejected ann UnknownOrder
        "#]],
    );
}

#[test]
fn a_request_repeated_gets_the_first_answer_and_nothing_happens_twice() {
    check(
        "
        give ann 100
        buy ann h 2 @ 2.00 as o
        buy ann h 2 @ 2.00 as o
        buy ann h 3 @ 2.00 as o
        cancel ann o
        buy ann h 2 @ 2.00 as o
        book h
        ",
        expect![[r#"
            accepted ann o
            repeated: the answer of 6
            rejected ann ClientIdReused
            cancelled ann an order 2 User
            repeated: the answer of 6
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_sessions_messages_count_up_and_a_repeated_number_does_nothing() {
    check(
        "
        give ann 100
        logon ann s1
        buy ann h 2 @ 2.00 as o in s1
        buy ann h 2 @ 2.00 as o in s1 again
        buy ann h 3 @ 2.00 as o in s1
        logon ann s1
        logoff ann s1
        buy ann h 3 @ 2.00 as p in s1
        logon ann s1
        cancel ann o in s1
        book h
        ",
        expect![[r#"
            accepted ann o
            repeated: the answer of 8
            rejected ann DuplicateClientId
            refused SessionInUse
            rejected ann UnknownSession
            cancelled ann an order 2 User
            bids [] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_number_far_ahead_is_refused_and_does_not_end_its_session() {
    let mut market = Market::with(product());
    market.tell("give ann 100\nlogon ann s1");
    let message =
        |number: u64| Request { account: AccountId(1), session: SessionId(1), number, ..Request::default() };
    let cancel = MassCancel { scope: Scope::Market, side: None };
    let far = 1 << 32;
    for (number, refused) in [
        (u64::MAX, Some(RejectReason::BadRange)),
        (far + 1, Some(RejectReason::BadRange)),
        (far, None),
        (u64::MAX, Some(RejectReason::BadRange)),
        (far + 1, None),
    ] {
        let answer = market.apply(message(number), cancel.clone());
        assert_eq!((answer.refused, answer.repeated), (refused, false), "{number}");
        let Some(Event::Reported(report)) = market.events.last() else { panic!("{number}: no report") };
        assert_eq!((report.session, report.request), (SessionId(1), number), "its owner is told");
    }
    assert!(market.apply(message(far), cancel).repeated, "the numbers before it have been seen");
}

#[test]
fn of_many_sessions_the_one_that_ended_longest_ago_is_forgotten() {
    let mut market = Market::with(product());
    market.tell("give ann 100\ngive bob 100");
    let by = |account: u32| Request { account: AccountId(account), ..Request::default() };
    let name = |number: usize| ClientId::new(&format!("s{number}")).unwrap();
    let log_on = |market: &mut Market, number: usize| {
        market.apply(by(1), LogOn { name: name(number), cancel_on_disconnect: false })
    };
    let most = REMEMBERED_SESSIONS;
    let mut ids = Vec::new();
    for number in 0..most {
        ids.push(SessionId(log_on(&mut market, number).number as u32));
    }
    // All of them are connected: there is none to forget.
    assert_eq!(log_on(&mut market, most).refused, Some(RejectReason::TooManySessions));
    market.tell("logon bob s1");

    market.apply(
        Request { session: ids[7], number: 5, ..by(1) },
        MassCancel { scope: Scope::Market, side: None },
    );
    for number in [9, 7, 3] {
        market.apply(by(1), LogOff { session: ids[number] });
    }
    // The ninth was the first to end; its successor is another session, though it stands in its place.
    let new = SessionId(log_on(&mut market, most).number as u32);
    assert_eq!(new.slot(), ids[9].slot());
    assert!(market.exchange.session(ids[9]).is_none() && market.exchange.session(new).is_some());
    let late = market.apply(
        Request { session: ids[9], number: 1, ..by(1) },
        MassCancel { scope: Scope::Market, side: None },
    );
    assert_eq!(late.refused, Some(RejectReason::UnknownSession));
    // What is remembered goes on with its numbers.
    assert_eq!(log_on(&mut market, 7).number, u64::from(ids[7].0));
    assert_eq!(market.exchange.session(ids[7]).unwrap().last_number, 5);
    // The ninth's name begins anew, in the place of the third.
    let again = SessionId(log_on(&mut market, 9).number as u32);
    assert_eq!(again.slot(), ids[3].slot());
    assert_eq!(log_on(&mut market, 3).refused, Some(RejectReason::TooManySessions));
}

#[test]
fn the_last_key_of_an_operator_stays() {
    let mut market = Market::with(product());
    market.tell("give ann 1");
    let mut issue = |role, digest| {
        let (participant, account, label) = (ParticipantId(1), AccountId(0), String::new());
        let issued = market
            .apply(Request::default(), IssueKey { participant, account, role, digest: [digest; 32], label });
        KeyId(issued.number as u32)
    };
    let (first, trader, second) =
        (issue(Role::Operator, 1), issue(Role::Trader, 2), issue(Role::Operator, 3));
    let mut revoke = |key| market.apply(Request::default(), RevokeKey { key }).refused;
    assert_eq!(revoke(first), None);
    assert_eq!(revoke(second), Some(RejectReason::LastOperatorKey));
    assert_eq!(revoke(trader), None);
    assert_eq!(revoke(first), None, "what is revoked may be revoked again");
    assert_eq!(revoke(KeyId(9)), Some(RejectReason::UnknownKey));
}

#[test]
fn cancel_on_disconnect_takes_what_the_session_entered() {
    check(
        "
        give ann 100
        logon ann s1 cancel
        logon ann s2
        buy ann h 1 @ 2.00 as mine in s1
        buy ann h 1 @ 2.00 as other in s2
        buy ann h 1 @ 2.00 as unary
        logoff ann s1
        restart
        book h
        ",
        expect![[r#"
            accepted ann mine
            accepted ann other
            accepted ann unary
            cancelled ann mine 1 Disconnect
            bids [2 @ 2.00 (2)] asks [] Continuous
        "#]],
    );
}

#[test]
fn a_restart_ends_sessions_and_cancels_what_they_asked_to_have_cancelled() {
    check(
        "
        give ann 100
        logon ann s1 cancel
        logon ann s2
        buy ann h 1 @ 2.00 as mine in s1
        buy ann h 1 @ 2.00 as other in s2
        restart
        buy ann h 1 @ 2.00 as late in s2
        logon ann s2
        buy ann h 1 @ 2.00 as more in s2
        book h
        ",
        expect![[r#"
            accepted ann mine
            accepted ann other
            cancelled ann mine 1 Disconnect
            rejected ann UnknownSession
            accepted ann more
            bids [2 @ 2.00 (2)] asks [] Continuous
        "#]],
    );
}

#[test]
fn reports_of_what_time_did_name_no_request() {
    check(
        "
        give ann 100
        logon ann s1
        buy ann h 1 @ 2.00 until 60 as gtd in s1
        sleep 61
        buy ann h 1 @ 1.00 as next in s1
        requests ann
        ",
        expect![[r#"
            accepted ann gtd
            cancelled ann gtd 1 Expired
            accepted ann next
            gtd Accepted answers 1:1
            gtd Cancelled { quantity: Quantity(1), reason: Expired } answers 0:0
            next Accepted answers 1:2
        "#]],
    );
}

// --- MARKET 3: what is refused ---

#[test]
fn refusals_come_in_the_documented_order() {
    check(
        "
        give ann 100
        buy ann nowhere 0 @ 0 as a
        halt h
        buy ann h 0 @ 0 as b
        resume h
        kill ann
        buy ann h 0 @ 0 as c
        lift ann
        buy ann h 0 @ 0 as d
        buy ann h 1000001 @ 0 as e
        buy ann h 1 @ 0 as f
        buy ann h 1 @ -1 as g
        buy ann h 1 @ 1.00005 as h
        buy ann h 1 @ 1.00 market as i
        buy ann h 1 @ 1.00 stop -1 as j
        buy ann h 1 @ 1.00 stop 1.00005 as k
        buy ann h 1 @ 1.00 show -1 as l
        buy ann h 1 @ 1.00 least 1 as m
        buy ann h 1 @ 1.00 ioc least 2 as n
        buy ann h 1 @ 1.00 until 0 as o
        buy ann h 1 @ 1.00 budget 0 as p
        buy ann h 1 @ 1.00 fok stop 1.00 as q
        buy ann h 1 @ 1.00 ioc least 1 stop 1.00 as r
        ",
        expect![[r#"
            rejected ann UnknownInstrument
            h is Halted
            rejected ann Halted
            h is Continuous
            rejected ann Killed
            rejected ann BadQuantity
            rejected ann QuantityAboveCap
            rejected ann BadPrice
            rejected ann BadPrice
            rejected ann PriceOffTick
            rejected ann BadPrice
            rejected ann BadTrigger
            rejected ann BadTrigger
            rejected ann BadDisplay
            rejected ann BadMinimum
            rejected ann BadMinimum
            rejected ann BadExpiry
            rejected ann BadBudget
            rejected ann Unsupported
            rejected ann Unsupported
        "#]],
    );
}

#[test]
fn products_that_overflow_are_above_the_cap() {
    check(
        "
        give ann 100
        buy ann h 1000000 @ 1152921504606.8469 as a
        sell ann d 1000000 @ 1152921504606.8469 as b
        buy ann h 1 @ 9223372036854.7758 as c
        buy ann h 1 @ 1.00 stop 9223372036854.7758 as d
        sell ann h 1 @ 1.00 stop 9223372036854.7758 as e
        sell ann h 1 @ 9223372036854.7758 as f
        buy ann d 50000 @ 1.00 as g
        ",
        expect![[r#"
            rejected ann NotionalAboveCap
            rejected ann NotionalAboveCap
            rejected ann BadPrice
            rejected ann BadTrigger
            rejected ann BadTrigger
            rejected ann BadPrice
            rejected ann NotionalAboveCap
        "#]],
    );
}

#[test]
fn a_trigger_at_the_end_of_numbers_is_refused_whatever_the_tick() {
    check_on(
        fine(),
        "
        give ann 100
        sell ann h 1 @ 1.00 stop 9223372036854.775807 as e
        buy ann h 1 @ 1.00 stop 9223372036854.775807 as d
        buy ann h 1 @ 9223372036854.775807 as f
        amend ann g stop 9223372036854.775807
        ",
        expect![[r#"
            rejected ann BadTrigger
            rejected ann BadTrigger
            rejected ann BadPrice
            amend rejected ann UnknownOrder
        "#]],
    );
}

// --- MARKET 4: protection ---

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

// --- MARKET 2 and 3: auctions ---

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

// --- MARKET 2: gates ---

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

// --- MARKET 5: who may buy and sell ---

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
