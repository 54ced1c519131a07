//! Figures for operators, in the words of Prometheus.
//!
//! What is counted for every command or call is a plain atomic in an array; names and text come about when
//! somebody asks.

use crate::{CALLS, Gateway};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hourbook_api::{convert, v1};
use hourbook_model::{Command, Event, RejectReason, ReportKind};
use hourbook_sequencer::{Entry, Handle, SYNC_BOUNDS_MICROS};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use tokio::net::TcpListener;
use tonic::Code;

/// Numbers of commands and reasons are below this; codes of gRPC below that.
const NUMBERS: usize = 128;
const CODES: usize = 17;
/// Calls that are not ours: health, reflection, and names that mean nothing.
const OTHER: usize = CALLS.len();

pub struct Metrics {
    handle: Handle,
    /// By number of the command's kind, and by the reason's number on the wire.
    commands: [AtomicU64; NUMBERS],
    rejects: [AtomicU64; NUMBERS],
    methods: HashMap<String, usize>,
    calls: Vec<[AtomicU64; CODES]>,
    connections_refused: AtomicU64,
    pub connections: Gauge,
    /// Calls that last: `Trade` sessions, drop copies, status streams, health watches.
    pub streams: Gauge,
}

/// How many there are at this moment.
#[derive(Clone, Default)]
pub struct Gauge(Arc<AtomicU64>);

/// One of them, until it is dropped.
pub struct Held(Arc<AtomicU64>);

impl Gauge {
    pub fn hold(&self) -> Held {
        self.0.fetch_add(1, Relaxed);
        Held(Arc::clone(&self.0))
    }

    pub fn now(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    pub fn new(handle: Handle) -> Metrics {
        let zero = |_| AtomicU64::new(0);
        let path = |call: &str| format!("/hourbook.v1.{}", call.replace('.', "/"));
        Metrics {
            handle,
            commands: std::array::from_fn(zero),
            rejects: std::array::from_fn(zero),
            methods: CALLS.iter().enumerate().map(|(index, (call, _))| (path(call), index)).collect(),
            calls: (0..=OTHER).map(|_| std::array::from_fn(zero)).collect(),
            connections_refused: AtomicU64::new(0),
            connections: Gauge::default(),
            streams: Gauge::default(),
        }
    }

    /// Counts a published command and what was refused in it.
    pub fn saw(&self, entry: &Entry, events: &[Event]) {
        self.commands[usize::from(entry.command.kind().0) % NUMBERS].fetch_add(1, Relaxed);
        for event in events {
            if let Some(reason) = refusal(event) {
                self.rejects[convert::reject_reason(reason) as usize % NUMBERS].fetch_add(1, Relaxed);
            }
        }
    }

    /// The number under which calls of this path are counted.
    pub fn method(&self, path: &str) -> usize {
        self.methods.get(path).copied().unwrap_or(OTHER)
    }

    pub fn called(&self, method: usize, code: Code) {
        self.calls[method][code as usize % CODES].fetch_add(1, Relaxed);
    }

    pub fn connection_refused(&self) {
        self.connections_refused.fetch_add(1, Relaxed);
    }
}

fn refusal(event: &Event) -> Option<RejectReason> {
    match event {
        Event::Refused { reason } => Some(*reason),
        Event::Reported(report) => match report.kind {
            ReportKind::Rejected(reason)
            | ReportKind::CancelRejected(reason)
            | ReportKind::AmendRejected(reason)
            | ReportKind::MassCancelRejected(reason) => Some(reason),
            _ => None,
        },
        _ => None,
    }
}

/// Writes one figure after the other.
struct Writer<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Writer<'_, '_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let gauge = ConstGauge::new(value as i64);
        gauge.encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn counters<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl Iterator<Item = ([(&'static str, String); N], u64)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in values {
            ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// All figures, when they are asked for.
struct Figures(Gateway);

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let metrics = &self.0.0.metrics;
        let stats = metrics.handle.stats();
        let mut to = Writer(&mut encoder);

        to.gauge("sequence", "Number of the last command written", stats.seq)?;
        to.gauge("durable_sequence", "Number of the last command known to be durable", stats.durable)?;
        to.gauge("published_sequence", "Number of the last command published", *self.0.0.published.borrow())?;
        to.gauge("recorded_sequence", "Number of the last command in history", self.0.0.history.recorded())?;
        let stalled = u64::from(self.0.0.history.stalled().is_some());
        to.gauge("history_stalled", "1 once nothing more is recorded in history", stalled)?;
        to.gauge("queue_commands", "Commands waiting to be sequenced", stats.waiting)?;
        to.gauge("queue_commands_most", "Commands that may wait", stats.queue)?;
        to.counter("queue_refused", "Submissions refused because the queue was full", stats.refused_busy)?;
        to.counter(
            "disk_full_refused",
            "Submissions refused because the disk was full",
            stats.refused_disk_full,
        )?;
        to.gauge(
            "disk_full",
            "1 while only what cancels or reduces is accepted",
            u64::from(stats.disk_full),
        )?;
        to.counter("batches", "Batches since the start", stats.batches)?;
        to.counter("commands", "Commands since the start, ticks among them", stats.commands)?;
        to.gauge("last_batch_commands", "Commands in the last batch", stats.last_batch)?;
        to.counter("journal_bytes", "Bytes written to the journal since the start", stats.journal_bytes)?;
        to.gauge("snapshot_sequence", "Number of the last snapshot", stats.snapshot)?;
        to.counter("snapshots", "Snapshots since the start", stats.snapshots)?;
        to.counter("snapshots_failed", "Snapshots that came to nothing", stats.snapshots_failed)?;

        let seconds = |micros: u64| micros as f64 / 1e6;
        let bounds = SYNC_BOUNDS_MICROS.iter().map(|bound| seconds(*bound)).chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(stats.sync_buckets).collect();
        let help = "How long syncs of the journal took";
        to.0.encode_descriptor("sync", help, Some(&Unit::Seconds), MetricType::Histogram)?
            .encode_histogram::<[(&str, &str); 0]>(seconds(stats.sync_micros), stats.syncs, &buckets, None)?;

        let kinds = Command::KINDS.iter().map(|&(number, _, name)| {
            ([("kind", name.to_string())], metrics.commands[usize::from(number) % NUMBERS].load(Relaxed))
        });
        to.counters("commands_by_kind", "Commands published, by kind", kinds)?;
        let reasons = (1..NUMBERS).zip(&metrics.rejects[1..]).filter_map(|(number, count)| {
            let name = v1::RejectReason::try_from(number as i32).ok()?.as_str_name();
            Some(([("reason", name.trim_start_matches("REJECT_REASON_").into())], count.load(Relaxed)))
        });
        to.counters("rejects", "Refusals of the market, by reason", reasons)?;

        to.gauge("connections", "Open connections", metrics.connections.now())?;
        let refused = metrics.connections_refused.load(Relaxed);
        to.counter("connections_refused", "Connections beyond the limit", refused)?;
        to.gauge("streams", "Calls that last: sessions, drop copies, status streams", metrics.streams.now())?;
        to.gauge("sessions", "Trade sessions", self.0.0.sessions_now() as u64)?;
        let calls = metrics.calls.iter().enumerate().flat_map(|(method, codes)| {
            let name = CALLS.get(method).map_or("other", |(call, _)| *call);
            codes.iter().enumerate().filter_map(move |(code, count)| {
                let count = Some(count.load(Relaxed)).filter(|count| *count > 0)?;
                Some((
                    [("method", name.to_string()), ("code", format!("{:?}", Code::from_i32(code as i32)))],
                    count,
                ))
            })
        });
        to.counters("calls", "Calls that ended, by method and code", calls)
    }
}

/// Everything in the text that Prometheus reads.
pub fn text(gateway: &Gateway) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("hourbook");
    registry.register_collector(Box::new(Figures(gateway.clone())));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)?;
    Ok(text)
}

/// Serves `/metrics` and `/healthz` until `shutdown`. Plain HTTP: keep it where only operators reach it.
///
/// # Errors
/// Those of the listener.
pub async fn serve(
    gateway: &Gateway,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/metrics", get(show))
        .route("/healthz", get(healthz))
        .with_state(gateway.clone());
    axum::serve(listener, routes).with_graceful_shutdown(shutdown).await
}

async fn show(State(gateway): State<Gateway>) -> impl IntoResponse {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match text(&gateway) {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, KIND)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn healthz(State(gateway): State<Gateway>) -> (StatusCode, String) {
    health(&gateway)
}

/// How it stands, for who may send traffic elsewhere.
pub fn health(gateway: &Gateway) -> (StatusCode, String) {
    match (gateway.0.handle.stopped(), *gateway.0.closing.borrow()) {
        (Some(reason), _) => (StatusCode::SERVICE_UNAVAILABLE, format!("stopped: {reason}\n")),
        (None, true) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".into()),
        // Trading goes on without it.
        (None, false) => match gateway.0.history.stalled() {
            Some(why) => (StatusCode::OK, format!("serving; history has stalled: {why}\n")),
            None => (StatusCode::OK, "serving\n".into()),
        },
    }
}
