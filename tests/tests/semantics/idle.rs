//! Idle timeouts.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use lariat::{Idle, StreamOptions, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, World, everywhere, simulated};
use socket2::SockRef;

const LIMIT: Duration = Duration::from_millis(40);

fn watch(idle: Idle) -> impl FnMut(&Transport) {
    move |transport: &Transport| transport.set_idle_timeout(idle, Some(LIMIT))
}

#[test]
fn a_connection_on_which_nothing_happens_ends_in_good_order() {
    for idle in [Idle::Read, Idle::Write, Idle::All] {
        everywhere(|mut world| {
            let (server, client) = (Log::new(), Log::new());
            let begun = world.now();
            world.pair(server.probe().made(watch(idle)), client.probe());
            world.until_lost(&[&server, &client]);
            assert!(world.now() - begun >= LIMIT);
            let [made, told, lost, dropped] = &server.story()[..] else { panic!("{:?}", server.story()) };
            assert_eq!([&**made, &**dropped], ["made", "dropped"]);
            assert_eq!(*told, format!("timed out {idle:?}"));
            assert_eq!(*lost, format!("lost: TimedOut(Idle({idle:?}))"));
            assert_eq!(client.story(), ["made", "read closed", "lost: Done", "dropped"]);
        });
    }
}

#[test]
fn bytes_that_arrive_push_the_read_timeout_back() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(watch(Idle::Read)), client.probe());
        for _ in 0..10 {
            world.pass(LIMIT - Duration::from_millis(1));
            client.transport().write(b"x");
            // What is written is no input.
            server.transport().write(b"y");
            world.settle();
        }
        assert_eq!(server.received_len(), 10);
        let last = world.now();
        world.until("it times out", || server.has("timed out Read"));
        assert_eq!(world.now() - last, LIMIT);
    });
}

#[test]
fn bytes_that_are_sent_push_the_write_timeout_back_and_input_does_not() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(watch(Idle::Write)), client.probe());
        for _ in 0..10 {
            world.pass(LIMIT - Duration::from_millis(1));
            server.transport().write(b"x");
            world.settle();
        }
        let last = world.now();
        world.pass(LIMIT / 2);
        client.transport().write(b"y");
        world.until("it times out", || server.has("timed out Write"));
        assert_eq!(world.now() - last, LIMIT);
    });
}

#[test]
fn bytes_either_way_push_the_timeout_of_all_back() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(watch(Idle::All)), client.probe());
        for _ in 0..5 {
            world.pass(LIMIT - Duration::from_millis(1));
            server.transport().write(b"x");
            world.pass(LIMIT - Duration::from_millis(1));
            client.transport().write(b"y");
            world.settle();
        }
        let last = world.now();
        world.until("it times out", || server.has("timed out All"));
        assert_eq!(world.now() - last, LIMIT);
    });
}

#[test]
fn a_protocol_that_stays_is_told_again_after_the_same_time() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let times = Shared::new(Vec::new());
        let seen = times.clone();
        let stay = move |transport: &Transport, _| seen.with(|seen| seen.push(transport.reactor().now()));
        world.pair(server.probe().made(watch(Idle::All)).timed_out(stay), client.probe());
        let begun = world.now();
        world.pass(LIMIT * 7 / 2);
        let times: Vec<_> = times.take().into_iter().map(|time| time - begun).collect();
        assert_eq!(times, [LIMIT, LIMIT * 2, LIMIT * 3]);
        assert!(server.lost().is_none());
    });
}

#[test]
fn timeouts_of_different_kinds_are_told_apart() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let watch = |transport: &Transport| {
            transport.set_idle_timeout(Idle::Read, Some(Duration::from_secs(3)));
            transport.set_idle_timeout(Idle::Write, Some(Duration::from_secs(2)));
            transport.set_idle_timeout(Idle::All, Some(Duration::from_secs(7)));
        };
        world.pair(server.probe().made(watch).timed_out(|_, _| {}), client.probe());
        world.pass(Duration::from_millis(7_500));
        let told = server.story().split_off(1);
        let expected = ["Write", "Read", "Write", "Read", "Write", "All"].map(|idle| format!("timed out {idle}"));
        // At six seconds two are due at once.
        assert_eq!(told.len(), expected.len(), "{told:?}");
        assert_eq!(told[..3], expected[..3]);
        assert_eq!(told[5], expected[5]);
    });
}

#[test]
fn a_timeout_that_is_set_to_none_is_over_and_one_that_is_set_anew_counts_anew() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(watch(Idle::Read)), client.probe());
        server.transport().set_idle_timeout(Idle::Read, None);
        world.pass(LIMIT * 10);
        assert_eq!(server.story(), ["made"]);
        let begun = world.now();
        server.transport().set_idle_timeout(Idle::Read, Some(LIMIT * 3));
        world.pass(LIMIT);
        server.transport().set_idle_timeout(Idle::Read, Some(LIMIT));
        world.until("it times out", || server.has("timed out Read"));
        assert_eq!(world.now() - begun, LIMIT * 2);
    });
}

#[test]
fn output_that_does_not_move_is_given_up() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let stuck = |transport: &Transport| {
            transport.set_idle_timeout(Idle::Write, Some(LIMIT));
            transport.write(&[b'x'; 10_000_000]);
        };
        world.pair(server.probe().made(stuck), client.probe().made(Transport::pause_reading));
        world.until_lost(&[&server]);
        // In good order it could not: nothing would come of waiting for the peer.
        assert_eq!(server.lost().as_deref(), Some("TimedOut(Idle(Write))"));
        client.transport().resume_reading();
        world.until_lost(&[&client]);
        assert_eq!(client.lost().as_deref(), Some(if world.ground.is_tcp() { "ConnectionReset" } else { "Done" }));
    });
}

#[test]
fn a_closing_connection_is_not_told_that_it_is_idle() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().made(watch(Idle::All)), client.probe().read_closed(|_| {}));
        server.transport().close();
        world.until_lost(&[&server]);
        assert_eq!(server.story(), ["made", "lost: Done", "dropped"]);
    });
}

#[test]
fn ten_thousand_timeouts_that_are_pushed_back_wake_nobody() {
    simulated(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let limit = Duration::from_secs(3600);
        let watch = move |transport: &Transport| transport.set_idle_timeout(Idle::All, Some(limit));
        world.pair(server.probe().made(watch).echo(), client.probe());
        for _ in 0..1_000 {
            client.transport().write(b"x");
            world.pass(Duration::from_millis(10));
        }
        world.settle();
        let before = world.turns();
        world.pass(Duration::from_secs(1800));
        assert!(world.turns() - before <= 4, "{} turns", world.turns() - before);
    });
}

#[test]
fn a_limit_of_nothing_is_told_once_a_turn_at_most() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let times = Shared::new(0);
        let seen = times.clone();
        let stay = move |transport: &Transport, idle| {
            // A loop that never comes back could not be seen from outside.
            if seen.with(|seen| std::mem::replace(seen, *seen + 1)) == 1_000 {
                transport.set_idle_timeout(idle, None);
            }
        };
        let watch = |transport: &Transport| transport.set_idle_timeout(Idle::Read, Some(Duration::ZERO));
        world.pair(server.probe().made(watch).timed_out(stay), client.probe());
        for _ in 0..5 {
            let before = times.with(|times| *times);
            world.turn(Some(Duration::from_millis(2)));
            let told = times.with(|times| *times) - before;
            assert!(told <= 1, "told {told} times in one turn");
        }
    });
}

#[test]
fn a_successor_takes_the_timeout_over() {
    simulated(|mut world| {
        let (server, client, next) = (Log::new(), Log::new(), Log::new());
        let successor = next.clone();
        let switch = move |transport: &Transport, _: &[u8]| assert!(transport.switch_to(successor.probe(), b""));
        world.pair(server.probe().made(watch(Idle::Read)).data(switch), client.probe());
        client.transport().write(b"x");
        world.until_lost(&[&next]);
        assert_eq!(next.story(), ["made", "timed out Read", "lost: TimedOut(Idle(Read))", "dropped"]);
    });
}

/// A peer of `world` reads slowly for a while, and then not at all.
fn read_slowly_then_stop(mut world: World, idle: Idle) {
    let (server, client) = (Log::new(), Log::new());
    let write = move |transport: &Transport| {
        transport.set_idle_timeout(idle, Some(LIMIT));
        transport.write(&[b'x'; 2_000_000]);
    };
    let sip = |transport: &Transport, _: &[u8]| transport.pause_reading();
    world.pair(server.probe().made(write), client.probe().data(sip));
    let begun = world.now();
    while client.received_len() < 1_000_000 {
        world.pass(LIMIT * 9 / 10);
        client.transport().resume_reading();
        world.settle();
        assert!(server.lost().is_none(), "{:?} after {:?}", server.story(), world.now() - begun);
    }
    assert!(world.now() - begun > LIMIT * 10, "it was slow");
    let last = world.now();
    world.until_lost(&[&server]);
    // That the last room is used is noticed when the limit is examined, and counts from then.
    assert!((LIMIT..=2 * LIMIT).contains(&(world.now() - last)), "now it is stuck");
}

#[test]
fn a_slow_but_steady_reader_is_not_write_idle() {
    for idle in [Idle::Write, Idle::All] {
        simulated(|world| read_slowly_then_stop(world, idle));
    }
}

#[test]
fn a_slow_but_steady_reader_is_not_write_idle_through_tls() {
    for idle in [Idle::Write, Idle::All] {
        read_slowly_then_stop(World::new(Ground::SimulatedTls), idle);
    }
}

/// The receive buffer of a slow reader, and the send buffer of its writer. A third of that must be free before Linux reports room: many
/// times what the reader acknowledges within the limit.
const RECEIVE_BUFFER: usize = 8 * 1024;
const SEND_BUFFER: usize = 256 * 1024;

/// A connection of `world`'s to a plain socket, with a large send buffer and a small receive buffer.
fn lopsided(world: &World, log: &Log) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there are ports");
    SockRef::from(&listener).set_recv_buffer_size(RECEIVE_BUFFER).expect("it is a size");
    let ours = TcpStream::connect(listener.local_addr().expect("it has one")).expect("it listens");
    SockRef::from(&ours).set_send_buffer_size(SEND_BUFFER).expect("it is a size");
    ours.set_nonblocking(true).expect("it can be");
    let (theirs, _) = listener.accept().expect("it was connected to");
    theirs.set_nonblocking(true).expect("it can be");
    world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe()).expect("it can be watched");
    theirs
}

#[test]
fn a_slow_reader_on_a_real_socket_is_not_write_idle() {
    let mut world = World::new(Ground::RealTcp);
    let server = Log::new();
    let mut reader = lopsided(&world, &server);
    world.settle();
    server.transport().write(&vec![b'x'; 8 << 20]);
    world.settle();
    assert!(server.transport().queued() > 1 << 20, "the socket's buffers are full");
    server.transport().set_idle_timeout(Idle::Write, Some(LIMIT));
    let (mut buffer, mut sips, begun) = (vec![0; 4 * RECEIVE_BUFFER], 0, world.now());
    let mut next = begun;
    while sips < 40 {
        if world.now() >= next {
            // Empties the receive buffer once, so that the kernel asks for so much more.
            assert!(reader.read(&mut buffer).is_ok_and(|count| count > 0), "nothing to read at sip {sips}");
            sips += 1;
            next = world.now() + LIMIT / 2;
        }
        world.turn(Some(next.saturating_duration_since(Instant::now())));
        assert!(server.lost().is_none(), "{:?} after {sips} sips", server.story());
    }
    assert!(world.now() - begun > LIMIT * 10, "it was slow");
    world.until_lost(&[&server]);
    assert_eq!(server.lost().as_deref(), Some("TimedOut(Idle(Write))"), "now it is stuck");
}
