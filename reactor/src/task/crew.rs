//! Tasks that share the loop, whatever they do.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::contain::contain;
use crate::guarded::Guarded;
use crate::reactor::Reactor;

/// How long a slice may take unless it is set otherwise: short enough that nobody who waits for an answer notices.
const SLICE: Duration = Duration::from_millis(10);

/// The most steps of a slice unless it is set otherwise: enough that a turn of the loop costs nothing beside them. It is what ends a
/// slice where time stands still.
const STEPS: usize = 1000;

/// A task.
pub(super) trait Member {
    /// Its turn has come.
    fn step(self: Rc<Self>);

    fn end_with_reactor(&self);
}

/// The tasks of a cooperator.
pub(super) struct Crew {
    pub(super) reactor: Reactor,
    slice: Cell<Duration>,
    steps: Cell<usize>,
    list: Guarded<List>,
}

#[derive(Default)]
struct List {
    /// All that are not done.
    tasks: BTreeMap<u64, Rc<dyn Member>>,
    next: u64,
    /// Those whose turn comes; some may have been paused or stopped meanwhile.
    ready: VecDeque<Rc<dyn Member>>,
    /// A slice is queued, or running.
    is_busy: bool,
}

impl Crew {
    pub(super) fn new(reactor: &Reactor) -> Rc<Self> {
        let crew = Rc::new(Self {
            reactor: reactor.clone(),
            slice: Cell::new(SLICE),
            steps: Cell::new(STEPS),
            list: Guarded::new(List::default()),
        });
        if !reactor.has_ended() {
            let all = reactor.extension::<All>();
            all.0.with(|all| {
                all.retain(|crew| crew.strong_count() > 0);
                all.push(Rc::downgrade(&crew));
            });
        }
        crew
    }

    pub(super) fn set_slice(&self, steps: usize, time: Duration) {
        self.steps.set(steps.max(1));
        self.slice.set(time);
    }

    pub(super) fn next_id(&self) -> u64 {
        self.list.with(|list| {
            list.next += 1;
            list.next
        })
    }

    pub(super) fn enter(&self, id: u64, task: Rc<dyn Member>) {
        self.list.with(|list| list.tasks.insert(id, task));
    }

    pub(super) fn forget(&self, id: u64) {
        let task = self.list.with(|list| list.tasks.remove(&id));
        drop(task);
    }

    pub(super) fn len(&self) -> usize {
        self.list.with(|list| list.tasks.len())
    }

    /// Has `task` take its next step when its turn comes.
    pub(super) fn enqueue(self: &Rc<Self>, task: Rc<dyn Member>) {
        let was_busy = self.list.with(|list| {
            list.ready.push_back(task);
            std::mem::replace(&mut list.is_busy, true)
        });
        if !was_busy {
            self.schedule();
        }
    }

    fn schedule(self: &Rc<Self>) {
        let ours = self.clone();
        self.reactor.enqueue(Box::new(move |_| ours.run_slice()));
    }

    fn run_slice(self: Rc<Self>) {
        let begin = self.reactor.now();
        for _ in 0..self.steps.get() {
            let Some(task) = self.list.with(|list| list.ready.pop_front()) else { break };
            // Whatever panics there, a drop perhaps, is the task's affair; the others go on.
            let _ = contain(|| "a cooperative task", || task.step());
            if self.reactor.now().saturating_duration_since(begin) >= self.slice.get() {
                break;
            }
        }
        let is_busy = self.list.with(|list| {
            list.is_busy = !list.ready.is_empty();
            list.is_busy
        });
        if is_busy {
            self.schedule();
        }
    }
}

/// Every crew of a reactor, to end them with it: a task and its crew hold each other.
#[derive(Default)]
struct All(Guarded<Vec<Weak<Crew>>>);

impl Drop for All {
    fn drop(&mut self) {
        for crew in self.0.with(std::mem::take).iter().filter_map(Weak::upgrade) {
            let List { tasks, ready, .. } = crew.list.with(std::mem::take);
            tasks.values().for_each(|task| task.end_with_reactor());
            drop((tasks, ready));
        }
    }
}
