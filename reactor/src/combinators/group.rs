//! Deferreds whose results are combined, while they are waited for.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use log::Level;

use crate::contain::{contain_drop, contain_drops};
use crate::deferred::{Deferred, Resolver};
use crate::failure::Failure;
use crate::guarded::Guarded;
use crate::log_throttle::LogThrottle;
use crate::reactor::{Cancel, ChainId, Reactor};

/// Failures that came after a combination had its result.
const LATE: LogThrottle = LogThrottle::new("lariat::combinators");

/// Panics among them. Failures must not use up their lines.
const LATE_PANICS: LogThrottle = LogThrottle::new("lariat::combinators::panics");

/// What a combination makes of its parts' results.
pub(super) trait Tally<T: 'static>: 'static {
    type Total: 'static;

    /// Takes a part's result, and gives the combination's as soon as that is known. It is called while it is borrowed: it drops nothing
    /// of a user's.
    fn count(&mut self, place: usize, result: Result<T, Failure>) -> Option<Result<Self::Total, Failure>>;

    /// A part has failed after the combination had its result, or was cancelled. What is given back counts as unhandled.
    fn late(failure: Failure) -> Result<(), Failure> {
        Err(failure)
    }
}

/// The parts that are still waited for, and what has come of the others.
struct Group<T: 'static, C: Tally<T>> {
    parts: Guarded<Vec<Option<Deferred<()>>>>,
    /// Gone once the combination has its result, or was cancelled.
    tally: Guarded<Option<C>>,
    resolver: Cell<Option<Resolver<C::Total>>>,
}

/// The Deferred of what `tally` makes of `parts`, of which there is at least one.
#[track_caller]
pub(super) fn combine<T: 'static, C: Tally<T>>(
    reactor: &Reactor,
    parts: Vec<Deferred<T>>,
    tally: C,
) -> Deferred<C::Total> {
    let group =
        Rc::new(Group { parts: Guarded::new(Vec::new()), tally: Guarded::new(Some(tally)), resolver: Cell::new(None) });
    let (resolver, deferred) = Deferred::with_cancel(reactor, Cancelled(group.clone()));
    group.resolver.set(Some(resolver));
    let listen = |(place, part): (usize, Deferred<T>)| {
        // One that was awaited calls nothing back.
        let part = if part.reactor().is_some() { part } else { Deferred::fail(reactor, Failure::new(AWAITED)) };
        let group = group.clone();
        Some(part.map_result(move |result| group.arrive(place, result)))
    };
    let parts = parts.into_iter().enumerate().map(listen).collect();
    group.parts.with(|places| *places = parts);
    deferred
}

const AWAITED: &str = "what was to be combined had been awaited already";

impl<T: 'static, C: Tally<T>> Group<T, C> {
    fn arrive(&self, place: usize, result: Result<T, Failure>) -> Result<(), Failure> {
        let part = self.parts.with(|parts| parts.get_mut(place).and_then(Option::take));
        if let Some(part) = part {
            // Its last callback is running: there is nothing to cancel.
            part.detach();
        }
        let counted = self.tally.with(|tally| match tally {
            Some(tally) => Ok(tally.count(place, result)),
            None => Err(result),
        });
        match counted {
            Ok(None) => Ok(()),
            Ok(Some(total)) => {
                self.close();
                if let Some(resolver) = self.resolver.take() {
                    // If nobody listens, nobody misses it.
                    drop(resolver.settle(total));
                }
                Ok(())
            }
            Err(Ok(_)) => Ok(()),
            Err(Err(failure)) => C::late(failure),
        }
    }

    /// Cancels the parts that are left.
    fn close(&self) {
        contain_drop(self.tally.with(Option::take));
        contain_drops(self.parts.with(mem::take));
    }
}

struct Cancelled<T: 'static, C: Tally<T>>(Rc<Group<T, C>>);

impl<T: 'static, C: Tally<T>> Cancel for Cancelled<T, C> {
    fn cancel(self: Box<Self>, _: &Reactor) {
        self.0.close();
    }

    fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        self.0.parts.with(|parts| parts.iter().flatten().for_each(|part| visit(part.chain())));
    }
}

/// Logs a failure that arrives after the combination has its result or is cancelled.
pub(super) fn tell_lost(failure: &Failure) {
    if failure.is_cancelled() {
        return;
    }
    let (kind, level) = if failure.is_panicked() { (LATE_PANICS, Level::Error) } else { (LATE, Level::Debug) };
    kind.log(level, format_args!("a Deferred failed after its combination was finished: {failure:#}"));
}
