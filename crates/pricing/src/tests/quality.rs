//! Scores and ratings.

use super::{STANDARD_PARAMS, parts};
use crate::{Day, Evidence, MetricKind, Observation, Rated, Rating, Reading, Score, Tier, wilson_bound};
use expect_test::expect;
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};

const TODAY: Day = 20_000;

fn score(evidence: &Evidence) -> Score {
    STANDARD_PARAMS.scoring.score("GP", evidence, TODAY).unwrap()
}

fn trials(metric: &str, day: Day, good: i64, total: i64) -> Observation {
    let reading = Reading::Trials { good: good.into(), total: total.into() };
    Observation { metric: metric.into(), day, reading }
}

fn value(metric: &str, day: Day, value: Decimal) -> Observation {
    Observation { metric: metric.into(), day, reading: Reading::Value(value) }
}

fn evidence(observations: &[Observation]) -> Evidence {
    let mut evidence = Evidence::default();
    observations.iter().for_each(|observation| evidence.record(observation).unwrap());
    evidence
}

#[test]
fn a_month_of_good_service() {
    let mut seen = Evidence::default();
    for day in TODAY - 29..=TODAY {
        seen.record(&trials("availability", day, 1440, 1440)).unwrap();
        seen.record(&trials("provisioned_on_time", day, 20, 20)).unwrap();
        seen.record(&trials("sla_met", day, 24, 24)).unwrap();
        seen.record(&value("benchmark_share", day, dec!(1.08))).unwrap();
        seen.record(&value("latency_ms", day, dec!(1.5))).unwrap();
    }
    let score = score(&seen);
    let mut text = format!("score {} bound {}\n", score.score, score.bound);
    for part in &score.attributes {
        text += &format!(
            "{:<20} {:>10} at least {:>10}  score {:>8} at least {:>8}  x {}\n",
            part.metric,
            part.estimate.round_dp(5).normalize().to_string(),
            part.estimate_bound.round_dp(5).normalize().to_string(),
            part.score.normalize().to_string(),
            part.bound.normalize().to_string(),
            part.weight,
        );
    }
    text += &format!(
        "{} tiers {:?}",
        STANDARD_PARAMS.cuts.rate(None, &score, TODAY).rating,
        STANDARD_PARAMS.cuts.tiers(&score)
    );
    expect![[r#"
        score 93.6591 bound 88.7495
        availability                  1 at least    0.99991  score      100 at least  96.3324  x 0.4
        benchmark_share         1.04104 at least    1.01491  score  92.4781 at least  91.4322  x 0.15
        disputes_not_lost          0.98 at least    0.84791  score  77.1208 at least  36.9922  x 0.1
        latency_ms              2.66518 at least    3.02633  score  87.3236 at least  86.1396  x 0.05
        notice_kept                0.97 at least    0.83271  score  71.7866 at least  34.0384  x 0.05
        provisioned_on_time     0.99913 at least    0.99249  score   96.322 at least  86.2339  x 0.1
        sla_met                 0.99963 at least    0.99436  score   99.464 at least  88.8959  x 0.1
        throughput_share              1 at least    0.94632  score   90.823 at least  83.7927  x 0.05
        A tiers [B, C]"#]]
    .assert_eq(&text);
}

#[test]
fn no_data_gives_the_prior() {
    let score = score(&Evidence::default());
    for part in &score.attributes {
        let usual = STANDARD_PARAMS.scoring.classes["GP"][&part.metric].usual;
        assert!((part.estimate - usual).abs() <= dec!(0.000001), "{}", part.metric);
    }
    assert_eq!(score.evidence, Decimal::ZERO);
}

#[test]
fn much_data_gives_the_faded_data() {
    // A bad spell a half-life ago counts half as much as a good one today.
    let seen = evidence(&[
        trials("availability", TODAY - 30, 0, 1_000_000),
        trials("availability", TODAY, 1_000_000, 1_000_000),
    ]);
    let score = score(&seen);
    let part = score.attributes.iter().find(|part| part.metric == "availability").unwrap();
    assert!((part.estimate - dec!(2) / dec!(3)).abs() < dec!(0.0001), "{}", part.estimate);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut seen = Evidence::default();
    let refused = |seen: &mut Evidence, observation| seen.record(&observation).unwrap_err().to_string();
    for (observation, why) in [
        (trials("availability", TODAY, 11, 10), "11 successes are not within 0 ..= 10 trials"),
        (trials("availability", TODAY, 0, 0), "0 trials are not above 0"),
        (trials("availability", -1, 1, 1), "day -1 is not within 1970 to 2199"),
        (value("latency_ms", TODAY, Decimal::ZERO), "0 is not within 0.000000001"),
        (value("latency_ms", TODAY, dec!(-3)), "-3 is not within"),
        (value("latency_ms", TODAY, Decimal::MAX), "is not within"),
    ] {
        let found = refused(&mut seen, observation);
        assert!(found.contains(why), "{found}");
    }
    assert_eq!(seen, Evidence::default());
    assert!(STANDARD_PARAMS.scoring.score("GQ", &seen, TODAY).is_err());
}

#[test]
fn a_late_measurement_counts_from_when_it_is_recorded() {
    let mut seen = evidence(&[trials("availability", TODAY - 3, 1440, 1440)]);
    let before = score(&seen);
    seen.record(&trials("availability", TODAY - 5, 700, 1440)).unwrap();
    assert!(score(&seen).score < before.score);
    // What lies after the day that is asked for does not count.
    let as_of_then = STANDARD_PARAMS.scoring.score("GP", &seen, TODAY - 4).unwrap();
    let alone = evidence(&[trials("availability", TODAY - 5, 700, 1440)]);
    assert_eq!(as_of_then, STANDARD_PARAMS.scoring.score("GP", &alone, TODAY - 4).unwrap());
}

fn scored(bound: Decimal, evidence: Decimal) -> Score {
    Score { score: bound, bound, evidence, attributes: Vec::new() }
}

#[test]
fn a_rating_moves_one_step_a_day_and_not_at_the_cut() {
    let cuts = &STANDARD_PARAMS.cuts;
    let much = dec!(1000);
    let mut rated = cuts.rate(None, &scored(dec!(91), much), 1);
    assert_eq!(rated, Rated { rating: Rating::AA, day: 1 });
    let mut told = String::new();
    for (day, bound) in [
        (2, "89.5"),
        (3, "88.9"),
        (3, "20"),
        (4, "90.5"),
        (5, "91.0"),
        (6, "20"),
        (7, "20"),
        (8, "99"),
        (7, "0"),
    ] {
        rated = cuts.rate(Some(rated), &scored(bound.parse().unwrap(), much), day);
        told += &format!("{} ", rated.rating);
    }
    assert_eq!(told, "AA A A A AA A BBB A A ");
}

#[test]
fn little_evidence_is_no_better_than_bbb() {
    let cuts = &STANDARD_PARAMS.cuts;
    assert_eq!(cuts.rate(None, &scored(dec!(99), dec!(99)), 1).rating, Rating::BBB);
    assert_eq!(cuts.rate(None, &scored(dec!(99), dec!(100)), 1).rating, Rating::AAA);
    let fading = cuts.rate(Some(Rated { rating: Rating::AA, day: 1 }), &scored(dec!(99), dec!(5)), 2);
    assert_eq!(fading.rating, Rating::A);
}

#[test]
fn tiers_open_at_their_threshold() {
    let cuts = &STANDARD_PARAMS.cuts;
    let opened = |bound: Decimal| cuts.tiers(&scored(bound, dec!(1000)));
    assert_eq!(opened(dec!(90)), [Tier::A, Tier::B, Tier::C]);
    assert_eq!(opened(dec!(89.9999)), [Tier::B, Tier::C]);
    assert_eq!(opened(dec!(50)), [Tier::C]);
    assert_eq!(opened(dec!(49.9999)), []);
}

#[test]
fn wilsons_bound_is_his() {
    // 8 of 10 at one-sided 95 %: 0.5408 by his formula, worked by hand.
    let bound = wilson_bound(dec!(0.8), dec!(10), dec!(1.645));
    assert!((bound - dec!(0.5408)).abs() < dec!(0.0005), "{bound}");
}

fn observation() -> impl Strategy<Value = Observation> {
    let names: Vec<(String, bool)> = STANDARD_PARAMS
        .scoring
        .metrics
        .iter()
        .map(|(name, metric)| (name.clone(), metric.kind == MetricKind::Success))
        .collect();
    (prop::sample::select(names), TODAY - 400..=TODAY, 0_i64..=5_000, 1_i64..=5_000, 1_i64..1_000_000)
        .prop_map(|((metric, success), day, good, total, quantity)| {
            if success {
                trials(&metric, day, good.min(total), total)
            } else {
                value(&metric, day, parts(quantity, 3))
            }
        })
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    prop::collection::vec(observation(), 0..40)
}

proptest! {
    #[test]
    fn scores_lie_within_their_bounds(seen in observations()) {
        let score = score(&evidence(&seen));
        prop_assert!(Decimal::ZERO <= score.bound && score.bound <= score.score && score.score <= dec!(100));
        let (whole, bound) = score.integers();
        prop_assert!(0 <= bound && bound <= whole && whole <= 1_000_000);
    }

    #[test]
    fn the_order_of_measurements_makes_no_difference(seen in observations(), turn in any::<prop::sample::Index>()) {
        let mut turned = seen.clone();
        if !turned.is_empty() {
            turned.rotate_left(turn.index(seen.len()));
            turned.reverse();
        }
        let (one, other) = (evidence(&seen), evidence(&turned));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(score(&one), score(&other));
    }

    #[test]
    fn a_success_never_lowers_a_score(seen in observations(), at in any::<prop::sample::Index>(), day in TODAY - 300..=TODAY, count in 1_i64..3_000) {
        let metrics: Vec<&String> = STANDARD_PARAMS.scoring.metrics.iter()
            .filter(|(_, metric)| metric.kind == MetricKind::Success).map(|(name, _)| name).collect();
        let mut seen = evidence(&seen);
        let before = score(&seen);
        seen.record(&trials(metrics[at.index(metrics.len())], day, count, count)).unwrap();
        let after = score(&seen);
        prop_assert!(after.score >= before.score && after.bound >= before.bound, "{before:?} {after:?}");
    }

    #[test]
    fn a_failure_never_raises_a_score(seen in observations(), day in TODAY - 300..=TODAY, count in 1_i64..3_000) {
        let mut seen = evidence(&seen);
        let before = score(&seen);
        seen.record(&trials("availability", day, 0, count)).unwrap();
        prop_assert!(score(&seen).score <= before.score);
    }

    #[test]
    fn a_measurement_no_worse_than_the_mean_never_lowers_a_score(
        seen in observations(), at in any::<prop::sample::Index>(), better in 0_i64..2_000, day in TODAY - 300..=TODAY,
    ) {
        let metrics: Vec<(&String, bool)> = STANDARD_PARAMS.scoring.metrics.iter()
            .filter(|(_, metric)| metric.kind != MetricKind::Success)
            .map(|(name, metric)| (name, matches!(metric.kind, MetricKind::LessIsBetter { .. }))).collect();
        let (metric, less) = metrics[at.index(metrics.len())];
        let mut seen = evidence(&seen);
        let before = score(&seen);
        let mean = before.attributes.iter().find(|part| part.metric == *metric).unwrap().estimate;
        // A shade to the better side, for what the mean's own rounding took.
        let shade = if less { dec!(0.999999) } else { dec!(1.000001) };
        let by = Decimal::ONE + parts(better, 3);
        let measured = if less { mean * shade / by } else { mean * shade * by };
        prop_assume!(measured > dec!(0.0001));
        seen.record(&value(metric, day, measured)).unwrap();
        let after = score(&seen);
        prop_assert!(after.score >= before.score && after.bound >= before.bound, "{before:?} {after:?}");
    }

    #[test]
    fn nothing_panics(good in any::<i128>(), total in any::<i128>(), scale in 0_u32..=28, day in any::<i32>()) {
        let number = |mantissa: i128| Decimal::try_from_i128_with_scale(mantissa >> 33, scale).unwrap_or(Decimal::MAX);
        let mut seen = Evidence::default();
        for day in [day, TODAY] {
            let reading = Reading::Trials { good: number(good), total: number(total) };
            let _ = seen.record(&Observation { metric: "availability".into(), day, reading });
            let _ = seen.record(&Observation { metric: "latency_ms".into(), day, reading: Reading::Value(number(total)) });
        }
        let score = STANDARD_PARAMS.scoring.score("GP", &seen, day).unwrap();
        let _ = STANDARD_PARAMS.cuts.rate(None, &score, day);
        let _ = wilson_bound(parts(5, 1), Decimal::ONE, dec!(1.645));
    }
}

#[test]
fn evidence_is_the_same_by_its_sums() {
    let observed = [
        trials("availability", TODAY, 1439, 1440),
        trials("availability", TODAY - 1, 5, 7),
        value("latency_ms", TODAY, dec!(1.5)),
        value("benchmark_share", TODAY, dec!(0.000000001)),
        value("benchmark_share", TODAY, dec!(1000000000)),
    ];
    let mut kept = Evidence::default();
    for observation in &observed {
        let sums = observation.sums().unwrap();
        match observation.reading {
            Reading::Trials { .. } => kept.add_trials(&observation.metric, observation.day, sums),
            Reading::Value(_) => kept.add_values(&observation.metric, observation.day, sums),
        }
    }
    assert_eq!(kept, evidence(&observed));
    let sums = |observation: &Observation| observation.sums().map(|sums| (sums.count, sums.sum));
    assert_eq!(sums(&observed[0]), Ok((1_440_000_000, 1_439_000_000)));
    assert_eq!(sums(&observed[2]), Ok((1_000_000, 405_465_108_108)));
}
