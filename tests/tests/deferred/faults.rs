//! What goes wrong: cancelling at bad moments, callbacks that panic or misbehave, failures that nobody handles.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::{MemoryTransport, Simulation, VirtualClock};
use lariat::{Deferred, Failure, Protocol, Reactor, Resolver, Transport};
use lariat_tests::faults::{OnDrop, Records};

use super::{Story, reactor, settle};

/// Several times the steps that a turn has.
const LONG: u64 = 5_000;

/// A chain that takes several turns, and the resolver that sets it off.
fn long_chain(reactor: &Reactor) -> (Resolver<u64>, Deferred<u64>) {
    let (resolver, mut deferred) = Deferred::new(reactor);
    for _ in 0..LONG {
        deferred = deferred.map(|number: u64| number + 1);
    }
    (resolver, deferred)
}

/// A Deferred that tells when it is cancelled, and its resolver.
fn cancellable(reactor: &Reactor, story: &Story) -> (Resolver<u64>, Deferred<u64>) {
    let story = story.clone();
    Deferred::with_canceller(reactor, move |_| story.tell("canceller"))
}

#[test]
fn cancelling_twice_calls_the_canceller_once() {
    let (mut reactor, story) = reactor();
    let (_resolver, deferred) = cancellable(&reactor, &story);
    let deferred = deferred.map(|number| number + 1);
    deferred.cancel();
    deferred.cancel();
    settle(&mut reactor);
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["canceller", "result: Cancelled, cancelled"]);
}

#[test]
fn cancelling_a_result_that_is_queued_or_there_lets_it_arrive() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = cancellable(&reactor, &story);
    let deferred = deferred.map(|number| number + 1);
    resolver.resolve(1).unwrap();
    deferred.cancel();
    settle(&mut reactor);
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 2"]);
}

#[test]
fn a_chain_that_is_cancelled_between_two_turns_of_its_callbacks_goes_on_to_what_it_would_wait_for() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = long_chain(&reactor);
    let (_never, inner) = cancellable(&reactor, &story);
    let deferred = deferred.and_then(move |number| inner.map(move |more| more + number));
    resolver.resolve(0).unwrap();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert!(reactor.stats().calls > 0, "it takes more than one turn");
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["canceller", "result: Cancelled, cancelled"]);
}

#[test]
fn a_chain_that_is_dropped_between_two_turns_of_its_callbacks_runs_to_its_end() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = long_chain(&reactor);
    let heard = story.clone();
    let deferred = deferred.map(move |number| heard.tell(number.to_string()));
    resolver.resolve(0).unwrap();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    drop(deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), [LONG.to_string()]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn a_chain_that_is_between_two_turns_of_its_callbacks_at_the_end_keeps_its_value() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = long_chain(&reactor);
    story.hear("result", deferred);
    resolver.resolve(0).unwrap();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    drop(reactor);
    assert_eq!(story.take(), [format!("result: {LONG}")]);
}

#[test]
fn a_chain_may_begin_to_wait_for_one_that_is_between_two_turns_of_its_callbacks() {
    let (mut reactor, story) = reactor();
    let (resolver, inner) = long_chain(&reactor);
    resolver.resolve(0).unwrap();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    let outer = Deferred::succeed(&reactor, ()).and_then(move |()| inner).named("outer");
    // Its turn comes when that which was there first has had another.
    reactor.turn(Some(Duration::ZERO)).unwrap();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!((reactor.stats().deferreds, reactor.stats().calls), (1, 1));
    story.hear("result", outer);
    settle(&mut reactor);
    assert_eq!(story.take(), [format!("result: {LONG}")]);
}

#[test]
fn a_callback_may_cancel_its_own_chain_which_changes_nothing_unless_it_waits_again() {
    let (mut reactor, story) = reactor();
    let slot: Rc<Cell<Option<Deferred<u64>>>> = Rc::default();
    let (ours, handle) = (slot.clone(), Reactor::clone(&reactor));
    let cancel = move |number: u64| {
        let chain = ours.take().expect("it is kept there");
        chain.cancel();
        ours.set(Some(chain));
        number + 1
    };
    slot.set(Some(Deferred::succeed(&reactor, 1).map(cancel).map(|number| number * 10)));
    settle(&mut reactor);
    let chain = slot.take().unwrap();
    assert!(chain.is_settled());
    let (_never, inner) = cancellable(&handle, &story);
    story.hear("result", chain.map_result(|_| Ok(())).and_then(move |()| inner));
    settle(&mut reactor);
    assert_eq!(story.take(), ["canceller", "result: Cancelled, cancelled"]);
}

#[test]
fn a_callback_may_cancel_another_chain_whose_result_is_next_in_the_queue() {
    let (mut reactor, story) = reactor();
    let (first, one) = Deferred::new(&reactor);
    let (second, two) = Deferred::<u32>::new(&reactor);
    let heard = story.clone();
    let two = two.map_result(move |result| {
        heard.tell(format!("two: {result:?}"));
        result
    });
    story.hear("one", one.map(move |()| two.cancel()));
    first.resolve(()).unwrap();
    second.resolve(2).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["one: ()", "two: Ok(2)"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn a_callback_that_panics_after_it_has_resolved_another_chain_has_resolved_it() {
    let (mut reactor, story) = reactor();
    let (resolver, other) = Deferred::new(&reactor);
    let one = Deferred::succeed(&reactor, ()).map(move |()| -> u32 {
        resolver.resolve(1).unwrap();
        panic!("afterwards");
    });
    story.hear("one", one.recover(|failure| u32::from(failure.is_panicked())));
    story.hear("other", other);
    settle(&mut reactor);
    assert_eq!(story.take(), ["one: 1", "other: 1"]);
}

#[test]
fn a_callback_that_panics_with_resolvers_fails_those_who_wait_for_them() {
    let (mut reactor, story) = reactor();
    let (resolver, other) = Deferred::<u32>::new(&reactor);
    let one = Deferred::succeed(&reactor, ()).map(move |()| -> u32 {
        let _resolver = resolver;
        panic!("too soon");
    });
    one.recover(|_| 0).detach();
    let heard = story.clone();
    other.finish(move |result| heard.tell(format!("{:?}", result.unwrap_err().kind())));
    settle(&mut reactor);
    assert_eq!(story.take(), ["Abandoned"]);
}

#[test]
fn what_panics_as_it_is_dropped_harms_nobody_wherever_it_is() {
    let records = Records::begin();
    let (mut reactor, story) = reactor();
    let bomb = || OnDrop::new(|| panic!("in drop"));
    // A value that nobody takes, one that is left in a Deferred, and one in a resolver's refusal.
    Deferred::succeed(&reactor, bomb()).detach();
    drop(Deferred::succeed(&reactor, bomb()));
    // A canceller that is not needed, and one that is not called any more.
    let in_canceller = bomb();
    let (resolver, deferred) = Deferred::with_canceller(&reactor, move |_| drop(in_canceller));
    story.hear("resolved", deferred);
    resolver.resolve(1).unwrap();
    // A callback that is passed by: the panic is its chain's.
    let in_callback = bomb();
    let passed = Deferred::<u32>::fail(&reactor, Failure::new("no")).map(move |number| {
        drop(in_callback);
        number
    });
    story.hear("passed", passed.recover(|failure| u32::from(failure.is_panicked())));
    settle(&mut reactor);
    assert_eq!(story.take(), ["resolved: 1", "passed: 1"]);
    let in_canceller = bomb();
    let (_resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| drop(in_canceller));
    story.hear("pending", deferred);
    let in_canceller = bomb();
    let (_resolver, cancelled) = Deferred::<u32>::with_canceller(&reactor, move |_| drop(in_canceller));
    cancelled.cancel();
    story.hear("cancelled", cancelled);
    drop(reactor);
    assert_eq!(story.take(), ["cancelled: Cancelled, cancelled", "pending: Ended, the reactor has ended"]);
    assert_eq!(records.panics().len(), 5, "{:?}", records.lines());
}

#[test]
fn a_timeout_in_the_turn_of_a_failure_takes_nothing_from_it() {
    let (mut reactor, story) = reactor();
    let second = Duration::from_secs(1);
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    reactor.call_later(second, move |_| resolver.reject(Failure::new("refused")).unwrap());
    story.hear("result", deferred.timeout(second));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: Error, refused"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_canceller_that_resolves_as_the_time_is_over_has_the_last_word() {
    let (mut reactor, story) = reactor();
    let slot: Rc<Cell<Option<Resolver<u32>>>> = Rc::default();
    let take = slot.clone();
    let (resolver, deferred) = Deferred::with_canceller(&reactor, move |_| {
        take.take().unwrap().resolve(7).unwrap();
    });
    slot.set(Some(resolver));
    story.hear("result", deferred.timeout(Duration::from_secs(1)));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 7"]);
}

#[test]
fn a_failure_that_nobody_handles_is_logged_once_with_the_place_of_its_deferred() {
    let records = Records::begin();
    let (mut reactor, _) = reactor();
    let line = line!() + 1;
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    deferred.map(|number| number + 1).named("the sum").detach();
    resolver.reject(Failure::new("no numbers")).unwrap();
    settle(&mut reactor);
    drop(reactor);
    let lines = records.lines();
    let [said] = &lines[..] else { panic!("{lines:?}") };
    assert!(said.starts_with("ERROR unhandled failure in the Deferred"), "{said}");
    assert!(said.contains("no numbers") && said.contains(&format!("faults.rs:{line}")), "{said}");
}

#[test]
fn cancelled_handled_and_ended_failures_are_not_logged() {
    let records = Records::begin();
    let (mut reactor, _) = reactor();
    drop(Deferred::<u32>::new(&reactor).1);
    Deferred::<u32>::fail(&reactor, Failure::new("handled")).recover(|_| 0).detach();
    Deferred::<u32>::fail(&reactor, Failure::new("heard")).finish(|_| {});
    settle(&mut reactor);
    let (_resolver, pending) = Deferred::<u32>::new(&reactor);
    pending.detach();
    drop(reactor);
    assert_eq!(records.lines(), Vec::<String>::new());
}

/// Has a failure that it does not handle for whatever it gets.
struct Careless;

impl Protocol for Careless {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        Deferred::<u32>::fail(transport.reactor(), Failure::new("careless")).detach();
    }
}

/// What `test` panics with.
fn panic_of(test: impl FnOnce()) -> String {
    let thrown = catch_unwind(AssertUnwindSafe(test)).expect_err("it fails");
    thrown.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_failure_that_nobody_handles_fails_a_test_in_memory() {
    let said = panic_of(|| MemoryTransport::new(Careless).feed(b"anything"));
    assert!(said.contains("careless") && said.contains("faults.rs"), "{said}");
    let said = panic_of(|| {
        let clock = VirtualClock::new();
        let (resolver, deferred) = Deferred::<u32>::new(&clock);
        clock.call_later(Duration::from_secs(1), move |_| drop(resolver));
        deferred.detach();
        clock.advance(Duration::from_secs(1));
    });
    assert!(said.contains("the resolver was dropped"), "{said}");
}

#[test]
fn a_failure_that_nobody_handles_fails_a_simulation() {
    let simulation = Simulation::new(1);
    let reactor = simulation.host("careless").reactor();
    let handle = reactor.clone();
    reactor.call_later(Duration::from_secs(1), move |_| {
        Deferred::<u32>::fail(&handle, Failure::new("careless")).detach();
    });
    let error = simulation.run().unwrap_err().to_string();
    assert!(error.contains("unhandled failure") && error.contains("careless"), "{error}");
}
