//! Commands a second through the whole of `apply`: sessions, bands, credit, fees, holds, matching, ledger, events.
//!
//! 10,000 funded accounts with a credit line, each with its own session; hours, days, weeks and months are listed; 9 % new
//! orders, 3 % IOC that trade, 6 % cancels and 82 % moves: on one symbol with 1,000 live orders, and on 10,000 books with
//! 100 orders each, a random book every time. Also what an idle instrument and a resting order cost in memory.
//!
//! Under `cargo bench` in full, one JSON line a case; under `cargo test` small. Commands are drawn beforehand; runs start
//! from the same state each and look ahead as the sequencer does; the median run counts. Percentiles come from a run that
//! reads the clock around every command, and include that reading.

use hourbook_exchange::Exchange;
use hourbook_model::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The system's allocator, counted.
struct Counted;

static BYTES: AtomicU64 = AtomicU64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on as it came.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as u64, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as u64, Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        BYTES.fetch_add(size as u64, Relaxed);
        BYTES.fetch_sub(layout.size() as u64, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

const START: Time = Time(1_795_392_000 * Time::SECOND);
const MID: i64 = 2 * MICROS;
const TICK: i64 = 100;
/// Commands that are applied and published together.
const BATCH: usize = 1_024;

struct Mix {
    case: &'static str,
    products: usize,
    accounts: u32,
    books: usize,
    orders: usize,
    /// Prices lie within so many ticks of the middle, most of them near.
    width: f64,
    ops: usize,
    runs: usize,
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

    fn side(&mut self) -> Side {
        if self.next() & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    fn price(&mut self, side: Side, width: f64) -> Price {
        let distance = (1 + (self.unit().powi(2) * width) as i64) * TICK;
        Price(if side == Side::Buy { MID - distance } else { MID + distance })
    }
}

/// The exchange, and what whoever feeds it knows.
#[derive(Clone)]
struct Market {
    exchange: Exchange,
    time: Time,
    /// The last message number of each account's session.
    numbers: Vec<u64>,
}

type Message = (Request, Command);

impl Market {
    fn operate(&mut self, request: Request, command: impl Into<Command>) -> (Answer, Vec<Event>) {
        let mut events = Vec::new();
        let at = Stamp { seq: self.exchange.stamp().seq + 1, time: self.time };
        let answer = self.exchange.apply(at, &request, &command.into(), &mut events);
        assert_eq!(answer.refused, None, "what the bench does is allowed");
        (answer, events)
    }

    fn message(&mut self, account: AccountId) -> Request {
        let number = &mut self.numbers[account.0 as usize];
        *number += 1;
        Request { account, session: SessionId(account.0), number: *number, ..Request::default() }
    }
}

/// Products with bands and fees, all their periods listed, and funded accounts logged on.
fn open(mix: &Mix) -> (Market, Vec<(InstrumentId, ProductId)>) {
    let exchange = Exchange::new();
    let mut market = Market { exchange, time: START, numbers: vec![0; mix.accounts as usize + 1] };
    for product in products(mix.products) {
        market.operate(Request::default(), DefineProduct { product: product.into() });
    }
    while market.exchange.next_due().is_some_and(|due| due <= market.time) {
        market.operate(Request::default(), Tick {});
    }
    let open = market.exchange.instruments().filter(|one| one.gate > START.plus_nanos(Time::HOUR));
    let mut listed: Vec<_> = open.map(|one| (one.id, one.product)).collect();
    // Periods of every length and product, whichever of them are taken.
    let mut random = Random(7);
    (1..listed.len()).rev().for_each(|at| listed.swap(at, random.below(at + 1)));
    market.operate(Request::default(), CreateParticipant { name: "bench".into() });
    for number in 1..=mix.accounts {
        // Every account is a participant of its own.
        market.operate(Request::default(), CreateParticipant { name: format!("participant {number}") });
        let participant = ParticipantId(number + 1);
        market.operate(Request::default(), CreateAccount { participant, name: "account".into() });
        let (account, currency) = (AccountId(number), || String::from("CNY"));
        let amount = Money(10_000_000 * MICROS);
        let deposit = Deposit { account, currency: currency(), amount, reference: String::new() };
        market.operate(Request::default(), deposit);
        let credit = Credit::Line(Money(1_000_000 * MICROS));
        market.operate(Request::default(), SetCredit { account, currency: currency(), credit });
        let (from, hours, quantity) = (START.hour(), 300 * 24, Quantity(1_000_000));
        let (product, attestation) = (product_of(account, mix.products), String::new());
        let capacity = DeclareCapacity { account, product, from, hours, quantity, attestation };
        market.operate(Request::default(), capacity);
        let request = Request { account, ..Request::default() };
        let name = ClientId::new("session").expect("a name");
        market.operate(request, LogOn { name, cancel_on_disconnect: true });
    }
    (market, listed)
}

fn products(count: usize) -> impl Iterator<Item = Product> {
    (0..count).map(|number| Product {
        symbol: format!("C{number}.CNNX.A").parse().expect("a product"),
        currency: "CNY".into(),
        tick: Price(TICK),
        tier: TierTerms { availability_ppm: 999_500, notice: 0, penalty_ppm: 1_000_000 },
        horizon: Horizon { hours: 336, days: 60, weeks: 12, months: 6 },
        gate_hour: 5 * Time::MINUTE,
        gate_longer: 60 * Time::MINUTE,
        auction: None,
        band: Some(Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE }),
        reference: Some(Price(MID)),
        max_quantity: Quantity(1_000_000),
        max_notional: Money(100_000_000 * MICROS),
        maker_fee_ppm: 200,
        taker_fee_ppm: 500,
    })
}

/// The one product that an account can sell.
fn product_of(account: AccountId, products: usize) -> ProductId {
    ProductId(1 + account.0 % products as u32)
}

/// The filled market, and a stream of commands that fits it.
fn draw(mix: &Mix) -> (Market, Vec<Message>, u64) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut market, listed) = open(mix);
    // One symbol is a day's; many are all there are.
    let books: Vec<(InstrumentId, ProductId)> = match mix.books {
        1 => listed.iter().rev().find(|(id, _)| is_day(&market.exchange, *id)).copied().into_iter().collect(),
        count => listed.into_iter().take(count).collect(),
    };
    assert_eq!(books.len(), mix.books, "enough instruments are listed");
    let mut live: Vec<(OrderId, AccountId, Side)> = Vec::new();
    while live.len() < mix.orders {
        let message = place(&mut market, &mut random, mix, &books, false);
        take(&mut market, &message, &mut live);
    }
    // Some movement first, so that memory is not in the order of the books.
    for _ in 0..mix.orders {
        let message = change(&mut market, &mut random, mix, &mut live, true);
        take(&mut market, &message, &mut live);
    }
    let filled = market.clone();
    let mut messages = Vec::with_capacity(mix.ops);
    let mut trading = 0;
    while messages.len() < mix.ops {
        let mut kind = random.below(100);
        // What IOC orders took is made good, so that the number of live orders stays.
        if kind < 18 && !(9..12).contains(&kind) && live.len().abs_diff(mix.orders) > mix.orders / 100 {
            kind = if live.len() < mix.orders { 0 } else { 12 };
        }
        let message = match kind {
            0..12 => place(&mut market, &mut random, mix, &books, kind >= 9),
            12..18 => change(&mut market, &mut random, mix, &mut live, false),
            _ => change(&mut market, &mut random, mix, &mut live, true),
        };
        trading += u64::from(take(&mut market, &message, &mut live));
        messages.push(message);
    }
    market.exchange.check();
    (filled, messages, trading)
}

fn is_day(exchange: &Exchange, id: InstrumentId) -> bool {
    exchange.instrument(id).is_some_and(|one| one.symbol.period.kind == PeriodKind::Day)
}

fn place(
    market: &mut Market,
    random: &mut Random,
    mix: &Mix,
    books: &[(InstrumentId, ProductId)],
    ioc: bool,
) -> Message {
    let side = random.side();
    let (instrument, product) = books[random.below(books.len())];
    let account = match side {
        Side::Buy => 1 + random.below(mix.accounts as usize) as u32,
        // Among those who can deliver it.
        Side::Sell => {
            let each = mix.accounts as usize / mix.products;
            let nth = random.below(each - 1) as u32 + 1;
            nth * mix.products as u32 + product.0 - 1
        }
    };
    let far = 2 * mix.width as i64 * TICK;
    let price = match (ioc, side) {
        (false, side) => random.price(side, mix.width),
        (true, Side::Buy) => Price(MID + far),
        (true, Side::Sell) => Price(MID - far),
    };
    let order = NewOrder {
        instrument,
        side,
        order_type: OrderType::Limit,
        time_in_force: if ioc { TimeInForce::Ioc } else { TimeInForce::Gtc },
        price,
        trigger: Price(0),
        quantity: Quantity(1 + random.below(10) as i64),
        display: Quantity(0),
        minimum: Quantity(0),
        post_only: false,
        self_trade: SelfTrade::CancelNewest,
    };
    (market.message(AccountId(account)), PlaceOrder { order }.into())
}

/// A cancel or a move of a live order; those that are filled are found out when they are drawn.
fn change(
    market: &mut Market,
    random: &mut Random,
    mix: &Mix,
    live: &mut Vec<(OrderId, AccountId, Side)>,
    moves: bool,
) -> Message {
    loop {
        let at = random.below(live.len());
        let (id, account, side) = live[at];
        if market.exchange.order(id).is_none() {
            live.swap_remove(at);
            continue;
        }
        let order = OrderRef::Id(id);
        let request = market.message(account);
        if !moves {
            live.swap_remove(at);
            return (request, CancelOrder { order }.into());
        }
        let price = Some(random.price(side, mix.width));
        let amendment = Amendment { order, instrument: None, price, quantity: None, trigger: None };
        return (request, AmendOrder { amendment }.into());
    }
}

/// Applies a drawn message; whether it traded.
fn take(market: &mut Market, message: &Message, live: &mut Vec<(OrderId, AccountId, Side)>) -> bool {
    let (answer, events) = market.operate(message.0, message.1.clone());
    if let Command::PlaceOrder(PlaceOrder { order }) = &message.1
        && answer.leaves > Quantity(0)
        && order.time_in_force == TimeInForce::Gtc
    {
        live.push((answer.order, message.0.account, order.side));
    }
    events.iter().any(|event| matches!(event, Event::Traded(_)))
}

/// What feeding took.
#[derive(Default)]
struct Fed {
    nanos: f64,
    cpu_nanos: f64,
    events: u64,
    allocations: u64,
}

/// Feeds the messages in batches, each copied together just before, as it comes out of the queue. What each message took
/// is told to `took` where that is asked for.
fn feed(market: &mut Market, messages: &[Message], mut took: Option<&mut Vec<u64>>) -> Fed {
    let mut events = Vec::with_capacity(8 * BATCH);
    let mut fed = Fed::default();
    let mut batch: Vec<Message> = Vec::with_capacity(BATCH);
    for part in messages.chunks(BATCH) {
        batch.clear();
        batch.extend_from_slice(part);
        let (begun, ran, allocated) = (Instant::now(), cpu_nanos(), ALLOCATIONS.load(Relaxed));
        events.clear();
        for (at, (request, command)) in batch.iter().enumerate() {
            let soon = |ahead: usize| batch.get(at + ahead).map(|(request, command)| (request, command));
            market.exchange.look_ahead(soon);
            let stamp = Stamp { seq: market.exchange.stamp().seq + 1, time: market.time };
            let begun = took.is_some().then(Instant::now);
            market.exchange.apply(stamp, request, command, &mut events);
            if let (Some(took), Some(begun)) = (&mut took, begun) {
                took.push(begun.elapsed().as_nanos() as u64);
            }
        }
        fed.nanos += begun.elapsed().as_nanos() as f64;
        fed.cpu_nanos += cpu_nanos() - ran;
        fed.allocations += ALLOCATIONS.load(Relaxed) - allocated;
        fed.events += events.len() as u64;
    }
    fed
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
    let (start, messages, trading) = draw(mix);
    let ops = messages.len();
    let (mut means, mut cpu) = (Vec::new(), Vec::new());
    let (mut allocations, mut published, mut bytes) = (0, 0, 0.0);
    for _ in 0..mix.runs {
        let mut market = start.clone();
        let fed = feed(&mut market, &messages, None);
        means.push(fed.nanos / ops as f64);
        cpu.push(fed.cpu_nanos / ops as f64);
        (allocations, published) = (fed.allocations, fed.events);
        bytes = market.exchange.order_bytes() as f64 / mix.orders as f64;
    }
    let mut took = Vec::with_capacity(ops);
    feed(&mut start.clone(), &messages, Some(&mut took));
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    let (mean, cpu) = (median(means), median(cpu));
    println!(
        "{{\"case\":\"apply/{}\",\"ops\":{ops},\"ns_per_op\":{mean:.1},\"ops_per_s\":{:.0},\"p50_ns\":{},\"p99_ns\":{},\
         \"p999_ns\":{},\"bytes_per_order\":{bytes:.1},\"accounts\":{},\"live\":{},\"trading_per_100\":{:.1},\
         \"cpu_ns_per_op\":{cpu:.1},\"events_per_op\":{:.2},\"allocations_per_op\":{:.3}}}",
        mix.case,
        1e9 / mean,
        at(0.5),
        at(0.99),
        at(0.999),
        mix.accounts,
        mix.orders,
        100.0 * trading as f64 / ops as f64,
        published as f64 / ops as f64,
        allocations as f64 / ops as f64,
    );
}

/// Heap of an instrument that is listed and has never had an order, and how long listing takes.
fn idle_instrument(products_count: usize) {
    let mut market = Market { exchange: Exchange::new(), time: START, numbers: Vec::new() };
    let before = BYTES.load(Relaxed);
    for product in products(products_count) {
        market.operate(Request::default(), DefineProduct { product: product.into() });
    }
    let begun = Instant::now();
    let mut slowest = 0;
    while market.exchange.next_due().is_some_and(|due| due <= market.time) {
        let tick = Instant::now();
        market.operate(Request::default(), Tick {});
        slowest = slowest.max(tick.elapsed().as_micros());
    }
    let took = begun.elapsed();
    let count = market.exchange.instrument_count();
    let bytes = (BYTES.load(Relaxed) - before) as f64 / count as f64;
    println!(
        "{{\"case\":\"idle-instrument\",\"ops\":{count},\"ns_per_op\":{:.1},\"ops_per_s\":{:.0},\"p50_ns\":null,\"p99_ns\":null,\
         \"p999_ns\":null,\"bytes_per_order\":null,\"bytes\":{bytes:.1},\"slowest_tick_us\":{slowest}}}",
        took.as_nanos() as f64 / count as f64,
        count as f64 / took.as_secs_f64(),
    );
}

fn main() {
    let full = std::env::args().any(|argument| argument == "--bench");
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wanted = |case: &str| only.as_ref().is_none_or(|only| case.contains(only.as_str()));
    let size = |full_size: usize, small: usize| if full { full_size } else { small };
    let runs = size(5, 1);
    if wanted("idle-instrument") {
        idle_instrument(size(101, 2));
    }
    let one = Mix {
        case: "exchange-core-mix",
        products: 1,
        accounts: size(10_000, 100) as u32,
        books: 1,
        orders: size(1_000, 100),
        width: 500.0,
        ops: size(2_000_000, 2_000),
        runs,
    };
    let many = Mix {
        case: "thin-10k",
        products: size(25, 2),
        accounts: size(10_000, 100) as u32,
        books: size(10_000, 100),
        orders: size(1_000_000, 5_000),
        width: 60.0,
        ops: size(1_000_000, 2_000),
        runs,
    };
    for mix in [one, many] {
        if wanted(mix.case) {
            measure(&mix);
        }
    }
}
