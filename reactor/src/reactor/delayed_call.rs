//! Calls that happen later.

use std::any::type_name;
use std::fmt;
use std::time::{Duration, Instant};

use crate::clock::Time;
use crate::contain::{contain, contain_drop};
use crate::timer::TimerKey;

use super::core::{Reactor, Task};
use super::description::Description;

/// A call that [`Reactor::call_later`] has scheduled.
///
/// Dropping the handle leaves the call scheduled. Every method on a call that has run, or was cancelled, does nothing and
/// says so.
#[doc(alias = "IDelayedCall")]
#[derive(Clone)]
pub struct DelayedCall {
    reactor: Reactor,
    key: Option<TimerKey>,
}

impl Reactor {
    /// Calls `call` once, `delay` from now, from the loop.
    ///
    /// It never runs early, and on an idle machine at most about two milliseconds late: one for the tick of the timer wheel
    /// (1 ms), one for the kernel's rounding. The delay counts from this moment, also late in a long callback. Calls with equal
    /// deadlines run in the order in which they were made. Any delay will do: one of zero runs at the end of this turn, or, made by
    /// another delayed call, in the next; one of centuries never comes. On a reactor that has ended, `call` is dropped.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let never = reactor.call_later(Duration::from_secs(60), |_| unreachable!());
    /// reactor.call_later(Duration::ZERO, move |reactor| {
    ///     never.cancel();
    ///     reactor.stop();
    /// });
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "callLater")]
    pub fn call_later(&self, delay: Duration, call: impl FnOnce(&Self) + 'static) -> DelayedCall {
        self.schedule(delay, call)
    }

    /// Every call that is still going to run, the earliest deadline first: for tests, and to see
    /// what keeps a loop busy. Calls that this crate has scheduled itself, such as a
    /// [`sleep`](Self::sleep)'s, are among them; timeouts of connections are not. It takes time and
    /// memory for each timer that there is.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// reactor.call_later(Duration::from_secs(60), |_| {});
    /// for call in reactor.delayed_calls() {
    ///     call.cancel();
    /// }
    /// assert!(reactor.delayed_calls().is_empty());
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "getDelayedCalls")]
    pub fn delayed_calls(&self) -> Vec<DelayedCall> {
        let mut calls: Vec<_> = self.core().timers.with(|timers| {
            let calls = timers.iter().filter(|(_, task)| matches!(task, Task::Call(_)));
            calls.map(|(key, _)| (timers.deadline(key), key)).collect()
        });
        calls.sort_by_key(|(deadline, _)| *deadline);
        calls.into_iter().map(|(_, key)| DelayedCall { reactor: self.clone(), key: Some(key) }).collect()
    }

    fn schedule<F: FnOnce(&Self) + 'static>(&self, delay: Duration, call: F) -> DelayedCall {
        let key = if self.has_ended() {
            contain_drop(call);
            None
        } else {
            let deadline = self.tick_after(delay);
            // Contained here, where the closure's name is known: it tells where the call was written.
            let task = Task::Call(Box::new(|reactor| {
                reactor.observe(Description::of::<F>, || drop(contain(type_name::<F>, || call(reactor))));
            }));
            Some(self.core().timers.with(|timers| timers.insert(deadline, task)))
        };
        DelayedCall { reactor: self.clone(), key }
    }

    fn tick_after(&self, delay: Duration) -> u64 {
        // No delay is no wait, not even for the next tick.
        if delay.is_zero() { self.core().now.get().tick_passed() } else { self.deadline(delay).tick_at_or_after() }
    }
}

impl DelayedCall {
    /// Calls it off. Returns whether it was still going to run; the closure is dropped before this returns.
    pub fn cancel(&self) -> bool {
        let Some(key) = self.key else { return false };
        let task = self.reactor.core().timers.with(|timers| timers.cancel(key));
        let cancelled = task.is_some();
        contain_drop(task);
        cancelled
    }

    /// Moves it to `delay` from now, earlier or later. Returns whether it was still going to run.
    pub fn reset(&self, delay: Duration) -> bool {
        let deadline = self.reactor.tick_after(delay);
        self.key.is_some_and(|key| self.reactor.core().timers.with(|timers| timers.reset(key, deadline)))
    }

    /// Moves it `delay` further than it is. Returns whether it was still going to run.
    pub fn delay(&self, delay: Duration) -> bool {
        let Some(key) = self.key else { return false };
        self.reactor.core().timers.with(|timers| match timers.deadline(key) {
            Some(tick) => timers.reset(key, Time::from_tick(tick).after(delay).tick_at_or_after()),
            None => false,
        })
    }

    /// Is it still going to run?
    #[doc(alias = "active")]
    pub fn is_active(&self) -> bool {
        self.tick().is_some()
    }

    /// When it is going to run, to the tick (1 ms), if it still is.
    #[doc(alias = "getTime")]
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.reactor.core().network.instant(Time::from_tick(self.tick()?)))
    }

    fn tick(&self) -> Option<u64> {
        self.reactor.core().timers.with(|timers| timers.deadline(self.key?))
    }
}

impl fmt::Debug for DelayedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayedCall").field("deadline", &self.deadline()).finish()
    }
}
