//! Whatever the bytes, and however they are cut: the decoder gives the lines that a look at everything at once gives.
#![no_main]

use lariat_protocols::{Delimiter, LineDecoder, LineEvent};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    end: End,
    max_length: u8,
    pieces: Vec<Vec<u8>>,
}

#[derive(Arbitrary, Debug)]
enum End {
    CrLf,
    LfOrCrLf,
    Bytes(Vec<u8>),
}

#[derive(Debug, PartialEq)]
enum Event {
    Line(Vec<u8>),
    TooLong,
}

fuzz_target!(|case: Case| {
    let max_length = usize::from(case.max_length);
    let delimiter = match case.end {
        End::CrLf => Delimiter::CrLf,
        End::LfOrCrLf => Delimiter::LfOrCrLf,
        End::Bytes(bytes) => Delimiter::bytes(bytes),
    };
    let mut decoder = LineDecoder::new().with_delimiter(delimiter.clone()).with_max_length(max_length);
    let mut events = Vec::new();
    for piece in &case.pieces {
        let mut input = &piece[..];
        while let Some(event) = decoder.next(&mut input) {
            events.push(match event {
                LineEvent::Line(line) => Event::Line(line.to_vec()),
                LineEvent::TooLong => Event::TooLong,
            });
        }
        assert!(input.is_empty());
        assert!(decoder.partial().len() < max_length + delimiter.as_bytes().len().max(1));
    }
    assert_eq!((events, decoder.partial().to_vec()), model(&delimiter, max_length, &case.pieces.concat()));
});

fn model(delimiter: &Delimiter, max_length: usize, mut input: &[u8]) -> (Vec<Event>, Vec<u8>) {
    let either = *delimiter == Delimiter::LfOrCrLf;
    let end: &[u8] = if either { b"\n" } else { delimiter.as_bytes() };
    let mut events = Vec::new();
    while let Some(at) = (!end.is_empty()).then(|| input.windows(end.len()).position(|window| window == end)).flatten()
    {
        let line = &input[..at];
        let line = if either { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        events.push(if line.len() > max_length { Event::TooLong } else { Event::Line(line.to_vec()) });
        input = &input[at + end.len()..];
    }
    if input.len() >= max_length + delimiter.as_bytes().len().max(1) {
        events.push(Event::TooLong);
        input = &[];
    }
    (events, input.to_vec())
}
