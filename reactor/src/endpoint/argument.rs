//! One argument of a description, and what it may mean.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::address::{Address, UnixAddress};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::Escaped;
use crate::names;
use crate::services_file;
use crate::zone;

/// A place in a description: `at` counts bytes, and is at most `source.len()`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) source: &'a str,
    pub(super) at: usize,
}

/// A piece of a description, without its escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) place: Place<'a>,
}

/// A host as the grammar has it, if that can be told without asking anybody.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    V4(Ipv4Addr),
    /// An address, with its zone if it has one, such as in `fe80::1%2`.
    V6(SocketAddrV6),
    Localhost,
}

impl Place<'_> {
    pub(super) fn invalid(self, message: impl fmt::Display) -> Error {
        self.error(ErrorKind::InvalidInput, message)
    }

    fn error(self, kind: ErrorKind, message: impl fmt::Display) -> Error {
        let character = self.source.get(..self.at).map_or(0, |before| before.chars().count()) + 1;
        Error::new(kind, format!("{message}, at character {character} of `{}`", Escaped::display(&self.source)))
    }
}

impl Argument<'_> {
    /// The text, fit for a message.
    pub(super) fn shown(&self) -> impl fmt::Display {
        Escaped::display(&self.text)
    }

    fn expected(&self, what: impl fmt::Display) -> Error {
        match self.text.is_empty() {
            true => self.place.invalid(format_args!("expected {what}, found nothing")),
            false => self.place.invalid(format_args!("expected {what}, found `{}`", self.shown())),
        }
    }

    /// A port by its number, or by the name of its TCP service.
    pub(super) fn port(&self, allowed: RangeInclusive<u16>) -> Result<u16> {
        let port = match self.number() {
            Some(number) => u16::try_from(number).ok(),
            None => services_file::tcp_port(&self.text),
        };
        port.filter(|port| allowed.contains(port)).ok_or_else(|| {
            let (least, most) = (allowed.start(), allowed.end());
            self.expected(format_args!("a port number from {least} to {most}, or a service of /etc/services"))
        })
    }

    /// The length of a listener's backlog: the kernel takes a C `int`.
    pub(super) fn backlog(&self) -> Result<u32> {
        self.number()
            .filter(|backlog| (1..=i32::MAX.unsigned_abs()).contains(backlog))
            .ok_or_else(|| self.expected("a backlog from 1 to 2147483647 connections"))
    }

    /// A limit of connections.
    pub(super) fn limit(&self) -> Result<usize> {
        let limit = match &*self.text {
            "none" => Some(usize::MAX),
            _ => self.number().map(|number| number as usize).filter(|number| *number > 0),
        };
        limit.ok_or_else(|| self.expected("a number of connections from 1 to 4294967295, or none for no limit"))
    }

    pub(super) fn descriptors(&self) -> Result<usize> {
        let number = self.number().map(|number| number as usize);
        number.ok_or_else(|| self.expected("a number of descriptors from 0 to 4294967295"))
    }

    pub(super) fn flag(&self) -> Result<bool> {
        match &*self.text {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(self.expected("yes or no")),
        }
    }

    /// The permissions of a file, in octal.
    pub(super) fn mode(&self) -> Result<u32> {
        Some(&*self.text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| u32::from_str_radix(text, 8).ok())
            .filter(|mode| *mode <= 0o777)
            .ok_or_else(|| self.expected("a mode from 0 to 777, in octal"))
    }

    pub(super) fn seconds(&self) -> Result<Duration> {
        Some(&*self.text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
            .and_then(|text| text.parse().ok())
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .filter(|timeout| !timeout.is_zero())
            .ok_or_else(|| self.expected("a number of seconds above 0"))
    }

    /// A limit of seconds that the kernel counts in milliseconds, as a C `int`.
    pub(super) fn kernel_seconds(&self) -> Result<Duration> {
        let most = u128::from(i32::MAX.unsigned_abs());
        let seconds = self.seconds().ok().filter(|seconds| (1..=most).contains(&seconds.as_millis()));
        seconds.ok_or_else(|| self.expected("a number of seconds from 0.001 to 2147483.647"))
    }

    /// An address or `localhost`: where nobody can be asked for names.
    pub(super) fn host(&self) -> Result<Host> {
        if let Some(host) = self.known_host() {
            return Ok(host);
        }
        if names::check(&self.text).is_ok() {
            let message = "a host's name cannot be used here: give an IP address or localhost";
            let message = format!("{message}, not `{}`", self.shown());
            return Err(self.place.error(ErrorKind::NameNotSupported, message));
        }
        if let Some(error) = self.missing_zone() {
            return Err(error);
        }
        Err(self.expected(r"an IP address or localhost (the colons of an IPv6 address are written \:)"))
    }

    /// An address, `localhost`, or a name to be asked for, which `None` stands for.
    pub(super) fn host_or_name(&self) -> Result<Option<Host>> {
        if let Some(host) = self.known_host() {
            return Ok(Some(host));
        }
        if let Some(error) = self.missing_zone() {
            return Err(error);
        }
        match names::check(&self.text) {
            Ok(()) => Ok(None),
            Err(_) if self.text.is_empty() || self.text.contains([':', '[', ']', '%']) => {
                Err(self.expected(r"an IP address or a host's name (the colons of an IPv6 address are written \:)"))
            }
            Err(words) => Err(self.expected(format_args!("an IP address or a host's name ({words})"))),
        }
    }

    /// What is wrong with an IPv6 address whose zone this machine does not have.
    fn missing_zone(&self) -> Option<Error> {
        let zone = zone::missing(names::unbracketed(&self.text))?;
        let message = format!("there is no network interface `{}` on this machine", Escaped::display(&zone));
        Some(self.place.error(ErrorKind::InvalidInput, message))
    }

    fn known_host(&self) -> Option<Host> {
        let text = &*self.text;
        if let Some(address) = zone::parse(names::unbracketed(text)) {
            return Some(Host::V6(address));
        }
        if let Ok(address) = text.parse() {
            return Some(Host::V4(address));
        }
        (names::is_localhost(text) && names::check(text).is_ok()).then_some(Host::Localhost)
    }

    pub(super) fn unix_address(&self) -> Result<UnixAddress> {
        let address = match self.text.strip_prefix('@') {
            Some(name) => UnixAddress::Abstract(name.as_bytes().to_vec()),
            None => UnixAddress::Pathname(self.text.as_ref().into()),
        };
        if matches!(&*self.text, "" | "@") || self.text.contains('\0') {
            return Err(self.expected("a path, or @ and the name of an abstract socket"));
        }
        // A socket's name has room for a hundred bytes or so: whether this one fits, the system's own form tells.
        match Address::Unix(address.clone()).to_sock_addr() {
            Ok(_) => Ok(address),
            Err(error) => Err(self.place.invalid(format_args!("the name of a Unix socket does not fit: {error}"))),
        }
    }

    /// The text as a number that has nothing but digits: no sign, no spaces.
    fn number(&self) -> Option<u32> {
        Some(&*self.text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    }
}

impl Host {
    /// Where it is, first choice first, as socket addresses of port 0.
    pub(super) fn addresses(self) -> Vec<SocketAddr> {
        let mut addresses = vec![self.first()];
        if self == Self::Localhost {
            addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)));
        }
        addresses
    }

    pub(super) fn first(self) -> SocketAddr {
        match self {
            Self::V4(address) => SocketAddr::from((address, 0)),
            Self::V6(address) => SocketAddr::V6(address),
            // IPv4 comes first: that is where a server with `interface=localhost` listens.
            Self::Localhost => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}
