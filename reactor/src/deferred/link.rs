//! The links between the places of a chain.

use std::any::Any;
use std::rc::Rc;
use std::task::Waker;

use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Job, Linked, Reactor, Steps};

use super::discard::discard;
use super::held::{Given, held_result};

/// Makes a place's result from that of the place before.
pub(super) trait Callback: Sized + 'static {
    type Input: 'static;
    type Output: 'static;

    /// The type whose code it runs.
    fn name() -> &'static str;

    fn run(self, reactor: &Reactor, chain: ChainId, input: Result<Self::Input, Failure>) -> Outcome<Self::Output>;

    /// At a place where a task waits: takes over its waker. Returns whether it is one.
    fn watch(&mut self, _waker: &Waker) -> bool {
        false
    }
}

/// The output of a callback.
pub(super) enum Outcome<T: 'static> {
    Settled(Result<T, Failure>),
    Waits(Open<T>),
}

/// A place that a result of type `I` can be handed to.
pub(super) trait Link<I>: Job {
    /// Takes the result, and hands on what it makes of it. Returns the job that goes on, if there is more to do.
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<I, Failure>,
    ) -> Option<Rc<dyn Job>>;
}

/// A step of a chain that keeps no state but what comes next.
pub(super) trait Pass: 'static {
    type Input: 'static;

    /// Passes the result on. Returns the job that goes on, if there is more to do.
    fn pass(
        &self,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<Self::Input, Failure>,
    ) -> Option<Rc<dyn Job>>;

    fn next(&self) -> Rc<dyn Linked>;
}

/// The link that passes a result on.
pub(super) struct Passing<P: Pass> {
    step: P,
    /// The result, when the source gave it to this link, which the loop has not run yet.
    given: Given<P::Input>,
}

impl<P: Pass> Passing<P> {
    pub(super) fn new(step: P) -> Self {
        Self { step, given: Given::new() }
    }
}

impl<P: Pass> Link<P::Input> for Passing<P> {
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<P::Input, Failure>,
    ) -> Option<Rc<dyn Job>> {
        self.step.pass(reactor, steps, chain, input)
    }
}

impl<P: Pass> Job for Passing<P> {
    fn run(self: Rc<Self>, reactor: &Reactor, steps: &mut Steps) -> Option<Rc<dyn Job>> {
        let (chain, input) = self.given.take(reactor)?;
        self.step.pass(reactor, steps, chain, input)
    }

    fn give(&self, chain: ChainId, input: &mut dyn Any) {
        self.given.give(chain, input);
    }

    fn fail(&self, chain: ChainId, failure: Failure) {
        self.given.fail(chain, failure);
    }
}

impl<P: Pass> Linked for Passing<P> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        Some(self.step.next())
    }
}

/// The last place of a chain with callbacks, which a [`Deferred`](super::Deferred) holds.
pub(super) trait Tail<T> {
    fn is_settled(&self) -> bool;

    /// Takes the result, if it is there.
    fn take(&self) -> Option<Result<T, Failure>>;

    /// Has the result go on to `link`.
    fn attach(self: Rc<Self>, reactor: &Reactor, link: Rc<dyn Link<T>>);

    /// Marks a result that is still to come for discarding. Returns `false` if it is there, for the caller to take.
    fn let_go(&self) -> bool;

    /// Has the task of `waker` be woken when the result is there, if this is a place where tasks wait.
    fn watch(&self, waker: &Waker) -> bool;
}

/// A chain that goes on: what a [`Deferred`](super::Deferred) holds.
pub(super) struct Open<T: 'static> {
    pub(super) reactor: Reactor,
    /// Nothing while the chain has no callbacks: then its entry in the table has the state, and the result.
    pub(super) tail: Option<Rc<dyn Tail<T>>>,
    pub(super) chain: ChainId,
}

impl<T: 'static> Open<T> {
    pub(super) fn is_settled(&self) -> bool {
        match &self.tail {
            Some(tail) => tail.is_settled(),
            None => self.reactor.core().ledger.with(|ledger| ledger.is_settled(self.chain)),
        }
    }

    /// Takes the result, if it is there.
    pub(super) fn take(&self) -> Option<Result<T, Failure>> {
        match &self.tail {
            Some(tail) => tail.take(),
            None if self.is_settled() => Some(self.take_held()),
            None => None,
        }
    }

    /// Takes the result, if it is there, and ends the chain.
    pub(super) fn take_result(&self) -> Option<Result<T, Failure>> {
        let result = self.take()?;
        self.reactor.core().ledger.with(|ledger| ledger.remove(self.chain));
        Some(result)
    }

    #[inline(never)]
    fn take_held(&self) -> Result<T, Failure> {
        held_result(self.reactor.core().ledger.with(|ledger| ledger.take_held(self.chain)))
    }

    /// Has the result go on to `link`. Returns the chain's reactor.
    #[inline(always)]
    pub(super) fn attach<L: Link<T> + 'static>(self, link: Rc<L>) -> Reactor {
        let Self { reactor, tail, chain } = self;
        match tail {
            Some(tail) => tail.attach(&reactor, link),
            None => Self::attach_source(&reactor, chain, link),
        }
        reactor
    }

    #[inline(always)]
    fn attach_source(reactor: &Reactor, chain: ChainId, link: Rc<dyn Job>) {
        if let Some(link) = reactor.core().ledger.with(|ledger| ledger.attach(chain, link)) {
            Self::give_held(reactor, chain, link);
        }
    }

    #[inline(never)]
    fn give_held(reactor: &Reactor, chain: ChainId, link: Rc<dyn Job>) {
        let held = reactor.core().ledger.with(|ledger| ledger.take_held(chain));
        link.give(chain, &mut Some(held_result::<T>(held)));
        reactor.enqueue_job(link);
    }

    /// Has the chain, which waits, go on as part of `outer`.
    pub(super) fn lead_to(self, next: Rc<dyn Link<T>>, outer: ChainId) {
        let Self { reactor, tail, chain } = self;
        match tail {
            Some(tail) => tail.attach(&reactor, next),
            None => Self::attach_source(&reactor, chain, next),
        }
        reactor.adopt_chain(outer, chain);
    }

    /// Has the chain, which waits, go on as the end of `outer`, which nothing listens to.
    pub(super) fn end_in(self, outer: ChainId) {
        let (reactor, chain) = (self.reactor.clone(), self.chain);
        if self.let_go().is_some() {
            reactor.adopt_chain(outer, chain);
        }
    }

    /// Gives up the chain. Returns it if its source is to be cancelled.
    #[inline(always)]
    pub(super) fn let_go(self) -> Option<(Reactor, ChainId)> {
        let waits = match &self.tail {
            Some(tail) => tail.let_go(),
            None => self.reactor.core().ledger.with(|ledger| ledger.let_go(self.chain)),
        };
        if waits {
            let Self { reactor, chain, .. } = self;
            return Some((reactor, chain));
        }
        self.discard_result();
        None
    }

    #[inline(never)]
    fn discard_result(self) {
        match self.take() {
            Some(result) => discard(&self.reactor, self.chain, result),
            None => self.reactor.core().ledger.with(|ledger| ledger.remove(self.chain)),
        }
    }

    /// It would wait for itself: gives it up, and returns the failure that this is.
    #[cold]
    pub(super) fn fail_circle(self) -> Failure {
        let deferred = self.reactor.core().ledger.with(|ledger| ledger.describe_one(self.chain));
        // Its result has yet to come: it will be the failure.
        drop(self.let_go());
        let words = format!("{deferred} would wait for itself: one of its callbacks gave a part of its own chain");
        Failure::of_kind(FailureKind::Circular, words)
    }
}
