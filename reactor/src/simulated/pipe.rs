//! The bytes on their way in one direction of a connection.

use std::collections::VecDeque;
use std::io::Read;

/// What one side of the kernel holds of one direction, unless a socket says otherwise: half of Linux's default for the whole of it
/// (208 KiB, `net.core.wmem_default`), which is what a Unix stream takes. TCP over loopback takes more, and grows what it takes.
const HALF: usize = 104 * 1024;

/// The receive window of a TCP connection at its beginning, with the default of `net.ipv4.tcp_rmem`. It grows on Linux for a reader that
/// keeps up; here it does not.
const WINDOW: usize = 128 * 1024;

/// A bounded buffer: what was written and not read yet.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    /// How many bytes each write brought that has not been read to its end. They add up to `bytes.len()`.
    writes: VecDeque<usize>,
    /// Bytes that the writer counts and that are not here: those on their way here, and those that were read of which it does not know yet.
    /// `0 <= bytes.len() + expected <= capacity`.
    expected: usize,
    capacity: usize,
    /// The most that leaves the writer's host before it is read.
    window: usize,
}

impl Pipe {
    /// A pipe between a socket with this send buffer and one with this receive buffer.
    pub(super) fn new(send_buffer: Option<usize>, receive_buffer: Option<usize>) -> Self {
        let capacity = send_buffer.unwrap_or(HALF).saturating_add(receive_buffer.unwrap_or(HALF));
        let capacity = capacity.max(1);
        Self { bytes: VecDeque::new(), writes: VecDeque::new(), expected: 0, capacity, window: capacity }
    }

    /// A pipe between sockets on two hosts: `capacity` in all, as far as the sockets do not say otherwise.
    pub(super) fn between_hosts(send_buffer: Option<usize>, receive_buffer: Option<usize>, capacity: usize) -> Self {
        let window = receive_buffer.unwrap_or(WINDOW.min(capacity.div_ceil(2)));
        let sending = send_buffer.unwrap_or(capacity - capacity.min(window));
        Self { window: window.max(1), ..Self::new(Some(sending), Some(window)) }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Is there room, and at most `part` of `whole` in use?
    pub(super) fn is_used_up_to(&self, part: usize, whole: usize) -> bool {
        let used = self.bytes.len() + self.expected;
        used < self.capacity && used.saturating_mul(whole) <= self.capacity.saturating_mul(part)
    }

    /// Sets how many bytes it holds from now on. What is in it stays.
    pub(super) fn set_capacity(&mut self, bytes: usize) {
        self.capacity = bytes;
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.writes.clear();
    }

    /// The same pipe with room for so much at the most.
    pub(super) fn limited(mut self, capacity: Option<usize>) -> Self {
        self.capacity = capacity.map_or(self.capacity, |capacity| self.capacity.min(capacity.max(1)));
        self.window = self.window.min(self.capacity);
        self
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len() + self.expected)
    }

    /// Keeps room for bytes that are to come, up to `count`. Returns for how many.
    pub(super) fn expect(&mut self, count: usize) -> usize {
        let count = count.min(self.room());
        self.expected += count;
        count
    }

    /// How many more bytes may leave the writer's host, which holds `unsent` back.
    pub(super) fn window_for(&self, unsent: usize) -> usize {
        self.window.saturating_sub((self.bytes.len() + self.expected).saturating_sub(unsent))
    }

    /// The writer does not know yet that so many bytes were read.
    pub(super) fn keep_room(&mut self, count: usize) {
        self.expected += count;
    }

    /// So many of the bytes that were to come have, or never will; or the writer knows that they were read.
    pub(super) fn forget_expected(&mut self, count: usize) {
        self.expected = self.expected.saturating_sub(count);
    }

    /// Takes the beginning of `data`, as much as there is room for.
    pub(super) fn push(&mut self, data: &[u8]) -> usize {
        let count = data.len().min(self.room());
        self.bytes.extend(&data[..count]);
        if count > 0 {
            self.writes.push_back(count);
        }
        count
    }

    /// Moves the oldest bytes to `buffer`. Returns how many, and whether they were the last of a write: only then does a Unix socket
    /// let go of the memory.
    pub(super) fn pop(&mut self, buffer: &mut [u8]) -> (usize, bool) {
        let mut count = 0;
        // The ring may have the bytes in two pieces, and one read gives one.
        for _ in 0..2 {
            count += self.bytes.read(&mut buffer[count..]).unwrap_or(0);
        }
        let (mut left, mut freed) = (count, false);
        while let Some(write) = self.writes.front_mut() {
            if *write > left {
                *write -= left;
                break;
            }
            left -= *write;
            self.writes.pop_front();
            freed = true;
        }
        (count, freed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_not_taken() {
        let mut pipe = Pipe::new(Some(2), Some(2));
        assert_eq!(pipe.push(b"abc"), 3);
        assert_eq!(pipe.push(b"def"), 1);
        let mut buffer = [0; 8];
        assert_eq!(pipe.pop(&mut buffer[..2]), (2, false));
        assert_eq!(pipe.pop(&mut buffer[2..3]), (1, true));
        assert_eq!(pipe.push(b"ef"), 2);
        assert_eq!(pipe.pop(&mut buffer[3..]), (3, true));
        assert_eq!(&buffer[..6], b"abcdef");
        assert!(pipe.is_empty());
    }
}
