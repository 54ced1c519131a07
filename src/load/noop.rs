//! A server that speaks the contract and does nothing: the same HTTP/2 settings, the same generated services, keys looked
//! up and requests decoded into commands as the gateway does it, and one execution report for each, of quotes one for each
//! side. No sequence, no journal, no matching, no limits, no figures; whatever comes together is answered together.

use dashmap::DashMap;
use futures::{Stream, StreamExt};
use hourbook_api::convert::{self, Resolve, Violation};
use hourbook_api::v1;
use hourbook_api::v1::order_service_server::{OrderService, OrderServiceServer};
use hourbook_api::v1::trade_request::Message as Asked;
use hourbook_api::v1::trade_response::Message as Told;
use hourbook_gateway::{Settings, Together, digest_of, http2};
use hourbook_model::*;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request as Call, Response, Status, Streaming};

/// Messages of a session that are answered together, at most.
const TOGETHER: usize = 64;

#[derive(Clone)]
struct Noop(Arc<Inside>);

struct Inside {
    keys: DashMap<[u8; 32], AccountId>,
    seq: AtomicU64,
    orders: AtomicU64,
}

/// The key under which it knows an account.
pub(super) fn key_of(account: u32) -> String {
    format!("hb_{account:064x}")
}

/// Serves some accounts on a port of its own until the process ends; tells the address first.
pub(super) async fn serve(accounts: &[u32], told: impl FnOnce(SocketAddr)) -> anyhow::Result<()> {
    let known = accounts.iter().map(|account| (digest_of(&key_of(*account)), AccountId(*account)));
    let noop =
        Noop(Arc::new(Inside { keys: known.collect(), seq: AtomicU64::new(1), orders: AtomicU64::new(0) }));
    let limits = Settings::default().limits;
    let service = OrderServiceServer::new(noop).max_decoding_message_size(limits.message_bytes);
    let routes = Routes::new(service).prepare();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    told(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let routes = TowerToHyperService::new(routes.clone());
        tokio::spawn(Together::new(|begun| {
            http2(&limits, begun).serve_connection(TokioIo::new(stream), routes)
        }));
    }
}

/// Every instrument is given by its id.
impl Resolve for Noop {
    fn instrument(&self, _: &str) -> Option<InstrumentId> {
        None
    }

    fn product(&self, _: &str) -> Option<ProductId> {
        None
    }
}

impl Noop {
    fn account(&self, metadata: &MetadataMap) -> Result<AccountId, Status> {
        let header = metadata.get("authorization").and_then(|value| value.to_str().ok());
        let key = header.and_then(|value| value.strip_prefix("Bearer "));
        let key = key.ok_or_else(|| Status::unauthenticated("no key"))?;
        let known = self.0.keys.get(&digest_of(key)).map(|account| *account);
        known.ok_or_else(|| Status::unauthenticated("not known"))
    }

    /// The reports that a command would have if it only were accepted; `number` is that of the last one before them.
    fn report(
        &self,
        at: Time,
        number: &mut u64,
        request: &Request,
        command: &Command,
        out: &mut Vec<v1::ExecutionReport>,
    ) {
        let stamp = Stamp { seq: self.0.seq.fetch_add(1, Relaxed), time: at };
        let blank = Report {
            account: request.account,
            number: 0,
            kind: ReportKind::Accepted,
            order: OrderId::NONE,
            client_id: request.client_id,
            session: request.session,
            request: request.number,
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            price: Price(0),
            trigger: Price(0),
            quantity: Quantity(1),
            cumulative: Quantity(0),
            leaves: Quantity(1),
        };
        let named = |order: OrderRef| if let OrderRef::Id(id) = order { id } else { OrderId::NONE };
        let new = || OrderId::new(self.0.orders.fetch_add(1, Relaxed) as u32, 1);
        let mut tell = |report: Report| {
            *number += 1;
            out.push(convert::report(stamp, &Report { number: *number, ..report }));
        };
        match command {
            Command::PlaceOrder(PlaceOrder { order }) => tell(Report {
                order: new(),
                instrument: order.instrument,
                side: order.side,
                order_type: order.order_type,
                time_in_force: order.time_in_force,
                price: order.price,
                quantity: order.quantity,
                leaves: order.quantity,
                ..blank
            }),
            Command::CancelOrder(CancelOrder { order }) => tell(Report {
                kind: ReportKind::Cancelled { quantity: Quantity(1), reason: CancelReason::User },
                order: named(*order),
                leaves: Quantity(0),
                ..blank
            }),
            Command::AmendOrder(AmendOrder { amendment }) => tell(Report {
                kind: ReportKind::Amended,
                order: named(amendment.order),
                price: amendment.price.unwrap_or_default(),
                ..blank
            }),
            Command::MassQuote(MassQuote { quotes, .. }) => {
                for quote in quotes {
                    let bid = (Side::Buy, quote.bid_price, quote.bid_quantity);
                    let ask = (Side::Sell, quote.ask_price, quote.ask_quantity);
                    for (side, price, quantity) in [bid, ask] {
                        let (order, instrument) = (new(), quote.instrument);
                        tell(Report { order, instrument, side, price, quantity, leaves: quantity, ..blank });
                    }
                }
            }
            _ => tell(Report { kind: ReportKind::MassCancelled, ..blank }),
        }
    }

    /// What a call is told; no session reads it, so it has numbers of its own.
    fn unary(
        &self,
        account: AccountId,
        (field, id): (&str, &str),
        command: Result<Command, Violation>,
    ) -> Result<Vec<v1::ExecutionReport>, Status> {
        let client_id = convert::client_id(field, id).map_err(misshapen)?;
        let request = Request { account, client_id, ..Request::default() };
        let mut reports = Vec::with_capacity(1);
        self.report(now(), &mut 0, &request, &command.map_err(misshapen)?, &mut reports);
        Ok(reports)
    }
}

fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64))
}

fn misshapen(violation: Violation) -> Status {
    Status::invalid_argument(violation.to_string())
}

fn required<T>(message: Option<T>) -> Result<T, Status> {
    message.ok_or_else(|| Status::invalid_argument("a message is required"))
}

type Told1 = v1::TradeResponse;
type Answered<T> = Result<Response<T>, Status>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// One session: who it is, and the last number it was given.
struct Session {
    noop: Noop,
    request: Request,
    reported: u64,
}

impl Session {
    /// One answer to all that came together.
    fn answer(&mut self, messages: Vec<Result<v1::TradeRequest, Status>>) -> Result<Told1, Status> {
        let at = now();
        let mut reports = Vec::new();
        for message in messages {
            if let Some(Asked::Batch(batch)) = message?.message {
                reports.reserve(batch.entries.len());
                for entry in &batch.entries {
                    let (number, client_id, command) =
                        convert::entry(entry, &self.noop).map_err(misshapen)?;
                    let request = Request { number, client_id, ..self.request };
                    self.noop.report(at, &mut self.reported, &request, &command, &mut reports);
                }
            }
        }
        Ok(Told1 { message: Some(Told::Reports(v1::ReportBatch { reports })) })
    }
}

#[tonic::async_trait]
impl OrderService for Noop {
    async fn place_order(&self, call: Call<v1::PlaceOrderRequest>) -> Answered<v1::PlaceOrderResponse> {
        let account = self.account(call.metadata())?;
        let wire = call.into_inner();
        let order = convert::new_order(&required(wire.order)?, self).map(|order| PlaceOrder { order }.into());
        let mut report = self.unary(account, ("client_order_id", &wire.client_order_id), order)?;
        Ok(Response::new(v1::PlaceOrderResponse { report: report.pop(), fills: Vec::new(), repeated: false }))
    }

    async fn cancel_order(&self, call: Call<v1::CancelOrderRequest>) -> Answered<v1::CancelOrderResponse> {
        let account = self.account(call.metadata())?;
        let wire = call.into_inner();
        let order = convert::order_name(wire.order.as_ref()).map(|order| CancelOrder { order }.into());
        let mut report = self.unary(account, ("request_id", &wire.request_id), order)?;
        Ok(Response::new(v1::CancelOrderResponse { report: report.pop(), repeated: false }))
    }

    async fn amend_order(&self, call: Call<v1::AmendOrderRequest>) -> Answered<v1::AmendOrderResponse> {
        let account = self.account(call.metadata())?;
        let wire = call.into_inner();
        let amendment = convert::amendment(&required(wire.amendment)?);
        let amendment = amendment.map(|amendment| AmendOrder { amendment }.into());
        let mut report = self.unary(account, ("request_id", &wire.request_id), amendment)?;
        Ok(Response::new(v1::AmendOrderResponse { report: report.pop(), fills: Vec::new(), repeated: false }))
    }

    type TradeStream = Answers<v1::TradeResponse>;

    async fn trade(&self, call: Call<Streaming<v1::TradeRequest>>) -> Answered<Self::TradeStream> {
        let account = self.account(call.metadata())?;
        let mut incoming = call.into_inner();
        let first = required(incoming.message().await?.and_then(|first| first.message))?;
        if !matches!(first, Asked::Logon(_)) {
            return Err(Status::failed_precondition("log on first"));
        }
        let request = Request { account, session: SessionId(1), ..Request::default() };
        let mut session = Session { noop: self.clone(), request, reported: 0 };
        let logged_on = v1::LoggedOn {
            session_id: 1,
            last_number: 0,
            next_report_number: 1,
            heartbeat_interval: Some(convert::duration(Time::SECOND * 5)),
            silence_limit: Some(convert::duration(Time::SECOND * 15)),
        };
        let logged_on = Told1 { message: Some(Told::LoggedOn(logged_on)) };
        let answers = incoming.ready_chunks(TOGETHER).map(move |messages| session.answer(messages));
        let answers = futures::stream::once(async { Ok(logged_on) }).chain(answers);
        Ok(Response::new(Box::pin(answers)))
    }

    async fn reduce_order(&self, _: Call<v1::ReduceOrderRequest>) -> Answered<v1::ReduceOrderResponse> {
        Err(not_asked())
    }

    async fn mass_cancel(&self, _: Call<v1::MassCancelRequest>) -> Answered<v1::MassCancelResponse> {
        Err(not_asked())
    }

    async fn mass_quote(&self, call: Call<v1::MassQuoteRequest>) -> Answered<v1::MassQuoteResponse> {
        let account = self.account(call.metadata())?;
        let wire = call.into_inner();
        let quotes = convert::quotes(&required(wire.quotes)?, self).map(Into::into);
        let reports = self.unary(account, ("request_id", &wire.request_id), quotes)?;
        let standing_count = reports.len() as u64;
        Ok(Response::new(v1::MassQuoteResponse { standing_count, reports, repeated: false }))
    }

    async fn get_order(&self, _: Call<v1::GetOrderRequest>) -> Answered<v1::GetOrderResponse> {
        Err(not_asked())
    }

    async fn list_orders(&self, _: Call<v1::ListOrdersRequest>) -> Answered<v1::ListOrdersResponse> {
        Err(not_asked())
    }

    async fn list_fills(&self, _: Call<v1::ListFillsRequest>) -> Answered<v1::ListFillsResponse> {
        Err(not_asked())
    }

    type StreamExecutionsStream = Answers<v1::StreamExecutionsResponse>;

    async fn stream_executions(
        &self,
        _: Call<v1::StreamExecutionsRequest>,
    ) -> Answered<Self::StreamExecutionsStream> {
        Err(not_asked())
    }
}

fn not_asked() -> Status {
    Status::unimplemented("the load does not ask this")
}
