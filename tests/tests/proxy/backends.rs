//! Backends that are not there, do not answer, go and come back.

use lariat::testing::{Simulation, secs};
use lariat::{Peer, Transport};
use lariat_examples::proxy::Settings;
use lariat_examples::proxy::health::State;
use lariat_examples::proxy::pool::Policy;
use lariat_tests::harness::Log;

use super::{backend, come, heard, now, on_host, quiet, says, tell};

/// Connects a visitor every second, `count` times, and waits until all have left. Returns what each received.
fn visitors(sim: &Simulation, count: u64) -> Vec<String> {
    let logs: Vec<Log> = (0..count)
        .map(|_| {
            let log = Log::new();
            come(sim, log.probe());
            sim.run_until(sim.now() + secs(1)).expect("it runs");
            log
        })
        .collect();
    logs.iter().map(heard).collect()
}

#[test]
fn each_backend_has_its_turn() {
    let sim = Simulation::new(1);
    backend(&sim, "one", says("one"));
    backend(&sim, "two", says("two"));
    let proxy = on_host(&sim, &["one", "two"], quiet());
    assert_eq!(visitors(&sim, 4), ["one", "two", "one", "two"]);
    let served: Vec<u64> = now(&sim, &proxy).backends.iter().map(|backend| backend.served).collect();
    assert_eq!(served, [2, 2]);
    sim.finish().unwrap();
}

#[test]
fn whoever_meets_a_backend_that_refuses_is_served_by_another() {
    let sim = Simulation::new(1);
    backend(&sim, "two", says("two"));
    let proxy = on_host(&sim, &["one", "two"], quiet());
    assert_eq!(visitors(&sim, 10), ["two"; 10]);
    let failures = now(&sim, &proxy).backends[0].failures;
    assert!((2..=5).contains(&failures), "after 0.5, 1, 2 and 4 seconds it is tried again: {failures}");
    sim.finish().unwrap();
}

#[test]
fn who_finds_no_backend_at_all_is_closed_in_good_order() {
    let sim = Simulation::new(1);
    let proxy = on_host(&sim, &["one", "two"], quiet());
    let logs = [Log::new(), Log::new()];
    for log in &logs {
        come(&sim, log.probe().made(|transport| tell(transport, b"is anybody there?")));
        sim.run_until(sim.now() + secs(5)).unwrap();
        assert_eq!(log.lost().as_deref(), Some("Done"));
        assert_eq!(log.received_len(), 0);
    }
    assert_eq!(now(&sim, &proxy).unserved, 2);
    sim.finish().unwrap();
}

#[test]
fn one_that_does_not_answer_costs_the_connect_timeout_once() {
    let sim = Simulation::new(1);
    backend(&sim, "one", says("one"));
    backend(&sim, "two", says("two"));
    sim.faults().partition("proxy", "one", secs(0)..secs(1000));
    let proxy = on_host(&sim, &["one", "two"], Settings { connect_timeout: secs(2), ..quiet() });
    let log = Log::new();
    come(&sim, log.probe());
    sim.run_until(secs(1)).unwrap();
    assert_eq!(heard(&log), "", "it waits");
    // While the first attempt hangs, the state is unknown; its failure marks the backend as down.
    sim.run_until(secs(3)).unwrap();
    assert_eq!(heard(&log), "two");
    assert!(matches!(now(&sim, &proxy).backends[0].state(), State::Down(_)));
    sim.finish().unwrap();
}

#[test]
fn the_statistics_show_the_last_reason_for_a_failure() {
    let sim = Simulation::new(1);
    sim.faults().partition("proxy", "one", secs(3)..secs(1000));
    let checked = Settings { check_period: Some(secs(1)), connect_timeout: secs(1), ..quiet() };
    let proxy = on_host(&sim, &["one"], checked);
    let reason = || now(&sim, &proxy).backends[0].last_failure.clone().unwrap_or_default();
    assert_eq!(reason(), "");
    sim.run_until(secs(2)).unwrap();
    assert!(reason().contains("Connection refused"), "{}", reason());
    let line = format!(" down connections=0 served=0 failures=3 last_failure={:?}\n", reason());
    assert!(now(&sim, &proxy).to_string().contains(&line), "{}", now(&sim, &proxy));
    sim.run_until(secs(10)).unwrap();
    assert!(reason().contains("no answer within 1 s"), "{}", reason());
    sim.finish().unwrap();
}

#[test]
fn a_check_finds_out_before_any_client_does_and_brings_back_who_is_there_again() {
    let sim = Simulation::new(1);
    backend(&sim, "one", says("one"));
    backend(&sim, "two", says("two"));
    let checked = Settings { check_period: Some(secs(1)), connect_timeout: secs(1), ..quiet() };
    let proxy = on_host(&sim, &["one", "two"], checked);
    sim.run_until(secs(2)).unwrap();
    sim.host("one").crash();
    sim.run_until(secs(10)).unwrap();
    assert_ne!(now(&sim, &proxy).backends[0].state(), State::Up);
    assert_eq!(visitors(&sim, 3), ["two"; 3]);
    sim.host("one").restart();
    sim.run_until(sim.now() + secs(3)).unwrap();
    assert_eq!(now(&sim, &proxy).backends[0].state(), State::Up);
    let mut names = visitors(&sim, 2);
    names.sort();
    assert_eq!(names, ["one", "two"]);
    sim.finish().unwrap();
}

#[test]
fn without_checks_a_client_brings_a_backend_back() {
    let sim = Simulation::new(1);
    let proxy = on_host(&sim, &["one"], quiet());
    assert_eq!(visitors(&sim, 5), [""; 5]);
    backend(&sim, "one", says("one"));
    let names = visitors(&sim, 10);
    assert_eq!(names.last().map(String::as_str), Some("one"));
    let back = names.iter().position(|name| name == "one").unwrap();
    assert!(names[back..].iter().all(|name| name == "one"));
    assert_eq!(now(&sim, &proxy).backends[0].state(), State::Up);
    sim.finish().unwrap();
}

#[test]
fn with_least_connections_who_has_fewest_is_next() {
    let sim = Simulation::new(1);
    let (one, two) = (Log::new(), Log::new());
    let (first, second) = (one.clone(), two.clone());
    backend(&sim, "one", move |_: &Peer| first.probe());
    backend(&sim, "two", move |_: &Peer| second.probe());
    let proxy = on_host(&sim, &["one", "two"], Settings { policy: Policy::LeastConnections, ..quiet() });
    let clients: Vec<Log> = (0..4).map(|_| Log::new()).collect();
    for client in &clients {
        come(&sim, client.probe());
        sim.run_until(sim.now() + secs(1)).unwrap();
    }
    assert_eq!((one.count("made"), two.count("made")), (2, 2));
    // Both clients of the first backend go.
    for client in [&clients[0], &clients[2]] {
        client.transport().close();
    }
    sim.run_until(sim.now() + secs(5)).unwrap();
    for _ in 0..2 {
        come(&sim, Log::new().probe());
        sim.run_until(sim.now() + secs(1)).unwrap();
    }
    assert_eq!((one.count("made"), two.count("made")), (4, 2));
    let connections: Vec<usize> = now(&sim, &proxy).backends.iter().map(|backend| backend.connections).collect();
    assert_eq!(connections, [2, 2]);
    sim.finish().unwrap();
}

#[test]
fn a_backend_that_is_down_costs_no_more_attempts_than_its_back_off_allows() {
    let sim = Simulation::new(1);
    backend(&sim, "two", says("two"));
    let proxy = on_host(&sim, &["one", "two"], quiet());
    assert_eq!(visitors(&sim, 200), ["two"; 200]);
    // 0.5, 1, 2, 4, 8, 16, 30, 30 …: in 200 seconds twelve at the most.
    assert!(now(&sim, &proxy).backends[0].failures <= 12, "{:?}", now(&sim, &proxy));
    sim.finish().unwrap();
}

#[test]
fn a_backend_that_reads_nothing_is_given_up_when_nothing_has_moved_for_the_idle_timeout() {
    let sim = Simulation::new(1);
    let stalls = Log::new();
    let log = stalls.clone();
    backend(&sim, "one", move |_: &Peer| log.probe().made(Transport::pause_reading));
    let proxy = on_host(&sim, &["one"], Settings { idle_timeout: Some(secs(60)), ..quiet() });
    let client = Log::new();
    come(&sim, client.probe().made(|transport| tell(transport, &[1; 8 * 1024 * 1024])));
    sim.run_until(secs(50)).unwrap();
    assert_eq!((client.lost(), now(&sim, &proxy).clients), (None, 1));
    sim.run_until(secs(130)).unwrap();
    assert_eq!((now(&sim, &proxy).clients, now(&sim, &proxy).backends[0].connections), (0, 0));
    assert_ne!(client.lost().as_deref(), Some("Done"), "not all that it sent was taken");
    sim.finish().unwrap();
}
