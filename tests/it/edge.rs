//! The edge of the whole: every call by every role; hostile messages on every call; names that outlive a restart.

use std::time::Duration;

use hourbook_api::{FILE_DESCRIPTOR_SET, v1};
use hourbook_gateway::CALLS;
use hourbook_model::Role;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, Value};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::venue::{FREE, Venue, kind};

/// Would end the venue.
const ENDS_IT: &str = "AdminService.Drain";

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_open_to_the_roles_of_the_table_and_to_no_other() {
    let venue = Venue::open().await;
    let channel = channel(&venue).await;
    let roles = [
        (Role::Trader, v1::Role::Trader),
        (Role::Maker, v1::Role::Maker),
        (Role::Provider, v1::Role::Provider),
        (Role::Meter, v1::Role::Meter),
        (Role::Operator, v1::Role::Operator),
        (Role::Auditor, v1::Role::Auditor),
    ];
    for (role, wire) in roles {
        let member = venue.member(&format!("{role:?}"), wire).await;
        for (call, allowed) in CALLS.iter().filter(|(call, _)| *call != ENDS_IT) {
            let refused = make(&channel, call, &member.key, vec![Vec::new()]).await.err();
            let denied = refused.as_ref().is_some_and(|refused| reason(refused) == "ROLE_NOT_ALLOWED");
            assert_eq!(!denied, allowed.contains(&role), "{call} as {role:?}: {refused:?}");
        }
    }
    for (call, _) in CALLS {
        let refused = make(&channel, call, "hb_nobody", vec![Vec::new()]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_message_holds_the_answer_is_clear_and_the_exchange_is_whole() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("seed {seed}");
    let mut random = Random(seed);
    let venue = Venue::open().await;
    let maker = venue.member("maker", v1::Role::Maker).await;
    let meter = venue.member("meter", v1::Role::Meter).await;
    let operator = std::fs::read_to_string(venue.data().join(hourbook::serve::OPERATOR_KEY)).unwrap();
    let channel = channel(&venue).await;
    let words = Words { account: maker.account, symbol: venue.hour(FREE, 2) };
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut answered = 0;
    for (call, roles) in CALLS.iter().filter(|(call, _)| *call != ENDS_IT) {
        let method = method(&pool, call);
        let lasts = method.is_server_streaming();
        let key = match () {
            () if roles.contains(&Role::Maker) => maker.key.as_str(),
            () if roles.contains(&Role::Operator) => operator.trim(),
            () => meter.key.as_str(),
        };
        for _ in 0..if lasts { 12 } else { 60 } {
            let mut messages = vec![random.message(&method.input(), &words, 0)];
            if method.is_client_streaming() && random.below(2) == 0 {
                messages.insert(0, logon(&words));
            }
            let told: Vec<String> = messages.iter().map(ToString::to_string).collect();
            let bytes = messages.iter().map(Message::encode_to_vec).collect();
            match make(&channel, call, key, bytes).await {
                Ok(()) => answered += 1,
                Err(refused) => assert!(is_clear(&refused), "seed {seed}, {call}, {told:?}: {refused:?}"),
            }
        }
    }
    println!("{answered} were answered");
    venue.check().await;
    let bob = venue.buyer("bob", 1).await;
    assert!(bob.buy(&venue.hour(FREE, 2), 1, 100).await.report.is_some(), "it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_told_by_its_symbol_though_nothing_lists_it_any_more() {
    let mut venue = Venue::open().await;
    let (ann, mut bob) = (venue.seller("ann", 10).await, venue.buyer("bob", 10).await);
    // A day is over at its gate, where it becomes its hours.
    let symbol = venue.day(FREE, 0);
    ann.sell(&symbol, 1, 100_000).await;
    let bought = bob.buy(&symbol, 1, 100_000).await.report.unwrap();
    venue.pass_to(23, 30).await;
    let get = v1::GetInstrumentRequest { symbol: symbol.clone(), instrument_id: 0 };
    let gone = bob.client.instruments.clone().get_instrument(get).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    venue.restart().await;
    bob.reconnect(&venue).await;
    let fills = v1::ListFillsRequest { account_id: bob.account, ..Default::default() };
    let fills = bob.client.orders.clone().list_fills(fills).await.unwrap().into_inner().fills;
    assert_eq!((fills.len(), fills[0].symbol.as_str()), (1, symbol.as_str()));
    let over = bob.order(bought.order_id).await.report.unwrap();
    assert_eq!((kind(&over), over.symbol), (v1::ReportKind::Filled, symbol));
}

// --- what is sent ---

/// Words of a venue that mean something there.
struct Words {
    account: u32,
    symbol: String,
}

/// Numbers that follow from a seed alone.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    /// A message that is well-formed and seldom sensible.
    fn message(&mut self, of: &MessageDescriptor, words: &Words, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            if self.below(8) == 0 {
                continue;
            }
            let value = if field.is_list() {
                let most = if depth == 0 && self.below(20) == 0 { 1_001 } else { 3 };
                let count = self.below(most + 1);
                Value::List(
                    (0..count).map(|_| self.value(&field.kind(), field.name(), words, depth)).collect(),
                )
            } else {
                self.value(&field.kind(), field.name(), words, depth)
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, kind: &Kind, name: &str, words: &Words, depth: u32) -> Value {
        match kind {
            Kind::Message(of) => Value::Message(self.message(of, words, depth + 1)),
            Kind::Enum(_) => Value::EnumNumber(self.of(&[0, 1, 1, 2, 2, 3, 4, 5, 6, 99, -1, i32::MAX])),
            Kind::Bool => Value::Bool(self.below(2) == 0),
            Kind::String => Value::String(self.text(words)),
            Kind::Int32 => Value::I32(self.of(&[0, 1, 7, 1_000, 1_001, -1, i32::MAX, i32::MIN])),
            Kind::Int64 => {
                let plain = [0, 1, 2, 100, 100_000, 100_000_000, 1_795_516_200];
                let hostile = [-1, 99, 1 << 32, 1_000_000_000_000_000_001, i64::MAX, i64::MIN];
                Value::I64(if self.below(4) > 0 { self.of(&plain) } else { self.of(&hostile) })
            }
            // Never one that is in use: who makes these calls would lock itself out.
            Kind::Uint32 if name == "key_id" => Value::U32(self.of(&[0, 77, u32::MAX])),
            Kind::Uint32 if name == "account_id" => {
                Value::U32(self.of(&[words.account, words.account, words.account, 0, 77, u32::MAX]))
            }
            Kind::Uint32 => Value::U32(self.of(&[0, 1, 2, 24, 10_000, u32::MAX])),
            Kind::Uint64 => Value::U64(self.of(&[0, 1, 2, 1 << 32, u64::MAX])),
            other => panic!("the contract has no {other:?}"),
        }
    }

    fn text(&mut self, words: &Words) -> String {
        let unique = format!("id-{}", self.below(1 << 40));
        let plain = [words.symbol.clone(), FREE.into(), "CNY".into(), unique.clone(), unique, "same".into()];
        let hostile = [
            String::new(),
            "GP.CNNX".into(),
            "GP.CNNX.A.H20261131T08".into(),
            "GP.*".into(),
            "ä".into(),
            "a\u{7}b".into(),
            "x".repeat(37),
            "x".repeat(300),
            "-1".into(),
            "99999999999999999999".into(),
        ];
        if self.below(4) > 0 { self.of(&plain) } else { self.of(&hostile) }
    }
}

fn logon(words: &Words) -> DynamicMessage {
    let logon = v1::Logon { account_id: words.account, session: "edge".into(), ..Default::default() };
    let request = v1::TradeRequest { message: Some(v1::trade_request::Message::Logon(logon)) };
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    let of = pool.get_message_by_name("hourbook.v1.TradeRequest").unwrap();
    DynamicMessage::decode(of, request.encode_to_vec().as_slice()).unwrap()
}

fn method(pool: &DescriptorPool, call: &str) -> MethodDescriptor {
    let (service, method) = call.split_once('.').unwrap();
    let service = pool.get_service_by_name(&format!("hourbook.v1.{service}")).unwrap();
    service.methods().find(|known| known.name() == method).unwrap()
}

// --- what is answered ---

fn reason(refused: &Status) -> String {
    refused.get_error_details().error_info().map_or_else(String::new, |info| info.reason.clone())
}

/// Says what was wrong, and with which field where it was one.
fn is_clear(refused: &Status) -> bool {
    let details = refused.get_error_details();
    let named =
        details.bad_request().is_some_and(|bad| bad.field_violations.iter().all(|one| !one.field.is_empty()));
    match refused.code() {
        Code::InvalidArgument if reason(refused) == "INVALID_FIELD" => named,
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::PermissionDenied
        | Code::OutOfRange
        | Code::ResourceExhausted => !reason(refused).is_empty(),
        _ => false,
    }
}

async fn channel(venue: &Venue) -> Channel {
    Endpoint::from_shared(format!("http://{}", venue.running().address)).unwrap().connect().await.unwrap()
}

/// Makes a call with these messages; what it comes to, at its start or in the first things it says.
async fn make(channel: &Channel, call: &str, key: &str, messages: Vec<Vec<u8>>) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let mut request = Request::new(tokio_stream::iter(messages));
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    let path = format!("/hourbook.v1.{}", call.replace('.', "/"));
    let mut answers = client.streaming(request, path.parse().unwrap(), Raw).await?.into_inner();
    for _ in 0..3 {
        match tokio::time::timeout(Duration::from_millis(100), answers.message()).await {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) | Err(_) => break,
            Ok(Err(refused)) => return Err(refused),
        }
    }
    Ok(())
}

/// Messages as bytes.
#[derive(Clone, Copy, Default)]
struct Raw;

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
