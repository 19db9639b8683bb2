//! What only the real world has: descriptors, files, processes.

use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use lariat::mio::{Interest, unix::SourceFd};
use lariat::{ErrorKind, Once, Peer, Readiness, Registration, StreamOptions};
use lariat_tests::command::command;
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, Scratch, World, simulated};

fn real() -> World {
    World::new(Ground::RealUnix)
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    (listener.accept().expect("a client waits").0, client)
}

/// Reads until there is no more for now.
fn drain(stream: &mut UnixStream) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        all.extend_from_slice(&part[..count]);
    }
    all
}

#[test]
fn an_adopted_stream_is_served_like_one_that_was_accepted() {
    let mut world = real();
    let (unix, theirs_unix) = UnixStream::pair().expect("there are descriptors");
    let (tcp, theirs_tcp) = tcp_pair();
    let streams: [(OwnedFd, Box<dyn ReadWrite>); 2] =
        [(unix.into(), Box::new(theirs_unix)), (tcp.into(), Box::new(theirs_tcp))];
    for (ours, mut theirs) in streams {
        let log = Log::new();
        let transport =
            world.reactor.adopt_stream(ours, StreamOptions::default(), log.probe().echo()).expect("it is a stream");
        assert!(transport.is_open());
        assert!(log.story().is_empty(), "the first callback comes from the loop, too");
        theirs.write_all(b"hello").expect("there is room");
        world.until("it has been served", || log.has("data"));
        transport.close();
        let mut echo = Vec::new();
        world.turn(Some(Duration::ZERO));
        theirs.read_to_end(&mut echo).expect("the end is clean");
        assert_eq!(echo, b"hello");
        drop(theirs);
        world.until_lost(&[&log]);
        assert_eq!(log.story(), ["made", "data", "lost: Done", "dropped"]);
    }
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

#[test]
fn what_is_no_connected_stream_is_not_adopted() {
    let world = real();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let file = fs::File::open("Cargo.toml").expect("the package has one");
    for descriptor in [udp.into(), listener.into(), file.into()] {
        let log = Log::new();
        let error = world.reactor.adopt_stream(descriptor, StreamOptions::default(), log.probe());
        assert!(error.is_err());
        assert_eq!(log.story(), ["dropped"]);
    }
}

#[test]
fn an_adopted_port_accepts_who_waits_already() {
    let mut world = real();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let mut client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
    let log = Log::new();
    let port = world
        .reactor
        .adopt_port(listener.into(), StreamOptions::default(), Once::new(log.probe().echo()))
        .expect("it listens");
    client.write_all(b"hello").expect("there is room");
    world.until("the client is served", || log.has("data"));
    let mut echo = [0; 5];
    client.read_exact(&mut echo).expect("the echo is there");
    assert_eq!(&echo, b"hello");
    assert_eq!(*port.address(), log.transport().local_address().expect("it is open"));
}

#[test]
fn what_does_not_listen_is_no_port() {
    let world = real();
    let (ours, _theirs) = UnixStream::pair().expect("there are descriptors");
    let error = world
        .reactor
        .adopt_port(ours.into(), StreamOptions::default(), |_: &Peer| Log::new().probe())
        .expect_err("it does not listen");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_simulated_loop_has_no_descriptors() {
    simulated(|world| {
        let (ours, _theirs) = UnixStream::pair().expect("there are descriptors");
        let fd = ours.as_raw_fd();
        let registered =
            world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, |_: &Registration, _: Readiness| {});
        assert_eq!(registered.expect_err("it has none").kind(), ErrorKind::Unsupported);
        let log = Log::new();
        let adopted = world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe());
        assert_eq!(adopted.expect_err("it has none").kind(), ErrorKind::Unsupported);
        assert_eq!(log.story(), ["dropped"]);
    });
}

#[test]
fn the_peer_of_a_unix_connection_is_vouched_for() {
    let mut world = real();
    let (server, client) = (Log::new(), Log::new());
    world.pair(server.probe(), client.probe());
    for log in [&server, &client] {
        let credentials = log.transport().peer().credentials().expect("the kernel knows");
        assert_eq!(credentials.pid, Some(std::process::id().cast_signed()));
    }
    client.transport().abort();
    world.until_lost(&[&server, &client]);
    assert_eq!(client.transport().peer().credentials(), None);
}

/// Says that this process is the one in a PID namespace of its own.
const IN_NAMESPACE: &str = "LARIAT_TEST_IN_PID_NAMESPACE";

#[test]
fn a_peer_of_another_pid_namespace_has_no_pid() {
    if env::var_os(IN_NAMESPACE).is_some() {
        let world = real();
        let stream = io::stdin().as_fd().try_clone_to_owned().expect("there are descriptors");
        let transport = world.reactor.adopt_stream(stream, StreamOptions::default(), Log::new().probe());
        let credentials = transport.expect("it is a stream").peer().credentials().expect("the kernel knows");
        assert_eq!(credentials.pid, None, "the kernel gives 0");
        return;
    }
    let unshare = |arguments: &[&str]| {
        let mut unshare = command("unshare");
        unshare.args(["--user", "--map-root-user", "--pid", "--fork"]).args(arguments);
        unshare
    };
    if !unshare(&["true"]).output().is_ok_and(|output| output.status.success()) {
        eprintln!("not run: this machine does not let a process make namespaces");
        return;
    }
    let (theirs, _ours) = UnixStream::pair().expect("there are descriptors");
    let program = env::current_exe().expect("this program has a file");
    let test = "descriptors::a_peer_of_another_pid_namespace_has_no_pid";
    let output = unshare(&[program.to_str().expect("it is UTF-8"), "--exact", test])
        .env(IN_NAMESPACE, "yes")
        .stdin(OwnedFd::from(theirs))
        .output()
        .expect("it runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[test]
fn a_unix_socket_is_a_file_with_the_mode_that_was_asked_for_and_gone_with_its_port() {
    let mut world = real();
    let scratch = Scratch::new();
    let path = scratch.path("socket");
    let description = format!("unix:{}:mode=640", lariat::quote(path.to_str().expect("it is ASCII")));
    let port = world.reactor.listen(&description, |_: &Peer| Log::new().probe()).expect("the path is free");
    let mode = fs::metadata(&path).expect("it is a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    port.close();
    assert!(!path.exists());
    // And with the loop.
    world.reactor.listen(&description, |_: &Peer| Log::new().probe()).expect("the path is free");
    world.turn(Some(Duration::ZERO));
    drop(world);
    assert!(!path.exists());
}

#[test]
fn a_socket_file_that_somebody_else_has_made_in_its_place_is_left_alone() {
    let world = real();
    let scratch = Scratch::new();
    let path = scratch.path("socket");
    let description = format!("unix:{}", lariat::quote(path.to_str().expect("it is ASCII")));
    let port = world.reactor.listen(&description, |_: &Peer| Log::new().probe()).expect("the path is free");
    fs::remove_file(&path).expect("it is there");
    let _other = UnixListener::bind(&path).expect("the path is free");
    port.close();
    assert!(path.exists());
}

#[test]
fn a_socket_file_in_the_way_is_an_error_that_says_whether_it_is_stale() {
    let world = real();
    let scratch = Scratch::new();
    let path = scratch.path("socket");
    let description = format!("unix:{}", lariat::quote(path.to_str().expect("it is ASCII")));
    let listen = || world.reactor.listen(&description, |_: &Peer| Log::new().probe());
    let other = UnixListener::bind(&path).expect("the path is free");
    let error = listen().expect_err("another server has it");
    assert_eq!(error.kind(), ErrorKind::AddressInUse);
    assert!(error.to_string().contains("in use"), "{error}");
    drop(other);
    let error = listen().expect_err("the file is still there");
    assert_eq!(error.kind(), ErrorKind::AddressInUse);
    assert!(error.to_string().contains("stale"), "{error}");
    fs::write(scratch.path("file"), b"").expect("the directory is writable");
    let description = format!("unix:{}", lariat::quote(scratch.path("file").to_str().expect("it is ASCII")));
    let error = world.reactor.listen(&description, |_: &Peer| Log::new().probe()).expect_err("it is a file");
    assert_eq!(error.kind(), ErrorKind::AddressInUse);
    assert!(scratch.path("file").exists());
}

#[test]
fn a_directory_that_is_not_there_is_an_error_that_names_the_path() {
    let world = real();
    let scratch = Scratch::new();
    let description = format!("unix:{}", scratch.path("no/such/directory/socket").display());
    let error = world.reactor.listen(&description, |_: &Peer| Log::new().probe()).expect_err("it is not there");
    assert!(error.to_string().contains("no/such/directory"), "{error}");
}

#[test]
fn a_registered_descriptor_is_served_when_it_is_ready_until_it_is_deregistered() {
    let mut world = real();
    let (mut ours, mut theirs) = UnixStream::pair().expect("there are descriptors");
    ours.set_nonblocking(true).expect("it is a socket");
    let fd = ours.as_raw_fd();
    let (log, received) = (Log::new(), Shared::new(Vec::new()));
    let (notes, bytes) = (log.clone(), received.clone());
    let serve = move |_: &Registration, readiness: Readiness| {
        assert!(readiness.is_readable());
        bytes.with(|bytes| bytes.extend(drain(&mut ours)));
        notes.note("served");
    };
    let registration =
        world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    world.settle();
    assert!(log.story().is_empty());
    for part in [b"one ", b"two "] {
        let before = log.story().len();
        theirs.write_all(part).expect("there is room");
        world.until("it is served", || log.story().len() > before);
    }
    assert_eq!(received.take(), b"one two ");
    registration.deregister(&mut SourceFd(&fd)).expect("it is registered");
    let before = log.story().len();
    assert!(theirs.write_all(b"three").is_err(), "the source is dropped, and its stream with it");
    world.settle();
    assert_eq!(log.story().len(), before);
    assert!(registration.deregister(&mut SourceFd(&fd)).is_err());
    registration.serve_again();
    world.settle();
}

#[test]
fn a_source_may_ask_to_be_served_again_without_an_event() {
    let mut world = real();
    let (ours, mut theirs) = UnixStream::pair().expect("there are descriptors");
    let fd = ours.as_raw_fd();
    let log = Log::new();
    let notes = log.clone();
    let serve = move |registration: &Registration, readiness: Readiness| {
        let _ = &ours;
        notes.note(if readiness.is_again() { "again" } else { "event" });
        if notes.story().len() < 4 {
            registration.serve_again();
        }
    };
    world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    theirs.write_all(b"x").expect("there is room");
    world.until("it is served", || log.has("event"));
    let turns = world.turns();
    world.until("it is served again", || log.story().len() == 4);
    assert_eq!(log.story(), ["event", "again", "again", "again"]);
    assert_eq!(world.turns() - turns, 3, "once a turn");
}

#[test]
fn a_source_may_be_watched_for_something_else() {
    let mut world = real();
    let (ours, theirs) = UnixStream::pair().expect("there are descriptors");
    ours.set_nonblocking(true).expect("it is a socket");
    let fd = ours.as_raw_fd();
    let log = Log::new();
    let notes = log.clone();
    let serve = move |_: &Registration, readiness: Readiness| {
        let _ = &ours;
        notes.note(if readiness.is_writable() { "writable" } else { "other" });
    };
    let registration =
        world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    world.settle();
    assert!(log.story().is_empty());
    registration.reregister(&mut SourceFd(&fd), Interest::WRITABLE).expect("it is registered");
    world.until("it is writable", || log.has("writable"));
    drop(theirs);
}

#[test]
fn a_source_may_deregister_itself_while_it_is_served() {
    let mut world = real();
    let (ours, mut theirs) = UnixStream::pair().expect("there are descriptors");
    let fd = ours.as_raw_fd();
    let log = Log::new();
    let notes = log.clone();
    let serve = move |registration: &Registration, _: Readiness| {
        let _ = &ours;
        notes.note("served");
        registration.deregister(&mut SourceFd(&fd)).expect("it is registered");
        registration.serve_again();
        notes.note("still here");
    };
    world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    theirs.write_all(b"x").expect("there is room");
    world.until("it is served", || log.has("still here"));
    world.settle();
    assert_eq!(log.story(), ["served", "still here"]);
    assert!(theirs.write_all(b"y").is_err(), "the source is dropped, and its stream with it");
}

#[test]
fn a_panic_ends_a_registration_and_nothing_else() {
    let mut world = real();
    let (ours, mut theirs) = UnixStream::pair().expect("there are descriptors");
    let fd = ours.as_raw_fd();
    let serve = move |_: &Registration, _: Readiness| {
        let _ = &ours;
        panic!("a source panics");
    };
    world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    theirs.write_all(b"x").expect("there is room");
    world.settle();
    assert!(theirs.write_all(b"y").is_err(), "the source is dropped, and its stream with it");
    let (server, client) = (Log::new(), Log::new());
    world.pair(server.probe().echo(), client.probe());
    client.transport().write(b"well?");
    world.until("the echo is back", || client.received() == b"well?");
}

#[test]
fn a_source_is_dropped_with_the_loop() {
    let world = real();
    let (ours, mut theirs) = UnixStream::pair().expect("there are descriptors");
    let fd = ours.as_raw_fd();
    let serve = move |_: &Registration, _: Readiness| drop(ours.peer_addr());
    let registration =
        world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).expect("it can be watched");
    drop(world);
    assert!(theirs.write_all(b"x").is_err());
    registration.serve_again();
}

#[test]
fn a_plain_file_cannot_be_watched() {
    let world = real();
    let file = fs::File::open("Cargo.toml").expect("the package has one");
    let fd = file.as_raw_fd();
    let log = Log::new();
    let probe = log.probe();
    let serve = move |_: &Registration, _: Readiness| {
        let _ = &probe;
    };
    assert!(world.reactor.register(&mut SourceFd(&fd), Interest::READABLE, serve).is_err());
    assert_eq!(log.story(), ["dropped"]);
}
