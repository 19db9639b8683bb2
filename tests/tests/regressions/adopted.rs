//! Sockets that were opened elsewhere.

use std::fs::File;
use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};

use lariat::{ErrorKind, Peer, Reactor, StreamOptions};
use lariat_tests::harness::{Ground, Log, Scratch, World};
use socket2::{Domain, Socket, Type};

/// Where the kernel finds a free port.
const ANYWHERE: &str = "127.0.0.1:0";

fn file() -> OwnedFd {
    File::open("/dev/null").expect("every Unix has it").into()
}

#[test]
fn the_options_of_an_adopted_stream_were_not_applied() {
    let reactor = Reactor::new().unwrap();
    let listener = TcpListener::bind(ANYWHERE).unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let kept = stream.try_clone().unwrap();
    assert!(!kept.nodelay().unwrap());
    reactor.adopt_stream(stream.into(), StreamOptions::default(), Log::new().probe()).unwrap();
    assert!(kept.nodelay().unwrap(), "it is an option, and on by default");
}

#[test]
fn what_is_no_socket_or_not_connected_was_refused_with_another_kind_of_error_than_documented() {
    let reactor = Reactor::new().unwrap();
    let unconnected = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap().into();
    let stream = |descriptor| reactor.adopt_stream(descriptor, StreamOptions::default(), Log::new().probe());
    let port = |descriptor| reactor.adopt_port(descriptor, StreamOptions::default(), |_: &Peer| Log::new().probe());
    assert_eq!(stream(file()).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(stream(unconnected).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(port(file()).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_closed_port_that_others_hold_too_went_on_waking_the_loop() {
    let mut world = World::new(Ground::RealTcp);
    let listener = TcpListener::bind(ANYWHERE).unwrap();
    let shared = listener.try_clone().unwrap().into();
    let port = world.reactor.adopt_port(shared, StreamOptions::default(), |_: &Peer| Log::new().probe()).unwrap();
    world.settle();
    port.close();
    world.settle();
    let before = world.reactor.stats().events;
    let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    world.settle();
    assert_eq!(world.reactor.stats().events, before);
}

#[test]
fn the_peer_of_a_stream_that_others_hold_too_was_not_told_of_its_end() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, mut peer) = UnixStream::pair().unwrap();
    let _kept = ours.try_clone().unwrap();
    let log = Log::new();
    world.reactor.adopt_stream(ours.into(), StreamOptions::default(), log.probe()).unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    world.until_lost(&[&log]);
    peer.set_nonblocking(true).unwrap();
    assert!(matches!(peer.read(&mut [0]), Ok(0)), "{:?}", log.story());
}

#[test]
fn the_socket_file_of_an_adopted_port_was_removed_though_others_listened_there() {
    let scratch = Scratch::new();
    let path = scratch.path("supervised");
    let supervisors = UnixListener::bind(&path).unwrap();
    let reactor = Reactor::new().unwrap();
    let shared = supervisors.try_clone().unwrap().into();
    reactor.adopt_port(shared, StreamOptions::default(), |_: &Peer| Log::new().probe()).unwrap();
    reactor.stop();
    reactor.run().unwrap();
    assert!(path.exists());
}
