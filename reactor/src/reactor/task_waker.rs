//! What wakes a task.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "testing")]
use std::sync::atomic::fence;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Wake, Waker};

use crate::guarded::Guarded;

use super::task_id::TaskId;

/// Wakers that are kept for later tasks: as many as begin and end in a turn of a busy loop.
const SPARES: usize = 256;

/// How wakers find their loop: on its own thread by its number, elsewhere through `outbox`.
#[derive(Debug)]
pub(crate) struct Way<O> {
    /// Tells loops apart that share a thread.
    pub(crate) number: u64,
    pub(crate) outbox: O,
}

/// A task's waker. Waking itself is written where the loop is known.
#[derive(Debug)]
pub(crate) struct TaskWaker<O> {
    way: Arc<Way<O>>,
    id: TaskId,
    /// It is to be polled already.
    is_queued: AtomicBool,
}

impl<O> TaskWaker<O> {
    pub(crate) fn way(&self) -> &Way<O> {
        &self.way
    }

    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    /// The task is to be polled. Returns whether that is news.
    #[inline]
    pub(crate) fn set_queued(&self) -> bool {
        !self.is_queued.swap(true, Ordering::AcqRel)
    }
}

/// A waker as its task itself has it. Each poll needs one, and none has to be made for it.
#[derive(Debug)]
pub(crate) struct Alarm<O> {
    state: Arc<TaskWaker<O>>,
    waker: Waker,
}

impl<O> Alarm<O> {
    /// Has it rung since it was last armed?
    pub(crate) fn has_rung(&self) -> bool {
        self.state.is_queued.load(Ordering::Acquire)
    }

    /// How many clones of the waker there are, wherever.
    #[cfg(feature = "testing")]
    pub(crate) fn clones(&self) -> usize {
        // It is here twice.
        let clones = Arc::strong_count(&self.state).saturating_sub(2);
        // What was done with one that is gone has been done.
        fence(Ordering::Acquire);
        clones
    }

    /// The waker to poll with. From here on, whoever wakes the task has it polled again.
    #[inline]
    pub(crate) fn arm(&self) -> &Waker {
        self.state.is_queued.store(false, Ordering::Release);
        &self.waker
    }
}

/// Makes the wakers of a loop.
pub(crate) struct Wakers<O> {
    way: Arc<Way<O>>,
    /// Those of tasks that have ended, which nobody else holds.
    spare: Guarded<Vec<Arc<TaskWaker<O>>>>,
}

impl<O> Wakers<O> {
    pub(crate) fn new(outbox: O) -> Self {
        static LOOPS: AtomicU64 = AtomicU64::new(0);
        let number = LOOPS.fetch_add(1, Ordering::Relaxed);
        Self { way: Arc::new(Way { number, outbox }), spare: Guarded::default() }
    }

    pub(crate) fn number(&self) -> u64 {
        self.way.number
    }

    /// Takes back the waker of a task that has ended.
    pub(crate) fn retire(&self, alarm: Alarm<O>) {
        let Alarm { mut state, waker } = alarm;
        drop(waker);
        if Arc::get_mut(&mut state).is_some() {
            self.spare.with(|spare| {
                if spare.len() < SPARES {
                    spare.push(state);
                }
            });
        }
    }
}

impl<O> Wakers<O>
where
    TaskWaker<O>: Wake + Send + Sync + 'static,
{
    /// The waker of a task that is to be polled already.
    pub(crate) fn alarm(&self, id: TaskId) -> Alarm<O> {
        let state = self.state(id);
        Alarm { waker: Waker::from(state.clone()), state }
    }

    fn state(&self, id: TaskId) -> Arc<TaskWaker<O>> {
        if let Some(mut state) = self.spare.with(Vec::pop)
            && let Some(spare) = Arc::get_mut(&mut state)
        {
            spare.id = id;
            *spare.is_queued.get_mut() = true;
            return state;
        }
        Arc::new(TaskWaker { way: self.way.clone(), id, is_queued: AtomicBool::new(true) })
    }
}

impl<O> fmt::Debug for Wakers<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wakers").field(&self.number()).finish()
    }
}
