//! Peers that do what no client would.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use crate::address::Address;
use crate::options::ConnectOptions;
use crate::simulated::LooseEnd;
use crate::stats::Stats;
use crate::stream::Port;
use crate::testing::VirtualClock;
use crate::testing::far_end::{FarEnd, Sees};
use crate::testing::far_ends::FarEnds;
use crate::testing::witness::Record;
use crate::token::Token;

#[cfg(feature = "tls")]
use super::session::Session;
use super::subject::Subject;

/// A server in memory, and the clock that it follows.
pub(super) struct Stage {
    pub(super) clock: VirtualClock,
    pub(super) port: Port,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::NamedConnector>,
}

impl Stage {
    #[track_caller]
    pub(super) fn new(subject: &impl Subject) -> Self {
        let clock = VirtualClock::new();
        let port = subject.listen(&clock, "tcp:7000");
        let port = port.unwrap_or_else(|error| panic!("the page's server does not start: {error}"));
        clock.settle();
        Self {
            clock,
            port,
            #[cfg(feature = "tls")]
            tls: subject.tls(),
        }
    }

    /// A visitor from the address that most come from.
    #[track_caller]
    pub(super) fn visitor(&self) -> Visitor {
        self.visitor_from(IpAddr::from([198, 51, 100, 1]))
    }

    /// A visitor from an address. It takes all that it is sent and does not close when the server
    /// does.
    #[track_caller]
    pub(super) fn visitor_from(&self, address: IpAddr) -> Visitor {
        let to = match self.port.address() {
            Address::Tcp(to) => Address::Tcp(SocketAddr::from(([203, 0, 113, 1], to.port()))),
            other => other.clone(),
        };
        let options = ConnectOptions { bind_address: Some(address), ..ConnectOptions::default() };
        let Some(token) = self.clock.with_peers(FarEnds::reserve) else {
            panic!("the clock takes no more connections")
        };
        let end = LooseEnd::connect(self.clock.world(), &to, &options, token);
        let end = end.unwrap_or_else(|error| panic!("the visitor cannot connect: {error}"));
        let end = Rc::new(FarEnd::new(end, Rc::new(Record::default())));
        end.set_room(None);
        self.clock.with_peers(|peers| peers.add(token, &end));
        let visitor = Visitor {
            end,
            token,
            clock: self.clock.clone(),
            sent: Cell::new(0),
            #[cfg(feature = "tls")]
            session: self.tls.as_ref().map(Session::new),
        };
        visitor.shake_hands();
        visitor
    }

    pub(super) fn stats(&self) -> Stats {
        self.clock.stats()
    }

    /// Lets the loop take one turn, and the visitors act on it.
    #[track_caller]
    pub(super) fn turn(&self) {
        let turn = self.clock.with_loop(|main_loop| main_loop.turn(Some(Duration::ZERO)));
        turn.unwrap_or_else(|error| panic!("the loop failed: {error}"));
        self.clock.let_peers_act();
    }
}

/// A peer of the server.
pub(super) struct Visitor {
    end: Rc<FarEnd>,
    token: Token,
    clock: VirtualClock,
    /// Bytes sent, TLS's own included.
    sent: Cell<u64>,
    #[cfg(feature = "tls")]
    session: Option<Session>,
}

#[cfg(feature = "tls")]
impl Visitor {
    fn shake_hands(&self) {
        if self.session.is_some() {
            // The ClientHello, and the end of the handshake.
            self.send(b"");
            self.send(b"");
        }
    }

    /// Decrypts what was received.
    fn open(&self) {
        if let Some(session) = &self.session {
            let answer = session.open(&self.end.take());
            self.send_bytes(&answer);
        }
    }

    fn seal(&self, data: &[u8]) {
        self.open();
        match &self.session {
            Some(session) => self.send_bytes(&session.seal(data)),
            None => self.send_bytes(data),
        }
    }

    fn close(&self) {
        self.open();
        if let Some(session) = &self.session {
            self.send_bytes(&session.close());
        }
    }

    pub(super) fn output(&self) -> Vec<u8> {
        self.open();
        self.session.as_ref().map_or_else(|| self.end.taken(), Session::received)
    }

    pub(super) fn forget_output(&self) {
        self.open();
        match &self.session {
            Some(session) => session.forget(),
            None => drop(self.end.take()),
        }
    }
}

#[cfg(not(feature = "tls"))]
impl Visitor {
    fn shake_hands(&self) {}

    fn seal(&self, data: &[u8]) {
        self.send_bytes(data);
    }

    fn close(&self) {}

    pub(super) fn output(&self) -> Vec<u8> {
        self.end.taken()
    }

    pub(super) fn forget_output(&self) {
        drop(self.end.take());
    }
}

impl Visitor {
    fn send_bytes(&self, bytes: &[u8]) {
        self.sent.set(self.sent.get() + bytes.len() as u64);
        self.end.send(bytes);
    }

    /// Returns how many bytes were sent to the server, TLS's own included.
    pub(super) fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Sends `data`, and lets everything happen that follows from it.
    #[track_caller]
    pub(super) fn send(&self, data: &[u8]) {
        self.send_only(data);
        self.clock.settle();
    }

    /// Sends `data`, without a turn of the loop.
    pub(super) fn send_only(&self, data: &[u8]) {
        self.seal(data);
        self.end.act();
    }

    /// Ends its writing side.
    #[track_caller]
    pub(super) fn end(&self) {
        self.close();
        self.end.end();
        self.end.act();
        self.clock.settle();
    }

    #[track_caller]
    pub(super) fn reset(&self) {
        self.end.reset();
        self.clock.settle();
    }

    /// Returns whether the server has ended the connection, or its side of it.
    pub(super) fn is_over(&self) -> bool {
        self.end.sees() != Sees::Open
    }

    /// Returns the state of the connection as the visitor sees it.
    pub(super) fn sees(&self) -> &'static str {
        match self.end.sees() {
            Sees::Open => "open",
            Sees::End => "ended",
            Sees::Reset => "reset",
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.clock.with_peers(|peers| peers.remove(self.token));
    }
}

/// Returns how often `part` is in `whole`, without overlaps.
pub(super) fn count(whole: &[u8], part: &[u8]) -> usize {
    let (mut rest, mut count) = (whole, 0);
    while let Some(at) = rest.windows(part.len().max(1)).position(|window| window == part) {
        count += 1;
        rest = &rest[at + part.len().max(1)..];
    }
    count
}

pub(super) fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len().max(1)).any(|window| window == part)
}
