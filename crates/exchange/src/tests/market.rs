//! A small market that reads its commands from text and writes its events as text.
//!
//! Time begins at 2026-11-23T00:00Z. One product, `GP.CNNX.A`, tick 0.0001, fees 0 unless said otherwise,
//! an hour `h` (2026-11-24T08), its day `d`, its week `w`. Accounts are named; a first mention opens one
//! of a participant of the same name (`ann2` is a second account of `ann`).

use crate::*;
use hourbook_model::*;
use std::collections::BTreeMap;
use std::fmt::Write;

pub const START: i64 = 1_795_392_000 * Time::SECOND;

pub struct Market {
    pub exchange: Exchange,
    accounts: BTreeMap<String, AccountId>,
    participants: BTreeMap<String, ParticipantId>,
    sessions: BTreeMap<String, (SessionId, u64)>,
    orders: BTreeMap<String, OrderId>,
    pub now: Time,
    /// What happened, as events; kept for those who compare runs.
    pub events: Vec<Event>,
}

pub fn product() -> Product {
    Product {
        symbol: "GP.CNNX.A".parse().unwrap(),
        currency: "CNY".into(),
        tick: Price(100),
        tier: TierTerms { availability_ppm: 999_500, notice: 0, penalty_ppm: 1_000_000 },
        horizon: Horizon { hours: 48, days: 14, weeks: 3, months: 1 },
        gate_hour: 5 * Time::MINUTE,
        gate_longer: 60 * Time::MINUTE,
        auction: None,
        band: None,
        reference: None,
        max_quantity: Quantity(1_000_000),
        max_notional: Money(1_000_000 * MICROS),
        maker_fee_ppm: 0,
        taker_fee_ppm: 0,
    }
}

pub fn class() -> Class {
    Class {
        code: "GP".into(),
        title: "General".into(),
        unit: "vCPU".into(),
        vcpu_milli: 1_000,
        memory_gib_milli: 4_000,
        disk_gb_milli: 0,
        network_mbps: 100,
        benchmark: "stress-ng".into(),
        benchmark_score: 1,
        families: vec![],
        assumptions: vec![],
    }
}

fn micros(text: &str) -> i64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let part: i64 = format!("{part:0<6}").parse().unwrap();
    let whole: i64 = whole.parse().unwrap();
    whole * MICROS + if negative { -part } else { part }
}

pub fn shown(micros: i64) -> String {
    let text = format!(
        "{}{}.{:06}",
        if micros < 0 { "-" } else { "" },
        micros.abs() / MICROS,
        micros.abs() % MICROS
    );
    let cut = text.trim_end_matches('0');
    let least = text.find('.').unwrap() + 3;
    text[..cut.len().max(least)].to_string()
}

impl Market {
    pub fn with(product: Product) -> Market {
        let mut market = Market {
            exchange: Exchange::new(),
            accounts: BTreeMap::new(),
            participants: BTreeMap::new(),
            sessions: BTreeMap::new(),
            orders: BTreeMap::new(),
            now: Time(START),
            events: Vec::new(),
        };
        market.apply(Request::default(), DefineProduct { product: product.into() });
        while market.exchange.next_due().is_some_and(|due| due <= market.now) {
            market.apply(Request::default(), Tick {});
        }
        market.events.clear();
        market
    }

    /// One command, now.
    pub fn apply(&mut self, request: Request, command: impl Into<Command>) -> Answer {
        let at = Stamp { seq: self.exchange.stamp().seq + 1, time: self.now };
        let command = command.into();
        let answer = self.exchange.apply(at, &request, &command, &mut self.events);
        self.exchange.check();
        answer
    }

    pub fn instrument(&self, name: &str) -> InstrumentId {
        let period = match name {
            "h" => "H20261124T08",
            "d" => "D20261124",
            "w" => "W2026W49",
            name => name,
        };
        let symbol = format!("GP.CNNX.A.{period}").parse().ok();
        symbol.and_then(|symbol| self.exchange.instrument_named(&symbol)).unwrap_or(InstrumentId(0))
    }

    pub fn account(&mut self, name: &str) -> AccountId {
        if name == "nobody" {
            return AccountId(1_000_000);
        }
        if let Some(&known) = self.accounts.get(name) {
            return known;
        }
        let owner = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_string();
        let participant = match self.participants.get(&owner) {
            Some(&known) => known,
            None => {
                let made = self.apply(Request::default(), CreateParticipant { name: owner.clone() });
                ParticipantId(made.number as u32)
            }
        };
        self.participants.insert(owner, participant);
        let made = self.apply(Request::default(), CreateAccount { participant, name: name.into() });
        let account = AccountId(made.number as u32);
        self.accounts.insert(name.into(), account);
        account
    }

    fn name(&self, account: AccountId) -> &str {
        self.accounts.iter().find(|known| *known.1 == account).map_or("?", |known| known.0)
    }

    pub fn request(&mut self, name: &str, client_id: &str) -> Request {
        Request {
            account: self.account(name),
            client_id: ClientId::new(client_id).unwrap(),
            ..Request::default()
        }
    }

    /// The request as a message of the session that follows `in`, if one does.
    fn in_session(&mut self, request: Request, words: &[&str]) -> Request {
        let Some(at) = words.iter().position(|word| *word == "in") else { return request };
        let known = self.sessions.get_mut(words[at + 1]).expect("a session that logged on");
        known.1 += u64::from(!words.contains(&"again"));
        Request { session: known.0, number: known.1, ..request }
    }

    fn scope(&self, word: &str) -> Scope {
        match word {
            "market" => Scope::Market,
            "product" => Scope::Product(ProductId(1)),
            name => Scope::Instrument(self.instrument(name)),
        }
    }

    /// Tells a story: each line a command, or a question; gives what was answered and published.
    ///
    /// `give ann 100` cash; `offer bob 5 h` declares capacity for that period; `buy ann h 3 @ 2.00 as o1 [words]`,
    /// words: market, ioc, fok, day, post, stop 2.1, show 2, budget 12, least 2, until 3600, stp oldest|newest|both|less;
    /// `cancel ann o1`; `amend ann o1 [3] [@ 2.00]`; `reduce ann o1 1`; `mass ann market [buy]`; `quote ann h 5 @ 1.9 5 @ 2.1`;
    /// `halt h`, `resume h`, `call h [600]`, `uncross h [@ 2.00]`, `kill ann`, `lift ann`, `fair h @ 2.00`;
    /// `logon ann s1 [cancel]`, `logoff ann s1`, `restart`, `wait 3600`, `sleep 3600`, `tick`; `limit ann 2`, `unlimited ann`; `status H20261127T08`,
    /// `gates 5 60` minutes ahead from now on; `requests ann`, `money ann`, `book h`, `hours ann`, `holdings ann`.
    /// An order or a cancel with `in s1` is that session's next message, with `in s1 again` its last one once more.
    pub fn tell(&mut self, story: &str) -> String {
        let mut told = String::new();
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let seen = self.events.len();
            let words: Vec<&str> = line.split_whitespace().collect();
            let answer = self.perform(&words, &mut told);
            let events: Vec<Event> = self.events[seen..].to_vec();
            for event in &events {
                if let Some(text) = self.show(event) {
                    writeln!(told, "{text}").unwrap();
                }
            }
            if let Some(answer) = answer
                && answer.repeated
            {
                writeln!(told, "repeated: the answer of {}", answer.stamp.seq).unwrap();
            }
        }
        told
    }

    fn perform(&mut self, words: &[&str], told: &mut String) -> Option<Answer> {
        let number = |at: usize| -> i64 { words[at].parse().unwrap_or_else(|_| panic!("{words:?}[{at}]")) };
        let after = |word: &str| words.iter().position(|one| *one == word).map(|at| words[at + 1]);
        let has = |word: &str| words.contains(&word);
        let operator = Request::default();
        Some(match words[0] {
            "give" => {
                let account = self.account(words[1]);
                let amount = Money(micros(words[2]));
                self.apply(
                    operator,
                    Deposit { account, currency: "CNY".into(), amount, reference: String::new() },
                )
            }
            "take" => {
                let account = self.account(words[1]);
                let amount = Money(micros(words[2]));
                self.apply(
                    operator,
                    Withdraw { account, currency: "CNY".into(), amount, reference: String::new() },
                )
            }
            "credit" => {
                let account = self.account(words[1]);
                let credit = Credit::Line(Money(micros(words[2])));
                self.apply(operator, SetCredit { account, currency: "CNY".into(), credit })
            }
            "unlimited" => {
                let account = self.account(words[1]);
                self.apply(operator, SetCredit { account, currency: "CNY".into(), credit: Credit::Unlimited })
            }
            "limit" => {
                let account = self.account(words[1]);
                let limits = Limits { open_orders: number(2) as u32, ..Limits::default() };
                self.apply(operator, SetLimits { account, limits })
            }
            "offer" => {
                let account = self.account(words[1]);
                let id = self.instrument(words[3]);
                let period = self.exchange.instrument(id).unwrap().symbol.period;
                let (from, hours, quantity) = (period.start, period.hours, Quantity(number(2)));
                let attestation = "seen".into();
                self.apply(
                    operator,
                    DeclareCapacity { account, product: ProductId(1), from, hours, quantity, attestation },
                )
            }
            "buy" | "sell" => {
                let name = self.request(words[1], after("as").unwrap_or(""));
                let request = self.in_session(name, words);
                let stop = after("stop").map(micros);
                let price = after("@").map_or(0, micros);
                let order_type = match (stop, has("market")) {
                    (Some(_), true) => OrderType::Stop,
                    (Some(_), false) => OrderType::StopLimit,
                    (None, true) => OrderType::Market,
                    (None, false) => OrderType::Limit,
                };
                let time_in_force = match () {
                    _ if has("ioc") => TimeInForce::Ioc,
                    _ if has("fok") => TimeInForce::Fok,
                    _ if has("day") => TimeInForce::Day,
                    _ if has("budget") => TimeInForce::FokBudget(Money(micros(after("budget").unwrap()))),
                    _ if has("until") => TimeInForce::Gtd(
                        self.now.plus_nanos(after("until").unwrap().parse::<i64>().unwrap() * Time::SECOND),
                    ),
                    _ => TimeInForce::Gtc,
                };
                let order = NewOrder {
                    instrument: self.instrument(words[2]),
                    side: if words[0] == "buy" { Side::Buy } else { Side::Sell },
                    order_type,
                    time_in_force,
                    price: Price(price),
                    trigger: Price(stop.unwrap_or(0)),
                    quantity: Quantity(number(3)),
                    display: Quantity(after("show").map_or(0, |lots| lots.parse().unwrap())),
                    minimum: Quantity(after("least").map_or(0, |lots| lots.parse().unwrap())),
                    post_only: has("post"),
                    self_trade: match after("stp") {
                        Some("newest") => SelfTrade::CancelNewest,
                        Some("oldest") => SelfTrade::CancelOldest,
                        Some("both") => SelfTrade::CancelBoth,
                        Some("less") => SelfTrade::Decrement,
                        _ => SelfTrade::Allow,
                    },
                };
                let answer = self.apply(request, PlaceOrder { order });
                if let Some(name) = after("as") {
                    self.orders.insert(name.into(), answer.order);
                }
                answer
            }
            "cancel" => {
                let request = self.request(words[1], "");
                let request = self.in_session(request, words);
                let order = OrderRef::Client(ClientId::new(words[2]).unwrap());
                self.apply(request, CancelOrder { order })
            }
            "reduce" => {
                let request = self.request(words[1], "");
                let order = OrderRef::Client(ClientId::new(words[2]).unwrap());
                self.apply(request, ReduceOrder { order, by: Quantity(number(3)) })
            }
            "amend" => {
                let request = self.request(words[1], "");
                let amendment = Amendment {
                    order: OrderRef::Client(ClientId::new(words[2]).unwrap()),
                    instrument: None,
                    price: after("@").map(|price| Price(micros(price))),
                    quantity: words.get(3).and_then(|lots| lots.parse().ok()).map(Quantity),
                    trigger: after("stop").map(|price| Price(micros(price))),
                };
                self.apply(request, AmendOrder { amendment })
            }
            "mass" => {
                let request = self.request(words[1], "");
                let side = if has("buy") {
                    Some(Side::Buy)
                } else if has("sell") {
                    Some(Side::Sell)
                } else {
                    None
                };
                let scope = self.scope(words[2]);
                self.apply(request, MassCancel { scope, side })
            }
            "quote" => {
                let request = self.request(words[1], "");
                let quote = Quote {
                    instrument: self.instrument(words[2]),
                    bid_quantity: Quantity(number(3)),
                    bid_price: Price(micros(words[5])),
                    ask_quantity: Quantity(number(6)),
                    ask_price: Price(micros(words[8])),
                };
                let quotes = vec![quote];
                self.apply(
                    request,
                    MassQuote { quotes, post_only: has("post"), self_trade: SelfTrade::Allow },
                )
            }
            "halt" => self.apply(operator, Halt { scope: self.scope(words[1]), reason: "test".into() }),
            "resume" => self.apply(operator, Resume { scope: self.scope(words[1]) }),
            "call" => {
                let until = words
                    .get(2)
                    .map(|after| self.now.plus_nanos(after.parse::<i64>().unwrap() * Time::SECOND));
                self.apply(operator, OpenAuction { scope: self.scope(words[1]), until })
            }
            "uncross" => {
                let reference = after("@").map(|price| Price(micros(price)));
                self.apply(operator, Uncross { scope: self.scope(words[1]), reference })
            }
            "fair" => {
                let (instrument, price) = (self.instrument(words[1]), Price(micros(words[3])));
                self.apply(operator, SetReference { instrument, price, digest: [0; 16] })
            }
            "kill" => {
                let account = self.account(words[1]);
                self.apply(operator, Kill { account, reason: "test".into() })
            }
            "lift" => {
                let account = self.account(words[1]);
                self.apply(operator, Unkill { account })
            }
            "logon" => {
                let request = self.request(words[1], "");
                let name = ClientId::new(words[2]).unwrap();
                let answer = self.apply(request, LogOn { name, cancel_on_disconnect: has("cancel") });
                if answer.refused.is_none() {
                    let last = self.sessions.get(words[2]).map_or(0, |known| known.1);
                    self.sessions.insert(words[2].into(), (SessionId(answer.number as u32), last));
                }
                answer
            }
            "logoff" => {
                let request = self.request(words[1], "");
                let session = self.sessions[words[2]].0;
                self.apply(request, LogOff { session })
            }
            "gates" => {
                let terms = &self.exchange.product(ProductId(1)).unwrap().terms;
                let (gate_hour, gate_longer) = (number(1) * Time::MINUTE, number(2) * Time::MINUTE);
                let terms = Product { gate_hour, gate_longer, ..terms.clone() };
                self.apply(operator, DefineProduct { product: terms.into() })
            }
            "restart" => self.apply(operator, Restart { version: "test".into() }),
            "wait" => {
                self.now = self.now.plus_nanos(number(1) * Time::SECOND);
                while self.exchange.next_due().is_some_and(|due| due <= self.now) {
                    self.apply(operator, Tick {});
                }
                return None;
            }
            // Time passes, and nobody ticks: the next command finds the past undone.
            "sleep" => {
                self.now = self.now.plus_nanos(number(1) * Time::SECOND);
                return None;
            }
            "tick" => {
                while self.exchange.next_due().is_some_and(|due| due <= self.now) {
                    self.apply(operator, Tick {});
                }
                return None;
            }
            "status" => {
                let status = self.exchange.instrument(self.instrument(words[1])).map(|one| one.status);
                writeln!(told, "{} is {status:?}", words[1]).unwrap();
                return None;
            }
            // Which message of a session each report of an account answers.
            "requests" => {
                let account = self.account(words[1]);
                for event in &self.events {
                    if let Event::Reported(report) = event
                        && report.account == account
                    {
                        let (kind, order) = (report.kind, self.order_name(report.order));
                        writeln!(told, "{order} {kind:?} answers {}:{}", report.session, report.request)
                            .unwrap();
                    }
                }
                return None;
            }
            "money" => {
                let account = self.account(words[1]);
                for balance in self.exchange.balances(account) {
                    let (cash, held, escrow) =
                        (shown(balance.cash.0), shown(balance.held.0), shown(balance.escrow.0));
                    writeln!(told, "{} has {cash}, held {held}, escrow {escrow}", words[1]).unwrap();
                }
                return None;
            }
            "fees" => {
                writeln!(told, "the house has {}", shown(self.exchange.fees()[0].1.0)).unwrap();
                return None;
            }
            "book" => {
                let book = self.exchange.book(self.instrument(words[1]), 10, 0).unwrap();
                let side = |levels: &[Level]| {
                    let levels = levels.iter().map(|level| {
                        format!("{} @ {} ({})", level.quantity, shown(level.price.0), level.orders)
                    });
                    levels.collect::<Vec<_>>().join(", ")
                };
                writeln!(told, "bids [{}] asks [{}] {:?}", side(&book.bids), side(&book.asks), book.status)
                    .unwrap();
                return None;
            }
            "hours" => {
                let account = self.account(words[1]);
                for part in self.exchange.hours(account, ProductId(1)).iter().take(6) {
                    let period = Period::holding(PeriodKind::Hour, part.from);
                    writeln!(
                        told,
                        "{period} for {}: declared {}, available {}",
                        part.hours, part.declared, part.available
                    )
                    .unwrap();
                }
                return None;
            }
            "holdings" => {
                let account = self.account(words[1]);
                for position in self.exchange.positions(account).iter().take(6) {
                    let (cost, realised) = (shown(position.cost.0), shown(position.realised.0));
                    writeln!(
                        told,
                        "{} {} cost {cost} realised {realised}",
                        position.symbol.period, position.units
                    )
                    .unwrap();
                }
                return None;
            }
            word => panic!("no such command: {word}"),
        })
    }

    fn order_name(&self, id: OrderId) -> String {
        self.orders
            .iter()
            .find(|known| *known.1 == id)
            .map_or_else(|| "an order".into(), |known| known.0.clone())
    }

    /// The events a story is about; those on listings, entries and reports of trades' second sides stay apart.
    fn show(&mut self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Reported(report) => {
                let who = self.name(report.account).to_string();
                if report.order != OrderId::NONE && !report.client_id.is_none() {
                    self.orders.entry(report.client_id.as_str().into()).or_insert(report.order);
                }
                let order = self.order_name(report.order);
                match report.kind {
                    ReportKind::Accepted => format!("accepted {who} {order}"),
                    ReportKind::Rejected(reason) => format!("rejected {who} {reason:?}"),
                    ReportKind::Filled(fill) if fill.liquidity == Liquidity::Taker => return None,
                    ReportKind::Filled(fill) if fill.fee != Money(0) => {
                        format!("fee {who} {}", shown(fill.fee.0))
                    }
                    ReportKind::Filled(_) => return None,
                    ReportKind::Cancelled { quantity, reason } => {
                        format!("cancelled {who} {order} {quantity} {reason:?}")
                    }
                    ReportKind::Amended => {
                        format!("amended {who} {order} {} @ {}", report.leaves, shown(report.price.0))
                    }
                    ReportKind::Reduced => format!("reduced {who} {order} to {}", report.leaves),
                    ReportKind::Triggered => format!("triggered {who} {order}"),
                    ReportKind::CancelRejected(reason) => format!("cancel rejected {who} {reason:?}"),
                    ReportKind::AmendRejected(reason) => format!("amend rejected {who} {reason:?}"),
                    ReportKind::MassCancelled => format!("mass cancelled {who} {}", report.quantity),
                    ReportKind::MassCancelRejected(reason) => {
                        format!("mass cancel rejected {who} {reason:?}")
                    }
                }
            }
            Event::Traded(trade) => {
                let (maker, taker) = (self.order_name(trade.maker), self.order_name(trade.taker));
                format!("trade {} @ {} maker {maker} taker {taker}", trade.quantity, shown(trade.price.0))
            }
            Event::Uncrossed { price, quantity, .. } => format!("uncrossed {quantity} @ {}", shown(price.0)),
            Event::Refused { reason } => format!("refused {reason:?}"),
            Event::StatusChanged { instrument, status } => {
                let interesting = ["h", "d", "w"].iter().find(|name| self.instrument(name) == *instrument);
                match (interesting, status) {
                    (Some(name), status) => format!("{name} is {status:?}"),
                    (None, _) => return None,
                }
            }
            Event::Obliged(one) => {
                let (from, to) = (self.name(one.deliverer), self.name(one.receiver));
                let (paid, cost) = (shown(one.deliverer_cost.0), shown(one.receiver_cost.0));
                format!("{from} owes {to} {} for {paid}, in escrow {cost}", one.quantity)
            }
            Event::Posted(line) if matches!(line.kind, EntryKind::Gate) => {
                let moved = shown(line.cash.0 + line.escrow.0);
                format!("result {} {moved}", self.name(line.account))
            }
            _ => return None,
        })
    }
}
