//! Waiting again and again.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::reactor::Reactor;

/// A grid in time to wait along: what [`Reactor::interval`] gives.
#[derive(Debug)]
pub struct Interval {
    reactor: Reactor,
    period: Duration,
    next: Instant,
}

impl Reactor {
    /// A grid in time of so many slots: `period` (at least a millisecond), twice that, and so on from now.
    ///
    /// ```
    /// use lariat::{Failure, Reactor};
    /// use std::time::Duration;
    ///
    /// let mut reactor = Reactor::new()?;
    /// let mut interval = reactor.interval(Duration::from_millis(1));
    /// reactor.block_on(async move {
    ///     for _ in 0..3 {
    ///         interval.tick().await?;
    ///     }
    ///     Ok::<_, Failure>(())
    /// })?.unwrap();
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn interval(&self, period: Duration) -> Interval {
        let period = period.max(Duration::from_millis(1));
        Interval { reactor: self.clone(), period, next: self.now() + period.min(FAR) }
    }
}

/// A time that nobody will see, and that can still be added to any other.
const FAR: Duration = Duration::from_secs(1 << 32);

impl Interval {
    /// Waits until the next slot. Slots that have gone by meanwhile are skipped; what is given is how many have begun since the last time, 1
    /// if none was skipped. Dropped before it is ready, it has waited for nothing, and the slot is still to come.
    ///
    /// # Errors
    ///
    /// When the reactor ends.
    pub async fn tick(&mut self) -> Result<u32, Failure> {
        let left = self.next.saturating_duration_since(self.reactor.now());
        if !left.is_zero() {
            self.reactor.sleep(left).await?;
        }
        let late = self.reactor.now().saturating_duration_since(self.next);
        let skipped = u32::try_from(late.as_nanos() / self.period.as_nanos()).unwrap_or(u32::MAX);
        self.next += self.period.saturating_mul(skipped.saturating_add(1)).min(FAR);
        Ok(skipped.saturating_add(1))
    }
}
