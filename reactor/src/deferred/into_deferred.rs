//! What can stand for a Deferred.

use crate::contain::catch;
use crate::failure::{Failure, FailureKind};
use crate::reactor::Reactor;

use super::deferred::Deferred;
use super::resolver::Resolver;

/// What a function may give that is called for a result, now or later: a [`Deferred`], a `Result`, or `()` when it cannot fail.
pub trait IntoDeferred {
    /// What the result is, if it does not fail.
    type Value: 'static;

    /// The Deferred that it is, or one that has this result.
    fn into_deferred(self, reactor: &Reactor) -> Deferred<Self::Value>;

    /// Has it be the result that `resolver` gives. If nobody waits for that any more, it is dropped.
    fn resolve_with(self, resolver: Resolver<Self::Value>);
}

impl<T: 'static> IntoDeferred for Deferred<T> {
    type Value = T;

    fn into_deferred(self, _: &Reactor) -> Self {
        self
    }

    fn resolve_with(self, resolver: Resolver<T>) {
        self.finish(move |result| drop(resolver.settle(result)));
    }
}

impl<T: 'static, E: Into<Failure>> IntoDeferred for Result<T, E> {
    type Value = T;

    #[track_caller]
    fn into_deferred(self, reactor: &Reactor) -> Deferred<T> {
        Deferred::settled(reactor, self.map_err(Into::into))
    }

    #[track_caller]
    fn resolve_with(self, resolver: Resolver<T>) {
        drop(resolver.settle(self.map_err(Into::into)));
    }
}

impl IntoDeferred for () {
    type Value = ();

    #[track_caller]
    fn into_deferred(self, reactor: &Reactor) -> Deferred<()> {
        Deferred::succeed(reactor, ())
    }

    fn resolve_with(self, resolver: Resolver<()>) {
        // Nobody may be waiting.
        let _ = resolver.resolve(());
    }
}

/// Gives the type of what never returns a name, which it does not have by itself yet.
mod never {
    #[expect(unnameable_types, reason = "it is a way to a type, and none to name")]
    pub trait Given {
        type Value;
    }

    impl<T> Given for fn() -> T {
        type Value = T;
    }

    pub(super) type Never = <fn() -> ! as Given>::Value;
}

/// What goes on for ever, like a task that is one loop.
impl IntoDeferred for never::Never {
    type Value = ();

    fn into_deferred(self, _: &Reactor) -> Deferred<()> {
        self
    }

    fn resolve_with(self, _: Resolver<()>) {
        self
    }
}

impl<T: 'static> Deferred<T> {
    /// Calls `call`, now, and gives a Deferred of whatever it gives: a `Result`, or a Deferred. If it panics, the Deferred fails.
    ///
    /// ```
    /// use lariat::{Deferred, Failure, Reactor};
    ///
    /// let reactor = Reactor::new()?;
    /// let number = Deferred::maybe(&reactor, || "7".parse::<u32>());
    /// number.finish(|result| assert_eq!(result.unwrap(), 7));
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "maybeDeferred")]
    #[doc(alias = "ensureDeferred")]
    #[track_caller]
    pub fn maybe<R: IntoDeferred<Value = T>>(reactor: &Reactor, call: impl FnOnce() -> R) -> Self {
        match catch(call) {
            Ok(given) => given.into_deferred(reactor),
            Err(message) => {
                Self::fail(reactor, Failure::of_kind(FailureKind::Panicked, format!("panicked: {message}")))
            }
        }
    }
}
