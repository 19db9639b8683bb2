//! What is known of a connection from outside.

use std::fmt;
use std::time::Duration;

use crate::address::Address;
use crate::tcp_info::TcpInfo;
use crate::token::Token;

/// Names a connection: in logs, or as a key. No two connections of a reactor have the same, and an earlier one is less than a later
/// one. (It would take four thousand million connections for a number to come again.)
#[derive(Copy, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

impl ConnectionId {
    pub(crate) fn new(token: Token) -> Self {
        Self(token.to_bits())
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The generation counts connections and other sources; the slot makes it unique should that ever wrap.
        write!(f, "#{}.{}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One connection at one moment: see [`Reactor::connections`](crate::Reactor::connections).
///
/// Its `Display` form is a line for a log or an operator's terminal. Nothing in it can harm either: what a peer chose, such as the name
/// of a Unix socket, is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// What [`Transport::id`](crate::Transport::id) gives, and what logs call it.
    pub id: ConnectionId,
    /// The type of the protocol that serves it, wrappers and all, as [`std::any::type_name`] has it: for people, not for comparing.
    pub protocol: &'static str,
    /// Where its peer is.
    pub peer: Address,
    /// How long ago it was opened, to a tenth of a second.
    pub age: Duration,
    /// Bytes written that the kernel has not taken yet, as [`Transport::queued`](crate::Transport::queued) counts them.
    pub queued: u64,
    /// What it is doing.
    pub state: ConnectionState,
    /// The figures of the kernel for the TCP connection, under TLS too. `None` for a Unix socket,
    /// in a simulation and in a recorded run, and where the system does not permit to ask (a
    /// service needs the address family `AF_NETLINK`).
    pub tcp: Option<TcpInfo>,
}

impl fmt::Display for ConnectionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, protocol, peer, age, queued, state, tcp } = self;
        write!(f, "{id} {protocol} {peer} {age:.1?} {queued} B queued, {state}")?;
        tcp.iter().try_for_each(|tcp| write!(f, ", {tcp}"))
    }
}

/// What a connection is doing. Where two of these hold, the later one is given.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// It reads and writes.
    Open,
    /// Its TLS handshake is under way.
    Handshaking,
    /// It is not read: the protocol has paused reading, or its queue is above the high-water mark.
    ReadingPaused,
    /// The protocol has ended its side with [`close_write`](crate::Transport::close_write), and goes on reading.
    WriteClosed,
    /// The peer has ended its side, and may still be written to.
    ReadClosed,
    /// The protocol gets nothing more: what is queued is sent, then the peer's end is waited for.
    Closing,
    /// It is over, and the protocol hears of it before the turn ends.
    Ending,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Handshaking => "handshaking",
            Self::ReadingPaused => "reading paused",
            Self::WriteClosed => "write side closed",
            Self::ReadClosed => "read side closed",
            Self::Closing => "closing",
            Self::Ending => "ending",
        })
    }
}
