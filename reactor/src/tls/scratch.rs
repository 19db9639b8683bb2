//! Memory that all streams of a thread share while they work.

use crate::guarded::Guarded;

/// Room for what one read brings and the record that it completes; or for what one write sends.
pub(super) const SCRATCH: usize = 128 * 1024;

/// As many as streams lie around each other at the most, but for very odd ones.
const KEPT: usize = 4;

thread_local! {
    static FREE: Guarded<Vec<Box<[u8]>>> = const { Guarded::new(Vec::new()) };
}

/// A piece of memory that goes back to the thread when it is dropped. Streams that lie around each other each take one.
pub(super) struct Scratch(Box<[u8]>);

impl Scratch {
    pub(super) fn take() -> Self {
        let free = FREE.try_with(|free| free.with(Vec::pop)).ok().flatten();
        Self(free.unwrap_or_else(|| vec![0; SCRATCH].into_boxed_slice()))
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let scratch = std::mem::take(&mut self.0);
        // While a thread ends there is nothing to give it back to.
        let _ = FREE.try_with(|free| {
            free.with(|free| {
                if free.len() < KEPT {
                    free.push(scratch);
                }
            });
        });
    }
}
