//! Lots over delivery hours: zero but for a few stretches.
//!
//! Kept as the hours at which the value changes. Only these are touched, so a month costs what an
//! hour does, and an account that trades hundreds of hours pays for what lies in the range asked.
//!
//! Always true: steps ascend; each changes the value; the last one returns it to zero. Equal
//! functions thus have equal bytes.

use std::ops::Range;

use hourbook_model::{Hour, Quantity};
use serde::{Deserialize, Serialize};

use crate::{Broken, promise};

/// The value from one hour on, until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub from: Hour,
    pub lots: Quantity,
}

/// A piecewise constant function from delivery hours to lots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Axis {
    steps: Vec<Step>,
}

impl Axis {
    /// The value at one hour.
    pub fn at(&self, hour: Hour) -> Quantity {
        self.before(self.first_from(Hour(hour.0 + 1)))
    }

    /// The smallest value in a range of hours, which must not be empty.
    #[inline]
    pub fn min(&self, hours: Range<Hour>) -> Quantity {
        assert!(hours.start < hours.end, "a range has hours");
        let first = self.first_from(hours.start);
        let mut least = match self.steps.get(first) {
            Some(step) if step.from == hours.start => step.lots,
            _ => self.before(first),
        };
        for step in self.steps[first..].iter().take_while(|step| step.from < hours.end) {
            least = least.min(step.lots);
        }
        least
    }

    /// Adds `lots`, which may be negative, to every hour of a range.
    #[inline]
    pub fn add(&mut self, hours: Range<Hour>, lots: Quantity) {
        if hours.start >= hours.end || lots == Quantity::ZERO {
            return;
        }
        let first = self.first_from(hours.start);
        // The values, before the change, ahead of the range and at its last hour.
        let ahead = self.before(first);
        let mut last = ahead;
        let mut end = first;
        while let Some(step) = self.steps.get_mut(end)
            && step.from < hours.end
        {
            last = step.lots;
            step.lots = sum(last, lots);
            end += 1;
        }

        // A boundary that is no step yet becomes one; a step that no longer changes the value goes.
        match self.steps.get(end) {
            Some(step) if step.from == hours.end => {
                if step.lots == sum(last, lots) {
                    self.steps.remove(end);
                }
            }
            _ => self.steps.insert(end, Step { from: hours.end, lots: last }),
        }
        match self.steps.get(first) {
            Some(step) if step.from == hours.start => {
                if step.lots == ahead {
                    self.steps.remove(first);
                }
            }
            _ => self.steps.insert(first, Step { from: hours.start, lots: sum(ahead, lots) }),
        }
    }

    /// Sets the value to zero in all hours before `before`.
    pub fn forget(&mut self, before: Hour) {
        if self.steps.first().is_none_or(|step| step.from >= before) {
            return;
        }
        let first = self.first_from(before);
        let lots = self.before(first);
        // The step in force at `before` begins there now, unless another begins there or it is zero.
        let keep = lots != Quantity::ZERO && self.steps.get(first).is_none_or(|step| step.from > before);
        if keep {
            self.steps[first - 1].from = before;
        }
        self.steps.drain(..first - usize::from(keep));
        // What begins at `before` may have been a return to zero, which changes nothing any more.
        if self.steps.first().is_some_and(|step| step.lots == Quantity::ZERO) {
            self.steps.remove(0);
        }
    }

    /// The first step, for whoever asks for its memory ahead.
    #[inline]
    pub fn first(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// Whether the value is zero at every hour.
    pub fn is_zero(&self) -> bool {
        self.steps.is_empty()
    }

    /// The stretches of hours where the value is not zero, in order.
    pub fn segments(&self) -> impl Iterator<Item = (Range<Hour>, Quantity)> {
        self.steps
            .windows(2)
            .map(|pair| (pair[0].from..pair[1].from, pair[0].lots))
            .filter(|(_, lots)| *lots != Quantity::ZERO)
    }

    /// The hour after `hour` at which the value changes next, if it does.
    pub fn next_change(&self, hour: Hour) -> Option<Hour> {
        self.steps.get(self.first_from(Hour(hour.0 + 1))).map(|step| step.from)
    }

    /// Index of the first step at `hour` or later.
    #[inline]
    fn first_from(&self, hour: Hour) -> usize {
        self.steps.partition_point(|step| step.from < hour)
    }

    /// The value just ahead of a step.
    #[inline]
    fn before(&self, step: usize) -> Quantity {
        if step == 0 { Quantity::ZERO } else { self.steps[step - 1].lots }
    }
}

#[inline]
fn sum(a: Quantity, b: Quantity) -> Quantity {
    Quantity(a.0.checked_add(b.0).expect("lots within their cap"))
}

impl From<Axis> for Vec<Step> {
    fn from(axis: Axis) -> Self {
        axis.steps
    }
}

impl TryFrom<Vec<Step>> for Axis {
    type Error = Broken;

    fn try_from(steps: Vec<Step>) -> Result<Self, Broken> {
        let mut ahead: Option<Step> = None;
        for (at, step) in steps.iter().enumerate() {
            let value = ahead.map_or(Quantity::ZERO, |ahead| ahead.lots);
            promise(ahead.is_none_or(|ahead| ahead.from < step.from), "steps ascend", at as u64)?;
            promise(value != step.lots, "each step changes the value", at as u64)?;
            ahead = Some(*step);
        }
        promise(
            ahead.is_none_or(|last| last.lots == Quantity::ZERO),
            "the last step returns to zero",
            steps.len() as u64,
        )?;
        Ok(Axis { steps })
    }
}
