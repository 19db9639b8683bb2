//! A client's connection, and the backend's for it.

use std::fmt;

use lariat::{CloseReason, Deferred, LogThrottle, Once, Protocol, Successor, Transport, Wrapper};
use lariat_protocols::Relay;
use log::Level;

use super::service::{Lease, Proxy};
use crate::seats::Seat;

/// Each client causes one while all backends are down.
const NO_BACKEND: LogThrottle = LogThrottle::new("lariat_examples::proxy::client");

/// A client. It is read nothing from until a backend answers; when none does it is closed in good order.
pub struct Client {
    relay: Relay,
    proxy: Proxy,
    /// None if there was no room.
    seat: Option<Seat>,
    /// Backends that did not answer.
    tried: Vec<usize>,
    /// If the client goes before it comes to anything, the attempt goes with it.
    attempt: Option<Deferred<()>>,
}

impl Client {
    pub(super) fn new(relay: Relay, proxy: Proxy, seat: Option<Seat>) -> Self {
        Self { relay, proxy, seat, tried: Vec::new(), attempt: None }
    }

    /// Tries the next backend.
    fn try_next(&mut self, transport: &Transport) {
        let proxy = self.proxy.clone();
        let reactor = transport.reactor();
        let Some(lease) = proxy.pick(reactor, &self.tried) else {
            NO_BACKEND.log(
                Level::Warn,
                format_args!("{}: closed, because no backend is available", transport.peer().address()),
            );
            return transport.close();
        };
        let backend = lease.backend();
        self.tried.push(backend);
        let Some(target) = proxy.targets().get(backend) else { return transport.close() };
        let upstream = Upstream { relay: self.relay.opposite(), lease };
        let client = transport.handle(self);
        let connected = target.connect(reactor, Once::new(upstream)).map(drop);
        self.attempt = Some(connected.recover(move |failure| {
            proxy.has_failed(backend, &failure, client.transport().reactor().now());
            client.call(Self::try_next);
        }));
    }
}

impl Wrapper for Client {
    type Inner = Relay;

    fn inner(&mut self) -> &mut Relay {
        &mut self.relay
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn connection_made(&mut self, transport: &Transport) {
        if self.seat.is_none() {
            log::debug!("{}: refused, there are too many clients", transport.peer().address());
            return transport.close();
        }
        self.relay.connection_made(transport);
        self.try_next(transport);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.attempt = None;
        log::debug!("{}: {reason}", transport.peer().address());
        self.relay.connection_lost(transport, reason);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("relay", &self.relay).field("tried", &self.tried).finish_non_exhaustive()
    }
}

/// The connection to a backend.
struct Upstream {
    relay: Relay,
    lease: Lease,
}

impl Wrapper for Upstream {
    type Inner = Relay;

    fn inner(&mut self) -> &mut Relay {
        &mut self.relay
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn connection_made(&mut self, transport: &Transport) {
        self.lease.succeeded();
        self.relay.connection_made(transport);
    }
}
