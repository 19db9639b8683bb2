//! Calls while the loop runs.

use std::cell::RefCell;
use std::thread;
use std::time::Duration;

use lariat::{Reactor, Remote};
use lariat_tests::downstream::Shared;
use lariat_tests::faults::Records;
use lariat_tests::harness::{Log, World, everywhere, over_tcp};

use super::ask;

thread_local! {
    /// The notes of calls on the loop's thread, which is the test's own.
    static HEARD: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
}

fn hear(thread: usize, number: usize) {
    HEARD.with_borrow_mut(|heard| heard.push((thread, number)));
}

#[test]
fn calls_of_one_thread_run_in_the_order_in_which_it_made_them() {
    const THREADS: usize = 4;
    const CALLS: usize = 5000;
    for _ in 0..5 {
        let reactor = Reactor::new().unwrap();
        let remote = reactor.remote().unwrap();
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let remote = remote.clone();
                thread::spawn(move || {
                    for number in 0..CALLS {
                        remote.call(move |_| hear(thread, number)).unwrap();
                    }
                })
            })
            .collect();
        // Made once all others have been.
        let last = thread::spawn(move || {
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            remote.call(Reactor::stop).unwrap();
        });
        reactor.run().unwrap();
        last.join().unwrap();
        let heard = HEARD.take();
        for thread in 0..THREADS {
            let numbers = heard.iter().filter(|(by, _)| *by == thread).map(|(_, number)| *number);
            assert!(numbers.eq(0..CALLS), "thread {thread} is out of order");
        }
        assert_eq!(heard.len(), THREADS * CALLS);
    }
}

#[test]
fn a_sleeping_loop_is_woken_for_every_call_that_it_is_asked() {
    let reactor = Reactor::new().unwrap();
    let remote = reactor.remote().unwrap();
    let thread = thread::spawn(move || {
        // A wake-up that is lost is a test that hangs.
        let answers = (0..20_000).filter(|_| ask(&remote, Reactor::has_ended) == Some(false)).count();
        remote.call(Reactor::stop).unwrap();
        answers
    });
    reactor.run().unwrap();
    assert_eq!(thread.join().unwrap(), 20_000);
}

#[test]
fn a_call_that_panics_ends_alone_and_its_log_says_which() {
    everywhere(|mut world| {
        let records = Records::begin();
        let remote = world.reactor.remote().unwrap();
        remote.call(|_| panic!("on purpose")).unwrap();
        remote.call(|_| hear(0, 1)).unwrap();
        world.turn(Some(Duration::ZERO));
        assert_eq!(HEARD.take(), [(0, 1)]);
        let panics = records.panics();
        assert_eq!(panics.len(), 1, "{panics:?}");
        assert!(panics[0].contains("calls::") && panics[0].contains("on purpose"), "{panics:?}");
    });
}

#[test]
fn a_call_made_on_the_loops_own_thread_runs_in_its_turn() {
    everywhere(|mut world| {
        let remote = world.reactor.remote().unwrap();
        let inner = remote.clone();
        remote
            .call(move |_| {
                hear(0, 0);
                inner.call(|_| hear(0, 2)).unwrap();
                hear(0, 1);
            })
            .unwrap();
        world.turn(None);
        assert_eq!(HEARD.take(), [(0, 0), (0, 1)]);
        world.turn(None);
        assert_eq!(HEARD.take(), [(0, 2)]);
    });
}

#[test]
fn what_waits_to_be_run_is_counted() {
    everywhere(|mut world| {
        let remote = world.reactor.remote().unwrap();
        (0..5000).for_each(|_| remote.call(|_| ()).unwrap());
        assert_eq!(world.reactor.stats().calls, 5000);
        world.turn(None);
        let left = world.reactor.stats().calls;
        assert!(0 < left && left < 5000, "{left} are left after a turn");
        world.settle();
        assert_eq!(world.reactor.stats().calls, 0);
    });
}

#[test]
fn several_remotes_of_a_reactor_are_one_queue() {
    everywhere(|mut world| {
        let remotes = [world.reactor.remote().unwrap(), world.reactor.remote().unwrap()];
        (0..10).for_each(|number| remotes[number % 2].call(move |_| hear(0, number)).unwrap());
        world.turn(None);
        assert!(HEARD.take().into_iter().eq((0..10).map(|number| (0, number))));
    });
}

/// Queues `count` calls, each of which queues itself again without end.
fn flood(remote: &Remote, count: usize) {
    fn again(remote: &Remote) {
        let next = remote.clone();
        // Refused at the end, which is the end of it.
        let _ = remote.call(move |_| again(&next));
    }
    (0..count).for_each(|_| again(remote));
}

#[test]
fn a_flood_of_calls_keeps_neither_connections_nor_timers_from_their_turn() {
    const CALLS: usize = 20_000;
    over_tcp(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        let remote = world.reactor.remote().unwrap();
        flood(&remote, CALLS);
        world.turn(None);
        for round in 1..=20 {
            client.transport().write(b"x");
            let timer = Shared::new(false);
            let due = timer.clone();
            world.reactor.call_later(Duration::ZERO, move |_| due.with(|due| *due = true));
            let before = world.turns();
            world.until("the timer fires", || timer.with(|due| *due));
            let turns = world.turns() - before;
            // It comes after the calls that were made before it was due, about a thousand a turn, and before later ones.
            assert!(turns <= CALLS / 1_024 + 3, "a timer that was due took {turns} turns");
            let heard = client.clone();
            world.until("the echo is here", || heard.received_len() == round);
            let turns = world.turns() - before;
            assert!(turns <= CALLS / 1_024 + 20, "an echo took {turns} turns");
        }
    });
}

#[test]
fn a_flood_of_the_loops_own_calls_does_not_shut_out_those_from_other_threads() {
    fn again(reactor: &Reactor) {
        reactor.call_later(Duration::ZERO, again);
    }
    everywhere(|mut world| {
        let remote = world.reactor.remote().unwrap();
        (0..5000).for_each(|_| again(&world.reactor));
        world.turn(None);
        for number in 0..100 {
            remote.call(move |_| hear(0, number)).unwrap();
            let before = world.turns();
            world.until("it has run", || HEARD.with_borrow(|heard| heard.last() == Some(&(0, number))));
            // Those that were queued before it come first, about a thousand a turn.
            assert!(world.turns() - before <= 10, "it took {} turns", world.turns() - before);
        }
        HEARD.take();
    });
}

#[test]
fn a_loop_can_be_driven_by_turns_while_threads_call() {
    over_tcp(|mut world: World| {
        let remote = world.reactor.remote().unwrap();
        let thread = thread::spawn(move || (0..1000).all(|_| ask(&remote, |_| hear(0, 0)) == Some(())));
        while HEARD.with_borrow(Vec::len) < 1000 {
            world.turn(Some(Duration::from_millis(1)));
        }
        HEARD.take();
        assert!(thread.join().unwrap());
    });
}
