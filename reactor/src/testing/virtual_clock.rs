//! Time that a test moves by hand.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::clock::Time;
use crate::contain::{Owner, keep_panics, take_failure_of};
use crate::guarded::Guarded;
use crate::reactor::{MainLoop, Reactor};
use crate::simulated::{PATIENCE, Simulated, World};
use crate::thread_pool::has_jobs;

use super::far_ends::FarEnds;

/// The shortest time that can pass.
const TICK: Duration = Duration::from_millis(1);

/// Turns in which sources asked to be served again and nothing came of it: a producer, say, that has nothing to produce for now.
const IDLE_TURNS: u32 = 16;

/// Turns after which a test that does not come to rest never will. A connection can be sent gigabytes in so many.
const MOST_TURNS: u32 = 100_000;

/// A reactor whose time stands still until the test moves it: for whatever calls something later.
///
/// It derefs to its [`Reactor`], so what is to be tested gets `&clock`. [`advance`](Self::advance) moves the time and does all that is
/// due on the way, each thing at its own time and in the right order. Cheap to clone; the reactor
/// ends with the last clone and the last [`MemoryTransport`](super::MemoryTransport) on it.
///
/// A panic in a callback, and a failure that no callback of its Deferred handles, fail the test:
/// the method that ran the loop panics at the line of the test that called it, with the message,
/// and for a failure with the place where it was made. A failure of a Deferred that the test's own
/// body lets go is found by the next method that runs the loop, or at the latest when the clock is
/// dropped.
///
/// ```
/// use lariat::testing::VirtualClock;
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// let clock = VirtualClock::new();
/// let rung = Rc::new(Cell::new(false));
/// let bell = rung.clone();
/// clock.call_later(Duration::from_secs(3600), move |_| bell.set(true));
/// clock.advance(Duration::from_secs(3599));
/// assert!(!rung.get());
/// clock.advance(Duration::from_secs(1));
/// assert!(rung.get());
/// ```
#[doc(alias = "Clock")]
#[derive(Clone)]
pub struct VirtualClock {
    inner: Rc<Inner>,
}

struct Inner {
    reactor: Reactor,
    world: Rc<World>,
    /// The line of the test that made the clock.
    made: &'static Location<'static>,
    /// Out while it turns.
    main_loop: Cell<Option<MainLoop>>,
    peers: Guarded<FarEnds>,
}

impl VirtualClock {
    /// A clock with a reactor of its own.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        let world = World::still();
        let main_loop = MainLoop::from_driver(Box::new(Simulated::new(&world)));
        let reactor = Reactor::clone(&main_loop);
        // An earlier reactor at the same address may have left one.
        drop(take_failure_of(Owner::of(reactor.core())));
        let (main_loop, made) = (Cell::new(Some(main_loop)), Location::caller());
        Self { inner: Rc::new(Inner { reactor, world, made, main_loop, peers: Guarded::new(FarEnds::new()) }) }
    }

    /// How much time has passed since the clock was made.
    #[doc(alias = "seconds")]
    pub fn elapsed(&self) -> Duration {
        self.inner.world.now().since(Time::default())
    }

    /// Sets the time of day ([`Reactor::wall_clock`]) at the present moment. Default: the clock
    /// starts at 2024-01-01 00:00:00 UTC. Monotonic time and timers do not move.
    ///
    /// ```
    /// use lariat::testing::VirtualClock;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let clock = VirtualClock::new();
    /// clock.set_wall_clock(SystemTime::UNIX_EPOCH);
    /// clock.advance(Duration::from_secs(90));
    /// assert_eq!(clock.wall_clock(), SystemTime::UNIX_EPOCH + Duration::from_secs(90));
    /// ```
    pub fn set_wall_clock(&self, time: SystemTime) {
        self.inner.world.set_wall_clock(time);
    }

    /// Lets `time` pass, rounded up to a millisecond, and does all that is due until then. What is due at the end of it is done too.
    ///
    /// # Panics
    ///
    /// With the message of a callback's panic or of an unhandled failure; if it is called from a
    /// callback; and if there is no end to what is due.
    #[doc(alias = "pump")]
    #[track_caller]
    pub fn advance(&self, time: Duration) {
        self.settle();
        let world = &self.inner.world;
        let end = world.now().after(time);
        loop {
            let left = end.since(world.now());
            if left.is_zero() {
                return;
            }
            let next = self.inner.reactor.core().timers.with(|timers| timers.next_deadline());
            let next = next.map_or(left, |tick| Time::from_tick(tick).since(world.now()));
            world.sleep(next.clamp(TICK.min(left), left));
            self.settle();
        }
    }

    /// Does all that is due now: what was queued, what is on its way, what was [given to threads](Reactor::defer_to_thread), which takes none of
    /// this clock's time and so is waited for. (A job that waits for time to pass here is not waited for longer than a minute.)
    /// [`advance`](Self::advance) and a [`MemoryTransport`](super::MemoryTransport) do so by themselves; a test that calls something of its own in
    /// between may need it.
    ///
    /// # Panics
    ///
    /// As [`advance`](Self::advance).
    #[track_caller]
    pub fn settle(&self) {
        let (mut turns, mut idle) = (0, 0);
        while idle <= IDLE_TURNS {
            turns += 1;
            assert!(turns < MOST_TURNS, "there is no end to what is due: after {MOST_TURNS} turns there is still more");
            let core = self.inner.reactor.core();
            let (before, was_due) = (core.counters.events.get(), self.is_due());
            self.with_loop(|main_loop| main_loop.turn(Some(Duration::ZERO)))
                .unwrap_or_else(|error| panic!("the loop failed: {error}"));
            let moved = self.let_peers_act() || core.counters.events.get() != before;
            if moved || was_due || self.is_due() {
                idle = 0;
            } else if core.again.with(|again| again.is_empty()) {
                if !self.wait_for_jobs() {
                    return;
                }
                idle = 0;
            } else {
                idle += 1;
            }
        }
    }

    /// Waits until a thread that has a job calls, if there is one. Returns whether it has. Its work takes none of this clock's time, so it is done now.
    fn wait_for_jobs(&self) -> bool {
        let Inner { reactor, world, .. } = &*self.inner;
        if !has_jobs(reactor) {
            return false;
        }
        let has_called = reactor.core().announce_wait(None).is_some() || world.bell.wait(PATIENCE);
        reactor.core().end_wait();
        has_called
    }

    /// Is a call queued, or a timer due?
    fn is_due(&self) -> bool {
        let (core, now) = (self.inner.reactor.core(), self.inner.world.now().tick_passed());
        !core.calls.with(|calls| calls.is_empty())
            || core.timers.with(|timers| timers.next_deadline()).is_some_and(|next| next <= now)
    }

    /// Lends the loop out. A panic of a callback or an unhandled failure panics here, through the
    /// panic hook, which `resume_unwind` would pass by: a failure has been printed by nothing else.
    #[track_caller]
    pub(super) fn with_loop<R>(&self, work: impl FnOnce(&mut MainLoop) -> R) -> R {
        if let Some(report) = take_failure_of(Owner::of(self.inner.reactor.core())) {
            panic!("{report}");
        }
        let Some(mut main_loop) = self.inner.main_loop.take() else {
            panic!("a callback cannot move the time, nor use the transports that a test holds");
        };
        let (result, report) = keep_panics(|| work(&mut main_loop));
        self.inner.main_loop.set(Some(main_loop));
        if let Some(report) = report {
            panic!("{report}");
        }
        result
    }

    pub(super) fn world(&self) -> &Rc<World> {
        &self.inner.world
    }

    /// The connections' other ends, which act whenever the loop has turned.
    pub(super) fn with_peers<R>(&self, visit: impl FnOnce(&mut FarEnds) -> R) -> R {
        self.inner.peers.with(visit)
    }

    /// Returns whether any of them did anything.
    #[track_caller]
    pub(super) fn let_peers_act(&self) -> bool {
        let (moved, flooded) = self.with_peers(|peers| peers.act(self.world()));
        assert!(!flooded, "there is no end to what a protocol writes: `peer_takes` sets how much of it the peer takes");
        moved
    }
}

impl Default for VirtualClock {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for VirtualClock {
    type Target = Reactor;

    fn deref(&self) -> &Reactor {
        &self.inner.reactor
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let main_loop = self.main_loop.take();
        let before = take_failure_of(Owner::of(self.reactor.core()));
        let ((), report) = keep_panics(|| drop(main_loop));
        // A test that has failed already fails for its first reason.
        if let Some(report) = before.or(report)
            && !std::thread::panicking()
        {
            panic!("{report}\nnoticed when the clock made at {} was dropped", self.made);
        }
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("elapsed", &self.elapsed()).finish_non_exhaustive()
    }
}
