//! The single writer: takes what waits, numbers it, writes it to the journal, applies it, passes it on.
//!
//! Always true: what is applied was written before, under the number it is applied with. The sync of a
//! batch runs on the other thread while the batch is applied and the next one is taken.

use crate::batch::{Batch, Entry};
use crate::clock::Running;
use crate::handle::{Item, Shared, only_reduces};
use crate::log::{Full, Log};
use crate::publisher::{Asker, Message, Turn};
use crate::snapshots::Snapshots;
use crate::{Error, Fault};
use hourbook_exchange::Exchange;
use hourbook_model::{AdvanceTime, Command, Request, Restart, Stamp, Tick};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

/// How often a full disk is asked for room when nobody else asks, and ticks are tried that found none.
const FULL_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    pub queue: Receiver<Item>,
    pub publisher: SyncSender<Message>,
    pub spare: Receiver<Turn>,
    pub exchange: Exchange,
    pub log: Log,
    pub clock: Running,
    pub snapshots: Snapshots,
    pub shared: Arc<Shared>,
    pub batch: usize,
    /// Taken from the queue, but too large for the batch that it would have gone into, or to go alone.
    pub held: Option<Item>,
    /// Ends the sessions of the process before; `None` once it is written.
    pub restart: Option<Restart>,
}

enum Next {
    Item(Item),
    /// Time for a tick.
    Due,
    End,
}

impl Writer {
    /// Runs until it is drained, or something fails.
    pub fn run(&mut self) -> Result<(), Fault> {
        let mut turn = Turn::default();
        self.enter_own(&mut turn);
        self.take(turn)?;
        while !self.shared.is_stopped() {
            let mut turn = self.spare.try_recv().unwrap_or_default();
            match self.next() {
                Next::End => return Ok(()),
                Next::Due => self.enter_own(&mut turn),
                Next::Item(item) => {
                    // At most one tick between what clients ask for, however far behind the calendar is.
                    self.enter_own(&mut turn);
                    self.fill(&mut turn, item);
                }
            }
            self.take(turn)?;
        }
        Ok(())
    }

    /// What to do next, once there is something to do.
    fn next(&mut self) -> Next {
        if let Some(item) = self.held.take() {
            return Next::Item(item);
        }
        match self.queue.try_recv() {
            Ok(item) => return Next::Item(item),
            Err(TryRecvError::Disconnected) => return Next::End,
            Err(TryRecvError::Empty) if self.shared.is_draining() => return Next::End,
            Err(TryRecvError::Empty) => {}
        }
        let wait = self.exchange.next_due().and_then(|due| self.clock.until(due));
        let received = match wait {
            _ if self.log.is_full() => self.queue.recv_timeout(FULL_PAUSE),
            Some(Duration::ZERO) => return Next::Due,
            Some(wait) => self.queue.recv_timeout(wait),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match received {
            Ok(item) => Next::Item(item),
            Err(RecvTimeoutError::Timeout) => Next::Due,
            Err(RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    /// The machine's own commands. What a full disk has no room for comes again with the next turn.
    fn enter_own(&mut self, turn: &mut Turn) {
        if let Some(restart) = &self.restart {
            self.enter(turn, Request::default(), restart.clone().into());
        }
        let now = self.clock.now();
        if self.exchange.next_due().is_some_and(|due| due <= now) {
            self.enter(turn, Request::default(), Tick {}.into());
        }
    }

    /// Takes `item` and whatever else waits, up to the batch bound.
    fn fill(&mut self, turn: &mut Turn, item: Item) {
        let mut next = Some(item);
        while let Some(item) = next {
            let alone = item.moves_time();
            let fits = match &item {
                Item::Many(commands, _) => turn.batch.entries.len() + commands.len() <= self.batch,
                _ => !alone,
            };
            if !fits && !turn.askers.is_empty() {
                self.held = Some(item);
                return;
            }
            self.shared.taken(item.weight());
            self.accept(turn, item);
            if alone {
                return;
            }
            // Reads count too: each takes its time.
            let taken = turn.batch.entries.len() + turn.reads.len();
            next = if taken < self.batch { self.queue.try_recv().ok() } else { None };
        }
    }

    fn accept(&mut self, turn: &mut Turn, item: Item) {
        let index = turn.batch.entries.len() as u32;
        match item {
            Item::One(request, command, answer) => {
                self.enter(turn, request, command);
                turn.askers.push(Asker::One { index, answer });
            }
            Item::Many(commands, answer) => {
                let count = commands.len() as u32;
                commands.into_iter().for_each(|(request, command)| self.enter(turn, request, command));
                turn.askers.push(Asker::Many { first: index, count, answer });
            }
            Item::Read(read) => turn.reads.push(read),
            Item::Snapshot(asker) => {
                let snapshots = self.snapshots.clone();
                turn.reads.push(Box::new(move |exchange| {
                    let seq = exchange.stamp().seq;
                    Box::new(move || snapshots.ask(seq, asker))
                }));
            }
            Item::Wake => {}
        }
    }

    /// Puts a command into the batch; number and time come when it is written.
    fn enter(&self, turn: &mut Turn, request: Request, command: Command) {
        turn.batch.entries.push(Entry::new(Stamp::default(), request, command));
    }

    /// Numbers, writes, applies and passes on.
    fn take(&mut self, mut turn: Turn) -> Result<(), Fault> {
        let started = Instant::now();
        self.write(&mut turn)?;
        let last = self.apply(&mut turn);
        turn.seq = last.seq;
        turn.tells.extend(turn.reads.drain(..).map(|read| read(&self.exchange)));
        self.count(&turn, last, started.elapsed());
        self.pass(Message::Applied(turn))
    }

    /// Numbers the batch and writes it; what a full disk has no room for is refused and leaves the batch.
    fn write(&mut self, turn: &mut Turn) -> Result<(), Fault> {
        if self.log.is_full() && !self.log.has_room_again() {
            self.refuse_new_work(turn);
        }
        while !turn.batch.entries.is_empty() {
            let mut stamp = Stamp { time: self.clock.now(), ..self.exchange.stamp() };
            for entry in &mut turn.batch.entries {
                stamp.seq += 1;
                if let Command::AdvanceTime(AdvanceTime { to }) = entry.command
                    && self.exchange.may_advance_time()
                    && self.clock.reaches(to)
                {
                    stamp.time = to;
                }
                entry.stamp = stamp;
                self.log.append(stamp, &entry.request, &entry.command);
            }
            match self.log.write() {
                Ok(bytes) => {
                    self.shared.counters.journal_bytes.fetch_add(bytes, Relaxed);
                    return self.pass(Message::Written(stamp.seq));
                }
                Err(Full::NewWork) => self.refuse_new_work(turn),
                Err(Full::Reserve) => self.refuse(turn, |_| false),
                Err(Full::Failed(error)) => return Err(Fault::Write { seq: stamp.seq, error }),
            }
        }
        Ok(())
    }

    /// Refuses whatever asks for more than the reserve is kept for.
    fn refuse_new_work(&mut self, turn: &mut Turn) {
        self.refuse(turn, only_reduces);
    }

    /// Takes out of the batch each submission that holds a command which `may_stay` does not let pass.
    fn refuse(&mut self, turn: &mut Turn, may_stay: impl Fn(&Command) -> bool) {
        self.shared.counters.disk_full.store(1, Relaxed);
        let mut entries = std::mem::take(&mut turn.batch.entries).into_iter();
        let kept = &mut turn.batch.entries;
        let askers = std::mem::take(&mut turn.askers);
        let mut at = 0;
        let mut stay = |count: u32, kept: &mut Vec<Entry>| {
            let from = kept.len();
            kept.extend(entries.by_ref().take(count as usize));
            let stays = kept[from..].iter().all(|entry| may_stay(&entry.command));
            if !stays {
                kept.truncate(from);
            }
            stays
        };
        for asker in askers {
            let (first, count) = asker.range();
            // What stands between submissions is the machine's own, and comes again.
            stay(first - at, kept);
            at = first + count;
            let index = kept.len() as u32;
            if stay(count, kept) {
                turn.askers.push(asker.moved_to(index));
            } else {
                self.shared.counters.refused_disk_full.fetch_add(u64::from(count), Relaxed);
                asker.refuse(Error::DiskFull);
            }
        }
        stay(u32::MAX, kept);
    }

    /// Applies the batch: from here on it is history, whether or not anyone ever hears of it.
    fn apply(&mut self, turn: &mut Turn) -> Stamp {
        if !turn.batch.entries.is_empty() {
            // It was the first of them.
            self.restart = None;
        }
        apply(&mut self.exchange, &mut turn.batch);
        let stamp = self.exchange.stamp();
        if self.exchange.is_rehearsal() {
            self.clock.stand(stamp.time);
        }
        stamp
    }

    fn count(&self, turn: &Turn, last: Stamp, took: Duration) {
        let counters = &self.shared.counters;
        let commands = turn.batch.entries.len() as u64;
        if commands > 0 {
            counters.seq.store(last.seq, Relaxed);
            counters.time.store(last.time.0 as u64, Relaxed);
            counters.batches.fetch_add(1, Relaxed);
            counters.commands.fetch_add(commands, Relaxed);
            counters.last_batch.store(commands, Relaxed);
            // A mean in which the last batch counts an eighth.
            let (before, now) = (counters.nanos_per_command.load(Relaxed), took.as_nanos() as u64 / commands);
            counters.nanos_per_command.store(before - before / 8 + now / 8, Relaxed);
        }
        counters.disk_full.store(u64::from(self.log.is_full()), Relaxed);
    }

    fn pass(&self, message: Message) -> Result<(), Fault> {
        // Waits while the other thread is far behind: then the queue fills, and that is an answer.
        self.publisher.send(message).map_err(|_| Fault::Stopped(self.shared.reason()))
    }
}

/// Applies the entries of a batch in order, asking for memory ahead, and keeps their answers and events.
pub(crate) fn apply(exchange: &mut Exchange, batch: &mut Batch) {
    let Batch { entries, events } = batch;
    for index in 0..entries.len() {
        exchange.look_ahead(|ahead| entries.get(index + ahead).map(|entry| (&entry.request, &entry.command)));
        let entry = &mut entries[index];
        entry.answer = exchange.apply(entry.stamp, &entry.request, &entry.command, events);
        entry.events_end = events.len() as u32;
    }
}
