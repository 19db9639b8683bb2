//! Whatever the bytes, and however they are cut: a server's connection finds the same requests and bodies, and a head that it takes is one
//! to another parser too, with the same headers.
#![no_main]

use std::sync::Arc;

use lariat_protocols::http::{Limits, RequestEvent, ResponseLength, ServerConnection, Status};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    pieces: Vec<Vec<u8>>,
}

fuzz_target!(|case: Case| {
    let whole = case.pieces.concat();
    assert_eq!(run(&case.pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()), run(&[&whole]));
});

/// All that is found, with the pieces of each body put together.
fn run(pieces: &[&[u8]]) -> Vec<String> {
    let limits = Limits { head: 512, headers: 8, body: 512, chunk_extensions: 16, trailers: 64, ..Limits::default() };
    let mut connection = ServerConnection::new(Arc::new(limits));
    let (mut found, mut body, mut held) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let mut input = &held[..];
        loop {
            let mut is_over = false;
            match connection.next(&mut input) {
                Ok(None) => break,
                Ok(Some(RequestEvent::Head(head))) => {
                    found.push(format!("{head:?}"));
                    assert_eq!(format!("{head:?}"), format!("{:?}", head.to_owned().head()));
                    compare(&head);
                    is_over = head.body_length() == lariat_protocols::http::BodyLength::None;
                }
                Ok(Some(RequestEvent::Data(data))) => body.extend_from_slice(data),
                Ok(Some(RequestEvent::End(trailers))) => {
                    found.push(format!("{} {trailers:?}", body.escape_ascii()));
                    body.clear();
                    is_over = true;
                }
                Err(error) => {
                    found.push(format!("{error:?}"));
                    return found;
                }
            }
            if is_over {
                connection.respond(Status::OK, &[], ResponseLength::Known(0), &mut Vec::new());
                connection.finish();
            }
        }
        held = input.to_vec();
    }
    found
}

/// Has another parser read the same headers.
fn compare(head: &lariat_protocols::http::RequestHead<'_>) {
    let mut text = format!("{} {} {}\r\n", head.method(), head.target(), head.version()).into_bytes();
    text.extend_from_slice(head.headers().as_bytes());
    text.extend_from_slice(b"\r\n");
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut request = httparse::Request::new(&mut headers);
    assert_eq!(request.parse(&text), Ok(httparse::Status::Complete(text.len())), "{}", text.escape_ascii());
    let theirs = request.headers.iter().map(|header| (header.name, header.value.trim_ascii()));
    assert!(head.headers().iter().eq(theirs), "{}", text.escape_ascii());
}
