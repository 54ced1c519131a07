//! Stories of `Trade` sessions and streams: how their entries are numbered, and what ends them.

use super::served::{HOUR, with};
use super::venue::{OPERATOR, START, Venue, limit};
use super::{bearing, report, shown};
use crate::session::{self, OnFile};
use crate::{CALLS, Patience, Settings};
use hourbook_api::client::Error;
use hourbook_api::v1;
use hourbook_api::v1::trade_request::Message as Asked;
use hourbook_api::v1::trade_response::Message as Told;
use hourbook_model::*;
use hyper::body::{Bytes, Frame};
use prost::Message;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio_stream::StreamExt;
use tonic::codec::{DecodeBuf, Decoder};
use tonic::{Status as Refusal, Streaming};

fn logon(account_id: u32, session: &str) -> v1::Logon {
    v1::Logon { account_id, session: session.into(), ..v1::Logon::default() }
}

fn bid(number: u64) -> v1::TradeEntry {
    let order = limit(HOUR, v1::Side::Buy, 1, 900_000);
    v1::TradeEntry {
        number,
        client_order_id: String::new(),
        request: Some(v1::trade_entry::Request::Place(order)),
    }
}

fn refusal(error: Error) -> String {
    match error {
        Error::Refused(status) => shown(&status),
        other => other.to_string(),
    }
}

/// What a session is told until a report of that entry, in a few words each.
async fn told(session: &mut hourbook_api::client::TradeStream, until: u64) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        let next = tokio::time::timeout(Duration::from_secs(10), session.next()).await;
        match next.expect("an answer in time").unwrap() {
            Some(Told::Reports(batch)) => {
                told.extend(batch.reports.iter().map(|report| format!("report {}", report.request_number)));
                if batch.reports.iter().any(|report| report.request_number == until) {
                    return told;
                }
            }
            Some(Told::EntryRefused(refused)) => {
                told.push(format!("refused {} {}", refused.number, refused.field))
            }
            Some(Told::Heartbeat(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_was_passed_over_is_refused_and_one_that_was_sequenced_is_ignored() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let (mut session, _) = client.trade(logon(ann, "desk")).await.unwrap();
    let misshapen = v1::TradeEntry { request: None, ..bid(2) };
    session.send(vec![bid(1), misshapen, bid(5)]).await.unwrap();
    assert_eq!(told(&mut session, 5).await, ["refused 2 request", "report 1", "report 5"]);
    // Put right under its old number it comes too late, and nobody is left to believe that it was placed.
    session.send(vec![bid(2), bid(1), bid(4), bid(5), bid(6)]).await.unwrap();
    let mut all = told(&mut session, 6).await;
    // What is refused and what is reported come on two ways.
    if all.len() < 3 {
        session.send(vec![bid(7)]).await.unwrap();
        all.extend(told(&mut session, 7).await);
    }
    all.retain(|one| one != "report 7");
    all.sort_unstable();
    assert_eq!(all, ["refused 2 number", "refused 4 number", "report 6"]);

    // A number that would be the session's last word is none, nor is one far above what went before.
    session.send(vec![bid(u64::MAX), bid(1_000_008), bid(1_000_007), bid(2_000_007)]).await.unwrap();
    let mut all = told(&mut session, 2_000_007).await;
    all.retain(|one| one != "report 7");
    assert_eq!(all[..2], [format!("refused {} number", u64::MAX), "refused 1000008 number".into()]);
    assert_eq!(all[2..], ["report 1000007", "report 2000007"]);

    // A batch of nothing is no way to live.
    session.send(Vec::new()).await.unwrap();
    session.send(vec![bid(2_000_008)]).await.unwrap();
    assert_eq!(told(&mut session, 2_000_008).await[0], "refused 0 batch.entries");
    drop(session);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_logs_on_to_anothers_account_is_told_the_field() {
    let venue = Venue::open().await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let (bob, _) = venue.trader("bob", Role::Trader).await;
    let refused = venue.client(&key).await.trade(logon(bob, "desk")).await.err().unwrap();
    assert_eq!(refusal(refused), "PermissionDenied ACCOUNT_NOT_YOURS logon.account_id");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_on_is_paid_for_like_any_command() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let limits = Limits { commands_per_second: 1, open_orders: 10 };
    let last = venue.does(SetLimits { account: AccountId(ann), limits }).await;
    venue.gateway.0.seen(last).await;
    let client = venue.client(&key).await;
    let (session, _) = client.trade(logon(ann, "first")).await.unwrap();
    venue.gateway.0.door.pace(AccountId(ann), 990).unwrap();
    let refused = client.trade(logon(ann, "second")).await;
    let (second, third) = match refused {
        // There may have been room for one more.
        Ok(second) => (Some(second), client.trade(logon(ann, "third")).await),
        refused => (None, refused),
    };
    let refused = refusal(third.err().unwrap());
    assert!(refused.starts_with("ResourceExhausted RATE_LIMITED after "), "{refused}");
    drop((session, second));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_log_on_takes_nobodys_place_and_is_let_go() {
    let patience = Patience { logon: Duration::from_millis(500), ..Settings::default().patience };
    let venue = Venue::with(Settings { patience, ..with(|limits| limits.sessions = 1) }, false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut waiting = Vec::new();
    for _ in 0..10 {
        waiting.push(client.orders.clone().trade(tokio_stream::pending()).await.unwrap().into_inner());
    }
    let (session, _) = client.trade(logon(ann, "desk")).await.expect("nobody has logged on before");
    let refused = client.trade(logon(ann, "another")).await.err().unwrap();
    assert_eq!(refusal(refused), "ResourceExhausted TOO_MANY_STREAMS", "one session over all accounts");
    for mut one in waiting {
        assert_eq!(shown(&one.message().await.unwrap_err()), "FailedPrecondition LOGON_REQUIRED");
    }
    drop(session);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_breaks_off_logs_its_session_off_all_the_same() {
    let venue = Venue::open().await;
    let (ann, _) = venue.trader("ann", Role::Trader).await;
    let request = Request { account: AccountId(ann), ..Request::default() };
    let name = ClientId::new("desk").unwrap();
    let receipt =
        venue.handle.submit(request, LogOn { name, cancel_on_disconnect: true }.into()).await.unwrap();
    let session = SessionId(receipt.answer.number as u32);
    let connected = || venue.handle.read(move |exchange| exchange.session(session).unwrap().connected);
    assert!(connected().await.unwrap());
    let on_file = OnFile::new(&venue.gateway.0, request, session, venue.gateway.0.session_permit().unwrap());
    let task = tokio::spawn(async move {
        let _on_file = on_file;
        panic!("as if a rule of ours were broken");
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(!connected().await.unwrap());
    assert!(venue.close().await);
}

/// A client that logs on and then says that it lives, as fast as it can be read: there is never nothing more to read.
struct Flood(Option<v1::TradeRequest>);

impl hyper::body::Body for Flood {
    type Data = Bytes;
    type Error = Refusal;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Refusal>>> {
        let beat = v1::TradeRequest { message: Some(Asked::Heartbeat(v1::ClientHeartbeat {})) };
        let message = self.0.take().unwrap_or(beat).encode_to_vec();
        let mut frame = vec![0];
        frame.extend((message.len() as u32).to_be_bytes());
        frame.extend(message);
        Poll::Ready(Some(Ok(Frame::data(frame.into()))))
    }
}

struct Requests;

impl Decoder for Requests {
    type Item = v1::TradeRequest;
    type Error = Refusal;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<v1::TradeRequest>, Refusal> {
        Ok(Some(v1::TradeRequest::decode(from).unwrap()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_heartbeats_does_not_hide_that_the_exchange_ends() {
    let venue = Venue::with(with(|_| {}), false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let inside = &venue.gateway.0;
    let call = *CALLS.iter().find(|(call, _)| *call == "OrderService.Trade").unwrap();
    let caller = inside.door.caller(&bearing(&format!("Bearer {key}")), call).unwrap();
    let place = inside.lasting.enter(caller.participant).unwrap();
    let first = v1::TradeRequest { message: Some(Asked::Logon(logon(ann, "desk"))) };
    let flood = Streaming::new_request(Requests, Flood(Some(first)), None, None);
    let mut answers = session::trade(Arc::clone(inside), caller, place, flood).unwrap().into_inner();
    let Some(Told::LoggedOn(_)) = answers.next().await.unwrap().unwrap().message else { panic!() };
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut admin = venue.client(OPERATOR).await.admin.clone();
    let drain = tokio::spawn(async move { admin.drain(v1::DrainRequest {}).await });
    let refused = async {
        loop {
            match answers.next().await.expect("it is told why") {
                Ok(_) => {}
                Err(refused) => break refused,
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(60), refused).await.expect("it is told");
    assert_eq!(shown(&refused), "Unavailable DRAINING after 5000 ms");
    drain.await.unwrap().unwrap();
    assert!(venue.close().await);
}

/// Has history and hub know reports of an account that were never made: numbers from `from` on.
fn invent(venue: &Venue, account: u32, numbers: impl Iterator<Item = u64>) {
    let inside = &venue.gateway.0;
    for number in numbers {
        let at = Stamp { seq: 1_000_000 + number, time: START };
        inside.history.record([(at, [Event::Reported(report(account, number))].as_slice())]);
        inside.hub.tell().report(at, &report(account, number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_history_has_a_gap_the_reader_is_told_where_to_go_on() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    invent(&venue, ann, (1..=3).chain(6..=8));
    let mut orders = venue.client(&key).await.orders.clone();
    let copy = |from_number| v1::StreamExecutionsRequest { account_id: ann, from_number };
    let numbers = |answer: v1::StreamExecutionsResponse| -> Vec<u64> {
        answer.reports.iter().map(|report| report.number).collect()
    };
    let mut stream = orders.stream_executions(copy(1)).await.unwrap().into_inner();
    assert_eq!(numbers(stream.message().await.unwrap().unwrap()), [1, 2, 3]);
    let refused = stream.message().await.unwrap_err();
    assert_eq!(shown(&refused), "OutOfRange BEFORE_FIRST_KEPT");
    assert_eq!(refused.message(), "the first number still kept is 6");
    let refused = orders.stream_executions(copy(5)).await.unwrap_err();
    assert_eq!(refused.message(), "the first number still kept is 6");
    let mut stream = orders.stream_executions(copy(6)).await.unwrap().into_inner();
    assert_eq!(numbers(stream.message().await.unwrap().unwrap()), [6, 7, 8]);
    invent(&venue, ann, 9..=9);
    assert_eq!(numbers(stream.message().await.unwrap().unwrap()), [9]);
    drop(stream);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_history_that_does_not_come_is_not_kept_by_heartbeats() {
    let patience = Patience { history: Duration::from_millis(600), ..Settings::default().patience };
    let settings = Settings { heartbeat: Duration::from_millis(100), patience, ..Settings::default() };
    let venue = Venue::with(settings, false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    // A page is written down; what follows is told, but never written.
    invent(&venue, ann, 1..=1_000);
    let at = Stamp { seq: 2_000_000, time: START };
    venue.gateway.0.hub.tell().report(at, &report(ann, 1_001));
    let client = venue.client(&key).await;
    let again = v1::Logon { resume_from_number: 1, ..logon(ann, "desk") };
    let (mut session, _) = client.trade(again).await.unwrap();
    let (mut reports, mut beats) = (0, 0);
    let asked = Instant::now();
    let refused = loop {
        session.heartbeat().await.unwrap();
        match session.next().await {
            Ok(Some(Told::Reports(batch))) => reports += batch.reports.len(),
            Ok(Some(Told::Heartbeat(_))) => beats += 1,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break refusal(error),
        }
        assert!(asked.elapsed() < Duration::from_secs(10), "it goes on for ever");
    };
    assert_eq!((refused.as_str(), reports), ("Unavailable HISTORY_BEHIND after 1000 ms", 1_000));
    assert!(beats >= 2, "{beats} heartbeats came meanwhile");
    drop(session);
    assert!(venue.close().await);
}
