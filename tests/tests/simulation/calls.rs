//! What can befall the calls that a loop makes of its system.

use std::time::Duration;

use lariat::testing::{Faults, Simulation, secs};
use lariat::{Once, Peer};
use lariat_tests::conversation::converse;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::Log;

/// A conversation goes well under these faults.
fn goes_well(seeds: u64, set: impl Fn(&Faults<'_>)) {
    Simulation::check(1..=seeds, |sim| {
        set(&sim.faults());
        let outcome = converse(sim, 60, Duration::from_millis(3))?;
        sim.run_until(secs(30))?;
        assert_eq!((outcome.returned.get(), outcome.ended.get()), (60, 1));
        Ok(())
    });
}

#[test]
fn reads_and_writes_may_be_short_down_to_a_byte() {
    goes_well(50, |faults| {
        faults.short_reads().short_writes();
    });
    let shortest = Shared::new(usize::MAX);
    Simulation::check(1..=5, |sim| {
        sim.faults().short_reads();
        let log = Log::new();
        let shortest = shortest.clone();
        let server = log.probe().data(move |_, data| shortest.with(|shortest| *shortest = data.len().min(*shortest)));
        sim.host("server").reactor().listen("tcp:7000", Once::new(server))?;
        let client = Log::new().probe().made(|transport| {
            transport.write(&[7; 1_000]);
            transport.close();
        });
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
        sim.run()?;
        assert_eq!(log.received_len(), 1_000);
        Ok(())
    });
    assert_eq!(shortest.with(|shortest| *shortest), 1);
}

#[test]
fn readiness_may_come_in_any_order_and_for_nothing() {
    goes_well(50, |faults| {
        faults.reordered_readiness().spurious_readiness(0.5).latency(0..=5);
    });
}

#[test]
fn interrupted_calls_are_made_again() {
    goes_well(50, |faults| {
        faults.interrupts(0.3);
    });
}

#[test]
fn everything_that_spares_the_stream_may_come_together() {
    goes_well(100, |faults| {
        faults
            .latency(0..=9)
            .bandwidth(20_000)
            .short_reads()
            .short_writes()
            .reordered_readiness()
            .spurious_readiness(0.2);
        faults.interrupts(0.1).slow_callbacks(0.1, 1..=20).small_buffers(64).partition(
            "client",
            "server",
            secs(1)..secs(2),
        );
    });
}

#[test]
fn a_port_whose_descriptors_run_out_serves_those_who_wait_later() {
    Simulation::check(1..=30, |sim| {
        let made = Shared::new(0);
        let counts = made.clone();
        sim.host("server").reactor().listen("tcp:7000", move |_: &Peer| {
            counts.with(|made| *made += 1);
            Log::new().probe()
        })?;
        for client in 0..5 {
            sim.host(&format!("client{client}"))
                .reactor()
                .connect("tcp:server:7000", Once::new(Log::new().probe()))
                .detach();
        }
        // The clients have their descriptors by then, or none will.
        sim.at(Duration::ZERO, |_| {});
        sim.faults().exhaustion(0.6);
        sim.run_until(secs(10))?;
        let served = made.with(|made| *made);
        let connected = sim.trace().matches("is connected").count();
        assert!(served <= 5 && connected <= 5);
        sim.faults().heal();
        sim.run_until(secs(20))?;
        let (served, asked) = (made.with(|made| *made), sim.trace().matches(" connects\n").count());
        // Who was let down politely to make room was accepted too, though by nobody.
        assert!(served <= asked, "{served} of {asked}");
        assert_eq!(sim.trace().matches(" accepts\n").count(), asked, "{}", sim.trace());
        Ok(())
    });
}

#[test]
fn to_listen_may_fail_for_want_of_descriptors() {
    Simulation::check(1..=5, |sim| {
        sim.faults().exhaustion(1.0);
        let error = sim.host("server").reactor().listen("tcp:7000", |_: &Peer| Log::new().probe()).unwrap_err();
        assert_eq!(error.kind(), lariat::ErrorKind::ResourcesExhausted);
        Ok(())
    });
}

#[test]
fn a_slow_callback_keeps_its_own_host_busy_and_no_other() {
    Simulation::check(1..=10, |sim| {
        sim.faults().slow_callbacks(1.0, 500..=500);
        let late = Shared::new(Vec::new());
        for host in ["one", "other"] {
            let begun = sim.host(host).reactor().now();
            for second in 1..=2 {
                let late = late.clone();
                let reactor = sim.host(host).reactor();
                reactor.call_later(secs(second), move |reactor| late.with(|late| late.push(reactor.now() - begun)));
            }
        }
        sim.run()?;
        let mut late = late.with(|late| late.clone());
        late.sort_unstable();
        let half = Duration::from_millis(500);
        assert!(late.iter().all(|late| *late > secs(1) && *late <= secs(2) + half * 2), "{late:?}");
        assert!(sim.host("one").reactor().stats().longest_lag >= half);
        Ok(())
    });
}
