//! A peer that is rustls itself, fed by hand: what Lariat's own ends never do.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, check_splits};
use lariat::tls::{TlsErrorKind, TlsVersion};
use lariat_tests::certificates::{SERVER, TlsPair, authority};
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

/// Passes what each has to say on to the other, to the server in pieces of `cut` bytes.
fn talk(client: &mut ClientConnection, server: &mut MemoryTransport<Probe>, cut: usize) {
    loop {
        let mut said = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut said).expect("the test is set up so");
        }
        said.chunks(cut).for_each(|piece| server.feed(piece));
        let answer = server.take_written();
        if said.is_empty() && answer.is_empty() {
            return;
        }
        let mut answer = &answer[..];
        while !answer.is_empty() {
            client.read_tls(&mut answer).expect("the test is set up so");
            let _ = client.process_new_packets();
        }
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
    let told = lariat_tests::downstream::Shared::new(None);
    let heard = told.clone();
    let probe =
        log.probe().lost(move |reason| heard.with(|heard| *heard = reason.tls().map(lariat::tls::TlsError::kind)));
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

#[test]
fn a_goodbye_that_nobody_takes_has_five_seconds() {
    let log = Log::new();
    let (mut client, mut server) = (client(config(&[&rustls::version::TLS13])), server(log.probe()));
    talk(&mut client, &mut server, 1000);
    server.peer_takes(0);
    while server.queued() == 0 {
        server.transport().write(&[b'x'; 1000]);
        server.advance(Duration::ZERO);
    }
    server.transport().close();
    server.advance(Duration::from_secs(29));
    // It is what was written that is waited for.
    assert_eq!(log.lost(), None);
    server.advance(Duration::from_secs(2));
    assert_eq!(log.lost().as_deref(), Some("TimedOut(Close)"));
}
