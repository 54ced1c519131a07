//! Nanoseconds an operation and bytes an order, on three mixes of 9 % new orders, 3 % IOC, 6 % cancels and 82 % moves:
//! one book with 1,000 live orders, one with 1,000,000, and 10,000 books with 100 each, a random book every time.
//!
//! Under `cargo bench` in full, one JSON line a case; under `cargo test` small, to see that it runs. The stream of
//! operations is drawn beforehand. Runs start from the same books each; the median run counts. Percentiles come from a run
//! that reads the clock around every operation, and include that reading.
#![allow(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use hourbook_book::{Books, Execution, Incoming, Match, Outcome};
use hourbook_model::{OrderId, ParticipantId, Price, Quantity, SelfTrade, Side};
use std::hint::black_box;
use std::time::Instant;

/// Operations between asking for memory and using it, in steps that each need the one before.
const AHEAD: [usize; 5] = [40, 32, 24, 16, 8];
const MID: i64 = 1_000_000;

struct Mix {
    case: &'static str,
    books: usize,
    orders: usize,
    /// Prices lie within so many ticks of the middle, most of them near.
    width: f64,
    ops: usize,
    runs: usize,
}

#[derive(Clone, Copy)]
enum Op {
    Place { book: u32, side: Side, price: i64, lots: u32, ioc: bool },
    Cancel { id: OrderId },
    Move { id: OrderId, price: i64 },
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn price(&mut self, side: Side, width: f64) -> i64 {
        let distance = 1 + (self.unit().powi(2) * width) as i64;
        if side == Side::Buy { MID - distance } else { MID + distance }
    }

    fn side(&mut self) -> Side {
        if self.next() & 1 == 0 { Side::Buy } else { Side::Sell }
    }
}

/// The books of a mix and the scratch of whoever drives them.
#[derive(Clone)]
struct Machine {
    books: Books,
    steps: Vec<Match>,
    trades: u64,
}

impl Machine {
    /// The id of the order, where one is placed.
    fn apply(&mut self, op: Op) -> Option<OrderId> {
        match op {
            Op::Place { book, side, price, lots, ioc } => {
                let id = self.books.allocate();
                self.enter(
                    book as usize,
                    &Incoming {
                        id,
                        owner: ParticipantId(id.slot() as u32),
                        side,
                        limit: Some(Price(price)),
                        quantity: Quantity(i64::from(lots)),
                        display: None,
                        post_only: false,
                        self_trade: SelfTrade::CancelNewest,
                        execution: if ioc { Execution::Ioc } else { Execution::Rest },
                        minimum: Quantity(0),
                        bound: None,
                        affordable: None,
                    },
                );
                Some(id)
            }
            Op::Cancel { id } => {
                black_box(self.books.cancel(id));
                self.books.free(id);
                None
            }
            Op::Move { id, price } => {
                let book = self.books.book_of(id);
                let mut order = self.books.take(id);
                order.limit = Some(Price(price));
                self.enter(book, &order);
                None
            }
        }
    }

    fn enter(&mut self, book: usize, order: &Incoming) {
        self.steps.clear();
        let entered = self.books.enter(book, order, &mut self.steps);
        for step in &self.steps {
            if let Match::Fill { maker, maker_done, .. } = step {
                self.trades += 1;
                if *maker_done {
                    self.books.free(*maker);
                }
            }
        }
        if entered.outcome != Outcome::Rested {
            self.books.free(order.id);
        }
    }

    fn look_ahead(&self, ops: &[Op], at: usize) {
        let books = &self.books;
        for (step, ahead) in AHEAD.into_iter().enumerate() {
            match (step, ops.get(at + ahead)) {
                (0, Some(Op::Cancel { id } | Op::Move { id, .. })) => books.prefetch(*id),
                (1, Some(Op::Cancel { id } | Op::Move { id, .. })) => books.prefetch_near(*id),
                (2, Some(Op::Cancel { id } | Op::Move { id, .. })) => books.prefetch_book(books.book_of(*id)),
                (3, Some(Op::Cancel { id } | Op::Move { id, .. })) => books.prefetch_level(*id),
                (4, Some(Op::Move { id, price })) => {
                    books.prefetch_first(books.book_of(*id), books.side(*id), Price(*price));
                }
                (1, Some(Op::Place { book, .. })) => books.prefetch_place(*book as usize),
                (2, Some(Op::Place { book, .. })) => books.prefetch_book(*book as usize),
                (3, Some(Op::Place { book, side, .. })) => books.prefetch_levels(*book as usize, *side),
                (4, Some(Op::Place { book, side, price, .. })) => {
                    books.prefetch_first(*book as usize, *side, Price(*price));
                }
                _ => {}
            }
        }
    }
}

/// The filled books, and a stream of operations that fits them.
fn draw(mix: &Mix) -> (Machine, Vec<Op>) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut machine = Machine { books: Books::default(), steps: Vec::new(), trades: 0 };
    machine.books.reserve(mix.orders + mix.orders / 50 + 16);
    (0..mix.books).for_each(|book| machine.books.open(book, Price(1)));
    let mut live: Vec<OrderId> = Vec::new();
    let step =
        |machine: &mut Machine, live: &mut Vec<OrderId>, random: &mut Random, kind: usize| -> Option<Op> {
            let op = match kind {
                0..9 => {
                    let side = random.side();
                    let (book, lots) = (random.below(mix.books) as u32, 1 + random.below(10) as u32);
                    Op::Place { book, side, price: random.price(side, mix.width), lots, ioc: false }
                }
                9..12 => {
                    let side = random.side();
                    let (book, lots) = (random.below(mix.books) as u32, 1 + random.below(10) as u32);
                    let price = if side == Side::Buy { MID + 2 * mix.width as i64 } else { 1 };
                    Op::Place { book, side, price, lots, ioc: true }
                }
                _ => {
                    // Filled orders are found out when they are drawn.
                    let id = loop {
                        let at = random.below(live.len());
                        if machine.books.contains(live[at]) {
                            if kind < 18 {
                                break live.swap_remove(at);
                            }
                            break live[at];
                        }
                        live.swap_remove(at);
                    };
                    if kind < 18 {
                        Op::Cancel { id }
                    } else {
                        let side = machine.books.side(id);
                        Op::Move { id, price: random.price(side, mix.width) }
                    }
                }
            };
            let placed = machine.apply(op);
            let rests = matches!(op, Op::Place { ioc: false, .. });
            live.extend(placed.filter(|_| rests));
            Some(op)
        };
    while machine.books.live() < mix.orders {
        step(&mut machine, &mut live, &mut random, 0);
    }
    // Some movement first, so that the slab is not in the order of the books.
    for _ in 0..mix.orders {
        step(&mut machine, &mut live, &mut random, 50);
    }
    let filled = machine.clone();
    let mut ops = Vec::with_capacity(mix.ops);
    while ops.len() < mix.ops {
        let mut kind = random.below(100);
        // What IOC orders took is made good, so that the number of live orders stays.
        if kind < 18 && !(9..12).contains(&kind) {
            let more = machine.books.live() < mix.orders;
            if machine.books.live().abs_diff(mix.orders) > mix.orders / 100 {
                kind = if more { 0 } else { 12 };
            }
        }
        ops.extend(step(&mut machine, &mut live, &mut random, kind));
    }
    machine.books.check();
    (filled, ops)
}

/// Nanoseconds an operation by the clock, and by the processor's own account.
fn run(start: &Machine, ops: &[Op], ahead: bool) -> (f64, f64, Machine) {
    let mut machine = start.clone();
    let (begun, ran) = (Instant::now(), cpu_nanos());
    for (at, op) in ops.iter().enumerate() {
        if ahead {
            machine.look_ahead(ops, at);
        }
        machine.apply(*op);
    }
    let count = ops.len() as f64;
    (begun.elapsed().as_nanos() as f64 / count, (cpu_nanos() - ran) / count, machine)
}

/// Nanoseconds that this thread has run, where the system tells: beside the clock, on a machine that is shared.
fn cpu_nanos() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(mix: &Mix) {
    let (start, ops) = draw(mix);
    let mut means = [Vec::new(), Vec::new()];
    let mut cpu = Vec::new();
    let mut end = None;
    for _ in 0..mix.runs {
        for (ahead, means) in [false, true].into_iter().zip(&mut means) {
            let (mean, ran, machine) = run(&start, &ops, ahead);
            means.push(mean);
            cpu.extend(ahead.then_some(ran));
            end = Some(machine);
        }
    }
    let end = end.expect("there was a run");
    end.books.check();
    let live = end.books.live();
    let bytes = end.books.bytes() as f64 / live as f64;

    let mut machine = start.clone();
    let mut nanos: Vec<u64> = Vec::with_capacity(ops.len());
    for (at, op) in ops.iter().enumerate() {
        machine.look_ahead(&ops, at);
        let begun = Instant::now();
        machine.apply(*op);
        nanos.push(begun.elapsed().as_nanos() as u64);
    }
    nanos.sort_unstable();
    let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize];
    let [plain, ahead] = means.map(median);
    let (best, cpu) = (plain.min(ahead), median(cpu));
    println!(
        "{{\"case\":\"book/{}\",\"ops\":{},\"ns_per_op\":{best:.1},\"ops_per_s\":{:.0},\"p50_ns\":{},\"p99_ns\":{},\
         \"p999_ns\":{},\"bytes_per_order\":{bytes:.1},\"ns_without_prefetch\":{plain:.1},\"ns_with_prefetch\":{ahead:.1},\
         \"cpu_ns_with_prefetch\":{cpu:.1},\"live\":{live},\"trades_per_100\":{:.1}}}",
        mix.case,
        ops.len(),
        1e9 / best,
        at(0.5),
        at(0.99),
        at(0.999),
        100.0 * (end.trades - start.trades) as f64 / ops.len() as f64,
    );
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |full_size: usize, small: usize| if full { full_size } else { small };
    let runs = size(7, 1);
    let ops = size(2_000_000, 2_000);
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    for mix in [
        Mix { case: "exchange-core-mix", books: 1, orders: size(1_000, 100), width: 500.0, ops, runs },
        Mix { case: "deep-1m", books: 1, orders: size(1_000_000, 10_000), width: 2_000.0, ops, runs },
        Mix {
            case: "thin-10k",
            books: size(10_000, 100),
            orders: size(1_000_000, 10_000),
            width: 60.0,
            ops,
            runs,
        },
    ] {
        if only.as_ref().is_none_or(|only| mix.case.contains(only.as_str())) {
            measure(&mix);
        }
    }
}
