//! An end of a connection that no reactor serves.

use std::io;
use std::rc::Rc;

use crate::address::Address;
use crate::buffer::Sink;
use crate::byte_stream::{ByteStream, Received};
use crate::options::ConnectOptions;
use crate::readiness::Readiness;
use crate::token::Token;

use super::poll::{HostId, Mask};
use super::stream::Stream;
use super::world::World;

/// The end of a connection whose other end a reactor serves. Whoever holds it reads and writes when it likes.
#[derive(Debug)]
pub(crate) struct LooseEnd(Stream);

impl LooseEnd {
    /// Begins a connection to `address`. Events with `token` tell what happens to it.
    pub(crate) fn connect(
        world: &Rc<World>,
        address: &Address,
        options: &ConnectOptions,
        token: Token,
    ) -> io::Result<Self> {
        let id = world.on(HostId::ONLY, |sockets| sockets.connect(HostId::ONLY, address, options))?;
        let end = Self(Stream { world: world.clone(), host: HostId::ONLY, id });
        world.on(HostId::ONLY, |sockets| sockets.watch(id, HostId::TEST, token, Mask::ANY))?;
        Ok(end)
    }

    /// Takes the events of all such ends.
    pub(crate) fn collect(world: &Rc<World>, events: &mut Vec<(Token, Readiness)>) {
        world.on(HostId::ONLY, |sockets| sockets.collect(HostId::TEST, events));
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.0.read(buffer, true)
    }

    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)
    }

    pub(crate) fn close_write(&mut self) -> io::Result<()> {
        self.0.close_write()
    }

    /// Makes the coming drop a reset.
    pub(crate) fn reset(&mut self) {
        self.0.reset();
    }

    /// Sets how many bytes may wait here to be read.
    pub(crate) fn set_capacity(&self, bytes: usize) {
        self.0.world.on(HostId::ONLY, |sockets| sockets.set_capacity(self.0.id, bytes));
    }
}
