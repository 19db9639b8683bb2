//! The memory of a port with limits.

use lariat::{ConnectionLimits, ListenOptions, Peer, Protocol, Transport};
use lariat_tests::harness::{Ground, Log, World};

use crate::allocated;

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn connections_that_ended_are_forgotten_below_the_limits() {
    let mut world = World::new(Ground::SimulatedTcp);
    let mut options = ListenOptions::default();
    let mut limits = ConnectionLimits::for_servers();
    (limits.per_address, limits.per_network) = (usize::MAX, usize::MAX);
    options.connections = Some(limits);
    let port = world.listen_with(options, |_: &Peer| Silent);
    let mut come_and_go = |count: usize| {
        for _ in 0..count {
            let log = Log::new();
            world.connect(&port, log.probe());
            let made = log.clone();
            world.until("it is connected", || made.is_made());
            log.transport().abort();
            world.until_lost(&[&log]);
            world.settle();
        }
        allocated()
    };
    let before = come_and_go(500);
    let grown = come_and_go(2_000).saturating_sub(before);
    assert!(grown < 32 * 1024, "the port holds {grown} bytes more after 2,000 connections");
}
