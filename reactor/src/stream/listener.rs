//! Accepting connections.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::time::Duration;

use log::Level;
use mio::Interest;
use rustix::io::Errno;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::budget;
use crate::byte_stream::Socket;
use crate::contain::contain_drop;
use crate::driver::{Acceptor, Reserve};
use crate::error::{Error, Result, is_exhaustion};
use crate::factory::Factory;
use crate::log_throttle::LogThrottle;
use crate::options::{ListenOptions, StreamOptions};
use crate::reactor::{Description, Dispatch, Reactor, Turn, serve};
use crate::readiness::Readiness;
use crate::timer::TimerKey;
use crate::token::Token;
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

/// Attempts to accept that failed: as long as the cause lasts, each line says the same.
const STARVED: LogThrottle = LogThrottle::new("lariat::stream::starved").with_burst(1);

/// Connections that were dropped because the system would not watch them.
const DROPPED: LogThrottle = LogThrottle::new("lariat::stream::dropped");

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
    /// Descriptors that connections leave free.
    reserved: usize,
    /// The highest descriptor that a connection may have, for they are given out from the lowest on.
    highest: i32,
    /// A connection got it: from then on, each must find a lower one. Connections that end leave gaps, so that the next
    /// descriptor alone does not tell how many are left.
    is_near: bool,
    /// The turn in which idle connections ended, unless one was accepted since.
    made_room: Option<u64>,
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
        self.serve_port(acceptor, options, Origin::Opened, factory)
    }

    /// A socket that listens at `address`.
    pub(crate) fn acceptor(&self, address: &Address, options: &ListenOptions) -> Result<Acceptor> {
        if self.has_ended() {
            return Err(Error::ended());
        }
        let acceptor = options.check(address).and_then(|()| self.core().network.listen(address, options));
        acceptor.map_err(|error| Error::io(format!("could not listen on {address}"), error))
    }

    /// Has a listening socket be watched.
    fn register_acceptor(&self, acceptor: &mut Acceptor) -> Result<(Address, Token)> {
        let failed = |error| Error::io("could not serve the listening socket", error);
        let address = acceptor.local_address().map_err(failed)?;
        let token = self.reserve()?;
        if let Err(error) = acceptor.register(self.core().network.registry(), token) {
            self.remove(token);
            return Err(failed(error));
        }
        Ok((address, token))
    }

    /// Serves a socket that listens.
    pub(crate) fn serve_port(
        &self,
        mut acceptor: Acceptor,
        mut options: ListenOptions,
        origin: Origin,
        factory: impl Factory,
    ) -> Result<Port> {
        let names = factory.application_protocols();
        if !names.is_empty()
            && let Some(layer) = options.stream.layer().and_then(|layer| layer.with_application_protocols(names))
        {
            options.stream.set_layer(layer);
        }
        let (address, token) = self.register_acceptor(&mut acceptor).inspect_err(|_| {
            if let Some(file) = acceptor.take_file()
                && let Err(error) = file.remove()
            {
                log::warn!("could not remove the socket file of a port that could not be served: {error}");
            }
        })?;
        let port = PortShared::new(self, token, address, acceptor, origin, &options);
        let starvation = Starvation {
            reserve: self.core().network.reserve(),
            backoff: Backoff::new(FIRST_RETRY, LONGEST_RETRY),
            timer: None,
            reserved: options.reserved_descriptors,
            highest: highest_descriptor(options.reserved_descriptors),
            is_near: false,
            made_room: None,
        };
        let factory = SharedFactory::new(factory);
        let listener = Listener { factory, port: port.clone(), options: Rc::new(options.stream), starvation };
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
            if self.port.paused.get() {
                return;
            }
            if self.starvation.is_near && !self.starvation.has_room() {
                return self.starvation.make_room(&self.port);
            }
            let Some(accepted) = self.port.acceptor.with(|acceptor| acceptor.as_mut().map(Acceptor::accept)) else {
                return;
            };
            match accepted {
                Ok((socket, peer)) => {
                    self.starvation.recover(&self.port);
                    let is_last = descriptor(&socket).is_some_and(|descriptor| descriptor >= self.starvation.highest);
                    self.starvation.is_near |= is_last;
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
        // Not before: a connection that the factory refuses costs no other one its place.
        self.port.admit(&shared);
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
        self.port.admit(&shared);
        self.port.handshake_begins(&shared);
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
        let peer = Peer::address_of(shared);
        DROPPED.log(Level::Error, format_args!("a connection from {peer} was dropped: could not register it: {error}"));
        shared.state.with(|state| state.socket = Socket::Closed);
        reactor.remove(*token);
    }
    registered.is_ok()
}

/// The highest descriptor of a process that leaves `reserved` others free.
fn highest_descriptor(reserved: usize) -> i32 {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserved = (reserved as u64).min(limit / 8);
    i32::try_from(limit - reserved).map_or(i32::MAX, |highest| highest - 1)
}

fn descriptor(socket: &Socket) -> Option<i32> {
    match socket {
        Socket::Tcp(stream) => Some(stream.as_raw_fd()),
        Socket::Unix(stream) => Some(stream.as_raw_fd()),
        _ => None,
    }
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

/// Accepts one client that the process has no descriptor for, and ends its connection, so that it does not wait in the backlog.
#[cold]
fn let_down(port: &PortShared) {
    if let Some(Ok((mut socket, _))) = port.acceptor.with(|acceptor| acceptor.as_mut().map(Acceptor::accept)) {
        // The peer reads an end rather than a reset, unless it has sent something.
        let _ = socket.close_write();
    }
}

impl Starvation {
    /// Lets one client down politely if descriptors are what is missing, then waits until one is freed or a while has passed.
    #[cold]
    fn endure(&mut self, port: &PortShared, error: &io::Error) {
        if is_exhaustion(error)
            && let Some(reserve) = self.reserve.take()
        {
            drop(reserve);
            let_down(port);
        }
        if self.reserve.is_none() {
            self.reserve = port.reactor.core().network.reserve();
        }
        self.wait(port, error);
    }

    /// Returns whether a descriptor below the reserve is free. The limit may have been raised meanwhile.
    #[cold]
    fn has_room(&mut self) -> bool {
        self.highest = highest_descriptor(self.reserved);
        // The lowest that is free is the one that a connection would get.
        File::open("/dev/null").is_ok_and(|file| file.as_raw_fd() <= self.highest)
    }

    /// Ends the most idle connections, whose descriptors are free in the next turn; or lets one client down and waits.
    #[cold]
    fn make_room(&mut self, port: &PortShared) {
        let turn = port.reactor.core().counters.turns.get();
        match self.made_room {
            // An event and the ready list may lead here twice in a turn.
            Some(made_room) if made_room == turn => return,
            None if port.free_descriptors() => {
                self.made_room = Some(turn);
                return port.reactor.serve_again(port.token);
            }
            // If that was no help, something else takes the descriptors.
            _ => self.made_room = None,
        }
        let_down(port);
        self.wait(port, &"the descriptors that are left are reserved");
    }

    /// Accepts nothing until a descriptor is freed or a while has passed.
    #[cold]
    fn wait(&mut self, port: &PortShared, why: &dyn fmt::Display) {
        STARVED.log(Level::Warn, format_args!("cannot accept connections to {}: {why}; trying again", port.address));
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
        self.made_room = None;
        if self.reserve.is_none() {
            self.reserve = port.reactor.core().network.reserve();
        }
    }
}
