//! Requests and their responses.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::{Rc, Weak};
use std::time::Duration;

use lariat::testing::MemoryTransport;
use lariat::{Failure, check_chunking};
use lariat_protocols::http::{Channel, Limits, Request, Response, Router, Server, Status};

use crate::site::{answer, answer_of, body, hello, kept_hello, last_hello, page, server, text, wire, wire_of};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_request_is_answered_and_the_connection_goes_on() {
    let mut wire = wire();
    for _ in 0..3 {
        wire.feed(GET.as_bytes());
        assert_eq!(text(wire.take_written()), hello());
    }
    assert!(wire.is_open());
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let slow = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
    let missing = "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut wire = wire();
    wire.feed(format!("{GET}{slow}{missing}{slow}{GET}").as_bytes());
    assert_eq!(text(wire.take_written()), hello(), "what comes after a slow one waits");
    wire.advance(Duration::from_millis(100));
    let written = text(wire.take_written());
    assert!(written.contains("\r\n\r\nslowHTTP/1.1 404 Not Found\r\n"), "{written}");
    wire.advance(Duration::from_millis(100));
    let written = text(wire.take_written());
    assert!(written.ends_with(&format!("slow{}", hello())), "{written}");
    assert!(wire.is_open());
}

#[test]
fn answers_are_the_same_however_the_requests_are_cut() {
    check_chunking!(
        server().channel(),
        GET.repeat(3),
        format!("\r\n{GET}\r\n{GET}"),
        "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\n12345",
        "POST /length HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n12345\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\nHEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /hello HTTP/1.0\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nPOST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nthat is not all",
    );
}

#[test]
fn a_connection_closes_when_the_request_says_so() {
    let mut wire = wire();
    wire.feed(format!("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n{GET}").as_bytes());
    assert_eq!(text(wire.take_written()), last_hello());
    assert!(!wire.is_open());
}

#[test]
fn http_1_0_closes_unless_it_asks_to_go_on() {
    assert_eq!(answer("GET /hello HTTP/1.0\r\n\r\nGET /hello HTTP/1.0\r\n\r\n"), last_hello());
    let kept = "GET /hello HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    assert_eq!(answer(kept.repeat(2)), kept_hello().repeat(2));
}

#[test]
fn http_1_0_gets_a_body_of_unknown_length_up_to_the_connections_end() {
    let mut wire = wire();
    wire.feed(b"POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n12345");
    let written = text(wire.take_written());
    assert!(written.ends_with("Connection: close\r\n\r\n12345") && !written.contains("chunked"), "{written}");
    assert!(!wire.is_open());
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let expected = hello().replace("\r\n\r\nhello", "\r\n\r\n");
    assert_eq!(answer("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"), expected);
    let streamed = answer(format!("HEAD /trailers HTTP/1.1\r\nHost: a\r\n\r\n{GET}"));
    assert!(streamed.contains("Transfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK"), "{streamed}");
}

#[test]
fn a_whole_uri_is_a_target_and_its_authority_replaces_host() {
    let mut router = Router::new();
    router.any("/{rest..}", |request: &mut Request<'_>| {
        format!("{} {} {:?}", request.head().host().unwrap_or("none"), request.path(), request.query())
    });
    router.fallback(|request: &mut Request<'_>| {
        format!("{} {}", request.head().host().unwrap_or("none"), request.path())
    });
    let server = Server::new(router);
    for (target, seen) in [
        ("http://b:81/x?y", "b:81 /x Some(\"y\")"),
        ("HTTP://b", "b / None"),
        ("https://b?y", "b / Some(\"y\")"),
        ("http://[::1]:80/x", "[::1]:80 /x None"),
        ("/x?y?z", "a /x Some(\"y?z\")"),
        ("//x", "a //x None"),
        ("/?", "a / Some(\"\")"),
    ] {
        let answer = answer_of(&server, format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(body(&answer), seen, "{target}");
    }
    let whole = answer_of(&server, "OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(body(&whole), "b *");
    assert_eq!(body(&answer_of(&server, "GET /x HTTP/1.0\r\n\r\n")), "none /x None");
    assert_eq!(body(&answer_of(&server, "GET /x HTTP/1.1\r\nHost:\r\n\r\n")), " /x None");
}

#[test]
fn a_request_that_is_kept_is_as_it_was() {
    let server = Server::new(|request: &mut Request<'_>| {
        let before = format!("{:?}", request.head());
        let request = request.take();
        async move {
            let head = request.head();
            assert_eq!(before, format!("{head:?}"));
            format!("{} {:?} {:?}", head.path(), head.query(), head.headers().get_str("x"))
        }
    });
    for (target, seen) in [("/x?y", "/x Some(\"y\")"), ("http://b", "/ None"), ("/", "/ None")] {
        let answer = answer_of(&server, format!("GET {target} HTTP/1.1\r\nHost: a\r\nX:  z \r\n\r\n"));
        assert_eq!(body(&answer), format!("{seen} Some(\"z\")"));
    }
}

#[test]
fn a_handler_that_panics_is_answered_for_and_its_test_is_told() {
    let mut wire = wire();
    let fed = catch_unwind(AssertUnwindSafe(|| wire.feed(b"GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")));
    assert!(fed.is_err(), "an assertion in a handler would be overlooked");
    wire.advance(Duration::from_millis(1));
    assert_eq!(text(wire.take_written()), page(Status::INTERNAL_SERVER_ERROR));
    assert!(!wire.is_open());
}

#[test]
fn a_handler_that_fails_later_is_answered_for() {
    let server = Server::new(|request: &mut Request<'_>| {
        let reactor = request.reactor().clone();
        async move {
            reactor.sleep(Duration::from_millis(1)).await?;
            Err::<&str, Failure>(Failure::new("nobody must learn why"))
        }
    });
    let mut wire = wire_of(server);
    wire.feed(GET.as_bytes());
    wire.advance(Duration::from_millis(2));
    let written = text(wire.take_written());
    assert!(written.starts_with("HTTP/1.1 500 ") && !written.contains("learn"), "{written}");
}

#[test]
fn errors_have_the_pages_that_the_server_was_given() {
    let server = server().with_error_page(|status| Response::html(format!("<h1>{}</h1>", status.code())));
    let mut wire = wire_of(server);
    wire.feed(b"POST /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /missing HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n");
    let written = text(wire.take_written());
    for part in ["Allow: GET, HEAD, OPTIONS\r\n", "<h1>405</h1>", "<h1>404</h1>", "<h1>400</h1>"] {
        assert!(written.contains(part), "{part} is missing in {written}");
    }
}

#[test]
fn a_server_counts_what_it_does() {
    let server = server();
    let mut wire = wire_of(server.clone());
    wire.feed(format!("{GET}{GET}GET /missing HTTP/1.1\r\nHost: a\r\n\r\n\0\r\n\r\n").as_bytes());
    let stats = server.stats();
    assert_eq!((stats.requests, stats.refused), (3, 1));
    assert_eq!(stats.responses, [0, 0, 2, 0, 2, 0]);
    assert!(!wire.is_open());
}

#[test]
fn a_peer_that_ends_its_stream_still_gets_what_it_asked_for() {
    let mut wire = wire();
    wire.feed(format!("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n{GET}").as_bytes());
    wire.end_of_input();
    wire.advance(Duration::from_millis(100));
    let written = text(wire.take_written());
    assert!(written.ends_with(&format!("slow{}", hello())), "{written}");
    wire.advance(Duration::from_secs(3));
    assert!(wire.is_closed());
}

/// A connection whose handler waits for `time`, and what is held by the handler while it waits.
fn waiting(half_close: Option<Duration>, time: Duration) -> (MemoryTransport<Channel>, Weak<()>) {
    let held = Rc::new(());
    let (is_held, held) = (Rc::downgrade(&held), Cell::new(Some(held)));
    let server = Server::new(move |request: &mut Request<'_>| {
        let (request, held) = (request.take(), held.take());
        async move {
            request.reactor().sleep(time).await?;
            drop(held);
            Ok::<_, Failure>("at last")
        }
    });
    let mut limits = Limits::default();
    limits.half_close = half_close.unwrap_or(limits.half_close);
    let mut wire = wire_of(server.with_limits(limits));
    wire.feed(GET.as_bytes());
    assert_eq!(is_held.strong_count(), 1);
    (wire, is_held)
}

#[test]
fn a_client_that_has_closed_its_writing_side_gets_its_response() {
    let (mut wire, _) = waiting(None, Duration::from_secs(29));
    wire.end_of_input();
    wire.advance(Duration::from_secs(29));
    assert!(text(wire.take_written()).ends_with("at last"));
    assert!(!wire.is_open());
}

#[test]
fn a_client_that_has_gone_ends_its_handler() {
    let (mut wire, held) = waiting(None, Duration::from_secs(1000));
    wire.end_of_input();
    wire.advance(Duration::from_millis(29_900));
    assert_eq!(held.strong_count(), 1);
    wire.advance(Duration::from_millis(200));
    assert_eq!(held.strong_count(), 0);
    assert!(!wire.is_open());
    assert_eq!(wire.take_written(), b"");
}

#[test]
fn a_client_that_resets_ends_its_handler() {
    let (mut wire, held) = waiting(None, Duration::from_secs(1000));
    wire.reset();
    assert_eq!(held.strong_count(), 0);
}

#[test]
fn the_time_of_a_handler_after_half_a_close_can_be_set() {
    let (mut wire, held) = waiting(Some(Duration::ZERO), Duration::from_secs(1000));
    wire.end_of_input();
    assert_eq!(held.strong_count(), 0);
    assert!(!wire.is_open());
    let (mut wire, _) = waiting(Some(Duration::MAX), Duration::from_secs(1000));
    wire.end_of_input();
    wire.advance(Duration::from_secs(1000));
    assert!(text(wire.take_written()).ends_with("at last"));
}

#[test]
fn a_request_that_breaks_off_is_refused() {
    for begun in ["GET /hel", "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n123"] {
        let mut wire = wire();
        wire.feed(begun.as_bytes());
        wire.end_of_input();
        assert_eq!(text(wire.take_written()), page(Status::BAD_REQUEST));
    }
}

#[test]
fn a_server_that_stops_finishes_the_request_in_hand_and_says_that_it_closes() {
    let mut wire = wire();
    wire.feed(format!("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n{GET}").as_bytes());
    wire.drain();
    assert!(wire.is_open());
    wire.advance(Duration::from_millis(100));
    let written = text(wire.take_written());
    assert!(written.ends_with("Connection: close\r\n\r\nslow"), "{written}");
    assert!(!wire.is_open());
}

#[test]
fn a_server_that_stops_closes_idle_connections_and_waits_for_a_head_that_has_begun() {
    let mut idle = wire();
    idle.feed(GET.as_bytes());
    idle.drain();
    assert!(!idle.is_open());
    let mut begun = wire();
    begun.feed(&GET.as_bytes()[..10]);
    begun.drain();
    begun.feed(&GET.as_bytes()[10..]);
    assert_eq!(text(begun.take_written()), last_hello());
}
