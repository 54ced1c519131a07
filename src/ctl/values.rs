//! Prices, amounts, times and scopes, as people type and read them. Conversion is exact, or an error.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use hourbook_api::v1;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Failure, Outcome};

const MICROS: i64 = 1_000_000;
/// Decimals of an amount that are always shown.
const LEAST_DECIMALS: u32 = 2;

/// A price or an amount: a decimal with six places at most, kept in micros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Micros(pub i64);

impl FromStr for Micros {
    type Err = String;

    fn from_str(text: &str) -> Result<Micros, String> {
        let decimal = Decimal::from_str_exact(text).map_err(|_| "not a decimal such as 0.035".to_string())?;
        let micros = decimal.checked_mul(Decimal::from(MICROS)).ok_or("too large")?;
        if !micros.fract().is_zero() {
            return Err("finer than six decimals".into());
        }
        micros.trunc().try_into().map(Micros).map_err(|_| "too large".into())
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut decimal = Decimal::new(self.0, 6).normalize();
        if decimal.scale() < LEAST_DECIMALS {
            decimal.rescale(LEAST_DECIMALS);
        }
        f.pad(&decimal.to_string())
    }
}

/// Parts per million as a percentage.
pub fn percent(ppm: u32) -> String {
    format!("{} %", Decimal::new(i64::from(ppm), 4).normalize())
}

/// A moment, RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub prost_types::Timestamp);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let at: Timestamp = text
            .parse()
            .map_err(|_| "not a time such as 2026-11-25T08:00:00Z, up to the year 9998".to_string())?;
        Ok(Moment(prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }))
    }
}

/// A time as people read it, to the second; empty where there is none.
pub fn time(at: Option<&prost_types::Timestamp>) -> String {
    let Some(at) = at else { return String::new() };
    Timestamp::from_second(at.seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// A span as people read it, such as `5 min`.
pub fn span(span: Option<&prost_types::Duration>) -> String {
    let seconds = span.map_or(0, |span| span.seconds);
    match seconds {
        _ if seconds % 3_600 == 0 => format!("{} h", seconds / 3_600),
        _ if seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// A time of day as people read it, such as `03:50`.
pub fn of_day(since_midnight: Option<&prost_types::Duration>) -> String {
    let minutes = since_midnight.map_or(0, |since| since.seconds) / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// `market`, a product, or an instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    Market,
    Product(String),
    Symbol(String),
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        match (text, text.split('.').count()) {
            ("market", _) => Ok(Scope::Market),
            (product, 3) => Ok(Scope::Product(product.into())),
            (symbol, 4) => Ok(Scope::Symbol(symbol.into())),
            _ => Err("neither `market`, nor a product such as GP.CNNX.A, nor an instrument such as \
                      GP.CNNX.A.H20261125T08"
                .into()),
        }
    }
}

impl Scope {
    pub fn wire(self) -> v1::Scope {
        use v1::scope::Scope as Wire;
        v1::Scope {
            scope: Some(match self {
                Scope::Market => Wire::Market(true),
                Scope::Product(product) => Wire::Product(product),
                Scope::Symbol(symbol) => Wire::Symbol(symbol),
            }),
        }
    }
}

/// The exchange's number of an order, or the client's id of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderName(pub String);

impl FromStr for OrderName {
    type Err = String;

    fn from_str(text: &str) -> Result<OrderName, String> {
        if text.is_empty() { Err("is empty".into()) } else { Ok(OrderName(text.into())) }
    }
}

impl OrderName {
    /// Digits are the exchange's number, unless `client` says that they are the client's id.
    pub fn wire(self, client: bool) -> Option<v1::OrderName> {
        use v1::order_name::Name;
        let name = match self.0.parse() {
            Ok(number) if !client => Name::OrderId(number),
            _ => Name::ClientOrderId(self.0),
        };
        Some(v1::OrderName { name: Some(name) })
    }
}

/// Lots at a price: `5@0.035`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    pub quantity: i64,
    pub price: Micros,
}

impl FromStr for Offer {
    type Err = String;

    fn from_str(text: &str) -> Result<Offer, String> {
        let (quantity, price) = text.split_once('@').ok_or("not lots at a price, such as 5@0.035")?;
        let quantity = quantity.trim().parse().map_err(|_| format!("`{quantity}` is not whole lots"))?;
        Ok(Offer { quantity, price: price.trim().parse()? })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub fn wire(self) -> i32 {
        (match self {
            Side::Buy => v1::Side::Buy,
            Side::Sell => v1::Side::Sell,
        }) as i32
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimeInForce {
    /// Until gate closure
    Gtc,
    /// Until 00:00 UTC
    Day,
    /// What does not trade at once is cancelled
    Ioc,
    /// All at once or nothing
    Fok,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SelfTrade {
    CancelNewest,
    CancelOldest,
    CancelBoth,
    Decrement,
}

impl SelfTrade {
    pub fn wire(choice: Option<SelfTrade>) -> i32 {
        use v1::SelfTradePrevention as Wire;
        (match choice {
            None => Wire::Unspecified,
            Some(SelfTrade::CancelNewest) => Wire::CancelNewest,
            Some(SelfTrade::CancelOldest) => Wire::CancelOldest,
            Some(SelfTrade::CancelBoth) => Wire::CancelBoth,
            Some(SelfTrade::Decrement) => Wire::Decrement,
        }) as i32
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Places orders
    Trader,
    /// Places orders and quotes
    Maker,
    /// Places orders and sells capacity
    Provider,
    /// Submits measurements of service
    Meter,
    /// Runs the market
    Operator,
    /// Reads everything and submits measurements
    Auditor,
}

impl Role {
    pub fn wire(self) -> i32 {
        (match self {
            Role::Trader => v1::Role::Trader,
            Role::Maker => v1::Role::Maker,
            Role::Provider => v1::Role::Provider,
            Role::Meter => v1::Role::Meter,
            Role::Operator => v1::Role::Operator,
            Role::Auditor => v1::Role::Auditor,
        }) as i32
    }
}

/// A new idempotency key, `ctl-` and 16 hexadecimal digits.
pub fn new_id() -> Outcome<String> {
    let number = getrandom::u64().map_err(|error| Failure::said(format!("no random number: {error}")))?;
    Ok(format!("ctl-{number:016x}"))
}
