//! One customer's `Trade` session, played in turn: what is asked is answered before anybody else asks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hourbook_api::client::{Client, TradeStream};
use hourbook_api::v1::{self, trade_entry::Request, trade_response::Message};

use super::seen::Seen;

/// Entries in one message; the contract's bound.
const AT_ONCE: usize = 1_000;
/// How long an answer is waited for: beyond that something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Trader {
    session: TradeStream,
    pub session_id: u32,
    pub account: u32,
    /// The last entry sent, and the last report heard.
    sent: u64,
    heard: u64,
    seen: Arc<Seen>,
    /// How long messages took from being sent to their last answer.
    pub took: Vec<Duration>,
}

impl Trader {
    pub async fn log_on(client: &Client, account: u32, seen: &Arc<Seen>) -> anyhow::Result<Trader> {
        let logon = v1::Logon {
            account_id: account,
            session: "demo".into(),
            cancel_on_disconnect: false,
            resume_from_number: 1,
        };
        let (session, on) = client.trade(logon).await?;
        let (session_id, seen) = (on.session_id, Arc::clone(seen));
        Ok(Trader { session, session_id, account, sent: 0, heard: 0, seen, took: Vec::new() })
    }

    /// What was reported since the last turn.
    pub async fn hear(&mut self) -> anyhow::Result<Vec<v1::ExecutionReport>> {
        let mut reports = Vec::new();
        self.hear_until(self.seen.reports_of(self.account), &mut reports).await?;
        Ok(reports)
    }

    /// Asks, and gives every report up to the last answer.
    pub async fn ask(&mut self, requests: Vec<Request>) -> anyhow::Result<Vec<v1::ExecutionReport>> {
        let mut reports = Vec::new();
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let entries: Vec<_> =
                requests.by_ref().take(AT_ONCE).map(|request| self.entry(request)).collect();
            let asked = Instant::now();
            self.session.send(entries).await?;
            while !reports.last().is_some_and(|report| self.answers_last(report)) {
                self.next(&mut reports).await?;
            }
            // One command may have several reports, all of them published at once.
            self.hear_until(self.seen.reports_of(self.account), &mut reports).await?;
            self.took.push(asked.elapsed());
        }
        Ok(reports)
    }

    /// Ends the session in order.
    pub async fn log_off(mut self) -> anyhow::Result<()> {
        self.session.log_off().await?;
        while self.session.next().await?.is_some() {}
        Ok(())
    }

    fn entry(&mut self, request: Request) -> v1::TradeEntry {
        self.sent += 1;
        // An order's name is its number, so that it can be told from any other.
        let client_order_id = match &request {
            Request::Place(_) => self.sent.to_string(),
            _ => String::new(),
        };
        v1::TradeEntry { number: self.sent, client_order_id, request: Some(request) }
    }

    /// The number that the next entry will have, and the name of the order that it places.
    pub fn next_number(&self) -> u64 {
        self.sent + 1
    }

    fn answers_last(&self, report: &v1::ExecutionReport) -> bool {
        report.session_id == self.session_id && report.request_number == self.sent
    }

    async fn hear_until(
        &mut self,
        number: u64,
        reports: &mut Vec<v1::ExecutionReport>,
    ) -> anyhow::Result<()> {
        while self.heard < number {
            self.next(reports).await?;
        }
        Ok(())
    }

    async fn next(&mut self, reports: &mut Vec<v1::ExecutionReport>) -> anyhow::Result<()> {
        let next = tokio::time::timeout(PATIENCE, self.session.next());
        match next.await.context("the exchange does not answer")?? {
            Some(Message::Reports(batch)) => {
                self.heard = batch.reports.last().map_or(self.heard, |report| report.number);
                reports.extend(batch.reports);
            }
            Some(Message::Heartbeat(_) | Message::LoggedOn(_)) => {}
            Some(Message::Throttled(_)) => bail!("account {} was too fast for its limit", self.account),
            Some(Message::EntryRefused(v1::EntryRefused { number, field, description })) => {
                bail!("account {}, entry {number}: {field} {description}", self.account)
            }
            Some(Message::LoggedOff(off)) => bail!("account {} was logged off: {}", self.account, off.reason),
            None => bail!("the session of account {} ended", self.account),
        }
        Ok(())
    }

    /// Says that the customer lives, where it has nothing to ask.
    pub async fn stay(&self) -> anyhow::Result<()> {
        Ok(self.session.heartbeat().await?)
    }
}
