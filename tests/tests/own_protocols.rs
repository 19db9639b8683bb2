//! The protocols that come with Lariat, and those that the examples and tests serve, do the same however their input is cut, in linear
//! time.

use std::time::Duration;

use lariat::testing::{Notes, check_linear, check_splits};
use lariat::{CloseReason, Factory, Protocol, Transport, check_chunking};
use lariat_protocols::{Delimiter, LineDecoder, LineEvent, LineProtocol, LineReceiver, LineTransport};
use lariat_tests::downstream::rpc::{FrameDecoder, Server};

/// Becomes what a factory makes for its peer.
struct MadeBy<F>(F);

impl<F: Factory> Protocol for MadeBy<F> {
    fn connection_made(&mut self, transport: &Transport) {
        let protocol = self.0.build_protocol(&transport.peer()).expect("nobody is refused");
        transport.switch_to(protocol, b"");
    }

    fn data_received(&mut self, _: &Transport, _: &[u8]) {}
}

/// Does what the lines say, and notes everything; raw data byte by byte.
struct Script {
    notes: Notes,
    raw: usize,
    lenient: bool,
}

impl Script {
    fn new(notes: &Notes) -> Self {
        Self { notes: notes.clone(), raw: 0, lenient: false }
    }
}

impl LineProtocol for Script {
    fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
        self.notes.note(line.escape_ascii().to_string());
        match line {
            [b'R', count] => {
                self.raw = usize::from(*count - b'0');
                transport.set_raw_mode();
            }
            b"P" => {
                transport.pause_reading();
                let sender = transport.sender();
                transport.reactor().call_later(Duration::from_millis(10), move |_| sender.resume_reading());
            }
            b"H" => {
                transport.pause_reading();
                transport.resume_reading();
            }
            b"I" => transport.set_line_mode(b"given\r\n"),
            b"S" => drop(transport.switch_to(Bytes(self.notes.clone()), b"left")),
            b"C" => transport.close(),
            b"F" => transport.fail("asked to"),
            _ => drop(transport.send_line(line)),
        }
    }

    fn raw_data_received(&mut self, transport: &LineTransport, data: &[u8]) {
        let (used, rest) = data.split_at(self.raw.min(data.len()));
        self.raw -= used.len();
        used.iter().for_each(|byte| self.notes.note(format!("raw {}", byte.escape_ascii())));
        match (self.raw, used) {
            (0, [.., b'!']) => drop(transport.switch_to(Bytes(self.notes.clone()), rest)),
            (0, [.., b'*']) => {
                let copy = rest.to_vec();
                transport.set_line_mode(&copy);
            }
            (0, _) => transport.set_line_mode(rest),
            _ => {}
        }
    }

    fn line_length_exceeded(&mut self, transport: &LineTransport, max_length: usize) {
        self.notes.note(format!("longer than {max_length}"));
        if !self.lenient {
            transport.fail("too long");
        }
    }

    fn connection_lost(&mut self, _: &LineTransport, reason: CloseReason) {
        self.notes.note(reason.to_string());
    }
}

/// Notes every byte.
struct Bytes(Notes);

impl Protocol for Bytes {
    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        data.iter().for_each(|byte| self.0.note(byte.escape_ascii().to_string()));
    }
}

fn delimiters() -> [Delimiter; 6] {
    let bytes = ["\0", "\r\n\r\n", "aab", "aa"].map(|bytes| Delimiter::bytes(bytes.as_bytes()));
    let [nul, blank, overlapping, twice] = bytes;
    [Delimiter::CrLf, Delimiter::LfOrCrLf, nul, blank, overlapping, twice]
}

#[test]
fn lines_are_the_same_however_they_are_cut_whatever_ends_them() {
    let inputs = [
        "a\r\nb\nc\0d\r\n\r\naab aaab aabaab\r\n",
        "\r\r\n\n\r\r\n\r\n\r\r\n\r\n",
        "aaaabaabaaaa\0\0aa\r\n",
        "aabaaaaaabab",
        "no end at all",
    ];
    for delimiter in delimiters() {
        for input in inputs {
            check_chunking!(|notes| LineReceiver::new(Script::new(notes)).with_delimiter(delimiter.clone()), input);
        }
    }
}

#[test]
fn lines_that_are_too_long_are_skipped_or_refused_however_they_are_cut() {
    let inputs = [
        "1234\r\n12345\r\n1\r\n",
        "1234\n12345\n1\n123\r\n1234\r\n12345\r\n",
        "123456789\r123\r\n1234\raab12\0aa",
        "1234\r\r\nabc\r\n\r\n\r\n12345aab1aab",
        "12345678901234567890\r\n\r\n",
    ];
    for delimiter in delimiters() {
        for input in inputs {
            for lenient in [false, true] {
                let script = |notes: &Notes| Script { lenient, ..Script::new(notes) };
                let serve = |notes: &Notes| LineReceiver::new(script(notes)).with_max_length(4);
                check_chunking!(|notes| serve(notes).with_delimiter(delimiter.clone()), input);
            }
        }
    }
}

#[test]
fn switches_between_lines_and_raw_data_fall_on_the_same_byte() {
    check_chunking!(
        |notes| LineReceiver::new(Script::new(notes)),
        "R3\r\na\r\nnext\r\nR1\r\nx\r\nend\r\n",
        "R2\r\na*next\r\nR1\r\n*end\r\n",
        "R1\r\n\rR1\r\n\n",
        "R2\r\na!rest\r\n",
        "R0\r\nline\r\nx",
        "I\r\nnext\r\n",
        "one\r\nS\r\nrest\r\n",
    );
}

#[test]
fn pauses_and_ends_come_after_the_same_line() {
    check_chunking!(
        |notes| LineReceiver::new(Script::new(notes)),
        "P\r\na\r\nP\r\nb\r\n",
        "P\r\nR2\r\nxyb\r\n",
        "H\r\na\r\nH\r\n\r\n",
        "R2\r\naP\r\nb\r\n",
        "a\r\nC\r\nb\r\n",
        "a\r\nF\r\nb\r\n",
        "P\r\nC\r\nb\r\n",
        "P\r\nS\r\nxyz",
        "P\r\nI\r\nP\r\n",
    );
}

#[test]
fn a_decoder_gives_the_same_events_and_rest_however_its_input_is_cut() {
    for delimiter in delimiters() {
        for input in ["a\r\n\nb\0aab\r\r\n\r\n12345678\raab", "aaaaaab\r\n"] {
            check_splits(input, |pieces| {
                let mut decoder = LineDecoder::new().with_delimiter(delimiter.clone()).with_max_length(5);
                let mut events = Vec::new();
                for mut piece in pieces.iter().copied() {
                    while let Some(event) = decoder.next(&mut piece) {
                        events.push(match event {
                            LineEvent::Line(line) => line.escape_ascii().to_string(),
                            LineEvent::TooLong => "(too long)".to_owned(),
                        });
                    }
                }
                (events, decoder.take_partial())
            });
        }
    }
}

#[test]
fn frames_and_their_answers_are_the_same_however_they_are_cut() {
    let input = b"\0\0\0\x05\0\0\0\x01hello\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0\0\x03!\0\x02\0\0\0\0\0\x04";
    check_splits(input, |pieces| {
        let (mut decoder, mut frames) = (FrameDecoder::default(), Vec::new());
        let mut feed = |piece| decoder.feed(piece, |frame| frames.push((frame.id, frame.payload.to_vec())));
        let wrong = pieces.iter().find_map(|piece| feed(piece).err());
        (frames, wrong)
    });
    let reverse = |request: &[u8], responder: lariat_tests::downstream::rpc::Responder| {
        responder.answer(&request.iter().rev().copied().collect::<Vec<_>>());
    };
    check_chunking!(MadeBy(Server::new(reverse)), input);
}

#[test]
fn the_chats_do_the_same_however_their_input_is_cut() {
    let input = "ann\r\nhello\n/join lounge\r\n/nick bob\r\n/who\r\n/quit\r\nlate\r\n";
    check_chunking!(MadeBy(lariat_examples::chat::Chat::new()), input, "\r\n\r\nan", "ann\r\n/quit\r\n");
    let input = b"ann\r\n\xff\xfd\x03a\r\0b\xff\xff\r\n\xff\xfa\x18x\xff\xf0c\r\n";
    check_chunking!(MadeBy(lariat_examples::chat::Chat::new()), input);
    let long = [&[b'x'; 1100][..], b"\r\nann\r\nhi\r\n"].concat();
    check_chunking!(MadeBy(lariat_examples::chat::Chat::new()), long);
    check_chunking!(MadeBy(lariat_tests::downstream::chat::Chat::default()), "hello\n/nick ann\r\n/quit\nlate\n");
}

#[test]
fn the_longest_lines_and_the_most_take_linear_time() {
    struct Deaf;
    impl LineProtocol for Deaf {
        fn line_received(&mut self, _: &LineTransport, _: &[u8]) {}
        fn line_length_exceeded(&mut self, _: &LineTransport, _: usize) {}
    }
    let cases = [
        (Delimiter::CrLf, "x"),
        (Delimiter::CrLf, "\r"),
        (Delimiter::LfOrCrLf, "\r"),
        (Delimiter::LfOrCrLf, "\n"),
        (Delimiter::bytes(b"aab"), "a"),
        (Delimiter::bytes(b"\r\n\r\n"), "\r\n\r"),
    ];
    for (delimiter, unit) in cases {
        for max_length in [4, usize::MAX] {
            check_linear(
                || LineReceiver::new(Deaf).with_delimiter(delimiter.clone()).with_max_length(max_length),
                2 * 1024,
                |size| unit.bytes().cycle().take(size).collect(),
            );
        }
    }
}

#[test]
fn an_endless_frame_and_many_small_ones_take_linear_time() {
    let server = || MadeBy(Server::new(|_, responder| drop(responder)));
    check_linear(server, 2 * 1024, |size| {
        let announced = b"\0\x01\0\0\0\0\0\x01".iter().copied();
        announced.chain(std::iter::repeat(b'x')).cycle().take(size).collect()
    });
    check_linear(server, 4 * 1024, |size| b"\0\0\0\x01\0\0\0\x02.".iter().copied().cycle().take(size).collect());
}
