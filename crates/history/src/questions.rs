//! What can be asked of an account.
//!
//! A question has looked at memory first, then at the file. What moved there between the two looks is seen once, because
//! a run begins at the same number in both.

use crate::pack::{Mark, Print};
use crate::runs::{Damage, Run};
use crate::store::{Found, Kept, Shelf};
use crate::{Error, Part};
use hourbook_model::{AccountId, LedgerLine, Report, ReportKind, Stamp, Time};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Marks that one question looks at, most: what is rare is searched for in parts, so that none takes long.
pub const MARKS: usize = 10_000;

/// Everything there is of one account, as it was at one moment.
pub(crate) struct Look<'a> {
    pub reports: Series<'a, Report>,
    pub marks: Series<'a, Mark>,
    pub lines: Series<'a, LedgerLine>,
}

/// The runs of one kind, in the file and in memory.
pub(crate) struct Series<'a, E> {
    pub account: AccountId,
    pub memory: Vec<Arc<Run<E>>>,
    pub shelf: Shelf<'a, E>,
}

impl Look<'_> {
    /// Reports whose mark has a number below `before` and may be wanted, and that are: the newest first.
    pub fn newest(
        &self,
        before: u64,
        limit: usize,
        may: impl Fn(&Mark) -> bool,
        is: impl Fn(&Report) -> bool,
    ) -> Result<Part, Error> {
        let mut part = Part::default();
        let mut at_hand = Vec::new();
        for run in self.marks.before(before)? {
            for (_, mark) in self.marks.unpack(&*run?)?.iter().rev().filter(|(_, mark)| mark.number < before)
            {
                if part.is_enough(limit, mark.number + 1) {
                    return Ok(part);
                }
                part.looked_at += 1;
                if may(mark) {
                    match self.reports.get(mark.number, &mut at_hand)? {
                        Some(report) => part.rows.extend(is(&report.1).then_some(report)),
                        // Dropped, and all before it.
                        None => return Ok(part),
                    }
                }
            }
        }
        Ok(part)
    }

    /// Fills with numbers above `after`.
    pub fn fills(&self, after: u64, limit: usize) -> Result<Part, Error> {
        let mut part = Part::default();
        let mut at_hand = Vec::new();
        for run in self.marks.runs_from(after)? {
            for (_, mark) in self.marks.unpack(&*run?)?.iter().filter(|(_, mark)| mark.number > after) {
                if part.is_enough(limit, mark.number - 1) {
                    return Ok(part);
                }
                part.looked_at += 1;
                if mark.fills {
                    // What was dropped is passed over.
                    part.rows.extend(self.reports.get(mark.number, &mut at_hand)?);
                }
            }
        }
        debug_assert!(part.rows.iter().all(|(_, report)| matches!(report.kind, ReportKind::Filled(_))));
        Ok(part)
    }
}

impl Part {
    /// Whether it ends here, with more behind it, from `next` on.
    fn is_enough(&mut self, limit: usize, next: u64) -> bool {
        let enough = self.rows.len() == limit || self.looked_at == MARKS;
        self.next = enough.then_some(next);
        enough
    }
}

impl<'a, E: Kept> Series<'a, E> {
    /// Entries from number `from` on.
    pub fn from(&self, from: u64, limit: usize) -> Result<Vec<(Stamp, E)>, Error> {
        let from = from.max(1);
        let first = self.first()?.unwrap_or(1);
        if from < first {
            return Err(Error::BeforeFirst { first });
        }
        let mut found = Vec::new();
        for run in self.runs_from(from)? {
            let run = run?;
            if found.len() == limit {
                break;
            }
            if run.end() > from {
                let left = limit - found.len();
                let entries =
                    run.entries(self.account).skip(from.saturating_sub(run.first) as usize).take(left);
                for entry in entries {
                    found.push(entry.map_err(|Damage| self.shelf.damaged())?);
                }
            }
        }
        Ok(found)
    }

    /// The number after the last; 1 when there is none.
    pub fn end(&self) -> Result<u64, Error> {
        let last = self.before(u64::MAX)?.next().transpose()?;
        Ok(last.map_or(1, |run| run.end()))
    }

    fn first(&self) -> Result<Option<u64>, Error> {
        let in_memory = self.memory.first().map(|run| run.first);
        Ok(self.shelf.first()?.or(in_memory))
    }

    /// Every run from the one on that may hold `number`.
    fn runs_from(&self, number: u64) -> Result<impl Iterator<Item = Found<E>> + use<'_, 'a, E>, Error> {
        let in_memory = self.memory.first().map_or(u64::MAX, |run| run.first);
        let in_file = self.shelf.from(number)?;
        // What was written since memory was looked at is in both.
        let only_there = move |run: &Found<E>| run.as_ref().map_or(true, |run| run.first < in_memory);
        Ok(in_file.take_while(only_there).chain(self.memory.iter().cloned().map(Ok)))
    }

    /// The runs that begin before `number`, the last one first.
    fn before(&self, number: u64) -> Result<impl Iterator<Item = Found<E>> + use<'_, 'a, E>, Error> {
        let in_memory = self.memory.first().map_or(u64::MAX, |run| run.first);
        let newest = self.memory.iter().rev().filter(move |run| run.first < number).cloned().map(Ok);
        Ok(newest.chain(self.shelf.before(number.min(in_memory))?))
    }

    fn unpack(&self, run: &Run<E>) -> Result<Vec<(Stamp, E)>, Error> {
        run.entries(self.account).collect::<Result<_, _>>().map_err(|Damage| self.shelf.damaged())
    }
}

impl Series<'_, Print> {
    /// Trades with ids above `after` that did not happen before `from`, until there were enough.
    pub fn each(
        &self,
        after: u64,
        from: Time,
        mut see: impl FnMut(Stamp, Print) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        // Of each run only the first trade is looked at, until the next run begins too late.
        let mut runs = self.runs_from(after)?.peekable();
        while let Some(run) = runs.next() {
            let run = run?;
            if let Some(Ok(next)) = runs.peek()
                && (next.first <= after || self.begins(next)?.is_some_and(|begins| begins < from))
            {
                continue;
            }
            for entry in run.entries(self.account) {
                let (at, print) = entry.map_err(|Damage| self.shelf.damaged())?;
                if print.id.0 > after && at.time >= from && see(at, print).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// When the first trade of a run happened.
    fn begins(&self, run: &Run<Print>) -> Result<Option<Time>, Error> {
        let first = run.entries(self.account).next().transpose();
        Ok(first.map_err(|Damage| self.shelf.damaged())?.map(|(at, _)| at.time))
    }
}

impl Series<'_, Report> {
    /// One report, by way of the whole run that holds it, which stays at hand for the next one. `None` when it is no
    /// longer kept.
    fn get(&self, number: u64, at_hand: &mut Vec<(Stamp, Report)>) -> Result<Option<(Stamp, Report)>, Error> {
        let within = |entries: &[(Stamp, Report)]| {
            let first = entries.first()?.1.number;
            entries.get(usize::try_from(number.checked_sub(first)?).ok()?).copied()
        };
        if let Some(report) = within(at_hand) {
            return Ok(Some(report));
        }
        let holds = |run: &Found<Report>| match run {
            Ok(run) => run.first <= number && number < run.end(),
            Err(_) => true,
        };
        let mut in_memory = self.memory.iter().cloned().map(Ok);
        let found = match in_memory.find(holds) {
            Some(run) => Some(run),
            None => self
                .shelf
                .from(number)?
                .take_while(|run| run.as_ref().map_or(true, |run| run.first <= number))
                .find(holds),
        };
        match found {
            Some(run) => {
                *at_hand = self.unpack(&*run?)?;
                within(at_hand).map(Some).ok_or_else(|| self.shelf.damaged())
            }
            None if self.first()?.is_none_or(|first| number < first) => Ok(None),
            None => Err(self.shelf.damaged()),
        }
    }
}
