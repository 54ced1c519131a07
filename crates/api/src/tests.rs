//! Bad shape is named, field by field; what passes is what was meant.

use crate::convert::*;
use crate::v1;
use hourbook_model as model;
use hourbook_model::*;

/// Knows one instrument and one product.
struct Known;

impl Resolve for Known {
    fn instrument(&self, symbol: &str) -> Option<InstrumentId> {
        (symbol == "GP.CNNX.A.H20261124T08").then_some(InstrumentId(77))
    }
    fn product(&self, symbol: &str) -> Option<ProductId> {
        (symbol == "GP.CNNX.A").then_some(ProductId(7))
    }
}

fn limit() -> v1::NewOrder {
    v1::NewOrder {
        symbol: "GP.CNNX.A.H20261124T08".into(),
        side: v1::Side::Buy as i32,
        order_type: v1::OrderType::Limit as i32,
        price_micros: 2_000_000,
        quantity: 5,
        ..Default::default()
    }
}

#[test]
fn a_limit_order_is_read_as_it_was_meant() {
    let order = new_order(&limit(), &Known).unwrap();
    assert_eq!(order.instrument, InstrumentId(77));
    assert_eq!((order.side, order.order_type), (Side::Buy, OrderType::Limit));
    assert_eq!((order.price, order.quantity), (Price(2_000_000), Quantity(5)));
    assert_eq!(order.time_in_force, TimeInForce::Gtc);
}

#[test]
fn a_symbol_that_names_nothing_is_the_markets_to_refuse() {
    let order = v1::NewOrder { symbol: "GP.CNNX.A.H20261124T09".into(), ..limit() };
    assert_eq!(new_order(&order, &Known).unwrap().instrument, InstrumentId(0));
}

#[test]
fn each_bad_field_of_an_order_is_named() {
    type Spoil = fn(&mut v1::NewOrder);
    let cases: &[(&str, Spoil)] = &[
        ("symbol", |order| order.symbol = String::new()),
        ("symbol", |order| order.symbol = "GP".into()),
        ("symbol", |order| order.symbol = "GP.CNNX.A.H2026112é".into()),
        ("instrument_id", |order| order.instrument_id = 3),
        ("side", |order| order.side = 0),
        ("side", |order| order.side = 9),
        ("order_type", |order| order.order_type = 0),
        ("time_in_force", |order| order.time_in_force = 99),
        ("expire_time", |order| order.time_in_force = v1::TimeInForce::Gtd as i32),
        ("expire_time", |order| order.expire_time = Some(timestamp(Time(5)))),
        ("expire_time", |order| {
            order.time_in_force = v1::TimeInForce::Gtd as i32;
            order.expire_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
        }),
        ("budget_micros", |order| order.budget_micros = 1),
        ("budget_micros", |order| order.time_in_force = v1::TimeInForce::FokBudget as i32),
        ("price_micros", |order| order.price_micros = 0),
        ("price_micros", |order| order.price_micros = -1),
        ("price_micros", |order| order.price_micros = i64::MAX),
        ("price_micros", |order| order.order_type = v1::OrderType::Market as i32),
        ("trigger_price_micros", |order| order.trigger_price_micros = 1),
        ("trigger_price_micros", |order| order.order_type = v1::OrderType::StopLimit as i32),
        ("quantity", |order| order.quantity = 0),
        ("quantity", |order| order.quantity = -5),
        ("quantity", |order| order.quantity = i64::MAX),
        ("display_quantity", |order| order.display_quantity = -1),
        ("minimum_quantity", |order| order.minimum_quantity = -1),
        ("self_trade_prevention", |order| order.self_trade_prevention = 77),
    ];
    for (at, (field, spoil)) in cases.iter().enumerate() {
        let mut order = limit();
        spoil(&mut order);
        let violation = new_order(&order, &Known).expect_err(&format!("case {at} of {field}"));
        assert_eq!(&violation.field, field, "case {at}: {violation}");
        assert!(!violation.description.is_empty());
    }
}

#[test]
fn ids_are_short_and_plain() {
    assert_eq!(client_id("request_id", "").unwrap_err().field, "request_id");
    assert!(client_id("request_id", &"x".repeat(37)).is_err());
    assert!(client_id("request_id", "tab\t").is_err());
    assert!(client_id("request_id", "ünicode").is_err());
    assert_eq!(client_id("request_id", &"x".repeat(36)).unwrap().as_str().len(), 36);
    assert!(optional_client_id("client_order_id", "").unwrap().is_none());
}

#[test]
fn an_entry_says_where_in_it_the_fault_lies() {
    let place = |order| v1::TradeEntry {
        number: 1,
        client_order_id: String::new(),
        request: Some(v1::trade_entry::Request::Place(order)),
    };
    let bad = entry(&place(v1::NewOrder { quantity: 0, ..limit() }), &Known).unwrap_err();
    assert_eq!(bad.field, "place.quantity");
    assert_eq!(entry(&v1::TradeEntry { number: 0, ..place(limit()) }, &Known).unwrap_err().field, "number");
    assert_eq!(
        entry(&v1::TradeEntry { request: None, ..place(limit()) }, &Known).unwrap_err().field,
        "request"
    );
    let quotes = v1::QuoteSet { quotes: vec![v1::Quote::default()], ..Default::default() };
    let quote = v1::TradeEntry { request: Some(v1::trade_entry::Request::Quote(quotes)), ..place(limit()) };
    assert_eq!(entry(&quote, &Known).unwrap_err().field, "quote.quotes[0].symbol");
    let of = |scope| v1::TradeEntry {
        request: Some(v1::trade_entry::Request::MassCancel(v1::MassCancelScope {
            scope: Some(scope),
            side: 0,
        })),
        ..place(limit())
    };
    use v1::mass_cancel_scope::Scope;
    for (scope, field) in [
        (Scope::Product("GP".into()), "mass_cancel.product"),
        (Scope::Symbol("GP".into()), "mass_cancel.symbol"),
        (Scope::InstrumentId(0), "mass_cancel.instrument_id"),
    ] {
        assert_eq!(entry(&of(scope), &Known).unwrap_err().field, field);
    }
    let (number, client_id, command) = entry(&place(limit()), &Known).unwrap();
    assert_eq!((number, client_id.is_none(), command.name()), (1, true, "PlaceOrder"));
}

#[test]
fn a_side_of_a_quote_has_both_price_and_lots_or_neither_price() {
    let quote = v1::Quote {
        symbol: "GP.CNNX.A.H20261124T08".into(),
        ask_price_micros: 2_000_000,
        ask_quantity: 5,
        ..Default::default()
    };
    let set = |quote| v1::QuoteSet { quotes: vec![quote], ..Default::default() };
    assert!(quotes(&set(quote.clone()), &Known).is_ok(), "the other side is withdrawn");
    let half = v1::Quote { ask_quantity: 0, ..quote };
    assert_eq!(quotes(&set(half), &Known).unwrap_err().field, "quotes[0].ask_price_micros");
    let none = v1::QuoteSet::default();
    assert_eq!(quotes(&none, &Known).unwrap_err().field, "quotes");
}

#[test]
fn names_can_be_seen_as_they_are() {
    let name = |name: &str| text("name", name, 10, true);
    assert_eq!(name("Ann & Co").unwrap(), "Ann & Co");
    assert_eq!(name("企鹅").unwrap(), "企鹅");
    let hidden = [
        "",
        "  ",
        "\u{3000}",
        " Ann",
        "Ann ",
        "a\u{7}b",
        "Ann\u{202e}oC",
        "A\u{200b}nn",
        "\u{feff}Ann",
        "eleven long",
    ];
    for bad in hidden {
        assert_eq!(name(bad).unwrap_err().field, "name", "{bad:?}");
    }
    assert_eq!(text("reason", "", 10, false).unwrap(), "");
}

#[test]
fn reports_tell_what_happened() {
    let fill = Fill {
        trade: TradeId(9),
        price: Price(5),
        quantity: Quantity(2),
        liquidity: Liquidity::Maker,
        fee: Money(1),
    };
    let report_of = |kind| Report {
        account: AccountId(3),
        number: 4,
        kind,
        order: OrderId(8),
        client_id: ClientId::new("mine").unwrap(),
        session: SessionId(1),
        request: 6,
        instrument: InstrumentId(77),
        side: Side::Sell,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        price: Price(5),
        trigger: Price(0),
        quantity: Quantity(10),
        cumulative: Quantity(2),
        leaves: Quantity(8),
    };
    let at = Stamp { seq: 12, time: Time(1_500_000_000) };
    let wire = report(at, &report_of(ReportKind::Filled(fill)));
    assert_eq!((wire.number, wire.sequence, wire.order_id, wire.request_number), (4, 12, 8, 6));
    assert_eq!(wire.fill.unwrap().trade_id, 9);
    assert_eq!(wire.transaction_time.unwrap(), prost_types::Timestamp { seconds: 1, nanos: 500_000_000 });
    let wire = report(at, &report_of(ReportKind::Rejected(RejectReason::PriceOffTick)));
    assert_eq!(wire.reject_reason, v1::RejectReason::PriceOffTick as i32);
    let gone = ReportKind::Cancelled { quantity: Quantity(8), reason: CancelReason::DayEnd };
    let wire = report(at, &report_of(gone));
    assert_eq!((wire.cancelled_quantity, wire.cancel_reason), (8, v1::CancelReason::DayEnd as i32));
    assert_eq!(reason_name(RejectReason::PriceOffTick), "PRICE_OFF_TICK");
    // What is about no order has no side; an order that was refused has its own.
    let of_none = |kind| report(at, &Report { order: OrderId::NONE, ..report_of(kind) });
    let mass = of_none(ReportKind::MassCancelled);
    assert_eq!((mass.side, mass.order_type, mass.time_in_force), (0, 0, 0));
    assert_eq!(of_none(ReportKind::Rejected(RejectReason::BadPrice)).side, v1::Side::Sell as i32);
}

#[test]
fn scopes_roles_and_pages() {
    assert_eq!(scope(None, &Known).unwrap_err().field, "scope");
    let market = v1::Scope { scope: Some(v1::scope::Scope::Market(true)) };
    assert_eq!(scope(Some(&market), &Known).unwrap(), model::Scope::Market);
    assert_eq!(role("role", 0).unwrap_err().field, "role");
    assert_eq!(page_size(0), Ok(100));
    assert_eq!(page_size(5_000), Ok(1_000));
    assert!(page_size(-1).is_err() && page_token("x").is_err());
}

#[test]
fn ready_updates_are_on_the_wire_what_updates_are() {
    use prost::Message;
    let update = |number| v1::MarketUpdate { instrument_id: 7, number, ..Default::default() };
    let plain =
        v1::SubscribeResponse { updates: vec![update(1), update(2), update(3)], ..Default::default() };
    let mut bytes = bytes::BytesMut::new();
    crate::ready::append(&mut bytes, &update(1));
    let first = bytes.split().freeze();
    crate::ready::append(&mut bytes, &update(2));
    let ready = vec![first, bytes.freeze()];
    let joined = v1::SubscribeResponse { ready, updates: vec![update(3)] };
    assert_eq!(joined.encode_to_vec(), plain.encode_to_vec());
    assert_eq!(joined.encoded_len(), plain.encoded_len());
    assert_eq!(v1::SubscribeResponse::decode(&joined.encode_to_vec()[..]), Ok(plain));
}

#[test]
fn the_page_on_clients_shows_the_example_as_it_is() {
    let page = include_str!("../../../docs/clients.md");
    let example = include_str!("../examples/first_session.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert!(
        page.contains(&format!("```rust\n{code}```")),
        "copy examples/first_session.rs to docs/clients.md"
    );
}
