//! MarketDataService, what was paid: trades, candles, a product's index and its curve.

use std::cell::Cell;

use clap::{Args, Subcommand, ValueEnum};
use hourbook_api::v1;

use super::show::{self, Column};
use super::values::{self, Micros, Moment};
use super::{Outcome, Paging, Session, pages};

#[derive(Subcommand)]
pub enum Command {
    /// List the trades of an instrument, oldest first, also of one that is listed no more
    Trades {
        /// The instrument, such as GP.CNNX.A.H20261125T08
        symbol: String,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        paging: Paging,
    },
    /// List the candles of an instrument, oldest first, also of one that is listed no more: those that begin in a range
    Candles {
        /// The instrument, such as GP.CNNX.A.H20261125T08
        symbol: String,
        /// How long each lasts
        #[arg(long, value_enum, value_name = "INTERVAL", default_value = "1h")]
        every: Interval,
        #[command(flatten)]
        range: Range,
        #[command(flatten)]
        paging: Paging,
    },
    /// List the index of a product: the mean price of all trades of an hour, by delivery hour
    Index {
        /// The product, such as GP.CNNX.A
        product: String,
        /// Delivery from this time on, such as 2026-11-25T00:00:00Z
        #[arg(long, value_name = "TIME")]
        from: Moment,
        /// Delivery before this time, at most 8784 hours later
        #[arg(long, value_name = "TIME")]
        to: Moment,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the forward curve of a product: the price of each of its periods, as it stands
    Curve {
        /// The product, such as GP.CNNX.A
        product: String,
    },
}

/// A stretch of time.
#[derive(Args, Clone, Copy)]
pub struct Range {
    /// From this time on, such as 2026-11-25T08:00:00Z; without it, from the first that is kept
    #[arg(long, value_name = "TIME")]
    from: Option<Moment>,
    /// Before this time; without it, to the last
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
}

impl Range {
    fn start(self) -> Option<prost_types::Timestamp> {
        self.from.map(|from| from.0)
    }

    fn end(self) -> Option<prost_types::Timestamp> {
        self.to.map(|to| to.0)
    }
}

/// How long a candle lasts.
#[derive(Clone, Copy, ValueEnum)]
pub enum Interval {
    #[value(name = "1s")]
    Second,
    #[value(name = "1m")]
    Minute,
    #[value(name = "5m")]
    FiveMinutes,
    #[value(name = "15m")]
    QuarterHour,
    #[value(name = "1h")]
    Hour,
    #[value(name = "1d")]
    Day,
}

impl Interval {
    fn wire(self) -> i32 {
        use v1::CandleInterval as Wire;
        (match self {
            Interval::Second => Wire::Second,
            Interval::Minute => Wire::Minute,
            Interval::FiveMinutes => Wire::FiveMinutes,
            Interval::QuarterHour => Wire::QuarterHour,
            Interval::Hour => Wire::Hour,
            Interval::Day => Wire::Day,
        }) as i32
    }
}

pub async fn run(session: &Session, command: Command) -> Outcome {
    let out = session.out;
    let market_data = session.client.market_data.clone();
    match command {
        Command::Trades { symbol, range, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let (mut market_data, symbol) = (market_data.clone(), symbol.clone());
                async move {
                    let (start_time, end_time) = (range.start(), range.end());
                    let request =
                        v1::ListTradesRequest { symbol, start_time, end_time, page_size, page_token };
                    let page = market_data.list_trades(request).await?.into_inner();
                    Ok((page.trades, page.next_page_token))
                }
            });
            let answer = v1::ListTradesResponse { trades: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| trades(&answer.trades));
        }
        Command::Candles { symbol, every, range, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let (mut market_data, symbol) = (market_data.clone(), symbol.clone());
                async move {
                    let request = v1::ListCandlesRequest {
                        symbol,
                        interval: every.wire(),
                        start_time: range.start(),
                        end_time: range.end(),
                        page_size,
                        page_token,
                    };
                    let page = market_data.list_candles(request).await?.into_inner();
                    Ok((page.candles, page.next_page_token))
                }
            });
            let answer = v1::ListCandlesResponse { candles: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| candles(&answer.candles));
        }
        Command::Index { product, from, to, paging } => {
            let rows = pages(session, paging, |page_size, page_token| {
                let (mut market_data, product) = (market_data.clone(), product.clone());
                async move {
                    let (start_time, end_time) = (Some(from.0), Some(to.0));
                    let request =
                        v1::ListIndexRequest { product, start_time, end_time, page_size, page_token };
                    let page = market_data.list_index(request).await?.into_inner();
                    Ok((page.hours, page.next_page_token))
                }
            });
            let answer = v1::ListIndexResponse { hours: rows.await?, ..Default::default() };
            out.tell(&answer, |answer| index(&answer.hours));
        }
        Command::Curve { product } => {
            // A product's periods fit on one page; of more, each is true at its own number, and the last one's is told.
            let stood = Cell::new((0, None));
            let rows = pages(session, Paging { limit: 0 }, |page_size, page_token| {
                let (mut market_data, product, stood) = (market_data.clone(), product.clone(), &stood);
                async move {
                    let request = v1::GetForwardCurveRequest { product, page_size, page_token };
                    let page = market_data.get_forward_curve(request).await?.into_inner();
                    stood.set((page.sequence, page.time));
                    Ok((page.points, page.next_page_token))
                }
            });
            let points = rows.await?;
            let (sequence, time) = stood.get();
            let answer =
                v1::GetForwardCurveResponse { sequence, time, points, next_page_token: String::new() };
            out.tell(&answer, curve);
        }
    }
    Ok(())
}

fn trades(trades: &[v1::PastTrade]) -> String {
    use Column::{Number, Text};
    let columns =
        [Text("time"), Number("trade"), Text("taker"), Number("price"), Number("lots"), Number("number")];
    let rows = trades.iter().map(|trade| {
        vec![
            values::time(trade.time.as_ref()),
            trade.trade_id.to_string(),
            show::side(trade.taker_side),
            Micros(trade.price_micros).to_string(),
            trade.quantity.to_string(),
            trade.sequence.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn candles(candles: &[v1::Candle]) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("begins"),
        Number("open"),
        Number("high"),
        Number("low"),
        Number("close"),
        Number("lots"),
        Number("trades"),
    ];
    let rows = candles.iter().map(|candle| {
        vec![
            values::time(candle.start_time.as_ref()),
            Micros(candle.open_price_micros).to_string(),
            Micros(candle.high_price_micros).to_string(),
            Micros(candle.low_price_micros).to_string(),
            Micros(candle.close_price_micros).to_string(),
            candle.volume.to_string(),
            candle.trade_count.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn index(hours: &[v1::IndexHour]) -> String {
    use Column::{Number, Text};
    let columns = [Text("delivery"), Text("symbol"), Number("index"), Number("lots"), Number("trades")];
    let rows = hours.iter().map(|hour| {
        vec![
            values::time(hour.delivery_start_time.as_ref()),
            hour.symbol.clone(),
            Micros(hour.price_micros).to_string(),
            hour.volume.to_string(),
            hour.trade_count.to_string(),
        ]
    });
    show::table(&columns, rows)
}

fn curve(curve: &v1::GetForwardCurveResponse) -> String {
    use Column::{Number, Text};
    let columns = [
        Text("symbol"),
        Number("hours"),
        Number("price"),
        Text("taken from"),
        Number("bid"),
        Number("ask"),
        Number("last"),
        Number("reference"),
    ];
    let rows = curve.points.iter().map(|point| {
        vec![
            point.symbol.clone(),
            point.hours.to_string(),
            show::price(point.price_micros),
            show::taken_from(point.taken_from),
            show::price(point.bid_price_micros),
            show::price(point.ask_price_micros),
            show::price(point.last_trade_price_micros),
            show::price(point.reference_price_micros),
        ]
    });
    format!(
        "at {}, number {}\n{}",
        values::time(curve.time.as_ref()),
        curve.sequence,
        show::table(&columns, rows)
    )
}
