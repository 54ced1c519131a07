//! The exchange over gRPC: services, sessions, authentication, limits.
//!
//! - `server`: connections and their limits; `tls`: certificates; `calls`: what every call has in common
//! - `door`: whose key it is, what it may do, how fast; `allowance`: so much a second; `roles`: who may call what
//! - `published`: what is learned from each batch; `hub`, `following`: an account's reports to whoever follows it
//! - `live`: market data kept and told on a thread of its own; `views`: as messages; `subscription`: one reader's
//! - `session`: the `Trade` session and drop copy; `statuses`: how instruments trade, as a stream
//! - `records`: history's own thread; `past`: what was traded, out of it; `desk`: pricing's, and what quotes are made of; `quotes`: quotes as a stream
//! - `directory`: symbols and ids; `status`: every gRPC status is built there
//! - `orders`, `instruments`, `market_data`, `accounts`, `pricing`, `admin`: one file per service
//! - `metrics`: figures for operators
//!
//! Always true: a call is answered when what it tells is durable; whatever a client sends or fails to read,
//! it costs a bounded amount of memory, and nobody else notices.

#![forbid(unsafe_code)]

mod accounts;
mod admin;
mod allowance;
mod calls;
mod contract;
mod desk;
mod directory;
mod door;
mod following;
mod hub;
mod instruments;
mod live;
mod market_data;
mod metrics;
mod orders;
mod past;
mod pricing;
mod published;
mod quotes;
mod records;
mod roles;
mod server;
mod session;
mod status;
mod statuses;
mod subscription;
mod tls;
mod together;
mod views;

#[cfg(test)]
mod tests;

use desk::Desk;
use directory::Directory;
use door::{Caller, Door, Lasting};
use hourbook_api::convert::{self, Violation};
use hourbook_api::v1;
use hourbook_exchange::Exchange;
use hourbook_history::{History, Part};
use hourbook_model::{AccountId, Command, InstrumentId, KeyId, Report, Request, Stamp};
use hourbook_sequencer::{Handle, Receipt, Subscriber};
use hub::Hub;
use live::Live;
use metrics::Metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tonic::Status;

pub use desk::Pricing;
pub use door::{digest_of, new_key};
pub use metrics::serve as serve_metrics;
pub use records::Recorder;
pub use roles::CALLS;
pub use server::{Error, http2, serve};
pub use tls::{Tls, development_certificate};
pub use together::{Begun, Together};

/// Entries in one message of a `Trade` session, and quotes in one mass quote, at most.
pub const BATCH_ENTRIES: usize = convert::MOST_ENTRIES;

/// What a gateway is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub limits: Limits,
    /// Each side of a session says something at least so often.
    pub heartbeat: Duration,
    /// A session whose client says nothing for so long ends.
    pub silence: Duration,
    pub patience: Patience,
    /// How long calls under way may take to end once a stop is asked for.
    pub drain: Duration,
    /// This program's version, for whoever asks.
    pub version: String,
}

/// What one client, or all together, may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections: usize,
    /// Connections from one address; of IPv6, from one network of 64 bits.
    pub connections_per_address: usize,
    /// `Trade` sessions logged on at once, over all accounts.
    pub sessions: usize,
    /// Sessions and streams of one participant at once.
    pub streams_per_participant: usize,
    /// Subscriptions to market data at once, over all participants.
    pub subscriptions: usize,
    /// What one subscription may leave lying, bytes; those that read the same share them.
    pub subscription_buffer_bytes: usize,
    /// Calls at once on one connection.
    pub streams_per_connection: u32,
    /// The largest request, bytes.
    pub message_bytes: usize,
    pub header_list_bytes: u32,
    /// Entries in one message of a session, and quotes in one mass quote; [`BATCH_ENTRIES`] at most.
    pub batch_commands: usize,
    /// A connection without a call for this long is closed.
    pub idle: Duration,
}

/// How long others wait for a client, or it for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the headers of a call to the headers of its answer. A client that sends half a request ends here.
    pub answer: Duration,
    /// From the headers of a unary call to the end of its answer. A client that does not read it ends here.
    pub end: Duration,
    /// From the beginning of a session to its logon.
    pub logon: Duration,
    /// For reports to resume from that history does not have yet.
    pub history: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits {
                connections: 4_096,
                connections_per_address: 1_024,
                sessions: 4_096,
                streams_per_participant: 256,
                subscriptions: 4_096,
                subscription_buffer_bytes: 4 << 20,
                streams_per_connection: 256,
                message_bytes: 1 << 20,
                header_list_bytes: 16 << 10,
                batch_commands: BATCH_ENTRIES,
                idle: Duration::from_secs(300),
            },
            heartbeat: Duration::from_secs(5),
            silence: Duration::from_secs(15),
            patience: Patience {
                answer: Duration::from_secs(60),
                end: Duration::from_secs(90),
                logon: Duration::from_secs(10),
                history: Duration::from_secs(30),
            },
            drain: Duration::from_secs(10),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// The exchange's door to the world. Clones share everything.
#[derive(Clone)]
pub struct Gateway(pub(crate) Arc<Inside>);

/// What the services share.
pub(crate) struct Inside {
    pub handle: Handle,
    pub door: Door,
    pub directory: Directory,
    pub hub: Hub,
    pub live: Arc<Live>,
    pub history: History,
    pub desk: Arc<Desk>,
    pub metrics: Metrics,
    pub limits: Limits,
    pub lasting: Lasting,
    pub heartbeat: Duration,
    pub silence: Duration,
    pub patience: Patience,
    pub sessions: Arc<Semaphore>,
    pub subscriptions: Arc<Semaphore>,
    pub drain: Duration,
    pub version: String,
    /// The last command that door, directory and streams have seen; set after them.
    pub published: watch::Sender<u64>,
    /// Turns true once, when the server is to end: streams say goodbye, calls finish.
    pub closing: watch::Sender<bool>,
}

impl Gateway {
    /// A gateway to the exchange behind `handle`, which stands as `exchange` shows it, as recovered.
    pub fn new(
        exchange: &Exchange,
        handle: Handle,
        history: History,
        pricing: Pricing,
        settings: Settings,
    ) -> Gateway {
        let Settings { limits, heartbeat, silence, patience, drain, version } = settings;
        assert!((1..=BATCH_ENTRIES).contains(&limits.batch_commands), "the contract's bound is the most");
        Gateway(Arc::new(Inside {
            door: Door::of(exchange),
            directory: Directory::of(exchange),
            hub: Hub::of(exchange),
            live: Arc::new(Live::of(exchange)),
            desk: Arc::new(Desk::of(exchange, handle.clone(), pricing)),
            metrics: Metrics::new(handle.clone()),
            published: watch::Sender::new(exchange.stamp().seq),
            closing: watch::Sender::new(false),
            handle,
            history,
            sessions: Arc::new(Semaphore::new(limits.sessions)),
            subscriptions: Arc::new(Semaphore::new(limits.subscriptions)),
            lasting: Lasting::new(limits.streams_per_participant),
            limits,
            heartbeat,
            silence,
            patience,
            drain,
            version,
        }))
    }
}

impl Gateway {
    /// Who must be shown every batch, from the one after the state that the gateway began with. Pricing is at work until it
    /// is dropped.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn subscriber(&self) -> std::io::Result<Box<dyn Subscriber>> {
        let bell = desk::open(Arc::clone(&self.0.desk))?;
        let inside = Arc::clone(&self.0);
        let teller = live::Teller::start(&inside.live, inside.handle.clone());
        Ok(Box::new(published::Published { teller, inside, bell }))
    }

    /// Waits until pricing has acted on all that is durable now, or for as long as `most`.
    pub async fn priced(&self, most: Duration) {
        self.0.seen(self.0.handle.stats().durable).await;
        self.0.desk.acted(most).await;
    }
}

/// Rows that are paid for all that a part of what is over may look at.
const LOOK_OF_PART: usize = hourbook_history::MARKS / 10;
/// How long a question to history waits for what was just published.
const HISTORY_PATIENCE: Duration = Duration::from_secs(2);

impl Inside {
    /// Who acts for an account: its id is checked, and `commands` are taken from its allowance.
    fn acting(
        &self,
        caller: &Caller,
        account: u32,
        (field, client_id): (&str, &str),
        commands: usize,
    ) -> Result<Request, Status> {
        let account = self.account(caller, account)?;
        let commands = commands.min(self.limits.batch_commands) as u32;
        self.door.pace(account, commands).map_err(status::too_fast)?;
        let client_id = convert::client_id(field, client_id).map_err(status::misshapen)?;
        Ok(Request { account, client_id, ..asked_by(caller.key) })
    }

    /// An account that the caller may see or act for.
    fn account(&self, caller: &Caller, account: u32) -> Result<AccountId, Status> {
        let account = convert::account_id("account_id", account).map_err(status::misshapen)?;
        self.door.account(caller, "account_id", account)?;
        Ok(account)
    }

    /// Has a command sequenced, applied and made durable.
    async fn submit(&self, request: Request, command: Command) -> Result<Receipt, Status> {
        self.handle.submit(request, command).await.map_err(status::unsequenced)
    }

    /// Looks at the exchange; `rows` is how much it looks at, which its caller's allowance pays.
    async fn look<T: Send + 'static>(
        &self,
        caller: &Caller,
        rows: usize,
        look: impl FnOnce(&Exchange) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.door.pay(caller, rows).map_err(status::too_many_looks)?;
        self.handle.read(look).await.map_err(status::unsequenced)
    }

    /// Lists rows of the exchange, as it stood at one command. They are paid for before they are looked for, as if there
    /// were `most`; then for as many as there are.
    async fn list<T: Send + 'static>(
        &self,
        caller: &Caller,
        most: usize,
        look: impl FnOnce(&Exchange) -> Vec<T> + Send + 'static,
    ) -> Result<(Stamp, Vec<T>), Status> {
        let (stamp, rows) =
            self.look(caller, most, move |exchange| (exchange.stamp(), look(exchange))).await?;
        self.door.settle(caller, most, rows.len());
        Ok((stamp, rows))
    }

    /// Room for one more `Trade` session, held as long as it lives.
    fn session_permit(&self) -> Result<OwnedSemaphorePermit, Status> {
        let permit = Arc::clone(&self.sessions).try_acquire_owned();
        permit.map_err(|_| status::too_many_sessions(self.limits.sessions))
    }

    /// `Trade` sessions that have begun and not ended.
    fn sessions_now(&self) -> usize {
        self.limits.sessions - self.sessions.available_permits()
    }

    /// Waits until the server is to end.
    async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Waits until door, directory and streams have seen a command.
    async fn seen(&self, seq: u64) {
        // The sender lives as long as `self`.
        let _ = self.published.subscribe().wait_for(|published| *published >= seq).await;
    }

    /// Asks history, once it has all that is durable now; `rows` as in [`Inside::look`]. A history that lags is
    /// not waited for without end: what it has is told.
    async fn ask_history<T: Send + 'static>(
        &self,
        caller: &Caller,
        rows: usize,
        ask: impl FnOnce(&History) -> Result<T, hourbook_history::Error> + Send + 'static,
    ) -> Result<T, Status> {
        self.door.pay(caller, rows).map_err(status::too_many_looks)?;
        let wanted = self.handle.stats().durable;
        let asked = tokio::time::Instant::now();
        while self.history.recorded() < wanted
            && self.history.stalled().is_none()
            && asked.elapsed() < HISTORY_PATIENCE
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let history = self.history.clone();
        let answer = tokio::task::spawn_blocking(move || ask(&history)).await;
        answer.map_err(|_| status::fault("a question to history panicked"))?.map_err(status::of_history)
    }

    /// The same of a part of what is over: `most` rows, and a tenth of what is looked at for them, as nobody waits for it
    /// meanwhile. Paid for before, as if it were all that it may be; then for what it was.
    async fn search(
        &self,
        caller: &Caller,
        most: usize,
        ask: impl FnOnce(&History) -> Result<Part, hourbook_history::Error> + Send + 'static,
    ) -> Result<Part, Status> {
        let paid = most + LOOK_OF_PART;
        let part = self.ask_history(caller, paid, ask).await?;
        self.door.settle(caller, paid, part.rows.len() + part.looked_at / 10);
        self.recall(part.rows.iter().map(|(_, report)| report.instrument)).await?;
        Ok(part)
    }

    /// Waits until the caller may search one part more.
    async fn room_to_search(&self, caller: &Caller, most: usize) {
        tokio::time::sleep(self.door.looks_in(caller, most + LOOK_OF_PART)).await;
    }

    /// A report as unary answers and lists show it: with its symbol.
    fn report(&self, stamp: Stamp, report: &Report) -> v1::ExecutionReport {
        v1::ExecutionReport { symbol: self.symbol(report.instrument), ..convert::report(stamp, report) }
    }

    /// Has the directory know these instruments, though they went off the list long ago, or before this process began.
    async fn recall(&self, instruments: impl Iterator<Item = InstrumentId>) -> Result<(), Status> {
        let strangers = instruments.filter(|id| id.0 != 0 && self.directory.symbol(*id).is_none());
        let mut strangers: Vec<InstrumentId> = strangers.collect();
        if strangers.is_empty() {
            return Ok(());
        }
        strangers.sort_unstable();
        strangers.dedup();
        let history = self.history.clone();
        let found = tokio::task::spawn_blocking(move || {
            let named = strangers.into_iter().map(|id| Ok((id, history.name(id)?)));
            named.collect::<Result<Vec<_>, hourbook_history::Error>>()
        });
        let found = found.await.map_err(|_| status::fault("a question to history panicked"))?;
        for (id, name) in found.map_err(status::of_history)? {
            if let Some(name) = name {
                self.directory.remember(id, &name);
            }
        }
        Ok(())
    }

    /// What an instrument is called; empty where neither directory nor history knows it.
    fn symbol(&self, id: InstrumentId) -> String {
        self.directory.symbol(id).map_or_else(String::new, |symbol| (*symbol).into())
    }
}

/// A unary request of the holder of this key.
fn asked_by(key: KeyId) -> Request {
    Request { key, ..Request::default() }
}

/// A message that a request cannot do without.
fn required<'a, T>(field: &str, message: Option<&'a T>) -> Result<&'a T, Violation> {
    message.ok_or_else(|| Violation::new(field, "is required"))
}
