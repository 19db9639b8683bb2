//! One of the tasks that share the loop.

use std::any::type_name;
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::panic::Location;
use std::rc::Rc;

use log::Level;

#[cfg(feature = "testing")]
use crate::contain::{Owner, fail_test};
use crate::contain::{catch, contain_drop};
use crate::deferred::{Deferred, Resolver};
use crate::failure::{Failure, FailureKind};
use crate::guarded::Guarded;
use crate::log_throttle::LogThrottle;
use crate::reactor::{Description, Reactor};

use super::cooperative_step::CooperativeStep;
use super::crew::{Crew, Member};

/// Tasks whose failures nobody has handled.
const UNHANDLED: LogThrottle = LogThrottle::new("lariat::task");

/// A task of a [`Cooperator`](crate::Cooperator). Dropping it changes nothing; cloning it gives another handle to the same task.
///
/// A failure for which nobody has asked by [`when_done`](Self::when_done) when the last handle is dropped, or the task ends without
/// any, is logged as one that nobody has handled.
#[derive(Clone)]
#[doc(alias = "twisted.internet.task.CooperativeTask")]
pub struct CooperativeTask(Rc<Task>);

impl CooperativeTask {
    pub(super) fn new(task: Rc<Task>) -> Self {
        Self(task)
    }

    /// A Deferred that has its value when the iterator has ended, and fails with what the task fails with: with
    /// [`FailureKind::Cancelled`] when it was stopped. Cancelling it changes nothing about the task.
    ///
    /// If several ask, the first gets the failure itself; the others get one of its kind, with its words.
    #[doc(alias = "whenDone")]
    #[track_caller]
    pub fn when_done(&self) -> Deferred<()> {
        let (resolver, deferred) = Deferred::new(&self.0.crew.reactor);
        self.tell(resolver);
        deferred
    }

    pub(super) fn tell(&self, resolver: Resolver<()>) {
        let end = self.0.state.with(|state| match state {
            State::Done(end) => Some((mem::replace(end, End::Succeeded), resolver)),
            State::Lives(life) => {
                life.listeners.push(resolver);
                None
            }
        });
        if let Some((end, resolver)) = end {
            let (result, end) = end.tell();
            self.0.state.with(|state| *state = State::Done(end));
            // If nobody listens, nobody misses it.
            drop(resolver.settle(result));
        }
    }

    /// Has it take no step until it is resumed as often as it was paused. What it waits for goes on.
    pub fn pause(&self) {
        self.0.state.with(|state| {
            if let State::Lives(life) = state {
                life.pauses += 1;
            }
        });
    }

    /// Takes a pause back. Returns whether it was paused.
    pub fn resume(&self) -> bool {
        let was_paused = self.0.state.with(|state| match state {
            State::Lives(life) if life.pauses > 0 => {
                life.pauses -= 1;
                true
            }
            _ => false,
        });
        self.0.get_ready();
        was_paused
    }

    /// Ends it: what it waits for is cancelled, and the iterator is dropped before this returns; or, if it is its own step that says so, after
    /// that. Returns whether it was still to go on.
    pub fn stop(&self) -> bool {
        self.0.finish(Err(Failure::of_kind(FailureKind::Cancelled, "the task was stopped")))
    }

    /// Is it over, one way or another?
    pub fn is_done(&self) -> bool {
        self.0.state.with(|state| matches!(state, State::Done(_)))
    }

    /// Has it been paused and not resumed?
    pub fn is_paused(&self) -> bool {
        self.0.state.with(|state| matches!(state, State::Lives(life) if life.pauses > 0))
    }
}

impl fmt::Debug for CooperativeTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CooperativeTask").field("paused", &self.is_paused()).field("done", &self.is_done()).finish()
    }
}

/// What the handles and the cooperator share.
pub(super) struct Task {
    crew: Rc<Crew>,
    id: u64,
    made: &'static Location<'static>,
    /// Out while it takes a step, and gone at the end.
    work: Cell<Option<Box<dyn Work>>>,
    state: Guarded<State>,
}

enum State {
    Lives(Life),
    Done(End),
}

/// ```text
///           its turn               gave a Deferred
/// ready ───────────────▶ stepping ─────────────────▶ waiting
///   ▲                       │                           │
///   └───────────────────────┴───────────────────────────┘
/// ```
///
/// While it is paused it becomes ready only when it is resumed.
#[derive(Default)]
struct Life {
    pauses: usize,
    is_queued: bool,
    is_stepping: bool,
    is_waiting: bool,
    waits_for: Option<Deferred<()>>,
    listeners: Vec<Resolver<()>>,
}

impl Task {
    #[track_caller]
    pub(super) fn new(crew: Rc<Crew>, id: u64, work: impl Work + 'static) -> Rc<Self> {
        let work: Box<dyn Work> = Box::new(work);
        let state = Guarded::new(State::Lives(Life::default()));
        Rc::new(Self { crew, id, made: Location::caller(), work: Cell::new(Some(work)), state })
    }

    /// Takes its place among those whose turn comes, if it may.
    pub(super) fn get_ready(self: &Rc<Self>) {
        let is_ready = self.state.with(|state| match state {
            State::Lives(life) if life.may_step() && !life.is_queued => {
                life.is_queued = true;
                true
            }
            _ => false,
        });
        if is_ready {
            self.crew.enqueue(self.clone());
        }
    }

    fn stepped(self: &Rc<Self>, deferred: Option<Deferred<()>>) {
        let waits_for = deferred.map(|deferred| {
            let ours = self.clone();
            deferred.map_result(move |result| ours.arrive(result))
        });
        let unwanted = self.state.with(|state| match state {
            State::Lives(life) => {
                life.is_stepping = false;
                life.is_waiting = waits_for.is_some();
                life.waits_for = waits_for;
                None
            }
            State::Done(_) => waits_for,
        });
        contain_drop(unwanted);
        self.get_ready();
    }

    /// What it waited for is there.
    fn arrive(self: Rc<Self>, result: Result<(), Failure>) -> Result<(), Failure> {
        let waited_for = self.state.with(|state| match state {
            State::Lives(life) => {
                life.is_waiting = false;
                Some(life.waits_for.take())
            }
            State::Done(_) => None,
        });
        let Some(waited_for) = waited_for else { return result };
        if let Some(waited_for) = waited_for {
            // Its last callback is running: there is nothing to cancel.
            waited_for.detach();
        }
        match result {
            Ok(()) => self.get_ready(),
            Err(failure) => {
                self.finish(Err(failure));
            }
        }
        Ok(())
    }

    /// It is over. Returns whether that is news.
    fn finish(&self, result: Result<(), Failure>) -> bool {
        let mut end = End::new(result);
        let life = self.state.with(|state| match mem::replace(state, State::Done(End::Succeeded)) {
            State::Lives(life) => Some(life),
            State::Done(before) => {
                *state = State::Done(before);
                None
            }
        });
        let Some(Life { is_stepping, waits_for, listeners, .. }) = life else { return false };
        for listener in listeners {
            // One that does not listen any more shall not be who has the failure.
            if !listener.is_cancelled() {
                let (result, others) = end.tell();
                end = others;
                drop(listener.settle(result));
            }
        }
        self.state.with(|state| *state = State::Done(end));
        self.crew.forget(self.id);
        contain_drop(waits_for);
        if !is_stepping {
            contain_drop(self.work.take());
        }
        true
    }
}

impl Member for Task {
    fn step(self: Rc<Self>) {
        let may_step = self.state.with(|state| match state {
            State::Lives(life) => {
                life.is_queued = false;
                life.is_stepping = life.may_step();
                life.is_stepping
            }
            State::Done(_) => false,
        });
        if !may_step {
            return;
        }
        let Some(mut work) = self.work.take() else { return };
        let name = work.name();
        let reactor = &self.crew.reactor;
        let step = reactor.observe(|| Description::named(name), || catch(|| work.step(reactor)));
        self.work.set(Some(work));
        match step {
            Ok(Step::Done) => {
                self.finish(Ok(()));
            }
            Ok(Step::More) => self.stepped(None),
            Ok(Step::Wait(deferred)) => self.stepped(Some(deferred)),
            Err(message) => {
                let words = format!("{name} panicked: {message}");
                self.finish(Err(Failure::of_kind(FailureKind::Panicked, words)));
            }
        }
        if self.state.with(|state| matches!(state, State::Done(_))) {
            contain_drop(self.work.take());
        }
    }

    fn end_with_reactor(&self) {
        self.finish(Err(Failure::ended()));
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let end = self.state.with(|state| mem::replace(state, State::Done(End::Succeeded)));
        if let State::Done(End::Failed(failure)) = end
            && !matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Ended)
        {
            let words = format!("unhandled failure in the cooperative task made at {}: {failure:#}", self.made);
            UNHANDLED.log(Level::Error, format_args!("{words}"));
            #[cfg(feature = "testing")]
            fail_test(Owner::of(self.crew.reactor.core()), words);
            contain_drop(failure);
        }
    }
}

impl Life {
    fn may_step(&self) -> bool {
        self.pauses == 0 && !self.is_stepping && !self.is_waiting
    }
}

/// How it ended, for those who ask.
enum End {
    Succeeded,
    /// Nobody has asked yet.
    Failed(Failure),
    /// Somebody has the failure.
    Told(FailureKind, String),
}

impl End {
    fn new(result: Result<(), Failure>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Succeeded)
    }

    /// What the next one who asks is told, and those after it. A failure is asked for its words: that is a user's code.
    fn tell(self) -> (Result<(), Failure>, Self) {
        match self {
            Self::Succeeded => (Ok(()), Self::Succeeded),
            Self::Failed(failure) => {
                let told = Self::Told(failure.kind(), failure.to_string());
                (Err(failure), told)
            }
            Self::Told(kind, words) => (Err(Failure::of_kind(kind, words.clone())), Self::Told(kind, words)),
        }
    }
}

/// What a task does, step by step.
pub(super) trait Work {
    fn step(&mut self, reactor: &Reactor) -> Step;

    /// Whose code it is.
    fn name(&self) -> &'static str;
}

pub(super) enum Step {
    Done,
    More,
    Wait(Deferred<()>),
}

/// The steps of an iterator.
pub(super) struct Steps<I>(I);

impl<I> Steps<I> {
    pub(super) fn new(steps: I) -> Self {
        Self(steps)
    }
}

impl<I: Iterator<Item: CooperativeStep>> Work for Steps<I> {
    fn step(&mut self, reactor: &Reactor) -> Step {
        match self.0.next() {
            None => Step::Done,
            Some(step) => step.wait(reactor).map_or(Step::More, Step::Wait),
        }
    }

    fn name(&self) -> &'static str {
        type_name::<I>()
    }
}
