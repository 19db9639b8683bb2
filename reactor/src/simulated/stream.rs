//! One end of a connection, as its reactor holds it.

use std::io::{self, IoSlice};
use std::rc::Rc;

use mio::{Interest, Registry};

use crate::address::Address;
use crate::buffer::Sink;
use crate::byte_stream::{ByteStream, Received};
use crate::close_reason::CloseReason;
use crate::options::Keepalive;
use crate::token::Token;

use super::end::End;
use super::poll::{HostId, Id, Mask};
use super::world::World;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) world: Rc<World>,
    pub(super) host: HostId,
    pub(super) id: Id,
}

impl Stream {
    fn with_end<R>(&self, visit: impl FnOnce(&mut End) -> R) -> Option<R> {
        self.world.on(self.host, |sockets| sockets.end(self.id).map(visit))
    }
}

impl Sink for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.world.on(self.host, |sockets| sockets.write(self.id, &[IoSlice::new(data)]))
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.world.on(self.host, |sockets| sockets.write(self.id, slices))
    }
}

impl ByteStream for Stream {
    fn read(&mut self, buffer: &mut [u8], _: bool) -> io::Result<Received> {
        let received = self.world.on(self.host, |sockets| sockets.read(self.id, buffer))?;
        if received.count > 0 {
            self.world.work(self.host);
        }
        Ok(received)
    }

    fn close_write(&mut self) -> io::Result<()> {
        self.world.on(self.host, |sockets| sockets.close_write(self.id))
    }

    #[cfg(feature = "tls")]
    fn opaque(&mut self) {
        self.with_end(|end| end.opaque = true);
    }

    fn reset(&mut self) {
        self.with_end(|end| end.resets = true);
    }

    fn set_keepalive(&self, keepalive: Option<Keepalive>) -> io::Result<()> {
        self.world.on(self.host, |sockets| sockets.set_keepalive(self.id, keepalive));
        Ok(())
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        Ok(self.with_end(|end| end.take_error().err()).flatten())
    }

    fn local_address(&self) -> io::Result<Address> {
        self.with_end(|end| end.local.clone()).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn is_connected(&self) -> io::Result<bool> {
        Ok(self.with_end(|end| end.knows_its_peer()).unwrap_or(false))
    }

    fn register(&mut self, _: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        let mask = mask(interest);
        self.world.on(self.host, |sockets| sockets.register(self.id, self.host, token, mask))
    }

    fn reregister(&mut self, _: Option<&Registry>, token: Token, interest: Interest) -> io::Result<()> {
        let mask = mask(interest);
        self.world.on(self.host, |sockets| sockets.watch(self.id, self.host, token, mask))
    }

    fn made(&mut self) {
        self.world.on(self.host, |sockets| sockets.made(self.id));
    }

    fn lost(&mut self, reason: &CloseReason) {
        let reason = reason.to_string();
        self.world.on(self.host, |sockets| sockets.lost(self.id, &reason));
    }
}

/// What somebody who has this interest watches for.
fn mask(interest: Interest) -> Mask {
    let read = (Mask::IN | Mask::RDHUP).when(interest.is_readable());
    read | Mask::OUT.when(interest.is_writable())
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.world.on(self.host, |sockets| sockets.drop_end(self.id));
    }
}
