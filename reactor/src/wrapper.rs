//! Protocols around protocols.

use std::any::{Any, TypeId};

use crate::close_reason::{CloseReason, Idle};
use crate::protocol::{Protocol, Successor};
use crate::transport::Transport;

/// A protocol that wraps another one of a type known at compile time: a policy such as a limit, a log or a filter. It costs
/// nothing at run time but what it does itself.
///
/// Whoever implements this is a [`Protocol`]. Every method that is not written passes on to the inner protocol, so a wrapper says
/// only where it interferes.
///
/// Where both traits are imported, `wrapper.data_received(…)` is ambiguous: write `Protocol::data_received(&mut wrapper, …)`.
///
/// ```
/// use lariat::{Protocol, Successor, Transport, Wrapper};
///
/// /// Closes a connection that has received too much.
/// struct Quota<P> {
///     inner: P,
///     left: usize,
/// }
///
/// impl<P: Protocol> Wrapper for Quota<P> {
///     type Inner = P;
///
///     fn inner(&mut self) -> &mut P {
///         &mut self.inner
///     }
///
///     fn rewrap(self, successor: Successor) -> Successor {
///         let inner = Box::new(self.inner).replace(successor).into_protocol();
///         Successor::new(Quota { inner, left: self.left })
///     }
///
///     fn data_received(&mut self, transport: &Transport, data: &[u8]) {
///         match self.left.checked_sub(data.len()) {
///             Some(left) => {
///                 self.left = left;
///                 self.inner.data_received(transport, data);
///             }
///             None => transport.fail("the quota is used up"),
///         }
///     }
/// }
/// ```
#[doc(alias = "ProtocolWrapper")]
#[doc(alias = "policies")]
pub trait Wrapper: Any + Sized {
    /// The protocol inside.
    type Inner: Protocol;

    /// The protocol inside.
    fn inner(&mut self) -> &mut Self::Inner;

    /// This wrapper around another protocol: what [`Transport::switch_to`] makes of it, so that a policy outlives the protocol that it
    /// was put around. The inner protocol may be a wrapper too, so its `replace` is asked, as in the example above.
    fn rewrap(self, successor: Successor) -> Successor;

    /// See [`Protocol::connection_made`]. A wrapper that stays when what it wraps is switched is told again.
    fn connection_made(&mut self, transport: &Transport) {
        self.inner().connection_made(transport);
    }

    /// See [`Protocol::data_received`].
    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        self.inner().data_received(transport, data);
    }

    /// See [`Protocol::read_closed`].
    fn read_closed(&mut self, transport: &Transport) {
        self.inner().read_closed(transport);
    }

    /// See [`Protocol::read_resumed`].
    fn read_resumed(&mut self, transport: &Transport) {
        self.inner().read_resumed(transport);
    }

    /// See [`Protocol::handshake_completed`].
    fn handshake_completed(&mut self, transport: &Transport) {
        self.inner().handshake_completed(transport);
    }

    /// See [`Protocol::write_paused`].
    fn write_paused(&mut self, transport: &Transport) {
        self.inner().write_paused(transport);
    }

    /// See [`Protocol::write_resumed`].
    fn write_resumed(&mut self, transport: &Transport) {
        self.inner().write_resumed(transport);
    }

    /// See [`Protocol::timed_out`].
    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        self.inner().timed_out(transport, idle);
    }

    /// See [`Protocol::drain`].
    fn drain(&mut self, transport: &Transport) {
        self.inner().drain(transport);
    }

    /// See [`Protocol::connection_lost`].
    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.inner().connection_lost(transport, reason);
    }

    /// See [`Protocol::holds_input`]. A wrapper that keeps received bytes of its own adds them.
    fn holds_input(&mut self) -> bool {
        self.inner().holds_input()
    }
}

impl<W: Wrapper> Protocol for W {
    fn connection_made(&mut self, transport: &Transport) {
        Wrapper::connection_made(self, transport);
    }

    fn data_received(&mut self, transport: &Transport, data: &[u8]) {
        Wrapper::data_received(self, transport, data);
    }

    fn read_closed(&mut self, transport: &Transport) {
        Wrapper::read_closed(self, transport);
    }

    fn read_resumed(&mut self, transport: &Transport) {
        Wrapper::read_resumed(self, transport);
    }

    fn handshake_completed(&mut self, transport: &Transport) {
        Wrapper::handshake_completed(self, transport);
    }

    fn write_paused(&mut self, transport: &Transport) {
        Wrapper::write_paused(self, transport);
    }

    fn write_resumed(&mut self, transport: &Transport) {
        Wrapper::write_resumed(self, transport);
    }

    fn timed_out(&mut self, transport: &Transport, idle: Idle) {
        Wrapper::timed_out(self, transport, idle);
    }

    fn drain(&mut self, transport: &Transport) {
        Wrapper::drain(self, transport);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        Wrapper::connection_lost(self, transport, reason);
    }

    fn holds_input(&mut self) -> bool {
        Wrapper::holds_input(self)
    }

    fn layer(&mut self, type_id: TypeId) -> Option<&mut dyn Any> {
        let inner = self.inner();
        if type_id == TypeId::of::<W::Inner>() { Some(inner) } else { inner.layer(type_id) }
    }

    fn replace(self: Box<Self>, successor: Successor) -> Successor {
        (*self).rewrap(successor)
    }
}
