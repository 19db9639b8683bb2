//! The name of one timer.

use std::num::NonZeroU32;

/// Names one timer of one [`TimerWheel`](crate::TimerWheel), until that timer is cancelled or taken.
///
/// A key is a plain number: copying or dropping it does nothing to the timer. It carries a generation, so a
/// key that outlived its timer is refused by every method of the wheel, even when the timer's memory serves
/// another one by then. (The generation is 32 bits wide: a stale key could be mistaken for a live one only
/// if exactly a multiple of 4,294,967,295 timers were made in between and the last of them took the same place.)
///
/// It takes 8 bytes, and so does `Option<TimerKey>`.
///
/// Twisted's counterpart is the `IDelayedCall` that `callLater` returns; the reactor's handle for that is built
/// on this key.
#[doc(alias = "IDelayedCall")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    pub(super) index: u32,
    pub(super) generation: NonZeroU32,
}
