//! `Trade` sessions and drop copy: batches both ways, resumed by number, ended in every way there is.

use std::time::Duration;

use hourbook_api::client::Error;
use hourbook_api::v1;
use tonic::Code;
use tonic_types::StatusExt;
use v1::trade_entry::Request;
use v1::trade_response::Message;
use v1::{CancelReason, ReportKind, Side};

use crate::venue::{FREE, Member, Venue, by_id, entry, kind, limit};

fn logon(session: &str) -> v1::Logon {
    v1::Logon { session: session.into(), ..Default::default() }
}

fn reason(error: Error) -> (Code, String) {
    match error {
        Error::Refused(status) => {
            let reason = status.get_error_details().error_info().map(|info| info.reason.clone());
            (status.code(), reason.unwrap_or_default())
        }
        other => panic!("a status was awaited, not {other}"),
    }
}

/// The account's reports from a number on, as drop copy gives them, up to and with number `last`.
async fn copied(member: &Member, from_number: u64, last: u64) -> Vec<v1::ExecutionReport> {
    let request = v1::StreamExecutionsRequest { account_id: member.account, from_number };
    let mut stream = member.client.orders.clone().stream_executions(request).await.unwrap().into_inner();
    let mut reports = Vec::new();
    while reports.last().is_none_or(|report: &v1::ExecutionReport| report.number < last) {
        let next = tokio::time::timeout(Duration::from_secs(20), stream.message());
        reports.extend(next.await.expect("a report within 20 s").unwrap().unwrap().reports);
    }
    reports
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_sequenced_in_order_and_each_entry_reported() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    let symbol = venue.hour(FREE, 2);
    ann.sell(&symbol, 3, 100_000).await;

    let mut trading = bob.trade(logon("desk")).await;
    assert_eq!((trading.logged_on.last_number, trading.logged_on.next_report_number), (0, 1));
    let order = |lots, price| Request::Place(limit(Side::Buy, &symbol, lots, price));
    let misshapen = Request::Place(v1::NewOrder { quantity: -1, ..limit(Side::Buy, &symbol, 1, 100_000) });
    let named = v1::TradeEntry { client_order_id: "mine".into(), ..entry(4, order(2, 90_000)) };
    let cancel = v1::OrderName { name: Some(v1::order_name::Name::ClientOrderId("mine".into())) };
    trading
        .session
        .send(vec![
            entry(1, order(5, 100_000)),
            entry(2, order(1, 0)),
            entry(3, misshapen),
            named,
            entry(5, Request::Cancel(cancel)),
            // A number that was seen before is passed over.
            entry(5, order(7, 95_000)),
        ])
        .await
        .unwrap();

    let mut refused = Vec::new();
    while trading.reports.last().is_none_or(|report| report.request_number < 5) {
        match trading.next().await {
            Some(Message::Reports(batch)) => trading.reports.extend(batch.reports),
            Some(Message::EntryRefused(entry)) => refused.push((entry.number, entry.field)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused, [(2, "place.price_micros".to_string()), (3, "place.quantity".to_string())]);
    let told: Vec<_> =
        trading.reports.iter().map(|report| (report.number, report.request_number, kind(report))).collect();
    assert_eq!(
        told,
        [
            (1, 1, ReportKind::Accepted),
            (2, 1, ReportKind::Filled),
            (3, 4, ReportKind::Accepted),
            (4, 5, ReportKind::Cancelled),
        ]
    );
    assert_eq!(bob.open_orders().await.len(), 1);
    assert_eq!(copied(&bob, 1, 4).await, trading.reports, "drop copy is the same stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_resumes_without_loss_or_repetition_across_a_restart() {
    let mut venue = Venue::open().await;
    let (ann, mut bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    let symbol = venue.hour(FREE, 2);
    let order = |lots| Request::Place(limit(Side::Buy, &symbol, lots, 100_000));

    let mut first = bob.trade(logon("desk")).await;
    first.session.send(vec![entry(1, order(2)), entry(2, order(3))]).await.unwrap();
    first.until(|report| report.request_number == 2).await;
    assert_eq!(first.numbers(), [1, 2]);
    // The connection is lost; meanwhile an order of it trades.
    drop(first.session);
    ann.sell(&symbol, 2, 100_000).await;
    venue.restart().await;
    bob.reconnect(&venue).await;

    let again = v1::Logon { resume_from_number: 3, ..logon("desk") };
    let mut second = bob.trade(again).await;
    assert_eq!(second.logged_on.last_number, 2, "entries up to 2 were sequenced: send from 3");
    second.session.send(vec![entry(2, order(3)), entry(3, order(4))]).await.unwrap();
    second.until(|report| report.request_number == 3).await;
    assert_eq!(second.numbers(), [3, 4], "the fill meanwhile, then the new order");
    assert_eq!(kind(&second.reports[0]), ReportKind::Filled);
    assert_eq!(copied(&bob, 1, 4).await, [first.reports, second.reports].concat());
    assert_eq!(bob.open_orders().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_go_with_the_session_that_asked_for_it_and_only_those() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let symbol = venue.hour(FREE, 2);
    let order = Request::Place(limit(Side::Buy, &symbol, 1, 100_000));
    let stays = bob.buy(&symbol, 1, 90_000).await.report.unwrap();

    let mut trading = bob.trade(v1::Logon { cancel_on_disconnect: true, ..logon("desk") }).await;
    trading.session.send(vec![entry(1, order)]).await.unwrap();
    let placed = trading.until(|report| report.request_number == 1).await;
    drop(trading);

    let reports = copied(&bob, placed.number + 1, placed.number + 1).await;
    assert_eq!(
        (kind(&reports[0]), reports[0].cancel_reason()),
        (ReportKind::Cancelled, CancelReason::Disconnect)
    );
    assert_eq!(reports[0].order_id, placed.order_id);
    let open = bob.open_orders().await;
    assert_eq!(
        open.iter()
            .filter_map(|order| order.report.as_ref())
            .map(|report| report.order_id)
            .collect::<Vec<_>>(),
        [stays.order_id]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_is_one_session_until_it_logs_off() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let mut first = bob.trade(logon("desk")).await;
    let on = |session: &str| v1::Logon { account_id: bob.account, ..logon(session) };
    let refused = bob.client.trade(on("desk")).await.err().unwrap();
    assert_eq!(reason(refused), (Code::AlreadyExists, "SESSION_IN_USE".into()));
    let beside = bob.trade(logon("another desk")).await;
    assert_ne!(beside.logged_on.session_id, first.logged_on.session_id);

    first.session.log_off().await.unwrap();
    assert!(matches!(first.next().await, Some(Message::LoggedOff(_))));
    assert!(first.next().await.is_none());
    let again = bob.trade(logon("desk")).await;
    assert_eq!(again.logged_on.session_id, first.logged_on.session_id, "a name lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_one_logon_and_needs_an_account_of_ones_own() {
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 1).await, venue.buyer("bob", 1).await);
    let foreign = v1::Logon { account_id: ann.account, ..logon("desk") };
    let refused = bob.client.trade(foreign).await.err().unwrap();
    assert_eq!(reason(refused), (Code::PermissionDenied, "ACCOUNT_NOT_YOURS".into()));
    let nameless = v1::Logon { account_id: bob.account, ..logon("") };
    let refused = bob.client.trade(nameless).await.err().unwrap();
    assert_eq!(reason(refused), (Code::InvalidArgument, "INVALID_FIELD".into()));

    let batch = v1::TradeRequest { message: Some(v1::trade_request::Message::Batch(Default::default())) };
    let requests = tokio_stream::iter([batch]);
    let answers = bob.client.orders.clone().trade(requests).await;
    let status = match answers {
        Err(status) => status,
        Ok(answers) => answers.into_inner().message().await.expect_err("no logon, no session"),
    };
    assert_eq!(reason(status.into()), (Code::FailedPrecondition, "LOGON_REQUIRED".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_fast_is_named_and_sent_again_nothing_is_lost() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1_000).await;
    let symbol = venue.hour(FREE, 2);
    let limits = v1::SetLimitsRequest {
        request_id: "limits".into(),
        account_id: bob.account,
        commands_per_second: 400,
        open_order_limit: 10_000,
    };
    venue.operator().await.admin.set_limits(limits).await.unwrap();
    let mut trading = bob.trade(logon("desk")).await;
    let entries = |numbers: std::ops::RangeInclusive<u64>| -> Vec<v1::TradeEntry> {
        numbers.map(|number| entry(number, Request::Place(limit(Side::Buy, &symbol, 1, 100_000)))).collect()
    };
    trading.session.send(entries(1..=1_000)).await.unwrap();
    trading.session.send(entries(1_001..=1_500)).await.unwrap();

    let (mut wanted, mut throttled) = (1_500, 0);
    while trading.reports.last().is_none_or(|report| report.request_number < wanted) {
        match trading.next().await {
            Some(Message::Reports(batch)) => trading.reports.extend(batch.reports),
            Some(Message::Throttled(told)) => {
                throttled += 1;
                let wait = told.retry_after.unwrap();
                let wait = Duration::new(wait.seconds as u64, wait.nanos as u32);
                tokio::time::sleep(wait + Duration::from_millis(20)).await;
                wanted = 1_500;
                trading.session.send(entries(told.first_refused_number..=wanted)).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(throttled > 0, "1,500 at once is more than 400 a second and a burst of 1,000");
    let requests: Vec<u64> = trading.reports.iter().map(|report| report.request_number).collect();
    assert_eq!(requests, (1..=1_500).collect::<Vec<_>>(), "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exchange_says_that_it_lives() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 1).await;
    let mut trading = bob.trade(logon("desk")).await;
    let interval = trading.logged_on.heartbeat_interval.unwrap();
    let patience = Duration::new(interval.seconds as u64, interval.nanos as u32) + Duration::from_secs(5);
    let said = tokio::time::timeout(patience, trading.session.next()).await.expect("a heartbeat in time");
    let Some(Message::Heartbeat(heartbeat)) = said.unwrap() else { panic!("a heartbeat was awaited") };
    assert!(heartbeat.sequence > 0);
    trading.session.heartbeat().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_falls_silent_loses_its_session_and_what_goes_with_it() {
    let venue = Venue::with("[limits]\nheartbeat = \"1s\"\nsilence = \"2s\"\n").await;
    let bob = venue.buyer("bob", 100).await;
    let symbol = venue.hour(FREE, 2);
    let mut trading = bob.trade(v1::Logon { cancel_on_disconnect: true, ..logon("desk") }).await;
    let seconds = |told: Option<prost_types::Duration>| told.map(|told| told.seconds);
    assert_eq!(seconds(trading.logged_on.heartbeat_interval), Some(1));
    assert_eq!(seconds(trading.logged_on.silence_limit), Some(2));
    let order = Request::Place(limit(Side::Buy, &symbol, 1, 100_000));
    trading.session.send(vec![entry(1, order)]).await.unwrap();
    let placed = trading.until(|report| report.request_number == 1).await;
    // Heartbeats keep it, for longer than it may be silent.
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        trading.session.heartbeat().await.unwrap();
    }
    assert_eq!(bob.open_orders().await.len(), 1);
    let silent = std::time::Instant::now();
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(20), trading.session.next()).await.expect("an end") {
            Ok(Some(Message::Heartbeat(_))) => {}
            Ok(Some(Message::Reports(batch))) => {
                assert_eq!(batch.reports[0].cancel_reason(), CancelReason::Disconnect);
                assert_eq!(batch.reports[0].order_id, placed.order_id);
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => break reason(error),
        }
    };
    assert_eq!(end, (Code::DeadlineExceeded, "HEARTBEAT_MISSED".into()));
    assert!(silent.elapsed() > Duration::from_millis(1_900), "{:?}", silent.elapsed());
    assert!(bob.open_orders().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_let_go_or_caught_up_and_nobody_else_notices() {
    const BATCHES: u64 = 30;
    let venue = Venue::open().await;
    let (ann, bob) = (venue.seller("ann", 100).await, venue.buyer("bob", 100).await);
    let symbol = venue.hour(FREE, 2);
    let limits = v1::SetLimitsRequest {
        request_id: "limits".into(),
        account_id: bob.account,
        commands_per_second: 1_000_000,
        open_order_limit: 10_000,
    };
    venue.operator().await.admin.set_limits(limits).await.unwrap();
    // Drop copy whose stream is opened and left alone, while 60,000 reports come its way.
    let request = v1::StreamExecutionsRequest { account_id: bob.account, from_number: 1 };
    let mut deaf = bob.client.orders.clone().stream_executions(request).await.unwrap().into_inner();

    let mut trading = bob.trade(logon("desk")).await;
    let order =
        v1::NewOrder { time_in_force: v1::TimeInForce::Ioc as i32, ..limit(Side::Buy, &symbol, 1, 100_000) };
    for batch in 0..BATCHES {
        let numbers = batch * 1_000 + 1..=batch * 1_000 + 1_000;
        let last = *numbers.end();
        let entries = numbers.map(|number| entry(number, Request::Place(order.clone()))).collect();
        trading.session.send(entries).await.unwrap();
        trading.until(|report| report.request_number == last).await;
    }
    let last =
        trading.until(|report| kind(report) == ReportKind::Cancelled && report.number == BATCHES * 2_000);
    tokio::time::timeout(Duration::from_secs(20), last).await.unwrap();
    bob.buy(&symbol, 1, 100_000).await;
    assert_eq!(ann.sell(&symbol, 1, 100_000).await.fills.len(), 1, "trading goes on");

    // When it reads at last, it finds every number in order, or up to a clear end from where it can resume.
    let mut next = 1;
    while next <= BATCHES * 2_000 {
        match tokio::time::timeout(Duration::from_secs(20), deaf.message()).await.expect("reports, or an end")
        {
            Ok(Some(batch)) => {
                for report in batch.reports {
                    assert_eq!(report.number, next);
                    next += 1;
                }
            }
            Err(status) => {
                assert_eq!(reason(status.into()), (Code::ResourceExhausted, "READER_TOO_SLOW".into()));
                let rest = copied(&bob, next, BATCHES * 2_000).await;
                assert_eq!(rest[0].number, next);
                return;
            }
            Ok(None) => panic!("a stream does not end without a word"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_message_and_no_message_at_all_harm_nobody() {
    use tokio::io::AsyncWriteExt;
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let before = venue.state().await;
    let address = venue.running().address;
    // HTTP/2's preface, and then a frame of headers that breaks off.
    let halves: [&[u8]; 4] = [
        b"",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\xff\x01\x05",
        b"GET / HTTP/1.1\r\nHost: hourbook\r\n\r\n",
        &[0xff; 4_096],
    ];
    let mut open = Vec::new();
    for half in halves {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(half).await.unwrap();
        open.push(stream);
    }
    let symbol = venue.hour(FREE, 2);
    assert_eq!(venue.state().await, before, "nothing has moved");
    let placed = bob.buy(&symbol, 1, 100_000).await.report.unwrap();
    assert_eq!(kind(&placed), ReportKind::Accepted);
    drop(open);
    assert_eq!(kind(&bob.cancel(placed.order_id).await), ReportKind::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gets_the_first_answer_and_another_body_is_refused() {
    let venue = Venue::open().await;
    let bob = venue.buyer("bob", 100).await;
    let symbol = venue.hour(FREE, 2);
    let request = |lots| v1::PlaceOrderRequest {
        account_id: bob.account,
        client_order_id: "once".into(),
        order: Some(limit(Side::Buy, &symbol, lots, 100_000)),
    };
    let mut orders = bob.client.orders.clone();
    let first = orders.place_order(request(2)).await.unwrap().into_inner();
    let second = orders.place_order(request(2)).await.unwrap().into_inner();
    assert!(!first.repeated && second.repeated);
    let (first, second) = (first.report.unwrap(), second.report.unwrap());
    assert_eq!((first.order_id, first.sequence), (second.order_id, second.sequence));
    assert_eq!(bob.open_orders().await.len(), 1);
    let other = orders.place_order(request(3)).await.err().unwrap();
    assert_eq!(reason(other.into()), (Code::AlreadyExists, "CLIENT_ID_REUSED".into()));
    bob.cancel(first.order_id).await;
    let cancelled = orders.place_order(request(2)).await.unwrap().into_inner();
    assert!(cancelled.repeated, "remembered after its order is over");
    assert_eq!(by_id(first.order_id), by_id(cancelled.report.unwrap().order_id));
}
