//! Runs: entries of one account, packed in a row, as they are kept.
//!
//! A run is a header of 20 bytes - length of the whole, CRC32C of the rest, number of the first entry, how many - and
//! its entries. Once written it never changes.

use crate::pack::Entry;
use crc_fast::CrcAlgorithm::Crc32Iscsi;
use hourbook_model::{AccountId, Stamp};
use std::marker::PhantomData;
use std::sync::Arc;

const HEADER: usize = 20;
/// A run of this many bytes is full: what reading a single entry unpacks at most.
const FULL: usize = 8_000;
/// More than one entry takes.
const ENTRY: usize = 256;

/// What is read is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage;

/// Sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run<E> {
    pub first: u64,
    pub count: u32,
    bytes: Vec<u8>,
    of: PhantomData<E>,
}

impl<E: Entry> Run<E> {
    /// As it is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The runs that one value of the database holds, in order.
    pub fn all_of(mut value: &[u8]) -> Result<Vec<Arc<Run<E>>>, Damage> {
        let mut runs = Vec::new();
        while !value.is_empty() {
            let length = value.first_chunk().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
            if length < HEADER {
                return Err(Damage);
            }
            let (run, rest) = value.split_at_checked(length).ok_or(Damage)?;
            if run[4..8] != checksum(run) {
                return Err(Damage);
            }
            let first = u64::from_le_bytes(run[8..16].try_into().expect("eight bytes"));
            let count = u32::from_le_bytes(run[16..20].try_into().expect("four bytes"));
            runs.push(Arc::new(Run { first, count, bytes: run.to_vec(), of: PhantomData }));
            value = rest;
        }
        Ok(runs)
    }

    /// The number after its last; of what is gapless.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    pub fn entries(&self, account: AccountId) -> Entries<'_, E> {
        Entries {
            account,
            number: self.first,
            left: self.count,
            before: (Stamp::default(), E::BLANK),
            rest: &self.bytes[HEADER..],
        }
    }
}

fn checksum(run: &[u8]) -> [u8; 4] {
    (crc_fast::checksum(Crc32Iscsi, &run[8..]) as u32).to_le_bytes()
}

/// The entries of a run, in order.
pub(crate) struct Entries<'a, E> {
    account: AccountId,
    number: u64,
    left: u32,
    before: (Stamp, E),
    rest: &'a [u8],
}

impl<E: Entry> Iterator for Entries<'_, E> {
    type Item = Result<(Stamp, E), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(entry) = E::unpack(self.number, self.account, &self.before, &mut self.rest) else {
            self.left = 0;
            return Some(Err(Damage));
        };
        self.before = entry;
        self.number += 1;
        Some(Ok(entry))
    }
}

/// The runs of one account that are not on disk, the last of them still growing.
pub(crate) struct Growing<E> {
    sealed: Vec<Arc<Run<E>>>,
    first: u64,
    count: u32,
    before: (Stamp, E),
    /// Begins with room for the header.
    bytes: Vec<u8>,
}

impl<E: Entry> Default for Growing<E> {
    fn default() -> Self {
        Growing {
            sealed: Vec::new(),
            first: 0,
            count: 0,
            before: (Stamp::default(), E::BLANK),
            bytes: Vec::new(),
        }
    }
}

impl<E: Entry> Growing<E> {
    /// Takes an entry; how many bytes more that is.
    pub fn push(&mut self, at: Stamp, entry: &E) -> usize {
        let follows = !E::GAPLESS || entry.number() == self.first + u64::from(self.count);
        if self.count > 0 && (!follows || self.bytes.len() + ENTRY > FULL) {
            self.seal();
            // The next one is likely to fill as well.
            self.bytes.reserve_exact(FULL);
        }
        let before = self.bytes.len();
        if self.count == 0 {
            self.first = entry.number();
            self.before = (Stamp::default(), E::BLANK);
            self.bytes.resize(HEADER, 0);
        }
        entry.pack(at, &self.before, &mut self.bytes);
        self.before = (at, *entry);
        self.count += 1;
        self.bytes.len() - before
    }

    /// Everything in memory as runs, for a reader; the one that grows is copied.
    pub fn view(&self) -> Vec<Arc<Run<E>>> {
        let mut runs = self.sealed.clone();
        if self.count > 0 {
            runs.push(Arc::new(self.sealed_as(self.bytes.clone())));
        }
        runs
    }

    /// Everything in memory as runs, for the disk.
    pub fn seal(&mut self) -> &[Arc<Run<E>>] {
        if self.count > 0 {
            let bytes = std::mem::take(&mut self.bytes);
            let run = self.sealed_as(bytes);
            self.sealed.push(Arc::new(run));
            self.count = 0;
        }
        &self.sealed
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.sealed.is_empty()
    }

    /// The first so many runs are on disk; how many bytes less that is.
    pub fn written(&mut self, runs: usize) -> usize {
        self.sealed.drain(..runs).map(|run| run.bytes.len()).sum()
    }

    fn sealed_as(&self, mut bytes: Vec<u8>) -> Run<E> {
        let length = u32::try_from(bytes.len()).expect("a run is short");
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.count.to_le_bytes());
        let checksum = checksum(&bytes);
        bytes[4..8].copy_from_slice(&checksum);
        Run { first: self.first, count: self.count, bytes, of: PhantomData }
    }
}
