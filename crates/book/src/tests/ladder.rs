//! The ladder against a sorted map; here a page is four ticks and few stand far, so that it has many.

use crate::ladder::{Grid, Ladder, Level, MARKET, NO_KEY, key_of, price_of};
use hourbook_model::{Price, Side};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[test]
fn keys_order_both_sides_and_come_back_as_prices() {
    for price in [1, 2, 77, i64::MAX - 1].map(Price) {
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(price_of(side, key_of(side, price)), price);
        }
        assert!(
            key_of(Side::Buy, price) > key_of(Side::Buy, Price(price.0 - 1)),
            "a buy is better when higher"
        );
        assert!(key_of(Side::Sell, price) < key_of(Side::Sell, Price(price.0 - 1)), "a sale when lower");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_ladder_is_a_sorted_map(
        tick in prop::sample::select(vec![1u32, 3, 100]),
        side in prop::sample::select(vec![Side::Buy, Side::Sell]),
        ops in prop::collection::vec((any::<u8>(), -150i64..150), 1..600),
    ) {
        let mut ladder = Ladder::default();
        ladder.set_grid(Grid::new(tick, side));
        let mut map: BTreeMap<i64, u32> = BTreeMap::new();
        for (at, (kind, ticks)) in ops.into_iter().enumerate() {
            let key = if ticks == 149 { MARKET } else { key_of(side, Price(ticks * i64::from(tick))) };
            match (kind % 8, ladder.seek(key)) {
                // More come than go, so that runs split; then the best ones go one after the other.
                (0..=4, Err(place)) => {
                    ladder.insert(place, Level { shown: 1, first: at as u32, orders: 1 });
                    map.insert(key, at as u32);
                }
                (0..=4, Ok(place)) => {
                    ladder.level_mut(place).first = at as u32;
                    map.insert(key, at as u32);
                }
                (5 | 6, Ok(place)) => {
                    ladder.remove(place);
                    map.remove(&key);
                }
                (7, _) if map.pop_last().is_some() => ladder.remove_best(),
                (_, found) => prop_assert_eq!(found.is_ok(), map.contains_key(&key)),
            }
            let levels: Vec<(i64, u32)> = ladder.iter().map(|(key, level)| (key, level.first)).collect();
            let expected: Vec<(i64, u32)> = map.iter().rev().map(|(key, first)| (*key, *first)).collect();
            prop_assert_eq!(&levels, &expected);
            prop_assert_eq!(ladder.best_key(), map.keys().last().copied().unwrap_or(NO_KEY));
            prop_assert_eq!(ladder.best().map(|level| level.first), map.values().last().copied());
            prop_assert_eq!((ladder.len(), ladder.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(ladder.verify(), Ok(()));
            // Read back, best first, it is the same; a grid that lacks one of its prices does not take it.
            let other = ladder.on(Grid::default()).and_then(|read| read.on(Grid::new(tick, side)));
            prop_assert_eq!(other.map(|read| read.iter().map(|(key, level)| (key, level.first)).collect()), Some(levels));
        }
        let odd = Grid::new(7 * tick, side);
        prop_assert_eq!(ladder.on(odd).is_some(), map.keys().all(|key| odd.holds(*key)));
    }
}
