//! One directory is held by one process.

use crate::Error;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

const NAME: &str = "lock";

/// Holds a directory until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes `directory`.
    ///
    /// # Errors
    /// [`Error::Held`] with the holder's process id, where it could be read.
    pub fn take(directory: &Path) -> Result<Lock, Error> {
        let path = directory.join(NAME);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::at(&path, "opening the lock"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(Error::Held { directory: directory.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(Error::at(&path, "taking the lock")(error)),
        }
        let id = std::process::id();
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{id}")
        };
        write(&mut file).map_err(Error::at(&path, "writing the lock"))?;
        Ok(Lock { _file: file })
    }
}
