//! Random days: every kind of command, sane and hostile values, time in steps and leaps.
//!
//! After every command all promises of the state are checked, and what was published is consistent in itself. A second
//! exchange is fed the same and is replaced by a snapshot of itself now and then: it must never differ. A failure prints
//! its seed; `HOURBOOK_SEED=n cargo test -p hourbook-exchange` runs that one alone.

use super::market::{START, class, product};
use crate::*;
use hourbook_model::*;
use std::collections::BTreeMap;

const STEPS: usize = 1_200;
const SEEDS: std::ops::Range<u64> = 1..9;
const HOSTILE: [i64; 14] = [
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    1,
    2,
    (1 << 31) - 1,
    1 << 32,
    (1 << 32) - 1,
    1 << 60,
    (1 << 60) + 1,
    1 << 62,
    i64::MAX - 1,
    i64::MAX,
];

#[derive(Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// Mostly within the range, now and then whatever breaks things.
    fn number(&mut self, from: i64, to: i64) -> i64 {
        if self.one_in(40) { self.pick(&HOSTILE) } else { from + self.below((to - from + 1) as u64) as i64 }
    }

    fn side(&mut self) -> Side {
        self.pick(&[Side::Buy, Side::Sell])
    }
}

/// What was published about one order, and about one account.
#[derive(Default)]
struct Seen {
    reports: BTreeMap<AccountId, u64>,
    lines: BTreeMap<AccountId, u64>,
    money: BTreeMap<(AccountId, CurrencyId), (Money, Money)>,
    cumulative: BTreeMap<OrderId, Quantity>,
    trades: u64,
    /// The books as everyone sees them, in the order in which orders joined their levels.
    books: BTreeMap<(InstrumentId, Side), Vec<BookOrder>>,
}

impl Seen {
    /// Numbers have no gaps, and each fact follows from those before it.
    fn check(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Reported(report) => self.check_report(report),
                Event::Posted(line) => {
                    let last = self.lines.entry(line.account).or_default();
                    *last += 1;
                    assert_eq!(line.number, *last, "ledger lines have no gaps");
                    let (cash, escrow) = self.money.entry((line.account, line.currency)).or_default();
                    *cash += line.cash;
                    *escrow += line.escrow;
                    // Both lines of a trade with oneself are told once both are posted.
                    if line.trade == TradeId(0) {
                        assert_eq!((line.cash_after, line.escrow_after), (*cash, *escrow));
                    }
                }
                Event::Traded(trade) => {
                    self.trades += 1;
                    assert_eq!(trade.id.0, self.trades, "trades have no gaps");
                    self.trade(trade);
                }
                Event::BookChanged(change) => self.change_book(change),
                _ => {}
            }
        }
    }

    /// A trade takes its lots from whichever of its orders is in the book.
    fn trade(&mut self, trade: &Trade) {
        for side in [Side::Buy, Side::Sell] {
            let book = self.books.entry((trade.instrument, side)).or_default();
            for order in book.iter_mut().filter(|order| [trade.maker, trade.taker].contains(&order.order)) {
                order.quantity -= trade.quantity;
            }
            book.retain(|order| order.quantity > Quantity(0));
        }
    }

    fn change_book(&mut self, change: &BookChange) {
        let BookChange { instrument, order, side, joins, price, quantity } = *change;
        let book = self.books.entry((instrument, side)).or_default();
        let now = BookOrder { order, price, quantity };
        match book.iter().position(|known| known.order == order) {
            Some(at) if quantity == Quantity(0) => drop(book.remove(at)),
            Some(at) if !joins => {
                assert_eq!(book[at].price, price, "what keeps its place keeps its price");
                book[at] = now;
            }
            Some(at) => {
                book.remove(at);
                book.push(now);
            }
            None if quantity == Quantity(0) => {}
            None => {
                assert!(joins, "an order that was not there joins");
                book.push(now);
            }
        }
    }

    /// What everyone was told of the books is how they are.
    fn check_books(&self, exchange: &Exchange) {
        for ((instrument, side), told) in &self.books {
            let mut told = told.clone();
            // Market orders first, then by price; whoever joined a level before stands before.
            told.sort_by_key(|order| match (order.price, side) {
                (Price(0), _) => i64::MIN,
                (price, Side::Buy) => -price.0,
                (price, Side::Sell) => price.0,
            });
            let book = exchange.book(*instrument, 0, usize::MAX);
            let stands = book.map(|book| if *side == Side::Buy { book.bid_orders } else { book.ask_orders });
            assert_eq!(told, stands.unwrap_or_default(), "the {side:?} side of {instrument:?}");
        }
    }

    fn check_report(&mut self, report: &Report) {
        let last = self.reports.entry(report.account).or_default();
        *last += 1;
        assert_eq!(report.number, *last, "reports have no gaps");
        if report.order == OrderId::NONE {
            return;
        }
        let cumulative = self.cumulative.entry(report.order).or_default();
        if let ReportKind::Filled(fill) = report.kind {
            *cumulative += fill.quantity;
        }
        assert_eq!(report.cumulative, *cumulative, "cumulative is the sum of fills");
        match report.kind {
            ReportKind::Cancelled { quantity, .. } => {
                assert_eq!(report.leaves, Quantity(0));
                assert_eq!(report.cumulative + quantity, report.quantity, "a cancel names all that was left");
            }
            _ => assert_eq!(report.cumulative + report.leaves, report.quantity),
        }
    }
}

struct Day {
    chance: Chance,
    exchange: Exchange,
    /// Fed the same, and replaced by its own snapshot now and then.
    twin: Exchange,
    now: Time,
    accounts: u32,
    instruments: Vec<InstrumentId>,
    orders: Vec<OrderId>,
    sessions: Vec<(SessionId, AccountId, u64)>,
    seen: Seen,
    ran: BTreeMap<&'static str, u64>,
    refused: BTreeMap<RejectReason, u64>,
    traded: u64,
}

/// Says where it happened when a promise does not hold.
struct Trace(u64, usize);

impl Drop for Trace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {} failed at step {}: HOURBOOK_SEED={} runs it alone", self.0, self.1, self.0);
        }
    }
}

impl Day {
    fn new(seed: u64) -> Day {
        let mut day = Day {
            chance: Chance::new(seed),
            exchange: Exchange::new(),
            twin: Exchange::new(),
            now: Time(START),
            accounts: 6,
            instruments: Vec::new(),
            orders: Vec::new(),
            sessions: Vec::new(),
            seen: Seen::default(),
            ran: BTreeMap::new(),
            refused: BTreeMap::new(),
            traded: 0,
        };
        day.apply(Request::default(), DefineClass { class: class().into() });
        for product in day.products() {
            day.apply(Request::default(), DefineProduct { product: product.into() });
        }
        for name in ["ann", "bob", "cat"] {
            day.apply(Request::default(), CreateParticipant { name: name.into() });
        }
        for number in 0..day.accounts {
            let participant = ParticipantId(1 + number % 3);
            day.apply(Request::default(), CreateAccount { participant, name: format!("account {number}") });
        }
        for number in 1..=day.accounts {
            let account = AccountId(number);
            let amount = Money((1 << (4 * number)) * MICROS);
            day.apply(
                Request::default(),
                Deposit { account, currency: "CNY".into(), amount, reference: String::new() },
            );
        }
        for number in 1..day.accounts {
            for product in [1, 2].map(ProductId) {
                let (account, quantity) = (AccountId(number), Quantity(100));
                let (from, hours, attestation) = (day.now.hour(), 1_500, String::new());
                let declared = DeclareCapacity { account, product, from, hours, quantity, attestation };
                day.apply(Request::default(), declared);
            }
        }
        let credit = Credit::Unlimited;
        day.apply(Request::default(), SetCredit { account: AccountId(6), currency: "CNY".into(), credit });
        day
    }

    /// One with everything that protects a market, one with nothing of it.
    fn products(&self) -> [Product; 2] {
        let horizon = Horizon { hours: 5, days: 2, weeks: 1, months: 1 };
        let at = |hour: i64, minute: i64| hour * Time::HOUR + minute * Time::MINUTE;
        let guarded = Product {
            horizon,
            auction: Some(AuctionSchedule { call: at(3, 50), freeze: at(3, 59), uncross: at(4, 0) }),
            band: Some(Band { order_ppm: 500_000, trade_ppm: 200_000, call: 5 * Time::MINUTE }),
            reference: Some(Price(2_000)),
            maker_fee_ppm: 200,
            taker_fee_ppm: 70_500,
            ..product()
        };
        let bare = Product {
            symbol: "CO.CNNM.C".parse().unwrap(),
            tick: Price(1),
            horizon,
            gate_hour: Time::MINUTE,
            max_quantity: Quantity(i64::from(u32::MAX)),
            max_notional: Money(Price::CAP.0),
            maker_fee_ppm: 1_000_000,
            taker_fee_ppm: 333_333,
            ..product()
        };
        [guarded, bare]
    }

    fn apply(&mut self, request: Request, command: impl Into<Command>) -> Answer {
        let command = command.into();
        let at = Stamp { seq: self.exchange.stamp().seq + 1, time: self.now };
        let mut events = Vec::new();
        let answer = self.exchange.apply(at, &request, &command, &mut events);
        self.exchange.check();
        self.seen.check(&events);
        self.seen.check_books(&self.exchange);
        let mut same = Vec::new();
        assert_eq!(self.twin.apply(at, &request, &command, &mut same), answer, "the twin answers alike");
        assert_eq!(same, events, "the twin publishes alike");

        *self.ran.entry(command.name()).or_default() += 1;
        if let Some(reason) = answer.refused {
            *self.refused.entry(reason).or_default() += 1;
        }
        self.traded += events.iter().filter(|event| matches!(event, Event::Traded(_))).count() as u64;
        if answer.order != OrderId::NONE {
            self.orders.push(answer.order);
            self.check_answer(&answer, &events);
        }
        if self.orders.len() > 60 {
            self.orders.drain(..30);
        }
        for event in events {
            if let Event::Listed { instrument, .. } = event {
                self.instruments.push(instrument);
                // Some that are over stay among them.
                if self.instruments.len() > 40 {
                    self.instruments.remove(0);
                }
            }
        }
        answer
    }

    /// An answer says of its order what the order's last report does.
    fn check_answer(&self, answer: &Answer, events: &[Event]) {
        let last = events.iter().rev().find_map(|event| match event {
            Event::Reported(report) if report.order == answer.order => Some(report),
            _ => None,
        });
        if let Some(last) = last.filter(|_| !answer.repeated) {
            let told = (last.quantity, last.cumulative, last.leaves);
            assert_eq!(
                (answer.quantity, answer.cumulative, answer.leaves),
                told,
                "{answer:?} after {last:?}"
            );
        }
    }

    fn request(&mut self) -> Request {
        let account = AccountId(self.chance.number(1, i64::from(self.accounts)) as u32);
        let text = match self.chance.below(10) {
            0..5 => String::new(),
            5 => self.chance.pick(&["a", "b", "c"]).into(),
            _ => format!("request {}", self.exchange.stamp().seq),
        };
        let client_id = ClientId::new(&text).unwrap();
        if self.sessions.is_empty() || self.chance.one_in(2) {
            return Request { account, client_id, ..Request::default() };
        }
        let connected = |known: &(SessionId, AccountId, u64)| {
            self.exchange.session(known.0).is_some_and(|session| session.connected)
        };
        let at = self.chance.below(self.sessions.len() as u64) as usize;
        let at = self
            .sessions
            .iter()
            .position(connected)
            .filter(|_| !self.chance.clone().one_in(20))
            .unwrap_or(at);
        let (session, of, last) = &mut self.sessions[at];
        // Now and then a number comes again, or under another account.
        *last += u64::from(!self.chance.one_in(20));
        let (session, number) = (*session, *last);
        let account = if self.chance.one_in(50) { account } else { *of };
        Request { account, session, number, client_id, ..Request::default() }
    }

    /// Mostly one of a few that trade, so that orders meet; now and then one that is over, or never was.
    fn instrument(&mut self) -> InstrumentId {
        if self.instruments.is_empty() || self.chance.one_in(30) {
            return InstrumentId(self.chance.number(0, 1 << 21) as u32);
        }
        if self.chance.one_in(8) {
            return self.chance.pick(&self.instruments);
        }
        let mut open = self.exchange.instruments().filter(|one| one.gate > self.now);
        let at = self.chance.clone().below(7) as usize % 3;
        open.nth(4 * at).map_or(InstrumentId(0), |one| one.id)
    }

    /// Mostly a live order of the account.
    fn order(&mut self, account: AccountId) -> OrderRef {
        match self.chance.below(12) {
            0 => OrderRef::Client(ClientId::new(self.chance.pick(&["a", "b", "c"])).unwrap()),
            1 => OrderRef::Id(OrderId(self.chance.next())),
            2 if !self.orders.is_empty() => OrderRef::Id(self.chance.pick(&self.orders)),
            _ => {
                let live = self.exchange.orders_of(account, None, 8);
                let at = self.chance.below(8) as usize;
                OrderRef::Id(live.get(at).or(live.last()).map_or(OrderId::NONE, |order| order.id))
            }
        }
    }

    /// A price near the reference, on the coarser tick.
    fn price(&mut self) -> Price {
        Price(match self.chance.number(14, 27) {
            near @ 14..=27 => near * 100,
            hostile => hostile,
        })
    }

    fn scope(&mut self) -> Scope {
        match self.chance.below(8) {
            0 => Scope::Market,
            1 => Scope::Product(ProductId(self.chance.number(1, 2) as u32)),
            _ => Scope::Instrument(self.instrument()),
        }
    }

    /// Most likely what is halted.
    fn pick_halted(&mut self) -> Scope {
        let halted = self.exchange.instruments().find(|one| one.status == Status::Halted).map(|one| one.id);
        match (self.chance.below(4), halted) {
            (0, _) => Scope::Market,
            (1, _) => Scope::Product(ProductId(1 + self.chance.below(2) as u32)),
            (_, Some(id)) => Scope::Instrument(id),
            (_, None) => self.scope(),
        }
    }

    fn new_order(&mut self) -> NewOrder {
        let order_type = match self.chance.below(10) {
            0 => OrderType::Market,
            1 => OrderType::Stop,
            2 => OrderType::StopLimit,
            _ => OrderType::Limit,
        };
        let time_in_force = match self.chance.below(14) {
            0 => TimeInForce::Day,
            1 => TimeInForce::Gtd(Time(
                self.now.0.saturating_add(self.chance.number(-1, 90).saturating_mul(Time::MINUTE)),
            )),
            2 | 3 => TimeInForce::Ioc,
            4 => TimeInForce::Fok,
            5 => TimeInForce::FokBudget(Money(self.chance.number(1, 400_000))),
            _ => TimeInForce::Gtc,
        };
        let limited = matches!(order_type, OrderType::Limit | OrderType::StopLimit) != self.chance.one_in(60);
        let stop = matches!(order_type, OrderType::Stop | OrderType::StopLimit) != self.chance.one_in(60);
        let some = |chance: &mut Chance, often, from, to| {
            if chance.one_in(often) { chance.number(from, to) } else { 0 }
        };
        NewOrder {
            instrument: self.instrument(),
            side: self.chance.side(),
            order_type,
            time_in_force,
            price: if limited { self.price() } else { Price(0) },
            trigger: if stop { self.price() } else { Price(0) },
            quantity: Quantity(self.chance.number(1, 12)),
            display: Quantity(some(&mut self.chance, 6, 1, 4)),
            minimum: Quantity(some(&mut self.chance, 12, 1, 6)),
            post_only: self.chance.one_in(12),
            self_trade: self.chance.pick(&[
                SelfTrade::Allow,
                SelfTrade::CancelNewest,
                SelfTrade::CancelOldest,
                SelfTrade::CancelBoth,
                SelfTrade::Decrement,
            ]),
        }
    }

    /// Time goes on: moments mostly, sometimes to the next thing due, seldom for days.
    fn pass_time(&mut self) {
        let nanos = match self.chance.below(200) {
            0 if self.chance.one_in(4) => self.chance.below(20) as i64 * Time::DAY,
            0..3 => self.chance.below(7) as i64 * Time::HOUR,
            3..12 => self.chance.below(20) as i64 * Time::MINUTE,
            12..60 => self.chance.below(90) as i64 * Time::SECOND,
            60..70 => self.exchange.next_due().map_or(0, |due| (due.0 - self.now.0).max(0)),
            _ => self.chance.below(1_000) as i64,
        };
        self.now = self.now.plus_nanos(nanos);
        // Ticks come, or they are late.
        let mut ticks = self.chance.pick(&[0, 0, 1, 50]);
        while ticks > 0 && self.exchange.next_due().is_some_and(|due| due <= self.now) {
            self.apply(Request::default(), Tick {});
            ticks -= 1;
        }
    }

    fn step(&mut self) {
        self.pass_time();
        let (operator, request) = (Request::default(), self.request());
        let account = AccountId(self.chance.number(1, i64::from(self.accounts)) as u32);
        match self.chance.below(100) {
            0..55 => {
                let order = self.new_order();
                self.apply(request, PlaceOrder { order });
            }
            55..60 => {
                let order = self.order(request.account);
                self.apply(request, CancelOrder { order });
            }
            60..72 => {
                let amendment = Amendment {
                    order: self.order(request.account),
                    instrument: self.chance.one_in(4).then(|| self.instrument()),
                    price: self.chance.one_in(2).then(|| self.price()),
                    quantity: self.chance.one_in(2).then(|| Quantity(self.chance.number(0, 14))),
                    trigger: self.chance.one_in(8).then(|| self.price()),
                };
                self.apply(request, AmendOrder { amendment });
            }
            72..76 => {
                let (order, by) = (self.order(request.account), Quantity(self.chance.number(0, 8)));
                self.apply(request, ReduceOrder { order, by });
            }
            76..83 => {
                let quotes = (0..self.chance.below(4))
                    .map(|_| Quote {
                        instrument: self.instrument(),
                        bid_price: self.price(),
                        bid_quantity: Quantity(self.chance.number(0, 6)),
                        ask_price: self.price(),
                        ask_quantity: Quantity(self.chance.number(0, 6)),
                    })
                    .collect();
                let (post_only, self_trade) =
                    (self.chance.one_in(3), self.chance.pick(&[SelfTrade::Allow, SelfTrade::CancelOldest]));
                self.apply(request, MassQuote { quotes, post_only, self_trade });
            }
            83 => {
                let (scope, side) = (self.scope(), self.chance.one_in(2).then(|| self.chance.side()));
                self.apply(request, MassCancel { scope, side });
            }
            84..90 => self.operate(account, operator),
            _ => self.run_market(account, request),
        }
    }

    /// Money, hours and limits.
    fn operate(&mut self, account: AccountId, operator: Request) {
        let currency = || String::from("CNY");
        match self.chance.below(7) {
            0 => {
                let amount = Money(self.chance.number(0, 5_000_000));
                self.apply(
                    operator,
                    Deposit { account, currency: currency(), amount, reference: String::new() },
                )
            }
            1 => {
                let amount = Money(self.chance.number(0, 5_000_000));
                self.apply(
                    operator,
                    Withdraw { account, currency: currency(), amount, reference: String::new() },
                )
            }
            2 => {
                let credit = Credit::Line(Money(self.chance.number(0, 5_000_000)));
                self.apply(operator, SetCredit { account, currency: currency(), credit })
            }
            3 => {
                let limits = Limits { open_orders: self.chance.number(0, 60) as u32, ..Limits::default() };
                self.apply(operator, SetLimits { account, limits })
            }
            _ => {
                let product = ProductId(self.chance.number(1, 2) as u32);
                let from = Hour(self.now.hour().0.wrapping_add(self.chance.number(0, 30) as u32));
                let (hours, quantity) =
                    (self.chance.number(1, 800) as u32, Quantity(self.chance.number(0, 200)));
                let attestation = String::new();
                self.apply(operator, DeclareCapacity { account, product, from, hours, quantity, attestation })
            }
        };
    }

    fn observations(&mut self, account: AccountId) -> Command {
        let today = self.now.day();
        let mut observation = || Observation {
            metric: self.chance.pick(&["availability", "latency_ms", "No"]).into(),
            measure: self.chance.pick(&[Measure::Trials, Measure::Values]),
            day: self.chance.number(today - 3, today) as u32,
            sum: DaySum {
                count: self.chance.number(1, 1_000_000_000),
                sum: self.chance.number(0, 1_000_000_000),
            },
        };
        let observations = vec![observation(), observation()];
        SubmitObservations { provider: ParticipantId(account.0), class: "GP".into(), observations }.into()
    }

    fn standing(&mut self, account: AccountId) -> Command {
        let mut number = |to| self.chance.number(0, to);
        let standing = Standing {
            score: number(1_000_000) as u32,
            bound: number(1_000) as u32,
            evidence: number(1_000) as u64,
            rating: number(9) as u8,
            rated_on: number(20_000) as u32,
            tiers: number(7) as u8,
        };
        let provider = ParticipantId(account.0);
        SetStanding { provider, class: "GP".into(), standing, digest: [0; 16] }.into()
    }

    /// Halts, calls, kills, sessions, definitions.
    fn run_market(&mut self, account: AccountId, request: Request) {
        let operator = Request { client_id: request.client_id, ..Request::default() };
        let unary = Request { account, ..Request::default() };
        match self.chance.below(14) {
            0 if self.chance.one_in(2) => {
                let scope = self.scope();
                self.apply(operator, Halt { scope, reason: String::new() });
            }
            0..4 => {
                let scope = self.pick_halted();
                self.apply(operator, Resume { scope });
            }
            4 => {
                let until = self
                    .chance
                    .one_in(2)
                    .then(|| self.now.plus_nanos(self.chance.below(400) as i64 * Time::SECOND));
                let scope = self.scope();
                self.apply(operator, OpenAuction { scope, until });
            }
            5 | 6 => {
                let (scope, reference) = (self.scope(), self.chance.one_in(2).then(|| self.price()));
                self.apply(operator, Uncross { scope, reference });
            }
            7 => {
                let (instrument, price) = (self.instrument(), self.price());
                let product = ProductId(self.chance.number(1, 2) as u32);
                let command: Command = match self.chance.below(4) {
                    0 => SetFairPrices { prices: vec![(product, price)], digest: [0; 16] }.into(),
                    1 => self.observations(account),
                    2 => self.standing(account),
                    _ => SetReference { instrument, price, digest: [0; 16] }.into(),
                };
                self.apply(operator, command);
            }
            8 if self.chance.one_in(6) => {
                self.apply(operator, Kill { account, reason: String::new() });
            }
            8 | 9 => {
                self.apply(operator, Unkill { account });
            }
            10 | 11 => {
                let name = ClientId::new(self.chance.pick(&["x", "y", ""])).unwrap();
                let cancel_on_disconnect = self.chance.one_in(2);
                let answer = self.apply(unary, LogOn { name, cancel_on_disconnect });
                let session = SessionId(answer.number as u32);
                if answer.refused.is_none() && self.sessions.iter().all(|known| known.0 != session) {
                    self.sessions.push((session, account, 0));
                }
            }
            12 if self.chance.one_in(3) => {
                let session = SessionId(self.chance.number(1, 8) as u32);
                self.apply(unary, LogOff { session });
            }
            12 => {}
            _ if self.chance.one_in(4) => {
                self.apply(operator, Restart { version: String::new() });
            }
            _ => {
                let at = self.chance.below(2) as usize;
                let mut product = self.products()[at].clone();
                let number = self.chance.number(0, 12);
                match self.chance.below(8) {
                    0 => product.tick = Price(number),
                    1 => product.reference = Some(Price(number.wrapping_mul(100))),
                    2 => {
                        // What was listed before keeps its gate: hours may close before the day that they are of.
                        let longest = self.chance.pick(&[1, 20, 300, 3_000]);
                        product.gate_hour = self.chance.number(0, longest).saturating_mul(Time::MINUTE);
                        let more = self.chance.number(0, longest).saturating_mul(Time::MINUTE);
                        product.gate_longer = product.gate_hour.saturating_add(more);
                    }
                    3 => product.max_notional = Money(number),
                    4 => product.horizon.hours = number as u32,
                    5 => product.maker_fee_ppm = number as u32,
                    6 => product.auction = None,
                    _ => product.currency = "USD".into(),
                }
                self.apply(operator, DefineProduct { product: product.into() });
            }
        }
    }

    fn restart_twin(&mut self) {
        let mut bytes = Vec::new();
        self.twin.encode(&mut bytes);
        self.twin = Exchange::decode(&bytes).expect("a snapshot is read back");
        let mut again = Vec::new();
        self.twin.encode(&mut again);
        assert_eq!(again, bytes, "a restored state has the same bytes");
        assert_eq!(self.twin.state_hash(), self.exchange.state_hash(), "life and recovery lead to one state");
    }
}

#[expect(clippy::disallowed_methods, reason = "whoever debugs a seed asks for it")]
fn seeds() -> Vec<u64> {
    match std::env::var("HOURBOOK_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => SEEDS.collect(),
    }
}

#[test]
fn no_history_breaks_a_promise() {
    let (mut ran, mut refused, mut traded, mut steps) = (BTreeMap::new(), BTreeMap::new(), 0, 0);
    for seed in seeds() {
        let mut trace = Trace(seed, 0);
        let mut day = Day::new(seed);
        for step in 0..STEPS {
            trace.1 = step;
            day.step();
            if day.chance.one_in(100) {
                day.restart_twin();
            }
        }
        println!(
            "seed {seed}: {} commands, {} refused, {} trades",
            day.exchange.stamp().seq,
            day.refused.values().sum::<u64>(),
            day.traded
        );
        traded += day.traded;
        steps += day.exchange.stamp().seq;
        day.ran.into_iter().for_each(|(name, count)| *ran.entry(name).or_insert(0) += count);
        day.refused.into_iter().for_each(|(reason, count)| *refused.entry(reason).or_insert(0) += count);
    }
    println!("{ran:?}\nrefused: {refused:?}");
    assert!(
        seeds().len() == 1 || traded * 50 > steps,
        "enough trades for the rest to mean something: {traded} of {steps}"
    );
}
