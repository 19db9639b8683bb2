//! The life of a job.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use lariat::{Cores, Deferred, Error, ErrorKind, Reactor};

use super::{guard, hold, is_gone, wait};

#[test]
fn a_job_runs_on_another_thread_and_its_value_comes_to_the_loop() {
    let mut reactor = Reactor::new().unwrap();
    assert_eq!(reactor.stats().threads, 0, "threads are started when there is a job");
    let here = thread::current().id();
    let there = reactor.defer_to_thread(|| thread::current().id()).map(move |id| (id, thread::current().id()));
    let (there, callback) = wait(&mut reactor, there).unwrap();
    assert_ne!(there, here);
    assert_eq!(callback, here);
}

#[test]
fn results_that_came_in_time_are_not_overtaken_by_their_timeouts() {
    // More than the loop takes from other threads in one turn.
    const JOBS: usize = 3_000;
    let mut reactor = Reactor::new().unwrap();
    let results = (0..JOBS).map(|job| reactor.defer_to_thread(move || job).timeout(Duration::from_millis(1)));
    let results: Vec<_> = results.collect();
    let all = Deferred::gather(&reactor, results);
    // The loop is busy until all results have arrived, and then until all limits have passed.
    while reactor.stats().calls < JOBS {
        thread::yield_now();
    }
    let late = reactor.now() + Duration::from_millis(3);
    while reactor.now() < late {}
    let values = wait(&mut reactor, all).expect("no job has timed out");
    assert!(values.into_iter().eq(0..JOBS));
}

#[test]
fn an_error_fails_the_deferred_and_keeps_its_type() {
    let mut reactor = Reactor::new().unwrap();
    let failing = reactor.try_defer_to_thread(|| Err::<(), _>(io::Error::other("no disk")));
    let failure = wait(&mut reactor, failing).unwrap_err();
    assert_eq!(failure.downcast_ref::<io::Error>().unwrap().to_string(), "no disk");
    let number = reactor.try_defer_to_thread(|| "7".parse::<u32>());
    assert_eq!(wait(&mut reactor, number).unwrap(), 7);
}

#[test]
fn a_job_that_panics_is_a_failure_and_its_thread_goes_on() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let first = reactor.defer_to_thread(|| thread::current().id());
    let first = wait(&mut reactor, first).unwrap();
    let panicking = reactor.defer_to_thread(|| -> u32 { panic!("oh dear") });
    let failure = wait(&mut reactor, panicking).unwrap_err();
    assert!(failure.is_panicked());
    let words = failure.to_string();
    assert!(words.contains("oh dear") && words.contains("a_job_that_panics"), "{words}");
    let second = reactor.defer_to_thread(|| thread::current().id());
    assert_eq!(wait(&mut reactor, second).unwrap(), first);
    assert_eq!((reactor.stats().threads, reactor.stats().done_jobs), (1, 3));
}

#[test]
fn jobs_that_come_one_at_a_time_need_a_single_thread() {
    let mut reactor = Reactor::new().unwrap();
    for number in 0..200 {
        let job = reactor.defer_to_thread(move || number);
        assert_eq!(wait(&mut reactor, job).unwrap(), number);
        assert_eq!((reactor.stats().threads, reactor.stats().idle_threads), (1, 1));
    }
    assert_eq!(reactor.stats().done_jobs, 200);
}

#[test]
fn there_are_as_many_threads_as_there_may_be_and_no_more() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(3);
    let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let together = Arc::new(Barrier::new(3));
    let jobs = (0..30).map(|_| {
        let (at_work, most, together) = (at_work.clone(), most.clone(), together.clone());
        reactor.defer_to_thread(move || {
            most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The barrier opens only for three jobs at a time.
            together.wait();
            at_work.fetch_sub(1, Ordering::SeqCst);
        })
    });
    let all = Deferred::gather(&reactor, jobs.collect::<Vec<_>>());
    assert_eq!(wait(&mut reactor, all).unwrap().len(), 30);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!((reactor.stats().threads, reactor.stats().done_jobs), (3, 30));
}

#[test]
fn jobs_begin_in_the_order_in_which_they_came() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, first) = hold(&reactor, ());
    first.detach();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut last = None;
    for number in 0..100 {
        let order = order.clone();
        let job = reactor.defer_to_thread(move || order.lock().unwrap().push(number));
        if let Some(earlier) = last.replace(job) {
            earlier.detach();
        }
    }
    assert_eq!((reactor.stats().queued_jobs, reactor.stats().idle_threads), (100, 0));
    drop(held);
    wait(&mut reactor, last.unwrap()).unwrap();
    assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    assert_eq!(reactor.stats().queued_jobs, 0);
}

#[test]
fn a_job_for_which_the_queue_has_no_room_fails_at_once() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    reactor.set_thread_queue_limit(2);
    let (held, first) = hold(&reactor, 1);
    let second = reactor.defer_to_thread(|| 2);
    let third = reactor.defer_to_thread(|| 3);
    let (kept, gone) = guard();
    let refused = reactor.defer_to_thread(move || drop(kept));
    assert!(is_gone(&gone), "its closure is dropped");
    let failure = wait(&mut reactor, refused).unwrap_err();
    assert_eq!(failure.downcast_ref::<Error>().unwrap().kind(), ErrorKind::ResourcesExhausted);
    assert!(failure.to_string().contains("2 jobs wait"), "{failure}");
    drop(held);
    let all = Deferred::gather(&reactor, vec![first, second, third]);
    assert_eq!(wait(&mut reactor, all).unwrap(), [1, 2, 3]);
}

#[test]
fn without_a_queue_a_job_is_taken_while_a_thread_is_free_for_it() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(2);
    reactor.set_thread_queue_limit(0);
    for _ in 0..20 {
        let (held, first) = hold(&reactor, ());
        let (held_too, second) = hold(&reactor, ());
        let third = reactor.defer_to_thread(|| ());
        assert!(wait(&mut reactor, third).is_err());
        drop((held, held_too));
        wait(&mut reactor, first).unwrap();
        wait(&mut reactor, second).unwrap();
    }
}

#[test]
fn a_job_may_be_followed_by_another_on_the_only_thread() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let handle = Reactor::clone(&reactor);
    let chain = reactor.defer_to_thread(|| 6).and_then(move |six| handle.defer_to_thread(move || six * 7));
    assert_eq!(wait(&mut reactor, chain).unwrap(), 42);
    assert_eq!(reactor.stats().threads, 1);
}

#[test]
fn a_job_may_give_the_reactor_another_and_wait_for_it() {
    let mut reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let outer = reactor.try_defer_to_thread(move || {
        let inner = remote.blocking_defer(|reactor| reactor.defer_to_thread(|| thread::current().id()))?;
        Ok::<_, lariat::Failure>((inner, thread::current().id()))
    });
    let (inner, outer) = wait(&mut reactor, outer).unwrap();
    assert_ne!(inner, outer);
}

#[test]
fn jobs_that_wait_get_threads_when_there_may_be_more() {
    let mut reactor = Reactor::new().unwrap();
    reactor.set_thread_limit(1);
    let (held, first) = hold(&reactor, ());
    let second = reactor.defer_to_thread(|| 2);
    assert_eq!(reactor.stats().threads, 1);
    reactor.set_thread_limit(2);
    assert_eq!(wait(&mut reactor, second).unwrap(), 2);
    assert_eq!(reactor.stats().threads, 2);
    drop(held);
    wait(&mut reactor, first).unwrap();
}

#[test]
fn threads_that_are_too_many_end() {
    let mut reactor = Reactor::new().unwrap();
    let together = Arc::new(Barrier::new(4));
    let jobs = (0..4).map(|_| {
        let together = together.clone();
        reactor.defer_to_thread(move || together.wait().is_leader())
    });
    let all = Deferred::gather(&reactor, jobs.collect::<Vec<_>>());
    wait(&mut reactor, all).unwrap();
    assert_eq!(reactor.stats().threads, 4);
    reactor.set_thread_limit(0);
    while reactor.stats().threads > 1 {
        thread::yield_now();
    }
    let (held, first) = hold(&reactor, ());
    let second = reactor.defer_to_thread(|| ());
    assert_eq!((reactor.stats().threads, reactor.stats().queued_jobs), (1, 1), "one is always there");
    drop(held);
    wait(&mut reactor, first).unwrap();
    wait(&mut reactor, second).unwrap();
}

#[test]
fn cores_count_the_threads_and_jobs_of_all() {
    let (sender, done) = std::sync::mpsc::channel();
    let cores = Cores::start(2, move |_, reactor| {
        let sender = sender.clone();
        reactor.defer_to_thread(|| ()).finish(move |result| sender.send(result.is_ok()).expect("somebody waits"));
        Ok(())
    })
    .unwrap();
    assert_eq!((done.recv(), done.recv()), (Ok(true), Ok(true)));
    let stats = cores.stats();
    assert_eq!((stats.threads, stats.done_jobs, stats.queued_jobs), (2, 2, 0));
    cores.stop();
    assert_eq!(cores.join().unwrap().done_jobs, 2);
}
