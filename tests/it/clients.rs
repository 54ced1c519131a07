//! Sessions and drop copy of the Rust client, against an exchange whose connections break at every place: nothing is lost,
//! nothing is done twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use hourbook_api::client::{Advice, Cause, Client, Error, Event, Session, SessionOptions};
use hourbook_api::v1::trade_entry::Request;
use hourbook_api::v1::{self, ReportKind, Side};
use tonic::Code;

use crate::proxy::{CUTS, Proxy, Random, allow_more, in_time, seed};
use crate::venue::{FREE, Member, Venue, limit};

/// What a session has told, held together as it comes.
#[derive(Default)]
struct Heard {
    reports: Vec<v1::ExecutionReport>,
    answered: BTreeSet<u64>,
    refused: BTreeMap<u64, Cause>,
    reconnects: u64,
    sent_again: usize,
}

impl Heard {
    fn hear(&mut self, event: Event) {
        match event {
            Event::Report { report, answers } => {
                assert_eq!(report.number, self.reports.last().map_or(report.number, |last| last.number + 1));
                if let Some(number) = answers {
                    assert!(self.answered.insert(number), "entry {number} was answered twice");
                }
                self.reports.push(report);
            }
            Event::Refused(refusal) => {
                let before = self.refused.insert(refusal.number, refusal.cause);
                assert_eq!(before, None, "entry {} was refused twice", refusal.number);
            }
            Event::Disconnected { .. } => {}
            Event::Reconnected(back) => {
                assert!(back.is_gapless);
                self.reconnects += 1;
                self.sent_again += back.sent_again;
            }
        }
    }
}

/// The account's reports as drop copy has them, from the first to number `last`.
async fn copied(member: &Member, last: u64) -> Vec<v1::ExecutionReport> {
    let mut copy = member.client.executions(member.account, 1).await.unwrap();
    let mut reports = Vec::new();
    while (reports.len() as u64) < last {
        if let Event::Report { report, .. } = in_time("drop copy", copy.next()).await.unwrap() {
            reports.push(report);
        }
    }
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_cut_at_a_hundred_places_loses_nothing_and_doubles_nothing() {
    const ORDERS: u64 = 3_000;
    let seed = seed();
    let mut random = Random::new(seed);
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 1_000_000).await, venue.buyer("bob", 1_000_000).await);
    let symbol = venue.hour(FREE, 30);
    ann.sell(&symbol, 800, 100_000).await;
    allow_more(&venue, &bob, 5_000).await;
    let proxy = Proxy::before(&venue, CUTS, 12_000, seed).await;

    // The first connection may be cut before it is logged on; a session that never began is tried again by its user.
    let client = loop {
        match Client::connect(&format!("http://{}", proxy.address), &bob.key, None).await {
            Ok(client) => break client,
            Err(error) => assert!(matches!(error.advice(), Advice::Again { .. }), "{error}"),
        }
    };
    let options = SessionOptions { window: 100, ..SessionOptions::new(bob.account, "cut") };
    let Session { mut entries, mut events } = loop {
        match client.session(options.clone()).await {
            Ok(session) => break session,
            Err(error) if error.reason().as_deref() == Some("SESSION_IN_USE") => {}
            Err(error) => assert!(matches!(error.advice(), Advice::Again { .. }), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let symbol_of_orders = symbol.clone();
    let asking = tokio::spawn(async move {
        let (mut placed, mut misshapen) = (BTreeMap::new(), BTreeSet::new());
        let mut number = 0;
        while number < ORDERS {
            let together = 1 + random.below(20);
            let mut batch = Vec::new();
            for _ in 0..together {
                number += 1;
                let id = format!("o{number}");
                let price =
                    if random.below(4) == 0 { 100_000 } else { 90_000 + 100 * random.below(50) as i64 };
                batch.push(match random.below(10) {
                    0 => (id, Request::Place(limit(Side::Buy, &symbol_of_orders, -1, price))),
                    1 => (
                        String::new(),
                        Request::Cancel(format!("o{}", number.saturating_sub(2)).as_str().into()),
                    ),
                    _ => (id, Request::Place(limit(Side::Buy, &symbol_of_orders, 1, price))),
                });
            }
            let kinds: Vec<_> = batch.iter().map(|(id, request)| (id.clone(), request.clone())).collect();
            let numbers = entries.send(batch).await.unwrap();
            for (number, (id, request)) in numbers.zip(kinds) {
                match request {
                    Request::Place(order) if order.quantity < 0 => drop(misshapen.insert(number)),
                    Request::Place(_) => drop(placed.insert(number, id)),
                    _ => {}
                }
            }
        }
        let last = entries.next_number() - 1;
        entries.log_off().await.unwrap();
        (placed, misshapen, last)
    });
    let mut heard = Heard::default();
    while let Some(event) = in_time("a session", events.next()).await.unwrap() {
        heard.hear(event);
    }
    let (placed, misshapen, last) = asking.await.unwrap();
    println!(
        "{} cuts, {} reconnects, {} entries, {} sent again, {} reports, {} refused, {} of them unheard",
        proxy.cuts(),
        heard.reconnects,
        last,
        heard.sent_again,
        heard.reports.len(),
        heard.refused.len(),
        heard.refused.values().filter(|cause| **cause == Cause::Unheard).count()
    );
    assert_eq!(proxy.cuts(), CUTS);
    assert!(heard.sent_again > 0, "a cut that nothing was under way at shows nothing");

    for number in 1..=last {
        let (answered, refused) = (heard.answered.contains(&number), heard.refused.get(&number));
        assert_ne!(answered, refused.is_some(), "entry {number} has one answer: {refused:?}");
        assert_eq!(refused.is_some(), misshapen.contains(&number), "entry {number}: {refused:?}");
        if let Some(Cause::Misshapen { field, .. }) = refused {
            assert_eq!(field, "place.quantity");
        }
    }
    let copied = copied(&bob, heard.reports.last().unwrap().number).await;
    assert_eq!(copied, heard.reports, "0 lost, 0 doubled reports");
    let mut accepted: BTreeMap<&str, u64> = BTreeMap::new();
    for report in copied.iter().filter(|report| report.kind() == ReportKind::Accepted) {
        *accepted.entry(&report.client_order_id).or_default() += 1;
        assert_eq!(placed.get(&report.request_number), Some(&report.client_order_id));
    }
    assert_eq!(accepted.len(), placed.len(), "0 lost orders");
    assert!(accepted.values().all(|count| *count == 1), "0 doubled orders");
    venue.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_on_over_silence_a_restart_and_a_new_process() {
    let mut venue = Venue::with("[limits]\nheartbeat = \"1s\"\nsilence = \"6s\"\n").await;
    let bob = venue.buyer("bob", 1_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await;
    let options = SessionOptions { cancel_on_disconnect: true, ..SessionOptions::new(bob.account, "desk") };
    let Session { mut entries, mut events } = client.session(options.clone()).await.unwrap();
    let mut heard = Heard::default();
    let order = |price| v1::NewOrder::limit(&symbol, Side::Buy, price, 1);
    assert_eq!(entries.place("first", order(90_000)).await.unwrap(), 1);
    while heard.answered.is_empty() {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    // Idle for longer than the silence limit, it lives by its heartbeats.
    assert!(tokio::time::timeout(Duration::from_secs(7), events.next()).await.is_err());

    // A way that swallows everything: what is sent now is sent again.
    proxy.is_deaf.store(true, Ordering::SeqCst);
    entries.place("second", order(91_000)).await.unwrap();
    let gone = in_time("the loss", events.next()).await.unwrap();
    assert!(matches!(gone, Some(Event::Disconnected { .. })), "{gone:?}");
    proxy.is_deaf.store(false, Ordering::SeqCst);
    while heard.answered.len() < 2 {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    assert_eq!((heard.reconnects, heard.sent_again), (1, 1));
    let kinds: Vec<_> = heard.reports.iter().map(|one| (one.client_order_id.as_str(), one.kind())).collect();
    let cancelled = ("first", ReportKind::Cancelled);
    assert_eq!(kinds, [("first", ReportKind::Accepted), cancelled, ("second", ReportKind::Accepted)]);

    // The exchange is stopped in order and started again, elsewhere.
    venue.stop().await;
    entries.place("third", order(92_000)).await.unwrap();
    venue.start().await;
    proxy.target.send_replace(venue.running().address);
    while heard.answered.len() < 3 {
        heard.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    entries.log_off().await.unwrap();
    while let Some(event) = in_time("the end", events.next()).await.unwrap() {
        heard.hear(event);
    }
    assert!(entries.place("late", order(93_000)).await.is_err(), "it is over");
    assert!(heard.refused.is_empty(), "{:?}", heard.refused);

    // Another process under the same name goes on with its numbers, and from the report after the last it knows.
    let resume_from = heard.reports[1].number + 1;
    let Session { mut entries, mut events } =
        client.session(SessionOptions { resume_from, ..options }).await.unwrap();
    assert_eq!(entries.place("fourth", order(94_000)).await.unwrap(), 4);
    let mut again = Heard::default();
    while again.answered.is_empty() {
        again.hear(in_time("an answer", events.next()).await.unwrap().unwrap());
    }
    assert_eq!(again.reports[..heard.reports.len() - 2], heard.reports[2..]);
    let over = client.session(SessionOptions { resume_from: 1_000, ..SessionOptions::new(bob.account, "x") });
    let error = over.await.err().unwrap();
    assert_eq!((error.reason().as_deref(), error.advice()), (Some("BEYOND_NEXT"), Advice::BeginAnew));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_session_keeps_the_pace_and_lets_go_of_what_is_too_old() {
    const ORDERS: u64 = 3_000;
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000_000).await;
    let symbol = venue.hour(FREE, 30);
    allow_more(&venue, &bob, 500).await;
    let options = SessionOptions {
        stale_after: Some(Duration::from_secs(1)),
        ..SessionOptions::new(bob.account, "fast")
    };
    let Session { mut entries, mut events } = bob.client.session(options).await.unwrap();
    for _ in 0..ORDERS / 100 {
        let order = || (String::new(), Request::Place(limit(Side::Buy, &symbol, 1, 90_000)));
        entries.send((0..100).map(|_| order())).await.unwrap();
    }
    let cancel = entries.mass_cancel(v1::MassCancelScope::default()).await.unwrap();
    entries.log_off().await.unwrap();
    let mut heard = Heard::default();
    while let Some(event) = in_time("an answer", events.next()).await.unwrap() {
        heard.hear(event);
    }
    println!("{} taken, {} too old", heard.answered.len(), heard.refused.len());
    assert_eq!((heard.answered.len() + heard.refused.len()) as u64, ORDERS + 1, "each has one answer");
    assert!(heard.refused.values().all(|cause| *cause == Cause::Stale), "{:?}", heard.refused);
    assert!(heard.answered.contains(&cancel), "what withdraws is never too old");
    assert!(heard.answered.len() >= 500 && !heard.refused.is_empty());
    assert_eq!(heard.reconnects, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_holds_for_calls_and_not_for_what_lasts() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000).await;
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await.with_deadline(Duration::from_secs(3));
    let mut copy = client.executions(bob.account, 0).await.unwrap();
    let request = v1::GetBalancesRequest { account_id: bob.account };
    client.accounts.clone().get_balances(request).await.unwrap();
    proxy.is_deaf.store(true, Ordering::SeqCst);
    let late = in_time("a deadline", client.accounts.clone().get_balances(request)).await.unwrap_err();
    assert!(matches!(late.code(), Code::Cancelled | Code::DeadlineExceeded), "{late}");
    assert_eq!(Error::from(late).advice(), Advice::Again { after: Duration::ZERO });
    proxy.is_deaf.store(false, Ordering::SeqCst);
    // By now drop copy has lasted for longer.
    bob.buy(&venue.hour(FREE, 30), 1, 90_000).await;
    let told = in_time("a report", copy.next()).await.unwrap();
    assert!(matches!(&told, Event::Report { report, .. } if report.number == 1), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_old_is_not_sent_again_and_who_gives_up_says_what_is_open() {
    let mut venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 1, 1).await;
    let client = proxy.client(&bob).await;
    let options = SessionOptions {
        stale_after: Some(Duration::from_secs(3)),
        give_up_after: Some(Duration::from_secs(20)),
        ..SessionOptions::new(bob.account, "desk")
    };
    let Session { mut entries, mut events } = client.session(options).await.unwrap();
    let order = |price| v1::NewOrder::limit(&symbol, Side::Buy, price, 1);
    venue.stop().await;
    let gone = in_time("the loss", events.next()).await.unwrap();
    assert!(matches!(gone, Some(Event::Disconnected { .. })), "{gone:?}");
    entries.place("old", order(90_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    venue.start().await;
    proxy.target.send_replace(venue.running().address);
    let back = in_time("the way back", events.next()).await.unwrap();
    assert!(matches!(back, Some(Event::Reconnected(_))), "{back:?}");
    entries.place("new", order(91_000)).await.unwrap();
    match in_time("a refusal", events.next()).await.unwrap() {
        Some(Event::Refused(refusal)) => {
            assert_eq!((refusal.number, refusal.client_order_id.as_str()), (1, "old"));
            assert_eq!(refusal.cause, Cause::Stale);
        }
        other => panic!("{other:?}"),
    }
    let answer = in_time("an answer", events.next()).await.unwrap();
    assert!(matches!(answer, Some(Event::Report { answers: Some(2), .. })), "{answer:?}");

    venue.stop().await;
    assert!(matches!(in_time("the loss", events.next()).await, Ok(Some(Event::Disconnected { .. }))));
    let error = in_time("the end", events.next()).await.unwrap_err();
    assert!(matches!(error, Error::Connect(_) | Error::Refused(_)), "nothing is open: {error}");
    assert!(in_time("after the end", events.next()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn drop_copy_cut_at_a_hundred_places_is_what_the_exchange_tells() {
    let seed = seed();
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000_000).await;
    let symbol = venue.hour(FREE, 30);
    let proxy = Proxy::before(&venue, 0, 2_000, seed).await;
    let client = proxy.client(&bob).await;
    let mut copy = client.executions(bob.account, 1).await.unwrap();
    proxy.most.store(CUTS, Ordering::SeqCst);
    let (mut reports, mut reconnects) = (Vec::new(), 0);
    let mut last = 0;
    while proxy.cuts() < CUTS || reports.len() < last {
        if proxy.cuts() < CUTS && reports.len() >= last {
            for price in 0..10 {
                bob.buy(&symbol, 1, 90_000 + price).await;
            }
            last += 10;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        match in_time("drop copy", copy.next()).await.unwrap() {
            Event::Report { report, answers } => {
                assert_eq!((report.number, answers), (reports.len() as u64 + 1, None));
                reports.push(report);
            }
            Event::Reconnected(back) => {
                assert!(back.is_gapless);
                reconnects += 1;
            }
            Event::Disconnected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    println!("{} cuts, {reconnects} reconnects, {} reports", proxy.cuts(), reports.len());
    assert_eq!(copied(&bob, last as u64).await, reports);
    assert!(reconnects >= 50, "{reconnects}: some cuts come before a connection has begun");
}
