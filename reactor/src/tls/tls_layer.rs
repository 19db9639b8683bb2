//! Putting TLS around connections.

use std::fmt;
use std::sync::Arc;

use crate::layer::Layer;
use crate::options::{ConnectOptions, ListenOptions, StreamOptions};

use super::acceptor::Acceptor;
use super::connector::NamedConnector;

/// One side of TLS, whichever: what [`StreamOptions::tls`], [`ListenOptions::tls`], [`ConnectOptions::tls`] and
/// [`Transport::start_tls`](crate::Transport::start_tls) take. Made from an [`Acceptor`] or from what [`Connector::to`](super::Connector::to)
/// gives.
///
/// The side does not depend on who made the connection: after a word in clear, who accepted it may be the client.
#[derive(Clone)]
pub struct TlsLayer(pub(super) Arc<dyn Layer>);

impl From<Acceptor> for TlsLayer {
    fn from(acceptor: Acceptor) -> Self {
        Self(Arc::new(acceptor))
    }
}

impl From<&Acceptor> for TlsLayer {
    fn from(acceptor: &Acceptor) -> Self {
        acceptor.clone().into()
    }
}

impl From<NamedConnector> for TlsLayer {
    fn from(connector: NamedConnector) -> Self {
        Self(Arc::new(connector))
    }
}

impl From<&NamedConnector> for TlsLayer {
    fn from(connector: &NamedConnector) -> Self {
        connector.clone().into()
    }
}

impl fmt::Debug for TlsLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsLayer")
    }
}

impl StreamOptions {
    /// Speaks TLS on the connection. The factory is asked for a protocol when the handshake is done; of a socket that was
    /// [adopted](crate::Reactor::adopt_stream), the protocol is there before.
    #[must_use]
    pub fn tls(mut self, layer: impl Into<TlsLayer>) -> Self {
        self.set_layer(layer.into().0);
        self
    }
}

impl ListenOptions {
    /// Speaks TLS on every connection of the port. The factory is asked for a protocol when the handshake is done; what fails before that
    /// is counted in [`Stats::failed_handshakes`](crate::Stats::failed_handshakes) and logged, and nobody else hears of it.
    #[doc(alias = "listenSSL")]
    #[must_use]
    pub fn tls(mut self, layer: impl Into<TlsLayer>) -> Self {
        self.stream = self.stream.tls(layer);
        self
    }
}

impl ConnectOptions {
    /// Speaks TLS on the connection. The factory is asked for a protocol when the handshake is done; if that fails, so does the Deferred,
    /// with [`ErrorKind::Tls`](crate::ErrorKind::Tls).
    #[doc(alias = "connectSSL")]
    #[doc(alias = "wrapClientTLS")]
    #[must_use]
    pub fn tls(mut self, layer: impl Into<TlsLayer>) -> Self {
        self.stream = self.stream.tls(layer);
        self
    }
}
