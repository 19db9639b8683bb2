//! Slow clients by the thousand, and one that is served all the while: in virtual time.

use std::time::Duration;

use lariat::testing::{MemoryTransport, VirtualClock};
use lariat::{Bytes, CloseReason, Phase, StreamOptions};
use lariat_protocols::http::{Channel, Request, Response, Server, Status};

use crate::site::{hello, page, router, text};

type Wire = MemoryTransport<Channel>;

/// So many of each kind.
const CROWD: usize = 3_000;
/// They come one group after the other, a second apart.
const GROUPS: usize = 10;
const SECOND: Duration = Duration::from_secs(1);

/// A server, and a client that asks it every second for what it is given at once.
struct Service {
    clock: VirtualClock,
    server: Server,
    good: Wire,
    second: usize,
}

impl Service {
    fn start() -> Self {
        static LARGE: [u8; 200_000] = [b'x'; 200_000];
        let mut router = router();
        router.get("/large", |_: &mut Request<'_>| Response::bytes(Bytes::from_static(&LARGE)));
        let (clock, server) = (VirtualClock::new(), Server::new(router).with_clock(|| std::time::UNIX_EPOCH));
        let good = connect(&clock, &server);
        Self { clock, server, good, second: 0 }
    }

    /// Another group, if it is time for one.
    fn group(&self) -> Vec<Wire> {
        let size = if self.second < GROUPS { CROWD / GROUPS } else { 0 };
        (0..size).map(|_| connect(&self.clock, &self.server)).collect()
    }

    /// Lets a second pass.
    fn pass(&mut self) {
        self.clock.advance(SECOND);
        self.second += 1;
        self.good.feed(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(text(self.good.take_written()), hello(), "in second {}", self.second);
    }
}

fn connect(clock: &VirtualClock, server: &Server) -> Wire {
    MemoryTransport::serve(clock, server.clone(), StreamOptions::default())
}

/// The groups that came `age` seconds ago or earlier, and the others.
fn split(groups: &mut [Vec<Wire>], now: usize, age: usize) -> (&mut [Vec<Wire>], &mut [Vec<Wire>]) {
    groups.split_at_mut((now + 1).saturating_sub(age).min(groups.len()))
}

#[test]
fn thousands_of_slow_heads_are_each_answered_at_their_deadline_and_others_served_meanwhile() {
    let mut service = Service::start();
    let mut groups = Vec::new();
    for second in 0..GROUPS + 10 {
        groups.push(service.group());
        let (gone, there) = split(&mut groups, second, 10);
        for head in there.iter_mut().flatten() {
            assert!(head.is_open());
            head.feed(b"G");
        }
        for head in gone.iter_mut().flatten() {
            assert!(head.is_closed());
        }
        service.pass();
    }
    for head in groups.iter_mut().flatten() {
        assert_eq!(text(head.take_written()), page(Status::REQUEST_TIMEOUT));
    }
    assert_eq!(service.server.stats().refused, CROWD as u64);
}

#[test]
fn thousands_of_slow_bodies_are_each_answered_at_their_deadline_and_others_served_meanwhile() {
    let mut service = Service::start();
    let mut groups = Vec::new();
    for second in 0..GROUPS + 40 {
        groups.push(service.group());
        if let Some(new) = groups.last_mut() {
            new.iter_mut()
                .for_each(|body| body.feed(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
        }
        // A byte after ten seconds, and never another.
        if let Some(group) = second.checked_sub(10).and_then(|place| groups.get_mut(place)) {
            group.iter_mut().for_each(|body| body.feed(b"x"));
        }
        let (gone, there) = split(&mut groups, second, 40);
        assert!(there.iter().flatten().all(MemoryTransport::is_open));
        assert!(gone.iter().flatten().all(MemoryTransport::is_closed));
        service.pass();
    }
    for body in groups.iter_mut().flatten() {
        assert_eq!(text(body.take_written()), page(Status::REQUEST_TIMEOUT));
    }
}

#[test]
fn thousands_of_slow_readers_are_each_given_up_at_their_deadline_and_others_served_meanwhile() {
    let mut service = Service::start();
    let mut groups = Vec::new();
    for second in 0..GROUPS + 40 {
        groups.push(service.group());
        if let Some(new) = groups.last_mut() {
            for reader in new {
                reader.peer_takes(1);
                reader.feed(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
            }
        }
        // A byte after ten seconds, and never another.
        if let Some(group) = second.checked_sub(10).and_then(|place| groups.get_mut(place)) {
            group.iter_mut().for_each(|reader| reader.peer_takes(1));
        }
        let (gone, there) = split(&mut groups, second, 40);
        assert!(there.iter().flatten().all(MemoryTransport::is_open));
        assert!(gone.iter().flatten().all(MemoryTransport::is_closed));
        service.pass();
    }
    for reader in groups.iter_mut().flatten() {
        assert!(matches!(reader.close_reason(), Some(CloseReason::TimedOut(Phase::Idle(_)))), "{reader:?}");
        assert_eq!(reader.take_written(), b"HT");
    }
}
