//! Time in a simulated world.

use std::time::Duration;

use crate::clock::Time;

/// Waits of no length before the clock moves by a tick all the same. Nothing takes time in a simulated
/// world, so a loop that is never idle would stand still in time, and what it waits for, a deadline perhaps, would never come. A
/// turn of a real loop takes about a microsecond.
const WAITS_PER_TICK: u32 = 1000;

/// A clock that moves when somebody waits, from one tick to a later one.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Time,
    /// Waits since it last moved: `0 <= waits < WAITS_PER_TICK`.
    waits: u32,
    /// It moves only for those who wait for some time.
    still: bool,
}

impl Clock {
    /// A clock that does not move for those who are busy.
    pub(super) fn still() -> Self {
        Self { still: true, ..Self::default() }
    }

    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// It is `time`, unless it is later already.
    pub(super) fn advance(&mut self, time: Time) {
        self.now = self.now.max(time);
    }

    /// Somebody waited for `delay`, which is rounded up to the tick, as `epoll_wait(2)` does; or for nothing, being busy.
    pub(super) fn sleep(&mut self, delay: Duration) {
        if !delay.is_zero() {
            self.now = Time::from_tick(self.now.after(delay).tick_at_or_after());
            self.waits = 0;
            return;
        }
        self.waits += u32::from(!self.still);
        if self.waits == WAITS_PER_TICK {
            self.now = Time::from_tick(self.now.tick_passed() + 1);
            self.waits = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_at_a_tick_and_never_early() {
        let mut clock = Clock::default();
        clock.sleep(Duration::from_micros(1_001));
        assert_eq!(clock.now(), Time::from_tick(2));
    }

    #[test]
    fn time_passes_for_those_who_never_sleep() {
        let mut clock = Clock::default();
        (0..WAITS_PER_TICK).for_each(|_| clock.sleep(Duration::ZERO));
        assert_eq!(clock.now(), Time::from_tick(1));
    }

    #[test]
    fn a_still_clock_waits_for_somebody_to_sleep() {
        let mut clock = Clock::still();
        (0..2 * WAITS_PER_TICK).for_each(|_| clock.sleep(Duration::ZERO));
        assert_eq!(clock.now(), Time::default());
        clock.sleep(Duration::from_millis(3));
        assert_eq!(clock.now(), Time::from_tick(3));
    }
}
