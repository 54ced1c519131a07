//! How instruments trade, as a stream: a snapshot product by product, in slices that are paid for, then every change.
//!
//! A change that a slice's reading has seen already is not told again, so no status ever seems to go back.

use crate::directory::{INSTRUMENT_PARTS, Pattern};
use crate::door::Caller;
use crate::hub::{Outbox, StatusNews};
use crate::{Inside, status};
use futures::Stream;
use hourbook_api::{convert, v1};
use hourbook_exchange::Exchange;
use hourbook_model::{Hour, InstrumentId, Period, PeriodKind, ProductId, ProductSymbol, Scope, Symbol};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use tonic::{Response, Status};

type Told = Result<v1::StreamInstrumentStatusResponse, Status>;
pub(crate) type Statuses = Pin<Box<dyn Stream<Item = Told> + Send>>;

/// Products, about.
const PRODUCTS: usize = 100;
/// Instruments that are looked at at once; fewer where tests have only dozens.
pub(crate) const SLICE: usize = if cfg!(test) { 20 } else { 1_000 };
/// Behind every period.
const END: Period = Period { kind: PeriodKind::Month, start: Hour(u32::MAX), hours: u32::MAX };

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
    let (to_read, read, complete) = (VecDeque::new(), BTreeMap::new(), false);
    let mut watcher = Watcher { inside, caller, pattern, news, to_read, read, complete };
    watcher.read_all().await?;
    Ok(Response::new(Box::pin(futures::stream::unfold(Some(watcher), Watcher::step))))
}

struct Watcher {
    inside: Arc<Inside>,
    caller: Caller,
    pattern: Pattern,
    news: Arc<Outbox<Arc<[StatusNews]>>>,
    /// Products whose instruments are to be looked at, each from behind a period on.
    to_read: VecDeque<(ProductId, Option<Period>)>,
    /// Products that were looked at, and their slices, by the last period of each: the sequence number at that time.
    read: BTreeMap<ProductSymbol, BTreeMap<Period, u64>>,
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
            let changes = if let Some((product, after)) = self.to_read.pop_front() {
                self.look(product, after).await?
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

    /// Has every product looked at, from its beginning on.
    async fn read_all(&mut self) -> Result<(), Status> {
        self.pay(PRODUCTS).await?;
        let products = |exchange: &Exchange| exchange.products().map(|(id, _)| (id, None)).collect();
        self.to_read = self.inside.handle.read(products).await.map_err(status::unsequenced)?;
        self.inside.door.settle(&self.caller, PRODUCTS, self.to_read.len());
        Ok(())
    }

    /// Pays for so many rows, and waits until it can.
    async fn pay(&self, rows: usize) -> Result<(), Status> {
        while let Err(wait) = self.inside.door.pay(&self.caller, rows) {
            tokio::select! {
                () = self.inside.closed() => return Err(status::draining()),
                () = tokio::time::sleep(wait) => {}
            }
        }
        Ok(())
    }

    /// Looks at a slice of a product: how each of its instruments that the pattern names trades now.
    async fn look(
        &mut self,
        product: ProductId,
        after: Option<Period>,
    ) -> Result<Vec<v1::InstrumentStatusChange>, Status> {
        let most = self.inside.directory.count(product).min(SLICE);
        self.pay(most).await?;
        let look = move |exchange: &Exchange| {
            let known = exchange.product(product).map(|known| known.terms.symbol.clone());
            (exchange.stamp().seq, known, exchange.statuses_of(product, after, SLICE))
        };
        let (sequence, known, slice) = self.inside.handle.read(look).await.map_err(status::unsequenced)?;
        self.inside.door.settle(&self.caller, most, slice.len());
        let Some(known) = known else { return Ok(Vec::new()) };
        let end = match slice.last() {
            Some((_, last, _)) if slice.len() == SLICE => {
                self.to_read.push_front((product, Some(*last)));
                *last
            }
            _ => END,
        };
        let slices = self.read.entry(known.clone()).or_default();
        slices.retain(|last, _| after.is_some_and(|after| *last <= after) || *last > end);
        slices.insert(end, sequence);
        let told = slice.into_iter().map(|(id, period, status)| {
            change(id, Symbol { product: known.clone(), period }.to_string(), status, sequence)
        });
        Ok(told.filter(|change| self.pattern.matches(&change.symbol)).collect())
    }

    /// The sequence number at which an instrument was looked at, if it was.
    fn looked_at(&self, symbol: &str) -> Option<u64> {
        let symbol: Symbol = symbol.parse().ok()?;
        let slices = self.read.get(&symbol.product)?;
        slices.range(symbol.period..).next().map(|(_, sequence)| *sequence)
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
                    let seen = || self.looked_at(&symbol).is_some_and(|read| seq <= read);
                    if self.pattern.matches(&symbol) && !seen() {
                        changes.push(change(instrument, (*symbol).into(), status, seq));
                    }
                }
                // A halt or its end reaches every instrument of a product, or all, without naming them.
                StatusNews::Within(Scope::Market) => self.read_all().await?,
                StatusNews::Within(Scope::Product(product)) => {
                    self.to_read.retain(|(waiting, _)| *waiting != product);
                    self.to_read.push_back((product, None));
                }
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
