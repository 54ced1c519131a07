//! How far a run is: the book fills, the load warms up, it is measured, and what is under way comes to its end.

use crate::{Figures, Plan};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Filling,
    WarmingUp { until: Instant },
    Measuring { since: Instant },
    Draining,
}

impl Stage {
    /// Whether there is more to ask for.
    pub fn asks(self) -> bool {
        self != Stage::Draining
    }

    pub fn measures(self) -> bool {
        matches!(self, Stage::Measuring { .. })
    }

    /// The stage after an answer that came `now`; how long was measured goes into the figures.
    pub fn after(self, plan: &Plan, is_filled: bool, now: Instant, figures: &mut Figures) -> Stage {
        match self {
            Stage::Filling if is_filled => Stage::WarmingUp { until: now + plan.warm_up },
            Stage::WarmingUp { until } if now >= until => Stage::Measuring { since: now },
            Stage::Measuring { since } if now - since >= plan.measured => {
                figures.elapsed = now - since;
                Stage::Draining
            }
            stage => stage,
        }
    }
}
