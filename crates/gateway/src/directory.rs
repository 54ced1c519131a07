//! Symbols and ids, as far as they are published.
//!
//! Lists and patterns are looked up here, so that the writer is only asked for the rows that are shown. What
//! is listed no more keeps its name here for a while, so that what is over can still be told by it; history knows it
//! for longer.

use dashmap::DashMap;
use hourbook_api::convert::{Checked, Resolve, Violation};
use hourbook_exchange::Exchange;
use hourbook_model::{Event, InstrumentId, Period, ProductId, ProductSymbol, Status, Symbol};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[derive(Default)]
pub struct Directory {
    ids: DashMap<Arc<str>, InstrumentId>,
    symbols: DashMap<InstrumentId, Arc<str>>,
    products: RwLock<BTreeMap<ProductSymbol, Arc<Shelf>>>,
    names: DashMap<ProductId, Arc<Shelf>>,
    /// What is listed no more and has its name, in the order in which it is forgotten.
    over: Mutex<VecDeque<InstrumentId>>,
}

/// Names of what is listed no more.
const MOST_OVER: usize = 100_000;

/// One product and what is listed of it.
struct Shelf {
    id: ProductId,
    symbol: String,
    listed: RwLock<BTreeMap<Period, (InstrumentId, Arc<str>)>>,
}

/// A row of a list: the id and the symbol, which is also where the next page goes on.
pub type Row<I> = (I, Arc<str>);

impl Directory {
    /// As the exchange stands.
    pub fn of(exchange: &Exchange) -> Directory {
        let directory = Directory::default();
        for (id, product) in exchange.products() {
            directory.define(id, &product.terms.symbol);
        }
        for instrument in exchange.instruments() {
            directory.list(instrument.id, instrument.product, &instrument.symbol);
        }
        directory
    }

    /// Takes note of what was published.
    pub fn saw(&self, event: &Event) {
        match event {
            Event::ProductDefined { product, symbol } => self.define(*product, symbol),
            Event::Listed { instrument, product, symbol, .. } => self.list(*instrument, *product, symbol),
            Event::StatusChanged { instrument, status: Status::Settled } => self.delist(*instrument),
            _ => {}
        }
    }

    fn define(&self, id: ProductId, symbol: &ProductSymbol) {
        if self.names.contains_key(&id) {
            return;
        }
        let shelf = Arc::new(Shelf { id, symbol: symbol.to_string(), listed: RwLock::default() });
        self.names.insert(id, Arc::clone(&shelf));
        write(&self.products).insert(symbol.clone(), shelf);
    }

    fn list(&self, id: InstrumentId, product: ProductId, symbol: &Symbol) {
        let text: Arc<str> = symbol.to_string().into();
        self.ids.insert(Arc::clone(&text), id);
        self.symbols.insert(id, Arc::clone(&text));
        if let Some(shelf) = self.names.get(&product) {
            write(&shelf.listed).insert(symbol.period, (id, text));
        }
    }

    fn delist(&self, id: InstrumentId) {
        let Some(text) = self.symbol(id) else { return };
        self.ids.remove_if(&text, |_, listed| *listed == id);
        if let Ok(symbol) = text.parse::<Symbol>()
            && let Some(shelf) = self.shelf(&symbol.product)
        {
            let mut listed = write(&shelf.listed);
            if listed.get(&symbol.period).is_some_and(|(known, _)| *known == id) {
                listed.remove(&symbol.period);
            }
        }
        self.forget_after(id);
    }

    /// Keeps the name of what is listed no more, until there are too many later ones.
    fn forget_after(&self, id: InstrumentId) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        over.push_back(id);
        if over.len() > MOST_OVER
            && let Some(first) = over.pop_front()
        {
            self.symbols.remove(&first);
        }
    }

    /// Learns what an instrument was called that is not known here any more.
    pub fn remember(&self, id: InstrumentId, symbol: &str) {
        if self.symbols.insert(id, symbol.into()).is_none() {
            self.forget_after(id);
        }
    }

    /// Instruments that are listed of a product.
    pub fn count(&self, product: ProductId) -> usize {
        self.names.get(&product).map_or(0, |shelf| read(&shelf.listed).len())
    }

    /// What an instrument is called, or was.
    pub fn symbol(&self, id: InstrumentId) -> Option<Arc<str>> {
        self.symbols.get(&id).map(|text| Arc::clone(&text))
    }

    /// Products that match, by symbol, after one of them.
    pub fn products(
        &self,
        pattern: &Pattern,
        after: Option<&ProductSymbol>,
        limit: usize,
    ) -> Vec<Row<ProductId>> {
        self.shelves(pattern, after.map_or(Unbounded, Excluded))
            .take(limit)
            .map(|shelf| (shelf.id, shelf.symbol.as_str().into()))
            .collect()
    }

    /// Listed instruments that match, by product, kind of period and start, after one of them.
    pub fn instruments(
        &self,
        pattern: &Pattern,
        after: Option<&Symbol>,
        limit: usize,
    ) -> Vec<Row<InstrumentId>> {
        let mut rows = Vec::new();
        for shelf in self.shelves(pattern, after.map_or(Unbounded, |after| Included(&after.product))) {
            let from = match after {
                Some(after) if after.product.to_string() == shelf.symbol => Excluded(after.period),
                _ => Unbounded,
            };
            let listed = read(&shelf.listed);
            let matching = listed.range((from, Unbounded)).map(|(_, row)| row);
            let matching = matching.filter(|(_, symbol)| pattern.matches(symbol));
            rows.extend(matching.take(limit - rows.len()).cloned());
            if rows.len() == limit {
                break;
            }
        }
        rows
    }

    fn shelf(&self, symbol: &ProductSymbol) -> Option<Arc<Shelf>> {
        read(&self.products).get(symbol).cloned()
    }

    fn shelves(
        &self,
        pattern: &Pattern,
        from: std::ops::Bound<&ProductSymbol>,
    ) -> impl Iterator<Item = Arc<Shelf>> + use<> {
        let products = read(&self.products);
        let found = products.range((from, Unbounded)).map(|(_, shelf)| shelf);
        let found: Vec<_> = found.filter(|shelf| pattern.may_hold(&shelf.symbol)).cloned().collect();
        found.into_iter()
    }
}

impl Resolve for Directory {
    fn instrument(&self, symbol: &str) -> Option<InstrumentId> {
        self.ids.get(symbol).map(|id| *id)
    }

    fn product(&self, symbol: &str) -> Option<ProductId> {
        self.shelf(&symbol.parse().ok()?).map(|shelf| shelf.id)
    }
}

/// The publishing thread writes a few entries, readers read one product at a time: nobody waits long.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Which symbols are meant: parts between dots, each whole, `*`, or the beginning of one such as `D2026*`.
/// Parts that are not given are free, so that `GP.*` is every product and instrument of the class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Whole(String),
    Beginning(String),
}

/// Parts of an instrument's symbol, and of a product's.
pub const INSTRUMENT_PARTS: usize = 4;
pub const PRODUCT_PARTS: usize = 3;

impl Pattern {
    pub fn parse(field: &str, text: &str, most_parts: usize) -> Checked<Pattern> {
        let violation = |why: String| Err(Violation::new(field, why));
        if text.is_empty() {
            return Ok(Pattern(Vec::new()));
        }
        if text.len() > 40 {
            return violation("must be at most 40 characters".into());
        }
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > most_parts {
            return violation(format!("must have at most {most_parts} parts between dots"));
        }
        let one = |part: &&str| -> Option<Part> {
            let (plain, open) = part.strip_suffix('*').map_or((*part, false), |plain| (plain, true));
            let legal = plain.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            match (legal, open) {
                (true, true) => Some(Part::Beginning(plain.into())),
                (true, false) if !plain.is_empty() => Some(Part::Whole(plain.into())),
                _ => None,
            }
        };
        match parts.iter().map(one).collect() {
            Some(parts) => Ok(Pattern(parts)),
            None => violation(
                "each part must be capitals and digits, `*`, or a beginning such as `D2026*`".into(),
            ),
        }
    }

    /// Whether the symbol has every part that is asked for.
    pub fn matches(&self, symbol: &str) -> bool {
        let mut parts = symbol.split('.');
        self.0.iter().all(|wanted| parts.next().is_some_and(|part| wanted.matches(part)))
    }

    /// Whether a product may have instruments that match.
    fn may_hold(&self, product: &str) -> bool {
        self.0.iter().zip(product.split('.')).all(|(wanted, part)| wanted.matches(part))
    }
}

impl Part {
    fn matches(&self, part: &str) -> bool {
        match self {
            Part::Whole(whole) => part == whole,
            Part::Beginning(beginning) => part.starts_with(beginning.as_str()),
        }
    }
}
