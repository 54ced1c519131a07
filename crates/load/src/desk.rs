//! Accounts that may trade, and where they trade.

use crate::Error;
use hourbook_api::client::{self, Client};
use hourbook_api::v1;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who sends the load, and into which books.
#[derive(Clone, PartialEq, Eq)]
pub struct Desk {
    pub key: String,
    /// The PEM of who signed the server's certificate, where that is not a public one.
    pub authority: Option<String>,
    pub account: u32,
    /// At least one.
    pub books: Arc<[Book]>,
    /// Whether a report can be read again later: the server that does nothing keeps none.
    pub keeps_reports: bool,
}

/// Without its key, which is a secret.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Desk { key: _, authority: _, account, books, keeps_reports } = self;
        f.debug_struct("Desk")
            .field("account", account)
            .field("books", books)
            .field("keeps_reports", keeps_reports)
            .finish_non_exhaustive()
    }
}

/// An instrument, and about where its market is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Book {
    pub instrument: u32,
    /// Micros per unit-hour: a whole number of ticks.
    pub price: i64,
    pub tick: i64,
}

/// Prices of resting orders lie within so many ticks of the middle, but no further than a twentieth of the price.
const WIDTH: i64 = 500;

impl Book {
    /// Ticks from the middle within which orders rest.
    pub(crate) fn width(&self) -> i64 {
        WIDTH.min(self.price / self.tick / 20).max(1)
    }

    /// The price at which an order of this side rests, so many ticks from the middle.
    pub(crate) fn away(&self, side: v1::Side, ticks: i64) -> i64 {
        self.price + if side == v1::Side::Buy { -ticks } else { ticks } * self.tick
    }

    /// A price at which an order of this side trades with any that rests.
    pub(crate) fn beyond(&self, side: v1::Side) -> i64 {
        self.away(side, -self.width() - 1)
    }
}

/// What is to be made ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Products whose hours are traded, such as `GP.CNNX.A` or `GP.*`; empty is all.
    pub products: String,
    /// Instruments at most, spread evenly over the products.
    pub books: usize,
    /// Accounts, one for each connection.
    pub desks: usize,
    /// Live orders that each account may need.
    pub open_orders: u32,
    /// Whether their keys are makers' keys.
    pub quotes: bool,
}

/// A limit of the accounts, as the exchange sets it and as it was raised: the load is to meet the exchange, not its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raised {
    pub limit: &'static str,
    pub from: u32,
    pub to: u32,
}

/// Cash deposited, micros, and lots declared in each hour: more than any run needs.
const CASH: i64 = 1_000_000_000_000_000;
const LOTS: i64 = 1_000_000_000;
const COMMANDS_PER_SECOND: u32 = 50_000_000;
/// Products and hours that a page has.
const PAGE: i32 = 1_000;
/// A price has at least so many ticks: below it, there is no room for a book.
const LEAST_TICKS: i64 = 40;

/// Makes a funded participant with capacity, as an operator does it, and an account with a key of its own for each desk.
///
/// The hours that are traded are those furthest ahead: far from their gates and from the daily call.
///
/// # Errors
/// What the exchange refuses; [`Error::Market`] when no such product is listed with a price.
pub async fn set_up(
    address: &str,
    operator: &str,
    authority: Option<&str>,
    wanted: &Wanted,
) -> Result<(Vec<Desk>, Vec<Raised>), Error> {
    let client = Client::connect(address, operator, authority).await?;
    let chosen = choose(&client, wanted).await?;
    let books: Arc<[Book]> = chosen.iter().map(Hour::book).collect();
    let participant_id = participant(&client, "load").await?;
    let role = if wanted.quotes { v1::Role::Maker } else { v1::Role::Trader };
    let (mut desks, mut raised) = (Vec::new(), Vec::new());
    for number in 1..=wanted.desks {
        let name = format!("load {number}");
        let asked = v1::CreateAccountRequest { request_id: request_id("account"), participant_id, name };
        let account = said(client.admin.clone().create_account(asked).await)?.account_id;
        let key = key(&client, participant_id, account, role).await?;
        fund(&client, account, &chosen).await?;
        raised = raise(&client, address, &key, authority, account, wanted.open_orders).await?;
        let authority = authority.map(str::to_owned);
        desks.push(Desk { key, authority, account, books: Arc::clone(&books), keeps_reports: true });
    }
    Ok((desks, raised))
}

/// The key of a participant of its own, who may only look.
pub(crate) async fn participant_key(client: &Client, name: &str) -> Result<String, Error> {
    let participant = participant(client, name).await?;
    key(client, participant, 0, v1::Role::Trader).await
}

/// An instrument that is one hour.
struct Hour {
    product: String,
    currency: String,
    instrument: v1::Instrument,
}

impl Hour {
    fn book(&self) -> Book {
        let v1::Instrument { instrument_id, reference_price_micros, tick_micros: tick, .. } = self.instrument;
        Book { instrument: instrument_id, price: reference_price_micros / tick * tick, tick }
    }

    fn start(&self) -> i64 {
        self.instrument.delivery_start_time.as_ref().map_or(0, |start| start.seconds)
    }
}

/// The hours furthest ahead, about as many of each product.
async fn choose(client: &Client, wanted: &Wanted) -> Result<Vec<Hour>, Error> {
    let mut products = Vec::new();
    let (mut instruments, mut token) = (client.instruments.clone(), String::new());
    loop {
        let asked =
            v1::ListProductsRequest { pattern: wanted.products.clone(), page_size: PAGE, page_token: token };
        let page = said(instruments.list_products(asked).await)?;
        products.extend(page.products);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    products.truncate(wanted.books);
    let mut chosen = Vec::with_capacity(wanted.books);
    let count = products.len();
    for (at, product) in products.into_iter().enumerate() {
        let mut hours = hours(client, &product).await?;
        // What one product lacks, the next ones give.
        let share = (wanted.books - chosen.len()).div_ceil(count - at);
        hours.sort_by_key(|hour| std::cmp::Reverse(hour.start()));
        chosen.extend(hours.into_iter().take(share));
    }
    match chosen.is_empty() {
        true => Err(Error::Market(format!(
            "an hour of `{}` in continuous trading, with a price",
            wanted.products
        ))),
        false => Ok(chosen),
    }
}

/// A product's hours that trade and have a price.
async fn hours(client: &Client, product: &v1::Product) -> Result<Vec<Hour>, Error> {
    let (mut hours, mut token) = (Vec::new(), String::new());
    loop {
        let asked = v1::ListInstrumentsRequest {
            pattern: format!("{}.H*", product.symbol),
            status: v1::InstrumentStatus::Continuous as i32,
            page_size: PAGE,
            page_token: token,
        };
        let page = said(client.instruments.clone().list_instruments(asked).await)?;
        let priced = page
            .instruments
            .into_iter()
            .filter(|one| one.reference_price_micros >= LEAST_TICKS * one.tick_micros);
        hours.extend(priced.map(|instrument| Hour {
            product: product.symbol.clone(),
            currency: product.currency.clone(),
            instrument,
        }));
        token = page.next_page_token;
        if token.is_empty() {
            return Ok(hours);
        }
    }
}

async fn participant(client: &Client, name: &str) -> Result<u32, Error> {
    let asked = v1::CreateParticipantRequest { request_id: request_id("participant"), name: name.into() };
    Ok(said(client.admin.clone().create_participant(asked).await)?.participant_id)
}

async fn key(client: &Client, participant_id: u32, account_id: u32, role: v1::Role) -> Result<String, Error> {
    let asked = v1::IssueKeyRequest {
        request_id: request_id("key"),
        participant_id,
        account_id,
        role: role as i32,
        label: "load".into(),
    };
    Ok(said(client.admin.clone().issue_key(asked).await)?.key)
}

/// Cash in each currency, and hours of each product.
async fn fund(client: &Client, account_id: u32, chosen: &[Hour]) -> Result<(), Error> {
    let mut admin = client.admin.clone();
    let currencies: BTreeSet<&str> = chosen.iter().map(|hour| hour.currency.as_str()).collect();
    for currency in currencies {
        let asked = v1::DepositRequest {
            request_id: request_id("cash"),
            account_id,
            currency: currency.into(),
            amount_micros: CASH,
            reference: "load".into(),
        };
        said(admin.deposit(asked).await)?;
    }
    for hours in chosen.chunk_by(|one, other| one.product == other.product) {
        let starts = || hours.iter().map(Hour::start);
        let (first, last) = (starts().min().unwrap_or(0), starts().max().unwrap_or(0));
        let asked = v1::DeclareCapacityRequest {
            request_id: request_id("capacity"),
            account_id,
            product: hours[0].product.clone(),
            start_time: Some(prost_types::Timestamp { seconds: first, nanos: 0 }),
            hours: ((last - first) / 3_600 + 1) as u32,
            quantity: LOTS,
            attestation: "load: nothing is delivered".into(),
        };
        said(admin.declare_capacity(asked).await)?;
    }
    Ok(())
}

/// Raises the account's limits; what they were and are.
async fn raise(
    client: &Client,
    address: &str,
    key: &str,
    authority: Option<&str>,
    account_id: u32,
    open_orders: u32,
) -> Result<Vec<Raised>, Error> {
    let own = Client::connect(address, key, authority).await?;
    let asked = v1::ListAccountsRequest { page_size: PAGE, page_token: String::new() };
    let listed = said(own.accounts.clone().list_accounts(asked).await)?.accounts;
    let before = listed.into_iter().find(|one| one.account_id == account_id).unwrap_or_default();
    let commands_per_second = COMMANDS_PER_SECOND.max(before.commands_per_second);
    let open_order_limit = open_orders.max(before.open_order_limit);
    let asked = v1::SetLimitsRequest {
        request_id: request_id("limits"),
        account_id,
        commands_per_second,
        open_order_limit,
    };
    said(client.admin.clone().set_limits(asked).await)?;
    let raised = [
        Raised { limit: "commands_per_second", from: before.commands_per_second, to: commands_per_second },
        Raised { limit: "open_order_limit", from: before.open_order_limit, to: open_order_limit },
    ];
    Ok(raised.into_iter().filter(|raised| raised.to > raised.from).collect())
}

/// An id that no request had before: the moment, and what it is about.
fn request_id(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    format!("load-{what}-{now:x}")
}

pub(crate) fn said<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, Error> {
    Ok(answer.map_err(client::Error::from)?.into_inner())
}
