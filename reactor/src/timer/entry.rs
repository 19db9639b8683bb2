//! What the slab holds for one timer.

use std::num::NonZeroU32;

/// One timer. Its deadline tells where on the dial it is linked; the links themselves are kept apart.
pub(super) struct Entry<T> {
    pub(super) deadline: u64,
    pub(super) generation: NonZeroU32,
    pub(super) value: T,
}
