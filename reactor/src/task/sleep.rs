//! Waiting for a time, or doing something then.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::deferred::{Deferred, IntoDeferred, Resolver};
use crate::reactor::{DelayedCall, Reactor};

/// What the timer and the canceller share. Were the resolver in the timer itself, then whoever sleeps when the reactor ends would
/// hear that the timer is gone, and not that the reactor has ended.
#[derive(Default)]
struct Sleeper {
    resolver: Cell<Option<Resolver<()>>>,
    timer: Cell<Option<DelayedCall>>,
}

impl Reactor {
    /// A Deferred that has its value `delay` from now, as exactly as [`call_later`](Self::call_later) calls. Cancelling it cancels the
    /// timer.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let stop = Reactor::clone(&reactor);
    /// reactor.sleep(Duration::from_millis(1)).finish(move |_| stop.stop());
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "deferLater")]
    #[track_caller]
    pub fn sleep(&self, delay: Duration) -> Deferred<()> {
        let sleeper = Rc::new(Sleeper::default());
        let ours = sleeper.clone();
        let (resolver, deferred) = Deferred::with_canceller(self, move |_| {
            if let Some(timer) = ours.timer.take() {
                timer.cancel();
            }
        });
        sleeper.resolver.set(Some(resolver));
        let ours = sleeper.clone();
        let timer = self.call_later(delay, move |_| {
            if let Some(resolver) = ours.resolver.take() {
                // If it is just being cancelled, it does not matter which comes first.
                let _ = resolver.resolve(());
            }
        });
        sleeper.timer.set(Some(timer));
        deferred
    }

    /// Calls `call` once, `delay` from now, and gives a Deferred of whatever that gives: a value now or later, or a failure, as a panic is
    /// too. Cancelling it cancels the timer, or what `call` has given.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let number = reactor.defer_later(Duration::from_millis(1), |_| "7".parse::<u32>());
    /// let stop = Reactor::clone(&reactor);
    /// number.finish(move |result| {
    ///     assert_eq!(result.unwrap(), 7);
    ///     stop.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "deferLater")]
    #[track_caller]
    pub fn defer_later<R: IntoDeferred>(
        &self,
        delay: Duration,
        call: impl FnOnce(&Self) -> R + 'static,
    ) -> Deferred<R::Value> {
        let reactor = self.clone();
        self.sleep(delay).and_then(move |()| Deferred::maybe(&reactor, || call(&reactor)))
    }
}
