//! The routes on the network.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use lariat::endpoint::ClientEndpoint;
use lariat::tls::{Acceptor, Identity, ServerOptions, TrustRoots};
use lariat::{Address, ErrorKind, Factory, LogThrottle, Peer, Port, Reactor};
use lariat_protocols::{Relay, RelayOptions};
use log::Level;

use super::routes::{Route, Routes};
use super::visitor::Visitor;
use crate::seats::Seats;
use crate::server::{Result, check_key_file, listen_options, usage};

/// The least that what a backend has left may take to get to a slow client, and the other way round: what any connection has.
const SHORT_CLOSE: Duration = Duration::from_secs(30);

/// Any client may ask for a name that there is no route for.
const NO_ROUTE: LogThrottle = LogThrottle::new("lariat_examples::tls_proxy::service");

/// What a proxy may be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The authorities of which clients need a certificate, as a PEM file. Default: clients need none.
    pub client_authorities: Option<PathBuf>,
    /// The application protocols that are spoken, the favourite first. Default: whatever the client offers is passed over in silence.
    pub alpn: Vec<String>,
    /// How long a TLS handshake may take. Default: 10 s.
    pub handshake_timeout: Duration,
    /// How long a backend may take to answer. A description that has a timeout of its own keeps it. Default: 5 s.
    pub connect_timeout: Duration,
    /// After how long without a byte either way a client is given up. Default: 10 minutes.
    pub idle_timeout: Option<Duration>,
    /// How many clients may be connected. Those above are closed at once. Default: 10,000.
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client_authorities: None,
            alpn: Vec::new(),
            handshake_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Some(Duration::from_secs(600)),
            max_connections: 10_000,
        }
    }
}

/// A proxy, whatever ports it listens on: clones share it.
#[derive(Clone)]
pub struct TlsProxy(Rc<Shared>);

struct Shared {
    routes: Routes,
    /// By their descriptions.
    backends: HashMap<String, ClientEndpoint>,
    settings: Settings,
    acceptor: Acceptor,
    seats: Seats,
}

impl TlsProxy {
    /// A proxy for these routes. Clients come through [`listen`](Self::listen).
    ///
    /// # Errors
    ///
    /// When a certificate, a key or the clients' authorities cannot be read, a certificate is not for its route's name, or a backend's
    /// description is wrong.
    pub fn new(routes: Routes, settings: Settings) -> Result<Self> {
        let mut backends = HashMap::new();
        for Route { backend, .. } in routes.iter() {
            let target = ClientEndpoint::parse(backend)?.with_default_timeout(settings.connect_timeout);
            backends.insert(backend.clone(), target);
        }
        let acceptor = options(&routes, &settings)?.build()?;
        let seats = Seats::new(settings.max_connections);
        Ok(Self(Rc::new(Shared { routes, backends, settings, acceptor, seats })))
    }

    /// Takes clients at an address, or at a port of every address of this machine.
    ///
    /// # Errors
    ///
    /// When it is neither, or cannot be listened on.
    pub fn listen(&self, reactor: &Reactor, place: &str) -> Result<Port> {
        let listen = |address: SocketAddr| {
            let options = listen_options().tls(&self.0.acceptor);
            reactor.listen_at(&Address::Tcp(address), options, self.clone())
        };
        if let Ok(address) = place.parse() {
            return Ok(listen(address)?);
        }
        let port: u16 = place.parse().map_err(|_| {
            usage(format_args!("expected a port, or an address such as 127.0.0.1:8443 or [::1]:8443, found {place:?}"))
        })?;
        match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
            Err(error) if error.kind() == ErrorKind::AddressFamilyNotSupported => {
                Ok(listen((Ipv4Addr::UNSPECIFIED, port).into())?)
            }
            listening => Ok(listening?),
        }
    }

    /// Reads all certificates, keys and authorities anew. Connections that stand go on, and handshakes that begin from now on go by what
    /// was read.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new); everything stays as it was then.
    pub fn reload(&self) -> Result<()> {
        Ok(self.0.acceptor.replace(options(&self.0.routes, &self.0.settings)?)?)
    }

    /// The route for those who ask for `name`, and its backend.
    pub(super) fn find(&self, name: Option<&str>) -> Option<(&Route, &ClientEndpoint)> {
        let route = self.0.routes.find(name)?;
        Some((route, self.0.backends.get(&route.backend)?))
    }
}

/// How TLS is spoken, with what the files have in them now.
fn options(routes: &Routes, settings: &Settings) -> Result<ServerOptions> {
    let mut options: Option<ServerOptions> = None;
    for route in routes.iter() {
        check_key_file(&route.key)?;
        let identity = Identity::from_pem_files(&route.certificate, &route.key)?;
        let names = identity.names();
        if !route.is_covered_by(&names) {
            let (file, names) = (route.certificate.display(), names.join(", "));
            return Err(format!("the certificate {file} is not for {}, but for {names}", route.name).into());
        }
        options = Some(match options {
            None => ServerOptions::new(identity),
            Some(options) => options.identity(identity),
        });
    }
    let options = options.ok_or("there is no route")?;
    let mut options =
        options.alpn(settings.alpn.iter().map(String::as_str)).handshake_timeout(settings.handshake_timeout);
    if !routes.is_first_for_others() {
        options = options.only_known_names();
    }
    if let Some(authorities) = &settings.client_authorities {
        options = options.require_client_certificate(TrustRoots::from_pem_file(authorities));
    }
    Ok(options)
}

impl Factory for TlsProxy {
    type Protocol = Visitor;

    fn build_protocol(&mut self, peer: &Peer) -> Option<Visitor> {
        let Shared { routes, settings, seats, .. } = &*self.0;
        let name = peer.tls().and_then(|tls| tls.server_name);
        if routes.find(name.as_deref()).is_none() {
            // A certificate may be for more names than there are routes.
            NO_ROUTE.log(Level::Info, format_args!("{}: asked for {name:?}, to which no route leads", peer.address()));
            return None;
        }
        let Some(seat) = seats.take() else {
            log::debug!("{}: refused, there are too many clients", peer.address());
            return None;
        };
        let close_timeout = Some(settings.idle_timeout.unwrap_or(SHORT_CLOSE).max(SHORT_CLOSE));
        let options = RelayOptions { idle_timeout: settings.idle_timeout, close_timeout, ..RelayOptions::default() };
        Some(Visitor::new(Relay::new(options), self.clone(), seat, name))
    }
}

impl fmt::Debug for TlsProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsProxy").field("routes", &self.0.routes).finish_non_exhaustive()
    }
}
