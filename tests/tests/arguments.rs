//! The command lines of the programs: help, version, wrong arguments, signals, and the permissions of keys.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::pipe;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::sync::LazyLock;

use lariat_tests::child::Child;
use lariat_tests::command::command;
use lariat_tests::examples::example;
use lariat_tests::harness::Scratch;
use rustix::process::Signal;

const PROGRAMS: [&str; 9] =
    ["async_echo", "chat", "dev_cert", "echo", "fetch_many", "plaintext", "proxy", "tls_proxy", "web"];

/// The servers whose arguments are all endpoints to listen at.
const SERVERS: [&str; 4] = ["async_echo", "chat", "echo", "plaintext"];

/// The paths of the programs.
static PATHS: LazyLock<BTreeMap<&str, String>> =
    LazyLock::new(|| PROGRAMS.map(|name| (name, example(name).to_string_lossy().into_owned())).into());

/// Runs a program with arguments that are wrong in themselves: status 2, and a hint at the help.
#[track_caller]
fn complains(name: &str, arguments: &[&str], words: &str) {
    let told = message(name, arguments, words, 2);
    assert_eq!(told[1..], [format!("Try '{name} --help' for more information.")], "{name} {arguments:?}");
}

/// Runs a program with arguments that are right, but what they name cannot be used: status 1.
#[track_caller]
fn fails(name: &str, arguments: &[&str], words: &str) {
    let told = message(name, arguments, words, 1);
    assert_eq!(told.len(), 1, "{name} {arguments:?}: {told:?}");
}

/// The lines of a program's message, of which the first contains `words`.
#[track_caller]
fn message(name: &str, arguments: &[&str], words: &str, status: i32) -> Vec<String> {
    let ended = Child::start(&PATHS[name], arguments).end();
    assert_eq!(ended.status.code(), Some(status), "{name} {arguments:?}: {ended:?}");
    assert_eq!(ended.output, [""; 0], "{name} {arguments:?}");
    let told: Vec<_> = ended.log.lines().map(str::to_owned).collect();
    let first = told.first().map_or("", |line| line);
    assert!(first.starts_with(&format!("{name}: ")) && first.contains(words), "{name} {arguments:?}: {told:?}");
    told
}

#[test]
fn unknown_options_and_too_few_arguments_are_told() {
    for name in PROGRAMS {
        complains(name, &["--frobnicate"], "--frobnicate");
        complains(name, &["-x"], "-x");
        if name != "dev_cert" {
            complains(name, &[], "an endpoint is missing");
        }
    }
    complains("web", &["."], "an endpoint is missing after the folder");
    complains("proxy", &["tcp:0"], "a backend is missing");
    complains("tls_proxy", &["0"], "a route is missing");
}

#[test]
fn places_where_nobody_can_listen_are_told() {
    let scratch = Scratch::new();
    let nowhere = format!("unix:{}", scratch.path("none/such.sock").display());
    for name in SERVERS {
        for (place, words) in [
            ("7000", "expected tcp, unix or tls, found the kind `7000`"),
            ("tcp:99999", "expected a port number from 0 to 65535, or a service of /etc/services, found `99999`"),
            ("tcp:0:interface=nobody.test", "give an IP address or localhost, not `nobody.test`"),
            (&nowhere, "its directory does not exist"),
            ("ssl:0", "expected the file of the private key"),
            ("ssl:0:privateKey=nothing.pem", "could not read the file `nothing.pem`"),
        ] {
            complains(name, &[place], words);
        }
        // An address for documentation alone (RFC 5737).
        fails(name, &["tcp:0:interface=192.0.2.1"], "could not listen on tcp:192.0.2.1:");
    }
    complains("web", &[".", "tcp:99999"], "found `99999`");
    fails("web", &["no-such-folder", "tcp:0"], "no-such-folder cannot be served");
}

#[test]
fn a_wrong_text_is_reported_with_the_name_of_its_option() {
    let here = [".", "tcp:0"];
    for (arguments, words) in [
        (&["--host", "nobody"][..], "--host takes NAME=FOLDER, not \"nobody\""),
        (&["--cache", "a\nb"], "--cache \"a\\nb\": "),
    ] {
        complains("web", &[arguments, &here].concat(), words);
    }
    for (arguments, words) in [
        (&["--host", "a.test=no-such-folder"][..], "--host a.test=no-such-folder: "),
        (&["--access-log", "no/such/log"], "--access-log no/such/log: "),
    ] {
        fails("web", &[arguments, &here].concat(), words);
    }
    complains("proxy", &["--stats", "bogus:1", "tcp:0:interface=127.0.0.1", "tcp:localhost:1"], "--stats bogus:1: ");
    fails("tls_proxy", &["--client-ca", "no/such.pem", "0", "a,b,c,d"], "--client-ca no/such.pem: ");
    complains(
        "proxy",
        &["--policy", "random", "tcp:0", "tcp:localhost:1"],
        "--policy is round-robin or least-connections",
    );
    for (name, option) in [("web", "--cache"), ("proxy", "--stats"), ("tls_proxy", "--alpn"), ("dev_cert", "--client")]
    {
        let output = command(&PATHS[name]).arg(option).arg(OsStr::from_bytes(b"\xff")).output();
        let output = output.expect("the program starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {told}");
        assert!(told.contains(&format!("{option} takes text in UTF-8, not \"\\xFF\"")), "{told}");
    }
}

#[test]
fn every_program_prints_its_version() {
    for name in PROGRAMS {
        for option in ["--version", "-V"] {
            let ended = Child::start(&PATHS[name], &[option]).end();
            assert!(ended.status.success() && ended.log.is_empty(), "{name}: {ended:?}");
            assert_eq!(ended.output, [format!("{name} (Lariat) {}", env!("CARGO_PKG_VERSION"))]);
        }
    }
}

/// The arguments with which each server listens at `endpoint`.
fn arguments_of<'a>(name: &str, endpoint: &'a str) -> Vec<&'a str> {
    match name {
        "web" => vec![".", endpoint],
        "proxy" => vec![endpoint, "tcp:127.0.0.1:1"],
        _ => vec![endpoint],
    }
}

#[test]
fn no_server_ends_on_sighup_or_sigusr1() {
    for name in ["async_echo", "chat", "echo", "plaintext", "proxy", "web"] {
        for cores in [&[][..], &["--cores", "2"]] {
            if !cores.is_empty() && !["echo", "plaintext", "web"].contains(&name) {
                continue;
            }
            let arguments = [cores, &arguments_of(name, "tcp:0:interface=127.0.0.1")].concat();
            let mut server = Child::start(&PATHS[name], &arguments);
            for _ in 0..cores.len().max(1) {
                assert!(server.line().starts_with("listening on tcp:127.0.0.1:"), "{name}");
            }
            for signal in [Signal::HUP, Signal::USR1, Signal::TERM] {
                server.signal(signal);
            }
            let ended = server.end();
            assert!(ended.status.success(), "{name} {cores:?}: {ended:?}");
        }
    }
}

#[test]
fn a_private_key_that_everybody_can_read_is_refused() {
    let scratch = Scratch::new();
    let folder = scratch.path("certificates").display().to_string();
    assert!(Child::start(&PATHS["dev_cert"], &["--directory", &folder]).end().status.success());
    let (key, certificate) = (format!("{folder}/server-key.pem"), format!("{folder}/server.pem"));
    let set_mode = |mode| fs::set_permissions(&key, Permissions::from_mode(mode)).expect("it is ours");
    let endpoint = format!("ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}");
    let route = format!("localhost,{certificate},{key},tcp:127.0.0.1:1");
    let words = format!("the private key {key} is open to every user of this machine (mode 0644): run chmod o= {key}");
    for name in ["async_echo", "chat", "echo", "plaintext", "proxy", "tls_proxy", "web"] {
        let arguments = match name {
            "tls_proxy" => vec!["127.0.0.1:0", &route],
            _ => arguments_of(name, &endpoint),
        };
        set_mode(0o644);
        fails(name, &arguments, &words);
        // A group may have it, as Debian's `ssl-cert` does.
        set_mode(0o640);
        let mut server = Child::start(&PATHS[name], &arguments);
        assert!(server.line().starts_with("listening on "), "{name}");
        set_mode(0o644);
        server.signal(Signal::HUP);
        server.signal(Signal::TERM);
        assert!(server.end().status.success(), "{name}");
    }
    set_mode(0o644);
    fails("echo", &["--cores", "2", &endpoint], &words);
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
    complains("fetch_many", &["--at-once", "0", "tcp:localhost:1"], "--at-once has to be more than 0");
    complains("dev_cert", &["--days", "0"], "--days has to be more than 0");
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
    complains("fetch_many", &["tcp:localhost:1", "tcp:localhost:2"], "more than one endpoint was given");
}

#[test]
fn help_is_printed_and_is_for_who_listens() {
    for name in PROGRAMS {
        for option in ["--help", "-h"] {
            let ended = Child::start(&PATHS[name], &[option]).end();
            assert!(ended.status.success() && ended.log.is_empty(), "{name}: {ended:?}");
            let help = ended.output.join("\n");
            assert!(help.starts_with(&format!("Usage: {name} ")), "{help}");
            for words in ["-h, --help", "-V, --version", "Exit status: 0 ", "2 on a wrong argument."] {
                assert!(help.contains(words), "{name} without {words}: {help}");
            }
            let is_server = !["dev_cert", "fetch_many"].contains(&name);
            assert_eq!(help.contains("SIGHUP") && help.contains("SIGUSR1"), is_server, "{help}");
            assert!(help.lines().all(|line| line.chars().count() <= 125), "{help}");
        }
        let (reader, writer) = pipe().expect("descriptors are left");
        drop(reader);
        let output = command(&PATHS[name]).arg("--help").stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("the program starts");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && complaint.is_empty(), "{name}: {complaint}");
    }
}
