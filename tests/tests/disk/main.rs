//! Files on the system's disk and on simulated ones.
#![expect(clippy::unwrap_used, reason = "what a test sets up works, or the test fails")]

mod alike;
mod log;
mod maildir;
mod system;

use lariat::testing::VirtualClock;
use lariat::{Deferred, Failure, MainLoop, Reactor};
use lariat_tests::downstream::Shared;

/// A loop that waits for one result after the other.
trait Runner {
    fn reactor(&self) -> Reactor;

    fn wait<T: 'static>(&mut self, deferred: Deferred<T>) -> Result<T, Failure>;
}

impl Runner for MainLoop {
    fn reactor(&self) -> Reactor {
        Reactor::clone(self)
    }

    fn wait<T: 'static>(&mut self, deferred: Deferred<T>) -> Result<T, Failure> {
        self.block_on(deferred).unwrap()
    }
}

impl Runner for VirtualClock {
    fn reactor(&self) -> Reactor {
        Reactor::clone(self)
    }

    fn wait<T: 'static>(&mut self, deferred: Deferred<T>) -> Result<T, Failure> {
        let result = Shared::new(None);
        let settled = result.clone();
        deferred.finish(move |result| settled.with(|settled| *settled = Some(result)));
        self.settle();
        result.take().unwrap()
    }
}
