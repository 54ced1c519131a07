//! Ids: each a number of its own type, so that two cannot be swapped by mistake.
//!
//! Participants, accounts, keys and products are numbered from 1 in the order in which
//! the journal creates them; 0 is nobody. Instruments, orders and
//! sessions are a slot and a generation, so that finding one is an index and an id that is over never finds its
//! successor.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$meta:meta])* $name:ident($int:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(/// Who answers for accounts and keys: a person or a firm. Self-trade prevention looks at this.
    ParticipantId(u32));
id!(/// Where orders, cash and hours belong.
    AccountId(u32));
id!(/// One API key; the key itself is never stored, only its digest.
    KeyId(u32));
id!(/// One named `Trade` session of an account: 20 bits of slot, counted from 1, and 12 bits of generation; 0 for a
    /// unary call.
    SessionId(u32));
id!(/// CLASS.REGION.TIER.
    ProductId(u32));
id!(/// A currency, by its position in the market definition.
    CurrencyId(u16));
id!(/// One match; counted over the whole exchange.
    TradeId(u64));
id!(/// An instrument: 20 bits of slot, 12 bits of generation.
    InstrumentId(u32));
id!(/// An order: 32 bits of slot, 32 bits of generation, which begins at 1; 0 is no order.
    OrderId(u64));

impl InstrumentId {
    /// Slots there can be at once.
    pub const SLOTS: usize = 1 << 20;

    /// The id of a slot's `generation`-th tenant, counted modulo 4,096.
    pub fn new(slot: usize, generation: u32) -> Self {
        debug_assert!(slot < Self::SLOTS);
        InstrumentId((generation & 0xfff) << 20 | slot as u32)
    }

    /// The index under which books and instruments are kept.
    pub fn slot(self) -> usize {
        (self.0 & 0xf_ffff) as usize
    }
}

impl SessionId {
    /// Sessions that can be remembered at once.
    pub const SLOTS: usize = (1 << 20) - 1;

    /// The first tenant of a slot.
    pub fn first(slot: usize) -> Self {
        debug_assert!(slot < Self::SLOTS);
        SessionId(slot as u32 + 1)
    }

    /// The next tenant of the same slot; generations are counted modulo 4,096.
    pub fn successor(self) -> Self {
        SessionId(self.0.wrapping_add(1 << 20))
    }

    /// The index under which the session is kept; `None` of no session.
    #[inline]
    pub fn slot(self) -> Option<usize> {
        ((self.0 & 0xf_ffff) as usize).checked_sub(1)
    }
}

impl OrderId {
    /// No order.
    pub const NONE: OrderId = OrderId(0);

    /// The id of a slot's `generation`-th tenant; `generation` begins at 1.
    pub fn new(slot: u32, generation: u32) -> Self {
        OrderId(u64::from(generation) << 32 | u64::from(slot))
    }

    /// The index under which the order is kept.
    pub fn slot(self) -> usize {
        self.0 as u32 as usize
    }

    /// Which tenant of the slot this is.
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}
