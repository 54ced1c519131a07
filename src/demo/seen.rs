//! What the demo sees of its exchange as it is published: figures for the screen and the summary, and how many reports
//! each account has, so that whoever plays in turn can wait until it has heard all of them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hourbook_model::{AccountId, Event, InstrumentId, Money, ReportKind, Symbol, Trade};
use hourbook_sequencer::{Batch, Subscriber};

/// Trades that are kept to be shown.
const LAST: usize = 8;

/// Shared by the publishing thread, which writes, and the demo, which reads.
#[derive(Default)]
pub struct Seen(Mutex<Figures>, Mutex<News>);

/// What has changed since it was asked for last.
#[derive(Default)]
pub struct News {
    pub books: BTreeSet<InstrumentId>,
    /// Something trades that did not, or the other way.
    pub statuses: bool,
}

#[derive(Clone, Default)]
pub struct Figures {
    /// Of the last command.
    pub seq: u64,
    /// Orders that were accepted, sides of quotes among them, and orders that were refused.
    pub orders: u64,
    pub rejected: u64,
    pub trades: u64,
    pub auctions: u64,
    /// Unit-hours traded, by class, and what was paid for all of them.
    pub volume: BTreeMap<String, i64>,
    pub turnover: Money,
    /// The youngest first.
    pub last: VecDeque<(Symbol, Trade)>,
    symbols: BTreeMap<InstrumentId, Symbol>,
    reports: BTreeMap<AccountId, u64>,
}

impl Seen {
    /// Who is to be shown every batch, before anybody else hears of it.
    pub fn witness(self: &Arc<Seen>) -> Box<dyn Subscriber> {
        Box::new(Witness(Arc::clone(self)))
    }

    /// The number of an account's last report.
    pub fn reports_of(&self, account: u32) -> u64 {
        self.figures().reports.get(&AccountId(account)).copied().unwrap_or(0)
    }

    /// What has changed since the last call.
    pub fn take_news(&self) -> News {
        std::mem::take(&mut self.news())
    }

    fn news(&self) -> MutexGuard<'_, News> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Witness(Arc<Seen>);

impl Subscriber for Witness {
    fn publish(&mut self, batch: &Arc<Batch>) {
        let (figures, news) = (&mut *self.0.figures(), &mut *self.0.news());
        for event in batch.events() {
            figures.saw(event);
            news.saw(event);
        }
        figures.seq = batch.last().map_or(figures.seq, |stamp| stamp.seq);
    }
}

impl News {
    fn saw(&mut self, event: &Event) {
        match event {
            Event::BookChanged(change) => _ = self.books.insert(change.instrument),
            Event::Traded(trade) => _ = self.books.insert(trade.instrument),
            Event::Listed { .. }
            | Event::StatusChanged { .. }
            | Event::Halted { .. }
            | Event::Resumed { .. } => self.statuses = true,
            _ => {}
        }
    }
}

impl Figures {
    fn saw(&mut self, event: &Event) {
        match event {
            Event::Listed { instrument, symbol, .. } => {
                self.symbols.insert(*instrument, symbol.clone());
            }
            Event::Reported(report) => {
                self.reports.insert(report.account, report.number);
                match report.kind {
                    ReportKind::Accepted => self.orders += 1,
                    ReportKind::Rejected(_) => self.rejected += 1,
                    _ => {}
                }
            }
            Event::Traded(trade) => self.saw_trade(trade),
            Event::Uncrossed { .. } => self.auctions += 1,
            _ => {}
        }
    }

    fn saw_trade(&mut self, trade: &Trade) {
        self.trades += 1;
        let Some(symbol) = self.symbols.get(&trade.instrument) else { return };
        let hours = symbol.period.hours;
        *self.volume.entry(symbol.product.class.clone()).or_default() += trade.quantity.0 * i64::from(hours);
        self.turnover += Money::of(trade.price, trade.quantity, hours).unwrap_or_default();
        self.last.truncate(LAST - 1);
        self.last.push_front((symbol.clone(), *trade));
    }
}
