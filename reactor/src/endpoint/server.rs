//! What a description says about listening.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::description::{Bound, Description};
#[cfg(feature = "tls")]
use super::tls;
use crate::address::UnixAddress;
use crate::error::Result;
use crate::options::{ConnectionLimits, ListenOptions};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerDescription {
    /// `tcp:PORT[:interface=ADDRESS][:ipv6only=yes|no][:backlog=N][:reuseport=yes|no][:userTimeout=SECONDS]`, and limits
    Tcp {
        /// Never empty. To be tried in this order, the next one only where the system has no such address family:
        /// without an interface, `[::]` and then `0.0.0.0`.
        addresses: Vec<SocketAddr>,
        /// Whether a socket on `[::]` refuses IPv4. Means nothing to other addresses.
        ipv6_only: bool,
        backlog: Option<u32>,
        reuseport: bool,
    },
    /// `unix:PATH[:mode=OCTAL][:backlog=N]`, `unix:@NAME[:backlog=N]`, and limits
    Unix {
        /// A path or an abstract name, never unnamed.
        address: UnixAddress,
        /// At most `0o777`; always `None` for an abstract socket, which has no permissions.
        mode: Option<u32>,
        backlog: Option<u32>,
    },
}

impl ServerDescription {
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the place of the mistake, and
    /// [`NameNotSupported`](crate::ErrorKind::NameNotSupported) for an interface that is a host name.
    #[cfg(test)]
    pub(crate) fn parse(source: &str) -> Result<Self> {
        Self::parse_with(source, &mut ListenOptions::default())
    }

    /// The same; what it says of the connections goes to `options`, and what it does not say is taken from there.
    ///
    /// `ssl:` and `tls:` have the arguments of `tcp:`, and those of [`tls::SERVER`](super::tls).
    pub(crate) fn parse_with(source: &str, options: &mut ListenOptions) -> Result<Self> {
        let description = Description::parse(source)?;
        match &*description.kind.text {
            "tcp" => tcp(&mut description.bind(&["port"], &TCP)?, options),
            #[cfg(feature = "tls")]
            "ssl" | "tls" => {
                let keywords = [&TCP[..], &HANDSHAKES, &tls::SERVER].concat();
                let mut arguments = description.bind(&["port"], &keywords)?;
                let description = tcp(&mut arguments, options)?;
                tls::server(&mut arguments, &mut options.stream)?;
                Ok(description)
            }
            #[cfg(not(feature = "tls"))]
            "ssl" | "tls" => Err(description.no_tls()),
            "unix" => unix(description.bind(&["address"], &UNIX)?, options),
            _ => Err(description.unknown_kind()),
        }
    }
}

/// The keywords of `tcp:`.
const TCP: [&str; 10] = [
    "interface",
    "ipv6only",
    "backlog",
    "reuseport",
    "userTimeout",
    "connections",
    "perAddress",
    "perNetwork",
    "countLoopback",
    "reservedDescriptors",
];

/// The keywords of `ssl:` and `tls:` for their handshakes.
#[cfg(feature = "tls")]
const HANDSHAKES: [&str; 3] = ["handshakes", "handshakesPerAddress", "handshakesPerNetwork"];

/// The keywords of `unix:`.
const UNIX: [&str; 4] = ["mode", "backlog", "connections", "reservedDescriptors"];

fn tcp(arguments: &mut Bound<'_>, options: &mut ListenOptions) -> Result<ServerDescription> {
    let port = arguments.require("port", "a port number")?.port(0..=u16::MAX)?;
    let interface = arguments.take("interface").map(|argument| argument.host()).transpose()?;
    let only = arguments.take("ipv6only");
    let ipv6_only = match &only {
        Some(argument) => argument.flag()?,
        None => options.ipv6_only,
    };
    let mut addresses = match interface {
        Some(host) => vec![host.first()],
        None if ipv6_only => vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))],
        None => vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))],
    };
    if let (Some(only), [SocketAddr::V4(_)]) = (only, &*addresses) {
        return Err(only.place.invalid("ipv6only does not go with an IPv4 interface"));
    }
    addresses.iter_mut().for_each(|address| address.set_port(port));
    if let Some(timeout) = arguments.take("userTimeout") {
        options.stream.user_timeout = Some(timeout.kernel_seconds()?);
    }
    limits(arguments, options)?;
    Ok(ServerDescription::Tcp {
        addresses,
        ipv6_only,
        backlog: backlog(arguments)?,
        reuseport: arguments.take("reuseport").map_or(Ok(options.reuse_port), |argument| argument.flag())?,
    })
}

fn unix(mut arguments: Bound<'_>, options: &mut ListenOptions) -> Result<ServerDescription> {
    limits(&mut arguments, options)?;
    let address = arguments.require("address", "a path, or @ and a name")?.unix_address()?;
    let mode = arguments.take("mode");
    if let (Some(mode), UnixAddress::Abstract(_)) = (&mode, &address) {
        return Err(mode.place.invalid("an abstract socket is no file and has no mode"));
    }
    Ok(ServerDescription::Unix {
        address,
        mode: mode.map(|argument| argument.mode()).transpose()?,
        backlog: backlog(&mut arguments)?,
    })
}

/// The limits of the port. What is not given stays as it is.
fn limits(arguments: &mut Bound<'_>, options: &mut ListenOptions) -> Result<()> {
    let mut take = |name| arguments.take(name).map(|argument| argument.limit()).transpose();
    let given = [take("connections")?, take("perAddress")?, take("perNetwork")?];
    let of_handshakes = [take("handshakes")?, take("handshakesPerAddress")?, take("handshakesPerNetwork")?];
    if given.iter().any(Option::is_some) {
        set(options.connections.get_or_insert(ConnectionLimits::total(usize::MAX)), given);
    }
    set(&mut options.handshakes, of_handshakes);
    if let Some(argument) = arguments.take("countLoopback") {
        let counts = argument.flag()?;
        options.handshakes.counts_loopback = counts;
        if let Some(limits) = &mut options.connections {
            limits.counts_loopback = counts;
        }
    }
    if let Some(argument) = arguments.take("reservedDescriptors") {
        options.reserved_descriptors = argument.descriptors()?;
    }
    Ok(())
}

fn set(limits: &mut ConnectionLimits, [total, per_address, per_network]: [Option<usize>; 3]) {
    limits.total = total.unwrap_or(limits.total);
    limits.per_address = per_address.unwrap_or(limits.per_address);
    limits.per_network = per_network.unwrap_or(limits.per_network);
}

fn backlog(arguments: &mut Bound<'_>) -> Result<Option<u32>> {
    arguments.take("backlog").map(|argument| argument.backlog()).transpose()
}
