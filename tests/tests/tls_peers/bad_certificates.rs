//! Certificates that are not in order, shown by openssl in both roles: each is told apart, and what to do is said.

use lariat::tls::{ClientOptions, Identity, TlsError, TlsErrorKind, TrustRoots};
use lariat_tests::certificates::{Authority, Issued, SERVER, Wish, authority};

use super::stage::{Stage, options, wish};

/// A certificate that should not be accepted.
struct Bad {
    what: &'static str,
    shown: Issued,
    /// Shown without its chain.
    alone: bool,
    kind: TlsErrorKind,
    words: &'static str,
}

/// What is wrong whatever side it is shown by. `good` makes one that would do.
fn bad(good: impl Fn() -> Wish, wrong_usage: &Wish) -> Vec<Bad> {
    let stranger = Authority::new("a stranger");
    let bad = |what, shown, kind, words| Bad { what, shown, alone: false, kind, words };
    vec![
        bad(
            "expired",
            authority().issue(&good().valid(2001, 2002)),
            TlsErrorKind::CertificateExpired,
            "expired on 2002-01-01",
        ),
        bad(
            "not yet valid",
            authority().issue(&good().valid(2099, 2100)),
            TlsErrorKind::CertificateNotYetValid,
            "valid from 2099-01-01 on",
        ),
        bad(
            "self-signed",
            good().self_signed(),
            TlsErrorKind::SelfSigned,
            "is self-signed, and not among those trusted here",
        ),
        bad(
            "unknown authority",
            stranger.intermediate("its clerk").issue(&good()),
            TlsErrorKind::UnknownAuthority,
            "leads to \"a stranger\", which is not trusted here",
        ),
        Bad {
            alone: true,
            ..bad(
                "missing intermediate",
                authority().intermediate("the clerk").issue(&good()),
                TlsErrorKind::IncompleteChain,
                "came alone and was issued by \"the clerk\"",
            )
        },
        bad("wrong key usage", authority().issue(wrong_usage), TlsErrorKind::WrongUsage, "is not for this use"),
        bad("revoked", authority().issue(&good().numbered(13)), TlsErrorKind::Revoked, "was revoked: do not trust it"),
    ]
}

fn client_wish() -> Wish {
    Wish::client("alice").for_others()
}

fn shown(stage: &Stage, bad: &Bad) -> &'static str {
    let Issued { chain, certificate, key } = &bad.shown;
    stage.write("bad.pem", certificate);
    stage.write("bad-chain.pem", chain);
    stage.write("bad-key.pem", key);
    if bad.alone {
        "-cert @bad.pem -key @bad-key.pem"
    } else {
        "-cert @bad.pem -cert_chain @bad-chain.pem -key @bad-key.pem"
    }
}

/// One that minds revocations only where a certificate is on the list: then every authority needs a list, and intermediates have none.
fn judge(bad: &Bad) -> ClientOptions {
    let options = ClientOptions::new().trust(authority().trust());
    if bad.kind == TlsErrorKind::Revoked { options.revocation_list(authority().revoke(&[13])) } else { options }
}

#[test]
fn a_servers_bad_certificate_is_told_apart() {
    let mut cases = bad(|| wish(&[SERVER]), &client_wish());
    cases.push(Bad {
        what: "wrong name",
        shown: authority().issue(&wish(&["other.test"])),
        alone: false,
        kind: TlsErrorKind::WrongName,
        words: "is not for server.test, but for other.test: connect by one of these names",
    });
    for flag in ["-tls1_3", "-tls1_2"] {
        for bad in &cases {
            let mut stage = Stage::new();
            let (_server, port) = stage.start_s_server(&format!("{flag} {}", shown(&stage, bad)));
            let (_, outcome) = stage.connect(&judge(bad).build().unwrap(), SERVER, port);
            let error = outcome.unwrap_err();
            assert_eq!(error.tls().map(TlsError::kind), Some(bad.kind), "{}: {error}", bad.what);
            assert!(error.to_string().contains(bad.words), "{}: {error}", bad.what);
        }
    }
}

#[test]
fn a_clients_bad_certificate_is_told_apart() {
    for flag in ["-tls1_3", "-tls1_2"] {
        for bad in &bad(client_wish, &wish(&["alice"])) {
            let mut stage = Stage::new();
            let mut options = options().require_client_certificate(authority().trust());
            if bad.kind == TlsErrorKind::Revoked {
                options = options.revocation_list(authority().revoke(&[13]));
            }
            let port = stage.serve(options);
            let command = format!("openssl s_client {flag} -connect 127.0.0.1:{port} {}", shown(&stage, bad));
            stage.run(&command, "hello").has("alert");
            let logged = stage.records.with("failed: TLS: the client's certificate");
            assert_eq!(logged.len(), 1, "{}: {:?}", bad.what, stage.records.lines());
            assert!(logged[0].contains(bad.words), "{}: {logged:?}", bad.what);
        }
    }
}

/// What `openssl req -x509` makes unasked is an authority's, too.
#[test]
fn a_certificate_of_openssls_own_making_is_told_to_be_self_signed() {
    let mut stage = Stage::new();
    let made = stage.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout @own-key.pem -out @own.pem -days 2 -subj /CN=server.test \
         -addext subjectAltName=DNS:server.test",
        "",
    );
    assert!(made.status.success(), "{}", made.said);
    let (_server, port) = stage.start_s_server("-cert @own.pem -key @own-key.pem");
    for trust in [authority().trust(), TrustRoots::from_pem_file(stage.path("own.pem"))] {
        let (_, outcome) = stage.connect(&ClientOptions::new().trust(trust).build().unwrap(), SERVER, port);
        let error = outcome.unwrap_err();
        assert_eq!(error.tls().map(TlsError::kind), Some(TlsErrorKind::SelfSigned), "{error}");
    }
}

#[test]
fn an_rsa_server_of_openssls_own_making_is_trusted_once_it_is_named() {
    let mut stage = Stage::new();
    let made = stage.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout @own-key.pem -out @own.pem -days 2 -subj /CN=server.test \
         -addext subjectAltName=DNS:server.test -addext basicConstraints=critical,CA:FALSE",
        "",
    );
    assert!(made.status.success(), "{}", made.said);
    for flag in ["-tls1_3", "-tls1_2"] {
        let (_server, port) = stage.start_s_server(&format!("{flag} -cert @own.pem -key @own-key.pem"));
        let trust = TrustRoots::from_pem_file(stage.path("own.pem"));
        let (log, outcome) = stage.connect(&ClientOptions::new().trust(trust).build().unwrap(), SERVER, port);
        outcome.unwrap();
        stage.converse(&log);
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_told_when_it_is_read() {
    let mut stage = Stage::new();
    for name in ["one", "other"] {
        let made = stage.run(
            &format!(
                "openssl req -x509 -newkey rsa:2048 -nodes -keyout @{name}-key.pem -out @{name}.pem -days 2 -subj /CN={name}"
            ),
            "",
        );
        assert!(made.status.success(), "{}", made.said);
    }
    let error = Identity::from_pem_files(stage.path("one.pem"), stage.path("other-key.pem")).unwrap_err();
    assert_eq!(error.kind(), lariat::ErrorKind::InvalidInput);
    let said = error.to_string();
    assert!(said.contains("one.pem") && said.contains("other-key.pem"), "{said}");
    assert!(said.contains("the private key is not that of the certificate"), "{said}");
}
