//! The one queue of everything that is delivered later.

use std::collections::VecDeque;
use std::fmt;

/// First in, first out, in passes: what is queued while a pass runs waits for the next one.
pub(crate) struct CallQueue<C> {
    calls: VecDeque<C>,
    /// Calls left in this pass: `0 <= pass <= calls.len()`.
    pass: usize,
}

impl<C> CallQueue<C> {
    pub(crate) const fn new() -> Self {
        Self { calls: VecDeque::new(), pass: 0 }
    }

    pub(crate) fn push(&mut self, call: C) {
        self.calls.push_back(call);
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Begins a pass over what is queued now, at most `most` calls.
    pub(crate) fn begin_pass(&mut self, most: usize) {
        self.pass = self.calls.len().min(most);
    }

    /// The next call of this pass.
    pub(crate) fn next(&mut self) -> Option<C> {
        self.pass = self.pass.checked_sub(1)?;
        self.calls.pop_front()
    }

    /// Takes a call whatever the pass, for an owner that is ending.
    pub(crate) fn pop(&mut self) -> Option<C> {
        self.pass = self.pass.saturating_sub(1);
        self.calls.pop_front()
    }
}

impl<C> fmt::Debug for CallQueue<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallQueue").field("len", &self.calls.len()).field("pass", &self.pass).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_during_a_pass_waits_for_the_next() {
        let mut queue = CallQueue::new();
        queue.push(1);
        queue.begin_pass(10);
        assert_eq!(queue.next(), Some(1));
        queue.push(2);
        assert_eq!(queue.next(), None);
        queue.begin_pass(10);
        assert_eq!(queue.next(), Some(2));
    }

    #[test]
    fn a_pass_is_bounded() {
        let mut queue = CallQueue::new();
        (0..5).for_each(|call| queue.push(call));
        queue.begin_pass(2);
        assert_eq!((queue.next(), queue.next(), queue.next()), (Some(0), Some(1), None));
        assert!(!queue.is_empty());
    }
}
