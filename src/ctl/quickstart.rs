//! From nothing to a first trade: a funded buyer, a seller with capacity, a key each, and two orders to paste.
//!
//! Run again, it finds what it made: nothing is funded or declared twice, only the keys are new.

use std::path::Path;

use hourbook_api::v1;
use serde_json::json;

use super::connection::Connection;
use super::values::{self, Micros, Role};
use super::{Failure, Outcome, Paging, Session, pages};

const BUYER: &str = "Quickstart Buyer";
const SELLER: &str = "Quickstart Seller";
/// What the buyer is given when it has less.
const FUNDS: Micros = Micros(1_000_000_000_000);
const LEAST_FUNDS: Micros = Micros(100_000_000_000);
/// What the seller may sell, in so many hours from the one that is traded.
const CAPACITY_LOTS: i64 = 1_000;
const CAPACITY_HOURS: u32 = 24;
/// The first order.
const LOTS: i64 = 10;
/// The class that is traded where it is listed: everyone knows what a vCPU is.
const CLASS: &str = "GP.";
/// The hour traded is the first whose gate is at least so far away.
const BEFORE_GATE_SECONDS: i64 = 6 * 3_600;

/// One side of the first trade.
struct Trader {
    account_id: u32,
    key: String,
}

pub async fn run(session: &Session, connection: &Connection) -> Outcome {
    let (product, instrument) = instrument(session).await?;
    let price = match instrument.reference_price_micros {
        0 => instrument.tick_micros,
        reference => reference,
    };

    let buyer = trader(session, BUYER, Role::Trader).await?;
    let funds = fund(session, buyer.account_id, &product.currency).await?;
    let seller = trader(session, SELLER, Role::Provider).await?;
    let capacity = v1::DeclareCapacityRequest {
        request_id: values::new_id()?,
        account_id: seller.account_id,
        product: product.symbol.clone(),
        start_time: instrument.delivery_start_time,
        hours: CAPACITY_HOURS,
        quantity: CAPACITY_LOTS,
        attestation: "made by ctl quickstart, seen by nobody".into(),
    };
    session.client.admin.clone().declare_capacity(capacity).await?;

    let program = program(connection);
    let order = |side: &str| format!("place {side} {LOTS} {} {}", instrument.symbol, Micros(price));
    if session.out.json {
        let side = |trader: &Trader, order: String| json!({ "accountId": trader.account_id, "key": trader.key, "order": order });
        let told = json!({
            "symbol": instrument.symbol,
            "priceMicros": price.to_string(),
            "quantity": LOTS.to_string(),
            "seller": side(&seller, order("sell")),
            "buyer": side(&buyer, order("buy")),
        });
        session.out.say(told);
        return Ok(());
    }
    session.out.say(format_args!(
        "\
{SELLER}, account {seller_account}, may sell {CAPACITY_LOTS} lots of {product} in each of {CAPACITY_HOURS} hours.
{BUYER}, account {buyer_account}, has {funds} {currency} to spend.

Paste this for a first trade, {LOTS} units at {price} {currency} an hour:

  export SELLER={seller_key}
  export BUYER={buyer_key}
  {program} --key $SELLER {sell}
  {program} --key $BUYER {buy}

Then look around:

  {program} --key $BUYER positions
  {program} --key $BUYER ledger
  {program} --key $BUYER book {symbol}",
        seller_account = seller.account_id,
        buyer_account = buyer.account_id,
        product = product.symbol,
        currency = product.currency,
        price = Micros(price),
        seller_key = seller.key,
        buyer_key = buyer.key,
        sell = order("sell"),
        buy = order("buy"),
        symbol = instrument.symbol,
    ));
    Ok(())
}

/// An hour that will trade for a while, of a product that has a price.
async fn instrument(session: &Session) -> Outcome<(v1::Product, v1::Instrument)> {
    let mut instruments = session.client.instruments.clone();
    let now = session.client.admin.clone().get_status(v1::GetStatusRequest { state_hash: false }).await?;
    let now = now.into_inner().time.map_or(0, |time| time.seconds);
    let request = v1::ListProductsRequest { page_size: 1_000, ..Default::default() };
    let products = instruments.list_products(request).await?.into_inner().products;
    let hourly = || products.iter().filter(|one| one.listed_hours > 0 && !one.halted);
    let priced = || hourly().filter(|one| one.reference_price_micros > 0);
    let product = priced().find(|one| one.symbol.starts_with(CLASS));
    let product = product.or_else(|| priced().next()).or_else(|| hourly().next());
    let product = product.ok_or_else(|| Failure::said("the market lists no product by the hour"))?.clone();

    let request = v1::ListInstrumentsRequest {
        pattern: format!("{}.H*", product.symbol),
        status: v1::InstrumentStatus::Continuous as i32,
        page_size: 1_000,
        page_token: String::new(),
    };
    let listed = instruments.list_instruments(request).await?.into_inner().instruments;
    let gate = |one: &v1::Instrument| one.gate_closure_time.map_or(0, |gate| gate.seconds);
    let open = listed.iter().find(|one| gate(one) >= now + BEFORE_GATE_SECONDS).or(listed.last());
    let open = open.ok_or_else(|| Failure::said(format!("no hour of {} trades now", product.symbol)))?;
    Ok((product, open.clone()))
}

/// The participant of this name with its account, made where it is missing, and a new key.
async fn trader(session: &Session, name: &str, role: Role) -> Outcome<Trader> {
    let mut admin = session.client.admin.clone();
    let everyone = pages(session, Paging { limit: 0 }, |page_size, page_token| {
        let mut admin = admin.clone();
        async move {
            let request = v1::ListParticipantsRequest { page_size, page_token };
            let page = admin.list_participants(request).await?.into_inner();
            Ok((page.participants, page.next_page_token))
        }
    });
    let known = everyone.await?.into_iter().find(|one| one.name == name);
    let (participant_id, accounts) = match known {
        Some(known) => (known.participant_id, known.account_ids),
        None => {
            let request = v1::CreateParticipantRequest { request_id: values::new_id()?, name: name.into() };
            (admin.create_participant(request).await?.into_inner().participant_id, Vec::new())
        }
    };
    let account_id = match accounts.first() {
        Some(&account) => account,
        None => {
            let request_id = values::new_id()?;
            let request = v1::CreateAccountRequest { request_id, participant_id, name: name.into() };
            admin.create_account(request).await?.into_inner().account_id
        }
    };
    let request = v1::IssueKeyRequest {
        request_id: values::new_id()?,
        participant_id,
        account_id,
        role: role.wire(),
        label: "quickstart".into(),
    };
    let key = admin.issue_key(request).await?.into_inner().key;
    Ok(Trader { account_id, key })
}

/// Gives the account money, unless it has enough; what it then has.
async fn fund(session: &Session, account_id: u32, currency: &str) -> Outcome<Micros> {
    let request = v1::GetBalancesRequest { account_id };
    let balances = session.client.accounts.clone().get_balances(request).await?.into_inner().balances;
    let has = balances.iter().find(|one| one.currency == currency).map_or(0, |one| one.available_micros);
    if has >= LEAST_FUNDS.0 {
        return Ok(Micros(has));
    }
    let deposit = v1::DepositRequest {
        request_id: values::new_id()?,
        account_id,
        currency: currency.into(),
        amount_micros: FUNDS.0,
        reference: "quickstart".into(),
    };
    session.client.admin.clone().deposit(deposit).await?;
    Ok(Micros(has.saturating_add(FUNDS.0)))
}

/// How this program was called, so that what is pasted finds it and the same exchange.
fn program(connection: &Connection) -> String {
    let name = std::env::args().next().unwrap_or_else(|| "hourbook".into());
    let here = std::env::current_dir().ok();
    let path = Path::new(&name);
    let shown = here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).display();
    format!("{shown} ctl{}", connection.flags())
}
