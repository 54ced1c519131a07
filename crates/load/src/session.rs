//! One `Trade` session: messages of entries one way, reports the other.

use crate::mix::Mix;
use crate::stage::Stage;
use crate::{Desk, Error, Figures, Plan};
use hourbook_api::client::{self, Client, Sender};
use hourbook_api::v1::{self, trade_response::Message};
use std::collections::VecDeque;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A session under load.
struct Load {
    sender: Sender,
    mix: Mix,
    session: u32,
    /// Entries in a message, and entries that may be unanswered.
    entries: usize,
    window: usize,
    /// The last entry sent, the last answered, and the account's last report.
    sent: u64,
    answered: u64,
    reported: u64,
    /// When the unanswered entries were sent, by message.
    sent_at: VecDeque<(u64, Instant)>,
    figures: Figures,
    stage: Stage,
}

pub(crate) async fn run(
    plan: &Plan,
    client: &Client,
    desk: &Desk,
    entries: usize,
    messages: usize,
) -> Result<Figures, Error> {
    let unique = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let logon = v1::Logon {
        account_id: desk.account,
        session: format!("load-{unique}"),
        cancel_on_disconnect: true,
        resume_from_number: 0,
    };
    let (session, on) = client.trade(logon).await?;
    let (sender, mut answers) = session.split();
    let mut load = Load {
        sender,
        mix: Mix::new(desk, plan.resting, plan.seed),
        session: on.session_id,
        entries,
        window: entries * messages,
        sent: 0,
        answered: 0,
        reported: on.next_report_number - 1,
        sent_at: VecDeque::with_capacity(messages),
        figures: Figures::new(),
        stage: Stage::Filling,
    };
    loop {
        if load.stage.asks() {
            load.fill_window().await?;
        } else if load.answered == load.sent {
            break;
        }
        let answer = answers.message().await.map_err(client::Error::from)?;
        let now = Instant::now();
        load.take(answer.and_then(|answer| answer.message), now)?;
        load.stage = load.stage.after(plan, load.mix.is_filled(), now, &mut load.figures);
    }
    load.figures.requests = load.sent;
    Ok(load.figures)
}

impl Load {
    /// Sends until as many entries are unanswered as may be.
    async fn fill_window(&mut self) -> Result<(), Error> {
        while (self.sent - self.answered) as usize + self.entries <= self.window {
            let entries = (0..self.entries).map(|_| {
                self.sent += 1;
                let request = Some(self.mix.draw());
                v1::TradeEntry { number: self.sent, client_order_id: String::new(), request }
            });
            let entries = entries.collect();
            self.sent_at.push_back((self.sent, Instant::now()));
            self.sender.send(entries).await?;
        }
        Ok(())
    }

    fn take(&mut self, answer: Option<Message>, now: Instant) -> Result<(), Error> {
        match answer {
            Some(Message::Reports(batch)) => {
                batch.reports.iter().try_for_each(|report| self.take_report(report, now))
            }
            Some(Message::Heartbeat(_) | Message::LoggedOn(_)) => Ok(()),
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

    fn take_report(&mut self, report: &v1::ExecutionReport, now: Instant) -> Result<(), Error> {
        self.reported += 1;
        if report.number != self.reported {
            return Err(Error::Report { expected: self.reported, found: report.number });
        }
        self.mix.heard(report);
        use v1::ReportKind as Kind;
        let kind = v1::ReportKind::try_from(report.kind).unwrap_or(Kind::Unspecified);
        let answers = match kind {
            Kind::Accepted | Kind::Amended => true,
            Kind::Cancelled => report.cancel_reason == v1::CancelReason::User as i32,
            Kind::CancelRejected | Kind::AmendRejected => {
                // It was filled while the request was on its way.
                if report.reject_reason != v1::RejectReason::UnknownOrder as i32 {
                    return Err(refused(report));
                }
                self.figures.missed += u64::from(self.stage.measures());
                true
            }
            Kind::Rejected => return Err(refused(report)),
            Kind::Filled => {
                self.figures.fills += u64::from(self.stage.measures());
                false
            }
            _ => false,
        };
        if answers && report.session_id == self.session {
            self.answered += 1;
            if report.request_number != self.answered {
                return Err(Error::Answer { expected: self.answered, found: report.request_number });
            }
            let &(last, at) = self.sent_at.front().expect("an answered entry was sent");
            if last == self.answered {
                self.sent_at.pop_front();
            }
            if self.stage.measures() {
                self.figures.answered_after(now.saturating_duration_since(at));
            }
        }
        Ok(())
    }
}

fn refused(report: &v1::ExecutionReport) -> Error {
    let reason = v1::RejectReason::try_from(report.reject_reason).unwrap_or_default();
    Error::Refused { number: report.request_number, why: reason.as_str_name().into() }
}
