//! Service quality in the machine: sums that do not depend on their order, and fair prices where nothing has traded.

use super::market::{Market, START, class, product};
use crate::*;
use hourbook_model::*;

const OPERATOR: Request = Request {
    key: KeyId(0),
    session: SessionId(0),
    account: AccountId(0),
    number: 0,
    client_id: ClientId::NONE,
};
const TODAY: u32 = (START / Time::DAY) as u32;
const ANN: ParticipantId = ParticipantId(1);

fn market() -> Market {
    let mut market = Market::with(product());
    market.tell("give ann 1000");
    market.apply(OPERATOR, DefineClass { class: class().into() });
    market
}

fn up(day: u32, good: i64, total: i64) -> Observation {
    let sum = DaySum { count: total * 1_000_000, sum: good * 1_000_000 };
    Observation { metric: "availability".into(), measure: Measure::Trials, day, sum }
}

fn submit(market: &mut Market, observations: &[Observation]) -> Option<RejectReason> {
    let observations = observations.to_vec();
    market.apply(OPERATOR, SubmitObservations { provider: ANN, class: "GP".into(), observations }).refused
}

fn evidence(market: &Market) -> Vec<Observation> {
    let service = market.exchange.service(ANN, "GP");
    service.into_iter().flat_map(|service| service.observations()).collect()
}

#[test]
fn measurements_of_a_day_add_up_in_any_order() {
    let (mut one, mut other) = (market(), market());
    let (early, late, before) = (up(TODAY, 9, 10), up(TODAY, 50, 50), up(TODAY - 1, 1, 2));
    for part in [&[early.clone()][..], &[late.clone(), before.clone()]] {
        assert_eq!(submit(&mut one, part), None);
    }
    assert_eq!(submit(&mut other, &[before.clone(), late, early]), None);
    assert_eq!(evidence(&one), [before, up(TODAY, 59, 60)]);
    assert_eq!(evidence(&one), evidence(&other));
}

#[test]
fn what_cannot_be_is_refused_whole_and_says_why() {
    let value = |count, sum| Observation {
        metric: "latency_ms".into(),
        measure: Measure::Values,
        day: TODAY,
        sum: DaySum { count, sum },
    };
    let named = |metric: &str| Observation { metric: metric.into(), ..up(TODAY, 1, 1) };
    let mut market = market();
    for (wrong, reason) in [
        (up(TODAY + 1, 1, 1), RejectReason::BadRange),
        (up(TODAY - KEPT_DAYS - 1, 1, 1), RejectReason::BadRange),
        (up(TODAY, 2, 1), RejectReason::BadAmount),
        (up(TODAY, 0, 0), RejectReason::BadAmount),
        (up(TODAY, -1, 1), RejectReason::BadAmount),
        (up(TODAY, 1, 2_000_000_000), RejectReason::BadAmount),
        // The logarithm of no quantity that there is.
        (value(1_000_000, 22_000_000_000_000), RejectReason::BadAmount),
        (value(1_000_000, i64::MIN), RejectReason::BadAmount),
        (named(""), RejectReason::BadName),
        (named("Availability"), RejectReason::BadName),
        (named(&"x".repeat(33)), RejectReason::BadName),
    ] {
        assert_eq!(submit(&mut market, &[up(TODAY, 1, 1), wrong.clone()]), Some(reason), "{wrong:?}");
        assert_eq!(evidence(&market), []);
    }
    let many: Vec<Observation> = (0..33).map(|n| named(&format!("m{n}"))).collect();
    assert_eq!(submit(&mut market, &many), Some(RejectReason::BadAmount), "32 metrics are enough");
    assert_eq!(submit(&mut market, &many[..32]), None);
    assert_eq!(submit(&mut market, &[]), Some(RejectReason::BadAmount));
    // Sums that their fields do not hold.
    let most = up(TODAY, 1_000_000_000, 1_000_000_000);
    let full = std::iter::repeat_with(|| {
        submit(&mut market, &[named("m1"), Observation { metric: "m1".into(), ..most.clone() }])
    });
    assert_eq!(full.take(10_000).find(Option::is_some), Some(Some(RejectReason::BadAmount)));

    let observations = vec![up(TODAY, 1, 1)];
    let nobody = SubmitObservations { provider: ParticipantId(9), class: "GP".into(), observations };
    let nothing = SubmitObservations { provider: ANN, class: "H100X".into(), ..nobody.clone() };
    assert_eq!(market.apply(OPERATOR, nobody).refused, Some(RejectReason::UnknownParticipant));
    assert_eq!(market.apply(OPERATOR, nothing).refused, Some(RejectReason::UnknownClass));
}

#[test]
fn what_is_too_old_to_count_is_forgotten_with_the_next_measurement() {
    let mut market = market();
    assert_eq!(submit(&mut market, &[up(TODAY - KEPT_DAYS, 1, 1), up(TODAY, 1, 1)]), None);
    market.now = Time(START + Time::DAY);
    assert_eq!(submit(&mut market, &[up(TODAY + 1, 2, 2)]), None);
    assert_eq!(evidence(&market), [up(TODAY, 1, 1), up(TODAY + 1, 2, 2)]);
}

#[test]
fn a_standing_is_kept_as_pricing_found_it() {
    let mut market = market();
    let found = Standing {
        score: 934_512,
        bound: 901_000,
        evidence: 40_000_000,
        rating: 7,
        rated_on: TODAY,
        tiers: 7,
    };
    let set = |market: &mut Market, standing| {
        let command = SetStanding { provider: ANN, class: "GP".into(), standing, digest: [7; 16] };
        market.apply(OPERATOR, command).refused
    };
    assert_eq!(set(&mut market, found), None);
    let kept = market.exchange.service(ANN, "GP").and_then(|service| service.standing());
    assert_eq!(kept, Some((found, [7; 16])));
    for wrong in [
        Standing { score: Standing::BEST + 1, ..found },
        Standing { bound: found.score + 1, ..found },
        Standing { rating: 10, ..found },
        Standing { tiers: 8, ..found },
        Standing { rated_on: TODAY + 1, ..found },
    ] {
        assert_eq!(set(&mut market, wrong), Some(RejectReason::BadRange));
    }
    assert_eq!(
        market.exchange.service(ANN, "GP").and_then(|service| service.standing()),
        Some((found, [7; 16]))
    );
}

#[test]
fn a_fair_price_is_the_reference_until_something_trades() {
    let mut market = Market::with(Product { reference: Some(Price(1_000_000)), ..product() });
    market.tell("give ann 1000\noffer bob 50 h");
    let hour = market.instrument("h");
    let reference = |market: &Market| market.exchange.instrument(hour).and_then(|view| view.reference);
    let fair = |market: &mut Market, prices: &[(u32, i64)]| {
        let prices = prices.iter().map(|(product, price)| (ProductId(*product), Price(*price))).collect();
        market.apply(OPERATOR, SetFairPrices { prices, digest: [1; 16] }).refused
    };
    assert_eq!(reference(&market), Some(Price(1_000_000)), "what the terms say");
    assert_eq!(fair(&mut market, &[(1, 2_000_000)]), None);
    assert_eq!(reference(&market), Some(Price(2_000_000)), "what pricing says");
    // One that is off the tick, or of no product, takes the others with it.
    assert_eq!(fair(&mut market, &[(1, 3_000_000), (1, 3_000_050)]), Some(RejectReason::BadPrice));
    assert_eq!(fair(&mut market, &[(1, 3_000_000), (2, 100)]), Some(RejectReason::UnknownProduct));
    assert_eq!(fair(&mut market, &[(1, 0)]), Some(RejectReason::BadPrice));
    assert_eq!(reference(&market), Some(Price(2_000_000)));
    // Other terms on another tick: the price that does not fit it counts no more.
    let coarse = Product { reference: Some(Price(9_000_000)), tick: Price(3_000_000), ..product() };
    market.apply(OPERATOR, DefineProduct { product: coarse.into() });
    assert_eq!(reference(&market), Some(Price(9_000_000)));
    market.apply(OPERATOR, DefineProduct { product: product().into() });
    assert_eq!(fair(&mut market, &[(1, 2_000_000)]), None);
    market.tell("sell bob h 1 @ 1.50\nbuy ann h 1 @ 1.50");
    assert_eq!(reference(&market), Some(Price(1_500_000)), "what was traded");
}
