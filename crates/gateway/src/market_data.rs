//! MarketDataService: books as they stand, and market data as it changes.

use crate::accounts::page;
use crate::calls::caller;
use crate::door::{Caller, WHOLE_STATE};
use crate::instruments::symbol_token;
use crate::views::level;
use crate::{Inside, past, status, subscription};
use hourbook_api::convert::{self, Checked, Violation};
use hourbook_api::v1;
use hourbook_api::v1::market_data_service_server::MarketDataService;
use hourbook_exchange::{BookOrder, BookView, Exchange, InstrumentView};
use hourbook_model::{InstrumentId, Period, Price, Stamp, Status, Symbol};
use std::sync::Arc;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct MarketData(pub Arc<Inside>);

/// Levels where none are asked for; levels and orders at most.
const DEPTH: usize = 10;
const MOST_DEPTH: usize = 1_000;

#[tonic::async_trait]
impl MarketDataService for MarketData {
    type SubscribeStream = subscription::Updates;

    async fn subscribe(
        &self,
        call: Call<v1::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Refusal> {
        let caller = caller(&call)?;
        subscription::begin(Arc::clone(&self.0), caller, &call.into_inner())
    }

    async fn list_trades(
        &self,
        call: Call<v1::ListTradesRequest>,
    ) -> Result<Response<v1::ListTradesResponse>, Refusal> {
        let caller = caller(&call)?;
        past::trades(&self.0, &caller, call.into_inner()).await.map(Response::new)
    }

    async fn list_candles(
        &self,
        call: Call<v1::ListCandlesRequest>,
    ) -> Result<Response<v1::ListCandlesResponse>, Refusal> {
        let caller = caller(&call)?;
        past::candles(&self.0, &caller, call.into_inner()).await.map(Response::new)
    }

    async fn list_index(
        &self,
        call: Call<v1::ListIndexRequest>,
    ) -> Result<Response<v1::ListIndexResponse>, Refusal> {
        let caller = caller(&call)?;
        past::index(&self.0, &caller, call.into_inner()).await.map(Response::new)
    }

    async fn get_forward_curve(
        &self,
        call: Call<v1::GetForwardCurveRequest>,
    ) -> Result<Response<v1::GetForwardCurveResponse>, Refusal> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let product = convert::product("product", &wire.product, &self.0.directory);
        let product = product.map_err(status::misshapen)?;
        let size = match convert::page_size(wire.page_size).map_err(status::misshapen)? {
            _ if wire.page_size == 0 => MOST_DEPTH,
            size => size,
        };
        let after = symbol_token::<Period>(&wire.page_token).map_err(status::misshapen)?;
        let rows = self.0.directory.count(product).min(size + 1);
        let look = move |exchange: &Exchange| {
            exchange.product(product)?;
            Some((exchange.stamp(), exchange.tops_of(product, after, size + 1)))
        };
        let seen = self.0.look(&caller, rows, look).await?;
        let (stamp, rows) = seen.ok_or_else(|| status::not_found("no such product"))?;
        let (rows, next_page_token) = page(rows, size, |(view, ..)| view.symbol.period.to_string());
        let points = rows.into_iter().map(|(view, bid, ask)| point(view, bid, ask)).collect();
        Ok(Response::new(v1::GetForwardCurveResponse {
            sequence: stamp.seq,
            time: Some(convert::timestamp(stamp.time)),
            points,
            next_page_token,
        }))
    }

    async fn get_book(
        &self,
        call: Call<v1::GetBookRequest>,
    ) -> Result<Response<v1::GetBookResponse>, Refusal> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let id = convert::instrument(&wire.symbol, wire.instrument_id, &self.0.directory)
            .map_err(status::misshapen)?;
        let depth = depth(wire.depth).map_err(status::misshapen)?;
        let orders = if wire.orders { MOST_DEPTH } else { 0 };
        let (stamp, symbol, book) = self.look(&caller, id, depth, orders).await?;
        let micros = |price: Option<Price>| price.map_or(0, |price| price.0);
        Ok(Response::new(v1::GetBookResponse {
            symbol: symbol.to_string(),
            instrument_id: id.0,
            sequence: stamp.seq,
            time: Some(convert::timestamp(stamp.time)),
            status: convert::status(book.status) as i32,
            bids: book.bids.iter().map(level).collect(),
            asks: book.asks.iter().map(level).collect(),
            bid_orders: book.bid_orders.iter().map(order).collect(),
            ask_orders: book.ask_orders.iter().map(order).collect(),
            last_trade_price_micros: micros(book.last_trade),
            reference_price_micros: micros(book.reference),
            band_low_micros: micros(book.band.map(|(low, _)| low)),
            band_high_micros: micros(book.band.map(|(_, high)| high)),
            indicative_price_micros: micros(book.indicative.map(|(price, _)| price)),
            indicative_quantity: book.indicative.map_or(0, |(_, quantity)| quantity.0),
        }))
    }
}

/// What a look at a book came to.
enum Seen {
    Book(Box<(Stamp, Symbol, BookView)>),
    /// In a call: it costs so many rows, more than was paid for.
    Costs(usize),
    Nothing,
}

impl MarketData {
    /// Looks at a book. In a call that shows the price of an uncross, for which every order may be looked at: how many
    /// there are is learned first, and paid for.
    async fn look(
        &self,
        caller: &Caller,
        id: InstrumentId,
        depth: usize,
        orders: usize,
    ) -> Result<(Stamp, Symbol, BookView), Refusal> {
        let rows = 2 * (depth + orders);
        let mut paid = rows;
        loop {
            let look = move |exchange: &Exchange| {
                let Some(instrument) = exchange.instrument(id) else { return Seen::Nothing };
                let may_be_in_call = !matches!(instrument.status, Status::Continuous);
                let costs = cost(rows, if may_be_in_call { instrument.open_orders as usize } else { 0 });
                if costs > paid {
                    return Seen::Costs(costs);
                }
                match exchange.book(id, depth, orders) {
                    Some(book) => Seen::Book(Box::new((exchange.stamp(), instrument.symbol, book))),
                    None => Seen::Nothing,
                }
            };
            match self.0.look(caller, paid, look).await? {
                Seen::Book(seen) => {
                    let book = &seen.2;
                    let shown =
                        [book.bids.len(), book.asks.len(), book.bid_orders.len(), book.ask_orders.len()];
                    self.0.door.settle(caller, rows, shown.iter().sum());
                    return Ok(*seen);
                }
                // More may come meanwhile.
                Seen::Costs(costs) => paid = (costs + costs / 8).min(WHOLE_STATE),
                Seen::Nothing => return Err(status::not_found("not listed, or listed no more")),
            }
        }
    }
}

/// What a look costs that may look at all of the open orders: never more than may be had at once, so that patience pays
/// for every book.
pub(crate) fn cost(rows: usize, open_orders: usize) -> usize {
    (rows + open_orders).min(WHOLE_STATE)
}

fn depth(depth: i32) -> Checked<usize> {
    match usize::try_from(depth) {
        Ok(0) => Ok(DEPTH),
        Ok(depth) => Ok(depth.min(MOST_DEPTH)),
        Err(_) => Err(Violation::new("depth", "must not be negative")),
    }
}

/// A period's price: the mid of its book, else its last trade, else its reference.
fn point(view: InstrumentView, bid: Option<Price>, ask: Option<Price>) -> v1::CurvePoint {
    use v1::CurvePrice::{Last, Mid, Reference, Unspecified};
    let mid = bid.zip(ask).filter(|(bid, ask)| bid < ask);
    let mid = mid.map(|(bid, ask)| (Price(bid.0 + (ask.0 - bid.0) / 2), Mid));
    let last = view.last_trade.map(|price| (price, Last));
    let reference = view.reference.map(|price| (price, Reference));
    let (price, taken_from) = mid.or(last).or(reference).unwrap_or((Price(0), Unspecified));
    let micros = |price: Option<Price>| price.map_or(0, |price| price.0);
    v1::CurvePoint {
        symbol: view.symbol.to_string(),
        instrument_id: view.id.0,
        delivery_start_time: Some(convert::timestamp(view.symbol.period.start.start())),
        hours: view.symbol.period.hours,
        price_micros: price.0,
        taken_from: taken_from as i32,
        bid_price_micros: micros(bid),
        ask_price_micros: micros(ask),
        last_trade_price_micros: micros(view.last_trade),
        reference_price_micros: micros(view.reference),
        status: convert::status(view.status) as i32,
    }
}

fn order(order: &BookOrder) -> v1::BookOrder {
    v1::BookOrder { order_id: order.order.0, price_micros: order.price.0, quantity: order.quantity.0 }
}
