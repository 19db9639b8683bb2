use std::iter;

use super::{Delimiter, LineDecoder, LineEvent};

/// An event that owns its line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Line(Vec<u8>),
    TooLong,
}

/// What a decoder makes of pieces: its events, and the partial line at the end.
fn decode<'a>(decoder: &mut LineDecoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, Vec<u8>) {
    let mut events = Vec::new();
    for mut piece in pieces {
        while let Some(event) = decoder.next(&mut piece) {
            events.push(match event {
                LineEvent::Line(line) => Event::Line(line.to_vec()),
                LineEvent::TooLong => Event::TooLong,
            });
            assert!(decoder.collected.capacity() <= decoder.limit());
        }
        assert!(piece.is_empty(), "what is not a line is taken");
        assert!(decoder.collected.capacity() <= decoder.limit());
    }
    (events, decoder.partial().to_vec())
}

/// The same, by looking at everything at once.
fn model(decoder: &LineDecoder, mut input: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let either = *decoder.delimiter() == Delimiter::LfOrCrLf;
    let delimiter: &[u8] = if either { b"\n" } else { decoder.delimiter().as_bytes() };
    let mut events = Vec::new();
    while let Some(at) = input.windows(delimiter.len()).position(|window| window == delimiter) {
        let line = &input[..at];
        let line = if either { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        events.push(if line.len() > decoder.max_length() { Event::TooLong } else { Event::Line(line.to_vec()) });
        input = &input[at + delimiter.len()..];
    }
    if input.len() >= decoder.max_length() + decoder.delimiter().as_bytes().len() {
        events.push(Event::TooLong);
        input = &[];
    }
    (events, input.to_vec())
}

fn decoder(delimiter: &Delimiter, max_length: usize) -> LineDecoder {
    LineDecoder::new().with_delimiter(delimiter.clone()).with_max_length(max_length)
}

fn delimiters() -> Vec<Delimiter> {
    let bytes = ["\n", "aab", "abab", "aa", "\r\n\r\n", "\0"].map(|bytes| Delimiter::bytes(bytes.as_bytes()));
    [Delimiter::CrLf, Delimiter::LfOrCrLf].into_iter().chain(bytes).collect()
}

const INPUTS: [&[u8]; 10] = [
    b"one\r\ntwo\r\nthree",
    b"\r\n\r\n\r\r\n\n\n\r\r\r\n\r",
    b"aaab",
    b"aaaabaabaaab",
    b"ababababab",
    b"aaaaaaa",
    b"four\nfive\r\n6\r7\n\r\n",
    b"123456789\r\n12345\r\n123456\r\n1234567\r\n",
    b"no delimiter at all",
    b"\0a\0\0",
];

#[test]
fn lines_are_the_same_wherever_input_is_split_in_two() {
    for delimiter in delimiters() {
        for max_length in [0, 1, 2, 5, 6, 100] {
            for input in INPUTS {
                let expected = model(&decoder(&delimiter, max_length), input);
                for split in 0..=input.len() {
                    let (first, second) = input.split_at(split);
                    let seen = decode(&mut decoder(&delimiter, max_length), [first, second]);
                    assert_eq!(seen, expected, "{delimiter:?}, at most {max_length}, {split} of {input:?}");
                }
            }
        }
    }
}

#[test]
fn lines_are_the_same_byte_by_byte() {
    for delimiter in delimiters() {
        for input in INPUTS {
            let expected = model(&decoder(&delimiter, 5), input);
            assert_eq!(decode(&mut decoder(&delimiter, 5), input.chunks(1)), expected, "{delimiter:?}, {input:?}");
        }
    }
}

#[test]
fn lines_are_the_same_however_random_input_is_cut() {
    let mut random = Random(3);
    for round in 0..20_000 {
        let delimiter = &delimiters()[random.below(8)];
        let max_length = random.below(12);
        let input: Vec<u8> = (0..random.below(60)).map(|_| b"aab\r\n\0"[random.below(6)]).collect();
        let mut rest = &input[..];
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(random.below(rest.len() + 1));
            pieces.push(piece);
            rest = after;
        }
        let expected = model(&decoder(delimiter, max_length), &input);
        let seen = decode(&mut decoder(delimiter, max_length), pieces.iter().copied());
        assert_eq!(seen, expected, "round {round}: {delimiter:?}, at most {max_length}, {pieces:?}");
    }
}

#[test]
fn every_byte_is_looked_at_once_however_it_comes() {
    let long = [&[b'x'; 5_000][..], b"\r\n"].concat();
    let inputs = [long.repeat(3), b"ab\r\n".repeat(4_000), b"\r".repeat(16_000), b"\n".repeat(16_000)];
    for input in inputs {
        for size in [1, 7, 4096, usize::MAX] {
            for max_length in [100, 16_384] {
                let mut decoder = decoder(&Delimiter::CrLf, max_length);
                decode(&mut decoder, input.chunks(size));
                assert_eq!(decoder.scanned, input.len(), "pieces of {size}, at most {max_length}");
            }
        }
    }
}

#[test]
fn the_longest_line_is_given_and_one_byte_more_is_too_long() {
    for (delimiter, end) in [(Delimiter::CrLf, "\r\n"), (Delimiter::LfOrCrLf, "\r\n"), (Delimiter::LfOrCrLf, "\n")] {
        for (length, expected) in [(16_384, Event::Line(vec![b'x'; 16_384])), (16_385, Event::TooLong)] {
            let input = ["x".repeat(length).as_bytes(), end.as_bytes(), b"next", end.as_bytes()].concat();
            let expected = vec![expected, Event::Line(b"next".to_vec())];
            for size in [1, 16_383, 16_384, 16_385, 16_386, usize::MAX] {
                let mut decoder = LineDecoder::new().with_delimiter(delimiter.clone());
                let (events, partial) = decode(&mut decoder, input.chunks(size));
                assert!(events == expected, "{length} bytes and {end:?} in pieces of {size}");
                assert!(partial.is_empty());
            }
        }
    }
}

#[test]
fn a_line_that_is_too_long_is_told_before_its_end_and_only_once() {
    let mut decoder = decoder(&Delimiter::CrLf, 4);
    assert_eq!(decode(&mut decoder, [&b"12345"[..]]).0, [], "the end may still be a delimiter");
    assert_eq!(decode(&mut decoder, [&b"6"[..]]).0, [Event::TooLong]);
    assert_eq!(decode(&mut decoder, iter::repeat_n(&b"more\r"[..], 1000)).0, []);
    assert_eq!(decode(&mut decoder, [&b"\nok\r\n"[..]]).0, [Event::Line(b"ok".to_vec())]);
}

#[test]
fn a_line_that_lies_whole_in_the_input_is_not_copied() {
    let input = b"rest\r\nwhole\r\n";
    let mut decoder = LineDecoder::new();
    decode(&mut decoder, [&b"the "[..]]);
    let mut rest = &input[..];
    assert_eq!(decoder.next(&mut rest), Some(LineEvent::Line(b"the rest")));
    let Some(LineEvent::Line(line)) = decoder.next(&mut rest) else { panic!("a line") };
    assert_eq!(line.as_ptr_range(), input[6..11].as_ptr_range());
}

#[test]
fn between_two_lines_no_memory_is_kept() {
    let mut decoder = LineDecoder::new();
    decode(&mut decoder, [&[b'x'; 10_000][..], b"\r\n"]);
    assert_eq!(decoder.collected.capacity(), 0);
}

#[test]
fn the_rest_of_the_input_is_left_to_whoever_called() {
    let mut decoder = LineDecoder::new();
    decode(&mut decoder, [&b"head"[..]]);
    let mut input = &b"er\r\nraw\r\nbytes"[..];
    assert_eq!(decoder.next(&mut input), Some(LineEvent::Line(b"header")));
    assert_eq!(input, b"raw\r\nbytes");
    assert_eq!(decoder.partial(), b"");
    input = &input[3..];
    assert_eq!(decoder.next(&mut input), Some(LineEvent::Line(b"")));
    assert_eq!(decoder.next(&mut input), None);
    assert_eq!(decoder.partial(), b"bytes");
}

#[test]
fn after_its_partial_line_is_taken_a_decoder_starts_afresh() {
    let mut decoder = decoder(&Delimiter::CrLf, 4);
    decode(&mut decoder, [&b"ab\r"[..]]);
    assert_eq!(decoder.take_partial(), b"ab\r");
    assert_eq!(decode(&mut decoder, [&b"\n\r\n"[..]]).0, [Event::Line(b"\n".to_vec())]);
    decode(&mut decoder, [&b"too long"[..]]);
    assert_eq!(decoder.take_partial(), b"");
    assert_eq!(decode(&mut decoder, [&b"ok\r\n"[..]]).0, [Event::Line(b"ok".to_vec())]);
}

#[test]
fn with_either_delimiter_a_cr_alone_is_a_part_of_the_line() {
    let (events, partial) = decode(&mut decoder(&Delimiter::LfOrCrLf, 9), [&b"a\rb\r"[..], b"\r\n\rc\n", b"d\r"]);
    assert_eq!(events, [Event::Line(b"a\rb\r".to_vec()), Event::Line(b"\rc".to_vec())]);
    assert_eq!(partial, b"d\r");
}

#[test]
fn an_empty_delimiter_ends_no_line() {
    let (events, _) = decode(&mut decoder(&Delimiter::bytes(b""), 0), [&b""[..], b"x", b"yz"]);
    assert_eq!(events, [Event::TooLong]);
}

/// A linear congruential generator: the same seed gives the same tests.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}
