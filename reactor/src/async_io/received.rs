//! Bytes that were received and are not read yet.

use crate::guarded::Guarded;

/// Buffers of so many bytes are kept for what is received next, and so many of them: what a turn of a busy loop needs, half a mebibyte at the
/// most. A turn receives for all its connections before any task runs, which is more than an allocator caches.
const SPARE_BYTES: usize = 4096;
const SPARES: usize = 128;

/// The smallest that is made.
const SMALLEST: usize = 256;

thread_local! {
    #[expect(clippy::vec_box, reason = "they go from hand to hand as they are")]
    static SPARE: Guarded<Vec<Box<Received>>> = const { Guarded::new(Vec::new()) };
}

/// A buffer that goes from the protocol to the reader. `0 <= start <= bytes.len()`.
pub(super) struct Received {
    bytes: Vec<u8>,
    /// Where what is not read begins.
    start: usize,
}

impl Received {
    /// An empty buffer with room for `bytes`, or with some.
    #[inline]
    pub(super) fn with_room(bytes: usize) -> Box<Self> {
        let spare = SPARE.try_with(|spare| spare.with(Vec::pop)).ok().flatten();
        spare.unwrap_or_else(|| Self::new(bytes))
    }

    #[cold]
    fn new(bytes: usize) -> Box<Self> {
        Box::new(Self { bytes: Vec::with_capacity(bytes.max(SMALLEST)), start: 0 })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// So many more bytes were read, and some are left.
    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
    }

    /// Gives up a buffer that is read; it is kept if it is worth it.
    #[inline]
    pub(super) fn give_up(mut self: Box<Self>) {
        if self.bytes.capacity() <= SPARE_BYTES {
            self.bytes.clear();
            self.start = 0;
            // At the very end of a thread nobody needs it.
            let _ = SPARE.try_with(|spare| {
                spare.with(|spare| {
                    if spare.len() < spare.capacity() {
                        spare.push(self);
                    } else if spare.is_empty() {
                        spare.reserve_exact(SPARES);
                    }
                });
            });
        }
    }
}
