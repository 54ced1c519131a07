//! `hourbook backup` and `hourbook restore`: a consistent copy of a journal that may be in use, and the way back.
//!
//! A backup is a journal itself: `replay` and `journal verify` read it as it is. Keys are not in it, only
//! their digests; `operator.key` is kept elsewhere.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use hourbook_journal::copy;

use crate::journal::tell;

/// Where from, and where to.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Directory of the journal, or of the backup
    from: PathBuf,
    /// Directory for the copy; made where it is missing, and must be empty
    to: PathBuf,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Copies a journal; everything in the copy is durable, and verified.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { from, to, json } = arguments;
    let copied =
        copy(&from, &to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
    tell(&copied, json)
}
