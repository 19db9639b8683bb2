//! The places of a chain: where a result appears and is handed on.

use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::ptr;
use std::rc::Rc;
use std::task::Waker;

use crate::contain::catch;
use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Description, Job, Linked, Reactor, Steps, unlink};

use super::discard::discard;
use super::link::{Callback, Link, Open, Outcome, Pass, Passing, Tail};

/// A place of a chain: a callback, then its result.
///
/// ```text
///               given                  run
///    Waiting ──────────▶ Ready ────────────────────┬─▶ Spent
///       │                                          │
///       └ run as part of the chain ┬───────────────┘ there is a next place
///                                  │
///                                  └─▶ Settled ─────▶ Spent
///                                        a next place comes, or the steps of this turn are used up
/// ```
///
/// Each place owns the one after it, and the table of chains owns the first, so nothing is owned in a circle, and a chain of any length
/// takes no more than its places.
pub(super) struct Node<W: Callback> {
    state: Cell<State<W>>,
    next: Next<W::Output>,
    /// The chain of the result in `Ready` and `Settled`; it is resolved before it is used.
    chain: Cell<ChainId>,
    /// Nothing listens to the result: it is discarded.
    discards: Cell<bool>,
}

/// The next place, if there is one yet. Dropping it takes no more stack for a long chain than for a short one.
struct Next<T: 'static>(Cell<Option<Rc<dyn Link<T>>>>);

impl<T> Drop for Next<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(next) = self.0.take() {
            unlink(next);
        }
    }
}

enum State<W: Callback> {
    Waiting(W),
    Ready(W, Result<W::Input, Failure>),
    Settled(Result<W::Output, Failure>),
    Spent,
}

impl<W: Callback> Node<W> {
    #[inline]
    pub(super) fn new(work: W) -> Self {
        Self {
            state: Cell::new(State::Waiting(work)),
            next: Next(Cell::new(None)),
            chain: Cell::new(ChainId::NONE),
            discards: Cell::new(false),
        }
    }

    /// Looks at the state. The closure must not call user code.
    fn look<R>(&self, look: impl FnOnce(&mut State<W>) -> R) -> R {
        let mut state = self.state.replace(State::Spent);
        let seen = look(&mut state);
        self.state.set(state);
        seen
    }

    #[inline(always)]
    fn take_input(&self, chain: ChainId, input: Result<W::Input, Failure>) {
        self.chain.set(chain);
        match self.state.replace(State::Spent) {
            State::Waiting(work) => self.state.set(State::Ready(work, input)),
            state => self.state.set(state),
        }
    }

    /// Runs the callback, and hands on its result.
    #[inline(always)]
    fn work(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        work: W,
        input: Result<W::Input, Failure>,
    ) -> Option<Rc<dyn Job>> {
        let run = || catch(|| work.run(reactor, chain, input));
        let result = match reactor.observe(|| Description::named(W::name()), run) {
            Ok(Outcome::Settled(result)) => result,
            Ok(Outcome::Waits(inner)) => return self.wait_for(reactor, chain, inner),
            Err(message) => Err(panicked::<W>(&message)),
        };
        let next = self.next.0.take();
        let goes_on = next.is_some() || self.discards.get();
        if goes_on && steps.take() {
            Self::free(self);
            return hand_on(next, reactor, steps, chain, result);
        }
        self.next.0.set(next);
        self.settle(chain, result);
        if goes_on { Some(self) } else { None }
    }

    #[inline(never)]
    fn settle(&self, chain: ChainId, result: Result<W::Output, Failure>) {
        self.chain.set(chain);
        self.state.set(State::Settled(result));
    }

    /// The result is that of `inner`, once there is one.
    #[inline(never)]
    fn wait_for(self: Rc<Self>, reactor: &Reactor, chain: ChainId, inner: Open<W::Output>) -> Option<Rc<dyn Job>> {
        let result = match inner.take_result() {
            Some(result) => result,
            // The two are counted apart, and their chains cannot become one.
            None if !ptr::eq(reactor.core(), inner.reactor.core()) => {
                if let Some((theirs, chain)) = inner.let_go() {
                    theirs.cancel_chain(chain);
                }
                Err(Failure::new("a callback gave a Deferred of another reactor"))
            }
            None if inner.chain == chain => Err(inner.fail_circle()),
            None if self.discards.get() => {
                inner.end_in(chain);
                return None;
            }
            None => {
                match self.next.0.take() {
                    Some(next) => inner.lead_to(next, chain),
                    None => inner.lead_to(Rc::new(Passing::new(Join(self))), chain),
                }
                return None;
            }
        };
        self.settle(chain, result);
        Some(self)
    }

    /// Gives up a place that is spent and has nothing after it any more: it is freed without being looked through.
    #[inline]
    fn free(this: Rc<Self>) {
        if let Ok(spent) = Rc::try_unwrap(this) {
            mem::forget(spent);
        }
    }
}

/// Hands a result to the next place. Without one, discards it.
#[inline(always)]
fn hand_on<T: 'static>(
    next: Option<Rc<dyn Link<T>>>,
    reactor: &Reactor,
    steps: &mut Steps,
    chain: ChainId,
    result: Result<T, Failure>,
) -> Option<Rc<dyn Job>> {
    if let Some(next) = next {
        return next.accept(reactor, steps, chain, result);
    }
    discard(reactor, chain, result);
    None
}

impl<W: Callback> Job for Node<W> {
    fn run(self: Rc<Self>, reactor: &Reactor, steps: &mut Steps) -> Option<Rc<dyn Job>> {
        match self.state.replace(State::Spent) {
            State::Ready(work, input) => {
                let chain = reactor.resolve_chain(self.chain.get());
                self.work(reactor, steps, chain, work, input)
            }
            State::Settled(result) => {
                let chain = reactor.resolve_chain(self.chain.get());
                let next = self.next.0.take();
                if next.is_some() || self.discards.get() {
                    Self::free(self);
                    return hand_on(next, reactor, steps, chain, result);
                }
                // The result stays here until something wants it.
                self.settle(chain, result);
                None
            }
            state => {
                self.state.set(state);
                None
            }
        }
    }

    fn give(&self, chain: ChainId, input: &mut dyn Any) {
        let input = input.downcast_mut().and_then(Option::take);
        if let Some(input) = input {
            self.take_input(chain, input);
        }
    }

    fn fail(&self, chain: ChainId, failure: Failure) {
        self.take_input(chain, Err(failure));
    }
}

impl<W: Callback> Linked for Node<W> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        self.next.0.take().map(|next| next as Rc<dyn Linked>)
    }
}

impl<W: Callback> Link<W::Input> for Node<W> {
    #[inline]
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<W::Input, Failure>,
    ) -> Option<Rc<dyn Job>> {
        let State::Waiting(work) = self.state.replace(State::Spent) else { return None };
        self.work(reactor, steps, chain, work, input)
    }
}

#[cold]
fn panicked<W: Callback>(message: &str) -> Failure {
    Failure::of_kind(FailureKind::Panicked, format!("{} panicked: {message}", W::name()))
}

impl<W: Callback> Tail<W::Output> for Node<W> {
    fn is_settled(&self) -> bool {
        self.look(|state| matches!(state, State::Settled(_)))
    }

    fn take(&self) -> Option<Result<W::Output, Failure>> {
        match self.state.replace(State::Spent) {
            State::Settled(result) => Some(result),
            state => {
                self.state.set(state);
                None
            }
        }
    }

    fn let_go(&self) -> bool {
        let waits = !self.is_settled();
        self.discards.set(waits);
        waits
    }

    fn attach(self: Rc<Self>, reactor: &Reactor, link: Rc<dyn Link<W::Output>>) {
        self.next.0.set(Some(link));
        if self.is_settled() {
            reactor.enqueue_job(self);
        }
    }

    fn watch(&self, waker: &Waker) -> bool {
        self.look(|state| match state {
            State::Waiting(work) | State::Ready(work, _) => work.watch(waker),
            State::Settled(_) | State::Spent => false,
        })
    }
}

/// Hands the result of a chain to the place whose callback returned that chain. A place with another one after it needs no `Join`: the
/// chain leads to the next place directly.
struct Join<W: Callback>(Rc<Node<W>>);

impl<W: Callback> Pass for Join<W> {
    type Input = W::Output;

    fn pass(
        &self,
        _: &Reactor,
        _: &mut Steps,
        chain: ChainId,
        input: Result<W::Output, Failure>,
    ) -> Option<Rc<dyn Job>> {
        self.0.settle(chain, input);
        Some(self.0.clone())
    }

    fn next(&self) -> Rc<dyn Linked> {
        self.0.clone()
    }
}
