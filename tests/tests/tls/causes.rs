//! Messages that name the actual cause, of files and of handshakes.

use std::io::Write;
use std::sync::Arc;

use lariat::tls::{Identity, ServerOptions, TlsError, TlsErrorKind, TrustRoots};
use lariat::{ConnectOptions, ErrorKind, Once};
use lariat_tests::certificates::{Authority, SERVER, TlsPair, Wish, authority};
use lariat_tests::harness::{Ground, Log, World, outcome};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

const SMALL_KEY: &str = include_str!("fixtures/k1024.pem");
const SMALL: &str = include_str!("fixtures/c1024.pem");
const VERSION_1: &str = include_str!("fixtures/v1.pem");
const VERSION_1_KEY: &str = include_str!("fixtures/ec8.pem");
const ENCRYPTED: &str = include_str!("fixtures/sec1enc.pem");

#[track_caller]
fn refused(chain: &str, key: &str, words: &[&str]) {
    let error = Identity::from_pem(chain.as_bytes(), key.as_bytes()).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    for words in words {
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_file_that_cannot_be_used_is_told_by_its_cause() {
    let issued = authority().issue(&Wish::server(&[SERVER]));
    let (chain, key) = (&*issued.chain, &*issued.key);
    refused(&format!("\u{feff}{chain}"), key, &["certificate", "byte order mark", "without BOM"]);
    refused(chain, &format!("\u{feff}{key}"), &["private key", "byte order mark"]);
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    refused(&indented(chain), key, &["line 1 is indented"]);
    refused(&format!("{chain}{}", indented(chain)), key, &["is indented"]);
    refused(chain, &indented(key), &["private key", "indented"]);
    refused(&chain[..chain.len() / 2], key, &["CERTIFICATE that begins in line 1", "cut short"]);
    refused(chain, &key[..key.len() / 2], &["cut short"]);
    refused(chain, ENCRYPTED, &["encrypted", "openssl pkey"]);
    refused(
        chain,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        &["encrypted"],
    );
    refused(chain, chain, &["no private key", "found: CERTIFICATE"]);
    refused("0\u{3}", key, &["DER", "openssl"]);
    let between = authority().intermediate("The department").issue(&Wish::server(&[SERVER]));
    let (first, second) = between.chain.split_at(between.certificate.len());
    refused(&format!("{second}{first}"), &between.key, &["wrong order", "number 2", "first"]);
    refused(SMALL, SMALL_KEY, &["RSA key of 1024 bits", "2048"]);
    refused(VERSION_1, VERSION_1_KEY, &["X.509 version 1", "version 3"]);
}

#[test]
fn text_around_the_items_of_a_file_is_skipped() {
    let issued = authority().issue(&Wish::server(&[SERVER]));
    let chain = format!("Certificate:\n    Data:\n        Version: 3\n{}\r\n  a comment\n", issued.chain);
    Identity::from_pem(chain.as_bytes(), issued.key.replace('\n', "\r\n").as_bytes())
        .expect("the parts of the test fit");
}

#[test]
fn a_revocation_list_without_client_certificates_is_refused() {
    let error = ServerOptions::new(lariat_tests::certificates::server())
        .revocation_list(authority().revoke(&[1]))
        .build()
        .expect_err("it has no effect");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("require_client_certificate"), "{error}");
    let both = ServerOptions::new(lariat_tests::certificates::server())
        .request_client_certificate(authority().trust())
        .revocation_list(authority().revoke(&[1]));
    both.build().expect("the parts of the test fit");
}

/// The error of a client whose server is made with rustls, which is less strict about its own certificate.
fn told_of(certificate: &str, key: &str, trust: TrustRoots) -> TlsError {
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .expect("the parts of the test fit");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the parts of the test fit");
    let shown = CertifiedKey::new(chain, ring::sign::any_supported_type(&key).expect("the parts of the test fit"));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the parts of the test fit")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the parts of the test fit");
    let address = listener.local_addr().expect("the parts of the test fit");
    let server = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("the parts of the test fit");
        let mut session = rustls::ServerConnection::new(Arc::new(config)).expect("the parts of the test fit");
        // The client ends it with an alert.
        let _ = session.complete_io(&mut socket);
        let _ = socket.flush();
    });
    let mut world = World::new(Ground::RealTcp);
    let client = lariat::tls::ClientOptions::new()
        .trust(trust)
        .build()
        .expect("the parts of the test fit")
        .to(SERVER)
        .expect("the parts of the test fit");
    let options = ConnectOptions::default().tls(client);
    let told =
        outcome(world.reactor.connect_at(&lariat::Address::Tcp(address), options, Once::new(Log::new().probe())));
    let mut error = None;
    world.until("the client knows", || {
        error = told.take().map(|told| told.expect_err("it fails"));
        error.is_some()
    });
    server.join().expect("the parts of the test fit");
    error.expect("the parts of the test fit").tls().cloned().expect("it is of TLS")
}

#[test]
fn a_signature_by_another_key_is_told_from_a_bad_certificate() {
    let (one, other) = (authority().issue(&Wish::server(&[SERVER])), authority().issue(&Wish::server(&[SERVER])));
    let error = told_of(&one.chain, &other.key, authority().trust());
    assert_eq!(error.kind(), TlsErrorKind::BadSignature, "{error}");
    assert!(error.to_string().contains("CertificateVerify"), "{error}");
}

#[test]
fn a_peers_certificate_of_version_1_or_with_a_small_key_is_told_so() {
    let trust = Authority::new("anybody").trust();
    let error = told_of(VERSION_1, VERSION_1_KEY, trust.clone());
    assert_eq!(error.kind(), TlsErrorKind::BadCertificate, "{error}");
    assert!(error.to_string().contains("X.509 version 1"), "{error}");
    let large = authority().issue(&Wish::server(&[SERVER]));
    let error = told_of(SMALL, &large.key, trust);
    assert_eq!(error.kind(), TlsErrorKind::BadCertificate, "{error}");
    assert!(error.to_string().contains("RSA key of 1024 bits"), "{error}");
}

#[test]
fn a_reset_during_the_handshake_is_told_as_such() {
    for ground in [Ground::SimulatedTcp, Ground::RealTcp] {
        let mut world = World::new(ground);
        let log = Log::new();
        let port = world.listen(Once::new(log.probe().data(|transport, _| transport.abort())));
        let options = ConnectOptions::default().tls(TlsPair::new().to_server());
        let told = outcome(world.reactor.connect_at(port.address(), options, Once::new(Log::new().probe())));
        let mut error = None;
        world.until("the client knows", || {
            error = told.take().map(|told| told.expect_err("it fails"));
            error.is_some()
        });
        let error = error.expect("the parts of the test fit");
        assert_eq!(error.tls().map(TlsError::kind), Some(TlsErrorKind::Reset), "{error}");
        assert!(error.to_string().contains("reset during the TLS handshake"), "{error}");
    }
}
