//! What waits for a numbered system call.

use std::time::Duration;

/// A fault that waits for a call.
pub(super) struct Aimed {
    /// The number of the call, counted from 1 over all hosts.
    pub(super) call: u64,
    pub(super) strikes: Strike,
}

pub(super) enum Strike {
    /// The host that makes the call crashes for so long.
    Crash(Duration),
    /// These hosts are separated for so long.
    Partition([String; 2], Duration),
}
