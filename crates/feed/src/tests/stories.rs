//! What is told of a few commands, and what trades come to.

use super::venue::{START, Told, Venue, limit};
use crate::*;
use expect_test::{Expect, expect};
use hourbook_exchange::Level;
use hourbook_model::*;
use std::fmt::Write;

const HOUR: &str = "CO.CNNM.C.H20261123T03";

fn place(venue: &mut Venue, account: u32, order: NewOrder) -> (OrderId, Vec<Told>) {
    let (answer, told) = venue.apply(account, PlaceOrder { order });
    assert_eq!(answer.refused, None);
    (answer.order, told)
}

/// Two-sided, with an iceberg of 5 lots in slices of 2.
fn begin() -> (Venue, InstrumentId) {
    let mut venue = Venue::new();
    let hour = venue.hour(HOUR);
    place(&mut venue, 1, limit(hour, Side::Buy, 3, 1_900));
    place(&mut venue, 2, NewOrder { display: Quantity(2), ..limit(hour, Side::Sell, 5, 2_000) });
    place(&mut venue, 3, limit(hour, Side::Sell, 4, 2_000));
    (venue, hour)
}

/// Order ids count from 0 here, as nothing else was ever placed.
fn check(told: &[Told], expect: Expect) {
    let mut text = String::new();
    for told in told {
        for LevelChange { side, level } in &told.levels {
            writeln!(
                text,
                "level {side:?} {}: {} lots, {} orders",
                level.price, level.quantity, level.orders
            )
            .unwrap();
        }
        for change in &told.orders {
            let place = if change.joins { "joins" } else { "stays" };
            let BookChange { order, side, price, quantity, .. } = change;
            writeln!(text, "order {} {place} {side:?} {price}: {quantity}", order.slot()).unwrap();
        }
        for trade in &told.trades {
            writeln!(text, "trade {} @ {}, taker {:?}", trade.quantity, trade.price, trade.taker_side)
                .unwrap();
        }
    }
    expect.assert_eq(&text);
}

#[test]
fn an_iceberg_shows_a_slice_and_the_next_one_at_the_back() {
    let (mut venue, hour) = begin();
    let (_, told) = place(&mut venue, 1, limit(hour, Side::Buy, 3, 2_000));
    check(
        &told,
        expect![[r#"
            level Sell 2000: 5 lots, 2 orders
            order 1 stays Sell 2000: 0
            order 1 joins Sell 2000: 2
            order 2 stays Sell 2000: 3
            trade 2 @ 2000, taker Buy
            trade 1 @ 2000, taker Buy
        "#]],
    );
}

#[test]
fn a_waiting_stop_and_a_refusal_show_nothing() {
    let (mut venue, hour) = begin();
    let stop =
        NewOrder { order_type: OrderType::Stop, trigger: Price(2_500), ..limit(hour, Side::Buy, 1, 0) };
    let (_, told) = place(&mut venue, 1, stop);
    check(&told, expect![""]);
    let (answer, told) = venue.apply(1, PlaceOrder { order: limit(hour, Side::Buy, 0, 2_000) });
    assert_eq!(answer.refused, Some(RejectReason::BadQuantity));
    check(&told, expect![""]);
}

#[test]
fn hidden_lots_go_first_and_nobody_sees_it() {
    let (mut venue, hour) = begin();
    let iceberg = venue.feed.orders(hour, Side::Sell).next().unwrap().order;
    let reduce = |by| ReduceOrder { order: OrderRef::Id(iceberg), by: Quantity(by) };
    check(&venue.apply(2, reduce(3)).1, expect![""]);
    check(
        &venue.apply(2, reduce(1)).1,
        expect![[r#"
            level Sell 2000: 5 lots, 2 orders
            order 1 stays Sell 2000: 1
        "#]],
    );
}

#[test]
fn an_amended_order_moves_as_one_change() {
    let (mut venue, hour) = begin();
    let bid = venue.feed.orders(hour, Side::Buy).next().unwrap().order;
    let order = OrderRef::Id(bid);
    let amendment =
        Amendment { order, instrument: None, price: Some(Price(1_950)), quantity: None, trigger: None };
    check(
        &venue.apply(1, AmendOrder { amendment }).1,
        expect![[r#"
            level Buy 1950: 3 lots, 1 orders
            level Buy 1900: 0 lots, 0 orders
            order 0 joins Buy 1950: 3
        "#]],
    );
}

#[test]
fn the_checksum_of_the_documents() {
    let level = |price, quantity, orders| Level { price: Price(price), quantity: Quantity(quantity), orders };
    let levels = [(Side::Buy, level(1_900, 3, 1)), (Side::Sell, level(2_000, 6, 2))];
    assert_eq!(checksum([]), 0);
    let shown: Vec<_> = levels.iter().map(|one| format!("{:#010x}", checksum([*one]))).collect();
    let sum = format!("{} + {} = {:#010x}", shown[0], shown[1], checksum(levels));
    expect!["0x173b97a4 + 0xa43ab5f9 = 0xbb764d9d"].assert_eq(&sum);
    let (venue, hour) = begin();
    assert_eq!(venue.feed.book(hour).unwrap().checksum(), checksum(levels));
}

#[test]
fn two_books_that_swap_their_lots_differ() {
    let level =
        |price, quantity| (Side::Buy, Level { price: Price(price), quantity: Quantity(quantity), orders: 1 });
    assert_ne!(checksum([level(1_900, 3), level(1_800, 7)]), checksum([level(1_900, 7), level(1_800, 3)]));
}

fn trade(tape: &mut Tape, time: Time, price: i64, quantity: i64) {
    let trade = Trade {
        id: TradeId(1),
        instrument: InstrumentId(1),
        price: Price(price),
        quantity: Quantity(quantity),
        taker_side: Side::Buy,
        maker: OrderId(1),
        taker: OrderId(2),
    };
    tape.add(time, &trade);
}

#[test]
fn a_day_s_statistics_begin_again_at_midnight_utc() {
    let mut tape = Tape::default();
    assert_eq!(tape.statistics(), None);
    let evening = START.plus_nanos(Time::DAY - 1);
    trade(&mut tape, START, 2_000, 3);
    trade(&mut tape, START.plus_nanos(1), 2_300, 1);
    trade(&mut tape, evening, 1_900, 1);
    let statistics = *tape.statistics().unwrap();
    let Candle { start, open, high, low, close, volume, trades } = statistics.day;
    assert_eq!((start, trades, volume), (START, 3, Quantity(5)));
    assert_eq!([open, high, low, close].map(|price| price.0), [2_000, 2_300, 1_900, 1_900]);
    assert_eq!((statistics.turnover, statistics.vwap()), (10_200, Price(2_040)));
    trade(&mut tape, evening.plus_nanos(1), 1_800, 2);
    let next = tape.statistics().unwrap();
    assert_eq!(
        (next.day.start, next.day.open, next.day.volume),
        (START.plus_nanos(Time::DAY), Price(1_800), Quantity(2))
    );
}

#[test]
fn a_mean_price_is_rounded_to_the_nearest_half_to_even() {
    for (first, second, expected) in [(2_000, 2_001, 2_000), (2_001, 2_002, 2_002), (2_000, 2_002, 2_001)] {
        let mut tape = Tape::default();
        trade(&mut tape, START, first, 1);
        trade(&mut tape, START, second, 1);
        assert_eq!(tape.statistics().unwrap().vwap(), Price(expected), "{first} and {second}");
    }
    let mut tape = Tape::default();
    trade(&mut tape, START, 2_000, 1);
    trade(&mut tape, START, 2_001, 2);
    assert_eq!(tape.statistics().unwrap().vwap(), Price(2_001), "two thirds round up");
}

#[test]
fn candles_are_bounded_and_an_interval_without_trades_has_none() {
    let mut tape = Tape::default();
    for second in 0..200 {
        trade(&mut tape, START.plus_nanos(2 * second * Time::SECOND), 2_000 + second, 1);
    }
    let seconds: Vec<_> = tape.candles(Interval::Second).collect();
    assert_eq!(seconds.len(), Interval::Second.kept());
    assert_eq!(seconds[59].start, START.plus_nanos(398 * Time::SECOND));
    assert_eq!(seconds[58].start, START.plus_nanos(396 * Time::SECOND));
    let minutes: Vec<_> = tape.candles(Interval::Minute).map(|candle| candle.trades).collect();
    assert_eq!(minutes, [30, 30, 30, 30, 30, 30, 20]);
    let hour = tape.candles(Interval::Hour).next().unwrap();
    assert_eq!((hour.open, hour.close, hour.volume), (Price(2_000), Price(2_199), Quantity(200)));
    let most: usize = Interval::ALL.iter().map(|interval| interval.kept() * size_of::<Candle>()).sum();
    assert!(most <= 16 << 10, "{most} bytes of candles an instrument");
}
