//! Notifications that the kernel has taken what was written.

use crate::buffer::WriteQueue;
use crate::contain::contain;

use super::flags::Flags;
use super::sent_marks::Call;
use super::shared::Shared;
use super::transport::Transport;

impl Shared {
    /// Counts bytes that were handed to the kernel, and makes the calls of the marks that are reached.
    #[inline]
    pub(crate) fn pass_marks(&self, bytes: u64) {
        if self.flags.has(Flags::MARKED) {
            self.pass_some_marks(bytes);
        }
    }

    #[cold]
    #[inline(never)]
    fn pass_some_marks(&self, bytes: u64) {
        self.state.with(|state| state.rare().marks.pass(bytes));
        // Each call may write, and set another mark: nothing is borrowed meanwhile.
        while let Some(call) = self.state.with(|state| state.rare().marks.take_reached()) {
            make(call, 0);
        }
        if self.state.with(|state| state.rare().marks.reset_if_empty()) {
            self.flags.clear(Flags::MARKED);
        }
    }

    /// Makes the calls of the marks that exist now: the kernel has everything that was written.
    #[cold]
    pub(crate) fn pass_all_marks(&self) {
        let left = self.state.with(|state| state.rare().marks.left());
        self.pass_some_marks(left);
    }

    /// Makes the calls of all marks: the connection has ended before they were reached.
    pub(crate) fn abandon_marks(&self) {
        if !self.flags.take(Flags::MARKED) {
            return;
        }
        while let Some((call, unsent)) = self.state.with(|state| state.rare().marks.take_abandoned()) {
            make(call, unsent);
        }
    }
}

/// Makes a call. A panic in it is logged, and ends nothing: the connection did no wrong.
fn make(call: Box<Call>, unsent: u64) {
    let _ = contain(|| "a call at a mark of sent bytes", || call(unsent));
}

impl Transport {
    /// Calls `call` with 0 when the kernel has everything that was written so far: at once, if it has. If the connection ends before that,
    /// `call` gets the number of those bytes that were not handed over, or [`u64::MAX`] if nothing could be written any more.
    ///
    /// For logs of what was sent. A connection without marks pays nothing for it.
    #[doc(hidden)]
    pub fn when_sent(&self, call: impl FnOnce(u64) + 'static) {
        let shared = &*self.shared;
        if shared.flags.has(Flags::NO_OUTPUT) {
            return call(u64::MAX);
        }
        let before = self.queued();
        if before == 0 {
            return call(0);
        }
        shared.state.with(|state| state.rare().marks.add(before, Box::new(call)));
        shared.flags.set(Flags::MARKED);
    }

    /// Bytes that were written before the connection ended, or before writing failed, and that the kernel never got.
    #[doc(hidden)]
    pub fn unsent(&self) -> u64 {
        self.shared.state.with(|state| {
            let queued = state.queue.as_deref().map_or(0, WriteQueue::len);
            queued + state.rare.as_ref().map_or(0, |rare| rare.unsent)
        })
    }
}
