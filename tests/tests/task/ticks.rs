//! When a looping call calls.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use lariat::testing::simulated;
use lariat::{LoopingCall, MainLoop, Reactor};
use lariat_tests::story::{Story, settle};

const SECOND: Duration = Duration::from_secs(1);

/// Lets time pass: everything happens that is due by `begin + after`.
pub(super) fn pass(reactor: &mut MainLoop, begin: Instant, after: Duration) {
    let is_there = Rc::new(Cell::new(false));
    let ours = is_there.clone();
    reactor.call_later((begin + after).saturating_duration_since(reactor.now()), move |_| ours.set(true));
    while !is_there.get() {
        reactor.turn(None).expect("a turn");
    }
    settle(reactor);
}

/// A looping call that tells when it is called, and for how many slots, and whose calls take as long as `takes` says.
fn telling(reactor: &Reactor, story: &Story, takes: impl Fn(u64) -> Duration + 'static) -> LoopingCall {
    let (story, begin, calls) = (story.clone(), reactor.now(), Cell::new(0));
    LoopingCall::with_count(reactor, move |ticks, count| {
        let number = calls.replace(calls.get() + 1);
        story.tell(format!("{:?} ({count})", ticks.reactor().now() - begin));
        ticks.reactor().sleep(takes(number))
    })
}

#[test]
fn it_calls_at_once_and_then_at_each_slot() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| Duration::ZERO));
    ticks.start(SECOND).detach();
    assert!(ticks.is_running() && story.take().is_empty(), "nothing is called back inside");
    pass(&mut reactor, begin, 3 * SECOND);
    assert_eq!(story.take(), ["0ns (1)", "1s (1)", "2s (1)", "3s (1)"]);
}

#[test]
fn it_may_begin_one_interval_later() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| Duration::ZERO));
    ticks.start_later(SECOND).detach();
    pass(&mut reactor, begin, 2 * SECOND);
    assert_eq!(story.take(), ["1s (1)", "2s (1)"]);
}

#[test]
fn slots_that_pass_during_a_call_are_skipped_and_counted() {
    let (mut reactor, story) = (simulated(), Story::default());
    let takes = |number| if number == 1 { SECOND * 5 / 2 } else { Duration::ZERO };
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, takes));
    ticks.start(SECOND).detach();
    pass(&mut reactor, begin, 5 * SECOND);
    assert_eq!(story.take(), ["0ns (1)", "1s (1)", "4s (3)", "5s (1)"]);
}

#[test]
fn calls_that_take_a_while_do_not_drift_and_never_overlap() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| SECOND / 3));
    ticks.start(SECOND).detach();
    pass(&mut reactor, begin, 3 * SECOND);
    assert_eq!(story.take(), ["0ns (1)", "1s (1)", "2s (1)", "3s (1)"]);
}

#[test]
fn a_slot_that_begins_as_a_call_ends_is_not_missed() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| SECOND));
    ticks.start(SECOND).detach();
    pass(&mut reactor, begin, 3 * SECOND - SECOND / 2);
    assert_eq!(story.take(), ["0ns (1)", "1s (1)", "2s (1)"]);
}

#[test]
fn of_slots_closer_than_the_clock_can_tell_apart_the_rest_are_counted() {
    let (mut reactor, story) = (simulated(), Story::default());
    let ticks = telling(&reactor, &story, |_| Duration::ZERO);
    let begin = reactor.now();
    ticks.start_later(Duration::from_micros(250)).detach();
    pass(&mut reactor, begin, Duration::from_millis(3));
    ticks.stop();
    assert_eq!(story.take(), ["1ms (4)", "2ms (4)", "3ms (4)"]);
}

#[test]
fn without_an_interval_it_is_called_again_and_again_and_others_are_served() {
    let (mut reactor, calls) = (simulated(), Rc::new(Cell::new(0)));
    let count = calls.clone();
    let ticks = LoopingCall::new(&reactor, move |_| count.set(count.get() + 1));
    ticks.start(Duration::ZERO).detach();
    let is_served = Rc::new(Cell::new(false));
    let ours = is_served.clone();
    reactor.call_later(Duration::from_millis(1), move |_| ours.set(true));
    for _ in 0..1500 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
    }
    assert!(calls.get() > 400 && is_served.get(), "{}", calls.get());
    ticks.stop();
}

#[test]
fn a_reset_begins_the_grid_anew() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| Duration::ZERO));
    ticks.start(SECOND).detach();
    pass(&mut reactor, begin, SECOND * 3 / 2);
    assert!(ticks.reset());
    pass(&mut reactor, begin, SECOND * 4);
    assert_eq!(story.take(), ["0ns (1)", "1s (1)", "2.5s (1)", "3.5s (1)"]);
    ticks.stop();
    assert!(!ticks.reset());
}

#[test]
fn a_reset_during_a_call_counts_from_then() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (begin, ticks) = (reactor.now(), telling(&reactor, &story, |_| SECOND / 2));
    ticks.start(SECOND).detach();
    pass(&mut reactor, begin, SECOND / 4);
    assert!(ticks.reset());
    pass(&mut reactor, begin, SECOND * 5 / 2);
    assert_eq!(story.take(), ["0ns (1)", "1.25s (1)", "2.25s (1)"]);
}
