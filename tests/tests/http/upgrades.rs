//! Connections that become something else.

use lariat::{Protocol, Transport, check_chunking};
use lariat_protocols::http::{Request, Response, Router, Server, Status};

use crate::site::{hello, server, text, wire_of};

/// Sends back what it gets, with a mark.
struct Marked;

impl Protocol for Marked {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        for byte in data {
            transport.write(&[*byte, b'!']);
        }
    }
}

fn upgrading() -> Server {
    let mut router = Router::new();
    router.get("/marked", |request: &mut Request<'_>| match request.head().upgrade() {
        Some("marked") => Response::upgrade("marked", Marked),
        _ => Ok(Response::error(Status::UPGRADE_REQUIRED)),
    });
    router.fallback(|request: &mut Request<'_>| match request.method() {
        "CONNECT" => Response::connected(Marked),
        _ => Response::error(Status::NOT_FOUND),
    });
    Server::new(router).with_clock(|| std::time::UNIX_EPOCH)
}

const UPGRADE: &str = "GET /marked HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: marked\r\n\r\n";

#[test]
fn a_connection_is_upgraded_and_what_came_with_the_request_is_the_successors() {
    let mut wire = wire_of(upgrading());
    wire.feed(format!("{UPGRADE}GE").as_bytes());
    wire.feed(b"T");
    let head = "HTTP/1.1 101 Switching Protocols\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nUpgrade: marked\r\nConnection: upgrade\r\n\r\n";
    assert_eq!(text(wire.take_written()), format!("{head}G!E!T!"));
    check_chunking!(upgrading().channel(), format!("{UPGRADE}GET / HTTP/1.1\r\n\r\n"));
}

#[test]
fn a_connect_that_is_granted_is_a_tunnel() {
    let connect = "CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n";
    let mut wire = wire_of(upgrading());
    wire.feed(format!("{connect}x").as_bytes());
    assert_eq!(text(wire.take_written()), "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nx!");
    check_chunking!(upgrading().channel(), format!("{connect}xyz"));
}

#[test]
fn a_connect_that_is_not_granted_is_a_request_like_any_other() {
    let mut wire = wire_of(server());
    wire.feed(b"CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    let written = text(wire.take_written());
    assert!(written.starts_with("HTTP/1.1 404 ") && written.ends_with(&hello()), "{written}");
}

#[test]
fn an_upgrade_is_only_offered_by_a_request_that_can_be_upgraded() {
    for no_offer in [
        "GET /marked HTTP/1.1\r\nHost: a\r\nUpgrade: marked\r\n\r\n",
        "GET /marked HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: marked\r\n\r\n",
        "GET /marked HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: marked\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let mut wire = wire_of(upgrading());
        wire.feed(no_offer.as_bytes());
        let written = text(wire.take_written());
        assert!(written.starts_with("HTTP/1.1 426 "), "{written}");
    }
}
