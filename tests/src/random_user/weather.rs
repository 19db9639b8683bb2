//! The faults of a seed.

use std::time::Duration;

use lariat::testing::{Random, Simulation, secs};

/// What goes wrong, as far as it bears on what users may hear.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Weather {
    /// An end may be gone without the other's hearing of it.
    pub(super) hides_ends: bool,
    /// Callbacks take time.
    pub(super) is_slow: bool,
    /// Hosts that may lose their power.
    pub(super) vanishing: &'static [&'static str],
}

impl Weather {
    /// Draws faults: none in some seeds, all in few.
    pub(super) fn draw(sim: &Simulation, random: &Random) -> Self {
        let faults = sim.faults();
        let severity = *random.pick(&[0.0, 0.15, 0.4, 0.8]).unwrap_or(&0.0);
        let is = |random: &Random| random.chance(severity);
        let mut weather = Self::default();
        if is(random) {
            faults.latency(0..=1 + random.below(150));
        }
        if is(random) {
            faults.bandwidth(20_000 + random.below(500_000));
        }
        if is(random) {
            faults.short_reads();
        }
        if is(random) {
            faults.short_writes();
        }
        if is(random) {
            faults.reordered_readiness();
        }
        if is(random) {
            faults.spurious_readiness(0.2);
        }
        if is(random) {
            // Not so small that what is sent takes more turns than a simulation has patience for.
            faults.small_buffers(100 + random.index(5_000));
        }
        if is(random) {
            faults.resets(0.01);
        }
        if random.chance(severity / 3.0) {
            weather.hides_ends = true;
            faults.half_open(0.005);
        }
        if is(random) {
            faults.refused_connects(0.2);
        }
        if is(random) {
            faults.unanswered_connects(0.1);
        }
        if is(random) {
            faults.exhaustion(0.1);
        }
        if is(random) {
            faults.interrupts(0.15);
        }
        if is(random) {
            weather.is_slow = true;
            faults.slow_callbacks(0.05, 1..=30);
        }
        if is(random) {
            let start = Duration::from_millis(random.below(15_000));
            faults.partition("one", "server", start..start + secs(1 + random.below(8)));
            // A reset that meets it is lost for good.
            weather.hides_ends = true;
        }
        if random.chance(severity / 3.0) {
            let start = Duration::from_millis(random.below(20_000));
            let (host, vanishing): (_, &[&str]) =
                if random.chance(0.5) { ("server", &["server"]) } else { ("other", &["other"]) };
            faults.crash(host, start..start + secs(1 + random.below(6)));
            weather.hides_ends = true;
            weather.vanishing = vanishing;
        }
        weather
    }
}
