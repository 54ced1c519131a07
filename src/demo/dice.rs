//! Chance that a seed decides: the same throws for the same seed and name, on any machine.

/// A stream of throws.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Each name has a stream of its own, so that who throws more often changes nothing for the others.
    pub fn of(seed: u64, name: &str) -> Dice {
        let digest = blake3::Hasher::new().update(&seed.to_le_bytes()).update(name.as_bytes()).finalize();
        let (first, _) = digest.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
        Dice(u64::from_le_bytes(*first))
    }

    /// SplitMix64, by Sebastiano Vigna.
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A whole number from `least` to `most`, both included.
    pub fn number(&mut self, least: i64, most: i64) -> i64 {
        debug_assert!(least <= most);
        least + (self.throw() % (most - least + 1) as u64) as i64
    }

    /// Whether something happens that happens so many times in a thousand.
    pub fn happens(&mut self, of_thousand: i64) -> bool {
        self.number(0, 999) < of_thousand
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.number(0, among.len() as i64 - 1) as usize]
    }
}
