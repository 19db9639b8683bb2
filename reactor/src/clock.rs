//! Time as the reactor counts it.

use std::time::{Duration, Instant, SystemTime};

/// Nanoseconds since the reactor was made: the one type in which deadlines are kept. Arithmetic saturates, so a
/// duration of centuries is a deadline that never comes rather than an overflow.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(u64);

const NANOS_PER_TICK: u64 = 1_000_000;

impl Time {
    /// The end of time, 584 years on: where saturating arithmetic ends, and what a deadline is that does not exist.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long from `earlier` to `self`; zero when it is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds from `earlier` to `self`; zero when it is not earlier.
    pub(crate) fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The first tick at or after this moment. Deadlines round up, so that nothing fires early.
    pub(crate) fn tick_at_or_after(self) -> u64 {
        self.0.div_ceil(NANOS_PER_TICK)
    }

    /// The last tick that has passed at this moment.
    pub(crate) fn tick_passed(self) -> u64 {
        self.0 / NANOS_PER_TICK
    }

    pub(crate) fn from_tick(tick: u64) -> Self {
        Self(tick.saturating_mul(NANOS_PER_TICK))
    }
}

/// The system's time of day. Library code takes it from its reactor; a test holds this function to
/// be the only one that reads it.
pub(crate) fn system_wall_clock() -> SystemTime {
    SystemTime::now()
}

/// Ties [`Time`] to the system's monotonic clock. It is read twice a turn, and so without the standard library's `Instant`, whose
/// arithmetic would take three times as long.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Epoch {
    instant: Instant,
    nanos: u64,
}

impl Epoch {
    pub(crate) fn new() -> Self {
        // In this order an `Instant` made from a `Time` is never later than one that is taken at that time.
        let instant = Instant::now();
        Self { instant, nanos: monotonic_nanos() }
    }

    #[inline]
    pub(crate) fn now(self) -> Time {
        Time(monotonic_nanos().saturating_sub(self.nanos))
    }

    pub(crate) fn instant(self, time: Time) -> Instant {
        // 584 years past any start is within what Linux's `Instant` can hold; should that ever fail, the start will do.
        self.instant.checked_add(Duration::from_nanos(time.0)).unwrap_or(self.instant)
    }
}

/// The clock behind `Instant`, in nanoseconds since the machine's start: positive, and far from the end of 64 bits.
#[inline]
fn monotonic_nanos() -> u64 {
    let now = nix::time::ClockId::CLOCK_MONOTONIC.now().unwrap_or(nix::sys::time::TimeSpec::new(0, 0));
    now.tv_sec().unsigned_abs().wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_rounds_up_and_the_present_rounds_down() {
        let time = Time::default().after(Duration::from_micros(1_500));
        assert_eq!(time.tick_at_or_after(), 2);
        assert_eq!(time.tick_passed(), 1);
    }

    #[test]
    fn a_delay_past_the_end_of_time_saturates() {
        let end = Time::default().after(Duration::MAX);
        assert_eq!(end.after(Duration::from_secs(1)), end);
        assert!(Epoch::new().instant(end) > Instant::now());
    }
}
