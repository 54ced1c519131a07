//! What all instruments come to together, and over time: kept as each one changes, so that no decision adds them up.
//!
//! Always true: the sums are those of the shares that were put in last.

use crate::figures::Figures;
use crate::view::Level;

/// What an instrument adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    tradable: bool,
    two_sided: bool,
    spread_ppm: u64,
    standing: u64,
    /// Open lot-hours if the worse side were filled, and what they are worth.
    pub worst: i128,
    pub worst_micros: i128,
}

/// Over all instruments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    tradable: u64,
    two_sided: u64,
    spread_ppm: u64,
    standing: u64,
    pub worst: i128,
    pub worst_micros: i128,
    /// Times nanoseconds.
    tradable_time: u128,
    two_sided_time: u128,
    spread_time: u128,
}

impl Share {
    /// Of an instrument on which `stands` stand; `worst` and `worst_micros` as above.
    pub fn of(tradable: bool, stands: [Option<Level>; 2], worst: i128, worst_micros: i128) -> Share {
        let spread_ppm = match stands {
            [Some(bid), Some(ask)] => {
                let (bid, ask) = (i128::from(bid.price_micros), i128::from(ask.price_micros));
                u64::try_from((ask - bid).max(0) * 2_000_000 / (ask + bid).max(1)).unwrap_or(0)
            }
            _ => 0,
        };
        let two_sided = stands.iter().all(Option::is_some);
        let standing = stands.iter().flatten().count() as u64;
        Share { tradable, two_sided, spread_ppm, standing, worst, worst_micros }
    }
}

impl Sums {
    /// An instrument's share is another than before.
    pub fn replace(&mut self, before: Share, share: Share) {
        self.tradable = self.tradable + u64::from(share.tradable) - u64::from(before.tradable);
        self.two_sided = self.two_sided + u64::from(share.two_sided) - u64::from(before.two_sided);
        self.spread_ppm = self.spread_ppm + share.spread_ppm - before.spread_ppm;
        self.standing = self.standing + share.standing - before.standing;
        self.worst += share.worst - before.worst;
        self.worst_micros += share.worst_micros - before.worst_micros;
    }

    /// So many nanoseconds have passed. What stood went with the session, whatever reports have not said yet.
    pub fn pass(&mut self, nanos: u128, is_connected: bool) {
        self.tradable_time += nanos * u128::from(self.tradable);
        if is_connected {
            self.two_sided_time += nanos * u128::from(self.two_sided);
            self.spread_time += nanos * u128::from(self.spread_ppm);
        }
    }

    /// Tells how much is quoted, now and so far.
    pub fn tell(&self, is_connected: bool, figures: &mut Figures) {
        let part = |part: u128, of: u128| u64::try_from(part.checked_div(of).unwrap_or(0)).unwrap_or(0);
        figures.tradable = self.tradable;
        (figures.two_sided, figures.standing) =
            if is_connected { (self.two_sided, self.standing) } else { (0, 0) };
        figures.two_sided_ppm = part(self.two_sided_time * 1_000_000, self.tradable_time);
        figures.spread_ppm = part(self.spread_time, self.two_sided_time);
    }
}
