//! A peer that is rustls itself, fed by hand: what Lariat's own ends never do.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use lariat::testing::{MemoryTransport, check_splits};
use lariat::tls::{TlsError, TlsErrorKind, TlsLayer, TlsVersion};
use lariat::{StreamOptions, check_chunking};
use lariat_tests::certificates::{SERVER, TlsPair, authority};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Log, Probe};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

fn config(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority().pem().as_bytes()).expect("the test is set up so"))
        .expect("the test is set up so");
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("the test is set up so")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn client(config: ClientConfig) -> ClientConnection {
    ClientConnection::new(Arc::new(config), ServerName::try_from(SERVER).expect("the test is set up so"))
        .expect("the test is set up so")
}

/// A server that speaks TLS from its first byte on.
fn server(probe: Probe) -> MemoryTransport<Probe> {
    let pair = TlsPair::new();
    let probe = probe.made(move |transport| transport.start_tls(&pair.acceptor, b"").expect("the test is set up so"));
    MemoryTransport::with_options(probe, StreamOptions::default())
}

/// What a client has to say.
fn flight(client: &mut ClientConnection) -> Vec<u8> {
    let mut said = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut said).expect("the test is set up so");
    }
    said
}

fn hear(client: &mut ClientConnection, mut answer: &[u8]) {
    while !answer.is_empty() {
        client.read_tls(&mut answer).expect("the test is set up so");
        let _ = client.process_new_packets();
    }
}

/// Passes what each has to say on to the other, to the server in pieces of `cut` bytes.
fn talk(client: &mut ClientConnection, server: &mut MemoryTransport<Probe>, cut: usize) {
    loop {
        let said = flight(client);
        said.chunks(cut).for_each(|piece| server.feed(piece));
        let answer = server.take_written();
        if said.is_empty() && answer.is_empty() {
            return;
        }
        hear(client, &answer);
    }
}

fn received(client: &mut ClientConnection) -> Vec<u8> {
    let mut received = Vec::new();
    let _ = client.reader().read_to_end(&mut received);
    received
}

#[test]
fn both_versions_are_spoken_in_records_that_come_byte_by_byte() {
    for (versions, expected) in
        [(&[&rustls::version::TLS12], TlsVersion::Tls12), (&[&rustls::version::TLS13], TlsVersion::Tls13)]
    {
        for cut in [1, 2, 7, 100_000] {
            let log = Log::new();
            let (mut client, mut server) = (client(config(versions)), server(log.probe().echo()));
            client.writer().write_all(&[b'x'; 3000]).unwrap();
            talk(&mut client, &mut server, cut);
            assert_eq!(received(&mut client), [b'x'; 3000]);
            assert_eq!(server.transport().peer().tls().unwrap().version, expected);
            client.send_close_notify();
            talk(&mut client, &mut server, cut);
            assert!(log.has("read closed"));
            server.end_of_input();
            assert_eq!(log.lost().as_deref(), Some("Done"));
        }
    }
}

#[test]
fn what_is_received_does_not_depend_on_how_records_and_reads_are_cut() {
    check_splits("What is received does not depend on how it is cut.", |pieces| {
        let log = Log::new();
        let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe().echo()));
        for piece in pieces {
            client.writer().write_all(piece).unwrap();
            talk(&mut client, &mut server, piece.len().max(1));
        }
        (log.received(), received(&mut client))
    });
}

#[test]
fn keys_that_change_change_nothing_else() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe().echo()));
    talk(&mut client, &mut server, 1000);
    for round in 0..20_u8 {
        client.refresh_traffic_keys().unwrap();
        client.writer().write_all(&[round; 100]).unwrap();
        talk(&mut client, &mut server, 33);
        assert_eq!(received(&mut client), [round; 100]);
    }
    assert_eq!(log.received_len(), 2000);
}

#[test]
fn an_end_without_a_goodbye_is_no_clean_end() {
    let log = Log::new();
    let told = Shared::new(None);
    let heard = told.clone();
    let probe = log.probe().lost(move |reason| heard.with(|heard| *heard = reason.tls().map(TlsError::kind)));
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(probe));
    client.writer().write_all(b"half of what").unwrap();
    talk(&mut client, &mut server, 1000);
    server.end_of_input();
    assert_eq!(log.received(), b"half of what");
    assert!(!log.has("read closed"));
    assert_eq!(log.lost().as_deref(), Some("UnexpectedEof"));
    assert_eq!(told.with(|told| *told), Some(TlsErrorKind::Truncated));
}

#[test]
fn who_has_closed_does_not_mind_an_end_without_a_goodbye() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    server.transport().close();
    server.advance(Duration::from_millis(1));
    server.end_of_input();
    assert_eq!(log.lost().as_deref(), Some("Done"));
}

#[test]
fn a_record_that_was_changed_on_its_way_ends_the_connection() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    client.writer().write_all(b"a record").unwrap();
    let mut said = Vec::new();
    client.write_tls(&mut said).unwrap();
    *said.last_mut().unwrap() ^= 1;
    server.feed(&said);
    assert_eq!(log.lost().as_deref(), Some("InvalidData"));
    assert_eq!(log.received_len(), 0);
    // It says why: an alert, encrypted.
    assert!(!server.take_written().is_empty());
}

#[test]
fn a_record_that_is_too_long_ends_the_connection() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    server.feed(&[23, 3, 3, 0x48, 0]);
    server.feed(&[0; 20_000]);
    assert_eq!(log.lost().as_deref(), Some("InvalidData"));
}

#[test]
fn early_data_are_never_offered() {
    // A client sends some only if a ticket says that it may.
    let config = {
        let mut config = config(&[&rustls::version::TLS13]);
        config.enable_early_data = true;
        Arc::new(config)
    };
    let pair = TlsPair::new();
    for round in 0..2 {
        let mut client = ClientConnection::new(config.clone(), ServerName::try_from(SERVER).unwrap()).unwrap();
        assert!(client.early_data().is_none(), "round {round}");
        let acceptor = pair.acceptor.clone();
        let probe = Log::new().probe().made(move |transport| transport.start_tls(&acceptor, b"").unwrap()).echo();
        let mut server = MemoryTransport::with_options(probe, StreamOptions::default());
        talk(&mut client, &mut server, 1000);
        assert_eq!(server.transport().peer().tls().unwrap().resumed, round == 1);
    }
}

#[test]
fn a_peer_that_takes_nothing_holds_up_no_more_than_its_own_queue() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    server.peer_takes(1000);
    let sent = vec![b'x'; 1_000_000];
    server.transport().write(&sent);
    server.advance(Duration::from_millis(1));
    assert!(server.is_write_paused());
    let queued = server.queued();
    assert!(queued > 500_000 && queued < 1_000_000, "{queued}");
    server.peer_takes_all();
    let mut all = Vec::new();
    loop {
        let written = server.take_written();
        if written.is_empty() {
            break;
        }
        let mut written = &written[..];
        while !written.is_empty() {
            client.read_tls(&mut written).unwrap();
            client.process_new_packets().unwrap();
            all.extend(received(&mut client));
        }
        server.advance(Duration::from_millis(1));
    }
    assert!(all == sent);
    assert_eq!((server.queued(), server.is_write_paused()), (0, false));
}

/// A server that has said so many bytes to a peer that takes nothing.
fn stuck(log: &Log, bytes: usize) -> MemoryTransport<Probe> {
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    server.peer_takes(0);
    server.transport().write(&vec![b'x'; bytes]);
    server.advance(Duration::ZERO);
    server
}

#[test]
fn what_was_written_and_nobody_takes_has_thirty_seconds() {
    let log = Log::new();
    let mut server = stuck(&log, 1_000_000);
    server.transport().close();
    server.advance(Duration::from_millis(29_999));
    assert_eq!(log.lost(), None);
    server.advance(Duration::from_millis(1));
    assert_eq!(log.lost().as_deref(), Some("TimedOut(Close)"));
}

#[test]
fn a_goodbye_that_nobody_takes_has_five_seconds() {
    // So much is taken by the network itself that one byte more would wait: a goodbye does not fit, but nothing else is left.
    let (mut fits, mut waits) = (0, 1_000_000);
    while waits - fits > 1 {
        let middle = usize::midpoint(fits, waits);
        let waiting = stuck(&Log::new(), middle).queued() > 0;
        *(if waiting { &mut waits } else { &mut fits }) = middle;
    }
    let log = Log::new();
    let mut server = stuck(&log, fits);
    server.transport().close();
    server.advance(Duration::from_millis(4_999));
    assert_eq!(log.lost(), None);
    server.advance(Duration::from_millis(1));
    assert_eq!(log.lost().as_deref(), Some("TimedOut(Close)"));
}

#[test]
fn a_client_that_stalls_at_any_flight_of_either_version_is_gone_at_the_deadline() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut stalled = 0;
        // After so many whole flights, and so many tenths of the next.
        for (flights, tenths) in (0..5).flat_map(|flights| [0, 1, 5, 9].map(|tenths| (flights, tenths))) {
            let log = Log::new();
            let (mut client, mut server) = (client(config(&[version])), server(log.probe()));
            let mut said = flight(&mut client);
            for _ in 0..flights {
                server.feed(&said);
                hear(&mut client, &server.take_written());
                said = flight(&mut client);
            }
            if log.has("handshake completed") {
                break;
            }
            server.feed(&said[..said.len() * tenths / 10]);
            server.advance(Duration::from_millis(9_999));
            assert_eq!(log.lost(), None, "{version:?}, after {flights}.{tenths} flights");
            server.advance(Duration::from_millis(1));
            assert_eq!(log.lost().as_deref(), Some("TimedOut(Handshake)"), "{version:?}, {flights}.{tenths}");
            stalled += 1;
        }
        assert_eq!(stalled, 8, "a client has two flights, and stalls four times in each");
    }
}

/// The types and lengths of records (RFC 8446, section 5.1).
fn records(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        bytes = &rest[length..];
    }
    records
}

#[test]
fn much_makes_full_records_and_what_is_little_shares_one_within_a_callback() {
    // To each record TLS 1.3 adds a byte for what it is and sixteen by which changes are found.
    let whole = (23, 16 * 1024 + 17);
    let last = (23, 100_000 - 6 * 16 * 1024 + 17);
    let full = vec![whole, whole, whole, whole, whole, whole, last];
    for (pieces, length, expected) in
        [(20, 50, vec![(23, 1017)]), (1, 100_000, full.clone()), (10, 10_000, full.clone()), (2_000, 50, full)]
    {
        let log = Log::new();
        let answers = log.probe().data(move |transport, _| {
            (0..pieces).for_each(|_| {
                transport.write(&vec![b'x'; length]);
            });
        });
        let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(answers));
        talk(&mut client, &mut server, 1000);
        client.writer().write_all(b"?").unwrap();
        server.feed(&flight(&mut client));
        assert_eq!(records(&server.take_written()), expected, "{pieces} times {length} bytes");
    }
}

/// Speaks TLS from the beginning, and notes why that came to nothing.
fn speaking(log: &Log, layer: impl Into<TlsLayer>, told: &Shared<Option<TlsErrorKind>>) -> Probe {
    let (layer, told) = (layer.into(), told.clone());
    let probe = log.probe().made(move |transport| {
        transport.start_tls(layer.clone(), b"").expect("the test is set up so");
    });
    probe.lost(move |reason| told.with(|told| *told = reason.tls().map(TlsError::kind)))
}

#[test]
fn what_is_wrong_at_the_beginning_is_told_the_same_however_it_is_cut() {
    let pair = TlsPair::new();
    check_chunking!(
        speaking(&Log::new(), &pair.acceptor, &Shared::default()),
        "GET / HTTP/1.1\r\nHost: server.test\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        // A hello of SSL 2, a record that is too long, an alert, and a ClientHello that ends in the middle.
        b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80",
        b"\x16\x03\x01\xff\xff\x01\x00\x00\x00\x00\x00\x00",
        b"\x15\x03\x01\x00\x02\x02\x28 and more",
        b"\x16\x03\x01\x00\x40\x01\x00\x00\x3c\x03\x03 and no more",
    );
}

#[test]
fn what_is_no_tls_is_of_the_same_kind_however_it_is_cut() {
    let pair = TlsPair::new();
    for (input, by_client, by_server) in [
        ("POST /x HTTP/1.1\r\n\r\n", TlsErrorKind::PlainHttp, TlsErrorKind::NotTls),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", TlsErrorKind::NotTls, TlsErrorKind::PlainHttp),
        ("PUSH\r\n", TlsErrorKind::NotTls, TlsErrorKind::NotTls),
        ("HTML", TlsErrorKind::NotTls, TlsErrorKind::NotTls),
        ("220 mail.test ESMTP\r\n", TlsErrorKind::NotTls, TlsErrorKind::NotTls),
        ("\x63\x03\x03\x00\x05hello, hello", TlsErrorKind::NotTls, TlsErrorKind::NotTls),
        // A peer that says no more than this has said nothing.
        ("PU", TlsErrorKind::Truncated, TlsErrorKind::NotTls),
        ("HT", TlsErrorKind::NotTls, TlsErrorKind::Truncated),
    ] {
        for (layer, expected) in
            [(TlsLayer::from(&pair.acceptor), by_client), (TlsLayer::from(pair.to_server()), by_server)]
        {
            check_splits(input, |pieces| {
                let told = Shared::default();
                let mut wire = MemoryTransport::new(speaking(&Log::new(), layer.clone(), &told));
                pieces.iter().for_each(|piece| wire.feed(piece));
                wire.end_of_input();
                assert_eq!(told.with(|told| *told), Some(expected), "{input:?}");
            });
        }
    }
}
