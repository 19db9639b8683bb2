//! A client that asks and does not read.

use std::cell::Cell;
use std::fs;
use std::hint::spin_loop;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{Once, Protocol, Reactor, Transport, check_chunking};
use lariat_protocols::http::{Request, Server};
use lariat_tests::child::Child;
use lariat_tests::examples::example;
use socket2::{Domain, Socket, Type};

use crate::site::{hello, server, text, wire};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_hundred_thousand_pipelined_requests_of_a_client_that_does_not_read_are_held_back_and_then_all_answered() {
    const REQUESTS: usize = 100_000;
    let mut wire = wire();
    wire.peer_takes(0);
    wire.feed(GET.repeat(REQUESTS).as_bytes());
    // The queue's high mark, and what one turn gathers above it.
    assert!(wire.queued() < 256 * 1024, "{} bytes are queued", wire.queued());
    assert!(wire.is_reading_paused());
    wire.peer_takes_all();
    let written = wire.take_written();
    assert_eq!(written.len(), REQUESTS * hello().len());
    assert!(written.chunks(hello().len()).all(|answer| answer == hello().as_bytes()));
    assert!(wire.is_open());
}

/// The most memory that a process has had so far, in KiB.
fn peak_memory(process: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
    line.trim().trim_end_matches(" kB").parse().expect("it is a number")
}

#[test]
fn a_process_takes_no_memory_for_a_hundred_thousand_requests_of_a_client_that_does_not_read() {
    const REQUESTS: usize = 100_000;
    // So long that what the kernel keeps of requests and responses is less than all.
    let get = format!("GET /plaintext HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200));
    let mut process = Child::start(&example("plaintext").to_string_lossy(), &["tcp:0:interface=127.0.0.1"]);
    let line = process.line();
    let (_, port) = line.rsplit_once(':').expect("it tells its address");
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("there are descriptors");
    client.set_recv_buffer_size(64 * 1024).expect("it is a socket");
    client
        .connect(&SocketAddr::from(([127, 0, 0, 1], port.parse().expect("it is a port"))).into())
        .expect("it listens");
    let mut client = TcpStream::from(client);
    client.write_all(get.as_bytes()).expect("it reads");
    let mut answer = [0; 1024];
    let length = client.read(&mut answer).expect("it answers");
    assert!(answer[..length].ends_with(b"\r\n\r\nHello, World!"));
    let before = peak_memory(&process);

    let requests = get.repeat(REQUESTS);
    client.set_write_timeout(Some(Duration::from_secs(2))).expect("the time is not zero");
    let mut sent = 0;
    // Until it has been stuck for a while: both sides' buffers are full, and the server reads no more.
    let stuck = loop {
        match client.write(&requests.as_bytes()[sent..]) {
            Ok(count) => sent += count,
            Err(error) => break error,
        }
        assert!(sent < requests.len(), "the server has read it all");
    };
    assert_eq!(stuck.kind(), ErrorKind::WouldBlock);
    let grown = peak_memory(&process) - before;
    assert!(grown < 1024, "the server has taken {grown} KiB for them");

    client.set_write_timeout(None).expect("it is a socket");
    let mut writer = client.try_clone().expect("there are descriptors");
    let writer = thread::spawn(move || writer.write_all(&requests.as_bytes()[sent..]));
    let mut left = REQUESTS * length;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let count = client.read(&mut buffer).expect("it goes on answering");
        assert!(count > 0, "the server has closed the connection");
        left = left.checked_sub(count).expect("each is answered once");
    }
    writer.join().expect("it does not panic").expect("all was read");
    let grown = peak_memory(&process) - before;
    assert!(grown < 1024, "the server has taken {grown} KiB for them");
}

/// Writes `bytes` one second after it was connected.
struct Writer(Vec<u8>);

impl Protocol for Writer {
    fn connection_made(&mut self, transport: &Transport) {
        transport.handle(self).call_later(Duration::from_secs(1), |writer, transport| {
            transport.write(&writer.0);
        });
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

#[test]
fn a_visitor_is_served_amid_a_pipelined_flood() {
    let mut waited = false;
    for seed in 0..20 {
        let simulation = Simulation::new(seed);
        let (seen, paths) = channel();
        let server = Server::new(move |request: &mut Request<'_>| {
            seen.send(request.path().to_owned()).expect("the test receives");
            "served"
        });
        simulation.host("server").reactor().listen("tcp:80", server).expect("nothing else listens");
        let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let flood: String = (0..100).map(|number| request(&format!("/{number}"))).collect();
        for bytes in [flood, request("/visitor")] {
            simulation.host("client").reactor().connect("tcp:server:80", Once::new(Writer(bytes.into()))).finish(drop);
        }
        simulation.run_until(Duration::from_secs(5)).expect("nothing fails");
        let mut paths: Vec<String> = paths.try_iter().collect();
        let place = paths.iter().position(|path| path == "/visitor").expect("the visitor is served");
        assert!(place <= 32, "after {place} others, with seed {seed}");
        waited |= place > 0;
        paths.remove(place);
        let expected: Vec<_> = (0..100).map(|number| format!("/{number}")).collect();
        assert_eq!(paths, expected, "each is served once, in order");
    }
    assert!(waited, "the flood came first with no seed");
}

#[test]
fn one_slow_handler_runs_between_two_visits_of_another_connection() {
    const REQUESTS: usize = 20;
    let reactor = Reactor::new().expect("there are descriptors");
    let ((seen, paths), served) = (channel(), Cell::new(0));
    let server = Server::new(move |request: &mut Request<'_>| {
        let reactor = request.reactor();
        // Longer than the time of a visit.
        let end = reactor.now() + Duration::from_micros(200);
        while reactor.now() < end {
            spin_loop();
        }
        seen.send(request.path().to_owned()).expect("the test receives");
        served.set(served.get() + 1);
        if served.get() == 2 * REQUESTS {
            reactor.stop();
        }
        "served"
    });
    let port = reactor.listen("tcp:0:interface=127.0.0.1", server).expect("it can listen");
    let address = port.address().tcp().expect("it is TCP");
    let clients = ["/one", "/other"].map(|path| {
        let mut client = TcpStream::connect(address).expect("it listens");
        client
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(REQUESTS).as_bytes())
            .expect("it is open");
        client
    });
    reactor.call_later(Duration::from_secs(60), Reactor::stop);
    reactor.run().expect("the loop runs");
    drop(clients);
    let paths: Vec<_> = paths.try_iter().collect();
    assert_eq!(paths.len(), 2 * REQUESTS, "all are served");
    let runs: Vec<_> = paths.chunk_by(|one, next| one == next).map(<[_]>::len).collect();
    assert!(runs.iter().all(|run| *run == 1), "requests of one connection in a row: {runs:?}");
}

#[test]
fn a_flood_that_ends_with_its_connection_is_answered_whole() {
    let requests = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let mut wire = wire();
    wire.feed(requests.as_bytes());
    wire.end_of_input();
    assert_eq!(text(wire.take_written()), hello().repeat(100));
    assert!(!wire.is_open());
    check_chunking!(server().channel(), requests);
}
