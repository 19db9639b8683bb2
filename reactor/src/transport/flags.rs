//! What a connection remembers in single bits.

use std::cell::Cell;

/// A set of [`Flags`] bits that changes through a shared reference.
#[derive(Debug, Default)]
pub(crate) struct Flags(Cell<u32>);

impl Flags {
    /// A callback of this connection's protocol is running: what it writes gathers.
    pub(crate) const GATHERING: u32 = 1;
    /// The queue has something in it.
    pub(crate) const QUEUED: u32 = 1 << 1;
    /// The kernel's send buffer is full; a writable event will come.
    pub(crate) const BLOCKED: u32 = 1 << 2;
    /// The kernel was asked for writable events.
    pub(crate) const WATCHES_WRITABLE: u32 = 1 << 3;
    /// The queue is above its high mark, and has not been down to the low one since.
    pub(crate) const ABOVE_MARK: u32 = 1 << 4;
    /// The high mark was passed and the protocol is still to hear of it, even if the queue is down again by then: a write may
    /// have told somebody to wait.
    pub(crate) const PASSED_MARK: u32 = 1 << 25;
    /// The protocol has been told that it is above the mark.
    pub(crate) const TOLD_PAUSED: u32 = 1 << 5;
    /// The user paused reading.
    pub(crate) const PAUSED_BY_USER: u32 = 1 << 6;
    /// Reading waits until the queue is down to its low mark.
    pub(crate) const PAUSED_BY_QUEUE: u32 = 1 << 7;
    /// Reading was resumed, and the protocol is still to hear of it.
    pub(crate) const RESUMED: u32 = 1 << 8;
    /// The peer's end of the stream was read.
    pub(crate) const READ_CLOSED: u32 = 1 << 9;
    /// An event said that the peer has closed: from now on only a read of nothing means that nothing is left.
    pub(crate) const PEER_CLOSED: u32 = 1 << 10;
    /// Urgent data was announced: reads may stop short at its mark.
    pub(crate) const URGENT: u32 = 1 << 11;
    /// `close` was called: the protocol gets no more input.
    pub(crate) const CLOSING: u32 = 1 << 12;
    /// Nothing may be written any more; once the queue is empty the peer is told.
    pub(crate) const WRITE_CLOSING: u32 = 1 << 13;
    /// The peer was told.
    pub(crate) const WRITE_CLOSED: u32 = 1 << 14;
    /// Writing failed; what the peer had sent before is still read.
    pub(crate) const WRITE_FAILED: u32 = 1 << 15;
    /// The connection ends at the next step, without sending what is queued.
    pub(crate) const ENDING: u32 = 1 << 16;
    /// The connection has ended.
    pub(crate) const ENDED: u32 = 1 << 17;
    /// It is on the list of those served next turn.
    pub(crate) const AGAIN: u32 = 1 << 18;
    /// It is on the list of those served before this turn ends.
    pub(crate) const TOUCHED: u32 = 1 << 19;
    /// The protocol is to be replaced.
    pub(crate) const SWITCHING: u32 = 1 << 20;
    /// The protocol is still to be given its transport.
    pub(crate) const MADE: u32 = 1 << 21;
    /// An earlier protocol left bytes over for this one.
    pub(crate) const LEFTOVER: u32 = 1 << 22;
    /// The server is stopping, and the protocol is still to hear of it.
    pub(crate) const DRAINING: u32 = 1 << 26;
    /// Its descriptor was opened elsewhere: others may hold it too, so that closing ours ends nothing.
    pub(crate) const ADOPTED: u32 = 1 << 27;
    /// The stream is not ready for the protocol's bytes yet: see `ByteStream::prepare`.
    pub(crate) const PREPARING: u32 = 1 << 28;
    /// A pull producer is registered.
    pub(crate) const PULLING: u32 = 1 << 23;
    /// A push producer is registered.
    pub(crate) const PUSHING: u32 = 1 << 24;

    /// Something waits for the bytes written so far to be handed to the kernel: see `Transport::when_sent`.
    pub(crate) const MARKED: u32 = 1 << 29;
    /// The protocol has used up its share of the turn: input waits for the next one.
    pub(crate) const YIELDED: u32 = 1 << 30;

    /// The protocol works for its peer: see `Transport::set_busy`.
    pub(crate) const BUSY: u32 = 1 << 31;

    /// Each of these means that a step has more to do than to read.
    pub(crate) const ATTENTION: u32 = Self::QUEUED
        | Self::MARKED
        | Self::PASSED_MARK
        | Self::TOLD_PAUSED
        | Self::RESUMED
        | Self::CLOSING
        | Self::WRITE_CLOSING
        | Self::WRITE_FAILED
        | Self::ENDING
        | Self::ENDED
        | Self::SWITCHING
        | Self::PREPARING
        | Self::MADE
        | Self::LEFTOVER
        | Self::DRAINING
        | Self::PULLING;

    /// Each of these keeps the protocol from getting input.
    pub(crate) const NO_INPUT: u32 = Self::PAUSED_BY_USER
        | Self::PAUSED_BY_QUEUE
        | Self::YIELDED
        | Self::READ_CLOSED
        | Self::PREPARING
        | Self::CLOSING
        | Self::ENDING
        | Self::ENDED
        | Self::SWITCHING;

    /// Each of these refuses what is written.
    pub(crate) const NO_OUTPUT: u32 = Self::WRITE_CLOSING | Self::WRITE_FAILED | Self::ENDING | Self::ENDED;

    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.get()
    }

    /// Is any of `bits` set?
    #[inline]
    pub(crate) fn has(&self, bits: u32) -> bool {
        self.0.get() & bits != 0
    }

    #[inline]
    pub(crate) fn set(&self, bits: u32) {
        self.0.set(self.0.get() | bits);
    }

    #[inline]
    pub(crate) fn clear(&self, bits: u32) {
        self.0.set(self.0.get() & !bits);
    }

    /// Clears `bits` and tells whether any was set.
    #[inline]
    pub(crate) fn take(&self, bits: u32) -> bool {
        let had = self.has(bits);
        self.clear(bits);
        had
    }
}
