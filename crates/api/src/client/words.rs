//! Prices, lots and orders as programs write them: whole numbers of the smallest part, never floats.

use crate::v1;
use v1::order_name;

/// How an instrument is named: by symbol, or by id, which spares a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Symbol(String),
    Id(u32),
}

impl From<&str> for Name {
    fn from(symbol: &str) -> Name {
        Name::Symbol(symbol.into())
    }
}

impl From<&String> for Name {
    fn from(symbol: &String) -> Name {
        Name::Symbol(symbol.clone())
    }
}

impl From<String> for Name {
    fn from(symbol: String) -> Name {
        Name::Symbol(symbol)
    }
}

impl From<u32> for Name {
    fn from(id: u32) -> Name {
        Name::Id(id)
    }
}

impl Name {
    /// As the contract has it: a symbol or an id, the other empty.
    fn parts(self) -> (String, u32) {
        match self {
            Name::Symbol(symbol) => (symbol, 0),
            Name::Id(id) => (String::new(), id),
        }
    }
}

impl v1::NewOrder {
    /// An order at this price or better, good until gate closure; `price_micros` per unit-hour.
    pub fn limit(
        instrument: impl Into<Name>,
        side: v1::Side,
        price_micros: i64,
        quantity: i64,
    ) -> v1::NewOrder {
        let order_type = v1::OrderType::Limit as i32;
        v1::NewOrder { order_type, price_micros, ..v1::NewOrder::market(instrument, side, quantity) }
    }

    /// An order at the best prices within the band; what does not trade at once is cancelled.
    pub fn market(instrument: impl Into<Name>, side: v1::Side, quantity: i64) -> v1::NewOrder {
        let (symbol, instrument_id) = instrument.into().parts();
        let order_type = v1::OrderType::Market as i32;
        v1::NewOrder { symbol, instrument_id, side: side as i32, order_type, quantity, ..Default::default() }
    }

    /// The same for another time.
    pub fn for_time(mut self, time_in_force: v1::TimeInForce) -> v1::NewOrder {
        self.set_time_in_force(time_in_force);
        self
    }

    /// The same, refused if it would trade at once.
    pub fn post_only(self) -> v1::NewOrder {
        v1::NewOrder { post_only: true, ..self }
    }
}

impl v1::Quote {
    /// A two-sided quote: price in micros and lots of each side; a side of 0 at 0 is withdrawn.
    pub fn of(instrument: impl Into<Name>, bid: (i64, i64), ask: (i64, i64)) -> v1::Quote {
        let (symbol, instrument_id) = instrument.into().parts();
        v1::Quote {
            symbol,
            instrument_id,
            bid_price_micros: bid.0,
            bid_quantity: bid.1,
            ask_price_micros: ask.0,
            ask_quantity: ask.1,
        }
    }
}

impl From<u64> for v1::OrderName {
    /// By the exchange's id.
    fn from(order_id: u64) -> v1::OrderName {
        v1::OrderName { name: Some(order_name::Name::OrderId(order_id)) }
    }
}

impl From<&str> for v1::OrderName {
    /// By the client's id.
    fn from(client_order_id: &str) -> v1::OrderName {
        v1::OrderName { name: Some(order_name::Name::ClientOrderId(client_order_id.into())) }
    }
}

impl v1::ExecutionReport {
    /// Why the market refused, where it did.
    pub fn refused(&self) -> Option<v1::RejectReason> {
        use v1::ReportKind::{AmendRejected, CancelRejected, MassCancelRejected, Rejected};
        let refuses = matches!(self.kind(), Rejected | CancelRejected | AmendRejected | MassCancelRejected);
        refuses.then(|| self.reject_reason())
    }
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a decimal of at most six places, such as 0.2224")]
pub struct BadDecimal(pub String);

/// Micros of a decimal: `micros("0.2224")` is 222,400.
///
/// # Errors
/// [`BadDecimal`], also for what does not fit: an amount is never rounded.
pub fn micros(text: &str) -> Result<i64, BadDecimal> {
    let bad = || BadDecimal(text.chars().take(40).collect());
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if !plain(whole) || !plain(part) || part.len() > 6 {
        return Err(bad());
    }
    let whole: i64 = whole.parse().map_err(|_| bad())?;
    let part: i64 = format!("{part:0<6}").parse().map_err(|_| bad())?;
    let micros = whole.checked_mul(1_000_000).and_then(|whole| whole.checked_add(part)).ok_or_else(bad)?;
    Ok(if negative { -micros } else { micros })
}

/// The decimal of micros, as short as it can be: `decimal(222_400)` is `0.2224`.
pub fn decimal(micros: i64) -> String {
    let (sign, all) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let text = format!("{sign}{}.{:06}", all / 1_000_000, all % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, whole) in
            [("0.2224", 222_400), ("1", 1_000_000), ("-0.000001", -1), ("9223372036854.775807", i64::MAX)]
        {
            assert_eq!(micros(text), Ok(whole));
            assert_eq!(decimal(whole), text);
        }
        for bad in ["", ".", "1.", ".5", "1e3", "+1", "0.1234567", "--1", "1,5", "9223372036854.775808", "٣"]
        {
            assert_eq!(micros(bad), Err(BadDecimal(bad.into())));
        }
        assert_eq!(decimal(i64::MIN), "-9223372036854.775808");
    }

    #[test]
    fn an_order_is_what_was_said() {
        let order = v1::NewOrder::limit("GP.CNNX.A.H20261124T08", v1::Side::Buy, 250_000, 3).post_only();
        assert_eq!((order.symbol.as_str(), order.instrument_id), ("GP.CNNX.A.H20261124T08", 0));
        assert_eq!((order.side(), order.order_type()), (v1::Side::Buy, v1::OrderType::Limit));
        assert!(order.post_only && order.quantity == 3 && order.price_micros == 250_000);
        let order = v1::NewOrder::limit(7, v1::Side::Sell, 1, 1).for_time(v1::TimeInForce::Ioc);
        assert_eq!((order.instrument_id, order.time_in_force()), (7, v1::TimeInForce::Ioc));
    }
}
