//! A recorded journal, played again with one participant more.
//!
//! Everybody else asks for what they asked for then. What becomes of it is computed anew, because the strategy's quotes are
//! among theirs; they do not answer to that, as they would have. Whatever was named by a number that is another one
//! here (orders, and participants and accounts made after the strategy's) is found by a second exchange, which goes
//! through the recording as it was.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use hourbook_exchange::Exchange;
use hourbook_journal::Reader;
use hourbook_model::*;

use super::arena::Arena;

pub struct Recording {
    reader: Reader,
    /// As it was.
    then: Exchange,
    events: Vec<Event>,
    /// Orders as they were, to what they are.
    orders: BTreeMap<OrderId, OrderId>,
    /// The strategy's: whoever came later has the number behind.
    participant: Option<ParticipantId>,
    account: Option<AccountId>,
    next: Option<(Stamp, Request, Command)>,
}

impl Recording {
    /// # Errors
    /// What is no journal that begins with its first command.
    pub fn open(directory: &Path, archive: Option<&Path>) -> anyhow::Result<Recording> {
        let directories: Vec<&Path> = [Some(directory), archive].into_iter().flatten().collect();
        let reader = Reader::open(&directories, 0).with_context(|| directory.display().to_string())?;
        let mut recording = Recording {
            reader,
            then: Exchange::new(),
            events: Vec::new(),
            orders: BTreeMap::new(),
            participant: None,
            account: None,
            next: None,
        };
        recording.read()?;
        recording.next.as_ref().with_context(|| format!("{}: the journal is empty", directory.display()))?;
        Ok(recording)
    }

    fn read(&mut self) -> anyhow::Result<()> {
        self.next = match self.reader.read()? {
            None => None,
            Some(record) => {
                let (seq, time) = (record.head.seq, Time(record.head.time));
                let (request, command) = codec::decode(record.head.kind, record.head.version, record.body)
                    .with_context(|| format!("command {seq}"))?;
                Some((Stamp { seq, time }, request, command))
            }
        };
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

    /// The strategy has these from now on.
    pub fn joined(&mut self, participant: ParticipantId, account: AccountId) {
        (self.participant, self.account) = (Some(participant), Some(account));
    }

    /// Has the next command done, as it was and in the arena.
    ///
    /// # Errors
    /// Damage of the journal.
    pub fn play(&mut self, arena: &mut Arena) -> anyhow::Result<()> {
        let Some((stamp, request, command)) = self.next.take() else { return Ok(()) };
        self.events.clear();
        let answer = self.then.apply(stamp, &request, &command, &mut self.events);
        // Time here is never behind what was then.
        arena.at.time = arena.at.time.max(stamp.time);
        let translated = self.translated(&command);
        let request = Request { account: self.account_now(request.account), ..request };
        let now = arena.apply(&request, &translated);
        if let Command::PlaceOrder(_) = command {
            self.orders.insert(answer.order, now.order);
        }
        if let Command::MassQuote(_) = command {
            let accepted =
                |events: &[Event], account: AccountId| -> BTreeMap<(InstrumentId, Side), OrderId> {
                    let of = |event: &Event| match event {
                        Event::Reported(report)
                            if report.account == account && report.kind == ReportKind::Accepted =>
                        {
                            Some(((report.instrument, report.side), report.order))
                        }
                        _ => None,
                    };
                    events.iter().filter_map(of).collect()
                };
            let here = accepted(&arena.events, request.account);
            let back = self.account_then(request.account);
            for (place, order) in accepted(&self.events, back) {
                if let Some(now) = here.get(&place) {
                    self.orders.insert(order, *now);
                }
            }
        }
        for event in &self.events {
            // What is over is named no more.
            if let Event::Reported(report) = event
                && report.leaves == Quantity::ZERO
                && matches!(report.kind, ReportKind::Filled(_) | ReportKind::Cancelled { .. })
            {
                let is_live =
                    self.orders.get(&report.order).is_some_and(|now| arena.exchange.order(*now).is_some());
                if !is_live {
                    self.orders.remove(&report.order);
                }
            }
        }
        self.read()
    }

    fn account_now(&self, account: AccountId) -> AccountId {
        match self.account {
            Some(ours) if account >= ours => AccountId(account.0 + 1),
            _ => account,
        }
    }

    fn account_then(&self, account: AccountId) -> AccountId {
        match self.account {
            Some(ours) if account > ours => AccountId(account.0 - 1),
            _ => account,
        }
    }

    fn participant_now(&self, participant: ParticipantId) -> ParticipantId {
        match self.participant {
            Some(ours) if participant >= ours => ParticipantId(participant.0 + 1),
            _ => participant,
        }
    }

    fn order_now(&self, order: OrderRef) -> OrderRef {
        match order {
            // One that never was here is nobody's.
            OrderRef::Id(id) => OrderRef::Id(self.orders.get(&id).copied().unwrap_or(OrderId::NONE)),
            OrderRef::Client(name) => OrderRef::Client(name),
        }
    }

    /// The command as it has to be said here.
    fn translated(&self, command: &Command) -> Command {
        let mut command = command.clone();
        match &mut command {
            Command::CancelOrder(body) => body.order = self.order_now(body.order),
            Command::ReduceOrder(body) => body.order = self.order_now(body.order),
            Command::AmendOrder(body) => body.amendment.order = self.order_now(body.amendment.order),
            Command::CreateAccount(body) => body.participant = self.participant_now(body.participant),
            Command::IssueKey(body) => {
                body.participant = self.participant_now(body.participant);
                body.account = self.account_now(body.account);
            }
            Command::SetLimits(body) => body.account = self.account_now(body.account),
            Command::SetCredit(body) => body.account = self.account_now(body.account),
            Command::Deposit(body) => body.account = self.account_now(body.account),
            Command::Withdraw(body) => body.account = self.account_now(body.account),
            Command::DeclareCapacity(body) => body.account = self.account_now(body.account),
            Command::SubmitObservations(body) => body.provider = self.participant_now(body.provider),
            Command::SetStanding(body) => body.provider = self.participant_now(body.provider),
            Command::Kill(body) => body.account = self.account_now(body.account),
            Command::Unkill(body) => body.account = self.account_now(body.account),
            _ => {}
        }
        command
    }
}
