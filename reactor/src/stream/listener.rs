//! Accepting connections.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use mio::Interest;
use rustix::io::Errno;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::budget;
use crate::byte_stream::Socket;
use crate::clock::Time;
use crate::contain::contain_drop;
use crate::driver::{Acceptor, Reserve};
use crate::error::{Error, Result, is_exhaustion};
use crate::factory::Factory;
use crate::options::{ListenOptions, StreamOptions};
use crate::reactor::{Description, Dispatch, Reactor, Turn, serve};
use crate::readiness::Readiness;
use crate::timer::TimerKey;
use crate::transport::{Peer, Shared, Transport};

use super::accepted::Accepted;
use super::connection::Connection;
use super::port::{Origin, Port, PortShared};
use super::preparing::welcome;
use super::shared_factory::SharedFactory;

/// Delays between attempts to accept while descriptors are used up. A connection of our own that ends is noticed at once; the
/// longest bounds how late we notice one freed elsewhere in the process.
const FIRST_RETRY: Duration = Duration::from_millis(5);
const LONGEST_RETRY: Duration = Duration::from_millis(50);

const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// Connections accepted before a port is closed by a shutdown: as many as Linux lets a backlog hold unless told otherwise
/// (`net.core.somaxconn`), so that a flood of clients cannot keep a server from stopping.
const LAST_ACCEPTS: usize = 4096;

struct Listener<F> {
    factory: SharedFactory<F>,
    port: Rc<PortShared>,
    options: Rc<StreamOptions>,
    starvation: Starvation,
}

/// What a listener does when descriptors are used up.
struct Starvation {
    /// A descriptor to give up, so that a client can be accepted and let down politely.
    reserve: Option<Reserve>,
    backoff: Backoff,
    timer: Option<TimerKey>,
    logged: Option<Time>,
}

impl Reactor {
    /// Listens at `address`, with every option settable. [`Reactor::listen`] does the same by an endpoint description.
    ///
    /// # Errors
    ///
    /// The port is in use ([`AddressInUse`](crate::ErrorKind::AddressInUse); for a Unix socket also a stale file, which the message
    /// tells), the address is not this machine's, it is not permitted, a socket path is too long, or the reactor has ended.
    ///
    /// # Example
    ///
    /// ```
    /// use lariat::{Address, ListenOptions, Peer, Protocol, Reactor, Transport};
    /// # struct Echo;
    /// # impl Protocol for Echo {
    /// #     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
    /// #         transport.write(data);
    /// #     }
    /// # }
    ///
    /// let reactor = Reactor::new()?;
    /// let mut options = ListenOptions::default();
    /// options.stream.high_water_mark = 1 << 20;
    /// let port = reactor.listen_at(&Address::Tcp("127.0.0.1:0".parse()?), options, |_: &Peer| Echo)?;
    /// println!("listening on {}", port.address());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "listenTCP")]
    #[doc(alias = "listenUNIX")]
    pub fn listen_at(&self, address: &Address, options: ListenOptions, factory: impl Factory) -> Result<Port> {
        let acceptor = self.acceptor(address, &options)?;
        self.serve_port(acceptor, options.stream, Origin::Opened, factory)
    }

    /// A socket that listens at `address`.
    pub(crate) fn acceptor(&self, address: &Address, options: &ListenOptions) -> Result<Acceptor> {
        if self.has_ended() {
            return Err(Error::ended());
        }
        let acceptor = self.core().network.listen(address, options);
        acceptor.map_err(|error| Error::io(format!("could not listen on {address}"), error))
    }

    /// Serves a socket that listens.
    pub(crate) fn serve_port(
        &self,
        mut acceptor: Acceptor,
        options: StreamOptions,
        origin: Origin,
        factory: impl Factory,
    ) -> Result<Port> {
        let failed = |error| Error::io("could not serve the listening socket", error);
        let address = acceptor.local_address().map_err(failed)?;
        let token = self.reserve()?;
        if let Err(error) = acceptor.register(self.core().network.registry(), token) {
            self.remove(token);
            return Err(failed(error));
        }
        let port = PortShared::new(self, token, address, acceptor, origin, options.layer().cloned());
        let starvation = Starvation {
            reserve: self.core().network.reserve(),
            backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY),
            timer: None,
            logged: None,
        };
        let factory = SharedFactory::new(factory);
        let listener = Listener { factory, port: port.clone(), options: Rc::new(options), starvation };
        self.install(token, Box::new(listener));
        Ok(Port { shared: port })
    }
}

impl<F: Factory> Dispatch for Listener<F> {
    fn ready(mut self: Box<Self>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        if readiness.has(Readiness::DRAIN) {
            // To a client in the backlog the connection stands; closing the port would reset it.
            self.accept(turn, LAST_ACCEPTS);
        }
        if readiness.has(Readiness::END | Readiness::DRAIN) {
            self.port.close();
        }
        if readiness.has(Readiness::TIMER) {
            self.starvation.timer = None;
        }
        // While descriptors are used up, an event changes nothing: who is let down may come again at once, and so keep us busy.
        if self.starvation.timer.is_none() || readiness.has(Readiness::AGAIN) {
            self.accept(turn, budget::ACCEPTS);
        }
        if self.port.acceptor.with(|acceptor| acceptor.is_some()) {
            return Some(self);
        }
        if let Some(timer) = self.starvation.timer.take() {
            self.port.reactor.disarm(timer);
        }
        contain_drop(self);
        None
    }

    fn describe(&self) -> Description {
        Description::of::<F>()
    }
}

impl<F: Factory> Listener<F> {
    fn accept(&mut self, turn: &mut Turn<'_>, at_most: usize) {
        for _ in 0..at_most {
            // Looked at each time: the factory may have closed or paused the port.
            if self.port.paused.get() || self.port.is_full() {
                return;
            }
            let Some(accepted) = self.port.acceptor.with(|acceptor| acceptor.as_mut().map(Acceptor::accept)) else {
                return;
            };
            match accepted {
                Ok((socket, peer)) => {
                    self.starvation.recover(&self.port);
                    self.admit(turn, socket, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // One client's own misfortune; the next one may be well.
                Err(error) if is_of_one_client(&error) => {
                    log::debug!("a connection to {} was lost before it was accepted: {error}", self.port.address);
                }
                Err(error) => return self.starvation.endure(&self.port, &error),
            }
        }
        // Edge-triggered events will not tell of those that still wait.
        self.port.reactor.serve_again(self.port.token);
    }

    fn admit(&mut self, turn: &mut Turn<'_>, socket: Socket, peer: Address) {
        let reactor = &self.port.reactor;
        // The reactor may have been ended from within the factory.
        let Ok(token) = reactor.reserve() else { return };
        let shared = Shared::new(reactor, token, socket, peer.canonical(), self.options.clone());
        let peer = Peer::new(shared.clone());
        if self.options.layer().is_some() {
            return self.prepare(turn, shared);
        }
        let protocol = self.factory.build_protocol(&peer);
        let Ok(Some(protocol)) = protocol else {
            // The factory may have kept the peer.
            shared.state.with(|state| state.socket = Socket::Closed);
            return reactor.remove(token);
        };
        if !register(&shared) {
            return contain_drop(protocol);
        }
        let connection = Connection::open(Transport { shared }, protocol);
        match serve(connection, turn, Readiness::MADE) {
            Some(connection) => reactor.install(token, connection),
            None => reactor.remove(token),
        }
    }

    /// Begins what comes before a connection's protocol.
    #[cold]
    fn prepare(&self, turn: &mut Turn<'_>, shared: Rc<Shared>) {
        if !register(&shared) {
            return;
        }
        let (reactor, token) = (shared.reactor.clone(), shared.token);
        self.port.handshake_begins();
        let accepted = Accepted { factory: self.factory.clone(), port: self.port.clone() };
        match welcome(shared, accepted, turn, Readiness::default()) {
            Some(source) => reactor.install(token, source),
            None => reactor.remove(token),
        }
    }
}

/// Has a connection be watched. If that is not possible it is gone.
fn register(shared: &Shared) -> bool {
    let Shared { reactor, token, .. } = shared;
    let registry = reactor.core().network.registry();
    let registered = shared.state.with(|state| state.socket.register(registry, *token, Interest::READABLE));
    if let Err(error) = &registered {
        log::error!("a connection from {} was dropped: could not register it: {error}", Peer::address_of(shared));
        shared.state.with(|state| state.socket = Socket::Closed);
        reactor.remove(*token);
    }
    registered.is_ok()
}

/// Is this an error of the connection that was to be accepted, such as a reset before it was? The others are the listening socket's
/// or the system's, and come back at once when `accept(2)` is tried again. The list is that of its manual page.
fn is_of_one_client(error: &io::Error) -> bool {
    let of_one = [
        Errno::CONNABORTED,
        Errno::INTR,
        Errno::NETDOWN,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::HOSTDOWN,
        Errno::NONET,
        Errno::HOSTUNREACH,
        Errno::NETUNREACH,
    ];
    error.raw_os_error().is_some_and(|code| of_one.iter().any(|errno| errno.raw_os_error() == code))
}

impl Starvation {
    /// Lets one client down politely if descriptors are what is missing, then waits until one is freed or a while has passed.
    #[cold]
    fn endure(&mut self, port: &PortShared, error: &io::Error) {
        let now = port.reactor.core().now.get();
        if self.logged.is_none_or(|logged| now.since(logged) >= LOG_INTERVAL) {
            log::warn!("cannot accept connections to {}: {error}; trying again", port.address);
            self.logged = Some(now);
        }
        if is_exhaustion(error)
            && let Some(reserve) = self.reserve.take()
        {
            drop(reserve);
            if let Some(Ok((mut socket, _))) = port.acceptor.with(|acceptor| acceptor.as_mut().map(Acceptor::accept)) {
                // An end rather than a reset, as far as that is ours to decide.
                let _ = socket.close_write();
            }
        }
        if self.reserve.is_none() {
            self.reserve = port.reactor.core().network.reserve();
        }
        port.reactor.core().starved.with(|starved| {
            if !starved.contains(&port.token) {
                starved.push(port.token);
            }
        });
        if self.timer.is_none() {
            let retry = port.reactor.deadline(self.backoff.next_delay());
            self.timer = Some(port.reactor.arm(retry, port.token));
        }
    }

    /// A client was accepted: there are descriptors again.
    #[inline]
    fn recover(&mut self, port: &PortShared) {
        if let Some(timer) = self.timer.take() {
            port.reactor.disarm(timer);
        }
        self.backoff.reset();
        if self.reserve.is_none() {
            self.reserve = port.reactor.core().network.reserve();
        }
    }
}
