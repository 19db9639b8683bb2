//! What can be set about sockets and connections.

use std::any::Any;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

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
    /// The kernel's send buffer in bytes (`SO_SNDBUF`). Default: the system's.
    pub send_buffer: Option<usize>,
    /// The kernel's receive buffer in bytes (`SO_RCVBUF`). Default: the system's.
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
    /// What is put around the stream, such as TLS. What it is, the floor knows that makes it.
    pub(crate) layer: Option<Arc<dyn Any + Send + Sync>>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            nodelay: true,
            keepalive: None,
            send_buffer: None,
            receive_buffer: None,
            high_water_mark: 64 * 1024,
            low_water_mark: 16 * 1024,
            backpressure: true,
            queue_limit: 16 * 1024 * 1024,
            close_timeout: Duration::from_secs(30),
            layer: None,
        }
    }
}

/// When the kernel probes a silent TCP peer (`tcp(7)`).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Keepalive {
    /// Silence before the first probe (`TCP_KEEPIDLE`), in whole seconds. Default: 60 s.
    pub idle: Duration,
    /// Time between probes (`TCP_KEEPINTVL`), in whole seconds. Default: 10 s.
    pub interval: Duration,
    /// Unanswered probes that end the connection (`TCP_KEEPCNT`). Default: 6.
    pub probes: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { idle: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 6 }
    }
}

type BeforeBind = Rc<dyn Fn(BorrowedFd<'_>) -> io::Result<()>>;

/// How a port listens.
#[derive(Clone)]
#[non_exhaustive]
pub struct ListenOptions {
    /// Connections that the kernel keeps for us before they are accepted. Default: 1024; the kernel caps it at
    /// `net.core.somaxconn`.
    pub backlog: u32,
    /// Bind although old connections of the port are in `TIME_WAIT` (`SO_REUSEADDR`). Default: true.
    pub reuse_address: bool,
    /// Share the port with other sockets that ask for it too; the kernel spreads connections among them
    /// (`SO_REUSEPORT`). Default: false.
    pub reuse_port: bool,
    /// An IPv6 socket takes IPv6 alone (`IPV6_V6ONLY`). Default: false, so that `[::]` also takes IPv4.
    pub ipv6_only: bool,
    /// The permission bits of a Unix socket's file. Default: 0o666, as in Twisted: who may enter the directory may connect.
    pub mode: u32,
    /// Options of the accepted connections.
    pub stream: StreamOptions,
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
            mode: 0o666,
            stream: StreamOptions::default(),
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
            .field("mode", &format_args!("{:o}", self.mode))
            .field("stream", &self.stream)
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
    /// Of several addresses, how long one is waited for before the next is tried beside it (RFC 8305, section 5: the Connection Attempt
    /// Delay). One that fails is followed at once. Default: 250 ms; less than 10 ms counts as that, and more than 2 s as 2 s.
    pub attempt_delay: Duration,
    /// The local address to connect from. Default: the kernel's choice.
    #[doc(alias = "bindAddress")]
    pub bind_address: Option<IpAddr>,
    /// Options of the connection.
    pub stream: StreamOptions,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            attempt_delay: Duration::from_millis(250),
            bind_address: None,
            stream: StreamOptions::default(),
        }
    }
}
