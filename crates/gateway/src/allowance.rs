//! An allowance: so many units a second, and so many at once. Who asks for more is told how long to wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub struct Allowance {
    each: Duration,
    /// How long all of it takes to grow back.
    whole: Duration,
    /// When it will be whole again, if nothing more is taken.
    whole_at: Mutex<Instant>,
}

impl Allowance {
    pub fn new(per_second: u32, at_once: u32) -> Allowance {
        let each = Duration::from_secs(1) / per_second.max(1);
        Allowance { each, whole: each * at_once, whole_at: Mutex::new(Instant::now()) }
    }

    /// Takes `units`, all or none.
    ///
    /// # Errors
    /// How long until there is room for them.
    pub fn take(&self, units: u32) -> Result<(), Duration> {
        let now = Instant::now();
        let mut whole_at = self.whole_at();
        let then = (*whole_at).max(now) + self.each * units;
        match then.saturating_duration_since(now).checked_sub(self.whole) {
            None | Some(Duration::ZERO) => {
                *whole_at = then;
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }

    /// How long until there is room for `units`, or for as many as there may be at once; nothing is taken.
    pub fn room_in(&self, units: u32) -> Duration {
        let now = Instant::now();
        let then = (*self.whole_at()).max(now) + (self.each * units).min(self.whole);
        then.saturating_duration_since(now).saturating_sub(self.whole)
    }

    /// Makes of what was taken what it should have been: what is too little is owed.
    pub fn settle(&self, taken: u32, due: u32) {
        let mut whole_at = self.whole_at();
        *whole_at = match due.checked_sub(taken) {
            Some(more) => (*whole_at).max(Instant::now()) + self.each * more,
            // What had grown back meanwhile is no more than whole.
            None => whole_at.checked_sub(self.each * (taken - due)).unwrap_or(*whole_at),
        };
    }

    fn whole_at(&self) -> MutexGuard<'_, Instant> {
        self.whole_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_needed_comes_back_and_what_was_too_little_is_owed() {
        let rows = Allowance::new(10, 100);
        assert_eq!(rows.take(100), Ok(()));
        assert!(rows.take(1).is_err());
        // A page of a hundred had two rows.
        rows.settle(100, 2);
        assert_eq!(rows.take(98), Ok(()));
        rows.settle(0, 50);
        let wait = rows.take(1).unwrap_err();
        assert!(wait > Duration::from_secs(4) && wait <= Duration::from_millis(5_100), "{wait:?}");
        assert!(rows.room_in(1) <= wait && rows.room_in(50) > wait);
        assert_eq!(rows.room_in(100).as_secs(), rows.room_in(1_000_000).as_secs(), "more there never is");
    }
}
