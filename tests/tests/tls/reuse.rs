//! Certificates and files that change while sessions, ports and clients live on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use lariat::tls::{ClientOptions, Connector, ServerOptions, TlsVersion, TrustRoots};
use lariat::{ConnectOptions, ListenOptions, Once, Peer, Port};
use lariat_protocols::http::{Request, Response, Router, Server};
use lariat_tests::certificates::{Authority, SERVER, TlsPair, Wish, authority};
use lariat_tests::harness::{Ground, Log, Scratch, World};

const DAY: u64 = 24 * 3600;
/// The first of January 2031, when the client's certificate ends.
const END: u64 = 1_924_992_000;

/// Connects and has a byte echoed. Gives whether the session was resumed, or none if the server refused the client.
fn visit(world: &mut World, port: &Port, connector: &Connector) -> Option<bool> {
    let client = Log::new();
    let probe = client.probe().made(|transport| {
        transport.write(b"x");
    });
    let options = ConnectOptions::default().tls(connector.to(SERVER).expect("the parts of the test fit"));
    world.reactor.connect_at(port.address(), options, Once::new(probe)).detach();
    world.until("it is served or refused", || client.received_len() == 1 || client.has("dropped"));
    if client.has("dropped") {
        return None;
    }
    let resumed = client.transport().peer().tls().expect("the parts of the test fit").resumed;
    client.transport().close();
    world.until_lost(&[&client]);
    Some(resumed)
}

#[test]
fn an_expired_client_certificate_resumes_no_session() {
    for version in [TlsVersion::Tls13, TlsVersion::Tls12] {
        for is_required in [true, false] {
            let now = Arc::new(AtomicU64::new(END - DAY));
            let clock = now.clone();
            let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
            let identity = authority().issue(&Wish::client("alice").valid(2020, 2031)).identity();
            let server = ServerOptions::new(lariat_tests::certificates::server()).clock(clock.clone());
            let server = match is_required {
                true => server.require_client_certificate(authority().trust()),
                false => server.request_client_certificate(authority().trust()),
            };
            let client = ClientOptions::new().trust(authority().trust()).identity(identity).clock(clock);
            let mut world = World::new(Ground::SimulatedTcp);
            let (server, client) = match version {
                TlsVersion::Tls13 => (server.minimum_version(version), client),
                _ => (server, client),
            };
            let options = ListenOptions::default().tls(server.build().expect("the parts of the test fit"));
            let port = world.listen_with(options, |_: &Peer| Log::new().probe().echo());
            let connector = client.build().expect("the parts of the test fit");
            assert_eq!(visit(&mut world, &port, &connector), Some(false));
            assert_eq!(visit(&mut world, &port, &connector), Some(true), "while it is valid, a session is resumed");
            // Before the ticket ends, the certificate does.
            now.store(END + 3600, Ordering::Relaxed);
            assert_eq!(visit(&mut world, &port, &connector), None);
        }
    }
}

#[test]
fn a_client_goes_by_new_authorities_once_it_has_reloaded() {
    let scratch = Scratch::new();
    let file = scratch.path("roots.pem");
    let (old, new) = (Authority::new("The old root"), Authority::new("The new root"));
    std::fs::write(&file, old.pem()).expect("the parts of the test fit");
    let connector =
        ClientOptions::new().trust(TrustRoots::from_pem_file(&file)).build().expect("the parts of the test fit");
    let mut world = World::new(Ground::SimulatedTcp);
    let shown = |authority: &Authority| ServerOptions::new(authority.issue(&Wish::server(&[SERVER])).identity());
    let acceptor = shown(&old).build().expect("the parts of the test fit");
    let port = world.listen_with(ListenOptions::default().tls(&acceptor), |_: &Peer| Log::new().probe().echo());
    assert_eq!(visit(&mut world, &port, &connector), Some(false));
    acceptor.replace(shown(&new)).expect("the parts of the test fit");
    std::fs::write(&file, "nothing").expect("the parts of the test fit");
    assert!(connector.reload().is_err(), "a file without certificates is refused");
    std::fs::write(&file, new.pem()).expect("the parts of the test fit");
    connector.clone().reload().expect("the parts of the test fit");
    assert_eq!(visit(&mut world, &port, &connector), Some(false), "no session of the old authority is resumed");
}

#[test]
fn a_server_refuses_clients_that_offer_another_protocol() {
    let server = || {
        let mut router = Router::new();
        router.get("/", |_: &mut Request<'_>| Response::text("hello"));
        Server::new(router)
    };
    for (own, offered, expected) in [
        (&[][..], &["h2"][..], None),
        (&[], &["x-lariat-chat", "imap"], None),
        (&[], &["h2", "http/1.1"], Some(Some("http/1.1"))),
        (&[], &[], Some(None)),
        (&["h2"], &["h2"], Some(Some("h2"))),
    ] {
        let pair = TlsPair::with(|server| server.alpn(own.to_vec()), |client| client.alpn(offered.to_vec()));
        let mut world = World::new(Ground::SimulatedTcp);
        let port = world.listen_with(ListenOptions::default().tls(&pair.acceptor), server());
        for _ in 0..2 {
            let client = Log::new();
            let options = ConnectOptions::default().tls(pair.to_server());
            let told = lariat_tests::harness::outcome(world.reactor.connect_at(
                port.address(),
                options,
                Once::new(client.probe()),
            ));
            world.settle();
            let agreed = told
                .take()
                .expect("the parts of the test fit")
                .map(|_| client.transport().peer().tls().expect("the parts of the test fit").alpn);
            match expected {
                Some(name) => assert_eq!(
                    agreed.expect("the parts of the test fit"),
                    name.map(|name: &str| name.as_bytes().to_vec())
                ),
                None => assert!(agreed.unwrap_err().to_string().contains("ALPN")),
            }
            // A reload changes nothing about that.
            port.reload_tls().expect("the parts of the test fit");
        }
    }
}
