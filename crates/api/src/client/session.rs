//! A `Trade` session that outlives its connections.
//!
//! What a user holds is here; `keeper` is the task behind it, which sends what is asked for, heartbeats, connects again
//! where the connection breaks, goes on from the last report, and sends again what the exchange has not seen.
//!
//! Always true: entries are sent in the order of their numbers; one is kept until it is known what became of it; the
//! account's reports are given once each, in order and without a gap; what cannot be gone on with ends in
//! [`Error::Lost`]. Each queue is bounded: who does not read events makes the exchange wait, and then close, and is
//! connected again when it reads on.

mod keeper;

use super::Error;
use super::link::Link;
use crate::v1;
use keeper::Keeper;
use std::ops::Range;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use v1::trade_entry::Request;

/// Calls of `Entries` that may wait to be sent, and messages of events that may wait to be read.
const WAITING: usize = 256;

/// What a session is to be.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub account: u32,
    /// 1 to 36 printable ASCII characters; entries are numbered within it, from connection to connection and from one
    /// process to the next.
    pub name: String,
    /// Whether the exchange cancels the session's orders whenever a connection of it ends.
    pub cancel_on_disconnect: bool,
    /// The first report that is wanted: the last one known, and one; 0 for new ones only.
    pub resume_from: u64,
    /// Entries that may be unanswered; `Entries` waits beyond.
    pub window: usize,
    /// An entry that is older than this when it could be sent, or sent again, is told as [`Cause::Stale`] instead: prices
    /// of a minute ago are not to be traded at. What only takes orders out or lots off is sent however old. `None` sends all.
    pub stale_after: Option<Duration>,
    /// After so long without a connection the session ends. `None` never gives up.
    pub give_up_after: Option<Duration>,
}

impl SessionOptions {
    /// New reports only, at most 4,096 entries unanswered, everything sent again, for ever.
    pub fn new(account: u32, name: impl Into<String>) -> SessionOptions {
        SessionOptions {
            account,
            name: name.into(),
            cancel_on_disconnect: false,
            resume_from: 0,
            window: 4_096,
            stale_after: None,
            give_up_after: None,
        }
    }
}

/// What a session tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The account's next report.
    Report {
        report: v1::ExecutionReport,
        /// The number of this session's entry that this is the first report of; a set of quotes that changes nothing has none.
        answers: Option<u64>,
    },
    /// An entry was not done: nothing was sequenced under its number, and nothing will be.
    Refused(Refusal),
    /// The connection is gone; what was asked for `cancel_on_disconnect` happens now.
    Disconnected { why: String },
    /// It is back. What happened meanwhile follows.
    Reconnected(Reconnected),
}

/// An entry that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub number: u64,
    pub client_order_id: String,
    pub cause: Cause,
}

/// Why an entry was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The exchange could not take it: the field at fault, empty when it is none, and what is wrong with it.
    Misshapen { field: String, description: String },
    /// It was too old to be sent, or sent again.
    Stale,
    /// The exchange passed over it, and its word on that went down with a connection: ask again, and hear why. Or the session
    /// was over before it was taken.
    Unheard,
    /// Only of quotes: there is no report of them. They changed nothing, or it is as `Unheard`: quote again to be sure.
    Unreported,
}

/// A connection that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnected {
    /// For how long there was none.
    pub after: Duration,
    /// Entries that are sent again.
    pub sent_again: usize,
    /// Whether nothing is missing: always so of a session; of drop copy, not if it began with new reports only and none had come.
    pub is_gapless: bool,
}

/// A session: two halves, which may be moved to two tasks. Without its `events` it ends.
pub struct Session {
    pub entries: Entries,
    pub events: Events,
}

/// The half of a session that asks.
pub struct Entries {
    asks: mpsc::Sender<Ask>,
    next: u64,
    session_id: u32,
    heartbeat: Duration,
}

/// The half of a session that tells.
pub struct Events {
    told: mpsc::Receiver<Result<Vec<Event>, Error>>,
    ready: std::vec::IntoIter<Event>,
}

enum Ask {
    Entries(Vec<v1::TradeEntry>, Instant),
    LogOff,
}

impl Session {
    pub(super) async fn log_on(link: Link, options: SessionOptions) -> Result<Session, Error> {
        let (asks, asked) = mpsc::channel(WAITING);
        let (tells, told) = mpsc::channel(WAITING);
        let (session_id, next, heartbeat) = Keeper::start(link, options, asked, tells).await?;
        let entries = Entries { asks, next, session_id, heartbeat };
        Ok(Session { entries, events: Events { told, ready: Vec::new().into_iter() } })
    }
}

impl Entries {
    /// The session's id, as reports name it.
    pub fn session_id(&self) -> u32 {
        self.session_id
    }

    /// The exchange says something at least so often, in sessions and subscriptions, as it was when this one began.
    pub fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// The number that the next entry gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Asks for many things at once, each under a client order id or none; their numbers. Waits where too much is unanswered.
    ///
    /// # Errors
    /// [`Error::Ended`] when the session is over; its events say why.
    pub async fn send(
        &mut self,
        requests: impl IntoIterator<Item = (String, Request)>,
    ) -> Result<Range<u64>, Error> {
        let over = || Error::Ended("its events say why".into());
        // A number is given once there is room, so that none is passed over by who does not wait.
        let room = self.asks.reserve().await.map_err(|_| over())?;
        let first = self.next;
        let entries = requests.into_iter().zip(first..).map(|((client_order_id, request), number)| {
            v1::TradeEntry { number, client_order_id, request: Some(request) }
        });
        let entries: Vec<_> = entries.collect();
        self.next += entries.len() as u64;
        if !entries.is_empty() {
            room.send(Ask::Entries(entries, Instant::now()));
        }
        Ok(first..self.next)
    }

    async fn one(&mut self, client_order_id: &str, request: Request) -> Result<u64, Error> {
        Ok(self.send([(client_order_id.to_owned(), request)]).await?.start)
    }

    /// Places an order under a client order id, which may be empty; the entry's number.
    ///
    /// # Errors
    /// As [`Entries::send`], and so for all below.
    pub async fn place(&mut self, client_order_id: &str, order: v1::NewOrder) -> Result<u64, Error> {
        self.one(client_order_id, Request::Place(order)).await
    }

    /// Cancels an order, by the exchange's id or the client's.
    pub async fn cancel(&mut self, order: impl Into<v1::OrderName>) -> Result<u64, Error> {
        self.one("", Request::Cancel(order.into())).await
    }

    /// Changes price, quantity or trigger.
    pub async fn amend(&mut self, amendment: v1::Amendment) -> Result<u64, Error> {
        self.one("", Request::Amend(amendment)).await
    }

    /// Takes lots off an order, which keeps its place.
    pub async fn reduce(&mut self, order: impl Into<v1::OrderName>, by_quantity: i64) -> Result<u64, Error> {
        self.one("", Request::Reduce(v1::Reduction { order: Some(order.into()), by_quantity })).await
    }

    /// Cancels all orders within a scope; the default scope is the account.
    pub async fn mass_cancel(&mut self, scope: v1::MassCancelScope) -> Result<u64, Error> {
        self.one("", Request::MassCancel(scope)).await
    }

    /// Replaces the account's quotes on the instruments that are named.
    pub async fn quote(&mut self, quotes: v1::QuoteSet) -> Result<u64, Error> {
        self.one("", Request::Quote(quotes)).await
    }

    /// Ends the session once everything is answered; its last events can still be read, and then come to an end.
    ///
    /// # Errors
    /// [`Error::Ended`] when it is over already.
    pub async fn log_off(&mut self) -> Result<(), Error> {
        self.asks.send(Ask::LogOff).await.map_err(|_| Error::Ended("its events say why".into()))
    }
}

impl Events {
    /// The next event; `None` after a log-off. What is left when this is dropped while it waits is not lost.
    ///
    /// # Errors
    /// What has ended the session; then nothing more comes.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.ready.next() {
                return Ok(Some(event));
            }
            match self.told.recv().await {
                Some(told) => self.ready = told?.into_iter(),
                None => return Ok(None),
            }
        }
    }

    /// The next event that is here already.
    ///
    /// # Errors
    /// What has ended the session; then nothing more comes.
    pub fn ready(&mut self) -> Result<Option<Event>, Error> {
        if self.ready.len() == 0
            && let Ok(told) = self.told.try_recv()
        {
            self.ready = told?.into_iter();
        }
        Ok(self.ready.next())
    }
}
