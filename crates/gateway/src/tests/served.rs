//! Stories over loopback: what each service answers.

use super::shown;
use super::venue::{OPERATOR, START, Venue, limit};
use crate::{Limits, Settings};
use hourbook_api::client::Client;
use hourbook_api::v1;
use hourbook_api::v1::order_name::Name;
use hourbook_model::Role;
use std::time::Duration;
use tonic::{Code, Status};

pub(super) const HOUR: &str = "GP.CNNX.A.H20261124T08";

fn named(client_order_id: &str) -> Option<v1::OrderName> {
    Some(v1::OrderName { name: Some(Name::ClientOrderId(client_order_id.into())) })
}

fn kind(report: &Option<v1::ExecutionReport>) -> &'static str {
    let kind = v1::ReportKind::try_from(report.as_ref().unwrap().kind).unwrap();
    kind.as_str_name().trim_start_matches("REPORT_KIND_")
}

pub(super) fn with(change: impl FnOnce(&mut Limits)) -> Settings {
    let mut settings = Settings { drain: Duration::from_secs(2), ..Settings::default() };
    change(&mut settings.limits);
    settings
}

pub(super) async fn place(
    client: &Client,
    account_id: u32,
    id: &str,
    order: v1::NewOrder,
) -> Result<v1::PlaceOrderResponse, Status> {
    let request = v1::PlaceOrderRequest { account_id, client_order_id: id.into(), order: Some(order) };
    Ok(client.orders.clone().place_order(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_lives_its_life_by_unary_calls() {
    use v1::Side::{Buy, Sell};
    let venue = Venue::open().await;
    let (ann, ann_key) = venue.trader("ann", Role::Trader).await;
    let (bob, bob_key) = venue.trader("bob", Role::Provider).await;
    let (buyer, seller) = (venue.client(&ann_key).await, venue.client(&bob_key).await);

    let rests = place(&seller, bob, "s1", limit(HOUR, Sell, 10, 1_000_000)).await.unwrap();
    assert_eq!((kind(&rests.report), rests.fills.len(), rests.repeated), ("ACCEPTED", 0, false));
    assert_eq!(rests.report.as_ref().unwrap().symbol, HOUR);

    let trades = place(&buyer, ann, "b1", limit(HOUR, Buy, 4, 1_100_000)).await.unwrap();
    assert_eq!((kind(&trades.report), trades.fills.len()), ("FILLED", 1));
    let fill = &trades.fills[0];
    assert_eq!((fill.price_micros, fill.quantity, fill.fee_micros), (1_000_000, 4, 2_000));
    assert_eq!(trades.report.as_ref().unwrap().leaves_quantity, 0);

    let positions = v1::ListPositionsRequest { account_id: ann, ..Default::default() };
    let positions = buyer.accounts.clone().list_positions(positions).await.unwrap().into_inner().positions;
    let position = &positions[0];
    assert_eq!((position.symbol.as_str(), position.units, position.cost_micros), (HOUR, 4, 4_000_000));

    // The same again does nothing; another body under the same id is refused.
    let again = place(&buyer, ann, "b1", limit(HOUR, Buy, 4, 1_100_000)).await.unwrap();
    let (first, second) = (trades.report.clone().unwrap(), again.report.clone().unwrap());
    assert!(again.repeated && again.fills.is_empty());
    assert_eq!((first.order_id, first.sequence, first.kind), (second.order_id, second.sequence, second.kind));
    assert_eq!((second.symbol.as_str(), second.cumulative_quantity), (HOUR, 4));
    let other = place(&buyer, ann, "b1", limit(HOUR, Buy, 5, 1_100_000)).await.unwrap_err();
    assert_eq!(shown(&other), "AlreadyExists CLIENT_ID_REUSED");

    // What the market refuses is a report.
    let off_tick = place(&buyer, ann, "b2", limit(HOUR, Buy, 1, 1_000_050)).await.unwrap();
    assert_eq!(kind(&off_tick.report), "REJECTED");
    assert_eq!(off_tick.report.unwrap().reject_reason, v1::RejectReason::PriceOffTick as i32);

    let mut orders = seller.orders.clone();
    let reduce = v1::ReduceOrderRequest {
        account_id: bob,
        request_id: "r1".into(),
        order: named("s1"),
        by_quantity: 1,
    };
    let reduced = orders.reduce_order(reduce.clone()).await.unwrap().into_inner();
    assert_eq!((kind(&reduced.report), reduced.report.unwrap().leaves_quantity), ("REDUCED", 5));
    let reduced = orders.reduce_order(reduce).await.unwrap().into_inner();
    let report = reduced.report.clone().unwrap();
    assert_eq!((kind(&reduced.report), report.leaves_quantity, reduced.repeated), ("REDUCED", 5, true));
    assert_eq!(
        (report.symbol.as_str(), report.side, report.client_order_id.as_str()),
        (HOUR, Sell as i32, "s1")
    );

    let amendment = v1::Amendment { order: named("s1"), price_micros: 900_000, ..v1::Amendment::default() };
    let amend =
        v1::AmendOrderRequest { account_id: bob, request_id: "a1".into(), amendment: Some(amendment) };
    let amended = orders.amend_order(amend).await.unwrap().into_inner();
    assert_eq!((kind(&amended.report), amended.report.unwrap().price_micros), ("AMENDED", 900_000));

    // By either name, live; the other side's is not found.
    let get = |account_id, order| v1::GetOrderRequest { account_id, order };
    let order = orders.get_order(get(bob, named("s1"))).await.unwrap().into_inner().order.unwrap();
    let report = order.report.unwrap();
    assert!(order.live);
    assert_eq!((report.cumulative_quantity, report.leaves_quantity, order.displayed_quantity), (4, 5, 5));
    let by_id = Some(v1::OrderName { name: Some(Name::OrderId(report.order_id)) });
    assert!(orders.get_order(get(bob, by_id.clone())).await.unwrap().into_inner().order.unwrap().live);
    let foreign = buyer.orders.clone().get_order(get(ann, by_id.clone())).await.unwrap_err();
    assert_eq!(shown(&foreign), "NotFound NOT_FOUND");

    let cancel = v1::CancelOrderRequest { account_id: bob, request_id: "c1".into(), order: by_id.clone() };
    let cancelled = orders.cancel_order(cancel.clone()).await.unwrap().into_inner();
    assert_eq!((kind(&cancelled.report), cancelled.report.unwrap().cancelled_quantity), ("CANCELLED", 5));
    let cancelled = orders.cancel_order(cancel).await.unwrap().into_inner();
    assert_eq!((kind(&cancelled.report), cancelled.repeated), ("CANCELLED", true));
    assert_eq!(cancelled.report.unwrap().cancelled_quantity, 5);
    let gone = v1::CancelOrderRequest { account_id: bob, request_id: "c2".into(), order: by_id.clone() };
    assert_eq!(kind(&orders.cancel_order(gone).await.unwrap().into_inner().report), "CANCEL_REJECTED");

    // Over: by its last report, and in the lists.
    let over = orders.get_order(get(bob, by_id)).await.unwrap().into_inner().order.unwrap();
    assert_eq!((over.live, kind(&over.report)), (false, "CANCELLED"));
    let over = orders.get_order(get(bob, named("s1"))).await.unwrap().into_inner().order.unwrap();
    assert_eq!(over.report.unwrap().symbol, HOUR);
    let fills = v1::ListFillsRequest { account_id: bob, ..Default::default() };
    let fills = orders.list_fills(fills).await.unwrap().into_inner();
    assert_eq!((fills.fills.len(), fills.next_page_token.as_str()), (1, ""));
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_that_waits_is_seen_by_nobody_but_its_owner() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let stop = v1::NewOrder {
        order_type: v1::OrderType::StopLimit as i32,
        trigger_price_micros: 1_100_000,
        ..limit(HOUR, v1::Side::Buy, 5, 1_200_000)
    };
    let waits = place(&client, ann, "stop", stop).await.unwrap().report.unwrap();
    let get = v1::GetOrderRequest { account_id: ann, order: named("stop") };
    let order = client.orders.clone().get_order(get).await.unwrap().into_inner().order.unwrap();
    let report = order.report.unwrap();
    assert_eq!((order.live, report.order_id, report.leaves_quantity), (true, waits.order_id, 5));
    assert_eq!(order.displayed_quantity, 0);
    let book = v1::GetBookRequest { symbol: HOUR.into(), orders: true, ..Default::default() };
    let book = client.market_data.clone().get_book(book).await.unwrap().into_inner();
    assert!(book.bids.is_empty() && book.bid_orders.is_empty());
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_go_on_where_they_ended_though_what_they_ended_with_is_over() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Maker).await;
    let client = venue.client(&key).await;
    let mut orders = client.orders.clone();
    for n in 0..25 {
        place(&client, ann, &format!("o{n}"), limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    }
    let list = |closed, page_token: &str| v1::ListOrdersRequest {
        account_id: ann,
        closed,
        page_size: 10,
        page_token: page_token.into(),
    };
    let names = |page: &v1::ListOrdersResponse| -> Vec<String> {
        page.orders.iter().map(|order| order.report.as_ref().unwrap().client_order_id.clone()).collect()
    };
    let first = orders.list_orders(list(false, "")).await.unwrap().into_inner();
    assert_eq!(names(&first), (0..10).map(|n| format!("o{n}")).collect::<Vec<_>>());
    for n in [8, 9] {
        let request_id = format!("c{n}");
        let cancel = v1::CancelOrderRequest { account_id: ann, request_id, order: named(&format!("o{n}")) };
        orders.cancel_order(cancel).await.unwrap();
    }
    let second = orders.list_orders(list(false, &first.next_page_token)).await.unwrap().into_inner();
    assert_eq!(names(&second), (10..20).map(|n| format!("o{n}")).collect::<Vec<_>>());
    let third = orders.list_orders(list(false, &second.next_page_token)).await.unwrap().into_inner();
    assert_eq!((names(&third).len(), third.next_page_token.as_str()), (5, ""));

    // What each order holds, in the same order and by the same pages.
    let mut accounts = client.accounts.clone();
    let holds = v1::ListHoldsRequest { account_id: ann, page_size: 20, page_token: String::new() };
    let page = accounts.list_holds(holds).await.unwrap().into_inner();
    let hold = &page.holds[0];
    assert_eq!(
        (hold.client_order_id.as_str(), hold.symbol.as_str(), hold.cash_micros),
        ("o0", HOUR, 900_450)
    );
    let holds = v1::ListHoldsRequest { account_id: ann, page_size: 20, page_token: page.next_page_token };
    assert_eq!(accounts.list_holds(holds).await.unwrap().into_inner().holds.len(), 3);

    let mass = |request_id: &str, scope| v1::MassCancelRequest {
        account_id: ann,
        request_id: request_id.into(),
        scope,
    };
    let cancelled = orders.mass_cancel(mass("m1", None)).await.unwrap().into_inner();
    assert_eq!((cancelled.cancelled_count, cancelled.reject_reason, cancelled.repeated), (23, 0, false));
    let again = orders.mass_cancel(mass("m1", None)).await.unwrap().into_inner();
    assert_eq!((again.cancelled_count, again.sequence, again.repeated), (23, cancelled.sequence, true));
    let other = v1::MassCancelScope { side: v1::Side::Buy as i32, scope: None };
    let other = orders.mass_cancel(mass("m1", Some(other))).await.unwrap_err();
    assert_eq!(shown(&other), "AlreadyExists CLIENT_ID_REUSED");

    let mut token = String::new();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = orders.list_orders(list(true, &token)).await.unwrap().into_inner();
        seen.extend(names(&page));
        token = page.next_page_token;
    }
    assert_eq!((seen.len(), token.as_str()), (25, ""));
    assert_eq!(seen[24], "o8", "newest first: the first that ended comes last");

    let refused = orders.list_orders(list(true, "x")).await.unwrap_err();
    assert_eq!(shown(&refused), "InvalidArgument INVALID_FIELD page_token");
    let negative = v1::ListOrdersRequest { page_size: -1, ..list(false, "") };
    assert_eq!(
        shown(&orders.list_orders(negative).await.unwrap_err()),
        "InvalidArgument INVALID_FIELD page_size"
    );
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_makers_quotes_stand_move_and_are_counted() {
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Maker).await;
    let client = venue.client(&key).await;
    let mut orders = client.orders.clone();
    let quote = |symbol: &str, bid: i64, ask: i64| v1::Quote {
        symbol: symbol.into(),
        bid_price_micros: bid,
        bid_quantity: if bid > 0 { 5 } else { 0 },
        ask_price_micros: ask,
        ask_quantity: 5,
        ..v1::Quote::default()
    };
    let set = |quotes| Some(v1::QuoteSet { quotes, ..v1::QuoteSet::default() });
    let request = |id: &str, quotes| v1::MassQuoteRequest {
        account_id: ann,
        request_id: id.into(),
        quotes: set(quotes),
    };
    let two = vec![quote(HOUR, 900_000, 1_100_000), quote("GP.CNNX.A.H20261124T09", 900_000, 1_100_000)];
    let stand = orders.mass_quote(request("q1", two.clone())).await.unwrap().into_inner();
    assert_eq!((stand.standing_count, stand.reports.len(), stand.repeated), (4, 4, false));
    let again = orders.mass_quote(request("q1", two)).await.unwrap().into_inner();
    assert_eq!((again.standing_count, again.reports.len(), again.repeated), (4, 0, true));
    let moved = orders.mass_quote(request("q2", vec![quote(HOUR, 0, 1_200_000)])).await.unwrap().into_inner();
    assert_eq!(moved.standing_count, 1);
    assert_eq!(moved.reports.len(), 3, "two withdrawn, one placed");

    let book = v1::GetBookRequest { symbol: HOUR.into(), orders: true, ..Default::default() };
    let book = client.market_data.clone().get_book(book).await.unwrap().into_inner();
    assert!(book.bids.is_empty() && book.bid_orders.is_empty());
    let ask = &book.asks[0];
    assert_eq!(
        (ask.price_micros, ask.quantity, ask.order_count, book.ask_orders.len()),
        (1_200_000, 5, 1, 1)
    );
    assert_eq!(
        (book.reference_price_micros, book.band_low_micros, book.band_high_micros),
        (1_000_000, 500_000, 1_500_000)
    );
    assert_eq!(book.status, v1::InstrumentStatus::Continuous as i32);

    // A thousand quotes take the whole allowance of a second.
    let many = vec![quote(HOUR, 900_000, 1_100_000); 1_000];
    tokio::time::sleep(Duration::from_millis(20)).await;
    let first = orders.mass_quote(request("q3", many.clone())).await;
    let second = orders.mass_quote(request("q4", many)).await;
    let refused = [first.err(), second.err()].into_iter().flatten().next_back().unwrap();
    assert!(shown(&refused).starts_with("ResourceExhausted RATE_LIMITED after "), "{}", shown(&refused));
    let too_many = orders.mass_quote(request("q5", vec![quote(HOUR, 1, 1); 1_001])).await.unwrap_err();
    assert_ne!(too_many.code(), Code::Ok);
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn products_instruments_and_contracts_are_found() {
    let venue = Venue::open().await;
    let (_, key) = venue.trader("ann", Role::Meter).await;
    let mut instruments = venue.client(&key).await.instruments.clone();
    let products = |pattern: &str, page_token: &str| v1::ListProductsRequest {
        pattern: pattern.into(),
        page_size: 1,
        page_token: page_token.into(),
    };
    let first = instruments.list_products(products("", "")).await.unwrap().into_inner();
    assert_eq!(
        (first.products[0].symbol.as_str(), first.next_page_token.as_str()),
        ("GP.CNNX.A", "GP.CNNX.A")
    );
    let second = instruments.list_products(products("", "GP.CNNX.A")).await.unwrap().into_inner();
    assert_eq!((second.products[0].symbol.as_str(), second.next_page_token.as_str()), ("GP.CNNX.C", ""));
    let none = instruments.list_products(products("CO.*", "")).await.unwrap().into_inner();
    assert!(none.products.is_empty());

    let list = |pattern: &str, page_size, page_token: &str| v1::ListInstrumentsRequest {
        pattern: pattern.into(),
        page_size,
        page_token: page_token.into(),
        status: 0,
    };
    let mut symbols = Vec::new();
    let mut token = String::new();
    loop {
        let page = instruments.list_instruments(list("GP.CNNX.*", 7, &token)).await.unwrap().into_inner();
        symbols.extend(page.instruments.into_iter().map(|instrument| instrument.symbol));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let listed = venue
        .handle
        .read(|exchange| exchange.instruments().map(|view| view.symbol.to_string()).collect::<Vec<_>>());
    assert_eq!(symbols, listed.await.unwrap(), "all of them, each once, in the exchange's own order");
    let days = instruments.list_instruments(list("GP.CNNX.A.D*", 0, "")).await.unwrap().into_inner();
    assert!(!days.instruments.is_empty() && days.instruments.iter().all(|day| day.hours == 24));
    let halted =
        v1::ListInstrumentsRequest { status: v1::InstrumentStatus::Halted as i32, ..list("", 0, "") };
    assert!(instruments.list_instruments(halted).await.unwrap().into_inner().instruments.is_empty());
    let bad = instruments.list_instruments(list("gp", 0, "")).await.unwrap_err();
    assert_eq!(shown(&bad), "InvalidArgument INVALID_FIELD pattern");

    let get = |symbol: &str| v1::GetInstrumentRequest { symbol: symbol.into(), instrument_id: 0 };
    let hour = instruments.get_instrument(get(HOUR)).await.unwrap().into_inner().instrument.unwrap();
    assert_eq!((hour.product.as_str(), hour.hours, hour.tick_micros), ("GP.CNNX.A", 1, 100));
    let gate = hour.gate_closure_time.unwrap().seconds - START.0 / 1_000_000_000;
    assert_eq!(gate, 8 * 3_600 - 300);
    let unlisted = instruments.get_instrument(get("GP.CNNX.A.H20301124T08")).await.unwrap_err();
    assert_eq!(shown(&unlisted), "NotFound NOT_FOUND");
    let garbled = instruments.get_instrument(get("GP.CNNX")).await.unwrap_err();
    assert_eq!(shown(&garbled), "InvalidArgument INVALID_FIELD symbol");

    let contract = v1::GetContractRequest { product: "GP.CNNX.A".into() };
    let v1::GetContractResponse { text, grade, region } =
        instruments.get_contract(contract).await.unwrap().into_inner();
    assert!(text.starts_with("CONTRACT GP.CNNX.A\nGeneral purpose; Ningxia; tier A\n"), "{text}");
    // What it says in words is there for programs, too.
    let (grade, region) = (grade.unwrap(), region.unwrap());
    assert_eq!((grade.class.as_str(), grade.unit.as_str(), region.code.as_str()), ("GP", "vCPU", "CNNX"));
    assert!(text.contains(&grade.families.join(", ")) && text.contains(&region.cooling), "{text}");
    let get = v1::GetProductRequest { symbol: "GP.CNNX.A".into() };
    let product = instruments.get_product(get).await.unwrap().into_inner().product.unwrap();
    let auction = product.daily_auction.unwrap();
    let seconds = |span: Option<prost_types::Duration>| span.map(|span| span.seconds);
    let times = [auction.call_time, auction.freeze_time, auction.uncross_time].map(seconds);
    assert_eq!(times, [Some(13_800), Some(14_340), Some(14_400)], "03:50, 03:59, 04:00");
    assert!(text.contains("call 03:50, nothing taken back from 03:59, uncross 04:00"), "{text}");
    assert_eq!((seconds(product.call_length), seconds(product.interruption_notice)), (Some(300), None));
    assert_eq!(product.penalty_ppm, 250_000);
    assert!(text.contains("a penalty of 25 % of that price"), "{text}");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_opens_accounts_and_their_owner_sees_them() {
    let venue = Venue::open().await;
    let mut admin = venue.client(OPERATOR).await.admin.clone();
    let request_id = || "p1".to_string();
    let create = v1::CreateParticipantRequest { request_id: request_id(), name: "Ann & Co".into() };
    let participant = admin.create_participant(create.clone()).await.unwrap().into_inner();
    let again = admin.create_participant(create).await.unwrap().into_inner();
    assert_eq!(
        (again.participant_id, again.sequence, again.repeated),
        (participant.participant_id, participant.sequence, true)
    );
    let participant_id = participant.participant_id;
    let create = v1::CreateAccountRequest { request_id: "a1".into(), participant_id, name: "main".into() };
    let account_id = admin.create_account(create).await.unwrap().into_inner().account_id;
    let issue = v1::IssueKeyRequest {
        request_id: "k1".into(),
        participant_id,
        account_id: 0,
        role: v1::Role::Trader as i32,
        label: "desk".into(),
    };
    let key = admin.issue_key(issue.clone()).await.unwrap().into_inner();
    assert!(key.key.starts_with("hb_") && !key.repeated);
    assert_eq!(shown(&admin.issue_key(issue).await.unwrap_err()), "AlreadyExists CLIENT_ID_REUSED");

    // The key opens at once, and sees its own.
    let client = venue.client(&key.key).await;
    let mut accounts = client.accounts.clone();
    let list = accounts.list_accounts(v1::ListAccountsRequest::default()).await.unwrap().into_inner();
    assert_eq!(list.accounts.len(), 1);
    assert_eq!((list.accounts[0].account_id, list.accounts[0].name.as_str()), (account_id, "main"));

    let deposit = v1::DepositRequest {
        request_id: "d1".into(),
        account_id,
        currency: "CNY".into(),
        amount_micros: 5_000_000,
        reference: "bank".into(),
    };
    let entry = admin.deposit(deposit.clone()).await.unwrap().into_inner();
    assert_eq!(admin.deposit(deposit).await.unwrap().into_inner().entry_id, entry.entry_id);
    let withdraw = |id: &str, amount_micros| v1::WithdrawRequest {
        request_id: id.into(),
        account_id,
        currency: "CNY".into(),
        amount_micros,
        reference: String::new(),
    };
    admin.withdraw(withdraw("w1", 1_000_000)).await.unwrap();
    let refused = admin.withdraw(withdraw("w2", 4_000_001)).await.unwrap_err();
    assert_eq!(shown(&refused), "FailedPrecondition INSUFFICIENT_FUNDS");
    let balances = accounts.get_balances(v1::GetBalancesRequest { account_id }).await.unwrap().into_inner();
    let balance = &balances.balances[0];
    assert_eq!(
        (balance.currency.as_str(), balance.cash_micros, balance.available_micros),
        ("CNY", 4_000_000, 4_000_000)
    );
    let ledger = v1::ListLedgerEntriesRequest { account_id, page_size: 1, page_token: String::new() };
    let ledger = accounts.list_ledger_entries(ledger).await.unwrap().into_inner();
    assert_eq!((ledger.entries[0].cash_micros, ledger.next_page_token.as_str()), (5_000_000, "1"));
    let ledger =
        v1::ListLedgerEntriesRequest { account_id, page_size: 1, page_token: ledger.next_page_token };
    let ledger = accounts.list_ledger_entries(ledger).await.unwrap().into_inner();
    assert_eq!((ledger.entries[0].cash_after_micros, ledger.next_page_token.as_str()), (4_000_000, ""));

    let declare = v1::DeclareCapacityRequest {
        request_id: "cap1".into(),
        account_id,
        product: "GP.CNNX.A".into(),
        start_time: Some(hourbook_api::convert::timestamp(START)),
        hours: 24,
        quantity: 7,
        attestation: "seen".into(),
    };
    admin.declare_capacity(declare).await.unwrap();
    let capacity = v1::ListCapacityRequest { account_id, product: "GP.CNNX.A".into() };
    let ranges = accounts.list_capacity(capacity).await.unwrap().into_inner().ranges;
    assert_eq!((ranges[0].hours, ranges[0].declared_quantity, ranges[0].available_quantity), (24, 7, 7));
    let positions = v1::ListPositionsRequest { account_id, ..Default::default() };
    assert!(accounts.list_positions(positions).await.unwrap().into_inner().positions.is_empty());

    let all = admin.list_all_accounts(v1::ListAllAccountsRequest::default()).await.unwrap().into_inner();
    assert_eq!(all.accounts.len(), 1);
    let participants = v1::ListParticipantsRequest { page_size: 1, page_token: "1".into() };
    let participants = admin.list_participants(participants).await.unwrap().into_inner();
    assert_eq!(participants.participants[0].account_ids, [account_id]);
    let keys = admin.list_keys(v1::ListKeysRequest::default()).await.unwrap().into_inner().keys;
    assert_eq!((keys.len(), keys[1].label.as_str(), keys[1].revoked), (2, "desk", false));

    admin.revoke_key(v1::RevokeKeyRequest { request_id: "rk".into(), key_id: key.key_id }).await.unwrap();
    let closed = accounts.get_balances(v1::GetBalancesRequest { account_id }).await.unwrap_err();
    assert_eq!(shown(&closed), "Unauthenticated UNAUTHENTICATED");
    assert!(venue.close().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_stops_the_market_and_lets_it_go_on() {
    use v1::scope::Scope as Reach;
    let venue = Venue::open().await;
    let (ann, key) = venue.trader("ann", Role::Trader).await;
    let client = venue.client(&key).await;
    let mut admin = venue.client(OPERATOR).await.admin.clone();
    place(&client, ann, "o1", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    let scope = |reach| Some(v1::Scope { scope: Some(reach) });
    let halt =
        v1::HaltRequest { request_id: "h1".into(), scope: scope(Reach::Market(true)), reason: "test".into() };
    admin.halt(halt).await.unwrap();
    let refused = place(&client, ann, "o2", limit(HOUR, v1::Side::Buy, 1, 900_000)).await.unwrap();
    assert_eq!(refused.report.unwrap().reject_reason, v1::RejectReason::Halted as i32);
    admin
        .resume(v1::ResumeRequest { request_id: "h2".into(), scope: scope(Reach::Market(true)) })
        .await
        .unwrap();

    let auction = |id: &str, reach| v1::OpenAuctionRequest {
        request_id: id.into(),
        scope: scope(reach),
        end_time: None,
    };
    let whole = admin.open_auction(auction("x0", Reach::Market(true))).await.unwrap_err();
    assert_eq!(shown(&whole), "InvalidArgument INVALID_FIELD scope.market");
    let opened = admin.open_auction(auction("x1", Reach::Symbol(HOUR.into()))).await.unwrap().into_inner();
    assert_eq!(opened.instrument_count, 1);
    let uncross = |id: &str| v1::UncrossRequest {
        request_id: id.into(),
        scope: scope(Reach::Symbol(HOUR.into())),
        reference_price_micros: 0,
    };
    assert_eq!(admin.uncross(uncross("x2")).await.unwrap().into_inner().instrument_count, 1);
    assert_eq!(shown(&admin.uncross(uncross("x3")).await.unwrap_err()), "FailedPrecondition NOT_IN_CALL");

    let kill = v1::KillRequest { request_id: "k".into(), account_id: ann, reason: String::new() };
    assert_eq!(admin.kill(kill).await.unwrap().into_inner().cancelled_count, 1);
    admin.unkill(v1::UnkillRequest { request_id: "u".into(), account_id: ann }).await.unwrap();
    let reference =
        v1::SetReferenceRequest { request_id: "f".into(), symbol: HOUR.into(), price_micros: 1_200_000 };
    admin.set_reference(reference).await.unwrap();
    let credit = v1::SetCreditRequest {
        request_id: "c".into(),
        account_id: ann,
        currency: "EUR".into(),
        credit_micros: 1,
        unlimited: false,
    };
    assert_eq!(shown(&admin.set_credit(credit).await.unwrap_err()), "NotFound UNKNOWN_CURRENCY");
    let limits = v1::SetLimitsRequest {
        request_id: "l".into(),
        account_id: ann,
        commands_per_second: 10,
        open_order_limit: 1,
    };
    admin.set_limits(limits).await.unwrap();

    let status = admin.get_status(v1::GetStatusRequest { state_hash: true }).await.unwrap().into_inner();
    assert_eq!((status.ledger_sum_micros, status.state_hash.len(), status.open_order_count), (0, 64, 0));
    assert!(status.durable_sequence >= status.sequence && status.instrument_count > 40);
    let snapshot = admin.take_snapshot(v1::TakeSnapshotRequest {}).await.unwrap().into_inner();
    assert_eq!((snapshot.sequence, &snapshot.state_hash), (status.sequence, &status.state_hash));

    let drained = admin.drain(v1::DrainRequest {}).await.unwrap().into_inner();
    assert_eq!(drained.sequence, status.sequence);
    assert!(venue.close().await, "the server ends with the exchange");
}
