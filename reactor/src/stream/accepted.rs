//! A connection that was accepted, and what is to become of it.

use std::rc::Rc;

use crate::byte_stream::Socket;
use crate::contain::contain_drop;
use crate::factory::Factory;
use crate::reactor::{Dispatch, Turn, serve};
use crate::readiness::Readiness;
use crate::transport::{Peer, Shared, Transport};

use super::connection::Connection;
use super::port::PortShared;
use super::preparing::{Turned, Welcome};
use super::shared_factory::SharedFactory;

/// A connection to a port, while its handshake is under way.
pub(super) struct Accepted<F> {
    pub(super) factory: SharedFactory<F>,
    pub(super) port: Rc<PortShared>,
}

impl<F: Factory> Welcome for Accepted<F> {
    type Name = F;

    fn first_byte_divisor(&self) -> u32 {
        // A client speaks first, and at once.
        2
    }

    fn admit(self, shared: Rc<Shared>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        let Self { factory, port } = self;
        port.handshake_ended();
        let protocol = factory.build_protocol(&Peer::new(shared.clone()));
        contain_drop(factory);
        match protocol {
            Ok(Some(protocol)) => {
                serve(Connection::open(Transport { shared }, protocol), turn, readiness | Readiness::MADE)
            }
            _ => {
                // The factory may have kept the peer.
                shared.state.with(|state| state.socket = Socket::Closed);
                None
            }
        }
    }

    fn turn_away(self, shared: &Shared, why: Turned) {
        let Self { factory, port } = self;
        port.handshake_ended();
        let peer = Peer::address_of(shared);
        match why {
            // What it says of the peer's bytes is escaped.
            Turned::Failed(error) => port.log_failure(&peer, &error),
            Turned::TimedOut(limit) => {
                port.log_failure(&peer, &format_args!("not over within {} s", limit.as_secs_f64()));
            }
            Turned::Ended => {}
        }
        contain_drop(factory);
    }
}
