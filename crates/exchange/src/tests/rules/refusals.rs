//! What is refused, in the documented order (MARKET 3).

use super::fine;
use crate::tests::{check, check_on};
use expect_test::expect;

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
