//! No room to wait.

use std::error::Error as StdError;
use std::fmt;

/// The error of who would have to wait for a [`Queue`](crate::Queue) when as many wait already as
/// [may](crate::Queue::with_limits).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[doc(alias = "QueueOverflow")]
#[doc(alias = "QueueUnderflow")]
pub struct TooManyWait {
    most: usize,
}

impl TooManyWait {
    pub(super) fn new(most: usize) -> Self {
        Self { most }
    }

    /// How many may wait.
    pub fn limit(&self) -> usize {
        self.most
    }
}

impl fmt::Display for TooManyWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as many wait for the queue already as may: {}", self.most)
    }
}

impl StdError for TooManyWait {}
