//! Peers that break the connection, at every stage of it. Each time the protocol hears of it once, the reason is the network's, and
//! the others are served on.

use std::cell::Cell;
use std::rc::Rc;

use lariat::{Once, Transport};
use lariat_tests::downstream::Shared;
use lariat_tests::faults::Outsider;
use lariat_tests::harness::{Ground, Log, World};

use super::{assert_serves, outsider};

fn tcp() -> World {
    World::new(Ground::RealTcp)
}

/// More than a peer that does not read takes.
fn much() -> Vec<u8> {
    vec![b'x'; 8 << 20]
}

#[track_caller]
fn assert_reset(world: &mut World, log: &Log) {
    world.until_lost(&[log]);
    assert_eq!(log.count("lost: ConnectionReset"), 1, "{:?}", log.story());
    assert_eq!(log.story().iter().filter(|heard| heard.starts_with("lost")).count(), 1);
    assert_serves(world);
}

#[test]
fn peers_that_reset_before_they_are_accepted_are_heard_of_and_forgotten() {
    let mut world = tcp();
    let log = Log::new();
    let factory_log = log.clone();
    let port = world.listen(move |_: &lariat::Peer| factory_log.probe());
    for _ in 0..100 {
        Outsider::connect(&world.reactor, port.address()).reset();
    }
    let mut good = Outsider::connect(&world.reactor, port.address());
    good.send(b"hello");
    world.until("the last one is heard", || log.received() == b"hello");
    world.until("the others are gone", || log.count("dropped") == 100);
    assert_eq!(log.count("made"), 101);
    assert_eq!(log.count("lost: ConnectionReset"), 100);
    assert_serves(&mut world);
}

#[test]
fn a_peer_that_resets_once_accepted_is_lost() {
    let mut world = tcp();
    let log = Log::new();
    outsider(&mut world, log.probe()).reset();
    assert_reset(&mut world, &log);
    assert_eq!(log.story(), ["made", "lost: ConnectionReset", "dropped"]);
}

#[test]
fn a_peer_that_resets_while_the_protocol_is_told_of_it_is_lost() {
    let mut world = tcp();
    let log = Log::new();
    let peer = Rc::new(Cell::new(None::<Outsider>));
    let resetting = peer.clone();
    let probe = log.probe().made(move |transport| {
        transport.write(b"hel");
        if let Some(peer) = resetting.take() {
            peer.reset();
        }
        transport.write(b"lo");
    });
    let port = world.listen(Once::new(probe));
    peer.set(Some(Outsider::connect(&world.reactor, port.address())));
    world.until_lost(&[&log]);
    // Which of the two the kernel says depends on whether the write or the read finds out.
    let lost = log.lost().unwrap_or_default();
    assert!(["ConnectionReset", "BrokenPipe"].contains(&lost.as_str()), "{lost}");
    assert_eq!(log.story(), ["made", &format!("lost: {lost}"), "dropped"], "a reset is no end of the stream");
    assert_serves(&mut world);
}

#[test]
fn a_peer_that_resets_while_it_is_read_from_is_lost() {
    let mut world = tcp();
    let log = Log::new();
    let peer = Rc::new(Cell::new(None::<Outsider>));
    let resetting = peer.clone();
    let probe = log.probe().data(move |_, _| {
        if let Some(peer) = resetting.take() {
            peer.reset();
        }
    });
    let mut sender = outsider(&mut world, probe);
    assert!(sender.send(&much()) > 64 * 1024, "more than one read takes");
    peer.set(Some(sender));
    assert_reset(&mut world, &log);
    assert_eq!(log.story(), ["made", "data", "lost: ConnectionReset", "dropped"]);
}

#[test]
fn a_peer_that_resets_while_output_is_queued_for_it_is_lost_and_the_queue_is_freed() {
    let mut world = tcp();
    let log = Log::new();
    let freed = Rc::new(Cell::new(false));
    let free = freed.clone();
    let peer = outsider(&mut world, log.probe());
    let chunk = lariat_tests::faults::OnDrop::chunk(much(), move || free.set(true));
    log.transport().write_chunk(chunk);
    world.settle();
    assert!(log.transport().queued() > 0 && !freed.get());
    peer.reset();
    assert_reset(&mut world, &log);
    assert!(freed.get());
    assert_eq!(log.transport().queued(), 0);
}

#[test]
fn a_peer_that_resets_while_what_was_queued_before_our_close_is_sent_is_lost() {
    let mut world = tcp();
    let log = Log::new();
    let peer = outsider(&mut world, log.probe());
    log.transport().write(&much());
    log.transport().close();
    world.settle();
    assert!(log.transport().queued() > 0);
    peer.reset();
    assert_reset(&mut world, &log);
}

#[test]
fn a_peer_that_resets_after_our_end_is_lost() {
    let mut world = tcp();
    let log = Log::new();
    let mut peer = outsider(&mut world, log.probe());
    log.transport().write(b"good-bye");
    log.transport().close();
    world.until("our end is there", || peer.end().is_some());
    assert!(!log.has("dropped"), "its own end is waited for");
    peer.reset();
    assert_reset(&mut world, &log);
}

#[test]
fn a_unix_peer_that_goes_without_having_read_everything_is_lost() {
    let mut world = World::new(Ground::RealUnix);
    let log = Log::new();
    let greet = |transport: &Transport| {
        transport.write(b"hello");
    };
    let peer = outsider(&mut world, log.probe().made(greet));
    drop(peer);
    assert_reset(&mut world, &log);
}

#[test]
fn what_a_peer_sent_before_it_stopped_reading_is_still_delivered() {
    let mut world = World::new(Ground::RealUnix);
    let log = Log::new();
    let unread = Shared::new(0);
    let reading = unread.clone();
    // Writing fails while the last words are still to be read.
    let probe = log.probe().data(move |transport, data| {
        reading.with(|unread| *unread += data.len());
        transport.write(b"thanks");
    });
    let mut peer = outsider(&mut world, probe);
    peer.send(&[b'x'; 100_000]);
    drop(peer);
    world.until_lost(&[&log]);
    assert_eq!(unread.take(), 100_000);
    assert_eq!(log.lost().as_deref(), Some("BrokenPipe"));
    assert_serves(&mut world);
}
