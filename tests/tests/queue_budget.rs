//! The budget of what all queues of a reactor may keep alive.

use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Bytes, Once, Reactor, Transport, WriteStatus};
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
fn past_the_budget_as_many_queues_are_given_up_as_it_takes() {
    everywhere(|mut world| {
        let servers = deaf_peers(&mut world, 3);
        servers[1].transport().write_chunk(vec![b'y'; 6 * MIB]);
        world.settle();
        assert_eq!(servers[1].lost(), None, "the budget is far away");

        let queued = world.reactor.stats().queued_bytes;
        world.reactor.set_queue_budget(queued - MIB);
        world.settle();
        let lost: Vec<_> = servers.iter().filter_map(Log::lost).collect();
        assert_eq!(lost, ["Overflow"]);
        let left = world.reactor.stats().queued_bytes;
        assert!(left < queued, "{left} of {queued}");
    });
}

#[test]
fn the_address_that_holds_most_loses_what_is_stuck_longest() {
    Simulation::check(1..=3, |sim| {
        // What is stuck is what the kernel does not take, so it has to take the same of each.
        sim.faults().buffers(212_992..=212_992);
        let server = sim.host("server").reactor();
        server.set_queue_budget(usize::MAX);
        let logs: [Log; 4] = std::array::from_fn(|_| Log::new());
        let connect = |place: usize, host: &str| {
            let probe = logs[place].probe();
            let port = 7000 + place;
            server.listen(&format!("tcp:{port}"), Once::new(probe))?;
            let deaf = Log::new().probe().made(Transport::pause_reading);
            sim.host(host).reactor().connect(&format!("tcp:server:{port}"), Once::new(deaf)).detach();
            sim.run_until(sim.now() + secs(1))
        };
        for place in 0..3 {
            connect(place, "greedy")?;
        }
        connect(3, "modest")?;
        // The second is stuck first, then the first; the one queue of the other host is the largest.
        for (place, size) in [(1, 3), (0, 4), (2, 5), (3, 7)] {
            logs[place].transport().set_backpressure(false);
            logs[place].transport().set_queue_limit(16 * MIB);
            logs[place].transport().write_chunk(vec![b'x'; size * MIB]);
            sim.run_until(sim.now() + secs(1))?;
        }
        let mut gone = Vec::new();
        for _ in 0..4 {
            let shed = |server: &Reactor| server.set_queue_budget(server.stats().queued_bytes - 1);
            server.call_later(Duration::ZERO, shed);
            sim.run_until(sim.now() + secs(1))?;
            server.set_queue_budget(usize::MAX);
            let lost =
                (0..4).filter(|place| logs[*place].lost().is_some() && !gone.contains(place)).collect::<Vec<_>>();
            assert_eq!(lost.len(), 1, "{lost:?} after {gone:?}");
            assert_eq!(logs[lost[0]].lost().as_deref(), Some("Overflow"));
            gone.extend(lost);
        }
        // 12 MiB against 7, then 9 against 7, then 5 against 7.
        assert_eq!(gone, [1, 0, 3, 2]);
        Ok(())
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
