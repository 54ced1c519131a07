//! Ratings AAA to D by fixed cuts on the bound of the score, and the tiers that it opens.
//!
//! A rating that hovers about a cut would change every day. So it moves only when the bound is beyond the cut by the
//! margin, one step at most in a UTC day. Prices use the score, never the letter.

use crate::error::Error;
use crate::evidence::Day;
use crate::score::Score;
use rust_decimal::{Decimal, dec};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rating {
    D,
    C,
    CC,
    CCC,
    B,
    BB,
    BBB,
    A,
    AA,
    AAA,
}

impl Rating {
    pub const ALL: [Rating; 10] = [
        Rating::D,
        Rating::C,
        Rating::CC,
        Rating::CCC,
        Rating::B,
        Rating::BB,
        Rating::BBB,
        Rating::A,
        Rating::AA,
        Rating::AAA,
    ];
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A rating and the day it was given on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rated {
    pub rating: Rating,
    pub day: Day,
}

/// How ratings are cut. Frozen with the parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuts {
    /// Least bound of C, CC, ... AAA, rising; below the first lies D.
    pub least: [Decimal; 9],
    /// By how much the bound must be beyond a cut before a rating moves.
    pub margin: Decimal,
    /// With less evidence than this nobody is above BBB.
    pub thin: Decimal,
    /// Least bounds of tiers A, B and C.
    pub tiers: [Decimal; 3],
}

/// What a seller promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    A,
    B,
    C,
}

impl Tier {
    pub const ALL: [Tier; 3] = [Tier::A, Tier::B, Tier::C];
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Cuts {
    /// The rating of `score` on `day`, after `before`. The first rating is given at once; from then on it
    /// moves by one step at most in a day, and a second call on the same day changes nothing.
    pub fn rate(&self, before: Option<Rated>, score: &Score, day: Day) -> Rated {
        let cap = if score.evidence < self.thin { Rating::BBB } else { Rating::AAA };
        let Some(before) = before else {
            return Rated { rating: self.by_cuts(score.bound).min(cap), day };
        };
        if day <= before.day {
            return before;
        }
        let up = self.by_cuts(score.bound - self.margin).min(cap);
        let down = self.by_cuts(score.bound + self.margin).min(cap);
        let at = before.rating as usize;
        let rating = if up > before.rating {
            Rating::ALL[at + 1]
        } else if down < before.rating {
            Rating::ALL[at - 1]
        } else {
            before.rating
        };
        Rated { rating, day }
    }

    fn by_cuts(&self, bound: Decimal) -> Rating {
        Rating::ALL[self.least.partition_point(|least| *least <= bound)]
    }

    /// The tiers that a provider of this score may sell: the best one and all below it.
    pub fn tiers(&self, score: &Score) -> Vec<Tier> {
        Tier::ALL.into_iter().filter(|tier| score.bound >= self.tiers[*tier as usize]).collect()
    }

    /// Least bound of a tier.
    pub fn threshold(&self, tier: Tier) -> Decimal {
        self.tiers[tier as usize]
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |why: &str| Err(Error::parameter("rating", why));
        if !self.least.windows(2).all(|two| two[0] < two[1]) {
            return wrong("cuts do not rise");
        }
        if !self.tiers.windows(2).all(|two| two[0] > two[1]) {
            return wrong("thresholds of tiers do not fall from A to C");
        }
        let all = self.least.iter().chain(&self.tiers);
        if all.clone().any(|cut| *cut < Decimal::ZERO || *cut > dec!(100)) {
            return wrong("a cut is not within 0 ..= 100");
        }
        if self.margin < Decimal::ZERO || self.margin > dec!(10) {
            return wrong("the margin is not within 0 ..= 10");
        }
        Ok(())
    }
}
