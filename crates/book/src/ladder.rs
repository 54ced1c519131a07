//! The price levels of one side, sorted so that the best stands last.
//!
//! A level is known by its key, which grows as the price gets better, so that both sides are the same code.
//! Keys and levels lie in runs of at most [`FULL`]: the best run at hand, which is all that a thin book ever
//! has, and behind it, in a book with many levels, the worse ones. So a new level moves at most one run, however
//! many levels there are, and the common search reads a few neighbouring cache lines.
//!
//! Always true: keys rise strictly through the runs; no run is empty, but for the near run of an empty ladder.

use hourbook_model::{Price, Side};

/// The key of no level: below every other.
pub(crate) const NO_KEY: i64 = i64::MIN;
/// The key of market orders in a call: better than any limit.
pub(crate) const MARKET: i64 = i64::MAX;
/// Levels of a run before it is split; few in unit tests, so that small books have many runs there.
const FULL: usize = if cfg!(test) { 8 } else { 256 };
/// Levels that two neighbouring runs may have together to become one.
const MERGED: usize = FULL / 2;

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

/// Where a level stands, or would.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Index of a far run, or [`NEAR`].
    run: u32,
    at: u32,
}

const NEAR: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
pub(crate) struct Ladder {
    near: Run,
    far: Option<Box<Far>>,
}

/// The runs beyond the near one, worst first. A run takes the keys from its low to the next run's; its own
/// least key may be higher.
#[derive(Clone, Debug, Default)]
struct Far {
    lows: Vec<i64>,
    runs: Vec<Run>,
}

#[derive(Clone, Debug, Default)]
struct Run {
    keys: Vec<i64>,
    levels: Vec<Level>,
}

impl Ladder {
    pub fn is_empty(&self) -> bool {
        self.near.keys.is_empty()
    }

    /// The best level's key, or [`NO_KEY`].
    pub fn best_key(&self) -> i64 {
        self.near.keys.last().copied().unwrap_or(NO_KEY)
    }

    pub fn best(&self) -> Option<&Level> {
        self.near.levels.last()
    }

    pub fn best_mut(&mut self) -> Option<&mut Level> {
        self.near.levels.last_mut()
    }

    /// Where the level of a key stands, or else where it would.
    pub fn seek(&self, key: i64) -> Result<Place, Place> {
        let beyond = self.far.as_ref().filter(|_| self.near.keys.first().is_some_and(|lowest| key < *lowest));
        match beyond {
            None => place(NEAR, self.near.find(key)),
            Some(far) => {
                let run = far.lows.partition_point(|low| *low <= key).saturating_sub(1);
                place(run as u32, far.runs[run].find(key))
            }
        }
    }

    /// The level of a key, if there is one.
    pub fn get(&self, key: i64) -> Option<&Level> {
        let place = self.seek(key).ok()?;
        let run = match &self.far {
            Some(far) if place.run != NEAR => &far.runs[place.run as usize],
            _ => &self.near,
        };
        run.levels.get(place.at as usize)
    }

    pub fn level_mut(&mut self, place: Place) -> &mut Level {
        &mut self.run_mut(place).levels[place.at as usize]
    }

    /// A new level at the place that `seek` gave for its key.
    pub fn insert(&mut self, place: Place, key: i64, level: Level) {
        let run = self.run_mut(place);
        if run.keys.len() < FULL {
            run.insert(place.at as usize, key, level);
            return;
        }
        self.split(place.run);
        let (Ok(place) | Err(place)) = self.seek(key);
        self.run_mut(place).insert(place.at as usize, key, level);
    }

    pub fn remove(&mut self, place: Place) {
        let run = self.run_mut(place);
        run.keys.remove(place.at as usize);
        run.levels.remove(place.at as usize);
        if place.run == NEAR {
            self.refill();
        } else if run.keys.len() < MERGED / 2 {
            self.merge(place.run as usize);
        }
    }

    pub fn remove_best(&mut self) {
        self.near.keys.pop();
        self.near.levels.pop();
        self.refill();
    }

    /// Best first.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Level)> {
        let far = self.far.iter().flat_map(|far| far.runs.iter().rev());
        std::iter::once(&self.near).chain(far).flat_map(|run| run.keys.iter().copied().zip(&run.levels).rev())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (i64, &mut Level)> {
        let far = self.far.iter_mut().flat_map(|far| far.runs.iter_mut());
        std::iter::once(&mut self.near)
            .chain(far)
            .flat_map(|run| run.keys.iter().copied().zip(&mut run.levels))
    }

    pub fn len(&self) -> usize {
        self.runs().map(|run| run.keys.len()).sum()
    }

    /// Takes a level that is worse than all others: how a snapshot is read, best first.
    ///
    /// `false` when the key is out of order.
    pub fn push_worst(&mut self, key: i64, level: Level) -> bool {
        let worst = match &self.far {
            Some(far) => far.runs[0].keys[0],
            None => self.near.keys.first().copied().unwrap_or(MARKET),
        };
        let in_order = NO_KEY < key && (key < worst || self.is_empty());
        if in_order {
            let (Ok(place) | Err(place)) = self.seek(key);
            self.insert(place, key, level);
        }
        in_order
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        let far = self.far.as_ref().map_or(0, |far| {
            size_of::<Far>() + far.lows.capacity() * size_of::<i64>() + far.runs.capacity() * size_of::<Run>()
        });
        far + self.runs().map(Run::bytes).sum::<usize>()
    }

    /// The promises of this file; the first that does not hold.
    pub fn verify(&self) -> Result<(), &'static str> {
        let mut last = None;
        for (key, _) in self.iter() {
            if last.is_some_and(|last| last <= key) || key == NO_KEY {
                return Err("keys rise strictly");
            }
            last = Some(key);
        }
        let sound = self.runs().all(|run| run.keys.len() == run.levels.len() && run.keys.len() <= FULL);
        let filled = self.far.as_ref().is_none_or(|far| {
            let lows = far.lows.iter().zip(&far.runs).skip(1).all(|(low, run)| *low <= run.keys[0]);
            !far.runs.is_empty() && !self.is_empty() && far.lows.len() == far.runs.len() && lows
        });
        if sound && filled { Ok(()) } else { Err("runs are filled and of one length") }
    }

    /// The memory that a search for a key will read.
    #[inline]
    pub fn prefetch(&self) {
        for block in self.near.keys.chunks(8).rev().take(4) {
            crate::prefetch::line(&block[0]);
        }
        for block in self.near.levels.chunks(4).rev().take(8) {
            crate::prefetch::line(&block[0]);
        }
    }

    fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.near).chain(self.far.iter().flat_map(|far| far.runs.iter()))
    }

    fn run_mut(&mut self, place: Place) -> &mut Run {
        match &mut self.far {
            Some(far) if place.run != NEAR => &mut far.runs[place.run as usize],
            _ => &mut self.near,
        }
    }

    /// Gives the worse half of a full run to a run of its own.
    #[cold]
    fn split(&mut self, run: u32) {
        if run == NEAR {
            let far = self.far.get_or_insert_default();
            let worse = self.near.split();
            // Whatever is below the near run's least key belongs to the last far run.
            far.lows.push(worse.keys[0]);
            far.runs.push(worse);
        } else if let Some(far) = &mut self.far {
            let at = run as usize;
            let worse = far.runs[at].split();
            far.lows.insert(at, far.lows[at].min(worse.keys[0]));
            far.lows[at + 1] = far.runs[at].keys[0];
            far.runs.insert(at, worse);
        }
    }

    /// An empty near run takes the place of the best far one.
    fn refill(&mut self) {
        if !self.near.keys.is_empty() {
            return;
        }
        if let Some(far) = &mut self.far {
            if let Some(run) = far.runs.pop() {
                far.lows.pop();
                self.near = run;
            }
            if far.runs.is_empty() {
                self.far = None;
            }
        }
    }

    /// Joins a far run that has become small with the next worse one, and drops it when it is empty.
    #[cold]
    fn merge(&mut self, at: usize) {
        let Some(far) = &mut self.far else { return };
        let small = far.runs[at].keys.len();
        if small == 0 {
            far.runs.remove(at);
            far.lows.remove(at);
        } else if at > 0 && small + far.runs[at - 1].keys.len() <= MERGED {
            let run = far.runs.remove(at);
            far.lows.remove(at);
            far.runs[at - 1].keys.extend(run.keys);
            far.runs[at - 1].levels.extend(run.levels);
        }
        if far.runs.is_empty() {
            self.far = None;
        }
    }
}

impl Run {
    /// How many keys are below this one.
    #[inline]
    fn rank(&self, key: i64) -> usize {
        // Halved without a branch that depends on a key.
        self.keys.partition_point(|known| *known < key)
    }

    #[inline]
    fn find(&self, key: i64) -> Result<usize, usize> {
        let at = self.rank(key);
        if self.keys.get(at) == Some(&key) { Ok(at) } else { Err(at) }
    }

    fn insert(&mut self, at: usize, key: i64, level: Level) {
        let len = self.keys.len();
        if len == self.keys.capacity() {
            // Thin books are many: room for a quarter more, not for as much again.
            let more = (len / 4).clamp(4, FULL - len.min(FULL - 4));
            self.keys.reserve_exact(more);
            self.levels.reserve_exact(more);
        }
        self.keys.insert(at, key);
        self.levels.insert(at, level);
    }

    /// Cuts off the worse half.
    fn split(&mut self) -> Run {
        let half = self.keys.len() / 2;
        Run { keys: self.keys.drain(..half).collect(), levels: self.levels.drain(..half).collect() }
    }

    fn bytes(&self) -> usize {
        self.keys.capacity() * size_of::<i64>() + self.levels.capacity() * size_of::<Level>()
    }
}

#[inline]
fn place(run: u32, found: Result<usize, usize>) -> Result<Place, Place> {
    match found {
        Ok(at) => Ok(Place { run, at: at as u32 }),
        Err(at) => Err(Place { run, at: at as u32 }),
    }
}
