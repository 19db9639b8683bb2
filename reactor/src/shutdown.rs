//! Running the loop, from its start to an end in good order.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use crate::contain::{contain, contain_drop, contain_drops};
use crate::error::Result;
use crate::guarded::Guarded;
use crate::reactor::{Description, MainLoop, Reactor};
use crate::readiness::Readiness;
use crate::signal::Termination;
use crate::stats::Closed;

/// How long protocols may take to end in good order: long enough for a request in hand, and a third of the half minute after which
/// supervisors lose patience.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What a [trigger](Reactor::add_trigger) waits for.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SystemEvent {
    /// The loop is about to run.
    Startup,
    /// The loop is about to end in good order.
    Shutdown,
}

/// When, around its event, a [trigger](Reactor::add_trigger) is called.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TriggerPhase {
    /// First. Of a shutdown: while everything is served still.
    Before,
    /// With the event. Of a shutdown: the ports are closed and every protocol has been told to drain.
    During,
    /// Last. Of a shutdown: every connection has ended.
    After,
}

/// How connections ended when the loop did: what [`Reactor::drained`] gives.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Connections that ended, by why, from the first word of the shutdown on. `done` ended in good order.
    pub closed: Closed,
    /// Of those that count as aborted, the ones that were cut off because the drain timeout was over.
    pub cut_off: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Closed { done, lost, aborted, timed_out, overflow, panicked, failed } = self.closed;
        write!(f, "{done} {} ended in good order", if done == 1 { "connection" } else { "connections" })?;
        let others = [
            (self.cut_off, "cut off at the deadline"),
            (aborted.saturating_sub(self.cut_off), "aborted"),
            (lost, "lost"),
            (timed_out, "timed out"),
            (overflow, "dropped for reading too slowly"),
            (panicked, "panicked"),
            (failed, "failed"),
        ];
        others.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, what)| write!(f, ", {count} {what}"))
    }
}

/// An end in good order that has begun.
#[derive(Debug)]
pub(crate) struct Ending {
    begun: Instant,
    before: Closed,
    deadline: Instant,
}

/// What a reactor keeps about its start and end.
struct Lifecycle {
    triggers: Guarded<Vec<Entry>>,
    next: Cell<u64>,
    drain_timeout: Cell<Duration>,
    drained: Cell<Option<Drained>>,
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        contain_drops(self.triggers.with(std::mem::take));
    }
}

struct Entry {
    id: u64,
    event: SystemEvent,
    phase: TriggerPhase,
    call: Box<dyn FnOnce(&Reactor)>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            triggers: Guarded::new(Vec::new()),
            next: Cell::new(0),
            drain_timeout: Cell::new(DRAIN_TIMEOUT),
            drained: Cell::new(None),
        }
    }
}

/// A trigger that was added. Dropping it changes nothing.
#[derive(Clone)]
pub struct Trigger {
    reactor: Reactor,
    id: u64,
}

impl Trigger {
    /// Takes the trigger back. Returns whether it was still to be called.
    #[doc(alias = "removeSystemEventTrigger")]
    pub fn remove(&self) -> bool {
        let lifecycle = self.reactor.extension::<Lifecycle>();
        let entry = lifecycle.triggers.with(|triggers| {
            let place = triggers.iter().position(|entry| entry.id == self.id)?;
            Some(triggers.remove(place))
        });
        let found = entry.is_some();
        contain_drop(entry.map(|entry| entry.call));
        found
    }
}

impl fmt::Debug for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trigger").field(&self.id).finish()
    }
}

impl Reactor {
    /// Calls `call` when the loop starts or ends. Triggers of one phase are called in the order in which they were added; one that
    /// panics is logged, and the next one is called.
    ///
    /// ```
    /// use lariat::{Reactor, SystemEvent, TriggerPhase};
    ///
    /// let reactor = Reactor::new()?;
    /// reactor.add_trigger(TriggerPhase::After, SystemEvent::Startup, Reactor::stop);
    /// reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, |reactor| println!("{:?}", reactor.drained()));
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "addSystemEventTrigger")]
    #[doc(alias = "callWhenRunning")]
    pub fn add_trigger(&self, phase: TriggerPhase, event: SystemEvent, call: impl FnOnce(&Self) + 'static) -> Trigger {
        let lifecycle = self.extension::<Lifecycle>();
        let id = lifecycle.next.get();
        lifecycle.next.set(id + 1);
        if self.has_ended() {
            contain_drop(call);
        } else {
            let call = Box::new(call);
            lifecycle.triggers.with(|triggers| triggers.push(Entry { id, event, phase, call }));
        }
        Trigger { reactor: self.clone(), id }
    }

    /// Sets how long protocols may take to end in good order after [`stop`](Self::stop). Default: 10 s.
    pub fn set_drain_timeout(&self, timeout: Duration) {
        self.extension::<Lifecycle>().drain_timeout.set(timeout);
    }

    /// How the connections ended when the loop did; nothing before that, nor if it ended without draining. Triggers after the shutdown
    /// find it here, and so does who asks when [`MainLoop::run`] has returned.
    pub fn drained(&self) -> Option<Drained> {
        self.extension::<Lifecycle>().drained.get()
    }
}

impl MainLoop {
    /// Serves until [`Reactor::stop`] is called, then ends in good order.
    ///
    /// SIGINT and SIGTERM stop it too, unless [`Reactor::set_termination`] says otherwise; a second one ends the process at once. How
    /// the connections ended is logged, and told by [`Reactor::drained`].
    ///
    /// # Errors
    ///
    /// When waiting for events fails, which on a sound system it does not; or, on a simulated reactor, when nothing is left
    /// that could ever happen.
    pub fn run(mut self) -> Result<()> {
        let termination = Termination::begin(&self)?;
        self.start_up();
        while !self.core().stopping.get() {
            self.turn(None)?;
        }
        if !self.core().crashing.get() {
            let ending = self.begin_shutdown();
            while let Some(left) = self.time_left(&ending) {
                self.turn(Some(left))?;
            }
            self.finish_shutdown(&ending);
        }
        drop(termination);
        self.end();
        Ok(())
    }

    /// The loop is about to run.
    pub(crate) fn start_up(&self) {
        for phase in [TriggerPhase::Before, TriggerPhase::During, TriggerPhase::After] {
            fire(self, SystemEvent::Startup, phase);
        }
    }

    /// The loop is over.
    pub(crate) fn end(self) {
        let (reactor, drained) = (Reactor::clone(&self), self.drained());
        drop(self);
        // The end takes what was kept, and the report is for whoever asks after it.
        reactor.extension::<Lifecycle>().drained.set(drained);
    }

    /// Begins to end in good order.
    pub(crate) fn begin_shutdown(&mut self) -> Ending {
        let lifecycle = self.extension::<Lifecycle>();
        let (begun, before) = (self.now(), self.core().counters.closed.get());
        fire(self, SystemEvent::Shutdown, TriggerPhase::Before);
        self.core().draining.set(true);
        self.tell_all(Readiness::DRAIN);
        fire(self, SystemEvent::Shutdown, TriggerPhase::During);
        let deadline = self.now() + lifecycle.drain_timeout.get().min(Duration::from_secs(u64::from(u32::MAX)));
        Ending { begun, before, deadline }
    }

    /// How long connections may still take to end; nothing if they have, or time is up.
    pub(crate) fn time_left(&self, ending: &Ending) -> Option<Duration> {
        let waits = self.core().counters.connections() > 0 && !self.core().crashing.get();
        let left = ending.deadline.saturating_duration_since(self.now());
        (waits && !left.is_zero()).then_some(left)
    }

    /// Cuts off who has not ended, and says how it went.
    pub(crate) fn finish_shutdown(&mut self, ending: &Ending) {
        let lifecycle = self.extension::<Lifecycle>();
        let aborted = self.core().counters.closed.get().aborted;
        self.tell_all(Readiness::END);
        let cut_off = self.core().counters.closed.get().aborted - aborted;
        let drained = Drained {
            closed: self.core().counters.closed.get() - ending.before,
            cut_off,
            elapsed: self.now().saturating_duration_since(ending.begun),
        };
        lifecycle.drained.set(Some(drained));
        if drained.closed.total() > 0 {
            log::info!("stopped: {drained}");
        }
        fire(self, SystemEvent::Shutdown, TriggerPhase::After);
    }
}

/// Calls the triggers of one phase.
fn fire(reactor: &Reactor, event: SystemEvent, phase: TriggerPhase) {
    let lifecycle = reactor.extension::<Lifecycle>();
    let next = || {
        lifecycle.triggers.with(|triggers| {
            let place = triggers.iter().position(|entry| (entry.event, entry.phase) == (event, phase))?;
            Some(triggers.remove(place).call)
        })
    };
    while let Some(call) = next() {
        // The panic is logged; nobody waits for the trigger.
        reactor.observe(|| Description::named("a trigger"), || drop(contain(|| "a trigger", || call(reactor))));
    }
}
