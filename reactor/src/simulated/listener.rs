//! A socket that listens.

use std::io;
use std::rc::Rc;

use crate::address::Address;
use crate::byte_stream::Socket;
use crate::driver::Accept;
use crate::token::Token;

use super::poll::{HostId, Id, Mask};
use super::stream::Stream;
use super::world::World;

/// A simulated socket that listens, as its reactor holds it.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) world: Rc<World>,
    pub(super) host: HostId,
    pub(super) id: Id,
    pub(super) address: Address,
}

impl Accept for Listener {
    fn accept(&mut self) -> io::Result<(Socket, Address)> {
        let (id, peer) = self.world.on(self.host, |sockets| sockets.accept(self.id))?;
        let stream = Stream { world: self.world.clone(), host: self.host, id };
        Ok((Socket::Boxed(Box::new(stream)), peer))
    }

    fn local_address(&self) -> io::Result<Address> {
        Ok(self.address.clone())
    }

    fn register(&mut self, token: Token) -> io::Result<()> {
        self.world.on(self.host, |sockets| sockets.register(self.id, self.host, token, Mask::IN))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.world.on(self.host, |sockets| sockets.stop_listening(self.id));
    }
}
