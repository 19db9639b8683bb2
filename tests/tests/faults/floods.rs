//! Thousands who come and go at once: who was there before is served as if nobody came, and who comes after them has its turn.

use std::net::TcpListener;
use std::time::Duration;

use lariat::{ListenOptions, Peer, StreamOptions};
use lariat_tests::faults::{Outsider, Records};
use lariat_tests::harness::{Ground, Log, World};
use socket2::SockRef;

use super::assert_serves;

/// As many as the backlog has room for, with the few others.
fn flood() -> usize {
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").expect("the kernel tells");
    limit.trim().parse().map_or(4_000, |limit: usize| limit.saturating_sub(8).min(4_000))
}

#[test]
fn a_flood_of_clients_that_come_and_go_at_once_delays_the_others_by_a_few_turns() {
    let mut world = World::new(Ground::RealTcp);
    let log = Log::new();
    let probes = log.clone();
    let mut options = ListenOptions::default();
    options.backlog = 4096;
    let port = world.listen_with(options, move |_: &Peer| probes.probe().echo());
    let mut before = Outsider::connect(&world.reactor, port.address());
    world.until("it is accepted", || log.is_made());

    let flood = flood();
    for _ in 0..flood {
        Outsider::connect(&world.reactor, port.address()).reset();
    }
    let mut after = Outsider::connect(&world.reactor, port.address());
    after.send(b"am I too late?");
    let mut rounds = 0;
    while after.receive().is_empty() {
        let opened = world.reactor.stats().opened;
        before.send(b"x");
        rounds += 1;
        // What was sent is there, so neither turn has to wait for anything.
        world.turn(Some(Duration::ZERO));
        world.turn(Some(Duration::ZERO));
        // In every turn, that is; a busy kernel may be some packets behind.
        assert!(before.receive().len() + 8 >= rounds, "it waits for its echo");
        let accepted = world.reactor.stats().opened - opened;
        assert!(accepted <= 128, "{accepted} were accepted in two turns");
    }
    assert_eq!(after.receive(), b"am I too late?");
    assert!(rounds <= flood / 128 + 2, "{rounds} rounds");
    world.until("the flood is over", || log.count("dropped") == flood);
    assert_eq!(world.reactor.stats().connections, 2);
}

#[test]
fn a_port_whose_socket_was_shut_down_elsewhere_does_not_make_the_loop_spin() {
    let (mut world, records) = (World::new(Ground::RealTcp), Records::begin());
    // As when a supervisor and its server share the socket.
    let shared = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = shared.try_clone().unwrap();
    world.reactor.adopt_port(ours.into(), StreamOptions::default(), |_: &Peer| Log::new().probe()).unwrap();
    world.settle();
    SockRef::from(&shared).shutdown(std::net::Shutdown::Both).unwrap();
    let turns = world.turns();
    world.pass(Duration::from_millis(100));
    let turns = world.turns() - turns;
    assert!(turns <= 30, "{turns} turns in a tenth of a second");
    assert!(records.lines().len() <= 30, "{} lines in a tenth of a second", records.lines().len());
    assert_serves(&mut world);
}
