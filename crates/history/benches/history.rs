//! Nanoseconds an event to record, commits included: few busy accounts, and 10,000 in turn; then what questions cost.
//!
//! The mix of exchange-core: 9 % new orders, 3 % IOC that trade, 6 % cancels, 82 % amendments, with names of 12
//! characters. Under `cargo bench` in full, one JSON line a case; under `cargo test` small, to see that it runs. The
//! directory is on the disk of the target directory.

use hourbook_history::{History, Settings};
use hourbook_model::*;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)) * u128::from(end)) >> 64) as u64
    }
}

/// Commands of accounts in turn, with their events.
struct Mix {
    random: Random,
    accounts: u32,
    turn: u32,
    at: Stamp,
    trades: u64,
    reports: Vec<u64>,
    lines: Vec<u64>,
}

impl Mix {
    fn new(accounts: u32) -> Mix {
        Mix {
            random: Random(0x9e37_79b9_7f4a_7c15),
            accounts,
            turn: 0,
            at: Stamp { seq: 0, time: Time(1_795_000_000_000_000_000) },
            trades: 0,
            reports: vec![0; accounts as usize + 1],
            lines: vec![0; accounts as usize + 1],
        }
    }

    fn next_account(&mut self) -> AccountId {
        self.turn = self.turn % self.accounts + 1;
        AccountId(self.turn)
    }

    fn report(&mut self, account: AccountId, kind: ReportKind, order: u64, leaves: i64) -> Event {
        let number = &mut self.reports[account.0 as usize];
        *number += 1;
        let side = if order & 1 == 0 { Side::Buy } else { Side::Sell };
        let distance = self.random.below(500) as i64;
        Event::Reported(Report {
            account,
            number: *number,
            kind,
            order: OrderId::new(order as u32, 1 + (self.at.seq >> 16) as u32),
            client_id: ClientId::new(&format!("mm{:010}", self.at.seq + 1_000 - order)).expect("a name"),
            session: SessionId(account.0),
            request: self.at.seq,
            instrument: InstrumentId(17),
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            price: Price(2_000_000 + if side == Side::Buy { -distance } else { distance } * 100),
            trigger: Price(0),
            quantity: Quantity(10),
            cumulative: Quantity(0),
            leaves: Quantity(leaves),
        })
    }

    fn line(&mut self, account: AccountId) -> Event {
        let number = &mut self.lines[account.0 as usize];
        *number += 1;
        Event::Posted(LedgerLine {
            account,
            number: *number,
            entry: self.trades,
            kind: EntryKind::Fill,
            currency: CurrencyId(0),
            cash: Money(-20_004_000),
            escrow: Money(20_000_000),
            cash_after: Money(1_000_000_000_000 - 20_004_000 * *number as i64),
            escrow_after: Money(20_000_000 * *number as i64),
            fee: Money(4_000),
            instrument: InstrumentId(17),
            trade: TradeId(self.trades),
        })
    }

    fn command(&mut self, events: &mut Vec<Event>) -> Stamp {
        self.at.seq += 1;
        self.at.time.0 += 400 + self.random.below(200) as i64;
        let account = self.next_account();
        let order = self.random.below(1_000);
        let fill = |trades| {
            ReportKind::Filled(Fill {
                trade: TradeId(trades),
                price: Price(2_000_000),
                quantity: Quantity(10),
                liquidity: Liquidity::Taker,
                fee: Money(4_000),
            })
        };
        let event = match self.random.below(100) {
            0..9 => self.report(account, ReportKind::Accepted, order, 10),
            9..12 => {
                self.trades += 1;
                let maker = self.next_account();
                let accepted = self.report(account, ReportKind::Accepted, order, 10);
                let line = self.line(account);
                events.extend([accepted, line]);
                let filled = self.report(maker, fill(self.trades), order + 1, 0);
                events.push(filled);
                self.report(account, fill(self.trades), order, 0)
            }
            12..18 => {
                let reason = CancelReason::User;
                self.report(account, ReportKind::Cancelled { quantity: Quantity(10), reason }, order, 0)
            }
            _ => self.report(account, ReportKind::Amended, order, 10),
        };
        events.push(event);
        self.at
    }
}

/// A batch as it is published.
struct Batch {
    events: Vec<Event>,
    commands: Vec<(Stamp, usize)>,
}

impl Batch {
    fn draw(mix: &mut Mix, commands: usize) -> Batch {
        let mut batch = Batch { events: Vec::new(), commands: Vec::new() };
        for _ in 0..commands {
            let at = mix.command(&mut batch.events);
            batch.commands.push((at, batch.events.len()));
        }
        batch
    }

    fn iter(&self) -> impl Iterator<Item = (Stamp, &[Event])> {
        let starts = std::iter::once(0).chain(self.commands.iter().map(|(_, end)| *end));
        self.commands.iter().zip(starts).map(|((at, end), start)| (*at, &self.events[start..*end]))
    }
}

fn measure(case: &str, directory: &Path, accounts: u32, batches: usize) -> History {
    let mut mix = Mix::new(accounts);
    let history = History::open(directory, Settings::default()).expect("it opens");
    let (mut recording, mut committing) = (Duration::ZERO, Duration::ZERO);
    let (mut events, mut commits, mut slowest) = (0, 0, Duration::ZERO);
    let mut each: Vec<f64> = Vec::with_capacity(batches);
    for _ in 0..batches {
        let batch = Batch::draw(&mut mix, 512);
        let begun = Instant::now();
        history.record(batch.iter());
        let took = begun.elapsed();
        recording += took;
        events += batch.events.len();
        each.push(took.as_nanos() as f64 / batch.events.len() as f64);
        if history.commit_due_in().is_zero() {
            let begun = Instant::now();
            history.commit().expect("the disk is well");
            committing += begun.elapsed();
            slowest = slowest.max(begun.elapsed());
            commits += 1;
        }
    }
    let begun = Instant::now();
    history.commit().expect("the disk is well");
    committing += begun.elapsed();
    each.sort_by(f64::total_cmp);
    let at = |share: f64| each[((each.len() - 1) as f64 * share) as usize];
    let bytes = std::fs::metadata(directory.join("history.redb")).expect("it is there").len();
    let ns = |took: Duration| took.as_nanos() as f64 / events as f64;
    let all = recording + committing;
    println!(
        "{{\"case\":\"history/{case}\",\"ops\":{events},\"ns_per_op\":{:.1},\"ops_per_s\":{:.0},\"p50_ns\":{:.1},\
         \"p99_ns\":{:.1},\"p999_ns\":{:.1},\"bytes_per_order\":null,\"record_ns\":{:.1},\"commit_ns\":{:.1},\
         \"commits\":{},\"slowest_commit_ms\":{:.1},\"file_bytes_per_op\":{:.1}}}",
        ns(all),
        1e9 / ns(all),
        at(0.5),
        at(0.99),
        at(0.999),
        ns(recording),
        ns(committing),
        commits + 1,
        slowest.as_secs_f64() * 1e3,
        bytes as f64 / events as f64,
    );
    history
}

/// Microseconds a question, of an account with many reports.
fn ask(history: &History, rounds: usize) {
    let account = AccountId(1);
    let last = history.next_report(account).expect("known") - 1;
    let mut random = Random(7);
    let kept_at_least = last.min(Settings::default().keep - 100);
    let unknown = OrderRef::Client(ClientId::new("never heard of").expect("a name"));
    let mut time = |question: &str, ask: &mut dyn FnMut(u64)| {
        let begun = Instant::now();
        (0..rounds).for_each(|_| ask(last - random.below(kept_at_least)));
        let micros = begun.elapsed().as_secs_f64() * 1e6 / rounds as f64;
        println!(
            "{{\"case\":\"history/{question}\",\"ops\":{rounds},\"ns_per_op\":{:.0},\"reports\":{last}}}",
            micros * 1e3
        );
    };
    let kept = "all of it is kept";
    time("reports-page-100", &mut |number| {
        drop(black_box(history.reports(account, number, 100).expect(kept)))
    });
    time("fills-page-100", &mut |number| drop(black_box(history.fills(account, number, 100).expect(kept))));
    time("closed-page-100", &mut |number| {
        drop(black_box(history.closed_orders(account, Some(number), 100).expect(kept)));
    });
    time("closed-order-unknown", &mut |_| {
        assert!(black_box(history.closed_order(account, unknown, None).expect(kept)).rows.is_empty());
    });
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |full_size: usize, small: usize| if full { full_size } else { small };
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let target = option_env!("CARGO_TARGET_TMPDIR").map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let wanted = |case: &str| only.as_ref().is_none_or(|only| case.contains(only.as_str()));
    for (case, accounts, batches) in
        [("few-accounts", 4, size(8_000, 20)), ("10k-accounts", 10_000, size(8_000, 40))]
    {
        if wanted(case) {
            let directory = tempfile::tempdir_in(&target).expect("a directory");
            let history = measure(case, directory.path(), accounts, batches);
            if accounts == 4 {
                ask(&history, size(200, 2));
            }
        }
    }
}
