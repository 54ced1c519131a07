//! Decimals: how they are read, multiplied without rounding, and looked up between two points.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

/// Decimals of a unit price. Everything finer is rounded away, half to even, before anything is summed.
pub const UNIT_PRICE_SCALE: u32 = 12;

/// A decimal that stands in quotes, because TOML's own numbers are floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub Decimal);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Number, D::Error> {
        let text = String::deserialize(from)?;
        Decimal::from_str_exact(&text)
            .map(Number)
            .map_err(|why| de::Error::custom(format!("{text:?} is not a decimal: {why}")))
    }
}

/// The product of the two when it can be held exactly: 96 bits, 28 decimals.
pub(crate) fn exact_product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let product = |a: Decimal, b: Decimal| {
        let mantissa = a.mantissa().checked_mul(b.mantissa())?;
        Decimal::try_from_i128_with_scale(mantissa, a.scale() + b.scale()).ok()
    };
    // Zeros at the end may be all that is too much.
    product(a, b).or_else(|| product(a.normalize(), b.normalize()))
}

/// The sum of the two when it can be held exactly.
pub(crate) fn exact_sum(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    let widen = |value: Decimal| {
        let factor = 10_i128.checked_pow(scale - value.scale())?;
        value.mantissa().checked_mul(factor)
    };
    Decimal::try_from_i128_with_scale(widen(a)?.checked_add(widen(b)?)?, scale).ok()
}

/// The height at `x` of the line through `points`, which rise in both; level outside them.
pub(crate) fn between(points: &[(Decimal, Decimal)], x: Decimal) -> Decimal {
    let (first, last) = (points[0], points[points.len() - 1]);
    if x <= first.0 {
        return first.1;
    }
    if x >= last.0 {
        return last.1;
    }
    let above = points.partition_point(|point| point.0 <= x);
    let (from, to) = (points[above - 1], points[above]);
    from.1 + (to.1 - from.1) * (x - from.0) / (to.0 - from.0)
}
