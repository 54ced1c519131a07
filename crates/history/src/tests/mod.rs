//! Stories of one history, and random ones beside a naive oracle.

mod property;
mod stories;

use crate::{History, Print, Settings};
use hourbook_model::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Never commits on its own account, keeps all.
fn settings() -> Settings {
    Settings { keep: 0, ..Settings::default() }
}

fn open(directory: &Path) -> History {
    History::open(directory, settings()).expect("it opens")
}

/// What an exchange would tell, drawn from a seed, and everything it told: the oracle.
struct Teller {
    random: u64,
    at: Stamp,
    commands: Vec<(Stamp, Vec<Event>)>,
    reports: BTreeMap<AccountId, Vec<(Stamp, Report)>>,
    lines: BTreeMap<AccountId, Vec<(Stamp, LedgerLine)>>,
    prints: BTreeMap<InstrumentId, Vec<(Stamp, Print)>>,
    last_trade: u64,
}

impl Teller {
    fn new(seed: u64) -> Teller {
        Teller {
            random: seed | 1,
            at: Stamp { seq: 0, time: Time(1_795_000_000_000_000_000) },
            commands: Vec::new(),
            reports: BTreeMap::new(),
            lines: BTreeMap::new(),
            prints: BTreeMap::new(),
            last_trade: 0,
        }
    }

    fn below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) % end
    }

    /// Often one of a few, sometimes anything.
    fn value(&mut self) -> i64 {
        match self.below(8) {
            0 => 0,
            1 => i64::MAX - self.below(2) as i64,
            2 => i64::MIN + self.below(2) as i64,
            3 => self.random as i64,
            _ => self.below(4) as i64 * 10_000,
        }
    }

    fn name(&mut self) -> ClientId {
        let text = match self.below(5) {
            0 => String::new(),
            1 => format!("{:036}", self.below(10)),
            _ => format!("order-{}", self.below(40)),
        };
        ClientId::new(&text).expect("short and printable")
    }

    fn kind(&mut self) -> ReportKind {
        let quantity = Quantity(self.value());
        match self.below(12) {
            0 => ReportKind::Rejected(RejectReason::DuplicateClientId),
            1 => ReportKind::Rejected(RejectReason::InstrumentsExhausted),
            2 => ReportKind::Cancelled { quantity, reason: CancelReason::Amend },
            3 => ReportKind::Amended,
            4 => ReportKind::Reduced,
            5 => ReportKind::Triggered,
            6 => ReportKind::CancelRejected(RejectReason::UnknownOrder),
            7 => ReportKind::AmendRejected(RejectReason::Frozen),
            8 => ReportKind::MassCancelled,
            9 => ReportKind::MassCancelRejected(RejectReason::UnknownProduct),
            10 => ReportKind::Accepted,
            _ => ReportKind::Filled(Fill {
                trade: TradeId(self.below(1 << 40)),
                price: Price(self.value()),
                quantity,
                liquidity: [Liquidity::Maker, Liquidity::Taker, Liquidity::Auction][self.below(3) as usize],
                fee: Money(self.value()),
            }),
        }
    }

    fn report(&mut self, account: AccountId) -> Event {
        let kind = self.kind();
        let time_in_force = match self.below(6) {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Day,
            2 => TimeInForce::Gtd(Time(self.value())),
            3 => TimeInForce::Ioc,
            4 => TimeInForce::Fok,
            _ => TimeInForce::FokBudget(Money(self.value())),
        };
        let types = [OrderType::Limit, OrderType::Market, OrderType::Stop, OrderType::StopLimit];
        let report = Report {
            account,
            number: self.reports.get(&account).map_or(1, |told| told.len() as u64 + 1),
            kind,
            order: if matches!(kind, ReportKind::Rejected(_)) {
                OrderId::NONE
            } else {
                OrderId::new(self.below(1 << 20) as u32, self.below(1 << 30) as u32 + 1)
            },
            client_id: self.name(),
            session: SessionId(self.below(3) as u32),
            request: self.below(4),
            instrument: InstrumentId(self.below(3) as u32 * 1_000_000),
            side: if self.below(2) == 0 { Side::Buy } else { Side::Sell },
            order_type: types[self.below(4) as usize],
            time_in_force,
            price: Price(self.value()),
            trigger: Price(self.value()),
            quantity: Quantity(self.value()),
            cumulative: Quantity(self.value()),
            leaves: if self.below(2) == 0 { Quantity(0) } else { Quantity(self.value()) },
        };
        self.reports.entry(account).or_default().push((self.at, report));
        Event::Reported(report)
    }

    fn line(&mut self, account: AccountId) -> Event {
        let before = self.lines.get(&account).and_then(|told| told.last()).map(|(_, line)| *line);
        let kinds = [EntryKind::Deposit, EntryKind::Fill, EntryKind::Gate];
        let (cash, escrow) = (Money(self.value()), Money(self.value()));
        let follows = self.below(2) == 0;
        let mut after = |before: Option<Money>, moved: Money| match before {
            Some(before) if follows => Money(before.0.wrapping_add(moved.0)),
            _ => Money(self.value()),
        };
        let cash_after = after(before.map(|line| line.cash_after), cash);
        let escrow_after = after(before.map(|line| line.escrow_after), escrow);
        let line = LedgerLine {
            account,
            number: before.map_or(1, |line| line.number + 1),
            entry: self.at.seq,
            kind: kinds[self.at.seq as usize % 3],
            currency: CurrencyId((self.at.seq % 2) as u16),
            cash,
            escrow,
            cash_after,
            escrow_after,
            fee: Money(self.value()),
            instrument: InstrumentId(self.below(3) as u32),
            trade: TradeId(self.below(3)),
        };
        self.lines.entry(account).or_default().push((self.at, line));
        Event::Posted(line)
    }

    fn trade(&mut self) -> Event {
        self.last_trade += 1 + self.below(3);
        let trade = Trade {
            id: TradeId(self.last_trade),
            instrument: InstrumentId(self.below(3) as u32 * 1_000_000),
            price: Price(self.value()),
            quantity: Quantity(self.value()),
            taker_side: if self.below(2) == 0 { Side::Buy } else { Side::Sell },
            maker: OrderId::new(1, 1),
            taker: OrderId::new(2, 1),
        };
        self.prints.entry(trade.instrument).or_default().push((self.at, Print::of(&trade)));
        Event::Traded(trade)
    }

    /// One more command, about one account.
    fn command(&mut self, account: AccountId) {
        self.at.seq += 1;
        self.at.time.0 += self.below(1_000_000) as i64;
        let mut events = vec![Event::Killed { account }];
        for _ in 0..self.below(4) {
            events.push(match self.below(5) {
                0 => self.line(account),
                1 => self.trade(),
                _ => self.report(account),
            });
        }
        self.commands.push((self.at, events));
    }

    /// Shows everything after command `seq`.
    fn show_after(&self, seq: u64, history: &History) {
        let commands = self.commands.iter().filter(|(at, _)| at.seq > seq);
        history.record(commands.map(|(at, events)| (*at, events.as_slice())));
    }

    fn reports_of(&self, account: AccountId) -> &[(Stamp, Report)] {
        self.reports.get(&account).map_or(&[], Vec::as_slice)
    }

    fn lines_of(&self, account: AccountId) -> &[(Stamp, LedgerLine)] {
        self.lines.get(&account).map_or(&[], Vec::as_slice)
    }

    fn prints_of(&self, instrument: InstrumentId) -> &[(Stamp, Print)] {
        self.prints.get(&instrument).map_or(&[], Vec::as_slice)
    }

    /// The account's orders that are over, newest first.
    fn closed(&self, account: AccountId) -> impl Iterator<Item = (Stamp, Report)> {
        self.reports_of(account).iter().rev().copied().filter(|(_, report)| match report.kind {
            ReportKind::Filled(_) | ReportKind::Cancelled { .. } => report.leaves.0 == 0,
            ReportKind::Rejected(_) => true,
            _ => false,
        })
    }

    fn fills(&self, account: AccountId) -> impl Iterator<Item = (Stamp, Report)> {
        self.reports_of(account)
            .iter()
            .copied()
            .filter(|(_, report)| matches!(report.kind, ReportKind::Filled(_)))
    }
}
