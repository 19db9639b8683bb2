//! What the slab holds for one timer.

use std::num::NonZeroU32;

/// Stands for "no entry" in a link.
pub(super) const NONE: u32 = u32::MAX;

/// Stands in `previous` for an entry that is in no chain, since it has expired and waits to be taken.
pub(super) const EXPIRED: u32 = u32::MAX - 1;

/// One timer. It knows neither its level nor its slot: the deadline and the wheel's time tell both.
///
/// Links are 32 bits wide to keep the entry of a word-sized value within half a cache line.
/// `previous` means something only while the entry is not the first of its chain.
pub(super) struct Entry<T> {
    pub(super) deadline: u64,
    pub(super) previous: u32,
    pub(super) next: u32,
    pub(super) generation: NonZeroU32,
    pub(super) value: T,
}

impl<T> Entry<T> {
    pub(super) fn is_expired(&self) -> bool {
        self.previous == EXPIRED
    }
}
