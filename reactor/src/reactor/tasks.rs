//! Futures that the loop polls.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use slab::Slab;

use crate::contain::{catch, contain_drop};
use crate::error::Error;
use crate::failure::{Failure, FailureKind};
use crate::guarded::Guarded;
use crate::inbox::Outbox;

use super::core::{Core, Job, Message, Queued, Reactor, TaskList};
use super::description::Description;
use super::task_id::TaskId;

/// Wakers that are kept for later tasks: as many as begin and end in a turn of a busy loop.
const SPARE_WAKERS: usize = 256;

/// The tasks of a loop.
pub(crate) struct Tasks {
    slots: Guarded<Slab<Slot>>,
    /// Wakers of tasks that have ended, which nobody else holds.
    spare: Guarded<Vec<Arc<TaskWaker>>>,
    next_generation: Cell<u32>,
    way: Arc<Way>,
}

struct Slot {
    generation: u32,
    /// None while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    name: &'static str,
    /// Fails if the task panics.
    result: Rc<dyn Job>,
    waker: Arc<TaskWaker>,
}

/// How wakers find the loop.
struct Way {
    /// Tells loops apart that share a thread.
    number: u64,
    outbox: Outbox<Message>,
}

struct TaskWaker {
    way: Arc<Way>,
    id: TaskId,
    /// It is to be polled already.
    is_queued: AtomicBool,
}

thread_local! {
    /// The loop that is taking a turn on this thread, if it has tasks.
    static CURRENT: Cell<Option<Reactor>> = const { Cell::new(None) };
}

/// Notes which loop takes a turn, until it is dropped.
pub(crate) struct Current(());

impl Current {
    pub(crate) fn set(reactor: &Reactor) -> Self {
        CURRENT.set(Some(reactor.clone()));
        Self(())
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Tasks {
    pub(crate) fn new(outbox: Outbox<Message>) -> Self {
        static LOOPS: AtomicU64 = AtomicU64::new(0);
        let number = LOOPS.fetch_add(1, Ordering::Relaxed);
        Self {
            slots: Guarded::default(),
            spare: Guarded::default(),
            next_generation: Cell::new(0),
            way: Arc::new(Way { number, outbox }),
        }
    }

    fn waker(&self, id: TaskId) -> Arc<TaskWaker> {
        if let Some(mut waker) = self.spare.with(Vec::pop)
            && let Some(spare) = Arc::get_mut(&mut waker)
        {
            spare.id = id;
            *spare.is_queued.get_mut() = true;
            return waker;
        }
        Arc::new(TaskWaker { way: self.way.clone(), id, is_queued: AtomicBool::new(true) })
    }

    /// Takes a task out, wherever it is; its future is dropped by the caller.
    fn remove(&self, id: TaskId) -> Option<Slot> {
        let mut slot = self.slots.with(|slots| {
            let found = slots.get(id.index as usize)?.generation == id.generation;
            found.then(|| slots.remove(id.index as usize))
        })?;
        if Arc::get_mut(&mut slot.waker).is_some() {
            let waker = slot.waker.clone();
            self.spare.with(|spare| {
                if spare.len() < SPARE_WAKERS {
                    spare.push(waker);
                }
            });
        }
        Some(slot)
    }
}

impl TaskList for Tasks {
    fn number(&self) -> u64 {
        self.way.number
    }

    fn len(&self) -> usize {
        self.slots.with(|slots| slots.len())
    }

    fn next_id(&self) -> TaskId {
        // Memory ends long before there are four thousand million tasks.
        let index = self.slots.with(|slots| u32::try_from(slots.vacant_key()).unwrap_or(u32::MAX));
        TaskId { index, generation: self.next_generation.get() }
    }

    fn insert(&self, future: Pin<Box<dyn Future<Output = ()>>>, name: &'static str, result: Rc<dyn Job>) {
        let id = self.next_id();
        let waker = self.waker(id);
        self.next_generation.set(id.generation.wrapping_add(1));
        self.slots
            .with(|slots| slots.insert(Slot { generation: id.generation, future: Some(future), name, result, waker }));
    }

    fn turn_waker(&self) -> Waker {
        let waker = TaskWaker { way: self.way.clone(), id: TaskId::NONE, is_queued: AtomicBool::new(false) };
        Waker::from(Arc::new(waker))
    }

    fn cancel(&self, id: TaskId) {
        if let Some(slot) = self.remove(id) {
            contain_drop(slot.future);
        }
    }

    fn poll(&self, reactor: &Reactor, id: TaskId) {
        let taken = self.slots.with(|slots| {
            let slot = slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation)?;
            Some((slot.future.take()?, slot.waker.clone(), slot.name))
        });
        let Some((mut future, waker, name)) = taken else { return };
        // From here on, whoever wakes it has it polled again.
        waker.is_queued.store(false, Ordering::Release);
        let waker = Waker::from(waker);
        let poll = || catch(|| future.as_mut().poll(&mut Context::from_waker(&waker)));
        let polled = reactor.observe(|| Description::named(name), poll);
        drop(waker);
        if let Ok(Poll::Pending) = polled {
            let gone = self.slots.with(|slots| {
                match slots.get_mut(id.index as usize).filter(|slot| slot.generation == id.generation) {
                    Some(slot) => {
                        slot.future = Some(future);
                        None
                    }
                    // It was cancelled while it ran.
                    None => Some(future),
                }
            });
            return contain_drop(gone);
        }
        let slot = self.remove(id);
        if let (Err(message), Some(slot)) = (polled, slot) {
            let failure = Failure::of_kind(FailureKind::Panicked, format!("{name} panicked: {message}"));
            slot.result.fail(reactor, failure);
        }
        contain_drop(future);
    }

    fn end(&self, reactor: &Reactor) {
        let slots = self.slots.with(std::mem::take);
        for (_, slot) in slots {
            contain_drop(slot.future);
            slot.result.fail(reactor, Failure::ended());
        }
        self.spare.with(Vec::clear);
    }
}

impl Reactor {
    /// The tasks of this loop.
    ///
    /// # Errors
    ///
    /// When the reactor has ended, or when the operating system has no descriptor left for waking the loop.
    pub(crate) fn tasks(&self) -> Result<&dyn TaskList, Error> {
        let core = self.core();
        if core.ended.get() {
            return Err(Error::ended());
        }
        if let Some(tasks) = core.tasks.get() {
            return Ok(&**tasks);
        }
        let tasks = Tasks::new(self.outbox()?);
        Ok(&**core.tasks.get_or_init(|| Box::new(tasks)))
    }

    /// Ends a task where it is.
    pub(crate) fn end_task(&self, task: TaskId) {
        if let Some(tasks) = self.core().tasks.get() {
            tasks.cancel(task);
        }
    }

    /// Has a new task polled in the next pass of the call queue.
    pub(crate) fn enqueue_task(&self, task: TaskId) {
        self.core().calls.with(|calls| calls.push(Queued::Task(task)));
    }
}

impl Core {
    /// Polls a task, if there is any.
    pub(crate) fn poll_task(&self, reactor: &Reactor, id: TaskId) {
        if let Some(tasks) = self.tasks.get() {
            tasks.poll(reactor, id);
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.id != TaskId::NONE && self.is_queued.swap(true, Ordering::AcqRel) {
            return;
        }
        // A waker may be used at the very end of a thread.
        let current = CURRENT.try_with(Cell::take).ok().flatten();
        let here = current.as_ref().filter(|reactor| {
            let tasks = reactor.core().tasks.get();
            tasks.is_some_and(|tasks| tasks.number() == self.way.number)
        });
        if let Some(reactor) = here {
            reactor.core().calls.with(|calls| calls.push(Queued::Task(self.id)));
        } else {
            // A loop that has ended has no tasks.
            drop(self.way.outbox.send(Message::Wake(self.id)));
        }
        if let Some(reactor) = current {
            CURRENT.set(Some(reactor));
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tasks").field(&self.len()).finish()
    }
}
