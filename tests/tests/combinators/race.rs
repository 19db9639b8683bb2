//! The first value.

use std::time::Duration;

use lariat::testing::simulated;
use lariat::{AllFailed, Deferred, Failure, FailureKind};
use lariat_tests::faults::Records;
use lariat_tests::story::{Population, Story, settle};

#[test]
fn the_first_value_wins_and_the_others_are_cancelled() {
    let (mut reactor, story) = (simulated(), Story::default());
    let seconds = |seconds| reactor.sleep(Duration::from_secs(seconds)).map(move |()| seconds);
    let parts = [seconds(3), story.never(&reactor, "slow"), seconds(2), seconds(4)];
    story.hear("winner", Deferred::race(&reactor, parts));
    let begin = reactor.now();
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(reactor.now() - begin, Duration::from_secs(2));
    assert_eq!(story.take(), ["slow cancelled", "winner: 2"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn who_fails_does_not_win() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let (resolver, part) = Deferred::new(&reactor);
    let failed = Deferred::fail(&reactor, Failure::new("stumbled"));
    story.hear("winner", Deferred::race(&reactor, [failed, part]));
    settle(&mut reactor);
    assert!(story.take().is_empty());
    resolver.resolve(2).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["winner: 2"]);
    let lines = records.with("stumbled");
    assert!(lines.len() == 1 && lines[0].starts_with("DEBUG"), "{lines:?}");
}

#[test]
fn when_all_fail_every_failure_is_told_in_order() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let (resolvers, parts): (Vec<_>, Vec<_>) = (0..2).map(|_| Deferred::<u8>::new(&reactor)).unzip();
    let race = Deferred::race(&reactor, parts).map_result(|result| {
        let error = result.unwrap_err().downcast::<AllFailed>().unwrap();
        assert_eq!(error.failures().len(), 2);
        Ok(error.into_failures().iter().map(ToString::to_string).collect::<Vec<_>>())
    });
    story.hear("failures", race);
    for (number, resolver) in resolvers.into_iter().enumerate().rev() {
        resolver.reject(Failure::new(format!("{number} stumbled"))).unwrap();
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["failures: [\"0 stumbled\", \"1 stumbled\"]"]);
    assert!(records.with("stumbled").is_empty(), "they are told already");
}

#[test]
fn a_race_of_nobody_fails() {
    let (mut reactor, story) = (simulated(), Story::default());
    story.hear("winner", Deferred::race(&reactor, Vec::<Deferred<u8>>::new()));
    settle(&mut reactor);
    assert_eq!(story.take(), ["winner: Error, there was nobody who could have won"]);
}

#[test]
fn a_loser_that_fails_late_is_logged_for_debugging_and_a_panic_as_an_error() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let (resolvers, mut parts): (Vec<_>, Vec<_>) = (0..2).map(|_| Deferred::<u8>::new(&reactor)).unzip();
    parts.push(Deferred::succeed(&reactor, 7).then(|_| panic!("ouch")));
    let mut resolvers = resolvers.into_iter();
    let race = Deferred::race(&reactor, parts);
    resolvers.next().unwrap().resolve(1).unwrap();
    resolvers.next().unwrap().reject(Failure::new("stumbled")).unwrap();
    story.hear("winner", race);
    settle(&mut reactor);
    assert_eq!(story.take(), ["winner: 1"]);
    assert!(records.with("stumbled")[0].starts_with("DEBUG"));
    assert!(records.with("ouch")[0].starts_with("ERROR"));
    assert!(records.with("unhandled").is_empty());
}

#[test]
fn the_value_that_comes_second_is_dropped() {
    let (mut reactor, population) = (simulated(), Population::default());
    let parts = [1, 2].map(|_| Deferred::succeed(&reactor, population.born()));
    let race = Deferred::race(&reactor, parts);
    settle(&mut reactor);
    assert_eq!(population.count(), 1);
    drop(race);
    assert_eq!(population.count(), 0);
}

#[test]
fn a_race_ends_with_the_reactor() {
    let (reactor, story) = (simulated(), Story::default());
    let parts = [1, 2].map(|_| reactor.sleep(Duration::from_secs(1)));
    Deferred::race(&reactor, parts).finish({
        let story = story.clone();
        move |result| story.tell(format!("{:?}", result.unwrap_err().kind()))
    });
    drop(reactor);
    assert_eq!(story.take(), [format!("{:?}", FailureKind::Ended)]);
}
