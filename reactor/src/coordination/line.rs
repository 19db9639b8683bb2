//! Those who wait for their turn.

use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use crate::contain::contain_drop;
use crate::deferred::{Deferred, Resolver};
use crate::guarded::Guarded;
use crate::reactor::{Cancel, ChainId, Reactor};

/// Those who wait for a `T`, first come, first served, each with something of theirs. Whoever does not wait any more leaves.
pub(super) struct Line<T: 'static, X: 'static = ()>(Rc<Places<T, X>>);

type Places<T, X> = Guarded<Waiting<T, X>>;

struct Waiting<T: 'static, X> {
    places: BTreeMap<u64, (Resolver<T>, X)>,
    next: u64,
}

impl<T: 'static, X: 'static> Line<T, X> {
    pub(super) fn new() -> Self {
        Self(Rc::new(Guarded::new(Waiting { places: BTreeMap::new(), next: 0 })))
    }

    /// Waits behind the others.
    #[track_caller]
    pub(super) fn join(&self, reactor: &Reactor, with: X) -> Deferred<T> {
        let place = self.0.with(|waiting| {
            waiting.next += 1;
            waiting.next
        });
        let leave = Leave { line: Rc::downgrade(&self.0), place };
        let (resolver, deferred) = Deferred::with_cancel(reactor, leave);
        if resolver.is_cancelled() {
            // The reactor has ended.
            contain_drop(with);
        } else {
            self.0.with(|waiting| waiting.places.insert(place, (resolver, with)));
        }
        deferred
    }

    /// Takes the first who still waits out of the line.
    pub(super) fn next(&self) -> Option<(Resolver<T>, X)> {
        loop {
            let (_, (resolver, with)) = self.0.with(|waiting| waiting.places.pop_first())?;
            if !resolver.is_cancelled() {
                return Some((resolver, with));
            }
            contain_drop(with);
        }
    }

    /// How many still wait.
    pub(super) fn len(&self) -> usize {
        self.0.with(|waiting| waiting.places.values().filter(|(resolver, _)| !resolver.is_cancelled()).count())
    }

    /// Does nobody wait?
    pub(super) fn is_empty(&self) -> bool {
        self.0.with(|waiting| waiting.places.values().all(|(resolver, _)| resolver.is_cancelled()))
    }

    /// Do as many wait as may?
    pub(super) fn is_full(&self, most: usize) -> bool {
        // Those who are about to leave are counted out only where it matters.
        self.0.with(|waiting| waiting.places.len()) >= most && self.len() >= most
    }
}

/// What whoever waits is cancelled by. It may leave the line unasked too: when the reactor ends.
struct Leave<T: 'static, X: 'static> {
    line: Weak<Places<T, X>>,
    place: u64,
}

impl<T: 'static, X: 'static> Cancel for Leave<T, X> {
    fn cancel(self: Box<Self>, _: &Reactor) {}

    fn visit_awaited(&self, _: &mut dyn FnMut(ChainId)) {}
}

impl<T: 'static, X: 'static> Drop for Leave<T, X> {
    fn drop(&mut self) {
        if let Some(line) = self.line.upgrade() {
            contain_drop(line.with(|waiting| waiting.places.remove(&self.place)));
        }
    }
}
