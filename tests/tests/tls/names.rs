//! Many certificates on one port, and clients' certificates.

use std::fs;

use lariat::tls::{ClientOptions, Identity, NamedConnector, ServerOptions, TlsInfo, TrustRoots};
use lariat::{ConnectOptions, ListenOptions, Once, Peer, Port};
use lariat_tests::certificates::{SERVER, TlsPair, Wish, authority};
use lariat_tests::harness::{Ground, Log, Scratch, World};

fn identity(names: &[&str]) -> Identity {
    authority().issue(&Wish::server(names)).identity()
}

/// Connects, and gives what both sides know then.
fn meet(world: &mut World, port: &Port, served: &Log, client: NamedConnector) -> (TlsInfo, TlsInfo) {
    let log = Log::new();
    let options = ConnectOptions::default().tls(client);
    world.reactor.connect_at(port.address(), options, Once::new(log.probe())).detach();
    let before = served.count("made");
    world.until("both are there", || log.is_made() && served.count("made") > before);
    log.transport().write(b"x");
    world.settle();
    (
        served.transport().peer().tls().expect("the test is set up so"),
        log.transport().peer().tls().expect("the test is set up so"),
    )
}

fn listen(world: &World, server: ServerOptions) -> (Port, Log, lariat::tls::Acceptor) {
    let (log, acceptor) = (Log::new(), server.build().expect("the test is set up so"));
    let served = log.clone();
    let port = world.listen_with(ListenOptions::default().tls(&acceptor), move |_: &Peer| served.probe().echo());
    (port, log, acceptor)
}

#[test]
fn each_name_is_shown_its_certificate() {
    let mut world = World::new(Ground::SimulatedTcp);
    let server = ServerOptions::new(identity(&["default.test", "fallback.test"]))
        .identity(identity(&["*.wild.test"]))
        .identity(identity(&["exact.wild.test"]))
        .identity(identity(&["UPPER.test"]));
    let (port, log, _) = listen(&world, server);
    let connector = TlsPair::new().connector;
    for (asked, shown) in [
        ("default.test", &["default.test", "fallback.test"][..]),
        ("any.wild.test", &["*.wild.test"]),
        ("exact.wild.test", &["exact.wild.test"]),
        ("upper.test", &["UPPER.test"]),
        ("Any.Wild.Test", &["*.wild.test"]),
    ] {
        let (at_server, at_client) = meet(&mut world, &port, &log, connector.to(asked).unwrap());
        assert_eq!(at_client.peer_certificate.unwrap().dns_names(), shown, "{asked}");
        assert_eq!(at_server.server_name.unwrap().to_lowercase(), asked.to_lowercase());
    }
}

#[test]
fn a_wildcard_stands_for_one_label_and_the_others_get_the_first_certificate() {
    let mut world = World::new(Ground::SimulatedTcp);
    let server = ServerOptions::new(identity(&["a.b.wild.test", "wild.test"])).identity(identity(&["*.wild.test"]));
    let (port, log, _) = listen(&world, server);
    let connector = TlsPair::new().connector;
    for asked in ["a.b.wild.test", "wild.test"] {
        let (_, at_client) = meet(&mut world, &port, &log, connector.to(asked).unwrap());
        assert_eq!(at_client.peer_certificate.unwrap().dns_names(), ["a.b.wild.test", "wild.test"]);
    }
}

#[test]
fn a_client_that_has_a_certificate_is_known_by_it() {
    let mut world = World::new(Ground::SimulatedTcp);
    let ours = authority().issue(&Wish::client("a-client.test")).identity();
    for optional in [false, true] {
        let options = |server: ServerOptions| match optional {
            false => server.require_client_certificate(authority().trust()),
            true => server.request_client_certificate(authority().trust()),
        };
        let pair = TlsPair::with(options, |client| client.identity(ours.clone()));
        let log = Log::new();
        let served = log.clone();
        let port = world.listen_with(ListenOptions::default().tls(&pair.acceptor), move |peer: &Peer| {
            // The factory knows already.
            let name = peer.tls().and_then(|tls| tls.peer_certificate).and_then(|known| known.common_name());
            assert_eq!(name.as_deref(), Some("a-client.test"));
            served.probe()
        });
        let (at_server, _) = meet(&mut world, &port, &log, pair.to_server());
        let known = at_server.peer_certificate.unwrap();
        assert_eq!(known.dns_names(), ["a-client.test"]);
        assert_eq!(known.chain().count(), 1);
    }
}

#[test]
fn a_client_without_a_certificate_is_served_where_none_is_required() {
    let mut world = World::new(Ground::SimulatedTls);
    let pair = TlsPair::with(|server| server.request_client_certificate(authority().trust()), |client| client);
    world.tls = Some(pair);
    let (server, client) = (Log::new(), Log::new());
    world.pair(server.probe(), client.probe());
    assert_eq!(server.transport().peer().tls().unwrap().peer_certificate, None);
}

#[test]
fn a_key_that_is_pinned_is_let_in() {
    let mut world = World::new(Ground::SimulatedTls);
    world.pair(Log::new().probe(), Log::new().probe());
    let log = Log::new();
    let port = world.listen(|_: &Peer| Log::new().probe());
    world.connect(&port, log.probe());
    world.until("it is there", || log.is_made());
    let hash = log.transport().peer().tls().unwrap().peer_certificate.unwrap().key_hash();
    let connector = ClientOptions::new().trust(authority().trust()).pin([1; 32]).pin(hash).build().unwrap();
    let second = Log::new();
    let options = ConnectOptions::default().tls(connector.to(SERVER).unwrap());
    world.reactor.connect_at(port.address(), options, Once::new(second.probe())).detach();
    world.until("it is there, too", || second.is_made());
}

#[test]
fn a_second_connection_resumes_what_the_first_began() {
    let mut world = World::new(Ground::SimulatedTcp);
    let (port, log, acceptor) = listen(&world, ServerOptions::new(identity(&[SERVER])));
    let pair = TlsPair::new();
    let resumed = |(at_server, at_client): (TlsInfo, TlsInfo)| {
        assert_eq!(at_server.resumed, at_client.resumed);
        // What was known of the first is known of the second.
        assert_eq!(at_client.peer_certificate.unwrap().dns_names(), [SERVER]);
        assert_eq!(at_server.server_name.as_deref(), Some(SERVER));
        at_server.resumed
    };
    assert!(!resumed(meet(&mut world, &port, &log, pair.to_server())));
    assert!(resumed(meet(&mut world, &port, &log, pair.to_server())));
    acceptor.replace(ServerOptions::new(identity(&[SERVER]))).unwrap();
    assert!(resumed(meet(&mut world, &port, &log, pair.to_server())), "tickets outlive a reload");
    acceptor.replace(ServerOptions::new(identity(&[SERVER])).request_client_certificate(authority().trust())).unwrap();
    assert!(!resumed(meet(&mut world, &port, &log, pair.to_server())), "but not if clients are judged");
    acceptor.replace(ServerOptions::new(identity(&[SERVER])).without_resumption()).unwrap();
    assert!(!resumed(meet(&mut world, &port, &log, pair.to_server())));
    assert!(!resumed(meet(&mut world, &port, &log, pair.to_server())));
}

#[test]
fn a_bad_new_file_leaves_the_old_certificate_in_service() {
    let scratch = Scratch::new();
    let (chain, key) = (scratch.path("chain.pem"), scratch.path("key.pem"));
    let write = |names: &[&str]| {
        let issued = authority().issue(&Wish::server(names));
        fs::write(&chain, issued.chain).unwrap();
        fs::write(&key, issued.key).unwrap();
    };
    write(&[SERVER, "old.test"]);
    let mut world = World::new(Ground::SimulatedTcp);
    let (port, log, acceptor) = listen(&world, ServerOptions::new(Identity::from_pem_files(&chain, &key).unwrap()));
    let mut shown = || {
        let pair = TlsPair::new();
        meet(&mut world, &port, &log, pair.to_server()).1.peer_certificate.unwrap().dns_names()
    };
    assert_eq!(shown(), [SERVER, "old.test"]);
    let other = authority().issue(&Wish::server(&[SERVER]));
    fs::write(&chain, other.chain).unwrap();
    let error = acceptor.reload().unwrap_err();
    assert!(error.to_string().contains("chain.pem") && error.to_string().contains("not that of"), "{error}");
    assert_eq!(shown(), [SERVER, "old.test"]);
    write(&[SERVER, "new.test"]);
    acceptor.reload().unwrap();
    assert_eq!(shown(), [SERVER, "new.test"]);
}

#[test]
fn certificates_are_judged_by_the_clock_that_is_set() {
    let mut world = World::new(Ground::SimulatedTcp);
    let issued = authority().issue(&Wish::server(&[SERVER]).valid(2001, 2002));
    let (port, log, _) = listen(&world, ServerOptions::new(issued.identity()));
    let then = || std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(31 * 365 * 86_400 + 86_400 * 100);
    let roots: TrustRoots = authority().trust();
    let connector = ClientOptions::new().trust(roots).clock(then).build().unwrap();
    let (_, at_client) = meet(&mut world, &port, &log, connector.to(SERVER).unwrap());
    assert!(at_client.peer_certificate.is_some());
}
