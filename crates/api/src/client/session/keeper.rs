//! The task that keeps a session over its connections: what was asked for and is not answered, what comes next, and one
//! connection after the other.
//!
//! Always true: `unanswered` is in the order of its numbers, and holds an entry until it is known what became of it.

use super::{Ask, Cause, Event, Reconnected, Refusal, SessionOptions};
use crate::client::link::{Backoff, Link, broken};
use crate::client::{Error, MESSAGE_BYTES, TradeStream};
use crate::v1;
use crate::v1::order_service_client::OrderServiceClient;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tonic::{Code, Streaming};
use v1::trade_entry::Request;
use v1::trade_request::Message as Asked;
use v1::trade_response::Message as Told;

/// What a message of entries may weigh: an entry counts one, a set of quotes as many as there are.
const WEIGHT: usize = 1_000;
/// How long a logon may take: where reports are to be resumed from, history may have to catch up first.
const PATIENCE: Duration = Duration::from_secs(60);

/// The task that keeps a session.
pub(super) struct Keeper {
    link: Link,
    options: SessionOptions,
    session_id: u32,
    asked: mpsc::Receiver<Ask>,
    tells: mpsc::Sender<Result<Vec<Event>, Error>>,
    /// Events that wait for room with the user; until there is, nothing more is read.
    telling: Vec<Event>,
    /// By number.
    unanswered: VecDeque<Unanswered>,
    /// The number from which on nothing was sent over the present connection.
    next_entry: u64,
    /// The highest number that a report has answered.
    answered: u64,
    next_report: u64,
    /// Whether more may be asked for.
    is_asked: bool,
    leaving: bool,
    backoff: Backoff,
    /// Whether a report has come over the present connection.
    is_of_use: bool,
}

struct Unanswered {
    entry: v1::TradeEntry,
    asked_at: Instant,
    sent_at: Instant,
}

impl Unanswered {
    fn is_quote(&self) -> bool {
        matches!(self.entry.request, Some(Request::Quote(_)))
    }

    /// Whether all it can do is take orders out, or lots off: then it is never too old.
    fn only_withdraws(&self) -> bool {
        match &self.entry.request {
            Some(Request::Cancel(_) | Request::MassCancel(_) | Request::Reduce(_)) => true,
            Some(Request::Quote(set)) => {
                set.quotes.iter().all(|quote| quote.bid_quantity == 0 && quote.ask_quantity == 0)
            }
            _ => false,
        }
    }

    fn weight(&self) -> usize {
        match &self.entry.request {
            Some(Request::Quote(set)) => set.quotes.len().max(1),
            _ => 1,
        }
    }
}

/// One connection's life.
struct Connection {
    requests: mpsc::Sender<v1::TradeRequest>,
    answers: Streaming<v1::TradeResponse>,
    logged_on: v1::LoggedOn,
    heartbeat: Duration,
    silence: Duration,
    heard: Instant,
    said: Instant,
    /// Nothing but heartbeats is sent before.
    paused_until: Instant,
    /// The entry that the exchange waits for.
    throttled: Option<u64>,
    /// Whether what came before the logon is settled.
    is_settled: bool,
    said_farewell: bool,
    /// What a message of entries may weigh.
    weight: usize,
}

impl Connection {
    /// Says something for which there is room; a heartbeat for which there is none is not needed.
    fn say(&mut self, message: Asked) {
        self.said = Instant::now();
        let _ = self.requests.try_send(v1::TradeRequest { message: Some(message) });
    }
}

/// What a connection's task does next.
enum Turn {
    Deserted,
    Tells,
    Hears(Result<Option<v1::TradeResponse>, tonic::Status>),
    IsAsked(Option<Ask>),
    Asks,
    LooksAround,
}

/// How a connection ends that is not to come back.
enum Over {
    LoggedOff,
    /// Nobody reads the events any more.
    Deserted,
}

impl Keeper {
    /// Logs on, and keeps the session from then on, until nobody reads its events: gives its id, the number of its next entry, and
    /// how often the exchange says something at least.
    ///
    /// - `asked`: what to send; `tells`: where what is heard goes
    pub(super) async fn start(
        link: Link,
        options: SessionOptions,
        asked: mpsc::Receiver<Ask>,
        tells: mpsc::Sender<Result<Vec<Event>, Error>>,
    ) -> Result<(u32, u64, Duration), Error> {
        let mut keeper = Keeper {
            link,
            next_report: options.resume_from,
            backoff: Backoff::new(options.give_up_after),
            is_of_use: true,
            options,
            session_id: 0,
            asked,
            tells,
            telling: Vec::new(),
            unanswered: VecDeque::new(),
            next_entry: 0,
            answered: 0,
            is_asked: true,
            leaving: false,
        };
        let connection = keeper.connect().await?;
        keeper.session_id = connection.logged_on.session_id;
        keeper.next_entry = connection.logged_on.last_number + 1;
        keeper.answered = connection.logged_on.last_number;
        if keeper.next_report == 0 {
            keeper.next_report = connection.logged_on.next_report_number;
        }
        let began = (keeper.session_id, keeper.next_entry, connection.heartbeat);
        tokio::spawn(keeper.run(connection));
        Ok(began)
    }

    async fn run(mut self, first: Connection) {
        let mut connection = first;
        let ended = loop {
            let began = Instant::now();
            let why = match self.live(connection).await {
                Ok(Over::LoggedOff) => {
                    self.farewell();
                    break None;
                }
                Ok(Over::Deserted) => return,
                Err(why) => why,
            };
            match self.come_back(why, began.elapsed()).await {
                Ok(Some(next)) => connection = next,
                Ok(None) => return,
                Err(error) => break self.give_up(error),
            }
        };
        // What came last is told before the end; the user may have gone.
        let telling = std::mem::take(&mut self.telling);
        if !telling.is_empty() && self.tells.send(Ok(telling)).await.is_err() {
            return;
        }
        if let Some(error) = ended {
            let _ = self.tells.send(Err(error)).await;
        }
    }

    /// After a log-off nothing is sequenced any more: what was not taken was not done. Of quotes that were, there may be no
    /// report.
    fn farewell(&mut self) {
        let next = self.next_entry;
        self.unanswered.retain(|kept| !kept.is_quote() || kept.entry.number >= next);
        self.refuse_where(|_| true, |_| Cause::Unheard);
    }

    /// The error that the session ends with, and what it leaves open.
    fn give_up(&self, error: Error) -> Option<Error> {
        let unanswered: Vec<u64> = self.unanswered.iter().map(|kept| kept.entry.number).collect();
        let is_gone = matches!(&error, Error::Refused(status) if status.code() == Code::OutOfRange);
        Some(match error {
            Error::Lost { .. } => error,
            error if is_gone || !unanswered.is_empty() => {
                Error::Lost { why: error.to_string(), next: self.next_report, unanswered }
            }
            error => error,
        })
    }

    /// Connects and logs on, once.
    async fn connect(&self) -> Result<Connection, Error> {
        let orders = OrderServiceClient::new(self.link.connect_keyed().await?)
            .max_decoding_message_size(MESSAGE_BYTES);
        let logon = v1::Logon {
            account_id: self.options.account,
            session: self.options.name.clone(),
            cancel_on_disconnect: self.options.cancel_on_disconnect,
            resume_from_number: self.next_report,
        };
        let logged_on = tokio::time::timeout(PATIENCE, TradeStream::log_on(orders, logon)).await;
        let (stream, on) = logged_on.map_err(|_| broken("no answer to the logon"))??;
        let span = |span: Option<prost_types::Duration>, default: u64| {
            span.and_then(|span| Duration::try_from(span).ok())
                .filter(|span| !span.is_zero())
                .unwrap_or(Duration::from_secs(default))
        };
        let now = Instant::now();
        Ok(Connection {
            requests: stream.requests,
            answers: stream.answers,
            heartbeat: span(on.heartbeat_interval, 5),
            silence: span(on.silence_limit, 15),
            logged_on: on,
            heard: now,
            said: now,
            paused_until: now,
            throttled: None,
            is_settled: false,
            said_farewell: false,
            weight: WEIGHT,
        })
    }

    /// Connects until it succeeds, after a connection that stood for so long; `None` when nobody waits for it any more.
    async fn come_back(&mut self, why: Error, stood: Duration) -> Result<Option<Connection>, Error> {
        self.backoff.lose(std::mem::take(&mut self.is_of_use), stood);
        self.telling.push(Event::Disconnected { why: why.to_string() });
        let mut error = why;
        loop {
            let delay = self.backoff.after(error)?;
            let wait = tokio::time::sleep(delay);
            tokio::pin!(wait);
            loop {
                let has_room = tokio::select! {
                    () = &mut wait => break,
                    () = self.tells.closed() => false,
                    room = self.tells.reserve(), if !self.telling.is_empty() => room.is_ok(),
                };
                if !has_room {
                    return Ok(None);
                }
                self.tell();
            }
            error = match self.connect().await {
                Ok(connection) => {
                    self.go_on(&connection.logged_on, self.backoff.elapsed())?;
                    return Ok(Some(connection));
                }
                Err(error) => error,
            };
        }
    }

    /// Finds where to go on from.
    fn go_on(&mut self, on: &v1::LoggedOn, after: Duration) -> Result<(), Error> {
        if on.session_id != self.session_id || on.last_number < self.answered {
            let unanswered = self.unanswered.iter().map(|kept| kept.entry.number).collect();
            let why = format!(
                "the exchange knows the session \"{}\" up to entry {} only, and its entry {} was answered",
                self.options.name, on.last_number, self.answered
            );
            return Err(Error::Lost { why, next: self.next_report, unanswered });
        }
        self.next_entry = on.last_number + 1;
        self.refuse_stale(None);
        let sent_again = self.unanswered.iter().filter(|kept| kept.entry.number > on.last_number).count();
        self.telling.push(Event::Reconnected(Reconnected { after, sent_again, is_gapless: true }));
        Ok(())
    }

    /// What waits to be sent must not be too old for it. The exchange waits for the entry that it has `throttled`: it is sent all
    /// the same, without its request.
    fn refuse_stale(&mut self, throttled: Option<u64>) {
        let Some(most) = self.options.stale_after else { return };
        let (now, next) = (Instant::now(), self.next_entry);
        let is_stale = |kept: &Unanswered| {
            kept.entry.number >= next && now.duration_since(kept.asked_at) > most && !kept.only_withdraws()
        };
        if let Some(awaited) = throttled.and_then(|number| self.position(number))
            && is_stale(&self.unanswered[awaited])
        {
            self.unanswered[awaited].entry.request = None;
        }
        self.refuse_where(|kept| is_stale(kept) && kept.entry.request.is_some(), |_| Cause::Stale);
    }

    /// All reports are here of what the exchange had sequenced when it was logged on to, and `last` was the highest entry:
    /// what has none was passed over.
    fn settle(&mut self, last: u64) {
        let cause = |kept: &Unanswered| match kept.is_quote() {
            true => Cause::Unreported,
            false => Cause::Unheard,
        };
        self.refuse_where(|kept| kept.entry.number <= last, cause);
    }

    fn refuse_where(
        &mut self,
        is_refused: impl Fn(&Unanswered) -> bool,
        cause: impl Fn(&Unanswered) -> Cause,
    ) {
        let telling = &mut self.telling;
        self.unanswered.retain_mut(|kept| {
            if !is_refused(kept) {
                return true;
            }
            let cause = cause(kept);
            let client_order_id = std::mem::take(&mut kept.entry.client_order_id);
            telling.push(Event::Refused(Refusal { number: kept.entry.number, client_order_id, cause }));
            false
        });
    }

    /// Keeps one connection until it ends.
    ///
    /// # Errors
    /// Why it is to be connected again.
    async fn live(&mut self, mut on: Connection) -> Result<Over, Error> {
        let mut tick = tokio::time::interval(on.heartbeat / 4);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.settle_once(&mut on);
            let is_paused = Instant::now() < on.paused_until;
            let has_unsent = !on.said_farewell
                && self.unanswered.back().is_some_and(|last| last.entry.number >= self.next_entry);
            let has_room = self.unanswered.len() < self.options.window.max(1);
            let says_farewell = self.leaving
                && !on.said_farewell
                && !has_unsent
                && self.unanswered.iter().all(Unanswered::is_quote);
            let turn = tokio::select! {
                () = self.tells.closed() => Turn::Deserted,
                room = self.tells.reserve(), if !self.telling.is_empty() => room.map_or(Turn::Deserted, |_| Turn::Tells),
                answer = on.answers.message(), if self.telling.is_empty() => Turn::Hears(answer),
                asked = self.asked.recv(), if self.is_asked && has_room => Turn::IsAsked(asked),
                room = on.requests.reserve(), if (has_unsent && !is_paused) || says_farewell => {
                    room.map_or(Turn::Hears(Ok(None)), |_| Turn::Asks)
                }
                () = tokio::time::sleep_until(on.paused_until), if is_paused => Turn::LooksAround,
                _ = tick.tick() => Turn::LooksAround,
            };
            match turn {
                Turn::Deserted => return Ok(Over::Deserted),
                Turn::Tells => self.tell(),
                Turn::Hears(answer) => {
                    on.heard = Instant::now();
                    match answer?.map(|answer| answer.message) {
                        Some(Some(Told::LoggedOff(_))) | None if on.said_farewell => {
                            return Ok(Over::LoggedOff);
                        }
                        Some(Some(Told::LoggedOff(off))) => return Err(broken(off.reason)),
                        None => return Err(broken("the exchange ended the stream")),
                        Some(Some(message)) => self.take(&mut on, message)?,
                        // Something newer than this client.
                        Some(None) => {}
                    }
                }
                Turn::IsAsked(Some(Ask::Entries(entries, asked_at))) => {
                    let kept = |entry| Unanswered { entry, asked_at, sent_at: asked_at };
                    self.unanswered.extend(entries.into_iter().map(kept));
                }
                Turn::IsAsked(Some(Ask::LogOff)) => (self.leaving, self.is_asked) = (true, false),
                Turn::IsAsked(None) => self.is_asked = false,
                Turn::Asks if says_farewell => {
                    on.said_farewell = true;
                    on.say(Asked::Logoff(v1::Logoff {}));
                }
                Turn::Asks => {
                    self.refuse_stale(on.throttled);
                    let batch = self.batch(on.weight);
                    if !batch.entries.is_empty() {
                        on.throttled = None;
                        on.say(Asked::Batch(batch));
                    }
                }
                Turn::LooksAround => self.look_around(&mut on)?,
            }
        }
    }

    /// Tells what waits to be told, for which there is room: nobody else sends there.
    fn tell(&mut self) {
        let _ = self.tells.try_send(Ok(std::mem::take(&mut self.telling)));
    }

    /// The next entries to send, and that they were.
    fn batch(&mut self, most: usize) -> v1::TradeBatch {
        let now = Instant::now();
        let first = self.unanswered.partition_point(|kept| kept.entry.number < self.next_entry);
        let (mut entries, mut weight) = (Vec::new(), 0);
        for kept in self.unanswered.range_mut(first..) {
            weight += kept.weight();
            if weight > most && !entries.is_empty() {
                break;
            }
            kept.sent_at = now;
            self.next_entry = kept.entry.number + 1;
            entries.push(kept.entry.clone());
        }
        v1::TradeBatch { entries }
    }

    /// What is done now and then.
    fn look_around(&mut self, on: &mut Connection) -> Result<(), Error> {
        let now = Instant::now();
        // Who is not read from cannot be heard.
        if self.telling.is_empty() && now.duration_since(on.heard) > on.silence {
            return Err(broken("nothing was heard of the exchange"));
        }
        if now.duration_since(on.said) >= on.heartbeat / 2 {
            on.say(Asked::Heartbeat(v1::ClientHeartbeat {}));
        }
        // Quotes that changed nothing have no report. By now they have arrived, or the exchange would have closed a
        // session from which it has read nothing for so long.
        let next = self.next_entry;
        let arrived = |kept: &Unanswered| {
            kept.is_quote() && kept.entry.number < next && now.duration_since(kept.sent_at) > 2 * on.silence
        };
        if on.is_settled {
            self.unanswered.retain(|kept| !arrived(kept));
        }
        Ok(())
    }

    fn settle_once(&mut self, on: &mut Connection) {
        if !on.is_settled && self.next_report >= on.logged_on.next_report_number {
            on.is_settled = true;
            self.settle(on.logged_on.last_number);
        }
    }

    /// Takes what the exchange says.
    fn take(&mut self, on: &mut Connection, message: Told) -> Result<(), Error> {
        match message {
            Told::Reports(batch) => {
                self.telling.reserve(batch.reports.len());
                batch.reports.into_iter().try_for_each(|report| self.take_report(report))?;
            }
            Told::Throttled(throttled) => {
                let wait = throttled.retry_after.and_then(|wait| Duration::try_from(wait).ok());
                on.paused_until = Instant::now() + wait.unwrap_or_default();
                self.next_entry = self.next_entry.min(throttled.first_refused_number);
                on.throttled = Some(throttled.first_refused_number);
            }
            // Too many entries for how this exchange is configured: the same again in smaller batches.
            Told::EntryRefused(refused) if refused.field == "batch.entries" && on.weight > 1 => {
                on.weight /= 2;
                self.next_entry = self.next_entry.min(refused.number);
            }
            Told::EntryRefused(refused) => {
                let v1::EntryRefused { number, field, description } = refused;
                let (client_order_id, cause) = match self.found(number) {
                    Some(entry) if entry.request.is_none() => (entry.client_order_id, Cause::Stale),
                    known => {
                        let id = known.map(|entry| entry.client_order_id).unwrap_or_default();
                        (id, Cause::Misshapen { field, description })
                    }
                };
                self.telling.push(Event::Refused(Refusal { number, client_order_id, cause }));
            }
            Told::Heartbeat(_) | Told::LoggedOn(_) | Told::LoggedOff(_) => {}
        }
        Ok(())
    }

    fn take_report(&mut self, report: v1::ExecutionReport) -> Result<(), Error> {
        if report.number < self.next_report {
            return Ok(());
        }
        if report.number > self.next_report {
            return Err(broken(format!("report {} came where {} was due", report.number, self.next_report)));
        }
        self.next_report += 1;
        self.is_of_use = true;
        let mut answers = None;
        let number = report.request_number;
        if report.session_id == self.session_id && number > 0 {
            answers = self.found(number).map(|_| number);
            if number > self.answered {
                self.answered = number;
                // Entries are sequenced in their order: quotes before it were too, and changed nothing.
                while self
                    .unanswered
                    .front()
                    .is_some_and(|kept| kept.is_quote() && kept.entry.number < number)
                {
                    self.unanswered.pop_front();
                }
            }
        }
        self.telling.push(Event::Report { report, answers });
        Ok(())
    }

    /// Takes an entry out, of which it is known now what became of it.
    fn found(&mut self, number: u64) -> Option<v1::TradeEntry> {
        let at = self.position(number)?;
        self.unanswered.remove(at).map(|kept| kept.entry)
    }

    fn position(&self, number: u64) -> Option<usize> {
        let at = self.unanswered.partition_point(|kept| kept.entry.number < number);
        self.unanswered.get(at).filter(|kept| kept.entry.number == number).map(|_| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keeper that is connected to nothing, of session 7, to which entries 1 to 5 were given: the third is a set of quotes.
    fn keeper(options: SessionOptions) -> Keeper {
        let (_, asked) = mpsc::channel(1);
        let (tells, _) = mpsc::channel(1);
        let now = Instant::now();
        let entry = |number| {
            let request = match number {
                3 => Request::Quote(v1::QuoteSet::default()),
                _ => Request::Cancel(number.into()),
            };
            let entry =
                v1::TradeEntry { number, client_order_id: format!("c{number}"), request: Some(request) };
            Unanswered { entry, asked_at: now, sent_at: now }
        };
        Keeper {
            link: Link::new("http://127.0.0.1:1", "", None).unwrap(),
            backoff: Backoff::new(None),
            is_of_use: true,
            options,
            session_id: 7,
            asked,
            tells,
            telling: Vec::new(),
            unanswered: (1..=5).map(entry).collect(),
            next_entry: 6,
            answered: 0,
            next_report: 1,
            is_asked: true,
            leaving: false,
        }
    }

    fn options() -> SessionOptions {
        SessionOptions::new(1, "desk")
    }

    fn report(number: u64, session_id: u32, request_number: u64) -> v1::ExecutionReport {
        v1::ExecutionReport { number, session_id, request_number, ..Default::default() }
    }

    fn numbers(keeper: &Keeper) -> Vec<u64> {
        keeper.unanswered.iter().map(|kept| kept.entry.number).collect()
    }

    fn refused(keeper: &mut Keeper) -> Vec<(u64, Cause)> {
        let refused = |event| match event {
            Event::Refused(refusal) => Some((refusal.number, refusal.cause)),
            _ => None,
        };
        std::mem::take(&mut keeper.telling).into_iter().filter_map(refused).collect()
    }

    #[test]
    fn an_entry_is_answered_by_the_first_report_that_names_it() {
        let mut keeper = keeper(options());
        for told in [
            report(1, 7, 1),
            report(2, 9, 2),
            report(2, 7, 2),
            report(3, 0, 0),
            report(4, 7, 1),
            report(5, 7, 4),
        ] {
            keeper.take_report(told).unwrap();
        }
        let answers: Vec<_> = keeper
            .telling
            .iter()
            .map(|event| match event {
                Event::Report { report, answers } => (report.number, *answers),
                other => panic!("{other:?}"),
            })
            .collect();
        // Number 2 came twice, as another session's and as ours: once is once.
        assert_eq!(answers, [(1, Some(1)), (2, None), (3, None), (4, None), (5, Some(4))]);
        assert_eq!(numbers(&keeper), [2, 3, 5]);
        assert!(keeper.take_report(report(7, 0, 0)).is_err(), "report 6 is missing");
    }

    #[test]
    fn quotes_that_changed_nothing_are_answered_by_what_comes_after_them() {
        let mut keeper = keeper(options());
        for number in [1, 2, 4] {
            keeper.take_report(report(number.min(3), 7, number)).unwrap();
        }
        assert_eq!(numbers(&keeper), [5]);
    }

    #[test]
    fn what_was_sequenced_is_not_sent_again_and_the_rest_is() {
        let mut keeper = keeper(options());
        let on = v1::LoggedOn { session_id: 7, last_number: 3, next_report_number: 3, ..Default::default() };
        keeper.go_on(&on, Duration::ZERO).unwrap();
        assert!(matches!(keeper.telling[..], [Event::Reconnected(Reconnected { sent_again: 2, .. })]));
        let sent = keeper.batch(WEIGHT).entries;
        assert_eq!(sent.iter().map(|entry| entry.number).collect::<Vec<_>>(), [4, 5]);
        assert!(keeper.batch(WEIGHT).entries.is_empty());
        // Both reports that there were are here; only entry 1 has one.
        keeper.take_report(report(1, 7, 1)).unwrap();
        keeper.take_report(report(2, 7, 1)).unwrap();
        keeper.settle(on.last_number);
        assert_eq!(refused(&mut keeper), [(2, Cause::Unheard), (3, Cause::Unreported)]);
        assert_eq!(numbers(&keeper), [4, 5]);
    }

    #[test]
    fn what_is_too_old_is_not_sent() {
        let mut keeper = keeper(SessionOptions { stale_after: Some(Duration::from_secs(1)), ..options() });
        let place = Some(Request::Place(v1::NewOrder::default()));
        for at in [0, 3] {
            keeper.unanswered[at].entry.request = place.clone();
        }
        for kept in &mut keeper.unanswered {
            kept.asked_at -= Duration::from_secs(2);
        }
        let on = v1::LoggedOn { session_id: 7, last_number: 2, ..Default::default() };
        keeper.go_on(&on, Duration::ZERO).unwrap();
        // The first was sequenced before it was old; the others only withdraw.
        assert_eq!(refused(&mut keeper), [(4, Cause::Stale)]);
        assert_eq!(numbers(&keeper), [1, 2, 3, 5]);
    }

    #[test]
    fn what_the_exchange_waits_for_is_sent_without_its_request_when_it_is_too_old() {
        let mut keeper = keeper(SessionOptions { stale_after: Some(Duration::from_secs(1)), ..options() });
        for kept in &mut keeper.unanswered {
            kept.entry.request = Some(Request::Place(v1::NewOrder::default()));
            kept.asked_at -= Duration::from_secs(2);
        }
        keeper.next_entry = 3;
        keeper.refuse_stale(Some(3));
        assert_eq!(refused(&mut keeper), [(4, Cause::Stale), (5, Cause::Stale)]);
        let sent = keeper.batch(WEIGHT).entries;
        assert_eq!(
            sent.iter().map(|entry| (entry.number, entry.request.is_some())).collect::<Vec<_>>(),
            [(3, false)]
        );
        assert_eq!(keeper.found(3).map(|entry| entry.client_order_id), Some("c3".into()));
    }

    #[test]
    fn an_exchange_that_has_forgotten_the_session_is_not_gone_on_with() {
        for (session_id, last_number) in [(8, 3), (7, 2)] {
            let mut keeper = keeper(options());
            keeper.take_report(report(1, 7, 3)).unwrap();
            let on = v1::LoggedOn { session_id, last_number, ..Default::default() };
            let lost = keeper.go_on(&on, Duration::ZERO).unwrap_err();
            assert!(
                matches!(&lost, Error::Lost { next: 2, unanswered, .. } if *unanswered == [1, 2, 4, 5]),
                "{lost}"
            );
            let text = lost.to_string();
            assert!(text.contains("\"desk\"") && text.contains("[1, 2, 4, 5]"), "{text}");
        }
    }

    #[test]
    fn a_message_has_as_many_entries_as_the_exchange_takes() {
        let mut keeper = keeper(options());
        let quotes = vec![v1::Quote::default(); 4];
        keeper.unanswered[2].entry.request =
            Some(Request::Quote(v1::QuoteSet { quotes, ..Default::default() }));
        keeper.next_entry = 1;
        let mut sent = || keeper.batch(3).entries.iter().map(|entry| entry.number).collect::<Vec<_>>();
        assert_eq!([sent(), sent(), sent(), sent()], [vec![1, 2], vec![3], vec![4, 5], vec![]]);
    }

    #[test]
    fn who_gives_up_says_what_is_open() {
        let mut keeper = keeper(options());
        let lost = keeper.give_up(tonic::Status::unauthenticated("revoked").into());
        assert!(matches!(lost, Some(Error::Lost { next: 1, unanswered, .. }) if unanswered.len() == 5));
        keeper.unanswered.clear();
        let plain = keeper.give_up(tonic::Status::unauthenticated("revoked").into());
        assert!(matches!(plain, Some(Error::Refused(_))));
        let gone = keeper.give_up(tonic::Status::out_of_range("the first number still kept is 9").into());
        assert!(matches!(gone, Some(Error::Lost { why, .. }) if why.contains('9')));
    }
}
