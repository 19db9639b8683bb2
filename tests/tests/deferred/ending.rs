//! What becomes of Deferreds when the reactor ends.

use lariat::{Deferred, Reactor};

use super::{Population, reactor};

#[test]
fn whoever_waits_at_the_end_is_told() {
    let (reactor, story) = reactor();
    let population = Population::default();
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    let alive = population.born();
    story.hear("waits", deferred.map(move |number| (alive, number).1));
    let alive = population.born();
    let (_cancellable, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| drop(alive));
    story.hear("could be cancelled", deferred);
    let (_inner_resolver, inner) = Deferred::<u32>::new(&reactor);
    story.hear("waits for another", Deferred::succeed(&reactor, ()).and_then(move |()| inner));
    drop(reactor);
    let mut told = story.take();
    told.sort();
    let ended = "Ended, the reactor has ended";
    let who = ["could be cancelled", "waits for another", "waits"];
    assert_eq!(told, who.map(|who| format!("{who}: {ended}")));
    assert_eq!(population.count(), 0);
    assert!(resolver.is_cancelled());
}

#[test]
fn what_a_callback_makes_at_the_end_has_failed() {
    let (reactor, story) = reactor();
    let (_resolver, deferred) = Deferred::<u32>::new(&reactor);
    let handle = Reactor::clone(&reactor);
    fn again(reactor: &Reactor) -> Deferred<u32> {
        let handle = reactor.clone();
        Deferred::new(reactor).1.or_else(move |_| again(&handle))
    }
    story.hear("retried", deferred.or_else(move |_| again(&handle)));
    drop(reactor);
    assert_eq!(story.take(), ["retried: Ended, the reactor has ended"]);
}

#[test]
fn a_timer_that_owned_the_resolver_has_its_chain_told() {
    let (reactor, story) = reactor();
    let (resolver, deferred) = Deferred::new(&reactor);
    reactor.call_later(std::time::Duration::from_secs(1), move |_| {
        // Nobody may be listening.
        let _ = resolver.resolve(1);
    });
    story.hear("sleeper", deferred);
    drop(reactor);
    assert_eq!(story.take(), ["sleeper: Ended, the reactor has ended"]);
}

#[test]
fn the_last_handle_to_the_reactor_may_go_in_a_callback() {
    let (mut reactor, story) = reactor();
    let handle = Reactor::clone(&reactor);
    story.hear(
        "gone",
        Deferred::succeed(&reactor, 1).map(move |number| {
            drop(handle);
            number
        }),
    );
    super::settle(&mut reactor);
    assert_eq!(story.take(), ["gone: 1"]);
}

#[test]
fn a_result_that_is_left_over_is_dropped_with_its_deferred() {
    let (mut reactor, _) = reactor();
    let population = Population::default();
    let kept = Deferred::succeed(&reactor, population.born());
    super::settle(&mut reactor);
    drop(reactor);
    assert_eq!(population.count(), 1);
    drop(kept.map(|alive| alive));
    assert_eq!(population.count(), 0);
}
