//! Records what market data tells of a part of the market, and shows what the recording is worth: from any point of it on,
//! books are built again and held against the exchange's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::FutureExt;
use hourbook_api::client::{Advice, Client, Error, Rebuilt, Recorded, Recorder};
use hourbook_api::v1::{self, market_update::Content};
use prost_types::Timestamp;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tonic::{Code, Streaming};

use super::{Failure, Outcome, Session};
use crate::demo::dice::Dice;

/// Levels and orders a side that the exchange shows at most.
const MOST_DEPTH: usize = 1_000;
/// How long what the exchange told last may be under way.
const PATIENCE: Duration = Duration::from_secs(30);
const SETTLES: Duration = Duration::from_secs(1);
/// Differences that are told one by one.
const MOST_TOLD: usize = 10;

#[derive(Args)]
pub struct Command {
    /// The file to write, in place of one of that name
    file: PathBuf,
    /// What to record, such as `GP.CNNX.*`; several are joined
    #[arg(default_value = "*")]
    patterns: Vec<String>,
    /// For so many seconds, or until Ctrl-C
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Points from which on books are built again and compared; 0 records only
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(..=10_000))]
    cuts: u32,
    /// Decides the points and the instruments; without one, a new one, which is told
    #[arg(long)]
    seed: Option<u64>,
}

/// One point: what a newcomer was told of an instrument.
struct Cut {
    id: u32,
    symbol: String,
    snapshots: Vec<v1::MarketUpdate>,
}

/// A book as the exchange answers it; `None` where the instrument is over.
type Own = Option<v1::GetBookResponse>;

/// What was recorded.
#[derive(Default)]
struct Told {
    symbols: BTreeMap<u32, String>,
    over: BTreeSet<u32>,
    updates: u64,
    sequence: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Summary {
    file: PathBuf,
    bytes: u64,
    seed: u64,
    /// By the exchange's clock.
    market_seconds: f64,
    instruments: usize,
    updates: u64,
    cuts: usize,
    changes_checked: u64,
    books_compared: usize,
    /// Cuts whose instrument was over in the end.
    over: usize,
    differences: usize,
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let seed = match command.seed {
        Some(seed) => seed,
        None => getrandom::u32().map_err(|error| Failure::said(format!("no random number: {error}")))?.into(),
    };
    let client = &session.client;
    let request = subscription(command.patterns.clone(), Vec::new());
    let mut tape = Tape {
        stream: client.market_data.clone().subscribe(request).await?.into_inner(),
        recorder: Recorder::create(&command.file).map_err(|error| unwritten(&command.file, &error))?,
        file: command.file.clone(),
        told: Told::default(),
    };
    let mut dice = Dice::of(seed, "record");
    let cuts = tape.run(session, &command, &mut dice).await?;

    // The exchange's own books, once the recording has come as far.
    let wanted: BTreeMap<u32, String> = cuts.iter().map(|cut| (cut.id, cut.symbol.clone())).collect();
    let asked = tokio::spawn(own_books(client.clone(), wanted));
    let own = tape.read_until(asked).await?;
    let last = own.values().flatten().map(|book| book.sequence).max().unwrap_or(0);
    tape.reach(last).await?;
    let Tape { recorder, told, .. } = tape;
    let bytes = recorder.end().map_err(|error| unwritten(&command.file, &error))?;

    let recorded = read_back(&command.file, own.keys().copied().collect())?;
    let mut summary = Summary {
        file: command.file,
        bytes,
        seed,
        market_seconds: seconds(told.first, told.last),
        instruments: told.symbols.len(),
        updates: told.updates,
        cuts: cuts.len(),
        changes_checked: 0,
        books_compared: 0,
        over: 0,
        differences: 0,
    };
    for cut in &cuts {
        compare(session, cut, &recorded[&cut.id], &own[&cut.id], &mut summary);
    }
    match session.out.json {
        true => session.out.say(serde_json::to_string(&summary).expect("a summary is JSON")),
        false => session.out.say(text(&summary)),
    }
    match summary.differences {
        0 => Ok(()),
        count => Err(Failure::said(format!("{count} differences: please report them, with the file"))),
    }
}

/// A recording on its way.
struct Tape {
    stream: Streaming<v1::SubscribeResponse>,
    recorder: Recorder,
    file: PathBuf,
    told: Told,
}

impl Tape {
    /// Reads for as long as was asked; at points that chance chooses, newcomers begin.
    async fn run(&mut self, session: &Session, command: &Command, dice: &mut Dice) -> Outcome<Vec<Cut>> {
        let begun = Instant::now();
        let length = Duration::from_secs(command.seconds.into());
        let mut moments: Vec<Instant> = (0..command.cuts)
            .map(|_| begun + Duration::from_millis(dice.number(0, length.as_millis() as i64) as u64))
            .collect();
        // The next is the last.
        moments.sort_unstable_by(|a, b| b.cmp(a));
        let (mut newcomers, mut cuts) = (JoinSet::new(), Vec::new());
        let mut stop = Box::pin(tokio::signal::ctrl_c());
        let mut progress = tokio::time::interval(Duration::from_secs(1));
        loop {
            let moment = moments.last().copied().unwrap_or(begun + length);
            tokio::select! {
                biased;
                _ = &mut stop => break,
                () = sleep_until(begun + length) => break,
                _ = progress.tick() => session.out.note(format_args!(
                    "record: {} of {} s, {} instruments, {} updates, {} cuts",
                    begun.elapsed().as_secs(), command.seconds, self.told.symbols.len(), self.told.updates, cuts.len(),
                )),
                Some(cut) = newcomers.join_next() => match cut.expect("a newcomer does not panic")? {
                    Some(cut) => cuts.push(cut),
                    // Its instrument has just ended: another one.
                    None => moments.push(Instant::now()),
                },
                () = sleep_until(moment), if !moments.is_empty() => {
                    let listed: Vec<_> =
                        self.told.symbols.iter().filter(|(id, _)| !self.told.over.contains(id)).collect();
                    if listed.is_empty() {
                        moments = moments.into_iter().map(|moment| moment.max(Instant::now() + PAUSE)).collect();
                        continue;
                    }
                    moments.pop();
                    let (id, symbol) = *dice.pick(&listed);
                    newcomers.spawn(newcomer(session.client.clone(), *id, symbol.clone()));
                }
                message = self.stream.message() => self.take(message?)?,
            }
        }
        let late = tokio::spawn(async move { newcomers.join_all().await });
        for cut in self.read_until(late.map(|joined| joined.map(Ok)).boxed()).await? {
            cuts.extend(cut?);
        }
        Ok(cuts)
    }

    /// Reads on while something else is done.
    async fn read_until<T>(
        &mut self,
        mut done: impl Future<Output = Result<Outcome<T>, tokio::task::JoinError>> + Unpin,
    ) -> Outcome<T> {
        loop {
            tokio::select! {
                done = &mut done => return done.expect("it does not panic"),
                message = self.stream.message() => self.take(message?)?,
            }
        }
    }

    /// Reads until all is told that commands up to `sequence` caused.
    async fn reach(&mut self, sequence: u64) -> Outcome {
        let until = Instant::now() + PATIENCE;
        while self.told.sequence < sequence {
            let message = tokio::time::timeout_at(until, self.stream.message()).await;
            let message = message.map_err(|_| {
                Failure::said(format!(
                    "market data is at number {} and does not reach {sequence} within {} s: is it stalled? `hourbook ctl status` says",
                    self.told.sequence,
                    PATIENCE.as_secs()
                ))
            })?;
            self.take(message?)?;
        }
        // What one command caused may come in more than one message.
        self.read_until(Box::pin(sleep_until(Instant::now() + SETTLES).map(|()| Ok(Ok(()))))).await
    }

    fn take(&mut self, message: Option<v1::SubscribeResponse>) -> Outcome {
        let message = message.ok_or_else(|| Failure::said("the exchange ended the subscription"))?;
        for update in &message.updates {
            self.told.take(update);
        }
        self.recorder.write(&message).map_err(|error| unwritten(&self.file, &error))
    }
}

/// How long to wait for a first instrument.
const PAUSE: Duration = Duration::from_millis(20);

impl Told {
    fn take(&mut self, update: &v1::MarketUpdate) {
        self.updates += 1;
        self.sequence = self.sequence.max(update.sequence);
        if update.time.is_some() {
            self.first = self.first.or(update.time);
            self.last = update.time;
        }
        match &update.content {
            Some(Content::Instrument(instrument)) => {
                self.symbols.insert(update.instrument_id, instrument.symbol.clone());
            }
            Some(Content::Over(_)) => drop(self.over.insert(update.instrument_id)),
            _ => {}
        }
    }
}

fn subscription(patterns: Vec<String>, symbols: Vec<String>) -> v1::SubscribeRequest {
    use v1::MarketDataView::{Levels, Orders, Trades};
    let mut views = vec![Levels as i32, Orders as i32];
    if symbols.is_empty() {
        views.push(Trades as i32);
    }
    v1::SubscribeRequest { symbols, patterns, views, ..Default::default() }
}

/// What the exchange tells of an instrument to whoever begins now; `None` where it is over.
async fn newcomer(client: Client, id: u32, symbol: String) -> Outcome<Option<Cut>> {
    let subscribed = again(|| {
        let (mut market_data, symbol) = (client.market_data.clone(), symbol.clone());
        async move { Ok(market_data.subscribe(subscription(Vec::new(), vec![symbol])).await?.into_inner()) }
    });
    let Some(mut stream) = subscribed.await? else { return Ok(None) };
    let mut snapshots: Vec<v1::MarketUpdate> = Vec::new();
    // Both views, to the last part of each.
    while snapshots.iter().filter(|update| update.snapshot && !update.incomplete).count() < 2 {
        let message = tokio::time::timeout(PATIENCE, stream.message()).await;
        let message = message.map_err(|_| Failure::said(format!("no snapshot of {symbol}")))??;
        let Some(message) = message else { return Ok(None) };
        let of_use = |update: &v1::MarketUpdate| {
            matches!(&update.content, Some(Content::Instrument(_) | Content::Levels(_) | Content::Orders(_)))
        };
        if message.updates.iter().any(|update| matches!(&update.content, Some(Content::Over(_)))) {
            return Ok(None);
        }
        snapshots.extend(message.updates.into_iter().filter(of_use));
    }
    Ok(Some(Cut { id, symbol, snapshots }))
}

/// The exchange's own books.
async fn own_books(client: Client, wanted: BTreeMap<u32, String>) -> Outcome<BTreeMap<u32, Own>> {
    let mut own = BTreeMap::new();
    for id in wanted.into_keys() {
        let book = again(|| {
            let mut market_data = client.market_data.clone();
            let request = v1::GetBookRequest {
                instrument_id: id,
                depth: MOST_DEPTH as i32,
                orders: true,
                ..Default::default()
            };
            async move { Ok(market_data.get_book(request).await?.into_inner()) }
        });
        own.insert(id, book.await?);
    }
    Ok(own)
}

/// Asks until it is answered, in the pace that the exchange sets; `None` where what is asked about is there no more.
async fn again<T, F>(ask: impl Fn() -> F) -> Outcome<Option<T>>
where
    F: Future<Output = Result<T, Error>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(Some(answer)),
            Err(Error::Refused(status))
                if matches!(status.code(), Code::NotFound | Code::FailedPrecondition) =>
            {
                return Ok(None);
            }
            Err(error) => error,
        };
        match error.advice() {
            Advice::Again { after } if Instant::now() + after < until => {
                tokio::time::sleep(after.max(PAUSE)).await
            }
            _ => return Err(error.into()),
        }
    }
}

/// What the file has of these instruments.
fn read_back(file: &Path, ids: BTreeSet<u32>) -> Outcome<BTreeMap<u32, Vec<v1::MarketUpdate>>> {
    let unread = |error: std::io::Error| Failure::said(format!("{}: {error}", file.display()));
    let mut updates: BTreeMap<u32, Vec<v1::MarketUpdate>> =
        ids.into_iter().map(|id| (id, Vec::new())).collect();
    for message in Recorded::open(file).map_err(unread)? {
        for update in message.map_err(unread)?.updates {
            if let Some(of_instrument) = updates.get_mut(&update.instrument_id) {
                of_instrument.push(update);
            }
        }
    }
    Ok(updates)
}

fn compare(session: &Session, cut: &Cut, recorded: &[v1::MarketUpdate], own: &Own, summary: &mut Summary) {
    let until = own.as_ref().map_or(u64::MAX, |own| own.sequence);
    let rebuilt = Rebuilt::from(&cut.snapshots, recorded, until);
    summary.changes_checked += rebuilt.taken;
    let mut differences: Vec<String> = rebuilt.differences.iter().map(ToString::to_string).collect();
    match own {
        Some(own) => {
            summary.books_compared += 1;
            if !rebuilt.is(own, MOST_DEPTH) {
                differences
                    .push(format!("the book at number {} is another than the exchange's", own.sequence));
            }
        }
        None => summary.over += 1,
    }
    for difference in &differences {
        summary.differences += 1;
        if summary.differences <= MOST_TOLD {
            session.out.note(format_args!("{}: {difference}", cut.symbol));
        }
    }
}

fn seconds(first: Option<Timestamp>, last: Option<Timestamp>) -> f64 {
    let of = |time: Timestamp| time.seconds as f64 + f64::from(time.nanos) / 1e9;
    first.zip(last).map_or(0.0, |(first, last)| (of(last) - of(first)).max(0.0))
}

fn text(summary: &Summary) -> String {
    let Summary { file, bytes, seed, market_seconds, instruments, updates, cuts, .. } = summary;
    let Summary { changes_checked, books_compared, over, differences, .. } = summary;
    let (whole, mib) = (*market_seconds as u64, *bytes as f64 / f64::from(1 << 20));
    let length = format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60);
    let over = if *over == 0 { String::new() } else { format!(", {over} of instruments that are over") };
    format!(
        "recorded  {length} of the market's time, {instruments} instruments, {updates} updates, {mib:.1} MiB in {}\n\
         rebuilt   from {cuts} points (seed {seed}): {changes_checked} changes held against the exchange's checksums, \
         {books_compared} books against its own{over}\n\
         {differences} differences",
        file.display()
    )
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    Failure::said(format!("cannot write {}: {error}", file.display()))
}
