//! What happens in a turn, and in which order.

use std::cell::Cell;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Deferred, Idle, Protocol, Reactor, Resolver, StreamOptions, Transport, WriteStatus};
use lariat_tests::harness::{Log, everywhere, simulated};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn queued_calls_run_in_the_order_in_which_they_were_queued() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for name in ["first", "second", "third"] {
            client.handle().call(move |probe, _| probe.log().note(name));
        }
        assert_eq!(client.story(), ["made"], "nothing runs before the loop does");
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "first", "second", "third"]);
    });
}

#[test]
fn what_is_queued_while_calls_run_waits_for_the_next_turn() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.handle().call(|probe, transport| {
            probe.log().note("outer");
            transport.handle(probe).call(|probe, _| probe.log().note("inner"));
        });
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "outer"]);
        world.turn(Some(Duration::ZERO));
        assert_eq!(client.story(), ["made", "outer", "inner"]);
    });
}

#[test]
fn events_come_before_timers_and_both_are_delivered_in_the_same_turn() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        let answer = move |transport: &Transport, _: &[u8]| {
            log.handle().call(|probe, _| probe.log().note("call"));
            let log = log.clone();
            transport.reactor().call_later(Duration::ZERO, move |_| log.note("timer"));
        };
        world.pair(server.probe().data(answer), client.probe());
        client.transport().write(b"x");
        let arrived = server.clone();
        world.until("the byte has arrived", || arrived.has("data"));
        assert_eq!(server.story(), ["made", "data", "call", "timer"]);
    });
}

#[test]
fn what_a_queued_call_writes_leaves_before_the_turn_ends() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        world.reactor.call_later(Duration::ZERO, {
            let transport = transport.clone();
            move |_| {
                transport.write(b"from a timer");
                assert_eq!(transport.queued(), 12);
            }
        });
        world.turn(None);
        assert_eq!(transport.queued(), 0);
        world.until("it has arrived", || server.received() == b"from a timer");
    });
}

#[test]
fn the_calls_of_one_turn_are_bounded() {
    everywhere(|mut world| {
        let log = Log::new();
        for _ in 0..5000 {
            let log = log.clone();
            world.reactor.call_later(Duration::ZERO, move |_| log.note("call"));
        }
        world.turn(None);
        let ran = log.count("call");
        assert!(0 < ran && ran < 5000, "{ran} of 5000 calls ran in one turn");
        // Nothing new is to happen, so the loop must not wait for it.
        world.until("all have run", || log.count("call") == 5000);
    });
}

#[test]
fn an_idle_loop_is_not_woken() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        world.settle();
        let before = world.turns();
        world.pass(Duration::from_secs(3600));
        // One for the timer that ended the hour, and one for a timer that a wheel may look at on its way there.
        let turns = world.turns() - before;
        assert!(turns <= 4, "{turns} turns in an hour of nothing");
    });
}

#[test]
fn a_loop_to_which_nothing_can_happen_fails_rather_than_hangs() {
    simulated(|world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &lariat::Peer| server.probe().echo()
        });
        world.connect(&port, client.probe());
        let error = world.reactor.run().expect_err("nobody stops it");
        assert!(error.to_string().contains("nothing is left"), "{error}");
        assert_eq!(client.lost().as_deref(), Some("Aborted"));
    });
}

#[test]
fn a_loop_that_was_stopped_before_it_ran_ends_at_once() {
    everywhere(|world| {
        world.reactor.stop();
        world.reactor.run().expect("it ends in good order");
    });
}

#[test]
fn stop_ends_the_loop_after_the_turn() {
    everywhere(|world| {
        let log = Log::new();
        for name in ["first", "second"] {
            let log = log.clone();
            world.reactor.call_later(Duration::ZERO, move |reactor| {
                log.note(name);
                reactor.stop();
            });
        }
        let late = log.clone();
        world.reactor.call_later(Duration::from_secs(3600), move |_| late.note("late"));
        world.reactor.run().expect("it ends in good order");
        assert_eq!(log.story(), ["first", "second"]);
    });
}

/// More than one wait reports events for.
const MANY: usize = 700;

/// The counts of all [`Awaiting`] protocols.
#[derive(Clone, Default)]
struct Counts {
    served: Rc<Cell<usize>>,
    timed_out: Rc<Cell<usize>>,
    answered: Rc<Cell<usize>>,
    unanswered: Rc<Cell<usize>>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

/// Resolves a Deferred when its byte comes.
struct Awaiting {
    counts: Counts,
    answer: Rc<Cell<Option<Resolver<()>>>>,
}

impl Protocol for Awaiting {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {
        count(&self.counts.served);
        if let Some(answer) = self.answer.take() {
            // A Deferred that has timed out gives the value back, and is counted there.
            let _ = answer.resolve(());
        }
    }

    fn timed_out(&mut self, _: &Transport, _: Idle) {
        count(&self.counts.timed_out);
    }
}

/// Raises the limit of descriptors of this process to two for each of [`MANY`] connections.
fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < 4 * MANY as u64) {
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("it may have what it may have");
    }
}

#[test]
fn no_timer_overtakes_input_of_many_connections() {
    raise_descriptor_limit();
    let mut reactor = Reactor::new().expect("there are descriptors");
    let counts = Counts::default();
    let mut peers = Vec::new();
    let connections: Vec<_> = (0..MANY)
        .map(|_| {
            let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
            peers.push(theirs);
            let answer = Rc::new(Cell::new(None));
            let protocol = Awaiting { counts: counts.clone(), answer: answer.clone() };
            let transport = reactor.adopt_stream(ours.into(), StreamOptions::default(), protocol);
            (transport.expect("it can be watched"), answer)
        })
        .collect();
    for _ in 0..10 {
        reactor.turn(Some(Duration::ZERO)).expect("the loop runs");
    }
    let at_call = Rc::new(Cell::new(None));
    let (seen, at_once) = (at_call.clone(), counts.clone());
    let limit = Duration::from_millis(1);
    reactor.call_later(limit, move |_| seen.set(Some((at_once.served.get(), at_once.timed_out.get()))));
    for (transport, answer) in &connections {
        transport.set_idle_timeout(Idle::Read, Some(limit));
        let (resolver, answered) = Deferred::<()>::new(&reactor);
        answer.set(Some(resolver));
        let counts = counts.clone();
        answered.timeout(limit).finish(move |result| {
            count(if result.is_ok() { &counts.answered } else { &counts.unanswered });
        });
    }
    for peer in &mut peers {
        peer.write_all(b"x").expect("there is room");
    }
    // The loop is busy until every deadline has passed.
    let late = reactor.now() + Duration::from_millis(3);
    while reactor.now() < late {}
    while at_call.get().is_none() || counts.answered.get() + counts.unanswered.get() < MANY {
        reactor.turn(Some(Duration::ZERO)).expect("the loop runs");
    }
    assert_eq!(at_call.get(), Some((MANY, 0)));
    assert_eq!((counts.answered.get(), counts.unanswered.get()), (MANY, 0));
}

#[test]
fn input_behind_a_pause_that_ends_in_time_is_not_overtaken() {
    simulated(|mut world| {
        let limit = Duration::from_millis(40);
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(Transport::pause_reading), client.probe());
        client.transport().write(b"x");
        world.settle();
        let transport = server.transport();
        // Equal deadlines expire in the order in which they were set: reading is resumed before the limit is examined.
        world.reactor.call_later(limit, move |_| transport.resume_reading());
        server.transport().set_idle_timeout(Idle::Read, Some(limit));
        world.until("the byte is delivered", || server.received() == b"x");
        assert!(!server.has("timed out Read"), "{:?}", server.story());
    });
}

#[test]
fn a_pause_that_begins_again_before_reading_has_resumed_does_not_hold_up_the_time_limit() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let limit = Duration::from_secs(1);
        let write_more = move |transport: &Transport| {
            // The queue, and with it the pause, is back before the end of the first pause is told.
            assert_eq!(transport.write(&vec![0; 8 << 20]), WriteStatus::Paused);
            transport.set_idle_timeout(Idle::Read, Some(limit));
        };
        let seen = client.clone();
        let read_no_more = move |transport: &Transport, _: &[u8]| {
            if seen.received_len() > 8 << 20 {
                transport.pause_reading();
            }
        };
        world.pair(server.probe().write_resumed(write_more), client.probe().data(read_no_more));
        server.transport().write(&vec![0; 8 << 20]);
        world.until("the time limit is told", || server.has("timed out Read"));
        assert!(!server.has("read resumed"), "{:?}", server.story());
        let turns = world.turns();
        world.pass(limit * 3);
        assert!(world.turns() - turns < 100, "the loop does not turn idly");
    });
}
