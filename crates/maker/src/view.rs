//! What a strategy sees of an instrument, and what it answers.

use hourbook_api::v1;
use hourbook_pricing::{Conditions, Params, Tier};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::time::Duration;

/// A time of the exchange, in nanoseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    pub const SECOND: i64 = 1_000_000_000;
    pub const HOUR: i64 = 3_600 * Time::SECOND;

    /// Of a message; 1970 where it is missing.
    pub fn of(stamp: Option<&prost_types::Timestamp>) -> Time {
        stamp.map_or(Time(0), |at| {
            Time(at.seconds.saturating_mul(Time::SECOND).saturating_add(i64::from(at.nanos)))
        })
    }

    /// Hours since 1970, begun ones not counted.
    pub fn hour(self) -> u32 {
        u32::try_from(self.0.div_euclid(Time::HOUR)).unwrap_or(0)
    }

    pub fn plus(self, span: Duration) -> Time {
        Time(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` to this; nothing where that is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

/// An instrument, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub id: u32,
    pub symbol: String,
    /// CLASS.REGION.TIER.
    pub product: String,
    pub currency: String,
    /// Smallest price step, micros per unit-hour.
    pub tick_micros: i64,
    /// Of the value of a fill, millionths.
    pub maker_fee_ppm: u32,
    /// When delivery begins, and for how many hours it lasts.
    pub delivery: Time,
    pub hours: u32,
    /// The last moment to trade it.
    pub gate: Time,
}

impl Instrument {
    pub fn of(listed: &v1::Instrument) -> Instrument {
        Instrument {
            id: listed.instrument_id,
            symbol: listed.symbol.clone(),
            product: listed.product.clone(),
            currency: listed.currency.clone(),
            tick_micros: listed.tick_micros,
            maker_fee_ppm: listed.maker_fee_ppm,
            delivery: Time::of(listed.delivery_start_time.as_ref()),
            hours: listed.hours,
            gate: Time::of(listed.gate_closure_time.as_ref()),
        }
    }

    /// The first part of its symbol, such as `GP`.
    pub fn class(&self) -> &str {
        self.product.split('.').next().unwrap_or_default()
    }
}

/// What a unit-hour of a product is worth, micros, and between which prices four in five times it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fair {
    pub price_micros: i64,
    pub low_micros: i64,
    pub high_micros: i64,
    /// The score it was made with, millionths of the best.
    pub score_ppm: u32,
}

impl Fair {
    /// Of an answer of the pricing service; `None` where it comes to less than half a tick.
    pub fn of(quote: &v1::PriceQuote) -> Option<Fair> {
        (quote.fair_price_micros > 0).then_some(Fair {
            price_micros: quote.fair_price_micros,
            low_micros: quote.fair_low_micros,
            high_micros: quote.fair_high_micros,
            score_ppm: quote.score_ppm,
        })
    }

    /// What the parameters alone say of a product at this score: no trade moves it.
    pub fn modelled(params: &Params, product: &str, currency: &str, score_ppm: u32) -> Option<i64> {
        let mut parts = product.split('.');
        let (class, region) = (parts.next()?, parts.next()?);
        let tier = match parts.next()? {
            "A" => Tier::A,
            "B" => Tier::B,
            "C" => Tier::C,
            _ => return None,
        };
        let score = Decimal::new(score_ppm.into(), 4);
        let fair = params.fair_price(&Conditions { class, region, tier, score, currency, basis: None });
        fair.ok()?.micros(1).ok()
    }

    /// The same, no further from `modelled_micros` than `leash_ppm` millionths of it.
    ///
    /// A fair price follows trades, and trades happen where makers quote. Where all takers want the same, each trade would
    /// raise the price that the next is quoted about, and nothing would end that.
    pub fn leashed(self, modelled_micros: i64, leash_ppm: u32) -> Fair {
        let far = (i128::from(modelled_micros) * i128::from(leash_ppm) / 1_000_000) as i64;
        let (least, most) = (modelled_micros.saturating_sub(far).max(1), modelled_micros.saturating_add(far));
        let price_micros = self.price_micros.clamp(least.min(most), most);
        let moved = price_micros - self.price_micros;
        let (low_micros, high_micros) = (self.low_micros + moved, self.high_micros + moved);
        Fair { price_micros, low_micros, high_micros, ..self }
    }

    /// Half the width of the interval, relative to the price.
    pub fn uncertainty(&self) -> Decimal {
        let width = Decimal::from(self.high_micros.saturating_sub(self.low_micros).max(0));
        (width / Decimal::from(self.price_micros.max(1)) / Decimal::TWO).min(Decimal::TEN).round_dp(6)
    }
}

/// A price and how many lots it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Micros per unit-hour.
    pub price_micros: i64,
    pub lots: i64,
}

/// A trade as everyone sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    pub at: Time,
    pub price_micros: i64,
    pub lots: i64,
    pub taker_side: v1::Side,
}

/// One instrument at one moment, as a strategy sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub instrument: &'a Instrument,
    pub now: Time,
    pub fair: Fair,
    /// The provider's rating in the class; `Unspecified` where the maker quotes for nobody in particular.
    pub grade: v1::RatingGrade,
    /// What others bid and offer, best first: the maker's own lots are left out.
    pub bids: &'a [Level],
    pub asks: &'a [Level],
    /// The last trades, oldest first.
    pub trades: &'a [Trade],
    /// Lots bought less lots sold of this instrument.
    pub position: i64,
    /// Lots that may be sold: of what is held or was declared in every hour, this instrument's share.
    pub sellable: i64,
    /// Lots that may be bought before a limit is met.
    pub room: i64,
    /// Lots on either side at most.
    pub size: i64,
    /// Standard deviation of the logarithm of the product's price per square root of an hour, as the feed
    /// shows it; `None` until enough of it was seen.
    pub volatility: Option<Decimal>,
}

impl View<'_> {
    /// Until delivery begins, in hundredths of an hour, rounded up; zero once it has.
    pub fn hours_to_delivery(&self) -> Decimal {
        let hundredth = Time::HOUR / 100;
        let left = i64::try_from(self.instrument.delivery.since(self.now).as_nanos()).unwrap_or(i64::MAX);
        Decimal::new(left / hundredth + i64::from(left % hundredth > 0), 2)
    }
}

/// Why there is no price on a side, in words.
pub type Why = Cow<'static, str>;

/// What a strategy wants of one instrument: two sides, each a price or a reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotes {
    pub bid: Result<Level, Why>,
    pub ask: Result<Level, Why>,
}

impl Quotes {
    /// Both sides at a price, as long as there are lots for them: `view.size` at most, what there is room for on
    /// the bid, what may be sold on the ask.
    pub fn around(view: &View, bid_micros: i64, ask_micros: i64) -> Quotes {
        let side = |price_micros: i64, most: i64, why: &'static str| match view.size.min(most) {
            _ if price_micros < view.instrument.tick_micros => {
                Err("the price would lie below one tick".into())
            }
            lots if lots > 0 => Ok(Level { price_micros, lots }),
            _ => Err(why.into()),
        };
        Quotes {
            bid: side(bid_micros, view.room, "no room to hold more"),
            ask: side(ask_micros, view.sellable, "nothing is held that could be sold"),
        }
    }

    /// No side, for one reason.
    pub fn none(why: impl Into<Why>) -> Quotes {
        let why = why.into();
        Quotes { bid: Err(why.clone()), ask: Err(why) }
    }
}

/// `price` down to a whole number of ticks.
pub fn tick_down(price_micros: i64, tick_micros: i64) -> i64 {
    price_micros - price_micros.rem_euclid(tick_micros.max(1))
}

/// `price` up to a whole number of ticks.
pub fn tick_up(price_micros: i64, tick_micros: i64) -> i64 {
    tick_down(price_micros.saturating_add(tick_micros.max(1) - 1), tick_micros)
}
