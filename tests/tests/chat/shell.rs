//! Users with nothing but a shell.

use std::process::Stdio;

use lariat_tests::command::{command, is_installed};

use super::Server;

/// Runs a script whose arguments are the server's host and port, and gives what it printed.
fn run(script: &str, server: &Server) -> String {
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    let output = command("bash").args(["-c", script, "bash", &host, &port]).stderr(Stdio::inherit()).output();
    String::from_utf8(output.expect("there is a shell").stdout).expect("it prints UTF-8")
}

#[test]
fn bash_alone_is_enough_to_talk() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let script = r#"exec 3<>"/dev/tcp/$1/$2" && printf 'shell\nhello\n/quit\n' >&3 && cat <&3"#;
    let printed = run(script, &server);
    assert!(printed.ends_with("* in lobby: ann, shell\r\n* good-bye\r\n"), "{printed}");
    ann.hears("* shell has joined lobby");
    ann.hears("<shell> hello");
    ann.hears("* shell has left");
}

#[test]
fn nc_is_enough_to_talk_if_there_is_one() {
    if !is_installed("nc") {
        eprintln!("skipped: there is no nc");
        return;
    }
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let printed = run(r#"printf 'nc\nhello\n/quit\n' | nc "$1" "$2""#, &server);
    assert!(printed.ends_with("* in lobby: ann, nc\r\n* good-bye\r\n"), "{printed}");
    ann.hears("* nc has joined lobby");
    ann.hears("<nc> hello");
    ann.hears("* nc has left");
}
