//! The single writer: order, stamp, journal, apply, publish, snapshot, replay.
//!
//! - `handle`: how the rest of the program talks to it; a bounded queue
//! - `sequencer`: opening, recovery, the threads and their end
//! - `writer`, `publisher`, `snapshots`: the three threads
//! - `log`: commands as records of the journal
//! - `replay`: the same path without clients
//! - `scheduling`: how the threads share the cores
//! - `batch`: what is published; receipts
//! - `config`, `clock`, `error`, `stats`: what it is told, what it says
//!
//! Always true: a command has its number before it is applied, is written before it is applied, and is
//! durable before anyone hears of it; answers and batches leave in the order of their numbers; what a read
//! saw is durable before it is told. Results do not depend on where batches end.

#![deny(unsafe_code)]

mod batch;
mod clock;
mod config;
mod error;
mod handle;
mod log;
mod publisher;
mod replay;
mod scheduling;
mod sequencer;
mod snapshots;
mod stats;
mod writer;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Entry, Receipt, Receipts, Subscriber};
pub use clock::{Clock, ManualClock};
pub use config::Config;
pub use error::{Error, Fault};
pub use handle::{Handle, Pending, Snapshot};
pub use log::Source;
pub use replay::{Replayed, Start, events, replay};
pub use scheduling::interrupt_nobody;
pub use sequencer::{Recovered, Sequencer};
pub use stats::{SYNC_BOUNDS_MICROS, Stats};
