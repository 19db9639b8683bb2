//! Limits on the number of clients and on their time.

use std::time::Duration;

use lariat::testing::{Simulation, secs};
use lariat::{Peer, Transport};
use lariat_examples::proxy::Settings;
use lariat_tests::faults::Records;
use lariat_tests::harness::{Log, in_clear};

use super::{backend, come, now, on_host, proxied, quiet, tell};

#[test]
fn clients_above_the_limit_are_closed_in_good_order_until_there_is_room_again() {
    in_clear(|mut world| {
        let target = world.listen(|_: &Peer| Log::new().probe().echo());
        let (proxy, port) = proxied(&world, &[&target], Settings { max_connections: 2, ..quiet() });
        let greet = |transport: &Transport| tell(transport, b"hello");
        let clients: Vec<Log> = (0..3).map(|_| Log::new()).collect();
        for client in &clients {
            world.connect(&port, client.probe().made(greet));
        }
        world.until("two are served", || clients[..2].iter().all(|client| client.received() == b"hello"));
        world.until_lost(&[&clients[2]]);
        assert_eq!((clients[2].lost().as_deref(), clients[2].received_len()), (Some("Done"), 0));
        clients[0].transport().close();
        let clock = world.now();
        world.until("one has left", || proxy.statistics(clock).clients == 1);
        let next = Log::new();
        world.connect(&port, next.probe().made(greet));
        world.until("there is room", || next.received() == b"hello");
        let statistics = proxy.statistics(clock);
        assert_eq!((statistics.accepted, statistics.refused, statistics.clients), (3, 1, 2));
    });
}

#[test]
fn three_hundred_clients_without_a_backend_do_not_fill_the_log() {
    let records = Records::begin();
    let sim = Simulation::new(1);
    let _proxy = on_host(&sim, &["one"], quiet());
    let clients: Vec<Log> = (0..300).map(|_| Log::new()).collect();
    clients.iter().for_each(|client| come(&sim, client.probe()));
    sim.run_until(secs(1)).unwrap();
    assert!(clients.iter().all(|client| client.lost().is_some()));
    let lines = records.lines();
    let warnings = lines.iter().filter(|line| line.starts_with("WARN")).count();
    // That the backend is down, and ten for the clients.
    assert_eq!(warnings, 11, "{lines:#?}");
    let without = lines.iter().filter(|line| line.ends_with("closed, because no backend is available")).count();
    assert_eq!(without, 300, "the others are there at level debug");
}

#[test]
fn who_is_silent_for_too_long_is_closed_and_who_is_not_stays() {
    let sim = Simulation::new(1);
    backend(&sim, "one", |_: &Peer| Log::new().probe().echo());
    let proxy = on_host(&sim, &["one"], Settings { idle_timeout: Some(secs(60)), ..quiet() });
    let (silent, lively) = (Log::new(), Log::new());
    come(&sim, silent.probe());
    come(&sim, lively.probe());
    for second in (0..300).step_by(50) {
        let lively = lively.clone();
        sim.at(secs(second + 1), move |_| tell(&lively.transport(), b"x"));
    }
    sim.run_until(secs(59)).unwrap();
    assert_eq!(silent.lost(), None);
    sim.run_until(secs(62)).unwrap();
    assert_eq!(silent.lost().as_deref(), Some("Done"));
    sim.run_until(secs(300)).unwrap();
    assert_eq!((lively.lost(), lively.received_len()), (None, 6));
    assert_eq!(now(&sim, &proxy).backends[0].connections, 1);
    sim.finish().unwrap();
}

#[test]
fn who_reads_slowly_but_steadily_is_not_idle_nor_is_who_sends_to_it() {
    let sim = Simulation::new(1);
    backend(&sim, "one", |_: &Peer| {
        Log::new().probe().made(|transport| {
            transport.write(&[1; 60_000]);
            transport.close_write();
        })
    });
    sim.faults().small_buffers(1_000);
    on_host(&sim, &["one"], Settings { idle_timeout: Some(secs(5)), ..quiet() });
    let client = Log::new();
    // A kilobyte now and then: all that the backend sent is with the proxy long before the client has it.
    come(&sim, client.probe().data(|transport, _| transport.pause_reading()).read_closed(|_| {}));
    for step in 1..=100 {
        sim.run_until(Duration::from_millis(400 * step)).unwrap();
        client.transport().resume_reading();
    }
    assert_eq!(client.received_len(), 60_000);
    sim.finish().unwrap();
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_and_so_is_its_backend() {
    let sim = Simulation::new(1);
    let writer = Log::new();
    let log = writer.clone();
    backend(&sim, "one", move |_: &Peer| {
        log.probe().made(|transport| {
            transport.write(&[1; 60_000]);
        })
    });
    sim.faults().small_buffers(1_000);
    on_host(&sim, &["one"], Settings { idle_timeout: Some(secs(5)), ..quiet() });
    let client = Log::new();
    come(&sim, client.probe().data(|transport, _| transport.pause_reading()));
    // It reads steadily for a while.
    for step in 1..=20 {
        sim.run_until(secs(step)).unwrap();
        client.transport().resume_reading();
    }
    sim.run_until(secs(24)).unwrap();
    assert_eq!((client.lost(), writer.lost()), (None, None));
    sim.run_until(secs(32)).unwrap();
    client.transport().resume_reading();
    sim.run_until(secs(40)).unwrap();
    assert_eq!(client.lost().as_deref(), Some("ConnectionReset"), "more was due to it");
    assert!(writer.lost().is_some());
    assert!(client.received_len() < 60_000);
    sim.finish().unwrap();
}

#[test]
fn who_reads_slowly_gets_all_although_the_backend_has_gone_long_ago() {
    for idle_timeout in [None, Some(secs(100))] {
        let sim = Simulation::new(1);
        let gone = Log::new();
        let log = gone.clone();
        backend(&sim, "one", move |_: &Peer| {
            log.probe().made(|transport| {
                transport.write(&[1; 60_000]);
                transport.close();
            })
        });
        sim.faults().small_buffers(1_000);
        on_host(&sim, &["one"], Settings { idle_timeout, ..quiet() });
        let client = Log::new();
        come(&sim, client.probe().data(|transport, _| transport.pause_reading()));
        for second in 1..=90 {
            sim.run_until(secs(second)).unwrap();
            client.transport().resume_reading();
        }
        assert_eq!((gone.lost().as_deref(), client.lost().as_deref()), (Some("Done"), Some("Done")));
        assert_eq!(client.received_len(), 60_000);
        sim.finish().unwrap();
    }
}

#[test]
fn while_the_proxy_stops_relays_go_on_until_they_end_or_the_drain_timeout_does() {
    let sim = Simulation::new(1);
    backend(&sim, "one", |_: &Peer| Log::new().probe().echo());
    on_host(&sim, &["one"], quiet());
    sim.host("proxy").reactor().set_drain_timeout(secs(30));
    let (ends, stays, late) = (Log::new(), Log::new(), Log::new());
    come(&sim, ends.probe());
    come(&sim, stays.probe());
    sim.run_until(secs(1)).unwrap();
    sim.host("proxy").reactor().stop();
    sim.run_until(secs(20)).unwrap();
    for client in [&ends, &stays] {
        client.transport().write(b"still there?");
    }
    let outcome = lariat_tests::harness::outcome(
        sim.host("client").reactor().connect("tcp:proxy:8000", lariat::Once::new(late.probe())),
    );
    sim.run_until(secs(21)).unwrap();
    assert!(matches!(outcome.take(), Some(Err(_))), "nobody new is taken");
    assert_eq!((ends.received(), stays.received()), (b"still there?".to_vec(), b"still there?".to_vec()));
    ends.transport().close();
    sim.run_until(secs(29)).unwrap();
    assert_eq!((ends.lost().as_deref(), stays.lost()), (Some("Done"), None));
    sim.run_until(secs(32)).unwrap();
    assert_eq!(stays.lost().as_deref(), Some("ConnectionReset"));
    assert!(!sim.host("proxy").is_running());
    sim.finish().unwrap();
}

#[test]
fn an_idle_proxy_stops_at_once() {
    let sim = Simulation::new(1);
    on_host(&sim, &["one"], Settings { check_period: Some(secs(5)), ..quiet() });
    sim.run_until(secs(7)).unwrap();
    sim.host("proxy").reactor().stop();
    sim.run_until(secs(8)).unwrap();
    assert!(!sim.host("proxy").is_running());
    sim.finish().unwrap();
}
