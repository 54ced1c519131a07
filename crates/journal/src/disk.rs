//! What the journal asks of a disk. Tests put one in that fails when they say so.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Writes and syncs; a call a batch, so that going through here costs nothing.
pub trait Disk: Debug + Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    /// Returns once everything written to `file` is on the disk: `fdatasync`.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Takes the room of `bytes` bytes without writing them: `fallocate`, where the file system has it.
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes)?)
    }
}

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

impl Disk for Local {}
