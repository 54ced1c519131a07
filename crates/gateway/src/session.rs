//! A `Trade` session: batches of requests one way, the account's reports the other.
//!
//! Two tasks share a session. One reads: it takes whatever has come, turns it into commands and hands them in
//! together, without waiting for what becomes of them. The other is the answer's stream: it gives the account's
//! reports as they are published, and what the reading one has to say.
//!
//! Always true: entries are handed in in the order in which they came; what was not sequenced is named to the
//! client; however a session ends, the exchange is told that it has.

use crate::door::{Caller, Place};
use crate::following::{Following, Page};
use crate::hub::{Outbox, Reports};
use crate::{Inside, roles, status};
use futures::{FutureExt, Stream};
use hourbook_api::convert::{self, MOST_ENTRIES, Violation};
use hourbook_api::v1;
use hourbook_api::v1::trade_request::Message as Asked;
use hourbook_api::v1::trade_response::Message as Told;
use hourbook_model::{AccountId, ClientId, Command, LogOff, LogOn, Request, SessionId};
use hourbook_sequencer::{Error, Handle, Pending, Receipt, Receipts};
use std::collections::VecDeque;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tonic::{Response, Status, Streaming};

pub(crate) type Answers = Pin<Box<dyn Stream<Item = Result<v1::TradeResponse, Status>> + Send>>;

/// What logging on takes from the account's allowance: it is two commands, and twice the work of most.
const LOGON_COMMANDS: u32 = 4;
/// Commands that are handed in together.
const TOGETHER: usize = 1_024;
/// Messages that are taken in one turn, whatever is in them, before time, keys and the server's end are looked at.
const MESSAGES: usize = 1_024;
/// How far an entry's number may lie above the highest before it: one that is far too high would leave its session no
/// number to go on with.
const MOST_STEP: u64 = 1_000_000;
/// Ranges of numbers that were passed over, and are remembered.
const GAPS: usize = 1_024;
/// Commands under way before reading waits for the oldest.
const UNDER_WAY: usize = 16_384;
/// What the reading task may say before it waits for the client to hear it.
const SAYINGS: usize = 64;
/// How long a session's end waits for room on the disk before it asks again.
const DISK_PAUSE: Duration = Duration::from_secs(1);
const STREAM_ENDED: &str = "the client ended its stream";

/// Begins a session; it lives until the client ends it, falls silent or is closed.
pub(crate) fn trade(
    inside: Arc<Inside>,
    caller: Caller,
    place: Place,
    incoming: Streaming<v1::TradeRequest>,
) -> Result<Response<Answers>, Status> {
    let (says, sayings) = mpsc::channel(SAYINGS);
    let speaker =
        Speaker { inside: Arc::clone(&inside), sayings, following: None, ended: None, said: Instant::now() };
    tokio::spawn(async move {
        listen(inside, caller, incoming, says).await;
        // The client may have gone long before.
        drop(place);
    });
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(speaker), Speaker::step))))
}

/// What the reading task has to say.
enum Saying {
    LoggedOn(v1::LoggedOn, Box<Following>),
    Message(Told),
    /// The last: after all reports that there are.
    Over(Result<v1::LoggedOff, Status>),
}

/// How a session ended.
type Ended = Result<v1::LoggedOff, Status>;

// --- reading ---

struct Listener {
    inside: Arc<Inside>,
    caller: Caller,
    account: AccountId,
    session: SessionId,
    on_file: OnFile,
    incoming: Streaming<v1::TradeRequest>,
    says: mpsc::Sender<Saying>,
    outbox: Arc<Outbox<Reports>>,
    under_way: VecDeque<UnderWay>,
    commands_under_way: usize,
    /// The entry from which on the client was told to send again.
    throttled: Option<u64>,
    numbers: Numbers,
    heard: Instant,
}

/// The numbers of a session's entries.
struct Numbers {
    /// The highest handed in, or seen by the exchange before.
    highest: u64,
    /// The highest sequenced.
    sequenced: u64,
    /// Below it, since the logon, what was passed over: nothing was ever sequenced under these numbers.
    gaps: VecDeque<Range<u64>>,
}

/// A session that the exchange takes for connected. Should its task end in an unforeseen way, the exchange is told.
pub(crate) struct OnFile {
    handle: Handle,
    request: Request,
    session: SessionId,
    _permit: OwnedSemaphorePermit,
}

/// Commands that were handed in together, by their numbers.
struct UnderWay {
    numbers: Vec<u64>,
    again: bool,
    receipts: Pending<Receipts>,
}

/// Entries on their way to being handed in.
#[derive(Default)]
struct Chunk {
    commands: Vec<(Request, Command)>,
    numbers: Vec<u64>,
    /// Whether some number is no higher than one before it: it may have been sequenced, or passed over.
    again: bool,
}

async fn listen(
    inside: Arc<Inside>,
    caller: Caller,
    incoming: Streaming<v1::TradeRequest>,
    says: mpsc::Sender<Saying>,
) {
    let most = inside.limits.message_bytes;
    let ended = match log_on(inside, caller, incoming, &says).await {
        Ok((mut listener, resume_from)) => {
            let ended = AssertUnwindSafe(listener.live(resume_from)).catch_unwind().await;
            listener.log_off().await;
            ended.unwrap_or_else(|_| Err(status::fault("the reading task of a session panicked")))
        }
        Err(status) => Err(status),
    };
    let ended = ended.map_err(|refusal| status::of_framework(refusal, most));
    // The client may have gone; then nobody hears it.
    let _ = says.send(Saying::Over(ended)).await;
}

/// Logs on; and the number from which on the client wants the account's reports.
async fn log_on(
    inside: Arc<Inside>,
    caller: Caller,
    mut incoming: Streaming<v1::TradeRequest>,
    says: &mpsc::Sender<Saying>,
) -> Result<(Listener, u64), Status> {
    let first = tokio::time::timeout(inside.patience.logon, incoming.message());
    let first = first.await.map_err(|_| status::logon_missing())??;
    let Some(Asked::Logon(logon)) = first.and_then(|request| request.message) else {
        return Err(status::logon_missing());
    };
    let within = |bad: Violation| status::misshapen(bad.within("logon"));
    let account = convert::account_id("account_id", logon.account_id).map_err(within)?;
    let name = convert::client_id("session", &logon.session).map_err(within)?;
    inside.door.account(&caller, "logon.account_id", account)?;
    inside.door.pace(account, LOGON_COMMANDS).map_err(status::too_fast)?;
    let permit = inside.session_permit()?;

    let request = Request { key: caller.key, account, ..Request::default() };
    let command = LogOn { name, cancel_on_disconnect: logon.cancel_on_disconnect };
    let receipt = inside.handle.submit(request, command.into()).await.map_err(status::unsequenced)?;
    if let Some(reason) = receipt.answer.refused {
        return Err(status::refused(reason));
    }
    let session = SessionId(receipt.answer.number as u32);
    drop(receipt);

    // From here on the session is the account's: whatever fails now ends it in order.
    let on_file = OnFile::new(&inside, request, session, permit);
    let listener = Listener {
        inside,
        caller,
        account,
        session,
        on_file,
        incoming,
        says: says.clone(),
        outbox: Outbox::new(),
        under_way: VecDeque::new(),
        commands_under_way: 0,
        throttled: None,
        numbers: Numbers { highest: 0, sequenced: 0, gaps: VecDeque::new() },
        heard: Instant::now(),
    };
    Ok((listener, logon.resume_from_number))
}

impl Listener {
    /// From the logon to the end.
    async fn live(&mut self, resume_from: u64) -> Result<v1::LoggedOff, Status> {
        self.begin(resume_from).await?;
        self.run().await
    }

    /// Tells the client where it stands, and has its reports follow.
    async fn begin(&mut self, resume_from: u64) -> Result<(), Status> {
        let session = self.session;
        let seen = self
            .inside
            .handle
            .read(move |exchange| exchange.session(session).map_or(0, |session| session.last_number))
            .await
            .map_err(status::unsequenced)?;
        self.numbers = Numbers { highest: seen, sequenced: seen, gaps: VecDeque::new() };
        let next_report_number = self.inside.hub.next_number(self.account);
        let following = Following::begin(&self.inside, &self.caller, self.account, resume_from).await?;
        self.outbox = following.outbox();
        let next_report_number = match resume_from {
            0 => following.next_number(),
            _ => next_report_number,
        };
        let logged_on = v1::LoggedOn {
            session_id: self.session.0,
            last_number: seen,
            next_report_number,
            heartbeat_interval: Some(convert::duration(self.inside.heartbeat.as_nanos() as i64)),
            silence_limit: Some(convert::duration(self.inside.silence.as_nanos() as i64)),
        };
        self.say(Saying::LoggedOn(logged_on, Box::new(following))).await
    }

    /// Takes what comes, until the session is over.
    async fn run(&mut self) -> Result<v1::LoggedOff, Status> {
        let mut tick = tokio::time::interval(self.inside.heartbeat / 4);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = self.inside.closed() => return Err(status::draining()),
                _ = tick.tick() => self.look_around()?,
                message = self.incoming.message() => {
                    let Some(message) = message? else { return Ok(off(STREAM_ENDED)) };
                    self.heard = Instant::now();
                    if let Some(over) = self.take(message).await? {
                        return Ok(over);
                    }
                }
            }
            self.hear_back(0).await?;
            // Who sends without a pause does not keep others from this thread.
            tokio::task::consume_budget().await;
        }
    }

    /// What is checked while nothing comes.
    fn look_around(&self) -> Result<(), Status> {
        if self.heard.elapsed() > self.inside.silence {
            return Err(status::silent(self.inside.silence));
        }
        if self.outbox.is_overrun() {
            return Err(status::too_slow());
        }
        self.check_key()
    }

    fn check_key(&self) -> Result<(), Status> {
        if self.inside.door.is_valid(&self.caller) {
            Ok(())
        } else {
            Err(status::unauthenticated("the key was revoked"))
        }
    }

    /// Takes a message and those that have come behind it; entries of all of them are handed in together.
    async fn take(&mut self, first: v1::TradeRequest) -> Result<Option<v1::LoggedOff>, Status> {
        self.check_key()?;
        let (messages, ended) = self.gather(first);
        // All at once when there is room: who looks at the clock for every message has little else to do.
        let most = self.inside.limits.batch_commands;
        let weight = messages.iter().map_while(|message| due(message, most)).sum();
        let paid =
            weight > 0 && self.throttled.is_none() && self.inside.door.pace(self.account, weight).is_ok();
        let mut chunk = Chunk::default();
        for message in messages {
            match message {
                Some(Asked::Batch(batch)) => self.enter(batch.entries, paid, &mut chunk).await?,
                Some(Asked::Heartbeat(_)) => {}
                Some(Asked::Logoff(_)) => {
                    self.hand_in(chunk).await?;
                    return Ok(Some(off("the client logged off")));
                }
                Some(Asked::Logon(_)) => {
                    self.hand_in(chunk).await?;
                    return Err(status::logon_missing());
                }
                None => self.refuse(0, Violation::new("message", "is required")).await?,
            }
        }
        self.hand_in(chunk).await?;
        ended.transpose()
    }

    /// What has come by now, within bounds, and how the client's stream has ended, if so.
    fn gather(&mut self, first: v1::TradeRequest) -> (Vec<Option<Asked>>, Option<Ended>) {
        let mut entries = 0;
        let mut messages = Vec::new();
        let mut next = first;
        loop {
            if let Some(Asked::Batch(batch)) = &next.message {
                entries += batch.entries.len();
            }
            messages.push(next.message);
            if entries >= TOGETHER || messages.len() >= MESSAGES {
                return (messages, None);
            }
            next = match self.incoming.message().now_or_never() {
                Some(Ok(Some(message))) => message,
                Some(Ok(None)) => return (messages, Some(Ok(off(STREAM_ENDED)))),
                Some(Err(status)) => return (messages, Some(Err(status))),
                None => return (messages, None),
            };
        }
    }

    /// Checks the entries of a batch, and adds those that may go on to the chunk. What is `paid` has been taken from the
    /// account's allowance.
    async fn enter(
        &mut self,
        entries: Vec<v1::TradeEntry>,
        paid: bool,
        chunk: &mut Chunk,
    ) -> Result<(), Status> {
        let most = self.inside.limits.batch_commands;
        if !(1..=most).contains(&entries.len()) {
            let number = entries.first().map_or(0, |first| first.number);
            let why = format!("must be 1 to {most} entries, not {}: none was sequenced", entries.len());
            return self.refuse(number, Violation::new("batch.entries", why)).await;
        }
        // Where there was no room for all that came, this batch alone, else as far as it reaches.
        let weight = entries.iter().map(weight).sum();
        let all = paid || self.throttled.is_none() && self.inside.door.pace(self.account, weight).is_ok();
        for (at, entry) in entries.iter().enumerate() {
            if let Some(from) = self.throttled {
                if entry.number != from {
                    continue;
                }
                self.throttled = None;
            }
            if !all && let Err(soonest) = self.inside.door.pace(self.account, self::weight(entry)) {
                // Who sends the rest again is told when there is room for all of it.
                let rest = entries[at..].iter().map(self::weight).sum();
                let retry_after = self.inside.door.room_in(self.account, rest);
                self.throttle(entry.number, retry_after.max(soonest)).await?;
                continue;
            }
            if let Err(violation) = self.numbers.check(entry.number) {
                self.refuse(entry.number, violation).await?;
                continue;
            }
            match convert::entry(entry, &self.inside.directory) {
                Ok((_, _, Command::MassQuote(_)))
                    if !roles::may(self.caller.role, "OrderService.MassQuote") =>
                {
                    let why = "a key of this role may not quote";
                    self.refuse(entry.number, Violation::new("quote", why)).await?;
                }
                Ok((number, client_id, command)) => {
                    chunk.commands.push((self.request(number, client_id), command));
                    chunk.numbers.push(number);
                    chunk.again |= number <= self.numbers.highest;
                    self.numbers.highest = self.numbers.highest.max(number);
                }
                Err(violation) => self.refuse(entry.number, violation).await?,
            }
        }
        Ok(())
    }

    fn request(&self, number: u64, client_id: ClientId) -> Request {
        Request { key: self.caller.key, session: self.session, account: self.account, number, client_id }
    }

    /// Hands the commands in: together, and each alone while the disk is full, so that one that must wait takes
    /// no other with it.
    async fn hand_in(&mut self, chunk: Chunk) -> Result<(), Status> {
        if chunk.commands.is_empty() {
            return Ok(());
        }
        let most = if self.inside.handle.stats().disk_full { 1 } else { TOGETHER };
        let Chunk { mut commands, mut numbers, again } = chunk;
        while !commands.is_empty() {
            let at = commands.len().min(most);
            let (others, other_numbers) = (commands.split_off(at), numbers.split_off(at));
            let count = commands.len();
            let receipts = self.inside.handle.submit_batch(std::mem::replace(&mut commands, others));
            let numbers = std::mem::replace(&mut numbers, other_numbers);
            match receipts.refusal() {
                Some(Error::Busy { retry_after }) => {
                    let retry_after = *retry_after;
                    return self.throttle(numbers[0], retry_after).await;
                }
                Some(error) => return Err(status::unsequenced(error.clone())),
                None => {}
            }
            self.under_way.push_back(UnderWay { numbers, again, receipts });
            self.commands_under_way += count;
        }
        self.hear_back(UNDER_WAY).await
    }

    /// Looks what became of what was handed in, and waits for it while more than `most` commands are under way;
    /// with 0 it looks only.
    async fn hear_back(&mut self, most: usize) -> Result<(), Status> {
        loop {
            let must_wait = most > 0 && self.commands_under_way > most;
            let Some(oldest) = self.under_way.front_mut() else { return Ok(()) };
            let receipts = if must_wait {
                Some((&mut oldest.receipts).await)
            } else {
                (&mut oldest.receipts).now_or_never()
            };
            let Some(receipts) = receipts else { return Ok(()) };
            let done = self.under_way.pop_front().expect("looked at just now");
            self.commands_under_way -= done.numbers.len();
            match receipts {
                // Reports say what became of each.
                Ok(_) if !done.again => {
                    done.numbers.iter().for_each(|number| self.numbers.was_sequenced(*number));
                }
                Ok(receipts) => {
                    for (entry, _) in receipts.iter() {
                        let number = entry.request.number;
                        if !entry.answer.repeated {
                            self.numbers.was_sequenced(number);
                        } else if let Err(violation) = self.numbers.may_come_again(number) {
                            self.refuse(number, violation).await?;
                        }
                    }
                }
                Err(Error::DiskFull) => {
                    for number in done.numbers {
                        self.refuse(number, Violation::new("", Error::DiskFull.to_string())).await?;
                    }
                }
                Err(error) => return Err(status::unsequenced(error)),
            }
        }
    }

    /// From this entry on, nothing is sequenced until it comes again.
    async fn throttle(&mut self, number: u64, retry_after: Duration) -> Result<(), Status> {
        self.throttled = Some(number);
        let retry_after = i64::try_from(retry_after.as_nanos()).unwrap_or(i64::MAX);
        let throttled =
            v1::Throttled { first_refused_number: number, retry_after: Some(convert::duration(retry_after)) };
        self.say(Saying::Message(Told::Throttled(throttled))).await
    }

    async fn refuse(&self, number: u64, violation: Violation) -> Result<(), Status> {
        let Violation { field, description } = violation;
        let refused = v1::EntryRefused { number, field, description };
        self.say(Saying::Message(Told::EntryRefused(refused))).await
    }

    /// Waits until the client can hear it; one that does not read is a slow one.
    async fn say(&self, saying: Saying) -> Result<(), Status> {
        match tokio::time::timeout(self.inside.silence, self.says.send(saying)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(status::client_gone()),
            Err(_) => Err(status::too_slow()),
        }
    }

    /// Ends the session in the exchange, which cancels what was to be cancelled; returns once that is published.
    async fn log_off(mut self) {
        loop {
            match self.on_file.log_off().await {
                Err(Error::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
                // What it cancels must not stay for want of room.
                Err(Error::DiskFull) => tokio::time::sleep(DISK_PAUSE).await,
                // Draining or stopped: the next start ends all sessions.
                Err(_) => return,
                Ok(_) => break,
            }
        }
        self.on_file.session = SessionId(0);
        // Answers come before what is published of the same batch; a later one comes after it.
        let _ = self.inside.handle.read(|_| ()).await;
    }
}

impl Numbers {
    /// Whether an entry may have this number.
    fn check(&self, number: u64) -> Result<(), Violation> {
        let most = self.highest.saturating_add(MOST_STEP);
        if number <= most {
            return Ok(());
        }
        let why = format!("must be at most {most}: {MOST_STEP} above the highest number before it");
        Err(Violation::new("number", why))
    }

    /// Takes note of a number, and of those that it passes over.
    fn was_sequenced(&mut self, number: u64) {
        let next = self.sequenced.saturating_add(1);
        if number > next {
            self.gaps.push_back(next..number);
            if self.gaps.len() > GAPS {
                self.gaps.pop_front();
            }
        }
        self.sequenced = self.sequenced.max(number);
    }

    /// Whether a number that the exchange ignored was sequenced before; if not, its entry will never be.
    fn may_come_again(&self, number: u64) -> Result<(), Violation> {
        if self.gaps.iter().any(|gap| gap.contains(&number)) {
            let why = format!("was passed over: must be above {}, the highest so far", self.sequenced);
            return Err(Violation::new("number", why));
        }
        Ok(())
    }
}

impl OnFile {
    pub fn new(
        inside: &Inside,
        request: Request,
        session: SessionId,
        permit: OwnedSemaphorePermit,
    ) -> OnFile {
        OnFile { handle: inside.handle.clone(), request, session, _permit: permit }
    }

    fn log_off(&self) -> Pending<Receipt> {
        self.handle.submit(self.request, LogOff { session: self.session }.into())
    }
}

impl Drop for OnFile {
    fn drop(&mut self) {
        // Handed in is enough: nobody waits for it any more.
        if self.session != SessionId(0) {
            drop(self.log_off());
        }
    }
}

/// Commands that a message counts as, of at most so many entries; `None` where nothing behind it counts.
fn due(message: &Option<Asked>, most: usize) -> Option<u32> {
    match message {
        Some(Asked::Batch(batch)) if batch.entries.len() <= most => {
            Some(batch.entries.iter().map(weight).sum())
        }
        Some(Asked::Logoff(_) | Asked::Logon(_)) => None,
        Some(Asked::Batch(_) | Asked::Heartbeat(_)) | None => Some(0),
    }
}

/// Commands that an entry counts as.
fn weight(entry: &v1::TradeEntry) -> u32 {
    match &entry.request {
        Some(v1::trade_entry::Request::Quote(set)) => set.quotes.len().clamp(1, MOST_ENTRIES) as u32,
        _ => 1,
    }
}

fn off(reason: &str) -> v1::LoggedOff {
    v1::LoggedOff { reason: reason.to_owned() }
}

// --- speaking ---

struct Speaker {
    inside: Arc<Inside>,
    sayings: mpsc::Receiver<Saying>,
    /// Once logged on.
    following: Option<Box<Following>>,
    /// How it ended, once it has; what is still to be told comes before.
    ended: Option<Result<v1::LoggedOff, Status>>,
    said: Instant,
}

type Step = Option<(Result<v1::TradeResponse, Status>, Option<Speaker>)>;

impl Speaker {
    /// The next answer; after the last there is none.
    async fn step(speaker: Option<Speaker>) -> Step {
        let mut speaker = speaker?;
        let spoken = speaker.speak().await;
        speaker.said = Instant::now();
        let goes_on = !matches!(spoken, Err(_) | Ok(Told::LoggedOff(_)));
        let answer = spoken.map(|message| v1::TradeResponse { message: Some(message) });
        Some((answer, goes_on.then_some(speaker)))
    }

    async fn speak(&mut self) -> Result<Told, Status> {
        loop {
            if let Some(ended) = &self.ended {
                let left = self.following.as_mut().and_then(|following| following.ready());
                return match left {
                    Some(Ok(page)) => Ok(reports(&page)),
                    Some(Err(_)) | None => ended.clone().map(Told::LoggedOff),
                };
            }
            let interval = self.inside.heartbeat.saturating_sub(self.said.elapsed());
            tokio::select! {
                biased;
                saying = self.sayings.recv() => match saying {
                    Some(Saying::Message(message)) => return Ok(message),
                    Some(Saying::LoggedOn(logged_on, following)) => {
                        self.following = Some(following);
                        return Ok(Told::LoggedOn(logged_on));
                    }
                    Some(Saying::Over(ended)) => self.ended = Some(ended),
                    None => return Err(status::fault("the reading task of a session is gone")),
                },
                page = next_page(&mut self.following) => return Ok(reports(&page?)),
                () = tokio::time::sleep(interval), if self.following.is_some() => {
                    let sequence = self.inside.handle.stats().durable;
                    return Ok(Told::Heartbeat(v1::ServerHeartbeat { sequence }));
                }
            }
        }
    }
}

/// The next page of who is logged on; waits for ever before that.
async fn next_page(following: &mut Option<Box<Following>>) -> Result<Page, Status> {
    match following {
        Some(following) => following.next().await,
        None => std::future::pending().await,
    }
}

fn reports(page: &Page) -> Told {
    Told::Reports(v1::ReportBatch { reports: wire(page) })
}

fn wire(page: &Page) -> Vec<v1::ExecutionReport> {
    page.reports().iter().map(|(stamp, report)| convert::report(*stamp, report)).collect()
}

// --- drop copy ---

pub(crate) type Executions = Pin<Box<dyn Stream<Item = Result<v1::StreamExecutionsResponse, Status>> + Send>>;

/// The account's reports from a number on, as its sessions receive them.
pub(crate) async fn stream_executions(
    inside: Arc<Inside>,
    caller: Caller,
    request: v1::StreamExecutionsRequest,
) -> Result<Response<Executions>, Status> {
    let account = convert::account_id("account_id", request.account_id).map_err(status::misshapen)?;
    inside.door.account(&caller, "account_id", account)?;
    let following = Following::begin(&inside, &caller, account, request.from_number).await?;
    let copier = Copier { inside, caller, following };
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(copier), Copier::step))))
}

struct Copier {
    inside: Arc<Inside>,
    caller: Caller,
    following: Following,
}

impl Copier {
    async fn step(
        copier: Option<Copier>,
    ) -> Option<(Result<v1::StreamExecutionsResponse, Status>, Option<Copier>)> {
        let mut copier = copier?;
        loop {
            if !copier.inside.door.is_valid(&copier.caller) {
                return Some((Err(status::unauthenticated("the key was revoked")), None));
            }
            tokio::select! {
                biased;
                page = copier.following.next() => return Some(match page {
                    Ok(page) => (Ok(v1::StreamExecutionsResponse { reports: wire(&page) }), Some(copier)),
                    Err(status) => (Err(status), None),
                }),
                () = copier.inside.closed() => return Some((Err(status::draining()), None)),
                () = tokio::time::sleep(copier.inside.heartbeat) => {}
            }
        }
    }
}
