//! An account that may trade, and where it trades.

use crate::Error;
use hourbook_api::client::{self, Client};
use hourbook_api::v1;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who sends the load, and into which book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    pub key: String,
    /// The PEM of who signed the server's certificate, where that is not a public one.
    pub authority: Option<String>,
    pub account: u32,
    pub instrument: u32,
    /// Micros per unit-hour: a whole number of ticks, about where the market is.
    pub price: i64,
    pub tick: i64,
}

/// Cash deposited, micros, and lots declared in each hour: more than any run needs.
const CASH: i64 = 1_000_000_000_000_000;
const LOTS: i64 = 1_000_000_000;
/// Commands a second and live orders that the account is allowed: the load is to meet the exchange, not its limits.
const COMMANDS_PER_SECOND: u32 = 50_000_000;
const OPEN_ORDERS: u32 = 1_000_000;
/// Hours ahead of the one that is traded: far from its gate and from the daily call.
const AHEAD: usize = 100;
const DECLARED_HOURS: u32 = 400;

/// Makes a funded participant with capacity in the first product of `pattern` that has a price, as an operator does it.
///
/// # Errors
/// What the exchange refuses; [`Error::Market`] when no such product is listed far enough ahead.
pub async fn set_up(
    address: &str,
    operator: &str,
    authority: Option<&str>,
    pattern: &str,
) -> Result<Desk, Error> {
    let client = Client::connect(address, operator, authority).await?;
    let Client { mut admin, mut instruments, .. } = client;
    let run = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let request_id = |what: &str| format!("{what}-{run}");
    let asked = v1::ListProductsRequest { pattern: pattern.into(), page_size: 1, page_token: String::new() };
    let products = instruments.list_products(asked).await.map_err(client::Error::from)?.into_inner().products;
    let product = products.into_iter().next().ok_or_else(|| Error::Market(pattern.into()))?;
    let asked = v1::ListInstrumentsRequest {
        pattern: format!("{}.H*", product.symbol),
        status: v1::InstrumentStatus::Continuous as i32,
        page_size: AHEAD as i32 + 1,
        page_token: String::new(),
    };
    let listed = instruments.list_instruments(asked).await.map_err(client::Error::from)?.into_inner();
    let instrument = listed.instruments.into_iter().last().filter(|last| last.reference_price_micros > 0);
    let instrument = instrument.ok_or_else(|| Error::Market(format!("{}.H*", product.symbol)))?;

    let asked = v1::CreateParticipantRequest { request_id: request_id("load"), name: "load".into() };
    let participant_id =
        admin.create_participant(asked).await.map_err(client::Error::from)?.into_inner().participant_id;
    let asked = v1::CreateAccountRequest {
        request_id: request_id("load-account"),
        participant_id,
        name: "load".into(),
    };
    let account_id = admin.create_account(asked).await.map_err(client::Error::from)?.into_inner().account_id;
    let asked = v1::IssueKeyRequest {
        request_id: request_id("load-key"),
        participant_id,
        account_id,
        role: v1::Role::Trader as i32,
        label: "load".into(),
    };
    let key = admin.issue_key(asked).await.map_err(client::Error::from)?.into_inner().key;
    let asked = v1::SetLimitsRequest {
        request_id: request_id("load-limits"),
        account_id,
        commands_per_second: COMMANDS_PER_SECOND,
        open_order_limit: OPEN_ORDERS,
    };
    admin.set_limits(asked).await.map_err(client::Error::from)?;
    let asked = v1::DepositRequest {
        request_id: request_id("load-cash"),
        account_id,
        currency: product.currency,
        amount_micros: CASH,
        reference: "load".into(),
    };
    admin.deposit(asked).await.map_err(client::Error::from)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64);
    let asked = v1::DeclareCapacityRequest {
        request_id: request_id("load-capacity"),
        account_id,
        product: product.symbol,
        start_time: Some(prost_types::Timestamp { seconds: now / 3_600 * 3_600 + 3_600, nanos: 0 }),
        hours: DECLARED_HOURS,
        quantity: LOTS,
        attestation: "load: nothing is delivered".into(),
    };
    admin.declare_capacity(asked).await.map_err(client::Error::from)?;

    let tick = instrument.tick_micros;
    Ok(Desk {
        key,
        authority: authority.map(str::to_owned),
        account: account_id,
        instrument: instrument.instrument_id,
        price: instrument.reference_price_micros / tick * tick,
        tick,
    })
}
