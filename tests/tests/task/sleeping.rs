//! Waiting for a time, or doing something then.

use std::time::Duration;

use lariat::Reactor;
use lariat::testing::simulated;
use lariat_tests::story::{Population, Story, settle};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn sleepers_wake_in_their_time_and_order() {
    let (mut reactor, story) = (simulated(), Story::default());
    for (who, seconds) in [("two", 2), ("one", 1), ("another", 1), ("at once", 0)] {
        story.hear(who, reactor.sleep(SECOND * seconds));
    }
    assert!(story.take().is_empty());
    settle(&mut reactor);
    reactor.turn(Some(Duration::ZERO)).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["at once: ()"]);
    let begin = reactor.now();
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!((story.take(), reactor.now() - begin), (vec!["one: ()".into(), "another: ()".into()], SECOND));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["two: ()"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn cancelling_takes_the_timer_back() {
    let (mut reactor, story) = (simulated(), Story::default());
    let sleeper = reactor.sleep(SECOND);
    sleeper.cancel();
    story.hear("cancelled", sleeper);
    drop(reactor.sleep(SECOND));
    settle(&mut reactor);
    assert_eq!(story.take(), ["cancelled: Cancelled, cancelled"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_sleeper_is_told_that_the_reactor_has_ended() {
    let (reactor, story) = (simulated(), Story::default());
    story.hear("sleeper", reactor.sleep(SECOND));
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    assert_eq!(story.take(), ["sleeper: Ended, the reactor has ended"]);
    assert!(handle.sleep(SECOND).is_settled(), "it has failed at once");
}

#[test]
fn what_a_call_gives_later_is_the_result() {
    let (mut reactor, story) = (simulated(), Story::default());
    let begin = reactor.now();
    story.hear("slept twice", reactor.defer_later(SECOND, |reactor| reactor.sleep(SECOND)));
    story.hear("error", reactor.defer_later(SECOND, |_| "x".parse::<u8>()));
    story.hear("panic", reactor.defer_later(SECOND, |_| -> Result<(), lariat::Failure> { panic!("ouch") }));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["error: Error, invalid digit found in string", "panic: Panicked, panicked: ouch"]);
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!((story.take(), reactor.now() - begin), (vec!["slept twice: ()".into()], 2 * SECOND));
}

#[test]
fn a_call_that_is_cancelled_is_not_made_and_what_it_gave_is_cancelled() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let alive = population.born();
    drop(reactor.defer_later(SECOND, move |_| drop(alive)));
    settle(&mut reactor);
    assert_eq!((population.count(), reactor.stats().timers), (0, 0));
    let heard = story.clone();
    let made = reactor.defer_later(SECOND, move |reactor| heard.never::<()>(reactor, "made"));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    drop(made);
    settle(&mut reactor);
    assert_eq!(story.take(), ["made cancelled"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}
