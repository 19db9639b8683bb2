//! One end of a connection.

use std::io;

use rustix::io::Errno;

use crate::address::Address;
use crate::byte_stream::Received;

use super::pipe::Pipe;
use super::poll::{Id, Mask};

/// One end of a connection, with what Linux keeps of it (`tcp(7)`, `unix(7)`).
#[derive(Debug)]
pub(super) struct End {
    pub(super) local: Address,
    /// The other end, which may be gone.
    pub(super) peer: Id,
    pub(super) state: State,
    /// What the peer wrote and this end has not read.
    pub(super) incoming: Pipe,
    /// Nothing more will arrive.
    pub(super) read_shut: bool,
    /// Nothing more can be written.
    pub(super) write_shut: bool,
    /// The peer ended its side in good order: reading then never gives an error.
    finished: bool,
    error: Option<Errno>,
    /// It found no room to write, and waits for some.
    pub(super) wants_room: bool,
    /// Its drop is to be a reset.
    pub(super) resets: bool,
    /// The port that it occupies, if it was given one of its own.
    pub(super) port: Option<u16>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Connected,
    /// Both sides have ended, or it was reset.
    Closed,
}

impl End {
    pub(super) fn new(local: Address, peer: Id, state: State, incoming: Pipe) -> Self {
        Self {
            local,
            peer,
            state,
            incoming,
            read_shut: false,
            write_shut: false,
            finished: false,
            error: None,
            wants_room: false,
            resets: false,
            port: None,
        }
    }

    pub(super) fn is_tcp(&self) -> bool {
        matches!(self.local, Address::Tcp(_))
    }

    /// Is so much of what it wrote read that it makes sense to write more? A TCP socket says so at two thirds, a Unix socket at a
    /// quarter. `outgoing` is what the peer has not read.
    pub(super) fn has_room(&self, outgoing: Option<&Pipe>) -> bool {
        let (part, whole) = if self.is_tcp() { (2, 3) } else { (1, 4) };
        outgoing.is_none_or(|outgoing| outgoing.is_used_up_to(part, whole))
    }

    /// What it is ready for.
    pub(super) fn mask(&mut self, outgoing: Option<&Pipe>) -> Mask {
        if self.state == State::Connecting {
            return Mask::NONE;
        }
        let writable = self.write_shut || self.has_room(outgoing);
        // Whoever asks in vain is told later.
        self.wants_room |= !writable;
        Mask::IN.when(self.read_shut || !self.incoming.is_empty())
            | Mask::OUT.when(writable)
            | Mask::RDHUP.when(self.read_shut)
            | Mask::HUP.when(self.read_shut && self.write_shut)
            | Mask::ERR.when(self.error.is_some())
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let count = self.incoming.pop(buffer);
        if count > 0 {
            // An event tells of what arrives from now on, but not of an end that is here already.
            let drained = self.incoming.is_empty() && !self.read_shut && self.error.is_none();
            return Ok(Received { count, drained });
        }
        if !self.finished {
            self.take_error()?;
        }
        if self.read_shut { Ok(Received { count: 0, drained: true }) } else { Err(Errno::AGAIN.into()) }
    }

    /// May it write? An error is why not.
    pub(super) fn may_write(&mut self) -> io::Result<()> {
        if self.state == State::Connecting {
            return Err(Errno::AGAIN.into());
        }
        if self.is_tcp() {
            self.take_error()?;
        }
        if self.write_shut { Err(Errno::PIPE.into()) } else { Ok(()) }
    }

    /// Its error, which is told once.
    pub(super) fn take_error(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// The peer has written its last.
    pub(super) fn hear_end(&mut self) {
        self.read_shut = true;
        self.finished = true;
        self.settle();
    }

    /// It has written its last itself.
    pub(super) fn end(&mut self) {
        self.write_shut = true;
        self.settle();
    }

    fn settle(&mut self) {
        if self.read_shut && self.write_shut {
            self.state = State::Closed;
        }
    }

    /// The peer answers with a reset: nobody is there any more, or never was.
    pub(super) fn hear_reset(&mut self) {
        let error = match self.state {
            State::Closed => return,
            State::Connecting => Errno::CONNREFUSED,
            State::Connected if self.is_tcp() && self.finished => Errno::PIPE,
            State::Connected => Errno::CONNRESET,
        };
        self.error = Some(error);
        self.hang_up();
    }

    /// Nothing goes either way any more.
    pub(super) fn hang_up(&mut self) {
        self.read_shut = true;
        self.write_shut = true;
        self.state = State::Closed;
    }
}
