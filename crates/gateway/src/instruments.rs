//! InstrumentService: products, instruments, contracts.

use crate::calls::caller;
use crate::contract;
use crate::directory::{INSTRUMENT_PARTS, PRODUCT_PARTS, Pattern, Row};
use crate::door::Caller;
use crate::{Inside, status, statuses};
use hourbook_api::convert::{self, Checked, Violation};
use hourbook_api::v1;
use hourbook_api::v1::instrument_service_server::InstrumentService;
use hourbook_exchange::{InstrumentView, Listed};
use hourbook_model::*;
use std::str::FromStr;
use std::sync::Arc;
use tonic::{Request as Call, Response, Status as Refusal};

pub struct Instruments(pub Arc<Inside>);

type Answered<T> = Result<Response<T>, Refusal>;

/// Instruments looked at for one page that asks for a status; a page may then be short, or empty, with more
/// behind it.
const MOST_LOOKED_AT: usize = 4_000;

#[tonic::async_trait]
impl InstrumentService for Instruments {
    async fn list_products(&self, call: Call<v1::ListProductsRequest>) -> Answered<v1::ListProductsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let pattern = Pattern::parse("pattern", &wire.pattern, PRODUCT_PARTS).map_err(status::misshapen)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after: Option<ProductSymbol> = symbol_token(&wire.page_token).map_err(status::misshapen)?;
        let mut rows = self.0.directory.products(&pattern, after.as_ref(), size + 1);
        let next_page_token = cut(&mut rows, size);
        let products = self
            .0
            .look(&caller, rows.len(), move |exchange| {
                let rows = rows.into_iter();
                let rows =
                    rows.filter_map(|(id, _)| exchange.product(id).map(|product| (id, product.clone())));
                rows.collect::<Vec<_>>()
            })
            .await?;
        let products = products.into_iter().map(|(id, product)| wire_product(id, product)).collect();
        Ok(Response::new(v1::ListProductsResponse { products, next_page_token }))
    }

    async fn get_product(&self, call: Call<v1::GetProductRequest>) -> Answered<v1::GetProductResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let id = convert::product("symbol", &wire.symbol, &self.0.directory).map_err(status::misshapen)?;
        let product = self.0.look(&caller, 1, move |exchange| exchange.product(id).cloned()).await?;
        let product = product.ok_or_else(|| status::not_found("symbol: no such product"))?;
        Ok(Response::new(v1::GetProductResponse { product: Some(wire_product(id, product)) }))
    }

    async fn list_instruments(
        &self,
        call: Call<v1::ListInstrumentsRequest>,
    ) -> Answered<v1::ListInstrumentsResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let pattern =
            Pattern::parse("pattern", &wire.pattern, INSTRUMENT_PARTS).map_err(status::misshapen)?;
        let wanted = wanted_status(wire.status).map_err(status::misshapen)?;
        let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
        let after: Option<Symbol> = symbol_token(&wire.page_token).map_err(status::misshapen)?;
        let page = self.page(&caller, &pattern, wanted, after, size).await?;
        Ok(Response::new(page))
    }

    async fn get_instrument(
        &self,
        call: Call<v1::GetInstrumentRequest>,
    ) -> Answered<v1::GetInstrumentResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let id = convert::instrument(&wire.symbol, wire.instrument_id, &self.0.directory)
            .map_err(status::misshapen)?;
        let instrument = self.0.look(&caller, 1, move |exchange| exchange.instrument(id)).await?;
        let instrument = instrument.ok_or_else(|| status::not_found("not listed, or listed no more"))?;
        Ok(Response::new(v1::GetInstrumentResponse { instrument: Some(wire_instrument(instrument)) }))
    }

    type StreamInstrumentStatusStream = statuses::Statuses;

    async fn stream_instrument_status(
        &self,
        call: Call<v1::StreamInstrumentStatusRequest>,
    ) -> Answered<Self::StreamInstrumentStatusStream> {
        let caller = caller(&call)?;
        statuses::stream(Arc::clone(&self.0), caller, call.into_inner()).await
    }

    async fn get_contract(&self, call: Call<v1::GetContractRequest>) -> Answered<v1::GetContractResponse> {
        let caller = caller(&call)?;
        let wire = call.into_inner();
        let id = convert::product("product", &wire.product, &self.0.directory).map_err(status::misshapen)?;
        let found = self
            .0
            .look(&caller, 1, move |exchange| {
                let terms = exchange.product(id)?.terms.clone();
                let class = exchange.class(&terms.symbol.class).cloned();
                let region = exchange.region(&terms.symbol.region).cloned();
                Some((terms, class, region))
            })
            .await?;
        let (terms, class, region) = found.ok_or_else(|| status::not_found("product: no such product"))?;
        let text = contract::text(&terms, class.as_ref(), region.as_ref());
        let (grade, region) = (class.map(wire_grade), region.map(wire_region));
        Ok(Response::new(v1::GetContractResponse { text, grade, region }))
    }
}

impl Instruments {
    /// The page after `after`. The directory finds the rows, the writer is asked for as many as are shown.
    async fn page(
        &self,
        caller: &Caller,
        pattern: &Pattern,
        wanted: Option<v1::InstrumentStatus>,
        mut after: Option<Symbol>,
        size: usize,
    ) -> Result<v1::ListInstrumentsResponse, Refusal> {
        let mut instruments = Vec::new();
        for _ in 0..MOST_LOOKED_AT.div_ceil(size) {
            let missing = size - instruments.len();
            let take = if wanted.is_some() { size } else { missing };
            let mut rows = self.0.directory.instruments(pattern, after.as_ref(), take + 1);
            let more = rows.len() > take;
            rows.truncate(take);
            let ids: Vec<InstrumentId> = rows.iter().map(|(id, _)| *id).collect();
            let look = move |exchange: &hourbook_exchange::Exchange| {
                // One that went off the list since is skipped.
                ids.iter().filter_map(|id| exchange.instrument(*id)).collect::<Vec<_>>()
            };
            let seen = self.0.look(caller, rows.len(), look).await?;
            let found = seen
                .into_iter()
                .filter(|view| wanted.is_none_or(|wanted| convert::status(view.status) == wanted));
            let mut last = rows.pop().map(|(_, symbol)| symbol.to_string());
            let mut left_over = false;
            for view in found {
                if instruments.len() == size {
                    left_over = true;
                    break;
                }
                instruments.push(wire_instrument(view));
            }
            if left_over {
                last = instruments.last().map(|instrument| instrument.symbol.clone());
            }
            if !more && !left_over {
                return Ok(v1::ListInstrumentsResponse { instruments, next_page_token: String::new() });
            }
            let next_page_token = last.unwrap_or_default();
            if instruments.len() == size {
                return Ok(v1::ListInstrumentsResponse { instruments, next_page_token });
            }
            after = next_page_token.parse().ok();
        }
        let next_page_token = after.map_or_else(String::new, |after| after.to_string());
        Ok(v1::ListInstrumentsResponse { instruments, next_page_token })
    }
}

/// Where a list by symbol goes on.
pub fn symbol_token<S: FromStr>(token: &str) -> Checked<Option<S>> {
    if token.is_empty() {
        return Ok(None);
    }
    let bad = || Violation::new("page_token", "must be empty or next_page_token of the last answer");
    token.parse().map(Some).map_err(|_| bad())
}

/// Cuts a page off; gives the token of the next one, empty where there is none.
fn cut<I>(rows: &mut Vec<Row<I>>, size: usize) -> String {
    if rows.len() <= size {
        return String::new();
    }
    rows.truncate(size);
    rows.last().map_or_else(String::new, |(_, symbol)| symbol.to_string())
}

fn wanted_status(status: i32) -> Checked<Option<v1::InstrumentStatus>> {
    match v1::InstrumentStatus::try_from(status) {
        Ok(v1::InstrumentStatus::Unspecified) => Ok(None),
        Ok(status) => Ok(Some(status)),
        Err(_) => Err(Violation::new("status", "is not an InstrumentStatus")),
    }
}

fn wire_product(id: ProductId, product: Listed) -> v1::Product {
    let reference = product.reference();
    let Listed { terms, halted, .. } = product;
    v1::Product {
        symbol: terms.symbol.to_string(),
        product_id: id.0,
        currency: terms.currency,
        tick_micros: terms.tick.0,
        order_band_ppm: terms.band.map_or(0, |band| band.order_ppm),
        trade_band_ppm: terms.band.map_or(0, |band| band.trade_ppm),
        reference_price_micros: reference.map_or(0, |price| price.0),
        max_quantity: terms.max_quantity.0,
        max_notional_micros: terms.max_notional.0,
        maker_fee_ppm: terms.maker_fee_ppm,
        taker_fee_ppm: terms.taker_fee_ppm,
        gate_before_hour: Some(convert::duration(terms.gate_hour)),
        gate_before_longer: Some(convert::duration(terms.gate_longer)),
        listed_hours: terms.horizon.hours,
        listed_days: terms.horizon.days,
        listed_weeks: terms.horizon.weeks,
        listed_months: terms.horizon.months,
        availability_ppm: terms.tier.availability_ppm,
        halted,
        call_length: terms.band.map(|band| convert::duration(band.call)),
        daily_auction: terms.auction.map(|auction| v1::DailyAuction {
            call_time: Some(convert::duration(auction.call)),
            freeze_time: Some(convert::duration(auction.freeze)),
            uncross_time: Some(convert::duration(auction.uncross)),
        }),
        interruption_notice: (terms.symbol.tier == Tier::C).then(|| convert::duration(terms.tier.notice)),
        penalty_ppm: terms.tier.penalty_ppm,
    }
}

fn wire_grade(class: Class) -> v1::ClassGrade {
    v1::ClassGrade {
        class: class.code,
        title: class.title,
        unit: class.unit,
        vcpu_milli: class.vcpu_milli,
        memory_gib_milli: class.memory_gib_milli,
        disk_gb_milli: class.disk_gb_milli,
        network_mbps: class.network_mbps,
        benchmark: class.benchmark,
        benchmark_score: class.benchmark_score,
        families: class.families,
        assumptions: class.assumptions,
    }
}

fn wire_region(region: Region) -> v1::Region {
    v1::Region {
        code: region.code,
        title: region.title,
        jurisdiction: region.jurisdiction,
        pue_milli: region.pue_milli,
        power_price_micros: region.power_usd_micros_per_kwh.into(),
        cooling: region.cooling,
        energy: region.energy,
        assumptions: region.assumptions,
    }
}

fn wire_instrument(view: InstrumentView) -> v1::Instrument {
    let Symbol { product, period } = &view.symbol;
    v1::Instrument {
        symbol: view.symbol.to_string(),
        instrument_id: view.id.0,
        product: product.to_string(),
        status: convert::status(view.status) as i32,
        delivery_start_time: Some(convert::timestamp(period.start.start())),
        hours: period.hours,
        gate_closure_time: Some(convert::timestamp(view.gate)),
        tick_micros: view.tick.0,
        last_trade_price_micros: view.last_trade.map_or(0, |price| price.0),
        reference_price_micros: view.reference.map_or(0, |price| price.0),
        open_order_count: view.open_orders,
        call_end_time: view.call_until.map(convert::timestamp),
        maker_fee_ppm: view.maker_fee_ppm,
        taker_fee_ppm: view.taker_fee_ppm,
        currency: view.currency,
    }
}
