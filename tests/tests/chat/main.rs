//! The chat example, from its users' point of view.

mod in_memory;
mod person;
mod shell;
mod slow_readers;
mod talking;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;

use lariat_tests::child::Child;
use lariat_tests::examples::example;
use rustix::process::Signal;

use person::Person;

static CHAT: LazyLock<PathBuf> = LazyLock::new(|| example("chat"));

/// The server, in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with further arguments.
    fn start_with(arguments: &[&str]) -> Self {
        let arguments = [&["tcp:0:interface=127.0.0.1"], arguments].concat();
        let mut process = Child::start(&CHAT.to_string_lossy(), &arguments);
        let line = process.line();
        let address = line.strip_prefix("listening on tcp:").and_then(|address| address.parse().ok());
        Self { process, address: address.unwrap_or_else(|| panic!("it printed {line}")) }
    }

    /// Somebody connects, and is asked for a nickname.
    fn guest(&self) -> Person {
        Person::arrive(self.address)
    }

    /// Adds a member to the lobby, and reads the notice that `others` get.
    fn member(&self, name: &str, others: &mut [&mut Person]) -> Person {
        let mut person = self.guest();
        person.says(name);
        person.hears(&format!("* hello, {name}; /help lists what you can do"));
        assert!(person.line().starts_with("* in lobby: "));
        for other in others {
            other.hears(&format!("* {name} has joined lobby"));
        }
        person
    }
}

#[test]
fn everybody_is_told_when_the_server_stops_and_it_ends_in_good_order() {
    let server = Server::start();
    let people = [server.member("ann", &mut []), server.guest()];
    server.process.signal(Signal::TERM);
    for mut person in people {
        person.hears("* the server is stopping; good-bye");
        person.hears_the_end();
    }
    let ended = server.process.end();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.log);
}

#[test]
fn help_is_printed_and_a_wrong_command_line_is_told_of() {
    let run = |arguments: &[&str]| Child::start(&CHAT.to_string_lossy(), arguments).end();
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(help.output.iter().any(|line| line.starts_with("Usage: chat ")), "{:?}", help.output);
    for (arguments, error) in [
        (&[][..], "chat: an endpoint is missing"),
        (&["--loud", "tcp:0"], "chat: invalid option '--loud'"),
        (
            &["--queue-limit", "much", "tcp:0"],
            "chat: --queue-limit takes a whole number, not \"much\" (invalid digit found in string)",
        ),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.status.code(), Some(2));
        assert_eq!(ended.log.lines().next(), Some(error));
    }
}
