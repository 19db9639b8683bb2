//! Two connections, each of which sends what arrives at the other.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use lariat::{CloseReason, Idle, Protocol, Transport, WriteStatus};

/// One end of a relay: what arrives at this connection leaves by the other, at the other's pace.
///
/// [`new`](Self::new) makes the first end, [`opposite`](Self::opposite) the second, in either order of becoming connections. The end
/// that is there first reads nothing until the other is there too.
///
/// | what happens at one end | does at the other |
/// | --- | --- |
/// | bytes arrive | they are sent; above the high mark of what is queued there, reading pauses here |
/// | the peer ends its side (half-close) | `close_write` |
/// | the connection ends in good order | it is closed, unless both sides had ended by then |
/// | it is lost, aborted, or times out with something queued | it is aborted |
/// | it is idle for too long | both are closed, or aborted if something is still due: see [`RelayOptions::idle_timeout`] |
/// | the server is stopping | nothing: a relay goes on until its peers end it, or the drain timeout does, with resets |
///
/// What is queued at one end when the other one's peer ends its side has to be sent within the close timeout: see
/// [`RelayOptions::close_timeout`].
///
/// What a relay holds in memory is bounded, for each direction, by the high water mark and one read.
///
/// A port forwarder:
///
/// ```no_run
/// use lariat::{Once, Protocol, Peer, Reactor, Successor, Transport, Wrapper};
/// use lariat_protocols::{Relay, RelayOptions};
///
/// struct Inbound(Relay);
///
/// impl Wrapper for Inbound {
///     type Inner = Relay;
///
///     fn inner(&mut self) -> &mut Relay {
///         &mut self.0
///     }
///
///     fn rewrap(self, successor: Successor) -> Successor {
///         successor
///     }
///
///     fn connection_made(&mut self, transport: &Transport) {
///         self.0.connection_made(transport);
///         let inbound = transport.clone();
///         let outbound = transport.reactor().connect("tcp:192.0.2.1:80", Once::new(self.0.opposite()));
///         outbound.map(drop).recover(move |_| inbound.close()).detach();
///     }
/// }
///
/// let reactor = Reactor::new()?;
/// reactor.listen("tcp:8000", |_: &Peer| Inbound(Relay::new(RelayOptions::default())))?;
/// reactor.run()?;
/// # Ok::<(), lariat::Error>(())
/// ```
#[doc(alias = "ProxyServer")]
#[doc(alias = "portforward")]
pub struct Relay {
    link: Rc<Link>,
    /// Which of the link's ends this is: 0 or 1.
    own: usize,
}

/// What a relay may be told.
#[derive(Clone, Debug, Default)]
pub struct RelayOptions {
    /// After how long without a byte on either connection both are closed. They are aborted if something is queued that could not be
    /// sent, or one side had ended already, so that what the other still had to say does not look whole. A connection that only waits
    /// for the other one's peer to take what is queued is not idle by itself: the other is. Default: none.
    pub idle_timeout: Option<Duration>,
    /// How long either connection may take for what is queued on it when the other one has said all: see
    /// [`Transport::set_close_timeout`]. A peer that reads slowly is owed 64 KiB here and what the kernel holds, so somebody who has time
    /// should be given more than the default: what the connection has, which is 30 s.
    pub close_timeout: Option<Duration>,
    /// Where the bytes are counted; relays may share it.
    pub traffic: Rc<Traffic>,
}

/// Bytes that relays have passed on.
#[derive(Debug, Default)]
pub struct Traffic([Cell<u64>; 2]);

impl Traffic {
    /// Bytes that arrived at first ends.
    pub fn from_first(&self) -> u64 {
        self.0[0].get()
    }

    /// Bytes that arrived at second ends.
    pub fn from_second(&self) -> u64 {
        self.0[1].get()
    }
}

struct Link {
    ends: [End; 2],
    options: RelayOptions,
}

#[derive(Default)]
struct End {
    transport: OnceCell<Transport>,
    /// Its peer has ended its side, and the other end was told.
    read_closed: Cell<bool>,
    lost: Cell<bool>,
}

impl Relay {
    /// The first end of a new relay.
    pub fn new(options: RelayOptions) -> Self {
        Self { link: Rc::new(Link { ends: Default::default(), options }), own: 0 }
    }

    /// The other end of this relay. If an attempt to connect it comes to nothing, this gives another one for the next attempt; only one
    /// of them may become a connection, later ones are aborted.
    #[must_use]
    pub fn opposite(&self) -> Self {
        Self { link: self.link.clone(), own: 1 - self.own }
    }

    /// Are both connections there?
    pub fn is_joined(&self) -> bool {
        self.link.ends.iter().all(|end| end.transport.get().is_some())
    }

    fn own(&self) -> &End {
        &self.link.ends[self.own]
    }

    fn other(&self) -> &End {
        &self.link.ends[1 - self.own]
    }

    fn tell_other(&self, tell: impl FnOnce(&Transport)) {
        if let Some(other) = self.other().transport.get() {
            tell(other);
        }
    }
}

impl Protocol for Relay {
    fn connection_made(&mut self, transport: &Transport) {
        // What is queued here came from the other end. To stop reading here because of it would stop both directions.
        transport.set_backpressure(false);
        let other = self.other();
        let left = other.lost.get() || other.transport.get().is_some_and(|other| !other.is_open());
        if left || self.own().transport.set(transport.clone()).is_err() {
            return transport.abort();
        }
        let RelayOptions { idle_timeout, close_timeout, .. } = self.link.options;
        transport.set_idle_timeout(Idle::All, idle_timeout);
        if let Some(timeout) = close_timeout {
            transport.set_close_timeout(timeout);
        }
        match self.other().transport.get() {
            Some(other) => other.resume_reading(),
            None => transport.pause_reading(),
        }
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        let passed_on = &self.link.options.traffic.0[self.own];
        passed_on.set(passed_on.get() + data.len() as u64);
        if let Some(other) = self.other().transport.get()
            && other.write_now(data) == WriteStatus::Paused
        {
            transport.pause_reading();
        }
    }

    fn read_closed(&mut self, _: &Transport) {
        self.own().read_closed.set(true);
        self.tell_other(Transport::close_write);
    }

    fn write_resumed(&mut self, _: &Transport) {
        self.tell_other(Transport::resume_reading);
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        let other = self.other().transport.get();
        if transport.queued() == 0 && other.is_some_and(|other| other.queued() > 0) {
            // It waits for the other end, which has a timeout of its own.
            return;
        }
        if self.own().read_closed.get() || self.other().read_closed.get() {
            // Somebody has said all and waits for the rest: an orderly end would pass for that.
            return transport.abort();
        }
        if transport.queued() == 0 {
            self.tell_other(|other| other.time_out(idle));
        }
        transport.time_out(idle);
    }

    fn drain(&mut self, _: &Transport) {}

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        if self.own().transport.get().is_some_and(|own| own != transport) {
            // One attempt too many: the relay has this end already.
            return;
        }
        self.own().lost.set(true);
        let over = self.own().read_closed.get() && self.other().read_closed.get();
        self.tell_other(|other| match reason {
            CloseReason::Done if over => {}
            CloseReason::Done => other.close(),
            // One that is being closed already has been told what there was to tell.
            _ if other.is_open() => other.abort(),
            _ => {}
        });
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.link.ends.each_ref().map(|end| end.transport.get());
        f.debug_struct("Relay").field("first", &first).field("second", &second).finish_non_exhaustive()
    }
}
