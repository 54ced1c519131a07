//! Avellaneda and Stoikov about a price of service quality: what `hourbook_pricing` quotes.

use super::Strategy;
use crate::view::{Level, Quotes, View};
use hourbook_pricing::{Params, QuoteRequest, Quoting, Withheld};
use rust_decimal::{Decimal, RoundingStrategy, dec};
use std::sync::Arc;

/// Quotes as docs/pricing.md, "Quote" says: the middle moves away from what is held, and the distance between the sides
/// pays for time to delivery, volatility, doubt about the fair price, and the fee.
///
/// The volatility of the feed counts between the class's own and twice as much: where only makers quote nothing moves, and
/// that is no sign of safety; and where books move because makers move, they would widen without end.
#[derive(Clone, Debug)]
pub struct QualityPriced {
    params: Arc<Params>,
    risk: Option<Decimal>,
}

impl QualityPriced {
    pub fn new(params: Arc<Params>) -> QualityPriced {
        QualityPriced { params, risk: None }
    }

    /// With an aversion to risk of its own, 0 ..= 100, in place of the parameters'.
    pub fn with_risk(self, risk: Decimal) -> QualityPriced {
        QualityPriced { risk: Some(risk.clamp(Decimal::ZERO, dec!(100))), ..self }
    }

    fn request(view: &View, quoting: &Quoting) -> QuoteRequest {
        let (sellable, room) = (view.sellable.max(0), view.room.max(0));
        QuoteRequest {
            fair: micros(view.fair.price_micros),
            uncertainty: view.fair.uncertainty(),
            volatility: view.volatility.map(|seen| {
                let most = (quoting.volatility * Decimal::TWO).min(Decimal::ONE);
                seen.clamp(quoting.volatility.min(most), most)
            }),
            fee: Decimal::new(view.instrument.maker_fee_ppm.into(), 6),
            hours_to_delivery: view.hours_to_delivery().min(dec!(100000)),
            inventory: sellable as u64,
            capacity: (sellable + room).clamp(1, 1_000_000_000) as u64,
            size: view.size.clamp(1, 1_000_000_000) as u64,
            tick: micros(view.instrument.tick_micros),
        }
    }
}

impl Strategy for QualityPriced {
    fn name(&self) -> &'static str {
        "quality"
    }

    fn quote(&mut self, view: &View) -> Quotes {
        if view.sellable <= 0 && view.room <= 0 {
            return Quotes::none("nothing is held, and there is no room to hold any");
        }
        let class = match self.params.class(view.instrument.class()) {
            Ok(class) => class,
            Err(unknown) => return Quotes::none(unknown.to_string()),
        };
        let mut quoting = self.params.kind(class.kind()).quoting.clone();
        quoting.risk = self.risk.unwrap_or(quoting.risk);
        let quoted = match quoting.quote(&Self::request(view, &quoting)) {
            Ok(quoted) => quoted,
            Err(error) => return Quotes::none(error.to_string()),
        };
        let side = |side: Result<hourbook_pricing::Level, Withheld>| match side {
            Ok(level) => match in_micros(level.price) {
                Some(price_micros) => Ok(Level { price_micros, lots: level.units as i64 }),
                None => Err("the price is more than 63 bits hold".into()),
            },
            Err(withheld) => Err(withheld.reason().into()),
        };
        Quotes { bid: side(quoted.bid), ask: side(quoted.ask) }
    }
}

fn micros(micros: i64) -> Decimal {
    Decimal::new(micros, 6)
}

fn in_micros(price: Decimal) -> Option<i64> {
    let micros = price.checked_mul(dec!(1000000))?;
    i64::try_from(micros.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven)).ok()
}
