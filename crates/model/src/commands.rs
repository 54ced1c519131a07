//! Commands: wishes, in the imperative. Each has a stable number and a version of its encoding,
//! which stand in the journal; numbers are never reused.

use crate::*;
use serde::{Deserialize, Serialize};

/// What the core knows of the world: which command this is, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Counted from 1 without gaps over the whole journal.
    pub seq: u64,
    pub time: Time,
}

/// Who asks, and under which key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The key that was shown; 0 for the machine itself.
    pub key: KeyId,
    /// The `Trade` session; 0 for a unary call.
    pub session: SessionId,
    /// The account acted for; 0 where none is.
    pub account: AccountId,
    /// In a session: the message's number, strictly increasing. Otherwise 0.
    pub number: u64,
    /// The idempotency key of a unary call, and the client order id of an order.
    pub client_id: ClientId,
}

/// What a halt, a resumption or a mass cancel reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    Market,
    Product(ProductId),
    Instrument(InstrumentId),
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    Trader,
    Maker,
    Provider,
    Meter,
    Operator,
    Auditor,
}

/// What an account may do at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Commands a second, entries of a batch included; kept at the edge.
    pub commands_per_second: u32,
    /// Live orders, stops included.
    pub open_orders: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { commands_per_second: 1_000, open_orders: 10_000 }
    }
}

/// How far cash may go below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Credit {
    Line(Money),
    /// For rehearsals and benchmarks: nothing is refused for want of cash or hours.
    Unlimited,
}

macro_rules! commands {
    ($($(#[$meta:meta])* $number:literal @ $version:literal $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        /// A wish with a number and a time is a fact of the journal.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Command { $($(#[$meta])* $name($name),)* }

        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
            pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

            impl From<$name> for Command {
                fn from(body: $name) -> Command { Command::$name(body) }
            }
        )*

        impl Command {
            /// Every kind: number, version of its encoding, name.
            pub const KINDS: &'static [(u16, u16, &'static str)] = &[$(($number, $version, stringify!($name)),)*];

            /// The number and the version under which it is journaled.
            pub fn kind(&self) -> (u16, u16) {
                match self { $(Command::$name(_) => ($number, $version),)* }
            }

            /// The name of the kind, as metrics and dumps show it.
            pub fn name(&self) -> &'static str {
                match self { $(Command::$name(_) => stringify!($name),)* }
            }

            /// The body in any format: what dumps show.
            pub fn serialize_body<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                match self { $(Command::$name(body) => body.serialize(to),)* }
            }

            /// The body, given to the encoder that `codec` chooses.
            pub(crate) fn encode_body<S: crate::codec::Encode>(&self, to: S) -> S::Output {
                match self { $(Command::$name(body) => to.encode(body),)* }
            }

            /// The body of `kind`, read by the decoder that `codec` chooses; `None` for an unknown kind.
            pub(crate) fn decode_body<D: crate::codec::Decode>(kind: u16, version: u16, from: D) -> Option<Result<Command, D::Error>> {
                match (kind, version) {
                    $(($number, $version) => Some(from.decode::<$name>().map(Command::$name)),)*
                    _ => None,
                }
            }
        }
    };
}

commands! {
    // number @ version Name { fields }

    /// Time passes: whatever is due by now is done, a bounded slice of it.
    1 @1 Tick {}
    /// A process takes the journal up: former sessions end.
    2 @1 Restart { version: String }
    /// A rehearsal's time, which stands until this moves it. Before anything is defined it makes a rehearsal of the
    /// exchange; one that is none by then stays none.
    3 @1 AdvanceTime { to: Time }

    /// Behaviour under `apply` changes only here.
    10 @1 SetRulesVersion { version: u32 }
    11 @1 DefineClass { class: Box<Class> }
    12 @1 DefineRegion { region: Box<Region> }
    /// Adds a product or replaces its terms; what is listed already keeps its gate and tick.
    13 @1 DefineProduct { product: Box<Product> }
    /// The reference of one instrument where nothing has traded, before its product's fair price.
    14 @1 SetReference { instrument: InstrumentId, price: Price, digest: [u8; 16] }
    /// The file that the definition came from, so that an unchanged one is not journaled again.
    15 @1 AdoptMarket { digest: [u8; 32] }

    20 @1 CreateParticipant { name: String }
    21 @1 CreateAccount { participant: ParticipantId, name: String }
    /// `digest` is the blake3 hash of the key; `account` 0 lets it act for all of the participant's.
    22 @1 IssueKey { participant: ParticipantId, account: AccountId, role: Role, digest: [u8; 32], label: String }
    23 @1 RevokeKey { key: KeyId }
    24 @1 SetLimits { account: AccountId, limits: Limits }
    25 @1 SetCredit { account: AccountId, currency: String, credit: Credit }
    26 @1 Deposit { account: AccountId, currency: String, amount: Money, reference: String }
    27 @1 Withdraw { account: AccountId, currency: String, amount: Money, reference: String }
    /// What an account may sell of a product in each hour of a range, attested by the operator; replaces
    /// what was declared there.
    28 @1 DeclareCapacity { account: AccountId, product: ProductId, from: Hour, hours: u32, quantity: Quantity, attestation: String }

    30 @1 LogOn { name: ClientId, cancel_on_disconnect: bool }
    31 @1 LogOff { session: SessionId }

    40 @1 PlaceOrder { order: NewOrder }
    41 @1 CancelOrder { order: OrderRef }
    42 @1 AmendOrder { amendment: Amendment }
    43 @1 ReduceOrder { order: OrderRef, by: Quantity }
    44 @1 MassCancel { scope: Scope, side: Option<Side> }
    /// Each quote replaces the account's last one on that instrument.
    45 @1 MassQuote { quotes: Vec<Quote>, post_only: bool, self_trade: SelfTrade }

    /// Measurements of a provider's service in a class: all of them, or none.
    50 @1 SubmitObservations { provider: ParticipantId, class: String, observations: Vec<Observation> }
    /// What pricing found of a provider's service, with the digest of its parameters.
    51 @1 SetStanding { provider: ParticipantId, class: String, standing: Standing, digest: [u8; 16] }
    /// Fair prices that pricing found: the reference where nothing has traded and nobody set one.
    52 @1 SetFairPrices { prices: Vec<(ProductId, Price)>, digest: [u8; 16] }

    60 @1 Halt { scope: Scope, reason: String }
    61 @1 Resume { scope: Scope }
    /// A call begins; without an end it waits for `Uncross`.
    62 @1 OpenAuction { scope: Scope, until: Option<Time> }
    63 @1 Uncross { scope: Scope, reference: Option<Price> }
    64 @1 Kill { account: AccountId, reason: String }
    65 @1 Unkill { account: AccountId }
}

// A command is moved from the edge to the journal's batch: what is rare is boxed, what is common is small.
const _: () = assert!(size_of::<Command>() <= 112);
