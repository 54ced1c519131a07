//! The same path without clients: snapshot, then the journal's tail, gives the state and every event.
//!
//! Used by recovery, by snapshots, by whoever catches up on events, and by `hourbook replay`.

use crate::Fault;
use crate::batch::{Batch, Entry};
use crate::log::{Saved, Source, Tail};
use crate::writer::apply;
use hourbook_exchange::Exchange;
use hourbook_model::{Event, Stamp, Time, codec};
use std::path::Path;
use std::time::Instant;

/// Commands decoded before they are applied, so that their memory can be asked for ahead.
const WINDOW: usize = 256;

/// What a replay came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replayed {
    /// The last command's number and time.
    pub seq: u64,
    pub time: Time,
    pub state_hash: [u8; 32],
    /// Commands applied, and how long that took; the hash and the snapshot's reading are not in it.
    pub commands: u64,
    pub seconds: f64,
}

/// Where a replay begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the first command, from nothing.
    Nothing,
    /// At the newest snapshot that is not beyond the end asked for; from nothing where there is none.
    Snapshot,
}

/// Replays a journal up to number `to`, or to its end; each command's events are shown to `on_command`.
///
/// Reads only; of a journal that is being written, the whole batches that stand there.
///
/// # Errors
/// [`Fault::Journal`] for damage, [`Fault::Body`] for a record this program does not know,
/// [`Fault::Missing`] when the journal ends before `to` or begins after the start.
pub fn replay<'a>(
    source: impl Into<Source<'a>>,
    start: Start,
    to: Option<u64>,
    mut on_command: impl FnMut(&Stamp, &[Event]),
) -> Result<Replayed, Fault> {
    let source = source.into();
    let end = to.unwrap_or(u64::MAX);
    let mut follower = match start {
        Start::Nothing => Follower::default(),
        Start::Snapshot => Follower::from_snapshot(source.directory, end)?,
    };
    let first = follower.exchange.stamp().seq;
    let started = Instant::now();
    follower.follow(source, end, |batch| {
        batch.iter().for_each(|(entry, events)| on_command(&entry.stamp, events));
        Ok(())
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let Stamp { seq, time } = follower.exchange.stamp();
    if let Some(to) = to
        && seq != to
    {
        return Err(Fault::Missing { wanted: to, found: seq });
    }
    let state_hash = follower.exchange.state_hash();
    Ok(Replayed { seq, time, state_hash, commands: seq - first, seconds })
}

/// Shows every command after number `after` with its events, up to the journal's end: for a view that
/// fell behind.
///
/// # Errors
/// As [`replay`]'s.
pub fn events<'a>(
    source: impl Into<Source<'a>>,
    after: u64,
    mut on_batch: impl FnMut(&Batch),
) -> Result<u64, Fault> {
    let source = source.into();
    let mut follower = Follower::from_snapshot(source.directory, after)?;
    follower.follow(source, after, |_| Ok(()))?;
    follower.follow(source, u64::MAX, |batch| {
        on_batch(batch);
        Ok(())
    })?;
    Ok(follower.exchange.stamp().seq)
}

/// A state that follows the journal.
#[derive(Default)]
pub(crate) struct Follower {
    pub exchange: Exchange,
    batch: Batch,
}

impl Follower {
    /// Begins at the newest good snapshot whose number is not above `most`.
    pub fn from_snapshot(directory: &Path, most: u64) -> Result<Follower, Fault> {
        for saved in Saved::list(directory)?.into_iter().filter(|saved| saved.seq() <= most) {
            let loaded = saved.load().and_then(|bytes| Exchange::decode(&bytes).map_err(Fault::State));
            match loaded {
                Ok(exchange) if exchange.stamp().seq == saved.seq() => {
                    tracing::info!(seq = saved.seq(), "begins at a snapshot");
                    return Ok(Follower { exchange, batch: Batch::default() });
                }
                Ok(_) => tracing::warn!(seq = saved.seq(), "a snapshot holds another number than its name"),
                // An older one, or the journal from its beginning, gives the same state.
                Err(error) => tracing::warn!(seq = saved.seq(), %error, "a snapshot is passed over"),
            }
        }
        Ok(Follower::default())
    }

    /// Applies the records up to `to`, or to the end, window by window.
    pub fn follow<'a>(
        &mut self,
        source: impl Into<Source<'a>>,
        to: u64,
        mut on_batch: impl FnMut(&mut Batch) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut last = self.exchange.stamp();
        if last.seq >= to {
            return Ok(());
        }
        let mut tail = Tail::open(source.into(), last.seq)?;
        while last.seq < to
            && let Some(record) = tail.next()?
        {
            if record.stamp.seq != last.seq + 1 || record.stamp.time < last.time {
                return Err(Fault::Order { after: last, found: record.stamp });
            }
            last = record.stamp;
            let (request, command) = codec::decode(record.kind, record.version, record.body)
                .map_err(|error| Fault::Body { seq: last.seq, error })?;
            self.batch.entries.push(Entry::new(last, request, command));
            if self.batch.entries.len() == WINDOW {
                self.turn(&mut on_batch)?;
            }
        }
        self.turn(&mut on_batch)
    }

    fn turn(&mut self, on_batch: &mut impl FnMut(&mut Batch) -> Result<(), Fault>) -> Result<(), Fault> {
        if !self.batch.entries.is_empty() {
            apply(&mut self.exchange, &mut self.batch);
            on_batch(&mut self.batch)?;
            self.batch.clear();
        }
        Ok(())
    }
}
