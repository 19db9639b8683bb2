//! TLS in simulated networks, with whatever may befall them.

use lariat::testing::{Simulation, secs};
use lariat::{Address, CloseReason, ConnectOptions, Idle, ListenOptions, Once, Peer, Protocol, Transport};
use lariat_tests::certificates::TlsPair;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::ending;

const LENGTH: usize = 150_000;

fn byte(at: usize) -> u8 {
    u8::try_from(at % 251).expect("it is small")
}

struct Echo;

impl Protocol for Echo {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_idle_timeout(Idle::All, Some(secs(20)));
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

#[derive(Clone, Debug, Default)]
struct Fate {
    received: usize,
    heard_end: bool,
    reason: Option<String>,
}

/// Sends much, ends its side, and looks at what comes back.
struct Client(Shared<Fate>);

impl Protocol for Client {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        transport.set_idle_timeout(Idle::All, Some(secs(20)));
        for piece in (0..LENGTH).map(byte).collect::<Vec<_>>().chunks(50_001) {
            transport.write(piece);
        }
        transport.close_write();
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.with(|fate| {
            assert!(data.iter().enumerate().all(|(place, seen)| *seen == byte(fate.received + place)));
            fate.received += data.len();
        });
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.0.with(|fate| fate.heard_end = true);
        transport.close();
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.0.with(|fate| fate.reason = Some(ending(&reason)));
    }
}

fn visit(sim: &Simulation) -> lariat::Result<Shared<Fate>> {
    let pair = TlsPair::new();
    let server = sim.host("server");
    let address = Address::Tcp((server.address(), 7000).into());
    server.reactor().listen_at(&address, ListenOptions::default().tls(&pair.acceptor), |_: &Peer| Echo)?;
    let fate = Shared::new(Fate::default());
    let told = fate.clone();
    let options = ConnectOptions::default().tls(pair.to_server());
    let connected = sim.host("client").reactor().connect_at(&address, options, Once::new(Client(fate.clone())));
    connected.finish(move |connected| {
        if let Err(failure) = connected {
            told.with(|fate| fate.reason = Some(format!("not connected: {failure}")));
        }
    });
    Ok(fate)
}

#[test]
fn everything_comes_back_however_little_is_read_and_written_at_a_time() {
    Simulation::check(1..=60, |sim| {
        let buffer = [1_000, 5_000, 20_000, 100_000][usize::try_from(sim.seed() % 4).unwrap()];
        sim.faults().latency(0..=20).small_buffers(buffer).short_reads().short_writes();
        sim.faults().reordered_readiness().spurious_readiness(0.1).interrupts(0.1);
        let fate = visit(sim)?;
        sim.run_until(secs(600))?;
        let fate = fate.take();
        assert_eq!((fate.received, fate.heard_end, fate.reason.as_deref()), (LENGTH, true, Some("Done")));
        Ok(())
    });
}

#[test]
fn what_is_cut_short_is_never_taken_for_whole() {
    let (whole, broken) = (Shared::new(0), Shared::new(0));
    let (counted, lost) = (whole.clone(), broken.clone());
    Simulation::check(1..=120, move |sim| {
        sim.faults().latency(1..=20).small_buffers(8_000).short_reads().short_writes();
        sim.faults().resets(0.0005).half_open(0.0002).refused_connects(0.05).unanswered_connects(0.05);
        let fate = visit(sim)?;
        sim.run_until(secs(600))?;
        let fate = fate.take();
        let reason = fate.reason.expect("it has ended, one way or the other");
        if fate.heard_end || reason == "Done" {
            assert_eq!(fate.received, LENGTH, "{reason}");
            counted.with(|whole| *whole += 1);
        } else {
            lost.with(|broken| *broken += 1);
        }
        Ok(())
    });
    let (whole, broken) = (whole.take(), broken.take());
    assert!(whole > 5 && broken > 5, "{whole} whole, {broken} broken");
}

#[test]
fn a_network_that_swallows_everything_ends_the_handshake_at_its_deadline() {
    Simulation::check(1..=10, |sim| {
        sim.faults().latency(5..=5);
        let fate = visit(sim)?;
        // The connection stands; what comes after it is lost.
        sim.faults().partition("client", "server", std::time::Duration::from_millis(12)..secs(100));
        sim.run_until(secs(9))?;
        assert_eq!(fate.with(|fate| fate.reason.clone()), None);
        sim.run_until(secs(11))?;
        let reason = fate.with(|fate| fate.reason.clone()).unwrap_or_default();
        assert!(reason.contains("the TLS handshake was not over within 10 s"), "{reason}");
        assert_eq!(sim.host("server").reactor().stats().handshaking, 0);
        Ok(())
    });
}
