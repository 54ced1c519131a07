//! A recorded journal, played again with one participant more.
//!
//! Everybody else asks for what they asked for then. What becomes of it is computed anew, because the strategy's orders are
//! among theirs; they do not answer to that, as they would have. Numbers are other ones here (of orders, sessions,
//! participants, accounts and keys): a second exchange goes through the recording as it was, and what was made then and
//! here by the same command is the same.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use hourbook_exchange::{Exchange, RULES};
use hourbook_journal::Reader;
use hourbook_model::*;

pub struct Recording {
    reader: Reader,
    /// As it was.
    then: Exchange,
    /// What was made then, to what it is here.
    orders: BTreeMap<OrderId, OrderId>,
    sessions: BTreeMap<SessionId, SessionId>,
    participants: BTreeMap<ParticipantId, ParticipantId>,
    accounts: BTreeMap<AccountId, AccountId>,
    keys: BTreeMap<KeyId, KeyId>,
    /// Orders that were over then, and may live on here.
    over: Vec<OrderId>,
    next: Option<(Stamp, Request, Command)>,
    /// Commands that were played.
    pub played: u64,
}

/// A command as it has to be said here.
pub struct Said {
    pub request: Request,
    pub command: Command,
    was: Option<Was>,
}

/// What a command came to then.
struct Was {
    account: AccountId,
    answer: Answer,
    events: Vec<Event>,
}

impl Recording {
    /// # Errors
    /// What is no journal that begins with its first command.
    pub fn open(directory: &Path, archive: Option<&Path>) -> anyhow::Result<Recording> {
        let directories: Vec<&Path> = [Some(directory), archive].into_iter().flatten().collect();
        let reader = Reader::open(&directories, 0).context("--journal")?;
        let mut recording = Recording {
            reader,
            then: Exchange::new(),
            orders: BTreeMap::new(),
            sessions: BTreeMap::new(),
            participants: BTreeMap::new(),
            accounts: BTreeMap::new(),
            keys: BTreeMap::new(),
            over: Vec::new(),
            next: None,
            played: 0,
        };
        recording.read()?;
        recording.next.as_ref().with_context(|| format!("{}: the journal is empty", directory.display()))?;
        Ok(recording)
    }

    fn read(&mut self) -> anyhow::Result<()> {
        self.next = None;
        if let Some(record) = self.reader.read()? {
            let (seq, time) = (record.head.seq, Time(record.head.time));
            let (request, command) = codec::decode(record.head.kind, record.head.version, record.body)
                .with_context(|| format!("command {seq}"))?;
            if let Command::SetRulesVersion(SetRulesVersion { version }) = command
                && version > RULES
            {
                bail!("command {seq} sets rules version {version}: the journal needs a newer program");
            }
            self.next = Some((Stamp { seq, time }, request, command));
        }
        Ok(())
    }

    /// When the next command was made; `None` at the end.
    pub fn next_time(&self) -> Option<Time> {
        self.next.as_ref().map(|(stamp, ..)| stamp.time)
    }

    /// Whether with the next command trading begins.
    pub fn is_about_to_trade(&self) -> bool {
        let command = self.next.as_ref().map(|(_, _, command)| command);
        matches!(command, Some(Command::PlaceOrder(_) | Command::MassQuote(_) | Command::LogOn(_)))
    }

    /// Whether all that the next command names is known here, on the exchange as it was when it was last looked at.
    /// Otherwise what was said before may have made it, and what became of that has to be heard first.
    pub fn is_known(&self, here: &Exchange) -> bool {
        let Some((_, request, command)) = &self.next else { return true };
        let is_order = |order: &OrderRef| match order {
            OrderRef::Id(id) => *id == OrderId::NONE || self.orders.contains_key(id),
            OrderRef::Client(_) => true,
        };
        let is_instrument = |id: InstrumentId| {
            self.then.instrument(id).is_none_or(|one| here.instrument_named(&one.symbol).is_some())
        };
        let is_scope = |scope: &Scope| match scope {
            Scope::Instrument(id) => is_instrument(*id),
            Scope::Market | Scope::Product(_) => true,
        };
        let is_known = match command {
            Command::PlaceOrder(body) => is_instrument(body.order.instrument),
            Command::MassQuote(body) => body.quotes.iter().all(|quote| is_instrument(quote.instrument)),
            Command::SetReference(body) => is_instrument(body.instrument),
            Command::CancelOrder(body) => is_order(&body.order),
            Command::ReduceOrder(body) => is_order(&body.order),
            Command::AmendOrder(body) => is_order(&body.amendment.order),
            Command::MassCancel(body) => is_scope(&body.scope),
            Command::Halt(body) => is_scope(&body.scope),
            Command::Resume(body) => is_scope(&body.scope),
            Command::OpenAuction(body) => is_scope(&body.scope),
            Command::Uncross(body) => is_scope(&body.scope),
            _ => true,
        };
        is_known && (request.session.0 == 0 || self.sessions.contains_key(&request.session))
    }

    /// The next command as it has to be said on the exchange that stands `here`: one, or several in its place, or none
    /// at the end.
    ///
    /// # Errors
    /// Damage of the journal.
    pub fn take(&mut self, here: &Exchange) -> anyhow::Result<Vec<Said>> {
        let Some((stamp, request, command)) = self.next.take() else { return Ok(Vec::new()) };
        let mut said = self.said(here, &request, &command);
        let mut events = Vec::new();
        let answer = self.then.apply(stamp, &request, &command, &mut events);
        self.played += 1;
        let over = |event: &Event| match event {
            Event::Reported(report)
                if report.leaves == Quantity::ZERO
                    && matches!(report.kind, ReportKind::Filled(_) | ReportKind::Cancelled { .. }) =>
            {
                Some(report.order)
            }
            _ => None,
        };
        self.over.extend(events.iter().filter_map(over));
        // What it came to belongs to the last: only a restart is several, and it makes nothing.
        if let Some(last) = said.last_mut() {
            last.was = Some(Was { account: request.account, answer, events });
        }
        self.read()?;
        Ok(said)
    }

    fn said(&self, here: &Exchange, request: &Request, command: &Command) -> Vec<Said> {
        let said = |request: Request, command: Command| Said { request, command, was: None };
        if !matches!(command, Command::Restart(_)) {
            return vec![said(self.request(request), self.translated(here, command))];
        }
        // It ended everybody's session. Here the strategy's goes on.
        let connected = |(then, now): (&SessionId, &SessionId)| {
            let session = self.then.session(*then).filter(|session| session.connected)?;
            let request = Request { account: self.account(session.account), ..Request::default() };
            Some(said(request, LogOff { session: *now }.into()))
        };
        self.sessions.iter().filter_map(connected).collect()
    }

    /// What became of a command here, on the exchange as it stands now.
    pub fn became(&mut self, said: &Said, answer: &Answer, events: &[Event], here: &Exchange) {
        let Some(was) = &said.was else { return };
        let (then, now) = (was.answer.number as u32, answer.number as u32);
        match &said.command {
            Command::MassQuote(_) => {
                let now = accepted(events, said.request.account);
                for ((instrument, side), order) in accepted(&was.events, was.account) {
                    let place = self.instrument(here, instrument).map(|instrument| (instrument, side));
                    if let Some(now) = place.and_then(|place| now.get(&place)) {
                        self.orders.insert(order, *now);
                    }
                }
            }
            _ if was.answer.refused.is_some() || answer.refused.is_some() => {}
            Command::PlaceOrder(_) => drop(self.orders.insert(was.answer.order, answer.order)),
            Command::LogOn(_) => drop(self.sessions.insert(SessionId(then), SessionId(now))),
            Command::CreateParticipant(_) => {
                self.participants.insert(ParticipantId(then), ParticipantId(now));
            }
            Command::CreateAccount(_) => drop(self.accounts.insert(AccountId(then), AccountId(now))),
            Command::IssueKey(_) => drop(self.keys.insert(KeyId(then), KeyId(now))),
            _ => {}
        }
    }

    /// What was over by now is named no more, unless it lives on here.
    pub fn forget(&mut self, here: &Exchange) {
        let orders = &mut self.orders;
        self.over.retain(|order| {
            let lives_on = orders.get(order).is_some_and(|now| here.order(*now).is_some());
            if !lives_on {
                orders.remove(order);
            }
            lives_on
        });
    }

    // What was never made here has a number that nobody has.

    fn account(&self, then: AccountId) -> AccountId {
        let none = if then.0 == 0 { then } else { AccountId(u32::MAX) };
        self.accounts.get(&then).copied().unwrap_or(none)
    }

    fn participant(&self, then: ParticipantId) -> ParticipantId {
        self.participants.get(&then).copied().unwrap_or(ParticipantId(u32::MAX))
    }

    fn session(&self, then: SessionId) -> SessionId {
        let none = if then.0 == 0 { then } else { SessionId(u32::MAX) };
        self.sessions.get(&then).copied().unwrap_or(none)
    }

    fn key(&self, then: KeyId) -> KeyId {
        let none = if then.0 == 0 { then } else { KeyId(u32::MAX) };
        self.keys.get(&then).copied().unwrap_or(none)
    }

    fn order(&self, then: OrderRef) -> OrderRef {
        match then {
            OrderRef::Id(id) => OrderRef::Id(self.orders.get(&id).copied().unwrap_or(OrderId::NONE)),
            OrderRef::Client(name) => OrderRef::Client(name),
        }
    }

    /// The same symbol's: whether it is listed a moment sooner or later, its number may be another one.
    fn instrument(&self, here: &Exchange, then: InstrumentId) -> Option<InstrumentId> {
        here.instrument_named(&self.then.instrument(then)?.symbol)
    }

    fn scope(&self, here: &Exchange, then: Scope) -> Scope {
        match then {
            Scope::Instrument(id) => {
                Scope::Instrument(self.instrument(here, id).unwrap_or(InstrumentId(u32::MAX)))
            }
            Scope::Market | Scope::Product(_) => then,
        }
    }

    fn request(&self, then: &Request) -> Request {
        Request {
            key: self.key(then.key),
            session: self.session(then.session),
            account: self.account(then.account),
            ..*then
        }
    }

    /// The command as it has to be said here.
    fn translated(&self, here: &Exchange, command: &Command) -> Command {
        let mut command = command.clone();
        let instrument = |id: &mut InstrumentId| {
            *id = self.instrument(here, *id).unwrap_or(InstrumentId(u32::MAX));
        };
        match &mut command {
            Command::PlaceOrder(body) => instrument(&mut body.order.instrument),
            Command::MassQuote(body) => {
                body.quotes.iter_mut().for_each(|quote| instrument(&mut quote.instrument));
            }
            Command::SetReference(body) => instrument(&mut body.instrument),
            Command::CancelOrder(body) => body.order = self.order(body.order),
            Command::ReduceOrder(body) => body.order = self.order(body.order),
            Command::AmendOrder(body) => {
                body.amendment.order = self.order(body.amendment.order);
                body.amendment.instrument.iter_mut().for_each(instrument);
            }
            Command::MassCancel(body) => body.scope = self.scope(here, body.scope),
            Command::Halt(body) => body.scope = self.scope(here, body.scope),
            Command::Resume(body) => body.scope = self.scope(here, body.scope),
            Command::OpenAuction(body) => body.scope = self.scope(here, body.scope),
            Command::Uncross(body) => body.scope = self.scope(here, body.scope),
            Command::CreateAccount(body) => body.participant = self.participant(body.participant),
            Command::IssueKey(body) => {
                body.participant = self.participant(body.participant);
                body.account = self.account(body.account);
            }
            Command::RevokeKey(body) => body.key = self.key(body.key),
            Command::SetLimits(body) => body.account = self.account(body.account),
            Command::SetCredit(body) => body.account = self.account(body.account),
            Command::Deposit(body) => body.account = self.account(body.account),
            Command::Withdraw(body) => body.account = self.account(body.account),
            Command::DeclareCapacity(body) => body.account = self.account(body.account),
            Command::SubmitObservations(body) => body.provider = self.participant(body.provider),
            Command::SetStanding(body) => body.provider = self.participant(body.provider),
            Command::Kill(body) => body.account = self.account(body.account),
            Command::Unkill(body) => body.account = self.account(body.account),
            Command::LogOff(body) => body.session = self.session(body.session),
            // These name nobody, or products, which have the numbers that they had.
            Command::Tick(_)
            | Command::Restart(_)
            | Command::AdvanceTime(_)
            | Command::SetRulesVersion(_)
            | Command::DefineClass(_)
            | Command::DefineRegion(_)
            | Command::DefineProduct(_)
            | Command::AdoptMarket(_)
            | Command::CreateParticipant(_)
            | Command::LogOn(_)
            | Command::SetFairPrices(_) => {}
        }
        command
    }
}

/// The orders of an account that were accepted, by their places.
fn accepted(events: &[Event], account: AccountId) -> BTreeMap<(InstrumentId, Side), OrderId> {
    let of = |event: &Event| match event {
        Event::Reported(report) if report.account == account && report.kind == ReportKind::Accepted => {
            Some(((report.instrument, report.side), report.order))
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}
