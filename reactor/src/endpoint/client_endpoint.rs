//! Where to connect to, again and again.

use std::str::FromStr;
use std::time::Duration;

use super::client::ClientDescription;
use crate::address::Address;
use crate::address_policy::AddressPolicy;
use crate::deferred::Deferred;
use crate::error::{Error, Result};
use crate::factory::Factory;
use crate::handle::Handle;
use crate::options::ConnectOptions;
use crate::reactor::Reactor;
use crate::stream::Target;

/// Where to connect to: a description that was read once, to be used as often as one likes. [`Reactor::connect`] reads its description each
/// time.
///
/// The files that a description of TLS names are read here, and again by `reload_tls`; the connections that are made with this endpoint
/// and its clones resume each other's sessions.
///
/// ```
/// use lariat::endpoint::ClientEndpoint;
/// use lariat::{Once, Peer, Protocol, Reactor, Transport};
/// use std::time::Duration;
///
/// struct Guest;
///
/// impl Protocol for Guest {
///     fn connection_made(&mut self, transport: &Transport) {
///         transport.reactor().stop();
///     }
///
///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
/// }
///
/// let reactor = Reactor::new()?;
/// let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Guest)?;
/// let backend = ClientEndpoint::parse(&port.address().to_string())?.with_default_timeout(Duration::from_secs(5));
/// backend.connect(&reactor, Once::new(Guest)).detach();
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "IStreamClientEndpoint")]
#[derive(Clone, Debug)]
pub struct ClientEndpoint {
    target: Target,
    options: ConnectOptions,
    says_timeout: bool,
}

impl ClientEndpoint {
    /// Reads a description: see [`endpoint`](crate::endpoint).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) with the place of the mistake; for TLS also if a file cannot be
    /// read or used. Names are not looked up.
    #[doc(alias = "clientFromString")]
    pub fn parse(description: &str) -> Result<Self> {
        let mut options = ConnectOptions::default();
        let (target, timeout) = match ClientDescription::parse_with(description, &mut options.stream)? {
            ClientDescription::Tcp { target, timeout, bind_address, bind_port } => {
                options.bind_address = bind_address;
                options.bind_port = bind_port;
                (target, timeout)
            }
            ClientDescription::Unix { address, timeout } => (Target::Addresses(vec![Address::Unix(address)]), timeout),
        };
        options.timeout = timeout.unwrap_or(options.timeout);
        Ok(Self { target, options, says_timeout: timeout.is_some() })
    }

    /// How long connecting may take in all, if the description does not say. Default: 30 s.
    #[must_use]
    pub fn with_default_timeout(mut self, timeout: Duration) -> Self {
        if !self.says_timeout {
            self.options.timeout = timeout;
        }
        self
    }

    /// Reads the TLS files of the description again: see [`Connector::reload`](crate::tls::Connector::reload). This affects the
    /// clones of the endpoint too. Without TLS it does nothing.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or used; the endpoint then goes on with what it had.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<()> {
        self.options.stream.layer().map_or(Ok(()), |layer| layer.reload())
    }

    /// Restricts connecting to the addresses that `policy` permits, for a description from an
    /// untrusted source. Default: every address.
    ///
    /// ```
    /// use lariat::AddressPolicy;
    /// use lariat::endpoint::ClientEndpoint;
    ///
    /// let endpoint = ClientEndpoint::parse("tcp:example.com:443")?.with_address_policy(AddressPolicy::public());
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[must_use]
    pub fn with_address_policy(mut self, policy: AddressPolicy) -> Self {
        self.options.address_policy = policy;
        self
    }

    /// Connects, as [`Reactor::connect`] does.
    #[track_caller]
    pub fn connect<F: Factory>(&self, reactor: &Reactor, factory: F) -> Deferred<Handle<F::Protocol>> {
        reactor.connect_with(self.target.clone(), self.options.clone(), factory)
    }
}

impl FromStr for ClientEndpoint {
    type Err = Error;

    fn from_str(description: &str) -> Result<Self> {
        Self::parse(description)
    }
}
