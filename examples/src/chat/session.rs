//! The hall on the network.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use lariat::{Bytes, CloseReason, ConnectionId, DelayedCall, Factory, Keepalive, Peer, Transport};
use lariat_protocols::{Delimiter, LineProtocol, LineReceiver, LineTransport};

use super::hall::{Departure, Effect, Hall};
use super::telnet::OverTelnet;

/// The most bytes of a line.
const MAX_LINE: usize = 1024;

/// How long somebody may take to think of a nickname.
const NICKNAME_TIMEOUT: Duration = Duration::from_secs(30);

/// One hall with all its connections, whatever ports they come through: clones share it.
#[derive(Clone, Debug)]
pub struct Chat {
    floor: Rc<RefCell<Floor>>,
    queue_limit: usize,
}

impl Chat {
    /// How many bytes may wait for somebody who does not read, unless set otherwise: 1 MiB.
    pub const QUEUE_LIMIT: usize = 1024 * 1024;

    /// A hall with nobody in it.
    pub fn new() -> Self {
        Self { floor: Rc::default(), queue_limit: Self::QUEUE_LIMIT }
    }

    /// Sets how many bytes may wait for somebody who does not read. Whoever has more waiting is put out.
    #[must_use]
    pub fn with_queue_limit(mut self, bytes: usize) -> Self {
        self.queue_limit = bytes;
        self
    }

    /// Visits the hall, and does what it then wants done.
    #[expect(clippy::disallowed_methods, reason = "the only borrow, and nothing in it comes back here")]
    fn visit(&self, visit: impl FnOnce(&mut Floor) -> Vec<Effect<ConnectionId>>) {
        let floor = &mut *self.floor.borrow_mut();
        let effects = visit(floor);
        floor.carry_out(effects);
    }
}

impl Default for Chat {
    fn default() -> Self {
        Self::new()
    }
}

impl Factory for Chat {
    type Protocol = OverTelnet<LineReceiver<Session>>;

    fn build_protocol(&mut self, _: &Peer) -> Option<Self::Protocol> {
        let lines = LineReceiver::new(Session { chat: self.clone(), patience: None });
        let lines = lines.with_delimiter(Delimiter::LfOrCrLf).with_max_length(MAX_LINE).without_other_protocols();
        Some(OverTelnet::new(lines))
    }

    fn application_protocols(&self) -> &[&str] {
        // No name is registered for it; one of its own keeps browsers out.
        &["x-lariat-chat"]
    }
}

/// The hall, and the ways to those who are in it.
#[derive(Debug, Default)]
struct Floor {
    hall: Hall<ConnectionId>,
    transports: BTreeMap<ConnectionId, Transport>,
}

impl Floor {
    fn carry_out(&self, effects: Vec<Effect<ConnectionId>>) {
        for effect in effects {
            match effect {
                Effect::Tell(to, mut line) => {
                    line.push_str("\r\n");
                    // Everybody's queue shares the one buffer.
                    let line = Bytes::from(line);
                    for transport in to.iter().filter_map(|guest| self.transports.get(guest)) {
                        transport.write_chunk(line.clone());
                    }
                }
                Effect::HangUp(guest) => {
                    if let Some(transport) = self.transports.get(&guest) {
                        transport.close();
                    }
                }
            }
        }
    }
}

/// Somebody's connection.
#[derive(Debug)]
pub struct Session {
    chat: Chat,
    /// Ends it unless a nickname comes in time.
    patience: Option<DelayedCall>,
}

impl LineProtocol for Session {
    fn connection_made(&mut self, transport: &LineTransport) {
        let guest = transport.id();
        transport.set_queue_limit(self.chat.queue_limit);
        if let Err(error) = transport.set_keepalive(Some(Keepalive::default())) {
            log::debug!("{}: {error}", transport.peer().address());
        }
        self.patience = Some(transport.handle(self).call_later(NICKNAME_TIMEOUT, move |session, _| {
            session.chat.visit(|floor| floor.hall.nickname_is_late(guest));
        }));
        self.chat.visit(|floor| {
            floor.transports.insert(guest, Transport::clone(transport));
            floor.hall.arrive(guest)
        });
    }

    fn line_received(&mut self, transport: &LineTransport, line: &[u8]) {
        self.chat.visit(|floor| floor.hall.line(transport.id(), line));
    }

    fn line_length_exceeded(&mut self, transport: &LineTransport, max_length: usize) {
        self.chat.visit(|floor| floor.hall.line_too_long(transport.id(), max_length));
    }

    fn drain(&mut self, transport: &LineTransport) {
        self.chat.visit(|floor| floor.hall.dismiss(transport.id()));
    }

    fn connection_lost(&mut self, transport: &LineTransport, reason: CloseReason) {
        if let Some(patience) = self.patience.take() {
            patience.cancel();
        }
        let departure = match reason {
            CloseReason::Done => Departure::Left,
            CloseReason::Overflow => Departure::TooSlow,
            CloseReason::Panicked | CloseReason::Failed(_) => Departure::Failed,
            _ => Departure::Lost,
        };
        self.chat.visit(|floor| {
            floor.transports.remove(&transport.id());
            match transport.reactor().has_ended() {
                // Everybody goes, and nobody is left to tell.
                true => Vec::new(),
                false => floor.hall.leave(transport.id(), departure),
            }
        });
    }
}
