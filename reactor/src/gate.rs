//! Between many threads that send and one that sleeps.

#[cfg(loom)]
use loom::{
    sync::atomic::{AtomicUsize, Ordering},
    thread::yield_now,
};
#[cfg(not(loom))]
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread::yield_now,
};

/// The sleeper is asleep, or about to be.
const ASLEEP: usize = 1;

/// Nobody is let in any more.
const CLOSED: usize = 1 << 1;

/// One sender who is inside; the bits from here on count them.
const SENDER: usize = 1 << 2;

/// What senders and a sleeper know of each other, in one word: whether the sleeper sleeps, how many senders are inside, whether it is
/// closed. The messages themselves are in a queue beside it.
///
/// | a sender | the sleeper |
/// | --- | --- |
/// | [enters](Self::enter), or is told that it is closed | finds the queue empty |
/// | puts its message into the queue | [says that it sleeps](Self::sleep), *then looks into the queue again* |
/// | [leaves](Pass::leave), and wakes the sleeper if told to | sleeps if it is still empty, and is [awake](Self::awake) again |
///
/// Every change is one read-modify-write of the same word, so there is an order among them that all threads agree on. A sender that
/// leaves before the sleeper says that it sleeps has its message seen by the second look; one that leaves after it sees that the
/// sleeper is asleep. Of several such, one takes the bit away and wakes it: one wake-up for a sleep.
///
/// [Closing](Self::close) waits for those inside, so what was let in is in the queue afterwards, and nothing more follows.
#[derive(Debug)]
pub(crate) struct Gate(AtomicUsize);

/// A sender is inside. Closing waits for it, so it must be given up by [`Pass::leave`], soon.
#[must_use]
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Lets a sender in, unless it is closed.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Pass<'_>> {
        if self.step_in() {
            return Some(Pass(self));
        }
        self.step_out();
        None
    }

    /// Is it open?
    #[inline]
    fn step_in(&self) -> bool {
        self.0.fetch_add(SENDER, Ordering::Acquire) & CLOSED == 0
    }

    /// Is the sleeper asleep?
    #[inline]
    fn step_out(&self) -> bool {
        self.0.fetch_sub(SENDER, Ordering::Release) & ASLEEP != 0
    }

    /// Takes it upon itself to wake the sleeper, unless somebody has.
    fn claim(&self) -> bool {
        self.0.fetch_and(!ASLEEP, Ordering::AcqRel) & ASLEEP != 0
    }

    /// Announces that the sleeper is about to sleep, and looks whether there `is_nothing` to do. Returns whether it is to sleep; else
    /// it is awake.
    pub(crate) fn sleep(&self, is_nothing: impl FnOnce() -> bool) -> bool {
        self.announce();
        let sleeps = is_nothing();
        if !sleeps {
            self.awake();
        }
        sleeps
    }

    fn announce(&self) {
        self.0.fetch_or(ASLEEP, Ordering::AcqRel);
    }

    /// The sleeper is awake, whatever woke it.
    pub(crate) fn awake(&self) {
        self.0.fetch_and(!ASLEEP, Ordering::AcqRel);
    }

    /// Lets nobody in from now on, and waits until nobody is inside. That takes as long as putting a message into a queue does, or, if
    /// a sender has lost its processor in the middle of it, until it has it again.
    pub(crate) fn close(&self) {
        self.shut();
        while !self.is_vacant() {
            yield_now();
        }
    }

    fn shut(&self) {
        self.0.fetch_or(CLOSED, Ordering::AcqRel);
    }

    fn is_vacant(&self) -> bool {
        self.0.load(Ordering::Acquire) < SENDER
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::Acquire) & CLOSED != 0
    }
}

impl Pass<'_> {
    /// Leaves. Returns whether the sleeper has to be woken: nobody else is going to.
    #[inline]
    #[must_use]
    pub(crate) fn leave(self) -> bool {
        self.0.step_out() && self.0.claim()
    }
}

#[cfg(all(test, not(loom)))]
mod interleavings;
#[cfg(all(test, loom))]
mod model;
