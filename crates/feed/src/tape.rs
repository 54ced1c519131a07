//! What trades come to: statistics of the UTC day, candles of six lengths. Whole numbers only.

use hourbook_model::{Price, Quantity, Time, Trade};
use std::collections::VecDeque;

/// How long a candle lasts. They begin at whole multiples of it since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Interval {
    Second,
    Minute,
    FiveMinutes,
    QuarterHour,
    Hour,
    Day,
}

impl Interval {
    pub const ALL: [Interval; 6] = [
        Interval::Second,
        Interval::Minute,
        Interval::FiveMinutes,
        Interval::QuarterHour,
        Interval::Hour,
        Interval::Day,
    ];

    /// Nanoseconds.
    pub fn nanos(self) -> i64 {
        match self {
            Interval::Second => Time::SECOND,
            Interval::Minute => Time::MINUTE,
            Interval::FiveMinutes => 5 * Time::MINUTE,
            Interval::QuarterHour => 15 * Time::MINUTE,
            Interval::Hour => Time::HOUR,
            Interval::Day => Time::DAY,
        }
    }

    /// How many of an instrument are kept. All together take no more than 16 KiB.
    pub fn kept(self) -> usize {
        match self {
            Interval::Second | Interval::Minute => 60,
            Interval::FiveMinutes => 36,
            Interval::QuarterHour => 32,
            Interval::Hour => 24,
            Interval::Day => 30,
        }
    }
}

/// Prices and lots of the trades within one interval; an interval without trades has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When the interval begins.
    pub start: Time,
    pub open: Price,
    pub high: Price,
    pub low: Price,
    pub close: Price,
    pub volume: Quantity,
    pub trades: u32,
}

impl Candle {
    /// One without trades yet, in which the first is to have this price.
    pub fn begin(start: Time, price: Price) -> Candle {
        Candle {
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Quantity::ZERO,
            trades: 0,
        }
    }

    pub fn add(&mut self, price: Price, quantity: Quantity) {
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.volume += quantity;
        self.trades = self.trades.saturating_add(1);
    }
}

/// The trades of the UTC day of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// Its `start` is midnight.
    pub day: Candle,
    /// The sum of price x lots, micros.
    pub turnover: i128,
}

impl Statistics {
    /// Turnover over volume: micros per unit-hour, rounded to the nearest, half to even.
    pub fn vwap(&self) -> Price {
        vwap(self.turnover, self.day.volume)
    }
}

/// The mean price of lots that came to `turnover`, the sum of price x lots: micros per unit-hour, rounded to the nearest,
/// half to even. `volume` is above zero.
pub fn vwap(turnover: i128, volume: Quantity) -> Price {
    let volume = i128::from(volume.0);
    let (whole, rest) = (turnover.div_euclid(volume), turnover.rem_euclid(volume));
    let up = rest * 2 > volume || (rest * 2 == volume && whole % 2 == 1);
    Price((whole + i128::from(up)) as i64)
}

impl Interval {
    /// When the interval that holds a moment begins.
    pub fn start(self, time: Time) -> Time {
        Time(time.0 - time.0.rem_euclid(self.nanos()))
    }
}

/// One instrument's trades, added up. Nothing is kept of an instrument that does not trade.
#[derive(Default)]
pub struct Tape(Option<Box<Kept>>);

struct Kept {
    statistics: Statistics,
    /// By interval, oldest first.
    candles: [VecDeque<Candle>; Interval::ALL.len()],
}

impl Tape {
    /// Statistics of the day of the last trade; `None` before the first.
    pub fn statistics(&self) -> Option<&Statistics> {
        self.0.as_deref().map(|kept| &kept.statistics)
    }

    /// The candles that are kept of an interval, oldest first; the last one may still grow.
    pub fn candles(&self, interval: Interval) -> impl DoubleEndedIterator<Item = &Candle> {
        self.0.iter().flat_map(move |kept| &kept.candles[interval as usize])
    }

    pub(crate) fn add(&mut self, time: Time, trade: &Trade) {
        let Trade { price, quantity, .. } = *trade;
        let midnight = Interval::Day.start(time);
        let begin = || Statistics { day: Candle::begin(midnight, price), turnover: 0 };
        let kept =
            self.0.get_or_insert_with(|| Box::new(Kept { statistics: begin(), candles: Default::default() }));
        if kept.statistics.day.start != midnight {
            kept.statistics = begin();
        }
        kept.statistics.day.add(price, quantity);
        kept.statistics.turnover += i128::from(price.0) * i128::from(quantity.0);
        for interval in Interval::ALL {
            let (candles, start) = (&mut kept.candles[interval as usize], interval.start(time));
            if candles.back().is_none_or(|last| last.start != start) {
                if candles.len() == interval.kept() {
                    candles.pop_front();
                }
                candles.push_back(Candle::begin(start, price));
            }
            candles.back_mut().expect("begun just now").add(price, quantity);
        }
    }
}
