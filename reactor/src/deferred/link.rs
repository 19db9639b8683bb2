//! How the places of a chain are linked.

use std::rc::Rc;
use std::task::Waker;

use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Discard, Job, Linked, Reactor, Steps};

use super::canceller::Canceller;

/// What a place does about results.
pub(super) trait Work: Sized + 'static {
    /// For the first place of a chain: what is to be called when it is cancelled.
    fn canceller(self) -> Option<Canceller> {
        None
    }

    /// For one that a task waits at: takes over its waker. Returns whether it is such a one.
    fn watch(&mut self, _waker: &Waker) -> bool {
        false
    }

    fn visit_awaited(&self, _visit: &mut dyn FnMut(ChainId)) {}
}

/// Makes a place's result from that of the place before.
pub(super) trait Callback<I>: Work {
    type Output: 'static;

    /// Whose code it runs.
    fn name() -> &'static str;

    fn run(self, reactor: &Reactor, chain: ChainId, input: Result<I, Failure>) -> Outcome<Self::Output>;
}

/// What a callback gives.
pub(super) enum Outcome<T: 'static> {
    Settled(Result<T, Failure>),
    Waits(Open<T>),
}

/// A place that a result of type `I` can be handed to.
pub(super) trait Link<I>: Linked {
    /// Takes the result, and hands on what it makes of it. Returns who is to go on, if there is more to do.
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<I, Failure>,
    ) -> Option<Rc<dyn Job>>;
}

/// The last place of a chain, which a [`Deferred`] holds.
pub(super) trait Tail<T> {
    fn is_settled(&self) -> bool;

    /// Takes the result, if it is there.
    fn take(&self) -> Option<Result<T, Failure>>;

    /// Has the result go on to `link`.
    fn attach(self: Rc<Self>, reactor: &Reactor, link: Rc<dyn Link<T>>);

    /// Nobody listens any more. Takes the result, if it is there; else has it go on to `discard`.
    fn let_go(&self, discard: Rc<Discard>) -> Option<Result<T, Failure>>;

    /// Has the task of `waker` be woken when the result is there, if this is a place where tasks wait.
    fn watch(&self, waker: &Waker) -> bool;
}

/// A chain that goes on: what a [`Deferred`](super::Deferred) holds.
pub(super) struct Open<T: 'static> {
    pub(super) reactor: Reactor,
    pub(super) tail: Rc<dyn Tail<T>>,
    pub(super) chain: ChainId,
}

impl<T: 'static> Open<T> {
    /// Takes the result, if it is there; then the chain is over.
    pub(super) fn take_result(&self) -> Option<Result<T, Failure>> {
        let result = self.tail.take()?;
        self.reactor.core().ledger.with(|ledger| ledger.remove(self.chain));
        Some(result)
    }

    /// Has the chain, which waits, go on as part of `outer`.
    pub(super) fn lead_to(self, next: Rc<dyn Link<T>>, outer: ChainId) {
        let Self { reactor, tail, chain } = self;
        tail.attach(&reactor, next);
        reactor.adopt_chain(outer, chain);
    }

    /// It would wait for itself: gives it up, and returns the failure that this is.
    #[cold]
    pub(super) fn fail_circle(self) -> Failure {
        let deferred = self.reactor.core().ledger.with(|ledger| ledger.describe_one(self.chain));
        let discard = self.reactor.core().discard.clone();
        // Its result has yet to come: it will be the failure.
        drop(self.tail.let_go(discard));
        let words = format!("{deferred} would wait for itself: one of its callbacks gave a part of its own chain");
        Failure::of_kind(FailureKind::Circular, words)
    }
}
