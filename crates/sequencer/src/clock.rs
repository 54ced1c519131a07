//! Where time comes from. The writer asks here and nowhere else; the core is told. In a rehearsal time comes from the
//! journal alone: it stands but for [`AdvanceTime`](hourbook_model::AdvanceTime).

use hourbook_model::Time;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The source of time.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The wall clock as it stood at the start, and from then on the monotonic one: a step of the wall
    /// clock while the exchange runs changes nothing.
    #[default]
    Wall,
    /// Stands until it is moved: for tests and rehearsals.
    Manual(ManualClock),
}

/// A clock that stands until someone moves it.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn at(time: Time) -> ManualClock {
        ManualClock(Arc::new(AtomicI64::new(time.0)))
    }

    pub fn now(&self) -> Time {
        Time(self.0.load(Ordering::Acquire))
    }

    /// Moves it to `time`, never backwards. Follow with [`crate::Handle::wake`] to have what is due done
    /// without a command.
    pub fn set(&self, time: Time) {
        self.0.fetch_max(time.0, Ordering::AcqRel);
    }

    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(nanos(by), Ordering::AcqRel);
    }
}

/// A rehearsal's time moves by no more than this at once: a slip of digits would move it for good.
const MOST_ADVANCED: i64 = 366 * Time::DAY;

/// A clock that runs and never runs backwards.
pub(crate) struct Running {
    clock: Clock,
    started: Instant,
    start: Time,
    last: Time,
    /// In a rehearsal: whatever other clocks say.
    stands: bool,
}

impl Running {
    /// Runs on from `last`, the time of the last command: where the wall clock was set back, time stands
    /// until it has caught up.
    pub fn from(clock: Clock, last: Time, stands: bool) -> Running {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(Time(0), |since| Time(nanos(since)));
        Running { clock, started: Instant::now(), start: wall, last, stands }
    }

    /// Stands at `time` from now on.
    pub fn stand(&mut self, time: Time) {
        self.stands = true;
        self.last = self.last.max(time);
    }

    /// Whether time may be moved to `to` at once: not backwards, and not too far.
    pub fn reaches(&mut self, to: Time) -> bool {
        let now = self.now();
        now <= to && to.0 - now.0 <= MOST_ADVANCED
    }

    pub fn now(&mut self) -> Time {
        let now = match &self.clock {
            _ if self.stands => self.last,
            Clock::Wall => self.start.plus_nanos(nanos(self.started.elapsed())),
            Clock::Manual(clock) => clock.now(),
        };
        self.last = self.last.max(now);
        self.last
    }

    /// How long to wait until `due`; `None` where waiting does not bring it nearer.
    pub fn until(&mut self, due: Time) -> Option<Duration> {
        let now = self.now();
        match &self.clock {
            _ if self.stands && due > now => None,
            Clock::Manual(_) if due > now => None,
            _ => Some(Duration::from_nanos((due.0 - now.0).max(0) as u64)),
        }
    }

    /// How far the last command lies ahead of the wall clock; zero as it should be.
    pub fn behind(&self) -> Duration {
        match &self.clock {
            Clock::Wall if !self.stands => Duration::from_nanos((self.last.0 - self.start.0).max(0) as u64),
            _ => Duration::ZERO,
        }
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
