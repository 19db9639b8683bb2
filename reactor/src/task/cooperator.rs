//! Long work in short slices.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::deferred::Deferred;
use crate::reactor::Reactor;

use super::cooperative_step::CooperativeStep;
use super::cooperative_task::{CooperativeTask, Steps, Task};
use super::crew::{Crew, Member};

/// Shares the loop among long computations, and between them and everything else.
///
/// Work is an iterator that does a bit in each `next`. Tasks take their steps in turn, as many as go into a slice of time; then the reactor
/// serves everybody else, and the next slice follows in the next turn. A step may give a [`Deferred`] for its task to wait for: see
/// [`CooperativeStep`].
///
/// ```
/// use lariat::{Cooperator, Reactor};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// let reactor = Reactor::new()?;
/// let sum = Rc::new(Cell::new(0));
/// let ours = sum.clone();
/// let work = (1..=100_000_u64).map(move |number| ours.set(ours.get() + number));
/// let task = Cooperator::new(&reactor).cooperate(work);
/// let stop = Reactor::clone(&reactor);
/// task.when_done().finish(move |result| {
///     assert!(result.is_ok());
///     stop.stop();
/// });
/// reactor.run()?;
/// assert_eq!(sum.get(), 5_000_050_000);
/// # Ok::<(), lariat::Error>(())
/// ```
///
/// A slice ends after 10 ms of the reactor's clock, or after 1000 steps, whichever comes first; a step is never interrupted. Under a
/// simulated clock, which stands still meanwhile, that is after 1000 steps each time. Of several cooperators each has its own slice in a
/// turn.
///
/// Cloning it gives another handle to the same; tasks go on without any. When the reactor ends, the iterators are dropped, and whoever
/// waits for a task fails with [`FailureKind::Ended`](crate::FailureKind::Ended).
#[derive(Clone)]
#[doc(alias = "twisted.internet.task.Cooperator")]
pub struct Cooperator(Rc<Crew>);

impl Cooperator {
    /// One that has no tasks yet.
    pub fn new(reactor: &Reactor) -> Self {
        Self(Crew::new(reactor))
    }

    /// Sets how much a slice is: it ends after `steps` steps (one at least), or when it has taken `time`. Default: 1000, and 10 ms.
    #[doc(alias = "terminationPredicateFactory")]
    pub fn set_slice(&self, steps: usize, time: Duration) {
        self.0.set_slice(steps, time);
    }

    /// Takes on a task: `work` is iterated until it ends, fails or panics, in turn with the others. The first step comes from the loop.
    #[track_caller]
    pub fn cooperate<I>(&self, work: I) -> CooperativeTask
    where
        I: IntoIterator<IntoIter: 'static, Item: CooperativeStep>,
    {
        let work = Steps::new(work.into_iter());
        let id = self.0.next_id();
        let task = Task::new(self.0.clone(), id, work);
        if self.0.reactor.has_ended() {
            task.end_with_reactor();
        } else {
            self.0.enter(id, task.clone());
            task.get_ready();
        }
        CooperativeTask::new(task)
    }

    /// Takes on a task, and gives a Deferred of its end. Cancelling that stops the task.
    #[track_caller]
    pub fn coiterate<I>(&self, work: I) -> Deferred<()>
    where
        I: IntoIterator<IntoIter: 'static, Item: CooperativeStep>,
    {
        let task = self.cooperate(work);
        let ours = task.clone();
        let (resolver, deferred) = Deferred::with_canceller(&self.0.reactor, move |_| {
            ours.stop();
        });
        task.tell(resolver);
        deferred
    }

    /// How many tasks are not done.
    pub fn tasks(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Cooperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cooperator").field("tasks", &self.tasks()).finish()
    }
}
