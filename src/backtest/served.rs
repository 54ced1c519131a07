//! The same markets for a strategy that comes from outside: it connects as to any exchange, in whatever language.
//!
//! The exchange serves on loopback, and its time is moved here: a step, what others want in it, a while for the
//! strategy to answer, the next step. How much happens in that while is the machine's affair, so two runs are alike and
//! not the same.
//!
//! Over a journal standings are the served exchange's own; fair prices that others' orders were held against are those
//! of then.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::FutureExt;
use hourbook_exchange::Exchange;
use hourbook_model::*;
use hourbook_sequencer::{Batch, Clock, Error, ManualClock, Pending, Receipt, Subscriber};

use super::observer::Observer;
use super::recorded::{Recording, Said};
use super::{Arguments, NAME, Nobody, Run, Setting, members, observer_of, order, outfits};
use crate::config::{self, Config, Flags};
use crate::demo::dice::Dice;
use crate::market::Market;
use crate::serve::{self, Opening, Rehearsal, Running, Signals};

/// How often it is told how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// What the report calls the strategy.
const STRATEGY: &str = "a strategy from outside";
/// Commands of a recording that are under way at most.
const UNHEARD: usize = 256;
/// Where nothing was recorded a step is so many at most.
const IDLE_STEPS: i64 = 60;

/// How a strategy from outside is served.
#[derive(Clone, Debug)]
pub struct Service {
    pub listen: SocketAddr,
    /// What passes in a step, and how long the strategy has for it.
    pub step: Duration,
    pub pace: Duration,
    /// How long its first order is waited for.
    pub patience: Duration,
}

impl Service {
    /// # Errors
    /// An address that others can reach.
    pub fn of(arguments: &Arguments) -> anyhow::Result<Service> {
        let listen = arguments.listen;
        if !listen.ip().is_loopback() {
            bail!("--listen: {listen} can be reached by others, and a backtest is for this machine only");
        }
        let standard = if arguments.journal.is_some() { 1_000 } else { 60_000 };
        Ok(Service {
            listen,
            step: Duration::from_millis(arguments.step_ms.unwrap_or(standard)),
            pace: Duration::from_millis(arguments.pace_ms),
            patience: Duration::from_secs(60),
        })
    }
}

/// Batches as they were published, until they are looked at.
#[derive(Default)]
struct Published(Mutex<Vec<Arc<Batch>>>);

struct Witness(Arc<Published>);

impl Subscriber for Witness {
    fn publish(&mut self, batch: &Arc<Batch>) {
        // A batch is emptied and used again once nobody holds it.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(batch));
    }
}

/// The exchange that is served, and what is seen of it.
struct Stage {
    running: Running,
    published: Arc<Published>,
    /// The same exchange as it was when it was last looked at, out of what it published.
    here: Exchange,
    /// Once the strategy has an account.
    observer: Option<Observer>,
    told: Instant,
    signals: Signals,
    _directory: tempfile::TempDir,
}

impl Stage {
    async fn open(
        service: &Service,
        market: Market,
        begins: Time,
        pricing: config::Pricing,
    ) -> anyhow::Result<Stage> {
        let directory = tempfile::tempdir().context("a directory for the journal")?;
        let flags = Flags {
            data: Some(directory.path().join("data")),
            listen: Some(service.listen),
            metrics: Some("none".into()),
            ..Flags::default()
        };
        let mut config = Config::resolve(&flags)?;
        (config.journal.segment_bytes, config.journal.reserve_bytes) = (16 << 20, 16 << 20);
        config.pricing = pricing;
        let published = Arc::new(Published::default());
        let opening = Opening {
            market,
            clock: Clock::Manual(ManualClock::at(begins)),
            rehearsal: Some(Rehearsal {
                begins,
                operator_key: hourbook_gateway::new_key().context("no random bits for a key")?,
            }),
            witness: Some(Box::new(Witness(Arc::clone(&published)))),
        };
        let running = serve::open(&config, opening).await?;
        let (here, told, signals) = (Exchange::new(), Instant::now(), serve::signals()?);
        Ok(Stage { running, published, here, observer: None, told, signals, _directory: directory })
    }

    /// Has a command done.
    async fn submit(&self, request: Request, command: Command) -> anyhow::Result<Receipt> {
        insist(|| self.running.handle.submit(request, command.clone())).await
    }

    /// Has a command of the operator's done: the number of what it made.
    async fn operate(&self, command: impl Into<Command>) -> anyhow::Result<u32> {
        let command = command.into();
        let name = command.name();
        let answer = self.submit(Request::default(), command).await?.answer;
        match answer.refused {
            None => Ok(answer.number as u32),
            Some(reason) => bail!("{name} is refused: {reason:?}"),
        }
    }

    /// Moves time, and has done what is due by then.
    async fn pass_to(&mut self, to: Time) -> anyhow::Result<()> {
        self.operate(AdvanceTime { to }).await?;
        self.settle().await
    }

    /// Waits until nothing is due any more, and looks.
    async fn settle(&mut self) -> anyhow::Result<()> {
        insist(|| serve::settle(&self.running.handle)).await?;
        self.catch_up().await
    }

    /// Looks at all that was answered. Answers come before their batch is published: a turn behind it, it is.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        insist(|| self.running.handle.read(|_| ())).await?;
        self.look();
        Ok(())
    }

    /// Looks at all that was published since the last time.
    fn look(&mut self) {
        let batches = std::mem::take(&mut *self.published.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut again = Vec::new();
        for batch in batches {
            for (entry, events) in batch.iter() {
                again.clear();
                self.here.apply(entry.stamp, &entry.request, &entry.command, &mut again);
                let Some(observer) = &mut self.observer else { continue };
                for event in events {
                    // The product is defined before anything of it is listed.
                    if let (Event::ProductDefined { product, .. }, Command::DefineProduct(body)) =
                        (event, &entry.command)
                    {
                        observer.define(*product, &body.product);
                    }
                }
                observer.saw(entry.stamp, events);
            }
        }
    }

    /// Watches an account from now on.
    async fn watch(&mut self, mut observer: Observer) -> anyhow::Result<()> {
        self.catch_up().await?;
        observer.take_in(&self.here);
        observer.quoter.watch();
        self.observer = Some(observer);
        Ok(())
    }

    fn observer(&mut self) -> &mut Observer {
        self.observer.as_mut().expect("the strategy has its account by now")
    }

    /// Tells the strategy where and who it is, and waits for its first order.
    async fn invite(
        &mut self,
        mut told: serde_json::Value,
        run: &mut Run,
        service: &Service,
    ) -> anyhow::Result<()> {
        told["address"] = format!("http://{}", self.running.address).into();
        // The one line that a strategy needs; figures come on standard output, at the end.
        say(&told.to_string());
        let began = Instant::now();
        while self.observer().accepted == 0 {
            if began.elapsed() > service.patience {
                bail!(
                    "no order came within {:?}: the line above says where and under which key",
                    service.patience
                );
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(20)) => self.look(),
                signal = self.signals.next() => {
                    self.catch_up().await?;
                    if self.observer().accepted == 0 {
                        bail!("{signal} came before the first order");
                    }
                    run.stopped_by = Some(signal);
                }
            }
        }
        self.told = Instant::now();
        Ok(())
    }

    /// Gives the strategy its while, and takes note of how things stand. Whether it goes on: whoever stops the run has the
    /// report of what it was up to then.
    async fn pause(
        &mut self,
        now: Time,
        run: &mut Run,
        service: &Service,
        done: impl Fn() -> String,
    ) -> bool {
        let goes_on = tokio::select! {
            () = tokio::time::sleep(service.pace) => true,
            signal = self.signals.next() => {
                run.stopped_by = Some(signal);
                false
            }
        };
        self.look();
        let observer = self.observer();
        observer.reprice();
        observer.passed(now);
        run.sample(now, observer);
        if self.told.elapsed() >= TOLD_EVERY {
            self.told = Instant::now();
            say(&format!("backtest: {}, {}", done(), crate::journal::time(now.0)));
        }
        goes_on
    }

    /// Ends the exchange. What came of the run is told all the same where that goes wrong.
    async fn end(self, ended: anyhow::Result<Run>) -> anyhow::Result<Run> {
        if let Err(error) = self.running.stop().await {
            say(&format!("backtest: the exchange did not end in order: {error:#}"));
        }
        ended
    }
}

/// Asks again while the queue is full, as a strategy may fill it.
async fn insist<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> anyhow::Result<T> {
    loop {
        match ask().await {
            Err(Error::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
            answer => return Ok(answer?),
        }
    }
}

/// Whoever started it may read no more than the first line.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A market over a series.
pub async fn series(setting: &Setting, service: &Service) -> anyhow::Result<Run> {
    let pricing = config::Pricing { params: setting.params_path.clone(), references: true };
    let mut stage = Stage::open(service, setting.market(), setting.from, pricing).await?;
    let ended = trade(setting, service, &mut stage).await;
    stage.end(ended).await
}

async fn trade(setting: &Setting, service: &Service, stage: &mut Stage) -> anyhow::Result<Run> {
    let key = hourbook_gateway::new_key().context("no random bits for a key")?;
    let mut numbers = Vec::new();
    for command in members(setting, hourbook_gateway::digest_of(&key)) {
        numbers.push(stage.operate(command).await?);
    }
    let (account, crowd) = (AccountId(numbers[1]), AccountId(numbers[3]));
    stage.settle().await?;
    stage.watch(setting.observer(account)).await?;
    let product = setting.product.symbol.to_string();
    let told = serde_json::json!({ "key": key, "account": account, "product": product });
    let mut run = Run::new(setting);
    stage.invite(told, &mut run, service).await?;

    let steps = (setting.to.0 - setting.from.0) / service.step.as_nanos() as i64;
    say(&format!("backtest: {steps} steps of {:?}, {:?} each at least", service.step, service.pace));
    let mut goes_on = run.stopped_by.is_none();
    let mut dice = Dice::of(setting.seed, "crowd");
    let mut wishes = Vec::new().into_iter().peekable();
    let (mut hour, mut now) = (setting.from, setting.from);
    while goes_on && now < setting.to {
        if now >= hour {
            wishes = setting.crowd.wishes(&mut dice, hour).into_iter().peekable();
            hour = hour.plus_nanos(Time::HOUR);
        }
        now = now.plus_nanos(service.step.as_nanos() as i64).min(hour).min(setting.to);
        stage.pass_to(now).await?;
        stage.observer().level(setting.series.published_ppm(setting.from, now));
        while let Some(wish) = wishes.next_if(|wish| wish.at < now) {
            stage.catch_up().await?;
            let drawn = order(&stage.here, &setting.product, &setting.series, setting.from, &wish);
            if let Some(placed) = drawn {
                let request = Request { account: crowd, ..Request::default() };
                stage.submit(request, placed.into()).await?;
            }
        }
        let done =
            || format!("{} %", 100 * (now.0 - setting.from.0) / (setting.to.0 - setting.from.0).max(1));
        goes_on = stage.pause(now, &mut run, service, done).await;
    }
    run.to = now;
    let observer = stage.observer.take().expect("it is there");
    Ok(run.ended(setting, observer, STRATEGY, None))
}

/// A recorded journal.
pub async fn recorded(arguments: &Arguments, recording: Recording, service: &Service) -> anyhow::Result<Run> {
    let begins = recording.next_time().expect("it is not empty");
    // What was recorded has the references of then.
    let pricing = config::Pricing { params: arguments.params.clone(), references: false };
    let stage = Stage::open(service, Market::none(), begins, pricing).await?;
    let mut player = Player { stage, recording, now: begins, unheard: Vec::new() };
    let ended = player.all(arguments, service, begins).await;
    player.stage.end(ended).await
}

/// Has a recording's commands done on the exchange that is served, each at its time.
struct Player {
    stage: Stage,
    recording: Recording,
    now: Time,
    /// What was said, and not yet what became of it.
    unheard: Vec<(Option<Said>, Pending<Receipt>)>,
}

impl Player {
    async fn all(&mut self, arguments: &Arguments, service: &Service, begins: Time) -> anyhow::Result<Run> {
        while self.recording.next_time().is_some() && !self.recording.is_about_to_trade() {
            self.next().await?;
            self.unless_stopped()?;
        }
        let Some(begins_to_trade) = self.recording.next_time() else {
            bail!("nobody trades in the journal");
        };
        self.pass_to(begins_to_trade).await?;
        let name = || NAME.to_owned();
        let participant = ParticipantId(self.stage.operate(CreateParticipant { name: name() }).await?);
        let account = AccountId(self.stage.operate(CreateAccount { participant, name: name() }).await?);
        self.stage.catch_up().await?;
        for command in outfits(arguments, account, &self.stage.here) {
            self.stage.operate(command).await?;
        }
        let key = hourbook_gateway::new_key().context("no random bits for a key")?;
        let digest = hourbook_gateway::digest_of(&key);
        let issue = IssueKey { participant, account, role: Role::Maker, digest, label: name() };
        self.stage.operate(issue).await?;
        self.stage.watch(observer_of(arguments, Box::new(Nobody), account, begins)?).await?;
        // Time stands while the strategy is waited for: what it is about has to be there.
        while !self.stage.observer().has_listed && self.recording.next_time().is_some() {
            self.next().await?;
            self.unless_stopped()?;
        }
        self.hear().await?;
        self.stage.running.priced().await;
        let mut run = Run::open_ended(self.now);
        if self.stage.observer().has_listed {
            let told = serde_json::json!({ "key": key, "account": account, "pattern": arguments.pattern });
            self.stage.invite(told, &mut run, service).await?;
        }

        let mut goes_on = run.stopped_by.is_none();
        let step = service.step.as_nanos() as i64;
        while let Some(next) = self.recording.next_time()
            && goes_on
        {
            let idle = self.now.plus_nanos(IDLE_STEPS * step);
            let until = self.now.plus_nanos(step).max(next.min(idle));
            while self.recording.next_time().is_some_and(|time| time < until) {
                self.next().await?;
            }
            self.pass_to(until).await?;
            let played = self.recording.played;
            let done = || format!("{played} commands");
            goes_on = self.stage.pause(until, &mut run, service, done).await;
        }
        run.to = self.now;
        let observer = self.stage.observer.take().expect("it is there");
        run.over_journal(arguments, observer, STRATEGY, None)
    }

    /// Before the strategy is there a signal ends it, with nothing to report.
    fn unless_stopped(&mut self) -> anyhow::Result<()> {
        match self.stage.signals.next().now_or_never() {
            Some(signal) => bail!("{signal} came before the strategy was asked for"),
            None => Ok(()),
        }
    }

    /// Says the next command.
    async fn next(&mut self) -> anyhow::Result<()> {
        if !self.recording.is_known(&self.stage.here) || self.unheard.len() >= UNHEARD {
            self.hear().await?;
        }
        let time = self.recording.next_time().expect("there is a next one");
        if time > self.now {
            self.now = time;
            self.say(Request::default(), AdvanceTime { to: time }.into(), None).await?;
        }
        for mut said in self.recording.take(&self.stage.here)? {
            match &mut said.command {
                // Time is moved by the stamps, and ratings are the served exchange's own.
                Command::AdvanceTime(_) | Command::SetStanding(_) => continue,
                // Something was due then.
                Command::Tick(_) => {
                    self.hear().await?;
                    self.stage.settle().await?;
                    continue;
                }
                // Keys of then open nothing here.
                Command::IssueKey(body) => {
                    let key = hourbook_gateway::new_key().context("no random bits for a key")?;
                    body.digest = hourbook_gateway::digest_of(&key);
                }
                _ => {}
            }
            // What these make is named by what follows.
            let makes = matches!(
                said.command,
                Command::CreateParticipant(_)
                    | Command::CreateAccount(_)
                    | Command::IssueKey(_)
                    | Command::LogOn(_)
            );
            self.say(said.request, said.command.clone(), Some(said)).await?;
            if makes {
                self.hear().await?;
            }
        }
        Ok(())
    }

    /// Hands in a command, behind all that was handed in before.
    async fn say(&mut self, request: Request, command: Command, said: Option<Said>) -> anyhow::Result<()> {
        loop {
            let answer = self.stage.running.handle.submit(request, command.clone());
            match answer.refusal() {
                Some(&Error::Busy { retry_after }) => {
                    self.hear().await?;
                    tokio::time::sleep(retry_after).await;
                }
                _ => {
                    self.unheard.push((said, answer));
                    return Ok(());
                }
            }
        }
    }

    /// Waits for what became of all that was said.
    async fn hear(&mut self) -> anyhow::Result<()> {
        if self.unheard.is_empty() {
            return Ok(());
        }
        let mut heard = Vec::with_capacity(self.unheard.len());
        for (said, answer) in self.unheard.drain(..) {
            heard.push((said, answer.await?));
        }
        self.stage.catch_up().await?;
        for (said, receipt) in heard {
            match (said, receipt.answer.refused) {
                (Some(said), _) => {
                    self.recording.became(&said, &receipt.answer, receipt.events(), &self.stage.here);
                }
                (None, Some(reason)) => bail!("time does not move: {reason:?}"),
                (None, None) => {}
            }
        }
        self.recording.forget(&self.stage.here);
        Ok(())
    }

    /// Lets time pass up to there.
    async fn pass_to(&mut self, to: Time) -> anyhow::Result<()> {
        self.hear().await?;
        self.now = to;
        self.stage.pass_to(to).await
    }
}
