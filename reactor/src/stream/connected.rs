//! A connection that was made, and what is to become of it.

use std::any::type_name;
use std::rc::Rc;
use std::time::Duration;

use crate::byte_stream::Socket;
use crate::contain::{contain, contain_drop};
use crate::deferred::Resolver;
use crate::error::{Error, ErrorKind};
use crate::factory::Factory;
use crate::handle::Handle;
use crate::reactor::{Dispatch, Turn, serve};
use crate::readiness::Readiness;
use crate::transport::{Peer, Shared, Transport};

use super::connection::Connection;
use super::preparing::{Turned, Welcome};

/// A connection that somebody has asked for.
pub(super) struct Connected<F: Factory, K> {
    pub(super) factory: F,
    pub(super) answer: Resolver<Handle<F::Protocol>>,
    /// Whatever has to live as long as somebody waits.
    pub(super) _kept: K,
}

impl<F: Factory, K: 'static> Welcome for Connected<F, K> {
    type Name = F;

    fn is_cancelled(&self) -> bool {
        self.answer.is_cancelled()
    }

    fn admit(self, shared: Rc<Shared>, turn: &mut Turn<'_>, readiness: Readiness) -> Option<Box<dyn Dispatch>> {
        let Self { mut factory, answer, .. } = self;
        let peer = Peer::new(shared.clone());
        let protocol = contain(type_name::<F>, || factory.build_protocol(&peer));
        contain_drop(factory);
        let transport = Transport { shared };
        match protocol {
            Ok(Some(protocol)) => {
                let handle = transport.handle(&protocol);
                let connection = Connection::open(transport, protocol);
                let connection = serve(connection, turn, readiness | Readiness::MADE);
                // Nobody may be waiting: the connection is there all the same.
                drop(answer.resolve(handle));
                connection
            }
            refused => {
                transport.shared.state.with(|state| state.socket = Socket::Closed);
                let why = if refused.is_ok() { "the factory refused the connection" } else { "the factory panicked" };
                drop(answer.reject(Error::new(ErrorKind::InvalidInput, why)));
                None
            }
        }
    }

    fn turn_away(self, shared: &Shared, why: Turned) {
        let Self { factory, answer, .. } = self;
        contain_drop(factory);
        let address = Peer::address_of(shared);
        let what = || format!("could not connect to {address}");
        let error = match why {
            // What has words of its own comes from the layer.
            Turned::Failed(error) if error.get_ref().is_some() => Error::tls_failure(what(), error),
            Turned::Failed(error) => Error::io(what(), error),
            Turned::TimedOut(limit) => {
                let seconds = Duration::as_secs_f64(&limit);
                let message = format!("{}: the TLS handshake was not over within {seconds} s", what());
                Error::new(ErrorKind::TimedOut, message)
            }
            Turned::Ended => Error::ended(),
        };
        // If nobody waits any more, nobody needs to know.
        drop(answer.reject(error));
    }
}
