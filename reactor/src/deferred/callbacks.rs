//! What stands at the places of a chain.

use std::any::type_name;
use std::marker::PhantomData;
use std::task::Waker;

use crate::failure::Failure;
use crate::parked::Parked;
use crate::reactor::{ChainId, Reactor};

use super::link::{Callback, Outcome, Work};

/// A closure `G` that calls a user's `F`.
pub(super) struct Run<G, F>(G, PhantomData<F>);

impl<G, F> Run<G, F> {
    pub(super) fn new(run: G) -> Self {
        Self(run, PhantomData)
    }
}

impl<G: 'static, F: 'static> Work for Run<G, F> {}

impl<I, U: 'static, G: FnOnce(Result<I, Failure>) -> Outcome<U> + 'static, F: 'static> Callback<I> for Run<G, F> {
    type Output = U;

    fn name() -> &'static str {
        type_name::<F>()
    }

    #[inline]
    fn run(self, _: &Reactor, _: ChainId, input: Result<I, Failure>) -> Outcome<U> {
        (self.0)(input)
    }
}

/// A task that waits.
pub(super) struct Wake(pub(super) Parked);

impl Work for Wake {
    fn watch(&mut self, waker: &Waker) -> bool {
        self.0.set(waker);
        true
    }
}

impl<T: 'static> Callback<T> for Wake {
    type Output = T;

    fn name() -> &'static str {
        "a waker"
    }

    fn run(self, _: &Reactor, _: ChainId, input: Result<T, Failure>) -> Outcome<T> {
        self.0.wake();
        Outcome::Settled(input)
    }
}

/// The end of what has a name.
pub(super) struct Named;

impl Work for Named {}

impl<T: 'static> Callback<T> for Named {
    type Output = T;

    fn name() -> &'static str {
        "a name"
    }

    fn run(self, reactor: &Reactor, chain: ChainId, input: Result<T, Failure>) -> Outcome<T> {
        let name = reactor.core().ledger.with(|ledger| ledger.pop_name(chain));
        Outcome::Settled(input.map_err(|mut failure| {
            if let Some(name) = name {
                failure.add_name(name);
            }
            failure
        }))
    }
}
