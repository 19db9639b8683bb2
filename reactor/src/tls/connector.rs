//! A client's side of TLS, ready to be used.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::{ClientConfig, UnbufferedClientConnection};
use rustls::pki_types::ServerName;

use crate::byte_stream::Socket;
use crate::error::Result;
use crate::layer::Layer;

use super::identity::invalid;
use super::session::Session;
use super::stream::TlsStream;

/// What connects by TLS: made by [`ClientOptions::build`](super::ClientOptions::build), and [told the server's name](Self::to) for each.
///
/// Cheap to clone; the clones share their sessions, so that a second connection to a server resumes what the first began. It may be shared
/// by the loops of several threads.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    timeout: Duration,
}

/// A client's TLS with one server: see [`Connector::to`].
#[derive(Clone)]
pub struct NamedConnector {
    connector: Connector,
    name: ServerName<'static>,
}

impl Connector {
    pub(super) fn new(config: ClientConfig, timeout: Duration) -> Self {
        Self { config: Arc::new(config), timeout }
    }

    /// Connects to the server of this name: it is asked for by it (SNI), and its certificate has to be for it. An IP address will do, if
    /// the certificate is for that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if it is neither a DNS name nor an IP address.
    pub fn to(&self, server: &str) -> Result<NamedConnector> {
        let bare = server.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(server);
        let name = ServerName::try_from(bare.to_owned());
        let name = name.map_err(|_| {
            invalid(format!("expected a DNS name or an IP address for TLS, found \"{}\"", server.escape_debug()))
        })?;
        Ok(NamedConnector { connector: self.clone(), name })
    }
}

impl Layer for NamedConnector {
    fn wrap(&self, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket> {
        let Self { connector, name } = self;
        let session =
            UnbufferedClientConnection::new(connector.config.clone(), name.clone()).map_err(io::Error::other)?;
        let stream = TlsStream::new(socket, Session::Client(session), unsent, Some(name.to_str().into()));
        Ok(Socket::Boxed(Box::new(stream)))
    }

    fn timeout(&self) -> Duration {
        self.connector.timeout
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

impl fmt::Debug for NamedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamedConnector").field(&self.name.to_str()).finish()
    }
}
