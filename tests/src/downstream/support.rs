//! What every test of a program needs.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{MainLoop, Protocol, Transport};
use lariat_protocols::{Delimiter, LineDecoder, LineEvent};

/// Where every test listens.
pub const LOOPBACK: &str = "tcp:0:interface=127.0.0.1";

/// Far longer than any of these tests takes, on any machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// Runs the loop until somebody stops it.
///
/// # Panics
///
/// When nobody has after half a minute. (A panic in a callback ends only its connection, so tests that assert there would wait
/// until then; these assert afterwards.)
pub fn run(reactor: MainLoop) {
    let late = Rc::new(Cell::new(false));
    let watchdog = late.clone();
    reactor.call_later(DEADLINE, move |reactor| {
        watchdog.set(true);
        reactor.stop();
    });
    if let Err(error) = reactor.run() {
        panic!("the loop failed: {error}");
    }
    assert!(!late.get(), "nobody stopped the loop");
}

/// A client that shows every line it gets to a closure, which gets an empty one when the connection is made.
pub struct LineClient<F> {
    lines: LineDecoder,
    line_received: F,
}

impl<F: FnMut(&Transport, &str) + 'static> LineClient<F> {
    /// A client for one connection.
    pub fn new(line_received: F) -> Self {
        Self { lines: LineDecoder::new().with_delimiter(Delimiter::LfOrCrLf).with_max_length(1 << 20), line_received }
    }
}

impl<F: FnMut(&Transport, &str) + 'static> Protocol for LineClient<F> {
    fn connection_made(&mut self, transport: &Transport) {
        (self.line_received)(transport, "");
    }

    fn data_received(&mut self, transport: &Transport, mut data: &[u8]) {
        while let Some(event) = self.lines.next(&mut data) {
            match event {
                LineEvent::Line(line) => (self.line_received)(transport, &String::from_utf8_lossy(line)),
                LineEvent::TooLong => return transport.fail("a line is too long"),
            }
        }
    }
}

impl<F> std::fmt::Debug for LineClient<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LineClient")
    }
}
