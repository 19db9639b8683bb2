//! Looking into a running loop: its connections, its slow callbacks, and the one that does not return.

use std::hint::spin_loop;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, Once as OnceInit, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use lariat::testing::simulated;
use lariat::{
    ConnectionInfo, ConnectionState, ErrorKind, MainLoop, Once, Peer, Protocol, Reactor, StreamOptions, Transport,
};
use lariat_tests::harness::{Ground, Log, World, everywhere};
use socket2::{Domain, SockAddr, Socket, Type};

/// Generous: nothing but a hang takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines logged from now on, by this thread and by all watchdogs.
struct Lines {
    thread: ThreadId,
    lines: Receiver<(ThreadId, String)>,
}

static LISTENERS: Mutex<Vec<Sender<(ThreadId, String)>>> = Mutex::new(Vec::new());

impl Lines {
    fn begin() -> Self {
        static INSTALLED: OnceInit = OnceInit::new();
        INSTALLED.call_once(|| {
            log::set_logger(&Broadcast).expect("there is no other logger");
            log::set_max_level(log::LevelFilter::Debug);
        });
        let (sender, lines) = channel();
        LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Self { thread: thread::current().id(), lines }
    }

    /// Returns the lines that this thread has logged since the last call.
    fn own(&self) -> Vec<String> {
        let own = self.lines.try_iter().filter(|(thread, _)| *thread == self.thread);
        own.map(|(_, line)| line).collect()
    }

    /// Waits for a line of another thread that contains `text`.
    fn wait(&self, text: &str) -> String {
        loop {
            let (thread, line) = self.lines.recv_timeout(PATIENCE).expect("the line is logged");
            if thread != self.thread && line.contains(text) {
                return line;
            }
        }
    }
}

struct Broadcast;

impl log::Log for Broadcast {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}", record.level(), record.args());
        let mut listeners = LISTENERS.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.send((thread::current().id(), line.clone())).is_ok());
    }

    fn flush(&self) {}
}

fn find(reactor: &Reactor, transport: &Transport) -> ConnectionInfo {
    let found = reactor.connections().into_iter().find(|connection| connection.id == transport.id());
    found.expect("the connection is listed")
}

#[test]
fn every_open_connection_is_listed_and_nothing_else_is() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        assert!(world.reactor.connections().is_empty());
        let port = world.pair(server.probe(), client.probe());
        let listed = world.reactor.connections();
        assert_eq!(listed.len(), 2, "the port is no connection: {listed:?}");
        assert_eq!(listed.len(), world.reactor.stats().connections);
        assert!(listed.is_sorted_by_key(|connection| connection.id));
        for connection in &listed {
            assert_eq!(connection.protocol, std::any::type_name::<lariat_tests::harness::Probe>());
            assert_eq!((connection.queued, connection.state), (0, ConnectionState::Open));
        }
        let accepted = find(&world.reactor, &server.transport());
        assert_eq!(accepted.peer, server.transport().peer().address());
        assert_eq!(find(&world.reactor, &client.transport()).peer, *port.address());
        client.transport().abort();
        world.until_lost(&[&client, &server]);
        assert!(world.reactor.connections().is_empty());
    });
}

#[test]
fn a_connections_age_follows_the_reactors_clock() {
    for ground in [Ground::SimulatedTcp, Ground::SimulatedUnix] {
        let (mut world, old, young) = (World::new(ground), Log::new(), Log::new());
        world.pass(Duration::from_secs(7));
        world.pair(old.probe(), Log::new().probe());
        world.pass(Duration::from_secs(3600));
        world.pair(young.probe(), Log::new().probe());
        world.pass(Duration::from_secs(90));
        assert_eq!(find(&world.reactor, &young.transport()).age.as_secs(), 90);
        assert_eq!(find(&world.reactor, &old.transport()).age.as_secs(), 3690);
    }
}

#[test]
fn queued_bytes_and_states_are_told() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let (ours, theirs) = (server.transport(), client.transport());
        let state = |world: &World| find(&world.reactor, &ours).state;

        theirs.pause_reading();
        assert_eq!(find(&world.reactor, &theirs).state, ConnectionState::ReadingPaused);
        ours.write(&vec![b'x'; 8 << 20]);
        world.settle();
        let stuck = find(&world.reactor, &ours);
        assert!(stuck.queued > 1 << 20, "{stuck}");
        assert_eq!(stuck.queued, ours.queued());
        assert_eq!(stuck.state, ConnectionState::ReadingPaused, "by back-pressure");

        theirs.resume_reading();
        world.until("everything is sent", || ours.queued() == 0);
        world.settle();
        assert_eq!(state(&world), ConnectionState::Open);
        ours.close_write();
        assert_eq!(state(&world), ConnectionState::WriteClosed);
        ours.close();
        assert_eq!(state(&world), ConnectionState::Closing);
        ours.abort();
        assert_eq!(state(&world), ConnectionState::Ending);
        world.until_lost(&[&server]);
    });
}

#[test]
fn a_half_closed_connection_says_so() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().read_closed(|_| {}), client.probe());
        client.transport().close_write();
        world.until("the end is read", || server.has("read closed"));
        assert_eq!(find(&world.reactor, &server.transport()).state, ConnectionState::ReadClosed);
    });
}

#[test]
fn a_protocol_that_asks_again_from_its_callback_finds_itself() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        let log = server.clone();
        let asking = server.probe().data(move |transport, _| {
            transport.write(b"not sent yet");
            let mine = transport.reactor().connections().into_iter().find(|other| other.id == transport.id());
            log.note(mine.map_or("missing".into(), |mine| format!("queued {}", mine.queued)));
        });
        world.pair(asking, client.probe());
        for answer in ["missing", "queued 12"] {
            client.transport().write(b"who is there?");
            world.until("it has asked", || server.has("missing") || server.has("queued 12"));
            world.until("it has asked again", || server.has(answer));
        }
        assert_eq!(world.reactor.connections().len(), 2);
    });
}

#[test]
fn a_protocol_that_asks_through_its_handle_is_listed_once() {
    let (mut world, server) = (World::new(Ground::SimulatedTcp), Log::new());
    world.pair(server.probe(), Log::new().probe());
    for _ in 0..2 {
        server.handle().call(|probe, transport| {
            let listed = transport.reactor().connections();
            probe.log().note(format!("{} listed", listed.len()));
        });
        world.settle();
    }
    assert!(server.has("2 listed"), "{:?}", server.story());
}

#[test]
fn what_a_peer_chose_is_escaped() {
    let reactor = Reactor::new().unwrap();
    let name = format!("@lariat-{}", std::process::id()).replace('@', "\0") + "\x1b[2J\n";
    let (ours, theirs) = connected_from(&name);
    let transport = reactor.adopt_stream(ours, StreamOptions::default(), Silent).unwrap();
    let line = find(&reactor, &transport).to_string();
    assert!(line.contains(r"\u{1b}[2J\n"), "{line}");
    assert!(!line.contains(char::is_control), "{line:?}");
    drop(theirs);
}

/// A Unix connection whose far end has a name of its own.
fn connected_from(name: &str) -> (std::os::fd::OwnedFd, Socket) {
    let connect = || {
        let (listener, client) =
            (Socket::new(Domain::UNIX, Type::STREAM, None)?, Socket::new(Domain::UNIX, Type::STREAM, None)?);
        listener.bind(&SockAddr::unix(format!("\0lariat-port-{}", std::process::id()))?)?;
        listener.listen(1)?;
        client.bind(&SockAddr::unix(name)?)?;
        client.connect(&listener.local_addr()?)?;
        Ok::<_, std::io::Error>((listener.accept()?.0.into(), client))
    };
    connect().expect("a Unix connection is made")
}

struct Silent;

impl Protocol for Silent {
    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Longer than a busy machine keeps a thread from running.
const LIMIT: Duration = Duration::from_millis(200);
/// The time for which the callbacks under test block: slowness is what they test.
const NAP: Duration = Duration::from_millis(300);

/// Takes its time over every byte that it gets.
struct Sleepy;

/// Keeps the loop busy until its clock has gone on by `time`.
fn keep_busy(reactor: &Reactor, time: Duration) {
    let end = reactor.now() + time;
    while reactor.now() < end {
        spin_loop();
    }
}

impl Protocol for Sleepy {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        keep_busy(transport.reactor(), NAP);
        transport.write(data);
    }
}

/// A loop with a `Sleepy` server and a client of it.
fn sleepy_world() -> (World, Log) {
    let (mut world, client) = (World::new(Ground::RealTcp), Log::new());
    let port = world.listen(|_: &Peer| Sleepy);
    world.connect(&port, client.probe());
    world.until("the connection is made", || client.is_made());
    (world, client)
}

/// Sets the limit, and has nothing timed that was to be timed on account of earlier turns.
fn forget_slow_turns(world: &World) {
    world.reactor.set_slow_callback_limit(Some(LIMIT));
}

fn ask(world: &mut World, client: &Log, times: usize) {
    for _ in 0..times {
        let before = client.received_len();
        client.transport().write(b"?");
        world.until("it is answered", || client.received_len() > before);
    }
    world.settle();
}

#[test]
fn a_slow_callback_is_named_with_its_connection_once_a_turn_was_slow() {
    let (mut world, client) = sleepy_world();
    let lines = Lines::begin();
    forget_slow_turns(&world);
    ask(&mut world, &client, 1);
    let first = lines.own();
    let about_the_turn = |line: &&String| line.starts_with("WARN a turn of the loop took ");
    assert_eq!(first.iter().filter(about_the_turn).count(), 1, "{first:?}");
    assert!(!first.iter().any(|line| line.contains("Sleepy")), "nothing was timed yet: {first:?}");

    ask(&mut world, &client, 1);
    let second = lines.own();
    let connection = world.reactor.connections().into_iter().find(|other| other.protocol.ends_with("Sleepy")).unwrap();
    let who = format!("WARN {}, serving connection {} with {},", connection.protocol, connection.id, connection.peer);
    let named = second.iter().filter(|line| line.starts_with(&who)).collect::<Vec<_>>();
    assert_eq!(named.len(), 1, "{second:?}");
    assert!(named[0].ends_with(" in one visit"), "{second:?}");
    assert!(!second.iter().any(|line| about_the_turn(&line)), "{second:?}");
}

#[test]
fn a_slow_delayed_call_is_named_after_where_it_was_written() {
    let (mut world, lines) = (World::new(Ground::RealTcp), Lines::begin());
    // The first turn of a loop is no measure of anything.
    world.turn(Some(Duration::ZERO));
    forget_slow_turns(&world);
    for _ in 0..2 {
        world.reactor.call_later(Duration::ZERO, |reactor| keep_busy(reactor, NAP));
        world.settle();
    }
    let lines = lines.own();
    let here = "inspection::a_slow_delayed_call_is_named_after_where_it_was_written::{{closure}}";
    let named = lines.iter().filter(|line| line.starts_with(&format!("WARN {here} kept the loop busy for ")));
    assert_eq!(named.count(), 1, "only the one that was slow, and not what it was called in: {lines:?}");
}

#[test]
fn without_a_limit_nothing_is_said_of_slow_callbacks() {
    let (mut world, client) = sleepy_world();
    world.reactor.set_slow_callback_limit(None);
    let lines = Lines::begin();
    ask(&mut world, &client, 2);
    assert_eq!(lines.own(), Vec::<String>::new());
}

/// Blocks until the watchdog has reported it.
struct Stuck(Lines);

impl Protocol for Stuck {
    fn data_received(&mut self, transport: &Transport, _: &[u8]) {
        let line = self.0.wait("Stuck");
        let id = transport.id();
        let peer = transport.peer().address();
        let who =
            format!("ERROR inspection::Stuck, serving connection {id} with {peer}, has been blocking the loop for ");
        assert!(line.starts_with(&who) && line.ends_with(" and has not returned yet"), "{line}");
        transport.write(b"told");
    }
}

#[test]
fn the_watchdog_names_a_callback_while_it_blocks() {
    let (mut world, client) = (World::new(Ground::RealTcp), Log::new());
    let watchdog = world.reactor.watchdog(LIMIT).unwrap();
    let port = world.listen(Once::new(Stuck(Lines::begin())));
    world.connect(&port, client.probe());
    world.until("the connection is made", || client.is_made());
    for _ in 0..2 {
        let before = client.received_len();
        client.transport().write(b"?");
        world.until("it goes on", || client.received_len() > before || client.lost().is_some());
        assert_eq!(client.lost(), None, "the line was another one");
    }
    drop(watchdog);
}

#[test]
fn the_watchdog_names_a_delayed_call_too() {
    let (mut world, lines) = (World::new(Ground::RealTcp), Lines::begin());
    let _watchdog = world.reactor.watchdog(LIMIT).unwrap();
    let log = Log::new();
    let told = log.clone();
    world.reactor.call_later(Duration::ZERO, move |_| {
        told.note(lines.wait("the_watchdog_names_a_delayed_call_too::{{closure}} has been blocking"));
    });
    world.until("the call returns", || !log.story().is_empty());
}

#[test]
fn a_watchdog_that_is_dropped_makes_room_for_another() {
    let reactor = Reactor::new().unwrap();
    let first = reactor.watchdog(LIMIT).unwrap();
    assert_eq!(reactor.watchdog(LIMIT).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(first);
    let second = reactor.watchdog(LIMIT).unwrap();
    drop(reactor);
    drop(second);
}

#[test]
fn a_watchdog_ends_with_its_loop() {
    let reactor = Reactor::new().unwrap();
    let watchdog = reactor.watchdog(LIMIT).unwrap();
    let handle = Reactor::clone(&reactor);
    drop(reactor);
    assert_eq!(handle.watchdog(LIMIT).unwrap_err().kind(), ErrorKind::ReactorEnded);
    drop(watchdog);
}

#[test]
fn a_simulated_reactor_has_no_watchdog() {
    let reactor: MainLoop = simulated();
    assert_eq!(reactor.watchdog(LIMIT).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn the_kernels_figures_of_a_tcp_connection_are_listed() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe().echo(), client.probe());
        client.transport().write(b"hello");
        world.until("the echo has come", || client.has("data"));
        for transport in [server.transport(), client.transport()] {
            let found = find(&world.reactor, &transport);
            if world.ground.is_simulated() || !world.ground.is_tcp() {
                assert_eq!(found.tcp, None);
                continue;
            }
            let tcp = found.tcp.expect("the kernel tells");
            assert!(tcp.rtt > Duration::ZERO && tcp.retransmission_timeout > tcp.rtt, "{tcp:?}");
            assert!(tcp.congestion_window > 0 && tcp.segment_size > 500 && tcp.unacked <= 1, "{tcp:?}");
            assert!(found.to_string().contains(", rtt "), "{found}");
        }
    });
}
