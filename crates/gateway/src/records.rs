//! Keeps history: a thread of its own writes down what is published, so that answers do not wait for it.
//!
//! Always true: nothing is left out. When history falls behind by more than [`MOST_WAITING`] events, publishing
//! waits for it; memory is bounded, and no number is missing.

use hourbook_history::History;
use hourbook_sequencer::{Batch, Subscriber};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Events that may wait to be written down: about half a second at full speed.
const MOST_WAITING: usize = 1_000_000;
/// How long publishing waits before it looks again.
const PAUSE: Duration = Duration::from_millis(1);
/// How long the thread rests when all that was published is written down: what comes meanwhile is taken together, and
/// publishing need not wake it for each batch.
const REST: Duration = Duration::from_millis(1);

/// Shows history every batch. When it goes, what was shown is on disk.
pub struct Recorder {
    history: History,
    queue: Option<Sender<Arc<Batch>>>,
    waiting: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(history: History) -> std::io::Result<Recorder> {
        let (queue, batches) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn({
            let (history, waiting) = (history.clone(), Arc::clone(&waiting));
            move || {
                hourbook_sequencer::interrupt_nobody();
                watched(&history, || run(&history, &batches, &waiting));
            }
        })?;
        Ok(Recorder { history, queue: Some(queue), waiting, thread: Some(thread) })
    }
}

/// Should the recording panic, history says that it has stalled.
fn watched(history: &History, record: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(record)).is_err() {
        history.stall("its thread panicked, see the log for why");
    }
}

fn weight(batch: &Batch) -> usize {
    batch.events().len() + batch.entries().len()
}

fn run(history: &History, batches: &Receiver<Arc<Batch>>, waiting: &AtomicUsize) {
    loop {
        match batches.recv_timeout(history.commit_due_in()) {
            Ok(batch) => {
                history.record(batch.iter().map(|(entry, events)| (entry.stamp, events)));
                let weight = weight(&batch);
                drop(batch);
                if waiting.fetch_sub(weight, Ordering::AcqRel) == weight {
                    std::thread::sleep(REST);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                commit(history);
                return;
            }
        }
        if history.commit_due_in().is_zero() {
            commit(history);
        }
    }
}

fn commit(history: &History) {
    // It is derived: what is not kept now is shown again after the next start.
    if let Err(error) = history.commit() {
        tracing::error!(%error, "history could not be written; the exchange goes on");
    }
}

impl Subscriber for Recorder {
    fn kept(&self) -> Option<u64> {
        Some(self.history.kept())
    }

    fn publish(&mut self, batch: &Arc<Batch>) {
        let Some(queue) = &self.queue else { return };
        while self.waiting.load(Ordering::Acquire) > MOST_WAITING && !self.is_over() {
            std::thread::sleep(PAUSE);
        }
        self.waiting.fetch_add(weight(batch), Ordering::AcqRel);
        // Without its thread there is no history, as it says, and the exchange goes on.
        let _ = queue.send(Arc::clone(batch));
    }
}

impl Recorder {
    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // Its panics end within it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_gone_is_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        let history = History::open(directory.path(), Default::default()).unwrap();
        watched(&history, || {});
        assert_eq!(history.stalled(), None, "an end in order is none");
        watched(&history, || panic!("as if a rule of ours were broken"));
        assert_eq!(history.stalled(), Some("its thread panicked, see the log for why"));
    }
}
