//! A maker of the demo: what `hourbook maker` decides with, played in turns and through a session of its own.
//!
//! The quoter has no clock and hears everything in the order of the turns, so that it decides the same each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hourbook_api::v1::{self, trade_entry::Request};
use hourbook_maker::{
    Action, Fair, FixedSpread, Instrument, Limits, Moment, QualityPriced, Quoter, Quotes, Settings, Strategy,
    View,
};
use hourbook_model::{Product, Time};
use hourbook_pricing::Params;
use rust_decimal::Decimal;

use super::stage::{self, Listed, Seat};
use super::trader::Trader;

/// Lots of a vCPU's hour on either side; of others fewer.
const SIZE: i64 = 40;
/// How far the price of an hour rises once all of it is sold: millionths.
const MOST_LEAN: i128 = 300_000;
const MILLION: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);

pub struct Maker {
    pub name: &'static str,
    pub seat: Seat,
    trader: Trader,
    quoter: Quoter,
    params: Arc<Params>,
    /// What it deals in, by name.
    products: BTreeMap<String, Product>,
    listed: BTreeSet<u32>,
}

/// Asks more for hours that sell, and shows fewer lots of what is dear.
///
/// Everybody's fair price is the same for every hour of the day; demand is not.
struct Leaning<S>(S);

impl<S: Strategy> Strategy for Leaning<S> {
    fn name(&self) -> &'static str {
        "leaning"
    }

    fn quote(&mut self, view: &View) -> Quotes {
        let sold = -i128::from(view.position);
        let all = (sold.max(0) + i128::from(view.sellable)).max(1);
        let lean = (MOST_LEAN * sold / all).clamp(-MOST_LEAN, MOST_LEAN);
        let leaned = |micros: i64| (i128::from(micros) * (1_000_000 + lean) / 1_000_000) as i64;
        let Fair { price_micros, low_micros, high_micros, score_ppm } = view.fair;
        let fair = Fair {
            price_micros: leaned(price_micros),
            low_micros: leaned(low_micros),
            high_micros: leaned(high_micros),
            score_ppm,
        };
        let dear = if view.instrument.tick_micros >= stage::GPU_TICK { 8 } else { 1 };
        let long = match view.instrument.hours {
            1 => 1,
            24 => 2,
            _ => 4,
        };
        let size = (view.size / dear / long).max(1);
        // The middle of a book that few quote moves with their own quotes: what that seems to say of risk is no news.
        self.0.quote(&View { fair, size, volatility: None, ..*view })
    }
}

impl Maker {
    /// `careless` quotes a fixed spread, whatever its fair price is sure of.
    pub fn new(
        name: &'static str,
        seat: Seat,
        trader: Trader,
        params: &Arc<Params>,
        careless: bool,
    ) -> Maker {
        let strategy: Box<dyn Strategy> = match careless {
            true => Box::new(Leaning(FixedSpread { half_ppm: 25_000, skew_ppm: 10_000 })),
            false => Box::new(Leaning(QualityPriced::new(Arc::clone(params)))),
        };
        let none = i64::MAX / 4;
        let settings = Settings {
            size: SIZE,
            before_gate: Duration::ZERO,
            limits: Limits {
                position: 100_000,
                product_lot_hours: none,
                total_lot_hours: none,
                exposure_micros: none,
                loss_micros: none,
                quotes_per_second: 10_000_000,
                refusals_per_minute: 1_000_000,
            },
            ..Settings::default()
        };
        let quoter = Quoter::new(settings, strategy, trader.session_id);
        let (params, products, listed) = (Arc::clone(params), BTreeMap::new(), BTreeSet::new());
        Maker { name, seat, trader, quoter, params, products, listed }
    }

    /// Takes a product up, of which it may sell so many units in so many hours from `first`.
    pub fn take_up(&mut self, product: Product, first: Time, hours: u32, units: i64) {
        let range = v1::CapacityRange {
            start_time: Some(hourbook_api::convert::timestamp(first)),
            hours,
            declared_quantity: units,
            available_quantity: units,
        };
        let name = product.symbol.to_string();
        self.quoter.declared(&name, &[range], true);
        self.products.insert(name, product);
    }

    pub fn trader(&mut self) -> &mut Trader {
        &mut self.trader
    }

    pub fn into_trader(self) -> Trader {
        self.trader
    }

    /// How its service in a class is rated, and so what its products are worth.
    ///
    /// What the lists say is what it goes by, not the last trades: where most who come buy, makers that followed their own
    /// trades would chase each other up.
    pub fn rated(&mut self, class: &str, rating: &v1::Rating) -> anyhow::Result<()> {
        self.quoter.rating(class, rating.grade());
        for product in self.products.values().filter(|product| product.symbol.class == class) {
            let score = Decimal::new(rating.score_ppm.into(), 4);
            let fair = self.params.fair_price(&stage::conditions(product, score));
            let fair = fair.with_context(|| product.symbol.to_string())?;
            let micros = |price: Decimal| i64::try_from((price * MILLION).round()).unwrap_or(0);
            let fair = Fair {
                price_micros: micros(fair.price),
                low_micros: micros(fair.low),
                high_micros: micros(fair.high),
                score_ppm: rating.score_ppm,
            };
            self.quoter.price(&product.symbol.to_string(), Some(fair).filter(|fair| fair.price_micros > 0));
        }
        self.quoter.prices_hold();
        Ok(())
    }

    /// Everything that trades, as it trades now.
    pub fn list(&mut self, listed: &BTreeMap<u32, Listed>) {
        let gone: Vec<u32> = self.listed.iter().filter(|id| !listed.contains_key(id)).copied().collect();
        for id in gone {
            self.quoter.delist(id);
            self.listed.remove(&id);
        }
        for (id, one) in listed {
            if self.products.contains_key(&one.wire.product) {
                self.quoter.list(Instrument::of(&one.wire), one.wire.status());
                self.quoter.status(*id, one.wire.status());
                self.listed.insert(*id);
            }
        }
    }

    /// Hears what was reported and published since its last turn, and moves the quotes that are off.
    pub async fn play(&mut self, now: Moment, books: &[stage::Book]) -> anyhow::Result<()> {
        self.quoter.at(now);
        self.trader.hear().await?.iter().for_each(|report| self.quoter.reported(report));
        for book in books {
            self.quoter.book(book.id, book.bids.iter().copied(), book.asks.iter().copied());
        }
        self.quoter.feed_heard();
        let actions = self.quoter.decide();
        if actions.is_empty() {
            return self.trader.stay().await;
        }
        for action in actions {
            let request = match action {
                Action::Quote(quotes) => {
                    self.quoter.sent(self.trader.next_number(), &quotes);
                    Request::Quote(v1::QuoteSet {
                        quotes,
                        post_only: true,
                        self_trade_prevention: v1::SelfTradePrevention::CancelOldest as i32,
                    })
                }
                // Its limits are wide; still, who passes one leaves the market.
                Action::CancelAll | Action::Kill(_) => Request::MassCancel(v1::MassCancelScope::default()),
            };
            let answers = self.trader.ask(vec![request]).await?;
            answers.iter().for_each(|report| self.quoter.reported(report));
        }
        Ok(())
    }
}
