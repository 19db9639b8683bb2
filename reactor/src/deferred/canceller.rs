//! What is called when a Deferred is cancelled.

use crate::contain::contain;
use crate::reactor::{ChainId, Reactor, TaskId};

/// What cancels whatever would have given a result.
pub(crate) trait Cancel {
    fn cancel(self: Box<Self>, reactor: &Reactor);

    /// Visits the chains whose results it is made of.
    fn visit_awaited(&self, _visit: &mut dyn FnMut(ChainId)) {}
}

/// One of them, in a single word: most Deferreds have none.
pub(crate) struct Canceller(Box<Kind>);

enum Kind {
    Call(Box<dyn Cancel>),
    /// Ends the task, whose future says itself what it waits for.
    Task(TaskId),
}

impl Canceller {
    pub(super) fn new(cancel: impl Cancel + 'static) -> Self {
        Self(Box::new(Kind::Call(Box::new(cancel))))
    }

    pub(crate) fn task(task: TaskId) -> Self {
        Self(Box::new(Kind::Task(task)))
    }

    pub(super) fn call(self, reactor: &Reactor) {
        // The panic is logged; the Deferred is cancelled all the same.
        let _ = contain(
            || "a canceller",
            || match *self.0 {
                Kind::Call(call) => call.cancel(reactor),
                Kind::Task(task) => reactor.end_task(task),
            },
        );
    }

    pub(super) fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        if let Kind::Call(call) = &*self.0 {
            call.visit_awaited(visit);
        }
    }
}

/// A user's.
pub(super) struct Call<F>(pub(super) F);

impl<F: FnOnce(&Reactor)> Cancel for Call<F> {
    fn cancel(self: Box<Self>, reactor: &Reactor) {
        (self.0)(reactor);
    }
}
