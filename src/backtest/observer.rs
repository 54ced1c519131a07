//! What a strategy would see of an exchange and what its account made of it, out of events.
//!
//! The same eyes serve a strategy that is driven here, whose quoter decides, and one that is connected from outside, of
//! which only the figures are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hourbook_api::{convert, v1};
use hourbook_exchange::Exchange;
use hourbook_maker::{Fair, Instrument, Level, Moment, Quoter, Time as MakerTime, Trade};
use hourbook_model::{
    AccountId, Event, InstrumentId, Period, Price, Product, ProductId, ReportKind, Side, Stamp, Status,
    Symbol, Tier as ModelTier, Time,
};
use hourbook_pricing::{Basis, Conditions, Params, Tier};
use rust_decimal::{Decimal, RoundingStrategy, dec};

/// The session that all reports are told under.
pub const SESSION: u32 = 1;
/// Levels of a side that are shown.
const LEVELS: usize = 10;
/// How far trades may move a price from the parameters': as deploy/maker.toml has it.
const LEASH_PPM: u32 = 100_000;
/// So many are whole.
const WHOLE: i64 = 1_000_000;

struct Priced {
    terms: Product,
    /// The last trade of each listed instrument.
    last: BTreeMap<InstrumentId, Price>,
    /// What list prices have come to since the beginning, millionths.
    level_ppm: i64,
    fair_micros: i64,
    is_new: bool,
}

pub struct Observer {
    pub quoter: Quoter,
    account: AccountId,
    params: Arc<Params>,
    patterns: Vec<String>,
    begins: Time,
    products: BTreeMap<ProductId, Priced>,
    instruments: BTreeMap<InstrumentId, ProductId>,
    /// Books that have changed since they were shown.
    books: BTreeSet<InstrumentId>,
    /// The entry that reports answer.
    pub entry: u64,
    /// Trades of everybody, and what the account's fills were above the fair price, micros, of how much in all.
    pub trades: u64,
    pub captured_micros: i128,
    pub turnover_micros: i128,
    /// Orders of the account that were accepted.
    pub accepted: u64,
    /// Whether anything was listed that the patterns name.
    pub has_listed: bool,
}

impl Observer {
    pub fn new(
        quoter: Quoter,
        account: AccountId,
        params: Arc<Params>,
        patterns: Vec<String>,
        begins: Time,
    ) -> Observer {
        Observer {
            quoter,
            account,
            params,
            patterns,
            begins,
            products: BTreeMap::new(),
            instruments: BTreeMap::new(),
            books: BTreeSet::new(),
            entry: 0,
            trades: 0,
            captured_micros: 0,
            turnover_micros: 0,
            accepted: 0,
            has_listed: false,
        }
    }

    /// A product as it is defined.
    pub fn define(&mut self, id: ProductId, terms: &Product) {
        let known = self.products.get_mut(&id);
        match known {
            Some(known) => known.terms = terms.clone(),
            None => {
                let terms = terms.clone();
                let (last, level_ppm) = (BTreeMap::new(), WHOLE);
                let priced = Priced { terms, last, level_ppm, fair_micros: 0, is_new: true };
                self.products.insert(id, priced);
            }
        }
    }

    /// Everything that an exchange lists, as it stands.
    pub fn take_in(&mut self, exchange: &Exchange) {
        for (id, listed) in exchange.products() {
            self.define(id, &listed.terms);
        }
        for one in exchange.instruments() {
            self.list(one.id, one.product, &one.symbol, one.gate, one.status);
            if let (Some(last), Some(priced)) = (one.last_trade, self.products.get_mut(&one.product)) {
                priced.last.insert(one.id, last);
                priced.is_new = true;
            }
            self.books.insert(one.id);
        }
    }

    /// List prices have come to so much of what they were at the beginning.
    pub fn level(&mut self, level_ppm: i64) {
        for priced in self.products.values_mut() {
            priced.is_new |= priced.level_ppm != level_ppm;
            priced.level_ppm = level_ppm;
        }
    }

    fn list(&mut self, id: InstrumentId, product: ProductId, symbol: &Symbol, gate: Time, status: Status) {
        let Some(priced) = self.products.get(&product) else { return };
        let symbol = symbol.to_string();
        if !self.patterns.iter().any(|pattern| is_like(pattern, &symbol)) {
            return;
        }
        self.has_listed = true;
        let terms = &priced.terms;
        let Some(period) = symbol.rsplit('.').next().and_then(|period| period.parse::<Period>().ok()) else {
            return;
        };
        self.instruments.insert(id, product);
        let instrument = Instrument {
            id: id.0,
            product: terms.symbol.to_string(),
            currency: terms.currency.clone(),
            tick_micros: terms.tick.0,
            maker_fee_ppm: terms.maker_fee_ppm,
            delivery: MakerTime(period.start.start().0),
            hours: period.hours,
            gate: MakerTime(gate.0),
            symbol,
        };
        self.quoter.list(instrument, convert::status(status));
        self.price(product);
    }

    fn moment(&self, time: Time) -> Moment {
        let run = u64::try_from(time.0 - self.begins.0).unwrap_or(0);
        Moment { time: MakerTime(time.0), run: Duration::from_nanos(run) + Duration::from_secs(1) }
    }

    /// What a command has done.
    pub fn saw(&mut self, stamp: Stamp, events: &[Event]) {
        self.quoter.at(self.moment(stamp.time));
        for event in events {
            match event {
                Event::Listed { instrument, product, symbol, gate } => {
                    self.list(*instrument, *product, symbol, *gate, Status::Continuous);
                }
                Event::StatusChanged { instrument, status } => {
                    if *status == Status::Settled {
                        self.quoter.delist(instrument.0);
                        if let Some(product) = self.instruments.remove(instrument)
                            && let Some(priced) = self.products.get_mut(&product)
                        {
                            priced.is_new |= priced.last.remove(instrument).is_some();
                        }
                    } else if self.instruments.contains_key(instrument) {
                        self.quoter.status(instrument.0, convert::status(*status));
                    }
                }
                Event::BookChanged(change) => {
                    self.books.insert(change.instrument);
                }
                Event::Traded(trade) => {
                    self.trades += 1;
                    self.books.insert(trade.instrument);
                    let product = self.instruments.get(&trade.instrument);
                    if let Some(priced) = product.and_then(|product| self.products.get_mut(product)) {
                        priced.last.insert(trade.instrument, trade.price);
                        priced.is_new = true;
                    }
                    let taker_side =
                        if trade.taker_side == Side::Buy { v1::Side::Buy } else { v1::Side::Sell };
                    let (at, lots) = (MakerTime(stamp.time.0), trade.quantity.0);
                    let told = Trade { at, price_micros: trade.price.0, lots, taker_side };
                    self.quoter.traded(trade.instrument.0, told);
                }
                Event::Reported(report) if report.account == self.account => {
                    if let ReportKind::Filled(fill) = &report.kind {
                        self.capture(report.instrument, report.side, fill.price, fill.quantity.0);
                    }
                    self.accepted += u64::from(report.kind == ReportKind::Accepted);
                    let told = v1::ExecutionReport {
                        session_id: SESSION,
                        request_number: self.entry.max(1),
                        ..convert::report(stamp, report)
                    };
                    self.quoter.reported(&told);
                }
                _ => {}
            }
        }
    }

    /// How much better a fill was than the fair price of its moment.
    fn capture(&mut self, instrument: InstrumentId, side: Side, price: Price, lots: i64) {
        let product = self.instruments.get(&instrument);
        let Some(priced) = product.and_then(|product| self.products.get(product)) else { return };
        let better = match side {
            Side::Buy => priced.fair_micros - price.0,
            Side::Sell => price.0 - priced.fair_micros,
        };
        let hours = self.quoter.hours_of(instrument.0);
        let lot_hours = i128::from(lots) * i128::from(hours);
        self.captured_micros += i128::from(better) * lot_hours;
        self.turnover_micros += i128::from(price.0) * lot_hours;
    }

    /// Brings prices up to what was traded.
    pub fn reprice(&mut self) {
        let new: Vec<ProductId> =
            self.products.iter().filter(|(_, priced)| priced.is_new).map(|(id, _)| *id).collect();
        new.into_iter().for_each(|product| self.price(product));
    }

    fn price(&mut self, product: ProductId) {
        let Some(priced) = self.products.get_mut(&product) else { return };
        priced.is_new = false;
        let name = priced.terms.symbol.to_string();
        let fair = fair(&self.params, priced);
        priced.fair_micros = fair.map_or(0, |fair| fair.price_micros);
        self.quoter.price(&name, fair);
    }

    /// Shows the quoter what it would see now.
    pub fn show(&mut self, exchange: &Exchange, time: Time) {
        self.reprice();
        self.quoter.at(self.moment(time));
        for id in std::mem::take(&mut self.books) {
            if !self.instruments.contains_key(&id) {
                continue;
            }
            let Some(book) = exchange.book(id, LEVELS, 0) else { continue };
            let side = |levels: &[hourbook_exchange::Level]| -> Vec<Level> {
                let level = |level: &hourbook_exchange::Level| Level {
                    price_micros: level.price.0,
                    lots: level.quantity.0,
                };
                levels.iter().map(level).collect()
            };
            self.quoter.book(id.0, side(&book.bids).into_iter(), side(&book.asks).into_iter());
        }
        self.is_fresh();
    }

    /// Nothing of what is known is old.
    pub fn is_fresh(&mut self) {
        self.quoter.feed_heard();
        self.quoter.prices_hold();
    }

    /// Lets time pass for the figures.
    pub fn passed(&mut self, time: Time) {
        self.quoter.at(self.moment(time));
    }

    /// What a unit-hour of a product is worth, micros.
    pub fn fair_micros(&self, product: ProductId) -> i64 {
        self.products.get(&product).map_or(0, |priced| priced.fair_micros)
    }
}

/// The parameters' price at the level of list prices, moved by the last trades.
fn fair(params: &Params, priced: &Priced) -> Option<Fair> {
    let symbol = &priced.terms.symbol;
    let tier = match symbol.tier {
        ModelTier::A => Tier::A,
        ModelTier::B => Tier::B,
        ModelTier::C => Tier::C,
    };
    let score = params.cuts.threshold(tier);
    let (class, region, currency) = (&symbol.class, &symbol.region, &priced.terms.currency);
    let of = |basis: Option<&Basis>| {
        params.fair_price(&Conditions { class, region, tier, score, currency, basis }).ok()
    };
    let level = Decimal::new(priced.level_ppm, 6);
    let modelled = of(None)?.price * level;
    let paid = priced.last.values().map(|paid| Decimal::new(paid.0, 6));
    let fair = of(Some(&Basis::of_trades(modelled, paid)))?;
    let tick = Decimal::from(priced.terms.tick.0);
    let micros = |price: Decimal| (price * level * dec!(1000000)).round_dp(0);
    let on_tick = |price: Decimal| {
        let ticks = (micros(price) / tick).round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven);
        i64::try_from(ticks * tick).ok()
    };
    let price_micros = on_tick(fair.price).filter(|price| *price > 0)?;
    let fair = Fair {
        price_micros,
        low_micros: i64::try_from(micros(fair.low)).ok()?,
        high_micros: i64::try_from(micros(fair.high)).ok()?,
        score_ppm: u32::try_from((score * dec!(10000)).round_dp(0)).unwrap_or(0),
    };
    Some(fair.leashed(i64::try_from((modelled * dec!(1000000)).round_dp(0)).ok()?, LEASH_PPM))
}

/// Whether a symbol is like a pattern such as `GP.*` or `GP.CNNX.A.D*`: a `*` stands for a whole part, for the rest of
/// one, or, as the last part, for all that follow.
fn is_like(pattern: &str, symbol: &str) -> bool {
    let parts: Vec<&str> = symbol.split('.').collect();
    let wanted: Vec<&str> = pattern.split('.').collect();
    let is_open = pattern.is_empty() || wanted.last() == Some(&"*");
    if wanted.len() > parts.len() || (wanted.len() < parts.len() && !is_open) {
        return false;
    }
    wanted.iter().zip(&parts).all(|(wanted, part)| match wanted.strip_suffix('*') {
        Some(beginning) => part.starts_with(beginning),
        None => wanted == part || pattern.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::is_like;

    #[test]
    fn patterns_name_parts() {
        let symbol = "GP.CNNX.A.H20261124T08";
        for like in ["*", "GP.*", "GP.CNNX.*", "*.CNNX.A.*", "GP.CNNX.A.H*", symbol] {
            assert!(is_like(like, symbol), "{like}");
        }
        for unlike in ["GP", "GP.CNNX", "CM.*", "GP.CNNX.B.*", "GP.CNNX.A.D*", "GP.CNNX.A.H20261124T08.*"] {
            assert!(!is_like(unlike, symbol), "{unlike}");
        }
    }
}
