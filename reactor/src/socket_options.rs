//! The options of sockets: which values they take, and how they are set. Each failure names the
//! option and its value.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

use crate::address::{Address, UnixAddress};
use crate::options::{ConnectOptions, Keepalive, ListenOptions, StreamOptions};

/// The longest keep-alive times in seconds, and the most probes (`MAX_TCP_KEEPIDLE`,
/// `MAX_TCP_KEEPINTVL` and `MAX_TCP_KEEPCNT` in `include/net/tcp.h`).
const LONGEST_KEEPALIVE: u64 = 32_767;
const MOST_PROBES: u32 = 127;

/// The largest C `int`.
const INT_MAX: u32 = i32::MAX.unsigned_abs();

/// An option that the kernel refused.
#[derive(Debug)]
struct Refused {
    option: String,
    error: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.option, self.error)
    }
}

impl StdError for Refused {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.error)
    }
}

/// Names the option to which an error of the kernel belongs.
fn refused(option: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), Refused { option: option(), error })
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

/// A whole number of seconds, from 1 to the most that keep-alive takes: the kernel has no fractions
/// of them.
fn check_seconds(option: &str, time: Duration) -> io::Result<()> {
    if (1..=LONGEST_KEEPALIVE).contains(&time.as_secs()) {
        return Ok(());
    }
    Err(invalid(format!("{option} is {} s, and must be from 1 to {LONGEST_KEEPALIVE} s", time.as_secs_f64())))
}

fn check_buffer(option: &str, size: Option<usize>) -> io::Result<()> {
    match size {
        Some(size) if u32::try_from(size).map_or(true, |size| size > INT_MAX) => {
            Err(invalid(format!("{option} is {size} bytes, and must be at most {INT_MAX} bytes")))
        }
        _ => Ok(()),
    }
}

fn check_zone(address: &Address) -> io::Result<()> {
    match address {
        Address::Tcp(SocketAddr::V6(address)) if address.ip().is_unicast_link_local() && address.scope_id() == 0 => {
            let ip = address.ip();
            Err(invalid(format!("{ip} is a link-local address, which needs its zone (scope_id), such as {ip}%eth0")))
        }
        _ => Ok(()),
    }
}

impl Keepalive {
    /// Checks that the values are in the kernel's ranges.
    pub(crate) fn check(&self) -> io::Result<()> {
        check_seconds("keepalive.idle", self.idle)?;
        check_seconds("keepalive.interval", self.interval)?;
        if (1..=MOST_PROBES).contains(&self.probes) {
            return Ok(());
        }
        Err(invalid(format!("keepalive.probes is {}, and must be from 1 to {MOST_PROBES}", self.probes)))
    }
}

impl StreamOptions {
    /// Checks that the values are in the kernel's ranges.
    pub(crate) fn check(&self) -> io::Result<()> {
        if let Some(keepalive) = &self.keepalive {
            keepalive.check()?;
        }
        if let Some(timeout) = self.user_timeout
            && !(1..=u128::from(INT_MAX)).contains(&timeout.as_millis())
        {
            let (value, most) = (timeout.as_secs_f64(), f64::from(INT_MAX) / 1e3);
            return Err(invalid(format!("user_timeout is {value} s, and must be from 0.001 to {most} s")));
        }
        check_buffer("send_buffer", self.send_buffer)?;
        check_buffer("receive_buffer", self.receive_buffer)
    }
}

impl ListenOptions {
    /// Checks the options of a socket that will listen at `address`.
    pub(crate) fn check(&self, address: &Address) -> io::Result<()> {
        self.stream.check()?;
        if !(1..=INT_MAX).contains(&self.backlog) {
            return Err(invalid(format!("backlog is {}, and must be from 1 to {INT_MAX} connections", self.backlog)));
        }
        let limits =
            self.connections.iter().map(|limits| ("connections", limits)).chain([("handshakes", &self.handshakes)]);
        for (option, limits) in limits {
            let values =
                [("total", limits.total), ("per_address", limits.per_address), ("per_network", limits.per_network)];
            if let Some((field, _)) = values.iter().find(|(_, value)| *value == 0) {
                return Err(invalid(format!("{option}.{field} is 0, and must be at least 1 connection")));
            }
        }
        match (self.mode, address) {
            (Some(mode), _) if mode > 0o777 => {
                Err(invalid(format!("mode is {mode:o}, and must be from 0 to 777, in octal")))
            }
            (Some(mode), Address::Tcp(_) | Address::Unix(UnixAddress::Abstract(_) | UnixAddress::Unnamed)) => {
                Err(invalid(format!("mode is {mode:03o}, but {address} is no file and has no permissions")))
            }
            _ => check_zone(address),
        }
    }
}

impl ConnectOptions {
    /// Checks the options of a socket that will connect to `address`.
    pub(crate) fn check(&self, address: &Address) -> io::Result<()> {
        self.stream.check()?;
        match (self.bind_address, address) {
            (Some(from), Address::Unix(_)) => {
                Err(invalid(format!("bind_address is {from}, but a Unix socket connects from no IP address")))
            }
            (None, Address::Unix(_)) if self.bind_port != 0 => {
                Err(invalid(format!("bind_port is {}, but a Unix socket connects from no port", self.bind_port)))
            }
            (Some(from), Address::Tcp(to)) if from.is_ipv4() != to.is_ipv4() => {
                Err(invalid(format!("bind_address is {from}, which is not of the address family of {}", to.ip())))
            }
            _ => check_zone(address),
        }
    }

    /// The local address of a socket that connects to `to`. `None` leaves it to the kernel.
    pub(crate) fn bind_to(&self, to: SocketAddr) -> Option<SocketAddr> {
        let unspecified = match to {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let from = self.bind_address.or_else(|| (self.bind_port != 0).then_some(unspecified))?;
        Some(match (from, to) {
            // A link-local address is one of the interface that leads to the peer.
            (IpAddr::V6(ip), SocketAddr::V6(to)) if ip.is_unicast_link_local() => {
                SocketAddrV6::new(ip, self.bind_port, 0, to.scope_id()).into()
            }
            _ => SocketAddr::new(from, self.bind_port),
        })
    }

    /// Names the option that made the kernel refuse to bind the socket to `from`.
    pub(crate) fn bind_failed(&self, from: SocketAddr, error: io::Error) -> io::Error {
        let words = match (self.bind_address, error.kind()) {
            (Some(address), io::ErrorKind::AddrNotAvailable) => {
                format!("bind_address is {address}, which is no address of this machine")
            }
            (_, io::ErrorKind::AddrInUse) => format!("bind_port is {}, which another socket has", from.port()),
            (_, io::ErrorKind::PermissionDenied) => {
                format!("bind_port is {}, which this process may not have", from.port())
            }
            _ => format!("the socket cannot be bound to {from}"),
        };
        refused(|| words)(error)
    }
}

pub(crate) fn set_nodelay(socket: &SockRef<'_>, nodelay: bool) -> io::Result<()> {
    socket.set_tcp_nodelay(nodelay).map_err(refused(|| format!("nodelay is {nodelay}")))
}

pub(crate) fn set_keepalive(socket: &SockRef<'_>, keepalive: Option<Keepalive>) -> io::Result<()> {
    let Some(keepalive) = keepalive else {
        return socket.set_keepalive(false).map_err(refused(|| "keepalive is none".to_owned()));
    };
    keepalive.check()?;
    let Keepalive { idle, interval, probes } = keepalive;
    let times = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(probes);
    socket.set_tcp_keepalive(&times).map_err(refused(|| format!("keepalive is {keepalive:?}")))
}

/// Sets what a socket's options say. Linux lets accepted sockets inherit each of these, so a
/// listener is set up once and accepting costs no further system call.
pub(crate) fn apply_options(socket: &SockRef<'_>, tcp: bool, options: &StreamOptions) -> io::Result<()> {
    options.check()?;
    if tcp {
        if options.nodelay {
            set_nodelay(socket, true)?;
        }
        if options.keepalive.is_some() {
            set_keepalive(socket, options.keepalive)?;
        }
        if let Some(timeout) = options.user_timeout {
            let set = socket.set_tcp_user_timeout(Some(timeout));
            set.map_err(refused(|| format!("user_timeout is {} s", timeout.as_secs_f64())))?;
        }
    }
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size).map_err(refused(|| format!("send_buffer is {size} bytes")))?;
    }
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size).map_err(refused(|| format!("receive_buffer is {size} bytes")))?;
    }
    Ok(())
}

/// Sets what a TCP socket needs before it is bound to listen.
pub(crate) fn apply_listen_options(socket: &SockRef<'_>, is_ipv6: bool, options: &ListenOptions) -> io::Result<()> {
    let ListenOptions { reuse_address, reuse_port, ipv6_only, .. } = *options;
    socket.set_reuse_address(reuse_address).map_err(refused(|| format!("reuse_address is {reuse_address}")))?;
    if reuse_port {
        socket.set_reuse_port(true).map_err(refused(|| "reuse_port is true".to_owned()))?;
    }
    if is_ipv6 {
        socket.set_only_v6(ipv6_only).map_err(refused(|| format!("ipv6_only is {ipv6_only}")))?;
    }
    Ok(())
}

/// Names the hook of [`ListenOptions::before_bind`] as what failed.
pub(crate) fn hook_failed(error: io::Error) -> io::Error {
    refused(|| "the before_bind hook failed".to_owned())(error)
}

/// Names the size of the backlog as what failed.
pub(crate) fn backlog_failed(backlog: u32, error: io::Error) -> io::Error {
    refused(|| format!("backlog is {backlog}"))(error)
}
