//! Whatever follows the head of a request whose body comes in chunks, and however it is cut: a server's connection finds the same body and
//! trailers, or the same error, and a body that it takes is one to another parser of chunks too.
#![no_main]

use std::sync::Arc;

use lariat_protocols::http::{Limits, RequestEvent, ServerConnection};
use libfuzzer_sys::fuzz_target;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

fuzz_target!(|pieces: Vec<Vec<u8>>| {
    let whole = pieces.concat();
    let outcome = run(&[&whole]);
    assert_eq!(run(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()), outcome);
    if outcome.end.is_some_and(|end| end.is_ok()) {
        assert_eq!(reference(&whole), Some(outcome.body), "{}", whole.escape_ascii());
    }
});

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    body: Vec<u8>,
    /// The trailers, or what is wrong; nothing while more is to come.
    end: Option<Result<String, String>>,
}

fn run(pieces: &[&[u8]]) -> Outcome {
    let limits = Limits { body: 512, headers: 8, chunk_extensions: 16, trailers: 64, ..Limits::default() };
    let mut connection = ServerConnection::new(Arc::new(limits));
    let mut head = HEAD;
    assert!(matches!(connection.next(&mut head), Ok(Some(RequestEvent::Head(_)))) && head.is_empty());
    let (mut outcome, mut held) = (Outcome::default(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let mut input = &held[..];
        while outcome.end.is_none() {
            match connection.next(&mut input) {
                Ok(None) => break,
                Ok(Some(RequestEvent::Data(data))) => outcome.body.extend_from_slice(data),
                Ok(Some(RequestEvent::End(trailers))) => outcome.end = Some(Ok(format!("{trailers:?}"))),
                Ok(Some(RequestEvent::Head(head))) => panic!("nobody has answered, and here is {head:?}"),
                Err(error) => {
                    // How much of a body was given before what is wrong with it is a matter of how it came.
                    outcome.body.clear();
                    outcome.end = Some(Err(error.to_string()));
                }
            }
        }
        held = input.to_vec();
    }
    outcome
}

/// The body, as far as another parser reads the sizes.
fn reference(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(rest) else { return None };
        rest = rest.get(line..)?;
        if size == 0 {
            return Some(body);
        }
        let (chunk, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        body.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n")?;
    }
}
