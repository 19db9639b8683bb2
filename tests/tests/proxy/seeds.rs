//! Under whatever the network does: what comes through is what was sent, and nothing is left behind.

use lariat::testing::{Simulation, secs};
use lariat::{CloseReason, Peer, Protocol, Transport};
use lariat_examples::proxy::Settings;
use lariat_examples::proxy::pool::Policy;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::Log;

use super::{backend, come, now, on_host, quiet};

/// Bytes that each client sends.
const LENGTH: usize = 5_000;

fn pattern() -> Vec<u8> {
    (0..LENGTH).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect()
}

/// Sends all, then its end, and holds the echo beside it.
struct Checker {
    received: usize,
    ends: Shared<Vec<(usize, bool)>>,
}

impl Protocol for Checker {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        transport.write(&pattern());
        transport.close_write();
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        let expected = &pattern()[self.received..];
        assert!(expected.starts_with(data), "the echo differs from {} on", self.received);
        self.received += data.len();
    }

    fn read_closed(&mut self, _: &Transport) {}

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        let (received, ends) = (self.received, self.ends.clone());
        ends.with(|ends| ends.push((received, reason.is_done())));
    }
}

#[test]
fn an_orderly_end_means_that_all_came_through_and_afterwards_nobody_is_left() {
    Simulation::check(1..=20, |sim: &Simulation| {
        for host in ["one", "two"] {
            backend(sim, host, |_: &Peer| Log::new().probe().echo());
        }
        let settings = Settings {
            policy: if sim.seed().is_multiple_of(2) { Policy::RoundRobin } else { Policy::LeastConnections },
            connect_timeout: secs(3),
            idle_timeout: Some(secs(60)),
            check_period: Some(secs(5)),
            ..quiet()
        };
        let proxy = on_host(sim, &["one", "two"], settings);
        sim.faults()
            .latency(1..=200)
            .short_reads()
            .short_writes()
            .reordered_readiness()
            .small_buffers(1_000)
            .resets(0.000_5)
            .refused_connects(0.1)
            .unanswered_connects(0.1)
            .half_open(0.000_2)
            .crash("one", secs(5)..secs(20))
            .partition("proxy", "two", secs(30)..secs(50));
        let ends = Shared::default();
        for number in 0..30 {
            let ends = ends.clone();
            sim.at(secs(number * 2), move |sim| come_quietly(sim, Checker { received: 0, ends }));
        }
        sim.run_until(secs(120))?;
        sim.faults().heal();
        sim.run_until(secs(300))?;
        for (received, orderly) in ends.with(|ends| ends.clone()) {
            // One that found no backend got an orderly end and nothing; any other one got all.
            assert!(!orderly || received == LENGTH || received == 0, "{received} bytes and an orderly end");
        }
        let last = Shared::default();
        come(sim, Checker { received: 0, ends: last.clone() });
        sim.run_until(secs(330))?;
        assert_eq!(last.take(), [(LENGTH, true)], "with nothing in its way it comes through");
        let statistics = now(sim, &proxy);
        assert_eq!(statistics.clients, 0);
        assert!(statistics.backends.iter().all(|backend| backend.connections == 0), "{statistics}");
        Ok(())
    });
}

/// Somebody comes who may not get in.
fn come_quietly(sim: &Simulation, client: Checker) {
    let connect = sim.host("client").reactor().connect("tcp:proxy:8000", lariat::Once::new(client));
    connect.finish(drop);
}
