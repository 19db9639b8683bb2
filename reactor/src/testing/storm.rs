//! A random set of faults, and an end to them.

use std::ops::Range;
use std::time::Duration;

use crate::names::Family;
use crate::random::Random;

use super::faults::Faults;
use super::simulation::Simulation;

/// The shortest and the longest time that a fault with an end lasts, in milliseconds.
const SHORTEST: u64 = 50;
const LONGEST: u64 = 20_000;

/// The longest time from the start of a host's system to that of its process, in milliseconds.
const LONGEST_BOOT: u64 = 5_000;

/// The input of a draw.
struct Scene<'a> {
    faults: Faults<'a>,
    random: &'a Random,
    hosts: &'a [String],
    until: Duration,
}

/// Sets a fault with drawn arguments.
type Draw = fn(&Scene<'_>);

/// Every fault that a storm may have, by the name of its method.
const FAULTS: [(&str, Draw); 40] = [
    ("crash", |scene| {
        let [host, _] = scene.two_hosts();
        scene.faults.crash(host, scene.time_down());
    }),
    ("kill", |scene| {
        let [host, _] = scene.two_hosts();
        scene.faults.kill(host, scene.time_down());
    }),
    ("latency", |scene| drop_ref(scene.faults.latency(0..=scene.up_to(200)))),
    ("latency_one_way", |scene| {
        let [from, to] = scene.two_hosts();
        scene.faults.latency_one_way(from, to, 0..=scene.up_to(500));
    }),
    ("bandwidth", |scene| drop_ref(scene.faults.bandwidth(20_000 + scene.random.below(2_000_000)))),
    ("bandwidth_one_way", |scene| {
        let [from, to] = scene.two_hosts();
        scene.faults.bandwidth_one_way(from, to, 20_000 + scene.random.below(2_000_000));
    }),
    ("loss_one_way", |scene| {
        let [from, to] = scene.two_hosts();
        scene.faults.loss_one_way(from, to, scene.rarely());
    }),
    ("pause", |scene| {
        let [host, _] = scene.two_hosts();
        scene.faults.pause(host, scene.time());
    }),
    ("slow_boot", |scene| drop_ref(scene.faults.slow_boot(0..=scene.up_to(LONGEST_BOOT)))),
    ("loss", |scene| drop_ref(scene.faults.loss(scene.rarely()))),
    ("mtu_black_hole", |scene| drop_ref(scene.faults.mtu_black_hole(500 + scene.random.index(1_000)))),
    ("buffers", |scene| drop_ref(scene.faults.buffers(4 << 10..=4 << 10 << scene.random.below(11)))),
    ("small_buffers", |scene| drop_ref(scene.faults.small_buffers(100 + scene.random.index(5_000)))),
    ("short_reads", |scene| drop_ref(scene.faults.short_reads())),
    ("short_writes", |scene| drop_ref(scene.faults.short_writes())),
    ("reordered_readiness", |scene| drop_ref(scene.faults.reordered_readiness())),
    ("spurious_readiness", |scene| drop_ref(scene.faults.spurious_readiness(0.2))),
    ("event_batches", |scene| drop_ref(scene.faults.event_batches())),
    ("timer_order", |scene| drop_ref(scene.faults.timer_order())),
    ("schedules", |scene| drop_ref(scene.faults.schedules())),
    ("interrupts", |scene| drop_ref(scene.faults.interrupts(0.15))),
    ("exhaustion", |scene| drop_ref(scene.faults.exhaustion(0.1))),
    ("slow_callbacks", |scene| drop_ref(scene.faults.slow_callbacks(0.05, 1..=scene.up_to(30)))),
    ("slow_threads", |scene| drop_ref(scene.faults.slow_threads(0..=scene.up_to(2_000)))),
    ("slow_names", |scene| drop_ref(scene.faults.slow_names(Family::V4, 0..=scene.up_to(5_000)))),
    ("unavailable_names", |scene| drop_ref(scene.faults.unavailable_names(Family::V4, 0.1))),
    ("missing_names", |scene| drop_ref(scene.faults.missing_names(Family::V6, 0.2))),
    ("shuffled_names", |scene| drop_ref(scene.faults.shuffled_names())),
    ("stale_names", |scene| drop_ref(scene.faults.stale_names(0..=scene.up_to(LONGEST)))),
    ("clock_skews", |scene| {
        let most = i64::try_from(scene.up_to(10_000)).unwrap_or(0);
        scene.faults.clock_skews(-most..=most);
    }),
    ("clock_jump", |scene| {
        let [host, _] = scene.two_hosts();
        let milliseconds = i64::try_from(scene.up_to(200_000)).unwrap_or(0) - 100_000;
        scene.faults.clock_jump(host, scene.time().start, milliseconds);
    }),
    ("slow_disk", |scene| drop_ref(scene.faults.slow_disk(0..=scene.up_to(500)))),
    ("disk_errors", |scene| drop_ref(scene.faults.disk_errors(scene.rarely()))),
    ("resets", |scene| drop_ref(scene.faults.resets(scene.rarely()))),
    ("half_open", |scene| drop_ref(scene.faults.half_open(scene.rarely()))),
    ("refused_connects", |scene| drop_ref(scene.faults.refused_connects(0.2))),
    ("unanswered_connects", |scene| drop_ref(scene.faults.unanswered_connects(0.1))),
    ("partition", |scene| {
        let [one, other] = scene.two_hosts();
        scene.faults.partition(one, other, scene.time());
    }),
    ("partition_one_way", |scene| {
        let [from, to] = scene.two_hosts();
        scene.faults.partition_one_way(from, to, scene.time());
    }),
    ("isolate", |scene| {
        let [host, _] = scene.two_hosts();
        scene.faults.isolate(host, scene.time());
    }),
];

fn drop_ref(_: &Faults<'_>) {}

impl Scene<'_> {
    fn up_to(&self, most: u64) -> u64 {
        1 + self.random.below(most)
    }

    /// A probability from 1 in 1,000 to 1 in 20.
    fn rarely(&self) -> f64 {
        *self.random.pick(&[0.001, 0.005, 0.02, 0.05]).unwrap_or(&0.001)
    }

    /// Two hosts, or one twice if there is no other.
    fn two_hosts(&self) -> [&str; 2] {
        let first = self.random.index(self.hosts.len());
        let second = (first + 1 + self.random.index((self.hosts.len() - 1).max(1))) % self.hosts.len();
        [&self.hosts[first], &self.hosts[second]]
    }

    /// A time that ends with the storm at the latest.
    fn time(&self) -> Range<Duration> {
        self.time_before(self.until)
    }

    /// A time after which a process can start before the storm ends.
    fn time_down(&self) -> Range<Duration> {
        self.time_before(self.until.saturating_sub(Duration::from_millis(LONGEST_BOOT)))
    }

    fn time_before(&self, end: Duration) -> Range<Duration> {
        let all = u64::try_from(end.as_millis()).unwrap_or(u64::MAX);
        let start = self.random.below(all.max(1));
        // Each doubling of the length is as likely as any other.
        let length = SHORTEST << self.random.below(u64::from((LONGEST / SHORTEST).ilog2()) + 1);
        let [start, end] = [start, start.saturating_add(length).min(all)].map(Duration::from_millis);
        start..end
    }
}

impl Simulation {
    /// Draws a random set of faults from the seed, with their arguments, hosts and times, and [heals](Faults::heal) everything at
    /// `until`, counted from the simulation's beginning. Returns the names of the methods of [`Faults`] that were drawn.
    ///
    /// One seed in four has no fault at all. In the others each fault is drawn with a probability of 0.1, 0.25 or 0.5, which the seed
    /// draws too: sets of few faults find what sets of many hide (Groce et al., "Swarm Testing", 2012). Hosts that crash or are killed
    /// start again before `until`; such a storm has no [`exhaustion`](Faults::exhaustion). Only hosts that exist when the storm begins are struck, so make them before.
    ///
    /// A test has two phases: in the storm, what must never happen does not (no order is lost or done twice); after it, what must happen
    /// at last does (every order is answered), within a time that the test allows.
    ///
    /// ```
    /// use lariat::testing::{Simulation, secs};
    /// use lariat::{Once, Peer, Protocol, Transport};
    ///
    /// struct Silent;
    ///
    /// impl Protocol for Silent {
    ///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// }
    ///
    /// Simulation::check(1..=50, |sim: &Simulation| {
    ///     let server = sim.host("server");
    ///     server.start(|reactor| reactor.listen("tcp:7000", |_: &Peer| Silent).map(drop))?;
    ///     sim.host("client");
    ///     sim.storm(secs(60));
    ///     sim.run_until(secs(60))?;
    ///     // The network is well again: a connection can be made.
    ///     let connected = std::rc::Rc::new(std::cell::Cell::new(false));
    ///     let seen = connected.clone();
    ///     let attempt = sim.host("client").reactor().connect("tcp:server:7000", Once::new(Silent));
    ///     attempt.finish(move |result| seen.set(result.is_ok()));
    ///     sim.run_until(secs(300))?;
    ///     assert!(connected.get());
    ///     Ok(())
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// If no host exists yet.
    pub fn storm(&self, until: Duration) -> Vec<&'static str> {
        let hosts = self.stage.names();
        assert!(!hosts.is_empty(), "a storm needs hosts: ask for them before");
        let random = Random::named(self.seed(), "storm");
        let chance = *random.pick(&[0.0, 0.1, 0.25, 0.5]).unwrap_or(&0.0);
        let mut drawn = Vec::new();
        for (name, add) in FAULTS {
            // A sequence for each, so that a new fault changes no other one.
            let random = Random::named(self.seed(), &format!("storm: {name}"));
            // A host that starts again needs descriptors, and its failure to start ends the simulation.
            let is_impossible = name == "exhaustion" && drawn.iter().any(|drawn| matches!(*drawn, "crash" | "kill"));
            if random.chance(chance) && !is_impossible {
                add(&Scene { faults: self.faults(), random: &random, hosts: &hosts, until });
                drawn.push(name);
            }
        }
        self.at(until, |sim| drop_ref(sim.faults().heal()));
        drawn
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Simulation, secs};
    use super::FAULTS;

    #[test]
    fn every_fault_is_drawn_for_some_seed_and_none_for_others() {
        let mut drawn = BTreeSet::new();
        let mut calm = 0;
        for seed in 1..=200 {
            let sim = Simulation::new(seed);
            sim.host("one");
            sim.host("other");
            let faults = sim.storm(secs(30));
            calm += usize::from(faults.is_empty());
            drawn.extend(faults);
            sim.run().unwrap();
        }
        assert_eq!(drawn.len(), FAULTS.len());
        assert!((30..=90).contains(&calm), "{calm}");
    }

    #[test]
    fn a_fault_that_is_left_out_changes_no_other_one() {
        let drawn = |seed| {
            let sim = Simulation::new(seed);
            sim.host("one");
            (sim.storm(secs(30)), format!("{:?}", sim.faults()))
        };
        for seed in 1..=20 {
            assert_eq!(drawn(seed), drawn(seed));
        }
    }
}
