//! Checks at the end of a simulation that a test asks for.

use std::time::Duration;

use super::simulation::Simulation;

/// Checks at the end, on request.
impl Simulation {
    /// Notes that `condition` has to be true at least once, in some seed of a
    /// [`check`](Simulation::check), which fails otherwise and lists what was never true. So a test
    /// shows that it has reached what it is for: that a retry took place, a queue was full, a message
    /// came twice. With `LARIAT_SEED` set, nothing is required.
    ///
    /// ```
    /// use lariat::testing::Simulation;
    ///
    /// Simulation::check(1..=20, |sim: &Simulation| {
    ///     sim.sometimes("the seed is even", sim.seed() % 2 == 0);
    ///     sim.run()
    /// });
    /// ```
    pub fn sometimes(&self, name: &str, condition: bool) {
        self.stage.sometimes.with(|sometimes| match sometimes.get_mut(name) {
            Some(reached) => *reached |= condition,
            None => drop(sometimes.insert(name.to_owned(), condition)),
        });
    }

    /// Has the simulation fail if, at the end of a test that has passed, a Deferred of a running
    /// host has been waiting for its result for `longest` or longer. The report has the names of
    /// each and the place where it was made. Off by default: a Deferred that waits for a next event
    /// is no fault.
    ///
    /// ```
    /// use lariat::Deferred;
    /// use lariat::testing::{Simulation, secs};
    ///
    /// let sim = Simulation::new(1);
    /// sim.fail_on_pending_deferreds(secs(30));
    /// let (resolver, deferred) = Deferred::<u32>::new(&sim.host("server").reactor());
    /// deferred.named("the answer").detach();
    /// sim.run_until(secs(60)).unwrap();
    /// let error = sim.finish().unwrap_err();
    /// assert!(error.to_string().contains("never fired: 1\n  the Deferred \"the answer\""), "{error}");
    /// # drop(resolver);
    /// ```
    pub fn fail_on_pending_deferreds(&self, longest: Duration) {
        self.stage.watch.pending.set(Some(longest));
    }

    /// Has the simulation fail if, at the end of a test that has passed, a queue only grew and has
    /// more than `limit` entries. To be called before the hosts make their queues.
    ///
    /// Looked at are the queues of the crate: each [`Queue`](crate::Queue), by the line where it is
    /// made, with those that wait to put; the jobs for [threads](crate::Reactor::defer_to_thread);
    /// the bytes queued for the peers of a host, of which 64 KiB count as one entry. A queue of the
    /// program's own is given by [`watch_queue`](Self::watch_queue). They are looked at whenever
    /// time moves. A queue only grew if it was never as short in the last quarter of the test as it
    /// once was in the first half. Off by default.
    pub fn fail_on_growing_queues(&self, limit: usize) {
        self.stage.watch.limit.set(Some(limit));
        self.stage.prepare_all();
    }

    /// Has [`fail_on_growing_queues`](Self::fail_on_growing_queues) look at a queue of the
    /// program's own too, whose length is what `length` gives.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    /// use std::{cell::Cell, rc::Rc};
    ///
    /// let sim = Simulation::new(1);
    /// sim.fail_on_growing_queues(100);
    /// let length = Rc::new(Cell::new(0));
    /// let grows = length.clone();
    /// sim.watch_queue("orders", move || length.get());
    /// for second in 0..1_000 {
    ///     let grows = grows.clone();
    ///     sim.at(secs(second), move |_| grows.set(grows.get() + 1));
    /// }
    /// sim.run().unwrap();
    /// let error = sim.finish().unwrap_err();
    /// assert!(error.to_string().contains("the queue \"orders\" only grew, to 1000 entries"), "{error}");
    /// ```
    pub fn watch_queue(&self, name: impl Into<String>, length: impl Fn() -> usize + 'static) {
        let name = name.into();
        self.stage.watch.add_own(name, Box::new(length));
    }
}
