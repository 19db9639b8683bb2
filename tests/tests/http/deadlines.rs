//! Whoever is slow is not waited for: in virtual time.

use std::time::Duration;

use lariat::{CloseReason, Phase};
use lariat_protocols::http::{Request, Server, Status};

use crate::site::{hello, page, text, wire, wire_of};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn a_connection_on_which_nothing_comes_closes() {
    let mut wire = wire();
    wire.advance(seconds(9));
    assert!(wire.is_open());
    wire.advance(seconds(1));
    assert!(!wire.is_open());
    assert_eq!(wire.take_written(), b"");
}

#[test]
fn a_head_has_ten_seconds_however_many_bytes_of_it_come() {
    let mut wire = wire();
    wire.feed(GET.as_bytes());
    wire.advance(seconds(30));
    wire.take_written();
    for byte in GET.as_bytes()[..9].chunks(1) {
        wire.feed(byte);
        wire.advance(seconds(1));
        assert!(wire.is_open());
    }
    wire.advance(seconds(1));
    assert_eq!(text(wire.take_written()), page(Status::REQUEST_TIMEOUT));
    assert!(!wire.is_open());
}

#[test]
fn each_head_has_its_own_time() {
    let mut wire = wire();
    for _ in 0..5 {
        wire.feed(&GET.as_bytes()[..10]);
        wire.advance(seconds(9));
        wire.feed(&GET.as_bytes()[10..]);
        assert_eq!(text(wire.take_written()), hello());
    }
    wire.feed(&GET.as_bytes()[..10]);
    wire.advance(seconds(9));
    wire.feed(format!("{}{}", &GET[10..], &GET[..10]).as_bytes());
    wire.advance(seconds(9));
    assert!(wire.is_open(), "the second head has only had nine seconds");
    wire.advance(seconds(1));
    assert!(!wire.is_open());
}

#[test]
fn a_body_may_pause_for_thirty_seconds() {
    let mut wire = wire();
    wire.feed(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n");
    for _ in 0..5 {
        wire.advance(seconds(29));
        wire.feed(b"x");
    }
    wire.advance(seconds(30));
    assert_eq!(text(wire.take_written()), page(Status::REQUEST_TIMEOUT));
    assert!(!wire.is_open());
}

#[test]
fn a_connection_between_requests_lives_for_sixty_seconds() {
    let mut wire = wire();
    wire.feed(GET.as_bytes());
    wire.advance(seconds(59));
    wire.feed(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
    wire.feed(b"x");
    wire.advance(seconds(59));
    assert!(wire.is_open());
    wire.advance(seconds(1));
    assert!(!wire.is_open());
    wire.advance(seconds(3));
    assert!(wire.is_closed());
}

#[test]
fn a_handler_may_take_its_time() {
    let server = Server::new(|request: &mut Request<'_>| {
        let request = request.take();
        async move { request.reactor().sleep(seconds(1000)).await.map(|()| "at last") }
    });
    let mut wire = wire_of(server);
    wire.feed(GET.as_bytes());
    wire.advance(seconds(1000));
    let written = text(wire.take_written());
    assert!(written.ends_with("at last"), "{written}");
    wire.advance(seconds(59));
    assert!(wire.is_open(), "the pause began with the response");
    wire.advance(seconds(1));
    assert!(!wire.is_open());
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let server = Server::new(|_: &mut Request<'_>| "x".repeat(1_000_000));
    let mut wire = wire_of(server);
    wire.peer_takes(0);
    wire.feed(GET.as_bytes());
    wire.advance(seconds(29));
    assert!(wire.is_open());
    wire.advance(seconds(1));
    assert!(matches!(wire.close_reason(), Some(CloseReason::TimedOut(Phase::Idle(_)))), "{:?}", wire.close_reason());
}

#[test]
fn a_client_that_reads_slowly_is_served() {
    let server = Server::new(|_: &mut Request<'_>| "x".repeat(1_000_000));
    let mut wire = wire_of(server);
    wire.peer_takes(0);
    wire.feed(GET.as_bytes());
    for _ in 0..101 {
        wire.advance(seconds(20));
        wire.peer_takes(10_000);
    }
    assert!(wire.written().len() > 1_000_000, "{} bytes were written", wire.written().len());
    assert!(wire.is_open());
}
