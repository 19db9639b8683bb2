//! How much one source may do before the others have their turn.

/// Bytes read from one connection in one turn. Four full read buffers: enough that streaming is not slowed by the
/// round through the ready list, little enough that a flood delays the others by some tens of microseconds.
pub(crate) const READ_BYTES: usize = 256 * 1024;

/// Bytes handed to the kernel for one connection in one turn, for the same reasons: a mebibyte, and what stands before it.
pub(crate) const WRITE_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// Connections accepted from one listener in one turn.
pub(crate) const ACCEPTS: usize = 64;

/// Queued calls run in one turn: at a microsecond each, about a millisecond's worth.
pub(crate) const CALLS: usize = 1024;

/// Calls from other threads that join the queue in one turn even if it is full, so that a flood of the loop's own calls does not
/// shut them out. Else as many join as this turn can run: a flood of theirs does not make the loop's own wait longer and longer.
pub(crate) const REMOTE_CALLS: usize = 128;

/// Calls from other threads that join the queue in one turn while a timer is due. More than that many timers overtake; and no
/// recording has more in one turn.
pub(crate) const REMOTE_BACKLOG: usize = 1 << 20;

/// Times that a pull producer is asked in one turn: with the usual chunk of 64 KiB as much as may be written.
pub(crate) const PRODUCES: usize = 16;

/// Calls of `read_resumed` in a visit.
pub(crate) const RESUMES: usize = 16;
