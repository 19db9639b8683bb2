//! One end of a connection.

use std::io;
use std::time::Duration;

use rustix::io::Errno;

use crate::address::Address;
use crate::byte_stream::Received;
use crate::options::Keepalive;

use super::pipe::Pipe;
use super::poll::Mask;
use super::tally::Tally;

/// One end of a connection, with what Linux keeps of it.
#[derive(Debug)]
pub(super) struct End {
    pub(super) local: Address,
    pub(super) state: State,
    /// What the peer wrote and this end has not read.
    pub(super) incoming: Pipe,
    /// Nothing more will arrive.
    pub(super) read_shut: bool,
    /// Nothing more can be written.
    pub(super) write_shut: bool,
    /// The peer ended its side of a TCP connection in good order: from then on reading gives no error.
    pub(super) finished: bool,
    error: Option<Errno>,
    /// It found no room to write, and waits for some.
    pub(super) wants_room: bool,
    /// What it writes is encrypted with numbers that are not the simulation's: of such bytes, only their count is the same every time.
    pub(super) opaque: bool,
    /// Its drop is to be a reset.
    pub(super) resets: bool,
    /// Somebody has it, or had. A connection that waits to be accepted is nobody's yet.
    pub(super) owned: bool,
    /// Its owner has dropped it.
    pub(super) gone: bool,
    /// Its protocol has heard of it.
    pub(super) made: bool,
    /// Its protocol has heard of its end.
    pub(super) lost: bool,
    pub(super) sent: Tally,
    pub(super) received: Tally,
    /// How long what it sends may stay unacknowledged, instead of the system's default.
    pub(super) user_timeout: Option<Duration>,
    pub(super) keepalive: Option<Keepalive>,
    /// Keepalive probes in a row that were not answered.
    pub(super) unanswered: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Connected,
    /// Both sides have ended, or it was reset.
    Closed,
}

impl End {
    pub(super) fn new(local: Address, state: State, incoming: Pipe) -> Self {
        Self {
            local,
            state,
            incoming,
            read_shut: false,
            write_shut: false,
            finished: false,
            error: None,
            wants_room: false,
            opaque: false,
            resets: false,
            owned: false,
            gone: false,
            made: false,
            lost: false,
            sent: Tally::default(),
            received: Tally::default(),
            user_timeout: None,
            keepalive: None,
            unanswered: 0,
        }
    }

    pub(super) fn is_tcp(&self) -> bool {
        matches!(self.local, Address::Tcp(_))
    }

    /// Does `getpeername(2)` tell who the peer is? A TCP socket forgets it at the end, a Unix socket does not.
    pub(super) fn knows_its_peer(&self) -> bool {
        match self.state {
            State::Connecting => false,
            State::Connected => true,
            State::Closed => !self.is_tcp(),
        }
    }

    /// Is so little of `outgoing`, which the peer has not read, in use that it makes sense to write more? To a TCP socket that is
    /// two thirds of its buffer (`sk_stream_is_writeable`), to a Unix socket a quarter (`unix_writable`).
    pub(super) fn has_room(&self, outgoing: &Pipe) -> bool {
        if self.is_tcp() { outgoing.is_used_up_to(2, 3) } else { outgoing.is_used_up_to(1, 4) }
    }

    /// What it is ready for.
    pub(super) fn mask(&mut self, outgoing: &Pipe) -> Mask {
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

    /// Reads what is there. Returns also whether that made room.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<(Received, bool)> {
        let (count, freed) = self.incoming.pop(buffer);
        if count > 0 {
            // An event will tell of what arrives from now on, but not of an end that is here already.
            let drained = self.incoming.is_empty() && !self.read_shut;
            return Ok((Received { count, drained }, freed || self.is_tcp()));
        }
        if !self.finished {
            self.take_error()?;
        }
        if self.read_shut { Ok((Received { count: 0, drained: true }, false)) } else { Err(Errno::AGAIN.into()) }
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

    /// It has written its last.
    pub(super) fn end(&mut self) {
        self.write_shut = true;
        self.settle();
    }

    /// The peer has.
    pub(super) fn hear_end(&mut self) {
        self.read_shut = true;
        self.finished = self.is_tcp();
        self.settle();
    }

    fn settle(&mut self) {
        if self.read_shut && self.write_shut {
            self.state = State::Closed;
        }
    }

    /// A reset arrives: the peer is there no more, or never was.
    pub(super) fn hear_reset(&mut self) {
        match self.state {
            State::Closed => {}
            State::Connecting => self.break_off(Errno::CONNREFUSED),
            State::Connected if self.finished => self.break_off(Errno::PIPE),
            State::Connected => self.break_off(Errno::CONNRESET),
        }
    }

    pub(super) fn break_off(&mut self, error: Errno) {
        self.error = Some(error);
        self.hang_up();
    }

    /// Nothing goes either way any more. What has arrived can still be read.
    pub(super) fn hang_up(&mut self) {
        self.read_shut = true;
        self.write_shut = true;
        self.state = State::Closed;
    }
}
