//! Who makes the protocols.

use std::fmt;

use crate::protocol::Protocol;
use crate::transport::Peer;

/// Makes a protocol for each connection of a port, or for the one that a connect makes.
///
/// Closures and functions from `&Peer` are factories, whether they give a protocol, a `Box<dyn Protocol>`, or an `Option` of
/// either; [`Once`] is one for a single connection. A factory may keep what its protocols share.
///
/// ```
/// use lariat::{Peer, Protocol, Reactor, Transport};
/// # struct Echo;
/// # impl Protocol for Echo {
/// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
/// #         transport.write(data);
/// #     }
/// # }
///
/// let reactor = Reactor::new()?;
/// let local_only = |peer: &Peer| peer.address().tcp().is_some_and(|peer| peer.ip().is_loopback()).then_some(Echo);
/// reactor.listen("tcp:0", local_only)?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "IProtocolFactory")]
#[doc(alias = "ServerFactory")]
#[doc(alias = "ClientFactory")]
pub trait Factory: 'static {
    /// What it makes.
    type Protocol: Protocol;

    /// A protocol for a connection to `peer`, or none to refuse it: the connection is then closed without a word.
    ///
    /// A panic refuses it too.
    #[doc(alias = "buildProtocol")]
    fn build_protocol(&mut self, peer: &Peer) -> Option<Self::Protocol>;

    /// The application protocols that the factory's protocols speak, by their ALPN names (RFC 7301), preferred first: `http/1.1`
    /// for an HTTP server. Default: none.
    ///
    /// A port that speaks TLS and whose options name no application protocols uses these: a client that offers others is refused
    /// with the alert `no_application_protocol`, so that a browser cannot be led to speak HTTP to a server of another protocol
    /// (the attack ALPACA). A client that offers none is served.
    fn application_protocols(&self) -> &[&str] {
        &[]
    }
}

impl<F, P> Factory for F
where
    F: FnMut(&Peer) -> P + 'static,
    P: IntoProtocol,
{
    type Protocol = P::Protocol;

    fn build_protocol(&mut self, peer: &Peer) -> Option<P::Protocol> {
        self(peer).into_protocol()
    }
}

/// What a closure may give to be a [`Factory`]: a protocol, or perhaps one.
pub trait IntoProtocol {
    /// The protocol.
    type Protocol: Protocol;

    /// The protocol, if there is one.
    fn into_protocol(self) -> Option<Self::Protocol>;
}

impl<P: Protocol> IntoProtocol for P {
    type Protocol = P;

    fn into_protocol(self) -> Option<P> {
        Some(self)
    }
}

impl<P: Protocol> IntoProtocol for Option<P> {
    type Protocol = P;

    fn into_protocol(self) -> Self {
        self
    }
}

/// A factory of a single protocol, for a single connection: what [`Reactor::connect`](crate::Reactor::connect) needs. On a port it
/// refuses every connection after the first.
pub struct Once<P>(Option<P>);

impl<P: Protocol> Once<P> {
    /// The factory that gives `protocol` away.
    pub fn new(protocol: P) -> Self {
        Self(Some(protocol))
    }
}

impl<P: Protocol> Factory for Once<P> {
    type Protocol = P;

    fn build_protocol(&mut self, _: &Peer) -> Option<P> {
        self.0.take()
    }
}

impl<P> fmt::Debug for Once<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Once").field(&self.0.is_some()).finish()
    }
}
