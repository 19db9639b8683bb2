//! Bodies, both ways.

use std::cell::Cell;
use std::fs;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};
use lariat_protocols::http::{Body, BodyProducer, BodyWriter, Limits, Request, Response, Router, Server, Status};

use crate::site::{answer, answer_of, body, hello, page, text, wire, wire_of};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

fn post(path: &str, content: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{content}", content.len())
}

#[test]
fn a_body_is_collected_and_the_connection_goes_on() {
    let answer = answer(post("/length", "12345") + GET);
    assert!(answer.ends_with(&format!("\r\n\r\n5{}", hello())), "{answer}");
}

#[test]
fn a_body_that_nobody_wants_is_skipped() {
    let answer = answer(post("/ignore", "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n") + GET);
    assert!(answer.ends_with(&format!("\r\n\r\nignored{}", hello())), "{answer}");
}

#[test]
fn a_body_that_nobody_wants_and_that_is_too_large_to_skip_ends_the_connection() {
    let mut wire = wire();
    wire.feed(b"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n");
    let written = text(wire.take_written());
    assert!(written.ends_with("Connection: close\r\n\r\nignored"), "{written}");
    assert!(!wire.is_open());
    let mut chunked = crate::site::wire();
    chunked.feed(b"POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n");
    assert!(chunked.is_open());
    chunked.feed(&[b'x'; 0x1_0001]);
    assert!(!chunked.is_open());
}

#[test]
fn a_body_is_echoed_while_it_comes_in() {
    let mut wire = wire();
    wire.feed(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123");
    let written = text(wire.take_written());
    assert!(written.ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n"), "{written}");
    wire.feed(b"4567890");
    assert_eq!(text(wire.take_written()), "7\r\n4567890\r\n0\r\n\r\n");
    wire.feed(GET.as_bytes());
    assert_eq!(text(wire.take_written()), hello());
}

#[test]
fn whoever_is_slow_to_take_a_body_slows_the_client() {
    let kept = Rc::new(Cell::new(None));
    let keep = kept.clone();
    let server = Server::new(move |request: &mut Request<'_>| {
        keep.set(Some(request.body()));
        Response::text(Body::writer(std::mem::forget))
    });
    let limits = Limits { body: 1 << 30, body_idle: Duration::from_secs(1), ..Limits::default() };
    let mut wire = wire_of(server.with_limits(limits));
    wire.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
    for _ in 0..100 {
        wire.feed(&[b'x'; 100_000]);
    }
    assert!(wire.is_reading_paused());
    wire.advance(Duration::from_secs(10));
    assert!(wire.is_open(), "it is not the client who is slow");
    let body = kept.take().expect("the handler has kept it");
    let collected = wire.with_protocol(|_, transport| {
        let (reactor, collected) = (transport.reactor().clone(), Rc::new(Cell::new(0)));
        let result = collected.clone();
        reactor.spawn(async move { result.set(body.collect().await.map_or(0, |body| body.len())) }).detach();
        collected
    });
    wire.advance(Duration::from_millis(1));
    assert_eq!(collected.get(), 10_000_000);
}

#[test]
fn trailers_come_after_a_body_and_go_after_one() {
    let chunked = "POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\nX-Sum: 15\r\nY: z\r\n\r\n";
    assert_eq!(body(&answer(chunked)), "5 {\"X-Sum\": \"15\", \"Y\": \"z\"}");
    let written = answer("GET /trailers HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(body(&written), "4\r\ntext\r\n0\r\nX-Sum: 4\r\n\r\n");
}

#[test]
fn a_client_that_waits_is_told_to_go_on_when_the_body_is_wanted() {
    let waiting = "POST /length HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let mut wire = wire();
    wire.feed(waiting.as_bytes());
    assert_eq!(text(wire.take_written()), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.feed(b"12345");
    assert_eq!(body(&text(wire.take_written())), "5");
    assert!(!answer(format!("{waiting}12345")).contains("100 Continue"), "it did not wait");
}

#[test]
fn a_client_that_waits_is_not_told_to_go_on_when_nobody_wants_the_body() {
    let mut wire = wire();
    wire.feed(b"POST /ignore HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let written = text(wire.take_written());
    assert!(
        written.starts_with("HTTP/1.1 200 OK") && written.ends_with("Connection: close\r\n\r\nignored"),
        "{written}"
    );
    assert!(!wire.is_open());
    let without_body = answer(format!("GET /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n{GET}"));
    assert_eq!(without_body, hello().repeat(2));
    let old = answer("POST /length HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(old, "", "HTTP/1.0 knows nothing of it");
}

#[test]
fn a_handler_may_set_the_limit_of_its_body() {
    let mut router = Router::new();
    router.post("/", |request: &mut Request<'_>| {
        request.set_body_limit(3);
        request.body().collect().map(|body| body.len().to_string())
    });
    let server = Server::new(router).with_clock(|| std::time::UNIX_EPOCH);
    assert_eq!(body(&answer_of(&server, post("/", "123"))), "3");
    assert_eq!(answer_of(&server, post("/", "1234")), page(Status::CONTENT_TOO_LARGE));
}

/// Writes the numbers from one to `last`, a line at a time.
struct Counter {
    next: u32,
    last: u32,
}

impl BodyProducer for Counter {
    fn produce(&mut self, body: &mut BodyWriter) {
        body.write(format!("{}\n", self.next));
        self.next += 1;
        if self.next > self.last {
            body.finish();
        }
    }
}

fn counting(last: u32) -> Server {
    Server::new(move |_: &mut Request<'_>| Response::text(Body::producer(Counter { next: 1, last })))
}

#[test]
fn a_producer_is_asked_until_it_is_done() {
    let mut wire = wire_of(counting(3));
    wire.feed(GET.repeat(2).as_bytes());
    wire.advance(Duration::from_millis(1));
    let written = text(wire.take_written());
    assert_eq!(written.matches("\r\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n2\r\n3\n\r\n0\r\n\r\n").count(), 2, "{written}");
}

#[test]
fn a_producer_does_not_outrun_a_client_that_does_not_read() {
    let mut wire = wire_of(counting(u32::MAX));
    wire.peer_takes(1000);
    wire.feed(GET.as_bytes());
    wire.advance(Duration::from_secs(1));
    assert!(wire.queued() < 64 * 1024, "{} bytes are queued", wire.queued());
}

#[test]
fn a_body_has_the_length_that_was_announced_or_the_connection_ends() {
    let writing = |text: &'static str| {
        Server::new(move |_: &mut Request<'_>| {
            let body = Body::writer(move |mut writer| {
                writer.write(text);
                writer.finish();
            });
            Response::text(body.with_length(3))
        })
    };
    assert!(answer_of(&writing("abc"), GET).ends_with("Content-Length: 3\r\n\r\nabc"));
    for wrong in ["ab", "abcd"] {
        let mut wire = wire_of(writing(wrong));
        wire.feed(GET.as_bytes());
        assert!(wire.was_reset(), "{wrong}");
    }
}

#[test]
fn a_body_whose_writer_goes_away_ends_the_connection() {
    let server = Server::new(|_: &mut Request<'_>| {
        Response::text(Body::writer(|mut writer| {
            writer.write("abc");
        }))
    });
    let mut wire = wire_of(server);
    wire.feed(GET.as_bytes());
    assert!(wire.was_reset());
}

#[test]
fn large_bodies_and_files_follow_their_heads() {
    let large = "x".repeat(100_000);
    let expected = large.clone();
    let server = Server::new(move |_: &mut Request<'_>| large.clone());
    let mut wire = MemoryTransport::serve(&VirtualClock::new(), server, StreamOptions::default());
    wire.feed(GET.as_bytes());
    assert_eq!(body(&text(wire.take_written())), expected);

    let file = std::sync::Arc::new(fs::File::open(file!().replace("tests/tests", "tests")).expect("it is there"));
    let server = Server::new(move |_: &mut Request<'_>| Response::text(Body::file(file.clone(), 4..15)));
    assert_eq!(body(&answer_of(&server, GET)), "Bodies, bot");
    assert_eq!(body(&answer(GET)), "hello", "nothing else has changed");
}

/// Memory of this process that is resident, in bytes.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: usize = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("it is a number");
    pages * 4096
}

#[test]
fn a_body_of_tiny_chunks_takes_no_more_memory_than_its_bytes() {
    const CONNECTIONS: usize = 40;
    let chunks =
        [&b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &b"1\r\nx\r\n".repeat(80_000)[..]]
            .concat();
    let server = Server::new(|request: &mut Request<'_>| {
        let unread = request.body();
        async move {
            pending::<()>().await;
            drop(unread);
        }
    });
    let before = resident();
    let wires: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut wire = wire_of(server.clone());
            chunks.chunks(16 * 1024).for_each(|piece| {
                if !wire.is_reading_paused() {
                    wire.feed(piece);
                }
            });
            assert!(wire.is_reading_paused(), "64 KiB are read ahead");
            wire
        })
        .collect();
    let each = resident().saturating_sub(before) / CONNECTIONS;
    assert!(each < 1024 * 1024, "{each} bytes for each connection");
    assert!(wires.iter().all(MemoryTransport::is_open));
}
