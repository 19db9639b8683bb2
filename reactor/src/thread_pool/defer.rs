//! Having threads do what would block the loop.

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::reactor::Reactor;

use super::pool::Pool;

impl Reactor {
    /// Has a thread run `call`, and the loop go on meanwhile: for what blocks, such as files and databases, and for what computes for
    /// long. The Deferred has the value. A `call` that can fail is one for [`try_defer_to_thread`](Self::try_defer_to_thread).
    ///
    /// ```
    /// use lariat::Reactor;
    ///
    /// let mut reactor = Reactor::new()?;
    /// let sum = reactor.defer_to_thread(|| (1..=100_u64).sum::<u64>());
    /// assert_eq!(reactor.block_on(sum)?.unwrap(), 5050);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    ///
    /// - **Threads** are started when there is a job that none is free for, up to [a limit](Self::set_thread_limit) of 10; one that has had
    ///   nothing to do for 10 s ends. Each reactor has its own. They have no connections and no timers: what they want of the loop they
    ///   [ask](crate::Remote::blocking_call) a [`Remote`](crate::Remote) for.
    /// - **The queue**: jobs that find no thread wait, and begin in the order in which they came. When [10,000](Self::set_thread_queue_limit)
    ///   wait, the next one fails with an [`Error`](crate::Error) of kind [`ResourcesExhausted`](crate::ErrorKind::ResourcesExhausted), and its closure is dropped.
    /// - **A panic** is a failure of kind [`Panicked`](crate::FailureKind::Panicked); the thread goes on to the next job.
    /// - **Cancelling** the Deferred, or dropping it, takes a job out of the queue and drops its closure. One that a thread has begun goes on,
    ///   for threads cannot be interrupted; the Deferred is cancelled at once, and the value is dropped on the loop when it comes. A job that
    ///   nobody waits for is [detached](Deferred::detach).
    /// - **When the reactor stops**, threads serve until every connection has ended and every
    ///   [trigger](Self::add_trigger) has had its say. Then jobs that no thread is free for are dropped, and their Deferreds fail with
    ///   [`Ended`](crate::FailureKind::Ended); the others may take the [drain timeout](Self::set_drain_timeout), while the loop goes on turning. What
    ///   takes longer goes on without anybody to hear of it, until the process ends. What must be done to the end is given to
    ///   a trigger, which is waited for.
    ///
    /// A job that waits for other jobs of the same reactor may wait for ever, once as many do so as there may be threads.
    #[doc(alias = "deferToThread")]
    #[doc(alias = "deferToThreadPool")]
    #[doc(alias = "callInThread")]
    #[doc(alias = "callMultipleInThread")]
    #[doc(alias = "IReactorInThreads")]
    #[doc(alias = "spawn_blocking")]
    #[track_caller]
    pub fn defer_to_thread<T, F>(&self, call: F) -> Deferred<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        Pool::defer::<T, F>(self, move || Ok(call()))
    }

    /// The same, for a `call` that gives a `Result`: an error fails the Deferred.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::{fs, io};
    ///
    /// let mut reactor = Reactor::new()?;
    /// let text = reactor.try_defer_to_thread(|| fs::read_to_string("/no/such/file"));
    /// let failure = reactor.block_on(text)?.unwrap_err();
    /// assert!(failure.is::<io::Error>());
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "deferToThread")]
    #[track_caller]
    pub fn try_defer_to_thread<T, E, F>(&self, call: F) -> Deferred<T>
    where
        T: Send + 'static,
        E: Into<Failure>,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        Pool::defer::<T, F>(self, move || call().map_err(Into::into))
    }

    /// Sets how many threads [`defer_to_thread`](Self::defer_to_thread) may use; at least 1. Threads that are too many end when they have done what
    /// they are at. Default: 10.
    #[doc(alias = "suggestThreadPoolSize")]
    pub fn set_thread_limit(&self, threads: usize) {
        Pool::set_thread_limit(self, threads);
    }

    /// Sets how many jobs may wait for a thread; with 0, one is refused when every thread is at work. Those that wait already are not
    /// dropped. Default: 10,000.
    pub fn set_thread_queue_limit(&self, jobs: usize) {
        Pool::set_queue_limit(self, jobs);
    }
}
