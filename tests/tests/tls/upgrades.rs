//! TLS on connections that began in clear, or in TLS.

use lariat::tls::{TlsError, TlsErrorKind, TlsLayer};
use lariat::{CloseReason, Phase, StreamOptions, Transport};
use lariat_tests::certificates::{Authority, TlsPair, Wish};
use lariat_tests::downstream::Shared;
use lariat_tests::harness::{Ground, Log, Probe, World, everywhere, over_tcp, simulated};

/// Answers `word` and then starts TLS.
fn upgrading(probe: Probe, word: &'static [u8], answer: &'static [u8], layer: impl Into<TlsLayer>) -> Probe {
    let layer = layer.into();
    probe.data(move |transport, data| {
        if let Some(leftover) = data.strip_prefix(word) {
            transport.write(answer);
            // Should it fail, the connection ends.
            let _ = transport.start_tls(layer.clone(), leftover);
        } else if transport.peer().tls().is_some() && data.starts_with(b"question") {
            transport.write(b"answer");
        }
    })
}

#[test]
fn both_sides_go_over_to_tls() {
    everywhere(|mut world| {
        let pair = TlsPair::new();
        let (server, client) = (Log::new(), Log::new());
        let to_server = pair.to_server();
        let on_client = upgrading(client.probe(), b"220 go ahead", b"", to_server).handshake_completed(|transport| {
            transport.write(b"question");
        });
        world.pair(upgrading(server.probe(), b"STARTTLS", b"220 go ahead", &pair.acceptor), on_client);
        client.transport().write(b"STARTTLS");
        world.until("it is answered", || client.received().ends_with(b"answer"));
        assert!(server.has("handshake completed") && client.has("handshake completed"));
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert_eq!((server.lost().as_deref(), client.lost().as_deref()), (Some("Done"), Some("Done")));
    });
}

#[test]
fn what_is_written_after_start_tls_is_encrypted() {
    simulated(|mut world| {
        let pair = TlsPair::new();
        let (server, client) = (Log::new(), Log::new());
        let on_server = server.probe().data(move |transport, data| {
            if data == b"STARTTLS" {
                transport.write(b"220 ");
                transport.start_tls(&pair.acceptor, b"").unwrap();
                transport.write(b"a secret");
            }
        });
        world.pair(on_server, client.probe());
        client.transport().write(b"STARTTLS");
        world.settle();
        // The client does not speak TLS: all that it sees is what was written before.
        assert_eq!(client.received(), b"220 ");
    });
}

#[test]
fn bytes_that_follow_the_word_in_clear_are_refused_by_a_server() {
    everywhere(|mut world| {
        let pair = TlsPair::new();
        let why = Shared::new(None);
        let heard = why.clone();
        let (server, client) = (Log::new(), Log::new());
        let on_server = upgrading(server.probe(), b"STARTTLS", b"220", &pair.acceptor)
            .lost(move |reason| heard.with(|heard| *heard = reason.tls().map(TlsError::kind)));
        world.pair(on_server, client.probe());
        client.transport().write(b"STARTTLSquestion");
        world.until_lost(&[&server]);
        assert_eq!(why.with(|why| *why), Some(TlsErrorKind::ClearTextPending));
        assert!(!server.has("handshake completed"));
    });
}

#[test]
fn bytes_that_follow_the_word_in_clear_are_refused_by_a_client() {
    everywhere(|mut world| {
        let pair = TlsPair::new();
        let (server, client) = (Log::new(), Log::new());
        let injecting = server.probe().data(|transport, _| {
            transport.write(b"220 go ahead250 injected");
        });
        world.pair(injecting, upgrading(client.probe(), b"220 go ahead", b"", pair.to_server()));
        client.transport().write(b"STARTTLS");
        world.until_lost(&[&client]);
        assert!(client.lost().is_some_and(|reason| reason.starts_with("failed, TLS: bytes arrived in clear")));
        assert!(!client.has("handshake completed"));
    });
}

#[test]
fn clear_bytes_that_come_later_are_no_handshake() {
    simulated(|mut world| {
        let pair = TlsPair::new();
        let (server, client) = (Log::new(), Log::new());
        world.pair(upgrading(server.probe(), b"STARTTLS", b"220", &pair.acceptor), client.probe());
        client.transport().write(b"STARTTLS");
        world.settle();
        client.transport().write(b"question in clear");
        world.until_lost(&[&server]);
        assert!(!server.has("handshake completed"));
        assert_eq!(server.received(), b"STARTTLS");
    });
}

#[test]
fn a_handshake_that_nobody_answers_ends_the_connection() {
    simulated(|mut world| {
        let pair = TlsPair::new();
        let timed_out = Shared::new(false);
        let heard = timed_out.clone();
        let (server, client) = (Log::new(), Log::new());
        let on_server = upgrading(server.probe(), b"STARTTLS", b"220", &pair.acceptor).lost(move |reason| {
            heard.with(|heard| *heard = matches!(reason, CloseReason::TimedOut(Phase::Handshake)));
        });
        world.pair(on_server, client.probe());
        let begun = world.now();
        client.transport().write(b"STARTTLS");
        world.until_lost(&[&server]);
        assert!(timed_out.with(|timed_out| *timed_out));
        assert_eq!((world.now() - begun).as_secs(), 10);
    });
}

#[test]
fn a_server_that_is_not_trusted_ends_the_connection_of_the_client() {
    simulated(|mut world| {
        let stranger = Authority::new("A stranger").issue(&Wish::server(&["server.test"]));
        let pair = TlsPair::new();
        pair.acceptor.replace(lariat::tls::ServerOptions::new(stranger.identity())).unwrap();
        let why = Shared::new(None);
        let heard = why.clone();
        let (server, client) = (Log::new(), Log::new());
        let on_client = upgrading(client.probe(), b"220", b"", pair.to_server())
            .lost(move |reason| heard.with(|heard| *heard = reason.tls().map(TlsError::kind)));
        world.pair(upgrading(server.probe(), b"STARTTLS", b"220", &pair.acceptor), on_client);
        client.transport().write(b"STARTTLS");
        world.until_lost(&[&server, &client]);
        assert_eq!(why.with(|why| *why), Some(TlsErrorKind::IncompleteChain));
    });
}

#[test]
fn tls_goes_through_tls() {
    for ground in [Ground::SimulatedTls, Ground::RealTls] {
        let mut world = World::new(ground);
        let pair = TlsPair::with(|server| server.alpn(["inner"]), |client| client.alpn(["inner"]));
        let (server, client) = (Log::new(), Log::new());
        world.pair(server.probe(), client.probe());
        server.transport().start_tls(&pair.acceptor, b"").unwrap();
        client.transport().start_tls(pair.to_server(), b"").unwrap();
        let sent = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>();
        client.transport().write(&sent);
        client.transport().close();
        world.until_lost(&[&server, &client]);
        assert!(server.received() == sent);
        assert_eq!((server.lost().as_deref(), client.lost().as_deref()), (Some("Done"), Some("Done")));
    }
}

#[test]
fn a_connection_that_is_over_cannot_go_over_to_tls() {
    let mut world = World::new(Ground::SimulatedTcp);
    let (server, client) = (Log::new(), Log::new());
    world.pair(server.probe(), client.probe());
    let transport: Transport = client.transport();
    transport.close();
    let error = transport.start_tls(TlsPair::new().to_server(), b"").unwrap_err();
    assert_eq!(error.kind(), lariat::ErrorKind::NotConnected);
}

#[test]
fn who_adopts_a_socket_may_have_it_speak_tls() {
    let mut world = World::new(Ground::RealUnix);
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let pair = TlsPair::new();
    let (server, client) = (Log::new(), Log::new());
    world
        .reactor
        .adopt_stream(ours.into(), StreamOptions::default().tls(&pair.acceptor), server.probe().echo())
        .unwrap();
    world.reactor.adopt_stream(theirs.into(), StreamOptions::default().tls(pair.to_server()), client.probe()).unwrap();
    world.until("both are there", || server.has("handshake completed") && client.has("handshake completed"));
    assert!(server.transport().peer().tls().is_some());
    client.transport().write(b"hello");
    world.until("the echo is back", || client.received() == b"hello");
}

#[test]
fn a_peer_reads_the_alert_of_a_handshake_that_start_tls_began() {
    over_tcp(|mut world| {
        let pair = TlsPair::new();
        let (server, client) = (Log::new(), Log::new());
        let mut junk = vec![22, 3, 1, 0, 4, 1, 1, 0, 1];
        junk.resize(100_000, 0);
        let on_client = client.probe().data(move |transport, data| {
            if data == b"220" {
                transport.write(&junk);
            }
        });
        world.pair(upgrading(server.probe(), b"STARTTLS", b"220", &pair.acceptor), on_client);
        client.transport().write(b"STARTTLS");
        world.until_lost(&[&server, &client]);
        assert_eq!(client.received(), [b"220".as_slice(), &[21, 3, 3, 0, 2, 2, 50]].concat());
    });
}
