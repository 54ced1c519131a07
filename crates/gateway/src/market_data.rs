//! MarketDataService: books as they stand.

use crate::calls::caller;
use crate::{Inside, status};
use hourbook_api::convert::{self, Checked, Violation};
use hourbook_api::v1;
use hourbook_api::v1::market_data_service_server::MarketDataService;
use hourbook_exchange::{BookOrder, Level};
use hourbook_model::Price;
use std::sync::Arc;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct MarketData(pub Arc<Inside>);

/// Levels where none are asked for; levels and orders at most.
const DEPTH: usize = 10;
const MOST_DEPTH: usize = 1_000;

#[tonic::async_trait]
impl MarketDataService for MarketData {
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
        let look = move |exchange: &hourbook_exchange::Exchange| {
            let symbol = exchange.instrument(id)?.symbol;
            Some((exchange.stamp(), symbol, exchange.book(id, depth, orders)?))
        };
        let seen = self.0.look(&caller, 2 * (depth + orders), look).await?;
        let (stamp, symbol, book) = seen.ok_or_else(|| status::not_found("not listed, or listed no more"))?;
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

fn depth(depth: i32) -> Checked<usize> {
    match usize::try_from(depth) {
        Ok(0) => Ok(DEPTH),
        Ok(depth) => Ok(depth.min(MOST_DEPTH)),
        Err(_) => Err(Violation::new("depth", "must not be negative")),
    }
}

fn level(level: &Level) -> v1::Level {
    v1::Level { price_micros: level.price.0, quantity: level.quantity.0, order_count: level.orders }
}

fn order(order: &BookOrder) -> v1::BookOrder {
    v1::BookOrder { order_id: order.order.0, price_micros: order.price.0, quantity: order.quantity.0 }
}
