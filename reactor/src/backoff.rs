//! Retry arithmetic: how long to wait before trying again.

use std::time::Duration;

use crate::random::Random;

/// Delays that double from a first to a longest one, for an attempt that is repeated after a
/// failure. The type neither waits nor reads a clock.
///
/// ```
/// use lariat::Backoff;
/// use std::time::Duration;
///
/// let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
/// let delays: Vec<_> = (0..5).map(|_| backoff.next_delay().as_millis()).collect();
/// assert_eq!(delays, [100, 200, 400, 800, 1000]);
/// ```
#[derive(Copy, Clone, Debug)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// One that begins with `first` and never gives more than `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first.min(longest), first: first.min(longest), longest }
    }

    /// The delay before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.next;
        self.next = delay.saturating_mul(2).min(self.longest);
        delay
    }

    /// Returns the delay before the next attempt, drawn from the upper half of what
    /// [`next_delay`](Self::next_delay) gives: clients that lost one server at the same time do not
    /// return at the same time. (The "equal jitter" of Brooker, "Exponential Backoff And Jitter",
    /// AWS Architecture Blog, 2015.) The numbers are usually those of
    /// [`Reactor::random`](crate::Reactor::random).
    ///
    /// ```
    /// use lariat::{Backoff, Reactor};
    /// use std::time::Duration;
    ///
    /// let reactor = Reactor::new()?;
    /// let mut backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(60));
    /// let delay = backoff.next_delay_with_jitter(&reactor.random());
    /// assert!((1.0..=2.0).contains(&delay.as_secs_f64()));
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "jitter")]
    pub fn next_delay_with_jitter(&mut self, random: &Random) -> Duration {
        let longest = self.next_delay();
        let half = u64::try_from((longest / 2).as_nanos()).unwrap_or(u64::MAX);
        longest.saturating_sub(Duration::from_nanos(random.between(0..=half)))
    }

    /// An attempt succeeded: start over.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_start_over() {
        let mut backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(15));
        let delays: Vec<_> = (0..4).map(|_| backoff.next_delay().as_millis()).collect();
        assert_eq!(delays, [5, 10, 15, 15]);
        backoff.reset();
        assert_eq!(backoff.next_delay().as_millis(), 5);
    }

    #[test]
    fn delays_with_jitter_fill_the_upper_half() {
        let random = Random::new(1);
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, second);
        let delays: Vec<_> = (0..200).map(|_| backoff.next_delay_with_jitter(&random)).collect();
        assert!(delays.iter().all(|delay| (second / 2..=second).contains(delay)));
        assert!(delays.iter().any(|delay| *delay < second * 11 / 20), "the lower end is reached");
        assert!(delays.iter().any(|delay| *delay > second * 19 / 20), "the upper end is reached");
    }

    #[test]
    fn delays_without_bound_end_at_the_longest_that_there_is() {
        let mut backoff = Backoff::new(Duration::MAX / 2 + Duration::from_secs(1), Duration::MAX);
        backoff.next_delay();
        assert_eq!(backoff.next_delay(), Duration::MAX);
    }
}
