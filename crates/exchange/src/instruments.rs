//! What is traded: products with their terms, and the instruments listed of them.
//!
//! An instrument keeps the tick, gate and fees it was listed with. Its slot is the index of its book;
//! slots are used again, oldest first, under a new generation.

use hourbook_book::prefetch;
use hourbook_model::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// How trading stands, apart from halts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Continuous,
    /// Orders rest; nothing trades until the uncross.
    Call,
    /// The last minute of a scheduled call: nothing may be taken back.
    Frozen,
    GateClosed,
    Delivering,
}

/// Kept small: tens of thousands of these are idle at once. Two cache lines.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(align(64))]
pub struct Instrument {
    pub id: InstrumentId,
    pub product: ProductId,
    pub currency: CurrencyId,
    pub phase: Phase,
    pub halted: bool,
    pub period: Period,
    pub gate: Time,
    pub tick: Price,
    /// When the call ends by itself; zero when it waits for `Uncross`.
    pub call_until: Time,
    /// Zero where there is none yet.
    pub last_auction: Price,
    pub last_trade: Price,
    pub fair: Price,
    pub maker_fee_ppm: u32,
    pub taker_fee_ppm: u32,
    /// Orders resting in the book or waiting as stops.
    pub open_orders: u32,
}

const _: () = assert!(size_of::<Option<Instrument>>() == 128);

impl Instrument {
    pub fn slot(&self) -> usize {
        self.id.slot()
    }

    pub fn hold_fee_ppm(&self) -> u32 {
        self.maker_fee_ppm.max(self.taker_fee_ppm)
    }

    pub fn in_call(&self) -> bool {
        matches!(self.phase, Phase::Call | Phase::Frozen)
    }

    pub fn is_tradable(&self) -> bool {
        matches!(self.phase, Phase::Continuous | Phase::Call | Phase::Frozen)
    }
}

/// A product as it stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listed {
    pub terms: Product,
    pub currency: CurrencyId,
    pub halted: bool,
    /// What pricing sent last; zero before.
    pub fair: Price,
    /// The end of what is listed, per kind of period.
    pub listed_until: [Hour; 4],
}

impl Listed {
    /// Where an instrument has no price of its own: the fair price, else what the terms say.
    pub fn reference(&self) -> Option<Price> {
        if self.fair.0 > 0 { Some(self.fair) } else { self.terms.reference }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Instruments {
    pub currencies: Vec<String>,
    pub classes: BTreeMap<String, Class>,
    pub regions: BTreeMap<String, Region>,
    pub adopted: [u8; 32],
    pub halted: bool,
    products: Vec<Listed>,
    by_symbol: BTreeMap<ProductSymbol, ProductId>,
    slots: Vec<Option<Instrument>>,
    generations: Vec<u16>,
    free: VecDeque<u32>,
    by_period: BTreeMap<(ProductId, PeriodKind, Hour), InstrumentId>,
}

impl Instruments {
    /// The currency of this code, numbered when first seen.
    pub fn currency(&mut self, code: &str) -> CurrencyId {
        let at = self.currencies.iter().position(|known| known == code).unwrap_or_else(|| {
            self.currencies.push(code.into());
            self.currencies.len() - 1
        });
        CurrencyId(at as u16)
    }

    pub fn currency_named(&self, code: &str) -> Option<CurrencyId> {
        self.currencies.iter().position(|known| known == code).map(|at| CurrencyId(at as u16))
    }

    /// Adds the product, or replaces its terms.
    pub fn define(&mut self, terms: &Product) -> ProductId {
        let currency = self.currency(&terms.currency);
        if let Some(&id) = self.by_symbol.get(&terms.symbol) {
            let known = self.known_mut(id);
            known.terms = terms.clone();
            // A fair price stands on the tick; until pricing sends another, the terms' own reference counts.
            if known.fair.0 % terms.tick.0 != 0 {
                known.fair = Price(0);
            }
            return id;
        }
        let id = ProductId(self.products.len() as u32 + 1);
        self.by_symbol.insert(terms.symbol.clone(), id);
        self.products.push(Listed {
            terms: terms.clone(),
            currency,
            halted: false,
            fair: Price(0),
            listed_until: [Hour(0); 4],
        });
        id
    }

    /// Whether there are slots for all that this product, redefined or new, and the others list ahead.
    pub fn have_room_for(&self, product: &Product) -> bool {
        let others = self.products.iter().filter(|listed| listed.terms.symbol != product.symbol);
        let all =
            product.horizon.listed() + others.map(|listed| listed.terms.horizon.listed()).sum::<usize>();
        all <= Horizon::MOST_LISTED
    }

    pub fn product(&self, id: ProductId) -> Option<&Listed> {
        self.products.get((id.0 as usize).wrapping_sub(1))
    }

    /// A product that is known to exist: its id came out of this machine's own state.
    pub fn known(&self, id: ProductId) -> &Listed {
        &self.products[id.0 as usize - 1]
    }

    pub fn known_mut(&mut self, id: ProductId) -> &mut Listed {
        &mut self.products[id.0 as usize - 1]
    }

    pub fn product_named(&self, symbol: &ProductSymbol) -> Option<ProductId> {
        self.by_symbol.get(symbol).copied()
    }

    pub fn products(&self) -> impl Iterator<Item = (ProductId, &Listed)> {
        self.products.iter().zip(1..).map(|(product, id)| (ProductId(id), product))
    }

    /// Lists `period`; `None` when every slot is taken.
    pub fn list(&mut self, product: ProductId, period: Period) -> Option<InstrumentId> {
        let slot = match self.free.pop_front() {
            Some(slot) => slot as usize,
            None if self.slots.len() < InstrumentId::SLOTS => {
                // A quarter more: tens of thousands of idle instruments do not ask for the room of twice as many.
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact((self.slots.len() / 4).max(64));
                }
                self.slots.push(None);
                self.generations.push(0);
                self.slots.len() - 1
            }
            None => return None,
        };
        // Generation 0 of a slot is never given, so that id 0 is nobody.
        let generation = &mut self.generations[slot];
        *generation = (*generation + 1) % 4_096;
        if *generation == 0 {
            *generation = 1;
        }
        let id = InstrumentId::new(slot, u32::from(*generation));
        let listed = &self.products[product.0 as usize - 1];
        self.slots[slot] = Some(Instrument {
            id,
            product,
            currency: listed.currency,
            phase: Phase::Continuous,
            halted: false,
            period,
            gate: listed.terms.gate(period.kind, period.start.start()),
            tick: listed.terms.tick,
            call_until: Time(0),
            last_auction: Price(0),
            last_trade: Price(0),
            fair: Price(0),
            maker_fee_ppm: listed.terms.maker_fee_ppm,
            taker_fee_ppm: listed.terms.taker_fee_ppm,
            open_orders: 0,
        });
        self.by_period.insert((product, period.kind, period.start), id);
        Some(id)
    }

    /// Takes an instrument that is over off the list; its slot may be used again.
    pub fn delist(&mut self, id: InstrumentId) {
        if let Some(gone) = self.slots[id.slot()].take_if(|instrument| instrument.id == id) {
            self.by_period.remove(&(gone.product, gone.period.kind, gone.period.start));
            self.free.push_back(id.slot() as u32);
        }
    }

    /// Asks for the memory of an instrument.
    #[inline]
    pub fn prefetch(&self, id: InstrumentId) {
        if let Some(slot) = self.slots.get(id.slot()) {
            prefetch(slot);
        }
    }

    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.slots.get(id.slot())?.as_ref().filter(|instrument| instrument.id == id)
    }

    pub fn get_mut(&mut self, id: InstrumentId) -> Option<&mut Instrument> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|instrument| instrument.id == id)
    }

    /// An instrument that is known to be listed.
    pub fn at(&self, slot: usize) -> &Instrument {
        self.slots[slot].as_ref().expect("the slot of a listed instrument")
    }

    pub fn at_mut(&mut self, slot: usize) -> &mut Instrument {
        self.slots[slot].as_mut().expect("the slot of a listed instrument")
    }

    /// The instrument of a product that delivers exactly this period.
    pub fn delivering(&self, product: ProductId, period: Period) -> Option<InstrumentId> {
        self.by_period.get(&(product, period.kind, period.start)).copied()
    }

    /// The longer periods that hold this one and are still listed: at their gates their positions fall into it.
    pub fn holding(&self, product: ProductId, period: Period) -> impl Iterator<Item = &Instrument> + '_ {
        // Weeks and months fall into days, not into each other.
        let longer = PeriodKind::ALL
            .into_iter()
            .filter(move |kind| *kind > period.kind && period.kind <= PeriodKind::Day);
        longer
            .filter_map(move |kind| self.delivering(product, Period::holding(kind, period.start)))
            .map(|id| self.at(id.slot()))
    }

    /// Whether one of a period's hours or days is over by `now`: then it cannot be listed any more, because it
    /// could not fall into them.
    pub fn is_over_in_part(&self, product: ProductId, period: Period, now: Time) -> bool {
        let shorter = PeriodKind::ALL.into_iter().filter(|kind| *kind < period.kind.min(PeriodKind::Week));
        shorter
            .flat_map(|kind| {
                self.by_period.range((product, kind, period.start)..(product, kind, period.end()))
            })
            .map(|(_, id)| self.at(id.slot()))
            .any(|part| !part.is_tradable() || part.gate <= now)
    }

    /// Every instrument of a product, by kind of period and start.
    pub fn of_product(&self, product: ProductId) -> impl Iterator<Item = InstrumentId> + '_ {
        self.of_product_after(product, None)
    }

    /// The same behind one period.
    pub fn of_product_after(
        &self,
        product: ProductId,
        after: Option<Period>,
    ) -> impl Iterator<Item = InstrumentId> + '_ {
        let from = match after {
            Some(after) => Bound::Excluded((product, after.kind, after.start)),
            None => Bound::Included((product, PeriodKind::Hour, Hour(0))),
        };
        let to = Bound::Excluded((ProductId(product.0 + 1), PeriodKind::Hour, Hour(0)));
        self.by_period.range((from, to)).map(|(_, id)| *id)
    }

    /// Every instrument, by product, kind of period and start.
    pub fn all(&self) -> impl Iterator<Item = &Instrument> + '_ {
        self.by_period.values().map(|id| self.at(id.slot()))
    }

    pub fn len(&self) -> usize {
        self.by_period.len()
    }

    /// Whether anything keeps this instrument from trading and taking orders.
    pub fn is_halted(&self, instrument: &Instrument) -> bool {
        instrument.halted || self.halted || self.known(instrument.product).halted
    }

    pub fn status(&self, instrument: &Instrument) -> Status {
        match instrument.phase {
            Phase::GateClosed => Status::GateClosed,
            Phase::Delivering => Status::Delivering,
            _ if self.is_halted(instrument) => Status::Halted,
            Phase::Continuous => Status::Continuous,
            Phase::Call => Status::Auction,
            Phase::Frozen => Status::Frozen,
        }
    }

    /// What bands are measured from: last auction, else last trade, else what was set for it, else the product's.
    pub fn reference(&self, instrument: &Instrument) -> Option<Price> {
        [instrument.last_auction, instrument.last_trade, instrument.fair]
            .into_iter()
            .find(|price| price.0 > 0)
            .or_else(|| self.known(instrument.product).reference())
    }
}
