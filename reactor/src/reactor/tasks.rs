//! How the loop polls its tasks, and how they are woken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Wake};

use crate::contain::contain_drop;
use crate::error::Error;
use crate::failure::Failure;
use crate::guarded::Guarded;

use super::core::{Core, Message, Outgoing, Reactor, Spawned};
use super::description::Description;
use super::task_id::TaskId;
use super::task_table::TaskTable;
use super::task_waker::{TaskWaker, Wakers};

thread_local! {
    /// The loop that is taking a turn on this thread, if it has tasks.
    static CURRENT: Guarded<Option<Here>> = const { Guarded::new(None) };
}

struct Here {
    /// That of its wakers.
    number: u64,
    reactor: Reactor,
}

/// Notes which loop takes a turn, until it is dropped.
pub(crate) struct Current(());

impl Current {
    pub(crate) fn set(reactor: &Reactor) -> Option<Self> {
        let number = reactor.core().wakers.get()?.number();
        set_current(Some(Here { number, reactor: reactor.clone() }));
        Some(Self(()))
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        set_current(None);
    }
}

fn set_current(here: Option<Here>) {
    // A loop may take a turn at the very end of a thread.
    let former = CURRENT.try_with(|current| current.with(|current| std::mem::replace(current, here)));
    drop(former);
}

impl Reactor {
    /// What wakes the tasks of this loop.
    ///
    /// # Errors
    ///
    /// When the reactor has ended, or when the operating system has no descriptor left for waking the loop.
    pub(crate) fn wakers(&self) -> Result<&Wakers<Outgoing>, Error> {
        let core = self.core();
        if core.ended.get() {
            return Err(Error::ended());
        }
        if let Some(wakers) = core.wakers.get() {
            return Ok(wakers);
        }
        let wakers = Wakers::new(self.outbox_by(core.network.task_waker())?);
        Ok(core.wakers.get_or_init(|| wakers))
    }

    /// The id that the next task gets.
    pub(crate) fn next_task(&self) -> TaskId {
        self.core().tasks.with(|tasks| tasks.next_id())
    }

    /// Takes in a task, as [`next_task`](Self::next_task), to be polled in the next pass of the call queue.
    pub(crate) fn enqueue_task(&self, task: Pin<Box<dyn Spawned>>) {
        let core = self.core();
        let id = core.tasks.with(|tasks| {
            let id = tasks.next_id();
            tasks.insert(task);
            id
        });
        core.calls.with(|calls| calls.push_item(id));
    }

    /// Ends a task where it is.
    pub(crate) fn end_task(&self, task: TaskId) {
        contain_drop(self.core().tasks.with(|tasks| tasks.remove(task)));
    }
}

impl Core {
    /// Polls a task that another thread has woken.
    #[inline(never)]
    pub(crate) fn poll_remotely_woken(&self, reactor: &Reactor, id: TaskId) {
        self.poll_task(reactor, id);
    }

    /// Polls a task, if it has not ended. Inlined into the loop over the call queue, which is where it is hot.
    #[inline(always)]
    pub(crate) fn poll_task(&self, reactor: &Reactor, id: TaskId) {
        let Some(mut task) = self.tasks.with(|tasks| tasks.take(id)) else { return };
        let polled = if self.observation.is_on() {
            let description = Description::named(task.name());
            self.observation.observe(&*self.network, description, || task.as_mut().poll(reactor))
        } else {
            task.as_mut().poll(reactor)
        };
        match polled {
            Poll::Pending => {
                // It may have been cancelled while it ran.
                let cancelled = self.tasks.with(|tasks| tasks.put(id, task));
                if cancelled.is_some() {
                    contain_drop(cancelled);
                }
            }
            Poll::Ready(()) => self.retire_task(id, task),
        }
    }

    /// How many clones there are of what wakes tasks, on whatever thread.
    #[cfg(feature = "testing")]
    pub(crate) fn wakers_about(&self) -> usize {
        let of_tasks: usize = self.tasks.with(|tasks| tasks.iter().map(Spawned::clones).sum());
        of_tasks + self.alarm_clones.get()
    }

    #[inline(never)]
    fn retire_task(&self, id: TaskId, mut task: Pin<Box<dyn Spawned>>) {
        let _ = self.tasks.with(|tasks| tasks.remove(id));
        let alarm = task.as_mut().take_alarm();
        contain_drop(task);
        if let (Some(wakers), Some(alarm)) = (self.wakers.get(), alarm) {
            wakers.retire(alarm);
        }
    }

    /// Ends all tasks, and tells whoever waits for them.
    pub(crate) fn end_tasks(&self, reactor: &Reactor) {
        for task in self.tasks.with(TaskTable::remove_all) {
            let result = task.result();
            contain_drop(task);
            reactor.fail_source(result, Failure::ended());
        }
    }
}

impl Wake for TaskWaker<Outgoing> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.set_queued() && !wake_here(self.way().number, self.id()) {
            wake_elsewhere(self);
        }
    }
}

/// Has a task of the loop that is taking a turn on this thread be polled, if that is its own.
#[inline]
fn wake_here(number: u64, id: TaskId) -> bool {
    // A waker may be used at the very end of a thread.
    let woken = CURRENT.try_with(|current| {
        current.with(|here| match here {
            Some(here) if here.number == number => {
                here.reactor.core().calls.with(|calls| calls.push_item(id));
                true
            }
            _ => false,
        })
    });
    woken.unwrap_or(false)
}

#[cold]
#[inline(never)]
fn wake_elsewhere(waker: &TaskWaker<Outgoing>) {
    // A loop that has ended has no tasks.
    drop(waker.way().outbox.send(Message::Wake(waker.id())));
}
