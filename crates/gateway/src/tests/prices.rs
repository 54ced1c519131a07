//! Pricing over gRPC: measurements become ratings, trades move prices, both move quotes, and fair prices are references.

use super::served::{place, with};
use super::shown;
use super::venue::{PARAMS, START, Venue, limit, product, region};
use crate::{Pricing, Settings};
use hourbook_api::convert;
use hourbook_api::v1;
use hourbook_model::*;
use std::sync::Arc;
use std::time::Duration;
use tonic::Status as Refusal;

/// The first hour after the start, and one that is hours away.
const NEXT: &str = "GP.CNNX.A.H20261124T01";
const LATER: &str = "GP.CNNX.A.H20261124T08";

async fn open(references: bool) -> Venue {
    Venue::priced(Settings::default(), false, Pricing { params: Arc::clone(&PARAMS), references }).await
}

fn of_product(product: &str) -> v1::QuoteRequest {
    v1::QuoteRequest { product: product.into(), ..Default::default() }
}

fn of(symbol: &str) -> v1::QuoteRequest {
    v1::QuoteRequest { symbol: symbol.into(), ..Default::default() }
}

async fn quote(venue: &Venue, key: &str, request: v1::QuoteRequest) -> Result<v1::PriceQuote, Refusal> {
    let answer = venue.client(key).await.pricing.clone().quote(request).await?;
    Ok(answer.into_inner().quote.unwrap())
}

fn trials(day: i64, good: i64, total: i64) -> v1::Observation {
    let reading = v1::Trials { good_micros: good * MICROS, total_micros: total * MICROS };
    v1::Observation {
        metric: "availability".into(),
        observation_time: Some(convert::timestamp(Time(START.0 + day * Time::DAY))),
        reading: Some(v1::observation::Reading::Trials(reading)),
    }
}

fn submit(id: &str, provider_id: u32, observations: Vec<v1::Observation>) -> v1::SubmitObservationsRequest {
    v1::SubmitObservationsRequest { request_id: id.into(), provider_id, class: "GP".into(), observations }
}

/// The participant that owns an account.
async fn participant(venue: &Venue, account: u32) -> u32 {
    let look = move |exchange: &hourbook_exchange::Exchange| {
        exchange.account(AccountId(account)).map(|one| one.participant().0)
    };
    venue.handle.read(look).await.unwrap().unwrap()
}

async fn settled(venue: &Venue) {
    venue.gateway.priced(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_two_sides_about_the_fair_price() {
    let venue = open(false).await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let near = quote(&venue, &key, of_product("GP.CNNX.A")).await.unwrap();
    // 0.06 + 4 x 0.01 USD, at 7 CNY.
    assert_eq!((near.fair_price_micros, near.currency.as_str()), (700_000, "CNY"));
    assert_eq!((near.symbol.as_str(), near.product.as_str(), near.hours_to_delivery), ("", "GP.CNNX.A", 1));
    assert!(near.fair_low_micros < 700_000 && near.fair_high_micros > 700_000, "{near:?}");
    assert!(0 < near.bid_price_micros && near.bid_price_micros < 700_000, "{near:?}");
    assert!(near.ask_price_micros > 700_000, "{near:?}");
    assert_eq!((near.bid_price_micros % 100, near.ask_price_micros % 100, near.bid_quantity), (0, 0, 1));
    assert_eq!(near.score_ppm, 900_000, "nobody in particular: the tier's threshold");
    assert_eq!(near.parameters_digest.len(), 32);
    assert_eq!(quote(&venue, &key, of_product("GP.CNNX.C")).await.unwrap().fair_price_micros, 252_000);

    // Later is wider about the same price.
    let later = quote(&venue, &key, of("GP.CNNX.A.M202705")).await.unwrap();
    assert_eq!(later.fair_price_micros, 700_000);
    assert!(later.bid_price_micros < near.bid_price_micros && later.ask_price_micros > near.ask_price_micros);
    // What is held pulls the middle down, the more the nearer; a full hold has no bid, an empty one no ask.
    let holding = |symbol: &str, inventory_quantity| v1::QuoteRequest {
        quantity: 5,
        inventory_quantity,
        capacity_quantity: 100,
        ..of(symbol)
    };
    let half = quote(&venue, &key, holding(LATER, 50)).await.unwrap();
    assert!(half.reservation_price_micros < 700_000 && half.bid_quantity == 5);
    let urgent = quote(&venue, &key, holding(NEXT, 50)).await.unwrap();
    assert!(urgent.reservation_price_micros < half.reservation_price_micros);
    let full = quote(&venue, &key, holding(LATER, 100)).await.unwrap();
    assert_eq!((full.bid_withheld(), full.bid_price_micros), (v1::WithheldReason::NoRoom, 0));
    let empty = quote(&venue, &key, holding(LATER, 0)).await.unwrap();
    assert_eq!((empty.ask_withheld(), empty.ask_quantity), (v1::WithheldReason::NoInventory, 0));
    let past = quote(&venue, &key, of("GP.CNNX.A.H20261123T08")).await.unwrap();
    assert_eq!(past.bid_withheld(), v1::WithheldReason::Delivering);

    let explained = v1::ExplainRequest { subject: Some(v1::explain_request::Subject::Quote(of(LATER))) };
    let client = venue.client(&key).await;
    let explained = client.pricing.clone().explain(explained).await.unwrap().into_inner();
    assert_eq!(explained.quote.unwrap().fair_price_micros, 700_000);
    let terms: Vec<String> =
        explained.fair_terms.iter().map(|term| format!("{} {}", term.term, term.value)).collect();
    assert!(terms.contains(&"rate of the currency to USD 7".to_owned()), "{terms:?}");
    assert!(
        explained.quote_terms.iter().any(|term| term.term == "half spread, base" && term.value == "0.01")
    );
    assert_eq!(explained.score, None);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_quoted_is_named() {
    let venue = open(true).await;
    let (_, key) = venue.trader("ann", Role::Meter).await;
    let mut dollars = product("GP.CNNX.B");
    dollars.currency = "EUR".into();
    venue.does(DefineProduct { product: dollars.into() }).await;
    venue.does(DefineRegion { region: Region { code: "USVA".into(), ..region() }.into() }).await;
    venue.does(DefineProduct { product: product("GP.USVA.A").into() }).await;
    settled(&venue).await;
    let table: [(v1::QuoteRequest, &str); 9] = [
        (of_product("GP.CNNX.B"), "no rate of currency \"EUR\" in the parameters"),
        (of_product("GP.USVA.A"), "no price in region \"GP.USVA\" in the parameters"),
        (of_product("CO.CNNX.A"), "no such product"),
        (of_product("gp"), "product: "),
        (v1::QuoteRequest::default(), "symbol: is required, or product"),
        (v1::QuoteRequest { symbol: LATER.into(), ..of_product("GP.CNNX.A") }, "product: must not be given"),
        (v1::QuoteRequest { provider_id: 99, ..of(LATER) }, "provider_id: no such participant"),
        (v1::QuoteRequest { quantity: -1, ..of(LATER) }, "quantity: must be 0 to 1000000 lots, not -1"),
        (v1::QuoteRequest { inventory_quantity: 1, ..of(LATER) }, "inventory_quantity: must be at most"),
    ];
    for (request, expected) in table {
        let refused = quote(&venue, &key, request.clone()).await.unwrap_err();
        assert!(refused.message().starts_with(expected), "{request:?}: {refused:?}");
    }
    let refused = quote(&venue, &key, of_product("GP.CNNX.B")).await.unwrap_err();
    assert_eq!(shown(&refused), "FailedPrecondition NOT_PRICED");
    // It keeps its own reference; the others have the fair price.
    let references = venue.handle.read(|exchange| {
        exchange.products().map(|(_, listed)| listed.reference().unwrap().0).collect::<Vec<_>>()
    });
    assert_eq!(references.await.unwrap(), [700_000, 252_000, 1_000_000, 1_000_000]);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn measurements_become_a_rating_that_moves_once_a_day_and_moves_the_price() {
    let venue = open(false).await;
    let (account, key) = venue.trader("ann", Role::Provider).await;
    let (_, meter) = venue.trader("meter", Role::Meter).await;
    let provider_id = participant(&venue, account).await;
    let asked = v1::QuoteRequest { provider_id, ..of_product("GP.CNNX.A") };
    let unknown = quote(&venue, &key, asked.clone()).await.unwrap();
    assert!(unknown.fair_price_micros < 700_000, "nothing is known of it: {unknown:?}");

    let client = venue.client(&meter).await;
    let get = v1::GetRatingRequest { provider_id, class: "GP".into() };
    let none = client.pricing.clone().get_rating(get.clone()).await.unwrap_err();
    assert_eq!(shown(&none), "NotFound NOT_FOUND");

    let observations: Vec<_> = (0..30).map(|day| trials(-day, 1440, 1440)).collect();
    let request = submit("m1", provider_id, observations);
    let taken = client.pricing.clone().submit_observations(request.clone()).await.unwrap().into_inner();
    assert_eq!((taken.observation_count, taken.repeated), (30, false));
    let again = client.pricing.clone().submit_observations(request).await.unwrap().into_inner();
    assert_eq!((again.sequence, again.repeated), (taken.sequence, true), "nothing is counted twice");
    settled(&venue).await;
    let rated = client.pricing.clone().get_rating(get.clone()).await.unwrap().into_inner().rating.unwrap();
    assert_eq!(rated.grade(), v1::RatingGrade::Aa, "{rated:?}");
    assert!(rated.bound_ppm < rated.score_ppm && rated.tiers == ["A", "B", "C"], "{rated:?}");
    let known = quote(&venue, &key, asked.clone()).await.unwrap();
    assert_eq!(known.score_ppm, rated.score_ppm);
    assert!(known.fair_price_micros > unknown.fair_price_micros);

    // A day of outages: the score falls at once, the grade once a day.
    client
        .pricing
        .clone()
        .submit_observations(submit("m2", provider_id, vec![trials(0, 0, 20_000)]))
        .await
        .unwrap();
    settled(&venue).await;
    let get_rating =
        async || client.pricing.clone().get_rating(get.clone()).await.unwrap().into_inner().rating.unwrap();
    let fallen = get_rating().await;
    assert_eq!(fallen.grade(), v1::RatingGrade::Aa);
    assert!(fallen.score_ppm < rated.score_ppm && fallen.tiers.is_empty(), "{fallen:?}");
    assert!(quote(&venue, &key, asked.clone()).await.unwrap().fair_price_micros < known.fair_price_micros);
    for grade in [v1::RatingGrade::A, v1::RatingGrade::Bbb] {
        venue.clock.advance(Duration::from_secs(86_400));
        venue.does(Tick {}).await;
        settled(&venue).await;
        // The standing of the new day is published after it is found.
        settled(&venue).await;
        assert_eq!(get_rating().await.grade(), grade);
    }
    let list = v1::ListRatingsRequest { page_size: 1, ..Default::default() };
    let page = client.pricing.clone().list_ratings(list).await.unwrap().into_inner();
    assert_eq!((page.ratings.len(), page.next_page_token.as_str()), (1, ""));

    let service = v1::Service { provider_id, class: "GP".into() };
    let explain = v1::ExplainRequest { subject: Some(v1::explain_request::Subject::Service(service)) };
    let score = client.pricing.clone().explain(explain).await.unwrap().into_inner().score.unwrap();
    assert_eq!(score.score_ppm, get_rating().await.score_ppm);
    let names: Vec<&str> = score.attributes.iter().map(|one| one.metric.as_str()).collect();
    assert_eq!(names, ["availability", "latency_ms"]);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measurement_that_makes_no_sense_is_named() {
    use v1::observation::Reading;
    let venue = open(false).await;
    let (account, meter) = venue.trader("meter", Role::Meter).await;
    let provider = participant(&venue, account).await;
    let client = venue.client(&meter).await;
    let with = |change: &dyn Fn(&mut v1::Observation)| {
        let mut observation = trials(0, 1, 2);
        change(&mut observation);
        submit("m", provider, vec![trials(0, 1, 1), observation])
    };
    let reading = |reading| with(&|one| one.reading = Some(reading));
    let of = |good_micros, total_micros| reading(Reading::Trials(v1::Trials { good_micros, total_micros }));
    let table: Vec<(v1::SubmitObservationsRequest, &str)> = vec![
        (with(&|one| one.metric = "mood".into()), "InvalidArgument INVALID_FIELD observations[1].metric"),
        (with(&|one| one.metric = String::new()), "InvalidArgument INVALID_FIELD observations[1].metric"),
        (with(&|one| one.reading = None), "InvalidArgument INVALID_FIELD observations[1].trials"),
        (reading(Reading::ValueMicros(1)), "InvalidArgument INVALID_FIELD observations[1].value_micros"),
        (of(3, 2), "InvalidArgument INVALID_FIELD observations[1].trials.good_micros"),
        (of(-1, 2), "InvalidArgument INVALID_FIELD observations[1].trials.good_micros"),
        (of(0, 0), "InvalidArgument INVALID_FIELD observations[1].trials.total_micros"),
        (of(0, i64::MAX), "InvalidArgument INVALID_FIELD observations[1].trials.total_micros"),
        (
            with(&|one| one.observation_time = None),
            "InvalidArgument INVALID_FIELD observations[1].observation_time",
        ),
        (with(&|one| *one = trials(1, 1, 1)), "InvalidArgument BAD_RANGE"),
        (with(&|one| *one = trials(-731, 1, 1)), "InvalidArgument BAD_RANGE"),
        (submit("m", provider, Vec::new()), "InvalidArgument INVALID_FIELD observations"),
        (submit("m", provider, vec![trials(0, 1, 1); 1_001]), "InvalidArgument INVALID_FIELD observations"),
        (submit("", provider, vec![trials(0, 1, 1)]), "InvalidArgument INVALID_FIELD request_id"),
        (submit("m", 0, vec![trials(0, 1, 1)]), "InvalidArgument INVALID_FIELD provider_id"),
        (submit("n", 99, vec![trials(0, 1, 1)]), "NotFound UNKNOWN_PARTICIPANT"),
    ];
    for (at, (mut request, expected)) in table.into_iter().enumerate() {
        if !request.request_id.is_empty() {
            request.request_id = format!("m{at}");
        }
        let refused = client.pricing.clone().submit_observations(request.clone()).await.unwrap_err();
        assert_eq!(shown(&refused), expected, "{request:?}: {refused:?}");
    }
    let other =
        v1::SubmitObservationsRequest { class: "CO".into(), ..submit("x", provider, vec![trials(0, 1, 1)]) };
    let refused = client.pricing.clone().submit_observations(other).await.unwrap_err();
    assert_eq!(shown(&refused), "NotFound UNKNOWN_CLASS");
    assert!(venue.close().await);
}

/// Has `ann` and `bob` trade a lot at a price.
async fn trade(venue: &Venue, parties: [(u32, &str); 2], id: &str, symbol: &str, price: i64) {
    for ((account, key), side) in parties.into_iter().zip([v1::Side::Sell, v1::Side::Buy]) {
        let client = venue.client(key).await;
        let placed = place(&client, account, id, limit(symbol, side, 1, price)).await.unwrap();
        assert_eq!(placed.report.as_ref().unwrap().reject_reason, 0, "{placed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_move_the_price_and_whoever_follows_hears_it() {
    let venue = open(true).await;
    let (ann, ann_key) = venue.trader("ann", Role::Provider).await;
    let (bob, bob_key) = venue.trader("bob", Role::Trader).await;
    let parties = [(ann, ann_key.as_str()), (bob, bob_key.as_str())];
    settled(&venue).await;
    let reference = |symbol: &str| {
        let symbol: Symbol = symbol.parse().unwrap();
        let look = move |exchange: &hourbook_exchange::Exchange| {
            let id = exchange.instrument_named(&symbol)?;
            exchange.instrument(id)?.reference
        };
        let handle = venue.handle.clone();
        async move { handle.read(look).await.unwrap().unwrap().0 }
    };
    assert_eq!(reference(LATER).await, 700_000, "the fair price, not the product's own 1 CNY");

    let client = venue.client(&bob_key).await;
    let get = v1::GetProductRequest { symbol: "GP.CNNX.A".into() };
    let product = client.instruments.clone().get_product(get).await.unwrap().into_inner().product.unwrap();
    assert_eq!(product.reference_price_micros, 700_000);
    let follow = v1::StreamQuotesRequest { quotes: vec![of(LATER), of_product("GP.CNNX.C")] };
    let mut stream = client.pricing.clone().stream_quotes(follow).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap().quotes;
    let fair = |quotes: &[v1::PriceQuote]| quotes.iter().map(|one| one.fair_price_micros).collect::<Vec<_>>();
    assert_eq!(fair(&first), [700_000, 252_000]);

    // One trade at 0.84 is a sixth of the weight: 0.7 x (5 + 1.2) / 6.
    trade(&venue, parties, "t1", LATER, 840_000).await;
    let moved = stream.message().await.unwrap().unwrap().quotes;
    assert_eq!(fair(&moved), [723_300], "the other has not moved");
    assert!(
        moved[0].fair_high_micros - moved[0].fair_low_micros
            < first[0].fair_high_micros - first[0].fair_low_micros
    );
    settled(&venue).await;
    assert_eq!(reference(LATER).await, 840_000, "its own trade");
    assert_eq!(reference(NEXT).await, 723_300, "untraded: the fair price, which moved by more than a step");
    // Another trade of the same instrument takes the first one's place.
    trade(&venue, parties, "t2", LATER, 700_000).await;
    assert_eq!(fair(&stream.message().await.unwrap().unwrap().quotes), [700_000]);

    // An hour passes: nearer to delivery is narrower.
    venue.clock.advance(Duration::from_secs(3_600));
    venue.does(Tick {}).await;
    let moved = stream.message().await.unwrap().unwrap().quotes;
    assert_eq!(moved.iter().map(|one| one.hours_to_delivery).collect::<Vec<_>>(), [7]);
    drop(stream);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_quotes_is_bounded_and_counted() {
    let settings = with(|limits| limits.streams_per_participant = 1);
    let venue = Venue::with(settings, false).await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let follow = |quotes| v1::StreamQuotesRequest { quotes };
    let refused = async |quotes| {
        let answer = client.pricing.clone().stream_quotes(follow(quotes)).await;
        shown(&answer.expect_err("a refusal"))
    };
    assert_eq!(refused(Vec::new()).await, "InvalidArgument INVALID_FIELD quotes");
    assert_eq!(refused(vec![of(LATER); 101]).await, "InvalidArgument INVALID_FIELD quotes");
    assert_eq!(refused(vec![of("x")]).await, "InvalidArgument INVALID_FIELD quotes[0].symbol");
    assert_eq!(refused(vec![of_product("CO.CNNX.A")]).await, "NotFound NOT_FOUND");
    let mut stream =
        client.pricing.clone().stream_quotes(follow(vec![of(LATER); 100])).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().quotes.len(), 100);
    assert_eq!(refused(vec![of(LATER)]).await, "ResourceExhausted TOO_MANY_STREAMS");
    let closed = tokio::spawn(async move { stream.message().await });
    assert!(venue.close().await);
    assert_eq!(shown(&closed.await.unwrap().unwrap_err()), "Unavailable DRAINING after 5000 ms");
}
