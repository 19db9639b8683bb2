//! Connections between simulated hosts.

use lariat::testing::{Simulation, secs};
use lariat::{Once, Peer, Reactor};
use lariat_tests::harness::Log;

#[test]
fn a_connection_that_nobody_acknowledged_any_more_seemed_to_end_in_good_order_to_who_had_more_to_send() {
    Simulation::check(1..=5, |sim| {
        sim.faults().small_buffers(1_000).latency(1..=5);
        let (server, client) = (Log::new(), Log::new());
        let probe = server.probe().made(lariat::Transport::pause_reading);
        sim.host("server").reactor().listen("tcp:7000", Once::new(probe))?;
        let sends = client.probe().read_closed(|_| {});
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(sends)).detach();
        sim.run_until(secs(1))?;
        sim.faults().half_open(1.0);
        client.transport().write(&[7; 50_000]);
        sim.run_until(secs(1_000))?;
        assert!(!client.has("read closed"), "{:?}", client.story());
        assert_eq!(client.lost().as_deref(), Some("TimedOut"));
        Ok(())
    });
}

#[test]
fn a_client_whose_call_was_under_way_when_the_server_crashed_was_accepted_by_a_socket_that_was_none() {
    Simulation::check(1..=5, |sim| {
        sim.faults().latency(1_000..=1_000);
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        sim.host("server").start(move |reactor: &Reactor| {
            let log = log.clone();
            reactor.listen("tcp:7000", move |_: &Peer| log.probe().echo()).map(drop)
        })?;
        let asks = client.probe().made(|transport| {
            transport.write(b"are you there?");
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(asks)).detach();
        sim.faults().crash("server", std::time::Duration::from_millis(500)..secs(3));
        sim.run_until(secs(20))?;
        assert_eq!((server.lost(), client.received()), (None, b"are you there?".to_vec()));
        Ok(())
    });
}
