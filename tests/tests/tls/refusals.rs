//! Handshakes that fail: each tells what was wrong.

use lariat::tls::{ClientOptions, Identity, NamedConnector, ServerOptions, TlsError, TlsErrorKind, TlsVersion};
use lariat::{ConnectOptions, Error, ErrorKind, ListenOptions, Once, Peer};
use lariat_tests::certificates::{Authority, Issued, SERVER, TlsPair, Wish, authority};
use lariat_tests::harness::{Ground, Log, World, outcome};

/// What a client is told of a server.
fn told(server: ServerOptions, client: NamedConnector) -> Error {
    let mut world = World::new(Ground::SimulatedTcp);
    let log = Log::new();
    let options = ListenOptions::default().tls(server.build().expect("the test is set up so"));
    let served = log.clone();
    let port = world.listen_with(options, move |_: &Peer| served.probe());
    let options = ConnectOptions::default().tls(client);
    let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(log.probe())));
    while told.take().is_none_or(|outcome| {
        let failed = outcome.is_err();
        told.set(Some(outcome));
        !failed
    }) {
        world.turn(None);
    }
    world.settle();
    assert_eq!(world.reactor.stats().handshaking, 0);
    let Some(Err(error)) = told.take() else { panic!("the handshake did not fail") };
    error
}

fn client() -> NamedConnector {
    TlsPair::new().to_server()
}

fn shown(issued: &Issued) -> ServerOptions {
    ServerOptions::new(issued.identity())
}

fn kind(error: &Error) -> TlsErrorKind {
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    error.tls().map(TlsError::kind).expect("it is of TLS")
}

#[track_caller]
fn check(server: ServerOptions, client: NamedConnector, expected: TlsErrorKind, words: &[&str]) {
    let error = told(server, client);
    assert_eq!(kind(&error), expected, "{error}");
    for words in words {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn an_expired_certificate() {
    let issued = authority().issue(&Wish::server(&[SERVER]).valid(2020, 2021));
    check(shown(&issued), client(), TlsErrorKind::CertificateExpired, &["expired on 2021-01-01", "renewed"]);
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    let issued = authority().issue(&Wish::server(&[SERVER]).valid(2090, 2091));
    check(shown(&issued), client(), TlsErrorKind::CertificateNotYetValid, &["from 2090-01-01", "clock"]);
}

#[test]
fn a_certificate_for_other_names() {
    let issued = authority().issue(&Wish::server(&["other.test", "*.more.test"]));
    check(shown(&issued), client(), TlsErrorKind::WrongName, &["server.test", "other.test", "*.more.test"]);
}

#[test]
fn a_certificate_that_vouches_for_itself() {
    check(shown(&Wish::server(&[SERVER]).self_signed()), client(), TlsErrorKind::SelfSigned, &["self-signed", "trust"]);
}

#[test]
fn a_self_signed_certificate_of_an_authority() {
    let mut wish = Wish::server(&[SERVER]);
    wish.params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    check(shown(&wish.self_signed()), client(), TlsErrorKind::SelfSigned, &["CA:TRUE"]);
}

#[test]
fn an_authority_that_nobody_knows() {
    let other = Authority::new("Nobody's root").intermediate("Nobody's department");
    let words = ["\"Nobody's root\"", "trust that authority"];
    check(shown(&other.issue(&Wish::server(&[SERVER]))), client(), TlsErrorKind::UnknownAuthority, &words);
}

#[test]
fn a_certificate_without_the_one_that_it_rests_on() {
    let issued = authority().intermediate("The department").issue(&Wish::server(&[SERVER]));
    let server = ServerOptions::new(issued.alone());
    check(server, client(), TlsErrorKind::IncompleteChain, &["\"The department\"", "chain is incomplete", "unknown"]);
    // With it, all is well.
    let mut world = World::new(Ground::SimulatedTls);
    world.tls.as_ref().unwrap().acceptor.replace(shown(&issued)).unwrap();
    world.pair(Log::new().probe(), Log::new().probe());
}

#[test]
fn a_revoked_certificate() {
    let issued = authority().issue(&Wish::server(&[SERVER]).numbered(13));
    let with = |numbers: &[u64]| {
        let list = authority().revoke(numbers);
        TlsPair::with(|server| server, |client| client.revocation_list(list)).to_server()
    };
    check(shown(&issued), with(&[12, 13]), TlsErrorKind::Revoked, &["was revoked"]);
}

#[test]
fn a_certificate_that_no_list_tells_of() {
    let other = Authority::new("Another root");
    let issued = other.issue(&Wish::server(&[SERVER]));
    let client = ClientOptions::new().trust(other.trust()).revocation_list(authority().revoke(&[]));
    let client = client.build().unwrap().to(SERVER).unwrap();
    check(shown(&issued), client, TlsErrorKind::UnknownRevocation, &["revocation list"]);
}

#[test]
fn a_certificate_for_another_use() {
    let mut wish = Wish::server(&[SERVER]);
    wish.params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    check(shown(&authority().issue(&wish)), client(), TlsErrorKind::WrongUsage, &["server authentication"]);
}

#[test]
fn a_key_that_is_not_that_of_the_certificate() {
    let (one, other) = (authority().issue(&Wish::server(&[SERVER])), authority().issue(&Wish::server(&[SERVER])));
    let error = Identity::from_pem(one.chain.as_bytes(), other.key.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("the private key is not that of the certificate"), "{error}");
}

#[test]
fn a_key_that_is_not_pinned() {
    let pair = TlsPair::with(|server| server, |client| client.pin([7; 32]));
    check(
        ServerOptions::new(lariat_tests::certificates::server()),
        pair.to_server(),
        TlsErrorKind::UnpinnedKey,
        &["pinned"],
    );
}

#[test]
fn a_client_without_the_certificate_that_is_required() {
    // A client of TLS 1.3 is done before the server has looked: it hears of it when it reads.
    let mut world = World::new(Ground::SimulatedTcp);
    let (server, client) = (Log::new(), Log::new());
    let pair = TlsPair::with(|server| server.require_client_certificate(authority().trust()), |client| client);
    let port = world.listen_with(ListenOptions::default().tls(&pair.acceptor), Once::new(server.probe()));
    let options = ConnectOptions::default().tls(pair.to_server());
    let why = lariat_tests::downstream::Shared::new(String::new());
    let heard = why.clone();
    let probe = client.probe().lost(move |reason| {
        assert_eq!(reason.tls().map(TlsError::kind), Some(TlsErrorKind::PeerAlert));
        heard.with(|heard| *heard = reason.to_string());
    });
    world.reactor.connect_at(port.address(), options, Once::new(probe)).detach();
    world.until_lost(&[&client]);
    assert!(
        why.with(|why| why.contains("requires a certificate, and none was shown")),
        "{}",
        why.with(|why| why.clone())
    );
    assert!(!server.is_made());
    assert_eq!(world.reactor.stats().failed_handshakes, 1);
}

#[test]
fn an_application_protocol_whose_name_has_no_length_that_could_be_sent() {
    for name in [Vec::new(), vec![b'x'; 256]] {
        let names = [b"h2".to_vec(), name];
        let server = ServerOptions::new(lariat_tests::certificates::server()).alpn(names.clone()).build();
        let client = ClientOptions::new().trust(authority().trust()).alpn(names).build();
        for error in [server.map(drop).unwrap_err(), client.map(drop).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains("(ALPN) has from 1 to 255 bytes"), "{error}");
        }
    }
}

#[test]
fn no_application_protocol_in_common() {
    let pair = TlsPair::with(|server| server.alpn(["h2"]), |client| client.alpn(["http/1.1"]));
    let error = {
        let mut world = World::new(Ground::SimulatedTls);
        world.tls = Some(pair);
        let port = world.listen(|_: &Peer| Log::new().probe());
        let options = ConnectOptions::default().tls(world.tls.as_ref().unwrap().to_server());
        let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(Log::new().probe())));
        world.settle();
        told.take().unwrap().unwrap_err()
    };
    assert_eq!(kind(&error), TlsErrorKind::PeerAlert);
    assert!(error.to_string().contains("ALPN"), "{error}");
}

#[test]
fn no_version_in_common() {
    // One side speaks nothing but TLS 1.3; of the other, a record of TLS 1.2 alone is faked by its options.
    let server = ServerOptions::new(lariat_tests::certificates::server()).minimum_version(TlsVersion::Tls13);
    let mut world = World::new(Ground::SimulatedTcp);
    let log = Log::new();
    let port = world.listen_with(ListenOptions::default().tls(server.build().unwrap()), Once::new(log.probe()));
    // A ClientHello of TLS 1.2 without extensions.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3];
    hello.extend_from_slice(&[5; 32]);
    hello.extend_from_slice(&[0, 0, 2, 0xc0, 0x2b, 1, 0]);
    hello[4] = u8::try_from(hello.len() - 5).unwrap();
    hello[8] = u8::try_from(hello.len() - 9).unwrap();
    let client = Log::new();
    let probe = client.probe().made(move |transport| {
        transport.write(&hello);
    });
    world.reactor.connect_at(port.address(), ConnectOptions::default(), Once::new(probe)).detach();
    world.until_lost(&[&client]);
    // A fatal alert, and then the end: no reset that could overtake it.
    assert!(matches!(client.received()[..], [21, 3, _, 0, 2, 2, _]), "{:?}", client.received());
    assert_eq!(client.lost().as_deref(), Some("Done"));
    assert!(!log.is_made());
}

#[test]
fn a_name_for_which_there_is_no_certificate() {
    let server = ServerOptions::new(lariat_tests::certificates::server()).only_known_names();
    let client = TlsPair::new().connector.to("unknown.test").unwrap();
    check(server, client, TlsErrorKind::PeerAlert, &["UnrecognisedName", "no certificate for the name"]);
}

#[test]
fn a_server_that_speaks_something_else() {
    for (greeting, expected, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], TlsErrorKind::PlainHttp, "plain HTTP"),
        (b"220 mail.test ESMTP\r\n", TlsErrorKind::NotTls, "STARTTLS"),
        (b"\0\x01\x02\x03\x04\x05\x06\x07", TlsErrorKind::NotTls, "\\x00\\x01"),
    ] {
        let mut world = World::new(Ground::SimulatedTcp);
        let log = Log::new();
        let probe = log.probe().made(move |transport| {
            transport.write(greeting);
        });
        let port = world.listen(Once::new(probe));
        let options = ConnectOptions::default().tls(client());
        let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(Log::new().probe())));
        world.settle();
        let error = told.take().unwrap().unwrap_err();
        assert_eq!(kind(&error), expected, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_server_that_ends_within_the_handshake() {
    let mut world = World::new(Ground::SimulatedTcp);
    let log = Log::new();
    let port = world.listen(Once::new(log.probe().data(|transport, _| transport.close())));
    let options = ConnectOptions::default().tls(client());
    let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(Log::new().probe())));
    world.settle();
    let error = told.take().unwrap().unwrap_err();
    assert_eq!(kind(&error), TlsErrorKind::Truncated, "{error}");
}
