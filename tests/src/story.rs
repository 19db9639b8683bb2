//! What Deferreds tell, in order, and how many values of a kind there are.

use std::cell::Cell;
use std::fmt::{self, Debug};
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::Notes;
use lariat::{Deferred, Failure, MainLoop, Reactor};

/// What has been told so far, in order.
#[derive(Clone, Default)]
pub struct Story(Notes);

impl Story {
    /// Tells something.
    pub fn tell(&self, what: impl Into<String>) {
        self.0.note(what);
    }

    /// Takes what was told.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Tells how `deferred` ends, by `who`.
    pub fn hear<T: Debug>(&self, who: &str, deferred: Deferred<T>) {
        let (story, who) = (self.clone(), who.to_owned());
        deferred.finish(move |result| story.tell(format!("{who}: {}", in_words(&result))));
    }

    /// A Deferred that never has a result; that it was cancelled is told by `who`.
    pub fn never<T: 'static>(&self, reactor: &Reactor, who: &str) -> Deferred<T> {
        let (story, who) = (self.clone(), who.to_owned());
        let slot = Rc::new(Cell::new(None));
        let ours = slot.clone();
        let (resolver, deferred) = Deferred::with_canceller(reactor, move |_| {
            drop(ours.take());
            story.tell(format!("{who} cancelled"));
        });
        slot.set(Some(resolver));
        deferred
    }
}

impl Debug for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Story")
    }
}

/// A result as it is told.
#[must_use]
pub fn in_words<T: Debug>(result: &Result<T, Failure>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(failure) => format!("{:?}, {failure}", failure.kind()),
    }
}

/// Lets everything happen that is queued, and nothing that is due later.
///
/// # Panics
///
/// When a turn of the loop fails.
pub fn settle(reactor: &mut MainLoop) {
    while reactor.stats().calls > 0 {
        reactor.turn(Some(Duration::ZERO)).expect("a turn");
    }
}

/// One of a [`Population`].
#[derive(Clone, Debug)]
pub struct Alive(#[expect(dead_code, reason = "it is counted")] Rc<()>);

/// Counts how many of its like there are.
#[derive(Debug, Default)]
pub struct Population(Rc<()>);

impl Population {
    /// One more, as long as it lives.
    #[must_use]
    pub fn born(&self) -> Alive {
        Alive(self.0.clone())
    }

    /// How many are alive.
    #[must_use]
    pub fn count(&self) -> usize {
        Rc::strong_count(&self.0) - 1
    }
}
