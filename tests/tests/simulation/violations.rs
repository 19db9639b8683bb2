//! What always fails a simulation, whatever the test itself asserts.

use lariat::testing::{Simulation, secs};
use lariat::{Deferred, ErrorKind, LoopingCall, Queue, Reactor};

#[test]
fn a_loop_that_makes_no_progress_fails_with_a_word_of_what_may_cause_it() {
    fn again(reactor: &Reactor) {
        reactor.call_later(std::time::Duration::ZERO, again);
    }
    let sim = Simulation::new(1);
    sim.host("busy").reactor().call_later(secs(2), again);
    let error = sim.run_until(secs(60)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated);
    let said = error.to_string();
    assert!(said.starts_with("time stands still: ") && said.contains("2s, the last by \"busy\""), "{said}");
}

#[test]
fn an_assertion_in_a_callback_is_the_error_of_the_turn_and_of_each_that_follows() {
    let sim = Simulation::new(1);
    sim.host("alone").reactor().call_later(secs(2), |reactor| assert!(reactor.has_ended(), "it goes on"));
    sim.run_until(secs(1)).unwrap();
    for _ in 0..2 {
        let said = sim.run_until(secs(60)).unwrap_err().to_string();
        assert!(said.contains("panicked: it goes on"), "{said}");
    }
    assert_eq!(sim.now(), secs(2));
}

#[test]
fn a_panic_at_the_end_of_a_reactor_counts_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let sim = Simulation::new(1);
    let bomb = Bomb;
    sim.host("alone").reactor().call_later(secs(9), move |_| drop(bomb));
    sim.run_until(secs(1)).unwrap();
    assert!(sim.finish().unwrap_err().to_string().contains("boom"));
}

#[test]
fn what_one_simulation_had_contained_does_not_count_in_the_next() {
    let first = Simulation::new(1);
    first.host("alone").reactor().call_later(secs(1), |_| panic!("of the first"));
    assert!(first.run().is_err());
    drop(first);
    let second = Simulation::new(1);
    second.run_until(secs(9)).unwrap();
    second.finish().unwrap();
}

#[test]
fn a_failure_that_nobody_handles_fails_the_simulation() {
    let sim = Simulation::new(1);
    let (resolver, answer) = Deferred::<u32>::new(&sim.host("alone").reactor());
    answer.detach();
    assert!(resolver.reject(std::io::Error::other("out of luck")).is_ok());
    let said = sim.run_until(secs(1)).unwrap_err().to_string();
    assert!(said.contains("unhandled failure in") && said.contains("out of luck"), "{said}");
}

#[test]
fn a_deferred_that_never_fires_is_gone_with_its_reactor() {
    let sim = Simulation::new(1);
    let (resolver, answer) = Deferred::<u32>::new(&sim.host("alone").reactor());
    sim.run_until(secs(1)).unwrap();
    sim.finish().unwrap();
    drop((resolver, answer));
}

/// A producer that is faster than its consumer, on a queue with room for `capacity` items.
fn overload(sim: &Simulation, capacity: usize) {
    let reactor = sim.host("server").reactor();
    let queue = Queue::new(&reactor, capacity);
    let (from, reactor_of_puts) = (queue.clone(), reactor.clone());
    LoopingCall::new(&reactor, move |_| {
        let _ = from.try_get();
    })
    .start(secs(2))
    .detach();
    LoopingCall::new(&reactor_of_puts, move |_| {
        let _ = queue.try_put("a job");
    })
    .start(secs(1))
    .detach();
}

#[test]
fn a_queue_that_only_grows_is_found_when_asked_for() {
    for (asked, capacity, fails) in [(false, usize::MAX, false), (true, usize::MAX, true), (true, 64, false)] {
        let sim = Simulation::new(1);
        if asked {
            sim.fail_on_growing_queues(64);
        }
        overload(&sim, capacity);
        sim.run_until(secs(1_000)).unwrap();
        let result = sim.finish().map_err(|error| error.to_string());
        assert_eq!(result.is_err(), fails, "{asked} {capacity}: {result:?}");
        if let Err(error) = result {
            let expected = format!("the queue of host \"server\" made at {}:", file!());
            assert!(error.starts_with(&expected) && error.contains("only grew, to "), "{error}");
        }
    }
}

#[test]
fn every_seed_finds_a_queue_that_only_grows() {
    for seed in 1..=100 {
        let sim = Simulation::new(seed);
        sim.fail_on_growing_queues(64);
        sim.faults().latency(1..=80).short_reads();
        overload(&sim, usize::MAX);
        sim.run_until(secs(1_000)).unwrap();
        assert!(sim.finish().is_err(), "seed {seed} did not find it");
    }
}

#[test]
fn a_deferred_that_never_fires_is_found_when_asked_for() {
    for (longest, fails) in [(None, false), (Some(secs(30)), true), (Some(secs(90)), false)] {
        let sim = Simulation::new(1);
        let (resolver, answer) = Deferred::<u32>::new(&sim.host("alone").reactor());
        answer.named("the answer").detach();
        if let Some(longest) = longest {
            sim.fail_on_pending_deferreds(longest);
        }
        sim.run_until(secs(60)).unwrap();
        let result = sim.finish().map_err(|error| error.to_string());
        assert_eq!(result.is_err(), fails, "{longest:?}: {result:?}");
        if let Err(error) = result {
            assert!(error.starts_with("Deferreds of host \"alone\" that never fired: 1\n"), "{error}");
            assert!(error.contains("the answer") && error.contains(file!()), "{error}");
        }
        drop(resolver);
    }
}
