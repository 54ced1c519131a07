//! What is asked for, by the name of its mix.
//!
//! - `orders`: exchange-core's mix over one book or many; `sweeps`: orders that take many levels; `quotes`: mass quotes
//!
//! Whoever draws is told of the reports, and so knows its orders as far as the exchange has told it.

mod orders;
mod quotes;
mod sweeps;

pub(crate) use orders::Orders;
pub(crate) use quotes::Quotes;
pub(crate) use sweeps::Sweeps;

use crate::Desk;
use hourbook_api::v1::{self, trade_entry::Request};
use std::fmt;
use std::str::FromStr;

/// A mix of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// exchange-core's over one book of about 1,000 live orders: 9 % new orders that rest, 3 % IOC that trade, 6 %
    /// cancels, 82 % amendments of the price.
    ExchangeCore,
    /// The same over 10,000 instruments of about 10 live orders, a random one each time.
    Thin,
    /// The same over one book of about 1,000,000 live orders.
    Deep,
    /// Mass quotes: each replaces both sides of ten of 1,000 instruments.
    QuoteStorm,
    /// Nine new orders that rest, then one IOC that takes about as many, over one book of about 1,000 live orders.
    Sweep,
}

impl Mix {
    pub const ALL: [Mix; 5] = [Mix::ExchangeCore, Mix::Thin, Mix::Deep, Mix::QuoteStorm, Mix::Sweep];

    pub fn name(self) -> &'static str {
        match self {
            Mix::ExchangeCore => "exchange-core",
            Mix::Thin => "thin",
            Mix::Deep => "deep",
            Mix::QuoteStorm => "quote-storm",
            Mix::Sweep => "sweep",
        }
    }

    /// Instruments that it is spread over.
    pub fn books(self) -> usize {
        match self {
            Mix::Thin => 10_000,
            Mix::QuoteStorm => 1_000,
            Mix::ExchangeCore | Mix::Deep | Mix::Sweep => 1,
        }
    }

    /// Live orders in all of them together, about.
    pub fn resting(self) -> usize {
        match self {
            Mix::ExchangeCore | Mix::Sweep => 1_000,
            Mix::Thin => 100_000,
            Mix::Deep => 1_000_000,
            Mix::QuoteStorm => 2 * self.books(),
        }
    }

    /// Whether its accounts need a maker's key.
    pub fn quotes(self) -> bool {
        self == Mix::QuoteStorm
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(name: &str) -> Result<Mix, String> {
        let known = Mix::ALL.into_iter().find(|mix| mix.name() == name);
        known.ok_or_else(|| format!("is none of {}", Mix::ALL.map(Mix::name).join(", ")))
    }
}

/// One customer's requests.
pub(crate) enum Requests {
    Orders(Orders),
    Quotes(Quotes),
    Sweeps(Sweeps),
}

impl Requests {
    pub fn new(mix: Mix, desk: &Desk, resting: usize, seed: u64) -> Requests {
        match mix {
            Mix::ExchangeCore | Mix::Thin | Mix::Deep => Requests::Orders(Orders::new(desk, resting, seed)),
            Mix::QuoteStorm => Requests::Quotes(Quotes::new(desk, seed)),
            Mix::Sweep => Requests::Sweeps(Sweeps::new(desk, resting, seed)),
        }
    }

    /// Whether enough was asked for that, once answered, as many orders rest as are to.
    pub fn is_filled(&self) -> bool {
        match self {
            Requests::Orders(orders) => orders.is_filled(),
            Requests::Quotes(quotes) => quotes.is_filled(),
            Requests::Sweeps(sweeps) => sweeps.is_filled(),
        }
    }

    /// A request that fills the books.
    pub fn fill(&mut self) -> Request {
        match self {
            Requests::Orders(orders) => orders.place(),
            Requests::Quotes(quotes) => quotes.draw(),
            Requests::Sweeps(sweeps) => sweeps.place(),
        }
    }

    /// The next request of the mix.
    pub fn draw(&mut self) -> Request {
        match self {
            Requests::Orders(orders) => orders.draw(),
            Requests::Quotes(quotes) => quotes.draw(),
            Requests::Sweeps(sweeps) => sweeps.draw(),
        }
    }

    /// Reports that answer each request: one, and of quotes one for each side.
    pub fn answers(&self) -> u32 {
        match self {
            Requests::Orders(_) | Requests::Sweeps(_) => 1,
            Requests::Quotes(quotes) => quotes.answers(),
        }
    }

    /// Takes note of a report.
    pub fn heard(&mut self, report: &v1::ExecutionReport) {
        match self {
            Requests::Orders(orders) => orders.heard(report),
            Requests::Quotes(_) => {}
            Requests::Sweeps(sweeps) => sweeps.heard(report),
        }
    }

    /// A request came to nothing: the exchange does not know the order any more, or had no room.
    pub fn missed(&mut self, request: &Request) {
        if let Requests::Orders(orders) = self {
            orders.missed(request);
        }
    }
}

/// Most lots in an order.
const MOST_LOTS: u64 = 10;

/// A limit order.
fn limit(
    instrument_id: u32,
    side: v1::Side,
    price_micros: i64,
    quantity: i64,
    time: v1::TimeInForce,
) -> Request {
    Request::Place(v1::NewOrder {
        instrument_id,
        side: side as i32,
        order_type: v1::OrderType::Limit as i32,
        time_in_force: time as i32,
        price_micros,
        quantity,
        ..v1::NewOrder::default()
    })
}
