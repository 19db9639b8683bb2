//! How a looping call ends.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Failure, LoopingCall, Reactor, Resolver};
use lariat_tests::faults::Records;
use lariat_tests::story::{Population, Story, settle};

use super::ticks::pass;

const SECOND: Duration = Duration::from_secs(1);

/// A looping call whose calls wait for what is put into the slot.
fn waiting(reactor: &Reactor, story: &Story) -> (LoopingCall, Rc<Cell<Option<Resolver<()>>>>) {
    let slot = Rc::new(Cell::new(None));
    let (ours, story) = (slot.clone(), story.clone());
    let ticks = LoopingCall::new(reactor, move |ticks| {
        let story = story.clone();
        let (resolver, deferred) = Deferred::with_canceller(ticks.reactor(), move |_| story.tell("call cancelled"));
        ours.set(Some(resolver));
        deferred
    });
    (ticks, slot)
}

#[test]
fn stopping_between_calls_ends_it_and_it_can_be_started_again() {
    let (mut reactor, story) = (simulated(), Story::default());
    let heard = story.clone();
    let ticks = LoopingCall::new(&reactor, move |_| heard.tell("call"));
    for _ in 0..2 {
        let begin = reactor.now();
        story.hear("end", ticks.start(SECOND));
        pass(&mut reactor, begin, SECOND);
        assert!(ticks.stop() && !ticks.stop());
        assert!(!ticks.is_running());
        settle(&mut reactor);
        assert_eq!(story.take(), ["call", "call", "end: ()"]);
        assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
    }
}

#[test]
fn stopping_during_a_call_lets_it_end_first() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (ticks, slot) = waiting(&reactor, &story);
    let begin = reactor.now();
    story.hear("end", ticks.start(SECOND));
    pass(&mut reactor, begin, SECOND);
    assert!(ticks.stop() && !ticks.stop());
    assert!(!ticks.is_running() && !ticks.reset());
    story.hear("again", ticks.start(SECOND));
    settle(&mut reactor);
    assert_eq!(story.take(), ["again: Error, the looping call is running already"]);
    slot.take().unwrap().resolve(()).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["end: ()"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn it_may_stop_itself() {
    let (mut reactor, story) = (simulated(), Story::default());
    let ticks = LoopingCall::new(&reactor, |ticks| {
        ticks.stop();
    });
    story.hear("end", ticks.start(SECOND));
    let begin = reactor.now();
    pass(&mut reactor, begin, SECOND);
    assert_eq!(story.take(), ["end: ()"]);
}

#[test]
fn a_failure_ends_it_and_so_does_a_panic_and_it_can_be_started_again() {
    let (mut reactor, story) = (simulated(), Story::default());
    let mut calls = 0;
    let ticks = LoopingCall::new(&reactor, move |_| {
        calls += 1;
        match calls {
            2 => Err(Failure::new("no")),
            4 => panic!("ouch"),
            _ => Ok(()),
        }
    });
    for _ in 0..2 {
        let begin = reactor.now();
        story.hear("end", ticks.start(SECOND));
        pass(&mut reactor, begin, 2 * SECOND);
        assert!(!ticks.is_running());
    }
    assert_eq!(story.take(), ["end: Error, no", "end: Panicked, panicked: ouch"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_failure_that_nobody_listens_to_is_logged() {
    let (mut reactor, records) = (simulated(), Records::begin());
    LoopingCall::new(&reactor, |_| Err::<(), _>(Failure::new("no"))).start(SECOND).detach();
    let begin = reactor.now();
    pass(&mut reactor, begin, SECOND);
    let lines = records.with("unhandled");
    assert!(lines.len() == 1 && lines[0].contains("looping.rs"), "{lines:?}");
}

#[test]
fn cancelling_between_calls_leaves_no_trace() {
    let (mut reactor, story) = (simulated(), Story::default());
    let heard = story.clone();
    let ticks = LoopingCall::new(&reactor, move |_| heard.tell("call"));
    drop(ticks.start(SECOND));
    settle(&mut reactor);
    assert!(!ticks.is_running());
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
    assert!(story.take().is_empty());
}

#[test]
fn cancelling_during_a_call_cancels_that_and_a_new_start_is_not_mistaken_for_the_old_one() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (ticks, slot) = waiting(&reactor, &story);
    let ended = ticks.start(SECOND);
    let begin = reactor.now();
    pass(&mut reactor, begin, SECOND);
    let dump = reactor.dump_deferreds().to_string();
    assert!(dump.lines().count() == 2 && dump.lines().nth(1).unwrap().starts_with("  "), "{dump}");
    ended.cancel();
    story.hear("end", ended);
    // The canceller has run, and the result of the call is on its way.
    reactor.turn(Some(Duration::ZERO)).unwrap();
    story.hear("again", ticks.start(SECOND));
    settle(&mut reactor);
    assert_eq!(story.take(), ["call cancelled", "end: Cancelled, cancelled"]);
    assert!(ticks.is_running());
    let begin = reactor.now();
    pass(&mut reactor, begin, SECOND);
    ticks.stop();
    slot.take().unwrap().resolve(()).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["again: ()"]);
}

#[test]
fn when_the_reactor_ends_it_is_told_and_nothing_is_kept() {
    for seconds in [0, 1] {
        let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
        let alive = population.born();
        let slot = Rc::new(Cell::new(None));
        let ours = slot.clone();
        let ticks = LoopingCall::new(&reactor, move |ticks| {
            let _alive = &alive;
            // Round in a circle.
            ours.set(Some(ticks.clone()));
            ticks.reactor().sleep(Duration::from_secs(seconds))
        });
        story.hear("end", ticks.start(SECOND));
        let begin = reactor.now();
        pass(&mut reactor, begin, SECOND / 2);
        drop(ticks);
        drop(slot);
        drop(reactor);
        assert_eq!(story.take(), ["end: Ended, the reactor has ended"]);
        assert_eq!(population.count(), 0);
    }
}

#[test]
fn on_a_reactor_that_has_ended_it_is_never_called() {
    let (reactor, story, population) = (simulated(), Story::default(), Population::default());
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    let (heard, alive) = (story.clone(), population.born());
    let ticks = LoopingCall::new(&handle, move |_| {
        let _alive = &alive;
        heard.tell("call");
    });
    drop(ticks.start(SECOND));
    assert!(!ticks.is_running());
    drop(ticks);
    assert!(story.take().is_empty() && population.count() == 0);
}
