//! `call_later` and its handle.

use std::time::Duration;

use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, World, everywhere, simulated};

/// Counts how many are alive.
struct Counted(Shared<usize>);

impl Counted {
    fn new(alive: &Shared<usize>) -> Self {
        alive.with(|alive| *alive += 1);
        Self(alive.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.with(|alive| *alive -= 1);
    }
}

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn note_later(world: &World, log: &Log, delay: Duration, name: &'static str) -> lariat::DelayedCall {
    let log = log.clone();
    world.reactor.call_later(delay, move |_| log.note(name))
}

#[test]
fn calls_run_in_the_order_of_their_deadlines_and_equal_ones_as_they_were_made() {
    everywhere(|mut world| {
        let log = Log::new();
        note_later(&world, &log, milliseconds(20), "last");
        note_later(&world, &log, milliseconds(10), "early");
        // Made later for the same tick or the next, never for one before.
        note_later(&world, &log, milliseconds(10), "not before");
        note_later(&world, &log, Duration::ZERO, "at once");
        note_later(&world, &log, Duration::ZERO, "then");
        world.until("all have run", || log.story().len() == 5);
        assert_eq!(log.story(), ["at once", "then", "early", "not before", "last"]);
    });
}

#[test]
fn a_call_never_runs_early() {
    everywhere(|mut world| {
        let (log, early) = (Log::new(), Shared::new(Vec::new()));
        let delays = [0, 1, 999, 1_000, 1_001, 1_999, 5_000, 7_300, 20_000].map(Duration::from_micros);
        for delay in delays {
            let due = world.now() + delay;
            let (log, early) = (log.clone(), early.clone());
            world.reactor.call_later(delay, move |reactor| {
                log.note("ran");
                if reactor.now() < due {
                    early.with(|early| early.push(delay));
                }
            });
        }
        world.until("all have run", || log.count("ran") == delays.len());
        assert!(early.with(|early| early.is_empty()), "{:?}", early.take());
    });
}

#[test]
fn a_call_is_less_than_a_tick_late_in_virtual_time() {
    simulated(|mut world| {
        let (log, late) = (Log::new(), Shared::new(Vec::new()));
        let delays = [0, 1, 999, 1_000, 1_001, 60_000_000, 3_600_000_001].map(Duration::from_micros);
        for delay in delays {
            let due = world.now() + delay;
            let (log, late) = (log.clone(), late.clone());
            world.reactor.call_later(delay, move |reactor| {
                log.note("ran");
                if reactor.now() - due >= milliseconds(1) {
                    late.with(|late| late.push(delay));
                }
            });
        }
        while log.count("ran") < delays.len() {
            world.turn(None);
        }
        assert!(late.with(|late| late.is_empty()), "{:?}", late.take());
    });
}

#[test]
fn a_delay_counts_from_the_moment_of_the_call_even_late_in_a_long_callback() {
    everywhere(|mut world| {
        let (log, result) = (Log::new(), Shared::new(None));
        let (notes, early) = (log.clone(), result.clone());
        let simulated = world.ground.is_simulated();
        world.reactor.call_later(Duration::ZERO, move |reactor| {
            let begun = reactor.now();
            // Time stands still in a simulated callback.
            while !simulated && reactor.now() - begun < milliseconds(15) {}
            let due = reactor.now() + milliseconds(10);
            reactor.call_later(milliseconds(10), move |reactor| {
                notes.note("ran");
                early.with(|early| *early = Some(reactor.now() < due));
            });
        });
        world.until("it has run", || log.has("ran"));
        assert_eq!(result.take(), Some(false));
    });
}

#[test]
fn a_call_made_by_another_with_no_delay_runs_in_the_next_turn() {
    everywhere(|mut world| {
        let log = Log::new();
        let notes = log.clone();
        world.reactor.call_later(Duration::ZERO, move |reactor| {
            notes.note("outer");
            reactor.call_later(Duration::ZERO, move |_| notes.note("inner"));
        });
        world.turn(None);
        assert_eq!(log.story(), ["outer"]);
        world.turn(None);
        assert_eq!(log.story(), ["outer", "inner"]);
    });
}

#[test]
fn a_cancelled_call_does_not_run_and_is_dropped_before_cancel_returns() {
    everywhere(|mut world| {
        let alive = Shared::new(0);
        let counted = Counted::new(&alive);
        let call = world.reactor.call_later(milliseconds(1), move |_| {
            drop(counted);
            unreachable!("it was cancelled");
        });
        assert!(call.is_active());
        assert!(call.cancel());
        assert_eq!(alive.take(), 0);
        assert!(!call.is_active());
        assert!(!call.cancel(), "the second time there is nothing to cancel");
        world.pass(milliseconds(5));
    });
}

#[test]
fn a_call_that_is_cancelled_while_queued_does_not_run() {
    everywhere(|mut world| {
        let log = Log::new();
        let second = Shared::new(None::<lariat::DelayedCall>);
        let (notes, handle) = (log.clone(), second.clone());
        world.reactor.call_later(Duration::ZERO, move |_| {
            let cancelled = handle.take().map(|second| second.cancel());
            notes.note(format!("first cancels: {cancelled:?}"));
        });
        let call = note_later(&world, &log, Duration::ZERO, "second");
        second.with(|second| *second = Some(call));
        note_later(&world, &log, Duration::ZERO, "third");
        world.until("the others have run", || log.has("third"));
        assert_eq!(log.story(), ["first cancels: Some(true)", "third"]);
    });
}

#[test]
fn a_call_that_is_reset_while_queued_runs_later() {
    everywhere(|mut world| {
        let log = Log::new();
        let second = Shared::new(None::<lariat::DelayedCall>);
        let handle = second.clone();
        world.reactor.call_later(Duration::ZERO, move |_| {
            assert!(handle.take().is_some_and(|second| second.reset(milliseconds(5))));
        });
        let call = note_later(&world, &log, Duration::ZERO, "second");
        second.with(|second| *second = Some(call));
        note_later(&world, &log, Duration::ZERO, "third");
        world.until("both have run", || log.story().len() == 2);
        assert_eq!(log.story(), ["third", "second"]);
    });
}

#[test]
fn reset_moves_a_call_earlier_or_later() {
    everywhere(|mut world| {
        let log = Log::new();
        let early = note_later(&world, &log, Duration::from_secs(3600), "early");
        let late = note_later(&world, &log, milliseconds(1), "late");
        note_later(&world, &log, milliseconds(10), "between");
        assert!(early.reset(milliseconds(1)));
        assert!(late.reset(milliseconds(20)));
        world.until("all have run", || log.story().len() == 3);
        assert_eq!(log.story(), ["early", "between", "late"]);
        assert!(!early.reset(milliseconds(1)), "it has run");
    });
}

#[test]
fn delay_moves_a_call_on_from_its_deadline() {
    everywhere(|mut world| {
        let log = Log::new();
        let call = note_later(&world, &log, milliseconds(5), "late");
        let before = call.deadline().expect("it is going to run");
        assert!(call.delay(milliseconds(7)));
        let after = call.deadline().expect("it is still going to run");
        assert_eq!(after - before, milliseconds(7));
        note_later(&world, &log, milliseconds(8), "early");
        world.until("both have run", || log.story().len() == 2);
        assert_eq!(log.story(), ["early", "late"]);
        assert!(!call.delay(milliseconds(1)), "it has run");
    });
}

#[test]
fn the_deadline_is_the_tick_at_or_after_the_delay() {
    everywhere(|mut world| {
        let before = world.now();
        let log = Log::new();
        let call = note_later(&world, &log, Duration::from_micros(1_500), "ran");
        let deadline = call.deadline().expect("it is going to run");
        assert!(deadline >= before + Duration::from_micros(1_500));
        assert!(deadline < world.now() + milliseconds(3));
        world.until("it has run", || log.has("ran"));
        assert_eq!(call.deadline(), None);
    });
}

#[test]
fn a_call_is_not_active_any_more_while_it_runs() {
    everywhere(|mut world| {
        let (log, own) = (Log::new(), Shared::new(None::<lariat::DelayedCall>));
        let (notes, handle) = (log.clone(), own.clone());
        let call = world.reactor.call_later(milliseconds(1), move |_| {
            if let Some(call) = handle.take() {
                notes.note(format!("active: {}, cancelled: {}", call.is_active(), call.cancel()));
            }
        });
        own.with(|own| *own = Some(call));
        world.until("it has run", || !log.story().is_empty());
        assert_eq!(log.story(), ["active: false, cancelled: false"]);
    });
}

#[test]
fn a_delay_of_centuries_never_comes_and_harms_nobody() {
    everywhere(|mut world| {
        let log = Log::new();
        let never = note_later(&world, &log, Duration::MAX, "never");
        let far = note_later(&world, &log, Duration::from_secs(400 * 365 * 86_400), "far");
        assert!(never.delay(Duration::MAX) && never.reset(Duration::MAX));
        note_later(&world, &log, milliseconds(3), "soon");
        world.until("the short one has run", || log.has("soon"));
        assert!(never.is_active() && far.is_active());
        assert!(far.cancel());
        assert_eq!(log.story(), ["soon"]);
    });
}

#[test]
fn dropping_the_handle_leaves_the_call_scheduled() {
    everywhere(|mut world| {
        let log = Log::new();
        drop(note_later(&world, &log, milliseconds(1), "ran"));
        world.until("it has run", || log.has("ran"));
    });
}

#[test]
fn the_calls_that_are_still_to_run_are_listed_by_deadline() {
    everywhere(|mut world| {
        let log = Log::new();
        let before = world.reactor.delayed_calls().len();
        let [late, never, soon] =
            [3_600_000, 1_800_000, 1].map(|delay| note_later(&world, &log, milliseconds(delay), "ran"));
        never.cancel();
        let deadlines = |world: &World| -> Vec<_> {
            world.reactor.delayed_calls().iter().map(lariat::DelayedCall::deadline).collect()
        };
        assert_eq!(deadlines(&world).len(), before + 2);
        assert!(deadlines(&world).is_sorted());
        assert!(deadlines(&world).contains(&soon.deadline()) && deadlines(&world).contains(&late.deadline()));
        world.until("the first has run", || log.has("ran"));
        assert_eq!(deadlines(&world).last(), Some(&late.deadline()));
        world.reactor.delayed_calls().iter().for_each(|call| {
            call.cancel();
        });
        assert!(!late.is_active() && world.reactor.delayed_calls().is_empty());
    });
}

#[test]
fn ten_thousand_calls_run_in_order_whatever_their_delays() {
    simulated(|mut world| {
        let log = Shared::new(Vec::new());
        let begun = world.now();
        for number in 0..10_000_u64 {
            let delay = milliseconds(number * 7_919 % 100_003);
            let log = log.clone();
            world
                .reactor
                .call_later(delay, move |reactor| log.with(|log| log.push((delay, reactor.now() - begun, number))));
        }
        while log.with(|log| log.len()) < 10_000 {
            world.turn(None);
        }
        let ran = log.take();
        assert!(ran.is_sorted_by_key(|(delay, _, number)| (*delay, *number)));
        assert!(ran.iter().all(|(delay, elapsed, _)| delay == elapsed), "on the tick");
    });
}
