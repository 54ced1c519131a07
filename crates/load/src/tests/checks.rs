//! Whoever tells what is not so is found out; whoever tells the truth is measured.

use super::liar::{self, Lie};
use crate::pace::Arrivals;
use crate::subscribers::{Numbers, level};
use crate::trades::Trades;
use crate::{Audit, Book, Customer, Desk, Error, Figures, Mix, Pace, Plan, Progress, Way};
use hourbook_api::v1;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const MIDDLE: i64 = 2_000_000;
const SHORT: Duration = Duration::from_millis(50);

async fn run(lie: Lie, way: Way, pace: Pace) -> Result<(Figures, Audit), Error> {
    run_for(SHORT, lie, way, pace).await
}

/// Fills the books of a server, measures it for a while, and ends.
async fn run_for(measured: Duration, lie: Lie, way: Way, pace: Pace) -> Result<(Figures, Audit), Error> {
    let address = liar::serve(lie).await;
    let books = [Book { instrument: 7, price: MIDDLE, tick: 100 }].into();
    let desk = Desk { key: "k".into(), authority: None, account: 1, books, keeps_reports: false };
    let plan = Plan { way, pace, mix: Mix::ExchangeCore, resting: 200, seed: 1, unread: 1_000 };
    let progress = Progress::default();
    let mut customer = Customer::connect(plan, &address, &[desk], progress.clone()).await?;
    customer.fill().await?;
    let figures = customer.round(Duration::ZERO, measured).await?;
    assert!(progress.answered() >= 200 + figures.answered, "whoever watches sees it go on");
    let audit = customer.end().await?;
    Ok((figures, audit))
}

const WINDOW: Way = Way::Session { entries: 1, messages: 16 };

#[tokio::test]
async fn whoever_tells_the_truth_is_measured() {
    for way in [WINDOW, Way::Session { entries: 10, messages: 4 }] {
        let (figures, audit) = run(Lie::None, way, Pace::Full).await.unwrap();
        assert!(figures.answered > 0 && figures.answered <= figures.requests);
        assert_eq!(figures.latency.len(), figures.answered);
        assert!(figures.elapsed >= SHORT && figures.per_second() > 0.0);
        assert_eq!((figures.rejected_in_all(), figures.errors, audit.with_others), (0, 0, 0));
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_or_doubled_is_found() {
    for lie in [Lie::NoReport, Lie::ReportTwice] {
        let found = run(lie, WINDOW, Pace::Full).await;
        assert!(matches!(found, Err(Error::Report { .. })), "{lie:?}: {found:?}");
    }
    // Numbered as if nothing were wrong.
    for lie in [Lie::NoAnswer, Lie::AnswerTwice] {
        let found = run(lie, WINDOW, Pace::Full).await;
        assert!(matches!(found, Err(Error::Answer { .. })), "{lie:?}: {found:?}");
    }
}

#[tokio::test]
async fn what_was_not_sequenced_ends_the_run() {
    let found = run(Lie::Throttled, WINDOW, Pace::Full).await;
    assert!(matches!(found, Err(Error::Refused { .. })), "{found:?}");
}

#[tokio::test]
async fn what_the_market_refuses_is_counted_and_no_error() {
    let (figures, _) = run(Lie::Refusals, WINDOW, Pace::Full).await.unwrap();
    assert!(figures.rejects[&v1::RejectReason::Halted] > 0, "{:?}", figures.rejects);
    assert_eq!(figures.errors, 0);
}

#[tokio::test]
async fn a_pause_counts_for_every_request_that_was_due_in_it() {
    // The server answers at once but for one pause; a thousand requests a second are due all the while.
    let (measured, paused) = (SHORT * 20, Lie::Pause(SHORT * 8));
    let one = Way::Session { entries: 1, messages: 1 };
    // A tenth of a second: a closed loop has no more than ten of them in the time, however slow the machine.
    let late = |figures: &Figures| {
        let slow = figures.latency.iter_recorded().filter(|step| step.value_iterated_to() > 100_000_000);
        slow.map(|step| step.count_at_value()).sum::<u64>()
    };
    let (open, _) = run_for(measured, paused, one, Pace::PerSecond(1_000.0)).await.unwrap();
    assert!(late(&open) > 20, "those that were due meanwhile waited too: {}", late(&open));
    let (closed, _) = run_for(measured, paused, one, Pace::Full).await.unwrap();
    assert!(late(&closed) < late(&open), "a closed loop asks nothing meanwhile: {}", late(&closed));
}

#[tokio::test]
async fn requests_are_due_when_they_are_due_whether_anybody_looks_or_not() {
    let began = Instant::now();
    let mut arrivals = Arrivals::begin(began, 10_000.0, 7).unwrap();
    let looked = began + SHORT;
    let due: Vec<Instant> = std::iter::from_fn(|| arrivals.due(looked)).collect();
    // About 500, Poisson.
    assert!((400..=600).contains(&due.len()), "{} are due", due.len());
    assert!(due.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(due[0] >= began && due[0] < began + SHORT / 2, "the first was due long before");
    arrivals.wait().await.unwrap();
    assert!(Instant::now() > looked, "the next one is due later");
    assert!(arrivals.due(looked + SHORT).is_some());
}

#[test]
fn a_fill_that_only_one_side_was_told_is_seen() {
    let told = |trade_id, side: v1::Side, quantity| v1::ExecutionReport {
        side: side as i32,
        quantity: 10,
        cumulative_quantity: 4,
        leaves_quantity: 6,
        fill: Some(v1::Fill { trade_id, price_micros: MIDDLE, quantity, ..v1::Fill::default() }),
        ..v1::ExecutionReport::default()
    };
    let mut trades = Trades::default();
    trades.heard(&told(1, v1::Side::Buy, 4)).unwrap();
    trades.heard(&told(2, v1::Side::Sell, 4)).unwrap();
    trades.heard(&told(1, v1::Side::Sell, 4)).unwrap();
    assert_eq!(trades.counts(), (1, 1));
    let other_lots = trades.heard(&told(2, v1::Side::Buy, 3));
    assert!(matches!(other_lots, Err(Error::Fill { trade: 2, .. })), "{other_lots:?}");
    trades.heard(&told(3, v1::Side::Buy, 4)).unwrap();
    assert!(trades.heard(&told(3, v1::Side::Buy, 4)).is_err(), "the buyer has it twice");
    assert!(trades.heard(&told(4, v1::Side::Buy, 5)).is_err(), "more than is filled");
}

#[test]
fn a_change_that_a_subscriber_was_not_told_is_seen() {
    use v1::market_update::Content;
    let part = |number, snapshot, incomplete| v1::SubscribeResponse {
        ready: Vec::new(),
        updates: vec![v1::MarketUpdate {
            number,
            snapshot,
            incomplete,
            content: Some(Content::Levels(v1::LevelChanges::default())),
            ..v1::MarketUpdate::default()
        }],
    };
    let told = |number, snapshot| part(number, snapshot, false);
    let begun = || {
        let mut numbers = Numbers::default();
        for first in [part(40, true, true), part(40, true, true), told(40, true), told(41, false)] {
            assert_eq!(numbers.take(Some(first)).unwrap(), 1);
        }
        numbers
    };
    let found = begun().take(Some(told(43, false)));
    assert!(matches!(found, Err(Error::Update { expected: 42, found: 43 })), "{found:?}");
    // Whoever chose to be closed where it is too slow is told no second snapshot: 42 to 60 would be missing.
    let found = begun().take(Some(told(60, true)));
    assert!(matches!(found, Err(Error::Snapshot { number: 60 })), "{found:?}");
    let found = Numbers::default().take(Some(told(41, false)));
    assert!(matches!(found, Err(Error::Update { .. })), "changes of what: {found:?}");
}

#[tokio::test]
async fn readers_end_where_any_of_them_is_or_it_is_an_error() {
    let ((_ahead, one), (tells, other)) = (watch::channel([5, 9, 2]), watch::channel([5, 7, 2]));
    let found = level(vec![one.clone(), other.clone()], SHORT).await;
    assert!(matches!(found, Err(Error::Behind { expected: 9, found: 7 })), "{found:?}");
    let (waits, _) = tokio::join!(level(vec![one.clone(), other.clone()], SHORT * 1_000), async {
        tells.send_replace([5, 8, 2]);
        tokio::task::yield_now().await;
        tells.send_replace([6, 9, 2])
    });
    waits.unwrap();
    tells.send_replace([5, 8, 2]);
    drop(tells);
    let found = level(vec![one, other], SHORT * 1_000).await;
    assert!(matches!(found, Err(Error::Behind { .. })), "it will be told no more: {found:?}");
}

#[test]
fn a_desk_does_not_show_its_key() {
    let key = String::from("hb_secret");
    let desk = Desk { key, authority: None, account: 1, books: [].into(), keeps_reports: true };
    let shown = format!("{desk:?}");
    assert!(shown.contains("account: 1") && !shown.contains("secret"), "{shown}");
}
