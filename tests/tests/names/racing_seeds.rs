//! Hosts of every kind, under random seeds: a wish to connect is decided once and for good, and nothing is left of it.

use std::time::Duration;

use lariat::names::Family;
use lariat::testing::{Random, Simulation, secs};
use lariat::{ErrorKind, Peer};
use lariat_tests::harness::Log;

use crate::racing::{connect, ip};

/// Addresses of three hosts, and of none.
const ADDRESSES: [&str; 8] =
    ["10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2", "10.0.0.3", "fd00::3", "10.0.0.200", "fd00::200"];

/// Some of `all`, in any order.
fn some<'a>(random: &Random, all: &[&'a str]) -> Vec<&'a str> {
    let mut some: Vec<_> = all.iter().copied().filter(|_| random.chance(0.6)).collect();
    random.shuffle(&mut some);
    some
}

#[test]
fn whatever_the_network_does_there_is_one_outcome_and_nothing_is_left() {
    Simulation::check(1..=300, |sim: &Simulation| {
        let random = sim.random();
        for host in ["one", "two", "three"] {
            let reactor = sim.host(host).reactor();
            if random.chance(0.7) {
                reactor.listen("tcp:80", |_: &Peer| Log::new().probe())?;
            }
        }
        let addresses = some(&random, &ADDRESSES);
        sim.name("www.test", addresses.iter().map(|text| ip(text)));
        let faults = sim.faults();
        for address in some(&random, &ADDRESSES).into_iter().take(3) {
            faults.black_hole(ip(address));
        }
        faults.latency(0..=random.below(400)).refused_connects(0.2).unanswered_connects(0.2).exhaustion(0.02);
        for family in [Family::V4, Family::V6] {
            faults.slow_names(family, 0..=random.below(200));
            faults.missing_names(family, 0.1).unavailable_names(family, 0.1);
        }
        let attempts: Vec<_> = (0..6)
            .map(|_| {
                let (told, connected) = connect(sim, "tcp:www.test:80:timeout=3");
                let patience = random.chance(0.3).then(|| Duration::from_millis(random.below(2_000)));
                (told, connected, patience)
            })
            .collect();
        let mut waiting = Vec::new();
        let mut impatient = Vec::new();
        for (told, connected, patience) in attempts {
            match patience {
                Some(patience) => impatient.push((patience, connected)),
                None => waiting.push((told, connected)),
            }
        }
        impatient.sort_by_key(|(patience, _)| *patience);
        for (patience, connected) in impatient {
            sim.run_until(patience)?;
            drop(connected);
        }
        sim.run_until(secs(60))?;
        for (told, connected) in waiting {
            let (after, outcome) = told.take().expect("it is decided");
            assert!(after <= 3_000, "{after} ms");
            match outcome {
                Ok(reached) => assert!(addresses.contains(&&*reached), "{reached}"),
                Err(error) => {
                    assert!(!matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::ReactorEnded), "{error}");
                }
            }
            connected.detach();
        }
        let client = sim.host("client").reactor();
        client.crash();
        sim.run_until(secs(70))
    });
}
