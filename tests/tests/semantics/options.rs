//! The options of sockets: what they do, and what is said of those that cannot be set.

use std::net::{IpAddr, TcpListener, TcpStream};
use std::time::Duration;

use lariat::{
    Address, ConnectOptions, Error, ErrorKind, Keepalive, ListenOptions, Once, Peer, StreamOptions, Transport,
};
use lariat_tests::harness::{Ground, Log, World, everywhere, outcome, unused_port};

fn tcp(address: &str) -> Address {
    Address::Tcp(address.parse().expect("the address is right"))
}

/// Stream options out of range, and the words of their errors.
fn wrong_streams() -> Vec<(StreamOptions, &'static str)> {
    let keepalive = |change: fn(&mut Keepalive)| -> StreamOptions {
        let (mut options, mut keepalive) = (StreamOptions::default(), Keepalive::default());
        change(&mut keepalive);
        options.keepalive = Some(keepalive);
        options
    };
    let stream = |change: fn(&mut StreamOptions)| -> StreamOptions {
        let mut options = StreamOptions::default();
        change(&mut options);
        options
    };
    const SECONDS: fn(u64) -> Duration = Duration::from_secs;
    vec![
        (keepalive(|it| it.idle = SECONDS(32_768)), "keepalive.idle is 32768 s, and must be from 1 to 32767 s"),
        (
            keepalive(|it| it.idle = Duration::from_millis(500)),
            "keepalive.idle is 0.5 s, and must be from 1 to 32767 s",
        ),
        (keepalive(|it| it.interval = SECONDS(70_000)), "keepalive.interval is 70000 s, and must be from 1 to 32767 s"),
        (keepalive(|it| it.probes = 128), "keepalive.probes is 128, and must be from 1 to 127"),
        (keepalive(|it| it.probes = 0), "keepalive.probes is 0, and must be from 1 to 127"),
        (
            stream(|it| it.send_buffer = Some(1 << 31)),
            "send_buffer is 2147483648 bytes, and must be at most 2147483647",
        ),
        (stream(|it| it.receive_buffer = Some(1 << 40)), "receive_buffer is 1099511627776 bytes, and must be at most"),
        (
            stream(|it| it.user_timeout = Some(Duration::from_micros(999))),
            "user_timeout is 0.000999 s, and must be from 0.001 to 2147483.647 s",
        ),
        (
            stream(|it| it.user_timeout = Some(SECONDS(2_147_484))),
            "user_timeout is 2147484 s, and must be from 0.001 to 2147483.647 s",
        ),
    ]
}

fn listening_fails(world: &World, address: &Address, options: ListenOptions) -> Error {
    world.reactor.listen_at(address, options, |_: &Peer| Log::new().probe()).expect_err("it cannot be set")
}

fn connecting_fails(world: &mut World, address: &Address, options: ConnectOptions) -> Error {
    let outcome = outcome(world.reactor.connect_at(address, options, Once::new(Log::new().probe())));
    let mut told = None;
    world.until("it has failed", || {
        told = told.take().or_else(|| outcome.take());
        told.is_some()
    });
    told.expect("it is told").expect_err("it cannot be set")
}

#[track_caller]
fn assert_named(error: &Error, address: &Address, words: &str) {
    let said = error.to_string();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{said}");
    assert!(said.contains(&address.to_string()) && said.contains(words), "{said}");
}

#[test]
fn an_option_out_of_range_is_named_with_its_value_and_range() {
    for ground in [Ground::RealTcp, Ground::SimulatedTcp] {
        let mut world = World::new(ground);
        let address = tcp("127.0.0.1:0");
        for (stream, words) in wrong_streams() {
            let mut options = ListenOptions::default();
            options.stream = stream.clone();
            assert_named(&listening_fails(&world, &address, options), &address, words);
            let mut options = ConnectOptions::default();
            options.stream = stream;
            let peer = tcp("127.0.0.1:9");
            assert_named(&connecting_fails(&mut world, &peer, options), &peer, words);
        }
        for (backlog, words) in [
            (0, "backlog is 0, and must be from 1 to 2147483647 connections"),
            (1 << 31, "backlog is 2147483648, and must be from 1 to 2147483647 connections"),
        ] {
            let mut options = ListenOptions::default();
            options.backlog = backlog;
            assert_named(&listening_fails(&world, &address, options), &address, words);
        }
        let mut options = ListenOptions::default();
        options.mode = Some(0o600);
        assert_named(
            &listening_fails(&world, &address, options),
            &address,
            "mode is 600, but tcp:127.0.0.1:0 is no file",
        );
        let link_local = tcp("[fe80::1]:7000");
        let words = "fe80::1 is a link-local address, which needs its zone";
        assert_named(&listening_fails(&world, &link_local, ListenOptions::default()), &link_local, words);
        assert_named(&connecting_fails(&mut world, &link_local, ConnectOptions::default()), &link_local, words);
    }
}

#[test]
fn an_adopted_socket_has_its_options_named_too() {
    let world = World::new(Ground::RealTcp);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    for (options, words) in wrong_streams() {
        let client = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it listens");
        let error =
            world.reactor.adopt_stream(client.into(), options, Log::new().probe()).expect_err("it is out of range");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn keepalive_out_of_range_is_named_on_a_connection() {
    let (mut world, server, client) = (World::new(Ground::RealTcp), Log::new(), Log::new());
    world.pair(server.probe(), client.probe());
    let mut keepalive = Keepalive::default();
    keepalive.probes = 200;
    let error = client.transport().set_keepalive(Some(keepalive)).expect_err("it is out of range");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), "could not set keepalive: keepalive.probes is 200, and must be from 1 to 127");
}

#[test]
fn a_bind_address_that_cannot_be_used_is_named() {
    use ErrorKind::{AddressInUse, AddressNotAvailable, InvalidInput};
    let mut world = World::new(Ground::RealTcp);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is bound").port();
    let unix = Address::Unix(lariat::UnixAddress::Abstract(b"nobody".to_vec()));
    let in_use = format!("bind_port is {port}, which another socket has");
    for (peer, bind_address, bind_port, kind, words) in [
        (
            tcp("127.0.0.1:9"),
            Some("198.51.100.1"),
            0,
            AddressNotAvailable,
            "bind_address is 198.51.100.1, which is no address",
        ),
        (
            tcp("127.0.0.1:9"),
            Some("::1"),
            0,
            InvalidInput,
            "bind_address is ::1, which is not of the address family of 127.",
        ),
        (tcp("127.0.0.1:9"), Some("127.0.0.1"), port, AddressInUse, &in_use),
        (tcp("127.0.0.1:9"), None, port, AddressInUse, &in_use),
        (unix.clone(), Some("::1"), 0, InvalidInput, "bind_address is ::1, but a Unix socket"),
        (unix, None, 7, InvalidInput, "bind_port is 7, but a Unix socket"),
    ] {
        let mut options = ConnectOptions::default();
        options.bind_address = bind_address.map(|address| address.parse::<IpAddr>().expect("the address is right"));
        options.bind_port = bind_port;
        let error = connecting_fails(&mut world, &peer, options);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_hook_that_fails_is_named() {
    let world = World::new(Ground::RealTcp);
    let options = ListenOptions::default().before_bind(|_| Err(std::io::Error::other("no such device")));
    let error = listening_fails(&world, &tcp("127.0.0.1:0"), options);
    assert!(error.to_string().contains("the before_bind hook failed: no such device"), "{error}");
}

#[test]
fn a_client_leaves_from_the_port_that_was_asked_for() {
    for ground in [Ground::RealTcp, Ground::SimulatedTcp] {
        let (mut world, server) = (World::new(ground), Log::new());
        let logs = [Log::new(), Log::new()];
        let seen = server.clone();
        let ports = [(); 2].map(|()| {
            let server = seen.clone();
            world.listen(move |peer: &Peer| {
                server.note(format!("from {}", peer.address().port().expect("it is TCP")));
                Log::new().probe()
            })
        });
        let free = if ground.is_simulated() { 7_001 } else { unused_port() };
        for (port, log) in ports.iter().zip(&logs) {
            let to = port.address().tcp().expect("it is TCP");
            let description = format!("tcp:{}:{}:bindPort={free}", lariat::quote(&to.ip().to_string()), to.port());
            world.reactor.connect(&description, Once::new(log.probe())).detach();
            world.until("the connection is made", || log.is_made());
        }
        world.until("both are seen", || server.story().len() == 2);
        assert_eq!(server.story(), [format!("from {free}"), format!("from {free}")], "each to another peer");
        let local = logs[0].transport().local_address().expect("it is open");
        assert_eq!(local.port(), Some(free));
    }
}

/// A port on which nothing listens, and which connects to itself.
fn connect_to_itself(world: &mut World, port: u16) -> Error {
    let mut options = ConnectOptions::default();
    options.bind_port = port;
    connecting_fails(world, &tcp(&format!("127.0.0.1:{port}")), options)
}

#[test]
fn a_socket_that_is_connected_to_itself_is_a_failed_attempt() {
    for ground in [Ground::RealTcp, Ground::SimulatedTcp] {
        let mut world = World::new(ground);
        let free = if ground.is_simulated() { 7_001 } else { unused_port() };
        let error = connect_to_itself(&mut world, free);
        assert_eq!(error.kind(), ErrorKind::SelfConnected, "{error}");
        let expected = format!(
            "could not connect to tcp:127.0.0.1:{free}: nothing listens there, and the socket connected to itself"
        );
        assert_eq!(error.to_string(), expected);
        assert_eq!(world.reactor.stats().connections, 0);
        // It leaves nothing in TIME_WAIT: the server that was missing can have its port, even
        // without SO_REUSEADDR.
        let mut options = ListenOptions::default();
        options.reuse_address = false;
        let address = tcp(&format!("127.0.0.1:{free}"));
        world.reactor.listen_at(&address, options, |_: &Peer| Log::new().probe()).expect("the port is free");
    }
}

#[test]
fn after_itself_a_client_goes_on_to_the_next_address() {
    let (mut world, log) = (World::new(Ground::SimulatedTcp), Log::new());
    let server = world.reactor.listen("tcp:7001:interface=\\:\\:1", Once::new(Log::new().probe())).expect("it is free");
    let mut options = ConnectOptions::default();
    options.bind_port = 7_001;
    // 127.0.0.1 first, where nothing listens; then ::1, whose port is the server's.
    let outcome = outcome(world.reactor.connect_host("localhost", 7_001, options, Once::new(log.probe())));
    let mut told = None;
    world.until("it is decided", || {
        told = told.take().or_else(|| outcome.take());
        told.is_some()
    });
    let error = told.expect("it is told").expect_err("both fail").to_string();
    assert!(error.contains("connected to itself") && error.contains("bind_port is 7001"), "{error}");
    server.close();
}

#[test]
fn the_user_timeout_holds_for_both_ends() {
    let (mut world, server, client) = (World::new(Ground::RealTcp), Log::new(), Log::new());
    let described = world.reactor.listen("tcp:0:interface=127.0.0.1:userTimeout=7.5", Once::new(server.probe()));
    let port = described.expect("a port is free");
    let description = format!("{}:userTimeout=0.25", port.address());
    world.reactor.connect(&description, Once::new(client.probe())).detach();
    world.until("both are made", || server.is_made() && client.is_made());
    let timeout = |transport: &Transport| {
        transport.with_socket(|socket| socket.tcp_user_timeout()).expect("it is open").expect("the kernel tells")
    };
    assert_eq!(timeout(&server.transport()), Some(Duration::from_millis(7_500)), "accepted sockets inherit it");
    assert_eq!(timeout(&client.transport()), Some(Duration::from_millis(250)));
}

#[test]
fn the_socket_of_a_connection_can_be_reached_while_it_is_open() {
    everywhere(|mut world| {
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        let transport = client.transport();
        let reached = transport.with_socket(|socket| {
            // The transport is free to be used meanwhile.
            transport.write(b"x");
            socket.set_recv_buffer_size(100_000).and_then(|()| socket.recv_buffer_size())
        });
        if world.ground.is_simulated() {
            assert_eq!(reached.expect_err("it has none").kind(), ErrorKind::Unsupported);
        } else {
            assert_eq!(reached.expect("it is open").expect("the kernel takes it"), 200_000);
            let again = transport.with_socket(|socket| socket.recv_buffer_size());
            assert_eq!(again.expect("it is open").expect("the kernel tells"), 200_000, "it is the same socket");
        }
        transport.abort();
        world.until_lost(&[&client, &server]);
        let ended = transport.with_socket(|_| panic!("there is no socket any more"));
        let error = ended.expect_err("it has ended");
        assert_eq!(error.kind(), ErrorKind::NotConnected);
    });
}
