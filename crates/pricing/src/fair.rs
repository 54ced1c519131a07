//! The fair price of a product's unit, with its interval and every factor that made it.
//!
//! A unit price is what the reference provider's lists say of the class in the region, times the provider's level, the
//! tier, the quality and the rate of the currency, and no less than the electricity it takes. It is rounded to 12 decimals, and
//! the bundle is summed from it without rounding. Every delivery period has the same fair price.

use crate::bundle::{Bundle, Component, UnitPrices};
use crate::error::{Error, within};
use crate::level::Level;
use crate::number::{UNIT_PRICE_SCALE, exact_product, exact_sum};
use crate::params::Params;
use crate::quote::on_tick;
use crate::rating::Tier;
use rust_decimal::{Decimal, RoundingStrategy, dec};

/// What a unit is priced under.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    pub class: &'a str,
    pub region: &'a str,
    pub tier: Tier,
    /// The provider's score, 0 ..= 100; the tier's threshold when nobody in particular sells.
    pub score: Decimal,
    /// ISO 4217.
    pub currency: &'a str,
    /// What fresh prices say about the level; nothing when there are none.
    pub level: Option<&'a Level>,
}

/// A price with its 80 % interval, in the currency that was asked for, per unit-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairPrice {
    /// Exact; `on_tick` rounds it.
    pub price: Decimal,
    pub low: Decimal,
    pub high: Decimal,
    pub units: UnitPrices,
    /// What the price was made of, in order.
    pub lines: Vec<Line>,
}

/// One step from the list to the price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub what: String,
    /// A factor, or an amount of money where `money` says so.
    pub value: Decimal,
    pub money: bool,
}

impl FairPrice {
    /// The price on a tick, half to even.
    pub fn on_tick(&self, tick: Decimal) -> Decimal {
        on_tick(self.price, tick, RoundingStrategy::MidpointNearestEven)
    }

    /// The price in millionths of the currency on a tick of so many, as a command carries it.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the tick is not above zero, or 63 bits do not hold the price.
    pub fn micros(&self, tick_micros: i64) -> Result<i64, Error> {
        let million = dec!(1000000);
        within("tick", tick_micros.into(), Decimal::ONE, dec!(1000000000))?;
        let micros = on_tick(self.price * million, tick_micros.into(), RoundingStrategy::MidpointNearestEven);
        let most = Decimal::from(i64::MAX);
        let micros = within("price", micros, Decimal::ZERO, most)?;
        i64::try_from(micros).map_err(|_| Error::TooPrecise { what: "price", value: micros })
    }

    /// Half the width of the interval, relative to the price.
    pub fn uncertainty(&self) -> Decimal {
        if self.price.is_zero() {
            return Decimal::ZERO;
        }
        ((self.high - self.low) / self.price / dec!(2)).clamp(Decimal::ZERO, dec!(10)).round_dp(6)
    }
}

impl Params {
    /// Unit prices of a class in a region, and their factors.
    ///
    /// # Errors
    /// [`Error::Unknown`] names the class, region or currency; [`Error::OutOfRange`] a score that is none.
    pub fn unit_prices(&self, under: &Conditions) -> Result<(UnitPrices, Vec<Line>), Error> {
        let (prices, _, factors) = self.priced(under)?;
        Ok((prices, factors.lines()))
    }

    /// The fair price of one unit-hour.
    ///
    /// # Errors
    /// As [`Params::unit_prices`].
    ///
    /// Source: docs/pricing.md, "Fair price".
    pub fn fair_price(&self, under: &Conditions) -> Result<FairPrice, Error> {
        let (units, floored, factors) = self.priced(under)?;
        let class = self.class(under.class)?;
        let price = units.price(&class.bundle)?;
        let card = self.card(under.class, under.region)?;
        let doubt = under.level.map_or(Decimal::ONE, Level::doubt);
        let low = (Decimal::ONE - doubt * (Decimal::ONE - card.range.0)) / card.error;
        let high = (Decimal::ONE + doubt * (card.range.1 - Decimal::ONE)) * card.error;
        let mut lines = Vec::new();
        for component in Component::ALL {
            let amount = class.bundle.amount(component);
            if amount.is_zero() {
                continue;
            }
            let what = format!("{} x {} at {}", amount, component.name(), card.source);
            lines.push(Line { what, value: amount * card.prices.0[component], money: true });
        }
        lines.extend(factors.lines());
        for component in floored {
            let what = format!("raised to the cost of electricity: {}", component.name());
            lines.push(Line { what, value: units.0[component], money: true });
        }
        let (low, high) = ((price * low).round_dp(12), (price * high).round_dp(12));
        Ok(FairPrice { price, low: low.min(price), high: high.max(price), units, lines })
    }

    /// Unit prices in the currency, which of them were raised to their floor, and the factors.
    fn priced(&self, under: &Conditions) -> Result<(UnitPrices, Vec<Component>, Factors), Error> {
        let Conditions { tier, score, currency, .. } = *under;
        let score = within("score", score, Decimal::ZERO, dec!(100))?;
        let class = self.class(under.class)?;
        let card = self.card(under.class, under.region)?;
        let region = self.region(under.region)?;
        let kind = self.kind(class.kind());
        let above = score - self.cuts.threshold(tier);
        let factors = Factors {
            level: under.level.map_or(Decimal::ONE, Level::multiplier),
            tier: kind.tiers[tier as usize],
            tier_name: tier,
            quality: Decimal::ONE + kind.quality_slope * above,
            above,
            rate: self.rate(currency)?,
        };
        let whole = factors.level * factors.tier * factors.quality * factors.rate;
        let power = region.power_usd_per_kwh * region.pue * factors.rate / dec!(1000);
        let mut floored = Vec::new();
        let mut prices = card.prices;
        for component in Component::ALL {
            let price = prices.0[component] * whole;
            let floor = self.watts(class, component) * power;
            if price < floor {
                floored.push(component);
            }
            prices.0[component] = price.max(floor).round_dp(UNIT_PRICE_SCALE);
        }
        Ok((prices, floored, factors))
    }
}

struct Factors {
    level: Decimal,
    tier: Decimal,
    tier_name: Tier,
    quality: Decimal,
    above: Decimal,
    rate: Decimal,
}

impl Factors {
    fn lines(&self) -> Vec<Line> {
        let line = |what: String, value| Line { what, value, money: false };
        vec![
            line("level seen in fresh prices".into(), self.level),
            line(format!("tier {}", self.tier_name), self.tier),
            line(
                format!("quality, score {:+} against the tier's threshold", self.above.normalize()),
                self.quality,
            ),
            line("rate of the currency to USD".into(), self.rate),
        ]
    }
}

/// Fair price of several consecutive hours, per unit-hour: the mean weighted by hours.
///
/// # Errors
/// [`Error::OutOfRange`] when there are no hours, [`Error::TooPrecise`] when 28 digits do not hold the sum.
pub fn block(hours: &[(u32, Decimal)]) -> Result<Decimal, Error> {
    let (mut length, mut sum) = (Decimal::ZERO, Decimal::ZERO);
    for (count, price) in hours {
        let too_precise = Error::TooPrecise { what: "price", value: *price };
        let part = exact_product((*count).into(), *price).ok_or(too_precise.clone())?;
        sum = exact_sum(sum, part).ok_or(too_precise)?;
        length += Decimal::from(*count);
    }
    within("hours", length, Decimal::ONE, dec!(1000000000))?;
    Ok(sum / length)
}

/// What a bundle costs for so many seconds: its price x seconds / 3600, rounded once to 12 decimals.
///
/// # Errors
/// [`Error::TooPrecise`] when 28 digits do not hold the price.
pub fn cost(units: &UnitPrices, bundle: &Bundle, seconds: u32) -> Result<Decimal, Error> {
    let price = units.price(bundle)?;
    let too_precise = Error::TooPrecise { what: "price", value: price };
    let total = price.checked_mul(seconds.into()).ok_or(too_precise)?;
    Ok((total / dec!(3600)).round_dp(UNIT_PRICE_SCALE))
}
