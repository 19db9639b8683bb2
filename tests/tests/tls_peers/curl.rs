//! curl with our server.

use lariat_tests::certificates::{SERVER, Wish, authority};

use super::stage::{Stage, options};

fn curl(port: u16) -> String {
    format!("curl --silent --show-error --max-time 50 --cacert @ca.pem --resolve {SERVER}:{port}:127.0.0.1")
}

#[test]
fn it_gets_a_page_by_both_versions() {
    for (flag, version) in [("--tlsv1.3", "TLS 1.3"), ("--tls-max 1.2", "TLS 1.2")] {
        let mut stage = Stage::new();
        let port = stage.serve(options().alpn(["http/1.1"]));
        let run = stage.run(&format!("{} {flag} https://{SERVER}:{port}/", curl(port)), "");
        run.has(&format!("served {version} alpn=http/1.1 name={SERVER} client=nobody"));
        assert!(run.status.success(), "{}", run.said);
    }
}

#[test]
fn its_certificate_is_asked_for_and_known() {
    let mut stage = Stage::new();
    stage.write_issued("alice", &authority().issue(&Wish::client("alice").for_others()));
    let port = stage.serve(options().require_client_certificate(authority().trust()));
    let command = format!("{} https://{SERVER}:{port}/", curl(port));
    stage.run(&format!("{command} --cert @alice.pem --key @alice-key.pem"), "").has("client=alice");
    let refused = stage.run(&command, "");
    assert!(!refused.status.success());
    refused.has("certificate required");
}

#[test]
fn one_that_does_not_trust_the_authority_is_told_of_in_the_log() {
    let mut stage = Stage::new();
    let port = stage.serve(options());
    let run = stage.run(&format!("curl --silent --show-error --max-time 50 https://127.0.0.1:{port}/"), "");
    run.has("SSL certificate problem");
    let logged = stage.records.with("it does not trust the authority that issued the certificate shown here");
    assert_eq!(logged.len(), 1, "{:?}", stage.records.lines());
}

#[test]
fn plain_http_to_the_port_is_told_as_such() {
    let mut stage = Stage::new();
    let port = stage.serve(options());
    let run = stage.run(&format!("{} http://{SERVER}:{port}/", curl(port)), "");
    assert!(!run.status.success(), "{}", run.said);
    let words = "the client speaks plain HTTP to a port where TLS is spoken: its URL has to begin with https";
    assert_eq!(stage.records.with(words).len(), 1, "{:?}", stage.records.lines());
    assert_eq!(stage.world.reactor.stats().failed_handshakes, 1);
}
