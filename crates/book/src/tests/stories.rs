//! The rules of matching, one table each. Numbers before `@` are order and lots; see `venue` for the words.

use super::venue::check;
use expect_test::expect;

// --- price, time, sweep (rules 1 and 2) ---

#[test]
fn best_price_first_then_arrival_at_the_resting_price() {
    check(
        "
        sell 1 3 @ 101
        sell 2 3 @ 100
        sell 3 3 @ 100
        buy  4 8 @ 105
        book
        ",
        expect![[r#"
            fill 3 @ 100 maker 2 taker 4, done
            fill 3 @ 100 maker 3 taker 4, done
            fill 2 @ 101 maker 1 taker 4
            bids  []
            asks  1 @ 101 x1  [1]
        "#]],
    );
}

#[test]
fn a_limit_never_trades_beyond_itself_and_its_remainder_rests() {
    check(
        "
        sell 1 3 @ 100
        sell 2 4 @ 102
        buy  3 9 @ 101
        book
        ",
        expect![[r#"
            fill 3 @ 100 maker 1 taker 3, done
            bids  6 @ 101 x1  [3]
            asks  4 @ 102 x1  [2]
        "#]],
    );
}

#[test]
fn ioc_and_market_remainders_are_cancelled_each_for_its_own_reason() {
    check(
        "
        sell 1 3 @ 100
        buy  2 5 @ 100 ioc
        sell 3 2 @ 100
        buy  4 5 @ market
        sell 5 1 @ 100
        buy  6 5 @ market ioc
        buy  7 5 @ 90 ioc
        book
        ",
        expect![[r#"
            fill 3 @ 100 maker 1 taker 2, done
            cancelled 2 2 Ioc
            fill 2 @ 100 maker 3 taker 4, done
            cancelled 4 3 NoLiquidity
            fill 1 @ 100 maker 5 taker 6, done
            cancelled 6 4 Ioc
            cancelled 7 5 Ioc
            bids  []
            asks  []
        "#]],
    );
}

// --- all or nothing (rules 3 and 4) ---

#[test]
fn fok_trades_whole_within_its_limit_or_leaves_the_book_untouched() {
    check(
        "
        sell 1 3 @ 100
        sell 2 3 @ 101
        sell 3 9 @ 102
        buy  4 7 @ 101 fok
        buy  5 6 @ 101 fok
        book
        ",
        expect![[r#"
            cancelled 4 7 Fok
            fill 3 @ 100 maker 1 taker 5, done
            fill 3 @ 101 maker 2 taker 5, done
            bids  []
            asks  9 @ 102 x1  [3]
        "#]],
    );
}

#[test]
fn fok_counts_hidden_lots() {
    check(
        "
        sell 1 9 @ 100 show=2
        buy  2 9 @ 100 fok
        book
        ",
        expect![[r#"
            fill 2 @ 100 maker 1 taker 2
            fill 2 @ 100 maker 1 taker 2
            fill 2 @ 100 maker 1 taker 2
            fill 2 @ 100 maker 1 taker 2
            fill 1 @ 100 maker 1 taker 2, done
            bids  []
            asks  []
        "#]],
    );
}

#[test]
fn behind_an_own_order_nothing_is_there_for_a_fok_but_cancel_oldest_skips_it() {
    check(
        "
        sell 1 3 @ 100
        sell 2 3 @ 100 by 7
        sell 3 3 @ 100
        buy  4 4 @ 100 by 7 fok stp=newest
        buy  5 4 @ 100 by 7 fok stp=both
        buy  6 4 @ 100 by 7 fok stp=decrement
        buy  7 3 @ 100 by 7 fok stp=newest
        buy  8 3 @ 100 by 7 fok stp=oldest
        book
        ",
        expect![[r#"
            cancelled 4 4 Fok
            cancelled 5 4 Fok
            cancelled 6 4 Fok
            fill 3 @ 100 maker 1 taker 7, done
            cancelled 2 3 SelfTrade
            fill 3 @ 100 maker 3 taker 8, done
            bids  []
            asks  []
        "#]],
    );
}

#[test]
fn a_slice_that_comes_up_behind_an_own_order_is_out_of_a_fok_s_reach() {
    check(
        "
        sell 1 9 @ 100 show=2
        sell 2 1 @ 100 by 7
        buy  3 3 @ 100 by 7 fok stp=newest
        buy  4 2 @ 100 by 7 fok stp=newest
        ",
        expect![[r#"
            cancelled 3 3 Fok
            fill 2 @ 100 maker 1 taker 4
        "#]],
    );
}

#[test]
fn a_budget_is_the_most_a_buy_pays_and_the_least_a_sale_brings() {
    check(
        "
        sell 1 3 @ 100
        sell 2 3 @ 101
        buy  3 5 @ 105 budget=501
        buy  4 5 @ 105 budget=502
        buy  5 3 @ 99
        sell 6 3 @ 1 budget=298
        sell 7 3 @ market budget=297
        buy  8 9 @ market budget=99999
        ",
        expect![[r#"
            cancelled 3 5 Fok
            fill 3 @ 100 maker 1 taker 4, done
            fill 2 @ 101 maker 2 taker 4
            cancelled 6 3 Fok
            fill 3 @ 99 maker 5 taker 7, done
            cancelled 8 9 Fok
        "#]],
    );
}

#[test]
fn a_minimum_is_had_at_once_or_nothing_is() {
    check(
        "
        sell 1 3 @ 100
        buy  2 9 @ 100 min=4
        buy  3 9 @ 100 min=3 ioc
        book
        ",
        expect![[r#"
            cancelled 2 9 Minimum
            fill 3 @ 100 maker 1 taker 3, done
            cancelled 3 6 Ioc
            bids  []
            asks  []
        "#]],
    );
}

// --- changes (rules 5, 6 and 7) ---

#[test]
fn post_only_is_refused_where_it_would_trade() {
    check(
        "
        sell 1 5 @ 101
        buy  2 5 @ 101 post
        buy  3 5 @ 100 post
        book
        ",
        expect![[r#"
            rejected 2: post_only
            bids  5 @ 100 x1  [3]
            asks  5 @ 101 x1  [1]
        "#]],
    );
}

#[test]
fn a_smaller_order_keeps_its_place_a_larger_or_moved_one_loses_it() {
    check(
        "
        sell 1 9 @ 100
        sell 2 9 @ 100
        sell 3 9 @ 100
        amend 1 4 @ 100
        book
        amend 1 5 @ 100
        book
        amend 2 9 @ 101
        amend 2 9 @ 100
        book
        reduce 3 2
        book
        reduce 3 7
        reduce 3 1
        ",
        expect![[r#"
            amended 1 4 @ 100 in place
            bids  []
            asks  22 @ 100 x3  [1, 2, 3]
            amended 1 5 @ 100
            bids  []
            asks  23 @ 100 x3  [2, 3, 1]
            amended 2 9 @ 101
            amended 2 9 @ 100
            bids  []
            asks  23 @ 100 x3  [3, 1, 2]
            bids  []
            asks  21 @ 100 x3  [3, 1, 2]
            cancelled 3 7 Reduce
            unknown 3
        "#]],
    );
}

#[test]
fn an_amend_that_crosses_trades_as_a_taker_and_keeps_its_policy() {
    check(
        "
        sell 1 5 @ 105
        sell 2 1 @ 106 by 9
        buy  3 8 @ 100 by 9 stp=newest
        amend 3 8 @ 107
        ",
        expect![[r#"
            amended 3 8 @ 107
            fill 5 @ 105 maker 1 taker 3, done
            cancelled 3 3 SelfTrade
        "#]],
    );
}

// --- icebergs (rule 9) ---

#[test]
fn a_new_slice_queues_behind_its_level_and_one_taker_may_hit_several() {
    check(
        "
        sell 1 8 @ 100 show=3
        sell 2 2 @ 100
        book
        buy  3 4 @ 100
        book
        buy  4 5 @ 100
        book
        ",
        expect![[r#"
            bids  []
            asks  5 @ 100 x2  [1, 2]
            fill 3 @ 100 maker 1 taker 3
            fill 1 @ 100 maker 2 taker 3
            bids  []
            asks  4 @ 100 x2  [2, 1]
            fill 1 @ 100 maker 2 taker 4, done
            fill 3 @ 100 maker 1 taker 4
            fill 1 @ 100 maker 1 taker 4
            bids  []
            asks  1 @ 100 x1  [1]
        "#]],
    );
}

#[test]
fn reduce_and_a_keeping_amend_take_hidden_lots_first() {
    check(
        "
        sell 1 8 @ 100 show=3
        sell 2 2 @ 100
        reduce 1 4
        book
        amend 1 2 @ 100
        book
        amend 1 9 @ 100
        book
        cancel 1
        ",
        expect![[r#"
            bids  []
            asks  5 @ 100 x2  [1, 2]
            amended 1 2 @ 100 in place
            bids  []
            asks  4 @ 100 x2  [1, 2]
            amended 1 9 @ 100
            bids  []
            asks  5 @ 100 x2  [2, 1]
            cancelled 1 9 User
        "#]],
    );
}

// --- stops (rule 10) ---

#[test]
fn a_trade_at_the_trigger_releases_a_stop_after_the_command() {
    check(
        "
        sell 1 2 @ 105
        sell 2 9 @ 106
        stop buy 3 4 at 105
        buy  4 2 @ 105
        book
        ",
        expect![[r#"
            fill 2 @ 105 maker 1 taker 4, done
            triggered 3 at 105
            fill 4 @ 106 maker 2 taker 3
            bids  []
            asks  5 @ 106 x1  [2]
        "#]],
    );
}

#[test]
fn buys_before_sells_the_lowest_buy_the_highest_sell_then_arrival() {
    check(
        "
        buy  20 1 @ 100
        sell 21 1 @ 200
        stop sell 1 1 at 100 @ 300
        stop sell 2 1 at 101 @ 301
        stop buy  3 1 at 100 @ 50
        stop buy  4 1 at 99  @ 51
        stop buy  5 1 at 99  @ 52
        stop buy  6 1 at 101 @ 53
        sell 22 1 @ 100
        stops
        book
        ",
        expect![[r#"
            fill 1 @ 100 maker 20 taker 22, done
            triggered 4 at 99
            triggered 5 at 99
            triggered 3 at 100
            triggered 2 at 101
            triggered 1 at 100
            stops ["6 at 101"]
            bids  1 @ 52 x1  1 @ 51 x1  1 @ 50 x1  [5, 4, 3]
            asks  1 @ 200 x1  1 @ 300 x1  1 @ 301 x1  [21, 1, 2]
        "#]],
    );
}

#[test]
fn a_stop_triggers_at_once_when_the_last_trade_is_there_already() {
    check(
        "
        sell 1 2 @ 100
        buy  2 1 @ 100
        stop buy 3 5 at 100
        stop buy 4 5 at 101
        stops
        ",
        expect![[r#"
            fill 1 @ 100 maker 1 taker 2
            triggered 3 at 100
            fill 1 @ 100 maker 1 taker 3, done
            cancelled 3 4 Ioc
            stops ["4 at 101"]
        "#]],
    );
}

#[test]
fn a_cascade_runs_to_its_end() {
    check(
        "
        buy  1 1 @ 100
        buy  2 1 @ 99
        buy  3 5 @ 98
        stop sell 4 1 at 100
        stop sell 5 1 at 99
        stop sell 6 1 at 98 @ 98
        sell 7 1 @ 100
        ",
        expect![[r#"
            fill 1 @ 100 maker 1 taker 7, done
            triggered 4 at 100
            fill 1 @ 99 maker 2 taker 4, done
            triggered 5 at 99
            fill 1 @ 98 maker 3 taker 5
            triggered 6 at 98
            fill 1 @ 98 maker 3 taker 6
        "#]],
    );
}

#[test]
fn a_moved_trigger_waits_behind_those_that_were_there() {
    check(
        "
        sell 9 9 @ 105
        stop buy 1 1 at 104
        stop buy 2 1 at 105
        trigger 1 105
        amend 2 3 @ 105
        reduce 1 5
        stop buy 3 4 at 105 @ 105
        reduce 3 1
        buy 8 1 @ 105
        cancel 1
        ",
        expect![[r#"
            amended 2 3 @ 105
            cancelled 1 1 Reduce
            fill 1 @ 105 maker 9 taker 8
            triggered 2 at 105
            fill 3 @ 105 maker 9 taker 2
            triggered 3 at 105
            fill 3 @ 105 maker 9 taker 3
            unknown 1
        "#]],
    );
}

#[test]
fn a_triggered_stop_buys_what_it_can_pay() {
    check(
        "
        sell 1 2 @ 100
        sell 2 9 @ 103
        buy  3 9 @ market afford=450
        ",
        expect![[r#"
            fill 2 @ 100 maker 1 taker 3, done
            fill 2 @ 103 maker 2 taker 3
            cancelled 3 5 Uncovered
        "#]],
    );
}

#[test]
fn nothing_trades_beyond_the_bound_and_the_rest_does_not_rest() {
    check(
        "
        sell 1 2 @ 100
        sell 2 9 @ 103
        buy  3 9 @ 110 bound=102
        buy  4 9 @ 101 bound=102
        buy  5 9 @ 110 bound=102 fok
        book
        ",
        expect![[r#"
            fill 2 @ 100 maker 1 taker 3, done
            cancelled 3 7 Band
            cancelled 5 9 Fok
            bids  9 @ 101 x1  [4]
            asks  9 @ 103 x1  [2]
        "#]],
    );
}

// --- self-trade prevention (rule 11) ---

#[test]
fn the_taker_s_policy_decides_what_becomes_of_a_meeting_with_its_own() {
    for (policy, expected) in [
        (
            "newest",
            expect![[r#"
            fill 2 @ 100 maker 1 taker 4, done
            cancelled 4 7 SelfTrade
            bids  []
            asks  12 @ 100 x2  [2, 3]
        "#]],
        ),
        (
            "oldest",
            expect![[r#"
            fill 2 @ 100 maker 1 taker 4, done
            cancelled 2 5 SelfTrade
            fill 7 @ 100 maker 3 taker 4
            bids  []
            asks  2 @ 100 x1  [3]
        "#]],
        ),
        (
            "both",
            expect![[r#"
            fill 2 @ 100 maker 1 taker 4, done
            cancelled 2 5 SelfTrade
            cancelled 4 7 SelfTrade
            bids  []
            asks  9 @ 100 x1  [3]
        "#]],
        ),
        (
            "decrement",
            expect![[r#"
            fill 2 @ 100 maker 1 taker 4, done
            own 2 loses 3
            taker 4 loses 3
            fill 4 @ 100 maker 3 taker 4
            bids  []
            asks  7 @ 100 x2  [3, 2]
        "#]],
        ),
    ] {
        check(
            &format!(
                "
                sell 1 2 @ 100
                sell 2 5 @ 100 by 7 show=3
                sell 3 9 @ 100
                buy  4 9 @ 100 by 7 stp={policy}
                book
                "
            ),
            expected,
        );
    }
}

#[test]
fn a_decrement_cancels_whoever_reaches_nothing_maker_first() {
    check(
        "
        sell 1 3 @ 100 by 7
        buy  2 3 @ 100 by 7 stp=decrement
        sell 3 5 @ 100 by 7
        buy  4 3 @ 100 by 7 stp=decrement
        buy  5 3 @ 100 by 7 stp=decrement
        book
        ",
        expect![[r#"
            cancelled 1 3 SelfTrade
            cancelled 2 3 SelfTrade
            own 3 loses 3
            cancelled 4 3 SelfTrade
            cancelled 3 2 SelfTrade
            taker 5 loses 2
            bids  1 @ 100 x1  [5]
            asks  []
        "#]],
    );
}

// --- auctions (rule 12) ---

#[test]
fn an_uncross_takes_the_price_of_most_volume() {
    check(
        "
        call
        buy  1 10 @ 103
        buy  2 10 @ 102
        buy  3 10 @ 101
        sell 4 5 @ 100
        sell 5 10 @ 101
        sell 6 10 @ 102
        indicative
        uncross
        book
        ",
        expect![[r#"
            indicative 20 @ 102
            uncrossed 20 @ 102
            fill 5 @ 102 maker 1 taker 4
            fill 5 @ 102 maker 1 taker 5
            fill 5 @ 102 maker 2 taker 5
            fill 5 @ 102 maker 2 taker 6
            bids  10 @ 101 x1  [3]
            asks  5 @ 102 x1  [6]
        "#]],
    );
}

#[test]
fn least_surplus_then_its_side_then_the_reference_then_the_lower_price() {
    for (story, expected) in [
        // Two prices with volume 10: at 101 nobody is left over, at 102 five sellers are.
        (
            "buy 1 10 @ 102 / sell 2 10 @ 101 / sell 3 5 @ 102",
            expect![[r#"
            uncrossed 10 @ 101
            fill 10 @ 101 maker 1 taker 2
        "#]],
        ),
        // Everywhere five buyers are left over: the highest.
        (
            "buy 1 15 @ 104 / sell 2 10 @ 101",
            expect![[r#"
            uncrossed 10 @ 104
            fill 10 @ 104 maker 1 taker 2
        "#]],
        ),
        // Everywhere five sellers are left over: the lowest.
        (
            "buy 1 10 @ 104 / sell 2 15 @ 101",
            expect![[r#"
            uncrossed 10 @ 101
            fill 10 @ 101 maker 1 taker 2
        "#]],
        ),
        // Nobody is: the nearest to the reference, and without one the lower.
        (
            "buy 1 10 @ 104 / sell 2 10 @ 101",
            expect![[r#"
            uncrossed 10 @ 104
            fill 10 @ 104 maker 1 taker 2
        "#]],
        ),
        // The same three steps away from both.
        (
            "buy 1 10 @ 106 / sell 2 10 @ 100",
            expect![[r#"
            uncrossed 10 @ 100
            fill 10 @ 100 maker 1 taker 2
        "#]],
        ),
    ] {
        let story = story.replace(" / ", "\n");
        check(&format!("call\n{story}\nuncross 103"), expected);
    }
}

#[test]
fn market_orders_go_first_in_an_uncross_and_unfilled_ones_are_cancelled_oldest_first() {
    check(
        "
        call
        buy  1 4 @ 100
        sell 2 3 @ 99
        sell 3 2 @ market
        sell 4 6 @ market
        buy  5 1 @ market
        book
        uncross
        book
        ",
        expect![[r#"
            bids  4 @ 100 x1  [5, 1]
            asks  3 @ 99 x1  [3, 4, 2]
            uncrossed 5 @ 99
            fill 1 @ 99 maker 3 taker 5
            fill 1 @ 99 maker 1 taker 3
            fill 3 @ 99 maker 1 taker 4
            cancelled 4 3 AuctionEnd
            bids  []
            asks  3 @ 99 x1  [2]
        "#]],
    );
}

#[test]
fn only_market_orders_have_no_price() {
    check(
        "
        call
        buy  1 4 @ market
        sell 2 3 @ market
        uncross
        book
        ",
        expect![[r#"
            cancelled 1 4 AuctionEnd
            cancelled 2 3 AuctionEnd
            bids  []
            asks  []
        "#]],
    );
}

#[test]
fn hidden_lots_take_part_in_an_uncross_slice_by_slice_even_against_the_own() {
    check(
        "
        call
        sell 1 6 @ 100 by 7 show=2
        sell 2 2 @ 100
        buy  3 7 @ 100 by 7 stp=newest
        uncross
        book
        ",
        expect![[r#"
            uncrossed 7 @ 100
            fill 2 @ 100 maker 1 taker 3
            fill 2 @ 100 maker 2 taker 3
            fill 2 @ 100 maker 1 taker 3
            fill 1 @ 100 maker 1 taker 3
            bids  []
            asks  1 @ 100 x1  [1]
        "#]],
    );
}

#[test]
fn in_a_call_orders_only_rest_and_what_cannot_wait_is_cancelled() {
    check(
        "
        sell 1 2 @ 100
        stop buy 9 1 at 99
        call
        buy 2 2 @ 101
        buy 3 2 @ 101 ioc
        buy 4 2 @ 101 fok
        buy 5 2 @ 101 min=1
        book
        cancel 2
        uncross
        buy 6 1 @ 100
        ",
        expect![[r#"
            cancelled 3 2 Ioc
            cancelled 4 2 Fok
            cancelled 5 2 Minimum
            bids  2 @ 101 x1  [2]
            asks  2 @ 100 x1  [1]
            cancelled 2 2 User
            fill 1 @ 100 maker 1 taker 6
            triggered 9 at 99
            fill 1 @ 100 maker 1 taker 9, done
        "#]],
    );
}

#[test]
fn stops_look_at_the_uncross_price() {
    check(
        "
        stop buy 1 1 at 105
        stop buy 2 1 at 106
        call
        buy 3 5 @ 105
        sell 4 7 @ 105
        uncross
        stops
        ",
        expect![[r#"
            uncrossed 5 @ 105
            fill 5 @ 105 maker 3 taker 4
            triggered 1 at 105
            fill 1 @ 105 maker 4 taker 1
            stops ["2 at 106"]
        "#]],
    );
}

// --- everything at once ---

#[test]
fn orders_are_listed_as_they_came_stops_and_moved_ones_included() {
    check(
        "
        buy 1 5 @ 100
        stop sell 2 5 at 90
        sell 3 5 @ 101 show=1
        buy 4 5 @ 102
        amend 1 5 @ 99
        oldest
        cancel 2
        cancel 2
        ",
        expect![[r#"
            fill 1 @ 101 maker 3 taker 4
            fill 1 @ 101 maker 3 taker 4
            fill 1 @ 101 maker 3 taker 4
            fill 1 @ 101 maker 3 taker 4
            fill 1 @ 101 maker 3 taker 4, done
            amended 1 5 @ 99
            oldest first [2, 1]
            cancelled 2 5 User
            unknown 2
        "#]],
    );
}
