//! The second thread: syncs what is written, then tells.
//!
//! Always true: nothing leaves here before it is durable, or waits for more than the sync that makes it so, and
//! everything leaves in order. While it syncs and tells, the writer goes on; what came meanwhile shares the next sync.

use crate::batch::{Batch, Receipt, Receipts, Subscriber};
use crate::handle::{Read, Shared, Tell};
use crate::snapshots::Snapshots;
use crate::{Error, Fault};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError};
use std::time::Instant;
use tokio::sync::oneshot;

/// Published batches that are kept until all who were shown them have let go, so that their memory is
/// used again; beyond these it is freed.
const KEPT: usize = 32;

/// What the writer passes on, in order.
pub(crate) enum Message {
    /// The journal is written up to this number: a sync can begin while the commands are applied.
    Written(u64),
    Applied(Turn),
}

/// A batch on its way: what was done, and who waits for it.
#[derive(Default)]
pub(crate) struct Turn {
    /// The number up to which must be durable what is told here.
    pub seq: u64,
    pub batch: Batch,
    pub askers: Vec<Asker>,
    /// Reads wait here for the end of the batch, then what they saw for its sync.
    pub reads: Vec<Read>,
    pub tells: Vec<Tell>,
}

/// Who waits for which entries.
pub(crate) enum Asker {
    One { index: u32, answer: oneshot::Sender<Result<Receipt, Error>> },
    Many { first: u32, count: u32, answer: oneshot::Sender<Result<Receipts, Error>> },
}

impl Asker {
    /// The first of its entries, and how many there are.
    pub fn range(&self) -> (u32, u32) {
        match self {
            Asker::One { index, .. } => (*index, 1),
            Asker::Many { first, count, .. } => (*first, *count),
        }
    }

    pub fn moved_to(self, to: u32) -> Asker {
        match self {
            Asker::One { answer, .. } => Asker::One { index: to, answer },
            Asker::Many { count, answer, .. } => Asker::Many { first: to, count, answer },
        }
    }

    pub fn refuse(self, error: Error) {
        // The one who asked may have gone; that is no fault.
        match self {
            Asker::One { answer, .. } => drop(answer.send(Err(error))),
            Asker::Many { answer, .. } => drop(answer.send(Err(error))),
        }
    }

    fn answer(self, batch: &Arc<Batch>) {
        let batch = Arc::clone(batch);
        match self {
            Asker::One { index, answer } => drop(answer.send(Ok(Receipt { batch, index }))),
            Asker::Many { first, count, answer } => drop(answer.send(Ok(Receipts { batch, first, count }))),
        }
    }
}

pub(crate) struct Publisher<S> {
    pub sync: S,
    pub messages: Receiver<Message>,
    /// Turns go back to the writer through here.
    pub spare: SyncSender<Turn>,
    pub subscribers: Vec<Box<dyn Subscriber>>,
    pub snapshots: Snapshots,
    pub shared: Arc<Shared>,
    pub durable: u64,
}

impl<S: FnMut() -> std::io::Result<()>> Publisher<S> {
    /// Runs until the writer is gone and everything is told.
    pub fn run(mut self) -> Result<(), Fault> {
        let mut written = self.durable;
        let mut waiting: VecDeque<Turn> = VecDeque::new();
        let mut published: Vec<Arc<Batch>> = Vec::new();
        loop {
            // What one sync has made durable goes out before the next begins.
            while waiting.front().is_some_and(|turn| turn.seq <= self.durable) {
                let turn = waiting.pop_front().expect("looked at just now");
                self.publish(turn, &mut published);
            }
            let next = match self.messages.try_recv() {
                Err(_) if written > self.durable => {
                    self.sync(written)?;
                    continue;
                }
                Err(TryRecvError::Empty) => self.messages.recv().ok(),
                next => next.ok(),
            };
            match next {
                Some(Message::Written(seq)) => written = seq,
                Some(Message::Applied(turn)) => waiting.push_back(turn),
                None => break,
            }
        }
        assert!(waiting.is_empty(), "whatever was applied was written before");
        Ok(())
    }

    fn sync(&mut self, written: u64) -> Result<(), Fault> {
        let started = Instant::now();
        // Never tried again: after a failed sync the kernel may have dropped what it could not write.
        (self.sync)().map_err(|error| Fault::Sync { after: self.durable, written, error })?;
        self.shared.counters.synced(started.elapsed());
        self.durable = written;
        self.shared.counters.durable.store(written, Release);
        Ok(())
    }

    fn publish(&mut self, mut turn: Turn, published: &mut Vec<Arc<Batch>>) {
        let batch = Arc::new(std::mem::take(&mut turn.batch));
        turn.askers.drain(..).for_each(|asker| asker.answer(&batch));
        turn.tells.drain(..).for_each(|tell| tell());
        if !batch.entries().is_empty() {
            self.subscribers.iter_mut().for_each(|subscriber| subscriber.publish(&batch));
            self.snapshots.passed(self.durable, self.shared.counters.journal_bytes.load(Relaxed));
        }
        published.push(batch);
        self.recycle(turn, published);
    }

    /// Gives the turn back to the writer, with the memory of a batch that nobody looks at any more: the last one that there
    /// is, as that is the likeliest to be in the cache.
    fn recycle(&mut self, mut turn: Turn, published: &mut Vec<Arc<Batch>>) {
        let free = published.iter().rposition(|batch| Arc::strong_count(batch) == 1);
        if let Some(mut batch) = free.and_then(|free| Arc::into_inner(published.remove(free))) {
            batch.clear();
            turn.batch = batch;
        } else if published.len() > KEPT {
            published.remove(0);
        }
        match self.spare.try_send(turn) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}
