//! Slow clients by the thousand, and one that is served all the while: in virtual time.

use std::time::Duration;

use lariat::testing::{MemoryTransport, VirtualClock};
use lariat::{Bytes, CloseReason, ConnectionLimits, Failure, ListenOptions, Phase, Port, StreamOptions};
use lariat_protocols::http::{Body, Channel, Request, Response, Server, Status};
use lariat_tests::harness::{Ground, Log, World};

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
    for second in 0..GROUPS + 30 {
        groups.push(service.group());
        if let Some(new) = groups.last_mut() {
            new.iter_mut()
                .for_each(|body| body.feed(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"));
        }
        // A byte after ten seconds, which does not put the deadline of the whole body off.
        if let Some(group) = second.checked_sub(10).and_then(|place| groups.get_mut(place)) {
            group.iter_mut().for_each(|body| body.feed(b"x"));
        }
        let (gone, there) = split(&mut groups, second, 30);
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

/// A client of a port with room for three connections.
fn visit(world: &mut World, port: &Port, request: &str) -> Log {
    let log = Log::new();
    world.connect(port, log.probe());
    let made = log.clone();
    world.until("it is connected", || made.is_made());
    log.transport().write(request.as_bytes());
    world.pass(SECOND);
    log
}

#[test]
fn a_full_port_ends_silent_and_kept_connections_before_one_that_waits_for_its_handler() {
    for path in ["/slow", "/streamed"] {
        let mut world = World::new(Ground::SimulatedTcp);
        let mut options = ListenOptions::default();
        options.connections = Some(ConnectionLimits::total(3));
        let mut router = router();
        router.get("/slow", |request: &mut Request<'_>| {
            let pause = request.reactor().sleep(8 * SECOND);
            async move {
                pause.await?;
                Ok::<_, Failure>("late")
            }
        });
        router.get("/streamed", |request: &mut Request<'_>| {
            let reactor = request.reactor().clone();
            Response::new(Status::OK).with_body(Body::writer(move |mut body| {
                reactor.call_later(8 * SECOND, move |_| {
                    body.write(b"late");
                    body.finish();
                });
            }))
        });
        let port = world.listen_with(options, Server::new(router));
        let waits = visit(&mut world, &port, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let kept = visit(&mut world, &port, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        let silent = visit(&mut world, &port, "");
        let dropped = |log: &Log| log.has("dropped");
        let newer = visit(&mut world, &port, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(dropped(&silent) && !dropped(&kept) && !dropped(&waits));
        let newest = visit(&mut world, &port, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(dropped(&kept) && !dropped(&waits) && !dropped(&newer) && !dropped(&newest));
        world.pass(5 * SECOND);
        assert!(String::from_utf8_lossy(&waits.received()).contains("late"), "{path}");
        // With its response complete, it is kept alive like the others.
        world.pass(SECOND);
        newer.transport().write(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        newest.transport().write(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        world.pass(SECOND);
        visit(&mut world, &port, "");
        assert!(dropped(&waits) && !dropped(&newer) && !dropped(&newest));
    }
}
