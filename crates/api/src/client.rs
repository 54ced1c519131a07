//! A typed client: every service over one connection, the key on every call, and the `Trade` session.

use crate::v1;
use crate::v1::account_service_client::AccountServiceClient;
use crate::v1::admin_service_client::AdminServiceClient;
use crate::v1::instrument_service_client::InstrumentServiceClient;
use crate::v1::market_data_service_client::MarketDataServiceClient;
use crate::v1::order_service_client::OrderServiceClient;
use crate::v1::pricing_service_client::PricingServiceClient;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status, Streaming};

/// Why a client cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is not an address such as http://127.0.0.1:7070")]
    Address(String),
    #[error("the key has characters that a header cannot carry")]
    Key,
    #[error("cannot connect: {0}")]
    Connect(#[from] tonic::transport::Error),
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(Box<Status>),
    #[error("the session ended: {0}")]
    Ended(String),
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::Refused(Box::new(status))
    }
}

/// Puts the key on every call.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

type Keyed = InterceptedService<Channel, Bearer>;

/// One connection to an exchange, under one key.
#[derive(Clone)]
pub struct Client {
    pub orders: OrderServiceClient<Keyed>,
    pub market_data: MarketDataServiceClient<Keyed>,
    pub instruments: InstrumentServiceClient<Keyed>,
    pub accounts: AccountServiceClient<Keyed>,
    pub pricing: PricingServiceClient<Keyed>,
    pub admin: AdminServiceClient<Keyed>,
}

/// Messages under way to the exchange in a session before `send` waits.
const MESSAGES_AHEAD: usize = 256;
/// The largest answer taken, bytes.
const MESSAGE_BYTES: usize = 16 << 20;

impl Client {
    /// Connects to `http://host:port` or `https://host:port`; `authority` is the PEM of who signed the server's
    /// certificate, where that is not a public one.
    ///
    /// # Errors
    /// [`Error::Address`], [`Error::Key`] and [`Error::Connect`].
    pub async fn connect(address: &str, key: &str, authority: Option<&str>) -> Result<Client, Error> {
        let bearer = match key {
            "" => Bearer(None),
            key => {
                let mut value: MetadataValue<Ascii> =
                    format!("Bearer {key}").parse().map_err(|_| Error::Key)?;
                value.set_sensitive(true);
                Bearer(Some(value))
            }
        };
        let mut endpoint = Endpoint::from_shared(address.to_string())
            .map_err(|_| Error::Address(address.into()))?
            .tcp_nodelay(true)
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(8 << 20);
        if address.starts_with("https://") {
            let mut tls = ClientTlsConfig::new();
            if let Some(authority) = authority {
                tls = tls.ca_certificate(Certificate::from_pem(authority));
            }
            endpoint = endpoint.tls_config(tls)?;
        }
        let channel = endpoint.connect().await?;
        macro_rules! service {
            ($client:ident) => {
                $client::with_interceptor(channel.clone(), bearer.clone())
                    .max_decoding_message_size(MESSAGE_BYTES)
                    .max_encoding_message_size(MESSAGE_BYTES)
            };
        }
        Ok(Client {
            orders: service!(OrderServiceClient),
            market_data: service!(MarketDataServiceClient),
            instruments: service!(InstrumentServiceClient),
            accounts: service!(AccountServiceClient),
            pricing: service!(PricingServiceClient),
            admin: service!(AdminServiceClient),
        })
    }

    /// Begins a `Trade` session.
    ///
    /// # Errors
    /// [`Error::Refused`] with the exchange's status, [`Error::Ended`] when it closes at once.
    pub async fn trade(&self, logon: v1::Logon) -> Result<(Session, v1::LoggedOn), Error> {
        let (requests, outgoing) = mpsc::channel(MESSAGES_AHEAD);
        let first = v1::TradeRequest { message: Some(v1::trade_request::Message::Logon(logon)) };
        requests.send(first).await.map_err(|_| Error::Ended("before it began".into()))?;
        let answers = self.orders.clone().trade(ReceiverStream::new(outgoing)).await?.into_inner();
        let mut session = Session { requests, answers };
        match session.next().await? {
            Some(v1::trade_response::Message::LoggedOn(on)) => Ok((session, on)),
            Some(v1::trade_response::Message::LoggedOff(off)) => Err(Error::Ended(off.reason)),
            _ => Err(Error::Ended("the first answer was no logon".into())),
        }
    }
}

/// A session that is logged on.
pub struct Session {
    requests: mpsc::Sender<v1::TradeRequest>,
    answers: Streaming<v1::TradeResponse>,
}

impl Session {
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
