//! A maker of the demo: a provider that quotes its products two-sided from its own score, what it has left to sell, and
//! what it learns from its fills.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use hourbook_api::v1::{self, ReportKind, trade_entry::Request};
use hourbook_model::{Hour, Product};
use hourbook_pricing::{Conditions, FairPrice, Level, Params, QuoteRequest, Withheld};
use rust_decimal::Decimal;

use super::stage::{self, Listed};
use super::trader::Trader;

/// Turns in which a maker looks at everything it quotes once; what has traded it looks at at once.
const ROUND: usize = 10;
/// Quotes in one message.
const AT_ONCE: usize = 500;
/// A quote is moved when it is off by more than so many millionths of its price.
const TOLERANCE: i64 = 500;
/// How far a maker leans at most, and how much of that each turn's look takes back: millionths, and of a thousand.
const MOST_LEAN: i64 = 250_000;
const FADES: i64 = 20;
/// How far all that it shows, once sold, makes it lean: millionths.
const LEAN_OF_SIZE: i64 = 10_000;

pub struct Maker {
    pub name: &'static str,
    trader: Trader,
    /// By place of the product: what it has of it in each hour, and how it prices it.
    stocks: BTreeMap<usize, Stock>,
    quotes: BTreeMap<u32, Standing>,
    /// Instruments to look at in the next turn.
    touched: BTreeSet<u32>,
    first: Hour,
}

/// What a maker has of a product.
struct Stock {
    product: Product,
    /// Units in an hour that nothing was sold of, and lots shown at once.
    capacity: i64,
    size: i64,
    fair: Option<FairPrice>,
    /// Units sold, less those bought, by hours from the first.
    sold: Vec<i64>,
}

/// What a maker shows on an instrument, as far as it knows.
#[derive(Clone, Copy, Default)]
struct Standing {
    bid: (i64, i64),
    ask: (i64, i64),
    /// What its fills there have taught it: millionths of the price.
    lean: i64,
}

/// How a maker prices, this turn.
pub struct Pricing<'a> {
    pub params: &'a Params,
    pub now: Hour,
}

impl Maker {
    pub fn new(name: &'static str, trader: Trader, first: Hour) -> Maker {
        let (stocks, quotes, touched) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Maker { name, trader, stocks, quotes, touched, first }
    }

    /// Takes a product up, of which it may sell so many units an hour.
    pub fn take_up(&mut self, at: usize, product: Product, capacity: i64) {
        let size = (capacity / 100).max(2);
        self.stocks.insert(at, Stock { product, capacity, size, fair: None, sold: Vec::new() });
    }

    pub fn trader(&mut self) -> &mut Trader {
        &mut self.trader
    }

    pub fn into_trader(self) -> Trader {
        self.trader
    }

    /// Prices a class anew, as its service is scored now: ten-thousandths.
    pub fn price(&mut self, params: &Params, class: &str, score: u32) -> anyhow::Result<()> {
        let stocks = self.stocks.values_mut().filter(|stock| stock.product.symbol.class == class);
        for stock in stocks {
            let conditions = Conditions {
                class,
                region: &stock.product.symbol.region,
                tier: stage::tier(&stock.product),
                score: Decimal::new(score.into(), 4),
                currency: &stock.product.currency,
                basis: None,
            };
            let fair = params.fair_price(&conditions);
            stock.fair = Some(fair.with_context(|| stock.product.symbol.to_string())?);
        }
        Ok(())
    }

    /// Hears what has traded, and moves the quotes that are off.
    pub async fn play(
        &mut self,
        turn: usize,
        listed: &BTreeMap<u32, Listed>,
        with: &Pricing<'_>,
    ) -> anyhow::Result<()> {
        let reports = self.trader.hear().await?;
        reports.iter().for_each(|report| self.heard(report, listed));
        self.quotes.retain(|id, _| listed.contains_key(id));
        let mut quotes = Vec::new();
        for (place, (id, one)) in listed.iter().enumerate() {
            let due = place % ROUND == turn % ROUND || !self.quotes.contains_key(id);
            if due || self.touched.contains(id) {
                quotes.extend(self.quote(*id, one, with)?);
            }
        }
        self.touched.clear();
        if quotes.is_empty() {
            return self.trader.stay().await;
        }
        let messages = quotes.chunks(AT_ONCE).map(|quotes| {
            Request::Quote(v1::QuoteSet {
                quotes: quotes.to_vec(),
                post_only: true,
                self_trade_prevention: v1::SelfTradePrevention::CancelOldest as i32,
            })
        });
        let answers = self.trader.ask(messages.collect()).await?;
        answers.iter().for_each(|report| self.heard(report, listed));
        Ok(())
    }

    fn heard(&mut self, report: &v1::ExecutionReport, listed: &BTreeMap<u32, Listed>) {
        let (Some(one), Some(standing)) =
            (listed.get(&report.instrument_id), self.quotes.get_mut(&report.instrument_id))
        else {
            return;
        };
        let sells = report.side == v1::Side::Sell as i32;
        let side = if sells { &mut standing.ask } else { &mut standing.bid };
        match ReportKind::try_from(report.kind).unwrap_or_default() {
            ReportKind::Filled => {
                let lots = report.fill.as_ref().map_or(0, |fill| fill.quantity);
                side.1 -= lots;
                let Some(stock) = self.stocks.get_mut(&one.product) else { return };
                let signed = if sells { lots } else { -lots };
                stock.sell(self.first, one, signed);
                let lean = LEAN_OF_SIZE * signed / stock.size_of(one);
                standing.lean = (standing.lean + lean).clamp(-MOST_LEAN, MOST_LEAN);
                self.touched.insert(report.instrument_id);
            }
            // It does not stand; the next look tries again.
            ReportKind::Rejected => *side = (0, 0),
            _ => {}
        }
    }

    /// The quote that is to stand on an instrument, where another one does.
    fn quote(&mut self, id: u32, one: &Listed, with: &Pricing) -> anyhow::Result<Option<v1::Quote>> {
        let Some(stock) = self.stocks.get(&one.product) else { return Ok(None) };
        let Some(fair) = &stock.fair else { return Ok(None) };
        let standing = self.quotes.entry(id).or_default();
        standing.lean -= standing.lean * FADES / 1_000;
        let class = with.params.class(&stock.product.symbol.class)?;
        let left = stock.left(self.first, one).max(0);
        let quote = with.params.kind(class.kind()).quoting.quote(&QuoteRequest {
            fair: fair.price * Decimal::new(1_000_000 + standing.lean, 6),
            uncertainty: fair.uncertainty(),
            volatility: None,
            fee: Decimal::new(stock.product.maker_fee_ppm.into(), 6),
            hours_to_delivery: one.start.0.saturating_sub(with.now.0).into(),
            inventory: left as u64,
            // As much again as it may sell itself is what it would hold of others'.
            capacity: (2 * stock.capacity).max(left) as u64,
            size: stock.size_of(one) as u64,
            tick: Decimal::new(one.tick, 6),
        })?;
        let (bid, ask) = (side(&quote.bid), side(&quote.ask));
        if !is_off(standing.bid, bid) && !is_off(standing.ask, ask) {
            return Ok(None);
        }
        (standing.bid, standing.ask) = (bid, ask);
        Ok(Some(v1::Quote {
            instrument_id: id,
            bid_price_micros: bid.0,
            bid_quantity: bid.1,
            ask_price_micros: ask.0,
            ask_quantity: ask.1,
            ..Default::default()
        }))
    }
}

impl Stock {
    fn range(&self, first: Hour, one: &Listed) -> std::ops::Range<usize> {
        one.start.0.saturating_sub(first.0) as usize..one.end().0.saturating_sub(first.0) as usize
    }

    /// Units that it could still sell in every hour of the period.
    fn left(&self, first: Hour, one: &Listed) -> i64 {
        let sold = self.range(first, one).map(|hour| self.sold.get(hour).copied().unwrap_or(0));
        self.capacity - sold.max().unwrap_or(0)
    }

    fn sell(&mut self, first: Hour, one: &Listed, lots: i64) {
        let range = self.range(first, one);
        if self.sold.len() < range.end {
            self.sold.resize(range.end, 0);
        }
        self.sold[range].iter_mut().for_each(|sold| *sold += lots);
    }

    /// Lots to show: fewer of what takes more hours.
    fn size_of(&self, one: &Listed) -> i64 {
        match one.hours {
            1 => self.size,
            2..=24 => (self.size / 2).max(1),
            _ => (self.size / 4).max(1),
        }
    }
}

fn side(level: &Result<Level, Withheld>) -> (i64, i64) {
    let Ok(level) = level else { return (0, 0) };
    let micros = i64::try_from((level.price * Decimal::from(1_000_000)).trunc().mantissa()).unwrap_or(0);
    (micros, level.units as i64)
}

/// Whether a side has to be quoted again: its price moved, or less than half of it is left.
fn is_off(stands: (i64, i64), wanted: (i64, i64)) -> bool {
    let moved = (stands.0 - wanted.0).abs() * 1_000_000 > TOLERANCE * wanted.0;
    moved || 2 * stands.1 < wanted.1 || (wanted.1 == 0 && stands.1 > 0)
}
