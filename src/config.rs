//! The server's settings: flags before environment before file before defaults, resolved once.
//!
//! `deploy/hourbook.toml` shows every key with its default; a test holds the two together.
//!
//! Always true of a [`Config`]: an address that others can reach has TLS; figures are where others can reach them only
//! when that was asked for.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::settings::{self, Error, Size, Span, Text, Whole};

/// What a running server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Holds journal, snapshots and history; one process at a time.
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// Where `/metrics` is served; `None` serves none.
    pub metrics: Option<SocketAddr>,
    /// The market file; `None` is the market built in.
    pub market: Option<PathBuf>,
    pub tls: Tls,
    pub journal: Journal,
    pub pricing: Pricing,
    pub limits: Limits,
    pub log: Log,
    /// How long calls in flight may take to end once a stop is asked for.
    pub drain: Duration,
    /// Whether the machine's cores are kept from sleeping.
    pub awake: bool,
}

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Loopback only.
    None,
    /// A certificate made at the start, for trying things out.
    Development,
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    /// Commands that wait to be sequenced; more are answered RESOURCE_EXHAUSTED.
    pub queue_commands: usize,
    /// Commands between two snapshots.
    pub snapshot_commands: u64,
    /// Bytes of one segment, preallocated.
    pub segment_bytes: u64,
    /// Bytes of disk that new orders leave free, so that cancels still find room.
    pub reserve_bytes: u64,
}

/// What hours are held to be worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// The file of parameters; `None` is the one built in.
    pub params: Option<PathBuf>,
    /// Whether fair prices become the references of what has not traded, before the market file's.
    pub references: bool,
}

/// What one client, or all together, may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    pub connections_per_address: usize,
    /// `Trade` sessions logged on at once, over all accounts.
    pub sessions: usize,
    /// Sessions and streams of one participant at once.
    pub streams_per_participant: usize,
    /// Subscriptions to market data at once, over all participants.
    pub subscriptions: usize,
    /// What one subscription may leave lying.
    pub subscription_buffer_bytes: usize,
    /// Calls at once on one connection.
    pub streams_per_connection: u32,
    pub message_bytes: usize,
    pub header_list_bytes: u32,
    /// Commands in one message of a `Trade` session, and quotes in one mass quote.
    pub batch_commands: usize,
    /// A connection without a call for this long is closed.
    pub idle: Duration,
    /// Each side of a session says something at least so often.
    pub heartbeat: Duration,
    /// A session whose client says nothing for so long ends.
    pub silence: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter such as `info` or `info,hourbook_sequencer=debug`.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// The flags of `serve`; the environment sets what a flag does not.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Settings file; see deploy/hourbook.toml. None is needed
    #[arg(long, value_name = "FILE", env = "HOURBOOK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of journal, snapshots and history
    #[arg(long, value_name = "DIR", env = "HOURBOOK_DATA")]
    pub data: Option<PathBuf>,
    /// Address of the gRPC services
    #[arg(long, value_name = "ADDRESS", env = "HOURBOOK_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Address of /metrics, or "none"
    #[arg(long, value_name = "ADDRESS", env = "HOURBOOK_METRICS")]
    pub metrics: Option<String>,
    /// Let the address of /metrics, which is plain HTTP, be one that others can reach
    #[arg(long, env = "HOURBOOK_METRICS_PUBLIC")]
    pub metrics_public: bool,
    /// Market file; the market built in without one
    #[arg(long, value_name = "FILE", env = "HOURBOOK_MARKET")]
    pub market: Option<PathBuf>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", env = "HOURBOOK_TLS_CERTIFICATE")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", env = "HOURBOOK_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Make a certificate at the start, for trying things out
    #[arg(long, env = "HOURBOOK_TLS_DEVELOPMENT")]
    pub tls_development: bool,
    /// Stop, as on SIGTERM, when standard input ends: for a program that starts an exchange of its own and may be killed
    #[arg(long)]
    pub stop_with_stdin: bool,
    /// Keep the machine's cores from sleeping: orders are answered sooner, and an idle machine takes more power
    #[arg(long, env = "HOURBOOK_AWAKE")]
    pub awake: bool,
    /// Log filter, such as info or info,hourbook_sequencer=debug
    #[arg(long, value_name = "FILTER", env = "HOURBOOK_LOG")]
    pub log: Option<String>,
    /// Log format
    #[arg(long, value_name = "FORMAT", env = "HOURBOOK_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Config {
    /// What the flags, the environment behind them and the file they name come to.
    pub fn resolve(flags: &Flags) -> Result<Config, Error> {
        let (name, file) = match &flags.config {
            Some(path) => {
                let name = path.display().to_string();
                let file = settings::read(&name, &settings::text_of(path)?)?;
                (name, file)
            }
            None => ("flags and environment".to_string(), File::default()),
        };
        Resolution { name: &name, file, flags }.config()
    }
}

// What may be written, every key optional. Ranges stand in the types, defaults in `Default`.

const KIB: i64 = 1 << 10;
const MIB: i64 = 1 << 20;
const GIB: i64 = 1 << 30;
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    data: PathBuf,
    listen: String,
    metrics: String,
    metrics_public: bool,
    market: PathBuf,
    drain: Span<0, { 10 * MINUTE }>,
    awake: bool,
    tls: TlsText,
    journal: JournalText,
    pricing: PricingText,
    limits: LimitsText,
    log: LogText,
}

impl Default for File {
    fn default() -> File {
        File {
            data: "data".into(),
            listen: "127.0.0.1:7070".into(),
            metrics: "127.0.0.1:7071".into(),
            metrics_public: false,
            market: PathBuf::new(),
            drain: Span::seconds(10),
            awake: false,
            tls: TlsText::default(),
            journal: JournalText::default(),
            pricing: PricingText::default(),
            limits: LimitsText::default(),
            log: LogText::default(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TlsText {
    certificate: PathBuf,
    key: PathBuf,
    development: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct JournalText {
    queue_commands: Whole<64, 16_777_216>,
    snapshot_commands: Whole<1_000, 1_000_000_000_000>,
    segment: Size<MIB, { 16 * GIB }>,
    reserve: Size<MIB, { 1_024 * GIB }>,
}

impl Default for JournalText {
    fn default() -> JournalText {
        JournalText {
            queue_commands: Whole(65_536),
            snapshot_commands: Whole(8_000_000),
            segment: Size(64 * MIB),
            reserve: Size(256 * MIB),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PricingText {
    params: PathBuf,
    references: bool,
}

impl Default for PricingText {
    fn default() -> PricingText {
        PricingText { params: PathBuf::new(), references: true }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LimitsText {
    connections: Whole<1, 1_000_000>,
    connections_per_address: Whole<1, 1_000_000>,
    sessions: Whole<1, 1_000_000>,
    streams_per_participant: Whole<1, 1_000_000>,
    subscriptions: Whole<1, 1_000_000>,
    subscription_buffer: Size<KIB, GIB>,
    streams_per_connection: Whole<1, 1_000_000>,
    message: Size<KIB, { 64 * MIB }>,
    header_list: Size<KIB, MIB>,
    batch_commands: Whole<1, 1_000>,
    idle: Span<1, DAY>,
    heartbeat: Span<1, { 10 * MINUTE }>,
    silence: Span<2, DAY>,
}

impl Default for LimitsText {
    fn default() -> LimitsText {
        LimitsText {
            connections: Whole(4_096),
            connections_per_address: Whole(1_024),
            sessions: Whole(4_096),
            streams_per_participant: Whole(256),
            subscriptions: Whole(4_096),
            subscription_buffer: Size(4 * MIB),
            streams_per_connection: Whole(256),
            message: Size(MIB),
            header_list: Size(16 * KIB),
            batch_commands: Whole(1_000),
            idle: Span::seconds(5 * MINUTE),
            heartbeat: Span::seconds(5),
            silence: Span::seconds(15),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LogText {
    filter: Text<400>,
    format: LogFormat,
}

impl Default for LogText {
    fn default() -> LogText {
        LogText { filter: Text("info".into()), format: LogFormat::Text }
    }
}

/// A file and the flags over it, on their way to being a configuration.
struct Resolution<'a> {
    /// What messages call the file.
    name: &'a str,
    file: File,
    flags: &'a Flags,
}

impl Resolution<'_> {
    fn config(self) -> Result<Config, Error> {
        let listen = match self.flags.listen {
            Some(address) => address,
            None => self.address("listen", &self.file.listen)?,
        };
        let tls = self.tls()?;
        if !listen.ip().is_loopback() && tls == Tls::None {
            return self.bad(
                "listen",
                format_args!(
                    "{listen} can be reached by others: set tls.certificate and tls.key, or tls.development to try"
                ),
            );
        }
        let metrics = self.metrics()?;
        let data = self.flags.data.as_ref().unwrap_or(&self.file.data);
        if data.as_os_str().is_empty() {
            return self.bad("data", "must name a directory");
        }
        let LimitsText { heartbeat, silence, .. } = &self.file.limits;
        if silence.duration() < 2 * heartbeat.duration() {
            return self.bad("limits.silence", "must be at least twice limits.heartbeat");
        }
        let Resolution { file: File { journal, pricing, limits, log, .. }, flags, .. } = &self;
        Ok(Config {
            data: flags.data.clone().unwrap_or(self.file.data.clone()),
            listen,
            metrics,
            market: flags.market.clone().or(given(&self.file.market)),
            tls,
            journal: Journal {
                queue_commands: journal.queue_commands.0 as usize,
                snapshot_commands: journal.snapshot_commands.0 as u64,
                segment_bytes: journal.segment.0 as u64,
                reserve_bytes: journal.reserve.0 as u64,
            },
            pricing: Pricing { params: given(&pricing.params), references: pricing.references },
            limits: Limits {
                connections: limits.connections.0 as usize,
                connections_per_address: limits.connections_per_address.0 as usize,
                sessions: limits.sessions.0 as usize,
                streams_per_participant: limits.streams_per_participant.0 as usize,
                subscriptions: limits.subscriptions.0 as usize,
                subscription_buffer_bytes: limits.subscription_buffer.usize(),
                streams_per_connection: limits.streams_per_connection.u32(),
                message_bytes: limits.message.usize(),
                header_list_bytes: limits.header_list.0 as u32,
                batch_commands: limits.batch_commands.0 as usize,
                idle: limits.idle.duration(),
                heartbeat: limits.heartbeat.duration(),
                silence: limits.silence.duration(),
            },
            log: Log {
                filter: flags.log.clone().unwrap_or(log.filter.0.clone()),
                format: flags.log_format.unwrap_or(log.format),
            },
            drain: self.file.drain.duration(),
            awake: flags.awake || self.file.awake,
        })
    }

    fn bad<T>(&self, key: &str, why: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::key(self.name, key, why))
    }

    /// Files given as flags stand before a development certificate asked for in the file, and the other way.
    fn tls(&self) -> Result<Tls, Error> {
        let (flags, file) = (self.flags, &self.file.tls);
        let flagged = flags.tls_certificate.is_some() || flags.tls_key.is_some();
        if flagged && flags.tls_development {
            return self.bad("tls.development", "cannot be true where tls.certificate or tls.key is given");
        }
        let certificate = flags.tls_certificate.clone().or(given(&file.certificate));
        let key = flags.tls_key.clone().or(given(&file.key));
        if flags.tls_development {
            return Ok(Tls::Development);
        }
        match (certificate, key) {
            (Some(_), Some(_)) if file.development && !flagged => {
                self.bad("tls.development", "cannot be true where tls.certificate or tls.key is given")
            }
            (Some(certificate), Some(key)) => Ok(Tls::Files { certificate, key }),
            (Some(_), None) => self.bad("tls.key", "is missing where tls.certificate is given"),
            (None, Some(_)) => self.bad("tls.certificate", "is missing where tls.key is given"),
            (None, None) if file.development => Ok(Tls::Development),
            (None, None) => Ok(Tls::None),
        }
    }

    fn metrics(&self) -> Result<Option<SocketAddr>, Error> {
        match self.flags.metrics.as_ref().unwrap_or(&self.file.metrics).as_str() {
            "none" => Ok(None),
            text => {
                let address = self.address("metrics", text)?;
                let public = self.flags.metrics_public || self.file.metrics_public;
                if !address.ip().is_loopback() && !public {
                    let why = format_args!(
                        "{address} can be reached by others, in plain HTTP: set metrics_public where that is meant"
                    );
                    return self.bad("metrics", why);
                }
                Ok(Some(address))
            }
        }
    }

    fn address(&self, key: &str, text: &str) -> Result<SocketAddr, Error> {
        text.parse().or_else(|_| {
            self.bad(key, format_args!("`{text}` is not an IP address and a port, such as 127.0.0.1:7070"))
        })
    }
}

/// A path that is not empty; the empty one stands for none.
fn given(path: &Path) -> Option<PathBuf> {
    Some(path.to_path_buf()).filter(|path| !path.as_os_str().is_empty())
}

#[cfg(test)]
mod tests;
