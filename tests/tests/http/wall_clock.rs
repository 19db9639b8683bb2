//! Dates that the server takes from its reactor.

use std::time::{Duration, SystemTime};

use lariat::StreamOptions;
use lariat::testing::{MemoryTransport, VirtualClock};
use lariat_protocols::http::{Request, Server};
use lariat_tests::downstream::Shared;

#[test]
fn date_and_access_log_follow_the_wall_clock_of_the_reactor() {
    let (clock, lines) = (VirtualClock::new(), Shared::new(Vec::new()));
    clock.set_wall_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777));
    let log = lines.clone();
    let server = Server::new(|_: &mut Request<'_>| "hello")
        .with_access_log(move |line| log.with(|lines| lines.push(line.to_owned())));
    let mut wire = MemoryTransport::serve(&clock, server, StreamOptions::default());
    let mut answer = || {
        wire.feed(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        String::from_utf8(wire.take_written()).expect("it is text")
    };
    assert!(answer().contains("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    clock.advance(Duration::from_secs(2));
    assert!(answer().contains("\r\nDate: Sun, 06 Nov 1994 08:49:39 GMT\r\n"));
    let lines = lines.take();
    assert!(lines[0].contains("[06/Nov/1994:08:49:37 +0000]"), "{lines:?}");
    assert!(lines[1].contains("[06/Nov/1994:08:49:39 +0000]"), "{lines:?}");
}
