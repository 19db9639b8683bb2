//! Our client with `openssl s_server`.

use lariat::Error;
use lariat::tls::{Identity, TlsError, TlsErrorKind, TlsInfo, TlsVersion};
use lariat_tests::certificates::{SERVER, Wish, authority};
use lariat_tests::harness::Log;

use super::stage::{Stage, connector, server, wish};

const SHOWN: &str = "-cert @server.pem -cert_chain @server.pem -key @server-key.pem";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.write_issued("server", &server());
    stage
}

fn kind(error: &Error) -> Option<TlsErrorKind> {
    error.tls().map(TlsError::kind)
}

fn facts(log: &Log) -> TlsInfo {
    log.transport().peer().tls().expect("it is TLS")
}

#[test]
fn it_serves_both_versions() {
    for (flag, version) in [("-tls1_3", TlsVersion::Tls13), ("-tls1_2", TlsVersion::Tls12)] {
        let mut stage = stage();
        let (_server, port) = stage.start_s_server(&format!("{SHOWN} {flag}"));
        let (log, outcome) = stage.connect(&connector(|options| options), SERVER, port);
        outcome.unwrap();
        let facts = facts(&log);
        assert_eq!((facts.version, facts.resumed, facts.alpn), (version, false, None));
        assert_eq!(facts.peer_certificate.unwrap().dns_names(), [SERVER]);
        stage.converse(&log);
    }
}

#[test]
fn a_second_connection_resumes_what_the_first_began() {
    for flag in ["-tls1_3", "-tls1_2"] {
        let mut stage = stage();
        let (_server, port) = stage.start_s_server(&format!("{SHOWN} {flag}"));
        let connector = connector(|options| options);
        for resumed in [false, true, true] {
            let (log, outcome) = stage.connect(&connector, SERVER, port);
            outcome.unwrap();
            assert_eq!(facts(&log).resumed, resumed, "{flag}");
            stage.converse(&log);
        }
        let (log, outcome) = stage.connect(&super::stage::connector(|options| options), SERVER, port);
        outcome.unwrap();
        assert!(!facts(&log).resumed, "another connector has its own sessions");
    }
}

#[test]
fn our_certificate_is_shown_when_it_is_asked_for() {
    let client = authority().issue(&Wish::client("alice").for_others());
    for flag in ["-tls1_3", "-tls1_2"] {
        let mut stage = stage();
        let verify = "-Verify 2 -CAfile @ca.pem -verify_return_error";
        let (server, port) = stage.start_s_server(&format!("{SHOWN} {flag} {verify} -naccept 1"));
        let identity = Identity::from_pem(client.chain.as_bytes(), client.key.as_bytes()).unwrap();
        let (log, outcome) = stage.connect(&connector(|options| options.identity(identity)), SERVER, port);
        outcome.unwrap();
        stage.converse(&log);
        // It tells whose certificate it has seen.
        stage.end(server).has("CN = alice");
    }
}

#[test]
fn a_certificate_that_is_required_and_not_there_is_told() {
    for flag in ["-tls1_3", "-tls1_2"] {
        let mut stage = stage();
        let (_server, port) = stage.start_s_server(&format!("{SHOWN} {flag} -Verify 2 -CAfile @ca.pem"));
        let (log, outcome) = stage.connect(&connector(|options| options), SERVER, port);
        let told = match outcome {
            // Of TLS 1.3, the handshake is over for the client before the server says no.
            Ok(()) => {
                stage.world.until_lost(&[&log]);
                log.story().join(", ")
            }
            Err(error) => {
                assert_eq!(kind(&error), Some(TlsErrorKind::PeerAlert));
                error.to_string()
            }
        };
        assert!(told.contains("the server ended the connection with the alert") && told.contains("requires"), "{told}");
    }
}

#[test]
fn the_application_protocol_is_agreed_on_or_told_to_be_none() {
    let mut stage = stage();
    let (_server, port) = stage.start_s_server(&format!("{SHOWN} -alpn h2,http/1.1"));
    let (log, outcome) = stage.connect(&connector(|options| options.alpn(["http/1.1", "h2"])), SERVER, port);
    outcome.unwrap();
    assert_eq!(facts(&log).alpn.as_deref(), Some(&b"h2"[..]), "the server chooses");
    stage.converse(&log);
    let (_, outcome) = stage.connect(&connector(|options| options.alpn(["gopher"])), SERVER, port);
    let error = outcome.unwrap_err();
    assert_eq!(kind(&error), Some(TlsErrorKind::PeerAlert));
    assert!(error.to_string().contains("application protocols offered (ALPN)"), "{error}");
}

#[test]
fn the_certificate_is_the_one_for_the_name_that_we_ask_for() {
    let mut stage = stage();
    stage.write_issued("other", &authority().issue(&wish(&["other.test"])));
    let shown = format!("{SHOWN} -servername other.test -cert2 @other.pem -key2 @other-key.pem");
    let (_server, port) = stage.start_s_server(&shown);
    for name in [SERVER, "other.test"] {
        let (log, outcome) = stage.connect(&connector(|options| options), name, port);
        outcome.unwrap();
        assert_eq!(facts(&log).peer_certificate.unwrap().dns_names(), [name]);
        stage.converse(&log);
    }
}

#[test]
fn a_pinned_key_has_to_be_the_servers() {
    let mut stage = stage();
    let (_server, port) = stage.start_s_server(SHOWN);
    let (log, outcome) = stage.connect(&connector(|options| options), SERVER, port);
    outcome.unwrap();
    let hash = facts(&log).peer_certificate.unwrap().key_hash();
    stage.converse(&log);
    let (log, outcome) = stage.connect(&connector(|options| options.pin([7; 32]).pin(hash)), SERVER, port);
    outcome.unwrap();
    stage.converse(&log);
    let (_, outcome) = stage.connect(&connector(|options| options.pin([7; 32])), SERVER, port);
    let error = outcome.unwrap_err();
    assert_eq!(kind(&error), Some(TlsErrorKind::UnpinnedKey), "{error}");
}

#[test]
fn a_server_of_old_versions_is_told_apart() {
    let mut stage = stage();
    let (_server, port) = stage.start_s_server(&format!("{SHOWN} -tls1_1 -cipher ALL:@SECLEVEL=0"));
    let (_, outcome) = stage.connect(&connector(|options| options), SERVER, port);
    let error = outcome.unwrap_err();
    assert!(matches!(kind(&error), Some(TlsErrorKind::PeerAlert | TlsErrorKind::OldVersion)), "{error}");
    assert!(error.to_string().contains("TLS 1.2"), "{error}");
}
