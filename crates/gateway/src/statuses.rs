//! How instruments trade, as a stream: a snapshot product by product, then every change.
//!
//! A change that a product's reading has seen already is not told again, so no status ever seems to go back.

use crate::directory::{INSTRUMENT_PARTS, Pattern};
use crate::door::Caller;
use crate::hub::{Outbox, StatusNews};
use crate::{Inside, status};
use futures::Stream;
use hourbook_api::{convert, v1};
use hourbook_exchange::Exchange;
use hourbook_model::{InstrumentId, ProductId, Scope};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Response, Status};

type Told = Result<v1::StreamInstrumentStatusResponse, Status>;
pub(crate) type Statuses = Pin<Box<dyn Stream<Item = Told> + Send>>;

/// The status of every instrument that the pattern names, then each change.
pub(crate) async fn stream(
    inside: Arc<Inside>,
    caller: Caller,
    request: v1::StreamInstrumentStatusRequest,
) -> Result<Response<Statuses>, Status> {
    let pattern = Pattern::parse("pattern", &request.pattern, INSTRUMENT_PARTS).map_err(status::misshapen)?;
    // From here on no change is missed, however long the snapshot takes.
    let news = Outbox::new();
    inside.hub.watch(&news);
    let to_read = inside
        .handle
        .read(|exchange| exchange.products().map(|(id, _)| id).collect())
        .await
        .map_err(status::unsequenced)?;
    let (read, complete) = (BTreeMap::new(), false);
    let watcher = Watcher { inside, caller, pattern, news, to_read, read, complete };
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(watcher), Watcher::step))))
}

struct Watcher {
    inside: Arc<Inside>,
    caller: Caller,
    pattern: Pattern,
    news: Arc<Outbox<Arc<[StatusNews]>>>,
    /// Products whose instruments are to be looked at.
    to_read: VecDeque<ProductId>,
    /// Products that were looked at, by symbol, each with the sequence number at that time.
    read: BTreeMap<String, (ProductId, u64)>,
    /// Whether the snapshot is told.
    complete: bool,
}

impl Watcher {
    async fn step(watcher: Option<Watcher>) -> Option<(Told, Option<Watcher>)> {
        let mut watcher = watcher?;
        match watcher.next().await {
            Ok(told) => Some((Ok(told), Some(watcher))),
            Err(status) => Some((Err(status), None)),
        }
    }

    async fn next(&mut self) -> Told {
        loop {
            if !self.inside.door.is_valid(&self.caller) {
                return Err(status::unauthenticated("the key was revoked"));
            }
            let changes = if let Some(product) = self.to_read.pop_front() {
                self.look(product).await?
            } else if !self.complete {
                self.complete = true;
                return Ok(v1::StreamInstrumentStatusResponse {
                    changes: Vec::new(),
                    snapshot_complete: true,
                });
            } else {
                self.hear().await?
            };
            if !changes.is_empty() {
                return Ok(v1::StreamInstrumentStatusResponse { changes, snapshot_complete: false });
            }
        }
    }

    /// Looks at a product: how each of its instruments that the pattern names trades now.
    async fn look(&mut self, product: ProductId) -> Result<Vec<v1::InstrumentStatusChange>, Status> {
        let look = move |exchange: &Exchange| {
            let known = exchange.product(product).map(|known| known.terms.symbol.clone());
            let listed = exchange.instruments_of(product).map(|one| (one.id, one.symbol, one.status));
            (exchange.stamp().seq, known, listed.collect::<Vec<_>>())
        };
        let (sequence, known, listed) = self.inside.handle.read(look).await.map_err(status::unsequenced)?;
        let Some(known) = known else { return Ok(Vec::new()) };
        self.read.insert(known.to_string(), (product, sequence));
        let told =
            listed.into_iter().map(|(id, symbol, status)| change(id, symbol.to_string(), status, sequence));
        Ok(told.filter(|change| self.pattern.matches(&change.symbol)).collect())
    }

    /// Waits for news; what of it is new here.
    async fn hear(&mut self) -> Result<Vec<v1::InstrumentStatusChange>, Status> {
        let news = tokio::select! {
            biased;
            news = self.news.next() => news.map_err(|_| status::too_slow())?,
            () = self.inside.closed() => return Err(status::draining()),
            // Silence is a time to look at the key again.
            () = tokio::time::sleep(self.inside.heartbeat) => return Ok(Vec::new()),
        };
        let mut changes = Vec::new();
        for one in news.iter() {
            match *one {
                StatusNews::Of { seq, instrument, status } => {
                    let Some(symbol) = self.inside.directory.symbol(instrument) else { continue };
                    let product = symbol.rsplit_once('.').map_or("", |parts| parts.0);
                    let seen = self.read.get(product).is_some_and(|(_, read)| seq <= *read);
                    if !seen && self.pattern.matches(&symbol) {
                        changes.push(change(instrument, (*symbol).into(), status, seq));
                    }
                }
                // A halt or its end reaches every instrument of a product, or all, without naming them.
                StatusNews::Within(Scope::Market) => {
                    self.to_read.extend(self.read.values().map(|(id, _)| *id))
                }
                StatusNews::Within(Scope::Product(product)) => self.to_read.push_back(product),
                StatusNews::Within(Scope::Instrument(_)) => {}
            }
        }
        Ok(changes)
    }
}

fn change(
    instrument: InstrumentId,
    symbol: String,
    status: hourbook_model::Status,
    sequence: u64,
) -> v1::InstrumentStatusChange {
    let status = convert::status(status) as i32;
    v1::InstrumentStatusChange { instrument_id: instrument.0, symbol, status, sequence }
}
