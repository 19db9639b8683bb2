//! All values, or the first failure.

use lariat::testing::simulated;
use lariat::{Deferred, Failure, Reactor, Resolver};
use lariat_tests::faults::Records;
use lariat_tests::story::{Population, Story, settle};

fn open(reactor: &Reactor, count: usize) -> (Vec<Resolver<usize>>, Vec<Deferred<usize>>) {
    (0..count).map(|_| Deferred::new(reactor)).unzip()
}

#[test]
fn values_come_in_the_order_of_the_parts_not_of_their_coming() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (resolvers, parts) = open(&reactor, 3);
    story.hear("all", Deferred::gather(&reactor, parts));
    for (number, resolver) in resolvers.into_iter().enumerate().rev() {
        assert!(story.take().is_empty());
        resolver.resolve(number).unwrap();
        settle(&mut reactor);
    }
    assert_eq!(story.take(), ["all: [0, 1, 2]"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn what_is_there_already_counts() {
    let (mut reactor, story) = (simulated(), Story::default());
    let parts = [1, 2].map(|number| Deferred::succeed(&reactor, number));
    settle(&mut reactor);
    story.hear("all", Deferred::gather(&reactor, parts));
    assert!(story.take().is_empty());
    settle(&mut reactor);
    assert_eq!(story.take(), ["all: [1, 2]"]);
}

#[test]
fn nothing_gathers_to_nothing() {
    let (mut reactor, story) = (simulated(), Story::default());
    story.hear("all", Deferred::gather(&reactor, Vec::<Deferred<u8>>::new()));
    settle(&mut reactor);
    assert_eq!(story.take(), ["all: []"]);
}

#[test]
fn the_first_failure_is_the_result_and_the_rest_are_cancelled_before_it_is_told() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (resolver, part) = Deferred::<u8>::new(&reactor);
    let parts = [story.never(&reactor, "one"), part, story.never(&reactor, "three")];
    story.hear("all", Deferred::gather(&reactor, parts));
    resolver.reject(Failure::new("no bread")).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["one cancelled", "three cancelled", "all: Error, no bread"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn values_are_dropped_when_there_was_a_failure() {
    let (mut reactor, population) = (simulated(), Population::default());
    let (late, late_part) = Deferred::new(&reactor);
    let (failing, failing_part) = Deferred::new(&reactor);
    let parts = [Deferred::succeed(&reactor, population.born()), late_part, failing_part];
    let gathered = Deferred::gather(&reactor, parts);
    failing.reject(Failure::new("no")).unwrap();
    // On its way when the rest are cancelled.
    late.resolve(population.born()).unwrap();
    settle(&mut reactor);
    assert_eq!(population.count(), 0);
    assert!(gathered.is_settled());
    gathered.recover(|_| Vec::new()).detach();
}

#[test]
fn only_a_second_failure_that_is_no_cancellation_is_logged() {
    let (mut reactor, story, records) = (simulated(), Story::default(), Records::begin());
    let (resolvers, mut parts) = open(&reactor, 2);
    parts.push(story.never(&reactor, "third"));
    story.hear("all", Deferred::gather(&reactor, parts));
    for (resolver, words) in resolvers.into_iter().zip(["first", "second"]) {
        resolver.reject(Failure::new(words)).unwrap();
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["third cancelled", "all: Error, first"]);
    let logged = records.with("unhandled");
    assert!(logged.len() == 1 && logged[0].contains("second"), "{logged:?}");
}

#[test]
fn a_part_that_was_awaited_already_is_a_failure_and_nobody_waits_in_vain() {
    let (mut reactor, story) = (simulated(), Story::default());
    let mut part = Deferred::succeed(&reactor, 1);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(Future::poll(std::pin::Pin::new(&mut part), &mut context).is_ready());
    story.hear("all", Deferred::gather(&reactor, [part]));
    settle(&mut reactor);
    assert_eq!(story.take(), ["all: Error, what was to be combined had been awaited already"]);
}

#[test]
fn a_hundred_thousand_parts_are_gathered() {
    let (mut reactor, story) = (simulated(), Story::default());
    let (resolvers, parts) = open(&reactor, 100_000);
    story.hear("count", Deferred::gather(&reactor, parts).map(|all| all.len()));
    resolvers.into_iter().for_each(|resolver| resolver.resolve(1).unwrap());
    settle(&mut reactor);
    assert_eq!(story.take(), ["count: 100000"]);
}
