//! Threads that call into a simulated loop.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lariat::Reactor;
use lariat::testing::simulated;

use super::ask;

#[test]
fn a_simulated_loop_without_anything_else_to_do_waits_for_threads_to_call() {
    let reactor = simulated();
    let remote = reactor.remote().unwrap();
    let begun = reactor.now();
    let now = reactor.clone();
    let thread = thread::spawn(move || {
        let answers = (0..1000).filter(|_| ask(&remote, |_| ()).is_some()).count();
        remote.call(Reactor::stop).unwrap();
        answers
    });
    reactor.run().unwrap();
    assert_eq!(thread.join().unwrap(), 1000);
    // No time passes meanwhile, but what a loop that is never idle takes by the turn.
    assert!(now.now() - begun < Duration::from_millis(10), "{:?} passed", now.now() - begun);
}

#[test]
fn a_simulated_loop_fails_once_no_thread_can_call_any_more() {
    let reactor = simulated();
    let remote = reactor.remote().unwrap();
    let (sender, receiver) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        ask(&remote, move |_| drop(sender)).unwrap();
        drop(remote);
    });
    let error = reactor.run().expect_err("nobody stops it");
    assert!(error.to_string().contains("nothing is left"), "{error}");
    assert!(receiver.recv().is_err());
    thread.join().unwrap();
}

#[test]
fn simulated_time_does_not_wait_for_threads() {
    let mut reactor = simulated();
    let remote = reactor.remote().unwrap();
    let fired = Rc::new(Cell::new(false));
    let set_fired = fired.clone();
    reactor.call_later(Duration::from_secs(3600), move |_| set_fired.set(true));
    while !fired.get() {
        reactor.turn(None).unwrap();
    }
    assert!(!remote.is_ended());
}

#[test]
fn what_was_called_before_the_clock_moves_runs_before_it_does() {
    let mut reactor = simulated();
    let remote = reactor.remote().unwrap();
    let late = reactor.call_later(Duration::from_secs(1), |_| ());
    let begun = reactor.now();
    let (sender, receiver) = mpsc::channel();
    remote.call(move |reactor| sender.send(reactor.now()).unwrap()).unwrap();
    reactor.turn(None).unwrap();
    assert_eq!(receiver.recv().unwrap(), begun);
    assert!(late.is_active());
}
