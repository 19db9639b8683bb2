//! Environment variables.

use std::fs;
use std::process::Output;

use lariat_tests::certificates::Authority;
use lariat_tests::child::Child;
use lariat_tests::command::command;
use lariat_tests::examples::example;
use lariat_tests::harness::Scratch;

use super::{Files, port};

#[test]
fn a_client_that_is_not_told_whom_to_trust_trusts_whom_this_machine_does() {
    let files = Files::new();
    files.issue("server", &["localhost"]);
    fs::write(files.0.path("other.pem"), Authority::new("somebody else").pem()).expect("the folder is writable");
    let (key, certificate) = (files.path("server-key.pem"), files.path("server.pem"));
    let listen = format!("ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}");
    let mut echo = Child::start(&example("echo").to_string_lossy(), &[&listen]);
    let place = format!("tls:localhost:{}", port(&mut echo));
    let fetch = |roots: &str| {
        let mut fetch_many = command(example("fetch_many"));
        fetch_many.args(["--requests", "3", "--attempts", "1", &place]);
        let output: Output = fetch_many.env("SSL_CERT_FILE", roots).output().expect("the program starts");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (trusted, said) = fetch(&files.path("ca.pem"));
    assert!(trusted && said.starts_with("ok: 3\n"), "{said}");
    let (trusted, said) = fetch(&files.path("other.pem"));
    assert!(!trusted && said.contains("not trusted here"), "{said}");
}

#[test]
fn an_alert_after_the_handshake_is_shown_as_what_it_is() {
    let files = Files::new();
    files.issue("server", &["localhost"]);
    let mut echo = Child::start(
        &example("echo").to_string_lossy(),
        &[&format!("{}:clientCA={}", super::listen(&files), files.path("ca.pem"))],
    );
    let place = format!("tls:localhost:{}:trustRoots={}", port(&mut echo), files.path("ca.pem"));
    let fetch = command(example("fetch_many")).args(["--requests", "1", "--attempts", "1", &place]).output();
    let output = fetch.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("failed: 1 (") && said.to_lowercase().contains("certificate"), "{said}");
    assert!(!said.contains("invalid data"), "{said}");
}

/// Returns the content of the key log file after a conversation, if it exists.
fn keys_of(side: &str) -> Option<String> {
    let scratch = Scratch::new();
    let path = scratch.path("keys");
    let output = command(env!("CARGO_BIN_EXE_key_log")).arg(side).env("SSLKEYLOGFILE", &path).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(path).ok()
}

#[test]
fn keys_are_logged_on_request_alone() {
    assert_eq!(keys_of("nobody"), None);
    for side in ["client", "server"] {
        let keys = keys_of(side).unwrap_or_default();
        for secret in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
            assert_eq!(keys.lines().filter(|line| line.starts_with(secret)).count(), 1, "{side}: {keys}");
        }
    }
}
