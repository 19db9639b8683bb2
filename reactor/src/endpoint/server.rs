//! What a description says about listening.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::description::{Bound, Description};
#[cfg(feature = "tls")]
use super::tls;
use crate::address::UnixAddress;
use crate::error::Result;
use crate::options::StreamOptions;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerDescription {
    /// `tcp:PORT[:interface=ADDRESS][:ipv6only=yes|no][:backlog=N][:reuseport=yes|no]`
    Tcp {
        /// Never empty. To be tried in this order, the next one only where the system has no such address family:
        /// without an interface, `[::]` and then `0.0.0.0`.
        addresses: Vec<SocketAddr>,
        /// Whether a socket on `[::]` refuses IPv4. Means nothing to other addresses.
        ipv6_only: bool,
        backlog: Option<u32>,
        reuseport: bool,
    },
    /// `unix:PATH[:mode=OCTAL][:backlog=N]`, `unix:@NAME[:backlog=N]`
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
        Self::parse_with(source, &mut StreamOptions::default())
    }

    /// The same; what it says of the connections goes to `options`.
    ///
    /// `ssl:` and `tls:` have the arguments of `tcp:`, and those of [`tls::SERVER`](super::tls).
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "only TLS is said of connections"))]
    pub(crate) fn parse_with(source: &str, options: &mut StreamOptions) -> Result<Self> {
        let description = Description::parse(source)?;
        match &*description.kind.text {
            "tcp" => tcp(&mut description.bind(&["port"], &TCP)?),
            #[cfg(feature = "tls")]
            "ssl" | "tls" => {
                let keywords = [&TCP[..], &tls::SERVER].concat();
                let mut arguments = description.bind(&["port"], &keywords)?;
                let description = tcp(&mut arguments)?;
                tls::server(&mut arguments, options)?;
                Ok(description)
            }
            #[cfg(not(feature = "tls"))]
            "ssl" | "tls" => Err(description.no_tls()),
            "unix" => unix(description.bind(&["address"], &["mode", "backlog"])?),
            _ => Err(description.unknown_kind()),
        }
    }
}

/// The keywords of `tcp:`.
const TCP: [&str; 4] = ["interface", "ipv6only", "backlog", "reuseport"];

fn tcp(arguments: &mut Bound<'_>) -> Result<ServerDescription> {
    let port = arguments.require("port", "a port number")?.port(0..=u16::MAX)?;
    let interface = arguments.take("interface").map(|argument| argument.host()).transpose()?;
    let only = arguments.take("ipv6only");
    let ipv6_only = match &only {
        Some(argument) => argument.flag()?,
        None => false,
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
    Ok(ServerDescription::Tcp {
        addresses,
        ipv6_only,
        backlog: backlog(arguments)?,
        reuseport: arguments.take("reuseport").map_or(Ok(false), |argument| argument.flag())?,
    })
}

fn unix(mut arguments: Bound<'_>) -> Result<ServerDescription> {
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

fn backlog(arguments: &mut Bound<'_>) -> Result<Option<u32>> {
    arguments.take("backlog").map(|argument| argument.backlog()).transpose()
}
