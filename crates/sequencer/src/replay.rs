//! The same path without clients: snapshot, then the journal's tail, gives the state and every event.
//!
//! Used by recovery, by snapshots, by whoever catches up on events, and by `hourbook replay`.

use crate::Fault;
use crate::batch::{Batch, Entry};
use crate::log::{Saved, Source, Tail};
use crate::writer::apply;
use hourbook_exchange::{Exchange, RULES};
use hourbook_model::{Command, Event, SetRulesVersion, Stamp, Time, codec};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// Commands decoded together before they are applied, so that their memory can be asked for ahead.
const WINDOW: usize = 512;
/// Windows that the reading thread may be ahead.
const WINDOWS: usize = 4;

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
/// [`Fault::Journal`] for damage, [`Fault::Body`] and [`Fault::Rules`] for what this program does not know,
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
}

impl Follower {
    /// Begins at the newest good snapshot whose number is not above `most`.
    pub fn from_snapshot(directory: &Path, most: u64) -> Result<Follower, Fault> {
        let list = Saved::list(directory)?;
        let loaded = list.iter().filter(|saved| saved.seq() <= most).find_map(Follower::load);
        Ok(loaded.unwrap_or_default())
    }

    /// Begins at the oldest good snapshot that the journal, which begins with command `first`, goes on from.
    pub fn from_oldest(directory: &Path, first: u64) -> Result<Follower, Fault> {
        let list = Saved::list(directory)?;
        let loaded = list.iter().rev().filter(|saved| saved.seq() + 1 >= first).find_map(Follower::load);
        Ok(loaded.unwrap_or_default())
    }

    fn load(saved: &Saved) -> Option<Follower> {
        let seq = saved.seq();
        let loaded = saved.load().and_then(|bytes| Exchange::decode(&bytes).map_err(Fault::State));
        match loaded {
            Ok(exchange) if exchange.stamp().seq == seq => {
                tracing::info!(seq, "begins at a snapshot");
                return Some(Follower { exchange });
            }
            Ok(_) => tracing::warn!(seq, "a snapshot holds another number than its name"),
            // Another one, or the journal from its beginning, gives the same state.
            Err(error) => tracing::warn!(seq, %error, "a snapshot is passed over"),
        }
        None
    }

    /// Applies the commands up to `to`, or to the end, window by window.
    ///
    /// A second thread reads and decodes ahead.
    pub fn follow<'a>(
        &mut self,
        source: impl Into<Source<'a>>,
        to: u64,
        mut on_batch: impl FnMut(&mut Batch) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let after = self.exchange.stamp();
        if after.seq >= to {
            return Ok(());
        }
        let mut commands = Windows { tail: Tail::open(source.into(), after.seq)?, last: after, to };
        thread::scope(|scope| {
            let (ahead, windows) = mpsc::sync_channel::<Result<Batch, Fault>>(WINDOWS);
            let (used, spare) = mpsc::sync_channel::<Batch>(WINDOWS + 1);
            let read = move || {
                loop {
                    let mut batch = spare.try_recv().unwrap_or_default();
                    batch.clear();
                    let filled = commands.fill(&mut batch);
                    let is_last = filled.is_err() || batch.entries.is_empty();
                    // Nobody takes it any more once something went wrong on the other side.
                    if ahead.send(filled.map(|()| batch)).is_err() || is_last {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name("reader".to_owned())
                .spawn_scoped(scope, read)
                .map_err(Fault::Thread)?;
            for window in windows {
                let mut batch = window?;
                if batch.entries.is_empty() {
                    break;
                }
                apply(&mut self.exchange, &mut batch);
                on_batch(&mut batch)?;
                // The other thread empties it: that takes its time, too.
                let _ = used.try_send(batch);
            }
            Ok(())
        })
    }
}

/// Commands on their way from the journal to the machine.
struct Windows {
    tail: Tail,
    /// The last one read.
    last: Stamp,
    to: u64,
}

impl Windows {
    /// Reads the next commands into an empty batch; it stays empty at the end.
    fn fill(&mut self, batch: &mut Batch) -> Result<(), Fault> {
        while batch.entries.len() < WINDOW
            && self.last.seq < self.to
            && let Some(record) = self.tail.next()?
        {
            if record.stamp.seq != self.last.seq + 1 || record.stamp.time < self.last.time {
                return Err(Fault::Order { after: self.last, found: record.stamp });
            }
            self.last = record.stamp;
            let (request, command) = codec::decode(record.kind, record.version, record.body)
                .map_err(|error| Fault::Body { seq: record.stamp.seq, error })?;
            if let Command::SetRulesVersion(SetRulesVersion { version: found }) = command
                && found > RULES
            {
                return Err(Fault::Rules { seq: record.stamp.seq, found });
            }
            batch.entries.push(Entry::new(record.stamp, request, command));
        }
        Ok(())
    }
}
