//! Threads that wait for the loop.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{Deferred, Error, ErrorKind, Failure, FailureKind, Reactor};

use super::{guard, is_gone, wait};

#[test]
fn a_job_may_ask_the_loop_and_wait() {
    let mut reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let here = thread::current().id();
    let asked =
        reactor.try_defer_to_thread(move || remote.blocking_call(|reactor| (thread::current().id(), reactor.stats())));
    let (there, stats) = wait(&mut reactor, asked).unwrap();
    assert_eq!(there, here);
    assert_eq!((stats.threads, stats.idle_threads), (1, 0));
}

#[test]
fn a_thread_may_wait_for_a_deferred_a_result_or_nothing() {
    let mut reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let asked = reactor.try_defer_to_thread(move || {
        let slept = remote.blocking_defer(|reactor| reactor.sleep(Duration::from_millis(1)).map(|()| 1))?;
        let number = remote.blocking_defer(|_| "2".parse::<u32>())?;
        remote.blocking_defer(|_| ())?;
        Ok::<_, Failure>((slept, number))
    });
    assert_eq!(wait(&mut reactor, asked).unwrap(), (1, 2));
}

#[test]
fn what_fails_or_panics_on_the_loop_fails_for_who_asked() {
    let mut reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let asked = reactor.defer_to_thread(move || {
        [
            remote.blocking_defer(|_| "x".parse::<u32>()).unwrap_err(),
            remote.blocking_defer(|_| -> Result<u32, Failure> { panic!("a") }).unwrap_err(),
            remote.blocking_call(|_| -> u32 { panic!("b") }).unwrap_err(),
            remote.blocking_defer(|reactor| Deferred::<()>::new(reactor).1).unwrap_err(),
        ]
        .map(|failure| failure.kind())
    });
    let kinds = [FailureKind::Error, FailureKind::Panicked, FailureKind::Panicked, FailureKind::Abandoned];
    assert_eq!(wait(&mut reactor, asked).unwrap(), kinds);
}

#[test]
fn on_the_loops_own_thread_it_is_refused_at_once() {
    let mut reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let check = move |remote: &lariat::Remote| {
        let (kept, gone) = guard();
        let refused = remote.blocking_call(move |_| drop(kept)).unwrap_err();
        assert_eq!(refused.downcast_ref::<Error>().unwrap().kind(), ErrorKind::Deadlock);
        assert!(is_gone(&gone), "the call is dropped");
        let refused = remote.blocking_defer(|_| ()).unwrap_err();
        assert_eq!(refused.downcast_ref::<Error>().unwrap().kind(), ErrorKind::Deadlock);
    };
    check(&remote);
    let inside = Deferred::succeed(&reactor, ()).map(move |()| check(&remote));
    wait(&mut reactor, inside).unwrap();
}

#[test]
fn a_reactor_that_has_ended_is_not_waited_for() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    drop(reactor);
    let thread = thread::spawn(move || [remote.blocking_call(|_| ()), remote.blocking_defer(|_| ())]);
    for refused in thread.join().unwrap() {
        assert_eq!(refused.unwrap_err().kind(), FailureKind::Ended);
    }
}

#[test]
fn a_reactor_that_ends_meanwhile_tells_who_waits_and_runs_nothing_more() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let (kept, gone) = guard();
    let thread = thread::spawn(move || remote.blocking_call(move |_| kept.send(()).is_ok()));
    while reactor.stats().calls == 0 {
        thread::yield_now();
    }
    drop(reactor);
    assert_eq!(thread.join().unwrap().unwrap_err().kind(), FailureKind::Ended);
    assert!(is_gone(&gone), "it has not run");
}

#[test]
fn a_thread_that_waits_for_a_deferred_is_told_when_the_reactor_ends() {
    for run in [true, false] {
        let mut reactor = Reactor::new().unwrap();
        reactor.set_drain_timeout(Duration::ZERO);
        let remote = reactor.remote().unwrap();
        let (sender, asked) = channel();
        let thread = thread::spawn(move || {
            remote.blocking_defer(move |reactor| {
                let (resolver, never) = Deferred::<()>::new(reactor);
                let never = never.map(move |()| drop(resolver));
                sender.send(()).expect("somebody waits");
                reactor.stop();
                never
            })
        });
        if run {
            reactor.run().unwrap();
        } else {
            while asked.try_recv().is_err() {
                reactor.turn(None).unwrap();
            }
            drop(reactor);
        }
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), FailureKind::Ended);
    }
}

#[test]
fn a_job_that_asks_a_reactor_that_has_ended_goes_on() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let ((begin, begun), (sender, answers)) = (channel(), channel());
    let (proceed, may_proceed) = channel::<()>();
    reactor
        .defer_to_thread(move || {
            begin.send(()).expect("somebody waits");
            assert!(may_proceed.recv().is_err());
            sender.send(remote.blocking_call(|_| ()).map_err(|failure| failure.kind())).expect("somebody waits");
        })
        .detach();
    begun.recv().unwrap();
    drop(reactor);
    drop(proceed);
    assert_eq!(answers.recv().unwrap(), Err(FailureKind::Ended));
}

#[test]
fn many_threads_may_wait_at_a_time() {
    let mut reactor = Reactor::new().unwrap();
    let jobs = (0..40_u64).map(|number| {
        let remote = reactor.remote().unwrap();
        reactor.try_defer_to_thread(move || {
            let answers = (0..50).map(|_| remote.blocking_call(move |_| number));
            answers.sum::<Result<u64, Failure>>()
        })
    });
    let all = Deferred::gather(&reactor, jobs.collect::<Vec<_>>());
    let sums = wait(&mut reactor, all).unwrap();
    assert_eq!(sums, (0..40).map(|number| number * 50).collect::<Vec<_>>());
}

#[test]
fn a_simulated_loop_waits_for_its_threads_and_no_longer() {
    let reactor = simulated();
    let heard = Rc::new(Cell::new(0));
    let hear = heard.clone();
    reactor.defer_to_thread(|| (1..=100).sum::<u64>()).finish(move |sum| hear.set(sum.expect("it is done")));
    let error = reactor.run().expect_err("nobody stops it");
    assert!(error.to_string().contains("nothing is left"), "{error}");
    assert_eq!(heard.get(), 5050);
}
