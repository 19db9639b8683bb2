//! So many at a time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Reactor, Semaphore};
use lariat_tests::story::{Story, settle};

#[test]
fn never_more_than_it_has_permits_are_in_and_never_fewer_while_some_wait() {
    let mut reactor = simulated();
    let semaphore = Semaphore::new(&reactor, 3);
    let inside = Rc::new(Cell::new(0));
    let calls = (0..10).map(|number| {
        let (inside, handle) = (inside.clone(), Reactor::clone(&reactor));
        let call = move || {
            inside.set(inside.get() + 1);
            assert!(inside.get() <= 3);
            handle.sleep(Duration::from_secs(1)).map(move |()| {
                inside.set(inside.get() - 1);
                number
            })
        };
        semaphore.run(call)
    });
    let calls: Vec<_> = calls.collect();
    let begin = reactor.now();
    let story = Story::default();
    story.hear("all", Deferred::gather(&reactor, calls));
    let mut told = Vec::new();
    while told.is_empty() {
        reactor.turn(None).unwrap();
        told = story.take();
    }
    assert_eq!(told, ["all: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"]);
    assert_eq!(reactor.now() - begin, Duration::from_secs(4), "ten by threes");
    assert_eq!((semaphore.available(), semaphore.waiting(), semaphore.permits()), (3, 0, 3));
}

#[test]
fn a_permit_goes_to_the_first_who_waits_and_not_to_who_comes_at_that_moment() {
    let (mut reactor, story) = (simulated(), Story::default());
    let semaphore = Semaphore::new(&reactor, 1);
    let permit = semaphore.try_acquire().unwrap();
    story.hear("first", semaphore.acquire());
    drop(permit);
    story.hear("second", semaphore.acquire());
    assert!(semaphore.try_acquire().is_none());
    settle(&mut reactor);
    assert_eq!(story.take(), ["first: Permit", "second: Permit"]);
    assert_eq!(semaphore.available(), 1);
}

#[test]
fn without_permits_everybody_waits_until_the_end() {
    let (mut reactor, story) = (simulated(), Story::default());
    let semaphore = Semaphore::new(&reactor, 0);
    story.hear("waits", semaphore.acquire());
    settle(&mut reactor);
    assert!(story.take().is_empty());
    drop(semaphore);
    settle(&mut reactor);
    let told = story.take();
    assert!(told[0].starts_with("waits: Abandoned"), "nobody can let it in any more: {told:?}");
}

#[test]
fn many_who_leave_the_line_cost_little() {
    let mut reactor = simulated();
    let semaphore = Semaphore::new(&reactor, 1);
    let permit = semaphore.try_acquire().unwrap();
    let mut waiting: Vec<_> = (0..100_000).map(|_| Some(semaphore.acquire())).collect();
    waiting.iter_mut().step_by(2).for_each(|waiting| drop(waiting.take()));
    assert_eq!(semaphore.waiting(), 50_000);
    drop(permit);
    drop(waiting);
    settle(&mut reactor);
    assert_eq!((semaphore.waiting(), semaphore.available(), reactor.stats().deferreds), (0, 1, 0));
}
