//! Look-ups whose threads wait for the test.

use std::sync::{Condvar, Mutex};

use super::*;
use crate::reactor::MainLoop;

/// Threads stand here until it opens. It knows who has come by.
struct Gate {
    state: Mutex<(bool, Vec<String>)>,
    changed: Condvar,
}

impl Gate {
    const fn new() -> Self {
        Self { state: Mutex::new((false, Vec::new())), changed: Condvar::new() }
    }

    fn pass(&self, name: &str) -> Addresses {
        let mut state = self.state.lock().unwrap();
        state.1.push(name.to_owned());
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |(open, _)| !*open).unwrap());
        assert_ne!(name, "panics.test");
        Ok(vec!["192.0.2.1:0".parse().unwrap()])
    }

    fn open(&self) {
        self.state.lock().unwrap().0 = true;
        self.changed.notify_all();
    }

    /// Waits until so many have come, and gives their names.
    fn wait_for(&self, count: usize) -> Vec<String> {
        let state = self.changed.wait_while(self.state.lock().unwrap(), |(_, names)| names.len() < count).unwrap();
        state.1.clone()
    }
}

fn main_loop(ask: Ask) -> MainLoop {
    let main_loop = Reactor::new().unwrap();
    main_loop.extension::<Desk>().ask.set(ask);
    main_loop
}

fn look_up(reactor: &Reactor, name: impl AsRef<str>) -> Deferred<Answer> {
    Desk::ask(reactor, name.as_ref(), Family::V4)
}

fn kind(failure: Failure) -> ErrorKind {
    failure.downcast::<Error>().unwrap().kind()
}

#[test]
fn a_look_up_that_waits_is_taken_back_and_one_that_has_begun_is_not_heard() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let mut begun: Vec<_> = (0..THREADS).map(|number| look_up(&main_loop, format!("begun-{number}.test"))).collect();
    GATE.wait_for(THREADS);
    let mut waiting: Vec<_> = (0..3).map(|number| look_up(&main_loop, format!("waiting-{number}.test"))).collect();
    drop(begun.pop());
    drop(waiting.remove(1));
    main_loop.turn(Some(Duration::ZERO)).unwrap();
    let desk = main_loop.extension::<Desk>();
    assert_eq!(desk.waiting.with(|waiting| waiting.len()), THREADS + 1);
    GATE.open();
    let asked = begun.into_iter().chain(waiting);
    for answer in asked {
        assert_eq!(main_loop.block_on(answer).unwrap().unwrap().addresses.len(), 1);
    }
    let mut asked = GATE.wait_for(THREADS + 2);
    asked.sort();
    let expected = ["begun-0.test", "begun-1.test", "begun-2.test", "begun-3.test", "waiting-0.test", "waiting-2.test"];
    assert_eq!(asked, expected);
    assert_eq!(desk.waiting.with(|waiting| waiting.len()), 0);
}

#[test]
fn more_names_than_may_wait_are_refused_until_there_is_room() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let begun: Vec<_> = (0..THREADS).map(|number| look_up(&main_loop, format!("{number}.test"))).collect();
    GATE.wait_for(THREADS);
    let mut waiting: Vec<_> = (0..QUEUE).map(|number| look_up(&main_loop, format!("{number}.wait.test"))).collect();
    let refused = look_up(&main_loop, "one-too-many.test");
    let failure = main_loop.block_on(refused).unwrap().unwrap_err();
    assert!(failure.to_string().contains("256 wait for a thread"), "{failure}");
    assert_eq!(kind(failure), ErrorKind::ResourcesExhausted);
    drop(waiting.pop());
    main_loop.turn(Some(Duration::ZERO)).unwrap();
    waiting.push(look_up(&main_loop, "there-is-room.test"));
    GATE.open();
    for answer in begun.into_iter().chain(waiting) {
        assert_eq!(main_loop.block_on(answer).unwrap().unwrap().addresses.len(), 1);
    }
    assert!(!GATE.wait_for(THREADS + QUEUE).contains(&"one-too-many.test".to_owned()));
}

#[test]
fn a_thread_that_panics_fails_its_look_up_and_goes_on() {
    static GATE: Gate = Gate::new();
    GATE.open();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let panics = look_up(&main_loop, "panics.test");
    assert_eq!(kind(main_loop.block_on(panics).unwrap().unwrap_err()), ErrorKind::Io);
    let next = look_up(&main_loop, "next.test");
    assert!(main_loop.block_on(next).unwrap().is_ok());
}

#[test]
fn a_loop_ends_while_its_threads_are_held_up() {
    static GATE: Gate = Gate::new();
    let main_loop = main_loop(|name, _| GATE.pass(name));
    let answers: Vec<_> = (0..10).map(|number| look_up(&main_loop, format!("{number}.test"))).collect();
    GATE.wait_for(THREADS);
    drop(main_loop);
    assert!(answers.iter().all(Deferred::is_settled));
    answers.into_iter().for_each(|answer| answer.finish(|result| assert!(result.is_err())));
    GATE.open();
    // Those that waited were dropped with the loop.
    assert_eq!(GATE.wait_for(THREADS).len(), THREADS);
}
