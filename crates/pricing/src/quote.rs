//! Two-sided quotes about a fair price.
//!
//! The middle is moved away from what the maker holds, and the distance between the sides pays for what the maker
//! does not know: how prices will move until delivery, how far off the fair price may be, and what trading costs.
//! On logarithms that is Avellaneda and Stoikov (2008); with small distances `ln (1 + d)` stands for `d`, so that only
//! multiplications and one division are left. Unsold hours perish at delivery, which their model does not have: the pull of
//! what is held grows as delivery comes near.

use crate::error::{Error, within};
use rust_decimal::{Decimal, RoundingStrategy, dec};

/// How a class is quoted. Frozen with the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoting {
    /// Aversion to risk: how much variance is worth, 0 ..= 100.
    pub risk: Decimal,
    /// Standard deviation of the logarithm of the price, per square root of an hour.
    pub volatility: Decimal,
    /// Half of the distance between the sides when nothing is uncertain: ln(1 + risk / k) / risk of the source. Above 0.
    pub base: Decimal,
    /// Part of the uncertainty of the fair price that half the distance must cover.
    pub doubt: Decimal,
    /// How far a full hold moves the middle when delivery is near.
    pub perish: Decimal,
    /// Hours to delivery at which that has come to half.
    pub perish_hours: Decimal,
    /// The time to delivery counts for no more than these hours.
    pub horizon_hours: Decimal,
}

/// What a quote is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteRequest {
    /// Price of a unit-hour, above zero.
    pub fair: Decimal,
    /// Half the width of the fair price's 80 % interval, relative to it, 0 ..= 10.
    pub uncertainty: Decimal,
    /// In place of the class's own, when given, 0 ..= 1.
    pub volatility: Option<Decimal>,
    /// Fee of a fill, relative to its value, 0 ..= 0.5.
    pub fee: Decimal,
    /// Hours until delivery begins, 0 ..= 100,000.
    pub hours_to_delivery: Decimal,
    /// Units held and not sold, 0 ..= `capacity`.
    pub inventory: u64,
    /// Most units the maker will hold, above zero.
    pub capacity: u64,
    /// Most units on either side.
    pub size: u64,
    /// Smallest price step, above zero.
    pub tick: Decimal,
}

/// Why there is no price on a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Nothing to sell.
    NoInventory,
    /// No room to hold more.
    NoRoom,
    /// The bid would lie below one tick.
    BelowTick,
    /// Delivery has begun.
    Delivering,
}

impl Withheld {
    /// In words.
    pub fn reason(self) -> &'static str {
        match self {
            Withheld::NoInventory => "nothing is held that could be sold",
            Withheld::NoRoom => "no room to hold more",
            Withheld::BelowTick => "the bid would lie below one tick",
            Withheld::Delivering => "delivery has begun",
        }
    }
}

/// A price and how many units it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub price: Decimal,
    pub units: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The fair price on the tick, half to even.
    pub fair: Decimal,
    /// The middle that the maker would trade at, not rounded.
    pub reservation: Decimal,
    /// Half the distance, relative to the middle: the ask is `1 + half` times it, the bid its `1 + half`th part.
    pub half: Decimal,
    pub bid: Result<Level, Withheld>,
    pub ask: Result<Level, Withheld>,
    /// What moved the middle and made the distance, relative to the fair price, in order.
    pub terms: Vec<(&'static str, Decimal)>,
}

impl Quoting {
    /// The two sides. The bid is rounded down to the tick and the ask up, so that 0 < bid < ask.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] names what is out of range.
    pub fn quote(&self, request: &QuoteRequest) -> Result<Quote, Error> {
        let QuoteRequest { fair, uncertainty, volatility, fee, hours_to_delivery, .. } = *request;
        let QuoteRequest { inventory, capacity, size, tick, .. } = *request;
        let fair = within("fair price", fair, dec!(0.000000000001), dec!(1000000000))?;
        let uncertainty = within("uncertainty", uncertainty, Decimal::ZERO, dec!(10))?;
        let fee = within("fee", fee, Decimal::ZERO, dec!(0.5))?;
        let hours = within("hours to delivery", hours_to_delivery, Decimal::ZERO, dec!(100000))?;
        let volatility =
            within("volatility", volatility.unwrap_or(self.volatility), Decimal::ZERO, Decimal::ONE)?;
        let tick = within("tick", tick, dec!(0.000001), dec!(1000))?;
        within("capacity", capacity.into(), Decimal::ONE, dec!(1000000000))?;
        within("inventory", inventory.into(), Decimal::ZERO, capacity.into())?;
        within("size", size.into(), Decimal::ONE, dec!(1000000000))?;

        let counted = hours.min(self.horizon_hours);
        // The class's own volatility moves the middle, so that one quote's does nothing but widen.
        let held = Decimal::from(inventory) / Decimal::from(capacity);
        let risk_pull = held * self.risk * self.volatility * self.volatility * counted;
        let perish_pull = held * self.perish * self.perish_hours / (self.perish_hours + hours);
        let pull = (risk_pull + perish_pull).min(dec!(0.9));
        let reservation = fair * (Decimal::ONE - pull);

        let for_time = dec!(0.5) * self.risk * volatility * volatility * counted;
        let for_doubt = self.doubt * uncertainty;
        let half = self.base + for_time + for_doubt + fee;
        let bid = on_tick(reservation / (Decimal::ONE + half), tick, RoundingStrategy::ToZero);
        let ask = on_tick(reservation * (Decimal::ONE + half), tick, RoundingStrategy::AwayFromZero);

        let delivering = hours.is_zero();
        let room = capacity - inventory;
        let bid = match () {
            () if delivering => Err(Withheld::Delivering),
            () if room == 0 => Err(Withheld::NoRoom),
            () if bid < tick => Err(Withheld::BelowTick),
            () => Ok(Level { price: bid, units: size.min(room) }),
        };
        let ask = match () {
            () if delivering => Err(Withheld::Delivering),
            () if inventory == 0 => Err(Withheld::NoInventory),
            () => Ok(Level { price: ask, units: size.min(inventory) }),
        };
        let terms = vec![
            ("held, risk until delivery", -risk_pull),
            ("held, perishes at delivery", -perish_pull),
            ("half spread, base", self.base),
            ("half spread, time to delivery", for_time),
            ("half spread, uncertainty of the fair price", for_doubt),
            ("half spread, fee", fee),
        ];
        let fair = on_tick(fair, tick, RoundingStrategy::MidpointNearestEven);
        Ok(Quote { fair, reservation, half, bid, ask, terms })
    }

    pub(crate) fn check(&self, key: &str) -> Result<(), Error> {
        let of = |what: &str, value, least, most| match within("value", value, least, most) {
            Ok(_) => Ok(()),
            Err(why) => Err(Error::parameter(format!("{key}.{what}"), why.to_string())),
        };
        of("risk", self.risk, Decimal::ZERO, dec!(100))?;
        of("volatility", self.volatility, Decimal::ZERO, Decimal::ONE)?;
        of("base", self.base, dec!(0.000001), Decimal::ONE)?;
        of("doubt", self.doubt, Decimal::ZERO, Decimal::ONE)?;
        of("perish", self.perish, Decimal::ZERO, dec!(0.9))?;
        of("perish_hours", self.perish_hours, dec!(0.01), dec!(10000))?;
        of("horizon_hours", self.horizon_hours, dec!(1), dec!(100000))
    }
}

/// `price` as a whole number of ticks.
pub fn on_tick(price: Decimal, tick: Decimal, rounding: RoundingStrategy) -> Decimal {
    ((price / tick).round_dp_with_strategy(0, rounding) * tick).normalize()
}
