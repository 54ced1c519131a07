//! Cover: what an order has to hold before it meets the book, cash for a buy, hours for a sell.

use crate::machine::{Exchange, OrderRecord};
use hourbook_model::*;

/// The parts of an order that price and cover depend on.
pub(crate) struct Wish {
    pub side: Side,
    pub order_type: OrderType,
    pub price: Price,
    pub trigger: Price,
    pub quantity: Quantity,
    pub budget: Option<Money>,
}

impl Exchange {
    /// Band, caps, and the cash a buy would have to hold.
    pub(crate) fn price_and_cover(
        &self,
        account: AccountId,
        id: InstrumentId,
        wish: &Wish,
    ) -> Result<Money, RejectReason> {
        use RejectReason::*;
        let instrument = self.instruments.at(id.slot());
        let product = &self.instruments.known(instrument.product).terms;
        let unlimited = self.accounts.known(account).unlimited;
        // A limit says itself how far it may go.
        let limited = matches!(wish.order_type, OrderType::Limit | OrderType::StopLimit);
        let band = if limited { None } else { self.order_band(instrument) };

        let worst = match wish.order_type {
            OrderType::Limit | OrderType::StopLimit => Some(wish.price),
            // Without a band nothing says how far it may go, and so not what it must hold.
            OrderType::Market | OrderType::Stop if band.is_none() && wish.budget.is_none() && !unlimited => {
                return Err(NoReference);
            }
            OrderType::Market => band.map(|(lowest, highest)| match wish.side {
                Side::Buy => highest,
                Side::Sell => lowest,
            }),
            OrderType::Stop => band.map(|(_, highest)| highest.max(wish.trigger)),
        };
        if limited && !self.is_in_band(instrument, wish.price) {
            return Err(PriceOutOfBand);
        }
        let hours = instrument.period.hours;
        let at_worst = worst.map(|worst| Money::of(worst, wish.quantity, hours).unwrap_or(Money::MAX));
        let amount = match (at_worst, wish.budget) {
            // A buy never spends more than its budget, whatever its lots could cost.
            (Some(amount), Some(budget)) if wish.side == Side::Buy => amount.min(budget),
            (Some(amount), _) => amount,
            (None, budget) => budget.unwrap_or_default(),
        };
        if amount > product.max_notional {
            return Err(NotionalAboveCap);
        }
        // What an unlimited account may spend without a limit is bounded when it comes into the book.
        let spends_credit = unlimited && matches!(wish.order_type, OrderType::Market | OrderType::Stop);
        Ok(match wish.side {
            Side::Buy if !spends_credit => amount + amount.share_ppm(instrument.hold_fee_ppm()),
            _ => Money::ZERO,
        })
    }

    /// Holds cash for a buy or hours for a sell.
    pub(crate) fn take_cover(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        hold: Money,
        lots: Quantity,
    ) -> Result<(), RejectReason> {
        let instrument = self.instruments.at(id.slot());
        let known = self.accounts.known(account);
        match side {
            Side::Buy => {
                let purse = match self.accounts.purse(account, instrument.currency) {
                    Some(purse) => purse,
                    None if known.unlimited => self.purse(account, instrument.currency),
                    None => return Err(RejectReason::InsufficientFunds),
                };
                self.ledger.hold(purse.cash, hold).map_err(|_| RejectReason::InsufficientFunds)
            }
            Side::Sell => {
                let (product, range) = (instrument.product, instrument.period.start..instrument.period.end());
                if known.unlimited {
                    self.hours.take_uncovered(account, product, range, lots);
                    return Ok(());
                }
                self.hours.take(account, product, range, lots).map_err(|_| RejectReason::InsufficientHours)
            }
        }
    }

    /// Gives back what [`Exchange::take_cover`] took and no fill used.
    pub(crate) fn give_cover(
        &mut self,
        account: AccountId,
        id: InstrumentId,
        side: Side,
        hold: Money,
        lots: Quantity,
    ) {
        let instrument = self.instruments.at(id.slot());
        match side {
            Side::Buy if hold == Money::ZERO => {}
            Side::Buy => {
                let purse = self.accounts.purse(account, instrument.currency).expect("a hold has a purse");
                self.ledger.release(purse.cash, hold);
            }
            Side::Sell if lots == Quantity::ZERO => {}
            Side::Sell => {
                let range = instrument.period.start..instrument.period.end();
                self.hours.give(account, instrument.product, range, lots);
            }
        }
    }

    /// Holds more, or gives back what is no longer needed.
    pub(crate) fn change_cover(
        &mut self,
        record: &OrderRecord,
        hold: Money,
        leaves: Quantity,
    ) -> Result<(), RejectReason> {
        let OrderRecord { account, instrument, side, .. } = *record;
        let more = (hold - record.hold, leaves - record.leaves());
        match side {
            Side::Buy if more.0 > Money::ZERO => {
                self.take_cover(account, instrument, side, more.0, Quantity::ZERO)
            }
            Side::Buy => {
                self.give_cover(account, instrument, side, -more.0, Quantity::ZERO);
                Ok(())
            }
            Side::Sell if more.1 > Quantity::ZERO => {
                self.take_cover(account, instrument, side, Money::ZERO, more.1)
            }
            Side::Sell => {
                self.give_cover(account, instrument, side, Money::ZERO, -more.1);
                Ok(())
            }
        }
    }
}
