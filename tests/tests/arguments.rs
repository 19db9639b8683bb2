//! What the example programs are told on their command lines: mistakes are answered in a sentence, and nothing is done.

use std::collections::BTreeMap;
use std::io::pipe;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use lariat_tests::child::Child;
use lariat_tests::examples::example;
use lariat_tests::harness::Scratch;

const PROGRAMS: [&str; 9] =
    ["async_echo", "chat", "dev_cert", "echo", "fetch_many", "plaintext", "proxy", "tls_proxy", "web"];

/// Those of whom every argument is a place to listen at.
const SERVERS: [&str; 4] = ["async_echo", "chat", "echo", "plaintext"];

/// Where they are.
static PATHS: LazyLock<BTreeMap<&str, String>> =
    LazyLock::new(|| PROGRAMS.map(|name| (name, example(name).to_string_lossy().into_owned())).into());

/// Runs a program that is told what it cannot do.
#[track_caller]
fn complains(name: &str, arguments: &[&str], words: &str) {
    let ended = Child::start(&PATHS[name], arguments).end();
    assert_eq!(ended.status.code(), Some(1), "{name} {arguments:?}: {ended:?}");
    assert_eq!(ended.log.lines().count(), 1, "{name} {arguments:?}: {}", ended.log);
    assert!(ended.log.starts_with(&format!("{name}: ")), "{name} {arguments:?}: {}", ended.log);
    assert!(ended.log.contains(words), "{name} {arguments:?}: {}", ended.log);
    assert_eq!(ended.output, [""; 0], "{name} {arguments:?}");
}

#[test]
fn unknown_options_and_too_few_arguments_are_told() {
    for name in PROGRAMS {
        complains(name, &["--frobnicate"], "--frobnicate");
        complains(name, &["-x"], "-x");
        if name != "dev_cert" {
            complains(name, &[], "give at least one endpoint; --help tells more");
        }
    }
    complains("web", &["."], "give at least one endpoint after the folder");
    complains("proxy", &["tcp:0"], "give at least one backend");
    complains("tls_proxy", &["0"], "give at least one route");
}

#[test]
fn places_where_nobody_can_listen_are_told() {
    let scratch = Scratch::new();
    let nowhere = format!("unix:{}", scratch.path("none/such.sock").display());
    for name in SERVERS {
        for (place, words) in [
            ("7000", "expected tcp, unix or tls, found the kind `7000`"),
            ("tcp:99999", "expected a port number from 0 to 65535, found `99999`"),
            ("tcp:0:interface=nobody.test", "give an IP address or localhost, not `nobody.test`"),
            // One that is for documentation alone (RFC 5737).
            ("tcp:0:interface=192.0.2.1", "could not listen on tcp:192.0.2.1:"),
            (&nowhere, "its directory does not exist"),
            ("ssl:0", "expected the file of the private key"),
            ("ssl:0:privateKey=nothing.pem", "could not read the file `nothing.pem`"),
        ] {
            complains(name, &[place], words);
        }
    }
    complains("web", &[".", "tcp:99999"], "found `99999`");
    complains("web", &["no-such-folder", "tcp:0"], "no-such-folder cannot be served");
    complains("web", &["--host", "nobody", ".", "tcp:0"], "--host is given as NAME=FOLDER");
}

#[test]
fn wrong_values_are_told_with_the_options_name() {
    for (name, option) in [
        ("echo", "--cores"),
        ("plaintext", "--cores"),
        ("web", "--cores"),
        ("chat", "--queue-limit"),
        ("dev_cert", "--days"),
        ("fetch_many", "--requests"),
        ("fetch_many", "--at-once"),
        ("fetch_many", "--attempts"),
        ("proxy", "--max-connections"),
        ("tls_proxy", "--max-connections"),
    ] {
        complains(name, &[option], option);
        complains(name, &[option, "many", "tcp:0"], &format!("{option} takes a whole number, not \"many\""));
        complains(name, &[option, "-1", "tcp:0"], option);
    }
    for (name, option) in [
        ("echo", "--idle"),
        ("fetch_many", "--timeout"),
        ("proxy", "--connect-timeout"),
        ("proxy", "--check"),
        ("proxy", "--drain"),
        ("tls_proxy", "--handshake-timeout"),
        ("tls_proxy", "--idle"),
    ] {
        for value in ["soon", "-1", "nan", "inf"] {
            let words = format!("{option} takes a number of seconds, 0 or more, not {value:?}");
            complains(name, &[option, value, "tcp:0"], &words);
        }
    }
    complains("fetch_many", &["--timeout", "0", "tcp:localhost:1"], "--timeout has to be more than 0");
    complains("fetch_many", &["--at-once", "0", "tcp:localhost:1"], "--at-once 0 would never ask anybody");
}

#[test]
fn a_client_that_is_told_a_wrong_place_asks_nobody() {
    for (place, words) in [
        ("localhost:7000", "expected tcp, unix or tls, found the kind `localhost`"),
        ("tcp:localhost", "expected a port number, found the end"),
        ("tls:localhost:7000:trustRoots=nothing.pem", "could not read the file `nothing.pem`"),
    ] {
        complains("fetch_many", &[place], words);
    }
    complains("fetch_many", &["tcp:localhost:1", "tcp:localhost:2"], "give one endpoint");
}

#[test]
fn help_is_printed_and_is_for_who_listens() {
    for name in PROGRAMS {
        for option in ["--help", "-h"] {
            let ended = Child::start(&PATHS[name], &[option]).end();
            assert!(ended.status.success() && ended.log.is_empty(), "{name}: {ended:?}");
            let help = ended.output.join("\n");
            assert!(help.contains(&format!("Usage: {name} ")) && help.contains("-h, --help"), "{help}");
        }
        let (reader, writer) = pipe().expect("descriptors are left");
        drop(reader);
        let output = Command::new(&PATHS[name]).arg("--help").stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("the program starts");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && complaint.is_empty(), "{name}: {complaint}");
    }
}
