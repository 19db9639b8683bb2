//! What the loop is serving, for people.

use std::any::type_name;
use std::fmt;
use std::rc::Rc;

use crate::address::Address;
use crate::connection_info::{ConnectionId, ConnectionInfo};
use crate::tcp_info::SocketDiagnostics;

/// A connection, as far as it can be looked at without its protocol.
pub(crate) trait Inspect {
    fn id(&self) -> ConnectionId;
    fn peer(&self) -> Address;
    /// Nothing once it has ended.
    fn inspect(self: Rc<Self>, protocol: &'static str, diagnostics: &SocketDiagnostics) -> Option<ConnectionInfo>;
}

/// What a source or a call says of itself.
#[derive(Clone)]
pub(crate) struct Description {
    /// The user's type that is called.
    pub(crate) name: &'static str,
    /// The connection that it serves, if it does.
    pub(crate) connection: Option<Rc<dyn Inspect>>,
}

impl Description {
    /// What is not a connection but calls a user's `T`.
    pub(crate) fn of<T: ?Sized>() -> Self {
        Self::named(type_name::<T>())
    }

    pub(crate) fn named(name: &'static str) -> Self {
        Self { name, connection: None }
    }

    /// Its name for a log, which other threads may have too.
    pub(crate) fn subject(&self) -> Subject {
        let connection = self.connection.as_ref().map(|connection| (connection.id(), connection.peer()));
        Subject { name: self.name, connection }
    }
}

/// Who has kept the loop busy.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    name: &'static str,
    connection: Option<(ConnectionId, Address)>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        match &self.connection {
            // The address escapes what a peer chose of it.
            Some((id, peer)) => write!(f, ", serving connection {id} with {peer},"),
            None => Ok(()),
        }
    }
}
