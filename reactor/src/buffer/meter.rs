//! How much memory all queues together keep alive.

use std::collections::HashMap;

use bytes::Bytes;

use super::spent::Spent;
use super::write_queue::WriteQueue;

/// Sums what the queues of one owner keep alive. A chunk that several of them hold counts once.
///
/// Chunks are told apart by where they end, so what is left of a chunk that was sent in part is still the same one.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// What the queues do not share: their blocks and entries.
    own: usize,
    chunks: HashMap<usize, Held>,
    /// The sum over `chunks`.
    shared: usize,
}

#[derive(Debug)]
struct Held {
    holders: usize,
    bytes: usize,
}

fn end_of(chunk: &Bytes) -> usize {
    chunk.as_ptr_range().end as usize
}

impl Meter {
    /// Bytes kept alive.
    pub(crate) fn total(&self) -> usize {
        self.own.saturating_add(self.shared)
    }

    /// What one queue alone keeps alive has changed.
    pub(crate) fn change(&mut self, before: usize, after: usize) {
        self.own = self.own.saturating_sub(before).saturating_add(after);
    }

    /// A queue holds `chunk` from now on.
    pub(crate) fn hold(&mut self, chunk: &Bytes) {
        let held = self.chunks.entry(end_of(chunk)).or_insert(Held { holders: 0, bytes: 0 });
        held.holders += 1;
        self.shared += chunk.len().saturating_sub(held.bytes);
        held.bytes = held.bytes.max(chunk.len());
    }

    fn release(&mut self, chunk: &Bytes) {
        let end = end_of(chunk);
        if let Some(held) = self.chunks.get_mut(&end) {
            held.holders -= 1;
            if held.holders == 0 {
                self.shared = self.shared.saturating_sub(held.bytes);
                self.chunks.remove(&end);
            }
        }
    }

    /// A queue is done with these.
    pub(crate) fn release_spent(&mut self, spent: &Spent) {
        spent.chunks().for_each(|chunk| self.release(chunk));
    }

    /// A queue is given up with all that is in it.
    pub(crate) fn release_queue(&mut self, queue: &WriteQueue) {
        queue.chunks().for_each(|chunk| self.release(chunk));
        self.change(queue.own_footprint(), 0);
        if self.chunks.is_empty() && self.chunks.capacity() > 1024 {
            self.chunks = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_that_many_queues_hold_counts_once() {
        let chunk = Bytes::from(vec![0; 1000]);
        let mut meter = Meter::default();
        let mut queues: Vec<_> = (0..10)
            .map(|_| {
                let mut queue = WriteQueue::new();
                meter.hold(&chunk);
                queue.push_chunk(chunk.clone());
                meter.change(0, queue.own_footprint());
                queue
            })
            .collect();
        let overhead: usize = queues.iter().map(WriteQueue::own_footprint).sum();
        assert_eq!(meter.total(), 1000 + overhead);
        queues.drain(..).for_each(|queue| meter.release_queue(&queue));
        assert_eq!(meter.total(), 0);
    }

    #[test]
    fn the_rest_of_a_chunk_is_the_same_chunk() {
        let chunk = Bytes::from(vec![0; 1000]);
        let mut meter = Meter::default();
        meter.hold(&chunk.slice(600..));
        assert_eq!(meter.total(), 400);
        meter.hold(&chunk);
        assert_eq!(meter.total(), 1000);
        meter.release(&chunk);
        meter.release(&chunk.slice(600..));
        assert_eq!(meter.total(), 0);
    }
}
