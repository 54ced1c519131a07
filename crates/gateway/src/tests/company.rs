//! Stories over loopback: what a server does with bad company, and what it says to everybody: roles, bytes of any kind,
//! bounds of connections, certificates, health, figures.

use super::served::{HOUR, place, with};
use super::venue::{OPERATOR, Venue, limit};
use super::{calls, path, shown};
use crate::{CALLS, Settings};
use bytes::{Buf, BufMut};
use hourbook_api::client::Client;
use hourbook_api::v1;
use hourbook_model::{AccountId, PlaceOrder, Role};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

/// Bytes as they are.
#[derive(Clone, Copy, Default)]
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length).to_vec()))
    }
}

pub(super) async fn channel(venue: &Venue) -> Channel {
    Endpoint::from_shared(format!("http://{}", venue.address)).unwrap().connect().await.unwrap()
}

/// What a call of these bytes comes to, at its start or in its first message.
async fn call(channel: &Channel, call: &str, key: &str, body: Vec<u8>) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::iter([body]));
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let mut answers = client.streaming(request, path(call).parse().unwrap(), Raw).await?.into_inner();
    let first = tokio::time::timeout(Duration::from_millis(300), answers.message()).await;
    first.unwrap_or(Ok(None)).map(drop)
}

/// Calls that would end the venue.
const ENDS_IT: [&str; 1] = ["AdminService.Drain"];

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_open_to_the_roles_of_the_table_and_to_no_other() {
    let venue = Venue::open().await;
    let channel = channel(&venue).await;
    for role in [Role::Trader, Role::Maker, Role::Provider, Role::Meter, Role::Operator, Role::Auditor] {
        let (_, key) = venue.trader(&format!("{role:?}"), role).await;
        for (name, roles) in CALLS.iter().filter(|(name, _)| !ENDS_IT.contains(name)) {
            let refused = call(&channel, name, &key, Vec::new()).await.err();
            let denied =
                refused.as_ref().is_some_and(|refused| shown(refused) == "PermissionDenied ROLE_NOT_ALLOWED");
            assert_eq!(!denied, roles.contains(&role), "{name} as {role:?}: {refused:?}");
        }
    }
    for (name, _) in CALLS {
        let refused = call(&channel, name, "hb_nobody", Vec::new()).await.unwrap_err();
        assert_eq!(shown(&refused), "Unauthenticated UNAUTHENTICATED", "{name}");
    }
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_bytes_come_the_answer_is_a_clear_refusal_and_nothing_has_moved() {
    let venue = Venue::open().await;
    let (ann, maker) = venue.trader("ann", Role::Maker).await;
    let (_, meter) = venue.trader("meter", Role::Meter).await;
    let channel = channel(&venue).await;
    let before = venue.handle.state_hash().await.unwrap().1;
    // Not a message; a message cut short; a string that is no text.
    let malformed = [vec![0xff; 16], vec![0x0a, 0x7f, b'x'], vec![0x0a, 0x02, 0xff, 0xfe]];
    for (name, roles) in CALLS.iter().filter(|(name, _)| !ENDS_IT.contains(name)) {
        let key = match () {
            () if roles.contains(&Role::Maker) => maker.as_str(),
            () if roles.contains(&Role::Operator) => OPERATOR,
            () => meter.as_str(),
        };
        for body in &malformed[..2] {
            let refused = call(&channel, name, key, body.clone()).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{name}: {refused:?}");
        }
        if let Err(refused) = call(&channel, name, key, malformed[2].clone()).await {
            assert_eq!(refused.code(), Code::InvalidArgument, "{name}: {refused:?}");
        }
        let refused = call(&channel, name, key, vec![0; (1 << 20) + 1]).await.unwrap_err();
        assert_eq!(shown(&refused), "ResourceExhausted MESSAGE_TOO_LARGE", "{name}: {refused:?}");
        // Empty is well-formed: the missing field is named, where one is missing.
        if let Err(refused) = call(&channel, name, key, Vec::new()).await {
            assert!(
                matches!(refused.code(), Code::InvalidArgument | Code::FailedPrecondition),
                "{name}: {refused:?}"
            );
            assert!(!shown(&refused).ends_with('-'), "{name}: {refused:?}");
        }
    }
    let missing = channel.clone();
    let unknown = call(&missing, "OrderService.Bribe", &maker, Vec::new()).await.unwrap_err();
    assert_eq!(shown(&unknown), "Unimplemented UNKNOWN_METHOD");
    assert_eq!(venue.handle.state_hash().await.unwrap().1, before, "nothing has moved");
    let client = venue.client(&maker).await;
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_closed_and_the_others_do_not_notice() {
    let venue = Venue::with(with(|limits| limits.connections = 2), false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut other = TcpStream::connect(venue.address).await.unwrap();
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let mut third = TcpStream::connect(venue.address).await.unwrap();
    assert_eq!(third.read(&mut [0; 64]).await.unwrap_or(0), 0, "closed at once");
    place(&client, ann, "o2", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    other.shutdown().await.unwrap();
    drop(other);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let fourth = venue.client(&key).await;
    place(&fourth, ann, "o3", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_call_is_closed_and_one_with_a_stream_is_not() {
    let venue = Venue::with(with(|limits| limits.idle = Duration::from_millis(300)), false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let mut silent = TcpStream::connect(venue.address).await.unwrap();
    let client = venue.client(&key).await;
    let copy = v1::StreamExecutionsRequest { account_id: ann, from_number: 0 };
    let mut copy = client.orders.clone().stream_executions(copy).await.unwrap().into_inner();
    let ended = tokio::time::timeout(Duration::from_secs(3), async {
        while silent.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
    });
    ended.await.expect("a client that says nothing is let go");
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(3), copy.message()).await.expect("the stream lives");
    assert_eq!(told.unwrap().unwrap().reports.len(), 1);
    drop((copy, client));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_message_never_comes_holds_nobody_up() {
    let venue = Venue::with(with(|_| {}), false).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let channel = channel(&venue).await;
    for _ in 0..50 {
        let (channel, key) = (channel.clone(), key.clone());
        tokio::spawn(async move {
            let mut client = tonic::client::Grpc::new(channel);
            client.ready().await.unwrap();
            let mut request = Request::new(tokio_stream::pending::<Vec<u8>>());
            request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            let place = path("OrderService.PlaceOrder").parse().unwrap();
            client.streaming(request, place, Raw).await.map(drop)
        });
    }
    let client = venue.client(&key).await;
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let strangers =
        Endpoint::from_shared(format!("http://{}", venue.address)).unwrap().connect().await.unwrap();
    let mut stranger = tonic::client::Grpc::new(strangers);
    stranger.ready().await.unwrap();
    let place = path("OrderService.PlaceOrder").parse().unwrap();
    let refused = stranger.streaming(Request::new(tokio_stream::pending::<Vec<u8>>()), place, Raw).await;
    let refused = refused.map(drop).unwrap_err();
    assert_eq!(shown(&refused), "Unauthenticated UNAUTHENTICATED", "before any message");
    let asked = std::time::Instant::now();
    assert!(venue.close().await);
    assert!(asked.elapsed() < Duration::from_secs(6), "what does not end is cut after the bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_streams_beyond_their_bounds_are_refused() {
    let venue = Venue::with(
        with(|limits| (limits.header_list_bytes, limits.streams_per_connection) = (4_096, 2)),
        false,
    )
    .await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut large = Request::new(v1::GetBalancesRequest { account_id: ann });
    large.metadata_mut().insert("x-large", "x".repeat(8_192).parse().unwrap());
    assert!(client.accounts.clone().get_balances(large).await.is_err());

    // Two streams fill the connection: a third call waits until one ends.
    let copy = || v1::StreamExecutionsRequest { account_id: ann, from_number: 0 };
    let client = venue.client(&key).await;
    let first = client.orders.clone().stream_executions(copy()).await.unwrap();
    let _second = client.orders.clone().stream_executions(copy()).await.unwrap();
    let mut accounts = client.accounts.clone();
    let third = accounts.get_balances(v1::GetBalancesRequest { account_id: ann });
    assert!(tokio::time::timeout(Duration::from_millis(300), third).await.is_err(), "it waits");
    drop(first);
    let mut accounts = client.accounts.clone();
    let third = accounts.get_balances(v1::GetBalancesRequest { account_id: ann });
    tokio::time::timeout(Duration::from_secs(3), third).await.expect("there is room again").unwrap();
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_does_not_read_is_let_go_and_nobody_else_notices() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let (client, other) = (venue.client(&key).await, venue.client(&key).await);
    let copy = || v1::StreamExecutionsRequest { account_id: ann, from_number: 0 };
    let mut idle = client.orders.clone().stream_executions(copy()).await.unwrap().into_inner();
    let mut busy = other.orders.clone().stream_executions(copy()).await.unwrap().into_inner();
    let (reads, mut read) = tokio::sync::watch::channel(0);
    let reading = tokio::spawn(async move {
        let mut last = 0;
        while let Some(told) = busy.message().await.unwrap() {
            for report in told.reports {
                assert_eq!(report.number, last + 1);
                last = report.number;
            }
            reads.send_replace(last);
            if last == 200_000 {
                return;
            }
        }
    });
    let order = limit(HOUR, v1::Side::Buy, 1, 900_050);
    let order = hourbook_api::convert::new_order(&order, &venue.gateway.0.directory).unwrap();
    let request = hourbook_model::Request { account: AccountId(ann), ..Default::default() };
    for told in (0..200_000).step_by(1_000) {
        // However slow the machine, who reads is never far behind.
        let is_near = read.wait_for(|last| last + 8_000 >= told);
        tokio::time::timeout(Duration::from_secs(60), is_near).await.expect("it reads on").unwrap();
        let batch = vec![(request, PlaceOrder { order: order.clone() }.into()); 1_000];
        let receipts = venue.handle.submit_batch(batch).await.unwrap();
        assert_eq!(receipts.len(), 1_000);
    }
    reading.await.unwrap();
    let mut last = 0;
    let refused = loop {
        match idle.message().await {
            Ok(Some(told)) => last = told.reports.last().map_or(last, |report| report.number),
            Ok(None) => panic!("it was not told why"),
            Err(refused) => break refused,
        }
    };
    assert_eq!(shown(&refused), "ResourceExhausted READER_TOO_SLOW");
    // It goes on where it was.
    let again = v1::StreamExecutionsRequest { account_id: ann, from_number: last + 1 };
    let mut again = client.orders.clone().stream_executions(again).await.unwrap().into_inner();
    assert_eq!(again.message().await.unwrap().unwrap().reports[0].number, last + 1);
    drop((idle, again));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_fast_is_told_when_to_come_back() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut orders = client.orders.clone();
    let mut refused = None;
    for n in 0..3_000 {
        let request_id = format!("m{n}");
        let cancel = v1::MassCancelRequest { account_id: ann, request_id, scope: None };
        if let Err(status) = orders.mass_cancel(cancel).await {
            refused = Some(status);
            break;
        }
    }
    // On a machine that makes fewer than a thousand calls a second nothing is too fast.
    if let Some(refused) = refused {
        assert!(shown(&refused).starts_with("ResourceExhausted RATE_LIMITED after "), "{}", shown(&refused));
    }
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_certificate_is_kept_and_trusted() {
    let venue = Venue::with(Settings::default(), true).await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let certificate = venue.directory.path().join("development-certificate.pem");
    let authority = std::fs::read_to_string(&certificate).unwrap();
    let address = format!("https://127.0.0.1:{}", venue.address.port());
    let client = Client::connect(&address, &key, Some(&authority)).await.unwrap();
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let strangers = Endpoint::from_shared(address.clone()).unwrap();
    let (other, _) =
        crate::development_certificate(tempfile::tempdir().unwrap().path(), "127.0.0.1".parse().unwrap())
            .map(|(certificate, key)| (std::fs::read_to_string(certificate).unwrap(), key))
            .unwrap();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(other));
    assert!(
        strangers.tls_config(tls).unwrap().connect().await.is_err(),
        "another certificate is not trusted"
    );
    assert!(venue.client_plain(&key).await.is_err(), "without TLS nothing is answered");
    crate::development_certificate(venue.directory.path(), venue.address.ip()).unwrap();
    assert_eq!(std::fs::read_to_string(&certificate).unwrap(), authority, "made once");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_reflection_answer_without_a_key() {
    let venue = Venue::open().await;
    let channel = channel(&venue).await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let check = |service: &str| tonic_health::pb::HealthCheckRequest { service: service.into() };
    let serving = tonic_health::pb::health_check_response::ServingStatus::Serving as i32;
    assert_eq!(health.check(check("")).await.unwrap().into_inner().status, serving);
    assert_eq!(health.check(check("hourbook.v1.OrderService")).await.unwrap().into_inner().status, serving);
    assert_eq!(health.check(check("nobody")).await.unwrap_err().code(), Code::NotFound);

    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(channel);
    let mut answers =
        reflection.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for name in calls().iter().map(|(call, _)| call.split_once('.').unwrap().0) {
        assert!(names.contains(&format!("hourbook.v1.{name}").as_str()), "{name} in {names:?}");
    }
    drop(answers);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_there_for_the_asking() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let refused = place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_050)).await.unwrap();
    venue.gateway.0.seen(refused.report.unwrap().sequence).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let gateway = venue.gateway.clone();
    let served = tokio::spawn(async move {
        crate::serve_metrics(&gateway, listener, async { drop(stopped.await) }).await.unwrap();
    });
    let get = |path: &'static str| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let text = get("/metrics").await;
    for line in [
        "hourbook_commands_by_kind_total{kind=\"PlaceOrder\"} 1",
        "hourbook_rejects_total{reason=\"PRICE_OFF_TICK\"} 1",
        "hourbook_calls_total{method=\"OrderService.PlaceOrder\",code=\"Ok\"} 1",
        "hourbook_connections 1",
        "# TYPE hourbook_sync_seconds histogram",
        "hourbook_sync_seconds_bucket{le=\"+Inf\"}",
        // The gateway itself may be asking something.
        "hourbook_queue_commands ",
        "hourbook_durable_sequence ",
        "hourbook_journal_bytes_total ",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    assert!(get("/healthz").await.ends_with("serving\n"));
    drop(stop);
    served.await.unwrap();
    assert!(venue.close().await);
}
