//! One connection and its calls on one task: answers that are there at the same time leave in one write.
//!
//! On a task of its own each call would wake the connection with its answer, and the runtime runs who was woken last before
//! it runs the other calls: one write to the socket for each, and one wake-up of the other side.

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

/// Calls that may end before the connection writes: so many answers go together, and the other side begins to read while
/// more are made.
const MOST: usize = 32;

/// Calls that a connection has begun and that nobody runs yet.
type Waiting = Mutex<Vec<BoxFuture<'static, ()>>>;

/// The executor of a connection and of each of its calls. They do not keep what they begin: a call that is never run goes
/// with its connection.
#[derive(Clone)]
pub struct Begun(Weak<Waiting>);

/// A connection with its calls. It ends when the connection does; calls that are still
/// under way then are dropped.
pub struct Together<C> {
    pub connection: Pin<Box<C>>,
    begun: Arc<Waiting>,
    calls: FuturesUnordered<BoxFuture<'static, ()>>,
}

fn locked(waiting: &Waiting) -> MutexGuard<'_, Vec<BoxFuture<'static, ()>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Begun {
    fn execute(&self, call: F) {
        let Some(begun) = self.0.upgrade() else { return };
        // Its panic is its own: the hook has told of it.
        let call = AssertUnwindSafe(call).catch_unwind().map(drop).boxed();
        locked(&begun).push(call);
    }
}

impl<C> Together<C> {
    /// Begins a connection whose executor is given.
    pub fn new(connect: impl FnOnce(Begun) -> C) -> Together<C> {
        let begun = Arc::default();
        let connection = Box::pin(connect(Begun(Arc::downgrade(&begun))));
        Together { connection, begun, calls: FuturesUnordered::new() }
    }
}

impl<C: Future> Future for Together<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<C::Output> {
        let Together { connection, begun, calls } = &mut *self;
        // First, so that what was said in the last turn is written though the calls may have used up that turn's share.
        if let Poll::Ready(ended) = connection.as_mut().poll(context) {
            return Poll::Ready(ended);
        }
        loop {
            // Once it has looked at all there are, it wakes the task for another turn, which mostly finds what has come
            // meanwhile: to keep it from that made unary calls a quarter fewer.
            calls.extend(locked(begun).drain(..));
            let mut end = || matches!(calls.poll_next_unpin(context), Poll::Ready(Some(())));
            let there_may_be_more = (0..MOST).all(|_| end());
            if let Poll::Ready(ended) = connection.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            if !there_may_be_more && locked(begun).is_empty() {
                return Poll::Pending;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::rt::Executor;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::sync::watch;

    /// A connection that begins some calls and looks how many have answered; it ends once all of them have.
    struct Line {
        begun: Begun,
        to_begin: usize,
        answered: Arc<AtomicUsize>,
        answers: watch::Receiver<bool>,
        /// What it saw each time it was to write something.
        written: Arc<Mutex<Vec<usize>>>,
    }

    const CALLS: usize = 100;

    impl Future for Line {
        type Output = usize;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<usize> {
            for number in 0..std::mem::take(&mut self.to_begin) {
                let (mut answers, answered) = (self.answers.clone(), Arc::clone(&self.answered));
                let waker = context.waker().clone();
                self.begun.execute(async move {
                    assert!(number != 7, "this one breaks");
                    answers.wait_for(|now| *now).await.unwrap();
                    answered.fetch_add(1, SeqCst);
                    waker.wake();
                });
            }
            let (now, before) = (self.answered.load(SeqCst), self.written.lock().unwrap().iter().sum());
            if now > before {
                self.written.lock().unwrap().push(now - before);
            }
            if now == CALLS - 1 { Poll::Ready(now) } else { Poll::Pending }
        }
    }

    fn line() -> (Together<Line>, watch::Sender<bool>) {
        let (answer, answers) = watch::channel(false);
        let (answered, written) = Default::default();
        let line = |begun| Line { begun, to_begin: CALLS, answered, answers, written };
        (Together::new(line), answer)
    }

    #[tokio::test]
    async fn answers_that_are_there_together_are_written_together_and_a_call_that_breaks_breaks_alone() {
        let (together, answer) = line();
        let written = Arc::clone(&together.connection.written);
        let connection = tokio::spawn(together);
        tokio::task::yield_now().await;
        answer.send(true).unwrap();
        assert_eq!(connection.await.unwrap(), CALLS - 1, "all but the one that broke");
        let written = written.lock().unwrap();
        assert!(written.iter().all(|answers| *answers <= MOST), "nobody waits for more: {written:?}");
        assert!(written.len() <= CALLS.div_ceil(MOST) + 2, "and not one by one: {written:?}");
    }

    #[tokio::test]
    async fn calls_end_with_their_connection() {
        let (together, answer) = line();
        let answered = Arc::clone(&together.connection.answered);
        let connection = tokio::spawn(together);
        tokio::task::yield_now().await;
        connection.abort();
        assert!(connection.await.unwrap_err().is_cancelled());
        answer.send(true).unwrap_err();
        assert_eq!(answered.load(SeqCst), 0);
    }

    #[tokio::test]
    async fn a_call_that_began_with_the_end_of_its_connection_goes_with_it() {
        let kept = Arc::new(());
        let ends_at_once = Together::new(|begun: Begun| {
            let held = Arc::clone(&kept);
            async move {
                // A call may begin others.
                let its_own = begun.clone();
                begun.execute(async move {
                    std::future::pending::<()>().await;
                    drop((held, its_own));
                });
            }
        });
        ends_at_once.await;
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
