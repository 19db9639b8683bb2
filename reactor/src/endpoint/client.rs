//! What a description says about connecting.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::argument::Argument;
use super::description::{Bound, Description};
use crate::address::{Address, UnixAddress};
use crate::error::{Error, ErrorKind, Result};
use crate::names::{self, Family};
use crate::stream::Target;

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientDescription {
    /// `tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]`
    Tcp {
        /// More than one address only for `localhost`, and never none.
        target: Target,
        timeout: Option<Duration>,
        /// Of the same family as all that is connected to.
        bind_address: Option<IpAddr>,
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
    pub(crate) fn parse(source: &str) -> Result<Self> {
        let description = Description::parse(source)?;
        match &*description.kind.text {
            "tcp" => tcp(description.bind(&["host", "port"], &["timeout", "bindAddress"])?),
            "unix" => unix(description.bind(&["path"], &["timeout"])?),
            _ => Err(description.unknown_kind()),
        }
    }
}

fn tcp(mut arguments: Bound<'_>) -> Result<ClientDescription> {
    let name = arguments.require("host", "a host and a port")?;
    let host = name.host_or_name()?;
    let port = arguments.require("port", "a port number")?.port(1..=u16::MAX)?;
    let bind = arguments.take("bindAddress");
    let bind_address = bind.as_ref().map(Argument::ip).transpose()?;
    let target = match host {
        None => Target::Host { name: name.text.into_owned(), port, family: bind_address.map(family) },
        Some(host) => {
            let mut addresses = host.addresses();
            addresses.retain(|address| bind_address.is_none_or(|from| family(from) == Family::of(address)));
            addresses.iter_mut().for_each(|address| address.set_port(port));
            if let (Some(bind), true) = (bind, addresses.is_empty()) {
                return Err(bind.place.invalid("the host and bindAddress are not of the same address family"));
            }
            Target::Addresses(addresses.into_iter().map(Address::Tcp).collect())
        }
    };
    Ok(ClientDescription::Tcp { target, timeout: timeout(&mut arguments)?, bind_address })
}

/// Where a host is that is given without a description.
pub(super) fn host(host: &str, port: u16, bind_address: Option<IpAddr>) -> Result<Target> {
    let invalid = |words: &str| Error::new(ErrorKind::InvalidInput, format!("{words}: `{}`", host.escape_debug()));
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
