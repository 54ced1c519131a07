//! InstrumentService and MarketDataService: what is traded, and the books.

use clap::Subcommand;
use hourbook_api::v1;

use super::show::{self, Column};
use super::values::{self, Micros};
use super::{Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// Show the book of an instrument
    Book {
        symbol: String,
        /// Levels a side
        #[arg(long, default_value_t = 10)]
        depth: i32,
        /// Single orders too
        #[arg(long)]
        orders: bool,
    },
    /// List instruments
    Instruments {
        /// A pattern such as `GP.CNNX.*` or `GP.CNNX.A.D*`
        #[arg(default_value = "")]
        pattern: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one instrument
    Instrument { symbol: String },
    /// List products
    Products {
        /// A pattern such as `GP.*` or `*.CNNX.A`
        #[arg(default_value = "")]
        pattern: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the terms of one product
    Product { product: String },
    /// Show the contract of a product in words
    Contract { product: String },
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let out = session.out;
    let mut instruments = session.client.instruments.clone();
    match command {
        Command::Book { symbol, depth, orders } => {
            let request = v1::GetBookRequest { symbol, instrument_id: 0, depth, orders };
            let answer = session.client.market_data.clone().get_book(request).await?.into_inner();
            out.tell(&answer, book);
        }
        Command::Instruments { pattern, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut instruments = instruments.clone();
                let pattern = pattern.clone();
                async move {
                    let request = v1::ListInstrumentsRequest { pattern, status: 0, page_size, page_token };
                    let page = instruments.list_instruments(request).await?.into_inner();
                    Ok((page.instruments, page.next_page_token))
                }
            });
            let answer = v1::ListInstrumentsResponse { instruments: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| listed(&answer.instruments));
        }
        Command::Instrument { symbol } => {
            let request = v1::GetInstrumentRequest { symbol, instrument_id: 0 };
            let answer = instruments.get_instrument(request).await?.into_inner();
            out.tell(&answer, |answer| answer.instrument.as_ref().map(instrument).unwrap_or_default());
        }
        Command::Products { pattern, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let mut instruments = instruments.clone();
                let pattern = pattern.clone();
                async move {
                    let request = v1::ListProductsRequest { pattern, page_size, page_token };
                    let page = instruments.list_products(request).await?.into_inner();
                    Ok((page.products, page.next_page_token))
                }
            });
            let answer = v1::ListProductsResponse { products: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| products(&answer.products));
        }
        Command::Product { product } => {
            let answer =
                instruments.get_product(v1::GetProductRequest { symbol: product }).await?.into_inner();
            out.tell(&answer, |answer| answer.product.as_ref().map(terms).unwrap_or_default());
        }
        Command::Contract { product } => {
            let answer = instruments.get_contract(v1::GetContractRequest { product }).await?.into_inner();
            out.tell(&answer, |answer| answer.text.trim_end().to_string());
        }
    }
    Ok(())
}

fn book(book: &v1::GetBookResponse) -> String {
    use Column::Number;
    let mut lines = vec![format!(
        "{}  {}  at {}, number {}",
        book.symbol,
        show::status(book.status),
        values::time(book.time.as_ref()),
        book.sequence
    )];
    let mut told = vec![
        format!("last trade {}", show::price(book.last_trade_price_micros)),
        format!("reference {}", show::price(book.reference_price_micros)),
    ];
    if book.band_high_micros > 0 {
        told.push(format!("band {} to {}", Micros(book.band_low_micros), Micros(book.band_high_micros)));
    }
    if book.indicative_price_micros > 0 {
        let (lots, price) = (book.indicative_quantity, Micros(book.indicative_price_micros));
        told.push(format!("an uncross would trade {lots} @ {price}"));
    }
    lines.push(told.join(", "));

    let columns = [
        Number("orders"),
        Number("bid lots"),
        Number("bid"),
        Number("ask"),
        Number("ask lots"),
        Number("orders"),
    ];
    let rows = (0..book.bids.len().max(book.asks.len())).map(|at| {
        let mut row = vec![String::new(); 6];
        if let Some(level) = book.bids.get(at) {
            row[0] = level.order_count.to_string();
            row[1] = level.quantity.to_string();
            row[2] = Micros(level.price_micros).to_string();
        }
        if let Some(level) = book.asks.get(at) {
            row[3] = Micros(level.price_micros).to_string();
            row[4] = level.quantity.to_string();
            row[5] = level.order_count.to_string();
        }
        row
    });
    lines.push(match book.bids.len() + book.asks.len() {
        0 => "no orders".into(),
        _ => show::table(&columns, rows),
    });
    if !book.bid_orders.is_empty() || !book.ask_orders.is_empty() {
        let columns = [Column::Text("side"), Number("price"), Number("lots"), Number("order")];
        let row = |side: &str, order: &v1::BookOrder| {
            let price =
                if order.price_micros == 0 { "market".into() } else { show::price(order.price_micros) };
            vec![side.to_string(), price, order.quantity.to_string(), order.order_id.to_string()]
        };
        let bids = book.bid_orders.iter().map(|order| row("buy", order));
        let asks = book.ask_orders.iter().map(|order| row("sell", order));
        lines.push(show::table(&columns, bids.chain(asks)));
    }
    lines.join("\n")
}

fn listed(instruments: &[v1::Instrument]) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("symbol"),
        Text("status"),
        Text("gate closure"),
        Number("hours"),
        Number("last"),
        Number("reference"),
        Number("orders"),
        Number("id"),
    ];
    let rows = instruments.iter().map(|one| {
        vec![
            one.symbol.clone(),
            show::status(one.status),
            values::time(one.gate_closure_time.as_ref()),
            one.hours.to_string(),
            show::price(one.last_trade_price_micros),
            show::price(one.reference_price_micros),
            one.open_order_count.to_string(),
            one.instrument_id.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn instrument(one: &v1::Instrument) -> String {
    let mut facts = vec![
        ("symbol", one.symbol.clone()),
        ("id", one.instrument_id.to_string()),
        ("status", show::status(one.status)),
        ("delivery", format!("{} hours from {}", one.hours, values::time(one.delivery_start_time.as_ref()))),
        ("gate closure", values::time(one.gate_closure_time.as_ref())),
        ("tick", format!("{} {}", Micros(one.tick_micros), one.currency)),
        ("last trade", show::price(one.last_trade_price_micros)),
        ("reference", show::price(one.reference_price_micros)),
        (
            "fees",
            format!(
                "maker {}, taker {}",
                values::percent(one.maker_fee_ppm),
                values::percent(one.taker_fee_ppm)
            ),
        ),
        ("live orders", one.open_order_count.to_string()),
    ];
    if one.call_end_time.is_some() {
        facts.push(("call ends", values::time(one.call_end_time.as_ref())));
    }
    show::facts(&facts)
}

fn products(products: &[v1::Product]) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("product"),
        Text("currency"),
        Number("tick"),
        Number("reference"),
        Number("hours"),
        Number("days"),
        Number("weeks"),
        Number("months"),
        Text("state"),
    ];
    let rows = products.iter().map(|one| {
        vec![
            one.symbol.clone(),
            one.currency.clone(),
            Micros(one.tick_micros).to_string(),
            show::price(one.reference_price_micros),
            one.listed_hours.to_string(),
            one.listed_days.to_string(),
            one.listed_weeks.to_string(),
            one.listed_months.to_string(),
            if one.halted { "halted".into() } else { String::new() },
        ]
    });
    show::table(&columns, rows)
}

fn terms(one: &v1::Product) -> String {
    let band = match one.order_band_ppm {
        0 => "none".into(),
        ppm => {
            format!(
                "orders within {}, trades within {} of the reference",
                values::percent(ppm),
                values::percent(one.trade_band_ppm)
            ) + &match &one.call_length {
                Some(length) => format!(", calls of {}", values::span(Some(length))),
                None => String::new(),
            }
        }
    };
    let auction = one.daily_auction.as_ref().map_or("none".into(), |auction| {
        let clock = |time: &Option<prost_types::Duration>| values::of_day(time.as_ref());
        format!(
            "daily, UTC: call {}, nothing taken back from {}, uncross {}",
            clock(&auction.call_time),
            clock(&auction.freeze_time),
            clock(&auction.uncross_time)
        )
    });
    let tier = match &one.interruption_notice {
        Some(notice) if notice.seconds == 0 => "interruptible without notice".into(),
        Some(notice) => format!("interruptible after {} of notice", values::span(Some(notice))),
        None => "firm".into(),
    };
    let has_notice = one.interruption_notice.is_some_and(|notice| notice.seconds > 0);
    let after = if has_notice { ", after valid notice" } else { "" };
    let penalty =
        format!("{} of the price of what is not delivered{after}", values::percent(one.penalty_ppm));
    show::facts(&[
        ("product", one.symbol.clone()),
        ("id", one.product_id.to_string()),
        ("tick", format!("{} {}", Micros(one.tick_micros), one.currency)),
        ("reference", show::price(one.reference_price_micros)),
        ("band", band),
        ("auction", auction),
        (
            "caps",
            format!(
                "{} lots, {} {} an order",
                one.max_quantity,
                Micros(one.max_notional_micros),
                one.currency
            ),
        ),
        (
            "fees",
            format!(
                "maker {}, taker {}",
                values::percent(one.maker_fee_ppm),
                values::percent(one.taker_fee_ppm)
            ),
        ),
        (
            "gate",
            format!(
                "{} before an hour, {} before a longer period",
                values::span(one.gate_before_hour.as_ref()),
                values::span(one.gate_before_longer.as_ref())
            ),
        ),
        (
            "listed",
            format!(
                "{} hours, {} days, {} weeks, {} months",
                one.listed_hours, one.listed_days, one.listed_weeks, one.listed_months
            ),
        ),
        ("tier", tier),
        ("availability", values::percent(one.availability_ppm)),
        ("penalty", penalty),
        ("state", if one.halted { "halted".into() } else { "trading".into() }),
    ])
}
