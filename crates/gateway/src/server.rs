//! Connections: accepted, bounded, watched, and ended in order.
//!
//! Our own accept loop, because a connection without a call is to be closed, one too many is to be refused,
//! and a client that does not read is to be let go; the rest is HTTP/2 as the framework does it.

use crate::accounts::Accounts;
use crate::admin::Admin;
use crate::calls::{Calls, Line, Verdict};
use crate::instruments::Instruments;
use crate::market_data::MarketData;
use crate::orders::Orders;
use crate::pricing::Prices;
use crate::tls::Tls;
use crate::together::{Begun, Together};
use crate::{Gateway, Inside, Limits};
use dashmap::DashMap;
use hourbook_api::FILE_DESCRIPTOR_SET;
use hourbook_api::v1::account_service_server::AccountServiceServer;
use hourbook_api::v1::admin_service_server::AdminServiceServer;
use hourbook_api::v1::instrument_service_server::InstrumentServiceServer;
use hourbook_api::v1::market_data_service_server::MarketDataServiceServer;
use hourbook_api::v1::order_service_server::OrderServiceServer;
use hourbook_api::v1::pricing_service_server::PricingServiceServer;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::Future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Why a gateway cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {error}", .path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{}: no PEM of a {what}", .path.display())]
    Pem { path: PathBuf, what: &'static str },
    #[error("{}: {error}", .path.display())]
    Certificate { path: PathBuf, error: rustls::Error },
    #[error("the development certificate: {0}")]
    Development(#[from] rcgen::Error),
    #[error("the contract's descriptors: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often a silent client is asked whether it lives, and how long it may take to say so.
const KEEPALIVE: Duration = Duration::from_secs(20);
/// After an accept that failed, for want of descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What one connection may send ahead of being read, in all and in one call; and what is kept for a slow
/// reader of one call.
const CONNECTION_WINDOW: u32 = 4 << 20;
const STREAM_WINDOW: u32 = 1 << 20;
const SEND_BUFFER: usize = 256 << 10;
/// The largest message of a call that needs no key.
const OPEN_MESSAGE: usize = 4 << 10;
/// Calls opened and reset at once, and faults of one connection, before it is closed.
const RESETS: usize = 64;

/// Serves until `shutdown` or a drain; then nobody is accepted, calls under way finish, and what has not
/// finished after the bound is cut.
///
/// # Errors
/// [`Error::Reflection`], which only a broken build can give.
pub async fn serve(
    gateway: &Gateway,
    listener: TcpListener,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let inside = &gateway.0;
    let (mut health, routes) = routes(inside).await?;
    let slots = Arc::new(Semaphore::new(inside.limits.connections));
    let peers = Peers::new(inside.limits.connections_per_address);
    let mut connections = JoinSet::new();
    let mut closing = inside.closing.subscribe();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = closing.wait_for(|closing| *closing) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match (Arc::clone(&slots).try_acquire_owned(), peers.enter(peer.ip())) {
                (Ok(slot), Some(place)) => {
                    let connection = connection(Arc::clone(inside), routes.clone(), tls.clone(), stream);
                    connections.spawn(async move {
                        connection.await;
                        drop((slot, place));
                    });
                }
                (slot, _) => {
                    inside.metrics.connection_refused();
                    tracing::debug!(%peer, by_address = slot.is_ok(), "one connection too many");
                }
            },
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    for service in SERVICES {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
    inside.closing.send_replace(true);
    // Whoever watches has heard it and will hear nothing more: its stream ends, and is not waited for.
    for service in SERVICES {
        health.clear_service_status(service).await;
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(inside.drain, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "calls did not end in time and are cut");
        connections.shutdown().await;
    }
    Ok(())
}

/// Connections by the address at their other end, so that no one takes the place of all.
struct Peers {
    most: usize,
    open: DashMap<IpAddr, usize>,
}

/// One connection of an address, until it is dropped.
struct Peer(Arc<Peers>, IpAddr);

impl Peers {
    fn new(most: usize) -> Arc<Peers> {
        Arc::new(Peers { most, open: DashMap::new() })
    }

    /// `None` when the address has as many as it may.
    fn enter(self: &Arc<Peers>, address: IpAddr) -> Option<Peer> {
        // Whoever has one address of IPv6 has its network of 64 bits.
        let address = match address.to_canonical() {
            IpAddr::V6(long) => IpAddr::V6((u128::from(long) >> 64 << 64).into()),
            short => short,
        };
        let mut open = self.open.entry(address).or_default();
        if *open == self.most {
            return None;
        }
        *open += 1;
        Some(Peer(Arc::clone(self), address))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.open.remove_if_mut(&self.1, |_, open| {
            *open -= 1;
            *open == 0
        });
    }
}

/// What health answers for; the empty name is the whole.
const SERVICES: [&str; 7] = [
    "",
    "hourbook.v1.OrderService",
    "hourbook.v1.MarketDataService",
    "hourbook.v1.InstrumentService",
    "hourbook.v1.AccountService",
    "hourbook.v1.PricingService",
    "hourbook.v1.AdminService",
];

async fn routes(inside: &Arc<Inside>) -> Result<(HealthReporter, Routes), Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    for service in SERVICES {
        reporter.set_service_status(service, ServingStatus::Serving).await;
    }
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let most = inside.limits.message_bytes;
    let health = health.max_decoding_message_size(OPEN_MESSAGE);
    let inside = || Arc::clone(inside);
    let routes = Routes::default()
        .add_service(OrderServiceServer::new(Orders(inside())).max_decoding_message_size(most))
        .add_service(MarketDataServiceServer::new(MarketData(inside())).max_decoding_message_size(most))
        .add_service(InstrumentServiceServer::new(Instruments(inside())).max_decoding_message_size(most))
        .add_service(AccountServiceServer::new(Accounts(inside())).max_decoding_message_size(most))
        .add_service(PricingServiceServer::new(Prices(inside())).max_decoding_message_size(most))
        .add_service(AdminServiceServer::new(Admin(inside())).max_decoding_message_size(most))
        .add_service(health)
        .add_service(reflection().build_v1()?.max_decoding_message_size(OPEN_MESSAGE))
        .add_service(reflection().build_v1alpha()?.max_decoding_message_size(OPEN_MESSAGE))
        .prepare();
    Ok((reporter, routes))
}

pub(crate) async fn connection(inside: Arc<Inside>, routes: Routes, tls: Option<Tls>, stream: TcpStream) {
    let _counted = inside.metrics.connections.hold();
    // Without it an answer may wait for the acknowledgement of the one before; only slower, no fault.
    let _ = stream.set_nodelay(true);
    match tls {
        None => converse(&inside, routes, stream).await,
        Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => converse(&inside, routes, stream).await,
            Ok(Err(error)) => tracing::debug!(%error, "no TLS came about"),
            Err(_) => tracing::debug!("the TLS handshake took too long"),
        },
    }
}

/// HTTP/2 as this server speaks it, for a connection that runs [`Together`] with its calls; benchmarks hold it against one
/// that does nothing else.
pub fn http2(limits: &Limits, calls: Begun) -> http2::Builder<Begun> {
    let mut http2 = http2::Builder::new(calls);
    http2
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_header_list_size(limits.header_list_bytes)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE);
    http2
}

/// Serves one connection to its end.
async fn converse(
    inside: &Arc<Inside>,
    routes: Routes,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let limits = &inside.limits;
    let line = Arc::new(Line::new());
    let calls = Calls { routes, inside: Arc::clone(inside), line: Arc::clone(&line) };
    let mut together =
        Together::new(|begun| http2(limits, begun).serve_connection(TokioIo::new(stream), calls));
    let mut closing = inside.closing.subscribe();
    let mut ending = false;
    let pause = (limits.idle / 4).clamp(Duration::from_millis(50), Duration::from_secs(5));
    let mut rounds = tokio::time::interval(pause);
    loop {
        tokio::select! {
            ended = &mut together => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
                return;
            }
            _ = closing.wait_for(|closing| *closing), if !ending => {
                together.connection.as_mut().graceful_shutdown();
                ending = true;
            }
            _ = rounds.tick() => match line.verdict(limits.idle, inside.patience.end) {
                Verdict::Stays => {}
                Verdict::Idle if !ending => {
                    together.connection.as_mut().graceful_shutdown();
                    ending = true;
                }
                // It was told to go and has nothing more to say, or it does not listen.
                Verdict::Idle | Verdict::Stuck => return,
            },
        }
    }
}
