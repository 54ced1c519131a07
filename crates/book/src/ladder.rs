//! The price levels of one side, in pages of neighbouring ticks.
//!
//! A level is known by its key, which grows as the price gets better, so that both sides are the same code. A page
//! is 64 ticks: a bit for each that has a level, and the levels packed one behind the other. So a level is found by
//! counting bits, a new one moves only those of its own page, and a thin book pays for the levels it has. The best
//! page is at hand, which is all that most thin books ever have; the next ones stand behind it, and in a dense book
//! each is where its distance from the best says; what is deeper, if anything is, hangs in a tree, so that no book
//! becomes slow by having pages.
//!
//! Always true: no page is empty, but for the near one of an empty ladder; near is better than far, and far than
//! deep; there is nothing far without something near, and nothing deep without something far.

use hourbook_model::{Price, Side};
use std::collections::BTreeMap;

/// The key of no level: below every other.
pub(crate) const NO_KEY: i64 = i64::MIN;
/// The key of market orders in a call: better than any limit.
pub(crate) const MARKET: i64 = i64::MAX;
/// Ticks of a page, as a power of two; few in unit tests, so that small books have many pages there.
const TICKS: u32 = if cfg!(test) { 2 } else { 6 };
/// Pages that stand behind the near one before the worst hang in the tree.
const FAR: usize = if cfg!(test) { 4 } else { 64 };
/// Room for levels that a page begins with, and grows by at least.
const ROOM: usize = 4;

/// A price as a key of `side`: better prices have greater keys.
pub(crate) fn key_of(side: Side, price: Price) -> i64 {
    // All bits of a sell turned: -price - 1, which no price overflows.
    price.0 ^ -i64::from(side == Side::Sell)
}

/// The price behind a key.
pub(crate) fn price_of(side: Side, key: i64) -> Price {
    Price(key ^ -i64::from(side == Side::Sell))
}

/// The orders at one price, in a ring: the one before the first is the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Level {
    /// Lots displayed.
    pub shown: u64,
    pub first: u32,
    pub orders: u32,
}

/// Which keys a ladder has: those of the whole ticks of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    tick: u32,
    /// Of every key but [`MARKET`], what is left over a whole number of ticks.
    rest: u32,
}

/// Where a level stands, or would.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Index of a far page, or [`NEAR`], or [`DEEP`].
    page: u32,
    tick: Tick,
    /// The levels of its page that are worse.
    rank: u32,
}

const NEAR: u32 = u32::MAX;
const DEEP: u32 = u32::MAX - 1;

/// A whole number of ticks: the page they lie in, and which of it.
#[derive(Clone, Copy, Debug)]
struct Tick {
    page: i64,
    bit: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Ladder {
    near: Page,
    /// Worst first.
    far: Vec<Page>,
    /// By number.
    #[expect(clippy::box_collection, reason = "nearly every ladder has none, and is shorter by 16 bytes")]
    deep: Option<Box<BTreeMap<i64, Page>>>,
    grid: Grid,
}

#[derive(Clone, Debug, Default)]
struct Page {
    number: i64,
    /// The ticks that have a level.
    bits: u64,
    /// As many as there are bits, worst first.
    levels: Vec<Level>,
}

impl Grid {
    /// Prices of `side` that are a whole number of `tick` micros, which are above zero.
    pub fn new(tick: u32, side: Side) -> Grid {
        assert!(tick > 0, "a tick is above zero");
        Grid { tick, rest: if side == Side::Sell { tick - 1 } else { 0 } }
    }

    /// Whether a price of this key may have a level.
    pub fn holds(self, key: i64) -> bool {
        key == MARKET || key.rem_euclid(i64::from(self.tick)) == i64::from(self.rest)
    }

    #[inline]
    fn tick_of(self, key: i64) -> Tick {
        let ticks = if self.tick == 1 { key } else { key.div_euclid(i64::from(self.tick)) };
        Tick { page: ticks >> TICKS, bit: (ticks & ((1 << TICKS) - 1)) as u32 }
    }

    /// The key of a tick.
    #[inline]
    fn key_of(self, Tick { page, bit }: Tick) -> i64 {
        let ticks = page << TICKS | i64::from(bit);
        // Market orders stand in the last tick there is, in which no price lies.
        if ticks == MARKET / i64::from(self.tick) {
            return MARKET;
        }
        ticks * i64::from(self.tick) + i64::from(self.rest)
    }
}

impl Default for Grid {
    /// Every price.
    fn default() -> Grid {
        Grid { tick: 1, rest: 0 }
    }
}

impl Ladder {
    pub fn is_empty(&self) -> bool {
        self.near.bits == 0
    }

    /// From now on for the prices of this grid: of a ladder that is empty.
    pub fn set_grid(&mut self, grid: Grid) {
        assert!(self.is_empty(), "levels stay where they are");
        self.grid = grid;
    }

    /// The same levels on another grid; `None` when that has no place for one of them.
    pub fn on(&self, grid: Grid) -> Option<Ladder> {
        let mut ladder = Ladder { grid, ..Ladder::default() };
        self.iter().all(|(key, level)| ladder.push_worst(key, *level)).then_some(ladder)
    }

    /// The best level's key, or [`NO_KEY`].
    pub fn best_key(&self) -> i64 {
        if self.is_empty() {
            return NO_KEY;
        }
        self.grid.key_of(Tick { page: self.near.number, bit: self.near.bits.ilog2() })
    }

    pub fn best(&self) -> Option<&Level> {
        self.near.levels.last()
    }

    pub fn best_mut(&mut self) -> Option<&mut Level> {
        self.near.levels.last_mut()
    }

    /// Where the level of a key stands, or else where it would.
    #[inline]
    pub fn seek(&self, key: i64) -> Result<Place, Place> {
        debug_assert!(self.grid.holds(key), "a price is a whole number of ticks");
        let tick = self.grid.tick_of(key);
        if tick.page >= self.near.number || self.far.is_empty() {
            // A page beside the near one, where the key lies in none.
            let there = tick.page == self.near.number && !self.is_empty();
            return if there { self.near.find(NEAR, tick) } else { Err(Place { page: NEAR, tick, rank: 0 }) };
        }
        self.seek_far(tick)
    }

    #[inline]
    fn seek_far(&self, tick: Tick) -> Result<Place, Place> {
        let at = find_page(&self.far, tick.page);
        match (self.far.get(at), &self.deep) {
            (Some(page), _) if page.number == tick.page => page.find(at as u32, tick),
            (_, Some(deep)) if at == 0 => match deep.get(&tick.page) {
                Some(page) => page.find(DEEP, tick),
                None => Err(Place { page: DEEP, tick, rank: 0 }),
            },
            _ => Err(Place { page: at as u32, tick, rank: 0 }),
        }
    }

    /// The level of a key, if there is one.
    #[inline]
    pub fn get(&self, key: i64) -> Option<&Level> {
        let place = self.seek(key).ok()?;
        let page = match place.page {
            NEAR => &self.near,
            DEEP => self.deep.as_ref()?.get(&place.tick.page)?,
            at => &self.far[at as usize],
        };
        page.levels.get(place.rank as usize)
    }

    #[inline]
    pub fn level_mut(&mut self, place: Place) -> &mut Level {
        let Some(page) = self.page_mut(place) else { unreachable!("a level that was found has its page") };
        &mut page.levels[place.rank as usize]
    }

    /// A new level at the place that `seek` gave for its key.
    #[inline]
    pub fn insert(&mut self, place: Place, level: Level) {
        let Tick { page: number, bit } = place.tick;
        match self.page_mut(place).filter(|page| page.number == number) {
            Some(page) => page.insert(bit, place.rank as usize, level),
            None => self.insert_page(place, level),
        }
    }

    /// A new level in a page of its own.
    #[cold]
    fn insert_page(&mut self, place: Place, level: Level) {
        let Place { page: at, tick, .. } = place;
        if self.is_empty() {
            self.near.number = tick.page;
            return self.near.insert(tick.bit, 0, level);
        }
        let mut page = Page { number: tick.page, ..Page::default() };
        page.insert(tick.bit, 0, level);
        if at == DEEP {
            self.deep.get_or_insert_default().insert(tick.page, page);
        } else if tick.page > self.near.number {
            self.far.push(std::mem::replace(&mut self.near, page));
        } else {
            self.far.insert((at as usize).min(self.far.len()), page);
        }
        if self.far.len() > FAR {
            let worst = self.far.remove(0);
            self.deep.get_or_insert_default().insert(worst.number, worst);
        }
    }

    #[inline]
    pub fn remove(&mut self, place: Place) {
        let Some(page) = self.page_mut(place) else { unreachable!("a level that was found has its page") };
        page.remove(place.tick.bit, place.rank as usize);
        if page.bits == 0 {
            self.page_ended(place.page, place.tick.page);
        }
    }

    pub fn remove_best(&mut self) {
        self.near.levels.pop();
        self.near.bits ^= 1 << self.near.bits.ilog2();
        if self.near.bits == 0 {
            self.page_ended(NEAR, self.near.number);
        }
    }

    /// The last level of a page is gone: the page goes, and better ones of those behind take its place.
    #[cold]
    fn page_ended(&mut self, at: u32, number: i64) {
        match (at, &mut self.deep) {
            (DEEP, Some(deep)) => drop(deep.remove(&number)),
            (NEAR, _) => {
                if let Some(page) = self.far.pop() {
                    self.near = page;
                }
            }
            _ => drop(self.far.remove(at as usize)),
        }
        if let Some(deep) = &mut self.deep {
            if self.far.is_empty() {
                let best = std::iter::from_fn(|| deep.pop_last().map(|(_, page)| page));
                self.far.extend(best.take(FAR / 2));
                self.far.reverse();
            }
            if deep.is_empty() {
                self.deep = None;
            }
        }
    }

    /// Best first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Level)> {
        let grid = self.grid;
        self.pages().flat_map(move |page| {
            let ticks = page.ticks().map(move |tick| grid.key_of(tick));
            ticks.zip(page.levels.iter().rev())
        })
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (i64, &mut Level)> {
        let grid = self.grid;
        let deep = self.deep.iter_mut().flat_map(|deep| deep.values_mut().rev());
        let behind = self.far.iter_mut().rev().chain(deep);
        std::iter::once(&mut self.near).chain(behind).flat_map(move |page| {
            let ticks = page.ticks().map(move |tick| grid.key_of(tick));
            ticks.zip(page.levels.iter_mut().rev())
        })
    }

    pub fn len(&self) -> usize {
        self.pages().map(|page| page.levels.len()).sum()
    }

    /// Takes a level that is worse than all others: how a snapshot is read, best first.
    ///
    /// `false` when the key is out of order or on no tick.
    pub fn push_worst(&mut self, key: i64, level: Level) -> bool {
        let is_worse = self.worst().ticks().last().is_none_or(|tick| key < self.grid.key_of(tick));
        let fits = NO_KEY < key && is_worse && self.grid.holds(key);
        if fits {
            let (Ok(place) | Err(place)) = self.seek(key);
            self.insert(place, level);
        }
        fits
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        let behind = self.far.capacity() + self.deep.as_ref().map_or(0, |deep| deep.len());
        behind * size_of::<Page>()
            + self.pages().map(|page| page.levels.capacity() * size_of::<Level>()).sum::<usize>()
    }

    /// The promises of this file; the first that does not hold.
    pub fn verify(&self) -> Result<(), &'static str> {
        let mut last = None;
        for (key, _) in self.iter() {
            if last.is_some_and(|last| last <= key) || key == NO_KEY {
                return Err("keys rise strictly");
            }
            if !self.grid.holds(key) {
                return Err("a price is a whole number of ticks");
            }
            last = Some(key);
        }
        if self.pages().any(|page| page.bits.count_ones() as usize != page.levels.len()) {
            return Err("a page has a level for each bit");
        }
        let has_far = !self.far.is_empty();
        let filled = self.pages().skip(usize::from(!has_far)).all(|page| page.bits != 0);
        let led = has_far || self.deep.is_none();
        let named =
            self.deep.iter().flat_map(|deep| deep.iter()).all(|(number, page)| *number == page.number);
        if filled && led && named {
            Ok(())
        } else {
            Err("no page is empty, and none stands before a better one")
        }
    }

    /// The memory of the near levels.
    #[inline]
    pub fn prefetch(&self) {
        for block in self.near.levels.chunks(4).rev().take(8) {
            crate::prefetch::line(&block[0]);
        }
    }

    /// Best first.
    fn pages(&self) -> impl Iterator<Item = &Page> {
        let deep = self.deep.iter().flat_map(|deep| deep.values().rev());
        std::iter::once(&self.near).chain(self.far.iter().rev()).chain(deep)
    }

    fn worst(&self) -> &Page {
        let deepest = self.deep.as_ref().and_then(|deep| deep.values().next());
        deepest.or(self.far.first()).unwrap_or(&self.near)
    }

    #[inline]
    fn page_mut(&mut self, place: Place) -> Option<&mut Page> {
        match place.page {
            NEAR => Some(&mut self.near),
            DEEP => self.deep.as_mut()?.get_mut(&place.tick.page),
            at => self.far.get_mut(at as usize),
        }
    }
}

/// Where the page of a number stands among the far ones, or would.
#[inline]
fn find_page(pages: &[Page], number: i64) -> usize {
    // In a dense book there is a page for every number.
    let last = pages.len() - 1;
    let distance = pages[last].number.saturating_sub(number);
    if let Ok(distance) = usize::try_from(distance)
        && let Some(at) = last.checked_sub(distance)
        && pages[at].number == number
    {
        return at;
    }
    pages.partition_point(|page| page.number < number)
}

impl Page {
    #[inline]
    fn find(&self, page: u32, tick: Tick) -> Result<Place, Place> {
        let rank = (self.bits & ((1 << tick.bit) - 1)).count_ones();
        let place = Place { page, tick, rank };
        if self.bits >> tick.bit & 1 == 1 { Ok(place) } else { Err(place) }
    }

    #[inline]
    fn insert(&mut self, bit: u32, rank: usize, level: Level) {
        if self.levels.len() == self.levels.capacity() {
            // Thin books are many: room for a quarter more, not for as much again.
            self.levels.reserve_exact((self.levels.len() / 4).max(ROOM));
        }
        self.bits |= 1 << bit;
        self.levels.insert(rank, level);
    }

    #[inline]
    fn remove(&mut self, bit: u32, rank: usize) {
        self.bits &= !(1 << bit);
        self.levels.remove(rank);
    }

    /// Those that have a level, best first.
    fn ticks(&self) -> impl Iterator<Item = Tick> + use<> {
        let (page, mut bits) = (self.number, self.bits);
        std::iter::from_fn(move || {
            let bit = bits.checked_ilog2()?;
            bits ^= 1 << bit;
            Some(Tick { page, bit })
        })
    }
}
