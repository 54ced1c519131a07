//! `hourbook journal`: the journal itself, checked, shown, moved to an archive. The journal may be in use.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use hourbook_journal::{Archived, Checked, Reader, Record, archive, verify};
use hourbook_model::{Command, Request, codec};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What can be done with a journal.
#[derive(Subcommand, Clone, Debug)]
pub enum Arguments {
    /// Check every record, the chain of hashes over all segments, and every snapshot
    Verify {
        /// Directory of the journal
        dir: PathBuf,
        /// Directory that earlier segments were archived to
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print the commands, one JSON object a line
    Dump {
        /// Directory of the journal
        dir: PathBuf,
        /// First command
        #[arg(long, value_name = "SEQ", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        from: u64,
        /// Last command
        #[arg(long, value_name = "SEQ")]
        to: Option<u64>,
        /// Directory that earlier segments were archived to
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
        /// As it is anyway
        #[arg(long)]
        json: bool,
    },
    /// Move the segments away that are wholly behind two good snapshots
    Archive {
        /// Directory of the journal
        dir: PathBuf,
        /// Directory to move them to; made where it is missing
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Does it, and prints what came of it.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments {
        Arguments::Verify { dir, archive, json } => check(&dir, archive.as_deref(), json),
        Arguments::Dump { dir, from, to, archive, json: _ } => {
            dump(&dir, archive.as_deref(), from, to.unwrap_or(u64::MAX))
        }
        Arguments::Archive { dir, to, json } => put_away(&dir, &to, json),
    }
}

fn check(directory: &Path, archive: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let directories: Vec<&Path> = [Some(directory), archive].into_iter().flatten().collect();
    let checked = verify(&directories, |segment| {
        // How far it is; what it found is said at the end.
        let _ = writeln!(io::stderr(), "reading {}", segment.path.display());
    })?;
    // A record can be whole and still say what this program does not understand.
    if checked.first > 0 {
        let mut reader = Reader::open(&directories, checked.first - 1)?;
        while let Some(record) = reader.read()? {
            command_of(&record)?;
        }
    }
    tell(&checked, json)
}

/// Prints what a journal holds.
pub(crate) fn tell(checked: &Checked, json: bool) -> anyhow::Result<()> {
    let Checked { segments, records, bytes, first, last, chain, unfinished, snapshots } = checked;
    let chain = chain.map(|(index, value)| (index, hex(&value)));
    let mut out = io::stdout().lock();
    if json {
        let told = json!({
            "segments": segments,
            "commands": records,
            "bytes": bytes,
            "first": first,
            "last": last,
            "chain": chain.map(|(segment, value)| json!({ "segment": segment, "value": value })),
            "unfinished": unfinished.map(|cut| json!({ "first": cut.first, "last": cut.last })),
            "snapshots": snapshots,
        });
        writeln!(out, "{told}")?;
        return Ok(());
    }
    match records {
        0 => writeln!(out, "commands    none")?,
        _ => writeln!(out, "commands    {records}, {first} to {last}, {bytes} bytes in {segments} segments")?,
    }
    let list: Vec<String> = snapshots.iter().map(u64::to_string).collect();
    writeln!(out, "snapshots   {}", if list.is_empty() { "none".to_owned() } else { list.join(", ") })?;
    match chain {
        Some((segment, value)) => writeln!(out, "chain       {value} up to segment {segment}")?,
        None => writeln!(out, "chain       begins when the first segment is full")?,
    }
    if let Some(cut) = unfinished {
        writeln!(
            out,
            "unfinished  {} to {}: never acknowledged, cut by the next start",
            cut.first, cut.last
        )?;
    }
    writeln!(out, "all good")?;
    Ok(())
}

fn dump(directory: &Path, archive: Option<&Path>, from: u64, to: u64) -> anyhow::Result<()> {
    let directories: Vec<&Path> = [Some(directory), archive].into_iter().flatten().collect();
    if to < from {
        bail!("--to: must be at least {from}, where it begins");
    }
    let mut reader = Reader::open(&directories, from - 1)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let written = (|| {
        // What is behind the last is not looked at: it may be damaged.
        let mut last = 0;
        while last < to
            && let Some(record) = reader.read()?
        {
            last = record.head.seq;
            writeln!(out, "{}", shown(&record)?)?;
        }
        out.flush()?;
        if last == 0 && from > 1 {
            bail!("--from: the journal has no command {from}");
        }
        anyhow::Ok(())
    })();
    match written {
        // Whoever read them has seen enough.
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        written => written,
    }
}

/// A record as JSON: its stamp, who asked, and what for.
fn shown(record: &Record) -> anyhow::Result<Value> {
    let (request, command) = command_of(record)?;
    Ok(json!({
        "seq": record.head.seq,
        "time": time(record.head.time),
        "shard": record.shard,
        "epoch": record.epoch,
        "request": {
            "key": request.key,
            "session": request.session,
            "account": request.account,
            "number": request.number,
            "client_id": request.client_id.as_str(),
        },
        "command": command.name(),
        "fields": command.serialize_body(serde_json::value::Serializer)?,
    }))
}

fn command_of(record: &Record) -> anyhow::Result<(Request, Command)> {
    codec::decode(record.head.kind, record.head.version, record.body)
        .with_context(|| format!("command {}", record.head.seq))
}

fn put_away(directory: &Path, to: &Path, json: bool) -> anyhow::Result<()> {
    let moved = archive(directory, to)?;
    let mut out = io::stdout().lock();
    let Archived { segments, bytes, last } = moved;
    if json {
        writeln!(out, "{}", json!({ "segments": segments, "bytes": bytes, "last": last }))?;
    } else if segments == 0 {
        writeln!(out, "nothing to move: every segment is still needed by one of the two newest snapshots")?;
    } else {
        writeln!(out, "moved {segments} segments, {bytes} bytes, up to command {last}")?;
    }
    Ok(())
}

/// Nanoseconds since the epoch as people read them.
pub(crate) fn time(nanos: i64) -> String {
    Timestamp::from_nanosecond(i128::from(nanos)).map_or_else(|_| nanos.to_string(), |time| time.to_string())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
