//! Fans out what is published: an account's reports to whoever follows it, changes of status to whoever watches.
//!
//! Always true: what a follower receives has every number of its account from the one it was told, in order; or
//! its outbox has run over, was emptied, and receives nothing more. One copy of a batch's reports serves all
//! followers of an account.

use hourbook_exchange::Exchange;
use hourbook_feed::Halts;
use hourbook_model::{AccountId, InstrumentId, ProductId, Report, Scope, Stamp, Status};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// A report, and the command that caused it.
pub(crate) type Numbered = (Stamp, Report);

/// Reports of one account that one batch caused, in order of their numbers.
pub(crate) type Reports = Arc<Vec<Numbered>>;

/// How an instrument trades has changed, or that of all in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatusNews {
    Of { seq: u64, instrument: InstrumentId, status: Status },
    Within(Scope),
}

/// What one reader may leave lying, in reports or changes: about 12 MiB of reports.
pub(crate) const OUTBOX: usize = 65_536;

/// Who follows what.
pub(crate) struct Hub(Mutex<State>);

struct State {
    /// By the account's number.
    accounts: Vec<Account>,
    watchers: Vec<Arc<Outbox<Arc<[StatusNews]>>>>,
    halts: Halts,
    /// Accounts of which the batch at hand has told something, and what it has told of statuses.
    touched: Vec<AccountId>,
    news: Vec<StatusNews>,
}

#[derive(Default)]
struct Account {
    /// The number last published.
    last: u64,
    followers: Vec<Arc<Outbox<Reports>>>,
    /// Of the batch at hand, and about how many a batch has.
    reports: Vec<Numbered>,
    usual: usize,
}

impl Hub {
    /// Follows on from the exchange as it was recovered.
    pub fn of(exchange: &Exchange) -> Hub {
        let mut state = State {
            accounts: Vec::new(),
            watchers: Vec::new(),
            halts: Halts::of(exchange),
            touched: Vec::new(),
            news: Vec::new(),
        };
        for account in exchange.accounts() {
            state.account(account.id).last = account.last_numbers().0;
        }
        Hub(Mutex::new(state))
    }

    /// Puts what is published of an account from now on into `outbox`; the number that comes first.
    pub fn follow(&self, account: AccountId, outbox: &Arc<Outbox<Reports>>) -> u64 {
        let mut state = self.state();
        let account = state.account(account);
        add(&mut account.followers, outbox);
        account.last + 1
    }

    /// The number that an account's next report will have.
    pub fn next_number(&self, account: AccountId) -> u64 {
        self.state().account(account).last + 1
    }

    /// Puts every change of a status from now on into `outbox`.
    pub fn watch(&self, outbox: &Arc<Outbox<Arc<[StatusNews]>>>) {
        add(&mut self.state().watchers, outbox);
    }

    /// Begins to tell of one batch; whoever follows is given it when what is returned goes.
    pub fn tell(&self) -> Telling<'_> {
        Telling(self.state())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves lists that are whole: nothing here is half done between two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a reader. Those that have left are forgotten before room is made for more, so that there is never room for more
/// than twice as many as have read at once, though nothing be told for ever.
fn add<T>(readers: &mut Vec<Arc<Outbox<T>>>, reader: &Arc<Outbox<T>>) {
    if readers.len() == readers.capacity() {
        readers.retain(|reader| Arc::strong_count(reader) > 1);
    }
    readers.push(Arc::clone(reader));
}

impl State {
    fn account(&mut self, id: AccountId) -> &mut Account {
        let index = id.0 as usize;
        if self.accounts.len() <= index {
            self.accounts.resize_with(index + 1, Account::default);
        }
        &mut self.accounts[index]
    }
}

/// One batch on its way to those who follow.
pub(crate) struct Telling<'a>(MutexGuard<'a, State>);

impl Telling<'_> {
    pub fn report(&mut self, stamp: Stamp, report: &Report) {
        let account = self.0.account(report.account);
        account.last = report.number;
        if account.followers.is_empty() {
            return;
        }
        let first = account.reports.is_empty();
        if first {
            account.reports.reserve(account.usual);
        }
        account.reports.push((stamp, *report));
        if first {
            self.0.touched.push(report.account);
        }
    }

    /// A scope is halted as a whole, or no more. A single instrument's halt is announced as its change of status.
    pub fn halt(&mut self, scope: Scope, halted: bool) {
        if self.0.halts.set(scope, halted) {
            self.status(StatusNews::Within(scope));
        }
    }

    /// An instrument is listed: halted, where its product or the market is.
    pub fn listed(&mut self, seq: u64, instrument: InstrumentId, product: ProductId) {
        let status = self.0.halts.status_of_new(product);
        self.status(StatusNews::Of { seq, instrument, status });
    }

    pub fn status(&mut self, news: StatusNews) {
        if !self.0.watchers.is_empty() {
            self.0.news.push(news);
        }
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        let state = &mut *self.0;
        for id in state.touched.drain(..) {
            let account = &mut state.accounts[id.0 as usize];
            let reports: Reports = Arc::new(std::mem::take(&mut account.reports));
            let count = reports.len();
            account.usual = count;
            account.followers.retain(|outbox| outbox.put(&reports, count));
        }
        if !state.news.is_empty() {
            let news: Arc<[StatusNews]> = state.news.as_slice().into();
            state.news.clear();
            state.watchers.retain(|outbox| outbox.put(&news, news.len()));
        }
    }
}

/// What waits for one reader, bounded: a reader that falls behind loses its place, never the exchange its pace.
pub(crate) struct Outbox<T>(Mutex<Waiting<T>>);

struct Waiting<T> {
    pages: VecDeque<(T, usize)>,
    /// Pages that its reader has asked for.
    laid: usize,
    /// Items in all other pages, and how many there may be.
    items: usize,
    most: usize,
    overrun: bool,
    reader: Option<Waker>,
}

/// Why an outbox gives nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overrun;

impl<T: Clone> Outbox<T> {
    pub fn new() -> Arc<Outbox<T>> {
        Outbox::of(OUTBOX)
    }

    /// One that runs over beyond so many items, whatever is counted as one.
    pub fn of(most: usize) -> Arc<Outbox<T>> {
        let waiting =
            Waiting { pages: VecDeque::new(), laid: 0, items: 0, most, overrun: false, reader: None };
        Arc::new(Outbox(Mutex::new(waiting)))
    }

    /// Puts a page of so many items in, one at least; `false` when nobody will read it.
    pub fn put(self: &Arc<Self>, page: &T, items: usize) -> bool {
        if Arc::strong_count(self) == 1 {
            return false;
        }
        let mut waiting = self.waiting();
        // One page is taken whatever its size, so that the bound never shuts out who keeps up.
        waiting.overrun |= waiting.items > 0 && waiting.items + items > waiting.most;
        if waiting.overrun {
            waiting.pages = VecDeque::new();
            (waiting.items, waiting.laid) = (0, 0);
        } else {
            waiting.pages.push_back((page.clone(), items));
            waiting.items += items;
        }
        let (goes_on, reader) = (!waiting.overrun, waiting.reader.take());
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
        goes_on
    }

    /// Lays a page in that its reader has asked for: it counts for nothing, as there are no more of them than the reader
    /// takes.
    pub fn lay(&self, page: T) {
        let mut waiting = self.waiting();
        if !waiting.overrun {
            waiting.pages.push_back((page, 0));
            waiting.laid += 1;
        }
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whether a page lies there that its reader has asked for.
    pub fn has_laid(&self) -> bool {
        self.waiting().laid > 0
    }

    /// The next page, when there is one.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Result<T, Overrun>> {
        let mut waiting = self.waiting();
        if let Some((page, items)) = waiting.pages.pop_front() {
            waiting.items -= items;
            waiting.laid -= usize::from(items == 0);
            return Poll::Ready(Ok(page));
        }
        if waiting.overrun {
            return Poll::Ready(Err(Overrun));
        }
        waiting.reader = Some(context.waker().clone());
        Poll::Pending
    }

    /// Waits for the next page.
    pub async fn next(&self) -> Result<T, Overrun> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.pages.is_empty() && !waiting.overrun
    }

    /// Nothing more comes: its reader is told that it has run over.
    pub fn run_over(&self) {
        let mut waiting = self.waiting();
        waiting.overrun = true;
        waiting.pages = VecDeque::new();
        (waiting.items, waiting.laid) = (0, 0);
        let reader = waiting.reader.take();
        drop(waiting);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    pub fn is_overrun(&self) -> bool {
        self.waiting().overrun
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::report;
    use futures::FutureExt;
    use hourbook_model::*;

    fn tell(hub: &Hub, reports: impl IntoIterator<Item = (u32, u64)>) {
        let mut telling = hub.tell();
        for (account, number) in reports {
            telling.report(Stamp { seq: number, time: Time(0) }, &report(account, number));
        }
    }

    fn numbers(outbox: &Outbox<Reports>) -> Vec<u64> {
        let mut found = Vec::new();
        while let Some(Ok(page)) = outbox.next().now_or_never() {
            found.extend(page.iter().map(|(_, report)| report.number));
        }
        found
    }

    #[test]
    fn a_follower_is_told_of_its_own_account_from_the_number_it_was_given() {
        let hub = Hub::of(&Exchange::new());
        tell(&hub, [(1, 1), (2, 1), (1, 2)]);
        let outbox = Outbox::new();
        assert_eq!(hub.follow(AccountId(1), &outbox), 3);
        tell(&hub, [(1, 3), (2, 2)]);
        tell(&hub, [(2, 3)]);
        tell(&hub, [(1, 4), (1, 5)]);
        assert_eq!(numbers(&outbox), [3, 4, 5]);
    }

    #[test]
    fn who_reads_nothing_runs_over_and_holds_no_memory_while_the_others_go_on() {
        let hub = Hub::of(&Exchange::new());
        let (idle, busy) = (Outbox::new(), Outbox::new());
        hub.follow(AccountId(1), &idle);
        hub.follow(AccountId(1), &busy);
        let mut seen = 0;
        for page in 0..=OUTBOX as u64 / 1_000 {
            tell(&hub, (1..=1_000).map(|number| (1, page * 1_000 + number)));
            seen += numbers(&busy).len();
        }
        assert_eq!(seen, OUTBOX / 1_000 * 1_000 + 1_000);
        assert!(idle.is_overrun() && !busy.is_overrun());
        assert!(idle.waiting().pages.is_empty());
        assert_eq!(idle.next().now_or_never(), Some(Err(Overrun)));
    }

    #[test]
    fn what_is_listed_in_a_halt_is_halted() {
        let hub = Hub::of(&Exchange::new());
        let outbox = Outbox::new();
        hub.watch(&outbox);
        let (one, other, market) = (ProductId(1), ProductId(2), Scope::Market);
        let mut telling = hub.tell();
        telling.halt(Scope::Product(one), true);
        telling.listed(1, InstrumentId(1), one);
        telling.listed(1, InstrumentId(2), other);
        telling.halt(market, true);
        telling.listed(2, InstrumentId(3), other);
        telling.halt(market, false);
        telling.listed(3, InstrumentId(4), other);
        telling.listed(3, InstrumentId(5), one);
        drop(telling);
        let told = outbox.next().now_or_never().unwrap().unwrap();
        let listed = told.iter().filter_map(|news| match news {
            StatusNews::Of { instrument, status, .. } => Some((instrument.0, *status)),
            StatusNews::Within(_) => None,
        });
        let (halted, trades) = (Status::Halted, Status::Continuous);
        assert_eq!(
            listed.collect::<Vec<_>>(),
            [(1, halted), (2, trades), (3, halted), (4, trades), (5, halted)]
        );
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let hub = Hub::of(&Exchange::new());
        hub.follow(AccountId(1), &Outbox::new());
        tell(&hub, [(1, 1)]);
        assert!(hub.state().accounts[1].followers.is_empty());
    }

    #[test]
    fn whoever_comes_and_goes_leaves_nothing_behind_though_nothing_is_told() {
        let hub = Hub::of(&Exchange::new());
        let (stays, watches) = (Outbox::new(), Outbox::new());
        hub.follow(AccountId(1), &stays);
        hub.watch(&watches);
        for _ in 0..10_000 {
            hub.follow(AccountId(1), &Outbox::new());
            hub.watch(&Outbox::new());
        }
        let state = hub.state();
        assert!(state.accounts[1].followers.len() < 10, "{}", state.accounts[1].followers.len());
        assert!(state.watchers.len() < 10, "{}", state.watchers.len());
        drop(state);
        tell(&hub, [(1, 1)]);
        assert_eq!(numbers(&stays), [1], "who stays is told");
    }
}
