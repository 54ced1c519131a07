//! A typed client: what a customer's program needs, and nothing that a customer may not do.
//!
//! - [`Client`]: every service over one connection, the key on every call; [`TradeStream`]: one bare `Trade` call
//! - `session`: [`Session`], a `Trade` session that outlives its connections
//! - `executions`: [`Executions`], drop copy that outlives its connections
//! - `feed`: [`Feed`], market data that outlives its connections; `book`: [`LocalBook`], kept from it and checked
//! - `recording`: [`Recorder`], [`Recorded`] and [`Rebuilt`], market data in a file and books built again from it
//! - `link`: where the exchange is, and when to try again; `words`: prices, lots and orders as programs write them
//!
//! Always true: what outlives its connections gives every report or change once and in order, or says what is missing.

mod book;
mod executions;
mod feed;
mod link;
mod recording;
mod session;
mod words;

pub use book::{Differs, Level, LocalBook, Order};
pub use executions::Executions;
pub use feed::{Counts, Feed, Instrument, News, Subscription};
pub use recording::{Rebuilt, Recorded, Recorder};
pub use session::{Cause, Entries, Event, Events, Reconnected, Refusal, Session, SessionOptions};
pub use words::{BadDecimal, Name, decimal, micros};

use crate::v1;
use crate::v1::account_service_client::AccountServiceClient;
use crate::v1::admin_service_client::AdminServiceClient;
use crate::v1::instrument_service_client::InstrumentServiceClient;
use crate::v1::market_data_service_client::MarketDataServiceClient;
use crate::v1::order_service_client::OrderServiceClient;
use crate::v1::pricing_service_client::PricingServiceClient;
use link::{Keyed, Link, MESSAGE_BYTES};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

/// Why a client cannot go on; [`Error::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is not an address such as http://127.0.0.1:7070")]
    Address(String),
    #[error("the key has characters that a header cannot carry")]
    Key,
    #[error("cannot connect: {0}")]
    Connect(#[from] tonic::transport::Error),
    #[error("{}", said(.0))]
    Refused(Box<Status>),
    #[error("the session ended: {0}")]
    Ended(String),
    /// What cannot be gone on with, though the connection could: it has to begin anew.
    #[error("cannot go on from number {next}: {why}; {} entries have no answer: {unanswered:?}", .unanswered.len())]
    Lost {
        why: String,
        /// The first report that was not received.
        next: u64,
        /// Entries of the session of which nobody knows whether they were sequenced: ask `ListOrders`.
        unanswered: Vec<u64>,
    },
}

/// The exchange's own words; of a status without any, what its code means.
fn said(status: &Status) -> String {
    match status.message() {
        "" => status.code().to_string(),
        message => message.to_owned(),
    }
}

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The same again, under the same ids, after this much time.
    Again { after: Duration },
    /// Something in the request is wrong: the field, where one is at fault.
    Correct { field: Option<String> },
    /// The key is no good for this: another key, another account, or a word with the operator.
    Ask,
    /// What was to be gone on with is gone: begin anew, and look at orders and positions first.
    BeginAnew,
}

impl Error {
    /// The machine-readable reason of a status, such as `RATE_LIMITED`; docs/errors.md has them all.
    pub fn reason(&self) -> Option<String> {
        match self {
            Error::Refused(status) => status.get_details_error_info().map(|info| info.reason),
            _ => None,
        }
    }

    /// What to do.
    pub fn advice(&self) -> Advice {
        let status = match self {
            Error::Address(_) => return Advice::Correct { field: Some("address".into()) },
            Error::Key => return Advice::Correct { field: Some("key".into()) },
            Error::Connect(_) => return Advice::Again { after: Duration::ZERO },
            Error::Ended(_) | Error::Lost { .. } => return Advice::BeginAnew,
            Error::Refused(status) => status,
        };
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Advice::Ask,
            Code::OutOfRange => Advice::BeginAnew,
            _ if link::may_come_right(status) => Advice::Again { after: link::delay(status) },
            _ => {
                let bad = status.get_details_bad_request();
                let field = bad.and_then(|bad| bad.field_violations.into_iter().next());
                Advice::Correct { field: field.map(|violation| violation.field) }
            }
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::Refused(Box::new(status))
    }
}

/// One connection to an exchange, under one key.
#[derive(Clone)]
pub struct Client {
    pub orders: OrderServiceClient<Keyed>,
    pub market_data: MarketDataServiceClient<Keyed>,
    pub instruments: InstrumentServiceClient<Keyed>,
    pub accounts: AccountServiceClient<Keyed>,
    pub pricing: PricingServiceClient<Keyed>,
    pub admin: AdminServiceClient<Keyed>,
    link: Link,
    channel: Channel,
}

/// Messages under way to the exchange in a session before `send` waits.
const MESSAGES_AHEAD: usize = 256;

impl Client {
    /// Connects to `http://host:port` or `https://host:port`; `authority` is the PEM of who signed the server's
    /// certificate, where that is not a public one.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Key`] and [`Error::Connect`].
    pub async fn connect(address: &str, key: &str, authority: Option<&str>) -> Result<Client, Error> {
        let link = Link::new(address, key, authority)?;
        let channel = link.connect().await?;
        Ok(Client::over(link, channel))
    }

    fn over(link: Link, channel: Channel) -> Client {
        macro_rules! service {
            ($client:ident) => {
                $client::with_interceptor(channel.clone(), link.bearer.clone())
                    .max_decoding_message_size(MESSAGE_BYTES)
                    .max_encoding_message_size(MESSAGE_BYTES)
            };
        }
        Client {
            orders: service!(OrderServiceClient),
            market_data: service!(MarketDataServiceClient),
            instruments: service!(InstrumentServiceClient),
            accounts: service!(AccountServiceClient),
            pricing: service!(PricingServiceClient),
            admin: service!(AdminServiceClient),
            link,
            channel,
        }
    }

    /// The same connection with a time in which each call must be answered. Where it is not, the status is CANCELLED by the
    /// clock here or DEADLINE_EXCEEDED by the exchange's, and the same call under the same id is safe. Streams must begin in that
    /// time; sessions, drop copy and feeds keep their own.
    pub fn with_deadline(self, deadline: Duration) -> Client {
        let mut link = self.link;
        link.bearer.deadline = Some(deadline);
        Client::over(link, self.channel)
    }

    /// Logs a session on that outlives its connections. It has a connection of its own.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Refused`] with the exchange's status; it is tried once.
    pub async fn session(&self, options: SessionOptions) -> Result<Session, Error> {
        Session::log_on(self.link.clone(), options).await
    }

    /// The reports of an account from a number on, 0 for new ones only, over a connection of its own.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Refused`] with the exchange's status; it is tried once.
    pub async fn executions(&self, account: u32, from_number: u64) -> Result<Executions, Error> {
        Executions::begin(self.link.clone(), account, from_number).await
    }

    /// Subscribes to market data, over a connection of its own.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Refused`] with the exchange's status; it is tried once.
    pub async fn feed(&self, subscription: Subscription) -> Result<Feed, Error> {
        Feed::begin(self.link.clone(), subscription).await
    }

    /// Begins a bare `Trade` call, which ends with its connection; [`Client::session`] goes on.
    ///
    /// # Errors
    /// [`Error::Refused`] with the exchange's status, [`Error::Ended`] when it closes at once.
    pub async fn trade(&self, logon: v1::Logon) -> Result<(TradeStream, v1::LoggedOn), Error> {
        TradeStream::log_on(self.orders.clone(), logon).await
    }
}

/// A `Trade` call that is logged on.
pub struct TradeStream {
    requests: mpsc::Sender<v1::TradeRequest>,
    answers: Streaming<v1::TradeResponse>,
}

impl TradeStream {
    async fn log_on(
        mut orders: OrderServiceClient<Keyed>,
        logon: v1::Logon,
    ) -> Result<(TradeStream, v1::LoggedOn), Error> {
        let (requests, outgoing) = mpsc::channel(MESSAGES_AHEAD);
        let first = v1::TradeRequest { message: Some(v1::trade_request::Message::Logon(logon)) };
        requests.send(first).await.map_err(|_| Error::Ended("before it began".into()))?;
        let answers = orders.trade(ReceiverStream::new(outgoing)).await?.into_inner();
        let mut stream = TradeStream { requests, answers };
        match stream.next().await? {
            Some(v1::trade_response::Message::LoggedOn(on)) => Ok((stream, on)),
            Some(v1::trade_response::Message::LoggedOff(off)) => Err(Error::Ended(off.reason)),
            _ => Err(Error::Ended("the first answer was no logon".into())),
        }
    }

    /// Sends a batch; waits while the exchange does not read.
    ///
    /// # Errors
    /// [`Error::Ended`] when the session is over.
    pub async fn send(&self, entries: Vec<v1::TradeEntry>) -> Result<(), Error> {
        self.message(v1::trade_request::Message::Batch(v1::TradeBatch { entries })).await
    }

    /// Says that the client lives.
    ///
    /// # Errors
    /// [`Error::Ended`] when the session is over.
    pub async fn heartbeat(&self) -> Result<(), Error> {
        self.message(v1::trade_request::Message::Heartbeat(v1::ClientHeartbeat {})).await
    }

    /// Ends the session; its last answers can still be read.
    ///
    /// # Errors
    /// [`Error::Ended`] when it is over already.
    pub async fn log_off(&self) -> Result<(), Error> {
        self.message(v1::trade_request::Message::Logoff(v1::Logoff {})).await
    }

    async fn message(&self, message: v1::trade_request::Message) -> Result<(), Error> {
        let request = v1::TradeRequest { message: Some(message) };
        self.requests.send(request).await.map_err(|_| Error::Ended("the exchange closed it".into()))
    }

    /// The next answer; `None` when the exchange has closed the session in order.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status that ended it.
    pub async fn next(&mut self) -> Result<Option<v1::trade_response::Message>, Error> {
        Ok(self.answers.message().await?.and_then(|answer| answer.message))
    }

    /// A half that sends and a half that reads, for two tasks.
    pub fn split(self) -> (Sender, Streaming<v1::TradeResponse>) {
        (Sender(self.requests), self.answers)
    }
}

/// The half of a session that sends.
#[derive(Clone)]
pub struct Sender(mpsc::Sender<v1::TradeRequest>);

impl Sender {
    /// Sends a batch; waits while the exchange does not read.
    ///
    /// # Errors
    /// [`Error::Ended`] when the session is over.
    pub async fn send(&self, entries: Vec<v1::TradeEntry>) -> Result<(), Error> {
        let message = Some(v1::trade_request::Message::Batch(v1::TradeBatch { entries }));
        self.0
            .send(v1::TradeRequest { message })
            .await
            .map_err(|_| Error::Ended("the exchange closed it".into()))
    }
}
