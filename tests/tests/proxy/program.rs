//! The proxy as a process of its own, between real sockets.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use lariat_tests::child::client;
use lariat_tests::command::command;
use lariat_tests::harness::Scratch;
use lariat_tests::proxy::{PROXY, RELAY_MEMORY, Server, Slow, accept, backend, relay_both_ways};
use rustix::process::Signal;

#[test]
fn wrong_options_are_told_in_a_sentence() {
    for (arguments, complaint) in [
        (&["tcp:0"][..], "a backend is missing"),
        (&["--policy", "random", "tcp:0", "tcp:127.0.0.1:1"], "round-robin or least-connections, not \"random\""),
        (&["--idle", "soon", "tcp:0", "tcp:127.0.0.1:1"], "soon"),
        (&["--idle", "-1", "tcp:0", "tcp:127.0.0.1:1"], "--idle takes a number of seconds, 0 or more"),
        (&["--connect-timeout", "0", "tcp:0", "tcp:127.0.0.1:1"], "more than 0"),
        (&["--max-connections", "many", "tcp:0", "tcp:127.0.0.1:1"], "many"),
        (&["--stats"], "--stats"),
        (&["--stats", "unix:", "tcp:0", "tcp:127.0.0.1:1"], "unix"),
        (&["--frobnicate", "tcp:0", "tcp:127.0.0.1:1"], "--frobnicate"),
        (&["tcp:0:interface=127.0.0.1", "tcp:127.0.0.1"], "port"),
        (&["tcp:0:interface=127.0.0.1", "tcp:a..name:1"], "between any two dots"),
        (&["tcp:127.0.0.1:1:2:3", "tcp:127.0.0.1:1"], "tcp:127.0.0.1:1:2:3"),
        (&[], "an endpoint is missing"),
    ] {
        let output = command(&*PROXY).args(arguments).output().expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} was taken");
        assert!(told.starts_with("proxy: ") && told.contains(complaint), "{arguments:?}: {told}");
    }
}

#[test]
fn the_statistics_page_is_text_on_a_unix_socket() {
    let (backend, scratch) = (backend(), Scratch::new());
    let path = scratch.path("stats.sock");
    let server = Server::start(&backend, &["--stats", &format!("unix:{}", path.display()), "--max-connections", "7"]);
    let (mut person, mut answer) = (client(server.address), [0; 4]);
    person.write_all(b"ping").unwrap();
    let mut far = accept(&backend);
    far.read_exact(&mut answer).unwrap();
    far.write_all(b"pong!").unwrap();
    person.read_exact(&mut answer).unwrap();
    let mut page = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut page).unwrap();
    let target = format!("backend tcp:{} up connections=1 served=1 failures=0", backend.local_addr().unwrap());
    for line in [
        "clients 1",
        "clients_limit 7",
        "clients_accepted 1",
        "clients_refused 0",
        "clients_without_backend 0",
        "bytes_from_clients 4",
        "bytes_from_backends 5",
        &target,
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
}

#[test]
fn after_sigterm_a_relay_may_finish_and_the_process_ends_in_good_order() {
    let (backend, scratch) = (backend(), Scratch::new());
    let page = scratch.path("stats.sock");
    let server = Server::start(&backend, &["--drain", "60", "--stats", &format!("unix:{}", page.display())]);
    let mut person = client(server.address);
    let mut far = accept(&backend);
    server.process.signal(Signal::TERM);
    // Until it listens no more.
    while UnixStream::connect(&page).is_ok() {}
    let mut heard = String::new();
    person.write_all(b"a last word").unwrap();
    person.shutdown(std::net::Shutdown::Write).unwrap();
    far.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "a last word");
    far.write_all(b"good-bye").unwrap();
    drop(far);
    heard.clear();
    person.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "good-bye");
    let ended = server.process.end();
    assert!(ended.status.success(), "{}", ended.log);
}

#[test]
fn after_sigterm_a_relay_that_does_not_end_is_cut_off_at_the_drain_timeout() {
    let backend = backend();
    let server = Server::start(&backend, &["--drain", "0.2"]);
    let person = client(server.address);
    let far = accept(&backend);
    server.process.signal(Signal::TERM);
    let ended = server.process.end();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(ended.log.contains("cut off at the deadline"), "{}", ended.log);
    for mut end in [person, far] {
        let end = end.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(end, Err(ErrorKind::ConnectionReset), "what was cut short must not look whole");
    }
}

#[test]
fn while_one_side_waits_the_other_gets_all_and_memory_stays_bounded() {
    let memory = relay_both_ways(64 * 1024 * 1024, Slow::Waits);
    assert!(memory <= RELAY_MEMORY, "the relay took {memory} KiB");
}
