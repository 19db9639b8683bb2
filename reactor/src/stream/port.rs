//! The handle to a listening port.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use log::Level;

use crate::address::Address;
use crate::close_reason::CloseReason;
use crate::deferred::{Deferred, Resolver};
use crate::driver::Acceptor;
#[cfg(feature = "tls")]
use crate::error::Result;
use crate::error::{Error, ErrorKind};
use crate::guarded::Guarded;
use crate::layer::Layer;
use crate::log_throttle::LogThrottle;
use crate::options::ListenOptions;
use crate::reactor::Reactor;
use crate::socket_file::SocketFile;
use crate::token::Token;
use crate::transport::{Flags, Peer, Shared};

use super::admission::Admission;

/// Handshakes that failed: any peer can cause one with each connection.
const FAILED_HANDSHAKES: LogThrottle = LogThrottle::new("lariat::stream::handshake").with_burst(1);

/// Connections that ended because their port was full: a crowd causes many.
const EVICTIONS: LogThrottle = LogThrottle::new("lariat::stream::full").with_burst(1);

/// A port that listens: what [`Reactor::listen`] gives.
///
/// Cheap to clone; dropping it leaves the port listening.
#[doc(alias = "IListeningPort")]
#[derive(Clone)]
pub struct Port {
    pub(super) shared: Rc<PortShared>,
}

pub(super) struct PortShared {
    pub(super) reactor: Reactor,
    pub(super) token: Token,
    pub(super) address: Address,
    pub(super) paused: Cell<bool>,
    /// Gone once the port is closed.
    pub(super) acceptor: Guarded<Option<Acceptor>>,
    /// Those who wait for that.
    waiting: Guarded<Vec<Resolver<()>>>,
    handshakes: Handshakes,
    /// Which handshakes, and which connections, may stay.
    handshake_admission: Guarded<Admission>,
    admission: Option<Guarded<Admission>>,
    /// What is put around its connections.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS can be reloaded"))]
    layer: Option<Arc<dyn Layer>>,
    origin: Origin,
    /// The socket's file, which is removed with the port.
    file: Option<SocketFile>,
}

/// The connections of a port that no protocol hears of yet.
#[derive(Debug, Default)]
struct Handshakes {
    under_way: Cell<usize>,
}

/// Where a listening socket comes from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Opened by the reactor, and nobody else's.
    Opened,
    /// Opened elsewhere: others may hold it too, and its file is theirs.
    Adopted,
}

impl PortShared {
    pub(super) fn new(
        reactor: &Reactor,
        token: Token,
        address: Address,
        mut acceptor: Acceptor,
        origin: Origin,
        options: &ListenOptions,
    ) -> Rc<Self> {
        let file = acceptor.take_file();
        Rc::new(Self {
            reactor: reactor.clone(),
            token,
            address,
            paused: Cell::new(false),
            acceptor: Guarded::new(Some(acceptor)),
            waiting: Guarded::default(),
            handshakes: Handshakes::default(),
            handshake_admission: Guarded::new(Admission::new(options.handshakes, true)),
            admission: options.connections.map(|share| Guarded::new(Admission::new(share, false))),
            layer: options.stream.layer().cloned(),
            origin,
            file,
        })
    }

    /// A connection was accepted: the most idle ones give way to it if there are too many.
    #[inline]
    pub(super) fn admit(&self, shared: &Rc<Shared>) {
        if let Some(admission) = &self.admission {
            self.end_all(admission.with(|admission| admission.admit(shared)));
        }
    }

    pub(super) fn handshake_begins(&self, shared: &Rc<Shared>) {
        self.handshakes.under_way.set(self.handshakes.under_way.get() + 1);
        self.end_all(self.handshake_admission.with(|admission| admission.admit(shared)));
    }

    pub(super) fn handshake_ended(&self) {
        self.handshakes.under_way.set(self.handshakes.under_way.get() - 1);
    }

    /// Ends the most idle handshakes, or else connections, because descriptors are needed. Returns whether there were any.
    pub(super) fn free_descriptors(&self) -> bool {
        let mut gone = self.handshake_admission.with(Admission::most_idle);
        if gone.is_empty()
            && let Some(admission) = &self.admission
        {
            gone = admission.with(Admission::most_idle);
        }
        let any = !gone.is_empty();
        self.end_all(gone);
        any
    }

    /// Ends connections in favour of newer ones, before the turn ends.
    fn end_all(&self, connections: Vec<Rc<Shared>>) {
        let Some(first) = connections.first() else { return };
        let kind = if first.flags.has(Flags::PREPARING) { "handshakes" } else { "connections" };
        let (count, peer) = (connections.len(), Peer::address_of(first));
        EVICTIONS.log(
            Level::Warn,
            format_args!("{} is full: ending the most idle {kind} ({count}), such as that of {peer}", self.address),
        );
        crate::stats::count(&self.reactor.core().counters.evicted, count as u64);
        for shared in connections {
            let error =
                Error::new(ErrorKind::ResourcesExhausted, "the port is full, and this connection was the most idle");
            shared.end(CloseReason::Failed(error.into()));
        }
    }

    /// Logs a handshake that failed, and why.
    pub(super) fn log_failure(&self, peer: &Address, why: &dyn fmt::Display) {
        FAILED_HANDSHAKES
            .log(Level::Info, format_args!("a TLS handshake with {peer} on {} failed: {why}", self.address));
    }

    /// Closes the listening socket. Returns whether it was open.
    pub(super) fn close(&self) -> bool {
        let Some(mut acceptor) = self.acceptor.with(Option::take) else { return false };
        if self.origin == Origin::Adopted {
            acceptor.deregister(self.reactor.core().network.registry());
        }
        drop(acceptor);
        self.reactor.descriptor_freed();
        for waiting in self.waiting.with(std::mem::take) {
            // Who does not wait any more has no need to know.
            let _ = waiting.resolve(());
        }
        if let Some(file) = &self.file
            && let Err(error) = file.remove()
        {
            log::warn!("could not remove the socket file of {}: {error}", self.address);
        }
        true
    }
}

impl Port {
    /// The address that it is bound to: with `tcp:0`, this tells the port that the system chose. Of a port on every interface it is
    /// the unspecified address, `0.0.0.0` or `[::]`, which Linux takes for this machine when a client connects to it.
    #[doc(alias = "getHost")]
    pub fn address(&self) -> &Address {
        &self.shared.address
    }

    /// Accepts nothing until [`resume`](Self::resume). Clients that connect meanwhile wait in the kernel's backlog.
    #[doc(alias = "pauseProducing")]
    pub fn pause(&self) {
        self.shared.paused.set(true);
    }

    /// Goes on with accepting.
    #[doc(alias = "resumeProducing")]
    pub fn resume(&self) {
        if self.shared.paused.replace(false) {
            self.shared.reactor.serve_again(self.shared.token);
        }
    }

    /// Stops listening, at once: the address is free when this returns, and clients that wait in the backlog are refused. Connections
    /// that were accepted go on. A Unix socket's file is removed, if it is still the one that was made. Returns whether the port was
    /// open.
    #[doc(alias = "stopListening")]
    #[doc(alias = "loseConnection")]
    pub fn close(&self) -> bool {
        let closed = self.shared.close();
        // The factory is the user's: it is dropped from the loop.
        self.shared.reactor.touch(self.shared.token);
        closed
    }

    /// How many of the port's connections are in their TLS handshake, so that no protocol serves them yet. Past the limits of
    /// [`ListenOptions::handshakes`](crate::ListenOptions::handshakes), the one that has been silent for longest ends.
    pub fn handshaking(&self) -> usize {
        self.shared.handshakes.under_way.get()
    }

    /// Reads the port's TLS files anew: see [`Acceptor::reload`](crate::tls::Acceptor::reload), of which this is that of the port. On a
    /// port that does not speak TLS it does nothing.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or has nothing fit in it; the port goes on with what it had.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<()> {
        self.shared.layer.as_ref().map_or(Ok(()), |layer| layer.reload())
    }

    /// Waits until the port is closed, by whoever closes it: [`close`](Self::close), or the end of the reactor.
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
    /// let stop = Reactor::clone(&reactor);
    /// port.closed().finish(move |_| stop.stop());
    /// port.close();
    /// reactor.run()?;
    /// # Ok::<(), lariat::Error>(())
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Deferred<()> {
        if !self.is_open() {
            return Deferred::succeed(&self.shared.reactor, ());
        }
        let (resolver, closed) = Deferred::new(&self.shared.reactor);
        self.shared.waiting.with(|waiting| waiting.push(resolver));
        closed
    }

    /// Is it listening still, if perhaps paused?
    pub fn is_open(&self) -> bool {
        self.shared.acceptor.with(|acceptor| acceptor.is_some())
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("address", self.address()).field("open", &self.is_open()).finish()
    }
}
