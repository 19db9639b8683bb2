//! `ssl:` and `tls:` in endpoints.

use std::sync::LazyLock;

use lariat_tests::certificates::{SERVER, Wish, authority};
use lariat_tests::child::Child;
use lariat_tests::examples::example;
use lariat_tests::proxy::PROXY;
use rustix::process::Signal;

use super::{Files, listen, port};

static ECHO: LazyLock<String> = LazyLock::new(|| example("echo").to_string_lossy().into_owned());

/// Talks to an echo until it has sent one line back.
fn hear_echo(files: &Files, port: u16, arguments: &str) -> Vec<String> {
    let mut client = files.client(port, arguments);
    client.tell("a line for the echo");
    let mut heard = Vec::new();
    while heard.last().is_none_or(|line| line != "a line for the echo") {
        heard.push(client.line());
    }
    // At the beginning of a line, this ends s_client.
    client.tell("Q");
    assert!(client.end().status.success());
    heard
}

#[test]
fn the_echo_and_the_chat_serve_tls() {
    let files = Files::new();
    files.issue("server", &[SERVER]);
    let asking = format!("-servername {SERVER} -verify_hostname {SERVER}");
    let mut echo = Child::start(&ECHO, &[&listen(&files)]);
    let echo_port = port(&mut echo);
    hear_echo(&files, echo_port, &asking);

    let mut chat = Child::start(&example("chat").to_string_lossy(), &[&listen(&files)]);
    let chat_port = port(&mut chat);
    let mut person = files.client(chat_port, &asking);
    person.tell("ann");
    person.tell("/quit");
    let ended = person.end();
    assert!(ended.output.iter().any(|line| line.contains("ann")), "{ended:?}");
}

#[test]
fn the_echo_shows_another_certificate_after_sighup() {
    let files = Files::new();
    files.issue("server", &[SERVER]);
    let mut echo = Child::start(&ECHO, &[&listen(&files)]);
    let port = port(&mut echo);
    files.issue("server", &["renewed.test"]);
    hear_echo(&files, port, &format!("-verify_hostname {SERVER}"));
    echo.signal(Signal::HUP);
    // A whole conversation ends after the signal is handled.
    hear_echo(&files, port, "");
    hear_echo(&files, port, "-verify_hostname renewed.test");
    echo.signal(Signal::TERM);
    let ended = echo.end();
    assert!(
        ended.status.success() && ended.log.contains("SIGHUP: certificates of ") && ended.log.contains(" reloaded"),
        "{}",
        ended.log
    );
}

#[test]
fn an_expired_certificate_warns_at_start_and_on_reload() {
    let files = Files::new();
    let expired = authority().issue(&Wish::server(&["old.test"]).valid(2020, 2021).for_others());
    let older = authority().issue(&Wish::server(&["older.test"]).valid(2018, 2019).for_others());
    files.write("server", &expired);
    let mut echo = Child::start(&ECHO, &[&listen(&files)]);
    let port = port(&mut echo);
    files.write("server", &older);
    echo.signal(Signal::HUP);
    // The client verifies nothing. Two conversations end after the signal is handled.
    for _ in 0..2 {
        let mut client = Child::start("openssl", &["s_client", "-connect", &format!("127.0.0.1:{port}")]);
        client.tell("a line for the echo");
        while client.line() != "a line for the echo" {}
        client.tell("Q");
        assert!(client.end().status.success());
    }
    echo.signal(Signal::TERM);
    let log = echo.end().log;
    let warned = |name: &str, date: &str| {
        let line = log.lines().find(|line| line.contains(&format!("the certificate of {name} in ")));
        line.is_some_and(|line| line.contains("WARN") && line.contains(&format!("expired on {date}")))
    };
    assert!(warned("old.test", "2021-01-01") && warned("older.test", "2019-01-01"), "{log}");
}

#[test]
fn the_echo_serves_tls_on_two_cores() {
    let files = Files::new();
    files.issue("server", &[SERVER]);
    let mut echo = Child::start(&ECHO, &["--cores", "2", &listen(&files).replace("ssl:0:", "tls:0:")]);
    let ports = [port(&mut echo), port(&mut echo)];
    for port in ports {
        hear_echo(&files, port, &format!("-verify_hostname {SERVER}"));
    }
}

#[test]
fn the_proxy_speaks_tls_on_both_sides() {
    let files = Files::new();
    files.issue("server", &[SERVER]);
    files.write("proxy", &authority().issue(&Wish::client("the proxy").for_others()));
    let demanding = format!("{}:clientCA={}", listen(&files), files.path("ca.pem"));
    let mut echo = Child::start(&ECHO, &[&demanding]);
    let backend = format!(
        "tls:127.0.0.1:{}:serverName={SERVER}:trustRoots={}:privateKey={}:certificate={}",
        port(&mut echo),
        files.path("ca.pem"),
        files.path("proxy-key.pem"),
        files.path("proxy.pem")
    );
    let mut proxy = Child::start(&PROXY.to_string_lossy(), &["--check", "0", &listen(&files), &backend]);
    hear_echo(&files, port(&mut proxy), &format!("-servername {SERVER} -verify_hostname {SERVER}"));
}

#[test]
fn a_wrong_file_is_told_in_a_sentence() {
    let files = Files::new();
    files.issue("server", &[SERVER]);
    files.issue("other", &[SERVER]);
    let wrong = listen(&files).replace("server-key.pem", "other-key.pem");
    let ended = Child::start(&ECHO, &[&wrong]).end();
    assert!(!ended.status.success());
    assert!(ended.log.contains("the private key is not that of the certificate"), "{}", ended.log);
    let missing = listen(&files).replace("server.pem", "nothing.pem");
    let ended = Child::start(&ECHO, &[&missing]).end();
    assert!(ended.log.contains("nothing.pem"), "{}", ended.log);
}
