//! One test under many seeds.

use std::any::Any;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

use crate::error::Result;

use super::simulation::Simulation;

/// What has a failing seed run again.
const VARIABLE: &str = "LARIAT_SEED";

/// Lines of the trace that a failure prints, and that a replay does.
const SHOWN: usize = 40;
const SHOWN_IN_REPLAY: usize = 2_000;

/// How one seed went.
struct Outcome {
    seed: u64,
    failure: Option<String>,
    simulation: Simulation,
    /// Every fault that was asked for.
    faults: Vec<String>,
}

impl Simulation {
    /// Runs `test` once for each of `seeds`, each time with a new simulation, and panics at the first that fails: because `test` panics
    /// or gives an error, or because of what [always counts](Self#what-fails). The message has
    ///
    /// - the seed, and what went wrong;
    /// - the faults that it takes: those without which the seed fails as well are left out, one after the other;
    /// - the end of the trace;
    /// - the line that runs this seed again. It sets `LARIAT_SEED`, which has every check in a process run that seed alone and show more of
    ///   its trace.
    ///
    /// It panics too if a condition given to [`sometimes`](Self::sometimes) was true in none of the seeds.
    ///
    /// The first seed is run twice. If the two traces differ, what the test itself does is not always the same; the message says where
    /// they begin to.
    ///
    /// # Panics
    ///
    /// When a seed fails.
    #[track_caller]
    pub fn check(seeds: impl IntoIterator<Item = u64>, test: impl Fn(&Self) -> Result<()>) {
        let replayed = replayed_seed();
        let seeds: Box<dyn Iterator<Item = u64>> = match replayed {
            Some(seed) => Box::new([seed].into_iter()),
            None => Box::new(seeds.into_iter()),
        };
        if let Some(report) = first_failure(seeds, &test, replayed.is_some()) {
            panic!("{report}");
        }
    }
}

/// The seed that the environment asks for.
pub(super) fn replayed_seed() -> Option<u64> {
    env::var(VARIABLE).ok().map(|seed| match seed.parse::<u64>() {
        Ok(seed) => seed,
        Err(error) => panic!("{VARIABLE} is {seed:?}, which is no seed: {error}"),
    })
}

/// What there is to say about the first seed that fails.
pub(super) fn first_failure(
    seeds: impl Iterator<Item = u64>,
    test: &impl Fn(&Simulation) -> Result<()>,
    replays: bool,
) -> Option<String> {
    let shown = if replays { SHOWN_IN_REPLAY } else { SHOWN };
    let (mut reached_at_all, mut count) = (BTreeMap::new(), 0_usize);
    for (place, seed) in seeds.enumerate() {
        let outcome = run(seed, BTreeSet::new(), place == 0, test);
        if outcome.failure.is_some() {
            return Some(report(&outcome, shown, test));
        }
        outcome.simulation.stage.sometimes.with(|sometimes| {
            for (name, reached) in std::mem::take(sometimes) {
                *reached_at_all.entry(name).or_insert(false) |= reached;
            }
        });
        count += 1;
        if place == 0 {
            let again = run(seed, BTreeSet::new(), true, test);
            if let Some(difference) = difference(&outcome, &again) {
                return Some(difference);
            }
        }
    }
    let never: Vec<String> =
        reached_at_all.into_iter().filter(|(_, reached)| !reached).map(|(name, _)| format!("{name:?}")).collect();
    (!never.is_empty() && !replays)
        .then(|| format!("never true in any of {count} seeds, but required by `sometimes`: {}", never.join(", ")))
}

/// Runs one seed, without some of the faults.
fn run(seed: u64, left_out: BTreeSet<usize>, keep_all: bool, test: &impl Fn(&Simulation) -> Result<()>) -> Outcome {
    let simulation = Simulation::without(seed, left_out);
    if keep_all {
        simulation.keep_all();
    }
    let result = catch_unwind(AssertUnwindSafe(|| test(&simulation)));
    if matches!(result, Ok(Ok(()))) {
        simulation.stage.judge();
    }
    simulation.end();
    // What went wrong inside, be it an assertion in a callback, is why the test did not get what it waited for.
    let stage = &simulation.stage;
    let inside = stage.look().and_then(|()| if result.is_ok() { stage.look_for_leftovers() } else { Ok(()) });
    let failure = match (inside, result) {
        (_, Ok(Err(error))) => Some(error.to_string()),
        (Err(error), _) => Some(error.to_string()),
        (Ok(()), Err(payload)) => Some(format!("the test panicked: {}", message(&*payload))),
        (Ok(()), Ok(Ok(()))) => None,
    };
    let faults = simulation.stage.fault_labels();
    Outcome { seed, failure, simulation, faults }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no string")
}

/// What there is to say if two runs of a seed were not the same.
fn difference(first: &Outcome, second: &Outcome) -> Option<String> {
    let (place, before, now) = first.simulation.difference(&second.simulation)?;
    let mut text = format!("seed {} took another course when it was run again.\n", first.seed);
    let _ = writeln!(text, "the first event that differs is number {place}:\n   first: {before}\n  second: {now}");
    text.push_str(
        "something in the test is not drawn from the seed. The usual causes: iterating over a HashMap or HashSet, an address in \
         memory, Instant::now or SystemTime::now, random numbers of its own, another thread, state that outlives one run.",
    );
    if let Some(failure) = &second.failure {
        let _ = write!(text, "\nthe second run failed besides: {failure}");
    }
    Some(text)
}

fn report(outcome: &Outcome, shown: usize, test: &impl Fn(&Simulation) -> Result<()>) -> String {
    let seed = outcome.seed;
    let failure = outcome.failure.as_deref().unwrap_or_default();
    let mut text = format!("seed {seed} failed: {failure}\n");
    if !outcome.faults.is_empty() {
        let left_out = shrink(outcome, test);
        let list = |out: bool| {
            let chosen = outcome.faults.iter().enumerate().filter(|(place, _)| left_out.contains(place) == out);
            chosen.map(|(_, label)| label.as_str()).collect::<Vec<_>>().join(", ")
        };
        let _ = match (list(false), list(true)) {
            (needed, spared) if needed.is_empty() => writeln!(text, "it takes no fault: it fails without {spared} too"),
            (needed, spared) if spared.is_empty() => writeln!(text, "it takes every fault: {needed}"),
            (needed, spared) => writeln!(text, "it takes: {needed}; it fails without {spared} too"),
        };
    }
    let _ =
        writeln!(text, "the end of its trace, at {:?}:\n{}", outcome.simulation.now(), outcome.simulation.tail(shown));
    let test = thread::current().name().filter(|name| *name != "main").map_or("NAME_OF_THE_TEST".into(), str::to_owned);
    let _ = write!(text, "to run it again: {VARIABLE}={seed} cargo test {test}");
    text
}

/// The faults without which the seed fails as well, found by leaving out one more at a time.
fn shrink(outcome: &Outcome, test: &impl Fn(&Simulation) -> Result<()>) -> BTreeSet<usize> {
    let mut left_out = BTreeSet::new();
    for fault in 0..outcome.faults.len() {
        left_out.insert(fault);
        let again = quietly(|| run(outcome.seed, left_out.clone(), false, test));
        if again.failure.is_none() {
            left_out.remove(&fault);
        }
    }
    left_out
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs what is known to panic without having each panic of this thread printed.
fn quietly<R>(run: impl FnOnce() -> R) -> R {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                former(info);
            }
        }));
    });
    let before = IS_QUIET.replace(true);
    let result = run();
    IS_QUIET.set(before);
    result
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::secs;
    use super::*;
    use crate::factory::Once as OneProtocol;
    use crate::protocol::Protocol;
    use crate::transport::{Peer, Transport};

    struct Silent;

    impl Protocol for Silent {
        fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    }

    /// Sends a word at each second, and panics when it hears of the connection's end.
    struct Fragile;

    impl Protocol for Fragile {
        fn connection_made(&mut self, transport: &Transport) {
            for second in 0..10 {
                let transport = transport.clone();
                let reactor = transport.reactor().clone();
                reactor.call_later(secs(second), move |_| {
                    transport.write(b"word");
                });
            }
        }

        fn data_received(&mut self, _: &Transport, _: &[u8]) {}

        fn connection_lost(&mut self, transport: &Transport, _: crate::close_reason::CloseReason) {
            assert!(transport.reactor().has_ended(), "the connection was lost too soon");
        }
    }

    fn fragile(simulation: &Simulation) -> Result<()> {
        simulation.host("server").reactor().listen("tcp:7000", |_: &Peer| Silent)?;
        simulation.host("client").reactor().connect("tcp:server:7000", OneProtocol::new(Fragile)).detach();
        Ok(())
    }

    fn failure(seeds: std::ops::Range<u64>, test: impl Fn(&Simulation) -> Result<()>) -> Option<String> {
        quietly(|| first_failure(seeds, &test, false))
    }

    #[test]
    fn a_failure_names_the_seed_the_faults_that_it_takes_and_the_line_that_replays_it() {
        let said = failure(7..9, |simulation| {
            fragile(simulation)?;
            simulation.faults().latency(1..=80).short_reads().resets(1.0).partition(
                "client",
                "server",
                secs(3)..secs(5),
            );
            simulation.run_until(secs(20))
        });
        let said = said.unwrap();
        assert!(said.starts_with("seed 7 failed: "), "{said}");
        assert!(said.contains("panicked: the connection was lost too soon"), "{said}");
        assert!(
            said.contains("it takes: resets(1); it fails without latency(1..=80), short_reads(), partition("),
            "{said}"
        );
        assert!(said.contains("connection_lost, lost: "), "{said}");
        assert!(said.contains("LARIAT_SEED=7 cargo test testing::check::tests::a_failure_names"), "{said}");
    }

    #[test]
    fn a_failure_that_takes_no_fault_says_so() {
        let said = failure(1..3, |simulation| {
            simulation.faults().short_writes();
            assert_eq!(simulation.seed(), 1, "seed 2 is the one");
            Ok(())
        });
        let said = said.unwrap();
        assert!(said.starts_with("seed 2 failed: the test panicked: "), "{said}");
        assert!(said.contains("it takes no fault: it fails without short_writes() too"), "{said}");
    }

    #[test]
    fn an_error_of_the_test_is_a_failure() {
        let said = failure(1..2, |simulation| {
            simulation.host("alone").reactor().connect("tcp:nobody:1", OneProtocol::new(Silent)).detach();
            simulation.run()
        });
        assert!(said.unwrap().contains("there is no host named `nobody`"));
    }

    #[test]
    fn what_is_not_drawn_from_the_seed_is_noticed_and_the_first_event_that_differs_named() {
        let runs = Rc::new(Cell::new(0));
        let said = failure(1..2, |simulation| {
            runs.set(runs.get() + 1);
            fragile(simulation)?;
            simulation.run_until(secs(runs.get()))?;
            simulation.note("here");
            simulation.run_until(secs(5))
        });
        let said = said.unwrap();
        assert!(said.starts_with("seed 1 took another course"), "{said}");
        let words = |line: usize| said.lines().nth(line).map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(words(2).unwrap(), ["first:", "1.000000", "s", "here"], "{said}");
        assert_eq!(words(3).unwrap()[..3], ["second:", "2.000000", "s"], "{said}");
    }

    #[test]
    fn a_condition_that_is_never_true_fails_the_check() {
        let said = failure(1..6, |simulation| {
            simulation.sometimes("an even seed", simulation.seed() % 2 == 0);
            simulation.sometimes("a large seed", simulation.seed() > 5);
            simulation.sometimes("a small seed", simulation.seed() < 3);
            simulation.run()
        });
        let expected = "never true in any of 5 seeds, but required by `sometimes`: \"a large seed\"";
        assert_eq!(said.as_deref(), Some(expected));
    }

    #[test]
    fn a_panic_in_a_callback_fails_unless_it_is_allowed() {
        let test = |allowed: bool| {
            move |simulation: &Simulation| {
                if allowed {
                    simulation.allow_panics();
                }
                simulation.host("alone").reactor().call_later(secs(1), |_| panic!("oh dear"));
                simulation.run()
            }
        };
        assert!(failure(1..2, test(false)).unwrap().contains("oh dear"));
        assert_eq!(failure(1..2, test(true)), None);
    }
}
