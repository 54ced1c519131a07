//! Stories of what one client may take, and how long it may take it.

use super::company::Raw;
use super::served::{HOUR, place, with};
use super::venue::{OPERATOR, Venue, limit};
use super::{path, shown};
use crate::calls::{OPEN_CALLS, caller};
use crate::door::{Caller, Door};
use crate::{Patience, Settings, market_data, server, subscription};
use hourbook_api::v1;
use hourbook_api::v1::market_data_service_server::{MarketDataService, MarketDataServiceServer};
use hourbook_model::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tonic::{Request as Call, Response, Status as Refusal};

fn copy(account_id: u32) -> v1::StreamExecutionsRequest {
    v1::StreamExecutionsRequest { account_id, from_number: 0 }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_participant_has_so_many_streams_and_leaves_the_others_theirs() {
    let venue = Venue::with(with(|limits| limits.streams_per_participant = 2), false).await;
    let (ann, ann_key) = venue.trader("ann", Role::Trader).await;
    let (bob, bob_key) = venue.trader("bob", Role::Trader).await;
    let client = venue.client(&ann_key).await;
    let mut orders = client.orders.clone();
    let first = orders.stream_executions(copy(ann)).await.unwrap();
    let logon = v1::Logon { account_id: ann, session: "desk".into(), ..Default::default() };
    let (session, _) = client.trade(logon).await.unwrap();
    // Of whatever kind, and over however many connections.
    let refused = venue.client(&ann_key).await.orders.clone().stream_executions(copy(ann)).await.unwrap_err();
    assert_eq!(shown(&refused), "ResourceExhausted TOO_MANY_STREAMS");
    assert!(refused.message().contains("at most 2 "), "{}", refused.message());
    assert!(refused.message().contains("limits.streams_per_participant"), "{}", refused.message());
    let statuses = v1::StreamInstrumentStatusRequest { pattern: String::new() };
    let refused = client.instruments.clone().stream_instrument_status(statuses).await.unwrap_err();
    assert_eq!(shown(&refused), "ResourceExhausted TOO_MANY_STREAMS");
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.expect("calls go on");
    venue.client(&bob_key).await.orders.clone().stream_executions(copy(bob)).await.expect("so do others");

    drop((first, session));
    let room = async {
        while orders.stream_executions(copy(ann)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), room).await.expect("there is room again");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_so_many_connections() {
    let venue = Venue::with(with(|limits| limits.connections_per_address = 2), false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut second = TcpStream::connect(venue.address).await.unwrap();
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let mut third = TcpStream::connect(venue.address).await.unwrap();
    assert_eq!(third.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed at once");
    // Another address has its own.
    let other = tokio::net::TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(venue.address).await.unwrap();
    assert!(other.read(&mut [0; 64]).await.unwrap() > 0, "the server's preface");
    second.shutdown().await.unwrap();
    drop(second);
    // Once the server has seen that it is gone.
    let room = async {
        while TcpStream::connect(venue.address).await.unwrap().read(&mut [0; 64]).await.unwrap_or(0) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        while venue.gateway.0.metrics.connections.now() > 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), room).await.expect("there is room again");
    let again = venue.client(&key).await;
    place(&again, ann, "o2", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    drop(other);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_so_many_calls_without_a_key_and_a_stop_waits_for_none_of_them() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let venue = Venue::open().await;
    let connect = || async {
        let endpoint = Endpoint::from_shared(format!("http://{}", venue.address)).unwrap();
        HealthClient::new(endpoint.connect().await.unwrap())
    };
    let everything = || HealthCheckRequest { service: String::new() };
    let (mut one, mut other) = (connect().await, connect().await);
    let mut watching = Vec::new();
    for _ in 0..OPEN_CALLS {
        watching.push(one.watch(everything()).await.unwrap().into_inner());
    }
    let refused = one.watch(everything()).await.unwrap_err();
    assert_eq!(shown(&refused), "ResourceExhausted TOO_MANY_STREAMS");
    assert_eq!(refused.message(), "at most 16 calls at once without a key on one connection");
    assert!(one.check(everything()).await.is_err(), "of whatever kind");
    other.check(everything()).await.expect("another connection has its own");
    let mut last = watching.pop().unwrap();
    drop(watching);
    let room = async {
        while one.check(everything()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), room).await.expect("there is room again");

    // Who watches is told of the end, and its stream ends with that.
    let before = std::time::Instant::now();
    let drain = venue.gateway.0.drain;
    let told = tokio::spawn(async move {
        let mut told = Vec::new();
        while let Some(health) = last.message().await.unwrap() {
            told.push(health.status().as_str_name());
        }
        told
    });
    assert!(venue.close().await);
    assert!(before.elapsed() < drain, "nobody was cut");
    assert_eq!(told.await.unwrap(), ["SERVING", "NOT_SERVING"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_request_and_an_answer_that_nobody_reads_come_to_an_end() {
    let patience = Patience {
        answer: Duration::from_millis(300),
        end: Duration::from_millis(900),
        ..Settings::default().patience
    };
    let settings = with(|limits| limits.idle = Duration::from_millis(400));
    let venue = Venue::with(Settings { patience, ..settings }, false).await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let ask = |endpoint: Endpoint, call: &'static str, body: Vec<u8>, whole: bool| {
        let key = key.clone();
        async move {
            let mut client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
            client.ready().await.unwrap();
            // One that comes, or one that never does.
            let message = async move { if whole { body } else { std::future::pending().await } };
            let mut request = Call::new(futures::stream::once(message));
            request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            client.streaming(request, path(call).parse().unwrap(), Raw).await
        }
    };
    let endpoint = || Endpoint::from_shared(format!("http://{}", venue.address)).unwrap();
    let refused = ask(endpoint(), "OrderService.PlaceOrder", Vec::new(), false).await.unwrap_err();
    assert_eq!(shown(&refused), "DeadlineExceeded CALL_TOO_LONG");
    assert_eq!(refused.message(), "the call did not come to an answer within 0.3 s");

    // The window takes in a hundredth of the answer, and is never opened again.
    let narrow = endpoint().initial_stream_window_size(100).initial_connection_window_size(100);
    let unread = ask(narrow, "InstrumentService.ListInstruments", Vec::new(), true).await.unwrap();
    assert!(venue.gateway.0.metrics.connections.now() > 0, "it is still under way");
    let cut = async {
        while venue.gateway.0.metrics.connections.now() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), cut).await.expect("its connection is closed");
    drop(unread);
    assert!(venue.close().await);
}

/// A service with a fault.
struct Faulty;

#[tonic::async_trait]
impl MarketDataService for Faulty {
    type SubscribeStream = subscription::Updates;

    async fn subscribe(
        &self,
        _: Call<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Refusal> {
        panic!("a rule of ours");
    }

    async fn get_book(
        &self,
        call: Call<v1::GetBookRequest>,
    ) -> Result<Response<v1::GetBookResponse>, Refusal> {
        assert!(call.get_ref().depth == 0 && caller(&call).is_ok(), "a rule of ours");
        Ok(Response::new(v1::GetBookResponse::default()))
    }

    async fn list_trades(
        &self,
        _: Call<v1::ListTradesRequest>,
    ) -> Result<Response<v1::ListTradesResponse>, Refusal> {
        panic!("a rule of ours");
    }

    async fn list_candles(
        &self,
        _: Call<v1::ListCandlesRequest>,
    ) -> Result<Response<v1::ListCandlesResponse>, Refusal> {
        panic!("a rule of ours");
    }

    async fn list_index(
        &self,
        _: Call<v1::ListIndexRequest>,
    ) -> Result<Response<v1::ListIndexResponse>, Refusal> {
        panic!("a rule of ours");
    }

    async fn get_forward_curve(
        &self,
        _: Call<v1::GetForwardCurveRequest>,
    ) -> Result<Response<v1::GetForwardCurveResponse>, Refusal> {
        panic!("a rule of ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_panics_is_a_fault_of_its_own_and_the_connection_goes_on() {
    let venue = Venue::open().await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inside = Arc::clone(&venue.gateway.0);
    let served = tokio::spawn(async move {
        let routes = Routes::new(MarketDataServiceServer::new(Faulty)).prepare();
        let (stream, _) = listener.accept().await.unwrap();
        server::connection(inside, routes, None, stream).await;
    });
    let client =
        hourbook_api::client::Client::connect(&format!("http://{address}"), &key, None).await.unwrap();
    let mut books = client.market_data.clone();
    let book = |depth| v1::GetBookRequest { depth, ..Default::default() };
    let refused = books.get_book(book(1)).await.unwrap_err();
    assert_eq!(shown(&refused), "Internal INTERNAL");
    assert!(!refused.message().contains("a rule of ours"));
    books.get_book(book(0)).await.expect("the next call is answered");
    drop((books, client));
    served.await.expect("the connection ends in order");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_are_paid_for_by_what_they_find() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let list = v1::ListOrdersRequest { account_id: ann, page_size: 1_000, ..Default::default() };
    // A thousand pages of up to a thousand rows with nothing on them.
    for _ in 0..1_000 {
        client.orders.clone().list_orders(list.clone()).await.unwrap();
    }

    // In a call, a book costs what its auction's price takes to find: every order may count.
    let orders = limit(HOUR, v1::Side::Buy, 1, 900_000);
    let order = hourbook_api::convert::new_order(&orders, &venue.gateway.0.directory).unwrap();
    let request = hourbook_model::Request { account: AccountId(ann), ..Default::default() };
    let (account, amount) = (AccountId(ann), Money(10_000 * MICROS));
    venue.does(Deposit { account, currency: "CNY".into(), amount, reference: String::new() }).await;
    for _ in 0..3 {
        let batch = vec![(request, PlaceOrder { order: order.clone() }.into()); 1_000];
        venue.handle.submit_batch(batch).await.unwrap();
    }
    let book = || v1::GetBookRequest { symbol: HOUR.into(), ..Default::default() };
    for _ in 0..400 {
        client.market_data.clone().get_book(book()).await.expect("in continuous trading it costs its levels");
    }
    venue.does(OpenAuction { scope: Scope::Instrument(order.instrument), until: None }).await;
    let mut answered = 0;
    let refused = loop {
        match client.market_data.clone().get_book(book()).await {
            Ok(_) => answered += 1,
            Err(refused) => break refused,
        }
        assert!(answered < 5_000, "nobody pays");
    };
    assert!(answered > 10, "{answered}");
    assert!(shown(&refused).starts_with("ResourceExhausted RATE_LIMITED after "), "{}", shown(&refused));
    assert_eq!(refused.message(), "more rows looked at than the participant's allowance");
    // Trading is another allowance.
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    assert!(venue.close().await);
}

#[test]
fn the_dearest_book_can_be_paid_for_at_once_behind_the_look_that_told_its_price() {
    let door = Door::default();
    let (key, participant, account) = (KeyId(1), ParticipantId(1), AccountId(1));
    let caller = Caller { key, participant, account, role: Role::Trader };
    let rows = 4_000;
    door.pay(&caller, rows).unwrap();
    door.pay(&caller, market_data::cost(rows, 5_000_000)).expect("the whole of it may be had");
    assert_eq!(market_data::cost(20, 3_000), 3_020);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_found_though_more_is_to_be_looked_at_than_may_be_at_once() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let (account, amount) = (AccountId(ann), Money(10_000 * MICROS));
    venue.does(Deposit { account, currency: "CNY".into(), amount, reference: String::new() }).await;
    let client = venue.client(&key).await;
    let ioc =
        v1::NewOrder { time_in_force: v1::TimeInForce::Ioc as i32, ..limit(HOUR, v1::Side::Buy, 1, 900_000) };
    place(&client, ann, "the first of all", ioc.clone()).await.unwrap();
    let order = hourbook_api::convert::new_order(&ioc, &venue.gateway.0.directory).unwrap();
    let request = hourbook_model::Request { account, ..Default::default() };
    for _ in 0..hourbook_history::MARKS / 1_000 {
        let batch = vec![(request, PlaceOrder { order: order.clone() }.into()); 1_000];
        venue.handle.submit_batch(batch).await.unwrap();
    }

    // There is room for the first part of the search, and not for the second.
    let door = &venue.gateway.0.door;
    let of = venue.handle.read(move |exchange| exchange.account(account).unwrap().participant());
    let participant = of.await.unwrap();
    let caller = Caller { key: KeyId(0), participant, account, role: Role::Trader };
    while door.pay(&caller, 1_000).is_ok() {}
    tokio::time::sleep(door.looks_in(&caller, 1_100)).await;
    let name = v1::order_name::Name::ClientOrderId("the first of all".into());
    let ask = v1::GetOrderRequest { account_id: ann, order: Some(v1::OrderName { name: Some(name) }) };
    let found = client.orders.clone().get_order(ask).await.expect("it is waited for").into_inner();
    assert_eq!(found.order.unwrap().report.unwrap().client_order_id, "the first of all");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_digest_of_the_whole_state_is_had_every_two_seconds() {
    let venue = Venue::open().await;
    let mut admin = venue.client(OPERATOR).await.admin.clone();
    let status = |state_hash| v1::GetStatusRequest { state_hash };
    // One for now, and one put by.
    for _ in 0..2 {
        admin.get_status(status(true)).await.unwrap();
    }
    let refused = admin.get_status(status(true)).await.unwrap_err();
    assert!(shown(&refused).starts_with("ResourceExhausted RATE_LIMITED after "), "{}", shown(&refused));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_come_in_slices_each_instrument_once_and_then_what_changes() {
    let venue = Venue::open().await;
    let (_, key) = venue.trader("ann", Role::Trader).await;
    let watch = v1::StreamInstrumentStatusRequest { pattern: "GP.CNNX.A".into() };
    let client = venue.client(&key).await;
    let mut stream = client.instruments.clone().stream_instrument_status(watch).await.unwrap().into_inner();
    let mut slices = Vec::new();
    let mut symbols = Vec::new();
    loop {
        let told = stream.message().await.unwrap().unwrap();
        if told.snapshot_complete {
            break;
        }
        slices.push(told.changes.len());
        symbols.extend(told.changes.into_iter().map(|change| change.symbol));
    }
    let listed = venue.handle.read(|exchange| {
        let product = exchange.products().next().unwrap().0;
        exchange.instruments_of(product).map(|view| view.symbol.to_string()).collect::<Vec<_>>()
    });
    assert_eq!(symbols, listed.await.unwrap());
    assert!(slices.len() > 1 && slices.iter().all(|rows| *rows <= crate::statuses::SLICE), "{slices:?}");

    // A halt reaches all, without naming them; what was told before the halt is not told again after it.
    venue.does(Halt { scope: Scope::Market, reason: String::new() }).await;
    let mut halted = Vec::new();
    while halted.len() < symbols.len() {
        let told = stream.message().await.unwrap().unwrap();
        assert!(told.changes.iter().all(|change| change.status == v1::InstrumentStatus::Halted as i32));
        halted.extend(told.changes.into_iter().map(|change| change.symbol));
    }
    assert_eq!(halted, symbols);
    drop(stream);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_has_stalled_says_so_wherever_one_looks_and_trading_goes_on() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let mut admin = venue.client(OPERATOR).await.admin.clone();
    let status = admin.get_status(v1::GetStatusRequest::default()).await.unwrap().into_inner();
    assert_eq!(status.history_fault, "");
    venue.gateway.0.history.stall("its thread panicked, see the log for why");

    let status = admin.get_status(v1::GetStatusRequest::default()).await.unwrap().into_inner();
    assert_eq!(status.history_fault, "its thread panicked, see the log for why");
    let client = venue.client(&key).await;
    let fills = v1::ListFillsRequest { account_id: ann, ..Default::default() };
    let refused = client.orders.clone().list_fills(fills).await.unwrap_err();
    assert_eq!(shown(&refused), "Unavailable HISTORY_STALLED");
    let again = v1::StreamExecutionsRequest { account_id: ann, from_number: 1 };
    let refused = client.orders.clone().stream_executions(again).await.unwrap_err();
    assert_eq!(shown(&refused), "Unavailable HISTORY_STALLED", "at once, not after its patience");
    let figures = crate::metrics::text(&venue.gateway).unwrap();
    assert!(figures.contains("hourbook_history_stalled 1"), "{figures}");
    let health = crate::metrics::health(&venue.gateway);
    assert_eq!(
        health,
        (
            axum::http::StatusCode::OK,
            "serving; history has stalled: its thread panicked, see the log for why\n".into()
        )
    );
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    assert!(venue.close().await);
}
