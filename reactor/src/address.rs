//! Where a socket is.

use std::fmt;
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;
use std::path::{Path, PathBuf};

use socket2::SockAddr;

use crate::escape::is_plain;

/// The address of one end of a connection, or of a listening port.
///
/// Its `Display` form is an endpoint description that [`Reactor::connect`](crate::Reactor::connect) understands, but for an unnamed
/// socket and for names with control characters or bytes that are not UTF-8, which it shows as a log may show them.
///
/// ```
/// use lariat::Address;
///
/// let address = Address::Tcp("[::1]:7000".parse()?);
/// assert_eq!(address.to_string(), r"tcp:[\:\:1]:7000");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[doc(alias = "IPv4Address")]
#[doc(alias = "IPv6Address")]
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a TCP port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(UnixAddress),
}

/// The name of a Unix socket, as `unix(7)` has them.
#[doc(alias = "UNIXAddress")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnixAddress {
    /// A socket without a name: a connecting client's, as a rule.
    #[default]
    Unnamed,
    /// A socket that is a file.
    Pathname(PathBuf),
    /// A Linux abstract socket: a name (without its leading NUL byte) that no file system holds.
    Abstract(Vec<u8>),
}

impl Address {
    /// The IP address and port, if this is a TCP address.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The port, if this is a TCP address.
    pub fn port(&self) -> Option<u16> {
        self.tcp().map(|address| address.port())
    }

    /// The file, if this is a Unix socket that has one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Unix(UnixAddress::Pathname(path)) => Some(path),
            _ => None,
        }
    }

    /// An IPv4 address that a socket of both families shows as an IPv6 one is an IPv4 address.
    pub(crate) fn canonical(self) -> Self {
        match self {
            Self::Tcp(SocketAddr::V6(address)) if address.ip().to_ipv4_mapped().is_some() => {
                Self::Tcp((address.ip().to_canonical(), address.port()).into())
            }
            other => other,
        }
    }

    pub(crate) fn to_sock_addr(&self) -> io::Result<SockAddr> {
        match self {
            Self::Tcp(address) => Ok(SockAddr::from(*address)),
            Self::Unix(UnixAddress::Pathname(path)) => SockAddr::unix(path),
            Self::Unix(UnixAddress::Abstract(name)) => {
                let mut path = Vec::with_capacity(name.len() + 1);
                path.push(0);
                path.extend_from_slice(name);
                SockAddr::unix(std::ffi::OsStr::from_bytes(&path))
            }
            Self::Unix(UnixAddress::Unnamed) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "an unnamed Unix socket has no address to use"))
            }
        }
    }

    pub(crate) fn from_unix(address: &net::SocketAddr) -> Self {
        Self::Unix(if let Some(path) = address.as_pathname() {
            UnixAddress::Pathname(path.to_owned())
        } else if let Some(name) = address.as_abstract_name() {
            UnixAddress::Abstract(name.to_vec())
        } else {
            UnixAddress::Unnamed
        })
    }

    pub(crate) fn from_sock_addr(address: &SockAddr) -> Self {
        match address.as_socket() {
            Some(address) => Self::Tcp(address),
            None => Self::Unix(match (address.as_pathname(), address.as_abstract_namespace()) {
                (Some(path), _) => UnixAddress::Pathname(path.to_owned()),
                (None, Some(name)) => UnixAddress::Abstract(name.to_vec()),
                (None, None) => UnixAddress::Unnamed,
            }),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(SocketAddr::V4(address)) => write!(f, "tcp:{address}"),
            Self::Tcp(SocketAddr::V6(address)) => {
                let host = address.ip().to_string().replace(':', r"\:");
                write!(f, "tcp:[{host}")?;
                if address.scope_id() != 0 {
                    write!(f, "%{}", address.scope_id())?;
                }
                write!(f, "]:{}", address.port())
            }
            Self::Unix(UnixAddress::Unnamed) => write!(f, "unix:"),
            Self::Unix(UnixAddress::Pathname(path)) => {
                // A name that begins with `@` would be an abstract one.
                let here = if path.as_os_str().as_bytes().starts_with(b"@") { "./" } else { "" };
                write!(f, "unix:{here}{}", escape(path.as_os_str().as_bytes()))
            }
            Self::Unix(UnixAddress::Abstract(name)) => write!(f, "unix:@{}", escape(name)),
        }
    }
}

/// An address as a connection keeps it: the common case in eight bytes, for each idle connection pays for it.
#[derive(Clone, Debug)]
pub(crate) enum CompactAddress {
    V4(SocketAddrV4),
    Other(Box<Address>),
}

impl From<Address> for CompactAddress {
    fn from(address: Address) -> Self {
        match address {
            Address::Tcp(SocketAddr::V4(address)) => Self::V4(address),
            other => Self::Other(Box::new(other)),
        }
    }
}

impl From<&CompactAddress> for Address {
    fn from(address: &CompactAddress) -> Self {
        match address {
            CompactAddress::V4(address) => Self::Tcp(SocketAddr::V4(*address)),
            CompactAddress::Other(address) => (**address).clone(),
        }
    }
}

/// A name as an endpoint description has it, with invisible characters and what is not UTF-8 escaped.
fn escape(name: &[u8]) -> String {
    let mut escaped = String::new();
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                ':' | '=' | '\\' => escaped.extend(['\\', character]),
                _ if !is_plain(character) => escaped.extend(character.escape_default()),
                _ => escaped.push(character),
            }
        }
        chunk.invalid().iter().for_each(|byte| escaped.push_str(&format!("\\x{byte:02x}")));
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_byte_in_a_socket_name_is_shown_as_hex() {
        let address = Address::Unix(UnixAddress::Abstract("a:\x1b\u{202e}".into()));
        assert_eq!(address.to_string(), r"unix:@a\:\u{1b}\u{202e}");
    }

    #[test]
    fn a_file_whose_name_begins_as_an_abstract_one_is_shown_as_a_path() {
        let address = Address::Unix(UnixAddress::Pathname("@file".into()));
        assert_eq!(address.to_string(), "unix:./@file");
    }

    #[test]
    fn a_socket_name_in_any_language_is_shown_as_it_is() {
        let address = Address::Unix(UnixAddress::Pathname(r"/tmp/é=\".into()));
        assert_eq!(address.to_string(), r"unix:/tmp/é\=\\");
    }

    #[test]
    fn the_scope_of_an_address_is_shown() {
        let address = Address::Tcp("[fe80::1%3]:7000".parse().unwrap());
        assert_eq!(address.to_string(), r"tcp:[fe80\:\:1%3]:7000");
    }

    #[test]
    fn an_abstract_name_survives_the_kernels_form() {
        let address = Address::Unix(UnixAddress::Abstract(b"lariat".to_vec()));
        let kernel = address.to_sock_addr().unwrap();
        assert_eq!(Address::from_sock_addr(&kernel), address);
    }

    #[test]
    fn a_path_that_is_too_long_is_an_error() {
        let address = Address::Unix(UnixAddress::Pathname("x".repeat(200).into()));
        assert_eq!(address.to_sock_addr().unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
