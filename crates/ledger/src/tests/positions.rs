//! Positions: opening and closing by the average, splits that sum, the store and its lists.

use std::collections::BTreeMap;

use hourbook_model::{AccountId, InstrumentId, Money, Quantity};
use proptest::prelude::*;

use super::{bytes, restored};
use crate::{Position, Positions};

/// Trades in order, each `(lots, amount, fee)`, sales with lots below zero; then the position.
fn after(trades: &[(i64, i64, i64)]) -> (i64, i64, i64, i64) {
    let mut position = Position::default();
    for &(lots, amount, fee) in trades {
        match lots {
            1.. => position.buy(Quantity(lots), Money(amount)),
            _ => position.sell(Quantity(-lots), Money(amount), Money(fee)),
        };
    }
    (position.units, position.cost.0, position.realised.0, position.fee_due.0)
}

#[test]
fn closing_takes_the_average_share() {
    // Trades; then units, cost, realised, fee due.
    for (trades, expect) in [
        // Long, sold on in parts: 100 of 3 is 33, 33 of 2 left is 33, the last takes 34.
        (vec![(3, 100, 0)], (3, 100, 0, 0)),
        (vec![(3, 100, 0), (-1, 50, 1)], (2, 67, 16, 0)),
        (vec![(3, 100, 0), (-1, 50, 1), (-1, 50, 1)], (1, 34, 32, 0)),
        (vec![(3, 100, 0), (-1, 50, 1), (-1, 50, 1), (-1, 50, 1)], (0, 0, 47, 0)),
        // Bought dearer and dearer: the average counts, not the order.
        (vec![(1, 10, 0), (1, 30, 0), (-1, 25, 0)], (1, 20, 5, 0)),
        // Short, bought back: the fee goes with its share of the proceeds.
        (vec![(-4, 400, 8)], (-4, -400, 0, 8)),
        (vec![(-4, 400, 8), (1, 70, 0)], (-3, -300, 28, 6)),
        (vec![(-4, 400, 8), (4, 500, 0)], (0, 0, -108, 0)),
        // Through zero: the closing lots come first, the rest takes what is left of the amount.
        (vec![(2, 20, 0), (-5, 52, 7)], (-3, -32, -2, 5)),
        (vec![(-2, 20, 2), (5, 52, 0)], (3, 32, -2, 0)),
        // For nothing.
        (vec![(2, 0, 0), (-5, 0, 0), (3, 0, 0)], (0, 0, 0, 0)),
    ] {
        assert_eq!(after(&trades), expect, "{trades:?}");
    }
}

#[test]
fn a_split_sums_exactly_and_keeps_each_fee_within_its_proceeds() {
    let long = Position { units: 5, cost: Money(100), ..Position::default() };
    let costs: Vec<_> = long.split(&[24, 24, 23]).map(|part| (part.units, part.cost.0)).collect();
    assert_eq!(costs, [(5, 33), (5, 34), (5, 33)]);

    // Split by itself the fee would fall into a part with nothing to receive.
    let short = Position { units: -1, cost: Money(-3), fee_due: Money(2), ..Position::default() };
    let parts: Vec<_> = short.split(&[1; 6]).collect();
    assert_eq!(parts.iter().map(|part| part.cost.0).sum::<i64>(), -3);
    assert_eq!(parts.iter().map(|part| part.fee_due.0).sum::<i64>(), 2);
    assert!(parts.iter().all(|part| part.units == -1 && part.is_sound()));
}

#[test]
#[should_panic(expected = "a fee is at most the amount")]
fn a_fee_above_the_amount_is_a_fault() {
    Position::default().sell(Quantity(1), Money(1), Money(2));
}

#[test]
#[should_panic(expected = "results are posted before")]
fn a_split_before_the_results_are_posted_is_a_fault() {
    let position = Position { realised: Money(1), ..Position::default() };
    _ = position.split(&[1]);
}

#[test]
#[should_panic(expected = "an instrument ends without positions")]
fn an_instrument_with_holders_does_not_end() {
    let mut positions = Positions::default();
    positions.buy(AccountId(1), InstrumentId(0), Quantity(1), Money(1));
    positions.finish(InstrumentId(0));
}

#[test]
#[should_panic(expected = "the slot's former instrument is finished")]
fn a_slot_is_not_reused_before_its_instrument_is_finished() {
    let mut positions = Positions::default();
    positions.buy(AccountId(1), InstrumentId::new(3, 0), Quantity(1), Money(1));
    positions.buy(AccountId(1), InstrumentId::new(3, 1), Quantity(1), Money(1));
}

#[test]
fn the_gate_takes_holders_in_the_order_of_accounts_and_can_pause() {
    let mut positions = Positions::default();
    let (here, there) = (InstrumentId::new(3, 1), InstrumentId::new(4, 1));
    for account in [5, 2, 9] {
        positions.buy(AccountId(account), here, Quantity(1), Money(10));
        positions.sell(AccountId(7), here, Quantity(1), Money(10), Money(1));
        positions.buy(AccountId(account), there, Quantity(2), Money(20));
        positions.sell(AccountId(1), there, Quantity(2), Money(20), Money(0));
    }
    // 3 buys and sells at no gain: nothing of it is seen, but for the fee it paid, which is nothing.
    positions.buy(AccountId(3), here, Quantity(1), Money(10));
    positions.sell(AccountId(3), here, Quantity(1), Money(10), Money(0));

    assert_eq!(positions.pop_first(here).unwrap().0, AccountId(2));
    positions = restored(&positions_balanced(&positions, here));
    let rest: Vec<_> =
        std::iter::from_fn(|| positions.pop_first(here)).map(|(account, _)| account.0).collect();
    assert_eq!(rest, [5, 7, 9, 20]);
    assert_eq!(positions.finish(here), Money::ZERO);
    assert_eq!(positions.pop_first(here), None);
    assert_eq!(positions.finish(InstrumentId::new(999, 0)), Money::ZERO);

    // The slot's next tenant starts afresh; the other instrument is untouched.
    let next = InstrumentId::new(3, 2);
    assert_eq!(positions.get(AccountId(5), next), Position::default());
    positions.buy(AccountId(5), next, Quantity(1), Money(1));
    positions.sell(AccountId(5), next, Quantity(1), Money(1), Money(1));
    assert_eq!(positions.of_instrument(there).len(), 4);
    let of_account: Vec<_> = positions.of_account(AccountId(5)).into_iter().map(|(id, _)| id).collect();
    assert_eq!(of_account, [there, next]);
    assert_eq!(positions.fees(next), Money(1));
    positions.check().unwrap();
}

/// A gate in mid-slice is out of balance by what it has taken; give that to account 20.
fn positions_balanced(positions: &Positions, instrument: InstrumentId) -> Positions {
    let mut positions = positions.clone();
    positions.buy(AccountId(20), instrument, Quantity(1), Money(10));
    positions
}

#[test]
fn fees_outlive_the_holders() {
    let mut positions = Positions::default();
    let here = InstrumentId(0);
    positions.buy(AccountId(1), here, Quantity(1), Money(9));
    positions.sell(AccountId(2), here, Quantity(1), Money(9), Money(0));
    positions.sell(AccountId(1), here, Quantity(1), Money(10), Money(1));
    positions.buy(AccountId(2), here, Quantity(1), Money(9));
    // Both are flat with nothing to be posted, yet the house is owed its fee.
    assert_eq!(positions.of_instrument(here), []);
    let mut positions = restored(&positions);
    assert_eq!(positions.finish(here), Money(1));
    assert_eq!(bytes(&positions), bytes(&Positions::default()));
}

/// A position by the same rules in wide integers, without care for speed.
#[derive(Default)]
struct Naive {
    units: i128,
    cost: i128,
    realised: i128,
    fee_due: i128,
}

impl Naive {
    fn trade(&mut self, lots: i128, amount: i128, fee: i128) {
        let open = if self.units.signum() == -lots.signum() { self.units.abs() } else { 0 };
        let closing = open.min(lots.abs());
        let (closing_amount, closing_fee) = (amount * closing / lots.abs(), fee * closing / lots.abs());
        if closing > 0 {
            let cost = self.cost * closing / open;
            let due = self.fee_due * closing / open;
            let received = if lots < 0 { closing_amount } else { -closing_amount };
            self.realised += received - cost - due - closing_fee;
            self.cost -= cost;
            self.fee_due -= due;
        }
        self.units += lots;
        self.cost += (amount - closing_amount) * lots.signum();
        self.fee_due += fee - closing_fee;
    }
}

/// A trade's lots, amount and fee: small ones where rounding bites, and large ones.
fn trade() -> impl Strategy<Value = (i64, i64, i64)> {
    let lots = prop_oneof![1..6i64, 1..1_000_000i64];
    let amount = prop_oneof![0..9i64, 0..1_000_000i64, 0..1i64 << 55];
    (lots, amount, 0..=1_000u32).prop_map(|(lots, amount, part)| {
        (lots, amount, (i128::from(amount) * i128::from(part) / 1_000) as i64)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Over a closed set of accounts: each position is the oracle's; no buyer needs more than it
    /// pays, no seller anything; and the sums by which the gate comes out hold after every trade.
    #[test]
    fn positions_of_a_closed_set_add_up(
        trades in prop::collection::vec((1..6u32, 1..6u32, trade()), 1..60),
    ) {
        let here = InstrumentId::new(5, 3);
        let mut positions = Positions::default();
        let mut naive: BTreeMap<u32, Naive> = BTreeMap::new();
        let mut fees = 0i128;
        for (buyer, seller, (lots, amount, fee)) in trades {
            let escrow = |positions: &Positions, account| positions.get(AccountId(account), here).escrow_needed();
            let before = escrow(&positions, buyer);
            let bought = positions.buy(AccountId(buyer), here, Quantity(lots), Money(amount));
            prop_assert_eq!(escrow(&positions, buyer) - before, bought.escrow);
            prop_assert!(bought.escrow <= Money(amount));

            let before = escrow(&positions, seller);
            let sold = positions.sell(AccountId(seller), here, Quantity(lots), Money(amount), Money(fee));
            prop_assert_eq!(escrow(&positions, seller) - before, sold.escrow);
            prop_assert!(sold.escrow <= Money::ZERO);
            prop_assert!(sold.fee <= Money(fee));

            naive.entry(buyer).or_default().trade(lots.into(), amount.into(), 0);
            naive.entry(seller).or_default().trade((-lots).into(), amount.into(), fee.into());
            fees += i128::from(bought.fee.0) + i128::from(sold.fee.0);

            let mut rest = -fees;
            for (&account, naive) in &naive {
                let position = positions.get(AccountId(account), here);
                prop_assert!(position.is_sound());
                let wide = [position.units, position.cost.0, position.realised.0, position.fee_due.0].map(i128::from);
                prop_assert_eq!(wide, [naive.units, naive.cost, naive.realised, naive.fee_due]);
                rest += i128::from(position.escrow_needed().0) - i128::from(position.realised.0.max(0));
                rest -= i128::from((-position.cost.0).max(0));
            }
            prop_assert_eq!(rest, 0, "escrow less gains less fees is what the sellers are owed");
            prop_assert_eq!(i128::from(positions.fees(here).0), fees);
            positions.check().unwrap();
        }
        restored(&positions).check().unwrap();
    }

    #[test]
    fn any_split_sums_and_is_sound(
        units in -9..9i64, cost in 0..1i64 << 60, part in 0..=1_000u32, small in 0..50i64,
        hours in prop::collection::vec(1..800u32, 1..40), use_small: bool,
    ) {
        let cost = if units == 0 { 0 } else if use_small { small } else { cost };
        let fee = if units < 0 { (i128::from(cost) * i128::from(part) / 1_000) as i64 } else { 0 };
        let position = Position {
            units,
            cost: Money(units.signum() * cost),
            realised: Money::ZERO,
            fee_due: Money(fee),
        };
        let parts: Vec<_> = position.split(&hours).collect();
        prop_assert_eq!(parts.len(), hours.len());
        prop_assert!(parts.iter().all(|part| part.units == units && part.is_sound()));
        prop_assert_eq!(parts.iter().map(|part| part.cost).sum::<Money>(), position.cost);
        prop_assert_eq!(parts.iter().map(|part| part.fee_due).sum::<Money>(), position.fee_due);
        // Each part is within two micros of its exact share.
        let all: i128 = hours.iter().map(|&h| i128::from(h)).sum();
        for (part, &hours) in parts.iter().zip(&hours) {
            let exact = i128::from(position.cost.0) * i128::from(hours);
            prop_assert!((i128::from(part.cost.0) * all - exact).abs() <= 2 * all);
        }
    }

    /// The same positions by another way have the same bytes and the same lists.
    #[test]
    fn the_order_of_arrival_is_not_state(
        opened in prop::collection::btree_map((0..6usize, 1..9u32), 1..5i64, 1..30),
        order in any::<prop::sample::Index>(),
    ) {
        let open = |turn: usize| {
            let mut positions = Positions::default();
            let mut opened: Vec<_> = opened.iter().collect();
            opened.rotate_left(turn);
            for (&(slot, account), &lots) in opened {
                let instrument = InstrumentId::new(slot, 1);
                positions.buy(AccountId(account), instrument, Quantity(lots), Money(lots));
                positions.sell(AccountId(100), instrument, Quantity(lots), Money(lots), Money(0));
            }
            positions
        };
        let (one, other) = (open(0), open(order.index(opened.len())));
        one.check().unwrap();
        prop_assert_eq!(bytes(&one), bytes(&other));
        let mut restored = restored(&other);
        for slot in 0..6 {
            let instrument = InstrumentId::new(slot, 1);
            prop_assert_eq!(one.of_instrument(instrument), restored.of_instrument(instrument));
        }
        for account in 1..9 {
            prop_assert_eq!(one.of_account(AccountId(account)), restored.of_account(AccountId(account)));
        }
        for slot in 0..6 {
            let instrument = InstrumentId::new(slot, 1);
            let holders = restored.of_instrument(instrument);
            let taken: Vec<_> = std::iter::from_fn(|| restored.pop_first(instrument)).collect();
            prop_assert_eq!(taken, holders);
            restored.finish(instrument);
            restored.check().unwrap();
        }
    }
}
