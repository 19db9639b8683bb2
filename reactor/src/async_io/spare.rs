//! Buffers that are kept for what is received next.

use crate::guarded::Guarded;

/// Buffers of so many bytes are kept, and so many of them: what a turn of a busy loop needs, half a mebibyte at the most. A turn receives for all
/// its connections before any task runs, which is more than an allocator caches.
const SPARE_BYTES: usize = 4096;
const SPARES: usize = 128;

/// The smallest that is made.
const SMALLEST: usize = 256;

thread_local! {
    static SPARE: Guarded<Vec<Vec<u8>>> = const { Guarded::new(Vec::new()) };
}

/// An empty buffer with room for `bytes`, or with some.
pub(super) fn take(bytes: usize) -> Vec<u8> {
    let spare = SPARE.try_with(|spare| spare.with(Vec::pop)).ok().flatten();
    spare.unwrap_or_else(|| Vec::with_capacity(bytes.max(SMALLEST)))
}

/// Keeps a buffer, if it is worth it.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() <= SPARE_BYTES {
        buffer.clear();
        // At the very end of a thread nobody needs it.
        let _ = SPARE.try_with(|spare| {
            spare.with(|spare| {
                if spare.len() < SPARES {
                    spare.push(buffer);
                }
            });
        });
    }
}
