use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use lariat::{Peer, Phase, Reactor, Successor, Wrapper};

use super::*;
use crate::LineTooLong;

/// What a protocol saw, in order.
#[derive(Clone, Default)]
struct Journal(Rc<Cell<Vec<String>>>);

impl Journal {
    fn note(&self, what: impl Into<String>) {
        let mut notes = self.0.take();
        notes.push(what.into());
        self.0.set(notes);
    }
}

/// Does what the lines say, and notes everything.
struct Script {
    journal: Journal,
    reactor: Reactor,
    raw: usize,
}

impl LineProtocol for Script {
    fn connection_made(&mut self, transport: &LineTransport) {
        assert!(!transport.is_raw_mode());
    }

    fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        self.journal.note(&*line);
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("raw", length) => {
                self.raw = length.parse().unwrap();
                transport.set_raw_mode();
            }
            ("pause", _) => {
                transport.pause_reading();
                let (journal, sender) = (self.journal.clone(), transport.sender());
                transport.reactor().call_later(Duration::ZERO, move |_| {
                    journal.note("(resumed)");
                    sender.resume_reading();
                });
            }
            ("hiccup", _) => {
                transport.pause_reading();
                transport.resume_reading();
            }
            ("switch", leftover) => {
                let protocol = Keeper { journal: self.journal.clone(), reactor: self.reactor.clone() };
                assert!(transport.switch_to(protocol, leftover.as_bytes()));
            }
            ("inject", bytes) => transport.set_line_mode(bytes.replace('|', "\r\n").as_bytes()),
            ("close", _) => transport.close(),
            ("idle", _) => transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(1))),
            ("say", text) => {
                let said = transport.send_line(text.replace('_', "\n"));
                self.journal.note(format!("({})", said.is_some()));
            }
            _ => {}
        }
    }

    fn raw_data_received(&mut self, transport: &LineTransport, data: &[u8]) {
        assert!(!data.is_empty());
        let (used, rest) = data.split_at(self.raw.min(data.len()));
        self.raw -= used.len();
        used.iter().for_each(|byte| self.journal.note(format!("{:?}", char::from(*byte))));
        match (self.raw, used) {
            (0, [.., b'!']) => {
                let protocol = Keeper { journal: self.journal.clone(), reactor: self.reactor.clone() };
                transport.switch_to(protocol, rest);
            }
            (0, [.., b'*']) => {
                let copy = rest.to_vec();
                transport.set_line_mode(&copy);
            }
            (0, _) => transport.set_line_mode(rest),
            _ => {}
        }
    }

    fn connection_lost(&mut self, _: &LineTransport, reason: CloseReason) {
        self.journal.note(format!("({reason})"));
        self.reactor.stop();
    }
}

/// Notes all that it gets, byte by byte.
struct Keeper {
    journal: Journal,
    reactor: Reactor,
}

impl Protocol for Keeper {
    fn connection_made(&mut self, _: &Transport) {
        self.journal.note("(switched)");
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        data.iter().for_each(|byte| self.journal.note(format!("{:?}", char::from(*byte))));
    }

    fn connection_lost(&mut self, _: &Transport, _: CloseReason) {
        self.reactor.stop();
    }
}

/// Cuts input into pieces, and looks at what the receiver holds after each.
struct Pieces<L> {
    receiver: LineReceiver<L>,
    size: usize,
}

impl<L: LineProtocol> Wrapper for Pieces<L> {
    type Inner = LineReceiver<L>;

    fn inner(&mut self) -> &mut LineReceiver<L> {
        &mut self.receiver
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for piece in data.chunks(self.size) {
            self.receiver.data_received(transport, piece);
            let waits = transport.is_open() && !transport.is_reading();
            assert!(waits || self.receiver.held.capacity() == 0, "only a pause holds input");
        }
    }
}

/// What `client`, given its end of the connection, and the protocol that `serve` makes come to say.
fn converse<P: Protocol>(
    serve: impl FnOnce(Journal, Reactor) -> P,
    client: impl FnOnce(&mut TcpStream),
) -> (Vec<String>, String) {
    let reactor = Reactor::new().unwrap();
    let journal = Journal::default();
    let mut protocol = Some(serve(journal.clone(), reactor.clone()));
    let port = reactor.listen("tcp:0:interface=127.0.0.1", move |_: &Peer| protocol.take()).unwrap();
    let mut stream = TcpStream::connect(port.address().tcp().unwrap()).unwrap();
    client(&mut stream);
    // Reads to the end, then closes: so that a connection which waits for the client's end need not wait for long.
    let reader = thread::spawn(move || {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    reactor.run().unwrap();
    (journal.0.take(), reader.join().unwrap().unwrap())
}

fn script(journal: Journal, reactor: Reactor) -> LineReceiver<Script> {
    LineReceiver::new(Script { journal, reactor, raw: 0 })
}

fn send(input: &[u8]) -> impl FnOnce(&mut TcpStream) {
    move |stream| {
        stream.write_all(input).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// The journal of a scripted conversation, which must be the same however the input is cut.
fn journal_of(input: &str) -> Vec<String> {
    let (whole, _) = converse(script, send(input.as_bytes()));
    for size in [1, 2, 3, 7] {
        let pieces = |journal, reactor| Pieces { receiver: script(journal, reactor), size };
        let (cut, _) = converse(pieces, send(input.as_bytes()));
        assert_eq!(cut, whole, "pieces of {size}");
    }
    whole
}

#[test]
fn lines_come_in_order_and_an_unfinished_one_not_at_all() {
    assert_eq!(journal_of("one\r\n\r\ntwo\n\r\nthree"), ["one", "", "two\n", "(closed cleanly)"]);
}

#[test]
fn raw_mode_gets_the_bytes_after_the_line_and_gives_back_what_it_does_not_use() {
    let expected = ["raw 3", "'a'", "'\\r'", "'\\n'", "next", "raw 1", "'x'", "", "end", "(closed cleanly)"];
    assert_eq!(journal_of("raw 3\r\na\r\nnext\r\nraw 1\r\nx\r\nend\r\n"), expected);
}

#[test]
fn bytes_given_back_may_be_a_copy() {
    let expected = ["raw 2", "'a'", "'*'", "next", "raw 1", "'*'", "end", "(closed cleanly)"];
    assert_eq!(journal_of("raw 2\r\na*next\r\nraw 1\r\n*end\r\n"), expected);
}

#[test]
fn bytes_given_to_line_mode_in_a_lines_callback_come_before_the_rest() {
    let expected = ["inject a|b|", "a", "b", "next", "(closed cleanly)"];
    assert_eq!(journal_of("inject a|b|\r\nnext\r\n"), expected);
}

#[test]
fn while_reading_is_paused_no_line_comes_and_afterwards_all_of_them() {
    let expected = ["pause", "(resumed)", "a", "pause", "(resumed)", "raw 2", "'x'", "'y'", "b", "(closed cleanly)"];
    assert_eq!(journal_of("pause\r\na\r\npause\r\nraw 2\r\nxyb\r\n"), expected);
}

#[test]
fn a_pause_that_ends_in_the_same_callback_holds_nothing_up() {
    assert_eq!(journal_of("hiccup\r\na\r\nb\r\n"), ["hiccup", "a", "b", "(closed cleanly)"]);
}

#[test]
fn after_the_connection_is_closed_no_line_comes() {
    assert_eq!(journal_of("a\r\nclose\r\nb\r\npause\r\n"), ["a", "close", "(closed cleanly)"]);
}

#[test]
fn a_successor_gets_what_came_after_the_line() {
    let (journal, _) = converse(script, send(b"a\r\nswitch xy\r\nb\r\n"));
    assert_eq!(journal, ["a", "switch xy", "(switched)", "'x'", "'y'", "'b'", "'\\r'", "'\\n'"]);
}

#[test]
fn a_successor_gets_what_raw_mode_leaves_over() {
    let (journal, _) = converse(script, send(b"raw 2\r\na!b"));
    assert_eq!(journal, ["raw 2", "'a'", "'!'", "(switched)", "'b'"]);
}

#[test]
fn a_line_that_is_too_long_ends_the_connection() {
    struct Strict(Journal, Reactor);

    impl LineProtocol for Strict {
        fn line_received(&mut self, _: &LineTransport, _: &[u8]) {
            self.0.note("a line");
        }

        fn connection_lost(&mut self, _: &LineTransport, reason: CloseReason) {
            let CloseReason::Failed(error) = reason else { panic!("it failed, not {reason}") };
            assert_eq!(error.downcast_ref::<LineTooLong>().unwrap().max_length(), 4);
            self.0.note(error.to_string());
            self.1.stop();
        }
    }

    let serve = |journal, reactor| LineReceiver::new(Strict(journal, reactor)).with_max_length(4);
    let (journal, _) = converse(serve, send(b"1234\r\n12345\r\n1\r\n"));
    assert_eq!(journal, ["a line", "the peer sent a line of more than 4 bytes"]);
}

#[test]
fn a_protocol_may_go_on_after_a_line_that_is_too_long() {
    struct Lenient(Journal, Reactor);

    impl LineProtocol for Lenient {
        fn line_received(&mut self, _: &LineTransport, line: &[u8]) {
            self.0.note(String::from_utf8_lossy(line));
        }

        fn line_length_exceeded(&mut self, transport: &LineTransport, max_length: usize) {
            transport.send_line(format!("at most {max_length}"));
            self.0.note("(too long)");
        }

        fn connection_lost(&mut self, _: &LineTransport, _: CloseReason) {
            self.1.stop();
        }
    }

    for size in [1, 3, 100] {
        let serve = |journal, reactor| {
            let receiver = LineReceiver::new(Lenient(journal, reactor));
            Pieces { receiver: receiver.with_max_length(4).with_delimiter(Delimiter::LfOrCrLf), size }
        };
        let (journal, answer) = converse(serve, send(b"a\n123456789\n\nb\r\n"));
        assert_eq!(journal, ["a", "(too long)", "", "b"]);
        assert_eq!(answer, "at most 4\r\n");
    }
}

#[test]
fn raw_mode_set_from_elsewhere_begins_with_the_line_that_had_begun() {
    struct Impatient(Journal, Reactor);

    impl LineProtocol for Impatient {
        fn connection_made(&mut self, transport: &LineTransport) {
            transport.set_idle_timeout(Idle::Read, Some(Duration::from_millis(1)));
        }

        fn line_received(&mut self, _: &LineTransport, line: &[u8]) {
            self.0.note(String::from_utf8_lossy(line));
        }

        fn timed_out(&mut self, transport: &LineTransport, _: Idle) {
            transport.set_raw_mode();
        }

        fn raw_data_received(&mut self, transport: &LineTransport, data: &[u8]) {
            self.0.note(String::from_utf8_lossy(data));
            transport.close();
        }

        fn connection_lost(&mut self, _: &LineTransport, _: CloseReason) {
            self.1.stop();
        }
    }

    let serve = |journal, reactor| LineReceiver::new(Impatient(journal, reactor));
    let (journal, _) = converse(serve, |stream| stream.write_all(b"line\r\nbegun").unwrap());
    assert_eq!(journal, ["line", "begun"]);
}

#[test]
fn a_line_that_would_be_two_is_not_sent() {
    let (journal, answer) = converse(script, send(b"say hello\r\nsay two_lines\r\nsay bye\r\n"));
    let said = ["say hello", "(true)", "say two_lines", "(false)", "say bye", "(true)", "(closed cleanly)"];
    assert_eq!(journal, said);
    assert_eq!(answer, "hello\r\nbye\r\n");
}

#[test]
fn an_idle_connection_times_out_as_without_lines() {
    let (journal, _) = converse(script, |stream| stream.write_all(b"idle\r\n").unwrap());
    assert_eq!(journal, ["idle".to_owned(), format!("({})", CloseReason::TimedOut(Phase::Idle(Idle::Read)))]);
}

#[test]
fn a_line_protocol_is_a_layer_of_its_connection() {
    let reactor = Reactor::new().unwrap();
    let mut receiver = script(Journal::default(), reactor.clone());
    assert!(receiver.layer(TypeId::of::<Script>()).is_some());
    assert!(receiver.layer(TypeId::of::<Journal>()).is_none());
}
