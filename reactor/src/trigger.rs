//! What a program does when the loop starts and when it ends.

use std::cell::Cell;
use std::fmt;

use crate::contain::{contain, contain_drop, contain_drops};
use crate::deferred::{Deferred, IntoDeferred};
use crate::guarded::Guarded;
use crate::reactor::{Description, Reactor};

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

impl TriggerPhase {
    /// The one that comes after it.
    pub(crate) fn next(self) -> Option<Self> {
        match self {
            Self::Before => Some(Self::During),
            Self::During => Some(Self::After),
            Self::After => None,
        }
    }
}

/// The triggers of a reactor.
#[derive(Default)]
struct Triggers {
    entries: Guarded<Vec<Entry>>,
    next: Cell<u64>,
}

impl Drop for Triggers {
    fn drop(&mut self) {
        contain_drops(self.entries.with(std::mem::take));
    }
}

/// Gives what it has begun, if that goes on.
type Call = Box<dyn FnOnce(&Reactor) -> Option<Deferred<()>>>;

struct Entry {
    id: u64,
    event: SystemEvent,
    phase: TriggerPhase,
    call: Call,
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
        let triggers = self.reactor.extension::<Triggers>();
        let entry = triggers.entries.with(|entries| {
            let place = entries.iter().position(|entry| entry.id == self.id)?;
            Some(entries.remove(place))
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
    /// A trigger may give a [`Deferred`]. The next phase begins when all that the triggers of this phase gave have their results; of a
    /// shutdown, also when the [drain timeout](Self::set_drain_timeout) is over, and what is left then is cancelled. A loop that is stopped
    /// while it starts does not wait for them either. A failure is logged, and holds nothing up.
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
    pub fn add_trigger<R: IntoDeferred>(
        &self,
        phase: TriggerPhase,
        event: SystemEvent,
        call: impl FnOnce(&Self) -> R + 'static,
    ) -> Trigger {
        let triggers = self.extension::<Triggers>();
        let id = triggers.next.get();
        triggers.next.set(id + 1);
        if self.has_ended() {
            contain_drop(call);
        } else {
            let call = Box::new(|reactor: &Self| {
                let given = call(reactor).into_deferred(reactor);
                if given.is_settled() {
                    given.detach();
                    return None;
                }
                Some(given.map(drop))
            });
            triggers.entries.with(|entries| entries.push(Entry { id, event, phase, call }));
        }
        Trigger { reactor: self.clone(), id }
    }
}

/// Calls the triggers of one phase. Returns what they have begun.
pub(crate) fn fire(reactor: &Reactor, event: SystemEvent, phase: TriggerPhase) -> Vec<Deferred<()>> {
    let triggers = reactor.extension::<Triggers>();
    let next = || {
        triggers.entries.with(|entries| {
            let place = entries.iter().position(|entry| (entry.event, entry.phase) == (event, phase))?;
            Some(entries.remove(place).call)
        })
    };
    let mut begun = Vec::new();
    while let Some(call) = next() {
        // A panic is logged; nothing has begun then.
        let given = reactor.observe(|| Description::named("a trigger"), || contain(|| "a trigger", || call(reactor)));
        begun.extend(given.ok().flatten());
    }
    begun
}
