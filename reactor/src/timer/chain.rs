//! A first-in, first-out list threaded through the slab's entries.

use slab::Slab;

use super::entry::{Entry, NONE};

/// The ends of a doubly linked list of entries, in the order in which they were appended.
///
/// Either both ends are `NONE`, or following `next` leads from `first` to `last`.
#[derive(Clone, Copy)]
pub(super) struct Chain {
    pub(super) first: u32,
    last: u32,
}

impl Chain {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }

    pub(super) fn last(self) -> u32 {
        self.last
    }

    /// Makes `index` the last of the chain. Its own links must say so already: `previous` is the former
    /// [`last`](Self::last), `next` is `NONE`.
    pub(super) fn append<T>(&mut self, entries: &mut Slab<Entry<T>>, index: u32) {
        if self.first == NONE {
            self.first = index;
        } else {
            entries[self.last as usize].next = index;
        }
        self.last = index;
    }

    /// Takes `index`, whose links are given, out of the chain. The entry itself is not touched, so it may be
    /// gone already.
    pub(super) fn remove<T>(&mut self, entries: &mut Slab<Entry<T>>, index: u32, previous: u32, next: u32) {
        match (self.first == index, self.last == index) {
            (true, true) => *self = Self::EMPTY,
            (true, false) => self.first = next,
            (false, true) => {
                entries[previous as usize].next = NONE;
                self.last = previous;
            }
            (false, false) => {
                entries[previous as usize].next = next;
                entries[next as usize].previous = previous;
            }
        }
    }

    /// Takes the first entry, which is followed by `next`, out of the chain.
    pub(super) fn remove_first(&mut self, next: u32) {
        self.first = next;
        if next == NONE {
            self.last = NONE;
        }
    }
}
