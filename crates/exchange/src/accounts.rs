//! Who trades: participants, their accounts, keys and sessions, and what each account asked before.
//!
//! An account's hot part (what every order touches) stays apart from its names. Requests are remembered
//! as digests and answers, never as text: while the order lives, and for the account's last 8,192.

use crate::hash::{Map, pairs};
use hourbook_ledger::LedgerAccountId;
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Unary requests an account is remembered for; operators together, where they act for none.
pub const REMEMBERED_REQUESTS: usize = 8_192;

/// Sessions an account is known by; beyond these, the one that was logged off the longest ago is forgotten.
pub const REMEMBERED_SESSIONS: usize = 256;

/// An account's ledger accounts in one currency.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Purse {
    pub currency: CurrencyId,
    pub cash: LedgerAccountId,
    pub escrow: LedgerAccountId,
}

/// The end of an account's list of live orders, as slots; `NOBODY` ends it.
pub const NOBODY: u32 = u32::MAX;

/// One cache line, which every order of the account touches.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Account {
    pub participant: ParticipantId,
    pub killed: bool,
    /// Nothing is refused for want of cash or hours: rehearsals and benchmarks.
    pub unlimited: bool,
    pub limits: Limits,
    /// Live orders in arrival order, chained through their records.
    pub open_orders: u32,
    pub first_order: u32,
    pub last_order: u32,
    /// The numbers last given to a report and to a ledger line.
    pub reports: u64,
    pub lines: u64,
    /// In the currency it was first given; those in others lie apart.
    purse: Option<Purse>,
}

const _: () = assert!(size_of::<Account>() == 64);

/// What an account is called, and what it has asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    /// Keys of `Accounts::memory`, oldest first.
    pub requests: VecDeque<u128>,
    /// The quotes of the last mass quotes, by instrument and side.
    pub quotes: BTreeMap<(InstrumentId, Side), OrderId>,
    pub sessions: BTreeMap<ClientId, SessionId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Participant {
    pub name: String,
    pub accounts: Vec<AccountId>,
}

/// A key as the exchange knows it: its digest only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub participant: ParticipantId,
    /// 0 acts for every account of the participant.
    pub account: AccountId,
    pub role: Role,
    /// blake3 of the key.
    pub digest: [u8; 32],
    pub label: String,
    pub revoked: bool,
}

/// A named session of an account; it outlives its connections. One cache line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Session {
    pub id: SessionId,
    pub account: AccountId,
    pub name: ClientId,
    pub connected: bool,
    pub cancel_on_disconnect: bool,
    /// The highest message number seen: a client resends from the next.
    pub last_number: u64,
    /// The number of the command that it last ended with.
    pub ended: u64,
}

const _: () = assert!(size_of::<Session>() == 64);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Remembered {
    /// Digest of the command.
    body: u64,
    answer: Answer,
    /// Whether it is among the account's last requests; if not, it lives as long as its order.
    recent: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Accounts {
    pub participants: Vec<Participant>,
    pub keys: Vec<Key>,
    /// By slot of the id.
    pub sessions: Vec<Session>,
    accounts: Vec<Account>,
    profiles: Vec<Profile>,
    /// Of accounts that hold more than one currency, all but the first.
    purses: BTreeMap<(AccountId, CurrencyId), Purse>,
    /// Keys of `memory` of requests for no account, an operator's, oldest first.
    requests: VecDeque<u128>,
    #[serde(with = "pairs")]
    memory: Map<u128, Remembered>,
    /// Live orders by the digest of account and client order id, and the ids' texts by order slot.
    #[serde(with = "pairs")]
    live: Map<u128, OrderId>,
    #[serde(with = "pairs")]
    texts: Map<u32, ClientId>,
}

/// What is known of a request's client id.
pub enum Recall {
    New,
    Repeats(Answer),
    Reused,
}

impl Accounts {
    pub fn create_participant(&mut self, name: &str) -> ParticipantId {
        self.participants.push(Participant { name: name.into(), accounts: Vec::new() });
        ParticipantId(self.participants.len() as u32)
    }

    pub fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.get((id.0 as usize).wrapping_sub(1))
    }

    pub fn create_account(&mut self, participant: ParticipantId, name: &str) -> AccountId {
        let id = AccountId(self.accounts.len() as u32 + 1);
        self.participants[participant.0 as usize - 1].accounts.push(id);
        self.accounts.push(Account {
            participant,
            killed: false,
            unlimited: false,
            limits: Limits::default(),
            open_orders: 0,
            first_order: NOBODY,
            last_order: NOBODY,
            reports: 0,
            lines: 0,
            purse: None,
        });
        self.profiles.push(Profile {
            name: name.into(),
            requests: VecDeque::new(),
            quotes: BTreeMap::new(),
            sessions: BTreeMap::new(),
        });
        id
    }

    pub fn get(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get((id.0 as usize).wrapping_sub(1))
    }

    /// An account that is known to exist: its id came out of this machine's own state.
    pub fn known(&self, id: AccountId) -> &Account {
        &self.accounts[id.0 as usize - 1]
    }

    pub fn known_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.0 as usize - 1]
    }

    /// An account's ledger accounts in a currency, if it ever held any.
    #[inline]
    pub fn purse(&self, id: AccountId, currency: CurrencyId) -> Option<Purse> {
        match self.known(id).purse {
            Some(purse) if purse.currency == currency => Some(purse),
            None => None,
            Some(_) => self.purses.get(&(id, currency)).copied(),
        }
    }

    /// All of an account's, the first first, then by currency.
    pub fn purses(&self, id: AccountId) -> impl Iterator<Item = Purse> + '_ {
        let others = self.purses.range((id, CurrencyId(0))..=(id, CurrencyId(u16::MAX)));
        self.first_purse(id).into_iter().chain(others.map(|(_, purse)| *purse))
    }

    /// The one in the currency that an account was given first.
    #[inline]
    pub fn first_purse(&self, id: AccountId) -> Option<Purse> {
        self.known(id).purse
    }

    pub fn add_purse(&mut self, id: AccountId, purse: Purse) {
        let first = &mut self.known_mut(id).purse;
        match first {
            None => *first = Some(purse),
            Some(_) => _ = self.purses.insert((id, purse.currency), purse),
        }
    }

    pub fn profile(&self, id: AccountId) -> &Profile {
        &self.profiles[id.0 as usize - 1]
    }

    pub fn profile_mut(&mut self, id: AccountId) -> &mut Profile {
        &mut self.profiles[id.0 as usize - 1]
    }

    /// Every account in the order of its number.
    pub fn all(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter().zip(1..).map(|(account, id)| (AccountId(id), account))
    }

    #[inline]
    pub fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.slot()?).filter(|session| session.id == id)
    }

    #[inline]
    pub fn session_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(id.slot()?).filter(|session| session.id == id)
    }

    /// The account's session of this name, new unless it is remembered; `None` where all that there may be are
    /// connected.
    pub fn session_named(&mut self, account: AccountId, name: ClientId) -> Option<SessionId> {
        let known = &self.profile(account).sessions;
        if let Some(&id) = known.get(&name) {
            return Some(id);
        }
        let id = if known.len() < REMEMBERED_SESSIONS {
            let slot = self.sessions.len();
            (slot < SessionId::SLOTS).then(|| SessionId::first(slot))?
        } else {
            let over = known.values().filter_map(|id| self.session(*id)).filter(|session| !session.connected);
            let oldest = over.min_by_key(|session| (session.ended, session.id))?;
            let (id, name) = (oldest.id, oldest.name);
            self.profile_mut(account).sessions.remove(&name);
            id.successor()
        };
        let session = Session {
            id,
            account,
            name,
            connected: false,
            cancel_on_disconnect: false,
            last_number: 0,
            ended: 0,
        };
        let slot = id.slot().expect("the slot of a session");
        match self.sessions.get_mut(slot) {
            Some(former) => *former = session,
            None => self.sessions.push(session),
        }
        self.profile_mut(account).sessions.insert(name, id);
        Some(id)
    }

    pub fn key_mut(&mut self, id: KeyId) -> Option<&mut Key> {
        self.keys.get_mut((id.0 as usize).wrapping_sub(1))
    }

    /// Whether this unary request was made before.
    pub fn recall(&self, request: &Request, command: &Command) -> Recall {
        match self.memory.get(&key_of(request.account, &request.client_id)) {
            None => Recall::New,
            Some(known) if known.body == digest_of(command) => {
                Recall::Repeats(Answer { repeated: true, ..known.answer })
            }
            Some(_) => Recall::Reused,
        }
    }

    /// Keeps the answer for as long as idempotency asks.
    pub fn remember(&mut self, request: &Request, command: &Command, answer: Answer) {
        let key = key_of(request.account, &request.client_id);
        let body = digest_of(command);
        self.memory.insert(key, Remembered { body, answer, recent: true });
        let requests = match request.account.0 {
            0 => &mut self.requests,
            account => &mut self.profiles[account as usize - 1].requests,
        };
        requests.push_back(key);
        if requests.len() > REMEMBERED_REQUESTS
            && let Some(oldest) = requests.pop_front()
        {
            if self.live.contains_key(&oldest) {
                if let Some(known) = self.memory.get_mut(&oldest) {
                    known.recent = false;
                }
            } else {
                self.memory.remove(&oldest);
            }
        }
    }

    /// The live order that goes by this client order id.
    pub fn order_named(&self, account: AccountId, client_id: &ClientId) -> Option<OrderId> {
        self.live.get(&key_of(account, client_id)).copied()
    }

    pub fn name_order(&mut self, account: AccountId, client_id: ClientId, order: OrderId) {
        self.live.insert(key_of(account, &client_id), order);
        self.texts.insert(order.slot() as u32, client_id);
    }

    pub fn name_of(&self, order: OrderId) -> ClientId {
        self.texts.get(&(order.slot() as u32)).copied().unwrap_or_default()
    }

    /// Panics at the first promise that does not hold.
    pub fn check(&self) {
        assert_eq!(self.live.len(), self.texts.len(), "every name has one order");
        let named = self.profiles.iter().flat_map(|profile| &profile.sessions);
        let mut sessions = 0;
        for (name, id) in named {
            assert_eq!(
                self.session(*id).map(|session| &session.name),
                Some(name),
                "a name finds its session"
            );
            sessions += 1;
        }
        assert_eq!(sessions, self.sessions.len(), "every session has a name");
        assert!(self.profiles.iter().all(|profile| profile.sessions.len() <= REMEMBERED_SESSIONS));
        let queues = self.profiles.iter().map(|profile| &profile.requests).chain([&self.requests]);
        let mut recent = 0;
        for queue in queues {
            assert!(queue.len() <= REMEMBERED_REQUESTS, "an account's memory is bounded");
            recent += queue.len();
            assert!(queue.iter().all(|key| self.memory.get(key).is_some_and(|known| known.recent)));
        }
        let kept = self.memory.iter().filter(|(_, known)| !known.recent);
        let with_order = kept.clone().filter(|(key, _)| self.live.contains_key(*key));
        assert_eq!(with_order.count(), kept.clone().count(), "what is not recent lives as long as its order");
        assert_eq!(recent + kept.count(), self.memory.len());
    }

    /// The order is over: its name may be used again once its request is forgotten.
    pub fn forget_order(&mut self, account: AccountId, order: OrderId) {
        if let Some(client_id) = self.texts.remove(&(order.slot() as u32)) {
            let key = key_of(account, &client_id);
            self.live.remove(&key);
            if self.memory.get(&key).is_some_and(|known| !known.recent) {
                self.memory.remove(&key);
            }
        }
    }
}

/// The account, and 96 bits of the client id's digest: a collision is found by the one it harms.
#[inline]
fn key_of(account: AccountId, client_id: &ClientId) -> u128 {
    u128::from(account.0) << 96 | Digest::of(client_id.as_str().as_bytes()) >> 32
}

/// What is kept of a request's command.
fn digest_of(command: &Command) -> u64 {
    codec::digest(command) as u64
}
