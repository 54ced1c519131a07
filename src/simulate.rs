//! Rehearsals: a file of operations through the real core, and what became of them.
//!
//! A file holds either scenarios, one a line, with what is expected of each, or bare operations, one a
//! line, which are one scenario together. `scenario` reads both; `rehearsal` carries one out.
//! docs/matching.md describes operations, events and their order.

mod rehearsal;
mod scenario;

#[cfg(test)]
mod tests;

pub use scenario::Error;

use std::io::{self, Write};
use std::path::Path;

use rehearsal::{Outcome, rehearse};
use scenario::{Contents, Scenario};
use serde_json::{Value, json};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    pub scenarios: usize,
    pub mismatches: usize,
}

/// Prints what becomes of the operations in the file at `path`: of bare ones an event a line and then
/// the book, of scenarios one object a line.
///
/// # Errors
/// [`Error`] names file, line and field of what cannot be carried out.
pub fn run(path: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    match scenario::read(path)? {
        Contents::Operations(scenario) => {
            let outcome = rehearse(&scenario)?;
            for event in &outcome.events {
                writeln!(out, "{event}")?;
            }
            writeln!(out, "{}", outcome.book)?;
        }
        Contents::Scenarios(scenarios) => {
            for scenario in &scenarios {
                let Outcome { events, book } = rehearse(scenario)?;
                let told = json!({ "name": scenario.name, "events": events, "final_book": book });
                writeln!(out, "{told}")?;
            }
        }
    }
    Ok(())
}

/// Compares what becomes of each scenario with what it expects; shows the differences, then counts them.
///
/// # Errors
/// As [`run`]'s; and a file or a scenario that expects nothing cannot be checked.
pub fn check(path: &Path, out: &mut impl Write) -> anyhow::Result<Checked> {
    let scenarios = match scenario::read(path)? {
        Contents::Scenarios(scenarios) => scenarios,
        Contents::Operations(scenario) => return Err(scenario.bare().into()),
    };
    let mut mismatches = 0;
    for scenario in &scenarios {
        let (expected, book) = scenario.expectations()?;
        let found = rehearse(scenario)?;
        if found.events != expected || found.book != *book {
            mismatches += 1;
            show(out, scenario, expected, book, &found)?;
        }
    }
    writeln!(out, "{} scenarios, {mismatches} mismatches", scenarios.len())?;
    Ok(Checked { scenarios: scenarios.len(), mismatches })
}

/// A difference, as people read it: `-` was expected, `+` came instead.
fn show(
    out: &mut impl Write,
    scenario: &Scenario,
    expected: &[Value],
    book: &Value,
    found: &Outcome,
) -> io::Result<()> {
    writeln!(out, "{} (line {})", scenario.name, scenario.line)?;
    let same = expected.iter().zip(&found.events).take_while(|(expected, found)| expected == found).count();
    let rest = |events: &[Value]| events.len().saturating_sub(same);
    if rest(expected) + rest(&found.events) > 0 {
        writeln!(out, "  events differ from number {} on:", same + 1)?;
        expected[same..].iter().try_for_each(|event| writeln!(out, "  - {event}"))?;
        found.events[same..].iter().try_for_each(|event| writeln!(out, "  + {event}"))?;
    }
    if *book != found.book {
        writeln!(out, "  the final book differs:\n  - {book}\n  + {}", found.book)?;
    }
    Ok(())
}
