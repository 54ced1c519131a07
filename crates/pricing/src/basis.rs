//! What fresh prices say against the parameters: a provider's anchors, a product's trades and quotes.
//!
//! A basis is the ratio of what was paid to what the parameters say, as the mean of such ratios weighted by what
//! each is worth, beginning with a ratio of 1 that is worth `prior`. Sums of numerators and weights are exact, so
//! the order in which prices arrive makes no difference.

use crate::error::{Error, within};
use crate::number::{exact_product, exact_sum};
use rust_decimal::{Decimal, MathematicalOps, dec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    prior: Decimal,
    sum: Decimal,
    weight: Decimal,
    // What follows from these, kept because prices are asked for far more often than they are observed.
    multiplier: Decimal,
    doubt: Decimal,
}

impl Basis {
    /// A ratio counts as no less than a fifth and no more than five: further out it is a mistake or a different
    /// thing.
    pub const LEAST: Decimal = dec!(0.2);
    pub const MOST: Decimal = dec!(5);
    /// Last trades of a product that move its price halfway from what the parameters say to what was paid.
    pub const HALFWAY: Decimal = dec!(5);

    /// Nothing seen yet. `prior`, 0.001 ..= 1000, is how many prices of weight 1 it takes to move halfway.
    pub fn new(prior: Decimal) -> Result<Basis, Error> {
        let prior = within("prior", prior, dec!(0.001), dec!(1000))?.round_dp(6);
        Ok(Basis {
            prior,
            sum: Decimal::ZERO,
            weight: Decimal::ZERO,
            multiplier: Decimal::ONE,
            doubt: Decimal::ONE,
        })
    }

    /// What a product's last trades say: each price paid, above zero, counts once against `modelled`, what the parameters
    /// say of the product, and [`Basis::HALFWAY`] of them move it halfway. What cannot be a ratio says nothing.
    pub fn of_trades(modelled: Decimal, paid: impl IntoIterator<Item = Decimal>) -> Basis {
        let mut basis = Basis::new(Self::HALFWAY).expect("it is in range");
        for paid in paid {
            let _ = basis.add(paid, modelled, Decimal::ONE);
        }
        basis.follow();
        basis
    }

    /// Takes in a price: `paid` against what the parameters say of the same thing, both above zero, worth `weight`
    /// (0 ..= 1000; a trade 1, a quote less).
    ///
    /// # Errors
    /// [`Error::OutOfRange`] names what is out of range; the basis is then as it was.
    pub fn observe(&mut self, paid: Decimal, modelled: Decimal, weight: Decimal) -> Result<(), Error> {
        self.add(paid, modelled, weight)?;
        self.follow();
        Ok(())
    }

    /// Takes a price into the sums alone, the cheap part of it: many are followed together.
    fn add(&mut self, paid: Decimal, modelled: Decimal, weight: Decimal) -> Result<(), Error> {
        let tiny = dec!(0.000000000001);
        let huge = dec!(1000000000);
        within("price paid", paid, tiny, huge)?;
        within("price of the parameters", modelled, tiny, huge)?;
        let weight = within("weight", weight, Decimal::ZERO, dec!(1000))?.round_dp(6);
        let ratio =
            paid.checked_div(modelled).unwrap_or(Self::MOST).clamp(Self::LEAST, Self::MOST).round_dp(9);
        let too_much = Error::TooPrecise { what: "ratio", value: ratio };
        let part = exact_product(ratio, weight).ok_or(too_much.clone())?;
        let sum = exact_sum(self.sum, part).ok_or(too_much.clone())?;
        self.weight = exact_sum(self.weight, weight).ok_or(too_much)?;
        self.sum = sum;
        Ok(())
    }

    fn follow(&mut self) {
        self.multiplier = ((self.prior + self.sum) / (self.prior + self.weight)).round_dp(6);
        let left = self.prior / (self.prior + self.weight);
        self.doubt = left.sqrt().unwrap_or(Decimal::ONE).round_dp(6);
    }

    /// What prices of the parameters are multiplied by, 0.2 ..= 5.
    pub fn multiplier(&self) -> Decimal {
        self.multiplier
    }

    /// The part of the first uncertainty about it that is left, above 0 and at most 1: it shrinks with the square
    /// root of what was seen.
    pub fn doubt(&self) -> Decimal {
        self.doubt
    }
}
