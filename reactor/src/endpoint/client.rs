//! What a description says about connecting.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::argument::{Argument, Host};
use super::description::{Bound, Description};
#[cfg(feature = "tls")]
use super::tls;
use crate::address::{Address, UnixAddress};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::Escaped;
use crate::names::{self, Family};
use crate::options::StreamOptions;
use crate::stream::Target;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientDescription {
    /// `tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS][:bindPort=PORT][:userTimeout=SECONDS]`
    Tcp {
        /// More than one address only for `localhost`, and never none.
        target: Target,
        timeout: Option<Duration>,
        /// Of the same family as all that is connected to.
        bind_address: Option<IpAddr>,
        /// 0 for the kernel's choice.
        bind_port: u16,
    },
    /// `unix:PATH[:timeout=SECONDS]`, `unix:@NAME[:timeout=SECONDS]`
    Unix {
        /// A path or an abstract name, never unnamed.
        address: UnixAddress,
        timeout: Option<Duration>,
    },
}

impl ClientDescription {
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the place of the mistake.
    #[cfg(test)]
    pub(crate) fn parse(source: &str) -> Result<Self> {
        Self::parse_with(source, &mut StreamOptions::default())
    }

    /// The same; what it says of the connection goes to `options`.
    ///
    /// `ssl:` and `tls:` have the arguments of `tcp:`, and those of [`tls::CLIENT`](super::tls).
    pub(crate) fn parse_with(source: &str, options: &mut StreamOptions) -> Result<Self> {
        let description = Description::parse(source)?;
        match &*description.kind.text {
            "tcp" => {
                let (described, _) = tcp(&mut description.bind(&["host", "port"], &TCP)?, options)?;
                Ok(described)
            }
            #[cfg(feature = "tls")]
            "ssl" | "tls" => {
                let keywords = [&TCP[..], &tls::CLIENT].concat();
                let mut arguments = description.bind(&["host", "port"], &keywords)?;
                let (described, host) = tcp(&mut arguments, options)?;
                tls::client(&mut arguments, &host, options)?;
                Ok(described)
            }
            #[cfg(not(feature = "tls"))]
            "ssl" | "tls" => Err(description.no_tls()),
            "unix" => unix(description.bind(&["path"], &["timeout"])?),
            _ => Err(description.unknown_kind()),
        }
    }
}

/// The keywords of `tcp:`.
const TCP: [&str; 4] = ["timeout", "bindAddress", "bindPort", "userTimeout"];

/// With the description, the host as it is written.
fn tcp<'a>(arguments: &mut Bound<'a>, options: &mut StreamOptions) -> Result<(ClientDescription, Argument<'a>)> {
    let name = arguments.require("host", "a host and a port")?;
    let host = name.host_or_name()?;
    let port = arguments.require("port", "a port number")?.port(1..=u16::MAX)?;
    let bind = arguments.take("bindAddress");
    let bound = bind.as_ref().map(Argument::host).transpose()?.map(Host::first);
    let bind_address = bound.map(|bound| bound.ip());
    let bind_port = arguments.take("bindPort").map_or(Ok(0), |argument| argument.port(1..=u16::MAX))?;
    options.user_timeout = arguments.take("userTimeout").map(|argument| argument.kernel_seconds()).transpose()?;
    let target = match host {
        None => Target::Host { name: name.text.clone().into_owned(), port, family: bind_address.map(family) },
        Some(host) => {
            let mut addresses = host.addresses();
            addresses.retain(|address| bind_address.is_none_or(|from| family(from) == Family::of(address)));
            addresses.iter_mut().for_each(|address| address.set_port(port));
            if let (Some(bind), true) = (&bind, addresses.is_empty()) {
                return Err(bind.place.invalid("the host and bindAddress are not of the same address family"));
            }
            if let (Some(bind), Some(bound)) = (bind, bound)
                && addresses.iter().any(|address| zone(bound).is_some_and(|bound| zone(*address) != Some(bound)))
            {
                return Err(bind.place.invalid("the host and bindAddress are not of the same zone"));
            }
            Target::Addresses(addresses.into_iter().map(Address::Tcp).collect())
        }
    };
    Ok((ClientDescription::Tcp { target, timeout: timeout(arguments)?, bind_address, bind_port }, name))
}

/// The network interface of an IPv6 address that says so.
fn zone(address: SocketAddr) -> Option<u32> {
    match address {
        SocketAddr::V6(address) => Some(address.scope_id()).filter(|zone| *zone != 0),
        SocketAddr::V4(_) => None,
    }
}

/// Where a host is that is given without a description.
pub(super) fn host(host: &str, port: u16, bind_address: Option<IpAddr>) -> Result<Target> {
    let invalid = |words: &str| Error::new(ErrorKind::InvalidInput, format!("{words}: `{}`", Escaped::bytes(host)));
    // IPv4 comes first: that is where a server with `interface=localhost` listens.
    let known: Vec<_> =
        [Family::V4, Family::V6].into_iter().filter_map(|family| names::known(host, family)).flatten().collect();
    if known.is_empty() {
        names::check(host).map_err(|words| invalid(&words))?;
        return Ok(Target::Host { name: host.to_owned(), port, family: bind_address.map(family) });
    }
    let fits = |address: &SocketAddr| bind_address.is_none_or(|from| family(from) == Family::of(address));
    let addresses: Vec<_> = known.into_iter().filter(fits).collect();
    if addresses.is_empty() {
        return Err(invalid("the host and bind_address are not of the same address family"));
    }
    let with_port = |address: SocketAddr| Address::Tcp(address_with_port(address, port));
    Ok(Target::Addresses(addresses.into_iter().map(with_port).collect()))
}

fn address_with_port(mut address: SocketAddr, port: u16) -> SocketAddr {
    address.set_port(port);
    address
}

fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}

fn unix(mut arguments: Bound<'_>) -> Result<ClientDescription> {
    let address = arguments.require("path", "a path, or @ and a name")?.unix_address()?;
    Ok(ClientDescription::Unix { address, timeout: timeout(&mut arguments)? })
}

fn timeout(arguments: &mut Bound<'_>) -> Result<Option<Duration>> {
    arguments.take("timeout").map(|argument| argument.seconds()).transpose()
}
