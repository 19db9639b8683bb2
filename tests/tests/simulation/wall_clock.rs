//! Wall clocks and random numbers of simulated hosts.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use lariat::testing::{MemoryTransport, Simulation, VirtualClock, secs};
use lariat::{Protocol, Transport};
use lariat_tests::downstream::Shared;

const YEAR: Duration = secs(365 * 24 * 60 * 60);

/// 2024-01-01 00:00:00 UTC.
fn start() -> SystemTime {
    SystemTime::UNIX_EPOCH + secs(1_704_067_200)
}

#[test]
fn the_start_comes_from_the_seed() {
    let starts: BTreeSet<_> = (1..=50).map(|seed| Simulation::new(seed).host("one").reactor().wall_clock()).collect();
    assert_eq!(starts.len(), 50);
    assert!(starts.iter().all(|at| (start()..start() + 11 * YEAR).contains(at)));
    let again = Simulation::new(7).host("other").reactor().wall_clock();
    assert_eq!(Simulation::new(7).host("one").reactor().wall_clock(), again);
}

#[test]
fn the_wall_clock_moves_with_virtual_time() {
    Simulation::check(1..=5, |sim: &Simulation| {
        let reactor = sim.host("one").reactor();
        let before = reactor.wall_clock();
        sim.run_until(secs(3_600))?;
        assert_eq!(reactor.wall_clock(), before + secs(3_600));
        Ok(())
    });
}

#[test]
fn a_jump_moves_no_timer_and_no_other_host() {
    Simulation::check(1..=5, |sim: &Simulation| {
        let (one, other) = (sim.host("one").reactor(), sim.host("other").reactor());
        sim.faults().clock_jump("one", secs(5), -7_200_000);
        let (begun, right, due) = (one.now(), other.wall_clock(), Shared::new(None));
        let at = due.clone();
        one.call_later(secs(10), move |reactor| {
            at.with(|at| *at = Some((reactor.now().duration_since(begun), reactor.wall_clock())));
        });
        sim.run_until(secs(20))?;
        assert_eq!(due.take(), Some((secs(10), right + secs(10) - secs(7_200))));
        assert_eq!(other.wall_clock(), right + secs(20));
        Ok(())
    });
}

#[test]
fn a_drift_grows_with_time_and_healing_ends_it() {
    Simulation::check(1..=5, |sim: &Simulation| {
        let (one, other) = (sim.host("one").reactor(), sim.host("other").reactor());
        sim.faults().clock_drift("one", 50).clock_skew("other", 1_000);
        sim.run_until(secs(1_000))?;
        let ahead = one.wall_clock().duration_since(other.wall_clock() - secs(1)).expect("it is ahead");
        assert_eq!(ahead, Duration::from_millis(50));
        sim.faults().heal();
        assert_eq!(one.wall_clock(), other.wall_clock());
        Ok(())
    });
}

#[test]
fn drawn_skews_differ_between_hosts_and_stay_in_their_range() {
    let skews: BTreeSet<Duration> = (1..=20)
        .flat_map(|seed| {
            let sim = Simulation::new(seed);
            let hosts = ["one", "two"].map(|host| sim.host(host).reactor());
            let least = hosts[0].wall_clock() - secs(2);
            sim.faults().clock_skews(-2_000..=2_000);
            hosts.map(|reactor| reactor.wall_clock().duration_since(least).expect("it is within the range"))
        })
        .collect();
    assert!(skews.iter().all(|skew| *skew <= secs(4)), "{skews:?}");
    assert!(skews.len() > 35, "{skews:?}");
}

#[test]
fn each_host_and_each_start_has_random_numbers_of_its_own() {
    let draw = |seed| {
        let sim = Simulation::new(seed);
        let first = ["one", "two"].map(|host| sim.host(host).reactor().random().next());
        sim.host("one").restart();
        let again = sim.host("one").reactor().random();
        [first[0], first[1], again.next(), sim.host("one").reactor().random().next()]
    };
    let numbers: BTreeSet<u64> = draw(1).into_iter().chain(draw(2)).collect();
    assert_eq!(numbers.len(), 8);
    assert_eq!(draw(1), draw(1));
}

#[test]
fn what_one_host_draws_changes_nothing_on_another() {
    let other = |draws: usize| {
        let sim = Simulation::new(3);
        let one = sim.host("one").reactor();
        for _ in 0..draws {
            let _ = one.random().next();
        }
        sim.host("other").reactor().random().next()
    };
    assert_eq!(other(0), other(100));
}

#[test]
fn a_virtual_clock_has_a_fixed_start_and_fixed_numbers() {
    let clock = VirtualClock::new();
    assert_eq!(clock.wall_clock(), start());
    clock.advance(secs(60));
    assert_eq!(clock.wall_clock(), start() + secs(60));
    assert_eq!(clock.random().next(), VirtualClock::new().random().next());
}

/// Answers with the time of day and a random number.
struct Oracle;

impl Protocol for Oracle {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        let reactor = transport.reactor();
        let since = reactor.wall_clock().duration_since(start()).expect("it is later");
        transport.write(format!("{} {}", since.as_secs(), reactor.random().below(1_000)).as_bytes());
    }
}

#[test]
fn a_protocol_in_memory_sees_the_same_time_and_numbers_each_time() {
    let answer = || {
        let mut wire = MemoryTransport::new(Oracle);
        wire.advance(secs(5));
        wire.feed(b"?");
        String::from_utf8(wire.take_written()).expect("it is text")
    };
    assert!(answer().starts_with("5 "), "{}", answer());
    assert_eq!(answer(), answer());
}
