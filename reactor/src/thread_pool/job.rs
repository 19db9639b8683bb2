//! What a thread is to do, and how the loop hears of it.

use std::any::type_name;
use std::marker::PhantomData;

use crate::contain::{catch, contain_drop};
use crate::failure::{Failure, FailureKind};
use crate::reactor::{Reactor, Remote};

/// Tells the jobs of a pool apart, and in which order they came.
pub(crate) type JobId = u64;

/// Something for a thread to do. Dropped undone, it tells nobody.
pub(crate) trait Job: Send {
    /// Does it. A panic in it goes no further.
    fn run(&mut self);

    /// Tells the loop what came of it.
    fn tell(self: Box<Self>);
}

/// How a result gets to whoever waits for it.
pub(super) type Deliver<T> = fn(&Reactor, JobId, Result<T, Failure>);

/// A closure that is made of a user's `U`.
pub(super) struct Errand<F, T, U> {
    id: JobId,
    /// Gone once it was called.
    call: Option<F>,
    result: Option<Result<T, Failure>>,
    remote: Remote,
    deliver: Deliver<T>,
    user: PhantomData<fn() -> U>,
}

impl<F, T, U> Errand<F, T, U> {
    pub(super) fn new(id: JobId, call: F, remote: Remote, deliver: Deliver<T>) -> Self {
        Self { id, call: Some(call), result: None, remote, deliver, user: PhantomData }
    }
}

impl<F, T, U> Job for Errand<F, T, U>
where
    F: FnOnce() -> Result<T, Failure> + Send,
    T: Send + 'static,
{
    fn run(&mut self) {
        if let Some(call) = self.call.take() {
            let result = catch(call).unwrap_or_else(|message| Err(panicked::<U>(&message)));
            self.result = Some(result);
        }
    }

    fn tell(self: Box<Self>) {
        let Self { id, result, remote, deliver, .. } = *self;
        let Some(result) = result else { return };
        if let Err(refused) = remote.call(move |reactor| deliver(reactor, id, result)) {
            // The reactor has ended: nobody waits, and what there is to drop is dropped here.
            contain_drop(refused.into_call());
        }
    }
}

/// What a closure's panic has become.
#[cold]
pub(super) fn panicked<F>(message: &str) -> Failure {
    Failure::of_kind(FailureKind::Panicked, format!("{} panicked: {message}", type_name::<F>()))
}
