//! The budget of what all queues of a reactor may keep alive.

use lariat::{Bytes, Transport, WriteStatus};
use lariat_tests::harness::{Log, World, everywhere};

const MIB: usize = 1024 * 1024;

/// Peers that never read, and the logs of the protocols that serve them.
fn deaf_peers(world: &mut World, count: usize) -> Vec<Log> {
    let logs: Vec<_> = (0..count).map(|_| (Log::new(), Log::new())).collect();
    for (server, client) in &logs {
        world.pair(server.probe(), client.probe().made(Transport::pause_reading));
    }
    // The kernels' buffers are filled first, so that everything after this is queued.
    for (server, _) in &logs {
        server.transport().set_backpressure(false);
        server.transport().write_chunk(vec![b'x'; 8 * MIB]);
    }
    world.settle();
    logs.into_iter().map(|(server, _)| server).collect()
}

#[test]
fn past_the_budget_the_largest_queue_is_given_up_and_the_others_stay() {
    everywhere(|mut world| {
        let servers = deaf_peers(&mut world, 3);
        servers[1].transport().write_chunk(vec![b'y'; 6 * MIB]);
        world.settle();
        assert_eq!(servers[1].lost(), None, "the budget is far away");

        let queued = world.reactor.stats().queued_bytes;
        world.reactor.set_queue_budget(queued - MIB);
        world.until_lost(&[&servers[1]]);
        assert_eq!(servers[1].lost().as_deref(), Some("Overflow"));
        assert!(servers[0].transport().is_open() && servers[2].transport().is_open());
        let left = world.reactor.stats().queued_bytes;
        assert!(left < queued, "{left} of {queued}");
    });
}

#[test]
fn a_chunk_shared_by_many_counts_once_in_the_sum_and_in_full_for_each() {
    everywhere(|mut world| {
        let servers = deaf_peers(&mut world, 4);
        let before = world.reactor.stats().queued_bytes;
        let shared = Bytes::from(vec![b'z'; MIB]);
        for server in &servers {
            let queued = server.transport().queued();
            assert_eq!(server.transport().write_chunk(shared.clone()), WriteStatus::Paused);
            assert_eq!(server.transport().queued(), queued + MIB as u64);
        }
        let grown = world.reactor.stats().queued_bytes - before;
        assert!((MIB..MIB + 4096).contains(&grown), "{grown}");
    });
}

#[test]
fn what_is_counted_is_forgotten_with_the_connections() {
    everywhere(|mut world| {
        let servers = deaf_peers(&mut world, 3);
        servers[0].transport().write(&vec![b'y'; MIB]);
        for server in &servers {
            server.transport().abort();
        }
        world.until_lost(&servers.iter().collect::<Vec<_>>());
        assert_eq!(world.reactor.stats().queued_bytes, 0);
    });
}

#[test]
fn what_is_counted_is_forgotten_as_it_is_sent() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().write(&vec![b'a'; MIB]);
        server.transport().write_chunk(vec![b'b'; MIB]);
        assert!(world.reactor.stats().queued_bytes > MIB);
        world.until("it has arrived", || client.received_len() == 2 * MIB);
        assert_eq!(world.reactor.stats().queued_bytes, 0);
    });
}
