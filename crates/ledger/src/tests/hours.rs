//! Axes against a plain list of hours; capacity, resale and the past.

use std::ops::Range;

use hourbook_model::{AccountId, Hour, ProductId, Quantity};
use proptest::prelude::*;

use super::{bytes, restored};
use crate::{Axis, BelowSold, Capacity, HourBook, MAX_CAPACITY, Short, Step};

const ANN: AccountId = AccountId(1);
const GPU: ProductId = ProductId(1);

fn hours(from: u32, to: u32) -> Range<Hour> {
    Hour(from)..Hour(to)
}

/// The axis as `lots in from..to`, one stretch after the other.
fn shape(axis: &Axis) -> String {
    let segments =
        axis.segments().map(|(hours, lots)| format!("{lots} in {}..{}", hours.start.0, hours.end.0));
    segments.collect::<Vec<_>>().join(", ")
}

#[test]
fn stretches_join_where_they_are_equal() {
    let mut axis = Axis::default();
    let mut add = |from, to, lots: i64, expect: &str| {
        axis.add(hours(from, to), Quantity(lots));
        assert_eq!(shape(&axis), expect);
    };
    add(8, 10, 5, "5 in 8..10");
    add(10, 12, 5, "5 in 8..12");
    add(9, 11, 2, "5 in 8..9, 7 in 9..11, 5 in 11..12");
    add(0, 9, -5, "-5 in 0..8, 7 in 9..11, 5 in 11..12");
    add(0, 8, 5, "7 in 9..11, 5 in 11..12");
    add(11, 12, 2, "7 in 9..12");
    add(9, 12, -7, "");
    add(9, 9, 3, "");
    add(9, 12, 0, "");
    assert!(axis.is_zero());
}

#[test]
fn a_provider_sells_what_it_declared_and_no_hour_twice() {
    let mut book = HourBook::default();
    book.declare(ANN, GPU, hours(0, 24), Quantity(10)).unwrap();
    book.take(ANN, GPU, hours(8, 12), Quantity(6)).unwrap();
    assert_eq!(book.take(ANN, GPU, hours(0, 24), Quantity(5)), Err(Short { available: Quantity(4) }));
    assert_eq!(book.take(ANN, GPU, hours(20, 30), Quantity(1)), Err(Short { available: Quantity(0) }));
    assert_eq!(book.take(ANN, ProductId(2), hours(0, 1), Quantity(1)), Err(Short { available: Quantity(0) }));
    book.take(ANN, ProductId(2), hours(0, 1), Quantity(0)).unwrap();
    assert!(book.covers(ANN, GPU, hours(0, 24), Quantity(4)));

    // Capacity may fall to what is sold, hour by hour, and no further.
    let below = BelowSold { hour: Hour(8), least: Quantity(6) };
    assert_eq!(book.declare(ANN, GPU, hours(0, 24), Quantity(5)), Err(below));
    assert_eq!(shape(book.get(ANN, GPU).unwrap().declared()), "10 in 0..24", "a refusal changes nothing");
    book.declare(ANN, GPU, hours(0, 24), Quantity(6)).unwrap();
    assert_eq!(shape(book.get(ANN, GPU).unwrap().available()), "6 in 0..8, 6 in 12..24");
    book.declare(ANN, GPU, hours(12, 24), Quantity(0)).unwrap();
    assert_eq!(shape(book.get(ANN, GPU).unwrap().declared()), "6 in 0..12");

    // What is bought back counts, so capacity may then fall below what was declared for it.
    book.give(ANN, GPU, hours(8, 12), Quantity(6));
    book.declare(ANN, GPU, hours(0, 24), Quantity(0)).unwrap();
    assert_eq!(book.rows(), []);
    book.check().unwrap();
}

#[test]
fn the_past_is_forgotten_at_no_cost_and_shows_nowhere() {
    let mut book = HourBook::default();
    for account in 1..=5 {
        book.declare(AccountId(account), GPU, hours(0, 10 + account), Quantity(3)).unwrap();
        book.take(AccountId(account), GPU, hours(2, 4), Quantity(1)).unwrap();
    }
    book.forget(Hour(13));
    book.forget(Hour(12));
    assert_eq!(book.available(ANN, GPU, hours(9, 11)), Quantity(0));
    assert_eq!(
        book.take(AccountId(5), GPU, hours(12, 14), Quantity(1)),
        Err(Short { available: Quantity(0) })
    );
    assert_eq!(book.available(AccountId(5), GPU, hours(13, 15)), Quantity(3));
    // A release that comes late gives back only what can still be sold.
    book.give(AccountId(4), GPU, hours(12, 14), Quantity(1));
    assert_eq!(shape(book.get(AccountId(4), GPU).unwrap().available()), "4 in 13..14");

    let before = bytes(&book);
    assert_eq!(book.rows().len(), 2);
    let mut swept = restored(&book);
    for _ in 0..3 {
        swept.sweep(2);
        book.sweep(3);
    }
    assert_eq!((bytes(&book), bytes(&swept)), (before.clone(), before));
    book.check().unwrap();
    // Rows that were freed serve others.
    book.give(AccountId(9), GPU, hours(20, 21), Quantity(1));
    book.check().unwrap();
    assert_eq!(book.rows().len(), 3);
}

#[test]
fn unlimited_accounts_may_owe_hours() {
    let mut book = HourBook::default();
    book.take_uncovered(ANN, GPU, hours(8, 9), Quantity(2));
    assert_eq!(shape(book.get(ANN, GPU).unwrap().available()), "-2 in 8..9");
    book.check().unwrap();
    restored(&book).check().unwrap();
}

#[test]
fn an_axis_that_is_not_canonical_is_refused() {
    let step = |from, lots| Step { from: Hour(from), lots: Quantity(lots) };
    for (steps, promise) in [
        (vec![step(3, 1), step(3, 0)], "steps ascend"),
        (vec![step(3, 1), step(4, 1), step(5, 0)], "each step changes the value"),
        (vec![step(3, 0)], "each step changes the value"),
        (vec![step(3, 1)], "the last step returns to zero"),
    ] {
        assert_eq!(Axis::try_from(steps).unwrap_err().promise, promise);
    }
}

#[test]
#[should_panic(expected = "lots within their cap")]
fn lots_do_not_wrap() {
    let mut axis = Axis::default();
    axis.add(hours(0, 1), Quantity::MAX);
    axis.add(hours(0, 1), Quantity(1));
}

#[test]
#[should_panic(expected = "capacity within its cap")]
fn a_capacity_beyond_the_cap_must_be_refused_before() {
    _ = Capacity::default().declare(hours(0, 1), MAX_CAPACITY + Quantity(1));
}

/// As many hours as the axes of the properties have.
const SPAN: u32 = 60;

/// The canonical axis of a plain list, built from nothing but its changes.
fn canonical(plain: &[i64]) -> Axis {
    let mut steps = Vec::new();
    let mut last = 0;
    for (hour, &lots) in plain.iter().chain(&[0]).enumerate() {
        if lots != last {
            steps.push(Step { from: Hour(hour as u32), lots: Quantity(lots) });
        }
        last = lots;
    }
    Axis::try_from(steps).unwrap()
}

proptest! {
    #[test]
    fn an_axis_is_a_list_of_hours(
        ops in prop::collection::vec((0..SPAN, 1..SPAN, -3..4i64, 0..20u32), 1..120),
    ) {
        let mut axis = Axis::default();
        let mut plain = [0i64; SPAN as usize];
        for (from, length, lots, past) in ops {
            let to = (from + length).min(SPAN);
            let least = *plain[from as usize..to as usize].iter().min().unwrap();
            prop_assert_eq!(axis.min(hours(from, to)), Quantity(least));
            prop_assert_eq!(axis.at(Hour(from)), Quantity(plain[from as usize]));

            axis.add(hours(from, to), Quantity(lots));
            plain[from as usize..to as usize].iter_mut().for_each(|value| *value += lots);
            prop_assert_eq!(&axis, &canonical(&plain));

            if past < 2 {
                axis.forget(Hour(from));
                plain[..from as usize].fill(0);
                prop_assert_eq!(&axis, &canonical(&plain));
            }
            prop_assert_eq!(&restored(&axis), &axis);
        }
    }

    /// Declared, sold and bought against plain lists of hours: the same refusals, the same hours.
    #[test]
    fn capacity_is_a_list_of_hours(
        ops in prop::collection::vec((0..4u8, 0..SPAN, 1..SPAN, 0..9i64, 0..3u32), 1..120),
    ) {
        let mut book = HourBook::default();
        let (mut declared, mut available) = ([0i64; SPAN as usize], [0i64; SPAN as usize]);
        let mut floor = 0;
        for (what, from, length, lots, past) in ops {
            let to = (from + length).min(SPAN);
            let (range, plain) = (hours(from, to), from as usize..to as usize);
            let ahead = plain.start.max(floor)..plain.end.max(floor);
            match what {
                0 => {
                    let below = ahead.clone().find(|&h| available[h] + lots - declared[h] < 0);
                    let refused = book.declare(ANN, GPU, range, Quantity(lots)).err();
                    prop_assert_eq!(refused.map(|below| below.hour.0 as usize), below);
                    if let Some(hour) = below {
                        prop_assert_eq!(refused.unwrap().least.0, declared[hour] - available[hour]);
                    } else {
                        for hour in ahead {
                            available[hour] += lots - declared[hour];
                            declared[hour] = lots;
                        }
                    }
                }
                1 | 2 => {
                    let least = if plain.start < floor { 0 } else { *available[plain.clone()].iter().min().unwrap() };
                    prop_assert_eq!(book.available(ANN, GPU, range.clone()), Quantity(least));
                    let refused = book.take(ANN, GPU, range, Quantity(lots)).err();
                    if lots > least {
                        prop_assert_eq!(refused, Some(Short { available: Quantity(least) }));
                    } else {
                        prop_assert_eq!(refused, None);
                        available[ahead].iter_mut().for_each(|value| *value -= lots);
                    }
                }
                _ => {
                    book.give(ANN, GPU, range, Quantity(lots));
                    available[ahead].iter_mut().for_each(|value| *value += lots);
                }
            }
            if past == 0 && from < 20 {
                floor = floor.max(from as usize);
                book.forget(Hour(from));
                declared[..floor].fill(0);
                available[..floor].fill(0);
            }
            book.check().unwrap();
            book = restored(&book);
            let rows = book.rows();
            let shown = rows.first().map_or(Default::default(), |(_, _, c)| (c.declared().clone(), c.available().clone()));
            prop_assert_eq!(shown, (canonical(&declared), canonical(&available)));
        }
    }
}
