//! The fair price of a product's unit, with its interval and every factor that made it.
//!
//! A unit price is what the reference provider's lists say of the class in the region, times the basis that fresh
//! prices show, the tier, the quality and the rate of the currency, and no less than the electricity it takes. It is rounded to 12 decimals, and
//! the bundle is summed from it without rounding. Every delivery period has the same fair price.

use crate::basis::Basis;
use crate::bundle::{Bundle, Component, PerComponent, UnitPrices};
use crate::error::{Error, within};
use crate::number::{UNIT_PRICE_SCALE, exact_product, exact_sum};
use crate::params::{Card, Class, Params};
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
    /// What fresh prices say; nothing when there are none.
    pub basis: Option<&'a Basis>,
}

/// A price with its 80 % interval, in the currency that was asked for, per unit-hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairPrice {
    /// Exact; `on_tick` rounds it.
    pub price: Decimal,
    pub low: Decimal,
    pub high: Decimal,
    pub units: UnitPrices,
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
    /// Unit prices of a class in a region: what bundles of the same provider, region, family and score are summed from.
    ///
    /// # Errors
    /// [`Error::Unknown`] names the class, region or currency; [`Error::OutOfRange`] a score that is none.
    pub fn unit_prices(&self, under: &Conditions) -> Result<UnitPrices, Error> {
        Ok(self.priced(under)?.units)
    }

    /// The fair price of one unit-hour.
    ///
    /// # Errors
    /// As [`Params::unit_prices`].
    ///
    /// Source: docs/pricing.md, "Fair price".
    pub fn fair_price(&self, under: &Conditions) -> Result<FairPrice, Error> {
        let Priced { units, card, class, .. } = self.priced(under)?;
        let price = units.price(&class.bundle)?;
        let doubt = under.basis.map_or(Decimal::ONE, Basis::doubt);
        let low = (Decimal::ONE - doubt * (Decimal::ONE - card.range.0)) * card.inverse_error;
        let high = (Decimal::ONE + doubt * (card.range.1 - Decimal::ONE)) * card.error;
        let (low, high) = ((price * low.round_dp(6)).round_dp(12), (price * high.round_dp(6)).round_dp(12));
        Ok(FairPrice { price, low: low.min(price), high: high.max(price), units })
    }

    /// What a fair price is made of, in order: the list's amounts, the factors, what was raised to its floor.
    ///
    /// # Errors
    /// As [`Params::unit_prices`].
    pub fn explain_fair_price(&self, under: &Conditions) -> Result<Vec<Line>, Error> {
        let Priced { units, card, class, factors, floored } = self.priced(under)?;
        let mut lines = Vec::new();
        for component in Component::ALL {
            let amount = class.bundle.amount(component);
            if !amount.is_zero() {
                let what = format!("{} x {} at {}", amount, component.name(), card.source);
                lines.push(Line { what, value: amount * card.prices.0[component], money: true });
            }
        }
        let factor = |what: String, value| Line { what, value, money: false };
        let above = factors.above.normalize();
        lines.extend([
            factor("basis: fresh prices against the list".into(), factors.basis),
            factor(format!("tier {}", under.tier), factors.tier),
            factor(format!("quality, score {above:+} against the tier's threshold"), factors.quality),
            factor("rate of the currency to USD".into(), factors.rate),
        ]);
        for component in Component::ALL.into_iter().filter(|component| floored[*component]) {
            let what = format!("raised to the cost of electricity: {}", component.name());
            lines.push(Line { what, value: units.0[component], money: true });
        }
        Ok(lines)
    }

    fn priced(&self, under: &Conditions) -> Result<Priced<'_>, Error> {
        let score = within("score", under.score, Decimal::ZERO, dec!(100))?;
        let class = self.class(under.class)?;
        let card = self.card(under.class, under.region)?;
        let region = self.region(under.region)?;
        let kind = self.kind(class.kind());
        let above = score - self.cuts.threshold(under.tier);
        let factors = Factors {
            basis: under.basis.map_or(Decimal::ONE, Basis::multiplier),
            tier: kind.tiers[under.tier as usize],
            quality: Decimal::ONE + kind.quality_slope * above,
            above,
            rate: self.rate(under.currency)?,
        };
        // Rounded to what leaves room for a unit price: beyond 28 digits decimals are slow.
        let whole =
            (factors.basis * factors.tier * factors.quality * factors.rate).round_dp(UNIT_PRICE_SCALE);
        let power = region.usd_per_watt_hour * factors.rate;
        let mut floored = PerComponent([false; 5]);
        let mut units = card.prices;
        for component in Component::ALL {
            let watts = self.watts(class, component);
            if units.0[component].is_zero() && watts.is_zero() {
                continue;
            }
            let price = units.0[component] * whole;
            let floor = watts * power;
            floored[component] = price < floor && !class.bundle.amount(component).is_zero();
            units.0[component] = price.max(floor).round_dp(UNIT_PRICE_SCALE);
        }
        Ok(Priced { units, floored, factors, card, class })
    }
}

struct Priced<'a> {
    units: UnitPrices,
    /// Which components were raised to their floor.
    floored: PerComponent<bool>,
    factors: Factors,
    card: &'a Card,
    class: &'a Class,
}

struct Factors {
    basis: Decimal,
    tier: Decimal,
    quality: Decimal,
    /// The score less the tier's threshold.
    above: Decimal,
    rate: Decimal,
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
