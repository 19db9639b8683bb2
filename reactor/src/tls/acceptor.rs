//! A server's side of TLS, ready to be used.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::server::{ServerConfig, UnbufferedServerConnection};

use crate::byte_stream::Socket;
use crate::error::Result;
use crate::layer::Layer;

use super::server_options::{Resumption, ServerOptions};
use super::session::Session;
use super::stream::TlsStream;

/// What serves TLS: made by [`ServerOptions::build`], given to [`ListenOptions::tls`](crate::ListenOptions::tls) or
/// [`Transport::start_tls`](crate::Transport::start_tls).
///
/// Cheap to clone, and the clones are one: [`reload`](Self::reload) has effect on all that use it. It may be shared by the loops of several
/// threads.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    now: RwLock<State>,
}

struct State {
    options: ServerOptions,
    config: Arc<ServerConfig>,
    resumption: Resumption,
}

impl State {
    fn new(options: ServerOptions, resumption: Resumption) -> Result<Self> {
        let config = Arc::new(options.config(&resumption)?);
        Ok(Self { options, config, resumption })
    }
}

impl Acceptor {
    pub(super) fn new(options: ServerOptions) -> Result<Self> {
        let state = State::new(options, Resumption::new()?)?;
        Ok(Self(Arc::new(Inner { now: RwLock::new(state) })))
    }

    /// Reads all files anew from which identities, authorities and revocation lists came. Handshakes that begin from now on go by them;
    /// connections that stand go on as they are.
    ///
    /// It reads files, which on a slow disk keeps the loop waiting.
    ///
    /// # Errors
    ///
    /// As for [`ServerOptions::build`] and [`Identity::from_pem_files`](super::Identity::from_pem_files); everything stays as it was then.
    pub fn reload(&self) -> Result<()> {
        let options = self.read(|state| state.options.reread())?;
        self.replace(options)
    }

    /// Goes by other options from now on: the same as [`reload`](Self::reload) for what does not come from files.
    ///
    /// # Errors
    ///
    /// As for [`ServerOptions::build`]; everything stays as it was then.
    pub fn replace(&self, options: ServerOptions) -> Result<()> {
        // Who was let in once by other authorities must not come in again by a ticket.
        let keeps_sessions = !options.judges_clients() && !self.read(|state| state.options.judges_clients());
        let resumption = if keeps_sessions { self.read(|state| state.resumption.clone()) } else { Resumption::new()? };
        let state = State::new(options, resumption)?;
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    fn read<R>(&self, visit: impl FnOnce(&State) -> R) -> R {
        visit(&self.0.now.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerOptions {
    /// What serves by these options.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if an authority's certificate or a revocation list cannot be read,
    /// a revocation list is given although no client is asked for a certificate, or the name of an application protocol is empty
    /// or too long.
    pub fn build(self) -> Result<Acceptor> {
        Acceptor::new(self)
    }
}

fn wrap(config: Arc<ServerConfig>, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket> {
    let session = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
    let stream = TlsStream::new(socket, Session::Server(session), unsent, None);
    Ok(Socket::Boxed(Box::new(stream)))
}

/// An acceptor whose options name no application protocols, on a port whose factory does.
struct ForProtocols {
    acceptor: Acceptor,
    names: Vec<Vec<u8>>,
    /// The acceptor's configuration and the one made of it, which a reload makes stale.
    made: Mutex<Option<(Arc<ServerConfig>, Arc<ServerConfig>)>>,
}

impl ForProtocols {
    fn config(&self) -> Arc<ServerConfig> {
        let config = self.acceptor.read(|state| state.config.clone());
        if !config.alpn_protocols.is_empty() {
            // Options that name some have replaced those that named none.
            return config;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, named)) = made.as_ref().filter(|(source, _)| Arc::ptr_eq(source, &config)) {
            return named.clone();
        }
        let mut named = ServerConfig::clone(&config);
        named.alpn_protocols.clone_from(&self.names);
        let named = Arc::new(named);
        *made = Some((config, named.clone()));
        named
    }
}

impl Layer for ForProtocols {
    fn wrap(&self, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket> {
        wrap(self.config(), socket, unsent)
    }

    fn reload(&self) -> Result<()> {
        self.acceptor.reload()
    }

    fn timeout(&self) -> Duration {
        self.acceptor.timeout()
    }
}

impl Layer for Acceptor {
    fn wrap(&self, socket: Socket, unsent: Vec<u8>) -> io::Result<Socket> {
        wrap(self.read(|state| state.config.clone()), socket, unsent)
    }

    fn with_application_protocols(&self, names: &[&str]) -> Option<Arc<dyn Layer>> {
        let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let has_own = self.read(|state| !state.config.alpn_protocols.is_empty());
        let named = || ForProtocols { acceptor: self.clone(), names, made: Mutex::default() };
        (!has_own).then(|| Arc::new(named()) as Arc<dyn Layer>)
    }

    fn reload(&self) -> Result<()> {
        Self::reload(self)
    }

    fn timeout(&self) -> Duration {
        self.read(|state| state.options.timeout())
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|state| f.debug_tuple("Acceptor").field(&state.options).finish())
    }
}
