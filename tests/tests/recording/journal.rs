//! What protocols were told, and when.

use std::time::Instant;

use lariat::{CloseReason, Factory, Idle, Peer, Protocol, Reactor, Successor, Transport, Wrapper};
use lariat_tests::downstream::Shared;

/// Who says this stops the loop.
pub(crate) const STOP: &[u8] = b"that is all\n";

/// All that protocols hear, in order, with the time by the reactor's clock.
#[derive(Clone)]
pub(crate) struct Journal {
    notes: Shared<Vec<String>>,
    beginning: Instant,
}

impl Journal {
    pub(crate) fn new(reactor: &Reactor) -> Self {
        Self { notes: Shared::default(), beginning: reactor.now() }
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        self.notes.with(|notes| notes.clone())
    }

    pub(crate) fn note(&self, reactor: &Reactor, what: impl std::fmt::Display) {
        let elapsed = reactor.now() - self.beginning;
        self.notes.with(|notes| notes.push(format!("{elapsed:?} {what}")));
    }

    /// A factory whose protocols are those of `factory`, and written about here.
    pub(crate) fn of<F: Factory>(&self, factory: F) -> Observed<F> {
        Observed { factory, journal: self.clone() }
    }
}

pub(crate) struct Observed<F> {
    factory: F,
    journal: Journal,
}

impl<F: Factory> Factory for Observed<F> {
    type Protocol = Subject<F::Protocol>;

    fn build_protocol(&mut self, peer: &Peer) -> Option<Self::Protocol> {
        let inner = self.factory.build_protocol(peer)?;
        Some(Subject { inner, name: peer.address().to_string(), journal: self.journal.clone() })
    }
}

pub(crate) struct Subject<P> {
    inner: P,
    name: String,
    journal: Journal,
}

impl<P> Subject<P> {
    fn note(&self, transport: &Transport, what: impl std::fmt::Display) {
        self.journal.note(&transport.reactor().clone(), format_args!("{}: {what}", self.name));
    }
}

impl<P: Protocol> Wrapper for Subject<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(Subject { inner, name: self.name, journal: self.journal })
    }

    fn connection_made(&mut self, transport: &Transport) {
        self.note(transport, "made");
        self.inner.connection_made(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.note(transport, format_args!("{}", data.escape_ascii()));
        if data.ends_with(STOP) {
            return transport.reactor().stop();
        }
        self.inner.data_received(transport, data);
    }

    fn read_closed(&mut self, transport: &Transport) {
        self.note(transport, "read closed");
        self.inner.read_closed(transport);
    }

    fn read_resumed(&mut self, transport: &Transport) {
        self.note(transport, "read resumed");
        self.inner.read_resumed(transport);
    }

    fn write_paused(&mut self, transport: &Transport) {
        self.note(transport, "write paused");
        self.inner.write_paused(transport);
    }

    fn write_resumed(&mut self, transport: &Transport) {
        self.note(transport, "write resumed");
        self.inner.write_resumed(transport);
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        self.note(transport, format_args!("timed out: {idle:?}"));
        self.inner.timed_out(transport, idle);
    }

    fn drain(&mut self, transport: &Transport) {
        self.note(transport, "drain");
        self.inner.drain(transport);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.note(transport, format_args!("lost: {reason}"));
        self.inner.connection_lost(transport, reason);
    }
}
