//! Sees how a connection begins and ends.

use std::cell::OnceCell;
use std::io;
use std::rc::Rc;

use crate::close_reason::CloseReason;
use crate::factory::Factory;
use crate::protocol::{Protocol, Successor};
use crate::transport::{Peer, Transport};
use crate::wrapper::Wrapper;

/// What a test knows of a connection.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Known once the connection is made.
    pub(super) transport: OnceCell<Transport>,
    /// Known once it is lost.
    pub(super) reason: OnceCell<CloseReason>,
}

/// A protocol with a record kept of it.
pub(super) struct Witness<P> {
    inner: P,
    record: Rc<Record>,
}

impl<P: Protocol> Wrapper for Witness<P> {
    type Inner = P;

    fn inner(&mut self) -> &mut P {
        &mut self.inner
    }

    fn rewrap(self, successor: Successor) -> Successor {
        let inner = Box::new(self.inner).replace(successor).into_protocol();
        Successor::new(Witness { inner, record: self.record })
    }

    fn connection_made(&mut self, transport: &Transport) {
        // Not for the first time if the protocol was switched.
        self.record.transport.get_or_init(|| transport.clone());
        self.inner.connection_made(transport);
    }

    fn connection_lost(&mut self, transport: &Transport, reason: CloseReason) {
        self.record.reason.get_or_init(|| copy(&reason));
        self.inner.connection_lost(transport, reason);
    }
}

/// The protocol owns the reason. An error of somebody else's type cannot be copied: what it says can.
fn copy(reason: &CloseReason) -> CloseReason {
    match reason {
        CloseReason::Done => CloseReason::Done,
        CloseReason::Lost(error) => CloseReason::Lost(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        }),
        CloseReason::Aborted => CloseReason::Aborted,
        CloseReason::TimedOut(phase) => CloseReason::TimedOut(*phase),
        CloseReason::Overflow => CloseReason::Overflow,
        CloseReason::Panicked => CloseReason::Panicked,
        CloseReason::Failed(error) => CloseReason::Failed(error.to_string().into()),
    }
}

/// Makes one protocol, with a record kept of it.
pub(super) struct WitnessFactory<F> {
    pub(super) inner: F,
    pub(super) record: Rc<Record>,
}

impl<F: Factory> Factory for WitnessFactory<F> {
    type Protocol = Witness<F::Protocol>;

    fn build_protocol(&mut self, peer: &Peer) -> Option<Self::Protocol> {
        Some(Witness { inner: self.inner.build_protocol(peer)?, record: self.record.clone() })
    }

    fn application_protocols(&self) -> &[&str] {
        self.inner.application_protocols()
    }
}
