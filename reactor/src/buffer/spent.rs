//! Chunks that the write queue has no more use for.

use std::fmt;

use bytes::Bytes;

/// Chunks that were written, taken out of a [`WriteQueue`](super::WriteQueue) so that they can be dropped where a
/// user's code may run.
///
/// A chunk made by [`Bytes::from_owner`] runs its owner's destructor when the last reference goes. Drop this value
/// when nothing is borrowed that the destructor could reach.
#[must_use = "drop it where a user's code may run"]
#[derive(Default)]
pub struct Spent {
    // The usual one or none needs no allocation.
    first: Option<Bytes>,
    others: Vec<Bytes>,
}

impl Spent {
    /// How many chunks are here.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Whether there is nothing to drop.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        self.first.iter().chain(&self.others)
    }

    /// The chunks, to be dropped one by one.
    pub(crate) fn into_chunks(self) -> impl Iterator<Item = Bytes> {
        self.first.into_iter().chain(self.others)
    }

    pub(super) fn reserve(&mut self, chunks: usize) {
        self.others.reserve_exact(chunks.saturating_sub(1));
    }

    pub(super) fn add(&mut self, chunk: Bytes) {
        if self.first.is_none() {
            self.first = Some(chunk);
        } else {
            self.others.push(chunk);
        }
    }
}

impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spent").field("chunks", &self.len()).finish()
    }
}
