//! All positions: found by account and instrument, listed by either.
//!
//! A position that has become empty stays in its row until the gate and is never shown. Rows of one
//! instrument, and of one account, are linked through the rows themselves, so that a trade allocates
//! nothing and touches one row.
//!
//! Units sum to zero over an instrument's holders once both sides of each trade are in, and until its gate
//! begins to take them out. Always true: where rows lie, and in which order they are linked, cannot be seen from outside.

use hourbook_model::{AccountId, InstrumentId, Money, Quantity};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::index::{Index, pair};
use crate::position::{Effect, Position};
use crate::{Broken, promise};

/// No row.
const NONE: u32 = u32::MAX;

/// The positions of all accounts in all instruments.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    index: Index,
    rows: Vec<Row>,
    free: Vec<u32>,
    /// By slot of the instrument.
    instruments: Vec<Holders>,
    /// By account: its first row.
    accounts: Vec<u32>,
}

/// One cache line.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Row {
    position: Position,
    account: AccountId,
    instrument: InstrumentId,
    next_of_instrument: u32,
    next_of_account: u32,
    previous_of_account: u32,
}

/// What an instrument knows of its positions.
#[derive(Clone, Debug)]
struct Holders {
    instrument: InstrumentId,
    first: u32,
    /// Whether the rows are linked in the order of accounts.
    sorted: bool,
    /// Sellers' fees in realised results.
    fees: Money,
}

impl Positions {
    /// The position of an account in an instrument; empty where there is none.
    #[inline]
    pub fn get(&self, account: AccountId, instrument: InstrumentId) -> Position {
        match self.index.get(pair(account.0, instrument.0)) {
            Some(slot) => self.rows[slot].position,
            None => Position::default(),
        }
    }

    /// See [`Position::buy`].
    #[inline]
    pub fn buy(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        lots: Quantity,
        amount: Money,
    ) -> Effect {
        let slot = self.row(account, instrument);
        let effect = self.rows[slot].position.buy(lots, amount);
        self.note_fee(instrument, effect)
    }

    /// See [`Position::sell`].
    #[inline]
    pub fn sell(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        lots: Quantity,
        amount: Money,
        fee: Money,
    ) -> Effect {
        let slot = self.row(account, instrument);
        let effect = self.rows[slot].position.sell(lots, amount, fee);
        self.note_fee(instrument, effect)
    }

    /// See [`Position::absorb`].
    pub fn absorb(&mut self, account: AccountId, instrument: InstrumentId, part: Position) -> Effect {
        let slot = self.row(account, instrument);
        let effect = self.rows[slot].position.absorb(part);
        self.note_fee(instrument, effect)
    }

    /// The positions of an account that are not empty, sorted by instrument id.
    pub fn of_account(&self, account: AccountId) -> Vec<(InstrumentId, Position)> {
        let first = self.accounts.get(account.0 as usize).copied().unwrap_or(NONE);
        let rows = self.linked(first, |row| row.next_of_account);
        let mut found: Vec<_> =
            rows.filter(|row| !row.position.is_empty()).map(|row| (row.instrument, row.position)).collect();
        found.sort_unstable_by_key(|(instrument, _)| *instrument);
        found
    }

    /// The positions in an instrument that are not empty, sorted by account.
    pub fn of_instrument(&self, instrument: InstrumentId) -> Vec<(AccountId, Position)> {
        let first = self.holders(instrument).map_or(NONE, |holders| holders.first);
        let rows = self.linked(first, |row| row.next_of_instrument);
        let mut found: Vec<_> =
            rows.filter(|row| !row.position.is_empty()).map(|row| (row.account, row.position)).collect();
        found.sort_unstable_by_key(|(account, _)| *account);
        found
    }

    /// Net units of all holders of an instrument: zero before its gate.
    pub fn units(&self, instrument: InstrumentId) -> i64 {
        let first = self.holders(instrument).map_or(NONE, |holders| holders.first);
        self.linked(first, |row| row.next_of_instrument).map(|row| row.position.units).sum()
    }

    /// Sellers' fees in the realised results of an instrument's holders.
    pub fn fees(&self, instrument: InstrumentId) -> Money {
        self.holders(instrument).map_or(Money::ZERO, |holders| holders.fees)
    }

    /// Takes out, at the gate, the position of the holder with the lowest account id; `None` once all
    /// are gone. The gate can thus be done in slices.
    pub fn pop_first(&mut self, instrument: InstrumentId) -> Option<(AccountId, Position)> {
        self.holders(instrument)?;
        let slot = instrument.slot();
        if !self.instruments[slot].sorted {
            self.sort(slot);
        }
        loop {
            let first = self.instruments[slot].first;
            if first == NONE {
                return None;
            }
            self.instruments[slot].first = self.rows[first as usize].next_of_instrument;
            let row = self.remove(first);
            if !row.position.is_empty() {
                return Some((row.account, row.position));
            }
        }
    }

    /// Ends an instrument whose positions have all been taken out, and returns the fees in their
    /// realised results, which the house is to receive.
    pub fn finish(&mut self, instrument: InstrumentId) -> Money {
        let left = self.pop_first(instrument);
        assert!(left.is_none(), "an instrument ends without positions");
        match self.holders(instrument) {
            Some(_) => std::mem::take(&mut self.instruments[instrument.slot()].fees),
            None => Money::ZERO,
        }
    }

    /// Checks every promise of this file over all positions, and that each is sound.
    ///
    /// # Errors
    /// [`Broken`] names the first promise that does not hold and the row or slot.
    pub fn check(&self) -> Result<(), Broken> {
        let mut linked = 0;
        for (slot, holders) in self.instruments.iter().enumerate() {
            for row in self.linked(holders.first, |row| row.next_of_instrument) {
                promise(row.instrument == holders.instrument, "a row hangs on its instrument", slot as u64)?;
                promise(row.position.is_sound(), "each position is sound", slot as u64)?;
                linked += 1;
            }
        }
        promise(linked == self.index.len(), "each row hangs on an instrument", 0)?;
        for (account, &first) in self.accounts.iter().enumerate() {
            let mut previous = NONE;
            let mut at = first;
            while at != NONE {
                let row = &self.rows[at as usize];
                promise(row.account.0 as usize == account, "a row hangs on its account", u64::from(at))?;
                promise(
                    row.previous_of_account == previous,
                    "rows of an account link both ways",
                    u64::from(at),
                )?;
                promise(self.index.get(row.key()) == Some(at as usize), "each row is found", u64::from(at))?;
                previous = at;
                at = row.next_of_account;
                linked -= 1;
            }
        }
        promise(linked == 0, "each row hangs on an account", 0)?;
        promise(self.index.len() + self.free.len() == self.rows.len(), "each row is in use or free", 0)
    }

    /// Adds a fee that went into a realised result to its instrument.
    #[inline]
    fn note_fee(&mut self, instrument: InstrumentId, effect: Effect) -> Effect {
        if effect.fee != Money::ZERO {
            let fees = &mut self.instruments[instrument.slot()].fees;
            fees.0 = fees.0.checked_add(effect.fee.0).expect("fees within their cap");
        }
        effect
    }

    #[inline]
    fn holders(&self, instrument: InstrumentId) -> Option<&Holders> {
        self.instruments.get(instrument.slot()).filter(|holders| holders.instrument == instrument)
    }

    fn linked(&self, first: u32, next: impl Fn(&Row) -> u32) -> impl Iterator<Item = &Row> {
        let mut at = first;
        std::iter::from_fn(move || {
            let row = self.rows.get(at as usize)?;
            at = next(row);
            Some(row)
        })
    }

    /// The row of an account in an instrument, made where there is none.
    #[inline]
    fn row(&mut self, account: AccountId, instrument: InstrumentId) -> usize {
        match self.index.get(pair(account.0, instrument.0)) {
            Some(slot) => slot,
            None => self.insert(account, instrument),
        }
    }

    #[cold]
    fn insert(&mut self, account: AccountId, instrument: InstrumentId) -> usize {
        let slot = self.free.pop().unwrap_or(self.rows.len() as u32);
        let next_of_instrument = self.link_instrument(instrument, slot);
        let next_of_account = self.link_account(account, slot);
        let position = Position::default();
        let row = Row {
            position,
            account,
            instrument,
            next_of_instrument,
            next_of_account,
            previous_of_account: NONE,
        };
        self.index.insert(row.key(), slot as usize);
        match self.rows.get_mut(slot as usize) {
            Some(free) => *free = row,
            None => self.rows.push(row),
        }
        slot as usize
    }

    /// Puts a row first on its instrument and returns what was first before.
    fn link_instrument(&mut self, instrument: InstrumentId, row: u32) -> u32 {
        let slot = instrument.slot();
        if self.instruments.len() <= slot {
            let nobody =
                Holders { instrument: InstrumentId(u32::MAX), first: NONE, sorted: true, fees: Money::ZERO };
            self.instruments.resize(slot + 1, nobody);
        }
        let holders = &mut self.instruments[slot];
        if holders.instrument != instrument {
            assert!(
                holders.first == NONE && holders.fees == Money::ZERO,
                "the slot's former instrument is finished"
            );
            holders.instrument = instrument;
        }
        holders.sorted = holders.first == NONE;
        std::mem::replace(&mut holders.first, row)
    }

    /// Puts a row first on its account and returns what was first before.
    fn link_account(&mut self, account: AccountId, row: u32) -> u32 {
        let slot = account.0 as usize;
        if self.accounts.len() <= slot {
            self.accounts.resize(slot + 1, NONE);
        }
        let next = std::mem::replace(&mut self.accounts[slot], row);
        if next != NONE {
            self.rows[next as usize].previous_of_account = row;
        }
        next
    }

    /// Frees a row that its instrument no longer links to.
    fn remove(&mut self, slot: u32) -> Row {
        let row = self.rows[slot as usize].clone();
        if row.next_of_account != NONE {
            self.rows[row.next_of_account as usize].previous_of_account = row.previous_of_account;
        }
        match row.previous_of_account {
            NONE => self.accounts[row.account.0 as usize] = row.next_of_account,
            previous => self.rows[previous as usize].next_of_account = row.next_of_account,
        }
        self.index.remove(row.key());
        self.free.push(slot);
        row
    }

    /// Links the rows of an instrument in the order of accounts.
    fn sort(&mut self, instrument: usize) {
        let mut rows = Vec::new();
        let mut at = self.instruments[instrument].first;
        while at != NONE {
            let row = &self.rows[at as usize];
            rows.push((row.account, at));
            at = row.next_of_instrument;
        }
        rows.sort_unstable();
        let mut next = NONE;
        for &(_, row) in rows.iter().rev() {
            self.rows[row as usize].next_of_instrument = next;
            next = row;
        }
        self.instruments[instrument].first = next;
        self.instruments[instrument].sorted = true;
    }
}

impl Row {
    fn key(&self) -> u64 {
        pair(self.account.0, self.instrument.0)
    }
}

/// What a snapshot holds: positions by instrument and account, and the fees by instrument.
type State = (Vec<(InstrumentId, AccountId, Position)>, Vec<(InstrumentId, Money)>);

impl Serialize for Positions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state: State = Default::default();
        for holders in &self.instruments {
            let instrument = holders.instrument;
            let rows = self
                .linked(holders.first, |row| row.next_of_instrument)
                .filter(|row| !row.position.is_empty());
            state.0.extend(rows.map(|row| (instrument, row.account, row.position)));
            if holders.fees != Money::ZERO {
                state.1.push((instrument, holders.fees));
            }
        }
        state.0.sort_unstable_by_key(|&(instrument, account, _)| (instrument, account));
        state.1.sort_unstable_by_key(|&(instrument, _)| instrument);
        state.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Positions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let state = State::deserialize(deserializer)?;
        Positions::restore(state).map_err(serde::de::Error::custom)
    }
}

impl Positions {
    fn restore((rows, fees): State) -> Result<Self, Broken> {
        let mut positions = Positions::default();
        // Fees first: an instrument may have them and nobody left who holds it.
        for (at, &(instrument, fee)) in fees.iter().enumerate() {
            let known = positions.holders(instrument).is_some();
            promise(!known && fee > Money::ZERO, "an instrument's fees are there once", at as u64)?;
            positions.link_instrument(instrument, NONE);
            positions.instruments[instrument.slot()].fees = fee;
        }
        for (at, &(instrument, account, position)) in rows.iter().enumerate() {
            let ascends = at == 0 || (rows[at - 1].0, rows[at - 1].1) < (instrument, account);
            promise(ascends && account != AccountId(0), "positions ascend", at as u64)?;
            let slot = positions.insert(account, instrument);
            positions.rows[slot].position = position;
        }
        positions.check()?;
        Ok(positions)
    }
}
