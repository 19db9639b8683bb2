//! The peer of a connection under test.

use std::fmt;
use std::io::ErrorKind;
use std::mem;
use std::rc::Rc;

use crate::guarded::Guarded;
use crate::simulated::LooseEnd;

use super::witness::Record;

/// How much is taken from a protocol at a time.
const PIECE: usize = 16 * 1024;

/// The most that is kept of what a protocol has written. Past it the protocol writes without end, and the test would do so too.
const MOST_WRITTEN: usize = 256 * 1024 * 1024;

/// The peer of a connection under test: sends what it is told to, takes as much as it is told to, and when the protocol closes the
/// connection, it closes it too.
pub(super) struct FarEnd {
    state: Guarded<State>,
    record: Rc<Record>,
}

struct State {
    /// None once it has reset the connection.
    end: Option<LooseEnd>,
    /// What it has been told to send and could not send yet.
    unsent: Vec<u8>,
    /// Its own end follows what is unsent.
    ends: bool,
    has_ended: bool,
    taken: Vec<u8>,
    /// How much it still takes, unless it takes everything.
    room: Option<usize>,
    sees: Sees,
}

/// What the peer sees of the connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    Open,
    /// An orderly end of what the protocol writes.
    End,
    Reset,
}

impl FarEnd {
    pub(super) fn new(end: LooseEnd, record: Rc<Record>) -> Self {
        let state = State {
            end: Some(end),
            unsent: Vec::new(),
            ends: false,
            has_ended: false,
            taken: Vec::new(),
            room: None,
            sees: Sees::Open,
        };
        Self { state: Guarded::new(state), record }
    }

    pub(super) fn send(&self, data: &[u8]) {
        self.state.with(|state| state.unsent.extend_from_slice(data));
    }

    pub(super) fn end(&self) {
        self.state.with(|state| state.ends = true);
    }

    pub(super) fn reset(&self) {
        self.state.with(|state| {
            if let Some(end) = &mut state.end {
                end.reset();
            }
            state.end = None;
        });
    }

    pub(super) fn set_room(&self, room: Option<usize>) {
        self.state.with(|state| {
            state.room = room;
            state.announce_room();
        });
    }

    pub(super) fn sees(&self) -> Sees {
        self.state.with(|state| state.sees)
    }

    pub(super) fn taken(&self) -> Vec<u8> {
        self.state.with(|state| state.taken.clone())
    }

    pub(super) fn take(&self) -> Vec<u8> {
        self.state.with(|state| mem::take(&mut state.taken))
    }

    /// Sends and takes what it can. Returns whether anything has moved.
    pub(super) fn act(&self) -> bool {
        // Of a protocol that has closed its writing side alone, more is to be heard.
        let answers = self.record.transport.get().is_some_and(|transport| !transport.is_open());
        self.state.with(|state| {
            let taken = state.receive();
            state.ends |= answers && state.sees == Sees::End;
            state.transmit() || taken
        })
    }

    /// Does it see the end of what the protocol writes, and go on until the protocol closes the connection?
    pub(super) fn waits_for_close(&self) -> bool {
        self.state.with(|state| state.end.is_some() && state.sees == Sees::End && !state.ends)
    }

    /// Has it been given so much that nobody can mean it?
    pub(super) fn is_flooded(&self) -> bool {
        self.state.with(|state| state.taken.len() > MOST_WRITTEN)
    }
}

impl State {
    fn announce_room(&self) {
        if let Some(end) = &self.end {
            end.set_capacity(self.room.unwrap_or(usize::MAX));
        }
    }

    fn receive(&mut self) -> bool {
        let mut moved = false;
        let mut buffer = [0; PIECE];
        while self.sees == Sees::Open
            && let Some(end) = &mut self.end
        {
            match end.read(&mut buffer) {
                Ok(received) if received.count > 0 => {
                    self.taken.extend_from_slice(&buffer[..received.count]);
                    self.room = self.room.map(|room| room.saturating_sub(received.count));
                    self.announce_room();
                }
                Ok(_) => self.sees = Sees::End,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => self.sees = Sees::Reset,
            }
            moved = true;
        }
        moved
    }

    fn transmit(&mut self) -> bool {
        let Some(end) = &mut self.end else { return false };
        let mut sent = 0;
        while sent < self.unsent.len() {
            match end.write(&self.unsent[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // Nobody is there any more to send it to.
                Err(_) => sent = self.unsent.len(),
            }
        }
        self.unsent.drain(..sent);
        if self.unsent.is_empty() {
            // A check of memory would count it.
            self.unsent = Vec::new();
        }
        let ends = self.ends && !self.has_ended && self.unsent.is_empty();
        if ends {
            // If that fails, the connection has ended otherwise.
            let _ = end.close_write();
            self.has_ended = true;
        }
        sent > 0 || ends
    }
}

impl fmt::Debug for FarEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarEnd").field("sees", &self.sees()).finish_non_exhaustive()
    }
}
