//! The faults of name lookups.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::lookup::{Family, Fault};
use crate::random::Random;

use super::poll::HostId;

/// The faults of name lookups: of all hosts, and besides of some.
#[derive(Debug, Default)]
pub(crate) struct NameFaults {
    all: Each,
    hosts: BTreeMap<HostId, Each>,
    shuffled: Option<Random>,
    /// For how many microseconds a former answer is still given, and the seed that this is drawn
    /// from.
    stale: Option<(RangeInclusive<u64>, u64)>,
}

/// The faults of one host, or of all, by the family of the addresses.
#[derive(Debug, Default)]
struct Each {
    /// The duration of an answer, in microseconds.
    time: [Option<(RangeInclusive<u64>, Random)>; 2],
    missing: [Option<(f64, Random)>; 2],
    unavailable: [Option<(f64, Random)>; 2],
}

/// The name of a fault's sequence of random numbers.
fn sequence(kind: &str, host: Option<HostId>, family: Family) -> String {
    let family = if family == Family::V4 { "" } else { " of IPv6" };
    host.map_or_else(|| format!("{kind}{family}"), |host| format!("{kind}{family} on host {}", host.index()))
}

impl NameFaults {
    fn of(&mut self, host: Option<HostId>) -> &mut Each {
        host.map_or(&mut self.all, |host| self.hosts.entry(host).or_default())
    }

    /// The faults that befall `host`.
    fn on(&self, host: HostId) -> impl Iterator<Item = &Each> {
        [Some(&self.all), self.hosts.get(&host)].into_iter().flatten()
    }

    pub(super) fn set_time(
        &mut self,
        seed: u64,
        host: Option<HostId>,
        family: Family,
        microseconds: RangeInclusive<u64>,
    ) {
        let random = Random::named(seed, &sequence("name time", host, family));
        self.of(host).time[family as usize] = Some((microseconds, random));
    }

    pub(super) fn set_missing(&mut self, seed: u64, host: Option<HostId>, family: Family, probability: f64) {
        let random = Random::named(seed, &sequence("missing names", host, family));
        self.of(host).missing[family as usize] = Some((probability, random));
    }

    pub(super) fn set_unavailable(&mut self, seed: u64, host: Option<HostId>, family: Family, probability: f64) {
        let random = Random::named(seed, &sequence("unavailable names", host, family));
        self.of(host).unavailable[family as usize] = Some((probability, random));
    }

    pub(super) fn set_shuffled(&mut self, seed: u64) {
        self.shuffled = Some(Random::named(seed, "shuffled names"));
    }

    pub(super) fn set_stale(&mut self, seed: u64, microseconds: RangeInclusive<u64>) {
        self.stale = Some((microseconds, seed));
    }

    /// The duration of the answer about a name.
    pub(super) fn delay(&self, host: HostId, family: Family) -> Duration {
        let times = self.on(host).filter_map(|each| each.time[family as usize].as_ref());
        times.map(|(range, random)| Duration::from_micros(random.between(range.clone()))).sum()
    }

    /// The failure of a lookup, if it fails.
    pub(super) fn fault(&self, host: HostId, family: Family) -> Option<Fault> {
        let hits = |fault: &Option<(f64, Random)>| {
            fault.as_ref().is_some_and(|(probability, random)| random.chance(*probability))
        };
        let place = family as usize;
        self.on(host).find_map(|each| {
            if hits(&each.missing[place]) {
                Some(Fault::NoSuchName)
            } else if hits(&each.unavailable[place]) {
                Some(Fault::TryAgain)
            } else {
                None
            }
        })
    }

    pub(super) fn shuffle<T>(&self, addresses: &mut [T]) {
        if let Some(random) = &self.shuffled {
            random.shuffle(addresses);
        }
    }

    /// For how long `host` is still given the answer before the change of this number to `name`.
    pub(super) fn staleness(&self, host: HostId, name: &str, change: usize) -> Duration {
        let Some((range, seed)) = &self.stale else { return Duration::ZERO };
        let random = Random::named(*seed, &format!("stale name {name}, change {change}, host {}", host.index()));
        Duration::from_micros(random.between(range.clone()))
    }
}
