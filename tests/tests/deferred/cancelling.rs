//! Cancelling, in every state.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Deferred, FailureKind, Reactor, Resolver};

use super::{Population, reactor, settle};

#[test]
fn cancelling_calls_the_canceller_from_the_loop_and_fails_the_chain() {
    let (mut reactor, story) = reactor();
    let heard = story.clone();
    let (resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("canceller"));
    let heard = story.clone();
    let deferred = deferred.try_recover(move |failure| {
        heard.tell(format!("callback: {failure}"));
        Err(failure)
    });
    deferred.cancel();
    assert!(story.take().is_empty());
    settle(&mut reactor);
    assert_eq!(story.take(), ["canceller", "callback: cancelled"]);
    assert!(resolver.is_cancelled());
    assert_eq!(resolver.resolve(1), Err(1));
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: Cancelled, cancelled"]);
}

#[test]
fn dropping_cancels_and_tells_the_resolver_at_once() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    let heard = story.clone();
    drop(deferred.map_result(move |result| {
        heard.tell(format!("{}", result.as_ref().unwrap_err()));
        result
    }));
    assert!(resolver.is_cancelled());
    settle(&mut reactor);
    assert_eq!(story.take(), ["cancelled"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn a_canceller_may_resolve_after_all() {
    let (mut reactor, story) = reactor();
    let slot: Rc<Cell<Option<Resolver<u32>>>> = Rc::default();
    let take = slot.clone();
    let (resolver, deferred) = Deferred::with_canceller(&reactor, move |_| {
        take.take().unwrap().resolve(7).unwrap();
    });
    slot.set(Some(resolver));
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 7"]);
}

#[test]
fn a_canceller_that_owns_the_resolver_and_drops_it_has_cancelled() {
    let (mut reactor, story) = reactor();
    let slot: Rc<Cell<Option<Resolver<u32>>>> = Rc::default();
    let take = slot.clone();
    let (resolver, deferred) = Deferred::with_canceller(&reactor, move |_| drop(take.take()));
    slot.set(Some(resolver));
    deferred.cancel();
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: Cancelled, cancelled"]);
}

#[test]
fn a_canceller_that_panics_has_cancelled() {
    let (mut reactor, story) = reactor();
    let (_resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, |_| panic!("in the canceller"));
    deferred.cancel();
    story.hear("result", deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: Cancelled, cancelled"]);
}

#[test]
fn cancelling_reaches_the_innermost_thing_that_is_waited_for() {
    let (mut reactor, story) = reactor();
    let heard = story.clone();
    let (_resolver, innermost) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("innermost"));
    let handle = Reactor::clone(&reactor);
    let inner = Deferred::succeed(&handle, ()).and_then(move |()| innermost);
    let outer = Deferred::succeed(&reactor, ()).and_then(move |()| inner);
    settle(&mut reactor);
    outer.cancel();
    story.hear("result", outer);
    settle(&mut reactor);
    assert_eq!(story.take(), ["innermost", "result: Cancelled, cancelled"]);
}

#[test]
fn a_chain_that_is_cancelled_from_its_own_callback_does_not_begin_to_wait() {
    let (mut reactor, story) = reactor();
    let slot: Rc<Cell<Option<Deferred<u32>>>> = Rc::default();
    let heard = story.clone();
    let (_resolver, never) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("cancelled"));
    let take = slot.clone();
    let chain = Deferred::succeed(&reactor, ()).and_then(move |()| {
        drop(take.take());
        never
    });
    slot.set(Some(chain));
    settle(&mut reactor);
    assert_eq!(story.take(), ["cancelled"]);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn a_chain_that_was_dropped_while_its_result_was_on_the_way_still_runs() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = Deferred::new(&reactor);
    let heard = story.clone();
    let deferred = deferred.map(move |number: u32| heard.tell(format!("heard {number}")));
    resolver.resolve(3).unwrap();
    drop(deferred);
    settle(&mut reactor);
    assert_eq!(story.take(), ["heard 3"]);
}

#[test]
fn a_resolver_that_is_dropped_fails_the_chain() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    let heard = story.clone();
    deferred.finish(move |result| heard.tell(format!("{:?}", result.unwrap_err().kind())));
    drop(resolver);
    settle(&mut reactor);
    assert_eq!(story.take(), [format!("{:?}", FailureKind::Abandoned)]);
}

#[test]
fn nothing_is_kept_of_what_was_cancelled() {
    let (mut reactor, _) = reactor();
    let population = Population::default();
    let (in_canceller, in_callback) = (population.born(), population.born());
    let (resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| drop(in_canceller));
    drop(deferred.map(move |_| drop(in_callback)));
    settle(&mut reactor);
    assert_eq!(population.count(), 0);
    assert_eq!(reactor.stats().deferreds, 0);
    drop(resolver);
}

#[test]
fn a_timeout_cancels_what_takes_too_long() {
    let (mut reactor, story) = reactor();
    let heard = story.clone();
    let (_resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("cancelled"));
    story.hear("result", deferred.timeout(Duration::from_secs(3)));
    let begin = reactor.now();
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(reactor.now() - begin, Duration::from_secs(3));
    assert_eq!(story.take(), ["cancelled", "result: TimedOut, no result within 3s"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_result_in_the_tick_of_its_timeout_counts_if_it_comes_first() {
    let (mut reactor, story) = reactor();
    let second = Duration::from_secs(1);
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    reactor.call_later(second, move |_| resolver.resolve(1).unwrap());
    story.hear("result", deferred.timeout(second));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["result: 1"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}

#[test]
fn a_result_that_comes_after_the_timeout_in_its_tick_is_refused() {
    let (mut reactor, story) = reactor();
    let second = Duration::from_secs(1);
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    story.hear("result", deferred.timeout(second));
    let heard = story.clone();
    reactor.call_later(second, move |_| heard.tell(format!("{:?}", resolver.resolve(1))));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["Err(1)", "result: TimedOut, no result within 1s"]);
}

#[test]
fn cancelling_a_limited_deferred_reaches_what_it_limits() {
    let (mut reactor, story) = reactor();
    let heard = story.clone();
    let (_resolver, deferred) = Deferred::<u32>::with_canceller(&reactor, move |_| heard.tell("cancelled"));
    let limited = deferred.named("query").timeout(Duration::from_secs(1)).named("request");
    let dump = reactor.dump_deferreds().to_string();
    let lines: Vec<_> = dump.lines().collect();
    assert!(lines[0].contains("request") && lines[1].starts_with("  ") && lines[1].contains("query"), "{dump}");
    limited.cancel();
    story.hear("result", limited);
    settle(&mut reactor);
    assert_eq!(story.take(), ["cancelled", "result: Cancelled, cancelled"]);
    assert_eq!((reactor.stats().timers, reactor.stats().deferreds), (0, 0));
}
