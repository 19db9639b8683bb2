//! Giving up on jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use lariat::Reactor;

use super::{guard, hold, is_gone, settle, wait};

#[test]
fn a_job_that_waits_is_never_begun_once_it_is_cancelled() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, first) = hold(&reactor, ());
    let ran = Arc::new(AtomicBool::new(false));
    let (run, (kept, gone)) = (ran.clone(), guard());
    let second = reactor.defer_to_thread(move || {
        drop(kept);
        run.store(true, Ordering::SeqCst);
    });
    second.cancel();
    let failure = wait(&mut reactor, second).unwrap_err();
    assert!(failure.is_cancelled(), "{failure}");
    assert!(is_gone(&gone), "its closure is dropped");
    assert_eq!(reactor.stats().queued_jobs, 0);
    drop(held);
    wait(&mut reactor, first).unwrap();
    let third = reactor.defer_to_thread(|| ());
    wait(&mut reactor, third).unwrap();
    assert!(!ran.load(Ordering::SeqCst));
    assert_eq!(reactor.stats().done_jobs, 2);
}

#[test]
fn dropping_the_deferred_cancels_and_detaching_it_does_not() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, first) = hold(&reactor, ());
    let (dropped, detached) = (guard(), guard());
    drop(reactor.defer_to_thread(move || drop(dropped.0)));
    reactor.defer_to_thread(move || drop(detached.0)).detach();
    settle(&mut reactor);
    assert!(is_gone(&dropped.1));
    assert!(!is_gone(&detached.1));
    assert_eq!(reactor.stats().queued_jobs, 1);
    drop(held);
    wait(&mut reactor, first).unwrap();
    assert!(detached.1.recv().is_err(), "it was done");
}

#[test]
fn what_is_cancelled_makes_room_in_the_queue() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    reactor.set_thread_queue_limit(1);
    let (held, first) = hold(&reactor, ());
    for _ in 0..1000 {
        let waiting = reactor.defer_to_thread(|| ());
        assert!(!waiting.is_settled(), "there was no room");
        drop(waiting);
        settle(&mut reactor);
    }
    let last = reactor.defer_to_thread(|| 5);
    drop(held);
    wait(&mut reactor, first).unwrap();
    assert_eq!(wait(&mut reactor, last).unwrap(), 5);
    assert_eq!(reactor.stats().done_jobs, 2);
}

/// Says on which thread it is dropped.
struct Dropped(Sender<ThreadId>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send(thread::current().id()).expect("somebody waits");
    }
}

#[test]
fn a_job_that_runs_is_cancelled_at_once_and_its_value_is_dropped_on_the_loop() {
    let mut reactor = Reactor::new().unwrap();
    let (sender, dropped) = channel();
    let (held, running) = hold(&reactor, Dropped(sender));
    running.cancel();
    let failure = wait(&mut reactor, running).map(drop).unwrap_err();
    assert!(failure.is_cancelled());
    assert_eq!((reactor.stats().idle_threads, reactor.stats().done_jobs), (0, 0), "it runs on");
    drop(held);
    while reactor.stats().done_jobs == 0 || reactor.stats().calls > 0 {
        reactor.turn(Some(Duration::from_secs(1))).unwrap();
    }
    let at = loop {
        reactor.turn(Some(Duration::ZERO)).unwrap();
        if let Ok(at) = dropped.try_recv() {
            break at;
        }
        thread::yield_now();
    };
    assert_eq!(at, thread::current().id());
}
