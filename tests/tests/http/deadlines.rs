//! Whoever is slow is not waited for: in virtual time.

use std::sync::mpsc::channel;
use std::time::Duration;

use lariat::{CloseReason, Failure, Phase, Transport};
use lariat_protocols::http::{Limits, Request, Server, Status};
use lariat_tests::harness::{Ground, Log, World};

use crate::site::{hello, page, server, text, wire, wire_of};

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
fn a_first_head_that_stalls_is_answered_and_logged() {
    let (log, lines) = channel();
    let log = move |line: &str| log.send(line.to_owned()).expect("the test receives");
    let mut wire = wire_of(server().with_access_log(log));
    wire.feed(&GET.as_bytes()[..9]);
    wire.advance(seconds(9));
    assert!(wire.is_open());
    wire.advance(seconds(1));
    assert_eq!(text(wire.take_written()), page(Status::REQUEST_TIMEOUT));
    assert!(!wire.is_open());
    let line = lines.try_recv().expect("it is logged");
    assert!(line.contains("\"GET /hell\" 408 20 "), "{line}");
}

#[test]
fn empty_lines_between_requests_start_no_clock() {
    for stray in ["\r\n", "\r", "\r\n\r\n\r"] {
        let mut wire = wire();
        wire.feed(format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab{stray}").as_bytes());
        assert!(text(wire.take_written()).ends_with("\r\n\r\n2"));
        wire.advance(seconds(59));
        assert!(wire.is_open(), "no head has begun");
        wire.feed(if stray.ends_with('\r') { b"\n" } else { b"\r\n" });
        wire.feed(GET.as_bytes());
        assert_eq!(text(wire.take_written()), hello());
        wire.feed(stray.as_bytes());
        wire.end_of_input();
        assert_eq!(text(wire.take_written()), "", "the end after an empty line is an orderly one");
        assert!(!wire.is_open());
    }
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
    let mut wire = wire_of(server().with_limits(Limits { body_rate: 0, ..Limits::default() }));
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
fn a_body_that_trickles_in_is_given_up() {
    let mut wire = wire();
    wire.feed(b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    for _ in 0..3 {
        wire.advance(seconds(9));
        wire.feed(b"x");
    }
    assert!(wire.is_open());
    wire.advance(seconds(3));
    assert_eq!(text(wire.take_written()), page(Status::REQUEST_TIMEOUT));
    assert!(!wire.is_open());
}

#[test]
fn a_body_that_comes_at_the_least_rate_is_read() {
    const SECONDS: usize = 200;
    let mut wire = wire();
    let length = 500 * SECONDS;
    wire.feed(format!("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    for _ in 0..SECONDS {
        wire.advance(seconds(1));
        wire.feed(&[b'x'; 500]);
    }
    assert!(text(wire.take_written()).ends_with(&format!("\r\n\r\n{length}")));
    assert!(wire.is_open());
    wire.advance(seconds(59));
    assert!(wire.is_open(), "the body's timer is gone");
}

#[test]
fn a_body_that_is_read_only_to_be_dropped_has_ten_seconds() {
    let mut wire = wire();
    wire.feed(b"POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    assert!(text(wire.take_written()).ends_with("ignored"));
    for _ in 0..9 {
        wire.advance(seconds(1));
        wire.feed(b"x");
    }
    assert!(wire.is_open());
    wire.advance(seconds(1));
    assert!(!wire.is_open());
    assert_eq!(wire.take_written(), b"", "it was answered before");
}

#[test]
fn a_slow_reader_of_a_body_is_not_blamed_on_the_client() {
    let server = Server::new(|request: &mut Request<'_>| {
        let mut request = request.take();
        async move {
            request.reactor().sleep(seconds(300)).await?;
            let mut length = 0;
            while let Some(piece) = request.body().next().await {
                length += piece?.len();
            }
            Ok::<_, Failure>(length.to_string())
        }
    });
    let mut wire = wire_of(server);
    wire.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    wire.feed(&[b'x'; 199_999]);
    wire.advance(seconds(300));
    wire.feed(b"x");
    let written = text(wire.take_written());
    assert!(written.ends_with("\r\n\r\n200000"), "{written}");
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
fn a_client_that_reads_slowly_over_a_network_is_served_until_it_stops() {
    const BODY: usize = 4_000_000;
    let pace = Duration::from_secs(25);
    let grounds = [Ground::SimulatedTcp, Ground::SimulatedTls];
    for ground in grounds {
        let mut world = World::new(ground);
        let port = world.listen(Server::new(|_: &mut Request<'_>| "x".repeat(BODY)));
        let client = Log::new();
        let ask = |transport: &Transport| {
            transport.write(GET.as_bytes());
        };
        let sip = |transport: &Transport, _: &[u8]| transport.pause_reading();
        world.connect(&port, client.probe().made(ask).handshake_completed(|_| {}).data(sip));
        world.until("the response begins", || client.received_len() > 0);
        for _ in 0..20 {
            world.pass(pace);
            client.transport().resume_reading();
            world.settle();
            assert!(client.lost().is_none(), "{ground:?}: {:?}", client.lost());
        }
        assert!(client.received_len() < BODY, "{ground:?}: it was slow");
        world.pass(3 * pace);
        client.transport().resume_reading();
        world.until_lost(&[&client]);
        assert_eq!(client.lost().as_deref(), Some("ConnectionReset"), "{ground:?}: it took nothing for long");
    }
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
