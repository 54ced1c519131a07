//! A look-up table from a number to a slot. It offers no iteration, so hash order cannot leak.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// Keys are numbers the exchange gave out itself, so a fixed seed gives an attacker nothing.
#[derive(Clone, Debug)]
pub(crate) struct Index(HashMap<u64, u32, FixedState>);

impl Default for Index {
    fn default() -> Self {
        Index(HashMap::with_hasher(FixedState::with_seed(0x686f_7572_626f_6f6b)))
    }
}

impl Index {
    #[inline]
    pub fn get(&self, key: u64) -> Option<usize> {
        self.0.get(&key).map(|&slot| slot as usize)
    }

    /// Puts in a key that was not there.
    pub fn insert(&mut self, key: u64, slot: usize) {
        let slot = u32::try_from(slot).expect("fewer than 2^32 slots");
        let former = self.0.insert(key, slot);
        assert!(former.is_none(), "a key is indexed once");
    }

    /// Takes out a key that was there.
    pub fn remove(&mut self, key: u64) {
        let former = self.0.remove(&key);
        assert!(former.is_some(), "only an indexed key is removed");
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// Two ids as one key; ordered as the pair is.
#[inline]
pub(crate) fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}
