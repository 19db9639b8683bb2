//! A port forwarder: each connection to it becomes a connection elsewhere.

use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;

use lariat::{CloseReason, Deferred, Factory, Once, Peer, Protocol, Transport};

/// Forwards every connection to where an endpoint description says.
#[derive(Clone, Debug)]
pub struct Forwarder {
    target: Rc<str>,
}

impl Forwarder {
    /// A forwarder to `target`, such as `tcp:192.0.2.1:80`.
    pub fn new(target: &str) -> Self {
        Self { target: target.into() }
    }
}

impl Factory for Forwarder {
    type Protocol = Side;

    fn build_protocol(&mut self, _: &Peer) -> Option<Side> {
        Some(Side { other: Rc::default(), role: Role::Inbound { target: self.target.clone(), connecting: None } })
    }
}

/// One of the two connections: what arrives here leaves by the other, at the other's pace.
pub struct Side {
    /// Empty until both connections stand.
    other: Rc<OnceCell<Transport>>,
    role: Role,
}

enum Role {
    /// From the client. If it goes before the target is reached, the attempt goes with it.
    Inbound { target: Rc<str>, connecting: Option<Deferred<()>> },
    /// To the target, with the cell in which the client's side looks for this one.
    Outbound { announce: Rc<OnceCell<Transport>> },
}

impl Side {
    fn tell_other(&self, tell: impl FnOnce(&Transport)) {
        if let Some(other) = self.other.get() {
            tell(other);
        }
    }
}

impl Protocol for Side {
    fn connection_made(&mut self, transport: &Transport) {
        // What is queued here came from the other side. To stop reading here because of it would stop both directions.
        transport.set_backpressure(false);
        match &mut self.role {
            Role::Inbound { target, connecting } => {
                transport.pause_reading();
                let outbound = Side {
                    other: Rc::new(OnceCell::from(transport.clone())),
                    role: Role::Outbound { announce: self.other.clone() },
                };
                let inbound = transport.clone();
                let connected = transport.reactor().connect(target, Once::new(outbound)).map(drop);
                *connecting = Some(connected.recover(move |_| inbound.close()));
            }
            Role::Outbound { announce } => {
                if self.other.get().is_none_or(|inbound| !inbound.is_open()) {
                    // The client did not wait.
                    return transport.abort();
                }
                let _ = announce.set(transport.clone());
                self.tell_other(Transport::resume_reading);
            }
        }
    }

    fn data_received(&mut self, _: &Transport, data: &[u8]) {
        self.tell_other(|other| {
            other.write(data);
        });
    }

    fn read_closed(&mut self, _: &Transport) {
        self.tell_other(Transport::close_write);
    }

    fn write_paused(&mut self, _: &Transport) {
        self.tell_other(Transport::pause_reading);
    }

    fn write_resumed(&mut self, _: &Transport) {
        self.tell_other(Transport::resume_reading);
    }

    fn connection_lost(&mut self, _: &Transport, reason: CloseReason) {
        if let Role::Inbound { connecting, .. } = &mut self.role {
            *connecting = None;
        }
        // A clean end has been passed on already, each direction in its turn.
        if !reason.is_done() {
            self.tell_other(Transport::abort);
        }
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("other", &self.other.get()).finish_non_exhaustive()
    }
}
