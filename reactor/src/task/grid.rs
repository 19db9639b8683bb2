//! Moments at equal distances.

use std::time::{Duration, Instant};

/// A grid of slots: the first is at `begin`, the others follow every `interval`.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    begin: Instant,
    interval: Duration,
    /// The first slot that has not been counted yet.
    next: u64,
}

impl Grid {
    /// A grid of which the slots before `next` do not count.
    pub(super) fn new(begin: Instant, interval: Duration, next: u64) -> Self {
        Self { begin, interval, next }
    }

    /// How long it is from `now` to the next slot that is not over; not at all if it is just beginning.
    pub(super) fn delay(&self, now: Instant) -> Duration {
        let (elapsed, interval) = self.position(now);
        if interval == 0 {
            return Duration::ZERO;
        }
        let slot = elapsed.div_ceil(interval).max(u128::from(self.next));
        let nanos = (slot * interval).saturating_sub(elapsed);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Counts the slots that have begun since it was last asked: one, and those that were missed.
    pub(super) fn count(&mut self, now: Instant) -> u64 {
        let (elapsed, interval) = self.position(now);
        let Some(begun) = elapsed.checked_div(interval) else { return 1 };
        let next = u64::try_from(begun).unwrap_or(u64::MAX).saturating_add(1);
        let count = next.saturating_sub(self.next).max(1);
        self.next = next.max(self.next);
        count
    }

    /// Begins anew: the next slot is an interval after `now`.
    pub(super) fn reset(&mut self, now: Instant) {
        *self = Self::new(now, self.interval, 1);
    }

    fn position(&self, now: Instant) -> (u128, u128) {
        (now.saturating_duration_since(self.begin).as_nanos(), self.interval.as_nanos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_slot_that_is_just_beginning_is_not_missed_and_one_that_was_counted_does_not_come_again() {
        let begin = Instant::now();
        let mut grid = Grid::new(begin, SECOND, 0);
        assert_eq!(grid.delay(begin), Duration::ZERO);
        assert_eq!(grid.count(begin), 1);
        assert_eq!(grid.delay(begin), SECOND);
        assert_eq!(grid.delay(begin + SECOND), Duration::ZERO);
        assert_eq!(grid.delay(begin + SECOND * 5 / 2), SECOND / 2);
        assert_eq!(grid.count(begin + SECOND * 3), 3);
    }

    #[test]
    fn intervals_of_no_length_and_of_ages_do_not_overflow() {
        let begin = Instant::now();
        let mut nothing = Grid::new(begin, Duration::ZERO, 0);
        assert_eq!((nothing.count(begin + SECOND), nothing.delay(begin + SECOND)), (1, Duration::ZERO));
        let ages = Grid::new(begin, Duration::MAX, 1);
        assert_eq!(ages.delay(begin), Duration::from_nanos(u64::MAX));
    }
}
