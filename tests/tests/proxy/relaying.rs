//! What arrives on one side leaves by the other, and so do the ends.

use lariat::{Peer, Transport};
use lariat_tests::harness::{Log, World, in_clear, over_tcp, simulated};

use super::{Bulk, proxied, quiet, tell};

/// More than all that the kernel and both queues along the way hold.
const MUCH: usize = 32 * 1024 * 1024;

/// The most that a proxy may hold of one direction: the high water mark and one read.
const HELD: u64 = 128 * 1024;

/// A client and a backend with a proxy between them.
fn joined(world: &mut World, client: lariat_tests::harness::Probe, backend: lariat_tests::harness::Probe) {
    let logs = [client.log().clone(), backend.log().clone()];
    let target = world.listen(lariat::Once::new(backend));
    let (_, port) = proxied(world, &[&target], quiet());
    world.connect(&port, client);
    world.until("both are there", || logs.iter().all(Log::is_made));
}

fn stay(_: &Transport) {}

#[test]
fn bytes_go_both_ways_and_are_counted() {
    in_clear(|mut world| {
        let (client, server) = (Log::new(), Log::new());
        let target = world.listen(lariat::Once::new(server.probe().echo()));
        let (proxy, port) = proxied(&world, &[&target], quiet());
        world.connect(&port, client.probe().made(|transport| tell(transport, b"hello")));
        world.until("the echo is back", || client.received() == b"hello");
        let statistics = proxy.statistics(world.now());
        assert_eq!((statistics.bytes_from_clients, statistics.bytes_from_backends), (5, 5));
        assert_eq!((statistics.clients, statistics.backends[0].connections), (1, 1));
        client.transport().close();
        world.until_lost(&[&client, &server]);
        assert_eq!([client.lost(), server.lost()], [Some("Done".into()), Some("Done".into())]);
        let clock = world.now();
        world.until("nobody is left", || {
            let statistics = proxy.statistics(clock);
            (statistics.clients, statistics.backends[0].connections) == (0, 0)
        });
    });
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    in_clear(|mut world| {
        let (client, server) = (Log::new(), Log::new());
        let asks = |transport: &Transport| {
            transport.write(b"a question");
            transport.close_write();
        };
        let answers = |transport: &Transport| {
            transport.write(b"the answer");
            transport.close();
        };
        let probes = (client.probe().made(asks).read_closed(stay), server.probe().read_closed(answers));
        joined(&mut world, probes.0, probes.1);
        world.until_lost(&[&client, &server]);
        assert_eq!(server.received(), b"a question");
        assert_eq!(client.received(), b"the answer");
        assert_eq!([client.lost(), server.lost()], [Some("Done".into()), Some("Done".into())]);
    });
}

#[test]
fn a_backend_that_has_said_all_still_hears_the_client() {
    in_clear(|mut world| {
        let (client, server) = (Log::new(), Log::new());
        let greets = |transport: &Transport| {
            transport.write(b"welcome");
            transport.close_write();
        };
        let thanks = |transport: &Transport| {
            transport.write(b"thanks");
            transport.close_write();
        };
        let probes = (client.probe().read_closed(thanks), server.probe().made(greets).read_closed(stay));
        joined(&mut world, probes.0, probes.1);
        world.until_lost(&[&client, &server]);
        assert_eq!((client.received(), server.received()), (b"welcome".to_vec(), b"thanks".to_vec()));
        assert_eq!([client.lost(), server.lost()], [Some("Done".into()), Some("Done".into())]);
    });
}

#[test]
fn a_reset_on_one_side_is_a_reset_on_the_other() {
    for by_client in [true, false] {
        over_tcp(|mut world| {
            let (client, server) = (Log::new(), Log::new());
            joined(&mut world, client.probe(), server.probe());
            let (aborts, hears) = if by_client { (&client, &server) } else { (&server, &client) };
            aborts.transport().abort();
            world.until_lost(&[&client, &server]);
            assert_eq!(aborts.lost().as_deref(), Some("Aborted"));
            assert_ne!(hears.lost().as_deref(), Some("Done"), "an answer that was cut short must not look whole");
        });
    }
}

#[test]
fn a_side_that_does_not_read_stops_the_other_and_costs_a_bounded_queue() {
    for deaf_client in [true, false] {
        in_clear(|mut world| {
            let bulk = |deaf| Bulk { amount: MUCH, deaf, ..Bulk::default() };
            let (client, server) = (bulk(deaf_client), bulk(!deaf_client));
            let backend = server.clone();
            let target = world.listen(move |_: &Peer| backend.clone());
            let (_, port) = proxied(&world, &[&target], quiet());
            world.connect(&port, client.clone());
            let (deaf, hearing) = if deaf_client { (&client, &server) } else { (&server, &client) };
            let reactor = world.reactor.clone();
            let is_relay = |name: &str| name.contains("proxy");
            let bounded = || {
                let relays = reactor.connections().into_iter().filter(|connection| is_relay(connection.protocol));
                relays.into_iter().for_each(|connection| assert!(connection.queued <= HELD, "{connection:?}"));
            };
            world.until("the other direction is through", || {
                bounded();
                hearing.received.get() == MUCH
            });
            assert_eq!(deaf.received.get(), 0);
            assert!(hearing.sent.get() < MUCH, "what nobody reads was taken: {}", hearing.sent.get());
            deaf.transport.with(|transport| transport.as_ref().map(Transport::resume_reading));
            world.until("all is through", || {
                bounded();
                client.ended.get() && server.ended.get()
            });
            assert_eq!((client.received.get(), server.received.get()), (MUCH, MUCH));
        });
    }
}

#[test]
fn a_client_that_leaves_while_its_backend_is_still_silent_leaves_nothing_behind() {
    let sim = lariat::testing::Simulation::new(1);
    super::backend(&sim, "one", |_: &Peer| Log::new().probe());
    sim.faults().unanswered_connects(1.0);
    let proxy = super::on_host(&sim, &["one"], quiet());
    sim.faults().heal();
    sim.faults().partition("proxy", "one", lariat::testing::secs(0)..lariat::testing::secs(60));
    let client = Log::new();
    super::come(&sim, client.probe());
    sim.run_until(lariat::testing::secs(1)).unwrap();
    assert_eq!(super::now(&sim, &proxy).backends[0].connections, 1, "it is being tried");
    client.transport().abort();
    sim.run_until(lariat::testing::secs(2)).unwrap();
    let statistics = super::now(&sim, &proxy);
    assert_eq!((statistics.clients, statistics.backends[0].connections, statistics.backends[0].failures), (0, 0, 0));
    sim.finish().unwrap();
}

#[test]
fn who_sends_before_the_backend_has_answered_is_heard_once_it_does() {
    simulated(|mut world| {
        let (client, server) = (Log::new(), Log::new());
        let early = |transport: &Transport| {
            for _ in 0..100 {
                transport.write(&[b'x'; 1000]);
            }
            transport.close_write();
        };
        joined(&mut world, client.probe().made(early), server.probe());
        world.until_lost(&[&client, &server]);
        assert_eq!(server.received_len(), 100_000);
    });
}
