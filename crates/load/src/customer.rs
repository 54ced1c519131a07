//! A customer under load: from empty books, round by round, to empty books.
//!
//! The books are filled by batches, whatever way the requests then travel. Between two rounds nothing is under way and the
//! orders rest, so that another server can be measured meanwhile. At the end the reports of calls are read again, and
//! everything is cancelled.

use crate::requests::Requests;
use crate::session::{Entries, LoggedOn};
use crate::stage::Stage;
use crate::trades::Trades;
use crate::{Desk, Error, Figures, Pace, Plan, Way, session, unary};
use futures::future::try_join_all;
use hourbook_api::client::{self, Client};
use hourbook_api::v1;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How the books are filled: messages of so many entries, so many of them unanswered.
const FILLS: Entries = Entries { entries: 100, messages: 16 };
/// How long taking everything back may take when a run has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests answered so far, for whoever shows how it goes.
#[derive(Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    pub(crate) fn add(&self, answered: u64) {
        self.0.fetch_add(answered, Relaxed);
    }

    pub fn answered(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A customer, with a connection for each of its accounts.
pub struct Customer {
    plan: Plan,
    lines: Vec<Line>,
    trades: Mutex<Trades>,
    progress: Progress,
}

/// One connection, and one account.
pub(crate) struct Line {
    pub client: Client,
    pub desk: Desk,
    pub requests: Requests,
    /// The account's last report that was read, if any session has begun.
    pub reported: Option<u64>,
    /// Seed of what this connection draws, and rounds so far.
    pub seed: u64,
    pub rounds: u64,
    /// Calls that have a number, since their reports were last read; and reports that answer calls.
    pub calls: u64,
    pub called: u64,
    /// The highest number of a report that any answer had.
    pub told: u64,
}

/// What was held against what at the end, over all rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Reports read, each numbered one above the one before.
    pub reports: u64,
    /// Trades that buyer and seller were told alike.
    pub trades: u64,
    /// Trades of which only one side was the customer's own.
    pub with_others: u64,
    /// Orders that still rested.
    pub cancelled: u64,
}

impl Customer {
    /// Connects once for each desk.
    ///
    /// # Errors
    /// When the exchange cannot be reached.
    pub async fn connect(
        plan: Plan,
        address: &str,
        desks: &[Desk],
        progress: Progress,
    ) -> Result<Customer, Error> {
        let resting = plan.resting.div_ceil(desks.len());
        let lines = desks.iter().zip(0..).map(|(desk, number)| async move {
            let seed = plan.seed.wrapping_mul(1_000).wrapping_add(number);
            Ok::<Line, Error>(Line {
                client: Client::connect(address, &desk.key, desk.authority.as_deref()).await?,
                desk: desk.clone(),
                requests: Requests::new(plan.mix, desk, resting, seed),
                reported: None,
                seed,
                rounds: 0,
                calls: 0,
                called: 0,
                told: 0,
            })
        });
        let lines = try_join_all(lines).await?;
        Ok(Customer { plan, lines, trades: Mutex::default(), progress })
    }

    /// Has the next rounds run in another way.
    pub fn turn_to(&mut self, way: Way, pace: Pace) {
        self.plan = Plan { way, pace, ..self.plan };
    }

    /// Fills the books.
    ///
    /// # Errors
    /// When anything is not as it must be.
    pub async fn fill(&mut self) -> Result<(), Error> {
        let Customer { lines, trades, progress, .. } = self;
        let filling =
            lines.iter_mut().map(|line| session::run(line, FILLS, None, Stage::Filling, trades, progress));
        try_join_all(filling).await?;
        Ok(())
    }

    /// Runs as the plan says, and measures after a while.
    ///
    /// # Errors
    /// When anything is not as it must be.
    pub async fn round(&mut self, warm_up: Duration, measured: Duration) -> Result<Figures, Error> {
        let Customer { plan: Plan { way, pace, unread, .. }, lines, trades, progress } = self;
        let (way, per_second, unread) = (*way, pace.on_each_of(lines.len()), *unread);
        let stage = Stage::round(warm_up, measured);
        let runs = lines.iter_mut().map(|line| {
            let (trades, progress) = (&*trades, &*progress);
            async move {
                line.rounds += 1;
                match way {
                    Way::Unary { calls } => {
                        unary::run(line, (calls, unread), per_second, stage, trades, progress).await
                    }
                    Way::Session { entries, messages } => {
                        let entries = Entries { entries, messages };
                        session::run(line, entries, per_second, stage, trades, progress).await
                    }
                }
            }
        });
        let mut runs = try_join_all(runs).await?.into_iter();
        let mut figures = runs.next().expect("a customer has a desk");
        runs.for_each(|run| figures.beside(&run));
        Ok(figures)
    }

    /// Reads what was not read yet, cancels everything, and holds fills against each other.
    ///
    /// # Errors
    /// When anything is not as it must be.
    pub async fn end(mut self) -> Result<Audit, Error> {
        let Customer { lines, trades, .. } = &mut self;
        let ends = try_join_all(lines.iter_mut().map(|line| session::end(line, trades))).await?;
        let (trades, with_others) = self.trades.into_inner().unwrap_or_else(PoisonError::into_inner).counts();
        let reports = self.lines.iter().filter_map(|line| line.reported).sum();
        Ok(Audit { reports, trades, with_others, cancelled: ends.iter().sum() })
    }

    /// Takes all orders back after a run that failed, as far as that is possible.
    pub async fn withdraw(&self) {
        let taken = self.lines.iter().map(|line| {
            let (mut orders, account_id) = (line.client.orders.clone(), line.desk.account);
            let asked = v1::MassCancelRequest { account_id, request_id: unique("withdraw"), scope: None };
            // What has failed before may fail again; there is nobody to tell.
            async move { drop(orders.mass_cancel(asked).await) }
        });
        let _ = tokio::time::timeout(PATIENCE, futures::future::join_all(taken)).await;
    }
}

impl Line {
    /// Reports that were not read yet, as far as answers tell.
    pub fn unread(&self) -> u64 {
        self.told.saturating_sub(self.reported.unwrap_or(0))
    }

    /// Takes note of a report, which must be the next one.
    pub fn hear(&mut self, report: &v1::ExecutionReport, trades: &Mutex<Trades>) -> Result<(), Error> {
        let expected = self.reported.map_or(report.number, |last| last + 1);
        if report.number != expected {
            return Err(Error::Report { expected, found: report.number });
        }
        self.reported = Some(expected);
        if report.kind == v1::ReportKind::Filled as i32 {
            trades.lock().unwrap_or_else(PoisonError::into_inner).heard(report)?;
        }
        Ok(())
    }

    /// Begins a session of its own name, in which the account's reports go on where they were last read.
    pub async fn log_on(&self) -> Result<(client::TradeStream, LoggedOn), Error> {
        let resume_from = self.reported.filter(|_| self.desk.keeps_reports).map(|last| last + 1);
        let logon = v1::Logon {
            account_id: self.desk.account,
            session: unique("load"),
            cancel_on_disconnect: false,
            resume_from_number: resume_from.unwrap_or(0),
        };
        let (session, on) = self.client.trade(logon).await?;
        let on = LoggedOn {
            session: on.session_id,
            resumed: resume_from.is_some(),
            published: on.next_report_number - 1,
        };
        Ok((session, on))
    }
}

/// A name that nothing had before.
pub(crate) fn unique(what: &str) -> String {
    // Two connections may ask within one tick of the clock.
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    format!("{what}-{now:x}-{}", NUMBER.fetch_add(1, Relaxed))
}
