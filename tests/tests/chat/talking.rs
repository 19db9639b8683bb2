//! People talk.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use lariat_tests::harness::Scratch;

use super::Server;

#[test]
fn people_in_a_room_hear_each_other_and_nobody_elsewhere_does() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    let mut carol = server.member("carol", &mut [&mut ann, &mut bob]);
    ann.says("hello");
    bob.hears("<ann> hello");
    carol.hears("<ann> hello");
    carol.says("/join rust");
    carol.hears("* in rust: carol");
    ann.hears("* carol has gone to rust");
    bob.hears("* carol has gone to rust");
    bob.says("where is she?");
    ann.hears("<bob> where is she?");
    ann.says("/join rust");
    ann.hears("* in rust: ann, carol");
    bob.hears("* ann has gone to rust");
    // Nothing of what was said in the lobby comes before this.
    carol.hears("* ann has joined rust");
    carol.says("hello, ann");
    ann.hears("<carol> hello, ann");
    bob.says("alone?");
    bob.hears("* you are alone in lobby");
}

#[test]
fn a_private_message_reaches_one_person() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    let mut carol = server.member("carol", &mut [&mut ann, &mut bob]);
    ann.says("/msg bob psst");
    ann.hears("[to bob] psst");
    bob.hears("[ann] psst");
    ann.says("aloud");
    carol.hears("<ann> aloud");
    bob.hears("<ann> aloud");
}

#[test]
fn a_bad_nickname_is_refused_and_told_why_and_a_good_one_is_taken_then() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut guest = server.guest();
    for (line, why) in [
        (&b"\n"[..], "a name must not be empty"),
        (b"   \r\n", "a name must not be empty"),
        (b"Ann\n", "ann is taken"),
        (b"1234567890123456789012345\n", "a name has at most 24 characters"),
        (b"caf\xe9\n", "that is not UTF-8"),
        (b"\xc3\x28\n", "that is not UTF-8"),
        (b"an\0n\n", "a name has only letters from a to z, digits, _ and -"),
        (b"\x1b[2J\n", "a name has only letters from a to z, digits, _ and -"),
        (b"a b\n", "a name has only letters from a to z, digits, _ and -"),
        ("\u{fc}mit\n".as_bytes(), "a name has only letters from a to z, digits, _ and -"),
        (&[&[b'x'; 5000][..], b"\n"].concat(), "a name has at most 24 characters"),
    ] {
        guest.sends(line);
        guest.hears(&format!("! {why}; which nickname do you want?"));
    }
    guest.says("bob");
    guest.hears("* hello, bob; /help lists what you can do");
    ann.hears("* bob has joined lobby");
}

#[test]
fn of_two_who_want_the_same_nickname_one_gets_it_and_it_is_free_again_afterwards() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let (mut first, mut second) = (server.guest(), server.guest());
    first.says("BOB");
    ann.hears("* BOB has joined lobby");
    second.says("bob");
    second.hears("! BOB is taken; which nickname do you want?");
    first.ends();
    ann.hears("* BOB has left");
    second.says("bob");
    ann.hears("* bob has joined lobby");
}

#[test]
fn lines_end_as_nc_and_telnet_end_them_and_telnets_commands_are_not_text() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut guest = server.guest();
    guest.sends(b"\xff\xfb\x1f\xff\xfd\x03bob\r\n");
    ann.hears("* bob has joined lobby");
    guest.sends(b"one\ntwo\r\nthree\r\0\xff\xfa\x1f\0P\0\x18\xff\xf0four\xff\xf1\r\n");
    for line in ["one", "two", "three", "four"] {
        ann.hears(&format!("<bob> {line}"));
    }
}

#[test]
fn nobody_can_send_what_a_terminal_obeys_or_pass_for_somebody_else() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    bob.sends(b"\x1b]0;owned\x07\x1b[2J\n");
    ann.hears("<bob> \\u{1b}]0;owned\\u{7}\\u{1b}[2J");
    bob.sends("\u{9b}31m\u{202e}x\n".as_bytes());
    ann.hears("<bob> \\u{9b}31m\\u{202e}x");
    bob.sends(b"a\r<ann> b\n");
    ann.hears("<bob> a\\u{d}<ann> b");
    bob.sends(b"\x80\n");
    bob.hears("! that is not UTF-8; nobody got it");
    bob.sends(b"* carol has joined lobby\n");
    ann.hears("<bob> * carol has joined lobby");
}

#[test]
fn the_longest_line_gets_through_and_one_that_is_longer_is_told_of() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    let longest = "x".repeat(1024);
    bob.says(&format!("{longest}x"));
    bob.hears("! a line has at most 1024 bytes; nobody got that one");
    bob.says(&"y".repeat(1_000_000));
    bob.hears("! a line has at most 1024 bytes; nobody got that one");
    bob.says(&longest);
    ann.hears(&format!("<bob> {longest}"));
}

#[test]
fn commands_answer_whoever_gives_them() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let mut bob = server.member("bob", &mut [&mut ann]);
    ann.says("/who");
    ann.hears("* in lobby: ann, bob");
    ann.says("/dance");
    ann.hears("! there is no command /dance; /help lists those that there are");
    ann.says("/help");
    let help: Vec<_> = (0..7).map(|_| ann.line()).collect();
    assert!(help.iter().any(|line| line.starts_with("* /msg NAME TEXT ")), "{help:?}");
    ann.says("/quit");
    ann.hears("* good-bye");
    ann.hears_the_end();
    bob.hears("* ann has left");
}

#[test]
fn whoever_hangs_up_or_is_cut_off_is_missed_by_the_others() {
    let server = Server::start();
    let mut ann = server.member("ann", &mut []);
    let bob = server.member("bob", &mut [&mut ann]);
    bob.ends();
    ann.hears("* bob has left");
    let carol = server.member("carol", &mut [&mut ann]);
    // What is left unread makes the kernel reset the connection.
    ann.says("are you there?");
    ann.says("/who");
    ann.hears("* in lobby: ann, carol");
    drop(carol);
    ann.hears("* carol has left (connection lost)");
}

#[test]
fn all_endpoints_lead_to_the_same_rooms() {
    let scratch = Scratch::new();
    let path = scratch.path("chat.sock");
    let server = Server::start_with(&[&format!("unix:{}", path.display())]);
    let mut ann = server.member("ann", &mut []);
    let mut bob = UnixStream::connect(&path).expect("it listens there too");
    bob.write_all(b"bob\nhello\n/quit\n").expect("the server reads");
    ann.hears("* bob has joined lobby");
    ann.hears("<bob> hello");
    ann.hears("* bob has left");
    let last = BufReader::new(bob).lines().map_while(Result::ok).last();
    assert_eq!(last.as_deref(), Some("* good-bye"));
}
