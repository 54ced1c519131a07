//! A digest that no library changes: what stands in the state for good may not hang on one.
//!
//! Quick rather than safe. Whoever finds two texts with one digest has found them among their own: it tells
//! apart what one account has asked.

/// Digits of pi, so that nothing is up a sleeve; odd.
const LOW: u64 = 0x243f_6a88_85a3_08d3;
const HIGH: u64 = 0x4528_21e6_38d0_1377;
const BY_LOW: u64 = 0xbe54_66cf_34e9_0c6d;
const BY_HIGH: u64 = 0xc0ac_29b7_c97c_50dd;

/// 128 bits of some bytes, taken in words of eight, little-endian, the last filled with zeros; the number of bytes
/// is the last word of all. Each word is mixed into two halves, each by a factor of its own.
#[derive(Clone, Debug)]
pub struct Digest {
    low: u64,
    high: u64,
    word: u64,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Digest {
        Digest { low: LOW, high: HIGH, word: 0, bytes: 0 }
    }
}

impl Digest {
    pub fn of(bytes: &[u8]) -> u128 {
        let mut digest = Digest::default();
        let mut words = bytes.chunks_exact(8);
        for word in words.by_ref() {
            digest.mix(u64::from_le_bytes(word.try_into().expect("eight bytes")));
        }
        digest.bytes = (bytes.len() - words.remainder().len()) as u64;
        words.remainder().iter().for_each(|byte| digest.push(*byte));
        digest.finish()
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.word |= u64::from(byte) << (self.bytes % 8 * 8);
        self.bytes += 1;
        if self.bytes.is_multiple_of(8) {
            self.mix(self.word);
            self.word = 0;
        }
    }

    pub fn finish(mut self) -> u128 {
        if !self.bytes.is_multiple_of(8) {
            self.mix(self.word);
        }
        self.mix(self.bytes);
        u128::from(self.high) << 64 | u128::from(self.low)
    }

    #[inline]
    fn mix(&mut self, word: u64) {
        self.low = folded(self.low ^ word, BY_LOW);
        self.high = folded(self.high ^ word, BY_HIGH);
    }
}

/// The two halves of the product, one over the other.
#[inline]
fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}
