//! Whether anybody looks at what the loop calls, and what they have seen.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use log::Level;

use crate::clock::Time;
use crate::driver::Network;
use crate::guarded::Guarded;
use crate::log_throttle::LogThrottle;

use super::description::Description;
use super::watch::Watch;

/// A callback that takes longer is warned of: ten times what a person takes for instant, and a hundred times what a callback should.
const SLOW_CALLBACK: Duration = Duration::from_millis(100);

/// For how many turns every callback is timed after a slow one: under load a second or less, and long enough for whatever was slow to
/// be slow again.
const TIMED_TURNS: u32 = 1000;

/// Turns and visits that took too long: a peer that has found a slow request can repeat it.
const SLOW: LogThrottle = LogThrottle::new("lariat::reactor::slow");

/// While it is off, a visit costs one test and no clock is read for it.
pub(crate) struct Observation {
    /// Is any of the reasons below there?
    on: Cell<bool>,
    /// In nanoseconds: a turn that takes longer is slow. `u64::MAX` for no limit.
    limit: Cell<u64>,
    /// Turns for which callbacks are still timed.
    timed_turns: Cell<u32>,
    /// A callback has asked for the connections, and may again: then its own must be known.
    lists: Cell<bool>,
    watch: Guarded<Option<Watched>>,
    /// What is being served, the innermost last; so many as `observe` calls are nested.
    running: Guarded<Vec<Description>>,
    /// Nanoseconds that visits inside the running one took.
    inside: Cell<u64>,
}

/// A watchdog.
struct Watched {
    watch: Arc<Watch>,
    thread: JoinHandle<()>,
}

impl Observation {
    pub(crate) fn new() -> Self {
        Self {
            on: Cell::new(false),
            limit: Cell::new(nanos(SLOW_CALLBACK)),
            timed_turns: Cell::new(0),
            lists: Cell::new(false),
            watch: Guarded::new(None),
            running: Guarded::new(Vec::new()),
            inside: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.on.get()
    }

    pub(crate) fn set_limit(&self, limit: Option<Duration>) {
        self.limit.set(limit.map_or(u64::MAX, nanos));
        self.timed_turns.set(0);
        self.settle();
    }

    /// From now on it is known what is being served.
    pub(crate) fn list(&self) {
        self.lists.set(true);
        self.settle();
    }

    /// What is being served, as far as that was observed.
    pub(crate) fn running(&self) -> Vec<Description> {
        self.running.with(|running| running.clone())
    }

    /// A turn is over; it kept the loop busy for so many nanoseconds.
    #[inline]
    pub(crate) fn turn_over(&self, busy: u64) {
        if self.on.get() || busy > self.limit.get() {
            self.look_at_turn(busy);
        }
    }

    #[cold]
    fn look_at_turn(&self, busy: u64) {
        if let Some(left) = self.timed_turns.get().checked_sub(1) {
            self.timed_turns.set(left);
            self.settle();
        } else if busy > self.limit.get() && !self.is_watched() {
            let (busy, limit) = (Duration::from_nanos(busy), Duration::from_nanos(self.limit.get()));
            SLOW.log(
                Level::Warn,
                format_args!(
                    "a turn of the loop took {busy:.1?}, longer than the limit of {limit:?}; callbacks are timed for the \
                     next {TIMED_TURNS} turns"
                ),
            );
            self.timed_turns.set(TIMED_TURNS);
            self.settle();
        }
    }

    /// Has `watch` look on, on `thread`.
    pub(crate) fn begin_watch(&self, watch: Arc<Watch>, thread: JoinHandle<()>) {
        self.watch.with(|watched| *watched = Some(Watched { watch, thread }));
        self.settle();
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.watch.with(|watched| watched.is_some())
    }

    /// Ends the watchdog, if it is this one.
    pub(crate) fn end_watch(&self, watch: &Arc<Watch>) {
        if self.watch.with(|watched| watched.as_ref().is_some_and(|watched| Arc::ptr_eq(&watched.watch, watch))) {
            self.end();
        }
    }

    /// The loop ends: so does its watchdog.
    pub(crate) fn end(&self) {
        if let Some(Watched { watch, thread }) = self.watch.with(Option::take) {
            watch.stop();
            // It only panics if the logger does, and that was reported where it happened.
            let _ = thread.join();
        }
        self.settle();
    }

    /// Calls `visit`, which serves what `description` tells of, and says so if that takes too long.
    #[cold]
    #[inline(never)]
    pub(crate) fn observe<R>(&self, network: &dyn Network, description: Description, visit: impl FnOnce() -> R) -> R {
        self.running.with(|running| running.push(description));
        let begun = self.begin_timing(network);
        let outer = self.inside.replace(0);
        let result = visit();
        let ended = self.running.with(Vec::pop);
        let inside = self.inside.replace(outer);
        if let Some(begun) = begun {
            let now = network.now();
            self.tell_watch(network, now);
            let all = now.nanos_since(begun);
            self.inside.set(outer.saturating_add(all));
            let own = all.saturating_sub(inside);
            if own > self.limit.get()
                && let Some(subject) = ended.as_ref().map(Description::subject)
            {
                let own = Duration::from_nanos(own);
                SLOW.log(Level::Warn, format_args!("{subject} kept the loop busy for {own:.1?} in one visit"));
            }
        }
        // The last handle to a connection may own what is left of it.
        drop(ended);
        result
    }

    /// Reads the clock, if there is a reason to.
    fn begin_timing(&self, network: &dyn Network) -> Option<Time> {
        (self.timed_turns.get() > 0 || self.is_watched()).then(|| {
            let now = network.now();
            self.tell_watch(network, now);
            now
        })
    }

    /// Tells the watchdog what runs from `now` on.
    fn tell_watch(&self, network: &dyn Network, now: Time) {
        if let Some(watch) = self.watch.with(|watched| watched.as_ref().map(|watched| watched.watch.clone())) {
            let running = self.running.with(|running| running.last().map(Description::subject));
            watch.set_running(running.map(|subject| (subject, network.instant(now))));
        }
    }

    fn settle(&self) {
        self.on.set(self.timed_turns.get() > 0 || self.lists.get() || self.is_watched());
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: u64 = 100_000_001;

    #[test]
    fn callbacks_are_timed_after_a_slow_turn_and_for_so_many_turns_only() {
        let observation = Observation::new();
        observation.turn_over(SLOW - 1);
        assert!(!observation.is_on());
        observation.turn_over(SLOW);
        for _ in 0..TIMED_TURNS {
            assert!(observation.is_on());
            // Slow turns meanwhile are told of by the callbacks that make them so.
            observation.turn_over(SLOW);
        }
        assert!(!observation.is_on());
    }

    #[test]
    fn without_a_limit_no_turn_is_slow() {
        let observation = Observation::new();
        observation.turn_over(SLOW);
        observation.set_limit(None);
        assert!(!observation.is_on());
        observation.turn_over(u64::MAX);
        assert!(!observation.is_on());
    }

    #[test]
    fn listing_from_a_callback_alone_reads_no_clock() {
        let network = crate::poller::Poller::new().map(|poller| crate::driver::Driver::network(&poller)).unwrap();
        let observation = Observation::new();
        observation.list();
        assert!(observation.is_on());
        assert_eq!(observation.begin_timing(&*network), None);
        let running = observation.observe(&*network, Description::named("a call"), || observation.running().len());
        assert_eq!((running, observation.running().len()), (1, 0));
    }
}
