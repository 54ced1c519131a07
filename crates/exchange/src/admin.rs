//! What operators set: the market's definition, participants, keys, money, capacity; and sessions.

use crate::accounts::Key;
use crate::instruments::Instruments;
use crate::machine::{Exchange, House, RULES, Turn};
use hourbook_ledger::{AccountKind, LEDGER_MAX, Owner, Posting};
use hourbook_model::*;

/// Names are for people: 1 to 100 characters, none of them a control character.
fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// A currency's code is ISO 4217's: three capitals.
fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Ten years ahead, and no further.
fn most_listed(kind: PeriodKind) -> u32 {
    match kind {
        PeriodKind::Hour => 10 * 366 * 24,
        PeriodKind::Day => 10 * 366,
        PeriodKind::Week => 10 * 53,
        PeriodKind::Month => 10 * 12,
    }
}

impl Exchange {
    // --- rehearsals ---

    /// Time stands but for [`AdvanceTime`].
    pub fn is_rehearsal(&self) -> bool {
        self.rehearsal
    }

    /// Whether `AdvanceTime` moves time now: in a rehearsal, or while nothing says yet that this is none.
    pub fn may_advance_time(&self) -> bool {
        let Instruments { classes, regions, .. } = &self.instruments;
        let is_new = classes.is_empty() && regions.is_empty() && self.products().next().is_none();
        self.rehearsal || is_new && self.accounts.participants.is_empty()
    }

    /// Whoever stamps commands gives this one the time that it asks for, where it may.
    pub(crate) fn advance_time(&mut self, turn: &mut Turn, to: Time) -> Answer {
        if !self.may_advance_time() {
            return self.refuse(turn, RejectReason::Unsupported);
        }
        if turn.at.time != to {
            return self.refuse(turn, RejectReason::BadRange);
        }
        self.rehearsal = true;
        self.answer()
    }

    // --- the market's definition ---

    pub(crate) fn set_rules_version(&mut self, version: u32) -> Answer {
        if version > RULES {
            unreachable!("whoever hands in commands stops at rules that this program does not know");
        }
        self.rules_version = version;
        self.answer()
    }

    pub(crate) fn define_class(&mut self, class: &Class) -> Answer {
        self.instruments.classes.insert(class.code.clone(), class.clone());
        self.answer()
    }

    pub(crate) fn define_region(&mut self, region: &Region) -> Answer {
        self.instruments.regions.insert(region.code.clone(), region.clone());
        self.answer()
    }

    pub(crate) fn define_product(&mut self, turn: &mut Turn, product: &Product) -> Answer {
        if !is_currency(&product.currency)
            || !ProductSymbol::is_class(&product.symbol.class)
            || !ProductSymbol::is_region(&product.symbol.region)
        {
            return self.refuse(turn, RejectReason::BadName);
        }
        let lots = (1..=i64::from(u32::MAX)).contains(&product.max_quantity.0);
        // With its fee a notional is still far within what the ledger can hold.
        let notional = (1..=Price::CAP.0).contains(&product.max_notional.0);
        let is_price = |price: Price| (1..=Price::CAP.0).contains(&price.0) && price.0 % product.tick.0 == 0;
        let prices = (1..=Price::CAP.0).contains(&product.tick.0) && product.reference.is_none_or(is_price);
        let fees = product.maker_fee_ppm <= 1_000_000 && product.taker_fee_ppm <= 1_000_000;
        let day = 0..=Time::DAY;
        let bands = product.band.is_none_or(|band| {
            band.trade_ppm > 0 && band.order_ppm > 0 && band.call > 0 && day.contains(&band.call)
        });
        // A longer period closes before its hours do.
        let gates = day.contains(&product.gate_hour)
            && (product.gate_hour..=28 * Time::DAY).contains(&product.gate_longer);
        let auction = product.auction.is_none_or(|auction| {
            day.contains(&auction.call)
                && auction.call < auction.freeze
                && auction.freeze < auction.uncross
                && day.contains(&auction.uncross)
        });
        let horizon = PeriodKind::ALL.iter().all(|kind| product.horizon.of(*kind) <= most_listed(*kind));
        if !(lots && notional && prices && fees && bands && auction && gates && horizon) {
            return self.refuse(turn, RejectReason::BadRange);
        }
        let known = self.instruments.product_named(&product.symbol);
        if known.is_some_and(|known| self.instruments.known(known).terms.currency != product.currency) {
            // Positions and holds stand in the old one.
            return self.refuse(turn, RejectReason::AlreadyDefined);
        }
        if !self.instruments.have_room_for(product) {
            return self.refuse(turn, RejectReason::InstrumentsExhausted);
        }
        let currency = self.instruments.currency(&product.currency);
        self.open_house(currency);
        let id = self.instruments.define(product);
        self.unschedule(id);
        self.schedule(turn.at.time, id);
        turn.push(Event::ProductDefined { product: id, symbol: product.symbol.clone() });
        Answer { number: u64::from(id.0), ..self.answer() }
    }

    fn open_house(&mut self, currency: CurrencyId) {
        while self.house.len() <= usize::from(currency.0) {
            let next = CurrencyId(self.house.len() as u16);
            let mut open = |kind| self.ledger.open(Owner::House, next, kind);
            let (outside, fees, clearing) =
                (open(AccountKind::Outside), open(AccountKind::Fees), open(AccountKind::Clearing));
            self.house.push(House { outside, fees, clearing });
        }
    }

    pub(crate) fn set_reference(&mut self, turn: &mut Turn, id: InstrumentId, price: Price) -> Answer {
        let Some(instrument) = self.instruments.get_mut(id) else {
            return self.refuse(turn, RejectReason::UnknownInstrument);
        };
        if price.0 <= 0 || price > Price::CAP || price.0 % instrument.tick.0 != 0 {
            return self.refuse(turn, RejectReason::BadPrice);
        }
        instrument.fair = price;
        self.answer()
    }

    pub(crate) fn adopt_market(&mut self, digest: [u8; 32]) -> Answer {
        self.instruments.adopted = digest;
        self.answer()
    }

    // --- participants, accounts, keys ---

    pub(crate) fn create_participant(&mut self, turn: &mut Turn, name: &str) -> Answer {
        if !is_name(name) {
            return self.refuse(turn, RejectReason::BadName);
        }
        let participant = self.accounts.create_participant(name);
        turn.push(Event::ParticipantCreated { participant, name: name.into() });
        Answer { number: u64::from(participant.0), ..self.answer() }
    }

    pub(crate) fn create_account(
        &mut self,
        turn: &mut Turn,
        participant: ParticipantId,
        name: &str,
    ) -> Answer {
        if !is_name(name) {
            return self.refuse(turn, RejectReason::BadName);
        }
        if self.accounts.participant(participant).is_none() {
            return self.refuse(turn, RejectReason::UnknownParticipant);
        }
        let account = self.accounts.create_account(participant, name);
        turn.push(Event::AccountCreated { account, participant, name: name.into() });
        Answer { number: u64::from(account.0), ..self.answer() }
    }

    pub(crate) fn issue_key(&mut self, turn: &mut Turn, body: &IssueKey) -> Answer {
        let IssueKey { participant, account, role, digest, label } = body;
        let Some(owner) = self.accounts.participant(*participant) else {
            return self.refuse(turn, RejectReason::UnknownParticipant);
        };
        if account.0 != 0 && !owner.accounts.contains(account) {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        if !label.is_empty() && !is_name(label) {
            return self.refuse(turn, RejectReason::BadName);
        }
        if self.accounts.keys.iter().any(|key| key.digest == *digest) {
            return self.refuse(turn, RejectReason::AlreadyDefined);
        }
        let (participant, account, role, digest) = (*participant, *account, *role, *digest);
        self.accounts.keys.push(Key {
            participant,
            account,
            role,
            digest,
            label: label.clone(),
            revoked: false,
        });
        let key = KeyId(self.accounts.keys.len() as u32);
        turn.push(Event::KeyIssued { key, participant, account, role, digest, label: label.clone() });
        Answer { number: u64::from(key.0), ..self.answer() }
    }

    pub(crate) fn revoke_key(&mut self, turn: &mut Turn, key: KeyId) -> Answer {
        let mut operators =
            (1..).zip(&self.accounts.keys).filter(|(_, key)| key.role == Role::Operator && !key.revoked);
        let last = operators.next().filter(|_| operators.next().is_none());
        if last.is_some_and(|(id, _)| KeyId(id) == key) {
            // Nobody could issue another one.
            return self.refuse(turn, RejectReason::LastOperatorKey);
        }
        let Some(known) = self.accounts.key_mut(key) else {
            return self.refuse(turn, RejectReason::UnknownKey);
        };
        known.revoked = true;
        turn.push(Event::KeyRevoked { key });
        self.answer()
    }

    pub(crate) fn set_limits(&mut self, turn: &mut Turn, account: AccountId, limits: Limits) -> Answer {
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        if limits.commands_per_second == 0 {
            return self.refuse(turn, RejectReason::BadRange);
        }
        self.accounts.known_mut(account).limits = limits;
        turn.push(Event::LimitsSet { account, limits });
        self.answer()
    }

    // --- money and hours ---

    pub(crate) fn set_credit(
        &mut self,
        turn: &mut Turn,
        account: AccountId,
        currency: &str,
        credit: Credit,
    ) -> Answer {
        let currency = match self.known_purse(account, currency) {
            Ok(currency) => currency,
            Err(reason) => return self.refuse(turn, reason),
        };
        match credit {
            Credit::Line(line) if !(Money::ZERO..=LEDGER_MAX).contains(&line) => {
                return self.refuse(turn, RejectReason::BadAmount);
            }
            // What it holds unlimited would not be covered by a line.
            Credit::Line(_) if self.accounts.known(account).unlimited => {
                return self.refuse(turn, RejectReason::Unsupported);
            }
            Credit::Line(_) => {
                let purse = self.purse(account, currency);
                self.ledger.set_credit(purse.cash, credit);
            }
            Credit::Unlimited => {
                self.purse(account, currency);
                self.accounts.known_mut(account).unlimited = true;
                let purses: Vec<_> = self.accounts.purses(account).collect();
                for purse in purses {
                    self.ledger.set_credit(purse.cash, credit);
                }
            }
        }
        self.answer()
    }

    fn known_purse(&self, account: AccountId, currency: &str) -> Result<CurrencyId, RejectReason> {
        self.accounts.get(account).ok_or(RejectReason::UnknownAccount)?;
        self.instruments.currency_named(currency).ok_or(RejectReason::UnknownCurrency)
    }

    pub(crate) fn deposit(
        &mut self,
        turn: &mut Turn,
        account: AccountId,
        currency: &str,
        amount: Money,
    ) -> Answer {
        let currency = match self.known_purse(account, currency) {
            Ok(currency) => currency,
            Err(reason) => return self.refuse(turn, reason),
        };
        let outside = self.house[usize::from(currency.0)].outside;
        // The room that is left is the currency's, whichever account asks.
        if amount <= Money::ZERO || !self.ledger.can_credit(outside, amount) {
            return self.refuse(turn, RejectReason::BadAmount);
        }
        let purse = self.purse(account, currency);
        let lines = [Posting::new(outside, -amount), Posting::new(purse.cash, amount)];
        let entry = self.ledger.post(EntryKind::Deposit, &lines);
        self.tell(
            turn,
            LedgerLine { cash: amount, ..Self::blank_line(account, entry, EntryKind::Deposit, currency) },
        );
        Answer { number: entry, ..self.answer() }
    }

    pub(crate) fn withdraw(
        &mut self,
        turn: &mut Turn,
        account: AccountId,
        currency: &str,
        amount: Money,
    ) -> Answer {
        let currency = match self.known_purse(account, currency) {
            Ok(currency) => currency,
            Err(reason) => return self.refuse(turn, reason),
        };
        if amount <= Money::ZERO {
            return self.refuse(turn, RejectReason::BadAmount);
        }
        let Some(purse) = self.accounts.purse(account, currency) else {
            return self.refuse(turn, RejectReason::InsufficientFunds);
        };
        // A credit line buys hours; it is not lent out as cash.
        let own = self.ledger.balance(purse.cash) - self.ledger.held(purse.cash);
        if amount > own {
            return self.refuse(turn, RejectReason::InsufficientFunds);
        }
        let outside = self.house[usize::from(currency.0)].outside;
        let lines = [Posting::new(purse.cash, -amount), Posting::new(outside, amount)];
        let entry = self.ledger.post(EntryKind::Withdrawal, &lines);
        let line = Self::blank_line(account, entry, EntryKind::Withdrawal, currency);
        self.tell(turn, LedgerLine { cash: -amount, ..line });
        Answer { number: entry, ..self.answer() }
    }

    pub(crate) fn declare_capacity(&mut self, turn: &mut Turn, body: &DeclareCapacity) -> Answer {
        let DeclareCapacity { account, product, from, hours, quantity, .. } = *body;
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        if self.instruments.product(product).is_none() {
            return self.refuse(turn, RejectReason::UnknownProduct);
        }
        // Up to two years ahead, so that an hour's number never overflows.
        let now = turn.at.time.hour();
        let until = u64::from(from.0) + u64::from(hours);
        if hours == 0 || from < now || until > u64::from(now.0) + 2 * 366 * 24 {
            return self.refuse(turn, RejectReason::BadRange);
        }
        if !(0..=hourbook_ledger::MAX_CAPACITY.0).contains(&quantity.0) {
            return self.refuse(turn, RejectReason::BadQuantity);
        }
        if self.hours.declare(account, product, from..from.plus(hours), quantity).is_err() {
            return self.refuse(turn, RejectReason::CapacityBelowSold);
        }
        turn.push(Event::CapacityDeclared { account, product, from, hours, quantity });
        self.answer()
    }

    // --- sessions ---

    /// A process took the journal up: nobody is connected any more.
    pub(crate) fn restart(&mut self, turn: &mut Turn) -> Answer {
        let sessions = self.accounts.sessions.iter();
        let connected: Vec<SessionId> =
            sessions.filter(|session| session.connected).map(|session| session.id).collect();
        for &session in &connected {
            self.end_session(turn, session);
        }
        Answer { number: connected.len() as u64, ..self.answer() }
    }

    pub(crate) fn log_on(&mut self, turn: &mut Turn, body: &LogOn) -> Answer {
        let account = turn.request.account;
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        if body.name.is_none() {
            return self.refuse(turn, RejectReason::BadName);
        }
        let Some(id) = self.accounts.session_named(account, body.name) else {
            return self.refuse(turn, RejectReason::TooManySessions);
        };
        let session = self.accounts.session_mut(id).expect("found or made above");
        if session.connected {
            return self.refuse(turn, RejectReason::SessionInUse);
        }
        session.connected = true;
        session.cancel_on_disconnect = body.cancel_on_disconnect;
        turn.push(Event::SessionStarted { session: id, account, name: body.name });
        Answer { number: u64::from(id.0), ..self.answer() }
    }

    pub(crate) fn log_off(&mut self, turn: &mut Turn, session: SessionId) -> Answer {
        match self.accounts.session(session) {
            Some(known) if known.connected && known.account == turn.request.account => {
                let count = self.end_session(turn, session);
                Answer { number: count, ..self.answer() }
            }
            _ => self.refuse(turn, RejectReason::UnknownSession),
        }
    }

    fn end_session(&mut self, turn: &mut Turn, id: SessionId) -> u64 {
        let session = self.accounts.session_mut(id).expect("a session that is connected");
        session.connected = false;
        session.ended = turn.at.seq;
        let (account, cancel) = (session.account, session.cancel_on_disconnect);
        turn.push(Event::SessionEnded { session: id, account });
        if !cancel {
            return 0;
        }
        self.cancel_all(turn, account, CancelReason::Disconnect, |record| record.session == id)
    }
}
