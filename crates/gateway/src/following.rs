//! An account's reports from a number on: what is kept in history first, then what is published.
//!
//! Always true: numbers come in order and without a gap, from the first that was asked for.

use crate::hub::{Numbered, Outbox, Reports};
use crate::{Inside, status};
use hourbook_history::Error;
use hourbook_model::AccountId;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use tonic::Status;

/// Reports in one message.
const PAGE: usize = 1_000;
/// How long history may be behind what is published.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);

/// Gives an account's reports, page by page.
pub(crate) struct Following {
    inside: Arc<Inside>,
    account: AccountId,
    outbox: Arc<Outbox<Reports>>,
    /// The number to give next.
    next: u64,
    /// The first number that comes through the outbox; `None` while history has far to go.
    live_from: Option<u64>,
    ready: VecDeque<Page>,
}

/// Up to a thousand reports, in order.
pub(crate) struct Page(Source, Range<usize>);

enum Source {
    Stored(Vec<Numbered>),
    Live(Reports),
}

impl Page {
    pub fn reports(&self) -> &[Numbered] {
        let all: &[Numbered] = match &self.0 {
            Source::Stored(reports) => reports,
            Source::Live(reports) => reports,
        };
        &all[self.1.clone()]
    }
}

impl Following {
    /// Follows from `from` on; 0 begins with what is not published yet.
    ///
    /// # Errors
    /// OUT_OF_RANGE for a number that is kept no more, or not given yet.
    pub async fn begin(inside: &Arc<Inside>, account: AccountId, from: u64) -> Result<Following, Status> {
        let mut following = Following {
            inside: Arc::clone(inside),
            account,
            outbox: Outbox::new(),
            next: from,
            live_from: None,
            ready: VecDeque::new(),
        };
        if from == 0 {
            following.go_live();
            following.next = following.live_from.expect("set just now");
        } else if from > inside.hub.next_number(account) {
            return Err(status::not_given_yet(inside.hub.next_number(account)));
        } else {
            // Whether the beginning is still kept is told before anything else.
            following.read_back().await?;
        }
        Ok(following)
    }

    /// The number that the next page begins with.
    pub fn next_number(&self) -> u64 {
        self.ready.front().and_then(|page| page.reports().first()).map_or(self.next, |first| first.1.number)
    }

    /// Where live reports wait; it runs over when nobody takes them.
    pub fn outbox(&self) -> Arc<Outbox<Reports>> {
        Arc::clone(&self.outbox)
    }

    /// The next page, once there is one. What is left when this is dropped while it waits is not lost.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the reader fell behind, UNAVAILABLE when history is too far behind.
    pub async fn next(&mut self) -> Result<Page, Status> {
        loop {
            if let Some(page) = self.ready.pop_front() {
                return Ok(page);
            }
            match self.live_from {
                Some(first) if self.next >= first => {
                    let page = self.outbox.next().await.map_err(|_| status::too_slow())?;
                    self.keep(Source::Live(page));
                }
                _ => self.read_back().await?,
            }
        }
    }

    /// The next page, if there is one now.
    pub fn ready(&mut self) -> Option<Result<Page, Status>> {
        use futures::FutureExt;
        self.next().now_or_never()
    }

    fn go_live(&mut self) {
        self.live_from = Some(self.inside.hub.follow(self.account, &self.outbox));
    }

    /// Takes a page out of history; where that is the last, goes live.
    async fn read_back(&mut self) -> Result<(), Status> {
        let mut waited = Duration::ZERO;
        loop {
            let (history, account, from) = (self.inside.history.clone(), self.account, self.next);
            let read = tokio::task::spawn_blocking(move || history.reports(account, from, PAGE)).await;
            let reports = match read {
                Ok(Ok(reports)) => reports,
                Ok(Err(Error::BeforeFirst { first })) => return Err(status::out_of_range(first)),
                Ok(Err(error)) => return Err(status::fault(&error.to_string())),
                Err(error) => return Err(status::fault(&error.to_string())),
            };
            if reports.len() < PAGE && self.live_from.is_none() {
                self.go_live();
            }
            if !reports.is_empty() {
                self.keep(Source::Stored(reports));
                return Ok(());
            }
            if self.live_from.is_some_and(|first| self.next >= first) {
                return Ok(());
            }
            // Published, but not yet written down.
            if waited >= PATIENCE {
                return Err(status::history_behind());
            }
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
        }
    }

    /// Keeps what is new of a page, in pieces that fit a message.
    fn keep(&mut self, source: Source) {
        let whole = Page(source, 0..0);
        let all = match &whole.0 {
            Source::Stored(reports) => &reports[..],
            Source::Live(reports) => &reports[..],
        };
        let new = all.partition_point(|(_, report)| report.number < self.next);
        let Some((_, first)) = all.get(new) else { return };
        assert_eq!(first.number, self.next, "numbers come without a gap");
        let end = all.len();
        self.next = all[end - 1].1.number + 1;
        match whole.0 {
            Source::Live(reports) => {
                for from in (new..end).step_by(PAGE) {
                    let piece = from..end.min(from + PAGE);
                    self.ready.push_back(Page(Source::Live(Arc::clone(&reports)), piece));
                }
            }
            // History gives no more than a page.
            Source::Stored(reports) => self.ready.push_back(Page(Source::Stored(reports), new..end)),
        }
    }
}
