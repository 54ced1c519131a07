//! `hourbook replay`: a journal's commands through the machine again, and what they come to.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hourbook_sequencer::{Source, Start};
use serde_json::json;

use crate::journal::{hex, time};

/// How often it says how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// The flags of `replay`.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Directory of the journal; it may be in use
    dir: PathBuf,
    /// Stop behind this command; the last one without
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Directory that earlier segments were archived to
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// Begin at the newest snapshot instead of the first command
    #[arg(long)]
    from_snapshot: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Replays, and prints number, time, state hash and rate.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { dir, to, archive, from_snapshot, json } = arguments;
    let source = Source { directory: &dir, archive: archive.as_deref() };
    let start = if from_snapshot { Start::Snapshot } else { Start::Nothing };
    let started = Instant::now();
    let mut said = started;
    let mut commands = 0_u64;
    let replayed = hourbook_sequencer::replay(source, start, to, |stamp, _| {
        commands += 1;
        // The clock is read now and then only: it costs as much as a command.
        if commands.is_multiple_of(65_536) && said.elapsed() >= PROGRESS {
            said = Instant::now();
            let rate = commands as f64 / started.elapsed().as_secs_f64();
            let time = time(stamp.time.0);
            let _ = writeln!(io::stderr(), "command {} of {time}, {rate:.0} a second", stamp.seq);
        }
    })?;
    let rate = if replayed.commands == 0 { 0.0 } else { replayed.commands as f64 / replayed.seconds };
    let hash = hex(&replayed.state_hash);
    let mut out = io::stdout().lock();
    if json {
        let told = json!({
            "seq": replayed.seq,
            "time": time(replayed.time.0),
            "state_hash": hash,
            "commands": replayed.commands,
            "seconds": replayed.seconds,
            "commands_per_second": rate.round(),
        });
        writeln!(out, "{told}")?;
    } else {
        writeln!(out, "sequence    {}", replayed.seq)?;
        writeln!(out, "time        {}", time(replayed.time.0))?;
        writeln!(out, "state hash  {hash}")?;
        writeln!(out, "commands    {} in {:.3} s, {rate:.0} a second", replayed.commands, replayed.seconds)?;
    }
    Ok(())
}
