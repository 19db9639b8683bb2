//! The end of a chain that nothing listens to any more.

use crate::contain::contain_drop;
use crate::failure::Failure;
use crate::reactor::{ChainId, Reactor};

/// Ends a chain: drops its value, or reports its failure.
#[inline(always)]
pub(super) fn discard<T>(reactor: &Reactor, chain: ChainId, result: Result<T, Failure>) {
    match result {
        Ok(value) => contain_drop(value),
        Err(failure) => reactor.report_unhandled(chain, failure),
    }
    reactor.core().ledger.with(|ledger| ledger.remove(chain));
}
