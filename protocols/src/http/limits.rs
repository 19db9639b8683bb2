//! How much of anything there may be.

use std::time::Duration;

/// What a message and a connection may take, in bytes, numbers and time. Every limit has a default that suits a public server.
///
/// ```
/// use lariat_protocols::http::Limits;
///
/// let limits = Limits { body: 64 * 1024 * 1024, ..Limits::default() };
/// assert_eq!(limits.head, 32 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head: its first line, its headers and the empty line. Default: 32 KiB.
    pub head: usize,
    /// Headers of a message. Default: 100.
    pub headers: usize,
    /// Bytes of a body. Default: 1 MiB. A server's handler may set another limit for its request.
    pub body: u64,
    /// Bytes of all chunk extensions of a body, which nobody looks at. Default: 1 KiB.
    pub chunk_extensions: usize,
    /// Bytes of trailers. Default: 8 KiB.
    pub trailers: usize,
    /// Bytes of a body that a server reads and drops, because its handler did not want them, to keep the connection. Default: 64 KiB.
    pub unread_body: u64,
    /// Requests on one connection. The last one's response says that the connection closes. Default: 1,000,000.
    pub requests: u32,
    /// From a head's first byte, or the connection's beginning, to the head's end. Default: 10 s.
    pub head_time: Duration,
    /// Between two pieces of a body. Default: 30 s.
    pub body_idle: Duration,
    /// Between two pieces of a response, which the peer does not read. Default: 30 s.
    pub write_idle: Duration,
    /// Between a request and the next one. Default: 60 s.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            headers: 100,
            body: 1024 * 1024,
            chunk_extensions: 1024,
            trailers: 8 * 1024,
            unread_body: 64 * 1024,
            requests: 1_000_000,
            head_time: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            write_idle: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
        }
    }
}
