//! An account's reports from a number on: what is kept in history first, then what is published.
//!
//! Always true: numbers come in order and without a gap, from the first that was asked for; where one is missing, that
//! is said, and where to go on.

use crate::door::Caller;
use crate::hub::{Numbered, Outbox, Reports};
use crate::{Inside, status};
use hourbook_history::Error;
use hourbook_model::AccountId;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tonic::Status;

/// Reports in one message.
const PAGE: usize = 1_000;
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
    /// A page of history on its way. Whoever waits for it may look elsewhere meanwhile; it comes all the same.
    reading: Option<JoinHandle<Result<Vec<Numbered>, Error>>>,
    /// Since when history has not had the next number.
    behind_since: Option<Instant>,
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
    /// OUT_OF_RANGE for a number that is kept no more, or not given yet; RESOURCE_EXHAUSTED when the caller has looked
    /// at too much.
    pub async fn begin(
        inside: &Arc<Inside>,
        caller: &Caller,
        account: AccountId,
        from: u64,
    ) -> Result<Following, Status> {
        let mut following = Following {
            inside: Arc::clone(inside),
            account,
            outbox: Outbox::new(),
            next: from,
            live_from: None,
            ready: VecDeque::new(),
            reading: None,
            behind_since: None,
        };
        if from == 0 {
            following.go_live();
            following.next = following.live_from.expect("set just now");
        } else if from > inside.hub.next_number(account) {
            return Err(status::not_given_yet(inside.hub.next_number(account)));
        } else {
            inside.door.pay(caller, PAGE).map_err(status::too_many_looks)?;
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
    /// RESOURCE_EXHAUSTED when the reader fell behind, UNAVAILABLE when history is too far behind, OUT_OF_RANGE where
    /// history has a gap.
    pub async fn next(&mut self) -> Result<Page, Status> {
        loop {
            if let Some(page) = self.ready.pop_front() {
                return Ok(page);
            }
            match self.live_from {
                Some(first) if self.next >= first => {
                    let page = self.outbox.next().await.map_err(|_| status::too_slow())?;
                    self.keep(Source::Live(page))?;
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
        loop {
            let (history, account, from) = (self.inside.history.clone(), self.account, self.next);
            let reading = self.reading.get_or_insert_with(|| {
                tokio::task::spawn_blocking(move || history.reports(account, from, PAGE))
            });
            let read = reading.await;
            self.reading = None;
            let reports = read
                .map_err(|_| status::fault("a question to history panicked"))?
                .map_err(status::of_history)?;
            if reports.len() < PAGE && self.live_from.is_none() {
                self.go_live();
            }
            if !reports.is_empty() {
                self.behind_since = None;
                return self.keep(Source::Stored(reports));
            }
            if self.live_from.is_some_and(|first| self.next >= first) {
                return Ok(());
            }
            // Published, but not yet written down.
            if self.behind_since.get_or_insert_with(Instant::now).elapsed() >= self.inside.patience.history {
                return Err(status::history_behind());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Keeps what is new of a page, in pieces that fit a message.
    ///
    /// # Errors
    /// OUT_OF_RANGE when the next number is not there, though later ones are.
    fn keep(&mut self, source: Source) -> Result<(), Status> {
        let whole = Page(source, 0..0);
        let all = match &whole.0 {
            Source::Stored(reports) => &reports[..],
            Source::Live(reports) => &reports[..],
        };
        let new = all.partition_point(|(_, report)| report.number < self.next);
        let Some((_, first)) = all.get(new) else { return Ok(()) };
        if first.number != self.next {
            return Err(status::out_of_range(first.number));
        }
        // Up to the first gap, which the next page begins with.
        let follow = |end: &usize| all[*end].1.number == self.next + (end - new) as u64;
        let end = (new..all.len()).take_while(follow).last().map_or(new, |last| last + 1);
        self.next += (end - new) as u64;
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
        Ok(())
    }
}
