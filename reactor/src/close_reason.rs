//! Why a connection ended.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a connection ended: what [`Protocol::connection_lost`](crate::Protocol::connection_lost) is told.
#[doc(alias = "ConnectionDone")]
#[doc(alias = "ConnectionLost")]
#[doc(alias = "ConnectionAborted")]
#[derive(Debug)]
#[non_exhaustive]
pub enum CloseReason {
    /// It ended cleanly: everything queued was handed to the kernel and both sides were told.
    Done,
    /// The network or the other end broke it.
    Lost(io::Error),
    /// This side aborted it, or the reactor ended.
    Aborted,
    /// A phase of the connection took longer than its deadline.
    TimedOut(Phase),
    /// The peer read so slowly that the queue passed its limit.
    Overflow,
    /// User code panicked while it served this connection.
    Panicked,
    /// The protocol gave up, with its own error: see [`Transport::fail`](crate::Transport::fail).
    Failed(Box<dyn StdError + Send + Sync>),
}

/// A phase of a connection that has a deadline.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Nothing arrived, or nothing could be sent, for longer than an idle timeout allows.
    Idle(Idle),
    /// What was queued when `close` was called could not be sent in time.
    Close,
    /// The TLS handshake was not over in time.
    Handshake,
}

/// What an idle timeout watches.
#[doc(alias = "TimeoutMixin")]
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idle {
    /// No byte arrived.
    Read,
    /// No byte was handed to the kernel. While some are queued, that means that the peer has acknowledged so little that the kernel has no
    /// room for more; a peer that reads slowly but steadily is not idle. It is then noticed within twice the limit that a peer has stopped.
    Write,
    /// No byte went either way.
    All,
}

impl CloseReason {
    /// Did the connection end cleanly?
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl StdError for CloseReason {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The cause itself is in the message already.
            Self::Lost(error) => error.source(),
            Self::Failed(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("closed cleanly"),
            Self::Lost(error) => write!(f, "lost: {error}"),
            Self::Aborted => f.write_str("aborted on this side"),
            Self::TimedOut(Phase::Idle(Idle::Read)) => f.write_str("timed out: nothing was received"),
            Self::TimedOut(Phase::Idle(Idle::Write)) => f.write_str("timed out: nothing could be sent"),
            Self::TimedOut(Phase::Idle(Idle::All)) => f.write_str("timed out: nothing was received or sent"),
            Self::TimedOut(Phase::Close) => f.write_str("timed out while the last bytes were being sent"),
            Self::TimedOut(Phase::Handshake) => f.write_str("timed out: the TLS handshake was not over in time"),
            Self::Overflow => f.write_str("dropped: the peer read too slowly and the queue reached its limit"),
            Self::Panicked => f.write_str("user code panicked"),
            Self::Failed(error) => write!(f, "failed: {error}"),
        }
    }
}
