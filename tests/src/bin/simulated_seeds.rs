//! Simulations in a process of their own.
//!
//! - `simulated_seeds fingerprints [SEEDS]` prints the fingerprint of the trace of each seed from 1 to SEEDS (default 20), of a
//!   conversation between two hosts under many faults.
//! - `simulated_seeds users [SEEDS]` prints the same of the random users (default 2,000 seeds). A change that claims to leave the
//!   behaviour of the core alone prints the same lines before and after, in both modes.
//! - `simulated_seeds fails` checks what fails for seed 3 and later ones.

use std::process::ExitCode;
use std::time::Duration;

use lariat::Result;
use lariat::testing::{Simulation, secs};
use lariat_tests::conversation::converse;
use lariat_tests::random_user::{Book, run};

const USAGE: &str = "usage: simulated_seeds fingerprints [SEEDS] | users [SEEDS] | fails";

fn converse_under_faults(sim: &Simulation) -> Result<()> {
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

fn print_fingerprints(seeds: u64, course: impl Fn(&Simulation) -> Result<()>) -> Result<()> {
    for seed in 1..=seeds {
        let sim = Simulation::new(seed);
        course(&sim)?;
        println!("{seed} {:016x}", sim.fingerprint());
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let seeds = |default| arguments.get(1).map_or(Some(default), |seeds| seeds.parse().ok());
    let done = match (arguments.first().copied(), seeds(20), seeds(2_000)) {
        (Some("fingerprints"), Some(seeds), _) => print_fingerprints(seeds, converse_under_faults),
        (Some("users"), _, Some(seeds)) => {
            // The users panic on purpose.
            std::panic::set_hook(Box::new(|_| {}));
            print_fingerprints(seeds, |sim| run(sim, &Book::new()))
        }
        (Some("fails"), ..) => {
            Simulation::check(1..=9, |sim| {
                println!("seed {}", sim.seed());
                converse_under_faults(sim)?;
                assert!(sim.seed() < 3, "the seed is too large");
                Ok(())
            });
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
