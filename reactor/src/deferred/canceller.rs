//! What is called when a Deferred is cancelled.

use crate::contain::contain;
use crate::reactor::{ChainId, Reactor};

/// What cancels whatever would have given a result.
pub(crate) trait Cancel {
    fn cancel(self: Box<Self>, reactor: &Reactor);

    /// Visits the chains whose results it is made of.
    fn visit_awaited(&self, _visit: &mut dyn FnMut(ChainId)) {}
}

/// One of them, in a single word: most Deferreds have none.
pub(super) struct Canceller(Box<Box<dyn Cancel>>);

impl Canceller {
    pub(super) fn new(cancel: impl Cancel + 'static) -> Self {
        Self(Box::new(Box::new(cancel)))
    }

    pub(super) fn call(self, reactor: &Reactor) {
        // The panic is logged; the Deferred is cancelled all the same.
        let _ = contain(|| "a canceller", || self.0.cancel(reactor));
    }

    pub(super) fn visit_awaited(&self, visit: &mut dyn FnMut(ChainId)) {
        self.0.visit_awaited(visit);
    }
}

/// A user's.
pub(super) struct Call<F>(pub(super) F);

impl<F: FnOnce(&Reactor)> Cancel for Call<F> {
    fn cancel(self: Box<Self>, reactor: &Reactor) {
        (self.0)(reactor);
    }
}
