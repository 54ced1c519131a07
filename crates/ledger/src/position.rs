//! A position: what one account has bought or sold of one instrument and not yet closed.
//!
//! Opening adds to the cost. Closing takes the average share of the cost out, rounded toward zero,
//! so that the last lot takes what is left and nothing remains; the difference is realised, and
//! posted at the gate. A seller's fee is due when the seller is paid; what is closed before that
//! pays its fee out of the realised result.
//!
//! What an account must have in escrow for a position is the cost of what it bought plus what it has
//! lost. With fees not above amounts no trade ever needs more than the buyer pays for it:
//! the share of the fee is never above the share of the proceeds, because both round alike.
//! Over all holders of an instrument, cost - realised sums to the fees in realised results; so at
//! the gate, escrow less gains less those fees is exactly what the sellers are owed.
//!
//! Always true: long, the cost is not negative and no fee is due; short, the cost is not positive
//! and the fee due is at most what is to be received; flat, all but the realised result is zero.

use hourbook_model::{Money, Quantity};
use serde::{Deserialize, Serialize};

/// Open units of one account in one instrument, and their money. In micros, all hours together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Lots: above zero bought, below zero sold.
    pub units: i64,
    /// Paid for the open units; below zero, to be received for them.
    pub cost: Money,
    /// Gained, or below zero lost, by what is closed; less the sellers' fees on it.
    pub realised: Money,
    /// The fee to be taken when the open units, sold, are paid for.
    pub fee_due: Money,
}

/// What a trade did to a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Change of [`Position::escrow_needed`]. A buyer pays its amount and gets back the amount less
    /// this; a seller pays nothing and gets back minus this. Neither is ever negative.
    pub escrow: Money,
    /// Sellers' fees that went into the realised result; the house receives them at the gate.
    pub fee: Money,
}

impl Position {
    /// Buys `lots` for `amount` micros in all.
    #[inline]
    pub fn buy(&mut self, lots: Quantity, amount: Money) -> Effect {
        assert!(lots > Quantity::ZERO && amount >= Money::ZERO, "a trade has lots and an amount");
        let before = self.escrow_needed();
        let mut effect = Effect::default();
        let mut opening = (lots.0, amount.0);

        let short = self.units.min(0).unsigned_abs() as i64;
        let closing = short.min(lots.0);
        if closing > 0 {
            let paid = share(amount.0, closing, lots.0);
            let proceeds = share(-self.cost.0, closing, short);
            let fee = share(self.fee_due.0, closing, short);
            self.realise(proceeds, paid, fee);
            self.cost.0 += proceeds;
            self.fee_due.0 -= fee;
            self.units += closing;
            effect.fee.0 = fee;
            opening = (lots.0 - closing, amount.0 - paid);
        }
        self.units = add(self.units, opening.0);
        self.cost.0 = add(self.cost.0, opening.1);

        self.assert_sound();
        effect.escrow = self.escrow_needed() - before;
        assert!(effect.escrow <= amount, "a buyer never needs more than it pays");
        effect
    }

    /// Sells `lots` for `amount` micros in all, of which `fee`, not above it, goes to the house.
    #[inline]
    pub fn sell(&mut self, lots: Quantity, amount: Money, fee: Money) -> Effect {
        assert!(lots > Quantity::ZERO && amount >= Money::ZERO, "a trade has lots and an amount");
        assert!((Money::ZERO..=amount).contains(&fee), "a fee is at most the amount");
        let before = self.escrow_needed();
        let mut effect = Effect::default();
        let mut opening = (lots.0, amount.0, fee.0);

        let long = self.units.max(0);
        let closing = long.min(lots.0);
        if closing > 0 {
            let received = share(amount.0, closing, lots.0);
            let fee_paid = share(fee.0, closing, lots.0);
            let cost = share(self.cost.0, closing, long);
            self.realise(received, cost, fee_paid);
            self.cost.0 -= cost;
            self.units -= closing;
            effect.fee.0 = fee_paid;
            opening = (lots.0 - closing, amount.0 - received, fee.0 - fee_paid);
        }
        self.units = add(self.units, -opening.0);
        self.cost.0 = add(self.cost.0, -opening.1);
        self.fee_due.0 = add(self.fee_due.0, opening.2);

        self.assert_sound();
        effect.escrow = self.escrow_needed() - before;
        assert!(effect.escrow <= Money::ZERO, "a seller never pays");
        effect
    }

    /// Takes in a part of a longer period's position, which counts as a trade at the part's own cost.
    /// The escrow the part has needed is what a buyer pays: it gets back [`Position::escrow_needed`] of
    /// the part less `escrow` of the effect.
    pub fn absorb(&mut self, part: Position) -> Effect {
        assert_eq!(part.realised, Money::ZERO, "results are posted before a position is split");
        match part.units {
            0 => Effect::default(),
            1.. => self.buy(Quantity(part.units), part.cost),
            _ => self.sell(Quantity(-part.units), -part.cost, part.fee_due),
        }
    }

    /// Takes the realised result out, leaving the open units.
    pub fn take_realised(&mut self) -> Money {
        std::mem::take(&mut self.realised)
    }

    /// What must lie in escrow: the cost of what was bought, and what was lost.
    #[inline]
    pub fn escrow_needed(&self) -> Money {
        Money(add(self.cost.0.max(0), (-self.realised.0).max(0)))
    }

    /// Whether nothing is open and nothing is to be posted.
    pub fn is_empty(&self) -> bool {
        *self == Position::default()
    }

    /// Splits the open units of a longer period over its parts: the same units in each, cost and fee
    /// by the parts' `hours`, so that the parts sum exactly. Realised results must have been posted.
    ///
    /// What the seller gets and the fee are split apart, so that in each part the fee stays at most
    /// what is to be received.
    pub fn split<'a>(&self, hours: &'a [u32]) -> impl Iterator<Item = Position> + use<'a> {
        assert_eq!(self.realised, Money::ZERO, "results are posted before a position is split");
        let whole = *self;
        let sign = whole.units.signum();
        let net = whole.cost.0.abs() - whole.fee_due.0;
        let all: i64 = hours.iter().map(|&hours| i64::from(hours)).sum();
        assert!(all > 0, "parts have hours");

        let mut until = 0;
        hours.iter().map(move |&hours| {
            let from = until;
            until += i64::from(hours);
            let part = |money: i64| share(money, until, all) - share(money, from, all);
            let fee = part(whole.fee_due.0);
            Position {
                units: whole.units,
                cost: Money(sign * (part(net) + fee)),
                realised: Money::ZERO,
                fee_due: Money(fee),
            }
        })
    }

    /// Whether the promises of this file hold.
    pub fn is_sound(&self) -> bool {
        match self.units {
            0 => self.cost == Money::ZERO && self.fee_due == Money::ZERO,
            1.. => self.cost >= Money::ZERO && self.fee_due == Money::ZERO,
            _ => self.fee_due >= Money::ZERO && self.fee_due <= -self.cost,
        }
    }

    #[inline]
    fn realise(&mut self, received: i64, paid: i64, fee: i64) {
        self.realised.0 = add(self.realised.0, received - paid - fee);
    }

    #[inline]
    fn assert_sound(&self) {
        assert!(self.is_sound(), "an unsound position: {self:?}");
    }
}

/// money x part / whole, rounded toward zero; money is not negative and part at most whole.
///
/// It grows with money, and so does what it leaves: a fee that is at most an amount has a share at
/// most the amount's, and a rest at most the amount's.
#[inline]
fn share(money: i64, part: i64, whole: i64) -> i64 {
    debug_assert!(money >= 0 && 0 <= part && part <= whole && whole > 0);
    if part == whole {
        return money;
    }
    match money.checked_mul(part) {
        Some(product) => product / whole,
        None => (i128::from(money) * i128::from(part) / i128::from(whole)) as i64,
    }
}

#[inline]
fn add(a: i64, b: i64) -> i64 {
    a.checked_add(b).expect("units and money within their caps")
}
