//! The places of a chain: where a result appears and is handed on.

use std::cell::Cell;
use std::mem;
use std::ptr;
use std::rc::Rc;
use std::task::Waker;

use crate::contain::{catch, contain_drop};
use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Description, Discard, Job, Linked, Reactor, Steps, TaskId, unlink};

use super::canceller::Canceller;
use super::discard::let_go;
use super::link::{Callback, Link, Open, Outcome, Tail, Work};

/// One place of a chain. Its result is a `T`, and `W` is what it takes to get it: the callback that makes it from the result of the place
/// before, or for the first place, which a [`Resolver`](super::Resolver) serves, what is done to cancel it.
///
/// ```text
///              resolve, reject                     step
/// Waiting ───────────────────────────▶ Settled ───────────▶ Spent
///    │  ▲                                ▲
///    │  └ the callback gave a Deferred   │ resolved, or the canceller has run
///    └───────────▶ Cancelling ───────────┘
///      cancel, and there is a canceller
/// ```
///
/// Who comes later is owned: `next` is strong. Who comes earlier is not known at all: the ledger has the one place of each chain where
/// its result is, or will come from. So nothing runs in a circle, and a chain of any length takes no more than its places.
pub(super) struct Node<W, T: 'static> {
    state: Cell<State<W, T>>,
    next: Next<T>,
}

/// What comes after a place, if anything does yet. Dropping it takes no more stack for a long chain than for a short one.
struct Next<T: 'static>(Cell<Option<Rc<dyn Link<T>>>>);

impl<T> Drop for Next<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(next) = self.0.take() {
            unlink(next);
        }
    }
}

enum State<W, T> {
    Waiting {
        chain: ChainId,
        work: W,
    },
    /// Waits for a task, which is what is to be cancelled.
    Task {
        chain: ChainId,
        task: TaskId,
    },
    Cancelling {
        chain: ChainId,
    },
    Value {
        chain: ChainId,
        value: T,
    },
    Failed {
        chain: ChainId,
        failure: Failure,
    },
    Spent,
}

impl<W: Work, T: 'static> Node<W, T> {
    pub(super) fn waiting(chain: ChainId, work: W) -> Self {
        Self { state: Cell::new(State::Waiting { chain, work }), next: Next(Cell::new(None)) }
    }

    pub(super) fn of_task(chain: ChainId, task: TaskId) -> Self {
        Self { state: Cell::new(State::Task { chain, task }), next: Next(Cell::new(None)) }
    }

    pub(super) fn settled(chain: ChainId, result: Result<T, Failure>) -> Self {
        Self { state: Cell::new(State::settled(chain, result)), next: Next(Cell::new(None)) }
    }

    /// Looks at the state. The closure must not call user code.
    fn look<R>(&self, look: impl FnOnce(&mut State<W, T>) -> R) -> R {
        let mut state = self.state.replace(State::Spent);
        let seen = look(&mut state);
        self.state.set(state);
        seen
    }

    /// Is a result still awaited from outside?
    pub(super) fn is_waiting(&self) -> bool {
        self.look(|state| matches!(state, State::Waiting { .. } | State::Task { .. }))
    }

    /// Gives a place that waits its result from outside. If it does not wait any more, the result is given back.
    #[inline]
    pub(super) fn settle(
        self: Rc<Self>,
        reactor: &Reactor,
        result: Result<T, Failure>,
    ) -> Result<(), Result<T, Failure>> {
        let chain = match self.state.replace(State::Spent) {
            State::Waiting { chain, work } => {
                if let Some(canceller) = work.canceller() {
                    drop_canceller(canceller);
                }
                chain
            }
            State::Task { chain, .. } | State::Cancelling { chain } => chain,
            state => {
                self.state.set(state);
                return Err(result);
            }
        };
        let next = self.next.0.take();
        // A value that is nobody's has come to its end, unless dropping it calls somebody's code, which is for the loop.
        if !mem::needs_drop::<T>()
            && result.is_ok()
            && next.as_ref().is_some_and(|next| ptr::addr_eq(Rc::as_ptr(next), Rc::as_ptr(&reactor.core().discard)))
        {
            reactor.core().ledger.with(|ledger| ledger.remove(chain));
            return Ok(());
        }
        self.state.set(State::settled(chain, result));
        // Without one, whoever attaches one has it run.
        if let Some(next) = next {
            self.next.0.set(Some(next));
            reactor.enqueue_job(self);
        }
        Ok(())
    }

    /// The result is that of `inner`, once there is one.
    fn wait_for(self: Rc<Self>, reactor: &Reactor, chain: ChainId, inner: Open<T>) -> Option<Rc<dyn Job>> {
        let result = match inner.take_result() {
            Some(result) => result,
            // The two are counted apart, and their chains cannot become one.
            None if !ptr::eq(reactor.core(), inner.reactor.core()) => {
                if let Some((theirs, chain)) = let_go(inner) {
                    theirs.cancel_chain(chain);
                }
                Err(Failure::new("a callback gave a Deferred of another reactor"))
            }
            None if inner.chain == chain => Err(inner.fail_circle()),
            None => {
                let next = self.next.0.take().unwrap_or_else(|| Rc::new(Join(self.clone())));
                inner.lead_to(next, chain);
                return None;
            }
        };
        Some(self.arrive(chain, result))
    }

    /// Gives up a place that is spent and has nothing after it any more: it is freed without being looked through.
    #[inline]
    fn free(this: Rc<Self>) {
        if let Ok(spent) = Rc::try_unwrap(this) {
            mem::forget(spent);
        }
    }

    /// A chain that was waited for has come to its end, and this is where it leads.
    fn arrive(self: Rc<Self>, chain: ChainId, result: Result<T, Failure>) -> Rc<dyn Job> {
        self.state.set(State::settled(chain, result));
        self
    }
}

impl<W, T> State<W, T> {
    fn settled(chain: ChainId, result: Result<T, Failure>) -> Self {
        match result {
            Ok(value) => Self::Value { chain, value },
            Err(failure) => Self::Failed { chain, failure },
        }
    }

    fn chain_mut(&mut self) -> Option<&mut ChainId> {
        match self {
            Self::Waiting { chain, .. }
            | Self::Task { chain, .. }
            | Self::Cancelling { chain }
            | Self::Value { chain, .. }
            | Self::Failed { chain, .. } => Some(chain),
            Self::Spent => None,
        }
    }
}

impl<W: Work, T: 'static> Job for Node<W, T> {
    fn run(self: Rc<Self>, reactor: &Reactor, steps: &mut Steps) -> Option<Rc<dyn Job>> {
        // Without one, the result stays here until somebody wants it.
        let next = self.next.0.take()?;
        match self.state.replace(State::Spent) {
            State::Value { chain, value } => {
                Self::free(self);
                next.accept(reactor, steps, chain, Ok(value))
            }
            State::Failed { chain, failure } => {
                Self::free(self);
                next.accept(reactor, steps, chain, Err(failure))
            }
            state => {
                self.state.set(state);
                self.next.0.set(Some(next));
                None
            }
        }
    }

    fn chain(&self) -> ChainId {
        self.look(|state| state.chain_mut().map_or(ChainId::NONE, |chain| *chain))
    }

    fn set_chain(&self, new: ChainId) {
        self.look(|state| {
            if let Some(chain) = state.chain_mut() {
                *chain = new;
            }
        });
    }

    fn cancel(self: Rc<Self>, reactor: &Reactor) -> bool {
        match self.state.replace(State::Spent) {
            State::Waiting { chain, work } => {
                self.state.set(State::Cancelling { chain });
                let end = EndCancelled { reactor: reactor.clone(), source: Some(self) };
                if let Some(canceller) = work.canceller() {
                    reactor.enqueue(Box::new(move |reactor| {
                        canceller.call(reactor);
                        drop(end);
                    }));
                }
                true
            }
            State::Task { chain, task } => {
                self.state.set(State::Cancelling { chain });
                let end = EndCancelled { reactor: reactor.clone(), source: Some(self) };
                reactor.enqueue(Box::new(move |reactor| {
                    reactor.end_task(task);
                    drop(end);
                }));
                true
            }
            State::Cancelling { chain } => {
                self.state.set(State::Cancelling { chain });
                true
            }
            state => {
                self.state.set(state);
                false
            }
        }
    }

    fn fail(self: Rc<Self>, reactor: &Reactor, failure: Failure) {
        // If that is refused, it has a result already.
        drop(self.settle(reactor, Err(failure)));
    }

    fn is_under_way(&self) -> bool {
        // One that is spent has handed its result on.
        self.look(|state| !matches!(state, State::Waiting { .. } | State::Task { .. } | State::Cancelling { .. }))
    }

    fn end(&self) -> bool {
        match self.state.replace(State::Spent) {
            State::Waiting { chain, work } => {
                contain_drop(work);
                self.state.set(State::Failed { chain, failure: Failure::ended() });
                true
            }
            State::Task { chain, .. } => {
                self.state.set(State::Failed { chain, failure: Failure::ended() });
                true
            }
            State::Cancelling { chain } => {
                self.state.set(State::Failed { chain, failure: Failure::cancelled() });
                true
            }
            state => {
                self.state.set(state);
                false
            }
        }
    }

    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        self.look(|state| {
            if let State::Waiting { work, .. } = state {
                work.visit_awaited(visit);
            }
        });
    }
}

impl<W: Work, T: 'static> Linked for Node<W, T> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        self.next.0.take().map(|next| next as Rc<dyn Linked>)
    }
}

impl<I: 'static, W: Callback<I>> Link<I> for Node<W, W::Output> {
    #[inline]
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        steps: &mut Steps,
        chain: ChainId,
        input: Result<I, Failure>,
    ) -> Option<Rc<dyn Job>> {
        let State::Waiting { work, .. } = self.state.replace(State::Spent) else { return None };
        let run = || catch(|| work.run(reactor, chain, input));
        let result = match reactor.observe(|| Description::named(W::name()), run) {
            Ok(Outcome::Settled(result)) => result,
            Ok(Outcome::Waits(inner)) => return self.wait_for(reactor, chain, inner),
            Err(message) => Err(panicked::<I, W>(&message)),
        };
        match self.next.0.take() {
            Some(next) if steps.take() => {
                Self::free(self);
                next.accept(reactor, steps, chain, result)
            }
            next => {
                self.state.set(State::settled(chain, result));
                let more = next.is_some();
                self.next.0.set(next);
                if more { Some(self) } else { None }
            }
        }
    }
}

#[cold]
fn drop_canceller(canceller: Canceller) {
    contain_drop(canceller);
}

#[cold]
fn panicked<I, W: Callback<I>>(message: &str) -> Failure {
    Failure::of_kind(FailureKind::Panicked, format!("{} panicked: {message}", W::name()))
}

impl<W: Work, T: 'static> Tail<T> for Node<W, T> {
    fn is_settled(&self) -> bool {
        self.look(|state| matches!(state, State::Value { .. } | State::Failed { .. }))
    }

    fn take(&self) -> Option<Result<T, Failure>> {
        match self.state.replace(State::Spent) {
            State::Value { value, .. } => Some(Ok(value)),
            State::Failed { failure, .. } => Some(Err(failure)),
            state => {
                self.state.set(state);
                None
            }
        }
    }

    fn let_go(&self, discard: Rc<Discard>) -> Option<Result<T, Failure>> {
        let result = self.take();
        if result.is_none() {
            self.next.0.set(Some(discard));
        }
        result
    }

    fn attach(self: Rc<Self>, reactor: &Reactor, link: Rc<dyn Link<T>>) {
        self.next.0.set(Some(link));
        if self.is_settled() {
            let at = Rc::downgrade(&self);
            reactor.core().ledger.with(|ledger| ledger.move_to(self.chain(), at));
            reactor.enqueue_job(self);
        }
    }

    fn watch(&self, waker: &Waker) -> bool {
        self.look(|state| match state {
            State::Waiting { work, .. } => work.watch(waker),
            _ => false,
        })
    }
}

/// Fails a source that was cancelled when this is dropped: once its canceller has run, or is not going to because the reactor ends.
struct EndCancelled<W: Work, T: 'static> {
    reactor: Reactor,
    source: Option<Rc<Node<W, T>>>,
}

impl<W: Work, T: 'static> Drop for EndCancelled<W, T> {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            // If that is refused, the canceller has had it resolved.
            drop(source.settle(&self.reactor, Err(Failure::cancelled())));
        }
    }
}

/// Hands a result to the place whose callback gave the chain that it comes from. Only needed while nothing comes after that place: else the
/// chain leads on to there at once.
struct Join<W: Work, T: 'static>(Rc<Node<W, T>>);

impl<W: Work, T: 'static> Link<T> for Join<W, T> {
    fn accept(
        self: Rc<Self>,
        _: &Reactor,
        _: &mut Steps,
        chain: ChainId,
        input: Result<T, Failure>,
    ) -> Option<Rc<dyn Job>> {
        Some(self.0.clone().arrive(chain, input))
    }
}

impl<W: Work, T: 'static> Linked for Join<W, T> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        Some(self.0.clone())
    }
}
