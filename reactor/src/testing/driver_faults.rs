//! Faults of a host's own kernel and scheduler.

use crate::simulated::Faults as Settings;

use super::faults::Faults;

/// Faults of a host's own kernel and scheduler.
impl Faults<'_> {
    /// A wait for events gives a batch of 1 to 256 of those that are ready, drawn anew each time. The
    /// next wait of the host gives all of the rest. Default: all events at a time.
    ///
    /// On Linux a loop takes at most 256 events at a time (`maxevents` in `epoll_wait(2)`), and events
    /// that arrive during the call are left for the next one. A reactor with a timer that is due polls
    /// again before the timer expires, so that a batch never costs a connection its input.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    ///
    /// Simulation::check(1..=20, |sim: &Simulation| {
    ///     sim.faults().event_batches().timer_order();
    ///     sim.host("server").reactor().call_later(secs(1), |_| ());
    ///     sim.run()
    /// });
    /// ```
    pub fn event_batches(&self) -> &Self {
        self.set("event_batches()", Settings::set_event_batches)
    }

    /// The order of a timer and of input that arrives at the same instant is drawn, each with the same
    /// probability. Default: the input comes first.
    ///
    /// On Linux either may come first: the reply that arrives at the very end of a timeout is the case
    /// that this fault finds.
    pub fn timer_order(&self) -> &Self {
        self.set("timer_order()", Settings::set_timer_order)
    }
}
