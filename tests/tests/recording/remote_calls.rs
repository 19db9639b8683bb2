//! Calls from other threads in a recording.

use std::cell::Cell;
use std::future::poll_fn;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{ErrorKind, Reactor};
use lariat_tests::downstream::Shared;

use crate::journal::Journal;
use crate::{place, recorded};

/// Records five calls from another thread, of which the last stops the loop, with a timer among them.
fn record_calls(path: &Path) -> Vec<String> {
    let reactor = recorded(path);
    let journal = Journal::new(&reactor);
    let remote = reactor.remote().unwrap();
    let thread = thread::spawn(move || {
        let (ran, runs) = mpsc::channel();
        for number in 1..=5 {
            let ran = ran.clone();
            let call = move |reactor: &Reactor| {
                let journal = NOTED.with(|journal| journal.with(|journal| journal.clone().unwrap()));
                effect(reactor, &journal, number, move || {
                    let _ = ran.send(());
                });
            };
            remote.call(call).unwrap();
            runs.recv().unwrap();
        }
    });
    NOTED.with(|noted| noted.with(|noted| *noted = Some(journal.clone())));
    reactor.run().unwrap();
    thread.join().unwrap();
    journal.notes()
}

thread_local! {
    /// What calls from other threads, which have to be `Send`, find their way by.
    static NOTED: Shared<Option<Journal>> = Shared::default();
}

/// What a call does, and what follows it: the third is over when a timer has fired.
fn effect(reactor: &Reactor, journal: &Journal, number: u64, then: impl FnOnce() + 'static) {
    journal.note(reactor, format_args!("call {number}"));
    if number == 3 {
        let journal = journal.clone();
        reactor.call_later(Duration::from_millis(10), move |reactor| {
            journal.note(reactor, "the timer");
            then();
        });
        return;
    }
    if number == 5 {
        reactor.stop();
    }
    then();
}

#[test]
fn calls_come_in_their_places_with_what_the_hook_does() {
    let (_scratch, path) = place();
    let noted = record_calls(&path);
    assert_eq!(noted.len(), 6);
    let mut again = None;
    let replayed = Simulation::replay(&path, |replay| {
        let journal = Journal::new(replay.reactor());
        again = Some(journal.clone());
        replay.reactor().remote()?;
        replay.on_remote_call(move |number, reactor| effect(reactor, &journal, number, || {}));
        Ok(())
    });
    assert!(replayed.unwrap().is_complete);
    assert_eq!(again.unwrap().notes(), noted);
}

#[test]
fn without_a_hook_the_replay_stops_at_the_first_call_and_names_it() {
    let (_scratch, path) = place();
    record_calls(&path);
    let error = Simulation::replay(&path, |replay| {
        Journal::new(replay.reactor());
        replay.reactor().remote().map(drop)
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("call 1 from another thread"), "{error}");
    assert!(error.to_string().contains("on_remote_call"), "{error}");
}

#[test]
fn a_hook_that_does_something_else_departs() {
    let (_scratch, path) = place();
    record_calls(&path);
    let error = Simulation::replay(&path, |replay| {
        Journal::new(replay.reactor());
        replay.reactor().remote()?;
        replay.on_remote_call(|_, _| {});
        Ok(())
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Violated, "{error}");
}

#[test]
fn what_threads_call_during_a_replay_is_dropped_unheard() {
    let (_scratch, path) = place();
    let noted = record_calls(&path);
    let mut again = None;
    let mut remote = None;
    Simulation::replay(&path, |replay| {
        let journal = Journal::new(replay.reactor());
        again = Some(journal.clone());
        let caller = replay.reactor().remote()?;
        caller.call(|_| panic!("nobody was to hear this"))?;
        remote = Some(caller);
        replay.on_remote_call(move |number, reactor| effect(reactor, &journal, number, || {}));
        Ok(())
    })
    .map(|replayed| assert_eq!(replayed.panics, [] as [String; 0]))
    .unwrap();
    assert_eq!(again.unwrap().notes(), noted);
    assert!(remote.unwrap().is_ended());
}

#[test]
fn a_call_that_came_too_late_is_replayed_after_the_end() {
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    reactor.remote().unwrap().call(|reactor| assert!(reactor.has_ended())).unwrap();
    drop(reactor);
    let ended = Rc::new(Cell::new(false));
    let seen = ended.clone();
    Simulation::replay(&path, |replay| {
        replay.on_remote_call(move |_, reactor| seen.set(reactor.has_ended()));
        replay.reactor().remote().map(drop)
    })
    .unwrap();
    assert!(ended.get());
}

/// Goes on once another thread has woken it, and then stops the loop. `asleep` is told its waker.
fn sleeper(reactor: &Reactor, journal: &Journal, asleep: impl Fn(Waker) + 'static) {
    let (stopping, journal, mut polls) = (reactor.clone(), journal.clone(), 0);
    let future = poll_fn(move |context| {
        polls += 1;
        journal.note(&stopping, format_args!("poll {polls}"));
        if polls == 1 {
            asleep(context.waker().clone());
            return Poll::Pending;
        }
        stopping.stop();
        Poll::Ready(())
    });
    reactor.spawn(future).detach();
}

#[test]
fn a_task_that_another_thread_woke_goes_on_where_it_did() {
    let (_scratch, path) = place();
    let reactor = recorded(&path);
    let journal = Journal::new(&reactor);
    let (tell, told) = mpsc::channel();
    let thread = thread::spawn(move || told.recv().map(Waker::wake));
    sleeper(&reactor, &journal, move |waker| tell.send(waker).unwrap());
    reactor.run().unwrap();
    thread.join().unwrap().unwrap();
    let noted = journal.notes();
    assert_eq!(noted.len(), 2, "{noted:#?}");
    let mut again = None;
    let replayed = Simulation::replay(&path, |replay| {
        let journal = Journal::new(replay.reactor());
        again = Some(journal.clone());
        sleeper(replay.reactor(), &journal, drop);
        Ok(())
    });
    assert!(replayed.unwrap().is_complete);
    assert_eq!(again.unwrap().notes(), noted);
}
