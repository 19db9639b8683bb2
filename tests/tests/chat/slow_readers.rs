//! Somebody stops reading.

use lariat_tests::child::client;
use socket2::SockRef;

use super::Server;
use super::person::Person;

/// How many bytes may wait for somebody, in these tests.
const LIMIT: usize = 64 * 1024;

/// Far more than a connection takes that nobody reads, in both kernels' buffers and in the server.
const ENOUGH: usize = 64 * 1024 * 1024;

#[test]
fn who_stops_reading_is_put_out_at_the_cap_and_the_others_go_on() {
    let server = Server::start_with(&["--queue-limit", &LIMIT.to_string()]);
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    let deaf = client(server.address);
    // So that it does not take long.
    SockRef::from(&deaf).set_recv_buffer_size(4096).expect("the size is in range");
    let mut deaf = Person::connected(deaf);
    deaf.says("deaf");
    ann.hears("* deaf has joined lobby");
    bob.hears("* deaf has joined lobby");
    let line = "x".repeat(1000);
    let heard = format!("<ann> {line}");
    let put_out = "* deaf has left (reads too slowly)";
    let mut said = 0;
    loop {
        assert!(said < ENOUGH, "it is still there");
        ann.says(&line);
        said += line.len();
        // The line, or first that somebody has left.
        let next = bob.line();
        if next == put_out {
            bob.hears(&heard);
            break;
        }
        assert_eq!(next, heard);
    }
    assert!(said > LIMIT, "only {said} bytes were said");
    ann.hears(put_out);
    ann.says("where were we?");
    bob.hears("<ann> where were we?");
    bob.says("/who");
    bob.hears("* in lobby: ann, bob");
}

#[test]
fn who_asks_without_reading_the_answers_is_not_read_from_and_loses_none_of_them() {
    const QUESTIONS: usize = 10_000;
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut greedy = server.member("greedy", &mut [&mut ann]);
    // The answers are several times what may wait.
    greedy.sends("/help\n".repeat(QUESTIONS).as_bytes());
    let mut bob = server.member("bob", &mut [&mut ann]);
    bob.says("hello");
    ann.hears("<bob> hello");
    let mut answers = 0;
    while answers < QUESTIONS {
        answers += usize::from(greedy.line().starts_with("* /quit "));
    }
}
