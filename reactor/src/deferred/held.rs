//! Results that wait for the loop, or for a callback.

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

use crate::contain::contain_drop;
use crate::failure::Failure;
use crate::reactor::{ChainId, Job, Linked, Reactor, Steps};

use super::discard::discard;

/// A result of a chain without callbacks. Run, it is discarded.
pub(super) struct Held<T> {
    /// Of a result that is to be discarded.
    chain: ChainId,
    result: Cell<Option<Result<T, Failure>>>,
}

impl<T> Held<T> {
    pub(super) fn new(result: Result<T, Failure>) -> Self {
        Self::for_discard(ChainId::NONE, result)
    }

    pub(super) fn for_discard(chain: ChainId, result: Result<T, Failure>) -> Self {
        Self { chain, result: Cell::new(Some(result)) }
    }
}

/// The result in a holder. Without one, the reactor has ended.
#[inline(never)]
pub(super) fn held_result<T: 'static>(held: Option<Rc<dyn Job>>) -> Result<T, Failure> {
    let (mut value, mut failure) = (None::<T>, None);
    if let Some(held) = held {
        held.take_held(&mut value, &mut failure);
    }
    value.ok_or_else(|| failure.unwrap_or_else(Failure::ended))
}

impl<T: 'static> Job for Held<T> {
    fn run(self: Rc<Self>, reactor: &Reactor, _: &mut Steps) -> Option<Rc<dyn Job>> {
        if let Some(result) = self.result.take() {
            discard(reactor, reactor.resolve_chain(self.chain), result);
        }
        None
    }

    fn give(&self, _: ChainId, _: &mut dyn Any) {}

    fn fail(&self, _: ChainId, failure: Failure) {
        contain_drop(failure);
    }

    fn take_held(&self, value: &mut dyn Any, failure: &mut Option<Failure>) {
        match self.result.take() {
            Some(Ok(held)) => {
                if let Some(value) = value.downcast_mut() {
                    *value = Some(held);
                }
            }
            Some(Err(held)) => *failure = Some(held),
            None => {}
        }
    }
}

impl<T: 'static> Linked for Held<T> {
    fn take_next(&self) -> Option<Rc<dyn Linked>> {
        None
    }
}

/// A result that a source has given to a link, until the loop runs that.
pub(super) struct Given<T> {
    chain: Cell<ChainId>,
    result: Cell<Option<Result<T, Failure>>>,
}

impl<T: 'static> Given<T> {
    pub(super) fn new() -> Self {
        Self { chain: Cell::new(ChainId::NONE), result: Cell::new(None) }
    }

    pub(super) fn give(&self, chain: ChainId, input: &mut dyn Any) {
        self.chain.set(chain);
        self.result.set(input.downcast_mut().and_then(Option::take));
    }

    pub(super) fn fail(&self, chain: ChainId, failure: Failure) {
        self.chain.set(chain);
        self.result.set(Some(Err(failure)));
    }

    /// Takes the result, and the chain to which it belongs.
    pub(super) fn take(&self, reactor: &Reactor) -> Option<(ChainId, Result<T, Failure>)> {
        let result = self.result.take()?;
        Some((reactor.resolve_chain(self.chain.get()), result))
    }
}
