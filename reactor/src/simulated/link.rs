//! The links between hosts: how long a packet takes, and whether it arrives.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use crate::clock::Time;
use crate::random::Random;

use super::poll::HostId;

/// The payload of a full packet on Ethernet.
const SEGMENT_SIZE: u64 = 1_460;

/// The most that leaves a host in one piece (`sk_gso_max_size`).
const LARGEST_PIECE: u64 = 65_536;

/// One direction between two hosts.
pub(crate) type Direction = [HostId; 2];

/// The settings of a link. What one link does not set is as for all.
#[derive(Debug, Default)]
struct Link {
    /// In microseconds.
    latency: Option<(RangeInclusive<u64>, Random)>,
    /// In bytes a second.
    bandwidth: Option<u64>,
    loss: Option<(f64, Random)>,
    /// Larger packets are lost, without a word.
    largest: Option<usize>,
}

/// The links between hosts.
#[derive(Debug)]
pub(crate) struct Links {
    seed: u64,
    all: Link,
    single: BTreeMap<Direction, Link>,
    /// Times at which a direction carries nothing. A host that is not given is any.
    cuts: Vec<(Option<HostId>, Option<HostId>, Range<Time>)>,
}

impl Links {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, all: Link::default(), single: BTreeMap::new(), cuts: Vec::new() }
    }

    fn link(&mut self, direction: Option<Direction>) -> &mut Link {
        match direction {
            Some(direction) => self.single.entry(direction).or_default(),
            None => &mut self.all,
        }
    }

    /// The random numbers of a fault: a link with a setting of its own has a sequence of its own.
    fn random(&self, name: &str, direction: Option<Direction>) -> Random {
        match direction {
            Some([from, to]) => Random::named(self.seed, &format!("{name} from {} to {}", from.0, to.0)),
            None => Random::named(self.seed, name),
        }
    }

    pub(crate) fn set_latency(&mut self, direction: Option<Direction>, microseconds: RangeInclusive<u64>) {
        let random = self.random("latency", direction);
        self.link(direction).latency = Some((microseconds, random));
    }

    pub(crate) fn set_bandwidth(&mut self, direction: Option<Direction>, bytes_per_second: u64) {
        self.link(direction).bandwidth = Some(bytes_per_second.max(1));
    }

    pub(crate) fn set_loss(&mut self, direction: Option<Direction>, probability: f64) {
        let random = self.random("loss", direction);
        self.link(direction).loss = Some((probability, random));
    }

    pub(crate) fn set_largest(&mut self, direction: Option<Direction>, bytes: usize) {
        self.link(direction).largest = Some(bytes);
    }

    /// Has nothing pass from one host to another. `None` is every host.
    pub(crate) fn cut(&mut self, from: Option<HostId>, to: Option<HostId>, time: Range<Duration>) {
        let time = Time::default().after(time.start)..Time::default().after(time.end);
        self.cuts.push((from, to, time));
    }

    fn setting<'a, T>(&'a self, direction: Direction, get: impl Fn(&'a Link) -> Option<T>) -> Option<T> {
        let own = if self.single.is_empty() { None } else { self.single.get(&direction).and_then(&get) };
        own.or_else(|| get(&self.all))
    }

    /// The largest piece that leaves a host at once: a tenth of a second of a slow link, and never less than a packet.
    pub(super) fn piece(&self, direction: Direction) -> usize {
        let rate = self.setting(direction, |link| link.bandwidth);
        let piece = rate.map_or(u64::MAX, |rate| (rate / 10).clamp(SEGMENT_SIZE, LARGEST_PIECE));
        usize::try_from(piece).unwrap_or(usize::MAX)
    }

    /// How long it takes to send off so many bytes.
    pub(super) fn sending(&self, direction: Direction, bytes: usize) -> Duration {
        let Some(rate) = self.setting(direction, |link| link.bandwidth) else { return Duration::ZERO };
        let nanos = (bytes as u128 * 1_000_000_000).div_ceil(u128::from(rate));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The mean time there and back, by which a sender sets its retransmission timer.
    pub(super) fn round_trip(&self, direction: Direction) -> Duration {
        let latency = self.setting(direction, |link| link.latency.as_ref());
        latency.map_or(Duration::ZERO, |(range, _)| Duration::from_micros(range.start().saturating_add(*range.end())))
    }

    /// When a packet that leaves its host at `departure` arrives; `None` if it is lost.
    pub(super) fn transit(&self, direction: Direction, departure: Time, size: usize) -> Option<Time> {
        let latency = self.setting(direction, |link| link.latency.as_ref());
        let latency = latency.map_or(0, |(range, random)| random.between(range.clone()));
        let arrival = departure.after(Duration::from_micros(latency));
        let is_large = self.setting(direction, |link| link.largest).is_some_and(|largest| size > largest);
        let loss = self.setting(direction, |link| link.loss.as_ref());
        let is_lost = loss.is_some_and(|(probability, random)| random.chance(*probability));
        (!is_large && !is_lost && !self.is_cut(direction, departure, arrival)).then_some(arrival)
    }

    /// Whether a packet that is under way from `departure` to `arrival` meets a partition.
    pub(super) fn is_cut(&self, direction: Direction, departure: Time, arrival: Time) -> bool {
        let is = |host: Option<HostId>, end: HostId| host.is_none_or(|host| host == end);
        self.cuts.iter().any(|(from, to, time)| {
            is(*from, direction[0]) && is(*to, direction[1]) && departure < time.end && arrival >= time.start
        })
    }

    /// When a window update arrives that is sent at `now`: one that is lost is asked for again until it passes.
    pub(super) fn update(&self, direction: Direction, now: Time) -> Option<Time> {
        let (mut sent, mut timeout) = (now, Duration::from_millis(200) + self.round_trip(direction));
        while sent.since(now) < Duration::from_millis(924_600) {
            if let Some(at) = self.transit(direction, sent, 0) {
                return Some(at);
            }
            sent = sent.after(timeout);
            timeout = (timeout * 2).min(Duration::from_secs(120));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THERE: Direction = [HostId(1), HostId(2)];
    const BACK: Direction = [HostId(2), HostId(1)];

    fn at(milliseconds: u64) -> Time {
        Time::from_tick(milliseconds)
    }

    #[test]
    fn without_faults_a_packet_takes_no_time() {
        let links = Links::new(1);
        assert_eq!(links.transit(THERE, at(7), 1 << 20), Some(at(7)));
        assert_eq!(links.sending(THERE, 1 << 30), Duration::ZERO);
    }

    #[test]
    fn a_packet_that_meets_a_partition_is_lost() {
        let mut links = Links::new(1);
        links.set_latency(None, 10_000..=10_000);
        links.cut(Some(HostId(1)), Some(HostId(2)), Duration::from_secs(1)..Duration::from_secs(2));
        assert_eq!(links.transit(THERE, at(989), 0), Some(at(999)));
        for sent in [990, 1_000, 1_999] {
            assert_eq!(links.transit(THERE, at(sent), 0), None, "{sent}");
            assert_eq!(links.transit(BACK, at(sent), 0), Some(at(sent + 10)));
        }
        assert_eq!(links.transit(THERE, at(2_000), 0), Some(at(2_010)));
        assert_eq!(links.update(THERE, at(1_500)), Some(at(1_500 + 660 + 10)));
    }

    #[test]
    fn a_link_has_settings_of_its_own() {
        let mut links = Links::new(1);
        links.set_latency(None, 1_000..=1_000);
        links.set_latency(Some(THERE), 5_000..=5_000);
        links.set_bandwidth(Some(THERE), 1_000);
        links.set_largest(Some(BACK), 100);
        assert_eq!((links.transit(THERE, at(0), 0), links.transit(BACK, at(0), 100)), (Some(at(5)), Some(at(1))));
        assert_eq!((links.sending(THERE, 500), links.sending(BACK, 500)), (Duration::from_millis(500), Duration::ZERO));
        assert_eq!(links.transit(BACK, at(0), 101), None);
    }
}
