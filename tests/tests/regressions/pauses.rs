//! Pauses of reading and writing.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Duration;

use lariat::{StreamOptions, Transport, WriteStatus};
use lariat_tests::harness::{Ground, Log, World, everywhere};
use socket2::SockRef;

#[test]
fn read_resumed_was_not_told_when_a_failed_write_ended_the_pause() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let log = Log::new();
    let answer = |transport: &Transport, _: &[u8]| {
        assert!(transport.write(&vec![0; 1 << 20]) == WriteStatus::Closed || !transport.is_reading());
    };
    world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe().data(answer)).unwrap();
    peer.write_all(b"request").unwrap();
    world.until("the queue is above its mark", || log.has("write paused"));
    peer.write_all(b", more").unwrap();
    peer.shutdown(Shutdown::Read).unwrap();
    // Room is made, so that the next write is tried, and fails.
    peer.set_nonblocking(true).unwrap();
    while let Ok(1..) = peer.read(&mut [0; 16 * 1024]) {}
    world.until_lost(&[&log]);
    assert_eq!(log.received(), b"request, more");
    let story = log.story();
    let resumed = story.iter().position(|heard| heard == "read resumed");
    assert!(resumed.is_some() && resumed < story.iter().rposition(|heard| heard == "data"), "{story:?}");
}

#[test]
fn a_successor_heard_of_the_end_of_a_pause_that_it_had_not_heard_of() {
    everywhere(|mut world| {
        let (server, client, next) = (Log::new(), Log::new(), Log::new());
        let successor = next.clone();
        let switch = move |transport: &Transport| assert!(transport.switch_to(successor.probe(), b""));
        world.pair(server.probe().write_paused(switch), client.probe().made(Transport::pause_reading));
        server.transport().write(&vec![0; 8 << 20]);
        world.until("the successor is there", || next.is_made());
        client.transport().resume_reading();
        world.until("all has come", || client.received_len() == 8 << 20);
        world.settle();
        assert_eq!(next.count("write paused"), next.count("write resumed"), "{:?}", next.story());
    });
}

#[test]
fn writing_was_resumed_above_the_high_mark_when_that_was_below_the_default_low_one() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, mut peer) = UnixStream::pair().unwrap();
    // Small, so that the queue shrinks in small steps.
    SockRef::from(&ours).set_send_buffer_size(4096).unwrap();
    peer.set_nonblocking(true).unwrap();
    let mut options = StreamOptions::default();
    options.high_water_mark = 1000;
    let (log, queued) = (Log::new(), Rc::new(Cell::new(None)));
    let seen = queued.clone();
    let probe = log.probe().write_resumed(move |transport| seen.set(Some(transport.queued())));
    let transport = world.reactor.adopt_stream(ours.into(), options, probe).unwrap();
    world.settle();
    transport.write(&vec![0; 200_000]);
    world.until("the queue is above its mark", || log.has("write paused"));
    let mut buffer = [0; 1024];
    while queued.get().is_none() {
        let _ = peer.read(&mut buffer);
        world.turn(Some(Duration::ZERO));
    }
    assert!(queued.get() <= Some(1000), "{queued:?}");
}

#[test]
fn writing_was_resumed_on_a_connection_that_had_broken() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
        server.transport().write(&vec![0; 8 << 20]);
        world.until("the queue is above its mark", || server.has("write paused"));
        client.transport().abort();
        world.until_lost(&[&server, &client]);
        assert!(!server.has("write resumed"), "{:?}", server.story());
    });
}

#[test]
fn input_was_lost_when_a_write_failed_after_a_yield() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, peer) = UnixStream::pair().unwrap();
    let (log, mut writer) = (Log::new(), peer.try_clone().unwrap());
    let yields = move |transport: &Transport, data: &[u8]| {
        if data == b"request" {
            writer.write_all(b", more").unwrap();
            transport.yield_reading();
            transport.write(b"an answer that cannot be sent");
        }
    };
    world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe().data(yields)).unwrap();
    peer.shutdown(Shutdown::Read).unwrap();
    (&peer).write_all(b"request").unwrap();
    world.until("all input is there", || log.received_len() == 13);
    drop(peer);
    world.until_lost(&[&log]);
    assert_eq!(log.received(), b"request, more");
}

#[test]
fn a_pause_and_resumption_in_read_resumed_kept_the_loop_for_ever() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let again = |transport: &Transport| {
            transport.pause_reading();
            transport.resume_reading();
        };
        world.pair(server.probe().made(again).read_resumed(again), client.probe());
        let turns = world.turns();
        client.transport().write(b"served meanwhile");
        world.until("input is delivered", || server.received_len() == 16);
        assert!(world.turns() > turns && server.has("read resumed"));
        server.transport().abort();
        world.until_lost(&[&server, &client]);
    });
}
