//! Text that came from elsewhere cannot become a header or a response of its own.

use lariat_protocols::http::{
    BodyLength, ClientConnection, Fields, InvalidField, Limits, Request, Response, Server, Status,
};

use crate::site::answer_of;

/// Values that would not arrive as the value of one header.
const SPLITTING: &[&str] = &[
    "a\r\nSet-Cookie: b",
    "a\nSet-Cookie: b",
    "a\rSet-Cookie: b",
    "a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "\r\n",
    "\n",
    "a\0b",
    "a\u{b}b",
    "a\u{7f}",
    "a\u{1b}[2J",
];

#[test]
fn every_setter_refuses_a_value_that_would_split() {
    for value in SPLITTING {
        let mut fields = Fields::new();
        assert_eq!(fields.append("X", value), Err(InvalidField::Value), "{value:?}");
        assert_eq!(fields.set("X", value), Err(InvalidField::Value), "{value:?}");
        assert!(fields.is_empty());
        let mut response = Response::text("a");
        assert_eq!(response.fields_mut().set("Content-Type", value), Err(InvalidField::Value));
        assert_eq!(response.fields().headers().get_str("content-type"), Some("text/plain; charset=utf-8"));
        assert!(response.with_header("X", value).is_err());
        assert!(Response::text("a").with_content_type(value).is_err());
        assert!(Response::redirect(Status::FOUND, value).is_err());
        assert!(Response::upgrade(value, Nobody).is_err());
        let mut client = ClientConnection::new(Limits::default().into());
        let mut out = Vec::new();
        assert!(client.request("GET", "/", value, &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(client.request(value, "/", "a", &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(client.request("GET", value, "a", &Fields::new(), BodyLength::None, &mut out).is_err());
        assert!(out.is_empty());
    }
}

struct Nobody;

impl lariat::Protocol for Nobody {
    fn data_received(&mut self, _: &lariat::Transport, _: &[u8]) {}
}

#[test]
fn a_name_that_is_no_token_is_refused() {
    for name in ["", "X Y", "X:", "X\r\nY", "X\0", "X(", "X\u{e9}", " X", "X\t"] {
        let mut fields = Fields::new();
        assert_eq!(fields.append(name, "a"), Err(InvalidField::Name), "{name:?}");
        assert_eq!(fields.set(name, "a"), Err(InvalidField::Name), "{name:?}");
    }
}

#[test]
fn what_says_where_a_message_ends_is_never_set_by_hand() {
    for name in ["Content-Length", "transfer-encoding", "CONNECTION", "Keep-Alive", "TE", "Trailer"] {
        assert_eq!(Fields::new().append(name, "1"), Err(InvalidField::Framing), "{name}");
        assert!(Response::text("a").with_header(name, "1").is_err(), "{name}");
    }
}

#[test]
fn a_handler_that_would_split_is_answered_with_an_error() {
    let server = Server::new(|request: &mut Request<'_>| {
        let target = format!("{}\r\nSet-Cookie: b", request.path());
        Response::redirect(Status::FOUND, &target)
    });
    let answer = answer_of(&server, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 500 ") && !answer.contains("Set-Cookie"), "{answer}");
}

#[test]
fn a_header_that_is_set_is_the_only_one_of_its_name() {
    let mut fields = Fields::new();
    fields.append("X", "1").unwrap();
    fields.append("Y", "2").unwrap();
    fields.append("x", "3").unwrap();
    fields.set("X", " 4 ").unwrap();
    assert_eq!(fields.headers().as_bytes(), b"Y: 2\r\nX: 4\r\n");
    assert!(fields.remove("y") && !fields.remove("y"));
    assert_eq!(fields.headers().iter().collect::<Vec<_>>(), [("X", &b"4"[..])]);
}
