//! Records what market data tells of a part of the market, and shows what the recording is worth: from any point of it on,
//! books are built again and held against the exchange's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use hourbook_api::client::{Advice, Client, Error, Feed, News, Rebuilt, Recorded, Recorder, Subscription};
use hourbook_api::v1::{self, MarketDataView as View, market_update::Content};
use prost_types::Timestamp;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{Failure, Outcome, Session};
use crate::demo::dice::Dice;

/// Levels and orders a side that the exchange shows at most.
const MOST_DEPTH: usize = 1_000;
/// Newcomers at the same time, and instruments that one follows, one of all and of those that have just changed; all together
/// no more than so many, unless there are more newcomers.
const MOST_NEWCOMERS: usize = 16;
const OF_A_NEWCOMER: usize = 20;
const OF_ALL: usize = 2_000;
/// Changes back that are looked through for these.
const RECENT: usize = 1_000;
/// How long the exchange may let wait for an answer, or for what it told last.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the exchange may be away before the recording ends: a restart is shorter.
const AWAY: Duration = Duration::from_secs(120);
/// How long an instrument is waited for, and a question that is to be asked again, at least.
const PAUSE: Duration = Duration::from_millis(100);
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

/// What a newcomer was told of an instrument at one point.
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
    /// Whose books are there, by level and by order.
    levels: BTreeSet<u32>,
    orders: BTreeSet<u32>,
    updates: u64,
    sequence: u64,
    /// How often the connection broke and came back, and of how many commands the trades are missing for it: `None` where nobody
    /// knows.
    reconnects: u64,
    trades_missed: Option<u64>,
    is_away: bool,
    /// Since the connection is back, not all has been announced.
    is_joining: bool,
    /// Instruments of the last changes, the latest last.
    recent: VecDeque<u32>,
    /// Books that were not the exchange's by its checksum, and were asked for again.
    differed: usize,
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
    reconnects: u64,
    /// Of so many commands, while the connection was away for longer than they are kept; null where nobody knows whether
    /// there were more.
    trades_missed: Option<u64>,
    cuts_wanted: u32,
    cuts: usize,
    /// Of the recording, behind the cuts, for each who follows.
    changes_checked: u64,
    /// Instruments at a cut whose books in the end were held against the exchange's, and those that were over by then.
    books_compared: usize,
    over: usize,
    /// Instruments at a cut from which on a change or the book in the end was another than the exchange's, and books that
    /// differed while it recorded.
    differences: usize,
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let seed = match command.seed {
        Some(seed) => seed,
        None => getrandom::u32().map_err(|error| Failure::said(format!("no random number: {error}")))?.into(),
    };
    let file = &command.file;
    if command.cuts > 0 && std::fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        let why = "is no regular file, so nothing can be read back from it; --cuts 0 records only";
        return Err(Failure::said(format!("{} {why}", file.display())));
    }
    let wanted = Subscription::new().levels().orders().trades().with_messages().give_up_after(AWAY);
    let wanted = command.patterns.iter().fold(wanted, |wanted, pattern| wanted.pattern(pattern));
    let mut tape = Tape {
        session,
        feed: session.client.feed(wanted).await?,
        recorder: Recorder::create(file).map_err(|error| unwritten(file, &error))?,
        file,
        told: Told::nothing(),
    };
    let cuts = tape.run(&command, &mut Dice::of(seed, "record")).await?;
    tokio::select! {
        summary = check(session, tape, &cuts, seed, command.cuts) => tell(session, &command, &summary?),
        _ = tokio::signal::ctrl_c() => {
            Err(Failure::said(format!("stopped: what was recorded is in {}, and is not checked", file.display())))
        }
    }
}

/// Ends the recording once it has come as far as the exchange's own books, and begins again from each cut.
async fn check(
    session: &Session,
    mut tape: Tape<'_>,
    points: &[Vec<Cut>],
    seed: u64,
    cuts_wanted: u32,
) -> Outcome<Summary> {
    let cuts: Vec<&Cut> = points.iter().flatten().collect();
    let wanted: BTreeSet<u32> = cuts.iter().map(|cut| cut.id).collect();
    // Nothing may be away between the answers and what leads to them.
    let own = loop {
        tape.settle(&wanted).await?;
        let reconnects = tape.told.reconnects;
        let asked = tokio::spawn(own_books(session.client.clone(), wanted.clone()));
        let own = tape
            .read_until(asked)
            .await?
            .expect("it does not panic")
            .map_err(|error| tape.unchecked(error))?;
        tape.reach(own.values().flatten().map(|book| book.sequence).max().unwrap_or(0)).await?;
        if !tape.told.is_away && tape.told.reconnects == reconnects {
            break own;
        }
    };
    tape.keep()?;
    let Tape { recorder, told, file, .. } = tape;
    let mut summary = Summary {
        file: file.to_owned(),
        bytes: recorder.end().map_err(|error| unwritten(file, &error))?,
        seed,
        market_seconds: seconds(told.first, told.last),
        instruments: told.symbols.len(),
        updates: told.updates,
        reconnects: told.reconnects,
        trades_missed: told.trades_missed,
        cuts_wanted,
        cuts: points.len(),
        changes_checked: 0,
        books_compared: 0,
        over: 0,
        differences: told.differed,
    };
    if !cuts.is_empty() {
        let until = |cut: &Cut| own[&cut.id].as_ref().map_or(u64::MAX, |own| own.sequence);
        let mut rebuilt: Vec<_> = cuts.iter().map(|cut| Rebuilt::begin(&cut.snapshots, until(cut))).collect();
        read_back(file, &cuts, &mut rebuilt)?;
        for (cut, rebuilt) in cuts.iter().zip(&rebuilt) {
            compare(session, cut, rebuilt, &own[&cut.id], &mut summary);
        }
    }
    Ok(summary)
}

fn tell(session: &Session, command: &Command, summary: &Summary) -> Outcome {
    let told = match session.out.json {
        true => serde_json::to_string(summary).expect("a summary is JSON"),
        false => text(summary),
    };
    // What is wrong is said by the exit code too, whoever reads along.
    let wrong = match summary {
        Summary { instruments: 0, .. } => {
            format!("nothing is listed that matches {}: the recording is empty", command.patterns.join(" "))
        }
        Summary { differences, .. } if *differences > 0 => {
            format!("{differences} differences: please report them, with the file")
        }
        Summary { books_compared: 0, cuts_wanted, .. } if *cuts_wanted > 0 => {
            "no book was compared: record for longer, or what lasts longer".to_owned()
        }
        _ => {
            session.out.say(told);
            return Ok(());
        }
    };
    let _ = writeln!(std::io::stdout(), "{told}");
    Err(Failure::said(wrong))
}

/// A recording on its way.
struct Tape<'a> {
    session: &'a Session,
    feed: Feed,
    recorder: Recorder,
    file: &'a Path,
    told: Told,
}

impl Tape<'_> {
    /// Reads for as long as was asked; at points that chance chooses, newcomers begin.
    async fn run(&mut self, command: &Command, dice: &mut Dice) -> Outcome<Vec<Vec<Cut>>> {
        let session = self.session;
        let begun = Instant::now();
        let length = Duration::from_secs(command.seconds.into());
        let ends = begun + length;
        let mut moments: Vec<Instant> = (0..command.cuts)
            .map(|_| begun + Duration::from_millis(dice.number(0, length.as_millis() as i64) as u64))
            .collect();
        // The next is the last.
        moments.sort_unstable_by(|a, b| b.cmp(a));
        let (mut newcomers, mut cuts) = (JoinSet::new(), Vec::new());
        let mut stop = Box::pin(tokio::signal::ctrl_c());
        let mut progress = tokio::time::interval(Duration::from_secs(1));
        loop {
            let moment = moments.last().copied().unwrap_or(ends);
            tokio::select! {
                biased;
                _ = &mut stop => {
                    newcomers.abort_all();
                    break;
                }
                // A point that is late is made up for.
                () = sleep_until(ends), if moments.is_empty() && newcomers.is_empty() => break,
                () = sleep_until(ends + PATIENCE) => {
                    newcomers.abort_all();
                    break;
                }
                _ = progress.tick() => session.out.note(format_args!(
                    "record: {} of {} s, {} instruments, {} updates, {} cuts",
                    begun.elapsed().as_secs(), command.seconds, self.told.symbols.len(), self.told.updates, cuts.len(),
                )),
                Some(cut) = newcomers.join_next(), if !newcomers.is_empty() => match cut.expect("a newcomer does not panic")? {
                    Some(cut) => cuts.push(cut),
                    // Its instruments have just ended, or its connection: another one.
                    None => moments.push(Instant::now() + PAUSE),
                },
                () = sleep_until(moment), if !moments.is_empty() && newcomers.len() < MOST_NEWCOMERS => {
                    let begun: Vec<u32> =
                        self.told.symbols.keys().copied().filter(|id| self.told.has_begun(*id)).collect();
                    if begun.is_empty() && Instant::now() >= ends {
                        break;
                    }
                    if begun.is_empty() {
                        moments = moments.into_iter().map(|moment| moment.max(Instant::now() + PAUSE)).collect();
                        continue;
                    }
                    moments.pop();
                    let most = (OF_ALL / command.cuts as usize).clamp(1, OF_A_NEWCOMER);
                    let chosen = self.told.choice(*dice.pick(&begun), most, dice);
                    newcomers.spawn(newcomer(session.client.clone(), chosen));
                }
                told = self.next() => told?,
            }
        }
        while let Some(cut) = self.read_until(newcomers.join_next()).await? {
            match cut {
                Err(stopped) if stopped.is_cancelled() => {}
                cut => cuts.extend(cut.expect("a newcomer does not panic")?),
            }
        }
        Ok(cuts)
    }

    /// Reads on while something else is done.
    async fn read_until<T>(&mut self, done: impl Future<Output = T>) -> Outcome<T> {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => return Ok(done),
                told = self.next() => told?,
            }
        }
    }

    /// Reads until the exchange is there, and the books of these instruments are whole.
    async fn settle(&mut self, wanted: &BTreeSet<u32>) -> Outcome {
        let until = Instant::now() + AWAY;
        let misses = |tape: &Self| {
            tape.told.is_away
                || wanted.iter().any(|id| !tape.told.over.contains(id) && !tape.feed.is_whole(*id))
        };
        while misses(self) {
            let told = tokio::time::timeout_at(until, self.next()).await;
            told.map_err(|_| self.unchecked(format_args!("it was not whole within {} s", AWAY.as_secs())))??;
        }
        Ok(())
    }

    fn unchecked(&self, why: impl std::fmt::Display) -> Failure {
        let (number, file) = (self.told.sequence, self.file.display());
        Failure::said(format!(
            "the recording ended: {why}\n  What came up to number {number} is in {file}, and is not checked."
        ))
    }

    /// Reads until all is told that commands up to `sequence` caused.
    async fn reach(&mut self, sequence: u64) -> Outcome {
        let until = Instant::now() + PATIENCE;
        while self.told.sequence < sequence {
            let told = tokio::time::timeout_at(until, self.next()).await;
            told.map_err(|_| {
                Failure::said(format!(
                    "market data is at number {} and does not reach {sequence} within {} s: is it stalled? `hourbook ctl status` says",
                    self.told.sequence,
                    PATIENCE.as_secs()
                ))
            })??;
        }
        // What one command caused may come in more than one message.
        self.read_until(tokio::time::sleep(SETTLES)).await
    }

    /// Takes what comes next; what is left when this is dropped while it waits is not lost.
    async fn next(&mut self) -> Outcome {
        let news = self.feed.next().await;
        self.keep()?;
        let number = self.told.sequence;
        match news {
            Ok(News::Disconnected { why }) => {
                self.told.is_away = true;
                self.session
                    .out
                    .note(format_args!("record: the connection broke behind number {number}: {why}"));
            }
            Ok(News::Reconnected { after }) => {
                (self.told.is_away, self.told.is_joining) = (false, true);
                self.told.reconnects += 1;
                let away = after.as_secs_f64();
                self.session.out.note(format_args!("record: goes on after {away:.1} s"));
            }
            Ok(News::TradesMissed { commands, .. }) => {
                self.told.trades_missed = self.told.trades_missed.zip(commands).map(|(all, more)| all + more);
            }
            Ok(News::Differed { id, why }) => {
                self.told.differed += 1;
                self.session.out.note(format_args!("record: instrument {id}: {why}: it is asked for again"));
            }
            Ok(News::Over { id, .. }) => {
                if self.told.over.insert(id) {
                    // It ended while the connection was away: nobody knows what was paid in the end.
                    self.told.trades_missed = None;
                }
            }
            Ok(News::Listed { .. }) if self.told.is_joining => {
                // It was listed while the connection was away, and may have traded.
                self.told.trades_missed = None;
            }
            Ok(News::Heartbeat { .. }) => self.told.is_joining = false,
            Ok(_) => {}
            Err(error) => return Err(self.unchecked(error)),
        }
        Ok(())
    }

    /// Puts into the file what has come.
    fn keep(&mut self) -> Outcome {
        for message in self.feed.messages() {
            message.updates.iter().for_each(|update| self.told.take(update));
            self.recorder.write(&message).map_err(|error| unwritten(self.file, &error))?;
        }
        Ok(())
    }
}

impl Told {
    fn nothing() -> Told {
        Told { trades_missed: Some(0), ..Told::default() }
    }

    fn take(&mut self, update: &v1::MarketUpdate) {
        self.updates += 1;
        let is_change =
            matches!(&update.content, Some(Content::Levels(_) | Content::Orders(_) | Content::Trades(_)));
        if is_change && !update.snapshot {
            self.recent.push_back(update.instrument_id);
            self.recent.drain(..self.recent.len().saturating_sub(RECENT));
        }
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
            Some(Content::Levels(_)) if !update.incomplete => drop(self.levels.insert(update.instrument_id)),
            Some(Content::Orders(_)) if !update.incomplete => drop(self.orders.insert(update.instrument_id)),
            _ => {}
        }
    }

    /// An instrument, and others that have just changed, each with its symbol.
    fn choice(&self, one: u32, most: usize, dice: &mut Dice) -> BTreeMap<u32, String> {
        let recent: Vec<u32> = self.recent.iter().copied().filter(|id| self.has_begun(*id)).collect();
        let mut chosen = BTreeSet::from([one]);
        if !recent.is_empty() {
            chosen.extend((1..most).map(|_| *dice.pick(&recent)));
        }
        chosen.into_iter().filter_map(|id| Some((id, self.symbols.get(&id)?.clone()))).collect()
    }

    /// Whether both books of an instrument are in the recording, which is not over.
    fn has_begun(&self, id: u32) -> bool {
        self.levels.contains(&id) && self.orders.contains(&id) && !self.over.contains(&id)
    }
}

/// What the exchange tells of instruments to whoever begins now; `None` where all are over, or the connection is.
async fn newcomer(client: Client, mut symbols: BTreeMap<u32, String>) -> Outcome<Option<Vec<Cut>>> {
    let subscribed = again(|| {
        let mut market_data = client.market_data.clone();
        let views = vec![View::Levels as i32, View::Orders as i32];
        let symbols = symbols.values().cloned().collect();
        let request = v1::SubscribeRequest { symbols, views, ..Default::default() };
        async move { Ok(market_data.subscribe(request).await?.into_inner()) }
    });
    let mut stream = match subscribed.await {
        Ok(Some(stream)) => stream,
        Err(error) if !matches!(error.advice(), Advice::Again { .. }) => return Err(error.into()),
        _ => return Ok(None),
    };
    let mut snapshots: BTreeMap<u32, Vec<v1::MarketUpdate>> = BTreeMap::new();
    let is_whole = |updates: &Vec<v1::MarketUpdate>| {
        // Both views, to the last part of each.
        updates.iter().filter(|update| update.snapshot && !update.incomplete).count() >= 2
    };
    // Who waits for more than that takes what it has: a busy exchange lets newcomers wait for their turn.
    let until = Instant::now() + PATIENCE;
    let mut joins = true;
    while joins && !symbols.keys().all(|id| snapshots.get(id).is_some_and(is_whole)) {
        let Ok(message) = tokio::time::timeout_at(until, stream.message()).await else { break };
        let Ok(Some(message)) = message else { return Ok(None) };
        for update in message.updates {
            match &update.content {
                Some(Content::Over(_)) => drop(symbols.remove(&update.instrument_id)),
                Some(Content::Instrument(_) | Content::Levels(_) | Content::Orders(_)) => {
                    snapshots.entry(update.instrument_id).or_default().push(update);
                }
                // Everything has joined: what was not told is over.
                Some(Content::Heartbeat(_)) => joins = false,
                _ => {}
            }
        }
    }
    snapshots.retain(|id, updates| symbols.contains_key(id) && is_whole(updates));
    let cut = |(id, snapshots)| Some(Cut { id, symbol: symbols.remove(&id)?, snapshots });
    let cuts: Vec<Cut> = snapshots.into_iter().filter_map(cut).collect();
    Ok((!cuts.is_empty()).then_some(cuts))
}

/// The exchange's own books.
async fn own_books(client: Client, wanted: BTreeSet<u32>) -> Outcome<BTreeMap<u32, Own>> {
    let mut own = BTreeMap::new();
    for id in wanted {
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

/// Asks until it is answered, in the pace that the exchange sets; `None` where it is refused: what it is about, which was listed, is listed no more.
///
/// # Errors
/// The last, where asking again does not help, or has not helped for so long.
async fn again<T, F>(ask: impl Fn() -> F) -> Result<Option<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match ask().await {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        match error.advice() {
            Advice::Again { after } if Instant::now() + after < until => {
                tokio::time::sleep(after.max(PAUSE)).await
            }
            Advice::Correct { .. } => return Ok(None),
            _ => return Err(error),
        }
    }
}

/// Goes on from each cut with what the file has of its instrument.
fn read_back(file: &Path, cuts: &[&Cut], rebuilt: &mut [Rebuilt]) -> Outcome {
    let unread =
        |error: std::io::Error| Failure::said(format!("cannot read {} back: {error}", file.display()));
    let mut of_instrument: BTreeMap<u32, Vec<&mut Rebuilt>> = BTreeMap::new();
    for (cut, rebuilt) in cuts.iter().zip(rebuilt) {
        of_instrument.entry(cut.id).or_default().push(rebuilt);
    }
    for message in Recorded::open(file).map_err(unread)? {
        for update in &message.map_err(unread)?.updates {
            let followers = of_instrument.get_mut(&update.instrument_id);
            followers.into_iter().flatten().for_each(|rebuilt| rebuilt.take(update));
        }
    }
    Ok(())
}

fn compare(session: &Session, cut: &Cut, rebuilt: &Rebuilt, own: &Own, summary: &mut Summary) {
    summary.changes_checked += rebuilt.changes;
    let mut differences: Vec<String> = rebuilt.differences.iter().map(ToString::to_string).collect();
    if !rebuilt.joins() {
        differences.push("the recording does not reach back to this point".to_owned());
    }
    match own {
        Some(own) => {
            summary.books_compared += 1;
            if !rebuilt.matches(own, MOST_DEPTH) {
                differences
                    .push(format!("the book at number {} is another than the exchange's", own.sequence));
            }
        }
        None => summary.over += 1,
    }
    if !differences.is_empty() {
        summary.differences += 1;
        if summary.differences <= MOST_TOLD {
            session.out.note(format_args!("{}: {}", cut.symbol, differences.join("; ")));
        }
    }
}

fn seconds(first: Option<Timestamp>, last: Option<Timestamp>) -> f64 {
    let of = |time: Timestamp| time.seconds as f64 + f64::from(time.nanos) / 1e9;
    first.zip(last).map_or(0.0, |(first, last)| (of(last) - of(first)).max(0.0))
}

fn text(summary: &Summary) -> String {
    let Summary { file, bytes, seed, market_seconds, instruments, updates, cuts_wanted, cuts, .. } = summary;
    let Summary { changes_checked, books_compared, over, differences, reconnects, trades_missed, .. } =
        summary;
    let (whole, mib) = (*market_seconds as u64, *bytes as f64 / f64::from(1 << 20));
    let length = format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60);
    let recorded = format!(
        "recorded  {length} of the market's time, {instruments} instruments, {updates} updates, {mib:.1} MiB in {}",
        file.display()
    );
    let recorded = match (reconnects, trades_missed) {
        (0, Some(0)) => recorded,
        (_, Some(missed)) => {
            format!("{recorded}\nline      broke {reconnects} times; trades of {missed} commands are missing")
        }
        (_, None) => format!(
            "{recorded}\nline      broke {reconnects} times; trades may be missing, nobody knows how many"
        ),
    };
    if *cuts_wanted == 0 {
        return recorded;
    }
    let over = if *over == 0 { String::new() } else { format!(", {over} of instruments that are over") };
    format!(
        "{recorded}\n\
         rebuilt   from {cuts} of {cuts_wanted} points (seed {seed}): {changes_checked} changes held against the exchange's \
         checksums, {books_compared} books against its own{over}\n\
         {differences} differences"
    )
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    Failure::said(format!("cannot write {}: {error}", file.display()))
}
