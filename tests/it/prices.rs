//! What service is worth: from a meter's readings to ratings, quotes and the references of what has not traded.

use std::time::Duration;

use hourbook_api::v1;
use hourbook_model::{MICROS, Time};

use crate::venue::{FREE, Member, PRODUCT, Venue, timestamp};

const DAY: Duration = Duration::from_secs(86_400);

/// A venue whose parameters say 0.7 CNY of GP in Ningxia, tier A, and 0.42 of tier B.
async fn open() -> Venue {
    let params = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/params.toml");
    Venue::with(&format!("[pricing]\nparams = \"{params}\"\n")).await
}

async fn participant(venue: &Venue, member: &Member) -> u32 {
    let mut admin = venue.operator().await.admin;
    let all = admin.list_all_accounts(v1::ListAllAccountsRequest::default()).await.unwrap().into_inner();
    all.accounts.iter().find(|one| one.account_id == member.account).unwrap().participant_id
}

/// A day on which so many of 1440 readings found the service up.
fn day(at: Time, good: i64) -> v1::Observation {
    let trials = v1::Trials { good_micros: good * MICROS, total_micros: 1_440 * MICROS };
    v1::Observation {
        metric: "availability".into(),
        observation_time: Some(timestamp(at)),
        reading: Some(v1::observation::Reading::Trials(trials)),
    }
}

/// Has a meter submit them, and pricing act on them.
async fn observe(venue: &Venue, meter: &Member, provider_id: u32, observations: Vec<v1::Observation>) {
    let count = observations.len() as u32;
    let request = v1::SubmitObservationsRequest {
        request_id: meter.id(),
        provider_id,
        class: "GP".into(),
        observations,
    };
    let taken = meter.client.pricing.clone().submit_observations(request).await.unwrap().into_inner();
    assert_eq!(taken.observation_count, count);
    venue.running().priced().await;
}

async fn rating(member: &Member, provider_id: u32) -> v1::Rating {
    let request = v1::GetRatingRequest { provider_id, class: "GP".into() };
    member.client.pricing.clone().get_rating(request).await.unwrap().into_inner().rating.unwrap()
}

async fn quote(member: &Member, provider_id: u32) -> v1::PriceQuote {
    let request = v1::QuoteRequest { product: PRODUCT.into(), provider_id, ..Default::default() };
    let quote = member.client.pricing.clone().quote(request).await.unwrap().into_inner().quote.unwrap();
    // Which command it is as of is not what it says.
    v1::PriceQuote { sequence: 0, time: None, ..quote }
}

#[tokio::test(flavor = "multi_thread")]
async fn service_is_measured_rated_and_priced_and_a_restart_changes_nothing() {
    let mut venue = open().await;
    let (mut ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    let mut meter = venue.member("meter", v1::Role::Meter).await;
    let provider = participant(&venue, &ann).await;

    // The fair price is the band's reference of what has not traded, not the market file's 0.1.
    let symbol = venue.hour(PRODUCT, 30);
    assert_eq!(venue.book(&symbol).await.reference_price_micros, 700_000);
    assert_eq!(venue.book(&venue.hour(FREE, 30)).await.reference_price_micros, 420_000);
    let refused = bob.buy(&symbol, 1, 100_000).await.report.unwrap();
    assert_eq!(refused.reject_reason(), v1::RejectReason::PriceOutOfBand);

    // A month of good service.
    let before = quote(&bob, provider).await;
    let now = venue.clock.now();
    let month = (0..30).map(|ago| day(Time(now.0 - ago * Time::DAY), 1_440)).collect();
    observe(&venue, &meter, provider, month).await;
    let good = rating(&bob, provider).await;
    assert_eq!((good.grade(), good.tiers.len()), (v1::RatingGrade::Aa, 3), "{good:?}");
    let better = quote(&bob, provider).await;
    assert_eq!(better.score_ppm, good.score_ppm);
    assert!(better.bid_price_micros > before.bid_price_micros, "{before:?} {better:?}");

    // Ten days of outages become known: the score falls at once, the grade by a step a day.
    let outages = (0..10).map(|ago| day(Time(now.0 - ago * Time::DAY), 0)).collect();
    observe(&venue, &meter, provider, outages).await;
    let bad = rating(&bob, provider).await;
    assert_eq!((bad.grade(), bad.rated_time), (good.grade(), good.rated_time));
    assert!(bad.score_ppm < good.score_ppm && bad.tiers.is_empty(), "{bad:?}");
    let worse = quote(&bob, provider).await;
    assert!(worse.ask_price_micros < better.ask_price_micros, "{better:?} {worse:?}");
    venue.pass(DAY).await;
    venue.running().priced().await;
    let next = rating(&bob, provider).await;
    assert_eq!(next.grade(), v1::RatingGrade::A, "{next:?}");
    observe(&venue, &meter, provider, vec![day(venue.clock.now(), 0)]).await;
    assert_eq!(rating(&bob, provider).await.grade(), v1::RatingGrade::A, "once a day");

    // The first trade is its instrument's reference; the others' moves with the level.
    let symbol = venue.hour(PRODUCT, 30);
    ann.sell(&symbol, 1, 840_000).await;
    assert_eq!(bob.buy(&symbol, 1, 840_000).await.fills.len(), 1);
    venue.running().priced().await;
    assert_eq!(venue.book(&symbol).await.reference_price_micros, 840_000);
    assert_eq!(venue.book(&venue.hour(PRODUCT, 31)).await.reference_price_micros, 723_300);

    let (held, standing) = (quote(&bob, provider).await, rating(&bob, provider).await);
    let live = venue.state().await;
    let replayed = venue.replayed(live.0);
    assert_eq!((replayed.seq, replayed.state_hash), live);
    venue.restart().await;
    for member in [&mut ann, &mut bob, &mut meter] {
        member.reconnect(&venue).await;
    }
    assert_eq!(quote(&bob, provider).await, held);
    assert_eq!(rating(&bob, provider).await, standing);
    assert_eq!(venue.book(&venue.hour(PRODUCT, 31)).await.reference_price_micros, 723_300);
    let after = venue.state().await;
    assert_eq!(after.0, live.0 + 1, "the restart itself is all that was journaled");
    assert_eq!(venue.replayed(after.0).state_hash, after.1);
    venue.check().await;
}
