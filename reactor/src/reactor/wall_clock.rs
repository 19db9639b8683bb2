//! The time of day and the random numbers of a reactor.

use std::time::SystemTime;

use crate::random::Random;

use super::core::Reactor;

impl Reactor {
    /// Returns the time of day: that of the system (`CLOCK_REALTIME`, `clock_gettime(2)`) on a real
    /// loop. It serves dates that people or other machines read, and it may jump in either
    /// direction. Delays and deadlines go by [`now`](Self::now), which never does.
    ///
    /// On a simulated host it is a start drawn from the seed, and virtual time since then, with the
    /// skew of the host (`Faults::clock_skew`). A `VirtualClock` starts at 2024-01-01 00:00:00 UTC.
    /// A recording contains each reading, and a replay repeats it.
    ///
    /// ```
    /// use lariat::Reactor;
    /// use std::time::SystemTime;
    ///
    /// let reactor = Reactor::new()?;
    /// assert!(reactor.wall_clock() > SystemTime::UNIX_EPOCH);
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn wall_clock(&self) -> SystemTime {
        self.core().network.wall_clock()
    }

    /// Returns the random numbers of this reactor: for jitter, boundaries, names of temporary
    /// files, and choices among equals. All handles continue one sequence. The numbers are fast and
    /// predictable, so no key, token or nonce may be made of them.
    ///
    /// A real loop takes the seed from the system (`getrandom(2)`), when this method is first
    /// called. A simulated host has a sequence of its own, from the simulation's seed, and a new
    /// one after each restart. A `VirtualClock` has a fixed one. A recording contains the seed.
    ///
    /// ```
    /// use lariat::Reactor;
    ///
    /// let random = Reactor::new()?.random();
    /// assert!((1..=6).contains(&random.between(1..=6)));
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn random(&self) -> Random {
        let core = self.core();
        core.random.get_or_init(|| Random::new(core.network.random_seed())).clone()
    }
}
