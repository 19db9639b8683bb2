//! Emptying a write queue into a sink.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};
use std::ops::Range;

use super::entry::Entry;
use super::sink::Sink;
use super::write_queue::WriteQueue;

/// Slices in one vectored write. The kernel allows 1024, but copies their descriptions each time, those that the socket
/// then has no room for too. At sixty-four the system call itself is a small part of the cost of slices of 256 bytes, and
/// smaller ones gather; more would gain a tenth, and take more than a kibibyte of stack.
const SLICES: usize = 64;

/// System calls that a signal may interrupt in one flush before the loop gets its turn.
const INTERRUPTIONS: usize = 16;

/// The most that Linux sends of a file in one call. Of more than this it would send as much, but a count past
/// `isize::MAX` it refuses.
const FILE_PART: u64 = 0x7fff_f000;

/// The longest part of a file that is worth a packet with what stands before it: as much as the kernel sends in one piece. With a longer one a packet
/// is nothing, and a mebibyte that began in the middle of a piece was measured to cost a third more.
const SHORT_FILE: u64 = 64 * 1024;

/// The budget cuts a file at multiples of this. A cut in the middle of a piece splits a page between two calls, and had 64,926 bytes sent
/// in a call of their own before the other 983,650 of a mebibyte.
const PIECE: u64 = SHORT_FILE;

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Flush {
    /// Bytes that the sink took.
    pub written: u64,
    /// Why the flush ended.
    pub outcome: FlushOutcome,
}

/// Why a flush ended, other than by an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlushOutcome {
    /// The queue is empty.
    Drained,
    /// The sink has no room: flush again when it says that it is writable.
    Blocked,
    /// The budget is used up while the sink may have room: flush again soon, without waiting for the sink to say
    /// anything. An edge-triggered poller would not remind you.
    Budget,
}

impl WriteQueue {
    /// Writes what is queued, in order, until the queue is empty, the sink is full, or `budget` bytes are written.
    ///
    /// A single contiguous piece goes by [`Sink::write`], or by [`Sink::write_before_file`] if a short file follows it, up to 64 pieces by one
    /// [`Sink::write_vectored`], a file by [`Sink::send_file`]. A write that the sink took only a part of ends the flush, so a full socket costs no
    /// further system call; after a part of a file one more call is made, because only that tells a full socket
    /// from a file that ended. The budget cuts a file only at a multiple of 64 KiB, unless the whole budget is less than that.
    ///
    /// No chunk is dropped in here: call [`WriteQueue::take_spent`] afterwards, also after an error.
    ///
    /// # Errors
    ///
    /// Whatever the sink fails with, except [`ErrorKind::WouldBlock`] and [`ErrorKind::Interrupted`], which are
    /// handled; [`ErrorKind::WriteZero`] if the sink takes nothing of a piece that is not empty;
    /// [`ErrorKind::UnexpectedEof`] if a file ends before its range does. What was written before the error is out
    /// of the queue, the rest is in it.
    pub fn flush<S: Sink + ?Sized>(&mut self, sink: &mut S, budget: usize) -> io::Result<Flush> {
        let mut written = 0;
        let mut interruptions = 0;
        let outcome = loop {
            let Some(front) = self.entries.get(self.spent) else { break FlushOutcome::Drained };
            let allowance = budget - written;
            if allowance == 0 {
                break FlushOutcome::Budget;
            }
            let (offered, result) = match front {
                Entry::File(file, range) => {
                    let count = match file_part(range, allowance) {
                        0 if written > 0 => break FlushOutcome::Budget,
                        // The whole budget is less than a piece.
                        0 => allowance,
                        count => count,
                    };
                    (count, sink.send_file(file, range.start, count))
                }
                Entry::Block(bytes) => self.write_bytes(bytes, sink, allowance),
                Entry::Chunk(bytes) => self.write_bytes(bytes, sink, allowance),
            };
            match result {
                Ok(0) => return Err(self.nothing_taken()),
                Ok(taken) if taken > offered => return Err(io::Error::other("a sink took more than it was offered")),
                Ok(taken) => {
                    let is_file = matches!(front, Entry::File(..));
                    self.advance(taken);
                    written += taken;
                    if taken < offered && !is_file {
                        break FlushOutcome::Blocked;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break FlushOutcome::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    interruptions += 1;
                    if interruptions == INTERRUPTIONS {
                        break FlushOutcome::Budget;
                    }
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Flush { written: written as u64, outcome })
    }

    /// Offers `first`, the front entry, and with it those that follow it in memory. Returns how much it offered, too.
    fn write_bytes<S: Sink + ?Sized>(
        &self,
        first: &[u8],
        sink: &mut S,
        allowance: usize,
    ) -> (usize, io::Result<usize>) {
        let first = &first[self.front_written..];
        let next = self.entries.get(self.spent + 1);
        match next {
            // It goes on at once, in this very flush.
            Some(Entry::File(_, range))
                if range.end - range.start <= SHORT_FILE
                    && file_part(range, allowance.saturating_sub(first.len())) > 0 =>
            {
                (first.len(), sink.write_before_file(first))
            }
            Some(Entry::Block(_) | Entry::Chunk(_)) if first.len() < allowance => {
                write_gathered(first, &self.entries, self.spent + 1, sink, allowance)
            }
            _ => {
                let first = &first[..first.len().min(allowance)];
                (first.len(), sink.write(first))
            }
        }
    }

    fn nothing_taken(&self) -> io::Error {
        match self.entries.get(self.spent) {
            Some(Entry::File(_, range)) => io::Error::new(
                ErrorKind::UnexpectedEof,
                format!(
                    "the file ended at byte {}, before the end of the queued range at {}: the peer was promised more",
                    range.start, range.end
                ),
            ),
            _ => ErrorKind::WriteZero.into(),
        }
    }
}

/// Its own function, so that a flush of a single piece does not pay for the array of slices.
#[inline(never)]
fn write_gathered<S: Sink + ?Sized>(
    first: &[u8],
    entries: &VecDeque<Entry>,
    next: usize,
    sink: &mut S,
    allowance: usize,
) -> (usize, io::Result<usize>) {
    let mut slices = [IoSlice::new(&[]); SLICES];
    slices[0] = IoSlice::new(first);
    let mut offered = first.len();
    let mut filled = 1;
    for (slot, bytes) in slices[1..].iter_mut().zip(entries.range(next..).map_while(Entry::bytes)) {
        let bytes = &bytes[..bytes.len().min(allowance - offered)];
        if bytes.is_empty() {
            break;
        }
        *slot = IoSlice::new(bytes);
        offered += bytes.len();
        filled += 1;
    }
    (offered, sink.write_vectored(&slices[..filled]))
}

/// The number of bytes of a file to offer within `allowance`: all, or up to the end of a piece.
fn file_part(range: &Range<u64>, allowance: usize) -> usize {
    let rest = clamp((range.end - range.start).min(FILE_PART));
    if rest <= allowance {
        return rest;
    }
    let end = range.start.saturating_add(allowance as u64);
    clamp((end - end % PIECE).saturating_sub(range.start))
}

fn clamp(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
