//! How far a run is: the books fill, or the load warms up and is measured; then what is under way comes to its end.

use crate::Figures;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Filling,
    WarmingUp { until: Instant, measured: Duration },
    Measuring { since: Instant, measured: Duration },
    Draining,
}

impl Stage {
    pub fn round(warm_up: Duration, measured: Duration) -> Stage {
        Stage::WarmingUp { until: Instant::now() + warm_up, measured }
    }

    /// Whether there is more to ask for.
    pub fn asks(self) -> bool {
        self != Stage::Draining
    }

    pub fn measures(self) -> bool {
        matches!(self, Stage::Measuring { .. })
    }

    /// The stage after what happened `now`; how long was measured goes into the figures.
    pub fn after(self, is_filled: bool, now: Instant, figures: &mut Figures) -> Stage {
        match self {
            Stage::Filling if is_filled => Stage::Draining,
            Stage::WarmingUp { until, measured } if now >= until => Stage::Measuring { since: now, measured },
            Stage::Measuring { since, measured } if now - since >= measured => {
                figures.elapsed = now - since;
                Stage::Draining
            }
            stage => stage,
        }
    }
}
