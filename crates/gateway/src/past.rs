//! What was traded, out of history: trades, candles and the index of a product.

use crate::accounts::page;
use crate::door::Caller;
use crate::{Inside, LOOK_OF_PART, status, views};
use hourbook_api::convert::{self, Checked, Resolve, Violation};
use hourbook_api::v1;
use hourbook_feed::{Candle, vwap};
use hourbook_history::{Error, History};
use hourbook_model::{Hour, InstrumentId, Period, PeriodKind, ProductSymbol, Quantity, Symbol, Time};
use prost_types::Timestamp;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use tonic::Status as Refusal;

/// Trades that one answer is made of, about: where there are more, it says where to go on.
const MOST_TRADES: usize = if cfg!(test) { 20 } else { 100_000 };
/// Hours of an index that may be asked for at once: a leap year.
const MOST_HOURS: u32 = 8_784;
/// What looking for an instrument of one hour counts as, in trades.
const LOOK_FOR_HOUR: usize = if cfg!(test) { 1 } else { 20 };

pub(crate) async fn trades(
    inside: &Arc<Inside>,
    caller: &Caller,
    wire: v1::ListTradesRequest,
) -> Result<v1::ListTradesResponse, Refusal> {
    let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
    let after = convert::page_token(&wire.page_token).map_err(status::misshapen)?.unwrap_or(0);
    let (from, to) = range(wire.start_time.as_ref(), wire.end_time.as_ref()).map_err(status::misshapen)?;
    let symbol: Symbol = symbol(&wire.symbol).map_err(status::misshapen)?;
    let names = Arc::clone(inside);
    let ask = move |history: &History| {
        let Some(id) = named(&names, history, &symbol)? else { return Ok(None) };
        let mut rows = Vec::new();
        history.each_print(id, after, from, |at, print| {
            if at.time >= to {
                return Break(());
            }
            rows.push(v1::PastTrade {
                trade_id: print.id.0,
                price_micros: print.price.0,
                quantity: print.quantity.0,
                taker_side: convert::wire_side(print.taker_side),
                sequence: at.seq,
                time: Some(convert::timestamp(at.time)),
            });
            if rows.len() > size { Break(()) } else { Continue(()) }
        })?;
        Ok(Some(rows))
    };
    let paid = size + LOOK_OF_PART;
    let rows = inside.ask_history(caller, paid, ask).await?.ok_or_else(never_listed)?;
    inside.door.settle(caller, paid, rows.len());
    let (trades, next_page_token) = page(rows, size, |trade| trade.trade_id.to_string());
    Ok(v1::ListTradesResponse { trades, next_page_token })
}

pub(crate) async fn candles(
    inside: &Arc<Inside>,
    caller: &Caller,
    wire: v1::ListCandlesRequest,
) -> Result<v1::ListCandlesResponse, Refusal> {
    let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
    let interval = v1::CandleInterval::try_from(wire.interval).ok().and_then(views::interval);
    let interval = interval.ok_or_else(|| Violation::new("interval", "names no interval of candles"));
    let interval = interval.map_err(status::misshapen)?;
    let (from, to) = range(wire.start_time.as_ref(), wire.end_time.as_ref()).map_err(status::misshapen)?;
    let symbol = symbol(&wire.symbol).map_err(status::misshapen)?;
    let next = convert::page_token(&wire.page_token).map_err(status::misshapen)?;
    let next = next.map_or(Time(0), |nanos| Time(i64::try_from(nanos).unwrap_or(i64::MAX)));
    let from = from.max(next);
    // Candles that begin later: the one that holds `from` does so only where it begins with it.
    let from = match interval.start(from) {
        start if start == from => from,
        start => Time(start.0.saturating_add(interval.nanos())),
    };
    let names = Arc::clone(inside);
    let ask = move |history: &History| {
        let Some(id) = named(&names, history, &symbol)? else { return Ok(None) };
        let (mut candles, mut next, mut seen) = (Vec::<Candle>::new(), None, 0);
        history.each_print(id, 0, from, |at, print| {
            let start = interval.start(at.time);
            if start >= to {
                return Break(());
            }
            if candles.last().is_none_or(|last| last.start != start) {
                if candles.len() == size || seen >= MOST_TRADES {
                    next = Some(start);
                    return Break(());
                }
                candles.push(Candle::begin(start, print.price));
            }
            seen += 1;
            candles.last_mut().expect("begun just now").add(print.price, print.quantity);
            Continue(())
        })?;
        Ok(Some((candles, next, seen)))
    };
    let paid = size + LOOK_OF_PART;
    let (candles, next, seen) = inside.ask_history(caller, paid, ask).await?.ok_or_else(never_listed)?;
    inside.door.settle(caller, paid, candles.len() + seen / 10);
    let next_page_token = next.map_or_else(String::new, |start| start.0.to_string());
    Ok(v1::ListCandlesResponse { candles: candles.iter().map(views::candle).collect(), next_page_token })
}

pub(crate) async fn index(
    inside: &Arc<Inside>,
    caller: &Caller,
    wire: v1::ListIndexRequest,
) -> Result<v1::ListIndexResponse, Refusal> {
    let size = convert::page_size(wire.page_size).map_err(status::misshapen)?;
    let (product, hours) = hours(&wire).map_err(status::misshapen)?;
    if inside.directory.product(&wire.product).is_none() {
        return Err(status::not_found("no such product"));
    }
    let names = Arc::clone(inside);
    let ask = move |history: &History| {
        let (mut found, mut next, mut seen) = (Vec::new(), None, 0);
        for hour in hours {
            if found.len() == size || seen >= MOST_TRADES {
                next = Some(hour);
                break;
            }
            seen += LOOK_FOR_HOUR;
            let period = Period { kind: PeriodKind::Hour, start: Hour(hour), hours: 1 };
            let symbol = Symbol { product: product.clone(), period };
            let Some(id) = named(&names, history, &symbol)? else { continue };
            let (mut turnover, mut volume, mut count) = (0i128, Quantity::ZERO, 0u32);
            history.each_print(id, 0, Time(0), |_, print| {
                turnover += i128::from(print.price.0) * i128::from(print.quantity.0);
                volume += print.quantity;
                count = count.saturating_add(1);
                Continue(())
            })?;
            seen += count as usize;
            if volume > Quantity::ZERO {
                found.push(v1::IndexHour {
                    delivery_start_time: Some(convert::timestamp(Hour(hour).start())),
                    symbol: symbol.to_string(),
                    price_micros: vwap(turnover, volume).0,
                    volume: volume.0,
                    trade_count: count,
                });
            }
        }
        Ok((found, next, seen))
    };
    let paid = size + LOOK_OF_PART;
    let (hours, next, seen) = inside.ask_history(caller, paid, ask).await?;
    inside.door.settle(caller, paid, hours.len() + seen / 10);
    let next_page_token = next.map_or_else(String::new, |hour| hour.to_string());
    Ok(v1::ListIndexResponse { hours, next_page_token })
}

/// The instrument of this symbol that is listed, or was last.
fn named(inside: &Inside, history: &History, symbol: &Symbol) -> Result<Option<InstrumentId>, Error> {
    let text = symbol.to_string();
    match inside.directory.instrument(&text) {
        Some(id) => Ok(Some(id)),
        None => history.named(&text),
    }
}

fn never_listed() -> Refusal {
    status::not_found("symbol: no such instrument is listed, or was while history was kept")
}

fn symbol(text: &str) -> Checked<Symbol> {
    text.parse().map_err(|bad: hourbook_model::BadSymbol| Violation::new("symbol", bad.to_string()))
}

/// From when on, and before when.
fn range(start: Option<&Timestamp>, end: Option<&Timestamp>) -> Checked<(Time, Time)> {
    let from = start.map_or(Ok(Time(0)), |time| convert::time("start_time", time))?;
    let to = end.map_or(Ok(Time(i64::MAX)), |time| convert::time("end_time", time))?;
    if from <= to { Ok((from, to)) } else { Err(Violation::new("end_time", "must not be before start_time")) }
}

/// Whose index is asked for, and of which hours.
fn hours(wire: &v1::ListIndexRequest) -> Checked<(ProductSymbol, std::ops::Range<u32>)> {
    let required = |field: &str, time: &Option<Timestamp>| match time {
        Some(time) => convert::time(field, time),
        None => Err(Violation::new(field, "is required")),
    };
    let (from, to) = (required("start_time", &wire.start_time)?, required("end_time", &wire.end_time)?);
    let bad = |bad: hourbook_model::BadSymbol| Violation::new("product", bad.to_string());
    let product = wire.product.parse().map_err(bad)?;
    let first = |time: Time| Time(time.0.saturating_add(Time::HOUR - 1)).hour().0;
    let hours = first(from)..first(to);
    if to < from {
        return Err(Violation::new("end_time", "must not be before start_time"));
    }
    if hours.len() as u32 > MOST_HOURS {
        return Err(Violation::new(
            "end_time",
            format!("must be at most {MOST_HOURS} hours behind start_time"),
        ));
    }
    let next =
        convert::page_token(&wire.page_token)?.map_or(0, |hour| u32::try_from(hour).unwrap_or(u32::MAX));
    Ok((product, hours.start.max(next)..hours.end))
}
