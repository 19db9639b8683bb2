//! What a user implements: the contract between a connection and its protocol.

use std::any::{Any, TypeId};
use std::fmt;

use crate::close_reason::{CloseReason, Idle};
use crate::contain::contain_drop;
use crate::transport::Transport;

/// Serves one connection. The reactor calls these methods from its loop, never from inside a call that user code made:
///
/// ```text
/// connection_made ( data_received | handshake_completed | read_resumed | write_paused | write_resumed | timed_out | drain )* [ read_closed … ] connection_lost
/// ```
///
/// Only [`data_received`](Self::data_received) has to be written. Each method may do anything: write to this connection or another,
/// close it, start timers, listen, connect. What it writes to its own connection gathers and leaves in one system call when it
/// returns. Nothing else is asked of the type, no `Send` and no `Debug`. If it panics, this connection ends with [`CloseReason::Panicked`] and the others go on.
///
/// ```
/// use lariat::{Protocol, Transport};
///
/// struct Echo;
///
/// impl Protocol for Echo {
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         transport.write(data);
///     }
/// }
/// ```
#[doc(alias = "IProtocol")]
#[doc(alias = "IHalfCloseableProtocol")]
pub trait Protocol: Any {
    /// The connection is ready. Comes first, and once; also after [`Transport::switch_to`] has made this the protocol.
    #[doc(alias = "connectionMade")]
    #[doc(alias = "makeConnection")]
    fn connection_made(&mut self, _transport: &Transport) {}

    /// Bytes arrived: at least one, in order, cut wherever the network cut them.
    #[doc(alias = "dataReceived")]
    fn data_received(&mut self, transport: &Transport, data: &[u8]);

    /// The peer will send nothing more. What is queued for it is still delivered. By default the connection closes.
    #[doc(alias = "readConnectionLost")]
    fn read_closed(&mut self, transport: &Transport) {
        transport.close();
    }

    /// The handshake that `Transport::start_tls` began is done: from now on everything is encrypted, and `Peer::tls` tells what was agreed on.
    /// Not called for connections that begin with TLS: those hear [`connection_made`](Self::connection_made) when the handshake is done.
    /// Without the feature `tls` it is never called.
    #[doc(alias = "handshakeCompleted")]
    fn handshake_completed(&mut self, _transport: &Transport) {}

    /// A pause of reading is over, whether [`Transport::pause_reading`] or back-pressure was its cause. A protocol that keeps input it had no use for during the pause
    /// goes on with it here; new input follows.
    fn read_resumed(&mut self, _transport: &Transport) {}

    /// The queue has risen above its high mark: better write no more for now.
    #[doc(alias = "pauseProducing")]
    fn write_paused(&mut self, _transport: &Transport) {}

    /// The queue is down to its low mark again.
    #[doc(alias = "resumeProducing")]
    fn write_resumed(&mut self, _transport: &Transport) {}

    /// An idle timeout is over: see [`Transport::set_idle_timeout`]. By default the connection ends with
    /// [`CloseReason::TimedOut`], in good order if nothing is queued; a protocol that overrides this and leaves it open is told again
    /// after another such time.
    #[doc(alias = "timeoutConnection")]
    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        transport.time_out(idle);
    }

    /// The server is stopping: end in good order, soon. By default the connection closes: what is queued is sent, nothing more is
    /// received. A protocol with a request in hand may finish it first; when the drain timeout is over (10 s by default) the
    /// connection is aborted, and the peer gets a reset, so that what it has does not pass for the whole. See [`Reactor::stop`](crate::Reactor::stop).
    fn drain(&mut self, transport: &Transport) {
        transport.close();
    }

    /// The connection has ended. Comes exactly once, and last: the protocol is dropped afterwards. (A protocol that was
    /// [switched](Transport::switch_to) away from is only dropped.) The transport is closed by then, and says so to whoever writes.
    #[doc(alias = "connectionLost")]
    fn connection_lost(&mut self, _transport: &Transport, _reason: CloseReason) {}

    /// Returns whether the protocol keeps received bytes that it has not processed: part of a message, or whole messages that
    /// wait. A protocol that does so overrides this method; the default is false.
    ///
    /// `Transport::start_tls` asks it. Bytes that arrived in clear must not be processed after a TLS handshake (command
    /// injection, CVE-2011-0411), so a connection whose protocol keeps any is ended.
    fn holds_input(&mut self) -> bool {
        false
    }

    /// For wrappers alone: the protocol of the given type inside this one. See [`Wrapper`](crate::Wrapper), which has it done.
    #[doc(hidden)]
    fn layer(&mut self, _type_id: TypeId) -> Option<&mut dyn Any> {
        None
    }

    /// For wrappers alone: this protocol with the innermost one replaced. See [`Wrapper`](crate::Wrapper).
    #[doc(hidden)]
    fn replace(self: Box<Self>, successor: Successor) -> Successor {
        // A panic in here must not take the successor with it.
        contain_drop(self);
        successor
    }
}

/// A protocol that takes another's place: see [`Transport::switch_to`].
///
/// It remembers which type it was made of, so that a connection whose protocol was replaced costs what it did before.
pub struct Successor(pub(crate) Box<dyn Succeed>);

impl Successor {
    /// The successor that `protocol` will be.
    pub fn new(protocol: impl Protocol) -> Self {
        Self(Box::new(protocol))
    }

    /// The protocol itself, for a wrapper to hold.
    pub fn into_protocol(self) -> Box<dyn Protocol> {
        self.0.into_protocol()
    }
}

impl fmt::Debug for Successor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Successor")
    }
}

/// What a protocol of a forgotten type can still become.
pub(crate) trait Succeed {
    fn into_protocol(self: Box<Self>) -> Box<dyn Protocol>;
    /// A source that serves `transport` with this protocol.
    fn into_source(self: Box<Self>, transport: Transport) -> Box<dyn crate::reactor::Dispatch>;
}

/// Any protocol behind a box is a protocol, for factories that decide at run time.
impl Protocol for Box<dyn Protocol> {
    fn connection_made(&mut self, transport: &Transport) {
        (**self).connection_made(transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        (**self).data_received(transport, data);
    }

    fn read_closed(&mut self, transport: &Transport) {
        (**self).read_closed(transport);
    }

    fn read_resumed(&mut self, transport: &Transport) {
        (**self).read_resumed(transport);
    }

    fn handshake_completed(&mut self, transport: &Transport) {
        (**self).handshake_completed(transport);
    }

    fn write_paused(&mut self, transport: &Transport) {
        (**self).write_paused(transport);
    }

    fn write_resumed(&mut self, transport: &Transport) {
        (**self).write_resumed(transport);
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        (**self).timed_out(transport, idle);
    }

    fn drain(&mut self, transport: &Transport) {
        (**self).drain(transport);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        (**self).connection_lost(transport, reason);
    }

    fn holds_input(&mut self) -> bool {
        (**self).holds_input()
    }

    fn layer(&mut self, type_id: TypeId) -> Option<&mut dyn Any> {
        let inner: &mut dyn Any = &mut **self;
        if (*inner).type_id() == type_id { Some(&mut **self) } else { (**self).layer(type_id) }
    }

    fn replace(self: Box<Self>, successor: Successor) -> Successor {
        (*self).replace(successor)
    }
}
