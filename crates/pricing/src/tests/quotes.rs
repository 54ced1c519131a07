//! Two-sided quotes.

use super::{STANDARD_PARAMS, parts};
use crate::{Kind, Quote, QuoteRequest, Quoting, Withheld};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

const USUAL: QuoteRequest = QuoteRequest {
    fair: dec!(0.2479),
    uncertainty: dec!(0.08),
    volatility: None,
    fee: dec!(0.0005),
    hours_to_delivery: dec!(24),
    inventory: 500,
    capacity: 1000,
    size: 100,
    tick: dec!(0.0001),
};

fn quoting() -> &'static Quoting {
    &STANDARD_PARAMS.kind(Kind::Cpu).quoting
}

fn quote(request: &QuoteRequest) -> Quote {
    quoting().quote(request).unwrap()
}

fn check(request: &QuoteRequest, expected: Expect) {
    let quote = quote(request);
    let side = |side: &Result<crate::Level, Withheld>| match side {
        Ok(level) => format!("{} x {}", level.units, level.price),
        Err(why) => format!("none: {}", why.reason()),
    };
    expected.assert_eq(&format!("bid {}, fair {}, ask {}", side(&quote.bid), quote.fair, side(&quote.ask)));
}

#[test]
fn sides_are_quoted_or_withheld_with_a_reason() {
    check(&USUAL, expect!["bid 100 x 0.2408, fair 0.2479, ask 100 x 0.25"]);
    check(
        &QuoteRequest { inventory: 0, ..USUAL },
        expect!["bid 100 x 0.2433, fair 0.2479, ask none: nothing is held that could be sold"],
    );
    check(
        &QuoteRequest { inventory: 1000, ..USUAL },
        expect!["bid none: no room to hold more, fair 0.2479, ask 100 x 0.2474"],
    );
    check(
        &QuoteRequest { inventory: 950, ..USUAL },
        expect!["bid 50 x 0.2386, fair 0.2479, ask 100 x 0.2477"],
    );
    check(
        &QuoteRequest { fair: dec!(0.0001), ..USUAL },
        expect!["bid none: the bid would lie below one tick, fair 0.0001, ask 100 x 0.0002"],
    );
    check(
        &QuoteRequest { hours_to_delivery: Decimal::ZERO, ..USUAL },
        expect!["bid none: delivery has begun, fair 0.2479, ask none: delivery has begun"],
    );
}

#[test]
fn what_is_out_of_range_is_named() {
    let refused = |request: &QuoteRequest| quoting().quote(request).unwrap_err().to_string();
    for (request, what) in [
        (QuoteRequest { fair: Decimal::ZERO, ..USUAL }, "fair price is 0"),
        (QuoteRequest { uncertainty: dec!(-1), ..USUAL }, "uncertainty is -1"),
        (QuoteRequest { fee: dec!(0.6), ..USUAL }, "fee is 0.6"),
        (QuoteRequest { inventory: 1001, ..USUAL }, "inventory is 1001, which is not within 0 ..= 1000"),
        (QuoteRequest { capacity: 0, inventory: 0, ..USUAL }, "capacity is 0"),
        (QuoteRequest { size: 0, ..USUAL }, "size is 0"),
        (QuoteRequest { tick: Decimal::ZERO, ..USUAL }, "tick is 0"),
        (QuoteRequest { hours_to_delivery: dec!(-0.1), ..USUAL }, "hours to delivery is -0.1"),
        (QuoteRequest { volatility: Some(dec!(2)), ..USUAL }, "volatility is 2"),
    ] {
        let found = refused(&request);
        assert!(found.starts_with(what), "{found}");
    }
}

fn request() -> impl Strategy<Value = QuoteRequest> {
    let prices = (1_i64..10_000_000_000, 0_i64..500_000, 0_i64..100_000, 0_i64..50_000);
    let rest =
        (1_i64..500_000, 0_u64..=1_000, 1_u64..=1_000, prop::sample::select(vec![dec!(0.0001), dec!(0.01)]));
    (prices, rest).prop_map(|((fair, uncertainty, volatility, fee), (hours, inventory, size, tick))| {
        QuoteRequest {
            fair: parts(fair, 6),
            uncertainty: parts(uncertainty, 6),
            volatility: Some(parts(volatility, 6)),
            fee: parts(fee, 6),
            hours_to_delivery: parts(hours, 2),
            inventory,
            capacity: 1_000,
            size,
            tick,
        }
    })
}

proptest! {
    #[test]
    fn bids_lie_below_asks_on_the_tick(request in request()) {
        let quote = quote(&request);
        if let Ok(bid) = quote.bid {
            prop_assert!(bid.price >= request.tick && (bid.price % request.tick).is_zero());
            prop_assert!(bid.price * (Decimal::ONE + quote.half) <= quote.reservation + dec!(0.000000000001));
            prop_assert!(0 < bid.units && bid.units <= request.size && bid.units <= request.capacity - request.inventory);
        }
        if let Ok(ask) = quote.ask {
            prop_assert!(ask.price > Decimal::ZERO && (ask.price % request.tick).is_zero());
            prop_assert!(ask.price > quote.reservation);
            prop_assert!(0 < ask.units && ask.units <= request.size && ask.units <= request.inventory);
        }
        if let (Ok(bid), Ok(ask)) = (quote.bid, quote.ask) {
            prop_assert!(bid.price < ask.price);
        }
        prop_assert!((quote.fair - request.fair).abs() <= request.tick / dec!(2));
    }

    #[test]
    fn uncertainty_volatility_fee_and_time_only_widen(request in request(), more in 0_i64..100_000) {
        let more = parts(more, 6);
        let here = quote(&request);
        let volatility = request.volatility.map(|volatility| (volatility + more).min(Decimal::ONE));
        for wider in [
            QuoteRequest { uncertainty: request.uncertainty + more, ..request },
            QuoteRequest { volatility, ..request },
            QuoteRequest { fee: request.fee + more, ..request },
        ] {
            let there = quote(&wider);
            prop_assert!(there.half >= here.half);
            prop_assert_eq!(there.reservation, here.reservation);
            if let (Ok(one), Ok(other)) = (here.bid, there.bid) {
                prop_assert!(other.price <= one.price);
            }
            if let (Ok(one), Ok(other)) = (here.ask, there.ask) {
                prop_assert!(other.price >= one.price);
            }
        }
        let later = QuoteRequest { hours_to_delivery: request.hours_to_delivery + more * dec!(1000), ..request };
        prop_assert!(quote(&later).half >= here.half);
    }

    #[test]
    fn the_more_is_held_the_lower_the_middle(request in request(), more in 0_u64..1_000) {
        let fuller = QuoteRequest { inventory: (request.inventory + more).min(request.capacity), ..request };
        prop_assert!(quote(&fuller).reservation <= quote(&request).reservation);
        prop_assert!(quote(&fuller).reservation > Decimal::ZERO);
        prop_assert_eq!(quote(&QuoteRequest { inventory: 0, ..request }).reservation, request.fair);
    }

    #[test]
    fn nothing_panics(number in any::<i128>(), scale in 0_u32..=28, inventory in any::<u64>(), capacity in any::<u64>()) {
        let number = Decimal::try_from_i128_with_scale(number >> 33, scale).unwrap_or(Decimal::MIN);
        let _ = quoting().quote(&QuoteRequest { fair: number, inventory, capacity, size: capacity, ..USUAL });
        let _ = quoting().quote(&QuoteRequest { tick: number, hours_to_delivery: number, ..USUAL });
        let _ = quoting().quote(&QuoteRequest { uncertainty: number, fee: number, volatility: Some(number), ..USUAL });
    }
}
