//! Fills, held against each other: each trade is reported to its buyer and to its seller, with the same price and lots.

use crate::Error;
use hashbrown::HashMap;
use hourbook_api::v1;

/// Trades of which one side was heard, and how many were heard whole.
#[derive(Default)]
pub(crate) struct Trades {
    halves: HashMap<u64, Half>,
    whole: u64,
}

#[derive(Clone, Copy)]
struct Half {
    side: i32,
    price: i64,
    quantity: i64,
}

impl Trades {
    /// Takes note of a report of a fill.
    ///
    /// # Errors
    /// [`Error::Fill`] when it does not add up.
    pub fn heard(&mut self, report: &v1::ExecutionReport) -> Result<(), Error> {
        let wrong = |trade, why: &str| Err(Error::Fill { trade, why: why.into() });
        let Some(fill) = &report.fill else { return wrong(0, "a report of a fill has none") };
        let trade = fill.trade_id;
        if report.cumulative_quantity + report.leaves_quantity != report.quantity {
            return wrong(trade, "filled and open lots are not the order's");
        }
        if fill.quantity < 1 || fill.quantity > report.cumulative_quantity {
            return wrong(trade, "its lots are not among those filled so far");
        }
        let half = Half { side: report.side, price: fill.price_micros, quantity: fill.quantity };
        match self.halves.remove(&trade) {
            None => {
                self.halves.insert(trade, half);
            }
            Some(other) if other.side == half.side => return wrong(trade, "one side has it twice"),
            Some(other) if (other.price, other.quantity) != (half.price, half.quantity) => {
                return wrong(trade, "buyer and seller were told another price or other lots");
            }
            Some(_) => self.whole += 1,
        }
        Ok(())
    }

    /// Trades that both sides heard of, and those of which only one did.
    pub fn counts(&self) -> (u64, u64) {
        (self.whole, self.halves.len() as u64)
    }
}
