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
        drop(self.changed.wait_while(state, |(open, _)| !*open && !name.starts_with("good.")).unwrap());
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

/// Looks up a name of each of `count` domains.
fn hold_threads(reactor: &Reactor, gate: &Gate, count: usize) -> Vec<Deferred<Answer>> {
    let begun = (0..count).map(|number| look_up(reactor, format!("{number}.test"))).collect();
    gate.wait_for(count);
    begun
}

#[test]
fn a_look_up_that_waits_is_taken_back_and_one_that_runs_goes_on() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let mut begun = hold_threads(&main_loop, &GATE, THREADS);
    let mut waiting: Vec<_> = (0..3).map(|number| look_up(&main_loop, format!("waiting-{number}.test"))).collect();
    drop(begun.pop());
    drop(waiting.remove(1));
    main_loop.turn(Some(Duration::ZERO)).unwrap();
    let desk = main_loop.extension::<Desk>();
    assert_eq!(desk.asked.with(|asked| asked.len()), THREADS + 2);
    GATE.open();
    for answer in begun.into_iter().chain(waiting) {
        assert_eq!(main_loop.block_on(answer).unwrap().unwrap().addresses.len(), 1);
    }
    let asked = GATE.wait_for(THREADS + 2);
    assert!(asked.contains(&"waiting-0.test".to_owned()) && !asked.contains(&"waiting-1.test".to_owned()));
    // The answer that was cancelled may still be on its way.
    assert!(desk.asked.with(|asked| asked.values().all(|question| question.waiters.is_empty())));
}

#[test]
fn silent_names_of_one_domain_do_not_hold_up_another_one() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let held: Vec<_> = (0..QUEUE).map(|number| look_up(&main_loop, format!("{number}.Silent.test"))).collect();
    let good = look_up(&main_loop, "good.other.test");
    assert_eq!(main_loop.block_on(good).unwrap().unwrap().addresses.len(), 1);
    let asked = GATE.wait_for(THREADS / 2 + 1);
    assert_eq!(asked.iter().filter(|name| name.ends_with(".Silent.test")).count(), THREADS / 2);
    // Cancelled, they go on: the threads are still not to be had.
    drop(held);
    main_loop.turn(Some(Duration::ZERO)).unwrap();
    let good = look_up(&main_loop, "good.third.test");
    assert_eq!(main_loop.block_on(good).unwrap().unwrap().addresses.len(), 1);
    GATE.open();
}

#[test]
fn silent_names_of_ten_domains_leave_a_thread_for_another() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let all = |number: usize| format!("{number}.domain-{}.test", number % 10);
    let _held: Vec<_> = (0..200).map(|number| look_up(&main_loop, all(number))).collect();
    let good = look_up(&main_loop, "good.other.test");
    assert_eq!(main_loop.block_on(good).unwrap().unwrap().addresses.len(), 1);
    GATE.open();
}

#[test]
fn a_name_that_is_asked_again_and_again_holds_one_thread() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    for _ in 0..100 {
        drop(look_up(&main_loop, "again.test"));
        main_loop.turn(Some(Duration::ZERO)).unwrap();
    }
    let (one, two) = (look_up(&main_loop, "again.test"), look_up(&main_loop, "AGAIN.test"));
    GATE.wait_for(1);
    GATE.open();
    assert!(main_loop.block_on(one).unwrap().is_ok() && main_loop.block_on(two).unwrap().is_ok());
    assert_eq!(GATE.wait_for(1), ["again.test"]);
}

#[test]
fn more_names_than_may_wait_are_refused_with_the_cause() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let begun = hold_threads(&main_loop, &GATE, THREADS);
    let mut waiting: Vec<_> = (0..QUEUE).map(|number| look_up(&main_loop, format!("{number}-wait.test"))).collect();
    let refused = look_up(&main_loop, "one-too-many.test");
    let failure = main_loop.block_on(refused).unwrap().unwrap_err();
    let said = failure.to_string();
    assert!(said.contains("256 wait for a thread"), "{said}");
    let cause =
        "all 32 look-up threads are waiting for the system's resolver: names `0.test`, `1.test`, `2.test` and 29 more";
    assert!(said.contains(cause), "{said}");
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
fn one_domain_does_not_fill_the_queue() {
    static GATE: Gate = Gate::new();
    let mut main_loop = main_loop(|name, _| GATE.pass(name));
    let mut held: Vec<_> = (0..1000).map(|number| look_up(&main_loop, format!("{number}.silent.test"))).collect();
    let failure = main_loop.block_on(held.pop().unwrap()).unwrap().unwrap_err();
    let said = failure.to_string();
    assert!(
        said.contains("128 wait for a thread (128 of them in `silent.test`), and the 16 look-up threads"),
        "{said}"
    );
    let others: Vec<_> = (0..50).map(|number| look_up(&main_loop, format!("{number}.test"))).collect();
    main_loop.turn(Some(Duration::ZERO)).unwrap();
    assert!(others.iter().all(|other| !other.is_settled()));
    GATE.open();
}

#[cfg(feature = "testing")]
#[test]
fn a_name_that_waits_too_long_for_a_thread_fails_with_the_cause() {
    static GATE: Gate = Gate::new();
    let clock = crate::testing::VirtualClock::new();
    let reactor: &Reactor = &clock;
    reactor.extension::<Desk>().ask.set(|name, _| GATE.pass(name));
    let begun = hold_threads(reactor, &GATE, THREADS);
    let waits = look_up(reactor, "late.test");
    clock.advance(QUEUE_TIME.saturating_sub(Duration::from_millis(1)));
    assert!(!waits.is_settled());
    clock.advance(Duration::from_millis(1));
    waits.finish(|result| {
        let failure = result.unwrap_err();
        let said = failure.to_string();
        assert!(said.contains("`late.test` has waited 10 s to be looked up: all 32 look-up threads"), "{said}");
        assert_eq!(kind(failure), ErrorKind::NameUnavailable);
    });
    clock.advance(Duration::ZERO);
    assert!(begun.iter().all(|begun| !begun.is_settled()));
    drop(begun);
    GATE.open();
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
    let answers: Vec<_> = (0..2 * THREADS).map(|number| look_up(&main_loop, format!("{number}.test"))).collect();
    GATE.wait_for(THREADS);
    drop(main_loop);
    assert!(answers.iter().all(Deferred::is_settled));
    answers.into_iter().for_each(|answer| answer.finish(|result| assert!(result.is_err())));
    GATE.open();
    // Those that waited were dropped with the loop.
    assert_eq!(GATE.wait_for(THREADS).len(), THREADS);
}
