//! Stories of a quoter: what it hears, what it sends. `Rig` stands for the exchange: it accepts quotes and reports.

use crate::*;
use hourbook_api::v1::{self, InstrumentStatus as Status, ReportKind, Side};
use hourbook_pricing::Params;
use proptest::prelude::{ProptestConfig, prop, prop_assert, prop_assert_eq, proptest};
use rust_decimal::dec;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PRODUCT: &str = "GP.CNNM.A";
const SESSION: u32 = 7;
/// 2026-11-24T08:00:00Z.
const OPENING: Time = Time(1_795_507_200 * Time::SECOND);
const FAIR: i64 = 200_000;

/// Quotes what it is told to.
struct Told(Arc<std::sync::Mutex<Quotes>>);

impl Strategy for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn quote(&mut self, _: &View) -> Quotes {
        self.0.lock().unwrap().clone()
    }
}

/// A quoter, and an exchange that takes every quote.
struct Rig {
    quoter: Quoter,
    now: Moment,
    entries: u64,
    orders: u64,
    /// Order, price and lots of each side, by instrument.
    standing: BTreeMap<(u32, i32), (u64, i64, i64)>,
}

fn hour(id: u32, ahead: i64) -> Instrument {
    let delivery = Time(OPENING.0 + ahead * Time::HOUR);
    Instrument {
        id,
        symbol: format!("{PRODUCT}.H{id}"),
        product: PRODUCT.into(),
        currency: "CNY".into(),
        tick_micros: 100,
        maker_fee_ppm: 200,
        delivery,
        hours: 1,
        gate: Time(delivery.0 - 300 * Time::SECOND),
    }
}

fn fair(price_micros: i64) -> Fair {
    let (low_micros, high_micros) = (price_micros * 9 / 10, price_micros * 11 / 10);
    Fair { price_micros, low_micros, high_micros, score_ppm: 900_000 }
}

fn declared(lots: i64) -> v1::CapacityRange {
    v1::CapacityRange {
        start_time: Some(prost_types::Timestamp { seconds: OPENING.0 / Time::SECOND, nanos: 0 }),
        hours: 1_000,
        declared_quantity: lots,
        available_quantity: lots,
    }
}

impl Rig {
    /// One hour, ten hours ahead, with 100 lots declared, at a fair price of 0.2.
    fn new(settings: Settings, strategy: impl Strategy + 'static) -> Rig {
        let quoter = Quoter::new(settings, Box::new(strategy), SESSION);
        let now = Moment { time: OPENING, run: Duration::from_secs(1) };
        let mut rig = Rig { quoter, now, entries: 0, orders: 0, standing: BTreeMap::new() };
        rig.quoter.at(now);
        rig.quoter.list(hour(1, 10), Status::Continuous);
        rig.quoter.declared(PRODUCT, &[declared(100)], true);
        rig.quoter.price(PRODUCT, Some(fair(FAIR)));
        rig.quoter.prices_hold();
        rig.quoter.feed_heard();
        rig
    }

    fn pass(&mut self, by: Duration) {
        self.now = Moment { time: self.now.time.plus(by), run: self.now.run + by };
        self.quoter.at(self.now);
    }

    /// Decides, without having it done.
    fn decide(&mut self) -> Vec<Action> {
        self.quoter.at(self.now);
        self.quoter.decide()
    }

    /// Decides and has it done; the quotes that were sent.
    fn turn(&mut self) -> Vec<v1::Quote> {
        let mut all = Vec::new();
        for action in self.decide() {
            match action {
                Action::Quote(quotes) => {
                    self.entries += 1;
                    self.quoter.sent(self.entries, &quotes);
                    quotes.iter().for_each(|quote| self.take(quote));
                    all.extend(quotes);
                }
                Action::CancelAll | Action::Kill(_) => self.cancel_all(),
            }
        }
        all
    }

    fn take(&mut self, quote: &v1::Quote) {
        let sides = [
            (Side::Buy, quote.bid_price_micros, quote.bid_quantity),
            (Side::Sell, quote.ask_price_micros, quote.ask_quantity),
        ];
        for (side, price, lots) in sides {
            let key = (quote.instrument_id, side as i32);
            match self.standing.get(&key).copied() {
                Some((_, at, left)) if at == price && left == lots => continue,
                Some((order, ..)) => self.report(ReportKind::Cancelled, key.0, side, order, price, 0, None),
                None => {}
            }
            self.standing.remove(&key);
            if lots > 0 {
                self.orders += 1;
                self.standing.insert(key, (self.orders, price, lots));
                self.report(ReportKind::Accepted, key.0, side, self.orders, price, lots, None);
            }
        }
    }

    fn cancel_all(&mut self) {
        for ((id, side), (order, price, _)) in std::mem::take(&mut self.standing) {
            let side = Side::try_from(side).unwrap();
            self.report(ReportKind::Cancelled, id, side, order, price, 0, None);
        }
    }

    /// Somebody trades with a side that stands.
    fn fill(&mut self, id: u32, side: Side, lots: i64) {
        let key = (id, side as i32);
        let (order, price, left) = self.standing[&key];
        let lots = lots.min(left);
        match left - lots {
            0 => drop(self.standing.remove(&key)),
            rest => drop(self.standing.insert(key, (order, price, rest))),
        }
        let fill = v1::Fill { price_micros: price, quantity: lots, fee_micros: 3, ..Default::default() };
        self.report(ReportKind::Filled, id, side, order, price, left - lots, Some(fill));
    }

    #[expect(clippy::too_many_arguments, reason = "they are the report")]
    fn report(
        &mut self,
        kind: ReportKind,
        id: u32,
        side: Side,
        order_id: u64,
        price_micros: i64,
        leaves_quantity: i64,
        fill: Option<v1::Fill>,
    ) {
        let ours = kind != ReportKind::Filled;
        self.quoter.reported(&v1::ExecutionReport {
            kind: kind as i32,
            instrument_id: id,
            side: side as i32,
            order_id,
            price_micros,
            leaves_quantity,
            fill,
            session_id: if ours { SESSION } else { 0 },
            request_number: if ours { self.entries } else { 0 },
            ..Default::default()
        });
    }
}

fn level(price_micros: i64, lots: i64) -> Level {
    Level { price_micros, lots }
}

fn fixed() -> FixedSpread {
    FixedSpread { half_ppm: 10_000, skew_ppm: 0 }
}

#[test]
fn both_sides_stand_about_the_fair_price() {
    let mut rig = Rig::new(Settings::default(), fixed());
    assert_eq!(rig.turn(), [v1::Quote::of(1, (198_000, 10), (202_000, 10))]);
    assert_eq!(rig.turn(), [], "what stands is not sent again");
    let figures = rig.quoter.figures();
    assert_eq!((figures.two_sided, figures.tradable, figures.standing), (1, 1, 2));
    rig.pass(Duration::from_secs(1));
    let figures = rig.quoter.figures();
    assert_eq!((figures.two_sided_ppm, figures.spread_ppm), (1_000_000, 20_000));
}

#[test]
fn only_what_moved_is_sent_again() {
    let mut rig = Rig::new(Settings::default(), fixed());
    rig.quoter.list(hour(2, 11), Status::Continuous);
    assert_eq!(rig.turn().len(), 2);
    // Half a thousandth is less than what is worth a message.
    rig.quoter.price(PRODUCT, Some(fair(FAIR + FAIR / 2_000)));
    assert_eq!(rig.turn(), []);
    rig.quoter.price(PRODUCT, Some(fair(FAIR + FAIR / 100)));
    assert_eq!(rig.turn().len(), 2);
    // A fill of less than half leaves the rest in its place; of more, it is filled up. Nobody else's quote is sent.
    rig.fill(1, Side::Sell, 4);
    assert_eq!(rig.turn(), []);
    rig.fill(1, Side::Sell, 2);
    let sent = rig.turn();
    assert_eq!(sent.iter().map(|quote| quote.instrument_id).collect::<Vec<_>>(), [1]);
    assert_eq!(sent[0].ask_quantity, 10);
}

#[test]
fn nothing_is_sent_while_a_quote_is_unanswered() {
    let mut rig = Rig::new(Settings::default(), fixed());
    let [Action::Quote(quotes)] = &rig.decide()[..] else { panic!("a quote") };
    rig.quoter.sent(1, quotes);
    rig.quoter.price(PRODUCT, Some(fair(FAIR * 2)));
    assert_eq!(rig.decide(), []);
    rig.quoter.not_done(1, None);
    rig.pass(Duration::from_secs(1));
    let [Action::Quote(quotes)] = &rig.decide()[..] else { panic!("it is sent anew") };
    assert_eq!(quotes[0].bid_price_micros, 396_000);
}

#[test]
fn what_others_bid_and_offer_is_not_crossed() {
    let mut rig = Rig::new(Settings::default(), fixed());
    // Someone offers below our bid, and someone bids above our ask elsewhere.
    rig.quoter.book(1, [].into_iter(), [level(197_000, 5)].into_iter());
    assert_eq!(rig.turn(), [v1::Quote::of(1, (196_900, 10), (202_000, 10))]);
    // What the maker itself has standing is not in its way.
    rig.quoter.book(1, [level(196_900, 10)].into_iter(), [level(202_000, 10)].into_iter());
    assert_eq!(rig.turn()[0].bid_price_micros, 198_000);
}

#[test]
fn a_strategy_that_crosses_itself_quotes_nothing() {
    for (bid, ask) in [(level(200_000, 5), level(200_000, 5)), (level(210_000, 5), level(190_000, 5))] {
        let told = Arc::new(std::sync::Mutex::new(Quotes { bid: Ok(bid), ask: Ok(ask) }));
        let mut rig = Rig::new(Settings::default(), Told(Arc::clone(&told)));
        assert_eq!(rig.turn(), []);
        let why = rig.quoter.figures().withheld.into_keys().next().unwrap();
        assert_eq!(why, "the strategy's bid is not below its ask");
    }
    // Off the tick, below it, and with more lots than there are.
    let quotes = Quotes { bid: Ok(level(50, 5)), ask: Ok(level(200_050, 5_000)) };
    let told = Arc::new(std::sync::Mutex::new(quotes));
    let mut rig = Rig::new(Settings { size: 1_000, ..Settings::default() }, Told(told));
    assert_eq!(rig.turn(), [v1::Quote::of(1, (0, 0), (200_100, 100))]);
}

#[test]
fn old_data_takes_everything_back_until_it_is_fresh() {
    let mut rig = Rig::new(Settings::default(), fixed());
    assert_eq!(rig.turn().len(), 1);
    rig.pass(Duration::from_secs(11));
    assert_eq!(rig.decide(), [Action::CancelAll]);
    rig.cancel_all();
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.decide(), [], "once is enough");
    assert_eq!(rig.quoter.figures().state, State::Waiting { why: "market data is too old".into() });
    rig.quoter.feed_heard();
    assert_eq!(rig.turn().len(), 1, "it is fresh again");
    // The same with prices: they hold until they are lost, and a while longer.
    rig.quoter.prices_lost();
    rig.pass(Duration::from_secs(9));
    rig.quoter.feed_heard();
    assert_eq!(rig.decide(), []);
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.decide(), [Action::CancelAll]);
    assert_eq!(rig.quoter.figures().stale_stops, 2);
}

#[test]
fn a_lost_session_stops_quoting_and_its_return_begins_again() {
    let mut rig = Rig::new(Settings::default(), fixed());
    rig.turn();
    rig.pass(Duration::from_secs(1));
    let before = rig.quoter.figures();
    assert_eq!(before.two_sided_ppm, 1_000_000);
    assert_eq!((before.two_sided, before.standing), (1, 2));
    rig.quoter.session_lost();
    assert_eq!(rig.decide(), [], "there is nobody to say anything to");
    // What stood went with it, though no report says so yet.
    rig.pass(Duration::from_secs(1));
    let after = rig.quoter.figures();
    assert_eq!((after.two_sided, after.standing), (0, 0));
    assert_eq!(after.two_sided_ppm, 500_000);
    rig.cancel_all();
    rig.quoter.session_back();
    assert_eq!(rig.turn().len(), 1);
}

#[test]
fn a_breach_kills_and_nothing_follows() {
    let limits = Limits { loss_micros: 1_000, ..Limits::default() };
    let mut rig = Rig::new(Settings { limits, ..Settings::default() }, fixed());
    rig.turn();
    rig.fill(1, Side::Buy, 10);
    rig.quoter.price(PRODUCT, Some(fair(FAIR / 2)));
    let loss = 10 * (198_000 - FAIR as i128 / 2) + 3;
    assert_eq!(rig.decide(), [Action::Kill(Breach::Loss { micros: -loss, limit: 1_000 })]);
    rig.quoter.price(PRODUCT, Some(fair(FAIR)));
    assert_eq!(rig.decide(), []);
    assert_eq!(rig.quoter.figures().state.name(), "killed");
}

#[test]
fn a_storm_of_refusals_kills() {
    let limits = Limits { refusals_per_minute: 3, ..Limits::default() };
    let mut rig = Rig::new(Settings { limits, ..Settings::default() }, fixed());
    for number in 1..=4 {
        assert_eq!(rig.quoter.figures().state.name(), if number == 1 { "starting" } else { "quoting" });
        rig.decide();
        let report = v1::ExecutionReport {
            kind: ReportKind::Rejected as i32,
            instrument_id: 1,
            side: Side::Buy as i32,
            session_id: SESSION,
            request_number: number,
            reject_reason: v1::RejectReason::InsufficientFunds as i32,
            ..Default::default()
        };
        rig.quoter.reported(&report);
    }
    assert!(matches!(rig.decide()[..], [Action::Kill(Breach::Refusals { in_a_minute: 4, .. })]));
    assert_eq!(rig.quoter.figures().refused["INSUFFICIENT_FUNDS"], 4);
}

#[test]
fn a_side_that_was_refused_is_tried_again_after_a_while() {
    let mut rig = Rig::new(Settings::default(), fixed());
    let [Action::Quote(quotes)] = &rig.decide()[..] else { panic!("a quote") };
    rig.quoter.sent(1, quotes);
    rig.entries = 1;
    rig.orders = 1;
    rig.report(ReportKind::Accepted, 1, Side::Buy, 1, 198_000, 10, None);
    rig.quoter.reported(&v1::ExecutionReport {
        kind: ReportKind::Rejected as i32,
        instrument_id: 1,
        side: Side::Sell as i32,
        session_id: SESSION,
        request_number: 1,
        reject_reason: v1::RejectReason::InsufficientHours as i32,
        ..Default::default()
    });
    assert_eq!(rig.decide(), []);
    rig.pass(Duration::from_secs(9));
    rig.quoter.feed_heard();
    assert_eq!(rig.decide(), [], "nothing has changed since");
    rig.pass(Duration::from_secs(2));
    rig.quoter.feed_heard();
    let [Action::Quote(quotes)] = &rig.decide()[..] else { panic!("again") };
    assert_eq!(quotes[..], [v1::Quote::of(1, (198_000, 10), (202_000, 10))]);
}

#[test]
fn the_operators_kill_switch_ends_it() {
    let mut rig = Rig::new(Settings::default(), fixed());
    rig.turn();
    rig.quoter.reported(&v1::ExecutionReport {
        kind: ReportKind::Cancelled as i32,
        instrument_id: 1,
        side: Side::Buy as i32,
        cancel_reason: v1::CancelReason::Kill as i32,
        ..Default::default()
    });
    assert_eq!(rig.decide(), [Action::Kill(Breach::Killed)]);
}

#[test]
fn limits_hold_even_if_everything_is_filled_at_once() {
    // Room for 30 lot-hours in the product, and 100 instruments that want 10 on each side.
    let limits = Limits { product_lot_hours: 30, ..Limits::default() };
    let mut rig = Rig::new(Settings { limits, ..Settings::default() }, fixed());
    (2..=100).for_each(|id| rig.quoter.list(hour(id, 10 + i64::from(id)), Status::Continuous));
    let sent = rig.turn();
    let at_worst: i64 = sent.iter().map(|quote| quote.bid_quantity.max(quote.ask_quantity)).sum();
    assert_eq!(at_worst, 30);
    let standing: Vec<(u32, i32)> = rig.standing.keys().copied().collect();
    for (id, side) in standing {
        if side == Side::Buy as i32 {
            rig.fill(id, Side::Buy, 1_000);
        }
    }
    rig.turn();
    assert_eq!(rig.quoter.figures().open_lot_hours, 30);
    assert_eq!(rig.quoter.figures().state, State::Quoting);
}

#[test]
fn quotes_wait_where_they_would_be_too_many_a_second() {
    let limits = Limits { quotes_per_second: 10, ..Limits::default() };
    let mut rig = Rig::new(Settings { limits, ..Settings::default() }, fixed());
    (2..=35).for_each(|id| rig.quoter.list(hour(id, 10 + i64::from(id)), Status::Continuous));
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(rig.turn().len());
        rig.pass(Duration::from_secs(1));
        rig.quoter.feed_heard();
    }
    assert_eq!(sent, [10, 10, 10, 5]);
}

#[test]
fn near_the_gate_quotes_are_withdrawn_and_an_hour_is_delivered_or_perishes() {
    let mut rig = Rig::new(Settings::default(), fixed());
    rig.quoter.list(hour(2, 11), Status::Continuous);
    rig.turn();
    rig.fill(1, Side::Sell, 10);
    rig.fill(2, Side::Buy, 10);
    let until_gate = Duration::from_secs(10 * 3_600 - 300);
    rig.pass(until_gate - Duration::from_secs(60));
    rig.quoter.feed_heard();
    let sent = rig.turn();
    assert!(sent.contains(&v1::Quote::of(1, (0, 0), (0, 0))), "{sent:?}");
    rig.quoter.status(1, Status::GateClosed);
    rig.quoter.delist(1);
    // Sold ten lots one percent above what they are worth, less two fees.
    assert_eq!(rig.quoter.figures().realised_micros, 10 * 2_000 - 6);
    rig.quoter.status(2, Status::GateClosed);
    let figures = rig.quoter.figures();
    assert_eq!(figures.realised_micros, 10 * 2_000 - 6 - 10 * 198_000);
    assert_eq!((figures.perished_lot_hours, figures.open_lot_hours, figures.marked_micros), (10, 0, 0));
}

#[test]
fn a_day_becomes_its_hours_with_their_share_of_the_cost() {
    let mut rig = Rig::new(Settings::default(), fixed());
    let day = Instrument { id: 50, hours: 24, ..hour(50, 16) };
    rig.quoter.list(day.clone(), Status::Continuous);
    (0..24).for_each(|n| rig.quoter.list(hour(100 + n, 16 + i64::from(n)), Status::Continuous));
    rig.turn();
    rig.fill(50, Side::Buy, 5);
    let before = rig.quoter.figures();
    rig.quoter.status(50, Status::GateClosed);
    let after = rig.quoter.figures();
    assert_eq!(rig.quoter.holdings().position(50).units, 0);
    assert_eq!(rig.quoter.holdings().position(100).units, 5);
    assert_eq!(after.open_lot_hours, 120);
    assert_eq!((after.profit_micros(), after.net_lot_hours), (before.profit_micros(), before.net_lot_hours));
}

#[test]
fn kinds_of_periods_share_the_hours_that_they_cover() {
    let mut rig = Rig::new(Settings { size: 1_000, ..Settings::default() }, fixed());
    rig.quoter.list(Instrument { id: 50, hours: 24, ..hour(50, 5) }, Status::Continuous);
    let offered: i64 = rig.turn().iter().map(|quote| quote.ask_quantity).sum();
    assert_eq!(offered, 100, "the hour and the day together offer what is declared");
}

#[test]
fn the_priced_strategy_leans_away_from_what_it_holds() {
    let instrument = hour(1, 24);
    let mut strategy = QualityPriced::new(Arc::new(Params::standard()));
    let mut asked = |sellable, room, volatility| {
        let view = View {
            instrument: &instrument,
            now: OPENING,
            fair: fair(FAIR),
            grade: v1::RatingGrade::A,
            bids: &[],
            asks: &[],
            trades: &[],
            position: 0,
            sellable,
            room,
            size: 10,
            volatility,
        };
        strategy.quote(&view)
    };
    let (light, heavy) = (asked(100, 900, None), asked(900, 100, None));
    assert!(heavy.bid.clone().unwrap().price_micros < light.bid.clone().unwrap().price_micros);
    assert!(heavy.ask.unwrap().price_micros < light.ask.clone().unwrap().price_micros);
    let (calm, wild) = (asked(100, 900, Some(dec!(0))), asked(100, 900, Some(dec!(0.1))));
    assert_eq!(calm, light, "quiet is no sign of safety");
    assert!(wild.ask.unwrap().price_micros > light.ask.unwrap().price_micros);
    assert!(asked(0, 100, None).ask.is_err() && asked(100, 0, None).bid.is_err());
}

#[test]
fn a_fair_price_stays_on_its_leash() {
    let params = Params::standard();
    let modelled = Fair::modelled(&params, PRODUCT, "CNY", 900_000).unwrap();
    assert_eq!(Fair::modelled(&params, "GP.NOWHERE.A", "CNY", 900_000), None);
    let far = fair(modelled * 3).leashed(modelled, 100_000);
    assert_eq!(far.price_micros, modelled + modelled / 10);
    assert!(far.low_micros < far.price_micros && far.price_micros < far.high_micros);
    let near = fair(modelled + 100);
    assert_eq!(near.leashed(modelled, 100_000), near);
    assert_eq!(near.leashed(modelled, 0).price_micros, modelled);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is filled and wherever prices go, nothing crosses, and money and lots add up.
    #[test]
    fn whatever_happens_quotes_are_sound_and_money_adds_up(
        half_ppm in 0_u32..200_000,
        skew_ppm in 0_u32..500_000,
        steps in prop::collection::vec((0_u8..5, 0_u32..3, 1_i64..15, 1_i64..400_000), 1..60),
    ) {
        let mut rig = Rig::new(Settings::default(), FixedSpread { half_ppm, skew_ppm });
        rig.quoter.list(hour(2, 11), Status::Continuous);
        rig.quoter.list(Instrument { id: 3, hours: 24, ..hour(3, 16) }, Status::Continuous);
        let hours = |id: u32| if id == 3 { 24 } else { 1 };
        let (mut cash, mut units) = (0_i128, BTreeMap::<u32, i64>::new());
        for (what, which, lots, price) in steps {
            let (id, side) = (which + 1, if price % 2 == 0 { Side::Buy } else { Side::Sell });
            match what {
                0 => rig.quoter.price(PRODUCT, Some(fair(price))),
                1 => rig.quoter.book(id, [level(price, lots)].into_iter(), [level(price + 100, lots)].into_iter()),
                2 => {
                    rig.pass(Duration::from_secs(5));
                    rig.quoter.feed_heard();
                }
                _ => if let Some((_, at, left)) = rig.standing.get(&(id, side as i32)).copied() {
                    let lots = lots.min(left);
                    let sign = if side == Side::Buy { 1 } else { -1 };
                    cash -= i128::from(sign * at * lots * hours(id)) + 3;
                    *units.entry(id).or_default() += sign * lots;
                    rig.fill(id, side, lots);
                },
            }
            for quote in rig.turn() {
                let (bid, ask) = (quote.bid_price_micros, quote.ask_price_micros);
                prop_assert!(bid % 100 == 0 && ask % 100 == 0);
                prop_assert!((bid > 0) == (quote.bid_quantity > 0) && (ask > 0) == (quote.ask_quantity > 0));
                prop_assert!(bid == 0 || ask == 0 || bid < ask, "{quote:?}");
            }
            let holdings = rig.quoter.holdings();
            let cost: i128 = holdings.positions().map(|(_, position)| position.cost_micros).sum();
            prop_assert_eq!(holdings.realised_micros() - cost, cash);
            for id in 1..=3 {
                prop_assert_eq!(holdings.position(id).units, units.get(&id).copied().unwrap_or(0));
            }
            let sold_out = holdings.free(&hour(1, 10)) < 0;
            prop_assert!(!sold_out);
        }
    }
}
