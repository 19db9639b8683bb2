//! Requests that are none: each is answered with its status and the connection closes, however it is cut.

use std::time::UNIX_EPOCH;

use lariat::check_chunking;
use lariat_protocols::http::{Limits, Server, Status};

use crate::site::{hello, page, router, server, wire, wire_of};

/// Each head is wrong in one way. `{}` stands for a request line and a Host that are right.
const MALFORMED: &[(u16, &str)] = &[
    // Line ends.
    (400, "GET /hello HTTP/1.1\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\r\n\n"),
    (400, "\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\rHost: a\r\n\r\n"),
    (400, "GET /hello\r HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\r\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n"),
    (400, "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "\r\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    // Request lines.
    (400, "GET\r\n\r\n"),
    (400, "GET /hello\r\n\r\n"),
    (400, "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello  HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1 \r\nHost: a\r\n\r\n"),
    (400, " GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET\t/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GE(T /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hel\0lo HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hel lo HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /h\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello#there HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello http/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/11\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1.1\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/x.1\r\nHost: a\r\n\r\n"),
    (505, "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n"),
    (505, "GET /hello HTTP/0.9\r\nHost: a\r\n\r\n"),
    (505, "GET /hello HTTP/1.2\r\nHost: a\r\n\r\n"),
    (505, "PRI * HTTP/2.0\r\n\r\n"),
    // Targets.
    (400, "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "OPTIONS *? HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET ftp://a/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http:///hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http://:80/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http://user@a/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http://a:b/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "GET http:/a/hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT /hello HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT :80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT http://a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    (400, "CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"),
    // Host.
    (400, "GET /hello HTTP/1.1\r\n\r\n"),
    (400, "GET http://a/hello HTTP/1.1\r\n\r\n"),
    (400, "{}Host: b\r\n\r\n"),
    (400, "{}hOST: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a, b\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a:b\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a:80:80\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a:123456\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: [::1\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: []\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: [::1]80\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: \u{e9}\r\n\r\n"),
    // Headers.
    (400, "{}X : b\r\n\r\n"),
    (400, "{}X\t: b\r\n\r\n"),
    (400, "{}X: b\r\n c\r\n\r\n"),
    (400, "{}X: b\r\n\tc\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\n Host: a\r\n\r\n"),
    (400, "GET /hello HTTP/1.1\r\nHost: a\r\n \r\n\r\n"),
    (400, "{}: b\r\n\r\n"),
    (400, "{}X\r\n\r\n"),
    (400, "{}X y: b\r\n\r\n"),
    (400, "{}X(: b\r\n\r\n"),
    (400, "{}X: b\0c\r\n\r\n"),
    (400, "{}X: b\u{7f}c\r\n\r\n"),
    (400, "{}X\u{e9}: b\r\n\r\n"),
    // Lengths.
    (400, "{}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, "{}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
    (400, "{}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
    (400, "{}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    (400, "{}Content-Length: 1, 1\r\n\r\n"),
    (400, "{}Content-Length: +1\r\n\r\n"),
    (400, "{}Content-Length: -1\r\n\r\n"),
    (400, "{}Content-Length: 1 1\r\n\r\n"),
    (400, "{}Content-Length: 0x1\r\n\r\n"),
    (400, "{}Content-Length: 1.0\r\n\r\n"),
    (400, "{}Content-Length: \r\n\r\n"),
    (400, "{}Content-Length:\r\n\r\n"),
    (400, "{}Content-Length: one\r\n\r\n"),
    (400, "{}Content-Length: 18446744073709551616\r\n\r\n"),
    (400, "{}Content-Length: 99999999999999999999999999\r\n\r\n"),
    (413, "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"),
    (413, "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n"),
    // Transfer encodings.
    (501, "{}Transfer-Encoding: gzip\r\n\r\n"),
    (501, "{}Transfer-Encoding: identity\r\n\r\n"),
    (501, "{}Transfer-Encoding: gzip, chunked\r\n\r\n"),
    (501, "{}Transfer-Encoding: chunked;a=b\r\n\r\n"),
    (400, "{}Transfer-Encoding: chunked, gzip\r\n\r\n"),
    (400, "{}Transfer-Encoding: chunked, chunked\r\n\r\n"),
    (400, "{}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    (400, "{}Transfer-Encoding: chunked,\r\n\r\n"),
    (400, "{}Transfer-Encoding:\r\n\r\n"),
    (400, "{}Transfer-Encoding: \"chunked\"\r\n\r\n"),
    (400, "{}Transfer-Encoding: \u{b}chunked\r\n\r\n"),
    (400, "GET /hello HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    // Expectations.
    (417, "{}Content-Length: 1\r\nExpect: 200-ok\r\n\r\n"),
    (417, "{}Expect: 100-continue, more\r\n\r\n"),
];

/// What may follow the head of a body in chunks, and is no such body.
const MALFORMED_CHUNKS: &[(u16, &str)] = &[
    (400, "\r\n"),
    (400, "g\r\n"),
    (400, "-1\r\n"),
    (400, "+1\r\n"),
    (400, "0x1\r\n"),
    (400, " 1\r\n"),
    (400, "1 \r\n"),
    (400, "1 ;a\r\n"),
    (400, "1\nx\r\n"),
    (400, "1\rx\r\n"),
    (400, "1\r\r\nx"),
    (400, "1\r\nxx\r\n"),
    (400, "1\r\nx\n0\r\n\r\n"),
    (400, "1\r\nx\r0\r\n\r\n"),
    (400, "1\r\nx0\r\n\r\n"),
    (400, "10000000000000000\r\n"),
    (400, "00000000000000001\r\nx"),
    (400, "ffffffffffffffffff\r\n"),
    (400, "1;a\nx\r\n"),
    (400, "1;a\u{1}\r\nx"),
    (400, ";a\r\n"),
    (400, "0\r\n\n"),
    (400, "0\r\nX: a\n\r\n"),
    (400, "0\r\nX : a\r\n\r\n"),
    (400, "0\r\n X: a\r\n\r\n"),
    (400, "0\r\nX: a\r\n b\r\n\r\n"),
    (400, "0\r\nContent-Length: 1\r\n\r\n"),
    (400, "0\r\ntransfer-encoding: chunked\r\n\r\n"),
    (400, "0\r\nHost: b\r\n\r\n"),
    (413, "ffffffffffffffff\r\nx"),
];

fn head(head: &str) -> String {
    head.replace("{}", "GET /hello HTTP/1.1\r\nHost: a\r\n")
}

fn posted(chunks: &str) -> String {
    format!("POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
}

fn status(code: u16) -> Status {
    Status::from_code(code).expect("it is one")
}

/// Feeds `input` in one piece, and then byte by byte: both must end with this page, and be refused once.
fn assert_refused(code: u16, input: &[u8]) {
    for step in [input.len(), 1] {
        let server = server();
        let mut wire = wire_of(server.clone());
        for piece in input.chunks(step) {
            wire.feed(piece);
        }
        let written = String::from_utf8_lossy(&wire.take_written()).into_owned();
        assert_eq!(written, page(status(code)), "{}", input.escape_ascii());
        assert!(!wire.is_open(), "it closes after {}", input.escape_ascii());
        assert_eq!((server.stats().refused, server.stats().responses[usize::from(code / 100)]), (1, 1));
    }
}

#[test]
fn every_malformed_head_is_refused_in_one_piece_and_byte_by_byte() {
    for (code, malformed) in MALFORMED {
        assert_refused(*code, head(malformed).as_bytes());
    }
}

#[test]
fn every_malformed_body_in_chunks_is_refused_in_one_piece_and_byte_by_byte() {
    for (code, chunks) in MALFORMED_CHUNKS {
        assert_refused(*code, posted(chunks).as_bytes());
    }
}

#[test]
fn whatever_is_malformed_is_refused_the_same_however_it_is_cut() {
    for (_, malformed) in MALFORMED.iter().step_by(7) {
        check_chunking!(server().channel(), head(malformed));
    }
    for (_, chunks) in MALFORMED_CHUNKS.iter().step_by(4) {
        check_chunking!(server().channel(), posted(chunks));
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_in_a_target_and_a_name_and_pass_in_a_value() {
    assert_refused(400, b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_refused(400, b"GET /hello HTTP/1.1\r\nHost: a\r\nX\xff: b\r\n\r\n");
    assert_refused(400, b"GET /hello HTTP/1.1\r\nHost: \xff\r\n\r\n");
    let mut wire = wire();
    wire.feed(b"GET /hello HTTP/1.1\r\nHost: a\r\nX: \xff\r\n\r\n");
    assert_eq!(wire.take_written(), hello().into_bytes());
}

#[test]
fn what_was_asked_before_the_malformed_request_is_answered_first() {
    let mut wire = wire();
    wire.feed(b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    let expected = hello() + &page(Status::BAD_REQUEST);
    assert_eq!(String::from_utf8_lossy(&wire.take_written()), expected);
    assert!(!wire.is_open());
}

fn limited(limits: Limits) -> Server {
    Server::new(router()).with_clock(|| UNIX_EPOCH).with_limits(limits)
}

fn assert_limited(limits: &Limits, input: &str, expected: &str) {
    for step in [input.len(), 1] {
        let mut wire = wire_of(limited(limits.clone()));
        for piece in input.as_bytes().chunks(step) {
            wire.feed(piece);
        }
        assert_eq!(String::from_utf8_lossy(&wire.take_written()), expected, "{input}");
    }
}

#[test]
fn a_head_may_be_as_large_as_the_limit_and_no_larger() {
    let start = "GET /hello HTTP/1.1\r\nHost: a\r\nX: ";
    let limits = Limits { head: 200, ..Limits::default() };
    let fits = format!("{start}{}\r\n\r\n", "x".repeat(200 - start.len() - 4));
    assert_eq!(fits.len(), 200);
    assert_limited(&limits, &fits, &hello());
    let page = page(Status::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_limited(&limits, &fits.replace("X: ", "X: x"), &page);
    // Nor does it have to end.
    assert_limited(&limits, &format!("{start}{}", "x".repeat(300)), &page);
}

#[test]
fn a_target_that_the_limit_has_no_room_for_is_too_long() {
    let limits = Limits { head: 100, ..Limits::default() };
    assert_limited(&limits, &format!("GET /{}", "x".repeat(100)), &page(Status::URI_TOO_LONG));
    assert_limited(&limits, &format!("\r\nGET /{}", "x".repeat(100)), &page(Status::URI_TOO_LONG));
}

#[test]
fn there_may_be_as_many_headers_as_the_limit_and_no_more() {
    let limits = Limits { headers: 5, ..Limits::default() };
    let with = |headers: usize| format!("GET /hello HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: b\r\n".repeat(headers - 1));
    assert_limited(&limits, &with(5), &hello());
    assert_limited(&limits, &with(6), &page(Status::REQUEST_HEADER_FIELDS_TOO_LARGE));
}

#[test]
fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    let limits = Limits { body: 10, ..Limits::default() };
    let answer = |length: usize| hello().replace("hello", &length.to_string()).replace("Length: 5", "Length: 2");
    let known =
        |length| format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length));
    assert_limited(&limits, &known(10), &answer(10));
    assert_limited(&limits, &known(11), &page(Status::CONTENT_TOO_LARGE));
    assert_limited(&limits, &posted("5\r\nxxxxx\r\n5\r\nxxxxx\r\n0\r\n\r\n"), &answer(10));
    assert_limited(&limits, &posted("5\r\nxxxxx\r\n6\r\nxxxxxx\r\n0\r\n\r\n"), &page(Status::CONTENT_TOO_LARGE));
}

#[test]
fn chunk_extensions_are_ignored_up_to_the_limit_of_a_body() {
    let limits = Limits { chunk_extensions: 8, ..Limits::default() };
    let answer = hello().replace("hello", "2").replace("Length: 5", "Length: 1");
    assert_limited(&limits, &posted("1;a=b\r\nx\r\n1;a=b\r\nx\r\n0\r\n\r\n"), &answer);
    assert_limited(&limits, &posted("1;a=b\r\nx\r\n1;a=bc\r\nx\r\n0\r\n\r\n"), &page(Status::BAD_REQUEST));
    assert_limited(&limits, &posted("1;aaaaaaaaaaaaaaaa"), &page(Status::BAD_REQUEST));
}

#[test]
fn trailers_may_be_as_large_as_the_limit_and_no_larger() {
    let limits = Limits { trailers: 20, ..Limits::default() };
    let answer = hello().replace("hello", "0").replace("Length: 5", "Length: 1");
    assert_limited(&limits, &posted("0\r\nX: aaaaaaaaaaaaa\r\n\r\n"), &answer);
    let page = page(Status::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert_limited(&limits, &posted("0\r\nX: aaaaaaaaaaaaaa\r\n\r\n"), &page);
}

#[test]
fn a_connection_closes_after_as_many_requests_as_the_limit() {
    let limits = Limits { requests: 2, ..Limits::default() };
    let request = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    let expected = hello() + &crate::site::last_hello();
    assert_limited(&limits, &request.repeat(3), &expected);
}
