//! Simulations in a process of their own: `simulated_seeds fingerprints` prints what the courses of some seeds come to, and
//! `simulated_seeds fails` checks what fails for seed 3 and later ones.

use std::time::Duration;

use lariat::Result;
use lariat::testing::{Simulation, secs};
use lariat_tests::conversation::converse;

fn everything(sim: &Simulation) -> Result<()> {
    sim.faults()
        .latency(1..=80)
        .bandwidth(50_000)
        .short_reads()
        .short_writes()
        .reordered_readiness()
        .spurious_readiness(0.1)
        .resets(0.002)
        .interrupts(0.05)
        .slow_callbacks(0.1, 1..=10)
        .partition("client", "server", secs(1)..secs(2));
    let _ = converse(sim, 50, Duration::from_millis(20))?;
    sim.run_until(secs(60))
}

fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("fingerprints") => {
            for seed in 1..=20 {
                let sim = Simulation::new(seed);
                everything(&sim)?;
                println!("{seed} {:016x}", sim.fingerprint());
            }
        }
        Some("fails") => Simulation::check(1..=9, |sim| {
            println!("seed {}", sim.seed());
            everything(sim)?;
            assert!(sim.seed() < 3, "the seed is too large");
            Ok(())
        }),
        _ => eprintln!("simulated_seeds: fingerprints, or fails?"),
    }
    Ok(())
}
