//! The faults of a seed.

use lariat::testing::{Simulation, secs};

/// The end of the storm: before the users rest.
const STORM: u64 = 28;

/// The hosts that a storm may strike.
const HOSTS: [&str; 3] = ["one", "other", "server"];

/// Faults by which an end may be lost without a notice to the other end: what would notify it is lost, or its host is gone.
const HIDE_ENDS: [&str; 9] = [
    "crash",
    "half_open",
    "isolate",
    "kill",
    "loss",
    "loss_one_way",
    "mtu_black_hole",
    "partition",
    "partition_one_way",
];

/// The effects of the faults on what users may notice.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    /// An end may be lost without a notice to the other end.
    pub(super) hides_ends: bool,
    /// Callbacks take time, or wait for a process that is stopped.
    pub(super) is_slow: bool,
    /// Hosts that may lose their power, or their process.
    pub(super) vanishing: Vec<&'static str>,
}

impl Weather {
    /// Draws a storm.
    pub(super) fn draw(sim: &Simulation) -> Self {
        for host in HOSTS {
            sim.host(host);
        }
        let drawn = sim.storm(secs(STORM));
        // The list is printed with escaped quotes.
        let faults = format!("{:?}", sim.faults()).replace('\\', "");
        let vanishes =
            |host: &&str| ["crash", "kill"].iter().any(|fault| faults.contains(&format!("{fault}({host:?}")));
        let vanishing = HOSTS.into_iter().filter(vanishes).collect();
        Self {
            hides_ends: drawn.iter().any(|fault| HIDE_ENDS.contains(fault)),
            is_slow: ["pause", "slow_callbacks"].iter().any(|fault| drawn.contains(fault)),
            vanishing,
        }
    }
}
