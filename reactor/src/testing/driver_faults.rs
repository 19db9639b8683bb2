//! Faults of a host's own kernel and scheduler.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use crate::clock::Time;
use crate::simulated::Faults as Settings;

use super::faults::Faults;
use super::stage::Planned;

/// Faults of a host's own kernel and scheduler.
impl Faults<'_> {
    /// A wait for events gives a batch of 1 to 256 of those that are ready, drawn for each wait. The
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

    /// The process of the host is stopped at the first moment and goes on at the second, counted from
    /// the simulation's beginning, as by `SIGSTOP` and `SIGCONT`, a pause of a virtual machine, or a
    /// collection of garbage. Its system goes on: it acknowledges what arrives, and accepts
    /// connections into the backlog. Several pauses add up.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    ///
    /// let sim = Simulation::new(1);
    /// sim.faults().pause("server", secs(1)..secs(5));
    /// let fired = std::rc::Rc::new(std::cell::Cell::new(None));
    /// let seen = fired.clone();
    /// let reactor = sim.host("server").reactor();
    /// let begun = reactor.now();
    /// reactor.call_later(secs(2), move |reactor| seen.set(Some(reactor.now() - begun)));
    /// sim.run().unwrap();
    /// assert_eq!(fired.get(), Some(secs(5)));
    /// ```
    pub fn pause(&self, host: &str, time: Range<Duration>) -> &Self {
        let stage = self.stage();
        if stage.admits(format_args!("pause({host:?}, {:?}..{:?})", time.start, time.end)) {
            let (place, until) = (stage.place(host), Time::default().after(time.end));
            stage.plan(time.start, |_| Planned::Pause(place, until));
        }
        self
    }

    /// When a host starts again, its system runs this many milliseconds before its process does.
    /// Meanwhile it refuses connections and resets those from before. Default: 0.
    pub fn slow_boot(&self, milliseconds: RangeInclusive<u64>) -> &Self {
        let (start, end) = (*milliseconds.start(), *milliseconds.end());
        self.set(format_args!("slow_boot({start}..={end})"), |faults| {
            faults.set_boot_time(start.saturating_mul(1000)..=end.saturating_mul(1000));
        })
    }
}
