//! The end of a reactor whose threads are at work.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{FailureKind, Reactor, SystemEvent, TriggerPhase};
use lariat_tests::downstream::Shared;

use super::{guard, hold, is_gone};

#[test]
fn a_job_that_runs_is_waited_for_while_the_loop_turns() {
    let reactor = Reactor::new().unwrap();
    let (held, running) = hold(&reactor, 7);
    let heard = Rc::new(Cell::new(None));
    let hear = heard.clone();
    running.finish(move |result| hear.set(result.ok()));
    // After it, nothing but threads are waited for.
    reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |reactor| {
        reactor.call_later(Duration::ZERO, move |_| drop(held));
    });
    reactor.stop();
    reactor.run().unwrap();
    assert_eq!(heard.take(), Some(7));
}

#[test]
fn a_job_that_was_cancelled_is_waited_for_too() {
    let reactor = Reactor::new().unwrap();
    let (kept, gone) = guard();
    let (held, running) = hold(&reactor, kept);
    drop(running);
    reactor.add_trigger(TriggerPhase::After, SystemEvent::Shutdown, move |_| drop(held));
    reactor.stop();
    let handle = Reactor::clone(&reactor);
    reactor.run().unwrap();
    assert!(is_gone(&gone));
    assert_eq!(handle.stats().done_jobs, 1);
}

#[test]
fn jobs_that_wait_are_dropped_and_told_and_no_others_are_taken() {
    let reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, running) = hold(&reactor, ());
    let heard = Shared::new(Vec::new());
    let hear = heard.clone();
    running.finish(move |result| hear.with(|heard| heard.push(("running", result.map_err(|failure| failure.kind())))));
    let (kept, gone) = guard();
    let (hear, handle) = (heard.clone(), Reactor::clone(&reactor));
    reactor.defer_to_thread(move || drop(kept)).finish(move |result| {
        hear.with(|heard| heard.push(("waiting", result.map_err(|failure| failure.kind()))));
        handle.defer_to_thread(|| ()).finish(move |result| {
            hear.with(|heard| heard.push(("late", result.map_err(|failure| failure.kind()))));
            drop(held);
        });
    });
    reactor.stop();
    reactor.run().unwrap();
    assert!(is_gone(&gone));
    let ended = Err(FailureKind::Ended);
    heard.with(|heard| assert_eq!(*heard, [("waiting", ended), ("late", ended), ("running", Ok(()))]));
}

#[test]
fn what_a_trigger_has_a_thread_do_is_done() {
    for phase in [TriggerPhase::Before, TriggerPhase::During, TriggerPhase::After] {
        let reactor = Reactor::new().unwrap();
        let (kept, gone) = guard();
        reactor.add_trigger(phase, SystemEvent::Shutdown, move |reactor| reactor.defer_to_thread(move || drop(kept)));
        reactor.stop();
        let handle = Reactor::clone(&reactor);
        reactor.run().unwrap();
        assert!(is_gone(&gone));
        assert_eq!(handle.stats().done_jobs, 1, "{phase:?}");
    }
}

#[test]
fn a_job_that_outlives_the_drain_timeout_outlives_the_reactor_and_does_no_harm() {
    let reactor = Reactor::new().unwrap();
    reactor.set_drain_timeout(Duration::ZERO);
    let (kept, gone) = guard();
    let (held, running) = hold(&reactor, kept);
    let heard = Rc::new(Cell::new(None));
    let hear = heard.clone();
    running.finish(move |result| hear.set(result.err().map(|failure| failure.kind())));
    reactor.stop();
    let handle = Reactor::clone(&reactor);
    reactor.run().unwrap();
    assert_eq!(heard.take(), Some(FailureKind::Ended));
    assert_eq!((handle.stats().threads, handle.stats().idle_threads, handle.stats().queued_jobs), (1, 0, 0));
    assert!(!is_gone(&gone));
    drop(held);
    assert!(gone.recv().is_err(), "what it gives is dropped");
    while handle.stats().threads > 0 {
        std::thread::yield_now();
    }
    assert_eq!(handle.stats().done_jobs, 1);
}

#[test]
fn a_loop_that_crashes_waits_for_nobody() {
    let reactor = Reactor::new().unwrap();
    let (held, running) = hold(&reactor, ());
    let heard = Rc::new(Cell::new(None));
    let hear = heard.clone();
    running.finish(move |result| hear.set(result.err().map(|failure| failure.kind())));
    reactor.crash();
    reactor.run().unwrap();
    assert_eq!(heard.take(), Some(FailureKind::Ended));
    drop(held);
}

#[test]
fn a_loop_that_is_dropped_drops_its_queue_and_tells_everybody() {
    let reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, running) = hold(&reactor, ());
    let (kept, gone) = guard();
    let waiting = reactor.defer_to_thread(move || drop(kept));
    let heard = Shared::new(Vec::new());
    for deferred in [running, waiting] {
        let hear = heard.clone();
        deferred.finish(move |result| hear.with(|heard| heard.push(result.map_err(|failure| failure.kind()))));
    }
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    assert!(is_gone(&gone));
    heard.with(|heard| assert_eq!(*heard, [Err(FailureKind::Ended), Err(FailureKind::Ended)]));
    let (kept, gone) = guard();
    let late = handle.defer_to_thread(move || drop(kept));
    assert!(is_gone(&gone));
    assert!(late.is_settled());
    drop(held);
}

#[test]
fn a_result_that_was_on_its_way_when_the_loop_was_dropped_does_no_harm() {
    for _ in 0..50 {
        let reactor = Reactor::new().unwrap();
        let handle = Reactor::clone(&reactor);
        let (kept, gone) = guard();
        reactor.defer_to_thread(move || kept).detach();
        while handle.stats().done_jobs == 0 {
            std::thread::yield_now();
        }
        drop(reactor);
        assert!(gone.recv().is_err());
    }
}
