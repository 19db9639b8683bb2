//! The end of a Deferred by which it gets its result.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::rc::Rc;

use crate::contain::contain_drop;
use crate::failure::{Failure, FailureKind};
use crate::reactor::{Job, Origin, Reactor, Settled, SourceId};

use super::held::Held;

/// Gives a [`Deferred`](super::Deferred) its result, once: each way to do so takes the resolver.
///
/// Nothing is called back before `resolve` or `reject` returns; the callbacks are called from the loop. A resolver that is dropped
/// unused fails its Deferred with [`FailureKind::Abandoned`], so nobody waits in vain; or with [`FailureKind::Ended`], if it is dropped
/// because the reactor ends.
#[must_use = "dropping it fails its Deferred"]
pub struct Resolver<T: 'static> {
    /// Gone once it was used.
    open: Option<Open>,
    result: PhantomData<fn(T)>,
}

struct Open {
    reactor: Reactor,
    source: SourceId,
}

impl<T: 'static> Resolver<T> {
    #[inline]
    pub(super) fn new(reactor: &Reactor, source: SourceId) -> Self {
        Self { open: Some(Open { reactor: reactor.clone(), source }), result: PhantomData }
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
            Some(Open { reactor, source }) => settle(&reactor, source, result),
            None => Err(result),
        }
    }

    /// Does nobody wait for the result any more? Then work on it may stop. This is so after the Deferred was cancelled or dropped, and
    /// after the reactor has ended. While a canceller is running, a result still counts, but nobody hopes for it.
    pub fn is_cancelled(&self) -> bool {
        !self.open.as_ref().is_some_and(Open::is_waiting)
    }
}

/// Settles a source, and has the loop deliver the result. If there was one before, the result is given back.
#[inline(always)]
fn settle<T: 'static>(
    reactor: &Reactor,
    source: SourceId,
    result: Result<T, Failure>,
) -> Result<(), Result<T, Failure>> {
    let Some(next) = reactor.core().ledger.with(|ledger| ledger.settle_plain(source)) else {
        return settle_slowly(reactor, source, result);
    };
    next.give(source.chain(), &mut Some(result));
    reactor.enqueue_job(next);
    Ok(())
}

#[inline(never)]
fn settle_slowly<T: 'static>(
    reactor: &Reactor,
    source: SourceId,
    result: Result<T, Failure>,
) -> Result<(), Result<T, Failure>> {
    let core = reactor.core();
    let Some(Settled { chain, next, origin, discards }) = core.ledger.with(|ledger| ledger.settle(source)) else {
        return Err(result);
    };
    let job: Option<Rc<dyn Job>> = match next {
        Some(next) => {
            next.give(chain, &mut Some(result));
            Some(next)
        }
        None if !discards => {
            let held = Rc::new(Held::new(result));
            core.ledger.with(|ledger| ledger.hold(chain, held));
            None
        }
        // A value that nothing waits for has come to its end, unless dropping it calls a user's code, which is for the loop.
        None if !mem::needs_drop::<T>() && result.is_ok() => {
            core.ledger.with(|ledger| ledger.remove(chain));
            None
        }
        None => Some(Rc::new(Held::for_discard(chain, result))),
    };
    // Its drop may run a user's code, which must not find a chain whose result is nowhere.
    if let Origin::Canceller(canceller) = origin {
        contain_drop(canceller);
    }
    if let Some(job) = job {
        reactor.enqueue_job(job);
    }
    Ok(())
}

/// The source of a task's output. It may be dropped: the canceller, or the end of the reactor, sees to it that there is a result.
pub(crate) struct Promise<T: 'static> {
    source: SourceId,
    output: PhantomData<fn(T)>,
}

impl<T: 'static> Promise<T> {
    #[inline]
    pub(super) fn new(source: SourceId) -> Self {
        Self { source, output: PhantomData }
    }

    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// Takes up the duty to give a result.
    #[inline]
    pub(crate) fn resolver(&self, reactor: &Reactor) -> Resolver<T> {
        Resolver::new(reactor, self.source)
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

impl Open {
    fn is_waiting(&self) -> bool {
        self.reactor.core().ledger.with(|ledger| ledger.is_waiting(self.source))
    }

    #[cold]
    fn abandon(self) {
        // While it is being cancelled, that is what it ends with.
        if self.is_waiting() {
            let words = "nobody can give a result any more: the resolver was dropped";
            let failure = match self.reactor.has_ended() {
                true => Failure::ended(),
                false => Failure::of_kind(FailureKind::Abandoned, words),
            };
            self.reactor.fail_source(self.source, failure);
        }
    }
}

impl<T: 'static> fmt::Debug for Resolver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("cancelled", &self.is_cancelled()).finish()
    }
}
