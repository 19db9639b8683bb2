//! The other end of a connection.

use std::fmt;
use std::rc::Rc;

use crate::address::Address;
use crate::byte_stream::Credentials;
use crate::error::{Error, Result};

use super::shared::Shared;

/// What is known of the other end once the stream is ready: what a [`Factory`](crate::Factory) decides by.
#[derive(Clone)]
pub struct Peer {
    shared: Rc<Shared>,
}

impl Peer {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        Self { shared }
    }

    /// Where the peer is. It stays known after the connection has ended.
    pub fn address(&self) -> Address {
        Address::from(&self.shared.peer)
    }

    /// Where the peer of a connection is.
    pub(crate) fn address_of(shared: &Shared) -> Address {
        Address::from(&shared.peer)
    }

    /// The address of this end: which of the host's addresses the peer connected to.
    ///
    /// # Errors
    ///
    /// When the connection has ended.
    pub fn local_address(&self) -> Result<Address> {
        self.shared
            .state
            .with(|state| state.socket.local_address())
            .map_err(|error| Error::io("could not read the local address", error))
    }

    /// What a layer around the stream knows of the other end.
    #[cfg(feature = "tls")]
    pub(crate) fn facts(&self) -> Option<Box<dyn std::any::Any>> {
        self.shared.state.with(|state| state.socket.facts())
    }

    /// The name by which the client asked for the server in the TLS handshake (SNI, RFC 6066, section 3), if it did. On
    /// the client's side, the name that it asked for. `None` without TLS, and once the connection has ended.
    ///
    /// Unlike `Peer::tls`, which has it too, this allocates nothing, so that a server can look at it for each request.
    ///
    /// ```
    /// use lariat::{Peer, Protocol, Reactor, Transport};
    /// # struct Site(Option<String>);
    /// # impl Protocol for Site {
    /// #     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// # }
    ///
    /// let reactor = Reactor::new()?;
    /// let factory = |peer: &Peer| Site(peer.server_name().map(|name| name.to_string()));
    /// reactor.listen("tcp:0:interface=127.0.0.1", factory)?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn server_name(&self) -> Option<Rc<str>> {
        self.shared.state.with(|state| state.socket.server_name())
    }

    /// The process on the other end, if this is a Unix connection that has not ended.
    pub fn credentials(&self) -> Option<Credentials> {
        self.shared.state.with(|state| state.socket.credentials())
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Peer").field(&self.address()).finish()
    }
}
