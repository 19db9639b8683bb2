//! Random users under random faults, held to their model: a few seeds of what `soak` runs as many of as wanted.

use std::ops::RangeInclusive;

use lariat::testing::Simulation;
use lariat_tests::downstream::Shared;
use lariat_tests::random_user::{Book, Totals, run};

fn check(seeds: RangeInclusive<u64>) -> Totals {
    let totals = Shared::new(Totals::default());
    Simulation::check(seeds, |sim| {
        let book = Book::new();
        run(sim, &book)?;
        let violations = book.violations();
        assert!(violations.is_empty(), "{}", violations.join("\n"));
        totals.with(|totals| totals.add(&book.totals()));
        Ok(())
    });
    totals.take()
}

#[test]
fn whatever_users_do_they_hear_what_they_may() {
    let totals = check(1..=100);
    assert!(totals.ends > 400 && totals.callbacks > 8_000 && totals.calls > 400, "too little came about: {totals:?}");
}

#[test]
fn connections_end_for_every_reason_there_is() {
    let totals = check(10_001..=10_100);
    for reason in ["Done", "Aborted", "ConnectionReset", "Overflow", "Panicked", "TimedOut(Close)", "failed, enough"] {
        assert!(totals.reasons.contains_key(reason), "none was {reason}: {totals:?}");
    }
    assert!(totals.reasons.keys().any(|reason| reason.starts_with("TimedOut(Idle")), "{totals:?}");
}
