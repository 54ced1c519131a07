//! Stories of what was traded: trades and candles page by page, the index of a product, its forward curve.

use super::served::{HOUR, place};
use super::shown;
use super::venue::{START, Venue, limit};
use hourbook_api::client::Client;
use hourbook_api::{convert, v1};
use hourbook_model::{Role, Time};
use std::time::Duration;

/// Trades one lot or more, each so many seconds after the one before.
async fn trade(venue: &Venue, client: &Client, account: u32, trades: &[(u64, i64, i64)]) {
    let placed = std::sync::atomic::AtomicUsize::new(0);
    let name = || format!("p{}-{}", trades.len(), placed.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    for (seconds, price, lots) in trades {
        venue.clock.advance(Duration::from_secs(*seconds));
        venue.handle.wake();
        let both = [v1::Side::Sell, v1::Side::Buy];
        for side in both {
            let placed = place(client, account, &name(), limit(HOUR, side, *lots, *price)).await.unwrap();
            assert_eq!(placed.report.unwrap().reject_reason, 0);
        }
    }
}

fn at(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(convert::timestamp(START.plus_nanos(seconds * Time::SECOND)))
}

#[tokio::test(flavor = "multi_thread")]
async fn trades_and_candles_reach_back_page_by_page() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Provider).await;
    let client = venue.client(&key).await;
    let told: Vec<_> = (0..25).map(|n| (30, 1_000_000 + 100 * n, 1 + n % 3)).collect();
    trade(&venue, &client, ann, &told).await;

    let mut service = client.market_data.clone();
    let list = |page_token: String| v1::ListTradesRequest {
        symbol: HOUR.into(),
        start_time: at(60),
        end_time: at(600),
        page_size: 7,
        page_token,
    };
    let (mut all, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = service.list_trades(list(token)).await.unwrap().into_inner();
        assert!(page.trades.len() <= 7);
        all.extend(page.trades);
        pages += 1;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // Those at 60 s to 570 s: the second to the nineteenth.
    let expected: Vec<_> = told[1..19].iter().map(|(_, price, lots)| (*price, *lots)).collect();
    let found: Vec<_> = all.iter().map(|trade| (trade.price_micros, trade.quantity)).collect();
    assert_eq!((found, pages), (expected, 3));
    assert!(all.iter().all(|trade| trade.taker_side() == v1::Side::Buy && trade.sequence > 0));

    let list = |page_token: String| v1::ListCandlesRequest {
        symbol: HOUR.into(),
        interval: v1::CandleInterval::Minute as i32,
        page_size: 5,
        page_token,
        start_time: at(1),
        ..Default::default()
    };
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = service.list_candles(list(token)).await.unwrap().into_inner();
        assert!(page.candles.len() <= 5);
        all.extend(page.candles);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // Two trades a minute, from the minute that begins behind the start on.
    assert_eq!(all.len(), 12);
    for (minute, candle) in all.iter().enumerate() {
        let of: Vec<_> = told[2 * minute + 1..(2 * minute + 3).min(25)].to_vec();
        assert_eq!(candle.start_time, at(60 * (minute as i64 + 1)));
        let figures = (candle.open_price_micros, candle.close_price_micros, candle.volume);
        assert_eq!(figures, (of[0].1, of.last().unwrap().1, of.iter().map(|one| one.2).sum()));
        assert_eq!(candle.trade_count as usize, of.len());
    }

    let bad = [
        ("symbol", v1::ListTradesRequest { symbol: "GP".into(), ..Default::default() }),
        ("page_size", v1::ListTradesRequest { page_size: -1, ..list_of(HOUR) }),
        ("page_token", v1::ListTradesRequest { page_token: "x".into(), ..list_of(HOUR) }),
        ("end_time", v1::ListTradesRequest { start_time: at(9), end_time: at(8), ..list_of(HOUR) }),
    ];
    for (field, request) in bad {
        let refused = service.list_trades(request).await.unwrap_err();
        assert_eq!(shown(&refused), format!("InvalidArgument INVALID_FIELD {field}"));
    }
    let never = service.list_trades(list_of("GP.CNNX.A.H20991124T08")).await.unwrap_err();
    assert_eq!(shown(&never), "NotFound NOT_FOUND");
    let candles = v1::ListCandlesRequest { symbol: HOUR.into(), ..Default::default() };
    let refused = service.list_candles(candles).await.unwrap_err();
    assert_eq!(shown(&refused), "InvalidArgument INVALID_FIELD interval");
    drop((service, client));
    assert!(venue.close().await);
}

fn list_of(symbol: &str) -> v1::ListTradesRequest {
    v1::ListTradesRequest { symbol: symbol.into(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_is_the_mean_of_an_hour_s_trades_and_stays_when_the_hour_is_over() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Provider).await;
    let client = venue.client(&key).await;
    trade(&venue, &client, ann, &[(1, 1_000_000, 1), (1, 1_000_100, 2)]).await;
    let mut service = client.market_data.clone();
    let request = v1::ListIndexRequest {
        product: "GP.CNNX.A".into(),
        start_time: at(0),
        end_time: at(24 * 3_600),
        ..Default::default()
    };
    let index = service.list_index(request.clone()).await.unwrap().into_inner();
    let [hour] = &index.hours[..] else { panic!("{index:?}") };
    assert_eq!((hour.symbol.as_str(), hour.volume, hour.trade_count), (HOUR, 3, 2));
    assert_eq!(hour.price_micros, 1_000_067, "200 thirds are 66.7");
    assert_eq!(hour.delivery_start_time, at(8 * 3_600));

    // A day later it is listed no more.
    venue.clock.advance(Duration::from_secs(86_400));
    venue.handle.wake();
    let gone = || async {
        let listed =
            venue.handle.read(|exchange| exchange.instrument_named(&HOUR.parse().unwrap()).is_some());
        listed.await.unwrap()
    };
    let begun = std::time::Instant::now();
    while gone().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is still listed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut pages = request.clone();
    let mut found = Vec::new();
    loop {
        pages.page_size = 1;
        let page = service.list_index(pages.clone()).await.unwrap().into_inner();
        found.extend(page.hours);
        pages.page_token = page.next_page_token;
        if pages.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, index.hours);
    let trades = service.list_trades(list_of(HOUR)).await.unwrap().into_inner();
    assert_eq!(trades.trades.len(), 2, "trades stay too");

    let bad = [
        ("product", v1::ListIndexRequest { product: "GP".into(), ..request.clone() }),
        ("start_time", v1::ListIndexRequest { start_time: None, ..request.clone() }),
        ("end_time", v1::ListIndexRequest { end_time: at(8_785 * 3_600), ..request.clone() }),
    ];
    for (field, request) in bad {
        let refused = service.list_index(request).await.unwrap_err();
        assert_eq!(shown(&refused), format!("InvalidArgument INVALID_FIELD {field}"));
    }
    let unknown = v1::ListIndexRequest { product: "ZZ.CNNX.A".into(), ..request };
    assert_eq!(shown(&service.list_index(unknown).await.unwrap_err()), "NotFound NOT_FOUND");
    drop((service, client));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_curve_takes_the_mid_else_the_last_trade_else_the_reference() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Provider).await;
    let client = venue.client(&key).await;
    let mut service = client.market_data.clone();
    let curve = |page_size, page_token: &str| v1::GetForwardCurveRequest {
        product: "GP.CNNX.A".into(),
        page_size,
        page_token: page_token.into(),
    };
    let all = service.get_forward_curve(curve(0, "")).await.unwrap().into_inner();
    assert!(all.next_page_token.is_empty() && all.sequence > 0);
    assert_eq!(all.points.iter().map(|point| point.hours).max(), Some(744));
    let reference = |point: &v1::CurvePoint| {
        (point.price_micros, point.taken_from()) == (1_000_000, v1::CurvePrice::Reference)
    };
    assert!(all.points.iter().all(reference), "{all:?}");

    trade(&venue, &client, ann, &[(0, 1_000_300, 1)]).await;
    let of = |curve: &v1::GetForwardCurveResponse| {
        curve.points.iter().find(|point| point.symbol == HOUR).unwrap().clone()
    };
    let traded = of(&service.get_forward_curve(curve(0, "")).await.unwrap().into_inner());
    assert_eq!((traded.price_micros, traded.taken_from()), (1_000_300, v1::CurvePrice::Last));
    place(&client, ann, "bid", limit(HOUR, v1::Side::Buy, 1, 1_000_000)).await.unwrap();
    place(&client, ann, "ask", limit(HOUR, v1::Side::Sell, 1, 1_000_100)).await.unwrap();
    let quoted = of(&service.get_forward_curve(curve(0, "")).await.unwrap().into_inner());
    assert_eq!((quoted.price_micros, quoted.taken_from()), (1_000_050, v1::CurvePrice::Mid));
    assert_eq!((quoted.bid_price_micros, quoted.ask_price_micros), (1_000_000, 1_000_100));

    let (mut symbols, mut token) = (Vec::new(), String::new());
    loop {
        let page = service.get_forward_curve(curve(9, &token)).await.unwrap().into_inner();
        symbols.extend(page.points.into_iter().map(|point| point.symbol));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(symbols, all.points.iter().map(|point| point.symbol.clone()).collect::<Vec<_>>());
    let none = v1::GetForwardCurveRequest { product: "GP.CNNX.B".into(), ..Default::default() };
    assert_eq!(shown(&service.get_forward_curve(none).await.unwrap_err()), "NotFound NOT_FOUND");
    drop((service, client));
    assert!(venue.close().await);
}
