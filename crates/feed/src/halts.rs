//! What is halted as a whole, as published events tell it.

use hourbook_exchange::Exchange;
use hourbook_model::{ProductId, Scope, Status};
use std::collections::BTreeSet;

/// Products that are halted, and whether the market is. A single instrument's halt is told as its change of status.
#[derive(Debug, Default)]
pub struct Halts {
    market: bool,
    products: BTreeSet<ProductId>,
}

impl Halts {
    /// Follows on from the exchange as it stands.
    pub fn of(exchange: &Exchange) -> Halts {
        let halted = exchange.products().filter(|(_, product)| product.halted);
        Halts { market: exchange.is_market_halted(), products: halted.map(|(id, _)| id).collect() }
    }

    /// A scope is halted, or no more; whether that reaches instruments which no event names.
    pub fn set(&mut self, scope: Scope, halted: bool) -> bool {
        match scope {
            Scope::Instrument(_) => return false,
            Scope::Market => self.market = halted,
            Scope::Product(product) if halted => _ = self.products.insert(product),
            Scope::Product(product) => _ = self.products.remove(&product),
        }
        true
    }

    /// How an instrument of a product begins that is listed now.
    pub fn status_of_new(&self, product: ProductId) -> Status {
        let halted = self.market || self.products.contains(&product);
        if halted { Status::Halted } else { Status::Continuous }
    }
}
