//! What a step of a cooperative task gives.

use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::reactor::Reactor;

/// An item of an iterator that a [`Cooperator`](crate::Cooperator) runs: what its task is to wait for before the next step.
///
/// | item | the task |
/// | --- | --- |
/// | `()` | goes on when its turn comes |
/// | a [`Deferred`] | waits for its result, and drops that; a failure ends it |
/// | `None` | goes on |
/// | `Some` step | does what that says |
/// | `Ok` step | does what that says |
/// | `Err` | has failed, and is over |
pub trait CooperativeStep {
    /// What there is to wait for, if there is something.
    fn wait(self, reactor: &Reactor) -> Option<Deferred<()>>;
}

impl CooperativeStep for () {
    fn wait(self, _: &Reactor) -> Option<Deferred<()>> {
        None
    }
}

impl<T: 'static> CooperativeStep for Deferred<T> {
    fn wait(self, _: &Reactor) -> Option<Deferred<()>> {
        Some(self.map(drop))
    }
}

impl<S: CooperativeStep> CooperativeStep for Option<S> {
    fn wait(self, reactor: &Reactor) -> Option<Deferred<()>> {
        self?.wait(reactor)
    }
}

impl<S: CooperativeStep, E: Into<Failure>> CooperativeStep for Result<S, E> {
    fn wait(self, reactor: &Reactor) -> Option<Deferred<()>> {
        match self {
            Ok(step) => step.wait(reactor),
            Err(error) => Some(Deferred::fail(reactor, error)),
        }
    }
}
