//! Which address is tried when, in virtual time (RFC 8305, sections 3 to 5).

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use lariat::names::Family;
use lariat::testing::{Simulation, secs};
use lariat::{ConnectOptions, Deferred, Error, ErrorKind, Failure, Peer};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};

/// A moment, in milliseconds, and the address that answered or the error.
pub(crate) type Outcome = (u128, Result<String, Error>);

/// Hosts whose addresses are `10.0.0.1` and `fd00::1`, `10.0.0.2` and `fd00::2`, and so on.
const SERVERS: [&str; 3] = ["one", "two", "three"];

fn check(test: impl Fn(&Simulation) -> lariat::Result<()>) {
    Simulation::check(1..=3, |sim| {
        for name in SERVERS {
            sim.host(name);
        }
        test(sim)
    });
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Gives `www.test` these addresses.
fn name(sim: &Simulation, addresses: &[&str]) {
    sim.name("www.test", addresses.iter().map(|text| ip(text)));
}

/// Has a host listen on one of its addresses, or on all.
fn listen(sim: &Simulation, host: &str, interface: Option<&str>) -> lariat::Result<()> {
    let interface = interface.map_or(String::new(), |address| format!(":interface={}", lariat::quote(address)));
    sim.host(host).reactor().listen(&format!("tcp:80{interface}"), |_: &Peer| Log::new().probe())?;
    Ok(())
}

/// Connects from the client. What came of it is there once it is known.
pub(crate) fn connect(sim: &Simulation, to: &str) -> (Rc<Cell<Option<Outcome>>>, Deferred<()>) {
    let reactor = sim.host("client").reactor();
    let (told, reached) = (Rc::new(Cell::new(None)), Shared::new(None));
    let (tell, reaches, begun) = (told.clone(), reached.clone(), reactor.now());
    let factory = move |peer: &Peer| -> Probe {
        reaches.with(|reached| *reached = peer.address().tcp().map(|address| address.ip().to_string()));
        Log::new().probe()
    };
    let connected = reactor.connect(to, factory).map_result(move |result| {
        let address = reached.with(|reached| reached.clone());
        let result = result.map(|_| address.expect("the factory was asked"));
        if result.as_ref().is_err_and(Failure::is_cancelled) {
            return Ok(());
        }
        let result = result.map_err(|failure| failure.downcast().expect("an error of the reactor"));
        tell.set(Some(((reactor.now() - begun).as_millis(), result)));
        Ok(())
    });
    (told, connected)
}

/// Connects to `www.test` and waits for what comes of it.
fn connected(sim: &Simulation) -> Outcome {
    let (told, connected) = connect(sim, "tcp:www.test:80");
    connected.detach();
    sim.run_until(sim.now() + secs(60)).expect("it runs");
    told.take().expect("it is decided")
}

#[track_caller]
fn assert_reached(outcome: Outcome, after: u128, address: &str) {
    assert_eq!((outcome.0, outcome.1.expect("it is reached").as_str()), (after, address));
}

#[test]
fn of_both_families_ipv6_is_tried_first() {
    check(|sim| {
        listen(sim, "one", None)?;
        name(sim, &["10.0.0.1", "fd00::1"]);
        assert_reached(connected(sim), 0, "fd00::1");
        Ok(())
    });
}

#[test]
fn ipv6_addresses_are_not_held_up_by_a_slow_answer_about_ipv4() {
    check(|sim| {
        listen(sim, "one", None)?;
        name(sim, &["10.0.0.1", "fd00::1"]);
        sim.faults().slow_names(Family::V4, 5_000..=5_000).slow_names(Family::V6, 7..=7);
        assert_reached(connected(sim), 7, "fd00::1");
        Ok(())
    });
}

#[test]
fn ipv6_addresses_within_fifty_milliseconds_of_the_others_go_first() {
    for (late, reached, after) in [(49, "fd00::1", 49), (51, "10.0.0.1", 50), (2_000, "10.0.0.1", 50)] {
        check(|sim| {
            listen(sim, "one", None)?;
            name(sim, &["10.0.0.1", "fd00::1"]);
            sim.faults().slow_names(Family::V6, late..=late);
            assert_reached(connected(sim), after, reached);
            Ok(())
        });
    }
}

#[test]
fn a_name_without_ipv6_addresses_waits_for_nothing() {
    for missing in [false, true] {
        check(|sim| {
            listen(sim, "one", None)?;
            name(sim, &["10.0.0.1"]);
            sim.faults().slow_names(Family::V4, 20..=20).slow_names(Family::V6, 30..=30);
            if missing {
                sim.faults().unavailable_names(Family::V6, 1.0);
            }
            assert_reached(connected(sim), 30, "10.0.0.1");
            Ok(())
        });
    }
}

#[test]
fn an_address_that_swallows_what_is_sent_costs_a_quarter_of_a_second() {
    check(|sim| {
        listen(sim, "one", None)?;
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1"));
        assert_reached(connected(sim), 250, "10.0.0.1");
        Ok(())
    });
}

#[test]
fn an_address_that_refuses_costs_nothing() {
    check(|sim| {
        listen(sim, "one", Some("10.0.0.1"))?;
        name(sim, &["fd00::1", "10.0.0.1"]);
        assert_reached(connected(sim), 0, "10.0.0.1");
        Ok(())
    });
}

#[test]
fn ipv6_addresses_that_come_late_are_tried_beside_the_others() {
    check(|sim| {
        listen(sim, "one", Some("fd00::1"))?;
        name(sim, &["10.0.0.1", "10.0.0.2", "fd00::1"]);
        sim.faults().slow_names(Family::V6, 100..=100).black_hole(ip("10.0.0.1")).black_hole(ip("10.0.0.2"));
        // 10.0.0.1 has been under way since 50 ms, and it would be the turn of IPv4's second at 300 ms.
        assert_reached(connected(sim), 300, "fd00::1");
        Ok(())
    });
}

#[test]
fn the_first_of_many_that_answers_wins_however_slow_those_before_it_are() {
    check(|sim| {
        listen(sim, "three", Some("10.0.0.3"))?;
        name(sim, &["fd00::1", "fd00::2", "10.0.0.2", "10.0.0.3"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("fd00::2")).black_hole(ip("10.0.0.2"));
        // In turns: fd00::1 at 0, 10.0.0.2 at 250, fd00::2 at 500, 10.0.0.3 at 750.
        assert_reached(connected(sim), 750, "10.0.0.3");
        Ok(())
    });
}

#[test]
fn an_answer_that_is_slow_still_wins_over_an_address_that_was_tried_later() {
    check(|sim| {
        listen(sim, "one", None)?;
        name(sim, &["fd00::1", "10.0.0.1"]);
        // To and fro: the first is answered at 400 ms, the second would be at 650.
        sim.faults().latency(200..=200);
        assert_reached(connected(sim), 400, "fd00::1");
        // The other had knocked and is gone again; nobody on this side was made a protocol for it.
        assert_eq!(sim.host("client").reactor().stats().opened, 1);
        Ok(())
    });
}

/// How many sockets were closed so far, on all hosts.
fn closed(sim: &Simulation) -> usize {
    sim.trace().lines().filter(|line| line.ends_with(" closes")).count()
}

#[test]
fn the_first_that_answers_closes_the_others_at_once() {
    check(|sim| {
        listen(sim, "three", Some("10.0.0.3"))?;
        name(sim, &["fd00::1", "fd00::2", "10.0.0.2", "10.0.0.3"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("fd00::2")).black_hole(ip("10.0.0.2"));
        let (told, connected) = connect(sim, "tcp:www.test:80");
        connected.detach();
        sim.run_until(Duration::from_millis(749))?;
        assert_eq!(closed(sim), 0, "all three are under way");
        sim.run_until(Duration::from_millis(750))?;
        assert_reached(told.take().expect("it is decided"), 750, "10.0.0.3");
        assert_eq!(closed(sim), 3);
        Ok(())
    });
}

#[test]
fn whoever_gives_up_has_every_attempt_closed_at_once() {
    check(|sim| {
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("10.0.0.1"));
        let (_, connected) = connect(sim, "tcp:www.test:80");
        sim.run_until(Duration::from_millis(300))?;
        drop(connected);
        sim.run_until(Duration::from_millis(300))?;
        assert_eq!(closed(sim), 2);
        Ok(())
    });
}

#[test]
fn when_time_is_over_every_attempt_is_closed_at_once() {
    check(|sim| {
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("10.0.0.1"));
        let (told, connected) = connect(sim, "tcp:www.test:80:timeout=1");
        connected.detach();
        sim.run_until(secs(1))?;
        assert!(told.take().is_some_and(|(after, outcome)| after == 1_000 && outcome.is_err()));
        assert_eq!(closed(sim), 2);
        Ok(())
    });
}

#[test]
fn when_all_fail_one_error_tells_of_each() {
    check(|sim| {
        name(sim, &["fd00::1", "10.0.0.1", "10.0.0.77"]);
        let (after, outcome) = connected(sim);
        let error = outcome.unwrap_err();
        assert_eq!((after, error.kind()), (0, ErrorKind::Unreachable), "{error}");
        let said = error.to_string();
        let places =
            ["could not reach www.test:80", r"tcp:[fd00\:\:1]:80: ", "tcp:10.0.0.1:80: ", "tcp:10.0.0.77:80: "];
        let places: Vec<_> =
            places.iter().map(|part| said.find(part).unwrap_or_else(|| panic!("{part}: {said}"))).collect();
        assert!(places.is_sorted(), "in the order in which they were tried: {said}");
        Ok(())
    });
}

#[test]
fn the_timeout_is_for_all_of_it_together() {
    check(|sim| {
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("10.0.0.1")).slow_names(Family::V6, 900..=900);
        let (told, connected) = connect(sim, "tcp:www.test:80:timeout=2");
        connected.detach();
        sim.run_until(secs(10))?;
        let (after, outcome) = told.take().unwrap();
        let error = outcome.unwrap_err();
        assert_eq!((after, error.kind()), (2_000, ErrorKind::TimedOut), "{error}");
        assert_eq!(error.to_string().matches("no answer within 2 s").count(), 2, "{error}");
        Ok(())
    });
}

#[test]
fn the_timeout_is_for_the_look_up_too() {
    check(|sim| {
        name(sim, &["10.0.0.1"]);
        sim.faults().slow_names(Family::V4, 60_000..=60_000).slow_names(Family::V6, 60_000..=60_000);
        let (told, connected) = connect(sim, "tcp:www.test:80:timeout=3");
        connected.detach();
        sim.run_until(secs(10))?;
        let (after, outcome) = told.take().unwrap();
        let error = outcome.unwrap_err();
        assert_eq!((after, error.kind()), (3_000, ErrorKind::TimedOut), "{error}");
        assert!(error.to_string().contains("could not look up www.test:80: no answer within 3 s"), "{error}");
        // The answers that are still to come are waited for by nobody.
        assert_eq!(sim.host("client").reactor().stats().timers, 0);
        Ok(())
    });
}

#[test]
fn no_such_name_is_told_from_a_name_that_cannot_be_looked_up_now() {
    check(|sim| {
        let error = connected(sim).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NameNotFound, "{error}");
        name(sim, &[]);
        let error = connected(sim).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NameNotFound, "{error}");
        assert!(error.to_string().contains("www.test:80 has no address"), "{error}");
        sim.faults().unavailable_names(Family::V4, 1.0);
        let error = connected(sim).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NameUnavailable, "{error}");
        sim.faults().missing_names(Family::V6, 1.0);
        let error = connected(sim).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NameUnavailable, "one of two may still say otherwise: {error}");
        Ok(())
    });
}

#[test]
fn an_address_that_fails_and_a_look_up_that_fails_are_told_together() {
    check(|sim| {
        name(sim, &["10.0.0.1"]);
        sim.faults().unavailable_names(Family::V6, 1.0);
        let error = connected(sim).1.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
        let said = error.to_string();
        assert!(said.contains("tcp:10.0.0.1:80: ") && said.contains("its IPv6 addresses are not known: "), "{said}");
        Ok(())
    });
}

#[test]
fn whoever_gives_up_leaves_nothing_behind_at_any_moment() {
    for moment in [0, 10, 25, 40, 70, 100, 300, 600] {
        check(|sim| {
            name(sim, &["fd00::1", "10.0.0.1"]);
            sim.faults().black_hole(ip("fd00::1")).black_hole(ip("10.0.0.1"));
            sim.faults().slow_names(Family::V4, 30..=30).slow_names(Family::V6, 60..=60);
            let (told, connected) = connect(sim, "tcp:www.test:80");
            sim.run_until(Duration::from_millis(moment))?;
            drop(connected);
            sim.run_until(secs(100))?;
            assert!(told.take().is_none(), "nobody waited");
            let stats = sim.host("client").reactor().stats();
            assert_eq!((stats.timers, stats.deferreds, stats.calls, stats.opened), (0, 0, 0, 0), "{moment}");
            Ok(())
        });
    }
}

#[test]
fn a_reactor_that_stops_lets_a_look_up_go_on_and_one_that_ends_fails_it() {
    check(|sim| {
        listen(sim, "one", None)?;
        name(sim, &["10.0.0.1"]);
        sim.faults().slow_names(Family::V4, 2_000..=2_000);
        let (told, connected) = connect(sim, "tcp:www.test:80");
        connected.detach();
        sim.at(secs(1), |sim| sim.host("client").reactor().crash());
        sim.run_until(secs(30))?;
        let (after, outcome) = told.take().expect("it is told");
        assert_eq!((after, outcome.unwrap_err().kind()), (1_000, ErrorKind::ReactorEnded));
        Ok(())
    });
}

#[test]
fn a_host_that_crashes_while_it_connects_takes_all_of_it_along() {
    check(|sim| {
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1")).black_hole(ip("10.0.0.1"));
        let (told, connected) = connect(sim, "tcp:www.test:80");
        sim.run_until(Duration::from_millis(300))?;
        sim.host("client").crash();
        sim.run_until(secs(60))?;
        assert!(told.take().is_none());
        drop(connected);
        Ok(())
    });
}

#[test]
fn localhost_is_two_addresses_of_which_ipv4_is_the_first() {
    for (interface, reached) in [("127.0.0.1", "127.0.0.1"), ("::1", "::1")] {
        check(|sim| {
            listen(sim, "client", Some(interface))?;
            let (told, connected) = connect(sim, "tcp:localhost:80");
            connected.detach();
            sim.run()?;
            assert_reached(told.take().unwrap(), 0, reached);
            Ok(())
        });
    }
}

#[test]
fn the_delay_between_attempts_can_be_set() {
    check(|sim| {
        let reactor = sim.host("client").reactor();
        let mut options = ConnectOptions::default();
        assert_eq!(options.attempt_delay, Duration::from_millis(250));
        options.attempt_delay = Duration::from_millis(100);
        listen(sim, "one", None)?;
        name(sim, &["fd00::1", "10.0.0.1"]);
        sim.faults().black_hole(ip("fd00::1"));
        let begun = reactor.now();
        let (made, told) = (Rc::new(Cell::new(None)), reactor.clone());
        let tell = made.clone();
        let factory = move |_: &Peer| {
            tell.set(Some(told.now() - begun));
            Log::new().probe()
        };
        reactor.connect_host("www.test", 80, options, factory).detach();
        sim.run_until(secs(5))?;
        assert_eq!(made.get(), Some(Duration::from_millis(100)));
        Ok(())
    });
}
