//! Running the loop, from its start to an end in good order.

use std::cell::Cell;
use std::fmt;
use std::time::{Duration, Instant};

use crate::contain::contain_drops;
use crate::deferred::Deferred;
use crate::error::Result;
use crate::reactor::{MainLoop, Reactor};
use crate::readiness::Readiness;
use crate::signal::Termination;
use crate::stats::Closed;
use crate::thread_pool;
use crate::trigger::{SystemEvent, TriggerPhase, fire};

/// How long protocols may take to end in good order: long enough for a request in hand, and a third of the half minute after which
/// supervisors lose patience.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

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

/// What a reactor keeps about its end.
struct Lifecycle {
    drain_timeout: Cell<Duration>,
    drained: Cell<Option<Drained>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { drain_timeout: Cell::new(DRAIN_TIMEOUT), drained: Cell::new(None) }
    }
}

impl Reactor {
    /// Sets how long protocols may take to end in good order after [`stop`](Self::stop), how long what the triggers of a shutdown have
    /// begun may take, in each phase, and how long [threads](Self::defer_to_thread) may take for what they are at in the end. Default: 10 s.
    pub fn set_drain_timeout(&self, timeout: Duration) {
        self.extension::<Lifecycle>().drain_timeout.set(timeout);
    }

    /// How the connections ended when the loop did; nothing before that, nor if it ended without draining. Triggers after the shutdown
    /// find it here, and so does who asks when [`MainLoop::run`] has returned.
    pub fn drained(&self) -> Option<Drained> {
        self.extension::<Lifecycle>().drained.get()
    }
}

/// How far a loop has come, from its start to an end in good order.
#[derive(Debug, Default)]
pub(crate) struct Life {
    stage: Stage,
    /// What the triggers of this stage have begun.
    begun: Vec<Deferred<()>>,
    ending: Option<Ending>,
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    New,
    Starting(TriggerPhase),
    Running,
    Stopping(TriggerPhase),
    /// Threads finish what they are at.
    Finishing,
    Over,
}

/// An end in good order that has begun.
#[derive(Debug)]
struct Ending {
    begun: Instant,
    before: Closed,
    /// Of this stage.
    deadline: Instant,
}

/// What a loop does next.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next step of its life.
    Step,
    /// A turn, in which it may wait so long.
    Turn(Option<Duration>),
    /// Nothing: it is over.
    Over,
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
        let _entered = self.enter();
        self.core().network.runs();
        let termination = Termination::begin(&self)?;
        let mut life = Life::default();
        loop {
            match self.next(&life) {
                Next::Turn(longest) => self.take_turn(longest)?,
                Next::Step => self.step(&mut life),
                Next::Over => break,
            }
        }
        drop(termination);
        self.end();
        Ok(())
    }

    /// What is to be done next.
    pub(crate) fn next(&self, life: &Life) -> Next {
        let core = self.core();
        let waits = || life.begun.iter().any(|begun| !begun.is_settled());
        match life.stage {
            Stage::Running if !core.stopping.get() => Next::Turn(None),
            Stage::Starting(_) if waits() && !core.stopping.get() => Next::Turn(None),
            Stage::Stopping(_) | Stage::Finishing => {
                let drains = life.stage == Stage::Stopping(TriggerPhase::During) && core.counters.connections() > 0;
                let left = life.ending.as_ref().map(|ending| ending.deadline.saturating_duration_since(self.now()));
                match left {
                    Some(left) if !left.is_zero() && !core.crashing.get() && (drains || waits()) => {
                        Next::Turn(Some(left))
                    }
                    _ => Next::Step,
                }
            }
            Stage::Over => Next::Over,
            Stage::New | Stage::Starting(_) | Stage::Running => Next::Step,
        }
    }

    /// Goes on to the next stage.
    pub(crate) fn step(&mut self, life: &mut Life) {
        let _entered = self.enter();
        // What has not come to its end in time is cancelled; what has failed is logged.
        contain_drops(std::mem::take(&mut life.begun));
        let (stage, event) = match life.stage {
            Stage::New => (Stage::Starting(TriggerPhase::Before), SystemEvent::Startup),
            Stage::Starting(phase) => match phase.next() {
                Some(phase) => (Stage::Starting(phase), SystemEvent::Startup),
                None => return life.stage = Stage::Running,
            },
            Stage::Running if self.core().crashing.get() => return life.stage = Stage::Over,
            Stage::Running => (Stage::Stopping(TriggerPhase::Before), SystemEvent::Shutdown),
            Stage::Stopping(phase) => match phase.next() {
                Some(phase) => (Stage::Stopping(phase), SystemEvent::Shutdown),
                None => return self.finish(life),
            },
            Stage::Finishing => return life.stage = Stage::Over,
            Stage::Over => return,
        };
        life.stage = stage;
        let phase = match stage {
            Stage::Stopping(phase) => {
                let begun = self.now();
                let ending = life.ending.get_or_insert_with(|| {
                    let before = self.core().counters.closed.get();
                    Ending { begun, before, deadline: begun }
                });
                ending.deadline = self.drain_deadline();
                match phase {
                    TriggerPhase::Before => {}
                    TriggerPhase::During => self.begin_draining(),
                    TriggerPhase::After => self.cut_off(ending.begun, ending.before),
                }
                phase
            }
            Stage::Starting(phase) => phase,
            Stage::New | Stage::Running | Stage::Finishing | Stage::Over => return,
        };
        life.begun = fire(self, event, phase);
    }

    /// How long a stage of the end that begins now may take.
    fn drain_deadline(&self) -> Instant {
        let timeout = self.extension::<Lifecycle>().drain_timeout.get();
        self.now() + timeout.min(Duration::from_secs(u64::from(u32::MAX)))
    }

    /// Nobody but threads has anything to do.
    fn finish(&self, life: &mut Life) {
        life.stage = Stage::Finishing;
        life.begun.extend(thread_pool::close(self));
        if let Some(ending) = &mut life.ending {
            ending.deadline = self.drain_deadline();
        }
    }

    fn begin_draining(&mut self) {
        self.core().draining.set(true);
        self.tell_all(Readiness::DRAIN);
    }

    /// Aborts who has not ended, and says how it went.
    fn cut_off(&mut self, begun: Instant, before: Closed) {
        let aborted = self.core().counters.closed.get().aborted;
        self.tell_all(Readiness::END);
        let cut_off = self.core().counters.closed.get().aborted - aborted;
        let drained = Drained {
            closed: self.core().counters.closed.get() - before,
            cut_off,
            elapsed: self.now().saturating_duration_since(begun),
        };
        self.extension::<Lifecycle>().drained.set(Some(drained));
        if drained.closed.total() > 0 {
            log::info!("stopped: {drained}");
        }
    }

    /// The loop is over.
    pub(crate) fn end(self) {
        let (reactor, drained) = (Reactor::clone(&self), self.drained());
        drop(self);
        // The end takes what was kept, and the report is for whoever asks after it.
        reactor.extension::<Lifecycle>().drained.set(drained);
    }
}
