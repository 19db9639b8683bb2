//! The handle to a listening port.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::clock::Time;
use crate::deferred::{Deferred, Resolver};
use crate::driver::Acceptor;
#[cfg(feature = "tls")]
use crate::error::Result;
use crate::guarded::Guarded;
use crate::layer::Layer;
use crate::reactor::Reactor;
use crate::token::Token;

/// The handshakes that may be under way on one port. More than any server is begun to be talked to within the seconds that each has, and
/// their memory is some tens of megabytes; who comes then waits in the backlog.
const MOST_HANDSHAKES: usize = 16 * 1024;

/// How often the log hears of handshakes that fail, per port.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

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
    /// What is put around its connections.
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "only TLS can be reloaded"))]
    layer: Option<Arc<dyn Layer>>,
    origin: Origin,
    /// The device and inode of the socket's file, which is removed with the port.
    file: Option<(u64, u64)>,
}

/// The connections of a port that no protocol hears of yet.
#[derive(Debug, Default)]
struct Handshakes {
    under_way: Cell<usize>,
    /// Accepting waits until there are fewer.
    full: Cell<bool>,
    /// When one that failed was last told of, and how many have failed since.
    logged: Cell<Option<Time>>,
    unlogged: Cell<u64>,
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
        acceptor: Acceptor,
        origin: Origin,
        layer: Option<Arc<dyn Layer>>,
    ) -> Rc<Self> {
        let ours = origin == Origin::Opened && acceptor.has_file();
        let file = if ours { address.path().and_then(|path| identity(path).ok()) } else { None };
        Rc::new(Self {
            reactor: reactor.clone(),
            token,
            address,
            paused: Cell::new(false),
            acceptor: Guarded::new(Some(acceptor)),
            waiting: Guarded::default(),
            handshakes: Handshakes::default(),
            layer,
            origin,
            file,
        })
    }

    /// May no connection be accepted because too many handshakes are under way?
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        let full = self.handshakes.under_way.get() >= MOST_HANDSHAKES;
        if full {
            self.handshakes.full.set(true);
        }
        full
    }

    pub(super) fn handshake_begins(&self) {
        self.handshakes.under_way.set(self.handshakes.under_way.get() + 1);
    }

    pub(super) fn handshake_ended(&self) {
        self.handshakes.under_way.set(self.handshakes.under_way.get() - 1);
        if self.handshakes.full.take() {
            self.reactor.serve_again(self.token);
        }
    }

    /// Tells the log of a handshake that failed, and why: not of each, for anybody can have them fail.
    pub(super) fn log_failure(&self, peer: &Address, why: &dyn fmt::Display) {
        let Handshakes { logged, unlogged, .. } = &self.handshakes;
        let now = self.reactor.core().now.get();
        if logged.get().is_some_and(|logged| now.since(logged) < LOG_INTERVAL) {
            log::debug!("a TLS handshake with {peer} on {} failed: {why}", self.address);
            unlogged.set(unlogged.get() + 1);
            return;
        }
        logged.set(Some(now));
        let others = match unlogged.take() {
            0 => String::new(),
            others => format!(", and {others} before it"),
        };
        log::info!("a TLS handshake with {peer} on {} failed{others}: {why}", self.address);
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
        if let (Some(ours), Some(path)) = (self.file, self.address.path())
            // Another server may have put its own socket there.
            && identity(path).is_ok_and(|found| found == ours)
            && let Err(error) = fs::remove_file(path)
        {
            log::warn!("could not remove the socket file of {}: {error}", self.address);
        }
        true
    }
}

fn identity(path: &std::path::Path) -> std::io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
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

    /// How many of its connections are in their TLS handshake, so that no protocol serves them yet. There are 16 384 at the most: past that
    /// nothing is accepted until one has ended, as each does when its time is over.
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
