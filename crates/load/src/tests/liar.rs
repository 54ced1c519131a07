//! A server that speaks as much of the contract as a session of the load needs, and tells what is not so.

use hourbook_api::v1::order_service_server::{OrderService, OrderServiceServer};
use hourbook_api::v1::trade_entry::Request;
use hourbook_api::v1::trade_request::Message as Asked;
use hourbook_api::v1::trade_response::Message as Told;
use hourbook_api::v1::{self, ReportKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request as Call, Response, Status, Streaming};

/// What it tells of the entry with the number [`AT`] of a session, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    /// The report is not told, and its number is missing; or it is told twice under the same number.
    NoReport,
    ReportTwice,
    /// The report is not told, or is told twice, and numbers go on as if that were right.
    NoAnswer,
    AnswerTwice,
    Throttled,
    /// Every amendment is refused.
    Refusals,
    /// It says nothing for so long.
    Pause(Duration),
}

/// An entry of the round that follows the filling.
const AT: u64 = 20;

/// Serves in this process; the address.
pub async fn serve(lie: Lie) -> String {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap().with_nodelay(Some(true));
    let address = incoming.local_addr().unwrap();
    let service = OrderServiceServer::new(Liar(lie, Arc::default()));
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    format!("http://{address}")
}

/// What it tells, and how many orders it has had.
struct Liar(Lie, Arc<AtomicU64>);

/// One session.
struct Session {
    lie: Lie,
    number: u64,
    orders: Arc<AtomicU64>,
    says: mpsc::Sender<Result<v1::TradeResponse, Status>>,
}

impl Session {
    async fn say(&self, message: Told) {
        // Whoever hears it may have found it out already.
        let _ = self.says.send(Ok(v1::TradeResponse { message: Some(message) })).await;
    }

    async fn tell(&self, report: v1::ExecutionReport) {
        self.say(Told::Reports(v1::ReportBatch { reports: vec![report] })).await;
    }

    async fn answer(&mut self, entry: v1::TradeEntry) {
        self.number += 1;
        let lie = if entry.number == AT { self.lie } else { Lie::None };
        let blank = v1::ExecutionReport {
            number: self.number,
            session_id: 1,
            request_number: entry.number,
            leaves_quantity: 1,
            ..v1::ExecutionReport::default()
        };
        let report = match entry.request {
            Some(Request::Place(order)) => v1::ExecutionReport {
                kind: ReportKind::Accepted as i32,
                order_id: 1 + self.orders.fetch_add(1, Relaxed),
                side: order.side,
                instrument_id: order.instrument_id,
                time_in_force: order.time_in_force,
                ..blank
            },
            Some(Request::Cancel(_)) => v1::ExecutionReport {
                kind: ReportKind::Cancelled as i32,
                cancel_reason: v1::CancelReason::User as i32,
                ..blank
            },
            Some(Request::Amend(_)) if self.lie == Lie::Refusals => v1::ExecutionReport {
                kind: ReportKind::AmendRejected as i32,
                reject_reason: v1::RejectReason::Halted as i32,
                ..blank
            },
            Some(Request::Amend(_)) => v1::ExecutionReport { kind: ReportKind::Amended as i32, ..blank },
            _ => v1::ExecutionReport { kind: ReportKind::MassCancelled as i32, ..blank },
        };
        match lie {
            Lie::NoReport => {}
            Lie::NoAnswer => self.number -= 1,
            Lie::ReportTwice => {
                self.tell(report.clone()).await;
                self.tell(report).await;
            }
            Lie::AnswerTwice => {
                self.tell(report.clone()).await;
                self.number += 1;
                self.tell(v1::ExecutionReport { number: self.number, ..report }).await;
            }
            Lie::Throttled => {
                let first_refused_number = entry.number;
                self.say(Told::Throttled(v1::Throttled { first_refused_number, retry_after: None })).await;
            }
            Lie::Pause(length) => {
                tokio::time::sleep(length).await;
                self.tell(report).await;
            }
            Lie::None | Lie::Refusals => self.tell(report).await,
        }
    }
}

type Answers<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

/// Calls that the load does not make of it.
macro_rules! not_asked {
    ($($call:ident: $asked:ident -> $answer:ty;)*) => {
        #[tonic::async_trait]
        impl OrderService for Liar {
            type TradeStream = Answers<v1::TradeResponse>;
            type StreamExecutionsStream = Answers<v1::StreamExecutionsResponse>;

            async fn trade(
                &self,
                call: Call<Streaming<v1::TradeRequest>>,
            ) -> Result<Response<Self::TradeStream>, Status> {
                Ok(Response::new(trade(self.0, Arc::clone(&self.1), call.into_inner())))
            }

            $(async fn $call(&self, _: Call<v1::$asked>) -> Result<Response<$answer>, Status> {
                Err(Status::unimplemented("not asked"))
            })*
        }
    };
}

not_asked! {
    place_order: PlaceOrderRequest -> v1::PlaceOrderResponse;
    cancel_order: CancelOrderRequest -> v1::CancelOrderResponse;
    amend_order: AmendOrderRequest -> v1::AmendOrderResponse;
    reduce_order: ReduceOrderRequest -> v1::ReduceOrderResponse;
    mass_cancel: MassCancelRequest -> v1::MassCancelResponse;
    mass_quote: MassQuoteRequest -> v1::MassQuoteResponse;
    get_order: GetOrderRequest -> v1::GetOrderResponse;
    list_orders: ListOrdersRequest -> v1::ListOrdersResponse;
    list_fills: ListFillsRequest -> v1::ListFillsResponse;
    stream_executions: StreamExecutionsRequest -> Self::StreamExecutionsStream;
}

fn trade(
    lie: Lie,
    orders: Arc<AtomicU64>,
    mut incoming: Streaming<v1::TradeRequest>,
) -> Answers<v1::TradeResponse> {
    let (says, heard) = mpsc::channel(1_024);
    tokio::spawn(async move {
        let mut session = Session { lie, number: 0, orders, says };
        while let Ok(Some(request)) = incoming.message().await {
            match request.message {
                Some(Asked::Logon(_)) => {
                    let on = v1::LoggedOn { session_id: 1, next_report_number: 1, ..v1::LoggedOn::default() };
                    session.say(Told::LoggedOn(on)).await;
                }
                Some(Asked::Batch(batch)) => {
                    for entry in batch.entries {
                        session.answer(entry).await;
                    }
                }
                _ => break,
            }
        }
        session.say(Told::LoggedOff(v1::LoggedOff::default())).await;
    });
    Box::pin(ReceiverStream::new(heard))
}
