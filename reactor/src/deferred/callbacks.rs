//! The callbacks at the places of a chain.

use std::any::type_name;
use std::marker::PhantomData;
use std::task::Waker;

use crate::failure::Failure;
use crate::parked::Parked;
use crate::reactor::{ChainId, Reactor};

use super::link::{Callback, Outcome};

/// A closure `G` that calls a user's `F`.
pub(super) struct Run<G, F, I>(G, PhantomData<fn(I) -> F>);

impl<G, F, I> Run<G, F, I> {
    pub(super) fn new(run: G) -> Self {
        Self(run, PhantomData)
    }
}

impl<I: 'static, U: 'static, G: FnOnce(Result<I, Failure>) -> Outcome<U> + 'static, F: 'static> Callback
    for Run<G, F, I>
{
    type Input = I;
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
pub(super) struct Wake<T>(Parked, PhantomData<fn(T)>);

impl<T> Wake<T> {
    pub(super) fn new(waker: &Waker) -> Self {
        Self(Parked::new(waker), PhantomData)
    }
}

impl<T: 'static> Callback for Wake<T> {
    type Input = T;
    type Output = T;

    fn name() -> &'static str {
        "a waker"
    }

    fn run(self, _: &Reactor, _: ChainId, input: Result<T, Failure>) -> Outcome<T> {
        self.0.wake();
        Outcome::Settled(input)
    }

    fn watch(&mut self, waker: &Waker) -> bool {
        self.0.set(waker);
        true
    }
}

/// The end of what has a name.
pub(super) struct Named<T>(PhantomData<fn(T)>);

impl<T> Named<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: 'static> Callback for Named<T> {
    type Input = T;
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
