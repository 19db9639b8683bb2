//! The faults of disks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use rustix::io::Errno;

use crate::random::Random;

use super::poll::HostId;

/// The default duration of an operation, in microseconds: that of a sync on a solid-state disk.
const DEFAULT_TIME: RangeInclusive<u64> = 100..=1_000;

#[derive(Debug)]
pub(crate) struct DiskFaults {
    /// The duration of an operation, in microseconds.
    time: (RangeInclusive<u64>, Random),
    errors: Option<(f64, Random)>,
    /// The number of bytes that a disk takes.
    space: BTreeMap<HostId, u64>,
}

impl DiskFaults {
    pub(super) fn new(seed: u64) -> Self {
        Self { time: (DEFAULT_TIME, Random::named(seed, "disk time")), errors: None, space: BTreeMap::new() }
    }

    pub(crate) fn set_time(&mut self, microseconds: RangeInclusive<u64>) {
        self.time.0 = microseconds;
    }

    pub(super) fn set_errors(&mut self, probability: f64, seed: u64) {
        self.errors = Some((probability, Random::named(seed, "disk errors")));
    }

    pub(crate) fn set_space(&mut self, host: HostId, bytes: u64) {
        self.space.insert(host, bytes);
    }

    pub(super) fn time(&self) -> Duration {
        let (range, random) = &self.time;
        Duration::from_micros(random.between(range.clone()))
    }

    pub(super) fn fault(&self) -> Option<Errno> {
        let hits = self.errors.as_ref().is_some_and(|(probability, random)| random.chance(*probability));
        hits.then_some(Errno::IO)
    }

    pub(super) fn space(&self, host: HostId) -> Option<u64> {
        self.space.get(&host).copied()
    }

    /// The same without faults, and with the random numbers that come next.
    pub(super) fn healed(&self, seed: u64) -> Self {
        Self { time: (DEFAULT_TIME, self.time.1.clone()), ..Self::new(seed) }
    }
}
