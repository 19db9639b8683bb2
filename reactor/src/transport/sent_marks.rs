//! Marks in the stream of written bytes, and what is called when the kernel has the bytes before them.

use std::collections::VecDeque;

/// The marks of a connection, in order. Sent bytes are counted only while there are some.
#[derive(Default)]
pub(crate) struct SentMarks {
    marks: VecDeque<Mark>,
    /// Bytes handed to the kernel since the first of the marks was set.
    passed: u64,
}

struct Mark {
    /// Reached when so many bytes have passed.
    end: u64,
    call: Box<Call>,
}

/// Gets the number of bytes before the mark that were not handed to the kernel.
pub(super) type Call = dyn FnOnce(u64);

impl SentMarks {
    pub(super) fn add(&mut self, bytes_before: u64, call: Box<Call>) {
        self.marks.push_back(Mark { end: self.passed.saturating_add(bytes_before), call });
    }

    pub(super) fn take_reached(&mut self) -> Option<Box<Call>> {
        let is_reached = self.marks.front().is_some_and(|mark| mark.end <= self.passed);
        if is_reached { self.marks.pop_front().map(|mark| mark.call) } else { None }
    }

    /// The call of the first mark, and how many of the bytes before the mark are lost.
    pub(super) fn take_abandoned(&mut self) -> Option<(Box<Call>, u64)> {
        let passed = self.passed;
        self.marks.pop_front().map(|mark| (mark.call, mark.end.saturating_sub(passed)))
    }

    /// The number of bytes from here to the last mark. The end of a mark that is set later lies behind it.
    pub(super) fn left(&self) -> u64 {
        self.marks.back().map_or(0, |mark| mark.end.saturating_sub(self.passed))
    }

    /// Counts bytes that were handed to the kernel.
    pub(super) fn pass(&mut self, bytes: u64) {
        self.passed = self.passed.saturating_add(bytes);
    }

    /// Returns whether no mark is left, and counts from zero then.
    pub(super) fn reset_if_empty(&mut self) -> bool {
        let is_empty = self.marks.is_empty();
        if is_empty {
            self.passed = 0;
        }
        is_empty
    }
}
