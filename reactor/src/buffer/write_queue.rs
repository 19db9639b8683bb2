//! The bytes that wait for one descriptor to take them.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::{Entry, OVERHEAD};
use super::spent::Spent;

/// Up to this size a chunk is copied to those before it. In a full vectored write a slice of this size takes the kernel
/// two or three times as long as copying takes in its stead; at 256 bytes the two are even. A larger limit would also
/// copy what many connections could share.
const SMALL_CHUNK: usize = 128;

/// An entry table of up to this many is kept as it is, however few of its places are used.
const SMALL_TABLE: usize = 16;

/// Bytes on their way to a descriptor, in order: gathered slices, owned chunks and ranges of files.
///
/// Every connection of the reactor has one while there is something to write. It is public for those who write their
/// own sources of events. It knows nothing of sockets: [`flush`](WriteQueue::flush) empties it into any
/// [`Sink`](super::Sink).
///
/// - **Getters**: [`len`](Self::len), [`is_empty`](Self::is_empty), [`footprint`](Self::footprint).
/// - **Commands**: [`push_slice`](Self::push_slice) copies, [`push_chunk`](Self::push_chunk) and
///   [`push_file`](Self::push_file) do not. They never fail and know no limit: compare `footprint` with yours.
/// - **Emptying**: [`flush`](Self::flush), and after it, as after `push_chunk`, [`take_spent`](Self::take_spent);
///   [`take_all`](Self::take_all) to give up.
///
/// # What is dropped where
///
/// The destructor of a chunk may run a user's code (see [`Bytes::from_owner`]), and that code may come back to the
/// owner of this queue. So no `push_*`, and not `flush`, ever drops a chunk. Those no longer needed stay, still counted
/// in the footprint, until `take_spent` hands them out. Only dropping the queue itself drops them in place; `take_all`
/// moves that, too, to a better moment. Files are closed as soon as they are sent: that runs nobody's code.
///
/// # Example
///
/// ```
/// use std::io::{self, IoSlice};
///
/// use lariat::{FlushOutcome, Sink, WriteQueue};
///
/// /// Takes `room` bytes and is full then.
/// struct Narrow {
///     taken: Vec<u8>,
///     room: usize,
/// }
///
/// impl Sink for Narrow {
///     fn write(&mut self, data: &[u8]) -> io::Result<usize> {
///         if self.taken.len() == self.room {
///             return Err(io::ErrorKind::WouldBlock.into());
///         }
///         let taken = data.len().min(self.room - self.taken.len());
///         self.taken.extend_from_slice(&data[..taken]);
///         Ok(taken)
///     }
///
///     fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
///         let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
///         self.write(&joined)
///     }
/// }
///
/// let mut queue = WriteQueue::new();
/// queue.push_slice(b"HTTP/1.1 200 OK\r\n");
/// queue.push_slice(b"Content-Length: 1000\r\n\r\n");
/// queue.push_chunk(vec![b'x'; 1000].into());
/// assert_eq!(queue.len(), 1041);
///
/// let mut sink = Narrow { taken: Vec::new(), room: 100 };
/// let flush = queue.flush(&mut sink, usize::MAX)?;
/// assert_eq!((flush.written, flush.outcome), (100, FlushOutcome::Blocked));
/// assert_eq!(queue.len(), 941);
///
/// sink.room = 2000;
/// let flush = queue.flush(&mut sink, usize::MAX)?;
/// assert_eq!((flush.written, flush.outcome), (941, FlushOutcome::Drained));
/// drop(queue.take_spent());
/// assert_eq!(queue.footprint(), 0);
/// # io::Result::Ok(())
/// ```
#[derive(Default)]
pub struct WriteQueue {
    /// The first `spent` of them are chunks that wait for `take_spent`; the others are to be written.
    pub(super) entries: VecDeque<Entry>,
    /// `spent <= entries.len()`
    pub(super) spent: usize,
    /// How much of `entries[spent]` is written. Less than its length; 0 for a file, whose range shrinks instead.
    pub(super) front_written: usize,
    length: u64,
    /// The sum of `kept()` over all entries, the spent ones too.
    kept: usize,
    /// The part of `kept` that is chunks: `chunk_bytes <= kept`.
    chunk_bytes: usize,
}

impl WriteQueue {
    /// An empty queue. It allocates nothing before the first push.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: VecDeque::new(), spent: 0, front_written: 0, length: 0, kept: 0, chunk_bytes: 0 }
    }

    /// Bytes not yet written, files included. Ranges of files can be as long as a `u64` says; a sum that does not fit
    /// one is [`u64::MAX`].
    #[must_use]
    #[inline]
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether everything is written.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == self.spent
    }

    /// Bytes of memory that this queue keeps alive: the capacity of its own blocks, the whole length of its chunks,
    /// also of those partly written or waiting for [`take_spent`](Self::take_spent), nothing for a file, and 40 bytes
    /// an entry, so that many tiny chunks do not pass as few bytes.
    ///
    /// A chunk that is a small part of a large allocation keeps all of it alive; only the part can be seen, and counted.
    #[must_use]
    #[inline]
    pub fn footprint(&self) -> usize {
        self.kept.saturating_add(self.entries.len() * OVERHEAD)
    }

    /// The part of the footprint that no other queue can share: all but the chunks.
    pub(crate) fn own_footprint(&self) -> usize {
        self.footprint().saturating_sub(self.chunk_bytes)
    }

    /// The chunks, spent ones too.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Bytes> {
        self.entries.iter().filter_map(|entry| if let Entry::Chunk(chunk) = entry { Some(chunk) } else { None })
    }

    /// Queues a copy of `data`. Small writes that follow each other gather in one block, which grows to at most 64 KiB.
    #[doc(alias = "write")]
    #[inline]
    pub fn push_slice(&mut self, data: &[u8]) {
        // A block is never spent, so whatever block is last has all its bytes before these.
        if let Some(Entry::Block(tail)) = self.entries.back_mut()
            && data.len() <= tail.capacity() - tail.len()
        {
            tail.extend_from_slice(data);
            self.length = self.length.saturating_add(data.len() as u64);
        } else {
            self.gather(data);
        }
    }

    /// Queues `chunk` without copying it, unless it has 128 bytes or less and others are waiting: then it joins them as
    /// by [`push_slice`](Self::push_slice).
    ///
    /// A chunk that was copied, or is empty, is ready for [`take_spent`](Self::take_spent) at once.
    #[inline]
    pub fn push_chunk(&mut self, chunk: Bytes) {
        self.kept = self.kept.saturating_add(chunk.len());
        self.chunk_bytes = self.chunk_bytes.saturating_add(chunk.len());
        if chunk.len() > SMALL_CHUNK || (self.is_empty() && !chunk.is_empty()) {
            self.length = self.length.saturating_add(chunk.len() as u64);
            self.entries.push_back(Entry::Chunk(chunk));
        } else {
            self.push_slice(&chunk);
            self.entries.push_front(Entry::Chunk(chunk));
            self.spent += 1;
        }
    }

    /// Queues a part of a file, in bytes from its beginning. The file's own position is neither used nor moved.
    ///
    /// Nothing is read before it is sent. A file that is shorter by then than the range says makes
    /// [`flush`](Self::flush) fail. The same file may be queued many times: share it as an [`Arc`].
    #[doc(alias = "FileSender")]
    pub fn push_file(&mut self, file: impl Into<Arc<File>>, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.length = self.length.saturating_add(range.end - range.start);
        self.append(Entry::File(file.into(), range));
    }

    /// Takes out the chunks that are no longer needed, to be dropped where a user's code may run. Costs next to nothing
    /// when there are none.
    #[inline]
    pub fn take_spent(&mut self) -> Spent {
        let mut spent = Spent::default();
        if self.spent > 0 {
            self.collect_spent(&mut spent);
        }
        spent
    }

    /// Takes out everything, written or not, and leaves an empty queue: what an aborted connection does, to drop the
    /// chunks where a user's code may run.
    #[must_use = "drop it where a user's code may run"]
    pub fn take_all(&mut self) -> Self {
        mem::take(self)
    }

    /// All chunks, written or not, to be dropped one by one.
    pub(crate) fn into_chunks(self) -> impl Iterator<Item = Bytes> {
        self.entries.into_iter().filter_map(|entry| if let Entry::Chunk(chunk) = entry { Some(chunk) } else { None })
    }

    /// Forgets the next `count` bytes, which are written.
    pub(super) fn advance(&mut self, count: usize) {
        self.length = self.length.saturating_sub(count as u64);
        let mut count = count;
        while let Some(front) = self.entries.get_mut(self.spent) {
            match front {
                Entry::File(_, range) => {
                    range.start += count as u64;
                    if range.is_empty() {
                        self.retire_front();
                    }
                    return;
                }
                Entry::Block(_) | Entry::Chunk(_) => {
                    let left = front.bytes().map_or(0, <[u8]>::len) - self.front_written;
                    if count < left {
                        self.front_written += count;
                        return;
                    }
                    count -= left;
                    self.retire_front();
                    if count == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// The front entry is written: a chunk becomes spent, anything else is dropped.
    fn retire_front(&mut self) {
        self.front_written = 0;
        if let Some(Entry::Chunk(_)) = self.entries.get(self.spent) {
            self.spent += 1;
            return;
        }
        // The order of the spent chunks does not matter, so one of them may take the place that becomes free.
        if let Some(entry) = self.entries.swap_remove_front(self.spent) {
            self.kept = self.kept.saturating_sub(entry.kept());
        }
        self.trim();
    }

    /// Copies `data` into the last block as far as that may grow, and then into new ones.
    #[inline(never)]
    fn gather(&mut self, data: &[u8]) {
        self.length = self.length.saturating_add(data.len() as u64);
        let mut rest = data;
        if let Some(tail @ Entry::Block(_)) = self.entries.back_mut() {
            let before = tail.kept();
            rest = tail.append(rest);
            self.kept = self.kept.saturating_add(tail.kept() - before);
        }
        while !rest.is_empty() {
            let (block, left) = Entry::gather(rest);
            self.append(block);
            rest = left;
        }
    }

    fn append(&mut self, entry: Entry) {
        self.kept = self.kept.saturating_add(entry.kept());
        self.entries.push_back(entry);
    }

    #[inline(never)]
    fn collect_spent(&mut self, spent: &mut Spent) {
        spent.reserve(self.spent);
        for entry in self.entries.drain(..self.spent) {
            self.kept = self.kept.saturating_sub(entry.kept());
            if let Entry::Chunk(chunk) = entry {
                self.chunk_bytes = self.chunk_bytes.saturating_sub(chunk.len());
                spent.add(chunk);
            }
        }
        self.spent = 0;
        self.trim();
    }

    /// Gives back an entry table that has become far too large, which the footprint could not tell.
    fn trim(&mut self) {
        if self.entries.capacity() > SMALL_TABLE && self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }
}

impl fmt::Debug for WriteQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteQueue")
            .field("len", &self.len())
            .field("entries", &(self.entries.len() - self.spent))
            .field("spent", &self.spent)
            .field("footprint", &self.footprint())
            .finish()
    }
}
