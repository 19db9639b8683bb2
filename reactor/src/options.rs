//! What can be set about sockets and connections.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::address_policy::AddressPolicy;

/// How a connection behaves, whatever it runs over. The defaults suit a server that knows nothing of its peers; each is
/// also settable on one connection through its [`Transport`](crate::Transport).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Send small segments at once (`TCP_NODELAY`). Default: true. The reactor gathers what a callback writes, so
    /// Nagle's algorithm would only add delay.
    #[doc(alias = "setTcpNoDelay")]
    pub nodelay: bool,
    /// Probe a silent TCP peer. Default: none.
    #[doc(alias = "setTcpKeepAlive")]
    pub keepalive: Option<Keepalive>,
    /// The time that sent data may stay unacknowledged before the kernel breaks the connection with
    /// [`TimedOut`](std::io::ErrorKind::TimedOut) (`TCP_USER_TIMEOUT`, RFC 5482): from 1 ms to
    /// 2,147,483.647 s, in whole milliseconds. Keep-alive probes count too, and with both set this
    /// time decides. Default: the system's (`net.ipv4.tcp_retries2`, some 15 minutes). A Unix
    /// socket takes it without effect.
    #[doc(alias = "TCP_USER_TIMEOUT")]
    pub user_timeout: Option<Duration>,
    /// The kernel's send buffer in bytes (`SO_SNDBUF`), at most 2,147,483,647; the kernel doubles
    /// it and caps it at `net.core.wmem_max`. Default: the system's.
    pub send_buffer: Option<usize>,
    /// The kernel's receive buffer in bytes (`SO_RCVBUF`), at most 2,147,483,647; the kernel
    /// doubles it and caps it at `net.core.rmem_max`. Default: the system's.
    pub receive_buffer: Option<usize>,
    /// Bytes queued above which [`write_paused`](crate::Protocol::write_paused) is called. Default: 64 KiB.
    pub high_water_mark: usize,
    /// Bytes queued at or below which [`write_resumed`](crate::Protocol::write_resumed) is called; if it is above the high mark, that
    /// counts. Default: 16 KiB.
    pub low_water_mark: usize,
    /// Stop reading from a peer while what is queued for it is above the high mark. Default: true.
    pub backpressure: bool,
    /// The most memory that the queue may keep alive, in bytes, before the connection is aborted with
    /// [`CloseReason::Overflow`](crate::CloseReason::Overflow). Default: 16 MiB.
    pub queue_limit: usize,
    /// How long [`close`](crate::Transport::close) may take before the connection is aborted. Default: 30 s.
    pub close_timeout: Duration,
    /// The time for which a closed connection discards input while it waits for the peer's end. Default: see [`Linger`].
    pub linger: Linger,
    /// After how long a warning is logged, once per connection, while more than the high mark is queued and no byte moves in
    /// either direction. `None`: never. Default: 30 s.
    pub stall_warning: Option<Duration>,
    /// What is put around the stream, such as TLS. What it is, the floor knows that makes it.
    pub(crate) layer: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: None,
            user_timeout: None,
            send_buffer: None,
            receive_buffer: None,
            high_water_mark: 64 * 1024,
            low_water_mark: 16 * 1024,
            backpressure: true,
            queue_limit: 16 * 1024 * 1024,
            close_timeout: Duration::from_secs(30),
            linger: Linger::default(),
            stall_warning: Some(Duration::from_secs(30)),
            layer: None,
        }
    }
}

/// The time for which a closed connection discards input, from when everything queued was sent and the peer was told (FIN) until the peer's own
/// end arrives.
///
/// A client that writes its whole request before it reads needs this time: a socket that is closed with input unread, or that
/// input reaches afterwards, is reset, and the reset destroys the reply that the client has not read yet (RFC 9112, section 9.6). The
/// limits are those of nginx (`lingering_time`, `lingering_timeout`). The [close timeout](crate::Transport::set_close_timeout) still
/// bounds the whole close, and [`Reactor::set_linger_limit`](crate::Reactor::set_linger_limit) bounds how many connections linger.
///
/// ```
/// use lariat::{Linger, StreamOptions};
/// use std::time::Duration;
///
/// let mut options = StreamOptions::default();
/// options.linger.idle = Duration::from_secs(1);
/// assert_eq!(options.linger.time, Duration::from_secs(30));
/// ```
#[doc(alias = "lingering_close")]
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Linger {
    /// The longest in all. Default: 30 s. Zero: the connection ends as soon as everything is sent.
    pub time: Duration,
    /// The longest without input. Default: 5 s.
    pub idle: Duration,
    /// The most bytes that are discarded. Default: `None`, no limit.
    pub bytes: Option<u64>,
}

impl Default for Linger {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), idle: Duration::from_secs(5), bytes: None }
    }
}

/// When the kernel probes a silent TCP peer (`tcp(7)`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// Silence before the first probe (`TCP_KEEPIDLE`), in whole seconds from 1 to 32,767. Default:
    /// 60 s.
    pub idle: Duration,
    /// Time between probes (`TCP_KEEPINTVL`), in whole seconds from 1 to 32,767. Default: 10 s.
    pub interval: Duration,
    /// Unanswered probes that end the connection (`TCP_KEEPCNT`), from 1 to 127. Default: 6.
    pub probes: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 6 }
    }
}

/// How many connections a port keeps, in all and for each address, and which go when there are more.
///
/// When a limit is reached, the most idle connections that it counts are ended, one in 64 of the total at a time, or one in 8 of those of
/// the address or network, with
/// [`CloseReason::Failed`](crate::CloseReason::Failed); the new one is admitted. So a peer that opens many connections takes
/// places from itself, and a port never refuses a newcomer for the sake of silent connections.
///
/// First go the connections on which the peer has sent nothing, then those on which no bytes have moved for longest. A connection
/// whose protocol is [busy](crate::Transport::set_busy) goes last. [`Stats::evicted`](crate::Stats::evicted) counts those that ended
/// so, and a warning about it is logged at most once a second.
///
/// An endpoint description has the same limits as keywords: see [`endpoint`](crate::endpoint).
///
/// ```
/// use lariat::{ConnectionLimits, ListenOptions};
///
/// let mut options = ListenOptions::default();
/// let mut limits = ConnectionLimits::for_servers();
/// limits.per_address = 64;
/// options.connections = Some(limits);
/// ```
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionLimits {
    /// Connections in all, whatever their addresses. At least 1.
    pub total: usize,
    /// Connections of one address: an IPv4 address, or an IPv6 network of 64 bits, which is what one host has.
    pub per_address: usize,
    /// Connections of one network: 24 bits of IPv4, 48 bits of IPv6, which is what one site has.
    pub per_network: usize,
    /// Count loopback addresses for `per_address` and `per_network`. Default: false, for a proxy on this machine brings the
    /// connections of many peers. Unix sockets have no address and are never counted so.
    pub counts_loopback: bool,
}

impl ConnectionLimits {
    /// So many connections in all, and no limit for an address or a network.
    #[must_use]
    pub fn total(connections: usize) -> Self {
        Self { total: connections, per_address: usize::MAX, per_network: usize::MAX, counts_loopback: false }
    }

    /// For a server that strangers reach: 1,024 connections for an address, 4,096 for a network, and in all as many as there are
    /// descriptors. The bundled servers have these limits.
    #[must_use]
    pub fn for_servers() -> Self {
        Self { total: usize::MAX, per_address: 1024, per_network: 4096, counts_loopback: false }
    }

    /// The default for handshakes: 16,384 in all, 1,024 for an address, 4,096 for a network. Each is over within seconds, so that
    /// even an address that many users share stays far below its part.
    #[must_use]
    pub fn for_handshakes() -> Self {
        Self { total: 16 * 1024, per_address: 1024, per_network: 4096, counts_loopback: false }
    }
}

type BeforeBind = Rc<dyn Fn(BorrowedFd<'_>) -> io::Result<()>>;

/// How a port listens.
#[derive(Clone)]
#[non_exhaustive]
pub struct ListenOptions {
    /// Connections that the kernel keeps until they are accepted, from 1 to 2,147,483,647; it caps
    /// the number at `net.core.somaxconn`. Default: 1024.
    pub backlog: u32,
    /// Bind although old connections of the port are in `TIME_WAIT` (`SO_REUSEADDR`). Default: true.
    pub reuse_address: bool,
    /// Shares the port with other sockets that set this option; the kernel spreads connections among them
    /// (`SO_REUSEPORT`). Default: false.
    pub reuse_port: bool,
    /// An IPv6 socket takes IPv6 alone (`IPV6_V6ONLY`). Default: false, so that `[::]` also takes IPv4.
    pub ipv6_only: bool,
    /// The permission bits of a Unix socket's file, from 0 to 0o777: write permission lets a
    /// process connect. `Some` is exact and ignores the umask. Default: `None`, read and write
    /// permission as far as the umask allows, so 0o644 with the usual umask of 0o022. An abstract
    /// socket has no permissions at all.
    pub mode: Option<u32>,
    /// Options of the accepted connections. By default the kernel probes silent peers ([`Keepalive`]), unlike on a connection that is made: a
    /// server that waits for its peer, or for a handler, would never notice that the peer's machine is gone.
    pub stream: StreamOptions,
    /// How many connections the port keeps. Default: `None`, as many as the process may have descriptors; a newcomer is refused then.
    /// It is not on by default because only the program knows whether a silent connection is of use, as in a chat, and because it takes
    /// 8 bytes to 16 bytes for each connection. A server that strangers reach should set [`ConnectionLimits::for_servers`].
    pub connections: Option<ConnectionLimits>,
    /// How many TLS handshakes may be in progress on the port. Default: [`ConnectionLimits::for_handshakes`].
    pub handshakes: ConnectionLimits,
    /// File descriptors below the process's limit (`RLIMIT_NOFILE`) that connections of the port leave free, for files, name
    /// look-ups and reloads. When no more are left, the most idle handshake or connection that a [`ConnectionLimits`] counts ends, or the
    /// port stops accepting until a descriptor is freed. Default: 32, and never more than an eighth of the limit.
    pub reserved_descriptors: usize,
    pub(crate) before_bind: Option<BeforeBind>,
}

impl ListenOptions {
    /// Calls `hook` with the new socket before it is bound, for options that have no name here.
    ///
    /// ```
    /// use lariat::ListenOptions;
    ///
    /// let options = ListenOptions::default()
    ///     .before_bind(|socket| rustix::net::sockopt::set_ip_ttl(socket, 16).map_err(Into::into));
    /// ```
    #[must_use]
    pub fn before_bind(mut self, hook: impl Fn(BorrowedFd<'_>) -> io::Result<()> + 'static) -> Self {
        self.before_bind = Some(Rc::new(hook));
        self
    }
}

impl Default for ListenOptions {
    fn default() -> Self {
        Self {
            backlog: 1024,
            reuse_address: true,
            reuse_port: false,
            ipv6_only: false,
            mode: None,
            // The accepted sockets inherit it, at no cost.
            stream: StreamOptions { keepalive: Some(Keepalive::default()), ..StreamOptions::default() },
            connections: None,
            handshakes: ConnectionLimits::for_handshakes(),
            reserved_descriptors: 32,
            before_bind: None,
        }
    }
}

impl fmt::Debug for ListenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenOptions")
            .field("backlog", &self.backlog)
            .field("reuse_address", &self.reuse_address)
            .field("reuse_port", &self.reuse_port)
            .field("ipv6_only", &self.ipv6_only)
            .field("mode", &self.mode.map(|mode| format!("{mode:03o}")))
            .field("stream", &self.stream)
            .field("connections", &self.connections)
            .field("handshakes", &self.handshakes)
            .field("reserved_descriptors", &self.reserved_descriptors)
            .field("before_bind", &self.before_bind.is_some())
            .finish()
    }
}

/// How a connection is made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// How long it may take in all, from the look-up of a name to the connection, however many addresses are tried. Default: 30 s, as in
    /// Twisted.
    pub timeout: Duration,
    /// The time between attempts at several addresses (RFC 8305, section 5: the Connection Attempt
    /// Delay). The next attempt follows a failed one immediately. At most 16 addresses are tried,
    /// at most 4 at a time; while others wait, an attempt gets a quarter of `timeout`. Default: 250
    /// ms; less than 10 ms counts as that, and more than 2 s as 2 s.
    pub attempt_delay: Duration,
    /// The local address to connect from: one of this machine's, of the peer's family. A link-local
    /// one is taken to be of the interface that the peer's zone names. Default: the kernel's
    /// choice.
    #[doc(alias = "bindAddress")]
    pub bind_address: Option<IpAddr>,
    /// The local port to connect from, as a peer may demand whose firewall admits certain ports.
    /// The socket is bound with `SO_REUSEADDR`, so that several connections may leave from the
    /// port, each to another peer. Default: 0, the kernel's choice.
    #[doc(alias = "bindAddress")]
    pub bind_port: u16,
    /// The addresses that may be connected to; of a name too, those that it resolves to. Default:
    /// every address.
    pub address_policy: AddressPolicy,
    /// Options of the connection.
    pub stream: StreamOptions,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            attempt_delay: Duration::from_millis(250),
            bind_address: None,
            bind_port: 0,
            address_policy: AddressPolicy::any(),
            stream: StreamOptions::default(),
        }
    }
}
