//! When requests are sent: as soon as there is room, or at moments of their own.

use crate::random::Random;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// A closed loop: as soon as an answer makes room, so that as many as may be are always under way.
    Full,
    /// An open loop: so many a second on all connections together, on the average, at moments that do not depend on each
    /// other (Poisson). Latency counts from that moment, also where a request had to wait for room to be sent.
    PerSecond(f64),
}

impl Pace {
    /// Requests a second on each of so many connections, if that is given.
    pub(crate) fn on_each_of(self, connections: usize) -> Option<f64> {
        match self {
            Pace::Full => None,
            Pace::PerSecond(rate) => Some(rate / connections as f64),
        }
    }
}

/// The moments at which one connection's requests are due.
pub(crate) struct Arrivals {
    random: Random,
    mean_ns: f64,
    next: Instant,
    alarm: Alarm,
}

impl Arrivals {
    pub fn begin(now: Instant, per_second: f64, seed: u64) -> std::io::Result<Arrivals> {
        let mean_ns = 1e9 / per_second;
        let mut arrivals = Arrivals { random: Random::new(seed), mean_ns, next: now, alarm: Alarm::new()? };
        arrivals.step();
        Ok(arrivals)
    }

    fn step(&mut self) {
        let wait = -(1.0 - self.random.unit()).ln() * self.mean_ns;
        self.next += Duration::from_nanos(wait as u64);
    }

    /// The moment of the next request, if it is due.
    pub fn due(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next;
        if due > now {
            return None;
        }
        self.step();
        Some(due)
    }

    /// Waits until the next request is due, or a little less.
    pub async fn wait(&self) -> std::io::Result<()> {
        self.alarm.after(self.next.saturating_duration_since(Instant::now())).await
    }
}

/// A timer of the system's own precision: the runtime's counts milliseconds.
struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    fn new() -> std::io::Result<Alarm> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[allow(
            deprecated,
            reason = "unsound only of a handle that somebody else may close; this one is owned"
        )]
        let alarm = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Alarm(alarm))
    }

    /// May end early, when an alarm before it was not waited for.
    async fn after(&self, wait: Duration) -> std::io::Result<()> {
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Nothing at all would be no alarm.
        let wait = wait.max(Duration::from_nanos(1));
        let at = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
        let times = Itimerspec { it_interval: once, it_value: at };
        rustix::time::timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &times)?;
        let mut ready = self.0.readable().await?;
        // How often it rang is of no interest.
        let _ = rustix::io::read(self.0.get_ref(), &mut [0; 8]);
        ready.clear_ready();
        Ok(())
    }
}
