//! A client that asks and does not read.

use crate::site::{hello, wire};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_hundred_thousand_pipelined_requests_of_a_client_that_does_not_read_are_held_back_and_then_all_answered() {
    const REQUESTS: usize = 100_000;
    let mut wire = wire();
    wire.peer_takes(0);
    wire.feed(GET.repeat(REQUESTS).as_bytes());
    // The queue's high mark, and what one turn gathers above it.
    assert!(wire.queued() < 256 * 1024, "{} bytes are queued", wire.queued());
    assert!(wire.is_reading_paused());
    wire.peer_takes_all();
    let written = wire.take_written();
    assert_eq!(written.len(), REQUESTS * hello().len());
    assert!(written.chunks(hello().len()).all(|answer| answer == hello().as_bytes()));
    assert!(wire.is_open());
}
