//! Deferreds: what is called back, when, and what becomes of them however they end.

mod asking;
mod cancelling;
mod chains;
mod ending;
mod faults;
mod waiting;

use std::cell::Cell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Failure, MainLoop};

/// What has been told so far, in order.
#[derive(Clone, Default)]
struct Story(Rc<Cell<Vec<String>>>);

impl Story {
    fn tell(&self, what: impl Into<String>) {
        let mut story = self.0.take();
        story.push(what.into());
        self.0.set(story);
    }

    /// Takes what was told.
    fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// Tells how `deferred` ends, by `who`.
    fn hear<T: Debug>(&self, who: &str, deferred: Deferred<T>) {
        let (story, who) = (self.clone(), who.to_owned());
        deferred.finish(move |result| story.tell(format!("{who}: {}", in_words(&result))));
    }
}

fn in_words<T: Debug>(result: &Result<T, Failure>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(failure) => format!("{:?}, {failure}", failure.kind()),
    }
}

/// Lets everything happen that is queued.
fn settle(reactor: &mut MainLoop) {
    while reactor.stats().calls > 0 {
        reactor.turn(Some(Duration::ZERO)).expect("a turn");
    }
}

/// Counts how many of its like there are.
#[derive(Clone, Debug)]
struct Alive(#[expect(dead_code, reason = "it is counted")] Rc<()>);

#[derive(Default)]
struct Population(Rc<()>);

impl Population {
    fn born(&self) -> Alive {
        Alive(self.0.clone())
    }

    fn count(&self) -> usize {
        Rc::strong_count(&self.0) - 1
    }
}

fn reactor() -> (MainLoop, Story) {
    (simulated(), Story::default())
}
