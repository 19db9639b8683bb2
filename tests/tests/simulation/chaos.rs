//! Whatever goes wrong and whatever is done to connections: what arrives is the beginning of what was sent, and all of it if the end does.

use std::time::Duration;

use lariat::testing::{Random, Simulation, secs};
use lariat::{CloseReason, Idle, Once, Peer, Protocol, Transport, WriteStatus};
use lariat_tests::downstream::Shared;

/// The byte at this place of a stream that never repeats itself within what any test sends.
fn byte(place: usize) -> u8 {
    (place.wrapping_mul(31) ^ (place >> 8) ^ (place >> 16).wrapping_mul(7)).to_le_bytes()[0]
}

/// What one end knows of itself.
#[derive(Default)]
struct Story {
    sent: usize,
    received: usize,
    heard_end: bool,
    lost: Option<String>,
}

/// Does something to its connection every so often.
struct Wild {
    random: Random,
    story: Shared<Story>,
}

impl Wild {
    fn new(random: &Random) -> (Self, Shared<Story>) {
        let story = Shared::new(Story::default());
        (Self { random: random.clone(), story: story.clone() }, story)
    }

    fn act(&mut self, transport: &Transport) {
        match self.random.below(40) {
            0..=14 => self.write(transport),
            15..=17 => transport.pause_reading(),
            18..=24 => transport.resume_reading(),
            25 => transport.set_water_marks(self.random.index(5_000), self.random.index(100_000)),
            26 => transport.set_backpressure(self.random.chance(0.5)),
            27 => transport.close_write(),
            28 => transport.close(),
            29 if self.random.chance(0.3) => transport.abort(),
            30 => transport.set_idle_timeout(Idle::All, Some(secs(5 + self.random.below(20)))),
            _ => {}
        }
        let handle = transport.handle(self);
        transport.reactor().call_later(Duration::from_millis(self.random.below(200)), move |_| {
            handle.call(Self::act);
        });
    }

    fn write(&self, transport: &Transport) {
        let length = 1 + self.random.index([10, 1_000, 50_000][self.random.index(3)]);
        let start = self.story.with(|story| story.sent);
        let bytes: Vec<u8> = (start..start + length).map(byte).collect();
        let status = if self.random.chance(0.5) { transport.write(&bytes) } else { transport.write_chunk(bytes) };
        if matches!(status, WriteStatus::Accepted | WriteStatus::Paused) {
            self.story.with(|story| story.sent += length);
        }
    }
}

impl Protocol for Wild {
    fn connection_made(&mut self, transport: &Transport) {
        self.act(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let start = self.story.with(|story| {
            assert!(!story.heard_end && story.lost.is_none(), "bytes came after the end");
            story.received += data.len();
            story.received - data.len()
        });
        let wrong = data.iter().enumerate().position(|(place, seen)| *seen != byte(start + place));
        assert_eq!(wrong, None, "not what was sent, after {start} bytes");
        if self.random.chance(0.1) {
            self.write(transport);
        }
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.story.with(|story| story.heard_end = true);
        if self.random.chance(0.7) {
            transport.close();
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        let before = self.story.with(|story| story.lost.replace(reason.to_string()));
        assert_eq!(before, None, "the end was told twice");
    }
}

/// What an end heard fits what the other did.
fn check(own: &Story, peer: &Story) {
    assert!(own.received <= peer.sent);
    if own.heard_end {
        assert_eq!(own.received, peer.sent, "the stream ended in good order, but not all of it has come");
    }
}

fn run(seeds: std::ops::RangeInclusive<u64>, faults: impl Fn(&Simulation)) {
    Simulation::check(seeds, |sim: &Simulation| {
        let random = sim.random();
        let servers = Shared::new(Vec::new());
        let (accepted, random_of_server) = (servers.clone(), random.clone());
        faults(sim);
        let listening = sim.host("server").reactor().listen("tcp:7000", move |peer: &Peer| {
            let (wild, story) = Wild::new(&random_of_server);
            accepted.with(|accepted| accepted.push((peer.address(), story)));
            wild
        });
        if listening.is_err() {
            // Descriptors had run out.
            return Ok(());
        }
        for host in ["one", "other"] {
            for _ in 0..2 {
                let (wild, _) = Wild::new(&random);
                sim.host(host).reactor().connect("tcp:server:7000:timeout=10", Once::new(wild)).detach();
            }
        }
        sim.run_until(secs(40))
    });
}

#[test]
fn under_faults_that_spare_connections() {
    run(1..=60, |sim| {
        sim.faults().latency(0..=100).short_reads().short_writes().reordered_readiness().spurious_readiness(0.2);
        sim.faults().interrupts(0.1).slow_callbacks(0.05, 1..=30).partition("one", "server", secs(2)..secs(6));
    });
}

#[test]
fn under_faults_that_break_connections() {
    run(1..=60, |sim| {
        sim.faults().latency(0..=100).resets(0.02).half_open(0.005).refused_connects(0.1).unanswered_connects(0.1);
        sim.faults().exhaustion(0.05).partition("one", "server", secs(2)..secs(6));
    });
}

#[test]
fn under_all_faults_at_once() {
    run(1..=60, |sim| {
        sim.faults().latency(0..=100).bandwidth(200_000).short_reads().short_writes().reordered_readiness();
        sim.faults().spurious_readiness(0.1).small_buffers(3_000).resets(0.005).half_open(0.002).interrupts(0.1);
        sim.faults().exhaustion(0.05).slow_callbacks(0.05, 1..=30).refused_connects(0.1).unanswered_connects(0.1);
        sim.faults().crash("other", secs(5)..secs(9)).partition("one", "server", secs(2)..secs(6));
    });
}

#[test]
fn each_end_gets_the_beginning_of_what_the_other_sent_and_all_of_it_before_its_end() {
    let ended = Shared::new(0);
    Simulation::check(1..=100, |sim: &Simulation| {
        let random = sim.random();
        sim.faults().latency(0..=50).short_reads().short_writes().resets(0.002).slow_callbacks(0.02, 1..=20);
        let [(server, served), (client, called)] = [(); 2].map(|()| Wild::new(&random));
        sim.host("server").reactor().listen("tcp:7000", Once::new(server))?;
        sim.host("client").reactor().connect("tcp:server:7000", Once::new(client)).detach();
        sim.run_until(secs(60))?;
        served.with(|served| {
            called.with(|called| {
                check(served, called);
                check(called, served);
                ended.with(|ended| *ended += usize::from(served.heard_end) + usize::from(called.heard_end));
            });
        });
        Ok(())
    });
    assert!(ended.with(|ended| *ended) > 40, "too few ended in good order to tell: {}", ended.with(|ended| *ended));
}
