//! Not waiting for ever.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::failure::Failure;
use crate::reactor::{Cancel, ChainId, DelayedCall, Reactor};

use super::deferred::Deferred;
use super::resolver::Resolver;

/// What the limited Deferred, its timer and the new one share.
struct Limit<T: 'static> {
    limited: Cell<Option<Deferred<()>>>,
    timer: Cell<Option<DelayedCall>>,
    resolver: Cell<Option<Resolver<T>>>,
    is_over: Cell<bool>,
}

impl<T: 'static> Deferred<T> {
    /// Cancels it when it has no result after `limit`; then it fails with [`FailureKind::TimedOut`](crate::FailureKind::TimedOut), unless whoever was cancelled had
    /// another answer. The time counts from now.
    ///
    /// ```
    /// use lariat::{Deferred, Reactor};
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let (_resolver, answer) = Deferred::<u32>::new(&reactor);
    /// let stop = Reactor::clone(&reactor);
    /// answer.timeout(Duration::from_millis(1)).finish(move |result| {
    ///     assert!(result.unwrap_err().is_timed_out());
    ///     stop.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "addTimeout")]
    #[track_caller]
    pub fn timeout(self, limit: Duration) -> Self {
        let Some(reactor) = self.reactor().cloned() else { return self };
        // Whoever waits is told already.
        if reactor.has_ended() {
            return self;
        }
        let shared = Rc::new(Limit {
            limited: Cell::new(None),
            timer: Cell::new(None),
            resolver: Cell::new(None),
            is_over: Cell::new(false),
        });
        let (resolver, deferred) = Self::with_cancel(&reactor, Cancelled(shared.clone()));
        shared.resolver.set(Some(resolver));
        let ours = shared.clone();
        let timer = reactor.call_later(limit, move |_| {
            ours.is_over.set(true);
            drop(ours.limited.take());
        });
        shared.timer.set(Some(timer));
        let ours = shared.clone();
        let limited = self.map_result(move |result| {
            ours.arrive(limit, result);
            Ok(())
        });
        shared.limited.set(Some(limited));
        deferred
    }
}

impl<T: 'static> Limit<T> {
    fn arrive(&self, limit: Duration, result: Result<T, Failure>) {
        if let Some(timer) = self.timer.take() {
            timer.cancel();
        }
        let result = result.map_err(|failure| {
            if self.is_over.get() && failure.is_cancelled() { Failure::timed_out_after(limit) } else { failure }
        });
        if let Some(resolver) = self.resolver.take() {
            // If nobody listens, nobody misses it.
            drop(resolver.settle(result));
        }
        if let Some(limited) = self.limited.take() {
            // Its last callback is running: there is nothing to cancel.
            limited.detach();
        }
    }
}

struct Cancelled<T: 'static>(Rc<Limit<T>>);

impl<T: 'static> Cancel for Cancelled<T> {
    fn cancel(self: Box<Self>, _: &Reactor) {
        drop(self.0.limited.take());
    }

    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        let limited = self.0.limited.take();
        if let Some(limited) = &limited {
            visit(limited.chain());
        }
        self.0.limited.set(limited);
    }
}
