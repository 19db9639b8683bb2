//! The deviations of the hosts' wall clocks.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use crate::clock::Time;
use crate::random::Random;

use super::poll::HostId;

const NANOS_PER_MILLISECOND: i128 = 1_000_000;

/// The distance of each host's wall clock from the right time.
#[derive(Debug, Default)]
pub(crate) struct WallClocks {
    hosts: BTreeMap<HostId, Deviation>,
    /// The range of a skew that every host has, in milliseconds, and the seed that it is drawn
    /// from.
    drawn: Option<(RangeInclusive<i64>, u64)>,
}

#[derive(Debug, Default)]
struct Deviation {
    /// In milliseconds.
    skew: i64,
    /// Parts per million, and since when.
    drift: Option<(i32, Time)>,
    /// When the clock jumps, and by how many milliseconds.
    jumps: Vec<(Time, i64)>,
}

impl WallClocks {
    pub(crate) fn set_skew(&mut self, host: HostId, milliseconds: i64) {
        self.hosts.entry(host).or_default().skew = milliseconds;
    }

    pub(crate) fn set_drift(&mut self, host: HostId, ppm: i32, now: Time) {
        self.hosts.entry(host).or_default().drift = Some((ppm, now));
    }

    pub(crate) fn add_jump(&mut self, host: HostId, at: Time, milliseconds: i64) {
        self.hosts.entry(host).or_default().jumps.push((at, milliseconds));
    }

    pub(super) fn draw(&mut self, milliseconds: RangeInclusive<i64>, seed: u64) {
        self.drawn = Some((milliseconds, seed));
    }

    /// `right` as the wall clock of `host` shows it at `now`.
    pub(super) fn shown(&self, host: HostId, now: Time, right: SystemTime) -> SystemTime {
        let nanos = self.offset(host, now);
        let size = Duration::from_nanos(u64::try_from(nanos.unsigned_abs()).unwrap_or(u64::MAX));
        let shown = if nanos < 0 { right.checked_sub(size) } else { right.checked_add(size) };
        shown.unwrap_or(right)
    }

    fn offset(&self, host: HostId, now: Time) -> i128 {
        let drawn = self.drawn.as_ref().map_or(0, |(range, seed)| drawn(*seed, host, range));
        let Some(Deviation { skew, drift, jumps }) = self.hosts.get(&host) else {
            return i128::from(drawn) * NANOS_PER_MILLISECOND;
        };
        let jumped = jumps.iter().filter(|(at, _)| *at <= now).map(|(_, size)| i128::from(*size)).sum::<i128>();
        let drifted = drift.map_or(0, |(ppm, since)| i128::from(now.nanos_since(since)) * i128::from(ppm) / 1_000_000);
        (i128::from(drawn) + i128::from(*skew) + jumped) * NANOS_PER_MILLISECOND + drifted
    }
}

/// The skew of a host. It does not depend on the order in which the hosts are looked at.
fn drawn(seed: u64, host: HostId, range: &RangeInclusive<i64>) -> i64 {
    let (start, end) = (*range.start(), *range.end());
    let random = Random::named(seed, &format!("clock skew of host {}", host.index()));
    let width = u64::try_from(i128::from(end) - i128::from(start)).unwrap_or(0);
    start.wrapping_add_unsigned(random.between(0..=width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviations_of_one_host_add_up() {
        let mut clocks = WallClocks::default();
        let (host, right) = (HostId(1), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000));
        clocks.set_skew(host, -500);
        clocks.add_jump(host, Time::from_tick(2_000), 10_000);
        clocks.set_drift(host, 100, Time::from_tick(1_000));
        let at = |tick| clocks.shown(host, Time::from_tick(tick), right);
        assert_eq!(at(1_000), right - Duration::from_millis(500));
        assert_eq!(at(2_000), right + Duration::from_micros(9_500_100));
        assert_eq!(clocks.shown(HostId(2), Time::from_tick(2_000), right), right);
    }

    #[test]
    fn a_drawn_skew_is_within_its_range_and_reaches_its_ends() {
        let skews: Vec<i64> = (1..500).map(|host| drawn(1, HostId(host), &(-2..=2))).collect();
        assert!(skews.iter().all(|skew| (-2..=2).contains(skew)));
        assert!(skews.contains(&-2) && skews.contains(&2));
        assert_eq!(drawn(1, HostId(1), &(i64::MAX..=i64::MAX)), i64::MAX);
    }
}
