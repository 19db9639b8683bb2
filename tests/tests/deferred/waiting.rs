//! Chains that wait for Deferreds, tasks that wait for chains, and who waits for whom.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lariat::{Deferred, FailureKind, PendingDeferred, Reactor, Resolver};

use super::{reactor, settle};

#[test]
fn a_chain_waits_for_the_deferred_that_a_callback_gives() {
    let (mut reactor, story) = reactor();
    let (resolver, inner) = Deferred::new(&reactor);
    let outer = Deferred::succeed(&reactor, 1).and_then(move |number| inner.map(move |more: u32| number + more));
    story.hear("sum", outer.map(|number| number * 10));
    settle(&mut reactor);
    assert!(story.take().is_empty());
    resolver.resolve(4).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["sum: 50"]);
}

#[test]
fn what_is_added_while_a_chain_waits_is_called_too() {
    let (mut reactor, story) = reactor();
    let (resolver, inner) = Deferred::new(&reactor);
    let outer = Deferred::succeed(&reactor, ()).and_then(move |()| inner);
    settle(&mut reactor);
    let outer = outer.map(|number: u32| number + 1);
    settle(&mut reactor);
    story.hear("sum", outer.map(|number| number + 1));
    resolver.resolve(1).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["sum: 3"]);
}

#[test]
fn a_result_that_comes_while_nobody_holds_on_to_it_waits() {
    let (mut reactor, story) = reactor();
    let (resolver, inner) = Deferred::new(&reactor);
    let outer = Deferred::succeed(&reactor, ()).and_then(move |()| inner);
    settle(&mut reactor);
    resolver.resolve(5).unwrap();
    settle(&mut reactor);
    assert!(outer.is_settled());
    story.hear("later", outer);
    settle(&mut reactor);
    assert_eq!(story.take(), ["later: 5"]);
}

fn count_down(reactor: &Reactor, number: u32) -> Deferred<u32> {
    if number == 0 {
        return Deferred::succeed(reactor, 0);
    }
    let again = reactor.clone();
    Deferred::succeed(reactor, ()).and_then(move |()| count_down(&again, number - 1))
}

#[test]
fn a_recursion_a_million_deep_takes_no_stack() {
    let (mut reactor, story) = reactor();
    story.hear("end", count_down(&reactor, 1_000_000));
    settle(&mut reactor);
    assert_eq!(story.take(), ["end: 0"]);
}

/// Waits for itself a level deeper, and does something afterwards.
fn sum_down(reactor: &Reactor, number: u64) -> Deferred<u64> {
    if number == 0 {
        return Deferred::succeed(reactor, 0);
    }
    let again = reactor.clone();
    Deferred::succeed(reactor, ()).and_then(move |()| sum_down(&again, number - 1)).map(move |sum| sum + number)
}

#[test]
fn a_recursion_that_does_something_afterwards_takes_no_stack_either() {
    let (mut reactor, story) = reactor();
    story.hear("sum", sum_down(&reactor, 1_000_000));
    settle(&mut reactor);
    assert_eq!(story.take(), ["sum: 500000500000"]);
}

#[test]
fn an_endless_recursion_keeps_a_single_deferred() {
    let (mut reactor, _) = reactor();
    fn serve(reactor: &Reactor) -> Deferred<()> {
        let again = reactor.clone();
        Deferred::succeed(reactor, ()).and_then(move |()| serve(&again))
    }
    let served = serve(&reactor);
    for _ in 0..100 {
        reactor.turn(Some(Duration::ZERO)).unwrap();
        assert_eq!(reactor.stats().deferreds, 1);
    }
    served.detach();
}

/// Two Deferreds, each of which has a callback that gives the other.
fn knot(reactor: &Reactor) -> (Resolver<()>, Resolver<()>) {
    let (open_a, a) = Deferred::new(reactor);
    let (open_b, b) = Deferred::new(reactor);
    let slot_a: Rc<Cell<Option<Deferred<()>>>> = Rc::default();
    let slot_b: Rc<Cell<Option<Deferred<()>>>> = Rc::default();
    let (take_a, take_b) = (slot_a.clone(), slot_b.clone());
    slot_a.set(Some(a.and_then(move |()| take_b.take().expect("it was put there")).named("egg")));
    slot_b.set(Some(b.and_then(move |()| take_a.take().expect("it was put there")).named("hen")));
    (open_a, open_b)
}

#[test]
fn who_would_wait_for_himself_fails_and_is_named() {
    let (mut reactor, _) = reactor();
    let (open_a, open_b) = knot(&reactor);
    open_a.resolve(()).unwrap();
    settle(&mut reactor);
    // One waits for the other, and this is what is seen while the circle is not closed.
    let dump = reactor.dump_deferreds().to_string();
    assert!(dump.contains("\"egg\" in \"hen\""), "{dump}");
    open_b.resolve(()).unwrap();
    settle(&mut reactor);
    assert_eq!(reactor.stats().deferreds, 0);
}

#[test]
fn a_circle_is_a_failure_of_its_own_kind() {
    let (mut reactor, story) = reactor();
    let (resolver, deferred) = Deferred::new(&reactor);
    let slot: Rc<Cell<Option<Deferred<()>>>> = Rc::default();
    let take = slot.clone();
    let chain = deferred.and_then(move |()| take.take().unwrap()).named("snake");
    let seen = story.clone();
    slot.set(Some(chain.try_recover(move |failure| {
        assert_eq!(failure.kind(), FailureKind::Circular);
        seen.tell(failure.to_string());
        Ok(())
    })));
    resolver.resolve(()).unwrap();
    settle(&mut reactor);
    let told = story.take();
    assert!(told[0].contains("snake") && told[0].contains("waiting.rs"), "{told:?}");
}

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_deferred_is_a_future_that_wakes_once() {
    let (mut reactor, _) = reactor();
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let waker = Waker::from(count.clone());
    let mut context = Context::from_waker(&waker);
    let (resolver, deferred) = Deferred::new(&reactor);
    let mut future = pin!(deferred.map(|number: u32| number + 1));
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert!(future.as_mut().poll(&mut context).is_pending());
    resolver.resolve(1).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    settle(&mut reactor);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    let Poll::Ready(Ok(2)) = future.as_mut().poll(&mut context) else { panic!("it is there") };
}

#[test]
fn a_dump_tells_names_places_and_ages() {
    let (mut reactor, _) = reactor();
    let (_resolver, deferred) = Deferred::<u32>::new(&reactor);
    let deferred = deferred.named("query").map(|number| number + 1).named("report");
    reactor.call_later(Duration::from_secs(90), |_| ());
    reactor.turn(None).unwrap();
    let dump = reactor.dump_deferreds();
    let pending = dump.iter().next().unwrap();
    assert_eq!(pending.names().collect::<Vec<_>>(), ["report", "query"]);
    assert!(pending.location().unwrap().file().ends_with("waiting.rs"));
    assert!(pending.age().as_secs_f64() > 89.9 && pending.age().as_secs_f64() < 90.1, "{:?}", pending.age());
    assert!(!pending.is_settled());
    drop(deferred);
}

#[test]
fn a_dump_tells_that_a_cancelled_chain_has_its_result_though_its_resolver_lives() {
    let (mut reactor, _) = reactor();
    let (resolver, deferred) = Deferred::<u32>::new(&reactor);
    let deferred = deferred.map(|number| number + 1);
    deferred.cancel();
    settle(&mut reactor);
    let dump = reactor.dump_deferreds();
    assert!(dump.iter().next().unwrap().is_settled(), "{dump}");
    drop((resolver, deferred));
}

#[test]
fn a_dump_from_a_callback_tells_that_its_own_chain_has_its_result() {
    let (mut reactor, story) = reactor();
    let handle = Reactor::clone(&reactor);
    let (resolver, deferred) = Deferred::new(&reactor);
    let deferred = deferred.map(move |()| handle.dump_deferreds().iter().all(PendingDeferred::is_settled));
    story.hear("settled", deferred);
    resolver.resolve(()).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["settled: true"]);
}

#[test]
fn a_deferred_of_another_reactor_is_a_failure_and_is_cancelled() {
    let (mut ours, story) = reactor();
    let (mut theirs, _) = reactor();
    let heard = story.clone();
    let (_resolver, foreign) = Deferred::<u32>::with_canceller(&theirs, move |_| heard.tell("cancelled"));
    // Their chain has the number that ours has.
    let chain = Deferred::succeed(&ours, ()).and_then(move |()| foreign);
    story.hear("result", chain);
    settle(&mut ours);
    settle(&mut theirs);
    assert_eq!(story.take(), ["result: Error, a callback gave a Deferred of another reactor", "cancelled"]);
    assert_eq!((ours.stats().deferreds, theirs.stats().deferreds), (0, 0));
}

#[test]
fn a_failure_remembers_the_names_that_it_has_gone_through() {
    let (mut reactor, story) = reactor();
    let query = Deferred::<u32>::fail(&reactor, lariat::Failure::new("no such table")).named("query");
    let seen = story.clone();
    query.map(|number| number + 1).named("report").finish(move |result| {
        let failure = result.unwrap_err();
        seen.tell(failure.names().collect::<Vec<_>>().join(" in "));
        assert!(format!("{failure:#}").ends_with(", in \"query\", in \"report\")"), "{failure:#}");
    });
    settle(&mut reactor);
    assert_eq!(story.take(), ["query in report"]);
}
