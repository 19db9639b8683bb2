//! The end of a Deferred by which it gets its result.

use std::fmt;
use std::mem;
use std::rc::Rc;

use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Job, Reactor};

use super::canceller::Canceller;
use super::link::Work;
use super::node::Node;

/// The first place of a chain, which gets its result from outside.
pub(super) type Source<T> = Node<Origin, T>;

/// What is done to cancel a source.
pub(super) struct Origin(pub(super) Option<Canceller>);

impl Work for Origin {
    fn canceller(self) -> Option<Canceller> {
        self.0
    }

    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        if let Some(canceller) = &self.0 {
            canceller.visit_awaited(visit);
        }
    }
}

/// Gives a [`Deferred`](super::Deferred) its result, once: each way to do so takes the resolver.
///
/// Nothing is called back before `resolve` or `reject` returns; the callbacks are called from the loop. A resolver that is dropped
/// unused fails its Deferred with [`FailureKind::Abandoned`], so nobody waits in vain; or with [`FailureKind::Ended`], if it is dropped
/// because the reactor ends.
#[must_use = "dropping it fails its Deferred"]
pub struct Resolver<T: 'static> {
    /// Gone once it was used.
    open: Option<Open<T>>,
}

struct Open<T: 'static> {
    reactor: Reactor,
    source: Rc<Source<T>>,
}

impl<T: 'static> Resolver<T> {
    #[inline]
    pub(super) fn new(reactor: &Reactor, source: Rc<Source<T>>) -> Self {
        Self { open: Some(Open { reactor: reactor.clone(), source }) }
    }

    /// Gives the Deferred a value.
    ///
    /// # Errors
    ///
    /// When nobody waits for it any more, because it was cancelled or the reactor has ended: the value.
    #[doc(alias = "callback")]
    #[inline(always)]
    pub fn resolve(self, value: T) -> Result<(), T> {
        match self.settle(Ok(value)) {
            Err(Ok(value)) => Err(value),
            _ => Ok(()),
        }
    }

    /// Fails the Deferred.
    ///
    /// # Errors
    ///
    /// When nobody waits for it any more, because it was cancelled or the reactor has ended: the failure.
    #[doc(alias = "errback")]
    #[track_caller]
    pub fn reject(self, failure: impl Into<Failure>) -> Result<(), Failure> {
        match self.settle(Err(failure.into())) {
            Err(Err(failure)) => Err(failure),
            _ => Ok(()),
        }
    }

    /// Gives the Deferred a value or fails it.
    ///
    /// # Errors
    ///
    /// When nobody waits for it any more, because it was cancelled or the reactor has ended: the result.
    #[inline(always)]
    pub fn settle(mut self, result: Result<T, Failure>) -> Result<(), Result<T, Failure>> {
        let open = self.open.take();
        // Spares the way to a drop that would find nothing.
        mem::forget(self);
        match open {
            Some(Open { reactor, source }) => source.settle(&reactor, result),
            None => Err(result),
        }
    }

    /// Does nobody wait for the result any more? Then work on it may stop. This is so after the Deferred was cancelled or dropped, and
    /// after the reactor has ended. While a canceller is running, a result still counts, but nobody hopes for it.
    pub fn is_cancelled(&self) -> bool {
        !self.open.as_ref().is_some_and(|open| open.source.is_waiting())
    }
}

/// A Deferred's end as a task has it: it may be dropped, for the canceller, or the end of the reactor, sees to it that there is a result.
pub(crate) struct Promise<T: 'static>(Rc<Source<T>>);

impl<T: 'static> Promise<T> {
    #[inline]
    pub(super) fn new(source: Rc<Source<T>>) -> Self {
        Self(source)
    }

    /// What may be failed.
    pub(crate) fn job(&self) -> Rc<dyn Job> {
        self.0.clone()
    }

    /// Takes up the duty to give a result.
    #[inline]
    pub(crate) fn resolver(&self, reactor: &Reactor) -> Resolver<T> {
        Resolver::new(reactor, self.0.clone())
    }
}

impl<T: 'static> Drop for Resolver<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            open.abandon();
        }
    }
}

impl<T: 'static> Open<T> {
    #[cold]
    fn abandon(self) {
        // While it is being cancelled, that is what it ends with.
        if self.source.is_waiting() {
            let words = "nobody can give a result any more: the resolver was dropped";
            let failure = match self.reactor.has_ended() {
                true => Failure::ended(),
                false => Failure::of_kind(FailureKind::Abandoned, words),
            };
            drop(self.source.settle(&self.reactor, Err(failure)));
        }
    }
}

impl<T: 'static> fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("cancelled", &self.is_cancelled()).finish()
    }
}
