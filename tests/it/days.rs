//! Days of a market, through gRPC: an order's whole life, an auction, gates and the cascade.

use std::time::Duration;

use hourbook_api::v1;
use v1::{CancelReason, InstrumentStatus, ReportKind, Side};

use crate::venue::{FREE, PRODUCT, Venue, by_id, kind, limit};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_filled_in_parts_amended_reduced_and_cancelled() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    let symbol = venue.hour(PRODUCT, 3);

    let resting = bob.buy(&symbol, 10, 100_000).await.report.unwrap();
    assert_eq!((kind(&resting), resting.leaves_quantity), (ReportKind::Accepted, 10));
    // 10 x 0.1 and the higher fee of 1 %.
    assert_eq!(bob.balance().await.held_micros, 1_010_000);

    let sold = ann.sell(&symbol, 4, 90_000).await;
    assert_eq!(sold.report.as_ref().map(kind), Some(ReportKind::Filled));
    assert_eq!(sold.fills.len(), 1, "one fill, at the maker's price");
    assert_eq!((sold.fills[0].price_micros, sold.fills[0].quantity), (100_000, 4));
    let balance = bob.balance().await;
    assert_eq!((balance.cash_micros, balance.escrow_micros), (99_600_000, 400_000));
    assert_eq!(balance.held_micros, 606_000, "six lots are still held for");
    assert_eq!(ann.positions().await, [(symbol.clone(), -4)]);
    assert_eq!(bob.positions().await, [(symbol.clone(), 4)]);

    let mut orders = bob.client.orders.clone();
    let amendment =
        v1::Amendment { order: by_id(resting.order_id), price_micros: 95_000, ..Default::default() };
    let request =
        v1::AmendOrderRequest { account_id: bob.account, request_id: bob.id(), amendment: Some(amendment) };
    let amended = orders.amend_order(request).await.unwrap().into_inner().report.unwrap();
    assert_eq!(
        (kind(&amended), amended.price_micros, amended.leaves_quantity),
        (ReportKind::Amended, 95_000, 6)
    );

    let request = v1::ReduceOrderRequest {
        account_id: bob.account,
        request_id: bob.id(),
        order: by_id(resting.order_id),
        by_quantity: 2,
    };
    let reduced = orders.reduce_order(request).await.unwrap().into_inner().report.unwrap();
    assert_eq!((kind(&reduced), reduced.quantity, reduced.leaves_quantity), (ReportKind::Reduced, 8, 4));

    let cancelled = bob.cancel(resting.order_id).await;
    assert_eq!((kind(&cancelled), cancelled.cancelled_quantity), (ReportKind::Cancelled, 4));
    assert_eq!(bob.balance().await.held_micros, 0, "what was held is free");
    let over = bob.order(resting.order_id).await;
    assert!(!over.live);
    let last = over.report.unwrap();
    assert_eq!((last.cumulative_quantity, last.number), (4, cancelled.number));
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_days_auction_calls_freezes_and_uncrosses_at_one_price() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    // The auction of the 25th is about the hours of the 26th; half past eight on the 24th lists hours to the 26th.
    venue.pass_to(3, 0).await;
    let symbol = venue.hour(PRODUCT, 24);
    let early = bob.buy(&symbol, 5, 100_000).await.report.unwrap();

    venue.pass_to(3, 50).await;
    assert_eq!(venue.book(&symbol).await.status(), InstrumentStatus::Auction);
    assert_eq!(bob.buy(&symbol, 5, 110_000).await.report.as_ref().map(kind), Some(ReportKind::Accepted));
    assert!(ann.sell(&symbol, 8, 90_000).await.fills.is_empty(), "orders only rest in a call");
    let book = venue.book(&symbol).await;
    assert_eq!((book.indicative_price_micros, book.indicative_quantity), (100_000, 8));
    let ioc =
        v1::NewOrder { time_in_force: v1::TimeInForce::Ioc as i32, ..limit(Side::Buy, &symbol, 1, 100_000) };
    let refused = bob.place(ioc).await.report.unwrap();
    assert_eq!(refused.reject_reason(), v1::RejectReason::NotInAuction);

    venue.pass_to(3, 59).await;
    assert_eq!(venue.book(&symbol).await.status(), InstrumentStatus::Frozen);
    let refused = bob.cancel(early.order_id).await;
    assert_eq!(refused.reject_reason(), v1::RejectReason::Frozen);

    venue.pass_to(4, 0).await;
    let book = venue.book(&symbol).await;
    assert_eq!((book.status(), book.last_trade_price_micros), (InstrumentStatus::Continuous, 100_000));
    assert_eq!(bob.positions().await, [(symbol.clone(), 8)]);
    assert_eq!(
        book.bids.iter().map(|level| (level.price_micros, level.quantity)).collect::<Vec<_>>(),
        [(100_000, 2)]
    );
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_gate_orders_expire_days_become_hours_and_hours_obligations() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 1_000).await);
    let tomorrow = venue.day(FREE, 0);
    bob.buy(&tomorrow, 5, 100_000).await;
    assert_eq!(ann.sell(&tomorrow, 3, 100_000).await.fills.len(), 1);
    let resting = bob.open_orders().await[0].report.clone().unwrap();
    assert_eq!(bob.balance().await.escrow_micros, 3 * 100_000 * 24);

    // A day closes an hour before it begins.
    venue.pass_to(23, 0).await;
    let over = bob.order(resting.order_id).await.report.unwrap();
    assert_eq!((kind(&over), over.cancel_reason()), (ReportKind::Cancelled, CancelReason::GateClosed));
    let hours = bob.positions().await;
    assert_eq!(hours.len(), 24, "a day in its hours");
    assert!(hours.iter().all(|(symbol, units)| symbol.starts_with("GP.CNNX.B.H20261125T") && *units == 3));
    assert_eq!(bob.balance().await.escrow_micros, 3 * 100_000 * 24, "what is paid for is still there");

    // The hour from midnight closes five minutes before it; what was bought can be sold on until then.
    let midnight = venue.hour(FREE, 0);
    assert_eq!(bob.sell(&midnight, 1, 120_000).await.report.as_ref().map(kind), Some(ReportKind::Accepted));
    venue.pass_to(23, 55).await;
    let late = bob.buy(&midnight, 1, 100_000).await.report.unwrap();
    assert_eq!(late.reject_reason(), v1::RejectReason::GateClosed);
    assert_eq!(bob.positions().await.len(), 23, "the first hour is an obligation now");
    assert_eq!(ann.positions().await.len(), 23);
    venue.check().await;

    venue.pass_to(0, 30).await;
    assert_eq!(venue.book(&midnight).await.status(), InstrumentStatus::Delivering);
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn day_and_timed_orders_end_by_themselves() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let symbol = venue.day(PRODUCT, 3);
    let day =
        v1::NewOrder { time_in_force: v1::TimeInForce::Day as i32, ..limit(Side::Buy, &symbol, 1, 100_000) };
    let until = venue.clock.now().plus_nanos(60 * hourbook_model::Time::SECOND);
    let timed = v1::NewOrder {
        time_in_force: v1::TimeInForce::Gtd as i32,
        expire_time: Some(crate::venue::timestamp(until)),
        ..limit(Side::Buy, &symbol, 1, 100_000)
    };
    let (day, timed) = (bob.place(day).await.report.unwrap(), bob.place(timed).await.report.unwrap());
    let stays = bob.buy(&symbol, 1, 100_000).await.report.unwrap();

    venue.pass(Duration::from_secs(61)).await;
    let over = bob.order(timed.order_id).await.report.unwrap();
    assert_eq!(over.cancel_reason(), CancelReason::Expired);
    venue.pass_to(0, 0).await;
    let over = bob.order(day.order_id).await.report.unwrap();
    assert_eq!(over.cancel_reason(), CancelReason::DayEnd);
    assert!(bob.order(stays.order_id).await.live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taker_beyond_the_band_begins_a_call_that_ends_by_itself() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    let symbol = venue.hour(PRODUCT, 5);
    ann.sell(&symbol, 1, 110_000).await;
    ann.sell(&symbol, 1, 130_000).await;
    let swept = bob.buy(&symbol, 2, 140_000).await;
    assert_eq!(swept.fills.len(), 1, "it trades up to the band of 20 %");
    assert_eq!(swept.report.unwrap().cancel_reason(), CancelReason::Band);
    assert_eq!(venue.book(&symbol).await.status(), InstrumentStatus::Auction);
    let refused = bob.buy(&symbol, 1, 200_000).await.report.unwrap();
    assert_eq!(refused.reject_reason(), v1::RejectReason::PriceOutOfBand);
    bob.buy(&symbol, 1, 130_000).await;

    venue.pass(Duration::from_secs(5 * 60)).await;
    let book = venue.book(&symbol).await;
    assert_eq!((book.status(), book.last_trade_price_micros), (InstrumentStatus::Continuous, 130_000));
    assert_eq!(bob.positions().await, [(symbol, 2)]);
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_quotes_many_instruments_in_one_message() {
    let venue = Venue::open().await;
    let max = venue.member("max", v1::Role::Maker).await;
    let mut admin = venue.operator().await.admin;
    let credit = v1::SetCreditRequest {
        request_id: "credit".into(),
        account_id: max.account,
        currency: crate::venue::CURRENCY.into(),
        unlimited: true,
        ..Default::default()
    };
    admin.set_credit(credit).await.unwrap();
    let symbols: Vec<String> = (2..12).map(|ahead| venue.hour(PRODUCT, ahead)).collect();
    let quotes = |bid: i64| v1::QuoteSet {
        quotes: symbols
            .iter()
            .map(|symbol| v1::Quote {
                symbol: symbol.clone(),
                bid_price_micros: bid,
                bid_quantity: 5,
                ask_price_micros: bid + 10_000,
                ask_quantity: 5,
                ..Default::default()
            })
            .collect(),
        post_only: true,
        self_trade_prevention: 0,
    };
    for bid in [90_000, 95_000] {
        let request =
            v1::MassQuoteRequest { account_id: max.account, request_id: max.id(), quotes: Some(quotes(bid)) };
        let answer = max.client.orders.clone().mass_quote(request).await.unwrap().into_inner();
        assert_eq!(answer.standing_count, 20);
    }
    assert_eq!(max.open_orders().await.len(), 20, "a quote replaces the one before");
    let book = venue.book(&symbols[0]).await;
    assert_eq!((book.bids[0].price_micros, book.asks[0].price_micros), (95_000, 105_000));
}
