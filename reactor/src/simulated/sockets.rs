//! The sockets of a world: its kernel, so to say.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};

use rustix::io::Errno;

use crate::address::{Address, UnixAddress};
use crate::byte_stream::Received;
use crate::options::{ConnectOptions, ListenOptions};
use crate::readiness::Readiness;
use crate::token::Token;

use super::connection::Connection;
use super::end::{End, State};
use super::names::{Names, destination, shown_to};
use super::pipe::Pipe;
use super::poll::{HostId, Id, Mask, Poll};

#[derive(Debug, Default)]
pub(super) struct Sockets {
    poll: Poll,
    connections: BTreeMap<Id, Connection>,
    names: Names,
    last: Id,
}

impl Sockets {
    pub(super) fn watch(&mut self, id: Id, host: HostId, token: Token, interest: Mask) {
        self.poll.watch(id, host, token, interest);
    }

    /// Takes the events that wait for `host`.
    pub(super) fn collect(&mut self, host: HostId, events: &mut Vec<(Token, Readiness)>) {
        let Self { poll, connections, names, .. } = self;
        let ready_for = |id: Id| match (names.listener(id), connections.get_mut(&id.connection())) {
            (Some(listener), _) => listener.mask(),
            (None, Some(connection)) => connection.mask(id.side()),
            (None, None) => Mask::NONE,
        };
        poll.collect(host, ready_for, events);
    }

    /// Visits the connection that has the end `id`, then wakes who watches its ends. An end that exists has a connection.
    fn visit<R>(&mut self, id: Id, visit: impl FnOnce(&mut Connection, usize) -> io::Result<R>) -> io::Result<R> {
        let Some(connection) = self.connections.get_mut(&id.connection()) else { return Err(Errno::BADF.into()) };
        let result = visit(connection, id.side());
        let [connecting, accepted] = connection.take_edges();
        self.poll.wake(id.connection(), connecting);
        self.poll.wake(id.connection().other(), accepted);
        result
    }

    pub(super) fn read(&mut self, id: Id, buffer: &mut [u8]) -> io::Result<Received> {
        self.visit(id, |connection, side| connection.read(side, buffer))
    }

    pub(super) fn write(&mut self, id: Id, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.visit(id, |connection, side| connection.write(side, slices))
    }

    pub(super) fn close_write(&mut self, id: Id) -> io::Result<()> {
        self.visit(id, Connection::close_write)
    }

    pub(super) fn set_capacity(&mut self, id: Id, bytes: usize) {
        self.settle(id, |connection, side| connection.set_capacity(side, bytes));
    }

    pub(super) fn end(&mut self, id: Id) -> Option<&mut End> {
        Some(self.connections.get_mut(&id.connection())?.end(id.side()))
    }

    pub(super) fn drop_end(&mut self, id: Id) {
        self.poll.forget(id);
        if id.side() == 0
            && let Some(address) = self.end(id).map(|end| end.local.clone())
        {
            self.names.forget_client(&address);
        }
        let gone = self.visit(id, |connection, side| {
            connection.drop_end(side);
            Ok(connection.is_gone())
        });
        if gone.unwrap_or(false) {
            self.connections.remove(&id.connection());
        }
    }

    pub(super) fn listen(&mut self, address: &Address, options: &ListenOptions) -> io::Result<(Id, Address)> {
        // What the kernel would say of the address itself, such as that a path is too long.
        address.to_sock_addr()?;
        let id = self.last.next();
        let address = self.names.listen(id, address, options)?;
        self.last = id;
        Ok((id, address))
    }

    /// Begins a connection to `address`. Over TCP it always begins, and the client's events tell what becomes of it; a Unix socket
    /// says at once.
    pub(super) fn connect(&mut self, address: &Address, options: &ConnectOptions) -> io::Result<Id> {
        address.to_sock_addr()?;
        let destination = destination(address);
        let client = self.names.client(&destination, options)?;
        let found = self.names.find(&client, &destination);
        if matches!(address, Address::Unix(_)) {
            self.unix_answers(address, found)?;
        }
        let id = self.last.next();
        self.last = id;
        let listener = found.and_then(|found| Some((found, self.names.listener(found)?)));
        let (ours, mut theirs) = (&options.stream, &options.stream);
        let shown;
        match &listener {
            Some((_, backlog)) => {
                theirs = &backlog.options.stream;
                shown = shown_to(&backlog.address, &destination);
            }
            None => shown = destination,
        }
        let accepted = End::new(shown, State::Connected, Pipe::new(ours.send_buffer, theirs.receive_buffer));
        let incoming = Pipe::new(theirs.send_buffer, ours.receive_buffer);
        let connection = Connection::new(End::new(client, State::Connecting, incoming), accepted);
        self.connections.insert(id, connection);
        match listener {
            Some((found, backlog)) => {
                backlog.waiting.push_back(id);
                self.admit(found);
            }
            None => self.refuse(id),
        }
        Ok(id)
    }

    fn unix_answers(&mut self, address: &Address, found: Option<Id>) -> io::Result<()> {
        match found.and_then(|found| self.names.listener(found)) {
            Some(backlog) if backlog.is_full() => Err(Errno::AGAIN.into()),
            Some(_) => Ok(()),
            None if address.path().is_some() => Err(Errno::NOENT.into()),
            None => Err(Errno::CONNREFUSED.into()),
        }
    }

    /// Lets clients that wait into the listener's queue, as far as it has room.
    fn admit(&mut self, listener: Id) {
        while let Some(backlog) = self.names.listener(listener)
            && !backlog.is_full()
            && let Some(id) = backlog.waiting.pop_front()
        {
            backlog.queue.push_back(id.other());
            self.poll.wake(listener, Mask::IN);
            self.settle(id, |connection, _| connection.establish());
        }
    }

    fn refuse(&mut self, id: Id) {
        self.settle(id, |connection, _| connection.refuse());
    }

    /// Does to a connection what cannot fail.
    fn settle(&mut self, id: Id, settle: impl FnOnce(&mut Connection, usize)) {
        // A client that has not waited for the answer has no connection any more.
        let _ = self.visit(id, |connection, side| {
            settle(connection, side);
            Ok(())
        });
    }

    pub(super) fn accept(&mut self, listener: Id) -> io::Result<(Id, Address)> {
        let backlog = self.names.listener(listener).ok_or(Errno::BADF)?;
        let id = backlog.queue.pop_front().ok_or(Errno::AGAIN)?;
        let own = backlog.address.clone();
        let client = self.end(id.other()).map_or(Address::Unix(UnixAddress::Unnamed), |end| end.local.clone());
        self.admit(listener);
        Ok((id, shown_to(&own, &client)))
    }

    pub(super) fn stop_listening(&mut self, listener: Id) {
        self.poll.forget(listener);
        let Some(backlog) = self.names.stop_listening(listener) else { return };
        for id in backlog.waiting {
            self.refuse(id);
        }
        for id in backlog.queue {
            self.refuse(id.connection());
        }
    }
}
