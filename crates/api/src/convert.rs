//! Between the contract and the model's words.
//!
//! Bad shape ends here: whatever is missing, misplaced, out of range or unreadable becomes a [`Violation`] that
//! names the field. What passes is a command that the exchange can refuse, but not misunderstand.

use crate::v1;
use hourbook_model as model;
use hourbook_model::{
    AccountId, ClientId, InstrumentId, Money, OrderId, OrderRef, OrderType, Price, ProductId, Quantity, Side,
    Time, TimeInForce,
};

/// What is wrong with a request, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct Violation {
    pub field: String,
    pub description: String,
}

impl Violation {
    pub fn new(field: impl Into<String>, description: impl Into<String>) -> Violation {
        Violation { field: field.into(), description: description.into() }
    }

    /// The same, seen from the message that holds the field.
    pub fn within(self, outer: &str) -> Violation {
        Violation { field: format!("{outer}.{}", self.field), ..self }
    }
}

pub type Checked<T> = Result<T, Violation>;

fn violation<T>(field: &str, description: impl Into<String>) -> Checked<T> {
    Err(Violation::new(field, description))
}

/// Finds what a symbol names. A symbol that names nothing is not misshapen: it becomes id 0, which the
/// exchange refuses.
pub trait Resolve {
    fn instrument(&self, symbol: &str) -> Option<InstrumentId>;
    fn product(&self, symbol: &str) -> Option<ProductId>;
}

/// Entries of a batch, quotes of a mass quote.
pub const MOST_ENTRIES: usize = 1_000;
/// Prices and amounts on the wire: whole micros up to a million million.
pub const MOST_MICROS: i64 = 1_000_000_000_000_000_000;
pub const MOST_LOTS: i64 = u32::MAX as i64;

// --- single fields ---

/// A required idempotency key or client order id.
pub fn client_id(field: &str, text: &str) -> Checked<ClientId> {
    if text.is_empty() {
        return violation(field, "is required: 1 to 36 printable ASCII characters");
    }
    optional_client_id(field, text)
}

/// The same where none need be given.
pub fn optional_client_id(field: &str, text: &str) -> Checked<ClientId> {
    ClientId::new(text).ok_or_else(|| Violation::new(field, "must be at most 36 printable ASCII characters"))
}

pub fn account_id(field: &str, id: u32) -> Checked<AccountId> {
    if id == 0 { violation(field, "is required") } else { Ok(AccountId(id)) }
}

/// A text for people: at most `most` characters that can be seen, spaces within it apart. What reverses or hides text is
/// none, so that no name looks like another's by a trick.
pub fn text(field: &str, text: &str, most: usize, required: bool) -> Checked<String> {
    if required && text.trim().is_empty() {
        return violation(field, "is required, and must not be blank");
    }
    if text.trim() != text {
        return violation(field, "must not begin or end with a blank");
    }
    if text.chars().count() > most {
        return violation(field, format!("must be at most {most} characters"));
    }
    if text.chars().any(|one| one.is_control() || is_format(one)) {
        return violation(field, "must not have control characters, nor such as reverse or hide text");
    }
    Ok(text.into())
}

/// Characters without a shape of their own: direction of text, joiners, marks of order and language, separators of lines.
fn is_format(one: char) -> bool {
    matches!(
        one,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

pub fn currency(field: &str, code: &str) -> Checked<String> {
    let letters = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    if letters { Ok(code.into()) } else { violation(field, "must be an ISO 4217 code of three capitals") }
}

fn between(field: &str, value: i64, least: i64, most: i64, unit: &str) -> Checked<i64> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    violation(field, format!("must be {least} to {most} {unit}, not {value}"))
}

/// Micros above zero.
pub fn amount(field: &str, micros: i64) -> Checked<Money> {
    between(field, micros, 1, MOST_MICROS, "micros").map(Money)
}

fn optional_price(field: &str, micros: i64) -> Checked<Price> {
    between(field, micros, 0, MOST_MICROS, "micros").map(Price)
}

fn lots(field: &str, lots: i64, least: i64) -> Checked<Quantity> {
    between(field, lots, least, MOST_LOTS, "lots").map(Quantity)
}

pub fn time(field: &str, time: &prost_types::Timestamp) -> Checked<Time> {
    let nanos = i64::from(time.nanos);
    let whole = time.seconds.checked_mul(Time::SECOND).and_then(|seconds| seconds.checked_add(nanos));
    match whole {
        Some(at) if (0..Time::SECOND).contains(&nanos) && time.seconds >= 0 => Ok(Time(at)),
        _ => violation(field, "must be a time between 1970 and 2262"),
    }
}

pub fn timestamp(time: Time) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: time.0.div_euclid(Time::SECOND),
        nanos: time.0.rem_euclid(Time::SECOND) as i32,
    }
}

pub fn duration(nanos: i64) -> prost_types::Duration {
    prost_types::Duration { seconds: nanos / Time::SECOND, nanos: (nanos % Time::SECOND) as i32 }
}

pub fn side(field: &str, side: i32) -> Checked<Side> {
    match v1::Side::try_from(side) {
        Ok(v1::Side::Buy) => Ok(Side::Buy),
        Ok(v1::Side::Sell) => Ok(Side::Sell),
        _ => violation(field, "must be SIDE_BUY or SIDE_SELL"),
    }
}

fn self_trade(field: &str, choice: i32) -> Checked<model::SelfTrade> {
    use v1::SelfTradePrevention as Wire;
    Ok(match Wire::try_from(choice) {
        Ok(Wire::Unspecified) => model::SelfTrade::Allow,
        Ok(Wire::CancelNewest) => model::SelfTrade::CancelNewest,
        Ok(Wire::CancelOldest) => model::SelfTrade::CancelOldest,
        Ok(Wire::CancelBoth) => model::SelfTrade::CancelBoth,
        Ok(Wire::Decrement) => model::SelfTrade::Decrement,
        Err(_) => return violation(field, "is not a SelfTradePrevention"),
    })
}

pub fn role(field: &str, role: i32) -> Checked<model::Role> {
    Ok(match v1::Role::try_from(role) {
        Ok(v1::Role::Trader) => model::Role::Trader,
        Ok(v1::Role::Maker) => model::Role::Maker,
        Ok(v1::Role::Provider) => model::Role::Provider,
        Ok(v1::Role::Meter) => model::Role::Meter,
        Ok(v1::Role::Operator) => model::Role::Operator,
        Ok(v1::Role::Auditor) => model::Role::Auditor,
        Ok(v1::Role::Unspecified) | Err(_) => return violation(field, "must be one of the roles"),
    })
}

/// A symbol or an id, exactly one of them.
pub fn instrument(symbol: &str, id: u32, resolve: &impl Resolve) -> Checked<InstrumentId> {
    match (symbol.is_empty(), id) {
        (true, 0) => violation("symbol", "is required, or instrument_id"),
        (true, id) => Ok(InstrumentId(id)),
        (false, 0) => match resolve.instrument(symbol) {
            Some(id) => Ok(id),
            None => match symbol.parse::<model::Symbol>() {
                Ok(_) => Ok(InstrumentId(0)),
                Err(bad) => violation("symbol", bad.to_string()),
            },
        },
        (false, _) => violation("instrument_id", "must not be given beside symbol"),
    }
}

pub fn product(field: &str, symbol: &str, resolve: &impl Resolve) -> Checked<ProductId> {
    if symbol.is_empty() {
        return violation(field, "is required");
    }
    match resolve.product(symbol) {
        Some(id) => Ok(id),
        None => match symbol.parse::<model::ProductSymbol>() {
            Ok(_) => Ok(ProductId(0)),
            Err(bad) => violation(field, bad.to_string()),
        },
    }
}

// --- orders ---

pub fn order_name(name: Option<&v1::OrderName>) -> Checked<OrderRef> {
    use v1::order_name::Name;
    match name.and_then(|name| name.name.as_ref()) {
        None => violation("order", "is required: order_id or client_order_id"),
        Some(Name::OrderId(0)) => violation("order.order_id", "must not be zero"),
        Some(Name::OrderId(id)) => Ok(OrderRef::Id(OrderId(*id))),
        Some(Name::ClientOrderId(id)) => client_id("order.client_order_id", id).map(OrderRef::Client),
    }
}

pub fn new_order(order: &v1::NewOrder, resolve: &impl Resolve) -> Checked<model::NewOrder> {
    let instrument = instrument(&order.symbol, order.instrument_id, resolve)?;
    let side = side("side", order.side)?;
    let order_type = match v1::OrderType::try_from(order.order_type) {
        Ok(v1::OrderType::Limit) => OrderType::Limit,
        Ok(v1::OrderType::Market) => OrderType::Market,
        Ok(v1::OrderType::Stop) => OrderType::Stop,
        Ok(v1::OrderType::StopLimit) => OrderType::StopLimit,
        Ok(v1::OrderType::Unspecified) | Err(_) => {
            return violation("order_type", "must be one of the order types");
        }
    };
    let time_in_force = time_in_force(order)?;
    let limited = matches!(order_type, OrderType::Limit | OrderType::StopLimit);
    let stop = matches!(order_type, OrderType::Stop | OrderType::StopLimit);
    let price = match (limited, order.price_micros) {
        (true, 0) => return violation("price_micros", "is required for limit and stop-limit orders"),
        (false, 1..) => return violation("price_micros", "must not be given for market and stop orders"),
        (_, micros) => optional_price("price_micros", micros)?,
    };
    let trigger = match (stop, order.trigger_price_micros) {
        (true, 0) => return violation("trigger_price_micros", "is required for stop orders"),
        (false, 1..) => return violation("trigger_price_micros", "must not be given but for stop orders"),
        (_, micros) => optional_price("trigger_price_micros", micros)?,
    };
    Ok(model::NewOrder {
        instrument,
        side,
        order_type,
        time_in_force,
        price,
        trigger,
        quantity: lots("quantity", order.quantity, 1)?,
        display: lots("display_quantity", order.display_quantity, 0)?,
        minimum: lots("minimum_quantity", order.minimum_quantity, 0)?,
        post_only: order.post_only,
        self_trade: self_trade("self_trade_prevention", order.self_trade_prevention)?,
    })
}

fn time_in_force(order: &v1::NewOrder) -> Checked<TimeInForce> {
    use v1::TimeInForce as Wire;
    let Ok(wire) = Wire::try_from(order.time_in_force) else {
        return violation("time_in_force", "must be one of the times in force");
    };
    if order.expire_time.is_some() && wire != Wire::Gtd {
        return violation("expire_time", "must not be given but for GTD");
    }
    if order.budget_micros != 0 && wire != Wire::FokBudget {
        return violation("budget_micros", "must not be given but for FOK_BUDGET");
    }
    Ok(match wire {
        Wire::Unspecified | Wire::Gtc => TimeInForce::Gtc,
        Wire::Day => TimeInForce::Day,
        Wire::Gtd => match &order.expire_time {
            Some(until) => TimeInForce::Gtd(time("expire_time", until)?),
            None => return violation("expire_time", "is required for GTD"),
        },
        Wire::Ioc => TimeInForce::Ioc,
        Wire::Fok => TimeInForce::Fok,
        Wire::FokBudget => TimeInForce::FokBudget(amount("budget_micros", order.budget_micros)?),
    })
}

pub fn amendment(wire: &v1::Amendment) -> Checked<model::Amendment> {
    let given = |price: Price| (price.0 > 0).then_some(price);
    let price = given(optional_price("price_micros", wire.price_micros)?);
    let quantity = lots("quantity", wire.quantity, 0)?;
    let trigger = given(optional_price("trigger_price_micros", wire.trigger_price_micros)?);
    let quantity = (quantity.0 > 0).then_some(quantity);
    let order = order_name(wire.order.as_ref())?;
    if price.is_none() && quantity.is_none() && trigger.is_none() {
        return violation("price_micros", "nothing is to change: give a price, a quantity or a trigger");
    }
    Ok(model::Amendment { order, instrument: None, price, quantity, trigger })
}

pub fn reduction(order: Option<&v1::OrderName>, by: i64) -> Checked<model::ReduceOrder> {
    Ok(model::ReduceOrder { order: order_name(order)?, by: lots("by_quantity", by, 1)? })
}

/// Which orders to cancel; its fields are named as seen from within.
pub fn mass_cancel(wire: Option<&v1::MassCancelScope>, resolve: &impl Resolve) -> Checked<model::MassCancel> {
    use v1::mass_cancel_scope::Scope as Wire;
    let Some(wire) = wire else { return Ok(model::MassCancel { scope: model::Scope::Market, side: None }) };
    let scope = match &wire.scope {
        None => model::Scope::Market,
        Some(Wire::Product(symbol)) => model::Scope::Product(product("product", symbol, resolve)?),
        Some(Wire::Symbol(symbol)) => model::Scope::Instrument(instrument(symbol, 0, resolve)?),
        Some(Wire::InstrumentId(0)) => return violation("instrument_id", "must not be zero"),
        Some(Wire::InstrumentId(id)) => model::Scope::Instrument(InstrumentId(*id)),
    };
    let side = if wire.side == v1::Side::Unspecified as i32 { None } else { Some(side("side", wire.side)?) };
    Ok(model::MassCancel { scope, side })
}

/// Quotes; their fields are named as seen from within.
pub fn quotes(wire: &v1::QuoteSet, resolve: &impl Resolve) -> Checked<model::MassQuote> {
    if !(1..=MOST_ENTRIES).contains(&wire.quotes.len()) {
        return violation("quotes", format!("must be 1 to {MOST_ENTRIES} quotes"));
    }
    // A side that is withdrawn has no price: one that is given all the same was meant for something.
    let side = |price, price_micros, quantity, lots_given| -> Checked<(Price, Quantity)> {
        let (checked, lots) = (optional_price(price, price_micros)?, lots(quantity, lots_given, 0)?);
        match (checked.0, lots.0) {
            (1.., 0) => violation(price, "must not be given with quantity 0, which withdraws the side"),
            _ => Ok((checked, lots)),
        }
    };
    let one = |quote: &v1::Quote| -> Checked<model::Quote> {
        let (bid_price, bid_quantity) =
            side("bid_price_micros", quote.bid_price_micros, "bid_quantity", quote.bid_quantity)?;
        let (ask_price, ask_quantity) =
            side("ask_price_micros", quote.ask_price_micros, "ask_quantity", quote.ask_quantity)?;
        let instrument = instrument(&quote.symbol, quote.instrument_id, resolve)?;
        Ok(model::Quote { instrument, bid_price, bid_quantity, ask_price, ask_quantity })
    };
    let quotes = wire
        .quotes
        .iter()
        .enumerate()
        .map(|(at, quote)| one(quote).map_err(|bad| bad.within(&format!("quotes[{at}]"))));
    Ok(model::MassQuote {
        quotes: quotes.collect::<Checked<_>>()?,
        post_only: wire.post_only,
        self_trade: self_trade("self_trade_prevention", wire.self_trade_prevention)?,
    })
}

/// One entry of a session's batch: its number, its client order id, its command.
pub fn entry(wire: &v1::TradeEntry, resolve: &impl Resolve) -> Checked<(u64, ClientId, model::Command)> {
    use v1::trade_entry::Request as Wire;
    if wire.number == 0 {
        return violation("number", "must be above zero");
    }
    let client_id = optional_client_id("client_order_id", &wire.client_order_id)?;
    let command = match &wire.request {
        None => return violation("request", "is required"),
        Some(Wire::Place(order)) => {
            let order = new_order(order, resolve).map_err(|bad| bad.within("place"))?;
            return Ok((wire.number, client_id, model::PlaceOrder { order }.into()));
        }
        Some(Wire::Cancel(name)) => {
            let order = order_name(Some(name)).map_err(|bad| bad.within("cancel"))?;
            model::CancelOrder { order }.into()
        }
        Some(Wire::Amend(wire)) => {
            let amendment = amendment(wire).map_err(|bad| bad.within("amend"))?;
            model::AmendOrder { amendment }.into()
        }
        Some(Wire::Reduce(wire)) => {
            reduction(wire.order.as_ref(), wire.by_quantity).map_err(|bad| bad.within("reduce"))?.into()
        }
        Some(Wire::MassCancel(scope)) => {
            mass_cancel(Some(scope), resolve).map_err(|bad| bad.within("mass_cancel"))?.into()
        }
        Some(Wire::Quote(set)) => quotes(set, resolve).map_err(|bad| bad.within("quote"))?.into(),
    };
    if !client_id.is_none() {
        return violation("client_order_id", "must not be given but for a new order");
    }
    Ok((wire.number, client_id, command))
}

// --- operators ---

pub fn scope(wire: Option<&v1::Scope>, resolve: &impl Resolve) -> Checked<model::Scope> {
    use v1::scope::Scope as Wire;
    match wire.and_then(|wire| wire.scope.as_ref()) {
        None => violation("scope", "is required: market, product or symbol"),
        Some(Wire::Market(true)) => Ok(model::Scope::Market),
        Some(Wire::Market(false)) => violation("scope.market", "must be true when it is given"),
        Some(Wire::Product(symbol)) => product("scope.product", symbol, resolve).map(model::Scope::Product),
        Some(Wire::Symbol(symbol)) => {
            instrument(symbol, 0, resolve).map(model::Scope::Instrument).map_err(|bad| bad.within("scope"))
        }
    }
}

pub fn capacity(
    wire: &v1::DeclareCapacityRequest,
    resolve: &impl Resolve,
) -> Checked<model::DeclareCapacity> {
    let from = match &wire.start_time {
        Some(start) => time("start_time", start)?,
        None => return violation("start_time", "is required"),
    };
    if from.0 % Time::HOUR != 0 {
        return violation("start_time", "must be on the hour");
    }
    if wire.hours == 0 {
        return violation("hours", "must be above zero");
    }
    Ok(model::DeclareCapacity {
        account: account_id("account_id", wire.account_id)?,
        product: product("product", &wire.product, resolve)?,
        from: from.hour(),
        hours: wire.hours,
        quantity: lots("quantity", wire.quantity, 0)?,
        attestation: text("attestation", &wire.attestation, 200, true)?,
    })
}

pub fn credit(wire: &v1::SetCreditRequest) -> Checked<model::SetCredit> {
    let credit = match (wire.unlimited, wire.credit_micros) {
        (true, 0) => model::Credit::Unlimited,
        (true, _) => return violation("credit_micros", "must not be given beside unlimited"),
        (false, line) => {
            model::Credit::Line(Money(between("credit_micros", line, 0, MOST_MICROS, "micros")?))
        }
    };
    Ok(model::SetCredit {
        account: account_id("account_id", wire.account_id)?,
        currency: currency("currency", &wire.currency)?,
        credit,
    })
}

pub fn limits(wire: &v1::SetLimitsRequest) -> Checked<model::SetLimits> {
    if wire.commands_per_second == 0 {
        return violation("commands_per_second", "must be above zero");
    }
    Ok(model::SetLimits {
        account: account_id("account_id", wire.account_id)?,
        limits: model::Limits {
            commands_per_second: wire.commands_per_second,
            open_orders: wire.open_order_limit,
        },
    })
}

// --- paging ---

/// How many to give, of what was asked for.
pub fn page_size(size: i32) -> Checked<usize> {
    match size {
        ..0 => violation("page_size", "must not be negative"),
        0 => Ok(100),
        size => Ok((size as usize).min(1_000)),
    }
}

/// Where to go on: a number, written as decimal.
pub fn page_token(token: &str) -> Checked<Option<u64>> {
    if token.is_empty() {
        return Ok(None);
    }
    match token.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => violation("page_token", "must be empty or next_page_token of the last answer"),
    }
}

// --- reports ---

pub fn wire_side(side: Side) -> i32 {
    match side {
        Side::Buy => v1::Side::Buy as i32,
        Side::Sell => v1::Side::Sell as i32,
    }
}

fn wire_order_type(order_type: OrderType) -> i32 {
    (match order_type {
        OrderType::Limit => v1::OrderType::Limit,
        OrderType::Market => v1::OrderType::Market,
        OrderType::Stop => v1::OrderType::Stop,
        OrderType::StopLimit => v1::OrderType::StopLimit,
    }) as i32
}

fn wire_time_in_force(time_in_force: TimeInForce) -> i32 {
    (match time_in_force {
        TimeInForce::Gtc => v1::TimeInForce::Gtc,
        TimeInForce::Day => v1::TimeInForce::Day,
        TimeInForce::Gtd(_) => v1::TimeInForce::Gtd,
        TimeInForce::Ioc => v1::TimeInForce::Ioc,
        TimeInForce::Fok => v1::TimeInForce::Fok,
        TimeInForce::FokBudget(_) => v1::TimeInForce::FokBudget,
    }) as i32
}

pub fn status(status: model::Status) -> v1::InstrumentStatus {
    match status {
        model::Status::Continuous => v1::InstrumentStatus::Continuous,
        model::Status::Auction => v1::InstrumentStatus::Auction,
        model::Status::Frozen => v1::InstrumentStatus::Frozen,
        model::Status::Halted => v1::InstrumentStatus::Halted,
        model::Status::GateClosed => v1::InstrumentStatus::GateClosed,
        model::Status::Delivering => v1::InstrumentStatus::Delivering,
        model::Status::Settled => v1::InstrumentStatus::Settled,
    }
}

pub fn fill(fill: &model::Fill) -> v1::Fill {
    v1::Fill {
        trade_id: fill.trade.0,
        price_micros: fill.price.0,
        quantity: fill.quantity.0,
        liquidity: (match fill.liquidity {
            model::Liquidity::Maker => v1::Liquidity::Maker,
            model::Liquidity::Taker => v1::Liquidity::Taker,
            model::Liquidity::Auction => v1::Liquidity::Auction,
        }) as i32,
        fee_micros: fill.fee.0,
    }
}

/// A report as the contract writes it; the symbol is left out.
pub fn report(stamp: model::Stamp, report: &model::Report) -> v1::ExecutionReport {
    use model::ReportKind as Kind;
    use v1::ReportKind as Wire;
    let mut wire = v1::ExecutionReport {
        account_id: report.account.0,
        number: report.number,
        sequence: stamp.seq,
        transaction_time: Some(timestamp(stamp.time)),
        kind: 0,
        order_id: report.order.0,
        client_order_id: report.client_id.as_str().into(),
        request_number: report.request,
        instrument_id: report.instrument.0,
        symbol: String::new(),
        side: wire_side(report.side),
        order_type: wire_order_type(report.order_type),
        time_in_force: wire_time_in_force(report.time_in_force),
        price_micros: report.price.0,
        trigger_price_micros: report.trigger.0,
        quantity: report.quantity.0,
        cumulative_quantity: report.cumulative.0,
        leaves_quantity: report.leaves.0,
        fill: None,
        reject_reason: 0,
        cancel_reason: 0,
        cancelled_quantity: 0,
        session_id: report.session.0,
    };
    let mut refused = |reason: model::RejectReason| wire.reject_reason = reject_reason(reason) as i32;
    let kind = match report.kind {
        Kind::Accepted => Wire::Accepted,
        Kind::Amended => Wire::Amended,
        Kind::Reduced => Wire::Reduced,
        Kind::Triggered => Wire::Triggered,
        Kind::MassCancelled => Wire::MassCancelled,
        Kind::Filled(ref one) => {
            wire.fill = Some(fill(one));
            Wire::Filled
        }
        Kind::Cancelled { quantity, reason } => {
            wire.cancelled_quantity = quantity.0;
            wire.cancel_reason = cancel_reason(reason) as i32;
            Wire::Cancelled
        }
        Kind::Rejected(reason) => {
            refused(reason);
            Wire::Rejected
        }
        Kind::CancelRejected(reason) => {
            refused(reason);
            Wire::CancelRejected
        }
        Kind::AmendRejected(reason) => {
            refused(reason);
            Wire::AmendRejected
        }
        Kind::MassCancelRejected(reason) => {
            refused(reason);
            Wire::MassCancelRejected
        }
    };
    wire.kind = kind as i32;
    if report.order == OrderId::NONE && kind != Wire::Rejected {
        // There is no order that these could be of.
        (wire.side, wire.order_type, wire.time_in_force) = (0, 0, 0);
    }
    wire
}

macro_rules! same_names {
    ($(#[$meta:meta])* $function:ident: $from:ident => $to:ident { $($name:ident),* $(,)? }) => {
        $(#[$meta])*
        pub fn $function(reason: model::$from) -> v1::$to {
            match reason { $(model::$from::$name => v1::$to::$name),* }
        }
    };
}

same_names!(/// A refusal's reason on the wire.
reject_reason: RejectReason => RejectReason {
    UnknownAccount, UnknownParticipant, UnknownKey, UnknownSession, SessionInUse, ClientIdReused,
    UnknownInstrument, UnknownProduct, UnknownCurrency, UnknownOrder, GateClosed, Halted, Frozen, Killed,
    BadQuantity, QuantityAboveCap, BadPrice, PriceOffTick, BadTrigger, BadDisplay, BadMinimum, BadExpiry,
    BadBudget, Unsupported, DuplicateClientId, NoReference, PriceOutOfBand, NotionalAboveCap,
    TooManyOpenOrders, NoLiquidity, NotInAuction, PostOnly, InsufficientFunds, InsufficientHours, BadAmount,
    BadName, CapacityBelowSold, BadRange, NotInCall, AlreadyDefined, InstrumentsExhausted,
    TooManySessions, LastOperatorKey, UnknownClass,
});

same_names!(/// A cancellation's reason on the wire.
cancel_reason: CancelReason => CancelReason {
    User, Mass, Ioc, Fok, NoLiquidity, SelfTrade, Reduce, DayEnd, Expired, AuctionEnd, GateClosed, Disconnect,
    Kill, Minimum, Band, Uncovered, Quote, Amend,
});

same_names!(/// What a key may do, on the wire.
    wire_role: Role => Role { Trader, Maker, Provider, Meter, Operator, Auditor });

same_names!(/// What a ledger entry is about, on the wire.
    entry_kind: EntryKind => LedgerEntryKind { Deposit, Withdrawal, Fill, EscrowRelease, Gate });

/// The upper-snake name of a reason, as `ErrorInfo` and metrics carry it: `PRICE_OFF_TICK`.
pub fn reason_name(reason: model::RejectReason) -> &'static str {
    reject_reason(reason).as_str_name().trim_start_matches("REJECT_REASON_")
}
