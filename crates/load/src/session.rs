//! One `Trade` session: messages of entries one way, reports the other.

use crate::customer::{Line, Progress};
use crate::pace::Arrivals;
use crate::stage::Stage;
use crate::trades::Trades;
use crate::{Error, Figures};
use hourbook_api::client::{self, Sender};
use hourbook_api::v1::{self, trade_entry::Request, trade_response::Message};
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

/// Entries in a message, and messages that may be unanswered.
#[derive(Clone, Copy)]
pub(crate) struct Entries {
    pub entries: usize,
    pub messages: usize,
}

/// A session that has begun.
pub(crate) struct LoggedOn {
    pub session: u32,
    /// Whether reports go on where they were last read.
    pub resumed: bool,
    /// The account's last report before it began.
    pub published: u64,
}

/// A session under load.
struct Load<'a> {
    line: &'a mut Line,
    trades: &'a Mutex<Trades>,
    progress: &'a Progress,
    sender: Sender,
    session: u32,
    /// Entries in a message, and entries that may be unanswered.
    entries: usize,
    window: usize,
    /// Reports that answer an entry, and how many of the next one are due.
    answers: u32,
    due: u32,
    /// The last entry sent, and the last answered.
    sent: u64,
    answered: u64,
    /// When the unanswered entries were sent, or were to be sent: the last number of each moment.
    sent_at: VecDeque<(u64, Instant)>,
    /// When entries are due; none while as many as may be are under way.
    arrivals: Option<Arrivals>,
    figures: Figures,
    stage: Stage,
}

pub(crate) async fn run(
    line: &mut Line,
    Entries { entries, messages }: Entries,
    per_second: Option<f64>,
    stage: Stage,
    trades: &Mutex<Trades>,
    progress: &Progress,
) -> Result<Figures, Error> {
    let (session, on) = line.log_on().await?;
    go_on(line, &on);
    let (sender, mut answers) = session.split();
    let seed = line.seed.wrapping_add(line.rounds << 32);
    let each = line.requests.answers();
    let mut load = Load {
        line,
        trades,
        progress,
        sender,
        session: on.session,
        entries,
        window: entries * messages,
        answers: each,
        due: each,
        sent: 0,
        answered: 0,
        sent_at: VecDeque::with_capacity(messages),
        arrivals: per_second
            .map(|per_second| Arrivals::begin(Instant::now(), per_second, seed))
            .transpose()?,
        figures: Figures::new(each),
        stage,
    };
    loop {
        let asks = load.stage.asks();
        if asks {
            load.send().await?;
        }
        if !load.stage.asks() && load.answered == load.sent {
            break;
        }
        let answer = match &load.arrivals {
            // A full window waits for an answer, whatever is due.
            Some(arrivals) if asks && load.has_room() => tokio::select! {
                biased;
                answer = answers.message() => Some(answer),
                waited = arrivals.wait() => {
                    waited?;
                    None
                }
            },
            _ => Some(answers.message().await),
        };
        let now = Instant::now();
        if let Some(answer) = answer {
            load.take(answer.map_err(client::Error::from)?.and_then(|answer| answer.message), now)?;
        }
        load.stage = load.stage.after(load.line.requests.is_filled(), now, &mut load.figures);
    }
    let Load { sender, mut figures, sent, line, .. } = load;
    figures.requests = sent;
    // The end of what is sent ends the session in order.
    drop(sender);
    while let Some(answer) = answers.message().await.map_err(client::Error::from)? {
        match answer.message {
            Some(Message::Reports(batch)) => {
                for report in &batch.reports {
                    line.hear(report, trades)?;
                    line.requests.heard(report);
                    count_call(line, report);
                }
            }
            Some(Message::Heartbeat(_)) => {}
            Some(Message::LoggedOff(_)) => break,
            _ => return Err(Error::Ended("with something else than reports".into())),
        }
    }
    Ok(figures)
}

impl Load<'_> {
    fn has_room(&self) -> bool {
        (self.sent - self.answered) as usize + self.entries <= self.window
    }

    /// Sends what may be sent, or what is due.
    async fn send(&mut self) -> Result<(), Error> {
        while self.stage.asks() && self.has_room() {
            let mut entries = Vec::with_capacity(self.entries);
            if self.arrivals.is_none() {
                entries.extend((0..self.entries).map(|_| self.entry()));
                self.sent_at.push_back((self.sent, Instant::now()));
            } else {
                let now = Instant::now();
                while entries.len() < self.entries
                    && let Some(due) = self.arrivals.as_mut().and_then(|arrivals| arrivals.due(now))
                {
                    entries.push(self.entry());
                    self.sent_at.push_back((self.sent, due));
                }
                if entries.is_empty() {
                    return Ok(());
                }
            }
            self.sender.send(entries).await?;
            if self.stage == Stage::Filling && self.line.requests.is_filled() {
                self.stage = Stage::Draining;
            }
        }
        Ok(())
    }

    fn entry(&mut self) -> v1::TradeEntry {
        self.sent += 1;
        let requests = &mut self.line.requests;
        let request = if self.stage == Stage::Filling { requests.fill() } else { requests.draw() };
        v1::TradeEntry { number: self.sent, client_order_id: String::new(), request: Some(request) }
    }

    fn take(&mut self, answer: Option<Message>, now: Instant) -> Result<(), Error> {
        let before = self.answered;
        match answer {
            Some(Message::Reports(batch)) => {
                batch.reports.iter().try_for_each(|report| self.take_report(report, now))?;
                self.progress.add(self.answered - before);
                Ok(())
            }
            other => nothing_refused(other),
        }
    }

    fn take_report(&mut self, report: &v1::ExecutionReport, now: Instant) -> Result<(), Error> {
        self.line.hear(report, self.trades)?;
        self.line.requests.heard(report);
        let measures = self.stage.measures();
        let Some(answer) = answer(report) else {
            self.figures.fills += u64::from(measures && report.kind == v1::ReportKind::Filled as i32);
            return Ok(());
        };
        if report.session_id != self.session {
            // Between rounds of calls a session reads what they were told.
            count_call(self.line, report);
            return Ok(());
        }
        if report.request_number != self.answered + 1 {
            return Err(Error::Answer { expected: self.answered + 1, found: report.request_number });
        }
        if measures && answer == Answer::Refused {
            self.figures.rejected(report);
        }
        self.due -= 1;
        if self.due > 0 {
            return Ok(());
        }
        self.due = self.answers;
        self.answered += 1;
        let Some(&(last, at)) = self.sent_at.front() else {
            return Err(Error::Answer { expected: self.sent + 1, found: self.answered });
        };
        if last == self.answered {
            self.sent_at.pop_front();
        }
        if measures {
            self.figures.answered_after(now.saturating_duration_since(at));
        }
        Ok(())
    }
}

/// Whether a report is the answer to a request, and which; fills and the like come beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done,
    Refused,
}

fn answer(report: &v1::ExecutionReport) -> Option<Answer> {
    use v1::ReportKind as Kind;
    match Kind::try_from(report.kind).unwrap_or(Kind::Unspecified) {
        Kind::Accepted | Kind::Amended => Some(Answer::Done),
        Kind::Cancelled if report.cancel_reason == v1::CancelReason::User as i32 => Some(Answer::Done),
        Kind::Rejected | Kind::CancelRejected | Kind::AmendRejected => Some(Answer::Refused),
        _ => None,
    }
}

/// What is said beside reports: that it lives, or that something went wrong.
fn nothing_refused(message: Option<Message>) -> Result<(), Error> {
    match message {
        Some(Message::Heartbeat(_) | Message::LoggedOn(_) | Message::Reports(_)) => Ok(()),
        Some(Message::Throttled(throttled)) => {
            let (number, why) = (throttled.first_refused_number, "too fast for its limit".into());
            Err(Error::Refused { number, why })
        }
        Some(Message::EntryRefused(refused)) => {
            let why = format!("{} {}", refused.field, refused.description);
            Err(Error::Refused { number: refused.number, why })
        }
        Some(Message::LoggedOff(off)) => Err(Error::Ended(off.reason)),
        None => Err(Error::Ended("without a word".into())),
    }
}

/// Reads the reports that no session has read, which must answer each call once, and then cancels everything; how many
/// orders that were.
pub(crate) async fn end(line: &mut Line, trades: &Mutex<Trades>) -> Result<u64, Error> {
    let (mut session, on) = line.log_on().await?;
    go_on(line, &on);
    while line.reported.is_some_and(|last| last < on.published) {
        read(&mut session, line, trades, count_call).await?;
    }
    let (expected, found) = (line.calls * u64::from(line.requests.answers()), line.called);
    if expected != found {
        return Err(Error::Calls { expected, found });
    }
    let everything = Request::MassCancel(v1::MassCancelScope::default());
    let entry = v1::TradeEntry { number: 1, client_order_id: String::new(), request: Some(everything) };
    session.send(vec![entry]).await?;
    let mut done = None;
    while done.is_none() {
        read(&mut session, line, trades, |_, report| {
            let ended = report.kind == v1::ReportKind::MassCancelled as i32 && report.request_number == 1;
            done = ended.then_some(report.quantity as u64).or(done);
        })
        .await?;
    }
    session.log_off().await?;
    Ok(done.unwrap_or(0))
}

/// Where reports do not go on, nobody can tell any more which calls they answered.
fn go_on(line: &mut Line, on: &LoggedOn) {
    if !on.resumed {
        line.reported = Some(on.published);
        (line.calls, line.called) = (0, 0);
    }
}

/// Counts the answer to a call, which no session asked for.
pub(crate) fn count_call(line: &mut Line, report: &v1::ExecutionReport) {
    line.called += u64::from(answer(report).is_some() && report.session_id == 0);
}

/// Reads one message, whose reports must be those that are due.
async fn read(
    session: &mut client::TradeStream,
    line: &mut Line,
    trades: &Mutex<Trades>,
    mut heard: impl FnMut(&mut Line, &v1::ExecutionReport),
) -> Result<(), Error> {
    let message = session.next().await?;
    if let Some(Message::Reports(batch)) = &message {
        for report in &batch.reports {
            line.hear(report, trades)?;
            heard(line, report);
        }
    }
    nothing_refused(message)
}
