//! Hours: what each account has declared of a product, and what it can still sell, hour by hour.
//!
//! Available = declared + bought - sold - held for resting sell orders. A sell order takes its
//! hours when it enters and gives back what does not trade; a fill changes nothing for the seller
//! and gives the hours to the buyer, who can sell them on.
//!
//! Always true: nothing available is negative, so no hour is sold twice, except of accounts that sell
//! uncovered; hours before the floor
//! are forgotten, whether or not the row has been swept, and a snapshot does not show the difference.

use std::ops::Range;

use hourbook_model::{AccountId, Hour, ProductId, Quantity};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::axis::Axis;
use crate::index::pair;
use crate::{Broken, promise};

/// Most lots an account may declare of a product in an hour. To be refused by the caller.
pub const MAX_CAPACITY: Quantity = Quantity(1_000_000_000_000);

/// A sell was refused: fewer hours are available than were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// Lots available in every hour of the range.
    pub available: Quantity,
}

/// A declaration was refused: more is sold, or held for sell orders, than it would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BelowSold {
    /// The first such hour.
    pub hour: Hour,
    /// The least that can be declared for it.
    pub least: Quantity,
}

/// One account's hours of one product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    declared: Axis,
    available: Axis,
    /// Whether the account may have sold what it does not have.
    uncovered: bool,
}

/// The hours of all accounts in all products.
#[derive(Clone, Debug, Default)]
pub struct HourBook {
    /// By product, then by account: the row. Found without hashing, so that its memory can be asked for ahead.
    index: Vec<Vec<u32>>,
    rows: Vec<Row>,
    free: Vec<u32>,
    /// Hours before this are forgotten.
    floor: Hour,
    /// The row to be swept next.
    sweep: usize,
}

/// No row.
const NONE: u32 = u32::MAX;

/// One cache line.
#[derive(Clone, Debug, Default)]
#[repr(align(64))]
struct Row {
    /// Account and product; 0 for a free row.
    key: u64,
    capacity: Capacity,
}

impl Capacity {
    /// What the account says it can deliver.
    pub fn declared(&self) -> &Axis {
        &self.declared
    }

    /// What it can still sell.
    pub fn available(&self) -> &Axis {
        &self.available
    }

    /// Sets what is declared in every hour of a range.
    ///
    /// # Errors
    /// [`BelowSold`] when an hour would be left with less than is sold; nothing changes then.
    pub fn declare(&mut self, hours: Range<Hour>, lots: Quantity) -> Result<(), BelowSold> {
        assert!((Quantity::ZERO..=MAX_CAPACITY).contains(&lots), "capacity within its cap");
        let mut hour = hours.start;
        while hour < hours.end {
            let least = self.declared.at(hour) - self.available.at(hour);
            if lots < least {
                return Err(BelowSold { hour, least });
            }
            let next = [self.declared.next_change(hour), self.available.next_change(hour)];
            hour = next.into_iter().flatten().fold(hours.end, Hour::min);
        }

        let mut hour = hours.start;
        while hour < hours.end {
            let more = lots - self.declared.at(hour);
            let next = self.declared.next_change(hour).map_or(hours.end, |next| next.min(hours.end));
            self.declared.add(hour..next, more);
            self.available.add(hour..next, more);
            hour = next;
        }
        Ok(())
    }

    /// Takes `lots` of every hour of a range: held for a sell order, then sold.
    ///
    /// # Errors
    /// [`Short`] when an hour has less; nothing changes then.
    #[inline]
    pub fn take(&mut self, hours: Range<Hour>, lots: Quantity) -> Result<(), Short> {
        assert!(lots >= Quantity::ZERO, "lots taken are not negative");
        let available = self.available.min(hours.clone());
        if lots > available {
            return Err(Short { available });
        }
        self.available.add(hours, -lots);
        Ok(())
    }

    /// Takes `lots` of every hour of a range whether or not they are there.
    pub fn take_uncovered(&mut self, hours: Range<Hour>, lots: Quantity) {
        assert!(lots >= Quantity::ZERO, "lots taken are not negative");
        self.available.add(hours, -lots);
        self.uncovered = true;
    }

    /// Gives `lots` to every hour of a range: bought, or no longer held for a sell order.
    #[inline]
    pub fn give(&mut self, hours: Range<Hour>, lots: Quantity) {
        assert!(lots >= Quantity::ZERO, "lots given are not negative");
        self.available.add(hours, lots);
    }

    fn forget(&mut self, before: Hour) {
        self.declared.forget(before);
        self.available.forget(before);
    }

    /// Whether nothing is left to know of it.
    fn is_empty(&self) -> bool {
        self.declared.is_zero() && self.available.is_zero() && !self.uncovered
    }
}

impl HourBook {
    /// One account's hours of one product, if it has or had any; hours before the floor may still show.
    pub fn get(&self, account: AccountId, product: ProductId) -> Option<&Capacity> {
        self.slot(account, product).map(|slot| &self.rows[slot].capacity)
    }

    /// Where the row of an account and product is looked up, for whoever asks for its memory ahead.
    #[inline]
    pub fn entry(&self, account: AccountId, product: ProductId) -> Option<&u32> {
        self.index.get(product.0 as usize)?.get(account.0 as usize)
    }

    #[inline]
    fn slot(&self, account: AccountId, product: ProductId) -> Option<usize> {
        self.entry(account, product).filter(|row| **row != NONE).map(|row| *row as usize)
    }

    /// Lots available in every hour of a range, which must not be empty; none in hours forgotten.
    #[inline]
    pub fn available(&self, account: AccountId, product: ProductId, hours: Range<Hour>) -> Quantity {
        match self.get(account, product) {
            Some(capacity) if hours.start >= self.floor => capacity.available.min(hours),
            _ => Quantity::ZERO,
        }
    }

    /// Whether a sell of `lots` in every hour of a range is covered.
    #[inline]
    pub fn covers(&self, account: AccountId, product: ProductId, hours: Range<Hour>, lots: Quantity) -> bool {
        lots <= self.available(account, product, hours)
    }

    /// Sets what is declared in every hour of a range; hours forgotten are left out.
    ///
    /// # Errors
    /// [`BelowSold`] when an hour would be left with less than is sold; nothing changes then.
    pub fn declare(
        &mut self,
        account: AccountId,
        product: ProductId,
        hours: Range<Hour>,
        lots: Quantity,
    ) -> Result<(), BelowSold> {
        let hours = self.ahead(hours);
        self.row(account, product).declare(hours, lots)
    }

    /// Takes `lots` of every hour of a range: held for a sell order, then sold.
    ///
    /// # Errors
    /// [`Short`] when an hour has less, or is forgotten; nothing changes then.
    #[inline]
    pub fn take(
        &mut self,
        account: AccountId,
        product: ProductId,
        hours: Range<Hour>,
        lots: Quantity,
    ) -> Result<(), Short> {
        match self.slot(account, product) {
            Some(slot) if hours.start >= self.floor => {
                let capacity = &mut self.rows[slot].capacity;
                capacity.available.forget(self.floor);
                capacity.take(hours, lots)
            }
            _ if lots == Quantity::ZERO => Ok(()),
            _ => Err(Short { available: Quantity::ZERO }),
        }
    }

    /// Takes `lots` of every hour of a range whether or not they are there, for accounts of unlimited
    /// credit: of a rehearsal, never of a participant who must deliver. Hours forgotten are left out.
    pub fn take_uncovered(
        &mut self,
        account: AccountId,
        product: ProductId,
        hours: Range<Hour>,
        lots: Quantity,
    ) {
        let hours = self.ahead(hours);
        let floor = self.floor;
        let capacity = self.row(account, product);
        capacity.available.forget(floor);
        capacity.take_uncovered(hours, lots);
    }

    /// Gives `lots` to every hour of a range, bought or no longer held; hours forgotten are left out.
    #[inline]
    pub fn give(&mut self, account: AccountId, product: ProductId, hours: Range<Hour>, lots: Quantity) {
        let hours = self.ahead(hours);
        let floor = self.floor;
        let capacity = self.row(account, product);
        capacity.available.forget(floor);
        capacity.give(hours, lots);
    }

    /// Forgets all hours before `before`. Costs nothing: rows drop their past when touched or swept.
    pub fn forget(&mut self, before: Hour) {
        self.floor = self.floor.max(before);
    }

    /// Hours before this are forgotten.
    pub fn floor(&self) -> Hour {
        self.floor
    }

    /// Drops the past of the next `rows` rows, and rows that have nothing left. To be called in
    /// slices; nothing but memory depends on it.
    pub fn sweep(&mut self, rows: usize) {
        for _ in 0..rows.min(self.rows.len()) {
            self.sweep = (self.sweep + 1) % self.rows.len();
            let row = &mut self.rows[self.sweep];
            row.capacity.forget(self.floor);
            if row.key != 0 && row.capacity.is_empty() {
                self.index[row.key as u32 as usize][(row.key >> 32) as usize] = NONE;
                *row = Row::default();
                self.free.push(self.sweep as u32);
            }
        }
    }

    /// All hours that are not forgotten, sorted by account, then product; without empty rows.
    pub fn rows(&self) -> Vec<(AccountId, ProductId, Capacity)> {
        let mut rows: Vec<_> = self.rows.iter().filter(|row| row.key != 0).collect();
        rows.sort_unstable_by_key(|row| row.key);
        let rows = rows.into_iter().map(|row| {
            let mut capacity = row.capacity.clone();
            capacity.forget(self.floor);
            (AccountId((row.key >> 32) as u32), ProductId(row.key as u32), capacity)
        });
        rows.filter(|(_, _, capacity)| !capacity.is_empty()).collect()
    }

    /// Checks every promise of this file over the whole book.
    ///
    /// # Errors
    /// [`Broken`] names the first promise that does not hold and the row.
    pub fn check(&self) -> Result<(), Broken> {
        for (slot, row) in self.rows.iter().enumerate().filter(|(_, row)| row.key != 0) {
            let at = slot as u64;
            let (account, product) = (AccountId((row.key >> 32) as u32), ProductId(row.key as u32));
            promise(self.slot(account, product) == Some(slot), "each row is found", at)?;
            let positive = |axis: &Axis| axis.segments().all(|(_, lots)| lots > Quantity::ZERO);
            promise(positive(&row.capacity.declared), "nothing declared is negative", at)?;
            let covered = row.capacity.uncovered || positive(&row.capacity.available);
            promise(covered, "nothing available is negative", at)?;
        }
        let used = self.index.iter().flatten().filter(|row| **row != NONE).count();
        promise(used + self.free.len() == self.rows.len(), "each row is in use or free", 0)
    }

    fn ahead(&self, hours: Range<Hour>) -> Range<Hour> {
        hours.start.max(self.floor)..hours.end
    }

    /// The row of an account and product, made where there is none.
    #[inline]
    fn row(&mut self, account: AccountId, product: ProductId) -> &mut Capacity {
        assert!(account != AccountId(0), "account 0 is nobody");
        let slot = match self.slot(account, product) {
            Some(slot) => slot,
            None => self.insert(pair(account.0, product.0), Capacity::default()),
        };
        &mut self.rows[slot].capacity
    }

    #[cold]
    fn insert(&mut self, key: u64, capacity: Capacity) -> usize {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None => {
                self.rows.push(Row::default());
                self.rows.len() - 1
            }
        };
        self.rows[slot] = Row { key, capacity };
        let (account, product) = ((key >> 32) as usize, key as u32 as usize);
        if self.index.len() <= product {
            self.index.resize_with(product + 1, Vec::new);
        }
        let accounts = &mut self.index[product];
        if accounts.len() <= account {
            accounts.resize(account + 1, NONE);
        }
        accounts[account] = slot as u32;
        slot
    }
}

impl Serialize for HourBook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.floor, self.rows()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for HourBook {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (floor, rows) = <(Hour, Vec<(AccountId, ProductId, Capacity)>)>::deserialize(deserializer)?;
        HourBook::restore(floor, rows).map_err(serde::de::Error::custom)
    }
}

impl HourBook {
    fn restore(floor: Hour, rows: Vec<(AccountId, ProductId, Capacity)>) -> Result<Self, Broken> {
        let mut book = HourBook { floor, ..HourBook::default() };
        let mut last = 0;
        for (at, (account, product, capacity)) in rows.into_iter().enumerate() {
            let key = pair(account.0, product.0);
            promise(account != AccountId(0) && key > last, "rows ascend", at as u64)?;
            last = key;
            book.insert(key, capacity);
        }
        book.check()?;
        Ok(book)
    }
}
