//! Listening and connecting by description.

use super::client;
use super::client_endpoint::ClientEndpoint;
use super::server::ServerDescription;
use crate::address::Address;
use crate::contain::contain_drop;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorKind, Result};
use crate::factory::Factory;
use crate::handle::Handle;
use crate::options::{ConnectOptions, ListenOptions};
use crate::reactor::Reactor;
use crate::stream::{Origin, Port, Target};

impl Reactor {
    /// Listens where an endpoint description says, and has `factory` make a protocol for every connection. See
    /// [`endpoint`](crate::endpoint) for the descriptions; [`listen_at`](Self::listen_at) takes an address and options instead.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] with the place of the mistake if the description is wrong, else as for
    /// [`listen_at`](Self::listen_at).
    ///
    /// # Example
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
    /// let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Echo)?;
    /// assert_ne!(port.address().port(), Some(0));
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "serverFromString")]
    #[doc(alias = "IStreamServerEndpoint")]
    pub fn listen(&self, description: &str, factory: impl Factory) -> Result<Port> {
        self.listen_with(description, ListenOptions::default(), factory)
    }

    /// Does as [`listen`](Self::listen), with options for what the description does not say.
    ///
    /// # Errors
    ///
    /// As for [`listen`](Self::listen).
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{ConnectionLimits, ListenOptions, Peer, Protocol, Reactor, Transport};
    /// # struct Echo;
    /// # impl Protocol for Echo {
    /// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    /// #         transport.write(data);
    /// #     }
    /// # }
    ///
    /// let reactor = Reactor::new()?;
    /// let mut options = ListenOptions::default();
    /// options.connections = Some(ConnectionLimits::for_servers());
    /// // The operator sets another limit for one address; the one for a network stays.
    /// reactor.listen_with("tcp:0:interface=127.0.0.1:perAddress=64", options, |_: &Peer| Echo)?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    pub fn listen_with(&self, description: &str, mut options: ListenOptions, factory: impl Factory) -> Result<Port> {
        let addresses = match ServerDescription::parse_with(description, &mut options)? {
            ServerDescription::Tcp { addresses, ipv6_only, backlog, reuseport } => {
                options.ipv6_only = ipv6_only;
                options.reuse_port = reuseport;
                options.backlog = backlog.unwrap_or(options.backlog);
                addresses.into_iter().map(Address::Tcp).collect()
            }
            ServerDescription::Unix { address, mode, backlog } => {
                options.mode = mode.or(options.mode);
                options.backlog = backlog.unwrap_or(options.backlog);
                vec![Address::Unix(address)]
            }
        };
        let (last, others) = addresses.split_last().ok_or_else(no_address)?;
        for address in others {
            match self.acceptor(address, &options) {
                // Only a system without IPv6 goes on to the IPv4 address.
                Err(error) if error.kind() == ErrorKind::AddressFamilyNotSupported => {}
                acceptor => return self.serve_port(acceptor?, options, Origin::Opened, factory),
            }
        }
        self.listen_at(last, options, factory)
    }

    /// Connects where an endpoint description says, and has `factory` make the protocol for the connection. See
    /// [`endpoint`](crate::endpoint) for the descriptions, and [`guide::names`](crate::guide::names) for what becomes of a host's name.
    ///
    /// The Deferred gives a [`Handle`] to the protocol once that has heard [`connection_made`](crate::Protocol::connection_made). It is dropped
    /// or [cancelled](Deferred::cancel) to give up, which closes the socket; once it has its result, the connection is not affected. Who
    /// does not care [detaches](Deferred::detach) it: then a failure is logged.
    ///
    /// The description is read each time; a [`ClientEndpoint`](crate::endpoint::ClientEndpoint) reads it once.
    ///
    /// # Errors
    ///
    /// The Deferred fails with an [`Error`](crate::Error) of kind [`ErrorKind::InvalidInput`], with the place of the mistake, if the
    /// description is wrong; as [`look_up`](Self::look_up) does, if the host is a name and no address is found for it;
    /// [`ErrorKind::ConnectionRefused`], [`ErrorKind::Unreachable`], [`ErrorKind::TimedOut`] and the like if nobody answers (of several
    /// addresses the kind is that of the last, and the message tells of all); [`ErrorKind::Tls`] if the peer's
    /// certificate is not accepted or TLS goes wrong otherwise; and [`ErrorKind::InvalidInput`] if the factory makes no protocol.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{CloseReason, Once, Peer, Protocol, Reactor, Transport};
    ///
    /// /// Says hello and hangs up.
    /// struct Greeter;
    ///
    /// impl Protocol for Greeter {
    ///     fn connection_made(&mut self, transport: &Transport) {
    ///         transport.write(b"hello");
    ///         transport.close();
    ///     }
    ///
    ///     fn data_received(&mut self, _: &Transport, _: &[u8]) {}
    /// }
    ///
    /// struct Guest;
    ///
    /// impl Protocol for Guest {
    ///     fn data_received(&mut self, _: &Transport, data: &[u8]) {
    ///         println!("{}", data.escape_ascii());
    ///     }
    ///
    ///     fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
    ///         println!("{reason}");
    ///         transport.reactor().stop();
    ///     }
    /// }
    ///
    /// let reactor = Reactor::new()?;
    /// let port = reactor.listen("tcp:0:interface=127.0.0.1", |_: &Peer| Greeter)?;
    /// reactor.connect(&port.address().to_string(), Once::new(Guest)).detach();
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "clientFromString")]
    #[doc(alias = "IStreamClientEndpoint")]
    #[track_caller]
    pub fn connect<F: Factory>(&self, description: &str, factory: F) -> Deferred<Handle<F::Protocol>> {
        match ClientEndpoint::parse(description) {
            Ok(endpoint) => endpoint.connect(self, factory),
            Err(error) => {
                contain_drop(factory);
                Deferred::fail(self, error)
            }
        }
    }

    /// Connects to `address`, with every option settable; otherwise as [`connect`](Self::connect).
    #[doc(alias = "connectTCP")]
    #[doc(alias = "connectUNIX")]
    #[track_caller]
    pub fn connect_at<F: Factory>(
        &self,
        address: &Address,
        options: ConnectOptions,
        factory: F,
    ) -> Deferred<Handle<F::Protocol>> {
        self.connect_with(Target::Addresses(vec![address.clone()]), options, factory)
    }

    /// Connects to a host by its name, or by an IP address, with every option settable; otherwise as [`connect`](Self::connect). An IPv6
    /// address may have brackets and a zone, which is the number of a network interface or its name: `fe80::1%eth0`.
    ///
    /// ```
    /// use lariat::{ConnectOptions, Once, Peer, Protocol, Reactor, Transport};
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
    /// let port = reactor.listen("tcp:0:interface=localhost", |_: &Peer| Guest)?;
    /// let mut options = ConnectOptions::default();
    /// options.attempt_delay = Duration::from_millis(100);
    /// reactor.connect_host("localhost", port.address().port().unwrap(), options, Once::new(Guest)).detach();
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[doc(alias = "HostnameEndpoint")]
    #[track_caller]
    pub fn connect_host<F: Factory>(
        &self,
        host: &str,
        port: u16,
        options: ConnectOptions,
        factory: F,
    ) -> Deferred<Handle<F::Protocol>> {
        match client::host(host, port, options.bind_address) {
            Ok(target) => self.connect_with(target, options, factory),
            Err(error) => {
                contain_drop(factory);
                Deferred::fail(self, error)
            }
        }
    }
}

fn no_address() -> Error {
    Error::new(ErrorKind::InvalidInput, "the description gives no address")
}
