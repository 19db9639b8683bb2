//! Tasks.

use std::any::type_name;
use std::future::Future;

use crate::deferred::{Deferred, IntoDeferred};
use crate::reactor::Reactor;

impl Reactor {
    /// Runs `future` on this loop, as a task. The Deferred has its result.
    ///
    /// A future that gives a `Result` succeeds or fails the Deferred, so `?` does in it what it does everywhere. It is first polled from the
    /// loop, not in this call, then whenever it was woken: at most once in a turn, so one that wakes itself for ever leaves connections
    /// their turn. It needs not be `Send`, and may hold whatever belongs to the loop. Wakers may go to any thread.
    ///
    /// Cancelling the Deferred, or dropping it, drops the future where it waits, with all that it has; a task that is to go on by itself
    /// is [detached](Deferred::detach). A panic is a failure of kind [`Panicked`](crate::FailureKind::Panicked). When the reactor ends, it
    /// drops the tasks that are left.
    ///
    /// ```
    /// use lariat::{Deferred, Failure, Reactor};
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let handle = Reactor::clone(&reactor);
    /// let (resolver, question) = Deferred::new(&reactor);
    /// let answer = reactor.spawn(async move {
    ///     let answer: u32 = question.await?;
    ///     handle.sleep(Duration::from_millis(1)).await?;
    ///     Ok::<_, Failure>(answer + 2)
    /// });
    /// resolver.resolve(40).ok();
    /// let handle = Reactor::clone(&reactor);
    /// answer.finish(move |answer| {
    ///     assert_eq!(answer.unwrap(), 42);
    ///     handle.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "inlineCallbacks")]
    #[doc(alias = "ensureDeferred")]
    #[doc(alias = "fromCoroutine")]
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Deferred<<F::Output as IntoDeferred>::Value>
    where
        F: Future<Output: IntoDeferred> + 'static,
    {
        let tasks = match self.tasks() {
            Ok(tasks) => tasks,
            Err(error) => return Deferred::fail(self, error),
        };
        let id = tasks.next_id();
        let (resolver, result) = Deferred::with_task(self, id);
        // If it does not give a result itself, the list of tasks does, or the canceller, or the end of the reactor.
        let resolver = resolver.disarm();
        if let Some(job) = resolver.job() {
            let task = async move { future.await.resolve_with(resolver.arm()) };
            tasks.insert(Box::pin(task), type_name::<F>(), job);
            self.enqueue_task(id);
        }
        result
    }
}
