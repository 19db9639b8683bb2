//! A client's connection.

use std::fmt;

use lariat::{CloseReason, Deferred, LogThrottle, Once, Protocol, Successor, Transport, Wrapper};
use lariat_protocols::Relay;
use log::Level;

use super::service::TlsProxy;
use crate::seats::Seat;

/// Each client causes one while its backend is down.
const NO_BACKEND: LogThrottle = LogThrottle::new("lariat_examples::tls_proxy::visitor");

/// A client, whose TLS is ready. It is read nothing from until the backend answers; if that does not it is closed in good order.
pub struct Visitor {
    relay: Relay,
    proxy: TlsProxy,
    _seat: Seat,
    /// The name that it has asked for.
    name: Option<String>,
    /// If the client goes before it comes to anything, the attempt goes with it.
    attempt: Option<Deferred<()>>,
}

impl Visitor {
    pub(super) fn new(relay: Relay, proxy: TlsProxy, seat: Seat, name: Option<String>) -> Self {
        Self { relay, proxy, _seat: seat, name, attempt: None }
    }
}

impl Wrapper for Visitor {
    type Inner = Relay;

    fn inner(&mut self) -> &mut Relay {
        &mut self.relay
    }

    fn rewrap(self, successor: Successor) -> Successor {
        successor
    }

    fn connection_made(&mut self, transport: &Transport) {
        self.relay.connection_made(transport);
        let Some((route, backend)) = self.proxy.find(self.name.as_deref()) else { return transport.close() };
        let (name, client) = (route.name.clone(), transport.clone());
        let upstream = Once::new(self.relay.opposite());
        let connected = backend.connect(transport.reactor(), upstream).map(drop);
        self.attempt = Some(connected.recover(move |failure| {
            if !failure.is_cancelled() {
                let peer = client.peer();
                NO_BACKEND.log(
                    Level::Warn,
                    format_args!("{}: could not reach the backend of {name}: {failure}", peer.address()),
                );
            }
            client.close();
        }));
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.attempt = None;
        log::debug!("{}: {reason}", transport.peer().address());
        self.relay.connection_lost(transport, reason);
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").field("relay", &self.relay).field("name", &self.name).finish_non_exhaustive()
    }
}
