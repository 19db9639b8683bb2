//! What becomes of Deferreds when the reactor ends.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lariat::{Deferred, FailureKind, Reactor, Resolver};

use super::{Population, reactor, settle};

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
    reactor.call_later(Duration::from_secs(1), move |_| {
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
    settle(&mut reactor);
    assert_eq!(story.take(), ["gone: 1"]);
}

#[test]
fn a_result_that_is_left_over_is_dropped_with_its_deferred() {
    let (mut reactor, _) = reactor();
    let population = Population::default();
    let kept = Deferred::succeed(&reactor, population.born());
    settle(&mut reactor);
    drop(reactor);
    assert_eq!(population.count(), 1);
    drop(kept.map(|alive| alive));
    assert_eq!(population.count(), 0);
}

#[test]
fn a_chain_whose_canceller_is_not_called_any_more_is_told_all_the_same() {
    let (reactor, story) = reactor();
    let heard = story.clone();
    let (resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("canceller"));
    let heard = story.clone();
    let deferred = deferred.map_result(move |result| {
        heard.tell(format!("{:?}", result.as_ref().unwrap_err().kind()));
        result
    });
    deferred.cancel();
    // Only the canceller's call knows the chain now.
    drop(resolver);
    drop(reactor);
    assert_eq!(story.take(), ["Cancelled"]);
    drop(deferred);
}

#[test]
fn cancelling_from_a_callback_at_the_end_reaches_who_waits() {
    let (reactor, story) = reactor();
    let (_resolver, first) = Deferred::<u32>::new(&reactor);
    let heard = story.clone();
    let (second_resolver, second) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("canceller"));
    let heard = story.clone();
    let second = second.map_result(move |result| {
        heard.tell(format!("second: {}", result.as_ref().unwrap_err()));
        result
    });
    first.finish(move |_| {
        drop(second);
        drop(second_resolver);
    });
    drop(reactor);
    assert_eq!(story.take(), ["second: cancelled"]);
}

#[test]
fn a_timeout_that_is_set_after_the_end_keeps_nothing() {
    let (reactor, _) = reactor();
    let population = Population::default();
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    let (_resolver, deferred) = Deferred::<u32>::new(&handle);
    let alive = population.born();
    deferred.timeout(Duration::from_secs(1)).finish(move |_| drop(alive));
    assert_eq!(population.count(), 0);
}

#[test]
fn a_callback_that_is_added_after_the_end_is_dropped_even_if_it_owns_the_resolver() {
    let (reactor, _) = reactor();
    let population = Population::default();
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    let (resolver, deferred) = Deferred::<u32>::new(&handle);
    let alive = population.born();
    let deferred = deferred.map(move |number| {
        drop((resolver, alive));
        number
    });
    assert_eq!(population.count(), 0);
    drop(deferred);
}

#[test]
fn what_is_added_to_a_result_after_the_end_has_failed_for_who_awaits_it() {
    let (mut reactor, _) = reactor();
    let kept = Deferred::succeed(&reactor, 1);
    settle(&mut reactor);
    drop(reactor);
    let mut future = pin!(kept.map(|number| number + 1));
    let Poll::Ready(Err(failure)) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("nobody will ever wake it")
    };
    assert_eq!(failure.kind(), FailureKind::Ended);
}

#[test]
fn a_callback_that_resolves_another_chain_at_the_end_has_it_told_the_value() {
    let (reactor, story) = reactor();
    let (_never, first) = Deferred::<u32>::new(&reactor);
    let (resolver, second) = Deferred::new(&reactor);
    first.finish(move |_| resolver.resolve(2).unwrap());
    story.hear("second", second);
    drop(reactor);
    assert_eq!(story.take(), ["second: 2"]);
}

#[test]
fn the_last_handle_of_all_may_go_with_a_deferred_a_resolver_or_a_callback() {
    let population = Population::default();
    let slot: Rc<Cell<Option<Resolver<u32>>>> = Rc::default();
    let (reactor, story) = reactor();
    let (resolver, deferred) = Deferred::new(&reactor);
    let (handle, alive) = (Reactor::clone(&reactor), population.born());
    let deferred = deferred.map_result(move |result| {
        drop((handle, alive));
        result
    });
    slot.set(Some(resolver));
    drop(reactor);
    story.tell(format!("{deferred}"));
    drop(deferred);
    drop(slot);
    assert_eq!(population.count(), 0);
    assert_eq!(story.take().len(), 1);
}
