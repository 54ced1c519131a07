//! Amounts: whole numbers of the smallest part, never floats.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

macro_rules! amount {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub i64);

        impl $name {
            pub const ZERO: $name = $name(0);
            pub const MAX: $name = $name(i64::MAX);
        }
        impl Add for $name {
            type Output = $name;
            fn add(self, other: $name) -> $name { $name(self.0 + other.0) }
        }
        impl Sub for $name {
            type Output = $name;
            fn sub(self, other: $name) -> $name { $name(self.0 - other.0) }
        }
        impl Neg for $name {
            type Output = $name;
            fn neg(self) -> $name { $name(-self.0) }
        }
        impl AddAssign for $name {
            fn add_assign(&mut self, other: $name) { self.0 += other.0 }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: $name) { self.0 -= other.0 }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = $name>>(items: I) -> $name { $name(items.map(|item| item.0).sum()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    };
}

amount!(/// Micros of the product's currency per unit-hour; above zero, a whole number of ticks.
    Price);
amount!(/// Lots: units for every hour of the period. 1 ..= 1,000,000 in an order.
    Quantity);
amount!(/// Micros of a currency.
    Money);
amount!(/// Nanoseconds since 1970-01-01T00:00:00Z. Arrives with each command; the core has no clock.
    Time);

/// Parts of a currency unit in [`Money`] and [`Price`].
pub const MICROS: i64 = 1_000_000;

impl Price {
    /// No price, trigger or reference lies above it: some million million units of currency.
    pub const CAP: Price = Price(1 << 60);
}

impl Money {
    /// price x lots x hours, or `None` when it does not fit.
    pub fn of(price: Price, quantity: Quantity, hours: u32) -> Option<Money> {
        let amount = i128::from(price.0) * i128::from(quantity.0) * i128::from(hours);
        i64::try_from(amount).ok().map(Money)
    }

    /// `self` x `rate` in parts per million, rounded down.
    pub fn share_ppm(self, rate: u32) -> Money {
        match self.0.checked_mul(i64::from(rate)) {
            // A division by a constant is a multiplication in 64 bits, and a hundred cycles in 128.
            Some(product) => Money(product.div_euclid(1_000_000)),
            None => Money((i128::from(self.0) * i128::from(rate)).div_euclid(1_000_000) as i64),
        }
    }
}

impl Time {
    pub const SECOND: i64 = 1_000_000_000;
    pub const MINUTE: i64 = 60 * Self::SECOND;
    pub const HOUR: i64 = 60 * Self::MINUTE;
    pub const DAY: i64 = 24 * Self::HOUR;

    pub fn plus_nanos(self, nanos: i64) -> Time {
        Time(self.0 + nanos)
    }

    /// Whole hours since the epoch.
    pub fn hour(self) -> Hour {
        Hour(self.0.div_euclid(Self::HOUR) as u32)
    }

    /// Whole days since the epoch.
    pub fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }
}

/// A delivery hour: whole hours since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hour(pub u32);

impl Hour {
    pub fn start(self) -> Time {
        Time(i64::from(self.0) * Time::HOUR)
    }

    pub fn plus(self, hours: u32) -> Hour {
        Hour(self.0 + hours)
    }
}
