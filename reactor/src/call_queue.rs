//! The one queue of everything that is delivered later.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

/// First in, first out, in passes: what is queued while a pass runs waits for the next one.
///
/// There are calls, and items, of which many may come at a time: those with no call between them take the place of one call, in a list of
/// their own.
pub(crate) struct CallQueue<C, I> {
    entries: VecDeque<Entry<C>>,
    /// Entries left in this pass: `0 <= pass <= entries.len()`.
    pass: usize,
    /// A list for each entry that stands for one.
    lists: VecDeque<Vec<I>>,
    /// Items that come after the last entry.
    last: Vec<I>,
    /// The list that came out last, and how many of its items have: the others come before the first entry.
    first: Vec<I>,
    taken: usize,
    /// An empty list for later items.
    spare: Vec<I>,
    /// All calls and items.
    len: usize,
}

enum Entry<C> {
    Call(C),
    List,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<C, I> {
    Call(C),
    Item(I),
}

impl<C, I: Copy> CallQueue<C, I> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            pass: 0,
            lists: VecDeque::new(),
            last: Vec::new(),
            first: Vec::new(),
            taken: 0,
            spare: Vec::new(),
            len: 0,
        }
    }

    #[inline]
    pub(crate) fn push(&mut self, call: C) {
        if !self.last.is_empty() {
            self.close_list();
        }
        self.len += 1;
        self.entries.push_back(Entry::Call(call));
    }

    #[inline]
    pub(crate) fn push_item(&mut self, item: I) {
        self.len += 1;
        self.last.push(item);
    }

    /// Later items come after what is queued next.
    #[inline(never)]
    fn close_list(&mut self) {
        let empty = mem::take(&mut self.spare);
        self.lists.push_back(mem::replace(&mut self.last, empty));
        self.entries.push_back(Entry::List);
    }

    /// Calls and items.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Begins a pass over what is queued now, at most `most` calls and lists of items.
    pub(crate) fn begin_pass(&mut self, most: usize) {
        if !self.last.is_empty() {
            self.close_list();
        }
        self.pass = self.entries.len().min(most);
    }

    /// What comes next in this pass.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Next<C, I>> {
        if let Some(item) = self.first.get(self.taken) {
            self.taken += 1;
            self.len -= 1;
            return Some(Next::Item(*item));
        }
        self.pass = self.pass.checked_sub(1)?;
        match self.entries.pop_front()? {
            Entry::Call(call) => {
                self.len -= 1;
                Some(Next::Call(call))
            }
            Entry::List => self.open_list().map(Next::Item),
        }
    }

    /// Goes on with the next list, and gives its first item.
    #[inline(never)]
    fn open_list(&mut self) -> Option<I> {
        let list = self.lists.pop_front()?;
        self.spare = mem::replace(&mut self.first, list);
        self.spare.clear();
        let first = self.first.first().copied()?;
        self.taken = 1;
        self.len -= 1;
        Some(first)
    }

    /// Takes out what comes next whatever the pass, for an owner that is ending.
    pub(crate) fn pop(&mut self) -> Option<Next<C, I>> {
        if self.taken == self.first.len() {
            self.begin_pass(usize::MAX);
        }
        self.next()
    }
}

impl<C, I> fmt::Debug for CallQueue<C, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallQueue").field("len", &self.len).field("pass", &self.pass).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_during_a_pass_waits_for_the_next() {
        let mut queue = CallQueue::<_, ()>::new();
        queue.push(1);
        queue.begin_pass(10);
        assert_eq!(queue.next(), Some(Next::Call(1)));
        queue.push(2);
        assert_eq!(queue.next(), None);
        queue.begin_pass(10);
        assert_eq!(queue.next(), Some(Next::Call(2)));
    }

    #[test]
    fn a_pass_is_bounded() {
        let mut queue = CallQueue::<_, ()>::new();
        (0..5).for_each(|call| queue.push(call));
        queue.begin_pass(2);
        let seen = [queue.next(), queue.next(), queue.next()];
        assert_eq!(seen, [Some(Next::Call(0)), Some(Next::Call(1)), None]);
        assert!(!queue.is_empty());
    }

    #[test]
    fn calls_and_items_come_out_in_the_order_in_which_they_were_queued() {
        let mut queue = CallQueue::new();
        let mut expected = Vec::new();
        for number in 0..100 {
            // Runs of calls and of items of all lengths.
            if number * number % 11 < 5 {
                queue.push(number);
                expected.push(Next::Call(number));
            } else {
                queue.push_item(number);
                expected.push(Next::Item(number));
            }
            assert_eq!(queue.len(), expected.len());
        }
        queue.begin_pass(usize::MAX);
        let mut seen = Vec::new();
        while let Some(next) = queue.next() {
            seen.push(next);
            assert_eq!(queue.len(), expected.len() - seen.len());
        }
        assert_eq!(seen, expected);
        assert!(queue.is_empty());
    }

    #[test]
    fn an_item_that_is_queued_while_its_like_come_out_waits_for_the_next_pass() {
        let mut queue = CallQueue::<(), _>::new();
        queue.push_item(1);
        queue.push_item(2);
        for items in [[1, 2], [11, 12], [21, 22]] {
            queue.begin_pass(10);
            for item in items {
                assert_eq!(queue.next(), Some(Next::Item(item)));
                queue.push_item(item + 10);
            }
            assert_eq!(queue.next(), None);
        }
    }

    #[test]
    fn items_that_a_pass_has_left_come_first_in_the_next() {
        let mut queue = CallQueue::new();
        (1..=3).for_each(|item| queue.push_item(item));
        queue.begin_pass(10);
        assert_eq!(queue.next(), Some(Next::Item(1)));
        queue.push(4);
        queue.begin_pass(10);
        assert_eq!(queue.len(), 3);
        assert_eq!(
            [queue.next(), queue.pop(), queue.pop()],
            [2, 3, 4].map(|next| { Some(if next < 4 { Next::Item(next) } else { Next::Call(next) }) })
        );
        assert_eq!(queue.pop(), None);
    }
}
