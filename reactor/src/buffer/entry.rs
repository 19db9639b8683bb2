//! One element of the write queue.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// The first allocation of a block that gathers small writes.
const FIRST_BLOCK: usize = 512;

/// What a block may grow to. Large enough that the cost of a system call vanishes in that of copying so much, small
/// enough that growing copies little and that memory returns while a long queue is being written.
pub(super) const BLOCK_LIMIT: usize = 64 * 1024;

/// What one entry costs beside the bytes it keeps alive.
pub(super) const OVERHEAD: usize = size_of::<Entry>();

/// Entries are never empty: what has no bytes is not queued.
pub(super) enum Entry {
    /// Copies of small writes; `capacity() <= BLOCK_LIMIT`, unless the allocator rounds up.
    Block(Vec<u8>),
    /// What somebody else allocated. Dropping it may run a user's code.
    Chunk(Bytes),
    /// The part of a file that is still to be sent.
    File(Arc<File>, Range<u64>),
}

impl Entry {
    /// A block with the beginning of `data`, at least one byte, and what did not fit.
    pub(super) fn gather(data: &[u8]) -> (Self, &[u8]) {
        let (taken, left) = data.split_at(data.len().min(BLOCK_LIMIT));
        let mut block = Vec::with_capacity(taken.len().max(FIRST_BLOCK));
        block.extend_from_slice(taken);
        (Self::Block(block), left)
    }

    /// Appends the beginning of `data` if this is a block. Returns what did not fit.
    pub(super) fn append<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        let Self::Block(block) = self else { return data };
        let (taken, left) = data.split_at(data.len().min(BLOCK_LIMIT.saturating_sub(block.len())));
        let needed = block.len() + taken.len();
        if needed > block.capacity() {
            let capacity = needed.max(block.capacity() * 2).min(BLOCK_LIMIT);
            block.reserve_exact(capacity - block.len());
        }
        block.extend_from_slice(taken);
        left
    }

    /// The bytes in memory, or nothing for a file.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Block(block) => Some(block),
            Self::Chunk(chunk) => Some(chunk),
            Self::File(..) => None,
        }
    }

    /// Memory kept alive by the bytes alone.
    pub(super) fn kept(&self) -> usize {
        match self {
            Self::Block(block) => block.capacity(),
            Self::Chunk(chunk) => chunk.len(),
            Self::File(..) => 0,
        }
    }
}
