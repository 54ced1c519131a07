//! The state of the exchange, and `apply`: the one place where everything is decided.

use crate::accounts::{Accounts, NOBODY, Recall};
use crate::calendar::Agenda;
use crate::hash::{Map, pairs};
use crate::instruments::Instruments;
use crate::quality::Quality;
use hourbook_book::{Books, Match};
use hourbook_ledger::{HourBook, Ledger, LedgerAccountId, Position, Positions};
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// The newest version of the rules that this program knows; a journal begins with version 0.
pub const RULES: u32 = 0;

/// How far a session's message number may be above the last: one near the end of all numbers would end its session
/// for good.
const MOST_SKIPPED: u64 = 1 << 32;

/// What the exchange knows of a live order beyond its place in the book. Kept at 40 bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct OrderRecord {
    /// Micros of cash held for a buy. A sell holds its leaves in hours.
    pub hold: Money,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub quantity: u32,
    pub cumulative: u32,
    pub session: SessionId,
    /// Neighbours in the account's list, as slots.
    pub previous: u32,
    pub next: u32,
    pub order_type: OrderType,
    pub lifetime: Lifetime,
    pub side: Side,
    pub marks: Marks,
}

/// Time in force of an order that may rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lifetime {
    Gtc,
    Day,
    Gtd,
    /// A stop entered as IOC, or an order that is not to rest.
    Ioc,
    Fok,
    FokBudget,
}

/// Small facts about an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks(u8);

impl Marks {
    pub const QUOTE: Marks = Marks(1);
    pub const NAMED: Marks = Marks(2);
    pub const POST_ONLY: Marks = Marks(4);
    /// Hangs on its account's list and counts as open.
    pub const LINKED: Marks = Marks(8);

    pub fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }

    pub fn with(self, mark: Marks, on: bool) -> Marks {
        if on { Marks(self.0 | mark.0) } else { Marks(self.0 & !mark.0) }
    }
}

impl Default for OrderRecord {
    fn default() -> OrderRecord {
        OrderRecord::GONE
    }
}

impl OrderRecord {
    pub const GONE: OrderRecord = OrderRecord {
        hold: Money(0),
        account: AccountId(0),
        instrument: InstrumentId(0),
        quantity: 0,
        cumulative: 0,
        session: SessionId(0),
        previous: NOBODY,
        next: NOBODY,
        order_type: OrderType::Limit,
        lifetime: Lifetime::Gtc,
        side: Side::Buy,
        marks: Marks(0),
    };

    pub fn leaves(&self) -> Quantity {
        Quantity(i64::from(self.quantity - self.cumulative))
    }

    /// Whether its hold is one sum for whatever prices it meets, rather than so much a lot.
    pub fn spends_one_sum(&self) -> bool {
        self.lifetime == Lifetime::FokBudget || self.order_type == OrderType::Stop
    }
}

/// The house's ledger accounts in one currency.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct House {
    pub outside: LedgerAccountId,
    pub fees: LedgerAccountId,
    pub clearing: LedgerAccountId,
}

/// Positions that a gate has taken out and not yet made obligations of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Unpaired {
    /// All bought or all sold, in the order of accounts.
    pub waiting: VecDeque<(AccountId, Position)>,
    /// The next to be paired with them.
    pub next: Option<(AccountId, Position)>,
}

impl Unpaired {
    pub fn all(&self) -> impl Iterator<Item = &(AccountId, Position)> {
        self.waiting.iter().chain(&self.next)
    }
}

/// One command on its way through the machine.
pub(crate) struct Turn<'a> {
    pub at: Stamp,
    pub request: &'a Request,
    pub events: &'a mut Vec<Event>,
}

/// Whoever asks for what is due: nobody.
const NOBODY_ASKS: Request = Request {
    key: KeyId(0),
    session: SessionId(0),
    account: AccountId(0),
    number: 0,
    client_id: ClientId::NONE,
};

impl Turn<'_> {
    /// The same turn for what time does: its reports answer nobody's request.
    pub fn of_time(&mut self) -> Turn<'_> {
        Turn { at: self.at, request: &NOBODY_ASKS, events: self.events }
    }

    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// The whole market: give it commands in order, and it gives back what became of them.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Exchange {
    pub(crate) stamp: Stamp,
    pub(crate) rules_version: u32,
    /// Time is what `AdvanceTime` says.
    pub(crate) rehearsal: bool,
    pub(crate) instruments: Instruments,
    pub(crate) accounts: Accounts,
    pub(crate) books: Books,
    /// By slot of the order.
    pub(crate) orders: Vec<OrderRecord>,
    /// When DAY and GTD orders end, by slot of the order.
    #[serde(with = "pairs")]
    pub(crate) expiries: Map<u32, (Time, u64)>,
    pub(crate) ledger: Ledger,
    pub(crate) hours: HourBook,
    pub(crate) positions: Positions,
    pub(crate) house: Vec<House>,
    pub(crate) agenda: Agenda,
    /// By hour instrument whose gate is under way.
    pub(crate) unpaired: BTreeMap<InstrumentId, Unpaired>,
    /// What must be delivered, by hour instrument, until it is settled.
    pub(crate) obligations: BTreeMap<InstrumentId, Vec<Obligation>>,
    pub(crate) quality: Quality,
    pub(crate) trades: u64,
    #[serde(skip)]
    pub(crate) matches: Vec<Match>,
    /// The order that the command in hand is about, and how it stood when it ended.
    #[serde(skip)]
    pub(crate) subject: (OrderId, OrderRecord),
}

impl Exchange {
    pub fn new() -> Exchange {
        Exchange::default()
    }

    /// The number and time of the last command applied.
    pub fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Applies one sequenced command: same state and same command give the same events, always.
    ///
    /// `at.seq` is one more than the last and `at.time` not before it. What the command asks for happens,
    /// or is refused with a reason; both are facts. Events are pushed in the order in which they happened.
    pub fn apply(
        &mut self,
        at: Stamp,
        request: &Request,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Answer {
        assert!(at.seq == self.stamp.seq + 1 && at.time >= self.stamp.time, "commands come in order");
        self.stamp = at;
        let mut turn = Turn { at, request, events };
        // Whatever was due before this command happens before it, in bounded slices.
        self.advance(&mut turn.of_time(), matches!(command, Command::Tick(_)));

        match self.admit(request, command) {
            Admission::Go => {}
            Admission::Answered(answer) => return answer,
            Admission::Refused(reason) => return self.refuse_unseen(&mut turn, command, reason),
        }
        let answer = self.dispatch(&mut turn, command);
        if request.number > 0 {
            if let Some(session) = self.accounts.session_mut(request.session) {
                session.last_number = request.number;
            }
        } else if !request.client_id.is_none() {
            self.accounts.remember(request, command, answer);
        }
        answer
    }

    /// Account, session and idempotency: what is checked before anything is looked at.
    fn admit(&self, request: &Request, command: &Command) -> Admission {
        let account = request.account;
        if account.0 != 0 && self.accounts.get(account).is_none() {
            return Admission::Refused(RejectReason::UnknownAccount);
        }
        if request.number > 0 {
            let session = self.accounts.session(request.session);
            return match session.filter(|session| session.connected && session.account == account) {
                None => Admission::Refused(RejectReason::UnknownSession),
                Some(session) if request.number <= session.last_number => {
                    Admission::Answered(Answer { repeated: true, ..self.answer() })
                }
                Some(session) if request.number - session.last_number > MOST_SKIPPED => {
                    Admission::Refused(RejectReason::BadRange)
                }
                Some(_) => Admission::Go,
            };
        }
        if request.client_id.is_none() {
            return Admission::Go;
        }
        match self.accounts.recall(request, command) {
            Recall::New => Admission::Go,
            Recall::Repeats(answer) => Admission::Answered(answer),
            Recall::Reused => Admission::Refused(RejectReason::ClientIdReused),
        }
    }

    fn dispatch(&mut self, turn: &mut Turn, command: &Command) -> Answer {
        match command {
            Command::PlaceOrder(body) => self.place(turn, &body.order),
            Command::AmendOrder(body) => self.amend(turn, &body.amendment),
            Command::CancelOrder(body) => self.cancel(turn, body.order),
            Command::ReduceOrder(body) => self.reduce(turn, body.order, body.by),
            Command::MassCancel(body) => self.mass_cancel(turn, body.scope, body.side),
            Command::MassQuote(body) => self.mass_quote(turn, body),
            Command::Tick(_) => self.answer(),
            Command::Restart(_) => self.restart(turn),
            Command::AdvanceTime(body) => self.advance_time(turn, body.to),
            Command::LogOn(body) => self.log_on(turn, body),
            Command::LogOff(body) => self.log_off(turn, body.session),
            Command::SetRulesVersion(body) => self.set_rules_version(body.version),
            Command::DefineClass(body) => self.define_class(&body.class),
            Command::DefineRegion(body) => self.define_region(&body.region),
            Command::DefineProduct(body) => self.define_product(turn, &body.product),
            Command::SetReference(body) => self.set_reference(turn, body.instrument, body.price),
            Command::AdoptMarket(body) => self.adopt_market(body.digest),
            Command::CreateParticipant(body) => self.create_participant(turn, &body.name),
            Command::CreateAccount(body) => self.create_account(turn, body.participant, &body.name),
            Command::IssueKey(body) => self.issue_key(turn, body),
            Command::RevokeKey(body) => self.revoke_key(turn, body.key),
            Command::SetLimits(body) => self.set_limits(turn, body.account, body.limits),
            Command::SetCredit(body) => self.set_credit(turn, body.account, &body.currency, body.credit),
            Command::Deposit(body) => self.deposit(turn, body.account, &body.currency, body.amount),
            Command::Withdraw(body) => self.withdraw(turn, body.account, &body.currency, body.amount),
            Command::DeclareCapacity(body) => self.declare_capacity(turn, body),
            Command::SubmitObservations(body) => self.submit_observations(turn, body),
            Command::SetStanding(body) => self.set_standing(turn, body),
            Command::SetFairPrices(body) => self.set_fair_prices(turn, body),
            Command::Halt(body) => self.halt(turn, body.scope),
            Command::Resume(body) => self.resume(turn, body.scope),
            Command::OpenAuction(body) => self.open_auction(turn, body.scope, body.until),
            Command::Uncross(body) => self.uncross_scope(turn, body.scope, body.reference),
            Command::Kill(body) => self.kill(turn, body.account),
            Command::Unkill(body) => self.unkill(turn, body.account),
        }
    }

    /// Refuses what never reached its own handler, in the form that its kind of command has.
    fn refuse_unseen(&mut self, turn: &mut Turn, command: &Command, reason: RejectReason) -> Answer {
        if self.accounts.get(turn.request.account).is_some() {
            use ReportKind::*;
            let kind = match command {
                Command::PlaceOrder(body) => return self.reject(turn, &body.order, reason),
                Command::AmendOrder(_) => Some(AmendRejected(reason)),
                Command::CancelOrder(_) | Command::ReduceOrder(_) => Some(CancelRejected(reason)),
                Command::MassCancel(_) => Some(MassCancelRejected(reason)),
                Command::MassQuote(_) => Some(Rejected(reason)),
                _ => None,
            };
            if let Some(kind) = kind {
                return self.reject_change(turn, OrderId::NONE, kind, reason);
            }
        }
        self.refuse(turn, reason)
    }

    /// Refuses a command that is not about an order.
    pub(crate) fn refuse(&self, turn: &mut Turn, reason: RejectReason) -> Answer {
        turn.push(Event::Refused { reason });
        Answer { refused: Some(reason), ..self.answer() }
    }

    /// An answer that says: done.
    pub(crate) fn answer(&self) -> Answer {
        Answer {
            stamp: self.stamp,
            repeated: false,
            refused: None,
            order: OrderId::NONE,
            quantity: Quantity(0),
            cumulative: Quantity(0),
            leaves: Quantity(0),
            price: Price(0),
            number: 0,
        }
    }
}

enum Admission {
    Go,
    Answered(Answer),
    Refused(RejectReason),
}
