//! Moving away what is behind two snapshots.

use crate::segment::{First, Segment, sync_directory};
use crate::{Error, Lock, Snapshot};
use std::fs;
use std::path::Path;

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    pub segments: u64,
    pub bytes: u64,
    /// The number of the last record that was moved; 0 where none was.
    pub last: u64,
}

/// Moves the segments of `directory` that lie wholly behind its two newest good snapshots to `archive`.
///
/// The journal may be in use. What is read from its beginning afterwards needs the archive beside it.
pub fn archive(directory: &Path, archive: &Path) -> Result<Archived, Error> {
    Segment::list_some(&[directory])?;
    fs::create_dir_all(archive).map_err(Error::at(archive, "making the directory"))?;
    let whole = |path: &Path| fs::canonicalize(path).map_err(Error::at(path, "looking at"));
    if whole(directory)? == whole(archive)? {
        let archive = archive.display();
        return Err(Error::Refused(format!(
            "{archive} is the journal's own directory: an archive is another one"
        )));
    }
    let _lock = Lock::take(archive)?;
    // Each is read whole: only a snapshot that can be used makes a segment dispensable.
    let good = Snapshot::list(directory)?.into_iter().filter(|snapshot| snapshot.load().is_ok());
    let Some(second) = good.take(2).nth(1) else {
        return Err(Error::Refused(format!(
            "{} has no two good snapshots: nothing is behind both",
            directory.display()
        )));
    };
    let mut archived = Archived::default();
    for pair in Segment::list_all(&[directory])?.windows(2) {
        let First::Number(next) = pair[1].first()? else { break };
        if next > second.seq + 1 {
            break;
        }
        let (from, to) = (&pair[0], Segment::new(archive, pair[0].index));
        archived.bytes += fs::metadata(&from.path).map_err(Error::at(&from.path, "looking at"))?.len();
        relocate(&from.path, &to.path)?;
        archived.segments += 1;
        archived.last = next - 1;
    }
    sync_directory(archive)?;
    sync_directory(directory)?;
    Ok(archived)
}

/// Moves a file, to another file system by a copy that is durable before the original is removed.
fn relocate(from: &Path, to: &Path) -> Result<(), Error> {
    if to.exists() {
        return Err(Error::Refused(format!("{} is there already", to.display())));
    }
    match fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
            let partial = to.with_extension("partial");
            fs::copy(from, &partial)
                .and_then(|_| fs::File::open(&partial)?.sync_all())
                .and_then(|()| fs::rename(&partial, to))
                .map_err(Error::at(to, "copying"))?;
            sync_directory(to.parent().expect("an archived segment stands in a directory"))?;
            fs::remove_file(from).map_err(Error::at(from, "removing"))
        }
        moved => moved.map_err(Error::at(from, "moving")),
    }
}
