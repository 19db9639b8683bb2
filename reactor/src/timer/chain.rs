//! First-in, first-out lists of timers, threaded through an array of links.

/// Stands for "no timer" where an index is expected.
pub(super) const NONE: u32 = u32::MAX;

/// Stands in `previous` for a timer that is in no chain, since it has expired and waits to be taken.
pub(super) const EXPIRED: u32 = u32::MAX - 1;

/// The neighbours of one timer in its chain.
///
/// Links are 32 bits wide and apart from deadlines and values, so that eight timers share a cache line: walking a
/// chain, or taking a timer out of the middle of one, seldom leaves the cache even among a million timers.
///
/// `previous` means nothing for the first of a chain, nor `next` for the last.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) previous: u32,
    pub(super) next: u32,
}

/// The ends of a doubly linked list of timers, in the order in which they were appended.
///
/// Either `first` is `NONE`, or following `next` leads from `first` to `last`.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Chain {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }

    /// Makes `index`, whose link already names the former last timer, the last one.
    pub(super) fn append(&mut self, links: &mut [Link], index: u32) {
        if self.is_empty() {
            self.first = index;
        } else {
            links[self.last as usize].next = index;
        }
        self.last = index;
    }

    pub(super) fn remove(&mut self, links: &mut [Link], index: u32) {
        let Link { previous, next } = links[index as usize];
        match (self.first == index, self.last == index) {
            (true, true) => *self = Self::EMPTY,
            (true, false) => self.first = next,
            (false, true) => self.last = previous,
            (false, false) => {
                links[previous as usize].next = next;
                links[next as usize].previous = previous;
            }
        }
    }

    pub(super) fn remove_first(&mut self, links: &[Link]) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let index = self.first;
        if index == self.last {
            *self = Self::EMPTY;
        } else {
            self.first = links[index as usize].next;
        }
        Some(index)
    }
}
