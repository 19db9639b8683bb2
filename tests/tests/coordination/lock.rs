//! One at a time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Failure, Lock, LockGuard, Reactor};
use lariat_tests::story::{Population, Story, settle};

/// Where a chain puts what it was given.
type Slot<T> = Rc<Cell<Option<T>>>;

fn keep<T: 'static>(deferred: Deferred<T>) -> Slot<T> {
    let slot = Slot::default();
    let ours = slot.clone();
    deferred.finish(move |result| ours.set(result.ok()));
    slot
}

#[test]
fn they_come_in_one_after_the_other_in_the_order_in_which_they_came() {
    let (mut reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    for number in 0..3 {
        let (handle, tell) = (Reactor::clone(&reactor), story.clone());
        let call = move || {
            tell.tell(format!("{number} in"));
            handle.sleep(Duration::from_secs(1)).map(move |()| tell.tell(format!("{number} out")))
        };
        lock.run(call).detach();
    }
    assert_eq!((lock.is_locked(), lock.waiting()), (true, 2));
    let stop = Reactor::clone(&reactor);
    lock.acquire().finish(move |_| stop.stop());
    while !story.take().contains(&"1 out".to_owned()) {
        reactor.turn(None).unwrap();
    }
    settle(&mut reactor);
    assert_eq!(story.take(), ["2 in"]);
    reactor.run().unwrap();
    assert_eq!(story.take(), ["2 out"]);
    assert!(!lock.is_locked());
}

#[test]
fn nothing_is_called_back_inside_acquire_or_release() {
    let (mut reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    let (first, second) = (keep(lock.acquire()), lock.acquire());
    settle(&mut reactor);
    story.hear("second", second);
    drop(first.take().unwrap());
    assert!(story.take().is_empty());
    assert!(lock.is_locked(), "it is the second one's");
    assert!(lock.try_acquire().is_none());
    settle(&mut reactor);
    assert_eq!(story.take(), ["second: LockGuard"]);
    assert!(!lock.is_locked());
    drop(lock.try_acquire().unwrap());
}

#[test]
fn whoever_leaves_the_line_is_passed_over_and_leaves_no_trace() {
    let (mut reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    let guard = lock.try_acquire().unwrap();
    let waiting: Vec<Deferred<LockGuard>> = (0..3).map(|_| lock.acquire()).collect();
    let mut waiting = waiting.into_iter();
    drop(waiting.next());
    assert_eq!(lock.waiting(), 2, "from that moment on");
    let second = waiting.next().unwrap();
    second.cancel();
    story.hear("second", second);
    // Their cancellers have not been called yet.
    drop(guard);
    story.hear("third", waiting.next().unwrap());
    settle(&mut reactor);
    assert_eq!(story.take(), ["third: LockGuard", "second: Cancelled, cancelled"]);
    assert_eq!((lock.is_locked(), lock.waiting(), reactor.stats().deferreds), (false, 0, 0));
}

#[test]
fn a_lock_that_was_given_to_somebody_who_went_away_is_free() {
    let mut reactor = simulated();
    let lock = Lock::new(&reactor);
    let free = lock.acquire();
    drop(free);
    settle(&mut reactor);
    assert!(!lock.is_locked());
    let guard = lock.try_acquire().unwrap();
    let waiting = lock.acquire();
    drop(guard);
    assert!(lock.is_locked());
    // It is on its way.
    drop(waiting);
    settle(&mut reactor);
    assert!(!lock.is_locked());
}

#[test]
fn a_task_that_was_woken_and_dropped_gives_it_back() {
    let mut reactor = simulated();
    let lock = Lock::new(&reactor);
    let guard = lock.try_acquire().unwrap();
    let mut task = lock.acquire();
    assert!(super::poll(&mut task).is_pending());
    drop(guard);
    settle(&mut reactor);
    assert!(task.is_settled() && lock.is_locked());
    drop(task);
    assert!(!lock.is_locked());
}

#[test]
fn run_gives_it_free_whatever_becomes_of_the_call() {
    let (mut reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    story.hear("value", lock.run(|| Ok::<_, Failure>(7)));
    story.hear("failure", lock.run(|| Err::<(), _>(Failure::new("no"))));
    story.hear("panic", lock.run(|| -> Deferred<()> { panic!("ouch") }));
    let never = story.clone();
    let handle = Reactor::clone(&reactor);
    let cancelled = lock.run(move || never.never::<()>(&handle, "call"));
    settle(&mut reactor);
    assert!(lock.is_locked());
    cancelled.cancel();
    story.hear("cancelled", cancelled);
    settle(&mut reactor);
    let all = [
        "value: 7",
        "failure: Error, no",
        "panic: Panicked, panicked: ouch",
        "call cancelled",
        "cancelled: Cancelled, cancelled",
    ];
    assert_eq!(story.take(), all);
    assert!(!lock.is_locked());
}

#[test]
fn a_call_that_was_cancelled_in_the_line_is_never_made() {
    let (mut reactor, story, population) = (simulated(), Story::default(), Population::default());
    let lock = Lock::new(&reactor);
    let guard = lock.try_acquire().unwrap();
    let alive = population.born();
    let heard = story.clone();
    let call = lock.run(move || {
        drop(alive);
        heard.tell("called");
    });
    drop(call);
    settle(&mut reactor);
    assert_eq!(population.count(), 0);
    drop(guard);
    settle(&mut reactor);
    assert!(!lock.is_locked() && story.take().is_empty());
}

#[test]
fn whoever_waits_when_the_reactor_ends_is_told_and_the_lock_can_still_be_dropped() {
    let (reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    let guard = lock.try_acquire().unwrap();
    for number in 0..3 {
        story.hear(&number.to_string(), lock.acquire());
    }
    drop(reactor);
    let told = story.take();
    assert!(told.len() == 3 && told.iter().all(|told| told.contains("Ended")), "{told:?}");
    assert_eq!(lock.waiting(), 0);
    drop(guard);
    assert!(!lock.is_locked());
    drop(lock.acquire());
    assert!(!lock.is_locked());
}

#[test]
fn a_timeout_leaves_the_line() {
    let (mut reactor, story) = (simulated(), Story::default());
    let lock = Lock::new(&reactor);
    let guard = lock.try_acquire().unwrap();
    story.hear("late", lock.acquire().timeout(Duration::from_secs(1)));
    reactor.turn(None).unwrap();
    settle(&mut reactor);
    assert_eq!(story.take(), ["late: TimedOut, no result within 1s"]);
    drop(guard);
    assert!(!lock.is_locked());
}
