//! One scenario through the exchange: a fresh market of one instrument, where everyone has unlimited credit.
//!
//! There is one product without bands, caps or fees, and of its months the last one is traded: a price
//! is a price, and a day can end some 3,600 times before the gate. Every participant has one account. What
//! the scenario calls an order is this module's own: the exchange gives orders ids of its own.

use std::collections::{BTreeMap, BTreeSet};

use hourbook_exchange::Exchange;
use hourbook_model::*;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::scenario::{Error, Name, Operation, Order, Scenario, Violation};

/// What became of a scenario, as it is printed.
pub struct Outcome {
    pub events: Vec<Value>,
    pub book: Value,
}

/// Carries a scenario out.
///
/// # Errors
/// Where an operation asks for what no market could do, such as a price times a quantity beyond 63 bits.
pub fn rehearse(scenario: &Scenario) -> Result<Outcome, Error> {
    let mut rehearsal = Rehearsal::new();
    for (place, operation) in &scenario.operations {
        rehearsal.carry_out(operation).map_err(|bad| scenario.error(place, bad))?;
    }
    Ok(Outcome { book: rehearsal.book(), events: rehearsal.told })
}

/// An event as the scenario format writes it.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Trade {
        maker: &'a Name,
        taker: &'a Name,
        price: Price,
        qty: Quantity,
    },
    Cancelled {
        id: &'a Name,
        qty: Quantity,
        reason: &'static str,
    },
    Rejected {
        id: &'a Name,
        reason: &'static str,
    },
    /// A stop that becomes a market order has no price.
    Amended {
        id: &'a Name,
        #[serde(serialize_with = "price_or_null")]
        price: Price,
        qty: Quantity,
    },
    Triggered {
        id: &'a Name,
    },
    Uncrossed {
        price: Price,
        qty: Quantity,
    },
}

fn price_or_null<S: Serializer>(price: &Price, to: S) -> Result<S::Ok, S::Error> {
    (price.0 > 0).then_some(price).serialize(to)
}

/// Months listed; the last of them is traded.
const MONTHS: u32 = 120;
const SYMBOL: &str = "GP.CNNX.A";

struct Rehearsal {
    exchange: Exchange,
    at: Stamp,
    instrument: InstrumentId,
    hours: i64,
    accounts: BTreeMap<Name, AccountId>,
    /// Owns nothing; asks for what nobody owns.
    stranger: AccountId,
    /// The last order that went by a name, and the name of every order.
    orders: BTreeMap<Name, OrderId>,
    names: BTreeMap<OrderId, Name>,
    /// Killed on one side only, which the exchange does not do.
    half_killed: BTreeSet<AccountId>,
    events: Vec<Event>,
    told: Vec<Value>,
}

impl Rehearsal {
    fn new() -> Rehearsal {
        let mut rehearsal = Rehearsal {
            exchange: Exchange::new(),
            at: Stamp { seq: 0, time: Time(20_000 * Time::DAY + Time::HOUR) },
            instrument: InstrumentId(0),
            hours: 0,
            accounts: BTreeMap::new(),
            stranger: AccountId(0),
            orders: BTreeMap::new(),
            names: BTreeMap::new(),
            half_killed: BTreeSet::new(),
            events: Vec::new(),
            told: Vec::new(),
        };
        rehearsal.operate(DefineProduct { product: product().into() });
        rehearsal.pass_time(0);
        let last = rehearsal.exchange.instruments().last().expect("months are listed");
        rehearsal.instrument = last.id;
        rehearsal.hours = i64::from(last.symbol.period.hours);
        rehearsal.stranger = rehearsal.open_account();
        rehearsal
    }

    /// A new participant with one account, for which everything is covered.
    fn open_account(&mut self) -> AccountId {
        let name = "rehearsal".to_string();
        let participant = ParticipantId(self.operate(CreateParticipant { name: name.clone() }).number as u32);
        let account = AccountId(self.operate(CreateAccount { participant, name }).number as u32);
        self.operate(SetCredit { account, currency: CURRENCY.into(), credit: Credit::Unlimited });
        let limits = Limits { open_orders: u32::MAX, ..Limits::default() };
        self.operate(SetLimits { account, limits });
        account
    }

    fn account(&mut self, participant: &Name) -> AccountId {
        if let Some(&account) = self.accounts.get(participant) {
            return account;
        }
        let account = self.open_account();
        self.accounts.insert(participant.clone(), account);
        account
    }

    /// The order that goes by a name, and who asks for it: the owner, unless another is named.
    fn named(&mut self, id: &Name, participant: Option<&Name>) -> (OrderId, AccountId) {
        let order = self.orders.get(id).and_then(|order| self.exchange.order(*order));
        let account = match (participant, &order) {
            (Some(participant), _) => self.account(participant),
            (None, Some(order)) => order.account,
            (None, None) => self.stranger,
        };
        (order.map_or(OrderId::NONE, |order| order.id), account)
    }

    fn operate(&mut self, command: impl Into<Command>) -> Answer {
        self.apply(AccountId(0), command)
    }

    fn apply(&mut self, account: AccountId, command: impl Into<Command>) -> Answer {
        self.at.seq += 1;
        let request = Request { account, ..Request::default() };
        self.exchange.apply(self.at, &request, &command.into(), &mut self.events)
    }

    /// Time passes, and everything due is done.
    fn pass_time(&mut self, nanos: i64) {
        self.at.time = self.at.time.plus_nanos(nanos);
        while self.exchange.next_due().is_some_and(|due| due <= self.at.time) {
            self.operate(Tick {});
        }
    }

    fn end_day(&mut self) -> Result<(), Violation> {
        let left = Time::DAY - self.at.time.0.rem_euclid(Time::DAY);
        let gate = self.exchange.instrument(self.instrument).map(|instrument| instrument.gate);
        if gate.is_none_or(|gate| self.at.time.plus_nanos(left) >= gate) {
            return Err(Violation::new("op", "a rehearsal has no more days than this"));
        }
        self.pass_time(left);
        Ok(())
    }

    fn carry_out(&mut self, operation: &Operation) -> Result<(), Violation> {
        self.events.clear();
        let instrument = Scope::Instrument(self.instrument);
        match operation {
            Operation::New { id, participant, order } => {
                let account = self.account(participant);
                match self.refused_by_name(id, account, order) {
                    Some(reason) => self.tell(&Told::Rejected { id, reason }),
                    None => self.place(id, account, order),
                }
            }
            Operation::Cancel { id, participant } => {
                let (order, account) = self.named(id, participant.as_ref());
                self.apply(account, CancelOrder { order: OrderRef::Id(order) });
            }
            Operation::Amend { id, participant, price, open, trigger } => {
                let (order, account) = self.named(id, participant.as_ref());
                let amendment = self.amendment(order, *price, *open, *trigger);
                self.apply(account, AmendOrder { amendment });
            }
            Operation::Reduce { id, participant, by } => {
                let (order, account) = self.named(id, participant.as_ref());
                self.apply(account, ReduceOrder { order: OrderRef::Id(order), by: *by });
            }
            Operation::MassCancel { participant, side } => {
                let account = self.account(participant);
                self.apply(account, MassCancel { scope: instrument, side: *side });
            }
            Operation::Kill { participant, side: None } => {
                let account = self.account(participant);
                self.operate(Kill { account, reason: String::new() });
            }
            Operation::Kill { participant, side } => {
                let account = self.account(participant);
                self.half_killed.insert(account);
                self.apply(account, MassCancel { scope: instrument, side: *side });
            }
            Operation::Unkill { participant } => {
                let account = self.account(participant);
                self.half_killed.remove(&account);
                self.operate(Unkill { account });
            }
            Operation::Halt => {
                self.operate(Halt { scope: instrument, reason: String::new() });
            }
            Operation::Resume => {
                self.operate(Resume { scope: instrument });
            }
            Operation::ExpireDay => self.end_day()?,
            Operation::AuctionOpen => {
                self.operate(OpenAuction { scope: instrument, until: None });
            }
            Operation::AuctionUncross { reference } => {
                self.operate(Uncross { scope: instrument, reference: *reference });
            }
        }
        let id = match operation {
            Operation::New { id, .. }
            | Operation::Cancel { id, .. }
            | Operation::Amend { id, .. }
            | Operation::Reduce { id, .. } => Some(id),
            _ => None,
        };
        self.tell_events(id)
    }

    /// What is refused because of a name, or a side's kill, which the exchange cannot know of; in the order of
    /// the checks: halted, killed, bad_qty, duplicate_id.
    fn refused_by_name(&self, id: &Name, account: AccountId, order: &Order) -> Option<&'static str> {
        let live = self.orders.get(id).is_some_and(|order| self.exchange.order(*order).is_some());
        let half_killed = self.half_killed.contains(&account);
        if !live && !half_killed {
            return None;
        }
        let status = self.exchange.instrument(self.instrument).map(|instrument| instrument.status);
        let killed = half_killed || self.exchange.account(account).is_some_and(|account| account.is_killed());
        Some(match () {
            () if status == Some(Status::Halted) => "halted",
            () if killed => "killed",
            () if order.quantity <= Quantity::ZERO => "bad_qty",
            () => "duplicate_id",
        })
    }

    fn place(&mut self, id: &Name, account: AccountId, order: &Order) {
        let time_in_force = match order.time_in_force {
            // The exchange counts price x lots x hours.
            TimeInForce::FokBudget(budget) => {
                TimeInForce::FokBudget(Money(budget.0.saturating_mul(self.hours)))
            }
            other => other,
        };
        let order = NewOrder {
            instrument: self.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force,
            price: order.price.unwrap_or_default(),
            trigger: order.trigger.unwrap_or_default(),
            quantity: order.quantity,
            display: order.display.unwrap_or_default(),
            minimum: Quantity::ZERO,
            // The exchange has no post-only stops.
            post_only: order.post_only && order.trigger.is_none(),
            self_trade: order.self_trade,
        };
        let answer = self.apply(account, PlaceOrder { order });
        if answer.refused.is_none() {
            self.orders.insert(id.clone(), answer.order);
            self.names.insert(answer.order, id.clone());
        }
    }

    /// The open quantity becomes the order quantity; a price or a trigger that the order has none of is left out.
    fn amendment(
        &self,
        id: OrderId,
        price: Option<Price>,
        open: Option<Quantity>,
        trigger: Option<Price>,
    ) -> Amendment {
        let order = self.exchange.order(id);
        let limited = |order_type| matches!(order_type, OrderType::Limit | OrderType::StopLimit);
        let cumulative = order.as_ref().map_or(Quantity::ZERO, |order| order.cumulative);
        Amendment {
            order: OrderRef::Id(id),
            instrument: Some(self.instrument),
            price: price.filter(|_| order.as_ref().is_none_or(|order| limited(order.order_type))),
            quantity: open.map(|open| {
                if open > Quantity::ZERO { Quantity(open.0.saturating_add(cumulative.0)) } else { open }
            }),
            trigger: trigger.filter(|_| order.as_ref().is_none_or(|order| order.trigger.0 > 0)),
        }
    }

    /// Tells what the last operation, about the order `id`, brought about.
    fn tell_events(&mut self, id: Option<&Name>) -> Result<(), Violation> {
        let events = std::mem::take(&mut self.events);
        for event in &events {
            match event {
                Event::Traded(trade) => {
                    let (maker, taker) = (&self.names[&trade.maker], &self.names[&trade.taker]);
                    let (price, qty) = (trade.price, trade.quantity);
                    self.told.push(value(&Told::Trade { maker, taker, price, qty }));
                }
                Event::Uncrossed { price, quantity, .. } => {
                    self.tell(&Told::Uncrossed { price: *price, qty: *quantity });
                }
                Event::Reported(report) => self.tell_report(report, id)?,
                _ => {}
            }
        }
        self.events = events;
        Ok(())
    }

    fn tell_report(&mut self, report: &Report, asked: Option<&Name>) -> Result<(), Violation> {
        let told = match report.kind {
            ReportKind::Rejected(reason)
            | ReportKind::AmendRejected(reason)
            | ReportKind::CancelRejected(reason) => {
                let reason = refusal(reason)?;
                let id = asked.expect("only an operation on an order is rejected");
                Told::Rejected { id, reason }
            }
            ReportKind::Cancelled { quantity, reason } => {
                Told::Cancelled { id: &self.names[&report.order], qty: quantity, reason: ending(reason) }
            }
            ReportKind::Amended => {
                Told::Amended { id: &self.names[&report.order], price: report.price, qty: report.leaves }
            }
            ReportKind::Triggered => Told::Triggered { id: &self.names[&report.order] },
            // Fills are told as trades; the rest is no event of the format.
            ReportKind::Accepted
            | ReportKind::Filled(_)
            | ReportKind::Reduced
            | ReportKind::MassCancelled
            | ReportKind::MassCancelRejected(_) => return Ok(()),
        };
        let told = value(&told);
        self.told.push(told);
        Ok(())
    }

    fn tell(&mut self, told: &Told) {
        self.told.push(value(told));
    }

    fn book(&self) -> Value {
        let book = self.exchange.book(self.instrument, usize::MAX, 0).expect("the instrument stays listed");
        let side = |levels: &[hourbook_exchange::Level]| -> Vec<Value> {
            levels.iter().map(|level| json!([level.price, level.quantity, level.orders])).collect()
        };
        json!({ "bids": side(&book.bids), "asks": side(&book.asks) })
    }
}

fn value(told: &Told) -> Value {
    serde_json::to_value(told).expect("names and numbers are JSON")
}

/// A refusal in the words of the format, or which field of the operation no market could accept.
fn refusal(reason: RejectReason) -> Result<&'static str, Violation> {
    Ok(match reason {
        RejectReason::UnknownOrder => "unknown_order",
        RejectReason::BadQuantity => "bad_qty",
        RejectReason::Halted => "halted",
        RejectReason::Killed => "killed",
        RejectReason::PostOnly => "post_only",
        RejectReason::NoLiquidity => "no_liquidity",
        RejectReason::NotInAuction => "not_in_auction",
        RejectReason::QuantityAboveCap => {
            return Err(Violation::new("qty", format_args!("is above {}", u32::MAX)));
        }
        RejectReason::NotionalAboveCap | RejectReason::InsufficientFunds => {
            return Err(Violation::new("price", "price times quantity is more than the ledger can hold"));
        }
        other => return Err(Violation::new("op", format_args!("the exchange refuses it: {other:?}"))),
    })
}

/// A cancellation in the words of the format.
fn ending(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::User => "user",
        CancelReason::Mass | CancelReason::Kill => "mass",
        CancelReason::Ioc => "ioc",
        CancelReason::Fok => "fok",
        CancelReason::NoLiquidity => "no_liquidity",
        CancelReason::SelfTrade => "stp",
        CancelReason::Reduce => "reduce",
        CancelReason::DayEnd => "day_end",
        CancelReason::AuctionEnd => "auction_end",
        CancelReason::Expired
        | CancelReason::GateClosed
        | CancelReason::Disconnect
        | CancelReason::Minimum
        | CancelReason::Band
        | CancelReason::Uncovered
        | CancelReason::Quote
        | CancelReason::Amend => unreachable!("a rehearsal asks for nothing that ends so"),
    }
}

const CURRENCY: &str = "CNY";

/// A product without bands, caps, auctions or fees, listed by the month.
fn product() -> Product {
    Product {
        symbol: SYMBOL.parse().expect("a symbol"),
        currency: CURRENCY.into(),
        tick: Price(1),
        tier: TierTerms { availability_ppm: 999_500, notice: 0, penalty_ppm: 1_000_000 },
        horizon: Horizon { hours: 0, days: 0, weeks: 0, months: MONTHS },
        gate_hour: 0,
        gate_longer: 0,
        auction: None,
        band: None,
        reference: None,
        max_quantity: Quantity(i64::from(u32::MAX)),
        max_notional: Money(Price::CAP.0),
        maker_fee_ppm: 0,
        taker_fee_ppm: 0,
    }
}
