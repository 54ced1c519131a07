//! Cores that do not sleep: the setting `awake`.
//!
//! An order wakes several threads one after the other, and each waits until the core it is woken on has left its idle
//! state: a few microseconds on most machines, some 40 in a virtual one that gives idle cores back to its host.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::Context;

/// Linux' request file of the longest time, in microseconds, that a core may take to wake; the request is the machine's, and
/// holds while the file is open.
const LATENCY: &str = "/dev/cpu_dma_latency";
/// Who puts idle cores to rest; without one they halt whatever is asked for.
const DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";

/// Asks for cores that stay awake for as long as it exists, and no longer than its process, however that ends.
pub(crate) struct Awake {
    _request: File,
}

impl Awake {
    /// # Errors
    /// When the system has no such request, or does not let this user make one: what helps.
    pub fn hold() -> anyhow::Result<Awake> {
        let awake = Awake::hold_by(Path::new(LATENCY))?;
        match std::fs::read_to_string(DRIVER).as_deref().map(str::trim) {
            Ok("" | "none") | Err(_) => {
                tracing::warn!(
                    "the cores were asked to stay awake, but this system has no cpuidle driver that could heed it"
                );
            }
            Ok(driver) => tracing::info!(driver, "the machine's cores are asked to stay awake"),
        }
        Ok(awake)
    }

    fn hold_by(file: &Path) -> anyhow::Result<Awake> {
        let hold = || {
            let mut request = OpenOptions::new().write(true).open(file)?;
            // A number of the machine, in its own order of bytes.
            request.write_all(&0_i32.to_ne_bytes())?;
            std::io::Result::Ok(Awake { _request: request })
        };
        hold().with_context(|| {
            let file = file.display();
            format!(
                "awake: {file} cannot be written, which keeps cores from sleeping: let this user and its service reach \
                 it (docs/operating.md, \"Cores that sleep\"), or leave `awake` false"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_time_to_wake_is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let awake = Awake::hold_by(file.path()).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), [0; 4], "no microseconds, as a number of 32 bits");
        drop(awake);
    }

    #[test]
    fn a_system_that_does_not_have_it_is_told_what_helps() {
        let directory = tempfile::tempdir().unwrap();
        let error = Awake::hold_by(&directory.path().join("none")).err().expect("there is no such file");
        let error = format!("{error:#}");
        assert!(error.starts_with("awake: ") && error.contains("leave `awake` false"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
}
