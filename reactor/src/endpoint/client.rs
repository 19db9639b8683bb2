//! What a description says about connecting.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::description::{Bound, Description};
use crate::address::UnixAddress;
use crate::error::{ErrorKind, Result};

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClientDescription {
    /// `tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]`
    Tcp {
        /// Never empty. To be tried in this order until one answers; more than one only for `localhost`.
        addresses: Vec<SocketAddr>,
        timeout: Option<Duration>,
        /// Of the same family as every one of `addresses`.
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the place of the mistake, and
    /// [`NameNotSupported`](crate::ErrorKind::NameNotSupported) for a host that is neither an address nor `localhost`.
    #[cfg(test)]
    pub(crate) fn parse(source: &str) -> Result<Self> {
        Self::parse_with(source, |_| None)
    }

    /// The same; `resolve` knows the addresses of some names.
    pub(crate) fn parse_with(source: &str, resolve: impl FnOnce(&str) -> Option<Vec<IpAddr>>) -> Result<Self> {
        let description = Description::parse(source)?;
        match &*description.kind.text {
            "tcp" => tcp(description.bind(&["host", "port"], &["timeout", "bindAddress"])?, resolve),
            "unix" => unix(description.bind(&["path"], &["timeout"])?),
            _ => Err(description.unknown_kind()),
        }
    }
}

fn tcp(mut arguments: Bound<'_>, resolve: impl FnOnce(&str) -> Option<Vec<IpAddr>>) -> Result<ClientDescription> {
    let host = arguments.require("host", "a host and a port")?;
    let mut addresses = match host.host() {
        Ok(host) => host.addresses(),
        Err(error) if error.kind() == ErrorKind::NameNotSupported => {
            let known = resolve(&host.text).filter(|addresses| !addresses.is_empty());
            known.ok_or(error)?.into_iter().map(|address| SocketAddr::new(address, 0)).collect()
        }
        Err(error) => return Err(error),
    };
    let port = arguments.require("port", "a port number")?.port(1..=u16::MAX)?;
    addresses.iter_mut().for_each(|address| address.set_port(port));
    let mut bind_address = None;
    if let Some(argument) = arguments.take("bindAddress") {
        let address = argument.ip()?;
        addresses.retain(|candidate| candidate.is_ipv4() == address.is_ipv4());
        if addresses.is_empty() {
            return Err(argument.place.invalid("the host and bindAddress are not of the same address family"));
        }
        bind_address = Some(address);
    }
    Ok(ClientDescription::Tcp { addresses, timeout: timeout(&mut arguments)?, bind_address })
}

fn unix(mut arguments: Bound<'_>) -> Result<ClientDescription> {
    let address = arguments.require("path", "a path, or @ and a name")?.unix_address()?;
    Ok(ClientDescription::Unix { address, timeout: timeout(&mut arguments)? })
}

fn timeout(arguments: &mut Bound<'_>) -> Result<Option<Duration>> {
    arguments.take("timeout").map(|argument| argument.seconds()).transpose()
}
