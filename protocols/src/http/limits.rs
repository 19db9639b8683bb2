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
///
/// These bounds cannot be set:
///
/// | bound | value | beyond it |
/// | --- | --- | --- |
/// | bytes of a body that are read ahead of its reader | 64 KiB, and what one read brings | reading pauses |
/// | bytes of later requests that wait for the request in hand | what one read brings, at most 64 KiB | reading pauses |
/// | requests that are answered in one visit of the loop | 32, or 15 µs | the next turn goes on: [`VisitBudget`](lariat::VisitBudget) |
/// | digits of a chunk's length | 16 | 400 |
/// | digits of a port in Host | 5 | 400 |
/// | ranges that are sent of a file | [`Ranges`](super::Ranges) tells | the whole file is sent |
/// | time for a client to close after the response that said `Connection: close` | that of [`Transport::close`](lariat::Transport::close) | the connection is closed |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a head: its first line, its headers and the empty line. Default: 32 KiB.
    pub head: usize,
    /// Empty lines before a request, which are skipped (RFC 9112, section 2.2). One more is answered with 400. Default: 8.
    pub empty_lines: u8,
    /// Headers of a message. Default: 100.
    pub headers: usize,
    /// Bytes of a body. Default: 1 MiB. A server's handler may set another limit for its request.
    pub body: u64,
    /// Bytes of all chunk extensions of a body, which are ignored. Default: 1 KiB.
    pub chunk_extensions: usize,
    /// Bytes of trailers. Default: 8 KiB.
    pub trailers: usize,
    /// Bytes of a body that a server reads and drops, because its handler did not want them, to keep the connection. Default: 64 KiB.
    pub unread_body: u64,
    /// Requests on one connection. The last one's response says that the connection closes. Default: 1,000,000.
    pub requests: u32,
    /// Informational responses (1xx) to one request, on a client's connection. One more is an error. Default: 32.
    pub informational: u32,
    /// Time from a head's first byte to its end; and from the connection's beginning to the first byte of its first head. Default: 10 s.
    pub head_time: Duration,
    /// Time between two pieces of a body. Default: 30 s.
    pub body_idle: Duration,
    /// Time for all of a body, to which every [`body_rate`](Self::body_rate) bytes that have come add a second. Time in which the reader of the body
    /// lets the client wait does not count. Default: 30 s. Apache has the same rule (`RequestReadTimeout body=20,MinRate=500`).
    pub body_time: Duration,
    /// Bytes a second at which a body has to come once its [`body_time`](Self::body_time) is over. 0 stands for no minimum: a body may take as long as
    /// it likes if no pause is longer than [`body_idle`](Self::body_idle). Default: 500.
    pub body_rate: u64,
    /// Time for what is left of a body when the response has been sent, and for a body that no handler reads: both are read only to be
    /// dropped. Default: 10 s.
    pub unread_time: Duration,
    /// Time between two pieces of a response that the peer does not read. Default: 30 s.
    pub write_idle: Duration,
    /// Time between a request and the next one. Default: 60 s.
    pub keep_alive: Duration,
    /// Time that a handler has for its response once the client has closed its writing side. Clients such as `nc` and some health checks
    /// do so after their request and wait for the response. A client that closed its connection looks the same. Once the time is
    /// over, the client counts as gone: the future of its handler is dropped, and the connection closes. A response that has begun is
    /// sent to its end. Zero leaves the handler no time; `Duration::MAX` sets no limit. Default: 30 s.
    pub half_close: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 32 * 1024,
            empty_lines: 8,
            headers: 100,
            body: 1024 * 1024,
            chunk_extensions: 1024,
            trailers: 8 * 1024,
            unread_body: 64 * 1024,
            requests: 1_000_000,
            informational: 32,
            head_time: Duration::from_secs(10),
            body_idle: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            body_rate: 500,
            unread_time: Duration::from_secs(10),
            write_idle: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
            half_close: Duration::from_secs(30),
        }
    }
}
