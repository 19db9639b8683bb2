//! Whatever is done to connections in whatever order: what arrives is what was sent, and everybody hears of the end once.

use std::time::Duration;

use lariat::testing::Random;
use lariat::{Bytes, ConnectOptions, Idle, ListenOptions, Once, Transport, WriteStatus};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, World};

/// One end of a connection, and how much was written to it.
#[derive(Clone)]
struct End {
    name: usize,
    /// What it sends, over and over. Of a length that no buffer has, so that nothing lost or repeated goes unseen.
    pattern: Bytes,
    log: Log,
    sent: Shared<usize>,
    random: Random,
}

impl End {
    fn new(name: usize, random: &Random) -> Self {
        let byte = |at: usize| (at.wrapping_mul(31) ^ (at >> 8) ^ name.wrapping_mul(101)).to_le_bytes()[0];
        let pattern = (0..65_521).map(byte).collect::<Vec<_>>().into();
        Self { name, pattern, log: Log::new(), sent: Shared::new(0), random: random.clone() }
    }

    /// The bytes that this end sends, from `start` on.
    fn stream(&self, start: usize, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let rest = &self.pattern[(start + bytes.len()) % self.pattern.len()..];
            bytes.extend_from_slice(&rest[..rest.len().min(length - bytes.len())]);
        }
        bytes
    }

    fn write(&self, transport: &Transport) {
        let length = 1 + self.random.index([10, 1_000, 100_000, 300_000][self.random.index(4)]);
        let start = self.sent.with(|sent| *sent);
        let bytes = self.stream(start, length);
        let place = start % self.pattern.len();
        let status = match self.random.index(3) {
            0 => transport.write(&bytes),
            // A piece of memory that many entries share.
            1 if place + length <= self.pattern.len() => {
                transport.write_chunk(self.pattern.slice(place..place + length))
            }
            _ => transport.write_chunk(bytes),
        };
        if matches!(status, WriteStatus::Accepted | WriteStatus::Paused) {
            self.sent.with(|sent| *sent += length);
        }
    }

    /// Does something to the connection.
    fn act(&self, transport: &Transport) {
        match self.random.index(60) {
            0..=24 => self.write(transport),
            25..=32 => transport.pause_reading(),
            33..=44 => transport.resume_reading(),
            45 => transport.set_water_marks(self.random.index(5_000), self.random.index(100_000)),
            46 => transport.set_backpressure(self.random.index(2) == 0),
            47..=48 => transport.close_write(),
            49 => transport.close(),
            50 if self.random.index(3) == 0 => transport.abort(),
            51 => {
                let own = self.clone();
                self.log.handle().call(move |_, transport| own.act(transport));
            }
            52 => {
                let limit = Duration::from_millis(1 + self.random.index(20) as u64);
                transport.set_idle_timeout(Idle::All, (self.random.index(2) == 0).then_some(limit));
            }
            _ => {}
        }
    }

    fn protocol(&self) -> lariat_tests::harness::Probe {
        let [made, data, resumed, marks, end] = [(); 5].map(|()| self.clone());
        self.log
            .probe()
            .made(move |transport| made.act(transport))
            .data(move |transport, _| {
                if data.random.index(4) == 0 {
                    data.act(transport);
                }
            })
            .read_resumed(move |transport| resumed.act(transport))
            .write_resumed(move |transport| marks.act(transport))
            .read_closed(move |transport| if end.random.index(2) == 0 { transport.close() } else { end.act(transport) })
    }

    /// Looks whether what it heard makes sense.
    fn check(&self, peer: &Self, ground: Ground) {
        let story = self.log.story();
        let context = format!("end {} on {ground:?}: {story:?}, the peer: {:?}", self.name, peer.log.story());
        assert_eq!(story.first().map(String::as_str), Some("made"), "{context}");
        assert_eq!(story.last().map(String::as_str), Some("dropped"), "{context}");
        assert!(story[story.len() - 2].starts_with("lost"), "{context}");
        for once in ["made", "dropped"] {
            assert_eq!(self.log.count(once), 1, "{context}");
        }
        assert_eq!(story.iter().filter(|heard| heard.starts_with("lost")).count(), 1, "{context}");
        assert!(self.log.count("read closed") <= 1, "{context}");
        let data = story.iter().rposition(|heard| heard == "data");
        let closed = story.iter().position(|heard| heard == "read closed").unwrap_or(usize::MAX);
        assert!(data.is_none_or(|data| data < closed), "{context}");
        let marks: Vec<_> = story.iter().filter(|heard| heard.starts_with("write")).collect();
        let alternate = marks.iter().enumerate().all(|(at, mark)| (at % 2 == 0) == (*mark == "write paused"));
        assert!(alternate, "{context}");
        let received = self.log.received();
        assert!(received == peer.stream(0, received.len()), "not what was sent, or not in order: {context}");
        let sent = peer.sent.with(|sent| *sent);
        assert!(received.len() <= sent, "{} bytes received of {sent}: {context}", received.len());
        // Over a Unix socket an abort cannot be told from a close.
        let clean = self.log.has("read closed") && (ground.is_tcp() || peer.log.has("lost: Done"));
        if clean {
            assert_eq!(received.len(), sent, "{context}");
        }
    }
}

fn chaos(ground: Ground, seed: u64) {
    let random = Random::new(seed);
    let mut world = World::new(ground);
    let ends: Vec<_> = (0..8).map(|name| End::new(name, &random)).collect();
    for pair in ends.chunks(2) {
        // Two that close while each waits for the other to read come to an end only by this.
        let (mut listen, mut connect) = (ListenOptions::default(), ConnectOptions::default());
        listen.stream.close_timeout = Duration::from_millis(100);
        connect.stream.close_timeout = Duration::from_millis(100);
        if random.index(2) == 0 {
            // Small buffers are full all the time.
            listen.stream.send_buffer = Some(1 + random.index(5_000));
            connect.stream.receive_buffer = Some(1 + random.index(5_000));
            connect.stream.send_buffer = Some(1 + random.index(5_000));
        }
        let port = world.listen_with(listen, Once::new(pair[0].protocol()));
        world.reactor.connect_at(port.address(), connect, Once::new(pair[1].protocol())).detach();
    }
    for _ in 0..400 {
        let end = &ends[random.index(ends.len())];
        if end.log.is_made() {
            end.act(&end.log.transport());
        }
        if random.index(3) == 0 {
            world.turn(Some(Duration::from_millis(if random.index(50) == 0 { 1 } else { 0 })));
        }
    }
    let mut rounds = 0;
    // A client whose server was reset before it knew of the connection is never made.
    while !ends.iter().all(|end| end.log.has("dropped")) {
        for end in ends.iter().filter(|end| end.log.is_made()) {
            end.log.transport().resume_reading();
            if rounds == 200 {
                end.log.transport().close();
            }
        }
        world.turn(Some(Duration::from_millis(1)));
        rounds += 1;
        if rounds == 100_000 {
            let stories: Vec<_> = ends.iter().map(|end| (end.log.story(), end.log.transport())).collect();
            panic!("it never ends: {stories:?}");
        }
    }
    let stats = world.reactor.stats();
    assert_eq!((stats.connections, stats.queued_bytes, stats.timers), (0, 0, 0), "seed {seed} on {ground:?}");
    assert_eq!(stats.opened, stats.closed.total());
    for pair in ends.chunks(2) {
        if pair.iter().all(|end| end.log.is_made()) {
            pair[0].check(&pair[1], ground);
            pair[1].check(&pair[0], ground);
        }
    }
}

fn seeds(ground: Ground, count: u64) {
    for seed in 0..count {
        let outcome = std::panic::catch_unwind(|| chaos(ground, seed));
        assert!(outcome.is_ok(), "seed {seed} on {ground:?}");
    }
}

#[test]
fn chaos_in_a_simulated_world_over_tcp() {
    seeds(Ground::SimulatedTcp, 60);
}

#[test]
fn chaos_in_a_simulated_world_over_unix_streams() {
    seeds(Ground::SimulatedUnix, 60);
}

#[test]
fn chaos_in_the_real_world_over_tcp() {
    seeds(Ground::RealTcp, 10);
}

#[test]
fn chaos_in_the_real_world_over_unix_streams() {
    seeds(Ground::RealUnix, 10);
}

#[test]
fn the_same_seed_takes_the_same_course() {
    let course = |seed| {
        let random = Random::new(seed);
        let mut world = World::new(Ground::SimulatedTcp);
        let ends = [End::new(0, &random), End::new(1, &random)];
        let begun = world.now();
        let port = world.listen(Once::new(ends[0].protocol()));
        world.connect(&port, ends[1].protocol());
        let mut course = Vec::new();
        for _ in 0..300 {
            let end = &ends[random.index(2)];
            if end.log.is_made() {
                end.act(&end.log.transport());
            }
            world.turn(Some(Duration::from_millis(1)));
            course.push((
                world.now() - begun,
                ends.each_ref().map(|end| (end.log.story().len(), end.log.received_len())),
            ));
        }
        course
    };
    for seed in 0..5 {
        assert_eq!(course(seed), course(seed));
    }
}
