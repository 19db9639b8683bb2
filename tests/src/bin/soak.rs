//! `soak SEEDS [FIRST]` runs random users against their model with so many seeds, from FIRST (1) on. It says how far it has come every ten seconds, describes
//! each seed that fails, sums up, and exits with 1 if any did. `LARIAT_SEED=n soak 1` shows more of the trace of one seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lariat::testing::Simulation;
use lariat_tests::random_user::{Book, Totals, run};

const SAYS_EVERY: Duration = Duration::from_secs(10);

/// Descriptions of failing seeds that are printed; more than that is the same again.
const MOST_DESCRIBED: usize = 20;

/// Runs one seed. Gives what has come about, or nothing if something is wrong.
fn goes_well(seed: u64) -> Option<Totals> {
    let book = Book::new();
    let sim = Simulation::new(seed);
    let went = catch_unwind(AssertUnwindSafe(|| run(&sim, &book).and_then(|()| sim.finish())));
    (matches!(went, Ok(Ok(()))) && book.violations().is_empty()).then(|| book.totals())
}

/// Runs a seed that fails once more, for its description.
fn describe(seed: u64) {
    let described = catch_unwind(|| {
        Simulation::check([seed], |sim| {
            let book = Book::new();
            run(sim, &book)?;
            let violations = book.violations();
            assert!(violations.is_empty(), "{}", violations.join("\n"));
            Ok(())
        });
    });
    let Err(payload) = described else {
        // What is looked at once everything has ended is all that is left.
        return println!("seed {seed} fails, and goes well when it is run again");
    };
    let said = payload.downcast_ref::<String>().map_or("no words", String::as_str);
    println!("{said}\n");
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().ok());
    let (Some(Some(count)), first) = (arguments.next(), arguments.next().unwrap_or(Some(1))) else {
        eprintln!("usage: soak SEEDS [FIRST]");
        return ExitCode::from(2);
    };
    let Some(first) = first else {
        eprintln!("soak: the first seed is no number");
        return ExitCode::from(2);
    };
    // Panics are contained, and what they say is in the descriptions.
    std::panic::set_hook(Box::new(|_| {}));
    let (begun, mut said) = (Instant::now(), Instant::now());
    let (mut totals, mut failed) = (Totals::default(), Vec::new());
    for (done, seed) in (first..first.saturating_add(count)).enumerate() {
        match goes_well(seed) {
            Some(part) => totals.add(&part),
            None => {
                failed.push(seed);
                if failed.len() <= MOST_DESCRIBED {
                    describe(seed);
                }
            }
        }
        if said.elapsed() >= SAYS_EVERY {
            said = Instant::now();
            let rate = (done as f64 + 1.0) / begun.elapsed().as_secs_f64();
            println!("{} of {count} seeds, {rate:.0} a second, {} failed", done + 1, failed.len());
        }
    }
    println!(
        "{count} seeds from {first} on in {:.1} s: {} failed {failed:?}",
        begun.elapsed().as_secs_f64(),
        failed.len()
    );
    println!(
        "{} ends of connections, {} callbacks, {} bytes, {} delayed calls and results",
        totals.ends, totals.callbacks, totals.bytes, totals.calls
    );
    let reasons: Vec<_> = totals.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    println!("ends: {}", reasons.join(", "));
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
