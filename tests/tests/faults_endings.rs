//! A loop may be dropped in whatever state it is: every protocol hears of the end once and is dropped, and no descriptor is left open.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use lariat::mio::Interest;
use lariat::mio::unix::SourceFd;
use lariat::{Idle, Once, Peer, PullProducer, Registration, StreamOptions, Transport};
use lariat_tests::faults::{Outsider, open_descriptors};
use lariat_tests::harness::{Ground, Log, Probe, World};

/// What is still there when the loop is dropped, and goes afterwards.
type Rest = Vec<Box<dyn std::any::Any>>;

/// A connection from a bare socket to `probe`.
fn open(world: &mut World, probe: Probe) -> Outsider {
    let log = probe.log().clone();
    let port = world.listen(Once::new(probe));
    let peer = Outsider::connect(&world.reactor, port.address());
    world.until("the connection is made", || log.is_made());
    peer
}

struct Endless;

impl PullProducer for Endless {
    fn produce(&mut self, transport: &Transport) {
        transport.write(&[b'x'; 10_000]);
    }
}

/// What a loop's state is called, how many protocols it owns, and what brings it about.
type State = (&'static str, usize, fn(&mut World, &Log) -> Rest);

const STATES: &[State] = &[
    ("nothing has happened", 0, |_, _| vec![]),
    ("a port listens", 0, |world, log| {
        let probes = log.clone();
        vec![Box::new(world.listen(move |_: &Peer| probes.probe()))]
    }),
    ("clients wait in the backlog", 0, |world, log| {
        let probes = log.clone();
        let port = world.listen(move |_: &Peer| probes.probe());
        let waiting: Vec<_> = (0..3).map(|_| Outsider::connect(&world.reactor, port.address())).collect();
        vec![Box::new(waiting)]
    }),
    ("clients wait at a paused port", 0, |world, log| {
        let probes = log.clone();
        let port = world.listen(move |_: &Peer| probes.probe());
        port.pause();
        let waiting = Outsider::connect(&world.reactor, port.address());
        world.settle();
        vec![Box::new(waiting)]
    }),
    ("a port was closed in this turn", 0, |world, log| {
        let probes = log.clone();
        world.listen(move |_: &Peer| probes.probe()).close();
        vec![]
    }),
    ("an attempt to connect is to be begun", 1, |world, log| {
        let port = world.listen(|_: &Peer| Log::new().probe());
        world.connect(&port, log.probe());
        vec![]
    }),
    ("an attempt to connect has begun", 1, |world, log| {
        let port = world.listen(|_: &Peer| Log::new().probe());
        port.pause();
        world.connect(&port, log.probe());
        world.turn(Some(Duration::ZERO));
        vec![]
    }),
    ("a socket was adopted in this turn", 1, |world, log| {
        let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
        let adopted = world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe());
        vec![Box::new(adopted.expect("it is a stream")), Box::new(theirs)]
    }),
    ("a connection is open", 1, |world, log| vec![Box::new(open(world, log.probe()))]),
    ("a connection has input unread", 1, |world, log| {
        let mut peer = open(world, log.probe());
        peer.send(b"unread");
        vec![Box::new(peer)]
    }),
    ("a connection is paused", 1, |world, log| {
        let mut peer = open(world, log.probe().made(Transport::pause_reading));
        peer.send(b"unread");
        world.settle();
        vec![Box::new(peer)]
    }),
    ("a connection has been resumed", 1, |world, log| {
        let peer = open(world, log.probe().made(Transport::pause_reading));
        log.transport().resume_reading();
        vec![Box::new(peer)]
    }),
    ("output is to be sent", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().write(b"unsent");
        vec![Box::new(peer)]
    }),
    ("output is queued", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().write(&vec![b'x'; 4 << 20]);
        world.settle();
        vec![Box::new(peer)]
    }),
    ("a connection is to be closed", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().close();
        vec![Box::new(peer)]
    }),
    ("a connection sends its last words", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().write(&vec![b'x'; 4 << 20]);
        log.transport().close();
        world.settle();
        vec![Box::new(peer)]
    }),
    ("a connection waits for its peer's end", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().close();
        world.settle();
        vec![Box::new(peer)]
    }),
    ("a connection is to be aborted", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().abort();
        vec![Box::new(peer)]
    }),
    ("the peer has ended its direction", 1, |world, log| {
        let peer = open(world, log.probe().read_closed(|_| ()));
        peer.close_write();
        world.until("that is heard", || log.has("read closed"));
        vec![Box::new(peer)]
    }),
    ("our own direction is ended", 1, |world, log| {
        let peer = open(world, log.probe().made(Transport::close_write));
        world.settle();
        vec![Box::new(peer)]
    }),
    ("a connection is to fail", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().fail("on purpose");
        vec![Box::new(peer)]
    }),
    ("a protocol is to be replaced", 1, |world, log| {
        let former = Log::new();
        let peer = open(world, former.probe());
        former.transport().switch_to(log.probe(), b"left over");
        vec![Box::new(peer)]
    }),
    ("a producer produces", 1, |world, log| {
        let peer = open(world, log.probe());
        log.transport().register_pull_producer(Endless);
        world.settle();
        vec![Box::new(peer)]
    }),
    ("timeouts run", 1, |world, log| {
        let peer = open(
            world,
            log.probe().made(|transport| {
                transport.set_idle_timeout(Idle::All, Some(Duration::from_secs(60)));
            }),
        );
        vec![Box::new(peer)]
    }),
    ("a callback has panicked", 1, |world, log| {
        let peer = open(world, log.probe());
        log.handle().call(|_, _| panic!("on purpose"));
        vec![Box::new(peer)]
    }),
    ("calls wait", 2, |world, log| {
        let peer = open(world, log.probe());
        log.handle().call(|_, _| ());
        let (kept, handle) = (log.probe(), log.handle());
        world.reactor.call_later(Duration::from_secs(60), move |_| drop((kept, handle)));
        vec![Box::new(peer)]
    }),
    ("a source is registered", 1, |world, log| {
        let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
        let kept = log.probe();
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&ours);
        let source = move |_: &Registration, _| {
            let _ = (&kept, &ours);
        };
        world.reactor.register(&mut SourceFd(&descriptor), Interest::READABLE, source).expect("it can be watched");
        vec![Box::new(theirs)]
    }),
    ("the loop was stopped", 1, |world, log| {
        let peer = open(world, log.probe());
        world.reactor.stop();
        vec![Box::new(peer)]
    }),
];

#[test]
fn a_loop_that_is_dropped_in_any_state_leaves_nothing_open() {
    for (state, probes, bring_about) in STATES {
        for ground in [Ground::RealTcp, Ground::RealUnix] {
            let before = open_descriptors();
            let mut world = World::new(ground);
            let log = Log::new();
            let rest = bring_about(&mut world, &log);
            drop(world);
            let story = log.story();
            let lost = story.iter().filter(|heard| heard.starts_with("lost")).count();
            assert_eq!(lost, log.count("made"), "{state}: {story:?}");
            assert_eq!(log.count("dropped"), *probes, "{state}: {story:?}");
            // Handles that are left over, here and in the log, are harmless, but what they belong to is still there.
            drop((rest, log));
            assert_eq!(open_descriptors(), before, "{state}, on {ground:?}");
        }
    }
}
