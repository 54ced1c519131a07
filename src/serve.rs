//! `hourbook serve`: the parts of an exchange put together, and ended in order.
//!
//! The journal is taken and recovered, the market's definition enters it where the file has changed, fair prices follow, and
//! only then is anybody answered. To stop: nobody is accepted any more, calls under way finish, the sequencer does and
//! syncs what waits, history is written, and the process ends with 0. A fault ends it with 1.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use hourbook_gateway::{Gateway, Pricing, Recorder};
use hourbook_history::History;
use hourbook_model::{
    AccountId, AdoptMarket, AdvanceTime, Answer, Command, CreateParticipant, IssueKey, ParticipantId,
    Request, Role, Time,
};
use hourbook_sequencer::{Clock, Handle, Recovered, Sequencer, Subscriber};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use crate::awake::Awake;
use crate::config::{self, Config, Flags, LogFormat};
use crate::market::Market;

/// The file in the data directory that holds the first operator's key.
pub const OPERATOR_KEY: &str = "operator.key";

/// How often a standard input that does not wait is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// How long a start waits for fair prices, which come in moments unless the disk is full.
const PRICED: Duration = Duration::from_secs(10);

/// An exchange that serves. Dropping it cuts everything off; [`Running::stop`] ends it in order.
pub struct Running {
    /// Where the gRPC services are.
    pub address: SocketAddr,
    /// Where `/metrics` is served, if it is.
    pub metrics: Option<SocketAddr>,
    /// The way to the sequencer, past the gateway: for tests and benches.
    pub handle: Handle,
    /// What the journal held at the start.
    pub recovered: Recovered,
    /// Written by this start, for a journal without keys.
    pub operator_key: Option<PathBuf>,
    gateway: Gateway,
    serving: JoinHandle<Result<(), hourbook_gateway::Error>>,
    shutdown: watch::Sender<bool>,
    closed: bool,
    end: watch::Receiver<Option<End>>,
    /// To the end, where that was asked for.
    _awake: Option<Awake>,
}

/// How the sequencer ended: drained, or by the fault that is named.
type End = Result<(), String>;

/// What an exchange begins with, besides its settings.
pub struct Opening {
    pub market: Market,
    pub clock: Clock,
    /// Makes a rehearsal of a new journal.
    pub rehearsal: Option<Rehearsal>,
    /// Shown every batch before the gateway is.
    pub witness: Option<Box<dyn Subscriber>>,
}

/// An exchange that is held to be watched: nothing of it comes from a clock or from chance.
pub struct Rehearsal {
    pub begins: Time,
    /// In place of one that nobody can know.
    pub operator_key: String,
}

/// Starts an exchange on the runtime that this is called from, and returns when it can be used: the market is
/// adopted, and what was due is done.
///
/// # Errors
/// Whatever keeps it from serving: a market file with a mistake, an address in use, a directory held by another
/// process, damage of the journal.
pub async fn start(config: &Config, clock: Clock) -> anyhow::Result<Running> {
    let market = match &config.market {
        Some(path) => Market::load(path).context("market")?,
        None => Market::built_in(),
    };
    open(config, Opening { market, clock, rehearsal: None, witness: None }).await
}

/// The same with what else an exchange may begin with; the market file of the settings is not read.
///
/// # Errors
/// As [`start`]'s.
pub async fn open(config: &Config, opening: Opening) -> anyhow::Result<Running> {
    let Opening { market, clock, rehearsal, witness } = opening;
    let awake = config.awake.then(Awake::hold).transpose()?;
    let pricing = pricing(config).context("pricing.params")?;
    let (listener, address) = listen(config.listen)?;
    let figures = config.metrics.map(listen).transpose()?;
    let data = &config.data;
    std::fs::create_dir_all(data).with_context(|| data.display().to_string())?;
    let tls = tls(config).context("tls")?;

    // Asked first, because the journal's lock tells who holds the directory.
    drop(hourbook_journal::Lock::take(data)?);
    let history = History::open(data, hourbook_history::Settings::default())?;
    let recorder = Recorder::start(history.clone()).context("the thread of history")?;
    let settings = sequencer(config, clock);
    let (mut sequencer, handle, recovered) = Sequencer::open(settings, vec![Box::new(recorder)])?;
    if let Some((first, last)) = recovered.cut {
        tracing::warn!(first, last, "an unfinished last batch was cut; its commands were never acknowledged");
    }
    let exchange = sequencer.exchange();
    let adopts = exchange.adopted_market() != market.digest;
    let file = config.market.as_ref().map_or("the market built in".into(), |path| path.display().to_string());
    if adopts {
        market.fits(exchange).map_err(|why| anyhow!("market: {file}: {why}"))?;
    }
    let was_adopted = exchange.adopted_market() != Market::BEGUN;
    let keyless = exchange.keys().next().is_none();
    let gateway = Gateway::new(exchange, handle.clone(), history, pricing, gateway(config));
    witness.into_iter().for_each(|witness| sequencer.subscribe(witness));
    sequencer.subscribe(gateway.subscriber().context("the thread of pricing")?);
    let (ended, end) = watch::channel(None);
    let faulty = ended.clone();
    sequencer.on_fault(move |reason| {
        faulty.send_replace(Some(Err(reason.to_string())));
    });
    std::thread::Builder::new().name("writer".into()).spawn(move || {
        // Whatever becomes of it, who waits for the end must hear of it.
        let ran = catch_unwind(AssertUnwindSafe(|| sequencer.run()));
        let end: End = match ran {
            Ok(ran) => ran.map_err(|fault| fault.to_string()),
            Err(_) => Err("the writer's thread panicked".into()),
        };
        ended.send_if_modified(|known| known.is_none() && known.replace(end).is_none());
    })?;

    if let Some(Rehearsal { begins, .. }) = &rehearsal {
        operate(&handle, AdvanceTime { to: *begins }.into()).await?;
    }
    if adopts {
        tracing::info!(listed = market.listed(), "the market's definition enters the journal");
        if was_adopted {
            // Should this end half way, the file that was adopted before is no longer what stands.
            operate(&handle, AdoptMarket { digest: Market::BEGUN }.into()).await?;
        }
        for command in market.commands {
            operate(&handle, command).await?;
        }
    }
    let operator_key = match rehearsal {
        _ if !keyless => None,
        Some(Rehearsal { operator_key, .. }) => Some(first_operator(&handle, data, operator_key).await?),
        None => {
            let key = hourbook_gateway::new_key().context("no random bits for the operator's key")?;
            Some(first_operator(&handle, data, key).await?)
        }
    };
    settle(&handle).await?;
    // Bands are measured from fair prices: they stand before anybody trades.
    gateway.priced(PRICED).await;

    let (shutdown, stopping) = watch::channel(false);
    if let Some((listener, _)) = &figures {
        let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
        let (gateway, stopped) = (gateway.clone(), stopped(stopping.clone()));
        tokio::spawn(async move {
            if let Err(error) = hourbook_gateway::serve_metrics(&gateway, listener, stopped).await {
                tracing::error!(%error, "figures are not served any more");
            }
        });
    }
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let serving = tokio::spawn({
        let gateway = gateway.clone();
        async move { hourbook_gateway::serve(&gateway, listener, tls, stopped(stopping)).await }
    });
    let metrics = figures.map(|(_, address)| address);
    tracing::info!(%address, seq = handle.stats().seq, "serving");
    Ok(Running {
        address,
        metrics,
        handle,
        recovered,
        operator_key,
        gateway,
        serving,
        shutdown,
        closed: false,
        end,
        _awake: awake,
    })
}

impl Running {
    /// Waits until pricing has acted on all that is durable now.
    pub async fn priced(&self) {
        self.gateway.priced(PRICED).await;
    }

    /// Ends it in order: refuses what is new, finishes what is under way, syncs, writes history.
    ///
    /// # Errors
    /// The fault that came before or in between.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.close().await?;
        self.handle.drain();
        self.ended().await
    }

    /// Ends the calls, so that sessions can say what they leave behind; what was sequenced stays as it is until
    /// [`Running::stop`].
    ///
    /// # Errors
    /// What went wrong in serving.
    pub async fn close(&mut self) -> anyhow::Result<()> {
        self.shutdown.send_replace(true);
        if !std::mem::replace(&mut self.closed, true) {
            (&mut self.serving).await??;
        }
        Ok(())
    }

    /// Waits until the sequencer has ended: an operator drained it, or a fault stopped it.
    ///
    /// # Errors
    /// The fault.
    pub async fn ended(&mut self) -> anyhow::Result<()> {
        let end = self.end.wait_for(Option::is_some).await.context("the writer is gone")?;
        match end.as_ref() {
            Some(Err(fault)) => bail!("a fault stopped the exchange: {fault}"),
            _ => Ok(()),
        }
    }
}

/// Runs an exchange until it is told to stop; the exit code says how it ended.
///
/// # Errors
/// As [`start`]'s.
pub fn run(flags: &Flags) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(flags)?;
    log(&config.log)?;
    let input = flags.stop_with_stdin.then(end_of_stdin).transpose()?;
    runtime()?.block_on(async {
        let signals = signals()?;
        let running = start(&config, Clock::Wall).await?;
        if config.log.format == LogFormat::Text {
            // An exchange that serves does not end because nobody reads what it is called.
            let _ = banner(&config, &running);
        }
        serve(running, signals, input).await
    })
}

/// The threads that talk to clients: one fewer than the machine has cores, because the writer keeps one busy.
///
/// # Errors
/// When the system gives no threads.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    tokio::runtime::Builder::new_multi_thread().worker_threads((cores - 1).max(1)).enable_all().build()
}

/// `input` resolves when standard input ends, where that is to stop it.
async fn serve(
    mut running: Running,
    mut signals: Signals,
    input: Option<oneshot::Receiver<()>>,
) -> anyhow::Result<ExitCode> {
    // Who asks for a stop, and how many signals more end it at once.
    let asked = tokio::select! {
        signal = signals.next() => Some((signal, 1)),
        Some(_) = async { Some(input?.await) } => Some(("the end of standard input", 2)),
        // After a fault nothing is acknowledged, and there is nothing to wait for.
        ended = running.ended() => {
            ended?;
            None
        }
    };
    match asked {
        Some((by, more)) => {
            tracing::info!(by, "stopping: calls under way finish; a second signal ends at once");
            let hurried = async {
                for _ in 0..more {
                    signals.next().await;
                }
            };
            tokio::select! {
                ended = running.stop() => ended?,
                () = hurried => bail!("ended at once by a second signal; the journal is whole"),
            }
        }
        None => running.stop().await?,
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Resolves when standard input ends. A thread of its own reads it: one of the runtime's would keep the process.
///
/// # Errors
/// A terminal, which ends with no program, and stops whoever reads it in the background.
fn end_of_stdin() -> anyhow::Result<oneshot::Receiver<()>> {
    let mut input = std::io::stdin();
    if input.is_terminal() {
        bail!("--stop-with-stdin: standard input is a terminal: it is to be a pipe, held by who starts this");
    }
    let (ended, end) = oneshot::channel();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut ignored = [0; 4_096];
        loop {
            match input.read(&mut ignored) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A pipe that does not wait: it is looked at again.
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(LOOK_AGAIN),
                Err(error) => {
                    tracing::error!(%error, "standard input cannot be read, and counts as ended");
                    break;
                }
            }
        }
        // Who is gone stops already.
        let _ = ended.send(());
    })?;
    Ok(end)
}

/// SIGTERM and SIGINT.
pub(crate) struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

pub(crate) fn signals() -> std::io::Result<Signals> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
}

impl Signals {
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

// --- what the parts are told ---

fn sequencer(config: &Config, clock: Clock) -> hourbook_sequencer::Config {
    let journal = &config.journal;
    hourbook_sequencer::Config {
        queue: journal.queue_commands,
        snapshot_records: journal.snapshot_commands,
        segment_bytes: journal.segment_bytes,
        reserve_bytes: journal.reserve_bytes,
        clock,
        version: env!("CARGO_PKG_VERSION").into(),
        ..hourbook_sequencer::Config::new(&config.data)
    }
}

fn pricing(config: &Config) -> anyhow::Result<Pricing> {
    let references = config.pricing.references;
    let Some(path) = &config.pricing.params else {
        return Ok(Pricing { references, ..Pricing::standard() });
    };
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(name)?;
    let params = std::sync::Arc::new(hourbook_pricing::Params::parse(&text).with_context(name)?);
    Ok(Pricing { params, references })
}

fn gateway(config: &Config) -> hourbook_gateway::Settings {
    let config::Limits {
        connections,
        connections_per_address,
        sessions,
        streams_per_participant,
        subscriptions,
        subscription_buffer_bytes,
        streams_per_connection,
        message_bytes,
        header_list_bytes,
        batch_commands,
        idle,
        heartbeat,
        silence,
    } = config.limits;
    hourbook_gateway::Settings {
        limits: hourbook_gateway::Limits {
            connections,
            connections_per_address,
            sessions,
            streams_per_participant,
            subscriptions,
            subscription_buffer_bytes,
            streams_per_connection,
            message_bytes,
            header_list_bytes,
            batch_commands,
            idle,
        },
        heartbeat,
        silence,
        drain: config.drain,
        version: env!("CARGO_PKG_VERSION").into(),
        ..hourbook_gateway::Settings::default()
    }
}

fn tls(config: &Config) -> Result<Option<hourbook_gateway::Tls>, hourbook_gateway::Error> {
    let (certificate, key) = match &config.tls {
        config::Tls::None => return Ok(None),
        config::Tls::Files { certificate, key } => (certificate.clone(), key.clone()),
        config::Tls::Development => {
            hourbook_gateway::development_certificate(&config.data, config.listen.ip())?
        }
    };
    hourbook_gateway::Tls::from_files(&certificate, &key).map(Some)
}

fn listen(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

pub(crate) fn log(log: &config::Log) -> anyhow::Result<()> {
    // What the libraries below say at these levels is of no use to an operator.
    const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,rustls=warn";
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.filter))
        .with_context(|| format!("log.filter: `{}` is no filter such as info", log.filter))?;
    // A line that cannot be written, to a full disk or a reader that has gone, is lost. Telling so on the same
    // stream would panic.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    match log.format {
        LogFormat::Text => {
            subscriber.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
        }
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is a line of the log like any other; whoever catches it says in the next what becomes of it.
fn log_panic(panic: &PanicHookInfo) {
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let why = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let backtrace = Backtrace::capture();
    match backtrace.status() {
        BacktraceStatus::Captured => tracing::error!(thread, location, why, %backtrace, "a panic"),
        _ => tracing::error!(thread, location, why, "a panic"),
    }
}

// --- the first commands ---

/// Has a command of the machine's own sequenced; a refusal of it is a mistake of ours.
pub(crate) async fn operate(handle: &Handle, command: Command) -> anyhow::Result<Answer> {
    let name = command.name();
    let answer = handle.submit(Request::default(), command).await?.answer;
    match answer.refused {
        None => Ok(answer),
        Some(reason) => bail!("{name} is refused: {reason:?}"),
    }
}

/// Makes an operator with a key, which stands in a file that only its owner reads.
async fn first_operator(handle: &Handle, data: &Path, key: String) -> anyhow::Result<PathBuf> {
    // The file first: a key that is journaled and nowhere written would lock everyone out.
    let path = data.join(OPERATOR_KEY);
    write_secret(&path, &key).with_context(|| path.display().to_string())?;
    let name = "Operator".into();
    let participant = ParticipantId(operate(handle, CreateParticipant { name }.into()).await?.number as u32);
    let issue = IssueKey {
        participant,
        account: AccountId(0),
        role: Role::Operator,
        digest: hourbook_gateway::digest_of(&key),
        label: "made at the first start".into(),
    };
    operate(handle, issue.into()).await?;
    Ok(path)
}

fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    // A file that is there already would keep its mode.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    // Its name, too, before its digest is journaled.
    std::fs::File::open(path.parent().expect("it stands in the data directory"))?.sync_all()
}

/// Waits until nothing is due any more: instruments are listed, gates that passed meanwhile are closed.
pub(crate) async fn settle(handle: &Handle) -> Result<(), hourbook_sequencer::Error> {
    const PAUSE: Duration = Duration::from_millis(1);
    loop {
        let due = handle.read(|exchange| exchange.next_due().is_some_and(|due| due <= exchange.stamp().time));
        if !due.await? {
            return Ok(());
        }
        handle.wake();
        tokio::time::sleep(PAUSE).await;
    }
}

// --- what people see ---

fn banner(config: &Config, running: &Running) -> std::io::Result<()> {
    let Recovered { stamp, commands, seconds, .. } = running.recovered;
    let journal = match stamp.seq {
        0 => "new".into(),
        seq => format!("at command {seq}, {commands} of them replayed in {seconds:.2} s"),
    };
    let market = match &config.market {
        Some(path) => path.display().to_string(),
        None => "built in; --market FILE names another".into(),
    };
    let tls = match &config.tls {
        config::Tls::None => "none: this machine only",
        config::Tls::Development => "development-certificate.pem in the data directory",
        config::Tls::Files { .. } => "from files",
    };
    let program = std::env::args().next().unwrap_or_else(|| "hourbook".into());
    let mut out = std::io::stdout().lock();
    writeln!(out, "hourbook {} serves on {}\n", env!("CARGO_PKG_VERSION"), running.address)?;
    writeln!(out, "  data     {}, journal {journal}", config.data.display())?;
    writeln!(out, "  market   {market}")?;
    writeln!(out, "  tls      {tls}")?;
    if let Some(metrics) = running.metrics {
        writeln!(out, "  figures  http://{metrics}/metrics")?;
    }
    if let Some(path) = &running.operator_key {
        writeln!(out, "  key      {}, the operator's; keep it", path.display())?;
    }
    let mut called = format!("{program} ctl");
    if running.address != SocketAddr::from(([127, 0, 0, 1], 7070)) {
        let scheme = if config.tls == config::Tls::None { "http" } else { "https" };
        called += &format!(" --address {scheme}://{}", running.address);
    }
    if config.data != Path::new("data") {
        called += &format!(" --data {}", config.data.display());
    }
    writeln!(out, "\nNext, in another terminal:  {called} quickstart\n")?;
    out.flush()
}
