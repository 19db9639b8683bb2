//! Where a chain ends that nobody listens to any more.

use std::rc::Rc;

use log::error;

use crate::contain::contain_drop;
use crate::failure::{Failure, FailureKind};
use crate::reactor::{ChainId, Discard, Job, Reactor, Steps};

use super::link::{Link, Open};

impl<T: 'static> Link<T> for Discard {
    fn accept(
        self: Rc<Self>,
        reactor: &Reactor,
        _: &mut Steps,
        chain: ChainId,
        input: Result<T, Failure>,
    ) -> Option<Rc<dyn Job>> {
        discard(reactor, chain, input);
        None
    }
}

/// Nobody listens any more. Returns the chain if there is something to be cancelled.
#[inline]
pub(super) fn let_go<T>(open: Open<T>) -> Option<(Reactor, ChainId)> {
    let Open { reactor, tail, chain } = open;
    match tail.let_go(reactor.core().discard.clone()) {
        Some(result) => {
            discard(&reactor, chain, result);
            None
        }
        None => Some((reactor, chain)),
    }
}

/// The chain is over.
#[inline(always)]
fn discard<T>(reactor: &Reactor, chain: ChainId, result: Result<T, Failure>) {
    match result {
        Ok(value) => contain_drop(value),
        Err(failure) => report(reactor, chain, failure),
    }
    reactor.core().ledger.with(|ledger| ledger.remove(chain));
}

/// Logs a failure that nobody has handled. That it was cancelled, or that the reactor has ended, is no news.
#[cold]
fn report(reactor: &Reactor, chain: ChainId, failure: Failure) {
    if matches!(failure.kind(), FailureKind::Cancelled | FailureKind::Ended) {
        return contain_drop(failure);
    }
    let deferred = reactor.core().ledger.with(|ledger| ledger.describe_one(chain));
    error!("unhandled failure in {deferred}: {failure:#}");
    #[cfg(feature = "testing")]
    if !is_expectable(&failure) {
        crate::contain::fail_test(format!("unhandled failure in {deferred}: {failure:#}"));
    }
    contain_drop(failure);
}

/// Is this what a network may do to anybody? A program that lets it go by is not wrong, and a test with faults would fail for nothing else.
#[cfg(feature = "testing")]
fn is_expectable(failure: &Failure) -> bool {
    use crate::error::{Error, ErrorKind};
    failure.downcast_ref::<Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::Unreachable
                | ErrorKind::TimedOut
                | ErrorKind::ResourcesExhausted
                | ErrorKind::Io
        )
    })
}
