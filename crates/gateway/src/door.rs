//! The door: whose key it is, what it may do, and how fast.

use crate::allowance::Allowance;
use crate::{roles, status};
use dashmap::DashMap;
use hourbook_exchange::Exchange;
use hourbook_model::{AccountId, Event, KeyId, Limits, ParticipantId, Role};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::sync::Arc;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

/// Who stands behind a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub key: KeyId,
    pub participant: ParticipantId,
    /// The only account it may act for; 0 for all of the participant's.
    pub account: AccountId,
    pub role: Role,
}

/// Keys, accounts and limits, as the journal has them.
#[derive(Default)]
pub struct Door {
    keys: DashMap<[u8; 32], Caller>,
    digests: DashMap<KeyId, [u8; 32]>,
    owners: DashMap<AccountId, ParticipantId>,
    pace: DashMap<AccountId, Arc<Allowance>>,
    looks: DashMap<ParticipantId, Arc<Allowance>>,
}

/// Rows a second that one participant may look at, and at once: a look takes the writer's time too.
const LOOKS_PER_SECOND: u32 = 50_000;
const LOOKS_AT_ONCE: u32 = 200_000;
/// What any look costs, in rows.
const LEAST_LOOK: u32 = 10;
/// What a look costs that stops the writer for as long as the whole state takes: half of all that may be had at once.
pub const WHOLE_STATE: usize = LOOKS_AT_ONCE as usize / 2;

/// The digest under which a key is known: keys are 256 random bits, so a plain hash is enough.
pub fn digest_of(key: &str) -> [u8; 32] {
    *blake3::hash(key.as_bytes()).as_bytes()
}

/// A new key: `hb_` and 64 hexadecimal digits.
///
/// # Errors
/// When the system gives no random bytes.
pub fn new_key() -> Result<String, getrandom::Error> {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits)?;
    Ok(format!("hb_{}", blake3::Hash::from_bytes(bits).to_hex()))
}

impl Door {
    /// As the exchange stands.
    pub fn of(exchange: &Exchange) -> Door {
        let door = Door::default();
        for (id, key) in exchange.keys().filter(|(_, key)| !key.revoked) {
            door.admit_key(id, key.digest, key.participant, key.account, key.role);
        }
        for account in exchange.accounts() {
            door.admit_account(account.id, account.participant(), account.limits());
        }
        door
    }

    /// Takes note of what was published.
    pub fn saw(&self, event: &Event) {
        match *event {
            Event::KeyIssued { key, participant, account, role, digest, .. } => {
                self.admit_key(key, digest, participant, account, role);
            }
            Event::KeyRevoked { key } => self.revoke_key(key),
            Event::AccountCreated { account, participant, .. } => {
                self.admit_account(account, participant, Limits::default());
            }
            Event::LimitsSet { account, limits } => self.set_limits(account, limits),
            _ => {}
        }
    }

    fn admit_key(
        &self,
        key: KeyId,
        digest: [u8; 32],
        participant: ParticipantId,
        account: AccountId,
        role: Role,
    ) {
        self.digests.insert(key, digest);
        self.keys.insert(digest, Caller { key, participant, account, role });
    }

    fn revoke_key(&self, key: KeyId) {
        if let Some((_, digest)) = self.digests.remove(&key) {
            self.keys.remove(&digest);
        }
    }

    /// Whether the caller's key has not been revoked meanwhile.
    pub fn is_valid(&self, caller: &Caller) -> bool {
        self.digests.contains_key(&caller.key)
    }

    fn admit_account(&self, account: AccountId, participant: ParticipantId, limits: Limits) {
        self.owners.insert(account, participant);
        self.set_limits(account, limits);
    }

    fn set_limits(&self, account: AccountId, limits: Limits) {
        let rate = limits.commands_per_second;
        // A second's worth may come at once, and at least one full batch.
        let allowance = Allowance::new(rate, rate.max(crate::BATCH_ENTRIES as u32));
        self.pace.insert(account, Arc::new(allowance));
    }

    /// Whose key the call carries, and whether its role may make it.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a known key, PERMISSION_DENIED where the role does not reach.
    pub fn caller(&self, headers: &HeaderMap, (call, roles): (&str, &[Role])) -> Result<Caller, Status> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key =
            header.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
        let Some(key) = key else {
            return Err(status::unauthenticated("send the key as `authorization: Bearer <key>`"));
        };
        let digest = digest_of(key.trim());
        let known = self.keys.get(&digest).filter(|known| bool::from(known.key().ct_eq(&digest)));
        let Some(caller) = known.map(|known| *known.value()) else {
            return Err(status::unauthenticated("the key is not known, or was revoked"));
        };
        match roles.contains(&caller.role) {
            true => Ok(caller),
            false => Err(status::role_denied(&format!("{:?}", caller.role).to_lowercase(), call)),
        }
    }

    /// Whether the caller may see or act for an account, which stands in `field`.
    ///
    /// # Errors
    /// PERMISSION_DENIED, the same for an account of another and for none.
    pub fn account(&self, caller: &Caller, field: &str, account: AccountId) -> Result<(), Status> {
        let own = match caller.account.0 {
            0 => self.owners.get(&account).is_some_and(|owner| *owner == caller.participant),
            _ => caller.account == account,
        };
        match roles::sees_all(caller.role) {
            _ if own => Ok(()),
            true if self.owners.contains_key(&account) => Ok(()),
            true => Err(status::not_found(&format!("{field}: no such account"))),
            // Another's account looks like none at all.
            false => Err(status::account_denied(field)),
        }
    }

    /// Takes `commands` from the account's allowance, or says when there will be room.
    ///
    /// # Errors
    /// How long to wait.
    pub fn pace(&self, account: AccountId, commands: u32) -> Result<(), Duration> {
        self.allowance(account).map_or(Ok(()), |allowance| allowance.take(commands.max(1)))
    }

    /// How long until the account may send so many commands.
    pub fn room_in(&self, account: AccountId, commands: u32) -> Duration {
        self.allowance(account).map_or(Duration::ZERO, |allowance| allowance.room_in(commands))
    }

    fn allowance(&self, account: AccountId) -> Option<Arc<Allowance>> {
        self.pace.get(&account).map(|allowance| Arc::clone(&allowance))
    }

    /// Takes a look at `rows` rows from the allowance of the caller's participant.
    ///
    /// # Errors
    /// How long to wait.
    pub fn pay(&self, caller: &Caller, rows: usize) -> Result<(), Duration> {
        self.looks(caller).take(cost(rows))
    }

    /// How long until the caller may look at so many rows.
    pub fn looks_in(&self, caller: &Caller, rows: usize) -> Duration {
        self.looks(caller).room_in(cost(rows))
    }

    /// A look that was paid for `paid` rows has found `found`.
    pub fn settle(&self, caller: &Caller, paid: usize, found: usize) {
        self.looks(caller).settle(cost(paid), cost(found));
    }

    fn looks(&self, caller: &Caller) -> Arc<Allowance> {
        let new = || Arc::new(Allowance::new(LOOKS_PER_SECOND, LOOKS_AT_ONCE));
        Arc::clone(&self.looks.entry(caller.participant).or_insert_with(new))
    }
}

/// What a look at so many rows costs.
fn cost(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX).clamp(LEAST_LOOK, LOOKS_AT_ONCE)
}

/// Calls that last, by participant, so that no one takes the place of all.
pub struct Lasting {
    most: usize,
    by_participant: DashMap<ParticipantId, Arc<Semaphore>>,
}

/// One of them, until the last copy is dropped.
#[derive(Clone, Debug)]
pub struct Place(#[expect(dead_code, reason = "it is held")] Arc<OwnedSemaphorePermit>);

impl Place {
    pub fn new(permit: OwnedSemaphorePermit) -> Place {
        Place(Arc::new(permit))
    }
}

impl Lasting {
    /// As many as `most` of each participant.
    pub fn new(most: usize) -> Lasting {
        Lasting { most, by_participant: DashMap::new() }
    }

    /// A place for one more.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when the participant has as many as it may.
    pub fn enter(&self, participant: ParticipantId) -> Result<Place, Status> {
        let places = Arc::clone(
            &self.by_participant.entry(participant).or_insert_with(|| Arc::new(Semaphore::new(self.most))),
        );
        match places.try_acquire_owned() {
            Ok(place) => Ok(Place::new(place)),
            Err(_) => Err(status::too_many_streams(self.most)),
        }
    }
}
