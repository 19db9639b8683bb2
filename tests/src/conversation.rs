//! A conversation between two simulated hosts.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use lariat::testing::Simulation;
use lariat::{CloseReason, Once, Peer, Protocol, Result, Transport};

/// Bytes of one message: its number, and a filling that depends on it.
const LENGTH: usize = 24;

fn message(number: usize) -> String {
    format!("{number:08} {:0>14}\n", number.wrapping_mul(7_919))
}

/// What came of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages that came back to who sent them.
    pub returned: Rc<Cell<usize>>,
    /// Connections whose end the client has heard of.
    pub ended: Rc<Cell<usize>>,
}

/// Sends back what it gets, and closes at the end.
struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        transport.write(data);
    }
}

/// Sends so many messages, one every so often, and holds what comes back beside them.
struct Speaker {
    count: usize,
    interval: Duration,
    received: Vec<u8>,
    outcome: Outcome,
}

impl Speaker {
    fn say(&self, transport: &Transport, number: usize) {
        if number == self.count || !transport.is_open() {
            return;
        }
        transport.write(message(number).as_bytes());
        let (next, transport) = (number + 1, transport.clone());
        let handle = transport.handle(self);
        let reactor = transport.reactor().clone();
        reactor.call_later(self.interval, move |_| {
            handle.call(move |own, transport| own.say(transport, next));
        });
    }
}

impl Protocol for Speaker {
    fn connection_made(&mut self, transport: &Transport) {
        self.say(transport, 0);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.received.extend_from_slice(data);
        while self.received.len() >= LENGTH {
            let line: Vec<u8> = self.received.drain(..LENGTH).collect();
            let number = self.outcome.returned.get();
            assert_eq!(line.escape_ascii().to_string(), message(number).as_bytes().escape_ascii().to_string());
            self.outcome.returned.set(number + 1);
        }
        if self.outcome.returned.get() == self.count {
            transport.close();
        }
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        self.outcome.ended.set(self.outcome.ended.get() + 1);
        if reason.is_done() {
            assert_eq!(self.outcome.returned.get(), self.count, "it ended well, but not all came back");
        }
    }
}

/// Has the host `client` send `count` messages to an echo on the host `server`, one each `interval`. A failure to connect is no failure
/// of the conversation.
///
/// # Errors
///
/// When the server cannot listen.
pub fn converse(simulation: &Simulation, count: usize, interval: Duration) -> Result<Outcome> {
    let outcome = Outcome::default();
    simulation.host("server").reactor().listen("tcp:7000", |_: &Peer| Echo)?;
    let speaker = Speaker { count, interval, received: Vec::new(), outcome: outcome.clone() };
    simulation.host("client").reactor().connect("tcp:server:7000", Once::new(speaker)).detach();
    Ok(outcome)
}
