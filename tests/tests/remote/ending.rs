//! Calls when the reactor ends.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use lariat::{CloseReason, ErrorKind, MainLoop, Reactor, Remote, RemoteError};
use lariat_tests::faults::OnDrop;
use lariat_tests::harness::{Log, everywhere};

use super::ask;

thread_local! {
    /// The events on the loop's thread, which is the test's own.
    static HEARD: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

fn hear(what: &'static str) {
    HEARD.with_borrow_mut(|heard| heard.push(what));
}

/// The calls of one thread, which are numbered from 0.
#[derive(Default)]
struct Account {
    ran: AtomicUsize,
    /// One ran twice, or not in its turn, or not at all.
    wrong: AtomicBool,
}

/// Calls until it is refused. Returns how many calls were taken, and the refusal.
fn call_until_refused(remote: &Remote, account: &Arc<Account>) -> (usize, RemoteError) {
    let mut accepted = 0;
    loop {
        let account = account.clone();
        let call = move |_: &Reactor| {
            let number = account.ran.fetch_add(1, Ordering::Relaxed);
            account.wrong.fetch_or(number != accepted, Ordering::Relaxed);
        };
        match remote.call(call) {
            Ok(()) => accepted += 1,
            Err(refused) => return (accepted, refused),
        }
        if accepted.is_multiple_of(1000) {
            // Lest the queue grow for as long as the loop's thread has no processor.
            let _ = ask(remote, |_| ());
        }
    }
}

/// Ends a loop while threads call into it, and settles their accounts. Returns how many calls there were.
fn race(end: impl FnOnce(MainLoop, &Remote)) -> usize {
    let reactor = Reactor::new().expect("a loop is made");
    let remote = reactor.remote().expect("it runs");
    let accounts: [Arc<Account>; 3] = Default::default();
    let threads = accounts.clone().map(|account| {
        let remote = remote.clone();
        thread::spawn(move || call_until_refused(&remote, &account))
    });
    end(reactor, &remote);
    assert!(remote.is_ended());
    let mut calls = 0;
    for (account, thread) in accounts.into_iter().zip(threads) {
        let (accepted, refused) = thread.join().expect("it ends well");
        assert!(!account.wrong.load(Ordering::Relaxed), "each runs once, in its turn");
        assert_eq!(account.ran.load(Ordering::Relaxed), accepted, "what was taken has run, what was refused has not");
        // It is the very call that was refused.
        assert_eq!(refused.kind(), ErrorKind::ReactorEnded);
        refused.into_call()(&Reactor::new().expect("a loop is made"));
        assert_eq!(account.ran.load(Ordering::Relaxed), accepted + 1);
        assert!(!account.wrong.load(Ordering::Relaxed));
        calls += accepted;
    }
    calls
}

#[test]
fn calls_that_race_the_drop_of_the_loop_either_run_once_or_come_back() {
    let calls: usize = (0..1500).map(|_| race(|reactor, _| drop(reactor))).sum();
    assert!(calls > 0, "no thread was ever quick enough");
}

#[test]
fn calls_that_race_the_end_of_a_loop_that_takes_turns_either_run_once_or_come_back() {
    for round in 0..1000 {
        race(|mut reactor, _| {
            for _ in 0..round % 5 {
                reactor.turn((round % 2 == 0).then_some(Duration::ZERO)).unwrap();
            }
        });
    }
}

#[test]
fn calls_that_race_a_call_which_stops_the_loop_either_run_once_or_come_back() {
    for _ in 0..1000 {
        race(|reactor, remote| {
            remote.call(Reactor::stop).unwrap();
            reactor.run().unwrap();
        });
    }
}

#[test]
fn what_was_taken_runs_in_order_when_the_reactor_has_ended_and_the_connections_know_of_it() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().lost(|_| hear("lost")), client.probe());
        let remote = world.reactor.remote().unwrap();
        let transport = server.transport();
        // A timer is dropped without being run.
        let dropped = OnDrop::new(|| hear("timer dropped"));
        world.reactor.call_later(Duration::from_secs(1), move |_| drop(dropped));
        // More than run in two turns: the first call joins the loop's own queue behind them, and is there still when the loop ends.
        (0..3000).for_each(|_| drop(world.reactor.call_later(Duration::ZERO, |_| ())));
        world.turn(None);
        remote.call(|reactor| hear(if reactor.has_ended() { "first, ended" } else { "first, too early" })).unwrap();
        world.turn(None);
        remote.call(|_| panic!("on purpose")).unwrap();
        remote
            .call(|reactor| {
                assert_eq!(reactor.remote().map(drop).unwrap_err().kind(), ErrorKind::ReactorEnded);
                assert!(!reactor.call_later(Duration::ZERO, |_| hear("too late")).is_active());
                hear("second");
            })
            .unwrap();
        drop(world);
        assert_eq!(HEARD.take(), ["lost", "timer dropped", "first, ended", "second"]);
        assert!(!transport.is_open());
        assert!(remote.is_ended());
    });
}

#[test]
fn a_call_made_while_connections_are_told_of_the_end_still_runs_and_one_made_by_the_last_calls_does_not() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let remote = world.reactor.remote().unwrap();
        let last = remote.clone();
        let lost = move |_: &CloseReason| {
            let inner = last.clone();
            last.call(move |_| {
                hear("made in connection_lost");
                assert!(inner.is_ended());
                assert!(inner.call(|_| hear("made by one of the last calls")).is_err());
            })
            .unwrap();
        };
        world.pair(server.probe().lost(lost), client.probe());
        drop(world);
        assert_eq!(HEARD.take(), ["made in connection_lost"]);
        assert!(remote.call(|_| hear("made later")).is_err());
        assert!(HEARD.take().is_empty());
    });
}

#[test]
fn who_waits_for_an_answer_gets_one_or_an_error_when_the_reactor_ends() {
    for _ in 0..500 {
        let reactor = Reactor::new().unwrap();
        let remote = reactor.remote().unwrap();
        let thread = thread::spawn(move || while ask(&remote, |_| ()).is_some() {});
        drop(reactor);
        thread.join().unwrap();
    }
}

#[test]
fn an_ended_reactor_gives_no_remote() {
    everywhere(|world| {
        let reactor = world.reactor.clone();
        drop(world);
        assert_eq!(reactor.remote().map(drop).unwrap_err().kind(), ErrorKind::ReactorEnded);
    });
}

#[test]
fn a_refused_call_drops_what_it_owns_when_its_error_is_dropped() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    drop(reactor);
    let owned = Arc::new(());
    let theirs = owned.clone();
    let refused = remote.call(move |_| drop(theirs)).unwrap_err();
    assert_eq!(Arc::strong_count(&owned), 2);
    assert_eq!(refused.to_string(), "the reactor has ended, so it takes no call");
    let error = lariat::Error::from(refused);
    assert_eq!((error.kind(), Arc::strong_count(&owned)), (ErrorKind::ReactorEnded, 1));
}
