//! `LineReceiver` on the loop.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
use lariat_protocols::{LineProtocol, LineReceiver, LineTransport};

const ANSWER: usize = 2048;
const LINES: usize = 10_000;

/// Answers every line at length.
struct Talker;

impl LineProtocol for Talker {
    fn line_received(&mut self, transport: &LineTransport, _: &[u8]) {
        transport.write(&[b'x'; ANSWER]);
    }
}

/// Asks everything at once, and reads the answers.
struct Asker(Rc<Cell<usize>>);

impl Protocol for Asker {
    fn connection_made(&mut self, transport: &Transport) {
        transport.set_backpressure(false);
        transport.write(&b"?\r\n".repeat(LINES));
        transport.close_write();
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.0.set(self.0.get() + data.len());
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        assert!(reason.is_done(), "{reason}");
        transport.reactor().stop();
    }
}

#[test]
fn answers_to_pipelined_lines_stay_bounded_however_many_lines_one_read_brings() {
    let reactor = Reactor::new().unwrap();
    let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| LineReceiver::new(Talker)).unwrap();
    let received = Rc::new(Cell::new(0));
    reactor.connect(&port.address().to_string(), Once::new(Asker(received.clone()))).detach();
    reactor.call_later(Duration::from_secs(60), Reactor::stop);
    reactor.run().unwrap();
    assert_eq!(received.get(), LINES * ANSWER, "every line was answered");
}
