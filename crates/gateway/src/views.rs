//! Market data as messages: snapshots of a view, and its changes.

use hourbook_api::convert;
use hourbook_api::v1::{self, market_update::Content};
use hourbook_exchange::{BookOrder, Level};
use hourbook_feed::{Book, Candle, Feed, Interval, Listing, Tape, Update, View};
use hourbook_model::{BookChange, InstrumentId, Side, Stamp, Time};

/// What can be subscribed to of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Top,
    Levels,
    Orders,
    Trades,
    Statistics,
    Candles(Interval),
    Status,
    Indicative,
}

/// Levels, orders or candles in one update of a snapshot.
pub(crate) const PART: usize = if cfg!(test) { 4 } else { 4_000 };

impl Kind {
    pub const COUNT: usize = 7 + Interval::ALL.len();

    pub fn index(self) -> usize {
        match self {
            Kind::Top => 0,
            Kind::Levels => 1,
            Kind::Orders => 2,
            Kind::Trades => 3,
            Kind::Statistics => 4,
            Kind::Status => 5,
            Kind::Indicative => 6,
            Kind::Candles(interval) => 7 + interval as usize,
        }
    }

    /// Whether its book must be kept for it.
    pub fn is_of_book(self) -> bool {
        View::OF_BOOKS.contains(&self.view())
    }

    /// By whose number it is counted.
    fn view(self) -> View {
        match self {
            Kind::Top => View::Top,
            Kind::Levels => View::Levels,
            Kind::Orders => View::Orders,
            Kind::Status => View::Status,
            Kind::Indicative => View::Indicative,
            Kind::Trades | Kind::Statistics | Kind::Candles(_) => View::Trades,
        }
    }

    pub fn number(self, listing: &Listing) -> u64 {
        listing.sequence(self.view())
    }

    /// What an update changed of it, if it did.
    pub fn change(self, update: &Update<'_>, since: Time) -> Option<v1::MarketUpdate> {
        let Update { at, instrument, listing, .. } = *update;
        let checksum = listing.book().map_or(0, Book::checksum);
        let content = match self {
            Kind::Top => update.top_changed.then(|| top(listing))?,
            Kind::Levels if update.levels.is_empty() => return None,
            Kind::Levels => {
                let of = |side| {
                    let levels = update.levels.iter().filter(move |change| change.side == side);
                    levels.map(|change| level(&change.level))
                };
                let (bids, asks) = (of(Side::Buy).collect(), of(Side::Sell).collect());
                Content::Levels(v1::LevelChanges { bids, asks, checksum })
            }
            Kind::Orders if update.orders.is_empty() => return None,
            Kind::Orders => {
                let changes = update.orders.iter().map(order).collect();
                Content::Orders(v1::OrderChanges { changes, checksum })
            }
            Kind::Status => update.status_changed.then(|| how_it_trades(listing))?,
            Kind::Indicative => update.indicative_changed.then(|| indicative(listing))?,
            _ if update.trades.is_empty() => return None,
            Kind::Trades => {
                let trades = update.trades.iter().map(|trade| v1::MarketTrade {
                    trade_id: trade.id.0,
                    price_micros: trade.price.0,
                    quantity: trade.quantity.0,
                    taker_side: convert::wire_side(trade.taker_side),
                });
                Content::Trades(v1::MarketTrades { trades: trades.collect() })
            }
            Kind::Statistics => statistics(listing.tape(), since),
            Kind::Candles(interval) => {
                candles(interval, listing.tape().candles(interval).next_back().into_iter())
            }
        };
        Some(v1::MarketUpdate { number: self.number(listing), ..bare(at, instrument, content) })
    }

    /// All of it as it is now, in parts that fit a message.
    pub fn snapshot(self, feed: &Feed, id: InstrumentId, listing: &Listing) -> Vec<v1::MarketUpdate> {
        let checksum = listing.book().map_or(0, Book::checksum);
        let contents = match self {
            Kind::Top => vec![top(listing)],
            Kind::Levels => {
                let of = |side| {
                    listing
                        .book()
                        .into_iter()
                        .flat_map(move |book| book.levels(side).map(move |level| (side, level)))
                };
                let all: Vec<_> = of(Side::Buy).chain(of(Side::Sell)).collect();
                let part = |part: &[(Side, Level)]| {
                    let of = |side| {
                        part.iter().filter(move |(of, _)| *of == side).map(|(_, one)| level(one)).collect()
                    };
                    let (bids, asks) = (of(Side::Buy), of(Side::Sell));
                    Content::Levels(v1::LevelChanges { bids, asks, checksum })
                };
                in_parts(&all, part)
            }
            Kind::Orders => {
                let of = |side| {
                    feed.orders(id, side).map(move |BookOrder { order, price, quantity }| BookChange {
                        instrument: id,
                        order,
                        side,
                        joins: true,
                        price,
                        quantity,
                    })
                };
                let all: Vec<_> = of(Side::Buy).chain(of(Side::Sell)).collect();
                in_parts(&all, |part| {
                    let changes = part.iter().map(order).collect();
                    Content::Orders(v1::OrderChanges { changes, checksum })
                })
            }
            Kind::Trades => vec![Content::Trades(v1::MarketTrades::default())],
            Kind::Status => vec![how_it_trades(listing)],
            Kind::Indicative => vec![indicative(listing)],
            Kind::Statistics => vec![statistics(listing.tape(), feed.since())],
            Kind::Candles(interval) => vec![candles(interval, listing.tape().candles(interval))],
        };
        let last = contents.len() - 1;
        let number = self.number(listing);
        let part = |(at, content)| {
            let incomplete = at < last;
            v1::MarketUpdate { number, snapshot: true, incomplete, ..bare(feed.at(), id, content) }
        };
        contents.into_iter().enumerate().map(part).collect()
    }
}

/// An update without a number.
pub(crate) fn bare(at: Stamp, id: InstrumentId, content: Content) -> v1::MarketUpdate {
    v1::MarketUpdate {
        instrument_id: id.0,
        sequence: at.seq,
        time: Some(convert::timestamp(at.time)),
        content: Some(content),
        ..Default::default()
    }
}

/// One content at least, also of nothing.
fn in_parts<T>(all: &[T], part: impl Fn(&[T]) -> Content) -> Vec<Content> {
    if all.is_empty() { vec![part(&[])] } else { all.chunks(PART).map(part).collect() }
}

fn top(listing: &Listing) -> Content {
    let top = listing.top();
    Content::Top(v1::TopOfBook { bid: top.bid.as_ref().map(level), ask: top.ask.as_ref().map(level) })
}

fn how_it_trades(listing: &Listing) -> Content {
    Content::Status(v1::MarketStatus { status: convert::status(listing.status()) as i32 })
}

fn indicative(listing: &Listing) -> Content {
    let (price, quantity) = listing.indicative().unwrap_or_default();
    Content::Indicative(v1::IndicativeUncross { price_micros: price.0, quantity: quantity.0 })
}

fn order(change: &BookChange) -> v1::OrderChange {
    v1::OrderChange {
        order_id: change.order.0,
        side: convert::wire_side(change.side),
        price_micros: change.price.0,
        quantity: change.quantity.0,
        joins: change.joins,
    }
}

fn statistics(tape: &Tape, since: Time) -> Content {
    let since_time = Some(convert::timestamp(since));
    let Some(statistics) = tape.statistics() else {
        return Content::Statistics(v1::Statistics { since_time, ..Default::default() });
    };
    let Candle { start, open, high, low, close, volume, trades } = statistics.day;
    Content::Statistics(v1::Statistics {
        day: Some(convert::timestamp(start)),
        open_price_micros: open.0,
        high_price_micros: high.0,
        low_price_micros: low.0,
        last_price_micros: close.0,
        volume: volume.0,
        vwap_micros: statistics.vwap().0,
        trade_count: trades,
        since_time,
    })
}

fn candles<'a>(interval: Interval, candles: impl Iterator<Item = &'a Candle>) -> Content {
    let candles = candles.map(candle).collect();
    Content::Candles(v1::Candles { interval: wire(interval) as i32, candles })
}

pub(crate) fn candle(candle: &Candle) -> v1::Candle {
    v1::Candle {
        start_time: Some(convert::timestamp(candle.start)),
        open_price_micros: candle.open.0,
        high_price_micros: candle.high.0,
        low_price_micros: candle.low.0,
        close_price_micros: candle.close.0,
        volume: candle.volume.0,
        trade_count: candle.trades,
    }
}

fn wire(interval: Interval) -> v1::CandleInterval {
    match interval {
        Interval::Second => v1::CandleInterval::Second,
        Interval::Minute => v1::CandleInterval::Minute,
        Interval::FiveMinutes => v1::CandleInterval::FiveMinutes,
        Interval::QuarterHour => v1::CandleInterval::QuarterHour,
        Interval::Hour => v1::CandleInterval::Hour,
        Interval::Day => v1::CandleInterval::Day,
    }
}

/// The interval that is meant.
pub(crate) fn interval(wire: v1::CandleInterval) -> Option<Interval> {
    Some(match wire {
        v1::CandleInterval::Unspecified => return None,
        v1::CandleInterval::Second => Interval::Second,
        v1::CandleInterval::Minute => Interval::Minute,
        v1::CandleInterval::FiveMinutes => Interval::FiveMinutes,
        v1::CandleInterval::QuarterHour => Interval::QuarterHour,
        v1::CandleInterval::Hour => Interval::Hour,
        v1::CandleInterval::Day => Interval::Day,
    })
}

pub(crate) fn level(level: &Level) -> v1::Level {
    v1::Level { price_micros: level.price.0, quantity: level.quantity.0, order_count: level.orders }
}
