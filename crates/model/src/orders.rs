//! Orders: what a client may ask for, and the words for how it is carried out.

use crate::{InstrumentId, Money, OrderId, Price, Quantity, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::Buy, Side::Sell];

    pub fn opposite(self) -> Side {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderType {
    Limit,
    Market,
    Stop,
    StopLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until gate closure.
    Gtc,
    /// Until 00:00 UTC.
    Day,
    /// Until a time.
    Gtd(Time),
    /// What does not trade at once is cancelled.
    Ioc,
    /// Trades whole at once or not at all.
    Fok,
    /// As Fok, for at most (a sale: at least) so much money in all.
    FokBudget(Money),
}

/// What happens when an order meets one of its own participant; the taker's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SelfTrade {
    /// They trade.
    #[default]
    Allow,
    CancelNewest,
    CancelOldest,
    CancelBoth,
    /// Both lose the smaller of what the taker has left and the maker displays.
    Decrement,
}

/// The client's key of a request: 1 to 36 printable ASCII characters, or empty where none is given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    length: u8,
    text: [u8; 36],
}

impl ClientId {
    pub const NONE: ClientId = ClientId { length: 0, text: [0; 36] };
    pub const MAX_LENGTH: usize = 36;

    /// `None` when the text is longer than 36 bytes or not printable ASCII. Empty is [`ClientId::NONE`].
    pub fn new(text: &str) -> Option<ClientId> {
        let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if text.len() > Self::MAX_LENGTH || !printable {
            return None;
        }
        let mut id = ClientId { length: text.len() as u8, text: [0; 36] };
        id.text[..text.len()].copy_from_slice(text.as_bytes());
        Some(id)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text[..usize::from(self.length)]).unwrap_or_default()
    }

    pub fn is_none(&self) -> bool {
        self.length == 0
    }
}

impl Default for ClientId {
    fn default() -> Self {
        ClientId::NONE
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ClientId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = ClientId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("at most 36 printable ASCII characters")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ClientId, E> {
                ClientId::new(text).ok_or_else(|| E::custom("not a client id"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A new order. The client order id is the request's [`ClientId`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NewOrder {
    pub instrument: InstrumentId,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    /// Worst price; zero for market and stop orders.
    pub price: Price,
    /// Zero but for stops.
    pub trigger: Price,
    pub quantity: Quantity,
    /// Lots shown; zero shows all.
    pub display: Quantity,
    /// Least first execution; zero asks for none.
    pub minimum: Quantity,
    pub post_only: bool,
    pub self_trade: SelfTrade,
}

/// Names a live order of the request's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrderRef {
    Id(OrderId),
    Client(ClientId),
}

/// One atomic cancel-replace; what is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amendment {
    pub order: OrderRef,
    /// Checked for a halt before the order is looked up, when given.
    pub instrument: Option<InstrumentId>,
    pub price: Option<Price>,
    /// The new order quantity, cumulative fills included.
    pub quantity: Option<Quantity>,
    pub trigger: Option<Price>,
}

/// A two-sided quote; a side of quantity zero withdraws that side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quote {
    pub instrument: InstrumentId,
    pub bid_price: Price,
    pub bid_quantity: Quantity,
    pub ask_price: Price,
    pub ask_quantity: Quantity,
}
