//! Nobody waits for long behind somebody else.

use std::time::Duration;

use lariat::{Peer, PullProducer, Transport};
use lariat_tests::harness::{Log, everywhere, in_clear};

/// Bytes that one turn may read from one connection: the budget of a visit, and a read that was begun within it; and that twice,
/// for what was put off the turn before may be followed by a new event.
const PER_TURN: usize = 2 * (256 * 1024 + 64 * 1024);

/// Writes for ever.
struct Flood;

impl PullProducer for Flood {
    fn produce(&mut self, transport: &Transport) {
        transport.write(&[b'f'; 64 * 1024]);
    }
}

#[test]
fn a_turn_reads_a_bounded_part_of_a_flood() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().register_pull_producer(Flood);
        for _ in 0..100 {
            let before = server.received_len();
            world.turn(Some(Duration::ZERO));
            let read = server.received_len() - before;
            assert!(read <= PER_TURN, "{read} bytes in one turn");
        }
        assert!(server.received_len() > 1 << 20, "and yet it is served");
    });
}

#[test]
fn a_flood_does_not_starve_the_others() {
    everywhere(|mut world| {
        let (floods, flooders) = (Log::new(), Log::new());
        let flooded = world.listen({
            let floods = floods.clone();
            move |_: &Peer| floods.probe()
        });
        for _ in 0..3 {
            let flood = |transport: &Transport| assert!(transport.register_pull_producer(Flood));
            world.connect(&flooded, flooders.probe().made(flood));
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        world.settle();
        for round in 1..=50 {
            client.transport().write(b"x");
            let before = world.turns();
            world.until("the echo is back", || client.received_len() == round);
            let turns = world.turns() - before;
            assert!(turns <= 4, "an echo took {turns} turns");
        }
        assert!(floods.received_len() > 10 << 20);
    });
}

#[test]
fn a_flood_does_not_hold_up_timers() {
    everywhere(|mut world| {
        let (server, client, log) = (Log::new(), Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        client.transport().register_pull_producer(Flood);
        world.settle();
        let notes = log.clone();
        world.reactor.call_later(Duration::ZERO, move |_| notes.note("timer"));
        world.turn(Some(Duration::ZERO));
        assert!(log.has("timer"));
    });
}

#[test]
fn queued_calls_that_never_end_do_not_starve_connections() {
    everywhere(|mut world| {
        fn again(reactor: &lariat::Reactor) {
            reactor.call_later(Duration::ZERO, again);
        }
        for _ in 0..3_000 {
            world.reactor.call_later(Duration::ZERO, again);
        }
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        client.transport().write(b"x");
        let before = world.turns();
        world.until("the echo is back", || client.received() == b"x");
        assert!(world.turns() - before <= 4);
    });
}

#[test]
fn connections_that_come_all_at_once_do_not_starve_those_that_are_there() {
    in_clear(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let port = world.listen({
            let server = server.clone();
            move |_: &Peer| server.probe()
        });
        port.pause();
        for _ in 0..300 {
            world.connect(&port, client.probe());
        }
        world.until("all wait", || client.count("made") == 300);
        port.resume();
        let mut turns = 0;
        while server.count("made") < 300 {
            let before = server.count("made");
            world.turn(Some(Duration::ZERO));
            let accepted = server.count("made") - before;
            assert!(accepted <= 64, "{accepted} in one turn");
            turns += 1;
        }
        assert!(turns <= 10, "{turns} turns for 300 connections");
    });
}

#[test]
fn readiness_that_comes_to_nothing_is_harmless() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        for _ in 0..10 {
            // Each of these has the connection served without an event.
            server.transport().pause_reading();
            server.transport().resume_reading();
            server.transport().set_water_marks(1, 2);
            world.turn(Some(Duration::ZERO));
        }
        world.settle();
        assert_eq!(server.received(), b"");
        assert!(server.lost().is_none() && client.lost().is_none());
        client.transport().write(b"x");
        world.until("it still works", || server.received() == b"x");
    });
}
