//! A client's side of TLS, ready to be used.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::{ClientConfig, UnbufferedClientConnection};
use rustls::pki_types::ServerName;

use crate::byte_stream::Socket;
use crate::error::Result;
use crate::layer::Layer;

use super::client_options::ClientOptions;
use super::identity::invalid;
use super::session::Session;
use super::stream::TlsStream;

/// What connects by TLS: made by [`ClientOptions::build`](super::ClientOptions::build), and [told the server's name](Self::to) for each.
///
/// Cheap to clone; the clones share their sessions, so that a second connection to a server resumes what the first began. It may be shared
/// by the loops of several threads.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    options: ClientOptions,
    /// As the files were when they were last read.
    config: RwLock<Arc<ClientConfig>>,
}

/// A client's TLS with one server: see [`Connector::to`].
#[derive(Clone)]
pub struct NamedConnector {
    connector: Connector,
    name: ServerName<'static>,
}

impl ClientOptions {
    /// What connects by these options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if an authority's certificate or a revocation list cannot be read, no
    /// authority is trusted, or the name of an application protocol is empty or too long.
    pub fn build(self) -> Result<Connector> {
        Connector::new(self)
    }
}

impl Connector {
    pub(super) fn new(options: ClientOptions) -> Result<Self> {
        let config = RwLock::new(Arc::new(options.config()?));
        Ok(Self(Arc::new(Inner { options, config })))
    }

    /// Reads all files again from which the identity, the authorities and the revocation lists came. Handshakes that begin from
    /// now on use them, and resume no session that was begun before; established connections are not affected.
    ///
    /// The call reads files, which blocks the loop while a disk is slow.
    ///
    /// # Errors
    ///
    /// As for [`ClientOptions::build`] and [`Identity::from_pem_files`](super::Identity::from_pem_files); everything then stays
    /// as it was.
    pub fn reload(&self) -> Result<()> {
        let config = Arc::new(self.0.options.reread()?.config()?);
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn config(&self) -> Arc<ClientConfig> {
        self.0.config.read().unwrap_or_else(PoisonError::into_inner).clone()
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

#[cfg(feature = "testing")]
impl NamedConnector {
    /// A session that buffers, for a peer of a test.
    pub(crate) fn buffered(&self) -> std::result::Result<rustls::ClientConnection, rustls::Error> {
        rustls::ClientConnection::new(self.connector.config(), self.name.clone())
    }
}

impl Layer for NamedConnector {
    fn wrap(&self, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket> {
        let Self { connector, name } = self;
        let session = UnbufferedClientConnection::new(connector.config(), name.clone()).map_err(io::Error::other)?;
        let stream = TlsStream::new(socket, Session::Client(session), unsent, Some(name.to_str().into()));
        Ok(Socket::Boxed(Box::new(stream)))
    }

    fn reload(&self) -> Result<()> {
        self.connector.reload()
    }

    fn timeout(&self) -> Duration {
        self.connector.0.options.timeout()
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
