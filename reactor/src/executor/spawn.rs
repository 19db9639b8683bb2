//! Tasks.

use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::contain::catch;
use crate::deferred::{Deferred, IntoDeferred, Promise};
use crate::failure::{Failure, FailureKind};
use crate::reactor::{Alarm, Reactor, SourceId, Spawned};

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
        let wakers = match self.wakers() {
            Ok(wakers) => wakers,
            Err(error) => return Deferred::fail(self, error),
        };
        let id = self.next_task();
        // If the task does not give it a result itself, the canceller does, or the end of the reactor.
        let (promise, result) = Deferred::with_task(self, id);
        self.enqueue_task(Box::pin(Task { future: Some(future), promise, alarm: Some(wakers.alarm(id)) }));
        result
    }
}

pin_project! {
    /// A future that runs by itself, and what it takes to run it.
    struct Task<F: Future>
    where
        F::Output: IntoDeferred,
    {
        // Gone once it is ready.
        #[pin]
        future: Option<F>,
        promise: Promise<<F::Output as IntoDeferred>::Value>,
        alarm: Option<Alarm>,
    }
}

impl<F: Future<Output: IntoDeferred> + 'static> Spawned for Task<F> {
    #[inline]
    fn poll(self: Pin<&mut Self>, reactor: &Reactor) -> Poll<()> {
        let this = self.project();
        let mut slot = this.future;
        let polled = catch(|| {
            let (Some(future), Some(alarm)) = (slot.as_mut().as_pin_mut(), this.alarm) else { return Poll::Ready(()) };
            let output = ready!(future.poll(&mut Context::from_waker(alarm.arm())));
            // What it holds is let go of before anybody has its result.
            slot.set(None);
            output.resolve_with(this.promise.resolver(reactor));
            Poll::Ready(())
        });
        polled.unwrap_or_else(|message| {
            let failure = Failure::of_kind(FailureKind::Panicked, format!("{} panicked: {message}", type_name::<F>()));
            reactor.fail_source(this.promise.source(), failure);
            Poll::Ready(())
        })
    }

    fn name(&self) -> &'static str {
        type_name::<F>()
    }

    fn result(&self) -> SourceId {
        self.promise.source()
    }

    #[cfg(feature = "testing")]
    fn clones(&self) -> usize {
        self.alarm.as_ref().map_or(0, Alarm::clones)
    }

    fn take_alarm(self: Pin<&mut Self>) -> Option<Alarm> {
        self.project().alarm.take()
    }
}
