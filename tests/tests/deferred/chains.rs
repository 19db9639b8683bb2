//! What goes through a chain.

use lariat::{Deferred, Failure, FailureKind, Reactor};

use super::{Population, in_words, reactor, settle};

#[test]
fn nothing_is_called_back_before_resolve_returns() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = Deferred::new(&reactor);
    story.hear("result", deferred.map(|number: u32| number + 1));
    resolver.resolve(41).unwrap();
    assert!(story.take().is_empty());
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 42"]);
}

#[test]
fn a_callback_that_is_added_to_a_result_is_called_from_the_loop() {
    let (mut reactor, story) = reactor();
    let deferred = Deferred::succeed(&reactor, 1);
    settle(&mut reactor);
    assert!(deferred.is_settled());
    story.hear("result", deferred);
    assert!(story.take().is_empty());
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 1"]);
}

#[test]
fn values_pass_what_takes_failures_and_failures_what_takes_values() {
    let (mut reactor, story) = reactor();
    let fail = |reactor: &Reactor| Deferred::<u32>::fail(reactor, Failure::new("no"));
    story.hear("recover", Deferred::succeed(&reactor, 1).recover(|_| unreachable!()));
    story.hear("try_recover", Deferred::succeed(&reactor, 2).try_recover(|_| unreachable!()));
    story.hear("or_else", Deferred::succeed(&reactor, 3).or_else(|_| unreachable!()));
    story.hear("map", fail(&reactor).map(|_| unreachable!("")).map(|(): ()| ()));
    story.hear("try_map", fail(&reactor).try_map(|_| -> Result<(), _> { unreachable!() }));
    story.hear("and_then", fail(&reactor).and_then(|_| -> Deferred<()> { unreachable!() }));
    settle(&mut reactor);
    let failed = |who: &str| format!("{who}: Error, no");
    let all = [
        "recover: 1".into(),
        "try_recover: 2".into(),
        "or_else: 3".into(),
        failed("map"),
        failed("try_map"),
        failed("and_then"),
    ];
    assert_eq!(story.take(), all);
}

#[test]
fn each_kind_of_callback_makes_the_next_result() {
    let (mut reactor, story) = reactor();
    let one = || Deferred::succeed(&reactor, 1);
    let none = || Deferred::<i32>::fail(&reactor, Failure::new("no"));
    let handle = Reactor::clone(&reactor);
    let later = move |number: i32| Deferred::succeed(&handle, number);
    story.hear("map", one().map(|n| n + 1));
    story.hear("try_map", one().try_map(|n| if n > 1 { Ok(n) } else { Err(Failure::new("small")) }));
    story.hear(
        "and_then",
        one().and_then({
            let later = later.clone();
            move |n| later(n + 2)
        }),
    );
    story.hear("recover", none().recover(|failure| i32::from(failure.kind() == FailureKind::Error)));
    story.hear("try_recover", none().try_recover(|_| Err(Failure::new("worse"))));
    story.hear(
        "or_else",
        none().or_else({
            let later = later.clone();
            move |_| later(4)
        }),
    );
    story.hear("map_result", none().map_result(|result| Ok(in_words(&result))));
    story.hear("then", none().then(move |result| later(if result.is_ok() { 1 } else { 0 })));
    settle(&mut reactor);
    let all = [
        "map: 2",
        "try_map: Error, small",
        "and_then: 3",
        "recover: 1",
        "try_recover: Error, worse",
        "or_else: 4",
        "map_result: \"Error, no\"",
        "then: 0",
    ];
    assert_eq!(story.take(), all);
}

#[test]
fn a_panic_is_a_failure_for_the_next_callback() {
    let (mut reactor, story) = reactor();
    story.hear("caught", Deferred::succeed(&reactor, 1).map(|_| panic!("ouch")).map(|(): ()| 2));
    story.hear("recovered", Deferred::succeed(&reactor, 1).map(|_| -> u8 { panic!("ouch") }).recover(|_| 7));
    settle(&mut reactor);
    let told = story.take();
    assert!(told[0].starts_with("caught: Panicked, ") && told[0].ends_with("panicked: ouch"), "{told:?}");
    assert_eq!(told[1], "recovered: 7");
}

#[test]
fn a_chain_of_a_million_callbacks_takes_no_stack_and_lets_others_be_served() {
    let (mut reactor, story) = reactor();
    let (resolver, mut deferred) = Deferred::new(&reactor);
    for _ in 0..1_000_000 {
        deferred = deferred.map(|number: u64| number + 1);
    }
    story.hear("sum", deferred);
    resolver.resolve(0).unwrap();
    let before = reactor.stats().turns;
    settle(&mut reactor);
    assert_eq!(story.take(), ["sum: 1000000"]);
    // A turn has a thousand steps.
    assert!(reactor.stats().turns - before > 900);
}

#[test]
fn a_million_callbacks_that_are_never_called_are_dropped_without_stack() {
    let (reactor, _) = reactor();
    let population = Population::default();
    let (resolver, mut deferred) = Deferred::new(&reactor);
    for _ in 0..1_000_000 {
        let alive = population.born();
        deferred = deferred.map(move |number: u64| {
            drop(alive);
            number
        });
    }
    deferred.detach();
    drop(reactor);
    assert_eq!(population.count(), 0);
    assert_eq!(resolver.resolve(1), Err(1));
}

#[test]
fn a_million_links_on_a_deferred_without_a_reactor_are_dropped_without_stack() {
    let (reactor, _) = reactor();
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    let mut deferred = Deferred::succeed(&handle, 0);
    for _ in 0..1_000_000 {
        deferred = deferred.map(|number: u64| number + 1);
    }
    drop(deferred);
}

#[test]
fn two_callbacks_may_resolve_each_others_chains() {
    let (mut reactor, story) = reactor();
    let (first, one) = Deferred::new(&reactor);
    let (second, two) = Deferred::new(&reactor);
    story.hear("one", one.map(move |number: u32| second.resolve(number + 1).is_ok()));
    story.hear("two", two.map(|number: u32| number + 1));
    first.resolve(1).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["one: true", "two: 3"]);
}

#[test]
fn a_result_is_dropped_by_whoever_had_it_last() {
    let (mut reactor, _) = reactor();
    let population = Population::default();
    Deferred::succeed(&reactor, population.born()).detach();
    Deferred::succeed(&reactor, population.born()).map(drop).detach();
    drop(Deferred::succeed(&reactor, population.born()));
    let kept = Deferred::succeed(&reactor, population.born());
    settle(&mut reactor);
    assert_eq!(population.count(), 1);
    drop(kept);
    assert_eq!(population.count(), 0);
}
