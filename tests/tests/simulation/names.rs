//! Names as each host of a simulation sees them.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use lariat::names::Family;
use lariat::testing::{Simulation, secs};
use lariat_tests::downstream::Shared;

const FIRST: &str = "10.0.0.1";
const SECOND: &str = "10.0.0.2";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The addresses that a host is given at the present moment, or the words of the error, and when.
fn look_up(sim: &Simulation, host: &str, name: &str, family: Family) -> (Duration, Result<Vec<String>, String>) {
    let answered = Shared::new(None);
    let (answer, reactor, begun) = (answered.clone(), sim.host(host).reactor(), sim.now());
    let asked = reactor.now();
    reactor.clone().look_up(name, family).finish(move |result| {
        let found = result.map(|found| found.addresses.iter().map(|address| address.ip().to_string()).collect());
        let found = found.map_err(|failure| failure.to_string());
        answer.with(|answer| *answer = Some((reactor.now().duration_since(asked), found)));
    });
    for _ in 0..20 {
        sim.run_until(sim.now().max(begun)).expect("nothing is wrong");
        if let Some(answer) = answered.with(|answer| answer.clone()) {
            return answer;
        }
        sim.run_until(sim.now() + Duration::from_millis(100)).expect("nothing is wrong");
    }
    panic!("{host} got no answer about {name}");
}

fn found(sim: &Simulation, host: &str, name: &str) -> Vec<String> {
    look_up(sim, host, name, Family::V4).1.unwrap_or_else(|words| vec![words])
}

#[test]
fn a_changed_name_is_stale_for_a_while_and_right_at_last() {
    let stale = Shared::new(0);
    let counted = stale.clone();
    Simulation::check(1..=20, move |sim: &Simulation| {
        sim.faults().stale_names(0..=10_000);
        sim.name("www.test", [ip(FIRST)]);
        assert_eq!(found(sim, "client", "www.test"), [FIRST]);
        sim.run_until(secs(5))?;
        sim.name("www.test", [ip(SECOND)]);
        sim.run_until(secs(10))?;
        let answers = ["client", "other"].map(|host| found(sim, host, "www.test"));
        assert!(answers.iter().flatten().all(|address| [FIRST, SECOND].contains(&&**address)));
        if answers[0] != answers[1] {
            counted.with(|count| *count += 1);
        }
        sim.run_until(secs(16))?;
        assert_eq!(found(sim, "client", "www.test"), [SECOND]);
        Ok(())
    });
    assert!((3..18).contains(&stale.take()), "two hosts see a change at different times in about half of the seeds");
}

#[test]
fn a_new_name_is_missing_while_the_former_answer_is_kept() {
    let sim = Simulation::new(1);
    sim.faults().stale_names(10_000..=10_000);
    sim.run_until(secs(1)).expect("nothing is wrong");
    sim.name("new.test", [ip(FIRST)]);
    assert!(found(&sim, "client", "new.test")[0].contains("there is no host"), "it is missing");
    // The client itself keeps for 5 s that a name does not exist.
    sim.run_until(secs(10)).expect("nothing is wrong");
    assert!(found(&sim, "client", "new.test")[0].contains("there is no host"), "it is missing");
    sim.run_until(secs(16)).expect("nothing is wrong");
    assert_eq!(found(&sim, "client", "new.test"), [FIRST]);
}

#[test]
fn healing_ends_stale_answers() {
    let sim = Simulation::new(1);
    sim.faults().stale_names(60_000..=60_000);
    sim.name("www.test", [ip(FIRST)]);
    sim.run_until(secs(1)).expect("nothing is wrong");
    sim.name("www.test", [ip(SECOND)]);
    assert_eq!(found(&sim, "client", "www.test"), [FIRST]);
    sim.faults().heal();
    assert_eq!(found(&sim, "client", "www.test"), [SECOND]);
}

#[test]
fn a_host_may_see_a_name_with_addresses_of_its_own() {
    let sim = Simulation::new(1);
    sim.name("db.test", [ip(FIRST)]);
    sim.name_on("standby", "DB.test", [ip(SECOND)]);
    assert_eq!(found(&sim, "client", "db.test"), [FIRST]);
    assert_eq!(found(&sim, "standby", "db.test."), [SECOND]);
}

#[test]
fn faults_of_names_befall_the_host_that_they_are_for() {
    let sim = Simulation::new(1);
    sim.name("www.test", [ip(FIRST)]);
    sim.faults().missing_names_on("one", Family::V4, 1.0);
    sim.faults().unavailable_names_on("two", Family::V4, 1.0);
    sim.faults().slow_names_on("three", Family::V4, 400..=400);
    assert!(found(&sim, "one", "www.test")[0].contains("there is no host"));
    assert!(look_up(&sim, "two", "www.test", Family::V4).1.is_err());
    let (after, answer) = look_up(&sim, "three", "www.test", Family::V4);
    assert_eq!((after, answer), (Duration::from_millis(400), Ok(vec![FIRST.to_owned()])));
    let (after, answer) = look_up(&sim, "four", "www.test", Family::V4);
    assert_eq!((after, answer), (Duration::ZERO, Ok(vec![FIRST.to_owned()])));
}

#[test]
fn shuffled_answers_come_in_every_order() {
    let sim = Simulation::new(1);
    sim.name("www.test", ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(ip));
    let orders =
        |count: usize| -> BTreeSet<Vec<String>> { (0..count).map(|_| found(&sim, "client", "www.test")).collect() };
    assert_eq!(orders(20).len(), 1);
    sim.faults().shuffled_names();
    assert_eq!(orders(60).len(), 6);
}

#[test]
fn names_of_hosts_have_ipv6_addresses_on_request() {
    let sim = Simulation::new(1);
    let _ = sim.host("server");
    assert_eq!(look_up(&sim, "client", "server", Family::V6).1, Ok(vec![]));
    sim.name_hosts_in_both_families();
    assert_eq!(look_up(&sim, "client", "server", Family::V6).1, Ok(vec!["fd00::1".to_owned()]));
    assert_eq!(found(&sim, "client", "server"), [FIRST]);
}
