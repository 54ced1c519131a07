//! What is asked of the exchange: lists once, and what tasks of their own go on telling, which come back where a connection
//! breaks: instruments and how they trade, fair prices, capacity and ratings.

use crate::config::Error;
use futures::StreamExt;
use hourbook_api::client::Client;
use hourbook_api::v1;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tonic::Code;

/// How long an attempt rests before the next.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);
/// How often capacity and ratings are asked for.
const REFRESH: Duration = Duration::from_secs(60);
/// Products in one stream of quotes, rows in a page.
const IN_A_STREAM: usize = 100;
const PAGE: i32 = 1_000;

/// What the tasks tell.
pub(crate) enum Told {
    Listed(Box<v1::Instrument>),
    Status(v1::InstrumentStatusChange),
    Price(Box<v1::PriceQuote>),
    /// A product that pricing does not know.
    Unpriced(String),
    PricesHold,
    PricesLost(String),
    Capacity(String, Vec<v1::CapacityRange>),
    Ratings(Vec<v1::Rating>),
}

pub(crate) async fn list(client: &Client, patterns: &[String]) -> Result<Vec<v1::Instrument>, Error> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        let mut page_token = String::new();
        loop {
            let asked = v1::ListInstrumentsRequest {
                pattern: pattern.clone(),
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            let page = client.instruments.clone().list_instruments(asked).await?.into_inner();
            found.extend(page.instruments.into_iter().map(|one| (one.instrument_id, one)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    Ok(found.into_values().collect())
}

pub(crate) async fn positions(client: &Client, account_id: u32) -> Result<Vec<v1::Position>, Error> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let asked = v1::ListPositionsRequest { account_id, page_size: PAGE, page_token };
        let page = client.accounts.clone().list_positions(asked).await?.into_inner();
        found.extend(page.positions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

pub(crate) async fn capacity(
    client: &Client,
    account_id: u32,
    product: &str,
) -> Result<Vec<v1::CapacityRange>, Error> {
    let asked = v1::ListCapacityRequest { account_id, product: product.into() };
    Ok(client.accounts.clone().list_capacity(asked).await?.into_inner().ranges)
}

/// How instruments trade, and which are new. What a reconnection may have missed is told again.
pub(crate) async fn statuses(client: Client, patterns: Vec<String>, tells: mpsc::Sender<Told>) {
    let mut known = BTreeSet::new();
    loop {
        if let Err(error) = follow(&client, &patterns, &tells, &mut known).await {
            tracing::debug!(%error, "the list of instruments is followed again");
        }
        if tells.is_closed() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn follow(
    client: &Client,
    patterns: &[String],
    tells: &mpsc::Sender<Told>,
    known: &mut BTreeSet<u32>,
) -> Result<(), Error> {
    let mut streams = Vec::new();
    for pattern in patterns {
        let asked = v1::StreamInstrumentStatusRequest { pattern: pattern.clone() };
        streams.push(client.instruments.clone().stream_instrument_status(asked).await?.into_inner());
    }
    // What is listed by now is at least what the streams begin with.
    for listed in list(client, patterns).await? {
        known.insert(listed.instrument_id);
        let _ = tells.send(Told::Listed(Box::new(listed))).await;
    }
    let mut changes = futures::stream::select_all(streams);
    while let Some(message) = changes.next().await {
        for change in message?.changes {
            let (id, status) = (change.instrument_id, change.status());
            let is_over = status == v1::InstrumentStatus::Settled;
            if !is_over && known.insert(id) {
                let asked = v1::GetInstrumentRequest { instrument_id: id, symbol: String::new() };
                match client.instruments.clone().get_instrument(asked).await {
                    Ok(found) => {
                        if let Some(listed) = found.into_inner().instrument {
                            let _ = tells.send(Told::Listed(Box::new(listed))).await;
                        }
                    }
                    // It came and went.
                    Err(status) if status.code() == Code::NotFound => {}
                    Err(status) => {
                        known.remove(&id);
                        return Err(status.into());
                    }
                }
            }
            if is_over {
                known.remove(&id);
            }
            if tells.send(Told::Status(change)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Asks whether there is such a provider: prices of one that is nobody would be lost for ever.
pub(crate) async fn known(client: &Client, provider_id: u32, product: &str) -> Result<(), Error> {
    let class = product.split('.').next().unwrap_or_default().to_owned();
    let service = v1::Service { provider_id, class };
    let asked = v1::ExplainRequest { subject: Some(v1::explain_request::Subject::Service(service)) };
    match client.pricing.clone().explain(asked).await {
        Err(status) if status.code() == Code::NotFound => {
            Err(Error::Config(format!("provider: the exchange knows no participant {provider_id}")))
        }
        // A class that pricing does not know has no price either, and is told as that.
        _ => Ok(()),
    }
}

/// Fair prices of the products that are quoted, as pricing at the exchange finds them.
pub(crate) async fn prices(
    client: Client,
    provider: u32,
    mut quoted: watch::Receiver<BTreeSet<String>>,
    tells: mpsc::Sender<Told>,
) {
    loop {
        let products = quoted.borrow_and_update().clone();
        let why = tokio::select! {
            ended = stream_prices(&client, provider, &products, &tells) => match ended {
                Ok(()) => "the exchange ended the stream".to_owned(),
                Err(error) => error.to_string(),
            },
            // New products: asked for together with the others, at once.
            Ok(()) = quoted.changed() => continue,
        };
        if tells.send(Told::PricesLost(why)).await.is_err() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn stream_prices(
    client: &Client,
    provider_id: u32,
    products: &BTreeSet<String>,
    tells: &mpsc::Sender<Told>,
) -> Result<(), Error> {
    let mut priced = Vec::new();
    for product in products {
        let asked = v1::QuoteRequest { product: product.clone(), provider_id, ..Default::default() };
        match client.pricing.clone().quote(asked.clone()).await {
            Ok(answer) => {
                priced.push(asked);
                if let Some(quote) = answer.into_inner().quote {
                    let _ = tells.send(Told::Price(Box::new(quote))).await;
                }
            }
            Err(status) if status.code() == Code::FailedPrecondition => {
                let _ = tells.send(Told::Unpriced(product.clone())).await;
            }
            Err(status) => return Err(status.into()),
        }
    }
    let mut streams = Vec::new();
    for quotes in priced.chunks(IN_A_STREAM) {
        let asked = v1::StreamQuotesRequest { quotes: quotes.to_vec() };
        streams.push(client.pricing.clone().stream_quotes(asked).await?.into_inner());
    }
    let _ = tells.send(Told::PricesHold).await;
    if streams.is_empty() {
        // Nothing has a price, and nothing is lost.
        std::future::pending::<()>().await;
    }
    // One that ends takes the others along: prices hold together or not at all.
    let ends = streams.into_iter().map(|stream| stream.map(Some).chain(futures::stream::iter([None])));
    let mut quotes = futures::stream::select_all(ends);
    while let Some(Some(message)) = quotes.next().await {
        for quote in message?.quotes {
            if tells.send(Told::Price(Box::new(quote))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What is declared, and how the provider is rated, now and then.
pub(crate) async fn refresh(
    client: Client,
    account: u32,
    provider: u32,
    quoted: watch::Receiver<BTreeSet<String>>,
    tells: mpsc::Sender<Told>,
) {
    while !tells.is_closed() {
        if provider > 0 {
            let asked =
                v1::ListRatingsRequest { provider_id: provider, page_size: PAGE, page_token: String::new() };
            match client.pricing.clone().list_ratings(asked).await {
                Ok(page) => drop(tells.send(Told::Ratings(page.into_inner().ratings)).await),
                Err(status) => tracing::debug!(%status, "ratings were not read"),
            }
        }
        tokio::time::sleep(REFRESH).await;
        let products = quoted.borrow().clone();
        for product in products {
            match capacity(&client, account, &product).await {
                Ok(ranges) => drop(tells.send(Told::Capacity(product, ranges)).await),
                Err(error) => tracing::debug!(%error, product, "capacity was not read"),
            }
        }
    }
}
