//! What can be asked of a host's name, and what is answered.

use std::net::SocketAddr;
use std::time::Duration;

/// A family of addresses. A name is asked for those of one family at a time (the records `A` and `AAAA` of the DNS, RFC 3596).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4: `A` records.
    V4,
    /// IPv6: `AAAA` records.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: &SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// Why there are no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    NoSuchName,
    TryAgain,
    /// In words.
    Other(String),
}

/// Addresses of port 0; none, if the name has none of the family.
pub(crate) type Addresses = Result<Vec<SocketAddr>, Fault>;

/// What a network tells of a name without a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) addresses: Addresses,
    /// How long the answer takes.
    pub(crate) after: Duration,
}

/// What a thread was told of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LookedUp {
    /// Who asked.
    pub(crate) ticket: u64,
    pub(crate) addresses: Addresses,
}
