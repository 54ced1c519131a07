//! Protection of the market: bands and the calls they begin, halts, the kill switch.

use crate::instruments::{Instrument, Phase};
use crate::machine::{Exchange, Turn};
use hourbook_model::*;

/// reference x (1 -/+ ppm), rounded inwards to the tick, and at least one tick.
fn around(reference: Price, ppm: u32, tick: Price) -> (Price, Price) {
    let (reference, ppm, tick) = (i128::from(reference.0), i128::from(ppm), i128::from(tick.0));
    let ceiling = |amount: i128| (amount + tick - 1).div_euclid(tick) * tick;
    let floor = |amount: i128| amount.div_euclid(tick) * tick;
    let lowest = ceiling((reference * (1_000_000 - ppm).max(0) + 999_999).div_euclid(1_000_000)).max(tick);
    let highest =
        floor((reference * (1_000_000 + ppm)).div_euclid(1_000_000)).min(floor(i128::from(i64::MAX)));
    (Price(lowest as i64), Price(highest.max(lowest) as i64))
}

/// Whether a price, a whole number of ticks above zero, lies within that band.
fn is_around(price: Price, reference: Price, ppm: u32, tick: Price) -> bool {
    let (scaled, centre, width) = (i128::from(price.0) * 1_000_000, i128::from(reference.0), i128::from(ppm));
    let within = centre * (1_000_000 - width) <= scaled && scaled <= centre * (1_000_000 + width);
    // A band between two ticks is one of them: then divisions say which.
    within || {
        let (lowest, highest) = around(reference, ppm, tick);
        lowest <= price && price <= highest
    }
}

impl Exchange {
    /// Whether an order may have this price.
    #[inline]
    pub(crate) fn is_in_band(&self, instrument: &Instrument, price: Price) -> bool {
        let band = self.instruments.known(instrument.product).terms.band;
        let (Some(band), Some(reference)) = (band, self.instruments.reference(instrument)) else {
            return true;
        };
        is_around(price, reference, band.order_ppm, instrument.tick)
    }

    /// The prices an order may have; `None` without a band or a reference.
    pub(crate) fn order_band(&self, instrument: &Instrument) -> Option<(Price, Price)> {
        let band = self.instruments.known(instrument.product).terms.band?;
        let reference = self.instruments.reference(instrument)?;
        Some(around(reference, band.order_ppm, instrument.tick))
    }

    /// The worst price a taker may trade at before a call begins.
    pub(crate) fn trade_bound(&self, instrument: &Instrument, side: Side) -> Option<Price> {
        if instrument.phase != Phase::Continuous {
            return None;
        }
        let band = self.instruments.known(instrument.product).terms.band?;
        let reference = self.instruments.reference(instrument)?;
        let (lowest, highest) = around(reference, band.trade_ppm, instrument.tick);
        Some(if side == Side::Buy { highest } else { lowest })
    }

    /// A taker would have left the band: everyone gets time to think.
    pub(crate) fn begin_volatility_call(&mut self, turn: &mut Turn, slot: usize) {
        let instrument = self.instruments.at(slot);
        let Some(band) = self.instruments.known(instrument.product).terms.band else { return };
        if instrument.phase == Phase::Continuous {
            self.begin_call(turn, slot, Some(turn.at.time.plus_nanos(band.call)));
        }
    }

    pub(crate) fn halt(&mut self, turn: &mut Turn, scope: Scope) -> Answer {
        if let Err(reason) = self.set_halted(scope, true) {
            return self.refuse(turn, reason);
        }
        turn.push(Event::Halted { scope });
        if let Scope::Instrument(instrument) = scope {
            self.announce(turn, instrument.slot());
        }
        self.answer()
    }

    /// Trading goes on where nothing else halts it. Nothing has traded since the halt, no call has ended and no
    /// stop has come in, so that no stop is due that was not then.
    pub(crate) fn resume(&mut self, turn: &mut Turn, scope: Scope) -> Answer {
        if let Err(reason) = self.set_halted(scope, false) {
            return self.refuse(turn, reason);
        }
        turn.push(Event::Resumed { scope });
        if let Scope::Instrument(instrument) = scope {
            self.announce(turn, instrument.slot());
        }
        self.answer()
    }

    fn set_halted(&mut self, scope: Scope, halted: bool) -> Result<(), RejectReason> {
        match scope {
            Scope::Market => self.instruments.halted = halted,
            Scope::Product(product) => {
                self.instruments.product(product).ok_or(RejectReason::UnknownProduct)?;
                self.instruments.known_mut(product).halted = halted;
            }
            Scope::Instrument(id) => {
                let instrument = self.instruments.get_mut(id).ok_or(RejectReason::UnknownInstrument)?;
                if !instrument.is_tradable() {
                    return Err(RejectReason::GateClosed);
                }
                instrument.halted = halted;
            }
        }
        Ok(())
    }

    /// Cancels everything of the account and refuses what comes, until the operator lifts it.
    pub(crate) fn kill(&mut self, turn: &mut Turn, account: AccountId) -> Answer {
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        self.accounts.known_mut(account).killed = true;
        turn.push(Event::Killed { account });
        let count = self.cancel_all(turn, account, CancelReason::Kill, |_| true);
        Answer { number: count, ..self.answer() }
    }

    pub(crate) fn unkill(&mut self, turn: &mut Turn, account: AccountId) -> Answer {
        if self.accounts.get(account).is_none() {
            return self.refuse(turn, RejectReason::UnknownAccount);
        }
        self.accounts.known_mut(account).killed = false;
        turn.push(Event::Unkilled { account });
        self.answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_round_inwards_and_never_reach_zero() {
        assert_eq!(around(Price(1_000_000), 500_000, Price(100)), (Price(500_000), Price(1_500_000)));
        assert_eq!(around(Price(1_000_100), 200_000, Price(100)), (Price(800_100), Price(1_200_100)));
        assert_eq!(around(Price(100), 500_000, Price(100)), (Price(100), Price(100)));
        assert_eq!(around(Price(100), 1_000_000, Price(100)), (Price(100), Price(200)));
        assert!(around(Price(i64::MAX), 500_000, Price(100)).1.0 > 0);
    }

    #[test]
    fn a_price_is_in_its_band_whichever_way_it_is_asked() {
        for reference in [1, 99, 100, 150, 1_000_100, 2_000_000] {
            for ppm in [1, 1_000, 200_000, 500_000, 999_999, 1_000_000, 3_000_000] {
                let (tick, reference) = (Price(100), Price(reference));
                let (lowest, highest) = around(reference, ppm, tick);
                for price in (-3..=3).flat_map(|ticks| [lowest.0 + 100 * ticks, highest.0 + 100 * ticks]) {
                    let price = Price(price);
                    if price.0 > 0 {
                        let within = lowest <= price && price <= highest;
                        assert_eq!(
                            is_around(price, reference, ppm, tick),
                            within,
                            "{price} {reference} {ppm}"
                        );
                    }
                }
            }
        }
    }
}
