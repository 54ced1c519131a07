//! Fair prices and what they are summed from.

use super::{STANDARD_PARAMS, parts};
use crate::{
    Basis, Bundle, Component, Conditions, Error, Params, PerComponent, Tier, UnitPrices, block, cost,
};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

fn under<'a>(class: &'a str, region: &'a str, tier: Tier, score: Decimal) -> Conditions<'a> {
    Conditions { class, region, tier, score, currency: "USD", basis: None }
}

fn threshold(tier: Tier) -> Decimal {
    STANDARD_PARAMS.cuts.threshold(tier)
}

fn check(params: &Params, conditions: &Conditions, expected: Expect) {
    let fair = params.fair_price(conditions).unwrap();
    let mut text =
        format!("{} ({} to {})\n", fair.price.round_dp(6), fair.low.round_dp(6), fair.high.round_dp(6));
    for line in params.explain_fair_price(conditions).unwrap() {
        text += &format!("{} {}\n", line.value.round_dp(6).normalize(), line.what);
    }
    expected.assert_eq(&text);
}

#[test]
fn a_price_is_explained() {
    check(
        &STANDARD_PARAMS,
        &under("GP", "USVA", Tier::B, dec!(80)),
        expect![[r#"
        0.028915 (0.022144 to 0.033089)
        0.033031 1 x vcpu at aws us-east-1 m6i
        0.014996 4 x gib at aws us-east-1 m6i
        1 basis: fresh prices against the list
        0.5961 tier B
        1.01 quality, score +5 against the tier's threshold
        1 rate of the currency to USD
    "#]],
    );
    let in_yuan = Conditions { currency: "CNY", ..under("H100X", "USVA", Tier::A, dec!(90)) };
    check(
        &STANDARD_PARAMS,
        &in_yuan,
        expect![[r#"
            43.092359 (40.753133 to 73.748349)
            0.298853 12 x vcpu at aws us-east-1 p5
            0.834305 192 x gib at aws us-east-1 p5
            4.91914 1 x gpu at aws us-east-1 p5
            1 basis: fresh prices against the list
            1 tier A
            1 quality, score +0 against the tier's threshold
            7.12 rate of the currency to USD
        "#]],
    );
}

#[test]
fn electricity_is_the_floor() {
    let mut basis = Basis::new(dec!(0.001)).unwrap();
    basis.observe(dec!(0.2), dec!(1), dec!(1000)).unwrap();
    let cheap = Conditions { basis: Some(&basis), ..under("GP", "CNNM", Tier::C, Decimal::ZERO) };
    let units = STANDARD_PARAMS.unit_prices(&cheap).unwrap();
    // 4 W x 1.4 x 0.045 USD and 0.3 W of the same.
    let floor = dec!(0.004) * dec!(1.4) * dec!(0.045);
    assert!(units.0[Component::Vcpu] >= floor);
    let fair = STANDARD_PARAMS.fair_price(&cheap).unwrap();
    assert!(fair.price >= floor + dec!(4) * dec!(0.0003) * dec!(1.4) * dec!(0.045));
}

#[test]
fn every_product_of_the_market_has_a_price() {
    let params = &*STANDARD_PARAMS;
    let mut products = 0;
    for (class, _) in params.classes() {
        for region in params.priced_regions(class) {
            for tier in Tier::ALL {
                let fair = params.fair_price(&under(class, region, tier, threshold(tier))).unwrap();
                assert!(fair.price > Decimal::ZERO && fair.low <= fair.price && fair.price <= fair.high);
                products += 1;
            }
        }
    }
    assert_eq!(products, 12 * 10 * 3);
}

#[test]
fn what_is_not_known_is_named() {
    let params = &*STANDARD_PARAMS;
    let refused = |conditions: Conditions| params.fair_price(&conditions).unwrap_err().to_string();
    assert_eq!(refused(under("GQ", "USVA", Tier::A, dec!(90))), "no class \"GQ\" in the parameters");
    assert_eq!(
        refused(under("GP", "MARS", Tier::A, dec!(90))),
        "no price in region \"GP.MARS\" in the parameters"
    );
    assert_eq!(
        refused(under("GP", "USVA", Tier::A, dec!(100.1))),
        "score is 100.1, which is not within 0 ..= 100"
    );
    let in_shells = Conditions { currency: "ZZZ", ..under("GP", "USVA", Tier::A, dec!(90)) };
    assert_eq!(refused(in_shells), "no rate of currency \"ZZZ\" in the parameters");
}

#[test]
fn a_block_is_the_mean_of_its_hours() {
    assert_eq!(block(&[(1, dec!(0.03)), (3, dec!(0.07))]).unwrap(), dec!(0.06));
    assert!(block(&[]).is_err());
    assert!(block(&[(0, dec!(1))]).is_err());
}

#[test]
fn fresh_prices_move_the_price_and_narrow_the_interval() {
    let params = &*STANDARD_PARAMS;
    let of = |basis: Option<&Basis>| {
        params.fair_price(&Conditions { basis, ..under("GP", "CNNX", Tier::A, dec!(90)) }).unwrap()
    };
    let listed = of(None);
    let mut basis = Basis::new(dec!(2)).unwrap();
    assert_eq!(of(Some(&basis)).price, listed.price);
    let mut last = listed.uncertainty();
    for _ in 0..5 {
        basis.observe(listed.price * dec!(1.3), listed.price, Decimal::ONE).unwrap();
        let fair = of(Some(&basis));
        assert!(fair.uncertainty() < last);
        last = fair.uncertainty();
    }
    assert_eq!(basis.multiplier(), dec!(1.214286));
    assert!(basis.observe(Decimal::ZERO, dec!(1), dec!(1)).is_err());
}

#[test]
fn the_last_trades_of_a_product_count_once_each_and_what_is_no_ratio_not_at_all() {
    let modelled = dec!(2);
    assert_eq!(Basis::of_trades(modelled, []), Basis::new(Basis::HALFWAY).unwrap());
    // Five trades at twice the price go halfway; the sixth paid nothing.
    let paid = [dec!(4), dec!(4), dec!(4), dec!(4), dec!(4), dec!(0)];
    assert_eq!(Basis::of_trades(modelled, paid).multiplier(), dec!(1.5));
    assert_eq!(Basis::of_trades(dec!(0), paid).multiplier(), dec!(1));
}

fn amounts() -> impl Strategy<Value = Bundle> {
    let amount = || (0_i64..=2_000_000_000, 0_u32..=6);
    (amount(), amount(), amount(), amount()).prop_map(|(vcpu, gib, ssd, gpu)| {
        let scaled = |(number, scale): (i64, u32)| {
            let value = parts(number, scale + 4).normalize();
            value.min(dec!(200000))
        };
        Bundle::new(PerComponent([scaled(vcpu), scaled(gib), scaled(ssd), Decimal::ZERO, scaled(gpu)]))
            .unwrap()
    })
}

fn tier() -> impl Strategy<Value = Tier> {
    prop::sample::select(Tier::ALL.to_vec())
}

fn product() -> impl Strategy<Value = (String, String)> {
    let params = &*STANDARD_PARAMS;
    let of = |class: &str| {
        params.priced_regions(class).map(|region| (class.into(), region.into())).collect::<Vec<_>>()
    };
    let all: Vec<(String, String)> = params.classes().flat_map(|(class, _)| of(class)).collect();
    prop::sample::select(all)
}

fn score() -> impl Strategy<Value = Decimal> {
    (0_i64..=1_000_000).prop_map(|number| parts(number, 4))
}

fn units((class, region): &(String, String), tier: Tier, score: Decimal) -> UnitPrices {
    STANDARD_PARAMS.unit_prices(&under(class, region, tier, score)).unwrap()
}

proptest! {
    #[test]
    fn prices_add_up_to_the_last_digit(
        product in product(), tier in tier(), score in score(), one in amounts(), other in amounts(),
    ) {
        let units = units(&product, tier, score);
        let together = units.price(&one.plus(&other).unwrap()).unwrap();
        prop_assert_eq!(together, units.price(&one).unwrap() + units.price(&other).unwrap());
    }

    #[test]
    fn a_bundle_is_no_cheaper_or_dearer_than_its_parts(
        product in product(), tier in tier(), bundle in amounts(), pieces in 1_u32..50,
    ) {
        let units = units(&product, tier, threshold(tier));
        let piece = Component::ALL.map(|component| (bundle.amount(component) / Decimal::from(pieces)).round_dp(4));
        let piece = Bundle::new(PerComponent(piece)).unwrap();
        let mut whole = Bundle::default();
        for _ in 0..pieces {
            whole = whole.plus(&piece).unwrap();
        }
        prop_assert_eq!(units.price(&whole).unwrap(), units.price(&piece).unwrap() * Decimal::from(pieces));
    }

    #[test]
    fn more_of_anything_costs_no_less(
        product in product(), tier in tier(), score in score(), one in amounts(), more in amounts(),
    ) {
        let units = units(&product, tier, score);
        prop_assert!(units.price(&one.plus(&more).unwrap()).unwrap() >= units.price(&one).unwrap());
    }

    #[test]
    fn the_unit_of_memory_and_time_makes_no_difference(
        product in product(), tier in tier(), score in score(), vcpu in 1_u32..500, gib in 1_u32..4000, hours in 1_u32..1000,
    ) {
        let units = units(&product, tier, score);
        let in_gib = Bundle::machine(vcpu.into(), gib.into()).unwrap();
        let in_mib = Bundle::machine(vcpu.into(), Decimal::ZERO).unwrap().with_mib(Decimal::from(gib) * dec!(1024)).unwrap();
        prop_assert_eq!(units.price(&in_gib).unwrap(), units.price(&in_mib).unwrap());
        let by_second = cost(&units, &in_gib, hours * 3600).unwrap();
        prop_assert_eq!(by_second, (units.price(&in_gib).unwrap() * Decimal::from(hours)).round_dp(12));
    }

    #[test]
    fn a_better_score_or_tier_costs_no_less(product in product(), one in score(), other in score()) {
        let (worse, better) = (one.min(other), one.max(other));
        let price = |tier, score| {
            STANDARD_PARAMS.fair_price(&under(&product.0, &product.1, tier, score)).unwrap().price
        };
        for tier in Tier::ALL {
            prop_assert!(price(tier, better) >= price(tier, worse));
        }
        prop_assert!(price(Tier::A, one) >= price(Tier::B, one) && price(Tier::B, one) >= price(Tier::C, one));
    }

    #[test]
    fn prices_are_continuous_in_the_score(product in product(), tier in tier(), score in score()) {
        // At the thresholds of tiers and ratings too: the price knows no letter.
        for at in [score, threshold(Tier::A), threshold(Tier::B), threshold(Tier::C)] {
            let next = (at + dec!(0.0001)).min(dec!(100));
            let price = |score| STANDARD_PARAMS.fair_price(&under(&product.0, &product.1, tier, score)).unwrap().price;
            let (here, there) = (price(at), price(next));
            prop_assert!((there - here).abs() <= here * dec!(0.000001) + dec!(0.000000001));
        }
    }

    #[test]
    fn prices_lie_between_floor_and_interval(
        product in product(), tier in tier(), score in score(), paid in 1_i64..10_000, weight in 0_i64..1_000,
    ) {
        let mut basis = Basis::new(dec!(3)).unwrap();
        basis.observe(parts(paid, 2), dec!(1), weight.into()).unwrap();
        let (class, region) = (product.0.as_str(), product.1.as_str());
        let conditions = Conditions { basis: Some(&basis), ..under(class, region, tier, score) };
        let fair = STANDARD_PARAMS.fair_price(&conditions).unwrap();
        prop_assert!(fair.low <= fair.price && fair.price <= fair.high && fair.low > Decimal::ZERO);
        let params = &*STANDARD_PARAMS;
        let region = params.region(region).unwrap();
        let class = params.class(class).unwrap();
        for component in Component::ALL {
            let watts = params.watts(class, component);
            let floor = (watts * region.power_usd_per_kwh * region.pue / dec!(1000)).round_dp(12);
            prop_assert!(fair.units.0[component] >= floor);
            prop_assert!(fair.units.0[component].scale() <= 12);
        }
        let micros = fair.micros(100).unwrap();
        prop_assert!(micros % 100 == 0 && (Decimal::from(micros) - fair.price * dec!(1000000)).abs() <= dec!(50));
    }

    #[test]
    fn bases_do_not_depend_on_the_order_of_prices(
        ratios in prop::collection::vec((1_i64..100_000, 0_i64..5_000), 1..30), turn in any::<prop::sample::Index>(),
    ) {
        let basis = |ratios: &[(i64, i64)]| {
            let mut basis = Basis::new(dec!(2)).unwrap();
            for (ratio, weight) in ratios {
                basis.observe(parts(*ratio, 3), dec!(7), parts(*weight, 3)).unwrap();
            }
            basis
        };
        let mut turned = ratios.clone();
        turned.rotate_left(turn.index(ratios.len()));
        turned.reverse();
        prop_assert_eq!(basis(&ratios), basis(&turned));
        let paid = || ratios.iter().map(|(ratio, _)| parts(*ratio, 3));
        let mut one_by_one = Basis::new(Basis::HALFWAY).unwrap();
        paid().for_each(|paid| one_by_one.observe(paid, dec!(7), Decimal::ONE).unwrap());
        prop_assert_eq!(Basis::of_trades(dec!(7), paid()), one_by_one);
        let multiplier = basis(&ratios).multiplier();
        prop_assert!(multiplier >= Basis::LEAST && multiplier <= Basis::MOST);
    }

    #[test]
    fn nothing_panics(amount in any::<i128>(), scale in 0_u32..=28, seconds in any::<u32>(), other in any::<i64>()) {
        let Ok(amount) = Decimal::try_from_i128_with_scale(amount >> 33, scale) else { return Ok(()) };
        let units = UnitPrices(PerComponent([amount.abs(); 5]));
        let _ = Bundle::machine(amount, amount);
        let _ = Bundle::default().with_mib(amount);
        if let Ok(bundle) = Bundle::machine(parts(other, 3).abs().min(dec!(1000000)), dec!(0.0000000001)) {
            let _ = units.price(&bundle);
            let _ = cost(&units, &bundle, seconds);
        }
        let _ = block(&[(seconds, amount), (1, amount), (u32::MAX, amount)]);
        let _ = STANDARD_PARAMS.fair_price(&under("GP", "USVA", Tier::C, amount));
        if let Ok(mut basis) = Basis::new(amount) {
            let _ = basis.observe(amount, Decimal::ONE, amount);
        }
        let mut basis = Basis::new(dec!(1)).unwrap();
        let _ = basis.observe(amount, amount, amount);
        let _ = (basis.multiplier(), basis.doubt());
    }
}

#[test]
fn too_many_digits_are_refused_and_never_rounded() {
    let units = UnitPrices(PerComponent([dec!(9999.999999999999); 5]));
    let bundle = Bundle::machine(dec!(999999.9999999999), dec!(999999.9999999999)).unwrap();
    assert!(matches!(units.price(&bundle), Err(Error::TooPrecise { .. })));
}
