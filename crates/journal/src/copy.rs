//! A copy of a journal that may be in use, and the way back.

use crate::segment::{Segment, sync_directory};
use crate::tail::{is_begun, measure};
use crate::{Checked, Error, Lock, Snapshot, verify};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Copies the journal of `from` as it stands to `to`, durable and verified; gives what the copy holds.
///
/// Everything in it is durable in `from`, too. What is written meanwhile is not in it, but for whole batches.
///
/// # Errors
/// [`Error::Refused`] where `to` holds something, [`Error::NoJournal`] where `from` holds none; whatever is wrong with the original.
pub fn copy(from: &Path, to: &Path) -> Result<Checked, Error> {
    Segment::list_some(&[from])?;
    let _lock = empty(to)?;
    // Snapshots first: what comes after reaches at least as far as they do.
    for snapshot in Snapshot::list(from)? {
        match snapshot.load() {
            Ok(_) => copy_file(&snapshot.path, to, u64::MAX)?,
            // Newer ones have taken its place since.
            Err(Error::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
            // A damaged one is worth nothing here, either.
            Err(error) => tracing::warn!(seq = snapshot.seq, %error, "a snapshot is not copied"),
        }
    }
    let segments = Segment::list_all(&[from])?;
    for (at, segment) in segments.iter().enumerate() {
        let followed = segments.get(at + 1).map(is_begun).transpose()?.unwrap_or(false);
        let end = match followed {
            true => u64::MAX,
            false => {
                let end = measure(segment, segment.begins()?)?.end;
                // What stands there may not be durable yet. Whoever has the copy may rely on it.
                File::open(&segment.path)
                    .and_then(|file| file.sync_data())
                    .map_err(Error::at(&segment.path, "syncing"))?;
                end
            }
        };
        copy_file(&segment.path, to, end)?;
        if !followed {
            break;
        }
    }
    sync_directory(to)?;
    verify(&[to], |_| {})
}

/// Makes `directory` where it is missing, and holds it; refuses one that holds anything.
fn empty(directory: &Path) -> Result<Lock, Error> {
    fs::create_dir_all(directory).map_err(Error::at(directory, "making the directory"))?;
    let mut entries = fs::read_dir(directory).map_err(Error::at(directory, "reading the directory"))?;
    if entries.next().is_some() {
        return Err(Error::Refused(format!("{} is not empty", directory.display())));
    }
    Lock::take(directory)
}

/// Copies a file up to byte `end`, with zeros after it, and makes it durable.
fn copy_file(from: &Path, to: &Path, end: u64) -> Result<(), Error> {
    let to = to.join(from.file_name().expect("a file has a name"));
    let copy = || {
        let source = File::open(from)?;
        let length = source.metadata()?.len();
        let mut target = File::create_new(&to)?;
        let copied = io::copy(&mut source.take(end), &mut target)?;
        io::copy(&mut io::repeat(0).take(length - copied), &mut target)?;
        target.flush()?;
        target.sync_all()
    };
    copy().map_err(Error::at(&to, "copying"))
}

/// The number of the first record that is here, or would be: 1 unless earlier segments were archived.
pub fn first(directories: &[&Path]) -> Result<u64, Error> {
    match Segment::list_all(directories)?.first() {
        Some(segment) => segment.begins(),
        None => Ok(1),
    }
}

/// The number of the last record of a journal that may be in use; 0 where there is none.
pub fn last(directories: &[&Path]) -> Result<u64, Error> {
    let segments = Segment::list_all(directories)?;
    for (at, segment) in segments.iter().enumerate().rev() {
        if at == 0 || is_begun(segment)? {
            let first = segment.begins()?;
            return Ok(measure(segment, first)?.last.map_or(first - 1, |last| last.seq.get()));
        }
    }
    Ok(0)
}
